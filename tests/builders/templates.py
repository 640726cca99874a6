"""What a template reads of a value that has no such attribute: an error in a test, where a page would show nothing."""

from collections.abc import Iterator
from typing import Any

from jinja2 import Undefined

OURS = frozenset({"app", "workflows", "config"})


class NoAttribute(Undefined):
    """An attribute that a value of ours has not, as when it was renamed: Jinja takes it for empty, and the page tells an untruth.

    A name that nobody gave the template stays empty, as for a part that several pages share, and a key that a mapping has
    not; « is defined » and « default » ask of any.
    """

    def _refuse(self) -> None:
        if type(self._undefined_obj).__module__.partition(".")[0] in OURS:
            self._fail_with_undefined_error()

    def __str__(self) -> str:
        self._refuse()
        return super().__str__()

    def __bool__(self) -> bool:
        self._refuse()
        return super().__bool__()

    def __iter__(self) -> Iterator[Any]:
        self._refuse()
        return super().__iter__()

    def __len__(self) -> int:
        self._refuse()
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self._refuse()
        return super().__eq__(other)

    def __hash__(self) -> int:
        self._refuse()
        return super().__hash__()

    def __contains__(self, item: object) -> bool:
        self._refuse()
        return False
