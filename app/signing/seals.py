"""The seal of a collectivity: the key that it gave itself, else the installation's; and a real trial of either.

Its certificate, chain and key lie sealed among its settings and are never shown. What it sealed stays verifiable without it.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from app.core.clock import PARIS, now
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.sealed import unseal
from app.files.pkcs12 import PASSPHRASE, ShutError, opened
from app.people.own_settings.registry import PHRASE, Asker, Kind, Own, Result, SecretFile, Setting, own_value
from app.signing import setting as installation
from app.signing.timestamping import settings_of
from app.trust import authorities

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from app.signing.keys.pkcs12 import Pkcs12Key
    from app.signing.ports import ServerKey

SEAL: Final = "seal_certificate"
GROUP: Final = "Cachet"
_PREFIXES: Final = ("Rien n’a été signé : ", "Rien n’a été scellé : ")


def setting() -> Setting:
    """The setting, whose trial seals a page and reads it back."""
    return Setting(
        SEAL,
        GROUP,
        "Certificat de cachet",
        "Le cachet de la collectivité, sa chaîne et sa clé : le fichier .p12 ou .pfx remis par l’autorité de certification.",
        "étapes de cachet des circuits, et verdicts de vérification que téléchargent les personnes de la collectivité",
        Kind.FILE,
        lambda: "celui de l’installation" if installation.sealed() else "",
        default="aucun",
        file=SecretFile(
            read=read,
            summary=told,
            tried=lambda _collectivity_id, text: _tried(_key(text)),
            beside=(PHRASE,),
            accept=".p12,.pfx",
        ),
    )


def read(data: bytes, texts: Mapping[str, str]) -> str:
    """The text to seal of a file and its passphrase, once its certificate was judged as at each sealing.

    Refuses `seal-passphrase`, `seal-unreadable`, `seal-keyless`, and `seal-refused` with what stands against its certificate.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    from app.trust.certificates import facts

    try:
        bag = opened(data, texts.get(PHRASE.name, ""))
    except ShutError as error:
        raise Refusal("seal-passphrase" if str(error) == PASSPHRASE else "seal-unreadable") from error
    key = _private(bag.key) if bag.key else None
    if not bag.certificate or not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise Refusal("seal-keyless")
    certificate = x509.load_pem_x509_certificate(bag.certificate)
    # A file may hold a certificate and the key of another: what it sealed would not verify.
    if key.public_key() != certificate.public_key():
        raise Refusal("seal-keyless")
    der = certificate.public_bytes(Encoding.DER)
    above = x509.load_pem_x509_certificates(bag.chain) if bag.chain else []
    chain = [issuer.public_bytes(Encoding.DER) for issuer in above]
    try:
        _judge(der, chain)
    except Refusal as refusal:
        why = _why(refusal).rstrip(".")
        raise Refusal("seal-refused", why=f"{why[:1].lower()}{why[1:]}") from refusal
    named = facts(der)
    return json.dumps(
        {
            "name": named.common_name,
            "ends": named.not_after.isoformat(),
            "certificate": b64encode(der).decode(),
            "chain": [b64encode(issuer).decode() for issuer in chain],
            "key": bag.key.decode(),
        }
    )


def told(text: str) -> str:
    """« Commune de Kerlann, jusqu’au 12/03/2027 », of a text that was sealed."""
    parts = json.loads(text)
    return f"{parts['name'][:120]}, jusqu’au {jour(_last_day(parts))}"


def there(own: Own) -> bool:
    """Whether whoever has these settings has a seal, his own or the installation's; that it may serve is another question."""
    return own_value(own, SEAL) is not None or installation.sealed()


def there_for(whose: int | None) -> bool:
    """Whether there is a seal for the people of this collectivity, or for a stranger (None): the installation's."""
    return there(settings_of(whose)) if whose is not None else installation.sealed()


def serving(own: Own) -> "ServerKey | None":
    """The key that seals for whoever has these settings; None where there is none.

    Refuses `seal-shut`, one that no key of the installation opens any more: the installation's is not put in its place.
    """
    sealed = own_value(own, SEAL)
    return _opened(str(sealed)) if sealed is not None else installation.seal_key()


def of_collectivity(whose: int | None) -> "ServerKey | None":
    """The key that seals for this collectivity, or for a stranger (None); as `serving`."""
    return serving(settings_of(whose)) if whose is not None else installation.seal_key()


def ending(own: Own) -> tuple[str, date] | None:
    """The name and the last day of a collectivity's own seal; None when it has none, or none that can be read."""
    sealed = own_value(own, SEAL)
    if sealed is None:
        return None
    try:
        parts = json.loads(unseal(str(sealed)))
    except Refusal:
        return None
    return str(parts["name"]), _last_day(parts)


def missing(own: Own) -> str:
    """Why there is nothing to try."""
    return "" if there(own) else "ni la collectivité ni l’installation n’ont de cachet"


def trial(asker: Asker) -> Result:
    """A page sealed with what serves whoever asks, and its certificate judged as it would be."""
    try:
        key = of_collectivity(asker.collectivity_id)
        if key is None:
            return Result(False, "Il n’y a pas de cachet.")
        _judge(key.certificate, key.chain)
    except Refusal as refusal:
        return Result(False, _why(refusal))
    return _tried(key)


def _tried(key: "ServerKey") -> Result:
    from app.signing.trial import trial_signature
    from app.trust.certificates import facts

    named = facts(key.certificate)
    try:
        with TemporaryDirectory(prefix="paraphe-seal-") as room:
            trial_signature(Path(room), key, None, now())
    except Refusal as refusal:
        return Result(False, _why(refusal))
    except RuntimeError:
        return Result(False, "La page scellée pour l’essai ne tient pas à la relecture.")
    end = jour(named.not_after.astimezone(PARIS).date())
    return Result(
        True, f"Une page d’essai a été scellée par « {named.common_name} » et relue, valable jusqu’au {end}."
    )


def _judge(certificate: bytes, chain: Any) -> None:
    """Refuse what may not seal now (`app.trust.certificates.check_certificate`)."""
    from app.trust.certificates import check_certificate

    trust = authorities.trust()
    check_certificate(certificate, tuple(chain), trust=trust, moment=now(), enrolled=None, sealing=True)


def _why(refusal: Refusal) -> str:
    """What stands against a seal, said of it alone."""
    sentence = sentences.say(refusal.key, refusal.facts)[1]
    for prefix in _PREFIXES:
        sentence = sentence.removeprefix(prefix)
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _last_day(parts: Mapping[str, Any]) -> date:
    return datetime.fromisoformat(parts["ends"]).astimezone(PARIS).date()


@lru_cache(maxsize=64)
def _opened(sealed: str) -> "Pkcs12Key":
    """The key of a sealed text, parsed once: RSA-4096 takes a fifth of a second."""
    try:
        return _key(unseal(sealed))
    except Refusal as refusal:
        raise Refusal("seal-shut") from refusal


def _key(text: str) -> "Pkcs12Key":
    from app.signing.keys.pkcs12 import Pkcs12Key
    from app.trust import algorithms

    parts = json.loads(text)
    certificate = b64decode(parts["certificate"])
    chain = tuple(b64decode(issuer) for issuer in parts["chain"])
    key: Any = _private(parts["key"].encode())
    return Pkcs12Key(certificate, chain, algorithms.of(certificate).digest, key)


def _private(pem: bytes) -> "PrivateKeyTypes":
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)
