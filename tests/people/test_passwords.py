"""Wrong passwords stop nobody else: they are hashed outside any transaction, a few at a time, and a full room says so."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from pydantic import SecretStr

from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.core.transaction import running
from app.people import desks, identity, login, passwords
from app.people.models import LoginSession, Person
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.mailserver import MailServer
from tests.people.test_login import try_login
from tests.people.test_reset import LOGIN, NEW, ask, choose, links

pytestmark = pytest.mark.in_turn

COLLEAGUE = "k.morizur"


class Writing(PasswordHasher):
    """Argon2id during which a colleague saves his display, as he does while others log in."""

    def __init__(self, colleague: int) -> None:
        super().__init__()
        self.colleague, self.written, self.open = colleague, 0, 0

    def verify(self, stored: str | bytes, password: str | bytes) -> bool:
        self._write()
        return super().verify(stored, password)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self._write()
        return super().hash(password, salt=salt)

    def check_needs_rehash(self, stored: str | bytes) -> bool:
        return True

    def _write(self) -> None:
        self.open += engine().pool.checkedout() + (running() is not None)  # type: ignore[attr-defined]
        desks.choose_display(
            self.colleague, theme="dark", shortcuts=False
        )  # refused inside another transaction
        self.written += 1


@pytest.fixture
def hashing(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writing]:
    passwords._nobody()
    watched = Writing(house.actor(COLLEAGUE).user_id or 0)
    monkeypatch.setattr(passwords, "hasher", lambda: watched)
    yield watched
    assert watched.open == 0, "a connection or a transaction was open while a password was hashed"


def test_a_colleague_writes_while_passwords_are_verified_and_made(
    house: House, mail: MailServer, hashing: Writing
) -> None:
    """Four tries in the same second froze the writers of an SQLite base for up to 26 seconds."""
    steps = []
    for name, word in ((LOGIN, "faux"), ("personne", "faux"), (LOGIN, PASSWORD)):
        assert try_login(house, name, word)[1].status_code == (302 if word == PASSWORD else 403)
        steps.append(hashing.written)
    assert steps == [1, 2, 4], "one hash for each try, and one to renew what was hashed with other parameters"
    with reading() as db:
        row = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc()).limit(1)).one()
    actor = house.actor(LOGIN)
    proving = type(actor)(**{**vars(actor), "session_id": row.id})
    with pytest.raises(Refusal, match="identity-refused"):
        identity.prove(proving, SecretStr("faux"))
    identity.prove(proving, SecretStr(PASSWORD))
    ask(house)
    (link,) = links(mail)
    made = hashing.written
    assert choose(house, link, "court") == 422
    assert hashing.written == made, "what is refused is not hashed"
    assert [choose(house, link), choose(house, link)] == [302, 403]
    assert hashing.written == made + 1, "nor for a link that has served"


def test_a_password_changed_while_the_old_one_was_verified_opens_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = passwords.matches

    def changed(stored: str | None, word: str) -> bool:
        right = verified(stored, word)
        with engine().begin() as connection:
            connection.execute(sa.update(Person).where(Person.login == LOGIN).values(password_hash="another"))
        return right

    monkeypatch.setattr(passwords, "matches", changed)
    with pytest.raises(Refusal, match="login-refused"):
        login.open_session(LOGIN, PASSWORD, hours=1, address="", client="")
    monkeypatch.setattr(passwords, "running", lambda: "a_verb")
    with pytest.raises(RuntimeError, match="inside the transaction"):
        passwords.hashed(NEW)


def test_a_full_room_says_so_at_once_and_reading_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = house.client(COLLEAGUE)
    taken = passwords.AT_ONCE + passwords.WAITING
    assert all(passwords._places.acquire(blocking=False) for _ in range(taken))
    try:
        refused = try_login(house, LOGIN, PASSWORD)[1]
        assert refused.status_code == 503
        assert "recommencez dans quelques secondes" in refused.get_data(as_text=True)
        assert reader.get("/a-traiter").status_code == 200
    finally:
        for _ in range(taken):
            passwords._places.release()
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    assert all(passwords._turns.acquire(blocking=False) for _ in range(passwords.AT_ONCE))
    try:
        assert try_login(house, LOGIN, PASSWORD)[1].status_code == 503
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._turns.release()
    assert try_login(house, LOGIN, PASSWORD)[1].status_code == 302
