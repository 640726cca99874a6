"""Each letter tells that something waits or happened, with its link, and nothing of what the folder holds."""

import re
from email.message import EmailMessage
from html import unescape

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.core.french import euros, jour, jour_long
from app.core.outbox import Outbox
from app.folders import decide
from app.folders.models import Document, DocumentVersion
from app.notices.letter import message_id
from app.people import desks
from app.people.own_settings.changing import change_setting
from tests.builders.house import House
from tests.mailserver import MailServer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

SUBJECTS = {
    "your_turn": r"Paraphe : 1 dossier vous attend(, (à (viser|signer|publier|archiver) .+|\d+ jours? de retard pour .+))?",
    "refused": r"Paraphe : 1 dossier est rejeté",
    "signed": r"Paraphe : 1 dossier est signé",
    "receipt_arrived": r"Paraphe : un accusé de réception est arrivé(, 1 dossier vous attend)?",
    "done": r"Paraphe : 1 dossier est terminé",
    "password_reset": r"Paraphe : choisir un nouveau mot de passe",
}
REASON = "Il manque le bon de livraison du quai Surcouf."
AT_HOME = "@kerlann-sur-mer.example"


def rows() -> list[Outbox]:
    with reading() as db:
        return list(db.scalars(sa.select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id)))


def letter_of(house: House, mail: MailServer, row: Outbox) -> EmailMessage:
    """The one letter that a row became."""
    name = message_id(row.key, house.settings.public_url)
    (letter,) = [one for one in mail.letters if one["Message-ID"] == name]
    return letter


def forms(letter: EmailMessage) -> tuple[str, str]:
    """The text form and the HTML form."""
    assert letter.get_content_type() == "multipart/alternative"
    text, html = letter.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


def read(html: str) -> str:
    """What a person reads of an HTML form, on one line."""
    body = re.sub(r"<style>.*?</style>", " ", html.split("<body>")[1], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def confidential(house: House, folder_id: int) -> set[str]:
    """Everything that the folder holds, as typed and as printed."""
    folder = house.folder(folder_id)
    held = {folder.title, folder.number, REASON, *(str(one) for one in folder.fields.values())}
    for value in list(folder.fields.values()):
        held |= {euros(value), euros(value).removesuffix("\u00a0€"), jour(str(value)), jour_long(str(value))}
    with reading() as db:
        held |= set(db.scalars(sa.select(Document.title).where(Document.folder_id == folder_id)))
        versions = sa.select(DocumentVersion).join(Document).where(Document.folder_id == folder_id)
        for version in db.scalars(versions):
            held |= {version.filename, version.sha256}
    return {one for one in held if len(one) > 2}


@pytest.fixture
def journeys(house: House, mail: MailServer) -> tuple[int, int, int]:
    """A deliberation and an invoice gone to their end, an invoice that was rejected, and a forgotten password."""
    act = house.a_deliberation(at="done")
    paid = house.an_invoice(at="done")
    invoice = house.a_quick_invoice()
    house.drain()
    version = house.folder(invoice).version
    decide.reject(house.actor("n.abgrallec"), invoice, version=version, reason=REASON)
    desks.ask_reset("t.lescoat")
    house.drain()
    return act, paid, invoice


def test_every_letter_of_the_journeys(house: House, mail: MailServer, journeys: tuple[int, int, int]) -> None:
    held = {folder_id: confidential(house, folder_id) for folder_id in journeys}
    every = rows()
    found = [row for row in every if row.last_error is None]
    assert {row.payload["event"] for row in found} == set(SUBJECTS)
    # Nobody is told that it is his turn who has acted, or for whom another has, before the letter could leave
    over = {(row.payload["event"], row.last_error) for row in every if row not in found}
    assert over == {("your_turn", "n’attend plus cette personne depuis : aucun courriel n’est parti")}
    # An act waits for the Préfecture once signed; an invoice is over at once, which says it all.
    assert [row.folder_id for row in found if row.payload["event"] == "signed"] == [journeys[0]]
    assert [row.folder_id for row in found if row.payload["event"] == "done"] == [journeys[1]]
    assert len(found) == len(mail.letters)
    for row in found:
        letter = letter_of(house, mail, row)
        text, html = forms(letter)
        event = row.payload["event"]
        assert re.fullmatch(SUBJECTS[event], letter["Subject"].replace("\u00a0", " ")), letter["Subject"]
        assert letter["From"] == "Paraphe <ne-pas-repondre@paraphe.invalid>"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["Date"].datetime == row.created_at.replace(microsecond=0)

        # the same sentences in both forms, and one link, which is the right one
        said = read(html)
        link = re.findall(r"https?://[^\s\"<]+", text)
        assert re.findall(r'href="([^"]+)"', html) == link
        assert len(link) == 1
        for line in filter(None, text.splitlines()):
            parts = (
                line.removeprefix("- ").split("\u00a0: ", 1)
                if line.startswith("- ")
                else [line.removesuffix("\u00a0:")]
            )
            assert all(" ".join(one.split()) in said or one in link for one in parts), line
        if event == "password_reset":
            assert link[0].startswith(f"{house.settings.public_url}/mot-de-passe#")
        else:
            assert link == [f"{house.settings.public_url}/dossiers/{row.folder_id}"]
            for one in held[row.folder_id or 0]:
                assert one not in text, one
                assert one not in html.replace("<th ", ""), one
                assert one not in str(letter["Subject"]), one
        assert "!" not in text

    # a rejection tells the depositor and those who had approved who refused
    letters = [letter_of(house, mail, row) for row in found if row.payload["event"] == "refused"]
    assert {str(one["To"].addresses[0].addr_spec) for one in letters} == {
        f"g.trehorel{AT_HOME}",
        f"r.pellenec{AT_HOME}",
    }
    assert all("Nolwenn Abgrallec a rejeté un dossier" in forms(one)[0] for one in letters)
    page = house.client("g.trehorel").get(f"/dossiers/{journeys[2]}").get_data(as_text=True)
    assert REASON in page


def test_a_letter_sent_again_is_the_same_letter(house: House, mail: MailServer) -> None:
    house.an_invoice(at="finance")
    house.drain()
    first = {str(one["Message-ID"]): (str(one["Date"]), str(one["To"]), forms(one)) for one in mail.letters}
    assert len(first) == len(mail.letters) > 1
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox).values(state="pending", attempts=0))
    mail.clear()
    house.drain()
    again = {str(one["Message-ID"]): (str(one["Date"]), str(one["To"]), forms(one)) for one in mail.letters}
    assert again == first


def test_the_link_of_a_forgotten_password_opens_the_door_once(house: House, mail: MailServer) -> None:
    desks.ask_reset("t.lescoat")
    desks.ask_reset("personne")
    house.drain()
    (letter,) = mail.letters
    address = re.findall(r"https?://\S+(/mot-de-passe#\S+)", forms(letter)[0])[0]
    token = address.rsplit("#", 1)[1]
    assert token not in str([row.payload for row in rows()])
    assert house.client().get(address).status_code == 200
    desks.reset(token, "un nouveau mot de passe")
    with pytest.raises(Exception, match="link-expired"):
        desks.reset(token, "encore un mot de passe")


def test_a_name_opens_no_header_and_no_tag(house: House, mail: MailServer) -> None:
    here = house.actor("k.morizur").collectivity_id
    desks.create_user(
        here,
        "e.ve",
        email=f"e.ve{AT_HOME}",
        first_name="Eve\r\nBcc: pirate@example.org\r\n",
        last_name="<b>Gras</b>\x07",
        capacity="Agente",
    )
    desks.seat(here, "technique", "e.ve", [Right.ACT])
    folder_id = house.an_invoice(at="service_done")
    house.drain()
    (letter,) = mail.to(f"e.ve{AT_HOME}")
    assert letter["Bcc"] is None
    assert len(letter["To"].addresses) == 1
    text, html = forms(letter)
    assert "<b>" not in html.split("<body>")[1]
    assert "Bonjour Eve Bcc: pirate@example.org <b>Gras</b>," in text

    mail.clear()
    decide.reject(house.actor("e.ve"), folder_id, version=house.folder(folder_id).version, reason=REASON)
    house.drain()
    (letter,) = mail.letters
    assert [one.addr_spec for one in letter["To"].addresses] == [f"g.trehorel{AT_HOME}"]
    assert letter["Bcc"] is None
    assert "<b>" not in forms(letter)[1].split("<body>")[1]


def test_a_letter_that_may_have_arrived_is_not_sent_again_once_its_reader_has_acted(
    house: House, mail: MailServer
) -> None:
    """A worker that died after the server's answer leaves the row to be tried again: it would say other words by then."""
    folder_id = house.a_quick_invoice()
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Outbox).where(Outbox.folder_id == folder_id).values(attempts=1))
    house.approve(folder_id, "n.abgrallec")
    mail.clear()
    house.drain()
    (mine,) = [row for row in rows() if row.folder_id == folder_id and "n.abgrallec" in (row.recipient or "")]
    assert (mine.state, mine.last_error) == (
        "done",
        "n’attend plus cette personne depuis : aucun courriel n’est parti",
    )
    assert not mail.to(f"n.abgrallec{AT_HOME}")


def test_a_name_written_as_an_encoded_word_opens_no_header_and_no_body(
    house: House, mail: MailServer
) -> None:
    """RFC 2047: Python would read it, line breaks included, in the name of an address."""
    here = house.actor("k.morizur").collectivity_id
    bad = "=?utf-8?q?a=0D=0ABcc:_v@y.fr=0D=0A=0D=0ACliquez?="
    desks.create_user(
        here,
        "z.nom",
        email=f"z.nom{AT_HOME}",
        first_name=bad,
        last_name="Zed",
        capacity="Agent",
        password="une barque rouge au port",
    )
    change_setting(house.actor("k.morizur"), "mail_name", {"mail_name": bad})
    mail.clear()
    desks.ask_reset("z.nom")
    house.drain()
    (letter,) = mail.to(f"z.nom{AT_HOME}")
    assert letter["Bcc"] is None
    assert letter["Message-ID"]
    assert letter["From"].addresses[0].addr_spec == "ne-pas-repondre@paraphe.invalid"
    head = letter.as_bytes().partition(b"\n\n")[0]
    assert not re.search(rb"(?m)^(Bcc|Cliquez)", head)
