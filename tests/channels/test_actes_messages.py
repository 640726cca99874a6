"""What the channel writes is what the samples say, byte for byte, and what the schema accepts."""

import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from app.channels.actes.act import Act
from app.channels.actes.envelope import (
    Account,
    Contact,
    read_envelope,
    service_of,
    write_envelope,
    write_return_envelope,
)
from app.channels.actes.message import read_message, transliterate, untranslatable, write_message
from app.channels.actes.naming import (
    act_identifier,
    archive_name,
    document_name,
    envelope_name,
    message_name,
    normalise_number,
    read_name,
    return_envelope_name,
)
from app.channels.actes.xmltree import SHIPPED, Malformed, complaint, parse
from demo.prefecture import answers
from workflows.acts.numbers import next_number

SAMPLES = Path(__file__).parents[1] / "assets" / "actes"
IDENTIFIER = "029-212909998-20261201-2026_057-DE"
CLASSIFIED = date(2019, 4, 18)
ACT = (SAMPLES / "messages" / f"{IDENTIFIER}-1-1_0.xml").read_bytes()


def sample(name: str) -> bytes:
    return (SAMPLES / "messages" / name).read_bytes()


def element(raw: bytes):
    return parse(raw).getroot()


def xmllint(raw: bytes, folder: Path) -> str:
    file = folder / "message.xml"
    file.write_bytes(raw)
    command = [
        "xmllint",
        "--nonet",
        "--noout",
        "--schema",
        str(SHIPPED / "2018" / "actesv1_1.xsd"),
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else "valid"


def test_the_message_of_an_act_is_the_sample_byte_for_byte():
    act, document, annexes, count = read_message(element(ACT))
    assert count == len(annexes) == 2
    assert write_message(act, document, annexes, CLASSIFIED) == ACT


def test_the_envelope_is_the_sample_byte_for_byte():
    raw = sample("TACT--212909998--20261202-1.xml")
    assert write_envelope(read_envelope(element(raw))) == raw


def test_the_three_answers_and_the_return_envelope_are_the_samples_byte_for_byte():
    day, act = date(2026, 12, 2), element(ACT)
    assert answers.write_receipt(act, IDENTIFIER, day, CLASSIFIED) == sample(f"{IDENTIFIER}-1-2_0.xml")
    refused = sample("029-212909998----1-3_1.xml")
    old = element(ACT.replace(b"2019-04-18", b"2018-11-28"))
    detail = "ODT-VERIF-01 : date de classification dépassée"
    assert answers.write_anomaly(old, "002", detail, day, CLASSIFIED) == refused
    envelope = element(sample("TACT--212909998--20261202-1.xml"))
    detail = "PREF-VERIF-02 : SIREN non enregistré"
    assert answers.write_envelope_anomaly(envelope, "005", detail, day) == sample(
        "ANO_TACT--212909998--20261202-1.xml"
    )
    contact = Contact("Bureau du contrôle de légalité", "0200000001", "legalite@pref.example.org")
    account = Account("212909998", "029", "1", "31")
    back = write_return_envelope(account, contact, (f"{IDENTIFIER}-1-2_0.xml",))
    assert back == sample("TACT--SPREF0291-212909998-20261202-4.xml")


def test_what_is_written_is_valid_for_lxml_and_for_xmllint(tmp_path):
    act = Act(
        "2026_113",
        date(2026, 12, 29),
        5,
        (7, 10),
        "Reprise d’un « œuvre » à 12 €…",
        paper=True,
        previous=IDENTIFIER,
    )
    raw = write_message(act, f"99_BU-{IDENTIFIER}-1-1_1.xml", (), CLASSIFIED)
    assert complaint(parse(raw)) is None
    assert xmllint(raw, tmp_path) == "valid"
    assert "<actes:Objet>Reprise d'un « oeuvre » à 12 EUR...</actes:Objet>".encode("latin-1") in raw
    assert b'<?xml version="1.0" encoding="ISO-8859-1"?>' in raw
    assert read_message(element(raw))[0] == replace(
        act, subject=transliterate(act.subject), classified_on=CLASSIFIED
    )


def test_a_message_the_schema_refuses_is_never_written():
    act = Act("2026_113", date(2026, 12, 29), 1, (7, 10), "Objet", previous="pas un identifiant")
    with pytest.raises(ValueError, match="IDActe"):
        write_message(act, "99_DE-x.pdf", (), CLASSIFIED)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("cœur d’été", "coeur d'été"),
        ("Œuvres — « vœux »", "OEuvres - « voeux »"),
        ("12\u202f000\u00a0€", "12 000 EUR"),
        ("Pleyber-Krist, Kervoazoù, cʼhoari", "Pleyber-Krist, Kervoazoù, c'hoari"),
        ("e\u0301te\u0301", "été"),
        ("Łódź, Ÿves, “ok”…", 'Łódz, Yves, "ok"...'),
    ],
)
def test_a_subject_is_transliterated_in_sight(written, sent):
    assert transliterate(written) == sent


def test_a_letter_without_equivalent_is_named_and_never_becomes_a_question_mark():
    assert untranslatable("Fête 🎉 du 港") == ("🎉", "港")
    assert "?" not in transliterate("Fête 🎉 du 港")


@pytest.mark.parametrize(
    "hostile",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a><b></a>",
        b'<?xml version="1.0" encoding="UTF-8"?><a>\xe9</a>',
        b"",
    ],
)
def test_xml_that_may_not_be_read_is_refused(hostile):
    with pytest.raises(Malformed):
        parse(hostile)


def test_names_follow_the_grammar_and_are_read_back():
    assert act_identifier("029", "212909998", date(2026, 12, 1), "2026_057", 1) == IDENTIFIER
    assert message_name(IDENTIFIER, "1-1") == f"{IDENTIFIER}-1-1_0.xml"
    assert document_name("99_DE", IDENTIFIER, 1, "pdf") == f"99_DE-{IDENTIFIER}-1-1_1.pdf"
    name = read_name(f"21_RP-{IDENTIFIER}-1-1_12.png")
    assert (name.type_code, name.number, name.index, name.extension) == ("21_RP", "2026_057", 12, "png")
    assert read_name("029-212909998----1-3_5279.xml").number is None
    envelope = envelope_name("TACT", "212909998", date(2026, 12, 2), 1)
    assert envelope == "TACT--212909998--20261202-1.xml"
    assert archive_name("PRF", envelope) == "PRF-TACT--212909998--20261202-1.tar.gz"
    service = service_of(Account("212909998", "029", "1", "31"))
    assert (
        return_envelope_name("TACT", service, "212909998", date(2026, 12, 2), 4)
        == "TACT--SPREF0291-212909998-20261202-4.xml"
    )
    for bad in (
        "../x.xml",
        "0|9-212909998-20261201-1-DE-1-1_0.xml",
        f"{IDENTIFIER}-8-1_0.xml",
        f"{IDENTIFIER}-1-1_0.exe",
    ):
        assert read_name(bad) is None


def test_the_day_of_a_name_is_the_calendar_s_around_new_year():
    # Week-years would write 2027 for the 29th of December 2026… and 2026 for the 1st of January 2027.
    assert "20261229" in act_identifier("029", "212909998", date(2026, 12, 29), "1", 1)
    assert "20270101" in act_identifier("029", "212909998", date(2027, 1, 1), "1", 1)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("2026-057", "2026_057"),
        (" 2026/057 bis ", "2026_057_BIS"),
        ("a", "A"),
        ("__7__", "7"),
        ("2026.12-3", "2026_12_3"),
        ("–", ""),
    ],
)
def test_a_number_is_normalised(typed, sent):
    assert normalise_number(typed) == sent


def test_the_number_to_use_after_a_taken_one():
    assert next_number("2026_057") == "2026_057_1"
    assert next_number("2026_057_1") == "2026_057_2"
