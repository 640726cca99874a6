"""invoice keys, as numbers are read now: more first words are left out, and a 380 below zero is a credit note."""

import re
import unicodedata
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0121_invoice_keys_again", "0120_mailboxes"
FORMER = frozenset({"FAC", "FA", "F", "FACT", "FACTURE", "INV", "N", "NO", "AV", "AVOIR"})
FIRST_WORDS = FORMER | {"FACTURES", "INVOICE", "NUM", "NUMERO"}
SLICE = 500
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
FOLDER = sa.table(
    "folder",
    *map(sa.column, ("id", "collectivity_id", "family")),
    sa.column("fields", JSON),
    sa.column("sources", JSON),
)
KEYS = sa.table("invoice_key", *map(sa.column, ("folder_id", "collectivity_id", "key", "kind")))


def upgrade() -> None:
    """Give each invoice the keys that it would be given now, and take those away that it has by the former reading alone."""
    connection = op.get_bind()
    query = sa.select(FOLDER).where(FOLDER.c.family == "invoice").order_by(FOLDER.c.id).limit(SLICE)
    last = 0
    while rows := connection.execute(query.where(FOLDER.c.id > last)).all():
        last = rows[-1].id
        known: dict[int, set[str]] = {}
        for row in connection.execute(sa.select(KEYS).where(KEYS.c.folder_id.in_([one.id for one in rows]))):
            known.setdefault(row.folder_id, set()).add(row.key)
        fresh = []
        for row in rows:
            there, wanted = known.get(row.id, set()), _wanted(row)
            fresh += [
                {"folder_id": row.id, "collectivity_id": row.collectivity_id, "key": key, "kind": kind}
                for key, kind in wanted.items()
                if key not in there
            ]
            if stale := (there & _former(row.fields).keys()) - wanted.keys():
                here = KEYS.c.folder_id == row.id
                connection.execute(sa.delete(KEYS).where(here, KEYS.c.key.in_(sorted(stale))))
        if fresh:
            connection.execute(sa.insert(KEYS), fresh)


def _wanted(row: Any) -> dict[str, str]:
    total = str(row.fields.get("total_ttc") or "").strip()
    gives_back = str(row.fields.get("type_code")) == "381" or total.startswith(("-", "−"))
    keys = _keys(row.fields, "credit" if gives_back else "invoice", _relaxed)
    if words := row.sources.get("words"):
        keys[_key("same", "bytes", words)] = "same"
    return keys


def _former(facts: dict[str, Any]) -> dict[str, str]:
    return _keys(facts, "credit" if str(facts.get("type_code")) == "381" else "invoice", _relaxed_before)


def _keys(facts: dict[str, Any], note: str, relaxed: Any) -> dict[str, str]:
    keys = {}
    year, number = str(facts.get("issue_date") or "")[:4], str(facts.get("number") or "")
    sellers = [
        f"siren {digits[:9]}"
        for key in ("seller_siret", "seller_siren")
        if len(digits := re.sub(r"\D", "", str(facts.get(key) or ""))) >= 9
    ]
    if name := _strict(str(facts.get("seller") or "")):
        sellers.append(f"name {name}")
    for seller in sellers:
        keys[_key("seller", seller)] = "seller"
        if number:
            keys[_key("close", seller, note, relaxed(number))] = "close"
            keys[_key("same", seller, note, _strict(number), year)] = "same"
    return keys


def _strict(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", _capitals(text))


def _runs(number: str) -> list[str]:
    return re.findall(r"[A-Z]+|\d+", _capitals(number.partition("_")[2] or number))


def _relaxed(number: str) -> str:
    runs = _runs(number)
    while len(runs) > 1 and runs[0] in FIRST_WORDS:
        runs = runs[1:]
    return _joined(runs)


def _relaxed_before(number: str) -> str:
    runs = _runs(number)
    return _joined(runs[1:] if len(runs) > 1 and runs[0] in FORMER else runs)


def _joined(runs: list[str]) -> str:
    return "-".join(run.lstrip("0") or "0" if run.isdigit() else run for run in runs)


def _capitals(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(one for one in plain if not unicodedata.combining(one)).upper()


def _key(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def downgrade() -> None:
    """Nothing: the former release reads these keys as its own, and writes its own as soon as an invoice is touched."""
