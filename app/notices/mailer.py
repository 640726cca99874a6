"""Hand a letter to the mail server; « accepted » is all that this promises, delivery is not ours to claim."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from app.core.outbox import Hopeless

PERMANENT = 500


def send(to: str, message: EmailMessage, settings: Any) -> None:
    """Give the letter to the server; an address refused for good is not tried again (`Hopeless`)."""
    with connect(settings) as server:
        try:
            server.send_message(message, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as refused:
            code, why = next(iter(refused.recipients.values()))
            words = f"adresse refusée par le serveur ({code} {why.decode(errors='replace')})"
            if code >= PERMANENT:
                raise Hopeless(words) from refused
            raise


@contextmanager
def connect(settings: Any) -> Iterator[smtplib.SMTP]:
    """A connection to `smtp://`, `smtp+starttls://` or `smtps://`, with the certificate verified; logs in when asked."""
    parts = urlsplit(settings.mail_url)
    host, user, password = parts.hostname or "localhost", parts.username, parts.password
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=settings.mail_timeout, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=settings.mail_timeout)
    try:
        if parts.scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        if user:
            server.login(unquote(user), unquote(password or ""))
        yield server
        # A server that hangs up badly has accepted the letter all the same: sending again would be a second letter.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()
