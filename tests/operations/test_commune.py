"""« Mise en service » says what would stop the commune today, and leads to the page where each point is mended."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import library
from app.core import db
from app.core.clock import now, today
from app.core.refusals import Refusal
from app.folders import decide
from app.folders.publicity import Choice, Means
from app.operations.examined import commune
from app.operations.findings import Level
from app.people import arrivals, desks
from app.people.accounts import Particulars
from app.people.mandates import Wanted, open_mandate
from app.people.models import Collectivity, Holder, MandateRow, User
from app.people.own_settings.changing import change_setting
from app.publication.office import choose
from app.signing.models import Certificate
from demo.cast import PASSWORD
from tests.builders import circuits
from tests.builders.house import House
from workflows.family import family
from workflows.mandates import Kind
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

ADMIN, MAYOR = "k.morizur", "a.kervadec"
PAGE = "/administration/mise-en-service"


def points(house: House, login: str = ADMIN) -> dict[str, commune.Point]:
    here = house.actor(login).collectivity_id
    with db.reading(here) as base:
        return {one.name: one for one in commune.points(base, here)}


def words(house: House, login: str = ADMIN) -> str:
    page = house.client(login).get(PAGE).get_data(as_text=True)
    return " ".join(page.replace("\u00a0", " ").replace("\u202f", " ").split())


def written(statement: sa.Update | sa.Delete) -> None:
    with db.engine().begin() as connection:
        connection.execute(statement)


def a_new_commune() -> None:
    here = desks.create_collectivity(
        "213500010", "Trégavan", department="035", district="1", nature="31", settings={}
    )
    desks.create_user(
        here,
        "y.ledantec",
        email="y.ledantec@tregavan.example",
        first_name="Yuna",
        last_name="Le Dantec",
        capacity="Secrétaire générale",
        password=PASSWORD,
        administrator=True,
    )


def test_a_new_commune_reads_what_to_do_and_where(house: House) -> None:
    a_new_commune()
    found = points(house, "y.ledantec")
    assert {name: one.level for name, one in found.items()} == {
        "bureaux": Level.RED,
        "personnes": Level.AMBER,
        "adresses de courriel": Level.GREEN,
        "certificats de signature": Level.NONE,
        "mandats de signature": Level.AMBER,
        "absences": Level.NONE,
        "habitants": Level.AMBER,
        "premier dossier": Level.UNKNOWN,
    }
    client = house.client("y.ledantec")
    page = client.get(PAGE).get_data(as_text=True)
    for one in found.values():
        if one.endpoint:
            assert one.action in page
    inbox = client.get("/", follow_redirects=True).get_data(as_text=True)
    assert "Vous ne tenez aucun bureau" in inbox
    assert f'href="{PAGE}"' in inbox


def test_who_holds_a_desk_is_not_sent_away_from_his_folders(house: House) -> None:
    assert "Vous ne tenez aucun bureau" not in house.client(ADMIN).get("/", follow_redirects=True).get_data(
        as_text=True
    )


def test_a_desk_that_nobody_serves_is_red_until_somebody_does(house: House) -> None:
    assert points(house)["bureaux"].level is Level.GREEN
    here = house.actor(ADMIN).collectivity_id
    with db.reading(here) as base:
        desk = desks.desk_of(base, here, "maire").id
    written(sa.delete(Holder).where(Holder.desk_id == desk))
    point = points(house)["bureaux"]
    assert (point.level, point.arguments) == (Level.RED, {"desk_id": desk})
    assert "« Bureau du maire » : personne n’a le droit de" in point.sentence
    assert "1 autre point à régler" in point.sentence
    assert f"/administration/bureaux/{desk}" in words(house)


def test_signatories_without_a_certificate_are_named(house: House) -> None:
    first = points(house)["certificats de signature"]
    written(sa.update(Certificate).values(withdrawn_at=now(), withdrawn_by="essai"))
    bare = points(house)["certificats de signature"]
    assert bare.level is Level.RED
    assert "« Bureau du maire »" in bare.sentence
    assert first.level is not Level.RED


def test_a_certificate_that_waits_for_a_word_or_has_ended_signs_nothing(house: House) -> None:
    for change in ({"to_confirm": True}, {"not_after": now() - timedelta(days=1), "to_confirm": False}):
        written(sa.update(Certificate).values(**change))
        assert points(house)["certificats de signature"].level is Level.RED


def test_a_certificate_that_ends_soon_is_told_with_its_owner_and_its_day(house: House) -> None:
    written(sa.update(Certificate).values(not_after=now() + timedelta(days=6)))
    soon = points(house)["certificats de signature"]
    assert soon.level is Level.AMBER
    assert "prend fin le" in soon.sentence


def test_mandates_are_asked_for_and_a_single_one_is_a_risk(house: House) -> None:
    written(sa.delete(MandateRow))
    assert points(house)["mandats de signature"].level is Level.AMBER
    assert "Aucun mandat n’est enregistré" in points(house)["mandats de signature"].sentence


def a_mandate(house: House, login: str, kind: Kind, title: str, days: int = 100, **more: Any) -> int:
    begun = today() - timedelta(days=days)
    who = house.actor(login).user_id
    assert who is not None
    return open_mandate(house.actor(ADMIN), Wanted(who, kind, title, begun, **more))


def test_a_mandate_counts_for_who_signs_at_a_desk_and_never_of_a_closed_account(house: House) -> None:
    here, deputy = house.actor(ADMIN).collectivity_id, "b.cadiou"
    a_mandate(house, MAYOR, Kind.MAYOR, "le maire")
    assert points(house)["mandats de signature"].level is not Level.RED
    desks.seat(here, "maire", deputy, [Right.ACT, Right.SIGN])
    day = today() - timedelta(days=95)
    order = {"order_number": "A-1", "order_date": day, "elected": True}
    a_mandate(house, deputy, Kind.FUNCTION, "l’adjointe", 90, families=("invoice",), **order)
    desks.close_account(here, MAYOR)
    point = points(house)["mandats de signature"]
    assert (point.level, "« Bureau du maire »" in point.sentence) == (Level.RED, True)
    assert "un mandat pour" in point.sentence
    page = house.client(ADMIN).get("/administration/mandats").get_data(as_text=True)
    assert "Compte fermé : ne sert plus" in page.replace("\u00a0", " ")
    # His certificate serves nothing any more: hers is asked
    hers = Certificate.user_id == house.actor(deputy).user_id
    written(sa.update(Certificate).where(hers).values(withdrawn_at=now(), withdrawn_by="essai"))
    assert points(house)["certificats de signature"].level is Level.RED


def test_a_step_that_too_few_people_may_end_is_told_with_the_folders_that_stay_there(house: House) -> None:
    here, actor = house.actor(ADMIN).collectivity_id, house.actor(ADMIN)
    usual = family("invoice").circuit.to_data()
    circuit = family("invoice").circuit.to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "finance")
    step["who"], step["quorum"] = [{"desk": one} for one in ("finances", "technique", "direction")], 2
    circuits.publish(actor, "invoice", library.as_yaml(circuit))
    folders = [house.an_invoice(at="service_done"), house.an_invoice(at="finance")]
    assert points(house)["bureaux"].level is Level.GREEN
    for desk, *others in (("finances", "n.abgrallec", "t.lescoat"), ("direction", "s.rivoal")):
        desks.seat(here, desk, "r.pellenec", [Right.ACT])
        for login in others:
            desks.seat(here, desk, login, [Right.CREATE])
    point = points(house)["bureaux"]
    assert (point.level, point.endpoint) == (Level.RED, "operations.circuits.edit")
    assert "étape « Contrôle des finances » : il y faut 2 personnes différentes" in point.sentence
    assert "une seule le peut. 2 dossiers en cours ne peuvent pas finir." in point.sentence
    assert "une seule le peut" in words(house)
    # The circuit is mended: what is on its way still follows the former version
    circuits.publish(actor, "invoice", library.as_yaml(usual))
    point = points(house)["bureaux"]
    assert (point.level, f"n° {folders[0]}, {folders[1]}" in point.sentence) == (Level.RED, True)
    desks.seat(here, "direction", "s.rivoal", [Right.ACT])
    assert points(house)["bureaux"].level is Level.GREEN


def test_the_circuits_that_name_who_is_gone_are_told_and_a_draft_given_up_is_no_first_folder(
    house: House,
) -> None:
    draft = house.an_invoice(at="draft")
    decide.withdraw(house.actor("g.trehorel"), draft, version=house.folder(draft).version)
    assert points(house)["premier dossier"].level is Level.UNKNOWN
    circuit = family("invoice").circuit.to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "finance")
    step["who"], step["quorum"] = [{"person": "n.abgrallec"}], "any"
    circuits.publish(house.actor(ADMIN), "invoice", library.as_yaml(circuit))
    assert points(house)["bureaux"].level is Level.GREEN
    desks.close_account(house.actor(ADMIN).collectivity_id, "n.abgrallec")
    desks.seat(house.actor(ADMIN).collectivity_id, "finances", "t.lescoat", [Right.CREATE, Right.ACT])
    point = points(house)["bureaux"]
    assert (point.level, "dont le compte est fermé" in point.sentence) == (Level.RED, True)


def test_a_desk_whose_people_never_entered_is_no_desk_that_is_ready(house: House) -> None:
    here = house.actor(ADMIN).collectivity_id
    with db.reading(here) as base:
        finances = desks.desk_of(base, here, "finances").id
    new = Particulars("Enora", "Quéméner", "e.quemener@x.example", "Agente", administrator=False)
    seats = {finances: Rights.of(Right.CREATE, Right.ACT)}
    arrivals.invite(house.actor(ADMIN), arrivals.Arrival("e.quemener", new, seats), by_mail=True)
    assert points(house)["bureaux"].level is Level.GREEN
    for login in ("n.abgrallec", "t.lescoat"):
        desks.seat(here, "finances", login, [])
    point = points(house)["bureaux"]
    assert (point.level, "personne n’est encore entré" in point.sentence) == (Level.AMBER, True)


def test_one_holder_is_a_risk_and_two_are_none(house: House) -> None:
    here = house.actor(ADMIN).collectivity_id
    alone = points(house)["absences"]
    assert alone.level is Level.AMBER
    with db.reading(here) as base:
        numbers = [
            (one.id, one.key)
            for one in base.scalars(sa.select(desks.Desk).where(desks.Desk.collectivity_id == here))
        ]
        people = list(
            base.scalars(sa.select(User.login).where(User.collectivity_id == here, User.active.is_(True)))
        )
    for _, key in numbers:
        for login in people[:2]:
            desks.seat(here, key, login, [Right.CREATE, Right.ACT, Right.SIGN, Right.PUBLISH, Right.ARCHIVE])
    assert points(house)["absences"].level is Level.GREEN


def test_another_commune_counts_for_nothing(house: House) -> None:
    before = points(house)
    a_new_commune()
    assert points(house) == before
    with db.reading() as base:
        other = base.scalars(sa.select(Collectivity.id).where(Collectivity.name == "Trégavan")).one()
    with db.reading(other) as base:
        assert commune.points(base, other)[1].sentence == "Un seul compte est ouvert : le vôtre."


def test_the_rules_of_law_follow_from_how_many_people_live_there(house: House) -> None:
    """CGCT L2131-1: from 3,500 inhabitants on, online and in no other way."""
    client, actor = house.client("k.morizur"), house.actor("k.morizur")
    small = Choice(Means.PAPER, "2026-01", date(2026, 1, 9), 3_200)
    change_setting(actor, "population", {"population": "3200"})
    choose(actor, small)
    told = points(house)["habitants"]
    assert (told.level, "le conseil peut choisir" in told.sentence) == (Level.GREEN, True)
    change_setting(actor, "population", {"population": "12 000"})
    told = points(house)["habitants"]
    assert (told.level, told.action) == (Level.RED, "Publier en ligne")
    page = (
        client.get("/administration/publication")
        .get_data(as_text=True)
        .replace("\u202f", " ")
        .replace("\xa0", " ")
    )
    assert "12 000 habitants, d’après vos réglages" in page
    choose(actor, Choice(Means.ONLINE))
    with pytest.raises(Refusal, match="means-population"):
        choose(actor, small)
    assert points(house)["habitants"].level is Level.GREEN
