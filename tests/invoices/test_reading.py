"""Every sample invoice is read as its manifest says, and its faults are named in French."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.refusals import Catalogue, Refusal
from app.invoices.reading import Reading, read_invoice, refuse_rejected
from app.invoices.sentences import SENTENCES

ASSETS = Path(__file__).parent.parent / "assets"
SAMPLES = ASSETS / "invoices"
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
    assert read(name).fields == wanted


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


def test_a_missing_currency_is_named_asked_for_and_refused() -> None:
    reading = read("fx-basic-fr-sans-devise.pdf")
    assert reading.missing == ("currency",)
    assert reading.problems[0] == "La devise manque dans les données (règle BR-05)."
    with pytest.raises(Refusal) as caught:
        refuse_rejected(reading)
    catalogue = Catalogue()
    catalogue.add(SENTENCES)
    status, said = catalogue.say(caught.value.key, caught.value.facts)
    assert status == 422
    assert "La devise manque dans les données (règle BR-05)." in said
    assert said.endswith("Demandez au fournisseur une facture corrigée, puis déposez-la.")


def test_an_old_profile_name_is_a_warning_only() -> None:
    reading = read("fx-basic-fr-avoir-381.pdf")
    assert reading.problems == (
        "Le profil est désigné par une ancienne forme d’identifiant : les données restent lisibles.",
    )
    refuse_rejected(reading)


def test_a_siret_told_only_by_a_second_identifier_is_a_hint() -> None:
    reading = read("cii-extended-fr.xml")
    assert "seller_siret" not in reading.fields
    assert reading.hints == {"seller_siret": "12345678200077"}


def test_totals_that_do_not_add_up_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    source = (SAMPLES / "ubl-en16931-fr.xml").read_text()
    path.write_text(source.replace(">308.03<", ">318.03<"))
    reading = read_invoice(path, "application/xml")
    assert reading is not None
    assert reading.verdict == "accept_with_warnings"
    assert reading.problems == (
        "Le total TTC (318,03\u00a0€) n’est pas la somme du HT et de la TVA (308,03\u00a0€).",
    )


def test_an_amount_that_is_no_number_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    source = (SAMPLES / "ubl-en16931-fr.xml").read_text()
    path.write_text(source.replace(">308.03<", ">beaucoup<").replace(">2026-06-17<", ">hier<"))
    reading = read_invoice(path, "application/xml")
    assert reading is not None
    assert reading.verdict == "reject"
    assert "issue_date" in reading.missing


def test_an_invoice_with_a_doctype_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<!DOCTYPE a><a/>")
    with pytest.raises(Refusal) as caught:
        read_invoice(path, "application/xml")
    assert caught.value.key == "xml-doctype"
