"""After how long what is late is told to the desk above: what the collectivity says, a family or a type otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types
from app.core.clock import PARIS, today
from app.core.db import Db, UTCDateTime
from app.core.refusals import Refusal
from app.core.texts import key_of, whole
from app.people.own_settings.registry import Kind, Own, Setting, value_in
from app.people.working_days import calendar_in
from workflows.deadlines import Calendar, late_by_more
from workflows.family import Family, families
from workflows.own_types import MOST_ESCALATION, alike
from workflows.rights import parted_type, type_name

ESCALATION, OF_FAMILIES = "mail_escalation", "mail_escalation_families"
NEVER = "jamais"
OfType = tuple[str, str]
"""A family, and the key of the own type made from it, empty for none."""


def settings(group: str) -> tuple[Setting, Setting]:
    """After how many working days of lateness the desk above is told, and of which families otherwise."""
    every = Setting(
        ESCALATION,
        group,
        "Retard dit au bureau supérieur",
        "Après ce nombre de jours ouvrés de retard, le courriel des rappels dit aux titulaires du bureau supérieur (ou, si "
        "personne n’y vise ni n’y signe, du premier au-dessus où quelqu’un le fait) combien de dossiers attendent dans le "
        "bureau, et rien d’eux. Les dossiers réservés n’y sont pas comptés. Une famille (réglage suivant) ou un type de "
        f"dossiers (sa page) peut avoir un autre délai. De 1 à {MOST_ESCALATION} jours, ou « jamais ».",
        "courriels qui disent à chacun ce qui l’attend",
        Kind.NUMBER,
        lambda: 0,
        least=1,
        most=MOST_ESCALATION,
        unit="jours ouvrés",
        default=NEVER,
        nought=NEVER,
    )
    of_families = Setting(
        OF_FAMILIES,
        group,
        "Retard dit au bureau supérieur, pour certaines familles",
        "Les familles qui ont un autre délai que celui de la collectivité, séparées par des virgules : « Facture : 3, "
        "Délibération : jamais ». Il vaut pour les types faits de la famille, sauf ceux dont la page donne le leur. Un dossier "
        "réservé n’est jamais compté. Les familles : "
        + ", ".join(law.label for law in counted().values())
        + ".",
        "courriels qui disent à chacun ce qui l’attend",
        Kind.TEXT,
        lambda: "",
        most=1000,
        usual=usual,
        default="aucune, le délai de la collectivité",
        plainly=plainly,
    )
    return every, of_families


def counted() -> dict[str, Family]:
    """The families whose folders may be counted for the desk above: not those whose reading is closed, which never are."""
    return {name: law for name, law in families().items() if not law.restricted}


def usual(text: str) -> str:
    """The delays of families by their keys, « invoice: 3, deliberation: 0 », in the order of the families.

    A family is named by its key or by its name, one folder or several, accents or not. Refuses
    `mail-escalations` what is none, or no delay, `mail-escalations-closed` whose reading is closed, and
    `mail-escalations-twice`.
    """
    named = {
        key_of(name): law.name for law in families().values() for name in (law.name, law.label, law.plural)
    }
    delays: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, delay = (word.strip() for word in part.rpartition(":"))
        family = named.get(key_of(name))
        days = 0 if alike(delay) == NEVER else whole(delay, MOST_ESCALATION)
        if family is None or days is None:
            names = ", ".join(law.label for law in counted().values())
            raise Refusal("mail-escalations", text=part[:40], most=MOST_ESCALATION, names=names)
        if family not in counted():
            raise Refusal("mail-escalations-closed", family=families()[family].label)
        if family in delays:
            raise Refusal("mail-escalations-twice", family=families()[family].label)
        delays[family] = days
    return ", ".join(f"{name}: {delays[name]}" for name in families() if name in delays)


def plainly(text: str) -> str:
    """The same by the names of the families: « Facture : 3, Délibération : jamais »."""
    laws = families()
    return ", ".join(
        f"{laws[name].label if name in laws else name} : {days or NEVER}"
        for name, days in _of_families(text).items()
    )


def _of_families(text: str) -> dict[str, int]:
    parts = (part.partition(": ") for part in text.split(", ") if part)
    return {name: int(days) for name, _, days in parts}


@dataclass(frozen=True)
class Delays:
    """Working days of lateness after which the desk above is told, 0 for never: of each folder, and of some `types` otherwise.

    These by the names that rights give them.
    """

    general: int
    types: Mapping[str, int] = field(default_factory=dict)

    def of(self, of_type: OfType) -> int:
        """The delay of a type: its own, that of its family, or the general one."""
        named = (name for name in (type_name(*of_type), of_type[0]) if name in self.types)
        return self.types.get(next(named, ""), self.general)


def delays_of(db: Db, collectivity_id: int, own: Own) -> Delays:
    """The delays of a collectivity: those of its types are what their versions in force say, for folders of former ones too."""
    types = _of_families(str(value_in(own, OF_FAMILIES).value))
    for version in own_types.currents(db, collectivity_id):
        days = version.definition.escalation
        if days is not None:
            types[type_name(version.row.family, version.row.key)] = days
    return Delays(int(value_in(own, ESCALATION).value or 0), types)


def late_for_long(step: Any, delays: Delays, own: Own) -> sa.ColumnElement[bool]:
    """The condition that a step is late by more than its type lets pass in silence, and was there on the first of these days.

    A day of the law may be past when a folder comes to a desk: that desk is late from the day it came.
    """
    calendar = calendar_in(own)
    firsts = {days: _first(days, calendar) for days in {delays.general, *delays.types.values()}}
    late: sa.ColumnElement[bool] = step.c.due_on < sa.literal(max(firsts.values()), sa.Date())
    if not delays.types:
        return sa.and_(late, _there_before(step, firsts[delays.general]))
    # Types before the families that they are made from: the first that is so counts
    named = sorted(delays.types, key=lambda name: (not parted_type(name)[1], name))
    cases = [(_is_of(step, parted_type(name)), _before(step, firsts[delays.types[name]])) for name in named]
    # The latest of all by itself: an index reads it, and none reads a case
    return sa.and_(late, sa.case(*cases, else_=_before(step, firsts[delays.general])))


def _first(days: int, calendar: Calendar) -> date:
    """The first day that is not late for long: what was due before it is; the first of days where nothing is."""
    return late_by_more(days, today(), calendar) if days else date.min


def _before(step: Any, day: date) -> sa.ColumnElement[bool]:
    """Whether a step was due before a day, and there before it."""
    due: sa.ColumnElement[bool] = step.c.due_on < sa.literal(day, sa.Date())
    return sa.and_(due, _there_before(step, day))


def _there_before(step: Any, day: date) -> sa.ColumnElement[bool]:
    """Whether a folder came to a step before a day began in Paris; before the first of days none did."""
    if day == date.min:
        return sa.false()
    there: sa.ColumnElement[bool] = step.c.entered_at < sa.literal(
        datetime.combine(day, time(), PARIS), UTCDateTime()
    )
    return there


def _is_of(step: Any, of_type: OfType) -> sa.ColumnElement[bool]:
    family, own_type = of_type
    mine: sa.ColumnElement[bool] = step.c.family == family
    return sa.and_(mine, step.c.own_type == own_type) if own_type else mine
