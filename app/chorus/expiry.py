"""The end of the technical password, told to administrators 60, 30 and 15 days before, once each."""

from datetime import date, timedelta
from typing import Final

import sqlalchemy as sa

from app.chorus.models import ChorusAccount
from app.core.clock import today
from app.core.db import Db, reading
from app.core.outbox import News, Outbox, post
from app.core.transaction import use_case
from app.people.models import User

DISTANCES: Final = (15, 30, 60)
"""Days before the end at which it is told, nearest first."""
EVENT: Final = "chorus_password_ends"
_looked: dict[str, date] = {}


def remind() -> None:
    """Write the letters that are due; it looks once a day in this process."""
    if _looked.get("day") == today():
        return
    soon = today() + timedelta(days=DISTANCES[-1])
    with reading() as db:
        rows = db.execute(
            sa.select(ChorusAccount.collectivity_id, ChorusAccount.password_ends).where(
                ChorusAccount.password_ends <= soon
            )
        ).all()
    for collectivity_id, end in rows:
        if end is not None:
            remind_in(collectivity_id, end)
    _looked["day"] = today()


@use_case
def remind_in(db: Db, collectivity_id: int, end: date) -> int:
    """The letters of one collectivity; asked again the same day, or by two workers at once, it writes nothing more."""
    db.info["collectivity_id"] = collectivity_id
    left = (end - today()).days
    distance = next((days for days in DISTANCES if left <= days), None)
    if distance is None:
        return 0
    chosen = sa.select(User).where(User.administrator.is_(True), User.active.is_(True)).order_by(User.id)
    wanted = {}
    for user in db.scalars(chosen):
        payload = {
            "event": EVENT,
            "user_id": user.id,
            "last_day": end.isoformat(),
            "page": "/administration/chorus",
        }
        key = f"{EVENT}-{collectivity_id}-{end.isoformat()}-{distance}-{user.id}"
        wanted[key] = News("mail", key, payload, None, user.email)
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(wanted))))
    fresh = [news for key, news in wanted.items() if key not in known]
    post(db, collectivity_id, fresh)
    return len(fresh)
