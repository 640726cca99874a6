"""What the tests of trust, verification and signing share: whom they believe, who dates, keys, and a document to sign."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import geometry, pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan, Stamp
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient
from demo.pki import TestPki

ASSETS = Path(__file__).parent.parent / "assets" / "signing"


@pytest.fixture(scope="session")
def trust(pki: TestPki) -> Trust:
    root = pki.root_pem.read_bytes()
    return Trust((root,), (root,), fetch=True, allowed_hosts=(pki.host,), timeout=20)


@pytest.fixture(scope="session")
def tsa(pki: TestPki) -> TimestampClient:
    return TimestampClient(pki.tsa_url, timeout=20)


@pytest.fixture(scope="session")
def key(pki: TestPki) -> Callable[[str], Pkcs12Key]:
    return lambda label: Pkcs12Key.load(pki.p12(label), pki.passphrase)


@pytest.fixture
def deliberation(tmp_path: Path) -> Path:
    return Path(shutil.copy(ASSETS / "deliberation.pdf", tmp_path / "deliberation.pdf"))


STAMP = Stamp(("Signé électroniquement par", "Armel KERVADEC", "Maire", "le 25/11/2026 à 22:57:12 +01:00"))


def two_fields(source):
    return [
        FieldPlan(name, geometry.default_box(source, rank, 2))
        for rank, name in enumerate(("maire", "secretaire"))
    ]


def sealed(source, key, field="maire", tsa=None, stamp=STAMP):
    target = source.with_name(f"{source.stem}-{field}.pdf")
    prepared = pades.seal(
        source,
        target,
        key=key,
        field=field,
        fields=two_fields(source),
        stamp=stamp,
        now=now(),
        timestamper=tsa,
    )
    return target, prepared


def refusal(action, *args, **kwargs) -> str:
    with pytest.raises(Refusal) as caught:
        action(*args, **kwargs)
    return caught.value.key
