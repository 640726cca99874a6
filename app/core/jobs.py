"""The worker: it takes rows of the outbox as soon as they stand, and does them by a few threads.

One thread waits, takes and keeps the leases of all; the others do. The rounds of each minute and the work of the night
have a thread of their own, so that what is long there holds nothing up.
"""

import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from app.core import heartbeat, outbox
from app.core.clock import now
from app.core.hold import held
from app.core.outbox import Row
from app.core.waking import Waker

log = structlog.get_logger()
REST = 10.0
"""Seconds after which the outbox is looked at by itself, whatever nobody said; what a dead worker left is found then."""
MINUTE = 60.0
AFTER_A_FAULT = 1.0
LONG_AT = 0.25
"""Seconds between two looks whether a row that may take long waits, while quick ones are taken ahead."""
LAST_ROUND = 20.0
"""Seconds that a round under way is given when the worker is asked to stop; it bears to be cut."""
NIGHT, APART = timedelta(hours=3, minutes=17), timedelta(minutes=7)
"""When the first work of the night begins (UTC), and how long after it each other: not all at once, nor at the full hour."""
_nightly: dict[str, Callable[[], Any]] = {}


def nightly(name: str, do: Callable[[], Any]) -> None:
    """Do this once each night in the worker; it must bear to be done twice, as where several workers are."""
    _nightly[name] = do


def nights() -> frozenset[str]:
    """The names of what is done by night."""
    return frozenset(_nightly)


def night() -> None:
    """Do what the night asks for and has not had, at any hour after its own: a machine may be off at night.

    What asks others waits too, while nothing may leave.
    """
    for rank, (name, do) in enumerate(sorted(_nightly.items())):
        beat, moment = f"night {name}", now()
        last = heartbeat.last(beat)
        if last is None:  # it was never here: its first night is the next one
            heartbeat.beat(beat, moment)
        elif not _hour_before(moment, NIGHT + rank * APART) <= last <= moment and not held():
            heartbeat.beat(beat, moment)  # first: what fails waits for its next night
            try:
                do()
            except Exception as fault:  # noqa: BLE001 - one that fails keeps no other from its work
                log.warning("night.failed", name=name, error=repr(fault))


def _hour_before(moment: datetime, hour: timedelta) -> datetime:
    """The last time before `moment` at which it was so late in the day."""
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0) + hour
    return today if today <= moment else today - timedelta(days=1)


class Worker:
    """`threads` rows at a time; `watch` is called each minute."""

    def __init__(self, threads: int, watch: Callable[[], None], waker: Waker) -> None:
        self._watch, self._waker = watch, waker
        self._rows: deque[Row] = deque()
        self._change = threading.Condition()
        self._free, self._on_quick, self._stopping = 0, 0, False
        self._hands = [threading.Thread(target=self._do_rows, name=f"hand-{n}") for n in range(threads)]
        self._round: threading.Thread | None = None
        self._out: int
        self._in: int | None
        self._out, self._in = os.pipe()
        self._pipe = threading.RLock()  # `stop` is called by a signal too, in the thread that may hold it
        # A signal writes there too: were the pipe full, the very thread that empties it would wait for ever.
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        began = time.monotonic()
        self._round_at = self._look_at = self._interrupted_at = self._beat_at = self._long_at = began
        self._may_be_due, self._worked, self._after_quick = True, False, False

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        stops = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, lambda *_: self.stop()) for number in stops]
        try:
            self.work()
        finally:
            for number, handler in zip(stops, before, strict=True):
                signal.signal(number, handler)

    def work(self) -> None:
        """Work until somebody calls `stop`; what is under way is finished, what was taken and not begun is given back."""
        for hand in self._hands:
            hand.start()
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._finish()

    def stop(self) -> None:
        """Begin nothing any more."""
        self._stopping = True
        self._nudge()

    def _nudge(self) -> None:
        """Have the thread that waits look at once; a pipe that is full says it already, and a closed one has nobody waiting."""
        with self._pipe, suppress(BlockingIOError):
            if self._in is not None:
                os.write(self._in, b".")

    def _turn(self) -> None:
        """Look once at what is to be done, and wait."""
        try:
            self._keep()
            fed = self._feed()
        except Exception as fault:  # noqa: BLE001 - the database may be away: it is asked again
            self._renew_first()
            woken = self._wait_out(fault)
        else:
            woken = not fed and self._wait()
        self._may_be_due = self._may_be_due or woken or time.monotonic() >= self._look_at
        with suppress(BlockingIOError):
            os.read(self._out, 4096)

    def _wait(self) -> bool:
        """Wait for something to be due; whether a row may be."""
        try:
            return self._waker.wait(self._pause(), self._out)
        except Exception as fault:  # noqa: BLE001 - the worker looks by itself, whatever ails what wakes it
            return self._wait_out(fault)

    def _wait_out(self, fault: Exception) -> bool:
        """Let a moment pass after a fault; then anything may be due."""
        log.warning("outbox.silent", error=repr(fault))
        select.select([self._out], [], [], AFTER_A_FAULT)
        return True

    def _keep(self) -> None:
        """The round of each minute and the leases, when it is their time."""
        moment = time.monotonic()
        if moment >= self._round_at:
            self._round_at = moment + MINUTE
            self._pass()
        if moment >= self._beat_at:
            self._beat_at = moment + outbox.beat_every()
            if not outbox.beat():
                self._renew_first()
                self._beat_at = moment + min(AFTER_A_FAULT, outbox.beat_every())

    def _renew_first(self) -> None:
        """After a fault leases may be over whose workers live, here or elsewhere: they renew them before one takes any."""
        moment = time.monotonic()
        self._beat_at, self._interrupted_at = moment, moment + outbox.beat_every()

    def _pause(self) -> float:
        """Seconds until something is to be done; what only waits for a thread to be free is told by that thread."""
        moment = time.monotonic()
        times = [self._round_at, self._beat_at]
        if not self._may_be_due:
            times.append(self._look_at)
        # Once past it waits for a thread that is free, and to wake for it before would be to spin.
        if self._interrupted_at > moment:
            times.append(self._interrupted_at)
        return max(0.0, min(times) - moment)

    def _feed(self) -> bool:
        """Take what somebody is free for, or a few quick rows ahead; whether something was taken."""
        with self._change:
            free = self._free - len(self._rows)
            ahead = self._on_quick > 0 and len(self._rows) < len(self._hands)
        if free > 0:
            return self._take(free == len(self._hands))
        # Who does what is quick is soon free again. Who does what is long is not: others have what is quick meanwhile
        if not self._may_be_due or not ahead or self._long_waits():
            return False
        return self._give(outbox.take(quick_only=True))

    def _take(self, alone: bool) -> bool:
        """Take for a thread that is free: what a dead worker left, or what is due; `alone`, no other is at work."""
        if time.monotonic() >= self._interrupted_at:
            row = outbox.take_interrupted()
            if row is not None:
                return self._give([row])
            self._interrupted_at = time.monotonic() + min(REST, outbox.lease())
        if not self._may_be_due:
            return False
        # Taken before the look: a row whose hour comes meanwhile is seen by one of the two.
        moment = now()
        if self._give(outbox.take(long_first=self._after_quick and self._long_waits())):
            return True
        self._may_be_due = False
        pause = outbox.next_due(moment)
        self._look_at = time.monotonic() + min(REST, REST if pause is None else pause)
        # Alone: another thread may still use what would be closed.
        if self._worked and alone:
            self._worked = False
            outbox.rest()
        return False

    def _long_waits(self) -> bool:
        """Whether quick rows are to leave a thread free: a row that may take long waits for one."""
        if time.monotonic() < self._long_at:
            return False
        if outbox.long_waits():
            return True
        self._long_at = time.monotonic() + LONG_AT
        return False

    def _give(self, rows: list[Row]) -> bool:
        """Hand rows to the threads; whether there are any. The turn after quick ones is that of a row that may take long."""
        if not rows:
            return False
        with self._change:
            self._worked, self._after_quick = True, outbox.is_quick(rows[0].kind)
            self._rows.extend(rows)
            self._change.notify(len(rows))
        return True

    def _do_rows(self) -> None:
        """What each of the threads that do does."""
        quick = False
        while True:
            with self._change:
                self._free += 1
                self._on_quick -= quick
                # Before the last ones are begun: the thread that waits takes more meanwhile.
                if len(self._rows) < len(self._hands):
                    self._nudge()
                while not self._rows and not self._stopping:
                    self._change.wait()
                self._free -= 1
                if self._stopping:
                    return
                row = self._rows.popleft()
                quick = outbox.is_quick(row.kind)
                self._on_quick += quick
            try:
                outbox.do(row)
            except BaseException as fault:  # noqa: BLE001 - whatever a handler raises, its thread does the next row; its lease runs out
                log.warning("outbox.unsettled", row=row.id, kind=row.kind, error=repr(fault))

    def _pass(self) -> None:
        """Begin the round of this minute; while the last one is still under way, say only that the worker lives."""
        if self._round is None or not self._round.is_alive():
            # A daemon: a round bears to be cut, and must not keep the process from ending.
            self._round = threading.Thread(target=self._look_round, name="round", daemon=True)
            self._round.start()
            return
        try:
            heartbeat.beat(heartbeat.WORKER, now())
        except Exception as fault:  # noqa: BLE001 - the database may be away
            log.warning("round.failed", round="worker", error=repr(fault))

    def _look_round(self) -> None:
        for name, look in (("watch", self._watch), ("night", night)):
            try:
                look()
            except Exception as fault:  # noqa: BLE001 - the next minute has its own round
                log.warning("round.failed", round=name, error=repr(fault))

    def _finish(self) -> None:
        self.stop()
        with self._change:
            left = list(self._rows)
            self._rows.clear()
            self._change.notify_all()
        if left:
            try:
                outbox.give_back(left)
            except Exception as fault:  # noqa: BLE001 - the database may be away: their leases run out
                log.warning("outbox.silent", error=repr(fault))
        # What is under way keeps its lease to the end: another worker would else do it again.
        for hand in self._hands:
            while hand.is_alive():
                hand.join(outbox.beat_every())
                outbox.beat()
        outbox.rest()
        if self._round is not None:
            self._round.join(LAST_ROUND)
        self._waker.close()
        with self._pipe:
            # Its number may be another file's a moment later: nobody may write there any more
            entry, self._in = self._in, None
            for end in (self._out, entry):
                if end is not None:
                    os.close(end)
