"""`python -m deploy.region.failover [rounds] [folders]`: a region goes on when its primary dies, and nothing is lost nor doubled.

In each round so many folders (200) pass ten visas and a signature each through HAProxy, by people at six browsers, while the
primary PostgreSQL is killed (SIGKILL, Patroni too) in the middle. Whoever gets no answer, or an error, reads where the
folder stands and goes on, as a person does. Then every answer that said « done » is looked for in the journal, once; each
step is done once; each signed file has one signature more than the file deposited; every letter left once; the chains are
verified by their command. Printed: seconds without an answer, errors, what was acknowledged. The exit code is 1 when a
single thing is lost or doubled.
"""

import itertools
import os
import re
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from queue import Empty, Queue

import pikepdf
import requests
import sqlalchemy as sa

from app import create_app
from app.circuits import library
from app.core import schema
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.folders.models import Folder, StepRun
from app.journal.models import JournalEntry
from app.people import applications
from app.signing.keys.pkcs12 import Pkcs12Key
from bench.s5_ground import authority
from demo.cast import PASSWORD
from demo.seed import actor_of, enrolled, people
from deploy.region.region import ROOT, Region
from tests.assets.make_hostile import good_pdf
from tests.browser.serving import environment
from tests.builders.house import House
from tests.conftest import settings_for
from tests.mailserver import MailServer
from workflows.vocabulary import Right

BROWSERS, VISAS = 6, 10
MAYOR = "a.kervadec"
DESKS = {"finances": "n.abgrallec", "technique": "r.pellenec", "direction": "s.rivoal"}
PATIENCE = 5.0
"""Seconds that a person waits for an answer before he asks again."""


def circuit() -> str:
    """Ten visas of three desks in turn, then the mayor's signature."""
    names = list(DESKS)
    steps = [
        f"  - {{ key: visa_{n}, label: Visa {n}, kind: visa, who: {{ desk: {names[n % len(names)]} }} }}"
        for n in range(VISAS)
    ]
    steps.append("  - { key: signature, label: Signature, kind: sign, who: { desk: maire } }")
    return "\n".join(["key: other", "label: Autres documents", "steps:", *steps])


def place_of(step: int) -> tuple[str, str]:
    """The step of this rank and who acts there."""
    return f"visa_{step}", list(DESKS.values())[step % len(DESKS)]


@dataclass
class Seen:
    """What the browsers saw."""

    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    answered: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, folder_id: int, step: str) -> None:
        """The product said that it was done."""
        with self.lock:
            self.acknowledged.append((folder_id, step))
            self.answered.append(time.monotonic())

    def silent(self) -> float:
        """The longest time in seconds between two answers that said « done »."""
        moments = sorted(self.answered)
        return max((b - a for a, b in itertools.pairwise(moments)), default=0.0)


class Browser:
    """One browser of one person."""

    def __init__(self, url: str, login: str) -> None:
        self._url, self._session = url, requests.Session()
        page = self._session.get(f"{url}/login", timeout=30).text
        form = {"login": login, "password": PASSWORD, "csrf_token": _token(page)}
        self._session.post(f"{url}/login", data=form, timeout=30).raise_for_status()
        self._csrf = _token(self._session.get(f"{url}/compte", timeout=30).text)

    def post(self, path: str, **sent: object) -> requests.Response:
        """Post a form or JSON, as the page does."""
        headers = {"X-CSRFToken": self._csrf, "Referer": self._url}
        if "json" in sent:
            headers["Accept"] = "application/json"
        return self._session.post(
            f"{self._url}{path}",
            headers=headers,
            timeout=PATIENCE * 4,
            allow_redirects=False,
            **sent,  # type: ignore[arg-type]
        )


def _token(page: str) -> str:
    found = re.search(r'name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"', page)
    if found is None:
        raise RuntimeError(f"no token in {page[:500]}")
    return found[1]


class Crowd:
    """People at their browsers, who take each folder through its visas and its signature."""

    def __init__(self, region: Region, key: Pkcs12Key, token: str) -> None:
        self._url, self._key = region.url, key
        self._headers = {"Authorization": f"Bearer {token}"}
        self.seen = Seen()

    def browsers(self) -> dict[str, Browser]:
        """One browser of each person, who log in one after the other: few passwords are hashed at a time."""
        return {login: Browser(self._url, login) for login in (*DESKS.values(), MAYOR)}

    def work(self, folders: Queue[int], browsers: dict[str, Browser]) -> None:
        """Take folders until none is left."""
        while True:
            try:
                folder_id = folders.get_nowait()
            except Empty:
                return
            self._take(folder_id, browsers)

    def _take(self, folder_id: int, browsers: dict[str, Browser]) -> None:
        until = time.monotonic() + 240
        while time.monotonic() < until:
            state = self._state(folder_id)
            if state is None:
                time.sleep(0.5)
                continue
            place, version = state
            if place == "done":
                return
            try:
                if place == "signature":
                    self._sign(folder_id, version, browsers[MAYOR])
                else:
                    login = place_of(int(place.removeprefix("visa_")))[1]
                    answer = browsers[login].post(f"/dossiers/{folder_id}/viser", data={"version": version})
                    self._count(answer, folder_id, place, 302)
            except requests.RequestException as error:
                self._error(type(error).__name__)
        raise RuntimeError(f"folder {folder_id} does not go on: {self._state(folder_id)}")

    def _sign(self, folder_id: int, version: int, mayor: Browser) -> None:
        offer = {
            "version": version,
            "certificate": b64encode(self._key.certificate).decode(),
            "chain": [b64encode(one).decode() for one in self._key.chain],
        }
        ready = mayor.post(f"/dossiers/{folder_id}/signature/preparer", json=offer)
        if ready.status_code != 200:
            return self._error(f"HTTP {ready.status_code}")
        said = ready.json()
        (item,) = said["items"]
        made = b64encode(self._key.sign(b64decode(item["tbs"]))).decode()
        body = {"session": said["session"], "signatures": [{"id": item["id"], "signature": made}]}
        answer = mayor.post(f"/dossiers/{folder_id}/signature/terminer", json=body)
        return self._count(answer, folder_id, "signature", 200)

    def _count(self, answer: requests.Response, folder_id: int, step: str, good: int) -> None:
        if answer.status_code == good:
            self.seen.done(folder_id, step)
        else:
            self._error(f"HTTP {answer.status_code}")

    def _error(self, what: str) -> None:
        with self.seen.lock:
            self.seen.errors[what] += 1
        time.sleep(0.3)

    def _state(self, folder_id: int) -> tuple[str, int] | None:
        try:
            answer = requests.get(
                f"{self._url}/api/v1/folders/{folder_id}", headers=self._headers, timeout=PATIENCE
            )
        except requests.RequestException as error:
            self._error(type(error).__name__)
            return None
        if answer.status_code != 200:
            self._error(f"HTTP {answer.status_code}")
            return None
        told = answer.json()
        return str(told["place"]), int(told["version"])


def deposit(house: House, count: int) -> list[int]:
    """So many documents that wait for their first visa."""
    return [house.a_document(document(n), f"plan-{n}.pdf") for n in range(count)]


def document(number: int) -> bytes:
    """A page like no other."""
    made = BytesIO()
    with pikepdf.open(BytesIO(good_pdf())) as pdf:
        pdf.docinfo["/Title"] = f"Plan {number}, {time.monotonic_ns()}"
        pdf.save(made)
    return made.getvalue()


def judge(house: House, folders: list[int], seen: Seen, mail: MailServer) -> list[str]:
    """What was lost or doubled, in words."""
    faults: list[str] = []
    with reading() as db:
        rows = db.execute(
            sa.select(StepRun.folder_id, StepRun.step, StepRun.state).where(StepRun.folder_id.in_(folders))
        ).all()
        done = Counter((row.folder_id, row.step) for row in rows if row.state == "done")
        open_steps = [row for row in rows if row.state == "active"]
        told = Counter(
            (row.folder_id, row.event)
            for row in db.execute(
                sa.select(JournalEntry.folder_id, JournalEntry.event).where(
                    JournalEntry.folder_id.in_(folders)
                )
            )
        )
        places = dict(db.execute(sa.select(Folder.id, Folder.place).where(Folder.id.in_(folders))).all())
        waiting = db.scalars(
            sa.select(Outbox.kind).where(Outbox.state.in_(["pending", "running", "parked"]))
        ).all()
    faults += [f"{folder_id} is at {place}" for folder_id, place in places.items() if place != "done"]
    faults += [f"{one} acknowledged and not done" for one in set(seen.acknowledged) if done[one] != 1]
    faults += [
        f"{one} acknowledged {count} times" for one, count in Counter(seen.acknowledged).items() if count > 1
    ]
    faults += [f"{one} done {count} times" for one, count in done.items() if count != 1]
    faults += [f"step left open: {one}" for one in open_steps]
    faults += [
        f"{one}: {told[one, 'folder.sign']} signatures in the journal"
        for one in folders
        if told[one, "folder.sign"] != 1
    ]
    letters = Counter(str(one["Message-ID"]) for one in mail.letters)
    faults += [f"letter {one} left {count} times" for one, count in letters.items() if count > 1]
    faults += [f"{count} rows {kind} never done" for kind, count in Counter(waiting).items()]
    for folder_id in folders:
        versions = house.versions(folder_id)
        contents = [house.bytes_of(one) for one in versions]
        counts = [len(re.findall(rb"/ByteRange", one)) for one in contents]
        if counts != [0, 1] or not contents[1].startswith(contents[0]):
            faults.append(f"{folder_id}: signatures by version {counts}")
    return faults


def main(rounds: int = 3, count: int = 200) -> int:
    """Start the region, run the rounds, say what was seen."""
    region, mail, faults = Region(), MailServer(), []
    mail.start()
    try:
        with authority(region.home / "pki") as pki:
            began = time.monotonic()
            region.start_base()
            settings = settings_for(
                region.direct_url, region.home / "data", pki, mail.port,
                public_url=region.url, store_url=region.store_url, rate_limit_url=region.limits_url,
                api_rate="100000 per minute", lease_seconds=20.0, backoff_seconds=1.0, attempts_limit=8,
            )  # fmt: skip
            app = create_app(settings)
            schema.upgrade()
            here = people()
            key = Pkcs12Key.load(pki.p12("a_kervadec"), pki.passphrase)
            enrolled(actor_of(MAYOR), key)
            library.publish(actor_of("k.morizur"), "other", circuit())
            token = applications.create_application(here, "Témoin", "secretariat", [Right.ACT])
            served = environment(settings) | {
                "PARAPHE_DATABASE_URL": region.database_url, "PARAPHE_LISTEN_URL": region.direct_url,
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            }  # fmt: skip
            region.serve(os.environ | served)
            print(
                f"region started in {time.monotonic() - began:.0f} s: {[one['role'] for one in region.members()]}",
                flush=True,
            )
            house = House(app, settings, pki, mail)
            for number in range(1, rounds + 1):
                faults += _round(number, region, house, key, token, count)
            engine().dispose()
            faults += _verified(os.environ | served)
    finally:
        region.stop()
        mail.stop()
    for one in faults[:40]:
        print(f"FAULT: {one}")
    print("nothing lost, nothing doubled" if not faults else f"{len(faults)} faults")
    return int(bool(faults))


def _round(number: int, region: Region, house: House, key: Pkcs12Key, token: str, count: int) -> list[str]:
    began = time.monotonic()
    folders = deposit(house, count)
    engine().dispose()
    print(f"round {number}: {count} folders deposited in {time.monotonic() - began:.0f} s", flush=True)
    crowd, queue, began = Crowd(region, key, token), Queue[int](), time.monotonic()
    for folder_id in folders:
        queue.put(folder_id)
    desks = [crowd.browsers() for _ in range(BROWSERS)]
    with ThreadPoolExecutor(BROWSERS) as pool:
        working = [pool.submit(crowd.work, queue, browsers) for browsers in desks]
        while len(crowd.seen.acknowledged) < count * (VISAS + 1) // 3:
            if ended := [one for one in working if one.done()]:
                [one.result() for one in ended]
            time.sleep(0.05)
        killed_at, killed = time.monotonic(), region.kill_primary()
        while not (after := region.primary()) or after == killed:
            time.sleep(0.1)
        promoted = time.monotonic() - killed_at
        region.start_again(killed)
        for one in working:
            one.result()
    seen, took = crowd.seen, time.monotonic() - began
    again = min((one for one in seen.answered if one > killed_at + 1), default=killed_at)
    _settle()
    print(
        f"round {number}: {killed} killed, {after} promoted after {promoted:.1f} s, first answer {again - killed_at:.1f} s after; "
        f"{len(seen.acknowledged)} of {count * (VISAS + 1)} moves acknowledged in {took:.0f} s, longest silence {seen.silent():.1f} s, "
        f"answers that were no « done »: {dict(seen.errors)}",
        flush=True,
    )
    return judge(house, folders, seen, house.mail)


def _settle() -> None:
    """Until the workers have nothing left to do."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        with reading() as db:
            left = db.scalar(
                sa.select(sa.func.count()).select_from(Outbox).where(Outbox.state.in_(["pending", "running"]))
            )
        if not left:
            return
        time.sleep(0.5)


def _verified(environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "journal", "verify"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    print((done.stdout + done.stderr).strip()[-600:])
    return [] if done.returncode == 0 else ["the journal is not verified"]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
