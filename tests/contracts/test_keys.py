"""Every key provider found in the house keeps the same promises; a new one is asked here how its key is reached."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pydantic import SecretStr

import app.signing.keys
from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import pades
from app.signing.keys import webeid as webeid_module
from app.signing.keys.browser import BrowserKey
from app.signing.keys.csc import CscKey
from app.signing.keys.pkcs11 import Pkcs11Key
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan
from app.signing.remote.service import Service
from app.trust import algorithms
from app.trust.certificates import Trust, issuers_of
from demo.pki import TestPki
from tests.builders.softhsm import MODULE, PIN, Token
from tests.builders.trust_service import BEARER, TrustService

ASSETS = Path(__file__).parents[1] / "assets" / "signing"
PROVIDERS = sorted({one.name for one in iter_modules(app.signing.keys.__path__)} - {"sentences"})
KINDS = {"RSA": ("seal", "seal"), "EC": ("ec", "curve")}
SERVER = {"pkcs12", "pkcs11"}


@dataclass
class World:
    """Where the keys of this suite live."""

    pki: TestPki
    token: Token
    service: TrustService

    def person(self, label: str) -> Pkcs12Key:
        """The same key on the other side: what the page or the card of its holder signs with."""
        return Pkcs12Key.load(self.pki.p12(label), self.pki.passphrase)


@dataclass
class Opened:
    """A key, how it comes to sign, and the secrets that opened it."""

    key: Any
    label: str
    sign: Callable[[bytes], bytes]
    secrets: tuple[str, ...] = ()
    chain: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        self.chain = self.chain or tuple(self.key.chain)


def pkcs12(world: World, label: str) -> Opened:
    key = world.person(label)
    return Opened(key, label, key.sign, (world.pki.passphrase.decode(),))


def pkcs11(world: World, label: str) -> Opened:
    key = Pkcs11Key.open(MODULE, world.token.label, label, SecretStr(PIN))
    return Opened(key, label, key.sign, (PIN,))


def raw(world: World, label: str, tbs: bytes) -> bytes:
    """What WebCrypto and cards answer: r‖s for a curve, of a fixed length."""
    key = world.person(label)
    signature, facts = key.sign(tbs), algorithms.of(key.certificate)
    if facts.curve is None:
        return signature
    return b"".join(one.to_bytes(facts.bits // 8) for one in decode_dss_signature(signature))


def browser(world: World, label: str) -> Opened:
    key = BrowserKey(world.pki.certificate(label), world.pki.chain(label))
    return Opened(key, label, lambda tbs: raw(world, label, tbs))


def webeid(world: World, label: str) -> Opened:
    """A card: no chain comes with it, and it says with which algorithm it signed."""
    label = {"seal": "card_rsa", "ec": "card"}[label]
    certificate = world.pki.certificate(label)
    asked = webeid_module.signature_algorithm(certificate)
    shown = {"certificate": b64encode(certificate).decode(), "supportedSignatureAlgorithms": [asked]}
    key = webeid_module.read_key(shown)

    def sign(tbs: bytes) -> bytes:
        answer = {"signature": b64encode(raw(world, label, tbs)).decode(), "signatureAlgorithm": asked}
        return webeid_module.read_signature(answer, certificate)

    root = world.pki.root_pem.read_bytes()
    trust = Trust((root,), (root,), allowed_hosts=(world.pki.host,), timeout=20)
    return Opened(key, label, sign, chain=issuers_of(certificate, trust=trust, moment=now()))


def csc(world: World, label: str) -> Opened:
    """A trust service: what is authorised first is what is signed then."""
    service = Service(f"{world.service.address}/csc/v1", SecretStr(BEARER))
    key = CscKey.open(service, f"kerlann/{label}")

    def sign(tbs: bytes) -> bytes:
        (challenge,) = key.challenges([hashlib.new(key.digest, tbs).digest()])
        (signature,) = key.finish(challenge)
        return signature

    return Opened(key, label, sign, (BEARER,))


OPENERS: dict[str, Callable[[World, str], Opened]] = {
    "pkcs12": pkcs12,
    "pkcs11": pkcs11,
    "browser": browser,
    "webeid": webeid,
    "csc": csc,
}
EVERY = pytest.mark.parametrize("name", PROVIDERS)
EACH = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def world(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    token = Token(tmp_path_factory.mktemp("hsm"), "contrat")
    for label, key in KINDS.values():
        token.put(pki, label, key)
    service = TrustService(pki)
    yield World(pki, token, service)
    service.close()


@pytest.fixture
def opened(world: World, name: str, kind: str) -> Opened:
    return OPENERS[name](world, KINDS[kind][0])


def prepared_by(opened: Opened, room: Path) -> tuple[Path, Path, Any]:
    source, target = ASSETS / "deliberation.pdf", room / "signed.pdf"
    ready = pades.prepare(
        source,
        target,
        certificate=opened.key.certificate,
        chain=opened.chain,
        field="Signature",
        fields=[FieldPlan("Signature", None)],
        stamp=None,
        reason=None,
        location=None,
        now=now(),
        timestamped=False,
    )
    return source, target, ready


def completed(opened: Opened, target: Path, ready: Any, signature: bytes) -> None:
    pades.complete(
        target,
        ready,
        certificate=opened.key.certificate,
        chain=opened.chain,
        signature=signature,
        timestamper=None,
    )


@pytest.mark.law("SIG-12")
def test_the_walk_finds_every_provider_and_each_is_opened_here() -> None:
    assert {"browser", "pkcs11", "pkcs12"} <= set(PROVIDERS)
    assert set(PROVIDERS) == set(OPENERS)


@EVERY
def test_a_provider_s_module_says_what_it_promises(name: str) -> None:
    assert import_module(f"app.signing.keys.{name}").__doc__


@EVERY
@EACH
def test_it_is_known_by_its_module_and_says_where_it_signs(opened: Opened, name: str) -> None:
    assert opened.key.name == name
    assert opened.key.external is (name not in SERVER)
    assert hasattr(opened.key, "sign") is (name in SERVER)


@EVERY
@EACH
def test_its_certificate_and_chain_are_der_nearest_first(opened: Opened, world: World, kind: str) -> None:
    assert opened.key.certificate == world.pki.certificate(opened.label)
    assert opened.chain == world.pki.chain(opened.label)
    assert algorithms.of(opened.key.certificate).kind == kind


@pytest.mark.law("SIG-12")
@EVERY
@EACH
def test_what_it_signs_is_a_signature_that_the_file_proves(
    opened: Opened, world: World, tmp_path: Path
) -> None:
    source, target, ready = prepared_by(opened, tmp_path)
    completed(opened, target, ready, opened.sign(ready.attributes))
    root = world.pki.root_pem.read_bytes()
    facts = pades.check(
        target,
        source=source,
        field="Signature",
        certificate=opened.key.certificate,
        trust=Trust((root,), (root,), fetch=False),
        timestamped=False,
        moment=now(),
    )
    assert facts.level == "B-B"
    assert facts.fingerprint_sha256 == hashlib.sha256(opened.key.certificate).hexdigest()


@EVERY
@EACH
def test_a_signature_of_other_bytes_is_refused_and_changes_nothing(opened: Opened, tmp_path: Path) -> None:
    _, target, ready = prepared_by(opened, tmp_path)
    before = target.read_bytes()
    for wrong in (opened.sign(ready.attributes + b" "), b"", b"\0" * 256):
        with pytest.raises(Refusal, match="signature-not-yours"):
            completed(opened, target, ready, wrong)
    assert target.read_bytes() == before


@EVERY
@EACH
def test_the_same_bytes_signed_twice_are_two_good_signatures(opened: Opened) -> None:
    digest = algorithms.of(opened.key.certificate).digest
    for _ in range(2):
        assert algorithms.check_signature(opened.key.certificate, opened.sign(b"again"), b"again", digest)


@EVERY
@EACH
def test_it_tells_no_secret(opened: Opened) -> None:
    shown = f"{opened.key!r} {opened.key}"  # the certificate itself is public, and names the commune
    assert not [one for one in (*opened.secrets, "PRIVATE") if one in shown]


@EVERY
@EACH
def test_it_cannot_be_changed_once_opened(opened: Opened) -> None:
    with pytest.raises((AttributeError, TypeError)):
        opened.key.certificate = b"another"
