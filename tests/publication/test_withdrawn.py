"""An act stays online two civil months; before, only a reasoned decision takes it off; its page always says so."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.publication import publishing, record
from app.publication.models import PublicAct
from tests.builders.house import House
from tests.publication.town import act_of, address, mask, page, visitor
from workflows.deadlines import online_until

pytestmark = pytest.mark.in_turn

WHY = "Ordonnance du tribunal administratif du 3 mars."


def withdraw(house: House, folder_id: int, kind: str, reason: str = WHY, login: str = "k.morizur") -> None:
    publishing.withdraw_act(
        house.actor(login), folder_id, version=house.folder(folder_id).version, kind=kind, reason=reason
    )


def online_since(folder_id: int, moment: datetime) -> None:
    """The act has been online for that long."""
    with engine().begin() as connection:
        connection.execute(
            sa.update(PublicAct).where(PublicAct.folder_id == folder_id).values(online_since=moment)
        )


@pytest.mark.parametrize(
    ("online_on", "last"),
    [
        ("2026-10-02", "2026-12-02"),  # CAL-05: 2 October to 2 December
        ("2026-12-28", "2027-02-28"),
        ("2026-12-29", "2027-02-28"),  # February has no such day: its last one
        ("2026-12-30", "2027-02-28"),
        ("2026-12-31", "2027-02-28"),
        ("2027-01-01", "2027-03-01"),
        ("2027-12-29", "2028-02-29"),
        ("2027-12-31", "2028-02-29"),
        ("2026-07-31", "2026-09-30"),
        ("2026-11-01", "2027-01-01"),  # a holiday and a Friday: never moved
    ],
)
@pytest.mark.law("CAL-05")
def test_two_months_are_counted_in_civil_months(online_on: str, last: str) -> None:
    assert online_until(date.fromisoformat(online_on)) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("moment", "first", "last"),
    [
        # The nights when the clocks change, and those of New Year: the day is the town hall's, not UTC's.
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), "2026-10-25", "2026-12-25"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25", "2026-12-25"),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "2026-10-25", "2026-12-25"),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), "2026-10-26", "2026-12-26"),
        (datetime(2027, 3, 27, 22, 59, tzinfo=UTC), "2027-03-27", "2027-05-27"),
        (datetime(2027, 3, 27, 23, 0, tzinfo=UTC), "2027-03-28", "2027-05-28"),
        (datetime(2027, 3, 28, 21, 59, tzinfo=UTC), "2027-03-28", "2027-05-28"),
        (datetime(2027, 3, 28, 22, 0, tzinfo=UTC), "2027-03-29", "2027-05-29"),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "2027-01-01", "2027-03-01"),
        (datetime(2026, 12, 29, 23, 30, tzinfo=UTC), "2026-12-30", "2027-02-28"),
    ],
)
def test_the_first_day_online_is_the_town_hall_s(moment: datetime, first: str, last: str) -> None:
    day = record.first_day(PublicAct(online_since=moment))
    assert (day, online_until(day)) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.law("PUB-01")
def test_before_the_two_months_only_a_reasoned_decision_takes_an_act_off(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    for kind, reason, key in (
        ("term", "", "online-too-short"),
        ("because", WHY, "online-too-short"),
        ("court", "  court  ", "withdrawal-reason-missing"),
    ):
        with pytest.raises(Refusal) as refused:
            withdraw(house, folder_id, kind, reason)
        assert refused.value.key == key
    assert visitor(house).get(f"{address(folder_id)}/1").get_data()
    withdraw(house, folder_id, "court")
    shown = page(house, address(folder_id))
    assert f"Retiré le {jour_long(today())}" in shown
    assert "décision de justice" in shown
    assert "tribunal" not in shown  # the reason in full is the journal's
    assert "Cercle nautique" in shown
    assert visitor(house).get(f"{address(folder_id)}/1").status_code == 404
    assert "<entry>" not in page(house, "/actes/kerlann-sur-mer/atom.xml")
    assert "Retiré le" in page(house, "/actes/kerlann-sur-mer")
    with reading() as db:
        line = db.scalars(sa.select(JournalEntry).where(JournalEntry.event == "publication.withdrawn")).one()
    assert line.facts["reason"] == WHY if isinstance(line.facts, dict) else WHY in line.facts
    with pytest.raises(Refusal) as refused:
        withdraw(house, folder_id, "court")
    assert refused.value.key == "not-online"


def test_after_the_two_months_it_may_be_taken_off_without_more(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    last = online_until(today() - timedelta(days=58))
    online_since(folder_id, now() - timedelta(days=58))
    assert last >= today()  # no two months have fewer than 59 days
    with pytest.raises(Refusal) as refused:
        withdraw(house, folder_id, "term", "")
    assert refused.value.key == "online-too-short"
    online_since(folder_id, now() - timedelta(days=63))
    withdraw(house, folder_id, "term", "")
    shown = page(house, address(folder_id))
    assert "fin de la durée de publication" in shown
    assert ("retiré depuis" in shown, "sans interruption" in shown) == (True, False)


def test_an_act_taken_off_for_personal_data_is_no_longer_found_by_its_title(house: House) -> None:
    folder_id = house.a_deliberation(at="done", subject="Aide à Jeanne Martin")
    withdraw(house, folder_id, "personal_data", "Le nom d’un particulier est lisible.")
    for path in (address(folder_id), "/actes/kerlann-sur-mer"):
        shown = page(house, path)
        assert "Jeanne" not in shown
        assert "Acte retiré de la publication" in shown
    assert "Aucun acte ne correspond" in page(house, "/actes/kerlann-sur-mer?q=jeanne")
    answer = visitor(house).get("/api/v1/public/kerlann-sur-mer/acts").json
    assert "Jeanne" not in str(answer)
    mask(house, folder_id)
    publishing.put_online(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    shown = page(house, address(folder_id))
    assert "Version occultée" in shown
    assert "retirée" in shown  # the history says that the first one was
    assert act_of(folder_id).online_since > now() - timedelta(minutes=5)  # its two months begin again


def test_the_depositor_is_told_by_mail_when_somebody_else_takes_it_off(house: House) -> None:
    from app.people import desks
    from workflows.vocabulary import Right

    folder_id = house.a_deliberation(at="done")
    desks.seat(house.actor("k.morizur").collectivity_id, "secretariat", "s.rivoal", (Right.PUBLISH,))
    house.drain()
    house.mail.clear()
    withdraw(house, folder_id, "court", login="s.rivoal")
    house.drain()
    (letter,) = house.mail.letters
    assert "retiré de la page publique" in str(letter["Subject"])
    assert "Cercle nautique" not in letter.as_string()
