"""French as it is printed: its spaces, its dates at the town hall's clock, its amounts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from jinja2 import DictLoader, Environment

from app.core import french
from app.core.refusals import catalogue
from workflows.fields import Field, parse

THIN, HARD = "\u202f", "\u00a0"
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Rien ; tout ?", f"Rien{THIN}; tout{THIN}?"),
        ("Objet : « voirie »", f"Objet{HARD}: «{HARD}voirie{HARD}»"),
        ("12 % de 3 €", f"12{HARD}% de 3{HARD}€"),
        ("Dossier n° 12, M. Kervadec", f"Dossier n°{HARD}12, M.{HARD}Kervadec"),
        ("https://a.fr:80/x?y", "https://a.fr:80/x?y"),
        (" : au début", " : au début"),
    ],
)
def test_high_signs_keep_their_no_break_space(typed: str, printed: str) -> None:
    assert french.spaces(typed) == printed
    assert french.spaces(printed) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("3186", f"3{THIN}186,00{HARD}€"),
        (Decimal("-12.5"), f"−12,50{HARD}€"),
        (1234567.891, f"1{THIN}234{THIN}567,89{HARD}€"),
        ("illisible", "illisible"),
    ],
)
def test_an_amount_has_its_cents_and_its_groups_of_three(value: object, printed: str) -> None:
    assert french.euros(value) == printed


def test_a_day_has_its_year_only_when_it_is_another() -> None:
    assert french.jour(date(2026, 11, 26)) == "jeu. 26 nov."
    assert french.jour("2026-12-01") == "mar. 1er déc."
    assert french.jour(date(2027, 1, 2)) == "sam. 2 janv. 2027"
    assert french.jour_long(date(2026, 9, 24)) == "jeudi 24 septembre 2026"
    assert (french.jour(None), french.jour("bientôt")) == ("", "bientôt")


def test_a_moment_is_told_at_the_town_hall_s_clock_in_summer_and_in_winter() -> None:
    winter, summer = datetime(2026, 11, 25, 23, 30, tzinfo=UTC), datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert french.instant(winter) == f"jeu. 26 nov., 0{HARD}h{HARD}30"
    assert french.instant(summer) == f"jeu. 2 juil., 0{HARD}h{HARD}30"
    assert french.heure(winter) == f"0{HARD}h{HARD}30"
    assert french.instant_preuve(winter) == "26/11/2026 00:30:00 +01:00"
    assert french.instant_preuve(summer) == "02/07/2026 00:30:00 +02:00"
    assert french.instant(None) == french.instant_preuve(None) == french.depuis(None) == ""


@pytest.mark.parametrize(
    ("size", "printed"),
    [
        (512, f"512{HARD}octets"),
        (86_016, f"84{HARD}Ko"),
        (5 << 20, f"5{HARD}Mo"),
        (5_557_453, f"5,3{HARD}Mo"),
    ],
)
def test_a_size_is_told_in_its_own_unit(size: int, printed: str) -> None:
    assert french.taille(size) == printed


@pytest.mark.parametrize(
    ("ago", "printed"),
    [
        (timedelta(seconds=20), "depuis un instant"),
        (timedelta(minutes=1), "depuis 1 minute"),
        (timedelta(hours=5), "depuis 5 heures"),
        (timedelta(days=9, hours=3), "depuis 9 jours"),
        (timedelta(seconds=-60), "depuis un instant"),
    ],
)
def test_a_wait_is_told_in_its_largest_unit(ago: timedelta, printed: str) -> None:
    assert french.depuis(NOON - ago) == printed


def test_templates_get_the_spaces_of_their_own_words_and_never_of_a_value() -> None:
    environment = Environment(
        loader=DictLoader({"page": "Objet : {{ title }}, {{ 2 | euros }}"}), autoescape=True
    )
    french.install(environment)
    printed = environment.get_template("page").render(title="a : b")
    assert printed == f"Objet{HARD}: a : b, 2,00{HARD}€"


def test_a_value_counts_as_a_word_for_the_spaces_around_it() -> None:
    source = "émis par « {{ name }} » ; n° {{ number }} : {{ name }} ?"
    environment = Environment(loader=DictLoader({"page": source}), autoescape=True)
    french.install(environment)
    printed = environment.get_template("page").render(name="AC", number=7)
    assert printed == f"émis par «{HARD}AC{HARD}»{THIN}; n°{HARD}7{HARD}: AC{THIN}?"


def test_a_form_shows_an_amount_as_pages_do_and_takes_it_back() -> None:
    assert french.montant("-30420.5") == f"−30{THIN}420,50"
    field = Field("total", "Total", "amount")
    assert parse(field, french.montant("-30420.5")) == "-30420.50"
    assert french.montant("abc") == "abc"


def test_a_wait_is_never_said_shorter_than_it_is() -> None:
    hard = "\u00a0"
    said = {
        1: "une seconde",
        59: f"59{hard}secondes",
        60: "une minute",
        61: f"2{hard}minutes",
        3541: "une heure",
        3601: f"2{hard}heures",
        86400: "un jour",
        90000: f"2{hard}jours",
    }
    assert {seconds: french.attente(seconds) for seconds in said} == said


def test_a_sentence_writes_a_number_by_its_thousands_and_says_a_gap_of_one_that_is_missing() -> None:
    assert f"plus de 5{THIN}000 lignes" in catalogue.say("table-long", {"most": 5000})[1]
    assert "plus de 800 lignes" in catalogue.say("table-long", {"most": 800})[1]
    assert "plus de … lignes" in catalogue.say("table-long", {})[1]
