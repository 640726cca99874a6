"""What somebody may do at a desk: each right for every type of folders, or for some of them alone.

A right is kept and exchanged as a word: « sign » for every type, « sign:invoice » for the folders of a family,
« sign:invoice.energie » for those of one type that a collectivity made from it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Self

from workflows.vocabulary import Right

__all__ = ["NONE", "ONLY", "OWN_TYPE", "Rights", "allows", "parted_type", "type_name"]

ONLY = ":"
"""Between a right and the name of the one type that it is for."""
OWN_TYPE = "."
"""Between a family and the key of a type that a collectivity made from it, in the name of that type."""
_TYPE = re.compile(r"[a-z0-9_]{1,40}(\.[a-z0-9-]{1,60})?", re.ASCII)


def type_name(family: str, own_type: str = "") -> str:
    """How a right names a type.

    >>> type_name("invoice"), type_name("invoice", "energie")
    ('invoice', 'invoice.energie')
    """
    return f"{family}{OWN_TYPE}{own_type}" if own_type else family


def parted_type(name: str) -> tuple[str, str]:
    """The family and the key of the own type that a name says; the key is empty for the family whole."""
    family, _, own_type = name.partition(OWN_TYPE)
    return family, own_type


def allows(grants: Collection[str], right: Right, family: str, own_type: str = "") -> bool:
    """Whether rights, as they are kept, give this one on the folders of a family, or of a type made from it.

    Who has it for a family has it for the types made from it; the other way round never.

    >>> allows(["sign:invoice"], Right.SIGN, "invoice", "energie"), allows(["sign:invoice.energie"], Right.SIGN, "invoice")
    (True, False)
    """
    return (
        right in grants
        or f"{right}{ONLY}{family}" in grants
        or (bool(own_type) and f"{right}{ONLY}{family}{OWN_TYPE}{own_type}" in grants)
    )


@dataclass(frozen=True, slots=True)
class Rights(Collection[Right]):
    """Rights held together; `grants` as they are kept, in the order of `Right`, each right once for every type or by types.

    In it, and in its iteration, is each right that is held at all, for every type or for some.
    """

    grants: tuple[str, ...] = ()

    @classmethod
    def of(cls, *rights: Right) -> Self:
        """These rights for every type."""
        return cls.read(right.value for right in rights)

    @classmethod
    def read(cls, grants: Iterable[str]) -> Self:
        """The rights that these grants say. Raises ValueError for one that is no right, or a type that is not written so."""
        types: dict[Right, set[str]] = {}
        for grant in grants:
            name, only, of_type = grant.partition(ONLY)
            if only and not _TYPE.fullmatch(of_type):
                raise ValueError(f"{grant!r} names no type")
            types.setdefault(Right(name), set()).add(of_type)
        return cls(
            tuple(chain.from_iterable(_written(right, types[right]) for right in Right if right in types))
        )

    def __contains__(self, right: object) -> bool:
        return isinstance(right, str) and any(grant.partition(ONLY)[0] == right for grant in self.grants)

    def __iter__(self) -> Iterator[Right]:
        return (right for right in Right if right in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __or__(self, other: "Rights") -> "Rights":
        return Rights.read((*self.grants, *other.grants))

    def types(self, right: Right) -> tuple[str, ...] | None:
        """The types for which a right is held: None for every one, none at all where it is not held."""
        if right.value in self.grants:
            return None
        begins = f"{right.value}{ONLY}"
        return tuple(grant.removeprefix(begins) for grant in self.grants if grant.startswith(begins))

    def covers(self, right: Right, family: str, own_type: str = "") -> bool:
        """Whether the right is held on the folders of this family, or of this type made from it."""
        return allows(self.grants, right, family, own_type)

    def touches(self, right: Right, family: str) -> bool:
        """Whether the right is held on some folders of this family at least: all, or those of a type made from it."""
        types = self.types(right)
        return types is None or any(parted_type(of_type)[0] == family for of_type in types)

    def in_words(self, called: Mapping[str, str]) -> str:
        """« déposer des dossiers, signer (Factures) »; `called`: the types by their names, those not there by these."""
        return ", ".join(_word(right, self.types(right), called) for right in self)

    def without(self, other: "Rights") -> "Rights":
        """What is held here and not there: of a right that is there for some types only, all that is held here."""
        return Rights(tuple(grant for grant in self.grants if not _inside(grant, other)))


NONE = Rights()


def _word(right: Right, types: tuple[str, ...] | None, called: Mapping[str, str]) -> str:
    label = f"{right.label[:1].lower()}{right.label[1:]}"
    return (
        label
        if types is None
        else f"{label} ({', '.join(called.get(of_type, of_type) for of_type in types)})"
    )


def _written(right: Right, types: set[str]) -> Iterator[str]:
    """The grants of a right: one where it is for every type; a type is not named beside the family it is made from."""
    if "" in types:
        yield right.value
        return
    for of_type in sorted(types):
        family, own_type = parted_type(of_type)
        if not own_type or family not in types:
            yield f"{right.value}{ONLY}{of_type}"


def _inside(grant: str, rights: Rights) -> bool:
    name, only, of_type = grant.partition(ONLY)
    return rights.covers(Right(name), *parted_type(of_type)) if only else name in rights.grants
