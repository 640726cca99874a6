"""The demonstration begins its background work when what that work speaks to answers: no first letter fails."""

from typing import Any

import pytest

import app
from app.core import schema
from app.demo import __main__ as demo
from app.demo import pki, seed
from app.operations import processes


def test_the_worker_waits_for_the_mail_catcher_and_the_test_authority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: dict[str, Any] = {}

    def run(**how: Any) -> int:
        started.update(how)
        return 0

    monkeypatch.setattr("sys.argv", ["demo"])
    monkeypatch.setattr(demo, "environment", lambda port: {"pki": port + 1, "smtp": port + 2})
    monkeypatch.setattr(pki, "make", lambda *_: None)
    monkeypatch.setattr(app, "create_app", lambda: None)
    monkeypatch.setattr(schema, "upgrade", lambda: None)
    monkeypatch.setattr(seed, "is_seeded", lambda: True)
    monkeypatch.setattr(processes, "run", run)
    monkeypatch.setenv("PORT", "8100")
    assert demo.main() == 0
    assert "services" in started["more"]
    assert sorted(started["needs"]) == [8101, 8102]
