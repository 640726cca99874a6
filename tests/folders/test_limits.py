"""What a collectivity accepts of a deposit, within what its installation does."""

from pathlib import Path

import pytest

from app.core.refusals import Refusal, catalogue
from app.folders import deposit, sending
from app.people.own_settings.changing import change_setting
from tests.builders.house import ACT, House
from tests.folders.test_deposit import documents, incoming

pytestmark = pytest.mark.in_turn

G, K = "g.trehorel", "k.morizur"


def test_a_file_that_is_heavier_than_the_collectivity_accepts_is_refused_with_what_to_do(
    house: House, tmp_path: Path
) -> None:
    change_setting(house.actor(K), "file_mb", {"file_mb": "1"})
    heavy = tmp_path / "plan.pdf"
    heavy.write_bytes(ACT.read_bytes() + b"%" + b"x" * (3 * 1024 * 1024) + b"\n%%EOF\n")
    with pytest.raises(Refusal, match="file-above") as refused:
        house.deposit(K, "other", heavy)
    _, sentence = catalogue.say(refused.value.key, refused.value.facts)
    assert "« plan.pdf » fait 3 Mo, et la collectivité accepte 1 Mo au plus" in sentence.replace("\xa0", " ")
    draft = house.an_invoice(at="draft")
    before = len(documents(draft))
    with pytest.raises(Refusal, match="file-above"):
        deposit.add_documents(house.actor(G), draft, [incoming(heavy, tmp_path, "annexe.pdf")])
    assert len(documents(draft)) == before


def test_a_folder_with_more_annexes_than_the_collectivity_accepts_does_not_leave(
    house: House, tmp_path: Path
) -> None:
    change_setting(house.actor(K), "annexes_most", {"annexes_most": "1"})
    draft = house.an_invoice(at="draft")
    for name in ("a.pdf", "b.pdf"):
        deposit.add_documents(house.actor(G), draft, [incoming(ACT, tmp_path, name)], annexes_said=True)
    with pytest.raises(Refusal, match="to-fix") as refused:
        sending.send(house.actor(G), draft, version=house.folder(draft).version)
    (problem,) = refused.value.facts["problems"]
    assert "La collectivité demande 1 annexe au plus : il y en a 2" in problem["sentence"].replace(
        "\xa0", " "
    )
    deposit.remove_document(house.actor(G), draft, documents(draft)[-1].id)
    sending.send(house.actor(G), draft, version=house.folder(draft).version)
    assert house.folder(draft).place == "service_done"
