"""A deposited file keeps its own name, without what a name could hide."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.files.naming import MAX_BYTES, clean_filename, extension_of


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("facture.pdf", "facture.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Gwenola\\Bon de commande.PDF", "Bon de commande.PDF"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie: x.pdf"),
        ("facture\u202efdp.exe", "facture fdp.exe"),
        ("..pdf", "pdf"),
        ("  ", "document"),
        ("", "document"),
        ("dossier/", "document"),
    ],
)
def test_a_name_loses_its_path_and_its_tricks(given_name: str, kept: str) -> None:
    assert clean_filename(given_name) == kept


def test_a_long_name_is_cut_between_two_letters_and_keeps_its_extension() -> None:
    kept = clean_filename("é" * 300 + ".pdf")
    assert kept == "é" * 98 + ".pdf"
    assert len(kept.encode()) == MAX_BYTES


@given(st.text(max_size=400))
def test_any_name_becomes_a_safe_one_and_stays_so(name: str) -> None:
    kept = clean_filename(name)
    assert 0 < len(kept.encode()) <= MAX_BYTES
    assert not set(kept) & set("/\\\r\n\0")
    assert kept == unicodedata.normalize("NFC", kept)
    assert clean_filename(kept) == kept


def test_an_extension_is_read_in_small_letters() -> None:
    assert extension_of("A.Pdf") == "pdf"
    assert extension_of("LISEZMOI") == ""
