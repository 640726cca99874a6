"""Whoever reads a folder for its type alone does nothing there, administrators and delegates included: every route, one by one."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import Base, engine, reading
from app.core.refusals import Refusal
from app.folders import asking, handing, relieving, rerouting
from app.folders.access import looks_on
from app.folders.models import AskedOpinion
from app.folders.rerouting import Change
from app.people import accounts, desks
from tests.builders.house import INVOICE, House
from tests.operations.test_folder_types import RECEIVED, made, send
from tests.operations.test_leaving import finance_asks
from tests.rights.looking import snapshot
from tests.rights.scene import ALONE, Scene, routes
from tests.rights.test_branches import desk, user
from workflows.vocabulary import Right

K, G, R, N, M = "k.morizur", "g.trehorel", "r.pellenec", "n.abgrallec", "m.kerzerho"
OF_HIS_OWN = {
    "folders.add_note",
    "folders.remove_note",
    "folders.settle_note",
    "folders.reopen_note",
    "folders.continue_from",
    "folders.document_seen",
    "signing.documents.verdicts",
    "signing.documents.attest",
}
"""What an onlooker may do: a note that he alone reads, a folder of his own from its documents, the signatures judged again."""
REFUSED = {
    "actes.choose",
    "arrivals.apart",
    "chorus.mandate",
    "chorus.reject",
    "folders.accept_repair",
    "folders.add_document",
    "folders.approve",
    "folders.archive",
    "folders.ask_opinion",
    "folders.carry",
    "folders.coming",
    "folders.draft",
    "folders.fill",
    "folders.give_opinion",
    "folders.hand",
    "folders.hide",
    "folders.mark_unread",
    "folders.pass_step",
    "folders.post_in_urgency",
    "folders.publish",
    "folders.recall",
    "folders.reject",
    "folders.relieve",
    "folders.remove_document",
    "folders.replace_document",
    "folders.rule",
    "folders.show_again",
    "folders.take_back",
    "folders.take_note_back",
    "folders.withdraw",
    "folders.withdraw_opinion",
    "invoices.account_call",
    "invoices.account_decision",
    "invoices.delay",
    "invoices.performed",
    "invoices.same",
    "legality.appeal",
    "legality.appeal_corrected",
    "legality.appeal_over",
    "legality.cancel",
    "legality.paper",
    "publication.keep",
    "publication.mask",
    "publication.put_online",
    "publication.withdraw",
    "purchasing.delivery",
    "purchasing.draw",
    "purchasing.send",
    "signing.complete",
    "signing.paper.sheet",
    "signing.placing.sheet",
    "signing.prepare",
    "signing.remote.authorise",
    "signing.remote.complete",
    "signing.remote.prepare",
}
BY_WHO_ADMINISTERS = {
    "folders.relieve": {},
    "folders.pass_step": {},
    "folders.coming": {},
    "folders.withdraw_opinion": {"number": True},
}
"""What administering gives whoever has a part in a folder: refused in words."""
WORDS = "en ouvre la lecture à toute la collectivité"


def unclassified(names: set[str]) -> list[str]:
    """The routes that change something about a folder and that the table does not know."""
    return sorted(names - OF_HIS_OWN - REFUSED)


def posted(house: House) -> set[str]:
    """Every route that names a folder and takes what somebody sends."""
    return {
        endpoint
        for endpoint, method in routes(house, api=False)
        if method in {"POST", "PUT", "PATCH", "DELETE"}
    }


def about(folder_id: int) -> dict[str, list[str]]:
    """All that the base holds of a folder."""
    rows = {}
    with engine().connect() as connection:
        for table in Base.metadata.sorted_tables:
            column = table.c.id if table.name == "folder" else table.c.get("folder_id")
            if column is not None:
                found = connection.execute(sa.select(table).where(column == folder_id))
                rows[table.name] = sorted(map(repr, found))
    return rows


def open_invoice(house: House) -> int:
    """An invoice of an open type, at its first step, with an opinion that it waits for."""
    made(house, visibility="all")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    send(house, folder_id)
    version = house.folder(folder_id).version
    asking.ask(house.actor(R), folder_id, version=version, desks=["direction"], question="Bon ?", waits=True)
    return folder_id


def asked(folder_id: int) -> int:
    with reading() as db:
        return db.scalars(sa.select(AskedOpinion.run_id).where(AskedOpinion.folder_id == folder_id)).one()


def delegate(house: House) -> None:
    """M administers the branch of the finances, and sits at the pay desk alone."""
    accounts.delegate(house.actor(K), user(M).id, desk("finances").id)


def walker(house: House, login: str) -> Scene:
    client = house.client(login)
    return Scene(house, clients={login: client}, tokens={login: house.csrf(client)})


def walk(house: House, login: str, folder_id: int) -> None:
    """Ask every route as this onlooker; nothing of the folder changes."""
    with reading(house.actor(login).collectivity_id) as db:
        assert looks_on(db, house.actor(login), house.folder(folder_id))
    scene, where = walker(house, login), {"other_id": folder_id}
    before, kept = about(folder_id), snapshot(house.settings.data_dir)
    for endpoint in sorted(posted(house) & REFUSED):
        for number in {1, asked(folder_id)} if "opinion" in endpoint else {1}:
            answer = scene.call(login, endpoint, "POST", folder_id, number=number, **where)
            assert 400 <= answer.status_code < 500, (login, endpoint, answer.status_code)
            assert about(folder_id) == before, (login, endpoint)
    assert snapshot(house.settings.data_dir) == kept
    for endpoint, needs in BY_WHO_ADMINISTERS.items():
        where = {"number": asked(folder_id)} if needs else {}
        answer = scene.call(login, endpoint, "POST", folder_id, **where)
        assert (answer.status_code, WORDS in answer.text) == (403, True), (login, endpoint, answer.text)
    for endpoint in ("folders.relief", "folders.coming"):
        assert scene.call(login, endpoint, "GET", folder_id).status_code == 403, endpoint
    page = scene.clients[login].get(f"/dossiers/{folder_id}")
    assert page.status_code == 200
    for verb in ("remplacer", "passer", "etapes", "retirer", "rendre", "viser", "rejeter", "confier"):
        assert f"/dossiers/{folder_id}/{verb}" not in page.text, verb
        assert f"/avis/{asked(folder_id)}/{verb}" not in page.text, verb


def test_every_route_is_in_the_table_and_a_new_one_is_told_by_its_name(house: House) -> None:
    assert unclassified(posted(house)) == []
    assert unclassified({*posted(house), "folders.copy"}) == ["folders.copy"]
    assert posted(house) >= OF_HIS_OWN | REFUSED
    assert not OF_HIS_OWN & REFUSED


@pytest.mark.parametrize("login", [K, M, ALONE])
def test_whoever_administers_does_nothing_in_a_folder_that_its_type_alone_opens(
    house: House, login: str
) -> None:
    folder_id = open_invoice(house)
    delegate(house)
    if login == ALONE:
        here = house.actor(K).collectivity_id
        desks.create_user(
            here,
            ALONE,
            email=f"{ALONE}@kerlann-sur-mer.example",
            first_name="Maël",
            last_name="Seul",
            capacity="Agent",
            password="kerlann-demo-2026",
            administrator=True,
        )
    walk(house, login, folder_id)


def test_a_delegate_does_nothing_in_the_branch_that_he_administers(house: House) -> None:
    """At the step of the desk that he administers, where he would relieve who is absent were it his to read."""
    folder_id = open_invoice(house)
    asking.withdraw(house.actor(R), folder_id, asked(folder_id), version=house.folder(folder_id).version)
    house.approve(folder_id, R)
    assert house.folder(folder_id).place == "finance"
    delegate(house)
    before = about(folder_id)
    verbs: tuple[Any, ...] = (
        lambda: relieving.pass_step(
            house.actor(M), folder_id, version=house.folder(folder_id).version, reason="Absent"
        ),
        lambda: relieving.replace_actor(
            house.actor(M),
            folder_id,
            version=house.folder(folder_id).version,
            part="desk:finances",
            desk="paye",
            reason="Absent",
        ),
    )
    for verb in verbs:
        with pytest.raises(Refusal, match="looks-on"):
            verb()
    assert about(folder_id) == before


def test_nobody_gives_himself_a_folder_that_its_type_alone_lets_him_read(house: House) -> None:
    """Where somebody leaves, who administers gives his parts to others, never to himself, whatever the type opens."""
    finance_asks(house, [{"person": N}], "any")
    folder_id = open_invoice(house)
    desks.seat(house.actor(K).collectivity_id, "secretariat", K, [Right.CREATE, Right.ACT])
    before, leaver = about(folder_id), house.actor(N).user_id or 0
    for heir in ({"person": K}, {"desk": "secretariat"}):
        with pytest.raises(Refusal, match="heir-own"):
            rerouting.replace_named(house.actor(K), folder_id, leaver, reason="Départ", **heir)
    with pytest.raises(Refusal, match="heir-own"):
        handing.hand_for(
            house.actor(K), folder_id, house.actor(R).user_id or 0, desk="secretariat", reason="Départ"
        )
    change = Change("add", desk="secretariat", after=house.folder(folder_id).place, asks="visa")
    with pytest.raises(Refusal, match="looks-on"):
        rerouting.reroute(
            house.actor(K),
            folder_id,
            version=house.folder(folder_id).version,
            changes=[change],
            reason="Pour voir",
        )
    assert about(folder_id) == before
    # To somebody else it is given, as in a folder that he does not read
    assert rerouting.replace_named(house.actor(K), folder_id, leaver, person="t.lescoat", reason="Départ")
