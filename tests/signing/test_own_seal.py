"""A collectivity's own seal: judged and tried before it serves, sealing for it alone, kept sealed and told before its end."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from asn1crypto import pkcs12 as der
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from app.core import security
from app.core.clock import now
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.operations import resealing
from app.operations.examined import own
from app.operations.findings import Ending, Level
from app.people.own_settings.changing import give_file, try_out
from app.signing import expiry, seals
from app.signing.attesting import attestation_seal
from app.signing.models import SignatureProof
from app.trust import authorities
from app.trust.certificates import facts
from app.verification.examine import examine
from demo.pki import TestPki
from tests.builders.house import House
from tests.conftest import SECRET
from tests.journeys.test_seal import signed_by_both
from tests.people.test_own_settings import PAGE, K, elsewhere, here, journal, kept, other_settings, text

pytestmark = pytest.mark.in_turn
HERE = f"{PAGE}/{seals.SEAL}"
OWN, INSTALLED = "Cachet qualifié (FACTICE)", "Cachet de la commune de Kerlann-sur-Mer"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    security.configure(SECRET)


def send(house: House, client, data: bytes, passphrase: str):
    form = {"csrf_token": house.csrf(client), "file": (BytesIO(data), "cachet.p12"), "secret": passphrase}
    return client.post(HERE, data=form, content_type="multipart/form-data")


def give(house: House, label: str = "eseal") -> None:
    """The test authority's seal of this label, by the command of the host's page."""
    texts = {"secret": house.pki.passphrase.decode()}
    give_file(house.actor(K), seals.SEAL, house.pki.p12(label).read_bytes(), texts)


def name_of(key) -> str:
    return facts(key.certificate).common_name


def test_each_collectivity_seals_with_its_own_and_never_with_the_other_s(
    house: House, tmp_path: Path
) -> None:
    other = elsewhere("a.ailleurs")
    client = house.client(K)
    answer = send(house, client, house.pki.p12("eseal").read_bytes(), house.pki.passphrase.decode())
    assert answer.location == PAGE
    page = text(client.get(PAGE))
    assert f"Une page d’essai a été scellée par « {OWN} » et relue, valable jusqu’au" in page
    assert re.search(rf"Certificat de cachet .* {re.escape(OWN)}, jusqu’au .* La collectivité", page)
    assert "celui de l’installation" in text(house.client("a.ailleurs").get(HERE))
    assert name_of(seals.of_collectivity(here(house))) == OWN
    assert name_of(seals.of_collectivity(other)) == name_of(seals.of_collectivity(None)) == INSTALLED
    assert (attestation_seal(here(house)).name, attestation_seal(None).name) == (OWN, INSTALLED)
    # A step of the circuit is sealed by it; taken back, what it sealed stays valid
    folder_id = signed_by_both(house)
    house.drain()
    with reading() as db:
        last = db.scalars(sa.select(SignatureProof).order_by(SignatureProof.id.desc())).first()
    assert (last.capacity, last.level) == ("Cachet", "B-T")
    assert OWN in last.subject
    client.post(f"{HERE}/revenir", data={"csrf_token": house.csrf(client)})
    assert name_of(seals.of_collectivity(here(house))) == INSTALLED
    signed = tmp_path / "scelle.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    verdicts = examine(signed, authorities.whom(), now()).verdicts
    assert {one.verdict for one in verdicts} == {"valide"}
    # Where the installation has none, the other has none: ours was never its own
    bare = other_settings(house, seal_p12=None)
    give(bare)
    assert seals.of_collectivity(other) is None
    assert not seals.there_for(other)
    assert name_of(seals.of_collectivity(here(house))) == OWN


def test_a_seal_is_kept_sealed_told_in_the_journal_and_follows_the_key_of_the_installation(
    house: House,
) -> None:
    give(house)
    sealed = str(kept(house)[seals.SEAL])
    mark = re.search(r"PRIVATE KEY-----\\n(.{40})", unseal(sealed))[1]
    client = house.client(K)
    for path in (PAGE, HERE, "/administration/journal"):
        shown = client.get(path).get_data(as_text=True)
        assert not any(word in shown for word in ("PRIVATE KEY", mark, sealed))
    assert journal("setting.changed")[0].startswith(f"Certificat de cachet : {OWN}, jusqu’au")
    new = "another secret of the tests, long enough to be taken"
    security.configure(new, [SECRET])
    assert resealing.rotate().former == ()
    security.configure(new)
    assert name_of(seals.of_collectivity(here(house))) == OWN
    security.configure("a third secret of the tests, long enough to be taken")
    with pytest.raises(Refusal, match="seal-shut"):
        seals.serving({seals.SEAL: f"{kept(house)[seals.SEAL]}"[:-4] + "AAAA"})


def without_a_key(pki: TestPki) -> bytes:
    certificate = x509.load_der_x509_certificate(pki.certificate("seal"))
    sealing = BestAvailableEncryption(pki.passphrase)
    return pkcs12.serialize_key_and_certificates(None, None, None, [certificate], sealing)


def that_never_opens(pki: TestPki) -> bytes:
    """A seal whose passphrase is to be hashed two thousand million times (RFC 7292 §4, MacData)."""
    made = der.Pfx.load(pki.p12("seal").read_bytes())
    made["mac_data"]["iterations"] = 2**31 - 1
    return bytes(made.dump(force=True))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("expired", "a expiré le"),
        ("revoked", "a été révoqué le"),
        ("foreign_root", "n’est pas reconnue ici"),
        ("auth_only", "sert à s’identifier, pas à signer"),
        ("qualified", "est fait pour la signature d’une personne"),
        ("weak", "est trop faible"),
        (lambda _pki: b"\x30" + b"x" * 70_000, "dépasse 64 Ko"),
        (lambda _pki: b"rien", "pas un fichier .p12 ou .pfx que l’on puisse ouvrir"),
        (lambda _pki: b"", "est vide"),
        (without_a_key, "ne tient pas à la fois un certificat de cachet et sa clé"),
        (that_never_opens, "pas un fichier .p12 ou .pfx que l’on puisse ouvrir"),
    ],
)
def test_what_cannot_seal_is_said_and_the_former_still_serves(house: House, made, words: str) -> None:
    before = kept(house)
    data = house.pki.p12(made).read_bytes() if isinstance(made, str) else made(house.pki)
    answer = send(house, house.client(K), data, house.pki.passphrase.decode())
    assert answer.status_code == 422
    assert words in text(answer)
    assert kept(house) == before


def test_a_wrong_passphrase_opens_nothing(house: House) -> None:
    answer = send(house, house.client(K), house.pki.p12("seal").read_bytes(), "une autre")
    assert "La phrase de passe n’ouvre pas ce fichier de cachet" in text(answer)
    assert seals.SEAL not in kept(house)


def test_its_end_is_told_to_administrators_and_where_the_collectivity_is_set_up(house: House) -> None:
    assert own.seal(here(house)).level is Level.NONE
    give(house)
    assert "a été scellée par" in str(own.seal(here(house)))
    name, last = seals.ending(kept(house))
    house.mail.clear()
    with time_machine.travel(now() + (last - now().date()) - timedelta(days=20), tick=True):
        with pytest.raises(Ending, match="expire le"):
            own.seal(here(house))
        expiry.remind()
        expiry.remind()
        with reading() as db:
            rows = [row for row in db.scalars(sa.select(Outbox)) if row.payload.get("event") == expiry.SEAL]
        assert [(row.payload["what"], row.payload["page"]) for row in rows] == [
            (name, "/administration/reglages")
        ]
        house.drain()
    (letter,) = [one for one in house.mail.letters if "cachet" in str(one["Subject"])]
    assert name in letter.get_body(("plain",)).get_content()
    assert try_out(house.actor(K), "seal").fine
