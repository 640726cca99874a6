"""The matrix with mandates in it: at one desk, each reads, is asked, counted, mailed and shown buttons as his own mandate says."""

import random
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.batches import selection
from app.core import outbox
from app.core.clock import now, today
from app.core.db import reading, writing
from app.core.outbox import News, Outbox
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import following, queues
from app.display.trays import Asked
from app.folders import access, decide, stranded
from app.folders.access import IN_SQL, as_text, asking_at, may_read
from app.folders.facts import act_of
from app.folders.models import Folder
from app.folders.seats import parts_awaited
from app.people import applications, desks
from app.people.actor import Actor, Seat
from app.people.mandates import Wanted, end_mandate, open_mandate
from app.people.models import User
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.builders.mandates import ADMINISTRATOR, a_mayor_and_a_deputy
from workflows.family import families
from workflows.mandates import How, Kind, Mandate, covers
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

MAYOR, DEPUTY, LATE = "a.kervadec", "g.lebras", "d.fini"
BOTH = [Right.ACT, Right.SIGN]
DAY = timedelta(days=1)
MANDATES = "/administration/mandats"
ALL = ("invoice", "deliberation", "pes_payroll")
ORDER = {"order_number": "2026-050", "order_date": today() - 90 * DAY}
STAND_IN = {"ends_on": today() + 9 * DAY, "reason": "Maire hospitalisé"}
# Who sits at the mayor's desk beside him: the rights held there, the mandate, and what it lets him sign today.
SEATED: dict[str, tuple[list[Right], dict[str, Any] | None, set[str]]] = {
    "d.paye": (BOTH, {"kind": Kind.SIGNATURE, "families": ("pes_payroll",), **ORDER}, {"pes_payroll"}),
    "d.petit": (
        BOTH,
        {"kind": Kind.FUNCTION, "families": ALL, "ceiling_cents": 100, **ORDER},
        {"deliberation"},
    ),
    "d.matiere": (
        BOTH,
        {"kind": Kind.FUNCTION, "families": ALL, "matters": ("3",), **ORDER},
        {"invoice", "pes_payroll"},
    ),
    "d.demain": (
        BOTH,
        {"kind": Kind.FUNCTION, "families": ALL, "starts_on": today() + 3 * DAY, **ORDER},
        set(),
    ),
    LATE: (BOTH, {"kind": Kind.FUNCTION, "families": ALL, **ORDER}, set()),
    "d.suppleant": (BOTH, {"kind": Kind.SUBSTITUTE, **STAND_IN}, set(ALL)),
    "d.sans": (BOTH, None, set()),
    "d.ancien": ([], {"kind": Kind.FUNCTION, "families": ALL, **ORDER}, set()),
    "d.secretaire": ([Right.ACT, Right.CREATE], {"kind": Kind.FUNCTION, "families": ALL, **ORDER}, set()),
}
EXPECTED = {
    MAYOR: set(ALL),
    DEPUTY: {"invoice", "deliberation"},
    **{one: may for one, (_, _, may) in SEATED.items()},
}


def seated(house: House) -> str:
    """The mayor's desk and all who sit there, their mandates recorded; the token of an application that may sign there."""
    a_mayor_and_a_deputy(house)
    administrator = house.actor(ADMINISTRATOR)
    here = administrator.collectivity_id
    for login, (rights, wanted, _) in SEATED.items():
        names = {"email": f"{login}@kerlann-sur-mer.example", "first_name": "Maël", "last_name": login}
        user_id = desks.create_user(here, login, capacity="Élu", password=PASSWORD, **names)
        desks.seat(here, "maire", login, BOTH)
        if wanted is not None:
            asked = {"title": "l’élu", "elected": True, "starts_on": today() - 60 * DAY, **wanted}
            number = open_mandate(administrator, Wanted(user_id, **asked))
            if login == LATE:
                end_mandate(administrator, number, reason="Fin de ses fonctions")
        desks.seat(here, "maire", login, rights)
    return applications.create_application(here, "Logiciel", "maire", BOTH)


def asked_of(house: House, login: str, folders: dict[str, int]) -> dict[str, set[str]]:
    """By each door, the families of these folders that ask somebody to act."""
    actor, names = house.actor(login), {number: name for name, number in folders.items()}
    client, kinds = house.client(login), list(folders.values())
    with reading(actor.collectivity_id) as db:
        tray = {names[one.id] for one in queues.todo(db, actor)}
        counted = queues.counters(db, actor)
        versions = {one: db.get_one(Folder, one).version for one in kinds}
        batch = {names[one.folder_id] for one in selection.choose(db, actor, "sign", versions) if not one.why}
        whole = {names[one] for one in selection.everything(db, actor, Asked("todo"), "sign")}
    pages = {name: client.get(f"/dossiers/{one}").get_data(as_text=True) for name, one in folders.items()}
    doors = {
        "tray": tray,
        "counter": {name for name, _ in counted.families},
        "batch": batch,
        "everything": whole,
        "button": {name for name, page in pages.items() if "Signer…" in page},
        "reject": {name for name, page in pages.items() if "Rejeter…" in page},
        "turn": {name for name, page in pages.items() if "À vous de signer" in page},
        "dialog": {
            name for name, one in folders.items() if client.get(f"/dossiers/{one}/signer").status_code == 200
        },
    }
    assert counted.todo == len(tray)
    return doors


def read_by(house: House, login: str, pay: int) -> set[bool]:
    """Whether somebody reads a pay flow, by each door; one answer when they agree."""
    actor, client = house.actor(login), house.client(login)
    with reading(actor.collectivity_id) as db:
        folder = db.get_one(Folder, pay)
        known = {may_read(db, actor, folder), pay in {one.id for one in following.follow(db, actor)}}
        known.add(bool(following.any_of(db, actor, {"pes_payroll"})))
        known.add(bool(selection.choose(db, actor, "reject", {pay: folder.version})))
    (version,) = house.versions(pay)[:1]
    document = f"/documents/{version.document_id}/{version.number}"
    for address in ("", "/flux/0", "/flux/0/contenu", document, "/rejeter"):
        status = client.get(f"/dossiers/{pay}{address}").status_code
        known.add(status == 200)
    return known


def test_at_one_desk_each_is_asked_and_reads_what_his_own_mandate_covers(house: House) -> None:
    token = seated(house)
    folders = {
        "invoice": house.an_invoice(at="bon_a_payer"),
        "deliberation": house.a_deliberation(at="signatures"),
        "pes_payroll": house.a_pay_flow(),
    }
    with reading() as db:
        letters = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail")).all()
    mailed = {
        (one.folder_id, one.payload["user_id"]) for one in letters if one.payload["event"] == "your_turn"
    }
    here = house.actor(ADMINISTRATOR).collectivity_id
    with reading(here) as db:
        parts = parts_awaited(db, here, list(folders.values()))
        called = {login: db.get_one(User, house.actor(login).user_id).name for login in EXPECTED}
    awaited = {name: {who for part in parts[one] for who in part.people} for name, one in folders.items()}
    for login, may in EXPECTED.items():
        assert {name for name, people in awaited.items() if called[login] in people} == may, login
        doors = asked_of(house, login, folders)
        assert doors == dict.fromkeys(doors, may), login
        assert read_by(house, login, folders["pes_payroll"]) == {"pes_payroll" in may}, login
        told = {name for name, one in folders.items() if (one, house.actor(login).user_id) in mailed}
        assert told == may, login
        for name in set(ALL) - may:
            with pytest.raises(Refusal) as refused:
                decide.reject(
                    house.actor(login), folders[name], version=house.folder(folders[name]).version, reason="x"
                )
            told = sentences.say(refused.value.key, refused.value.facts)[1]
            assert "Rien n’a été signé" not in told, told
    # A software never signs, and no mandate is its own: it is asked for nothing there, and reads no payslip.
    bearer = {"Authorization": f"Bearer {token}"}
    listed = house.client().get("/api/v1/folders?tray=todo", headers=bearer).get_json()["folders"]
    assert listed == []
    answers = [house.client().get(f"/api/v1/folders/{one}", headers=bearer) for one in folders.values()]
    assert [one.status_code == 200 for one in answers] == [True, True, False]
    assert [one.get_json()["actions"] for one in answers[:2]] == [[], []]
    # Whoever acted keeps reading, even without his desk and his mandate.
    house.sign(folders["pes_payroll"], MAYOR)
    desks.seat(house.actor(MAYOR).collectivity_id, "maire", MAYOR, [])
    assert may_still(house, MAYOR, folders["pes_payroll"])
    assert not may_still(house, "d.demain", folders["pes_payroll"])


def may_still(house: House, login: str, folder_id: int) -> bool:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return may_read(db, actor, db.get_one(Folder, folder_id))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_nobody_may_sign_the_depositor_and_the_administrators_are_told_at_once(house: House) -> None:
    mayor, _ = a_mayor_and_a_deputy(house, families=("deliberation",))
    end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions")
    folder_id, pay = house.an_invoice(at="bon_a_payer"), house.a_pay_flow()
    with reading() as db:
        mails = db.scalars(
            sa.select(Outbox).where(Outbox.kind == "mail", Outbox.folder_id.in_([folder_id, pay]))
        ).all()
    stuck = {
        (one.folder_id, one.payload["user_id"]) for one in mails if one.payload["event"] == "nobody_may_act"
    }
    people = {one: house.actor(one).user_id for one in ("g.trehorel", "m.kerzerho", ADMINISTRATOR)}
    assert stuck == {
        (folder_id, people["g.trehorel"]),
        (folder_id, people[ADMINISTRATOR]),
        (pay, people["m.kerzerho"]),
        (pay, people[ADMINISTRATOR]),
    }
    asked = {one.payload["user_id"] for one in mails if one.payload["event"] == "your_turn"}
    assert not asked & {house.actor(MAYOR).user_id, house.actor(DEPUTY).user_id}
    house.drain()
    chief = [one for one in house.mail.letters if one["To"].addresses[0].username == ADMINISTRATOR]
    texts = [
        str(one.get_body(("plain",)).get_content()).replace("\u00a0", " ")
        for one in chief
        if "personne ne peut" in one["Subject"]
    ]
    assert len(texts) == 2
    for text in texts:
        assert "« Bureau du maire »" in text
        assert f"{house.settings.public_url}/administration/mandats" in text
        assert not [one for one in ("paye", "facture", "Roz", "/dossiers/") if one in text.lower()]
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Personne ne peut signer à « Bureau du maire »" in page.replace("\u00a0", " ")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_folder_that_somebody_may_sign_again_is_not_told_as_one_that_nobody_may(house: House) -> None:
    mayor, _ = a_mayor_and_a_deputy(house, families=("deliberation",))
    end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions")
    chief = f"{ADMINISTRATOR}@kerlann-sur-mer.example"
    house.mail.refuse[chief] = "451 4.3.0 later"
    folder_id = house.an_invoice(at="bon_a_payer")
    outbox.drain()
    house.mail.refuse.clear()
    office = {"kind": Kind.MAYOR, "title": "le maire", "starts_on": today() - 30 * DAY}
    open_mandate(house.actor(ADMINISTRATOR), Wanted(house.actor(MAYOR).user_id or 0, **office))
    with time_machine.travel(now() + timedelta(hours=2), tick=False):
        outbox.drain()
    assert not [one for one in house.mail.to(chief) if "personne ne peut" in one["Subject"]]
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail", Outbox.folder_id == folder_id))
        (row,) = [
            one for one in rows if one.payload == one.payload | {"event": "nobody_may_act", "page": MANDATES}
        ]
    assert (row.state, row.last_error) == (
        "done",
        "quelqu’un peut agir depuis là où ce dossier attend : aucun courriel n’est parti",
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_administers_no_more_is_told_of_a_stop_only_as_who_corrects_the_folder(house: House) -> None:
    mayor, _ = a_mayor_and_a_deputy(house, families=("deliberation",))
    end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions")
    both = [house.actor(one).user_id for one in ("g.trehorel", ADMINISTRATOR)]

    def administer(administers: bool) -> None:
        with writing() as db, db.begin():
            db.execute(sa.update(User).where(User.id.in_(both)).values(administrator=administers))

    administer(True)
    folder_id = house.an_invoice(at="bon_a_payer")
    administer(False)
    house.mail.clear()
    outbox.drain()
    told = [one for one in house.mail.letters if "personne ne peut" in one["Subject"]]
    assert [one["To"].addresses[0].username for one in told] == ["g.trehorel"]
    text = str(told[0].get_body(("plain",)).get_content())
    assert f"/dossiers/{folder_id}" in text
    assert MANDATES not in text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_receipt_told_with_a_step_that_nobody_may_take_is_told_alone_once_somebody_may(
    house: House,
) -> None:
    folder_id = house.a_quick_invoice()
    depositor = house.actor("g.trehorel")
    outbox.drain()
    house.mail.clear()
    facts = {
        "event": "nobody_may_act",
        "user_id": depositor.user_id,
        "folder_id": folder_id,
        "by": "Paraphe",
        "what": "Finances",
        "after": "receipt_arrived",
    }
    with writing() as db, db.begin():
        outbox.post(db, depositor.collectivity_id, [News("mail", "nobody-once", facts, folder_id)])
    outbox.drain()
    (told,) = house.mail.to("g.trehorel@kerlann-sur-mer.example")
    assert str(told["Subject"]).endswith("un accusé de réception est arrivé")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_day_after_a_mandate_its_holder_counts_nothing_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mayor_and_a_deputy(house, ends_on=today())
    house.an_invoice(at="bon_a_payer")

    def counted(login: str) -> tuple[int, int]:
        actor = house.actor(login)
        with reading(actor.collectivity_id) as db:
            return queues.counters(db, actor).todo, len(queues.todo(db, actor))

    assert (counted(MAYOR), counted(DEPUTY)) == ((1, 1), (1, 1))
    monkeypatch.setattr(access, "today", lambda: today() + DAY)
    assert (counted(MAYOR), counted(DEPUTY)) == ((1, 1), (0, 0))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_second_tab_is_told_what_one_did_and_not_that_the_folder_is_of_others(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    client = house.client(MAYOR)
    house.sign(folder_id, MAYOR)
    answer = client.get(f"/dossiers/{folder_id}/rejeter")
    text = answer.get_data(as_text=True).replace("\u00a0", " ")
    assert answer.status_code == 409
    assert "Vous avez déjà signé ce dossier à " in text
    assert "réservé à d’autres" not in text


def test_the_bounds_that_lists_compare_are_the_law_of_mandates() -> None:
    """Random mandates and acts: the condition that a tray adds to its scan says what `workflows.mandates.check` says.

    Both come from `bounds`: what this guards is that each comparison is said in SQL, and says the same there.
    """
    assert set(IN_SQL) == set(How)
    dice, seat, inside = random.Random(20261127), Seat(1, "maire", "Maire", Rights.of(*BOTH)), 0
    names, matters = sorted(families()), ["", "3", "7", "7.5", "7.5.2", "7.50"]
    row = "SELECT :family AS family, 'sign' AS kind, :matter AS matter, :cents AS amount_cents"
    with sa.create_engine("sqlite://").connect() as connection:
        for _ in range(200):
            last = dice.choice([None, None, -1, 0, 2])
            mandate = Mandate(
                id=1,
                person=1,
                kind=dice.choice(list(Kind)),
                title="le maire",
                starts_on=today() + dice.choice([-2, -1, 0, 1]) * DAY,
                ends_on=None if last is None else today() + last * DAY,
                ended=dice.random() < 0.1,
                order_off=dice.random() < 0.1,
                families=tuple(dice.sample(names, dice.choice([0, 2, 6]))),
                matters=tuple(dice.sample(matters[1:], dice.choice([0, 1, 2]))),
                ceiling_cents=dice.choice([None, 100]),
            )
            actor = Actor(
                "person", 1, "Essai", user_id=1, seats=(seat,), by_mandate=True, mandates=(mandate,)
            )
            listed = sa.text(f"SELECT COUNT(*) FROM ({row}) s WHERE {as_text(asking_at(actor, seat))}")
            for family in dice.sample(names, 5):
                matter, cents = dice.choice(matters), dice.choice([None, 0, 99, 100, -100, 101, -101])
                act = act_of(Folder(family=family, fields={"matter": matter}, sources={}, amount_cents=cents))
                step = {"family": family, "matter": act.matter, "cents": act.weight_cents}
                law = covers(mandate, act, today())
                assert bool(connection.execute(listed, step).scalar_one()) == law, (mandate, act)
                inside += law
    assert inside > 100


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mandate_that_ends_while_folders_wait_is_told_once_to_who_can_mend_it(house: House) -> None:
    mayor, deputy = a_mayor_and_a_deputy(house, families=("deliberation",))
    folder_id = house.an_invoice(at="bon_a_payer")

    def told() -> list[int]:
        with reading() as db:
            query = sa.select(Outbox).where(Outbox.kind == "mail", Outbox.folder_id == folder_id)
            rows = [one for one in db.scalars(query) if one.payload["event"] == "nobody_may_act"]
        return sorted(one.payload["user_id"] for one in rows)

    watch = stranded.Watch()
    end_mandate(house.actor(ADMINISTRATOR), deputy, reason="Fin de ses fonctions")
    watch()
    assert told() == []  # the mayor may still sign it
    end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions")
    watch()
    concerned = sorted(house.actor(one).user_id or 0 for one in ("g.trehorel", ADMINISTRATOR))
    assert told() == concerned
    watch()
    stranded.Watch()()  # a worker that starts again
    assert stranded.look(house.actor(MAYOR).collectivity_id) == 0
    assert told() == concerned


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_nobody_may_sign_a_second_time_is_told_again_and_no_other_end_tells_it_twice(
    house: House,
) -> None:
    mayor, _ = a_mayor_and_a_deputy(house, families=("deliberation",))
    folder_id = house.an_invoice(at="bon_a_payer")
    administrator = house.actor(ADMINISTRATOR)
    here = administrator.collectivity_id
    office = {"kind": Kind.MAYOR, "title": "le maire", "starts_on": today() - 30 * DAY}

    def ended(number: int) -> int:
        end_mandate(administrator, number, reason="Fin de ses fonctions")
        return stranded.look(here)

    def letters() -> int:
        with reading() as db:
            query = sa.select(Outbox).where(Outbox.kind == "mail", Outbox.folder_id == folder_id)
            return sum(one.payload["event"] == "nobody_may_act" for one in db.scalars(query))

    assert ended(mayor) == 1
    once = letters()
    elsewhere = Wanted(
        house.actor("b.cadiou").user_id or 0, Kind.SUBSTITUTE, "l’adjoint", today(), elected=True, **STAND_IN
    )
    assert ended(open_mandate(administrator, elsewhere)) == 0  # who sits elsewhere took nothing from it
    again = open_mandate(administrator, Wanted(house.actor(MAYOR).user_id or 0, **office))
    assert (stranded.look(here), letters()) == (0, once)
    assert ended(again) == 1
    assert letters() == 2 * once
    assert (stranded.look(here), letters()) == (0, 2 * once)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_that_ends_a_mandate_anew_is_told_of_what_stopped_when_it_came_there(house: House) -> None:
    """It came where nobody could sign, was told, could be signed for some days, and no more since this morning."""
    mayor, _ = a_mayor_and_a_deputy(house, families=("deliberation",))
    administrator = house.actor(ADMINISTRATOR)
    here = administrator.collectivity_id
    end_mandate(administrator, mayor, reason="Fin de ses fonctions")
    with time_machine.travel(now() - 3 * DAY, tick=True):
        house.an_invoice(at="bon_a_payer")
        assert stranded.look(here) == 0  # told as it came there
        office = {"kind": Kind.MAYOR, "title": "le maire", "starts_on": today()}
        last = today() + DAY
        open_mandate(administrator, Wanted(house.actor(MAYOR).user_id or 0, ends_on=last, **office))
        assert stranded.look(here) == 0
    assert (stranded.look(here), stranded.look(here)) == (1, 0)
