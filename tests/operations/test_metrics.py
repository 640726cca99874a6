"""Figures for a monitoring system: right, of no person, and for nobody who was not let in."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from app import create_app
from app.core import outbox
from tests.builders.house import House
from tests.cluster import free_port

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "un jeton de surveillance assez long"


def figures(house: House) -> dict[str, float]:
    text = house.app.test_client().get("/metrics").get_data(as_text=True)
    return {
        f"{one.name}{dict(one.labels) or ''}": one.value
        for family in families(text)
        for one in family.samples
    }


def test_what_waits_and_what_stopped_are_counted_as_they_are(house: House) -> None:
    waiting, stopped = ("{'kind': 'mail', 'state': 'waiting'}", "{'kind': 'mail', 'state': 'stopped'}")
    assert f"paraphe_outbox_rows{waiting}" not in figures(house)
    house.an_invoice(at="service_done")
    house.client("g.trehorel")
    found = figures(house)
    assert found[f"paraphe_outbox_rows{waiting}"] == 1
    assert 0 <= found[f"paraphe_outbox_oldest_seconds{waiting}"] < 600
    assert found["paraphe_sessions_open"] == 1
    assert found["paraphe_store_up"] == 1
    assert found["paraphe_operators_silent"] == 0
    down = {"mail_url": f"smtp://127.0.0.1:{free_port()}", "attempts_limit": 1, "mail_days": 0.0}
    create_app(house.settings.model_copy(update=down))
    outbox.drain()
    found = figures(house)
    assert found[f"paraphe_outbox_rows{stopped}"] == 1
    assert f"paraphe_outbox_rows{waiting}" not in found


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_they_do_not_exist_for_who_is_not_let_in(house: House) -> None:
    secret = type(house.settings.metrics_token)(TOKEN)
    client = create_app(house.settings.model_copy(update={"metrics_token": secret})).test_client()

    def asked(address: str, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=named).status_code

    assert asked("127.0.0.1") == 200
    assert asked("203.0.113.9", Authorization=f"Bearer {TOKEN}") == 200
    for refused in (
        asked("203.0.113.9"),
        asked("203.0.113.9", Authorization="Bearer faux"),
        asked("203.0.113.9", Authorization="Bearer "),
        asked("127.0.0.1", X_Forwarded_For="203.0.113.9"),  # a proxy on the same machine
        asked("127.0.0.1", Forwarded="for=203.0.113.9"),
    ):
        assert refused == 404


def test_the_board_that_is_given_asks_for_figures_that_exist() -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for one in panel["targets"]
        for name in re.findall(r"paraphe_\w+", one["expr"])
    }
    told = set(re.findall(r"\"(paraphe_\w+)\"", (ROOT / "app" / "operations" / "metrics.py").read_text()))
    assert asked == told
