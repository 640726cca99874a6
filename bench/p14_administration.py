"""P14: a page of administration asks six statements at most, and costs at 2,000 people and 500 desks 1.3 times what it does at 20 and 20."""

from functools import partial
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import engine
from app.people.models import Desk, Holder, User
from bench.commune import READER
from bench.ground import KINDS, Ground, browser, ground
from bench.measure import Figure, goal, steady
from bench.p1_statements import counted
from bench.p13_pages import get, measured, requests_of
from workflows.vocabulary import Right

STATEMENTS = 6
SIZES = {"small": (20, 20), "large": (2_000, 500)}
"""People and desks of a commune."""
PAGES = {
    "Personnes": "/administration/personnes",
    "Personnes, un nom": "/administration/personnes?q=prénom7 personne7@",  # one, whatever the size
    "Personnes, un début de nom": "/administration/personnes?q=Nom7",  # one of 20, a page of 25 of 2,000
    "Une personne": "/administration/personnes/{person}",
    "Inviter": "/administration/personnes/inviter",
    "Bureaux": "/administration/bureaux",
    "Un bureau": "/administration/bureaux/{desk}",
    "Ouvrir un bureau": "/administration/bureaux/nouveau",
    "Fermer un bureau": "/administration/bureaux/{desk}/fermer",
    "Fermer un compte": "/administration/personnes/{person}/fermer",
    "Mise en service": "/administration/mise-en-service",
    "Types": "/administration/types",
    "Circuits": "/circuits",
    "Un circuit": "/circuits/invoice",
    "Règles": "/administration/regles",
    "Règles d’un type": "/administration/regles/invoice",
    "Mandats": "/administration/mandats",
    "Applications": "/administration/applications",
    "Connexions": "/administration/connexions",
    "Journal": "/administration/journal",
}


def _crowded(place: Ground, kind: str, name: str) -> str:
    """The commune with so many people and desks more, each at one desk, desks in a tree eight wide."""
    people, desks = SIZES[name]
    url = place.peopled(kind, f"p14_{name}", folders=200)
    with engine().begin() as connection:
        (commune,) = connection.execute(sa.select(Desk.collectivity_id).limit(1)).one()
        connection.execute(sa.update(User).where(User.login == READER).values(administrator=True))
        if connection.scalar(sa.select(sa.func.count()).select_from(Desk)) >= desks:
            return url
        top = connection.scalar(sa.select(sa.func.max(Desk.id)))
        services = [
            {
                "id": top + number,
                "collectivity_id": commune,
                "key": f"service-{number}",
                "name": f"Service {number}",
                "parent_id": top + (number - 1) // 8 if number > 8 else 1,
            }
            for number in range(1, desks - top + 1)
        ]
        connection.execute(sa.insert(Desk), services)
        first = connection.scalar(sa.select(sa.func.max(User.id)))
        rows = [
            {
                "id": first + number,
                "collectivity_id": commune,
                "login": f"personne{number}",
                "email": f"personne{number}@kerlann.example.org",
                "first_name": f"Prénom{number}",
                "last_name": f"Nom{number}",
                "capacity": "Agent",
                "created_at": now(),
            }
            for number in range(1, people - first + 1)
        ]
        connection.execute(sa.insert(User), rows)
        seats = [
            {
                "user_id": row["id"],
                "desk_id": services[place_ % len(services)]["id"],
                "rights": [Right.CREATE, Right.ACT],
            }
            for place_, row in enumerate(rows)
        ]
        connection.execute(sa.insert(Holder), seats)
    return url


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        urls = {name: _crowded(place, kind, name) for name in SIZES}
        clients = {}
        for name, url in urls.items():
            place.point(url)
            clients[name] = browser(place.web(url), READER)
        for label, page in PAGES.items():
            address = page.format(person=9, desk=9)
            candidates = {name: requests_of(urls[name], clients[name], address) for name in SIZES}
            for operations in candidates.values():
                for _ in range(3):
                    next(operations)()
            place.point(urls["large"])
            with counted() as counts:
                get(clients["large"], address)
            figures.append(Figure(f"{kind} {label}, statements", (float(counts["statements"]),), STATEMENTS))
            figures += steady(partial(measured, f"{kind} {label}", candidates))
    return goal("P14", figures, "each page at 2,000 people and 500 desks over 20 and 20")


if __name__ == "__main__":
    print(run())
