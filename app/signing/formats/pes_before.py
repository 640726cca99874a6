"""What must be true of a PES v2 flow before anybody signs it, and what in it will be signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.core.refusals import Refusal
from app.verification.readers.pes import canonical
from app.verification.readers.pes.layout import PLAIN, Layout, Target, layout
from app.verification.readers.pes.offsets import element, tag_end
from app.verification.readers.pes.profile import DOMAINS, NO, ROOT, YES, Mode

ENCODING, DECLARED_WITHIN = "ISO-8859-1", 50  # the transmission platforms look no further for the encoding


@dataclass(frozen=True)
class Planned:
    """An element to sign: its Id, the SHA-256 of its canonical form, and the byte where its signature goes."""

    id: str
    digest: bytes
    at: int


def foreseen(path: Path) -> tuple[Mode | None, Sequence[str]]:
    """How the flow at `path` would be signed, and the Ids of what would be; refuses what `plan` refuses.

    For whoever takes a flow in: what could not be signed is better known on that day. A flow without bordereau, or whose
    bordereaux are all signed on paper (InfoDematerialisee = 0), is sound, and nothing of it is signed: None.
    """
    with path.open("rb") as stream:
        found = _sound(path, stream)
        if not found.bordereaux or _on_paper(found):
            return None, ()
        targets = _targets(found, stream)
    return "global" if targets[0].name == ROOT else "bordereau", [one.id or "" for one in targets]


def plan(path: Path, stream: IO[bytes]) -> Sequence[Planned]:
    """What will be signed in the flow at `path`, open as `stream`, in the order of the file.

    Refuses, in this order, what cannot be read (`layout`), another encoding (`pes-encoding`), a flow that is
    signed already (`pes-already-signed`), has elements out of place (`pes-misplaced`) or no bordereau
    (`pes-nothing-to-sign`), InfoDematerialisee not 1 (`pes-not-dematerialised`), no Ids (`pes-id-missing`), Ids that
    designate nothing certain (`pes-id-twice`, `pes-id-invalid`), or an empty element (`pes-misplaced`).
    """
    found = _sound(path, stream)
    if not found.bordereaux:
        raise Refusal("pes-nothing-to-sign")
    targets = _targets(found, stream)
    encoding = found.encoding or ENCODING
    return [
        Planned(one.id or "", canonical.digest(element(stream, one), one.context, encoding), one.close)
        for one in targets
    ]


def _sound(path: Path, stream: IO[bytes]) -> Layout:
    """What the flow is made of, if the Treasury would read it; refuses what has nothing to do with bordereaux."""
    found = layout(path, skim=True)
    stream.seek(0)
    head = stream.read(DECLARED_WITHIN).upper()
    if (found.encoding or "").upper() != ENCODING or ENCODING.encode() not in head:
        raise Refusal("pes-encoding", encoding=found.encoding or "non déclaré")
    if found.signed:
        raise Refusal("pes-already-signed")
    if found.strays:
        raise Refusal("pes-misplaced", what=f"un élément {found.strays[0]} hors de sa place")
    return found


def _on_paper(found: Layout) -> bool:
    """Whether every domain that has bordereaux declares them signed on paper; one that says nothing decides nothing."""
    return all(values and NO.issuperset(values) for values in found.declared.values())


def _targets(found: Layout, stream: IO[bytes]) -> Sequence[Target]:
    """What would be signed of a sound flow that has bordereaux."""
    for domain, values in found.declared.items():
        if not values or not YES.issuperset(values):
            value = ", ".join(values) or "absent"
            raise Refusal("pes-not-dematerialised", where=DOMAINS[domain], value=value)
    targets = _chosen(found)
    _demand_certain_ids(found, [one.id or "" for one in targets])
    for one in targets:
        if tag_end(stream, one.close) < 0:
            raise Refusal("pes-misplaced", what=f"un élément {one.name} vide")
    return targets


def _chosen(found: Layout) -> Sequence[Target]:
    """Every Bordereau when each has an Id, else the root when it has one; refuses `pes-id-missing`."""
    if found.bordereaux and all(one.id for one in found.bordereaux):
        return found.bordereaux
    if found.root.id:
        return [found.root]
    raise Refusal("pes-id-missing")


def _demand_certain_ids(found: Layout, ids: Sequence[str]) -> None:
    if found.twice:
        raise Refusal("pes-id-twice", id=min(found.twice)[:80])
    for one in ids:
        if not PLAIN.fullmatch(one):
            raise Refusal("pes-id-invalid", id=one[:80])
    brought = {f"{one}{end}" for one in ids for end in ("_SIG", "_SIG_SP")} & found.ids
    if brought or len({f"{one}{end}" for one in ids for end in ("", "_SIG", "_SIG_SP")}) != 3 * len(ids):
        raise Refusal("pes-id-twice", id=min(brought, default="_SIG")[:80])
