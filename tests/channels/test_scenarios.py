"""A scenario is given to one deposit, an outage fells as many connexions as were asked, whoever asks at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.transmission.ports import Unreachable
from demo.scenarios import EVERYWHERE, MOST_OUTAGES, Scenarios
from tests.channels.parcels import NOW


@pytest.fixture
def scenarios(tmp_path) -> Scenarios:
    return Scenarios(tmp_path, frozenset({"refusal"}), lambda: NOW)


def at_once(call, given):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, given))


def test_what_is_prepared_befalls_one_deposit_of_those_that_arrive_together(scenarios):
    for _ in range(20):
        scenarios.prepare("silence")
        scenarios.prepare("refusal")
        told = [one for one in at_once(scenarios.claim, map(str, range(1, 9))) if one]
        assert [one.play for one in told] == ["refusal"]
        assert scenarios.prepared() is None
        assert [one for one in at_once(scenarios.played, map(str, range(1, 9))) if one] == [True]


def test_an_outage_fells_as_many_connexions_as_were_asked(scenarios):
    def fails(_) -> bool:
        try:
            scenarios.connect()
        except Unreachable:
            return True
        return False

    scenarios.cut(5)
    assert scenarios.outages() == 5
    assert sum(at_once(fails, range(20))) == 5
    scenarios.cut(1000)
    assert scenarios.outages() == MOST_OUTAGES
    scenarios.cut(0)
    assert not fails(0)


def test_a_play_that_does_not_exist_or_comes_too_late_is_refused_and_nothing_is_kept(scenarios, tmp_path):
    with pytest.raises(ValueError, match="fire"):
        scenarios.prepare("fire")
    with pytest.raises(ValueError, match="lost"):
        scenarios.tell("1", "lost")
    with pytest.raises(ValueError, match="next"):
        scenarios.tell("next", "now")
    assert list(tmp_path.rglob("*.json")) == []
    for play in EVERYWHERE:
        scenarios.prepare(play)
    scenarios.forget()
    assert scenarios.claim("1") is None
