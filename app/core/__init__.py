"""The ground: database, transaction, outbox, jobs, clock, security and typography; it knows no folder."""

import sys

# structlog draws tracebacks in colour where rich is there (a command of flask-limiter brings it): our lines have none, and
# loading it took a fifteenth of each start. It looks for rich once, when it is loaded.
if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
