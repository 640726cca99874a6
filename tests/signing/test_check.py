"""After embedding, the file itself must prove the signature that was asked for."""

import dataclasses

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from app.core.clock import now
from app.signing.formats import pades
from tests.builders.signing import refusal, sealed


def checked(target, document, trusted, key, **changes):
    asked = {
        "source": document,
        "field": "maire",
        "certificate": key("a_kervadec").certificate,
        "trust": trusted,
        "timestamped": False,
        "moment": now(),
    }
    return pades.check(target, **{**asked, **changes})


@pytest.mark.parametrize("lie", ["field", "certificate", "level", "source", "trust"])
def test_the_check_after_embedding_refuses_what_was_not_asked_for(deliberation, key, trust, lie):
    target, _ = sealed(deliberation, key("a_kervadec"))
    checked(target, deliberation, trust, key)
    other = deliberation.with_name("other.pdf")
    other.write_bytes(deliberation.read_bytes().replace(b"%PDF-1.7", b"%PDF-1.6") + b"\n")
    changes = {
        "field": {"field": "secretaire"},
        "certificate": {"certificate": key("b_cadiou").certificate},
        "level": {"timestamped": True},
        "source": {"source": other},
        "trust": {"trust": dataclasses.replace(trust, roots=())},
    }[lie]
    assert (
        refusal(checked, target, deliberation, trust, key, **changes) == "signature-not-valid-after-embedding"
    )


def test_the_check_refuses_a_document_completed_after_its_signature(deliberation, key, trust):
    target, _ = sealed(deliberation, key("a_kervadec"))
    tampered = target.with_name("tampered.pdf")
    with target.open("rb") as stream, tampered.open("wb") as after:
        writer = IncrementalPdfFileWriter(stream)
        writer.root["/Lang"] = generic.TextStringObject("br")
        writer.update_root()
        writer.write(after)
    assert refusal(checked, tampered, deliberation, trust, key) == "signature-not-valid-after-embedding"


def test_a_signature_that_was_broken_before_does_not_stop_the_next_one(deliberation, key, trust):
    target, _ = sealed(deliberation, key("b_cadiou"), "secretaire")
    tampered = target.with_name("tampered.pdf")
    with target.open("rb") as stream, tampered.open("wb") as after:
        writer = IncrementalPdfFileWriter(stream)
        writer.root["/Lang"] = generic.TextStringObject("br")
        writer.update_root()
        writer.write(after)
    again, _ = sealed(tampered, key("a_kervadec"))
    assert checked(again, tampered, trust, key).earlier == 1
