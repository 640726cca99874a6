"""Read what a mail server says of a letter that it could not deliver (RFC 3464, in the envelope of RFC 3462).

Whoever knows the mailbox writes to it: nothing is believed that does not bear the mark of a letter of ours, whatever it says.
"""

import email
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from app.core.texts import cleaned
from app.notices.bounces import Answer
from app.notices.returns import marks

STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
RETURNED = frozenset({"message/rfc822", "message/global"})
HEADERS = frozenset({"text/rfc822-headers", "message/global-headers"})
MOST_PARTS = 20


@dataclass(frozen=True)
class Report:
    """What became of one of our letters; `answer` is None where it is late, relayed or delivered: nothing is lost then."""

    letter: marks.Letter
    answer: Answer | None


def read(raw: bytes) -> Report | None:
    """The report that these bytes are, cut or not after what it says; None for any other message, or about none of ours."""
    try:
        message = email.message_from_bytes(raw)
        parts = _parts(message)
        status = next((part for part in parts if part.get_content_type() in STATUS), None)
        if message.get_content_type() != "multipart/report" or status is None:
            return None
        blocks = [block for block in _payload(status) if isinstance(block, Message)]
        letter = next(filter(None, map(marks.letter_of, _candidates(blocks, parts))), None)
        if letter is None:
            return None
        failed = next((block for block in blocks if _field(block, "Action").lower() == "failed"), None)
        return Report(letter, None if failed is None else _answer(failed))
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        return None  # what no mail server writes


def _candidates(blocks: list[Message], parts: list[Message]) -> Iterator[str]:
    """Where a mark of ours may stand: the number of the envelope, then the headers of the letter that came back."""
    for block in blocks[:1]:
        yield _field(block, "Original-Envelope-Id")
    for part in parts:
        kind = part.get_content_type()
        if kind in RETURNED:
            yield from (_field(returned, marks.HEADER) for returned in _payload(part)[:1])
        if kind in HEADERS:
            text = part.get_payload(decode=True)
            yield _field(email.message_from_bytes(text if isinstance(text, bytes) else b""), marks.HEADER)


def _answer(block: Message) -> Answer:
    """The status of RFC 3463, and the words of the server that refused, without the protocol that they begin with."""
    diagnostic = _field(block, "Diagnostic-Code")
    return Answer(_field(block, "Status"), diagnostic.partition(";")[2].strip() or diagnostic)


def _parts(message: Message) -> list[Message]:
    return _payload(message)[:MOST_PARTS] if message.is_multipart() else []


def _payload(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _field(block: Message, name: str) -> str:
    return " ".join(cleaned(str(block.get(name) or "")).split())
