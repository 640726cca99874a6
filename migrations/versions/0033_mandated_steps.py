"""mandated steps: what a mandate looks at in an act, kept with each step that waits for a signature."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0033_mandated_steps", "0032_relay_silence"


def upgrade() -> None:
    op.add_column("step_run", sa.Column("matter", sa.String(), nullable=True))
    op.add_column("step_run", sa.Column("amount_cents", sa.BigInteger(), nullable=True))
    _from_the_folders()


def _from_the_folders() -> None:
    """Of the steps of signature that are there, as `app.folders.facts.act_of` reads a folder."""
    connection = op.get_bind()
    # As the families are on the day of this migration.
    matter = (
        "f.fields->>'matter'"
        if connection.dialect.name == "postgresql"
        else "json_extract(f.fields, '$.matter')"
    )
    classed = "'budget', 'contract', 'decision', 'deliberation', 'individual_decree', 'other_act', 'regulatory_decree'"
    priced = "'contract', 'decision', 'invoice', 'pes', 'pes_payroll'"
    connection.exec_driver_sql(
        f"UPDATE step_run SET matter = CASE WHEN family IN ({classed}) THEN "
        f"(SELECT COALESCE({matter}, '') FROM folder f WHERE f.id = step_run.folder_id) END, "
        f"amount_cents = CASE WHEN family IN ({priced}) THEN "
        "(SELECT abs(f.amount_cents) FROM folder f WHERE f.id = step_run.folder_id) ELSE 0 END "
        "WHERE kind IN ('sign', 'seal')"
    )


def downgrade() -> None:
    op.drop_column("step_run", "amount_cents")
    op.drop_column("step_run", "matter")
