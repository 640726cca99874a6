"""XML is read without DOCTYPE, entity, network or surprise of encoding, or it is refused."""

import io
import time

import pytest

from app.core.refusals import Refusal
from app.files import xml
from app.files.xml import XmlFacts, check_xml, parse_xml


def check(data: bytes) -> XmlFacts:
    return check_xml(io.BytesIO(data), "a.xml")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"<a/>", "utf-8"),
        (b"\xef\xbb\xbf<a/>", "utf-8"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>été</a>'.encode("latin-1"), "latin-1"),
        ('<?xml version="1.0" encoding="ISO-8859-15"?><a>5 €</a>'.encode("iso-8859-15"), "iso-8859-15"),
        ('<?xml version="1.0" encoding="UTF-16"?><a>été</a>'.encode("utf-16"), "utf-16-le"),
        ("<a>été</a>".encode("utf-16"), "utf-16-le"),
    ],
)
def test_the_encodings_of_administrations_are_read(data: bytes, encoding: str) -> None:
    facts = check(data)
    assert (facts.root, facts.encoding, facts.elements) == ("a", encoding, 1)


def test_accents_survive_in_each_encoding() -> None:
    text = '<?xml version="1.0" encoding="{}"?><a>Kerlann délibère</a>'
    for encoding in ("UTF-8", "ISO-8859-1", "UTF-16"):
        assert parse_xml(text.format(encoding).encode(encoding), "a.xml").text == "Kerlann délibère"


def test_a_comment_or_a_text_may_speak_of_doctype() -> None:
    assert check(b"<!-- <!DOCTYPE a> --><?p <!DOCTYPE?><a><![CDATA[<!DOCTYPE a>]]></a>").root == "a"


def test_the_line_of_a_fault_is_told() -> None:
    with pytest.raises(Refusal) as caught:
        check(b"<a>\n<b>\n</a>")
    assert (caught.value.key, caught.value.facts["line"]) == ("xml-malformed", 3)


@pytest.mark.parametrize("declared", ["UTF-7", "UTF-32", "IBM037", "x-inconnu"])
def test_an_encoding_in_which_a_doctype_could_hide_is_refused(declared: str) -> None:
    with pytest.raises(Refusal) as caught:
        check(f'<?xml version="1.0" encoding="{declared}"?><a/>'.encode())
    assert (caught.value.key, caught.value.facts["declared"]) == ("xml-encoding", declared)


def test_a_mark_and_a_declaration_that_disagree_are_refused() -> None:
    with pytest.raises(Refusal) as caught:
        check(b'\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
    assert caught.value.key == "xml-encoding"


def test_a_size_beyond_the_limit_is_refused_before_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(Refusal) as caught:
        check(b"<a>" + b" " * 1024 * 1024 + b"</a>")
    assert (caught.value.key, caught.value.facts["limit"]) == ("xml-too-large", "1 Mo")


def test_a_large_plain_xml_is_read_quickly() -> None:
    data = b"<a>" + b"<b>12</b>" * 300_000 + b"</a>"
    start = time.monotonic()
    assert check(data).elements == 300_001
    assert time.monotonic() - start < 10


def test_an_undefined_entity_is_a_fault_and_never_fetched() -> None:
    with pytest.raises(Refusal) as caught:
        check(b"<a>&x;</a>")
    assert caught.value.key == "xml-malformed"
