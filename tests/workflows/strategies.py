"""Random circuits and folders, written as an administrator could write them and read by the real loader."""

from typing import Any

from hypothesis import strategies as st

from workflows.circuit import Circuit
from workflows.loader import load

DESKS = ("maire", "direction", "finances", "secretariat", "conseil")
_TESTS = st.sampled_from(
    [
        {"field": "amount", "op": ">=", "value": 4000},
        {"field": "amount", "op": "<", "value": 0},
        {"field": "matter", "op": "starts_with", "value": "7."},
        {"field": "matter", "op": "in", "value": ["1.1", "7.5"]},
        {"field": "order_ref", "op": "present"},
    ]
)
conditions = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        inner.map(lambda part: {"not": part}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts}),
    ),
    max_leaves=3,
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(["-12.00", "120.00", "4000.00", "98000.10"]),
        "matter": st.sampled_from(["1.1", "7.5", "9.1"]),
        "order_ref": st.just("BC-1"),
    },
)


@st.composite
def steps(draw: Any, rank: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["visa", "sign", "visa", "sign", "publish", "seal", "transmit"]))
    step: dict[str, Any] = {"key": f"step_{rank}", "label": f"Étape {rank}", "kind": kind}
    if draw(st.integers(0, 3)) == 3:
        step["when"] = draw(conditions)
    if kind == "transmit":
        step["channel"] = "actes"
    if kind in {"seal", "transmit"}:
        return step
    who = draw(st.lists(st.sampled_from(DESKS), unique=True, min_size=1, max_size=4))
    step["who"] = [{"desk": desk} for desk in who]
    step["quorum"] = draw(st.one_of(st.sampled_from(["all", "any"]), st.integers(1, len(who))))
    return step


@st.composite
def circuits(draw: Any) -> Circuit:
    written = [draw(steps(rank)) for rank in range(draw(st.integers(1, 6)))]
    if draw(st.booleans()):
        archive = {
            "key": "archive",
            "label": "Archivage",
            "kind": "archive",
            "who": [{"desk": "secretariat"}],
        }
        written.append(archive)
    return load({"key": "random", "label": "Circuit au hasard", "steps": written})
