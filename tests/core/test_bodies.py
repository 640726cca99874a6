"""What a stranger sends is not read: no memory, no disk; and JSON has the same bounds on both databases."""

import gc
import io
import re

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from app.core.bodies import parsed
from app.core.refusals import Refusal
from tests.api.software import Software
from tests.builders.house import House
from workflows.vocabulary import Right

FILES = ("api", "verifier", "deposer", "documents", "import", "photo", "logo", "certificats")
HUGE = 100 * 1024 * 1024
BOUNDS = (
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "-Infinity",
    "9007199254740992",
    "-9007199254740992",
    "9" * 5000,
    "1e21",
    "-1.5e300",
    "1e-400",
)
DEEP = ("[" * 33 + "]" * 33, '{"a":' * 40 + "1" + "}" * 40, "[" * 200_000, "[" + "{}," * 60_000 + "{}]")


class Flood(io.RawIOBase):
    """A body of 100 MB that is made as it is read; how much of it was."""

    def __init__(self, head: bytes = b"") -> None:
        self.head, self.given = head, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        many = min(len(buffer), 65536, HUGE - self.given)
        if not many:
            return 0
        part = (self.head[self.given : self.given + many] or b"").ljust(many, b"{")
        buffer[:many] = part
        self.given += many
        return many


class WrongChunk(io.BytesIO):
    """What gunicorn raises while a wrong chunk is read is none of Python's own errors."""

    def read(self, *_sizes: object) -> bytes:
        raise type("InvalidChunkSize", (Exception,), {})

    readline = readinto = read  # type: ignore[assignment]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # a file that is cut is left to the collector
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_hundred_megabytes_from_a_stranger_are_not_read_wherever_they_are_sent(house: House) -> None:
    """One GET of 60 MB of JSON took 1.8 GB of memory, and a form of 200 MB went to the disk before its token was asked."""
    asked = [("/nowhere", "POST"), ("/static/css/paraphe.css", "POST")]
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        asked += [(path, method) for method in (rule.methods or set()) - {"OPTIONS"}]
    form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    multipart, length, chunks = (
        "multipart/form-data; boundary=x",
        {"CONTENT_LENGTH": str(HUGE)},
        {"wsgi.input_terminated": True},
    )
    bodies = (
        ("application/json", b"[", length),
        ("application/x-www-form-urlencoded", b"login=", chunks),
        (multipart, form, length),
        (multipart, form, chunks),
    )
    assert len(asked) > 150
    for number, (path, method) in enumerate(asked):
        # A file to verify is read up to its own limit, by whoever may send one
        most = 0 if method in {"GET", "HEAD"} else 27 if "verifier" in path else 1
        # Each route meets one of them in turn, where nothing of the path says that it takes files; those that do, all
        sent = bodies if method not in {"GET", "HEAD"} else bodies[:1] + bodies[3:]
        takes = number % 8 == 0 or any(word in path for word in FILES)
        for kind, head, more in sent if takes else sent[number % len(sent) :][:1]:
            flood = Flood(head)
            environ = create_environ(path, method=method, content_type=kind)
            answer = run_wsgi_app(
                house.app, {**environ, "wsgi.input": io.BufferedReader(flood), **more}, buffered=True
            )
            assert answer[1][:3] != "500", (method, path, kind)
            assert flood.given <= most * (1024 * 1024 + 2 * 65536), (method, path, kind, flood.given)
    gc.collect()


@pytest.mark.in_turn
def test_somebody_who_is_let_in_sends_files_and_no_other_long_body(house: House) -> None:
    client = house.client("g.trehorel")
    form = {"csrf_token": house.csrf(client)}
    long = client.post("/compte/affichage", data={**form, "theme": "x" * 1_500_000})
    assert long.status_code == 413
    assert "raccourcissez-la" in long.get_data(as_text=True)
    environ = create_environ("/deposer", method="POST", content_type="multipart/form-data; boundary=x")
    flood = Flood(b"--x\r\n")
    environ |= {"wsgi.input": io.BufferedReader(flood), "CONTENT_LENGTH": str(HUGE)}
    _, status, headers = run_wsgi_app(house.app, environ, buffered=True)
    assert (status[:3], headers["Location"], flood.given) == ("302", "/login", 0), (
        "he is sent to log in, not told of a size"
    )
    assert "Set-Cookie" not in headers, "a form of another site takes nobody's session away"
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"):
        environ = create_environ("/login", method="POST", content_type=kind)
        environ |= {"wsgi.input": WrongChunk(), "wsgi.input_terminated": True}
        words, status, _ = run_wsgi_app(house.app, environ, buffered=True)
        assert status[:3] == "400", kind
        assert "coupée ou abîmée" in b"".join(words).decode() or kind == "application/json", kind
    json = client.post(
        "/compte/confirmer", json={"answer": "x" * 1_500_000}, headers={"X-CSRFToken": form["csrf_token"]}
    )
    assert json.status_code == 413
    assert json.get_json()["key"] == "request-too-large"


def test_json_out_of_bounds_is_refused_before_anything_reads_it() -> None:
    for text in BOUNDS:
        for whole in (text, f'{{"facts": {{"a": [{text}]}}}}'.encode()):
            with pytest.raises(Refusal, match="json-bounds"):
                parsed(whole)
    for text in DEEP:
        with pytest.raises(Refusal, match="json-"):
            parsed(text)
    for text in ("", "{", "\x00", b"\xff", '{"a": 01}'):
        with pytest.raises(Refusal, match="json-invalid"):
            parsed(text)
    with pytest.raises(Refusal, match="text-unreadable"):
        parsed('{"a": "\\u0000"}')
    with pytest.raises(Refusal, match="json-repeated"):
        parsed('{"a": [{"version": 999, "b": 1, "version": 1}]}')
    assert parsed('{"a": [9007199254740991, -1.5e9, 1e-9, 0.0, null]}') == {
        "a": [9007199254740991, -1.5e9, 1e-9, 0.0, None]
    }


def test_software_is_told_the_same_on_both_databases(house: House) -> None:
    accounting = Software(house, "comptabilite", [Right.CREATE, Right.ACT])
    folder = accounting.deposit().json
    path = f"/api/v1/folders/{folder['id']}"
    for text in BOUNDS:
        answer = accounting.client.patch(
            path,
            headers=accounting.headers,
            data=f'{{"version": 1, "facts": {{"amount": {text}}}}}',
            content_type="application/json",
        )
        assert (answer.status_code, answer.get_json()["key"]) == (422, "json-bounds"), text
        assert accounting.deposit(facts=f'{{"amount": {text}}}').status_code == 422, text
    for number in ("2147483648", "9" * 30, "-1", "1.5"):
        for method in ("GET", "PATCH", "POST", "DELETE"):
            for end in ("", "/journal", "/documents", "/submit"):
                answer = accounting.client.open(
                    f"/api/v1/folders/{number}{end}", method=method, headers=accounting.headers, json={}
                )
                assert answer.status_code in {404, 405}, (method, number, end)
    for after in ("x", "-1", "2147483648", "1e3", "2026-01-01_x_9", "\u0661", "9" * 30):
        for tray in ("todo", "drafts", "done"):
            answer = accounting.get(f"/folders?tray={tray}&after={after}")
            assert (answer.status_code, answer.json["key"]) == (422, "fields-invalid"), (tray, after)
        answer = accounting.get(f"/folders/{folder['id']}/journal?after={after}")
        assert answer.status_code == 422, after
