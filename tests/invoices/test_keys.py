"""The same invoice is known again however it is written, and another is not."""

import pytest

from app.invoices.keys import CLOSE, SAME, keys_of, relaxed, strict
from workflows.condition import Disputed

FIRST = {
    "type_code": "380",
    "number": "FAC-2026/0147",
    "seller": "Atelier Berthier",
    "seller_siret": "39280913700027",
    "issue_date": "2026-08-15",
}


@pytest.mark.parametrize("number", ["fac 2026 0147", "FAC-2026/0147", "FAC20260147", "ﬀac2026-0147"[1:]])
def test_signs_and_case_are_no_part_of_a_number(number: str) -> None:
    assert strict(number) in {"FAC20260147", "AC20260147"}


@pytest.mark.parametrize("number", ["2026-00147", "2026-147", "FAC-2026/0147", "M1A_2026-147", "N°2026 147"])
def test_zeros_and_prefixes_are_close(number: str) -> None:
    assert relaxed(number) == "2026-147"


def test_which_invoices_share_a_key() -> None:
    mine = keys_of(FIRST, ["a" * 64])
    for changes, same, close in (
        ({}, True, True),
        ({"number": "fac 2026 0147", "seller_siret": "39280913700035"}, True, True),  # another establishment
        ({"seller_siret": ""}, True, True),  # told by name alone
        ({"seller": "ATELIER BERTHIER", "seller_siret": ""}, True, True),
        ({"number": "2026-147"}, False, True),
        ({"issue_date": "2025-08-15"}, False, True),
        ({"type_code": "381"}, False, False),
        ({"number": "FAC-2026/0148"}, False, False),
        ({"seller": "Atelier Bernier", "seller_siret": "21290999800016"}, False, False),
    ):
        other = keys_of({**FIRST, **changes})
        shared = {mine[key] for key in mine.keys() & other.keys()}
        assert (SAME in shared, CLOSE in shared) == (same, close), changes
    assert SAME in {kind for key, kind in mine.items() if key in keys_of({}, ["a" * 64])}


def test_a_number_typed_over_the_one_of_the_file_hides_nothing() -> None:
    typed = Disputed(
        {**FIRST, "number": "AUTRE-1", "type_code": "381"},
        {"number": (FIRST["number"],), "type_code": ("380",)},
    )
    shared = keys_of(FIRST).keys() & keys_of(typed).keys()
    assert SAME in {keys_of(FIRST)[key] for key in shared}
