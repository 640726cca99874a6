"""The ground to measure on: throw-away databases as durable as real ones, made once for all the goals of a run."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.circuits import library
from app.core import db, schema
from app.files import vault
from bench import commune, crowd
from bench.bills import Bills
from bench.region import IN_HAND, Region
from config import Settings
from tests.cluster import Cluster

SECRET = "a secret of the benches, long enough to be taken"
ROOT = Path(__file__).resolve().parents[1]
SMALL, LARGE = 1_000, 100_000
KINDS = ("sqlite", "postgresql")


class Ground:
    """A folder and a PostgreSQL cluster with fsync, both removed when the process ends."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="paraphe-bench-"))
        atexit.register(self.close)
        self.cluster = Cluster(fsync=True)
        self._urls: dict[tuple[str, str], str] = {}
        self.regions: dict[tuple[str, int], Region] = {}
        self.billed: dict[tuple[str, int], Bills] = {}
        self.commune = commune.Commune()

    def close(self) -> None:
        """Stop the cluster and remove every file."""
        db.dispose()
        self.cluster.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def settings(self, url: str) -> Settings:
        """The settings of an installation on one database."""
        return Settings(
            _env_file=None,
            secret_key=SECRET,
            data_dir=self.home / "data",
            database_url=url,
            simulators="demo",
            actes_email="parapheur@kerlann.example.org",
            secure_cookies=False,
            login_rate="1000 per minute",
            person_rate="100000 per minute",
            api_rate="100000 per minute",
            public_rate="100000 per minute",
        )

    def empty(self, kind: str, name: str) -> str:
        """The URL of a new database with the schema of this version and nothing else."""
        url = f"sqlite:///{self.home / name}.db" if kind == "sqlite" else self.cluster.create(name)
        self.web(url)  # a verb asks what the rooms have plugged in: days that are closed, sockets of a family
        schema.upgrade()
        # The rows of a crowd name documents that nobody wrote: a store that held nothing would be taken for one that is away
        vault.store().put_bytes(vault.scope(0), b"a document of the crowd")
        return url

    def peopled(
        self,
        kind: str,
        name: str,
        *,
        folders: int,
        movers: int = crowd.MOVERS,
        waiting: Mapping[str, int] = crowd.WAITING,
    ) -> str:
        """The URL of a database with the commune and so many folders; the same name gives the same database."""
        if (kind, name) not in self._urls:
            url = self.empty(kind, name)
            self.commune.settle()
            crowd.fill(self.commune, folders, movers=movers, waiting=waiting)
            crowd.tidy()
            self._urls[kind, name] = url
        self.point(self._urls[kind, name])
        return self._urls[kind, name]

    def of_size(self, kind: str, folders: int) -> str:
        """The database of so many folders, shared by the goals that compare two sizes."""
        return self.peopled(kind, f"folders_{folders}", folders=folders)

    def region(self, kind: str, folders: int, in_hand: int = IN_HAND) -> str:
        """The base of a region of so many folders (`bench.region`), made once; `in_hand` of them are on their way."""
        name = f"region_{folders}"
        if (kind, name) not in self._urls:
            url = self.empty(kind, name)
            region = self.regions[kind, folders] = Region()
            region.settle()
            region.fill(folders, in_hand)
            self._urls[kind, name] = url
        self.point(self._urls[kind, name])
        return self._urls[kind, name]

    def bills(self, kind: str, invoices: int) -> str:
        """The base of a commune of so many invoices (`bench.bills`), made once."""
        name = f"bills_{invoices}"
        if (kind, name) not in self._urls:
            url = self.empty(kind, name)
            bills = self.billed[kind, invoices] = Bills(invoices)
            bills.settle()
            bills.fill()
            self._urls[kind, name] = url
        self.point(self._urls[kind, name])
        return self._urls[kind, name]

    def environment(self, url: str) -> dict[str, str]:
        """The environment of a process of an installation on one database."""
        chosen = {
            "PARAPHE_SECRET_KEY": SECRET,
            "PARAPHE_DATA_DIR": str(self.home / "data"),
            "PARAPHE_DATABASE_URL": url,
            "PARAPHE_SECURE_COOKIES": "false",
            "PARAPHE_ACTES_EMAIL": "parapheur@kerlann.example.org",
        }
        return {**os.environ, **chosen}

    def point(self, url: str) -> None:
        """Make the product work on this database from now on."""
        db.configure(url)

    def web(self, url: str) -> Flask:
        """The web application on this database."""
        library.forget()
        return create_app(self.settings(url))


@lru_cache(maxsize=1)
def ground() -> Ground:
    """The ground of this process."""
    return Ground()


def browser(app: Flask, login: str) -> FlaskClient:
    """A browser without screen, logged in as a person does: page, token, password."""
    client = app.test_client()
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"', page)
    form = {"login": login, "password": commune.PASSWORD, "csrf_token": token.group(1) if token else ""}
    answer = client.post("/login", data=form)
    if answer.status_code != 302:
        raise RuntimeError(f"login refused: {answer.status}")
    return client
