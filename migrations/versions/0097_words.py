"""A search finds a folder by the words inside its documents and notes, by an amount, and by who deposited it.

The words of what was deposited before are read by the command `words`; the notes already written are made ready here.
"""

import sqlalchemy as sa
from alembic import op

from app.core.stems import forms_in, joined

revision, down_revision = "0097_words", "0096_bounces"

PORTION = 1_000
VECTOR = (
    "array_to_tsvector(array_remove(string_to_array(((title || documents) || notes), ' '::text), ''::text))"
)
PARTS = "title, documents, notes"
# FTS5 is told the former words before it forgets them: it keeps none of the text itself
GONE = f"INSERT INTO fts_words(fts_words, rowid, {PARTS}) VALUES ('delete', old.folder_id, old.title, old.documents, old.notes)"
COME = f"INSERT INTO fts_words(rowid, {PARTS}) VALUES (new.folder_id, new.title, new.documents, new.notes)"
TRIGGERS = {
    "fts_words_come": f"AFTER INSERT ON folder_words BEGIN {COME}; END",
    "fts_words_changed": f"AFTER UPDATE ON folder_words BEGIN {GONE}; {COME}; END",
    "fts_words_gone": f"AFTER DELETE ON folder_words BEGIN {GONE}; END",
}
INDEXES = {
    "ix_folder_amount": ("folder", "collectivity_id, amount_cents", ""),
    "ix_folder_depositor": ("folder", "depositor_user_id, id", ""),
    "ix_folder_note_alone": ("folder_note", "user_id, id", " WHERE reach = 'alone'"),
    "ix_folder_note_desk": ("folder_note", "desk_id, id", " WHERE reach = 'desk'"),
}


def upgrade() -> None:
    op.create_table(
        "folder_words",
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False, primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("documents", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
    )
    op.create_table(
        "document_words",
        sa.Column(
            "document_id", sa.Integer(), sa.ForeignKey("document.id"), nullable=False, primary_key=True
        ),
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("version_id", sa.Integer(), sa.ForeignKey("document_version.id"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("stems", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.CheckConstraint("state IN ('read','none','failed')", name="state_known"),
    )
    op.create_index("ix_document_words_folder_id", "document_words", ["folder_id"])
    op.add_column("folder_note", sa.Column("stems", sa.String(), nullable=False, server_default=""))
    _stem(op.get_bind())
    for name, (table, columns, where) in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {table} ({columns}){where}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE INDEX ix_folder_words_stems ON folder_words USING gin (collectivity_id, ({VECTOR}))"
        )
        return
    op.execute(
        f"CREATE VIRTUAL TABLE fts_words USING fts5({PARTS}, content='folder_words', content_rowid='folder_id', "
        "tokenize='ascii', columnsize=0)"
    )
    for name, body in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {body}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE fts_words")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.drop_column("folder_note", "stems")
    op.drop_table("document_words")
    op.drop_table("folder_words")


def _stem(here: sa.Connection) -> None:
    last = 0
    read = sa.text("SELECT id, words FROM folder_note WHERE id > :last ORDER BY id LIMIT :most")
    while rows := here.execute(read, {"last": last, "most": PORTION}).all():
        last = rows[-1].id
        stems = [{"number": row.id, "stems": joined(forms_in(row.words))} for row in rows]
        here.execute(sa.text("UPDATE folder_note SET stems = :stems WHERE id = :number"), stems)
