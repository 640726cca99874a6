"""A prefect's request that an act be suspended: what it changes by itself, and what the judge ruled (CGCT L2131-6, TRA-12)."""

from dataclasses import dataclass
from datetime import date, timedelta

from app.core.clock import today
from app.core.db import Db
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock
from app.folders.effect import SUSPENSION, Suspension
from app.folders.facts import touch
from app.journal.chain import Event, append
from app.legality.cancelling import act_at_the_prefecture
from app.legality.clocks import REFERRAL
from app.legality.replies import answers_for, letter_for
from app.people.actor import Actor
from app.publication import record
from workflows.deadlines import month_after

DAYS = 10
MATTERS = ("1", "2")
"""Public procurement and delegations of a public service (1), town planning (2): the matters where a request stops the act."""
RULED = {"": "Pas encore de décision", "ordered": "Suspension ordonnée", "rejected": "Suspension refusée"}


@dataclass(frozen=True)
class Demand:
    """What the letter asks and what the judge ruled, as somebody read them in the papers of the court."""

    asked_on: date | None
    ruled: str = ""
    ruled_on: date | None = None


@use_case
def record_suspension(db: Db, actor: Actor, letter_id: int, demand: Demand, *, version: int) -> Suspension:
    """Keep the request of suspension that comes with a referral, and the judge's ruling once there is one.

    Made within ten days of the act's reception, in the matters of the law, it suspends the act by itself for a month at most
    from that reception. Refuses a letter that is no referral (`suspension-elsewhere`), a request before the act's reception
    or to come (`suspension-when`), a ruling that is not known, has no day, or precedes its request (`suspension-ruling`),
    whoever may not deposit at the desk of the act (`not-emitter`), and a page older than the folder (`moved-on`): it would
    take away a ruling that somebody wrote meanwhile.
    """
    letter = letter_for(db, actor, letter_id)
    if letter.code != REFERRAL or letter.folder_id is None:
        raise Refusal("suspension-elsewhere")
    folder = lock(db, actor, letter.folder_id, version)
    if not answers_for(actor, folder):
        raise Refusal("not-emitter")
    act = act_at_the_prefecture(db, folder)
    if act is None or act.received_on is None:
        raise Refusal("suspension-elsewhere")
    if demand.asked_on is None or not act.received_on <= demand.asked_on <= today():
        raise Refusal("suspension-when")
    if demand.ruled not in RULED or bool(demand.ruled) != bool(demand.ruled_on):
        raise Refusal("suspension-ruling")
    if demand.ruled_on is not None and not demand.asked_on <= demand.ruled_on <= today():
        raise Refusal("suspension-ruling")
    until = _until(str(folder.fields.get("matter") or ""), act.received_on, demand.asked_on)
    suspension = Suspension(demand.asked_on, until, demand.ruled, demand.ruled_on)
    folder.fields = {**folder.fields, SUSPENSION: suspension.written()}
    touch(folder)
    record.changed(db, folder.id)
    facts = {"letter": letter.reference, **suspension.written(), "words": _summary(suspension)}
    append(db, folder.collectivity_id, Event("act.suspension", actor.name, actor.user_id, folder.id, facts))
    return suspension


def _summary(suspension: Suspension) -> str:
    """What was written, for the journal: the day of the request, and the ruling with its day."""
    ruled = (
        f", {RULED[suspension.ruled].lower()} le {jour(suspension.ruled_on)}"
        if suspension.ruled_on
        else ", sans décision"
    )
    return f"demandée le {jour(suspension.asked_on)}{ruled}"


def _until(matter: str, received_on: date, asked_on: date) -> date | None:
    """The last day of the suspension that the request brings by itself; None when it brings none."""
    if matter.partition(".")[0] not in MATTERS or asked_on > received_on + timedelta(days=DAYS):
        return None
    return month_after(received_on)
