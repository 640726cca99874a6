"""What replaces two slow functions of the libraries answers what they answer, refusals included."""

import io

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError

from app.signing import quicker

STRINGS = {
    "empty": b"<>",
    "short": b"<48656c6c6f>",
    "upper and lower": b"<4aBcDe>",
    "a container in its hole": b"<3082" + b"0f1e" * 9000 + b"0" * 12000 + b">",
    "ends with a piece": b"<" + b"41" * 63 + b"a>",
    "its end begins a piece": b"<" + b"41" * 64 + b">",
    "an odd count": b"<414>",
    "spread over lines": b"<41 42\r\n43\t\f\x0044>",
    "a pair cut in two": b"<4 1>",
    "UTF-16": b"<feff00e9>",
    "UTF-8": b"<efbbbfc3a9>",
    "another sign": b"<41g2>",
    "a vertical tab is no white space": b"<41\x0b42>",
    "a second opening": b"<41<42>",
    "no end": b"<4142",
    "no end after a piece": b"<" + b"41" * 5000,
    "nothing": b"<",
}


def _read(reader, data, after):
    stream = io.BytesIO(b"before" + data + after)
    stream.seek(6)
    try:
        found = reader(stream)
    except PdfError as error:
        return type(error), str(error)
    return type(found), found, stream.tell()


@pytest.mark.parametrize("after", [b"", b" /Next <41> >>"])
@pytest.mark.parametrize("data", STRINGS.values(), ids=STRINGS)
def test_a_hexadecimal_string_is_read_as_pyhanko_reads_it(data, after):
    assert _read(quicker.hexadecimal, data, after) == _read(quicker._hexadecimal, data, after)


def test_pyhanko_reads_its_hexadecimal_strings_that_way():
    from app.signing import proving  # noqa: F401 - every reader of signatures goes through it

    assert generic.read_hex_string_from_stream is quicker.hexadecimal


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Mairie de Kerlann", "MAIRIE  de kerlann ", True),
        ("Straße", "STRASSE", True),
        ("Mairie de Kerlann", "Mairie de Kerlan", False),
        ("K" * 300, "k" * 300, True),
        ("K" * 300, "k" * 299, False),
    ],
)
def test_two_names_are_compared_as_rfc_5280_asks(one, other, same):
    from app.signing import proving  # noqa: F401

    names = [x509.Name.build({"common_name": word}) for word in (one, other)]
    assert (names[0] == names[1]) is same


def test_a_name_that_may_not_be_compared_is_refused_each_time():
    from app.signing import proving  # noqa: F401

    for _ in range(2):
        name = x509.Name.build({"common_name": "Maire\ue000"})
        with pytest.raises(ValueError, match="private use"):
            _ = name.hashable
