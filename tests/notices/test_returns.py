"""What servers say of letters that came back is read in a mailbox, believed of our letters alone, and nothing of it is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import reading
from app.notices import bounces
from app.notices.models import Bounce
from app.notices.returns import mailbox, marks, reports
from app.operations.doctor import examine
from app.people.models import User
from config import Settings
from tests.builders.house import House
from tests.imapserver import ImapServer

pytestmark = pytest.mark.in_turn

N = "n.abgrallec"
ADDRESS = f"{N}@kerlann-sur-mer.example"
SAMPLES = Path(__file__).with_name("returned")
STYLES = ("postfix", "exchange", "gmail")
CODE = "retours-d-essai"


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    server = ImapServer(CODE)
    yield server
    server.stop()


def reads(house: House, imap: ImapServer, code: str = CODE) -> Settings:
    return house.settings.model_copy(
        update={"bounces_url": f"imap://retours:{code}@127.0.0.1:{imap.port}/INBOX"}
    )


def report(style: str, mark: str, **more: str) -> bytes:
    text = SAMPLES.joinpath(f"{style}.eml").read_text().replace("{mark}", mark).replace("{address}", ADDRESS)
    for former, present in more.items():
        text = text.replace(former, present)
    return text.encode()


def a_letter(house: House) -> str:
    """The mark of the last letter that the person was given."""
    folder_id = house.a_quick_invoice()
    outbox.drain()
    letter = house.mail.to(ADDRESS)[-1]
    assert folder_id
    return str(letter[marks.HEADER])


def kept() -> list[tuple[bool, str]]:
    with reading() as db:
        return [(row.permanent, row.reply) for row in db.scalars(sa.select(Bounce).order_by(Bounce.id))]


def told(settings: Settings) -> str:
    return next(finding.sentence for finding in examine(settings) if finding.name == "courriels revenus")


@pytest.mark.both_databases
def test_three_letters_that_came_back_are_kept_once_and_their_reports_go_after(
    house: House, imap: ImapServer
) -> None:
    settings = reads(house, imap)
    lost = [a_letter(house) for _ in STYLES]
    for style, mark in zip(STYLES, lost, strict=True):
        imap.receive(report(style, mark))
    # The line breaks once the first is kept, before its message goes: it is the same fact at the next look
    imap.breaks_at = "UID STORE"
    with pytest.raises(mailbox.FAULTS):
        mailbox.read(settings)
    assert (len(kept()), len(imap.messages), imap.deleted) == (1, 3, set())
    assert mailbox.read(settings) == 2
    assert (imap.messages, mailbox.read(settings)) == ({}, 0)
    assert [permanent for permanent, _ in kept()] == [True] * 3
    words = " ".join(words for _, words in kept())
    assert "User unknown" in words
    assert "RecipientNotFound" in words
    assert "is inactive" in words
    assert "@" not in words
    with reading() as db:
        assert db.scalar(sa.select(User.mail_refusals).where(User.login == N)) == 3
        folders = db.scalars(sa.select(Bounce.folder_id)).all()
    assert len({*folders} - {None}) == 3
    page = house.client("g.trehorel").get(f"/dossiers/{folders[0]}?onglet=journal").get_data(as_text=True)
    assert "revenu : 5.1.1" in page
    assert told(settings) == "la boîte est lue, rien n’y reste"


def test_what_is_no_loss_of_our_letters_stays_in_the_mailbox_and_is_counted(
    house: House, imap: ImapServer
) -> None:
    settings, mark = reads(house, imap), a_letter(house)
    number, address, signature = mark.split("-")
    other = marks.mark(int(number), "quelqu.un@ailleurs.example")
    strange = [
        report("postfix", f"{number}-{address}-{'0' * 32}"),  # forged
        report(
            "postfix", f"{int(number) + 1}-{address}-{signature}"
        ),  # another letter under the same signature
        report("exchange", mark, failed="delayed"),  # it may still arrive
        report("gmail", mark, **{"multipart/report": "multipart/mixed"}),
        house.mail.to(ADDRESS)[-1].as_bytes(),  # a letter of ours, in a loop
        b"From: x@y.example\nSubject: bonjour\n\nmessage d'absence " + mark.encode(),
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\xff\xfe\x00\n--b",
        b"",
        b"\x00" * 500_000,
        b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\nContent-Type: message/rfc822\n\n" * 3_000,
    ]
    for message in strange:
        imap.receive(message)
    assert mailbox.read(settings) == 0
    assert (len(imap.messages), imap.deleted, kept()) == (len(strange), set(), [])
    assert not any("FETCH" in words and "PEEK" not in words for words in imap.seen), "none is marked as read"
    sentence = told(settings).replace("\u00a0", " ")
    assert f"{len(strange)} messages y restent" in sentence
    # Read once: a look later asks for none of them again
    imap.seen.clear()
    mailbox.read(settings)
    assert not any("FETCH" in words for words in imap.seen)
    # A true report of a letter to an address that is no more the person's is kept, and counts against nobody
    imap.receive(report("gmail", other))
    assert mailbox.read(settings) == 1
    with reading() as db:
        assert db.scalar(sa.select(User.mail_refusals).where(User.login == N)) == 0


def test_the_worker_reads_the_mailbox_and_the_doctor_says_why_it_cannot(
    house: House, imap: ImapServer
) -> None:
    wrong = reads(house, imap, "autre")
    mailbox.Round(wrong)(None)  # type: ignore[arg-type]  # it looks at nothing of the row
    assert "vérifiez PARAPHE_BOUNCES_URL" in told(wrong)
    assert "autre" not in told(wrong)
    assert "n’a pas pu être lue la dernière fois" in told(reads(house, imap)), "until it is read"
    imap.expunging = False
    number = imap.receive(report("postfix", a_letter(house)))
    settings = reads(house, imap)
    for _ in range(2):
        mailbox.look(settings)
    with reading() as db:
        (row,) = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.kind == mailbox.KIND))
    assert row.state == "pending"
    mailbox.Round(settings)(None)  # type: ignore[arg-type]
    assert (imap.deleted, len(kept())) == ({number}, 1), (
        "a server that takes none away alone is left to its keeper"
    )
    assert told(settings) == "la boîte est lue, rien n’y reste"
    # Made anew, the mailbox numbers its messages from the first
    imap.messages.clear()
    imap.deleted.clear()
    imap.validity, imap._next = 8, 1
    imap.receive(report("postfix", a_letter(house)))
    assert mailbox.read(settings) == 1


def test_a_report_is_about_the_address_or_about_a_rule_of_the_server() -> None:
    answers = {
        ("5.1.1", "550 unknown"): True,
        ("5.2.2", "552 mailbox full"): False,
        ("5.7.1", "550 blocked"): False,
        ("4.4.7", "delivery time expired"): False,
        ("550", "no such user"): True,
        ("552", "too much mail data"): False,
        ("554", "5.7.1 relay access denied"): False,
    }
    assert {one: bounces.Answer(*one).of_the_address for one in answers} == answers
    assert reports.read(b"x") is None
