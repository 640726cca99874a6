"""A commune that records its signing mandates: the mayor, and a deputy who sits at the mayor's desk."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.core.clock import today
from app.people import desks
from app.people.mandates import Wanted, open_mandate
from app.signing.enrol import enrol
from app.trust.certificates import facts
from demo.cast import PASSWORD
from tests.builders.house import CERTIFICATES, House
from workflows.mandates import Kind
from workflows.vocabulary import Right

DEPUTY = "g.lebras"
ADMINISTRATOR = "k.morizur"
BY_DELEGATION = "Pour le maire et par délégation, l’adjointe aux finances"
CERTIFICATES.setdefault(DEPUTY, "rsa3072")


def a_deputy(house: House) -> int:
    """Somebody else at the mayor's desk, with a certificate and no mandate yet."""
    here = house.actor(ADMINISTRATOR).collectivity_id
    user_id = desks.create_user(
        here,
        DEPUTY,
        email=f"{DEPUTY}@kerlann-sur-mer.example",
        first_name="Gaud",
        last_name="Le Bras",
        capacity="Adjointe aux finances",
        password=PASSWORD,
    )
    desks.seat(here, "maire", DEPUTY, [Right.ACT, Right.SIGN])
    der = house.pki.certificate("rsa3072")
    enrol(house.actor(DEPUTY), user_id, facts(der), der)
    return user_id


def of_mayor(house: House, **changes: Any) -> Wanted:
    """What is recorded of the mayor's office."""
    user_id = house.actor("a.kervadec").user_id or 0
    wanted = Wanted(user_id, Kind.MAYOR, "le maire", today() - timedelta(days=240))
    return replace(wanted, **changes)


def of_deputy(house: House, **changes: Any) -> Wanted:
    """What is recorded of the deputy's delegation, executory since months."""
    return of_function(house, DEPUTY, **changes)


def of_function(house: House, login: str, **changes: Any) -> Wanted:
    """The same of somebody else."""
    wanted = Wanted(
        house.actor(login).user_id or 0,
        Kind.FUNCTION,
        "l’adjointe aux finances",
        today() - timedelta(days=200),
        order_number="2026-041",
        order_date=today() - timedelta(days=210),
        families=("invoice", "deliberation"),
        matters=("7",),
        ceiling_cents=1_000_000,
        elected=True,
    )
    return replace(wanted, **changes)


def record(house: House, wanted: Wanted) -> int:
    """Record it as the administrator does."""
    return open_mandate(house.actor(ADMINISTRATOR), wanted)


def a_mayor_and_a_deputy(house: House, **changes: Any) -> tuple[int, int]:
    """Both mandates, recorded; `changes` are those of the delegation."""
    a_deputy(house)
    mayor = record(house, of_mayor(house))
    return mayor, record(house, of_deputy(house, **changes))
