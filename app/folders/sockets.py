"""Where higher floors plug in: the folder knows that somebody answers here, never who.

Each slice above registers at start what it brings to a folder's life and page; nothing here imports upwards. `of` says
which families somebody cares about: of a folder, only those are asked who care about its family.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from markupsafe import Markup

from app.circuits.library import catalogue
from app.core.db import Db
from app.core.outbox import News
from app.core.questions import Asked, Question, Rows, hold, once, read_beside
from app.folders.models import Answers, DocumentVersion, Folder, Looks
from app.folders.readings import rulings_on_cautions
from app.people.actor import Actor
from workflows.circuit import Step
from workflows.family import Family, Problem
from workflows.vocabulary import Action, Phase, StepKind


@dataclass(frozen=True)
class Tag:
    """A small fact of a folder with its tone and icon, shown beside its title."""

    tone: str
    icon: str
    words: str


@dataclass(frozen=True)
class ReadFacts:
    """What was read inside a deposited file: facts by field key, and the data file to keep beside it.

    `content` is all that was read, for the `taker` of the same family. `offered`: the fields that are only proposed, so that
    another value is no correction. `doubts`: what the reading leaves to be looked at, kept on the folder and shown to all
    who decide until one of them rules on it with a word. `remarks`: what is shown beside the file, and asks for nothing.
    """

    fields: Mapping[str, str]
    said: str
    data: bytes | None = None
    data_name: str = ""
    doubts: tuple["Caution", ...] = ()
    offered: frozenset[str] = frozenset()
    rendition: Callable[[Path], Path] | None = None
    content: Any = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caution:
    """Something to look at before deciding on a folder, which stops nobody: a key, a title, a sentence.

    `ask_url`: where the folder's page may have it looked into (POST), and what it is then told instead. `about`: the name of
    this very caution in its folder, another one as soon as what it is about changes; somebody may then rule on it with a
    word, and it is told no more. Empty for what nobody rules on. `choices`: what may be ruled (value, label of the button).
    `by`: the persons (`move.person_of`) who made it and may not rule on it. `formerly`: the name under which it was ruled on
    when names told the number of another folder. A title is kept with the ruling, for all: it names no other folder.
    `grave`: decided on as it is, something would be refused or paid twice; it is told first, in red, and never left out.
    `page`: the endpoint where one rules on it, in place of a word under it; it takes `folder_id` and, as `mark`, what
    follows « : » in `about`. `awaits`: the refusal that says what is to be done before anybody rules on it. `or_reject`: what
    stands beside the ruling, on the button that leads to the rejection of the folder. `whom`: whom the title names at its end.
    `advice`: it says what somebody thinks and warns of nothing.
    """

    key: str
    title: str
    sentence: str
    ask_url: str = ""
    about: str = ""
    choices: tuple[tuple[str, str], ...] = (("", "Lever ce point"),)
    by: frozenset[int] = frozenset()
    formerly: str = ""
    grave: bool = False
    page: str = ""
    awaits: str = ""
    or_reject: str = ""
    whom: str = ""
    advice: bool = False

    @property
    def short(self) -> str:
        """Its title as lists have room for it, without whom it is about: « IBAN changé »."""
        title = self.title.removesuffix(f", {self.whom}") if self.whom else self.title
        return title.partition(":")[0].rstrip()


@dataclass(frozen=True)
class Proposal:
    """What a page seems to say of a field: proposed on the draft while it is empty, entered by a person alone.

    The key of the field, the value as it would be typed, the same as it is shown, the words of the page where it stands;
    `guessed`: from a picture. `empty`: the field is. `place`: where the value stands on the document that is shown: its page,
    left, top, right and bottom, in ten-thousandths of the page; empty where that is not known. `noted`: what is told of a value
    that the page itself does not bear. `known`: no page says it, earlier folders that the reader reads do, of which `words` tells
    when. `completes`: what is typed in its field, of which it takes the place.
    """

    field: str
    value: str
    shown: str
    words: str
    guessed: bool
    empty: bool = True
    place: tuple[int, ...] = ()
    noted: str = ""
    known: bool = False
    completes: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a ruling on a caution did: « a accepté ce compte », « compte accepté », and the facts that it set, by field."""

    done: str = "a levé ce point"
    words: str = "point levé"
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaf:
    """A page of a document as a slice draws it, with its number and how many make the whole of it."""

    drawn: Markup
    number: int = 1
    pages: int = 1


@dataclass(frozen=True)
class Tray:
    """A band above what awaits an actor, and the condition that says whether there is anything to show."""

    show: Callable[[Db, Actor], Markup | None]
    waits: Callable[[Actor], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class ActionSocket:
    """The page that performs an action of the law; `dialog` opens over the folder."""

    endpoint: str
    method: str


@dataclass(frozen=True)
class FileTypes:
    """The types that may be given to each file of a folder (code, words), and the one of a main document that has none.

    An annex has no type but the one that somebody chose: the act's own would be a guess, and is seldom right.
    """

    offered: Sequence[tuple[str, str]]
    default: str

    def of(self, role: str, code: str | None) -> str:
        """The type of a file of this role, to which `code` was given or not; empty for an annex that waits for its type."""
        return code or (self.default if role == "main" else "")

    def has(self, code: str) -> bool:
        """Whether this type may be given."""
        return any(code == one for one, _ in self.offered)


@dataclass(frozen=True)
class DryRun:
    """What stands against a signature on a deposited PDF: nothing (empty), or one of the keys of `app/folders/keep.py`.

    `free_fields`: how many signature fields the author of a certified document left that may be filled; else None.
    """

    why: str
    free_fields: int | None = None


@dataclass(frozen=True)
class Picker:
    """The page where the value of a field is chosen, and the words of the button that leads to it."""

    endpoint: str
    words: str


F = TypeVar("F")
Cares = Callable[[Family], bool]
"""Whether a family concerns who plugs in; of the folders of another, nothing is asked."""


def named(*families: str) -> Cares:
    """The families of these names."""
    return lambda family: family.name in families


class ByFamily(Generic[F]):
    """What was plugged, each for the families that it cares about."""

    def __init__(self) -> None:
        self._plugged: list[tuple[F, Cares | None]] = []
        self._by_family: dict[str, tuple[F, ...]] = {}

    def add(self, ask: F, of: Cares | None) -> None:
        """Plug in for the families that `of` says; for all when it is None."""
        self._plugged.append((ask, of))
        self._by_family.clear()

    def of(self, folder: Folder) -> Iterator[F]:
        """Those who care about the family of a folder; of one that is known no more, those who care about all."""
        return self.of_family(folder.family)

    def of_family(self, name: str) -> Iterator[F]:
        """The same, of a family by its name, before there is a folder."""
        known = self._by_family.get(name)
        if known is None:
            family = catalogue().get(name)
            known = tuple(
                ask for ask, cares in self._plugged if cares is None or (family is not None and cares(family))
            )
            if family is not None:
                self._by_family[name] = known
        return iter(known)

    def each(self, folders: Sequence[Folder]) -> Iterator[tuple[F, list[Folder]]]:
        """Each of those who care about the family of some of these folders, with these."""
        families = {one.family: catalogue().get(one.family) for one in folders}
        for ask, cares in self._plugged:
            known = {name for name, one in families.items() if cares is None or (one and cares(one))}
            if mine := [one for one in folders if one.family in known]:
                yield ask, mine

    def clear(self) -> None:
        """Unplug everything."""
        self._plugged.clear()
        self._by_family.clear()


@dataclass(frozen=True)
class Visa:
    """A visa that somebody would put at a step."""

    step: Step
    actor: Actor


Gate = Callable[[Db, Folder, Visa | None], list[Problem]]


@dataclass(frozen=True)
class Ahead:
    """What a gate reads before a visa: `asks` says it, for a folder where it stands, and `keeps` is given what was read.

    All the gates of a folder are read for by one statement (`read_beside`): the binds of each have names of their own, but
    `here`, the collectivity, and `of`, the folder. It keeps what whoever looks finds again (`answer`, `keep`).

    `there`: whether the base has any of it, by the same two binds, and `none`, which keeps that it has not. Where that is so
    under the lock of the folder, nothing is asked, but of a folder of which `always` is true.
    """

    asks: Callable[[Db, Folder], Sequence[Asked]]
    keeps: Callable[[Db, Folder, Sequence[Rows]], None]
    there: sa.ColumnElement[bool] | None = None
    none: Callable[[Db, Folder], None] = lambda _db, _folder: None
    always: Callable[[Folder], bool] = lambda _folder: False


@dataclass(frozen=True)
class Together:
    """The same for several folders of one collectivity, of which the gates are then asked one after the other.

    As many statements for five hundred as for one.
    """

    asks: Callable[[Db, Sequence[Folder]], Sequence[Asked]]
    keeps: Callable[[Db, Sequence[Folder], Sequence[Rows]], None]


Effect = Callable[[Db, Actor, Folder, Caution, str, Mapping[str, str]], Outcome]
"""What a ruling does: the session, who rules, the folder, the caution, what is kept, and who, when and the word."""


@dataclass(frozen=True)
class Listing:
    """What a list shows of its folders, by folder: `asks` says what is to be read for them, `tells` is given what was.

    The lists of all who plug in are read by one statement (`read_beside`): the binds of each have names of their own, but
    `here`, the collectivity. The session only reads.
    """

    asks: Callable[[Sequence[Folder]], Sequence[Asked]]
    tells: Callable[[Db, Sequence[Folder], Sequence[Rows]], Mapping[int, Sequence[Caution]]]


@dataclass
class _Sockets:
    readers: dict[str, Callable[[Path, str], ReadFacts | None]] = field(default_factory=dict)
    binding: dict[str, bool] = field(default_factory=dict)
    takers: dict[str, Callable[[Db, Folder, DocumentVersion, Any], None]] = field(default_factory=dict)
    signables: dict[str, Callable[[Path], Sequence[str]]] = field(default_factory=dict)
    dry_runs: list[Callable[[Path], DryRun]] = field(default_factory=list)
    checks: ByFamily[Callable[[Db, Folder], list[Problem]]] = field(default_factory=ByFamily)
    renewals: ByFamily[Callable[[Actor, int, int], int]] = field(default_factory=ByFamily)
    obstacles: ByFamily[Callable[[Db, Folder], list[Problem]]] = field(default_factory=ByFamily)
    gates: ByFamily[Gate] = field(default_factory=ByFamily)
    ahead: ByFamily[Ahead] = field(default_factory=ByFamily)
    together: ByFamily[Together] = field(default_factory=ByFamily)
    deadlines: ByFamily[Callable[[Folder], date | None]] = field(default_factory=ByFamily)
    endings: ByFamily[Callable[[Db, Folder], Sequence[News]]] = field(default_factory=ByFamily)
    effects: dict[str, Effect] = field(default_factory=dict)
    cautions: ByFamily[Callable[[Db, Folder], Sequence[Caution]]] = field(default_factory=ByFamily)
    remarks: ByFamily[Callable[[Db, Folder], Sequence[str]]] = field(default_factory=ByFamily)
    listings: ByFamily[Listing] = field(default_factory=ByFamily)
    on_page: list[Callable[[Db, Folder], Sequence[Caution]]] = field(default_factory=list)
    on_draft: list[Callable[[Db, Folder], Sequence[Caution]]] = field(default_factory=list)
    proposals: ByFamily[Callable[[Db, Folder], Sequence[Proposal]]] = field(default_factory=ByFamily)
    meanings: ByFamily[Callable[[Db, Folder], str]] = field(default_factory=ByFamily)
    actions: dict[Action, ActionSocket] = field(default_factory=dict)
    trays: list["Tray"] = field(default_factory=list)
    selection: list[tuple[str, int]] = field(default_factory=list)
    bands: ByFamily[Callable[[Db, Folder], Markup | None]] = field(default_factory=ByFamily)
    preparations: dict[str, Callable[[Db, Folder], Markup | None]] = field(default_factory=dict)
    beside_draft: list[Callable[[Db, Folder], Markup | None]] = field(default_factory=list)
    notes: dict[str, Callable[[Db, Folder, str], Mapping[str, Any] | None]] = field(default_factory=dict)
    tags: list[Callable[[Db, Folder], Tag | None]] = field(default_factory=list)
    helds: list[Callable[[Db, Folder], str]] = field(default_factory=list)
    returns: list[Callable[[Db, Collection[int]], Mapping[int, str]]] = field(default_factory=list)
    signatures: list[Callable[[Db, int], Mapping[int, list[Any]]]] = field(default_factory=list)
    proofs: list[Callable[[Db, int], list[dict[str, Any]]]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    acts: list[Callable[[Db, int], Mapping[int, str]]] = field(default_factory=list)
    signed_days: list[Callable[[Db, int], Mapping[int, date]]] = field(default_factory=list)
    shares: dict[str, Callable[[Db, Folder], list[dict[str, Any]]]] = field(default_factory=dict)
    options: dict[str, Callable[[Db, int], list[tuple[str, str]]]] = field(default_factory=dict)
    pickers: dict[str, Picker] = field(default_factory=dict)
    indexes: ByFamily[Callable[[Db, Folder], None]] = field(default_factory=ByFamily)
    worded: ByFamily[Callable[[Db, Folder], None]] = field(default_factory=ByFamily)
    derived: ByFamily[Callable[[Db, Folder], Mapping[str, Any]]] = field(default_factory=ByFamily)
    types: list[Callable[[Db, Folder], FileTypes | None]] = field(default_factory=list)
    capacities: list[Callable[[Db, Actor, Folder, Any], tuple[str, str]]] = field(default_factory=list)
    letters: list[Callable[[Db, int], Collection[str]]] = field(default_factory=list)
    waitings: list[Callable[[Db, Collection[int]], Mapping[int, str]]] = field(default_factory=list)
    publishings: list[Callable[[Db, Folder, Actor, date], None]] = field(default_factory=list)
    tables: list[Callable[[bytes], tuple[tuple[str, str], ...] | None]] = field(default_factory=list)
    sheets: list[Callable[[Db, Folder, DocumentVersion, Mapping[str, str]], Leaf | None]] = field(
        default_factory=list
    )


plugged = _Sockets()


def reader(family: str, read: Callable[[Path, str], ReadFacts | None], *, binding: bool = False) -> None:
    """Read the main document of a family at deposit, to pre-fill its form.

    What is typed in place of what was read is a correction (`app/folders/corrections.py`), unless the file is `binding`:
    then a check of the family refuses it.
    """
    plugged.readers[family] = read
    plugged.binding[family] = binding


def taker(family: str, take: Callable[[Db, Folder, DocumentVersion, Any], None]) -> None:
    """Keep what was read in a main document (`ReadFacts.content`), or refuse it, in the transaction that writes its folder."""
    plugged.takers[family] = take


def signable(kind: str, find: Callable[[Path], Sequence[str]]) -> None:
    """Look at a main document whose family signs in this way, and refuse what could not be signed; French facts about it."""
    plugged.signables[kind] = find


def dry_run(play: Callable[[Path], DryRun]) -> None:
    """Sign a deposited PDF for nothing, so that what could not be signed is known on the day of its deposit."""
    plugged.dry_runs.append(play)


def check(find: Callable[[Db, Folder], list[Problem]], *, of: Cares | None = None) -> None:
    """Look at a folder before it is sent; what is found stops it and is shown, each with its remedy."""
    plugged.checks.add(find, of)


def renewal(renew: Callable[[Actor, int, int], int], *, of: Cares | None = None) -> None:
    """Make the main document of a draft anew before it is sent, where what it says was changed since it was made here.

    `renew`: who sends, the folder, its version; gives the version that it has then.
    """
    plugged.renewals.add(renew, of)


def obstacle(find: Callable[[Db, Folder], list[Problem]], *, of: Cares | None = None) -> None:
    """Say, without asking anybody outside, why a folder would be refused once signed: until then it is not signed."""
    plugged.obstacles.add(find, of)


def obstacles(db: Db, folder: Folder) -> str:
    """Why nobody may sign this folder, in sentences with what to do; empty when nothing is known against it."""
    return " ".join(problem.sentence for find in plugged.obstacles.of(folder) for problem in find(db, folder))


def gate(
    find: Gate, *, ahead: Ahead | None = None, together: Together | None = None, of: Cares | None = None
) -> None:
    """Say what has to be settled before this visa is put, or before the folder is signed (None).

    `ahead`: what it reads, and `together`: the same for several folders.
    """
    plugged.gates.add(find, of)
    if ahead is not None:
        plugged.ahead.add(ahead, of)
    if together is not None:
        plugged.together.add(together, of)


def looks_before_visa(folder: Folder) -> Looks:
    """What says whether the gates of a folder have anything to look at, to be asked with its parts (`models.runs_of`)."""
    return tuple(room.there for room in plugged.ahead.of(folder) if room.there is not None)


def read_for_gates(db: Db, folder: Folder, there: Answers = MappingProxyType({})) -> None:
    """Read by one statement what the gates of a folder look at before a visa, in a session that keeps it (`gathering`).

    `there`: the answers to `looks_before_visa`, read under the lock; what it has no answer to is asked.
    """
    rooms = []
    for room in plugged.ahead.of(folder):
        if room.there is not None and not there.get(room.there, True) and not room.always(folder):
            room.none(db, folder)
        elif queries := room.asks(db, folder):
            rooms.append((room, queries))
    answers = iter(read_beside(db, *(query for _, queries in rooms for query in queries)))
    for room, queries in rooms:
        rows = list(islice(answers, len(queries)))
        hold(db, rows)
        room.keeps(db, folder, rows)


def read_for_gates_of(db: Db, folders: Sequence[Folder]) -> None:
    """The same for several folders of one collectivity, whose gates are then asked one after the other (`gathering`)."""
    rooms = [(room, own, room.asks(db, own)) for room, own in plugged.together.each(folders)]
    answers = iter(read_beside(db, *(query for *_, queries in rooms for query in queries)))
    for room, own, queries in rooms:
        rows = list(islice(answers, len(queries)))
        hold(db, rows)
        room.keeps(db, own, rows)


def gated(db: Db, folder: Folder, visa: Visa | None = None) -> str:
    """Why this visa is not put, or the folder not signed, in sentences with what to do; empty where nothing is known against."""
    if visa is not None and visa.step.kind is not StepKind.VISA:
        return ""
    # Two folders that may be the same invoice are two points with one sentence: it is said once
    sentences = (problem.sentence for find in plugged.gates.of(folder) for problem in find(db, folder, visa))
    return " ".join(dict.fromkeys(sentences))


def ending(find: Callable[[Db, Folder], Sequence[News]], *, of: Cares | None = None) -> None:
    """Have work done outside once a folder has come to its end: rows of the outbox, written with the move that ends it."""
    plugged.endings.add(find, of)


def effect(key: str, settle: Effect) -> None:
    """Do what ruling on the cautions of this key means, in the transaction that writes the ruling down."""
    plugged.effects[key] = settle


def effect_of(
    db: Db, actor: Actor, folder: Folder, caution: Caution, keep: str, said: Mapping[str, str]
) -> Outcome:
    """What a ruling on a caution did; for most, that nobody is told of it any more."""
    settle = plugged.effects.get(caution.key)
    return settle(db, actor, folder, caution, keep, said) if settle else Outcome()


def deadline(find: Callable[[Folder], date | None], *, of: Cares | None = None) -> None:
    """Say by when a folder is to end where something moved the day that its family computes; None where nothing did."""
    plugged.deadlines.add(find, of)


def deadline_of(folder: Folder) -> date | None:
    """The day to which the first who knows moved it."""
    return next((day for find in plugged.deadlines.of(folder) if (day := find(folder)) is not None), None)


def proposal(find: Callable[[Db, Folder], Sequence[Proposal]], *, of: Cares | None = None) -> None:
    """Propose values for the fields of a draft; nothing of it is entered before a person takes it up."""
    plugged.proposals.add(find, of)


def proposes(folder: Folder) -> bool:
    """Whether what a page seems to say may be proposed for this folder: its file says nothing by itself."""
    return not folder.sources.get("read") and proposes_of(folder.family)


def proposes_of(family: str) -> bool:
    """Whether somebody proposes values for folders of this family, of which the file says nothing by itself."""
    return any(True for _ in plugged.proposals.of_family(family))


def proposals_for(db: Db, folder: Folder) -> list[Proposal]:
    """What is proposed for a draft, in the order of those who propose."""
    return [one for find in plugged.proposals.of(folder) for one in find(db, folder)]


def caution(
    find: Callable[[Db, Folder], Sequence[Caution]],
    *,
    of: Cares | None = None,
    on_page: bool = False,
    on_draft: bool = False,
) -> None:
    """Say what to look at in a folder before deciding, wherever one decides.

    `on_page`, `on_draft`: its page, its draft show it by other means.
    """
    plugged.cautions.add(find, of)
    if on_page:
        plugged.on_page.append(find)
    if on_draft:
        plugged.on_draft.append(find)


def remark(find: Callable[[Db, Folder], Sequence[str]], *, of: Cares | None = None) -> None:
    """Say in sentences what stands beside the main document, and asks for nothing: what was learnt after its deposit."""
    plugged.remarks.add(find, of)


def remarks(db: Db, folder: Folder) -> tuple[str, ...]:
    """What stands beside the main document of a folder, but what its deposit noted."""
    return tuple(words for find in plugged.remarks.of(folder) for words in find(db, folder))


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """All that is to be looked at in a folder before deciding, the gravest first; not what somebody ruled on."""
    return _open(folder, (one for find in plugged.cautions.of(folder) for one in find(db, folder)))


def listing(
    tells: Callable[[Db, Sequence[Folder], Sequence[Rows]], Mapping[int, Sequence[Caution]]],
    *,
    asks: Callable[[Sequence[Folder]], Sequence[Asked]] = lambda _folders: (),
    of: Cares | None = None,
) -> None:
    """Say what a list shows of its folders, as `Listing`: no page of one may say otherwise."""
    plugged.listings.add(Listing(asks, tells), of)


def listed_cautions(db: Db, folders: Sequence[Folder]) -> dict[int, list[Caution]]:
    """What a list shows of these folders, by folder, the gravest first: less than their pages, and nothing that is ruled on.

    One statement reads what all who plug in ask of it.
    """
    every: dict[int, list[Caution]] = {}
    listings = [(room, mine, room.asks(mine)) for room, mine in plugged.listings.each(folders)]
    answers = iter(read_beside(db, *(query for *_, queries in listings for query in queries)))
    for room, mine, queries in listings:
        for number, cautions_of_it in room.tells(db, mine, list(islice(answers, len(queries)))).items():
            every.setdefault(number, []).extend(cautions_of_it)
    return {one.id: left for one in folders if (left := _open(one, every.get(one.id, ())))}


def told_cautions(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """The cautions of a folder for what leaves with it: the open ones but its corrections, then those that somebody ruled on."""
    left = [one for one in cautions(db, folder) if one.key != "corrected"]
    found: list[dict[str, Any]] = [
        {"key": one.key, "title": one.title, "sentence": one.sentence, "ruling": None} for one in left
    ]
    return found + [
        {"key": one["key"], "title": one["title"], "sentence": "", "ruling": ruling}
        for one in settled(folder)
        for ruling in ({name: one[name] for name in ("who", "at", "word")},)
    ]


def settled(folder: Folder) -> list[dict[str, Any]]:
    """The cautions on which somebody ruled, the first to the last: key, title, who, when (ISO 8601) and the word."""
    return [
        {
            "key": str(one["about"]).partition(":")[0],
            **{name: one[name] for name in ("title", "who", "at", "word")},
        }
        for one in folder.sources.get("rulings", ())
        if not one["keeps"]
    ]


def _open(folder: Folder, found: Iterable[Caution]) -> list[Caution]:
    ruled = rulings_on_cautions(folder.sources)
    left = (one for one in found if not one.about or (one.about not in ruled and one.formerly not in ruled))
    return sorted(left, key=lambda one: not one.grave)


def mark_of(other: Folder) -> str:
    """What stands for another folder in the name of a caution: the same each time, and tells nobody which folder it is."""
    return sha256(f"{other.collectivity_id} {other.id} {other.created_at.isoformat()}".encode()).hexdigest()[
        :16
    ]


def is_open(folder: Folder, caution: Caution) -> bool:
    """Whether nobody has ruled on this caution yet."""
    return bool(_open(folder, (caution,)))


def meaning(say: Callable[[Db, Folder], str], *, of: Cares | None = None) -> None:
    """Say in French what the law makes the signature of a folder mean, from what is in it; empty for what is not known."""
    plugged.meanings.add(say, of)


def meaning_of(db: Db, folder: Folder) -> str:
    """What the first who knows says of it, empty when nobody does."""
    return next((said for say in plugged.meanings.of(folder) if (said := say(db, folder))), "")


def untold(db: Db, folder: Folder) -> list[Caution]:
    """Those of them that the folder's page does not show by other means."""
    shown = (find for find in plugged.cautions.of(folder) if find not in plugged.on_page)
    return _open(folder, (one for find in shown for one in find(db, folder)))


def told_by_page(db: Db, folder: Folder) -> list[Caution]:
    """Those of them that the folder's page shows by other means, each name once: they are ruled on beside the others."""
    shown = (find for find in plugged.cautions.of(folder) if find in plugged.on_page)
    found = _open(folder, (one for find in shown for one in find(db, folder)))
    return list({one.about: one for one in reversed(found)}.values())[::-1]


def untold_by_draft(db: Db, folder: Folder) -> list[Caution]:
    """Those of them on which somebody may rule, and that the draft does not show by other means."""
    shown = (find for find in plugged.cautions.of(folder) if find not in plugged.on_draft)
    return [one for one in _open(folder, (one for find in shown for one in find(db, folder))) if one.about]


def action(name: Action, endpoint: str, method: str = "post") -> None:
    """Perform an action of the law on another page than the folder's."""
    plugged.actions[name] = ActionSocket(endpoint, method)


def tray(
    show: Callable[[Db, Actor], Markup | None], waits: Callable[[Actor], sa.ColumnElement[bool]]
) -> None:
    """Put a band above what awaits somebody (an actor), or None; `show` is asked only where the condition `waits` holds."""
    plugged.trays.append(Tray(show, waits))


def tray_conditions(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """Whether each of the bands above what awaits an actor has anything to show, for a page that asks more with it."""
    return [one.waits(actor) for one in plugged.trays]


def trays(db: Db, actor: Actor, waiting: Sequence[bool]) -> list[Markup]:
    """The bands above what awaits an actor: those of which the conditions hold (`waiting`), if they show something."""
    asked = [one for one, waits in zip(plugged.trays, waiting, strict=True) if waits]
    return [band for one in asked if (band := one.show(db, actor))]


def selection(endpoint: str, most: int) -> None:
    """Let rows be ticked, and post those that are to this page: `kind` (approve, sign, reject) and `d` (folder-version).

    Or all that the list finds (`all`), of which it takes so many at most.
    """
    plugged.selection.append((endpoint, most))


def band(show: Callable[[Db, Folder], Markup | None], *, of: Cares | None = None) -> None:
    """Put a band under the header of the folder's page."""
    plugged.bands.add(show, of)


def beside_draft(show: Callable[[Db, Folder], Markup | None]) -> None:
    """Put a card beside a draft, under the circuit that it will follow."""
    plugged.beside_draft.append(show)


def preparation(endpoint: str, show: Callable[[Db, Folder], Markup | None]) -> None:
    """Put a card beside a draft; its button, named `action` with the endpoint as value, keeps the draft and goes there."""
    plugged.preparations[endpoint] = show


def note(kind: str, tell: Callable[[Db, Folder, str], Mapping[str, Any] | None]) -> None:
    """Tell more of a step of this kind: keys `meta`, `mono`, `link_label`, `link_url`, `title`; `back`, how it came back."""
    plugged.notes[kind] = tell


def tag(show: Callable[[Db, Folder], Tag | None]) -> None:
    """Put a tag beside the folder's facts, or None."""
    plugged.tags.append(show)


def returned(tell: Callable[[Db, Collection[int]], Mapping[int, str]]) -> None:
    """Name in other words those of these folders that are not merely « Rejeté » or « Terminé »: taken in part, for instance."""
    plugged.returns.append(tell)


CALLED = frozenset({Phase.REJECTED, Phase.DONE})
"""The phases of the folders that `returned` may name."""


def returned_as(db: Db, folders: Collection[int]) -> Mapping[int, str]:
    """What each of these folders that came back or are over is called, for those that are called otherwise."""
    if not folders:
        return {}
    return once(db, ("returned", tuple(folders)), lambda: _returned_as(db, folders))


def _returned_as(db: Db, folders: Collection[int]) -> Mapping[int, str]:
    return {one: words for tell in plugged.returns for one, words in tell(db, folders).items()}


def held(tell: Callable[[Db, Folder], str]) -> None:
    """Say in a clause what a step that starts by itself waits for, where somebody must act; empty where it goes on alone."""
    plugged.helds.append(tell)


def waiting(tell: Callable[[Db, Collection[int]], Mapping[int, str]]) -> None:
    """Say in a clause, for each of these acts, what is to be dealt with about it: its state line says it to the house."""
    plugged.waitings.append(tell)


def letters(find: Callable[[Db, int], Collection[str]]) -> None:
    """Give the SHA-256 of what is among a folder's documents and came in a letter of the State, for who deals with it alone."""
    plugged.letters.append(find)


def held_by(db: Db, folder: Folder) -> str:
    """What the automatic step where a folder stands waits for, from the first who knows; empty when nothing holds it."""
    return next((words for tell in plugged.helds if (words := tell(db, folder))), "")


def signatures(find: Callable[[Db, int], Mapping[int, list[Any]]]) -> None:
    """Give the signatures of a folder's documents, by version id."""
    plugged.signatures.append(find)


def question(*asked: Question) -> None:
    """Answer these about a folder in the one statement by which its page reads all that is small (`app.core.questions`)."""
    plugged.questions += asked


def capacity(say: Callable[[Db, Actor, Folder, Any], tuple[str, str]]) -> None:
    """Say in which capacity an actor would sign a folder where it stands; else why he may not, as a sentence."""
    plugged.capacities.append(say)


def table(read: Callable[[bytes], tuple[tuple[str, str], ...] | None]) -> None:
    """Show an XML document as rows (label, value), or None when it is not known."""
    plugged.tables.append(read)


def sheet(show: Callable[[Db, Folder, DocumentVersion, Mapping[str, str]], Leaf | None]) -> None:
    """Show a document in the folder's page, or None; the last argument is what the address asks (a page of it)."""
    plugged.sheets.append(show)


def proofs(find: Callable[[Db, int], list[dict[str, Any]]]) -> None:
    """Give the proofs of a folder's signatures, for what leaves with it."""
    plugged.proofs.append(find)


def acts(find: Callable[[Db, int], Mapping[int, str]]) -> None:
    """Tell in other words what was done at a part of a step, by step run: « Signé sur papier par X »."""
    plugged.acts.append(find)


def signed_days(find: Callable[[Db, int], Mapping[int, date]]) -> None:
    """Give the day on which a signature was made, by step run, where it is not that of its record: a signature by hand."""
    plugged.signed_days.append(find)


def share(name: str, find: Callable[[Db, Folder], list[dict[str, Any]]]) -> None:
    """Tell other software more of a folder, under this name of its JSON: what was transmitted."""
    plugged.shares[name] = find


def publishing(follow: Callable[[Db, Folder, Actor, date], None]) -> None:
    """Do what publication asks (folder, actor, the day that was stated), in its transaction; a refusal undoes it all."""
    plugged.publishings.append(follow)


def options(kind: str, offer: Callable[[Db, int], list[tuple[str, str]]]) -> None:
    """Offer a collectivity the values of a kind of field (value, words): the matters of a classification."""
    plugged.options[kind] = offer


def picker(kind: str, endpoint: str, words: str) -> None:
    """Choose the value of a kind of field on a page of its own; its button, under the field, keeps the draft and goes there."""
    plugged.pickers[kind] = Picker(endpoint, words)


def derived(find: Callable[[Db, Folder], Mapping[str, Any]], *, of: Cares | None = None) -> None:
    """Add facts that follow from those typed, each time a draft is kept: the classification a matter was chosen in."""
    plugged.derived.add(find, of)


def index(keep: Callable[[Db, Folder], None], *, of: Cares | None = None) -> None:
    """Keep what finds a folder again, each time its facts or files change, in the transaction that changes them."""
    plugged.indexes.add(keep, of)


def indexed(db: Db, folder: Folder) -> None:
    """Tell all who keep an index that the facts or files of a folder have changed."""
    db.flush()
    for keep in plugged.indexes.of(folder):
        keep(db, folder)


def worded(take: Callable[[Db, Folder], None], *, of: Cares | None = None) -> None:
    """Take what the words of a folder's documents tell, each time they were read or went, in the transaction that writes them."""
    plugged.worded.add(take, of)


def words_changed(db: Db, folder: Folder) -> None:
    """Tell all who take something from the words of a folder's documents that these have changed."""
    for take in plugged.worded.of(folder):
        take(db, folder)


def types(find: Callable[[Db, Folder], FileTypes | None]) -> None:
    """Offer a type for each file of a folder that will be transmitted, or None when its files have none."""
    plugged.types.append(find)


def types_of(db: Db, folder: Folder) -> FileTypes | None:
    """The types of the first who offers some for this folder."""
    return next((found for find in plugged.types if (found := find(db, folder)) is not None), None)


def clear() -> None:
    """Unplug everything: an application is made again in the same process."""
    for one in vars(plugged).values():
        one.clear()
