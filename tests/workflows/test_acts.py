"""What the law asks of each kind of act: what acts share is checked for all, and each family adds its own."""

import copy
from datetime import date

import pytest

from workflows.acts.rules import transmitted_once_signed
from workflows.bases import with_base
from workflows.circuit import StepKind
from workflows.errors import Refusal
from workflows.families.contract.rules import notified_after_transmission
from workflows.families.decision.rules import within_the_ceiling_of_the_law
from workflows.families.deliberation.rules import signed_by_mayor_and_secretary
from workflows.family import check_circuit, families, family, imposed, problems
from workflows.loader import load
from workflows.mandates import Act, Kind, Mandate, check

TODAY = date(2026, 11, 25)
SHARED = {"number": "2026-057", "decision_date": "2026-11-19", "subject": "Quai du port", "matter": "7.1"}
OWN = {
    "deliberation": {"sitting_secretary": 7},
    "regulatory_decree": {"matter": "6.1"},
    "individual_decree": {"matter": "2.2", "addressee": "Mona Kergoat"},
    "decision": {"delegation_item": "4", "delegated_by": "2026-012"},
    "contract": {"contract_kind": "procurement", "other_party": "Menuiserie Roz-Avel"},
    "budget": {"budget_kind": "Budget primitif", "fiscal_year": "2027", "siret": "21290999800017"},
    "other_act": {"matter": "9.1"},
}
NATURES = {
    "deliberation": 1,
    "regulatory_decree": 2,
    "individual_decree": 3,
    "decision": 1,
    "contract": 4,
    "budget": 5,
    "other_act": 6,
}


def keys(name, **facts):
    sound = {**SHARED, **OWN[name], **facts}
    return [(problem.key, problem.field) for problem in problems(family(name), sound, today=TODAY)]


@pytest.mark.parametrize("name", OWN)
def test_a_sound_act_has_no_problem_and_is_of_its_nature(name):
    assert keys(name) == []
    assert family(name).field("nature").default == NATURES[name]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": "-2026"}, ("number-not-transmissible", "number")),
        ({"subject": "x" * 500}, ("subject-too-long", "subject")),
        ({"decision_date": "2026-11-26"}, ("decided-in-the-future", "decision_date")),
        ({"published_on": "2026-11-18"}, ("published-before-decision", "published_on")),
    ],
)
def test_what_every_act_must_respect_holds_for_each(name, change, problem):
    assert keys(name, **change) == [problem]


@pytest.mark.parametrize(
    ("name", "facts", "problem"),
    [
        ("regulatory_decree", {"matter": "6.4", "transmitted": "no"}, ("transmission-due", "transmitted")),
        ("individual_decree", {"subject": "mona kergoat"}, ("subject-is-a-name", "subject")),
        ("decision", {"amount": "90000.01", "ceiling": "90000"}, ("above-ceiling", "amount")),
        ("decision", {"ceiling": "90000"}, ("amount-unknown", "amount")),
        ("decision", {"delegation_item": "10", "amount": "4600.01"}, ("above-ceiling", "amount")),
        ("decision", {"delegation_item": "3", "amount": "100"}, ("ceiling-missing", "ceiling")),
        ("decision", {"delegation_item": "32"}, ("choice-invalid", "delegation_item")),
        ("contract", {"transmitted": "no", "amount": "216000"}, ("transmission-due", "transmitted")),
        ("budget", {"nature": "1"}, ("not-budgetary", "matter")),
        ("budget", {"matter": "7.10"}, ("not-budgetary", "matter")),
        ("other_act", {"nature": "5"}, ("nature-of-a-budget", "nature")),
    ],
)
@pytest.mark.law("TRA-04")
def test_each_family_is_told_what_it_alone_breaks(name, facts, problem):
    assert keys(name, **facts) == [problem]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("regulatory_decree", {"matter": "6.1.2", "transmitted": "no"}),
        ("decision", {"amount": "90000.00", "ceiling": "90000"}),
        ("decision", {"delegation_item": "10", "amount": "4600"}),
        ("contract", {"transmitted": "no", "amount": "215999.99"}),
        ("contract", {"transmitted": "no", "amount": "220000", "decision_date": "2025-12-31"}),
        ("contract", {"transmitted": "no", "amount": "300000", "contract_kind": "convention"}),
        ("budget", {"matter": "7.1.2"}),
    ],
)
def test_the_bounds_themselves_are_within(name, facts):
    assert keys(name, **facts) == []


@pytest.mark.law("SIG-02", "SIG-04")
def test_a_contract_is_signed_on_a_qualified_certificate_and_the_other_acts_by_an_advanced_signature():
    wanted = {name: family(name).minimum_signature for name in OWN}
    assert wanted == {**dict.fromkeys(OWN, "advanced"), "contract": "advanced_qualified"}


def test_a_decision_above_the_ceiling_of_its_signer_is_refused_to_him():
    mandate = Mandate(
        1,
        7,
        Kind.FUNCTION,
        "l’adjoint aux travaux",
        date(2026, 1, 1),
        families=("decision",),
        ceiling_cents=100_000,
    )
    assert family("decision").amount_field == "amount"
    check(mandate, Act("decision", "1.1", 100_000, priced=True), TODAY)
    for amount in (100_001, None):
        with pytest.raises(Exception, match=r"mandate-(above-ceiling|amount-unknown)"):
            check(mandate, Act("decision", "1.1", amount, priced=True), TODAY)


def test_movable_goods_are_sold_by_decision_up_to_the_ceiling_of_the_law_whatever_the_council_wrote():
    sold = {"delegation_item": "10", "amount": "4600.00", "ceiling": "90000"}
    assert within_the_ceiling_of_the_law(sold, TODAY) is None
    assert within_the_ceiling_of_the_law({**sold, "amount": "4600.01"}, TODAY).key == "above-ceiling"


def test_a_deliberation_is_signed_by_the_mayor_and_the_secretary_at_one_step_that_nobody_skips():
    data = family("deliberation").circuit.to_data()
    assert signed_by_mayor_and_secretary(load(data)) is None
    (signed,) = [one for one in data["steps"] if one["kind"] == "sign"]
    for change in (
        {"who": {"desk": "maire"}},
        {"quorum": "any"},
        {"when": {"field": "matter", "op": "==", "value": "7.1"}},
    ):
        changed = {**data, "steps": [{**one, **change} if one is signed else one for one in data["steps"]]}
        assert "à la même étape" in str(signed_by_mayor_and_secretary(load(changed)))


def test_a_family_changes_a_field_of_its_base_without_writing_it_again():
    own = {
        "base": "acts",
        "fields": [{"key": "nature", "default": 2}, {"key": "more", "type": "text"}],
        "rules": ["own"],
    }
    laid, rules = with_base(own)
    fields = {field["key"]: field for field in laid["fields"]}
    assert (fields["nature"]["default"], fields["nature"]["label"]) == (2, "Nature de l’acte")
    assert list(fields)[-2:] == ["more", "published_on"]
    assert (laid["rules"][0], laid["rules"][-1]) == ("number_is_transmissible", "own")
    assert rules.NORMALISE["number"]("2026-057") == "2026_057"


def test_every_act_that_the_state_receives_is_of_the_base():
    assert {name for name, one in families().items() if one.field("nature")} == set(OWN)


@pytest.mark.law("TRA-05", "TRA-06", "TRA-07")
def test_the_law_gives_fifteen_days_to_transmit_some_acts_and_the_commune_two_working_ones_to_the_others():
    limits = {name: family(name).transmit_within for name in OWN}
    given = {name: limit.after(date(2026, 11, 25)) for name, limit in limits.items() if limit}
    assert given == dict.fromkeys(("contract", "individual_decree"), date(2026, 12, 10))
    for name in set(OWN) - set(given):
        (step,) = [one for one in family(name).circuit.steps if one.kind is StepKind.TRANSMIT]
        assert step.days == 2, name


@pytest.mark.law("TRA-06")
@pytest.mark.parametrize(
    "change",
    [
        lambda steps: steps[-1].update(when=None) or steps.insert(0, steps.pop()),
        lambda steps: steps.pop(-2),
        lambda steps: steps[-2].update(when={"field": "amount", "op": ">", "value": 1}),
    ],
)
def test_no_circuit_notifies_a_contract_before_its_transmission(change):
    data = copy.deepcopy(family("contract").circuit.to_data())
    change(data["steps"])
    assert notified_after_transmission(load(data))
    with pytest.raises(Refusal, match="circuit-unlawful") as refused:
        check_circuit(family("contract"), load(data))
    assert "un contrat ne se notifie qu’ensuite" in refused.value.facts["details"]


@pytest.mark.law("TRA-06")
@pytest.mark.parametrize(
    "change",
    [
        lambda steps: steps.pop(-1),
        lambda steps: steps[-1].update(channel="handover"),
        lambda steps: steps[-1].update(when={"field": "amount", "op": ">", "value": 1}),
        lambda steps: steps.insert(0, steps.pop()),
    ],
)
def test_a_contract_that_no_step_notifies_is_transmitted_all_the_same(change):
    data = copy.deepcopy(family("contract").circuit.to_data())
    data["steps"].pop()
    check_circuit(family("contract"), load(data))
    change(data["steps"])
    assert transmitted_once_signed(load(data))
    with pytest.raises(Refusal, match="circuit-unlawful"):
        check_circuit(family("contract"), load(data))


ORDERS = ("individual_decree", "regulatory_decree")


@pytest.mark.law("TRA-03")
@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize(
    "change",
    [
        lambda steps: steps.pop(2),
        lambda steps: steps[2].update(channel="handover"),
        lambda steps: steps[2].update(when={"field": "transmitted", "op": "==", "value": "no"}),
        lambda steps: steps[2].update(when={"field": "matter", "op": "starts_with", "value": "2"}),
        lambda steps: steps.insert(0, steps.pop(2)),
    ],
)
def test_no_circuit_of_an_order_leaves_out_the_transmission_of_those_that_are_to_be(name, change):
    data = copy.deepcopy(family(name).circuit.to_data())
    assert data["steps"][2]["kind"] == "transmit"
    change(data["steps"])
    with pytest.raises(Refusal, match="circuit-unlawful") as refused:
        check_circuit(family(name), load(data))
    assert "la transmission à la préfecture de tous les actes à transmettre" in refused.value.facts["details"]


@pytest.mark.law("TRA-03")
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_may_be_transmitted_whatever_is_said_of_it_and_before_or_after_it_is_made_known(name):
    data = copy.deepcopy(family(name).circuit.to_data())
    del data["steps"][2]["when"]
    check_circuit(family(name), load(data))
    data["steps"].append(data["steps"].pop(2))
    check_circuit(family(name), load(data))


@pytest.mark.law("TRA-03")
@pytest.mark.parametrize("name", ORDERS)
def test_the_transmission_of_an_order_is_imposed_by_its_article(name):
    found = imposed(family(name), family(name).circuit)
    assert found["prefecture"] == "CGCT L2131-1 et L2131-2"
