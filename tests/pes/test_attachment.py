"""An attachment is taken out of a flow as it is, and never costs more memory than it may."""

import gzip
import io
from base64 import b64encode
from pathlib import Path

import pytest

from app.core.french import taille
from app.core.refusals import Refusal
from app.pes import attachment
from app.pes.attachment import content, kind_of, look
from app.pes.flow import Attachment
from app.pes.payslips import payslips
from app.pes.reading import read_flow
from tests.builders.flows import PAYSLIPS, encoded, rich
from tests.builders.house import ACT, House

pytestmark = pytest.mark.in_turn


def element(body: bytes, start: bytes = b'<Fichier MIMEType="x">') -> bytes:
    return start + body


def taken(body: bytes, step: int = 7, **more: bytes) -> bytes:
    data = b"before" + element(body, **more) + b"after"
    pieces = (data[at : at + step] for at in range(0, len(data), step))
    return content(pieces, 6, len(data) - 5)


def test_a_file_is_what_it_was_whatever_the_pieces_in_which_it_is_read() -> None:
    for step in (1, 7, 4096):
        assert taken(encoded(b"%PDF-1.7 \xe9" * 50), step) == b"%PDF-1.7 \xe9" * 50
    folded = b"\r\n  ".join([encoded(b"abc")[:9], encoded(b"abc")[9:]])
    assert taken(folded) == b"abc"
    assert taken(encoded(b"abc"), start=b"<Fichier\n MIMEType='a>b' x=\"</>\" >") == b"abc"
    assert taken(b64encode(b"not compressed")) == b"not compressed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"!!!!",
        encoded(b"abc")[:-8],
        encoded(b"abc")[:-1],
        b64encode(gzip.compress(b"abc")[:-9]),
        b64encode(b"\x1f\x8b\x08no"),
        b"<a/>",
    ],
    ids=["empty", "not base64", "cut", "a letter less", "cut gzip", "no gzip", "elements"],
)
def test_what_is_not_a_file_is_refused_with_its_reason(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        taken(body)
    assert caught.value.key == "attachment-unreadable"
    assert caught.value.facts["why"]


def test_a_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment, "LIMIT", 1000)
    assert len(taken(encoded(bytes(1000)))) == 1000
    with pytest.raises(Refusal) as caught:
        taken(encoded(bytes(1001)))
    assert "dépasse" in caught.value.facts["why"]


def test_each_attachment_is_opened_once_at_intake_and_what_would_not_read_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gzip forgotten, a bomb, a cut, nothing, something else than was announced; and no more than so much for all."""
    bodies = {
        "right": encoded(b"%PDF-1.7 right"),
        "raw": b64encode(b"%PDF-1.7 not compressed"),
        "bomb": encoded(bytes(2000)),
        "cut": encoded(b"%PDF-1.7 cut" * 50)[:-8],
        "void": b"",
        "other": encoded(b"<html>"),
        "last": encoded(b"%PDF-1.7 last"),
    }
    flow, listed = b"before", []
    for name, body in bodies.items():
        part = element(body)
        place = (len(flow), len(flow) + len(part))
        listed.append(Attachment(name, f"{name}.pdf", "003", "", "application/pdf", "", *place))
        flow += part + b"</Fichier>"
    monkeypatch.setattr(attachment, "LIMIT", 1000)
    told = {one.unique_id: why for one, why in look(io.BytesIO(flow), listed)}
    assert told == {
        "raw": "son contenu n’est pas compressé (gzip), ce que le format PES demande",
        "bomb": f"décompressée, elle dépasse {taille(1000)}",
        "cut": "son contenu est coupé",
        "void": "son contenu est vide",
        "other": "elle est annoncée comme un PDF et n’en est pas un",
    }
    monkeypatch.setattr(attachment, "LOOKED_AT", 30)
    found = [one.unique_id for one, _ in look(io.BytesIO(flow), listed)]
    assert found == ["raw", "bomb"]  # both too: the second is where it stopped


def test_a_file_is_what_its_first_bytes_say() -> None:
    assert kind_of(b"%PDF-1.4 ...") == ("pdf", "application/pdf")
    assert kind_of(b"\x89PNG\r\n\x1a\n") == ("image", "image/png")
    for dangerous in (b"<html><script>", b"<svg onload=a()>", b"\xef\xbb\xbf <x/>", b"GIF89a", b"MZ"):
        assert kind_of(dangerous)[1] == "application/octet-stream"


def test_payslips_are_read_agent_by_agent() -> None:
    found = payslips(PAYSLIPS)
    assert found is not None
    assert [one.name for one in found] == ["LE GALL Yann", "QUÉMÉNEUR Nolwenn", "PRIGENT Maël"]
    assert (found[1].gross, found[1].paid, found[1].service, found[1].hours) == (
        "1801.73",
        "1430.02",
        "Accueil",
        "151.67",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>",
        b"",
        PAYSLIPS[:400],
        PAYSLIPS.replace(b"<DocumentPaye>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><DocumentPaye>"),
    ],
    ids=["another XML", "nothing", "cut", "DOCTYPE"],
)
def test_what_is_no_file_of_payslips_is_no_table(data: bytes) -> None:
    assert payslips(data) is None


def test_the_bytes_noted_at_deposit_are_those_of_the_file(tmp_path: Path) -> None:
    path = rich(tmp_path)
    flow = read_flow(io.BytesIO(path.read_bytes()))
    assert flow is not None
    first, second = flow.attachments[:2]
    assert content([path.read_bytes()], first.start, first.end) == ACT.read_bytes()
    assert content([path.read_bytes()], second.start, second.end) == PAYSLIPS


def test_an_attachment_opens_for_who_reads_the_folder_and_for_nobody_else(
    house: House, tmp_path: Path
) -> None:
    folder_id = house.a_flow(rich(tmp_path))
    mayor = house.client("a.kervadec")
    answer = mayor.get(f"/dossiers/{folder_id}/flux/0/contenu")
    assert (answer.mimetype, answer.data) == ("application/pdf", ACT.read_bytes())
    assert answer.headers["Content-Disposition"].startswith("inline")
    page = mayor.get(f"/dossiers/{folder_id}/flux/1").get_data(as_text=True)
    assert "QUÉMÉNEUR Nolwenn" in page
    assert "1\u202f430,02\u00a0€" in page
    other = mayor.get(f"/dossiers/{folder_id}/flux/1/contenu")
    assert (other.mimetype, other.headers["Content-Disposition"][:10]) == (
        "application/octet-stream",
        "attachment",
    )
    assert mayor.get(f"/dossiers/{folder_id}/flux/99").status_code == 404
    for rank, path in ((0, ""), (0, "/contenu"), (1, "")):
        stranger = house.client("k.morizur").get(f"/dossiers/{folder_id}/flux/{rank}{path}")
        assert stranger.status_code == 404
        assert b"PDF" not in stranger.data


def test_an_attachment_of_a_signed_flow_is_still_the_one_that_was_deposited(
    house: House, tmp_path: Path
) -> None:
    folder_id = house.a_flow(rich(tmp_path))
    house.sign(folder_id, "a.kervadec")
    assert house.client("a.kervadec").get(f"/dossiers/{folder_id}/flux/0/contenu").data == ACT.read_bytes()
