"""The headers and the two forms of a letter, written at once as they leave.

Python's library parses each header that it is given, and again to fold it: two fifths of what a letter cost. What is plain is
written here; what is not is left to the library.
"""

import re
import secrets
from binascii import b2a_qp
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

LINE, WORD = 76, 75
"""Signs of a line that bears an encoded word, and of such a word, at most (RFC 2047 §2)."""
_OPENS, _CLOSES = "=?utf-8?q?", "?="
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What ends a line somewhere, or is no text: the library refuses it."""
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_SPECIAL = re.compile(r'[()<>@,:;."\\\[\]]')
"""What a name has between quotes alone (RFC 5322 §3.2.3)."""
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*")
"""An address without comment, quotes or accent, the only one that is written as it is (RFC 5322 §3.4.1)."""
_PLAINLY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
"""What stands for itself in an encoded word, in a name too (RFC 2047 §5)."""
_ONCE = frozenset(
    {
        *("subject", "from", "sender", "reply-to", "to", "cc", "bcc", "date", "message-id"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    }
)
"""The headers that a letter has once (RFC 5322 §3.6, RFC 2045 §4)."""


class Header(str):
    """The text of a header, as who reads it sees it, with the lines in which it is written: the library asks no more of one."""

    __slots__ = ("lines", "name")
    name: str
    lines: tuple[str, ...]

    def fold(self, *, policy: Any) -> str:
        """Its lines."""
        ends: str = policy.linesep
        return f"{self.name}: {f'{ends} '.join(self.lines)}{ends}"


def _header(name: str, text: str, *lines: str) -> Header:
    header = Header(text)
    header.name, header.lines = name, lines or (text,)
    return header


class Policy(EmailPolicy):
    """That of our letters: whether a header may stand twice is known of its name, and not looked up in a class made for it."""

    def header_max_count(self, name: str) -> int | None:
        """How often at most; None where it may be as often as one likes."""
        return 1 if name.lower() in _ONCE else None


POLICY = Policy()


def set_text(message: EmailMessage, name: str, text: str) -> None:
    """Write a header that is a text, whatever its letters are (RFC 2047); the library refuses what would open another."""
    if _UNSAFE.search(text):
        message[name] = text
    elif not text.isascii() or "=?" in text:
        message[name] = _header(name, text, *_encoded(text, len(name) + 2))
    elif len(name) + 2 + len(text) <= LINE:
        message[name] = _header(name, text)
    else:
        message[name] = text


def set_line(message: EmailMessage, name: str, text: str) -> None:
    """Write a header that stands on its line as it is, however long: an address, a number or a mark of ours, in ASCII.

    Between < and > it is read so (RFC 2369 §2); the library would write a long word as an encoded one, which RFC 2047 §5 forbids
    there. What is not plain is left to it all the same.
    """
    message[name] = text if not text.isascii() or _UNSAFE.search(text) else _header(name, text)


def set_mailbox(message: EmailMessage, name: str, shown: str, address: str) -> None:
    """Write a header that is one address, with the name of who is reached there (RFC 5322 §3.4)."""
    phrase = _phrase(shown, WORD - len(name))
    if phrase is None or _ADDRESS.fullmatch(address) is None or len(address) > LINE - 3:
        message[name] = Address(shown, addr_spec=address)
        return
    written = f"<{address}>" if shown else address
    text, line = f"{_quoted(shown)} {written}".strip(), f"{phrase} {written}".strip()
    # On two lines where one would be too long
    lines = (phrase, written) if phrase and len(name) + 2 + len(line) > LINE else (line,)
    message[name] = _header(name, text, *lines)


def _phrase(shown: str, room: int) -> str | None:
    """A name as it stands before an address (RFC 5322 §3.2.5), of so many signs at most; None of one that is not so plain."""
    if not shown:
        return ""
    if _UNSAFE.search(shown):
        return None
    # One word alone: the space between two of them is read by some, Python's library among them, as one of the name
    parts = _encoded(shown, 0) if not shown.isascii() or "=?" in shown else [_quoted(shown)]
    return parts[0] if len(parts) == 1 and len(parts[0]) <= room else None


def _quoted(shown: str) -> str:
    """A name between quotes where it has signs that mean something there."""
    if not _SPECIAL.search(shown):
        return shown
    return '"{}"'.format(shown.replace("\\", "\\\\").replace('"', '\\"'))


def _encoded(text: str, before: int) -> Sequence[str]:
    """The encoded words of a text, one a line, after so many signs of the first; no letter is cut in two (RFC 2047 §5)."""
    parts, word, room = [], "", LINE - before - len(_OPENS + _CLOSES)
    for sign in text:
        code = _code(sign)
        if len(word) + len(code) > room:
            parts.append(f"{_OPENS}{word}{_CLOSES}")
            word, room = "", WORD - len(_OPENS + _CLOSES)
        word += code
    return [*parts, f"{_OPENS}{word}{_CLOSES}"]


def _code(sign: str) -> str:
    if sign in _PLAINLY:
        return sign
    return "_" if sign == " " else "".join(f"={byte:02X}" for byte in sign.encode())


def _of_text(subtype: str) -> Header:
    return _header("Content-Type", f'text/{subtype}; charset="utf-8"')


_TEXT, _HTML = _of_text("plain"), _of_text("html")
_VERSION = _header("MIME-Version", "1.0")
_QUOTED = _header("Content-Transfer-Encoding", "quoted-printable")


def set_forms(message: EmailMessage, text: str, html: str) -> EmailMessage:
    """Give a letter its two forms, and return the second: what the library makes of them, and every server takes (RFC 2045 §6.7).

    What stands between them is drawn for the letter: nothing that is typed can be it.
    """
    forms: list[Any] = [_form(_TEXT, text), _form(_HTML, html)]
    between = f"=_{secrets.token_hex(16)}"
    message["MIME-Version"] = _VERSION
    kind = "multipart/alternative;"
    name = f'boundary="{between}"'
    message["Content-Type"] = _header("Content-Type", f"{kind} {name}", kind, name)
    message.set_payload(forms)
    second: EmailMessage = forms[1]
    return second


def _form(kind: Header, text: str) -> EmailMessage:
    part = EmailMessage(POLICY)
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = _QUOTED
    part.set_payload(b2a_qp(text.encode(), istext=True).decode("ascii"))
    return part
