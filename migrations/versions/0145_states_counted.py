"""PostgreSQL counts the states of steps in a larger sample: those that wait are some hundreds among millions.

In the usual sample of 30,000 rows they are often none. The planner then takes them for one, and reads all that wait anywhere to
find the step of one folder, for each folder of a list. SQLite keeps no such sample.
"""

from alembic import op

revision, down_revision = "0145_states_counted", "0144_days_by_name"

SAMPLE, USUAL = 1000, -1


def upgrade() -> None:
    _count(SAMPLE)


def downgrade() -> None:
    _count(USUAL)


def _count(target: int) -> None:
    here = op.get_bind()
    if here.dialect.name != "postgresql":
        return
    here.exec_driver_sql(f"ALTER TABLE step_run ALTER COLUMN state SET STATISTICS {target}")
    # What was counted of an empty table would be believed of the first thousands of its rows
    if here.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM step_run)").scalar():
        here.exec_driver_sql("ANALYZE step_run (state)")
