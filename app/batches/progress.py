"""Where a batch stands, in words: its list before it starts, its progress, the result of each folder with its reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from app.batches import covering
from app.batches.gesture import UNREAD, UNSIGNED, at_work, mark_of, mine, worded
from app.batches.models import BACK, BACK_BEFORE, OPEN, Batch, BatchItem
from app.batches.selection import Choice, to_settle
from app.circuits.library import catalogue
from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import EURO, Abroad, euros, heure
from app.core.grammar import plural
from app.core.spreadsheet import Cell
from app.display.views import amount
from app.folders.access import readable_by
from app.folders.models import Folder
from app.folders.seats import desk_name
from app.folders.sockets import Caution, cautions
from app.people.actor import Actor
from app.signing.authority import Wording

VERBS = {
    "approve": ("Viser", "visé"),
    "reject": ("Rejeter", "rejeté"),
    "sign": ("Signer", "signé"),
    "hand": ("Confier", "confié"),
}
TAKEN_BACK = {"confié": "Repris"}
"""What became of a folder whose person has taken back what he did, where it is no act that is cancelled."""
LEFT_OUT = "Écarté"
CLOSED = "Dossier que vous ne lisez plus"
SHOWN = 20
"""How many of the folders that went well are shown before the others are asked for."""


@dataclass(frozen=True)
class Sum:
    """The folders of one family in a batch: how many, and their amounts together, those of each currency apart, euros first."""

    label: str
    count: int
    amounts: tuple[Decimal, ...]


@dataclass(frozen=True)
class Line:
    """One folder of a batch, and what became of it; `back` is a decision that its author has taken back himself.

    `readable`: its person may read the folder now; of another, nothing is told but its number and what became of it there.
    `absent`: in whose absence it awaits him, or he has acted on it; empty for what is his own.
    """

    id: int
    folder_id: int
    title: str
    number: str
    amount: Decimal | None
    state: str
    reason: str
    outcome: str
    opened: bool
    back: bool = False
    readable: bool = True
    absent: str = ""

    @property
    def to_settle(self) -> bool:
        """Whether what keeps it out of the batch may be settled in its page."""
        return to_settle(self.reason)


HEAD = (
    "Dossier",
    "Titre",
    "Numéro",
    "Montant",
    "Résultat",
    "Motif",
    "En l’absence de",
    "Confié à",
    "Motif du lot",
)
"""Of the folders of a batch that are taken away; the first reason says why a folder is not done."""


def cells_of(standing: "Standing") -> list[tuple[Cell, ...]]:
    """The same of each folder, with the desk and the reason that its batch gave those that were done."""
    lines: list[tuple[Cell, ...]] = []
    for line in standing.lines:
        money = euros(line.amount) if isinstance(line.amount, Abroad) else line.amount
        own = (str(line.folder_id), line.title, line.number, money, line.outcome, line.reason, line.absent)
        lines.append((*own, *((standing.desk, standing.reason) if line.state == "done" else ("", ""))))
    return lines


@dataclass(frozen=True)
class Standing:
    """A batch as its page shows it: `state` is proposed, running, interrupted or ended.

    `awaits_key`: the worker embeds what was signed, no page holds the key, and some folders wait for it. `mark`: what a page
    that shows it posts with its buttons (`gesture.mark_of`). `desk` and `reason`: to which desk its folders are handed, by its
    name, and the one reason that was written for all; empty in the kinds that have none.
    """

    id: int
    kind: str
    state: str
    verb: str
    past: str
    when: str
    sums: tuple[Sum, ...]
    total: Sum
    count: Counter[str]
    lines: tuple[Line, ...]
    awaits_key: bool
    mark: str
    desk: str = ""
    reason: str = ""

    def of(self, *states: str) -> tuple[Line, ...]:
        """The folders in one of these states, in the order of the list."""
        return tuple(line for line in self.lines if line.state in states)

    @property
    def unread(self) -> tuple[Line, ...]:
        """What is about to be decided without ever having been opened."""
        return tuple(line for line in self.of("waiting") if not line.opened)

    @property
    def back(self) -> int:
        """How many of them their person has taken back."""
        return sum(line.back for line in self.lines)

    def covered(self, *states: str) -> str:
        """« 46 en l’absence de Ronan Pellenec », of the folders in one of these states; empty where nobody is away."""
        return covering.phrase(covering.tally(line.absent for line in self.of(*states)))

    def mixed(self, *states: str) -> bool:
        """Whether these are not all in the absence of the same person, or of nobody: each line says so then."""
        return len({line.absent for line in self.of(*states)}) > 1

    @property
    def size(self) -> int:
        """How many folders are concerned."""
        return sum(self.count.values()) - self.count["left_out"]

    @property
    def left(self) -> int:
        """How many folders still wait for somebody or something."""
        return sum(self.count[state] for state in OPEN)

    @property
    def ended(self) -> int:
        """How many folders have their result."""
        return self.size - self.left


PRESSED = ("proposed", "interrupted")
"""The states of a batch whose page has buttons that act on it."""


def standing(db: Db, actor: Actor, batch_id: int) -> Standing:
    """Where this person's batch stands; as many statements whatever its size.

    Reading is asked anew each time: whoever has left a desk, or no longer stands in, is told no title nor amount.
    """
    batch = mine(db, actor, batch_id)
    items = list(
        db.scalars(sa.select(BatchItem).where(BatchItem.batch_id == batch_id).order_by(BatchItem.position))
    )
    verb, past = VERBS[batch.kind]
    state = _state(db, batch)
    concerned = [item for item in items if item.state != "left_out"]
    numbers = [item.folder_id for item in items]
    open_to = sa.select(Folder.id, Folder.fields["currency"].as_string()).where(
        Folder.id.in_(numbers), readable_by(actor)
    )
    currencies = dict[int, str | None](map(tuple, db.execute(open_to))) if numbers else {}
    absents = covering.acted(db, batch.id) if batch.started_at is not None else {}
    if state in {"proposed", "interrupted"}:
        waiting = [item.folder_id for item in items if _shown(item, state) == "waiting"]
        absents |= covering.awaiting(db, actor, waiting)
    awaits_key = (
        state == "running"
        and batch.kind == "sign"
        and batch.holder is None
        and any(item.state in UNSIGNED for item in items)
    )
    return Standing(
        batch.id,
        batch.kind,
        state,
        verb,
        past,
        when_of(batch),
        tuple(_sums(concerned, currencies)),
        _sum("", concerned, currencies),
        Counter(_shown(item, state) for item in items),
        tuple(
            replace(
                _line(item, past, _shown(item, state), currencies), absent=absents.get(item.folder_id, "")
            )
            for item in items
        ),
        awaits_key,
        # Where a button is that signs; a page that follows asks it again every other second
        mark_of(
            batch, items, _worded(db, actor, batch, items, state) if state in PRESSED or awaits_key else {}
        ),
        (desk_name(db, batch.collectivity_id, batch.desk) or batch.desk) if batch.desk else "",
        batch.reason,
    )


@dataclass(frozen=True)
class Warned:
    """A folder of a batch in which something is to be looked at before deciding."""

    line: Line
    cautions: tuple[Caution, ...]

    @property
    def grave(self) -> int:
        """How many of them are grave: they come first, and none of them is left out."""
        return sum(caution.grave for caution in self.cautions)


def warned(db: Db, standing: Standing) -> list[Warned]:
    """The folders still to be decided in which something is to be looked at, as their own pages show it, the gravest first."""
    waiting = {line.folder_id: line for line in standing.of("waiting", "prepared") if line.readable}
    rows = db.scalars(sa.select(Folder).where(Folder.id.in_(waiting)))
    cautions_of = {row.id: tuple(cautions(db, row)) for row in rows}
    folders = [Warned(line, cautions_of[key]) for key, line in waiting.items() if cautions_of.get(key)]
    return sorted(folders, key=lambda folder: not folder.grave)


def to_hand(db: Db, standing: Standing) -> list[Folder]:
    """The folders of a proposal that may be handed to some desk: all but those that its person took out of it."""
    numbers = [line.folder_id for line in standing.lines if line.readable and line.reason != UNREAD]
    return list(db.scalars(sa.select(Folder).where(Folder.id.in_(numbers)).order_by(Folder.id)))


def again(db: Db, actor: Actor, batch_id: int) -> dict[int, int]:
    """The folders of an ended batch that may be tried again as they were shown: nobody has changed them since."""
    batch = mine(db, actor, batch_id)
    query = (
        sa.select(BatchItem.folder_id, BatchItem.folder_version)
        .join(Folder, Folder.id == BatchItem.folder_id)
        .where(
            BatchItem.batch_id == batch.id,
            BatchItem.state == "refused",
            Folder.version == BatchItem.folder_version,
        )
        .order_by(BatchItem.position)
    )
    return {row.folder_id: row.folder_version for row in db.execute(query)}


@dataclass(frozen=True)
class Unfinished:
    """A batch that was begun and is not over: what it says in the list."""

    id: int
    sentence: str
    running: bool


def any_unfinished(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether this person began a batch that is not over."""
    return sa.exists().where(_unfinished(actor))


def _unfinished(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(Batch.user_id == actor.user_id, Batch.started_at.is_not(None), Batch.ended_at.is_(None))


def unfinished(db: Db, actor: Actor) -> list[Unfinished]:
    """The batches that this person began and that are not over, the newest first."""
    query = sa.select(Batch).where(_unfinished(actor))
    batches = []
    for batch in db.scalars(query.order_by(Batch.id.desc())):
        progress = standing(db, actor, batch.id)
        running = progress.state == "running"
        state = "en cours" if running else "interrompu"
        past = progress.past + ("s" if progress.count["done"] > 1 else "")
        rest = f"{progress.left} {'restent' if progress.left > 1 else 'reste'}"
        batches.append(
            Unfinished(
                batch.id, f"Lot n° {batch.id} {state} : {progress.count['done']} {past}, {rest}", running
            )
        )
    return batches


def _state(db: Db, batch: Batch) -> str:
    if batch.ended_at is not None:
        return "ended"
    if batch.started_at is None:
        return "proposed"
    if not at_work(db, batch):
        return "interrupted"
    return "running"


def when_of(batch: Batch) -> str:
    """« commencé le 25/11/2026 à 22 h 40 », then its two moments once it has ended."""
    if batch.started_at is None:
        return ""
    day = f"{batch.started_at.astimezone(PARIS):%d/%m/%Y}"
    if batch.ended_at is None:
        return f"commencé le {day} à {heure(batch.started_at)}"
    return f"le {day}, de {heure(batch.started_at)} à {heure(batch.ended_at)}"


def _sums(items: list[BatchItem], currencies: Mapping[int, str | None]) -> list[Sum]:
    families: dict[str, list[BatchItem]] = {}
    for item in items:
        families.setdefault(item.family, []).append(item)
    known = catalogue()
    return [
        _sum(known[name].plural if name in known else name, some, currencies)
        for name, some in families.items()
    ]


def _sum(label: str, items: list[BatchItem], currencies: Mapping[int, str | None]) -> Sum:
    """Of those that may be read; euros and what has no currency are one."""
    cents: Counter[str] = Counter()
    for item in items:
        if item.folder_id in currencies and item.amount_cents is not None:
            cents[currencies[item.folder_id] or EURO] += item.amount_cents
    amounts = (amount(cents[code], code) for code in sorted(cents, key=lambda code: (code != EURO, code)))
    return Sum(label, len(items), tuple(money for money in amounts if money is not None))


def _worded(
    db: Db, actor: Actor, batch: Batch, items: Sequence[BatchItem], state: str
) -> Mapping[int, Wording]:
    """The words that the page shows: of what is being embedded it shows none, unless no row works on it any more."""
    shown = [item for item in items if state != "running" or item.state in UNSIGNED]
    return worded(db, actor, batch, shown)


def _shown(item: BatchItem, state: str) -> str:
    """An item's state; what a page had taken, or a row worked on that works no more, waits like the others."""
    return "waiting" if item.state in {"prepared", "signed"} and state == "interrupted" else item.state


def _line(item: BatchItem, past: str, state: str, currencies: Mapping[int, str | None]) -> Line:
    readable = item.folder_id in currencies
    outcomes = {
        "waiting": "En attente",
        "prepared": "En cours",
        "signed": "Vérification en cours",
        "done": f"{past.capitalize()} à {clock(item.changed_at)}",
        "refused": f"Non {past}",
        "left_out": LEFT_OUT,
    }
    reason = BACK_BEFORE.get(item.reason, item.reason)
    back = item.state == "refused" and reason in BACK.values()
    number = item.number if item.number not in item.title else ""
    return Line(
        item.id,
        item.folder_id,
        item.title if readable else CLOSED,
        number if readable else "",
        amount(item.amount_cents, currencies[item.folder_id]) if readable else None,
        state,
        reason if readable else "",
        (TAKEN_BACK.get(past, "Annulé") if back else outcomes[state]),
        item.opened,
        back,
        readable,
    )


def left_out(choices: Sequence[Choice]) -> list[Line]:
    """The folders of a selection that may not be acted on, as the page of a batch shows those that it leaves out."""
    return [
        Line(
            0,
            choice.folder_id,
            choice.title,
            choice.number if choice.number not in choice.title else "",
            amount(choice.amount_cents, choice.currency),
            "left_out",
            choice.why,
            LEFT_OUT,
            choice.opened,
        )
        for choice in choices
        if choice.why
    ]


def clock(moment: datetime) -> str:
    """« 22 h 56 min 41 s »."""
    return f"{heure(moment)} min {moment.astimezone(PARIS).second:02d} s"


def folders(count: int) -> str:
    """« 1 dossier », « 37 dossiers »."""
    return plural(count, "dossier")
