"""Letters, replies and cancellations through S2LOW, before each odd answer and each fall of the network: nothing goes twice."""

import gzip
import io
import subprocess
import tarfile
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from werkzeug.wrappers import Response

from app.channels.actes.channel import ActesChannel
from app.channels.actes.envelope import account_of
from app.channels.actes.exchanges import Exchange, write_exchange
from app.channels.actes.receipt import read_receipt
from app.channels.actes.s2low import S2lowActes
from app.channels.actes.settings import ActesSettings
from app.channels.actes.transport import About, Interrupted
from app.transmission.ports import AnswerKind, Rejected, Uncertain, Unreachable
from tests.builders.s2low import a_face
from tests.channels.parcels import NOW, PDF, PNG, SENDER, a_file
from tests.channels.test_actes_followups import ACT, a_followup, answering, replies, sent, written_about
from tests.channels.test_actes_simulator import Clock, delivered

SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "s2low"
ACCOUNT = account_of(SENDER)
REPLY, CANCEL = "actes_transac_reponse_create.php", "actes_transac_cancel.php"
LISTED, EXCHANGES = "list_document_prefecture.php", "actes_transac_get_document.php"
ARCHIVE = "actes_download_file.php"
DELAY = timedelta(seconds=60)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def face(tls, tmp_path, clock):
    """An operator whose Préfecture takes a minute to answer."""
    tls.world(tmp_path / "world")
    tls.operator.actes = ActesSettings.inside(
        tmp_path, folder=tmp_path / "world" / "actes", delay_seconds=DELAY.seconds
    )
    return tls


def through(face, **more):
    return ActesChannel(face.operator.actes, S2lowActes(face.settings(**more)), Clock())


def acknowledged(face, clock, folder, code=""):
    """A channel whose act has its receipt, and a letter of this code: it, the act's identifier, its deposit's reference."""
    channel = through(face)
    _, deposit = delivered(channel, folder)
    clock.shift(DELAY)
    written_about(office(face), code)
    return channel, ACT, deposit


def asked(face):
    """The addresses that were asked, in order."""
    return [one.rsplit("/", 1)[-1] for one in face.operator.scenario.paths]


def office(face):
    return face.operator._prefecture.office


def to_answer(face, clock, folder, code="3-4", **more):
    """A channel, and a reply ready to leave to the request that it received."""
    channel, identifier, _ = acknowledged(face, clock, folder, "3-1")
    (letter,) = channel.letters(SENDER)
    return channel, a_followup(folder, code, identifier, letter, **more), letter


# replies


@pytest.mark.parametrize("fate", ["lost", "broken"])
@pytest.mark.parametrize("late", [False, True], ids=["before its receipt", "after its receipt"])
def test_a_reply_whose_answer_was_lost_is_found_and_not_sent_again(face, clock, tmp_path, fate, late):
    channel, parcel, _ = to_answer(face, clock, tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.next[REPLY] = [fate]
    with pytest.raises(Uncertain):
        channel.send(parcel, package)
    clock.shift(DELAY * late)
    reference = channel.find(parcel)
    assert reference
    assert channel.send(parcel, package) == reference
    assert replies(office(face)) == ["3-4"]
    assert asked(face).count(REPLY) == 1


def test_a_reply_cut_before_it_was_read_is_not_found_and_leaves_once(face, clock, tmp_path):
    channel, parcel, _ = to_answer(face, clock, tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.next[REPLY] = ["cut"]
    with pytest.raises(Uncertain):
        channel.send(parcel, package)
    assert (channel.find(parcel), replies(office(face))) == (None, [])
    reference = channel.send(parcel, package)
    assert channel.send(parcel, package) == reference
    assert replies(office(face)) == ["3-4"]


@pytest.mark.parametrize("fate", ["login", "outage"])
@pytest.mark.parametrize("path", [REPLY, EXCHANGES])
def test_a_login_page_or_an_outage_takes_no_reply(face, clock, tmp_path, fate, path):
    channel, parcel, _ = to_answer(face, clock, tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.next[path] = [fate]
    with pytest.raises(Unreachable):
        channel.send(parcel, package)
    assert replies(office(face)) == []


def test_two_replies_to_one_letter_are_told_apart_by_their_bytes_then_by_their_names(face, clock, tmp_path):
    channel, first, letter = to_answer(face, clock, tmp_path)
    identifier = first.facts["followup"]["identifier"]
    other = answering(tmp_path, "3-4", PDF + b"suite")
    second = a_followup(tmp_path, "3-4", identifier, letter, other, key="reponse-2")
    refusal = a_followup(tmp_path, "3-3", identifier, letter, key="refus")
    references = [sent(channel, tmp_path, one) for one in (first, second, refusal)]
    assert len(set(references)) == 3
    for _ in range(2):
        assert [channel.find(one) for one in (first, second, refusal)] == references
        clock.shift(DELAY)
    assert replies(office(face)) == ["3-4", "3-4", "3-3"]


def test_a_reply_that_cannot_be_told_from_ours_keeps_ours_from_leaving(face, clock, tmp_path):
    channel, parcel, letter = to_answer(face, clock, tmp_path)
    sent(channel, tmp_path, parcel)
    identifier = parcel.facts["followup"]["identifier"]
    other = answering(tmp_path, "3-4", PDF + b"suite")
    second = a_followup(tmp_path, "3-4", identifier, letter, other, key="reponse-2")
    package = channel.package(second, tmp_path)
    face.operator.scenario.scripted[ARCHIVE] = b"\x1f\x8b illisible"
    with pytest.raises(Uncertain, match="ne peut pas être lu"):
        channel.send(second, package)
    assert replies(office(face)) == ["3-4"]


def test_pieces_arrive_in_their_order_with_their_types(face, clock, tmp_path):
    files = (
        a_file(tmp_path, "main", "lettre.pdf", PDF, type_code="99_DE"),
        a_file(tmp_path, "attachment", "plan.png", PNG, type_code="70_DE"),
        a_file(tmp_path, "attachment", "budget.pdf", PDF + b"budget", type_code="21_RP"),
    )
    channel, parcel, _ = to_answer(face, clock, tmp_path, files=files)
    sent(channel, tmp_path, parcel)
    from app.channels.actes.archive import read_archive

    record = office(face).followups(SENDER.siren)[-1]
    members = read_archive(face.operator.actes.folder / "archives" / f"{record['sha256']}.tar.gz", 1 << 20)
    assert [(one.name[:5], one.sha256) for one in members[2:]] == [
        (one.type_code, one.sha256) for one in files
    ]


def test_a_reply_refused_by_the_operator_alone_comes_back_with_its_words(face, clock, tmp_path):
    channel, parcel, _ = to_answer(face, clock, tmp_path)
    reference = sent(channel, tmp_path, parcel)
    said = "OK\n-1\nLe fichier est infecté.".encode("latin-1")
    face.operator.scenario.scripted["actes_transac_get_status.php"] = said
    answer = channel.poll(parcel, reference)
    assert (answer.kind, answer.raw) == (AnswerKind.REFUSED, None)
    assert answer.reason == "L’opérateur refuse l’envoi : Le fichier est infecté."


@pytest.mark.parametrize("status", [4, 11])
def test_a_receipt_closes_a_reply_unless_it_is_factice_and_the_operator_real(face, clock, tmp_path, status):
    channel, parcel, _ = to_answer(face, clock, tmp_path)
    reference = sent(channel, tmp_path, parcel)
    assert channel.poll(parcel, reference).kind is AnswerKind.PENDING
    clock.shift(DELAY)
    number = reference.rpartition("/")[2]
    _, message = face.operator._state(number)
    face.operator.scenario.scripted["actes_transac_get_status.php"] = b"OK\n%d\n" % status + message
    answer = channel.poll(parcel, reference)
    assert (answer.kind, answer.raw) == (AnswerKind.ACKNOWLEDGED, message)
    doubtful = through(face, simulated=False).poll(parcel, reference)
    assert (doubtful.kind, doubtful.raw) == (AnswerKind.PENDING, message)
    assert "FACTICE" in doubtful.reason


def test_a_letter_that_came_by_another_way_is_not_answered_here(face, clock, tmp_path):
    channel, identifier, _ = acknowledged(face, clock, tmp_path, "3-1")
    (letter,) = office(face).letters(ACCOUNT)
    with pytest.raises(Rejected, match="n’est pas venu par cet opérateur"):
        sent(channel, tmp_path, a_followup(tmp_path, "3-4", identifier, letter))
    assert replies(office(face)) == []


@pytest.mark.parametrize(
    "said", ["KO\nNuméro de transaction invalide.", "KO\nAccès refusé", "3-8-701\nautre chose\n"]
)
def test_a_reply_does_not_leave_when_its_act_s_exchanges_are_not_told(face, clock, tmp_path, said):
    channel, parcel, _ = to_answer(face, clock, tmp_path)
    face.operator.scenario.scripted[EXCHANGES] = said.encode("latin-1")
    with pytest.raises(Unreachable):
        sent(channel, tmp_path, parcel)
    assert (replies(office(face)), asked(face).count(REPLY)) == ([], 0)


# cancellations


@pytest.mark.parametrize("fate", ["", "lost", "broken"])
def test_an_act_is_cancelled_once_and_its_receipt_comes_back(face, clock, tmp_path, fate):
    channel, identifier, deposit = acknowledged(face, clock, tmp_path)
    parcel = a_followup(tmp_path, "6-1", identifier, deposit=deposit)
    package = channel.package(parcel, tmp_path)
    if fate:
        face.operator.scenario.next[CANCEL] = [fate]
        with pytest.raises(Uncertain):
            channel.send(parcel, package)
    reference = channel.send(parcel, package)
    assert channel.send(parcel, package) == reference
    assert asked(face).count(CANCEL) == 1
    assert channel.poll(parcel, reference).kind is AnswerKind.PENDING
    clock.shift(DELAY)
    answer = channel.poll(parcel, reference)
    assert (answer.kind, read_receipt(answer.raw).code) == (AnswerKind.ACKNOWLEDGED, "6-2")
    assert replies(office(face)) == ["6-1"]


def test_an_act_without_receipt_is_not_cancelled(face, clock, tmp_path):
    channel = through(face)
    _, deposit = delivered(channel, tmp_path)
    parcel = a_followup(tmp_path, "6-1", ACT.format(""), deposit=deposit)
    with pytest.raises(Rejected, match="« Acquittement reçu »"):
        sent(channel, tmp_path, parcel)
    face.operator.scenario.next[CANCEL] = ["login"]
    with pytest.raises(Unreachable):
        sent(channel, tmp_path, parcel)
    assert replies(office(face)) == []


# letters


def test_a_late_anomaly_is_kept_by_the_operator_and_no_letter(face, clock, tmp_path):
    channel, _, _ = acknowledged(face, clock, tmp_path, "1-3")
    assert list(channel.letters(SENDER)) == []


@pytest.mark.parametrize("fate", ["login", "outage", "cut", "lost", "broken"])
@pytest.mark.parametrize("path", [LISTED, EXCHANGES, ARCHIVE])
def test_letters_that_could_not_be_read_come_at_the_next_call(face, clock, tmp_path, fate, path):
    channel, _, _ = acknowledged(face, clock, tmp_path, "3-1")
    face.operator.scenario.next[path] = [fate]
    with pytest.raises(Unreachable):
        channel.letters(SENDER)
    (letter,) = channel.letters(SENDER)
    face.operator.scenario.next["document_prefecture_mark_as_read.php"] = [fate]
    with pytest.raises(Unreachable):
        channel.taken(SENDER, letter.reference)
    channel.taken(SENDER, letter.reference)
    assert list(channel.letters(SENDER)) == []


def a_tar(*members: tuple[str, bytes | None]) -> bytes:
    """An archive of these files; one without content is a link."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info, io.BytesIO(content or b""))
    return packed.getvalue()


FORM = f"{ACT}-3-1_9.xml"


ANNOUNCING = Exchange("3-1", ACT, date(2026, 12, 2), free_text="Les statuts", files=("a.pdf",))
ODD = {
    "link": (a_tar(("a.pdf", None), (FORM, b"<x/>")), FORM, [], "pas un fichier ordinaire"),
    "folder": (a_tar(("../../a.pdf", b"a"), (f"./{FORM}", b"<x/>")), FORM, ["a.pdf"], None),
    "twice": (a_tar(("a.pdf", b"a"), ("a.pdf", b"b"), (FORM, b"<x/>")), FORM, ["a.pdf", "a (2).pdf"], None),
    "again": (a_tar(("a.pdf", b"a"), ("x/a.pdf", b"a"), (FORM, b"<x/>")), FORM, ["a.pdf"], None),
    "names": (a_tar(("é\udce9\n.pdf", b"a"), (FORM, b"<x/>")), FORM, ["Ã©é_.pdf"], None),
    "bomb": (a_tar(("a.pdf", b"\0" * (1 << 20)), (FORM, b"<x/>")), None, [], "sans fin"),
    "cut": (
        gzip.compress(gzip.decompress(a_tar((FORM, b"<x/>"), ("a.pdf", PDF)))[:1100]),
        FORM,
        [],
        "coupée",
    ),
    "junk": (b"\x1f\x8b\x08 rien d'une archive", None, [], "abîmée"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", None, [], "son format"),
    "absent": (a_tar((FORM, write_exchange(ANNOUNCING))), FORM, [], "annonce « a.pdf »"),
    "no message": (a_tar(("a.pdf", b"a")), None, [], "aucun message"),
}


def test_an_odd_archive_is_read_as_far_as_it_can_be_and_kept_in_its_bytes_when_it_cannot(
    face, clock, tmp_path, monkeypatch
):
    channel, identifier, _ = acknowledged(face, clock, tmp_path, "3-1")
    office(face).ask(SENDER.siren, "2026_112", "2-1")
    first, second = office(face).letters(ACCOUNT)
    monkeypatch.setattr("app.channels.actes.s2low_letters.MAX_ANSWER", 1 << 20)
    real = face.operator._letter
    for case, (archive, name, files, words) in ODD.items():
        monkeypatch.setattr(
            face.operator,
            "_letter",
            lambda one, given=archive: given if one == first.reference else real(one),
        )
        odd, plain = channel.letters(SENDER)
        assert (plain.message, plain.trouble) == (second.message, None), case
        assert odd.about == About("2-1", identifier), case
        assert (words or "") in (odd.trouble or ""), case
        assert (odd.trouble is None) is (words is None), case
        if name is None:
            assert (odd.message, odd.files) == (archive, ()), case
            assert odd.message_name.startswith(f"courrier-{first.reference}."), case
        else:
            assert odd.message_name == name, case
            kept = [(one, data) for one, data in odd.files if data != archive]
            assert [one for one, _ in kept] == files, case
            assert (archive in [data for _, data in odd.files]) is (words is not None), case


TOOLS = {
    "tar": "tar czf {0} .",
    "tar of a folder": "tar czf {0} --transform 's,^,courrier/,' .",
    "tar of old": "tar --format=v7 -czf {0} .",
    "tar with links": "tar czf {0} --hard-dereference .",
    "tar bzip2": "tar cjf {0} .",
    "tar xz": "tar cJf {0} .",
    "tar alone": "tar cf {0} .",
    "bsdtar": "bsdtar czf {0} *",
    "bsdtar zip": "bsdtar --format=zip -cf {0} .",
    "7z tar": "7z a -ttar {0}.tar . >/dev/null && gzip -c {0}.tar > {0}",
    "7z zip": "7z a -tzip {0}.zip . >/dev/null && mv {0}.zip {0}",
    "gzip twice": "tar czf - . | gzip > {0}",
    "java, last first": "ls | sort -r | tar czf {0} -T -",
    "python, pax": "python3 -m tarfile -c {0}.tar . && gzip -c {0}.tar > {0}",
}


def test_a_letter_is_read_whatever_tool_made_its_archive(face, clock, tmp_path, monkeypatch):
    channel, _, _ = acknowledged(face, clock, tmp_path, "3-1")
    (reference,) = [one.reference for one in office(face).letters(ACCOUNT)]
    whole = tmp_path / "whole"
    whole.mkdir()
    with tarfile.open(fileobj=io.BytesIO(face.operator._letter(reference))) as tar:
        tar.extractall(whole, filter="data")
    (expected,) = channel.letters(SENDER)
    assert len(expected.files) == 1
    for rank, (tool, command) in enumerate(TOOLS.items()):
        target = tmp_path / f"made-{rank}"
        made = subprocess.run(command.format(target), shell=True, cwd=whole, capture_output=True)
        assert made.returncode == 0, (tool, made.stderr)
        monkeypatch.setattr(face.operator, "_letter", lambda _, given=target: given.read_bytes())
        assert list(channel.letters(SENDER)) == [expected], tool


def test_words_in_place_of_an_archive_are_no_letter_and_keep_no_other_from_coming(
    face, clock, tmp_path, monkeypatch
):
    channel, _, _ = acknowledged(face, clock, tmp_path, "3-1")
    office(face).ask(SENDER.siren, "2026_112", "2-1")
    first, second = office(face).letters(ACCOUNT)
    real = face.operator._letter
    for words in (b"", b"KO\nrien", b"Erreur d'initialisation", b"<pre class='xdebug-var-dump'>x</pre>"):
        monkeypatch.setattr(
            face.operator, "_letter", lambda one, given=words: given if one == first.reference else real(one)
        )
        with pytest.raises(Interrupted, match="ne donne pas l’échange") as interrupted:
            channel.letters(SENDER)
        (letter,) = interrupted.value.letters
        assert letter.message == second.message


def test_a_message_that_cannot_be_understood_keeps_its_bytes_and_its_files(face, clock, tmp_path):
    channel, _, _ = acknowledged(face, clock, tmp_path, "3-1")
    broken = b"<actes:Demande \xe9 sans fin"
    face.operator.scenario.scripted[ARCHIVE] = a_tar(("a.pdf", PDF), (FORM, broken), ("lisez.txt", b"\xff\0"))
    (letter,) = channel.letters(SENDER)
    assert (letter.message, letter.message_name) == (broken, FORM)
    assert letter.files == (("a.pdf", PDF), ("lisez.txt", b"\xff\0"))


@pytest.mark.parametrize(
    "place",
    [
        "https://localhost:{port}/modules/actes/actes_download_file.php?env=1",
        "http://127.0.0.1:{port}/modules/actes/actes_download_file.php?env=1",
        "https://127.0.0.1/modules/actes/actes_download_file.php?env=1",
        "/modules/actes/index.php",
        "/api/actes_download_file.php?env=1",
        "actes_download_file.php?env=1&file=2",
        "actes_download_file.php?env=un",
        "actes_download_file.php",
    ],
)
def test_only_the_archive_at_the_operator_s_own_address_is_fetched(face, clock, tmp_path, monkeypatch, place):
    channel, _, _ = acknowledged(face, clock, tmp_path, "3-1")
    led = Response("", 302, {"Location": place.format(port=face.port)})
    monkeypatch.setattr(face.operator, "_actes_transac_get_document", lambda _: led)
    with pytest.raises(Unreachable, match="page de connexion"):
        channel.letters(SENDER)
    assert asked(face)[-1] == EXCHANGES


def test_an_archive_is_not_sought_behind_a_second_redirect(face, clock, tmp_path, monkeypatch):
    channel, _, _ = acknowledged(face, clock, tmp_path, "3-1")
    led = Response("", 302, {"Location": "actes_download_file.php?env=1"})
    monkeypatch.setattr(face.operator, "_actes_download_file", lambda _: led)
    with pytest.raises(Unreachable, match="page de connexion"):
        channel.letters(SENDER)
    assert asked(face).count(ARCHIVE) == 1


# byte for byte


def test_the_samples_are_understood_through_the_wire(face, clock, tmp_path):
    channel, parcel, letter = to_answer(face, clock, tmp_path)
    package, said = channel.package(parcel, tmp_path), face.operator.scenario.scripted
    said[LISTED] = (SAMPLES / "list-document-prefecture.json").read_bytes()
    said[ARCHIVE] = a_tar((FORM, letter.message))
    said["actes_transac_get_document.php"] = said[ARCHIVE]
    assert [one.reference for one in channel.letters(SENDER)] == [f"{SENDER.siren}/701"]
    said["document_prefecture_mark_as_read.php"] = (SAMPLES / "mark-as-read.json").read_bytes()
    channel.taken(SENDER, f"{SENDER.siren}/701")
    said["actes_transac_get_document.php"] = b"2-21-702\n"
    said[REPLY] = (SAMPLES / "reponse-create-get-api-ok.txt").read_bytes()
    assert channel.send(parcel, package) == f"{SENDER.siren}/703"
    said[REPLY] = b"OK\n703\n\n"
    assert channel.send(parcel, package) == f"{SENDER.siren}/703"
    said[REPLY] = (SAMPLES / "reponse-create-get-api-ko.txt").read_bytes()
    with pytest.raises(Unreachable, match="refuse le compte technique"):
        channel.send(parcel, package)
    cancel = a_followup(tmp_path, "6-1", ACT, deposit=f"{SENDER.siren}/666")
    said["actes_transac_get_document.php"] = (SAMPLES / "get-document-liste.txt").read_bytes()
    said[CANCEL] = (SAMPLES / "cancel-ok.txt").read_bytes()
    assert sent(channel, tmp_path, cancel) == f"{SENDER.siren}/704"


def test_the_face_answers_in_the_bytes_of_the_samples(face, clock, tmp_path):
    import requests

    _, _, deposit = acknowledged(face, clock, tmp_path, "3-1")
    session = requests.Session()
    session.trust_env = False
    session.verify, session.cert = str(face.authority.pem), str(face.accounts / SENDER.siren / "client.pem")
    base = f"https://127.0.0.1:{face.port}/modules/actes"
    act = deposit.rpartition("/")[2]
    listed = session.get(f"{base}/api/list_document_prefecture.php")
    (row,) = listed.json()
    told = {b"2026_112": b"2026_057", b"20261119-2026": b"20261201-2026"}
    seen = listed.content.replace(b'"id": %d' % row["id"], b'"id": 701')
    seen = seen.replace(b'_id": %d' % int(act), b'_id": 666')
    for ours, theirs in told.items():
        seen = seen.replace(ours, theirs)
    assert seen == (SAMPLES / "list-document-prefecture.json").read_bytes()
    exchanges = session.get(f"{base}/actes_transac_get_document.php", params={"id": act})
    sample = (SAMPLES / "get-document-liste.txt").read_bytes().splitlines(keepends=True)
    assert exchanges.content.replace(b"-%d" % row["id"], b"-701") == sample[0]
    form = {"id": row["id"], "type_envoie": 4, "type_acte": "99_DE"}
    path, file = f"{base}/actes_transac_reponse_create.php", {"acte_pdf_file": ("a.pdf", PDF)}
    for query, ok in (({"api": 1}, "reponse-create-get-api-ok.txt"), ({}, "cancel-ok.txt")):
        answer = session.post(path, params=query, data=form, files=file).content
        number = answer.split()[-1]
        expected = (SAMPLES / ok).read_bytes()
        assert answer == expected.replace(expected.split()[-1], number)
    cancelled = session.post(f"{base}/actes_transac_cancel.php", data={"api": 1, "id": act}).content
    assert cancelled == (SAMPLES / "cancel-ok.txt").read_bytes().replace(b"704", cancelled.split()[-1])
    read = session.get(
        f"{base}/api/document_prefecture_mark_as_read.php", params={"transaction_id": row["id"]}
    )
    assert read.content == (SAMPLES / "mark-as-read.json").read_bytes()
    assert session.get(f"{base}/api/list_document_prefecture.php").content == b"[]"
    session.close()
