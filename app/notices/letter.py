"""Write a letter: French, in text and HTML, with one link and nothing of what the folder holds.

Of a folder of a restricted family or type a letter says nothing at all, neither its family, nor its deadline, nor what became of
it: whoever looks over a shoulder, or at the notices of a locked telephone, learns that something is to be read.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import Message
from email.utils import format_datetime, parseaddr
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from jinja2 import Environment

from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, OURS_ALREADY, Db, reading
from app.core.french import jour_long, spaces
from app.core.outbox import Later, Needless, Outbox, Row
from app.core.refusals import Refusal
from app.core.security import derived_token, new_token, token_hash
from app.display.views import family_words, step_due
from app.folders import opinions, pause, stranded
from app.folders.access import STEP, asking, may_read
from app.folders.asking import OPINION_ASKED, OPINION_GIVEN
from app.folders.handing import HANDED_OVER, NO_LONGER
from app.folders.mentions import MENTIONED
from app.folders.models import ASKED, Folder, StepRun
from app.folders.notes import reads_note_of
from app.folders.notices import INFORMED, NOBODY, SENT_BACK, WITH_THE_ANSWER, YOUR_TURN, correctors
from app.folders.relieving import PASSED_OVER
from app.notices import absent, arrived, digests, hours, mime, outdone, stopping, together, waiting
from app.notices.choices import choices_of
from app.notices.returns import marks
from app.people import reaching
from app.people.accounts import INVITED
from app.people.actor import Actor
from app.people.desks import INVITATION_LIFE, RESET_LIFE
from app.people.factors import resets
from app.people.login import SHOWN_NAME, of_user
from app.people.logo import png_of, shown_in
from app.people.models import Absence, Collectivity, PasswordReset, Secretary, User
from app.people.own_settings.registry import Own, own_value, value_in
from app.people.working_days import calendar_in
from config import Settings
from workflows.circuit import StepKind
from workflows.rhythms import REST, Parts, quiet_until, told_next

RESET, FACTORS = "password_reset", "factor_changed"
CLOSED, REOPENED = "account_closed", "account_reopened"
"""What becomes of an account; the first is the one letter that a closed account is sent."""
LINKS = {RESET: RESET_LIFE, INVITED: INVITATION_LIFE}
"""The letters that bear a link by which a password is chosen, and how long it serves."""
_ASK_NOTHING = frozenset({INFORMED, MENTIONED, OPINION_GIVEN, HANDED_OVER, NO_LONGER, PASSED_OVER, SENT_BACK})
"""The letters that tell what became of a folder to who has nothing to do there."""
FROM_NAME, REPLY_TO, SIGNATURE = "mail_name", "mail_reply_to", "mail_signature"
"""Settings of a collectivity: the name of the sender, where answers go, and the last lines of its letters."""
TRIAL = "settings_trial"
"""The letter by which an administrator sees what his settings make of letters."""
_FORMS = ("txt", "html")
LOGO_ID = "logo@paraphe"
"""What the image of the logo is called inside a letter (RFC 2392)."""
HELD_FOR = 900.0
"""Seconds after which a letter asks again whether an opinion is still awaited; it is woken once that is over."""
DISCREET = "restricted"
"""The one letter about folders of restricted families and types, whatever happened."""


# Built once: whose a letter is, and of which collectivity, is what each asks first
_reader = (
    sa.select(User, Collectivity)
    .join(Collectivity, Collectivity.id == User.collectivity_id)
    .where(User.id == sa.bindparam("user"), User.collectivity_id == sa.bindparam("place"))
    .execution_options(**{OURS_ALREADY: True})
)


@dataclass(frozen=True)
class Envelope:
    """A letter ready to leave, and the address it goes to: as servers take it, and as it is written of the person.

    `folders`: those that it counts, None of one that counts nothing. `doubtful`: the address refused letters before.
    `tells`: the rows that its words tell, its own first, where it tells what several would (`together`).
    """

    to: str
    message: Message
    address: str
    folders: Sequence[int] | None = None
    doubtful: bool = False
    tells: Sequence[int] = ()


def write(
    row: Row, settings: Settings, templates: Environment, tells: Sequence[int] | None = None
) -> Envelope:
    """The letter of an outbox row; `Needless` when its reader has no account, or may not read the folder, any more.

    `Later` outside of the hours that its collectivity gives to the letters of its folders, and of a step that waits for an
    opinion. `absent.Gather` where one letter is to tell what this one and others would; `together.Unclaimed` where this one may
    tell what others would, as long as nobody said which (`tells`).

    The Message-ID and the date come from the row: sent again after a kill, it is the same letter, as long as what it asks is
    still to be done; it is not sent again once that is done.
    """
    with reading(row.collectivity_id) as db:
        pair = db.execute(_reader, {"user": row.payload["user_id"], "place": row.collectivity_id}).first()
        if pair is None or not _is_written_to(pair[0], row):
            raise Needless("compte fermé : aucun courriel n’est parti")
        user, town = pair
        _still_so(db, row)
        row = _still_stuck(db, row)
        row = _still_his(db, row, user)
        _refuse_dead_link(db, row)
        _refuse_over(db, row)
        case = _Case(db, row, user, town)
        parts = _timely(case)
        if row.payload["event"] == FACTORS:
            _refuse_settled(db, row, user)
        place, own = town.name, town.settings
        folder = db.get(Folder, row.folder_id) if row.folder_id else None
        manages, awaited = "page" in row.payload and row.payload["event"] == NOBODY, False
        if folder is not None and not manages:
            awaited = _awaited(case, folder)
            if row.payload["event"] in hours.ASKS and (waited := case.returned):
                absent.refuse_apart(db, case.actor, row, waited, choices_of(user, own), folder)
        # An administrator is told what became of a folder where he may read it, as anybody is
        after = row.payload.get("after", "")
        if after and manages and not (folder and may_read(db, case.actor, folder)):
            after = ""
        discreet = folder is not None and not manages and folder.read_as.discreet
        several = _several(case, discreet, tells)
        # The words of a step are told to who is awaited at it, not to who was at the one before
        due_words, tone = _due(db, folder) if folder and awaited and not discreet else ("", "")
        logo = png_of(db, town.id) if shown_in(own) else None
        dated = _dated(case)
        event = row.payload["event"]
        waits = _counts(case, parts)
        numbers, page = waits.pop("numbers", None), waits.get("leads_to", row.payload.get("page"))
    # What tells of a password, of a right or of the law is never stopped
    stop_link = stopping.link_of(user.id, settings.public_url) if event == hours.DIGEST else ""
    context = {
        **waits,
        **sender_of(place, own),
        "stop_link": stop_link,
        "several": several,
        "name": _plain(user.name),
        "kind_label": family_words(folder.in_force)[0].lower() if folder else "",
        "due_words": due_words,
        "due_tone": tone,
        "link": _link(row, settings, several.page if several is not None else page),
        "account_link": f"{settings.public_url}/compte",
        "actor_name": _plain(str(row.payload.get("by", ""))),
        "what": _plain(str(row.payload.get("what", ""))),
        "lost": _plain(str(row.payload.get("lost", ""))),
        "keeps": _plain(str(row.payload.get("keeps", ""))),
        "about": _plain(str(row.payload.get("about", ""))),
        "client": _plain(str(row.payload.get("client", ""))),
        "address": _plain(str(row.payload.get("address", ""))),
        "left": row.payload.get("left"),
        "named": row.payload.get("named"),
        "whose": _plain(str(row.payload.get("whose", ""))),
        "own": row.payload.get("own", True),
        "limits": _plain(str(row.payload.get("limits", ""))),
        "changed": bool(row.payload.get("changed")),
        "manages": manages,
        "former": bool(row.payload.get("former")),
        "turn": awaited and bool(row.payload.get("turn")),
        "after": after,
        "waits": row.payload.get("waits", False),
        "why": _plain(str(row.payload.get("why", ""))),
        "other_name": row.payload.get("other_name", True),
        "seal": row.payload.get("seal", False),
        "reason": _plain(str(row.payload.get("reason", ""))),
        "declined": bool(row.payload.get("declined")),
        "desk": _plain(str(row.payload.get("desk") or "")),
        "absent": _plain(str(row.payload.get("absent", ""))),
        "begins": _plain(str(row.payload.get("begins", ""))),
        "ends": _plain(str(row.payload.get("ends", ""))),
        "begun": row.payload.get("begun", True),
        "acts": row.payload.get("acts", True),
        "last_day": jour_long(row.payload.get("last_day")),
        "is_over": bool(row.payload.get("last_day")) and row.payload["last_day"] < today().isoformat(),
        "day": _former_day(row),
        "court": bool(row.payload.get("court")),
    }
    event = DISCREET if discreet else together.SEVERAL if several is not None else event
    # Of a changed address, one letter goes to where the person was reached before, and what recovers a password to where
    # he said; all others to where he is
    apart = row.recipient if row.payload.get("former") or row.payload.get("recovery") else None
    to = apart or user.email
    message = _message(row.key, dated, event, settings, to, context, templates, logo)
    if row.request:
        # A letter is traced back to the click, in our log and the proxy’s
        mime.set_text(message, "X-Request-Id", row.request)
    mime.set_line(message, marks.HEADER, marks.mark(row.id, to))
    if stop_link:
        mime.set_line(message, "List-Unsubscribe", f"<{stop_link}>")
        if stop_link.startswith("https://"):  # no other click may be sent by a mailbox (RFC 8058 §3.1)
            mime.set_line(message, "List-Unsubscribe-Post", "=".join(stopping.ONE_CLICK))
    rows = several.rows if several is not None else ()
    return Envelope(wired(to), message, to, numbers, bool(user.mail_refusals), rows)


def _is_written_to(user: User, row: Row) -> bool:
    """Whether an account has letters: a closed one only that which tells it so, or which goes where its reader was before."""
    former = row.payload["event"] == CLOSED or row.payload.get("former")
    return bool(user.email and (user.active or former))


class _Case:
    """What several rules ask about one letter: each is asked of the base once, and only where a rule comes to it."""

    def __init__(self, db: Db, row: Row, user: User, town: Collectivity) -> None:
        self.db, self.row, self.user, self.town = db, row, user, town
        self.own: Own = town.settings

    @cached_property
    def actor(self) -> Actor:
        """Its reader, with what he may do now."""
        return of_user(self.db, self.user, self.town.name)

    @cached_property
    def since(self) -> datetime:
        """Since when it is due: when it was written, or when the opinion for which its step has waited was over."""
        row = self.row
        if row.payload["event"] != YOUR_TURN or row.folder_id is None:
            return row.created_at
        return max([row.created_at, *opinions.released(self.db, [row.folder_id]).values()])

    @cached_property
    def returned(self) -> absent.Return | None:
        """The return for which it has waited."""
        return absent.returned(self.db, self.user, self.own, self.since)

    def look_again(self) -> None:
        """Ask since when it is due once more, where the base may say otherwise by now."""
        for name in ("since", "returned"):
            self.__dict__.pop(name, None)


def _several(case: _Case, discreet: bool, tells: Sequence[int] | None) -> together.Together | None:
    """What a letter tells of several folders; None of one that tells its own alone. Raises `Unclaimed`."""
    if case.row.folder_id is None or discreet or not together.may_join(case.row.payload):
        return None
    if tells is None:
        raise together.Unclaimed
    return together.told_by(case.db, case.actor, tells)


def _counts(case: _Case, parts: Parts) -> dict[str, Any]:
    """What a letter that counts has counted; empty for any other."""
    event = case.row.payload["event"]
    if event == hours.DIGEST:
        return digests.words_of(case.db, case.row, case.user, case.actor, case.own, parts)
    if event == hours.DRAFTS_ARRIVED:
        return arrived.words_of(case.db, case.row, case.user, case.actor, case.own, waiting.MOST)
    return {}


def wired(address: str) -> str:
    """The address as every mail server takes it: a domain with an accent in its form of the DNS (RFC 5891)."""
    if address.isascii():
        return address
    from email_validator import EmailNotValidError, validate_email

    try:
        validated = validate_email(
            address, allow_smtputf8=False, check_deliverability=False, test_environment=True
        )
    except EmailNotValidError:
        return address
    return validated.ascii_email or address


def trial(db: Db, user: User, settings: Settings, templates: Environment) -> Envelope:
    """A letter to the administrator who asks for it, made as all others are."""
    town = db.get_one(Collectivity, user.collectivity_id)
    logo = png_of(db, town.id) if shown_in(town.settings) else None
    context = {
        **sender_of(town.name, town.settings),
        "name": _plain(user.name),
        "link": f"{settings.public_url}/administration/reglages",
    }
    key, moment = f"trial-{user.id}-{new_token()[:16]}", now()
    return Envelope(
        wired(user.email),
        _message(key, moment, TRIAL, settings, user.email, context, templates, logo),
        user.email,
    )


def sender_of(name: str, own: Own) -> dict[str, Any]:
    """What a letter says of who writes it, and by what name and address its mailbox knows him."""
    lines = str(value_in(own, SIGNATURE).value or "").splitlines()
    shown = own_value(own, SHOWN_NAME) or name
    return {
        "collectivity": _plain(shown),
        "signature": [_plain(line) for line in lines],
        "logo": LOGO_ID if shown_in(own) else "",
        "from_name": _plain(str(value_in(own, FROM_NAME).value)),
        "reply_to": str(value_in(own, REPLY_TO).value),
    }


def _timely(case: _Case) -> Parts:
    """What a letter of what waits still has to tell, all of it for any other.

    Raises `Later` for a letter that waits for its reader's return, for the day or for its hours, `Needless` where another has
    told it.
    """
    db, row, user, own = case.db, case.row, case.user, case.own
    event, parts = row.payload["event"], Parts(whole=frozenset({REST}))
    if row.payload.get("trial"):  # a type that has another rhythm is told by its own letter
        return told_next(choices_of(user, own), calendar_in(own), row.created_at, PARIS)
    if event == hours.DIGEST:
        parts = outdone.still_to_tell(db, own, user, row)
    if event in hours.PATIENT and (back := absent.due_back(db, user, own)):
        raise Later((back - now()).total_seconds(), absent.AWAY)
    if event in hours.PATIENT and case.returned is not None:
        # What waited for a return is no news of this minute: it is told by day, as what is reminded
        _refuse_by_night(own)
    if event in hours.ASKS:
        digests.refuse_grouped(db, own, user, row)
    if event in {hours.DIGEST, *hours.ASKS}:
        _refuse_by_night(own)
    if event in hours.COVERS and "at" in row.payload:
        # What begins or ends by the clock, at midnight mostly, was done by nobody just now
        _refuse_by_night(own)
    if wait := hours.wait(own, event, now()):
        raise Later(wait.total_seconds(), "attend les heures des courriels de la collectivité")
    return parts


def _refuse_by_night(own: Own) -> None:
    """Raises `Later` at night, on a Sunday and on a day when the collectivity does not work."""
    if morning := quiet_until(calendar_in(own), now(), PARIS):
        raise Later((morning - now()).total_seconds(), "attend le matin d’un jour ouvré")


def _dated(case: _Case) -> datetime:
    """The date of a letter, the same at each try: when it was written, or later when it was due.

    Of what waited for its reader's return, or for an opinion: that moment, by day of a return.
    """
    row = case.row
    if "at" in row.payload:
        return datetime.fromisoformat(row.payload["at"])
    if row.payload["event"] not in hours.PATIENT:
        return row.created_at
    return case.returned.due_at if case.returned is not None else case.since


def _former_day(row: Row) -> str:
    """The day of what a letter says, « jeudi 26 novembre 2026 »; empty on that very day."""
    day = row.created_at.astimezone(PARIS).date()
    return jour_long(day) if day != today() else ""


def _refuse_over(db: Db, row: Row) -> None:
    """Raises `Needless` for a letter about an absence that was changed, or ended, since it was written.

    What is final, that somebody stands in no more, is told all the same, unless another letter of it was written to him since.
    """
    number = row.payload.get("absence")
    if number is None:
        return
    absence = db.get(Absence, number)
    former = absence is None or absence.revision != row.payload["revision"]
    if former and row.payload.get("final"):
        later = sa.select(Outbox.id).where(
            Outbox.collectivity_id == row.collectivity_id,
            Outbox.kind == "mail",
            Outbox.id > row.id,
            Outbox.payload["absence"].as_integer() == number,
            Outbox.payload["revision"].as_integer() > row.payload["revision"],
            Outbox.payload["user_id"].as_integer() == row.payload["user_id"],
        )
        former = db.scalar(later.limit(1)) is not None
    if former:
        raise Needless(absent.CHANGED)
    starts = row.payload["event"] in {hours.COVER_SET, hours.COVER_BEGINS}
    if starts and absence is not None and absence.ends_at <= now():
        raise Needless("cet intérim est terminé avant que le courriel qui en dit le début ait pu partir")


def _refuse_dead_link(db: Db, row: Row) -> None:
    """Raises `Needless` for a letter whose link would open nothing any more."""
    life = LINKS.get(row.payload["event"])
    if life is None:
        return
    if now() - row.created_at > life:
        raise Needless("le lien a expiré avant de pouvoir partir : un autre se demande")
    if _closed(db, row.payload["nonce"]):
        raise Needless("le lien ne sert plus : un autre a été donné depuis, ou se demande")


def _still_so(db: Db, row: Row) -> None:
    """Raises `Needless` for a letter that is no more so: tried again, it may leave long after it was written.

    Of an account that was reopened, or closed again; of a secretary who was named, or is so no more.
    """
    account = db.get(User, row.payload["account"]) if "account" in row.payload else None
    if account is not None and account.active is not (row.payload["event"] == REOPENED):
        raise Needless("ce compte a été rouvert ou refermé depuis : aucun courriel n’est parti")
    if row.payload["event"] == hours.CHARGE:
        _refuse_former_charge(db, row)


def _refuse_former_charge(db: Db, row: Row) -> None:
    """Raises `Needless` unless its reader is the secretary of who named him, or is so no more, as the letter says.

    And where a later letter says it: the last word is one letter.
    """
    of, reader = row.payload.get("of"), row.payload["user_id"]
    if of is None:  # written before a letter said whose absences
        return
    named = db.scalar(sa.select(Secretary.secretary_id).where(Secretary.user_id == of)) == reader
    if named is not row.payload["own"] or _again(db, row, Outbox.payload["of"].as_integer() == of):
        raise Needless("ce secrétariat a changé depuis : aucun courriel n’est parti")


def _refuse_settled(db: Db, row: Row, user: User) -> None:
    """Raises `Needless` for a letter about a request to take off somebody's factors that waits no more, or not for its reader.

    A letter to its owner written before they kept their request is about any of his that waits.
    """
    what, number = row.payload.get("what"), row.payload.get("reset")
    if what not in {"asked", "confirm"}:
        return
    live = {request.id: request.user_id for request in resets.waiting(db, row.collectivity_id)}
    if what == "confirm":
        stands = user.administrator and number in live
    else:
        stands = user.id in live.values() if number is None else live.get(number) == user.id
    if not stands:
        raise Needless("cette demande n’attend plus : aucun courriel n’est parti")


def _again(db: Db, row: Row, about: sa.ColumnElement[bool]) -> bool:
    """Whether a later letter of the same event tells the same reader of the same thing, and has left or is to leave."""
    later = sa.select(Outbox.id).where(
        Outbox.collectivity_id == row.collectivity_id,
        Outbox.kind == "mail",
        Outbox.id > row.id,
        Outbox.payload["event"].as_string() == row.payload["event"],
        Outbox.payload["user_id"].as_integer() == row.payload["user_id"],
        about,
        sa.or_(Outbox.state != "done", Outbox.last_error.is_(None)),
    )
    return db.scalar(later.limit(1)) is not None


def _still_stuck(db: Db, row: Row) -> Row:
    """The row of a letter that says where nobody may act, with the desks where that is so now; any other as it is.

    Raises `Needless` where the folder waits there no more, somebody may act by now, or a later letter tells it; what the same
    move had to tell besides (`after`) is told all the same, by the letter that tells it alone. `Later` as long as what ended
    it may be taken back.
    """
    folder = db.get(Folder, row.folder_id) if row.folder_id and row.payload["event"] == NOBODY else None
    if folder is None:
        return row
    try:
        desks = stranded.lacking_since(db, folder, row.created_at)
    except Refusal:  # a desk that the circuit names is gone: nobody acts there
        return row
    repeated = _again(db, row, Outbox.folder_id == row.folder_id)
    if desks and not repeated:
        return replace(row, payload={**row.payload, "what": desks})
    if not repeated and (doubt := pause.undecided(folder.final_at)):
        raise Later(doubt, pause.UNDECIDED)
    if not row.payload.get("after"):
        raise Needless("quelqu’un peut agir depuis là où ce dossier attend : aucun courriel n’est parti")
    return _told_alone(row)


def _told_alone(row: Row) -> Row:
    """The row of a letter that says where nobody may act, as if it told only what the same move had to tell besides."""
    alone = {key: word for key, word in row.payload.items() if key not in {"page", "what"}}
    return replace(row, payload={**alone, "event": row.payload["after"]})


def _still_his(db: Db, row: Row, user: User) -> Row:
    """The row of a letter that its reader is written because he administers, while he does; any other as it is.

    Where he does no more: of a folder that waits where nobody may act, what he is told as who would correct it, or what the
    same move had to tell besides; of a mandate that he gave, its end. Raises `Needless` for all else.
    """
    if user.administrator or not reaching.is_for_administrators(row.payload):
        return row
    payload = dict(row.payload)
    if payload.get("giver"):
        return replace(row, payload={**payload, "page": "/compte"})
    if payload["event"] == NOBODY and (folder := db.get(Folder, row.folder_id)) is not None:
        del payload["page"]
        if user.id in correctors(db, folder):
            return replace(row, payload=payload)
        if payload.get("after"):
            return _told_alone(row)
    raise Needless("n’administre plus : aucun courriel n’est parti")


def _awaited(case: _Case, folder: Folder) -> bool:
    """`_still_for`; raises `Later` where what was just done put an end to what the letter asks, and may be taken back."""
    doubt = pause.undecided(folder.final_at)
    try:
        awaited = _still_for(case, folder)
    except Needless:
        if doubt:
            raise Later(doubt, pause.UNDECIDED) from None
        raise
    if doubt and case.row.payload.get("turn") and not awaited:
        raise Later(doubt, pause.UNDECIDED)
    return awaited


def _still_for(case: _Case, folder: Folder) -> bool:
    """Whether the letter's reader is awaited now, where the letter asks something.

    Raises `Needless` when the letter is no more for its reader; a receipt that was also one's turn stays news. `Later` while
    the step waits for an opinion: nobody can decide there.

    A desk may be left, or a mandate end, between the move and the letter: what became of a folder is no news for who may
    not read it, and nobody is asked what he may not do.
    """
    db, row, actor = case.db, case.row, case.actor
    if not may_read(db, actor, folder):
        raise Needless("ne peut plus lire ce dossier : aucun courriel n’est parti")
    if row.payload["event"] == MENTIONED and not reads_note_of(db, actor, folder, row.key):
        raise Needless("ne lit plus cette note : aucun courriel n’est parti")
    if row.payload["event"] in _ASK_NOTHING:
        return False
    if row.payload["event"] == OPINION_ASKED:
        questions = sa.select(sa.literal(1)).where(
            STEP.c.folder_id == folder.id,
            STEP.c.state == "active",
            STEP.c.slot.startswith(ASKED),
            asking(actor),
        )
        if db.execute(questions.limit(1)).first() is None:
            raise Needless("cet avis n’attend plus cette personne : aucun courriel n’est parti")
        return False
    alone = row.payload["event"] == YOUR_TURN
    if not alone and not row.payload.get("turn"):
        return True
    # What awaits other desks by now says nothing of whether he was rightly asked.
    desks = actor.desk_ids | {cover.seat.desk_id for cover in actor.covers}
    his = sa.or_(STEP.c.desk_id.in_(desks), STEP.c.named_user_id == actor.user_id)
    # The very condition of « À traiter »: nobody is asked by mail what his pages would not offer him.
    awaited = sa.select(asking(actor).label("able")).where(
        STEP.c.folder_id == folder.id, STEP.c.state == "active", ~STEP.c.slot.startswith(ASKED), his
    )
    able = list(db.scalars(awaited))
    if alone and able and not any(able):
        raise Needless("n’a plus à agir sur ce dossier : aucun courriel n’est parti")
    if alone and not able:
        raise Needless("n’attend plus cette personne depuis : aucun courriel n’est parti")
    if alone:
        _refuse_held(case, folder)
    return any(able)


def _refuse_held(case: _Case, folder: Folder) -> None:
    """Raises `Later` while the step waits for an opinion, and as long as the letter of its answer has not left.

    `Needless` where that letter has told the reader of the folder.
    """
    db, row = case.db, case.row
    if opinions.is_held(db, folder):
        raise Later(HELD_FOR, opinions.HELD)
    # After the look: an opinion that ended since the first question is seen by one of the two
    case.look_again()
    over = case.since
    if over == row.created_at:
        return
    answers = sa.select(Outbox.state, Outbox.last_error).where(
        Outbox.folder_id == row.folder_id,
        Outbox.kind == "mail",
        Outbox.payload["event"].as_string() == OPINION_GIVEN,
        Outbox.payload["user_id"].as_integer() == row.payload["user_id"],
        Outbox.created_at >= over,
    )
    letters = db.execute(answers).all()
    if any(letter.state == "done" and letter.last_error is None for letter in letters):
        raise Needless(WITH_THE_ANSWER)
    if any(letter.state in {"pending", "running"} for letter in letters):
        raise Later(digests.AFTER.total_seconds(), "sera dit dans le courriel de l’avis rendu")


def _due(db: Db, folder: Folder) -> tuple[str, str]:
    """The words of the deadline of the step that awaits somebody, and their tone; nothing when there is none."""
    query = sa.select(StepRun.due_on, StepRun.kind, StepRun.entered_at).where(
        StepRun.folder_id == folder.id, sa.text("state = 'active'"), ~StepRun.slot.startswith(ASKED)
    )
    row = db.execute(query.order_by(StepRun.due_on).limit(1)).one_or_none()
    if row is None or row.due_on >= NO_DATE or StepKind(row.kind).automatic:
        return "", ""  # a machine's step awaits nobody
    due = step_due(row.due_on, row.kind, folder.family, row.entered_at)
    line = due.line if row.due_on < row.entered_at.astimezone(PARIS).date() else due.words
    sentence = spaces(f"{line[:1].lower()}{line[1:]}")
    return sentence, due.tone if due.tone in {"late", "soon"} else ""


def _closed(db: Db, nonce: str) -> bool:
    """Whether a link has served already, or was closed by a restoration."""
    link = sa.select(PasswordReset.used_at).where(
        PasswordReset.token_hash == token_hash(derived_token(nonce))
    )
    return db.scalar(link) is not None


def _plain(text: str) -> str:
    """A name on one line: whatever it holds, it opens no header of its own.

    « =?utf-8?q?…?= » neither (RFC 2047): Python reads such a word in the name of an address, line breaks included.
    """
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.replace("=?", "= ?").split())


def _link(row: Row, settings: Settings, page: str | None) -> str:
    if row.payload["event"] in LINKS:
        return f"{settings.public_url}/mot-de-passe#{derived_token(row.payload['nonce'])}"
    if page is not None:
        return f"{settings.public_url}{page}"
    return f"{settings.public_url}/dossiers/{row.folder_id}"


def _message(
    key: str,
    moment: datetime,
    event: str,
    settings: Settings,
    to: str,
    context: dict[str, Any],
    templates: Environment,
    logo: bytes | None = None,
) -> Message:
    # The words of a letter, made once for its subject and both its forms
    sentences: Any = templates.get_template(f"email/_{event}.txt").make_module(context)
    text, html = (
        f"{templates.get_template(f'email/_layout.{form}').render(context, words=sentences).strip()}\n"
        for form in _FORMS
    )
    # The logo is inside the letter: nothing is fetched when it is read
    message = mime.in_two_forms(text, html, logo, LOGO_ID)
    mime.set_text(message, "Subject", str(sentences.subject).strip())
    address(message, settings, context, context["name"], to)
    mime.set_line(message, "Date", format_datetime(moment))
    mime.set_line(message, "Message-ID", message_id(key, settings.public_url))
    mime.set_line(message, "Auto-Submitted", "auto-generated")  # RFC 3834: no absence message answers it
    return message


def address(message: Message, settings: Settings, context: Mapping[str, Any], name: str, to: str) -> None:
    """Write from whom a letter comes, by the settings of its collectivity (`sender_of`), where answers go, and whose it is."""
    mime.set_mailbox(message, "From", context["from_name"], wired(parseaddr(settings.mail_from)[1]))
    if context["reply_to"]:
        mime.set_mailbox(message, "Reply-To", "", wired(context["reply_to"]))
    mime.set_mailbox(message, "To", _plain(name), wired(to))


def message_id(key: str, public_url: str) -> str:
    """The Message-ID of an outbox row: the same at each try, so that a mailbox knows a letter it already has."""
    host = urlsplit(public_url).hostname or "paraphe"
    return f"<{hashlib.sha256(f'{public_url} {key}'.encode()).hexdigest()[:40]}@{host}>"
