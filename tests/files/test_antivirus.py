"""A deposited file is shown to the scanner first: what it names, or does not look at, is not kept; and nothing says « sain »."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.core.refusals import Refusal
from app.files import antivirus
from app.files.intake import examine
from app.folders import deposit
from app.operations import doctor
from app.operations.premises import EICAR
from tests.assets import make_hostile
from tests.builders.clamd import Clamd, clamd
from tests.builders.house import INVOICE, House
from tests.cluster import free_port
from tests.folders.test_deposit import post_files

pytestmark = pytest.mark.in_turn


@pytest.fixture
def scanner() -> Iterator[Clamd]:
    with clamd() as server:
        yield server
    antivirus.configure("", required=True, seconds=60)


def taken(path: Path, room: Path) -> tuple[str, ...]:
    """What is said of a file that was taken, or the key of its refusal."""
    try:
        return examine(
            path, path.name, role="annex", to_be_signed=False, formats=(), office=None, workdir=room
        ).notes
    except Refusal as refusal:
        return (refusal.key,)


def test_only_what_the_scanner_says_in_full_is_a_file_that_was_looked_at(
    scanner: Clamd, tmp_path: Path
) -> None:
    sound, ill = tmp_path / "sain.xml", tmp_path / "atteint.xml"
    sound.write_bytes(b"<a>" + b"x" * 200_000 + b"</a>")
    ill.write_bytes(b"<a>" + b"x" * (antivirus.PIECE - 40) + EICAR + b"</a>")  # across two pieces
    before = taken(sound, tmp_path)
    antivirus.configure(scanner.url, required=True, seconds=5)
    assert taken(sound, tmp_path) == before
    assert taken(ill, tmp_path) == ("file-infected",)
    for answer in (
        b"",
        b"stream: OK FOUND\0stream: OK\0",
        b"OK\0",
        b"stream: x ERROR\0",
        b"\xff" * 9000,
        b"stream:  FOUND\0",
    ):
        scanner.answer = answer
        antivirus.configure(scanner.url, required=True, seconds=5)
        assert taken(sound, tmp_path) == ("antivirus-silent",), answer
        antivirus.configure(scanner.url, required=False, seconds=5)
        assert taken(sound, tmp_path) == (*before, antivirus.UNSEEN)
    scanner.answer, scanner.most = None, 1000
    antivirus.configure(scanner.url, required=True, seconds=5)
    assert taken(sound, tmp_path) == ("antivirus-too-large",)
    antivirus.configure(scanner.url, required=False, seconds=5)
    assert taken(sound, tmp_path) == (*before, antivirus.UNSEEN_LARGE)
    antivirus.configure(scanner.url, required=True, seconds=5)
    scanner.answer, scanner.most = b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", 1 << 30
    assert taken(sound, tmp_path) == ("antivirus-too-large",)
    antivirus.configure(f"unix:{tmp_path}/absent.ctl", required=True, seconds=5)
    assert taken(sound, tmp_path) == ("antivirus-silent",)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_infected_deposit_leaves_a_line_and_nothing_else_and_the_doctor_tries_the_scanner(
    house: House, scanner: Clamd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = house.settings.model_copy(update={"antivirus_url": scanner.url, "upload_limit_mb": 1})
    house.app = create_app(chosen)
    ill = tmp_path / "facture.pdf"
    ill.write_bytes(INVOICE.read_bytes() + b"\n%" + EICAR)
    capsys.readouterr()
    status, page, drafts = post_files(house, [ill])
    assert (status, drafts) == (422, [])
    assert "l’antivirus, qui y reconnaît" in page
    said = capsys.readouterr().err
    assert '"event": "file.infected"' in said
    assert f'"user": {house.actor("g.trehorel").user_id}' in said
    assert post_files(house, [INVOICE])[2] == ["fx-basic-fr-ok"]

    def told() -> tuple[bool, str]:
        [finding] = doctor.examine(chosen, ["antivirus"])
        return finding.ok, finding.sentence

    assert told()[0], told()
    scanner.answer = b"stream: OK\0"
    assert "EICAR" in told()[1]
    scanner.answer, scanner.most = None, 1000
    assert "StreamMaxLength" in told()[1]
    chosen = chosen.model_copy(update={"antivirus_url": f"tcp://127.0.0.1:{free_port()}"})
    assert told() == (False, told()[1])
    assert "les dépôts sont refusés" in told()[1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_nobody_looked_at_is_said_of_each_copy_that_was_made_of_it(
    house: House, scanner: Clamd, tmp_path: Path
) -> None:
    scanner.answer = b"\0"  # it says neither the one nor the other
    settings = house.settings.model_copy(update={"antivirus_url": scanner.url, "antivirus_required": False})
    house.app = create_app(settings)

    def noted(folder_id: int, role: str = "main") -> list[bool]:
        """Of each version, whether it is said that nobody looked at it."""
        return [antivirus.UNSEEN in one.note["facts"] for one in house.versions(folder_id, role)]

    invoice = house.an_invoice(at="draft")
    assert (noted(invoice), noted(invoice, "data")) == (
        [True],
        [True],
    )  # the XML that was taken out of the PDF
    broken = tmp_path / "acte.pdf"
    broken.write_bytes(make_hostile.broken_xref())
    folder_id = house.a_deliberation(at="draft", path=broken)
    (main,) = {one.document_id for one in house.versions(folder_id)}
    deposit.accept_repair(house.actor("k.morizur"), folder_id, main)
    assert noted(folder_id) == [True, True]
    settings = house.settings.model_copy(update={"antivirus_url": ""})
    house.app = create_app(settings)
    assert noted(house.an_invoice(at="draft")) == [False]
