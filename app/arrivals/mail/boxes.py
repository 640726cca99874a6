"""The mailboxes of a collectivity: chosen by an administrator, tried, and how far each was read."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from app.arrivals import routing
from app.arrivals.models import Mailbox
from app.arrivals.shown import locked
from app.core.addresses import AddressRefusedError, Allowed, Target, UnknownNameError
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.sealed import seal, unseal
from app.core.texts import line_of
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.notices import imap
from app.people.actor import Actor, require
from app.people.desks import address_of
from config import Settings
from workflows.vocabulary import Right

MOST: Final = 20
AGAIN: Final = "à chaque relève"
"""What the fault of a mailbox says when it was read, and some of its mails did not come."""
MOST_SENDERS: Final = 500
LONGEST: Final = 254
SCHEMES: Final = ("imaps", "imap+starttls", "imap")
_PORTS: Final = frozenset(imap.PORTS.values())
LOCKED: Final = "son mot de passe n’est pas donné"
_WHY: Final = {
    "written": "ce nom de serveur n’est pas écrit comme il faut",
    "host": "ce serveur n’est pas de ceux que l’on interroge",
    "clear": "ce serveur ne se lit pas en clair : choisissez une connexion chiffrée, ou faites-le permettre par l’hébergeur "
    "(PARAPHE_MAILBOX_HOSTS)",
    "port": "ce port n’est pas de ceux d’une boîte",
    "inside": "ce serveur est dans le réseau de l’installation, et l’hébergeur ne l’a pas permis (PARAPHE_MAILBOX_HOSTS)",
}


@dataclass(frozen=True)
class Box:
    """A mailbox, as plain facts. `senders`: whose mails come in at once, everybody's where there are none."""

    id: int
    collectivity_id: int
    address: str
    kind: str
    scheme: str
    host: str
    port: int
    login: str
    folder: str
    senders: tuple[str, ...] = ()
    removes: bool = False
    active: bool = True
    secret: str = field(default="", repr=False)
    validity: int = 0
    last: int = 0
    missed: tuple[int, ...] = ()
    fault: str = ""
    looked_at: datetime | None = None
    revision: int = 0


def plain(row: Mailbox) -> Box:
    """A row, as plain facts."""
    return Box(
        row.id,
        row.collectivity_id,
        row.address,
        row.kind,
        row.scheme,
        row.host,
        row.port,
        row.login,
        row.folder,
        tuple(row.senders),
        row.removes,
        row.active,
        row.secret,
        row.validity,
        row.last,
        tuple(row.missed),
        row.fault,
        row.looked_at,
        row.revision,
    )


def boxes(db: Db, collectivity_id: int) -> list[Box]:
    """The mailboxes of a collectivity, those that are read first."""
    query = sa.select(Mailbox).where(Mailbox.collectivity_id == collectivity_id)
    return [plain(row) for row in db.scalars(query.order_by(Mailbox.active.desc(), Mailbox.id))]


def allows(box: Box, sender: str) -> bool:
    """Whether a mail of this sender comes in without anybody's word."""
    return not box.senders or any(
        sender.endswith(one) if one.startswith("@") else sender == one for one in box.senders
    )


def place(box: Box, settings: Settings) -> imap.Place:
    """Where the mailbox is read, judged now; raises `AddressRefusedError`, `OSError`, `mailbox-password`, `secret-unreadable`."""
    if not box.secret:
        raise Refusal("mailbox-password")
    inside = settings.mailbox_hosts
    target = Target("https", box.host, box.port, "/")
    listed = Allowed(inside=inside).named(target)
    if not listed and box.port not in _PORTS:
        raise AddressRefusedError(f"{box.host}:{box.port} may not be asked", "port")
    if not listed and box.scheme == "imap":
        raise AddressRefusedError(f"{box.host} may not be asked in the clear", "clear")
    host = f"[{box.host}]" if ":" in box.host else box.host
    allowed = Allowed(hosts=[f"{host}:{box.port}"], inside=inside)
    addresses = allowed.resolve(target)
    password = unseal(box.secret)
    return imap.Place(box.scheme, box.host, box.port, box.login, password, box.folder, addresses)


def words(fault: Exception) -> str:
    """Why a mailbox was not read, in a clause."""
    if isinstance(fault, AddressRefusedError):
        return _WHY.get(fault.why, _WHY["host"])
    if isinstance(fault, UnknownNameError):
        return "aucun serveur n’a ce nom"
    if isinstance(fault, Refusal):
        return sentences.say(fault.key, fault.facts)[1]
    return imap.words(fault)


def tried(box: Box, settings: Settings) -> str:
    """Why the mailbox cannot be opened, asked now; empty where it can."""
    try:
        with imap.opened(place(box, settings), settings.mail_timeout):
            return ""
    except (*imap.FAULTS, AddressRefusedError, Refusal) as fault:
        return words(fault)


def in_part(fault: str) -> bool:
    """Whether a mailbox with this fault was read, all but some of its mails."""
    return f"{AGAIN} : " in fault


@use_case
def save(db: Db, actor: Actor, wanted: Box, password: str) -> int:
    """Add a mailbox (number 0), or change the one of this number; its number.

    An empty `password` keeps the one that is there, for the same host and login alone. Refuses `right-missing`,
    `mailbox-moved` where somebody has changed it since, `mailbox-many`, `mailbox-host`, `mailbox-login`,
    `mailbox-password`, `mailbox-sender`, `mailbox-taken`, `routing-kind`.
    """
    require(actor, Right.ADMINISTER)
    here = actor.collectivity_id
    usual = _usual(db, here, wanted)
    row = None
    if wanted.id:
        row = locked(db, Mailbox, wanted.id, here, wanted.revision, "mailbox-moved")
    elif len(boxes(db, here)) >= MOST:
        raise Refusal("mailbox-many", most=MOST)
    same = row is not None and (row.host, row.port, row.login, row.scheme) == (
        usual.host,
        usual.port,
        usual.login,
        usual.scheme,
    )
    if not password and not (same and row is not None and row.secret):
        raise Refusal("mailbox-password")
    twin = sa.select(Mailbox.id).where(
        Mailbox.collectivity_id == here,
        Mailbox.host == usual.host,
        Mailbox.login == usual.login,
        Mailbox.folder == usual.folder,
        Mailbox.id != usual.id,
    )
    if db.scalar(twin) is not None:
        raise Refusal("mailbox-taken")
    if row is None:
        row = _fresh(here)
        db.add(row)
    if not same or row.folder != usual.folder:
        row.validity, row.last, row.missed = 0, 0, []
    if password:
        row.secret = seal(password)
    _write(db, actor, row, usual, "")
    return row.id


def write_box(db: Db, actor: Actor, wanted: Box) -> None:
    """Add the mailbox of this server, login and folder, or change it, in the transaction of a file that was read.

    It brings no password: a new one, or one that would be asked elsewhere than before, waits for it on its page and is not
    read. Refuses as `save`, but for passwords.
    """
    here = actor.collectivity_id
    usual = _usual(db, here, wanted)
    place = (Mailbox.host == usual.host, Mailbox.login == usual.login, Mailbox.folder == usual.folder)
    row = db.scalar(sa.select(Mailbox).where(Mailbox.collectivity_id == here, *place).with_for_update())
    if row is None:
        if len(boxes(db, here)) >= MOST:
            raise Refusal("mailbox-many", most=MOST)
        row = _fresh(here)
        db.add(row)
    elif (row.scheme, row.port) != (usual.scheme, usual.port):
        row.secret = ""
    elif _chosen(usual) == _chosen(plain(row)):
        return
    _write(db, actor, row, usual, "" if row.secret else LOCKED)


def _chosen(box: Box) -> tuple[object, ...]:
    """What a person chooses of a mailbox, beside its place."""
    return box.address, box.kind, box.scheme, box.port, box.senders, box.removes, box.active


def _fresh(collectivity_id: int) -> Mailbox:
    return Mailbox(
        collectivity_id=collectivity_id,
        validity=0,
        last=0,
        missed=[],
        fault="",
        looked_at=None,
        revision=0,
        secret="",
    )


def _write(db: Db, actor: Actor, row: Mailbox, usual: Box, fault: str) -> None:
    row.address, row.kind, row.scheme, row.host = usual.address, usual.kind, usual.scheme, usual.host
    row.port, row.login, row.folder = usual.port, usual.login, usual.folder
    row.senders, row.removes, row.active = list(usual.senders), usual.removes, usual.active
    row.fault, row.revision = fault, row.revision + 1
    db.flush()
    facts = {
        "mailbox": row.id,
        "words": f"{row.address}, {'relevée' if row.active else 'non relevée'}",
        "host": row.host,
        "login": row.login,
        "senders": row.senders,
        "removes": row.removes,
        "address": actor.address,
    }
    append(db, row.collectivity_id, Event("arrival.mailbox", actor.name, actor.user_id, None, facts))


def _usual(db: Db, here: int, wanted: Box) -> Box:
    """What was typed, in its usual form; refuses what cannot be."""
    host, login = line_of(wanted.host).lower(), line_of(wanted.login)
    folder = line_of(wanted.folder) or "INBOX"
    if wanted.scheme not in SCHEMES or not 0 < wanted.port < 65536 or not host.isascii():
        raise Refusal("mailbox-host")
    if not 0 < len(host) <= LONGEST or any(sign in host for sign in ' /@"\\'):
        raise Refusal("mailbox-host")
    if (
        not 0 < len(login) <= LONGEST
        or any(sign in login + folder for sign in '"\\')
        or len(folder) > LONGEST
    ):
        raise Refusal("mailbox-login")
    if wanted.kind not in dict(routing.kinds(db, here)):
        raise Refusal("routing-kind", where="boîte")
    return replace(
        wanted,
        address=address_of(wanted.address),
        host=host,
        login=login,
        folder=folder,
        senders=_senders(wanted.senders),
    )


def _senders(lines: tuple[str, ...]) -> tuple[str, ...]:
    senders = dict.fromkeys(one for line in lines if (one := line_of(line).casefold()))
    if len(senders) > MOST_SENDERS:
        raise Refusal("mailbox-sender", what=f"{len(senders)} adresses", most=MOST_SENDERS)
    for one in senders:
        name, at, domain = one.rpartition("@")
        if not at or not domain or " " in one or len(one) > LONGEST or "@" in name:
            raise Refusal("mailbox-sender", what=one[:80], most=MOST_SENDERS)
    return tuple(senders)


@use_case
def note(
    db: Db,
    collectivity_id: int,
    number: int,
    *,
    validity: int | None = None,
    last: int | None = None,
    missed: Iterable[int] | None = None,
    fault: str | None = None,
) -> None:
    """Keep how far a mailbox was read, and what is said of it; what is not given stays as it was."""
    row = db.scalar(
        sa.select(Mailbox)
        .where(Mailbox.id == number, Mailbox.collectivity_id == collectivity_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        return
    if validity is not None and validity != row.validity:
        row.validity, row.last, row.missed = validity, 0, []
    row.missed = row.missed if missed is None else sorted(missed)
    row.last = row.last if last is None else max(row.last, last)
    row.fault = row.fault if fault is None else fault
    row.looked_at = now()
