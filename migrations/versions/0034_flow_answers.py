"""flow answers: what acquits said of each bordereau and attachment; of the flows acquitted before, all that they held."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0034_flow_answers", "0033_mandated_steps"
ACQUITTED = """
    INSERT INTO pes_answer (collectivity_id, folder_id, round, sha256, kind, series, number, accepted, pieces, faults,
                            simulated, answered_on)
    SELECT one.collectivity_id, one.folder_id, t.round, f.sha256, '{kind}', {series}, {number}, true, '[]', '[]',
           t.simulated, coalesce(t.received_on, {day})
    FROM {table} one
    JOIN pes_flow f ON f.folder_id = one.folder_id
    JOIN transmission t ON t.folder_id = one.folder_id AND t.channel = 'helios' AND t.state = 'acknowledged'
"""


def upgrade() -> None:
    op.add_column("pes_slip", sa.Column("pieces", JSON, nullable=True))
    op.create_table(
        "pes_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("pieces", JSON, nullable=False),
        sa.Column("faults", JSON, nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pes_answer"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_pes_answer_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_pes_answer_collectivity_id"
        ),
    )
    op.create_index("ix_pes_answer_series", "pes_answer", ["collectivity_id", "series", "number"])
    op.create_index("ix_pes_answer_folder_id", "pes_answer", ["folder_id", "round"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    day = "CAST(t.ended_at AS DATE)" if postgresql else "date(t.ended_at)"
    series = "substr(one.key, 1, length(one.key) - length(one.number) - 1)"
    slips = {"kind": "slip", "series": series, "number": "one.number", "table": "pes_slip"}
    files = {"kind": "attachment", "series": "''", "number": "one.unique_id", "table": "pes_attachment"}
    for values in (slips, files):
        op.execute(ACQUITTED.format(day=day, **values))


def downgrade() -> None:
    op.drop_table("pes_answer")
    op.drop_column("pes_slip", "pieces")
