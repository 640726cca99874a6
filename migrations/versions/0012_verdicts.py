"""verdicts: what was judged of the signatures of kept bytes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0012_verdicts", "0011_transmission_versions"


def upgrade() -> None:
    op.create_table(
        "verdict_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("verdicts", JSON, nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdict_record"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_verdict_record_collectivity_id"
        ),
        sa.UniqueConstraint("collectivity_id", "sha256", name="uq_verdict_record_collectivity_id_sha256"),
    )


def downgrade() -> None:
    op.drop_table("verdict_record")
