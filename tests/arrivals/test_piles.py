"""A pile of scans through its folder, its separation, Tesseract and the draft: right fields, right places, nothing entered.

`PARAPHE_PILE` says how many invoices the pile has (3); with 20 it has more than forty pages.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pikepdf
import pytest
import sqlalchemy as sa
from PIL import Image

from app.arrivals import settling
from app.arrivals.models import Arrival, ArrivalFile
from app.arrivals.scans import separating, watching
from app.core.clock import now
from app.core.db import reading
from app.files import piles, vault
from app.folders import sending, sockets
from tests.arrivals.test_scans import LATER, a_scanner, arrivals, lay, page, place, the_source, town
from tests.builders import scans
from tests.builders.house import INVOICE, House
from tests.builders.scans import blank, bound, drawn, printed, scanned
from tests.invoices.test_proposals import IBAN, SUPPLIER, standing

__all__ = ["town"]
pytestmark = pytest.mark.in_turn
COUNT = int(os.environ.get("PARAPHE_PILE") or 3)
SKEW = (0.0, 1.4, -1.2, 0.7, -0.5, 1.9, -1.8)
NEAR = 90
"""Ten-thousandths of the page between a frame and the signs, once the page is straight."""


def invoice(number: int) -> dict[str, str]:
    """What an invoice of the pile says: each its own number, day and total."""
    net, tax = 1_000 * number + 37, 200 * number + 7.4
    return {
        "number": f"F26-{number:04}",
        "issue_date": f"2026-10-{number % 28 + 1:02}",
        "total_ht": f"{net}.00",
        "total_vat": f"{tax:.2f}",
        "total_ttc": f"{net + tax:.2f}",
        "seller_siret": SUPPLIER,
        "iban": IBAN,
        "order_ref": f"BC-2026-{number:03}",
    }


def signs(value: str) -> str:
    """An amount as it is printed."""
    whole, _, cents = value.partition(".")
    return f"{int(whole):,}".replace(",", " ") + f",{cents}"


def written(number: int) -> str:
    """The page of that invoice."""
    told = invoice(number)
    day = "/".join(reversed(told["issue_date"].split("-")))
    return f"""Menuiserie Arzel-Huon
SIRET 356 000 000 00048
FACTURE N° {told["number"]}
Date de facture : {day}
Bon de commande n° {told["order_ref"]}
Total HT {signs(told["total_ht"])} €
Total TVA {signs(told["total_vat"])} €
Total TTC {signs(told["total_ttc"])} €
IBAN FR32 9999 9000 0101 2345 6789 A09
"""


def shown(field: str, value: str) -> str:
    """A value as the page prints it."""
    if field.startswith("total"):
        return signs(value)
    if field == "issue_date":
        return "/".join(reversed(value.split("-")))
    return {"seller_siret": "356 000 000 00048", "iban": "FR32 9999 9000 0101 2345 6789 A09"}.get(
        field, value
    )


def offered(town: House, folder_id: int) -> Mapping[str, sockets.Proposal]:
    folder = town.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        return {one.field: one for one in sockets.proposals_for(db, db.merge(folder, load=False))}


def take(town: House, source: object, pile: Path, name: str) -> list[Arrival]:
    """Lay a pile, have it taken and opened; its arrivals."""
    before = {one.id for one in arrivals()}
    lay(town, source, pile, name)
    moment = now()
    watching.take(the_source(source.id), town.settings, moment)
    assert watching.take(the_source(source.id), town.settings, moment + LATER) == 1
    town.drain()
    return [one for one in arrivals() if one.id not in before]


def files_of(arrival: Arrival) -> list[ArrivalFile]:
    with reading() as db:
        query = sa.select(ArrivalFile).where(ArrivalFile.arrival_id == arrival.id)
        return list(db.scalars(query.order_by(ArrivalFile.position)))


def test_a_pile_cut_by_printed_pages_is_as_many_drafts_whose_fields_are_proposed_where_they_stand(
    town: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "separation.pdf").write_bytes(
        town.client("g.trehorel").get("/numerisation/page-de-separation").data
    )
    between = drawn(tmp_path / "separation.pdf")
    pages: list[Image.Image] = []
    for number in range(1, COUNT + 1):
        if number > 1:
            pages.append(scanned(between.rotate(180 * (number % 2)), SKEW[-number % 7], 1000 + number))
            if number % 2:  # scanned on both sides: its blank back
                pages.append(scanned(blank(), 0.4, 2000 + number))
        pages.append(
            scanned(drawn(printed(tmp_path / f"{number}.pdf", written(number))), SKEW[number % 7], number)
        )
        if number % 3 == 2:  # its blank back does not cut it
            pages.append(scanned(blank(), -0.4, 3000 + number))
    # two invoices on one page: nothing of it is sure, and nothing is proposed that one of them would contradict
    both = blank()
    for half, number in enumerate((900, 901)):
        top = drawn(printed(tmp_path / f"{number}.pdf", written(number)))
        both.paste(top.crop((0, 0, top.width, top.height // 2)), (0, half * top.height // 2))
    pages += [scanned(between, 2.5, 4000), scanned(both, 0.6, 4001)]
    pile = bound(pages, tmp_path / "pile.pdf")
    source = a_scanner(town, split=piles.CODE)
    came = take(town, source, pile, "pile.pdf")
    assert [one.state for one in came] == ["opened"] * (COUNT + 1)
    assert came[0].origin == f"Copieur de l’accueil : pile.pdf, document 1 sur {COUNT + 1}"
    proposed = right = placed = 0
    for number, arrival in enumerate(came[:-1], 1):
        document, pile_kept = sorted(files_of(arrival), key=lambda one: one.kind == "evidence")
        store, scope = vault.store(), vault.scope(arrival.collectivity_id)
        assert store.read(scope, pile_kept.sha256) == pile.read_bytes()
        _same_pictures(store.read(scope, document.sha256), pile, arrival, tmp_path)
        folder = town.folder(arrival.folder_id)
        assert not {"number", "total_ttc", "iban"} & {key for key, value in folder.fields.items() if value}
        wanted = invoice(number)
        for field, one in offered(town, arrival.folder_id).items():
            if field in wanted:
                proposed += 1
                right += one.value == wanted[field]
                assert one.value == wanted[field], (number, field)
                assert one.guessed
                where = standing(tmp_path / f"{number}.pdf", shown(field, wanted[field]))
                placed += _at(one.place, where, SKEW[number % 7])
                assert _at(one.place, where, SKEW[number % 7]), (number, field, one.place, where)
    told = f"{len(pages)} pages, {len(came)} documents, {COUNT * len(invoice(1))} fields"
    with capsys.disabled() if "PARAPHE_PILE" in os.environ else nullcontext():
        sys.stdout.write(f"\n{told}: {proposed} proposed, {right} right, {placed} in place\n")
    assert proposed >= 0.9 * COUNT * len(invoice(1))
    doubtful = offered(town, came[-1].folder_id)
    assert not {"number", "total_ttc", "order_ref", "issue_date"} & set(doubtful)
    listed = page(town, "g.trehorel", f"/dossiers/{came[1].folder_id}/arrivee")
    assert "pile gardée" in listed
    assert "La pile est gardée telle qu’elle est arrivée" in listed


def _at(found: tuple[int, ...], wanted: tuple[int, ...], degrees: float) -> bool:
    """Whether a frame holds the middle of what stands there on the straight page, once that is turned as the scan was."""
    from math import cos, radians, sin

    if not found or found[0] != 1:
        return False
    width, height = 2100, 2970  # A4, in tenths of a millimetre
    x = ((wanted[1] + wanted[3]) / 2 / 10_000 - 0.5) * width
    y = ((wanted[2] + wanted[4]) / 2 / 10_000 - 0.5) * height
    angle = radians(degrees)
    x, y = x * cos(angle) + y * sin(angle), -x * sin(angle) + y * cos(angle)
    across, down = (x / width + 0.5) * 10_000, (y / height + 0.5) * 10_000
    return found[1] - NEAR < across < found[3] + NEAR and found[2] - NEAR < down < found[4] + NEAR


def _same_pictures(document: bytes, pile: Path, arrival: Arrival, room: Path) -> None:
    """The pictures of a document are those of the pile, byte for byte."""
    (room / "document.pdf").write_bytes(document)
    with pikepdf.open(pile) as whole, pikepdf.open(room / "document.pdf") as part:
        every = {_picture(one) for one in whole.pages}
        mine = [_picture(one) for one in part.pages]
    assert mine
    assert set(mine) <= every
    assert arrival.remarks[0].startswith("Page")


def _picture(page_of_pdf: pikepdf.Page) -> bytes:
    (picture,) = page_of_pdf.obj["/Resources"]["/XObject"].values()
    return bytes(picture.read_raw_bytes())


def test_a_pile_is_cut_by_blank_pages_where_that_was_chosen_and_told_where_it_cannot_be(
    town: House, tmp_path: Path
) -> None:
    one = scanned(drawn(printed(tmp_path / "1.pdf", written(1))), 1.1, 1)
    # a page with a word alone is no blank one
    word = scanned(drawn(printed(tmp_path / "2.pdf", "Bon pour accord", top=140)), -0.8, 2)
    white = [scanned(blank(), turned, 50 + rank) for rank, turned in enumerate((0.0, 1.5, -2.0))]
    source = a_scanner(town, split=piles.BLANK)
    pile = bound([white[0], one, word, white[1], white[2], one], tmp_path / "blanche.pdf")
    came = take(town, source, pile, "blanche.pdf")
    assert [(one.state, one.remarks[0].partition(" d’une pile")[0]) for one in came] == [
        ("opened", "Pages 2 et 3"),
        ("opened", "Page 6"),
    ]
    # who reads one document of it reads nothing of the other, whose pages are in the pile too
    typed = {"seller": "Arzel-Huon", "currency": "EUR", "type_code": "380", "proof_of_service": "technique"}
    typed |= {key: value for key, value in invoice(1).items() if key != "order_ref"}
    town.save(came[0].folder_id, "g.trehorel", typed | {"received_on": "2026-11-25"})
    sending.send(town.actor("g.trehorel"), came[0].folder_id, version=town.folder(came[0].folder_id).version)
    for login, status in (("r.pellenec", 403), ("g.trehorel", 200)):
        listed = page(town, login, f"/dossiers/{came[0].folder_id}/arrivee")
        assert ("d’autres dossiers, que vous ne lisez pas" in listed) is (status == 403), login
        given = town.client(login)
        assert given.get(f"/dossiers/{came[0].folder_id}/arrivee/0").status_code == status, login
        assert given.get(f"/dossiers/{came[0].folder_id}/arrivee/1").status_code == 200
    # what has no separation is as it came; what has nothing else is told, its bytes kept
    (alone,) = take(town, source, bound([one, word], tmp_path / "seule.pdf"), "seule.pdf")
    assert (alone.state, alone.remarks, [file.kind for file in files_of(alone)]) == ("opened", [], ["file"])
    (empty,) = take(town, source, bound(white, tmp_path / "vides.pdf"), "vides.pdf")
    assert (empty.state, empty.reason) == ("refused", separating.NOTHING)
    settling.again(
        town.actor("g.trehorel"), empty.id, empty.tries
    )  # who looked at it says that it is too pale
    town.drain()
    assert arrivals()[-1].state == "opened"
    # an invoice that carries its data is one document, with a blank page in it too
    with pikepdf.open(INVOICE) as data:
        data.add_blank_page(page_size=(595, 842))
        data.save(tmp_path / "donnees.pdf")
    (whole,) = take(town, source, tmp_path / "donnees.pdf", "donnees.pdf")
    assert (whole.state, whole.remarks) == ("opened", [separating.UNCUT])
    assert town.folder(whole.folder_id).fields["number"] == "FA-2026-0001"
    with pikepdf.open(pile) as secret:
        secret.save(tmp_path / "fermee.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    (shut,) = take(town, source, tmp_path / "fermee.pdf", "fermee.pdf")
    assert (shut.state, shut.remarks) == ("refused", [separating.UNCUT])
    assert place(town, source).exists()
    assert scans.DPI >= piles.DPI


def test_no_page_that_says_something_is_taken_for_a_separation_and_no_document_bears_the_others(
    tmp_path: Path,
) -> None:
    one = drawn(printed(tmp_path / "1.pdf", written(1)))
    lid = Image.new("L", one.size, 12)  # a till receipt, scanned with the lid open
    lid.paste(one.crop((0, 0, one.width // 2, one.height // 3)), (one.width // 4, one.height // 3))
    code = drawn(_page_of_separation(tmp_path))
    corner = one.copy()  # the code of a separation on a page of somebody else
    corner.paste(code.resize((code.width // 5, code.height // 5)), (one.width * 3 // 4, one.height * 3 // 4))
    pale, negative = (
        one.point([200 if shade < 200 else 255 for shade in range(256)]),
        one.point(range(255, -1, -1)),
    )
    for by, between in (
        (piles.BLANK, lid),
        (piles.BLANK, pale),
        (piles.BLANK, negative),
        (piles.CODE, corner),
    ):
        pile = _cut(bound([one, between, one], tmp_path / "pile.pdf"), by, tmp_path)
        assert [pages for _, pages in pile.documents] == [[1, 2, 3]], by
    half = blank()  # two of them printed on one sheet part all the same
    half.paste(code.resize((code.width // 2, code.height // 2)), (0, 0))
    pile = _cut(bound([one, half, one], tmp_path / "pile.pdf"), piles.CODE, tmp_path)
    assert pile.between == [2]
    # all pages of one dictionary, as some scanners write them
    with pikepdf.open(bound([one, half, lid], tmp_path / "apart.pdf")) as shared:
        pictures = pikepdf.Dictionary()
        for rank, page_of_pdf in enumerate(shared.pages):
            (picture,) = page_of_pdf.obj["/Resources"]["/XObject"].values()
            pictures[f"/P{rank}"] = picture
            page_of_pdf.obj["/Contents"] = shared.make_stream(f"q 595 0 0 842 0 0 cm /P{rank} Do Q".encode())
        resources = shared.make_indirect(pikepdf.Dictionary(XObject=pictures))
        for page_of_pdf in shared.pages:
            page_of_pdf.obj["/Resources"] = resources
        shared.save(tmp_path / "pile.pdf")
    pile = _cut(tmp_path / "pile.pdf", piles.CODE, tmp_path)
    for (document, _), name in zip(pile.documents, ("/P0", "/P2"), strict=True):
        with pikepdf.open(document) as part:
            assert list(part.pages[0].obj["/Resources"]["/XObject"].keys()) == [name]


def _page_of_separation(room: Path) -> Path:
    (room / "separation.pdf").write_bytes(piles.separation())
    return room / "separation.pdf"


def _cut(path: Path, by: str, room: Path) -> piles.Pile:
    into = room / "documents"
    into.mkdir(exist_ok=True)
    cut = piles.cut(path, by, into)
    assert cut is not None
    return cut
