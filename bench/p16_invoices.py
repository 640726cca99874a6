"""P16: what is asked of invoices costs the same whatever their past: at 1,000,000 of them at most 1.3 times 10,000.

What an invoice is compared with before anybody decides (the same one elsewhere, one that resembles it, its account, the name
of its seller), for a supplier of a tenth of all invoices and for one of fifty; then the pages of invoices, of suppliers and
of orders, for the mayor, who has read nearly all, and for an agent whom twenty have reached. Beside the time of each: what
the base did, by its own count (`bench.effort`), which other programs of the machine do not move.

`P16_SMALL` and `P16_LARGE` are the sizes: 10,000 and 1,000,000 invoices unless they are given. `P16_KINDS`: of one database
alone. `P16_NAMES`: of what has these words in its name alone.
"""

import itertools
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from flask.testing import FlaskClient

from app.core import db
from app.core.clock import today
from app.core.db import Db, reading
from app.core.questions import gather
from app.folders.access import read_by
from app.folders.models import Folder
from app.invoices import accounts, history, resemblance
from app.invoices.suppliers import naming
from app.people.actor import Actor
from app.purchasing import matching
from bench.bills import GREAT, Bills
from bench.commune import READER
from bench.effort import effort
from bench.ground import KINDS, browser, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady
from bench.p13_pages import get
from bench.region import POOR

SMALL, LARGE = int(os.environ.get("P16_SMALL", "10000")), int(os.environ.get("P16_LARGE", "1000000"))
TURNS, BAR = 6, 1.3
Check = Callable[[Db, Folder], object]
CHECKS: dict[str, Check] = {
    "doublons": history.seen_before,
    "ressemblances": resemblance.cautions,
    "comptes": accounts.cautions,
    "noms": naming.cautions,
    "commande": matching.cautions,
}
"""What is asked of an invoice on its way, as its page and its signature ask it."""
PAGES = {
    "Factures": "/factures",
    "Factures, en cours": "/factures?etat=en-cours",
    "Factures, en retard": "/factures?etat=en-retard",
    "Factures, interrompues": "/factures?etat=interrompues",
    "Factures, rejetées": "/factures?etat=rejetees",
    "Factures, avoirs": "/factures?etat=avoirs",
    "Factures, travaux": "/factures?etat=travaux",
    "Factures, plus loin": "/factures?avant={middle}",
    "Factures, deux jours": "/factures/registre.csv?du={day}&au={next}",
    "Délais": "/factures/delais",
    "Fournisseurs": "/fournisseurs",
    "Fournisseurs, derniers vus": "/fournisseurs?tri=recents",
    "Fournisseurs, un SIREN": "/fournisseurs?q=300000007",
    "Fournisseurs, un mot": "/fournisseurs?q=bretagne",
    "Fournisseurs, un début": "/fournisseurs?q=ateliers",
    "Fournisseurs, un mot absent": "/fournisseurs?q=introuvable",
    "Un fournisseur": "/fournisseurs/7",
    "Un grand fournisseur": f"/fournisseurs/{GREAT}",
    "Commandes": "/commandes",
    "Commandes, à livrer": "/commandes?etat=a-livrer",
    "Une commande": "/commandes/{order}",
}
LEFT_OUT = {POOR: ("Un fournisseur", "Un grand fournisseur", "Une commande")}
"""Pages of what the agent does not read."""


def address(page: str, bills: Bills) -> str:
    """The address of a page in a commune of so many invoices."""
    last = bills.folders
    days = [(today() - timedelta(days=back)).isoformat() for back in (3, 2)]
    return page.format(middle=last // 2, day=days[0], next=days[1], order=last - 2200 - (last - 2200) % 11)


def checked(actor: Actor, check: Check, folder_id: int) -> None:
    """Ask one thing of an invoice, as a page does, and read its folder."""
    with reading(actor.collectivity_id) as session:
        gather(session)
        read_by(session, actor)
        check(session, session.get_one(Folder, folder_id))


def of_invoices(bills: Bills, enter: Callable[[str], FlaskClient]) -> dict[str, Callable[[], object]]:
    """All that is asked on the present base, each by its name; `enter` gives the browser of a person."""
    actor = bills.commune.actors[READER]
    questions: dict[str, Callable[[], object]] = {}
    for whose, supplier in (("d’un grand fournisseur", GREAT), ("d’un autre", 0)):
        folder_id = bills.number(supplier)
        for name, check in CHECKS.items():
            questions[f"{name} {whose}"] = partial(checked, actor, check, folder_id)
    for login in (READER, POOR):
        client = enter(login)
        for name, page in PAGES.items():
            if name not in LEFT_OUT.get(login, ()):
                questions[f"{name} ({login})"] = partial(get, client, address(page, bills))
    return questions


def again(url: str, operation: Callable[[], object]) -> Operations:
    for _ in itertools.count():
        db.configure(url)
        yield operation


def every(kind: str) -> dict[str, dict[str, Operations]]:
    """What is measured on a database: by its name, the operations of each size."""
    place = ground()
    questions: dict[str, dict[str, Operations]] = {}
    for size, invoices in (("small", SMALL), ("large", LARGE)):
        url = place.bills(kind, invoices)
        app = place.web(url)
        for name, operation in of_invoices(place.billed[kind, invoices], partial(browser, app)).items():
            questions.setdefault(name, {})[size] = again(url, operation)
    return questions


def measured(name: str, candidates: dict[str, Operations]) -> list[Figure]:
    """The time of one at both sizes, in turn, with what the base did for it."""
    done = {size: effort(next(operations)) for size, operations in candidates.items()}
    rounds = side_by_side(candidates, turns=TURNS)
    note = f"{milliseconds(rounds, 'large')} against {milliseconds(rounds, 'small')}; {done['large']} against {done['small']}"
    return [Figure(name, ratios(rounds, "large", "small"), BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    figures = []
    for kind in os.environ.get("P16_KINDS", " ".join(KINDS)).split():
        for name, candidates in every(kind).items():
            if os.environ.get("P16_NAMES", "") not in name:
                continue
            for operations in candidates.values():
                for _ in range(2):
                    next(operations)()
            figures += steady(partial(measured, f"{kind} {name}", candidates))
    return goal("P16", figures, f"at {LARGE:,} invoices over {SMALL:,}")


if __name__ == "__main__":
    print(run())
