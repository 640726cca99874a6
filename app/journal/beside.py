"""What the journal is compared with, beside itself: the rooms above it say what their rows must agree with.

A chain that holds proves what was written, not that the rows shown to people still say it.
"""

from collections.abc import Callable, Iterator

from app.core.db import Db

Comparison = Callable[[Db, int], Iterator[str]]
_comparisons: dict[str, Comparison] = {}


def compares(name: str, comparison: Comparison) -> None:
    """Let `comparison` say, in French, each thing of a collectivity that is not as its journal tells it."""
    _comparisons[name] = comparison


def differences(db: Db, collectivity_id: int) -> Iterator[str]:
    """Each thing that is not as the journal tells it; of one moment, with a session that has read nothing yet."""
    for comparison in _comparisons.values():
        yield from comparison(db, collectivity_id)
