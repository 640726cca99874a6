"""Who dates what a collectivity signs: the authority that it named, else the installation's; and a real trial of either.

A collectivity names one or two addresses of servers that the installation admits (`PARAPHE_TSA_HOSTS`); whose tokens are
believed is the installation's to say (`PARAPHE_TSA_ROOTS`), for it as for all.
"""

import hashlib
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from app.core.addresses import AddressRefusedError, entry_of, read
from app.core.clock import now
from app.core.db import reading
from app.core.french import instant_preuve
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.people.models import Collectivity
from app.people.own_settings.registry import Asker, Kind, Own, Result, Setting, own_value
from app.trust import authorities

if TYPE_CHECKING:
    from app.trust.timestamp import TimestampClient

URLS: Final = "timestamp_urls"
ACCOUNT: Final = "timestamp_account"
GROUP: Final = "Horodatage"
MOST: Final = 2
_NOT_YOURS: Final = frozenset({401, 403})


def settings() -> tuple[Setting, Setting]:
    """The addresses, and the account that goes with the first."""
    addresses = Setting(
        URLS,
        GROUP,
        "Autorité d’horodatage",
        "Son adresse (RFC 3161), sur un serveur que l’hébergeur admet ; une seconde autorité, sur la ligne suivante, sert quand "
        "la première se tait.",
        "signatures, cachets, verdicts, preuves d’archivage ; les repères du journal gardent celle de l’installation",
        Kind.LINES,
        _installation,
        most=1000,
        default="aucune, signatures sans horodatage",
        usual=_usual,
        check=_check,
        tried=lambda _collectivity_id, own: tried(own),
    )
    account = Setting(
        ACCOUNT,
        GROUP,
        "Compte et mot de passe",
        "Si la première autorité en demande : « compte:mot de passe ». Il va avec l’adresse, à retaper quand elle change.",
        "demande de chaque jeton à la première autorité",
        Kind.SEALED,
        lambda: "",
        most=200,
        beside=URLS,
        optional=True,
    )
    return addresses, account


def settings_of(collectivity_id: int) -> Own:
    """The settings of a collectivity, read apart from any transaction."""
    with reading(collectivity_id) as db:
        row = db.get(Collectivity, collectivity_id)
        return dict(row.settings) if row is not None else {}


def urls_of(own: Own) -> tuple[str, ...]:
    """The addresses that a collectivity named, one, two or none."""
    return tuple(str(own_value(own, URLS) or "").split())


def there(own: Own) -> bool:
    """Whether anybody dates for whoever has these settings."""
    return bool(urls_of(own)) or authorities.timestamper() is not None


def serving(own: Own) -> "TimestampClient | None":
    """Who dates for whoever has these settings; None where nobody does.

    Refuses `timestamp-account-shut`, an account that no key of the installation opens any more: that the authority would
    date for nobody in particular is not what was asked.
    """
    urls = urls_of(own)
    return authorities.own_timestamper(urls, _account(own)) if urls else authorities.timestamper()


def of_collectivity(collectivity_id: int) -> "TimestampClient | None":
    """Who dates for this collectivity; as `serving`."""
    return serving(settings_of(collectivity_id))


def missing(own: Own) -> str:
    """Why there is nobody to try."""
    return "" if there(own) else "ni la collectivité ni l’installation n’ont d’autorité d’horodatage"


def trial(asker: Asker) -> Result:
    """A token of each authority that dates for whoever asks."""
    return tried(settings_of(asker.collectivity_id))


def tried(own: Own) -> Result:
    """Ask each authority for a token over bytes drawn now, and say whose it is and its hour, or why it cannot serve."""
    try:
        client = serving(own)
    except Refusal:
        return Result(
            False,
            "Le compte n’est plus lisible, la clé de l’installation ayant changé : donnez-le de nouveau.",
        )
    right, wrong = [], []
    for authority in (client, client.second if client else None):
        if authority is not None:
            try:
                right.append(_token(authority))
            except UselessError as error:
                wrong.append(str(error))
    sentence = " ; ".join(wrong or right)
    return Result(not wrong, f"{sentence[:1].upper()}{sentence[1:]}.")


class UselessError(Exception):
    """An authority that cannot serve; its text says why, in French."""


def _token(client: "TimestampClient") -> str:
    """Whose token an authority gives now, and its hour; raises `UselessError`."""
    from pyhanko.sign.timestamps.common_utils import TimestampRequestError

    from app.core.outside import ForbiddenError
    from app.trust.certificates import TOLERANCE
    from app.trust.network import AnsweredError, UnreachableError
    from app.trust.timestamp import gap_in_words, proven

    host, data = read(client.url).host, secrets.token_bytes(32)
    try:
        token = client.asked(hashlib.sha256(data).digest(), "sha256")
    except AnsweredError as error:
        if error.status in _NOT_YOURS:
            raise UselessError(f"« {host} » refuse ce compte (HTTP {error.status})") from error
        raise UselessError(f"« {host} » n’a pas donné de jeton (HTTP {error.status})") from error
    except ForbiddenError as error:
        raise UselessError(
            f"« {host} » n’est pas, ou plus, parmi les serveurs que l’hébergeur admet"
        ) from error
    except UnreachableError as error:
        raise UselessError(f"« {host} » n’a pas répondu, ou pas par un jeton") from error
    except (TimestampRequestError, ValueError, TypeError) as error:
        raise UselessError(f"« {host} » a répondu autre chose qu’un jeton pour cette demande") from error
    try:
        hour, name = proven(token, data, authorities.trust())
    except ValueError as error:
        raise UselessError(
            f"le jeton de « {host} » ne tient pas ({error}) ; les autorités reconnues sont dites par l’hébergeur"
        ) from error
    gap = hour - now()
    if abs(gap) > TOLERANCE:
        raise UselessError(f"« {host} » donne une heure fausse ({gap_in_words(gap.total_seconds())})")
    return f"« {name} », sur {host}, a donné un jeton du {instant_preuve(hour)}"


def _account(own: Own) -> str:
    sealed = own_value(own, ACCOUNT)
    if sealed is None:
        return ""
    try:
        return unseal(str(sealed))
    except Refusal as refusal:
        raise Refusal("timestamp-account-shut") from refusal


def _installation() -> str:
    """The servers of the installation's authorities: the rest of their addresses may be a secret."""
    return " puis ".join(read(url).host for url in authorities.timestamp_urls() if entry_of(url))


def _usual(text: str) -> str:
    """One or two addresses, a line each; refuses `timestamp-several`, and `timestamp-address` of one that may not be asked."""
    urls = text.split()
    if len(urls) > MOST:
        raise Refusal("timestamp-several", most=MOST)
    return "\n".join(_judged(urls))


def _judged(urls: list[str]) -> Iterator[str]:
    allowed = authorities.timestamp_servers()
    for url in urls:
        try:
            target = read(url)
            allowed.judge(target)
        except AddressRefusedError as error:
            raise Refusal("timestamp-address", url=url[:120], why=_WHY[error.why]) from error
        yield target.url


_WHY: Final = {
    "written": "elle est mal écrite : donnez-la comme https://serveur/chemin, sans compte dedans",
    "host": "son serveur n’est pas parmi ceux que l’hébergeur admet (PARAPHE_TSA_HOSTS) : demandez-le-lui",
    "port": "son port n’est pas parmi ceux que l’hébergeur admet (PARAPHE_TSA_HOSTS) : demandez-le-lui",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def _check(own: Own) -> None:
    """Refuses `timestamp-account`, what is no account, and `timestamp-clear`, one that would cross the network in clear."""
    if own_value(own, ACCOUNT) is None:
        return
    name, colon, password = _account(own).partition(":")
    if not (name and colon and password):
        raise Refusal("timestamp-account")
    first = read(urls_of(own)[0])
    if first.scheme != "https" and first.host not in _LOOPBACK:
        raise Refusal("timestamp-clear")
