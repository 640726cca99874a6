"""What who administers a branch may learn of the others by the names that he tries: that some are not free, and how many."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.limits import count_guess, refuse_guessing
from app.core.refusals import Refusal
from app.people.actor import Actor

TAKEN = frozenset({"login-taken", "name-taken", "email-taken-elsewhere", "desk-name-not-free"})
"""The refusals that tell that a login, a name or an address is somebody's, whoever he is."""


@contextmanager
def counted(actor: Actor) -> Iterator[None]:
    """Around what names something: twenty such refusals an hour, then `too-many-tries` whatever is typed.

    Of who administers the whole collectivity nothing is counted: he reads the lists.
    """
    if not actor.delegated or actor.person_id is None:
        yield
        return
    refuse_guessing(actor.person_id)
    try:
        yield
    except Refusal as refusal:
        if refusal.key in TAKEN:
            count_guess(actor.person_id)
        raise
