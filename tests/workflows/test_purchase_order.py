"""Purchase orders: their lines add up, and what cannot be ordered is refused in words."""

from datetime import date

import pytest

from workflows.family import family, normalised, problems

ORDER = family("purchase_order")
DAY = date(2026, 11, 27)
LINES = [
    {"designation": "Gravillons 6/10", "quantity": "40", "unit": "t", "price": "62", "vat": "20"},
    {"designation": "Sel de déneigement", "quantity": "12", "unit": "t", "price": "118,00", "vat": "20"},
    {"designation": "Transport", "quantity": "1", "price": "290", "vat": "20"},
]
FACTS = {
    "number": "BC-2026-0391",
    "object": "Gravillons et sel de déneigement",
    "seller": "Voirie Arzel-Huon",
    "seller_siret": "90000000500014",
    "lines": LINES,
}


def _line(**cells: str) -> dict[str, str]:
    return {"designation": "Sable", "quantity": "1", "price": "10", "vat": "20", **cells}


def test_the_totals_of_an_order_are_those_of_its_lines_whatever_is_typed():
    kept = normalised(ORDER, {**FACTS, "total_ttc": "1.00", "total_ht": "7"})
    assert [kept[key] for key in ("total_ht", "total_vat", "total_ttc")] == ["4186.00", "837.20", "5023.20"]
    assert normalised(ORDER, kept) == kept
    assert problems(ORDER, kept, today=DAY) == []
    # Nothing is said of lines that are not whole, and what was said before does not stay
    assert "total_ttc" not in normalised(ORDER, {**kept, "lines": [_line(price="")]})
    assert "total_ttc" not in normalised(ORDER, {**kept, "lines": [_line(quantity="deux")]})


@pytest.mark.parametrize(
    ("lines", "totals"),
    [
        # each line to the cent, then VAT on the base of each rate (BR-CO-17), half a cent upwards
        ([_line(quantity="2,5", price="0,1234"), _line(quantity="3", price="0,1234")], ("0.68", "0.14", "0.82")),
        ([_line(), _line(vat="5.5", price="99,99"), _line(vat="0", price="5")], ("114.99", "7.50", "122.49")),
        ([_line(), _line(designation="Remise", price="-2,50")], ("7.50", "1.50", "9.00")),
    ],
)  # fmt: skip
def test_an_order_is_counted_as_an_invoice_is(lines, totals):
    kept = normalised(ORDER, {**FACTS, "lines": lines})
    assert tuple(kept[key] for key in ("total_ht", "total_vat", "total_ttc")) == totals


@pytest.mark.parametrize(
    ("facts", "key", "words"),
    [
        ({"lines": [_line(quantity="0")]}, "order-quantity", "ligne 1"),
        ({"lines": [_line(), _line(quantity="-3")]}, "order-quantity", "ligne 2"),
        ({"lines": [_line(price="-10")]}, "order-worth-nothing", "quantités et les prix"),
        ({"lines": [_line(quantity="999999999", price="999999999")]}, "order-worth-nothing", "prix"),
        ({"lines": [_line(quantity="1,23456")]}, "lines-invalid", "quatre décimales"),
        ({"lines": [_line(vat="19.6")]}, "lines-invalid", "choix"),
        ({"lines": []}, "required", "« Lignes »"),
        ({"seller_email": "Arzel <a@b.fr>"}, "order-address", "commandes@"),
        ({"seller_email": "a@b.fr\nBcc: c@d.fr"}, "text-invalid", "une ligne"),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_words(facts, key, words):
    told = {
        one.key: one.sentence for one in problems(ORDER, normalised(ORDER, {**FACTS, **facts}), today=DAY)
    }
    assert words in told[key]
