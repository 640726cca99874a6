"""The moments at which a process can die with a difference: around each statement, commit, file, letter and parcel.

Nothing of this is in the product: the wrappers are put around it in the process that is to die.
"""

import importlib
import os
import signal
from collections.abc import Callable
from typing import Any

from workflows.family import families

# Everything that leaves a trace outside the process's memory.
TRACES = (
    "app.files.store:Store._put",
    "app.files.store:_fsync",
    "demo.prefecture.simulator:create_only",
    "app.channels.handover.channel:create_only",
    "demo.treasury.simulator:create_only",
    "app.channels.actes.channel:ActesChannel.send",
    "app.channels.handover.channel:HandoverChannel.send",
    "app.channels.helios.channel:HeliosChannel.send",
    "app.transmission.s2low.client:Client._ask",
    "app.signing.formats.pades:prepare",
    "app.signing.formats.pades:complete",
    "app.signing.formats.pades:check",
    "app.trust.network:Outside.post",
    "smtplib:SMTP.rcpt",
    "smtplib:SMTP.data",
)
MODULES = (
    "app.signing.sign",
    "app.signing.keys.pkcs12",
    "app.signing.keys.browser",
    "app.channels.actes.channel",
    "app.channels.handover.channel",
    "app.channels.helios.channel",
    "app.invoices.reading",
    "app.invoices.rendition",
    "app.files.intake",
    "app.files.xml",
    "demo.pki",
    "facturx",
    "fpdf",
    "fontTools.subset",
    "pypdfium2",
    "pyhanko.sign.signers.pdf_signer",
    "pyhanko.stamp",
    "pyhanko.sign.validation",
    "obstore",
    "smtplib",
)


class Passed:
    """How many boundaries this process has passed, and the one at which it dies."""

    def __init__(self, last: int) -> None:
        self.count, self.last = 0, last

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            die()


def die() -> None:
    """As by a power cut: no handler, no `finally`, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def load() -> None:
    """Import before the forks what the victims would each import."""
    for name in MODULES:
        importlib.import_module(name)
    families()


def watch(kill: dict[str, Any]) -> Passed:
    """Count the boundaries, and die at the n-th (`boundary`), or at the n-th call of a named function (`point`)."""
    passed = Passed(int(kill.get("boundary", 0)))
    if "point" in kill:
        _wrap(kill["point"], _nth(int(kill.get("nth", 1)), after=bool(kill.get("after"))))
        return passed

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            passed.step()
            result = real(*arguments, **keywords)
            passed.step()
            return result

        return call

    for target in TRACES:
        _wrap(target, around)
    from app.core.db import engine

    for name in ("do_execute", "do_executemany", "do_commit"):
        setattr(engine().dialect, name, around(getattr(engine().dialect, name)))
    return passed


def _nth(number: int, *, after: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    seen = {"calls": 0}

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            seen["calls"] += 1
            own = seen["calls"] == number
            if own and not after:
                die()
            result = real(*arguments, **keywords)
            if own and after:
                die()
            return result

        return call

    return around


def _wrap(target: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    module, _, path = target.partition(":")
    holder: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    setattr(holder, name, around(getattr(holder, name)))
