"""A house whose family.yaml asks for another signature level."""

import dataclasses

import pytest

from workflows.family import families


def ask_level(monkeypatch: pytest.MonkeyPatch, family: str, level: str) -> None:
    """Let a family declare this `signature_level`, as its file would."""
    found = families()
    found[family] = dataclasses.replace(found[family], signature_level=level)
    monkeypatch.setattr("workflows.family._discovered", lambda: found)
