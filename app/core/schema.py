"""Bring a database to the schema of this version, back, or say how far it is; alembic is loaded here only."""

from pathlib import Path
from typing import Any

from app.core.refusals import Refusal

ROOT = Path(__file__).resolve().parents[2]


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("version_locations", str(ROOT / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(revision: str = "head") -> None:
    """Bring the database up; each migration is one transaction."""
    from alembic import command

    command.upgrade(_config(), revision)


def downgrade(revision: str = "base") -> None:
    """Bring the database down; refuses `revision-unknown`, and changes nothing then."""
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        command.downgrade(_config(), revision)
    except CommandError as error:
        raise Refusal("revision-unknown", revision=revision) from error


def check() -> None:
    """Raise when the models and the migrations do not say the same schema."""
    from alembic import command

    command.check(_config())


def revisions() -> tuple[str | None, str]:
    """The revision of the database, and the one that this version needs."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from app.core.db import engine

    with engine().connect() as connection:
        now = MigrationContext.configure(connection).get_current_revision()
    return now, str(ScriptDirectory.from_config(_config()).get_current_head())
