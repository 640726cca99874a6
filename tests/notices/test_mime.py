"""What is written here of a letter is what Python's library reads, and each line is one that every server takes."""

from contextlib import suppress
from email import message_from_bytes, policy
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.db import reading
from app.core.outbox import Outbox
from app.notices import letter, mime
from app.people import desks
from tests.builders.house import House

LETTERS = "abcXYZ 019éÉœ\u00a0\u202f’«»–€ñß漢字😀ÿ=?_,.;:<>()[]@\"\\'!#$%&*+-/^`{|}~\u0301"
TEXTS = st.text(LETTERS, min_size=1, max_size=200).map(str.strip).filter(bool)
NAMES = (
    "",
    "Armel Kervadec",
    "Hélène Le Goff",
    "J.-P. Martin",
    'Le « Bar » "du" Port, (Quai)',
    "a=?utf-8?q?b?=",
    "Ñ" * 90,
    "A" * 200,
    "Communauté de communes du Pays de Kerlann-sur-Mer et de la Presqu’île de Rhuys",
    "Ευαγγελία 漢字 😀",
)
ADDRESSES = (
    "a@b.fr",
    "a.kervadec+paraphe@kerlann-sur-mer.example",
    '"a b"@kerlann.example',
    f"{'a' * 64}@{'b' * 60}.example",
)


def written(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n", utf8=False))


def read(message: EmailMessage) -> Any:
    return message_from_bytes(written(message), policy=policy.default)


def content(part: Any) -> str:
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def lines(message: EmailMessage) -> list[str]:
    return written(message).decode("ascii").split("\r\n")


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_a_text_is_read_as_it_was_given(text: str) -> None:
    message = EmailMessage(mime.POLICY)
    mime.set_text(message, "Subject", text)
    assert str(read(message)["Subject"]) == text == str(message["Subject"])
    assert max(map(len, lines(message))) <= 78
    assert all(len(word) <= 75 for line in lines(message) for word in line.split() if word.startswith("=?"))


@settings(deadline=None, max_examples=200)
@given(st.text(LETTERS, max_size=5).map(lambda text: " ".join(text.split())))
def test_a_name_is_read_as_it_was_given_and_leads_to_its_address(name: str) -> None:
    message = EmailMessage(mime.POLICY)
    mime.set_mailbox(message, "To", name, "a.kervadec@kerlann-sur-mer.example")
    (mailbox,) = read(message)["To"].addresses
    assert (mailbox.display_name, mailbox.addr_spec) == (name, "a.kervadec@kerlann-sur-mer.example")
    assert str(message["To"]) == str(read(message)["To"])
    assert max(map(len, lines(message))) <= 78


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_name_is_a_header_is_one_address(name: str, address: str) -> None:
    message = EmailMessage(mime.POLICY)
    mime.set_mailbox(message, "To", name, address)
    (mailbox,) = read(message)["To"].addresses
    assert (mailbox.addr_spec, read(message).keys()) == (address, ["To"])


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_what_would_open_another_header_is_refused(end: str) -> None:
    for write in (mime.set_text, mime.set_line):
        with pytest.raises(ValueError, match="linefeed"):
            write(EmailMessage(mime.POLICY), "Subject", f"a{end}Bcc: b@c.fr")
    message = EmailMessage(mime.POLICY)
    with suppress(ValueError):
        mime.set_mailbox(message, "To", f"a{end}Bcc: b@c.fr", "a@b.fr")
    assert read(message).keys() == message.keys()


def test_a_header_stands_once() -> None:
    message = EmailMessage(mime.POLICY)
    for name in ("Subject", "To", "Bcc", "Message-ID"):
        mime.set_line(message, name, "a")
        with pytest.raises(ValueError, match="at most 1"):
            mime.set_line(message, name, "b")


BODIES = st.text(LETTERS + "\n", max_size=400)


@settings(deadline=None, max_examples=200)
@given(BODIES, BODIES)
def test_both_forms_are_read_as_they_were_given(text: str, html: str) -> None:
    message = EmailMessage(mime.POLICY)
    mime.set_line(message, "Message-ID", "<a@b>")
    mime.set_forms(message, f"{text}\n", f"{html}\n")
    plain, other = read(message).iter_parts()
    assert (plain.get_content_type(), content(plain)) == ("text/plain", f"{text}\n")
    assert (other.get_content_type(), content(other)) == ("text/html", f"{html}\n")
    assert max(map(len, lines(message))) <= 78


@pytest.mark.parametrize("text", [".", "..\n.\n", "From here\n", "a \nb\t\n \n", "=20\n", "é" * 300])
def test_what_ails_a_relay_is_read_as_it_was_given(text: str) -> None:
    message = EmailMessage(mime.POLICY)
    mime.set_forms(message, f"{text}\n", "<p></p>\n")
    plain, _ = read(message).iter_parts()
    assert content(plain) == f"{text}\n"
    assert all(not line.endswith((" ", "\t")) for line in lines(message))


def test_no_header_of_a_letter_is_parsed_to_write_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    desks.ask_reset("t.lescoat")
    with reading() as db:
        row = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id.desc())).first()
    parsed = []

    def parse(self: HeaderRegistry, name: str, value: Any, real: Any = HeaderRegistry.__call__) -> Any:
        parsed.append(name)
        return real(self, name, value)

    monkeypatch.setattr(HeaderRegistry, "__call__", parse)
    message = letter.write(row, house.settings, house.app.jinja_env).message
    message.as_bytes()
    assert parsed == []
