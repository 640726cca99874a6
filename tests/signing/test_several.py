"""Signature after signature on one document: five people, and documents whose author certified them."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field

from app.core.clock import now
from app.signing.formats import geometry, pades
from app.signing.ports import FieldPlan, Stamp
from tests.builders.signing import refusal
from tests.builders.verify import verify
from tests.signing.test_pades import assert_others_accept

FIVE = ("a_kervadec", "b_cadiou", "ec", "rsa4096", "seal")


def five_fields(source: Path) -> list[FieldPlan]:
    return [
        FieldPlan(f"part-{rank}", geometry.default_box(source, rank, len(FIVE))) for rank in range(len(FIVE))
    ]


def signed_by(source: Path, key, field: str, fields, tsa) -> Path:
    target = source.with_name(f"{source.stem}+{field}.pdf")
    stamp = Stamp(("Signé électroniquement par", field))
    pades.seal(source, target, key=key, field=field, fields=fields, stamp=stamp, now=now(), timestamper=tsa)
    return target


def test_five_sign_one_after_the_other_and_every_version_is_an_exact_prefix_of_the_next(
    deliberation, key, trust, tsa, pki
):
    versions, fields = [deliberation], five_fields(deliberation)
    for rank, label in enumerate(FIVE):
        target = signed_by(versions[-1], key(label), f"part-{rank}", fields, tsa)
        seen = pades.check(
            target,
            source=versions[-1],
            field=f"part-{rank}",
            certificate=key(label).certificate,
            trust=trust,
            timestamped=True,
            moment=now(),
        )
        assert seen.earlier == rank
        versions.append(target)
    for before, after in pairwise(versions):
        assert after.read_bytes().startswith(before.read_bytes())
        assert after.stat().st_size > before.stat().st_size
    said = verify(versions[-1], trust, now())
    assert [(one.where, one.verdict, one.level) for one in said] == [
        (f"part-{rank}", "valide", "B-T") for rank in range(len(FIVE))
    ]
    assert [one.covers_whole for one in said] == [False] * 4 + [True]
    assert_others_accept(versions[-1], pki, signatures=5)
    # Each version that was kept is a whole document of its own, which strangers accept too
    for count, version in enumerate(versions[1:], 1):
        told = subprocess.run(["pdfsig", str(version)], capture_output=True, text=True).stdout
        assert told.count("Signature is Valid") == count


def certified(source: Path, pki, level: MDPPerm, *free: str) -> Path:
    """A document that its author certified, with these empty signature fields."""
    target = source.with_name("certified.pdf")
    author = signers.SimpleSigner.load_pkcs12(str(pki.p12("ec")), passphrase=pki.passphrase)
    meta = signers.PdfSignatureMetadata(
        field_name="auteur", certify=True, docmdp_permissions=level, subfilter=SigSeedSubFilter.PADES
    )
    with source.open("rb") as before, target.open("wb") as after:
        writer = IncrementalPdfFileWriter(before)
        for name in ("auteur", *free):
            append_signature_field(writer, SigFieldSpec(name))
        signers.sign_pdf(writer, meta, signer=author, output=after)
    return target


@pytest.mark.parametrize("level", MDPPerm)
def test_a_certified_document_without_room_is_not_signed_and_its_certification_stays(
    deliberation, key, trust, pki, level
):
    source = certified(deliberation, pki, level)
    before = source.read_bytes()
    asked = [FieldPlan("maire", None)]
    assert refusal(signed_by, source, key("a_kervadec"), "maire", asked, None) == "document-certified"
    assert source.read_bytes() == before
    (said,) = verify(source, trust, now())
    assert said.verdict == "valide"


def test_a_document_certified_against_every_change_is_not_signed_even_in_a_free_field(deliberation, key, pki):
    source = certified(deliberation, pki, MDPPerm.NO_CHANGES, "maire")
    asked = [FieldPlan("maire", None)]
    assert refusal(signed_by, source, key("a_kervadec"), "maire", asked, None) == "document-certified"


@pytest.mark.parametrize("level", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
def test_where_the_author_left_a_field_it_is_signed_and_the_certification_still_holds(
    deliberation, key, trust, tsa, pki, level
):
    source = certified(deliberation, pki, level, "maire", "secretaire")
    fields = [FieldPlan("maire", None), FieldPlan("secretaire", None)]
    first = signed_by(source, key("a_kervadec"), "maire", fields, tsa)
    second = signed_by(first, key("b_cadiou"), "secretaire", fields, tsa)
    said = verify(second, trust, now())
    assert [(one.where, one.verdict) for one in said] == [
        ("auteur", "valide"),
        ("maire", "valide"),
        ("secretaire", "valide"),
    ]
    assert_others_accept(second, pki, signatures=3)
    for before, after in pairwise((source, first, second)):
        assert after.read_bytes().startswith(before.read_bytes())
