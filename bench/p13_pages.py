"""P13: a page costs the same whatever the past: at 100,000 folders of forty collectivities at most 1.3 times 10,000.

Asked by the mayor, who reads nearly all that his commune has, and by an agent who reads twenty folders; the saved views of
both are asked each, and counted together as the lists count them. By processor time, of this process and of the backends of
its server; beside the medians, of which the bar is, the p95 and what the base did (`bench.effort`). A commune of fewer
folders than 10,000 here fills no page: what it shows would not be what the larger one shows.

`P13_SMALL` and `P13_LARGE` are the sizes, `P13_KINDS` says of which databases.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from app.core import db
from app.display import viewing
from app.folders import saved_views
from app.folders.models import SavedView
from app.people import applications
from app.people.login import of_user
from app.people.models import User
from bench.commune import READER
from bench.effort import effort
from bench.ground import KINDS, browser, ground
from bench.measure import (
    Figure,
    Operations,
    Processor,
    goal,
    milliseconds,
    p95,
    ratios,
    side_by_side,
    steady,
)
from bench.region import POOR, PUBLISHER, RARE
from workflows.vocabulary import Right

SMALL, LARGE = int(os.environ.get("P13_SMALL", "10000")), int(os.environ.get("P13_LARGE", "100000"))
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
VIEWS = {
    "vue, en retard": "/a-traiter?bannette=late",
    "vue, actes en retard": "/a-traiter?bannette=late&famille=deliberation",
    "vue, factures à traiter par montant": "/a-traiter?bannette=todo&famille=invoice&tri=montant",
    "vue, non lus": "/a-traiter?bannette=todo&voir=non-lus",
    "vue, terminés": "/a-traiter?bannette=done",
    "vue, en cours": "/a-traiter?bannette=running",
    "vue, factures en cours": "/suivi?famille=invoice&etat=running",
    "vue, actes terminés": "/suivi?famille=deliberation&etat=done",
    "vue, tous": "/suivi?famille=&etat=",
    "vue, un montant": "/recherche?q=%3E+8+900",
    "vue, un mot et un montant": "/recherche?q=facture+%3E+8+900",
    "vue, un mot et des filtres": f"/recherche?q={RARE}&type=invoice&etat=done&annee=2024",
    "vue, un mot fréquent en cours": "/recherche?q=facture&etat=running",
    "vue, un mot fréquent terminé": "/recherche?q=facture&type=invoice&etat=done",
    "vue, une personne": "/recherche?q=lescoat",
    "vue, une personne et un montant": "/recherche?q=lescoat+%3E+8+900",
}
"""The saved views of a person: the address of each has its filters."""
COUNTED = {"comptes des vues": "/vues/comptes", "vues": "/vues"}
PAGES = {
    READER: {
        **LISTS,
        "dossier": "/dossiers/{waiting}",
        "dossier terminé": "/dossiers/{ended}",
        **VIEWS,
        **COUNTED,
    },
    POOR: {**LISTS, **VIEWS, **COUNTED},
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
        if login in {READER, POOR}:
            save_views(login)
        return browser(app, login) if login else app.test_client()
    client = app.test_client(use_cookies=False)
    token = applications.create_application(1, "Logiciel de la mairie", "maire", [Right.ACT])
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def save_views(login: str) -> None:
    """Give a person his views, once."""
    pages = {"/a-traiter": "inbox", "/suivi": "follow", "/recherche": "search"}
    with db.reading() as session:
        user = session.scalars(sa.select(User).where(User.login == login)).one()
        actor = of_user(session, user, "")
        if session.scalar(sa.select(SavedView.id).where(SavedView.user_id == user.id).limit(1)):
            return
        views = {}
        for name, url in VIEWS.items():
            path, _, query = url.partition("?")
            values = MultiDict(parse_qsl(query, keep_blank_values=True))
            views[name] = pages[path], viewing.filters(session, actor, pages[path], values)
    for name, (page, filters) in views.items():
        saved_views.save(actor, page, filters, name, None)


def get(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    if answer.status_code != 200:
        raise RuntimeError(f"{page}: {answer.status}")


def measured(
    name: str, candidates: dict[str, Operations], clock: Callable[[], float] = time.perf_counter
) -> list[Figure]:
    every: dict[str, list[float]] = {}
    rounds = side_by_side(candidates, turns=TURNS, clock=clock, every=every)
    large, small = p95(every["large"]), p95(every["small"])
    efforts = {size: effort(next(candidates[size])) for size in ("large", "small")}
    note = (
        f"{milliseconds(rounds, 'large')} against {milliseconds(rounds, 'small')};"
        f" p95 {large * 1000:.1f} against {small * 1000:.1f} ms, × {large / small:.2f};"
        f" {efforts['large']} against {efforts['small']}"
    )
    return [Figure(name, ratios(rounds, "large", "small"), BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in os.environ.get("P13_KINDS", " ".join(KINDS)).split():
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
                name, clock = f"{kind} {label}{f' ({login})' if login else ''}", Processor(*urls.values())
                figures += steady(partial(measured, name, candidates, clock))
                print(figures[-1].sentence(), file=sys.stderr, flush=True)
    return goal("P13", figures, f"each page at {LARGE:,} folders over {SMALL:,}")


if __name__ == "__main__":
    print(run())
