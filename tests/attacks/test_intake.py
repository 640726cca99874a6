"""At deposit, no forged PDF is described as carrying a signature that stands: intake asks the verifier's own gate."""

from collections import defaultdict

import pytest

from app.core.refusals import Refusal
from app.files.pdf import examine_pdf
from tests.attacks import catalogue
from tests.attacks.catalogue import FORGERIES

catalogue.everything()
# What these do is told by the bytes; whose certificate it is, and when, intake does not ask
FAMILIES = (
    *(
        "ISA",
        "SSA",
        "USF",
        "EAA",
        "Champs",
        "Certifié",
        "Couches",
        "Pages",
        "Catalogue",
        "Fichier",
        "Lectures",
    ),
    *("Shadow: hide", "Shadow: replace", "Shadow: hide-and-replace"),
)
BY_FAMILY = defaultdict(list)
for _name, _entry in FORGERIES.items():
    if _entry.family in FAMILIES:
        BY_FAMILY[_entry.family].append(_name)
# Two of each family: each is read by a process of its own
SAMPLE = [name for names in BY_FAMILY.values() for name in names[:: max(1, len(names) // 2)][:2]]
# What makes one believe a page that nobody signed, all of them
FAMOUS = (
    "ISA: page rewritten, no end of file",
    "ISA: objects alone",
    "Champs: new: signature field never signed",
    "Champs: new: two innocent halves that make a page",
    "Champs: existing: great check box ticked",
    "Champs: signed over by a self-signed key",
    "Champs: signed over by a third person whose authority is known",
    "Certifié: P=2, great check box ticked",
    "Shadow: hide: author's field hidden",
    "Lectures: widget: drawing twice, the blank one first",
)


@pytest.mark.parametrize("name", sorted({*SAMPLE, *FAMOUS}))
def test_no_forged_pdf_is_told_as_well_signed_at_deposit(shop, tmp_path, name):
    path, _ = shop.written(FORGERIES[name])
    try:
        told = examine_pdf(path, "acte.pdf", tmp_path, to_be_signed=True)
    except Refusal:
        return
    # The first signature is the one that is attacked; it may be gone, and never stands
    for one in told.signatures[:1]:
        assert not one.valid_structure or one.doubts, one
