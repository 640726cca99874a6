"""What is left to recover of a client, as the Treasury's last file of a budget says it (PES_ClientRetour), beside his titres.

A file gives clients who owe something that day, for all their titres of a product together: the last day's file is the word on
all of them, an earlier one says nothing any more, and a client whom it does not name is said nothing of. Whoever reads a titre
reads what its client owes for that same product, and for no other.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import euros, jour
from app.folders.models import Folder
from app.pes.answered import CHANNEL
from app.pes.intake import last_of
from app.pes.models import ReturnedClient, TreasuryReturn
from app.pes.payments import Remark
from app.transmission.channels import open_channel

EARNED: Final = "recettes"
Owed = tuple[str, str]
"""RefTiers and CodProdLoc."""
_CHUNK: Final = 400


def owed_by(fields: Sequence[Sequence[str]]) -> Owed | None:
    """The client and the product of a line of a titre, from its values (parent, name, text); None where it names none."""
    client = next((text for parent, name, text in fields if (parent, name) == ("InfoTiers", "RefTiers")), "")
    product = next((text for _, name, text in fields if name == "CodProdLoc"), "")
    return (client.strip(), product.strip()) if client.strip() and product.strip() else None


def outstanding_of(db: Db, folder: Folder, budget: str, wanted: Collection[Owed]) -> dict[Owed, list[Remark]]:
    """What the last file of a budget (CodCol and CodBud) says of these clients and products.

    Real files alone are read, those of the simulator where the simulator is the channel.
    """
    if not wanted:
        return {}
    last = last_of(db, folder.collectivity_id, budget, simulated=open_channel(CHANNEL).simulated)
    if last is None:
        return {}
    remarks: dict[Owed, list[Remark]] = {}
    clients = sorted({client for client, _ in wanted})
    for first in range(0, len(clients), _CHUNK):
        query = sa.select(ReturnedClient).where(
            ReturnedClient.return_id == last.id, ReturnedClient.client.in_(clients[first : first + _CHUNK])
        )
        for row in db.scalars(query.order_by(ReturnedClient.id)):
            if (row.client, row.product) in wanted:
                remarks.setdefault((row.client, row.product), []).append(_remark(row, last))
    return remarks


def _remark(row: ReturnedClient, last: TreasuryReturn) -> Remark:
    mark = " FACTICE" if last.simulated else ""
    return Remark(
        "",
        "info-circle",
        f"Reste à recouvrer de ce client (réf. {row.client}, produit {row.product}), tous titres confondus, au "
        f"{jour(last.clients_on)} : {amounts(row)} (trésorerie, retour{mark} du {jour(last.written_on)}).",
    )


def amounts(row: ReturnedClient) -> str:
    """« 96,00 € », « 96,00 € et 7,50 € de frais »."""
    return euros(row.cents / 100) + (f" et {euros(row.costs / 100)} de frais" if row.costs else "")


def beside(db: Db, folder: Folder, blocks: Sequence[dict[str, Any]], budget: str) -> list[dict[str, Any]]:
    """The blocks of a page, each titre of which bears also what is left to recover of its client."""
    wanted = {
        owed
        for block in blocks
        if block.get("domain") == EARNED
        for piece in block["pieces"]
        for owed in _of(piece)
    }
    outstanding = outstanding_of(db, folder, budget, wanted)
    if not outstanding:
        return list(blocks)
    return [
        {**block, "pieces": [_bearing(piece, outstanding) for piece in block["pieces"]]}
        if block.get("domain") == EARNED
        else block
        for block in blocks
    ]


def _of(piece: Mapping[str, Any]) -> list[Owed]:
    return list(dict.fromkeys(owed for line in piece["lines"] if (owed := owed_by(line["fields"]))))


def _bearing(piece: Mapping[str, Any], outstanding: Mapping[Owed, list[Remark]]) -> dict[str, Any]:
    return {
        **piece,
        "treasury": [
            *piece["treasury"],
            *(remark for owed in _of(piece) for remark in outstanding.get(owed, ())),
        ],
    }
