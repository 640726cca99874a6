"""A folder is handed over once, in a folder or to a webhook that can prove who sent it."""

import hmac
import http.server
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from app.channels.handover.channel import HandoverChannel
from app.channels.handover.settings import HandoverSettings
from app.channels.handover.signature import IDEMPOTENCY, SIGNATURE, TIMESTAMP, sign, verify
from app.core import security
from app.core.addresses import entry_of
from app.core.sealed import seal
from app.transmission.ports import AnswerKind, Rejected, Uncertain, Unreachable
from tests.channels.parcels import NOW, a_parcel

SECRET = "un secret de test bien long"


def delivered(channel, parcel, folder):
    return channel.send(parcel, channel.package(parcel, folder))


@contextmanager
def receiver(status=201, headers=(), answer=True):
    """A local receiving software; it keeps what it got."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), body))
            if answer:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/remise?service=finances", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def by_webhook(folder, url, clock=lambda: NOW, **changes):
    given = {"connect_seconds": 2, "answer_seconds": 2} | changes
    return HandoverChannel(
        HandoverSettings.inside(
            folder, folder=folder / "out", webhook_url=url, webhook_secret=SECRET, **given
        ),
        clock,
    )


@pytest.fixture(autouse=True)
def _installation() -> None:
    """What seals a secret: each of these tests may come first in its process."""
    security.configure("a secret of the tests, long enough to be taken")


def test_the_zip_lands_whole_in_the_collectivity_s_folder_with_a_receipt(tmp_path):
    channel = HandoverChannel(HandoverSettings.inside(tmp_path, folder=tmp_path / "out"), lambda: NOW)
    parcel = a_parcel(tmp_path / "store")
    package = channel.package(parcel, tmp_path)
    assert channel.find(parcel) is None
    reference = channel.send(parcel, package)
    assert (tmp_path / "out" / reference).read_bytes() == package.path.read_bytes()
    assert reference.startswith("212909998/dossier-57-")
    answer = channel.poll(parcel, reference)
    assert answer.kind is AnswerKind.ACKNOWLEDGED
    assert (answer.received_on, answer.simulated) == (NOW.date(), False)
    receipt = json.loads(answer.raw)
    assert (receipt["sha256"], receipt["mode"], receipt["key"]) == (package.sha256, "folder", parcel.key)


def test_a_second_hand_over_of_the_same_key_does_nothing(tmp_path):
    moments = iter([NOW, NOW + timedelta(days=1)])
    channel = HandoverChannel(
        HandoverSettings.inside(tmp_path, folder=tmp_path / "out"), lambda: next(moments)
    )
    parcel = a_parcel(tmp_path / "store")
    reference = delivered(channel, parcel, tmp_path)
    first, zipped = channel.poll(parcel, reference), tmp_path / "out" / reference
    before = zipped.stat()
    assert delivered(channel, parcel, tmp_path) == reference
    assert (zipped.stat().st_ino, zipped.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    zipped.unlink()
    assert delivered(channel, parcel, tmp_path) == reference
    assert not zipped.exists(), "the software took it away: it is not delivered again"
    assert channel.poll(parcel, reference) == first


def test_killed_between_delivery_and_receipt_it_delivers_once(tmp_path):
    channel = HandoverChannel(HandoverSettings.inside(tmp_path, folder=tmp_path / "out"), lambda: NOW)
    parcel = a_parcel(tmp_path / "store")
    reference = delivered(channel, parcel, tmp_path)
    (tmp_path / "out" / "212909998" / ".dossier-57-x.zip.abc.part").write_bytes(b"half")
    for receipt in (tmp_path / "out" / ".receipts").iterdir():
        receipt.unlink()
    assert channel.find(parcel) == reference
    assert delivered(channel, parcel, tmp_path) == reference
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED
    assert len(list((tmp_path / "out" / "212909998").glob("[!.]*.zip"))) == 1


def test_what_a_restoration_laid_aside_was_delivered(tmp_path):
    aside = tmp_path / "remises-restaurees"
    parcel = a_parcel(tmp_path)
    reference = delivered(
        HandoverChannel(HandoverSettings.inside(tmp_path, folder=aside), lambda: NOW), parcel, tmp_path
    )
    for receipt in (aside / ".receipts").iterdir():
        receipt.unlink()  # the copy was made before it was written
    channel = HandoverChannel(
        HandoverSettings.inside(tmp_path, folder=tmp_path / "out", aside=aside), lambda: NOW
    )
    assert (channel.find(parcel), delivered(channel, parcel, tmp_path)) == (reference, reference)
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED
    assert not (tmp_path / "out" / reference).exists()


def test_another_round_or_another_collectivity_has_its_own_delivery(tmp_path):
    channel = HandoverChannel(HandoverSettings.inside(tmp_path, folder=tmp_path / "out"), lambda: NOW)
    first = delivered(channel, a_parcel(tmp_path / "store"), tmp_path)
    second = a_parcel(tmp_path / "store", key="dossier-57-tour-2")
    assert channel.find(second) is None
    assert delivered(channel, second, tmp_path) != first
    assert channel.poll(second, first).kind is AnswerKind.PENDING


def test_the_receiver_verifies_the_signature_and_the_key_stays_the_same(tmp_path):
    with receiver() as (url, got):
        channel = by_webhook(tmp_path, url)
        parcel = a_parcel(tmp_path / "store")
        package = channel.package(parcel, tmp_path)
        reference = channel.send(parcel, package)
        assert channel.send(parcel, package) == reference
    ((path, headers, body),) = got
    assert path == "/remise?service=finances"
    assert body == package.path.read_bytes()
    assert headers["Content-Type"] == "application/zip"
    now = int(NOW.timestamp())
    assert verify(SECRET.encode(), headers[TIMESTAMP], body, headers[SIGNATURE], now)
    assert not verify(b"another secret, as long", headers[TIMESTAMP], body, headers[SIGNATURE], now)
    assert not verify(SECRET.encode(), headers[TIMESTAMP], body + b"x", headers[SIGNATURE], now)
    assert not verify(SECRET.encode(), str(now + 1), body, headers[SIGNATURE], now)
    assert not verify(SECRET.encode(), headers[TIMESTAMP], body, headers[SIGNATURE], now + 301)
    assert not verify(SECRET.encode(), "-1", body, "v1=é", now)
    by_hand = hmac.new(SECRET.encode(), headers[TIMESTAMP].encode() + b"." + body, "sha256").hexdigest()
    assert headers[SIGNATURE] == f"v1={by_hand}" == sign(SECRET.encode(), now, [body])
    answer = channel.poll(parcel, reference)
    assert json.loads(answer.raw)["http_status"] == 201
    assert answer.identifier == headers[IDEMPOTENCY]


def test_a_lost_answer_is_uncertain_and_posted_again_under_the_same_key(tmp_path):
    parcel = a_parcel(tmp_path / "store")
    with receiver(answer=False) as (url, lost):
        channel = by_webhook(tmp_path, url)
        package = channel.package(parcel, tmp_path)
        with pytest.raises(Uncertain):
            channel.send(parcel, package)
        assert channel.find(parcel) is None
    with receiver() as (url, got):
        by_webhook(tmp_path, url).send(parcel, package)
    assert lost[0][1][IDEMPOTENCY] == got[0][1][IDEMPOTENCY]
    assert lost[0][2] == got[0][2]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, Rejected),
        (307, Rejected),
        (400, Rejected),
        (404, Rejected),
        (429, Unreachable),
        (503, Unreachable),
        (500, Uncertain),
    ],
)
def test_only_a_2xx_is_a_delivery_and_no_redirect_is_followed(tmp_path, status, expected):
    parcel = a_parcel(tmp_path / "store")
    with receiver() as (elsewhere, reached), receiver(status, [("Location", elsewhere)]) as (url, got):
        channel = by_webhook(tmp_path, url)
        with pytest.raises(expected):
            delivered(channel, parcel, tmp_path)
    assert len(got) == 1
    assert reached == []
    assert channel.find(parcel) is None


def test_a_closed_port_is_unreachable_and_a_silent_receiver_uncertain(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        channel = by_webhook(tmp_path, f"http://127.0.0.1:{port}/", answer_seconds=0.2)
        with pytest.raises(Uncertain):
            delivered(channel, a_parcel(tmp_path / "store"), tmp_path)
    with pytest.raises(Unreachable):
        delivered(channel, a_parcel(tmp_path / "store"), tmp_path)


def test_a_receiver_that_does_not_speak_tls_gets_nothing(tmp_path):
    with receiver() as (url, got):
        channel = by_webhook(tmp_path, url.replace("http://", "https://"))
        with pytest.raises(Unreachable):
            delivered(channel, a_parcel(tmp_path / "store"), tmp_path)
    assert got == []


def test_a_collectivity_s_own_webhook_needs_its_own_secret(tmp_path):
    parcel = a_parcel(tmp_path / "store")
    with receiver() as (url, got):
        channel = HandoverChannel(
            HandoverSettings.inside(tmp_path, folder=tmp_path / "out", webhook_hosts=(entry_of(url),)),
            lambda: NOW,
        )
        own = {"handover_webhook_url": url, "handover_webhook_secret": seal("le secret de Kerlann")}
        theirs = a_parcel(tmp_path / "store", sender=replace(parcel.sender, settings=own))
        delivered(channel, theirs, tmp_path)
        alone = replace(parcel.sender, settings={"handover_webhook_url": url})
        assert [p.key for p in channel.check(a_parcel(tmp_path / "store", sender=alone))] == ["H02"]
        unread = replace(parcel.sender, settings={**own, "handover_webhook_secret": "le secret de Kerlann"})
        [problem] = channel.check(a_parcel(tmp_path / "store", sender=unread))
        # What is signed already is not sent back for it: it waits for another secret
        assert channel.hold_reason(a_parcel(tmp_path / "store", sender=unread)) == problem.sentence
        assert channel.hold_reason(theirs) is None
        assert "n’est plus lisible" in problem.sentence
    assert len(got) == 1


def test_a_collectivity_s_own_address_is_public_and_plain_unless_the_installation_lists_it(tmp_path):
    """A collectivity chooses its address: it must not choose a server of the network where Paraphe stands."""
    parcel = a_parcel(tmp_path / "store")

    def refusal(url, *hosts):
        own = {"handover_webhook_url": url, "handover_webhook_secret": seal(SECRET)}
        theirs = a_parcel(tmp_path / "store", sender=replace(parcel.sender, settings=own))
        settings = HandoverSettings.inside(
            tmp_path, folder=tmp_path / "out", webhook_hosts=hosts, connect_seconds=1
        )
        channel = HandoverChannel(settings, lambda: NOW)
        if problems := channel.check(theirs):
            return problems[0].sentence
        try:
            delivered(channel, theirs, tmp_path)
        except (Rejected, Unreachable, Uncertain) as error:
            return str(error)
        return ""

    with receiver() as (listening, got):
        host = entry_of(listening)
        port = int(host.rpartition(":")[2])
        for url in (
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://10.1.2.3/",
        ):
            assert "interne" in refusal(url), url
        for url in (
            f"http://127.0.0.1:{port}\\@finances.example.org/",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://",
        ):
            assert "mal écrite" in refusal(url, "finances.example.org"), url
        for url in (
            "https://a:b@finances.example.org/",
            "https://finances.example.org/é",
            "https://x.org/\r\nX: y",
        ):
            assert "mal écrite" in refusal(url), url
        assert "port 443" in refusal("https://finances.example.org:8443/")
        assert "https://" in refusal("http://finances.example.org/")
        assert refusal(listening, "192.168.1.2")
        assert got == []
        assert refusal(listening, host) == ""
        assert len(got) == 1


def test_a_webhook_without_a_real_secret_does_not_start(tmp_path):
    with pytest.raises(ValidationError, match="16"):
        HandoverSettings.inside(tmp_path, webhook_url="https://finances.example.org/", webhook_secret="court")


def test_a_folder_without_document_is_not_handed_over(tmp_path):
    channel = HandoverChannel(HandoverSettings.inside(tmp_path, folder=tmp_path / "out"), lambda: NOW)
    parcel = a_parcel(tmp_path / "store", files=())
    assert [problem.key for problem in channel.check(parcel)] == ["H01"]
    with pytest.raises(Rejected, match="document"):
        channel.package(parcel, tmp_path)
