"""The container is cut once for each certificate, and stays what pyHanko makes, byte for byte."""

import asyncio
import hashlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pikepdf
import pytest
import time_machine
from asn1crypto import cms, x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.core.clock import PARIS, now
from app.signing.formats import container, pades
from app.signing.formats.revision import CHUNK
from app.signing.ports import FieldPlan
from app.trust import algorithms
from app.trust.certificates import facts
from tests.builders.signing import refusal
from tests.signing.test_pades import assert_others_accept, finish, ready

LABELS = ["a_kervadec", "rsa4096", "ec"]
DIGESTS = [hashlib.sha256(bytes([rank])).digest() for rank in range(4)]


def pyhanko(key, signature=b""):
    """A signer of pyHanko's own, that knows nothing of ours."""
    above = SimpleCertificateStore()
    for one in key.chain:
        above.register(x509.Certificate.load(one))
    return ExternalSigner(x509.Certificate.load(key.certificate), above, signature or 512, embed_roots=False)


def attributes_of(key, digest):
    async def made():
        return (await pyhanko(key).signed_attrs(digest, key.digest, use_pades=True)).dump()

    return asyncio.run(made())


def container_of(key, attributes, signature):
    async def made():
        signer = pyhanko(key, signature)
        given = cms.CMSAttributes.load(attributes)
        return (await signer.async_sign_prescribed_attributes(key.digest, signed_attrs=given)).dump()

    return asyncio.run(made())


def build(key, attributes, signature):
    return container.build(key.certificate, key.chain, attributes, signature, key.digest, None)


def emptied():
    """Everything forgotten, as in a process that has just started."""
    for one in (container._around_digest, container._fixed, container._parsed):
        one.cache_clear()


@pytest.mark.parametrize("label", LABELS)
def test_attributes_and_container_are_pyhankos_for_one_document_after_the_other(key, label):
    for digest in DIGESTS:
        attributes = container.signed_attributes(key(label).certificate, digest, key(label).digest)
        assert attributes == attributes_of(key(label), digest)
        signature = key(label).sign(attributes)
        assert build(key(label), attributes, signature) == container_of(key(label), attributes, signature)


@pytest.mark.parametrize(
    ("r", "s"), [(1, 1), (1 << 120, 1 << 250), (1 << 255, 1 << 250), (1 << 255, 1 << 255)]
)
def test_an_elliptic_signature_of_any_length_has_its_container(key, r, s):
    signature = encode_dss_signature(r, s)
    attributes = container.signed_attributes(key("ec").certificate, DIGESTS[0], "sha256")
    built = build(key("ec"), attributes, signature)
    assert built == container_of(key("ec"), attributes, signature)
    found = cms.ContentInfo.load(built, strict=True)["content"]["signer_infos"][0]
    assert found["signature"].native == signature


def test_many_elliptic_signatures_are_accepted_by_strangers_whatever_their_length(deliberation, key, pki):
    lengths = set()
    while len(lengths) < 2:  # 70, 71 or 72 bytes in nearly equal parts
        target, prepared = ready(deliberation, key("ec"))
        signature = key("ec").sign(prepared.attributes)
        finish(target, prepared, key("ec"), signature)
        if len(signature) not in lengths:
            assert_others_accept(target, pki)
        lengths.add(len(signature))


@pytest.mark.parametrize("label", [*LABELS, "seal"])
def test_a_signature_without_timestamp_leaves_no_empty_room_behind_it(deliberation, key, label):
    target, prepared = ready(deliberation, key(label))
    finish(target, prepared, key(label), key(label).sign(prepared.attributes))
    hole = bytes.fromhex(target.read_bytes()[prepared.start + 1 : prepared.end - 1].decode())
    used = len(cms.ContentInfo.load(hole[: 4 + int.from_bytes(hole[2:4])], strict=True).dump())
    assert (
        0 <= len(hole) - used <= (4 if label == "ec" else 0)
    )  # an elliptic signature is a few bytes shorter at times


def test_each_certificate_has_its_own_container_and_none_serves_for_another(deliberation, key):
    """Two certificates of one kind, in turn: what is kept of the first never reaches the second."""
    for label in ("a_kervadec", "b_cadiou", "a_kervadec"):
        attributes = container.signed_attributes(key(label).certificate, DIGESTS[0], "sha256")
        found = cms.ContentInfo.load(build(key(label), attributes, bytes(256)))["content"]
        own = x509.Certificate.load(key(label).certificate)
        assert found["signer_infos"][0]["sid"].chosen["serial_number"].native == own.serial_number
        assert own.dump() in [one.chosen.dump() for one in found["certificates"]]
    target, prepared = ready(deliberation, key("a_kervadec"))
    other = key("b_cadiou").sign(
        prepared.attributes
    )  # rightly signed, but these attributes name the first certificate
    before = target.read_bytes()
    assert refusal(finish, target, prepared, key("b_cadiou"), other) == "prepared-file-changed"
    assert target.read_bytes() == before


def test_threads_that_all_start_at_once_make_the_same_containers_as_one_alone(key):
    keys = {label: key(label) for label in LABELS}

    def made(asked):
        label, digest = asked
        attributes = container.signed_attributes(keys[label].certificate, digest, keys[label].digest)
        size = algorithms.of(keys[label].certificate).signature_size
        return build(keys[label], attributes, digest.ljust(size, b"s"))

    asked = list(product(LABELS, DIGESTS)) * 8
    alone = [made(one) for one in asked]
    emptied()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(made, asked)) == alone


def stock(source, key, moment):
    """The revision that pyHanko writes and hashes by itself, with its hole."""
    writer = IncrementalPdfFileWriter(io.BytesIO(source.read_bytes()))
    append_signature_field(writer, SigFieldSpec("cachet"))
    meta = PdfSignatureMetadata(
        field_name="cachet",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        name=facts(key.certificate).common_name,
    )
    session = PdfSigner(meta, pyhanko(key)).init_signing_session(writer, existing_fields_only=True)
    session.system_time = moment.astimezone(PARIS)
    room = 2 * container.room(key.certificate, key.chain, token=0)
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=room)
    hole, output = document.digest_tbs_document()
    return output.getvalue(), hole


def test_the_revision_is_pyhankos_but_for_the_identity_of_the_file_and_its_hash_is_that_of_its_bytes(
    deliberation, key
):
    target = deliberation.with_name("prepared.pdf")
    with time_machine.travel(now(), tick=False):
        prepared = pades.prepare(
            deliberation,
            target,
            certificate=key("seal").certificate,
            chain=key("seal").chain,
            field="cachet",
            fields=[FieldPlan("cachet", None)],
            stamp=None,
            reason=None,
            location=None,
            now=now(),
            timestamped=False,
        )
        expected, hole = stock(deliberation, key("seal"), now())
    ours = target.read_bytes()
    assert (prepared.start, prepared.end) == (hole.reserved_region_start, hole.reserved_region_end)
    assert prepared.digest == hashlib.sha256(ours[: prepared.start] + ours[prepared.end :]).digest()
    named = [re.sub(rb"/ID \[.*?\]", b"", one) for one in (ours, expected)]
    assert named[0] == named[1]


def of_size(path, size):
    """The document grown to exactly so many bytes by a comment before its cross-reference table."""
    source = path.with_name("grand.pdf")
    with pikepdf.open(path) as pdf:
        pdf.save(source, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    body, table = source.read_bytes().rsplit(b"xref\n0 ", 1)
    moved = missing = 0
    while moved != (moved := size - len(table) - 7):  # the table's new place may take one digit more
        table = re.sub(rb"startxref\n\d+", b"startxref\n%d" % moved, table)
        missing = size - len(body) - len(table) - 7
    source.write_bytes(body + b"%" + b"0" * (missing - 2) + b"\nxref\n0 " + table)
    assert source.stat().st_size == size
    return source


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 12345])
def test_a_file_of_any_size_is_copied_exactly_and_hashed_whole(deliberation, key, trust, size):
    """Around the megabyte that is read at once: the last piece, an exact number of pieces, one byte more."""
    source = of_size(deliberation, size)
    target = source.with_name("scellé.pdf")
    prepared = pades.seal(
        source,
        target,
        key=key("seal"),
        field="cachet",
        fields=[FieldPlan("cachet", None)],
        stamp=None,
        now=now(),
        timestamper=None,
    )
    sealed = target.read_bytes()
    assert sealed.startswith(source.read_bytes())
    assert prepared.digest == hashlib.sha256(sealed[: prepared.start] + sealed[prepared.end :]).digest()
    read = pades.check(
        target,
        source=source,
        field="cachet",
        certificate=key("seal").certificate,
        trust=trust,
        timestamped=False,
        moment=now(),
    )
    assert read.level == "B-B"


@pytest.mark.parametrize(
    "end", [b"", b"%%EOF", b"startxref\n0\n%%EOF\n", b"startxref\n-5\n%%EOF\n", b"startxref\n999999\n%%EOF\n"]
)
@pytest.mark.parametrize("filling", [b"", b"%" * CHUNK + b"\n"], ids=["small", "large"])
def test_a_file_whose_end_leads_nowhere_is_refused_and_leaves_nothing(deliberation, key, end, filling):
    source, target = deliberation.with_name("faux.pdf"), deliberation.with_name("prepared.pdf")
    source.write_bytes(b"%PDF-1.7\n" + filling + end)
    asked = {"fields": [FieldPlan("cachet", None)], "stamp": None, "now": now(), "timestamper": None}
    said = refusal(pades.seal, source, target, key=key("ec"), field="cachet", **asked)
    assert said == "document-not-signable"
    assert not target.exists()
