"""Whom the tests of signing believe, their keys, and a document to sign."""

from tests.builders.signing import deliberation, key, trust, tsa  # noqa: F401 (fixtures)
