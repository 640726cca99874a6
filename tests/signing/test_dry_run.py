"""What a deposit learns by signing a document for nothing: what stands against our signature, and whether free fields serve."""

import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from app.core.refusals import Refusal
from app.files.confined import Confined, Ended, Limits, Pool, of_one_file
from app.folders.sockets import DryRun
from app.signing.dry_run import LIMITS, dry_run
from tests.assets import make_hostile, make_signed
from tests.signing.planted import PLANTED, direct


def tried(data: bytes, tmp_path) -> DryRun:
    path = tmp_path / "document.pdf"
    path.write_bytes(data)
    return dry_run(path)


def changed(data: bytes, change) -> bytes:
    """The same file, its fields changed before anybody signs."""
    with pikepdf.open(BytesIO(data)) as pdf:
        change(pdf)
        made = BytesIO()
        pdf.save(made)
        return made.getvalue()


def certified(change=None, free=1) -> bytes:
    """Certified at level 2, with so many free fields, each as `change` leaves it."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    def with_fields(pdf):
        page = pdf.pages[0].obj
        several = [
            pdf.make_indirect(
                Dictionary(
                    Type=Name.Annot,
                    Subtype=Name.Widget,
                    FT=Name.Sig,
                    T=f"Signature{rank + 1}",
                    Rect=Array([50, 50 + 70 * rank, 200, 100 + 70 * rank]),
                    F=4,
                    P=page,
                )
            )
            for rank in range(1 + free)
        ]
        for field in several[1:]:
            if change is not None:
                change(pdf, field)
        page.Annots = Array(several)
        pdf.Root.AcroForm = Dictionary(Fields=Array(several), SigFlags=3)

    writer = IncrementalPdfFileWriter(BytesIO(changed(make_signed.GOOD.read_bytes(), with_fields)))
    meta = signers.PdfSignatureMetadata(
        field_name="Signature1",
        certify=True,
        docmdp_permissions=fields.MDPPerm.FILL_FORMS,
        subfilter=fields.SigSeedSubFilter.PADES,
    )
    return signers.PdfSigner(meta, signer=make_signed.signer()).sign_pdf(writer).getvalue()


def _hidden(_pdf, field):
    field.F = 2


def _not_viewed(_pdf, field):
    field.F = 4 | 32


def _off_page(_pdf, field):
    field.Rect = Array([-500, -500, -400, -450])


def _on_a_layer(pdf, field):
    field.OC = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="plan"))


def _of_another_kind(pdf, field):
    field.SV = pdf.make_indirect(Dictionary(Type=Name.SV, Ff=2, SubFilter=Array([Name("/adbe.pkcs7.sha1")])))


def _with_a_stated_reason(pdf, field):
    field.SV = pdf.make_indirect(Dictionary(Type=Name.SV, Ff=8, Reasons=Array([pikepdf.String("Lu")])))


def _with_an_hour_of_somebody(pdf, field):
    stamp = Dictionary(URL=pikepdf.String("http://192.0.2.1/tsa"), Ff=1)
    field.SV = pdf.make_indirect(Dictionary(Type=Name.SV, TimeStamp=stamp))


def _as_we_sign(pdf, field):
    seed = Dictionary(Type=Name.SV, Ff=3, Filter=Name("/Adobe.PPKLite"))
    seed.SubFilter = Array([Name("/ETSI.CAdES.detached")])
    field.SV = pdf.make_indirect(seed)


@pytest.mark.parametrize(
    "change",
    [
        _hidden,
        _not_viewed,
        _off_page,
        _on_a_layer,
        _of_another_kind,
        _with_a_stated_reason,
        _with_an_hour_of_somebody,
    ],
)
def test_a_field_that_nobody_would_see_or_that_asks_for_another_signature_is_not_free(tmp_path, change):
    assert tried(certified(change), tmp_path) == DryRun("certified", 0)


@pytest.mark.parametrize("change", [None, _as_we_sign])
def test_the_fields_that_serve_are_counted_and_filled_without_breaking_the_certification(tmp_path, change):
    assert tried(certified(change, free=3), tmp_path) == DryRun("", 3)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fields_stand_in_no_ones_way(tmp_path, name):
    assert tried(PLANTED[name](), tmp_path) == DryRun("")


def test_what_cannot_be_signed_is_known(tmp_path):
    assert tried(direct(), tmp_path).why == "not-signable"
    assert tried(b"%PDF-1.7\n%%EOF", tmp_path).why == "not-signable"
    assert tried(make_hostile.GOOD.read_bytes(), tmp_path) == DryRun("")


def test_an_earlier_signature_that_ours_would_break_is_known(tmp_path):
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    writer = IncrementalPdfFileWriter(BytesIO(make_signed.GOOD.read_bytes()))
    lock = fields.FieldMDPSpec(fields.FieldMDPAction.ALL)
    spec = fields.SigFieldSpec("Locked", field_mdp_spec=lock, doc_mdp_update_value=fields.MDPPerm.NO_CHANGES)
    meta = signers.PdfSignatureMetadata(field_name="Locked", subfilter=fields.SigSeedSubFilter.PADES)
    signed = signers.PdfSigner(meta, signer=make_signed.signer(), new_field_spec=spec).sign_pdf(writer)
    assert tried(signed.getvalue(), tmp_path).why == "earlier"


def test_a_process_that_cannot_start_is_told_and_leaves_nothing_behind():
    nobody = Confined("app.signing.nobody", Pool())
    with pytest.raises(Refusal, match="confined-silent"):
        nobody.ask({}, LIMITS)
    assert not nobody.pool.idle


def test_a_copy_that_is_ended_says_nothing_and_the_next_is_as_new(tmp_path):
    path = tmp_path / "document.pdf"
    path.write_bytes(make_hostile.GOOD.read_bytes())
    asked = {"path": str(path), "room": str(tmp_path)}
    room = Confined("app.signing.dry_runner", Pool())
    try:
        with pytest.raises(Ended) as ended:
            room.ask(asked, replace(LIMITS, seconds=0.0))
        assert ended.value.late
        assert room.ask(asked, replace(LIMITS, written=100)).content["why"]
        first = room.ask(asked, LIMITS).content
        (waits,) = room.pool.idle
        assert first == room.ask(asked, LIMITS).content == {"why": "", "free_fields": None}
        assert room.pool.idle == [waits], "the same process serves again"
        waits.kill()
        waits.wait()
        assert room.ask(asked, LIMITS).content == first, "one that has gone is replaced"
    finally:
        room.pool.close()
    assert not room.pool.idle
    with pytest.raises(ProcessLookupError):
        os.kill(waits.pid, 0)


def copies(pool: Pool, process=None) -> list[str]:
    """The copies that live, of the process that waits."""
    waits = process or pool.idle[0]
    return Path(f"/proc/{waits.pid}/task/{waits.pid}/children").read_text().split()


def test_one_copy_answers_all_that_is_asked_of_a_file_and_is_gone_with_it(tmp_path, monkeypatch):
    path = tmp_path / "document.pdf"
    path.write_bytes(make_hostile.GOOD.read_bytes())
    asked = {"path": str(path), "room": str(tmp_path)}
    room = Confined("app.signing.dry_runner", Pool())
    text, good = Confined("app.files.dissection", room.pool), {"why": "", "free_fields": None}
    start, started = room.pool.start, []
    monkeypatch.setattr(room.pool, "start", lambda: started.append(start()) or started[-1])
    try:
        with of_one_file():
            assert text.ask({"command": ["text", str(path)]}, LIMITS).content["text"]
            (reader,) = copies(room.pool, started[0])
            assert room.ask(asked, LIMITS).content == good
            assert copies(room.pool, started[0]) == [reader], "the one that has read the file"
            os.kill(int(reader), 9)  # as by a fault that comes late
            assert room.ask(asked, LIMITS).content == good, "a new one answers in its place"
            with pytest.raises(Ended) as ended:
                room.ask(asked, replace(LIMITS, seconds=0.0))
            assert ended.value.late
            assert not copies(room.pool, started[0])
            assert room.ask(asked, LIMITS).content == good
            assert len(copies(room.pool, started[0])) == 1
        assert not copies(room.pool), "no file, no copy"
        assert len(started) == 1
    finally:
        room.pool.close()


def test_a_copy_answers_within_narrower_limits_and_never_within_wider_ones(tmp_path):
    """What the kernel has taken from a process it does not give back: of another limit, another copy."""
    path = tmp_path / "document.pdf"
    path.write_bytes(make_hostile.GOOD.read_bytes())
    room = Confined("app.files.dissection", Pool())
    asked = {"command": ["text", str(path)]}
    narrow = Limits(cpu_seconds=2, seconds=4.0, memory=1 << 30, written=0)

    def bounds() -> list[str]:
        (copy,) = copies(room.pool, started[0])
        named = Path(f"/proc/{copy}/limits").read_text().splitlines()
        sizes = [line.split() for line in named if line.startswith(("Max file size", "Max address space"))]
        return [copy, *(words[-2] for words in sizes)]

    start, started = room.pool.start, []
    room.pool.start = lambda: started.append(start()) or started[-1]
    try:
        with of_one_file():
            text = room.ask(asked, LIMITS).content
            first, *wide = bounds()
            assert wide == [str(LIMITS.written), str(LIMITS.memory)]
            assert room.ask(asked, narrow).content == text
            assert bounds() == [first, "0", str(narrow.memory)], "the same copy, bounded anew"
            assert room.ask(asked, LIMITS).content == text
            second, *again = bounds()
            assert (second != first, again) == (True, wide)
        assert not copies(room.pool)
    finally:
        room.pool.close()
