"""The law on facts that are disputed: a step is there if either value asks for it, the earlier end of a clock counts."""

from datetime import date

import pytest

from workflows.condition import MOST, AllOf, Condition, Disputed, Facts, Not, Test, may_hold, surely_holds
from workflows.family import family

LARGE = Test("total", ">=", 4000)  # type: ignore[arg-type]
CREDIT = Test("kind", "==", "381")


@pytest.mark.parametrize(
    ("condition", "may", "surely"),
    [
        (LARGE, True, False),
        (Not(LARGE), True, False),
        (CREDIT, True, False),
        # neither version of the whole holds, but the two files may each be right on one field
        (AllOf((LARGE, CREDIT)), True, False),
        (AllOf((LARGE, Not(LARGE))), False, False),
        (Test("number", "==", "F-1"), True, True),
        (Test("number", "==", "F-2"), False, False),
        (Test("emptied", "present"), True, False),
    ],
)
def test_a_rule_is_tried_on_every_value(condition: Condition, may: bool, surely: bool) -> None:
    facts = Disputed(
        {"total": "3042.00", "kind": "381", "number": "F-1"},
        {"total": ("30420.00",), "kind": ("380",), "emptied": ("here",)},
    )
    assert (may_hold(condition, facts), surely_holds(condition, facts)) == (may, surely)


def test_what_cannot_all_be_tried_lets_no_step_go() -> None:
    names = [f"f{n}" for n in range(20)]
    rule = AllOf(tuple(Test(one, "==", "a") for one in names))
    facts = Disputed(dict.fromkeys(names, "b"), dict.fromkeys(names, ("c",)))
    assert 2 ** len(names) > MOST
    assert (may_hold(rule, facts), surely_holds(rule, facts)) == (True, False)


def test_the_step_of_a_ceiling_and_the_clock_follow_either_value() -> None:
    invoice = family("invoice")
    typed = {"total_ttc": "3042.00", "type_code": "381", "received_on": "2026-11-20"}
    read: dict[str, tuple[object, ...]] = {
        "total_ttc": ("30420.00",),
        "type_code": ("380",),
        "received_on": ("2026-11-02",),
    }

    def law(facts: Facts) -> tuple[bool, date | None]:
        return "direction" in {one.key for one in invoice.circuit.applicable(facts)}, invoice.due(facts)

    assert law(typed) == (False, None)
    assert law(Disputed(typed, read)) == (True, date(2026, 11, 22))
    assert law({key: values[0] for key, values in read.items()}) == (True, date(2026, 11, 22))
