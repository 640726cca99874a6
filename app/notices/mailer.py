"""Hand a letter to the mail server; « accepted » is all that this promises, delivery is not ours to claim."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from app.core.outbox import Hopeless
from config import Settings

REFUSED, PERMANENT = 400, 500


def send(to: str, message: EmailMessage, settings: Settings) -> None:
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
def connect(settings: Settings) -> Iterator[smtplib.SMTP]:
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


def trouble(settings: Settings) -> str | None:
    """Why the server would take no letter of ours, in French, asked for real; None when it would. Nothing is sent.

    Raises OSError when nobody answers.
    """
    try:
        with connect(settings) as server:
            code, said = server.noop()
            if code >= REFUSED:
                return f"le serveur de courriel refuse de servir ({_told(code, said)})"
            server.ehlo_or_helo_if_needed()
            code, said = server.mail(parseaddr(settings.mail_from)[1])
            server.rset()
            if code >= REFUSED:
                return f"le serveur de courriel refuse l’expéditeur : corrigez PARAPHE_MAIL_FROM ({_told(code, said)})"
    except smtplib.SMTPNotSupportedError:
        return (
            "le serveur de courriel ne propose pas ce que demande PARAPHE_MAIL_URL : écrivez smtps:// s’il n’a pas STARTTLS, "
            "ou ôtez-en le compte s’il n’en connaît pas"
        )
    except smtplib.SMTPAuthenticationError as error:
        return (
            "le serveur de courriel refuse le compte : corrigez le compte et le mot de passe de PARAPHE_MAIL_URL "
            f"({error.smtp_code})"
        )
    except ssl.SSLCertVerificationError as error:
        return (
            "le certificat du serveur de courriel n’est pas reconnu : donnez dans PARAPHE_MAIL_URL le nom qu’il porte, ou "
            f"faites-le renouveler ({error.verify_message})"
        )
    return None


def _told(code: int, said: bytes) -> str:
    return f"{code} {said.decode(errors='replace')}"
