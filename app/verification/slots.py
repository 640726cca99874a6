"""The places where a process has files judged: shared by all who ask, so that threads always stay for everybody else.

A judgement may last a minute when an authority is silent, and holds its thread all that time. The public page and the
folders' pages therefore count together: `PARAPHE_VERIFY_AT_ONCE` in all, of which strangers never take the last one
(unless it is the only one), and one more thread at most that waits for a place.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.refusals import Refusal
from app.verification import setting

_free = threading.Condition()
_taken = {"all": 0, "strangers": 0, "waiting": 0}


@contextmanager
def place(*, stranger: bool = False, wait: float = 0.0) -> Iterator[None]:
    """Hold one place; `wait`: seconds to wait for it. Refuses `verifier-busy`."""
    _take(stranger=stranger, wait=wait)
    try:
        yield
    finally:
        with _free:
            _taken["all"] -= 1
            _taken["strangers"] -= stranger
            _free.notify()


def _take(*, stranger: bool, wait: float) -> None:
    def room() -> bool:
        most = setting.verifier()[1]
        return _taken["all"] < most and not (stranger and _taken["strangers"] >= max(1, most - 1))

    with _free:
        if not room():
            if not wait or _taken["waiting"]:
                raise Refusal("verifier-busy")
            _taken["waiting"] += 1
            try:
                came = _free.wait_for(room, wait)
            finally:
                _taken["waiting"] -= 1
            if not came:
                raise Refusal("verifier-busy")
        _taken["all"] += 1
        _taken["strangers"] += stranger
