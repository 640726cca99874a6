"""From an uploaded file to kept bytes: examined, converted if need be, read, and stored before any row is written."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

from app.core.refusals import Refusal
from app.files import vault
from app.files.antivirus import unseen_of
from app.files.confined import of_one_file
from app.files.intake import REPAIR_NOTE, Examined, examine
from app.files.pdf import rewritten
from app.files.words import read_at_once
from app.files.xml import shown_text
from app.folders.limits import refuse_large
from app.folders.sockets import DryRun, ReadFacts, plugged, proposes_of
from app.folders.words import ROLES, Worded, worded
from workflows.family import Family

PDF, XML = "application/pdf", "application/xml"
REFUSALS = {
    "certified": "file-certified-fields",
    "earlier": "file-earlier-broken",
    "not-signable": "file-not-signable",
    "too-heavy": "file-too-heavy",
}
"""What is answered for each thing that stands against a signature (`app.folders.sockets.DryRun`)."""


@dataclass(frozen=True)
class Incoming:
    """A file as it arrived: where its bytes are, and the name it was given."""

    path: Path
    filename: str


def fingerprints(files: Iterable[Incoming]) -> list[list[str]]:
    """The name and the SHA-256 of each file, by which the same ones are known when they come again."""
    every = []
    for one in files:
        with one.path.open("rb") as stream:
            every.append([one.filename, file_digest(stream, "sha256").hexdigest()])
    return every


@dataclass(frozen=True)
class Kept:
    """One stored file, ready to become a document or a version of one; `type_code` is @ctes' type of the document.

    `words`: those of these very bytes, where whoever examined them has read them; None where the worker is to read them.
    """

    role: str
    title: str
    filename: str
    sha256: str
    size: int
    media_type: str
    pages: int | None
    origin: str
    note: dict[str, Any] = field(default_factory=dict)
    type_code: str | None = None
    words: Worded | None = field(default=None, repr=False)


def typed(kept: Sequence[Kept], code: str) -> list[Kept]:
    """What was made of one file that was sent, its type given to what will leave; the original that is kept beside has none."""
    return [
        replace(one, type_code=code or None) if one.role in {"main", "attachment"} else one for one in kept
    ]


@of_one_file()
def keep_main(
    collectivity_id: int, family: Family, one: Incoming, workdir: Path
) -> tuple[list[Kept], ReadFacts | None]:
    """Examine and store the main document; what it was made from is kept beside it, byte for byte.

    Where a page is signed the first is a PDF, the page that people read: a file that is not one gives it (converted, or
    drawn from its data) and stays as the document `original`. Where the file itself is signed, it is kept as it came.
    Refuses `file-above`, as all that keeps a file here does.
    """
    refuse_large(collectivity_id, one.path, one.filename)
    within = (
        family.signature_format is None
    )  # a signature beside the file changes nothing of it, and asks it nothing
    seen = examine(
        one.path,
        one.filename,
        role="main",
        to_be_signed=within,
        formats=family.formats,
        office=vault.converter(),
        workdir=workdir,
        as_it_is=family.signature != "page",
    )
    if family.signature == "file" and seen.kind == "xml":
        shown_text(one.path.read_bytes(), seen.filename)  # nobody signs what no page could show
    find = plugged.signables.get(family.signature)
    if find is not None:
        seen = replace(seen, notes=(*seen.notes, *find(one.path)))
    read = _read(family.name, one.path, seen)
    page = _page(seen, read, workdir) if family.signature == "page" else None
    if page is not None and within:
        _refuse(_against(page), seen)
    elif page is None and seen.kind == "pdf" and within:
        seen = _signable(seen, one.path, workdir)
    kept: list[Kept] = []
    placed = not (read and read.fields) and proposes_of(family.name)
    if page is None:
        kept.append(_store(collectivity_id, "main", one.path, seen, "deposited", placed=placed))
    else:
        name = f"{Path(seen.filename).stem}.pdf"
        kept.append(_stored(collectivity_id, "main", page, name, "converted", seen, placed=placed))
        kept.append(_store(collectivity_id, "original", one.path, seen, "deposited"))
    if read is not None and read.remarks:
        kept[0] = replace(kept[0], note={**kept[0].note, "remarks": list(read.remarks)})
    if read is not None and read.data is not None and seen.kind == "pdf":
        kept.append(_data(collectivity_id, read, seen, workdir))
    return kept, read


def _signable(seen: Examined, path: Path, workdir: Path) -> Examined:
    """The same once it was signed for nothing; with a rewritten copy to offer when that one alone can be signed.

    A file that bears a signature is never rewritten. Refuses `file-certified-fields`, `file-earlier-broken`,
    `file-signed-not-signable`, `file-not-signable`, `file-too-heavy`.
    """
    found = _against(seen.repaired or path)
    if found.why in {"not-signable", "earlier"} and not seen.signatures:
        for rebuilt in (False, True):
            copy = rewritten(seen.repaired or path, seen.filename, workdir, rebuilt=rebuilt)
            if copy is not None and not _against(copy).why:
                return replace(seen, repaired=copy, offer=seen.offer or REPAIR_NOTE)
    _refuse(found, seen)
    return seen if found.free_fields is None else replace(seen, free_fields=found.free_fields)


def _against(path: Path) -> DryRun:
    """What stands against our signature on a PDF; nothing where nobody signs."""
    return plugged.dry_runs[0](path) if plugged.dry_runs else DryRun("")


def _refuse(found: DryRun, seen: Examined) -> None:
    if not found.why:
        return
    key = REFUSALS[found.why]
    if found.why == "not-signable" and seen.signatures:
        key = "file-signed-not-signable"
    elif found.why == "earlier" and not seen.signatures:
        key = "file-not-signable"  # what it would break is none that holds
    raise Refusal(key, filename=seen.filename)


@dataclass(frozen=True)
class Beside:
    """The folder that an attachment goes to: its family, and the number of what it is about."""

    family: Family
    number: str


@of_one_file()
def keep_attachment(
    collectivity_id: int, one: Incoming, workdir: Path, beside: Beside | None = None
) -> list[Kept]:
    """Examine and store an attachment; an image or an office file gives a PDF to read, and its original.

    `beside`: the folder, unless somebody said that it is an annex there whatever it says: another invoice, another flow would
    be a folder of its own, and is refused (`annex-is-subject`) rather than hidden behind the first.
    """
    refuse_large(collectivity_id, one.path, one.filename)
    seen = examine(
        one.path,
        one.filename,
        role="attachment",
        to_be_signed=False,
        formats=(),
        office=vault.converter(),
        workdir=workdir,
    )
    if beside is not None and seen.kind in beside.family.formats:
        _refuse_subject(beside, one.path, seen)
    if seen.converted is None:
        return [_store(collectivity_id, "attachment", one.path, seen, "deposited")]
    page = _stored(
        collectivity_id, "attachment", seen.converted, f"{Path(seen.filename).stem}.pdf", "converted", seen
    )
    return [page, _store(collectivity_id, "original", one.path, seen, "deposited")]


@of_one_file()
def keep_paper(collectivity_id: int, one: Incoming, workdir: Path) -> Kept:
    """Examine and store the scan of what was signed on paper; refuses all but a sound PDF.

    Keys: `paper-scan-damaged`, `file-two-faced`.
    """
    return _sound_pdf(collectivity_id, one, workdir, "paper", "scanned", damaged="paper-scan-damaged")


def keep_masked(collectivity_id: int, one: Incoming, workdir: Path) -> Kept:
    """Examine and store a copy whose personal data are masked; refuses all but a sound PDF.

    Keys: `masked-damaged`, `file-two-faced`.
    """
    return _sound_pdf(collectivity_id, one, workdir, "masked", "masked", damaged="masked-damaged")


def _sound_pdf(
    collectivity_id: int, one: Incoming, workdir: Path, role: str, origin: str, *, damaged: str
) -> Kept:
    """Store these very bytes: neither flattened nor repaired, for somebody else made them and answers for them."""
    refuse_large(collectivity_id, one.path, one.filename)
    seen = examine(
        one.path,
        one.filename,
        role=role,
        to_be_signed=False,
        formats=("pdf",),
        office=None,
        workdir=workdir,
    )
    if seen.flattened:
        raise Refusal("file-two-faced", what=", ".join(seen.flattened))
    if seen.repaired is not None:
        raise Refusal(damaged, filename=seen.filename)
    return _store(collectivity_id, role, one.path, seen, origin)


def _signs(number: str) -> str:
    """The letters and digits of a number, by which « FA 2026-1 » typed is « fa2026_1 » read."""
    return "".join(sign for sign in number.casefold() if sign.isalnum())


def _refuse_subject(beside: Beside, path: Path, seen: Examined) -> None:
    """Refuse what says by itself that it is another one of the family; not the same once more, as data or as a page."""
    family = beside.family
    try:
        read = _read(family.name, path, seen)
    except Refusal:
        return  # it could not be deposited by itself
    number = str(read.fields.get(family.number_field, "")) if read and family.number_field else ""
    if number and _signs(number) != _signs(beside.number):
        raise Refusal("annex-is-subject", filename=seen.filename, family=family.label, number=number)


def _read(family: str, path: Path, seen: Examined) -> ReadFacts | None:
    reader = plugged.readers.get(family)
    return reader(path, seen.media_type) if reader and seen.kind in {"pdf", "xml"} else None


def _page(seen: Examined, read: ReadFacts | None, workdir: Path) -> Path | None:
    """The PDF to read and sign, when the deposited file is not one."""
    if seen.converted is not None:
        return seen.converted
    if seen.kind == "xml" and read is not None and read.rendition is not None:
        return read.rendition(workdir)
    return None


def _words(role: str, path: Path, media_type: str, seen: Examined, *, placed: bool = False) -> Worded | None:
    """The words of a file that is about to be stored, read by the copy that has just examined it; None: the worker reads it."""
    if role not in ROLES or not seen.has_text:
        return None
    text = read_at_once(path, media_type, placed=placed)
    return None if text is None else worded(text)


def _store(
    collectivity_id: int, role: str, path: Path, seen: Examined, origin: str, *, placed: bool = False
) -> Kept:
    note: dict[str, Any] = {"facts": list(seen.notes), "text": seen.has_text}
    note["signatures"] = [str(one.name or "signataire inconnu") for one in seen.signatures]
    if seen.unread_signature:
        note["unread_signature"] = True
    if seen.enclosed:
        note["enclosed"] = [asdict(one) for one in seen.enclosed]
    if seen.points:
        note["points"] = [asdict(one) for one in seen.points]
    if seen.free_fields is not None:
        note["free_fields"] = seen.free_fields
    if seen.repaired is not None:
        repaired = vault.store().put_file(vault.scope(collectivity_id), seen.repaired)
        note["repair"] = {"sha256": repaired.sha256, "size": repaired.size, "flattened": list(seen.flattened)}
    stored = vault.store().put_file(vault.scope(collectivity_id), path)
    return Kept(
        role,
        _title(seen.filename),
        seen.filename,
        stored.sha256,
        stored.size,
        seen.media_type,
        seen.pages,
        origin,
        note,
        words=_words(role, path, seen.media_type, seen, placed=placed),
    )


def _stored(
    collectivity_id: int,
    role: str,
    path: Path,
    filename: str,
    origin: str,
    seen: Examined,
    *,
    placed: bool = False,
) -> Kept:
    stored = vault.store().put_file(vault.scope(collectivity_id), path)
    note = {
        "facts": list(seen.notes),
        "text": origin != "converted" or seen.kind != "image",
        "signatures": [],
    }
    return Kept(
        role,
        _title(filename),
        filename,
        stored.sha256,
        stored.size,
        PDF,
        seen.pages,
        origin,
        note,
        words=_words(role, path, PDF, seen, placed=placed),
    )


def _data(collectivity_id: int, read: ReadFacts, seen: Examined, workdir: Path) -> Kept:
    name = read.data_name or "donnees.xml"
    path = workdir / "data.xml"
    path.write_bytes(read.data or b"")
    stored = vault.store().put_file(vault.scope(collectivity_id), path)
    note = {"facts": [read.said, *unseen_of(seen.notes)], "text": True, "signatures": []}
    return Kept(
        "data",
        "Données XML",
        name,
        stored.sha256,
        stored.size,
        XML,
        None,
        "extracted",
        note,
        words=_words("data", path, XML, seen),
    )


def _title(filename: str) -> str:
    return Path(filename).stem[:120]
