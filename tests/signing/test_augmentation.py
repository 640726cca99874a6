"""The level that is claimed is the level that was made: proven by the file alone, with every authority silent."""

import asyncio
import dataclasses
import random
import shutil
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import ades_lta_validation, simulate_future_ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from app.core.clock import now
from app.signing.formats import augmentation, preservation
from app.signing.formats.augmentation import Answers
from app.trust.certificates import certificates_in, facts
from app.trust.timestamp import TimestampClient
from tests.builders.signing import refusal, sealed
from tests.builders.verify import verify
from tests.cluster import free_port
from tests.signing.test_pades import run


@pytest.fixture
def silent(trust):
    """The same trust, with no host that may be asked."""
    return dataclasses.replace(trust, allowed_hosts=())


@pytest.fixture
def signed(deliberation, key, tsa):
    """The deliberation signed by both, B-T."""
    first, _ = sealed(deliberation, key("a_kervadec"), "maire", tsa)
    return sealed(first, key("b_cadiou"), "secretaire", tsa)[0]


def augmented(source, trust, level, tsa, answers=None, **more):
    target = source.with_name(f"{source.stem}-{level}.pdf")
    augmentation.augment(
        source,
        target,
        answers=answers or Answers(trust, now()),
        timestamper=tsa if level == "B-LTA" else None,
        **more,
    )
    return target


def held(path):
    """How many certificates, OCSP answers and revocation lists the file holds."""
    with pikepdf.open(path) as pdf:
        return {name: len(pdf.Root.DSS.get(f"/{name}", [])) for name in ("Certs", "OCSPs", "CRLs")}


def proofs(path):
    """The certificates, OCSP answers and revocation lists that the file holds, byte for byte."""
    with pikepdf.open(path) as pdf:
        return {
            name: {one.read_bytes() for one in pdf.Root.DSS[name]} for name in ("/Certs", "/OCSPs", "/CRLs")
        }


def ades(path, pki, *, years):
    """The words of ETSI EN 319 102-1 §5.6.3 on each signature, now or so many years ahead, asking nobody."""
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build(
                    trust_roots=list(certificates_in(pki.root_pem.read_bytes()))
                ),
                revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
                time_tolerance=timedelta(minutes=5),
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        )
    )
    with path.open("rb") as stream:
        for signature in PdfFileReader(stream).embedded_regular_signatures:
            if years:
                work = simulate_future_ades_lta_validation(
                    signature, spec, now() + timedelta(days=365 * years)
                )
            else:
                work = ades_lta_validation(signature, spec)
            yield asyncio.run(work).ades_subindic


def assert_strangers_accept(path, signatures):
    assert run("qpdf", "--check", str(path))[0] == 0
    assert run("pdfsig", str(path))[1].count("Signature is Valid") == signatures


@pytest.mark.parametrize("label", ["a_kervadec", "ec", "rsa4096"])
@pytest.mark.law("SIG-09")
def test_one_signature_of_each_kind_of_key_proves_itself_at_level_b_lt(
    deliberation, key, trust, silent, tsa, label
):
    source, _ = sealed(deliberation, key(label), tsa=tsa)
    target = augmented(source, trust, "B-LT", tsa)
    found = preservation.check(target, source=source, level="B-LT", trust=silent, moment=now())
    assert (found.level, found.signatures, found.ends_at) == ("B-LT", 1, None)
    assert target.read_bytes().startswith(source.read_bytes())
    assert held(target)["OCSPs"] == 2  # the signer's, and the timestamp authority's
    assert_strangers_accept(target, 1)


@pytest.mark.law("SIG-09")
def test_two_signers_then_b_lta_hold_today_and_in_ten_years_with_every_authority_silent(
    signed, pki, trust, silent, tsa
):
    target = augmented(signed, trust, "B-LTA", tsa)
    found = preservation.check(target, source=signed, level="B-LTA", trust=silent, moment=now())
    assert (found.level, found.signatures) == ("B-LTA", 2)
    assert abs(found.timestamped_at - now()) < timedelta(minutes=2)
    assert found.ends_at > now() + timedelta(days=365)
    assert list(ades(target, pki, years=0)) == [AdESPassed.OK] * 2
    assert list(ades(target, pki, years=10)) == [AdESPassed.OK] * 2
    assert target.read_bytes().startswith(signed.read_bytes())
    assert_strangers_accept(target, 2)
    assert [one.verdict for one in verify(target, trust, now())] == ["valide", "valide"]


def test_without_the_proofs_the_same_signatures_pass_neither_check(signed, pki, silent):
    assert AdESPassed.OK not in set(ades(signed, pki, years=10))
    assert (
        refusal(preservation.check, signed, source=signed, level="B-LT", trust=silent, moment=now())
        == "archive-not-made"
    )


def test_years_after_the_signers_certificates_ended_the_b_lta_file_still_proves_itself(
    signed, key, trust, silent, tsa
):
    target = augmented(signed, trust, "B-LTA", tsa)
    later = now() + timedelta(days=4 * 365)
    assert facts(key("a_kervadec").certificate).not_after < later
    preservation.check(target, source=signed, level="B-LTA", trust=silent, moment=later)


def test_a_renewed_file_has_two_timestamps_and_proves_the_first_by_what_it_holds(signed, trust, silent, tsa):
    first = augmented(signed, trust, "B-LTA", tsa)
    second = augmented(first, trust, "B-LTA", tsa, renews=True)
    found = preservation.check(second, source=first, level="B-LTA", trust=silent, moment=now(), renews=True)
    assert found.signatures == 2
    with second.open("rb") as stream:
        times = PdfFileReader(stream).embedded_timestamp_signatures
        assert len(times) == 2
    assert second.read_bytes().startswith(first.read_bytes())
    assert_strangers_accept(second, 2)


def test_the_files_of_a_batch_share_answers_and_each_keeps_only_its_own(
    deliberation, key, trust, silent, tsa
):
    other = Path(shutil.copy(deliberation, deliberation.with_name("other.pdf")))
    mine, _ = sealed(deliberation, key("a_kervadec"), tsa=tsa)
    theirs, _ = sealed(other, key("b_cadiou"), tsa=tsa)
    answers = Answers(trust, now())
    for source in (mine, theirs):
        target = augmented(source, trust, "B-LT", tsa, answers)
        preservation.check(target, source=source, level="B-LT", trust=silent, moment=now())
        assert held(target)["OCSPs"] == 2


def test_the_second_file_of_a_person_in_a_batch_bears_the_proofs_of_the_first(
    deliberation, key, trust, silent, tsa
):
    other = Path(shutil.copy(deliberation, deliberation.with_name("other.pdf")))
    answers = Answers(trust, now())
    files = [sealed(one, key("a_kervadec"), tsa=tsa)[0] for one in (deliberation, other)]
    targets = [augmented(one, trust, "B-LT", tsa, answers) for one in files]
    assert proofs(targets[0]) == proofs(targets[1])
    for source, target in zip(files, targets, strict=True):
        found = preservation.check(target, source=source, level="B-LT", trust=silent, moment=now())
        assert (found.level, found.signatures) == ("B-LT", 1)
        assert_strangers_accept(target, 1)


def test_a_revoked_signer_is_refused_at_each_file_of_a_batch(deliberation, key, trust, tsa):
    good = Path(shutil.copy(deliberation, deliberation.with_name("good.pdf")))
    good, _ = sealed(good, key("a_kervadec"), tsa=tsa)
    revoked, _ = sealed(deliberation, key("revoked"), tsa=tsa)
    answers = Answers(trust, now())
    augmented(good, trust, "B-LT", tsa, answers)
    for _ in range(2):
        assert refusal(augmented, revoked, trust, "B-LT", tsa, answers) == "archive-not-made"


def test_a_large_document_is_augmented_from_disk_to_disk(deliberation, key, trust, silent, tsa):
    with pikepdf.open(deliberation, allow_overwriting_input=True) as pdf:
        pdf.Root.Plans = pdf.make_stream(random.Random(1).randbytes(48 * 1024 * 1024))
        pdf.save(deliberation, compress_streams=False)
    source, _ = sealed(deliberation, key("a_kervadec"), tsa=tsa)
    tracemalloc.start()
    target = augmented(source, trust, "B-LTA", tsa)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * 1024 * 1024
    preservation.check(target, source=source, level="B-LTA", trust=silent, moment=now())


def test_what_strangers_had_signed_before_is_theirs_to_prove(deliberation, key, trust, silent, tsa):
    theirs, _ = sealed(deliberation, key("foreign_root"), "secretaire", tsa=None)
    ours, _ = sealed(theirs, key("a_kervadec"), "maire", tsa)
    assert refusal(augmented, ours, trust, "B-LTA", tsa) == "archive-not-made"
    target = augmented(ours, trust, "B-LTA", tsa, fields={"maire"})
    check = {"source": ours, "level": "B-LTA", "trust": silent, "moment": now()}
    assert preservation.check(target, fields={"maire"}, **check).signatures == 1
    assert refusal(preservation.check, target, **check) == "archive-not-made"
    assert_strangers_accept(target, 2)


def test_a_document_timestamp_of_strangers_does_not_hide_our_signatures(
    deliberation, key, trust, silent, tsa
):
    theirs, _ = sealed(deliberation, key("a_kervadec"), "maire", tsa)
    theirs = augmented(theirs, trust, "B-LTA", tsa)
    ours, _ = sealed(theirs, key("b_cadiou"), "secretaire", tsa)
    target = augmented(ours, trust, "B-LT", tsa, fields={"secretaire"})
    with target.open("rb") as stream:
        assert len(PdfFileReader(stream).embedded_timestamp_signatures) == 1
    final = augmented(ours, trust, "B-LTA", tsa, fields={"secretaire"})
    preservation.check(final, source=ours, level="B-LTA", trust=silent, moment=now(), fields={"secretaire"})


def test_a_silent_authority_leaves_no_file(signed, silent, trust):
    target = signed.with_name("none.pdf")
    mute = TimestampClient(f"http://127.0.0.1:{free_port()}/tsa", timeout=1)
    assert (
        refusal(augmentation.augment, signed, target, answers=Answers(silent, now()), timestamper=None)
        == "archive-answer-missing"
    )
    assert (
        refusal(augmentation.augment, signed, target, answers=Answers(trust, now()), timestamper=mute)
        == "archive-timestamp-silent"
    )
    assert not target.exists()


def test_a_revoked_signer_is_not_archived_as_good(deliberation, key, trust, tsa):
    source, _ = sealed(deliberation, key("revoked"), tsa=tsa)
    assert (
        refusal(
            augmentation.augment,
            source,
            source.with_name("none.pdf"),
            answers=Answers(trust, now()),
            timestamper=None,
        )
        == "archive-not-made"
    )


def test_a_document_without_signature_has_nothing_to_prove(deliberation, trust):
    assert (
        refusal(
            augmentation.augment,
            deliberation,
            deliberation.with_name("none.pdf"),
            answers=Answers(trust, now()),
            timestamper=None,
        )
        == "archive-not-made"
    )


def test_a_level_that_was_not_reached_is_not_claimed(signed, trust, silent, tsa):
    target = augmented(signed, trust, "B-LT", tsa)
    check = {"source": signed, "trust": silent, "moment": now()}
    assert refusal(preservation.check, target, level="B-LTA", **check) == "archive-not-made"
    data = bytearray(target.read_bytes())
    data[40] ^= 1
    target.write_bytes(data)
    assert refusal(preservation.check, target, level="B-LT", **check) == "archive-not-made"


def test_proofs_of_an_authority_that_is_not_ours_prove_nothing(signed, pki, trust, silent, tsa):
    target = augmented(signed, trust, "B-LTA", tsa)
    strange = dataclasses.replace(silent, roots=(pki.certificate("foreign"),))
    assert (
        refusal(preservation.check, target, source=signed, level="B-LTA", trust=strange, moment=now())
        == "archive-not-made"
    )
