"""At deposit, a file is examined, then described or refused with its remedy; nothing is decided later."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from app.core.clock import PARIS
from app.core.french import taille
from app.core.refusals import Refusal
from app.files.antivirus import looked_at
from app.files.naming import clean_filename, extension_of
from app.files.office import OfficeConverter
from app.files.pdf import EarlierSignature, Enclosed, PdfFacts, examine_pdf
from app.files.points import Point, points_of
from app.files.sniffing import PDF, TYPES, XML, fits, in_words, sniff

Kind = Literal["pdf", "xml", "image", "office"]

REPAIR_NOTE = (
    "Ce PDF est mal construit : une copie réparée est proposée, à accepter avant toute signature. "
    "L’original est gardé."
)

FLATTEN_NOTE = (
    "Ce PDF ne se montre pas partout de la même façon : il contient {what}. Une copie aplatie est proposée, à accepter "
    "avant toute signature : elle garde ce que l’écran montre. L’original est gardé."
)


@dataclass(frozen=True)
class Examined:
    """What a file is, once nothing forbids to keep it; `notes` are French facts, the first sums it up.

    `flattened`: what was drawn into the pages or taken out of `repaired`, in French phrases; empty when it is a repaired copy
    only. `offer`: what is proposed then, in French. `points`: what whoever decides is told of it. `enclosed`: the files that
    it carries inside.
    """

    kind: Kind
    media_type: str
    filename: str
    pages: int | None
    has_text: bool
    signatures: tuple[EarlierSignature, ...] = ()
    repaired: Path | None = None
    converted: Path | None = None
    notes: tuple[str, ...] = ()
    free_fields: int | None = None
    unread_signature: bool = False
    flattened: tuple[str, ...] = ()
    offer: str = ""
    enclosed: tuple[Enclosed, ...] = ()
    points: tuple[Point, ...] = ()


def examine(
    path: Path,
    filename: str,
    *,
    role: str,
    to_be_signed: bool,
    formats: Sequence[str],
    office: OfficeConverter | None,
    workdir: Path,
    as_it_is: bool = False,
) -> Examined:
    """Describe a deposited file, or refuse it.

    `as_it_is`: the file will be kept and signed as it came; an image is converted to know that it can be, and no more.

    `formats` lists kinds (pdf, xml, image, office) or extensions, empty for all; `workdir` receives the
    repaired or converted copy, and is left as it was by a refusal. Refuses the keys file-…, antivirus-…, xml-…, office-…
    and image-… of app/files/sentences.py.
    """
    name = clean_filename(filename)
    if not path.stat().st_size:
        raise Refusal("file-empty", filename=name)
    kind = _kind(path, name, formats)
    unseen = looked_at(path, name)  # before anything takes it apart
    if kind == PDF:
        examined = _pdf(path, name, role, workdir, to_be_signed=to_be_signed)
    elif kind == XML:
        examined = _xml(path, name, TYPES[extension_of(name)][1])
    else:
        examined = _turned(path, name, office, workdir, as_it_is=as_it_is)
    return replace(examined, notes=(*examined.notes, unseen)) if unseen else examined


def _pdf(path: Path, name: str, role: str, workdir: Path, *, to_be_signed: bool) -> Examined:
    facts = examine_pdf(path, name, workdir, to_be_signed=to_be_signed)
    return Examined(
        "pdf",
        TYPES[extension_of(name)][1],
        name,
        facts.pages,
        facts.has_text,
        facts.signatures,
        facts.repaired,
        None,
        (_summary(facts, path), *_about(facts, role)),
        facts.free_fields,
        facts.unread_signature,
        facts.faces if facts.repaired else (),
        _offer(facts),
        facts.enclosed,
        points_of(facts, name),
    )


def _turned(
    path: Path, name: str, office: OfficeConverter | None, workdir: Path, *, as_it_is: bool
) -> Examined:
    examined = _converted(path, name, TYPES[extension_of(name)][1], office, workdir)
    if not as_it_is:
        return examined
    if examined.converted is not None:
        examined.converted.unlink()
    summary = f"Image lisible, {taille(path.stat().st_size)}"
    return replace(examined, pages=None, converted=None, notes=(summary,))


PAPER = "Image d’un papier : gardez l’original, sauf si la copie est fiable (code civil, article 1379)."
"""A copy proves by its making, which nobody here has seen: no paper is ever said to be of no more use."""


def accepted_names(formats: Sequence[str]) -> tuple[str, ...]:
    """The extensions that `formats` allows, for the page that announces them before a file is chosen."""
    return tuple(ext for ext, (kind, _) in TYPES.items() if not formats or kind in formats or ext in formats)


def _kind(path: Path, name: str, formats: Sequence[str]) -> str:
    extension, accepted = extension_of(name), accepted_names(formats)
    if extension not in accepted:
        raise Refusal(
            "file-type-unsupported", filename=name, accepted=", ".join(suffix.upper() for suffix in accepted)
        )
    content_kind = sniff(path)
    if not fits(extension, content_kind):
        raise Refusal("file-disguised", filename=name, found=in_words(content_kind, path))
    return TYPES[extension][0]


def _xml(path: Path, name: str, media: str) -> Examined:
    from app.files.xml import MAX_BYTES, check_xml

    if path.stat().st_size > MAX_BYTES:
        raise Refusal("xml-too-large", filename=name, limit=taille(MAX_BYTES))
    with path.open("rb") as stream:
        facts = check_xml(stream, name)
    summary = f"Données XML, {taille(path.stat().st_size)}, bien formées"
    return Examined("xml", media, name, None, has_text=facts.elements > 0, notes=(summary,))


def _converted(path: Path, name: str, media: str, office: OfficeConverter | None, workdir: Path) -> Examined:
    """The PDF made from an image or an office document is examined like any other."""
    image = media.startswith("image/")
    if image:
        from app.files.images import image_to_pdf

        with tempfile.NamedTemporaryFile(
            prefix="converted-", suffix=".pdf", dir=workdir, delete=False
        ) as file:
            target = Path(file.name)
        try:
            image_to_pdf(path, target, name)
        except Refusal:
            target.unlink()
            raise
    else:
        if office is None:
            raise Refusal("office-unavailable", filename=name)
        target = _through_office(path, name, office, workdir)
    try:
        facts = examine_pdf(target, name, workdir, to_be_signed=False)
    except Refusal:
        target.unlink()
        raise
    if (
        facts.repaired is not None
    ):  # a form of the office document: what it shows is kept, its original is beside
        target.unlink()
        target = facts.repaired
    note = f"Converti en PDF, {_pages(facts.pages)}"
    kind: Kind = "image" if image else "office"
    notes = (note, _making(path), PAPER) if image else (note,)
    return Examined(kind, media, name, facts.pages, facts.has_text, converted=target, notes=notes)


def _making(path: Path) -> str:
    """How an image says that it was scanned."""
    from app.files.images import resolution

    return _scanned_at(resolution(path))


def _scanned_at(points: int | None) -> str:
    return (
        f"Numérisé à {points} points par pouce." if points else "Résolution de la numérisation non indiquée."
    )


def _through_office(path: Path, name: str, office: OfficeConverter, workdir: Path) -> Path:
    """LibreOffice chooses its reader by extension: it is given the one that was checked."""
    with tempfile.TemporaryDirectory(prefix="named-", dir=workdir) as room:
        named = Path(room) / f"document.{extension_of(name)}"
        named.symlink_to(path.resolve())
        try:
            return office.convert(named, workdir)
        except Refusal as refusal:
            raise Refusal(refusal.key, **{**refusal.facts, "filename": name}) from refusal


def _summary(facts: PdfFacts, path: Path) -> str:
    legibility = "lisible" if facts.has_text else "image sans texte"
    count = len(facts.signatures)
    signed = f"{count} signature{'s' if count > 1 else ''}" if count else "sans signature"
    return f"{_pages(facts.pages)}, {taille(path.stat().st_size)}, {legibility}, non chiffré, {signed}"


def _offer(facts: PdfFacts) -> str:
    if facts.repaired is None:
        return ""
    return FLATTEN_NOTE.format(what=", ".join(facts.faces)) if facts.faces else REPAIR_NOTE


def _about(facts: PdfFacts, role: str) -> list[str]:
    notes = []
    for signature in facts.signatures:
        moment = (
            f", datée du {datetime.fromisoformat(signature.when).astimezone(PARIS):%d/%m/%Y}"
            if signature.when
            else ""
        )
        maker = "certificat que son porteur s’est fait lui-même" if signature.self_issued else ""
        maker = maker or (
            f"certificat émis par « {signature.issuer} »" if signature.issuer else "certificat illisible"
        )
        notes.append(
            f"Porte déjà une signature au nom de « {signature.name} »{moment}, {maker} : elle sera conservée."
        )
        if not signature.valid_structure:
            why = ", ".join(signature.altered) or "le document a changé ou la signature est abîmée"
            notes.append(f"Signature de « {signature.name} » non valable : {why}.")
        elif signature.doubts:
            notes.append(f"Signature de « {signature.name} », à regarder : {', '.join(signature.doubts)}.")
        if signature.docmdp:
            notes.append(f"Document certifié par {signature.name}.")
    if not facts.has_text and role == "main":
        notes.append(
            "Aucun texte à lire dans ce PDF : les informations sont à saisir, ou à confirmer si l’image se lit."
        )
    if not facts.has_text:
        notes += [_scanned_at(facts.resolution), PAPER]
    return notes


def _pages(count: int) -> str:
    return f"{count} page{'s' if count > 1 else ''}"
