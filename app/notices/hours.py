"""When a collectivity lets the letters of its folders leave: between two hours, every day or on its working days.

A letter about a password, an account, a login, or a fault that somebody must mend, leaves at once whatever the hour.
"""

import re
from datetime import date, datetime, time, timedelta

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.folders.asking import OPINION_ASKED, OPINION_GIVEN
from app.folders.handing import HANDED_OVER, NO_LONGER
from app.folders.mentions import MENTIONED
from app.folders.notices import DONE, INFORMED, PARTIAL, RECEIPT, REFUSED, SENT_BACK, SIGNED, YOUR_TURN
from app.folders.relieving import PASSED_OVER
from app.folders.rerouting import CHANGED
from app.people.own_settings.registry import Kind, Own, Setting, value_in
from app.people.working_days import calendar_in
from workflows.rhythms import DAWN, DUSK, quiet_until

HOURS, DAYS = "mail_hours", "mail_days"
DIGEST = "digest"
"""The letter that tells a person all that waits."""
DRAFTS_ARRIVED = "drafts_arrived"
"""The letter that tells whoever deposits at a desk what came to it by itself."""
EVERY, WORKED = "every", "worked"
PATIENT = frozenset(
    {
        YOUR_TURN,
        REFUSED,
        SIGNED,
        RECEIPT,
        DONE,
        INFORMED,
        PARTIAL,
        CHANGED,
        HANDED_OVER,
        NO_LONGER,
        PASSED_OVER,
        SENT_BACK,
        MENTIONED,
        OPINION_ASKED,
        OPINION_GIVEN,
        DIGEST,
        DRAFTS_ARRIVED,
    }
)
"""The letters that wait for the hours: what became of a folder, and whose turn it is."""
COVER_SET, COVER_BEGINS, COVER_OVER = "absence_set", "absence_begins", "absence_over"
CHARGE = "secretary_named"
"""The letter to whom somebody has write his absences, or has no more."""
COVERS = frozenset({COVER_SET, COVER_BEGINS, COVER_OVER, CHARGE})
"""The letters of an absence, of who stands in and of who may write it: they wait for the hours too, and for nobody's return."""
ASKS = (YOUR_TURN, OPINION_ASKED)
"""The letters that ask something of their reader about one folder: they leave by day, as what is reminded does."""
_SHAPE = re.compile(r"(\d{1,2})(?:[h:](\d{2})?)?(?:-|à)(\d{1,2})(?:[h:](\d{2})?)?", re.ASCII)
_WHOLE = (time(), None)


def settings(group: str) -> tuple[Setting, Setting]:
    """The hours, and the days."""
    hours = Setting(
        HOURS,
        group,
        "Heures des courriels",
        "Entre quelles heures, à Paris, partent les courriels des dossiers : 8-19, ou 8:30-18:30. Ceux des comptes, de la "
        "connexion et des alertes partent aussitôt ; ce qui attend quelqu’un s’annonce de 6 h à 20 h, un jour ouvré.",
        "courriels qui disent ce que devient un dossier, et à qui d’agir",
        Kind.TEXT,
        lambda: "",
        most=20,
        default="à toute heure",
        usual=usual,
    )
    days = Setting(
        DAYS,
        group,
        "Jours des courriels",
        "Les jours ouvrés sont du lundi au vendredi, sans les jours fériés ni les jours de fermeture de la collectivité.",
        "courriels qui disent ce que devient un dossier, et à qui d’agir",
        Kind.CHOICE,
        lambda: EVERY,
        choices=((EVERY, "tous les jours"), (WORKED, "les jours ouvrés")),
    )
    return hours, days


def usual(text: str) -> str:
    """The hours in their usual form, « 08:30-19:00 ».

    Refuses `mail-hours` what is none, or ends before it begins; `mail-hours-night` what leaves reminders less than an hour of
    the day, which never leave at night.
    """
    begins, ends = _hours(text)
    if not _by_day(begins, ends):
        raise Refusal("mail-hours-night", text=text[:20])
    return f"{begins:%H:%M}-{f'{ends:%H:%M}' if ends else '24:00'}"


def wait(own: Own, event: str, moment: datetime) -> timedelta:
    """How long the letter of an event waits at this moment, by the settings of its collectivity; nothing when it may leave."""
    hours, days = str(value_in(own, HOURS).value), value_in(own, DAYS).value
    if event not in PATIENT | COVERS or (not hours and days == EVERY):
        return timedelta(0)
    begins, ends = _hours(hours) if hours else _WHOLE
    if event in {DIGEST, *COVERS, *ASKS} and not _by_day(begins, ends):
        begins, ends = (
            _WHOLE  # hours of the night, written before they were refused, would keep a reminder for ever
        )
    calendar, local = calendar_in(own), moment.astimezone(PARIS)
    day = local.date()
    while True:
        if days == EVERY or calendar.works(day):
            opens = datetime.combine(day, begins, PARIS)
            closes = datetime.combine(day + timedelta(days=0 if ends else 1), ends or time(), PARIS)
            if local < closes:
                return max(opens - moment, timedelta(0))
        day += timedelta(days=1)


def due_by_day(own: Own, event: str, moment: datetime) -> datetime:
    """When the letter of an event leaves that is due at a moment: by day, on a working day, within the hours.

    For what nobody has just done: a minute of the clock that comes round at midnight disturbs nobody then.
    """
    calendar = calendar_in(own)
    while True:
        if morning := quiet_until(calendar, moment, PARIS):
            moment = morning
        elif delay := wait(own, event, moment):
            moment += delay
        else:
            return moment


def _by_day(begins: time, ends: time | None) -> bool:
    """Whether at least an hour of these is one at which reminders leave."""
    day = date(2026, 1, 5)
    first = max(datetime.combine(day, begins), datetime.combine(day, DAWN))
    last = min(datetime.combine(day, ends or time.max), datetime.combine(day, DUSK))
    return last - first >= timedelta(hours=1)


def _hours(text: str) -> tuple[time, time | None]:
    """When it begins and when it ends, None for midnight."""
    shape = _SHAPE.fullmatch("".join(text.lower().split()))
    if shape is None:
        raise Refusal("mail-hours", text=text[:20])
    first, first_minutes, last, last_minutes = (int(part or 0) for part in shape.groups())
    try:
        begins = time(first, first_minutes)
        ends = None if (last, last_minutes) == (24, 0) else time(last, last_minutes)
    except ValueError:
        raise Refusal("mail-hours", text=text[:20]) from None
    if ends is not None and ends <= begins:
        raise Refusal("mail-hours", text=text[:20])
    return begins, ends
