"""Prepare then complete: what is signed, by whom, and everything that must not pass."""

import dataclasses
import re
import shutil
import subprocess
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields as pdf_fields
from pyhanko.sign import signers

from app.core.clock import now
from app.signing.formats import pades
from app.signing.ports import FieldPlan
from app.trust.timestamp import TimestampClient
from tests.builders.signing import refusal, sealed, two_fields
from tests.cluster import free_port


def ready(source, key, field="maire", timestamped=False, name="prepared.pdf"):
    target = source.with_name(name)
    prepared = pades.prepare(
        source,
        target,
        certificate=key.certificate,
        chain=key.chain,
        field=field,
        fields=two_fields(source),
        stamp=None,
        reason="Maire",
        location=None,
        now=now(),
        timestamped=timestamped,
    )
    return target, prepared


def finish(target, prepared, key, signature, tsa=None):
    pades.complete(
        target, prepared, certificate=key.certificate, chain=key.chain, signature=signature, timestamper=tsa
    )


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def assert_others_accept(path: Path, pki, signatures=1):
    """pdfsig, qpdf and openssl, which share no code with us, accept the last signature and the file."""
    assert run("qpdf", "--check", str(path))[0] == 0
    assert run("pdfsig", str(path))[1].count("Signature is Valid") == signatures
    data = path.read_bytes()
    first, size, third, rest = map(int, re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", data)[-1])
    (cms, content) = (path.with_suffix(".p7s"), path.with_suffix(".bin"))
    hole = bytes.fromhex(data[first + size + 1 : third - 1].decode())
    length = int.from_bytes(hole[2 : 2 + (hole[1] & 0x7F)])
    cms.write_bytes(hole[: 2 + (hole[1] & 0x7F) + length])
    content.write_bytes(data[first : first + size] + data[third : third + rest])
    code, said = run(
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(cms)),
        *("-content", str(content), "-CAfile", str(pki.root_pem), "-purpose", "any", "-out", "/dev/null"),
    )
    assert code == 0, said


@pytest.mark.parametrize("label", ["a_kervadec", "a_kervadec_legacy", "rsa4096", "ec"])
@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_every_kind_of_key_signs_at_both_levels_and_strangers_accept_it(
    deliberation, key, pki, trust, tsa, label, level
):
    timestamper = tsa if level == "B-T" else None
    target, _ = sealed(deliberation, key(label), tsa=timestamper)
    facts = pades.check(
        target,
        source=deliberation,
        field="maire",
        certificate=key(label).certificate,
        trust=trust,
        timestamped=timestamper is not None,
        moment=now(),
    )
    assert facts.level == level
    assert (facts.timestamped_at is not None) == (level == "B-T")
    assert abs(facts.signed_at - now()) < timedelta(minutes=2)
    assert_others_accept(target, pki)


@pytest.mark.parametrize("order", [("maire", "secretaire"), ("secretaire", "maire")])
def test_two_signatories_sign_in_any_order_and_both_signatures_hold(
    deliberation, key, pki, trust, tsa, order
):
    keys = {"maire": key("a_kervadec"), "secretaire": key("b_cadiou")}
    versions = [deliberation]
    for field in order:
        target, _ = sealed(versions[-1], keys[field], field, tsa)
        facts = pades.check(
            target,
            source=versions[-1],
            field=field,
            certificate=keys[field].certificate,
            trust=trust,
            timestamped=True,
            moment=now(),
        )
        versions.append(target)
    assert facts.earlier == 1
    assert_others_accept(versions[-1], pki, signatures=2)
    for before, after in pairwise(versions):
        assert after.read_bytes().startswith(before.read_bytes())


def test_all_fields_exist_from_the_first_signature_on(deliberation, key):
    target, _ = sealed(deliberation, key("a_kervadec"))
    with pikepdf.open(target) as pdf:
        assert {str(field.T): "/V" in field for field in pdf.Root.AcroForm.Fields} == {
            "maire": True,
            "secretaire": False,
        }


def test_a_raw_elliptic_signature_of_a_browser_is_accepted(deliberation, key, trust):
    target, prepared = ready(deliberation, key("ec"))
    r, s = decode_dss_signature(key("ec").sign(prepared.attributes))
    finish(target, prepared, key("ec"), r.to_bytes(32) + s.to_bytes(32))
    pades.check(
        target,
        source=deliberation,
        field="maire",
        certificate=key("ec").certificate,
        trust=trust,
        timestamped=False,
        moment=now(),
    )


def test_the_signature_of_another_document_is_refused_and_nothing_is_written(deliberation, key):
    other = Path(shutil.copy(deliberation, deliberation.with_name("other.pdf")))
    with pikepdf.open(other, allow_overwriting_input=True) as pdf:
        pdf.Root.Lang = "br"
        pdf.save(other)
    target, prepared = ready(deliberation, key("a_kervadec"))
    _, stolen = ready(other, key("a_kervadec"), name="other-prepared.pdf")
    before = target.read_bytes()
    assert (
        refusal(finish, target, prepared, key("a_kervadec"), key("a_kervadec").sign(stolen.attributes))
        == "signature-not-yours"
    )
    assert target.read_bytes() == before


def test_the_signature_of_another_key_is_refused(deliberation, key):
    target, prepared = ready(deliberation, key("a_kervadec"))
    foreign = key("b_cadiou").sign(prepared.attributes)
    assert refusal(finish, target, prepared, key("a_kervadec"), foreign) == "signature-not-yours"


def test_altered_attributes_are_refused_even_when_rightly_signed(deliberation, key):
    target, prepared = ready(deliberation, key("a_kervadec"))
    altered = dataclasses.replace(
        prepared, attributes=prepared.attributes.replace(prepared.digest, bytes(len(prepared.digest)))
    )
    signature = key("a_kervadec").sign(altered.attributes)
    assert refusal(finish, target, prepared, key("a_kervadec"), signature) == "signature-not-yours"
    assert refusal(finish, target, altered, key("a_kervadec"), signature) == "prepared-file-changed"


@pytest.mark.parametrize("place", ["document", "hole", "tail"])
def test_a_file_touched_after_preparation_is_not_signed(deliberation, key, place):
    target, prepared = ready(deliberation, key("a_kervadec"))
    data = bytearray(target.read_bytes())
    if place == "tail":
        data += b"% more\n"
    else:
        at = 2000 if place == "document" else prepared.start + 10
        data[at] = ord("1") if data[at] != ord("1") else ord("2")
    target.write_bytes(data)
    signature = key("a_kervadec").sign(prepared.attributes)
    assert refusal(finish, target, prepared, key("a_kervadec"), signature) == "prepared-file-changed"


def test_a_signature_cannot_be_completed_twice(deliberation, key):
    target, prepared = ready(deliberation, key("a_kervadec"))
    signature = key("a_kervadec").sign(prepared.attributes)
    finish(target, prepared, key("a_kervadec"), signature)
    assert refusal(finish, target, prepared, key("a_kervadec"), signature) == "prepared-file-changed"


def test_a_silent_timestamp_authority_leaves_no_signature(deliberation, key):
    silent = TimestampClient(f"http://127.0.0.1:{free_port()}/tsa", timeout=1)
    target, prepared = ready(deliberation, key("a_kervadec"), timestamped=True)
    before = target.read_bytes()
    signature = key("a_kervadec").sign(prepared.attributes)
    assert refusal(finish, target, prepared, key("a_kervadec"), signature, silent) == "timestamp-silent"
    assert target.read_bytes() == before
    sealing = deliberation.with_name("sealed.pdf")
    assert (
        refusal(
            pades.seal,
            deliberation,
            sealing,
            key=key("seal"),
            field="cachet",
            fields=[FieldPlan("cachet", None)],
            stamp=None,
            now=now(),
            timestamper=silent,
        )
        == "timestamp-silent"
    )
    assert not sealing.exists()


def test_a_container_that_outgrows_its_hole_is_refused_before_writing(deliberation, key):
    target, prepared = ready(deliberation, key("a_kervadec"))
    narrow = dataclasses.replace(key("a_kervadec"), chain=key("a_kervadec").chain * 3 + (bytes(9000),))
    before = target.read_bytes()
    signature = key("a_kervadec").sign(prepared.attributes)
    large = (
        key("b_cadiou").certificate,
        key("ec").certificate,
        key("seal").certificate,
        key("rsa4096").certificate,
    )
    wide = dataclasses.replace(narrow, chain=large)
    assert refusal(finish, target, prepared, wide, signature) == "signature-too-large"
    assert target.read_bytes() == before


def test_a_field_that_is_signed_or_unknown_is_refused(deliberation, key):
    target, _ = sealed(deliberation, key("a_kervadec"))
    assert refusal(ready, target, key("a_kervadec")) == "field-already-signed"
    assert refusal(ready, deliberation, key("a_kervadec"), field="prefet") == "field-unknown"
    assert not deliberation.with_name("prepared.pdf").exists()


@pytest.mark.parametrize("level", [pdf_fields.MDPPerm.NO_CHANGES, pdf_fields.MDPPerm.FILL_FORMS])
def test_a_certified_document_without_a_free_field_is_refused(deliberation, pki, key, level):
    certified = deliberation.with_name("certified.pdf")
    author = signers.SimpleSigner.load_pkcs12(str(pki.p12("ec")), passphrase=pki.passphrase)
    meta = signers.PdfSignatureMetadata(field_name="auteur", certify=True, docmdp_permissions=level)
    with deliberation.open("rb") as before, certified.open("wb") as after:
        signers.sign_pdf(IncrementalPdfFileWriter(before), meta, signer=author, output=after)
    assert refusal(ready, certified, key("a_kervadec")) == "document-certified"


def test_what_is_not_a_pdf_is_refused_in_french(tmp_path, key):
    source = tmp_path / "faux.pdf"
    source.write_bytes(b"<html>pas un PDF</html>")
    assert (
        refusal(
            pades.prepare,
            source,
            tmp_path / "out.pdf",
            certificate=key("ec").certificate,
            chain=(),
            field="maire",
            fields=[FieldPlan("maire", None)],
            stamp=None,
            reason=None,
            location=None,
            now=now(),
        )
        == "document-not-signable"
    )
