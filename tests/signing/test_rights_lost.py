"""Between two clicks a right may be lost: whatever was prepared with it, nothing is signed and nothing is kept."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.db import engine, reading
from app.people import desks, login
from app.people.models import LoginSession
from app.signing import enrol
from app.signing.keys.pkcs12 import Pkcs12Key
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

A, B = "a.kervadec", "b.cadiou"


def prepared(house: House, client: FlaskClient, folder_id: int, who: str = A) -> tuple[dict[str, Any], str]:
    """The first click, in the browser; returns what the second one would send, and the form's token."""
    key, token = house.key("a_kervadec" if who == A else "b_cadiou"), house.csrf(client)
    offer = {
        "version": house.folder(folder_id).version,
        "certificate": b64encode(key.certificate).decode(),
        "chain": [b64encode(one).decode() for one in key.chain],
    }
    url = f"/dossiers/{folder_id}/signature/preparer"
    answer = client.post(url, json=offer, headers={"X-CSRFToken": token})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {"session": answer.get_json()["session"], "signatures": signatures(key, answer.get_json())}, token


def signatures(key: Pkcs12Key, ready: dict[str, Any]) -> list[dict[str, str]]:
    (item,) = ready["items"]
    return [{"id": "main", "signature": b64encode(key.sign(b64decode(item["tbs"]))).decode()}]


def finish(client: FlaskClient, folder_id: int, body: dict[str, Any], token: str) -> Any:
    url = f"/dossiers/{folder_id}/signature/terminer"
    return client.post(url, json=body, headers={"X-CSRFToken": token, "Accept": "application/json"})


def kept(house: House) -> set[str]:
    """Every object of the store."""
    home = Path(house.settings.data_dir) / "documents"
    return {str(one.relative_to(home)) for one in home.rglob("*") if one.is_file()}


def unsigned(house: House, folder_id: int) -> tuple[Any, ...]:
    folder = house.folder(folder_id)
    with engine().connect() as connection:
        proofs = connection.execute(sa.text("SELECT COUNT(*) FROM signature_proof")).scalar()
    journal = [one for one in house.journal(folder_id) if one != "signature.refused"]
    return folder.place, folder.version, len(house.versions(folder_id)), journal, proofs


def _desk(house: House) -> None:
    here = house.actor(A).collectivity_id
    desks.seat(here, "maire", A, [])
    desks.seat(here, "technique", A, [Right.SIGN])  # still a signatory, of another desk


def _right(house: House) -> None:
    desks.seat(house.actor(A).collectivity_id, "maire", A, [Right.ACT])


def _account(house: House) -> None:
    desks.close_account(house.actor(A).collectivity_id, A)


def _session(house: House) -> None:
    me = house.actor(A).user_id or 0
    with reading() as db:
        rows = db.scalars(
            sa.select(LoginSession.id).where(LoginSession.user_id == me, LoginSession.revoked_at.is_(None))
        ).all()
    for row in rows:
        login.revoke(me, row)


def _certificate(house: House) -> None:
    actor = house.actor(A)
    with reading() as db:
        rows = [one.id for one in enrol.certificates_of(db, actor.user_id or 0)]
    for row in rows:
        enrol.withdraw(actor, row)


@pytest.mark.parametrize(
    ("lose", "status"),
    [(_desk, 403), (_right, 403), (_account, 401), (_session, 401), (_certificate, 403)],
    ids=["desk", "right", "account", "session", "certificate"],
)
def test_whoever_loses_the_right_between_the_two_clicks_signs_nothing(
    house: House, lose: Callable[[House], None], status: int
) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    body, token = prepared(house, client, folder_id)
    lose(house)
    before, bytes_before = unsigned(house, folder_id), kept(house)
    answer = finish(client, folder_id, body, token)
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    assert unsigned(house, folder_id) == before
    assert kept(house) == bytes_before  # no signed file stays behind, not even one that no row names


def test_the_same_two_clicks_sign_when_nothing_was_lost(house: House) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    body, token = prepared(house, client, folder_id)
    assert finish(client, folder_id, body, token).get_json()["state"] == "done"
    assert house.folder(folder_id).place == "handover"


def test_a_signature_prepared_by_somebody_serves_nobody_else_nor_in_another_browser(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    mayor, elsewhere, clerk = house.client(A), house.client(A), house.client(B)
    body, token = prepared(house, mayor, folder_id)
    before, bytes_before = unsigned(house, folder_id), kept(house)
    for other in (clerk, elsewhere):
        answer = finish(other, folder_id, body, house.csrf(other))
        assert (answer.status_code, answer.get_json()["key"]) == (409, "session-used")
    never = finish(clerk, folder_id, {**body, "session": "jamais"}, house.csrf(clerk))
    theirs = finish(clerk, folder_id, body, house.csrf(clerk))
    assert never.get_data() == theirs.get_data()
    assert (unsigned(house, folder_id), kept(house)) == (before, bytes_before)
    assert finish(mayor, folder_id, body, token).get_json()["state"] == "done"  # and it still serves its own


def test_what_became_of_a_signature_is_told_to_its_signer_alone_and_of_its_own_folder_alone(
    house: House,
) -> None:
    folder_id, other = house.a_deliberation(at="signatures"), house.an_invoice(at="bon_a_payer")
    mayor, clerk = house.client(A), house.client(B)
    body, token = prepared(house, mayor, folder_id)
    assert finish(mayor, folder_id, body, token).get_json()["state"] == "done"
    mayor.get("/suivi")  # the good news is read once

    def told(client: FlaskClient, number: int) -> str:
        url = f"/dossiers/{number}/signature/terminer"
        return str(client.get(url, query_string={"session": body["session"]}).get_json()["state"])

    assert told(mayor, other) == "nothing"
    assert "est signé" not in mayor.get("/suivi").get_data(as_text=True)
    assert told(clerk, folder_id) == "nothing"
    assert told(mayor, folder_id) == "done"


def test_a_visa_is_lost_with_the_desk_even_on_a_page_already_open(house: House) -> None:
    folder_id, client = house.an_invoice(at="finance"), house.client("n.abgrallec")
    here, token = house.actor(A).collectivity_id, house.csrf(client)
    form = {"csrf_token": token, "version": str(house.folder(folder_id).version)}
    before = unsigned(house, folder_id)
    for rights, statuses in (([Right.CREATE], {403}), ([], {403, 404})):
        desks.seat(here, "finances", "n.abgrallec", rights)
        for verb in ("viser", "rejeter"):
            answer = client.post(f"/dossiers/{folder_id}/{verb}", data={**form, "reason": "Non"})
            assert answer.status_code in statuses, (rights, verb)
    assert unsigned(house, folder_id) == before
