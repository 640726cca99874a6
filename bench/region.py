"""A region in one base: forty collectivities, one with a fifth of all folders and a village of 500, written by SQL alone.

Every folder has its document, its steps, its lines of the journal, its letters, and, where its family leaves the house,
its transmission and its publication. The same people read the same inbox whatever the number of folders: only the past
grows. The lines of the journal are not chained: this base is to be read and measured, never verified.

`python -m bench.region postgresql 1000000` fills one and says how long each table took.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from app.core import db
from app.people import desks
from app.people.models import Desk
from bench import crowd
from bench.commune import DESKS, PASSWORD, Commune
from workflows.vocabulary import Right

COLLECTIVITIES, APART = 40, 1_000
"""The collectivity k has its people and desks from number (k - 1) x APART on; k = 1 is the commune of the benches."""
VILLAGE, IN_VILLAGE = 40, 500
IN_HAND = 500
"""The last folders deposited, which are on their way: a fifth in the large commune, whatever the past."""
POOR, READS = "y.coz", 20
"""An agent at a desk that a few folders have reached, all over the past, and how many."""
PUBLISHER = "k.morizur"
"""Who publishes the acts of the large commune, and administers it."""
RARE = "kermarrec"
"""A seller of twenty folders of the large commune."""
MAYOR, DIRECTION, FINANCES, TECHNICAL, ACCOUNTS, OFFICE, MUSEUM = 1, 4, 5, 6, 7, 8, 9

# What a folder is, from its number: its collectivity, its rank there, its family, and how far it went
_SHAPE = f"""
CREATE TABLE region AS
SELECT n, k, (k - 1) * {APART} AS base, u, phase,
 CASE WHEN u % 20 < 12 THEN 'invoice' WHEN u % 20 < 15 THEN 'deliberation' WHEN u % 20 < 17 THEN 'regulatory_decree'
  WHEN u % 20 < 18 THEN 'individual_decree' WHEN u % 20 < 19 THEN 'pes' ELSE 'pes_payroll' END AS family,
 CASE WHEN k = 1 AND u % {{step}} = 3 THEN {MUSEUM} ELSE {TECHNICAL} END AS first_desk,
 CASE WHEN k = 1 AND u % {{step}} = 7 THEN 'Kermarrec' ELSE 'Ateliers ' || (u % 211) END AS seller
FROM (SELECT n, CASE WHEN n % 5 = 0 THEN 1 WHEN n % {{village}} = 1 THEN {VILLAGE} ELSE 2 + n % {COLLECTIVITIES - 2} END AS k,
  n / 5 AS u,
  CASE WHEN n > {{folders}} - {{in_hand}} THEN 'running' WHEN n % 499 = 0 THEN 'rejected' WHEN n % 1009 = 0 THEN 'draft' ELSE 'done' END AS phase
 FROM {{numbers}}) AS numbered
"""
# The steps, in the order of the circuit: rank, key, kind, desk, and for whom; an act is published, the rest handed over
_ACT = "r.family IN ('deliberation', 'regulatory_decree', 'individual_decree')"
_AWAITED = "CASE WHEN r.u % 2 = 0 THEN 3 ELSE 1 END"
_STEPS = (
    (0, "service_done", "visa", "r.first_desk", TECHNICAL, "r.family <> 'pes_payroll'"),
    (1, "finance", "visa", FINANCES, 3, "r.family <> 'pes_payroll'"),
    (2, "direction", "visa", DIRECTION, 2, "r.u % 2 = 0 AND r.family <> 'pes_payroll'"),
    (3, "mayor", "sign", MAYOR, 1, "1 = 1"),
    (4, "handover", "transmit", None, 0, "r.family <> 'individual_decree'"),
    (5, "publication", "publish", OFFICE, OFFICE, _ACT),
)
EVENTS = ("submit", "approve", "approve", "approve", "open", "sign", "transmit", "acknowledge")
# Every number named here is written here: to look for each takes as long as to write it
SERVER_FAST = ("SET synchronous_commit = off", "SET session_replication_role = replica", "SET jit = off")
FILE_FAST = ("PRAGMA synchronous = OFF", "PRAGMA foreign_keys = OFF", "PRAGMA cache_size = -512000")


class Region:
    """Forty collectivities on the present base; the first is the commune of the benches."""

    def __init__(self) -> None:
        self.commune = Commune()
        self.taken: dict[str, float] = {}

    def settle(self) -> None:
        """Found the collectivities: the first by the verbs of the product, the others as copies of it."""
        commune = self.commune
        commune.settle()
        desks.create_desk(commune.id, "musee", "Musée")
        desks.create_user(
            commune.id,
            POOR,
            email=f"{POOR}@kerlann-sur-mer.example",
            first_name="Yann",
            last_name="Coz",
            capacity="Agent",
            password=PASSWORD,
        )
        desks.seat(commune.id, "musee", POOR, [Right.ACT])
        with db.reading() as session:
            desk_ids = {desk.key: desk.id for desk in session.execute(sa.select(Desk.key, Desk.id))}
        wanted = {key: number for number, key in enumerate((*DESKS, "musee"), start=1)}
        if commune.id != 1 or commune.version_id != 1 or desk_ids != wanted:
            raise RuntimeError("a region is founded on an empty base, whose numbers begin at 1")
        with db.engine().execution_options(writes=True).begin() as connection:
            for statement in _collectivities():
                connection.exec_driver_sql(statement)

    def fill(self, folders: int, in_hand: int = IN_HAND) -> None:
        """Write so many folders, table after table, and the statistics that the base makes by itself in time.

        `in_hand`: how many of the last ones are on their way.
        """
        engine = db.engine()
        with closing(engine.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            if engine.dialect.name == "postgresql":
                driver.autocommit = True
            for name, statement in _rows(engine.dialect.name, folders, in_hand):
                began = time.monotonic()
                driver.execute(statement)
                self.taken[name] = self.taken.get(name, 0.0) + time.monotonic() - began
            connection.invalidate()  # its settings are of the filling alone
        began = time.monotonic()
        crowd.tidy()
        self.taken["statistics"] = time.monotonic() - began


def _collectivities() -> Iterator[str]:
    known = f"(SELECT p.password_hash FROM person p JOIN user_account m ON m.person_id = p.id WHERE m.id = {MAYOR})"
    yield f"INSERT INTO person (id, login, email, password_hash, created_at) SELECT {APART}, login, email, {known}, created_at FROM user_account WHERE id = {OFFICE}"
    yield f"UPDATE user_account SET person_id = {APART}, administrator = (1 = 1) WHERE id = {OFFICE}"
    copies = (
        f"WITH RECURSIVE more(k) AS (SELECT 2 UNION ALL SELECT k + 1 FROM more WHERE k < {COLLECTIVITIES})"
    )
    base = f"(k - 1) * {APART}"
    columns = "department, district, nature, settings, created_at"
    yield f"INSERT INTO collectivity (id, siren, name, {columns}) {copies} SELECT k, CAST(300000000 + k AS VARCHAR), 'Commune ' || k, {columns} FROM more, collectivity WHERE id = 1"
    yield f"INSERT INTO desk (id, key, name, collectivity_id) {copies} SELECT {base} + d.id, d.key, d.name, k FROM more, desk d WHERE d.id < {MUSEUM}"
    columns = "email, first_name, last_name, capacity, administrator, active, theme, shortcuts, created_at, emergency"
    chosen = ", ".join(f"p.{column}" for column in columns.split(", "))
    yield f"INSERT INTO user_account (id, login, {columns}, collectivity_id) {copies} SELECT {base} + p.id, p.login || k, {chosen}, k FROM more, user_account p WHERE p.id < {MUSEUM}"
    yield f"INSERT INTO holder (user_id, desk_id, rights) {copies} SELECT {base} + h.user_id, {base} + h.desk_id, h.rights FROM more, holder h WHERE h.desk_id < {MUSEUM}"
    yield f"INSERT INTO circuit_version (id, family, number, label, definition, published_at, published_by, collectivity_id) {copies} SELECT {base} + 1, v.family, v.number, v.label, v.definition, v.published_at, v.published_by, k FROM more, circuit_version v WHERE v.id = 1"
    yield "INSERT INTO public_site (collectivity_id, slug, opened_at) SELECT id, 'commune-' || id, created_at FROM collectivity"


class _Dialect:
    """How each database says a moment, a day, a digest and an object."""

    def __init__(self, kind: str, folders: int) -> None:
        self.server, self.folders = kind == "postgresql", folders
        self.json = "::jsonb" if self.server else ""
        self.no = "FALSE" if self.server else "0"
        self.object = "jsonb_build_object" if self.server else "json_object"

    @property
    def numbers(self) -> str:
        """The numbers of the folders, as a table."""
        if self.server:
            return f"generate_series(1, {self.folders}) AS g(n)"
        counted = f"SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {self.folders}"
        return f"(WITH RECURSIVE g(n) AS ({counted}) SELECT n FROM g)"

    def at(self, number: str) -> str:
        """The moment of a folder: one each minute from January 2024 on."""
        if self.server:
            return f"(TIMESTAMPTZ '2024-01-02 08:00:00+00' + ({number}) * INTERVAL '1 minute')"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', 1704182400 + ({number}) * 60, 'unixepoch')"

    def day(self, number: str) -> str:
        """The day of that moment."""
        if self.server:
            return f"(DATE '2024-01-02' + (({number}) / 1440))"
        return f"date(1704182400 + ({number}) * 60, 'unixepoch')"

    def digest(self, number: str) -> str:
        """Sixty-four signs that no other number has."""
        return (
            f"md5('a' || {number}) || md5('b' || {number})" if self.server else f"printf('%064x', {number})"
        )


Rows = Iterator[tuple[str, str]]
"""Each statement with the name of the table that it fills."""


def _rows(kind: str, folders: int, in_hand: int) -> Rows:
    say = _Dialect(kind, folders)
    yield from (("settings", setting) for setting in (SERVER_FAST if say.server else FILE_FAST))
    step, village = max(folders // 5 // READS, 20), max(folders // IN_VILLAGE, 2)
    yield (
        "region",
        _SHAPE.format(step=step, village=village, folders=folders, in_hand=in_hand, numbers=say.numbers),
    )
    for part in (_folders, _steps, _lines, _letters, _gone):
        yield from part(say)
    yield "region", "DROP TABLE region"
    if say.server:
        for table in ("folder", "document", "public_act", "public_version"):
            yield "settings", f"SELECT setval('{table}_id_seq', {folders})"
        for table in ("collectivity", "desk", "user_account", "circuit_version"):
            yield "settings", f"SELECT setval('{table}_id_seq', {COLLECTIVITIES * APART})"


def _folders(say: _Dialect) -> Rows:
    at, siret = say.at, "(21290999800000 + u % 211)"
    facts = f"{say.object}('seller', seller, 'number', 'F' || n, 'total_ttc', (n % 9000 + 10) || '.00', 'seller_siret', CAST({siret} AS VARCHAR))"
    act = _ACT.replace("r.", "")
    title = f"CASE WHEN {act} THEN 'Acte de la séance, affaire ' || n ELSE seller || ', facture F' || n END"
    key = f"CASE WHEN {act} THEN 'acte de la seance, affaire ' || n ELSE lower(seller) || ', facture f' || n || ' ' || {siret} END || ' f' || n"
    yield (
        "folder",
        "INSERT INTO folder (id, collectivity_id, family, title, title_key, number, circuit_version_id, place, phase, round, version, emitter_desk_id,"
        " depositor_user_id, depositor_name, fields, sources, amount_cents, due_on, created_at, updated_at, submitted_at, done_at)"
        f" SELECT n, k, family, {title}, {key}, 'F' || n, base + 1,"
        " CASE WHEN phase <> 'running' THEN CASE phase WHEN 'done' THEN 'done' ELSE 'draft' END WHEN u % 2 = 0 THEN 'mayor' ELSE 'finance' END,"
        f" phase, CASE WHEN phase = 'draft' THEN 0 ELSE 1 END, 4, base + {ACCOUNTS} + n % 2, base + {ACCOUNTS}, 'Gwenola Tréhorel', {facts}, '{{}}'{say.json},"
        f" (n % 9000 + 10) * 100, {say.day('n + 43200')}, {at('n')}, {at('n')}, CASE WHEN phase <> 'draft' THEN {at('n')} END, CASE WHEN phase = 'done' THEN {at('n + 4000')} END FROM region",
    )
    columns = "id, folder_id, collectivity_id, role, title, position"
    yield "document", f"INSERT INTO document ({columns}) SELECT n, n, k, 'main', 'Document', 0 FROM region"
    for number, origin, where in ((1, "deposited", "1 = 1"), (2, "signed", "phase = 'done'")):
        yield (
            "document_version",
            "INSERT INTO document_version (document_id, number, round, collectivity_id, sha256, size, media_type, filename, pages, origin, note, created_at, created_by)"
            f" SELECT n, {number}, 0, k, {say.digest(f'n * 2 + {number}')}, 50000, 'application/pdf', 'F' || n || '.pdf', 2, '{origin}', '{{}}'{say.json}, {at('n')}, 'Gwenola Tréhorel' FROM region WHERE {where}",
        )


def _steps(say: _Dialect) -> Rows:
    for rank, name, label, desk, user, where in _STEPS:
        reached = f"r.phase = 'done' OR (r.phase = 'rejected' AND {rank} = 0) OR (r.phase = 'running' AND {rank} <= {_AWAITED})"
        state = f"CASE WHEN r.phase = 'done' OR (r.phase = 'running' AND {rank} < {_AWAITED}) THEN 'done' WHEN r.phase = 'rejected' THEN 'rejected' ELSE 'active' END"
        whose, by = (f"r.base + {desk}", f"r.base + {user}") if desk else ("CAST(NULL AS INTEGER)",) * 2
        by = f"CASE WHEN {desk} = {MUSEUM} THEN {MUSEUM} ELSE {by} END" if rank == 0 else by
        named = "CAST(NULL AS INTEGER)"
        if rank == 0:  # one folder in forty began with somebody who was named, at no desk
            named = f"CASE WHEN r.u % 40 = 11 THEN {by} END"
            whose = f"CASE WHEN r.u % 40 = 11 THEN NULL ELSE {whose} END"
        yield (
            "step_run",
            "INSERT INTO step_run (folder_id, collectivity_id, family, matter, amount_cents, step, kind, pass_number, slot, desk_id, named_user_id, state, due_on, entered_at, ended_at, user_id, who, capacity)"
            f" SELECT folder_id, k, family, NULL, amount, '{name}', '{label}', {1000 + rank}, 'desk:{rank}', desk, named, state, due, entered, CASE WHEN state <> 'active' THEN ended END,"
            " CASE WHEN state <> 'active' THEN person END, CASE WHEN state <> 'active' THEN 'Somebody' END, 'Agent' FROM ("
            f"SELECT r.n AS folder_id, r.k, r.family, (r.n % 9000 + 10) * 100 AS amount, {whose} AS desk, {named} AS named, {by} AS person, {state} AS state,"
            f" {say.day('r.n + 43200')} AS due, {say.at(f'r.n + {rank * 600}')} AS entered, {say.at(f'r.n + {rank * 600 + 500}')} AS ended FROM region r WHERE {where} AND ({reached})) AS entered",
        )


def _lines(say: _Dialect) -> Rows:
    facts = '{"entered":"finance","left":"service_done","round":1,"version":2}'
    for rank, event in enumerate(EVENTS):
        where = "phase <> 'draft'" if rank < 2 else "phase = 'done'"
        yield (
            "journal_entry",
            "INSERT INTO journal_entry (collectivity_id, seq, folder_id, at, who, user_id, event, facts, previous, hash)"
            f" SELECT k, 1000000 + n * 8 + {rank}, n, CAST({say.at(f'n + {rank * 500}')} AS VARCHAR), 'Gwenola Tréhorel', base + 1 + {rank}, 'folder.{event}',"
            f" '{facts}', {say.digest('n')}, {say.digest(f'n * 8 + {rank}')} FROM region WHERE {where}",
        )


def _letters(say: _Dialect) -> Rows:
    parked = f"CASE WHEN n > {say.folders} - 40 AND n % 5 = 0 THEN 'parked' ELSE 'done' END"
    for rank in range(4):
        where = "phase <> 'draft'" if rank < 2 else "phase = 'done'"
        yield (
            "outbox",
            "INSERT INTO outbox (collectivity_id, kind, key, folder_id, payload, state, attempts, available_at, created_at, done_at)"
            f" SELECT k, '{'mail' if rank < 3 else 'step.transmit'}', 'region-' || n || '-{rank}', n, '{{\"event\": \"your_turn\"}}'{say.json},"
            f""" {"'done'" if rank else parked}, 1, {say.at("n")}, {say.at("n")}, {say.at("n + 1")} FROM region WHERE {where}""",
        )


def _gone(say: _Dialect) -> Rows:
    at, day, act = say.at, say.day, _ACT.replace("r.", "")
    yield (
        "transmission",
        "INSERT INTO transmission (collectivity_id, folder_id, round, step, channel, simulated, state, reference, identifier, prepared_at, sent_at, ended_at)"
        f" SELECT k, n, 1, 'handover', 'handover', {say.no}, 'acknowledged', 'R' || n, 'R' || n, {at('n')}, {at('n')}, {at('n')} FROM region WHERE phase = 'done' AND family <> 'individual_decree'",
    )
    yield (
        "publication",
        "INSERT INTO publication (folder_id, collectivity_id, published_on, means, enforceable_on, author, recorded_at)"
        f" SELECT n, k, {day('n')}, CASE WHEN family = 'individual_decree' THEN 'notified' ELSE 'online' END, {day('n')}, 'Katell Morizur', {at('n')} FROM region WHERE phase = 'done' AND {act}",
    )
    yield (
        "public_act",
        "INSERT INTO public_act (id, folder_id, collectivity_id, key, family, label, number, title, title_key, nature, matter, year, decided_on, published_on, authors, online_since, changed_at)"
        f" SELECT n, n, k, {say.digest('n')}, family, 'Acte', 'F' || n, 'Acte de la séance, affaire ' || n, 'acte de la seance, affaire ' || n || ' f' || n, '1', '9.1', 2024 + n / 525600, {day('n')}, {day('n')}, '[]'{say.json}, {at('n')}, {at('n')}"
        " FROM region WHERE phase = 'done' AND family IN ('deliberation', 'regulatory_decree')",
    )
    yield (
        "public_version",
        f"INSERT INTO public_version (id, act_id, collectivity_id, rank, masked, online_at, put_by, reason) SELECT id, id, collectivity_id, 1, {say.no}, online_since, 'Katell Morizur', '' FROM public_act",
    )
    yield (
        "public_file",
        "INSERT INTO public_file (version_id, position, collectivity_id, role, title, filename, media_type, size, sha256, document_version_id)"
        " SELECT v.id, 1, v.collectivity_id, 'main', 'Acte', 'acte.pdf', 'application/pdf', 50000, d.sha256, d.id FROM public_version v JOIN document_version d ON d.document_id = v.act_id AND d.number = 2",
    )


def main(kind: str, folders: int) -> None:
    """Fill one, and say how long it took and how large it is."""
    from bench.ground import ground  # it imports this module

    ground().region(kind, folders)
    size = "pg_database_size(current_database())"
    if kind == "sqlite":
        size = "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)"
    with db.engine().connect() as connection:
        taken = ground().regions[kind, folders].taken
        weight = connection.exec_driver_sql(f"SELECT {size}").scalar() or 0
    print(f"{folders:,} folders on {kind} in {sum(taken.values()):.0f} s, {weight / 2**20:.0f} MiB")
    for name, seconds in sorted(taken.items(), key=lambda entry: -entry[1]):
        print(f"{name:18} {seconds:6.1f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
