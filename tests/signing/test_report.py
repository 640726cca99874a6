"""The ETSI TS 119 102-2 report: well-formed, of the schema's own classes, and it says what the page says."""

import subprocess

import pytest
from pyhanko.generated.etsi.ts_11910202 import ValidationReport
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from app.core.clock import now
from app.signing.verify import verify

from . import corpus
from .corpus import Corpus, changed

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


@pytest.mark.parametrize("name", FILES)
def test_the_report_says_in_etsi_words_what_the_page_says_in_french(pki, trust, tmp_path, name):
    make, main, sub, process = FILES[name]
    path = tmp_path / "signed.pdf"
    path.write_bytes(make(Corpus(pki, trust, tmp_path)))
    (said,) = verify(path, trust, now())
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
    known = {item.id for item in whole.signature_validation_objects.validation_object}
    if main == "total-passed":
        assert set(one.signer_information.signer_certificate.voreference) <= known
    if said.timestamped_at is not None:
        best = one.validation_time_info.best_signature_time.poetime.to_datetime()
        assert best == said.timestamped_at
