"""The lists: each tray holds what its name says, a page goes on where the last one stopped, a search finds without accents."""

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import NO_DATE, Db, engine, reading, writing
from app.core.stems import forms
from app.display import following, queues
from app.folders import asking, decide, deposit, handing, returning
from app.folders.access import may_read
from app.folders.keep import Incoming
from app.folders.models import Document, Folder, FolderWords, StepRun
from app.operations.absences.planning import Wanted, plan
from app.people import desks
from app.people.actor import Actor, Seat
from app.people.models import Holder
from tests.builders.house import ACT, PAY, House
from tests.circuits.test_editor import words
from workflows.rights import Rights
from workflows.vocabulary import Right

G, R, N, T, A, B, K, S = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "t.lescoat",
    "a.kervadec",
    "b.cadiou",
    "k.morizur",
    "s.rivoal",
)

WORDS = [
    *(one.value for one in Right),
    *(
        f"{one}:{kind}"
        for one in ("create", "act", "sign")
        for kind in ("pes_payroll", "invoice", "pes_payroll.prime")
    ),
]
"""Rights of every sort, those for some types of folders among them."""


def tray(house: House, login: str, name: str, **more: str) -> set[int]:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        lines = (
            queues.todo(db, actor, tray=name, **more)
            if name in {"todo", "late"}
            else queues.others(db, actor, name, **more)
        )
    return {one.id for one in lines}


def count(house: House, login: str) -> queues.Counters:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return queues.counters(db, actor)


def test_each_tray_holds_what_its_name_says_and_its_counter_says_how_many(house: House) -> None:
    draft, waiting, act = (
        house.an_invoice(at="draft"),
        house.an_invoice(at="finance"),
        house.a_deliberation(at="signatures"),
    )
    back = house.an_invoice(at="finance")
    decide.reject(house.actor(N), back, version=house.folder(back).version, reason="Montant")
    done = house.an_invoice(at="done")
    assert tray(house, N, "todo") == tray(house, T, "todo") == {waiting}
    assert tray(house, A, "todo") == tray(house, B, "todo") == {act}
    assert tray(house, R, "todo") == set()
    assert tray(house, G, "drafts") == {draft}
    assert tray(house, G, "returned") == {back}
    assert tray(house, G, "running") == tray(house, R, "running") == {waiting}
    assert tray(house, N, "running") == set(), "it awaits her, she has decided nothing"
    assert tray(house, K, "running") == tray(house, S, "running") == {act}
    assert tray(house, G, "done") == tray(house, N, "done") == tray(house, A, "done") == {done}
    assert tray(house, K, "done") == set()
    for login in (G, R, N, T, A, B, K, S):
        counted = count(house, login)
        for name in (*queues.TRAYS, "drafts"):
            assert getattr(counted, name) == len(tray(house, login, name)), (login, name)
    assert count(house, N).families == (("invoice", 1),)


def test_what_a_desk_decided_on_is_ended_for_it_only_once_the_folder_is(house: House) -> None:
    """A decision made does not end a folder, and several of them on one folder do not make several."""
    house.an_invoice(at="bon_a_payer")
    back = house.an_invoice(at="finance")
    decide.reject(house.actor(N), back, version=house.folder(back).version, reason="Montant")
    done, given_up = house.an_invoice(at="done"), house.an_invoice(at="draft")
    decide.withdraw(house.actor(G), given_up, version=house.folder(given_up).version)
    for desk in ("technique", "direction", "finances"):
        desks.seat(house.actor(G).collectivity_id, desk, G, [Right.ACT])
    ended = {G: {done, given_up}, R: {done}, N: {done}, T: {done}, K: set()}
    for login, folders in ended.items():
        assert tray(house, login, "done") == folders, login
        assert count(house, login).done == len(folders), login


def test_what_a_desk_decided_on_stays_under_way_for_it_until_the_folder_ends(house: House) -> None:
    folder_id, other = house.an_invoice(at="bon_a_payer"), house.an_invoice()
    assert tray(house, G, "running") == {folder_id, other}
    for login in (R, N, T):
        assert tray(house, login, "running") == {folder_id}, login
        assert count(house, login).running == 1, login
        page = house.client(login).get("/a-traiter?bannette=running").get_data(as_text=True)
        assert page.count('class="ftitle"') == 1
    assert tray(house, R, "running", family="deliberation") == set()
    for desk in ("technique", "finances"):  # of several desks that have it, it is there once
        desks.seat(house.actor(G).collectivity_id, desk, G, [Right.ACT])
    assert tray(house, G, "running") == {folder_id, other}
    assert count(house, G).running == 2
    decide.reject(house.actor(A), folder_id, version=house.folder(folder_id).version, reason="Montant")
    assert tray(house, R, "running") == set()
    assert count(house, R).running == 0


def test_what_a_person_sent_back_handed_on_or_did_for_another_stays_under_way_for_him(house: House) -> None:
    returned, given, covered = (house.an_invoice(at=at) for at in ("bon_a_payer", "finance", "service_done"))
    version = house.folder(returned).version
    returning.send_back(house.actor(A), returned, version=version, step="finance", reason="À revoir.")
    version = house.folder(given).version
    handing.hand(house.actor(N), given, version=version, desk="direction", reason="Marché.")
    me, last = house.actor(R), now() + timedelta(days=3)
    cover = house.actor(S).user_id
    plan(me, Wanted(me.user_id or 0, cover, *(f"{one:%Y-%m-%dT%H:%M}" for one in (now(), last))))
    decide.approve(house.actor(S), covered, version=house.folder(covered).version)
    for login, folder_id in ((A, returned), (N, given), (S, covered)):
        assert folder_id in tray(house, login, "running"), login
        assert count(house, login).running == len(tray(house, login, "running")), login
    # What was taken back was not done
    with engine().execution_options(writes=True).begin() as connection:
        mine = StepRun.__table__.c.user_id == cover
        connection.execute(sa.update(StepRun.__table__).where(mine).values(state="cancelled"))  # type: ignore[arg-type]
    assert covered not in tray(house, S, "running")


def test_who_holds_no_desk_follows_what_he_decided_for_somebody(house: House) -> None:
    """A stand-in may hold none: what he decided is under way for him, and no other list of his is asked of no desk."""
    folder_id, other = (house.an_invoice(at="finance", number=one) for one in ("FA-1", "FA-2"))
    me, cover = house.actor(N), house.actor("b.cadiou").user_id
    plan(me, Wanted(me.user_id or 0, cover, f"{today()}T00:00", f"{today() + timedelta(days=3)}T23:59"))
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.delete(Holder).where(Holder.user_id == cover))
    assert house.actor("b.cadiou").seats == ()
    house.approve(folder_id, "b.cadiou")
    counted = count(house, "b.cadiou")
    lists = {name: tray(house, "b.cadiou", name) for name in (*queues.TRAYS, "drafts")}
    assert {name: ids for name, ids in lists.items() if ids} == {"todo": {other}, "running": {folder_id}}
    assert {name: getattr(counted, name) for name in lists} == {name: len(ids) for name, ids in lists.items()}
    for name, ids in lists.items():
        page = house.client("b.cadiou").get(f"/a-traiter?bannette={name}").get_data(as_text=True)
        assert {one for one in (folder_id, other) if f"/dossiers/{one}" in page} == ids, name
    house.sign(folder_id, A)
    house.drain()
    assert tray(house, "b.cadiou", "running") == set()
    assert tray(house, "b.cadiou", "done") == {folder_id}, (
        "what he decided for somebody is found once it has ended"
    )
    assert tray(house, "b.cadiou", "done", family="deliberation") == set()
    assert (count(house, "b.cadiou").running, count(house, "b.cadiou").done) == (0, 1)


def test_what_is_under_way_and_awaits_the_reader_again_says_in_which_list_it_is(house: House) -> None:
    folder_id, other = house.a_deliberation(at="publication"), house.a_deliberation(at="direction")
    told = "Vous attend, dans « À traiter »"
    assert (tray(house, K, "running"), tray(house, K, "todo")) == ({folder_id, other}, {folder_id})

    def listed(url: str) -> str:
        return house.client(K).get(url).get_data(as_text=True).replace("\u00a0", " ")

    page = listed("/a-traiter?bannette=running")
    rows = {row.split('"', 1)[0]: row for row in page.split('href="/dossiers/')[1:]}
    assert (told in rows[str(folder_id)], "À publier" in rows[str(folder_id)]) == (True, True)
    assert (told in rows[str(other)], page.count(told)) == (False, 1)
    assert told not in listed("/a-traiter")
    # While it waits for an opinion it is in no list of what is to be done, and is told to be in none
    asking.ask(
        house.actor(K),
        folder_id,
        version=house.folder(folder_id).version,
        desks=["direction"],
        question="Est-ce affiché ?",
        waits=True,
    )
    assert told not in listed("/a-traiter?bannette=running")


def test_a_folder_is_late_the_day_after_it_was_due(house: House) -> None:
    on_time = house.an_invoice(at="service_done", received_on=(today() - timedelta(days=20)).isoformat())
    late = house.an_invoice(at="service_done", received_on=(today() - timedelta(days=21)).isoformat())
    assert tray(house, R, "todo") == {on_time, late}
    assert tray(house, R, "late") == {late}
    assert count(house, R).late == 1


def test_trays_are_sorted_by_what_is_due_first_and_filtered_by_family(house: House) -> None:
    desks.seat(house.actor(A).collectivity_id, "technique", A, [Right.ACT])
    later, sooner = (
        house.an_invoice(received_on=today().isoformat()),
        house.an_invoice(received_on=(today() - timedelta(days=9)).isoformat()),
    )
    act = house.a_deliberation(at="signatures")
    actor = house.actor(A)
    with reading(actor.collectivity_id) as db:
        dues = [one.due_on for one in queues.todo(db, actor)]
    assert dues == sorted(dues)
    assert tray(house, A, "todo", family="invoice") == {later, sooner}
    assert tray(house, A, "todo", family="deliberation") == {act}
    assert tray(house, A, "todo", family="inconnue") == set()


def test_a_page_read_is_shown_as_read_to_that_person_only(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    house.client(N).get(f"/dossiers/{folder_id}")
    for login, seen in ((N, True), (T, False)):
        actor = house.actor(login)
        with reading(actor.collectivity_id) as db:
            assert [one.read for one in queues.todo(db, actor)] == [seen]


# many folders, written as rows: what is tested here is the reading


def write_many(
    house: House, several: int, *, phase: str = "running", done: bool = False, same_due: bool = False
) -> list[int]:
    """Folders of the accounting desk, each awaited by the technical desk (or done there)."""
    actor, moment = house.actor(G), now()
    desk = {seat.key: seat.desk_id for login in (G, R) for seat in house.actor(login).seats}
    with writing() as db, db.begin():
        rows = [
            Folder(
                collectivity_id=actor.collectivity_id,
                family="invoice",
                title=f"Dossier {n}",
                title_key=f"dossier {n}",
                place="service_done" if phase == "running" else phase,
                phase=phase,
                round=1,
                emitter_desk_id=desk["comptabilite"],
                depositor_user_id=actor.user_id,
                depositor_name=actor.name,
                fields={},
                sources={},
                due_on=NO_DATE,
                created_at=moment,
                updated_at=moment,
                submitted_at=moment,
            )
            for n in range(several)
        ]
        db.add_all(rows)
        db.flush()
        db.add_all(
            [
                StepRun(
                    collectivity_id=actor.collectivity_id,
                    folder_id=row.id,
                    family="invoice",
                    step="service_done",
                    kind="visa",
                    pass_number=1000,
                    slot="desk:technique",
                    desk_id=desk["technique"],
                    state="done" if done else "active",
                    due_on=today() if same_due else today() + timedelta(days=row.id % 7),
                    entered_at=moment,
                    ended_at=moment if done else None,
                )
                for row in rows
            ]
        )
        return [row.id for row in rows]


def pages(db: Db, actor: Actor, name: str) -> Iterator[list[int]]:
    """One page after another, as « suite » asks them."""
    after = None
    while True:
        lines = (
            queues.todo(db, actor, tray=name, after=after)
            if name in {"todo", "late"}
            else queues.others(db, actor, name, after=after)
        )
        page = lines[: queues.PAGE]
        yield [one.id for one in page]
        if len(lines) <= queues.PAGE:
            return
        after = page[-1].key


@pytest.mark.parametrize(
    ("name", "login", "how"),
    [
        ("todo", R, {}),
        ("todo", R, {"same_due": True}),
        ("running", G, {}),
        ("done", R, {"phase": "done", "done": True}),
    ],
)
def test_pages_follow_one_another_without_a_gap_or_a_repeat(
    house: House, name: str, login: str, how: dict
) -> None:
    written = write_many(house, 2 * queues.PAGE + 7, **how)
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        seen = [one for page in pages(db, actor, name) for one in page]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(written)


@pytest.mark.parametrize("name", ["todo", "running"])
def test_what_arrives_while_one_reads_moves_nothing_on_the_pages_to_come(house: House, name: str) -> None:
    written = set(write_many(house, 2 * queues.PAGE))
    actor = house.actor(R if name == "todo" else G)

    def page(after: str | None) -> list[queues.Line]:
        with reading(actor.collectivity_id) as db:
            return (
                queues.todo(db, actor, after=after)
                if name == "todo"
                else queues.others(db, actor, name, after=after)
            )

    seen, after = [], None
    while True:
        lines = page(after)
        seen += [one.id for one in lines[: queues.PAGE]]
        if len(lines) <= queues.PAGE or len(seen) > 4 * queues.PAGE:
            break
        after = lines[queues.PAGE - 1].key
        if len(seen) == queues.PAGE:
            write_many(house, 10)
    assert len(seen) == len(set(seen))
    assert written <= set(seen)


def test_counters_stop_at_a_thousand_and_say_so(house: House) -> None:
    write_many(house, 1010)
    counted = count(house, R)
    assert counted.todo == queues.CAP
    assert queues.shown(counted.todo) == "999+"
    assert queues.shown(999) == "999"
    assert count(house, G).running == queues.CAP
    page = house.client(R).get("/a-traiter").get_data(as_text=True)
    assert "999+" in page
    assert page.count('href="/dossiers/') >= queues.PAGE


def test_the_counter_of_what_ended_counts_folders_whichever_desk_emitted_or_decided(house: House) -> None:
    """Those that a person's desks deposit and decide on count once, and those only decided on fill the counter too."""
    write_many(house, 600, phase="done", done=True)
    assert count(house, G).done == count(house, R).done == 600
    desks.seat(house.actor(R).collectivity_id, "comptabilite", R, [Right.ACT])
    assert count(house, R).done == 600
    write_many(house, 410, phase="done", done=True)
    write_many(house, 10, phase="running", done=True)
    assert count(house, G).done == count(house, R).done == queues.CAP
    assert count(house, N).done == 0


@pytest.mark.parametrize("name", [*queues.TRAYS, "drafts", "counters", "marks"])
@pytest.mark.parametrize("login", [A, G, K])
def test_a_tray_reads_only_what_an_index_gives_its_desks(house: House, login: str, name: str) -> None:
    """No table is read from end to end, by itself or by its key: the cost does not follow the past of others."""
    actor = house.actor(login)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    with reading(actor.collectivity_id) as db:
        postgresql = db.get_bind().dialect.name == "postgresql"
        if postgresql:  # few rows are best read whole: what is asked is whether they must be
            db.execute(sa.text("SET LOCAL enable_seqscan = off"))
        sa.event.listen(engine(), "before_cursor_execute", note)
        try:
            if name == "counters":
                queues.counters(db, actor)
            elif name == "marks":
                queues.marks(db, actor)
            elif name in {"todo", "late"}:
                queues.todo(db, actor, tray=name)
            else:
                queues.others(db, actor, name)
        finally:
            sa.event.remove(engine(), "before_cursor_execute", note)
        statement, parameters = asked[-1]
        explain = "EXPLAIN (COSTS OFF, FORMAT JSON) " if postgresql else "EXPLAIN QUERY PLAN "
        plan = db.connection().exec_driver_sql(explain + statement, parameters).all()
    steps = list(_scans(plan[0][0][0]["Plan"])) if postgresql else [row.detail for row in plan]
    assert any("ix_" in step for step in steps)
    whole = r"(folder|step_run|reading) read whole" if postgresql else r"SCAN (folder|step_run|[fsr])\b"
    assert not [step for step in steps if re.match(whole, step)], steps


def _scans(node: dict[str, Any]) -> Iterator[str]:
    """How PostgreSQL reads each table: by what index and condition, or whole."""
    if "Relation Name" in node or "Index Name" in node:
        index, condition = node.get("Index Name", ""), node.get("Index Cond", node.get("Recheck Cond", ""))
        yield f"{node.get('Relation Name', '')} {f'by {index} where {condition}' if condition else 'read whole'}"
    for one in node.get("Plans", []):
        yield from _scans(one)


PHASES = ("draft", "running", "rejected", "done")
SEARCHED = {
    "elie": True,
    "ÉLIE": True,
    "oeuvre": True,
    "Œuvre elie": True,
    "elie oeuvre": True,
    "l'oeuvre": True,
    "l’œuvre": True,
    "éli": True,
    "100%": True,
    "%": True,
    "a_b": True,
    "axb": False,
    "a-b": True,
    "a.c": False,
    "_%_": False,
    "inconnu": False,
    "elie inconnu": False,
    "": True,
    "!": True,
    "1187": True,
    "' OR 1=1 --": False,
    "\\": False,
    "n° 2026-057": True,
    "2026_057": True,
    "n° 2026-058": False,
}


def test_a_search_needs_no_accent_no_capital_and_no_order(house: House) -> None:
    folder_id = house.an_invoice(at="draft", seller="Élie & fils", number="FA-1187")
    deposit.save(
        house.actor(G),
        folder_id,
        version=house.folder(folder_id).version,
        title="L’Œuvre d’Élie ! remise 100% a_b 2026_057",
        facts={},
    )
    actor = house.actor(G)
    with reading(actor.collectivity_id) as db:
        found = {words: [one.id for one in following.follow(db, actor, words=words)] for words in SEARCHED}
    assert found == {words: [folder_id] if there else [] for words, there in SEARCHED.items()}


def test_follow_names_who_may_act_with_the_desk_and_the_step_in_as_many_statements_for_fifty(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="finance")
    actor, client = house.actor(G), house.client(G)
    with reading(actor.collectivity_id) as db:
        (row,) = following.follow(db, actor, phase="running", family="invoice")
        assert (
            following.follow(db, actor, phase="done")
            == following.follow(db, actor, family="deliberation")
            == []
        )
    assert (row.id, row.kind) == (folder_id, "visa")
    assert row.since is not None
    assert row.since.tzinfo is not None

    def listed() -> tuple[list[str], int]:
        asked: list[str] = []

        def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        sa.event.listen(engine(), "before_cursor_execute", hear)
        try:
            page = client.get("/suivi").get_data(as_text=True)
        finally:
            sa.event.remove(engine(), "before_cursor_execute", hear)
        cells = re.findall(r'data-th="(?:État|On attend)">(.*?)</td>', page, re.DOTALL)
        return [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in cells], len(asked)

    told, statements = listed()
    finances = "Direction des finances"
    assert told == ["À viser Contrôle des finances", f"Nolwenn Abgrallec ou Tifenn Lescoat {finances}"]
    desks.seat(actor.collectivity_id, "finances", R, [Right.ACT])
    for _ in range(2):
        house.an_invoice(at="bon_a_payer")
    told, more = listed()
    assert sum("ou 1 autre Direction des finances" in one for one in told) == 1
    assert told.count("Armel Kervadec Bureau du maire") == 2
    assert more <= statements  # the first page reads a circuit that the process then keeps


FOUND_BY = {
    "Roué": True,
    "roue": True,
    "212 909 998 00017": True,
    "21290999800017": True,
    "1 234,56 €": True,
    "1234.56": True,
    "1234,56 euros": True,
    "12/03/2026": True,
    "2026-03-12": True,
    "roue 12/03/2026 1234,56": True,
    "1 234,57": False,
    "13/03/2026": False,
    "21290999800025": False,
}


def test_a_folder_is_found_by_its_seller_its_siret_its_amount_and_its_dates_as_one_writes_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {
        "seller": "Roué Élagage",
        "seller_siret": "21290999800017",
        "total_ttc": "1234.56",
        "issue_date": "2026-03-12",
    }
    folder_id = house.an_invoice(at="draft", **facts)
    actor = house.actor(G)
    for few in (following.FEW, 0):  # all that one reads looked at, then the index of words
        monkeypatch.setattr(following, "FEW", few)
        with reading(actor.collectivity_id) as db:
            found = {
                words: [one.id for one in following.follow(db, actor, words=words)] for words in FOUND_BY
            }
        assert found == {words: [folder_id] if there else [] for words, there in FOUND_BY.items()}, few
    # what it is searched by follows what is typed
    version = house.folder(folder_id).version
    deposit.save(house.actor(G), folder_id, version=version, title=None, facts={"seller": "Le Goff"})
    with reading(actor.collectivity_id) as db:
        found = {words: len(following.follow(db, actor, words=words)) for words in ("roue", "le goff")}
    assert found == {"roue": 0, "le goff": 1}


@pytest.mark.parametrize("way", ["all looked at", "by the index", "in order"])
def test_follow_and_every_tray_show_exactly_what_may_be_read(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Random desks, people, rights and folders: lists, trays and the reading of one folder have one source."""
    house.an_invoice(at="done")
    house.a_deliberation(at="publication")
    rejected = house.a_deliberation(at="signatures", number="2026-058")
    decide.reject(house.actor(A), rejected, version=house.folder(rejected).version, reason="x")
    house.an_invoice(at="draft")
    house.deposit("m.kerzerho", "pes_payroll", PAY)
    other = tmp_path / "paye.xml"
    other.write_bytes(PAY.read_bytes().replace(b"2026_11", b"2026_12"))
    house.sign(house.a_pay_flow(other), A)
    house.drain()
    dice = random.Random(20261125)
    here = house.actor(G).collectivity_id
    if way != "all looked at":
        monkeypatch.setattr(following, "FEW", 0)
    if way == "in order":
        monkeypatch.setattr(following, "COMMON", 0)
    with reading() as db:
        every = list(db.scalars(sa.select(Folder)))
        places = (
            db.execute(sa.select(StepRun.desk_id).where(StepRun.desk_id.is_not(None)).distinct())
            .scalars()
            .all()
        )
        known = sorted({*places, *(one.emitter_desk_id for one in every), 987654})
        persons = [*(house.actor(one).user_id for one in (G, R, N, A, B, K)), 987654, None]
        texts = {one.folder_id: one.title + one.documents for one in db.scalars(sa.select(FolderWords))}

        def within(number: int, word: str) -> bool:
            return any(f" {form} " in texts[number] for form in forms(word))

        shown = asked = 0
        for _ in range(200):
            held = dice.sample(known, dice.randint(0, min(3, len(known))))
            seats = tuple(Seat(one, f"d{one}", "", Rights.read(dice.sample(WORDS, 3))) for one in held)
            who = dice.choice(persons)
            actor = Actor(
                "person" if who else "application",
                dice.choice([here, here, here, here + 1]),
                "Essai",
                user_id=who,
                application_id=None if who else 1,
                seats=seats,
            )
            readable = {one.id for one in every if may_read(db, actor, one)}
            followed = {one.id for one in following.follow(db, actor)}
            assert followed == readable, actor
            words, phase = dice.choice(["", "2026", "facture", "9"]), dice.choice(["", *PHASES])
            family = dice.choice(["", "invoice", "deliberation", "pes_payroll"])
            wanted = [one for one in every if one.id in readable and one.phase in (phase or PHASES)]
            wanted = [one for one in wanted if one.family in (family or one.family)]
            wanted = [one for one in wanted if words in one.title_key or within(one.id, words)]
            lines = following.follow(db, actor, words=words, phase=phase, family=family)
            assert [one.id for one in lines] == sorted((one.id for one in wanted), reverse=True), actor
            names = {"invoice", "deliberation", "pes_payroll", "invoice.inconnu"}
            known_family = {one.family for one in every if one.id in readable}
            assert following.any_of(db, actor, names) == names & known_family, actor
            asked += len(wanted)
            shown += len(readable)
            if way != "all looked at":
                continue  # trays know nothing of these ways: what they show of the same throws is asked by the first
            lists = {
                name: [
                    one.id
                    for one in (
                        queues.todo(db, actor, tray=name)
                        if name in {"todo", "late"}
                        else queues.others(db, actor, name)
                    )
                ]
                for name in (*queues.TRAYS, "drafts")
            }
            assert {one for ids in lists.values() for one in ids} <= readable, actor
            if actor.collectivity_id == here:
                counted = queues.counters(db, actor)
                assert {name: getattr(counted, name) for name in lists} == {
                    name: len(ids) for name, ids in lists.items()
                }, actor
    assert shown > 50
    assert asked > 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_draft_without_a_title_is_named_by_the_file_that_is_its_document_now(
    house: House, tmp_path: Path
) -> None:
    before, after = tmp_path / "avant.pdf", tmp_path / "apres.pdf"
    before.write_bytes(ACT.read_bytes())
    after.write_bytes(ACT.read_bytes() + b"\n")
    folder_id = house.deposit(K, "other", before)
    client = house.client(K)

    def named() -> list[set[str]]:
        pages = ("/a-traiter?bannette=drafts", "/suivi?etat=draft", f"/dossiers/{folder_id}/brouillon")
        return [set(re.findall(r"(avant|apres)\.pdf", client.get(one).text)) for one in pages]

    assert named() == [{"avant"}] * 3
    with reading() as db:
        document = db.scalars(sa.select(Document.id).where(Document.folder_id == folder_id)).one()
    deposit.replace_main(house.actor(K), folder_id, document, Incoming(after, after.name))
    assert named() == [{"apres"}] * 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_draft_without_facts_has_one_name_in_its_list_and_on_its_page(house: House, tmp_path: Path) -> None:
    """« annexe.pdf » in « Brouillons », and not « Facture » on its own page; what is typed is its title at once."""
    scan = tmp_path / "annexe.pdf"
    scan.write_bytes(ACT.read_bytes())
    folder_id = house.deposit(G, "invoice", scan)
    client = house.client(G)
    assert "annexe.pdf" in words(client.get("/a-traiter?bannette=drafts"))
    link = f"/dossiers/{folder_id}/brouillon"

    def shown() -> tuple[str, str]:
        page = client.get(link).get_data(as_text=True)
        head = re.search(r"<h1[^>]*>([^<]*)</h1>", page)
        field = re.search(r'<input[^>]*\bid="title"[^>]*>', page)
        assert head
        assert field
        value = re.search(r'\bvalue="([^"]*)"', field[0])
        return head[1].strip(), value[1] if value else ""

    assert shown() == ("annexe.pdf", "")
    form = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version)}
    client.post(link, data={**form, "title": "", "action": "save"})
    assert shown() == ("annexe.pdf", ""), "left empty, it says no more than before"
    form["version"] = str(house.folder(folder_id).version)
    client.post(link, data={**form, "title": "Gravier de mars", "action": "save"})
    assert shown() == ("Gravier de mars", "Gravier de mars")
    assert "annexe.pdf" not in words(client.get("/a-traiter?bannette=drafts"))
