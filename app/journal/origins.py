"""From where an act came: kept beside its line, so that an address may go and the chain still hold (PRV-03, decision 0025).

The line's facts carry `origin`, the SHA-256 of the JSON text of [salt, address, browser]; these three are a row of their own.
Lines of before this was so carry the bare address, which their hash covers.
"""

import hashlib
import json
import re
import secrets
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import sqlalchemy as sa

from app.core.db import Db
from app.journal.models import JournalEntry, Origin

KEPT_APART = ("address", "client")
COVERED = "origin"
"""Where a line's facts carry the digest."""
DIGEST = re.compile("[0-9a-f]{64}")
ERASED = "journal.addresses_erased"
"""The line that says up to which one the addresses went, and after how many days."""
DOUBTFUL = ("altered", "missing")
"""Where such a line names those that were not as their lines say when the sweep came, each by its number."""
LONGEST = 3650
"""The longest delay that a setting gives, in days."""
SALT = 16
CHUNK = 500
_entry: Any = JournalEntry.__table__
_origin: Any = Origin.__table__


def digest(salt: str, address: str, client: str) -> str:
    """What a line says of an origin: nothing that can be guessed without the salt."""
    return hashlib.sha256(json.dumps([salt, address, client], ensure_ascii=False).encode()).hexdigest()


def parted(facts: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, str] | None]:
    """The facts as the chain covers them, and what is kept beside; None where they say of no place.

    Raises `ValueError` for facts that bear the name of the digest: the line would say for ever that its origin was taken away.
    """
    if COVERED in facts:
        raise ValueError(f"« {COVERED} » of an event's facts is the journal's own")
    if not any(facts.get(name) for name in KEPT_APART):
        return facts, None
    salt = secrets.token_hex(SALT)
    address, client = (str(facts.get(name) or "") for name in KEPT_APART)
    left = {name: value for name, value in facts.items() if name not in KEPT_APART}
    return {**left, COVERED: digest(salt, address, client)}, {
        "salt": salt,
        "address": address,
        "client": client,
    }


@dataclass(frozen=True)
class Erasure:
    """A line that says: the addresses up to the line `upto` went, being more than so many `days` old.

    `count` of them went; those of the lines `altered` were not what these cover, and those of `missing` had gone before.
    """

    seq: int
    at: datetime
    upto: int
    days: int
    count: int
    altered: frozenset[int]
    missing: frozenset[int]


def erasure_of(seq: int, at: str, text: str, after: int) -> Erasure | None:
    """What such a line says, the one before it having reached the line `after`; None where no sweep writes it so."""
    facts, moment = _facts(text), moment_of(at)
    numbers: list[Any] = [facts.get(name) for name in ("upto", "days", "count")]
    altered, missing = (facts.get(name, []) for name in DOUBTFUL)
    if moment is None or not (isinstance(altered, list) and isinstance(missing, list)):
        return None
    # bool is an int in Python, and JSON has both: only a plain number is what the sweep writes.
    if any(type(number) is not int for number in (*numbers, *altered, *missing)):
        return None
    upto, days, count = numbers
    if not (after < upto < seq and 1 <= days <= LONGEST and count >= 0):
        return None
    return Erasure(seq, moment, upto, days, count, frozenset(altered), frozenset(missing))


def erasures(db: Db, collectivity_id: int) -> list[Erasure]:
    """The erasures of a journal, in their order, each farther than those before it.

    A line that no sweep writes took nothing: `verify` names it.
    """
    query = sa.select(_entry.c.seq, _entry.c.at, _entry.c.facts).where(
        _entry.c.collectivity_id == collectivity_id,
        _entry.c.event == ERASED,
        sa.text("folder_id IS NULL"),
    )
    erasures: list[Erasure] = []
    for row in db.execute(query.order_by(_entry.c.seq)):
        if erasure := erasure_of(row.seq, row.at, row.facts, erasures[-1].upto if erasures else 0):
            erasures.append(erasure)
    return erasures


def of(known: Sequence[Erasure], seq: int) -> Erasure | None:
    """The first of these erasures (as `erasures` gives them) that reached a line, and so took its address."""
    rank = bisect_left(known, seq, key=lambda erasure: erasure.upto)
    return known[rank] if rank < len(known) else None


class Beside:
    """The origins of a journal, judged as its lines come, in their order: each is as its line says, or went in time."""

    def __init__(self, known: Sequence[Erasure]) -> None:
        self._known = known
        self._erasures = {erasure.seq: erasure for erasure in known}
        self._gone: Counter[int] = Counter()
        self._undated: list[tuple[Any, Erasure]] = []
        self.wrong: tuple[int, str] | None = None
        """The first line that does not hold by its origin, and what is wrong with it, in French."""

    def see(self, row: Any) -> None:
        """Take in the next line of `entries`, which holds by itself."""
        moment = moment_of(row.at)
        # Their own date was to come: this one says when they were written, at the latest.
        for before, erased in [pair for pair in self._undated if moment and moment <= pair[1].at]:
            self._undated.remove((before, erased))
            self._blame(before.seq, _early(before, moment, erased))
        self._blame(row.seq, self._fault(row, moment))

    def _blame(self, seq: int, fault: str | None) -> None:
        if fault and (self.wrong is None or seq < self.wrong[0]):
            self.wrong = (seq, fault)

    def _fault(self, row: Any, moment: datetime | None) -> str | None:
        if row.event == ERASED and row.folder_id is None:
            return self._miscounted(row)
        there = covered(row.facts)
        erased = of(self._known, row.seq) if there else None
        name = _named(row)
        if there is None:
            return f"{name} a été ajoutée : la ligne n’en couvre aucune" if row.salt is not None else None
        if row.salt is not None:
            if digest(row.salt, row.address, row.client) != there:
                return f"{name} a été modifiée"
            return f"{name} est là, et la ligne {erased.seq} la dit effacée" if erased else None
        return self._gone_wrong(row, moment, erased)

    def _gone_wrong(self, row: Any, moment: datetime | None, erased: Erasure | None) -> str | None:
        name = _named(row)
        if erased is None:
            return f"{name} a été ôtée, et aucune ligne ne le dit"
        self._gone[erased.seq] += 1
        if row.seq in erased.altered:
            return f"{name} avait été modifiée avant d’être effacée, dit la ligne {erased.seq}"
        if row.seq in erased.missing:
            return f"{name} avait été ôtée, sans qu’aucune ligne ne le dise, avant celles que dit la ligne {erased.seq}"
        if moment is None or moment > erased.at:
            # A clock that was wrong: the next line says when it was, at the latest
            self._undated.append((row, erased))
            return None
        return _early(row, moment, erased)

    def _miscounted(self, row: Any) -> str | None:
        name, erased = f"la ligne {row.seq} (« {row.event} », {row.at})", self._erasures.get(row.seq)
        if erased is None:
            return f"{name} n’est pas un effacement tel que Paraphe les écrit"
        gone, expected = self._gone[row.seq], erased.count + len(erased.missing)
        return (
            f"{name} dit {expected} adresses effacées ou ôtées, et {gone} le sont"
            if gone != expected
            else None
        )


def _early(row: Any, moment: datetime | None, erased: Erasure) -> str | None:
    if moment is not None and erased.at - moment >= timedelta(days=erased.days):
        return None
    days = f"les {erased.days} jours" if erased.days > 1 else "le jour"
    return f"{_named(row)} a été ôtée avant {days} que dit la ligne {erased.seq}"


def _named(row: Any) -> str:
    return f"l’adresse de la ligne {row.seq} (« {row.event} », {row.at})"


def stray(db: Db, collectivity_id: int) -> tuple[int, str] | None:
    """The first origin that is beside no line, by the number that it says, and what is wrong with it, in French."""
    beside = sa.and_(_entry.c.collectivity_id == _origin.c.collectivity_id, _entry.c.seq == _origin.c.seq)
    query = (
        sa.select(sa.func.min(_origin.c.seq))
        .join_from(_origin, _entry, beside, isouter=True)
        .where(_origin.c.collectivity_id == collectivity_id, _entry.c.seq.is_(None))
    )
    seq = db.scalar(query)
    return None if seq is None else (seq, f"une adresse est à côté de la ligne {seq}, qui n’existe pas")


def moment_of(at: str) -> datetime | None:
    """The date of a line; None where it is none."""
    try:
        moment = datetime.fromisoformat(at)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None


def _facts(text: str) -> dict[str, Any]:
    """The facts of a line; none where they are not an object, which only a forger writes."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def covered(text: str) -> str | None:
    """The digest of an origin that these facts of a line carry; a fact of that name that is no digest covers none."""
    if f'"{COVERED}":' not in text:  # nearly every line of a folder: it is not read twice
        return None
    value = _facts(text).get(COVERED)
    return value if is_digest(value) else None


def is_digest(value: object) -> TypeGuard[str]:
    """Whether a fact is the digest of an origin."""
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def as_read(db: Db, rows: Sequence[JournalEntry]) -> Iterator[tuple[JournalEntry, dict[str, Any]]]:
    """Lines of one collectivity with their facts as people read them: the address where it is kept.

    One that is not what its line covers is said « altérée ». Where it went, `erased_at` says when; it is None where no line
    says that it went. What an erasing says is left out where no sweep writes it so.
    """
    known: list[Erasure] | None = None
    for rank in range(0, len(rows), CHUNK):
        some = rows[rank : rank + CHUNK]
        query = sa.select(_origin).where(
            _origin.c.collectivity_id == some[0].collectivity_id,
            _origin.c.seq.in_([line.seq for line in some]),
        )
        origins = {origin.seq: origin for origin in db.execute(query)}
        for row in some:
            facts = json.loads(row.facts)
            if (
                row.event == ERASED
                and row.folder_id is None
                and not erasure_of(row.seq, row.at, row.facts, 0)
            ):
                facts = {}  # `verify` names it
            wanted = facts.get(COVERED)
            if not is_digest(wanted):
                yield row, facts
                continue
            del facts[COVERED]
            if (origin := origins.get(row.seq)) is not None:
                yield row, {**facts, **_as_kept(origin, wanted)}
            else:
                known = erasures(db, row.collectivity_id) if known is None else known
                erased = of(known, row.seq)
                yield row, {**facts, **_as_gone(row.seq, erased)}


def _as_kept(origin: Any, wanted: object) -> dict[str, str]:
    shown = {name: value for name in KEPT_APART if (value := getattr(origin, name))}
    if digest(origin.salt, origin.address, origin.client) == wanted:
        return shown
    return {"address": "altérée"} | {name: f"{value} (altérée)" for name, value in shown.items()}


def _as_gone(seq: int, erased: Erasure | None) -> dict[str, Any]:
    gone: dict[str, Any] = {"erased_at": erased.at.isoformat() if erased else None}
    if erased and seq in erased.altered:
        gone["address"] = "altérée avant d’être effacée"
    elif erased and seq in erased.missing:
        gone["address"] = "ôtée sans qu’aucune écriture ne le dise"
    return gone
