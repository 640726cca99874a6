"""The invoices and the orders of one commune in one base, written by SQL alone: a tenth of its invoices are of one supplier.

Every invoice has its keys, its supplier and its steps, every tenth number is an order with what came of it, and two of the
ten invoices that follow bill it. As many come each day whatever their number, and as many are on their way: only the past
grows, and the suppliers with it. What the product keeps of some of them is compared with what is written here.

`python -m bench.bills postgresql 1000000` fills one and says how long each table took.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from app.core import db
from app.core.clock import today
from app.core.texts import key_of
from app.folders.models import Folder
from app.invoices.checks import good_iban, good_rib
from app.invoices.history import totals_of
from app.invoices.keys import account_key, alike_keys, keys_of, plain_name, seller_key, sellers_of
from app.invoices.models import InvoiceKey, Supplier, SupplierAccount, SupplierSeen
from app.invoices.suppliers.keeping import identity_of
from app.people import desks
from app.purchasing import linking
from app.purchasing.models import OrderKey
from bench import crowd
from bench.commune import PASSWORD, Commune
from bench.region import (
    ACCOUNTS,
    FILE_FAST,
    FINANCES,
    MAYOR,
    MUSEUM,
    POOR,
    READS,
    SERVER_FAST,
    TECHNICAL,
)
from workflows.vocabulary import Right

EACH_DAY, IN_HAND, SENT_BACK = 440, 550, 9_000
"""Folders of a day, and the last ones, which are on their way, and among which some were rejected."""
ROUND = 11
"""An order, then ten invoices of which two bill it."""
GREAT = 1
"""The supplier of a tenth of all invoices."""
OF_ONE = 25
"""Invoices of each of the other suppliers, whatever their number."""
LISTED_ON = datetime(2010, 1, 1, tzinfo=UTC)
FILLED = ("folder", "step_run", "invoice_key", "supplier_seen", "order_key", "document", "document_version")
DIGEST = {
    "sqlite": "substr(sha256_hex({text}), 1, 32)",
    "postgresql": "left(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), 32)",
}
Rows = Iterator[tuple[str, str]]
"""Each statement with the name of the table that it fills."""


class Bills:
    """One commune on the present base, the same people at the same desks whatever the number of its invoices."""

    def __init__(self, invoices: int) -> None:
        self.folders = invoices * ROUND // (ROUND - 1)
        self.suppliers = max(invoices // OF_ONE, OF_ONE)
        self.commune = Commune()
        self.taken: dict[str, float] = {}

    def settle(self) -> None:
        """Found the commune, with the desk that few invoices have reached, and the suppliers with their accounts."""
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
        every = list(map(self._supplier, range(1, self.suppliers + 2)))
        with db.engine().execution_options(writes=True).begin() as connection:
            connection.execute(sa.insert(Supplier), every)
            connection.execute(sa.insert(SupplierAccount), [self._account(row) for row in every[::2]])

    def _supplier(self, number: int) -> dict[str, Any]:
        name, siren = name_of(number), siren_of(number)
        return {
            "id": number,
            "collectivity_id": self.commune.id,
            "key": f"siren {siren}",
            "siren": siren,
            "name": name,
            "sort": key_of(name),
            "latest_id": 1,
            "who": "",
            "reason": "",
        }

    def _account(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "collectivity_id": self.commune.id,
            "seller": seller_key(row["key"]),
            "siren": row["siren"],
            "name": row["name"],
            "iban": iban_of(row["id"]),
            "state": "confirmed",
            "source": "list",
            "who": "bench",
            "at": LISTED_ON,
        }

    def fill(self) -> None:
        """Write the folders, table after table, and the statistics that the base makes by itself in time."""
        engine = db.engine()
        with closing(engine.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            if engine.dialect.name == "postgresql":
                driver.autocommit = True
            else:
                driver.create_function("sha256_hex", 1, _hex, deterministic=True)
            rebuilt = list(_indexes(driver, engine.dialect.name))
            statements = [
                *(("indexes", f"DROP INDEX {name}") for name, _ in rebuilt),
                *self._rows(engine.dialect.name),
                *(("indexes", definition) for _, definition in rebuilt),
            ]
            for name, statement in statements:
                began = time.monotonic()
                driver.execute(statement)
                self.taken[name] = self.taken.get(name, 0.0) + time.monotonic() - began
            connection.invalidate()  # its settings are of the filling alone
        began = time.monotonic()
        crowd.tidy()
        self.taken["statistics"] = time.monotonic() - began
        self._compare()

    def _rows(self, kind: str) -> Rows:
        yield from (("settings", setting) for setting in (SERVER_FAST if kind == "postgresql" else FILE_FAST))
        yield from _suppliers(self.suppliers)
        yield "bills", self._shape(kind)
        say = _Dialect(kind)
        for part in (_folders, _steps, _documents, _orders, _namings):
            yield from part(say)
        # The great table, by its own order: its primary key is then written from one end to the other
        yield "invoice_key", _keys(say)
        yield "bills", "DROP TABLE bills"
        yield "bills", "DROP TABLE bills_supplier"
        if say.server:
            for table, last in (
                ("folder", self.folders),
                ("document", self.folders),
                ("supplier", self.suppliers + 1),
            ):
                yield "settings", f"SELECT setval('{table}_id_seq', {last})"

    def _shape(self, kind: str) -> str:
        """What a folder is, from its number: whose, on which day, for how much, and how far it went."""
        if kind == "postgresql":
            numbers = f"generate_series(1, {self.folders}) AS g(n)"
        else:
            numbers = f"(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {self.folders}) SELECT n FROM g)"
        apart = max(self.folders // READS, 1)
        born = today() - timedelta(days=self.folders // EACH_DAY + 1)
        day = f"({{}} + n / {EACH_DAY})".format(f"DATE '{born}'") if kind == "postgresql" else ""
        day = day or f"date('{born}', '+' || (n / {EACH_DAY}) || ' days')"
        at = f"(CAST({day} AS TIMESTAMP) AT TIME ZONE 'UTC' + INTERVAL '8 hours')"
        return (
            "CREATE TABLE bills AS SELECT n, r, t, cents, phase, "
            f"{day} AS day, {at if kind == 'postgresql' else day + chr(32) + '|| ' + repr(' 08:00:00.000000')} AS at, "
            f"CASE WHEN n % {apart} = {apart // 2 + 1} AND r > 0 THEN {MUSEUM} ELSE {TECHNICAL} END AS desk FROM ("
            f"SELECT n, n % {ROUND} AS r, CASE WHEN n % 10 = 3 AND n % {ROUND} > 2 THEN {GREAT} "
            f"ELSE 2 + (CASE WHEN n % {ROUND} <= 2 THEN n / {ROUND} ELSE n END) % {self.suppliers} * 7919 % {self.suppliers} END AS t, "
            f"CASE WHEN n % 10 = 3 THEN (n % 97 + 10) * 1000 ELSE (n % 9000 + 10) * 100 END AS cents, "
            f"CASE WHEN n % {ROUND} = 0 THEN 'done' WHEN n > {self.folders} - {IN_HAND} THEN 'running' "
            f"WHEN n > {self.folders} - {SENT_BACK} AND n % 499 = 0 THEN 'rejected' ELSE 'done' END AS phase FROM {numbers}) AS numbered"
        )

    def number(self, supplier: int) -> int:
        """The latest invoice on its way of this supplier, or of an ordinary one (0)."""
        sign = "=" if supplier else "<>"
        query = (
            "SELECT max(f.id) FROM folder f JOIN supplier_seen s ON s.folder_id = f.id "
            f"WHERE f.id > {self.folders - IN_HAND} AND f.phase = 'running' AND s.supplier_id {sign} {supplier or GREAT}"
        )
        with db.engine().connect() as connection:
            return int(connection.exec_driver_sql(query).scalar_one())

    def _compare(self) -> None:
        """What the product would keep of some folders is what they have here."""
        with db.reading(self.commune.id) as session:
            for number in (1, 3, 11, 12, 13, self.folders - 7):
                folder = session.get_one(Folder, number)
                ours = sa.select(OrderKey.key).where(OrderKey.folder_id == number)
                kind = linking.ORDER if folder.family == linking.FAMILY else linking.INVOICE
                pairs: list[tuple[Any, Any]] = [
                    (linking.keys_of(folder.facts, kind), set(session.scalars(ours)))
                ]
                if kind == linking.INVOICE:
                    rows = session.execute(
                        sa.select(InvoiceKey.key, InvoiceKey.kind).where(InvoiceKey.folder_id == number)
                    )
                    wanted = keys_of(folder.facts, [str(number)])
                    wanted |= alike_keys(folder.facts, totals_of(folder))
                    pairs.append((wanted, {row.key: row.kind for row in rows}))
                naming, named = session.get_one(SupplierSeen, number), identity_of(folder.fields)
                pairs.append(
                    (
                        named and (named.name, named.plain, named.siret),
                        (naming.name, naming.plain, naming.siret),
                    )
                )
                if wrong := [pair for pair in pairs if pair[0] != pair[1]]:
                    raise RuntimeError(f"the product keeps something else of folder {number}: {wrong}")


def name_of(number: int) -> str:
    """How a supplier is called."""
    return "Eau de Bretagne" if number == GREAT else f"Ateliers K{number}"


def siren_of(number: int) -> str:
    """Its SIREN, fictitious."""
    return str(300_000_000 + number)


def iban_of(number: int) -> str:
    """A French account, whose two keys are right."""
    account = f"14508{number % 100_000:05d}{number:011d}"
    bank, counter, digits = int(account[:5]), int(account[5:10]), int(account[10:])
    rib = 97 - (89 * bank + 15 * counter + 3 * digits) % 97
    bban = f"{account}{rib:02d}"
    iban = f"FR{98 - int(f'{bban}152700') % 97:02d}{bban}"
    assert good_iban(iban), iban
    assert good_rib(iban), iban
    return iban


def _indexes(driver: Any, kind: str) -> Iterator[tuple[str, str]]:
    """The indexes of the tables that are filled, which are made again after that: to read all of it once costs less."""
    listed = ", ".join(f"'{table}'" for table in FILLED)
    if kind == "postgresql":
        which = f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({listed}) AND indexname LIKE 'ix\\_%%'"
    else:
        which = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ({listed}) AND name LIKE 'ix\\_%' ESCAPE '\\'"
    yield from driver.execute(which).fetchall()


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _suppliers(count: int) -> Rows:
    """What an invoice copies of its supplier, and the keys that follow from him alone."""
    columns = "siret, seller, iban, plain, by_siren, by_name, known_siren, known_name, account"
    yield (
        "bills",
        "CREATE TABLE bills_supplier (t INTEGER PRIMARY KEY, "
        + ", ".join(f"{column} VARCHAR" for column in columns.split(", "))
        + ")",
    )
    rows = []
    for number in range(1, count + 2):
        name = name_of(number)
        facts = {"seller": name, "seller_siret": f"{siren_of(number)}00017"}
        ways, iban = list(sellers_of(facts)), iban_of(number)
        known = [*map(seller_key, ways), account_key(iban)]
        values = [facts["seller_siret"], name, iban, plain_name(name), *ways, *known]
        rows.append(f"({number}, {', '.join(map(repr, values))})")
    for start in range(0, len(rows), 500):
        yield (
            "bills",
            f"INSERT INTO bills_supplier (t, {columns}) VALUES {', '.join(rows[start : start + 500])}",
        )


class _Dialect:
    """How each database says an object, a digest and nothing."""

    def __init__(self, kind: str) -> None:
        self.kind, self.server = kind, kind == "postgresql"
        self.json = "::jsonb" if self.server else ""
        self.no = "FALSE" if self.server else "0"
        self.object = "jsonb_build_object" if self.server else "json_object"
        self.array = "jsonb_build_array" if self.server else "json_array"
        self.signs = "::text" if self.server else ""

    def key(self, *parts: str) -> str:
        """The key of these parts, as the product makes it."""
        line = "chr(10)" if self.server else "char(10)"
        return DIGEST[self.kind].format(text=f" || {line} || ".join(parts))

    def sha(self, number: str) -> str:
        """Sixty-four signs that no other number has."""
        return (
            f"encode(sha256(convert_to({number}::text, 'UTF8')), 'hex')"
            if self.server
            else f"printf('%064x', {number})"
        )


_JOINED = "bills b JOIN bills_supplier s ON s.t = b.t"
_EUROS = "(b.cents / 100) || '.00'"


def _folders(say: _Dialect) -> Rows:
    day = f"CAST(b.day AS VARCHAR){say.signs}"
    invoice = (
        f"{say.object}('seller', s.seller, 'seller_siret', s.siret, 'number', 'FA-' || b.n, 'type_code', '380', 'issue_date', {day}, "
        f"'received_on', {day}, 'total_ttc', {_EUROS}, 'currency', 'EUR', 'iban', s.iban, 'object', 'Fournitures {{0}}', "
        f"'order_ref', CASE WHEN b.r <= 2 THEN 'BC-2026-' || (b.n - b.r) END)"
    ).format("diverses")
    line = f"{say.object}('designation', 'Fournitures', 'unit', 'u', 'quantity', '10', 'price', (b.cents / 1000) || '.00', 'vat', '0')"
    order = (
        f"{say.object}('seller', s.seller, 'seller_siret', s.siret, 'number', 'BC-2026-' || b.n, 'object', 'Fournitures', "
        f"'lines', {say.array}({line}), 'total_ht', (b.cents / 1000 * 10) || '.00', 'total_ttc', (b.cents / 1000 * 10) || '.00')"
    )
    for family, number, facts, which in (
        ("invoice", "FA-", invoice, "b.r > 0"),
        ("purchase_order", "BC-2026-", order, "b.r = 0"),
    ):
        yield (
            "folder",
            "INSERT INTO folder (id, collectivity_id, family, title, title_key, number, circuit_version_id, place, phase, round, version, "
            "emitter_desk_id, depositor_user_id, depositor_name, fields, sources, amount_cents, due_on, created_at, updated_at, "
            "submitted_at, done_at) SELECT b.n, 1, "
            f"'{family}', s.seller || ', ' || b.n, lower(s.seller) || ' f' || b.n, '{number}' || b.n, 1, "
            "CASE b.phase WHEN 'done' THEN 'done' WHEN 'rejected' THEN 'rejected' ELSE CASE WHEN b.n / 10 % 2 = 0 THEN 'mayor' ELSE 'finance' END END, "
            f"b.phase, 1, 4, {ACCOUNTS}, {ACCOUNTS}, 'Gwenola Tréhorel', {facts}, '{{}}'{say.json}, b.cents, b.day, b.at, b.at, b.at, "
            f"CASE WHEN b.phase = 'done' THEN b.at END FROM {_JOINED} WHERE {which} ORDER BY b.n",
        )


def _steps(say: _Dialect) -> Rows:
    del say
    steps = (
        (
            0,
            "service_done",
            "visa",
            "b.desk",
            f"CASE WHEN b.desk = {MUSEUM} THEN {MUSEUM} ELSE 6 END",
            "b.r > 0",
        ),
        (1, "finance", "visa", str(FINANCES), "3", "b.r > 0 AND b.phase <> 'rejected'"),
        (
            2,
            "mayor",
            "sign",
            str(MAYOR),
            "1",
            "(b.phase = 'done' OR (b.phase = 'running' AND b.n / 10 % 2 = 0))",
        ),
    )
    for rank, name, kind, desk, person, which in steps:
        waits = f"b.phase = 'running' AND {rank} = CASE WHEN b.n / 10 % 2 = 0 THEN 2 ELSE 1 END"
        state = f"CASE WHEN {waits} THEN 'active' WHEN b.phase = 'rejected' THEN 'rejected' ELSE 'done' END"
        yield (
            "step_run",
            "INSERT INTO step_run (folder_id, collectivity_id, family, matter, amount_cents, step, kind, pass_number, slot, desk_id, state, "
            "due_on, entered_at, ended_at, user_id, who, capacity) SELECT b.n, 1, CASE WHEN b.r = 0 THEN 'purchase_order' ELSE 'invoice' END, "
            f"NULL, b.cents, '{name}', '{kind}', {1000 + rank}, 'desk:{rank}', {desk}, {state}, b.day, b.at, "
            f"CASE WHEN {waits} THEN NULL ELSE b.at END, CASE WHEN {waits} THEN NULL ELSE {person} END, "
            f"CASE WHEN {waits} THEN NULL ELSE 'Somebody' END, 'Agent' FROM bills b WHERE {which} ORDER BY b.n",
        )


def _documents(say: _Dialect) -> Rows:
    """Of the invoices that bill an order, whose lines are those of their file."""
    which = "FROM bills b WHERE b.r IN (1, 2) ORDER BY b.n"
    yield (
        "document",
        f"INSERT INTO document (id, folder_id, collectivity_id, role, title, position) SELECT b.n, b.n, 1, 'main', 'Facture', 0 {which}",
    )
    yield (
        "document_version",
        "INSERT INTO document_version (document_id, number, round, collectivity_id, sha256, size, media_type, filename, pages, origin, note, "
        f"created_at, created_by) SELECT b.n, 1, 0, 1, {say.sha('b.n')}, 50000, 'application/pdf', 'facture.pdf', 1, 'deposited', '{{}}'{say.json}, "
        f"b.at, 'Gwenola Tréhorel' {which}",
    )
    line = f"{say.object}('designation', 'Fournitures', 'unit', 'C62', 'quantity', '5', 'price', (b.cents / 1000) || '.00')"
    as_json = "::json" if say.server else ""
    yield (
        "billed_lines",
        f"INSERT INTO billed_lines (folder_id, collectivity_id, sha256, lines) SELECT b.n, 1, {say.sha('b.n')}, {say.array}({line}){as_json} {which}",
    )


def _orders(say: _Dialect) -> Rows:
    yield (
        "order_key",
        "INSERT INTO order_key (folder_id, collectivity_id, key, kind) SELECT b.n, 1, 'BC2026' || (b.n - b.r), "
        "CASE WHEN b.r = 0 THEN 'order' ELSE 'invoice' END FROM bills b WHERE b.r <= 2 ORDER BY b.n",
    )
    came = f"{say.object}('0', '10')" + ("::json" if say.server else "")
    yield (
        "order_delivery",
        "INSERT INTO order_delivery (folder_id, collectivity_id, day, quantities, note, reason, who, at) "
        f"SELECT b.n, 1, b.day, {came}, '', '', 'Somebody', b.at FROM bills b WHERE b.r = 0 ORDER BY b.n",
    )


def _namings(say: _Dialect) -> Rows:
    del say
    yield (
        "supplier_seen",
        "INSERT INTO supplier_seen (folder_id, collectivity_id, own_id, supplier_id, name, plain, siret) "
        f"SELECT b.n, 1, s.t, s.t, s.seller, s.plain, s.siret FROM {_JOINED} ORDER BY b.n",
    )
    yield (
        "supplier",
        "UPDATE supplier SET latest_id = last.number FROM (SELECT supplier_id, max(folder_id) AS number FROM supplier_seen "
        "GROUP BY supplier_id) AS last WHERE last.supplier_id = supplier.id",
    )


def _keys(say: _Dialect) -> str:
    """The keys of every invoice: its seller and its account, its number with his SIREN and with his name, and its file."""
    year = "substr(CAST(b.day AS VARCHAR), 1, 4)"
    number = "CAST(b.n AS VARCHAR)"
    parts = [
        ("seller", "s.known_siren"),
        ("seller", "s.known_name"),
        ("account", "s.account"),
        ("received", "'received ' || CAST(b.day AS VARCHAR)"),
        *(
            ("alike", say.key("'alike'", way, "CAST(b.day AS VARCHAR)", "CAST(b.cents AS VARCHAR)"))
            for way in ("s.by_siren", "s.by_name")
        ),
        ("same", say.key("'same'", "'bytes'", number)),
        *(("close", say.key("'close'", way, "'invoice'", number)) for way in ("s.by_siren", "s.by_name")),
        *(
            ("same", say.key("'same'", way, "'invoice'", "'FA' || b.n", year))
            for way in ("s.by_siren", "s.by_name")
        ),
    ]
    every = " UNION ALL ".join(
        f"SELECT b.n AS n, '{kind}' AS kind, {key} AS key FROM {_JOINED} WHERE b.r > 0" for kind, key in parts
    )
    return (
        "INSERT INTO invoice_key (folder_id, collectivity_id, key, kind) "
        f"SELECT n, 1, key, kind FROM ({every}) AS keys ORDER BY n"
    )


def main(kind: str, invoices: int) -> None:
    """Fill one, and say how long it took and how large it is."""
    from bench.ground import ground  # it imports this module

    place = ground()
    place.bills(kind, invoices)
    size = "pg_database_size(current_database())"
    if kind == "sqlite":
        size = "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)"
    with db.engine().connect() as connection:
        taken = place.billed[kind, invoices].taken
        weight = connection.exec_driver_sql(f"SELECT {size}").scalar() or 0
    print(f"{invoices:,} invoices on {kind} in {sum(taken.values()):.0f} s, {weight / 2**20:.0f} MiB")
    for name, seconds in sorted(taken.items(), key=lambda entry: -entry[1]):
        print(f"{name:18} {seconds:6.1f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
