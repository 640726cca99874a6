"""S2LOW as the adapter meets it: the simulator's own face on a free port, over TLS, with certificates made for the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app import create_app
from app.channels.actes.settings import ActesSettings
from app.channels.helios.settings import HeliosSettings
from app.transmission.s2low.settings import S2lowSettings
from demo.s2low import Operator, serve
from tests.builders.house import House
from tests.channels.parcels import SENDER
from tests.cluster import free_port

BORN = datetime(2020, 1, 1, tzinfo=UTC)


class Authority:
    """A small TLS authority: whatever it makes is one PEM file, certificate then key."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(name, self._key.public_key(), authority=True)
        self.pem = folder / f"{name}.pem"
        self.pem.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(
        self,
        path: Path,
        name: str,
        *,
        until: datetime = BORN + timedelta(days=36500),
        usages: tuple[x509.ObjectIdentifier, ...] = (),
        host: str = "127.0.0.1",
    ) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(name, key.public_key(), until=until, usages=usages, host=host)
        path.parent.mkdir(parents=True, exist_ok=True)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
        return path

    def _sign(
        self,
        name,
        public,
        *,
        authority=False,
        until=BORN + timedelta(days=36500),
        usages=(),
        host="127.0.0.1",
    ):
        builder = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named(self.name))
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(BORN).not_valid_after(until)
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            here = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
            builder = builder.add_extension(here, critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Face:
    """The operator that answers, and the settings of an installation that goes through it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder, "autorite-tls-factice")
        self.port = free_port()
        self.accounts = folder / "accounts"
        self.authority.issue(self.accounts / SENDER.siren / "client.pem", "Kerlann")
        self.certificate = self.authority.issue(folder / "server.pem", "127.0.0.1")
        self.operator = Operator(ActesSettings.inside(folder), HeliosSettings.inside(folder), SENDER)

    def settings(self, **more: object) -> S2lowSettings:
        given: dict[str, object] = {
            "url": f"https://127.0.0.1:{self.port}",
            "folder": self.accounts,
            "ca_file": self.authority.pem,
            "simulated": True,
        }
        return S2lowSettings(**(given | more))

    def world(self, folder: Path) -> None:
        """Give the operator an empty world."""
        actes = ActesSettings.inside(folder, folder=folder / "actes", delay_seconds=0)
        helios = HeliosSettings.inside(folder, folder=folder / "helios", delay_seconds=0)
        self.operator.__init__(actes, helios, SENDER)


def town(house: House, face: Face, **more: object) -> House:
    """The house when its acts and flows leave by this operator."""
    given: dict[str, object] = {
        "actes_transport": "s2low",
        "helios_transport": "s2low",
        "s2low_url": face.settings().url,
        "s2low_folder": face.accounts,
        "s2low_ca_file": face.authority.pem,
        "s2low_simulated": True,
    }
    settings = house.settings.model_copy(update=given | more)
    return House(create_app(settings), settings, house.pki, house.mail)


@contextmanager
def a_face(folder: Path) -> Iterator[Face]:
    """The operator, answering."""
    face = Face(folder)
    serving = serve(face.operator, face.port, face.certificate, face.authority.pem)
    yield face
    serving.close()
