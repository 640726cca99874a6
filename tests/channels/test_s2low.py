"""The adapter of S2LOW before each odd answer and each fall of the network: nothing is sent twice, nothing is taken for an answer."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from cryptography.x509.oid import ExtendedKeyUsageOID
from werkzeug.wrappers import Response

from app.channels.actes.channel import open_channel as open_actes
from app.channels.actes.s2low import S2lowActes
from app.channels.helios.channel import open_channel as open_helios
from app.transmission.ports import AccountRefused, AnswerKind, Rejected, Uncertain, Unreachable
from app.transmission.s2low.probe import fault
from demo.s2low import LOGIN_PAGE, REFUSED
from tests.builders.s2low import Authority, a_face
from tests.channels.parcels import NOW, PDF, SENDER, a_flow, a_parcel

SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "s2low"
OPEN = {"actes": open_actes, "helios": open_helios}
DEPOSIT = {"actes": "actes_transac_create.php", "helios": "helios_importer_fichier.php"}


@pytest.fixture(autouse=True)
def day():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture
def face(tls, tmp_path):
    tls.world(tmp_path / "world")
    return tls


@pytest.fixture(params=["actes", "helios"])
def name(request):
    return request.param


def through(face, name, **more):
    received = face.operator.actes.folder / "received"
    given = {f"{name}_transport": "s2low", "actes_classification_folder": received}
    return OPEN[name](SimpleNamespace(**given, data_dir=received.parent, s2low=face.settings(**more)))


def made(name, folder, **changes):
    if name == "helios":
        return a_flow(folder / "store", "F_261120", **changes)
    return a_parcel(folder / "store", facts={"number": "2026_112"}, **changes)


def play(face, name, play):
    """Have the simulator behind the operator answer the next deposit this way."""
    behind = face.operator._treasury if name == "helios" else face.operator._prefecture
    behind.scenarios.prepare(play)


def deposits(face):
    """How many deposits the other side holds."""
    actes, helios = face.operator.actes.folder, face.operator.helios.folder
    return len(list(actes.glob("numbers/*/*.json"))) + len(list(helios.glob("names/*/*.json")))


# what was taken, and what nobody knows


@pytest.mark.parametrize("fate", ["lost", "broken", "empty"])
def test_an_answer_lost_after_acceptance_is_unknown_then_found_and_not_sent_again(face, name, fate, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.next[DEPOSIT[name]] = [fate]
    with pytest.raises(Uncertain):
        channel.send(parcel, package)
    reference = channel.find(parcel)
    assert reference
    # Release 6 reads no other bound than `min_date` (D5): without it the whole history is walked
    assert set(face.operator.scenario.since) == {str(NOW.date() - timedelta(days=1))}
    assert channel.send(parcel, package) == reference
    assert deposits(face) == 1
    assert [one.rsplit("/", 1)[-1] for one in face.operator.scenario.paths].count(DEPOSIT[name]) == 1


def test_the_other_side_accepts_and_says_nothing(face, name, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    play(face, name, "lost")
    with pytest.raises(Uncertain):
        channel.send(parcel, channel.package(parcel, tmp_path))
    assert channel.find(parcel)
    assert deposits(face) == 1


def test_a_connexion_cut_before_acceptance_is_unknown_and_the_flow_is_not_found(face, name, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.next[DEPOSIT[name]] = ["cut"]
    with pytest.raises(Uncertain):
        channel.send(parcel, package)
    assert (channel.find(parcel), deposits(face)) == (None, 0)
    assert channel.send(parcel, package)
    assert deposits(face) == 1


def test_a_login_page_is_no_acquit_and_no_receipt(face, name, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    said = face.operator.scenario.scripted
    said["helios_download_acquit.php"] = said["actes_transac_get_ARActe.php"] = LOGIN_PAGE
    said["actes_transac_get_status.php"] = b"OK\n5\n"
    with pytest.raises(AccountRefused):
        channel.poll(parcel, reference)


def test_a_redirect_out_of_the_module_is_no_file_that_is_late(face, name, tmp_path):
    """Release 6 leads whoever may not to `/` or to its login: before, a redirect said that nothing had come yet."""
    channel, parcel = through(face, name), made(name, tmp_path)
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    scenario = face.operator.scenario
    scenario.scripted["actes_transac_get_status.php"] = b"OK\n5\n"
    path = {"actes": "actes_transac_get_ARActe.php", "helios": "helios_download_acquit.php"}[name]
    for fate in ("home", "door"):
        scenario.next[path] = [fate]
        with pytest.raises(AccountRefused, match="n’est plus accepté"):
            channel.poll(parcel, reference)
    module = Response("", 302, {"Location": f"/modules/{name}/index.php"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face.operator, f"_{path.removesuffix('.php')}", lambda _: module)
        assert channel.poll(parcel, reference).kind is AnswerKind.PENDING
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED


def test_a_door_that_is_shut_or_an_outage_takes_nothing_and_refuses_nothing(face, name, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    package = channel.package(parcel, tmp_path)
    for fate in ("login", "outage", "home", "door", "archivist", REFUSED):
        for path in (DEPOSIT[name], "*"):
            face.operator.scenario.next[path] = [fate]
            with pytest.raises(Unreachable) as closed:
                channel.send(parcel, package)
            assert isinstance(closed.value, AccountRefused) is (fate != "outage"), (fate, path)
            assert deposits(face) == 0


@pytest.mark.parametrize("fate", ["login", "outage", "cut", "lost", "broken"])
def test_a_question_that_fails_is_asked_again_later_and_decides_nothing(face, name, fate, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    face.operator.scenario.next["*"] = [fate]
    with pytest.raises(Unreachable):
        channel.poll(parcel, reference)
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED


def test_an_operator_out_of_reach_does_not_forbid_to_deposit_but_forbids_to_send(face, name, tmp_path):
    channel = through(face, name, url="https://127.0.0.1:1", connect_seconds=1)
    parcel = made(name, tmp_path)
    assert channel.check(parcel) == []
    package = channel.package(parcel, tmp_path)
    with pytest.raises(Unreachable):
        channel.send(parcel, package)


# who speaks to whom


def test_a_server_that_another_authority_certified_is_given_nothing(face, name, tmp_path):
    stranger = Authority(tmp_path, "autorite-inconnue")
    channel, parcel = through(face, name, ca_file=stranger.pem), made(name, tmp_path)
    package = channel.package(parcel, tmp_path)
    with pytest.raises(Unreachable):
        channel.send(parcel, package)
    assert face.operator.scenario.paths == []


def test_a_client_certificate_of_another_authority_gets_no_answer(face, name, tmp_path):
    Authority(tmp_path, "autorite-inconnue").issue(tmp_path / "own" / SENDER.siren / "client.pem", "Kerlann")
    channel, parcel = through(face, name, folder=tmp_path / "own"), made(name, tmp_path)
    with pytest.raises((Unreachable, Uncertain)):
        channel.send(parcel, channel.package(parcel, tmp_path))
    assert face.operator.scenario.paths == []


def test_a_collectivity_without_certificate_is_told_whom_to_ask(face, name, tmp_path):
    channel, parcel = through(face, name, folder=tmp_path / "empty"), made(name, tmp_path)
    with pytest.raises(Unreachable, match="n’a pas de certificat pour l’opérateur"):
        channel.find(parcel)


def test_a_certificate_that_cannot_identify_a_client_is_told_from_the_moment_it_is_put_there(
    face, name, tmp_path
):
    own = tmp_path / "own" / SENDER.siren / "client.pem"
    channel, parcel = through(face, name, folder=tmp_path / "own"), made(name, tmp_path)
    package = channel.package(parcel, tmp_path)
    settings = face.settings(folder=tmp_path / "own")
    face.authority.issue(own, "Kerlann", usages=(ExtendedKeyUsageOID.SERVER_AUTH,))
    for ask in (lambda: channel.find(parcel), lambda: channel.send(parcel, package)):
        with pytest.raises(AccountRefused, match="usage « TLS client » absent"):
            ask()
    assert "usage « TLS client » absent" in (fault(settings, SENDER.siren) or "")
    own.write_bytes(b"nothing")
    with pytest.raises(AccountRefused, match="illisible"):
        channel.find(parcel)
    assert face.operator.scenario.paths == []
    for fit in ((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH), ()):
        face.authority.issue(own, "Kerlann", usages=fit)
        assert fault(settings, SENDER.siren) is None
    assert channel.send(parcel, package)


def test_an_operator_that_hears_no_password_refuses_the_account_and_takes_nothing(face, name, tmp_path):
    account = face.accounts / SENDER.siren / "compte"
    channel, parcel = through(face, name), made(name, tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.basic = False
    account.write_text("paraphe\nsécret\n", "utf-8")
    try:
        with pytest.raises(AccountRefused, match="deux lignes, sans accents"):
            channel.find(parcel)
        assert "sans accents" in (fault(face.settings(), SENDER.siren) or "")
        account.write_text("paraphe\nsecret\n", "ascii")
        for ask in (lambda: channel.find(parcel), lambda: channel.send(parcel, package)):
            with pytest.raises(AccountRefused, match="compte technique"):
                ask()
    finally:
        account.unlink()
    assert deposits(face) == 0
    assert channel.send(parcel, package)  # the certificate alone is enough, as docs/operations.md says


def test_the_technical_account_is_told_when_there_is_one(face, tmp_path):
    (face.accounts / SENDER.siren / "compte").write_text("paraphe\nsecret\n", "ascii")
    seen = []
    real = face.operator.__class__._list_pes_aller
    face.operator._list_pes_aller = lambda request: (
        seen.append(request.authorization) or real(face.operator, request)
    )
    try:
        through(face, "helios").find(made("helios", tmp_path))
    finally:
        (face.accounts / SENDER.siren / "compte").unlink()
        del face.operator._list_pes_aller
    assert (seen[0].username, seen[0].password) == ("paraphe", "secret")


# odd answers, byte for byte


def test_the_samples_are_understood_through_the_wire(face, tmp_path):
    channel, parcel = through(face, "actes"), made("actes", tmp_path)
    said = face.operator.scenario.scripted
    package = channel.package(parcel, tmp_path)
    said["list_actes.php"] = b'{"transactions":[]}'
    said["actes_transac_create.php"] = (SAMPLES / "create-ok.txt").read_bytes()
    assert channel.send(parcel, package) == f"{SENDER.siren}/666"
    for sample, words in (("create-ko-doublon.txt", "suffixe"), ("create-ko-numero.txt", "numéro")):
        said["actes_transac_create.php"] = (SAMPLES / sample).read_bytes()
        with pytest.raises(Rejected, match=words):
            channel.send(parcel, package)
    said["actes_transac_get_status.php"] = (SAMPLES / "status-3.txt").read_bytes()
    assert channel.poll(parcel, f"{SENDER.siren}/666").raw is None
    said["actes_transac_get_status.php"] = (SAMPLES / "status-moins1.txt").read_bytes()
    refused = channel.poll(parcel, f"{SENDER.siren}/666")
    assert (refused.kind, refused.raw) == (AnswerKind.REFUSED, said["actes_transac_get_status.php"][6:])
    assert "SIREN non enregistré" in refused.reason
    # A receipt for another act: kept, and decides nothing.
    said["actes_transac_get_status.php"] = (SAMPLES / "status-4-ar.txt").read_bytes()
    other = channel.poll(parcel, f"{SENDER.siren}/666")
    assert (other.kind, other.raw) == (AnswerKind.PENDING, said["actes_transac_get_status.php"][5:])


def test_an_act_refused_by_the_operator_alone_comes_back_with_its_words(face, tmp_path):
    channel, parcel = through(face, "actes"), made("actes", tmp_path)
    face.operator.scenario.scripted["actes_transac_get_status.php"] = (
        "OK\n-1\nLe fichier est infecté.".encode("latin-1")
    )
    answer = channel.poll(parcel, f"{SENDER.siren}/1")
    assert (answer.kind, answer.raw) == (AnswerKind.REFUSED, None)
    assert answer.reason == "L’opérateur refuse l’envoi : Le fichier est infecté."


@pytest.mark.parametrize("status", [5, 12, 13, 14, 19, 20, 22])
def test_a_later_state_no_longer_brings_the_receipt_which_is_then_asked_alone(face, status, tmp_path):
    channel, parcel = through(face, "actes"), made("actes", tmp_path)
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    receipt = channel.poll(parcel, reference)
    face.operator.scenario.scripted["actes_transac_get_status.php"] = f"OK\n{status}\n".encode()
    assert channel.poll(parcel, reference) == receipt


def test_an_unstamped_pdf_under_200_is_not_taken_for_the_stamped_copy(face, tmp_path):
    channel, parcel = through(face, "actes"), made("actes", tmp_path)
    reference = channel.send(parcel, channel.package(parcel, tmp_path))
    transport = S2lowActes(face.settings())
    said = face.operator.scenario.scripted
    said["actes_download_file.php"] = PDF
    assert transport.stamped(reference, parcel.files[0].sha256) is None
    said["actes_download_file.php"] = PDF + b"tampon"
    assert transport.stamped(reference, parcel.files[0].sha256) == PDF + b"tampon"


def test_an_account_that_may_not_list_flows_blocks_the_sending_and_says_why(face, tmp_path):
    channel, parcel = through(face, "helios"), made("helios", tmp_path)
    package = channel.package(parcel, tmp_path)
    face.operator.scenario.scripted["list_pes_aller.php"] = (
        b'{"error":"L\'utilisateur n\'est pas archiviste"}'
    )
    with pytest.raises(Unreachable, match="archiviste"):
        channel.send(parcel, package)
    assert deposits(face) == 0


@pytest.mark.parametrize("status", [1, 2, 3, 7, 9])
def test_a_flow_that_waits_for_a_window_or_a_quota_is_only_waited_for(face, status, tmp_path):
    channel, parcel = through(face, "helios"), made("helios", tmp_path)
    raw = (SAMPLES / "helios-status.xml").read_bytes()
    face.operator.scenario.scripted["helios_transac_get_status.php"] = raw.replace(
        b">4<", f">{status}<".encode()
    )
    answer = channel.poll(parcel, "905")
    assert (answer.kind, answer.raw) == (AnswerKind.PENDING, None)


@pytest.mark.parametrize(("status", "words"), [(-1, "refuse le flux"), (0, "a annulé le flux")])
def test_a_flow_refused_or_cancelled_by_the_operator_comes_back(face, status, words, tmp_path):
    channel, parcel = through(face, "helios"), made("helios", tmp_path)
    raw = (SAMPLES / "helios-status.xml").read_bytes()
    face.operator.scenario.scripted["helios_transac_get_status.php"] = raw.replace(
        b">4<", f">{status}<".encode()
    )
    answer = channel.poll(parcel, "905")
    assert answer.kind is AnswerKind.REFUSED
    assert words in answer.reason


def test_a_partial_acquit_and_a_refused_act_come_through(face, name, tmp_path):
    channel, parcel = through(face, name), made(name, tmp_path)
    play(face, name, "partial" if name == "helios" else "refusal")
    answer = channel.poll(parcel, channel.send(parcel, channel.package(parcel, tmp_path)))
    assert answer.kind is (AnswerKind.PARTIAL if name == "helios" else AnswerKind.REFUSED)
    assert b"FACTICE" in answer.raw


def test_a_factice_answer_decides_nothing_when_the_operator_is_said_to_be_real(face, name, tmp_path):
    channel, parcel = through(face, name, simulated=False), made(name, tmp_path)
    answer = channel.poll(parcel, channel.send(parcel, channel.package(parcel, tmp_path)))
    assert (answer.kind, bool(answer.raw)) == (AnswerKind.PENDING, True)
    assert "FACTICE" in answer.reason


# the simulator's face speaks as S2LOW does


def test_the_face_answers_in_the_bytes_of_the_samples(face, tmp_path):
    import requests

    session = requests.Session()
    session.trust_env = False
    session.verify, session.cert = str(face.authority.pem), str(face.accounts / SENDER.siren / "client.pem")
    base = f"https://127.0.0.1:{face.port}/modules"
    channel, parcel = through(face, "actes"), made("actes", tmp_path)
    channel.send(parcel, channel.package(parcel, tmp_path))
    form = {"number": "2026_112", "type_acte": "99_DE"}
    twice = session.post(f"{base}/actes/actes_transac_create.php", data=form, files={"acte_pdf_file": PDF})
    assert twice.content == (SAMPLES / "create-ko-doublon.txt").read_bytes()
    unknown = session.get(f"{base}/actes/actes_transac_get_status.php", params={"transaction": 99})
    assert unknown.content == (SAMPLES / "status-ko.txt").read_bytes()
    known = session.get(f"{base}/actes/actes_transac_get_status.php", params={"transaction": 1})
    assert known.content.startswith((SAMPLES / "status-4-ar.txt").read_bytes()[:50])

    flow = a_flow(tmp_path / "store", "F1").files[0].path.read_bytes()
    api = f"{base}/helios/api"
    first = session.post(f"{api}/helios_importer_fichier.php", files={"enveloppe": ("f.xml", flow)})
    assert first.content.replace(b">1<", b">905<") == (SAMPLES / "helios-import-ok.xml").read_bytes()
    second = session.post(f"{api}/helios_importer_fichier.php", files={"enveloppe": ("f.xml", flow)})
    assert second.content == (SAMPLES / "helios-import-ko.xml").read_bytes()
    state = session.get(f"{api}/helios_transac_get_status.php", params={"transaction": 1})
    assert state.content.replace(b">1<", b">905<") == (SAMPLES / "helios-status.xml").read_bytes()
    session.close()


# the classification


def test_the_classification_comes_in_its_very_bytes_and_is_asked_for_once_a_week(face):
    channel = through(face, "actes")
    asked = face.operator.scenario.paths
    days = []
    for ahead in range(7):
        with time_machine.travel(NOW + timedelta(days=ahead), tick=False):
            asked.clear()
            found, new = channel.renew_classification(SENDER.siren)
            days.append(sum(one.endswith("classification_request.php") for one in asked))
        assert (found.dated, new) == (channel.classification_of(SENDER.siren).dated, False)
    assert sorted(days) == [0, 0, 0, 0, 0, 0, 1]


def test_an_operator_without_classification_is_asked_for_one_and_the_former_stays(face):
    channel = through(face, "actes")
    before = channel.classification_of(SENDER.siren)
    face.operator.scenario.scripted["actes_classification_fetch.php"] = b"KO\nAucune classification\n"
    with pytest.raises(Rejected, match="vient d’être demandée"):
        channel.renew_classification(SENDER.siren)
    assert any(one.endswith("classification_request.php") for one in face.operator.scenario.paths)
    assert channel.classification_of(SENDER.siren) == before
    # An account that is refused has none either: nothing is asked for, and it is told as what it is.
    face.operator.scenario.paths.clear()
    face.operator.scenario.scripted["actes_classification_fetch.php"] = REFUSED.encode("latin-1")
    with pytest.raises(AccountRefused, match="compte technique"):
        channel.renew_classification(SENDER.siren)
    assert not any(one.endswith("classification_request.php") for one in face.operator.scenario.paths)
    assert channel.classification_of(SENDER.siren) == before
