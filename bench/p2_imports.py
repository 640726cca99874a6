"""P2: the web starts and shows *À traiter* without pyHanko, lxml nor alembic."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.ground import ground
from bench.measure import Figure, goal

SCRIPT = """
import sys
from app import create_app
from app.core import db
from config import Settings
from bench.ground import browser
app = create_app(Settings(_env_file=None, secret_key="x" * 40, data_dir=sys.argv[2], database_url=sys.argv[1], queue_url="none:", secure_cookies=False))
assert browser(app, "a.kervadec").get("/a-traiter").status_code == 200
print(sum(name in sys.modules for name in ("pyhanko", "lxml", "alembic", "transitions.extensions.diagrams")))
"""


def run() -> dict[str, Any]:
    """How many of the heavy libraries a process holds after showing the list."""
    here = ground()
    url = here.of_size("sqlite", 1000)
    room = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url, str(here.home / "p2")],
        cwd=room,
        capture_output=True,
        text=True,
        check=True,
    )
    return goal(
        "P2",
        [Figure("heavy libraries", (float(done.stdout),), 0)],
        "sys.modules after the page, in a new process",
    )
