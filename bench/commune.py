"""The commune of the benches: a handful of desks and people, and a circuit of visas that ends with a transmission."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.models import CircuitVersion
from app.core.db import reading
from app.core.transaction import use_case
from app.people import desks
from app.people.actor import Actor
from app.people.login import of_user
from app.people.models import Collectivity, Desk, User
from workflows.loader import load
from workflows.vocabulary import Right

NAME, PASSWORD = "Kerlann-sur-Mer", "kerlann-bench-2026"
SIRENS = ("212909998", "210000006", "210000014", "210000022")
"""Fictitious, with a right key (Luhn): the commune, and those beside it where a goal compares several."""
DESKS = ("maire", "conseil", "adjoint", "direction", "finances", "technique", "comptabilite", "secretariat")
PEOPLE = {
    "a.kervadec": ("Armel", "Kervadec", ("maire", "conseil", "adjoint")),
    "s.rivoal": ("Solenn", "Rivoal", ("direction",)),
    "n.abgrallec": ("Nolwenn", "Abgrallec", ("finances",)),
    "t.lescoat": ("Tifenn", "Lescoat", ("finances",)),
    "b.cadiou": ("Bleuenn", "Cadiou", ("finances",)),
    "r.pellenec": ("Ronan", "Pellenec", ("technique",)),
    "g.trehorel": ("Gwenola", "Tréhorel", ("comptabilite",)),
    "k.morizur": ("Katell", "Morizur", ("secretariat",)),
}
LARGE_FROM = 4000
READER = "a.kervadec"
"""Who looks at the inbox: the mayor, with three desks."""

STEPS = (
    ("service_done", "technique", "r.pellenec"),
    ("finance", "finances", "n.abgrallec"),
    ("direction", "direction", "s.rivoal"),
    ("mayor", "maire", "a.kervadec"),
)
"""The visas, with the desk that is awaited and the person who gives it; `direction` from 4 000 euros only."""

CIRCUIT: dict[str, Any] = {
    "key": "invoice",
    "label": "Factures",
    "steps": [
        {
            "key": "service_done",
            "label": "Service fait",
            "kind": "visa",
            "who": [{"desk": "technique"}],
            "days": 5,
        },
        {"key": "finance", "label": "Finances", "kind": "visa", "who": [{"desk": "finances"}], "days": 3},
        {
            "key": "direction",
            "label": "Direction générale",
            "kind": "visa",
            "who": [{"desk": "direction"}],
            "when": {"field": "total_ttc", "op": ">=", "value": LARGE_FROM},
            "days": 2,
        },
        {"key": "mayor", "label": "Maire", "kind": "visa", "who": [{"desk": "maire"}], "days": 3},
        {"key": "handover", "label": "Remise", "kind": "transmit", "channel": "handover"},
    ],
}


def way(amount: int) -> tuple[tuple[str, str, str], ...]:
    """The visas that a folder of so many euros passes."""
    return tuple(step for step in STEPS if step[0] != "direction" or amount >= LARGE_FROM)


class Commune:
    """The same people under the same numbers on every database; `rank` tells several communes of one base apart."""

    def __init__(self, rank: int = 0) -> None:
        self.rank = rank
        self.name = f"{NAME} {rank}" if rank else NAME
        self.id = 0
        self.version_id = 0
        self.desks: dict[str, int] = {}
        self.actors: dict[str, Actor] = {}

    def settle(self) -> None:
        """Found the commune on the present database, by the verbs of the product."""
        more = str(self.rank or "")
        self.id = desks.create_collectivity(
            SIRENS[self.rank], self.name, department="029", district="1", nature="31", settings={}
        )
        for key in DESKS:
            desks.create_desk(self.id, key, key.capitalize())
        for login, (first, last, seats) in PEOPLE.items():
            desks.create_user(
                self.id,
                login + more,
                email=f"{login}{more}@kerlann-sur-mer.example",
                first_name=first,
                last_name=last,
                capacity="Agent",
                password=PASSWORD if login == READER else None,
            )
            for desk in seats:
                desks.seat(self.id, desk, login + more, [Right.CREATE, Right.ACT, Right.SIGN])
        self.version_id = _freeze(self.id)
        self.meet()

    def meet(self) -> None:
        """Read who and what it is on the present database, where it was founded before."""
        more = str(self.rank or "")
        with reading() as db:
            whose = sa.select(Collectivity.id).where(Collectivity.siren == SIRENS[self.rank])
            self.id = db.execute(whose).scalar_one()
            seats = sa.select(Desk.id, Desk.key).where(Desk.collectivity_id == self.id)
            accounts = sa.select(User).where(User.collectivity_id == self.id)
            self.desks = {key: number for number, key in db.execute(seats)}
            self.actors = {
                user.login.removesuffix(more): of_user(db, user, self.name) for user in db.scalars(accounts)
            }


@use_case
def _freeze(db: Any, collectivity_id: int) -> int:
    version = CircuitVersion(
        collectivity_id=collectivity_id,
        family="invoice",
        number=1,
        label="Factures",
        definition=load(CIRCUIT).to_data(),
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
        published_by="bench",
    )
    db.add(version)
    db.flush()
    return version.id
