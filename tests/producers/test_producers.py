"""A few files of the producers that are always here, from deposit to verdict; all of them: `python -m tests.producers`."""

import pytest

from app.trust.certificates import Trust

from .made import FEW, made_by
from .way import travel

REAL = ("dss-doc", "dss-pkcs7", "pdfjs-annotation-border-styles", "pdfjs-issue19176", "pdfjs-endchar")


# Files are tried here, and not a database: one is enough
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_passed_deposit_is_signed_and_valid_for_us_and_for_poppler(house, pki, tmp_path):
    from .whole import REAL as HOME

    root = pki.root_pem.read_bytes()
    trust = Trust((root,), (root,), fetch=True, allowed_hosts=(pki.host,), timeout=20)
    files = [("real", HOME / f"{name}.pdf") for name in REAL] + list(made_by(FEW, tmp_path / "made"))
    assert {name for name, _ in files} == {"real", *(one.name for one in FEW)}
    rows = [travel(house, trust, producer, path, tmp_path) for producer, path in files]
    assert [row for row in rows if row.stopped or not row.valid or row.sound != 1 + row.earlier] == []
    # A form to fill; two cross-references that two readers follow each in its way; some that do not say what they should
    assert {row.name for row in rows if row.offered} == {
        "dss-doc.pdf",
        "pdfjs-annotation-border-styles.pdf",
        "unis.pdf",
    }
    assert {row.name for row in rows if row.earlier} == {"dss-pkcs7.pdf"}
