"""What is around the documents of a parcel that was sent, by which it is made again, and which ones are to be looked at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0131_parcel_frames", "0130_register"
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
INDEX = "ix_transmission_parcel"
WHICH = sa.text("parcel IN ('', 'framed') AND state = 'acknowledged' AND package_sha256 IS NOT NULL")


def upgrade() -> None:
    op.add_column("transmission", sa.Column("parcel", sa.String(), nullable=False, server_default=""))
    op.create_index(INDEX, "transmission", ["ended_at", "id"], sqlite_where=WHICH, postgresql_where=WHICH)
    op.create_table(
        "parcel_frame",
        sa.Column("transmission_id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("wrap", sa.String(), nullable=False),
        sa.Column("parts", JSON, nullable=False),
        sa.Column("around", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmission.id"]),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.PrimaryKeyConstraint("transmission_id"),
    )


def downgrade() -> None:
    """The parcels that were let go are not made again here: `downgrade` refuses while there is one (`app/core/losses.py`)."""
    op.drop_table("parcel_frame")
    op.drop_index(INDEX, table_name="transmission")
    op.drop_column("transmission", "parcel")
