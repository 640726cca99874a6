"""« Mise en service » says what would stop the commune today, and leads to the page where each point is mended."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core import db
from app.core.clock import now
from app.core.refusals import Refusal
from app.folders.publicity import Choice, Means
from app.operations.examined import commune
from app.operations.findings import Level
from app.people import desks
from app.people.models import Collectivity, Holder, MandateRow, User
from app.people.own_settings.changing import change_setting
from app.publication.office import choose
from app.signing.models import Certificate
from demo.cast import PASSWORD
from tests.builders.house import House
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
    assert "Aucun mandat n’a cours" in points(house)["mandats de signature"].sentence


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
    change_setting(actor, "population", {"population": "12000"})
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
