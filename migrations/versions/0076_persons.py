"""persons: who enters stands apart from his accounts, one for each collectivity; a certificate may serve in several of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0076_persons", "0075_trial_settings"

MOMENT = sa.DateTime(timezone=True)
OWNED = "withdrawn_at IS NULL AND NOT doubled"
PROVEN = ("factor", "recovery_code", "identity_challenge")
KEPT = (
    "id, login, email, first_name, last_name, capacity, administrator, active, theme, shortcuts, created_at, emergency,"
    " collectivity_id"
)
ENTERED = " OR ".join(
    ["password_hash IS NOT NULL", *(f"id IN (SELECT user_id FROM {one})" for one in PROVEN)]
)
COPY = "kept_accounts"


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("login", sa.String(), nullable=False, unique=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    columns = "id, login, email, password_hash, created_at"
    op.execute(f"INSERT INTO person ({columns}) SELECT {columns} FROM user_account WHERE {ENTERED}")
    if _server():
        op.execute("SELECT setval('person_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM person), false)")
    # Each has the number of his account, so that what was the account's is his as it stands
    _accounts("person_id", f"SELECT {KEPT}, CASE WHEN {ENTERED} THEN id END")
    for table in PROVEN:
        _rename(table, "user_id", "person_id", "person")
    op.add_column(
        "certificate", sa.Column("carried", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _owned(f"{OWNED} AND NOT carried")


def downgrade() -> None:
    # Only without a word where each person has the one account of his number, login and address (core/losses.py); else the
    # proofs go to his first account, the password to each, and a login that several have gets the number of its account
    here = op.get_bind()
    _owned(OWNED, before="UPDATE certificate SET doubled = true WHERE carried")
    op.drop_column("certificate", "carried")
    first = "SELECT min(u.id) FROM user_account u WHERE u.person_id = {}.person_id"
    for table in PROVEN:
        op.execute(f"DELETE FROM {table} WHERE person_id IS NOT NULL AND ({first.format(table)}) IS NULL")
    owners = {
        table: {
            row.id: row.owner
            for row in here.execute(
                sa.text(
                    f"SELECT id, ({first.format(table)}) AS owner FROM {table} WHERE person_id IS NOT NULL"
                )
            )
        }
        for table in PROVEN
    }
    for table in PROVEN:
        _rename(table, "person_id", "user_id", "user_account", owners[table])
    _logins(here)
    _accounts(
        "password_hash", f"SELECT {KEPT}, (SELECT p.password_hash FROM person p WHERE p.id = person_id)"
    )
    op.drop_table("person")


def _server() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _logins(here: sa.Connection) -> None:
    """Each account gets the login by which its person enters, once; a second one the number of its account too."""
    query = (
        "SELECT u.id, u.login AS own, coalesce(p.login, u.login) AS login FROM user_account u"
        " LEFT JOIN person p ON p.id = u.person_id ORDER BY p.id IS NULL, u.id"
    )
    taken: set[str] = set()
    changed: dict[int, str] = {}
    for row in here.execute(sa.text(query)).all():
        login = row.login
        while login in taken:
            login = f"{login}-{row.id}"
        taken.add(login)
        if login != row.own:
            changed[row.id] = login
    # Two of a collectivity may exchange theirs: none is written while another still has it
    change = sa.text("UPDATE user_account SET login = :login WHERE id = :id")
    for number in changed:
        here.execute(change, {"login": f"\t{number}", "id": number})
    for number, login in changed.items():
        here.execute(change, {"login": login, "id": number})


def _accounts(added: str, rows: str) -> None:
    """Give the accounts the column that takes the place of the other; SQLite alters no constraint, and writes them again."""
    forward = added == "person_id"
    if _server():
        if forward:
            op.drop_constraint("uq_user_account_login", "user_account")
            op.add_column("user_account", sa.Column("person_id", sa.Integer(), nullable=True))
            op.execute(f"UPDATE user_account SET person_id = id WHERE {ENTERED}")
            op.create_foreign_key(
                "fk_user_account_person_id", "user_account", "person", ["person_id"], ["id"]
            )
            op.drop_column("user_account", "password_hash")
            op.drop_index("ix_user_account_collectivity_id", "user_account")
        else:
            op.drop_constraint("uq_user_account_collectivity_id_login", "user_account")
            op.add_column("user_account", sa.Column("password_hash", sa.String(), nullable=True))
            theirs = "(SELECT p.password_hash FROM person p WHERE p.id = person_id)"
            op.execute(f"UPDATE user_account SET password_hash = {theirs}")
            op.drop_index("ix_user_account_person_id", "user_account")
            op.drop_constraint("fk_user_account_person_id", "user_account")
            op.drop_column("user_account", "person_id")
        _constraints(forward=forward)
        return
    # What names an account is checked at the end: meanwhile the rows are in a copy, and they come back under their numbers
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TEMPORARY TABLE {COPY} AS {rows} AS {added} FROM user_account")
    op.drop_table("user_account")
    owner = [
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_user_account_person_id"),
        sa.UniqueConstraint("collectivity_id", "login", name="uq_user_account_collectivity_id_login"),
    ]
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("capacity", sa.String(), nullable=False),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("shortcuts", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        # In the order of the server's table: a copy carries each row as the list of its values
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column(added, sa.Integer() if forward else sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_user_account_collectivity_id"
        ),
        *(owner if forward else [sa.UniqueConstraint("login", name="uq_user_account_login")]),
    )
    op.execute(f"INSERT INTO user_account ({KEPT}, {added}) SELECT {KEPT}, {added} FROM {COPY}")
    op.execute(f"DROP TABLE {COPY}")
    _constraints(forward=forward)


def _constraints(*, forward: bool) -> None:
    if forward:
        if _server():
            op.create_unique_constraint(
                "uq_user_account_collectivity_id_login", "user_account", ["collectivity_id", "login"]
            )
        op.create_index("ix_user_account_person_id", "user_account", ["person_id"])
        return
    if _server():
        op.create_unique_constraint("uq_user_account_login", "user_account", ["login"])
    op.create_index("ix_user_account_collectivity_id", "user_account", ["collectivity_id"])


def _rename(table: str, former: str, name: str, target: str, owners: dict[int, int] | None = None) -> None:
    """Have the column name a row of another table, whose numbers it has already, or is given."""
    indexed = table != "identity_challenge"
    if indexed:
        op.drop_index(f"ix_{table}_{former}", table)
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(f"fk_{table}_{former}", type_="foreignkey")
        batch.alter_column(former, new_column_name=name)
    for number, owner in (owners or {}).items():
        change: Any = sa.text(f"UPDATE {table} SET {name} = :owner WHERE id = :id")
        op.get_bind().execute(change, {"owner": owner, "id": number})
    with op.batch_alter_table(table) as batch:
        batch.create_foreign_key(f"fk_{table}_{name}", target, [name], ["id"])
    if indexed:
        op.create_index(f"ix_{table}_{name}", table, [name])


def _owned(condition: str, *, before: str = "") -> None:
    """The index by which a certificate has one owner."""
    op.drop_index("uq_certificate_owner", "certificate")
    if before:
        op.execute(before)
    where = sa.text(condition)
    op.create_index(
        "uq_certificate_owner",
        "certificate",
        ["fingerprint"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )
