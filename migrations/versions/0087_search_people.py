"""People are looked for, and are in order, by a key of their names without accents, by index."""

import sqlalchemy as sa
from alembic import op

from app.core.texts import key_of

revision, down_revision = "0087_search_people", "0086_former_tokens"

PORTION = 2_000
READ = sa.text(
    "SELECT id, last_name, first_name, login, email, capacity FROM user_account WHERE id > :last "
    f"ORDER BY id LIMIT {PORTION}"
)
WRITE = sa.text("UPDATE user_account SET search_key = :key WHERE id = :number")


def upgrade() -> None:
    op.add_column("user_account", sa.Column("search_key", sa.String(), nullable=False, server_default=""))
    here, last = op.get_bind(), 0
    while rows := here.execute(READ, {"last": last}).all():
        last = rows[-1].id
        here.execute(WRITE, [{"number": row.id, "key": key_of(" ".join(row[1:]))} for row in rows])
    op.create_index("ix_user_account_by_name", "user_account", ["collectivity_id", "active", "search_key"])


def downgrade() -> None:
    op.drop_index("ix_user_account_by_name", "user_account")
    op.drop_column("user_account", "search_key")
