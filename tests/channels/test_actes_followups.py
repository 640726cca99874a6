"""After the receipt: what the Préfecture writes, and what it takes, once, of what is answered; by each transport."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from app.channels.actes.channel import ActesChannel
from app.channels.actes.envelope import account_of
from app.channels.actes.exchanges import ACKNOWLEDGEMENTS, read_exchange
from app.channels.actes.receipt import read_receipt
from app.channels.actes.s2low import S2lowActes
from app.transmission.ports import AnswerKind, ParcelFile, Rejected
from tests.builders.s2low import a_face
from tests.channels.parcels import NOW, PDF, PNG, SENDER, a_file, a_parcel
from tests.channels.test_actes_simulator import Clock, a_channel, delivered

ACCOUNT = account_of(SENDER)
ACT = "029-212909998-20261119-2026_112-DE"


def with_act(folder: Path, code: str = ""):
    """A channel whose Préfecture acknowledged the act 2026_112 and wrote such a letter about it; that act's identifier."""
    clock = Clock()
    channel = a_channel(folder, clock)
    delivered(channel, folder)
    written_about(office(channel), code)
    return channel, ACT, clock


def written_about(office, code: str) -> None:
    """Have the Préfecture write a letter of this code about the act, if any."""
    if code:
        office.ask(SENDER.siren, "2026_112", code)


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture(params=["simulator", "s2low"])
def acknowledged(request):
    """Make, in a folder, a channel of this transport whose act is acknowledged: it, the act and the office behind."""
    if request.param == "simulator":

        def straight(folder, code):
            channel, identifier, _ = with_act(folder, code)
            return channel, identifier, office(channel)

        yield straight
        return
    operator = request.getfixturevalue("face")

    def relayed(folder, code):
        operator.world(folder / "world")
        channel = ActesChannel(operator.operator.actes, S2lowActes(operator.settings()), Clock())
        delivered(channel, folder)
        written_about(operator.operator._prefecture.office, code)
        return channel, ACT, operator.operator._prefecture.office

    with time_machine.travel(NOW, tick=False):
        yield relayed


def office(channel):
    return channel.transport.office


def a_followup(folder: Path, code: str, identifier: str, letter=None, files=None, key="reponse-1", **more):
    read = read_exchange(letter.message) if letter else None
    facts = {
        "code": code,
        "identifier": identifier,
        "letter": letter.reference if letter else None,
        "letter_date": read.dated_on.isoformat() if read else None,
        **more,
    }
    kept = answering(folder, code) if files is None else files
    return a_parcel(folder, key=key, family="reply", facts={"followup": facts}, files=kept)


def answering(folder: Path, code: str, letter: bytes = PDF) -> tuple[ParcelFile, ...]:
    """The letter of a reply, and with the answer to a request for documents one of these."""
    main = a_file(folder, "main", "réponse.pdf", letter, type_code="99_DE")
    if code != "3-4":
        return (main,)
    return (main, a_file(folder, "attachment", "statuts.pdf", PDF + b"statuts", type_code="21_RP"))


def replies(written) -> list[str]:
    """The codes of what was answered, but for the acknowledgements that an operator sends by itself."""
    own = ACKNOWLEDGEMENTS.values()
    return [one["code"] for one in written.followups(SENDER.siren) if one["code"] not in own]


def sent(channel, folder: Path, parcel) -> str:
    return channel.send(parcel, channel.package(parcel, folder))


@pytest.mark.parametrize("code", ["2-1", "3-1", "4-1", "5-1"])
def test_each_letter_comes_in_its_bytes_with_its_document_until_it_is_taken(acknowledged, tmp_path, code):
    channel, identifier, written = acknowledged(tmp_path, code)
    (letter,) = channel.letters(SENDER)
    read = read_exchange(letter.message)
    assert (read.code, read.identifier, read.conforming) == (code, identifier, True)
    assert read.dated_on == NOW.date()
    assert [name for name, _ in letter.files] == list(read.files)
    assert letter.files[0][1].startswith(b"%PDF-")
    assert b"FACTICE" in letter.message
    assert list(channel.letters(SENDER)) == [letter]
    (kept,) = written.letters(ACCOUNT)
    assert (letter.message, letter.message_name, letter.files) == (
        kept.message,
        kept.message_name,
        kept.files,
    )
    for _ in range(2):
        channel.taken(SENDER, letter.reference)
    assert list(channel.letters(SENDER)) == []


def test_an_anomaly_may_come_after_the_receipt(tmp_path):
    channel, _, _ = with_act(tmp_path, "1-3")
    (letter,) = channel.letters(SENDER)
    read = read_receipt(letter.message)
    assert (read.code, read.number, read.conforming) == ("1-3", "2026_112", True)


def test_a_letter_is_written_on_demand_and_never_before_the_receipt(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock, delay=60)
    delivered(channel, tmp_path)
    office(channel).ask(SENDER.siren, "2026_112", "3-1")
    assert list(channel.letters(SENDER)) == []
    clock.moment += timedelta(seconds=60)
    office(channel).ask(SENDER.siren, "2026_112", "3-1")
    assert len(channel.letters(SENDER)) == 1


@pytest.mark.parametrize(
    ("asked", "code", "receipt"),
    [("3-1", "3-4", "3-5"), ("3-1", "3-3", "3-5"), ("4-1", "4-4", "4-5"), ("4-1", "4-3", "4-5")],
)
def test_a_reply_arrives_once_and_its_receipt_comes_back(acknowledged, tmp_path, asked, code, receipt):
    channel, identifier, written = acknowledged(tmp_path, asked)
    (letter,) = channel.letters(SENDER)
    parcel = a_followup(tmp_path, code, identifier, letter)
    assert channel.check(parcel) == []
    reference = sent(channel, tmp_path, parcel)
    assert sent(channel, tmp_path, parcel) == channel.find(parcel) == reference
    answer = channel.poll(parcel, reference)
    assert (answer.kind, answer.received_on, answer.identifier) == (
        AnswerKind.ACKNOWLEDGED,
        NOW.date(),
        identifier,
    )
    assert read_receipt(answer.raw).code == receipt
    assert replies(written) == [code]


def test_a_simple_letter_is_answered_without_receipt(acknowledged, tmp_path):
    channel, identifier, written = acknowledged(tmp_path, "2-1")
    (letter,) = channel.letters(SENDER)
    parcel = a_followup(tmp_path, "2-2", identifier, letter)
    answer = channel.poll(parcel, sent(channel, tmp_path, parcel))
    assert sent(channel, tmp_path, parcel)
    assert replies(written) == ["2-2"]
    assert (answer.kind, answer.raw) == (AnswerKind.ACKNOWLEDGED, None)


def test_supplementary_pieces_leave_in_their_order_with_their_types(tmp_path):
    channel, identifier, _ = with_act(tmp_path, "3-1")
    (letter,) = channel.letters(SENDER)
    files = (
        a_file(tmp_path, "main", "lettre.pdf", PDF, type_code="99_DE"),
        a_file(tmp_path, "attachment", "plan.png", PNG, type_code="70_DE"),
    )
    parcel = a_followup(tmp_path, "3-4", identifier, letter, files)
    package = channel.package(parcel, tmp_path)
    assert package.sha256 == channel.package(parcel, tmp_path).sha256
    from app.channels.actes.archive import read_archive

    (alone,) = channel.check(a_followup(tmp_path, "3-4", identifier, letter, files[:1]))
    assert (alone.key, "aucune des pièces que la préfecture demande" in alone.sentence) == ("W03", True)
    names = [one.name for one in read_archive(package.path, 1 << 20)]
    assert names[1:] == [
        f"{identifier}-3-4_0.xml",
        f"99_DE-{identifier}-3-4_1.pdf",
        f"70_DE-{identifier}-3-4_2.png",
    ]


def test_letters_are_acknowledged_once_by_attributes_alone(acknowledged, tmp_path):
    for asked, code in (("3-1", "3-2"), ("4-1", "4-2")):
        channel, identifier, written = acknowledged(tmp_path / code, asked)
        (letter,) = channel.letters(SENDER)
        parcel = a_followup(tmp_path / code, code, identifier, letter, files=(), key="courrier-1-ar")
        sent(channel, tmp_path / code, parcel)
        sent(channel, tmp_path / code, parcel)
        assert [one["code"] for one in written.followups(SENDER.siren)] == [code]


def test_nothing_answers_a_letter_of_another_kind(acknowledged, tmp_path):
    channel, identifier, written = acknowledged(tmp_path, "2-1")
    (letter,) = channel.letters(SENDER)
    with pytest.raises(Rejected, match="W03"):
        sent(channel, tmp_path, a_followup(tmp_path, "4-4", identifier, letter))
    assert replies(written) == []


def test_nothing_answers_a_letter_under_another_date_than_its_own(tmp_path):
    channel, identifier, _ = with_act(tmp_path, "2-1")
    (letter,) = channel.letters(SENDER)
    late = a_followup(tmp_path, "2-2", identifier, letter, letter_date="2026-01-01")
    with pytest.raises(Rejected, match="W03"):
        sent(channel, tmp_path, late)
    assert office(channel).followups(SENDER.siren) == []


def test_an_act_is_cancelled_once_and_only_after_its_receipt(tmp_path):
    clock = Clock()
    channel = a_channel(tmp_path, clock, delay=4)
    _, deposit = delivered(channel, tmp_path)
    identifier = ACT
    cancel = a_followup(tmp_path, "6-1", identifier, deposit=deposit)
    with pytest.raises(Rejected, match="W01"):
        sent(channel, tmp_path, cancel)
    clock.moment += timedelta(seconds=4)
    reference = sent(channel, tmp_path, cancel)
    assert sent(channel, tmp_path, cancel) == reference
    assert channel.poll(cancel, reference).kind is AnswerKind.PENDING
    with pytest.raises(Rejected, match="W01"):
        sent(channel, tmp_path, a_followup(tmp_path, "6-1", identifier, key="annulation-2", deposit=deposit))
    clock.moment += timedelta(seconds=4)
    answer = channel.poll(cancel, reference)
    assert (answer.kind, read_receipt(answer.raw).code) == (AnswerKind.ACKNOWLEDGED, "6-2")
    again, taken = a_parcel(tmp_path, key="autre"), channel.check(a_parcel(tmp_path, key="autre"))
    assert [one.key for one in taken] == ["A02"], again  # its number stays consumed


def test_a_reply_with_two_documents_or_an_untyped_one_does_not_leave(tmp_path):
    channel, identifier, _ = with_act(tmp_path, "4-1")
    (letter,) = channel.letters(SENDER)
    two = (
        a_file(tmp_path, "main", "a.pdf", PDF),
        a_file(tmp_path, "attachment", "b.pdf", PDF + b"b", type_code="99_SE"),
    )
    parcel = a_followup(tmp_path, "4-4", identifier, letter, two)
    # A letter that nobody typed is given no type of its own: it is not the act.
    assert [(one.key, one.field) for one in channel.check(parcel)] == [("W03", "main"), ("A10", "main")]
    odd = (a_file(tmp_path, "main", "a.txt", b"texte", type_code="x"),)
    assert [one.key for one in channel.check(a_followup(tmp_path, "4-4", identifier, letter, odd))] == [
        "A09",
        "A10",
    ]
    with pytest.raises(Rejected):
        channel.package(parcel, tmp_path)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-12-28T22:59:59+00:00", date(2026, 12, 28)),
        ("2026-12-28T23:00:00+00:00", date(2026, 12, 29)),
        ("2026-12-31T22:59:59+00:00", date(2026, 12, 31)),
        ("2026-12-31T23:00:00+00:00", date(2027, 1, 1)),
        ("2027-01-02T23:30:00+00:00", date(2027, 1, 3)),
        ("2027-03-27T22:59:59+00:00", date(2027, 3, 27)),  # the night of summer time
        ("2027-03-27T23:00:00+00:00", date(2027, 3, 28)),
        ("2027-03-28T21:59:59+00:00", date(2027, 3, 28)),
        ("2027-03-28T22:00:00+00:00", date(2027, 3, 29)),
        ("2026-10-24T21:59:59+00:00", date(2026, 10, 24)),  # the night of winter time
        ("2026-10-24T22:00:00+00:00", date(2026, 10, 25)),
        ("2026-10-25T22:59:59+00:00", date(2026, 10, 25)),
        ("2026-10-25T23:00:00+00:00", date(2026, 10, 26)),
    ],
)
def test_receipts_and_letters_bear_the_town_hall_s_day_even_when_the_clocks_change(tmp_path, moment, day):
    clock = Clock(datetime.fromisoformat(moment))
    channel = a_channel(tmp_path, clock)
    facts = {"decision_date": "2026-10-01"}
    parcel, reference = delivered(channel, tmp_path, facts=facts, prepared_at=clock.moment)
    answer = channel.poll(parcel, reference)
    assert (answer.kind, answer.received_on) == (AnswerKind.ACKNOWLEDGED, day)
    written_about(office(channel), "3-1")
    (letter,) = channel.letters(SENDER)
    assert read_exchange(letter.message).dated_on == day
    reply = a_followup(tmp_path, "3-4", answer.identifier, letter)
    package = channel.package(replace(reply, prepared_at=clock.moment), tmp_path)
    assert f"--{day:%Y%m%d}-" in package.filename
