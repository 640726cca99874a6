"""The commands of docs/api.md are true: they are run as they are written, by a shell, against a served application."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tests.api.software import Software
from tests.builders.house import ACT, INVOICE, House
from workflows.vocabulary import Right

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.fixture
def address(house: House) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1"
    server.shutdown()
    serving.join()
    server.server_close()


def test_every_command_of_the_page_does_what_it_says(house: House, address: str, tmp_path: Path) -> None:
    shutil.copy(INVOICE, tmp_path / "facture.pdf")
    for name in ("annexe", "bon-de-commande", "deliberation", "rapport"):
        shutil.copy(ACT, tmp_path / f"{name}.pdf")
    accounting = Software(house, "comptabilite", [Right.CREATE, Right.ACT])
    technique = Software(house, "technique", [Right.ACT])
    chief = Software(house, "comptabilite", [Right.REROUTE])
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -euxo pipefail", *blocks])
    script = re.sub(
        r"^export (PARAPHE|TOKEN)=.*$", "", script, flags=re.MULTILINE
    )  # the page gives those of a town
    given = {
        "PARAPHE": address,
        "TOKEN": accounting.token,
        "DESK_TOKEN": technique.token,
        "CHIEF_TOKEN": chief.token,
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={**os.environ, **given}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (folder,) = accounting.get("/folders?tray=running").json["folders"]
    assert folder["place"] == "finance"
    assert house.journal(folder["id"]) == [
        "folder.created",
        "documents.added",
        "folder.submit",
        "folder.approve",
        "folder.rerouted",
    ]
