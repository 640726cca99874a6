"""Folders handed to another desk together: each as on its own page, what cannot go is told before and after."""

import re
from datetime import timedelta
from html import unescape
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from app.batches import carry, gesture
from app.batches.models import Batch
from app.core import outbox, schema
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.folders import asking, decide, pause, sending
from app.people import desks
from tests.batches.test_decisions import facts_of
from tests.batches.town import Hand, became, items, marked, plain
from tests.builders.house import INVOICE, House
from tests.display.test_exports import rows_of
from tests.folders.test_handing import RECEIVED, hand, made, parts
from tests.operations.test_absences import away, over
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
G, R, N, T, S, A, B = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "t.lescoat",
    "s.rivoal",
    "a.kervadec",
    "b.cadiou",
)
WHY = "Le marché est suivi par la direction."
HANDED = {"reason": WHY, "desk": "direction"}
"""What the button of such a batch posts, with the desk that its page shows."""


@pytest.fixture
def finances(house: House) -> Hand:
    """Nolwenn Abgrallec, who visas for the finance desk."""
    return Hand(house, N)


def chosen(hand_: Hand, folders: list[int], desk: str = "direction") -> int:
    """A batch whose desk is chosen."""
    number = hand_.propose("hand", folders)
    hand_.post(f"/lots/{number}/bureau", {"desk": desk})
    return number


@pytest.mark.both_databases
def test_several_are_handed_with_one_reason_each_in_its_own_journal(house: House, finances: Hand) -> None:
    folders = [house.an_invoice("finance") for _ in range(2)] + [house.a_quick_invoice()]
    number = finances.propose("hand", folders)
    page = plain(finances.page(number))
    assert "Confier 3 dossiers" in page
    assert "Direction générale" in page
    assert "3 dossiers peuvent y aller" in page
    assert "Service de la paye" not in page, "who may not put a visa is not offered"
    refused = finances.post(f"/lots/{number}/commencer", HANDED, status=422)
    assert "choisissez d’abord à quel bureau" in refused
    assert "choisissez d’abord à quel bureau" in finances.post(f"/lots/{number}/bureau", status=422)
    finances.post(f"/lots/{number}/bureau", {"desk": "direction"})
    page = plain(finances.page(number))
    assert re.search(r"Confiés <b[^>]*>à la Direction générale", page)
    assert "écrivez le motif" in finances.post(
        f"/lots/{number}/commencer", {**HANDED, "reason": " "}, status=422
    )
    assert all(parts(one) == [("desk:finances", "active")] for one in folders), "nothing before the gesture"
    finances.post(f"/lots/{number}/commencer", HANDED)
    finances.post(f"/lots/{number}/commencer", HANDED)  # twice the same click
    house.drain()
    became(number, dict.fromkeys(folders, ("done", "")))
    for one in folders:
        assert parts(one) == [("handed:desk:finances", "passed"), ("desk:direction", "active")]
        assert house.journal(one).count("folder.handed") == 1
        facts = facts_of(one, "folder.handed")
        assert (facts["batch"], facts["why"], facts["to"]) == (number, WHY, "direction")
    page = finances.page(number)
    assert "3 dossiers confiés sur 3" in page
    for path in (f"/lots/{number}", "/lots"):
        page = finances.text(path)
        assert "à la Direction générale" in page, path
        assert f"Motif : {WHY}" in page, path
    assert "Étape confiée de 3 dossiers à la Direction générale" in finances.text("/lots")
    (line,) = rows_of(finances.client, "/lots.csv")
    assert (line["Confiés à"], line["Motif"], line["Repris"]) == ("Direction générale", WHY, "0")
    for line in rows_of(finances.client, f"/lots/{number}.csv"):
        assert (line["Confié à"], line["Motif du lot"]) == ("Direction générale", WHY)
    finances.post(f"/lots/{number}/commencer", HANDED, status=409)
    house.drain()
    assert [house.journal(one).count("folder.handed") for one in folders] == [1, 1, 1]
    house.approve(folders[0], S)


def test_what_cannot_be_handed_is_told_with_why_before_the_button(house: House, finances: Hand) -> None:
    mine, back, gone, changed = (house.an_invoice("finance") for _ in range(4))
    strange, signed = house.a_deliberation(at="direction"), house.an_invoice(at="bon_a_payer")
    hand(house, N, back, "direction")
    hand(house, S, back, "technique")
    desks.seat(house.actor(N).collectivity_id, "technique", N, [Right.ACT])
    finances = Hand(house, N)
    wanted = {one: house.folder(one).version for one in (mine, back, gone, changed, strange, signed)}
    house.approve(gone, T)
    wanted[changed] -= 1
    number = finances.propose("hand", wanted)
    assert house.folder(strange).title not in finances.page(number)
    finances.post(f"/lots/{number}/bureau", {"desk": "direction"})
    became(
        number,
        {
            mine: ("waiting", ""),
            back: ("left_out", "« Direction générale » a déjà eu ce dossier à cette étape"),
            gone: ("left_out", "Tifenn Lescoat a visé « "),
            changed: ("left_out", "Ce dossier a changé depuis que la liste l’a montré"),
            signed: ("left_out", "Vous avez visé « "),
        },
    )
    page = plain(finances.page(number))
    assert page.index("a déjà eu ce dossier") < page.index("Confier 1 dossier</span>")
    assert "se règle dans sa page" not in page, "another desk may have it"
    mayor = Hand(house, A)
    refused = mayor.post(
        "/lots", {"kind": "hand", "d": [f"{signed}-{house.folder(signed).version}"]}, status=409
    )
    assert "une signature" in refused or "elle ne se confie pas" in refused


def test_another_desk_may_be_chosen_and_takes_in_again_what_the_first_left_out(
    house: House, finances: Hand
) -> None:
    mine, back = house.an_invoice("finance"), house.an_invoice("finance")
    hand(house, N, back, "direction")
    hand(house, S, back, "technique")
    desks.seat(house.actor(N).collectivity_id, "technique", N, [Right.ACT])
    finances = Hand(house, N)
    number = chosen(finances, [mine, back])
    assert [one.state for one in items(number)] == ["waiting", "left_out"]
    assert "À quel bureau" in finances.text(f"/lots/{number}?bureau=autre")
    # A desk where none of them may go, or that is none, changes nothing
    for desk in ("paye", "nulle-part"):
        assert "Rien n’a été fait" in finances.post(f"/lots/{number}/bureau", {"desk": desk}, status=409)
    assert [one.state for one in items(number)] == ["waiting", "left_out"]
    finances.post(f"/lots/{number}/commencer", HANDED)
    finances.post(f"/lots/{number}/bureau", {"desk": "technique"}, status=409)
    house.drain()
    assert [one.state for one in items(number)] == ["done", "left_out"]


def test_of_a_closed_type_no_desk_outside_its_circuit_is_handed_it(house: House) -> None:
    made(house, visibility="restricted")
    desks.seat(house.actor(G).collectivity_id, "paye", B, [Right.ACT])
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    ronan = Hand(house, R)
    number = ronan.propose("hand", [folder_id])
    assert "Service de la paye" not in ronan.page(number)
    refused = ronan.post(f"/lots/{number}/bureau", {"desk": "paye"}, status=409)
    assert "ne lit pas ce dossier" in refused
    ronan.post(f"/lots/{number}/bureau", {"desk": "finances"})
    ronan.post(f"/lots/{number}/commencer", {**HANDED, "desk": "finances"})
    house.drain()
    became(number, {folder_id: ("done", "")})


@pytest.mark.both_databases
def test_what_changed_meanwhile_is_refused_with_its_reason_and_stops_nothing(
    house: House, finances: Hand
) -> None:
    visaed, recalled, asked, left = (house.an_invoice("finance") for _ in range(4))
    number = chosen(finances, [visaed, recalled, asked, left])
    house.approve(visaed, T)
    decide.recall(house.actor(G), recalled, version=house.folder(recalled).version)
    asking.ask(
        house.actor(T),
        asked,
        version=house.folder(asked).version,
        desks=["direction"],
        question="Le bon ?",
        waits=False,
    )
    finances.post(f"/lots/{number}/commencer", HANDED)
    house.drain()
    became(
        number,
        {
            visaed: ("refused", "Tifenn Lescoat a visé"),
            recalled: ("refused", "Gwenola Tréhorel a repris ce dossier à"),
            asked: ("refused", "« Atelier Berthier SARL"),
            left: ("done", ""),
        },
    )
    page = finances.page(number)
    assert "1 dossier confié sur 4" in page
    assert "3 dossiers ne sont pas confiés" in page


def test_a_desk_that_was_closed_and_a_seat_that_was_lost_are_told_folder_by_folder(
    house: House, finances: Hand
) -> None:
    folders = [house.an_invoice("finance") for _ in range(2)]
    number = chosen(finances, folders)
    finances.post(f"/lots/{number}/commencer", HANDED)
    here = house.actor(N).collectivity_id
    for seat in house.actor(S).seats:
        desks.seat(here, seat.key, S, ())
    house.drain()
    assert {one.state for one in items(number)} == {"refused"}
    assert all("Direction générale" in one.reason for one in items(number))
    assert all(parts(one) == [("desk:finances", "active")] for one in folders)


@pytest.mark.both_databases
def test_what_was_handed_together_is_taken_back_within_the_seconds(house: House, finances: Hand) -> None:
    folders = [house.an_invoice("finance") for _ in range(3)]
    house.drain()
    pause.configure(60)
    try:
        number = chosen(finances, folders)
        finances.post(f"/lots/{number}/commencer", HANDED)
        outbox.drain()
        assert "Ne plus confier ces 3 dossiers" in finances.page(number)
        decide.open_meanwhile(house.actor(S), folders[0])
        Hand(house, T).post(f"/lots/{number}/reprendre", status=404)
        house.mail.clear()
        finances.post(f"/lots/{number}/reprendre")
        page = finances.page(number)
        assert "2 dossiers ne sont plus confiés : ces dossiers vous attendent de nouveau" in page
        assert "reste confié." in page
        assert "2 dossiers repris</h2>" in page
        assert "1 dossier confié sur 3, 2 repris" in page
        assert re.search(r"Confié <b[^>]*>à la Direction générale", plain(page))
        assert "1 confié sur 3, 2 repris" in finances.text("/lots")
        (line,) = rows_of(finances.client, "/lots.csv")
        assert (line["Faits"], line["Repris"], line["Non faits"]) == ("1", "2", "0")
        outcomes = [line["Résultat"] for line in rows_of(finances.client, f"/lots/{number}.csv")]
        assert outcomes[1:] == ["Repris"] * 2
        assert parts(folders[0])[-1] == ("desk:direction", "active")
        back = ("refused", "Ce que vous aviez confié vous revient")
        became(number, {folders[0]: ("done", ""), folders[1]: back, folders[2]: back})
        assert [house.journal(one).count("folder.take_back") for one in folders] == [0, 1, 1]
        with engine().begin() as base:
            base.execute(sa.update(Outbox).where(Outbox.state == "pending").values(available_at=now()))
        outbox.drain()
        assert sum(str(one["To"]).count("s.rivoal") for one in house.mail.letters) <= 1
    finally:
        pause.configure(0)
    house.approve(folders[1], N)


def test_another_person_finds_no_such_batch_and_whoever_may_not_act_proposes_none(
    house: House, finances: Hand
) -> None:
    number = finances.propose("hand", [house.an_invoice("finance")])
    assert "Ce lot n’existe pas" in Hand(house, T).post(
        f"/lots/{number}/bureau", {"desk": "direction"}, status=404
    )
    visas = finances.propose("approve", [house.an_invoice("finance")])
    finances.post(f"/lots/{visas}/bureau", {"desk": "direction"}, status=422)
    with reading() as db:
        assert {one.desk for one in db.scalars(sa.select(Batch))} == {""}


@pytest.mark.both_databases
def test_two_workers_hand_each_folder_once(house: House, finances: Hand) -> None:
    folders = [house.an_invoice("finance") for _ in range(3)]
    number = chosen(finances, folders)
    finances.post(f"/lots/{number}/commencer", HANDED)
    with reading() as db:
        order = carry.order_of(db, number)
    numbers, ready, errors = [one.id for one in items(number)], Barrier(2), list[BaseException]()

    def work() -> None:
        try:
            ready.wait()
            for one in numbers:
                carry.decide(order, one)
        except BaseException as error:
            errors.append(error)

    several = [Thread(target=work) for _ in range(2)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert not errors
    assert [house.journal(one).count("folder.handed") for one in folders] == [1, 1, 1]
    assert timedelta(0) < now() - items(number)[0].changed_at < timedelta(minutes=1)


def test_a_button_does_what_its_page_shows_and_not_what_another_page_chose(
    house: House, finances: Hand
) -> None:
    folders = [house.an_invoice("finance") for _ in range(2)]
    number = chosen(finances, folders)
    page = finances.page(number)
    assert "à la Direction générale" in plain(page)
    ((button, form),) = re.findall(rf'action="(/lots/{number}/commencer[^"]*)"(.*?)</form>', page, re.DOTALL)
    assert button == marked(f"/lots/{number}/commencer")
    shown = dict(re.findall(r'name="(desk)" value="([^"]*)"', form))
    assert shown == {"desk": "direction"}
    finances.post(f"/lots/{number}/bureau", {"desk": "maire"})  # in another page, left there
    again = finances.post(button, {"reason": WHY, **shown}, status=409)
    assert "le bureau choisi a changé" in plain(again)
    assert WHY in unescape(again), "what was written stays"
    assert "is-invalid" not in again
    assert "au Bureau du maire" in plain(again)
    finances.post(f"/lots/{number}/commencer", {"reason": WHY}, status=409)
    assert parts(folders[0])[-1][0] != "desk:maire"


def test_a_page_of_before_takes_up_no_batch_that_began_otherwise_elsewhere(
    house: House, finances: Hand
) -> None:
    """Another page chose another desk, or wrote another reason, began, and was left: this one's button does not go on with it."""
    folders = [house.an_invoice("finance") for _ in range(2)]
    number = chosen(finances, folders)
    button = marked(f"/lots/{number}/commencer")  # it says: à la Direction générale
    other = Hand(house, N)
    other.post(f"/lots/{number}/bureau", {"desk": "maire"})
    other.post(f"/lots/{number}/commencer", {"reason": "Le maire décide.", "desk": "maire"})
    other.post("/logout")
    house.drain()
    assert "Lot interrompu" in finances.page(number)
    for form in (HANDED, {"reason": WHY, "desk": "maire"}):
        assert "ce lot a changé" in finances.post(button, form, status=409)
    house.drain()
    assert all(parts(one)[-1][0] != "handed:desk:maire" for one in folders)
    finances.post(f"/lots/{number}/commencer")  # « Reprendre », on its page as it is now
    house.drain()
    became(number, dict.fromkeys(folders, ("done", "")))


def test_a_batch_that_has_the_number_of_a_removed_one_starts(house: House, finances: Hand) -> None:
    folders = [house.an_invoice("finance") for _ in range(2)]
    number = chosen(finances, folders[:1])
    finances.post(f"/lots/{number}/commencer", HANDED)
    house.drain()
    schema.downgrade("0135_search_days")  # below which no batch hands anything
    schema.upgrade()
    visas = finances.propose("approve", folders[1:])
    if engine().dialect.name == "sqlite":
        assert visas == number, "SQLite gives the number again"
    finances.post(f"/lots/{visas}/commencer")
    house.drain()
    became(visas, {folders[1]: ("done", "")})


def test_a_row_of_before_keys_said_when_their_batch_was_proposed_still_works(
    house: House, finances: Hand
) -> None:
    (folder,) = [house.an_invoice("finance")]
    number = finances.propose("approve", [folder])
    finances.post(f"/lots/{number}/commencer")
    with engine().begin() as connection:
        rows = sa.update(Outbox).where(Outbox.kind == "batch.decide")
        connection.execute(rows.values(key=f"batch-{number}-1"))
    assert "Lot interrompu" not in finances.text(f"/lots/{number}")
    with reading() as db:
        assert gesture.at_work(db, db.get_one(Batch, number))
    house.drain()
    became(number, {folder: ("done", "")})


@pytest.mark.both_databases
@pytest.mark.parametrize(("kind", "past"), [("approve", "visé"), ("hand", "confié")])
def test_in_whose_absence_a_batch_is_done_is_told_before_its_button_and_ever_after(
    house: House, kind: str, past: str
) -> None:
    covered = [house.an_invoice("service_done") for _ in range(2)]
    own = house.an_invoice("finance")
    desks.seat(house.actor(N).collectivity_id, "finances", "m.kerzerho", [Right.ACT])
    away(house, R, "m.kerzerho")
    maiwenn = Hand(house, "m.kerzerho")
    number = chosen(maiwenn, [*covered, own]) if kind == "hand" else maiwenn.propose(kind, [*covered, own])
    page = maiwenn.text(f"/lots/{number}")
    words = "2 en l’absence de Ronan Pellenec"
    assert page.index(words) < page.index("3 dossiers</span>")
    assert page.count("En l’absence de Ronan Pellenec") == 2, "its own is told from the others"
    maiwenn.post(f"/lots/{number}/commencer", HANDED)
    house.drain()
    page = maiwenn.text(f"/lots/{number}")
    assert f"3 dossiers {past}s sur 3" in page
    assert words in page
    assert page.count("En l’absence de Ronan Pellenec") == 2
    assert words in maiwenn.text("/lots")
    (line,) = rows_of(maiwenn.client, "/lots.csv")
    assert line["En l’absence de"] == "Ronan Pellenec (2)"
    absents = {
        int(line["Dossier"]): line["En l’absence de"]
        for line in rows_of(maiwenn.client, f"/lots/{number}.csv")
    }
    assert absents == {**dict.fromkeys(covered, "Ronan Pellenec"), own: ""}
    # Her own batch at her own desk says nothing of it
    later = house.an_invoice("finance")
    number = maiwenn.propose("approve", [later])
    assert "l’absence" not in maiwenn.text(f"/lots/{number}")


def test_what_was_handed_under_a_cover_is_not_offered_to_be_taken_back_once_it_has_ended(
    house: House,
) -> None:
    folders = [house.an_invoice("service_done") for _ in range(2)]
    house.drain()
    absence = away(house, R, "m.kerzerho")
    maiwenn = Hand(house, "m.kerzerho")
    pause.configure(60)
    try:
        number = chosen(maiwenn, folders)
        maiwenn.post(f"/lots/{number}/commencer", HANDED)
        outbox.drain()
        assert "Ne plus confier ces 2 dossiers" in maiwenn.page(number)
        over(absence)
        assert "Ne plus confier" not in maiwenn.page(number)
    finally:
        pause.configure(0)
