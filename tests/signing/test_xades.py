"""An XML signature beside a file: accepted by xmlsec1 for that file, refused for every other, and for every trick."""

import dataclasses
import re
import subprocess
import tracemalloc
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
import signxml
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from app.core.clock import now
from app.signing.formats import xades
from app.trust.timestamp import TimestampClient
from app.verification.readers.xades.parsing import EXCLUSIVE, NAMES, canonical
from app.verification.readers.xades.signatures import read_xades
from tests.builders.seals import seal
from tests.builders.signing import refusal
from tests.cluster import free_port

SCHEMA = Path(signxml.__file__).parent / "xades" / "schemas" / "XAdES01903v132-201601.xsd"


@pytest.fixture
def act(tmp_path):
    path = tmp_path / "budget-primitif-2026.xml"
    path.write_text("<budget><ligne>Cercle nautique</ligne></budget>", encoding="utf-8")
    return path


def ready(source, key, name="waiting.xades.xml"):
    target = source.with_name(name)
    prepared = xades.prepare(
        source, target, certificate=key.certificate, chain=key.chain, field="maire", now=now()
    )
    return target, prepared


def finish(source, target, prepared, key, signature, tsa=None):
    xades.complete(
        target,
        prepared,
        source=source,
        certificate=key.certificate,
        chain=key.chain,
        signature=signature,
        timestamper=tsa,
    )


def signed(source, key, tsa=None, name="signed.xades.xml"):
    target = source.with_name(name)
    seal(xades, source, target, key=key, field="maire", now=now(), timestamper=tsa)
    return target


def xmlsec1(path, pki):
    """The verdict of a verifier that shares no code with us: hashes, signature, and the path to our root."""
    names = ((NAMES["ds"], "KeyInfo"), (NAMES["xades"], "SignedProperties"))
    named = [word for space, name in names for word in ("--id-attr:Id", f"{space}:{name}")]
    done = subprocess.run(
        [
            *("xmlsec1", "--verify", *named, "--enabled-reference-uris", "same-doc,local,remote"),
            *("--trusted-pem", str(pki.root_pem), path.name),
        ],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def check(target, source, key, trust, **more):
    return xades.check(
        target,
        source=source,
        field="maire",
        certificate=key.certificate,
        trust=trust,
        moment=now(),
        **{"timestamped": False, **more},
    )


@pytest.mark.parametrize("label", ["a_kervadec", "rsa4096", "ec"])
@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_every_kind_of_key_signs_at_both_levels_and_xmlsec1_accepts_it_for_that_file_alone(
    act, key, pki, trust, tsa, label, level
):
    timestamper = tsa if level == "B-T" else None
    target = signed(act, key(label), timestamper)
    found = check(target, act, key(label), trust, timestamped=timestamper is not None)
    assert (found.level, found.timestamped_at is not None) == (level, level == "B-T")
    assert abs(found.signed_at - now()) < timedelta(minutes=2)
    code, said = xmlsec1(target, pki)
    assert code == 0, said
    act.write_text("<budget><ligne>Autre</ligne></budget>", encoding="utf-8")
    assert xmlsec1(target, pki)[0] != 0
    assert refusal(check, target, act, key(label), trust, timestamped=timestamper is not None) == (
        "signature-not-valid-after-embedding"
    )


def assert_schema_accepts(path):
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    root = etree.parse(path).getroot()
    schema.assertValid(root.find(".//xades:QualifyingProperties", NAMES))
    return root


def test_the_signature_is_valid_against_the_schema_of_xades(act, key, tsa):
    root = assert_schema_accepts(signed(act, key("ec"), tsa))
    assert root.find(".//xades:SigningCertificateV2", NAMES) is not None
    assert root.find(".//xades:DataObjectFormat/xades:MimeType", NAMES).text == "application/xml"


def test_the_bytes_that_the_key_signs_are_the_canonical_signed_info_of_the_file(act, key):
    target, prepared = ready(act, key("a_kervadec"))
    data = target.read_bytes()
    root = etree.fromstring(data)
    assert prepared.attributes == canonical(root.find("ds:SignedInfo", NAMES), EXCLUSIVE)
    assert data[prepared.start : prepared.end] == b64encode(bytes(256))
    assert b64encode(prepared.digest) in prepared.attributes


def test_a_name_with_spaces_and_accents_is_referred_to_as_an_address(act, key):
    target = act.with_name("named.xades.xml")
    held = {"certificate": key("ec").certificate, "chain": (), "field": "maire", "now": now()}
    xades.prepare(act, target, name="Délibération n° 2.xml", **held)
    assert b'URI="D%C3%A9lib%C3%A9ration%20n%C2%B0%202.xml"' in target.read_bytes()


def test_a_raw_elliptic_signature_of_a_browser_is_accepted(act, key, trust):
    target, prepared = ready(act, key("ec"))
    r, s = decode_dss_signature(key("ec").sign(prepared.attributes))
    finish(act, target, prepared, key("ec"), r.to_bytes(32) + s.to_bytes(32))
    check(target, act, key("ec"), trust)


def test_the_signature_of_another_key_or_of_another_file_is_refused_and_nothing_is_written(act, key):
    target, prepared = ready(act, key("a_kervadec"))
    other = act.with_name("other.xml")
    other.write_bytes(b"<autre/>")
    _, stolen = ready(other, key("a_kervadec"), "other.xades.xml")
    before = target.read_bytes()
    for signature in (
        key("b_cadiou").sign(prepared.attributes),
        key("a_kervadec").sign(stolen.attributes),
    ):
        assert refusal(finish, act, target, prepared, key("a_kervadec"), signature) == "signature-not-yours"
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    "which", ["the file", "the properties", "the hole", "the announced hash", "all of it"]
)
def test_what_changed_after_preparation_is_not_signed(act, key, which):
    target, prepared = ready(act, key("a_kervadec"))
    data = target.read_bytes()
    if which == "the file":
        act.write_bytes(b"<budget/>")
    elif which == "the properties":
        target.write_bytes(data.replace(b"application/xml", b"application/xsl"))
    elif which == "the hole":
        target.write_bytes(data[: prepared.start] + b"B" + data[prepared.start + 1 :])
    elif which == "the announced hash":
        prepared = dataclasses.replace(prepared, digest=bytes(32))
    else:
        target.write_bytes(b"<html/>")
    signature = key("a_kervadec").sign(prepared.attributes)
    before = target.read_bytes()
    assert refusal(finish, act, target, prepared, key("a_kervadec"), signature) == "prepared-file-changed"
    assert target.read_bytes() == before


def test_a_signature_cannot_be_completed_twice(act, key):
    target, prepared = ready(act, key("a_kervadec"))
    signature = key("a_kervadec").sign(prepared.attributes)
    finish(act, target, prepared, key("a_kervadec"), signature)
    assert refusal(finish, act, target, prepared, key("a_kervadec"), signature) == "prepared-file-changed"


def test_a_silent_timestamp_authority_leaves_no_signature(act, key):
    silent = TimestampClient(f"http://127.0.0.1:{free_port()}/tsa", timeout=1)
    assert refusal(signed, act, key("a_kervadec"), silent) == "timestamp-silent"
    assert list(act.parent.glob("*.xades.xml*")) == []


def test_a_large_file_is_read_from_disk_and_never_held(tmp_path, key, trust):
    large = tmp_path / "cadastre.xml"
    with large.open("wb") as stream:
        stream.truncate(96 * 1024 * 1024)
    tracemalloc.start()
    check(signed(large, key("ec")), large, key("ec"), trust)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def read(act, path, trust, moment=None):
    (found,) = read_xades(path, act, trust, moment or now())
    return found


def test_an_expired_or_revoked_signer_and_a_silent_authority_are_told_apart(act, key, trust, tsa):
    later = read(act, signed(act, key("a_kervadec")), trust, now() + timedelta(days=1000))
    assert later.not_after < now() + timedelta(days=1000)
    assert not later.vouched
    revoked = read(act, signed(act, key("revoked"), tsa), trust)
    assert (revoked.vouched, revoked.revoked_at is not None) == (False, True)
    mute = dataclasses.replace(trust, allowed_hosts=())
    silent = read(act, signed(act, key("a_kervadec"), tsa), mute)
    assert (silent.vouched, silent.sub) == (False, "TRY_LATER")
    strange = dataclasses.replace(trust, tsa_roots=())
    assert read(act, signed(act, key("a_kervadec"), tsa), strange).timestamp == "untrusted"


def forged(path, pattern, replacement):
    """The signature file with one thing changed."""
    data = path.read_bytes()
    made = re.sub(pattern, replacement, data, count=1, flags=re.DOTALL)
    assert made != data, pattern
    path.write_bytes(made)
    return path


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (b'URI="budget[^"]*"', b'URI="#elsewhere"'),
        (b'URI="budget[^"]*"', b'URI="file:///etc/passwd" '),
        (b"<ds:SigningTime>|<xades:SigningTime>[^<]*<", b"<xades:SigningTime>2001-01-01T00:00:00+00:00<"),
        (b"rsa-sha256", b"rsa-sha1"),
        (b"xml-exc-c14n#", b"xml-exc-c14n#WithComments"),
        (b"(<ds:KeyInfo.*</ds:KeyInfo>)", b"\\1\\1"),
        (b"<ds:SignedInfo>", b"<!DOCTYPE x><ds:SignedInfo>"),
        (b"<ds:X509Certificate>....", b"<ds:X509Certificate>AAAA"),
        (b"</ds:SignedInfo>", b"</ds:SignedInfo><ds:SignedInfo/>"),
    ],
    ids=[
        "elsewhere",
        "by name",
        "date",
        "sha1",
        "comments",
        "two keys",
        "doctype",
        "certificate",
        "two infos",
    ],
)
def test_a_forged_signature_file_is_unreadable_or_does_not_hold(act, key, trust, pattern, replacement):
    target = forged(signed(act, key("a_kervadec")), pattern, replacement)
    assert refusal(check, target, act, key("a_kervadec"), trust) == "signature-not-valid-after-embedding"


@pytest.mark.parametrize("data", [b"", b"<html/>", b"\x00\x01", b"<ds:Signature xmlns:ds='x'/>"])
def test_what_is_no_signature_is_refused_in_french(act, trust, data):
    bad = act.with_name("bad.xades.xml")
    bad.write_bytes(data)
    assert refusal(read, act, bad, trust) == "xades-unreadable"
