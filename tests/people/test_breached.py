"""Passwords of known breaches: found in the operator's file wherever they stand, and refused to who chooses one."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.people import breached
from tests.builders.house import House
from tests.mailserver import MailServer
from tests.people.test_reset import NEW, ask, enters, links, said_to

pytestmark = pytest.mark.in_turn

COUNT = 300


def digest(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture
def stolen(tmp_path: Path) -> Iterator[Path]:
    """The file that is asked; given back afterwards."""
    path = tmp_path / "vols.txt"
    breached.configure(path)
    yield path
    breached.configure(None)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("counted", [True, False])
def test_each_line_of_a_file_is_found_and_nothing_else_is(stolen: Path, end: str, counted: bool) -> None:
    """Counts of all lengths make lines of all lengths, so that a bisection by bytes falls everywhere in them."""
    chance = random.Random(7)
    words = [f"mot de passe {rank}" for rank in range(COUNT)]
    lines = sorted(digest(one) + (f":{10 ** chance.randrange(8)}" if counted else "") for one in words)
    for last in (end, ""):
        stolen.write_bytes((end.join(lines) + last).encode())
        assert all(map(breached.known, words))
        assert not any(breached.known(f"autre {rank}") for rank in range(COUNT))
        assert 0.5 < breached.sample(stolen) / COUNT < 1.5
    for few in (lines[:1], lines[:2]):
        stolen.write_text(end.join(few).lower())
        assert sum(map(breached.known, words)) == len(few)


def test_only_the_way_to_a_line_is_read(stolen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many reads as the size of the file has bits, so some thirty-six for forty gigabytes."""
    lines = sorted(digest(f"mot {rank}") for rank in range(COUNT))
    stolen.write_text("\n".join(lines) + "\n")
    reads = 0
    read = breached._next_line

    def counted(*where: object) -> tuple[int, bytes | None]:
        nonlocal reads
        reads += 1
        return read(*where)  # type: ignore[arg-type]

    monkeypatch.setattr(breached, "_next_line", counted)
    assert breached.known("mot 7")
    assert reads <= stolen.stat().st_size.bit_length()


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"", "vide"),
        (b"motdepasse\n" * 9, "SHA-1"),
        (b"A" * 500, "SHA-1"),
        (b"\0" * 5_000_000, "SHA-1"),
        (b"".join(b"%040X\n" % rank for rank in range(900, 0, -1)), "ordre"),
        (b"8846F7EAEE8FB117AD06BDD830B7586C:9\n" * 9, "SHA-1"),  # the NTLM file of the same site
    ],
)
def test_a_file_of_something_else_is_said_and_stops_nobody(stolen: Path, held: bytes, said: str) -> None:
    stolen.write_bytes(held)
    with pytest.raises(breached.StrangeFileError, match=said):
        breached.sample(stolen)
    assert not breached.known(NEW)
    stolen.unlink()
    assert not breached.known(NEW)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_password_of_the_file_is_refused_and_the_link_still_serves(
    house: House, mail: MailServer, stolen: Path
) -> None:
    stolen.write_text("\n".join(sorted(digest(one) for one in ("0", NEW, "1"))))
    ask(house)
    (link,) = links(mail)
    refused = said_to(house, link)
    assert refused.status_code == 422
    assert "mots de passe volés" in refused.get_data(as_text=True).replace("\xa0", " ")
    assert not enters(house, NEW)
    assert said_to(house, link, "cheval lune bateau").status_code == 302
