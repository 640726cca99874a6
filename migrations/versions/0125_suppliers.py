"""The directory of suppliers: who is named by each invoice and each order that is there."""

import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0125_suppliers", "0124_places_of_words"
SLICE = 500
LEGAL_FORMS = frozenset(
    {"SA", "SAS", "SASU", "SARL", "EURL", "SCI", "SNC", "EI", "SCOP", "SELARL", "ETS", "STE", "SOCIETE"}
)
PLAIN = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
FOLDER = sa.table("folder", *map(sa.column, ("id", "collectivity_id", "family")), sa.column("fields", JSON))
ENTRY = sa.table(
    "supplier",
    *map(sa.column, ("id", "collectivity_id", "key", "siren", "vat", "name", "sort", "latest_id")),
    *map(sa.column, ("who", "reason")),
)
SEEN = sa.table(
    "supplier_seen",
    *map(sa.column, ("folder_id", "collectivity_id", "own_id", "supplier_id", "name", "plain", "siret")),
)


def upgrade() -> None:
    op.create_table(
        "supplier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("siren", sa.String(), nullable=True),
        sa.Column("vat", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sort", sa.String(), nullable=False),
        sa.Column("latest_id", sa.Integer(), nullable=False),
        sa.Column("into_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["into_id"], ["supplier.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collectivity_id", "key"),
    )
    op.create_index("ix_supplier_sort", "supplier", ["collectivity_id", "sort", "id"])
    op.create_index("ix_supplier_latest_id", "supplier", ["collectivity_id", "latest_id", "id"])
    op.create_index("ix_supplier_into_id", "supplier", ["into_id"])
    op.create_table(
        "supplier_seen",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("own_id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plain", sa.String(), nullable=False),
        sa.Column("siret", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.ForeignKeyConstraint(["own_id"], ["supplier.id"]),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"]),
        sa.PrimaryKeyConstraint("folder_id"),
    )
    op.create_index("ix_supplier_seen_supplier_id", "supplier_seen", ["supplier_id", "folder_id"])
    op.create_index("ix_supplier_seen_own_id", "supplier_seen", ["own_id"])
    op.create_index("ix_supplier_seen_plain", "supplier_seen", ["collectivity_id", "plain", "folder_id"])
    _those_of_before()


def _those_of_before() -> None:
    """The entry of each supplier that is named, by its latest folder, and the names that each folder gives."""
    connection = op.get_bind()
    query = sa.select(FOLDER).where(FOLDER.c.family.in_(["invoice", "purchase_order"])).order_by(FOLDER.c.id)
    numbers: dict[tuple[int, str], int] = {}
    latest: dict[tuple[int, str], dict[str, Any]] = {}
    last = 0
    while rows := connection.execute(query.where(FOLDER.c.id > last).limit(SLICE)).all():
        last = rows[-1].id
        seen = []
        for row in rows:
            named = _identity(row.fields or {})
            if named is None:
                continue
            key, siren, vat, name, siret = named
            here = (row.collectivity_id, key)
            values = {"siren": siren, "name": name, "sort": _sort(name), "latest_id": row.id}
            vat = vat or latest.get(here, {}).get("vat")
            latest[here] = {**values, "vat": vat}
            if here not in numbers:
                numbers[here] = len(numbers) + 1
                entry = {
                    "id": numbers[here],
                    "collectivity_id": row.collectivity_id,
                    "key": key,
                    "who": "",
                    "reason": "",
                }
                connection.execute(sa.insert(ENTRY).values(**entry, **latest[here]))
            seen.append(
                {
                    "folder_id": row.id,
                    "collectivity_id": row.collectivity_id,
                    "own_id": numbers[here],
                    "supplier_id": numbers[here],
                    "name": name,
                    "plain": _plain(name),
                    "siret": siret,
                }
            )
        if seen:
            connection.execute(sa.insert(SEEN), seen)
    for here, values in latest.items():
        connection.execute(sa.update(ENTRY).where(ENTRY.c.id == numbers[here]).values(**values))
    if numbers and connection.dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('supplier', 'id'), (SELECT max(id) FROM supplier))")


def _identity(fields: dict[str, Any]) -> tuple[str, str | None, str | None, str, str] | None:
    name = " ".join(str(fields.get("seller") or "").split())
    siret, siren = (re.sub(r"\D", "", str(fields.get(key) or "")) for key in ("seller_siret", "seller_siren"))
    vat = _strict(str(fields.get("seller_vat") or ""))
    digits = siret if len(siret) >= 9 else siren
    if len(digits) < 9 and (french := re.fullmatch(r"FR[0-9A-Z]{2}(\d{9})", vat)) and _luhn(french[1]):
        digits = french[1]
    if len(digits) >= 9:
        return f"siren {digits[:9]}", digits[:9], vat or None, name, siret
    if vat:
        return f"vat {vat}", None, vat, name, siret
    return (f"name {_strict(name)}", None, None, name, siret) if _strict(name) else None


def _strict(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Z0-9]", "", "".join(one for one in plain if not unicodedata.combining(one)).upper())


def _plain(name: str) -> str:
    words = {word for word in map(_strict, name.split()) if len(word) > 1} - LEGAL_FORMS
    return " ".join(sorted(words))


def _sort(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(PLAIN))
    return "".join(one for one in plain if not unicodedata.combining(one)).lower()[:200]


def _luhn(number: str) -> bool:
    digits = [int(digit) * (1 + rank % 2) for rank, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in digits) % 10 == 0


def downgrade() -> None:
    op.drop_table("supplier_seen")
    op.drop_table("supplier")
