"""A mailbox read by IMAP (RFC 3501): opened with its certificate verified, asked for what came since, nothing marked as read.

A message goes, or is marked, only once whoever reads says so.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

FAULTS: Final = (imaplib.IMAP4.error, OSError, ValueError)
Session = imaplib.IMAP4
BROKEN: Final = (imaplib.IMAP4.abort, OSError)
"""Those after which nothing more comes by the same line."""
SCHEMES: Final = ("imaps", "imap+starttls", "imap")
PORTS: Final = {"imaps": 993, "imap+starttls": 143, "imap": 143}
_NUMBER = re.compile(rb"\d+")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')


@dataclass(frozen=True)
class Place:
    """Where a mailbox is, and as whom it is opened; `addresses`: those of the host that were judged, any where there are none."""

    scheme: str
    host: str
    port: int
    login: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    addresses: tuple[str, ...] = ()

    @classmethod
    def of_url(cls, url: str) -> "Place":
        """As a setting says it: « imaps://compte:motdepasse@serveur/INBOX »."""
        parts = urlsplit(url)
        return cls(
            parts.scheme,
            parts.hostname or "localhost",
            parts.port or PORTS.get(parts.scheme, 143),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            unquote(parts.path.strip("/")) or "INBOX",
        )


class _Line(imaplib.IMAP4):
    """A connection to an address that was judged, whose certificate is that of the host all the same."""

    def __init__(self, place: Place, seconds: float, trusted: ssl.SSLContext) -> None:
        self._place, self._trusted = place, trusted
        super().__init__(place.host, place.port, timeout=seconds)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        place, fault = self._place, None
        for address in place.addresses or (place.host,):
            try:
                plain = socket.create_connection((address, place.port), timeout)
            except OSError as error:
                fault = error
                continue
            if place.scheme != "imaps":
                return plain
            try:
                return self._trusted.wrap_socket(plain, server_hostname=place.host)
            except BaseException:
                plain.close()
                raise
        raise fault or OSError("aucune adresse ne répond")


@contextmanager
def opened(place: Place, seconds: float) -> Iterator[imaplib.IMAP4]:
    """The mailbox, chosen and open for writing; raises one of `FAULTS`."""
    trusted = ssl.create_default_context()
    line = _Line(place, seconds, trusted)
    try:
        if place.scheme == "imap+starttls":
            line.starttls(trusted)
        line.login(place.login, place.password)
        # What a server can do may be more once one has entered: some say so only when they are asked again
        known: Any = line.capability()[1][-1] or b""
        line.capabilities = tuple(known.decode("ascii", "replace").upper().split())
        if line.select(f'"{place.folder}"')[0] != "OK":
            raise imaplib.IMAP4.error(f"le dossier « {place.folder} » ne s’ouvre pas")
        yield line
    finally:
        try:
            line.logout()
        except FAULTS:  # it broke: nothing is left to say, but our end is still open
            with suppress(*FAULTS):
                line.shutdown()


def validity(line: imaplib.IMAP4) -> int:
    """What the numbers of its messages count from."""
    numbers = _numbers(line.response("UIDVALIDITY")[1])
    if not numbers:
        raise imaplib.IMAP4.error("le serveur ne dit pas depuis quand il compte ses messages (UIDVALIDITY)")
    return numbers[0]


def after(line: imaplib.IMAP4, last: int) -> list[int]:
    """The numbers of the messages that came after that one, the first to the last."""
    present = _numbers(_asked(line, "SEARCH", f"UID {last + 1}:*"))  # « n:* » names the last one too
    return sorted(number for number in present if number > last)


def left(line: imaplib.IMAP4) -> int:
    """How many messages are there and not deleted."""
    return len(_numbers(_asked(line, "SEARCH", "ALL", "UNDELETED")))


def bytes_of(line: imaplib.IMAP4, number: int, most: int | None = None, *, part: str = "") -> bytes:
    """A message, or its first bytes, or its `part` (HEADER); empty for one that is gone."""
    cut = f"<0.{most}>" if most is not None else ""
    # PEEK: what is looked at here stays unread for whoever keeps the mailbox.
    answer = _asked(line, "FETCH", str(number), f"(BODY.PEEK[{part}]{cut})")
    return next((literal[1] for literal in answer if isinstance(literal, tuple)), b"")


def measure(line: imaplib.IMAP4, number: int) -> tuple[int, datetime | None]:
    """The size of a message, and when its server had it; None where it does not say."""
    answer = _asked(line, "FETCH", str(number), "(RFC822.SIZE INTERNALDATE)")
    text = b" ".join(part if isinstance(part, bytes) else b" ".join(part) for part in answer if part)
    size, date = _SIZE.search(text), _DATE.search(text)
    try:
        moment = (
            datetime.strptime(date[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
            if date
            else None
        )
    except (ValueError, UnicodeDecodeError):
        moment = None
    return int(size[1]) if size else 0, moment


def mark_seen(line: imaplib.IMAP4, number: int) -> None:
    """Mark it as read, for whoever looks into the mailbox."""
    _asked(line, "STORE", str(number), "+FLAGS.SILENT", r"(\Seen)")


def remove(line: imaplib.IMAP4, number: int) -> None:
    """Mark it as deleted, and take it away alone; where the server cannot (RFC 4315), who keeps the mailbox empties it."""
    _asked(line, "STORE", str(number), "+FLAGS.SILENT", r"(\Deleted)")
    if "UIDPLUS" in line.capabilities:
        _asked(line, "EXPUNGE", str(number))


def _asked(line: imaplib.IMAP4, command: str, *arguments: str) -> Sequence[Any]:
    """What a server answers; raises `IMAP4.error` where it does not say OK: imaplib takes a NO for an answer without lines."""
    kind, answer = line.uid(command, *arguments)
    if kind != "OK":
        reason = b" ".join(part for part in answer if isinstance(part, bytes)).decode(errors="replace")
        raise imaplib.IMAP4.error(f"le serveur répond {kind} {reason}".strip())
    return answer


def _numbers(answer: Sequence[Any]) -> list[int]:
    return [int(digits) for line in answer if line for digits in _NUMBER.findall(line)]


_ANSWERS: Final = {
    "AUTHENTICATIONFAILED": "le nom ou le mot de passe n’est pas accepté",
    "AUTHORIZATIONFAILED": "ce nom n’a pas le droit d’ouvrir cette boîte",
    "EXPIRED": "le mot de passe n’est plus valable",
    "PRIVACYREQUIRED": "le serveur demande une connexion chiffrée",
    "UNAVAILABLE": "le serveur dit qu’il ne peut pas répondre maintenant",
    "NONEXISTENT": "ce dossier de courriel n’existe pas",
    "NOPERM": "ce nom n’a pas le droit de lire ce dossier de courriel",
    "INUSE": "la boîte est prise par un autre logiciel",
    "LIMIT": "le serveur refuse : une de ses limites est atteinte",
}
"""The response codes by which a server says why it refuses (RFC 5530 §3)."""
_CODE: Final = re.compile(r"\[([A-Z]+)\]")


def words(fault: Exception) -> str:
    """What went wrong, in a clause: in French where the server says it by a code (RFC 5530), else in its own words, quoted."""
    text = fault.args[0] if fault.args else fault
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split()).rstrip(" .")
    code = _CODE.search(shown)
    if code is not None and code[1] in _ANSWERS:
        return _ANSWERS[code[1]]
    if isinstance(fault, imaplib.IMAP4.error) and not shown.startswith("le serveur"):
        return f"le serveur répond : « {shown[:200]} »"
    return shown[:200] or type(fault).__name__
