"""Huey carries "row n is ready" between web and worker; the outbox holds the truth, so a lost message costs a minute."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from app.core.hold import held
from app.core.security import secret

if TYPE_CHECKING:
    from huey import Huey

log = structlog.get_logger()
_queue: dict[str, Any] = {"url": None, "huey": None, "ready": None}
_work: dict[str, Callable[..., Any]] = {}
_nightly: dict[str, Callable[[], Any]] = {}


def carries(*, run: Callable[[int], None], watch: Callable[[], Any]) -> None:
    """Say what a message does (`run` one row) and what the watchdog does each minute (`watch`)."""
    _work.update(run=run, watch=watch)


def nightly(name: str, do: Callable[[], Any]) -> None:
    """Do this once each night in the worker; said before the queue is first used, and it must bear to be done twice."""
    _nightly[name] = do


def configure(url: str) -> None:
    """Choose the queue by its URL: `sqlite:`, `postgresql:`, `redis:`, or `none:` where the caller drains by itself."""
    if _queue["url"] != url:
        if _queue["huey"] is not None:
            _queue["huey"].storage.close()
        _queue.update(url=url, huey=None)


def huey() -> "Huey | None":
    """The queue of this process, made at its first use; None where nobody carries messages."""
    if _queue["huey"] is None and not str(_queue["url"] or "none:").startswith("none:"):
        _queue["huey"] = _make(_queue["url"])
    return _queue["huey"]


def _make(url: str) -> "Huey":
    # It brings the drivers of every queue with it: only what sends or takes messages pays for them.
    from huey import PostgresHuey, PriorityRedisHuey, SqliteHuey, crontab
    from huey.serializer import SignedSerializer

    scheme = urlsplit(url).scheme.split("+")[0]
    # Its messages are pickles: whoever could write into the queue would run code in the worker, but for the signature
    signed = SignedSerializer(secret=secret(), salt="paraphe queue")
    options: dict[str, Any] = {"results": False, "utc": True, "serializer": signed}
    if scheme == "sqlite":
        made = SqliteHuey("paraphe", filename=url.removeprefix("sqlite:///"), **options)
    elif scheme == "postgresql":
        made = PostgresHuey("paraphe", dsn=url.replace("postgresql+psycopg://", "postgresql://"), **options)
    elif scheme in {"redis", "rediss"}:
        made = PriorityRedisHuey("paraphe", url=url, **options)
    else:
        raise ValueError(f"file d’attente inconnue : {scheme}")
    _queue["ready"] = made.task(name="row")(_row)
    # It passes before the rows that wait: a long queue must not look like a dead worker.
    made.periodic_task(crontab(minute="*"), name="watchdog", priority=1)(_watchdog)
    for rank, (name, do) in enumerate(sorted(_nightly.items())):
        # Not all at once, and not at the full hour, when everybody asks the same servers
        made.periodic_task(crontab(hour="3", minute=str(17 + 7 * rank)), name=f"nightly-{name}")(
            _unless_held(do)
        )
    return made


def _unless_held(do: Callable[[], Any]) -> Callable[[], None]:
    """What asks others by night waits too, while nothing may leave."""

    def night() -> None:
        if not held():
            do()

    return night


def _row(row_id: int) -> None:
    _work["run"](row_id)


def _watchdog() -> None:
    _work["watch"]()


def wake(rows: Iterable[tuple[int, float]]) -> None:
    """Say that these rows are ready, in so many seconds each; a silent queue is logged and left to the watchdog."""
    if huey() is None:
        return
    for row_id, delay in rows:
        try:
            if delay > 0:
                _queue["ready"].schedule(args=(row_id,), delay=delay)
            else:
                _queue["ready"](row_id)
        except Exception as fault:  # noqa: BLE001 - the transaction stands; the watchdog will find the row
            log.warning("queue.silent", row=row_id, error=repr(fault))


def waiting() -> int | None:
    """How many messages wait; None where nobody carries any. Raises what the queue's own library raises when it is down."""
    queue = huey()
    return None if queue is None else int(queue.storage.queue_size())


@contextmanager
def heart(seconds: float, beat: Callable[[], None]) -> Iterator[None]:
    """Call `beat` every so many seconds, from a thread, while the body works."""
    stop = threading.Event()

    def pump() -> None:
        while not stop.wait(seconds):
            try:
                beat()
            except Exception as fault:  # noqa: BLE001 - a missed beat is not a failure of the work
                log.warning("lease.not_renewed", error=repr(fault))

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
