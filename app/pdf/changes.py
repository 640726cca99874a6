"""What was added to a PDF after one of its signatures, classified by what it could do to what a reader sees.

pyHanko's difference analysis says which objects may change after a signature (form filling, signatures, proofs). It does
not ask what they draw: an empty signature field, a check box or a text may cover a page. This does.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NullObject, Reference, StreamObject

from app.core.grammar import de
from app.pdf.tree import ELSEWHERE, Annotation, Field, Key, Page, Reach, Rectangle, Snapshot, got
from app.pdf.updates import Plainly, announces

# `valid`: intact, and by an authority that is known; `intact`: its bytes and its cryptography hold; `broken`: they do not
Standing = Literal["valid", "intact", "broken"]
SMALL, LARGE = 1 / 8, 1 / 3  # of a page: a stamp is smaller, what is larger replaces the page
MOST_NAMED, LONGEST_VALUE = 8, 60
HIDDEN = 2
# What makes a drawing appear elsewhere, in another size or only on paper: Invisible, NoZoom, NoRotate, NoView, ToggleNoView
ODD = 1 | 8 | 16 | 32 | 256
ROOT_WORDS = {
    "/OCProperties": "les calques du document (ce qui se voit ou non)",
    "/OpenAction": "ce que fait le document quand on l’ouvre",
    "/AA": "ce que fait le document quand on l’ouvre",
    "/Names": "les pièces jointes ou les noms du document",
    "/Pages": "les pages du document",
    "/ViewerPreferences": "la façon dont le document s’affiche",
    "/PageLabels": "la numérotation des pages",
    "/Lang": "la langue du document",
    "/StructTreeRoot": "la structure que lisent les lecteurs d’écran",
    "/AcroForm": "le formulaire",
}
BESIDE_CONTENTS = ELSEWHERE | {"/Annots", "/B", "/StructParents", "/Metadata", "/PieceInfo", "/Thumb"}
_OF_WRITERS = re.compile(
    rb"<(xmp:ModifyDate|xmp:MetadataDate|pdf:Producer)>[^<]*</\1>|"
    rb"(?:xmp:ModifyDate|xmp:MetadataDate|pdf:Producer)=(?:\"[^\"]*\"|'[^']*')"
)
TWO_WAYS = "une annotation de la page {page} est écrite de telle façon que des lecteurs la montrent autrement que d’autres"


@dataclass(frozen=True)
class Signer:
    """Who signed a field, and how that signature stands."""

    name: str
    standing: Standing
    timestamp: bool = False


@dataclass(frozen=True)
class Area:
    """A place of a page that an update draws in.

    `foreseen`: its field was already there when the page was signed. `stamp`: a small stamp of a valid signature.
    `replaces`: what it drew before is known to have been replaced.
    """

    page: int
    rectangle: Rectangle
    what: str
    foreseen: bool
    stamp: bool
    replaces: bool = False


@dataclass
class Changes:
    """What changed since a signature: clauses without a full stop, and the places to be looked at.

    `pages`: those on which something was added that may draw; `reached`: those of which the list of annotations changed.
    """

    altered: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    filled: dict[str, str] = field(default_factory=dict)
    places: int = 0
    proofs: bool = False
    metadata: bool = False
    areas: list[Area] = field(default_factory=list)
    pages: set[int] = field(default_factory=set)
    reached: set[int] = field(default_factory=set)
    plainly: Plainly | None = None


def changes(
    before: Snapshot, after: Snapshot, changed: frozenset[Key], signers: Mapping[str, Signer]
) -> Changes:
    """What the objects `changed` (their numbers and generations) make of `before`; `signers` by field name."""
    changes = Changes(plainly=Plainly(after.handler))
    reaches = Reach(changed)
    _root(before, after, reaches, changes)
    _dangling(before, changed, changes)
    if [page.key for page in before.pages] != [page.key for page in after.pages]:
        changes.altered.append("des pages ont été ajoutées, retirées ou remplacées")
        return changes
    contents = Reach(changed, BESIDE_CONTENTS)
    for number, (old, new) in enumerate(zip(before.pages, after.pages, strict=True)):
        if old.box != new.box or any(
            contents(_of(new.value, name)) for name in new.value if name not in BESIDE_CONTENTS
        ):
            changes.altered.append(f"le contenu de la page {number + 1} a été changé")
        _page(number, old, new, before, after, reaches, signers, changes)
    _values(before, after, signers, changes)
    changes.altered[:] = dict.fromkeys(changes.altered)
    changes.doubts[:] = dict.fromkeys(changes.doubts)
    return changes


def replaced(before: Snapshot, after: Snapshot) -> list[str]:
    """Which parts of the whole document are not what they were, in words: for what difference analysis has refused."""
    old, new = before.handler.root, after.handler.root
    names = [name for name in {*old, *new} if _of(old, name) != _of(new, name)]
    return sorted({ROOT_WORDS[name] for name in names if name in ROOT_WORDS})


def _of(node: Any, name: str) -> Any:
    return node.raw_get(name) if name in node else None


def _root(before: Snapshot, after: Snapshot, reaches: Reach, changes: Changes) -> None:
    """The catalog and the trailer (ISO 32000-2 §7.5.5, §7.7.2)."""
    old, new = before.handler.root, after.handler.root

    def touched(name: str) -> bool:
        return _of(old, name) != _of(new, name) or (name in new and reaches(new.raw_get(name)))

    changes.proofs = touched("/DSS")
    changes.metadata = touched("/Metadata") and _xmp(old) != _xmp(new)
    trailers = before.handler.trailer_view, after.handler.trailer_view
    changes.metadata |= _information(trailers[0]) != _information(trailers[1])
    if _of(trailers[0], "/Encrypt") != _of(trailers[1], "/Encrypt"):
        changes.altered.append("le chiffrement du document a changé")
    _form(before, after, reaches, changes)


def _xmp(root: Any) -> bytes:
    """The XMP packet, but for what each writer puts there of its own; empty when there is none, or none that opens."""
    try:
        packet = got(root, "/Metadata").data
    except Exception:  # noqa: BLE001 (whatever a forged stream breaks, it is not what it was)
        return b""
    return b" ".join(_OF_WRITERS.sub(b"", packet).split())


def _information(trailer: Any) -> dict[str, str]:
    """The document information dictionary, but for what each writer puts there of its own (ISO 32000-2 table 349)."""
    info = got(trailer, "/Info")
    if not isinstance(info, DictionaryObject):
        return {}
    return {name: str(got(info, name)) for name in info if name not in {"/ModDate", "/Producer"}}


def _form(before: Snapshot, after: Snapshot, reaches: Reach, changes: Changes) -> None:
    """What a viewer draws fields with when they bring no drawing of their own (ISO 32000-2 table 224)."""
    old, new = (got(snapshot.handler.root, "/AcroForm", {}) for snapshot in (before, after))
    if not any(
        form_field.kind not in {"/Sig", ""} and form_field.widgets for form_field in before.fields.values()
    ):
        return
    for name in ("/DA", "/DR", "/Q", "/NeedAppearances"):
        if _of(old, name) != _of(new, name) or (name in new and reaches(new.raw_get(name))):
            changes.doubts.append("la façon de dessiner les champs du formulaire a été changée")
            return


def _dangling(before: Snapshot, changed: frozenset[Key], changes: Changes) -> None:
    """An object that was named when the file was signed and came afterwards (shadow attacks, « hide-and-replace »).

    By its number alone: viewers take an object for another of its generations.
    """
    handler = before.handler
    handler._load_reverse_xref_cache()  # noqa: SLF001 - what pyHanko's own analysis has computed
    named = {reference.idnum for reference in handler._indirect_object_access_cache}  # noqa: SLF001
    absent = set[int]()
    for number, generation, *_ in changed:
        reference = Reference(number, generation, handler)
        present = handler.reader.xrefs.get_historical_ref(reference, handler.revision) is not None
        if number in named and not present:
            changes.altered.append("un objet que le document signé annonçait sans le contenir a été ajouté")
            return
        if number not in named and present:  # a key that stands twice may lead other readers to it
            changes.doubts.append("un objet auquel rien ne menait dans le document signé a été remplacé")
        elif not present:
            absent.add(number)
    if absent and announces(handler, absent):
        changes.doubts.append(
            "un objet que le document signé annonçait par endroits sans le contenir a été ajouté"
        )


def _page(
    number: int,
    old: Page,
    new: Page,
    before: Snapshot,
    after: Snapshot,
    reaches: Reach,
    signers: Mapping[str, Signer],
    changes: Changes,
) -> None:
    if old.annotations.keys() - new.annotations.keys():
        changes.altered.append(f"une annotation de la page {number + 1} a été retirée")
    elif [key for key in new.order if key in old.annotations] != list(old.order):
        changes.altered.append(
            f"l’ordre des annotations de la page {number + 1} a été changé : une autre passe devant"
        )
    if len(new.order) != len(set(new.order)) and new.order != old.order:
        changes.altered.append(f"une annotation de la page {number + 1} y est inscrite deux fois")
    if old.order != new.order:
        changes.reached.add(number)
    for key, annotation in new.annotations.items():
        known = old.annotations.get(key)
        if known is not None and key not in reaches.objects and not reaches(annotation.value):
            continue
        if not _plain(annotation, changes):
            changes.doubts.append(TWO_WAYS.format(page=number + 1))
        if (annotation.drawing is not None and not blank(annotation.drawing)) or visible(annotation):
            changes.pages.add(number)
        _annotation(annotation, known, new, before, after, signers, changes)


def _plain(annotation: Annotation, changes: Changes) -> bool:
    """Whether an annotation and its drawing, wherever they stand in the file, are the same for every reader."""
    if changes.plainly is None:
        return True
    known = annotation.key[0] < 0 or changes.plainly.object(annotation.key[0], annotation.key[1])
    return known and changes.plainly(annotation.value, ELSEWHERE)


def _annotation(
    annotation: Annotation,
    known: Annotation | None,
    page: Page,
    before: Snapshot,
    after: Snapshot,
    signers: Mapping[str, Signer],
    changes: Changes,
) -> None:
    owner = after.owner(annotation.key)
    if str(got(annotation.value, "/Subtype")) != "/Widget" or owner is None:
        changes.altered.append(f"une annotation a été ajoutée ou changée sur la page {annotation.page + 1}")
        return
    earlier = before.fields.get(owner.name)
    if known is not None and known.rectangle != annotation.rectangle:
        changes.altered.append(f"le champ « {owner.name} » a été déplacé")
        return
    if owner.kind == "/Sig":
        _signature(annotation, known, owner, earlier, page, signers, changes)
    else:
        _filled(annotation, known, owner, earlier, page, changes)


def _signature(
    annotation: Annotation,
    known: Annotation | None,
    owner: Field,
    earlier: Field | None,
    page: Page,
    signers: Mapping[str, Signer],
    changes: Changes,
) -> None:
    signer = signers.get(owner.name)
    if signer is None:
        _empty(annotation, known, owner, changes)
        return
    if not visible(annotation):
        return
    if earlier is not None and _signed(earlier):
        changes.altered.append(f"le cachet visible de la signature {de(signer.name)} a été changé")
        return
    who = f"le cachet visible de la signature {de(signer.name)}"
    share = annotation.area / page.area
    if signer.standing == "broken":
        changes.altered.append(
            f"{who}, qui n’est pas valable, a été ajouté sur la page {annotation.page + 1}"
        )
    elif share > LARGE:
        changes.altered.append(f"{who} a été ajouté et couvre la page {annotation.page + 1}")
    elif signer.standing == "intact":
        changes.doubts.append(
            f"{who}, dont l’autorité n’est pas reconnue ici, a été ajouté sur la page {annotation.page + 1}"
        )
    elif share > SMALL:
        changes.doubts.append(
            f"{who} a été ajouté et prend une grande partie de la page {annotation.page + 1}"
        )
    if annotation.flags & ODD:
        changes.doubts.append(f"{who} ne s’affiche pas partout de la même façon")
    _place(annotation, who, known is not None, signer.standing == "valid" and share <= SMALL, changes)


def _empty(annotation: Annotation, known: Annotation | None, owner: Field, changes: Changes) -> None:
    """A signature field that nobody has signed: it may have a place, and must draw nothing."""
    if known is None:
        changes.places += 1
    elif annotation.drawing is None and not {"/MK", "/BS"} & set(annotation.value):
        return
    if not annotation.area or annotation.flags & HIDDEN:
        return
    if annotation.drawing is not None and not blank(annotation.drawing):
        changes.altered.append(
            f"un champ de signature que personne n’a signé (« {owner.name} ») dessine sur la page {annotation.page + 1}"
        )
    elif got(annotation.value, "/MK") or got(annotation.value, "/AA") or got(annotation.value, "/A"):
        changes.doubts.append(
            f"un champ de signature que personne n’a signé (« {owner.name} ») peut se voir sur la page {annotation.page + 1}"
        )


def _filled(
    annotation: Annotation,
    known: Annotation | None,
    owner: Field,
    earlier: Field | None,
    page: Page,
    changes: Changes,
) -> None:
    if known is None or earlier is None:
        changes.altered.append(
            f"un champ de formulaire (« {owner.name} ») a été ajouté sur la page {annotation.page + 1}"
        )
        return
    if annotation.area / page.area > LARGE and visible(annotation):
        changes.altered.append(
            f"le champ « {owner.name} » a été complété et couvre la page {annotation.page + 1}"
        )
    elif owner.text == earlier.text:
        changes.doubts.append(f"l’aspect du champ « {owner.name} » a été changé")
    if (annotation.flags ^ known.flags) & (HIDDEN | ODD):
        changes.doubts.append(f"le champ « {owner.name} » a été caché ou montré")
    _place(
        annotation,
        f"le champ « {owner.name} »",
        foreseen=True,
        stamp=False,
        changes=changes,
        replaces=bool(earlier.text),
    )


def _place(
    annotation: Annotation, what: str, foreseen: bool, stamp: bool, changes: Changes, replaces: bool = False
) -> None:
    if annotation.rectangle is not None:
        changes.areas.append(Area(annotation.page, annotation.rectangle, what, foreseen, stamp, replaces))


def _values(before: Snapshot, after: Snapshot, signers: Mapping[str, Signer], changes: Changes) -> None:
    """Signatures added, and fields whose value changed, whether a page shows them or not."""
    shown = {key for page in after.pages for key in page.annotations}
    for name, new in after.fields.items():
        old = before.fields.get(name)
        signer = signers.get(name)
        if new.kind == "/Sig":
            if signer is not None and (old is None or not _signed(old)):
                if signer.timestamp:
                    changes.proofs = True
                else:
                    changes.signed.append(signer.name)
            elif signer is None and old is None and not shown & set(new.widgets):
                changes.places += 1
                if any(_draws_alone(after, key) for key in new.widgets):
                    changes.altered.append(
                        f"un champ de signature que personne n’a signé (« {name} ») porte un dessin"
                    )
        elif old is None or new.text != old.text:
            changes.filled[name] = new.text
    if changes.filled:
        named = [f"{name} = {_short(value)}" for name, value in list(changes.filled.items())[:MOST_NAMED]]
        more = len(changes.filled) - len(named)
        others = f", et {more} autres" if more > 0 else ""
        changes.doubts.append(f"champs complétés depuis : {', '.join(named)}{others}")


def _short(value: str) -> str:
    one_line = " ".join(value.split())
    if not one_line:
        return "(vide)"
    return one_line if len(one_line) <= LONGEST_VALUE else one_line[: LONGEST_VALUE - 1] + "…"


def _signed(form_field: Field) -> bool:
    value = form_field.value.get_object() if form_field.value is not None else None
    return isinstance(value, DictionaryObject)


def _draws_alone(snapshot: Snapshot, key: Key) -> bool:
    """Whether a widget that no page lists has a drawing: some viewers show it on the page that it names."""
    if key[0] < 0:
        return False
    value = snapshot.handler.get_object(Reference(key[0], key[1], snapshot.handler))
    drawing = got(value, "/AP") if isinstance(value, DictionaryObject) else None
    return isinstance(drawing, DictionaryObject) and not blank(drawing)


def visible(annotation: Annotation) -> bool:
    """Whether it has a place, is not hidden, and draws something or leaves it to the viewer."""
    return (
        bool(annotation.area)
        and not annotation.flags & HIDDEN
        and (annotation.drawing is None or not blank(annotation.drawing))
    )


def blank(drawing: Any) -> bool:
    """True of an appearance whose every stream draws nothing."""
    waiting, count = [drawing], 0
    while waiting:
        node, count = waiting.pop(), count + 1
        if count > 100:
            # Too many to look at: taken for a drawing.
            return False
        if isinstance(node, StreamObject):
            if _draws(node):
                return False
        elif isinstance(node, DictionaryObject):
            waiting.extend(node[name] for name in node)
        elif not isinstance(node, NullObject):
            return False
    return True


def _draws(stream: Any) -> bool:
    """Whether a content stream holds anything but comments, saved states and marks (ISO 32000-2 annex A)."""
    if b"endstream" in stream.encoded_data or isinstance(got(stream, "/Filter"), ArrayObject):
        return True  # readers do not agree on where it ends, or on how it is undone
    try:
        data = stream.data
        # What follows the compressed data is more of the drawing for some readers.
        if "/Filter" in stream:
            inflater = zlib.decompressobj()
            inflater.decompress(stream.encoded_data)
            if inflater.unused_data.strip():
                return True
    except Exception:  # noqa: BLE001 (a stream that cannot be read may draw anything elsewhere)
        return True
    lines = b" ".join(line.split(b"%")[0] for line in data.splitlines())
    return bool(set(lines.split()) - {b"q", b"Q", b"BMC", b"EMC", b"/Tx", b"n"})
