"""A process of the product that a test kills: it plays one verb, and dies at a named call, by SIGKILL, as by a power cut."""

import importlib
import json
import os
import signal
import sys


def die_at(target: str, count: int, *, after: bool) -> None:
    """Kill this process at the n-th call of a function, before it or after it."""
    module_name, _, name = target.partition(":")
    module = importlib.import_module(module_name)
    owner, _, attribute = name.rpartition(".")
    holder = getattr(module, owner) if owner else module
    real = getattr(holder, attribute)
    seen = {"calls": 0}

    def deadly(*arguments, **keywords):
        seen["calls"] += 1
        last = seen["calls"] == count
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **keywords)
        if last and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(holder, attribute, deadly)


def main() -> None:
    order = json.loads(sys.argv[1])
    from app import create_app
    from config import Settings

    settings = Settings(_env_file=None, **order["settings"])
    app = create_app(settings)
    from pathlib import Path

    from app.demo.pki import TestPki
    from tests.builders.house import House
    from tests.mailserver import MailServer

    house = House(app, settings, TestPki(Path(order["pki"][0]), order["pki"][1]), MailServer())
    if order["die"]:
        die_at(order["die"][0], order["die"][1], after=order["die"][2])
    if order["verb"] == "drain":
        house.drain()
    elif order["verb"] == "sign":
        house.sign(order["folder"], order["login"])
    elif order["verb"] == "approve":
        house.approve(order["folder"], order["login"])
    elif order["verb"] == "deposit":
        house.an_invoice(at="draft")


if __name__ == "__main__":
    main()
