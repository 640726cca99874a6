"""What an arrival makes leave: the work of opening it, and the letters to who must deal with it."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from app.arrivals.models import Arrival
from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, Outbox, post
from app.people.models import User

OPEN = "arrivals.open"
ASTRAY = "arrival_astray"


def ask(db: Db, arrival: Arrival) -> None:
    """Have an arrival opened, once for each time that it is given to be."""
    news = News(OPEN, f"arrival-{arrival.id}-{arrival.tries}", {"arrival": arrival.id})
    post(db, arrival.collectivity_id, [news])


def alert(db: Db, arrival: Arrival, people: Iterable[User], *, page: str, desk: bool) -> None:
    """Tell these people that something waits for them, in one letter an hour at most: that of the end of this hour.

    `desk`: they deal with arrivals; else they administer, and there is no sorting desk.
    """
    moment = now()
    end = (moment + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    payload = {"event": ASTRAY, "page": page, "waits": not desk}
    letters = {
        f"{ASTRAY}-{arrival.collectivity_id}-{int(desk)}-{end:%Y%m%d%H}-{user.id}": user for user in people
    }
    if not letters:
        return
    posted = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(letters))))
    post(
        db,
        arrival.collectivity_id,
        [
            News(
                "mail",
                key,
                {**payload, "user_id": user.id},
                None,
                user.email,
                delay=(end - moment).total_seconds(),
            )
            for key, user in letters.items()
            if key not in posted
        ],
    )


def administrators(db: Db, collectivity_id: int) -> list[User]:
    """Who administers the collectivity."""
    query = sa.select(User).where(
        User.collectivity_id == collectivity_id, User.administrator.is_(True), User.active.is_(True)
    )
    return list(db.scalars(query.order_by(User.id)))
