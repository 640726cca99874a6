"""The law of signing mandates, as a table (CGCT L2122-17 to L2122-20)."""

from dataclasses import replace
from datetime import date

import pytest

from workflows.errors import SENTENCES, Refusal
from workflows.mandates import Act, Kind, Mandate, check, conflicts, fitting, over, words

TODAY = date(2026, 11, 25)
MAYOR = Mandate(1, 10, Kind.MAYOR, "le maire", date(2026, 3, 28))
FINANCE = Mandate(
    2,
    11,
    Kind.FUNCTION,
    "l’adjoint aux finances",
    date(2026, 4, 10),
    families=("invoice", "deliberation"),
    matters=("7.5", "7.1"),
    ceiling_cents=1_000_000,
    order_number="2026-041",
    given_by=MAYOR,
)
STANDIN = Mandate(3, 12, Kind.SUBSTITUTE, "le premier adjoint", date(2026, 11, 20), date(2026, 12, 4))
INVOICE = Act("invoice", None, 318_600, priced=True)


def refused(mandate, act=INVOICE, today=TODAY):
    with pytest.raises(Refusal) as caught:
        check(mandate, act, today)
    return caught.value


@pytest.mark.parametrize(
    ("mandate", "said"),
    [
        (MAYOR, "Le maire"),
        (replace(MAYOR, title="La maire"), "La maire"),
        (FINANCE, "Pour le maire et par délégation, l’adjoint aux finances"),
        (
            replace(FINANCE, given_by=replace(MAYOR, title="La présidente")),
            "Pour la présidente et par délégation, l’adjoint aux finances",
        ),
        (
            replace(FINANCE, kind=Kind.SIGNATURE, title="La directrice générale des services"),
            "Pour le maire et par délégation, la directrice générale des services",
        ),
        (STANDIN, "Le premier adjoint, suppléant"),
        (replace(STANDIN, title="la première adjointe"), "La première adjointe, suppléante"),
    ],
)
def test_the_words_of_the_capacity_are_those_of_the_law(mandate, said):
    assert words(mandate) == said


@pytest.mark.parametrize(
    ("mandate", "act"),
    [
        (MAYOR, INVOICE),
        (MAYOR, Act("pes", None, 900_000_000, priced=True)),
        (STANDIN, INVOICE),
        (FINANCE, INVOICE),
        (FINANCE, Act("invoice", None, 1_000_000, priced=True)),
        (FINANCE, Act("invoice", None, -1_000_000, priced=True)),
        (FINANCE, Act("deliberation", "7.5")),
        (FINANCE, Act("deliberation", "7.5.2")),
        (FINANCE, Act("deliberation", "7.1.1")),  # no amount in this family: no ceiling to pass
    ],
)
def test_what_is_in_time_in_scope_and_below_the_ceiling_is_signed(mandate, act):
    check(mandate, act, TODAY)


@pytest.mark.parametrize(
    ("change", "act", "key"),
    [
        ({"starts_on": date(2026, 11, 26)}, INVOICE, "mandate-not-executory"),
        ({"ends_on": date(2026, 11, 24)}, INVOICE, "mandate-ended"),
        ({"ended": True}, INVOICE, "mandate-ended"),
        ({"given_by": replace(MAYOR, ended=True)}, INVOICE, "mandate-fell"),
        ({"given_by": replace(MAYOR, ends_on=date(2026, 11, 24))}, INVOICE, "mandate-fell"),
        ({}, Act("pes", None, 100, priced=True), "mandate-outside-family"),
        ({}, Act("deliberation", "7.2"), "mandate-outside-matter"),
        ({}, Act("deliberation", "7.50"), "mandate-outside-matter"),
        ({}, Act("deliberation", "7"), "mandate-outside-matter"),
        ({}, Act("deliberation", ""), "mandate-outside-matter"),
        ({}, Act("invoice", None, 1_000_001, priced=True), "mandate-above-ceiling"),
        ({}, Act("invoice", None, -1_000_001, priced=True), "mandate-above-ceiling"),
        ({}, Act("invoice", None, None, priced=True), "mandate-amount-unknown"),
    ],
)
@pytest.mark.law("DLG-01")
def test_a_delegate_is_refused_too_early_too_late_outside_and_above(change, act, key):
    refusal = refused(replace(FINANCE, **change), act)
    assert refusal.key == key
    status, sentence = SENTENCES[key]
    said = sentence.format(**refusal.facts)
    assert status == 403
    assert said.startswith("Rien n’a été signé : ")
    assert "{" not in said


@pytest.mark.law("ACT-05")
def test_a_power_delegated_by_the_council_passes_to_no_substitute_unless_his_mandate_names_it():
    """CGCT L2122-23: the mayor prevented, these decisions are the council's, unless the delegation says otherwise."""
    act = Act("decision", "1.1", 100_000, priced=True, named_substitution=True)
    refusal = refused(STANDIN, act)
    assert refusal.key == "mandate-council-decides"
    assert "L2122-23" in SENTENCES[refusal.key][1].format(**refusal.facts)
    check(replace(STANDIN, families=("invoice", "decision")), act, TODAY)
    assert refused(replace(STANDIN, families=("invoice",)), act).key == "mandate-outside-family"
    for delegated in (MAYOR, replace(FINANCE, families=("decision",), matters=())):
        check(delegated, act, TODAY)


@pytest.mark.parametrize(
    ("day", "key"),
    [
        (date(2026, 11, 19), "mandate-not-begun"),
        (date(2026, 11, 20), None),
        (date(2026, 12, 4), None),
        (date(2026, 12, 5), "mandate-ended"),
    ],
)
@pytest.mark.law("DLG-05")
def test_a_suppleance_lasts_from_its_first_to_its_last_day(day, key):
    if key is None:
        check(STANDIN, INVOICE, day)
    else:
        assert refused(STANDIN, today=day).key == key


@pytest.mark.law("DLG-01")
def test_the_day_when_the_order_is_executory_is_the_first_day_of_signature():
    delegation = replace(FINANCE, starts_on=TODAY, ends_on=TODAY)
    check(delegation, INVOICE, TODAY)


def test_the_refusal_of_a_delegation_to_come_says_its_order_and_its_date():
    facts = refused(replace(FINANCE, starts_on=date(2026, 12, 1))).facts
    assert (facts["order"], facts["date"]) == ("2026-041", "01/12/2026")


@pytest.mark.law("DLG-04")
def test_every_delegation_falls_with_the_mayor_and_a_suppleance_does_not():
    gone = replace(MAYOR, ended=True)
    assert over(replace(FINANCE, given_by=gone), TODAY)
    assert over(replace(FINANCE, kind=Kind.SIGNATURE, given_by=gone), TODAY)
    assert not over(STANDIN, TODAY)
    assert not over(FINANCE, TODAY)


def test_several_mandates_are_offered_the_strongest_first():
    second = replace(FINANCE, id=5, rank=2)
    assert [
        one.id for one in fitting([second, replace(FINANCE, rank=1), STANDIN, MAYOR], INVOICE, TODAY)
    ] == [
        1,
        3,
        2,
        5,
    ]


def test_of_several_reasons_the_one_nearest_to_a_signature_is_told():
    old = replace(FINANCE, id=4, ended=True)
    low = replace(FINANCE, id=5, ceiling_cents=100)
    with pytest.raises(Refusal) as caught:
        fitting([old, low], INVOICE, TODAY)
    assert caught.value.key == "mandate-above-ceiling"
    with pytest.raises(Refusal) as caught:
        fitting([], INVOICE, TODAY)
    assert caught.value.key == "mandate-missing"


OTHER = replace(FINANCE, id=6, person=13, title="l’adjointe aux subventions", matters=("7.5.2",))


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (FINANCE, OTHER, True),
        (replace(FINANCE, families=()), OTHER, True),
        (replace(FINANCE, matters=()), OTHER, True),
        (replace(FINANCE, rank=1), replace(OTHER, rank=2), False),
        (replace(FINANCE, rank=1), replace(OTHER, rank=1), True),
        (replace(FINANCE, rank=1), OTHER, True),
        (FINANCE, replace(OTHER, matters=("7.50",)), False),
        (FINANCE, replace(OTHER, families=("pes",)), False),
        (FINANCE, replace(OTHER, person=11), False),
        (FINANCE, replace(OTHER, kind=Kind.SIGNATURE), False),
        (FINANCE, replace(OTHER, ended=True), False),
        (replace(FINANCE, ends_on=date(2026, 12, 1)), replace(OTHER, starts_on=date(2026, 12, 2)), False),
        (replace(FINANCE, ends_on=date(2026, 12, 1)), replace(OTHER, starts_on=date(2026, 12, 1)), True),
    ],
)
@pytest.mark.law("DLG-02")
def test_two_deputies_over_the_same_acts_need_an_order_of_priority(first, second, found):
    assert bool(list(conflicts([MAYOR, first, second], TODAY))) is found
    assert bool(list(conflicts([second, MAYOR, first], TODAY))) is found
