"""people: signing mandates; signing: by which one a signature was made, for what a certificate is, what level it reached."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0015_mandates", "0014_appearance"


def upgrade() -> None:
    op.create_table(
        "mandate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("given_by_id", sa.Integer()),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("order_date", sa.Date()),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("families", JSON, nullable=False),
        sa.Column("matters", JSON, nullable=False),
        sa.Column("ceiling_cents", sa.BigInteger()),
        sa.Column("rank", sa.Integer()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by", sa.String()),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mandate"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_mandate_user_id"),
        sa.ForeignKeyConstraint(["given_by_id"], ["mandate.id"], name="fk_mandate_given_by_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_mandate_collectivity_id"),
    )
    op.create_index("ix_mandate_user_id", "mandate", ["user_id"])
    for table in ("signature_session", "signature_proof"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("mandate_id", sa.Integer()))
            batch.create_foreign_key(f"fk_{table}_mandate_id", "mandate", ["mandate_id"], ["id"])
    op.add_column("certificate", sa.Column("purpose", sa.String(), server_default="acts", nullable=False))
    op.add_column("signature_proof", sa.Column("assurance", sa.String()))


def downgrade() -> None:
    op.drop_column("signature_proof", "assurance")
    op.drop_column("certificate", "purpose")
    for table in ("signature_proof", "signature_session"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_mandate_id", type_="foreignkey")
            batch.drop_column("mandate_id")
    op.drop_table("mandate")
