"""The one rate limiter, by account, by IPv4 address and by IPv6 network; all processes count in one place."""

import ipaddress
import os
import sqlite3
import threading
import time
from contextlib import suppress
from hashlib import sha256
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from flask import Response, after_this_request, current_app, g, request
from flask_limiter import Limiter
from itsdangerous import BadSignature, URLSafeSerializer
from limits import RateLimitItem, parse
from limits.storage import Storage

from app.core.french import attente
from app.core.refusals import Refusal
from app.core.security import cookie_name

# Where tries are counted: one small file that every process of this machine shares, beside the data and outside the
# base.
#
# A count is written at each try. In the base it would wait for other writers and be synced to the disk; here a power
# cut forgets a minute of counts, which is no harm. Names and addresses are kept as digests, and leave with their
# minute.

PATIENCE = 5.0  # seconds, far beyond a count
SWEEP = 500  # tries between two removals of what has expired
_TABLE = "CREATE TABLE IF NOT EXISTS tries (key BLOB PRIMARY KEY, count INTEGER NOT NULL, ends REAL NOT NULL) WITHOUT ROWID"
_COUNT = """INSERT INTO tries VALUES (:key, :more, :ends) ON CONFLICT (key) DO UPDATE SET
count = CASE WHEN ends <= :now THEN :more ELSE count + :more END, ends = CASE WHEN ends <= :now THEN :ends ELSE ends END
RETURNING count"""


class FileStorage(Storage):
    """Counters in `sqlite:///file`, for the `limits` library; each thread of each process has its own connection."""

    STORAGE_SCHEME = ["sqlite"]  # noqa: RUF012 - the library's own way

    def __init__(self, uri: str = "", wrap_exceptions: bool = False, **options: Any) -> None:
        del options
        self._path = urlsplit(uri).path.removeprefix("/")
        self._mine = threading.local()
        self._counted = 0
        super().__init__(uri, wrap_exceptions=wrap_exceptions)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library takes for a store that fails."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more under this key, whose count ends `expiry` seconds after its first; returns the count."""
        now = time.time()
        self._counted += 1
        if self._counted % SWEEP == 0:
            self._do("DELETE FROM tries WHERE ends <= :now", now=now)
        row = self._do(_COUNT, key=_digest(key), more=amount, now=now, ends=now + expiry)
        return int(row[0])

    def get(self, key: str) -> int:
        """The count of a key; 0 once it has ended."""
        row = self._do(
            "SELECT count FROM tries WHERE key = :key AND ends > :now", key=_digest(key), now=time.time()
        )
        return int(row[0]) if row else 0

    def get_expiry(self, key: str) -> float:
        """When the count of a key ends, in seconds since 1970."""
        row = self._do("SELECT ends FROM tries WHERE key = :key", key=_digest(key))
        return float(row[0]) if row else time.time()

    def check(self) -> bool:
        """Whether the file answers."""
        try:
            self._do("SELECT 1")
        except sqlite3.Error:
            return False
        return True

    def reset(self) -> int | None:
        """Forget every count."""
        self._do("DELETE FROM tries")
        return None

    def clear(self, key: str) -> None:
        """Forget the count of a key."""
        self._do("DELETE FROM tries WHERE key = :key", key=_digest(key))

    def _do(self, statement: str, **values: Any) -> Any:
        rows = self._connection().execute(statement, values).fetchall()
        return rows[0] if rows else None

    def _connection(self) -> sqlite3.Connection:
        """The connection of the thread that asks; one that was opened before a fork belongs to the parent."""
        if getattr(self._mine, "process", None) != os.getpid():
            with suppress(
                FileExistsError
            ):  # opened only when new: closing it would let go SQLite's locks in this process
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            opened = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=OFF"):
                opened.execute(f"PRAGMA {pragma}")
            opened.execute(_TABLE)
            self._mine.connection, self._mine.process = opened, os.getpid()
        connection: sqlite3.Connection = self._mine.connection
        return connection


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()[:16]


KNOWN = "paraphe-connu"
"""The cookie by which a browser tells whose login succeeded in it: strangers who try a name do not shut its owner out."""
KNOWN_SECONDS = 180 * 86400
MOST_KNOWN = 5  # persons of a shared browser
DAY = 86400
QUESTION_RATE = "30 per minute"
"""Questions that a key is asked, of one person from one address; each is a row until the next sweep."""
_RENOUNCED = parse("10 per minute")
_GUESSED = parse("20 per hour")


def origin() -> str:
    """From where a caller comes: an IPv4 address, or the /64 of an IPv6, which one subscriber has whole."""
    remote = request.remote_addr or "127.0.0.1"
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def whoever() -> str:
    """Each person counts for one: a town hall leaves by one address."""
    actor = g.get("actor")
    return f"person {actor.person_id}" if actor is not None else origin()


limiter = Limiter(origin, default_limits=[])


def _login() -> str:
    return request.form.get("login", "").strip().lower()[:100]


def per_login() -> str:
    """Who is tried from where: a town hall that leaves by one address must not lock its people out together."""
    return f"{origin()} {_login()}"


def per_link() -> str:
    """One link by which a password is chosen: the sixty people of a town hall each have theirs, behind one address."""
    code = request.form.get("code", "").rpartition("#")[2].strip()
    return f"link {sha256(code.encode()).hexdigest()}"


def per_account() -> str:
    """One account, from wherever it is tried; a browser where its owner has logged in is counted apart from strangers."""
    login = _login()
    return f"account {login} {apart(login)}"


def apart(login: str) -> str:
    """What counts a browser of this login's owner apart from those of strangers; empty for those."""
    return sha256(request.cookies[_cookie()].encode()).hexdigest() if knows(login) else ""


def know(login: str) -> None:
    """Remember, in the browser that is answered, that this login succeeded in it."""
    marks = [_mark(login.strip().lower()[:100]), *_known()]
    value = _signer().dumps(list(dict.fromkeys(marks))[:MOST_KNOWN])

    @after_this_request
    def _keep(response: Response) -> Response:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(
            _cookie(), value, max_age=KNOWN_SECONDS, httponly=True, secure=secure, samesite="Lax"
        )
        return response


def knows(login: str) -> bool:
    """Whether this login has succeeded in the browser that asks."""
    return _mark(login.strip().lower()[:100]) in _known()


def _cookie() -> str:
    return cookie_name(KNOWN, secure=bool(current_app.config["SESSION_COOKIE_SECURE"]))


def _known() -> list[str]:
    try:
        marks = _signer().loads(request.cookies.get(_cookie(), ""))
    except BadSignature:
        return []
    return [str(mark) for mark in marks]


def _mark(login: str) -> str:
    """A login as the cookie names it: who finds the browser does not read who uses it."""
    return sha256(f"{current_app.secret_key!s}{login}".encode()).hexdigest()[:32]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=KNOWN, signer_kwargs={"digest_method": sha256})


def per_person() -> str:
    """Who is tried from an open session: it may not guess faster than somebody at the door."""
    actor = g.get("actor")
    return f"identity {actor.person_id}" if actor is not None else origin()


def refuse_hurry(person_id: int) -> None:
    """Refuse `too-many-pages` to whoever asks more than a person reads: a stolen session takes no archive away in a minute.

    Counted by person, from all his sessions together. A store that fails stops nobody.
    """
    pace = parse(str(current_app.config["PERSON_RATE"]))
    try:
        in_time = limiter.limiter.hit(pace, "person", str(person_id))
    except limiter.storage.base_exceptions:
        return
    if not in_time:
        seconds = _left(pace, "person", str(person_id))
        raise Refusal("too-many-pages", seconds=seconds, wait=attente(seconds))


def _left(pace: RateLimitItem, *who: str) -> int:
    """Seconds until a pace that is used up begins anew; the whole of it where the store does not say."""
    try:
        ends = limiter.limiter.get_window_stats(pace, *who).reset_time
    except limiter.storage.base_exceptions:
        return pace.get_expiry()
    return min(max(ceil(ends - time.time()), 1), pace.get_expiry())


def per_person_there() -> str:
    """A person at the address from which he asks: whoever copied his cookie and asks from elsewhere uses up nothing of his."""
    return f"{per_person()} {origin()}"


def refuse_renouncing() -> None:
    """Refuse `too-many-tries` to whoever says too often that he gives up proving who he is: each time is a line of the journal.

    Counted apart from the proofs, and by address: a copied cookie delays its owner's neither.
    """
    try:
        in_time = limiter.limiter.hit(_RENOUNCED, "given up", per_person_there())
    except limiter.storage.base_exceptions:
        return
    if not in_time:
        seconds = _left(_RENOUNCED, "given up", per_person_there())
        raise Refusal("too-many-tries", seconds=seconds, wait=attente(seconds))


def refuse_guessing(person_id: int) -> None:
    """Refuse `too-many-tries` to whoever was told too often that a name is not free (`count_guess`), before he is told more."""
    try:
        in_time = limiter.limiter.test(_GUESSED, "guess", str(person_id))
    except limiter.storage.base_exceptions:
        return
    if not in_time:
        seconds = _left(_GUESSED, "guess", str(person_id))
        raise Refusal("too-many-tries", seconds=seconds, wait=attente(seconds))


def count_guess(person_id: int) -> None:
    """Count that a person was told that a name is not free, and so that somebody whom he may not know has it."""
    try:
        limiter.limiter.hit(_GUESSED, "guess", str(person_id))
    except limiter.storage.base_exceptions:
        return


def forget_hurry(person_id: int) -> None:
    """Begin the pace of a person anew, once others' sessions that had used it up are closed."""
    try:
        limiter.limiter.clear(parse(str(current_app.config["PERSON_RATE"])), "person", str(person_id))
    except limiter.storage.base_exceptions:
        return


def login_rate() -> str:
    """Tries for one login from one address."""
    return str(current_app.config["LOGIN_RATE"])


def account_rate() -> str:
    """Tries for one login from everywhere but the browsers that its owner uses."""
    return str(current_app.config["LOGIN_ACCOUNT_RATE"])


def first_today(login: str) -> bool:
    """Whether a stranger's browser tries this login too often, and nobody was told of it since a day."""
    if _mark(login.strip().lower()[:100]) in _known():
        return False
    try:
        return limiter.storage.incr(f"told {_mark(login.strip().lower()[:100])}", DAY) == 1
    except limiter.storage.base_exceptions:  # each process counts alone then, and the letter's own key holds
        return True


def address_rate() -> str:
    """Tries from one address, whatever the login: whoever tries many names is slowed too."""
    return str(current_app.config["LOGIN_ADDRESS_RATE"])


def factor_rate() -> str:
    """Codes tried for one account whose password was right, from everywhere."""
    return str(current_app.config["LOGIN_FACTOR_RATE"])
