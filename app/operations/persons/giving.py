"""Give what is kept about a person; the journal says who gave it, and of whom."""

from app.core.db import Db
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.operations.persons import holdings
from app.people.actor import Actor
from app.people.applications import by_command


@use_case
def give(db: Db, collectivity_id: int, login: str, *, whole: bool, by: Actor | None = None) -> str:
    """The file of what is kept about the account of that login (JSON); refuses `user-unknown`. `by`: None for the server."""
    user = holdings.account_of(db, collectivity_id, login)
    made = holdings.text(holdings.kept_about(db, user, whole=whole))
    who = by or by_command(collectivity_id)
    append(
        db,
        collectivity_id,
        Event("person.exported", who.name, who.user_id, None, {"whose": user.id, "whole": whole}),
    )
    return made
