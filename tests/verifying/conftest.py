"""Signed files of every kind, by the authority that the whole installation knows."""

from pathlib import Path

import pytest

from app.trust.trust import Trust
from demo.pki import TestPki
from tests.signing.corpus import Corpus


@pytest.fixture
def made(pki: TestPki, tmp_path: Path) -> Corpus:
    root = pki.root_pem.read_bytes()
    trust = Trust((root,), (root,), fetch=True, allowed_hosts=(pki.host,), timeout=20)
    return Corpus(pki, trust, tmp_path)
