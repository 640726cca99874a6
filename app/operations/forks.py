"""What gunicorn is told beside its command line: the application is loaded once, and each web worker is a copy of it.

Read by its path (`gunicorn --config`), not as a module of the product, so that it loads nothing by itself.
"""

from typing import Any

preload_app = True


def pre_fork(_server: Any, _worker: Any) -> None:
    """Close what a copy may not share: a connection used by two processes mixes their transactions.

    None is open at this point today (`tests/operations/test_serve.py`); this keeps it true whatever is added at start.
    """
    from app.core import db

    db.dispose()


def post_worker_init(_worker: Any) -> None:
    """Have each worker write the calls that it counts."""
    from app.people import calls

    calls.write_each_minute()


def worker_exit(_server: Any, _worker: Any) -> None:
    """Write what a worker that is stopped has counted since."""
    from app.people import calls

    calls.write()
