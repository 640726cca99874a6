"""The batch says in which words each folder is signed, as the mandates of who signs allow, before its one button."""

from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from app.core.clock import now
from app.core.db import engine, reading
from app.folders import decide
from app.folders.models import Folder
from app.people import desks, mandates
from app.people.models import Absence
from app.signing.authority import Wording, wordings_of
from tests.batches.test_signatures import Page
from tests.batches.town import Hand, became, items
from tests.builders import circuits
from tests.builders.house import ACT, House
from tests.builders.mandates import (
    ADMINISTRATOR,
    BY_DELEGATION,
    DEPUTY,
    a_mayor_and_a_deputy,
    of_deputy,
    of_function,
    of_mayor,
    record,
)
from tests.display.test_inbox_statements import away
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

MAYOR, COVER = "a.kervadec", "b.cadiou"
OTHER_WORDS = "Rien n’a été signé : vos mandats, votre qualité, votre intérim ou la part de l’étape qui vous revient ont changé"


def an_invoice(house: House) -> int:
    folder_id = house.a_quick_invoice()
    house.approve(folder_id, "n.abgrallec")
    return folder_id


def test_the_words_of_each_mandate_stand_before_the_button(house: House) -> None:
    a_mayor_and_a_deputy(house)
    first, second, act = an_invoice(house), an_invoice(house), house.a_document(ACT.read_bytes(), "note.pdf")
    deputy = Hand(house, DEPUTY)
    shown = deputy.text(f"/lots/{deputy.propose('sign', [first, second])}")
    told = f"Facture, 2 dossiers.</b> Vous donnez le bon à payer : la dépense est due et les pièces la justifient. Signé avec la mention « {BY_DELEGATION} »."
    assert told in shown
    assert shown.index(told) < shown.index("Signer 2 dossiers</span>")
    mayor = Hand(house, MAYOR)
    shown = mayor.text(f"/lots/{mayor.propose('sign', [first, act])}")
    assert shown.count("Signé avec la mention « Le maire ».") == 2
    # The same words as the law gives for each alone
    with reading() as db:
        folders = [db.get_one(Folder, one) for one in (first, second, act)]
        assert wordings_of(db, house.actor(DEPUTY), folders) == {
            first: Wording(BY_DELEGATION),
            second: Wording(BY_DELEGATION),
        }
        assert wordings_of(db, house.actor("k.morizur"), folders) == {}


def test_a_batch_is_signed_in_the_words_that_its_page_showed_or_not_at_all(house: House) -> None:
    """A delegation that ends, and another that begins, while the page is open, or while the key signs."""
    _, delegation = a_mayor_and_a_deputy(house)
    folders = [an_invoice(house) for _ in range(2)]
    deputy = Hand(house, DEPUTY)
    page = Page(deputy, deputy.propose("sign", folders), "rsa3072")
    mandates.end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Nouvel arrêté.")
    other = record(house, of_deputy(house, title="la première adjointe", order_number="2026-042"))
    refused = page.json(f"cle?marque={page.mark}", page.offer, 409)
    assert refused["key"] == "batch-words-changed"
    # Read again, it is hers to sign in the other words
    again = Page(deputy, page.number, "rsa3072")
    assert "la première adjointe" in deputy.text(f"/lots/{page.number}")
    again.begin()
    # Begun, and suspended: the page that is taken up says the words in which it signs
    resumed = Page(deputy, page.number, "rsa3072")
    mandates.end_mandate(house.actor(ADMINISTRATOR), other, reason="Autre titre.")
    record(house, of_deputy(house, title="l’adjointe à l’école", order_number="2026-043"))
    assert resumed.json(f"cle?marque={resumed.mark}", resumed.offer, 409)["key"] == "batch-words-changed"
    # And the page that holds the key signs none in words that it did not say
    assert again.ask() == []
    house.drain()
    became(page.number, dict.fromkeys(folders, ("refused", OTHER_WORDS)))
    assert {house.folder(one).place for one in folders} == {"bon_a_payer"}


def test_a_mandate_recorded_while_the_key_signs_serves_for_nothing_that_was_shown_without(
    house: House,
) -> None:
    _, delegation = a_mayor_and_a_deputy(house)
    folder_id = an_invoice(house)
    deputy = Hand(house, DEPUTY)
    number = deputy.propose("sign", [folder_id])
    mandates.end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Nouvel arrêté.")
    page = Page(deputy, number, "rsa3072").begin()
    record(house, of_deputy(house, title="la première adjointe", order_number="2026-042"))
    assert page.ask() == []
    became(number, {folder_id: ("refused", OTHER_WORDS)})
    assert house.folder(folder_id).place == "bon_a_payer"


def test_a_folder_that_has_moved_on_since_the_page_is_refused_alone(house: House) -> None:
    a_mayor_and_a_deputy(house)
    folders = [an_invoice(house) for _ in range(2)]
    deputy = Hand(house, DEPUTY)
    page = Page(deputy, deputy.propose("sign", folders), "rsa3072")
    depositor, version = house.actor("g.trehorel"), house.folder(folders[0]).version
    decide.recall(depositor, folders[0], version=version)
    page.begin().go()
    house.drain()
    assert {item.folder_id: item.state for item in items(page.number)} == {
        folders[0]: "refused",
        folders[1]: "done",
    }


def test_words_that_begin_by_the_same_signs_of_a_digest_are_other_words(house: House) -> None:
    """Six signs of a digest, of a mark of before, are those of one title in sixteen million: found in seconds."""
    _, delegation = a_mayor_and_a_deputy(house)
    folder_id = an_invoice(house)
    deputy = Hand(house, DEPUTY)
    page = Page(deputy, deputy.propose("sign", [folder_id]), "rsa3072")
    digest = page.mark.rpartition("-")[2]
    assert len(digest) == 32
    assert digest == sha256(f"{BY_DELEGATION}\n".encode()).hexdigest()[:32]
    mandates.end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Nouvel arrêté.")
    record(house, of_deputy(house, title="l’adjoint au port", order_number="2026-042"))
    forged = f"{page.mark.rpartition('-')[0]}-{digest[:6]}{'0' * 26}"
    for mark in (page.mark, forged, f"{page.mark}-", page.mark.replace("-0-", "-7-"), ""):
        assert page.json(f"cle?marque={mark}", page.offer, 409)["key"] in {
            "batch-words-changed",
            "batch-changed",
        }


@pytest.mark.both_databases
def test_who_signs_his_part_and_stands_in_for_the_other_of_the_step_signs_his_own_in_a_batch(
    house: House,
) -> None:
    circuit = yaml.safe_load(Path("workflows/families/invoice/family.yaml").read_text())["circuit"]
    step = next(one for one in circuit["steps"] if one["kind"] == "sign")
    step["who"], step["quorum"] = [{"desk": "maire"}, {"desk": "finances"}], "all"
    desks.seat(house.actor(ADMINISTRATOR).collectivity_id, "finances", "n.abgrallec", [Right.ACT, Right.SIGN])
    circuits.publish(house.actor(ADMINISTRATOR), "invoice", yaml.safe_dump(circuit, allow_unicode=True))
    folder_id = an_invoice(house)
    away(house, "n.abgrallec", MAYOR)
    mayor = Hand(house, MAYOR)
    number = mayor.propose("sign", [folder_id])
    Page(mayor, number).begin().go()
    house.drain()
    became(number, {folder_id: ("done", "")})


@pytest.mark.both_databases
def test_what_a_page_signs_in_somebody_s_absence_is_signed_in_his_absence_or_not_at_all(house: House) -> None:
    record(house, of_mayor(house))
    record(house, of_function(house, COVER))
    folder_id = an_invoice(house)
    away(house, MAYOR, COVER)
    hand = Hand(house, COVER)
    number = hand.propose("sign", [folder_id])
    assert "En l’absence d’Armel Kervadec" in hand.text(f"/lots/{number}")
    page = Page(hand, number, "b_cadiou").begin()
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Absence).values(ends_at=now()))
    desks.seat(house.actor(ADMINISTRATOR).collectivity_id, "maire", COVER, [Right.ACT, Right.SIGN])
    assert page.ask() == []
    house.drain()
    became(number, {folder_id: ("refused", OTHER_WORDS)})


def test_a_batch_that_signs_nothing_says_nothing_of_a_signature(house: House) -> None:
    folder_id = house.a_quick_invoice()
    finances = Hand(house, "n.abgrallec")
    assert "Ce que votre signature signifie" not in finances.text(
        f"/lots/{finances.propose('approve', [folder_id])}"
    )
