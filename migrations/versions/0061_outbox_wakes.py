"""A row of the outbox that stands, or becomes due, wakes the worker: on PostgreSQL a trigger says so on the channel.

SQLite needs nothing: the worker sees each commit to the file. The queue of before, which carried « row n is ready » and
nothing else, goes from a PostgreSQL base that held it; the rows are in the outbox.
"""

from alembic import op

revision, down_revision = "0061_outbox_wakes", "0060_document_blocks"
SAYS = """
CREATE FUNCTION outbox_wakes() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('paraphe_outbox', ''); RETURN NULL; END $$
"""
WHEN = """
CREATE TRIGGER outbox_wakes AFTER INSERT OR UPDATE OF available_at ON outbox
FOR EACH STATEMENT EXECUTE FUNCTION outbox_wakes()
"""
QUEUE = ("huey_kv", "huey_schedule", "huey_counter", "huey_task")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(SAYS)
        op.execute(WHEN)
        for name in QUEUE:
            op.execute(f"DROP TABLE IF EXISTS {name}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER outbox_wakes ON outbox")
        op.execute("DROP FUNCTION outbox_wakes()")
