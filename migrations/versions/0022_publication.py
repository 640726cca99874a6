"""publication: the public page of each collectivity, its acts, their versions and files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

revision, down_revision = "0022_publication", "0021_legality"


def _tenant(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    return (
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name=f"fk_{table}_collectivity_id"),
    )


def upgrade() -> None:
    op.create_table(
        "public_site",
        *_tenant("public_site"),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("collectivity_id", name="pk_public_site"),
        sa.UniqueConstraint("slug", name="uq_public_site_slug"),
    )
    texts = ("key", "family", "label", "number", "title", "title_key", "nature", "matter")
    op.create_table(
        "public_act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("decided_on", sa.Date()),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("authors", JSON, nullable=False),
        sa.Column("online_since", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("withdrawal", sa.String()),
        *_tenant("public_act"),
        sa.PrimaryKeyConstraint("id", name="pk_public_act"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_public_act_folder_id"),
        sa.UniqueConstraint("folder_id", name="uq_public_act_folder_id"),
        sa.UniqueConstraint("key", name="uq_public_act_key"),
    )
    op.create_index(
        "ix_public_act_collectivity_id_online_since", "public_act", ["collectivity_id", "online_since", "id"]
    )
    op.create_table(
        "public_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("act_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.Column("online_at", MOMENT, nullable=False),
        sa.Column("put_by", sa.String(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended", sa.String()),
        sa.Column("ended_by", sa.String()),
        sa.Column("reason", sa.String(), nullable=False),
        *_tenant("public_version"),
        sa.PrimaryKeyConstraint("id", name="pk_public_version"),
        sa.ForeignKeyConstraint(["act_id"], ["public_act.id"], name="fk_public_version_act_id"),
        sa.UniqueConstraint("act_id", "rank", name="uq_public_version_act_id_rank"),
        sa.CheckConstraint("ended IN ('replaced','withdrawn')", name="ck_public_version_ended_known"),
    )
    op.create_index(
        "uq_public_version_online",
        "public_version",
        ["act_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    texts = ("role", "title", "filename", "media_type", "sha256")
    op.create_table(
        "public_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("document_version_id", sa.Integer(), nullable=False),
        sa.Column("altered_at", MOMENT),
        *_tenant("public_file"),
        sa.PrimaryKeyConstraint("id", name="pk_public_file"),
        sa.ForeignKeyConstraint(["version_id"], ["public_version.id"], name="fk_public_file_version_id"),
        sa.ForeignKeyConstraint(
            ["document_version_id"], ["document_version.id"], name="fk_public_file_document_version_id"
        ),
        sa.UniqueConstraint("version_id", "position", name="uq_public_file_version_id_position"),
    )


def downgrade() -> None:
    for table in ("public_file", "public_version", "public_act", "public_site"):
        op.drop_table(table)
