"""What a collectivity asks of its people at the door: who must have a second factor, and whether before each signature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.clock import today
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import Collectivity
from workflows.mandates import over
from workflows.vocabulary import Right, Worded

FACTORS = frozenset({"passkey", "totp"})
"""The ways that are a second factor; a recovery code opens the door and nothing more."""
_KEY = "second_factor"


class Who(Worded):
    """Who must have a second factor, as the administrator reads it."""

    NOBODY = "nobody", "Personne : chacun choisit"
    ADMINISTRATORS = "administrators", "Les administrateurs"
    ENGAGED = "engaged", "Les administrateurs et ceux qui signent"
    EVERYBODY = "everybody", "Tous les comptes"


@dataclass(frozen=True)
class Rule:
    """`who` must have a factor; `before_signing`: a factor is asked for each signature, or once for a batch."""

    who: Who = Who.NOBODY
    before_signing: bool = False

    @property
    def asks(self) -> bool:
        """Whether anybody at all may have to have one."""
        return self.before_signing or self.who is not Who.NOBODY

    def binds(self, actor: Actor) -> bool:
        """Whether this person must have a factor."""
        signs = actor.holds(Right.SIGN) or any(not over(mandate, today()) for mandate in actor.mandates)
        if self.before_signing and signs:
            return True
        if self.who is Who.ADMINISTRATORS:
            return actor.administrator or actor.delegated
        if self.who is Who.ENGAGED:
            return actor.administrator or actor.delegated or signs
        return self.who is Who.EVERYBODY


def read(settings: dict[str, Any]) -> Rule:
    """The rule among the settings of a collectivity."""
    chosen = settings.get(_KEY) or {}
    return Rule(Who(chosen.get("who", Who.NOBODY)), bool(chosen.get("before_signing", False)))


def of(db: Db, collectivity_id: int) -> Rule:
    """The rule of a collectivity."""
    row = db.get(Collectivity, collectivity_id)
    return read(row.settings) if row is not None else Rule()


@use_case
def choose(db: Db, actor: Actor, rule: Rule, refuse_stale: Callable[[Db, Actor], None]) -> None:
    """Choose the rule; a line of the journal. `refuse_stale`: how one is asked who he is (`identity.refuse_stale_in`).

    Refuses `factor-own-first`, an administrator whom it binds and who has no factor: he would shut himself out at once.
    """
    # Locked: the settings of a collectivity are one value, which others write too
    row = db.get(Collectivity, actor.collectivity_id, with_for_update=True, populate_existing=True)
    if row is None or read(row.settings) == rule:
        return
    refuse_stale(db, actor)
    if actor.kind == "person" and rule.binds(actor) and actor.factors == 0:
        raise Refusal("factor-own-first")
    former = read(row.settings)
    row.settings = {**row.settings, _KEY: {"who": rule.who.value, "before_signing": rule.before_signing}}
    facts = {"user": actor.user_id, "address": actor.address, "was": _facts(former), "now": _facts(rule)}
    append(db, actor.collectivity_id, Event("factor.rule", actor.name, actor.user_id, None, facts))


def _facts(rule: Rule) -> dict[str, object]:
    return {"who": rule.who.value, "before_signing": rule.before_signing}
