"""What pages show: plain values, with their French words, made from rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from app.circuits.library import catalogue, family_of
from app.core.clock import PARIS, today
from app.core.db import NO_DATE
from app.core.french import EURO, HARD, Abroad, heure, instant, jour, spaces
from app.core.refusals import Refusal
from app.display.listed import Mark, Shown
from app.folders.sockets import Tag
from workflows.circuit import DONE, DRAFT, RECALLED, REJECTED, WITHDRAWN, StepKind

SOON = 3
WEEK = 7


@dataclass(frozen=True)
class Due:
    """A deadline: its tone (late, soon, calm, none), words, and the date with what is due; `line`: all of it on one line."""

    tone: str
    words: str
    detail: str = ""
    line: str = ""


@dataclass(frozen=True)
class Notice:
    """A message in the page: tone, title, one sentence that says what to do."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True)
class AskedDate:
    """The day that an act asks for, the one that is proposed (also the last that may be) and the earliest (ISO 8601)."""

    label: str
    help: str
    proposed: str
    earliest: str = ""
    why: str = ""


@dataclass(frozen=True)
class AskedReason:
    """The words that an act asks for, and between how many characters they are."""

    label: str
    help: str
    shortest: int
    longest: int


@dataclass(frozen=True)
class ActionView:
    """A decision that may be taken: its button, where it goes and how."""

    name: str
    label: str
    icon: str
    style: str
    url: str
    method: str
    key: str = ""
    ask_date: AskedDate | None = None
    ask_reason: AskedReason | None = None
    confirm: str = ""
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Decision:
    """What is asked of the reader, or whose turn it is; `opinion`: what he thinks of the folder, which binds nobody.

    `answers`: the number of the opinion asked beside the step that is his to give, where nothing else is asked of him; else 0.
    """

    ask: str
    step_line: str
    bar_line: str
    actions: tuple[ActionView, ...] = ()
    blocked: str = ""
    notices: tuple[Notice, ...] = ()
    opinion: bool = False
    reading: bool = False
    answers: int = 0


@dataclass(frozen=True)
class StepView:
    """One line of the circuit: done, now, todo, refused or passed; `filled`: what is, or was, to be filled in at the step.

    `asked`: what was handed on of it, and the opinions that were asked beside it, each with what became of it.
    """

    state: str
    n: int
    title: str
    meta: str
    quote: str = ""
    mono: str = ""
    link_label: str = ""
    link_url: str = ""
    told: str = ""
    filled: str = ""
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class VersionView:
    """One version of a document."""

    number: int
    label: str
    bytes_url: str
    download_url: str


@dataclass(frozen=True)
class DocView:
    """A document of the folder, in its current version.

    `repair`: the copy that waits to be accepted, « réparée » or « aplatie »; empty when there is none. `points`: what whoever
    decides looks at first (key, title, sentence). `enclosed`: the files inside it, each in words. `carried`: how many
    signatures this very version brought with it when it was deposited, an unreadable one included. `unexamined`: it bears
    signatures, and no verdict on them is in force. `seen`: who has seen it whole, and when.
    """

    id: int
    number: int
    title: str
    icon: str
    kind: str
    url: str
    bytes_url: str
    download_url: str
    current: bool
    meta: str
    role: str
    role_label: str
    sha256: str
    pages: int = 0
    seen: tuple[str, ...] = ()
    versions: tuple[VersionView, ...] = ()
    signatures: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    fixed: bool = False
    notice: Notice | None = None
    repair: str = ""
    points: tuple[Any, ...] = ()
    enclosed: tuple[str, ...] = ()
    carried: int = 0
    unexamined: bool = False

    @property
    def checked(self) -> bool:
        """Whether a signature made here is among them, which was checked as it was made."""
        return any(one.tone == "ok" and not one.ask_url for one in self.signatures)


@dataclass(frozen=True)
class FolderView:
    """The head of a folder's page. `due`: the folder's own deadline; `step_due`: that of the step where it stands."""

    id: int
    title: str
    family_label: str
    icon: str
    number: str
    amount: Decimal | None
    due: Due
    depositor_line: str
    version: int
    phase: str
    state_label: str
    tags: tuple[Tag, ...] = field(default_factory=tuple)
    step_due: Due = Due("none", "")


@dataclass(frozen=True)
class FillView:
    """What the step requires of whoever acts at it: the inputs, what still lacks in a sentence, the verb that waits for it.

    `visa`: filling in and putting the visa may be one gesture. `typed`: it holds what was just typed and is not kept; `error`:
    why it is not. `version`: that of the folder over which it was typed, or as it is now.
    """

    inputs: Sequence[Any]
    lacks: str
    verb: str
    visa: bool
    typed: bool
    error: str
    version: int


@dataclass(frozen=True)
class Pager:
    """The place of a folder in the reader's list."""

    n: int
    total: int
    previous_url: str | None
    next_url: str | None
    back_url: str


@dataclass(frozen=True)
class Link:
    """A tab, a tray or a chip."""

    key: str
    label: str
    count: str
    url: str
    current: bool
    danger: bool = False
    icon: str = ""


OTHER = "other"


@dataclass(frozen=True)
class Pick:
    """A row that may be ticked: the folder in the version shown, its amount in cents, and the act that it awaits.

    `act`: visa or sign, or `OTHER`, which is decided on its own page.
    """

    value: str
    act: str
    cents: int


@dataclass(frozen=True)
class Row:
    """A folder in a list. `told`: who sent it back or is awaited; `quote`: why, as it was written.

    `marks`: what is to be looked at in it, in a word each. `listed`: what its type shows in lists.
    """

    id: int
    title: str
    family_label: str
    icon: str
    number: str
    amount: Decimal | None
    due: Due
    act: str
    act_icon: str
    last: str
    unread: bool
    url: str
    pick: Pick | None = None
    told: str = ""
    quote: str = ""
    marks: tuple[Mark, ...] = ()
    listed: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class Group:
    """Folders that are due together."""

    key: str
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class EntryView:
    """A line of the journal, in words."""

    icon: str
    title: str
    meta: str


@dataclass(frozen=True)
class MailView:
    """A letter about the folder, and how far it went: queued, accepted by the mail server, told by another letter, or failed.

    One that nobody needed any more is `needless`: it did not leave, and nothing is to be mended. `meta` says it in French, with
    when and why.
    """

    recipient: str
    subject: str
    state: str
    meta: str


_ICONS = {
    StepKind.VISA: "check2",
    StepKind.OPINION: "chat-left-text",
    StepKind.SIGN: "pen",
    StepKind.PUBLISH: "globe",
    StepKind.ARCHIVE: "archive",
    StepKind.SEAL: "patch-check",
    StepKind.TRANSMIT: "send",
}
_ENDS = {
    DRAFT: "Brouillon",
    REJECTED: "Rejeté",
    RECALLED: "Repris par le déposant",
    WITHDRAWN: "Abandonné",
    DONE: "Terminé",
}


def due(day: date, family: str = "") -> Due:
    """A folder's own deadline: « Reste 9 jours, mandat avant sam. 12 déc. »; on one line « Mandat avant sam. 12 déc. ».

    `family`: that of the folder, whose law says what is due; of another the folder itself is.
    """
    if day >= NO_DATE:
        return Due("none", "Sans échéance")
    known = catalogue().get(family)
    noun = "mandat" if known is not None and known.due_rule is not None else "dossier à terminer"
    left = (day - today()).days
    words = late_words(day)
    if left < 0:
        whose = "mandat" if noun == "mandat" else "dossier"
        return Due("late", words, f"{whose} dû {jour(day)}", f"{_capital(whose)} dû {jour(day)}, {words}")
    if left <= 1:
        words = "Demain" if left else "Aujourd’hui"
        return Due("soon", words, f"{noun} {jour(day)}", f"{_capital(noun)} {words.lower()}, {jour(day)}")
    before = f"{noun} avant {jour(day)}"
    return Due("soon" if left <= SOON else "calm", f"Reste {left} jours", before, _capital(before))


def late_words(day: date) -> str:
    """« 2 jours de retard »; empty of a day that is not past."""
    gone = (today() - day).days
    return f"{gone} jour{'s' if gone > 1 else ''} de retard" if gone > 0 else ""


def before(day: date, family: str = "", since: datetime | None = None) -> str:
    """By when, after what is asked: « avant lun. 30 nov. », « pour demain », « 2 jours de retard »; empty without a deadline.

    « mandat dû lun. 30 nov., 2 jours de retard » where that day had passed when it came there (`since`), as `step_due` says.
    """
    if day >= NO_DATE:
        return ""
    if _passed_before(day, since):
        line = due(day, family).line
        return f"{line[:1].lower()}{line[1:]}"
    left = (day - today()).days
    return late_words(day) or (
        ("pour aujourd’hui", "pour demain")[left] if left <= 1 else f"avant {jour(day)}"
    )


def _passed_before(day: date, since: datetime | None) -> bool:
    return since is not None and day < since.astimezone(PARIS).date()


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def deadlines(folder_day: date, step_day: date, kind: str | None, family: str) -> tuple[Due, ...]:
    """What a list tells whoever is not awaited: the folder's own deadline, and before it the step's, where that is late.

    Of a folder that has none, the step's alone: nothing is « Sans échéance » that somebody has to do by a day.
    """
    if step_day >= folder_day:
        return (due(folder_day, family),)
    step = step_due(step_day, kind, family)
    if folder_day >= NO_DATE:
        return (step,)
    return (step, due(folder_day, family)) if step_day < today() else (due(folder_day, family),)


def step_due(day: date, kind: str | None, family: str = "", since: datetime | None = None) -> Due:
    """The deadline of who is awaited at a step, in words that a folder's never has: « À viser sous 4 jours ».

    On one line « À viser avant lun. 30 nov. ». It may come before the folder's, never after it. `family`: that of the folder,
    for an act that is notified. `since`: when the folder came to the step; a day of the law that had passed by then is the
    folder's alone, since nobody there could have been on time.
    """
    if _passed_before(day, since):
        return due(day, family)
    verb = StepKind(kind).infinitive if kind else ""
    verb = "notifier" if kind == StepKind.PUBLISH and _notified(family) else verb
    plain = due(day)
    left = (day - today()).days
    if plain.tone == "none":
        return plain
    if left < 0:
        words, was = f"{plain.words} {f'pour {verb}' if verb else 'à l’étape'}", f"c’était le {jour(day)}"
        return Due("late", words, was, f"{words}, {was}")
    when = ("aujourd’hui", "demain")[left] if left <= 1 else f"sous {left} jours"
    asked = "Avis à donner" if kind == StepKind.OPINION else f"À {verb or 'décider'}"
    line = f"{asked} avant {jour(day)}" if left > 1 else f"{asked} {when}, {jour(day)}"
    return Due(plain.tone, f"{asked} {when}", jour(day), line)


def group_of(day: date) -> tuple[str, str]:
    """The group of a deadline in the inbox; a week ends on its Sunday."""
    here = today()
    if day < here:
        return "late", "En retard"
    sunday = here + timedelta(days=WEEK - 1 - here.weekday())
    if day <= sunday:
        return "week", "Cette semaine"
    return (
        ("next", "La semaine prochaine") if day <= sunday + timedelta(days=WEEK) else ("later", "Plus tard")
    )


def state_label(place: str, kind: str | None, family: str = "") -> str:
    """« À signer », « Rejeté », « Terminé »: the state of a folder in one or two words."""
    if place in _ENDS:
        return _ENDS[place]
    return awaited_act(kind, family)[0] if kind else "En cours"


ASKED = "Avis à donner"
"""What a desk is awaited for that was asked its opinion."""
AWAITS_OPINION = "Avis attendu"
"""The state of a folder of which a step waits for an opinion that was asked beside it."""


def awaited_act(kind: str, family: str) -> tuple[str, str]:
    """The words and icon of what a step awaits: « À notifier » of an act that is never put online."""
    step = StepKind(kind)
    words = f"{step.label} en cours" if step.automatic else f"À {step.infinitive}"
    if step is StepKind.OPINION:
        words = "Avis à donner"
    return ("À notifier" if step is StepKind.PUBLISH and _notified(family) else words), _ICONS[step]


def _notified(family: str) -> bool:
    known = catalogue().get(family)
    return known is not None and known.publication == "none"


def amount(cents: int | None, currency: str | None = None) -> Decimal | None:
    """An amount from cents: in euros, or in another currency, which `euros` then writes."""
    if cents is None:
        return None
    whole = Decimal(cents) / 100
    return whole if currency in (None, "", EURO) else Abroad.of(whole, str(currency))


def family_words(name: str) -> tuple[str, str]:
    """The label and icon of a family, or of a version of a type (`Folder.in_force`)."""
    try:
        family = family_of(name)
    except Refusal:
        return "Type qui n’existe plus", "file-earmark-text"
    return family.label, family.icon


def done_by(kind: str) -> str:
    """« visé par »: what somebody did at a step of this kind; nobody seals or transmits by hand."""
    step = StepKind(kind)
    return f"{'traité' if step.automatic else step.participle} par"


def last_act(
    kind: str,
    who: str,
    at: datetime,
    published: str = "publié",
    *,
    sent_back: bool = False,
    handed: bool = False,
) -> str:
    """« visé par Gwenola Tréhorel, hier »: today and yesterday by their words, the others by their day.

    `sent_back`: « renvoyé par … », to an earlier step; `handed`: « confié par … », to another desk.
    `published`: what a publication of this act is called (`published_word`).
    """
    day = at.astimezone(PARIS).date()
    gone = (today() - day).days
    when = {0: heure(at), 1: "hier"}.get(gone, jour(day))
    return f"{acted(kind, published, sent_back=sent_back, handed=handed)} {who}, {when}"


def acted(kind: str, published: str, *, sent_back: bool, handed: bool) -> str:
    """« visé par », « renvoyé par », « confié par »: what the last act was, before who made it."""
    done = f"{published} par" if kind == StepKind.PUBLISH else done_by(kind)
    return "renvoyé par" if sent_back else "confié par" if handed else done


def saved(at: datetime) -> str:
    """« à 14 h 32 » today, « le ven. 20 nov., 14 h 32 » before."""
    return f"à {heure(at)}" if at.astimezone(PARIS).date() == today() else f"le {instant(at)}"


def after_act(title: str, done: str, rest: str, url: str) -> Markup:
    """The band after an act: what was done, how many folders remain, and the way back to what was decided."""
    again = Markup('<a class="end" href="{}">Revoir<span class="visually-hidden"> « {} »</span></a>').format(
        url, title
    )
    return Markup("<span><b>{}</b> {}</span>{}").format(spaces(f"« {title} » {done}."), rest, again)


def since(moment: datetime | None, now: datetime) -> str:
    """« 9 j », « 5 h », « 12 min »: how long a folder has waited; « à l’instant » of the last minute alone."""
    if moment is None:
        return ""
    minutes = int((now - moment).total_seconds() // 60)
    for size, unit in ((24 * 60, "j"), (60, "h"), (1, "min")):
        if minutes >= size:
            return f"{minutes // size}{HARD}{unit}"
    return "à l’instant"
