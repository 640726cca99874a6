"""A family says what is asked, what the law checks, and which circuits it cannot accept."""

import copy
import os
import subprocess
import sys
from datetime import date

import pytest

from workflows.circuit import StepKind
from workflows.errors import Refusal
from workflows.family import (
    HOME,
    LAST,
    SIGNATURE_LEVELS,
    _read,
    check_circuit,
    families,
    family,
    normalised,
    place_of,
    problems,
)
from workflows.fields import Field, parse
from workflows.loader import load

TODAY = date(2026, 11, 25)
INVOICE = {
    "number": "FA-2026-0934",
    "issue_date": "2026-11-10",
    "seller": "Menuiserie Roz-Avel",
    "total_ht": "1040.00",
    "total_vat": "208.00",
    "total_ttc": "1248.00",
    "currency": "EUR",
    "received_on": "2026-11-12",
    "proof_of_service": "technique",
}
DELIBERATION = {
    "number": "2026-057",
    "decision_date": "2026-11-19",
    "subject": "Subvention au cercle nautique",
    "matter": "7.5",
    "sitting_secretary": 7,
}


def keys(name, facts, **more):
    return [(problem.key, problem.field) for problem in problems(family(name), facts, today=TODAY, **more)]


def test_the_two_families_of_the_house_are_found():
    assert {"invoice", "deliberation"} <= families().keys()
    with pytest.raises(Refusal, match="family-unknown"):
        family("fable")


@pytest.mark.parametrize("found", families().values(), ids=lambda one: one.name)
def test_every_family_is_whole(found):
    known = {field.key for field in found.fields}
    assert len(known) == len(found.fields)
    # The verb that begins a folder elsewhere says what it is about: nobody types it.
    told = {found.number_field} if found.begun_elsewhere else set()
    assert {found.number_field, found.amount_field} - {None} - told <= known
    assert found.stages
    assert found.rules
    assert found.formats
    assert all(field.label and field.label[0].isupper() for field in found.fields)
    assert found.label != found.plural or found.label == "Flux de paye"  # « flux » has no other plural
    check_circuit(found, found.circuit)


@pytest.mark.parametrize("found", families().values(), ids=lambda one: one.name)
def test_an_empty_draft_is_told_all_that_it_lacks(found):
    lacking = {problem.field for problem in problems(found, {}, today=TODAY)}
    assert lacking == {
        f.key for f in found.fields if f.required_from == "submit" and f.default is None and not f.computed
    }


def test_a_sound_invoice_has_no_problem():
    assert keys("invoice", INVOICE) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": "  "}, ("required", "number")),
        ({"proof_of_service": None}, ("required", "proof_of_service")),
        ({"total_ttc": "1249.00"}, ("totals-disagree", "total_ttc")),
        ({"total_ttc": "beaucoup"}, ("amount-invalid", "total_ttc")),
        ({"total_ttc": "12,345"}, ("amount-invalid", "total_ttc")),
        ({"currency": "NOK"}, ("currency-not-euro", "currency")),
        ({"issue_date": "31/02/2026"}, ("date-invalid", "issue_date")),
        ({"received_on": "2026-11-26"}, ("received-in-the-future", "received_on")),
        ({"seller_siret": "1234"}, ("siret-invalid", "seller_siret")),
        ({"type_code": "999"}, ("choice-invalid", "type_code")),
    ],
)
def test_an_invoice_at_fault_is_told_why(change, problem):
    assert keys("invoice", {**INVOICE, **change}) == [problem]


@pytest.mark.parametrize(
    "change",
    [
        {"total_ht": "-1040.00", "total_vat": "-208.00", "total_ttc": "-1248.00"},
        {"type_code": "381"},
        {"total_ht": None, "total_vat": None},
        {"total_ttc": "1248.01"},
        {"total_ht": "1 040,00", "total_ttc": "1\u202f248,00 €"},
        {"currency": " eur "},
        {"seller_siret": "999 999 998 00019"},
        {"issue_date": "10/11/2026"},
        {"due_date": "", "iban": "", "order_ref": ""},
    ],
)
def test_credit_notes_roundings_and_french_typing_are_accepted(change):
    assert keys("invoice", {**INVOICE, **change}) == []


def test_a_sound_deliberation_has_no_problem_and_is_published_only_with_its_date():
    assert keys("deliberation", DELIBERATION) == []
    assert keys("deliberation", DELIBERATION, at="publish") == [("required", "published_on")]
    assert keys("deliberation", {**DELIBERATION, "published_on": "2026-11-25"}, at="publish") == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": "2026/057/é"}, ("number-not-transmissible", "number")),
        ({"number": "-2026"}, ("number-not-transmissible", "number")),
        ({"number": "1234567890123456"}, ("number-not-transmissible", "number")),
        ({"decision_date": "2026-11-26"}, ("decided-in-the-future", "decision_date")),
        ({"subject": "x" * 500}, ("subject-too-long", "subject")),
        ({"subject": "deux\nlignes"}, ("text-invalid", "subject")),
        ({"nature": 7}, ("nature-invalid", "nature")),
        ({"matter": "7"}, ("matter-invalid", "matter")),
        ({"matter": "subventions"}, ("matter-invalid", "matter")),
        ({"sitting_secretary": "personne"}, ("person-invalid", "sitting_secretary")),
        ({"votes_for": -1}, ("votes-negative", "votes_for")),
        ({"votes_against": "trois"}, ("integer-invalid", "votes_against")),
        ({"published_on": "2026-11-18"}, ("published-before-decision", "published_on")),
        ({"published_on": "2026-11-26"}, ("published-in-the-future", "published_on")),
    ],
)
def test_a_deliberation_at_fault_is_told_why(change, problem):
    assert keys("deliberation", {**DELIBERATION, **change}) == [problem]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2026-057", "2026_057"),
        (" 2026 – 057 ", "2026_057"),
        ("2026_057", "2026_057"),
        ("del/2026.3", "DEL_2026_3"),
    ],
)
def test_the_number_people_type_becomes_the_one_that_is_transmitted(typed, kept):
    facts = {**DELIBERATION, "number": typed}
    assert normalised(family("deliberation"), facts)["number"] == kept
    assert keys("deliberation", facts) == []


def test_facts_are_kept_in_one_form_whatever_was_typed():
    typed = {
        **INVOICE,
        "total_ttc": " 1 248,5 ",
        "received_on": "1/9/2026",
        "order_ref": " ",
        "foreign": {"x": 1},
    }
    kept = normalised(family("invoice"), typed)
    assert kept["total_ttc"] == "1248.50"
    assert kept["received_on"] == "2026-09-01"
    assert "order_ref" not in kept
    assert kept["type_code"] == "380"
    assert kept["foreign"] == {"x": 1}
    assert normalised(family("invoice"), kept) == kept


def test_what_is_not_of_its_type_is_kept_as_typed_for_its_author_to_correct():
    assert normalised(family("invoice"), {"received_on": "hier"})["received_on"] == "hier"
    assert family("invoice").due({"received_on": "hier"}) is None


def test_sentences_name_the_field_and_the_remedy():
    (problem,) = problems(family("invoice"), {**INVOICE, "received_on": "hier"}, today=TODAY)
    assert problem.sentence == "« Date de réception » n’est pas une date. Écrivez-la JJ/MM/AAAA."


@pytest.mark.law("INV-14", "INV-23")
def test_an_invoice_must_leave_the_commune_twenty_days_after_reception_and_a_credit_note_never():
    invoice = family("invoice")
    assert invoice.due(INVOICE) == date(2026, 12, 2)
    assert invoice.due({**INVOICE, "total_ttc": "-1248.00"}) is None
    assert invoice.due({**INVOICE, "type_code": "381"}) is None
    assert invoice.due({}) is None
    assert family("deliberation").due(DELIBERATION) is None


def test_the_title_says_what_is_known():
    invoice = family("invoice")
    assert invoice.title_for(INVOICE) == "Menuiserie Roz-Avel, facture FA-2026-0934"
    assert invoice.title_for({"number": "12"}) == "Facture 12"
    billed = {**INVOICE, "object": "Fenêtres de la médiathèque"}
    assert invoice.title_for(billed) == "Menuiserie Roz-Avel, Fenêtres de la médiathèque"
    assert (
        invoice.title_for({**billed, "type_code": "381"})
        == "Menuiserie Roz-Avel, avoir, Fenêtres de la médiathèque"
    )


@pytest.mark.parametrize("value", [True, [], "1_000", "1e3", "NaN", "١٢", ""])
def test_an_amount_is_digits_and_nothing_else(value):
    with pytest.raises(ValueError, match="« Montant »"):
        parse(Field("amount", "Montant", "amount"), value)


def unlawful(name, change):
    data = copy.deepcopy(family(name).circuit.to_data())
    change({step["key"]: step for step in data["steps"]}, data["steps"])
    with pytest.raises(Refusal, match="circuit-unlawful") as caught:
        check_circuit(family(name), load(data))
    return caught.value.facts["details"]


def without(key):
    return lambda by_key, steps: steps.remove(by_key[key])


def conditional(key, field):
    return lambda by_key, steps: by_key[key].update(when={"field": field, "op": "present"})


def first(key):
    def change(by_key, steps):
        steps.remove(by_key[key])
        steps.insert(0, by_key[key])

    return change


def also_first(key):
    return lambda by_key, steps: steps.insert(0, {**by_key[key], "key": "early"})


def updated(key, **more):
    return lambda by_key, steps: by_key[key].update(more)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("invoice", without("bon_a_payer"), "Il manque l’étape obligatoire « Signature »"),
        ("invoice", without("handover"), "Il manque l’étape obligatoire « Transmission »"),
        (
            "invoice",
            conditional("bon_a_payer", "total_ttc"),
            "« Bon à payer » est obligatoire : retirez sa condition",
        ),
        ("invoice", first("handover"), "à sa place dans l’ordre de la loi"),
        ("invoice", also_first("handover"), "ne peut pas précéder l’étape obligatoire « Signature »"),
        ("invoice", conditional("direction", "colour"), "dépend du champ « colour »"),
        ("invoice", updated("service_done", who=[{"chosen": "seller"}]), "qui est désigné dans « seller »"),
        (
            "pes",
            updated("ordonnateur", when={"field": "slips", "op": ">=", "value": 2}),
            "retirez sa condition",
        ),
        ("pes", conditional("comptable", "slips"), "retirez sa condition"),
        ("deliberation", without("publication"), "Il manque l’étape obligatoire « Publication »"),
        ("deliberation", conditional("prefecture", "matter"), "est obligatoire : retirez sa condition"),
        ("deliberation", first("publication"), "à sa place dans l’ordre de la loi"),
        ("deliberation", updated("prefecture", channel="handover"), "part vers un autre destinataire"),
        ("decision", updated("prefecture", channel="helios"), "part vers un autre destinataire"),
        ("pes", updated("comptable", channel="handover"), "part vers un autre destinataire"),
        ("contract", without("prefecture"), "de tous les actes à transmettre"),
        ("contract", first("prefecture"), "Il manque, après la signature"),
        ("contract", updated("prefecture", channel="handover"), "de tous les actes à transmettre"),
        ("deliberation", updated("signatures", quorum="any"), "doivent signer à la même étape"),
        (
            "deliberation",
            updated("signatures", who=[{"desk": "maire"}], quorum="all"),
            "doivent signer à la même étape",
        ),
        (
            "deliberation",
            updated("signatures", who=[{"desk": "maire"}, {"role": "subject"}]),
            "désigné dans « subject »",
        ),
    ],
)
@pytest.mark.law("DEL-15")
def test_a_circuit_may_not_skip_what_the_law_requires(name, change, words):
    assert words in unlawful(name, change)


def signed_by_two(*conditions):
    """The signature of an invoice, once for each of these conditions on its total."""
    data = copy.deepcopy(family("invoice").circuit.to_data())
    rank = next(n for n, step in enumerate(data["steps"]) if step["key"] == "bon_a_payer")
    data["steps"][rank : rank + 1] = [
        {**data["steps"][rank], "key": f"signature_{n}", "when": when} for n, when in enumerate(conditions)
    ]
    return load(data)


def total(op, value, field="total_ttc"):
    return {"field": field, "op": op, "value": value}


TWICE = {"field": "total_ttc", "op": ">=", "value": 4000}


@pytest.mark.parametrize(
    ("lawful", "conditions"),
    [
        (True, [total("<", 4000), total(">=", 4000)]),
        (True, [total("<", 4000), {"not": total("<", 4000)}]),
        (True, [total("<", 0), {"all": [total(">=", 0), total("<=", 10)]}, total(">", 10)]),
        (True, [{"any": [total("<", 5), total(">", 7)]}, {"all": [total(">=", 5), total("<=", 7)]}]),
        (True, [total("==", "381", "type_code"), {"not": total("==", "381", "type_code")}, TWICE]),
        (False, [total("<", 4000), total(">", 4000)]),  # nobody signs 4 000 €
        (False, [total("<", 3999.99), total(">=", 4000)]),  # nor a cent less
        (False, [total("<", 4000), total(">=", 5000)]),
        (False, [TWICE, TWICE]),
        (False, [total("<", 4000, "total_ht"), total(">=", 4000, "total_ht")]),  # it may be missing
        (False, [total("starts_with", "4"), {"not": total("starts_with", "4")}]),  # true, and not proven
        (False, [total("<", "2026-06-01", "due_date"), total(">=", "2026-06-01", "due_date")]),
    ],
)
def test_two_who_sign_by_amount_keep_the_stage_where_no_amount_is_left_out(lawful, conditions):
    circuit = signed_by_two(*conditions)
    if lawful:
        check_circuit(family("invoice"), circuit)
        for amount in ("-1.00", "5.00", "3999.99", "4000.00", "9000.00"):
            facts = {"total_ttc": amount, "type_code": "380"}
            assert any(step.kind is StepKind.SIGN for step in circuit.applicable(facts)), amount
    else:
        with pytest.raises(Refusal, match="circuit-unlawful") as caught:
            check_circuit(family("invoice"), circuit)
        assert (
            "ou ajoutez l’étape qui prend tous les autres cas (sur un montant, un nombre, une date ou un choix obligatoire "
            "dès l’envoi)"
        ) in caught.value.facts["details"]


ACTS = sorted(one.name for one in families().values() if one.minimum_signature and one.paper_signature)


@pytest.mark.law("ACT-02")
@pytest.mark.parametrize("name", ACTS)
def test_no_act_goes_without_a_signature(name):
    signed = next(step.key for step in family(name).circuit.steps if step.kind is StepKind.SIGN)
    assert "Signature" in unlawful(name, without(signed))
    assert "retirez sa condition" in unlawful(name, conditional(signed, "subject"))


def test_a_local_circuit_may_add_steps_and_change_its_threshold():
    data = copy.deepcopy(family("invoice").circuit.to_data())
    data["steps"][2]["when"]["value"] = 1500
    data["steps"].insert(1, {"key": "more", "label": "Relecture", "kind": "visa", "who": {"superior": 1}})
    check_circuit(family("invoice"), load(data))


def test_a_family_says_its_signature_level_and_none_that_does_not_exist(tmp_path):
    home = tmp_path / "deliberation"
    home.mkdir()
    source = (HOME / "deliberation" / "family.yaml").read_text(encoding="utf-8")
    for level in SIGNATURE_LEVELS:
        (home / "family.yaml").write_text(f"signature_level: {level}\n{source}", encoding="utf-8")
        assert _read(home).signature_level == level
    (home / "family.yaml").write_text(f"signature_level: B-TLA\n{source}", encoding="utf-8")
    with pytest.raises(ValueError, match="B-TLA"):
        _read(home)


def test_families_are_in_one_order_by_what_a_town_hall_deposits_most():
    ranks = [found.rank for found in families().values()]
    assert ranks == sorted(set(ranks)), "two families have one rank, or are out of their order"
    assert max(ranks) < LAST, "a family of the house declares its rank"
    assert list(families())[:4] == ["invoice", "purchase_order", "deliberation", "regulatory_decree"]
    assert [place_of(name) for name in (*families(), "gone")] == list(range(len(ranks) + 1))


def test_the_families_are_listed_without_any_setting(tmp_path):
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HOME.parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "workflows.families"], cwd=tmp_path, env=known, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(families())


def test_a_register_without_a_field_for_its_numbers_is_refused(tmp_path):
    home = tmp_path / "other"
    home.mkdir()
    written = (HOME / "other" / "family.yaml").read_text(encoding="utf-8")
    for missing in ("", "number_field: number\n"):
        changed = written.replace("number_field: reference\n", missing) + 'register: "AD{year}_{rank:03}"\n'
        (home / "family.yaml").write_text(changed, encoding="utf-8")
        with pytest.raises(ValueError, match="none of its fields"):
            _read(home)
