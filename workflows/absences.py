"""Who is away, until when, and who stands in: to the minute, with what a cover lends and never lends.

A cover (« intérim ») is no delegation (CGCT L2122-17 to L2122-19): it lends the rights that a step asks at a desk, and no
mandate. Whoever signs under it signs by a mandate of his own.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from workflows.errors import Refusal
from workflows.rights import ONLY, Rights, parted_type, type_name
from workflows.vocabulary import Right

LENT = (Right.ACT, Right.SIGN, Right.PUBLISH, Right.ARCHIVE)
"""What a step may ask, and a cover lends; to deposit, to change steps, to follow and to administer are lent to nobody."""
MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_TYPED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
LONGEST = timedelta(days=3 * 366)
"""A longer absence is a desk to be given to somebody else."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is away from `starts` to `ends`, aware moments, the last excluded; `by` stands in, None for nobody.

    `desk`: at this desk alone, None at all those held. `types`: for these types alone, as a right names them; none for all.
    `acts`: whoever stands in acts, or else reads.
    """

    person: int
    by: int | None
    starts: datetime
    ends: datetime
    desk: int | None = None
    types: tuple[str, ...] = ()
    acts: bool = True


def live(absence: Absence, moment: datetime) -> bool:
    """Whether the person is away at this moment: from the first minute on, and no more from the end on.

    The lists of folders say the same in SQL (`app/people/covers.py`).
    """
    return absence.starts <= moment < absence.ends


def last_instant(ends: datetime) -> datetime:
    """The last instant of an absence that ends then: within the minute typed « au », or that in which it was ended by hand.

    >>> at = datetime(2026, 12, 1, 4, 14, tzinfo=UTC)
    >>> f"{last_instant(at):%H:%M}", f"{last_instant(at.replace(second=41)):%H:%M}"
    ('04:13', '04:14')
    """
    return ends - _INSTANT


def beginning(starts: datetime, moment: datetime, since: datetime | None = None) -> datetime:
    """When an absence that is asked for from `starts` on begins, if it is written at this moment: never before the fact.

    `since`: when it has begun already, which nobody moves any more; None of one that has not.
    """
    if since is None or since > moment or starts > moment:
        return max(starts, moment)
    return since


def meet(first: Absence, second: Absence) -> bool:
    """Whether two absences have a moment in common."""
    return first.starts < second.ends and second.starts < first.ends


def concerns(types: Collection[str], family: str, own_type: str = "") -> bool:
    """Whether a cover for these types, none for all, is for the folders of this one.

    >>> concerns([], "invoice"), concerns(["invoice"], "invoice", "energie"), concerns(["invoice.energie"], "invoice")
    (True, True, False)
    """
    return not types or family in types or type_name(family, own_type) in types


def lent(rights: Rights, types: Collection[str]) -> Rights:
    """What a cover for these types, none for all, lends of the rights held at a desk: no more than what is held there.

    >>> lent(Rights.of(Right.ACT, Right.CREATE), ["invoice"]).grants, lent(Rights.read(["sign:invoice"]), ["deliberation"]).grants
    (('act:invoice',), ())
    """
    return Rights.read(word for right in LENT for word in _narrowed(rights, right, types))


def _narrowed(rights: Rights, right: Right, types: Collection[str]) -> Iterator[str]:
    own = rights.types(right)
    if own is None:
        yield from (f"{right.value}{ONLY}{name}" for name in types) if types else (right.value,)
        return
    for name in own:
        if concerns(types, *parted_type(name)):
            yield f"{right.value}{ONLY}{name}"
        else:
            family, own_type = parted_type(name)
            below = (narrower for narrower in types if not own_type and parted_type(narrower)[0] == family)
            yield from (f"{right.value}{ONLY}{narrower}" for narrower in below)


def clash(wanted: Absence, others: Iterable[Absence]) -> Absence | None:
    """The absence, among those of everybody else, for which whoever is asked to stand in will himself be away."""
    return next((other for other in others if other.person == wanted.by and meet(other, wanted)), None)


def loops(wanted: Absence, others: Collection[Absence]) -> bool:
    """Whether those who stand in for one another, at some moment, would come back to the person who is away.

    What was lent is not lent further, so that a loop would give nothing: it is refused because it says so.
    """
    stand_ins, open_ends = set[int](), [wanted]
    while open_ends:
        last = open_ends.pop()
        if last.by is None or last.by in stand_ins:
            continue
        if last.by == wanted.person:
            return True
        stand_ins.add(last.by)
        open_ends += [other for other in others if other.person == last.by and meet(other, wanted)]
    return False


def unattended(
    period: Absence,
    people: Collection[int],
    planned: Collection[Absence],
    desk: int,
    standing_in: Collection[int],
) -> list[tuple[datetime, datetime]]:
    """When nobody acts at a desk during a period: neither one of its people who is there, nor who stands in for one of them.

    `planned`: every absence that meets the period, its own included where it counts; `standing_in`: those who may stand in,
    their account being open. Who is away stands in for nobody. Intervals in order, the last moment of each excluded.
    """
    moments = {moment for absence in planned for moment in (absence.starts, absence.ends)}
    inside = sorted(moment for moment in moments if period.starts < moment < period.ends)
    gaps: list[tuple[datetime, datetime]] = []
    for begins, ends in pairwise([period.starts, *inside, period.ends]):
        running = [absence for absence in planned if live(absence, begins)]
        away = {absence.person for absence in running}
        helped = any(
            absence.acts
            and absence.person in people
            and absence.desk in {None, desk}
            and absence.by in standing_in
            and absence.by not in away
            for absence in running
        )
        if helped or not away.issuperset(people):
            continue
        joins = bool(gaps) and gaps[-1][1] == begins
        gaps.append((gaps.pop()[0] if joins else begins, ends))
    return gaps


def moment_of(typed: str, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The moment, in UTC, of a day and a minute as a clock on the wall shows them (« 2026-12-21T08:00 »).

    A day without its hour is no moment. A minute that the clock shows twice, in October, is the first of the two, or the
    second where `last`: the absence is the longer. Refuses `absence-dates` what is none, and `absence-hour` a minute that the
    clock jumps over, in March.
    """
    if not _TYPED.fullmatch(typed):
        raise Refusal("absence-dates")
    try:
        local = datetime.fromisoformat(typed).replace(second=0, microsecond=0)
        moment = local.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)
        back = moment.astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Refusal("absence-dates") from None
    if back != local:
        raise Refusal("absence-hour", hour=f"{local:%H} h {local:%M}", day=f"{local:%d/%m/%Y}")
    return moment


def refuse_disorder(wanted: Absence, moment: datetime) -> None:
    """Refuse an absence that ends before it begins, that is over at this moment, or that never ends."""
    if wanted.starts >= wanted.ends:
        raise Refusal("absence-order")
    if wanted.ends <= moment:
        raise Refusal("absence-past")
    if wanted.ends - wanted.starts > LONGEST:
        raise Refusal("absence-long")
