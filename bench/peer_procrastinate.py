"""A peer: the same jobs by procrastinate, which keeps them in PostgreSQL, takes them by SKIP LOCKED and wakes by LISTEN."""

import os
import smtplib
from typing import Any
from urllib.parse import urlsplit

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from app.core.clock import now
from app.core.outbox import Row

URL = "P10_PEER_URL"
MAIL = "mail"
PAYLOAD: dict[str, Any] = {"event": "factor_changed", "what": "codes", "user_id": 1}
"""What each letter tells: nothing of a folder, so that its writing weighs little beside the engine."""
THREADS = 2
WORKER = "from bench import peer_procrastinate; peer_procrastinate.work()"


def application(connector: Any) -> App:
    """The two tasks; a letter is written by the product's own code, from the same words."""
    app = App(connector=connector)

    @app.task(name="empty")
    def _empty(**_payload: Any) -> None:
        return

    @app.task(name=MAIL)
    def _mail(key: str, collectivity_id: int) -> None:
        from flask import current_app

        from app.notices import letter

        row = Row(0, MAIL, key, collectivity_id, None, None, PAYLOAD, 1, now(), None, "")
        envelope = letter.write(row, current_app.config["PARAPHE"], current_app.jinja_env)
        parts = urlsplit(current_app.config["PARAPHE"].mail_url)
        with smtplib.SMTP(parts.hostname or "", parts.port or 0) as server:
            server.send_message(envelope.message, to_addrs=[envelope.to])

    return app


def work() -> None:
    """What its worker's process runs: the product is there for the letters, with as many threads as the other's."""
    from wsgi import app as web

    with web.app_context():
        application(PsycopgConnector(conninfo=os.environ[URL])).run_worker(concurrency=THREADS)


class Peer:
    """Jobs asked of procrastinate."""

    def __init__(self, url: str, collectivity_id: int) -> None:
        self.url, self._here, self._number = url, collectivity_id, 0
        self._app = application(SyncPsycopgConnector(conninfo=url))
        self._app.open()
        self._app.schema_manager.apply_schema()

    def ask(self, kind: str, count: int) -> None:
        """Defer so many jobs in one statement."""
        payloads = [{"key": f"peer-{self._number + n}", "collectivity_id": self._here} for n in range(count)]
        self._number += count
        self._app.tasks[kind].batch_defer(*payloads)

    def left(self) -> str:
        """The question that answers whether something is left to do."""
        return "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1"

    def close(self) -> None:
        """Close its connections."""
        self._app.close()
