"""The classification of acts in force: natures, attachment types of each nature, matters, found by words."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.channels import create_only

if TYPE_CHECKING:
    from lxml.etree import _Element

SHIPPED: Final = Path(__file__).parent / "data" / "classification-2019-04-18.xml"
# Before the notice 2.2 of the typology, 4 was 99_CO.
DEFAULT_TYPES: Final = {1: "99_DE", 2: "99_AR", 3: "99_AI", 4: "99_DC", 5: "99_BU", 6: "99_AU"}


@dataclass(frozen=True)
class AttachmentType:
    """A type code of five characters and its French label."""

    code: str
    label: str


@dataclass(frozen=True)
class Nature:
    """A nature of act and the attachment types it allows, « 99_… » first, then by label."""

    code: int
    abbreviation: str
    label: str
    types: tuple[AttachmentType, ...]

    @property
    def default_type(self) -> str | None:
        """The type to offer for the act itself: the nature's own, else the first of the list."""
        own = DEFAULT_TYPES.get(self.code)
        codes = [kind.code for kind in self.types]
        return own if own in codes else next(iter(codes), None)

    def allows(self, type_code: str) -> bool:
        """True when the type is in the list of this nature."""
        return any(kind.code == type_code for kind in self.types)


@dataclass(frozen=True)
class Matter:
    """A matter: its path of integers (7.10 is 7 then 10, never 7.1), its label, and the labels above it."""

    path: tuple[int, ...]
    label: str
    above: tuple[str, ...]

    @property
    def code(self) -> str:
        """The path as people write it: « 7.5.2 »."""
        return ".".join(map(str, self.path))

    @property
    def full_label(self) -> str:
        """The label with those above it: « Finances locales › Subventions »."""
        return " › ".join((*self.above, self.label))


@dataclass(frozen=True)
class Classification:
    """One message 7-2, whole: `dated` is what every act sent under it must carry."""

    dated: date
    natures: tuple[Nature, ...]
    matters: tuple[Matter, ...]

    def nature(self, code: int | None) -> Nature | None:
        """The nature of that code, or None."""
        return next((nature for nature in self.natures if nature.code == code), None)

    def nature_named(self, written: object) -> Nature | None:
        """The nature that a folder's fact names: its code, or None."""
        text = str(written).strip()
        return self.nature(int(text)) if text.isascii() and text.isdigit() else None

    def matter(self, path: tuple[int, ...]) -> Matter | None:
        """The matter of that path, or None."""
        return next((matter for matter in self.matters if matter.path == path), None)

    def sendable_matters(self) -> tuple[Matter, ...]:
        """The matters an act may bear: two levels at least."""
        return tuple(matter for matter in self.matters if len(matter.path) > 1)

    def search_matters(self, query: str) -> tuple[Matter, ...]:
        """The sendable matters in which every word begins a word of the labels or the code; accents ignored.

        A matter whose own label answers comes before one found by the labels above it.
        """
        wanted = _fold(query).split()
        matches: list[tuple[int, Matter]] = []
        for matter in self.sendable_matters():
            own, whole = _terms(matter.label), _terms(matter.full_label)
            code = matter.code
            if all(code.startswith(word) or any(part.startswith(word) for part in whole) for word in wanted):
                direct = all(any(part.startswith(word) for part in own) for word in wanted)
                matches.append((0 if direct else 1, matter))
        matches.sort(key=lambda ranked: (ranked[0], ranked[1].path))
        return tuple(matter for _, matter in matches)


def read_classification(raw: bytes) -> Classification:
    """Read a message 7-2; refuses with `Malformed` or ValueError what is not one."""
    from app.channels.actes.xmltree import parse, tag

    top = parse(raw).getroot()
    dated = top.findtext(tag("DateClassification"))
    if top.tag != tag("RetourClassification") or not dated:
        raise ValueError("not a message 7-2")
    natures = tuple(_nature(element) for element in top.iter(tag("NatureActe")))
    matters: list[Matter] = []
    listed = top.find(tag("Matieres"))
    if listed is not None:
        _walk(listed, 1, (), (), matters)
    return Classification(
        dated=date.fromisoformat(dated.strip()),
        natures=tuple(sorted(natures, key=lambda nature: nature.code)),
        matters=tuple(sorted(matters, key=lambda matter: matter.path)),
    )


@cache
def load_classification(path: Path | None = None) -> Classification:
    """The classification of a file, or the one shipped; read once per process and path."""
    return read_classification((path or SHIPPED).read_bytes())


def _nature(element: "_Element") -> Nature:
    from app.channels.actes.xmltree import tag

    kinds = {
        kind.get(tag("CodeTypePJ"), ""): _label_of(kind) for kind in element.iter(tag("TypePJNatureActe"))
    }
    # Order of the notice 2.2: « 99_… » first, then the label.
    order = sorted(kinds.items(), key=lambda kind: (not kind[0].startswith("99_"), _fold(kind[1]), kind[0]))
    return Nature(
        code=int(element.get(tag("CodeNatureActe"), "0")),
        abbreviation=element.get(tag("TypeAbrege"), ""),
        label=_label_of(element),
        types=tuple(AttachmentType(code, label) for code, label in order),
    )


# What the State's own file lost on its way: « mise en ?uvre », « appel d¿offres ». It is shown, never sent.
_LOST = (
    (re.compile(r"(?<!\w)\?(?=uvre)"), "œ"),
    (re.compile(r"(?<=\w)[¿\x92](?=\w)"), "’"),
    (re.compile("¿"), "…"),
)


def _label_of(element: "_Element") -> str:
    from app.channels.actes.xmltree import tag

    return mended(str(element.get(tag("Libelle"), "")))


def mended(label: str) -> str:
    """A label of the classification, with the signs that its file lost.

    >>> mended("mise en ?uvre, appel d¿offres")
    'mise en œuvre, appel d’offres'
    """
    for lost, sign in _LOST:
        label = lost.sub(sign, label)
    return label


def _walk(
    parent: "_Element", level: int, path: tuple[int, ...], above: tuple[str, ...], matters: list[Matter]
) -> None:
    from app.channels.actes.xmltree import tag

    for element in parent.findall(tag(f"Matiere{level}")):
        own_path = (*path, int(element.get(tag("CodeMatiere"), "0")))
        label = _label_of(element)
        matters.append(Matter(own_path, label, above))
        _walk(element, level + 1, own_path, (*above, label), matters)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def _terms(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in _fold(text)).split()


_SIREN: Final = re.compile(r"[0-9]{9}")
_VERSION_NAME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-[0-9a-f]{12}\.xml")


class Classifications:
    """A folder for each SIREN; `installed` is the file of the installation for all, None for the one shipped.

    Each Préfecture sends its own, so that two collectivities of one installation need not share it.
    """

    def __init__(self, folder: Path, installed: Path | None) -> None:
        self._folder = folder
        self._installed = installed

    def current(self, siren: str) -> Classification:
        """The newest that this collectivity received, unless the installation has a newer one."""
        installed, received = load_classification(self._installed), self._newest(siren)
        if received is None:
            return installed
        latest = load_classification(received)
        return latest if latest.dated >= installed.dated else installed

    def dated(self, siren: str, day: date) -> Classification | None:
        """The one of that date, as an act sent under it names it; None when it was never here."""
        installed = load_classification(self._installed)
        if installed.dated == day:
            return installed
        file = next((path for path in self._all(siren) if path.name.startswith(day.isoformat())), None)
        return load_classification(file) if file else None

    def keep(self, siren: str, raw: bytes) -> tuple[Classification, bool]:
        """Keep a message 7-2 for this collectivity; True when it is another than the one in force.

        Refuses with `Malformed` or ValueError what is not one, or has neither nature nor matter: the former stays.
        """
        classification = read_classification(raw)
        if not _SIREN.fullmatch(siren) or not classification.natures or not classification.sendable_matters():
            raise ValueError("not a classification that an act could be sent under")
        before = self.current(siren)
        create_only(self._folder / siren / f"{classification.dated}-{sha256(raw).hexdigest()[:12]}.xml", raw)
        return self.current(siren), self.current(siren) != before

    def _newest(self, siren: str) -> Path | None:
        return max(self._all(siren), key=lambda path: (path.name[:10], path.stat().st_mtime_ns), default=None)

    def _all(self, siren: str) -> list[Path]:
        if not _SIREN.fullmatch(siren):
            return []
        return [path for path in (self._folder / siren).glob("*.xml") if _VERSION_NAME.fullmatch(path.name)]
