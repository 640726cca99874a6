"""Tries are counted once for all processes, by account, by IPv4 address and by IPv6 network."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient

from app import create_app
from app.core import limits
from app.core.clock import now
from app.core.limits import FileStorage
from app.people import desks
from app.people import login as door
from demo.cast import PASSWORD
from tests.builders.house import House, token_in
from tests.mailserver import MailServer

LOGIN = "a.kervadec"
NEW = "cheval lune bateau"
OTHER = "from app.core.limits import FileStorage; import sys; print(FileStorage(sys.argv[1]).incr('door 192.0.2.1', 60, 2))"


def test_processes_count_together_in_a_file_that_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "limites.db"
    url = f"sqlite:///{path}"
    here, there = FileStorage(url), FileStorage(url)
    assert [here.incr("door 192.0.2.1", 60), there.incr("door 192.0.2.1", 60)] == [1, 2]
    other = subprocess.run([sys.executable, "-c", OTHER, url], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == "4"
    assert (here.get("door 192.0.2.1"), here.get("door 192.0.2.2")) == (4, 0)
    assert 0 < here.get_expiry("door 192.0.2.1") - now().timestamp() <= 60
    with time_machine.travel(now().timestamp() + 61):
        assert (there.get("door 192.0.2.1"), there.incr("door 192.0.2.1", 60)) == (0, 1)
    here.clear("door 192.0.2.1")
    assert there.get("door 192.0.2.1") == 0
    here.incr("door 192.0.2.1", 60)
    assert b"192.0.2" not in path.read_bytes() + Path(f"{path}-wal").read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert here.check()
    here.reset()
    assert here.get("door 192.0.2.1") == 0
    (tmp_path / "broken.db").write_bytes(b"not a database" * 100)
    broken = FileStorage(f"sqlite:///{tmp_path / 'broken.db'}", wrap_exceptions=False)
    assert not broken.check()
    with pytest.raises(sqlite3.Error):
        broken.incr("door", 60)


@pytest.fixture
def guarded(house: House) -> Iterator[FlaskClient]:
    app = create_app(
        house.settings.model_copy(update={"login_account_rate": "3 per minute", "login_rate": "5 per minute"})
    )
    limits.limiter.reset()
    yield app.test_client
    limits.limiter.reset()


def tried(client: FlaskClient, address: str, password: str = "faux", login: str = LOGIN) -> int:
    at = {"REMOTE_ADDR": address}
    token = token_in(client.get("/login", environ_overrides=at).get_data(as_text=True))
    data = {"login": login, "password": password, "csrf_token": token}
    return client.post("/login", data=data, environ_overrides=at).status_code


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_many_addresses_try_one_account_no_faster_and_do_not_shut_its_owner_out(guarded) -> None:
    """28 addresses tried the mayor's account six times each, and nothing slowed them."""
    own, shared = guarded(), guarded()
    assert tried(own, "198.51.100.1", PASSWORD) == 302
    assert tried(shared, "198.51.100.1", PASSWORD, "k.morizur") == 302
    own.delete_cookie("paraphe")
    answers = [tried(guarded(), f"192.0.2.{rank}") for rank in range(5)]
    assert answers == [403, 403, 429, 429, 429], (
        "his own first login, from a browser not known yet, was the first"
    )
    assert tried(guarded(), "192.0.2.99", login=LOGIN.upper()) == 429
    assert tried(shared, "192.0.2.98") == 429, "a browser that knows somebody else is a stranger's"
    assert tried(own, "203.0.113.7", PASSWORD) == 302, "his browser passes"
    mark = own.get_cookie(limits.KNOWN).value
    own.set_cookie(limits.KNOWN, ("B" if mark[0] == "A" else "A") + mark[1:])
    assert tried(own, "203.0.113.7", PASSWORD) == 429, "a cookie of one's own making does not"


def test_the_owner_is_told_once_a_day_that_strangers_try_and_enters_by_a_link(
    house: House, guarded, mail: MailServer
) -> None:
    for rank in range(9):
        tried(guarded(), f"192.0.2.{rank}")
        tried(guarded(), f"192.0.2.{rank}", login="personne")
    house.drain()
    (letter,) = mail.letters
    assert "a.kervadec" in letter["To"]
    assert "mots de passe ont été essayés" in str(letter["Subject"])
    text = letter.get_body(("plain",)).get_content()
    assert "/compte" in text
    assert "192.0.2" not in text
    limits.limiter.reset()  # a worker that starts again, a store that was lost
    for rank in range(9):
        tried(guarded(), f"192.0.2.{rank}")
    door.tell_tried(LOGIN)
    door.tell_tried("personne")
    house.drain()
    assert len(mail.letters) == 1
    # On a device where he never was, the letter of « mot de passe oublié » opens the door that strangers hold shut
    fresh = guarded()
    assert tried(fresh, "203.0.113.9", PASSWORD) == 429
    desks.ask_reset(LOGIN)
    house.drain()
    (code,) = re.findall(r"/mot-de-passe#(\S+)", mail.letters[-1].get_body(("plain",)).get_content())
    token = token_in(fresh.get("/mot-de-passe").get_data(as_text=True))
    form = {"code": code, "password": NEW, "csrf_token": token}
    assert fresh.post("/mot-de-passe", data=form).status_code == 302
    assert tried(fresh, "203.0.113.9", NEW) == 302


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_ipv6_network_counts_for_one_address(guarded) -> None:
    assert [tried(guarded(), f"2001:db8:1:2::{rank}", login="personne") for rank in (1, 2, 3)] == [
        403,
        403,
        403,
    ]
    app = guarded().application
    for address, place in (
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ):
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            assert limits.origin() == place
