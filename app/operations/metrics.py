"""What a monitoring system reads at `/metrics` (Prometheus text format 0.0.4): figures of no folder and of no person."""

import hmac
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from app.core import heartbeat
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import LONGEST_WAIT, Outbox
from app.files import vault
from app.operations.examined import rounds, view
from app.operations.findings import Level
from app.people.models import LoginSession
from app.transmission import silences
from config import Settings

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OPEN = sa.text("state IN ('pending','running')")
_PARKED = sa.text("state = 'parked'")


def allowed(address: str | None, headers: Mapping[str, str], token: str) -> bool:
    """Whether this caller may read them: with the token of the settings, or from the machine itself, through no proxy.

    Whoever enters by the socket of `serve` has no address.
    """
    authorization = headers.get("Authorization", "")
    if token and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return True
    direct = not any(name.title().startswith(("X-Forwarded", "Forwarded", "X-Real")) for name in headers)
    return direct and not authorization and address in {"127.0.0.1", "::1", ""}


def text(settings: Settings) -> bytes:
    """The figures at this moment. Nothing is written."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(settings))
    return bytes(generate_latest(registry))


class _Figures:
    """Read anew at each question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Any]:
        """Each family of figures."""
        with reading() as db:
            yield from _outbox(db)
            yield from _sessions(db)
            silent = sum(silence.notified for silence in silences.lasting(db))
        yield _gauge(
            "paraphe_operators_silent", "Relay operators that are silent or refuse an account.", silent
        )
        last = heartbeat.last(heartbeat.WORKER)
        if last is not None:
            age = (now() - last).total_seconds()
            yield _gauge("paraphe_worker_silence_seconds", "Since the worker last said that it lives.", age)
        yield _gauge("paraphe_store_up", "Whether the store of documents answers.", _store())
        with reading() as db:
            yield from _findings(db, self._settings)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _store() -> float:
    try:
        vault.store().answers()
    except Exception:  # noqa: BLE001 - the figure is the answer
        return 0.0
    return 1.0


def _outbox(db: Db) -> Iterator[GaugeMetricFamily]:
    rows = GaugeMetricFamily(
        "paraphe_outbox_rows", "What is to be sent, by kind and state.", labels=["kind", "state"]
    )
    oldest = GaugeMetricFamily(
        "paraphe_outbox_oldest_seconds", "Age of the oldest, by kind and state.", labels=["kind", "state"]
    )
    moment = now()
    # What is due on another day, as the letter that ends an absence, waits for nobody to mend anything
    due = sa.and_(_OPEN, Outbox.available_at <= moment + timedelta(seconds=LONGEST_WAIT))
    for state, condition in (("waiting", due), ("stopped", _PARKED)):
        query = sa.select(Outbox.kind, sa.func.count(Outbox.id), sa.func.min(Outbox.created_at))
        for kind, count, since in db.execute(query.where(condition).group_by(Outbox.kind)):
            rows.add_metric([kind, state], count)
            oldest.add_metric([kind, state], (moment - since).total_seconds())
    yield rows
    yield oldest


def _sessions(db: Db) -> Iterator[GaugeMetricFamily]:
    query = sa.select(sa.func.count(LoginSession.id)).where(
        LoginSession.revoked_at.is_(None), LoginSession.expires_at > now()
    )
    yield _gauge("paraphe_sessions_open", "Login sessions that may still serve.", db.scalar(query) or 0)


def _findings(db: Db, settings: Settings) -> Iterator[GaugeMetricFamily]:
    """One figure for each check; what is old is told as unknown: nobody knows it of now."""
    gauge = GaugeMetricFamily(
        "paraphe_finding",
        "What the doctor found of each check: green, amber, red, unknown, none.",
        labels=["name", "level"],
    )
    for line in view.whole(db, settings):
        gauge.add_metric([line.name, Level.UNKNOWN if line.old else line.level], 1)
    yield gauge
    ended_at = rounds.stand(db).ended_at
    if ended_at is not None:
        age = (now() - ended_at).total_seconds()
        yield _gauge("paraphe_findings_age_seconds", "Since a whole round of the doctor last ended.", age)
