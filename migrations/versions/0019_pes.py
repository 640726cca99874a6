"""pes: what is kept of a payment flow beside its file, so that its pages are read by slices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TABLES = ("pes_account", "pes_attachment", "pes_slip", "pes_page", "pes_name", "pes_flow")

revision, down_revision = "0019_pes", "0018_remote_batches"


def upgrade() -> None:
    _table(
        "pes_flow",
        _folder(),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("summary", JSON, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", name="pk_pes_flow"),
    )
    _table(
        "pes_name",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("body_code", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        _folder(),
        sa.PrimaryKeyConstraint("id", name="pk_pes_name"),
        sa.UniqueConstraint(
            "collectivity_id",
            "body_code",
            "file_name",
            name="uq_pes_name_collectivity_id_body_code_file_name",
        ),
    )
    _table(
        "pes_page",
        _folder(),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", "number", name="pk_pes_page"),
    )
    _table(
        "pes_slip",
        _folder(),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", "rank", name="pk_pes_slip"),
    )
    op.create_index("ix_pes_slip_key", "pes_slip", ["collectivity_id", "key"])
    _table(
        "pes_attachment",
        _folder(),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("media", sa.String(), nullable=False),
        sa.Column("first_byte", sa.Integer(), nullable=False),
        sa.Column("last_byte", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", "rank", name="pk_pes_attachment"),
    )
    _table(
        "pes_account",
        sa.Column("id", sa.Integer(), nullable=False),
        _folder(),
        sa.Column("third", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("piece", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pes_account"),
    )
    op.create_index("ix_pes_account_third", "pes_account", ["collectivity_id", "third"])
    op.create_index("ix_pes_account_folder_id", "pes_account", ["folder_id"])


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)


def _folder() -> sa.Column[int]:
    return sa.Column("folder_id", sa.Integer(), nullable=False)


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        *columns,
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name=f"fk_{name}_folder_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name=f"fk_{name}_collectivity_id"),
    )
