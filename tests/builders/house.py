"""The product as a test speaks to it: people by login, folders by where they wait, clicks by their page."""

import re
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core import outbox
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.limits import KNOWN
from app.folders import decide, deposit, sending
from app.folders.keep import Incoming, Kept, keep_main
from app.folders.models import ASKED, Document, DocumentVersion, Folder, StepRun
from app.folders.publicity import Means, way_of
from app.folders.sockets import ReadFacts
from app.invoices.models import InvoiceKey
from app.journal.models import JournalEntry
from app.people.actor import Actor
from app.signing import sign
from app.signing.enrol import enrol
from app.signing.keys.browser import BrowserKey
from app.signing.keys.pkcs12 import Pkcs12Key
from app.transmission.channels import open_channel
from app.trust.certificates import facts
from config import Settings
from demo.cast import PASSWORD
from demo.pki import TestPki
from demo.seed import actor_of
from tests.builders.once import samples_known
from tests.builders.templates import NoAttribute
from tests.mailserver import MailServer
from workflows.family import family

ASSETS = Path(__file__).resolve().parents[1] / "assets"
INVOICE = ASSETS / "invoices" / "fx-basic-fr-ok.pdf"
ACT = ASSETS / "acts" / "deliberation-2026-057-subvention.pdf"
FLOW = ASSETS / "pes" / "kerlann_depenses.xml"
PAY = ASSETS / "pes" / "kerlann_paye.xml"
CONTRACT = ASSETS / "pes" / "kerlann_marche.xml"
PAYSLIPS_ALONE = ASSETS / "pes" / "kerlann_paye_pj.xml"
BUDGET = ASSETS / "actes" / "budget" / "totem-mini-scelle.xml"
ACTS = {
    "regulatory_decree": {"matter": "6.1"},
    "individual_decree": {"matter": "2.2", "addressee": "Mona Kergoat"},
    "decision": {
        "matter": "1.1",
        "delegation_item": "4",
        "delegated_by": "2026-012",
        "amount": "12000",
        "ceiling": "90000",
    },
    "contract": {
        "matter": "1.1",
        "contract_kind": "procurement",
        "other_party": "Roz-Avel",
        "amount": "240000",
    },
    "budget": {"matter": "7.1", "decision_date": "2026-11-12"},
    "other_act": {"matter": "9.1"},
}
"""What each family of acts asks beyond the facts of every act."""
CERTIFICATES = {"a.kervadec": "a_kervadec", "b.cadiou": "b_cadiou"}
INVOICE_WAY = ("service_done", "finance", "bon_a_payer", "handover", "done")
ACT_WAY = ("direction", "signatures", "prefecture", "publication", "done")


class House:
    """One installation of the product, on one database."""

    def __init__(self, app: Flask, settings: Settings, pki: TestPki, mail: MailServer) -> None:
        self.app, self.settings, self.pki, self.mail = app, settings, pki, mail
        app.jinja_env.undefined = NoAttribute
        self._kept: tuple[list[Kept], ReadFacts | None] | None = None
        self._met: dict[str, str] = {}

    # people

    def actor(self, login: str) -> Actor:
        """A person, as verbs see him or her."""
        return actor_of(login)

    def client(self, login: str | None = None) -> FlaskClient:
        """A browser without screen, logged in; the next one of the same login is that browser again, without its session."""
        client = self.app.test_client()
        if login:
            if login in self._met:
                client.set_cookie(KNOWN, self._met[login])
            page = client.get("/login").get_data(as_text=True)
            answer = client.post(
                "/login", data={"login": login, "password": PASSWORD, "csrf_token": token_in(page)}
            )
            assert answer.status_code == 302, answer.get_data(as_text=True)
            known = client.get_cookie(KNOWN)
            self._met[login] = known.value if known else ""
        return client

    def csrf(self, client: FlaskClient) -> str:
        """The token that a form of this browser must carry."""
        return token_in(client.get("/compte").get_data(as_text=True))

    # folders

    def deposit(self, login: str, family: str, path: Path, *more: Path) -> int:
        """Deposit files, as the page does."""
        with tempfile.TemporaryDirectory() as room:
            files = []
            for one in (path, *more):
                shutil.copy(one, Path(room) / one.name)
                files.append(Incoming(Path(room) / one.name, one.name))
            with samples_known():
                return deposit.deposit(self.actor(login), family, files).folder_id

    def an_invoice(self, at: str = "service_done", path: Path = INVOICE, **facts: str) -> int:
        """An invoice that waits at a step (or `draft`), brought there by the verbs."""
        folder_id = self.deposit("g.trehorel", "invoice", path)
        typed = {
            "received_on": (today() - timedelta(days=3)).isoformat(),
            "proof_of_service": "technique",
            **facts,
        }
        self.save(folder_id, "g.trehorel", typed)
        if at == "draft":
            return folder_id
        sending.send(self.actor("g.trehorel"), folder_id, version=self.folder(folder_id).version)
        self.another(folder_id)
        for place, who in (("service_done", "r.pellenec"), ("finance", "n.abgrallec")):
            if self.folder(folder_id).place == at:
                return folder_id
            if self.folder(folder_id).place == place:
                self.approve(folder_id, who)
        if at == "direction" or self.folder(folder_id).place == at:
            return folder_id
        if self.folder(folder_id).place == "direction":
            self.approve(folder_id, "s.rivoal")
        if at == "bon_a_payer":
            return folder_id
        self.sign(folder_id, "a.kervadec")
        if at == "done":
            self.drain()
        return folder_id

    def a_quick_invoice(self) -> int:
        """An invoice that waits for the finance desk, from a file examined once: for tests that need many."""
        if self._kept is None:
            with tempfile.TemporaryDirectory() as room:
                path = Path(shutil.copy(INVOICE, Path(room) / INVOICE.name))
                here = self.actor("g.trehorel").collectivity_id
                self._kept = keep_main(here, family("invoice"), Incoming(path, INVOICE.name), Path(room))
        kept, read = self._kept
        actor = self.actor("g.trehorel")
        facts = {**read.fields, "received_on": today().isoformat(), "proof_of_service": "technique"}
        folder_id = deposit.create(actor, "invoice", min(actor.desk_ids), kept, facts)
        sending.submit(actor, folder_id, version=1)
        self.another(folder_id)
        self.approve(folder_id, "r.pellenec")
        return folder_id

    def another(self, folder_id: int) -> None:
        """Let an invoice made of a file that served already be another one: else the second is held (INV-20)."""
        key: Any = InvoiceKey.__table__
        others = sa.select(key.c.key).where(key.c.folder_id != folder_id)
        with engine().begin() as connection:
            connection.execute(sa.delete(key).where(key.c.folder_id == folder_id, key.c.key.in_(others)))

    def a_deliberation(
        self,
        at: str = "direction",
        number: str | None = None,
        path: Path = ACT,
        family: str = "deliberation",
        **facts: str,
    ) -> int:
        """A deliberation that waits at a step (or `draft`), brought there by the verbs; of the first free number.

        `family`: the key of a type of deliberations.
        """
        folder_id = self.deposit("k.morizur", family, path)
        typed = {
            "number": self._free_number() if number is None else number,
            "decision_date": "2026-09-24",
            "subject": "Subvention exceptionnelle au Cercle nautique",
            "nature": "1",
            "matter": "7.5.2",
            "sitting_secretary": str(self.actor("b.cadiou").user_id),
            **facts,
        }
        self.save(folder_id, "k.morizur", typed)
        if at == "draft":
            return folder_id
        sending.send(self.actor("k.morizur"), folder_id, version=self.folder(folder_id).version)
        if at == "direction":
            return folder_id
        self.approve(folder_id, "s.rivoal")
        if at == "signatures":
            return folder_id
        self.sign(folder_id, "a.kervadec")
        self.sign(folder_id, "b.cadiou")
        if at == "prefecture":
            return folder_id
        self.drain()
        if at == "done":
            self.publish(folder_id)
        return folder_id

    def publish(self, folder_id: int, day: date | None = None) -> date | None:
        """Publish an act in its own way, as its clerk; by another way than online, on `day` or today."""
        with reading() as db:
            means = way_of(db, db.get_one(Folder, folder_id))
        typed = None if means is Means.ONLINE else day or today()
        version = self.folder(folder_id).version
        return decide.publish(
            self.actor("k.morizur"), folder_id, version=version, means=means, published_on=typed
        )

    def _free_number(self) -> str:
        """From 2026-057 on, a number that no deliberation of this house has."""
        with reading() as db:
            known = set(db.scalars(sa.select(Folder.number).where(Folder.family == "deliberation")))
        return next(f"2026-{rank:03}" for rank in range(57, 999) if f"2026_{rank:03}" not in known)

    def an_act(self, family: str, *files: Path, at: str = "signature", **facts: str) -> int:
        """An act of another family than deliberations, that waits for the mayor's signature (or `draft`)."""
        folder_id = self.deposit("k.morizur", family, *(files or (ACT,)))
        typed = {
            "number": f"2026-{folder_id:03}",
            "decision_date": (today() - timedelta(days=1)).isoformat(),
            "subject": "Quai du port",
            **ACTS[family],
            **facts,
        }
        self.save(folder_id, "k.morizur", typed)
        if at == "draft":
            return folder_id
        self.type_annexes(folder_id, "70_DE" if family == "budget" else "99_SE")
        sending.send(self.actor("k.morizur"), folder_id, version=self.folder(folder_id).version)
        for place, who in (("finance", "n.abgrallec"), ("direction", "s.rivoal")):
            if self.folder(folder_id).place == place:
                self.approve(folder_id, who)
        return folder_id

    def a_flow(self, path: Path = FLOW) -> int:
        """A payment flow that waits for the mayor."""
        folder_id = self.deposit("g.trehorel", "pes", path)
        sending.send(self.actor("g.trehorel"), folder_id, version=self.folder(folder_id).version)
        self.approve(folder_id, "n.abgrallec")
        return folder_id

    def a_pay_flow(self, path: Path = PAY) -> int:
        """A pay flow that waits for the mayor."""
        folder_id = self.deposit("m.kerzerho", "pes_payroll", path)
        sending.send(self.actor("m.kerzerho"), folder_id, version=self.folder(folder_id).version)
        return folder_id

    def a_document(self, data: bytes, name: str) -> int:
        """Another document that waits for its first signature, with these bytes."""
        with tempfile.TemporaryDirectory() as room:
            path = Path(room) / name
            path.write_bytes(data)
            folder_id = self.deposit("k.morizur", "other", path)
        self.save(folder_id, "k.morizur", {"subject": "Plan du port"})
        sending.send(self.actor("k.morizur"), folder_id, version=self.folder(folder_id).version)
        if self.folder(folder_id).place == "direction":
            self.approve(folder_id, "s.rivoal")
        return folder_id

    def play(self, channel: str, play: str) -> None:
        """Have the simulator behind this channel answer the next deposit this way."""
        open_channel(channel).transport.scenarios.prepare(play)

    def save(self, folder_id: int, login: str, facts: dict[str, str], title: str | None = None) -> int:
        """Fill the form of a draft."""
        return deposit.save(
            self.actor(login),
            folder_id,
            version=self.folder(folder_id).version,
            title=title,
            facts=facts,
            reason="Vérifié auprès du fournisseur.",
        )

    def type_annexes(self, folder_id: int, code: str) -> None:
        """Choose this type for each annex of an act, as its clerk."""
        with reading() as db:
            query = sa.select(Document.id).where(
                Document.folder_id == folder_id, Document.role == "attachment", Document.removed_at.is_(None)
            )
            types = dict.fromkeys(db.scalars(query), code)
        if types:
            version = self.folder(folder_id).version
            deposit.save(
                self.actor("k.morizur"), folder_id, version=version, title=None, facts={}, types=types
            )

    def approve(self, folder_id: int, login: str, comment: str = "") -> None:
        """Put a visa, or give a favourable opinion where one is asked."""
        with reading() as db:
            asked = sa.select(StepRun.kind).where(
                StepRun.folder_id == folder_id, StepRun.state == "active", ~StepRun.slot.startswith(ASKED)
            )
            opinion = "favourable" if db.scalar(asked.order_by(StepRun.id).limit(1)) == "opinion" else ""
        version = self.folder(folder_id).version
        decide.approve(self.actor(login), folder_id, version=version, comment=comment, opinion=opinion)

    def key(self, label: str) -> Pkcs12Key:
        """A certificate of the test PKI, with its key."""
        return Pkcs12Key.load(self.pki.p12(label), self.pki.passphrase)

    def enrol(self, login: str, label: str) -> None:
        """Write one more certificate of the test PKI to a person's name."""
        der = self.pki.certificate(label)
        enrol(self.actor(login), self.actor(login).user_id or 0, facts(der), der)

    def prepare(self, folder_id: int, login: str, label: str | None = None) -> tuple[sign.Ready, Pkcs12Key]:
        """The first phase of a signature, as the browser asks it."""
        key = self.key(label or CERTIFICATES[login])
        ready = sign.prepare(
            self.actor(login),
            folder_id,
            version=self.folder(folder_id).version,
            key=BrowserKey(key.certificate, tuple(key.chain)),
        )
        return ready, key

    def sign(self, folder_id: int, login: str, label: str | None = None) -> None:
        """Sign with one's certificate, both phases."""
        ready, key = self.prepare(folder_id, login, label)
        sign.complete(self.actor(login), ready.session, [key.sign(one.attributes) for one in ready.prepared])

    def drain(self) -> int:
        """Do the background work until nothing is due, receipts included."""
        import time

        count, quiet = 0, 0
        while quiet < 2:
            done = outbox.drain()
            count += done
            quiet = 0 if done or self.pending() else quiet + 1
            if self.pending() and not done:
                time.sleep(0.02)  # a polled receipt or a back-off is due in so many hundredths of a second
        return count

    def wait_for_leases(self) -> None:
        """Let the leases of a killed process run out, on the clock that the product reads; what it knew died with it."""
        outbox._leased.clear()
        with engine().begin() as connection:
            connection.execute(
                sa.text("UPDATE outbox SET lease_until = available_at WHERE state = 'running'")
            )

    def pending(self) -> int:
        """Rows that still have something to do; what waits for minutes, as a file that cannot be read, is not waited for."""
        soon = outbox.Outbox.available_at < now() + timedelta(minutes=5)
        with reading() as db:
            query = sa.select(sa.func.count()).where(outbox.Outbox.state.in_(["pending", "running"]), soon)
            return db.scalar(query) or 0

    # what a test looks at

    def folder(self, folder_id: int) -> Folder:
        """The folder's row, as it is now."""
        with reading() as db:
            return db.get_one(Folder, folder_id)

    def versions(self, folder_id: int, role: str = "main") -> list[DocumentVersion]:
        """Every version of a document, oldest first."""
        with reading() as db:
            query = (
                sa.select(DocumentVersion)
                .join(Document, Document.id == DocumentVersion.document_id)
                .where(Document.folder_id == folder_id, Document.role == role)
                .order_by(DocumentVersion.id)
            )
            return list(db.scalars(query))

    def bytes_of(self, version: DocumentVersion) -> bytes:
        """The bytes of a version, from the store."""
        from app.files import vault

        return vault.store().read(vault.scope(version.collectivity_id), version.sha256)

    def journal(self, folder_id: int) -> list[str]:
        """The events of a folder, in order."""
        with reading() as db:
            return list(
                db.scalars(
                    sa.select(JournalEntry.event)
                    .where(JournalEntry.folder_id == folder_id)
                    .order_by(JournalEntry.id)
                )
            )


def token_in(page: str) -> str:
    """The CSRF token that a page carries."""
    found = re.search(r'name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"', page)
    assert found, page[:400]
    return found.group(1)
