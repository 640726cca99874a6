"""P13: a page costs the same whatever the past: at 100,000 folders of forty collectivities at most 1.3 times 1,000.

Asked by the mayor, who reads nearly all that his commune has, and by an agent who reads twenty folders.
"""

import itertools
from functools import partial
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.core import db
from app.people import applications
from bench.commune import READER
from bench.ground import KINDS, LARGE, SMALL, browser, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady
from bench.region import POOR, PUBLISHER, RARE
from workflows.vocabulary import Right

TURNS, BAR = 12, 1.3
SOFTWARE = "a software"
"""Who asks by the API, for the mayor's desk."""
LISTS = {
    "À traiter": "/a-traiter",
    "Terminés": "/a-traiter?bannette=done",
    "Suivi": "/suivi",
    "Suivi, tous": "/suivi?etat=",
    "Suivi, plus loin": "/suivi?etat=&apres={middle}",
    "Suivi, un type": "/suivi?famille=deliberation&etat=",
    "mot rare": f"/recherche?q={RARE}",
    "mot absent": "/recherche?q=introuvable",
    "mot fréquent": "/recherche?q=facture",
}
PAGES = {
    READER: {**LISTS, "dossier": "/dossiers/{waiting}", "dossier terminé": "/dossiers/{ended}"},
    POOR: LISTS,
    PUBLISHER: {"À publier": "/a-publier", "Administration": "/administration"},
    SOFTWARE: {
        "API, à traiter": "/api/v1/folders?tray=todo",
        "API, en cours": "/api/v1/folders?tray=running",
        "API, terminés": "/api/v1/folders?tray=done",
        "API, un dossier": "/api/v1/folders/{waiting}",
    },
    "": {
        "actes": "/actes/commune-1",
        "actes, un mot": "/actes/commune-1?q=affaire",
        "actes, un mot absent": "/actes/commune-1?q=introuvable",
        "actes, une année et une nature": "/actes/commune-1?annee=2026&nature=D%C3%A9lib%C3%A9rations",
        "actes, une nature": "/actes/commune-1?nature=D%C3%A9lib%C3%A9rations",
        "Atom": "/actes/commune-1/atom.xml",
    },
}
"""What each asks for, by the name of the page; nobody in particular reads the public page."""


def address(page: str, folders: int) -> str:
    """The address of a page in a region of so many folders."""
    ended = next(number for number in range(folders // 2, folders) if number % 5 == 0)
    return page.format(middle=folders // 2, waiting=folders - 10 + folders % 10, ended=ended)


def requests_of(url: str, client: FlaskClient, page: str) -> Operations:
    for _ in itertools.count():
        db.configure(url)
        yield partial(get, client, page)


def client_of(app: Flask, login: str) -> FlaskClient:
    """Whoever asks, on the base of the application that was made last: this one."""
    if login != SOFTWARE:
        return browser(app, login) if login else app.test_client()
    client = app.test_client(use_cookies=False)
    token = applications.create_application(1, "Logiciel de la mairie", "maire", [Right.ACT])
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def get(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    if answer.status_code != 200:
        raise RuntimeError(f"{page}: {answer.status}")


def measured(name: str, candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    note = f"{milliseconds(rounds, 'large')} against {milliseconds(rounds, 'small')}"
    return [Figure(name, ratios(rounds, "large", "small"), BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        sizes = {"small": SMALL, "large": LARGE}
        urls = {name: place.region(kind, folders) for name, folders in sizes.items()}
        for login, pages in PAGES.items():
            clients = {name: client_of(place.web(url), login) for name, url in urls.items()}
            for label, page in pages.items():
                candidates = {
                    name: requests_of(urls[name], clients[name], address(page, sizes[name])) for name in sizes
                }
                for operations in candidates.values():
                    for _ in range(3):
                        next(operations)()
                figures += steady(
                    partial(measured, f"{kind} {label}{f' ({login})' if login else ''}", candidates)
                )
    return goal("P13", figures, f"each page at {LARGE:,} folders over {SMALL:,}")


if __name__ == "__main__":
    print(run())
