"""The account that a collectivity gives itself at S2LOW: its certificate, chain and key, and its login and password if any.

It lies sealed among its settings, is never shown, and serves in place of the installation's files. Before it is kept the
operator is asked, with it, whether it knows us (`probe`).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import reading
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.files.pkcs12 import PASSPHRASE, ShutError, opened
from app.people.models import Collectivity
from app.people.own_settings.registry import PHRASE, Beside, Kind, Result, SecretFile, Setting, own_value
from app.transmission.ports import AccountRefused
from app.transmission.s2low.settings import Account, unfit
from config import Settings

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey as Key

ACCOUNT: Final = "s2low_account"
_LOGIN, _WORD = "login", "password"
"""What is typed with the file, by names that no page which asks who one is carries, but the login."""
GROUP: Final = "Télétransmission"
_PEM: Final = b"-----BEGIN "


def setting(settings: Settings) -> Setting:
    """The setting, whose trial asks the operator of the installation."""
    return Setting(
        ACCOUNT,
        GROUP,
        "Certificat de l’opérateur",
        "Le certificat RGS de la collectivité, sa chaîne et sa clé, pour S2LOW : un fichier .p12 ou .pfx, ou un fichier PEM.",
        "tout ce qui part par S2LOW et en revient",
        Kind.FILE,
        lambda: "",
        default="celui que l’installation a pour la collectivité, s’il y en a un",
        file=SecretFile(
            read=read,
            summary=summary,
            tried=lambda collectivity_id, text: _tried(settings, collectivity_id, text),
            beside=(
                PHRASE,
                Beside(
                    _LOGIN,
                    "Compte technique",
                    "Seulement si plusieurs comptes ont ce certificat chez l’opérateur.",
                ),
                Beside(
                    _WORD,
                    "Mot de passe du compte technique",
                    "Avec le compte technique, et lui seul.",
                    hidden=True,
                ),
            ),
            accept=".p12,.pfx,.pem",
        ),
    )


def read(data: bytes, texts: Mapping[str, str]) -> str:
    """The text to seal of a file and of what was typed with it.

    Refuses `s2low-passphrase`, `s2low-unreadable`, `s2low-keyless`, `s2low-other-key`, `s2low-ended`, `s2low-unfit` and
    `s2low-login`.
    """
    login, password = texts.get(_LOGIN, "").strip(), texts.get(_WORD, "").strip()
    if bool(login) != bool(password) or not f"{login}{password}".isascii():
        raise Refusal("s2low-login")
    pem = _whole(data, texts.get(PHRASE.name, ""))
    return json.dumps({"pem": pem.decode("ascii"), "login": login, "password": password})


def summary(text: str) -> str:
    """« Commune de Kerlann, jusqu’au 12/03/2027 », of a text that was sealed."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    account = json.loads(text)
    certificate = x509.load_pem_x509_certificate(account["pem"].encode())
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = " ".join(str(names[0].value).split())[:120] if names else "sans nom"
    login = ", avec un compte technique" if account["login"] else ""
    return f"{name}, jusqu’au {jour(certificate.not_valid_after_utc.date())}{login}"


def account(siren: str) -> Account | None:
    """The account that this collectivity gave itself; None when it has none.

    Refuses with `AccountRefused` one that no key of the installation opens any more: what leaves waits for another.
    """
    with reading() as db:
        own = db.scalar(sa.select(Collectivity.settings).where(Collectivity.siren == siren))
    sealed = own_value(own or {}, ACCOUNT)
    if sealed is None:
        return None
    try:
        return _account(siren, unseal(str(sealed)))
    except Refusal as refusal:
        raise AccountRefused(
            f"Le certificat de la collectivité {siren} n’est plus lisible : la clé de l’installation a changé. Donnez-le de "
            "nouveau (Administration, Réglages)."
        ) from refusal


def _account(siren: str, text: str) -> Account:
    account = json.loads(text)
    return Account(siren, account["pem"].encode(), account["login"], account["password"])


def _tried(settings: Settings, collectivity_id: int, text: str) -> Result:
    """Whether the operator knows the collectivity by this account."""
    from app.transmission.s2low.probe import fault

    if not settings.s2low_url:
        return Result(False, "l’installation n’a pas d’opérateur de télétransmission")
    with reading(collectivity_id) as db:
        siren = db.get_one(Collectivity, collectivity_id).siren
    why = fault(settings, siren, files=False, account=_account(siren, text))
    return Result(why is None, why.rstrip(".") if why else "L’opérateur reconnaît la collectivité.")


def _whole(data: bytes, passphrase: str) -> bytes:
    """Certificate, chain and key, unencrypted, in PEM: what a TLS client shows."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    certificate, chain, key = _of_pem(data, passphrase) if _PEM in data else _of_pkcs12(data, passphrase)
    if key is None:
        raise Refusal("s2low-keyless")
    if certificate is None or key.public_key() != certificate.public_key():
        raise Refusal("s2low-other-key")
    _refuse_ended(certificate, now())
    pem = b"".join(part.public_bytes(Encoding.PEM) for part in (certificate, *chain))
    if unfit(pem):
        raise Refusal("s2low-unfit")
    return pem + bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _refuse_ended(certificate: "x509.Certificate", moment: datetime) -> None:
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        begins, ends = (
            jour(bound.date())
            for bound in (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        )
        raise Refusal("s2low-ended", begins=begins, ends=ends)


def _of_pem(
    data: bytes, passphrase: str
) -> tuple["x509.Certificate | None", list["x509.Certificate"], "Key | None"]:
    from cryptography import x509

    try:
        every = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise Refusal("s2low-unreadable") from None
    key = _key(data, passphrase) if b"PRIVATE KEY-----" in data else None
    if key is None:
        return every[0], every[1:], None
    own = next((candidate for candidate in every if candidate.public_key() == key.public_key()), None)
    return own, [candidate for candidate in every if candidate is not own], key


def _key(data: bytes, passphrase: str) -> "Key":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = b"ENCRYPTED" in data
    try:
        return load_pem_private_key(data, passphrase.encode() if encrypted else None)  # type: ignore[return-value]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise Refusal("s2low-passphrase" if encrypted else "s2low-unreadable") from None


def _of_pkcs12(
    data: bytes, passphrase: str
) -> tuple["x509.Certificate | None", list["x509.Certificate"], "Key | None"]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        bag = opened(data, passphrase)
    except ShutError as error:
        raise Refusal("s2low-passphrase" if str(error) == PASSPHRASE else "s2low-unreadable") from None
    certificate = x509.load_pem_x509_certificate(bag.certificate) if bag.certificate else None
    chain = x509.load_pem_x509_certificates(bag.chain) if bag.chain else []
    key = load_pem_private_key(bag.key, None) if bag.key else None
    return certificate, chain, key  # type: ignore[return-value]
