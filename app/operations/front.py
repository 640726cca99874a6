"""The door as others find it: the public address asked from outside, its certificate, and what the proxy does on the way.

The doctor sends a body slowly to the public address, with addresses of its own invention in the headers, and the product
answers what came to it (`passage`): to nobody else, since the question is signed by the installation's secret.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.core.addresses import Allowed, entry_of
from app.core.refusals import Refusal
from app.core.security import secret
from app.operations.findings import Level, Remark, Unwell, in_service, lasting
from config import Settings

if TYPE_CHECKING:
    from app.core.outside import Bounds, Response

PASSAGE = "/health/passage"
TICKET = "X-Paraphe-Epreuve"
LIFE = 60
"""Seconds during which a question of the doctor is answered."""
SLOW = 1.5
"""Seconds that the doctor waits in the middle of a body."""
INVENTED = "203.0.113.77"  # of nobody (RFC 5737)
_HALF = 32 * 1024
_SECONDS = 10.0
_MOST = 4096
_OK, _ERROR = 200, 500
_LOCAL = Remark("rien à examiner : PARAPHE_PUBLIC_URL est une adresse de cette machine", Level.NONE)
_BESIDE: dict[int | None, str] = {None: "", 443: ""}
"""Of a port that serves https, what follows the host in the address of the door in http beside it."""
_RENEW = "renouvelez-le (« certbot renew »), puis rechargez le mandataire"
_UNTRUSTED = {
    "expired": f"le certificat de l’adresse publique a expiré : {_RENEW}",
    "early": "le certificat de l’adresse publique ne vaut pas encore : vérifiez l’horloge du serveur, ou donnez le bon",
    "name": (
        "le certificat de l’adresse publique est au nom d’un autre : demandez-en un pour {host}, ou corrigez PARAPHE_PUBLIC_URL"
    ),
    "issuer": (
        "le certificat de l’adresse publique ne mène à aucune autorité connue de tous : servez la chaîne entière "
        "(fullchain.pem), d’une autorité que les navigateurs connaissent"
    ),
}


def address(settings: Settings) -> str | Remark:
    """The public address in https, its certificate believed by all and lasting, and nothing served in http beside it."""
    if settings.demo and in_service(settings):
        raise Unwell("les pages de la démonstration sont ouvertes à tous : ôtez PARAPHE_DEMO")
    if not in_service(settings):
        return _LOCAL
    if not settings.public_url.startswith("https://"):
        raise Unwell(
            "l’adresse publique est en http, les mots de passe passent en clair : mettez un mandataire https devant, et "
            "« https:// » dans PARAPHE_PUBLIC_URL"
        )
    end = _certificate(settings.public_url)
    parts = urlsplit(settings.public_url)
    if parts.port in _BESIDE and (fault := in_clear(f"http://{parts.hostname}{_BESIDE[parts.port]}")):
        raise Unwell(fault)
    return f"https répond, certificat jusqu’au {end}"


def _certificate(url: str) -> str:
    from cryptography import x509

    from app.core.outside import UnreachableError, UntrustedError, certificate

    try:
        der = certificate(url, _allowed(url), _bounds())
    except UntrustedError as error:
        raise Unwell(_UNTRUSTED[error.why].format(host=urlsplit(url).hostname)) from error
    except UnreachableError as error:
        raise Unwell(
            f"{url} ne répond pas, vue de ce serveur ({error}) : démarrez le mandataire, ou corrigez PARAPHE_PUBLIC_URL ; si le "
            "réseau ne laisse pas revenir ici, donnez dans /etc/hosts à ce nom l’adresse du mandataire"
        ) from error
    return f"{lasting(x509.load_der_x509_certificate(der), 'le certificat de l’adresse publique', _RENEW):%d/%m/%Y}"


def in_clear(url: str) -> str | None:
    """What is wrong at the address in http: pages that are served there instead of led to https; None when none are."""
    from app.core.outside import UnreachableError, exchange

    try:
        with exchange("GET", f"{url}/login", _allowed(f"{url}/"), _bounds()) as answer:
            served = answer.status_code == _OK
    except UnreachableError:
        return None
    if served:
        return (
            f"les pages sont servies aussi en clair, à {url} : n’y laissez qu’un renvoi vers https (« return 308 » de nginx, "
            "docs/operations.md, étape 8)"
        )
    return None


def _allowed(url: str) -> Allowed:
    return Allowed(inside=(entry_of(f"{url.rstrip('/')}/"),))


def _bounds() -> "Bounds":
    """Who certifies: Mozilla's list, as for every call; another in SSL_CERT_FILE, as OpenSSL reads it."""
    from app.core.outside import Bounds

    chosen = os.environ.get("SSL_CERT_FILE")
    return Bounds(_SECONDS, _SECONDS, 3 * _SECONDS, ca_file=Path(chosen) if chosen else None)


class _Slowly:
    """A body that is half sent, and whose rest waits."""

    def __len__(self) -> int:
        return 2 * _HALF

    def __iter__(self) -> Iterator[bytes]:
        yield b"0" * _HALF
        time.sleep(SLOW)
        yield b"0" * _HALF


def proxy(settings: Settings) -> str | Remark:
    """What the proxy does: it keeps slow bodies to itself, says who asks and in https, and is believed no more than it should."""
    if not in_service(settings):
        return _LOCAL
    came = _passage(settings.public_url)
    _believed(settings.trusted_proxies, came)
    if not came["secure"] and settings.public_url.startswith("https://"):
        raise Unwell(
            "Paraphe ne sait pas qu’on vient en https : faites écrire au mandataire « X-Forwarded-Proto https », et donnez le "
            "nombre de mandataires dans PARAPHE_TRUSTED_PROXIES"
        )
    if came["seconds"] > SLOW / 2:
        raise Unwell(
            "le mandataire laisse passer les corps au fil de l’eau, et quelques navigateurs lents arrêteraient Paraphe : "
            "remettez « proxy_request_buffering on » (nginx), ou son équivalent"
        )
    return "il garde les corps lents, et dit l’adresse et le https de chacun"


def _believed(trusted: int, came: dict[str, Any]) -> None:
    """Whether the address of who asks is the one that the nearest proxies wrote, and none that he wrote himself."""
    forwarded = came["forwarded"]
    proxies = len(forwarded) - (forwarded[:1] == [INVENTED])
    if came["address"] == INVENTED:
        raise Unwell(
            "un visiteur peut se donner l’adresse qu’il veut : faites écrire au mandataire « X-Forwarded-For $remote_addr », et "
            "mettez dans PARAPHE_TRUSTED_PROXIES le nombre exact de mandataires"
        )
    if not proxies:
        raise Unwell(
            "aucun mandataire ne dit l’adresse des visiteurs, tous comptent pour un seul : faites-lui écrire "
            "« X-Forwarded-For $remote_addr », et réglez PARAPHE_TRUSTED_PROXIES=1"
        )
    if trusted == 0:
        raise Unwell(
            "un mandataire dit l’adresse des visiteurs et Paraphe ne l’écoute pas, tous comptent pour un seul : réglez "
            f"PARAPHE_TRUSTED_PROXIES={proxies}"
        )
    if trusted != proxies:
        written = "adresses ont été écrites" if proxies > 1 else "adresse a été écrite"
        raise Unwell(
            f"le nombre de mandataires est faux : PARAPHE_TRUSTED_PROXIES={trusted}, et {proxies} {written} ; mettez le nombre "
            "exact de mandataires"
        )


def _passage(url: str) -> dict[str, Any]:
    """What came to the product of a question sent to the public address."""
    from app.core.bodies import parsed
    from app.core.outside import UnreachableError, body, exchange

    headers = {
        TICKET: _signer().dumps(secrets.token_hex(8)),
        "Content-Type": "application/octet-stream",
        "X-Forwarded-For": INVENTED,
        "X-Forwarded-Proto": "http",
    }
    try:
        with exchange(
            "POST", f"{url}{PASSAGE}", _allowed(url), _bounds(), headers=headers, data=_Slowly()
        ) as answer:
            return _read(answer, parsed(body(answer, _MOST)) if answer.status_code == _OK else None)
    except UnreachableError as error:
        raise Unwell(
            f"{url} ne répond pas, vue de ce serveur ({error}) : démarrez le mandataire, ou corrigez PARAPHE_PUBLIC_URL"
        ) from error


def _read(answer: "Response", came: Any) -> dict[str, Any]:
    if isinstance(came, dict):
        return came
    if answer.status_code >= _ERROR:
        raise Unwell(
            f"le mandataire répond {answer.status_code} au lieu de Paraphe : démarrez le service, ou corrigez son « proxy_pass »"
        )
    raise Unwell(
        f"à l’adresse publique, un autre programme répond ({answer.status_code}), ou Paraphe avec d’autres réglages : corrigez "
        "PARAPHE_PUBLIC_URL, ou redémarrez le service"
    )


def allow(ticket: str) -> None:
    """Let only the doctor of this installation be answered; refuses `not-found`, as a page that does not exist."""
    try:
        _signer().loads(ticket, max_age=LIFE)
    except BadSignature as error:
        raise Refusal("not-found") from error


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret(), salt="paraphe passage", signer_kwargs={"digest_method": hashlib.sha256}
    )
