"""Whom Paraphe calls is whom it judged: hostile addresses, names that change their mind, answers without end."""

import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from app.core import addresses
from app.core.addresses import AddressRefusedError, Allowed, entry_of, is_public, read
from app.core.outside import (
    Bounds,
    Conversation,
    ForbiddenError,
    LostError,
    TooLongError,
    UnreachableError,
    body,
    exchange,
)
from app.trust.network import Outside

QUICK = Bounds(2.0, 2.0, 5.0)
WRITTEN = (
    "http://{here}\\@ocsp.good.fr/../latest/meta-data/iam?x=1",  # two readers, two hosts: it went to the first
    "http://ocsp.good.fr\\@{here}/x",
    "http://ocsp.good.fr@{here}/x",
    "http://user:word@ocsp.good.fr/",
    "http://{here}#@ocsp.good.fr/",
    "http://ocsp.good.fr/a b",
    "http://ocsp.good.fr/\r\nHost: {here}",
    "http://ocsp.good.fr\t/x",
    "http://ocsp.good.fr\x00.{here}/",
    " http://ocsp.good.fr/",
    "http://ocsp.good.fr/é",
    "http://ｏcsp.good.fr/",
    "http://127。0。0。1/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://1.2.3.4./",
    "http://good.fr./",
    "http://a..good.fr/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://::1/",
    "http://good.fr:0/",
    "http://good.fr:65536/",
    "http://good.fr:٨٠/",
    "http:///x",
    "http:good.fr",
    "//good.fr/",
    "ldap://good.fr/cn=x",
    "file:///etc/passwd",
    "gopher://good.fr/",
    "http://good.fr/" + "a" * 2048,
)
REFUSED = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "::127.0.0.1",
    "ff02::1",
    "2001:db8::1",
    "fd00:ec2::254",
)
PUBLIC = (
    "93.184.216.34",
    "8.8.8.8",
    "2606:2800:220:1::1",
    "::ffff:93.184.216.34",
    "2a01:e0a::1",
    "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
)


@contextmanager
def listener(answer: str = "", raw: bytes = b"") -> Iterator[SimpleNamespace]:
    """A server of this machine: what it was asked, and where it is; it leads to `answer`, or says `raw` drop by drop."""
    heard: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers["Host"]))
            if raw:
                try:
                    while True:
                        self.wfile.write(raw)
                        self.wfile.flush()
                        time.sleep(0.02)
                except OSError:
                    return
            self.send_response(302 if answer else 200)
            if answer:
                self.send_header("Location", answer)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield SimpleNamespace(host=f"127.0.0.1:{server.server_port}", port=server.server_port, heard=heard)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(url: str, allowed: Allowed, bounds: Bounds = QUICK) -> bytes:
    with exchange("GET", url, allowed, bounds) as answer:
        return body(answer, 100_000)


def leads(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[str]:
    """Let names lead to these addresses, one after the other; the names that were asked for."""
    asked_for: list[str] = []
    rows = iter(found)

    def resolved(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked_for.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in next(rows).split()]

    real = addresses.socket
    double = SimpleNamespace(getaddrinfo=resolved, SOCK_STREAM=real.SOCK_STREAM)
    monkeypatch.setattr(addresses, "socket", double)
    return asked_for


def test_an_address_that_two_readers_could_part_in_two_ways_is_never_called() -> None:
    with listener() as here:
        everybody = Allowed.listed(["ocsp.good.fr", "good.fr"])
        for url in WRITTEN:
            with pytest.raises(ForbiddenError) as refused:
                told(url.format(here=here.host), everybody)
            assert refused.value.why == "written", url
        assert here.heard == []
    plain = read("HTTP://OCSP.Good.fr:8080?a=/@b")
    assert (plain.scheme, plain.host, plain.port, plain.path) == ("http", "ocsp.good.fr", 8080, "/?a=/@b")
    assert read("https://[2A01:E0A:0::1]/x").url == "https://[2a01:e0a::1]/x"


def test_an_address_is_public_once_what_it_hides_is_seen() -> None:
    assert [one for one in REFUSED if is_public(ipaddress.ip_address(one))] == []
    assert [one for one in PUBLIC if not is_public(ipaddress.ip_address(one))] == []


def test_a_host_is_asked_on_the_ports_that_the_list_gives() -> None:
    allowed = Allowed.listed(["ocsp.good.fr", "crl.good.fr:8080", "127.0.0.1:9", "[fd00::1]:443"])
    for url in (
        "http://ocsp.good.fr/",
        "https://ocsp.good.fr/",
        "http://crl.good.fr:8080/",
        "https://[fd00::1]/",
    ):
        allowed.judge(read(url))
    for url in (
        "http://ocsp.good.fr:8080/",
        "http://crl.good.fr/",
        "http://127.0.0.1/",
        "http://x.ocsp.good.fr/",
    ):
        with pytest.raises(AddressRefusedError):
            allowed.judge(read(url))
    for url, why in (
        ("http://x.fr:8259/", "port"),
        ("http://a.localhost/", "host"),
        ("http://metadata.google.internal/", "host"),
    ):
        with pytest.raises(AddressRefusedError) as refused:
            Allowed(anybody=True).judge(read(url))
        assert refused.value.why == why


def test_a_name_leads_inside_only_where_the_settings_list_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as here:
        url = f"http://ocsp.good.fr:{here.port}/crl"
        name = entry_of(url)
        leads(
            monkeypatch, *["127.0.0.1"] * 2, "93.184.216.34 127.0.0.1", "169.254.169.254", *["127.0.0.1"] * 2
        )
        inside = (
            Allowed.listed([name]),
            Allowed.listed([name, "10.0.0.0/8", "127.0.0.1:1"]),
            Allowed.listed([name]),  # one bad address among good ones
            Allowed(inside=[name]),  # an address of the settings: never where clouds tell their secrets
        )
        for allowed in inside:
            with pytest.raises(ForbiddenError) as refused:
                told(url, allowed)
            assert refused.value.why == "inside"
        assert here.heard == []
        assert told(url, Allowed.listed([name, here.host])) == b"ok"
        assert told(url, Allowed(inside=[name])) == b"ok"
        assert here.heard == [("/crl", f"ocsp.good.fr:{here.port}")] * 2, "the Host header keeps the name"


def test_a_name_that_changes_its_mind_is_asked_once_and_called_where_it_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listener() as here:
        asked_for = leads(monkeypatch, "127.0.0.1", "127.0.0.9")
        url = f"http://ocsp.good.fr:{here.port}/"
        assert told(url, Allowed(inside=[entry_of(url)])) == b"ok"
        assert asked_for == ["ocsp.good.fr"]


def test_a_redirect_is_judged_as_the_first_address_was() -> None:
    with listener() as elsewhere:
        with listener(f"http://{elsewhere.host}/secret") as here:
            with pytest.raises(UnreachableError):
                Outside.listed([here.host], 2.0).get(f"http://{here.host}/", "*/*")
            assert elsewhere.heard == []
            assert (
                Outside.listed([here.host, elsewhere.host], 2.0).get(f"http://{here.host}/", "*/*") == b"ok"
            )
        with listener("/again") as round_, pytest.raises(UnreachableError):
            Outside.listed([round_.host], 2.0).get(f"http://{round_.host}/", "*/*")
        assert len(round_.heard) == 4


def test_an_answer_without_end_is_cut_wherever_it_lasts() -> None:
    drip, short = b"HTTP/1.1 200 OK\r\nX: y\r\n", Bounds(2.0, 2.0, 0.3)
    cases = (
        (b"X-Slow: 1\r\n", short, UnreachableError),  # headers that never end
        (
            b"HTTP/1.0 200 OK\r\n\r\nword",
            short,
            LostError,
        ),  # a body without a length looks whole where it is cut
        (b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n" + b"a" * 60_000, QUICK, TooLongError),
        (drip * 3000, QUICK, LostError),
    )
    for raw, bounds, kind in cases:
        with listener(raw=raw) as here:
            begun = time.monotonic()
            with pytest.raises(kind):
                told(f"http://{here.host}/", Allowed.listed([here.host]), bounds)
            assert time.monotonic() - begun < 4


def test_a_proxy_and_a_password_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as proxy, listener() as here:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
        assert told(f"http://{here.host}/", Allowed.listed([here.host])) == b"ok"
        assert (len(here.heard), proxy.heard) == (1, [])


def test_questions_of_one_conversation_share_a_connection_and_nothing_else() -> None:
    heard: list[tuple[int, str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            heard.append((self.client_address[1], self.path, self.headers["Cookie"]))
            self.send_response(200)
            self.send_header("Set-Cookie", "who=me; Path=/")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            if self.path == "/closes":
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    talk = Conversation(Allowed(inside=[f"127.0.0.1:{server.server_port}"]), QUICK)
    try:
        for path in ("/a", "/closes", "/b"):
            with talk.exchange("GET", url + path) as answer:
                assert body(answer, 10) == b"ok"
        with pytest.raises(ForbiddenError), talk.exchange("GET", "http://127.0.0.1:9/c"):
            pass
        with pytest.raises(ValueError, match="POST"), talk.exchange("POST", url):
            pass
    finally:
        talk.close()
        server.shutdown()
        thread.join()
        server.server_close()
    assert [path for _, path, _ in heard] == ["/a", "/closes", "/b"]
    assert heard[0][0] == heard[1][0] != heard[2][0]
    assert {cookie for _, _, cookie in heard} == {None}
