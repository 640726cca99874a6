"""One more revision of a document: its missing signature fields, the drawing, and a hole for one signature."""

from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field, enumerate_sig_fields
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.validation import read_certification_data
from pyhanko.stamp.noop import NoOpStampStyle

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.signing.formats import placement
from app.signing.formats.stamp import UprightStyle, drawable
from app.signing.ports import FieldPlan, Stamp

CHUNK = 1 << 20
NO_CHANGES = 1  # the strictest DocMDP level (ISO 32000-2 table 257)


def write(
    before: IO[bytes],
    after: IO[bytes],
    signer: Signer,
    meta: PdfSignatureMetadata,
    *,
    field: str,
    fields: Sequence[FieldPlan],
    stamp: Stamp | None,
    room: int,
    now: datetime,
) -> PreparedByteRangeDigest:
    """Write the new revision; `room` counts hexadecimal characters. Returns the hash and the hole's offsets."""
    writer = IncrementalPdfFileWriter(before)
    _create_fields(writer, field, fields)
    style: Any = NoOpStampStyle()
    if stamp is not None:
        style = UprightStyle(border_width=0, lines=drawable(stamp), rotate=_rotation(writer, field))
    session = PdfSigner(meta, signer, stamp_style=style).init_signing_session(
        writer, existing_fields_only=True
    )
    session.system_time = now.astimezone(PARIS)
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=room)
    hole, _ = document.digest_tbs_document(output=after, chunk_size=CHUNK)
    after.flush()
    return hole


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
    shapes = placement.shapes(writer.prev)
    for plan in missing:
        if plan.box is None:
            append_signature_field(writer, SigFieldSpec(plan.name))
            continue
        if not 0 <= plan.box.page < len(shapes):
            raise Refusal("stamp-outside-page", page=plan.box.page + 1)
        rectangle = shapes[plan.box.page].rectangle(plan.box)
        append_signature_field(writer, SigFieldSpec(plan.name, on_page=plan.box.page, box=rectangle))


def _rotation(writer: IncrementalPdfFileWriter, field: str) -> int:
    _, _, reference = next(enumerate_sig_fields(writer, with_name=field))
    widget = reference.get_object()
    widget = widget["/Kids"][0] if "/Kids" in widget else widget
    # /P is optional (ISO 32000-2 table 166): without it the page is taken as it lies
    return placement.rotation(widget["/P"]) if "/P" in widget else 0


def is_prefix(before: IO[bytes], after: IO[bytes]) -> bool:
    """True when `after` starts with exactly the bytes of `before`."""
    before.seek(0)
    after.seek(0)
    while chunk := before.read(CHUNK):
        if after.read(len(chunk)) != chunk:
            return False
    return True
