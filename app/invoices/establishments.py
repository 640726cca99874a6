"""The establishments of a collectivity, as its administrator lists them: whom an invoice may be addressed to.

A SIRET is the nine digits of the SIREN, five of the establishment, the last a key of Luhn (code de commerce, R123-221). As
long as nothing is listed an invoice is compared by its SIREN alone: many communes have one establishment and list none.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from app.core.db import Db
from app.core.refusals import Refusal
from app.core.sirene import good_siret
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from app.people.models import Collectivity
from workflows.vocabulary import Right

SETTING = "establishments"
"""Among the settings of a collectivity: SIRET and what it is called here, in the order in which they were written."""
MOST = 500
LONGEST = 100
_WRITTEN = re.compile(r"[0-9](?: ?[0-9]){13}(?![0-9])")


class EstablishmentsForm(FlaskForm):  # type: ignore[misc]
    """One establishment a line: its SIRET, then what it is called here."""

    lines = TextAreaField(
        "Établissements",
        description="Un par ligne : le SIRET, puis le nom, s’il en faut un. Laissez vide pour ne comparer que le SIREN.",
        render_kw={"rows": "10", "spellcheck": "false"},
    )
    shown = HiddenField()


def listed(settings: Mapping[str, Any]) -> dict[str, str]:
    """The SIRETs that are listed, each with its name here (empty where there is none)."""
    return {str(siret): str(name) for siret, name in settings.get(SETTING) or ()}


def as_lines(establishments: Mapping[str, str]) -> str:
    """The list as the page shows it and takes it back."""
    return "\n".join(f"{siret} {name}".strip() for siret, name in establishments.items())


@use_case
def choose(db: Db, actor: Actor, lines: str, shown: str) -> int:
    """Keep this list in place of the one that was shown, and give how many it has; a line of the journal if it changed.

    Refuses the whole list, and changes nothing, for one line that is not a SIRET of this collectivity (`siret-invalid`,
    `siret-other`), that is there twice (`siret-twice`), for too many (`siret-many`), and when somebody else changed the list
    since it was shown (`establishments-moved`).
    """
    require(actor, Right.ADMINISTER)
    row = db.get_one(Collectivity, actor.collectivity_id, with_for_update=True, populate_existing=True)
    former = listed(row.settings)
    if " ".join(shown.split()) != " ".join(as_lines(former).split()):
        raise Refusal("establishments-moved")
    wanted: dict[str, str] = {}
    for siret, name in _read(lines):
        if siret[:9] != row.siren:
            raise Refusal("siret-other", siret=siret, siren=row.siren)
        if siret in wanted:
            raise Refusal("siret-twice", siret=siret)
        wanted[siret] = name
    if len(wanted) > MOST:
        raise Refusal("siret-many", most=MOST)
    if wanted == former:
        return len(wanted)
    others = {key: value for key, value in row.settings.items() if key != SETTING}
    row.settings = others | ({SETTING: [list(pair) for pair in wanted.items()]} if wanted else {})
    added, removed = (sorted(a.keys() - b.keys()) for a, b in ((wanted, former), (former, wanted)))
    facts = {"added": added, "removed": removed, "listed": wanted}
    append(
        db,
        actor.collectivity_id,
        Event("collectivity.establishments", actor.name, actor.user_id, None, facts),
    )
    return len(wanted)


def _read(lines: str) -> Iterator[tuple[str, str]]:
    """Each line as SIRET and name: its digits may be grouped by spaces, as on the certificates of the INSEE."""
    for number, line in enumerate(lines.splitlines(), 1):
        text = " ".join(line.split())
        if not text:
            continue
        digits = _WRITTEN.match(text)
        siret = digits[0].replace(" ", "") if digits else ""
        name = text[digits.end() :].strip(" ,;:-–—") if digits else ""
        if not siret or not good_siret(siret) or len(name) > LONGEST:
            raise Refusal("siret-invalid", line=number, text=text[:60])
        yield siret, name
