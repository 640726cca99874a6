"""The ETSI TS 119 102-2 report: well-formed, of the schema's own classes, and it says what the page says."""

import subprocess
from base64 import b64encode
from hashlib import sha256

import pytest
from pyhanko.generated.etsi.ts_11910202 import ValidationReport
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from app.core.clock import now
from tests.builders.verify import verify
from tests.verification import corpus
from tests.verification.corpus import Corpus, changed

MAIN, SUB = "urn:etsi:019102:mainindication:", "urn:etsi:019102:subindication:"
PROCESS = "urn:etsi:019102:validationprocess:"
# how the file is made, what is said of it, and by which process of EN 319 102-1
FILES = {
    "B-B": (lambda c: c.signed(level="B-B"), "total-passed", None, "Basic"),
    "B-T": (lambda c: c.signed(), "total-passed", None, "LTVM"),
    "B-LT": (lambda c: c.signed(level="B-LT"), "total-passed", None, "LTVM"),
    "B-LTA": (lambda c: c.signed(level="B-LTA"), "total-passed", None, "LTA"),
    "overlay": (lambda c: changed(c.signed(), corpus.overlay), "total-failed", "HASH_FAILURE", "LTVM"),
    "other value": (
        lambda c: corpus.other_value(c.signed(level="B-B")),
        "total-failed",
        "SIG_CRYPTO_FAILURE",
        "Basic",
    ),
    "expired before its timestamp": (lambda c: c.signed("expired"), "total-failed", "EXPIRED", "LTVM"),
    "unknown authority": (
        lambda c: c.signed("foreign_root", "B-B"),
        "indeterminate",
        "NO_CERTIFICATE_CHAIN_FOUND",
        "Basic",
    ),
}


# the same for what is no PDF, with the content that lies beside
OTHERS = {
    "p7s": (lambda c: c.beside("cades"), "total-passed", None, "LTVM"),
    "p7s, undated": (lambda c: c.beside("cades", dated=False), "total-passed", None, "Basic"),
    "p7s of openssl": (lambda c: c.cms(), "total-passed", None, "Basic"),
    "p7s of another content": (
        lambda c: (c.beside("cades")[0], b"x"),
        "total-failed",
        "HASH_FAILURE",
        "LTVM",
    ),
    "xades": (lambda c: c.beside("xades"), "total-passed", None, "LTVM"),
    "xades, undated": (lambda c: c.beside("xades", "ec", dated=False), "total-passed", None, "Basic"),
    "xades, revoked": (lambda c: c.beside("xades", "revoked"), "total-failed", "REVOKED", "LTVM"),
    "pes": (lambda c: (c.flow("card_rsa").read_bytes(), None), "total-passed", None, "Basic"),
    "pes, unknown authority": (
        lambda c: (c.flow("foreign_root").read_bytes(), None),
        "indeterminate",
        "NO_CERTIFICATE_CHAIN_FOUND",
        "Basic",
    ),
}


def own_certificate(whole, one):
    """The DER of the signer's certificate, found by the reference that the report makes to it."""
    held = {item.id: item for item in whole.signature_validation_objects.validation_object}
    (own,) = one.signer_information.signer_certificate.voreference
    return held[own].validation_object_representation.base64


@pytest.mark.parametrize("name", [*FILES, *OTHERS])
def test_the_report_says_in_etsi_words_what_the_page_says_in_french(pki, trust, tmp_path, name):
    make, main, sub, process = {**FILES, **OTHERS}[name]
    path, content = tmp_path / "signed", tmp_path / "content"
    data = make(Corpus(pki, trust, tmp_path))
    data, beside = data if isinstance(data, tuple) else (data, None)
    path.write_bytes(data)
    content.write_bytes(beside or b"")
    said = verify(path, trust, now(), content if beside is not None else None)[0]
    (tmp_path / "report.xml").write_text(said.report, encoding="utf-8")
    assert subprocess.run(["xmllint", "--noout", str(tmp_path / "report.xml")]).returncode == 0
    # Classes made from the schema of the ETSI; nothing unknown to them is let through
    strict = ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True)
    whole = XmlParser(config=strict).from_string(said.report, ValidationReport)
    (one,) = whole.signature_validation_report
    status = one.signature_validation_status
    assert status.main_indication == MAIN + main
    assert list(status.sub_indication) == ([SUB + sub] if sub else [])
    assert one.signature_validation_process.signature_validation_process_id == PROCESS + process
    assert (said.indication.lower(), said.sub_indication) == (main, sub)
    assert one.signers_document.digest_alg_and_value.digest_value.value
    assert one.signature_identifier.signature_value.value
    (named,) = one.signature_attributes.signing_certificate
    assert b64encode(sha256(own_certificate(whole, one)).digest()) in {
        b64encode(mark.digest_value.value) for mark in named.cert_id
    }
    known = {item.id for item in whole.signature_validation_objects.validation_object}
    if main == "total-passed":
        assert set(one.signer_information.signer_certificate.voreference) <= known
    if said.timestamped_at is not None:
        best = one.validation_time_info.best_signature_time.poetime.to_datetime()
        assert best == said.timestamped_at
