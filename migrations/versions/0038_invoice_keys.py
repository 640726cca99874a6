"""invoice keys: by what an invoice that comes back is known again; those that are there get theirs."""

import re
import unicodedata
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0038_invoice_keys", "0037_relay_stage"
PREFIXES = {"FAC", "FA", "F", "FACT", "FACTURE", "INV", "N", "NO", "AV", "AVOIR"}
SLICE = 500


def upgrade() -> None:
    op.create_table(
        "invoice_key",
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", "key"),
    )
    op.create_index("ix_invoice_key_key", "invoice_key", ["collectivity_id", "key", "folder_id"])
    _those_that_are_there()


def _those_that_are_there() -> None:
    """Their keys, as the first version of `app/invoices/keys.py` made them; a credit note's amount goes below zero."""
    connection = op.get_bind()
    folder = sa.table(
        "folder",
        *(sa.column(name) for name in ("id", "collectivity_id", "family", "amount_cents")),
        sa.column("fields", sa.JSON()),
    )
    keys = sa.table(
        "invoice_key", *(sa.column(one) for one in ("folder_id", "collectivity_id", "key", "kind"))
    )
    last = 0
    while True:
        query = (
            sa.select(folder).where(folder.c.family == "invoice", folder.c.id > last).order_by(folder.c.id)
        )
        rows = connection.execute(query.limit(SLICE)).all()
        if not rows:
            return
        last = rows[-1].id
        prints = _prints(connection, [row.id for row in rows])
        found = [
            {"folder_id": row.id, "collectivity_id": row.collectivity_id, "key": key, "kind": kind}
            for row in rows
            for key, kind in _keys(row.fields, prints.get(row.id, ())).items()
        ]
        if found:
            connection.execute(sa.insert(keys), found)
        for row in rows:
            if str(row.fields.get("type_code")) == "381" and (row.amount_cents or 0) > 0:
                changed = (
                    sa.update(folder).where(folder.c.id == row.id).values(amount_cents=-row.amount_cents)
                )
                connection.execute(changed)


def _prints(connection: Any, folders: list[int]) -> dict[int, list[str]]:
    document = sa.table("document", *(sa.column(one) for one in ("id", "folder_id", "role")))
    version = sa.table("document_version", *(sa.column(one) for one in ("document_id", "sha256", "origin")))
    query = (
        sa.select(document.c.folder_id, version.c.sha256)
        .join(version, version.c.document_id == document.c.id)
        .where(
            document.c.folder_id.in_(folders),
            document.c.role.in_(["main", "original", "data"]),
            version.c.origin.in_(["deposited", "extracted"]),
        )
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.folder_id, []).append(row.sha256)
    return found


def _keys(facts: dict[str, Any], prints: Any) -> dict[str, str]:
    found = {_key("same", "bytes", one): "same" for one in prints}
    note = "credit" if str(facts.get("type_code")) == "381" else "invoice"
    year, number = str(facts.get("issue_date") or "")[:4], str(facts.get("number") or "")
    sellers = [
        f"siren {digits[:9]}"
        for key in ("seller_siret", "seller_siren")
        if len(digits := re.sub(r"\D", "", str(facts.get(key) or ""))) >= 9
    ]
    if name := _strict(str(facts.get("seller") or "")):
        sellers.append(f"name {name}")
    for seller in sellers:
        found[_key("seller", seller)] = "seller"
        if number:
            found[_key("close", seller, note, _relaxed(number))] = "close"
            found[_key("same", seller, note, _strict(number), year)] = "same"
    return found


def _strict(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", _capitals(text))


def _relaxed(number: str) -> str:
    runs = re.findall(r"[A-Z]+|\d+", _capitals(number.partition("_")[2] or number))
    if len(runs) > 1 and runs[0] in PREFIXES:
        runs = runs[1:]
    return "-".join(run.lstrip("0") or "0" if run.isdigit() else run for run in runs)


def _capitals(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(one for one in plain if not unicodedata.combining(one)).upper()


def _key(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def downgrade() -> None:
    op.drop_index("ix_invoice_key_key", "invoice_key")
    op.drop_table("invoice_key")
