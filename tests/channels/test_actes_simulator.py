"""The simulated Préfecture accepts each number once, survives any kill, and always answers in the same valid bytes."""

import multiprocessing
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.channels.actes.channel import ActesChannel
from app.channels.actes.classification import load_classification
from app.channels.actes.envelope import account_of
from app.channels.actes.settings import ActesSettings
from app.channels.actes.xmltree import SHIPPED
from app.transmission.ports import AnswerKind, Rejected, Uncertain
from demo.prefecture.simulator import SimulatedPrefecture
from tests.channels.parcels import NOW, a_parcel

HOUSE = Path(__file__).parents[2]
MINI = Path(__file__).parents[1] / "assets" / "actes" / "classification" / "classification-mini.xml"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def a_channel(folder: Path, clock: Clock | None = None, delay: float = 0, **changes) -> ActesChannel:
    clock = clock or Clock()
    settings = ActesSettings.inside(folder, folder=folder / "prefecture", delay_seconds=delay, **changes)
    return ActesChannel(settings, SimulatedPrefecture(settings, load_classification(), clock), clock)


def delivered(channel: ActesChannel, folder: Path, **changes):
    parcel = a_parcel(folder, **changes)
    return parcel, channel.send(parcel, channel.package(parcel, folder))


def records(folder: Path) -> list[Path]:
    return sorted((folder / "prefecture" / "numbers").rglob("[!.]*.json"))


def test_the_receipt_comes_after_the_delay_valid_and_marked(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock, delay=4)
    parcel, reference = delivered(channel, tmp_path)
    clock.moment += timedelta(seconds=3)
    assert channel.poll(parcel, reference).kind is AnswerKind.PENDING
    clock.moment += timedelta(seconds=1)
    answer = channel.poll(parcel, reference)
    assert answer.kind is AnswerKind.ACKNOWLEDGED
    assert answer.identifier == "029-212909998-20261119-2026_112-DE"
    assert answer.received_on == NOW.date()
    assert answer.simulated
    assert channel.simulated
    assert "FACTICE" in channel.label
    assert "FACTICE".encode("latin-1") in answer.raw
    assert answer.raw.startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert "coeur de saison" in answer.raw.decode("latin-1")
    for file in (tmp_path / "prefecture" / "answers" / reference).glob("*.xml"):
        command = [
            "xmllint",
            "--nonet",
            "--noout",
            "--schema",
            str(SHIPPED / "2018" / "actesv1_1.xsd"),
            str(file),
        ]
        assert subprocess.run(command, capture_output=True).returncode == 0
        assert b"FACTICE" in file.read_bytes()
    names = {file.name for file in (tmp_path / "prefecture" / "answers" / reference).glob("*.xml")}
    assert names == {answer.filename, f"TACT--SPREF0291-212909998-20261124-{reference}.xml"}


def test_the_same_answer_comes_back_in_the_same_bytes_from_any_process(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock)
    parcel, reference = delivered(channel, tmp_path)
    first = channel.poll(parcel, reference)
    clock.moment += timedelta(days=40)
    assert channel.poll(parcel, reference) == first
    assert a_channel(tmp_path, clock).poll(parcel, reference) == first
    # Even if the answers are lost, the archive and the record are enough to say the same again.
    for file in (tmp_path / "prefecture" / "answers" / reference).iterdir():
        file.unlink()
    assert channel.poll(parcel, reference) == first


def test_the_day_of_reception_is_the_town_hall_s_day(tmp_path):
    clock = Clock(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    channel = a_channel(tmp_path, clock)
    parcel, reference = delivered(channel, tmp_path)
    assert str(channel.poll(parcel, reference).received_on) == "2027-01-01"


def test_references_grow(tmp_path):
    channel = a_channel(tmp_path)
    given = [
        int(delivered(channel, tmp_path, key=f"k{n}", facts={"number": f"2026-{n}"})[1]) for n in range(1, 6)
    ]
    assert given == sorted(set(given))


def test_a_number_serves_once_whatever_became_of_it(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("refusal")
    parcel, reference = delivered(channel, tmp_path)
    assert channel.poll(parcel, reference).kind is AnswerKind.REFUSED
    again = replace(parcel, key="dossier-57-tour-2")
    assert [problem.key for problem in channel.check(again)] == ["A02"]
    fresh = a_channel(tmp_path / "elsewhere")
    package = fresh.package(again, tmp_path)
    with pytest.raises(Rejected, match="ne sert qu’une fois"):
        channel.send(again, package)
    assert len(records(tmp_path)) == 1


def test_a_refusal_is_a_valid_1_3_that_says_factice(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("refusal")
    parcel, reference = delivered(channel, tmp_path)
    answer = channel.poll(parcel, reference)
    assert answer.kind is AnswerKind.REFUSED
    assert "ODT-VERIF-01" in answer.reason
    assert "FACTICE" in answer.reason
    assert answer.filename == f"029-212909998----1-3_{reference}.xml"
    assert answer == channel.poll(parcel, reference)


def test_an_anomaly_refuses_an_act_with_its_envelope(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("anomaly")
    parcel, reference = delivered(channel, tmp_path)
    answer = channel.poll(parcel, reference)
    assert answer.kind is AnswerKind.REFUSED
    assert "PREF-VERIF-02" in answer.reason
    assert answer.filename.startswith("ANO_TACT--212909998--20261124-")


def test_an_act_made_under_another_classification_is_refused_by_the_prefecture(tmp_path):
    settings = ActesSettings.inside(tmp_path, folder=tmp_path / "prefecture", delay_seconds=0)
    old = MINI.read_bytes().replace(b"2019-04-18", b"2018-11-28")
    (tmp_path / "old.xml").write_bytes(old)
    behind = settings.model_copy(update={"classification_file": tmp_path / "old.xml"})
    prefecture = SimulatedPrefecture(settings, load_classification(), Clock())
    channel = ActesChannel(behind, prefecture, Clock())
    parcel, reference = delivered(channel, tmp_path, facts={"matter": "7.5.2"})
    answer = channel.poll(parcel, reference)
    assert answer.kind is AnswerKind.REFUSED
    assert "date de classification" in answer.reason


def test_a_lost_answer_is_uncertain_and_the_number_finds_it(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("lost")
    parcel = a_parcel(tmp_path)
    package = channel.package(parcel, tmp_path)
    with pytest.raises(Uncertain):
        channel.send(parcel, package)
    reference = channel.find(parcel)
    assert reference is not None
    assert channel.send(parcel, package) == reference
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED
    assert len(records(tmp_path)) == 1


def test_a_parcel_prepared_again_after_midnight_is_still_found(tmp_path):
    channel = a_channel(tmp_path)
    parcel, reference = delivered(channel, tmp_path)
    tomorrow = replace(parcel, prepared_at=NOW + timedelta(days=1))
    assert channel.find(tomorrow) == reference
    assert channel.check(tomorrow) == []


def test_a_slow_act_stays_pending(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock)
    channel.transport.scenarios.prepare("silence")
    parcel, reference = delivered(channel, tmp_path)
    clock.moment += timedelta(days=9)
    assert channel.poll(parcel, reference).kind is AnswerKind.PENDING


def test_a_receipt_of_tomorrow_comes_when_offices_open_and_bears_that_day(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock, delay=4)
    channel.transport.scenarios.prepare("tomorrow")
    parcel, reference = delivered(channel, tmp_path)
    clock.moment = datetime(
        2026, 11, 25, 6, 59, 59, tzinfo=UTC
    )  # a second before eight o'clock in the town hall
    assert channel.poll(parcel, reference).kind is AnswerKind.PENDING
    assert channel.transport.waiting(reference)
    clock.moment += timedelta(seconds=1)
    assert str(channel.poll(parcel, reference).received_on) == "2026-11-25"


def test_a_scenario_asked_again_takes_the_place_of_the_former_until_the_answer_is_given(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock, delay=3600)
    parcel, reference = delivered(channel, tmp_path)
    for play, kind in (
        ("silence", AnswerKind.PENDING),
        ("tomorrow", AnswerKind.PENDING),
        ("now", AnswerKind.ACKNOWLEDGED),
        ("refusal", AnswerKind.ACKNOWLEDGED),
    ):
        channel.transport.scenarios.tell(reference, play)
        assert channel.poll(parcel, reference).kind is kind


def test_an_unknown_reference_decides_nothing(tmp_path):
    channel = a_channel(tmp_path)
    parcel = a_parcel(tmp_path)
    for reference in ("7", "../../etc", ""):
        answer = channel.poll(parcel, reference)
        assert answer.kind is AnswerKind.PENDING
        assert "inconnu" in answer.reason


def test_an_answer_about_another_act_is_kept_and_decides_nothing(tmp_path):
    channel = a_channel(tmp_path)
    _, reference = delivered(channel, tmp_path)
    other = a_parcel(tmp_path, key="other", facts={"number": "2026_200"})
    answer = channel.poll(other, reference)
    assert answer.kind is AnswerKind.PENDING
    assert answer.raw
    assert "autre acte" in answer.reason


def test_the_simulator_applies_the_rules_to_what_it_receives_and_not_to_what_it_is_told(tmp_path):
    channel = a_channel(tmp_path, Clock(NOW))
    parcel = a_parcel(tmp_path)
    package = channel.package(parcel, tmp_path)
    earlier = a_channel(tmp_path, Clock(NOW - timedelta(days=30)))
    with pytest.raises(Rejected, match="à venir"):
        earlier.send(parcel, package)
    moved = replace(parcel, sender=replace(parcel.sender, district="2"))
    assert account_of(moved.sender) != account_of(parcel.sender)
    with pytest.raises(Rejected, match="fiche de la collectivité"):
        channel.send(moved, package)
    package.path.write_bytes(package.path.read_bytes()[:-40])
    with pytest.raises(Rejected, match="illisible"):
        channel.send(parcel, package)
    assert records(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from app.channels.actes.channel import ActesChannel
from app.channels.actes.classification import load_classification
from app.channels.actes.settings import ActesSettings
from demo.prefecture.simulator import SimulatedPrefecture
from tests.channels.parcels import NOW, a_parcel
folder, countdown, moment, real = Path(sys.argv[1]), [int(sys.argv[2])], sys.argv[3], os.link
def link(*names):
    countdown[0] -= 1
    if countdown[0] == 0 and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*names)
    if countdown[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.link = link
settings = ActesSettings.inside(folder, folder=folder / "prefecture", delay_seconds=0)
channel = ActesChannel(settings, SimulatedPrefecture(settings, load_classification(), lambda: NOW), lambda: NOW)
parcel = a_parcel(folder)
reference = channel.send(parcel, channel.package(parcel, folder))
channel.poll(parcel, reference)
"""


@pytest.mark.crash
@pytest.mark.parametrize(
    ("step", "moment"), [*((step, "before") for step in range(1, 7)), (3, "after"), (6, "after")]
)
def test_killed_at_any_write_it_accepts_once_and_answers(tmp_path, step, moment):
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(step), moment]
    assert subprocess.run(command, cwd=HOUSE, capture_output=True).returncode == -9
    assert moment == "after" or list(tmp_path.rglob("*.part")), (
        "the killed process leaves its unfinished file"
    )
    channel = a_channel(tmp_path)
    parcel = a_parcel(tmp_path)
    known = channel.find(parcel)
    # The third file published is the record of the number: from it on, the act is accepted.
    assert (known is not None) == (step > 3 or (step == 3 and moment == "after"))
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    assert known in {None, reference}
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED
    assert len(records(tmp_path)) == 1


def race(folder: Path, rounds: int, mine: str, same_key: bool, start, results) -> None:
    channel = a_channel(folder)
    for turn in range(rounds):
        key = f"tour-{turn}" if same_key else f"tour-{turn}-{mine}"
        own = folder / mine
        parcel = a_parcel(own, key=key, facts={"number": f"2026-{turn}"})
        package = a_channel(own / "apart").package(parcel, own)
        start.wait(60)
        try:
            results.put((turn, channel.send(parcel, package)))
        except Rejected:
            results.put((turn, None))


@pytest.mark.race
@pytest.mark.parametrize("same_key", [False, True])
def test_two_processes_sending_the_same_number_have_exactly_one_accepted(tmp_path, same_key):
    context, rounds = multiprocessing.get_context("spawn"), 10
    start, results = context.Barrier(2), context.Queue()
    runners = [
        context.Process(target=race, args=(tmp_path, rounds, mine, same_key, start, results))
        for mine in ("a", "b")
    ]
    for runner in runners:
        runner.start()
    heard = [results.get(timeout=60) for _ in range(2 * rounds)]
    for runner in runners:
        runner.join()
    assert len(records(tmp_path)) == rounds
    for turn in range(rounds):
        given = {reference for number, reference in heard if number == turn}
        if same_key:
            assert len(given) == 1
            assert None not in given
        else:
            assert None in given
            assert len(given) == 2
