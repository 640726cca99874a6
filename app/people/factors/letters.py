"""What the owner of an account is told of its factors, at once: whoever changes them is not always he."""

from app.core.clock import now
from app.core.outbox import News
from app.people.models import User


def letter(
    user: User,
    what: str,
    *,
    name: str = "",
    by: str = "",
    left: int | None = None,
    mark: str = "",
    reset: int | None = None,
) -> News:
    """One letter to the owner, or to the administrator who is to `confirm`.

    `what`: `added`, `removed`, `codes` (drawn anew), `recovery` (one served), `tried`, `asked`, `confirm`, `reset`.
    `name`: of the factor, or of whose they are; `by`: whoever did it for the owner; `left`: recovery codes that remain.
    `reset`: the request that is to be confirmed, of `asked` and `confirm`, which leave only as long as it waits.
    """
    facts = {
        "event": "factor_changed",
        "user_id": user.id,
        "what": what,
        "about": name,
        "by": by,
        "left": left,
        "reset": reset,
    }
    key = f"factor-{what}-{user.id}-{mark or now().isoformat()}"
    page = "/administration/connexions" if what == "confirm" else "/compte/protection"
    return News("mail", key, {**facts, "page": page}, None, user.email)
