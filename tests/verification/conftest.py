"""Signed files of every kind, by the authority that the whole installation knows."""

from pathlib import Path

import pytest

from app.trust.certificates import Trust
from demo.pki import TestPki
from tests.builders.signing import deliberation, key, trust, tsa  # noqa: F401 (fixtures)
from tests.verification.corpus import Corpus


@pytest.fixture
def made(pki: TestPki, trust: Trust, tmp_path: Path) -> Corpus:  # noqa: F811
    return Corpus(pki, trust, tmp_path)
