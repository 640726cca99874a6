"""The calendar of holidays takes a moment to read: never while other people wait for a transaction, never for a login page."""

import sys
from typing import Any

import pytest

from app.core import jobs, transaction
from tests.builders.house import House, token_in
from workflows import deadlines


def read() -> bool:
    return "holidays" in sys.modules


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Each transaction from now on, and whether the calendar was read before it; a process that has not read it yet."""
    for name in [one for one in sys.modules if one.split(".")[0] == "holidays"]:
        monkeypatch.delitem(sys.modules, name)
    deadlines._holidays.cache_clear()
    seen, once = [], transaction._once

    def watched(verb: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append((verb.__name__, read()))
        return once(verb, *args, **kwargs)

    monkeypatch.setattr(transaction, "_once", watched)
    return seen


def test_the_first_click_of_a_process_reads_it_before_its_transaction(
    house: House, begun: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id = house.an_invoice(at="service_done")
    client = house.client("r.pellenec")
    page = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    begun.clear()
    for name in [one for one in sys.modules if one.split(".")[0] == "holidays"]:
        monkeypatch.delitem(sys.modules, name)
    deadlines._holidays.cache_clear()
    form = {"csrf_token": token_in(page), "version": house.folder(folder_id).version, "comment": ""}
    assert client.post(f"/dossiers/{folder_id}/viser", data=form).status_code == 302
    assert ("approve", True) in begun


def test_the_login_page_does_not_read_it(house: House, begun: list[tuple[str, bool]]) -> None:
    client = house.client("r.pellenec")
    assert client.get("/a-traiter").status_code == 200
    assert not read()


def test_the_worker_reads_it_before_its_first_row(
    house: House, begun: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: jobs.Worker) -> None:
        assert read()

    monkeypatch.setattr(jobs.Worker, "run", run)
    done = house.app.test_cli_runner().invoke(args=["worker"])
    assert done.exit_code == 0, done.output or done.exception
