"""In a batch the paths are proven once; the hash, the value, the hour and its seal of each signature are proven each time."""

import dataclasses
import re
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import core

from app.core.clock import now
from app.signing.formats import pades
from app.trust.certificates import asking_once, shared
from app.verification.readers.pdf import read_pdf
from tests.builders.signing import refusal, sealed


@pytest.fixture
def pair(deliberation, key, tsa) -> tuple[Path, Path]:
    """Two signatures of one person, dated by one authority."""
    found = []
    for rank in range(2):
        source = deliberation.with_name(f"acte-{rank}.pdf")
        source.write_bytes(deliberation.read_bytes())
        target, _ = sealed(source, key("a_kervadec"), tsa=tsa)
        found.append(target.rename(target.with_name(f"signed-{rank}.pdf")))
    return found[0], found[1]


def check(target, deliberation, key, trust, label="a_kervadec"):
    return pades.check(
        target,
        source=deliberation,
        field="maire",
        certificate=key(label).certificate,
        trust=trust,
        timestamped=True,
        moment=now(),
    )


def altered(target: Path, found: re.Match[bytes] | int) -> Path:
    """The same with one hexadecimal digit of its container changed."""
    data = bytearray(target.read_bytes())
    place = found if isinstance(found, int) else found.start()
    data[place] = ord("0") if data[place] != ord("0") else ord("1")
    changed = target.with_name("changed.pdf")
    changed.write_bytes(data)
    return changed


def test_alike_is_told_as_alone(pair, deliberation, key, trust):
    alone = [check(one, deliberation, key, trust) for one in pair]
    with asking_once():
        assert [check(one, deliberation, key, trust) for one in pair] == alone
        assert len(shared().proven) == 1
    silent = dataclasses.replace(trust, fetch=False)
    with asking_once():
        read_pdf(pair[0], None, silent, now())
        (seen,) = read_pdf(pair[1], None, silent, now())
    (whole,) = read_pdf(pair[1], None, silent, now())
    assert dataclasses.replace(seen, evidence=None) == dataclasses.replace(whole, evidence=None)
    assert seen.evidence is None, "a report is made of what was proven whole"
    assert whole.evidence is not None


def container(target: Path) -> tuple[int, bytes]:
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", target.read_bytes())
    assert found
    return found.start(1), bytes.fromhex(found[1].decode())


@pytest.mark.parametrize("what", ["document", "value", "imprint", "seal"])
def test_what_is_each_one_s_own_is_refused_when_it_does_not_hold(what, pair, deliberation, key, trust):
    first, second = pair
    start, der = container(second)
    from asn1crypto import cms

    info = cms.ContentInfo.load(der)["content"]["signer_infos"][0]
    token = next(
        one["values"][0]
        for one in info["unsigned_attrs"]
        if one["type"].native == "signature_time_stamp_token"
    )
    stamped = token["content"]["encap_content_info"]["content"]
    if what == "document":
        digest = next(
            one["values"][0].native for one in info["signed_attrs"] if one["type"].native == "message_digest"
        )
        part = digest
    else:
        part = {
            "value": info["signature"].native,
            "imprint": stamped.parsed["message_imprint"]["hashed_message"].native,
            "seal": token["content"]["signer_infos"][0]["signature"].native,
        }[what]
    assert der.count(part) == 1
    changed = altered(second, start + 2 * (der.index(part) + len(part) // 2))
    with asking_once():
        check(first, deliberation, key, trust)
        assert refusal(check, changed, deliberation, key, trust) == "signature-not-valid-after-embedding"
        assert len(shared().proven) == 1


def unread(value, place: str = "") -> list[str]:
    """The places of a certificate that asn1crypto has not read yet, and would read under no lock."""
    if value is None or isinstance(value, tuple):
        return [place]
    if isinstance(value, core.Choice):
        return unread(value._parsed, f"{place}/{value.name}")
    if isinstance(value, core.Sequence | core.SequenceOf | core.Set | core.SetOf):
        if value.children is None:
            return [place]
        return [
            each for rank, child in enumerate(value.children) for each in unread(child, f"{place}/{rank}")
        ]
    return []


def test_what_threads_share_is_read_whole_before_any_of_them_sees_it(pair, trust):
    silent = dataclasses.replace(trust, fetch=False)
    with asking_once():
        read_pdf(pair[0], None, silent, now())
        (known,) = shared().proven.values()
    path = known.proof.status.validation_path.iter_certs(include_root=True)
    assert [unread(one) for one in (known.signer, known.authority, *path) if unread(one)] == []


def test_another_certificate_is_proven_whole(pair, deliberation, key, trust, tsa):
    other, _ = sealed(deliberation, key("b_cadiou"), tsa=tsa)
    with asking_once():
        check(pair[0], deliberation, key, trust)
        check(other, deliberation, key, trust, "b_cadiou")
        assert len(shared().proven) == 2


def test_the_same_under_another_trust_is_proven_whole(pair, deliberation, key, trust):
    with asking_once():
        check(pair[0], deliberation, key, trust)
        nobody = dataclasses.replace(trust, roots=())
        assert refusal(check, pair[1], deliberation, key, nobody) == "signature-not-valid-after-embedding"


def test_an_hour_far_from_that_of_the_first_is_proven_whole(pair, deliberation, key, trust, monkeypatch):
    with asking_once():
        check(pair[0], deliberation, key, trust)
        batch = shared()
        (name, known), *_ = batch.proven.items()
        batch.proven[name] = dataclasses.replace(known, latest=known.earliest + timedelta(seconds=1))
        (seen,) = read_pdf(pair[1], None, dataclasses.replace(trust, fetch=False), now())
        assert seen.evidence is not None
