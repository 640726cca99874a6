"""A mail server that delivers nowhere: each letter is one file, shown under a page of the demonstration."""

import email
import email.policy
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from app.core.clock import now


@dataclass(frozen=True)
class Mail:
    """One letter as the page shows it."""

    key: str
    subject: str
    sender: str
    recipient: str
    received_at: datetime
    message_id: str
    text: str
    html: str
    link: str | None


class Catcher:
    """The handler of the mail server (aiosmtpd): keeps the letter, and only then accepts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name is aiosmtpd's
        """Write the letter, then say that it is accepted."""
        del server, session
        name = f"{now():%Y%m%d%H%M%S%f}-{secrets.token_hex(4)}.eml"
        (self._folder / name).write_bytes(envelope.original_content or envelope.content)
        return "250 gardé"


def mails(folder: Path) -> list[Mail]:
    """The letters received, newest first."""
    return [_read(path) for path in sorted(folder.glob("*.eml"), reverse=True)[:200]]


def mail(folder: Path, key: str) -> Mail | None:
    """One letter, or None; the key is a name of this folder, never a path."""
    path = next((letter for letter in folder.glob("*.eml") if letter.stem == key), None)
    return _read(path) if path else None


def _read(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    parts = {
        part.get_content_type(): str(part.get_content()) for part in message.walk() if not part.is_multipart()
    }
    text = parts.get("text/plain", "")
    link = next((word for word in text.split() if word.startswith("http")), None)
    at = datetime.strptime(path.stem.split("-")[0] + "+0000", "%Y%m%d%H%M%S%f%z")
    return Mail(
        path.stem,
        str(message["Subject"]),
        str(message["From"]),
        str(message["To"]),
        at,
        str(message["Message-ID"]),
        text,
        parts.get("text/html", ""),
        link,
    )
