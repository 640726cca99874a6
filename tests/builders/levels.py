"""A house whose family.yaml asks for something else of its signatures."""

import dataclasses

import pytest

from workflows.family import families


def declare(monkeypatch: pytest.MonkeyPatch, family: str, **keys: str) -> None:
    """Let a family declare these keys, as its file would."""
    found = families()
    found[family] = dataclasses.replace(found[family], **keys)
    monkeypatch.setattr("workflows.family._discovered", lambda: found)


def ask_level(monkeypatch: pytest.MonkeyPatch, family: str, level: str) -> None:
    """Let a family declare this `signature_level`."""
    declare(monkeypatch, family, signature_level=level)
