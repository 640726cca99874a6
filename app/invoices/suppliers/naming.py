"""The name of a seller against those that its SIREN bore, and against the SIRENs that bore it, told to who decides."""

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import spaces
from app.folders.models import Folder
from app.folders.sockets import Caution
from app.invoices import accounts
from app.invoices.history import namesakes, paid
from app.invoices.keys import words_of
from app.invoices.models import SupplierSeen
from app.invoices.suppliers.keeping import Identity, identity_of
from workflows.circuit import Phase

NAME, SIREN = "supplier-name", "supplier-siren"
_naming: Any = SupplierSeen.__table__


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """That the name and the SIREN of an invoice were never seen together, while each was seen with another one.

    Compared with what ended here. Two entries that a person joined are one supplier, and nothing is told of them. What the
    verification of the account says already (« Nom changé »), or the SIRET (« SIRET changé »), is not said twice.
    """
    named = identity_of(folder.fields)
    if folder.phase == Phase.DONE or named is None or named.siren is None or not named.plain:
        return []
    of_name = [(former, identity_of(former.fields)) for former in namesakes(db, folder)]
    own = [identity_of(former.fields) for former in paid(db, folder)]
    own += [identity for _, identity in of_name]
    names = [identity.name for identity in own if identity is not None and identity.siren == named.siren]
    if any(_alike(words_of(named.name), words_of(name)) for name in names):
        return []
    others = {
        former.id: identity.siren
        for former, identity in of_name
        if identity is not None and identity.siren not in {None, named.siren}
    }
    if (names or others) and not _joined(db, folder, others):
        return list(
            _told(db, folder, named, [name for name in names if words_of(name)], list(others.values()))
        )
    return []


def _joined(db: Db, folder: Folder, others: Collection[int]) -> bool:
    """Whether a person joined the seller of an invoice with that of one of these."""
    numbers = sa.select(_naming.c.folder_id, _naming.c.supplier_id).where(
        _naming.c.folder_id.in_([folder.id, *others])
    )
    suppliers = {row.folder_id: row.supplier_id for row in db.execute(numbers)} if others else {}
    mine = suppliers.pop(folder.id, None)
    return mine is not None and mine in suppliers.values()


def _told(
    db: Db, folder: Folder, named: Identity, names: list[str], sirens: list[str | None]
) -> Iterator[Caution]:
    by = frozenset(folder.sources.get("depositors", ()))
    mark = accounts.digest(f"{named.siren} {named.plain}")
    if names and "Nom changé" not in (
        title for doubt in accounts.doubts(db, folder) for title, _ in doubt.reasons
    ):
        yield Caution(
            NAME,
            spaces(f"Nom changé, {named.name}"),
            spaces(
                f"Le SIREN {named.siren} portait ici le nom « {names[0]} », et cette facture dit « {named.name} ». Vérifiez "
                "que c’est bien le même fournisseur."
            ),
            about=f"{NAME}:{mark}",
            by=by,
        )
    if sirens and not _siret_told(db, folder, named):
        listed = ", ".join(list(dict.fromkeys(str(siren) for siren in sirens))[:3])
        yield Caution(
            SIREN,
            spaces(f"Nom connu sous un autre SIREN, {named.name}"),
            spaces(
                f"Les factures et commandes terminées ici sous ce nom portent le SIREN {listed}, et celle-ci le {named.siren}. "
                "Vérifiez que c’est bien le même fournisseur."
            ),
            about=f"{SIREN}:{mark}",
            by=by,
        )


def _alike(terms: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one name has all the words of the other."""
    return bool(other) and (other <= terms or terms <= other)


def _siret_told(db: Db, folder: Folder, named: Identity) -> bool:
    """Whether the change of SIRET is told already (`app/invoices/history.py`)."""
    known = {
        str(invoice.fields["seller_siret"])
        for invoice in paid(db, folder)
        if invoice.fields.get("seller_siret")
    }
    return bool(named.siret and known) and named.siret not in known
