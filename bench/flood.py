"""`make fuzz`: strangers attack every address of a served product, while a monitor and a colleague ask their pages.

`python -m bench.flood [seconds] [sqlite|postgresql]`. The product is served by its own command (gunicorn and the worker).
Each attacker has no token, comes from an address of its own, and writes to the socket what no client writes: methods,
targets, headers, lengths, chunks, JSON, forms, and bodies that drip. Printed: answers by status, the memory of the
processes through time, what others waited, and every answer of 500 or trace in the log; the exit code is 1 when there is one.
The generator of schemathesis goes over the description of the API afterwards, without a token too.
"""

import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import requests

from bench.commune import PASSWORD, READER
from bench.ground import ROOT, Ground
from tests.cluster import free_port

ATTACKERS, SLOW, QUIET_FIRST, FOLDERS = 3, 2, 15, 300
PAUSE = 0.02  # seconds between two attacks of one attacker: the machine is shared, the point is what, not how many
SEED = 20_261_128
METHODS = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "get",
    "ÉTÉ",
    "M" * 300,
)
VALUES = (
    "0", "-1", "1", "2147483647", "2147483648", "4294967296", "9223372036854775808", "1" * 400, "1e400", "NaN", "٣", "%00",
    "%ff%fe", "%C3%A9", "..%2f..%2fetc%2fpasswd", "%2e%2e", "'%20OR%201=1--", "{{7*7}}", "%f0%9f%98%80", "%ed%a0%80", "a" * 3000,
)  # fmt: skip
QUERIES = (
    "", "?after=2147483648", "?after=-1", "?after=%00", "?after[]=1", "?page=99999999999999999999", "?q=%ff", "?suite=//evil.example",
    "?suite=%0d%0aX:1", "?" + "a=1&" * 900, "?q=" + "%25" * 900, "?tri=;&annee=1e400&type=%ed%a0%80", "?document=" + "f" * 64, "?%",
)  # fmt: skip
HEADERS = (
    "", "Authorization: Bearer é\xff", "Authorization: Bearer " + "a" * 4000, "Authorization: Basic Og==", "Authorization: Bearer",
    "Cookie: paraphe=.eJ; paraphe-connu=x.y.z", "Cookie: " + "a=b; " * 700, "Accept: application/json", "Accept: " + "*/*;q=9," * 300,
    "Range: bytes=5-1,-0,9999999999999-", 'If-None-Match: "', "If-Modified-Since: 31 Feb 99999", "Accept-Language: \xff",
    "X-Forwarded-For: ' OR 1\r\nX-Forwarded-Proto: javascript", "X-Request-Id: " + "\t" * 50, "Sec-Fetch-Site: evil",
    "Content-Encoding: gzip", "Expect: 100-continue", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings", "Origin: null",
    "X-HTTP-Method-Override: DELETE", "\r\n".join(f"X-{n}: {n}" for n in range(150)), "Host: evil.example\r\nHost: other",
    "Transfer-Encoding: identity", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: -1", "Content-Length: 1e3",
    "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked\r\nContent-Length: 4", ": empty", "No colon", "X: \0",
)  # fmt: skip
TYPES = (
    "application/json", "application/json; charset=utf-7", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
    "multipart/form-data", "multipart/form-data; boundary=" + "b" * 300, "text/plain", "application/xml", "é", "application/merge-patch+json",
)  # fmt: skip
_PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\nx\r\n'
BODIES = (
    b"", b"{", b"null", b"[" * 100_000, b'{"a":' * 5_000, b"[1e400,-1e400,NaN,Infinity]", b'{"version":1e400}', b"[" + b"9" * 5_000 + b"]",
    b'{"after":2147483648,"version":9223372036854775808}', b'"\\ud800"', b"\xff\xfe\x00", b'{"a":"\xff"}', b"[" + b"{}," * 600_000 + b"{}]",
    b'{"login":{"$ne":1},"password":["x"]}', b"a=1&" * 5_000, b"login=%00&password=%ff&csrf_token=%ed%a0%80", b"=" * 3_000_000,
    b"answer=" + b"a" * 1_500_000, _PART % (b"file", b'; filename="a\0/../b.pdf"') + b"--b--", _PART % (b"a", b"") * 3_000 + b"--b--",
    b"--b\r\nContent-Disposition: form-data\r\n\r\n" + b"x" * 200_000, b"--b\r\n" + b"A: b\r\n" * 20_000, b"--b", b"--b--\r\n",
    b"%PDF-1.7\n" + b"\0" * 50_000, b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
)  # fmt: skip
CHUNKED = (b"5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"-1\r\n\r\n", b"zz\r\nx\r\n", b"1;" + b"e" * 9_000 + b"\r\na\r\n0\r\n\r\n",
           b"1\r\na\r\n" * 3_000 + b"0\r\nTrailer: x\r\n\r\n", b"100000\r\n" + b"[" * 0x100000 + b"\r\n0\r\n\r\n")  # fmt: skip


@dataclass
class Tally:
    """What was sent and seen, by all threads together."""

    answers: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    waits: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    memory: list[tuple[float, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


class Served:
    """The product behind its own command, and what its processes hold."""

    def __init__(self, place: Ground, url: str, **settings: str) -> None:
        self.port, self.log = free_port(), place.home / "serve.log"
        self.rules = sorted({rule.rule for rule in place.web(url).url_map.iter_rules()})
        self.env = place.environment(url) | {
            "PARAPHE_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            **settings,
        }
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        for _ in range(240):
            try:
                if requests.get(self.at("/health/ready"), timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.5)
        raise RuntimeError(self.log.read_text(errors="replace")[-2000:])

    def at(self, path: str) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"

    def resident(self) -> int:
        """Bytes that all its processes hold (PSS: what they share is counted once)."""
        parents = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return sum(map(_pss, family))

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def _pss(pid: int) -> int:
    try:
        usage = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", usage, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def attack(served: Served, tally: Tally, seed: int) -> None:
    """One attacker, until it is over."""
    draw = random.Random(seed)
    while not tally.over.wait(PAUSE):
        sent = request_of(draw, served)
        status = _status(served.port, sent, draw)
        tally.answers[status] += 1
        if status.startswith("5") and status != "503":
            tally.failed.append(f"{status} {sent[:300]!r}")


def request_of(draw: random.Random, served: Served) -> bytes:
    """One request that no honest client makes, for one address of the map."""
    path = re.sub(r"<(?:[^:>]+:)?[^>]+>", lambda _: draw.choice(VALUES), draw.choice(served.rules))
    target = path + draw.choice(QUERIES) if draw.random() < 0.5 else path
    method, extra = draw.choice(METHODS), draw.choice(HEADERS) if draw.random() < 0.5 else ""
    lines = [f"{method} {target} HTTP/1.{draw.choice('0111')}"]
    lines += [f"Host: 127.0.0.1:{served.port}"] if "Host:" not in extra else []
    lines += ["Connection: close", *([extra] if extra else [])]
    body = b""
    if method not in {"GET", "HEAD"} or draw.random() < 0.2:
        lines.append(f"Content-Type: {draw.choice(TYPES)}")
        if draw.random() < 0.2:
            lines, body = [*lines, "Transfer-Encoding: chunked"], draw.choice(CHUNKED)
        else:
            body = draw.choice(BODIES)
            lines += (
                [f"Content-Length: {len(body) + draw.choice((0, 0, 0, 0, 0, 7))}"]
                if "Length" not in extra
                else []
            )
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _status(port: int, sent: bytes, draw: random.Random) -> str:
    """What the server answered: its status, or how it let the connection go."""
    with socket.socket() as line:
        line.settimeout(4)
        line.bind((f"127.{draw.randint(1, 250)}.{draw.randint(0, 255)}.{draw.randint(1, 250)}", 0))
        try:
            line.connect(("127.0.0.1", port))
            line.sendall(sent)
        except OSError:
            pass  # answered before it was all read, perhaps
        try:
            while (answer := line.recv(400)).startswith(b"HTTP/1.1 100"):
                pass
        except TimeoutError:
            return "waited for more"
        except OSError:
            return "cut"
    return answer[9:12].decode("ascii", "replace") if answer.startswith(b"HTTP/") else "cut"


def drip(served: Served, tally: Tally, seed: int) -> None:
    """One who sends a body a byte a second, half a minute long, then another."""
    draw = random.Random(seed)
    while not tally.over.is_set():
        with socket.socket() as line:
            line.bind((f"127.251.0.{draw.randint(1, 250)}", 0))
            try:
                line.connect(("127.0.0.1", served.port))
                line.sendall(
                    b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\n"
                )
                for _ in range(30):
                    line.sendall(b"a")
                    if tally.over.wait(1):
                        break
            except OSError:
                tally.over.wait(1)
        tally.answers["dripped"] += 1


def ask(tally: Tally, name: str, session: requests.Session, address: str, every: float) -> None:
    """Somebody who asks the same page again and again: when, and how long he waited."""
    while not tally.over.wait(every):
        start = time.monotonic()
        try:
            status = str(session.get(address, timeout=30, allow_redirects=False).status_code)
        except requests.RequestException as fault:
            status = type(fault).__name__
        tally.waits[name].append((start, time.monotonic() - start))
        if status != "200":
            tally.failed.append(f"{name} was answered {status}")


def logged_in(served: Served) -> requests.Session:
    """A colleague, logged in as a person does."""
    session = requests.Session()
    match = re.search(
        r'name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"',
        session.get(served.at("/login"), timeout=30).text,
    )
    form = {"login": READER, "password": PASSWORD, "csrf_token": match[1] if match else ""}
    if session.post(served.at("/login"), data=form, timeout=30, allow_redirects=False).status_code != 302:
        raise RuntimeError("login refused")
    return session


def _sentence(waits: list[tuple[float, float]], since: float, until: float) -> str:
    times = sorted(taken * 1000 for start, taken in waits if since <= start < until)
    if not times:
        return "nothing asked"
    last = times[min(len(times) - 1, int(len(times) * 0.99))]
    return f"{len(times)} times, median {statistics.median(times):.0f} ms, p99 {last:.0f} ms, longest {times[-1]:.0f} ms"


def _described(served: Served) -> str:
    """The last lines of schemathesis over the description of the API, without a token."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", served.at("/api/v1/openapi.json"), "--mode", "all",
               "--checks", "not_a_server_error", "--max-examples", "25", "--workers", "1", "--seed", "1", "--no-color",
               "--rate-limit", "20/s"]  # fmt: skip
    with tempfile.TemporaryDirectory() as room:
        done = subprocess.run(command, cwd=room, capture_output=True, text=True, timeout=600)
    return f"exit {done.returncode}\n" + "\n".join(done.stdout.splitlines()[-25:])


def main(seconds: float = 120, kind: str = "sqlite") -> int:
    """Serve, look at the calm, attack, look at the calm again, and say what was seen."""
    place = Ground()
    served, tally = Served(place, place.peopled(kind, "flood", folders=FOLDERS)), Tally()
    sessions = {"/health/live": requests.Session(), "/a-traiter": logged_in(served)}
    tally.waits = {name: [] for name in sessions}
    quiet = [
        threading.Thread(target=ask, args=(tally, name, session, served.at(name), 0.4))
        for name, session in sessions.items()
    ]
    hostile = [threading.Thread(target=attack, args=(served, tally, SEED + n)) for n in range(ATTACKERS)]
    hostile += [threading.Thread(target=drip, args=(served, tally, SEED - n - 1)) for n in range(SLOW)]
    for thread in quiet:
        thread.start()
    began = time.monotonic()
    marks = [began + QUIET_FIRST, began + QUIET_FIRST + seconds]
    while (moment := time.monotonic()) < marks[1]:
        if moment >= marks[0] and hostile and not hostile[0].is_alive():
            for thread in hostile:
                thread.start()
        tally.memory.append((moment - marks[0], served.resident()))
        time.sleep(2)
    tally.over.set()
    for thread in quiet + hostile:
        thread.join()
    print(
        f"{kind}, {len(served.rules)} addresses, load {os.getloadavg()[0]:.1f}; {sum(tally.answers.values())} attacks in {seconds:.0f} s"
    )
    print("answers:", json.dumps(dict(tally.answers.most_common()), ensure_ascii=False))
    step = max(1, len(tally.memory) // 10)
    print("memory (s: MiB):", ", ".join(f"{when:.0f}: {size >> 20}" for when, size in tally.memory[::step]))
    for name, waits in tally.waits.items():
        print(
            f"{name}, before: {_sentence(waits, began, marks[0])}; under attack: {_sentence(waits, *marks)}"
        )
    print("schemathesis:", _described(served))
    print("memory at the end:", served.resident() >> 20, "MiB")
    served.stop()
    log = served.log.read_text(errors="replace")
    traces = [line for line in log.splitlines() if re.search(r"Traceback|incident", line)]
    print(
        f"log: {len(log.splitlines())} lines, {len(traces)} of a trace; other than 200 for who is at home, or a 500: {len(tally.failed)}"
    )
    for fault in [*tally.failed[:20], *traces[:20]]:
        print("  ", fault[:400])
    if os.environ.get("FLOOD_LOG"):
        Path(os.environ["FLOOD_LOG"]).write_text(log)
    return 1 if tally.failed or traces else 0


if __name__ == "__main__":
    sys.exit(main(*([float(sys.argv[1])] if sys.argv[1:] else []), *sys.argv[2:3]))
