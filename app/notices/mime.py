"""The headers and the forms of a letter, by the older classes of Python's library, which write at once what they are given.

The newer ones parse each header, and parse it again to fold it: three times the work. What the older ones would let pass is
refused here.
"""

import re
from email.charset import QP, Charset
from email.header import Header
from email.headerregistry import Address
from email.message import Message
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import Compat32

LINE = 76
"""Signs of a line that bears an encoded word, at most (RFC 2047 §2)."""
_UTF8 = Charset("utf-8")
_UTF8.header_encoding = _UTF8.body_encoding = QP
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Policy(Compat32):
    utf8 = False
    """Asked of each policy by smtplib, where its sender has an accent (RFC 6531); our headers are of ASCII all the same."""


POLICY = _Policy(max_line_length=LINE)


class _Line(Header):
    def encode(self, splitchars: str = "", maxlinelen: int | None = None, linesep: str = "\n") -> str:
        """Its one line: on two, it would be read by some with a space before it."""
        del maxlinelen
        return super().encode(splitchars, 0, linesep)


def set_text(message: Message, name: str, text: str) -> None:
    """Write a header that is a text, whatever its letters are (RFC 2047)."""
    _set(message, name, _words(name, text))


def set_line(message: Message, name: str, text: str) -> None:
    """Write a header that stands on its line as it is, however long: a date, a number, or what is between < and >.

    No encoded word is read there (RFC 2047 §5, RFC 2369 §2).
    """
    _set(message, name, _Line(_safe(text)))


def set_mailbox(message: Message, name: str, shown: str, address: str) -> None:
    """Write a header that is one address, with the name of who is reached there (RFC 5322 §3.4); refuses what is none."""
    _safe(address).encode("ascii")
    mailbox, phrase = Address(_safe(shown), addr_spec=address), _words(name, shown)
    _set(message, name, str(mailbox) if phrase == shown else f"{phrase} <{mailbox.addr_spec}>")


def in_two_forms(text: str, html: str, logo: bytes | None, logo_id: str) -> Message:
    """A letter without headers yet; of its two forms, the second has its image inside (RFC 2387)."""
    second: Message = form("html", html)
    if logo is not None:
        image = MIMEImage(logo, "png")
        image.add_header("Content-ID", f"<{logo_id}>")
        image.add_header("Content-Disposition", "inline", filename="logo.png")
        second = MIMEMultipart("related", _subparts=[second, image])
    return MIMEMultipart("alternative", _subparts=[form("plain", text), second], policy=POLICY)


def form(subtype: str, text: str) -> Message:
    """A text in lines that every server takes (RFC 2045 §6.7): a form of a letter, or one of one form."""
    part = MIMENonMultipart("text", subtype, policy=POLICY, charset="utf-8")
    part.set_payload(text, _UTF8)
    return part


def _words(name: str, text: str) -> str:
    """A text as it stands in a header: itself where it is plain and short, or its encoded words."""
    if _safe(text).isascii() and "=?" not in text and len(name) + 2 + len(text) <= LINE:
        return text
    return Header(text, _UTF8, LINE, name).encode(linesep="")


def _safe(text: str) -> str:
    """A text; refuses one with a sign that ends a line somewhere, and would open another header, or that is no letter."""
    if _UNSAFE.search(text):
        raise ValueError(f"a header has a linefeed, or another sign that is no text: {text!r}")
    return text


def _set(message: Message, name: str, written: str | Header) -> None:
    if name in message:
        raise ValueError(f"a letter has at most 1 {name}")
    message[name] = written  # type: ignore[assignment]  # a Header too, says the library's manual
