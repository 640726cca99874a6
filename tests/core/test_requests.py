"""From a click to the letter that it causes, one number says that they belong together."""

import json
import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app import create_app
from app.core import logs, outbox
from app.core.db import engine, reading
from app.core.outbox import News
from app.core.transaction import use_case
from tests.builders.house import House, token_in

pytestmark = pytest.mark.in_turn

FORGOTTEN = "/mot-de-passe-oublie"


def ask_a_link(client: FlaskClient, **headers: str) -> str:
    """Ask for the link of a forgotten password; the number of the request."""
    form = {"login": "g.trehorel", "csrf_token": token_in(client.get(FORGOTTEN).get_data(as_text=True))}
    answer = client.post(FORGOTTEN, data=form, headers=headers)
    assert answer.status_code == 200
    return str(answer.headers["X-Request-Id"])


def number_of_last_row() -> str | None:
    with reading() as db:
        return db.scalars(sa.select(outbox.Outbox.request).order_by(outbox.Outbox.id.desc())).first()


def test_the_number_of_a_click_is_on_its_answer_on_its_work_and_on_its_letter(house: House) -> None:
    number = ask_a_link(house.app.test_client())
    assert re.fullmatch("[0-9a-f]{32}", number)
    assert number_of_last_row() == number
    outbox.drain()
    assert house.mail.letters[-1]["X-Request-Id"] == number
    assert ask_a_link(house.app.test_client()) != number


def test_lines_of_the_log_and_further_work_bear_the_number_of_what_caused_them(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_handlers", dict(outbox._handlers))
    here = house.actor("a.kervadec").collectivity_id

    @outbox.handles("essai")
    def _fails(row: outbox.Row) -> None:
        further(here)
        raise RuntimeError("le serveur ne répond pas")

    logs.configure(json_lines=False)
    client = house.client("t.lescoat")
    capsys.readouterr()
    refused = client.get("/dossiers/999999").headers["X-Request-Id"]
    lines = [json.loads(one) for one in capsys.readouterr().err.splitlines() if one.startswith("{")]
    assert [one["request"] for one in lines if one["event"] == "request.refused"] == [refused]
    number = ask_a_link(house.app.test_client())
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(outbox.Outbox).values(kind="essai"))
    capsys.readouterr()
    outbox.drain()
    assert number_of_last_row() == number
    assert f"request={number}" in next(
        one for one in capsys.readouterr().err.splitlines() if "outbox.failed" in one
    )


@use_case
def further(db, collectivity_id: int) -> None:
    outbox.post(db, collectivity_id, [News("suite", "suite", {})])


def test_the_number_that_a_stranger_sends_is_never_taken_even_through_a_proxy(house: House) -> None:
    given = "0123456789abcdef0123456789abcdef"
    behind = create_app(house.settings.model_copy(update={"trusted_proxies": 1}))
    for app in (house.app, behind):
        assert ask_a_link(app.test_client(), **{"X-Request-Id": given}) != given
