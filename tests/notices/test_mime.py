"""What a letter is given is what Python's newer parser reads of it, and each line is one that every server takes."""

from email.errors import MessageError
from email.headerregistry import HeaderRegistry
from email.message import Message
from email.utils import getaddresses
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
from tests.mailserver import read, written

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


def empty() -> Message:
    return Message(mime.POLICY)


def content(part: Any) -> str:
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def lines(message: Message) -> list[str]:
    return written(message).decode("ascii").split("\r\n")


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_a_text_is_read_as_it_was_given(text: str) -> None:
    message = empty()
    mime.set_text(message, "Subject", text)
    assert str(read(message)["Subject"]) == text
    assert max(map(len, lines(message))) <= 78
    assert all(len(word) <= 75 for line in lines(message) for word in line.split() if word.startswith("=?"))


@settings(deadline=None, max_examples=200)
@given(st.text(LETTERS, max_size=5).map(lambda text: " ".join(text.split())))
def test_a_name_is_read_as_it_was_given_and_leads_to_its_address(name: str) -> None:
    message = empty()
    mime.set_mailbox(message, "To", name, "a.kervadec@kerlann-sur-mer.example")
    (mailbox,) = read(message)["To"].addresses
    assert (mailbox.display_name, mailbox.addr_spec) == (name, "a.kervadec@kerlann-sur-mer.example")
    assert max(map(len, lines(message))) <= 78


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_name_is_a_header_is_one_address(name: str, address: str) -> None:
    message = empty()
    mime.set_mailbox(message, "To", name, address)
    (mailbox,) = read(message)["To"].addresses
    assert (mailbox.addr_spec, read(message).keys()) == (address, ["To"])


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_what_would_open_another_header_is_refused(end: str) -> None:
    for write in (mime.set_text, mime.set_line):
        with pytest.raises(ValueError, match="linefeed"):
            write(empty(), "Subject", f"a{end}Bcc: b@c.fr")
    for shown, address in ((f"a{end}Bcc: b@c.fr", "a@b.fr"), ("a", f"a@b.fr{end}Bcc: b@c.fr")):
        message = empty()
        with pytest.raises(ValueError, match="linefeed"):
            mime.set_mailbox(message, "To", shown, address)
        assert message.keys() == []


@pytest.mark.parametrize("sign", ["\x00", "\t", "\x1b", "\x7f", "\ud800"])
def test_what_is_no_text_is_refused(sign: str) -> None:
    for write in (mime.set_text, mime.set_line):
        with pytest.raises(ValueError, match="no text"):
            write(empty(), "Subject", f"a{sign}b")
    with pytest.raises(ValueError, match="surrogates"):
        mime.form("plain", "\ud800")


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@b.fr", "a b@c.fr", "a@b.fr, c@d.fr", "<a@b.fr>", "a..b@c.fr", "é@b.fr", "a@é.fr"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    message = empty()
    with pytest.raises((ValueError, MessageError, IndexError)):
        mime.set_mailbox(message, "To", "A", address)
    assert message.keys() == []


@pytest.mark.parametrize("length", [10, 60, 200, 900])
def test_what_stands_between_brackets_is_never_an_encoded_word(length: int) -> None:
    message, link = empty(), f"<https://kerlann.example/arret?a=b;c,d#{'é'.encode().hex() * length}>"[:length]
    mime.set_line(message, "List-Unsubscribe", link)
    assert read(message)["List-Unsubscribe"] == link
    assert written(message).decode("ascii") == f"List-Unsubscribe: {link}\r\n\r\n"


def test_a_sender_with_an_accent_asks_for_no_other_letter() -> None:
    """Smtplib asks the policy of a letter for UTF-8 where an address of the envelope has an accent (RFC 6531)."""
    message = empty()
    mime.set_mailbox(message, "To", "Hélène Le Goff", "h.legoff@kerlann.example")
    message.policy = mime.POLICY.clone(utf8=True)
    (mailbox,) = read(message)["To"].addresses
    assert (mailbox.display_name, mailbox.addr_spec) == ("Hélène Le Goff", "h.legoff@kerlann.example")


def test_the_image_of_a_form_is_inside_it() -> None:
    message = read(mime.in_two_forms("a\n", "<p></p>\n", b"\x89PNG\r\n.\n", "logo@paraphe"))
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png")
    ]
    *_, image = message.walk()
    assert content(message.get_body(("html",))) == "<p></p>\n"
    assert (image["Content-ID"], image.get_content()) == ("<logo@paraphe>", b"\x89PNG\r\n.\n")


def test_a_header_stands_once() -> None:
    message = empty()
    for name in ("Subject", "To", "Bcc", "Message-ID"):
        mime.set_line(message, name, "a")
        with pytest.raises(ValueError, match="at most 1"):
            mime.set_line(message, name, "b")


BODIES = st.text(LETTERS + "\n", max_size=400)


@settings(deadline=None, max_examples=200)
@given(BODIES, BODIES)
def test_both_forms_are_read_as_they_were_given(text: str, html: str) -> None:
    message = mime.in_two_forms(f"{text}\n", f"{html}\n", None, "")
    plain, other = read(message).iter_parts()
    assert (plain.get_content_type(), content(plain)) == ("text/plain", f"{text}\n")
    assert (other.get_content_type(), content(other)) == ("text/html", f"{html}\n")
    assert max(map(len, lines(message))) <= 78


@pytest.mark.parametrize("text", [".", "..\n.\n", "From here\n", "a \nb\t\n \n", "=20\n", "é" * 300])
def test_what_ails_a_relay_is_read_as_it_was_given(text: str) -> None:
    message = mime.in_two_forms(f"{text}\n", "<p></p>\n", None, "")
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
    assert b"Subject: " in written(letter.write(row, house.settings, house.app.jinja_env).message)
    assert parsed == []


def test_a_domain_with_an_accent_is_written_as_every_server_takes_it(house: House) -> None:
    """Of who sends as of who receives: smtplib takes the first from the letter, where nothing else says it (RFC 5891)."""
    message, chosen = empty(), house.settings.model_copy(update={"mail_from": "Paraphe <p@kérlann.example>"})
    letter.address(message, chosen, {"from_name": "Kérlann, « Mer »", "reply_to": "a@é.fr"}, "A", "b@é.fr")
    addresses = [read(message)[name].addresses[0].addr_spec for name in ("From", "Reply-To", "To")]
    assert addresses == ["p@xn--krlann-bva.example", "a@xn--9ca.fr", "b@xn--9ca.fr"]
    assert getaddresses([message["From"]])[0][1] == addresses[0]
