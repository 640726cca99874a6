"""A PDF that its author certified: signed where he left room, his certification holding; refused where he left none."""

import subprocess
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from pyhanko.pdf_utils.reader import PdfFileReader

from app.core.db import reading
from app.core.refusals import Refusal, catalogue
from app.folders import sending
from app.signing import sign
from app.signing.keys.browser import BrowserKey
from app.signing.models import SignatureProof
from app.signing.ports import Box
from tests.assets import make_signed
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

FIELDS = [Box(0, 50, 110, 200, 150), Box(0, 50, 170, 200, 210)]
"""Those that the author leaves, as `make_signed` makes them."""


def planned(house: House, folder_id: int, login: str = "a.kervadec") -> Box | None:
    """Where this person is told that the signature will stand."""
    return sign.place_of(house.actor(login), folder_id, version=house.folder(folder_id).version)


def holds(house: House, folder_id: int, tmp_path: Path, signed: list[str]) -> None:
    """The author's certification and all that was signed after it hold, for pyHanko's difference analysis and for Poppler."""
    data = house.bytes_of(house.versions(folder_id)[-1])
    found = PdfFileReader(BytesIO(data)).embedded_signatures
    assert [one.field_name for one in found] == ["Signature1", *signed]
    for one in found:
        one.compute_integrity_info()
        said = one.summarise_integrity_info()
        assert said["docmdp_ok"], one.field_name
    path = tmp_path / "signed.pdf"
    path.write_bytes(data)
    told = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True)
    assert told.stdout.count("Signature is Valid.") == len(found), told.stdout


@pytest.mark.parametrize("level", [2, 3])
def test_it_is_signed_in_the_field_that_its_author_left_and_his_certification_holds(
    house: House, tmp_path: Path, level: int
) -> None:
    data = make_signed.signed(certify=level, free_field=1)
    folder_id = house.a_document(data, "plan.pdf")
    page = house.client("a.kervadec").get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    assert "data-place" not in page
    assert planned(house, folder_id) == FIELDS[0]
    house.sign(folder_id, "a.kervadec")
    assert house.bytes_of(house.versions(folder_id)[-1]).startswith(data)
    holds(house, folder_id, tmp_path, ["Signature2"])
    with reading() as db:
        assert db.scalars(sa.select(SignatureProof.field)).all() == ["Signature2"]
    assert house.folder(folder_id).place != "signature"


def test_its_place_is_its_author_s_and_no_other_may_be_chosen(house: House) -> None:
    folder_id = house.a_document(make_signed.signed(certify=2, free_field=1), "plan.pdf")
    key = house.key("a_kervadec")
    with pytest.raises(Refusal, match="place-certified"):
        sign.prepare(
            house.actor("a.kervadec"),
            folder_id,
            version=house.folder(folder_id).version,
            key=BrowserKey(key.certificate, tuple(key.chain)),
            box=Box(0, 300, 300, 450, 360),
        )
    assert planned(house, folder_id) == FIELDS[0]


def test_two_sign_each_in_a_field_and_one_field_too_few_is_said_before_it_is_sent(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "acte.pdf"
    path.write_bytes(make_signed.signed(certify=2, free_field=1))
    draft = house.a_deliberation(at="draft", path=path)
    with pytest.raises(Refusal) as refused:
        sending.send(house.actor("k.morizur"), draft, version=house.folder(draft).version)
    (problem,) = refused.value.facts["problems"]
    assert problem["key"] == "document-certified-few"
    assert "a laissé 1 emplacement de signature, le circuit en demande 2" in problem["sentence"]
    path.write_bytes(make_signed.signed(certify=2, free_field=2))
    folder_id = house.a_deliberation(at="signatures", number="2026-058", path=path)
    house.sign(folder_id, "b.cadiou")
    assert planned(house, folder_id) == FIELDS[1]
    house.sign(folder_id, "a.kervadec")
    holds(house, folder_id, tmp_path, ["Signature2", "Signature3"])


def test_one_that_forbids_every_change_is_refused_at_deposit_with_what_to_do(house: House) -> None:
    for level, words in (
        (1, "sans aucune modification permise"),
        (2, "aucun emplacement de signature libre"),
    ):
        with pytest.raises(Refusal) as refused:
            house.a_document(make_signed.signed(certify=level), "plan.pdf")
        status, sentence = catalogue.say(refused.value.key, refused.value.facts)
        assert status == 422
        assert words in sentence
        assert "Rien n’a été déposé." in sentence
