"""Start the processes of an installation together; when one falls, all stop, and the system starts them again."""

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*, bind: str, port: int, workers: int, more: Mapping[str, str] | None = None) -> int:
    """Run the web server and the worker until one ends or a signal comes; returns the exit code."""
    from honcho.manager import Manager

    web = (
        f"{sys.executable} -m gunicorn --workers {workers} --threads 4 --worker-class gthread --bind {bind}:{port} "
        "--timeout 120 --graceful-timeout 20 wsgi:app"
    )
    commands = {"web": web, "worker": f"{sys.executable} -m flask --app wsgi worker", **(more or {})}
    manager = Manager()
    for name, command in commands.items():
        manager.add_process(name, f"exec {command}", cwd=str(ROOT))
    manager.loop()
    return int(manager.returncode or 0)
