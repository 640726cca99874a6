"""What is done once for a whole run: the tests ask for the same pages and deposit the same few samples thousands of times."""

import contextvars
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asn1crypto.x509 import NameTypeAndValue
from cryptography.hazmat.primitives.serialization import load_der_private_key
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from pyhanko.sign.signers import pdf_cms
from werkzeug.routing import Rule

from app.core import assets
from app.files import confined, pdf

_sample = contextvars.ContextVar("a sample is deposited", default=False)
_child, _ask, _compile, _listed = pdf._child, confined.Confined.ask, Rule.compile, assets._listed
_rules: dict[tuple[object, ...], Rule] = {}
_told: dict[tuple[object, ...], dict[str, Any]] = {}
_pages: dict[tuple[str, str, str], Any] = {}
_load, _prepare = FileSystemBytecodeCache.load_bytecode, NameTypeAndValue._ldap_string_prep


def share_made(data: Path, room: Path) -> None:
    """Let an installation find its pages compiled, and the browser's files compressed, by those before it.

    What it makes serves those after it: each is named by what it holds.
    """
    data.mkdir(parents=True, exist_ok=True)
    for name in ("templates", "assets"):
        (room / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (data / name).exists():
            (data / name).symlink_to(room / name)


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
        if told.get("repaired") or told.get("copy"):  # files of a room that goes with its test
            return told
        _told[known] = told
    return copy.deepcopy(_told[known])


def _signed_once(
    self: confined.Confined, question: dict[str, Any], limits: confined.Limits
) -> confined.Answer:
    """A sample that was signed for nothing once is not signed again; what stands against one is never remembered.

    Nor is its text asked again, whose reader would be a new process where all the rest is known.
    """
    if _sample.get() and question.get("at_once"):
        return _read_at_once(self, question, limits)
    if "room" not in question or not _sample.get():
        return _ask(self, question, limits)
    known = ("dry-run", sha256(Path(question["path"]).read_bytes()).digest())
    if known not in _told:
        answer = _ask(self, question, limits)
        if answer.content["why"]:
            return answer
        _told[known] = answer.content
    return confined.Answer(copy.deepcopy(_told[known]), 0.0, 0.0)


def _read_at_once(
    self: confined.Confined, question: dict[str, Any], limits: confined.Limits
) -> confined.Answer:
    data = Path(question["words"]).read_bytes()
    known = ("words", sha256(data).digest(), question["media_type"], question["placed"], limits)
    if known not in _told:
        _told[known] = _ask(self, question, limits).content
    return confined.Answer(copy.deepcopy(_told[known]), 0.0, 0.0)


def _compiled_once(self: Rule) -> None:
    """How an address is read and written, from its rule alone: werkzeug parsed four hundred anew for each application."""
    assert self.map is not None
    known = (
        type(self), self.rule, self.subdomain, self.host, self.merge_slashes, repr(self.defaults), self.map.converters["int"],
    )  # fmt: skip
    if known not in _rules:
        _compile(self)
        _rules[known] = self
        return
    like = _rules[known]
    self._parts, self._trace, self._converters = like._parts, like._trace, like._converters
    self.arguments |= like.arguments
    self._build = like._build.__func__.__get__(self, None)  # type: ignore[attr-defined]
    self._build_unknown = like._build_unknown.__func__.__get__(self, None)  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _ours() -> list[tuple[str, str]]:
    return _listed(assets.HOME)


def _listed_once(home: Path) -> list[tuple[str, str]]:
    """The browser's files and their digests: each application read all of them anew, a third of its making."""
    return _ours() if home == assets.HOME else _listed(home)


def _loaded_once(self: FileSystemBytecodeCache, bucket: Bucket) -> None:
    """A page as it was compiled, from its words: each application read all that it shows anew from the disk."""
    known = (Path(self.directory).name, bucket.key, bucket.checksum)
    if known in _pages:
        bucket.code = _pages[known]
        return
    _load(self, bucket)
    if bucket.code is not None:
        _pages[known] = bucket.code


@lru_cache(maxsize=4096)
def _prepared(text: str) -> str:
    return str(_prepare(NameTypeAndValue(), text))


def _prepared_once(_self: NameTypeAndValue, text: str) -> str:
    """A part of a name as names are compared (RFC 4518): a letter at a time, for each two certificates of each signature."""
    return _prepared(text)


@lru_cache(maxsize=64)
def _read_once(der: bytes, password: bytes | None) -> Any:
    """A key of the test authority: pyHanko proved its primes again (32 ms for RSA-2048, 100 for 3072) for each signature."""
    return load_der_private_key(der, password)


@pytest.fixture(scope="session", autouse=True)
def _remember_samples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pdf, "_child", _remembered)
        patched.setattr(confined.Confined, "ask", _signed_once)
        patched.setattr(assets, "_listed", _listed_once)
        patched.setattr(Rule, "compile", _compiled_once)
        patched.setattr(FileSystemBytecodeCache, "load_bytecode", _loaded_once)
        patched.setattr(NameTypeAndValue, "_ldap_string_prep", _prepared_once)
        patched.setattr(pdf_cms, "serialization", SimpleNamespace(load_der_private_key=_read_once))
        yield
