"""What the law asks of this year's budget and of last year's account, and by when: told before any file is here.

Told in season, to administrators and to desks that deposited a budget, until the main budget's document is on its way: a
draft, a rejected folder or an annex budget answers nothing. Sources: CGCT L1612-2 and L1612-8 (budget), L2312-1 and
L5217-10-4 (debate), L1612-12 (account). `budget_year` tells what a budget that is here does not hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.channels.actes.budget import ACCOUNTS, MAIN
from app.channels.actes.budget_year import (
    DEBATED_FROM,
    ORIENTATIONS,
    PRIMARY,
    account_limit,
    renewed,
    transmission_limit,
    vote_limit,
)
from app.core.clock import today
from app.core.db import Db
from app.core.french import jour_long
from app.folders.models import Folder
from app.folders.publicity import choice_of
from app.people.actor import Actor
from app.people.models import Collectivity
from workflows.circuit import WITHDRAWN, Phase
from workflows.vocabulary import Right

BEFORE = timedelta(weeks=13)
"""How long before the last day to vote its season begins: the ten weeks of the debate, and three to convene it."""
AFTER = timedelta(days=60)
"""How long after its last day something is still told: then the prefect has it in hand."""
SOON = timedelta(days=15)


@dataclass(frozen=True)
class Due:
    """Something that the law asks by a day, that no document here answers; `late` once that day is past."""

    title: str
    limit: date
    sentence: str
    late: bool
    soon: bool


def in_season(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether something may be due today, for an administrator or somebody at a desk that deposited a budget."""
    if not any(limit - BEFORE <= today() <= limit + AFTER for limit in _limits(today().year)):
        return sa.false()
    if actor.administrator:
        return sa.true()
    desks = actor.desks_with(Right.CREATE)
    return sa.exists().where(
        Folder.collectivity_id == actor.collectivity_id,
        Folder.family == "budget",
        Folder.emitter_desk_id.in_(desks),
    )


def _limits(year: int) -> tuple[date, ...]:
    return vote_limit(year), transmission_limit(year), account_limit(year - 1)


def due(db: Db, collectivity_id: int, day: date) -> list[Due]:
    """The deadlines of that day, the nearest first: those that no main budget sent from here has met.

    A draft, a rejected folder or the budget of an annex takes none away; it changes what is said of it (`_beside`).
    """
    chosen = choice_of(db.get_one(Collectivity, collectivity_id).settings)
    rows = db.scalars(
        sa.select(Folder).where(
            Folder.collectivity_id == collectivity_id, Folder.family == "budget", Folder.place != WITHDRAWN
        )
    )
    deposited = [(row.fields.get("budget_kind"), row.fields.get("fiscal_year"), row) for row in rows]
    budgets = [folder for kind, year, folder in deposited if kind == PRIMARY and year == day.year]
    accounts = [folder for kind, year, folder in deposited if kind in ACCOUNTS and year == day.year - 1]
    deadlines = [*_budget(day.year, budgets, chosen.population), *_account(day.year - 1, accounts)]
    return [
        Due(title, limit, sentence, late=day > limit, soon=day <= limit <= day + SOON)
        for title, limit, sentence in sorted(deadlines, key=lambda deadline: deadline[1])
        if limit - BEFORE <= day <= limit + AFTER
    ]


def _on_its_way(folder: Folder) -> bool:
    return folder.phase in {Phase.RUNNING, Phase.DONE}


def _main(rows: list[Folder]) -> list[Folder]:
    """Those on their way of which the file says that they are the main budget's."""
    return [folder for folder in rows if _on_its_way(folder) and folder.sources.get(MAIN)]


def _beside(rows: list[Folder], what: str) -> str:
    """What is here and does not answer, as a sentence that follows another; empty when nothing is."""
    if any(_on_its_way(folder) for folder in rows):
        return (
            f" Au moins un {what} est ici, mais rien n’y dit qu’il est celui du budget principal : vérifiez."
        )
    return f" Le {what} qui est ici n’est pas envoyé : il ne compte pas encore." if rows else ""


def _budget(year: int, budgets: list[Folder], population: int | None) -> Iterator[tuple[str, date, str]]:
    """The debate and the vote, until the main budget is on its way; its transmission, until the State received it."""
    limit, main, beside = vote_limit(year), _main(budgets), _beside(budgets, f"budget {year}")
    why = ", année de renouvellement des conseils municipaux" if renewed(year) else ""
    if not main:
        if population is None or population >= DEBATED_FROM:
            yield (
                "Débat d’orientations budgétaires",
                limit,
                f"Dans les dix semaines avant le vote du budget : à partir du {jour_long(limit - ORIENTATIONS)} s’il est voté le "
                "dernier jour. Pour une commune de 3 500 habitants ou plus (CGCT L2312-1, L5217-10-4).",
            )
        yield (
            f"Vote du budget {year}",
            limit,
            f"Au plus tard le {jour_long(limit)}{why} (CGCT L1612-2). Déposez le budget scellé dès qu’il est voté.{beside}",
        )
    if not any(folder.fields.get("received_on_by_state") for folder in main):
        last = transmission_limit(year)
        yield (
            f"Transmission du budget {year}",
            last,
            f"À faire recevoir en préfecture au plus tard le {jour_long(last)}, quinze "
            "jours après le dernier jour du vote (CGCT L1612-8)."
            f"{'' if main else beside}",
        )


def _account(year: int, accounts: list[Folder]) -> Iterator[tuple[str, date, str]]:
    if not _main(accounts):
        limit = account_limit(year)
        yield (
            f"Vote du compte {year}",
            limit,
            f"Au plus tard le {jour_long(limit)} (CGCT L1612-12), le maire s’étant retiré (CGCT L2121-14)."
            f"{_beside(accounts, f'compte {year}')}",
        )


class Tray:
    """« Calendrier budgétaire 2027 : ce qui reste à faire », above what awaits who is concerned."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        """The band, None once nothing is due."""
        deadlines = due(db, actor.collectivity_id, today())
        if not deadlines:
            return None
        page = self._templates.get_template("actes/calendar.html").render(
            deadlines=deadlines, year=today().year, late=any(deadline.late for deadline in deadlines)
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
