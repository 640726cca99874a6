"""Invoices that come by mail, read in a real Dovecot: kept once, opened, held, told; nothing goes before it is kept."""

import dataclasses
import email.message
import imaplib
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import pytest
import sqlalchemy as sa

from app import create_app
from app.arrivals import receiving, routing
from app.arrivals.mail import boxes, fetching, letter
from app.arrivals.mail.boxes import Box
from app.arrivals.models import Arrival, ArrivalFile, Mailbox
from app.arrivals.routing import Destination, Routing
from app.core.db import reading
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.files import vault
from app.folders.models import Document, DocumentVersion
from app.notices.returns.marks import HEADER
from tests.builders.clamd import EICAR, clamd
from tests.builders.house import INVOICE, House
from tests.dovecot import PASSWORD, Dovecot
from tests.invoices.test_proposals import printed

pytestmark = pytest.mark.in_turn
ACCOUNT = "factures"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000154a24f5d0000000049454e44ae426082"
)


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    made = Dovecot()
    yield made
    made.stop()


@pytest.fixture
def town(house: House, dovecot: Dovecot) -> House:
    """The house whose host lets mailboxes of this machine be read."""
    settings = house.settings.model_copy(update={"mailbox_hosts": (f"127.0.0.1:{dovecot.port}",)})
    made = House(create_app(settings), settings, house.pki, house.mail)
    routing.choose(made.actor("k.morizur"), Routing((), Destination("comptabilite", "")))
    return made


def a_box(town: House, dovecot: Dovecot, account: str, *senders: str, removes: bool = False) -> Box:
    """A mailbox that an administrator chose."""
    actor = town.actor("k.morizur")
    wanted = Box(
        0,
        actor.collectivity_id,
        f"{account}@kerlann.example",
        "invoice",
        "imap",
        "127.0.0.1",
        dovecot.port,
        account,
        "INBOX",
        senders,
        removes,
    )
    number = boxes.save(actor, wanted, PASSWORD)
    return the_box(number)


def the_box(number: int) -> Box:
    with reading() as db:
        return boxes.plain(db.get_one(Mailbox, number))


def mail(subject: str = "Facture", sender: str = "compta@roz-avel.example", *files: Path, **headers: str):
    made = email.message.EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "factures@kerlann.example", subject
    made["Message-ID"] = f"<{subject.encode().hex()}@roz-avel.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Bonjour,\n\nVeuillez trouver notre facture.\n")
    for path in files:
        kind = "pdf" if path.suffix == ".pdf" else "xml"
        made.add_attachment(path.read_bytes(), "application", kind, filename=path.name)
    return made


def arrivals() -> list[Arrival]:
    with reading() as db:
        return list(db.scalars(sa.select(Arrival).order_by(Arrival.id)))


def plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def page(house: House, login: str, url: str) -> str:
    return plain(house.client(login).get(url).get_data(as_text=True))


def test_the_mails_of_a_mailbox_become_folders_once_and_each_is_kept_beside(
    town: House, dovecot: Dovecot
) -> None:
    box = a_box(town, dovecot, "un")
    one = mail(
        "Novembre", "Compta <Compta@Roz-Avel.example>", INVOICE, INVOICE.parent / "cii-extended-fr.xml"
    )
    signed = mail("Signature", "a@b.example", INVOICE.parent / "fx-basicwl-fr-facture.pdf")
    signed.add_attachment(PNG, "image", "png", disposition="inline", cid="<logo@a>")
    dovecot.deliver("un", bytes(one), bytes(signed))
    fetching.look()
    town.drain()
    first, second, apart = arrivals()
    assert [one.state for one in (first, second, apart)] == ["opened"] * 3
    assert first.origin == "Courriel de compta@roz-avel.example : Novembre"
    assert first.name == "Boîte un@kerlann.example"
    assert town.folder(first.folder_id).depositor_name == "Boîte un@kerlann.example"
    assert second.remarks[0].startswith("1 image du corps du courriel, comme une signature, est restée")
    with reading() as db:
        proof = db.scalars(
            sa.select(ArrivalFile).where(ArrivalFile.arrival_id == first.id, ArrivalFile.kind == "evidence")
        ).one()
    kept = vault.store().read(vault.scope(first.collectivity_id), proof.sha256)
    assert b"Veuillez trouver notre facture" in kept
    # whoever reads the folder has the mail, and nobody else
    reader = town.client("g.trehorel")
    shown = plain(reader.get(f"/dossiers/{first.folder_id}/brouillon").get_data(as_text=True))
    listed = reader.get(f"/dossiers/{first.folder_id}/arrivee").get_data(as_text=True)
    assert "courriel.eml" in listed
    address = f"/dossiers/{first.folder_id}/arrivee/{proof.position}"
    assert reader.get(address).data == kept
    assert reader.get(f"/dossiers/{second.folder_id}/arrivee/{proof.id + 90}").status_code == 404
    assert town.client("t.lescoat").get(address).status_code == 404
    assert "Voir ce qui est arrivé" in shown
    # it stays there, marked; read again it is the same, whatever the mailbox counts from
    assert all("\\Seen" in flags for flags in dovecot.flags("un"))
    again = dataclasses.replace(the_box(box.id), validity=0, last=0)
    assert fetching.read(again, town.settings) == 0
    assert len(arrivals()) == 3
    shown = the_box(box.id)
    assert (shown.fault, shown.last) == ("", 2)


def test_what_is_no_invoice_is_told_or_put_aside_and_strangers_wait(town: House, dovecot: Dovecot) -> None:
    box = a_box(town, dovecot, "deux", "@roz-avel.example", removes=True)
    sealed = email.message.EmailMessage()
    sealed["From"], sealed["Subject"] = "compta@roz-avel.example", "Chiffrée"
    sealed.set_content(b"0\x80", "application", "pkcs7-mime", filename="smime.p7m")
    dovecot.deliver(
        "deux",
        bytes(mail("Sans pièce")),
        bytes(sealed),
        bytes(mail("Inconnu", "quelqu-un@ailleurs.example", INVOICE)),
        bytes(mail("Absent", "compta@roz-avel.example", Auto_Submitted="auto-replied")),
        bytes(mail("Revenu", "compta@roz-avel.example", INVOICE, **{HEADER: "1-a-b"})),
        b"\xff\xfe\x00 not a mail at all",
        bytes(mail("Logiciel", "facturation@roz-avel.example", INVOICE, Auto_Submitted="auto-generated")),
    )
    assert fetching.read(box, town.settings) == 7
    assert dovecot.flags("deux") == []  # what is kept goes, where that was chosen
    town.drain()
    told = [(one.state, one.reason) for one in arrivals()]
    assert told == [
        ("refused", receiving.NO_FILE),
        ("refused", letter.ENCRYPTED),
        ("held", fetching.STRANGER),
        ("aside", None),
        ("aside", None),
        ("held", fetching.STRANGER),  # of nobody
        ("opened", None),
    ]
    listed = page(town, "g.trehorel", "/arrivees")
    for words in (
        "Rien de ce qui est arrivé n’est une pièce à déposer",
        "Ce courriel est chiffré",
        "Cet expéditeur n’est pas de ceux que l’administration a reconnus",
        "Laisser entrer",
        "courriel gardé",
    ):
        assert words in listed
    assert "Réponse automatique." in page(town, "g.trehorel", "/arrivees?etat=de-cote")
    stranger = arrivals()[2]
    client = town.client("g.trehorel")
    form = {"csrf_token": town.csrf(client), "tries": stranger.tries}
    client.post(f"/arrivees/{stranger.id}/reprendre", data=form)
    town.drain()
    assert arrivals()[2].state == "opened"


def test_a_mail_that_cannot_be_read_is_told_and_stops_none_after_it(
    town: House, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = a_box(town, dovecot, "cinq", "@roz-avel.example")
    many = mail("Beaucoup", "compta@roz-avel.example", INVOICE)
    for rank in range(letter.MOST_PARTS):
        many.add_attachment(PNG, "image", "png", disposition="inline", cid=f"<{rank}@a>")
    lying = bytes(mail("Menteur", "x@y.example", INVOICE))
    lying = lying.replace(b"From: x@y.example", b"From: compta@roz-avel.example <evil@x.example>")
    comma = bytes(mail("Virgule", "x@y.example", INVOICE))
    comma = comma.replace(b"From: x@y.example", b"From: Roz-Avel, SARL <compta@roz-avel.example>")
    dovecot.deliver(
        "cinq",
        b"From: a@[ \r\nSubject: poison\r\n\r\nbonjour\r\n",
        bytes(many),
        lying,
        comma,
        bytes(mail("Sens\u202e caché", "compta@roz-avel.example", INVOICE)),
    )
    asked = imaplib.IMAP4.uid

    def uid(line: imaplib.IMAP4, command: str, *words: str):
        if command == "FETCH" and words[0] == "4" and "BODY" in words[1]:
            return "NO", [b"[SERVERBUG] Internal error occurred."]
        return asked(line, command, *words)

    monkeypatch.setattr(imaplib.IMAP4, "uid", uid)
    fetching.look()
    town.drain()
    told = [(one.state, one.reason) for one in arrivals()]
    assert told == [
        ("held", fetching.STRANGER),
        ("refused", letter.MANY),
        ("held", fetching.STRANGER),
        ("opened", None),
    ]
    assert arrivals()[2].origin == "Courriel de personne : Menteur"
    assert "douteuse, « compta@roz-avel.example <evil@x.example> »" in arrivals()[2].remarks[0]
    assert arrivals()[3].origin == "Courriel de compta@roz-avel.example : Sens caché"
    # the one that its server does not give is told, asked again, and comes once it is given
    url = "/administration/arrivees/boites"
    shown = page(town, "k.morizur", url)
    assert "Relevée en partie" in shown
    assert "1 courriel n’est pas venu, et est redemandé à chaque relève : le serveur répond NO" in shown
    assert "se relève en partie" in page(town, "k.morizur", "/a-traiter")
    admin = town.client("k.morizur")
    form = {"csrf_token": town.csrf(admin)}
    answer = admin.post(f"{url}/{box.id}/relever", data=form, follow_redirects=True)
    assert "0 courriel de plus ; 1 courriel n’est pas venu" in plain(answer.get_data(as_text=True))
    monkeypatch.setattr(imaplib.IMAP4, "uid", asked)
    assert fetching.read(the_box(box.id), town.settings) == 1
    shown = the_box(box.id)
    assert (shown.fault, shown.missed, shown.last) == ("", (), 5)
    assert arrivals()[4].origin == "Courriel de compta@roz-avel.example : Virgule"
    # a search that is refused is no empty mailbox
    monkeypatch.setattr(imaplib.IMAP4, "uid", lambda *_: ("NO", [b"[SERVERBUG]"]))
    answer = admin.post(f"{url}/{box.id}/relever", data=form, follow_redirects=True)
    assert "La boîte ne se relève pas : le serveur répond NO [SERVERBUG]." in plain(
        answer.get_data(as_text=True)
    )


def test_a_mail_whose_headers_have_no_end_is_kept_unread_and_holds_nobody() -> None:
    began = process_time()
    for field in (b"From: ", b"From: a@b.example\r\nContent-Type: text/plain; name="):
        raw = field + b'"' * 1_000_000 + b"\r\n\r\nbonjour\r\n"
        assert letter.read(raw).refused == letter.UNREAD
        assert list(letter.leaves(raw)) == []
    long = mail(f"Rappel {'x' * 2_000}", "compta@roz-avel.example", INVOICE)
    assert letter.read(bytes(long)).refused == ""
    assert process_time() - began < 20


def test_what_the_antivirus_knows_is_given_to_nobody_in_its_file_nor_in_its_mail(
    house: House, dovecot: Dovecot
) -> None:
    with clamd() as server:
        changed = {"mailbox_hosts": (f"127.0.0.1:{dovecot.port}",), "antivirus_url": server.url}
        settings = house.settings.model_copy(update=changed)
        town = House(create_app(settings), settings, house.pki, house.mail)
        routing.choose(town.actor("k.morizur"), Routing((), Destination("comptabilite", "")))
        box = a_box(town, dovecot, "six", "@roz-avel.example")
        beside = mail("Annexe", "compta@roz-avel.example", INVOICE)
        broken = mail("Cassée", "compta@roz-avel.example")
        broken.add_attachment(b"%PDF-1.4 cut", "application", "pdf", filename="facture.pdf")
        held = mail("Inconnu", "x@y.example", INVOICE)
        for made in (beside, broken, held):
            made.add_attachment(
                INVOICE.read_bytes() + b"\n%" + EICAR, "application", "pdf", filename="virus.pdf"
            )
        dovecot.deliver("six", bytes(beside), bytes(broken), bytes(held))
        assert fetching.read(box, town.settings) == 3
        town.drain()
        assert [(one.state, one.reason) for one in arrivals()] == [
            ("opened", None),
            ("refused", "file-infected"),
            ("held", fetching.STRANGER),
        ]
        client = town.client("g.trehorel")
        for arrival in arrivals():
            with reading() as db:
                files = db.scalars(
                    sa.select(ArrivalFile)
                    .where(ArrivalFile.arrival_id == arrival.id)
                    .order_by(ArrivalFile.position)
                ).all()
            for file in files:
                answer = client.get(f"/arrivees/{arrival.id}/fichiers/{file.id}")
                clean = file.filename == INVOICE.name
                assert answer.status_code == (200 if clean else 403), (arrival.origin, file.filename)
                if not clean:
                    assert "n’est donné à personne" in plain(answer.get_data(as_text=True))
        number = arrivals()[0].folder_id
        shown = plain(client.get(f"/dossiers/{number}/arrivee").get_data(as_text=True))
        assert "courriel gardé) : non donné, l’antivirus a reconnu un virus dans ce qu’il porte" in shown
        # nobody looks at it: it waits for who would
        server.answer = b""
        unseen = client.get(f"/arrivees/{arrivals()[2].id}/fichiers/{files[0].id}")
        assert unseen.status_code == 503
        assert "n’est pas donné : l’antivirus de ce serveur ne répond pas" in plain(
            unseen.get_data(as_text=True)
        )


def test_two_invoices_without_data_in_one_mail_are_told_and_the_second_may_be_one_of_its_own(
    town: House, dovecot: Dovecot, tmp_path: Path
) -> None:
    box = a_box(town, dovecot, "sept")
    paths = [tmp_path / f"facture-{rank}.pdf" for rank in (101, 102)]
    for path, amount in zip(paths, ("120,00", "1 080,00"), strict=True):
        number = path.stem.removeprefix("facture-")
        printed(path, f"Roz Avel SARL\nFacture n° F-2026-{number}\nTotal TTC {amount} €\n")
    notes = printed(tmp_path / "conditions.pdf", "Conditions générales de vente\n")
    dovecot.deliver("sept", bytes(mail("Deux factures", "compta@roz-avel.example", *paths, notes)))
    assert fetching.read(box, town.settings) == 1
    town.drain()
    (arrival,) = arrivals()
    assert arrival.remarks[-1].startswith("« conditions.pdf » est au dossier comme annexe.")
    number = arrival.folder_id
    client = town.client("g.trehorel")
    draft = plain(client.get(f"/dossiers/{number}/brouillon").get_data(as_text=True))
    assert "« facture-102.pdf » semble être la facture F-2026-102, et n’est ici qu’une annexe" in draft
    address = f"/dossiers/{number}/arrivee"
    shown = plain(client.get(address).get_data(as_text=True))
    assert shown.count("C’est une autre facture") == 2
    form = {"csrf_token": town.csrf(client)}
    for rank in (0, 3, 9):  # the invoice itself, the mail, nothing
        assert client.post(f"{address}/{rank}/a-part", data=form).status_code == 409
    assert town.client("r.pellenec").post(f"{address}/1/a-part", data=form).status_code in {400, 404}
    answer = client.post(f"{address}/1/a-part", data=form, follow_redirects=True)
    shown = plain(answer.get_data(as_text=True))
    assert "« facture-102.pdf » est une arrivée à part : elle s’ouvre dans un instant." in shown
    assert "une arrivée à part" in shown
    assert client.post(f"{address}/1/a-part", data=form).status_code == 409
    town.drain()
    second = arrivals()[1]
    assert (second.state, second.origin) == ("opened", arrival.origin)
    with reading() as db:
        names = {
            folder: set(
                db.scalars(
                    sa.select(DocumentVersion.filename)
                    .join(Document, Document.id == DocumentVersion.document_id)
                    .where(Document.folder_id == folder, Document.removed_at.is_(None))
                )
            )
            for folder in (number, second.folder_id)
        }
    assert names == {number: {"facture-101.pdf", "conditions.pdf"}, second.folder_id: {"facture-102.pdf"}}
    assert "arrival.parted" in town.journal(number)


def test_a_mailbox_is_chosen_and_tried_in_the_page_and_its_password_is_never_shown(
    town: House, dovecot: Dovecot
) -> None:
    client = town.client("k.morizur")
    url = "/administration/arrivees/boites"
    form = {
        "csrf_token": town.csrf(client),
        "number": "0",
        "revision": "0",
        "mailbox": "factures@kerlann.example",
        "kind": "invoice",
        "scheme": "imap",
        "host": "127.0.0.1",
        "port": str(dovecot.port),
        "folder": "INBOX",
        "login": "trois",
        "password": "faux",
        "senders": "@roz-avel.example",
        "active": "1",
    }
    for changed, words in (
        ({"senders": "pas une adresse"}, "n’est ni une adresse, ni @domaine.fr"),
        ({"password": ""}, "donnez le mot de passe"),
        ({"host": "a b"}, "écrivez le nom du serveur IMAP"),
        ({"mailbox": "rien"}, "rien"),
        ({"kind": "pes_payroll"}, "ce type n’est pas"),
    ):
        answer = client.post(url, data={**form, **changed})
        assert answer.status_code == 422
        assert words in plain(answer.get_data(as_text=True))
    opened = plain(client.post(url, data=form, follow_redirects=True).get_data(as_text=True))
    assert "elle ne s’ouvre pas : le nom ou le mot de passe n’est pas accepté." in opened
    with reading() as db:
        (row,) = db.scalars(sa.select(Mailbox))
    assert "faux" not in row.secret
    changed = {**form, "number": str(row.id), "revision": str(row.revision), "password": PASSWORD}
    answer = client.post(url, data=changed, follow_redirects=True)
    text = plain(answer.get_data(as_text=True))
    assert "La boîte est enregistrée, et s’ouvre." in text
    assert PASSWORD not in text
    assert client.post(url, data=changed).status_code == 409  # somebody has changed it since
    dovecot.deliver("trois", bytes(mail("Page", "a@roz-avel.example", INVOICE)))
    now = client.post(
        f"{url}/{row.id}/relever", data={"csrf_token": form["csrf_token"]}, follow_redirects=True
    )
    assert "La boîte est relevée : 1 courriel de plus." in plain(now.get_data(as_text=True))
    with reading() as db:
        assert unseal(db.get_one(Mailbox, row.id).secret) == PASSWORD
    # another server is asked its password again, and one of the network that the host did not list is not called
    moved = {**changed, "revision": str(row.revision + 1), "password": "", "host": "localhost"}
    assert "donnez le mot de passe" in plain(client.post(url, data=moved).get_data(as_text=True))
    answer = client.post(
        url, data={**moved, "password": "x", "port": "993", "scheme": "imaps"}, follow_redirects=True
    )
    assert "réseau de l’installation" in plain(answer.get_data(as_text=True))
    town.client("g.trehorel")
    fetching.look()
    town.drain()
    assert "réseau de l’installation" in page(town, "k.morizur", url)
    assert "ne se relève pas" in page(town, "k.morizur", "/a-traiter")


def test_a_password_is_kept_for_the_server_that_it_was_given_for_alone(town: House, dovecot: Dovecot) -> None:
    box = a_box(town, dovecot, "quatre")
    with pytest.raises(Refusal) as refused:
        boxes.save(town.actor("k.morizur"), dataclasses.replace(box, host="mal.example"), "")
    assert refused.value.key == "mailbox-password"
    assert boxes.allows(dataclasses.replace(box, senders=("@a.example",)), "x@a.example")
    assert not boxes.allows(dataclasses.replace(box, senders=("@a.example",)), "x@b.a.example.org")
