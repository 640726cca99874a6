"""Killed while a signature of the trust service is embedded: it is embedded later, once, and nobody is asked again."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import now
from app.core.db import engine
from app.signing.models import RemoteRequest
from tests.batches.test_signatures import signed_once
from tests.builders.house import House
from tests.builders.remote import At, key_of
from tests.builders.trust_service import TrustService
from tests.crash.deaths import Point
from tests.crash.sound import bytes_are_there, chain_holds
from tests.crash.walk import Forge
from tests.remote.conftest import house, most, server  # noqa: F401 - fixtures

pytestmark = pytest.mark.crash

EMBED = (
    Point("taken up, not claimed", "app.signing.remote.pending:take_up"),
    Point("session claimed", "app.signing.sign:claim"),
    Point("embedded, not read back", "app.signing.formats.pades:complete"),
    Point("kept, before the transaction", "app.signing.sign:record", after=False),
    Point("version and proof written, before the move", "app.signing.record:move", after=False),
    Point("moved, before the commit", "app.signing.record:move"),
)
TOLD = Point("committed, before the answer", "app.signing.sign:record")


def authorised(forge: Forge, server: TrustService) -> tuple[At, int, str]:  # noqa: F811
    """The mayor, who has given his codes for a folder; the forge holds the browser in which he did."""
    mayor = At(forge.house, server, "a.kervadec")
    if not mayor.links():
        mayor.link()
    cookie = mayor.client.get_cookie("paraphe")
    assert cookie is not None
    forge._browsers[mayor.login] = (cookie.value, mayor.token)
    folder_id = forge.house.an_invoice(at="bon_a_payer")
    request = mayor.asked(folder_id)
    assert mayor.authorise(folder_id, request).status_code == 200
    return mayor, folder_id, request


def state(mayor: At, folder_id: int, request: str) -> str:
    """What the page is told when it asks what became of it."""
    asking = f"/dossiers/{folder_id}/signature/distance/terminer"
    return str(mayor.client.get(asking, query_string={"session": request}).get_json()["state"])


def believed_dead() -> None:
    """The time passes during which whoever embeds is believed to be at it."""
    with engine().begin() as connection:
        connection.execute(sa.update(RemoteRequest).values(busy_until=now()))


def killed(forge: Forge, point: Point, *given: Any) -> None:
    assert forge.play("embed", *given, login="a.kervadec", kill=point.kill)["died"], point.name
    chain_holds(forge.house)
    bytes_are_there(forge.house)


def test_what_the_service_signed_outlives_the_process_and_is_embedded_once(
    forge: Forge,
    server: TrustService,  # noqa: F811
) -> None:
    for point in EMBED:
        mayor, folder_id, request = authorised(forge, server)
        asked = len(server.asked("signHash"))
        killed(forge, point, folder_id, request)
        assert [one.origin for one in forge.house.versions(folder_id)] == ["deposited"], point.name
        assert state(mayor, folder_id, request) == "pending", point.name
        assert key_of(mayor.prepare(folder_id)) == "csc-at-work", point.name
        assert key_of(mayor.complete(folder_id, request)) == "session-used", point.name
        believed_dead()
        assert state(mayor, folder_id, request) == "held", point.name
        again = mayor.prepare(folder_id).get_json()
        assert again == {"session": request, "items": [{"id": request, "wants": [], "page": ""}]}, point.name
        assert mayor.complete(folder_id, request).get_json()["state"] == "done", point.name
        signed_once(forge.house, folder_id)
        chain_holds(forge.house)
        assert len(server.asked("signHash")) == asked, point.name


def test_what_was_committed_before_the_death_is_not_signed_again(
    forge: Forge,
    server: TrustService,  # noqa: F811
) -> None:
    mayor, folder_id, request = authorised(forge, server)
    killed(forge, TOLD, folder_id, request)
    believed_dead()
    assert state(mayor, folder_id, request) == "done"
    mayor.complete(folder_id, request)
    signed_once(forge.house, folder_id)
    house: House = forge.house  # noqa: F811
    assert house.folder(folder_id).place != "bon_a_payer"
