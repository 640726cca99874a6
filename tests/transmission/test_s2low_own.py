"""The operator's certificate that a collectivity gives itself: tried before it serves, sealed, never shown, and taken back."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.operations import resealing
from app.people.own_settings.changing import give_file, try_out
from app.transmission.ports import AccountRefused
from app.transmission.s2low.own import ACCOUNT, read, summary
from app.transmission.s2low.settings import S2lowSettings, account_of
from demo.cast import PASSWORD, SIREN
from tests.builders.house import House
from tests.builders.s2low import Authority, a_face, town
from tests.people.test_own_settings import PAGE, K, aged, journal, kept, text

pytestmark = pytest.mark.in_turn

HERE = f"{PAGE}/{ACCOUNT}"
PHRASE = "phrase de passe du certificat"


def packed(pem: bytes, passphrase: str = PHRASE) -> bytes:
    """The .p12 of a PEM, as authorities deliver it."""
    key = load_pem_private_key(pem, None)
    certificate = x509.load_pem_x509_certificate(pem)
    sealing = BestAvailableEncryption(passphrase.encode())
    return pkcs12.serialize_key_and_certificates(b"kerlann", key, certificate, None, sealing)


def send(house: House, client, data: bytes, **more: str):
    form = {"csrf_token": house.csrf(client), "file": (BytesIO(data), "kerlann.p12"), **more}
    return client.post(HERE, data=form, content_type="multipart/form-data")


def test_a_certificate_that_the_operator_knows_serves_sealed_and_goes_back(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "face").mkdir()
    with a_face(tmp_path / "face") as face:
        ours = town(house, face)
        client = ours.client(K)
        mine = face.authority.issue(tmp_path / "mine.pem", "Commune de Kerlann").read_bytes()
        (face.accounts / SIREN / "client.pem").unlink()
        assert not try_out(ours.actor(K), "s2low").fine
        assert send(ours, client, packed(mine), secret=PHRASE).location == PAGE
        page = text(client.get(PAGE))
        assert "L’opérateur reconnaît la collectivité. Le réglage est enregistré." in page
        assert "Certificat de l’opérateur" in page
        assert "Commune de Kerlann, jusqu’au" in page
        assert try_out(ours.actor(K), "s2low").fine
        # What is kept is sealed, and nowhere to be read
        sealed = str(kept(ours)[ACCOUNT])
        key = re.search(r"PRIVATE KEY-----\n(.{40})", unseal(sealed).replace("\\n", "\n"))
        assert key
        for path in (PAGE, HERE, "/administration/journal"):
            shown = client.get(path).get_data(as_text=True)
            assert not any(word in shown for word in ("PRIVATE KEY", key[1], PHRASE, sealed))
        assert journal("setting.changed")[-1].startswith(
            "Certificat de l’opérateur : Commune de Kerlann, jusqu’au"
        )
        exported = ours.app.test_cli_runner().invoke(args=["collectivity", "export", SIREN]).output
        assert ACCOUNT not in exported
        with reading() as db:
            assert resealing.stand(db).fresh >= 1
        # Another that the operator does not know changes nothing
        stranger = (
            Authority(tmp_path, "autorite-inconnue").issue(tmp_path / "other.pem", "Inconnue").read_bytes()
        )
        refused = send(ours, client, packed(stranger), secret=PHRASE)
        assert refused.status_code == 409
        assert "a été essayé, et ne sert pas" in text(refused)
        assert str(tmp_path) not in text(refused)
        assert str(kept(ours)[ACCOUNT]) == sealed
        client.post(f"{HERE}/revenir", data={"csrf_token": ours.csrf(client)})
        assert ACCOUNT not in kept(ours)
        with pytest.raises(AccountRefused, match="n’a pas de certificat"):
            account_of(S2lowSettings.read(ours.settings), SIREN)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_old_session_chooses_the_file_again_and_the_command_and_the_file_of_settings_are_told_apart(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "face").mkdir()
    with a_face(tmp_path / "face") as face:
        ours = town(house, face)
        client = ours.client(K)
        mine = face.authority.issue(tmp_path / "mine.pem", "Commune de Kerlann")
        aged()
        asked = send(ours, client, mine.read_bytes(), secret=PHRASE, login="")
        assert asked.status_code == 403
        assert PHRASE not in asked.get_data(as_text=True)
        proven = client.post(HERE, data={"answer": PASSWORD, "csrf_token": ours.csrf(client)})
        assert "Le fichier est à choisir de nouveau" in text(proven)
        assert ACCOUNT not in kept(ours)
        run = ours.app.test_cli_runner().invoke
        given = run(args=["settings", "give", SIREN, ACCOUNT, str(mine)])
        assert given.exit_code == 0, given.output
        assert "L’opérateur reconnaît la collectivité." in given.output
        listed = run(args=["settings", "list", SIREN]).output
        assert f"{ACCOUNT} : Commune de Kerlann, jusqu’au" in listed
        assert run(args=["settings", "set", SIREN, ACCOUNT, "kerlann.p12"]).exit_code == 1
        assert run(args=["settings", "give", SIREN, "mail_name", str(mine)]).exit_code == 2
        file = tmp_path / "kerlann.yaml"
        file.write_text(yaml.safe_dump({"schema": "paraphe-collectivity/1", "settings": {ACCOUNT: "x"}}))
        applied = run(args=["collectivity", "apply", SIREN, str(file)])
        assert (applied.exit_code, "ou c’est un secret" in applied.output) == (1, True)
        with engine().begin() as connection:  # as after another PARAPHE_SECRET_KEY
            connection.execute(sa.text('UPDATE collectivity SET settings = \'{"s2low_account": "g1.AAAA"}\''))
        with pytest.raises(AccountRefused, match="n’est plus lisible"):
            account_of(S2lowSettings.read(ours.settings), SIREN)
        assert "illisible, la clé de l’installation ayant changé" in text(client.get(PAGE))


def test_without_an_operator_nothing_is_tried_nor_kept(house: House, tmp_path: Path) -> None:
    mine = Authority(tmp_path, "autorite").issue(tmp_path / "mine.pem", "Kerlann").read_bytes()
    with pytest.raises(Refusal, match="setting-failed"):
        give_file(house.actor(K), ACCOUNT, mine, {})
    with pytest.raises(Refusal, match="right-missing"):
        give_file(house.actor("t.lescoat"), ACCOUNT, mine, {})
    with pytest.raises(Refusal, match="setting-file-large"):
        give_file(house.actor(K), ACCOUNT, b"x" * 70_000, {})
    with pytest.raises(Refusal, match="setting-empty"):
        give_file(house.actor(K), ACCOUNT, b"", {})
    assert ACCOUNT not in kept(house)


def test_what_cannot_serve_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "autorite")
    good = authority.issue(tmp_path / "good.pem", "Kerlann").read_bytes()
    other = authority.issue(tmp_path / "other.pem", "Autre").read_bytes()
    ended = authority.issue(tmp_path / "ended.pem", "Kerlann", until=datetime.now(UTC) - timedelta(days=2))
    server = authority.issue(tmp_path / "server.pem", "Kerlann", usages=(ExtendedKeyUsageOID.SERVER_AUTH,))
    certificate, _, key = good.partition(b"-----BEGIN PRIVATE KEY-----")
    alien = other.partition(b"-----BEGIN PRIVATE KEY-----")[0] + b"-----BEGIN PRIVATE KEY-----" + key
    locked = load_pem_private_key(good, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PHRASE.encode())
    )
    for data, texts, key_of in (
        (b"bonjour", {}, "s2low-unreadable"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", {}, "s2low-unreadable"),
        (packed(good), {"secret": "une autre"}, "s2low-passphrase"),
        (packed(good), {}, "s2low-passphrase"),
        (certificate + locked, {"secret": "une autre"}, "s2low-passphrase"),
        (certificate, {}, "s2low-keyless"),
        (alien, {}, "s2low-other-key"),
        (ended.read_bytes(), {}, "s2low-ended"),
        (server.read_bytes(), {}, "s2low-unfit"),
        (good, {"login": "kerlann"}, "s2low-login"),
        (good, {"login": "kerlann", "password": "sécret"}, "s2low-login"),
    ):
        with pytest.raises(Refusal, match=key_of):
            read(data, texts)
    for data in (good, packed(good), certificate + locked):
        assert summary(read(data, {"secret": PHRASE})).startswith("Kerlann, jusqu’au ")
    chained = read(good + authority.pem.read_bytes(), {"login": "kerlann", "password": "secret"})
    assert chained.count("BEGIN CERTIFICATE") == 2
    assert summary(chained).endswith(", avec un compte technique")
