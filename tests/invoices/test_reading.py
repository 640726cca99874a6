"""Every sample invoice is read as its manifest says, and its faults are named in French."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.core.refusals import Refusal
from app.core.sirene import good_siret
from app.invoices.checks import good_iban
from app.invoices.plugs import read_facts
from app.invoices.reading import Reading, look_into, read_invoice

ASSETS = Path(__file__).parent.parent / "assets"
SAMPLES = ASSETS / "invoices"
GOOD = "FR7630001007941234567890185"
ENTRIES: list[dict[str, Any]] = json.loads((SAMPLES / "manifest.json").read_text())["files"]
BY_NAME = {entry["file"]: entry for entry in ENTRIES}
OURS = {"seller": "seller_name", "buyer": "buyer_name"}
FIELDS = (
    "number", "issue_date", "due_date", "seller", "seller_siret", "seller_siren", "seller_vat", "buyer", "currency",
    "total_ht", "total_vat", "total_ttc", "prepaid", "payable", "order_ref", "buyer_reference", "contract_ref", "iban",
    "type_code",
)  # fmt: skip


def read(name: str) -> Reading:
    media = "application/pdf" if name.endswith(".pdf") else "application/xml"
    reading = read_invoice(SAMPLES / name, media)
    assert reading is not None
    return reading


@pytest.mark.parametrize("name", BY_NAME)
def test_every_field_of_the_manifest_is_read_and_nothing_else(name: str) -> None:
    expected = BY_NAME[name]["fields"]
    wanted = {key: expected[OURS.get(key, key)] for key in FIELDS if expected[OURS.get(key, key)] is not None}
    assert {key: value for key, value in read(name).fields.items() if key != "preceding"} == wanted


@pytest.mark.parametrize("name", BY_NAME)
def test_the_verdict_is_that_of_the_manifest(name: str) -> None:
    reading, entry = read(name), BY_NAME[name]
    assert reading.verdict == entry["expect"]
    assert bool(reading.problems) is bool(entry["problems"])
    assert ("schéma" in " ".join(reading.problems)) is (entry["xsd_check"] != "valid")


@pytest.mark.parametrize("name", BY_NAME)
def test_the_lines_are_shown(name: str) -> None:
    shown = [label for label, _ in read(name).rows if label.startswith("Ligne ")]
    assert len(shown) == BY_NAME[name]["fields"]["line_count"]


@pytest.mark.parametrize(
    ("name", "syntax", "profile"),
    [
        ("fx-minimum-dom-facture.pdf", "Factur-X", "MINIMUM"),
        ("fx-basicwl-fr-facture.pdf", "Factur-X", "BASIC WL"),
        ("fx-basic-fr-ok.pdf", "Factur-X", "BASIC"),
        ("fx-en16931-fr-avec-piece-jointe.pdf", "Factur-X", "EN 16931"),
        ("fx-extended-de-marchandises.pdf", "Factur-X", "EXTENDED"),
        ("cii-extended-fr.xml", "CII", "EXTENDED"),
        ("ubl-en16931-fr.xml", "UBL", "EN 16931"),
        ("ubl-avoir.xml", "UBL", "EN 16931"),
    ],
)
def test_syntax_and_profile_are_recognised(name: str, syntax: str, profile: str) -> None:
    reading = read(name)
    assert (reading.syntax, reading.profile) == (syntax, profile)


@pytest.mark.law("INV-25")
def test_the_xml_is_kept_as_received() -> None:
    import hashlib

    for entry in ENTRIES:
        reading = read(entry["file"])
        if entry["container"] == "pdf":
            assert hashlib.sha256(reading.xml).hexdigest() == entry["xml_sha256"]
            assert reading.xml_name in {one["name"] for one in entry["attachments"]}
        else:
            assert reading.xml == (SAMPLES / entry["file"]).read_bytes()


def test_a_scan_and_a_deliberation_hold_no_invoice() -> None:
    for name in ("facture-scannee-FA-2026-1187.pdf", "deliberation-2026-057-subvention.pdf"):
        assert read_invoice(ASSETS / "acts" / name, "application/pdf") is None


def test_another_xml_is_no_invoice(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<Invoice><ID>1</ID></Invoice>")
    assert read_invoice(path, "application/xml") is None


def test_a_missing_currency_is_told_asked_for_and_refuses_nothing() -> None:
    reading = read("fx-basic-fr-sans-devise.pdf")
    assert reading.missing == ("currency",)
    assert reading.problems[0] == "La devise manque dans les données (règle BR-05)."
    facts = read_facts(SAMPLES / "fx-basic-fr-sans-devise.pdf", "application/pdf")
    assert facts is not None
    assert (facts.fields["total_ttc"], "currency" in facts.fields) == ("3042.00", False)
    told = {one.sentence for one in facts.doubts}
    assert set(reading.problems) <= told
    assert "Les données ne respectent pas le schéma de leur profil : élément « ApplicableTradeTax »." in told


def attached(room: Path, *files: tuple[str, bytes]) -> Path:
    """A PDF page that carries these files."""
    import pikepdf

    path = room / "facture.pdf"
    with pikepdf.open(ASSETS / "acts" / "facture-scannee-FA-2026-1187.pdf") as pdf:
        for name, data in files:
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)
        pdf.save(path)
    return path


def test_what_is_unusual_in_the_files_of_a_pdf_is_said(tmp_path: Path) -> None:
    good = (SAMPLES / "cii-extended-fr.xml").read_bytes()
    other = good.replace(b"F20260023", b"F20260024").replace(b">104.90<", b">9.99<")
    old = b'<a:CrossIndustryDocument xmlns:a="urn:ferd:CrossIndustryDocument:invoice:1p0"/>'
    wrong = good.replace(b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100", b"urn:autre")
    for files, number, words in (
        ([("factur-x.xml", good)], "F20260023", ""),
        ([("factur-x.xml", good), ("notice.xml", b"<notice/>")], "F20260023", ""),
        ([("ma-facture.xml", good)], "F20260023", "nom inhabituel, « ma-facture.xml »"),
        ([("copie.xml", other), ("factur-x.xml", good)], "F20260023", "« copie.xml » dit n° F20260024, 9.99"),
        ([("ZUGFeRD-invoice.xml", old)], "", "ne sont pas d’une facture connue"),
        ([("factur-x.xml", good[:-20])], "", "« factur-x.xml » sont illisibles"),
        ([("factur-x.xml", wrong)], "", "ne portent pas le vocabulaire d’une facture connue"),
        ([("factur-x.xml", b"\x00\xff\x00")], "", "« factur-x.xml » sont illisibles"),
    ):
        reading, doubts = look_into(attached(tmp_path, *files), "application/pdf")
        assert (reading.fields.get("number", "") if reading else "") == number, files[0][0]
        doubts += reading.problems if reading else ()
        assert bool(doubts) is bool(words), doubts
        assert words in " ".join(doubts)
    for hostile in (b"<!DOCTYPE a><a/>", b"<a>" * 200 + b"</a>" * 200):
        with pytest.raises(Refusal):
            look_into(attached(tmp_path, ("factur-x.xml", hostile)), "application/pdf")


@pytest.mark.law("INV-22")
def test_what_does_not_hold_together_is_said_and_stops_nobody(tmp_path: Path) -> None:
    source = (SAMPLES / "cii-extended-fr.xml").read_text()
    path = tmp_path / "a.xml"

    def odd(before: str, after: str) -> str:
        assert before in source, before
        path.write_text(source.replace(before, after))
        reading = read_invoice(path, "application/xml")
        assert reading is not None
        return " ".join(reading.oddities)

    assert "Le bénéficiaire du paiement, PAYEE NAME, n’est pas le vendeur" in odd("LE CLIENT", "LE CLIENT")
    assert "La clé RIB de l’IBAN" in odd("LE CLIENT", "LE CLIENT")
    source = source.replace("PAYEE NAME", "LE FOURNISSEUR").replace("FR20 1254 2547 2569 8542 5874 698", GOOD)
    assert odd("LE CLIENT", "LE CLIENT") == ""
    due = "DuePayableAmount>104.90<"
    assert odd(due, "DuePayableAmount>1049.00<").replace("\u202f", " ").replace("\u00a0", " ") == (
        "Le net à payer est de 1 049,00 € : le total TTC est de 104,90 € et rien n’y est dit déjà payé (règle BR-CO-16)."
    )
    assert odd("TotalPrepaidAmount>0.00", "TotalPrepaidAmount>4.90").endswith(
        "moins 4,90\xa0€ déjà payés (règle BR-CO-16)."
    )
    assert "La clé de l’IBAN" in odd(GOOD, "FR8530001007941234567890185")
    assert "n’est pas écrite comme son format" in odd(
        f'format="102">{_first_date(source)}', 'format="102">2026-11-03'
    )


def _first_date(source: str) -> str:
    found = re.search(r'format="102">(\d{8})<', source)
    assert found
    return found[1]


def test_what_is_wrong_and_changes_nothing_is_a_remark_and_the_rest_a_caution() -> None:
    """INV-25: no fault that is found is kept from who decides."""
    media = {".pdf": "application/pdf", ".xml": "application/xml"}
    for name, remark, caution in (
        ("fx-basic-fr-ok.pdf", "La clé du numéro de TVA", ""),
        ("fx-basicwl-fr-facture.pdf", "La clé du SIRET", ""),
        ("cii-en16931-acompte.xml", "La clé de l’IBAN", "La facture porte d’autres comptes"),
        ("fx-minimum-dom-facture.pdf", "La clé du SIRET", "Le net à payer"),
    ):
        facts = read_facts(SAMPLES / name, media[Path(name).suffix])
        assert facts is not None
        for words, told in ((remark, facts.remarks), (caution, [one.sentence for one in facts.doubts])):
            assert [one.startswith(words) for one in told].count(True) == (1 if words else len(told)), (
                name,
                told,
            )


def test_a_french_seller_without_siret_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    source = (SAMPLES / "ubl-en16931-fr.xml").read_text()
    for scheme, vat, lacks in (
        ("0002", "FR11999999998", False),
        ("0060", "FR11999999998", True),
        ("0060", "DE811907980", False),
    ):
        path.write_text(
            re.sub(r'schemeID="000[29]"', f'schemeID="{scheme}"', source).replace("FR11999999998", vat)
        )
        reading = read_invoice(path, "application/xml")
        assert reading is not None
        assert ("BR-CO-26" in " ".join(reading.oddities)) is lacks, (scheme, vat)


def test_keys_of_accounts_and_establishments() -> None:
    for iban, good in (
        ("FR7630001007941234567890185", True),
        ("FR7630001007941234567890186", False),
        ("FR", False),
    ):
        assert good_iban(iban) is good
    for siret, good in (("21290999800016", True), ("21290999800017", False), ("35600000049837", True)):
        assert good_siret(siret) is good


def test_an_old_profile_name_is_a_warning_only() -> None:
    reading = read("fx-basic-fr-avoir-381.pdf")
    assert reading.problems == (
        "Le profil est désigné par une ancienne forme d’identifiant : les données restent lisibles.",
    )


def test_a_siret_told_only_by_a_second_identifier_is_a_hint() -> None:
    reading = read("cii-extended-fr.xml")
    assert "seller_siret" not in reading.fields
    assert reading.hints["seller_siret"] == "12345678200077"


def test_totals_that_do_not_add_up_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    source = (SAMPLES / "ubl-en16931-fr.xml").read_text()
    path.write_text(source.replace(">308.03<", ">318.03<"))
    reading = read_invoice(path, "application/xml")
    assert reading is not None
    assert reading.verdict == "accept_with_warnings"
    assert reading.problems == (
        "Le total TTC (318,03\u00a0€) n’est pas la somme du HT et de la TVA (308,03\u00a0€) (règle BR-CO-15).",
    )


def test_an_amount_that_is_no_number_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    source = (SAMPLES / "ubl-en16931-fr.xml").read_text()
    path.write_text(source.replace(">308.03<", ">beaucoup<").replace(">2026-06-17<", ">hier<"))
    reading = read_invoice(path, "application/xml")
    assert reading is not None
    assert reading.verdict == "reject"
    assert "issue_date" in reading.missing


def test_a_text_that_no_form_would_take_is_left_and_told_and_the_invoice_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    source = (SAMPLES / "ubl-en16931-fr.xml").read_text()
    number = BY_NAME["ubl-en16931-fr.xml"]["fields"]["number"]
    path.write_text(source.replace(f"<cbc:ID>{number}<", f"<cbc:ID>{'F' * 9_000}<", 1))
    reading = read_invoice(path, "application/xml")
    assert reading is not None
    assert "number" not in reading.fields
    assert reading.fields["seller"]
    assert (
        f"Numéro : « {'F' * 40}… » a 9000 signes, c’est trop long : rien n’en a été repris."
        in reading.problems
    )


@pytest.mark.law("INV-24")
def test_an_invoice_with_a_doctype_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<!DOCTYPE a><a/>")
    with pytest.raises(Refusal) as caught:
        read_invoice(path, "application/xml")
    assert caught.value.key == "xml-doctype"
