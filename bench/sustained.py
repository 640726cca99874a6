"""Half an hour of mixed use on two cores, among a million folders: how many agents are served, how long each waits.

`python -m bench.sustained [folders] [minutes] [agents …]`: PostgreSQL with fsync, the product by its own command (two web
processes and a worker), the generator beside them on the same cores. Each agent is somebody of his own, at a desk of one of
forty communes; he looks at a page, thinks twenty seconds (exponential), and goes on: his list, a folder and its document,
a visa, a batch of ten visas, « Suivi », a search, a deposit. `SUSTAINED_THINKS`: another number of seconds. `SUSTAINED_IN_HAND`:
how many folders are on their way (4,000), of which a desk soon has none left where many agents decide. Every number of agents but the last is tried for two minutes,
the last for so many minutes, or the highest that was served below a second where none is named or the last is 0. What one waits is counted
from the moment when he clicks, whether or not the generator was free to ask.
"""

import contextlib
import gzip
import heapq
import http.client
import os
import random
import re
import statistics
import sys
import threading
import time
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.core import db
from app.files import vault
from bench.commune import PASSWORD
from bench.flood import Served
from bench.ground import ground
from bench.p17_deposit import letter
from bench.region import ACCOUNTS, APART, COLLECTIVITIES, FINANCES, MAYOR, OFFICE, RARE, TECHNICAL
from tests.builders.house import INVOICE

THINKS, BAR = float(os.environ.get("SUSTAINED_THINKS", "20")), 1.0
"""Seconds between two clicks of an agent, on average; and within how many 95 of 100 clicks are to be answered."""
IN_HAND = int(os.environ.get("SUSTAINED_IN_HAND", "4000"))
A_COMMUNE, TRIED, RAMP = 100, 120, (200, 400, 600, 800, 1_000, 1_500)
WARMING = 60
"""Seconds of clicks that are not counted: a base that was just filled is read from the disk, and tidied by its server."""
FIRST = 100
"""The accounts of the agents of a commune, numbered from its first one on."""
DESKS = (FINANCES,) * 4 + (TECHNICAL,) * 3 + (ACCOUNTS,) * 2 + (MAYOR,)
RESTS = 1.0
"""Seconds that a connection rests before the server may be closing it: a browser sees that, http.client does not."""
HANDS = 64
"""How many requests the generator has under way at most."""
MIX = {
    "list": 34,
    "folder": 36,
    "document": 10,
    "visa": 8,
    "follow": 5,
    "search": 5,
    "deposit": 1,
    "batch": 1,
}
"""Of a hundred clicks, how many are of which kind."""
BOUNDARY = "sustained"


@dataclass
class Tally:
    """What was asked, how long it took, and what went wrong."""

    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def p95(self) -> float:
        """Seconds within which 95 of 100 clicks were answered."""
        every = [wait for waits in self.waits.values() for wait in waits]
        return statistics.quantiles(every, n=20)[-1] if len(every) > 1 else 0.0


class Agent:
    """Somebody at a desk: what he last saw, and his cookie."""

    def __init__(self, number: int) -> None:
        self.commune, rank = number % COLLECTIVITIES + 1, number // COLLECTIVITIES + 1
        self.login = f"agent-{self.commune}-{rank}"
        self.draw = random.Random(number)
        self.cookie, self.token = "", ""
        self.rows: list[str] = []
        self.visa: tuple[str, str] | None = None
        self.document = ""

    def clicks(self) -> str:
        """What he does next, among what he sees."""
        kind = self.draw.choices(list(MIX), list(MIX.values()))[0]
        possible = {"folder": self.rows, "visa": self.visa, "document": self.document, "batch": self.rows}
        return kind if possible.get(kind, True) else "list"


class Hand:
    """One connection of the generator, kept open as a browser does."""

    def __init__(self, port: int) -> None:
        self._used = time.monotonic()
        self.refusal = ""
        """What the page of the last refusal says, for who reads the faults."""
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(
        self, agent: Agent, method: str, path: str, body: bytes = b"", kind: str = ""
    ) -> tuple[int, str, str]:
        """The status, the text, and where it leads; a connection at rest for longer than the server keeps one is opened anew."""
        headers = {"Cookie": agent.cookie, "Accept-Encoding": "gzip", "Connection": "keep-alive"}
        if body:
            headers["Content-Type"] = kind or "application/x-www-form-urlencoded"
        if time.monotonic() - self._used > RESTS:
            self._line.close()
        self._line.request(method, path, body or None, headers)
        answer = self._line.getresponse()
        data = answer.read()
        self._used = time.monotonic()
        if answer.getheader("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = cookie.partition("=")
            others = [pair for pair in agent.cookie.split("; ") if pair and not pair.startswith(f"{name}=")]
            agent.cookie = "; ".join([*others, f"{name}={rest.partition(';')[0]}"])
        text = data.decode("utf-8", "replace") if "html" in (answer.getheader("Content-Type") or "") else ""
        if answer.status >= 400:
            main = re.sub(r"<[^>]+>", " ", text.partition("<main")[2])
            self.refusal = " ".join(main.split())[:300]
        if token := re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text):
            agent.token = token[1]
        return answer.status, text, answer.getheader("Location") or ""

    def enter(self, agent: Agent) -> None:
        """Log in."""
        self.ask(agent, "GET", "/login")
        form = {"login": agent.login, "password": PASSWORD, "csrf_token": agent.token}
        sent = urllib.parse.urlencode(form).encode()
        while (answer := self.ask(agent, "POST", "/login", sent))[0] == 503:
            time.sleep(1)  # as many passwords as the house looks at together are being looked at
        status, _, where = answer
        if status != 302 or "login" in where:
            raise RuntimeError(f"{agent.login} is not let in: {status} {where}")
        self.look(agent, "list")

    def look(self, agent: Agent, kind: str) -> int:
        """One click: the status of what it was answered, that of a page after a form included."""
        status = getattr(self, f"_{kind}")(agent)
        return int(status)

    def _get(self, agent: Agent, path: str) -> tuple[int, str]:
        status, text, where = self.ask(agent, "GET", path)
        return self._get(agent, where) if status in {302, 303} else (status, text)

    def _post(self, agent: Agent, path: str, form: Iterable[tuple[str, str]]) -> int:
        sent = urllib.parse.urlencode([("csrf_token", agent.token), *form]).encode()
        status, _, where = self.ask(agent, "POST", path, sent)
        return self._get(agent, where)[0] if status in {302, 303} else status

    def _list(self, agent: Agent) -> int:
        status, text = self._get(agent, "/a-traiter?bannette=todo")
        agent.rows = re.findall(r'name="d"\s+value="(\d+-\d+)"', text) or re.findall(
            r'value="(\d+-\d+)"', text
        )
        return status

    def _folder(self, agent: Agent) -> int:
        number = agent.draw.choice(agent.rows).partition("-")[0]
        status, text = self._get(agent, f"/dossiers/{number}")
        visa = re.search(r'action="(/dossiers/\d+/viser)"', text)
        version = re.search(r'name="version"\s+value="(\d+)"', text)
        agent.visa = (visa[1], version[1]) if visa and version else None
        document = re.search(r'href="(/dossiers/\d+/documents/\d+/\d+)\?telecharger', text)
        agent.document = document[1] if document else ""
        return status

    def _document(self, agent: Agent) -> int:
        return self._get(agent, agent.document)[0]

    def _visa(self, agent: Agent) -> int:
        path, version = agent.visa or ("", "")
        agent.visa = None
        return self._post(agent, path, [("version", version)])

    def _batch(self, agent: Agent) -> int:
        chosen = agent.draw.sample(agent.rows, min(10, len(agent.rows)))
        sent = [("csrf_token", agent.token), ("kind", "approve"), *(("d", row) for row in chosen)]
        status, _, where = self.ask(agent, "POST", "/lots", urllib.parse.urlencode(sent).encode())
        if status not in {302, 303}:
            return status
        shown, text = self._get(agent, where)
        button = re.search(r'action="(/lots/\d+/commencer\?[^"]+)"', text)
        return self._post(agent, button[1], []) if button else shown

    def _follow(self, agent: Agent) -> int:
        return self._get(agent, "/suivi")[0]

    def _search(self, agent: Agent) -> int:
        word = agent.draw.choice((RARE, "facture", "ateliers", f"F{agent.draw.randint(1, 900_000)}"))
        return self._get(agent, f"/recherche?q={word}")[0]

    def _deposit(self, agent: Agent) -> int:
        data = letter(agent.draw.randrange(10**9))
        parts = {"csrf_token": agent.token, "family": "invoice"}
        body = b"".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in parts.items()
        )
        head = 'Content-Disposition: form-data; name="files"; filename="lettre.pdf"\r\nContent-Type: application/pdf'
        body += f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
        status, _, where = self.ask(
            agent, "POST", "/deposer", body, f"multipart/form-data; boundary={BOUNDARY}"
        )
        return self._get(agent, where)[0] if status in {302, 303} else status


class Town:
    """The agents, and when each clicks next."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.agents: list[Agent] = []

    def come(self, count: int) -> None:
        """Let agents log in until so many are there."""
        new = [Agent(number) for number in range(len(self.agents), count)]
        waiting = iter(new)
        lock = threading.Lock()

        def enter() -> None:
            hand = Hand(self.served.port)
            while True:
                with lock:
                    agent = next(waiting, None)
                if agent is None:
                    return
                hand.enter(agent)

        self._all(enter, 4)
        self.agents += new

    def work(self, seconds: float) -> Tally:
        """Have them all click for so long."""
        tally, lock = Tally(), threading.Lock()
        begun = time.monotonic()
        draw = random.Random(1)
        # As those do who have been at it for long: clicks spread evenly over the first seconds would come beside the next ones
        due = [(begun + draw.expovariate(1 / THINKS), number) for number in range(len(self.agents))]
        heapq.heapify(due)
        over = threading.Event()

        def click() -> None:
            hand = Hand(self.served.port)
            while True:
                with lock:
                    moment, number = heapq.heappop(due) if due else (0.0, -1)
                if number < 0:
                    time.sleep(0.05)
                    continue
                if moment > begun + seconds:
                    with lock:
                        heapq.heappush(due, (moment, number))
                    return
                time.sleep(max(0.0, moment - time.monotonic()))
                agent = self.agents[number]
                kind = agent.clicks()
                try:
                    status = str(hand.look(agent, kind))
                except (OSError, http.client.HTTPException) as fault:
                    status, hand = type(fault).__name__, Hand(self.served.port)
                now = time.monotonic()
                with lock:
                    tally.waits[kind].append(now - moment)
                    tally.statuses[f"{kind} {status}"] += 1
                    if status not in {"200", "404", "409"}:
                        tally.faults.append(f"{kind} {status} {hand.refusal}")
                    heapq.heappush(due, (now + agent.draw.expovariate(1 / THINKS), number))

        def watch() -> None:
            while not over.wait(15):
                tally.memory.append(self.served.resident())

        watcher = threading.Thread(target=watch)
        watcher.start()
        self._all(click, HANDS)
        over.set()
        watcher.join()
        return tally

    def _all(self, what: object, count: int) -> None:
        threads = [threading.Thread(target=what) for _ in range(count)]  # type: ignore[arg-type]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def people() -> None:
    """A hundred agents in each commune, at its desks; and the documents of what is on its way, all the same page."""
    known = f"(SELECT p.password_hash FROM person p JOIN user_account m ON m.person_id = p.id WHERE m.id = {MAYOR})"
    data = INVOICE.read_bytes()
    with db.engine().execution_options(writes=True).begin() as connection:
        for commune in range(1, COLLECTIVITIES + 1):
            base = (commune - 1) * APART
            stored = vault.store().put_bytes(vault.scope(commune), data)
            for rank in range(1, A_COMMUNE + 1):
                number, login = base + FIRST + rank, f"agent-{commune}-{rank}"
                desk = DESKS[rank % len(DESKS)]
                connection.exec_driver_sql(
                    f"INSERT INTO person (id, login, email, password_hash, created_at) SELECT {number}, '{login}', '{login}@example.org', {known}, created_at FROM user_account WHERE id = {OFFICE}"
                )
                connection.exec_driver_sql(
                    "INSERT INTO user_account (id, person_id, login, email, first_name, last_name, capacity, administrator, active, theme, shortcuts, created_at, emergency, collectivity_id)"
                    f" SELECT {number}, {number}, '{login}', '{login}@example.org', 'Agent', '{commune}-{rank}', 'Agent', FALSE, TRUE, 'auto', TRUE, created_at, FALSE, {commune} FROM user_account WHERE id = {OFFICE}"
                )
                connection.exec_driver_sql(
                    f"INSERT INTO holder (user_id, desk_id, rights) SELECT {number}, {base + desk}, rights FROM holder WHERE desk_id = {desk} ORDER BY user_id LIMIT 1"
                )
            connection.execute(
                sa.text(
                    "UPDATE document_version SET sha256 = :digest, size = :size WHERE collectivity_id = :commune"
                    " AND document_id IN (SELECT id FROM folder WHERE collectivity_id = :commune AND phase = 'running')"
                ),
                {"digest": stored.sha256, "size": len(data), "commune": commune},
            )


def _said(count: int, seconds: float, tally: Tally) -> None:
    clicks = sum(len(waits) for waits in tally.waits.values())
    print(
        f"{count} agents, {seconds:.0f} s: {clicks} clicks ({clicks / seconds:.1f} a second), p95 {tally.p95():.2f} s,"
        f" errors {len(tally.faults)}, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for kind, waits in sorted(tally.waits.items()):
        if len(waits) > 1:
            p95 = statistics.quantiles(waits, n=20)[-1]
            print(
                f"  {kind:9} {len(waits):6}  p50 {statistics.median(waits):.3f} s  p95 {p95:.3f}  longest {max(waits):.2f}"
            )
    print(" ", dict(tally.statuses.most_common()))
    step = max(1, len(tally.memory) // 12)
    print("  memory (MiB):", ", ".join(str(size >> 20) for size in tally.memory[::step]), flush=True)
    for fault, times in Counter(tally.faults).most_common(10):
        print("  ", fault, times)


def main(folders: int, minutes: float, counts: list[int]) -> None:
    """Fill, serve, try, and hold."""
    place = ground()
    began = time.monotonic()
    url = place.region("postgresql", folders, IN_HAND)
    print(f"{folders:,} folders in {time.monotonic() - began:.0f} s", flush=True)
    people()
    rates = {
        f"PARAPHE_{name}_RATE": "1000000 per minute" for name in ("LOGIN", "LOGIN_ADDRESS", "PERSON", "API")
    }
    served = Served(place, url, **rates)
    try:
        town, highest = Town(served), 0
        for count in counts[:-1] or RAMP:
            town.come(count)
            if not highest:
                town.work(WARMING)
            tally = town.work(TRIED)
            _said(count, TRIED, tally)
            if tally.p95() >= BAR or tally.faults:
                break
            highest = count
        last = (counts[-1] if counts else 0) or highest
        if not last:
            raise RuntimeError("no number of agents is served within a second: try fewer")
        town.come(last)
        town.agents = town.agents[:last]
        _said(last, minutes * 60, town.work(minutes * 60))
    finally:
        served.stop()
        with contextlib.suppress(OSError):
            traces = [
                line for line in served.log.read_text(errors="replace").splitlines() if "Traceback" in line
            ]
            print(f"log: {len(traces)} traces")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if sys.argv[1:] else 1_000_000,
        float(sys.argv[2]) if sys.argv[2:] else 30,
        [int(count) for count in sys.argv[3:]],
    )
