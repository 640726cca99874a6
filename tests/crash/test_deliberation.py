"""A deliberation whose processes are killed, by SIGKILL, at every point that matters and at thirty random moments over the two databases."""

import pytest

from tests.crash.deaths import at_every_point, at_random_moments
from tests.crash.walk import Forge

pytestmark = pytest.mark.crash


def test_killed_at_each_named_point_a_deliberation_is_decided_signed_and_sent_once(forge: Forge) -> None:
    at_every_point(forge, "deliberation")


def test_killed_at_random_moments_every_deliberation_goes_to_its_end(forge: Forge) -> None:
    at_random_moments(forge, "deliberation")
