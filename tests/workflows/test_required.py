"""A step may require own fields: what is read, which steps may come meanwhile, what would be decided on nothing, circuits joined."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows import strategies
from workflows.circuit import Circuit
from workflows.condition import Disputed, possible, read
from workflows.errors import Refusal
from workflows.family import families, faults_of
from workflows.joining import contains, joined, maximal
from workflows.loader import load
from workflows.own_types import Definition, OwnField
from workflows.own_types import joined as made

SUM, CODE = "own_sum", "own_code"
ABOVE = {"field": SUM, "op": ">=", "value": 4000}
VALUES = ["-12.00", "120.00", "4000.00", "98000.10"]


def step(key: str, desk: str = "finances", **more: Any) -> dict[str, Any]:
    return {"key": key, "label": key.capitalize(), "kind": "visa", "who": [{"desk": desk}], **more}


def circuit(*steps: dict[str, Any], **more: Any) -> Circuit:
    return load({"key": "one", "label": "Un", "steps": list(steps), **more})


ASKED = circuit(
    step("finance", requires=[SUM]), step("direction", "direction", when=ABOVE), step("end", "maire")
)


def test_what_a_step_requires_is_read_and_written_and_changes_nothing_of_the_others() -> None:
    assert load(ASKED.to_data()) == ASKED
    assert ASKED.steps[0].requires == (SUM,)
    assert "requires" not in ASKED.steps[1].to_data()
    assert ASKED.own_fields == {SUM}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"requires": "own_sum"}, "une liste de champs propres à un type"),
        ({"requires": ["total_ttc"]}, "une liste de champs propres à un type"),
        ({"requires": ["own_É"]}, "une liste de champs propres à un type"),
        ({"requires": [f"own_{n}" for n in range(21)]}, "21 champs exigés, 20 au plus"),
        ({"requires": [SUM], "kind": "seal", "who": []}, "retirez « requires »"),
    ],
)
def test_what_no_step_may_require_is_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal) as refused:
        circuit({**step("finance"), **wrong})
    assert told in refused.value.facts["details"]


@given(
    data=strategies.conditions,
    facts=strategies.facts,
    value=st.sampled_from(VALUES),
)
def test_a_rule_that_some_value_makes_hold_may_come_to_hold(
    data: dict[str, Any], facts: dict[str, Any], value: str
) -> None:
    rule = read(data, pytest.fail)
    assert rule is not None
    known = {key: one for key, one in facts.items() if key != "amount"}
    unknown = frozenset({"amount"})
    if rule.holds({**known, "amount": value}):
        assert possible(rule, known, unknown)
    if "amount" not in rule.fields:
        assert possible(rule, known, unknown) is rule.holds(known)
    disputed = Disputed(facts, {"matter": ("9.9",)})
    if rule.holds({**facts, "matter": "9.9", "amount": value}):
        assert possible(rule, disputed, unknown)


def test_a_step_that_depends_on_what_is_still_to_be_filled_in_may_come_until_it_is_known() -> None:
    def ahead(facts: dict[str, object], after: str | None = None) -> list[str]:
        return [one.key for one in ASKED.applicable(facts, after)]

    assert ahead({}) == ["finance", "direction", "end"]
    assert ahead({SUM: "120.00"}) == ["finance", "end"]
    assert ahead({SUM: "4000.00"}) == ["finance", "direction", "end"]
    assert ahead({}, "finance") == ["direction", "end"]
    assert ahead({}, "direction") == ["end"]
    assert ASKED.unsure({}) == {"direction"}
    assert ASKED.unsure({SUM: "120.00"}) == frozenset()
    # A step that is itself left out asks nothing
    apart = circuit(
        step("finance", requires=[SUM], when={"field": "total_ttc", "op": ">", "value": 10}),
        step("direction", "direction", when=ABOVE),
        step("end", "maire"),
    )
    assert [one.key for one in apart.applicable({"total_ttc": "5.00"})] == ["end"]


def type_of_invoice(*fields: OwnField) -> Any:
    return made(families()["invoice"], "energie", 1, Definition("Énergie", fields=fields))


def faults(kind: Any, *steps: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    """What is wrong of these steps before those that the law of invoices imposes."""
    law = families()["invoice"].circuit.to_data()["steps"][-2:]
    found = faults_of(kind, load({"key": "one", "label": "Un", "type": "energie", "steps": [*steps, *law]}))
    return [(one.step, one.field, one.sentence) for one in found]


def test_a_step_is_never_decided_on_a_field_that_is_only_asked_later() -> None:
    kind = type_of_invoice(OwnField(SUM, "Montant engagé", "amount"), OwnField("own_desk", "Service", "desk"))
    asks, reads = step("finance", requires=[SUM]), step("direction", "direction", when=ABOVE)
    assert faults(kind, asks, reads) == []
    ((at, field, told),) = faults(kind, reads, asks)
    assert (at, field) == ("direction", "cond_field_0")
    assert "dépend de « Montant engagé », qui n’est demandé qu’à l’étape « Finance »" in told
    ((at, _, _),) = faults(kind, {**asks, "when": ABOVE})  # the step that asks it is decided as it is entered
    assert at == "finance"
    dear = {"field": "total_ttc", "op": ">=", "value": 10000}
    ((at, field, told),) = faults(
        kind, {**asks, "when": dear}, reads
    )  # a cheap one passes no step that asks it
    assert (at, field) == ("direction", "cond_field_0")
    assert "que tous les dossiers ne passent pas" in told
    assert faults(kind, {**asks, "when": dear}, {**reads, "when": {"all": [dear, ABOVE]}}) == []
    given = type_of_invoice(
        OwnField(SUM, "Montant engagé", "amount", True), OwnField("own_desk", "Service", "desk")
    )
    assert faults(given, reads, asks) == []
    chosen = {**step("service"), "who": [{"chosen": "own_desk"}]}
    ((at, field, told),) = faults(kind, step("finance", requires=["own_desk"]), chosen)
    assert (at, field) == ("service", "who_add")
    assert "rendez ce champ obligatoire à l’envoi" in told
    ((at, field, told),) = faults(kind, step("finance", requires=[CODE]))
    assert (at, field) == ("finance", "requires_add")
    assert "que ce type de dossier n’a pas" in told
    common = load({**families()["invoice"].circuit.to_data()})
    common = replace(common, steps=(replace(common.steps[0], requires=(SUM,)), *common.steps[1:]))
    (fault,) = faults_of(families()["invoice"], common)
    assert "réservez d’abord le circuit à ce type" in fault.sentence


def test_joined_circuits_require_what_either_does_and_none_stands_for_one_that_requires_more() -> None:
    plain, asks = circuit(step("finance")), circuit(step("finance", requires=[SUM]))
    assert contains(asks, plain, {})
    assert not contains(plain, asks, {})
    assert maximal([plain, asks], {}) == (1,)
    more = circuit(step("finance", requires=[CODE]))
    (one,) = joined([asks, more], {}).steps
    assert one.requires == (SUM, CODE)
    # Of every folder nothing is required that a circuit requires of some alone
    low = {"field": "total_ttc", "op": "<", "value": 10}
    some = circuit(step("finance", when=low, requires=[SUM]))
    both = joined([some, plain], {"total_ttc": "50.00"})
    assert sorted((one.when is None, one.requires) for one in both.steps) == [(False, (SUM,)), (True, ())]


def test_of_what_is_still_to_be_filled_in_a_step_stands_for_another_only_under_the_same_words() -> None:
    below = {"field": SUM, "op": "<", "value": 4000}
    high = circuit(step("finance", requires=[SUM]), step("direction", "direction", when=ABOVE))
    low = circuit(step("finance", requires=[SUM]), step("direction", "direction", when=below))
    always = circuit(step("finance", requires=[SUM]), step("direction", "direction"))
    assert not contains(high, low, {})
    assert contains(always, high, {})
    assert contains(high, high, {})
    together = joined([high, low], {})
    conditions = [one.when for one in together.steps if one.who[0].value == "direction"]
    for value in (Decimal(5000), Decimal(5)):
        assert sum(one is None or one.holds({SUM: value}) for one in conditions) == 1
