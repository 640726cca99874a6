"""Hand a letter to the mail server; « accepted » is all that this promises, delivery is not ours to claim."""

import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from email.utils import parseaddr
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from app.core.outbox import Hopeless
from app.notices.returns.marks import HEADER
from app.people.reaching import REFUSED_BY
from config import Settings

REFUSED, PERMANENT = 400, 500


BUSY = 421
"""The server closes the connection, whatever it was asked (RFC 5321 §3.8): nothing of this letter was taken."""
GOODBYE = 2.0
"""Seconds that a server is given to answer our goodbye."""
_Key = tuple[int, str]
_idle: dict[_Key, list["_Line"]] = {}
_lock = Lock()


class AddressRefused(Hopeless):
    """The server refuses the address for good: its `code` and its `reply`."""

    def __init__(self, code: int, reply: str) -> None:
        super().__init__(f"{REFUSED_BY} ({code} {reply})")
        self.code, self.reply = code, reply


class _Line(smtplib.SMTP):
    """A connection that remembers whether it has begun to give a letter's words: from then on, it may have been taken."""

    giving = False
    answer: tuple[int, bytes] = (0, b"")

    def data(self, msg: Any) -> tuple[int, bytes]:
        """As smtplib gives it; what the server answered is kept."""
        # Before the first word leaves: of an answer that is lost, nobody knows whether the letter was taken.
        self.giving = True
        self.answer = super().data(msg)
        return self.answer


class _Secure(_Line, smtplib.SMTP_SSL):
    pass


def send(to: str, message: Message, settings: Settings) -> None:
    """Give the letter to the server; an address refused for good is not tried again (`AddressRefused`).

    A connection serves every letter until nothing is due any more (`hang_up`), with RSET between two. One that was left
    open, and that the server has closed meanwhile, is replaced at once, but only where nothing of the letter can have been
    taken: else the fault is told, and the same letter is tried later. What was accepted is never given again.
    """
    line = _left_open(settings)
    reused = line is not None
    while True:
        line = line or _opened(settings)
        line.giving = False
        try:
            line.ehlo_or_helo_if_needed()
            line.send_message(
                message,
                # Where reports of what did not arrive come back.
                from_addr=settings.bounces_address or None,
                to_addrs=[to],
                mail_options=_marked(line, message),
            )
            break
        except smtplib.SMTPRecipientsRefused as refused:
            code, why = next(iter(refused.recipients.values()))
            if code >= PERMANENT:
                # The address alone was refused: the connection serves the next letter.
                _leave_open(line, settings)
                raise AddressRefused(code, why.decode(errors="replace")) from refused
            line.close()
            if not reused or code != BUSY:
                raise
        except (smtplib.SMTPException, OSError) as fault:
            line.close()
            if not reused or not _untaken(fault, line):
                raise
        # Once: a connection that was just made, and fails too, is told.
        line, reused = None, False
    _leave_open(line, settings)


def are_words_refused(fault: Exception) -> bool:
    """Whether what `send` raised is the server's refusal, for good, of what a letter says: a 5xx to DATA (RFC 5321 §4.2.1)."""
    return isinstance(fault, smtplib.SMTPDataError) and fault.smtp_code >= PERMANENT


class NotTakenError(Exception):
    """The server did not take a letter: its `reply`, empty when it did not answer; whether it refused the address alone.

    `lasting`: asked again, it would answer the same (RFC 5321 §4.2.1).
    """

    def __init__(self, reply: str, *, address: bool = False, lasting: bool = False) -> None:
        super().__init__(reply)
        self.reply, self.address, self.lasting = reply, address, lasting


def hand(to: str, message: Message, settings: Settings) -> None:
    """Give one letter to the server by a connection of its own, once; raises `NotTakenError` when it is not taken."""
    try:
        with connect(settings) as line:
            line.send_message(message, to_addrs=[to])
    except smtplib.SMTPRecipientsRefused as refused:
        code, why = next(iter(refused.recipients.values()))
        raise NotTakenError(_one_line(code, why), address=True) from refused
    except smtplib.SMTPResponseException as refused:
        answer = refused.smtp_error
        reply = _one_line(refused.smtp_code, answer if isinstance(answer, bytes) else answer.encode())
        raise NotTakenError(reply) from refused
    except (smtplib.SMTPException, OSError) as silent:
        raise NotTakenError("") from silent


class UnsureError(Exception):
    """The connection ended while a letter was given: it may have been taken, and may not."""


def deliver(to: str, message: Message, settings: Settings) -> str:
    """Give one letter to the server by a connection of its own, once; returns its answer, « 250 2.0.0 Ok: queued as 4F ».

    Raises `NotTakenError` when it was surely not taken (`lasting` when it never will be), `UnsureError` when nobody knows.
    """
    try:
        line = _opened(settings)
    except (smtplib.SMTPException, OSError) as away:
        raise NotTakenError("") from away
    try:
        line.ehlo_or_helo_if_needed()
        line.send_message(
            message,
            from_addr=settings.bounces_address or None,
            to_addrs=[to],
            mail_options=_marked(line, message),
        )
    except smtplib.SMTPRecipientsRefused as refused:
        code, why = next(iter(refused.recipients.values()))
        raise NotTakenError(_one_line(code, why), address=True, lasting=code >= PERMANENT) from refused
    except smtplib.SMTPResponseException as refused:
        answer = refused.smtp_error
        reply = _one_line(refused.smtp_code, answer if isinstance(answer, bytes) else answer.encode())
        raise NotTakenError(reply, lasting=refused.smtp_code >= PERMANENT) from refused
    except (smtplib.SMTPException, OSError) as fault:
        if line.giving:
            raise UnsureError from fault
        raise NotTakenError("") from fault
    finally:
        with suppress(smtplib.SMTPException, OSError):
            if line.sock is not None:
                line.sock.settimeout(GOODBYE)
            line.quit()
        line.close()
    return _one_line(*line.answer)


def _marked(line: _Line, message: Message) -> list[str]:
    """The mark of the letter, for a server that gives it back in what it reports (RFC 3461)."""
    known = message[HEADER] if line.has_extn("dsn") else None
    return [f"ENVID={known}"] if known else []


def _untaken(fault: Exception, line: _Line) -> bool:
    """Whether a letter was certainly not taken, by a connection that ended: it said so, or was not given a word of it."""
    if isinstance(fault, smtplib.SMTPResponseException):
        return fault.smtp_code == BUSY
    return not line.giving and isinstance(fault, smtplib.SMTPServerDisconnected | OSError)


def _left_open(settings: Settings) -> _Line | None:
    """A connection of before that still answers, or None."""
    key = _key(settings)
    while True:
        with _lock:
            lines = _idle.get(key)
            line = lines.pop() if lines else None
        if line is None:
            return None
        with suppress(smtplib.SMTPException, OSError):
            if line.rset()[0] < REFUSED:
                return line
        line.close()


def _leave_open(line: _Line, settings: Settings) -> None:
    with _lock:
        _idle.setdefault(_key(settings), []).append(line)


def _key(settings: Settings) -> _Key:
    """A connection is of one process: a child that is forked opens its own."""
    return os.getpid(), settings.mail_url


def hang_up() -> None:
    """Say goodbye on every connection that was left open."""
    with _lock:
        lines = [line for (process, _), left in _idle.items() if process == os.getpid() for line in left]
        _idle.clear()
    for line in lines:
        # A server that hangs up badly has accepted its letters all the same: sending again would be a second letter.
        with suppress(smtplib.SMTPException, OSError):
            if line.sock is not None:
                line.sock.settimeout(GOODBYE)
            line.quit()
        line.close()


def _opened(settings: Settings) -> _Line:
    """A connection to `smtp://`, `smtp+starttls://` or `smtps://`, with the certificate verified; logs in when asked."""
    parts = urlsplit(settings.mail_url)
    host, user, password = parts.hostname or "localhost", parts.username, parts.password
    if parts.scheme == "smtps":
        line: _Line = _Secure(
            host, parts.port or 465, timeout=settings.mail_timeout, context=ssl.create_default_context()
        )
    else:
        line = _Line(host, parts.port or 25, timeout=settings.mail_timeout)
    try:
        if parts.scheme == "smtp+starttls":
            line.starttls(context=ssl.create_default_context())
        if user:
            line.login(unquote(user), unquote(password or ""))
    except BaseException:
        line.close()
        raise
    return line


@contextmanager
def connect(settings: Settings) -> Iterator[smtplib.SMTP]:
    """A connection of its own to the server, closed with the body."""
    line = _opened(settings)
    try:
        yield line
        with suppress(smtplib.SMTPException, OSError):
            line.quit()
    finally:
        line.close()


def trouble(settings: Settings) -> str | None:
    """Why the server would take no letter of ours, in French, asked for real; None when it would. Nothing is sent.

    Raises OSError when nobody answers.
    """
    try:
        with connect(settings) as server:
            code, answer = server.noop()
            if code >= REFUSED:
                return f"le serveur de courriel refuse de servir ({_one_line(code, answer)})"
            server.ehlo_or_helo_if_needed()
            code, answer = server.mail(settings.bounces_address or parseaddr(settings.mail_from)[1])
            server.rset()
            if code >= REFUSED:
                return f"le serveur de courriel refuse l’expéditeur : corrigez PARAPHE_MAIL_FROM ({_one_line(code, answer)})"
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


def _one_line(code: int, answer: bytes) -> str:
    """The words of a server, on one line and not for ever."""
    text = answer.decode(errors="replace")
    return " ".join(
        f"{code} {''.join(character if character.isprintable() else ' ' for character in text)}".split()
    )[:200]
