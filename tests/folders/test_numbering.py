"""A number of a register is given once: in order, never again, with a suffix when the act has already left."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.clock import today
from app.core.refusals import Refusal
from app.folders import deposit, numbering, sending
from tests.builders.house import ACT, House
from tests.transmission.test_preflight import draft
from workflows import family
from workflows.family import families

CLERK = "k.morizur"
LAST_YEAR = (today() - timedelta(days=366)).isoformat()


def take(house: House, folder_id: int) -> str:
    return numbering.take_number(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)


def send(house: House, folder_id: int) -> None:
    sending.send(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)


@pytest.mark.law("DEL-19")
def test_numbers_follow_one_another_in_each_register_and_year(house: House) -> None:
    year = today().year
    first = house.an_act("decision", at="draft", number="")
    second = house.an_act("decision", at="draft", number="")
    order = house.an_act("regulatory_decree", at="draft", number="")
    earlier = house.an_act("decision", at="draft", number="", decision_date=LAST_YEAR)
    assert [take(house, one) for one in (first, second)] == [f"DM{year}_001", f"DM{year}_002"]
    assert take(house, order) == f"AR{year}_001"
    assert take(house, earlier) == f"DM{LAST_YEAR[:4]}_001"
    assert house.folder(first).fields["number"] == f"DM{year}_001"
    assert take(house, first) == f"DM{year}_001"  # asked again, the same
    assert "number.reserved" in house.journal(first)


def test_a_number_of_a_draft_that_was_given_up_serves_no_more(house: House) -> None:
    year = today().year
    gone = house.an_act("decision", at="draft", number="")
    take(house, gone)
    deposit.save(
        house.actor(CLERK), gone, version=house.folder(gone).version, title=None, facts={"number": "AUTRE"}
    )
    other = house.an_act("decision", at="draft", number="")
    assert take(house, other) == f"DM{year}_002"
    house.save(other, CLERK, {"number": f"DM{year}_001"})
    assert "a servi à un autre dossier" in draft(house, other)
    with pytest.raises(Refusal, match="to-fix") as refused:
        send(house, other)
    assert [one["key"] for one in refused.value.facts["problems"]] == ["number-taken"]


def test_a_number_that_somebody_typed_is_kept_and_the_register_goes_on_after_it(house: House) -> None:
    house.a_deliberation(number="2026-057", decision_date="2026-09-24")
    with pytest.raises(Refusal, match="to-fix"):
        house.a_deliberation(number="2026-057")
    following = house.a_deliberation(at="draft", number="")
    assert take(house, following) == "2026_058"


def test_an_act_that_the_state_refused_leaves_again_under_a_suffix_linked_to_the_former(house: House) -> None:
    house.play("actes", "refusal")
    folder_id = house.a_deliberation(at="prefecture", number="2026-057")
    house.drain()
    assert house.folder(folder_id).phase == "rejected"
    page = draft(house, folder_id)
    assert "Le numéro « 2026_057 » a servi à un envoi précédent de ce dossier" in page
    assert "Prenez « 2026_057_1 »" in page
    with pytest.raises(Refusal, match="to-fix"):
        send(house, folder_id)
    assert take(house, folder_id) == "2026_057_1"
    send(house, folder_id)
    shown = house.client(CLERK).get(f"/dossiers/{folder_id}?onglet=details").get_data(as_text=True)
    assert "2026_057, puis 2026_057_1" in shown


def test_a_folder_that_came_back_before_it_left_keeps_its_number(house: House) -> None:
    from app.folders import decide

    folder_id = house.a_deliberation(at="direction")
    decide.reject(
        house.actor("s.rivoal"), folder_id, version=house.folder(folder_id).version, reason="Objet à préciser"
    )
    assert take(house, folder_id) == "2026_057"
    send(house, folder_id)


@pytest.mark.law("DEL-19")
def test_desks_that_ask_at_the_same_instant_are_given_different_numbers(house: House) -> None:
    folders = [house.an_act("decision", at="draft", number="") for _ in range(4)]
    with ThreadPoolExecutor(4) as several:
        given = list(several.map(lambda one: take(house, one), folders))
    assert sorted(given) == [f"DM{today().year}_{rank:03}" for rank in range(1, 5)]


def test_a_register_writes_in_the_number_field_of_its_family_whatever_it_is_called(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {**families(), "other": replace(families()["other"], register="AD{year}_{rank:03}")}
    monkeypatch.setattr(family, "_discovered", lambda: known)
    paper, other = (house.deposit(CLERK, "other", ACT) for _ in range(2))
    house.save(paper, CLERK, {"subject": "Plan"})
    number = f"AD{today().year}_001"
    assert take(house, paper) == number
    assert house.folder(paper).fields["reference"] == house.folder(paper).number == number
    house.save(other, CLERK, {"subject": "Attestation", "reference": number})
    with pytest.raises(Refusal, match=f"Le numéro « {number} » a servi à un autre dossier"):
        send(house, other)
    send(house, paper)


def test_a_family_without_register_gives_no_number(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    with pytest.raises(Refusal, match="number-no-register"):
        numbering.take_number(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
