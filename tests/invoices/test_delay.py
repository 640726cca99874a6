"""The delay of payment: interrupted once, running again from the day on which all has come; what being late costs.

The days and sums are those of the worked examples of the rules (CC0-1.0, computed apart from this code).
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.clock import today
from app.core.refusals import Refusal
from app.folders import decide
from app.invoices import interest, interrupting, performing
from app.invoices.clock import clock_of
from tests.batches.town import Hand, plain
from tests.builders.house import House
from tests.invoices.test_history import CLERK, FINANCE, SERVICE, Office
from tests.invoices.test_register import table
from workflows.deadlines import payment_due, payment_due_again

pytestmark = pytest.mark.in_turn


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


@pytest.mark.parametrize(
    ("start", "notified", "complete", "again"),
    [
        ("2026-11-16", "2026-11-26", "2026-12-07", "2027-01-06"),
        ("2026-11-16", "2026-12-15", "2027-01-04", "2027-02-03"),  # over the end of a year
        ("2026-11-16", "2026-11-16", "2026-11-20", "2026-12-20"),
        ("2027-01-29", "2027-02-28", "2027-02-28", "2027-03-30"),
        (
            "2026-12-20",
            "2026-12-31",
            "2027-01-04",
            "2027-02-03",
        ),  # nineteen days were left, from one year into the next
        ("2028-02-01", "2028-02-10", "2028-02-29", "2028-03-30"),  # all came on the 29th of February
    ],
)
@pytest.mark.law("INV-13")
def test_a_delay_that_was_interrupted_runs_for_thirty_days_or_what_was_left(
    start: str, notified: str, complete: str, again: str
) -> None:
    days = [date.fromisoformat(text) for text in (start, notified, complete)]
    assert payment_due_again(*days).isoformat() == again


@pytest.mark.parametrize(
    ("total", "due", "paid", "rate", "days", "owed"),
    [
        ("10000.00", "2024-09-10", "2024-10-10", "12.25", 30, "100.68"),
        ("1200.00", "2026-06-20", "2026-07-25", "10.15", 35, "11.68"),  # the half-year in which it begins
        ("48360.50", "2026-05-04", "2026-07-31", "10.15", 88, "1183.44"),
        ("15.00", "2026-03-02", "2026-03-03", "10.15", 1, "0.00"),
        (
            "10000.00",
            "2024-01-31",
            "2024-03-01",
            "12.50",
            30,
            "102.74",
        ),  # over a 29th of February, by 365 all the same
        ("0.01", "2024-12-31", "2025-12-31", "11.15", 365, "0.00"),  # a year from the first of January
        ("73.00", "2024-12-31", "2025-01-20", "11.15", 20, "0.45"),  # 0.446 is rounded to the cent
    ],
)
@pytest.mark.law("INV-16")
def test_interest_to_the_cent(total: str, due: str, paid: str, rate: str, days: int, owed: str) -> None:
    debt = interest.owed(Decimal(total), date.fromisoformat(due), date.fromisoformat(paid))
    assert debt is not None
    assert (debt.days, debt.rate, debt.interest) == (days, Decimal(rate), Decimal(owed))


@pytest.mark.law("INV-16")
def test_what_begins_on_the_first_of_july_has_the_rate_of_the_second_half_and_none_is_made_up() -> None:
    debt = interest.owed(Decimal(1000), date(2025, 6, 30), date(2025, 7, 30))
    assert debt is not None
    assert debt.rate == Decimal("10.15")
    unknown = interest.owed(Decimal(1000), date(2026, 6, 30), date(2026, 7, 30))
    assert unknown is not None
    assert unknown.interest is None
    assert "n’est pas connu de cette version" in interest.in_words(unknown)
    assert interest.owed(Decimal(1000), date(2026, 6, 30), date(2026, 6, 30)) is None
    assert interest.owed(Decimal(-20), date(2026, 5, 1), date(2026, 6, 30)) is None


def test_what_is_said_to_be_paid_by_card_has_no_delay_and_who_decides_is_told(
    house: House, office: Office
) -> None:
    draft = office.draft(signed=True, number="F-1")
    house.save(draft, CLERK, {"frame": "A2", "received_on": str(today() - timedelta(days=40))})
    invoice = office.send(draft)
    assert house.folder(invoice).due_on.year == 9999
    assert "Facture déjà payée par carte d’achat" in Hand(house, SERVICE).text(f"/dossiers/{invoice}")
    house.approve(invoice, SERVICE)
    with pytest.raises(Refusal) as refusal:  # nobody mandates it a second time before a person has ruled
        house.approve(invoice, FINANCE)
    assert "déjà payée par carte" in str(refusal.value.facts)


@pytest.mark.law("INV-13")
def test_who_decides_interrupts_the_delay_once_and_lets_it_run_again(house: House, office: Office) -> None:
    received = today() - timedelta(days=12)
    draft = office.draft(signed=True, number="F-1")
    house.save(draft, CLERK, {"received_on": received.isoformat(), "proof_of_service": "technique"})
    invoice = office.send(draft)
    first = house.folder(invoice).due_on
    assert first == received + timedelta(days=20)
    service, clerk = Hand(house, SERVICE), Hand(house, CLERK)
    page = f"/dossiers/{invoice}/delai"
    assert "Interrompre le délai" in service.text(f"/dossiers/{invoice}")
    assert page not in clerk.client.get(f"/dossiers/{invoice}").get_data(as_text=True)
    assert clerk.client.get(page).status_code == 403
    assert "Paraphe n’envoie pas cette notification" in service.text(page)

    def sent(hand: Hand, day: date | str, word: str) -> tuple[int, str]:
        form = {"day": str(day), "word": word, "version": str(house.folder(invoice).version)}
        answer = hand.ask(page, "POST", form)
        return answer.status_code, plain(answer.get_data(as_text=True))

    notified = received + timedelta(days=10)
    for day, word, words in (
        (received - timedelta(days=1), "Le bon manque.", "le jour où le fournisseur a reçu"),
        (today() + timedelta(days=1), "Le bon manque.", "le jour où le fournisseur a reçu"),
        ("bientôt", "Le bon manque.", "le jour où le fournisseur a reçu"),
        (notified, " ", "ce qui manque ou est faux"),
    ):
        status, shown = sent(service, day, word)
        assert (status, words in shown) == (422, True), (day, word)
    assert house.folder(invoice).due_on == first
    assert sent(service, notified, "Le bon de livraison manque.")[0] == 302
    stopped = service.text(f"/dossiers/{invoice}")
    assert "Délai de paiement interrompu" in stopped
    assert "reste 20 jours au jour de la notification" in stopped
    assert "Le bon de livraison manque." in service.text(f"/dossiers/{invoice}?onglet=journal")
    assert house.folder(invoice).due_on.year == 9999  # late for nobody while the supplier is awaited
    with pytest.raises(Refusal, match="delay-interrupted"):
        interrupting.interrupt(
            house.actor(SERVICE),
            invoice,
            version=house.folder(invoice).version,
            notified=notified,
            reason="Encore.",
        )
    # It goes on its way, and whoever decides there says that all has come
    house.approve(invoice, SERVICE)
    finance = Hand(house, FINANCE)
    assert "Tout est reçu" in finance.text(f"/dossiers/{invoice}")
    with pytest.raises(Refusal, match="not-your-turn"):
        interrupting.resume(
            house.actor(CLERK), invoice, version=house.folder(invoice).version, complete=today(), word="Reçu."
        )
    status, shown = sent(finance, notified - timedelta(days=1), "Le bon.")
    assert (status, "le jour où tout ce qui était demandé est arrivé" in shown) == (422, True)
    assert sent(finance, today(), "Le bon de livraison.")[0] == 302
    assert house.folder(invoice).due_on == today() + timedelta(days=20)
    running = finance.text(f"/dossiers/{invoice}")
    assert "Jour 0 sur 30" in running
    assert f"{page}" not in finance.client.get(f"/dossiers/{invoice}").get_data(as_text=True)
    assert finance.client.get(page).status_code == 409


@pytest.mark.law("INV-13")
def test_a_day_of_reception_that_is_corrected_takes_an_interruption_that_it_does_not_allow_away(
    house: House, office: Office
) -> None:
    received = today() - timedelta(days=12)
    invoice = office.draft(signed=True, number="F-1")
    typed = {"received_on": received.isoformat(), "proof_of_service": "technique"}
    house.save(invoice, CLERK, typed)
    office.send(invoice)
    version = house.folder(invoice).version
    interrupting.interrupt(
        house.actor(SERVICE), invoice, version=version, notified=received, reason="Le bon manque."
    )
    assert house.folder(invoice).due_on.year == 9999
    decide.recall(house.actor(CLERK), invoice, version=house.folder(invoice).version)
    later = received + timedelta(days=5)
    house.save(invoice, CLERK, {**typed, "received_on": later.isoformat()})
    office.send(invoice)
    assert house.folder(invoice).due_on == later + timedelta(days=20)
    shown = Hand(house, SERVICE).text(f"/dossiers/{invoice}")
    assert "Jour 7 sur 30" in shown
    # The law allows one interruption (R2192-27): another day of reception gives no second one, nor a button for it
    assert "Interrompre le délai" not in shown
    version = house.folder(invoice).version
    with pytest.raises(Refusal, match="delay-interrupted"):
        interrupting.interrupt(
            house.actor(SERVICE), invoice, version=version, notified=later, reason="Encore."
        )
    far = office.draft(number="F-9")
    house.save(far, CLERK, {**typed, "received_on": "9999-12-20"})
    assert Hand(house, CLERK).client.get(f"/dossiers/{far}/brouillon").status_code == 200


@pytest.mark.parametrize(
    ("start", "last", "told"),
    [
        ("2026-11-16", "2026-12-16", ""),
        ("2026-11-26", "2026-12-26", "jour non ouvré"),  # a Saturday
        ("2026-11-25", "2026-12-25", "jour non ouvré"),  # Christmas
        ("2027-01-29", "2027-02-28", "jour non ouvré"),  # a Sunday, the last day of February
        ("2028-01-30", "2028-02-29", ""),
        ("2026-12-15", "2027-01-14", ""),
    ],
)
@pytest.mark.law("INV-10")
def test_thirty_days_from_the_start_over_years_leap_days_and_holidays(
    start: str, last: str, told: str
) -> None:
    first = date.fromisoformat(start)
    assert payment_due(first).isoformat() == last
    assert (told in clock_of(first, first).pay_line) is True
    assert ("jour non ouvré" in clock_of(first, first).pay_line) is bool(told)


@pytest.mark.law("INV-11")
def test_what_was_done_after_the_reception_begins_the_delay_and_a_late_visa_never_does(
    house: House, office: Office
) -> None:
    received = today() - timedelta(days=12)
    draft = office.draft(signed=True, number="F-1")
    house.save(draft, CLERK, {"received_on": received.isoformat(), "proof_of_service": "technique"})
    invoice = office.send(draft)
    service, clerk = Hand(house, SERVICE), Hand(house, CLERK)
    page = f"/dossiers/{invoice}/execution"
    assert page in service.text(f"/dossiers/{invoice}")
    assert page not in clerk.text(f"/dossiers/{invoice}")
    assert clerk.ask(page).status_code == 403
    with pytest.raises(Refusal, match="not-your-turn"):
        performing.perform(
            house.actor(CLERK), invoice, version=house.folder(invoice).version, day=today(), word="Livré."
        )

    def sent(day: date | str, word: str = "Le dernier lot, bon de livraison 12.") -> tuple[int, str]:
        form = {"day": str(day), "word": word, "version": str(house.folder(invoice).version)}
        answer = service.ask(page, "POST", form)
        return answer.status_code, plain(answer.get_data(as_text=True))

    done = received + timedelta(days=7)
    for day, word, words in (
        (received - timedelta(days=1), "Livré.", "le jour où tout ce qui est facturé"),
        (today() + timedelta(days=1), "Livré.", "le jour où tout ce qui est facturé"),
        ("hier", "Livré.", "le jour où tout ce qui est facturé"),
        (done, " ", "ce qui a été fait ce jour-là"),
    ):
        status, shown = sent(day, word)
        assert (status, words in shown) == (422, True), (day, word)
    assert house.folder(invoice).due_on == received + timedelta(days=20)
    assert sent(done)[0] == 302
    assert house.folder(invoice).due_on == done + timedelta(days=20)
    shown = service.text(f"/dossiers/{invoice}")
    for words in ("Jour 5 sur 30", "départ : service fait après la réception", "bon de livraison 12"):
        assert words in shown, words
    assert "bon de livraison 12" in service.text(f"/dossiers/{invoice}?onglet=journal")
    row = next(iter(table(clerk, "/factures/registre.csv")))
    assert row["Règle du départ"].startswith("Service fait après la réception")
    assert row["Reçue le"] == f"{received:%d/%m/%Y}"
    assert row["Départ du délai"] == f"{done:%d/%m/%Y}"
    # An interruption counts from there, and the service is not said to be done after its notice
    version = house.folder(invoice).version
    with pytest.raises(Refusal, match="notice-day"):
        interrupting.interrupt(
            house.actor(SERVICE),
            invoice,
            version=version,
            notified=done - timedelta(days=1),
            reason="Le bon.",
        )
    notified = done + timedelta(days=1)
    interrupting.interrupt(
        house.actor(SERVICE), invoice, version=version, notified=notified, reason="Le bon."
    )
    assert "reste 29 jours" in service.text(f"/dossiers/{invoice}")
    assert sent(done + timedelta(days=2))[0] == 422
    # Said again on the day of the reception, it changes nothing any more
    assert sent(received, "Livré avec la facture.")[0] == 302
    assert "reste 22 jours" in service.text(f"/dossiers/{invoice}")
    assert "service fait après la réception" not in service.text(f"/dossiers/{invoice}")
    # The visa itself, days later, moves nothing
    house.approve(invoice, SERVICE)
    assert "reste 22 jours" in Hand(house, FINANCE).text(f"/dossiers/{invoice}")
    # A notice that the supplier received stands: no earlier day said afterwards takes it away, so that nobody could end it
    old, actor = today() - timedelta(days=60), house.actor(SERVICE)
    draft = office.draft(signed=True, number="F-2")
    house.save(draft, CLERK, {"received_on": str(old), "proof_of_service": "technique"})
    second = office.send(draft)

    def say(day: date) -> None:
        performing.perform(actor, second, version=house.folder(second).version, day=day, word="Livré.")

    say(today() - timedelta(days=1))
    version = house.folder(second).version
    interrupting.interrupt(actor, second, version=version, notified=today(), reason="Le bon manque.")
    with pytest.raises(Refusal, match="performed-day"):
        say(old)
    say(today() - timedelta(days=2))
    assert house.folder(second).due_on.year == 9999
