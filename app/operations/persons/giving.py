"""Give what is kept about a person; the journal says who gave it, and of whom."""

from app.core.db import Db
from app.core.outbox import News, post
from app.core.security import new_token
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.operations.persons import holdings
from app.people.actor import Actor
from app.people.applications import by_command


@use_case
def give(db: Db, collectivity_id: int, login: str, *, whole: bool, by: Actor | None = None) -> str:
    """The file of what is kept about the account of that login (JSON); refuses `user-unknown`. `by`: None for the server.

    The person is written to, unless he took it himself or his account is closed. The image of his signature is in what he
    takes himself and in what the server's command gives.
    """
    user = holdings.account_of(db, collectivity_id, login)
    who, himself = by or by_command(collectivity_id), by is not None and by.user_id == user.id
    document = holdings.text(holdings.kept_about(db, user, whole=whole, image=whole or himself))
    if user.active and not himself:
        facts = {"event": "person_exported", "user_id": user.id, "by": who.name, "page": "/compte"}
        key = f"exported-{user.id}-{new_token()[:16]}"
        post(db, collectivity_id, [News("mail", key, facts, None, user.email)])
    append(
        db,
        collectivity_id,
        Event("person.exported", who.name, who.user_id, None, {"whose": user.id, "whole": whole}),
    )
    return document
