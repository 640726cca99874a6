"""Acts of a nature in one year, those on which somebody must decide, decisions to report: read by an index that names them."""

from alembic import op

revision, down_revision = "0069_small_indexes", "0068_named_circuits"

QUESTIONED = "ix_public_act_questioned ON public_act"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_public_act_nature_year ON public_act (collectivity_id, family, nature, year, online_since, id)"
    )
    op.execute("DROP INDEX ix_public_act_questioned")
    op.execute(f"CREATE INDEX {QUESTIONED} (collectivity_id, questioned_on) WHERE questioned_on IS NOT NULL")

    op.execute("CREATE INDEX ix_folder_decisions ON folder (collectivity_id, id) WHERE family = 'decision'")


def downgrade() -> None:
    op.execute("DROP INDEX ix_folder_decisions")
    op.execute("DROP INDEX ix_public_act_questioned")
    op.execute(f"CREATE INDEX {QUESTIONED} (collectivity_id) WHERE questioned_on IS NOT NULL")
    op.execute("DROP INDEX ix_public_act_nature_year")
