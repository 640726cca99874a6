"""Start the processes of an installation together; when one falls, all stop, and the system starts them again."""

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 25
"""How long what is under way may still take once a stop is asked; after it, the processes are killed."""


def run(*, bind: str, port: int, workers: int, more: Mapping[str, str] | None = None) -> int:
    """Run the web server and the worker until one ends or a signal comes; returns the exit code."""
    from honcho import manager as honcho

    honcho.KILL_WAIT = STOP_SECONDS
    web = (
        f"{sys.executable} -m gunicorn --workers {workers} --threads 4 --worker-class gthread --bind {bind}:{port} "
        f"--timeout 120 --graceful-timeout {STOP_SECONDS - 5} --no-control-socket wsgi:app"
    )
    commands = {"web": web, "worker": f"{sys.executable} -m flask --app wsgi worker", **(more or {})}
    manager = honcho.Manager()
    for name, command in commands.items():
        manager.add_process(name, f"exec {command}", cwd=str(ROOT))
    manager.loop()
    return int(manager.returncode or 0)


if __name__ == "__main__":  # by `flask --app wsgi serve`, without the application
    sys.exit(run(bind=sys.argv[1], port=int(sys.argv[2]), workers=int(sys.argv[3])))
