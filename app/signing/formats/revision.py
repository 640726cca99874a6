"""One more revision of a document: its missing signature fields, the drawing, and a hole for one signature."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from pyhanko.pdf_utils.generic import ArrayObject, FloatObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    SigFieldSpec,
    append_signature_field,
    enumerate_sig_fields,
)
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.validation import read_certification_data
from pyhanko.stamp.noop import NoOpStampStyle

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.signing.formats import geometry, own_fields
from app.signing.formats.stamp import UprightStyle, drawable
from app.signing.ports import FieldPlan, Stamp

CHUNK = 1 << 20
NO_CHANGES = 1  # the strictest DocMDP level (ISO 32000-2 table 257)
SMALL, DRAWN = (
    20.0,
    62.0,
)  # pyHanko draws in whole units: a box that is smaller in these is drawn larger, and shown in its size


@dataclass(frozen=True)
class Hole:
    """The place kept for a signature: its field, byte offsets, brackets included, and the hash of all the rest of the file."""

    field: str
    digest: bytes
    start: int
    end: int


def write(
    source: Path,
    after: IO[bytes],
    signer: Signer,
    meta: PdfSignatureMetadata,
    *,
    field: str,
    fields: Sequence[FieldPlan],
    fresh: bool,
    stamp: Stamp | None,
    room: int,
    now: datetime,
) -> Hole:
    """Write into the empty `after` the bytes of `source` and one more revision; `room` counts hexadecimal characters.

    `fresh`: none of the fields is made yet, and a name that the document has already is not ours: all are changed alike,
    so that no field that somebody planted ever takes a signature elsewhere than shown.

    The bytes are read once: those that are written are those that are hashed, and nothing is written before their end.
    """
    copied = _copy(source, after, str(meta.md_algorithm))
    # Nothing to copy once more for pyHanko: what it writes comes after what is there
    writer = IncrementalPdfFileWriter(BytesIO(), prev=_opened(copied.content))
    mark = _free_mark(writer.prev, fields) if fresh else ""
    if mark:
        field, fields = field + mark, [_renamed(plan, mark) for plan in fields]
        meta = replace(meta, field_name=field)
    _create_fields(writer, field, fields)
    style: Any = NoOpStampStyle()
    if stamp is not None:
        style = UprightStyle(
            border_width=0, lines=drawable(stamp), rotate=_rotation(writer, field), picture=stamp.picture
        )
    session = PdfSigner(meta, signer, stamp_style=style).init_signing_session(
        writer, existing_fields_only=True
    )
    session.system_time = now.astimezone(PARIS)
    with _enlarged(_widget(session.sig_field)):
        session.prepare_tbs_document(validation_info=None, bytes_reserved=room)
    digest, start, end = _append(writer, after, session.sig_field["/V"], copied)
    return Hole(field, digest, start, end)


def _opened(content: IO[bytes]) -> PdfFileReader:
    """The document, read strictly but for hybrid cross-references (ISO 32000-2 §7.5.8.4), which pyHanko then reads too.

    The revision that is added has the plain table of a file of that kind, which every reader follows.
    """
    reader = PdfFileReader(content)
    if reader.xrefs.hybrid_xrefs_present:
        reader.strict = False
    return reader


@dataclass(frozen=True)
class _Copied:
    """A file that was copied: its bytes to read (from memory when they fit one piece), its size, the state of its hash."""

    content: IO[bytes]
    size: int
    digest: Any


def _copy(source: Path, after: IO[bytes], algorithm: str) -> _Copied:
    """Put all the bytes of `source` into `after`; a large file is hashed while it is written."""
    digest = hashlib.new(algorithm)
    with source.open("rb") as before:
        first = before.read(CHUNK)
        after.write(first)
        digest.update(first)
        if len(first) < CHUNK:
            return _Copied(BytesIO(first), len(first), digest)
        with ThreadPoolExecutor(1) as beside:
            hashed = beside.submit(digest.update, b"")
            while piece := before.read(CHUNK):
                hashed.result()  # so that two pieces at most are in memory
                hashed = beside.submit(digest.update, piece)
                after.write(piece)
            hashed.result()
    return _Copied(after, after.tell(), digest)


class _Tail(BytesIO):
    """The end of a file, in memory: its offsets are those of the whole file."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def tell(self) -> int:
        return self._start + super().tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._start + super().seek(offset - self._start if whence == os.SEEK_SET else offset, whence)


def _append(
    writer: IncrementalPdfFileWriter, after: IO[bytes], signature: Any, copied: _Copied
) -> tuple[bytes, int, int]:
    """What pyHanko's `PdfByteRangeDigest.fill` does, but that what was copied is not read and hashed once more."""
    writer.digest_aware_write = (
        True  # else the MAC of an encrypted document (ISO 32004) would not know the signature
    )
    # The signed file begins with the very bytes of the version before because they are copied and never written by
    # pyHanko, which only sees a stream that begins where they end and believes its offsets to be those of the whole.
    tail = _Tail(copied.size)
    # The writer for all files: that for revisions prepares the metadata, as this one does, and then calls it
    BasePdfFileWriter.write(writer, tail)  # type: ignore[no-untyped-call]
    start, end = signature.contents.offsets
    signature.byte_range.fill_offsets(tail, start, end, tail.tell())
    added = tail.getvalue()
    # The hash goes on from the copy: what is signed is what was copied, without a second reading that could differ
    copied.digest.update(added[: start - copied.size])
    copied.digest.update(added[end - copied.size :])
    after.seek(copied.size)
    after.write(added)
    return copied.digest.digest(), start, end


def _free_mark(reader: PdfFileReader, fields: Sequence[FieldPlan]) -> str:
    """What to add to these names so that the document has none of them: nothing, else « -2 », « -3 » and so on."""
    taken = own_fields.names(reader)
    marks = ("", *(f"-{number}" for number in range(2, len(taken) + 3)))
    return next(mark for mark in marks if taken.isdisjoint(plan.name + mark for plan in fields))


def _create_fields(writer: IncrementalPdfFileWriter, field: str, fields: Sequence[FieldPlan]) -> None:
    there = {name: value for name, value, _ in enumerate_sig_fields(writer.prev)}
    if there.get(field) is not None:
        raise Refusal("field-already-signed", field=field)
    missing = [plan for plan in fields if plan.name not in there]
    if field not in there and field not in {plan.name for plan in missing}:
        raise Refusal("field-unknown", field=field)
    certified = read_certification_data(writer.prev)
    # A new field in a certified document breaks its certification, whatever its level
    if certified is not None and (missing or certified.permission.value == NO_CHANGES):
        raise Refusal("document-certified")
    if not missing:
        return
    shapes = geometry.shapes(writer.prev) if any(plan.box for plan in missing) else []
    for plan in missing:
        if plan.box is None:
            append_signature_field(writer, SigFieldSpec(plan.name, field_mdp_spec=_lock(plan)))
            continue
        if not 0 <= plan.box.page < len(shapes):
            raise Refusal("stamp-outside-page", page=plan.box.page + 1)
        rectangle = shapes[plan.box.page].rectangle(plan.box)
        box: Any = _enough(rectangle)  # it writes decimals
        spec = SigFieldSpec(plan.name, on_page=plan.box.page, box=box, field_mdp_spec=_lock(plan))
        append_signature_field(writer, spec)
        _, _, reference = next(enumerate_sig_fields(writer, with_name=plan.name))
        _widget(reference.get_object())["/Rect"] = _written(rectangle)


def _renamed(plan: FieldPlan, mark: str) -> FieldPlan:
    lock = None if plan.lock is None else tuple(name + mark for name in plan.lock)
    return replace(plan, name=plan.name + mark, lock=lock)


def _lock(plan: FieldPlan) -> FieldMDPSpec | None:
    """What pyHanko writes as the field's /Lock, and again in the signature's reference (ISO 32000-2 §12.8.2.4)."""
    if plan.lock is None:
        return None
    if not plan.lock:
        return FieldMDPSpec(FieldMDPAction.ALL)
    return FieldMDPSpec(FieldMDPAction.EXCLUDE, list(plan.lock))


def _written(rectangle: geometry.Rectangle) -> ArrayObject:
    return ArrayObject(FloatObject(round(number, 4)) for number in rectangle)  # type: ignore[no-untyped-call]


def _enough(rectangle: geometry.Rectangle) -> geometry.Rectangle:
    """The same, in its proportions, as large as pyHanko needs it to draw."""
    left, bottom, right, top = rectangle
    least = min(right - left, top - bottom)
    if not 0 < least < SMALL:
        return rectangle
    scale = DRAWN / least
    return left, bottom, left + (right - left) * scale, bottom + (top - bottom) * scale


@contextmanager
def _enlarged(widget: Any) -> Iterator[None]:
    """Draw in a box that is not degenerate; viewers fit the drawing to the true one (ISO 32000-2 §12.5.5)."""
    true = widget["/Rect"]
    corners = [float(corner) for corner in true]
    ordered = min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])
    widget["/Rect"] = _written(_enough(ordered))
    try:
        yield
    finally:
        widget["/Rect"] = true


def _widget(field: Any) -> Any:
    return field["/Kids"][0] if "/Kids" in field else field


def _rotation(writer: IncrementalPdfFileWriter, field: str) -> int:
    _, _, reference = next(enumerate_sig_fields(writer, with_name=field))
    widget = _widget(reference.get_object())
    # /P is optional (ISO 32000-2 table 166): without it the page is taken as it lies
    return geometry.rotation(widget["/P"]) if "/P" in widget else 0


def is_prefix(before: IO[bytes], after: IO[bytes]) -> bool:
    """True when `after` starts with exactly the bytes of `before`."""
    before.seek(0)
    after.seek(0)
    while chunk := before.read(CHUNK):
        if after.read(len(chunk)) != chunk:
            return False
    return True
