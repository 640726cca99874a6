"""« Ce qui bloquera »: what an absence stops though somebody stands in, told before it begins."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.french import jour
from app.folders import decide
from app.folders.models import StepRun
from app.operations.absences.blocking import Block
from app.operations.absences.planning import end
from app.people import desks
from app.people.models import Desk
from tests.builders.house import House
from tests.builders.mandates import of_mayor, record
from tests.operations.test_absences import (
    DEPOSITOR,
    DIRECTION,
    FINANCE,
    MAYOR,
    TECHNIQUE,
    away,
    looked,
    reads,
)
from workflows.mandates import Kind, Mandate, last_day
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def told(house: House, absent: str, cover: str | None, **more: object) -> list[tuple[str, str, str]]:
    """Each line of what an absence of three weeks does that is not all well, on one kind of space."""
    blocks: tuple[Block, ...] = looked(house, absent, cover, **{"since": 0, "days": 21, **more}).blocks
    return [
        (
            one.tone,
            one.title.replace("\u00a0", " "),
            one.sentence.replace("\u00a0", " ").replace("\u202f", " "),
        )
        for one in blocks
        if one.tone != "ok"
    ]


def order(house: House, number: str = "2026-050", **more: object) -> int:
    """An order by which the director signs invoices."""
    mayor = of_mayor(house)
    facts = {
        "user_id": house.actor(DIRECTION).user_id,
        "kind": Kind.SIGNATURE,
        "title": "la directrice",
        "order_number": number,
        "order_date": mayor.starts_on,
        "families": ("invoice",),
        "ceiling_cents": 10_000_000,
        "elected": False,
    }
    return record(house, of_mayor(house, **{**facts, **more}))


@pytest.mark.parametrize("at", ["bon_a_payer", "finance"])
def test_a_mandate_that_ends_during_the_absence_is_told_with_its_last_day(house: House, at: str) -> None:
    record(house, of_mayor(house))
    house.enrol(DIRECTION, "rsa3072")
    until = today() + timedelta(days=12)
    order(house, ends_on=until)
    house.an_invoice(at=at)
    ((tone, title, sentence),) = told(house, MAYOR, DIRECTION)
    assert (tone, title) == ("warn", "1 signature" if at == "bon_a_payer" else "1 signature à venir")
    assert (
        f"jusqu’au {jour(until).removesuffix('.')} : plus aucun mandat ne le permet ensuite."
        in sentence.replace(" ", " ")
    )
    # Another takes over the day after, to the end
    order(house, "2026-051", starts_on=until + timedelta(days=1))
    assert told(house, MAYOR, DIRECTION) == []


def test_a_mandate_ends_with_the_office_that_it_comes_from() -> None:
    day = today()
    office = Mandate(1, 1, Kind.MAYOR, "le maire", day, day + timedelta(days=9))
    given = Mandate(2, 2, Kind.SIGNATURE, "la directrice", day, given_by=office)
    assert [last_day(one) for one in (office, given)] == [day + timedelta(days=9)] * 2
    assert last_day(Mandate(3, 3, Kind.MAYOR, "le maire", day)) is None


def test_who_stands_in_with_a_mandate_and_no_certificate_is_told(house: House) -> None:
    record(house, of_mayor(house))
    order(house)
    house.an_invoice(at="bon_a_payer")
    ((tone, title, sentence),) = told(house, MAYOR, DIRECTION)
    assert (tone, title) == ("warn", "Certificat de Solenn Rivoal")
    assert (
        sentence == "Aucun n’est inscrit à son nom : Solenn Rivoal ne signera rien tant qu’il n’y en a pas."
    )
    house.enrol(DIRECTION, "rsa3072")
    assert told(house, MAYOR, DIRECTION) == []


def test_what_came_back_to_who_will_be_away_is_told_whoever_stands_in(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    version = house.folder(folder_id).version
    decide.reject(house.actor(FINANCE), folder_id, version=version, reason="Pièce manquante")
    due = house.folder(folder_id).due_on
    for cover in (None, TECHNIQUE):
        (line,) = (one for one in told(house, DEPOSITOR, cover, days=60) if "retourné" in one[1])
        assert line[:2] == (
            "danger" if due and due < today() + timedelta(days=60) else "warn",
            "1 dossier retourné, à corriger",
        )
        assert line[2].startswith(
            "Un intérim ne dépose pas. Personne d’autre ne dépose à ce bureau : cela attendra Gwenola Tréhorel."
        )
    desks.seat(house.actor(FINANCE).collectivity_id, "comptabilite", "b.cadiou", [Right.CREATE])
    (line,) = (one for one in told(house, DEPOSITOR, TECHNIQUE, days=60) if "retourné" in one[1])
    assert line[0] == "warn"
    assert "D’autres personnes du bureau le peuvent" in line[2]
    # To nobody who may not read it, nor of who is somebody else
    assert not [one for one in told(house, TECHNIQUE, None, days=60) if "retourné" in one[1]]


def test_a_cover_for_some_types_says_that_the_others_wait(house: House) -> None:
    ((_, desk, nobody),) = told(house, TECHNIQUE, None)
    ((tone, title, sentence),) = told(house, TECHNIQUE, DIRECTION, types=("deliberation",))
    assert (tone, title) == ("warn", desk)
    assert nobody.startswith("Personne n’y agira : ")
    assert sentence == (
        "Personne n’y agira pour les types de dossiers qui ne sont pas confiés : ce qui y viendra de ces types attendra "
        "Ronan Pellenec."
    )
    assert told(house, TECHNIQUE, DIRECTION) == []
    # What another absence of his lends meanwhile counts, and so does a colleague who is there
    here = house.actor(TECHNIQUE).collectivity_id
    desks.seat(here, "technique", FINANCE, [Right.ACT])
    assert told(house, TECHNIQUE, DIRECTION, types=("deliberation",)) == []
    away(house, FINANCE, None, since=5, days=2)
    ((_, _, partly),) = [
        one for one in told(house, TECHNIQUE, DIRECTION, types=("deliberation",)) if one[1] == desk
    ]
    assert "qui ne sont pas confiés du " in partly
    assert partly.endswith("ce qui y viendra de ces types alors attendra.")


def test_what_is_not_lent_is_not_told_as_read_by_who_only_reads(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    here = house.actor(TECHNIQUE).collectivity_id
    desks.seat(here, "conseil", TECHNIQUE, [Right.ACT])
    with reading(here) as db:
        other = db.scalars(sa.select(Desk.id).where(Desk.key == "conseil")).one()
    for limit, sentence in (
        ({}, "Solenn Rivoal lira sans agir : "),
        ({"types": ("deliberation",)}, "Ce type de dossiers n’est pas confié : "),
        ({"desk_id": other}, "Ce bureau n’est pas confié : "),
    ):
        visas = [one for one in told(house, TECHNIQUE, DIRECTION, acts=False, **limit) if one[1] == "1 visa"]
        assert [one[2].startswith(sentence) for one in visas] == [True], limit
        number = away(house, TECHNIQUE, DIRECTION, acts=False, **limit)
        assert reads(house, DIRECTION, folder_id) is not bool(limit)
        end(house.actor(TECHNIQUE), number, revision=1)


def test_a_deadline_that_is_over_is_told_as_such(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    for due, words in ((today(), "proche : "), (today() - timedelta(days=1), "proche, déjà passée : ")):
        with engine().begin() as connection:
            waiting = sa.update(StepRun.__table__).where(  # type: ignore[arg-type]
                StepRun.folder_id == folder_id, StepRun.state == "active"
            )
            connection.execute(waiting.values(due_on=due))
        (visa,) = (one for one in told(house, TECHNIQUE, None) if one[1] == "1 visa")
        assert visa[2].endswith(
            f"Échéance la plus {words}{jour(due).removesuffix('.')}.".replace("\u00a0", " ")
        )
