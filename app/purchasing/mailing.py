"""A signed order goes to its supplier by mail, once, and what the mail server answered is kept.

Before a letter is given to the server that is written; whoever finds that written, after a worker died, knows that it may have
been taken: it is then told, and never given again by itself. A person sends it again, under his own name.
"""

from collections.abc import Mapping, Sequence
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import euros, jour_long, taille
from app.core.outbox import Hopeless, Needless, News, Outbox, Row, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.folders.access import lock, refuse_stranger
from app.folders.documents import last_version
from app.folders.models import Document, Folder
from app.folders.notices import correctors
from app.journal.chain import Event, append
from app.notices import letter, mailer, mime
from app.notices.bounces import Answer
from app.notices.returns import marks
from app.people.actor import Actor, system
from app.people.models import Collectivity, Desk, User
from app.purchasing.billing import asked_of_supplier, buyer_of
from app.purchasing.deliveries import may_attest
from app.purchasing.linking import FAMILY
from app.purchasing.models import OrderMail
from config import Settings
from workflows.circuit import DONE
from workflows.families.purchase_order.rules import is_address

KIND = "order_mail"
WAITING, GIVING, SENT, REFUSED, UNSURE = "waiting", "giving", "sent", "refused", "unsure"
HEAVIEST = 10 * 1024 * 1024
"""Bytes of an order that mail servers still take, once it is encoded."""
RETURNED = "order_returned"
"""The letter that tells the desk that ordered that its supplier was not reached."""
EVENTS = {SENT: "order.mailed", REFUSED: "order.mail_refused", UNSURE: "order.mail_unsure"}


def once_signed(db: Db, folder: Folder) -> list[News]:
    """The sending of an order that has come to its end; none where nobody gave the supplier's address."""
    del db
    address = str(folder.fields.get("seller_email") or "")
    if not is_address(address):
        return []
    return [News(KIND, _first(folder), {"address": address}, folder.id)]


@use_case
def send_again(db: Db, actor: Actor, folder_id: int, *, address: str) -> None:
    """Have a signed order sent to an address by who holds the desk that ordered.

    Refuses `order-not-signed`, `order-not-yours`, `order-mail-address`, and `order-mail-waits` while one is on its way.
    """
    order = lock(db, actor, folder_id, None)
    refuse_stranger(db, actor, order)
    if order.family != FAMILY:
        raise Refusal("not-an-order")
    if order.place != DONE:
        raise Refusal("order-not-signed")
    if not may_attest(actor, order):
        raise Refusal("order-not-yours")
    address = address.strip()
    if not is_address(address):
        raise Refusal("order-mail-address")
    sendings = mails_of(db, order.id)
    if "going" in standing_of(db, order, sendings).values():
        raise Refusal("order-mail-waits")
    key = f"{KIND}-{order.id}-{order.round}-{len(sendings) + 1}"
    db.add(_row(order, key, address, actor))
    facts = {"to": address, "words": f"à {address}"}
    append(db, order.collectivity_id, Event("order.mail_asked", actor.name, actor.user_id, order.id, facts))
    post(db, order.collectivity_id, [News(KIND, key, {"address": address}, order.id)])


def mails_of(db: Db, folder_id: int) -> list[OrderMail]:
    """The sendings of an order, the first first."""
    query = sa.select(OrderMail).where(OrderMail.folder_id == folder_id).order_by(OrderMail.id)
    return list(db.scalars(query))


def standing_of(db: Db, order: Folder, sendings: Sequence[OrderMail]) -> dict[str, str]:
    """The sendings of an order that have not ended, by key: « going », or « stopped » where the work was given up.

    The first one, asked by the signature, is among them before its letter is begun.
    """
    keys = [_first(order), *(one.key for one in sendings if one.state in {WAITING, GIVING})]
    ended = {one.key for one in sendings if one.state not in {WAITING, GIVING}}
    query = sa.select(Outbox.key, Outbox.state).where(
        Outbox.kind == KIND, Outbox.key.in_(keys), Outbox.state != "done"
    )
    return {
        row.key: "stopped" if row.state == "parked" else "going"
        for row in db.execute(query)
        if row.key not in ended
    }


def _first(order: Folder) -> str:
    """The key of the sending that the signature asks."""
    return f"{KIND}-{order.id}-{order.round}"


def _row(order: Folder, key: str, address: str, actor: Actor) -> OrderMail:
    return OrderMail(
        collectivity_id=order.collectivity_id,
        folder_id=order.id,
        key=key,
        address=address,
        state=WAITING,
        answer="",
        user_id=actor.user_id,
        who=actor.name,
        asked_at=now(),
    )


class Post:
    """The handler of a sending: composed, marked as given, given, and what became of it written."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, row: Row) -> None:
        """Give the letter once; what the server did not take is tried later, what it refused for good is told."""
        if not self._settings.mail_url:
            raise Hopeless("aucun serveur de courriel n’est configuré (PARAPHE_MAIL_URL)")
        actor = system(row.collectivity_id)
        message = _message(row, self._settings)
        if message is None:
            _ended(actor, row, REFUSED, f"le bon pèse plus de {taille(HEAVIEST)}, aucun courriel ne le porte")
            return
        if not _begun(actor, row):
            _ended(actor, row, UNSURE, "")
            return
        try:
            answer = mailer.deliver(letter.wired(row.payload["address"]), message, self._settings)
        except mailer.NotTakenError as fault:
            if fault.lasting:
                _ended(actor, row, REFUSED, fault.reply)
                return
            _ended(actor, row, WAITING, fault.reply)
            raise
        except mailer.UnsureError:
            _ended(actor, row, UNSURE, "")
            return
        _ended(actor, row, SENT, answer)


def _message(row: Row, settings: Settings) -> Message | None:
    """The letter with the signed order; None where it is too heavy for mail."""
    with reading(row.collectivity_id) as db:
        order = db.get_one(Folder, row.folder_id)
        if order.place != DONE:
            raise Needless("le bon n’est plus signé : rien n’est parti")
        town = db.get_one(Collectivity, row.collectivity_id)
        main = sa.select(Document.id).where(Document.folder_id == order.id, Document.role == "main")
        version = last_version(db, db.scalars(main).one())
        sender = letter.sender_of(town.name, town.settings)
        number, facts = order.number, dict(order.fields)
        asked = asked_of_supplier(buyer_of(town), facts)
        desk = db.get_one(Desk, order.emitter_desk_id).name
        who = db.get(User, order.depositor_user_id) if order.depositor_user_id is not None else None
        # Who ordered answers for it, unless the collectivity says where its letters are answered
        if who is not None and who.active and not sender["reply_to"]:
            sender = {**sender, "reply_to": who.email}
        followed = f"{who.name}, {desk}" if who is not None else desk
    if version.size > HEAVIEST:
        return None
    answers = " : répondez à ce message pour toute question" if sender["reply_to"] else ""
    told = f", engagement {facts['engagement']}" if facts.get("engagement") else ""
    words = mime.form(
        "plain",
        f"Bonjour,\n\nVous trouverez ci-joint le bon de commande {number}{told}, signé, de {town.name}, pour "
        f"{euros(facts.get('total_ttc'))} TTC.\n\n{_delivery(facts)}{asked}\n\nCommande suivie par {followed}{answers}.\n\n"
        "Le fichier joint est l’original : sa signature se vérifie avec "
        "tout lecteur de PDF.\n\n" + _signed_off(sender, town.name),
    )
    data = vault.store().read(vault.scope(row.collectivity_id), version.sha256)
    file = MIMEApplication(data, "pdf")
    file.add_header("Content-Disposition", "attachment", filename=f"{number}.pdf".replace("/", "-"))
    message = MIMEMultipart(_subparts=[words, file], policy=mime.POLICY)
    mime.set_text(message, "Subject", f"Bon de commande {number}, {town.name}")
    letter.address(message, settings, sender, str(facts.get("seller") or ""), row.payload["address"])
    mime.set_line(message, "Date", format_datetime(row.created_at))
    mime.set_line(message, "Message-ID", letter.message_id(row.key, settings.public_url))
    mime.set_line(message, marks.HEADER, marks.mark(row.id, row.payload["address"]))
    return message


def _delivery(facts: Mapping[str, Any]) -> str:
    """Where and by when it is to be delivered, as far as the order says it."""
    place, day = str(facts.get("delivery_place") or ""), str(facts.get("delivery_on") or "")
    told = [*([f"à livrer : {place}"] if place else []), *([f"avant le {jour_long(day)}"] if day else [])]
    return f"{told[0][0].upper()}{', '.join(told)[1:]}.\n\n" if told else ""


def _signed_off(sender: Mapping[str, Any], town: str) -> str:
    return "\n".join(sender["signature"] or [town]) + "\n"


@use_case
def _begun(db: Db, actor: Actor, row: Row) -> bool:
    """Write that the letter is being given; False where that is written already, by a worker that died."""
    order = db.get_one(Folder, row.folder_id)
    mail = db.scalar(sa.select(OrderMail).where(OrderMail.key == row.key).with_for_update())
    if mail is None:
        mail = _row(order, row.key, row.payload["address"], actor)
        db.add(mail)
    elif mail.state == GIVING:
        return False
    elif mail.state != WAITING:
        raise Needless("ce bon est déjà envoyé")
    mail.state = GIVING
    return True


@use_case
def _ended(db: Db, actor: Actor, row: Row, state: str, answer: str) -> None:
    mail = db.scalar(sa.select(OrderMail).where(OrderMail.key == row.key).with_for_update())
    if mail is None:
        mail = _row(db.get_one(Folder, row.folder_id), row.key, row.payload["address"], actor)
        db.add(mail)
    mail.state, mail.answer = state, answer
    if state == WAITING:
        return
    mail.ended_at = now()
    _written(db, actor, mail, EVENTS[state], answer)
    if state == REFUSED:
        _tell(db, mail)


def came_back(db: Db, row: Outbox, answer: Answer, mark: str) -> bool:
    """Keep, once, that an order which a server took came back from its supplier, and tell the desk that ordered."""
    mail = db.scalar(sa.select(OrderMail).where(OrderMail.key == row.key).with_for_update())
    if mail is None or mail.returned_at is not None or marks.of_address(mail.address) != mark:
        return False
    mail.returned, mail.returned_at = answer.shown, now()
    row.last_error = f"revenu : {answer.shown}"
    _written(db, system(mail.collectivity_id), mail, "order.mail_returned", answer.shown)
    _tell(db, mail)
    return True


def _written(db: Db, actor: Actor, mail: OrderMail, event: str, answer: str) -> None:
    words = f"à {mail.address}" + (f" : « {answer} »" if answer else "")
    facts = {"to": mail.address, "answer": answer, "words": words}
    append(db, mail.collectivity_id, Event(event, actor.name, None, mail.folder_id, facts))


def _tell(db: Db, mail: OrderMail) -> None:
    """Write to who sent an order, and to who deposits at the desk that ordered, that it did not arrive."""
    order = db.get_one(Folder, mail.folder_id)
    people = correctors(db, order) | ({mail.user_id} if mail.user_id is not None else set())
    payload = {"event": RETURNED, "page": f"/commandes/{order.id}"}
    news = [
        News("mail", f"{RETURNED}-{mail.id}-{user_id}", {**payload, "user_id": user_id}, order.id)
        for user_id in sorted(people)
    ]
    post(db, mail.collectivity_id, news)
