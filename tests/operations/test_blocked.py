"""What administers reads of folders that nothing moves: each is told with its reason, and no green sentence is beside it."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.circuits import library
from app.core.clock import today
from app.core.db import reading, writing
from app.core.outbox import Outbox
from app.folders import blocked, pause, undoing
from app.folders.models import Folder
from app.operations.desks import stranded
from app.operations.leaving import effects as leaving
from app.people import desks
from app.people.models import User
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.builders.mandates import a_mayor_and_a_deputy
from tests.display.test_folder_page import heard
from tests.folders.test_asking import S, ask, give
from tests.operations.test_absences import away, over
from tests.operations.test_folder_types import words
from tests.operations.test_leaving import finance_asks
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, A, N, R, T = "k.morizur", "a.kervadec", "n.abgrallec", "r.pellenec", "t.lescoat"
FINE = "À son étape, chaque dossier en cours attend quelqu’un ou un envoi."
CANNOT_END = "en cours ne peut pas finir"
SERVED = "Quelqu’un, à chaque bureau, a les droits que les circuits y demandent."


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def why(house: House) -> dict[int, str]:
    """The blocked folders as « Travail de fond » lists them."""
    with reading(here(house)) as db:
        found = {one.folder_id: one.why for one in blocked.blocked(db, here(house)).folders}
    page = words(house.client(K).get("/administration"))
    for number, reason in found.items():
        assert f"Dossier n° {number} {reason}" in page.replace("\u00a0", " ").replace("\u202f", " ")
    assert (FINE in page) is (not found)
    return found


def told(house: House) -> str:
    """What « Mise en service » says of desks."""
    page = words(house.client(K).get("/administration/mise-en-service"))
    return re.split(r" Personnes (?:Prêt|À)", page[page.index("Votre collectivité, aujourd") :])[0]


def test_a_step_that_names_a_closed_account_waits_for_nobody_even_when_the_circuit_was_published_anew(
    house: House,
) -> None:
    finance_asks(house, [{"person": N}], "any")
    standing, coming = house.an_invoice(at="finance"), house.an_invoice()
    circuits.publish(house.actor(K), "invoice", library.as_yaml(family("invoice").circuit.to_data()))
    desks.seat(here(house), "finances", T, [Right.ACT])
    assert why(house) == {}
    assert SERVED in told(house)
    desks.close_account(here(house), N, by=house.actor(K), leaving=leaving.confirmed("Départ", None))
    assert why(house) == {standing: "son étape nomme Nolwenn Abgrallec, qui a son compte fermé"}
    assert "2 dossiers en cours ne peuvent pas finir" in told(house)
    assert f"n° {standing}, {coming}." in told(house)
    assert SERVED not in told(house)


def test_a_desk_whose_holders_lost_the_right_of_the_step_waits_for_nobody(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    assert why(house) == {}
    desks.seat(here(house), "maire", A, [Right.ACT])
    assert why(house) == {folder_id: "personne, au bureau « Bureau du maire », n’a le droit de signer"}
    assert SERVED not in told(house)


def test_a_signature_that_no_mandate_covers_waits_for_nobody_and_one_that_a_cover_signs_does(
    house: House,
) -> None:
    a_mayor_and_a_deputy(house)
    folder_id = house.an_invoice(at="bon_a_payer")
    assert why(house) == {}
    with writing() as db:
        db.execute(sa.text("UPDATE mandate SET starts_on = :day"), {"day": today() + timedelta(days=30)})
        db.commit()
    lacking = "personne, au bureau « Bureau du maire », n’a à la fois le droit de signer et un mandat pour ce dossier"
    assert why(house) == {folder_id: lacking}
    assert "1 dossier en cours n’attend plus personne qui puisse agir" in told(house)


def test_a_step_that_wants_more_people_than_may_act_waits_for_nobody(house: House) -> None:
    finance_asks(house, [{"desk": "finances"}, {"desk": "technique"}], "all")
    for key in ("finances", "technique"):
        desks.seat(here(house), key, T, [Right.ACT])
    folder_id = house.an_invoice(at="finance")
    assert why(house) == {}
    for key, login in (("finances", N), ("technique", R)):
        desks.seat(here(house), key, login, [Right.CREATE])
    assert why(house) == {folder_id: "il y faut 2 personnes différentes, et une seule le peut"}
    desks.seat(here(house), "finances", N, [Right.ACT])
    assert why(house) == {}
    house.approve(folder_id, T)
    with reading(here(house)) as db:
        named = db.scalars(sa.select(User.login).where(User.login == T)).one()
    desks.seat(here(house), "technique", named, [Right.CREATE])
    desks.seat(here(house), "finances", N, [Right.CREATE])
    assert folder_id in why(house)


def test_an_automatic_step_waits_for_its_sending_or_for_nothing(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.sign(folder_id, A)
    assert house.folder(folder_id).phase == "running"
    assert why(house) == {}
    with writing() as db:
        db.execute(sa.update(Outbox).where(Outbox.kind.like("step.%")).values(state="parked"))
        db.commit()
    assert why(house) == {}
    with writing() as db:
        db.execute(sa.delete(Outbox).where(Outbox.kind.like("step.%")))
        db.commit()
    assert why(house) == {folder_id: "aucun envoi n’est en attente pour son étape automatique"}


def test_it_is_asked_in_as_many_statements_however_many_folders(house: House) -> None:
    a_mayor_and_a_deputy(house)

    def count() -> int:
        with reading(here(house)) as db, heard() as statements:
            blocked.blocked(db, here(house))
        return len(statements)

    for at in ("finance", "bon_a_payer"):
        house.an_invoice(at=at)
    count()
    few = count()
    for at in ("service_done", "finance", "bon_a_payer", "bon_a_payer"):
        house.an_invoice(at=at)
    assert count() == few <= 4  # those of mandates and of their orders among them


def test_parts_that_software_did_are_each_somebodys(house: House) -> None:
    desks_of_all = [{"desk": "finances"}, {"desk": "technique"}, {"desk": "direction"}]
    finance_asks(house, desks_of_all, "all")
    folder_id = house.an_invoice(at="finance")
    for desk in ("finances", "technique"):
        software = Software(house, desk, [Right.ACT])
        answer = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
        assert answer.status_code == 200
    assert why(house) == {}
    assert CANNOT_END not in told(house)
    house.approve(folder_id, S)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_a_part_that_software_or_a_cover_takes_waits_for_somebody(house: House) -> None:
    finance_asks(house, [{"desk": "finances"}, {"desk": "technique"}], "all")
    for desk in ("finances", "technique"):
        desks.seat(here(house), desk, T, [Right.ACT])
    folder_id = house.an_invoice(at="finance")
    for desk, login in (("finances", N), ("technique", R)):
        desks.seat(here(house), desk, login, [Right.CREATE])
    assert "il y faut 2 personnes différentes" in why(house)[folder_id]
    assert CANNOT_END in told(house)
    absence = away(house, T, S)
    assert why(house) == {}
    assert CANNOT_END not in told(house)
    assert "il y faut 2 personnes différentes" not in told(house)
    over(absence)
    assert folder_id in why(house)
    assert CANNOT_END in told(house)
    software = Software(house, "technique", [Right.ACT])
    assert why(house) == {}
    assert CANNOT_END not in told(house)
    assert "il y faut 2 personnes différentes" not in told(house)
    answer = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
    assert answer.status_code == 200
    house.approve(folder_id, T)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_an_opinion_that_nobody_may_give_blocks_the_folder_that_waits_for_it(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    ask(house, N, folder_id, "direction")
    assert why(house) == {}
    desks.seat(here(house), "direction", S, [Right.CREATE])
    Software(house, "direction", [Right.ACT])  # which answers no question
    assert "n’a le droit de donner un avis" in why(house)[folder_id]
    desks.seat(here(house), "direction", N, [Right.ACT])
    assert "qui a demandé cet avis" in why(house)[folder_id]
    desks.seat(here(house), "direction", S, [Right.ACT])
    assert why(house) == {}


def test_software_and_a_cover_end_a_step_together_and_software_reads_nothing(house: House) -> None:
    finance_asks(house, [{"desk": "finances"}, {"desk": "technique"}, {"desk": "direction"}], "all")
    folder_id = house.an_invoice(at="finance")
    for key in ("finances", "direction"):
        desks.seat(here(house), key, T, [Right.ACT])
    for key, login in (("finances", N), ("technique", R), ("direction", S)):
        desks.seat(here(house), key, login, [Right.CREATE])
    software = Software(house, "technique", [Right.ACT])
    assert folder_id in why(house)
    away(house, T, S)
    assert why(house) == {}
    answer = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
    assert answer.status_code == 200
    for login in (T, S):
        house.approve(folder_id, login)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_software_is_nobody_where_one_has_to_read(house: House) -> None:
    circuit = family("invoice").circuit.to_data()
    next(step for step in circuit["steps"] if step["key"] == "finance")["reading"] = True
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))
    folder_id = house.an_invoice(at="finance")
    for login in (N, T):
        desks.seat(here(house), "finances", login, [Right.CREATE])
    software = Software(house, "finances", [Right.ACT])
    assert folder_id in why(house)
    answer = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
    assert answer.status_code == 403


def test_a_chosen_desk_that_software_serves_ends_what_is_to_come(house: House) -> None:
    circuit = family("invoice").circuit.to_data()
    before = {"key": "avant", "label": "Avant", "kind": "visa", "who": [{"desk": "direction"}]}
    circuit["steps"].insert(0, before)
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))
    folder_id = house.an_invoice(at="avant")
    for login in (R, T):
        desks.seat(here(house), "technique", login, [Right.CREATE])
    assert f"n° {folder_id}" in told(house)
    software = Software(house, "technique", [Right.ACT])
    assert f"n° {folder_id}" not in told(house)
    house.approve(folder_id, S)
    answer = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
    assert answer.status_code == 200


def test_a_closed_account_at_another_part_stops_neither_an_answer_nor_a_taking_back(house: House) -> None:
    finance_asks(house, [{"person": N}, {"desk": "technique"}], "any")
    asked, done = house.an_invoice(at="finance"), house.an_invoice(at="finance")
    number = ask(house, R, asked, "direction")
    house.drain()
    pause.configure(100)
    try:
        house.approve(done, R)
        desks.close_account(here(house), N, by=house.actor(K), leaving=leaving.confirmed("Départ", None))
        with reading(here(house)) as db:
            assert undoing.offered(db, db.get_one(Folder, done), house.actor(R)) is not None
        undoing.undo(house.actor(R), done, version=house.folder(done).version)
    finally:
        pause.configure(0)
    assert house.folder(done).place == "finance"
    give(house, S, asked, number, "favourable")
    for folder_id in (asked, done):
        house.approve(folder_id, R)
        assert house.folder(folder_id).place == "bon_a_payer"


def test_whom_a_folder_names_and_whose_account_is_closed_is_missed_before_the_folder_comes_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id = house.a_deliberation(at="direction")
    assert SERVED in told(house)
    for looked_at, most in ((blocked, 1), (stranded, 0)):
        monkeypatch.setattr(looked_at, "MOST", most)
        assert SERVED not in told(house), "not every folder was looked at"
        monkeypatch.undo()
    with reading() as db:
        secretary = db.get_one(User, int(house.folder(folder_id).fields["sitting_secretary"])).login
    desks.close_account(here(house), secretary, by=house.actor(K), leaving=leaving.confirmed("Départ", None))
    assert SERVED not in told(house)
    assert f"n° {folder_id}" in told(house)


def test_a_folder_that_comes_where_software_alone_acts_is_told_to_nobody_as_stuck(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    software = Software(house, "finances", [Right.ACT])
    for login in (N, T):
        desks.seat(here(house), "finances", login, [])
    house.mail.clear()
    house.approve(folder_id, R)
    house.drain()
    assert house.folder(folder_id).place == "finance"
    assert why(house) == {}
    with reading(here(house)) as db:
        payloads = db.scalars(sa.select(Outbox.payload).where(Outbox.folder_id == folder_id))
        assert "nobody_may_act" not in {payload.get("event") for payload in payloads}
    version = house.folder(folder_id).version
    assert software.post(f"/folders/{folder_id}/approve", version=version).status_code == 200
    assert house.folder(folder_id).place != "finance"


def returns(house: House) -> str:
    """What « Travail de fond » says of the folders that wait for a return."""
    page = house.client(K).get("/administration").get_data(as_text=True)
    if 'id="kept-title"' not in page:
        return ""
    section = page.split('id="kept-title"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", section.replace("\u00a0", " ").replace("\u202f", " "))


def test_a_folder_that_waits_for_a_return_is_told_with_what_can_be_done_of_it(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    assert returns(house) == ""
    number = away(house, R, None)
    section = returns(house)
    assert f"Dossier n° {folder_id}" in section
    assert "Attend Ronan Pellenec (absence jusqu’au" in section
    # The administrator reads none of it: no link that would be refused, and the way that is open
    assert house.client(K).get(f"/dossiers/{folder_id}").status_code == 404
    assert f'href="/dossiers/{folder_id}' not in section
    assert "Vous ne lisez pas ce dossier : un intérim peut le faire avancer d’ici là." in section
    assert f'href="/absences/{number}"' in section
    assert house.client(K).get(f"/absences/{number}").status_code == 200
    assert why(house) == {}
    # Who reads it may put another desk there
    desks.seat(here(house), "comptabilite", K, [Right.ACT])
    section = returns(house)
    assert f'href="/dossiers/{folder_id}/remplacer"' in section
    assert house.client(K).get(f"/dossiers/{folder_id}/remplacer").status_code == 200
    over(number)
    assert returns(house) == ""
    covered = away(house, R, S)
    assert returns(house) == ""
    over(covered)
    away(house, R, None)
    desks.seat(here(house), "technique", T, [Right.ACT])
    assert returns(house) == ""


def test_nobody_is_asked_to_stand_in_where_a_step_names_who_is_away(house: House) -> None:
    finance_asks(house, [{"person": N}], "any")
    folder_id = house.an_invoice(at="finance")
    away(house, N, R)
    section = returns(house)
    assert f"Dossier n° {folder_id}" in section
    assert "Son étape nomme qui est attendu" in section
    assert "/absences/" not in section


def test_an_opinion_that_waits_for_a_return_is_taken_back_where_it_was_asked(house: House) -> None:
    """Another desk at the step would wait for it too."""
    act = house.a_deliberation(at="direction")
    ask(house, S, act, "technique")
    away(house, R, None)
    section = returns(house)
    assert "Attend l’avis demandé à Ronan Pellenec (absence jusqu’au" in section
    assert (f'href="/dossiers/{act}"' in section, "/remplacer" in section) == (True, False)
    assert "Retirer la demande…" in words(house.client(K).get(f"/dossiers/{act}"))
