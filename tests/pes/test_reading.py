"""What a payment flow says of itself is read whole, and nothing else is taken for a flow."""

import io
from decimal import Decimal

import pytest

from app.pes.reading import MOST_ROWS, read_flow, rows_of
from tests.builders.house import ASSETS


def read(name: str) -> bytes:
    return (ASSETS / "pes" / f"{name}.xml").read_bytes()


def test_every_slip_and_piece_is_read_with_its_third_party_and_amount() -> None:
    flow = read_flow(io.BytesIO(read("kerlann_depenses")))
    assert flow is not None
    assert (flow.domain, flow.total, flow.pieces) == ("dépenses", Decimal("6505.05"), 4)
    first, second = flow.slips
    assert [one.number for one in second.pieces] == ["3", "4"]
    assert first.pieces[1].third == "ÉLECTRICITÉ BRO LEON"
    assert sum(one.amount for one in first.pieces) == first.total == Decimal("2282.60")


def test_revenue_is_read_too_where_the_schema_writes_it_otherwise() -> None:
    flow = read_flow(io.BytesIO(read("recette_1_bordereau")))
    assert flow is not None
    assert (flow.domain, flow.total, flow.slips[0].pieces[0].object) == (
        "recettes",
        Decimal("200.00"),
        "Fournitures d'école -",
    )
    labels = dict(rows_of(flow))
    assert "Titre 1" in labels
    assert "Mandat 1" not in labels


@pytest.mark.parametrize(
    "data",
    [
        b"<facture/>",
        b'<?xml version="1.0"?><!-- PES_Aller --><a/>',
        read("acquit_ok"),
        read("kerlann_depenses")[:3000],
    ],
    ids=["another XML", "a comment", "a return", "cut"],
)
def test_another_file_is_no_flow(data: bytes) -> None:
    assert read_flow(io.BytesIO(data)) is None


def test_an_attachment_within_a_piece_hides_nothing_of_it() -> None:
    inside = b'<PJ><Contenu><Fichier MIMEType="x">AAAA</Fichier></Contenu><IdUnique V="1"/></PJ></InfoPce>'
    flow = read_flow(io.BytesIO(read("kerlann_depenses").replace(b"</InfoPce>", inside)))
    assert flow is not None
    assert [one.number for slip in flow.slips for one in slip.pieces] == ["1", "2", "3", "4"]


def test_an_amount_that_is_none_counts_for_nothing_and_stops_nobody() -> None:
    data = read("kerlann_depenses").replace(b'<MtHT V="412.60"', b'<MtHT V="NaN"')
    flow = read_flow(io.BytesIO(data))
    assert flow is not None
    assert flow.slips[0].pieces[0].amount == 0


def test_beyond_what_a_page_can_show_the_rest_is_counted() -> None:
    data = read("kerlann_depenses").decode("latin-1")
    piece = data[data.index("<Piece>") : data.index("</Piece>") + 8]
    many = data.replace("</Bordereau>", piece * MOST_ROWS + "</Bordereau>", 1).encode("latin-1")
    flow = read_flow(io.BytesIO(many))
    assert flow is not None
    last = list(rows_of(flow))[-1]
    assert last == (
        "Suite",
        "4 autres mandats ou titres ne sont pas montrés ici : téléchargez le flux pour les lire.",
    )
