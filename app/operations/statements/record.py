"""What a collectivity says of accessibility and of personal data: kept among its settings, shown to everybody.

No conformity is claimed that nobody checked: « non évalué » until the collectivity says otherwise, with the day and by whom
(CGAA: law 2005-102, art. 47, and decree 2019-768, art. 3).
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from app.core.clock import today
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.security import secret, secrets_known
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from app.people.models import Collectivity
from workflows.vocabulary import Right, Worded

SETTING = "statements"
LONGEST, LONGEST_TEXT = 200, 5000
"""Characters of a line, and of a text."""
OLDEST = date(2005, 2, 11)
"""The day of the law that asks for accessibility: nothing was evaluated under it before."""


class State(Worded):
    """How far the service conforms to the RGAA, in the words of decree 2019-768."""

    UNKNOWN = "unknown", "non évalué"
    NONE = "none", "non conforme"
    PARTLY = "partly", "partiellement conforme"
    WHOLLY = "wholly", "totalement conforme"


@dataclass(frozen=True)
class Statements:
    """What a collectivity completes. `state` was found on `evaluated_on` by `evaluator`, both empty as long as nobody did."""

    state: str = State.UNKNOWN.value
    evaluated_on: str = ""
    evaluator: str = ""
    access_contact: str = ""
    access_text: str = ""
    privacy_contact: str = ""
    privacy_text: str = ""

    @property
    def level(self) -> State:
        """The state; `UNKNOWN` of a word that this version does not know."""
        return State(self.state) if self.state in set(State) else State.UNKNOWN

    @property
    def day(self) -> date | None:
        """The day of the evaluation."""
        return date.fromisoformat(self.evaluated_on) if self.evaluated_on else None

    @property
    def mark(self) -> str:
        """What a page posts back: of two administrators, the second is told that the texts changed."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def mark_of(collectivity_id: int) -> str:
    """What the addresses of both pages of a collectivity end with: one that is told reads them, and no number leads to others."""
    return _mark(secret(), collectivity_id)


def is_mark(mark: str, collectivity_id: int) -> bool:
    """Whether this is the mark of a collectivity, by the secret of the installation or one that it replaced."""
    known = (_mark(key, collectivity_id) for key in secrets_known())
    return any(hmac.compare_digest(mark.encode(), own.encode()) for own in known)


def _mark(key: bytes, collectivity_id: int) -> str:
    return hmac.new(key, f"public pages of {collectivity_id}".encode(), hashlib.sha256).hexdigest()[:24]


def read(settings: dict[str, Any]) -> Statements:
    """What is among the settings of a collectivity."""
    written = settings.get(SETTING) or {}
    return Statements(**{key: str(written[key]) for key in Statements.__dataclass_fields__ if key in written})


def of(db: Db, collectivity_id: int) -> Statements:
    """What a collectivity has written."""
    row = db.get(Collectivity, collectivity_id)
    return read(row.settings) if row is not None else Statements()


@use_case
def complete(db: Db, actor: Actor, wanted: Statements, *, shown: str) -> bool:
    """Keep what was written; False when it was so already. `shown`: the `mark` that the page showed (`statement-moved`).

    Refuses `statement-long`, and `statement-unproven`: a state that is claimed without the day on which it was found, a
    day to come or older than the law, or without by whom.
    """
    require(actor, Right.ADMINISTER)
    row = db.get_one(Collectivity, actor.collectivity_id, with_for_update=True, populate_existing=True)
    present, clean = read(row.settings), _clean(wanted)
    if present == clean:
        return False
    if present.mark != shown:
        raise Refusal("statement-moved")
    row.settings = {**row.settings, SETTING: asdict(clean)}
    facts = {"words": f"accessibilité : {clean.level.label}", "digest": clean.mark}
    append(
        db,
        actor.collectivity_id,
        Event("collectivity.statements", actor.name, actor.user_id, None, facts),
    )
    return True


def _clean(wanted: Statements) -> Statements:
    lines = {
        name: " ".join(getattr(wanted, name).split())
        for name in ("evaluator", "access_contact", "privacy_contact")
    }
    texts = {name: _text(getattr(wanted, name)) for name in ("access_text", "privacy_text")}
    if any(len(line) > LONGEST or not line.isprintable() for line in lines.values()):
        raise Refusal("statement-long", most=LONGEST, text=LONGEST_TEXT)
    if any(len(text) > LONGEST_TEXT for text in texts.values()):
        raise Refusal("statement-long", most=LONGEST, text=LONGEST_TEXT)
    if wanted.state not in set(State):
        raise Refusal("statement-unproven")
    if wanted.state == State.UNKNOWN:
        return Statements(
            wanted.state, "", "", **{k: v for k, v in {**lines, **texts}.items() if k != "evaluator"}
        )
    try:
        day = date.fromisoformat(wanted.evaluated_on.strip())
    except ValueError:
        raise Refusal("statement-unproven") from None
    if not OLDEST <= day <= today() or not lines["evaluator"]:
        raise Refusal("statement-unproven")
    return Statements(wanted.state, day.isoformat(), **lines, **texts)


def _text(written: str) -> str:
    """The text with its lines, without signs that show nothing."""
    plain = written.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(
        "".join(letter for letter in line if letter.isprintable()).rstrip() for line in plain.split("\n")
    ).strip()
