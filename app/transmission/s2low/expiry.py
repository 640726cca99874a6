"""The certificates shown to S2LOW, watched: their end is told to administrators 60, 30 and 7 days before, once each.

Past its end, S2LOW shows its login page under 200 and nothing leaves any more.
"""

from datetime import date

import sqlalchemy as sa
from cryptography import x509

from app.core.clock import PARIS, today
from app.core.db import Db, reading
from app.core.outbox import News, Outbox, post
from app.core.transaction import use_case
from app.people.models import Collectivity, User
from app.transmission.ports import Unreachable
from app.transmission.s2low.settings import S2lowSettings, account_of
from config import Settings

DISTANCES = (7, 30, 60)
"""Days before the end at which it is told, nearest first."""

EVENT = "operator_certificate_ends"
_looked: dict[str, date] = {}


def last_day(settings: S2lowSettings, siren: str) -> date | None:
    """The last day of a collectivity's certificate; None when it has none, or none that can be read."""
    try:
        certificate = x509.load_pem_x509_certificate(account_of(settings, siren).pem)
    except (Unreachable, ValueError):
        return None
    return certificate.not_valid_after_utc.astimezone(PARIS).date()


class Watch:
    """What the watchdog calls; it looks once a day in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self) -> None:
        """Tell what comes to its end."""
        if _looked.get("day") == today():
            return
        remind(S2lowSettings.read(self._settings))
        _looked["day"] = today()


def remind(settings: S2lowSettings) -> int:
    """Write the letters that are due today in every collectivity that goes through S2LOW; returns how many are new."""
    if not settings.url:
        return 0
    with reading() as db:
        places = db.execute(sa.select(Collectivity.id, Collectivity.siren).order_by(Collectivity.id)).all()
    ends = [(collectivity_id, last_day(settings, siren)) for collectivity_id, siren in places]
    return sum(
        remind_in(collectivity_id, end) for collectivity_id, end in ends if end is not None and _soon(end)
    )


def _soon(end: date) -> bool:
    return (end - today()).days <= DISTANCES[-1]


@use_case
def remind_in(db: Db, collectivity_id: int, end: date) -> int:
    """The letters of one collectivity; asked again the same day, or by two workers at once, it writes nothing more."""
    db.info["collectivity_id"] = collectivity_id
    left = (end - today()).days
    distance = next(days for days in DISTANCES if left <= days)
    chosen = sa.select(User).where(User.administrator.is_(True), User.active.is_(True)).order_by(User.id)
    wanted = {}
    for user in db.scalars(chosen):
        payload = {"event": EVENT, "user_id": user.id, "last_day": end.isoformat(), "page": "/administration"}
        key = f"{EVENT}-{collectivity_id}-{end.isoformat()}-{distance}-{user.id}"
        wanted[key] = News("mail", key, payload, None, user.email)
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(wanted))))
    fresh = [news for key, news in wanted.items() if key not in known]
    post(db, collectivity_id, fresh)
    return len(fresh)
