"""Which supplier an invoice or an order names, kept in the transaction that writes its facts."""

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.db import Db
from app.core.sirene import good_siren
from app.core.texts import key_of
from app.folders.models import Folder
from app.invoices.keys import SIREN, plain_name, strict
from app.invoices.models import Supplier, SupplierSeen
from workflows.condition import Facts

SORTED = 200
"""Signs of a name by which lists are sorted and searched."""
_FRENCH_VAT = re.compile(r"FR[0-9A-Z]{2}(\d{9})")
_supplier: Any = Supplier.__table__
_naming: Any = SupplierSeen.__table__


@dataclass(frozen=True)
class Identity:
    """A supplier as a folder names it: by SIREN, for want of one by VAT number, else by name."""

    key: str
    siren: str | None
    vat: str | None
    name: str
    siret: str

    @property
    def plain(self) -> str:
        """The words of its name that tell it from another, in one order, legal forms left out."""
        return plain_name(self.name)


def identity_of(fields: Facts) -> Identity | None:
    """Whom a folder names, None where it names nobody yet."""
    name = " ".join(str(fields.get("seller") or "").split())
    siret, siren = (re.sub(r"\D", "", str(fields.get(key) or "")) for key in ("seller_siret", "seller_siren"))
    vat = strict(str(fields.get("seller_vat") or ""))
    digits = siret if len(siret) >= SIREN else siren
    if len(digits) < SIREN and (french := _FRENCH_VAT.fullmatch(vat)) and good_siren(french[1]):
        digits = french[1]
    if len(digits) >= SIREN:
        key = f"siren {digits[:SIREN]}"
    elif vat:
        key = f"vat {vat}"
    elif strict(name):
        key = f"name {strict(name)}"
    else:
        return None
    known_by = digits[:SIREN] if key.startswith("siren ") else None
    return Identity(key, known_by, vat or None, name, siret)


def keep(db: Db, folder: Folder) -> None:
    """Write down which supplier a folder names, in the caller's transaction; nothing where that did not change."""
    named = identity_of(folder.fields)
    query = (
        sa.select(_supplier.c.key, _naming.c.name, _naming.c.siret)
        .join(_supplier, _supplier.c.id == _naming.c.own_id)
        .where(_naming.c.folder_id == folder.id)
    )
    known = db.execute(query).one_or_none()
    if named is not None and known is not None and tuple(known) == (named.key, named.name, named.siret):
        return
    if known is not None:
        db.execute(sa.delete(_naming).where(_naming.c.folder_id == folder.id))
    if named is None:
        return
    own, into = _entry(db, folder, named)
    values = {"own_id": own, "supplier_id": into or own, "name": named.name, "plain": named.plain}
    owner = {"folder_id": folder.id, "collectivity_id": folder.collectivity_id}
    db.execute(sa.insert(_naming).values(**owner, **values, siret=named.siret))


def _entry(db: Db, folder: Folder, named: Identity) -> tuple[int, int | None]:
    """The number of an entry, made where there is none, and of the one with which it was joined; it stays locked."""
    ours = sa.and_(_supplier.c.collectivity_id == folder.collectivity_id, _supplier.c.key == named.key)
    sort = key_of(named.name)[:SORTED]
    # Two first invoices of one supplier at once: the second waits for the first, and takes its entry
    insert: Any = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh: dict[str, Any] = {"key": named.key, "siren": named.siren, "vat": named.vat, "name": named.name}
    fresh |= {
        "sort": sort,
        "latest_id": folder.id,
        "collectivity_id": folder.collectivity_id,
        "who": "",
        "reason": "",
    }
    db.execute(insert(_supplier).values(**fresh).on_conflict_do_nothing())
    row = db.execute(sa.select(_supplier).where(ours).with_for_update()).one()
    if row.latest_id < folder.id or (row.latest_id == folder.id and row.name != named.name):
        latest = {"name": named.name, "sort": sort, "latest_id": folder.id, "vat": named.vat or row.vat}
        db.execute(sa.update(_supplier).where(_supplier.c.id == row.id).values(**latest))
    return row.id, row.into_id
