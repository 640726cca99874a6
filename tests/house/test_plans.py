"""No page reads from end to end a table that grows with everybody's folders: each statement's plan is asked of each database."""

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.circuits import library
from app.core import db, schema
from app.core.db import engine
from bench import bills
from bench import region as filling
from bench.bills import Bills
from bench.effort import effort
from bench.ground import browser
from bench.p13_pages import PAGES, address, client_of
from bench.p16_invoices import of_invoices
from bench.region import PUBLISHER, Region
from demo.pki import TestPki
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.mailserver import MailServer

FOLDERS = 10_000
GREAT = ("folder", "journal_entry", "outbox", "public_act", "step_run", "transmission")
BOUNDED = (
    "/a-publier (k.morizur)",  # until it is known that a desk publishes many
    "/actes/commune-1?q=affaire ()",  # counted until 500
    "/recherche?etat=done&q=facture (k.morizur)",  # a common word, looked for in what one desk has reached
    "/recherche?q=entre+mars+2020+et+avril+2031 (k.morizur)",  # figures that most keys have, wherever they stand there
    "/recherche?q=entre+janvier+1950+et+avril+2031 (k.morizur)",
)
"""Pages of which a statement still costs more at the larger size."""
OF_WORDS = {"ix_folder_words", "ix_folder_words_stems"}
"""Indexes of the words of everybody, which have the collectivity beside: without it, what others have is read too."""
PARTIAL = {"ix_outbox_due", "ix_outbox_parked", "ix_folder_open"}
"""Indexes of what is in hand alone, whatever the past: they may be read whole."""
MORE = (
    "/absences",
    "/absences.csv",
    "/administration/connexions",
    "/administration/journal",
    "/administration/mise-en-service",
    "/circuits",
    "/administration/regles",
    "/administration/regles/invoice",
    "/circuits/essai?type=invoice&essayer=1",
    "/circuits/invoice?etape=finance",
    "/circuits/invoice/publier",
    "/circuits/invoice/versions",
    "/compte",
    "/compte/activite",
    "/decisions-a-rapporter",
    "/lots",
    "/lots.csv",
    "/prefecture",
    "/tresorerie/retours",
    "/a-traiter?bannette=returned",
    "/suivi?tri=depot",
    "/suivi?tri=anciens",
    "/suivi?etat=&tri=anciens",
    "/suivi?etat=rejected",
    "/suivi?etat=draft",
    "/recherche?etat=done&q=facture",
    "/recherche?q=mars+2026",
    "/recherche?q=2+mars+2026",
    "/recherche?q=facture+2+mars+2026",
    "/recherche?q=02%2F03%2F2026",
    "/recherche?q=facture+02%2F03%2F2026",
    "/recherche?q=2.3.2026",
    "/recherche?q=2+mars",
    "/recherche?q=1er+mai",
    "/recherche?q=02%2F03",
    "/recherche?q=facture+02%2F03",
    "/recherche?q=d%C3%A9pos%C3%A9+hier",
    "/recherche?q=15+000",
    "/recherche?q=entre+le+15+mars+2026+et+le+3+avril+2026",
    "/recherche?q=entre+mars+2020+et+avril+2031",
    "/recherche?q=entre+janvier+1950+et+avril+2031",
    "/recherche?q=facture+mars+2026+%3E+8+900",
    "/recherche?q=vis%C3%A9+par+lescoat",
    "/recherche?q=sign%C3%A9+par+lescoat",
    "/recherche?q=sign%C3%A9+par+coz",
    "/recherche?q=d%C3%A9pos%C3%A9+par+lescoat",
    "/recherche?q=rejet%C3%A9+par+lescoat",
)
Statement = tuple[str, Any]


@pytest.fixture(autouse=True)
def _in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """These bases are small: half a gigabyte of them kept in memory while they are filled would stay with the worker."""
    for room in (bills, filling):
        monkeypatch.setattr(
            room, "FILE_FAST", tuple(one for one in room.FILE_FAST if "cache_size" not in one)
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'region.db'}"
        db.dispose()
        return
    yield cluster.create("region_of_plans")
    db.dispose()
    cluster.drop("region_of_plans")


def region(base: str, folder: Path, folders: int, pki: TestPki, mail: MailServer) -> Flask:
    """Forty collectivities, large enough for the planner to choose as it does in production."""
    library.forget()
    app = create_app(settings_for(base, folder, pki, mail.port))
    schema.upgrade()
    here = Region()
    here.settle()
    here.fill(folders)
    return app


def test_no_page_reads_a_table_that_grows_with_everybody_from_end_to_end(
    base: str, tmp_path: Path, pki: TestPki, mail: MailServer
) -> None:
    asked = asked_of(region(base, tmp_path / "data", FOLDERS, pki, mail), FOLDERS)
    assert len(asked) > 100
    whole = {
        f"{page} : {step} : {' '.join(one[0].split())[:3000]}"
        for page, one in asked.values()
        for step in read_whole(one)
    }
    assert not whole, "\n".join(sorted(whole))


def test_what_sqlite_does_for_a_page_does_not_follow_the_past(
    tmp_path: Path, pki: TestPki, mail: MailServer
) -> None:
    """It has no statistics: that it took the right index is seen by the steps of its machine, the same on every computer."""
    steps: list[dict[str, tuple[str, int]]] = []
    for folders in (FOLDERS, 4 * FOLDERS):
        base = f"sqlite:///{tmp_path / f'{folders}.db'}"
        asked = asked_of(region(base, tmp_path / f"data_{folders}", folders, pki, mail), folders)
        steps.append({text: (page, steps_of(one)) for text, (page, one) in asked.items()})
        db.dispose()
    few, many = steps
    assert len(few.keys() & many.keys()) > 100
    grown = {
        f"{few[text][0]} : {few[text][1]} → {many[text][1]} : {' '.join(text.split())[:3000]}"
        for text in few.keys() & many.keys()
        if few[text][0] not in BOUNDED and many[text][1] > 1.3 * few[text][1] + 5_000
    }
    assert not grown, "\n".join(sorted(grown))


def test_what_an_invoice_is_compared_with_and_its_pages_do_not_follow_the_past(
    tmp_path: Path, pki: TestPki, mail: MailServer
) -> None:
    """For a supplier of a tenth of all invoices and for another; but what looks through more than so few have."""
    steps: list[dict[str, int]] = []
    for invoices in (3_000, 12_000):
        base = f"sqlite:///{tmp_path / f'{invoices}.db'}"
        library.forget()
        app = create_app(settings_for(base, tmp_path / f"data_{invoices}", pki, mail.port))
        schema.upgrade()
        supplied = Bills(invoices)
        supplied.settle()
        supplied.fill()
        asked = of_invoices(supplied, partial(browser, app)).items()
        bounded = ("Délais", "Fournisseurs")
        steps.append({name: effort(one).amount for name, one in asked if not name.startswith(bounded)})
        db.dispose()
    few, many = steps
    assert len(few) > 20
    grown = {name: (few[name], many[name]) for name in few if many[name] > 1.3 * few[name] + 5}
    assert not grown


def asked_of(app: Flask, folders: int) -> dict[str, tuple[str, Statement]]:
    """Each statement of each page by its text, with the page that asked it first."""
    asked: dict[str, tuple[str, Statement]] = {}
    for login, listed in PAGES.items():
        client = client_of(app, login)
        for page in (*listed.values(), *(MORE if login == PUBLISHER else ())):
            for one in statements_of(client, address(page, folders)):
                asked.setdefault(one[0], (f"{page} ({login})", one))
    return asked


def statements_of(client: Any, page: str) -> list[Statement]:
    """What a page asks the base, as it was asked."""
    heard: list[Statement] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        heard.append((statement, parameters))

    sa.event.listen(engine(), "before_cursor_execute", hear)
    try:
        assert client.get(page).status_code == 200, page
    finally:
        sa.event.remove(engine(), "before_cursor_execute", hear)
    return [one for one in heard if one[0].lstrip(" (").upper().startswith(("SELECT", "WITH", "UPDATE"))]


def steps_of(asked: Statement) -> int:
    """How many steps of its machine SQLite takes for a statement, to the thousand below."""
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    with closing(engine().raw_connection()) as connection:
        driver: Any = connection.driver_connection
        driver.set_progress_handler(tick, 1000)
        driver.execute(*asked).fetchall()
        driver.set_progress_handler(None, 0)
    return ticks * 1000


def read_whole(asked: Statement) -> Iterator[str]:
    """How the base would read each great table from end to end for this statement."""
    statement, parameters = asked
    postgresql = engine().dialect.name == "postgresql"
    explain = "EXPLAIN (FORMAT JSON) " if postgresql else "EXPLAIN QUERY PLAN "
    with engine().connect() as connection:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
    if postgresql:
        yield from scans(rows[0][0][0]["Plan"], stopped=False)
        return
    for row in rows:
        scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row.detail)
        if scan and scan[2] not in PARTIAL and table_of(scan[1], statement) in GREAT:
            yield row.detail


def table_of(alias: str, statement: str) -> str:
    """The table that a statement calls so; a part of the statement itself has no other name."""
    found = re.search(rf"(?:FROM|JOIN|,)\s+(\w+)\s+(?:AS\s+)?{alias}\b", statement)
    if found:
        return found[1]
    return "" if re.search(rf"\)\s+(?:AS\s+)?{alias}\b", statement) else alias


def scans(node: dict[str, Any], *, stopped: bool) -> Iterator[str]:
    """What a plan reads whole; `stopped` once it has enough rows, an index in order may be read from its end."""
    table, index = node.get("Relation Name", ""), node.get("Index Name", "")
    if index in OF_WORDS and "collectivity_id" not in node.get("Index Cond", ""):
        yield f"{node['Node Type']} {index}, of every collectivity"
    if table in GREAT and node["Node Type"] in {"Seq Scan", "Index Scan", "Index Only Scan"}:
        in_order = index and (index in PARTIAL or stopped)
        if not (node.get("Index Cond") or in_order):
            yield f"{node['Node Type']} {table} {index}"
    # What is sorted or gathered is read to its end before anything is given
    kept = node["Node Type"] in {"Limit", "Subquery Scan", "Append", "Nested Loop", "Unique", "Result"}
    for one in node.get("Plans", ()):
        yield from scans(one, stopped=node["Node Type"] == "Limit" or (stopped and kept))


def test_the_planner_knows_how_few_steps_wait(
    cluster: Cluster, tmp_path: Path, pki: TestPki, mail: MailServer
) -> None:
    """A few among tens of thousands, which no usual sample counts right: one is not sought among all that wait."""
    base = cluster.create("region_of_waits")
    try:
        region(base, tmp_path / "data", FOLDERS, pki, mail)
        with engine().execution_options(writes=True).begin() as connection:
            awaited = "SELECT id FROM step_run WHERE state = 'active' ORDER BY id LIMIT 3"
            connection.exec_driver_sql(
                f"UPDATE step_run SET state = 'done' WHERE state = 'active' AND id NOT IN ({awaited})"
            )
            connection.exec_driver_sql("ANALYZE step_run")
            query = (
                "SELECT most_common_vals::text::text[] AS states, most_common_freqs AS shares FROM pg_stats"
            )
            row = connection.exec_driver_sql(
                f"{query} WHERE tablename = 'step_run' AND attname = 'state'"
            ).one()
            steps = connection.exec_driver_sql("SELECT COUNT(*) FROM step_run").scalar_one()
        shares = dict(zip(row.states, row.shares, strict=True))
        assert round(shares["active"] * steps, 2) == 3
    finally:
        db.dispose()
        cluster.drop("region_of_waits")
