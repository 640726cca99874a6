"""Letters leave at any hour in a test that sets no clock: a run by night sees what a run by day sees."""

from datetime import datetime, tzinfo

import pytest
from time_machine import escape_hatch

from app.notices import digests, letter
from workflows import rhythms
from workflows.deadlines import Calendar


def leave_at_any_hour(patched: pytest.MonkeyPatch) -> None:
    """Let the hours of the day hold in this process only where a test sets the clock."""
    for where in (digests, letter):
        patched.setattr(where, "quiet_until", _quiet_until)


def _quiet_until(calendar: Calendar, moment: datetime, zone: tzinfo) -> datetime | None:
    return rhythms.quiet_until(calendar, moment, zone) if escape_hatch.is_travelling() else None
