"""Circuits of a collectivity, published from their text as an administrator does."""

from app.circuits import drafting
from app.circuits.drafting import draft_of
from app.circuits.library import write_version
from app.core.db import Db, reading
from app.core.transaction import use_case
from app.people.actor import Actor
from app.transmission.settings import names as channels
from workflows.loader import load_yaml


def publish(actor: Actor, name: str, source: str) -> int:
    """Take a YAML text in as the draft of a circuit, and publish it; its number. Refuses as both doors do."""
    with reading(actor.collectivity_id) as db:
        draft = draft_of(db, actor.collectivity_id, name)
    seen = drafting.take_in(actor, name, draft.version, source)
    return drafting.publish_draft(actor, name, seen, draft.in_force, channels())


@use_case
def of_before(db: Db, actor: Actor, name: str, source: str) -> int:
    """Have a circuit in force that could not be published today: people, or the law, have changed since; its number."""
    return write_version(db, actor, name, load_yaml(source))
