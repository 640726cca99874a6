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
        flow = _sound(path, stream)
        if not flow.bordereaux or _on_paper(flow):
            return None, ()
        targets = _targets(flow, stream)
    return "global" if targets[0].name == ROOT else "bordereau", [target.id or "" for target in targets]


def plan(path: Path, stream: IO[bytes]) -> Sequence[Planned]:
    """What will be signed in the flow at `path`, open as `stream`, in the order of the file.

    Refuses, in this order, what cannot be read (`layout`), another encoding (`pes-encoding`), a flow that is
    signed already (`pes-already-signed`), has elements out of place (`pes-misplaced`) or no bordereau
    (`pes-nothing-to-sign`), InfoDematerialisee not 1 (`pes-not-dematerialised`), no Ids (`pes-id-missing`), Ids that
    designate nothing certain (`pes-id-twice`, `pes-id-invalid`), or an empty element (`pes-misplaced`).
    """
    flow = _sound(path, stream)
    if not flow.bordereaux:
        raise Refusal("pes-nothing-to-sign")
    targets = _targets(flow, stream)
    encoding = flow.encoding or ENCODING
    return [
        Planned(
            target.id or "", canonical.digest(element(stream, target), target.context, encoding), target.close
        )
        for target in targets
    ]


def _sound(path: Path, stream: IO[bytes]) -> Layout:
    """What the flow is made of, if the Treasury would read it; refuses what has nothing to do with bordereaux."""
    flow = layout(path, skim=True)
    stream.seek(0)
    head = stream.read(DECLARED_WITHIN).upper()
    if (flow.encoding or "").upper() != ENCODING or ENCODING.encode() not in head:
        raise Refusal("pes-encoding", encoding=flow.encoding or "non déclaré")
    if flow.signed:
        raise Refusal("pes-already-signed")
    if flow.strays:
        raise Refusal("pes-misplaced", what=f"un élément {flow.strays[0]} hors de sa place")
    return flow


def _on_paper(flow: Layout) -> bool:
    """Whether every domain that has bordereaux declares them signed on paper; one that says nothing decides nothing."""
    return all(values and NO.issuperset(values) for values in flow.declared.values())


def _targets(flow: Layout, stream: IO[bytes]) -> Sequence[Target]:
    """What would be signed of a sound flow that has bordereaux."""
    for domain, values in flow.declared.items():
        if not values or not YES.issuperset(values):
            value = ", ".join(values) or "absent"
            raise Refusal("pes-not-dematerialised", where=DOMAINS[domain], value=value)
    targets = _chosen(flow)
    _demand_certain_ids(flow, [target.id or "" for target in targets])
    for target in targets:
        if tag_end(stream, target.close) < 0:
            raise Refusal("pes-misplaced", what=f"un élément {target.name} vide")
    return targets


def _chosen(flow: Layout) -> Sequence[Target]:
    """Every Bordereau when each has an Id, else the root when it has one; refuses `pes-id-missing`."""
    if flow.bordereaux and all(bordereau.id for bordereau in flow.bordereaux):
        return flow.bordereaux
    if flow.root.id:
        return [flow.root]
    raise Refusal("pes-id-missing")


def _demand_certain_ids(flow: Layout, ids: Sequence[str]) -> None:
    if flow.twice:
        raise Refusal("pes-id-twice", id=min(flow.twice)[:80])
    for identifier in ids:
        if not PLAIN.fullmatch(identifier):
            raise Refusal("pes-id-invalid", id=identifier[:80])
    # The Ids of our signatures must be free in the flow, and no two of them alike.
    brought = {f"{identifier}{end}" for identifier in ids for end in ("_SIG", "_SIG_SP")} & flow.ids
    if brought or len(
        {f"{identifier}{end}" for identifier in ids for end in ("", "_SIG", "_SIG_SP")}
    ) != 3 * len(ids):
        raise Refusal("pes-id-twice", id=min(brought, default="_SIG")[:80])
