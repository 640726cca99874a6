"""What must be true of every act before it enters its circuit, and before it is published."""

import re
from datetime import date

from workflows.circuit import Circuit, Step, StepKind
from workflows.family import Facts, Problem

SITTINGS = {"deliberation": None, "budget": None, "other_act": ("1", "5")}
"""The families of what an assembly adopts, on the day of its sitting; with the natures that are so where not all are."""
_NUMBER = re.compile(r"([A-Z0-9][A-Z0-9_]{0,13})?[A-Z0-9]", re.ASCII)  # @ctes rule A01, as S2LOW applies it
_SEPARATORS = re.compile(r"[\s._/\\\-‐‑–—]+")
MAX_SUBJECT = 499  # @ctes takes 500, its operators 499


def act_number(value: object) -> object:
    """The number as it is transmitted: « 2026-057 » typed by a person becomes « 2026_057 ».

    >>> act_number("2026-057")
    '2026_057'
    """
    return _SEPARATORS.sub("_", value.strip()).upper() if isinstance(value, str) else value


NORMALISE = {"number": act_number}


def number_is_transmissible(facts: Facts, _today: date) -> Problem | None:
    """Fifteen signs at most among A-Z, 0-9 and _, neither beginning nor ending with _ (@ctes A01)."""
    number = facts.get("number")
    if number is None or _NUMBER.fullmatch(str(number)):
        return None
    return Problem(
        "number-not-transmissible",
        "number",
        "Le numéro de l’acte ne peut pas être transmis : il doit tenir en 15 signes, lettres sans accent, "
        "chiffres et tirets, et commencer et finir par une lettre ou un chiffre. Corrigez le numéro.",
    )


def subject_is_transmissible(facts: Facts, _today: date) -> Problem | None:
    """The subject holds in 499 signs, on one line (@ctes `Objet`)."""
    subject = facts.get("subject")
    if subject is None or len(str(subject)) <= MAX_SUBJECT:
        return None
    return Problem(
        "subject-too-long",
        "subject",
        f"L’objet compte {len(str(subject))} signes, {MAX_SUBJECT} au plus. Raccourcissez-le.",
    )


def decided_in_the_past(facts: Facts, today: date) -> Problem | None:
    """What is transmitted has been decided: the date is not in the future (@ctes refuses it, A03)."""
    decided = facts.get("decision_date")
    if decided is None or str(decided) <= today.isoformat():
        return None
    return Problem(
        "decided-in-the-future",
        "decision_date",
        "La date de la décision est dans le futur. Indiquez la date de l’acte ou de la séance.",
    )


def dated_by_signature(family: str, facts: Facts) -> bool:
    """Whether the date of an act is that of its signature: an order, a decision, a contract; what a sitting adopts has its own.

    >>> dated_by_signature("individual_decree", {}), dated_by_signature("other_act", {"nature": "1"})
    (True, False)
    """
    if family not in SITTINGS:
        return True
    natures = SITTINGS[family]
    return natures is not None and str(facts.get("nature")) not in natures


def published_after_decision(facts: Facts, today: date) -> Problem | None:
    """An act is published once adopted, on a day that has come, lest it be said enforceable too early."""
    published, decided = facts.get("published_on"), facts.get("decision_date")
    if published is None:
        return None
    if str(published) > today.isoformat():
        sentence = "Cette date est dans le futur. Donnez, une fois que c’est fait, le jour où l’acte a été publié ou notifié."
        return Problem("published-in-the-future", "published_on", sentence)
    if decided is not None and str(published) < str(decided):
        sentence = "La publication ne peut pas précéder la décision. Vérifiez les deux dates."
        return Problem("published-before-decision", "published_on", sentence)
    return None


def transmits(step: Step) -> bool:
    """Whether this step sends to the Préfecture each act that is to be: all, or those that are not said exempt.

    What the law exempts (CGCT L2131-2 I) is said by the fact `transmitted`, which the rules of each family judge.
    """
    if step.kind is not StepKind.TRANSMIT or step.channel != "actes":
        return False
    return step.when is None or step.when.to_data() == {"field": "transmitted", "op": "==", "value": "yes"}


def transmitted_once_signed(circuit: Circuit) -> str | None:
    """Each act that is to be is transmitted, once signed, whatever step makes it known (CGCT L2131-1, L2131-2).

    The rule of the families of which a part alone is transmissible, orders and contracts: no stage says it for all.
    """
    signed = next((n for n, step in enumerate(circuit.steps) if step.kind is StepKind.SIGN), 0)
    if any(transmits(step) for step in circuit.steps[signed:]):
        return None
    return (
        "Il manque, après la signature, la transmission à la préfecture de tous les actes à transmettre (CGCT L2131-1 "
        "et L2131-2)."
    )
