"""A form that came with the document never takes our signature: it stands where it was shown, under a free name."""

import subprocess
from io import BytesIO

import pikepdf
import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.refusals import Refusal
from app.signing import sign
from app.signing.keys.browser import BrowserKey
from app.signing.models import SignatureProof
from app.signing.ports import Box
from tests.builders.house import ACT, House
from tests.signing.planted import NAME, PLANTED

pytestmark = pytest.mark.in_turn


def widgets(data: bytes) -> dict[str, tuple[int, list[float], int, bool]]:
    """Of each signature field: its page from 0, its rectangle, its flags, and whether it is filled."""
    with pikepdf.open(BytesIO(data)) as pdf:
        return {
            str(one.T): (
                number,
                [round(float(side), 2) for side in one.Rect],
                int(one.get("/F", 0)),
                "/V" in one,
            )
            for number, page in enumerate(pdf.pages)
            for one in page.obj.get("/Annots", [])
            if one.get("/FT") == "/Sig" and "/T" in one
        }


def proven(folder_id: int) -> list[str]:
    with reading() as db:
        query = sa.select(SignatureProof.field).where(SignatureProof.folder_id == folder_id)
        return list(db.scalars(query.order_by(SignatureProof.id)))


def shown(house: House, folder_id: int, login: str) -> Box | None:
    return sign.place_of(house.actor(login), folder_id, version=house.folder(folder_id).version)


def valid(path_data: bytes, tmp_path) -> int:
    path = tmp_path / "signed.pdf"
    path.write_bytes(path_data)
    told = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True)
    return told.stdout.count("Signature is Valid.")


@pytest.mark.parametrize(
    "name", [name for name in PLANTED if name != "text"]
)  # which is flattened at deposit
def test_whatever_the_form_holds_the_signature_stands_where_it_was_shown(
    house: House, tmp_path, name: str
) -> None:
    folder_id = house.a_document(PLANTED[name](), "plan.pdf")
    box = shown(house, folder_id, "a.kervadec")
    assert box is not None
    before = widgets(house.bytes_of(house.versions(folder_id)[-1]))
    house.sign(folder_id, "a.kervadec")
    data = house.bytes_of(house.versions(folder_id)[-1])
    (field,) = proven(folder_id)
    assert field != NAME
    after = widgets(data)
    corners = [round(side, 2) for side in (box.x1, box.y1, box.x2, box.y2)]
    assert after.pop(field) == (box.page, corners, 132, True)
    assert after == before, "what was planted is as it was"
    assert valid(data, tmp_path) == 1


def test_what_one_paraphe_signed_another_signs_again_and_both_hold(house: House, tmp_path) -> None:
    data = ACT.read_bytes()
    for rank, field in enumerate((NAME, f"{NAME}-2", f"{NAME}-3"), start=1):
        folder_id = house.a_document(data, "convention.pdf")
        box = shown(house, folder_id, "a.kervadec")
        house.sign(folder_id, "a.kervadec")
        data = house.bytes_of(house.versions(folder_id)[-1])
        assert proven(folder_id) == [field]
        page, stands, _, _ = widgets(data)[field]
        assert page == box.page
        assert stands == pytest.approx([box.x1, box.y1, box.x2, box.y2], abs=0.01)
        assert valid(data, tmp_path) == rank


def test_an_act_that_its_last_signature_locked_is_told_so_where_it_is_deposited_to_be_signed(
    house: House,
) -> None:
    folder_id = house.a_deliberation(at="signatures")
    for login in ("b.cadiou", "a.kervadec"):
        house.sign(folder_id, login)
    with pytest.raises(Refusal, match="file-earlier-broken"):
        house.a_document(house.bytes_of(house.versions(folder_id)[-1]), "acte.pdf")


def test_who_signs_after_the_first_finds_the_place_made_and_cannot_choose_another(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "b.cadiou")
    key = house.key("a_kervadec")
    with pytest.raises(Refusal, match="place-made"):
        sign.prepare(
            house.actor("a.kervadec"),
            folder_id,
            version=house.folder(folder_id).version,
            key=BrowserKey(key.certificate, tuple(key.chain)),
            box=Box(0, 300, 300, 450, 360),
        )
    house.sign(folder_id, "a.kervadec")
    assert proven(folder_id) == ["Signature_signatures_2", "Signature_signatures_1"]
