"""What somebody else than the prefect does against an act: an appeal to the commune or to the court, and what came of it.

Kept on the folder of the act, with the name of who made it: pages inside and other software read it. The public page reads
what a judge annulled, and nothing of an appeal that is pending; the journal, which is for ever, bears no name (RGPD 5.1 c).
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.core.clock import today
from app.core.db import Db
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.effect import ANNULLED, APPEALS, COURT, Appeal, appeals_of
from app.folders.facts import touch
from app.folders.models import Folder
from app.folders.publicity import signed_on
from app.journal.chain import Event, append
from app.legality.cancelling import act_at_the_prefecture
from app.legality.replies import answers_for
from app.people.actor import Actor
from app.publication import record

KINDS = {
    COURT: "Recours contentieux, devant le tribunal",
    "informal": "Recours gracieux, adressé à la commune",
}
OUTCOMES = {
    "rejected": "Rejeté",
    "dropped": "Désistement",
    "granted": "Accueilli par la commune",
    ANNULLED: "Acte annulé par le juge",
    "partly": "Acte annulé en partie par le juge",
}
"""What an appeal may come to; the commune grants what is asked of it, a judge alone annuls."""
LONGEST, MOST = 200, 50


@dataclass(frozen=True)
class Entry:
    """An appeal as somebody read it: its kind, the day on which it reached the commune, who made it."""

    kind: str
    received_on: date | None
    who: str


@use_case
def record_appeal(db: Db, actor: Actor, folder_id: int, entry: Entry, *, version: int) -> None:
    """Keep an appeal of a third party against an act that the Préfecture has.

    Refuses whoever may not deposit at the desk of the act (`not-emitter`), a kind that is not known or nobody's name
    (`appeal-what`), a day that is missing, to come, or before the signature (`appeal-when`), one that is kept already
    (`appeal-known`), the fifty-first (`appeal-full`), and a page older than the folder (`moved-on`).
    """
    folder = _act(db, actor, folder_id, version)
    who = " ".join(entry.who.split())
    if entry.kind not in KINDS or not who or len(who) > LONGEST:
        raise Refusal("appeal-what", longest=LONGEST)
    signed = signed_on(db, folder)
    if entry.received_on is None or entry.received_on > today() or (signed and entry.received_on < signed):
        raise Refusal("appeal-when")
    appeals = appeals_of(folder.fields)
    appeal = Appeal(entry.kind, entry.received_on, who)
    if any(replace(known, outcome="", ended_on=None) == appeal for known in appeals):
        raise Refusal("appeal-known")
    if len(appeals) >= MOST:
        raise Refusal("appeal-full", most=MOST)
    facts = {**_without_name(appeal), "words": appeal.words}
    _keep(db, actor, folder, [*appeals, appeal], "act.appeal", facts)


@use_case
def end_appeal(
    db: Db, actor: Actor, folder_id: int, rank: int, *, version: int, outcome: str, ended_on: date | None
) -> None:
    """Write what an appeal came to; an act that a judge annulled binds nobody, and its public page says so.

    Refuses what `record_appeal` does of the actor and the page, an appeal that is not there or is over (`appeal-over`), and
    an outcome that is not of its kind or a day out of its life (`appeal-outcome`).
    """
    folder = _act(db, actor, folder_id, version)
    appeals = appeals_of(folder.fields)
    if not 0 <= rank < len(appeals) or appeals[rank].outcome:
        raise Refusal("appeal-over")
    pending = appeals[rank]
    _possible(pending, outcome, ended_on)
    over = replace(pending, outcome=outcome, ended_on=ended_on)
    facts = {**_without_name(over), "words": f"{over.words}, {_end(over)}"}
    _keep(db, actor, folder, [*appeals[:rank], over, *appeals[rank + 1 :]], "act.appeal", facts)
    record.changed(db, folder.id)


@use_case
def correct_outcome(
    db: Db,
    actor: Actor,
    folder_id: int,
    rank: int,
    *,
    version: int,
    outcome: str,
    ended_on: date | None,
    reason: str,
) -> None:
    """Write again what an appeal came to, or take it back (`outcome` empty: the appeal is pending again).

    A wrong choice, or a judgment that another overturns: the act is worth what is now written, the journal keeps both and
    the reason. Refuses what `end_appeal` does, an appeal that has no outcome yet (`appeal-pending`), an outcome that stays as
    it was, no reason, or one of more than `LONGEST` characters (`appeal-reason`).
    """
    folder = _act(db, actor, folder_id, version)
    appeals = appeals_of(folder.fields)
    if not 0 <= rank < len(appeals) or not appeals[rank].outcome:
        raise Refusal("appeal-pending")
    former, why = appeals[rank], " ".join(reason.split())
    if outcome:
        _possible(former, outcome, ended_on)
    over = replace(former, outcome=outcome, ended_on=ended_on if outcome else None)
    if over == former or not why or len(why) > LONGEST:
        raise Refusal("appeal-reason", longest=LONGEST)
    facts = {
        **_without_name(over),
        "former": {"outcome": former.outcome, "ended_on": former.written()["ended_on"]},
        "reason": why,
        "words": f"{over.words}, « {_end(over)} » au lieu de « {_end(former)} » : {why}",
    }
    _keep(db, actor, folder, [*appeals[:rank], over, *appeals[rank + 1 :]], "act.appeal.corrected", facts)
    record.changed(db, folder.id)


def _possible(appeal: Appeal, outcome: str, ended_on: date | None) -> None:
    """Refuses `appeal-outcome`: an outcome that is not of this kind of appeal, or a day out of its life."""
    if outcome not in outcomes_of(appeal.kind) or ended_on is None:
        raise Refusal("appeal-outcome")
    if not appeal.received_on <= ended_on <= today():
        raise Refusal("appeal-outcome")


def outcomes_of(kind: str) -> dict[str, str]:
    """What an appeal of this kind may come to."""
    judged = {ANNULLED, "partly"}
    return {
        key: label
        for key, label in OUTCOMES.items()
        if (key not in judged if kind != COURT else key != "granted")
    }


def _act(db: Db, actor: Actor, folder_id: int, version: int) -> Folder:
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    if act_at_the_prefecture(db, folder) is None:
        raise Refusal("not-at-prefecture")
    if not answers_for(actor, folder):
        raise Refusal("not-emitter")
    return folder


def _keep(
    db: Db, actor: Actor, folder: Folder, appeals: list[Appeal], event: str, facts: dict[str, Any]
) -> None:
    folder.fields = {**folder.fields, APPEALS: [appeal.written() for appeal in appeals]}
    touch(folder)
    append(db, folder.collectivity_id, Event(event, actor.name, actor.user_id, folder.id, facts))


def _without_name(appeal: Appeal) -> dict[str, Any]:
    """What the journal keeps of an appeal."""
    return {name: value for name, value in appeal.written().items() if name != "who"}


def _end(appeal: Appeal) -> str:
    """« rejeté le 3 décembre 2026 », « sans suite enregistrée »."""
    if not appeal.outcome:
        return "sans suite enregistrée"
    return f"{OUTCOMES[appeal.outcome].lower()} le {jour(appeal.ended_on)}"
