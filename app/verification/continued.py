"""A file that goes on after a signature: which version was signed, that version apart, and its pages beside the file's."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from app.core.refusals import Refusal
from app.pdf.pictures import Pictures
from app.verification.examine import STRANGER, Limits, compare
from app.verification.verdict import Verdict

LARGEST_IN_PAGE = 1_400_000
"""Bytes of a signed version that the page itself carries: browsers follow addresses of 2 MB at most."""


@dataclass(frozen=True)
class Shown:
    """One page before and after, as addresses of pictures (`data:`), empty where there is no such page."""

    number: int
    before: str
    after: str
    frames: int
    over: str


@dataclass(frozen=True)
class Continued:
    """What the page tells of a file that goes on after the signature of `rank` (from 1).

    `pages`: those that are drawn otherwise, the first two. `looked_at` of `total` pages were drawn. `by`: who signed what
    came after, when somebody did and it holds.
    """

    rank: int
    verdict: Verdict
    by: tuple[str, ...]
    pages: tuple[Shown, ...]
    looked_at: int
    total: int

    @property
    def signed_at(self) -> datetime | None:
        """The hour of the signature, as far as it is known."""
        return self.verdict.timestamped_at or self.verdict.claimed_at

    @property
    def added(self) -> int:
        """Bytes that came after the signature."""
        return self.verdict.file_bytes - self.verdict.signed_bytes


def last_continued(verdicts: Sequence[Verdict]) -> int:
    """The rank (from 1) of the last signature that something came after and that is not valid for it; 0 without one.

    What came after a valid one is said to change nothing that is shown.
    """
    ranks = [
        rank for rank, verdict in enumerate(verdicts, 1) if verdict.continued and verdict.verdict != "valide"
    ]
    return max(ranks, key=lambda rank: verdicts[rank - 1].signed_bytes, default=0)


def continued(path: Path, verdicts: Sequence[Verdict], limits: Limits = STRANGER) -> Continued | None:
    """What is told of the file after its last signature, its pages drawn in the confined child; None when nothing is."""
    rank = last_continued(verdicts)
    if not rank:
        return None
    verdict = verdicts[rank - 1]
    later = [other for other in verdicts if other.signed_bytes > verdict.signed_bytes or other.covers_whole]
    differences: Pictures = compare(path, verdict.signed_bytes, limits)
    shown = tuple(
        Shown(pair.number, _data(pair.before), _data(pair.after), pair.frames, _data(pair.over))
        for pair in differences.pairs
    )
    names = tuple(dict.fromkeys(other.name for other in later if other.verdict != "invalide"))
    return Continued(rank, verdict, names, shown, differences.looked_at, differences.pages)


def signed_version(path: Path, verdict: Verdict) -> bytes:
    """The bytes of the version that was signed, as they stand in the file; refuses `signed-version-unknown`."""
    if not verdict.continued or path.stat().st_size != verdict.file_bytes:
        raise Refusal("signed-version-unknown")
    with path.open("rb") as stream:
        return stream.read(verdict.signed_bytes)


def in_page(path: Path, verdict: Verdict) -> str:
    """The signed version as an address that the page carries; empty when it is too large for one."""
    if verdict.signed_bytes > LARGEST_IN_PAGE:
        return ""
    return "data:application/pdf;base64," + base64.b64encode(signed_version(path, verdict)).decode()


def named(filename: str) -> str:
    """What the signed version of a file is called when it is kept."""
    return f"{PurePath(filename).stem or 'document'}-version-signee.pdf"


def _data(picture: bytes) -> str:
    if not picture:
        return ""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
