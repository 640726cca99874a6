"""A signature beside a file of any kind: accepted by strangers for that file, and for no other."""

import dataclasses
import tracemalloc
from datetime import timedelta

import pytest
from asn1crypto import cms, pem
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from app.core.clock import now
from app.signing.formats import cades
from app.signing.formats.naming import signature_name
from app.trust.timestamp import TimestampClient
from app.verification.readers.cms.signatures import read_p7s
from tests.builders.seals import seal
from tests.builders.signing import refusal
from tests.cluster import free_port
from tests.signing.test_pades import run


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "Délibération n° 12.xml"
    path.write_text("<acte>Subvention exceptionnelle au Cercle nautique</acte>", encoding="utf-8")
    return path


def ready(source, key, name="waiting.p7s"):
    target = source.with_name(name)
    prepared = cades.prepare(
        source, target, certificate=key.certificate, chain=key.chain, field="maire", now=now()
    )
    return target, prepared


def finish(source, target, prepared, key, signature, tsa=None):
    cades.complete(
        target,
        prepared,
        source=source,
        certificate=key.certificate,
        chain=key.chain,
        signature=signature,
        timestamper=tsa,
    )


def signed(source, key, tsa=None, rank=1):
    target = source.with_name(signature_name(source.name, rank, "Armel KERVADEC"))
    seal(
        cades,
        source,
        target,
        key=key,
        field="maire",
        now=now(),
        timestamper=tsa,
        media_type="application/xml",
    )
    return target


def read(note, p7s, trust, moment=None):
    (found,) = read_p7s(p7s, note, trust, moment or now())
    return found


def openssl(p7s, content, pki):
    return run(
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(p7s)),
        *("-content", str(content), "-CAfile", str(pki.root_pem), "-purpose", "any", "-out", "/dev/null"),
    )


def check(target, source, key, trust, **more):
    return cades.check(
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
def test_every_kind_of_key_signs_at_both_levels_and_openssl_accepts_it_for_that_file_alone(
    note, key, pki, trust, tsa, label, level
):
    timestamper = tsa if level == "B-T" else None
    target = signed(note, key(label), timestamper)
    found = check(target, note, key(label), trust, timestamped=timestamper is not None)
    assert (found.level, found.timestamped_at is not None) == (level, level == "B-T")
    assert abs(found.signed_at - now()) < timedelta(minutes=2)
    code, said = openssl(target, note, pki)
    assert code == 0, said
    other = note.with_name("other.xml")
    other.write_bytes(note.read_bytes() + b"\n")
    assert openssl(target, other, pki)[0] != 0
    assert refusal(check, target, other, key(label), trust) == "signature-not-valid-after-embedding"


def test_the_signed_attributes_are_those_of_the_baseline(note, key):
    _, prepared = ready(note, key("a_kervadec"))
    named = {one["type"].native: one["values"][0] for one in cms.CMSAttributes.load(prepared.attributes)}
    assert {"content_type", "message_digest", "signing_time", "signing_certificate_v2", "mime_type"} <= set(
        named
    )
    assert abs(named["signing_time"].native - now()) < timedelta(minutes=2)


def test_two_signatories_have_two_files_and_each_stands_alone(note, key, pki, trust, tsa):
    one, two = signed(note, key("a_kervadec"), tsa), signed(note, key("b_cadiou"), tsa, rank=2)
    assert one != two
    for target, label in ((one, "a_kervadec"), (two, "b_cadiou")):
        check(target, note, key(label), trust, timestamped=True)
        assert openssl(target, note, pki)[0] == 0
        assert refusal(check, target, note, key("ec"), trust, timestamped=True) == (
            "signature-not-valid-after-embedding"
        )


def test_a_raw_elliptic_signature_of_a_browser_is_accepted(note, key, trust):
    target, prepared = ready(note, key("ec"))
    r, s = decode_dss_signature(key("ec").sign(prepared.attributes))
    finish(note, target, prepared, key("ec"), r.to_bytes(32) + s.to_bytes(32))
    check(target, note, key("ec"), trust)


def test_the_signature_of_another_key_or_of_another_file_is_refused_and_nothing_is_written(note, key):
    target, prepared = ready(note, key("a_kervadec"))
    other = note.with_name("other.xml")
    other.write_bytes(b"<autre/>")
    _, stolen = ready(other, key("a_kervadec"), "other.p7s")
    before = target.read_bytes()
    for signature in (
        key("b_cadiou").sign(prepared.attributes),
        key("a_kervadec").sign(stolen.attributes),
    ):
        assert refusal(finish, note, target, prepared, key("a_kervadec"), signature) == "signature-not-yours"
    assert target.read_bytes() == before


@pytest.mark.parametrize("which", ["the file", "what waits", "the announced hash"])
def test_what_changed_after_preparation_is_not_signed(note, key, which):
    target, prepared = ready(note, key("a_kervadec"))
    if which == "the file":
        note.write_bytes(b"<acte>Autre chose</acte>")
    elif which == "what waits":
        waiting = target.read_bytes()
        target.write_bytes(waiting[:-1] + bytes([waiting[-1] ^ 1]))
    else:
        forged = prepared.attributes.replace(prepared.digest, bytes(len(prepared.digest)))
        prepared = dataclasses.replace(prepared, attributes=forged)
        target.write_bytes(forged)
    signature = key("a_kervadec").sign(prepared.attributes)
    before = target.read_bytes()
    assert refusal(finish, note, target, prepared, key("a_kervadec"), signature) == "prepared-file-changed"
    assert target.read_bytes() == before


def test_a_signature_cannot_be_completed_twice(note, key):
    target, prepared = ready(note, key("a_kervadec"))
    signature = key("a_kervadec").sign(prepared.attributes)
    finish(note, target, prepared, key("a_kervadec"), signature)
    assert refusal(finish, note, target, prepared, key("a_kervadec"), signature) == "prepared-file-changed"


def test_a_silent_timestamp_authority_leaves_no_signature(note, key):
    silent = TimestampClient(f"http://127.0.0.1:{free_port()}/tsa", timeout=1)
    assert refusal(signed, note, key("a_kervadec"), silent) == "timestamp-silent"
    assert list(note.parent.glob("*.p7s*")) == []


def test_a_large_file_is_read_from_disk_and_never_held(tmp_path, key, trust, pki):
    large = tmp_path / "plans.zip"
    with large.open("wb") as stream:
        stream.truncate(96 * 1024 * 1024)
    tracemalloc.start()
    target = signed(large, key("ec"))
    check(target, large, key("ec"), trust)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024
    assert openssl(target, large, pki)[0] == 0


def test_a_p7s_is_read_with_all_that_a_verdict_needs(note, key, trust, tsa):
    found = read(note, signed(note, key("a_kervadec"), tsa), trust)
    assert (found.name, found.vouched, found.holds, found.timestamp, found.level) == (
        "Armel KERVADEC",
        True,
        True,
        "trusted",
        "B-T",
    )
    later = read(note, signed(note, key("a_kervadec")), trust, now() + timedelta(days=1000))
    assert later.not_after < now() + timedelta(days=1000)
    assert not later.vouched


def test_a_revoked_signer_and_a_silent_authority_are_told_apart(note, key, trust, tsa):
    revoked = read(note, signed(note, key("revoked"), tsa), trust)
    assert revoked.revoked_at is not None
    mute = dataclasses.replace(trust, allowed_hosts=())
    silent = read(note, signed(note, key("a_kervadec"), tsa), mute)
    assert (silent.vouched, silent.sub) == (False, "TRY_LATER")


def test_a_p7s_in_pem_and_one_made_by_openssl_are_read(note, key, pki, trust, tmp_path):
    target = signed(note, key("a_kervadec"))
    armored = tmp_path / "armored.p7s"
    armored.write_bytes(pem.armor("CMS", target.read_bytes()))
    assert read(note, armored, trust).vouched
    theirs = tmp_path / "theirs.p7s"
    certificate = tmp_path / "own.pem"
    certificate.write_bytes(pem.armor("CERTIFICATE", pki.certificate("a_kervadec")))
    above = tmp_path / "above.pem"
    above.write_bytes(pem.armor("CERTIFICATE", pki.certificate("interm")))
    code, said = run(
        *("openssl", "cms", "-sign", "-cades", "-binary", "-outform", "DER", "-in", str(note)),
        *("-signer", str(certificate), "-inkey", str(pki.folder / "keys" / "a_kervadec.pem")),
        *("-certfile", str(above), "-out", str(theirs)),
    )
    assert code == 0, said
    found = read(note, theirs, trust)
    assert (found.holds, found.vouched, found.timestamp) == (True, True, "none")


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"\x30\x82\xff\xff", b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n", bytes(64)],
)
def test_what_is_no_signature_is_refused_in_french(note, trust, data):
    bad = note.with_name("bad.p7s")
    bad.write_bytes(data)
    assert refusal(read, note, bad, trust) == "signature-file-unreadable"


def test_a_cut_signature_is_refused(note, key, trust):
    target = signed(note, key("a_kervadec"))
    target.write_bytes(target.read_bytes()[:-40])
    assert refusal(read, note, target, trust) == "signature-file-unreadable"


def test_what_we_write_holds_one_signature_and_the_check_refuses_two(note, key, trust):
    from asn1crypto.cms import ContentInfo

    one, two = signed(note, key("a_kervadec")), signed(note, key("b_cadiou"), rank=2)
    whole, other = (ContentInfo.load(path.read_bytes()) for path in (one, two))
    whole["content"]["signer_infos"].append(other["content"]["signer_infos"][0])
    one.write_bytes(whole.dump(force=True))
    assert refusal(check, one, note, key("a_kervadec"), trust) == "signature-not-valid-after-embedding"


@pytest.mark.parametrize(
    ("document", "rank", "signer", "name"),
    [
        ("Délibération n° 12.xml", 1, "Armel KERVADEC", "Deliberation-n-12-xml-1-Armel-KERVADEC.p7s"),
        ("vœu.odt", 2, "Gwenaël C’HOADEG", "voeu-odt-2-Gwenael-C-HOADEG.p7s"),
        ("a.xml", 3, "Añjela Le Floc'h", "a-xml-3-Anjela-Le-Floc-h.p7s"),
        ("../../etc/passwd", 1, "..\\COM1", "etc-passwd-1-COM1.p7s"),
        ("日本.zip", 1, "", "zip-1-signataire.p7s"),
    ],
)
def test_the_name_of_a_signature_is_safe_on_any_disk(document, rank, signer, name):
    assert signature_name(document, rank, signer) == name
    assert len(signature_name(document * 40, rank, signer * 40)) < 140
