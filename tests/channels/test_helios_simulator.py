"""The simulated Treasury answers acquits that the schema accepts, each marked FACTICE, and takes a name once."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from app.channels.helios.channel import HeliosChannel
from app.channels.helios.settings import HeliosSettings
from app.channels.helios.transport import Reply
from app.transmission.ports import AnswerKind, Rejected, Uncertain, Unreachable
from demo.treasury.simulator import SimulatedTreasury, mandates
from tests.builders.pes import SCHEMAS
from tests.channels.parcels import FLOW, NOW, a_file, a_flow

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "pes"
SCHEMA = SCHEMAS / "PES_V2" / "Rev0" / "PES_V2_Acquit_Autonome_V2.xsd"


def a_channel(folder: Path, **given) -> HeliosChannel:
    settings = HeliosSettings.inside(folder, folder=folder / "tresorerie", delay_seconds=0, **given)
    return HeliosChannel(settings, SimulatedTreasury(settings, lambda: NOW), lambda: NOW)


def delivered(channel, folder, name="F_261120_001", **changes):
    parcel = a_flow(folder / "store", name, **changes)
    return parcel, channel.send(parcel, channel.package(parcel, folder))


@pytest.mark.parametrize("play", ["now", "rejection", "partial", "attachment"])
@pytest.mark.parametrize("source", ["kerlann_depenses", "signe_par_bordereau"])
def test_every_acquit_is_valid_and_says_factice(play, source, tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare(play)
    flow = ASSETS / f"{source}.xml"
    known = b"PESALR2_21290000000017_251125_001" if source != "kerlann_depenses" else b""
    if known:
        flow = tmp_path / "flow.xml"
        flow.write_bytes((ASSETS / f"{source}.xml").read_bytes().replace(known, b"F1"))
    parcel, reference = delivered(channel, tmp_path, "F1", source=flow)
    answer = channel.poll(parcel, reference)
    assert b"FACTICE" in answer.raw
    schema_says(tmp_path, answer.raw)


def test_a_partial_acquit_refuses_and_names_the_mandat(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("partial")
    parcel, reference = delivered(channel, tmp_path, "F1")
    answer = channel.poll(parcel, reference)
    assert answer.kind is AnswerKind.PARTIAL
    assert "Bordereau 2 de 2026, mandat 3, ligne 1 :" in answer.reason
    assert "Le bordereau 1 de 2026 est pris en charge" in answer.reason


def test_the_mandat_that_was_chosen_for_a_waiting_flow_is_the_one_refused(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("silence")
    parcel, reference = delivered(channel, tmp_path, "F1")
    assert channel.poll(parcel, reference).kind is AnswerKind.PENDING
    (chosen,) = [
        key
        for key, label in mandates(channel.transport.waiting(reference))
        if label == "Bordereau 1 de 2026, mandat 2"
    ]
    channel.transport.scenarios.tell(reference, "partial", chosen)
    answer = channel.poll(parcel, reference)
    assert "Bordereau 1 de 2026, mandat 2, ligne 1 :" in answer.reason
    assert "Le bordereau 2 de 2026 est pris en charge" in answer.reason
    assert channel.transport.waiting(reference) is None
    assert list((tmp_path / "tresorerie" / "scenarios").iterdir()) == []


def test_what_was_taken_once_is_a_duplicate_for_ever_as_for_helios(tmp_path):
    """The same bordereaux under another name; the mandats of one under another number; a bordereau twice in a flow."""
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("partial")
    parcel, reference = delivered(channel, tmp_path, "F1")
    first = channel.poll(parcel, reference)
    assert [(part.number, part.accepted) for part in first.parts if part.kind == "slip"] == [
        ("1", True),
        ("2", False),
    ]
    assert (first.parts[0].series, first.parts[0].pieces) == ("123 00 dépenses 2026 01", ("1", "2"))
    assert [fault.piece for fault in first.parts[1].faults] == ["3"]

    def answered(name, *changes):
        flow = tmp_path / f"{name}.xml"
        raw = FLOW.read_bytes()
        for before, after in changes:
            assert before in raw
            raw = raw.replace(before, after)
        flow.write_bytes(raw)
        parcel, reference = delivered(channel, tmp_path, name, source=flow)
        answer = channel.poll(parcel, reference)
        assert channel.poll(parcel, reference).raw == answer.raw
        schema_says(tmp_path, answer.raw)
        return answer

    again = answered("F2")
    assert again.kind is AnswerKind.PARTIAL
    assert b"ERREUR_DOUBLON_BORDEREAU" in again.raw
    assert b"ERREUR_DOUBLON_PJ" in again.raw
    assert [(part.number, part.accepted) for part in again.parts] == [("1", False), ("2", True)] + [
        (part.number, False) for part in again.parts[2:]
    ]
    moved = answered("F3", (b'<IdBord V="1"/>', b'<IdBord V="7"/>'), (b'<IdBord V="2"/>', b'<IdBord V="7"/>'))
    assert moved.kind is AnswerKind.REFUSED
    assert b"ERREUR_DOUBLON_PIECE" in moved.raw
    assert "Bordereau 7 de 2026, mandat 1 : cette pièce a déjà été reçue" in moved.reason


def schema_says(tmp_path, raw):
    """Fails where the schema of acquits does not accept these bytes."""
    path = tmp_path / "acquit.xml"
    path.write_bytes(raw)
    seen = subprocess.run(
        ["xmllint", "--noout", "--nonet", "--schema", SCHEMA, path], capture_output=True, text=True
    )
    assert seen.returncode == 0, seen.stderr


def test_an_acquit_cut_on_its_way_comes_again_in_the_same_bytes(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("twice")
    parcel, reference = delivered(channel, tmp_path)
    with pytest.raises(Unreachable):
        channel.poll(parcel, reference)
    (written,) = (tmp_path / "tresorerie" / "answers").iterdir()
    answer = channel.poll(parcel, reference)
    assert (answer.kind, answer.raw) == (AnswerKind.ACKNOWLEDGED, written.read_bytes())


def test_a_name_serves_once_even_refused(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("rejection")
    parcel, reference = delivered(channel, tmp_path, "F1")
    assert channel.poll(parcel, reference).kind is AnswerKind.REFUSED
    again = replace(parcel, key="dossier-61-tour-2")
    assert [one.key for one in channel.check(again)] == ["P02"]
    package = channel.package(again, tmp_path)
    with pytest.raises(Rejected, match="ne sert qu’une fois"):
        channel.send(again, package)


def test_an_answer_lost_after_acceptance_is_found_and_not_sent_again(tmp_path):
    channel = a_channel(tmp_path)
    parcel = a_flow(tmp_path / "store", "F1")
    channel.transport.scenarios.prepare("lost")
    package = channel.package(parcel, tmp_path)
    with pytest.raises(Uncertain):
        channel.send(parcel, package)
    reference = channel.find(parcel)
    assert channel.send(parcel, package) == reference
    assert len(list((tmp_path / "tresorerie" / "names").rglob("*.json"))) == 1


def test_a_slow_acquit_is_pending(tmp_path):
    channel = a_channel(tmp_path)
    channel.transport.scenarios.prepare("silence")
    parcel, reference = delivered(channel, tmp_path, "F1")
    assert (channel.poll(parcel, reference).kind, channel.poll(parcel, reference).raw) == (
        AnswerKind.PENDING,
        None,
    )


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (lambda data: b"<autre/>", "P01"),
        (lambda data: data.replace(b'NomFic V="F1"', b'NomFic V=""'), "P03"),
        (lambda data: data.replace(b'CodCol V="123"', b'CodCol V=""'), "P03"),
        (
            lambda data: data[: data.index(b"<PES_DepenseAller>")] + b"</n:PES_Aller>",
            "P04",
        ),
    ],
    ids=["not a flow", "no name", "no code", "empty"],
)
def test_a_flow_that_would_be_refused_does_not_leave(edit, rule, tmp_path):
    channel = a_channel(tmp_path)
    parcel = a_flow(tmp_path / "store", "F1")
    data = edit(parcel.files[0].path.read_bytes())
    broken = replace(parcel, files=(a_file(tmp_path / "store", "main", "flux.xml", data),))
    assert [one.key for one in channel.check(broken)] == [rule]
    with pytest.raises(Rejected):
        channel.package(broken, tmp_path)


def test_a_flow_above_the_limit_is_refused(tmp_path):
    assert [one.key for one in a_channel(tmp_path, max_flow_bytes=100).check(a_flow(tmp_path))] == ["P05"]


class Foreign:
    """A real operator that hands on what it should not."""

    label, simulated = "Opérateur", False

    def __init__(self, acquit: bytes) -> None:
        self._acquit = acquit

    def poll(self, sender, reference):
        return Reply(self._acquit, "acquit.xml")


def test_an_acquit_marked_factice_decides_nothing_before_a_real_operator(tmp_path):
    channel = a_channel(tmp_path)
    parcel, reference = delivered(channel, tmp_path)
    raw = channel.poll(parcel, reference).raw
    real = HeliosChannel(HeliosSettings.inside(tmp_path), Foreign(raw), lambda: NOW)
    answer = real.poll(parcel, reference)
    assert (answer.kind, answer.raw) == (AnswerKind.PENDING, raw)
    assert "FACTICE" in answer.reason


def test_an_acquit_of_another_flow_is_kept_and_decides_nothing(tmp_path):
    channel = a_channel(tmp_path)
    parcel, reference = delivered(channel, tmp_path)
    other = a_flow(tmp_path / "store", "F_AUTRE")
    answer = channel.poll(other, reference)
    assert answer.kind is AnswerKind.PENDING
    assert answer.raw == channel.poll(parcel, reference).raw
