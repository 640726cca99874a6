"""A test PKI for the demonstration and the tests: fictitious persons, their certificates, OCSP, CRL and a TSA."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import yaml
from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates

from app.core import clock
from demo import pki_recipe as recipe
from demo.pki_recipe import ARCH, FOREIGN, KEYS, PERSONS

if TYPE_CHECKING:
    from certomancer.registry import PKIArchitecture
    from werkzeug.serving import BaseWSGIServer

PASSPHRASE = b"kerlann"


@dataclass(frozen=True)
class TestPki:
    """The made PKI: where its files are and where its services answer."""

    __test__ = False  # pytest would take the name for a test class

    folder: Path
    base_url: str

    @property
    def tsa_url(self) -> str:
        """Where timestamps are asked (RFC 3161)."""
        return f"{self.base_url}/{ARCH}/tsa/tsa"

    @property
    def host(self) -> str:
        """Host and port of its services, as the list of hosts that may be asked writes them."""
        return self.base_url.partition("://")[2]

    @property
    def root_pem(self) -> Path:
        """The root that vouches for persons and for the TSA, as a PEM file."""
        return self.folder / "root.pem"

    @property
    def passphrase(self) -> bytes:
        """The password of every .p12 file."""
        return PASSPHRASE

    def p12(self, label: str) -> Path:
        """The PKCS#12 file of a person; « a_kervadec_legacy » is the 3DES export of the same key."""
        return self.folder / "p12" / f"{label}.p12"

    @cached_property
    def architectures(self) -> "dict[str, PKIArchitecture]":
        """Certomancer's view of the two authorities, ours and the foreign one."""
        from certomancer.registry import CertomancerConfig

        from demo.pki_keys import use_known_keys

        use_known_keys()
        config = CertomancerConfig.from_file(str(self.folder / "pki.yaml"))
        return {str(label): arch for label, arch in config.pki_archs.items()}

    def certificate(self, label: str) -> bytes:
        """DER of one certificate, « root » and « interm » included."""
        from certomancer.registry import CertLabel

        arch = FOREIGN if label in {"foreign", "foreign_root"} else ARCH
        return bytes(self.architectures[arch].get_cert(CertLabel(label)).dump())

    def chain(self, label: str) -> tuple[bytes, ...]:
        """DER of the certificates above a person's, nearest first."""
        if label == "foreign_root":
            return (self.certificate("foreign"),)
        nearest = "cards" if label.startswith("card") else "interm"
        return tuple(map(self.certificate, (nearest, "root")))


def make(folder: Path, base_url: str, now: datetime | None = None) -> TestPki:
    """Make the PKI in `folder`, or take up the one that is there: keys, serials and dates stay the same.

    `base_url`: where `serve` will answer, written into the certificates. `now` fixes the dates at the first making.
    """
    folder.mkdir(parents=True, exist_ok=True)
    born = folder / "born"
    if not born.exists():
        born.write_text((now or clock.now()).replace(microsecond=0).isoformat())
    _make_keys(folder / "keys")
    wanted = yaml.safe_dump(
        recipe.config(datetime.fromisoformat(born.read_text()), base_url), allow_unicode=True
    )
    pki = TestPki(folder, base_url)
    written = folder / "pki.yaml"
    if not pki.root_pem.exists() or written.read_text() != wanted:
        pki.root_pem.unlink(missing_ok=True)
        written.write_text(wanted)
        _write_p12(pki)
        # Last, because its presence says that all the rest is there
        pki.root_pem.write_bytes(pem.armor("CERTIFICATE", pki.certificate("root")))
    return pki


def _make_keys(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for label, bits in KEYS.items():
        path = folder / f"{label}.pem"
        if not path.exists():
            curve = {0: ec.SECP256R1(), 384: ec.SECP384R1()}.get(bits)
            key = ec.generate_private_key(curve) if curve else rsa.generate_private_key(65537, bits)
            path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _write_p12(pki: TestPki) -> None:
    (pki.folder / "p12").mkdir(exist_ok=True)
    for label, key, encryption in _files():
        person = next(person for person in PERSONS if label.removesuffix("_legacy") == person.label)
        # Made here: it is not proved prime again, which takes as long as ten signatures
        secret = load_pem_private_key(
            (pki.folder / "keys" / f"{key}.pem").read_bytes(), None, unsafe_skip_rsa_key_validation=True
        )
        own = x509.load_der_x509_certificate(pki.certificate(person.label))
        above = [x509.load_der_x509_certificate(der) for der in pki.chain(person.label)]
        data = serialize_key_and_certificates(person.name.encode(), secret, own, above, encryption)  # type: ignore[arg-type]
        pki.p12(label).write_bytes(data)


def _files() -> Iterator[tuple[str, str, KeySerializationEncryption]]:
    for person in PERSONS:
        yield person.label, person.key, BestAvailableEncryption(PASSPHRASE)
    # What old export wizards still write: PBE with SHA-1 and 3DES, and a SHA-1 MAC
    builder = PrivateFormat.PKCS12.encryption_builder().hmac_hash(hashes.SHA1())
    yield (
        "a_kervadec_legacy",
        "a_kervadec",
        builder.key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC).build(PASSPHRASE),
    )


class Serving:
    """The PKI's services, answering in a thread until closed."""

    def __init__(self, server: "BaseWSGIServer") -> None:
        self._server = server
        self._thread = Thread(target=server.serve_forever, name="pki", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Stay until the services are closed."""
        self._thread.join()

    def close(self) -> None:
        """Stop answering and give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def serve(folder: Path, host: str, port: int) -> Serving:
    """Answer timestamps, OCSP and CRL for the PKI made in `folder`; only what an authority publishes, never a key."""
    from certomancer.integrations.animator import Animator, AnimatorArchStore
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 - the names are werkzeug's
            logging.getLogger(__name__).debug(message, *args)

    pki = TestPki(folder, f"http://{host}:{port}")
    application = Animator(
        AnimatorArchStore(pki.architectures),  # type: ignore[arg-type]
        with_web_ui=False,
        allow_time_override=False,
    )
    return Serving(make_server(host, port, application, threaded=True, request_handler=Quiet))
