"""What is shown is what was signed: the one gate of the verifier, of the folders' pages, of intake and of our own check.

After the cryptography and pyHanko's difference analysis have passed, it asks three things of everything that was added
after a signature: is it all read the same way by every viewer (`strays`), can it change what a reader sees (`changes`),
and does a page draw otherwise (`comparison`)? It only ever takes a green away (docs/decisions/0019-what-is-shown.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils.generic import Reference
from pyhanko.sign.diff_analysis.policies import _is_id

from app.core.grammar import de, plural
from app.pdf.changes import Changes, Signer, changes, replaced
from app.pdf.comparison import CannotDraw, Drawing
from app.pdf.revisions import BROKEN, Opened
from app.pdf.strays import strays
from app.pdf.tree import Key, Snapshot

NOTHING = "Rien n’a changé depuis la signature."
UNREAD = "ce qui a été ajouté après la signature n’a pas pu être analysé"
UNDRAWN = "la page {page} n’a pas pu être comparée à ce qu’elle était quand elle a été signée"
OTHERWISE = "la page {page} ne s’affiche plus comme quand elle a été signée"


@dataclass(frozen=True)
class Finding:
    """What the gate says of one signature.

    `altered`: why what is shown may not be what was signed (the signature is not valid). `doubts`: why that is not
    sure. Both are French clauses without a full stop. `since`: the sentence that tells what was added after it.
    """

    altered: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    since: str = NOTHING


@dataclass
class Gate:
    """The gate of one open document; `close` it. Without `draws`, no page is drawn."""

    document: Opened
    draws: bool = True
    drawing: Drawing = field(init=False)
    _snapshots: dict[int, Snapshot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drawing = Drawing(self.document.reader.stream)

    def close(self) -> None:
        """Give back what was opened to draw."""
        self.drawing.close()

    def judge(
        self, section: int, byte_range: Sequence[int], signers: Mapping[str, Signer], *, refused: bool
    ) -> Finding:
        """What was done to the document since the revision `section` (pyHanko's number), signed over `byte_range`.

        `signers`: every signed field of the file and how its signature stands. `refused`: difference analysis has
        found a change that nobody may make; only its words are sought then.
        """
        ends = tuple(int(bound) for bound in byte_range)
        outside = strays(self.document, section, ends)
        last = self.document.reader.xrefs.total_revisions - 1
        changes = Changes()
        if refused:
            changes.altered = self._replaced(section, last)
        elif section < last:
            try:
                changes = self._changes(section, last, signers)
                if self.draws:
                    self._draw(changes, ends[2] + ends[3])
            except (*BROKEN, RecursionError):
                changes.doubts.append(UNREAD)
        altered = tuple(dict.fromkeys((*outside.altered, *changes.altered)))
        doubts = tuple(dict.fromkeys((*outside.doubts, *changes.doubts)))
        return Finding(altered, doubts, _since(changes, altered, doubts, updated=section < last))

    def _snapshot(self, section: int) -> Snapshot:
        if section not in self._snapshots:
            reader = self.document.reader
            self._snapshots[section] = Snapshot(reader.get_historical_resolver(section))
        return self._snapshots[section]

    def _replaced(self, section: int, last: int) -> list[str]:
        """What difference analysis has refused, when it is a part of the whole document."""
        try:
            named = replaced(self._snapshot(section), self._snapshot(last))
        except (*BROKEN, RecursionError):
            return []
        return [f"{', '.join(named)} : changé depuis"] if named else []

    def _changes(self, section: int, last: int, signers: Mapping[str, Signer]) -> Changes:
        before, after = self._snapshot(section), self._snapshot(last)
        return changes(before, after, self._changed(before, after), signers)

    def _changed(self, before: Snapshot, after: Snapshot) -> frozenset[Key]:
        """The objects that are not what they were; an update may write again the very same ones."""
        xrefs, keys = self.document.reader.xrefs, set[Key]()
        for section in range(before.handler.revision + 1, after.handler.revision + 1):
            for reference in xrefs.explicit_refs_in_revision(section):
                key = (reference.idnum, reference.generation)
                if key in keys:
                    continue
                old = xrefs.get_historical_ref(reference, before.handler.revision)
                if old is not None and (
                    old == xrefs.get_historical_ref(reference, after.handler.revision)
                    or _same(before, after, reference)
                ):
                    continue
                keys.add(key)
        return frozenset(keys)

    def _draw(self, changes: Changes, end: int) -> None:
        """Draw the pages that an update can reach, as they were signed and as they are."""
        if changes.altered:
            return
        size = self.drawing.size
        for number in sorted(changes.pages | changes.reached):
            areas = [area for area in changes.areas if area.page == number]
            try:
                drawn = self.drawing.compare(number, end, size, [area.rectangle for area in areas])
            except CannotDraw:
                if number in changes.pages:
                    changes.doubts.append(UNDRAWN.format(page=number + 1))
                continue
            if drawn.differs:
                changes.altered.append(OTHERWISE.format(page=number + 1))
            # One of which the list of annotations alone changed is let go (decision 0019).
            for area, ink, hidden in zip(areas, drawn.ink, drawn.hidden, strict=False):
                if hidden and not area.replaces:
                    clause = f"{area.what} cache ce qui était écrit sur la page {number + 1}"
                    (changes.doubts if area.stamp else changes.altered).append(clause)
                elif ink and not area.foreseen:
                    changes.doubts.append(f"{area.what} recouvre ce qui était écrit sur la page {number + 1}")


def _same(before: Snapshot, after: Snapshot, reference: Any) -> bool:
    old, new = (
        snapshot.handler.get_object(Reference(reference.idnum, reference.generation, snapshot.handler))
        for snapshot in (before, after)
    )
    try:
        return bool(_is_id(old, new))
    except NotImplementedError:
        # What pyHanko cannot compare counts as changed.
        return False


def _since(changes: Changes, altered: Sequence[str], doubts: Sequence[str], *, updated: bool) -> str:
    """The sentence on what was added, from the very findings that judge it."""
    if altered:
        return f"Ce qui s’affiche n’est plus ce qui a été signé : {' ; '.join(altered)}."
    sentences = _added(changes)
    if not sentences and doubts:
        return f"Pas sûr : {' ; '.join(doubts)}."
    if not sentences:
        return NOTHING if not updated else "Rien de ce qui s’affiche n’a changé depuis la signature."
    return " ".join(sentences)


def _added(changes: Changes) -> list[str]:
    if changes.proofs and not (changes.signed or changes.places):
        sentences = ["Seules des preuves d’archivage ont été ajoutées depuis."]
        if changes.metadata or changes.filled:
            sentences = ["Des preuves d’archivage ont été ajoutées depuis."]
    else:
        listed = [f"la signature {de(name)}" for name in changes.signed[:8]]
        if len(changes.signed) > 8:
            listed.append(plural(len(changes.signed) - 8, "autre signature", "autres signatures"))
        if changes.places:
            listed.append(
                "un emplacement de signature"
                if changes.places == 1
                else f"{changes.places} emplacements de signature"
            )
        if changes.proofs:
            listed.append("des preuves d’archivage")
        sentences = [f"Ajouté depuis : {', '.join(listed)}."] if listed else []
    if changes.metadata:
        sentences.append("Métadonnées modifiées depuis, sans effet sur ce qui s’affiche.")
    sentences += [
        f"{doubt[:1].upper()}{doubt[1:]}."
        for doubt in changes.doubts
        if changes.filled and doubt.startswith("champs complétés")
    ]
    return sentences
