"""What an administrator reads of the last round: all of it for who runs the installation, what concerns his people for others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from app.circuits import set_up
from app.core.clock import now
from app.core.db import Db
from app.core.heartbeat import SIGNS
from app.core.questions import OF, Question, ask
from app.operations.doctor import checks, finding_of, living
from app.operations.examined import commune, rounds, trials
from app.operations.examined.own import ARRIVALS, CHORUS, HANDOVER, SEAL, TIMESTAMP, own_moved
from app.operations.examined.rounds import WHOLE, is_old
from app.operations.findings import Level
from app.operations.models import DoctorFinding, DoctorTrial
from app.people.actor import Actor
from app.people.identity import who_enters
from app.people.mandates import OF_COLLECTIVITY
from app.people.models import Collectivity, Person, User
from app.people.own_settings.registry import Own
from app.signing.expiry import CERTIFICATES
from config import Settings

COLLECTIVITY = Question((Collectivity,), Collectivity.id == OF)
FINDINGS = Question(
    (DoctorFinding,), DoctorFinding.scope.in_((WHOLE, OF)), order=lambda row: (row[0].scope, row[0].name)
)
"""What the last round found of the installation, and of a collectivity."""
WORKER = "travail de fond"
MOVED = "les réglages de la collectivité ont pu changer depuis"
COMMUNE = "Votre collectivité, aujourd’hui"
_SIGNING = (
    "horodatage et horloge",
    "autorités reconnues",
    "signature à distance",
    "signature d’essai",
    "certificats",
    "repères du journal",
)
_SENDING = (
    "courriel",
    "courriels revenus",
    "télétransmission",
    "logiciels",
    "arrivées",
    "réveil",
    "envois",
    WORKER,
)
_SHARED = ("documents", "bureautique", "courriel", *_SIGNING[:4], WORKER)
"""What the people of a collectivity need of the installation: they read whether it serves, and nothing of how."""
_OWN = ("télétransmission", "envois", "certificats", SEAL, TIMESTAMP, HANDOVER, CHORUS, ARRIVALS)
"""What is tried for each collectivity."""
_LABELS = {
    Level.GREEN: ("ok", "check-circle", "Prêt"),
    Level.AMBER: ("warn", "exclamation-triangle", "À surveiller"),
    Level.RED: ("danger", "slash-circle", "À régler"),
    Level.UNKNOWN: ("warn", "question-circle", "Pas examiné"),
    Level.NONE: ("", "circle", "Rien à examiner"),
}
_OLD = ("warn", "clock-history", "Constat ancien")
_GENERAL = {
    Level.GREEN: "essayé, cela fonctionne",
    Level.AMBER: "cela fonctionne encore ; à surveiller par qui tient l’installation",
    Level.RED: "à régler par qui tient l’installation",
    Level.UNKNOWN: "cela n’a pas pu être essayé ; dites-le à qui tient l’installation",
    Level.NONE: "rien à examiner ici",
}
_NEVER = "pas encore examiné"
_FIRST = (Level.RED, Level.UNKNOWN, Level.AMBER)
"""What is to be done is read first."""


@dataclass(frozen=True)
class Line:
    """One finding as it is shown: `seen_at` is None when nothing was ever found, `old` when it says nothing of now.

    `mended_on`: the point of the commune that it shows, with the page where it is mended. `tried`: its last trial in the
    collectivity, whose result the line shows when it is the later of the two; `may_try`: whether the reader may try it.
    """

    name: str
    level: Level
    sentence: str
    seen_at: datetime | None
    old: bool
    mended_on: commune.Point | None = None
    tried: DoctorTrial | None = None
    may_try: bool = False

    @property
    def cut_short(self) -> bool:
        """Whether the last trial began and never ended."""
        return self.tried is not None and trials.cut_short(self.tried, now())

    @property
    def counts(self) -> bool:
        """Whether it says something: what there is nothing to examine of does not."""
        return self.level is not Level.NONE or self.old

    @property
    def label(self) -> tuple[str, str, str]:
        """Its tone, its icon and its words."""
        return _OLD if self.old else _LABELS[self.level]


@dataclass(frozen=True)
class Shown:
    """A page of findings: groups with their titles, and how many lines are ready, of how many that say something.

    `beyond`: what is read by who runs the installation alone, and is in none of these counts.
    """

    groups: tuple[tuple[str, tuple[Line, ...]], ...]
    beyond: tuple[Line, ...] = ()

    def _lines(self) -> Iterator[Line]:
        return (line for _, lines in self.groups for line in lines if line.counts)

    @property
    def apart_ill(self) -> int:
        """Lines that are not shown, red, and not old."""
        return sum(line.level is Level.RED and not line.old for line in self.beyond)

    @property
    def counted(self) -> int:
        """Lines that say something."""
        return sum(1 for _ in self._lines())

    @property
    def ready(self) -> int:
        """Lines that are green, and not old."""
        return sum(line.level is Level.GREEN and not line.old for line in self._lines())

    @property
    def ill(self) -> int:
        """Lines that are shown, red, and not old."""
        return sum(line.level is Level.RED and not line.old for line in self._lines())

    @property
    def rest(self) -> str:
        """What is not ready, in words: « 2 à régler, 1 constat ancien »."""
        counts: dict[str, int] = {}
        for line in self._lines():
            if line.level is not Level.GREEN or line.old:
                label = line.label[2].lower()
                counts[label] = counts.get(label, 0) + 1
        return ", ".join(f"{count} {_many(label, count)}" for label, count in counts.items())


def _many(label: str, count: int) -> str:
    plural = {"pas examiné": "pas examinés", "constat ancien": "constats anciens"}
    return plural.get(label, label) if count > 1 else label


def operates(db: Db, actor: Actor, settings: Settings) -> bool:
    """Whether this administrator is one of those whom the installation names (`PARAPHE_OPERATORS`)."""
    if not actor.administrator:
        return False
    # By the login of the door: a collectivity names its accounts as it likes
    login = actor.login
    if not login and (person := who_enters(db, actor)) is not None:
        login = person.login
    return login.lower() in settings.operators


def installation(db: Db, settings: Settings, collectivity_id: int) -> Shown:
    """Everything that was found of the installation, for one of this collectivity who runs it."""
    lines = sorted(whole(db, settings, collectivity_id), key=_rank)
    groups = (
        ("Le serveur", tuple(line for line in lines if line.name not in (*_SIGNING, *_SENDING))),
        ("La signature", tuple(line for line in lines if line.name in _SIGNING)),
        ("Les envois", tuple(line for line in lines if line.name in _SENDING)),
    )
    return Shown(groups)


def collectivity(db: Db, settings: Settings, collectivity_id: int) -> Shown:
    """What was found of one collectivity, and whether what it shares with others serves."""
    own = tuple(_stored(db, settings, collectivity_id, collectivity_id, _OWN))
    every = tuple(whole(db, settings, collectivity_id))
    shared = tuple(
        Line(
            line.name,
            line.level,
            line.sentence if line.seen_at is None else _GENERAL[line.level],
            line.seen_at,
            line.old,
        )
        for line in every
        if line.name in _SHARED
    )
    beyond = tuple(line for line in every if line.name not in (*_SHARED, *_OWN))
    return Shown((("D’après le dernier examen", own), ("L’installation", shared)), beyond)


def with_commune(shown: Shown, db: Db, collectivity_id: int) -> Shown:
    """The same, after what the commune needs, looked at now, each point with the page that mends it."""
    lines = tuple(
        Line(point.name, point.level, point.sentence, None, old=False, mended_on=point)
        for point in commune.points(db, collectivity_id)
    )
    return replace(shown, groups=((COMMUNE, lines), *shown.groups))


def read_ahead(db: Db, collectivity_id: int) -> None:
    """Read in one statement the rows that `shown_to` and `with_commune` ask of a collectivity, for their page."""
    examined = (FINDINGS, trials.LAST, rounds.LAST, SIGNS, COLLECTIVITY)
    set_up.read_ahead(db, collectivity_id, *examined, OF_COLLECTIVITY, CERTIFICATES)


def shown_to(db: Db, actor: Actor, settings: Settings) -> Shown:
    """What an administrator reads of the last round and of the trials: all of it for who runs the installation."""
    everything, here = operates(db, actor, settings), actor.collectivity_id
    shown = installation(db, settings, here) if everything else collectivity(db, settings, here)
    row = ask(db, COLLECTIVITY, here)[0][0]
    offered = trials.trials(settings, actor, row.siren, operates=everything)
    tried = trials.tried(db, here)
    if everything:  # what another tried of his collectivity alone says nothing of the whole installation
        named = sa.func.lower(Person.login).in_(settings.operators)
        operators = db.scalars(sa.select(User).join(Person, Person.id == User.person_id).where(named))
        names = {operator.name for operator in operators}
        tried = {name: trial for name, trial in tried.items() if trial.by in names}
    groups = tuple(
        (
            title,
            tuple(
                replace(
                    _later(line, tried.get(line.name), settings, row.settings, machine=everything),
                    may_try=line.name in offered,
                )
                for line in lines
            ),
        )
        for title, lines in shown.groups
    )
    return replace(shown, groups=groups)


def _later(line: Line, trial: DoctorTrial | None, settings: Settings, own: Own, *, machine: bool) -> Line:
    """The line with its last trial, and as that one found it where the round looked before, or never."""
    ended = trial.ended_at if trial is not None else None
    if trial is None or ended is None or (line.seen_at is not None and line.seen_at > ended):
        return replace(line, tried=trial)
    sentence = trial.words if machine else trial.general
    old = is_old(ended, settings.doctor_hours)
    mark = trials.mark_under(settings, own, line.name)
    if trial.settings_mark != mark:
        shared = (trial.settings_mark or "").partition(":")[0] != mark.partition(":")[0]
        why = "essayé sous d’autres réglages de l’installation" if shared else MOVED
        sentence, old = f"{sentence} ; {why}, à essayer de nouveau", True
    return replace(line, level=Level(trial.level), sentence=sentence, seen_at=ended, old=old, tried=trial)


def _rank(line: Line) -> int:
    if line.old:
        return len(_FIRST)
    return _FIRST.index(line.level) if line.level in _FIRST else len(_FIRST) + 1


def whole(db: Db, settings: Settings, collectivity_id: int = WHOLE) -> Iterator[Line]:
    """Each finding of the installation, in the order of the checks; that of the worker is made now.

    The worker keeps what it finds: dead, it would leave behind that it lives. `collectivity_id`: of which the page is.
    """
    every = checks(settings)
    signs = {row.name: row.beat_at for (row,) in ask(db, SIGNS, collectivity_id)}
    alive = next(check for check in every if check.name == WORKER)
    worker = replace(alive, look=partial(living, signs=signs))
    for line in _stored(db, settings, collectivity_id, WHOLE, [check.name for check in every]):
        if line.name != WORKER:
            yield line
            continue
        fresh = finding_of(worker, settings)
        yield Line(WORKER, fresh.level, fresh.sentence, now(), old=False)


def _stored(
    db: Db, settings: Settings, collectivity_id: int, scope: int, names: Iterable[str]
) -> Iterator[Line]:
    rows = {row.name: row for (row,) in ask(db, FINDINGS, collectivity_id) if row.scope == scope}
    own = ask(db, COLLECTIVITY, collectivity_id)[0][0].settings if scope != WHOLE and rows else {}
    for name in names:
        row = rows.get(name)
        if row is None:
            yield Line(name, Level.UNKNOWN, _NEVER, None, old=False)
            continue
        moved = own_moved(own, name)
        if moved is not None and row.seen_at <= moved:
            yield Line(
                name, Level(row.level), f"{row.words} ; {MOVED}, à examiner de nouveau", row.seen_at, True
            )
        else:
            old = is_old(row.seen_at, settings.doctor_hours)
            yield Line(name, Level(row.level), row.words, row.seen_at, old)
