"""How this process writes its log: one line an event, on the error output."""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


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
