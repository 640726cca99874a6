"""How this process writes its log: one line an event, on the error output."""

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import structlog


def new_number() -> str:
    """The number of a request: 32 hexadecimal digits."""
    return uuid4().hex


def request_number() -> str | None:
    """The number of the request whose consequences this thread is working out; None where nobody asked (a round, a command)."""
    number: str | None = structlog.contextvars.get_contextvars().get("request")
    return number


@contextmanager
def following(number: str | None) -> Iterator[None]:
    """Give each line written meanwhile, and each row put in the outbox, the number of the request that caused them."""
    with structlog.contextvars.bound_contextvars(**({"request": number} if number else {})):
        yield


def _set_apart(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Begin each line of a trace by a bar: words of a fault, whoever wrote them, are never taken for a line of the log."""
    if isinstance(event.get("exception"), str):
        event["exception"] = "\n".join(f"  | {line}" for line in event["exception"].splitlines())
    return event


def configure(*, json_lines: bool) -> None:
    """Structured logs on the error output: one line an event, JSON for a collector or plain for a person."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([] if json_lines else [_set_apart]),
            structlog.processors.JSONRenderer()
            if json_lines
            else structlog.dev.ConsoleRenderer(colors=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
