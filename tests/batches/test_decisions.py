"""Approving and rejecting together: one result per folder, with the rights held at the moment of each, once whatever dies."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.batches import carry, gesture
from app.batches.models import Batch, BatchItem
from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading, writing
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.display import queues
from app.folders import decide, pause, undoing
from app.folders.models import Folder, StepRun
from app.journal.models import JournalEntry
from app.people import desks
from app.people.models import Holder
from tests.api.software import Software
from tests.batches.town import Hand, became, items, mark, marked
from tests.builders.house import House
from tests.folders.test_undoing import longer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


@pytest.fixture
def finances(house: House) -> Hand:
    """Nolwenn Abgrallec, who visas for the finance desk."""
    return Hand(house, "n.abgrallec")


@pytest.mark.both_databases
def test_a_batch_of_visas_moves_each_folder_once_and_says_so_in_its_journal(
    house: House, finances: Hand
) -> None:
    folders = [house.a_quick_invoice() for _ in range(4)]
    number = finances.propose("approve", folders)
    assert "Viser 4 dossiers" in finances.page(number)
    assert {house.folder(one).place for one in folders} == {"finance"}, "nothing is done before the gesture"
    finances.post(f"/lots/{number}/commencer")
    # Visas go on without their page, a key does not: each page says its own of the two sentences, and not the other.
    page = finances.page(number)
    assert ("Vous pouvez fermer cette page" in page, "Gardez cette page" in page) == (True, False)
    house.drain()
    assert {house.folder(one).place for one in folders} == {"bon_a_payer"}
    mayor = Hand(house, "a.kervadec")
    page = mayor.page(mayor.propose("sign", folders))
    assert ("Vous pouvez fermer cette page" in page, "Gardez cette page" in page) == (False, True)
    page = finances.page(number)
    assert "4 dossiers visés sur 4" in page
    assert page.count('nowrap">n° ') == 4  # « F26-11-019 » is not broken at its hyphens
    assert re.search(r", le \d\d/\d\d/\d{4}, de \d{1,2} h \d\d à \d{1,2} h \d\d<", page)
    assert not re.search(
        r"\b0\d h \d\d|\d\d:\d\d", re.sub(r"<[^>]*>", " ", page)
    )  # « 4 h 41 », not « 04 h 41 »
    for one in folders:
        assert house.journal(one).count("folder.approve") == 2  # the service's, then this one
        assert facts_of(one)["batch"] == number
    # Twice the same click, and the row of the worker again: nothing more.
    finances.post(f"/lots/{number}/commencer", status=409)
    house.drain()
    assert [house.journal(one).count("folder.approve") for one in folders] == [2] * 4


@pytest.mark.both_databases
def test_all_that_a_filter_finds_is_taken_with_its_count_first_and_not_the_page_alone(
    house: House, finances: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [house.a_quick_invoice() for _ in range(4)]
    monkeypatch.setattr(queues, "PAGE", 2)
    for filters, words in (
        ("", "Les 4 dossiers de cette liste, toutes ses pages comprises"),
        ("?famille=invoice", "Les 4 dossiers de cette liste"),
        ("?voir=non-lus", "Les 4 dossiers de cette liste"),
        ("?voir=non-lus&famille=invoice", "Tous les dossiers de cette liste, 500 au plus"),
    ):
        page = finances.text(f"/a-traiter{filters}")
        assert words in page, filters
        assert page.count('name="d"') == 2
    assert 'name="famille" value="invoice"' in page
    # A group that goes on beyond the page is given no count of its own, and acts are counted in all the list
    assert not re.search(r"class=\"list-group-title\">.*, 2 dossiers", page)
    cents = sum(house.folder(one).amount_cents or 0 for one in folders)
    counted = finances.ask("/a-traiter/compte?voir=non-lus").get_json()
    assert counted == {"visa": 4, "sign": 0, "other": 0, "cents": cents}
    assert finances.ask("/a-traiter/compte?famille=deliberation").get_json()["visa"] == 0
    assert 'name="voir" value="non-lus"' in page
    every, ticked = {"kind": "approve", "all": "list"}, [f"{folders[0]}-{house.folder(folders[0]).version}"]
    number = finances.number_of(finances.ask("/lots", "POST", {**every, "d": ticked}))
    assert "Viser 4 dossiers" in finances.page(number)
    assert {house.folder(one).place for one in folders} == {"finance"}, "nothing is done before the gesture"
    finances.ask(f"/dossiers/{folders[0]}")
    unread = finances.number_of(finances.ask("/lots", "POST", {**every, "voir": "non-lus"}))
    assert {one.folder_id for one in items(unread)} == set(folders[1:])
    refused = finances.ask("/lots", "POST", {**every, "famille": "deliberation"})
    assert refused.status_code == 422
    monkeypatch.setattr(queues, "PAGE", 50)
    assert "toutes ses pages comprises" not in finances.text("/a-traiter")


@pytest.mark.both_databases
def test_visas_of_a_batch_are_taken_back_within_the_seconds_and_what_was_opened_stays(
    house: House, finances: Hand
) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    pause.configure(20)
    longer(house, "n.abgrallec", 300)
    try:
        number = finances.propose("approve", folders)
        finances.post(f"/lots/{number}/commencer")
        outbox.drain()
        page = finances.page(number)
        assert "Annuler ces 3 visas" in page
        (left,) = re.findall(r'data-undo="(\d+)"', page)
        assert 20 < int(left) <= 300, "as long as this person has chosen"
        decide.open_meanwhile(house.actor("a.kervadec"), folders[0])
        Hand(house, "t.lescoat").post(f"/lots/{number}/reprendre", status=404)
        house.mail.clear()
        finances.post(f"/lots/{number}/reprendre")
        page = finances.page(number)
        assert "2 visas sont annulés" in page
        assert "reste visé." in page
        assert "1 dossier visé sur 3" in page
        assert "2 visas annulés</h2>" in page
        assert "ne sont pas visés" not in page, "nothing failed"
        assert [house.folder(one).place for one in folders] == ["bon_a_payer", "finance", "finance"]
        back = ("refused", "Votre visa est annulé")
        became(number, {folders[0]: ("done", ""), folders[1]: back, folders[2]: back})
        assert [house.journal(one).count("folder.take_back") for one in folders] == [0, 1, 1]
        # Again, by a second click: nothing more, and what stays is told again
        finances.post(f"/lots/{number}/reprendre")
        assert [house.journal(one).count("folder.take_back") for one in folders] == [0, 1, 1]
        with engine().begin() as base:
            base.execute(sa.update(Outbox).where(Outbox.state == "pending").values(available_at=now()))
        outbox.drain()
        assert all(str(one["To"]).count("a.kervadec") <= 1 for one in house.mail.letters)
        assert len(house.mail.letters) <= 1, "the letters of what was taken back do not go"
        decide.approve(house.actor("n.abgrallec"), folders[1], version=house.folder(folders[1]).version)
    finally:
        pause.configure(0)
    with engine().begin() as base:
        item = BatchItem.__table__
        over = sa.update(item).values(
            changed_at=now() - timedelta(seconds=301), final_at=now() - timedelta(seconds=1)
        )
        base.execute(over.where(item.c.final_at.is_not(None)))
    refused = finances.post(f"/lots/{number}/reprendre", status=409)
    assert "les 300 secondes pour le faire sont passées" in refused
    assert "Annuler ce visa" not in finances.page(number)


def test_a_visa_that_was_taken_back_on_its_own_page_is_offered_no_more_by_its_batch(
    house: House, finances: Hand
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    pause.configure(100)
    try:
        number = finances.propose("approve", folders)
        finances.post(f"/lots/{number}/commencer")
        outbox.drain()
        assert "Annuler ces 2 visas" in finances.page(number)
        undoing.undo(house.actor("n.abgrallec"), folders[0], version=house.folder(folders[0]).version)
        assert "Annuler ce visa" in finances.page(number)
        finances.post(f"/lots/{number}/reprendre")
        page = finances.page(number)
        assert "1 visa est annulé" in page
        # A row that was written when it was said in another word reads as those of today
        with engine().begin() as base:
            item = BatchItem.__table__
            former = sa.update(item).where(item.c.reason.startswith("Votre visa est annulé"))
            base.execute(former.values(reason="Votre visa est repris : le dossier vous attend de nouveau."))
        before = finances.page(number)
        assert "1 visa annulé</h2>" in before
        assert "Votre visa est annulé : le dossier vous attend de nouveau." in before
        assert "est repris" not in before
        assert "a changé depuis : ouvrez-le." in page
        assert "reste visé" not in page
        assert "Annuler ce visa" not in page, "nothing is left to take back"
        finances.post(f"/lots/{number}/reprendre")
        page = finances.page(number)
        assert ("a changé depuis : ouvrez-le." in page, "reste visé" in page) == (True, False)
    finally:
        pause.configure(0)
    assert [house.folder(one).place for one in folders] == ["finance", "finance"]
    assert [house.journal(one).count("folder.take_back") for one in folders] == [1, 1]


def test_a_batch_of_rejections_has_one_reason_and_does_not_start_without_it(
    house: House, finances: Hand
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    number = finances.propose("reject", folders)
    refused = finances.post(f"/lots/{number}/commencer", {"reason": "  "}, status=422)
    assert "écrivez le motif" in refused
    long = finances.post(f"/lots/{number}/commencer", {"reason": "Motif. " * 300}, status=422)
    assert "Motif. Motif." in long
    house.drain()
    assert {house.folder(one).phase for one in folders} == {"running"}
    finances.post(f"/lots/{number}/commencer", {"reason": "Bon de commande absent"})
    house.drain()
    assert {house.folder(one).phase for one in folders} == {"rejected"}
    assert "2 dossiers rejetés sur 2" in finances.page(number)
    with reading() as db:
        said = db.scalars(sa.select(StepRun.comment).where(StepRun.state == "rejected")).all()
    assert said == ["Bon de commande absent"] * 2


def test_what_changed_meanwhile_is_refused_with_its_reason_and_stops_nothing(
    house: House, finances: Hand
) -> None:
    taken_back, reassigned, visaed, left = (house.a_quick_invoice() for _ in range(4))
    number = finances.propose("approve", [taken_back, reassigned, visaed, left])
    decide.recall(house.actor("g.trehorel"), taken_back, version=house.folder(taken_back).version)
    house.approve(visaed, "t.lescoat")
    reassign(reassigned, "conseil")
    finances.post(f"/lots/{number}/commencer")
    house.drain()
    became(
        number,
        {
            taken_back: ("refused", "Gwenola Tréhorel a repris ce dossier à"),
            reassigned: ("refused", "Ce dossier ou cette page n’existe pas"),
            visaed: ("refused", "Tifenn Lescoat a visé"),
            left: ("done", ""),
        },
    )
    page = finances.page(number)
    assert "Rien n’a été fait de votre part : on attend maintenant" in page
    assert "relisez-le avant de décider" not in page, "it is not for him to decide any more"
    assert "1 dossier visé sur 4" in page
    assert "3 dossiers ne sont pas visés" in page
    assert page.index("ne sont pas visés") < page.index("1 dossier visé</h2>")


def test_a_batch_names_who_took_the_folder_back_and_not_who_had_deposited_it(
    house: House, finances: Hand
) -> None:
    recalled, left = house.a_quick_invoice(), house.a_quick_invoice()
    number = finances.propose("approve", [recalled, left])
    accounts = Software(house, "comptabilite", [Right.CREATE])
    answer = accounts.get(f"/folders/{recalled}")
    assert "recall" in answer.json["actions"]
    answer = accounts.post(f"/folders/{recalled}/recall", version=answer.json["version"])
    assert (answer.status_code, answer.json["place"]) == (200, "recalled")
    finances.post(f"/lots/{number}/commencer")
    house.drain()
    became(
        number,
        {recalled: ("refused", f"{accounts.name} a repris ce dossier à"), left: ("done", "")},
    )


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("seat", "Ce dossier ou cette page n’existe pas|Ce n’est pas à vous"),
        ("account", "compte .* a été fermé"),
    ],
)
def test_the_rights_are_those_of_the_moment_of_each_act(
    house: House, finances: Hand, loss: str, words: str
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    number = finances.propose("approve", folders)
    finances.post(f"/lots/{number}/commencer")
    here = house.actor("n.abgrallec").collectivity_id
    if loss == "seat":
        desks.seat(here, "finances", "n.abgrallec", ())
    else:
        desks.close_account(here, "n.abgrallec")
    house.drain()
    assert {house.folder(one).place for one in folders} == {"finance"}
    assert {one.state for one in items(number)} == {"refused"}
    assert all(re.search(words, one.reason) for one in items(number)), [one.reason for one in items(number)]


def test_a_session_that_was_closed_stops_its_batch_and_another_takes_it_up(
    house: House, finances: Hand
) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    number = finances.propose("approve", folders)
    finances.post(f"/lots/{number}/commencer")
    finances.post("/logout")
    house.drain()
    assert {house.folder(one).place for one in folders} == {"finance"}
    back = Hand(house, "n.abgrallec")
    assert f"Lot n° {number} interrompu : 0 visé, 3 restent" in back.text("/a-traiter")
    assert "Lot interrompu" in back.page(number)
    back.post(f"/lots/{number}/commencer")
    house.drain()
    assert {house.folder(one).place for one in folders} == {"bon_a_payer"}
    assert "Lot n°" not in back.text("/a-traiter")


def test_giving_up_leaves_the_rest_as_it_is(house: House, finances: Hand) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    number = finances.propose("approve", folders)
    finances.post(f"/lots/{number}/commencer")
    finances.post(f"/lots/{number}/abandonner")
    house.drain()
    assert {house.folder(one).place for one in folders} == {"finance"}
    assert "0 dossier visé sur 2" in finances.page(number)
    finances.post(f"/lots/{number}/abandonner", status=409)


def test_another_person_and_another_commune_find_no_such_batch(house: House, finances: Hand) -> None:
    number = finances.propose("approve", [house.a_quick_invoice()])
    stranger = Hand(house, "t.lescoat")
    for verb in ("", "/commencer", "/abandonner", "/retirer-non-lus"):
        answer = stranger.ask(f"/lots/{number}{verb}", "POST" if verb else "GET")
        assert answer.status_code == 404
        assert "Ce lot n’existe pas" in answer.get_data(as_text=True)
    assert [one.state for one in items(number)] == ["waiting"]


def test_the_list_says_what_is_left_out_and_why_and_names_nothing_that_is_not_read(
    house: House, finances: Hand
) -> None:
    mine, changed, gone = (house.a_quick_invoice() for _ in range(3))
    strange, signed = house.a_deliberation(at="direction"), house.an_invoice(at="bon_a_payer")
    before = {one: house.folder(one).version for one in (mine, changed, gone, strange, signed)}
    house.approve(gone, "t.lescoat")
    before[changed] -= 1
    number = finances.propose("approve", before)
    became(
        number,
        {
            mine: ("waiting", ""),
            changed: ("left_out", "Ce dossier a changé depuis que la liste l’a montré"),
            gone: ("left_out", f"Tifenn Lescoat a visé « {house.folder(gone).title} » à "),
            signed: ("left_out", "Vous avez visé « "),
        },
    )
    page = finances.page(number)
    assert "Viser 1 dossier" in page
    assert "3 dossiers sont laissés de côté" in page
    assert page.count("il n’attend plus votre décision.") == 2
    assert "se règle dans sa page" not in page, "nothing lacks in them"
    assert house.folder(strange).title not in page
    mayor = Hand(house, "a.kervadec")
    page = mayor.post("/lots", {"kind": "approve", "d": [f"{signed}-{before[signed]}"]}, status=409)
    assert "demande une signature" in page


def test_what_its_depositor_took_back_or_gave_up_is_not_to_be_settled_first(
    house: House, finances: Hand
) -> None:
    corrected, abandoned, left = (house.a_quick_invoice() for _ in range(3))
    before = {one: house.folder(one).version for one in (corrected, abandoned, left)}
    owner = house.actor("g.trehorel")
    for one in (corrected, abandoned):
        decide.recall(owner, one, version=before[one])
    decide.withdraw(owner, abandoned, version=house.folder(abandoned).version)
    asked = "&".join(f"d={one}-{version}" for one, version in before.items())
    assert finances.ask(f"/lots/compte?{asked}").get_json() == {"visa": 1, "sign": 0, "settle": 0}
    number = finances.propose("approve", before)
    became(
        number,
        {
            corrected: ("left_out", "Gwenola Tréhorel a repris ce dossier à"),
            abandoned: ("left_out", "Gwenola Tréhorel a abandonné ce dossier à"),
            left: ("waiting", ""),
        },
    )
    page = finances.page(number)
    assert "2 dossiers sont laissés de côté" in page
    assert "se règle dans sa page" not in page, "nothing lacks in them"


def test_a_selection_of_visas_leaves_out_no_signature_nor_a_signature_visas(house: House) -> None:
    desks.seat(house.actor("a.kervadec").collectivity_id, "finances", "a.kervadec", [Right.ACT])
    signed, visa = house.an_invoice(at="bon_a_payer"), house.a_quick_invoice()
    mayor = Hand(house, "a.kervadec")
    for kind, goes in (("approve", visa), ("sign", signed)):
        number = mayor.propose(kind, [signed, visa])
        became(number, {goes: ("waiting", "")})
        assert "laissé de côté" not in mayor.page(number)


def test_what_each_folder_needs_is_told_with_its_link_before_the_button(house: House, finances: Hand) -> None:
    folders = [house.a_quick_invoice() for _ in range(8)]
    fresh = {one: house.folder(one).version for one in folders}
    old = {one: version - 1 for one, version in fresh.items()}
    number = finances.propose("approve", {**old, folders[0]: fresh[folders[0]]})
    page = finances.page(number)
    links = [page.index(f'href="/dossiers/{one}"') for one in folders[1:]]
    button = page.index('type="submit">', page.index(f"/lots/{number}/commencer"))
    assert max(links) < button
    assert "7 dossiers sont laissés de côté" in page
    assert "1 dossier part" in page
    assert links[4] < page.index("Afficher les 2 autres") < links[5]
    assert page.count("relisez-le avant de décider") == len(links)
    # Nothing goes: each is told in the same way, in place of the reason of the first alone
    refused = finances.post(
        "/lots", {"kind": "approve", "d": [f"{one}-{version}" for one, version in old.items()]}, status=409
    )
    assert "Rien n’a été fait : aucun de ces dossiers ne peut être décidé ainsi." in refused
    assert refused.count("relisez-le avant de décider") == len(folders)
    assert all(f'href="/dossiers/{one}"' in refused for one in folders)
    assert "Aucun ne part" in refused


@pytest.mark.both_databases
def test_sums_by_family_and_what_was_never_opened(house: House, finances: Hand) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    finances.text(f"/dossiers/{folders[0]}")
    number = finances.propose("approve", folders)
    page = finances.page(number)
    assert re.search(r"Factures</span><b[^>]*>3</b>", page)
    cents = sum(house.folder(one).amount_cents or 0 for one in folders)
    whole = f"{cents // 100:,}".replace(",", "\u202f")
    assert f"{whole},{cents % 100:02d}\u00a0€" in page
    warned, gesture = page.index("Vous n’avez pas ouvert 2 de ces dossiers"), page.index("Un échec n’arrête")
    assert warned < gesture, "it is read before the button"
    finances.post(f"/lots/{number}/retirer-non-lus")
    assert [one.state for one in items(number)] == ["waiting", "left_out", "left_out"]
    finances.post(f"/lots/{number}/commencer")
    house.drain()
    assert [house.folder(one).place for one in folders] == ["bon_a_payer", "finance", "finance"]
    finances.post(f"/lots/{number}/retirer-non-lus", status=409)


def test_a_batch_has_a_limit_and_refuses_what_it_cannot_read(house: House, finances: Hand) -> None:
    too_many = {"kind": "approve", "d": [f"{number}-1" for number in range(1, 600)]}
    assert "500 au plus" in finances.post("/lots", too_many, status=422)
    assert "aucun dossier n’est coché" in finances.post("/lots", {"kind": "approve"}, status=422)
    finances.post("/lots", {"kind": "approve", "d": "1-x"}, status=400)
    finances.post("/lots", {"kind": "archive", "d": "1-1"}, status=400)
    assert "pas donné à votre compte" in finances.post("/lots", {"kind": "sign", "d": "1-1"}, status=403)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Batch)) == 0


def test_a_proposal_gives_way_to_the_next_one_a_started_batch_does_not(house: House, finances: Hand) -> None:
    first, second = house.a_quick_invoice(), house.a_quick_invoice()
    forgotten = finances.propose("approve", [first])
    started = finances.propose("approve", [first])
    gesture.take_up(house.actor("n.abgrallec"), started)
    finances.propose("approve", [second])
    with reading() as db:
        assert forgotten not in set(db.scalars(sa.select(Batch.id))) - {started}
        assert started in set(db.scalars(sa.select(Batch.id)))


def test_what_failed_for_a_reason_that_passed_is_tried_again_as_it_was_shown(
    house: House, finances: Hand
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    number = finances.propose("approve", folders)
    finances.post(f"/lots/{number}/commencer")
    here = house.actor("n.abgrallec").collectivity_id
    held = house.actor("n.abgrallec").seats
    for seat in held:
        desks.seat(here, seat.key, "n.abgrallec", ())
    house.drain()
    for seat in held:
        desks.seat(here, seat.key, "n.abgrallec", tuple(seat.rights))
    assert "Reprendre 2 dossiers" in finances.page(number)
    house.approve(folders[0], "t.lescoat")
    assert "Reprendre 1 dossier" in finances.page(number)
    again = finances.number_of(finances.ask("/lots", "POST", {"kind": "approve", "again": number}))
    assert [one.folder_id for one in items(again)] == [folders[1]]


@pytest.mark.both_databases
def test_a_verb_of_the_worker_does_nothing_for_an_item_that_is_over(house: House, finances: Hand) -> None:
    folder_id = house.a_quick_invoice()
    number = finances.propose("approve", [folder_id])
    finances.post(f"/lots/{number}/commencer")
    with reading() as db:
        order = carry.order_of(db, number)
    (item,) = items(number)
    carry.decide(order, item.id)
    version = house.folder(folder_id).version
    carry.decide(order, item.id)
    carry.refuse(order, item.id, "not-found", {})
    carry.finish(order)
    assert house.folder(folder_id).version == version
    assert items(number)[0].state == "done"
    with pytest.raises(Refusal, match="batch-over"):
        gesture.give_up(house.actor("n.abgrallec"), number, mark(number))


def reassign(folder_id: int, desk: str) -> None:
    """Give the folder's present step to another desk."""
    with engine().begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE step_run SET desk_id = (SELECT id FROM desk WHERE key = :desk) WHERE folder_id = :id AND state = 'active'"
            ),
            {"desk": desk, "id": folder_id},
        )


def facts_of(folder_id: int, event: str = "folder.approve") -> dict[str, object]:
    """The facts of the last decision on a folder."""
    import json

    with reading() as db:
        query = sa.select(JournalEntry.facts).where(
            JournalEntry.folder_id == folder_id, JournalEntry.event == event
        )
        facts = db.scalars(query.order_by(JournalEntry.id.desc()).limit(1)).one()
    return json.loads(facts) if isinstance(facts, str) else dict(facts)


@pytest.mark.both_databases
def test_the_row_of_an_earlier_turn_leaves_the_work_to_the_present_one(house: House, finances: Hand) -> None:
    folder_id = house.a_quick_invoice()
    number = finances.propose("approve", [folder_id])
    for _ in range(2):
        finances.post(f"/lots/{number}/commencer")
    assert house.pending() >= 2
    house.drain()
    assert house.journal(folder_id).count("folder.approve") == 2
    with reading() as db:
        assert db.scalar(sa.select(BatchItem.state)) == "done"


@pytest.mark.both_databases
def test_past_batches_are_found_again_with_their_results_and_nobody_else_s(house: House) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    finances = Hand(house, "n.abgrallec")
    assert "Vous n’avez encore traité aucun lot" in finances.text("/lots")
    first = finances.propose("approve", folders[:2])
    decide.recall(house.actor("g.trehorel"), folders[0], version=house.folder(folders[0]).version)
    finances.post(f"/lots/{first}/commencer")
    house.drain()
    second = finances.propose("approve", folders[2:])
    finances.post(f"/lots/{second}/commencer")
    page = finances.text("/lots")
    assert f"Lot n° {first}, Visa de 2 dossiers" in page
    assert "1 visé sur 2" in page
    assert f"Lot n° {second}, Visa de 1 dossier" in page
    assert "en cours : 0 visé sur 1, 1 reste" in page
    assert page.index(f"Lot n° {second}") < page.index(f"Lot n° {first}")
    older = finances.text(f"/lots?avant={second}")
    assert (f"Lot n° {first}" in older, f"Lot n° {second}" in older) == (True, False)
    assert "Lot n°" not in Hand(house, "a.kervadec").text("/lots")


def test_who_has_left_the_desk_is_told_of_his_batch_neither_title_nor_amount(
    house: House, finances: Hand
) -> None:
    decided, given_up = (house.an_invoice(at="finance", number=f"FA-{n}") for n in (11, 12))
    other = finances.propose("reject", [given_up])
    finances.post(f"/lots/{other}/abandonner")
    done = finances.propose("approve", [decided])
    finances.post(f"/lots/{done}/commencer")
    house.drain()
    titles = {one: house.folder(one).title for one in (decided, given_up)}
    assert titles[given_up] in finances.text(f"/lots/{other}.csv")
    assert f'href="/dossiers/{given_up}"' in finances.page(other)
    with writing() as db, db.begin():
        db.execute(sa.delete(Holder).where(Holder.user_id == house.actor("n.abgrallec").user_id))
    page, table = finances.page(other), finances.text(f"/lots/{other}.csv")
    for text in (page, table):
        assert "Dossier que vous ne lisez plus" in text
        assert titles[given_up] not in text
        assert "FA-12" not in text
        assert "€" not in text
    assert f'href="/dossiers/{given_up}"' not in page
    # What one decided oneself stays read
    assert titles[decided] in finances.text(f"/lots/{done}.csv")


def test_a_folder_that_another_rejected_meanwhile_is_not_said_to_wait(house: House, finances: Hand) -> None:
    folder = house.a_quick_invoice()
    batch = finances.propose("approve", [folder])
    other = house.actor("t.lescoat")
    decide.reject(other, folder, version=house.folder(folder).version, reason="Montant à vérifier")
    finances.post(f"/lots/{batch}/commencer")
    house.drain()
    page = finances.page(batch)
    assert "Tifenn Lescoat a rejeté" in page
    assert "il n’attend plus de décision" in page
    assert "relisez-le" not in page


def test_an_amount_in_another_currency_is_never_told_in_euros(house: House, finances: Hand) -> None:
    abroad, home = (house.an_invoice(at="finance", number=f"FA-{n}") for n in (21, 22))
    with writing() as db, db.begin():
        folder = db.get_one(Folder, abroad)
        folder.fields, folder.amount_cents = {**folder.fields, "currency": "NOK"}, 180_178
        db.get_one(Folder, home).amount_cents = 100_000
    assert finances.ask("/a-traiter/compte").get_json()["cents"] == 100_000
    number = finances.propose("approve", [abroad, home])
    page = finances.text(f"/lots/{number}")
    assert "1 000,00 €, 1 801,78 NOK" in page
    assert "2 801,78" not in page
    assert "1 801,78 €" not in page
    assert "1 801,78 NOK" in finances.text(f"/lots/{number}.csv")


@pytest.mark.both_databases
def test_a_button_decides_what_its_page_showed_and_nothing_else(house: House, finances: Hand) -> None:
    """Whoever comes back to a page of before finds there the list that he read, or that it is another one."""
    shown, others = ([house.an_invoice("finance", number=f"F-{n}-{k}") for k in range(2)] for n in range(2))
    first = finances.propose("reject", shown)
    button, out, drop = (
        marked(f"/lots/{first}/{verb}") for verb in ("commencer", "abandonner", "retirer-non-lus")
    )
    assert f'action="{button}"' in finances.page(first)
    second = finances.propose("approve", others)
    gone = 409 if second == first else 404  # SQLite gives the number again
    for path in (
        button,
        out,
        drop,
        f"/lots/{first}/commencer?marque=",
        f"/lots/{first}/commencer?marque=1-2",
    ):
        answer = finances.post(path, {"reason": "Pièce manquante."}, status=gone)
        assert gone == 404 or "ce lot a changé depuis" in answer, path
    house.drain()
    assert {house.folder(one).place for one in shown + others} == {"finance"}
    assert not [item for item in items(second) if item.state != "waiting"]
    # The same proposal, of which another page has taken a folder out
    button = marked(f"/lots/{second}/commencer")
    finances.ask(f"/dossiers/{others[0]}")
    third = finances.propose("approve", others)
    button = marked(f"/lots/{third}/commencer")
    finances.post(f"/lots/{third}/retirer-non-lus")
    answer = finances.post(button, status=409)
    assert "Viser 1 dossier" in answer
    finances.post(marked(f"/lots/{third}/commencer"))
    house.drain()
    became(third, {others[0]: ("done", ""), others[1]: ("left_out", "Retiré du lot")})
    # Once begun its list changes no more, and it is taken up by its moment alone; never by the page of another one
    other = button.replace("marque=", "marque=9")
    finances.post(other, status=409)
