"""Every message between a collectivity and its Préfecture: written as the samples, read in any state."""

import subprocess
from datetime import date
from pathlib import Path

import pytest

from app.channels.actes.archive import read_archive
from app.channels.actes.envelope import read_envelope
from app.channels.actes.exchanges import (
    FORMS,
    Exchange,
    read_classification_date,
    read_exchange,
    write_classification_request,
    write_classification_unchanged,
    write_exchange,
)
from app.channels.actes.receipt import read_receipt
from app.channels.actes.tolerant import ROOTS, open_message
from app.channels.actes.xmltree import SHIPPED, complaint, parse

SAMPLES = Path(__file__).parents[1] / "assets" / "actes"
MESSAGES = sorted((SAMPLES / "messages").glob("*.xml"))
ACT = "029-212909998-20261201-2026_057-DE"
LETTER, BACK, FILED = date(2026, 12, 10), date(2026, 12, 14), date(2027, 1, 20)
SAID = {
    "2-1": Exchange("2-1", ACT, LETTER, files=(f"{ACT}-2-1_1.pdf",)),
    "2-2": Exchange("2-2", ACT, LETTER, files=(f"99_DE-{ACT}-2-2_1.pdf",)),
    "3-1": Exchange(
        "3-1",
        ACT,
        LETTER,
        free_text="Merci de transmettre les statuts et le budget prévisionnel.",
        files=(f"{ACT}-3-1_1.pdf",),
    ),
    "3-2": Exchange("3-2", ACT, LETTER),
    "3-3": Exchange("3-3", ACT, LETTER, files=(f"99_DE-{ACT}-3-3_1.pdf",)),
    "3-4": Exchange("3-4", ACT, LETTER, files=(f"99_DE-{ACT}-3-4_1.pdf", f"21_RP-{ACT}-3-4_2.pdf")),
    "3-5": Exchange("3-5", ACT, LETTER, BACK),
    "4-1": Exchange("4-1", ACT, LETTER, free_text="Quorum non mentionné.", files=(f"{ACT}-4-1_1.pdf",)),
    "4-2": Exchange("4-2", ACT, LETTER),
    "4-3": Exchange("4-3", ACT, LETTER, files=(f"99_DE-{ACT}-4-3_1.pdf",)),
    "4-4": Exchange("4-4", ACT, LETTER, files=(f"99_DE-{ACT}-4-4_1.pdf",)),
    "4-5": Exchange("4-5", ACT, LETTER, BACK),
    "5-1": Exchange("5-1", ACT, FILED, free_text="Incompétence", files=(f"{ACT}-5-1_1.pdf",)),
    "6-1": Exchange("6-1", ACT),
    "6-2": Exchange("6-2", ACT, received_on=date(2026, 12, 3)),
}


def sample(code: str) -> bytes:
    return (SAMPLES / "messages" / f"{ACT}-{code}_0.xml").read_bytes()


def fields(read) -> tuple:
    return (read.code, read.identifier, read.dated_on, read.received_on, read.free_text, read.files)


def said(code: str) -> tuple:
    one = SAID[code]
    return (one.code, one.identifier, one.dated_on, one.received_on, one.free_text, one.files)


def test_the_table_of_messages_is_the_one_of_the_schema():
    assert set(SAID) == set(FORMS)
    assert set(ROOTS.values()) == {*FORMS, "1-1", "1-2", "1-3", "7-1", "7-2", "7-3", "ANO"}


@pytest.mark.parametrize("code", sorted(FORMS))
def test_each_message_says_what_its_sample_says_and_both_validators_accept_it(code, tmp_path):
    written = write_exchange(SAID[code])
    assert written.split(b"?>")[0].endswith(b'encoding="ISO-8859-1"')
    assert fields(read_exchange(written)) == fields(read_exchange(sample(code))) == said(code)
    assert read_exchange(sample(code)).conforming
    assert complaint(parse(written)) is None
    path = tmp_path / "message.xml"
    path.write_bytes(written)
    schema = SHIPPED / "2018" / "actesv1_1.xsd"
    done = subprocess.run(
        ["/usr/bin/xmllint", "--nonet", "--noout", "--schema", str(schema), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.name)
def test_every_sample_of_a_message_or_envelope_is_read(path):
    raw = path.read_bytes()
    opened = open_message(raw)
    assert opened.sound
    if "Enveloppe" in str(opened.top.tag) and opened.code is None:
        if "MISILLCL" not in str(opened.top.tag):
            assert read_envelope(opened.top).account.siren == "212909998"
        return
    expected = "ANO" if path.name.startswith("ANO_") else path.stem.rsplit("_", 1)[0][-3:]
    assert opened.code == expected
    if expected in FORMS:
        assert fields(read_exchange(raw)) == said(expected)


def test_the_classification_is_asked_and_answered_in_the_schema_s_words():
    asked, same = (
        write_classification_request(date(2019, 4, 18)),
        write_classification_unchanged(date(2019, 4, 18)),
    )
    assert read_classification_date(asked) == ("7-1", date(2019, 4, 18))
    assert read_classification_date(same) == ("7-3", date(2019, 4, 18))
    assert read_classification_date(write_classification_request(None)) == ("7-1", None)
    for raw in (asked, same):
        assert complaint(parse(raw)) is None
    for code in ("7-1", "7-2", "7-3"):
        path = next((SAMPLES / "messages").glob(f"029-212909998----{code}_*.xml"))
        assert read_classification_date(path.read_bytes()) == (code, date(2019, 4, 18))


@pytest.mark.parametrize("path", sorted((SAMPLES / "archives").glob("*.tar.gz")), ids=lambda path: path.name)
def test_every_sample_of_an_archive_is_opened(path):
    members = read_archive(path, 1 << 20)
    codes = {open_message(one.content).code for one in members if one.content is not None}
    assert codes & {"1-1", "6-1", "7-1"}


def test_a_receipt_of_a_reply_or_of_a_cancellation_names_its_act():
    for code in ("3-5", "4-5", "6-2"):
        read = read_receipt(sample(code))
        assert (read.code, read.identifier, read.number) == (code, ACT, "2026_057")
        assert read.received_on == SAID[code].received_on


def test_a_letter_is_read_with_other_prefixes_orders_and_encodings():
    raw = sample("3-1").decode("latin-1")
    renamed = raw.replace("actes:", "a:").replace("xmlns:actes", "xmlns:a")
    swapped = raw.replace(f' actes:IDActe="{ACT}" actes:DateCourrierPref="2026-12-10"', "").replace(
        "<actes:DemandePieceComplementaire ",
        f'<actes:DemandePieceComplementaire actes:DateCourrierPref="2026-12-10" actes:IDActe="{ACT}" ',
    )
    bare = raw.replace("actes:IDActe=", "IDActe=").replace("actes:DateCourrierPref=", "DateCourrierPref=")
    mixed = raw.encode()  # UTF-8 under a declaration of ISO-8859-1
    for one in (renamed.encode("latin-1"), swapped.encode("latin-1"), bare.encode("latin-1"), mixed):
        assert fields(read_exchange(one)) == said("3-1"), one
    assert not read_exchange(bare.encode("latin-1")).conforming


def test_what_is_glued_around_a_message_is_set_apart():
    for code in ("6-2", "3-2", "4-1"):
        glued = b"OK\n4\n" + sample(code) + "Message reçu".encode("latin-1")
        read = read_exchange(glued)
        assert fields(read) == said(code)
        assert (read.conforming, read.raw) == (True, glued)
        assert open_message(glued).said_after == "Message reçu"


@pytest.mark.parametrize("spoiled", [b"", b"<html><body>Login</body></html>", b"\x00\xff", sample("1-1")])
def test_what_is_no_exchange_keeps_its_bytes_and_has_no_code(spoiled):
    read = read_exchange(spoiled)
    assert (read.code, read.raw) == (None, spoiled)


def test_a_hostile_letter_expands_nothing_and_conforms_to_nothing():
    raw = (
        sample("4-1")
        .decode("latin-1")
        .replace("<actes:Lettre", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><actes:Lettre', 1)
    )
    read = read_exchange(raw.replace("Quorum", "&e;Quorum").encode("latin-1"))
    assert not read.conforming
    assert "Quorum non mentionné." in (read.free_text or "")
    assert Path("/etc/hostname").read_text().strip() not in (read.free_text or "")


def test_a_message_without_its_date_or_with_too_many_documents_is_never_written():
    for wrong in (Exchange("3-2", ACT), Exchange("2-2", ACT, LETTER, files=("a.pdf", "b.pdf"))):
        with pytest.raises(ValueError, match="date|one document"):
            write_exchange(wrong)
