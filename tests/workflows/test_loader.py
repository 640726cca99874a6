"""One schema for YAML and JSON, and every fault told at once, in French."""

import json

import pytest

from workflows.errors import Refusal
from workflows.loader import load, load_yaml

VISA = {"key": "review", "label": "Relecture", "kind": "visa", "who": {"desk": "direction"}}
SIGN = {"key": "signature", "label": "Signature", "kind": "sign", "who": {"desk": "maire"}}
SEND = {"key": "sending", "label": "Envoi", "kind": "transmit", "channel": "actes"}


def circuit(*steps, **more):
    return {"key": "demo", "label": "Démonstration", "steps": list(steps), **more}


def faults_of(data):
    with pytest.raises(Refusal, match="circuit-invalid") as caught:
        load_yaml(data) if isinstance(data, str) else load(data)
    assert all(fault.endswith(".") and "'" not in fault for fault in caught.value.facts["faults"])
    return caught.value.facts["faults"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "ensemble de champs"),
        (circuit(VISA, colour="red"), "« colour » est inconnu"),
        ({"label": "Sans clé", "steps": [VISA]}, "« key » doit être un nom"),
        (circuit(VISA, label=" "), "« label » doit être un intitulé"),
        (circuit(VISA, label="deux\nlignes"), "« label » doit être un intitulé"),
        (circuit(), "au moins une étape"),
        ({"key": "demo", "label": "Démo"}, "au moins une étape"),
        (circuit(*[{**VISA, "key": f"s{n}"} for n in range(41)]), "41 étapes, 40 au plus"),
        (circuit("visa"), "Étape 1 : elle doit être"),
        (circuit({**VISA, "color": 1}), "« color » est inconnu"),
        (circuit({**VISA, "key": "Été"}), "« key » doit être un nom"),
        (circuit({**VISA, "key": "done"}), "« done » est réservée"),
        (circuit({**VISA, "key": "rejected"}), "« rejected » est réservée"),
        (circuit(VISA, VISA), "« review » est donnée à deux étapes"),
        (circuit({**VISA, "kind": "dance"}), "la nature « dance » est inconnue"),
        (circuit({**VISA, "kind": 3}), "est inconnue"),
        (circuit({"key": "s", "label": "S", "kind": "sign"}), "il faut dire qui agit"),
        (circuit({**SIGN, "who": []}), "il faut dire qui agit"),
        (circuit({**SIGN, "who": "maire"}), "il faut dire qui agit"),
        (circuit({**SIGN, "who": ["maire"]}), "un acteur s’écrit d’un seul mot"),
        (circuit({**SIGN, "who": {"desk": "a", "role": "b"}}), "un acteur s’écrit d’un seul mot"),
        (circuit({**SIGN, "who": {"user": "a"}}), "« user » est inconnu"),
        (circuit({**SIGN, "who": {"person": "a.b"}}), "une signature se demande à un bureau"),
        (circuit({**VISA, "who": {"person": "a b"}}), "l’identifiant de quelqu’un"),
        (circuit({**SIGN, "who": {"desk": "Le Maire"}}), "clé d’un bureau"),
        (circuit({**SIGN, "who": {"chosen": "un-champ"}}), "clé d’un bureau"),
        (circuit({**SIGN, "who": {"superior": 0}}), "rang entier"),
        (circuit({**SIGN, "who": {"superior": True}}), "rang entier"),
        (circuit({**SIGN, "who": [{"desk": "a"}, {"desk": "a"}], "quorum": "any"}), "donné plusieurs fois"),
        (circuit({**SIGN, "who": [{"desk": "a"}, {"desk": "b"}]}), "précisez « quorum »"),
        (
            circuit({**SIGN, "who": [{"desk": "a"}, {"desk": "b"}], "quorum": 3}),
            "quorum de 3 ne peut pas être atteint avec 2 acteurs.",
        ),
        (circuit({**SIGN, "quorum": 0}), "« quorum » doit valoir"),
        (circuit({**SIGN, "quorum": True}), "« quorum » doit valoir"),
        (circuit({**SIGN, "quorum": "most"}), "« quorum » doit valoir"),
        (circuit({**SIGN, "quorum": ["all"]}), "« quorum » doit valoir"),
        (circuit({**SEND, "channel": None}), "doit nommer son canal"),
        (circuit({**SEND, "who": {"desk": "maire"}}), "n’a pas d’acteur"),
        (circuit({**SEND, "quorum": "any"}), "n’a pas de quorum"),
        (circuit({**VISA, "channel": "actes"}), "seule une transmission a un canal"),
        (circuit({**VISA, "days": 0}), "« days » doit être"),
        (circuit({**VISA, "days": 1.5}), "« days » doit être"),
        (circuit({**VISA, "when": "amount > 4000"}), "elle s’écrit {field, op, value}"),
        (circuit({**VISA, "when": {"field": "a", "op": "=>", "value": 1}}), "l’opérateur « => » est inconnu"),
        (circuit({**VISA, "when": {"field": "a", "op": "__import__", "value": 1}}), "est inconnu"),
        (circuit({**VISA, "when": {"field": "os.system", "op": "==", "value": 1}}), "« field » doit nommer"),
        (circuit({**VISA, "when": {"field": "a", "op": "==", "value": True}}), "« value » doit être"),
        (circuit({**VISA, "when": {"field": "a", "op": "==", "value": float("nan")}}), "« value » doit être"),
        (circuit({**VISA, "when": {"field": "a", "op": "==", "value": 1e300}}), "« value » doit être"),
        (circuit({**VISA, "when": {"field": "a", "op": "=="}}), "« value » doit être"),
        (
            circuit({**VISA, "when": {"field": "a", "op": "==", "value": 1, "else": 2}}),
            "« else » est inconnu",
        ),
        (circuit({**VISA, "when": {"field": "a", "op": "in", "value": []}}), "« in » demande une liste"),
        (circuit({**VISA, "when": {"field": "a", "op": "in", "value": "abc"}}), "« in » demande une liste"),
        (
            circuit({**VISA, "when": {"field": "a", "op": ">", "value": "beaucoup"}}),
            "compare des nombres ou des dates",
        ),
        (
            circuit({**VISA, "when": {"field": "a", "op": "starts_with", "value": 7.5}}),
            "« starts_with » demande un texte",
        ),
        (circuit({**VISA, "when": {"field": "a", "op": "present", "value": 1}}), "ne prend pas de valeur"),
        (circuit({**VISA, "when": {"all": []}}), "« all » demande une liste"),
        (circuit({**VISA, "when": {"any": {}}}), "« any » demande une liste"),
        (
            circuit({**VISA, "when": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {}}}}}}}}}),
            "niveaux emboîtés",
        ),
        (
            circuit(
                {
                    **VISA,
                    "when": {
                        "all": [{"field": "a", "op": ">", "value": 9}, {"field": "a", "op": "<", "value": 1}]
                    },
                }
            ),
            "ne peut pas être atteinte, sa condition se contredit",
        ),
        (
            circuit({"key": "a", "label": "A", "kind": "archive", "who": {"desk": "s"}}, VISA),
            "elle suit l’archivage",
        ),
        ("key: a\nkey: b\n", "ligne 2 : la clé « key » est donnée deux fois"),
        ("steps: &x [1]\nlabel: *x\n", "ligne 2 : les alias ne sont pas admis"),
        ("key: !!python/object/apply:os.system [ls]\n", "illisible à la ligne 1"),
        ("key: [1\n", "illisible à la ligne"),
        ("key: 2026-13-45\n", "date impossible"),
        ("key: \x00\n", "caractère"),
        ("key: " + "[" * 900 + "]" * 900, "trop de listes"),
        ("key: " + "[" * 100_000, "illisible"),
    ],
)
def test_a_fault_is_refused_with_a_sentence(data, words):
    assert any(words in fault for fault in faults_of(data)), faults_of(data)


def test_all_faults_are_told_at_once_and_quote_the_step():
    faults = faults_of(
        circuit({**VISA, "days": -1, "colour": 1}, {**SIGN, "who": []}, {**SEND, "channel": "É"})
    )
    assert len(faults) == 4
    assert faults[0].startswith("Étape 1 (« Relecture ») : ")


def test_the_refusal_carries_the_faults_as_one_text_too():
    with pytest.raises(Refusal) as caught:
        load(circuit({**VISA, "days": -1}))
    assert caught.value.facts["details"] == caught.value.facts["faults"][0]


def test_yaml_and_json_are_one_schema():
    text = """
    key: demo
    label: Démonstration
    steps:
      - {key: review, label: Relecture, kind: visa, who: {superior: 1}, days: 3}
      - key: signature
        label: Signature
        kind: sign
        who: [{desk: maire}, {role: sitting_secretary}, {chosen: other}]
        quorum: 2
        when: {all: [{field: day, op: ">=", value: 2026-01-31}, {field: amount, op: "<", value: 90000.50}]}
    """
    from_yaml = load_yaml(text)
    assert load(json.loads(json.dumps(from_yaml.to_data()))) == from_yaml
    assert from_yaml.step("signature").when.holds({"day": "2026-02-01", "amount": "90000.49"})


def test_the_digest_changes_with_any_word_and_not_with_the_order_of_keys():
    backwards = {key: VISA[key] for key in reversed(VISA)}
    assert load(circuit(VISA)).digest == load(circuit(backwards)).digest
    assert load(circuit(VISA)).digest != load(circuit({**VISA, "label": "Relecture."})).digest
    assert load(circuit(VISA)).digest != load(circuit({**VISA, "days": 2})).digest


def test_an_unsaid_quorum_is_any_one_and_days_are_optional():
    step = load(circuit(VISA)).step("review")
    assert step.quorum.needed(5) == 1
    assert step.days is None
