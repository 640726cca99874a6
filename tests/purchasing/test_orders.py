"""An order of the commune: its lines make its amount, its number is its own, and it is signed within a ceiling."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from pypdfium2 import PdfDocument

from app.core.db import engine
from app.core.refusals import Refusal
from app.folders import deposit
from app.folders.models import Folder
from app.folders.once import FormOnce
from app.invoices.establishments import choose as establish
from app.people.models import Desk
from app.people.own_settings.changing import change_setting
from app.purchasing import drawn
from demo.cast import SIREN
from tests.builders.house import House
from tests.builders.mandates import DEPUTY, a_mayor_and_a_deputy
from tests.purchasing.world import BUYER, LINES, SELLER, an_order

pytestmark = pytest.mark.in_turn


def _words(house: House, folder_id: int) -> str:
    """The words of the last page that was drawn of an order, each part from the next by one space."""
    drawn = PdfDocument(house.bytes_of(house.versions(folder_id)[-1]))
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in drawn).split())


@pytest.mark.both_databases
def test_an_order_goes_from_its_lines_to_the_signature(house: House) -> None:
    first, second = an_order(house, at="finance"), an_order(house, at="draft")
    order = house.folder(first)
    assert (order.number, order.amount_cents) == ("BC-2026-0001", 502_320)
    assert house.folder(second).number == "BC-2026-0002"
    assert order.title == "Voirie Arzel-Huon, Gravillons et sel de déneigement"
    page = house.client("n.abgrallec").get(f"/dossiers/{first}?onglet=details").get_data(as_text=True)
    assert "Sel de déneigement" in page
    assert "5\u202f023,20\u00a0€" in page
    house.approve(first, "n.abgrallec")
    assert house.folder(first).place == "direction"  # above 4 000 €
    house.approve(first, "s.rivoal")
    house.sign(first, "a.kervadec")
    assert house.folder(first).place == "done"


def test_a_total_is_never_typed_and_follows_what_is_changed(house: House) -> None:
    folder_id = an_order(house, at="draft", total_ttc="1.00")
    assert house.folder(folder_id).amount_cents == 502_320
    client = house.client("r.pellenec")
    page = client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert 'name="lines.0.quantity"' in page
    assert 'name="total_ttc"' not in page
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version, "action": "save"}
    for rank, line in enumerate(LINES[:2]):
        form |= {f"lines.{rank}.{key}": value for key, value in line.items()}
    client.post(f"/dossiers/{folder_id}/brouillon", data={**form, "lines.1.quantity": "2,5"})
    assert house.folder(folder_id).fields["lines"][1]["quantity"] == "2.5"
    assert house.folder(folder_id).amount_cents == 333_000
    client.post(
        f"/dossiers/{folder_id}/brouillon",
        data={**form, "version": house.folder(folder_id).version, "lines.1.price": "deux"},
    )
    assert house.folder(folder_id).amount_cents is None  # nothing is said of lines that are not whole
    with pytest.raises(Refusal) as refused:
        an_order(house, at="finance", number="BC-2026-0001")
    assert refused.value.key == "to-fix"
    assert "BC-2026-0001" in str(refused.value.facts)


def test_an_order_is_begun_once_by_a_page_whose_answer_was_lost(house: House) -> None:
    client = house.client("r.pellenec")
    (once,) = re.findall(r'name="once" value="([^"]+)"', client.get("/commandes").text)
    form = {"csrf_token": house.csrf(client), "once": once}
    places = {client.post("/commandes/nouveau", data=form).location for _ in range(3)}
    (folder_id,) = (int(one.split("/")[2]) for one in places)
    assert house.folder(folder_id).number == "BC-2026-0001"
    assert house.journal(folder_id).count("document.replaced") == 1
    assert client.post("/commandes/nouveau", data={**form, "once": "next"}).location not in places


def test_an_order_begun_by_two_at_once_is_one_and_both_are_led_to_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, once = house.actor("r.pellenec"), FormOnce("mark order", "0" * 64)
    real, rivals = drawn.numbering.take_number, []

    def take_number(*given: Any, **more: Any) -> str:
        if not rivals:
            rivals.append(0)
            rivals[0] = drawn.begin_order(actor, once=once)  # the browser has sent the form again
        return real(*given, **more)

    monkeypatch.setattr(drawn.numbering, "take_number", take_number)
    assert drawn.begin_order(actor, once=once) == rivals[0]
    assert house.journal(rivals[0]).count("document.replaced") == 1
    assert str(house.folder(rivals[0]).number) in _words(house, rivals[0])


def test_an_order_killed_before_it_is_drawn_is_drawn_by_the_page_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, once = house.actor("r.pellenec"), FormOnce("mark order", "0" * 64)
    with monkeypatch.context() as killed:
        killed.setattr(drawn, "put", lambda *_: (_ for _ in ()).throw(OSError("lost")))
        with pytest.raises(OSError, match="lost"):
            drawn.begin_order(actor, once=once)
    folder_id = drawn.begin_order(actor, once=once)
    assert str(house.folder(folder_id).number) in _words(house, folder_id)
    assert drawn.begin_order(actor, once=once) == folder_id
    assert house.journal(folder_id).count("document.replaced") == 1


def test_an_order_is_drawn_from_its_lines_and_leaves_only_as_they_are(house: House) -> None:
    client = house.client("r.pellenec")
    token = {"csrf_token": house.csrf(client)}
    with pytest.raises(Refusal) as no_siret:
        change_setting(house.actor("k.morizur"), "order_siret", {"order_siret": "21290999800011"})
    assert no_siret.value.key == "order-siret"
    own = {"order_service": "VOIRIE", "order_address": "1 place de la Mairie\n29999 Kerlann-sur-Mer"}
    for name, value in own.items():
        change_setting(house.actor("k.morizur"), name, {name: value})
    answer = client.post("/commandes/nouveau", data=token)
    folder_id = int(re.search(r"/dossiers/(\d+)/brouillon", answer.location)[1])  # type: ignore[index]
    assert house.folder(folder_id).number == "BC-2026-0001"
    facts = {
        "object": "Sel",
        **SELLER,
        "lines": LINES,
        "delivery_place": "Ateliers",
        "engagement": "2026-E-7",
    }
    actor, draft = house.actor("r.pellenec"), f"/dossiers/{folder_id}/brouillon"
    deposit.save(actor, folder_id, version=house.folder(folder_id).version, title=None, facts=facts)
    page = client.get(draft).get_data(as_text=True)
    assert "Le bon a été dessiné avant vos changements" in page
    assert "5\u202f023,20\u00a0€ TTC" in page
    assert "Prendre le numéro suivant" not in page  # it bears one
    answer = client.post(
        draft, data={**token, "version": house.folder(folder_id).version, "action": "purchasing.draw"}
    )
    assert answer.location == f"/commandes/{folder_id}/bon"
    assert "5\u202f023,20\u00a0€ TTC" in client.get(answer.location).get_data(as_text=True)
    assert client.post(answer.location, data=token).location == draft
    words = _words(house, folder_id)
    assert "Bon de commande BC-2026-0001" in words
    assert "Sel de déneigement" in words
    assert "5 023,20" in words
    # What the supplier gives to Chorus Pro: of a commune that lists no establishment, its SIREN and nothing false
    assert "1 place de la Mairie 29999 Kerlann-sur-Mer" in words
    given = "code service VOIRIE, numéro d’engagement 2026-E-7."
    assert f"avec : SIREN {SIREN}, {given}" in words
    establish(house.actor("k.morizur"), f"{SIREN}00016", "")
    client.post(f"/commandes/{folder_id}/bon", data=token)
    assert f"avec : SIRET {SIREN}00016, {given}" in _words(house, folder_id)
    establish(house.actor("k.morizur"), f"{SIREN}00016\n{SIREN}00024", f"{SIREN}00016")
    client.post(f"/commandes/{folder_id}/bon", data=token)
    assert f"avec : SIREN {SIREN}, {given}" in _words(house, folder_id)
    change_setting(house.actor("k.morizur"), "order_siret", {"order_siret": f"{SIREN} 00024"})
    client.post(f"/commandes/{folder_id}/bon", data=token)
    assert f"avec : SIRET {SIREN}00024, {given}" in _words(house, folder_id)
    # Changed since, it is drawn again by the gesture that sends it; one that was not is sent as it is
    drawings = len(house.versions(folder_id))
    form = {
        **token,
        "title": "",
        "version": house.folder(folder_id).version,
        "action": "submit",
        "number": "BC-2026-0001",
    }
    form |= {key: str(value) for key, value in facts.items() if key != "lines"} | {
        "object": "Sel et gravillons"
    }
    form |= {f"lines.{rank}.{key}": value for rank, line in enumerate(LINES) for key, value in line.items()}
    assert client.post(draft, data=form).location == f"/dossiers/{folder_id}"
    assert (house.folder(folder_id).place, len(house.versions(folder_id))) == ("finance", drawings + 1)
    assert house.folder(folder_id).title == f"{SELLER['seller']}, Sel et gravillons"
    assert "Objet Sel et gravillons" in _words(house, folder_id)
    for who in ("n.abgrallec", "s.rivoal"):
        house.approve(folder_id, who)
    house.sign(folder_id, "a.kervadec")
    assert house.folder(folder_id).place == "done"
    assert client.post(f"/commandes/{folder_id}/bon", data=token).status_code == 409
    other = house.client("n.abgrallec")
    assert other.post(
        f"/commandes/{an_order(house, at='draft')}/bon", data={"csrf_token": house.csrf(other)}
    ).status_code in {403, 404}


def test_a_supplier_is_proposed_by_its_name_to_who_reads_a_folder_of_it(house: House) -> None:
    known = an_order(house, at="finance", seller_email="commandes@arzel-huon.example")
    strange = an_order(house, at="finance", seller="Menuiserie Secrète", seller_siret="99999999800010")
    with engine().begin() as connection:  # of another desk, whose folders the buyer does not read
        desk = connection.scalar(sa.select(Desk.id).where(Desk.key == "comptabilite"))
        other = (
            sa.update(Folder).where(Folder.id == strange).values(emitter_desk_id=desk, depositor_user_id=None)
        )
        connection.execute(other)
    assert house.client(BUYER).get(f"/dossiers/{strange}").status_code in {403, 404}
    client = house.client(BUYER)
    token = {"csrf_token": house.csrf(client)}
    answer = client.post("/commandes/nouveau", data=token)
    folder_id = int(re.search(r"/dossiers/(\d+)/brouillon", answer.location)[1])  # type: ignore[index]
    draft = f"/dossiers/{folder_id}/brouillon"

    def typed(action: str, seller: str) -> str:
        form = {**token, "version": house.folder(folder_id).version, "seller": seller, "action": action}
        assert client.post(draft, data=form).status_code == 302
        return client.get(draft).get_data(as_text=True)

    for seller in ("Menuiserie Secrète", "secrète", "Vo", "Un inconnu"):
        assert "Connu de vos dossiers" not in typed("save", seller), seller
    page = typed("save", "voirie arzel")
    assert "Connu de vos dossiers, à confirmer" in page
    assert house.folder(known).fields["seller_siret"] in page
    assert house.folder(folder_id).fields.get("seller_siret") is None  # before a gesture nothing is entered
    page = typed("take:all", "voirie arzel")
    facts = house.folder(folder_id).fields
    assert (facts["seller"], facts["seller_siret"], facts["seller_email"]) == (
        SELLER["seller"],
        SELLER["seller_siret"],
        "commandes@arzel-huon.example",
    )
    assert "Connu de vos dossiers" not in page


def test_the_ceiling_of_a_mandate_holds_the_total_of_the_lines(house: House) -> None:
    a_mayor_and_a_deputy(house, families=("purchase_order",), matters=(), ceiling_cents=300_000)
    small = an_order(house, at="signature", lines=LINES[:1])
    large = an_order(house, at="signature")
    assert (house.folder(small).amount_cents, house.folder(large).amount_cents) == (297_600, 502_320)
    with pytest.raises(Refusal) as above:
        house.sign(large, DEPUTY, "rsa3072")
    assert above.value.key == "mandate-above-ceiling"
    house.sign(small, DEPUTY, "rsa3072")
    assert house.folder(small).place == "done"
