"""A visa that nobody gives is passed by who administers, unless the law asks for it, or nobody would have decided."""

import pytest

from workflows.circuit import StepKind
from workflows.engine import Standing
from workflows.errors import Refusal
from workflows.family import family, imposed
from workflows.loader import load
from workflows.passing import Passer, locked_by, pass_over, refuse_passed

ADMINISTRATOR = Passer(9)
OTHER = family("other")


def circuit(*kinds: str):
    steps = [
        {
            "key": f"s{n}",
            "label": f"Étape {n}",
            "kind": kind,
            **({} if kind == "seal" else {"who": [{"desk": f"d{n}"}], "quorum": "any"}),
        }
        for n, kind in enumerate(kinds, start=1)
    ]
    return load({"key": "essai", "label": "Essai", "steps": steps})


def why(written, place, *, who=ADMINISTRATOR, acted=(), decided=(), passed=(), law=OTHER):
    standing = Standing(place, {}, ("desk:x",), dict(acted))
    try:
        refuse_passed(law, written, standing, who, decided=decided, passed=passed)
    except Refusal as refusal:
        return refusal.key
    return ""


@pytest.mark.parametrize(
    ("kinds", "place", "told", "key"),
    [
        (("visa", "sign"), "s1", {}, ""),
        (("visa", "sign"), "s2", {}, "passing-fixed"),
        (("visa", "seal"), "s1", {}, "passing-alone"),
        (("visa", "publish"), "s1", {}, "passing-alone"),
        (("visa",), "s1", {}, "passing-alone"),
        (("visa", "visa"), "s1", {}, ""),
        (("visa", "visa"), "s2", {"passed": {"s1"}}, "passing-alone"),
        (("visa", "visa"), "s2", {"decided": {"s1"}}, ""),
        (("opinion", "seal"), "s1", {}, ""),
        (("visa", "sign"), "s1", {"who": Passer(9, depositor=True)}, "passing-own"),
        (("visa", "sign"), "s1", {"who": Passer(9, in_turn=True)}, "passing-yours"),
        (("visa", "sign"), "s1", {"acted": {"desk:d0": 9}}, "passing-acted"),
    ],
)
def test_what_may_be_passed_and_by_whom(kinds, place, told, key):
    written = circuit(*kinds)
    assert why(written, place, **told) == key
    if not key:
        moved = pass_over(written, Standing(place, {}, (f"desk:d{place[1:]}",)))
        assert (moved.left, moved.closed) == (place, True)


def test_a_visa_that_a_family_cannot_do_without_is_locked():
    laws = [family(name) for name in ("invoice", "pes", "deliberation", "decision", "contract", "budget")]
    visas = [(law, step) for law in laws for step in law.circuit.steps if step.kind is StepKind.VISA]
    found = {(law.name, step.key): why(law.circuit, step.key, decided={"x"}, law=law) for law, step in visas}
    asked = {(law.name, step.key): step.key in imposed(law, law.circuit) for law, step in visas}
    assert found == {key: "passing-locked" if locked else "" for key, locked in asked.items()}
    assert locked_by("") == "le type de ce dossier"
    assert locked_by("CGCT L2131-1") == "la loi (CGCT L2131-1)"
