"""What a security officer collects: one JSON object a line on the error output, whatever form the other logs have.

Its events, and the names of their fields, are a promise to collectors: `docs/operations.md` lists them. No password, code,
PIN, token or key is ever among the fields.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog


class _Lines:
    """Where the lines go: the error output as it is now, not as it was when this room was imported."""

    heard = True

    def warning(self, line: str) -> None:
        """One line, at once: what follows may be the end of the process."""
        if not self.heard:
            return
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    info = warning


_lines = _Lines()
log: Any = structlog.wrap_logger(
    _lines,
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False),
    ],
    wrapper_class=structlog.BoundLogger,
    context_class=dict,
    kind="security",
)


@contextmanager
def unheard() -> Iterator[None]:
    """Write nothing meanwhile: only while the demonstration makes its own people, before anybody can come in."""
    _lines.heard = False
    try:
        yield
    finally:
        _lines.heard = True
