"""A budgetary document tells what it is, and a seal that no longer holds is told with what broke it."""

from pathlib import Path

import pytest

from app.channels.actes.budget import Seal, explain, read_budget, rows_of
from app.channels.actes.xmltree import Malformed

ROOM = Path(__file__).resolve().parents[1] / "assets" / "actes" / "budget"
TOTEM = (ROOM / "totem-mini-scelle.xml").read_bytes()
CFU = (ROOM / "cfu-mini-scelle.xml").read_bytes()
TEXT = TOTEM.decode("latin-1").replace("&#233;", "é")


@pytest.mark.parametrize("name", ["totem-mini-scelle.xml", "cfu-mini-scelle.xml"])
def test_the_seal_of_a_genuine_file_holds(name):
    found = read_budget((ROOM / name).read_bytes())
    assert found.seal is Seal.GENUINE
    assert explain(found) == "Scellement vérifié : le fichier est celui que le logiciel a scellé."
    assert (found.fiscal_year, found.siret, found.collectivity) == ("2027", "21290999800017", "KERLAOUEN été")


def test_an_unsealed_file_is_told_from_a_broken_one():
    found = read_budget((ROOM / "totem-mini-non-scelle.xml").read_bytes())
    assert found.seal is Seal.ABSENT
    assert "Scellez-le" in explain(found)


@pytest.mark.parametrize("raw", [TOTEM, CFU], ids=["totem", "cfu"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"12000.00", b"12500.00"),
        (b'<Exer V="2027"/>', b'<Exer V="2026"/>'),
        (b"<LibellePoste", b"<Ajout/><LibellePoste"),
        (b'md5="', b'md5="0'),
    ],
)
def test_a_changed_figure_breaks_the_seal(raw, before, after):
    found = read_budget(raw.replace(before, after))
    assert found.seal is Seal.ALTERED
    assert "a changé après le scellement" in explain(found)


def test_the_seal_of_a_cfu_covers_what_stands_outside_the_nested_document():
    outside = CFU.replace(b"</DocumentBudgetaire>\n", b"</DocumentBudgetaire><doccfu:Ajout/>\n")
    assert read_budget(outside).seal is Seal.ALTERED


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),  # saved in UTF-8 under its old declaration
        TEXT.encode()
        .decode("latin-1")
        .replace("ISO-8859-1", "UTF-8")
        .encode(),  # read as Latin-1, then saved in UTF-8
        TEXT.encode().decode("cp1252").replace("ISO-8859-1", "UTF-8").encode(),
        TEXT.encode()
        .decode("latin-1")
        .encode()
        .decode("latin-1")
        .replace("ISO-8859-1", "UTF-8")
        .encode(),  # twice
    ],
)
def test_mangled_accents_alone_are_told_from_an_altered_file(raw):
    found = read_budget(raw)
    assert found.seal is Seal.REENCODED
    assert "sans l’ouvrir dans un éditeur" in explain(found)
    assert read_budget(raw.replace(b"12000.00", b"12500.00")).seal is Seal.ALTERED


@pytest.mark.parametrize(
    "raw",
    [TEXT.replace("ISO-8859-1", "UTF-8").encode(), TEXT.encode("latin-1"), TOTEM.replace(b"\n", b"\r\n")],
    ids=["utf-8", "bytes instead of references", "line endings"],
)
def test_what_xml_holds_equal_leaves_the_seal_whole(raw):
    found = read_budget(raw)
    assert found.seal is Seal.GENUINE
    assert ("sans perte" in explain(found)) is (found.encoding == "UTF-8")


def test_a_file_laid_out_anew_is_told_from_an_altered_one():
    found = read_budget(b"\n".join(line.strip() for line in TOTEM.splitlines()))
    assert found.seal is Seal.REWRITTEN


def test_the_signatory_reads_the_seal_first():
    rows = rows_of(read_budget(TOTEM))
    assert rows[0][0] == "Scellement"
    assert ("Document", "Budget primitif") in rows
    assert ("Lignes budgétaires", "1") in rows


def test_what_is_no_budget_is_none_and_what_is_hostile_is_refused():
    assert read_budget(b"<facture/>") is None
    with pytest.raises(Malformed):
        read_budget(b"<!DOCTYPE a [<!ENTITY b 'c'>]><DocumentBudgetaire>&b;</DocumentBudgetaire>")
    with pytest.raises(Malformed):
        read_budget(TOTEM[:200])
