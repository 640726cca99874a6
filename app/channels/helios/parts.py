"""What an acquit says of each bordereau and attachment of the flow that it answers."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from app.channels.helios.acquit import Acquit, Element, Verdict
from app.channels.helios.flow import Flow, Slip
from app.transmission.ports import Fault, Part
from workflows.flows.keys import same_number, series

_DOMAINS: Final = {"5": "dépenses", "6": "recettes"}


def parts_of(flow: Flow, acquit: Acquit) -> tuple[Part, ...]:
    """Its parts, in the order of the flow; none for a flow that was refused as a whole, of which nothing was taken.

    What an acquit of acceptance does not name was taken with the rest; what any other does not name is unknown, and left
    out. Several bordereaux of one number are answered in their order.
    """
    refused = acquit.verdict is Verdict.REFUSED
    return tuple(one for one in _parts(flow, acquit) if not (refused and one.accepted))


def _parts(flow: Flow, acquit: Acquit) -> Iterator[Part]:
    whole = acquit.verdict is Verdict.ACCEPTED
    left: dict[str, list[Element]] = defaultdict(list)
    for one in acquit.elements:
        left[one.domain].append(one)
    for slip in flow.slips:
        answer = _take(left[slip.domain], slip)
        if answer is not None or whole:
            where = series(flow.code, flow.budget, _DOMAINS.get(slip.domain, ""), slip.year, slip.kind)
            yield _part("slip", where, slip.number, answer, slip.pieces)
    for unique_id in flow.attachments:
        answer = next((one for one in acquit.elements if one.attachment == unique_id), None)
        if answer is not None or whole:
            yield _part("attachment", "", unique_id, answer, ())


def _part(kind: str, where: str, number: str, answer: Element | None, pieces: tuple[str, ...]) -> Part:
    faults = tuple(Fault(one.piece, one.line, one.words) for one in answer.anomalies) if answer else ()
    accepted = answer is None or answer.accepted
    return Part("slip" if kind == "slip" else "attachment", where, number, accepted, pieces, faults)


def _take(answers: list[Element], slip: Slip) -> Element | None:
    """The answer to this bordereau, which then answers no other."""
    for one in answers:
        if one.slip and same_number(one.slip, slip.number) and one.year in {"", slip.year}:
            answers.remove(one)
            return one
    return None
