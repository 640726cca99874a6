"""What a gate holds (a point to rule on first) is left out of a batch and told beforehand, at a cost that no number changes."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from app.batches import selection
from app.batches.selection import Choice
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders.access import read_by
from app.folders.models import Folder
from app.folders.sockets import Visa, gated
from app.invoices.models import InvoiceKey
from app.people import desks
from tests.batches.town import Hand, became, plain
from tests.builders.house import House
from tests.display.test_folder_page import heard
from tests.purchasing.test_separating import _to_sign as to_sign
from tests.purchasing.world import BUYER, FREIGHT, GRAVEL, SALT, an_invoice, an_order, arrived
from workflows.rights import Rights

pytestmark = pytest.mark.in_turn
FINANCE, MAYOR = "n.abgrallec", "a.kervadec"
ATTESTED = "Vous avez attesté le service fait de cette facture : une autre personne la signe."
MOST = 5
"""Statements of the selection of a batch, however many folders."""


def attests_too(house: House) -> None:
    """The mayor sits at the service that attests as well."""
    here = house.actor(MAYOR).collectivity_id
    desks.seat(here, "technique", MAYOR, Rights.read(["create", "act"]))


def attested_by(house: House, who: str) -> int:
    folder_id = house.an_invoice()
    for login in (who, FINANCE):
        house.approve(folder_id, login)
    return folder_id


def judged(house: House, login: str, kind: str, *folders: int) -> tuple[list[Choice], list[str]]:
    """What is said of these folders, and the statements that it took once the process has read their circuits."""
    actor = house.actor(login)
    wanted = {one: house.folder(one).version for one in folders}
    for _ in range(2):
        with reading(actor.collectivity_id) as db, heard() as statements:
            choices = selection.choose(db, actor, kind, wanted)
    return choices, statements


@pytest.mark.both_databases
def test_a_batch_of_signatures_leaves_out_what_is_to_be_settled_first_and_says_why(house: House) -> None:
    attests_too(house)
    held, free = attested_by(house, MAYOR), attested_by(house, "r.pellenec")
    with pytest.raises(Refusal, match="sign-gated"):
        house.sign(held, MAYOR)
    mayor = Hand(house, MAYOR)
    number = mayor.propose("sign", [held, free])
    became(number, {held: ("left_out", ATTESTED), free: ("waiting", "")})
    page = mayor.page(number)
    assert "Signer 1 dossier" in page
    assert "1 dossier est laissé de côté" in page
    assert plain(page).index("Signer 1 dossier") < plain(page).index(ATTESTED)
    assert re.search(r'href="/a-traiter">Annuler</a>', page), "as a batch of visas has"
    ticked = "&".join(f"d={one}-{house.folder(one).version}" for one in (held, free))
    for asked in (ticked, "all=list"):
        assert mayor.ask(f"/lots/compte?{asked}").get_json() == {"visa": 0, "sign": 1, "settle": 1}
    # Alone, it is no batch: it is told with its reason
    version = house.folder(held).version
    refused = mayor.post("/lots", {"kind": "sign", "d": f"{held}-{version}"}, status=409)
    assert "Rien n’a été fait : aucun de ces dossiers ne peut être décidé ainsi." in refused
    assert ATTESTED in refused
    # It may be rejected with the others
    became(mayor.propose("reject", [held, free]), {held: ("waiting", ""), free: ("waiting", "")})
    # Once it is settled elsewhere, the selection has it
    assert [one.why for one in judged(house, MAYOR, "sign", held)[0]] != [""]
    desks.seat(house.actor(MAYOR).collectivity_id, "maire", "s.rivoal", Rights.read(["sign"]))
    assert [one.why for one in judged(house, "s.rivoal", "sign", held)[0]] == [""]


@pytest.mark.both_databases
def test_a_selection_asks_as_many_statements_of_many_folders_as_of_one(house: House) -> None:
    attests_too(house)
    plainly = [attested_by(house, who) for who in ("r.pellenec", "r.pellenec", MAYOR, "r.pellenec", MAYOR)]
    choices, few = judged(house, MAYOR, "sign", plainly[0])
    assert [one.why for one in choices] == [""]
    assert len(few) <= MOST, few
    choices, many = judged(house, MAYOR, "sign", *plainly)
    assert [bool(one.why) for one in choices] == [False, False, True, False, True]
    assert len(many) <= MOST, many
    # With their orders: one whose delivery the mayor attested, one of somebody else, one that is billed above its order
    lines = ((GRAVEL, "40", "TNE", "62"), (SALT, "12", "TNE", "118"), (FREIGHT, "1", "C62", "310"))
    billed = []
    for rank, who in enumerate((MAYOR, BUYER, BUYER)):
        order = an_order(house)
        arrived(house, order, {0: "40", 1: "12", 2: "1"}, who=who)
        invoice = an_invoice(house, house.folder(order).number, lines[rank])
        billed.append(to_sign(house, invoice, BUYER))
    _, one_order = judged(house, MAYOR, "sign", billed[0])
    choices, several = judged(house, MAYOR, "sign", *billed, *plainly)
    assert len(several) <= len(one_order) + 1, several  # what reads twins where there are any
    with reading(house.actor(MAYOR).collectivity_id) as db:
        read_by(db, house.actor(MAYOR))
        alone = {one: gated(db, db.get_one(Folder, one)) for one in (*billed, *plainly)}
    assert {one.folder_id: one.why.lower() for one in choices} == {
        number: why.lower() for number, why in alone.items()
    }
    assert bool(alone[billed[0]]), "the mayor attested its delivery"


@pytest.mark.both_databases
def test_what_holds_a_visa_is_told_as_its_page_tells_it(house: House) -> None:
    order = an_order(house)
    number = house.folder(order).number
    arrived(house, order, {0: "40", 1: "12", 2: "1"})
    within = an_invoice(house, number, (GRAVEL, "40", "TNE", "62"), (SALT, "12", "TNE", "118"))
    over = an_invoice(house, number, (GRAVEL, "10", "TNE", "62"))
    for one in (within, over):
        house.approve(one, BUYER)
    finance = Hand(house, FINANCE)
    batch = finance.propose("approve", [within, over])
    became(
        batch,
        {within: ("waiting", ""), over: ("left_out", "« Facturé au-delà de la commande » : une personne")},
    )
    page = finance.text(f"/dossiers/{over}")
    assert re.search("« Facturé au-delà de la commande » : une personne qui décide", page)
    # At the service, where nobody decides on whom to pay, nothing holds it
    third = an_invoice(house, number, (GRAVEL, "10", "TNE", "62"))
    assert [one.why for one in judged(house, BUYER, "approve", third)[0]] == [""]
    actor = house.actor(FINANCE)
    with reading(actor.collectivity_id) as db:
        read_by(db, actor)
        folder = db.get_one(Folder, over)
        assert gated(db, folder, Visa(selection._step_of(db, folder), actor))


def test_what_two_folders_have_against_a_third_is_written_once(house: House) -> None:
    """Two invoices that may be the same as a third are two points of it, with the same sentence."""
    *others, third = (attested(house) for _ in range(3))
    keys: Any = InvoiceKey.__table__
    with engine().begin() as connection:
        rows = connection.execute(sa.select(keys).where(keys.c.folder_id == others[0])).mappings().all()
        connection.execute(sa.delete(keys).where(keys.c.folder_id.in_([others[1], third])))
        same = [{**row, "folder_id": number} for number in (others[1], third) for row in rows]
        connection.execute(sa.insert(keys), same)
    ((choice,), _) = judged(house, FINANCE, "approve", third)
    assert choice.why.count("Facture déjà reçue") == 1


def attested(house: House) -> int:
    folder_id = house.an_invoice()
    house.approve(folder_id, "r.pellenec")
    return folder_id
