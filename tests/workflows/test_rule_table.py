"""Which circuit a table of rules gives: borders, disputed values, and what is proven of a row that no folder reaches."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.circuit import Circuit, Quorum, Step, StepKind, Who, WhoKind
from workflows.condition import AllOf, AnyOf, Condition, Disputed, Test
from workflows.emitting import BRANCH, EMITTER, FIELDS, deposited
from workflows.fields import Field
from workflows.joining import contains, joined
from workflows.rule_table import Reach, Row, Table, choose, reach

FIELDS_OF = {
    one.key: one
    for one in (
        *FIELDS,
        Field("total", "Montant", "amount", "submit"),
        Field("count", "Nombre", "integer"),
        Field("kind", "Nature", "choice", "submit", choices={"a": "A", "b": "B", "c": "C"}),
        Field("object", "Objet", "text"),
    )
}
PATHS = [("mairie",), ("technique", "mairie"), ("voirie", "technique", "mairie"), ("paye",)]


def above(amount: float, circuit: str = "long", key: str = "") -> Row:
    return Row(key or f"r{amount}", Test("total", ">=", Decimal(str(amount))), circuit)


def rules(*rows: Row, otherwise: str = "short") -> Table:
    return Table(rows, otherwise)


def visa(key: str, *desks: str, quorum: str | int = "any", when: Condition | None = None) -> Step:
    who = tuple(Who(WhoKind.DESK, one) for one in desks)
    return Step(key, key, StepKind.VISA, who, Quorum(quorum), when)


def circuit(*steps: Step) -> Circuit:
    return Circuit("c", "C", steps)


def named(name: str) -> Circuit:
    """Each contains the one before."""
    return circuit(
        *(
            visa(one, one)
            for one in ("short", "middle", "long")[: ["short", "middle", "long"].index(name) + 1]
        )
    )


@pytest.mark.parametrize(
    ("total", "circuit"),
    [("3999.99", "short"), ("4000.00", "middle"), ("39999.99", "middle"), ("40000", "long"), (None, "short")],
)
def test_the_first_row_that_holds_gives_the_circuit_at_the_very_border(
    total: str | None, circuit: str
) -> None:
    table = rules(above(40000), above(4000, "middle"))
    assert choose(table, {"total": total}, named).circuit == circuit


def test_the_desk_that_deposits_and_its_branch_are_facts() -> None:
    table = rules(
        Row("one", Test(EMITTER, "==", "voirie"), "long"),
        Row("two", Test(BRANCH, "==", "technique"), "middle"),
    )
    circuits = [choose(table, deposited({}, path), named).circuit for path in PATHS]
    assert circuits == ["short", "middle", "long", "short"]
    outside = rules(Row("one", Test(BRANCH, "!=", "technique"), "long"))
    assert [choose(outside, deposited({}, path), named).circuit for path in PATHS] == [
        "long",
        "short",
        "short",
        "long",
    ]


@pytest.mark.parametrize(("stands", "read"), [("3000", "50000"), ("50000", "3000")])
@pytest.mark.parametrize("downwards", [True, False])
def test_a_correction_never_takes_the_lighter_circuit(stands: str, read: str, downwards: bool) -> None:
    """Whichever of the two values was typed, and whether the heavy row comes first or last."""
    table = (
        rules(above(4000))
        if downwards
        else rules(Row("r", Test("total", "<", Decimal(4000)), "short"), otherwise="long")
    )
    chosen = choose(table, Disputed({"total": stands}, {"total": (read,)}), named)
    assert chosen.circuit == "long"
    assert chosen.against


def test_what_is_disputed_and_changes_nothing_is_not_told() -> None:
    table = rules(above(4000))
    chosen = choose(table, Disputed({"total": "5000"}, {"total": ("6000",)}), named)
    assert (chosen.circuit, chosen.rank, chosen.against) == ("long", 0, ())


def test_too_many_disputes_to_be_tried_take_the_heaviest_of_all() -> None:
    keys = [f"f{n}" for n in range(12)]
    table = rules(Row("r", AllOf(tuple(Test(key, "==", "x") for key in keys)), "long"))
    facts = Disputed(dict.fromkeys(keys, "y"), dict.fromkeys(keys, ("z",)))
    assert choose(table, facts, named).circuit == "long"


def signature(key: str, *desks: str) -> Step:
    return Step(key, key, StepKind.SIGN, tuple(Who(WhoKind.DESK, one) for one in desks), Quorum("any"))


NOTHING: Mapping[str, Any] = {}


@pytest.mark.parametrize(
    ("heavy", "light", "holds"),
    [
        (circuit(visa("a", "x"), visa("b", "y")), circuit(visa("z", "y")), True),
        (circuit(visa("a", "x", "y", quorum="all")), circuit(visa("a", "x")), True),
        (circuit(visa("a", "x", "y")), circuit(visa("a", "x")), False),  # y alone ends it
        (circuit(visa("a", "x")), circuit(visa("a", "x", "y")), True),
        (
            circuit(visa("a", "x", "y", "z", quorum=2)),
            circuit(visa("a", "x", "y")),
            True,
        ),  # one of both at least
        (circuit(visa("a", "x", "y", "z", quorum=2)), circuit(visa("a", "x", "y", quorum="all")), False),
        (circuit(visa("a", "x")), circuit(visa("a", "x"), visa("b", "x")), False),  # twice is not once
        (circuit(signature("s", "m")), circuit(visa("a", "m")), False),
        (
            circuit(*(visa(one, one) for one in "abcd")),
            circuit(visa("f", "finances"), visa("d", "direction")),
            False,
        ),
    ],
)
def test_a_circuit_contains_another_by_who_acts_and_how_many_never_by_a_count(
    heavy: Circuit, light: Circuit, holds: bool
) -> None:
    assert contains(heavy, light, NOTHING) is holds
    assert contains(heavy, heavy, NOTHING)


def test_what_contains_another_does_so_whichever_value_is_the_right_one() -> None:
    both = Disputed({"total": "5000"}, {"total": ("10",)})
    conditional = circuit(visa("a", "x", when=Test("total", ">=", Decimal(4000))))
    assert not contains(
        conditional, circuit(visa("a", "x")), both
    )  # were it ruled to be ten, nobody would look
    assert contains(circuit(visa("a", "x")), conditional, both)


def test_of_two_that_do_not_contain_one_another_both_are_followed() -> None:
    """Four visas of services never outweigh finances and direction."""
    four = circuit(*(visa(one, one) for one in "abcd"), signature("s", "maire"))
    two = circuit(visa("f", "finances"), visa("d", "direction"), signature("s", "maire"))
    ways = {"short": two, "long": four}
    table, disputed = rules(above(4000)), Disputed({"total": "5000"}, {"total": ("10",)})
    chosen = choose(table, disputed, ways.__getitem__)
    assert (chosen.rank, chosen.circuit, chosen.against, chosen.joint) == (0, "long", (1,), ("long", "short"))
    made = joined([ways[name] for name in chosen.joint], disputed)
    assert [step.key for step in made.steps] == ["f", "d_2", "a", "b", "c", "d", "s"]
    assert contains(made, four, disputed)
    assert contains(made, two, disputed)


def test_a_visa_that_both_ask_is_asked_once_and_tells_whom_either_tells() -> None:
    """But not where the one that stands would tell of folders of which the other tells nobody."""
    large = Test("total", ">=", Decimal(4000))
    disputed = Disputed({"total": "5000"}, {"total": ("10",)})
    first = circuit(replace(visa("a", "x"), told=("paye",)), visa("b", "y"))
    other = circuit(replace(visa("a", "x"), told=("voirie", "paye")), visa("c", "z"))
    made = joined([first, other], disputed)
    assert [(step.key, step.told) for step in made.steps] == [
        ("a", ("paye", "voirie")),
        ("c", ()),
        ("b", ()),
    ]
    stronger = circuit(replace(visa("a", "x", "y", quorum="all"), told=("voirie",)))
    (step,) = joined([circuit(replace(visa("k", "x"), told=("paye",))), stronger], disputed).steps
    assert (step.key, len(step.who), step.told) == ("k", 2, ("paye", "voirie"))
    sometimes = circuit(replace(visa("a", "x", when=large), told=("voirie",)))
    made = joined([first, sometimes], disputed)
    assert sorted(step.told for step in made.steps) == [(), ("paye",), ("voirie",)]


def seen(table: Table, rank: int) -> Reach:
    return reach(table, rank, FIELDS_OF, PATHS)


def test_a_row_that_another_hides_names_it() -> None:
    assert seen(rules(above(4000, key="a"), above(10000, key="b")), 1) == Reach(True, (0,))
    assert seen(rules(above(10000, key="a"), above(4000, key="b")), 1) == Reach()
    few = Row("a", Test("kind", "in", ("a", "b")), "long")
    assert seen(rules(few, Row("b", Test("kind", "==", "b"), "short")), 1) == Reach(True, (0,))
    assert seen(rules(few, Row("b", Test("kind", "!=", "b"), "short")), 1) == Reach()


def test_a_row_that_several_hide_together_names_them() -> None:
    low, high = Row("a", Test("total", "<", Decimal(100)), "long"), above(100, key="b")
    assert seen(rules(low, high, Row("c", Test("kind", "==", "a"), "short")), 2) == Reach(True, (0, 1))
    gap = above(100.01, key="b")
    assert seen(rules(low, gap, Row("c", Test("kind", "==", "a"), "short")), 2) == Reach()


def test_a_row_whose_conditions_exclude_each_other_is_never_reached() -> None:
    both = AllOf((Test("kind", "==", "a"), Test("kind", "==", "b")))
    assert seen(rules(Row("a", both, "long")), 0) == Reach(never=True)
    either = AnyOf((Test("kind", "==", "a"), Test("kind", "==", "b")))
    assert seen(rules(Row("a", either, "long")), 0) == Reach()


def test_a_fact_that_may_be_missing_leaves_a_case() -> None:
    low, high = (
        Row("a", Test("count", "<", Decimal(5)), "long"),
        Row("b", Test("count", ">=", Decimal(5)), "long"),
    )
    assert seen(rules(low, high, above(0, "short", "c")), 2) == Reach()
    words = Row("a", Test("object", "present"), "long")
    assert seen(rules(words, Row("b", Test("object", "starts_with", "Rue"), "short")), 1) == Reach(True, (0,))
    begun = Row("a", Test("object", "starts_with", "Ru"), "long")
    assert seen(rules(begun, Row("b", Test("object", "==", "Rue"), "short")), 1) == Reach(True, (0,))
    assert seen(rules(begun, Row("b", Test("object", "!=", "Rue"), "short")), 1) == Reach()


def test_a_desk_under_a_branch_is_hidden_by_it_and_a_branch_not_by_all_its_desks_of_today() -> None:
    branch = Row("a", Test(BRANCH, "==", "technique"), "long")
    desk = Row("b", Test(EMITTER, "==", "voirie"), "short")
    assert seen(rules(branch, desk), 1) == Reach(True, (0,))
    assert seen(rules(desk, branch), 1) == Reach()
    every = Row("a", Test(EMITTER, "in", ("technique", "voirie")), "long")
    assert seen(rules(every, Row("b", Test(BRANCH, "==", "technique"), "short")), 1) == Reach()


def test_what_is_too_wide_or_unknown_is_not_judged() -> None:
    assert not seen(rules(Row("a", Test("gone", "==", "x"), "long")), 0).judged
    wide = AnyOf(tuple(Test("total", "==", Decimal(n)) for n in range(20)))
    more = AnyOf(tuple(Test("object", "==", str(n)) for n in range(20)))
    days = AnyOf(tuple(Test("count", "==", Decimal(n)) for n in range(20)))
    assert not seen(rules(Row("a", AllOf((wide, more, days)), "long")), 0).judged


_tests = st.one_of(
    st.builds(
        Test,
        st.just("total"),
        st.sampled_from([">=", ">", "<", "<=", "==", "!="]),
        st.sampled_from([Decimal(0), Decimal(10), Decimal("10.01"), Decimal(40)]),
    ),
    st.builds(Test, st.just("kind"), st.sampled_from(["==", "!="]), st.sampled_from("abc")),
    st.builds(Test, st.just(EMITTER), st.sampled_from(["==", "!="]), st.sampled_from(["voirie", "paye"])),
    st.builds(Test, st.just(BRANCH), st.sampled_from(["==", "!="]), st.sampled_from(["mairie", "technique"])),
)
_conditions = st.one_of(
    _tests,
    st.lists(_tests, min_size=2, max_size=3).map(lambda several: AllOf(tuple(several))),
    st.lists(_tests, min_size=2, max_size=3).map(lambda several: AnyOf(tuple(several))),
)
_tables = st.lists(_conditions, min_size=1, max_size=4).map(
    lambda several: Table(
        tuple(Row(f"r{n}", one, ("short", "middle", "long")[n % 3]) for n, one in enumerate(several)), "short"
    )
)
_cases = st.tuples(
    st.decimals(min_value=-5, max_value=50, places=2), st.sampled_from("abc"), st.sampled_from(PATHS)
)


@given(table=_tables, cases=st.lists(_cases, min_size=1, max_size=20))
def test_no_folder_takes_a_row_that_is_said_never_to_be_reached(
    table: Table, cases: list[tuple[Decimal, str, tuple[str, ...]]]
) -> None:
    unreached = {rank for rank in range(len(table.rows)) if seen(table, rank).never}
    for total, kind, path in cases:
        facts = deposited({"total": str(total), "kind": kind}, path)
        chosen = choose(table, facts, named)
        assert chosen.rank == table.first(facts)
        assert chosen.rank not in unreached


@given(table=_tables, stands=_cases, read=st.decimals(min_value=-5, max_value=50, places=2))
def test_what_is_disputed_never_weighs_less_than_either_value_alone(
    table: Table, stands: tuple[Decimal, str, tuple[str, ...]], read: Decimal
) -> None:
    total, kind, path = stands
    both = Disputed({"total": str(total), "kind": kind}, {"total": (str(read),)})
    chosen = choose(table, deposited(both, path), named).circuit
    alone = [
        choose(table, deposited({"total": str(one), "kind": kind}, path), named).circuit
        for one in (total, read)
    ]
    assert all(contains(named(chosen), named(one), both) for one in alone)


_steps = st.builds(
    lambda kind, desks, quorum, when: Step(
        "k",
        "K",
        kind,
        tuple(Who(WhoKind.DESK, one) for one in desks),
        Quorum(min(quorum, len(desks))),
        when,
    ),
    st.sampled_from([StepKind.VISA, StepKind.SIGN]),
    st.lists(st.sampled_from("xyzt"), unique=True, min_size=1, max_size=3),
    st.integers(1, 3),
    st.one_of(st.none(), st.sampled_from([Test("total", ">=", Decimal(10)), Test("kind", "==", "a")])),
)
_circuits = st.lists(_steps, min_size=1, max_size=4).map(
    lambda several: circuit(*(replace(one, key=f"k{rank}") for rank, one in enumerate(several)))
)


@given(several=st.lists(_circuits, min_size=2, max_size=3), total=st.sampled_from(["5", "10"]))
def test_what_is_joined_contains_each_of_its_circuits_whatever_is_ruled(
    several: list[Circuit], total: str
) -> None:
    facts = Disputed({"total": total, "kind": "a"}, {"total": ("20",), "kind": ("b",)})
    made = joined(several, facts)
    assert len({step.key for step in made.steps}) == len(made.steps)
    for one in several:
        assert contains(made, one, facts)
        assert contains(made, one, {"total": total, "kind": "b"})
