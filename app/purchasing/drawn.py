"""The order as Paraphe draws it from its lines: a PDF that people read and sign, in place of one that was made elsewhere.

What was drawn tells the facts that it was drawn from: an order whose lines were changed since is drawn again as it leaves, so
that nobody signs a page that says something else than what invoices are compared with.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import today
from app.core.db import Db, reading
from app.core.french import euros, jour_long, nombre, spaces
from app.core.refusals import Refusal
from app.folders import deposit, numbering
from app.folders.access import lock_editable
from app.folders.documents import last_version
from app.folders.keep import Incoming, Kept, keep_main
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.once import MadeOnce, folder_of
from app.pdf import paper
from app.people.actor import Actor
from app.people.models import Collectivity
from app.purchasing.balance import lines_of
from app.purchasing.billing import Buyer, asked_of_supplier, buyer_of
from app.purchasing.linking import FAMILY
from app.purchasing.matching import price
from workflows.circuit import Phase
from workflows.families.purchase_order.rules import worth

DRAWN = "drawn"
"""In the note of a version: the digest of the facts that it was drawn from."""
SAID = (
    *("number", "object", "seller", "seller_siret", "engagement", "budget_line"),
    *("delivery_place", "delivery_on", "lines"),
)
"""The facts that are drawn."""
HEAD, WIDTHS = (
    ("Réf.", "Désignation", "Quantité", "Prix unitaire HT", "TVA", "Montant HT"),
    (12, 42, 14, 18, 9, 18),
)
SIGNED_BELOW = 60
"""Millimetres left at the foot of the last page for the signature."""


def digest(facts: Mapping[str, Any]) -> str:
    """What tells whether a page still says these facts."""
    told = {key: facts.get(key) for key in SAID}
    return sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def begin_order(actor: Actor, *, once: MadeOnce | None = None) -> int:
    """A new order without a document of its own: a draft with the next number of the register, drawn; returns its number.

    The same `once` gives the same order; where its number was not taken yet, or its page not drawn with it, they are. Two at
    once give it too: whoever comes second leaves the rest to the first.

    Refuses what keeps the actor from depositing orders.
    """
    family = family_of(FAMILY)
    desk = deposit.emitter(actor, None, family)
    known = folder_of(actor, once)
    folder_id = known or deposit.create(actor, FAMILY, desk, _kept(actor, FAMILY, {}), {}, once=once)
    version, numbered, draft = _reached(actor, folder_id)
    try:
        if numbered and draft:
            renew(actor, folder_id, version)
        elif not numbered:
            numbering.take_number(actor, folder_id, version=version)
            put(actor, folder_id)
    except Refusal as refusal:
        if once is None or refusal.key != "moved-on" or not _reached(actor, folder_id)[1]:
            raise
    return folder_id


def _reached(actor: Actor, folder_id: int) -> tuple[int, bool, bool]:
    """The version of an order, whether it has its number, and whether it is a draft."""
    with reading(actor.collectivity_id) as db:
        folder = db.get_one(Folder, folder_id)
        return folder.version, bool(folder.fields.get("number")), folder.phase == Phase.DRAFT


def put(actor: Actor, folder_id: int, version: int | None = None) -> int:
    """Draw an order that is a draft as its facts now are, in place of its main document, which stays readable.

    Returns the version of the folder; refuses `moved-on` where it is no more the one given.
    """
    with reading(actor.collectivity_id) as db:
        folder = lock_editable(db, actor, folder_id, version)
        if folder.family != FAMILY:
            raise Refusal("not-an-order")
        document, in_force, facts = _main(db, folder).document_id, folder.in_force, dict(folder.fields)
        shown = folder.version
    kept = _kept(actor, in_force, facts)
    return deposit.write_replacement(actor, folder_id, document, kept, None, shown)


def renew(actor: Actor, folder_id: int, version: int) -> int:
    """Draw an order again where its facts were changed since it was drawn; nothing of a page that was made elsewhere."""
    with reading(actor.collectivity_id) as db:
        here, current = is_drawn(db, lock_editable(db, actor, folder_id, version))
    return put(actor, folder_id, version) if here and not current else version


def is_drawn(db: Db, folder: Folder) -> tuple[bool, bool]:
    """Whether the page of an order was drawn here, and whether it says its facts as they are."""
    drawn = _main(db, folder).note.get(DRAWN)
    return drawn is not None, drawn == digest(folder.fields)


def _main(db: Db, folder: Folder) -> DocumentVersion:
    query = sa.select(Document.id).where(Document.folder_id == folder.id, Document.role == "main")
    return last_version(db, db.scalars(query).one())


def _kept(actor: Actor, in_force: str, facts: Mapping[str, Any]) -> list[Kept]:
    with reading(actor.collectivity_id) as db:
        buyer = buyer_of(db.get_one(Collectivity, actor.collectivity_id))
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        number = str(facts.get("number") or "bon de commande").replace("/", "-")
        path = Path(room) / "order.pdf"
        draw(path, buyer, facts)
        kept, _ = keep_main(
            actor.collectivity_id, family_of(in_force), Incoming(path, f"{number}.pdf"), Path(room)
        )
    return [replace(kept[0], note={**kept[0].note, DRAWN: digest(facts)}), *kept[1:]]


def draw(target: Path, buyer: Buyer, facts: Mapping[str, Any]) -> None:
    """Write the order: who orders what from whom, line by line, what it comes to, and how it is billed."""
    title = f"Bon de commande {facts.get('number') or ''}".strip()
    page = paper.paper(title, spaces(f"{title}, {buyer.name}"))
    paper.text(page, buyer.name, 11)
    paper.text(page, title, 16)
    page.ln(3)
    told = [
        ("Commune", buyer.name),
        ("Adresse", buyer.address),
        buyer.number,
        ("Code service", buyer.service),
        ("Établi le", jour_long(today())),
        ("Fournisseur", str(facts.get("seller") or "")),
        ("Son SIRET", str(facts.get("seller_siret") or "")),
        ("Objet", str(facts.get("object") or "")),
        ("Engagement", str(facts.get("engagement") or "")),
        ("Imputation", str(facts.get("budget_line") or "")),
        ("Livraison", str(facts.get("delivery_place") or "")),
        ("Avant le", jour_long(str(facts["delivery_on"])) if facts.get("delivery_on") else ""),
    ]
    paper.rows(page, told)
    page.ln(4)
    order = Folder(fields=dict(facts), family=FAMILY)
    lines = lines_of(order)
    if lines:
        body = [
            (
                line.reference,
                line.designation,
                line.of(line.quantity),
                price(line.price),
                spaces(f"{nombre(line.rate)} %"),
                euros(worth({"quantity": line.quantity, "price": line.price})),
            )
            for line in lines
        ]
        paper.grid(page, HEAD, body, WIDTHS)
        page.ln(3)
        names = (("Total HT", "total_ht"), ("TVA", "total_vat"), ("Total TTC", "total_ttc"))
        paper.rows(page, [(label, euros(facts[key])) for label, key in names])
        page.ln(3)
    paper.text(page, spaces(asked_of_supplier(buyer, facts)), 9)
    if page.will_page_break(SIGNED_BELOW - paper.MARGIN):
        page.add_page()
    page.output(str(target))
