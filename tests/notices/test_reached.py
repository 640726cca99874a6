"""An address that refused letters: what says that it serves again, and what leaves then."""

from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import reading, writing
from app.core.french import jour_long
from app.core.outbox import Outbox
from app.folders import decide
from app.notices import bounces, letter
from app.notices.models import Bounce
from app.notices.returns.marks import of_address
from app.operations import trace
from app.operations.absences.planning import name_secretary
from app.people import desks, reaching
from app.people.factors import resets
from app.people.models import Factor, User
from tests.builders.house import House
from tests.notices.test_digests import MONDAY, G, K, N, T, address, at, refusals, subjects

pytestmark = pytest.mark.in_turn
DEAD = f"550 5.1.1 <{address(N)}>: Recipient address rejected: User unknown"


def text_of(house: House, login: str, path: str) -> str:
    return " ".join(
        unescape(house.client(login).get(path).get_data(as_text=True)).replace("\u00a0", " ").split()
    )


def refused(house: House, count: int = 2) -> list[int]:
    """Folders of which the letter was refused by the address of who is awaited."""
    house.mail.refuse[address(N)] = DEAD
    with at(MONDAY, 9):
        folders = [house.a_quick_invoice() for _ in range(count)]
        outbox.drain()
    house.mail.refuse.clear()
    house.mail.clear()
    return folders


def test_a_letter_that_is_taken_clears_what_the_server_refused_at_the_door(house: House) -> None:
    refused(house)
    assert refusals(N) == 2
    here, mine = house.actor(N).collectivity_id, house.actor(N).user_id
    with at(MONDAY, 10):
        desks.ask_reset(N)
        outbox.drain()
    assert refusals(N) == 0
    with reading(here) as db:
        (line,) = trace.lines(db, here, trace.Search(act="account.mail_confirmed"))
    assert (line.who, line.detail) == ("Paraphe", "Nolwenn Abgrallec")
    assert "a refusé" not in text_of(house, K, f"/administration/personnes/{mine}")
    # What was stopped is told, once
    with at(MONDAY, 10, 5):
        outbox.drain()
    assert [one for one in subjects(house, N) if "attend" in one] == ["Paraphe : 2 dossiers vous attendent"]
    with reading() as db:
        assert not db.scalars(sa.select(Outbox.id).where(Outbox.state != "done", Outbox.kind == "mail")).all()


def test_a_letter_that_is_taken_proves_nothing_where_letters_came_back(house: House) -> None:
    refused(house, 1)
    with reading() as db:
        row = db.scalars(sa.select(Outbox.id).where(Outbox.state == "parked")).first() or 0
    mark, answer = of_address(address(N)), bounces.Answer("5.1.1", "User unknown")
    with at(MONDAY, 9, 30):
        assert bounces.record(row, answer, mark=mark, returned=True)
    with at(MONDAY, 10):
        desks.ask_reset(N)
        outbox.drain()
    assert refusals(N) == 2
    mine = house.actor(N).user_id
    page = text_of(house, K, f"/administration/personnes/{mine}")
    assert "Son adresse a refusé 2 courriels" in page
    assert "Depuis, son serveur en a pris 1." in page
    assert "Son adresse a refusé des courriels" in text_of(house, K, "/administration/personnes")
    with writing() as db, db.begin():
        db.execute(sa.delete(Bounce))


def test_background_work_and_the_page_of_a_person_lead_to_each_other_and_one_button_sends_all(
    house: House,
) -> None:
    (first, second) = refused(house)
    mine = house.actor(N).user_id
    page = text_of(house, K, "/administration")
    assert f'href="/administration/personnes/{mine}">Revoir l’adresse' in page
    assert "Relancer" not in page, "it would be refused again"
    # Of a folder that an administrator does not read, its number alone
    assert f"Dossier n° {first}" in page
    assert f'href="/dossiers/{first}"' not in page
    assert "un dossier l’attend" not in page
    person = text_of(house, K, f"/administration/personnes/{mine}")
    assert "Les 2 courriels arrêtés repartent alors" in person
    assert 'href="/administration">Travail de fond' in person
    with at(MONDAY, 11):
        admin = house.client(K)
        sent = {"csrf_token": house.csrf(admin)}
        admin.post(f"/administration/personnes/{mine}/adresse", data=sent)
        told = " ".join(
            unescape(admin.get(f"/administration/personnes/{mine}").get_data(as_text=True)).split()
        )
        assert "partent de nouveau à cette adresse, avec les 2 courriels qui étaient arrêtés." in told
        outbox.drain()
        decide.reject(
            house.actor(T), second, version=house.folder(second).version, reason="Sans bon de commande"
        )
    with at(MONDAY, 11, 5):
        outbox.drain()
    assert subjects(house, N) == ["Paraphe : 2 dossiers vous attendent"]
    assert "Paraphe : 1 dossier est rejeté" in subjects(house, G)


def test_the_button_that_puts_letters_back_to_work_does_as_many_as_it_says(house: House) -> None:
    refused(house)
    here, other = house.actor(G).collectivity_id, house.actor(G).user_id
    with writing() as db, db.begin():
        for rank in range(2):
            facts = {"event": "password_changed", "user_id": other, "page": "/compte"}
            outbox.post(db, here, [outbox.News("mail", f"stopped-{rank}", facts)])
        stopped = sa.update(Outbox).where(Outbox.key.like("stopped-%"))
        db.execute(stopped.values(state="parked", last_error="serveur de courriel absent"))
    assert "Relancer les 2 envois « Courriel »" in text_of(house, K, "/administration")
    admin = house.client(K)
    sent = {"csrf_token": house.csrf(admin), "kind": "mail"}
    page = admin.post("/administration/envois/relancer", data=sent, follow_redirects=True)
    assert "2 envois sont relancés." in page.get_data(as_text=True)
    with reading() as db:
        parked = db.scalars(sa.select(Outbox.payload).where(Outbox.state == "parked")).all()
    assert {one["user_id"] for one in parked} == {house.actor(N).user_id}


def test_letters_that_wait_are_one_line_a_person_those_that_ask_counted_apart(house: House) -> None:
    here = house.actor(G).collectivity_id
    with at(MONDAY, 9), writing() as db, db.begin():
        for rank, event in enumerate(("digest", "absence_set")):
            payload = {"event": event, "user_id": house.actor(G).user_id, "page": "/a-traiter"}
            outbox.post(db, here, [outbox.News("mail", f"apart-{rank}", payload)])
    page = " ".join(text_of(house, K, "/administration").split())
    assert "Gwenola Tréhorel, 2 courriels" in page
    assert "1 ne partira que si ce qu’il annonce attend encore cette personne" in page
    with at(MONDAY, 9), writing() as db, db.begin():
        payload = {"event": "your_turn", "user_id": house.actor(G).user_id, "page": "/a-traiter"}
        outbox.post(db, here, [outbox.News("mail", "apart-2", payload)])
    page = " ".join(text_of(house, K, "/administration").split())
    assert "2 ne partiront que si ce qu’ils annoncent attend encore cette personne" in page


def test_who_writes_absences_no_more_is_not_told_afterwards_that_he_may(house: House) -> None:
    of, secretary = house.actor(N), house.actor(T).user_id
    with at(MONDAY, 9):
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(T)] = "451 4.3.0 later"
        name_secretary(of, secretary)
        outbox.drain()
        house.mail.refuse.clear()
        name_secretary(of, None)
        outbox.drain()
    with at(MONDAY, 10):
        outbox.drain()
    assert subjects(house, T) == ["Paraphe : vous n’écrivez plus les absences de Nolwenn Abgrallec"]


def test_a_charge_that_was_refused_and_taken_away_is_not_told_once_the_address_serves(house: House) -> None:
    of, secretary = house.actor(N), house.actor(T).user_id
    with at(MONDAY, 9):
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(T)] = f"550 5.1.1 <{address(T)}>: User unknown"
        name_secretary(of, secretary)
        outbox.drain()
        house.mail.refuse.clear()
    with at(MONDAY, 11):
        name_secretary(of, None)
        outbox.drain()
        outbox.drain()
    assert subjects(house, T) == ["Paraphe : vous n’écrivez plus les absences de Nolwenn Abgrallec"]


def test_a_charge_that_is_given_again_is_told_once_once_the_address_serves(house: House) -> None:
    of, secretary = house.actor(N), house.actor(T).user_id
    with at(MONDAY, 9):
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(T)] = f"550 5.1.1 <{address(T)}>: User unknown"
        for wanted in (secretary, None, secretary):
            name_secretary(of, wanted)
            outbox.drain()
        house.mail.refuse.clear()
    with at(MONDAY, 11):
        desks.ask_reset(T)
        outbox.drain()
        outbox.drain()
    told = [one for one in subjects(house, T) if "absences" in one]
    assert told == ["Paraphe : vous pouvez écrire les absences de Nolwenn Abgrallec"]


def test_every_letter_is_known_as_one_that_may_leave_late_or_not() -> None:
    names = {one.name for one in (Path(letter.__file__).parent / "templates" / "email").glob("_*.txt")}
    events = {name.removeprefix("_").removesuffix(".txt") for name in names}
    kinds = (reaching.ASKED_AGAIN, reaching.FACTS, reaching.AGEING)
    # No row asks for these: the form that others take, and what a page sends at once
    assert sorted(events - {"layout", "restricted", "several", "settings_trial"}) == sorted(
        event for kind in kinds for event in kind
    )


def test_what_says_how_things_stood_does_not_leave_by_itself_once_the_address_serves(house: House) -> None:
    here, reader = house.actor(N).collectivity_id, house.actor(N).user_id
    with at(MONDAY, 9):
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(N)] = DEAD
        with writing() as db, db.begin():
            for event in ("operator_silent", "password_changed"):
                facts = {"event": event, "user_id": reader, "what": "4 janvier", "page": "/compte"}
                outbox.post(db, here, [outbox.News("mail", f"late-{event}", facts)])
        outbox.drain()
        house.mail.refuse.clear()
    person = text_of(house, K, f"/administration/personnes/{reader}")
    assert "Le courriel arrêté repart alors" in person
    with at(MONDAY, 15):
        desks.ask_reset(N)
        outbox.drain()
        outbox.drain()
    assert "Paraphe : votre mot de passe a changé" in subjects(house, N)
    assert not [one for one in subjects(house, N) if "opérateur" in one]
    with reading(here) as db:
        parked = list(db.scalars(sa.select(Outbox.key).where(Outbox.state == "parked")))
    assert parked == ["late-operator_silent"]
    assert "Relancer" in text_of(house, K, "/administration")


def late(house: House, *letters: dict[str, object]) -> None:
    """Write these letters to somebody whose address refuses, and have it serve again on another day."""
    here, reader = house.actor(N).collectivity_id, house.actor(N).user_id
    with at(MONDAY, 9):
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(N)] = DEAD
        with writing() as db, db.begin():
            for number, facts in enumerate(letters):
                news = outbox.News("mail", f"late-{number}", {"user_id": reader, "page": "/compte", **facts})
                outbox.post(db, here, [news])
        outbox.drain()
        house.mail.refuse.clear()
    with at(MONDAY + timedelta(days=3), 15):
        reaching.confirm_own(house.actor(N))
        outbox.drain()


FOR_ADMINISTRATORS = (
    {"event": "emergency_opened", "whose": "secours", "page": "/administration/journal"},
    {"event": "session_closed", "whose": "Armel Kervadec", "own": False, "page": "/administration"},
    {"event": "signatures_refused", "what": "9", "own": False, "page": "/administration/certificats"},
)


@pytest.mark.parametrize("administers", [False, True])
def test_a_letter_for_administrators_leaves_to_nobody_who_is_none(house: House, administers: bool) -> None:
    with writing() as db, db.begin():
        db.execute(sa.update(User).where(User.id == house.actor(N).user_id).values(administrator=administers))
    late(house, *FOR_ADMINISTRATORS)
    told = [one for one in subjects(house, N) if "dossier" not in one]
    with reading() as db:
        ends = set(db.scalars(sa.select(Outbox.last_error).where(Outbox.key.like("late-%"))))
    if administers:
        assert len(told) == 3
    else:
        assert (told, ends) == ([], {"n’administre plus : aucun courriel n’est parti"})


def test_a_letter_that_leaves_later_says_the_day_of_what_was_done(house: House) -> None:
    late(
        house,
        {"event": "new_device", "client": "Firefox"},
        {"event": "password_changed", "address": "192.0.2.7"},
        {"event": "factor_changed", "what": "added", "about": "Téléphone"},
        {"event": "person_exported", "by": "Gwenola Tréhorel"},
        {"event": "login_tried"},
        {"event": "for_information"},
        {"event": "letter_arrived", "what": "lettre", "last_day": (MONDAY + timedelta(days=2)).isoformat()},
        {"event": "letter_arrived", "what": "lettre", "last_day": (MONDAY + timedelta(days=3)).isoformat()},
    )
    texts = " ".join(
        str(one.get_body(("plain",)).get_content())
        for one in house.mail.letters
        if address(N) in str(one["To"])
    ).replace("\u00a0", " ")
    day = jour_long(MONDAY)
    for sentence in (
        f"a été ouvert le {day}, depuis Firefox",
        f"a été changé le {day}, depuis l’adresse 192.0.2.7",
        f"« Téléphone » a été inscrite le {day} sur votre compte",
        f"Gwenola Tréhorel a exporté le {day} ce que",
        f"sur votre compte le {day}, depuis des navigateurs",
        f"et le lui a donné le {day}",
        f"La réponse était due avant le {jour_long(MONDAY + timedelta(days=2))}.",
        f"Répondez avant le {jour_long(MONDAY + timedelta(days=3))}, si ce n’est déjà fait.",
    ):
        assert sentence in texts
    assert "vient d" not in texts


def test_what_may_be_undone_since_does_not_leave_by_itself_and_says_its_day_when_it_is_put_back(
    house: House,
) -> None:
    late(
        house,
        {"event": "certificate_enrolled", "what": "RGS 2", "own": True, "waits": False},
        {"event": "mandate_ended", "what": "Le maire", "last_day": (MONDAY + timedelta(days=1)).isoformat()},
    )
    assert not [one for one in subjects(house, N) if "certificat" in one or "mandat" in one]
    with at(MONDAY + timedelta(days=3), 16):
        with writing() as db, db.begin():
            outbox.resume(db, house.actor(N).collectivity_id, 0.0, Outbox.key.like("late-%"))
        outbox.drain()
    assert "Paraphe : un certificat a été inscrit" in subjects(house, N)
    assert "Paraphe : votre mandat de signature a pris fin" in subjects(house, N)


def test_the_page_of_a_folder_says_whom_it_awaits_and_no_letter_reached(house: House) -> None:
    (folder,) = refused(house, 1)
    told = "Un courriel n’a pas atteint Nolwenn Abgrallec, que ce dossier attend"
    with at(MONDAY, 10):
        assert told in text_of(house, G, f"/dossiers/{folder}")
        assert told not in text_of(house, N, f"/dossiers/{folder}"), "who reads it has come all the same"
        assert told not in text_of(house, G, f"/dossiers/{folder}"), "and nobody has to tell her any more"
        second = house.a_quick_invoice()
        outbox.drain()
        with reading() as db:
            letters = sa.select(Outbox).where(Outbox.folder_id == second, Outbox.kind == "mail")
            row = next(
                one.id for one in db.scalars(letters) if one.payload["user_id"] == house.actor(N).user_id
            )
        assert told not in text_of(house, G, f"/dossiers/{second}")
        answer = bounces.Answer("5.1.1", "User unknown")
        assert bounces.record(row, answer, mark=of_address(address(N)), returned=True)
        assert told in text_of(house, G, f"/dossiers/{second}")
        assert told not in text_of(house, G, f"/dossiers/{second}?onglet=journal")
        house.approve(second, T)
        assert told not in text_of(house, G, f"/dossiers/{second}"), "it awaits another"


def test_who_administers_reads_of_addresses_that_refuse_whatever_else_is_to_be_mended(house: House) -> None:
    refused(house, 1)
    desks.create_user(
        house.actor(K).collectivity_id,
        "y.ledantec",
        email="y.ledantec@kerlann.example",
        first_name="Yuna",
        last_name="Le Dantec",
        capacity="Secrétaire générale",
    )
    page = text_of(house, K, "/administration/mise-en-service")
    assert "1 compte à compléter" in page
    assert "1 adresse a refusé des courriels : changez-la, ou confirmez-la." in page
    assert 'href="/administration/personnes?etat=courriel-refuse">Les voir' in page


@pytest.mark.parametrize("settled", [False, True])
def test_a_letter_about_keys_to_be_taken_off_leaves_late_only_while_that_still_waits(
    house: House, settled: bool
) -> None:
    asker, mine = replace(house.actor(K), session_id=None), house.actor(N)
    with at(MONDAY, 9):
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(N)] = DEAD
        with writing() as db, db.begin():
            factor = {"kind": "totp", "name": "Téléphone", "transports": [], "created_at": now()}
            db.add(Factor(person_id=mine.person_id, trusted_from=now(), **factor))
        resets.ask(asker, mine.user_id, "téléphone perdu")
        outbox.drain()
        house.mail.refuse.clear()
    with at(MONDAY, 15):
        if settled:
            with reading() as db:
                (one,) = resets.waiting(db, asker.collectivity_id)
            resets.settle(asker, one.id, confirm=False)
        assert "avec le courriel qui était arrêté" in confirmed(house)
        outbox.drain()
    left = [one for one in subjects(house, N) if "clés" in one]
    assert left == ([] if settled else ["Paraphe : la remise à zéro de vos clés est demandée"])
    with reading() as db:
        assert not db.scalars(sa.select(Outbox.key).where(Outbox.state == "parked")).all()


def confirmed(house: House) -> str:
    """What somebody is told who says that the address of whom letters did not reach serves."""
    admin, whose = house.client(K), house.actor(N).user_id
    admin.post(f"/administration/personnes/{whose}/adresse", data={"csrf_token": house.csrf(admin)})
    return " ".join(unescape(admin.get(f"/administration/personnes/{whose}").get_data(as_text=True)).split())
