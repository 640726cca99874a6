"""Marks on several folders at once: counted before, each as on its own page, and nothing of what is not one’s own."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from app.core.clock import PARIS, now, today
from app.core.db import engine, reading
from app.core.french import jour_long
from app.display import queues
from app.folders import asking, decide, marks, sending, together
from app.folders.models import Reading, StepRun
from app.journal.models import JournalEntry
from app.people import desks
from app.people.actor import Actor
from tests.batches.town import plain
from tests.builders.house import INVOICE, House
from tests.display.test_folder_page import heard
from tests.folders.test_handing import RECEIVED, made
from workflows.vocabulary import Right

pytestmark = [pytest.mark.in_turn, pytest.mark.both_databases]
G, R, N, T, K = "g.trehorel", "r.pellenec", "n.abgrallec", "t.lescoat", "k.morizur"


class Reader:
    """Somebody before « À traiter »."""

    def __init__(self, house: House, login: str) -> None:
        self.house, self.login, self.client = house, login, house.client(login)
        self.token = house.csrf(self.client)

    @property
    def actor(self) -> Actor:
        return self.house.actor(self.login)

    def post(
        self, verb: str, folders: Iterable[int] | Mapping[int, int] = (), status: int = 302, **typed: str
    ) -> str:
        """Post what is ticked, in the versions of now unless said; the words of the page that comes."""
        shown = (
            folders
            if isinstance(folders, Mapping)
            else {one: self.house.folder(one).version for one in folders}
        )
        data = {
            "csrf_token": self.token,
            "d": [f"{one}-{version}" for one, version in shown.items()],
            **typed,
        }
        answer = self.client.post(f"/a-traiter/{verb}", data=data)
        assert answer.status_code == status, (answer.status_code, answer.get_data(as_text=True))
        if status == 302:
            answer = self.client.get(answer.location)
        return words(answer.get_data(as_text=True))

    def opens(self, *folders: int) -> None:
        for one in folders:
            assert self.client.get(f"/dossiers/{one}").status_code == 200

    def listed(self, only: str = "") -> set[int]:
        with reading(self.actor.collectivity_id) as db:
            return {one.id for one in queues.todo(db, self.actor, only=only)}


def words(page: str) -> str:
    return plain(re.sub(r"<[^>]+>", " ", html.unescape(page)))


def lines() -> int:
    """How many lines the journal has."""
    with reading() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(JournalEntry)) or 0


def due(folder_id: int, days: int) -> None:
    """Have what is awaited of a folder due in so many days."""
    with engine().begin() as base:
        runs = sa.update(StepRun).where(StepRun.folder_id == folder_id, StepRun.state == "active")
        base.execute(runs.values(due_on=today() + timedelta(days=days)))


def test_several_are_marked_read_and_not_read_counted_before_and_without_a_line_of_the_journal(
    house: House,
) -> None:
    read, unread, never = (house.a_quick_invoice() for _ in range(3))
    nolwenn, tifenn = Reader(house, N), Reader(house, T)
    nolwenn.opens(read, unread)
    marks.mark_unread(nolwenn.actor, unread)
    before = lines()
    page = nolwenn.post("ensemble", [read, unread, never], 200)
    assert "3 dossiers choisis" in page
    assert "Marquer 1 dossier comme lu" in page
    assert "Marquer 1 dossier comme non lu" in page
    assert "1 dossier ne se marque pas comme lu" in page
    assert "Vous ne l’avez jamais ouvert : ouvrez-le d’abord." in page
    assert nolwenn.listed(queues.UNREAD) == {unread, never}, "nothing is done before the button"
    told = nolwenn.post("lus", [read, unread, never])
    assert "1 dossier est marqué comme lu, pour vous seulement." in told
    assert "1 dossier de moins. Vous ne l’avez jamais ouvert : ouvrez-le d’abord." in told
    assert nolwenn.listed(queues.UNREAD) == {never}
    assert tifenn.listed(queues.UNREAD) == {read, unread, never}
    with reading() as db:
        assert db.get(Reading, (never, nolwenn.actor.user_id)) is None, (
            "what was never opened does not pass for it"
        )
    assert "2 dossiers sont marqués comme non lus" in nolwenn.post("non-lus", [read, unread, never])
    assert nolwenn.listed(queues.UNREAD) == {read, unread, never}
    assert "Rien n’a changé" in nolwenn.post("non-lus", [read, unread, never])
    assert lines() == before


def test_many_that_stay_are_counted_by_reason_where_their_names_are_folded(house: House) -> None:
    opened, late, *never = (house.a_quick_invoice() for _ in range(8))
    nolwenn = Reader(house, N)
    nolwenn.opens(opened, late)
    due(late, 0)
    page = nolwenn.post("ensemble", [opened, late, *never], 200)
    why = (
        "6 dossiers. Vous ne les avez jamais ouverts : ouvrez-les d’abord. "
        "1 dossier. Son échéance est arrivée : il reste dans votre liste. 7 dossiers qui restent dans votre liste"
    )
    assert why in page
    assert (
        "6 dossiers. Vous ne les avez jamais ouverts : ouvrez-les d’abord. 6 dossiers ne se marquent" in page
    )
    tomorrow = (today() + timedelta(days=1)).isoformat()
    told = nolwenn.post("masquer", [opened, late, *never], day=tomorrow, hour="08:00")
    assert "1 dossier est masqué de votre liste" in told
    assert "6 dossiers de moins. Vous ne les avez jamais ouverts : ouvrez-les d’abord." in told


def test_a_mark_never_reads_for_a_mandatory_reading_nor_keeps_anybody_from_taking_back(house: House) -> None:
    """`document_seen` and the hours by which an act is taken back are of who opens, and no mark writes either."""
    folder_id = house.a_quick_invoice()
    nolwenn = Reader(house, N)
    nolwenn.opens(folder_id)
    with reading() as db:
        mark = db.get_one(Reading, (folder_id, nolwenn.actor.user_id))
        first, again = mark.first_at, mark.again_at
    nolwenn.post("non-lus", [folder_id])
    nolwenn.post("lus", [folder_id])
    with reading() as db:
        mark = db.get_one(Reading, (folder_id, nolwenn.actor.user_id))
        assert (mark.first_at, mark.again_at) == (first, again)
        assert db.scalar(sa.text("SELECT COUNT(*) FROM document_seen")) == 0


def test_what_is_not_ones_own_is_neither_marked_nor_named(house: House) -> None:
    mine, elsewhere, strange = (
        house.a_quick_invoice(),
        house.a_quick_invoice(),
        house.a_deliberation(at="direction"),
    )
    nolwenn = Reader(house, N)
    nolwenn.opens(mine, elsewhere)
    every = {one: house.folder(one).version for one in (mine, elsewhere, strange)}
    house.approve(elsewhere, T)
    every[elsewhere] = house.folder(elsewhere).version
    page = nolwenn.post("ensemble", every, 200)
    assert "2 dossiers choisis" in page
    assert "Ce dossier ne vous attend plus." in page
    assert house.folder(strange).title not in page
    for verb in ("lus", "non-lus", "remettre"):
        told = nolwenn.post(verb, every)
        assert house.folder(strange).title not in told
    tomorrow = (today() + timedelta(days=1)).isoformat()
    nolwenn.post("masquer", every, day=tomorrow, hour="08:00")
    assert nolwenn.listed(queues.HIDDEN) == {mine}
    with reading() as db:
        mark = db.get_one(Reading, (elsewhere, nolwenn.actor.user_id))
        assert (mark.hidden_until, mark.seen_at is None) == (None, False)
        assert db.get(Reading, (strange, nolwenn.actor.user_id)) is None
    # Who reads none of them is told nothing of them
    page = nolwenn.post("ensemble", {strange: every[strange]}, 409)
    assert house.folder(strange).title not in page


def test_several_are_hidden_until_one_date_and_what_is_due_before_it_is_told_first_and_stays(
    house: House,
) -> None:
    soon, later, today_due, unopened = (house.a_quick_invoice() for _ in range(4))
    for folder_id, days in ((soon, 3), (later, 20), (today_due, 0), (unopened, 20)):
        due(folder_id, days)
    nolwenn, tifenn = Reader(house, N), Reader(house, T)
    nolwenn.opens(soon, later, today_due)
    every = [soon, later, today_due, unopened]
    page = nolwenn.post("ensemble", every, 200)
    assert "Masquer 2 dossiers" in page
    assert f"1 dossier jusqu’au {plain(jour_long(today() + timedelta(days=3)))}" in page
    assert "Son échéance est arrivée : il reste dans votre liste." in page
    assert page.index("il reste dans votre liste") < page.index("Masquer 2 dossiers")
    day = (today() + timedelta(days=10)).isoformat()
    page = nolwenn.post("masquer", every, 200, day=day, hour="09:00")
    assert "Rien n’est encore masqué : 3 dossiers restent dans votre liste" in page
    assert f"au plus tard jusqu’au {plain(jour_long(today() + timedelta(days=3)))}" in page
    assert "Masquer 1 dossier" in page
    assert nolwenn.listed() == set(every), "nothing is done before the button"
    # What was agreed to is this very moment, and no other
    nolwenn.post("masquer", every, 200, day=day, hour="10:00", agreed=f"{day}T09:00")
    assert nolwenn.listed() == set(every)
    told = nolwenn.post("masquer", every, day=day, hour="09:00", agreed=f"{day}T09:00")
    assert "1 dossier est masqué de votre liste jusqu’au" in told
    assert (nolwenn.listed(), nolwenn.listed(queues.HIDDEN)) == ({soon, today_due, unopened}, {later})
    assert tifenn.listed() == set(every)
    with reading() as db:
        until = db.get_one(Reading, (later, nolwenn.actor.user_id)).hidden_until
    assert until == datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=PARIS)
    # A day that all of them take asks nothing more
    told = nolwenn.post("masquer", [soon], day=(today() + timedelta(days=2)).isoformat(), hour="09:00")
    assert nolwenn.listed(queues.HIDDEN) == {soon, later}
    assert "Remettre 2 dossiers dans ma liste" in nolwenn.post("ensemble", [soon, later], 200)
    assert "2 dossiers sont remis dans votre liste" in nolwenn.post("remettre", [soon, later])
    assert nolwenn.listed() == set(every)


def test_what_cannot_be_hidden_so_is_said_in_words_with_what_was_typed(house: House) -> None:
    folder_id = house.a_quick_invoice()
    due(folder_id, 5)
    nolwenn = Reader(house, N)
    nolwenn.opens(folder_id)
    for day, hour in ((today().isoformat(), "00:00"), ("demain", "tôt"), ("", "")):
        assert "choisissez un jour et une heure à venir" in nolwenn.post(
            "masquer", [folder_id], 422, day=day, hour=hour
        )
    far = (today() + timedelta(days=9)).isoformat()
    page = nolwenn.post("masquer", [folder_id], 422, day=far, hour="08:00", agreed=f"{far}T08:00")
    assert "pour revenir avant son échéance" in page
    assert nolwenn.listed() == {folder_id}
    assert "aucun dossier n’est coché" in nolwenn.post("lus", [], 422)
    assert "plus de 500 dossiers sont cochés" in nolwenn.post("lus", dict.fromkeys(range(1, 600), 1), 422)
    nolwenn.post("lus", status=400, d="1-x")


def test_what_changed_since_the_list_showed_it_is_left_as_it_is(house: House) -> None:
    folder_id = house.a_quick_invoice()
    nolwenn = Reader(house, N)
    nolwenn.opens(folder_id)
    shown = {folder_id: house.folder(folder_id).version}
    marks.mark_unread(nolwenn.actor, folder_id)
    asking.ask(
        house.actor(T),
        folder_id,
        version=shown[folder_id],
        desks=["technique"],
        question="Le bon ?",
        waits=False,
    )
    assert "a changé depuis que la liste l’a montré" in nolwenn.post("ensemble", shown, 200)
    nolwenn.post("lus", shown)
    nolwenn.post("masquer", shown, day=(today() + timedelta(days=1)).isoformat(), hour="09:00")
    assert nolwenn.listed(queues.UNREAD) == {folder_id}


def test_all_that_the_filter_finds_is_taken_page_after_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PAGE", 2)
    folders = [house.a_quick_invoice() for _ in range(5)]
    nolwenn = Reader(house, N)
    nolwenn.opens(*folders)
    for one in folders[:4]:
        marks.mark_unread(nolwenn.actor, one)
    ticked = {"voir": "non-lus", "all": "list"}
    assert "4 dossiers choisis" in nolwenn.post("ensemble", folders[:2], 200, **ticked)
    assert "4 dossiers sont marqués comme lus" in nolwenn.post("lus", folders[:4], voir="non-lus")
    assert nolwenn.listed(queues.UNREAD) == set()


def test_as_many_statements_for_two_folders_as_for_twenty(house: House) -> None:
    folders = [house.a_quick_invoice() for _ in range(12)]
    nolwenn = Reader(house, N)
    for one in folders:
        marks.mark_read(nolwenn.actor, one)

    def asked(several: list[int]) -> list[int]:
        wanted = {one: house.folder(one).version for one in several}
        counts = []
        for verb in (together.mark_unread, together.mark_read):
            with heard() as statements:
                verb(nolwenn.actor, wanted)
            counts.append(len(statements))
        with heard() as statements:
            together.hide(nolwenn.actor, wanted, now() + timedelta(hours=2))
        return [*counts, len(statements)]

    asked(folders[:1])
    assert asked(folders[:2]) == asked(folders)


def test_while_somebody_else_decides_a_mark_hides_nothing_of_what_comes_after(house: House) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    nolwenn = Reader(house, N)
    nolwenn.opens(*folders)
    wanted = {one: house.folder(one).version for one in folders}
    ready, errors = Barrier(2), list[BaseException]()

    def hides() -> None:
        try:
            ready.wait()
            together.hide(nolwenn.actor, wanted, now() + timedelta(days=1))
        except BaseException as error:
            errors.append(error)

    other = Thread(target=hides)
    other.start()
    ready.wait()
    decide.reject(house.actor(T), folders[0], version=wanted[folders[0]], reason="Bon absent")
    other.join()
    assert not errors
    assert house.folder(folders[0]).phase == "rejected"
    assert nolwenn.listed(queues.HIDDEN) == set(folders[1:])


def test_of_a_closed_type_who_may_not_act_on_it_marks_nothing_and_is_told_nothing(house: House) -> None:
    made(house, visibility="restricted")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    ronan = Reader(house, R)
    ronan.opens(folder_id)
    # At the same desk, without the right to act on it
    desks.seat(ronan.actor.collectivity_id, "technique", K, [Right.CREATE])
    kevin = Reader(house, K)
    shown = {folder_id: house.folder(folder_id).version}
    assert house.folder(folder_id).title not in kevin.post("ensemble", shown, 409)
    kevin.post("lus", shown)
    assert "1 dossier est marqué comme non lu" in ronan.post("non-lus", shown)
    with reading() as db:
        assert db.get(Reading, (folder_id, kevin.actor.user_id)) is None


def test_no_button_hands_on_what_may_not_be_handed(house: House) -> None:
    """Neither a signature nor an opinion that was asked beside the step; and the button proposes what it says."""
    to_sign, to_visa = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="finance", number="FA-77")
    version = house.folder(to_visa).version
    asking.ask(
        house.actor("n.abgrallec"),
        to_visa,
        version=version,
        desks=["direction"],
        question="Oui ?",
        waits=False,
    )
    for login, folder, words in (
        ("a.kervadec", to_sign, "Aucun de ces dossiers ne se confie"),
        ("s.rivoal", to_visa, "Aucun de ces dossiers ne se confie"),
        ("n.abgrallec", to_visa, "Confier 1 dossier…"),
    ):
        client = house.client(login)
        form = {"csrf_token": house.csrf(client), "d": [f"{folder}-{house.folder(folder).version}"]}
        page = client.post("/a-traiter/ensemble", data=form).get_data(as_text=True).replace("\u00a0", " ")
        assert words in page
        assert ('value="hand"' in page) == ("Confier" in words)
        assert client.post("/lots", data={**form, "kind": "hand"}).status_code == (
            302 if "Confier" in words else 409
        )
