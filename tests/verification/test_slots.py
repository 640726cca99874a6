"""The places of the verifier: shared, never all for strangers, and one waits at most."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.core.refusals import Refusal
from app.verification import setting, slots
from app.verification.slots import place


def test_strangers_never_take_the_last_place_of_a_process_and_one_waits_at_most(monkeypatch):
    monkeypatch.setattr(setting, "verifier", lambda: (1, 2))

    def later() -> str:
        with place(wait=30.0):
            return "came"

    with place(stranger=True), ExitStack() as held, ThreadPoolExecutor(1) as other:
        with pytest.raises(Refusal, match="verifier-busy"), place(stranger=True):
            pass
        held.enter_context(place())
        waiting, never, until = other.submit(later), threading.Event(), time.monotonic() + 20
        while not slots._taken["waiting"] and time.monotonic() < until:
            never.wait(0.01)
        with pytest.raises(Refusal, match="verifier-busy"), place(wait=30.0):
            pass
        assert not waiting.done()
        held.close()
        assert waiting.result(20) == "came"
    assert slots._taken == {"all": 0, "strangers": 0, "waiting": 0}
