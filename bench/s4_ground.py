"""What S4 measures on: a key whose authority answers, documents of one size, and folders that wait for the seal."""

import mimetypes
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from pydantic import SecretStr

from app import create_app
from app.circuits import library
from app.circuits.models import CircuitVersion
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.outbox import Outbox
from app.core.transaction import use_case
from app.files import vault
from app.folders import decide, deposit, sending
from app.folders.keep import Kept
from bench.commune import Commune
from bench.ground import Ground
from config import Settings
from tests.cluster import free_port
from workflows.loader import load

PASSPHRASE = "kerlann"
CIRCUIT: dict[str, Any] = {
    "key": "invoice",
    "label": "Factures scellées",
    "steps": [
        {"key": "finance", "label": "Finances", "kind": "visa", "who": [{"desk": "finances"}], "days": 3},
        {"key": "cachet", "label": "Cachet", "kind": "seal"},
        {"key": "mayor", "label": "Maire", "kind": "sign", "who": [{"desk": "maire"}], "days": 3},
        {"key": "handover", "label": "Remise", "kind": "transmit", "channel": "handover"},
    ],
}
DAY = timedelta(days=1)
UNUSED = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")


@dataclass(frozen=True)
class Seal:
    """A key file (RSA-2048), and the authority that vouches for it and says that it still stands."""

    file: Path
    root: Path
    host: str

    @property
    def passphrase(self) -> bytes:
        """Of the key file."""
        return PASSPHRASE.encode()


@contextmanager
def seal_in(folder: Path) -> Iterator[Seal]:
    """Make the key, its authority and its revocation list, served by a process of its own as a file, as authorities do."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    seal = _make(folder, f"127.0.0.1:{port}")
    mimetypes.add_type("application/pkix-crl", ".crl")
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    serving = subprocess.Popen(command, cwd=folder / "public", stdout=quiet, stderr=quiet)
    try:
        _wait(f"http://{seal.host}/racine.crl")
        yield seal
    finally:
        serving.terminate()
        serving.wait(10)


def _wait(url: str) -> None:
    until = time.monotonic() + 30
    while not _answers(url):
        if time.monotonic() > until:
            raise RuntimeError(f"{url} does not answer")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url).read()
    except OSError:
        return False
    return True


def _make(folder: Path, host: str) -> Seal:
    root, own = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    above = _certificate("Racine", root.public_key(), root, None)
    leaf = _certificate("Cachet", own.public_key(), root, f"http://{host}/racine.crl")
    moment = datetime.now(UTC)
    listed = x509.CertificateRevocationListBuilder().issuer_name(above.subject)
    listed = listed.last_update(moment - DAY).next_update(moment + DAY)
    (folder / "public").mkdir(exist_ok=True)
    crl = listed.sign(root, hashes.SHA256()).public_bytes(Encoding.DER)
    (folder / "public" / "racine.crl").write_bytes(crl)
    (folder / "racine.pem").write_bytes(above.public_bytes(Encoding.PEM))
    secret = BestAvailableEncryption(PASSPHRASE.encode())
    (folder / "cachet.p12").write_bytes(serialize_key_and_certificates(b"cachet", own, leaf, [above], secret))
    return Seal(folder / "cachet.p12", folder / "racine.pem", host)


def _certificate(
    name: str, key: rsa.RSAPublicKey, signer: rsa.RSAPrivateKey, listed: str | None
) -> x509.Certificate:
    moment, authority = datetime.now(UTC), listed is None
    usage = {**dict.fromkeys(UNUSED, False), "key_cert_sign": authority, "crl_sign": authority}
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("Racine"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - DAY)
        .not_valid_after(moment + DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if listed is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(listed)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(common: str) -> x509.Name:
    kinds = ((x509.NameOID.COUNTRY_NAME, "FR"), (x509.NameOID.ORGANIZATION_NAME, "Commune"))
    return x509.Name(
        [x509.NameAttribute(*attribute) for attribute in (*kinds, (x509.NameOID.COMMON_NAME, common))]
    )


def document(path: Path, size: int, number: int = 0) -> Path:
    """A PDF of one page and of about so many bytes; each number gives other bytes."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        pdf.docinfo["/Title"] = f"Document {number:06}"
        pdf.save(path)
        pdf.Root.Filler = pdf.make_stream(b"%" + b"0" * (size - path.stat().st_size - 200))
        pdf.save(path, compress_streams=False)
    return path


def settings_of(place: Ground, url: str, seal: Seal) -> Settings:
    """The installation of the benches, with its seal and its authority."""
    chosen = {
        "trust_roots": seal.root,
        "revocation_hosts": (seal.host,),
        "seal_p12": seal.file,
        "seal_passphrase": SecretStr(PASSPHRASE),
    }
    return place.settings(url).model_copy(update=chosen)


def environment_of(place: Ground, url: str, seal: Seal) -> dict[str, str]:
    """The same, for a process."""
    return place.environment(url) | {
        "PARAPHE_TRUST_ROOTS": str(seal.root),
        "PARAPHE_REVOCATION_HOSTS": seal.host,
        "PARAPHE_SEAL_P12": str(seal.file),
        "PARAPHE_SEAL_PASSPHRASE": PASSPHRASE,
    }


def waiting(settings: Settings, commune: Commune, count: int, size: int, room: Path) -> list[int]:
    """Bring so many folders to the seal by the verbs of the product; returns the outbox rows of all that wait for it."""
    create_app(settings)
    _publish(commune.id)
    library.forget()
    depositor, clerk = commune.actors["g.trehorel"], commune.actors["n.abgrallec"]
    facts = {
        "issue_date": today().isoformat(),
        "seller": "Voiles du Ponant",
        "total_ttc": "500.00",
        "currency": "EUR",
        "received_on": today().isoformat(),
        "proof_of_service": "technique",
    }
    for number in range(count):
        path = document(room / "document.pdf", size, number)
        stored = vault.store().put_file(vault.scope(commune.id), path)
        file = Kept(
            "main", "", f"S{number}.pdf", stored.sha256, stored.size, "application/pdf", 1, "deposited"
        )
        named = {**facts, "number": f"S{number}"}
        folder_id = deposit.create(depositor, "invoice", min(depositor.desk_ids), [file], named)
        sending.submit(depositor, folder_id, version=1)
        decide.approve(clerk, folder_id, version=3, comment="")
    with reading() as db:
        query = sa.select(Outbox.id).where(Outbox.kind == "step.seal", Outbox.state == "pending")
        return list(db.scalars(query.order_by(Outbox.id)))


@use_case
def _publish(db: Db, collectivity_id: int) -> None:
    latest = library.current(db, collectivity_id, "invoice")
    db.add(
        CircuitVersion(
            collectivity_id=collectivity_id,
            family="invoice",
            number=(latest.number if latest else 0) + 1,
            label="Factures scellées",
            definition=load(CIRCUIT).to_data(),
            published_at=now(),
            published_by="bench",
        )
    )
