"""The demonstration begins its background work when what that work speaks to answers: no first letter fails."""

import io
import os
import re
import socket
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest

import app
from app.core import schema
from app.invoices.enclosed import data_in
from app.invoices.reading import read_invoice
from app.operations import processes
from demo import __main__ as demo
from demo import cast, papers, pki, seed
from demo.pki_recipe import PERSONS
from tests.cluster import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """A first start, up to its processes: what they were given, its `port`, what was printed `before` the seed and `after`."""
    started: dict[str, Any] = {"port": free_port()}

    def run(**how: Any) -> int:
        started.update(how)
        return 0

    monkeypatch.setattr("sys.argv", ["demo"])
    monkeypatch.setattr(demo, "HOME", tmp_path)
    monkeypatch.setattr(demo, "environment", lambda port: {"pki": port + 1, "smtp": port + 2})
    monkeypatch.setattr(pki, "make", lambda *_: None)
    monkeypatch.setattr(pki, "serve", lambda *_: io.BytesIO())  # what is closed
    monkeypatch.setattr(app, "create_app", lambda: None)
    monkeypatch.setattr(schema, "upgrade", lambda: None)
    monkeypatch.setattr(seed, "is_seeded", lambda: False)
    monkeypatch.setattr(seed, "seed", lambda _: started.update(before=capsys.readouterr().out))
    monkeypatch.setattr(processes, "run", run)
    monkeypatch.setenv("PORT", str(started["port"]))
    assert demo.main() == 0
    return {**started, "after": capsys.readouterr().out}


def test_the_worker_waits_for_the_mail_catcher_and_the_test_authority(started: dict[str, Any]) -> None:
    assert "services" in started["more"]
    assert sorted(started["needs"]) == [started["port"] + 1, started["port"] + 2]


def test_make_demo_says_what_it_installs_and_what_it_prepares_before_it_does(started: dict[str, Any]) -> None:
    """Who waits is told what for, before each long part, and where to go at the end."""
    assert "Préparation de la commune" in started["before"]
    assert f"http://localhost:{started['port']}/demo" in started["after"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    recipe = subprocess.run(  # what `make demo` would do on a machine where nothing is installed yet
        ["make", "-n", "-W", "requirements.txt", ".venv/.demo"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env=own,  # under `make test`, the outer make would have this one print its directories among the lines
    ).stdout
    assert recipe.index("quelques minutes la première fois") < recipe.index("pip install")
    assert "--quiet" not in recipe  # pip says itself how far each download is


def test_a_port_that_is_taken_is_named_before_anything_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "HOME", tmp_path / "demo")
    (tmp_path / "demo").mkdir()
    monkeypatch.setattr("sys.argv", ["demo", "reset"])
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for asked, words in (
            (str(port), f"Le port {port} est déjà pris"),
            ("huit", "PORT=huit n’est pas un port"),
        ):
            monkeypatch.setenv("PORT", asked)
            assert demo.main() == 1
            assert words in capsys.readouterr().err
        (tmp_path / "demo" / "pki.port").write_text(str(port))
        monkeypatch.setattr("sys.argv", ["demo"])
        monkeypatch.setenv("PORT", str(free_port()))
        assert demo.main() == 1
        assert f"le port {port}, qu’un autre programme occupe" in capsys.readouterr().err
    assert [one.name for one in (tmp_path / "demo").iterdir()] == ["pki.port"]


def test_the_invoices_of_the_demonstration_are_the_commune_s_own_and_hold_together(tmp_path: Path) -> None:
    sample = data_in(seed.SAMPLES / "invoices" / "fx-basic-fr-ok.pdf")[1]
    for supplier in (papers.HEATING, papers.JOINERY):
        made = papers.invoice(
            sample, tmp_path / "i.xml", supplier, "F-1", date(2026, 11, 20), "Travaux & pose", Decimal(640)
        )
        read = read_invoice(made, "application/xml")
        assert read
        assert (read.problems, read.oddities, read.missing) == ((), (), ())
        assert read.fields["seller"] == supplier.name
        assert read.fields["total_ttc"] == "930.00"
        shown = " ".join(value for _, value in read.rows)
        assert "Commune de Kerlann-sur-Mer" in shown
        assert "Val de Loire" not in shown


def test_the_papers_of_the_demonstration_name_the_same_commune_and_the_same_people(tmp_path: Path) -> None:
    act = pdfium.PdfDocument(seed.SAMPLES / seed.ACT)
    printed = " ".join("".join(page.get_textpage().get_text_range() for page in act).split())
    people = {one.login: one for one in cast.EVERYBODY}
    mayor, secretary = people["a.kervadec"], cast.SECRETARY
    for words, one in (("Le maire", mayor), ("Le secrétaire de séance", secretary)):
        assert f"{words} {one.first_name} {one.last_name.upper()}" in printed
    assert "b.cadiou" not in people
    keys = {one.label: one.name for one in PERSONS}
    for one in people.values():
        assert one.certificate is None or keys[one.certificate].casefold() == one.name.casefold()
    # Each stamp stands in the frame drawn for its person, beside the name, and covers no word.
    page = act[1]
    words, frames = page.get_textpage(), ((68.7, 292.9), (296.9, 521.0))
    for name, box, (left, right) in (
        (mayor.last_name, seed.MAYOR_S_BOX, frames[0]),
        (secretary.last_name, seed.SECRETARY_S_BOX, frames[1]),
    ):
        assert name.upper() in words.get_text_bounded(left, 706.5, right, 779.1)
        assert left < box.x1 < box.x2 < right
        assert 706.5 < box.y1 < box.y2 < 779.1
        assert words.get_text_bounded(box.x1, box.y1, box.x2, box.y2).strip() == ""
    assert papers.SIRET in printed.replace(" ", "")
    for name in seed.FLOWS:
        sirets = set(re.findall(rb"212909998\d{5}", papers.flow((seed.SAMPLES / name).read_bytes())))
        assert sirets == {papers.SIRET.encode()}
