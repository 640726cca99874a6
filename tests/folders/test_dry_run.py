"""What could not be signed is known on the day of its deposit, by every door, with what to do; a copy that can be is offered."""

from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
import sqlalchemy as sa
from pikepdf import Array, Dictionary

from app.core.db import reading
from app.core.refusals import Refusal, catalogue
from app.folders import deposit, sending
from app.folders.keep import Incoming
from app.folders.models import Folder
from tests.api.software import Software
from tests.assets import make_hostile, make_signed
from tests.builders.house import ACT, House
from tests.signing.planted import direct
from tests.signing.test_dry_run import _off_page, certified
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K = "k.morizur"


def unsignable() -> bytes:
    """A file that viewers open, and in whose form something lies so deep that no library of signature reads it."""
    with pikepdf.open(ACT) as pdf:
        deep = Array()
        for _ in range(450):
            deep = Array([deep])
        pdf.Root.AcroForm = pdf.make_indirect(Dictionary(Fields=Array(), DR=deep))
        made = BytesIO()
        pdf.save(made)
        return made.getvalue()


REFUSED = {
    "profond.pdf": (unsignable, "file-not-signable"),
    "hors-page.pdf": (lambda: certified(_off_page), "file-certified-fields"),
    "precede.pdf": (lambda: b"bonjour\n" + make_signed.signed(), "file-signed-preceded"),
}


def folders() -> int:
    with reading() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(Folder)) or 0


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_the_page_by_the_api_and_in_place_of_another(
    house: House, tmp_path: Path, name: str
) -> None:
    make, key = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(make())
    draft = house.a_deliberation(at="draft")
    (main,) = house.versions(draft)
    before = folders()

    client = house.client(K)
    with path.open("rb") as sent:
        form = {"csrf_token": house.csrf(client), "family": "other", "files": (sent, name)}
        page = client.post("/deposer", data=form, content_type="multipart/form-data")
    status, sentence = catalogue.say(key, {"filename": name})
    assert page.status_code == status == 422
    assert "Rien n’a été déposé." in sentence
    assert sentence.split("»")[-1].split(".")[0].strip()[:40] in page.get_data(as_text=True).replace(
        "&#39;", "'"
    )

    answer = Software(house, "secretariat", [Right.CREATE]).deposit("other", path, {"subject": "Plan"})
    assert answer.status_code == 422
    assert answer.json["type"].endswith(key)

    with pytest.raises(Refusal, match=key):
        deposit.replace_main(house.actor(K), draft, main.document_id, Incoming(path, name))
    assert [one.sha256 for one in house.versions(draft)] == [main.sha256]
    assert folders() == before


def test_a_copy_that_can_be_signed_is_offered_with_the_original_kept(house: House, tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(direct())
    folder_id = house.deposit(K, "other", path)
    house.save(folder_id, K, {"subject": "Plan du port"})
    (original,) = house.versions(folder_id)
    assert house.bytes_of(original) == path.read_bytes()
    assert original.note["repair"]["flattened"] == []
    with pytest.raises(Refusal):
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    deposit.accept_repair(house.actor(K), folder_id, original.document_id)
    sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    if house.folder(folder_id).place == "direction":
        house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "a.kervadec")
    signed = house.versions(folder_id)[-1]
    assert signed.origin == "signed"
    assert house.bytes_of(signed).startswith(house.bytes_of(house.versions(folder_id)[1]))


def test_what_is_deposited_beside_is_not_signed_and_passes(house: House, tmp_path: Path) -> None:
    beside = tmp_path / "precede.pdf"
    beside.write_bytes(b"bonjour\n" + make_signed.signed())
    deep = tmp_path / "profond.pdf"
    deep.write_bytes(unsignable())
    folder_id = house.deposit(K, "other", make_hostile.GOOD, beside, deep)
    assert len(house.versions(folder_id, "attachment")) == 2
