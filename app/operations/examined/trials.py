"""Trials that an administrator asks for and waits for: one point of « Mise en service », or all of them, tried now.

Each does the thing: a letter to whoever asks, a token of each timestamp authority, a signature, a file of the store, a text
converted, each certificate followed up to whom we believe. They are
made in threads of their own, for `SECONDS` together at most, so that a server that does not answer holds one request for no
longer; what has not answered by then is told as such, and is never ready.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from functools import partial
from math import ceil
from threading import Thread
from time import monotonic

import sqlalchemy as sa

from app.core import hold
from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import HARD
from app.core.questions import OF, Question, ask
from app.core.refusals import Refusal
from app.core.security import settings_mark
from app.core.transaction import use_case
from app.files.antivirus import Scanner, SilentError
from app.journal.chain import Event, append
from app.notices import letter, mailer, mime
from app.operations import premises, sendings
from app.operations.doctor import ANTIVIRUS, REMOTE, Check, checks, finding_of
from app.operations.examined.chains import chains
from app.operations.examined.own import RELAY, own_mark
from app.operations.examined.rounds import checks_of
from app.operations.findings import Finding, Level, Remark, Unwell
from app.operations.models import DoctorTrial
from app.people.actor import Actor
from app.people.models import Collectivity, User
from app.people.own_settings.registry import Own
from config import Settings

SECONDS = 25
"""How long the trials of one request may last together."""
PACE = timedelta(minutes=1)
"""Between two trials of one point by the administrators of a collectivity: each takes a token, a letter, a call."""
TRIED = "examination.tried"
MAIL = "courriel"
AUTHORITIES, OFFICE = "autorités reconnues", "bureautique"
_DOCTOR = ("documents", "horodatage et horloge", REMOTE, "signature d’essai")
"""Those that are the doctor's own checks."""
_LATE = f"aucune réponse en {SECONDS}{HARD}s : rien n’est dit de ce point"
_GENERAL = {
    Level.GREEN: "essayé, cela fonctionne",
    Level.AMBER: f"essayé, cela fonctionne encore : {sendings.TELL}",
    Level.RED: f"essayé, cela ne fonctionne pas : {sendings.TELL}",
    Level.UNKNOWN: f"l’essai n’a pas abouti : {sendings.TELL}",
    Level.NONE: "rien à essayer ici",
}
SUBJECT = "Paraphe : lettre d’essai"
LETTER = """Bonjour,

Vous avez essayé le courriel de Paraphe, depuis « Mise en service ». Cette lettre n’a été envoyée qu’à vous.

Si vous la lisez, le courriel de {place} part et arrive.
"""


@dataclass(frozen=True)
class Trial:
    """One point that can be tried: how, and whether what it finds may be read by any administrator of the collectivity."""

    check: Check
    open: bool = False


LAST = Question((DoctorTrial,), DoctorTrial.scope == OF, order=lambda row: row[0].name)
"""The last trial of each point in a collectivity."""


def trials(settings: Settings, actor: Actor, siren: str, *, operates: bool) -> dict[str, Trial]:
    """What this administrator may try, by the name of its line: all of it for who runs the installation.

    `siren`: of his collectivity.
    """
    every = {check.name: check for check in checks(settings)}
    offered = {name: Trial(every[name]) for name in _DOCTOR if name in every}
    office = partial(premises.office, seconds=SECONDS)
    offered[OFFICE] = Trial(Check(OFFICE, office, every[OFFICE].remedy))
    known = every[AUTHORITIES]
    followed = partial(chains, check=known, collectivity_id=actor.collectivity_id, machine=operates)
    offered[AUTHORITIES] = Trial(Check(AUTHORITIES, followed, known.remedy), open=not operates)
    mail = Check(MAIL, partial(_letter, actor=actor, machine=operates), "la lettre n’est pas partie")
    offered[MAIL] = Trial(mail, open=True)
    if operates:
        offered[RELAY] = Trial(every[RELAY])
        if ANTIVIRUS in every:
            offered[ANTIVIRUS] = Trial(Check(ANTIVIRUS, _antivirus, every[ANTIVIRUS].remedy))
    else:
        offered |= {check.name: Trial(check, open=True) for check in checks_of(actor.collectivity_id, siren)}
    return offered


@dataclass(frozen=True)
class Attempt:
    """What was tried, each point with its level, and what was left as it was tried a moment ago."""

    levels: Mapping[str, Level]
    left: Sequence[str]


def attempt(settings: Settings, actor: Actor, names: Collection[str], *, operates: bool) -> Attempt:
    """Try these points now and keep what is found of each, with the settings of now. None of `names`: all that may be.

    Of several, those tried within `PACE` are left. Refuses `trial-unknown` of a point that this administrator may not
    try, `trial-hurry` when nothing is left to try, and `trial-busy` while another trial of the installation lasts.
    """
    with reading(actor.collectivity_id) as db:
        row = db.get_one(Collectivity, actor.collectivity_id)
        siren, own = row.siren, row.settings
    offered = trials(settings, actor, siren, operates=operates)
    if not set(names) <= offered.keys():
        raise Refusal("trial-unknown")
    wanted = [name for name in offered if not names or name in names]
    chosen = _begin(actor, wanted)
    findings = _run({name: partial(finding_of, offered[name].check, settings) for name in chosen})
    results = [(findings[name], offered[name].open) for name in chosen]
    # As they were before: whatever was changed while it lasted was not tried
    _end(actor, results, {name: mark_under(settings, own, name) for name in chosen})
    return Attempt(
        {finding.name: finding.level for finding, _ in results},
        [name for name in wanted if name not in chosen],
    )


def mark_under(settings: Settings, own: Own, name: str) -> str:
    """What tells the settings of the installation, and those of a collectivity on which a point depends, from any others."""
    return f"{settings_mark(settings)}:{own_mark(own, name)}"


def tried(db: Db, collectivity_id: int) -> dict[str, DoctorTrial]:
    """The last trial of each point in a collectivity, by name."""
    return {row.name: row for (row,) in ask(db, LAST, collectivity_id)}


def cut_short(trial: DoctorTrial, moment: datetime) -> bool:
    """Whether a trial began and will not end: what made it was stopped."""
    return trial.ended_at is None and moment - trial.begun_at > timedelta(seconds=2 * SECONDS)


@use_case
def _begin(db: Db, actor: Actor, names: Collection[str]) -> list[str]:
    """Write that these points are being tried; those that were not tried a moment ago."""
    moment = now()
    rows = list(
        db.scalars(sa.select(DoctorTrial).order_by(DoctorTrial.scope, DoctorTrial.name).with_for_update())
    )
    if any(row.ended_at is None and not cut_short(row, moment) for row in rows):
        raise Refusal("trial-busy", seconds=2 * SECONDS)
    mine = {row.name: row for row in rows if row.scope == actor.collectivity_id}
    # A clock that went back has begun one tomorrow
    fresh = {name for name, row in mine.items() if timedelta(0) <= moment - row.begun_at < PACE}
    chosen = [name for name in names if name not in fresh]
    if not chosen:
        until = min(mine[name].begun_at for name in names) + PACE
        raise Refusal("trial-hurry", seconds=ceil((until - moment).total_seconds()))
    for name in chosen:
        row = mine.get(name)
        if row is None:
            row = DoctorTrial(scope=actor.collectivity_id, name=name)
            db.add(row)
        row.begun_at, row.ended_at, row.by = moment, None, actor.name
        row.level, row.words, row.general, row.settings_mark = Level.UNKNOWN.value, "", "", None
    return chosen


@use_case
def _end(db: Db, actor: Actor, results: Collection[tuple[Finding, bool]], marks: Mapping[str, str]) -> None:
    mine = tried(db, actor.collectivity_id)
    for finding, is_open in results:
        row = mine[finding.name]
        row.ended_at, row.level, row.words, row.settings_mark = (
            now(),
            finding.level.value,
            finding.sentence,
            marks[finding.name],
        )
        row.general = finding.sentence if is_open else _GENERAL[finding.level]
    levels = {finding.name: finding.level.value for finding, _ in results}
    append(
        db,
        actor.collectivity_id,
        Event(TRIED, actor.name, actor.user_id, None, {"levels": levels, "address": actor.address}),
    )


def _run(jobs: Mapping[str, Callable[[], Finding]]) -> dict[str, Finding]:
    """What each job finds, all begun together; `UNKNOWN` of those that have not answered in time."""
    findings: dict[str, Finding] = {}

    def run(name: str, job: Callable[[], Finding]) -> None:
        findings[name] = job()

    # `daemon`: one that waits for ever for a server keeps no process from ending
    threads = [Thread(target=run, args=pair, daemon=True, name="paraphe-essai") for pair in jobs.items()]
    until = monotonic() + SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
    answered = dict(findings)
    return {name: answered.get(name) or Finding(name, False, _LATE, Level.UNKNOWN) for name in jobs}


def _letter(settings: Settings, actor: Actor, *, machine: bool) -> str | Remark:
    """Give a letter for this administrator to the server, and say its answer; while a restoration is held nothing leaves."""
    with reading(actor.collectivity_id) as db:
        since, to = hold.since(db), db.get_one(User, actor.user_id).email
        town = db.get_one(Collectivity, actor.collectivity_id)
    if since is not None:
        return Remark(
            "l’installation vient d’être restaurée : rien ne part, la lettre non plus", Level.UNKNOWN
        )
    if not settings.mail_url:
        raise Unwell(
            f"aucun serveur de courriel n’est réglé : {_remedy('donnez PARAPHE_MAIL_URL', machine=machine)}"
        )
    try:
        mailer.hand(letter.wired(to), _written(settings, actor, to, town), settings)
    except mailer.NotTakenError as fault:
        raise Unwell(_refused(fault, to, machine=machine)) from fault
    return f"le serveur a pris une lettre pour {to}, et pour personne d’autre : regardez si elle arrive"


def _refused(fault: mailer.NotTakenError, to: str, *, machine: bool) -> str:
    if fault.address:
        remedy = _remedy("demandez à ce serveur pourquoi", machine=machine)
        return f"le serveur refuse votre adresse, {to} ({fault.reply}) : corrigez-la dans « Personnes », ou {remedy}"
    if fault.reply:
        remedy = _remedy("vérifiez PARAPHE_MAIL_URL et PARAPHE_MAIL_FROM", machine=machine)
        return f"le serveur n’a pas pris la lettre ({fault.reply}) : {remedy}"
    remedy = _remedy("vérifiez PARAPHE_MAIL_URL et que ce serveur tourne", machine=machine)
    return f"le serveur de courriel ne répond pas : {remedy}"


def _remedy(sentence: str, *, machine: bool) -> str:
    """What is to be done, for who runs the installation, or that it is to be told him."""
    return sentence if machine else sendings.TELL


def _written(settings: Settings, actor: Actor, to: str, town: Collectivity) -> Message:
    sender = letter.sender_of(town.name, town.settings)
    words = "\n".join([LETTER.format(place=sender["collectivity"]), *sender["signature"]])
    message = mime.form("plain", words)
    mime.set_text(message, "Subject", SUBJECT)
    letter.address(message, settings, sender, actor.name, to)
    mime.set_line(message, "Date", format_datetime(now()))
    number = letter.message_id(f"trial-{secrets.token_hex(12)}", settings.public_url)
    mime.set_line(message, "Message-ID", number)
    mime.set_line(message, "Auto-Submitted", "auto-generated")  # RFC 3834: no absence message answers it
    return message


def _antivirus(settings: Settings) -> str:
    """The scanner names the harmless file made to try it, and finds nothing in a plain text."""
    scanner = Scanner(settings.antivirus_url, min(settings.antivirus_seconds, float(SECONDS)))
    try:
        name, plain = scanner.named([premises.EICAR]), scanner.named([b"Un texte sans rien."])
    except SilentError as silent:
        raise Unwell(
            f"l’antivirus ne répond pas ({silent}) : vérifiez PARAPHE_ANTIVIRUS_URL et que clamd tourne"
        ) from silent
    if name is None:
        raise Unwell(
            "l’antivirus laisse passer le fichier d’essai EICAR : ses signatures manquent ; lancez freshclam, puis clamd"
        )
    if plain is not None:
        raise Unwell(f"l’antivirus reconnaît « {plain} » dans un texte sans rien : vérifiez ses signatures")
    return f"reconnaît le fichier d’essai ({name}) et laisse passer un texte"
