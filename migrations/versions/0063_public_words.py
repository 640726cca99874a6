"""The public page finds acts by index: their words, their year, their nature."""

from alembic import op

revision, down_revision = "0063_public_words", "0062_circuit_draft"

INDEXES = {
    "ix_public_act_year": "(collectivity_id, year, online_since, id)",
    "ix_public_act_nature": "(collectivity_id, family, nature, online_since, id)",
}
WORDS = "ix_public_act_words"
GONE = "INSERT INTO fts_public_act(fts_public_act, rowid, title_key) VALUES ('delete', old.id, old.title_key)"
COME = "INSERT INTO fts_public_act(rowid, title_key) VALUES (new.id, new.title_key)"
TRIGGERS = {
    "fts_public_act_come": f"AFTER INSERT ON public_act BEGIN {COME}; END",
    "fts_public_act_changed": (
        f"AFTER UPDATE OF title_key ON public_act WHEN old.title_key <> new.title_key BEGIN {GONE}; {COME}; END"
    ),
    "fts_public_act_gone": f"AFTER DELETE ON public_act BEGIN {GONE}; END",
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON public_act {columns}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE INDEX {WORDS} ON public_act USING gin (collectivity_id, title_key gin_trgm_ops)")
        return
    op.execute(
        "CREATE VIRTUAL TABLE fts_public_act USING fts5(title_key, content='public_act', content_rowid='id', "
        "tokenize='trigram', detail='none', columnsize=0)"
    )
    op.execute("INSERT INTO fts_public_act(fts_public_act) VALUES ('rebuild')")
    for name, body in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {body}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE fts_public_act")
    else:
        op.execute(f"DROP INDEX {WORDS}")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
