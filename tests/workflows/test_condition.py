"""A condition compares the facts of a folder as a reader of the circuit would expect."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from workflows.condition import Test, read


def holds(written, facts):
    faults = []
    condition = read(written, faults.append)
    assert faults == []
    assert condition.to_data() == written
    return condition.holds(facts)


def test_(field, op, *value):
    return {"field": field, "op": op, **({"value": value[0]} if value else {})}


test_.__test__ = False


@pytest.mark.parametrize(
    ("written", "fact", "expected"),
    [
        (test_("amount", ">=", 4000), "4000.00", True),
        (test_("amount", ">=", 4000), "3999.99", False),
        (test_("amount", ">=", 4000), "10000", True),  # as texts, « 10000 » would come before « 4000 »
        (test_("amount", ">", 4000), Decimal("4000.00"), False),
        (test_("amount", "<", 0), "-0.01", True),
        (test_("amount", "<=", 0.1), "0.1", True),
        (test_("amount", "==", 12.5), "12.50", True),
        (test_("amount", "!=", 12.5), "12.50", False),
        (test_("amount", "!=", 12.5), "douze", True),
        (test_("amount", ">", 12), "douze", False),
        (test_("amount", ">", 12), float("nan"), False),
        (test_("amount", ">", "12"), "9", False),
        (test_("nature", "==", 1), 1, True),
        (test_("nature", "==", 1), "1", True),
        (test_("nature", "in", [1, 2]), 2, True),
        (test_("nature", "in", [1, 2]), 3, False),
        (test_("matter", "==", "7.1"), "7.10", False),  # two matters of the nomenclature, not one number
        (test_("matter", "starts_with", "7."), "7.5", True),
        (test_("matter", "starts_with", "7."), "1.7", False),
        (test_("day", ">=", "2026-10-01"), "2026-09-30", False),
        (test_("day", ">=", "2026-10-01"), date(2026, 10, 1), True),
        (test_("day", "<", "2026-10-01"), datetime(2026, 9, 30, 23, 0), True),
        (test_("day", ">", "2026-10-01"), "bientôt", False),
        (test_("order_ref", "present"), "BC-1", True),
        (test_("order_ref", "present"), "", False),
    ],
)
def test_a_comparison_reads_numbers_dates_and_texts(written, fact, expected):
    assert holds(written, {written["field"]: fact}) is expected


@pytest.mark.parametrize("op", ["==", "!=", ">", "<=", "in", "starts_with", "present"])
@pytest.mark.parametrize("facts", [{}, {"x": None}, {"x": ""}])
def test_a_missing_field_makes_every_comparison_false(op, facts):
    value = {"in": ("1",), "present": None}.get(op, "1")
    assert Test("x", op, value).holds(facts) is False


def test_all_any_and_not_combine():
    large, small = test_("a", ">=", 10), test_("a", "<", 0)
    assert holds({"any": [large, small]}, {"a": "-1"})
    assert not holds({"all": [large, {"not": small}]}, {"a": "5"})
    assert holds({"all": [large, {"not": small}]}, {"a": "50"})
    assert holds({"not": large}, {})


@pytest.mark.parametrize(
    ("written", "never"),
    [
        ({"all": [test_("a", "==", "x"), test_("a", "==", "y")]}, True),
        ({"all": [test_("a", ">", 10), test_("a", "<", 5)]}, True),
        ({"all": [test_("a", ">", 10), test_("a", "<=", 10)]}, True),
        ({"all": [test_("a", ">=", 10), test_("a", "<=", 10)]}, False),
        ({"all": [test_("a", ">=", 10), test_("b", "<", 5)]}, False),
        ({"all": [test_("a", "present"), {"not": test_("a", "present")}]}, True),
        ({"any": [{"all": [test_("a", ">", 2), test_("a", "<", 1)]}, test_("b", "present")]}, False),
        ({"all": [test_("a", ">=", "2026-05-01"), test_("a", "<", "2026-04-01")]}, True),
    ],
)
def test_a_condition_that_contradicts_itself_is_known(written, never):
    assert read(written, pytest.fail).never is never
