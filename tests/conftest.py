"""What the tests share: both databases in every run, a real SMTP server, a real test PKI, the commune of Kerlann-sur-Mer.

A test that takes `house` runs once on SQLite and once on PostgreSQL, each time on a fresh copy of the same commune.
"""

import gc
import itertools
import os
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy import Dialect, Engine
from sqlalchemy.util import LRUCache
from xdist.scheduler import LoadFileScheduling

from app import create_app
from app.circuits import library
from app.core import db, schema
from app.people import passwords
from app.signing.enrol import enrol
from app.trust.certificates import facts
from config import Settings
from demo import pki as test_pki
from demo.seed import actor_of, people
from tests.builders.hours import leave_at_any_hour
from tests.builders.house import House
from tests.builders.light import LIGHT
from tests.builders.memory import DISK, memory
from tests.builders.once import _remember_samples, share_made  # noqa: F401 (a fixture)
from tests.cluster import Cluster, free_port
from tests.mailserver import MailServer

SECRET = "a secret of the tests, long enough to be taken"
_numbers = itertools.count(1)
# The garbage of the young is looked for after 700 objects: a seventh of the time of a test that makes a whole application
gc.set_threshold(20_000, 20, 20)
if where := memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(where))

# How long a machine takes to draw or to run an example says nothing of what is tested: no test falls for it
hypothesis.settings.register_profile(
    "paraphe", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("paraphe")
# The rooms whose files last longest begin, or one of them is alone at the end while the other processors have nothing to do
LONG = ("browser", "rights", "race", "remote", "attacks", "journeys", "batches", "legality")


DATABASES = ("sqlite", "postgresql")


def _of_any_database(item: pytest.Item) -> str:
    return item.nodeid.replace(DATABASES[0], "*").replace(DATABASES[1], "*")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database sqlite`: each test on this one alone, for who looks at a change (`make test-slice`).

    `--database both`: each test on each, those that are `in_turn` too.
    """
    parser.addoption(
        "--database", choices=(*DATABASES, "both"), help="run each test on this database alone, or on both"
    )


def _alone(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of each test, leave what is of the other database."""
    others = [name for name in DATABASES if name != config.getoption("database")]
    left = [item for item in items if any(name in item.nodeid for name in others)]
    config.hook.pytest_deselected(items=left)
    gone = {id(one) for one in left}
    items[:] = [one for one in items if id(one) not in gone]


def _in_turn(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test in a file that is `in_turn`, leave one of its two databases: what it asks is hardly of the database.

    Both are in every run, and always the same one for the same test. What races, dies or counts rows is `both_databases`.
    """
    twice = Counter(_of_any_database(one) for one in items)
    left = [
        item
        for item in items
        if item.get_closest_marker("in_turn")
        and not item.get_closest_marker("both_databases")
        and twice[_of_any_database(item)] == len(DATABASES)
        and DATABASES[zlib.crc32(_of_any_database(item).encode()) % 2] not in item.nodeid
    ]
    if left:
        config.hook.pytest_deselected(items=left)
        gone = {id(one) for one in left}
        items[:] = [one for one in items if id(one) not in gone]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`pytest -k TRA_01` finds the tests marked with a rule of law, as it finds those that bear it in their name."""
    wanted = config.getoption("database", None)
    if wanted != "both":
        (_alone if wanted else _in_turn)(config, items)
    items.sort(key=lambda item: LONG.index(room) if (room := item.path.parent.name) in LONG else len(LONG))
    for item in items:
        for mark in item.iter_markers("law"):
            item.extra_keyword_matches.update(number.replace("-", "_") for number in mark.args)


def pytest_collection_finish() -> None:
    """What is loaded by now lives as long as the run: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


class _OneBrowser(LoadFileScheduling):  # type: ignore[misc]
    """A file is one worker's, and the files of the browser are all the same one's.

    Chromium, the server and its worker are four busy processes for each test: three at a time on two cores are so slow
    that people in front of them would have given up. The table of rights, whose scene is made once for each database,
    is two workers': alone it lasted a third of the run.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        if file == "tests/rights/test_matrix.py":
            return f"{file} {'postgresql' in nodeid}"
        return "tests/browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """With `--dist loadfile`."""
    return _OneBrowser(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _light_passwords() -> Iterator[None]:
    """Each login took a fifth of a second of both cores."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "hasher", lambda: LIGHT)
        yield


@pytest.fixture(scope="session", autouse=True)
def _letters_at_any_hour() -> Iterator[None]:
    """Unless a test sets the clock."""
    with pytest.MonkeyPatch.context() as patched:
        leave_at_any_hour(patched)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What processes leave half made when a test kills them goes with the run."""
    room = str(tmp_path_factory.mktemp("half-made", numbered=False))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tempfile, "tempdir", room)
        patched.setenv("TMPDIR", room)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_statements() -> Iterator[None]:
    """The engines of a process share their dialect, and so the statements that it compiled: each test makes an engine.

    A statement takes 27 KB, a file of tests asks about a thousand, and the cache holds half as many again as it is told.
    """
    make, cache = db.make_engine, LRUCache[Any, Any](1500)
    dialects: dict[str, Dialect] = {}

    def sharing(url: str) -> Engine:
        engine = make(url)
        dialect = dialects.setdefault(engine.dialect.name, engine.dialect)
        engine.dialect = engine.pool._dialect = dialect
        engine._compiled_cache = cache
        return engine

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(db, "make_engine", sharing)
        yield


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[test_pki.TestPki]:
    """The test authority, with its timestamps, OCSP and CRL, on a free port."""
    port = free_port()
    made = test_pki.make(tmp_path_factory.mktemp("pki") / "pki", f"http://127.0.0.1:{port}")
    serving = test_pki.serve(made.folder, "127.0.0.1", port)
    yield made
    serving.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The throw-away PostgreSQL."""
    made = Cluster(place=memory() or DISK)
    yield made
    db.dispose()
    made.stop()


@pytest.fixture(scope="session")
def _mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mail(_mail_server: MailServer) -> MailServer:
    """The mail server, empty."""
    _mail_server.clear()
    return _mail_server


class _ToldAlone(Settings):
    """Settings of which the environment says nothing: neither what a developer has there, nor the time to look for it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: Any,
        **_named: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings_for(url: str, data: Path, pki: test_pki.TestPki, mail_port: int, **more: object) -> Settings:
    """The settings of a test installation: everything real, everything on 127.0.0.1."""
    share_made(data, pki.folder.parent)
    chosen = {
        "secret_key": SECRET,
        "data_dir": data,
        "database_url": url,
        "secure_cookies": False,
        "public_url": "http://127.0.0.1:5000",
        "mail_url": f"smtp://127.0.0.1:{mail_port}",
        "trust_roots": pki.root_pem,
        "tsa_roots": pki.root_pem,
        "tsa_url": pki.tsa_url,
        "revocation_hosts": (pki.host,),
        "seal_p12": pki.p12("seal"),
        "seal_passphrase": pki.passphrase.decode(),
        "actes_delay_seconds": 0.0,
        "helios_delay_seconds": 0.0,
        "actes_poll_seconds": 0.05,
        "archive_delay_seconds": 0.0,
        "lease_seconds": 2.0,
        "backoff_seconds": 0.05,
        "attempts_limit": 4,
        "actes_email": "parapheur@kerlann.example.org",
        "login_rate": "1000 per minute",
        "login_address_rate": "1000 per minute",
        "person_rate": "100000 per minute",
        "login_account_rate": "1000 per minute",
        "csc_rate": "100000 per minute",
        "idle_minutes": 0,  # tests move the clock; who is away too long is in tests/people/test_sessions.py
        "reauth_minutes": 720,  # a busy machine is slow: who is asked again is asked by the test that ages his session
        "take_back_seconds": 0,  # letters go at once; who takes back what he did gives himself time (test_undoing.py)
        "office": False,
        "doctor_hours": 0,  # no worker of a test looks at the whole machine by itself
        "simulators": "demo",
        **more,
    }
    return _ToldAlone(**chosen)


@pytest.fixture(scope="session")
def _templates(
    tmp_path_factory: pytest.TempPathFactory,
    cluster: Cluster,
    pki: test_pki.TestPki,
    _mail_server: MailServer,
) -> Path:
    """The commune, made once on each database and copied for each test."""
    home = tmp_path_factory.mktemp("template")
    for url in (f"sqlite:///{home / 'template.db'}", cluster.create("template_paraphe")):
        create_app(settings_for(url, home / "data", pki, _mail_server.port))
        schema.upgrade()
        people()
        for who, label in (("a.kervadec", "a_kervadec"), ("b.cadiou", "b_cadiou")):
            actor, der = actor_of(who), pki.certificate(label)
            enrol(actor, actor.user_id or 0, facts(der), der)
    db.dispose()
    gc.collect()
    gc.freeze()
    return home


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, _templates: Path, cluster: Cluster
) -> Iterator[str]:
    """The URL of a fresh copy of the commune, on each database in turn."""
    if request.param == "sqlite":
        shutil.copy(_templates / "template.db", tmp_path / "paraphe.db")
        yield f"sqlite:///{tmp_path / 'paraphe.db'}"
        db.dispose()
        return
    name = f"test_{next(_numbers)}"
    yield cluster.create(name, "template_paraphe")
    db.dispose()
    cluster.drop(name)


@pytest.fixture
def house(database: str, tmp_path: Path, pki: test_pki.TestPki, mail: MailServer) -> House:
    """The whole product on one database, with the verbs that tests need said shortly."""
    library.forget()
    settings = settings_for(database, tmp_path / "data", pki, mail.port)
    return House(create_app(settings), settings, pki, mail)
