"""Fail when the models and the migrations do not say the same schema (on SQLite; the tests do it on PostgreSQL too)."""

import tempfile
from pathlib import Path

from app import open_ground
from app.core import schema
from config import Settings


def main() -> None:
    with tempfile.TemporaryDirectory() as room:
        open_ground(Settings(_env_file=None, secret_key="x" * 40, data_dir=Path(room)))
        schema.upgrade()
        schema.check()
        schema.downgrade()


if __name__ == "__main__":
    main()
