"""A budgetary document tells what it is, and a seal that no longer holds is told with what broke it."""

import tarfile
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.channels.actes.budget import Seal, explain, read_budget, rows_of
from app.channels.actes.budget_schema import remark
from app.channels.actes.budget_year import cautions
from app.channels.actes.channel import open_channel
from app.channels.actes.settings import ActesSettings
from app.channels.actes.xmltree import Malformed
from app.core.db import engine, reading
from app.folders import sending
from app.folders.sockets import cautions as folder_cautions
from app.people.models import User
from tests.api.software import Software
from tests.batches.town import Hand, plain
from tests.builders.budgets import sealed
from tests.builders.house import ACT
from tests.channels.parcels import PDF, a_file, a_parcel
from workflows.vocabulary import Right

ROOM = Path(__file__).resolve().parents[1] / "assets" / "actes" / "budget"
TOTEM = (ROOM / "totem-mini-scelle.xml").read_bytes()
CFU = (ROOM / "cfu-mini-scelle.xml").read_bytes()
TEXT = TOTEM.decode("latin-1").replace("&#233;", "é")


@pytest.mark.parametrize("name", ["totem-mini-scelle.xml", "cfu-mini-scelle.xml"])
def test_the_seal_of_a_genuine_file_holds(name):
    found = read_budget((ROOM / name).read_bytes())
    assert found.seal is Seal.GENUINE
    assert explain(found) == "Scellement vérifié : le fichier est celui que le logiciel a scellé."
    assert (found.siret, found.collectivity) == ("21290999800017", "KERLAOUEN été")
    said = ("Compte financier unique", "2025") if "cfu" in name else ("Budget primitif", "2027")
    assert (found.kind, found.fiscal_year) == said


def test_an_unsealed_file_is_told_from_a_broken_one():
    found = read_budget((ROOM / "totem-mini-non-scelle.xml").read_bytes())
    assert found.seal is Seal.ABSENT
    assert "Scellez-le" in explain(found)


@pytest.mark.parametrize("raw", [TOTEM, CFU], ids=["totem", "cfu"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"12000.00", b"12500.00"),
        (b'<Exer V="202', b'<Exer V="203'),
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
    assert ("Lignes budgétaires", "2") in rows


def test_bud_04_a_cfu_goes_byte_for_byte_with_its_deliberation_and_the_signatures_of_the_council(tmp_path):
    channel = open_channel(ActesSettings.inside(tmp_path, folder=tmp_path))
    files = [
        a_file(tmp_path, "main", "cfu.xml", CFU),
        a_file(tmp_path, "attachment", "d.pdf", PDF, type_code="70_DE"),
    ]
    facts = {
        "nature": 5,
        "matter": "7.1.1",
        "decision_date": "2026-06-25",
        "budget_kind": "Compte financier unique",
        "fiscal_year": 2025,
    }
    (missing,) = channel.rehearse(a_parcel(tmp_path, facts=facts, files=tuple(files)))
    assert (missing.key, "signatures de tous les conseillers" in missing.sentence) == ("A14", True)
    files.append(a_file(tmp_path, "attachment", "s.pdf", PDF, type_code="70_DE"))
    parcel = a_parcel(tmp_path, facts=facts, files=tuple(files))
    assert channel.rehearse(parcel) == []
    with tarfile.open(channel.package(parcel, tmp_path).path) as archive:
        contents = [
            archive.extractfile(one).read() for one in archive.getmembers() if one.name.endswith(".xml")
        ]
    assert CFU in contents


@pytest.mark.law("BUD-04")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_account_is_presided_by_another_than_the_mayor_and_who_decides_is_told(house):
    """Who presided is asked; the mayor who would sign his own account is told, until somebody rules."""
    folder_id = house.an_act(
        "budget",
        ROOM / "cfu-mini-scelle.xml",
        ACT,
        ACT,
        at="draft",
        decision_date=read_budget(CFU).decided_on,
    )
    clerk, finance, mayor = (Hand(house, login) for login in ("k.morizur", "n.abgrallec", "a.kervadec"))

    def told():
        with reading(house.actor("k.morizur").collectivity_id) as db:
            found = folder_cautions(db, house.folder(folder_id))
            return {one.key: one for one in found if one.key.startswith("cfu")}

    draft = clerk.text(f"/dossiers/{folder_id}/brouillon")
    assert "Présidence du vote" in draft
    assert "Compte financier unique : qui a présidé le vote ?" in draft
    for typed, sure in {
        "M. KERVADEC Armel": True,
        "Mme la Maire": True,
        "Le maire": True,
        "Kervadec": False,
        "A. Kervadec": False,
        "Gaud Le Bras, Armel Kervadec étant sorti": False,
    }.items():
        house.save(folder_id, "k.morizur", {"presided_by": typed})
        title = f"Compte financier unique présidé par le maire{'' if sure else ' ?'}"
        assert plain(told()["cfu-chair-mayor"].title) == title, typed
    # Who ruled while he was not known as the mayor has not ruled on what is found later
    house.save(folder_id, "k.morizur", {"presided_by": "Armel Kervadec"})
    names = set()
    for capacity in ("Adjoint", "Maire"):
        with engine().begin() as connection:
            person = User.__table__
            here = person.c.id == house.actor("a.kervadec").user_id
            connection.execute(sa.update(person).where(here).values(capacity=capacity))
        names |= {one.about for key, one in told().items() if key.startswith("cfu-chair")}
    assert len(names) == 2
    house.save(folder_id, "k.morizur", {"presided_by": "Gaud Le Bras"})
    house.type_annexes(folder_id, "70_DE")
    sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert "Vérifiez que la délibération jointe est signée par Gaud Le Bras" in finance.text(
        f"/dossiers/{folder_id}"
    )
    house.approve(folder_id, "n.abgrallec")
    page = mayor.text(f"/dossiers/{folder_id}")
    assert (
        "« Signature du maire ou de qui a présidé », Armel Kervadec, maire, signerait le compte financier unique"
        in page
    )
    assert "Faites signer Gaud Le Bras, par un circuit qui le demande" in page
    assert "le maire signerait" in mayor.text(f"/lots/{mayor.propose('sign', [folder_id])}")
    warnings = Software(house, "maire", [Right.ACT]).get(f"/folders/{folder_id}").json["warnings"]
    assert {"cfu-chair", "cfu-signature"} <= {one["key"] for one in warnings}
    for one in told().values():
        form = {"version": house.folder(folder_id).version, "about": one.about, "keep": ""}
        clerk.post(f"/dossiers/{folder_id}/trancher", {**form, "word": "Oui."}, status=403)
        mayor.post(f"/dossiers/{folder_id}/trancher", {**form, "word": "Je signe comme ordonnateur."})
    assert told() == {}
    assert "« Je signe comme ordonnateur. »" in mayor.text(f"/dossiers/{folder_id}")


def test_the_schema_of_a_budget_is_a_remark_and_the_newest_known_is_tried_first():
    assert remark(TOTEM) == remark(CFU) == "Suit le schéma 5.30 des budgets."
    newer = TOTEM.replace(b"<NatCEPL", b'<Demain V="1"/><NatCEPL')
    assert "« Demain »" in remark(newer)
    assert "c’est une remarque, la préfecture décide" in remark(newer)
    rows = dict(
        rows_of(read_budget(sealed(TOTEM, (b'ProjetBudget V="false"', b'ProjetBudget V="true"'))), "x")
    )
    assert rows["Schéma"] == "x"
    assert "Transmettez le budget voté" in rows["État"]


def test_what_is_no_budget_is_none_and_what_is_hostile_is_refused():
    assert read_budget(b"<facture/>") is None
    with pytest.raises(Malformed):
        read_budget(b"<!DOCTYPE a [<!ENTITY b 'c'>]><DocumentBudgetaire>&b;</DocumentBudgetaire>")
    with pytest.raises(Malformed):
        read_budget(TOTEM[:200])


def test_bud_03_a_budget_is_declared_as_its_own_file_declares_it(tmp_path):
    """What was typed over is told with the value of the file; what the file does not say binds nobody."""
    channel = open_channel(ActesSettings.inside(tmp_path, folder=tmp_path))
    deliberation = a_file(tmp_path, "attachment", "d.pdf", PDF, type_code="70_DE")
    right = {"siret": "21290999800017", "budget_kind": "Budget primitif", "fiscal_year": 2027}

    def told(raw, **typed):
        files = (a_file(tmp_path, "main", "budget.xml", raw), deliberation)
        facts = {"nature": 5, "matter": "7.1.1", "decision_date": "2026-11-12", **right, **typed}
        found = channel.rehearse(a_parcel(tmp_path, facts=facts, files=files))
        assert {problem.key for problem in found} <= {"A14"}
        return {problem.field: problem.sentence for problem in found}

    assert told(TOTEM) == {}
    typed = {"fiscal_year": 2019, "budget_kind": "Compte administratif", "decision_date": "2026-11-10"}
    over = told(TOTEM, siret="21290999800025", **typed)
    assert set(over) == {"siret", *typed}
    assert "qui dit « 2027 ». Remettez cette valeur, ou remplacez le fichier." in over["fiscal_year"]
    assert "qui dit « 12/11/2026 »" in over["decision_date"]
    foreign = sealed(TOTEM, (b"21290999800017", b"21350001000019"))
    assert "la collectivité a le SIREN 212909998" in told(foreign, siret="21350001000019")["siret"]
    silent = sealed(TOTEM, (b'<DteDec V="2026-11-12"/>', b""), (b'NatDec V="01"', b'NatDec V="77"'))
    assert told(silent, decision_date="2026-11-10", budget_kind="Autre") == {}
    kinds = {"04": "Virement de crédits", "05": "Restes à réaliser", "06": "Délibérations spéciales"}
    for code, words in kinds.items():
        assert read_budget(sealed(TOTEM, (b'NatDec V="01"', f'NatDec V="{code}"'.encode()))).kind == words


@pytest.mark.law("BUD-01", "BUD-02", "BUD-04")
def test_the_days_of_a_budget_and_of_an_account_are_told_when_they_are_not_held():
    """Vote by 15 April, 30 of a year of elections; debate within ten weeks before; account by 30 June."""

    def told(kind, year, voted, population=12_000, today="2027-03-01", **facts):
        known = {"budget_kind": kind, "fiscal_year": year, "decision_date": voted, **facts}
        return {one.key for one in cautions(known, population, date.fromisoformat(today))}

    primary, account = "Budget primitif", "Compte financier unique"
    assert told(primary, 2027, "2027-04-15", orientations_on="2027-02-04") == set()
    assert told(primary, 2027, "2027-04-16", orientations_on="2027-02-05") == {"budget-vote"}
    assert told(primary, 2026, "2026-04-30", orientations_on="2026-03-01", today="2026-05-15") == set()
    assert told(primary, 2026, "2026-05-01", orientations_on="2026-03-01", today="2026-05-16") == {
        "budget-vote",
        "budget-transmission",
    }
    late = told(primary, 2027, "2027-04-01", orientations_on="2027-03-01", today="2027-05-01")
    assert late == {"budget-transmission"}
    in_time = {"orientations_on": "2027-03-01", "received_on_by_state": "2027-04-30", "today": "2027-09-01"}
    assert told(primary, 2027, "2027-04-01", **in_time) == set()
    for debate in ({}, {"orientations_on": "2027-02-03"}, {"orientations_on": "2027-04-15"}):
        assert told(primary, 2027, "2027-04-15", **debate) == {"budget-debate"}
        assert told(primary, 2027, "2027-04-15", population=1_240, **debate) == set()
    assert told(account, 2026, "2027-06-30") == set()
    assert told(account, 2026, "2027-07-01") == {"budget-vote"}
    assert told("Décision modificative", 2027, "2027-11-12") == set()
    assert told(primary, None, None) == set()
