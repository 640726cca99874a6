"""A circuit is drawn whole, in French, and its picture can be read aloud."""

import xml.etree.ElementTree as ET

from hypothesis import given, settings

from tests.workflows import strategies
from workflows.condition import read
from workflows.drawing import condition_text, mermaid, svg
from workflows.family import family
from workflows.loader import load

NS = "{http://www.w3.org/2000/svg}"
NAMES = {"total_ttc": "le montant TTC", "maire": "le maire", "sitting_secretary": "le secrétaire de séance"}


def test_the_invoice_is_drawn_with_its_condition_and_its_way_round():
    drawn = mermaid(family("invoice").circuit, NAMES, {"total_ttc"})
    assert drawn.startswith("flowchart TD\n")
    assert 'p_finance -->|"si le montant TTC atteint 4\u202f000\u00a0€"| p_direction' in drawn
    assert 'p_finance -->|"sinon"| p_bon_a_payer' in drawn
    assert "p_handover -. refus .-> p_rejected" in drawn
    assert "p_handover -. rejet .-> p_rejected" not in drawn
    assert "Transmission : automatique" in drawn


def test_the_deliberation_says_that_both_sign():
    drawn = mermaid(family("deliberation").circuit, NAMES)
    assert "le maire, le secrétaire de séance" in drawn
    assert "les 2, dans n’importe quel ordre" in drawn


def test_somebody_is_not_called_by_the_name_of_the_desk_whose_key_is_his_login():
    step = {"key": "v", "label": "Visa", "kind": "visa", "who": [{"desk": "accueil"}, {"person": "accueil"}]}
    circuit = load({"key": "c", "label": "Court", "steps": [{**step, "quorum": "all"}]})
    named = {"accueil": "Accueil du public", "person=accueil": "Enora Guillou"}
    assert "Accueil du public, Enora Guillou" in mermaid(circuit, named)


def test_a_label_cannot_break_the_picture():
    label = 'Visa "] --> <script>&#59; A[x'
    step = {"key": "v", "label": label, "kind": "visa", "who": {"desk": "direction"}}
    circuit = load({"key": "c", "label": label, "steps": [step]})
    assert "<script>" not in mermaid(circuit)
    (box,) = (line for line in mermaid(circuit).splitlines() if line.startswith("  p_v["))
    assert box.count('"') == 2
    assert label in "".join(ET.fromstring(svg(circuit)).itertext())


@given(strategies.circuits())
@settings(max_examples=40, deadline=None)
def test_every_picture_is_well_formed_titled_and_carries_no_style_nor_script(circuit):
    root = ET.fromstring(svg(circuit))
    title, desc = root.find(f"{NS}title"), root.find(f"{NS}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert all(step.label in desc.text for step in circuit.steps)
    assert all(element.tag != f"{NS}style" and "style" not in element.attrib for element in root.iter())
    boxes = [group for group in root.iter(f"{NS}g") if "circuit-step" in group.get("class")]
    assert len(boxes) == len(circuit.steps)
    assert sum("circuit-conditional" in box.get("class") for box in boxes) == sum(
        s.when is not None for s in circuit.steps
    )


def test_a_rule_is_told_in_plain_french():
    written = {
        "all": [
            {
                "any": [
                    {"field": "total_ttc", "op": ">", "value": 1234.5},
                    {"field": "matter", "op": "in", "value": ["7.1", "7.5"]},
                ]
            },
            {"not": {"field": "order_ref", "op": "present"}},
        ]
    }
    told = condition_text(read(written, lambda fault: None), NAMES, {"total_ttc"})
    assert (
        told
        == "(le montant TTC dépasse 1\u202f234,50\u00a0€ ou matter est parmi « 7.1 », « 7.5 ») et (il est faux que order_ref est renseigné)"
    )
