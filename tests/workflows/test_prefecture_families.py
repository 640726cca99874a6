"""What follows an act at the Préfecture is a folder with its own law: it names what it is about, and somebody approves it."""

from datetime import date

import pytest

from workflows.errors import Refusal
from workflows.families.act_cancellation.rules import names_an_act
from workflows.families.prefecture_reply.rules import answers_a_letter
from workflows.family import check_circuit, family
from workflows.loader import load, read_yaml

TODAY = date(2026, 11, 25)
ABOUT = {"identifier": "029-212909998-20261201-2026_057-DE", "letter_date": "2026-12-10"}
UNAPPROVED = """
key: act_cancellation
label: Annulations
steps:
  - { key: prefecture, label: Transmission, kind: transmit, channel: actes }
"""


def test_a_reply_names_its_letter_and_a_cancellation_its_act():
    assert answers_a_letter({"followup": ABOUT}, TODAY) is None
    assert names_an_act({"followup": ABOUT}, TODAY) is None
    for facts in ({}, {"followup": "x"}, {"followup": {}}):
        assert answers_a_letter(facts, TODAY).key == "letter-missing"
        assert names_an_act(facts, TODAY).key == "act-missing"


def test_neither_is_offered_at_the_deposit():
    assert [family(one).begun_elsewhere for one in ("prefecture_reply", "act_cancellation")] == [True, True]
    assert not family("deliberation").begun_elsewhere


def test_a_circuit_that_cancels_without_anybody_s_accord_is_refused():
    check_circuit(family("act_cancellation"), family("act_cancellation").circuit)
    visa = "  - { key: accord, label: Accord du maire, kind: visa, who: { desk: maire } }\n"
    for circuit in (UNAPPROVED, UNAPPROVED.replace("steps:\n", "steps:\n" + visa)):
        with pytest.raises(Refusal, match="circuit-unlawful") as refused:
            check_circuit(family("act_cancellation"), load(read_yaml(circuit)))
        assert "« Signature »" in refused.value.facts["details"]
