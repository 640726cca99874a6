"""Who says where a signature stands: the signatory, else the depositor, else a tag in the text, else the family."""

import dataclasses
import json
import subprocess
from io import BytesIO

import pikepdf
import pytest

from app.core.refusals import Refusal
from app.signing import sign
from app.signing.formats import geometry
from app.signing.keys.browser import BrowserKey
from app.signing.placing import plan
from app.signing.ports import Box
from tests.builders import circuits
from tests.builders.house import ACT
from tests.journeys.test_seal import CIRCUIT
from workflows.family import SignaturePlace, family

pytestmark = pytest.mark.in_turn

MAYOR, SECRETARY = ("signatures", "desk:maire"), "signatures"
HERE, THERE = Box(0, 60, 500, 250, 562), Box(1, 300, 100, 490, 162)


def boxes_of(data: bytes) -> dict[str, tuple[int, list[float]]]:
    """Page (from 0) and rectangle of each signature field."""
    with pikepdf.open(BytesIO(data)) as pdf:
        return {
            str(one.T): (number, [round(float(side)) for side in one.Rect])
            for number, page in enumerate(pdf.pages)
            for one in page.obj.get("/Annots", [])
            if one.get("/FT") == "/Sig"
        }


def written(path, texts):
    """A page with these words, each from its point on."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page = pdf.pages[0].obj
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        lines = [f"BT /F 6 Tf {x} {y} Td ({words}) Tj ET" for words, (x, y) in texts.items()]
        page.Contents = pdf.make_stream(" ".join(lines).encode())
        pdf.save(path)
    return path


def signed_boxes(house, folder_id: int):
    return boxes_of(house.bytes_of(house.versions(folder_id)[-1]))


def secretary(house) -> tuple[str, str]:
    return (SECRETARY, f"person:{house.actor('b.cadiou').user_id}")


def send(house, folder_id: int) -> None:
    from app.folders import sending

    sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "s.rivoal")


def put(house, folder_id: int, boxes, login: str = "k.morizur") -> None:
    plan.place(house.actor(login), folder_id, version=house.folder(folder_id).version, boxes=boxes)


def sign_at(house, folder_id: int, login: str, label: str, box: Box | None) -> None:
    key = house.key(label)
    ready = sign.prepare(
        house.actor(login),
        folder_id,
        version=house.folder(folder_id).version,
        key=BrowserKey(key.certificate, tuple(key.chain)),
        box=box,
    )
    sign.complete(house.actor(login), ready.session, [key.sign(one.attributes) for one in ready.prepared])


def test_the_depositors_places_are_kept_and_each_signature_stands_there(house):
    folder_id = house.a_deliberation(at="draft")
    put(house, folder_id, {MAYOR: HERE, secretary(house): THERE})
    assert house.journal(folder_id)[-1] == "signature.placed"
    send(house, folder_id)
    mayor = house.actor("a.kervadec")
    version = house.folder(folder_id).version
    assert sign.place_of(mayor, folder_id, version=version) == HERE
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    assert signed_boxes(house, folder_id) == {
        "Signature_signatures_1": (0, [60, 500, 250, 562]),
        "Signature_signatures_2": (1, [300, 100, 490, 162]),
    }


def test_the_signatory_has_the_last_word_on_his_own_place_alone(house):
    folder_id = house.a_deliberation(at="draft")
    put(house, folder_id, {MAYOR: HERE, secretary(house): THERE})
    send(house, folder_id)
    sign_at(house, folder_id, "a.kervadec", "a_kervadec", Box(0, 10, 20, 200, 80))
    found = signed_boxes(house, folder_id)
    assert found["Signature_signatures_1"] == (0, [10, 20, 200, 80])
    assert found["Signature_signatures_2"] == (1, [300, 100, 490, 162])


def test_without_the_depositor_the_tags_say_it_and_without_a_tag_the_family(house, monkeypatch, tmp_path):
    known = dataclasses.replace(family("deliberation"), signature_place=SignaturePlace("first", "top-left"))
    monkeypatch.setattr(plan, "family_of", lambda name: known)
    path = written(tmp_path / "acte.pdf", {"#signature1#": (80, 300), "#signature2#": (300, 300)})
    folder_id = house.a_deliberation(at="draft", path=path)
    put(house, folder_id, {secretary(house): HERE})
    send(house, folder_id)
    box = sign.place_of(house.actor("a.kervadec"), folder_id, version=house.folder(folder_id).version)
    assert (box.page, box.x1) == (0, pytest.approx(80, abs=1))
    assert box.y2 == pytest.approx(305, abs=2)
    house.sign(folder_id, "a.kervadec")
    assert signed_boxes(house, folder_id)["Signature_signatures_2"] == (0, [60, 500, 250, 562])

    plain = ACT.parents[1] / "invoices" / "fx-basic-fr-ok.pdf"
    folder_id = house.a_deliberation(at="signatures", number="2026-058", path=plain)
    box = sign.place_of(house.actor("a.kervadec"), folder_id, version=house.folder(folder_id).version)
    page = geometry.pages(plain)[0]
    assert (box.page, box.x1, box.y2) == (0, geometry.MARGIN, page.height - geometry.MARGIN)


@pytest.mark.parametrize("corner", ["bottom-right", "bottom-left", "top-right", "top-left"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_familys_corner_holds_every_signature_without_overlap(corner, count):
    (*_, page) = pages = geometry.pages(ACT)
    boxes = [geometry.corner_box(ACT, "last", corner, rank, count) for rank in range(count)]
    plan._fit(pages, boxes)
    edge, side = corner.split("-")
    assert any(
        box.x2 == pytest.approx(page.width - geometry.MARGIN)
        if side == "right"
        else box.x1 == geometry.MARGIN
        for box in boxes
    )
    assert any(
        box.y2 == pytest.approx(page.height - geometry.MARGIN) if edge == "top" else box.y1 == geometry.FOOT
        for box in boxes
    )


def test_a_place_holds_for_the_bytes_on_which_it_was_chosen(house, tmp_path):
    from app.core.db import reading
    from app.folders import deposit
    from app.folders.keep import Incoming
    from app.folders.models import Folder

    folder_id = house.a_deliberation(at="draft")
    put(house, folder_id, {MAYOR: HERE})
    other = tmp_path / "autre.pdf"
    other.write_bytes((ACT.parents[1] / "invoices" / "fx-basic-fr-ok.pdf").read_bytes())
    main = house.versions(folder_id)[-1].document_id
    deposit.replace_main(house.actor("k.morizur"), folder_id, main, Incoming(other, "autre.pdf"))
    with reading() as db:
        seen = plan.sheet(db, db.get_one(Folder, folder_id))
    assert seen.stale
    assert not seen.boxes
    send(house, folder_id)
    box = sign.place_of(house.actor("a.kervadec"), folder_id, version=house.folder(folder_id).version)
    assert box != HERE


def test_places_that_cannot_be_are_refused_and_nothing_is_kept(house):
    folder_id = house.a_deliberation(at="draft")
    put(house, folder_id, {MAYOR: HERE})
    version = house.folder(folder_id).version
    for boxes, key in (
        ({MAYOR: Box(9, 60, 500, 250, 562)}, "place-outside-page"),
        ({MAYOR: Box(0, 560, 500, 700, 562)}, "place-outside-page"),
        ({MAYOR: Box(0, float("nan"), 500, 250, 562)}, "place-outside-page"),
        ({("signatures", "desk:finances"): HERE}, "place-unknown"),
        ({MAYOR: HERE, secretary(house): dataclasses.replace(HERE, x1=100)}, "place-overlap"),
    ):
        with pytest.raises(Refusal, match=key):
            put(house, folder_id, boxes)
    with pytest.raises(Refusal, match="not-found"):
        put(house, folder_id, {MAYOR: THERE}, login="s.rivoal")
    assert house.folder(folder_id).version == version
    send(house, folder_id)
    with pytest.raises(Refusal, match="not-editable"):
        put(house, folder_id, {MAYOR: THERE})
    box = sign.place_of(house.actor("a.kervadec"), folder_id, version=house.folder(folder_id).version)
    assert box == HERE


@pytest.mark.parametrize("tag", ["#cachet#", "Texte"])
def test_the_seal_is_drawn_where_its_tag_asks_for_it_and_nowhere_else(house, tmp_path, tag):
    circuits.publish(house.actor("k.morizur"), "deliberation", CIRCUIT)
    path = written(tmp_path / "acte.pdf", {tag: (300, 400)})
    folder_id = house.a_deliberation(at="prefecture", path=path)
    house.drain()
    data = house.bytes_of(house.versions(folder_id)[-1])
    _, (left, bottom, right, top) = boxes_of(data)["Signature_cachet_1"]
    sealed = tmp_path / "sealed.pdf"
    sealed.write_bytes(data)
    words = subprocess.run(["pdftotext", "-layout", sealed, "-"], check=True, capture_output=True, text=True)
    drawn = (
        "Cachet électronique" in words.stdout and "Cachet de la commune de Kerlann-sur-Mer" in words.stdout
    )
    if tag != "#cachet#":
        assert (left, bottom) == (right, top)
        assert not drawn
        return
    assert left == 300
    assert top == pytest.approx(405, abs=2)
    assert drawn


def test_the_page_keeps_what_was_placed_when_it_is_to_be_corrected_and_refuses_what_is_no_place(house):
    folder_id = house.a_deliberation(at="draft")
    clerk = house.client("k.morizur")
    rows = [
        {"step": step, "slot": slot, "box": {"page": 1, "x1": 10, "y1": 10, "x2": 90, "y2": 40}}
        for step, slot in (MAYOR, secretary(house))
    ]
    form = {"csrf_token": house.csrf(clerk), "version": str(house.folder(folder_id).version)}
    url = f"/dossiers/{folder_id}/emplacements"
    answer = clerk.post(url, data={**form, "places": json.dumps(rows)})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "deux signatures se recouvrent page 1. Écartez-les." in page
    assert page.count("&#34;x2&#34;: 90") == 4  # both, for the page and for what it sends
    for wrong in ("", "{", "[1]", '[{"step": "a"}]', json.dumps(rows).replace("90", "NaN")):
        assert clerk.post(url, data={**form, "places": wrong}).status_code == 400
    rows[1]["box"] = None
    assert clerk.post(url, data={**form, "places": json.dumps(rows)}).status_code == 302
    assert "placée page 1" in clerk.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
