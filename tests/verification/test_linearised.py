"""The files that Acrobat writes by default, and those that a mail gateway touched, are read as people's readers read them."""

import re
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from app.core.clock import now
from app.pdf.strays import linearised_now
from tests.builders.verify import verify
from tests.verification.corpus import Corpus, changed, no_form

ASSETS = Path(__file__).parent.parent / "assets" / "signing"


def linearised(tmp_path: Path, source: Path = ASSETS / "deliberation.pdf", **how) -> Path:
    target = tmp_path / "linearised.pdf"
    with pikepdf.open(source) as pdf:
        pdf.save(target, linearize=True, deterministic_id=True, **how)
    return target


def write(tmp_path: Path, data: bytes) -> Path:
    target = tmp_path / "signed.pdf"
    target.write_bytes(data)
    return target


STREAMS = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}


@pytest.mark.parametrize("how", [{}, STREAMS], ids=["tables", "streams"])
def test_a_linearised_file_has_one_revision_and_no_signature(made: Corpus, tmp_path: Path, how) -> None:
    assert verify(linearised(tmp_path, **how), made.trust, now()) == []


@pytest.mark.parametrize("how", [{}, STREAMS], ids=["tables", "streams"])
def test_a_linearised_file_is_signed_twice_and_both_revisions_are_counted(
    made: Corpus, tmp_path: Path, how
) -> None:
    once = made.signed(data=linearised(tmp_path, **how).read_bytes())
    path = write(tmp_path, made.signed("b_cadiou", data=once, field="Signature2"))
    first, second = verify(path, made.trust, now())
    assert (first.verdict, second.verdict) == ("valide", "valide"), (first.reason, second.reason)
    assert "la version 2 des 3 que le fichier contient" in first.covered
    assert second.covered == "La signature couvre tout le fichier."


def test_a_signature_removed_from_a_linearised_file_is_still_told(made: Corpus, tmp_path: Path) -> None:
    data = made.signed(data=linearised(tmp_path).read_bytes())
    (gone,) = verify(write(tmp_path, changed(data, no_form)), made.trust, now())
    assert (gone.verdict, "retirée" in gone.reason) == ("invalide", True)


def test_bytes_before_the_header_do_not_hide_a_signature(made: Corpus, tmp_path: Path) -> None:
    data = made.signed()
    path = write(tmp_path, b"Content-Type: application/pdf\r\n\r\n" + data)
    (only,) = verify(path, made.trust, now())
    assert (only.verdict, "octets étrangers précèdent" in only.reason) == ("indéterminé", True), only.reason
    path.write_bytes(b"\r\n" + data)
    assert verify(path, made.trust, now())[0].verdict == "valide"
    assert "34" not in only.where
    path.write_bytes(b"junk\n" + data.replace(b"/Title", b"/Tytle", 1))
    (forged,) = verify(path, made.trust, now())
    assert forged.verdict == "invalide"


def test_a_linearised_file_led_back_to_its_first_revision_still_tells_who_had_signed(
    made: Corpus, tmp_path: Path
) -> None:
    """An end of file that points at the early section of a linearised file skips the signed revision."""
    source = linearised(tmp_path).read_bytes()
    early = int(re.findall(rb"startxref\s+(\d+)\s+%%EOF", source)[-1])
    data = made.signed(data=source) + b"\nstartxref\n%d\n%%%%EOF\n" % early
    (gone,) = verify(write(tmp_path, data), made.trust, now())
    assert (gone.name, gone.verdict, "retirée" in gone.reason) == ("Armel KERVADEC", "invalide", True)


def test_an_early_section_that_no_linearisation_announces_is_a_revision_of_its_own(
    made: Corpus, tmp_path: Path
) -> None:
    """Hidden in the signed bytes, it would replace a page of what was signed: the signature does not cover it as its own."""
    source = linearised(tmp_path).read_bytes().replace(b"/Linearized", b"/Linearizes", 1)
    every = verify(write(tmp_path, made.signed(data=source)), made.trust, now())
    assert [one.covered for one in every] == ["La signature couvre tout le fichier."]


def test_a_file_that_says_to_be_linearised_at_the_length_it_has_later_is_not_believed(
    made: Corpus, tmp_path: Path
) -> None:
    """Readers would then begin with its first table, which may show another page than the one that was signed."""
    source = linearised(tmp_path).read_bytes()
    announced = re.search(rb"/L (\d+)", source)
    assert announced is not None

    def signed_with(length: int) -> bytes:
        said = b"/L %0*d" % (len(announced[1]), length)
        return made.signed(data=source.replace(announced[0], said, 1), level="B-B")

    length = len(signed_with(int(announced[1]))) + 500
    data = signed_with(length)
    assert verify(write(tmp_path, data), made.trust, now())[0].verdict == "valide"
    (only,) = verify(write(tmp_path, data.ljust(length)), made.trust, now())
    assert (only.verdict, "linéarisé" in only.reason) == ("invalide", True), only.reason


@pytest.mark.parametrize("said", ["2-000", "2000.", "+2000", "--200", "2e3"])
def test_a_length_of_linearisation_that_is_none_is_not_believed_once_the_file_goes_on(
    made: Corpus, tmp_path: Path, said: str
) -> None:
    """pdf.js reads « 2-000 » as 2000, others as something else: nobody knows which table they will begin with."""
    source = linearised(tmp_path).read_bytes()
    announced = re.search(rb"/L \d+ *", source)
    assert announced is not None
    source = source.replace(announced[0], b"/L " + said.encode().ljust(len(announced[0]) - 3), 1)
    assert b"/Linearized" in source[:1024]
    data = made.signed(data=source, level="B-B")
    (only,) = verify(write(tmp_path, data + b"\n"), made.trust, now())
    assert (only.verdict, "linéarisé" in only.changes) == ("indéterminé", True), only.changes


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        (b"/Linearized", True),
        (b"/L#69nearize#64", True),
        (b"#2F#4c#69#6E#65#61#72#69#7a#65#64", True),
        (b"#ab/L#69nearized", True),
        (b"/L#6nearized", False),
        (b"/L#2369nearized", False),  # an escaped « # » begins no other escape
        (b"/linearized", False),
    ],
)
def test_a_file_is_taken_for_linearised_however_its_name_is_written(name: bytes, taken: bool) -> None:
    begin = b"%PDF-1.7\n1 0 obj\n<< " + name + b" 1 /L "
    size = len(begin) + 10 + len(b" >>\nendobj\n")
    data = begin + b"%010d" % size + b" >>\nendobj\n"
    assert linearised_now(BytesIO(data), size) is taken
    assert not linearised_now(BytesIO(data), size + 1)
