"""What the browser tests share: Debian's Chromium, the product served for real, people in front of it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from app import create_app
from app.circuits import library
from app.core import db, heartbeat
from app.core.clock import now
from app.operations import marks
from demo.pki import TestPki
from tests.browser.person import Person
from tests.browser.serving import Serving
from tests.builders.chromium import executable, options
from tests.builders.house import House
from tests.builders.remote import settings_of
from tests.builders.trust_service import TrustService
from tests.cluster import free_port
from tests.conftest import settings_for
from tests.mailserver import MailServer

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's browser, without a window; closed after this room, because it holds this thread's asyncio loop meanwhile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=options())
        yield browser
        browser.close()


@pytest.fixture
def demonstration(tmp_path: Path) -> Path:
    """Ask for the demonstration's own pages: the folder where it keeps its letters."""
    return tmp_path / "demo"


@pytest.fixture
def named() -> None:
    """Ask for an address by name: browsers make keys for no other."""


@pytest.fixture
def server(pki: TestPki) -> Iterator[TrustService]:
    """Ask for a trust service that signs at a distance, and that the product knows."""
    made = TrustService(pki, mode="explicit", page=True)
    made.users = {"armel": ["kerlann/a_kervadec"]}
    yield made
    made.close()


@pytest.fixture
def lease_seconds() -> float:
    """How long what a killed worker held is believed to be in its hands."""
    return 20.0


@pytest.fixture
def idle_minutes() -> int:
    """After how many minutes without a page a session closes; never, where no test says otherwise."""
    return 0


@pytest.fixture
def take_back_seconds() -> float:
    """For how long what was just done is taken back; never, where no test says otherwise."""
    return 0


@pytest.fixture
def installation(
    database: str,
    tmp_path: Path,
    pki: TestPki,
    mail: MailServer,
    lease_seconds: float,
    idle_minutes: int,
    take_back_seconds: float,
    request: pytest.FixtureRequest,
) -> Iterator[tuple[House, Serving]]:
    """The product served on a free port, with its processes."""
    port, data = free_port(), tmp_path / "data"
    more = {"demo": True, "demo_dir": tmp_path / "demo"} if "demonstration" in request.fixturenames else {}
    if "server" in request.fixturenames:
        more |= settings_of(request.getfixturevalue("server"))
    settings = settings_for(
        database,
        data,
        pki,
        mail.port,
        public_url=f"http://{'localhost' if 'named' in request.fixturenames else '127.0.0.1'}:{port}",
        lease_seconds=lease_seconds,
        idle_minutes=idle_minutes,
        take_back_seconds=take_back_seconds,
        backoff_seconds=0.5,
        operators=("k.morizur",),
        **more,
    )
    library.forget()
    made = House(create_app(settings), settings, pki, mail)
    # The mark of the day is taken by a process of its own, as large as the worker, whose test is tests/operations/test_marks.py
    heartbeat.beat(marks.BEAT, now())
    serving = Serving(settings, tmp_path / "log", port)
    try:
        serving.start()
        yield made, serving
    finally:
        serving.stop()
        db.dispose()


@pytest.fixture
def house(installation: tuple[House, Serving]) -> House:
    """The test speaks to the served installation by its verbs."""
    return installation[0]


@pytest.fixture
def serving(installation: tuple[House, Serving]) -> Serving:
    """Its processes, to be killed and started again."""
    return installation[1]


@pytest.fixture
def person(house: House, chromium: Browser) -> Iterator[Callable[..., Person]]:
    """Open a browser for somebody; closed at the end, and its console must have stayed silent."""
    opened: list[Person] = []

    def come(login: str | None = None, **options: object) -> Person:
        opened.append(Person(chromium, house.settings.public_url, login, **options))
        return opened[-1]

    yield come
    with contextlib.ExitStack() as closing:
        for one in opened:
            closing.callback(one.close)
