"""Dissects one untrusted PDF, in a copy of a process under limits; app/files/pdf.py asks it (`app.files.confined`)."""

import dataclasses
import math
import mmap
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pikepdf

from app.files import earlier_signatures, enclosed, faces, flatten, repair
from app.pdf import rendering
from app.pdf.alike import read_alike

INFLATED = 256 << 20
MAX_PAGES = 200_000
TEXT_PAGES = 30
IMAGES = 500
DRAWN = 5_000
"""A page with more objects is drawn, not scanned: they would each be looked at, for seconds (a plan of 200,000 strokes)."""
FINEST = 10_000
"""Points per inch beyond which it is the place of the image that is wrong: no scanner goes there."""
_BLANK = b" \t\r\n\f\0"
_OBJECT = re.compile(rb"\d+\s+\d+\s+obj\b")
# What qpdf says of a file whose objects are not where its cross-reference table puts them.
_DAMAGE = re.compile(r"xref|obj|damaged|recover|stream length|endstream|trailer|offset|loop", re.IGNORECASE)
# Of these, what leaves no reader a choice where `read_alike` has found none: our signature is tried on it at deposit besides.
_HARMLESS = re.compile(
    r"xref entry for the xref stream itself is missing|"
    r"reported number of objects \(\d+\) is not one plus the highest object number",
    re.IGNORECASE,
)
_SUSPECT = re.compile(rb"/(?:JavaScript|JS|Launch)\b")


class Refused(Exception):  # noqa: N818 (an answer, as Refusal is)
    """The key of a refusal and its facts, on their way to the parent."""

    def __init__(self, key: str, **facts: Any) -> None:
        super().__init__(key)
        self.key, self.facts = key, facts


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a `command` asks of a file, or its refusal; never raises.

    `text` path, `dissect` path workdir 0|1, `rewrite` path workdir 0|1.
    """
    command: list[str] = question["command"]
    verb, path = command[0], Path(command[1])
    try:
        if verb == "text":
            return {"text": "\n".join(_page_texts(path))}
        if verb == "rewrite":
            return rewrite(path, Path(command[2]), rebuilt=command[3] == "1")
        return dissect(path, Path(command[2]), to_be_signed=command[3] == "1")
    except Refused as refused:
        return {"refusal": refused.key, "facts": refused.facts}
    except MemoryError:
        return {"refusal": "file-too-heavy", "facts": {}}
    except Exception as error:  # noqa: BLE001 (whatever an odd file breaks in a library, the answer is the same)
        return {"refusal": "file-damaged", "facts": {"why": repr(error)[:200]}}


def dissect(path: Path, workdir: Path, *, to_be_signed: bool) -> dict[str, Any]:
    """Everything that decides whether a PDF is kept, in the order in which a refusal helps most."""
    preceded, damaged, carries_signature = _frame(path)
    if preceded and carries_signature and to_be_signed:
        raise Refused("file-signed-preceded")
    damaged = damaged or (preceded and not carries_signature)
    try:
        # Without recovery first: what has to be mended is mended otherwise by each reader.
        pdf = pikepdf.open(path, attempt_recovery=False, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise Refused("file-encrypted") from error
    except pikepdf.PdfError:
        damaged, pdf = True, _recovered(path)
    with pdf:
        if pdf.is_encrypted:
            raise Refused("file-encrypted")
        scan, files = faces.Scan(pdf), enclosed.Collector()
        try:
            pages = _judge(pdf, scan, files)
        except pikepdf.PdfError as error:
            raise Refused("file-damaged") from error
        carries_signature = carries_signature or scan.byte_range
        if damaged and carries_signature:
            raise Refused("file-signed-damaged")
        alike = read_alike(path)
        # A mere oddity in one object is rewritten too, but it is no reason to refuse a signed file.
        damaged = damaged or (not carries_signature and _odd(pdf, alike=alike))
        # What two readers take apart in two ways is written anew; a signed file cannot be, and says so.
        damaged |= not (carries_signature or alike)
        signatures = earlier_signatures.read(path) if carries_signature else ()
        if to_be_signed:
            _refuse_certified(pdf, signatures)
        free_fields = _free_fields(pdf) if any(signature.docmdp for signature in signatures) else None
        inside, how_many = files.listing(workdir)
        unlike = _faces(pdf, path, scan, signed=bool(signatures), alike=alike)
        if unlike and not signatures:
            repaired = flatten.plain_copy(pdf, path, workdir, unlike, signable=to_be_signed)
            if repaired is None:
                raise Refused("file-two-faced", what=", ".join(faces.phrases(unlike)))
        else:
            repaired = _repaired(
                pdf, path, workdir, damaged=damaged, signed=carries_signature, signable=to_be_signed
            )
    has_text = any(text.strip() for text in _page_texts(repaired or path))
    return {
        "pages": pages,
        "has_text": has_text,
        "resolution": None if has_text else _resolution(repaired or path),
        "signatures": [dataclasses.asdict(signature) for signature in signatures],
        "repaired": str(repaired) if repaired else None,
        "free_fields": free_fields,
        "unread_signature": carries_signature and not signatures,
        "faces": faces.phrases(unlike),
        "damaged": damaged,
        "enclosed": [dataclasses.asdict(file) for file in inside],
        "enclosed_count": how_many,
    }


def rewrite(path: Path, workdir: Path, *, rebuilt: bool) -> dict[str, Any]:
    """A rewritten copy of a sound file that cannot be signed as it is; `rebuilt`: its pages and its form laid out anew."""
    with pikepdf.open(path, suppress_warnings=True) as pdf:
        if rebuilt:
            repair.lay_out(pdf)
        copy = repair.rewrite(pdf, workdir, signable=True)
    return {"copy": str(copy) if copy else None}


def _odd(pdf: pikepdf.Pdf, *, alike: bool) -> bool:
    """Whether qpdf has met something in the file that is better written anew."""
    warnings = [str(warning) for warning in pdf.get_warnings()]
    return any(_DAMAGE.search(warning) and not (alike and _HARMLESS.search(warning)) for warning in warnings)


def _frame(path: Path) -> tuple[bool, bool, bool]:
    """Whether bytes stand before the header, whether some stand after the end, and whether a signature is written in it."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        header, end = data.find(b"%PDF-", 0, 1029), data.rfind(b"%%EOF")
        if header < 0:
            raise Refused("file-damaged")
        if end < 0:
            raise Refused("file-truncated")
        tail = data[end + 5 :].strip(_BLANK)
        # A revision that was begun and never ended; a linearised file has its first %%EOF near its start.
        if tail and _OBJECT.search(tail):
            raise Refused("file-truncated")
        return header > 0, bool(tail), data.find(b"/ByteRange") >= 0


def _faces(pdf: pikepdf.Pdf, path: Path, scan: faces.Scan, *, signed: bool, alike: bool) -> dict[str, int]:
    """What shows differently elsewhere: by its syntax, else drawn for the screen and for the printer where it may differ."""
    counts = scan.counts(signed=signed)
    if signed and not alike:
        return {**counts, "tables": 1}
    if not counts:
        noted = [n for n, page in enumerate(pdf.pages) if faces.annotations(page.obj)]
        pages = list(range(len(pdf.pages))) if "/OCProperties" in pdf.Root else noted
        unlike = rendering.unlike_in_print(path, pages) if pages else 0
        counts = {"rendering": unlike} if unlike else {}
    return counts


def _repaired(
    pdf: pikepdf.Pdf, path: Path, workdir: Path, *, damaged: bool, signed: bool, signable: bool
) -> Path | None:
    """The copy to offer, or nothing when the file needs none."""
    if not damaged and (not signable or repair.can_be_signed(path)):
        return None
    if signed:
        raise Refused("file-signed-damaged")
    copy = repair.rewrite(pdf, workdir, signable=signable)
    if copy is None:
        raise Refused("file-damaged")
    return copy


def _recovered(path: Path) -> pikepdf.Pdf:
    try:
        return pikepdf.open(path, attempt_recovery=True, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise Refused("file-encrypted") from error
    except pikepdf.PdfError as error:
        looping = "Loop detected in /Pages" in str(error)
        raise Refused("file-page-loop" if looping else "file-damaged") from error


def _judge(pdf: pikepdf.Pdf, *lookers: faces.Scan | enclosed.Collector) -> int:
    """The number of pages of a file in which nothing acts and nothing explodes."""
    pages = _count_pages(pdf)
    if "/XFA" in pdf.Root.get("/AcroForm", {}):
        raise Refused("file-xfa")
    if "/JavaScript" in pdf.Root.get("/Names", {}):
        raise Refused("file-javascript")
    for pdf_object in pdf.objects:
        if not isinstance(pdf_object, pikepdf.Object):
            continue  # a number or a name kept on its own
        stream = isinstance(pdf_object, pikepdf.Stream)
        top = pdf_object.stream_dict if stream else pdf_object
        # unparse writes names without their #-escapes and costs little: only suspects are walked.
        written = top.unparse(resolved=True)
        if _SUSPECT.search(written):
            _refuse_actions(top)
        for looker in lookers:
            looker.look(top, written)
        if stream:
            # Its data would be another file, which nobody has looked at.
            if "/F" in top:
                raise Refused("file-elsewhere")
            _refuse_bomb(pdf_object)
    return pages


def _count_pages(pdf: pikepdf.Pdf) -> int:
    """The leaves of the page tree; an inner node has one parent only, else it is a loop or an explosion."""
    pages, visited = 0, set()
    waiting = [pdf.Root.get("/Pages")]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, pikepdf.Dictionary):
            continue
        if "/Kids" not in node:
            pages += 1
            if pages > MAX_PAGES:
                raise Refused("file-too-heavy")
            continue
        if node.is_indirect:
            # Met twice it would be read for ever, or once more at each turn.
            if node.objgen in visited:
                raise Refused("file-page-loop")
            visited.add(node.objgen)
        waiting.extend(node.Kids)
    if not pages:
        raise Refused("file-damaged")
    return pages


def _refuse_actions(top: Any) -> None:
    """Walk the direct parts of one object: indirect ones are met in their own turn (ISO 32000-1 §12.6.4)."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Dictionary):
            kind = node.get("/S")
            if kind == "/JavaScript" or (kind is not None and "/JS" in node):
                raise Refused("file-javascript")
            if kind == "/Launch":
                raise Refused("file-launch")
            parts = list(node.values())
        elif isinstance(node, pikepdf.Array):
            parts = list(node)
        else:
            continue
        waiting.extend(part for part in parts if isinstance(part, pikepdf.Object) and not part.is_indirect)


def _refuse_bomb(stream: Any) -> None:
    """No stream may grow beyond 256 MiB; deflate grows 1032 times at most, so small ones are safe."""
    filters = stream.stream_dict.get("/Filter")
    names = [str(name) for name in (filters if isinstance(filters, pikepdf.Array) else [filters])]
    deflated = [name for name in names if name in {"/FlateDecode", "/Fl"}]
    if not deflated or names[0] != deflated[0]:
        return
    raw = stream.read_raw_bytes()
    if len(raw) * 1032 ** len(deflated) <= INFLATED:
        return
    pieces: Any = (raw[start : start + 65536] for start in range(0, len(raw), 65536))
    for _ in deflated:
        pieces = _inflated(pieces)
    grown = 0
    for piece in pieces:
        grown += len(piece)
        if grown > INFLATED:
            raise Refused("file-inflates", limit=f"{INFLATED >> 20} Mo")


def _inflated(pieces: Any) -> Any:
    """Inflate piece by piece, never more than 1 MiB at a time; a broken stream just ends."""
    inflater = zlib.decompressobj()
    try:
        for piece in pieces:
            waiting = piece
            while waiting and not inflater.eof:
                yield inflater.decompress(waiting, 1 << 20)
                waiting = inflater.unconsumed_tail
    except zlib.error:
        return


def _refuse_certified(pdf: pikepdf.Pdf, signatures: tuple[Any, ...]) -> None:
    """A certified document is signed only where its author left room (ISO 32000-1 §12.8.2.2, table 254)."""
    for signature in signatures:
        if signature.docmdp == 1:
            raise Refused("file-certified", signer=signature.name)
        if signature.docmdp and not _free_fields(pdf):
            raise Refused("file-certified-closed", signer=signature.name)


def _free_fields(pdf: pikepdf.Pdf) -> int:
    """How many signature fields nobody has filled."""
    form: Any = pdf.Root.get("/AcroForm", {})
    waiting, visited, free = list(form.get("/Fields", [])), set(), 0
    while waiting:
        field = waiting.pop()
        if not isinstance(field, pikepdf.Dictionary) or (field.is_indirect and field.objgen in visited):
            continue
        visited.add(field.objgen)
        if field.get("/FT") == "/Sig":
            free += "/V" not in field
            continue
        waiting.extend(field.get("/Kids", []))
    return free


def _page_texts(path: Path) -> Iterator[str]:
    """The text of the first pages; a file that pdfium cannot draw has none."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            for number in range(min(len(document), TEXT_PAGES)):
                yield document[number].get_textpage().get_text_bounded()
    except pypdfium2.PdfiumError:
        return


def _resolution(path: Path) -> int | None:
    """In points per inch, how finely the coarsest of the first pages of a scan was scanned; None when it is not known.

    On each page, by the image that covers the most of it: its own points by the place that it takes. An image inside another
    drawing, whose place is not told so simply, tells nothing, nor does a page of more than `DRAWN` objects.
    """
    import pypdfium2
    from pypdfium2 import raw

    resolutions = []
    try:
        with pypdfium2.PdfDocument(path) as document:
            for number in range(min(len(document), TEXT_PAGES)):
                page = document[number]
                if raw.FPDFPage_CountObjects(page) > DRAWN:
                    continue
                images = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=1)
                points = [_points(image) for image in islice(images, IMAGES)]
                if points:
                    resolutions.append(max(points)[1])
    except pypdfium2.PdfiumError:
        return None
    coarsest = min(resolutions, default=0.0)
    return round(coarsest) if 1 < coarsest <= FINEST else None


def _points(image: Any) -> tuple[float, float]:
    """The area of an image on its page, and its points per inch in the direction in which it has the fewest."""
    (wide, high), (a, b, c, d, *_) = image.get_px_size(), image.get_matrix().get()
    across, down = math.hypot(a, b) / 72, math.hypot(c, d) / 72
    return (across * down, min(wide / across, high / down)) if across and down else (0.0, 0.0)
