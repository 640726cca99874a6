"""The one place that commits: a verb is one transaction, wholly written or not at all."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core.db import Db, writing
from app.core.refusals import Refusal

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3
log = structlog.get_logger()
_inside: ContextVar[str | None] = ContextVar("use_case", default=None)


def running() -> str | None:
    """The verb whose transaction is open here, if any: what takes long asks before it begins."""
    return _inside.get()


def after_commit(db: Db, news: Callable[[], None]) -> None:
    """Do `news` once the transaction stands; it is forgotten if the transaction does not."""
    db.info.setdefault("after_commit", []).append(news)


def use_case(verb: Callable[Concatenate[Db, P], R]) -> Callable[P, R]:
    """Open the transaction of a verb, and try it again after a deadlock, a busy SQLite or a lost race on a unique row.

    The verb takes plain values and an `Actor`, and returns plain facts. A verb never calls a verb: the inner one
    would commit half of the outer one. Nothing inside waits for the network.
    """

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _inside.get() is not None:
            raise RuntimeError(f"{verb.__name__} was called inside {_inside.get()}")
        token = _inside.set(verb.__name__)
        try:
            for attempt in range(1, TRIES + 1):
                try:
                    result, news = _once(verb, *args, **kwargs)
                    break
                except (IntegrityError, OperationalError) as error:
                    if attempt == TRIES:
                        raise Refusal("busy") from error
                    log.warning(
                        "transaction.again", verb=verb.__name__, attempt=attempt, error=type(error).__name__
                    )
        finally:
            _inside.reset(token)
        for one in news:
            one()
        return result

    return run


def _once(
    verb: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs
) -> tuple[R, list[Callable[[], None]]]:
    """One attempt; the news is told by the caller, once the commit stands."""
    with writing() as db:
        actor = next((one for one in (*args, *kwargs.values()) if hasattr(one, "collectivity_id")), None)
        if actor is not None:
            db.info["collectivity_id"] = actor.collectivity_id
        with db.begin():
            result = verb(db, *args, **kwargs)
        return result, db.info.get("after_commit", [])
