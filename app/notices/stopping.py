"""The link by which whoever has a letter of what waits stops these letters (RFC 8058), without entering.

Its secret is of one account and serves for this alone. It never ends: a letter of last year stops them too.
"""

from hashlib import sha256

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.security import secrets_known
from app.core.transaction import use_case
from app.people.actor import system
from app.people.desks import write_down
from app.people.models import User
from workflows.rhythms import Rhythm

PAGE, QUERY = "/courriels/arret", "lien"
"""Where the link leads, and what bears its secret after the « ? », which no log of a proxy keeps (`docs/operations.md`)."""
STOPPED = "account.reminders_stopped"
"""The line of the journal."""
BY_LINK = "Lien d’un courriel"
"""Who the journal names: somebody had the letter, and nobody entered."""
ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""What a mailbox sends for its owner's click (RFC 8058 §3.1), and our own button too."""


def link_of(user_id: int, public_url: str) -> str:
    """The address by which the letters of this account are stopped."""
    return f"{public_url}{PAGE}?{QUERY}={_serializer().dumps(user_id)}"


def refuse_unknown(secret: str) -> int:
    """The account that a secret is of; refuses `stop-link-unknown` to what we never made."""
    try:
        return int(_serializer().loads(secret))
    except (BadSignature, ValueError, TypeError):
        raise Refusal("stop-link-unknown") from None


def stop(secret: str) -> None:
    """Tell the account of a secret nothing more of what waits, until its owner chooses again.

    Asked again, or for an account that is closed or gone, nothing changes and nothing is told. Refuses `stop-link-unknown`.
    """
    user_id = refuse_unknown(secret)
    with reading() as db:
        place = db.scalar(sa.select(User.collectivity_id).where(User.id == user_id, User.active.is_(True)))
    if place is not None:
        _stop(place, user_id)


@use_case
def _stop(db: Db, collectivity_id: int, user_id: int) -> None:
    db.info["collectivity_id"] = collectivity_id
    query = sa.select(User).where(User.id == user_id).with_for_update()
    user = db.scalars(query.execution_options(populate_existing=True)).one()
    if user.rhythm == Rhythm.NEVER and not user.rhythm_types:
        return
    types = {"types": user.rhythm_types} if user.rhythm_types else {}
    by = system(collectivity_id, BY_LINK)
    write_down(db, collectivity_id, STOPPED, by, whose=user.id, was=user.rhythm, **types)
    user.rhythm, user.rhythm_types, user.rhythm_since = Rhythm.NEVER.value, {}, now()


def _serializer() -> URLSafeSerializer:
    # The last key signs and all are tried: a link of before the key was replaced serves still.
    former_first = [*reversed(secrets_known())]
    return URLSafeSerializer(
        former_first, salt="paraphe.letters.stop", signer_kwargs={"digest_method": sha256}
    )
