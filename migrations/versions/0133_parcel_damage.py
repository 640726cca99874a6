"""The parcels that the daily look saw damaged: `doctor` counts them, and reads none again."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0133_parcel_damage", "0132_joined_suppliers"


def upgrade() -> None:
    op.create_table(
        "parcel_damage",
        sa.Column("transmission_id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmission.id"]),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.PrimaryKeyConstraint("transmission_id"),
    )


def downgrade() -> None:
    """What is lost is seen again by the next look."""
    op.drop_table("parcel_damage")
