"""What our signatures lock, for verifiers that honour locks (ISO 32000-2 §12.8.2.4)."""

import subprocess
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from app.core.clock import now
from app.signing.formats import pades
from app.signing.placing.plan import Part, _locks
from app.signing.ports import Box, FieldPlan
from tests.builders.verify import verify
from tests.verification.corpus import Corpus

BOXES = {"un": Box(0, 300, 40, 420, 90), "deux": Box(0, 440, 40, 560, 90)}


def plans(lock: bool = True) -> list[FieldPlan]:
    """Two signatories, one after the other."""
    return [
        FieldPlan("un", BOXES["un"], ("deux",) if lock else None),
        FieldPlan("deux", BOXES["deux"], () if lock else None),
    ]


def sign(source: Path, key, field: str, label: str, lock: bool = True, tsa=None) -> Path:
    target = source.with_name(f"{source.stem}-{field}.pdf")
    pades.seal(
        source,
        target,
        key=key(label),
        field=field,
        fields=plans(lock),
        stamp=None,
        now=now(),
        timestamper=tsa,
    )
    return target


def references(path: Path) -> list[tuple[str, list[str]]]:
    """What the reference of each signature locks, as its dictionary says it."""
    with path.open("rb") as stream:
        reader = PdfFileReader(stream)
        found = []
        for one in reader.embedded_regular_signatures:
            (reference,) = [ref.get_object() for ref in one.sig_object["/Reference"]]
            assert (reference["/TransformMethod"], reference["/TransformParams"]["/Type"]) == (
                "/FieldMDP",
                "/TransformParams",
            )
            params = reference["/TransformParams"]
            assert one.sig_field["/Lock"]["/Action"] == params["/Action"]
            found.append((str(params["/Action"]), [str(name) for name in params.get("/Fields", ())]))
        return found


@pytest.fixture
def signed_by_both(deliberation, key) -> Path:
    return sign(sign(deliberation, key, "un", "a_kervadec"), key, "deux", "b_cadiou")


def test_the_first_leaves_free_who_is_still_to_sign_and_the_last_locks_all(signed_by_both, trust) -> None:
    assert references(signed_by_both) == [("/Exclude", ["deux"]), ("/All", [])]
    assert [one.verdict for one in verify(signed_by_both, trust, now())] == ["valide", "valide"]
    told = subprocess.run(["pdfsig", signed_by_both], capture_output=True, check=False).stdout
    assert told.count(b"Signature is Valid") == 2


@pytest.mark.parametrize("lock", [True, False], ids=["locked", "not locked"])
def test_a_signature_added_elsewhere_afterwards_breaks_what_is_locked_and_nothing_else(
    deliberation, key, trust, pki, tmp_path, lock
) -> None:
    both = sign(sign(deliberation, key, "un", "a_kervadec", lock), key, "deux", "b_cadiou", lock)
    third = tmp_path / "third.pdf"
    third.write_bytes(Corpus(pki, trust, tmp_path).signed("ec", "B-B", data=both.read_bytes(), field="trois"))
    before = [one.altered for one in _read(third, trust)][:2]
    assert before == [lock, lock]
    # pdfsig honours no lock: only our verifier, and those that do, see it
    told = subprocess.run(["pdfsig", third], capture_output=True, check=False).stdout
    assert told.count(b"Signature is Valid") == 3


def _read(path: Path, trust):
    from app.verification.readers.pdf import read_pdf

    return read_pdf(path, None, trust, now())


def test_proofs_and_an_archive_timestamp_may_follow_a_lock(signed_by_both, trust, pki, tmp_path) -> None:
    import asyncio
    import io

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfTimeStamper

    from tests.verification.corpus import Tsa

    out = io.BytesIO()
    with signed_by_both.open("rb") as stream:
        stamper = PdfTimeStamper(Tsa(pki))
        asyncio.run(stamper.async_timestamp_pdf(IncrementalPdfFileWriter(stream), "sha256", output=out))
    archived = tmp_path / "archived.pdf"
    archived.write_bytes(out.getvalue())
    every = verify(archived, trust, now())
    assert [one.verdict for one in every] == ["valide", "valide"], [one.reason for one in every]


def part(field: str, step: str) -> Part:
    return Part(field, step, field, field)


def test_parts_of_one_step_sign_in_any_order_and_earlier_steps_stay_locked() -> None:
    parts = [part("a", "visa"), part("b", "signature"), part("c", "signature"), part("d", "cachet")]
    assert _locks(parts, "deliberation") == {
        "a": ("b", "c", "d"),
        "b": ("c", "d"),
        "c": ("b", "d"),
        "d": (),
    }


@pytest.mark.parametrize("family", ["contract", "other", "other_act"])
def test_what_may_be_signed_elsewhere_is_not_locked(family) -> None:
    assert _locks([part("a", "signature")], family) == {}
