"""What is read by the block is what pyHanko reads sign by sign, and ends where it ends."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError, PdfStreamError

from app.signing.formats import hexadecimal
from app.signing.formats.hexadecimal import BLOCK, FIRST, read_hex_string

SIGNS = b"0123456789abcdefABCDEF>> \n\r\t\f\0%<g/"


def read(how, data):
    """The string, its kind, and where the stream is left; or the fault, and where it is left."""
    stream = io.BytesIO(b"xx" + data)
    stream.seek(2)
    try:
        found = how(stream)
    except (PdfReadError, PdfStreamError) as fault:
        return type(fault), str(fault), stream.tell()
    return type(found), found, stream.tell()


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=40).map(bytes))
@example(b"")
@example(b">")
@example(b"0>")
@example(b"FEFF00e9>")
@example(b"41 42>")
@example(b"41%a comment\n42>")
@example(b"4142")
@example(b"41zz>")
def test_any_string_is_read_as_pyhanko_reads_it(body):
    assert read(read_hex_string, b"<" + body) == read(hexadecimal._sign_by_sign, b"<" + body)


@pytest.mark.parametrize(
    "count", [FIRST - 1, FIRST, FIRST + 1, FIRST + BLOCK - 1, FIRST + BLOCK, FIRST + 2 * BLOCK + 3]
)
@pytest.mark.parametrize("after", [b">", b"> /Next 1", b" >", b"", b"g>"])
def test_long_strings_are_read_alike_around_each_block(count, after):
    body = (b"0123456789abcdefABCDEF" * (count // 22 + 1))[:count]
    assert read(read_hex_string, b"<" + body + after) == read(hexadecimal._sign_by_sign, b"<" + body + after)


def test_the_objects_of_a_document_are_read_by_it():
    found = generic.read_object(io.BytesIO(b"<< /Contents <4142> /Next (c) >>"), generic.Reference(1, 0))
    assert found["/Contents"] == "AB"
    assert found["/Next"] == "c"
    assert generic.read_hex_string_from_stream is read_hex_string
