"""Processes of the product as tests start them: with the settings of a house, from the command that people type."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from config import Settings

ROOT = Path(__file__).resolve().parents[2]


def environment(settings: Settings, **more: object) -> dict[str, str]:
    """The environment that gives a process these settings."""
    known = {**{name: getattr(settings, name) for name in type(settings).model_fields}, **more}
    return {
        "PATH": os.environ["PATH"],
        "TMPDIR": tempfile.gettempdir(),
        **{f"PARAPHE_{name.upper()}": said(value) for name, value in known.items() if value is not None},
    }


def said(value: Any) -> str:
    """A value as an environment variable says it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, list | tuple | bool) else str(value)


def command(*arguments: str) -> list[str]:
    """`flask --app wsgi …`, with the Python of the tests."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


def ask(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments), cwd=ROOT, env=dict(env), capture_output=True, text=True, timeout=60
    )


def start(env: Mapping[str, str], log: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a command that stays; what it says goes to `log`."""
    with log.open("wb") as out:
        return subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            env=dict(env),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def until(true: Callable[[], Any], seconds: float, what: str) -> float:
    """Look until it is true; returns how long that took, in seconds."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)
    return time.monotonic() - begun
