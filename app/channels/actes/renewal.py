"""Ask the Préfecture for the classification in force: each night for everybody, and when somebody asks."""

from typing import cast

import sqlalchemy as sa
import structlog

from app.channels.actes.channel import ActesChannel
from app.channels.actes.classification import Classification
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.people.models import Collectivity
from app.transmission.channels import open_channel
from app.transmission.ports import Rejected, Uncertain, Unreachable

log = structlog.get_logger()


def renew(actor: Actor) -> tuple[Classification, bool]:
    """The classification in force for the actor's collectivity, asked now; True when it is another than before.

    Refuses `classification-unset` where no operator is set, `classification-unreachable` when the other side does not
    answer, `classification-unreadable` when what it answers is none: the former then stays in force.
    """
    with reading(actor.collectivity_id) as db:
        siren = db.get_one(Collectivity, actor.collectivity_id).siren
    channel = cast("ActesChannel", open_channel("actes"))
    if channel.unset is not None:
        raise Refusal("classification-unset", why=channel.unset)
    try:
        classification, new = channel.renew_classification(siren)
    except (Unreachable, Uncertain, Rejected) as silent:
        raise Refusal("classification-unreachable") from silent
    except ValueError as unreadable:
        raise Refusal("classification-unreadable") from unreadable
    if new:
        _tell(actor, classification)
    return classification, new


def nightly() -> None:
    """Renew it for every collectivity; where nobody answers, the former stays in force and the log says so."""
    with reading() as db:
        everywhere = list(db.scalars(sa.select(Collectivity.id).order_by(Collectivity.id)))
    for collectivity_id in everywhere:
        try:
            renew(system(collectivity_id))
        except Refusal as refusal:
            log.warning("classification.not_renewed", collectivity=collectivity_id, why=refusal.key)


@use_case
def _tell(db: Db, actor: Actor, classification: Classification) -> None:
    facts = {
        "dated": classification.dated.isoformat(),
        "natures": len(classification.natures),
        "matters": len(classification.matters),
    }
    event = Event("classification.received", actor.name, actor.user_id, None, facts)
    append(db, actor.collectivity_id, event)
