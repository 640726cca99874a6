"""A list of people as a spreadsheet writes it: read whatever its encoding and separator, compared with what is, written back.

One line is one person at one desk; a person with several desks has several lines.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import sqlalchemy as sa

from app.circuits.own_types import called
from app.core.db import Db
from app.core.grammar import de
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import key_of
from app.operations.persons.lists import RECOGNISED, Reading, Row, lines_of
from app.operations.persons.taken import Taken, taken
from app.people import accounts
from app.people.arrivals import Arrival
from app.people.given import refuse_odd, rights_of
from app.people.hierarchy import GRANTED
from app.people.models import Desk, Holder, User
from workflows.rights import ONLY, Rights
from workflows.vocabulary import Right

_SHORTER = {Right.CREATE: "déposer", Right.ACT: "viser", Right.REROUTE: "modifier les étapes"}
WORDS: Mapping[Right, str] = {
    right: _SHORTER.get(right, f"{right.label[:1].lower()}{right.label[1:]}") for right in GRANTED
}
"""How the file writes what may be done at a desk; for one type of folders alone: « signer:invoice »."""


@dataclass(frozen=True)
class Fault:
    """A line that is left out: its number in the file, what is written there, and why, with what to do; its cells by column."""

    line: int
    written: str
    why: str
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A person as the file writes him, over the lines `lines`; `seats` by the number of the desk.

    `stops`: what nobody could do any more at a desk by what his lines take from him, in words; `loses`: they take something.
    """

    lines: tuple[int, ...]
    arrival: Arrival
    state: str = "new"
    changes: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    loses: bool = False

    @property
    def name(self) -> str:
        """« Enora Quéméner »."""
        return f"{self.arrival.particulars.first_name} {self.arrival.particulars.last_name}"


@dataclass(frozen=True)
class Plan:
    """What a file would do: people to invite, to change, already so; lines left out; how it was read.

    `folders`: those that would stop by what it takes from people, as a sentence; `ways`: the steps of circuits.
    """

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    reading: Reading
    desks: Mapping[int, str]
    folders: str = ""
    ways: tuple[str, ...] = ()

    def seats_in_words(self, entry: Entry) -> list[str]:
        """« Direction des finances : viser, déposer »."""
        return [
            f"{self.desks[desk_id]} : {_in_words(rights)}" for desk_id, rights in entry.arrival.seats.items()
        ]

    def of(self, state: str) -> tuple[Entry, ...]:
        """Those that are « new », « changed » or « same »."""
        return tuple(entry for entry in self.entries if entry.state == state)

    @property
    def to_do(self) -> tuple[Entry, ...]:
        """Those for whom something would be written, in the order of the file: who loses nothing, then the others."""
        entries = [entry for entry in self.entries if entry.state != "same"]
        return tuple(sorted(entries, key=lambda entry: entry.loses))

    @property
    def stopping(self) -> tuple[Entry, ...]:
        """Those whose lines take from a desk the last who could do something there."""
        return tuple(entry for entry in self.entries if entry.stops)

    @property
    def stops(self) -> bool:
        """Whether something would stop: it is written once that is confirmed."""
        return bool(self.stopping or self.folders or self.ways)

    @property
    def mark(self) -> str:
        """What it would write and stop, in short: posted back, it tells a page that is out of date."""
        texts = [f"{entry.state} {entry.arrival} {entry.changes} {entry.stops}" for entry in self.to_do]
        texts += [self.folders, *self.ways]
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()


@dataclass
class _Known:
    """What the collectivity has: its people by login, the desks by key and by name, who has which address."""

    users: dict[str, User]
    desks: dict[str, Desk]
    addresses: dict[str, User]
    seats: dict[tuple[int, int], Rights]
    types: Collection[str]
    typed: dict[str, tuple[str, int]] = field(default_factory=dict)

    @cached_property
    def names(self) -> dict[int, str]:
        """The desks by their numbers."""
        return {desk.id: desk.name for desk in self.desks.values()}


def plan(db: Db, collectivity_id: int, content: bytes, reading: Reading = RECOGNISED) -> Plan:
    """What the file would change, nothing being written.

    Refuses `people-file-long`, `people-file-unread` (no text), `people-file-unrecognised` (in no encoding that is recognised),
    `people-file-encoding` (not in the one that is asked), `people-file-columns` of a file whose first line does not name the
    columns, and `people-file-empty`.
    """
    rows, reading = lines_of(content, reading)
    known = _known(db, collectivity_id)
    people: dict[str, Entry] = {}
    faults: list[Fault] = []
    for row in rows:
        try:
            entry = _entry(row, known, people)
        except Refusal as refusal:
            faults.append(Fault(row.line, row.written, _sentence(refusal), row.cells))
        except _LeftOutError as left_out:
            faults.append(Fault(row.line, row.written, left_out.why, row.cells))
        else:
            people[entry.arrival.login] = entry
    entries = [_compared(person, known) for person in people.values()]
    lost = _taken(db, collectivity_id, entries, known)
    called_here = called(db, collectivity_id) if lost.last else {}
    told = tuple(_told(entry, known, lost, called_here) for entry in entries)
    return Plan(told, tuple(faults), reading, known.names, lost.folders, lost.ways)


def portion(db: Db, collectivity_id: int, plan: Plan, most: int) -> tuple[Entry, ...]:
    """Those who are written at once, `most` of them: whatever comes next, or never, it stops nothing that the list would not.

    Who loses something is written after all who only gain; together where so many alone would stop something.
    """
    gaining = tuple(entry for entry in plan.to_do if not entry.loses)
    if len(plan.to_do) <= most:
        return plan.to_do
    if gaining:
        return gaining[:most]
    first = plan.to_do[:most]
    stops = _taken(db, collectivity_id, first, _known(db, collectivity_id)).stops
    return plan.to_do if stops else first


def exported(db: Db, collectivity_id: int) -> list[tuple[str, ...]]:
    """The open accounts as lines under `COLUMNS` that, brought back as they are, change nothing."""
    query = (
        sa.select(User, Holder, Desk)
        .outerjoin(Holder, Holder.user_id == User.id)
        .outerjoin(Desk, sa.and_(Desk.id == Holder.desk_id, Desk.closed_at.is_(None)))
        .where(User.collectivity_id == collectivity_id, User.active.is_(True))
        .order_by(sa.func.lower(User.last_name), User.id, Desk.name)
    )
    lines: list[tuple[str, ...]] = []
    for user, holder, desk in db.execute(query):
        rights = _in_words(rights_of(holder))
        where = desk.name if desk is not None and rights else ""
        lines.append((user.first_name, user.last_name, user.email, user.login, user.capacity, where, rights))
    return lines


def _sentence(refusal: Refusal) -> str:
    """The sentence of a page, without « Rien n’a changé : », which a line that is left out says already."""
    sentence = re.sub(r"^Rien n’a changé\s*:\s*", "", sentences.say(refusal.key, refusal.facts)[1])
    return f"{sentence[:1].upper()}{sentence[1:]}"


class _LeftOutError(Exception):
    """A line that is left out, `why` in French: the page tells it beside the line, and reads the others."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _known(db: Db, collectivity_id: int) -> _Known:
    """Four statements."""
    users = list(db.scalars(sa.select(User).where(User.collectivity_id == collectivity_id)))
    by_login = {user.login: user for user in users}
    opened = sa.select(Desk).where(Desk.collectivity_id == collectivity_id, Desk.closed_at.is_(None))
    desks = list(db.scalars(opened))
    seats = (
        sa.select(Holder).join(User, User.id == Holder.user_id).where(User.collectivity_id == collectivity_id)
    )
    return _Known(
        by_login,
        {key_of(desk.key): desk for desk in desks} | {key_of(desk.name): desk for desk in desks},
        {user.email.lower(): user for user in users if user.active},
        {(seat.user_id, seat.desk_id): rights_of(seat) for seat in db.scalars(seats)},
        called(db, collectivity_id).keys(),
    )


def _login(row: Row) -> str:
    """The login that is written, else one made of the name: « e.quemener »."""
    if typed := row.cells.get("Identifiant", ""):
        return typed.lower()
    first, last = (
        "".join(letter for letter in key_of(row.cells[name]) if letter.isascii() and letter.isalnum())
        for name in ("Prénom", "Nom")
    )
    return f"{first[:1]}.{last}"[: accounts.LOGIN_LONGEST] if first and last else ""


def _entry(row: Row, known: _Known, people: Mapping[str, Entry]) -> Entry:
    """The person of a line, with what earlier lines say of him; a refusal, or `_LeftOutError`, says why the line is left out."""
    particulars = accounts.Particulars(
        row.cells["Prénom"],
        row.cells["Nom"],
        row.cells["Courriel"],
        row.cells["Qualité"],
        administrator=False,
    )
    particulars = accounts.checked(particulars)
    login = accounts.login_of(_login(row))
    user = known.users.get(login)
    if user is not None and not user.active:
        raise Refusal("person-closed", name=user.name)
    particulars = replace(particulars, administrator=user is not None and user.administrator)
    if user is not None:
        _same_person(user, particulars, named=bool(row.cells.get("Identifiant")))
    _alone(login, particulars, user, known)
    seats = _seats(row, known)
    before = people.get(login)
    if before is None:
        known.typed[particulars.email.lower()] = (login, row.line)
        return Entry((row.line,), Arrival(login, particulars, seats))
    if before.arrival.particulars != particulars:
        raise _LeftOutError(
            f"« {login} » est écrit autrement à la ligne {before.lines[0]} : écrivez la personne de la même façon sur chacune "
            "de ses lignes, ou donnez un autre identifiant."
        )
    if twice := before.arrival.seats.keys() & seats.keys():
        name = next(desk.name for desk in known.desks.values() if desk.id in twice)
        raise _LeftOutError(
            f"Le bureau « {name} » est déjà donné à cette personne plus haut : gardez une des deux lignes."
        )
    seats = {**before.arrival.seats, **seats}
    return Entry((*before.lines, row.line), replace(before.arrival, seats=seats))


def _same_person(user: User, particulars: accounts.Particulars, *, named: bool) -> None:
    """Leave out a line that would give somebody's account, and what it may sign, to somebody else.

    An address alone may change where the line writes the login (`named`): a login made of a name is a homonym's as well.
    """
    if user.email.lower() == particulars.email.lower():
        return
    if not named:
        raise _LeftOutError(
            f"La ligne n’écrit pas d’identifiant, et « {user.login} », que son nom donnerait, est celui {de(user.name)}, dont "
            f"l’adresse est autre. Pour une autre personne, écrivez un autre identifiant ; pour la même, écrivez celui-là."
        )
    if any(
        key_of(before) != key_of(after)
        for before, after in (
            (user.first_name, particulars.first_name),
            (user.last_name, particulars.last_name),
        )
    ):
        raise _LeftOutError(
            f"L’identifiant « {user.login} » est celui {de(user.name)}, et la ligne lui donne un autre nom et une autre adresse. "
            "Pour une autre personne, écrivez un autre identifiant ; pour la même, changez-la sur sa page."
        )


def _alone(login: str, particulars: accounts.Particulars, user: User | None, known: _Known) -> None:
    """Refuse an address that another account has, or another person of the file."""
    address = particulars.email.lower()
    owner = known.addresses.get(address)
    if owner is not None and owner.login != login and (user is None or user.email.lower() != address):
        raise Refusal("email-taken", email=particulars.email, name=owner.name)
    writer, line = known.typed.get(address, (login, 0))
    if writer != login:
        raise _LeftOutError(
            f"L’adresse « {particulars.email} » est aussi à la ligne {line}, pour « {writer} » : donnez à chacun la sienne."
        )


def _seats(row: Row, known: _Known) -> dict[int, Rights]:
    where, grants = row.cells.get("Bureau", ""), row.cells.get("Droits", "")
    if not where and not grants:
        return {}
    if not where:
        raise _LeftOutError("Des droits sont écrits, et pas le bureau : écrivez-le, ou ôtez les droits.")
    desk = known.desks.get(key_of(where))
    if desk is None:
        raise _LeftOutError(
            f"Le bureau « {where} » n’existe pas, ou est fermé : ouvrez-le sous « Bureaux », ou corrigez son nom."
        )
    rights = Rights.read(
        _right(part, known) for part in grants.replace("/", ",").replace("+", ",").split(",") if part.strip()
    )
    refuse_odd(rights)
    if not rights:
        raise _LeftOutError(
            f"Rien ne dit ce que la personne peut faire à « {desk.name} » : écrivez {_choices()}."
        )
    return {desk.id: rights}


def _right(word: str, known: _Known) -> str:
    """A right as it is kept; its type is one that the collectivity has."""
    name, only, of_type = (part.strip() for part in word.partition(ONLY))
    key = key_of(name)
    if only and of_type not in known.types:
        raise _LeftOutError(
            f"« {of_type} » n’est pas un type de dossiers d’ici : écrivez « signer » pour tous, « signer:invoice » pour un."
        )
    for right in GRANTED:
        if key in {right.value, key_of(WORDS[right]), key_of(right.label)}:
            return f"{right.value}{only}{of_type}"
    raise _LeftOutError(f"« {word.strip()} » n’est pas un droit : écrivez {_choices()}.")


def _choices() -> str:
    *first, last = WORDS.values()
    return f"{', '.join(first)} ou {last}, séparés par des virgules"


def _compared(entry: Entry, known: _Known) -> Entry:
    """The same with what would change: everything for who has no account."""
    user = known.users.get(entry.arrival.login)
    if user is None:
        return entry
    wanted = entry.arrival.particulars
    changes = [
        f"{name} : « {was} » devient « {now} »"
        for name, was, now in (
            ("Prénom", user.first_name, wanted.first_name),
            ("Nom", user.last_name, wanted.last_name),
            ("Courriel", user.email, wanted.email),
            ("Qualité", user.capacity, wanted.capacity),
        )
        if was != now
    ]
    loses = False
    for number, rights in entry.arrival.seats.items():
        was = known.seats.get((user.id, number), Rights())
        loses = loses or bool(was.without(rights))
        if was != rights:
            changes.append(f"{known.names[number]} : {_in_words(was) or 'rien'} devient {_in_words(rights)}")
    return replace(entry, state="changed" if changes else "same", changes=tuple(changes), loses=loses)


def _taken(db: Db, collectivity_id: int, entries: Sequence[Entry], known: _Known) -> Taken:
    """What the lines that change something would stop; who is only invited counts, as anybody whose account is open."""
    active = {user.id for user in known.users.values() if user.active}
    present = {seat: rights for seat, rights in known.seats.items() if seat[0] in active}
    wanted: dict[tuple[int, int], Rights] = {}
    for rank, entry in enumerate(entries, 1):
        user = known.users.get(entry.arrival.login)
        number = user.id if user is not None else -rank  # who has no account yet has no number
        for desk_id, rights in entry.arrival.seats.items():
            if present.get((number, desk_id), Rights()) != rights:
                wanted[number, desk_id] = rights
    return taken(db, collectivity_id, present, wanted)


def _told(entry: Entry, known: _Known, lost: Taken, types: Mapping[str, str]) -> Entry:
    """The same with what its lines would take from a desk for good."""
    user = known.users.get(entry.arrival.login)
    if user is None:
        return entry
    stops = [
        f"Au bureau « {known.names[desk_id]} », plus personne ne pourrait : {rights.in_words(types)}."
        for (number, desk_id), rights in lost.last.items()
        if number == user.id
    ]
    return replace(entry, stops=tuple(stops))


def _in_words(rights: Rights) -> str:
    """« viser, signer:invoice »: as the file writes it."""
    return ", ".join(
        WORDS[right] if types is None else ", ".join(f"{WORDS[right]}{ONLY}{kind}" for kind in types)
        for right, types in ((right, rights.types(right)) for right in rights)
    )
