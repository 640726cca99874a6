"""What comes to its end: certificates, seals, mandates, tokens, told 60, 30 and 7 days before to owner and administrators.

Once each: the row's key names what ends, when, at which distance and to whom. Whatever was missed while the worker was
stopped is told at the next look, at the distance that is then true.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.clock import PARIS, today
from app.core.db import Db, reading
from app.core.french import jour_long
from app.core.outbox import News, Outbox, post
from app.core.questions import OF, Question, ask
from app.core.transaction import use_case
from app.people.applications import ending
from app.people.mandates import mandates
from app.people.models import Collectivity, User
from app.people.office.views import last_day
from app.signing import seals
from app.signing.enrol import common_name
from app.signing.models import Certificate
from workflows.mandates import over, words

DISTANCES = (7, 30, 60)
"""Days before the end at which it is told, nearest first."""

CERTIFICATE, MANDATE, TOKEN = "certificate_ends", "mandate_ends", "application_ends"
SEAL = "seal_ends"
NOBODY = 0  # a token of software is no person's, nor is a seal
_PLACES = {CERTIFICATE: "certificats", MANDATE: "mandats", TOKEN: "applications", SEAL: "reglages"}
_looked: dict[str, date] = {}


@dataclass(frozen=True)
class Ending:
    """Something that ends soon: a certificate, a seal, a mandate or a software's token, whose, called what, and its last day."""

    event: str
    id: int
    user_id: int
    name: str
    last_day: date

    def days(self, day: date) -> int:
        """How many days are left."""
        return (self.last_day - day).days

    @property
    def sentence(self) -> str:
        """What its owner reads on his pages."""
        label = "certificat" if self.event == CERTIFICATE else "mandat"
        return f"Votre {label} « {self.name} » prend fin le {jour_long(self.last_day)}."


_owner = aliased(User)
CERTIFICATES = Question(
    (Certificate, _owner),
    sa.and_(Certificate.collectivity_id == OF, Certificate.withdrawn_at.is_(None)),
    ((_owner, _owner.id == Certificate.user_id),),
)
"""The certificates of a collectivity that were not withdrawn, each beside its owner."""


def endings(db: Db, day: date, user_id: int | None = None) -> Iterator[Ending]:
    """What ends within sixty days, of a person or of the session's whole collectivity."""
    yield from certificates_ending(db, day, user_id)
    yield from mandates_ending(db, day, user_id)
    if user_id is None:
        for number, name, last in ending(db, day, timedelta(days=DISTANCES[-1])):
            if last >= day:
                yield Ending(TOKEN, number, NOBODY, name, last)
        town = db.get_one(Collectivity, db.info["collectivity_id"])
        name, last = seals.ending(town.settings) or ("", day - timedelta(days=1))
        if 0 <= (last - day).days <= DISTANCES[-1]:
            yield Ending(SEAL, town.id, NOBODY, name, last)


def certificates_ending(db: Db, day: date, user_id: int | None = None) -> Iterator[Ending]:
    """The certificates among them."""
    if user_id is None:
        rows = [row for row, _ in ask(db, CERTIFICATES, db.info["collectivity_id"])]
    else:
        mine = (Certificate.user_id == user_id, Certificate.withdrawn_at.is_(None))
        rows = list(db.scalars(sa.select(Certificate).where(*mine).order_by(Certificate.id)))
    for row in rows:
        end = row.not_after.astimezone(PARIS).date()
        if 0 <= (end - day).days <= DISTANCES[-1]:
            yield Ending(CERTIFICATE, row.id, row.user_id, common_name(row.subject), end)


def mandates_ending(db: Db, day: date, user_id: int | None = None) -> Iterator[Ending]:
    """The mandates among them."""
    for mandate in mandates(db, user_id):
        last = last_day(mandate)
        if last is not None and not over(mandate, day) and (last - day).days <= DISTANCES[-1]:
            yield Ending(MANDATE, mandate.id, mandate.person, words(mandate), last)


def daily() -> None:
    """Once a day in this process: tell what comes to its end."""
    if _looked.get("day") == today():
        return
    remind()
    _looked["day"] = today()


def remind() -> int:
    """Write the letters that are due today in every collectivity; returns how many are new."""
    with reading() as db:
        everywhere = list(db.scalars(sa.select(Collectivity.id).order_by(Collectivity.id)))
    return sum(remind_in(collectivity_id) for collectivity_id in everywhere)


@use_case
def remind_in(db: Db, collectivity_id: int) -> int:
    """The letters of one collectivity; asked again the same day, or by two workers at once, it writes nothing more."""
    db.info["collectivity_id"] = collectivity_id
    people = {user.id: user for user in db.scalars(sa.select(User).where(User.active.is_(True)))}
    wanted: dict[str, News] = {}
    for deadline in endings(db, today()):
        owner = people.get(deadline.user_id)
        recipients = {user.id: user for user in people.values() if user.administrator}
        if owner is not None:
            recipients[owner.id] = owner
        for user in recipients.values():
            news = _news(deadline, user, owner)
            wanted[news.key] = news
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(wanted)))) if wanted else set()
    fresh = [news for key, news in wanted.items() if key not in known]
    post(db, collectivity_id, fresh)
    return len(fresh)


def _news(deadline: Ending, user: User, owner: User | None) -> News:
    distance = next(days for days in DISTANCES if deadline.days(today()) <= days)
    own = owner is not None and user.id == owner.id
    mine = "/compte/certificats" if deadline.event == CERTIFICATE else "/compte"
    payload = {
        "event": deadline.event,
        "user_id": user.id,
        "what": deadline.name,
        "whose": owner.name if owner is not None else "",
        "own": own,
        "last_day": deadline.last_day.isoformat(),
        "page": mine if own else f"/administration/{_PLACES[deadline.event]}",
    }
    key = f"{deadline.event}-{deadline.id}-{deadline.last_day.isoformat()}-{distance}-{user.id}"
    return News("mail", key, payload, None, user.email)
