"""Whom the tests of trust believe, and their keys."""

from tests.builders.signing import deliberation, key, trust, tsa  # noqa: F401 (fixtures)
