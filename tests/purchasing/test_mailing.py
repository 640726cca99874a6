"""A signed order reaches its supplier once, with what the mail server answered; a person alone sends it again."""

import re

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.journal.models import Origin
from app.notices import bounces, mailer
from app.notices.returns import marks
from app.purchasing.mailing import send_again
from app.purchasing.models import OrderMail
from tests.builders.house import House
from tests.purchasing.world import BUYER, an_order

pytestmark = pytest.mark.in_turn
SHOP, OTHER = "commandes@arzel-huon.example", "siege@arzel-huon.example"


def _mails(house: House, order: int) -> list[str]:
    return [one for one in house.journal(order) if one.startswith("order.mail")]


@pytest.mark.both_databases
def test_a_signed_order_is_sent_once_and_again_by_a_person_under_his_name(house: House) -> None:
    order = an_order(house, seller_email=SHOP)
    # Its letter is not begun: it is on its way all the same
    page = house.client(BUYER).get(f"/commandes/{order}").get_data(as_text=True)
    assert "L’envoi est en préparation." in page
    assert "Envoyer le bon signé" not in page
    with pytest.raises(Refusal) as waits:
        send_again(house.actor(BUYER), order, address=SHOP)
    assert waits.value.key == "order-mail-waits"
    house.drain()
    (sent,) = house.mail.to(SHOP)
    (attached,) = list(sent.iter_attachments())
    assert attached.get_content() == house.bytes_of(house.versions(order)[-1])  # the signed file itself
    assert "BC-2026-0001" in sent["Subject"]
    written = sent.get_body().get_content()
    assert "BC-2026-0001, signé, de Kerlann-sur-Mer" in written
    person = house.actor(BUYER)
    assert f"Commande suivie par {person.name}, " in written, "who answers, and for which desk"
    assert sent["Reply-To"] == f"{BUYER}@kerlann-sur-mer.example"
    assert _mails(house, order) == ["order.mailed"]
    client = house.client(BUYER)
    page = client.get(f"/commandes/{order}").get_data(as_text=True).replace("\xa0", " ")
    assert re.search(rf"Envoyé à {SHOP}, [^:]+: le serveur de courriel l’a pris \(réponse 250\)\.", page)
    # The row done again, as after a kill before its end was written, gives nothing twice
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE outbox SET state = 'pending' WHERE kind = 'order_mail'"))
    house.drain()
    assert len(house.mail.to(SHOP)) == 1
    form = {"csrf_token": house.csrf(client), "address": OTHER}
    assert client.post(f"/commandes/{order}/envoi", data=form).status_code == 302
    with pytest.raises(Refusal) as waits:
        send_again(house.actor(BUYER), order, address=OTHER)
    assert waits.value.key == "order-mail-waits"
    house.drain()
    assert (len(house.mail.to(OTHER)), _mails(house, order)[1:]) == (1, ["order.mail_asked", "order.mailed"])
    # To whom it went is what the act says, not from where it came: it does not go with addresses that are old
    with reading() as db:
        assert not db.scalars(sa.select(Origin.address).where(Origin.address.in_([SHOP, OTHER]))).all()
    assert "(demandé par Ronan Pellenec)" in client.get(f"/commandes/{order}").get_data(as_text=True)
    # The first comes back after it was taken: by its mark alone, once, and told to the desk that ordered
    letter = marks.letter_of(sent[marks.HEADER])
    answer = bounces.Answer("5.1.1", f"550 {SHOP}: User unknown")
    strange = marks.of_address(OTHER)
    assert not bounces.record(letter.row_id, answer, mark=strange, returned=True)
    assert [bounces.record(letter.row_id, answer, mark=letter.address, returned=True) for _ in range(2)] == [
        True,
        False,
    ]
    assert _mails(house, order)[3:] == ["order.mail_returned"]
    page = client.get(f"/commandes/{order}").get_data(as_text=True).replace("\xa0", " ")
    assert re.search(rf"Envoyé à {SHOP}, [^:]+ et revenu [^:]+: l’adresse n’existe pas", page)
    house.drain()
    told = house.mail.to("r.pellenec@kerlann-sur-mer.example")[-1]
    assert "n’est pas arrivé à son fournisseur" in str(told["Subject"])
    assert f"/commandes/{order}" in told.get_body(("plain",)).get_content()
    for who, address, key in (
        ("n.abgrallec", OTHER, "order-not-yours"),
        (BUYER, "ici", "order-mail-address"),
    ):
        with pytest.raises(Refusal) as refused:
            send_again(house.actor(who), order, address=address)
        assert refused.value.key == key


def test_what_the_server_refuses_or_leaves_in_doubt_is_told_and_not_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, doubted, silent = (an_order(house, seller_email=to) for to in (SHOP, OTHER, ""))
    house.mail.refuse[SHOP] = "550 5.1.1 Unknown mailbox"
    # A worker that died while it gave this one: nobody knows whether it left
    with engine().begin() as connection:
        key = connection.scalar(
            sa.text("SELECT key FROM outbox WHERE kind = 'order_mail' AND folder_id = :of"), {"of": doubted}
        )
        values = {"folder_id": doubted, "collectivity_id": 1, "key": key, "address": OTHER, "state": "giving"}
        connection.execute(
            sa.insert(OrderMail).values(**values, answer="", who="Paraphe", asked_at=sa.func.now())
        )
    house.drain()
    assert house.mail.to(SHOP) == house.mail.to(OTHER) == []
    assert _mails(house, refused) == ["order.mail_refused"]
    assert _mails(house, doubted) == ["order.mail_unsure"]
    assert _mails(house, silent) == []
    client = house.client(BUYER)
    for order, words in (
        (refused, "l’adresse n’existe pas (réponse 550 5.1.1)"),
        (doubted, "Peut-être envoyé"),
        (silent, "Aucune adresse n’a été donnée"),
    ):
        assert words in client.get(f"/commandes/{order}").get_data(as_text=True)
    # Given up before it left, as where no mail server is set: told, and sent by a person
    parked = an_order(house, seller_email="arret@arzel-huon.example")
    with engine().begin() as connection:
        of = {"of": parked}
        connection.execute(sa.text("UPDATE outbox SET state = 'parked' WHERE folder_id = :of"), of)
    page = client.get(f"/commandes/{parked}").get_data(as_text=True)
    assert "Pas envoyé : l’envoi s’est arrêté avant de partir." in page.replace("\xa0", " ")
    assert "Envoyer le bon signé" in page
    # A server that is away has taken nothing: it is tried again, and sent once
    later = an_order(house, seller_email="plus-tard@arzel-huon.example")
    opened = mailer._opened
    monkeypatch.setattr(mailer, "_opened", _away)
    outbox.drain()
    assert _mails(house, later) == []
    assert "En cours d’envoi" in client.get(f"/commandes/{later}").get_data(as_text=True)
    monkeypatch.setattr(mailer, "_opened", opened)
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE outbox SET available_at = created_at WHERE state = 'pending'"))
    house.drain()
    assert len(house.mail.to("plus-tard@arzel-huon.example")) == 1


def _away(_settings: object) -> None:
    raise ConnectionRefusedError
