"""What a mail holds: its files, and what is told of it; nothing of it is believed, whoever knows the address writes to it."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import InvalidHeaderDefect
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from itertools import islice
from typing import Final

from app.core.grammar import plural
from app.core.texts import cleaned, plain
from app.notices.returns.marks import HEADER as OURS

MOST_PARTS: Final = 200
MOST_FILES: Final = 50
LONGEST: Final = 150
ENCRYPTED: Final = "arrival-mail-encrypted"
UNREAD: Final = "arrival-mail-unread"
MANY: Final = "arrival-mail-many"
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+")
_SIGNATURES: Final = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_SEALED: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_BODIES: Final = frozenset({"text/plain", "text/html", "text/calendar", "text/enriched"})
_FIELDS: Final = re.compile(
    rb"^(?:from|subject|message-id|auto-submitted|x-paraphe-letter|content-[a-z-]{1,40})[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
"""The fields of which a value is read, of the mail and of its parts, each with its folded lines."""
HEAVIEST: Final = 100_000_000
"""The squares of their lengths added up: the library takes so many steps on some of them (ten thousand quotes: two seconds)."""
_NAMES: Final = {
    "application/pdf": "facture.pdf",
    "application/xml": "facture.xml",
    "text/xml": "facture.xml",
}


@dataclass(frozen=True)
class Letter:
    """A mail that was read. `refused`: why none of its files is taken (a key of refusal); `ignored`: why it is put aside.

    `identifier`: the same for the same mail, read again after a kill or put in two mailboxes of one server.
    """

    sender: str
    subject: str
    identifier: str
    files: tuple[tuple[str, bytes], ...] = ()
    remarks: tuple[str, ...] = ()
    refused: str = ""
    ignored: str = ""


def read(raw: bytes) -> Letter:
    """The letter that these bytes are; what cannot be read is told by its `refused`."""
    digest = sha256(raw).hexdigest()
    try:
        return _read(_parsed(raw), digest)
    except Exception:  # noqa: BLE001 - the parser fails in ways of its own, and the mail is kept whatever it does
        return Letter("", "", digest, refused=UNREAD)


def _parsed(raw: bytes) -> EmailMessage:
    """The mail as the library reads it; raises what it does, and `ValueError` for headers on which it would never end."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if sum(len(field[0]) ** 2 for field in _FIELDS.finditer(lines)) > HEAVIEST:
        raise ValueError("headers without end")
    return email.message_from_bytes(raw, policy=default)


def _read(message: EmailMessage, digest: str) -> Letter:
    sender = _sender(message)
    subject = _header(message, "Subject")[:LONGEST]
    walked = list(islice(message.walk(), MOST_PARTS + 1))  # those of the mails that it forwards too
    parts = walked[:MOST_PARTS]
    kinds = {part.get_content_type() for part in parts}
    files: list[tuple[str, bytes]] = []
    images, signed, more = 0, bool(kinds & _SIGNATURES), len(walked) > MOST_PARTS
    for part in parts:
        kind = part.get_content_type()
        if part.is_multipart() or kind in _SIGNATURES:
            continue
        if _of_body(part, kind):
            images += kind.startswith("image/")
            continue
        if len(files) == MOST_FILES:
            more = True
            break
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            files.append((_name(part, kind), data))
    sealed = any(_is_sealed(part) for part in parts)
    contents = sha256(b"".join(sha256(data).digest() for _, data in files)).hexdigest()
    number = _header(message, "Message-ID")
    remarks = []
    if images:
        stayed = "est restée" if images < 2 else "sont restées"
        told = plural(images, "image")
        remarks.append(f"{told} du corps du courriel, comme une signature, {stayed} dans le courriel gardé.")
    if not sender and (written := _froms(message)):
        told = _shown(", ".join(written))[:LONGEST]
        remarks.append(
            f"L’expéditeur est écrit de façon douteuse, « {told} » : ce courriel n’est dit de personne."
        )
    if signed:
        remarks.append(
            "Le courriel porte une signature électronique : elle est gardée avec lui, et n’a pas été vérifiée."
        )
    return Letter(
        sender,
        subject,
        f"{number} {contents[:32]}" if number and files else digest,
        () if sealed or more else tuple(files),
        tuple(remarks),
        ENCRYPTED if sealed else MANY if more else "",
        _automatic(message, bool(files)),
    )


def leaves(raw: bytes) -> Iterator[bytes]:
    """The contents of each part of a mail, decoded; past as many as are looked at, all the others in one."""
    try:
        parts = list(_parsed(raw).walk())
    except Exception:  # noqa: BLE001 - as for `read`; it is looked at as it stands
        return
    held = (data for part in parts if isinstance(data := _payload(part), bytes) and data)
    yield from islice(held, MOST_PARTS)
    if rest := b"\n".join(held):
        yield rest


def _payload(part: EmailMessage) -> object:
    try:
        return part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - the same
        return None


def _sender(message: EmailMessage) -> str:
    """The one address that wrote it; empty where the header leaves any doubt: mail programs would not read it alike.

    `facture@edf.fr <other@x.example>` is such a doubt; `ACME, Inc. <a@b.example>` gives one address, however it is written.
    """
    headers = _froms(message)
    if len(headers) != 1:
        return ""
    parsed = message["From"]
    addresses = [one.addr_spec for one in parsed.addresses]
    if len(addresses) != 1 or any(isinstance(one, InvalidHeaderDefect) for one in parsed.defects):
        addresses = _ADDRESS.findall(headers[0])
        if len(addresses) != 1 or headers[0].count("@") != 1:
            return ""
    return _shown(addresses[0]).casefold()[:254]


def _of_body(part: EmailMessage, kind: str) -> bool:
    """Whether a part is of the text itself: its words, or an image that it shows."""
    disposition = part.get_content_disposition()
    if disposition == "attachment":
        return False
    if kind in _BODIES:
        return part.get_filename() is None
    return kind.startswith("image/") and (disposition == "inline" or part["Content-ID"] is not None)


def _is_sealed(part: EmailMessage) -> bool:
    """Whether a part is encrypted, or holds its files inside of a signature, where only a key or a mail program gets them."""
    kind = part.get_content_type()
    return kind in _SEALED or kind == "multipart/encrypted"


def _automatic(message: EmailMessage, brings: bool) -> str:
    """Why a mail is no invoice of anybody: one of ours that came back, a report, an answer that nobody wrote.

    Software that bills writes « auto-generated »: what brings a file is looked at.
    """
    if message[OURS] is not None:
        return "Courriel de Paraphe revenu dans la boîte."
    if message.get_content_type() == "multipart/report":
        return "Rapport d’un serveur de courriel."
    answered = _header(message, "Auto-Submitted").lower().startswith("auto-replied")
    if answered or (not brings and _header(message, "Auto-Submitted").lower() not in {"", "no"}):
        return "Réponse automatique."
    return ""


def _froms(message: EmailMessage) -> list[str]:
    """Each header that names who wrote it, as it is written."""
    return [str(text) for name, text in message.raw_items() if name.lower() == "from"]


def _header(message: EmailMessage, name: str) -> str:
    return _shown(str(message.get(name) or ""))


def _shown(text: str) -> str:
    """A text of others on one line, without what shows nothing and turns what follows it."""
    return " ".join(plain(cleaned(text)).split())


def _name(part: EmailMessage, kind: str) -> str:
    return cleaned(str(part.get_filename() or "")) or _NAMES.get(kind, "piece-jointe")
