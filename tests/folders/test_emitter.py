"""Who deposits for several desks says for which one, and may say another while the draft has not left."""

import re
from pathlib import Path

import pytest

from app.core.refusals import Refusal
from app.folders import deposit, sending
from app.folders.keep import Incoming
from app.people import desks
from tests.builders.house import INVOICE, House
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
G = "g.trehorel"


def chosen(house: House, address: str) -> tuple[list[str], str | None]:
    """The desks that a page offers, and the one that it proposes."""
    page = house.client(G).get(address).get_data(as_text=True)
    found = re.search(r'<select[^>]*name="emitter_desk".*?</select>', page, re.DOTALL)
    options = re.findall(r'<option value="([^"]+)"( selected)?', found[0]) if found else []
    return [key for key, _ in options], next((key for key, on in options if on), None)


def deposited(house: House, desk: str) -> int | str:
    """The number of the draft that the form makes, or the page that refuses it."""
    client = house.client(G)
    with Path(INVOICE).open("rb") as file:
        form = {
            "csrf_token": house.csrf(client),
            "family": "invoice",
            "emitter_desk": desk,
            "files": [(file, INVOICE.name)],
        }
        answer = client.post("/deposer", data=form, content_type="multipart/form-data")
    made = re.search(r"/dossiers/([0-9]+)/", answer.headers.get("Location", ""))
    return int(made[1]) if made else answer.get_data(as_text=True)


def emitter(house: House, folder_id: int) -> int:
    return house.folder(folder_id).emitter_desk_id


def seat(house: House, key: str) -> int:
    return next(one.desk_id for one in house.actor(G).seats if one.key == key)


def test_the_form_asks_for_which_desk_proposes_the_last_and_the_draft_lets_it_be_changed(
    house: House,
) -> None:
    assert chosen(house, "/deposer") == ([], None)
    (own,) = (one.key for one in house.actor(G).seats if Right.CREATE in one.rights)
    desks.seat(house.actor(G).collectivity_id, "technique", G, [Right.CREATE])
    assert set(chosen(house, "/deposer")[0]) == {own, "technique"}
    folder_id = deposited(house, "technique")
    assert isinstance(folder_id, int)
    assert emitter(house, folder_id) == seat(house, "technique")
    assert chosen(house, "/deposer")[1] == chosen(house, f"/dossiers/{folder_id}/brouillon")[1] == "technique"
    client = house.client(G)
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version, "emitter_desk": own}
    assert client.post(f"/dossiers/{folder_id}/brouillon", data=form).status_code == 302
    assert emitter(house, folder_id) == seat(house, own)
    assert house.journal(folder_id)[-1] == "folder.emitter"
    with pytest.raises(Refusal, match="desk-not-here"):
        house_save(house, folder_id, "finances")
    assert emitter(house, folder_id) == seat(house, own)
    house.save(folder_id, G, {"received_on": "2026-11-20", "proof_of_service": "technique"})
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    decided = house.actor(G)
    assert [one.key for one in deposit.emitters_of(decided, house.folder(folder_id))] == [own]


def house_save(house: House, folder_id: int, desk: str) -> None:
    version = house.folder(folder_id).version
    deposit.save(house.actor(G), folder_id, version=version, title=None, facts={}, desk=desk)


def test_a_type_that_one_desk_alone_deposits_is_deposited_for_it_and_said_and_another_is_refused(
    house: House, tmp_path: Path
) -> None:
    desks.seat(house.actor(G).collectivity_id, "technique", G, Rights.read(["create:contract"]))
    folder_id = deposited(house, "technique")
    assert isinstance(folder_id, int)
    assert emitter(house, folder_id) != seat(house, "technique")
    assert chosen(house, f"/dossiers/{folder_id}/brouillon") == ([], None)
    copy = tmp_path / INVOICE.name
    copy.write_bytes(INVOICE.read_bytes())
    with pytest.raises(Refusal, match="desk-not-here"):
        deposit.deposit(
            house.actor(G), "invoice", [Incoming(copy, copy.name)], desk_id=seat(house, "technique")
        )
