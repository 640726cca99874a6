"""The list of forgeries and of honest files: each is known by its family and its variant, and made when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.refusals import Refusal
from app.verification import kinds


@dataclass(frozen=True)
class Entry:
    """One file to make.

    `make`: from a workshop to its bytes, or to a pair when a second file holds what is signed. `victim`: the only
    signature that the forgery attacks (how a verdict names it; all of them when empty): another signer's own, true,
    signature of the same file may stay valid. `silent`: judged while no authority answers. `otherwise`: what an honest
    file may be answered instead of a verdict (« refusé », « sans signature »). `note`: why it is a forgery, or honest.
    """

    family: str
    variant: str
    make: Callable[[Any], bytes | tuple[bytes, bytes]]
    victim: str = ""
    silent: bool = False
    otherwise: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.family}: {self.variant}"


FORGERIES: dict[str, Entry] = {}
HONEST: dict[str, Entry] = {}


def _adder(known: dict[str, Entry], family: str, variant: str, more: dict[str, Any]):
    def add(make):
        entry = Entry(family, variant, make, **more)
        assert entry.name not in known, entry.name
        known[entry.name] = entry
        return make

    return add


def forgery(family: str, variant: str, **more: Any):
    """Enter what a function makes as a forgery; a function may be entered more than once."""
    return _adder(FORGERIES, family, variant, more)


def honest(family: str, variant: str, **more: Any):
    """Enter what a function makes as an honest file."""
    return _adder(HONEST, family, variant, more)


def everything() -> None:
    """Read every room of forgeries and of honest files."""
    from tests.attacks import (  # noqa: F401
        cms_forgeries,
        honest_files,
        pdf_fields,
        pdf_incremental,
        pdf_readings,
        pdf_shadow,
        pdf_structure,
        pdf_wrapping,
        pes_forgeries,
        standing,
        times,
        xades_forgeries,
    )


@dataclass(frozen=True)
class Answer:
    """What was answered on one file: its refusal, or the verdict on each signature."""

    refused: str = ""
    verdicts: tuple[Any, ...] = ()

    def words(self) -> str:
        """The verdicts in short."""
        if self.refused:
            return f"refusé ({self.refused})"
        if not self.verdicts:
            return "sans signature"
        return ", ".join(
            one.verdict if one.verdict == "valide" else f"{one.verdict} ({one.sub_indication})"
            for one in self.verdicts
        )

    def believed(self, victim: str) -> list[str]:
        """The signatures that were found valid among those attacked."""
        return [one.where for one in self.verdicts if one.verdict == "valide" and victim in one.where]


def judge(shop, entry: Entry) -> Answer:
    """The answer of the very reading that the verifier's child does, asked once for each file."""
    return shop.once(f"answer {entry.name}", lambda: _judge(shop, entry))


def _judge(shop, entry: Entry) -> Answer:
    path, content = shop.written(entry)
    trust = shop.silent if entry.silent else shop.trust
    try:
        found = kinds.of(path).judge(path, content, trust, shop.moment())
    except Refusal as refusal:
        return Answer(refused=refusal.key)
    return Answer(verdicts=tuple(found))
