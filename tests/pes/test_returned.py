"""A PES_Retour is read whole or not at all, and money alone is called paid."""

from datetime import date, datetime
from pathlib import Path

import pytest
from lxml import etree

from app.channels.helios.flow import read_flow
from app.pes.models import ReturnedPiece, TreasuryReturn
from app.pes.payments import settlement_of
from app.pes.returned import Unread, read_return
from demo.treasury.returns import write_return
from tests.builders.house import ACT, FLOW

RETURN = FLOW.parent / "kerlann_retour.xml"
SCHEMA = Path("app/pes/xsd/v5.17/PES_V2/RETOUR/Rev0/PES_Retour.xsd")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_sample_and_what_the_simulator_writes_follow_the_schema_and_are_read() -> None:
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    taxes = FLOW.parent / "recette_1_bordereau.xml"
    written = [
        write_return(read_flow(one), one, datetime(2026, 11, 27, 6), "", 50)[1] for one in (FLOW, taxes)
    ]
    for raw in (RETURN.read_bytes(), *written):
        schema.assertValid(etree.fromstring(raw))
    assert [(one.paid_half, one.what) for one in map(_half, written)] == [
        (True, "dépenses"),
        (True, "recettes"),
    ]
    read = read_return(RETURN.read_bytes())
    assert (read.siret, read.written_on) == ("21290999800017", date(2026, 11, 26))
    assert [(one.series, one.slip, one.number, one.due) for one in read.pieces] == [
        ("123 00 dépenses 2026 01", "1", "1", 41260),
        ("123 00 dépenses 2026 01", "1", "2", 187000),
        ("123 00 dépenses 2026 01", "2", "3", 300000),
        ("123 00 recettes 2026 01", "7", "41", 9600),
    ]
    assert read.pieces[0].money == [("2026-11-24", 40000), ("2026-11-25", 1260)]


class _half:  # noqa: N801 - a small view
    def __init__(self, raw: bytes) -> None:
        pieces = read_return(raw).pieces
        self.what = pieces[0].domain
        self.paid_half = all(
            abs(2 * sum(cents for _, cents in one.money) - one.due) <= len(one.lines) for one in pieces
        )


@pytest.mark.parametrize(
    ("due", "piece", "words"),
    [
        (
            41260,
            0,
            ["Payé en 2 fois, la dernière le mer. 25 nov. : 412,60 € (trésorerie, retour du jeu. 26 nov.)."],
        ),
        (
            187000,
            1,
            [
                "Payé en partie le mer. 25 nov. : 1 500,00 € (trésorerie, retour du jeu. 26 nov.). Le flux dit 1 870,00 € "
                ": écart de 170,00 €.",
                "Réglé autrement (pénalités de retard) le mer. 25 nov. : 200,00 € (trésorerie, retour du jeu. 26 nov.).",
            ],
        ),
        (
            300000,
            2,
            [
                "Rejeté le mer. 25 nov. (trésorerie, retour du jeu. 26 nov.). Motif : pièces justificatives insuffisantes. Il "
                "manque le procès-verbal."
            ],
        ),
        (
            9600,
            3,
            [
                "Encaissé en partie le mar. 24 nov. : 90,00 € (trésorerie, retour du jeu. 26 nov.).",
                "Réglé autrement (liste de non-valeurs) le mer. 25 nov. : 6,00 € (trésorerie, retour du jeu. 26 nov.).",
            ],
        ),
    ],
)
def test_what_is_said_of_a_piece_names_who_says_it_and_the_difference(
    due: int, piece: int, words: list[str]
) -> None:
    from app.pes.intake import row_of

    read = read_return(RETURN.read_bytes())
    file = TreasuryReturn(id=1, written_on=read.written_on, simulated=False)
    settlement = settlement_of(ReturnedPiece(**row_of(read.pieces[piece])), file)
    assert [plain(remark.text) for remark in settlement.remarks(due)] == words


def test_what_is_no_return_or_cannot_be_understood_is_refused_whole() -> None:
    raw = RETURN.read_bytes()
    bomb = b'?>\n<!DOCTYPE n [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n'
    for hostile in (
        b"",
        ACT.read_bytes(),
        FLOW.read_bytes(),
        raw[: len(raw) // 2],
        raw.replace(b"?>\n", bomb, 1),
        raw.replace(b'IdColl V="21290999800017"', b'IdColl V="2129099980001"'),
        raw.replace(b'MtPay V="400.00"', b'MtPay V="1e400"'),
        raw.replace(b'MtPay V="400.00"', b'MtPay V="NaN"'),
        raw.replace(b'MtPay V="400.00"', b'MtPay V="400.005"'),
        raw.replace(b'DtePay V="2026-11-24"', b'DtePay V="hier"'),
        raw.replace(b'<IdPce V="2"/>', b""),
        raw.replace(b'<Exer V="2026"/><IdBord V="2"/>', b'<IdBord V="2"/>'),
        raw.replace(b"PAPETERIE", b"P" * 500).replace(b'Obj V="', b'Obj V="' + b"x" * 500),
        raw.replace(b"<Enveloppe>", b"<Enveloppe>" + b"<a>" * 400),
    ):
        assert hostile != raw
        with pytest.raises(Unread):
            read_return(hostile)
