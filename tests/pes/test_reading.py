"""What a payment flow says of itself is read whole, and nothing else is taken for a flow."""

import io
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from app.pes.flow import Flow, page_content
from app.pes.pages import PER_PAGE
from app.pes.reading import read_flow
from app.pes.schema import HOME
from app.pes.sheet import MODES
from tests.builders.house import ASSETS


def read(name: str) -> bytes:
    return (ASSETS / "pes" / f"{name}.xml").read_bytes()


def flow_of(data: bytes) -> Flow:
    flow = read_flow(io.BytesIO(data))
    assert flow is not None
    return flow


def blocks(flow: Flow) -> list[dict[str, Any]]:
    return [block for page in flow.pages for block in page_content(page)]


def pieces(flow: Flow) -> list[dict[str, Any]]:
    return [piece for block in blocks(flow) for piece in block.get("pieces", [])]


def values(flow: Flow) -> list[str]:
    """Every value that the pages of a flow show."""
    shown: list[str] = []
    for block in blocks(flow):
        rows = block.get("fields", []) + (block["rows"] if block["kind"] == "others" else [])
        for piece in block.get("pieces", []):
            rows += piece["fields"] + [row for line in piece["lines"] for row in line["fields"]]
            shown += [value for ref in piece["refs"] for value in ref.values()]
        shown += [row[2] for row in rows]
        if block["kind"] == "attachments":
            shown += [str(value) for row in block["rows"] for value in row]
    return shown


def test_every_slip_and_piece_is_read_with_its_third_party_and_amount() -> None:
    flow = flow_of(read("kerlann_depenses"))
    assert (flow.domain, flow.total, flow.pieces) == ("dépenses", Decimal("6505.05"), 4)
    assert [(one.number, one.lines_total, one.announced) for one in flow.slips] == [
        ("1", Decimal("2282.60"), 2),
        ("2", Decimal("4222.45"), 2),
    ]
    second = pieces(flow)[1]
    assert (second["n"], second["object"]) == ("2", "Éclairage du gymnase")
    (line,) = second["lines"]
    assert (line["third"], line["imputation"], line["mode"], line["ht"]) == (
        "ÉLECTRICITÉ BRO LEON",
        "61522",
        "03",
        "1870.00",
    )


def test_revenue_is_read_too_where_the_schema_writes_it_otherwise() -> None:
    flow = flow_of(read("recette_1_bordereau"))
    assert (flow.domain, flow.total, pieces(flow)[0]["object"]) == (
        "recettes",
        Decimal("200.00"),
        "Fournitures d'école -",
    )
    assert flow.slips[0].what == "titre"


def test_a_character_that_hides_or_turns_what_is_beside_it_is_read_by_its_number() -> None:
    hidden = read("kerlann_depenses").replace(b"PAPETERIE DU PONANT", b"PAPETERIE&#x202E;TNANOP&#xAD;", 1)
    assert "PAPETERIE[U+202E]TNANOP[U+00AD]" in values(flow_of(hidden))


@pytest.mark.parametrize(
    "name", ["kerlann_depenses", "recette_1_bordereau", "depense_signature_globale", "pj_seule_paye"]
)
def test_every_value_of_the_file_is_on_a_page(name: str) -> None:
    from lxml import etree

    data = read(name)
    written = [one.get("V") for one in etree.fromstring(data).iter() if one.get("V") is not None]
    shown = values(flow_of(data))
    if name == "pj_seule_paye":  # what an attachment concerns is told in one line
        shown += [word for row in shown for word in row.replace(",", "").split()]
    assert not set(written) - set(shown)


def test_nothing_is_left_out_however_many_pieces_there_are() -> None:
    data = read("kerlann_depenses").decode("latin-1")
    piece = data[data.index("<Piece>") : data.index("</Piece>") + 8]
    many = "".join(piece.replace('<IdPce V="1"/>', f'<IdPce V="{n}"/>') for n in range(1000, 2000))
    flow = flow_of(data.replace("</Bordereau>", many + "</Bordereau>", 1).encode("latin-1"))
    assert [one["n"] for one in pieces(flow)] == ["1", "2", *map(str, range(1000, 2000)), "3", "4"]
    assert len(flow.pages) > 1000 // PER_PAGE
    assert flow.slips[1].page == 11
    assert [one["number"] for one in blocks(flow) if one["kind"] == "slip"] == ["1"] * 11 + ["2"]


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
    flow = flow_of(read("kerlann_depenses").replace(b"</InfoPce>", inside))
    assert [one["n"] for one in pieces(flow)] == ["1", "2", "3", "4"]
    assert len(flow.attachments) == 8


@pytest.mark.parametrize("name", [b"Piece", b"LigneDePiece", b"PJRef"])
def test_an_attribute_that_the_schema_does_not_know_hides_nothing(name: bytes) -> None:
    flow = flow_of(read("kerlann_depenses").replace(b"<" + name + b">", b"<" + name + b' V="1">'))
    assert flow.pieces == 4
    assert flow.total_with_tax == Decimal("6505.05")
    assert len(flow.announced) == 4


def test_a_comment_that_looks_like_an_end_ends_nothing() -> None:
    data = read("kerlann_depenses").replace(b"<Piece>", b"<!-- </Bordereau></PES_DepenseAller> --><Piece>", 1)
    assert flow_of(data).slips[0].pieces == 2


def test_an_amount_that_is_none_counts_for_nothing_and_stops_nobody() -> None:
    data = read("kerlann_depenses").replace(b'<MtHT V="412.60"', b'<MtHT V="NaN"')
    flow = flow_of(data)
    assert flow.slips[0].lines_total == Decimal("1870.00")
    assert flow.unread == [("1", 1)]


def test_how_a_line_is_paid_is_said_as_its_schema_says_for_mandats_and_for_titres() -> None:
    """08 is an « opération d’ordre » of a mandat and a « prélèvement » of a titre: two lists, whole."""
    for domain, place, name in (
        ("dépenses", "NS_Depense/r0/CommunDepense.xsd", "TCodePaiement"),
        ("recettes", "NS_Recette/r0/CommunRecette.xsd", "TModRegl"),
    ):
        tree = etree.parse(str(HOME / "v5.30" / "PES_V2" / place))
        codes = tree.xpath(f"//*[@name='{name}']//*[local-name()='enumeration']")
        said = {one.get("value"): "".join(one.itertext()).strip().casefold() for one in codes}
        assert set(MODES[domain]) == set(said)
        for code, words in MODES[domain].items():
            first = words.casefold().replace("’", "'").split()[0].strip(",")
            assert said[code].startswith(first), (domain, code)
    assert (MODES["dépenses"]["08"], MODES["recettes"]["08"]) == ("opération d’ordre", "prélèvement")
