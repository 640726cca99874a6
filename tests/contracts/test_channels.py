"""Every channel found in the house keeps the same promises; a new one is tested by being there."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from pydantic import ValidationError

import app.channels
from app.core.refusals import Refusal
from app.operations.keeping import backup
from app.transmission import channels
from app.transmission.ports import Answer, AnswerKind, Channel, Rejected
from app.transmission.settings import declared, names, table
from app.transmission.traits import STATES, Traits, traits_of
from config import Settings
from demo.plugs import plug
from tests.builders.s2low import a_face
from tests.channels.parcels import NOW, a_parcel_for

HOUSE = Path(app.channels.__file__).parent


@pytest.fixture(autouse=True)
def day():
    plug()
    with time_machine.travel(NOW, tick=False):
        yield


def settings(folder: Path) -> SimpleNamespace:
    """Each channel writes where its defaults say, inside this data folder, and answers at once."""
    return SimpleNamespace(data_dir=folder, **{f"{name}_delay_seconds": 0 for name in names()})


def open_channel(name: str, given: SimpleNamespace) -> Channel:
    """The channel, opened anew with these settings."""
    channels.configure(given)
    return channels.open_channel(name)


@pytest.fixture(scope="session")
def face(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


THROUGH = ("actes by s2low", "helios by s2low")
"""The same channels through the real adapter of S2LOW, before the simulator's own S2LOW face."""


@pytest.fixture(params=[*names(), *THROUGH])
def channel(request, tmp_path):
    name, _, way = request.param.partition(" by ")
    given = settings(tmp_path / "world")
    if way:
        face = request.getfixturevalue("face")
        face.world(tmp_path / "world")
        given = SimpleNamespace(
            data_dir=tmp_path / "world", **{f"{name}_transport": way}, s2low=face.settings()
        )
    return open_channel(name, given)


@pytest.fixture
def anew(request, channel, tmp_path):
    """The same channel in another process: opened again, over the same world."""
    known = channels._setting["settings"]
    return lambda: open_channel(channel.name, known)


@pytest.fixture
def parcel(channel, tmp_path):
    return a_parcel_for(channel.name, tmp_path / "store")


def test_the_walk_finds_every_channel(tmp_path):
    assert {"actes", "handover", "helios"} <= set(names())
    opened = {name: open_channel(name, settings(tmp_path)) for name in names()}
    assert all(channel.name == name and channel.label for name, channel in opened.items())
    assert all({type(one.simulated), type(one.relayed)} == {bool} for one in opened.values())
    with pytest.raises(Refusal, match="channel-unknown"):
        open_channel("pigeon", settings(tmp_path))


@pytest.mark.parametrize("name", names())
def test_a_channel_s_folder_is_complete(name):
    for needed in ("__init__.py", "channel.py", "settings.py"):
        assert (HOUSE / name / needed).is_file()


@pytest.mark.parametrize("name", names())
def test_a_channel_opens_with_its_defaults(name, tmp_path):
    assert isinstance(open_channel(name, SimpleNamespace(data_dir=tmp_path)).simulated, bool)


@pytest.mark.parametrize("name", names())
def test_the_settings_of_a_channel_are_declared_in_its_folder(name, tmp_path, monkeypatch):
    """Read from the environment, told in French, and inside the data folder by default: nothing else has to name them."""
    for setting in [one for one in os.environ if one.startswith("PARAPHE_")]:
        monkeypatch.delenv(setting)
    model = declared()[name]
    made = Settings(_env_file=None, secret_key="x" * 40, data_dir=tmp_path)
    own = model.read(made)
    assert own.copied().keys() <= backup.folders(made).keys()
    assert all(folder.is_relative_to(tmp_path) for folder in own.copied().values())
    for field, (setting, _, sense) in zip(model.model_fields, table(model), strict=True):
        assert setting == f"PARAPHE_{name}_{field}".upper()
        assert sense[0].islower() or sense[0] in "«`"
        assert getattr(own, field) == getattr(made, f"{name}_{field}")
    for field in model.folders():
        monkeypatch.setenv(f"PARAPHE_{name}_{field}".upper(), str(tmp_path / "ailleurs"))
        moved = Settings(_env_file=None, secret_key="x" * 40, data_dir=tmp_path)
        assert getattr(model.read(moved), field) == tmp_path / "ailleurs"
    if model.folders():
        with pytest.raises(ValidationError, match="dossier à donner"):
            model.read(SimpleNamespace())


def test_a_channel_writes_in_its_own_folders_alone(channel, parcel, tmp_path, monkeypatch):
    """The process may stand anywhere: nothing is written there, nor in the data folder beside the channel's own."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    channel.send(parcel, channel.package(parcel, tmp_path))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    if channels._setting["settings"].__dict__.get("s2low") is None:
        own = declared()[channel.name].read(channels._setting["settings"]).copied().values()
        assert not [
            one
            for one in (tmp_path / "world").rglob("*")
            if one.is_file() and not any(one.is_relative_to(folder) for folder in own)
        ]


@pytest.mark.parametrize("name", names())
def test_a_channel_has_french_words_for_all_that_it_may_answer(name):
    traits = traits_of(name)
    told = [traits.answer(kind) for kind in AnswerKind] + [traits.state(state) for state in STATES]
    assert all(one[0].isupper() and not one.endswith(".") for one in told)
    assert traits.states.keys() <= STATES.keys()
    assert traits.to_call.startswith(("le ", "la ", "l’"))
    assert traits_of("one that was taken away") == Traits()


def test_a_complete_parcel_breaks_no_rule_and_checking_leaves_no_trace(channel, parcel, tmp_path):
    assert channel.check(parcel) == []
    assert channel.check(parcel) == []
    assert channel.find(parcel) is None
    assert not (tmp_path / "world").exists()


def test_a_parcel_without_document_is_refused_in_french(channel, parcel, tmp_path):
    empty = replace(parcel, files=())
    problems = channel.check(empty)
    assert problems
    for problem in problems:
        assert problem.key
        assert problem.sentence.endswith(".")
        assert "!" not in problem.sentence
    with pytest.raises(Rejected) as refused:
        channel.package(empty, tmp_path)
    assert problems[0].sentence in refused.value.reason


def test_the_same_parcel_is_packed_in_the_same_bytes(channel, parcel, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    one, two = channel.package(parcel, first), channel.package(parcel, second)
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.sha256 == two.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
    assert one.filename == two.filename == one.path.name
    assert list(first.iterdir()) == [one.path]
    assert channel.package(parcel, first) == one


def test_a_file_altered_after_signature_never_leaves(channel, parcel, tmp_path):
    parcel.files[0].path.write_bytes(parcel.files[0].path.read_bytes() + b"altered")
    with pytest.raises(Rejected, match="empreinte"):
        channel.package(parcel, tmp_path)


def test_what_was_sent_is_found_and_sent_only_once(channel, parcel, tmp_path):
    package = channel.package(parcel, tmp_path)
    reference = channel.send(parcel, package)
    assert channel.find(parcel) == reference
    before = {path: path.read_bytes() for path in (tmp_path / "world").rglob("*") if path.is_file()}
    assert channel.send(parcel, package) == reference
    assert {path: path.read_bytes() for path in (tmp_path / "world").rglob("*") if path.is_file()} == before


def test_another_process_finds_what_was_sent(channel, parcel, anew, tmp_path):
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    other = anew()
    assert other.find(parcel) == reference
    assert other.poll(parcel, reference) == channel.poll(parcel, reference)


def test_the_answer_is_complete_and_never_changes(channel, parcel, tmp_path):
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    answer = channel.poll(parcel, reference)
    assert isinstance(answer, Answer)
    assert answer.kind is AnswerKind.ACKNOWLEDGED
    assert answer.raw
    assert answer.filename == Path(answer.filename).name
    assert answer.identifier
    assert answer.received_on == NOW.date()
    assert answer.simulated == channel.simulated
    with time_machine.travel(NOW.replace(year=2027), tick=False):
        assert channel.poll(parcel, reference) == answer


def test_a_reference_never_given_decides_nothing(channel, parcel):
    for reference in ("999", "../../../etc/passwd", ""):
        answer = channel.poll(parcel, reference)
        assert (answer.kind, answer.raw) == (AnswerKind.PENDING, None)


def test_another_folder_does_not_find_this_one(channel, parcel, tmp_path):
    channel.send(parcel, channel.package(parcel, tmp_path))
    assert channel.find(replace(parcel, key="dossier-58-tour-1", folder_id=58)) is None
