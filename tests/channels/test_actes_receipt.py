"""Whatever comes back is read as far as it can be, and its bytes are kept."""

from datetime import date
from pathlib import Path

import pytest

from app.channels.actes.receipt import read_receipt

SAMPLES = Path(__file__).parents[1] / "assets" / "actes"
IDENTIFIER = "029-212909998-20261201-2026_057-DE"
RECEIPT = (SAMPLES / "messages" / f"{IDENTIFIER}-1-2_0.xml").read_bytes()


@pytest.mark.law("TRA-10")
def test_a_receipt_says_its_act_and_its_day():
    read = read_receipt(RECEIPT)
    assert (read.code, read.identifier, read.received_on) == ("1-2", IDENTIFIER, date(2026, 12, 2))
    assert read.conforming
    assert read.raw == RECEIPT
    assert read.concerns(IDENTIFIER, "212909998", "2026_057")
    assert not read.concerns("029-212909998-20261201-2026_058-DE", "212909998", "2026_058")


def test_the_answers_of_s2low_are_read_with_what_surrounds_them():
    read = read_receipt((SAMPLES / "s2low" / "status-4-ar.txt").read_bytes())
    assert (read.code, read.identifier) == ("1-2", IDENTIFIER)
    refused = read_receipt((SAMPLES / "s2low" / "status-moins1.txt").read_bytes())
    assert refused.code == "ANO"
    assert refused.reason == "005 : PREF-VERIF-02 : SIREN non enregistré"
    assert refused.said_after.startswith("Enveloppe rejetée par le ministère")


def test_a_refusal_without_identifier_is_matched_by_number():
    read = read_receipt((SAMPLES / "messages" / "029-212909998----1-3_1.xml").read_bytes())
    assert (read.code, read.identifier, read.received_on) == ("1-3", None, date(2026, 12, 2))
    assert "ODT-VERIF-01" in read.reason
    assert read.concerns(IDENTIFIER, "212909998", "2026_057")
    assert not read.concerns(IDENTIFIER, "212909998", "2026_058")


def test_the_act_corrected_by_a_refused_one_is_not_taken_for_it():
    raw = (SAMPLES / "messages" / "029-212909998----1-3_1.xml").read_bytes()
    other = b'<actes:PrecedentIdentifiantActe actes:IDActe="029-212909998-20260101-2026_001-DE"/>'
    read = read_receipt(raw.replace(b"</actes:Objet>", b"</actes:Objet>" + other))
    assert read.identifier is None
    assert read.conforming


def test_utf8_stored_under_a_latin_declaration_is_repaired():
    raw = (SAMPLES / "s2low" / "status-moins1.txt").read_bytes()
    cut = raw.rindex(b"Enveloppe rejet")
    mixed = raw[:cut].decode("latin-1").encode() + raw[cut:]
    read = read_receipt(mixed)
    assert read.reason == "005 : PREF-VERIF-02 : SIREN non enregistré"
    assert read.said_after.startswith("Enveloppe rejetée")
    assert read.raw == mixed


@pytest.mark.parametrize(
    "spoiled",
    [
        RECEIPT.replace(
            b"<actes:ClassificationDateVersionEnCours>2019-04-18</actes:ClassificationDateVersionEnCours>",
            b"",
        ),
        RECEIPT.replace(b"actes:ActeRecu", b"actes:Acte"),
        RECEIPT.replace(b"ISO-8859-1", b"windows-1252").replace(b"actes:ActeRecu", b"actes:Acte"),
        RECEIPT.replace(b"ISO-8859-1", b"UTF-8"),
        RECEIPT.replace(b"actes:", b"").replace(b"xmlns:actes", b"xmlns"),
        RECEIPT[:700],
        RECEIPT.replace(b"<actes:Annexes", b"<actes:Annexes<"),
    ],
)
def test_a_receipt_that_no_schema_accepts_is_not_lost(spoiled):
    read = read_receipt(spoiled)
    assert (read.code, read.identifier, read.received_on) == ("1-2", IDENTIFIER, date(2026, 12, 2))
    assert not read.conforming
    assert read.raw == spoiled


@pytest.mark.parametrize(
    "raw", [b"", b"\0\xff", b"<html><body>Connexion</body></html>", b"KO\nNum\xe9ro invalide", b"<"]
)
def test_what_is_no_answer_has_no_code_and_keeps_its_bytes(raw):
    read = read_receipt(raw)
    assert read.code is None
    assert not read.conforming
    assert read.raw == raw


def test_no_entity_is_expanded_and_no_file_is_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("confidentiel")
    doctype = f'<!DOCTYPE x [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'.encode()
    raw = RECEIPT.replace(b"?>\n", b"?>\n" + doctype, 1).replace(
        b'2026_057" actes:Code', b'2026_057" actes:Code'
    )
    raw = raw.replace(b"<actes:Objet>", b"<actes:Objet>&s;")
    read = read_receipt(raw)
    assert read.identifier == IDENTIFIER
    assert not read.conforming
    assert "confidentiel" not in repr(read)
