"""What is done once for a whole run: the tests ask for the same pages and deposit the same few samples thousands of times."""

import contextvars
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import Rule

from app.files import confined, pdf

_sample = contextvars.ContextVar("a sample is deposited", default=False)
_child, _ask, _compile = pdf._child, confined.Confined.ask, Rule._compile_builder
_builders: dict[tuple[object, ...], Any] = {}
_told: dict[tuple[object, ...], dict[str, Any]] = {}


def share_templates(data: Path, compiled: Path) -> None:
    """Let an installation find its pages compiled by those before it; what it compiles serves those after it."""
    data.mkdir(parents=True, exist_ok=True)
    compiled.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (data / "templates").exists():
        (data / "templates").symlink_to(compiled)


@contextmanager
def samples_known() -> Iterator[None]:
    """Within, a sound PDF that was taken apart once, in a process of its own, is not taken apart again.

    For a folder that a test needs, not for the deposit that it tests. A refusal or a repair is never remembered.
    """
    before = _sample.set(True)
    try:
        yield
    finally:
        _sample.reset(before)


def _remembered(verb: str, path: Path, filename: str, *more: str) -> dict[str, Any]:
    if not _sample.get():
        return _child(verb, path, filename, *more)
    known = (verb, sha256(path.read_bytes()).digest(), more[1:])  # its room changes nothing that it tells
    if known not in _told:
        told = _child(verb, path, filename, *more)
        if told.get("repaired"):
            return told
        _told[known] = told
    return copy.deepcopy(_told[known])


def _signed_once(
    self: confined.Confined, question: dict[str, Any], limits: confined.Limits
) -> confined.Answer:
    """A sample that was signed for nothing once is not signed again; what stands against one is never remembered."""
    if "room" not in question or not _sample.get():
        return _ask(self, question, limits)
    known = ("dry-run", sha256(Path(question["path"]).read_bytes()).digest())
    if known not in _told:
        answer = _ask(self, question, limits)
        if answer.content["why"]:
            return answer
        _told[known] = answer.content
    return confined.Answer(copy.deepcopy(_told[known]), 0.0, 0.0)


def _compiled_once(self: Rule, append_unknown: bool = True) -> Any:
    """The writer of an address, from its rule alone: werkzeug compiled two hundred of them anew for each application."""
    known = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
    if known not in _builders:
        _builders[known] = _compile(self, append_unknown)
    return _builders[known]


@pytest.fixture(scope="session", autouse=True)
def _remember_samples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pdf, "_child", _remembered)
        patched.setattr(confined.Confined, "ask", _signed_once)
        patched.setattr(Rule, "_compile_builder", _compiled_once)
        yield
