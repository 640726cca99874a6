"""P2: the web starts and shows *À traiter* without pyHanko, lxml nor alembic."""

import subprocess
import sys
from typing import Any

from bench.commune import PASSWORD, READER
from bench.ground import ROOT, ground
from bench.measure import Figure, goal

HEAVY = ("pyhanko", "pyhanko_certvalidator", "lxml", "alembic", "transitions.extensions")
SCRIPT = """
import re, sys
from app import create_app
client = create_app().test_client()
page = client.get("/login").get_data(as_text=True)
token = re.search(r'name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"', page).group(1)
assert client.post("/login", data={"login": sys.argv[1], "password": sys.argv[2], "csrf_token": token}).status_code == 302
answer = client.get("/a-traiter")
assert answer.status_code == 200 and "dossier" in answer.get_data(as_text=True)
print(*sorted(set(sys.modules) & set(sys.argv[3:])))
"""


def run() -> dict[str, Any]:
    """The goal's line: how many of the heavy libraries a new process holds once it has shown the list."""
    place = ground()
    url = place.of_size("sqlite", 1_000)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, READER, PASSWORD, *HEAVY],
        cwd=ROOT,
        env=place.environment(url),
        capture_output=True,
        text=True,
        check=True,
    )
    libraries = done.stdout.split()
    figure = Figure("heavy libraries", (float(len(libraries)),), 0, note=", ".join(libraries) or "none")
    return goal(
        "P2", [figure], f"of {', '.join(HEAVY)} in sys.modules after GET /a-traiter, in a new process"
    )


if __name__ == "__main__":
    print(run())
