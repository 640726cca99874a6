"""What the installation decides of signing: whom it believes, who timestamps, how long a preparation lives, its seal."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing import intermediates, tokens

if TYPE_CHECKING:
    from app.signing.ports import ServerKey
    from app.signing.remote.service import Service
    from app.signing.timestamp import TimestampClient
    from app.signing.trust import Trust

_chosen: dict[str, Any] = {"settings": None}


def configure(settings: Any) -> None:
    """Give signing its settings."""
    _chosen["settings"] = settings
    for one in (_whom, _trust, timestamper, seal_key, remote_service):
        one.cache_clear()


def _bundle(path: Path | None) -> tuple[bytes, ...]:
    """The PEM files of a folder, or one file."""
    if path is None:
        return ()
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    return tuple(one.read_bytes() for one in files)


@dataclass(frozen=True)
class Whom:
    """Whom we believe and may ask, as plain values: the fields of `trust.Trust`, without the libraries behind it."""

    roots: Sequence[bytes]
    tsa_roots: Sequence[bytes]
    fetch: bool
    allowed_hosts: Sequence[str]
    timeout: float
    lists: Path | None
    known: Sequence[bytes]


def whom() -> Whom:
    """Whom we believe, for a process that only passes it on; the same object while nobody new is known."""
    return _whom(intermediates.known(intermediates_folder()))


@lru_cache(maxsize=1)
def _whom(known: tuple[bytes, ...]) -> Whom:
    chosen = _chosen["settings"]
    return Whom(
        roots=_bundle(chosen.trust_roots),
        tsa_roots=_bundle(chosen.tsa_roots),
        fetch=True,
        allowed_hosts=chosen.revocation_hosts,
        timeout=chosen.network_timeout,
        lists=lists_folder() if chosen.trust_lists else None,
        known=known,
    )


def trust() -> "Trust":
    """Whom we believe; the same object while nobody new is known."""
    return _trust(intermediates.known(intermediates_folder()))


@lru_cache(maxsize=1)
def _trust(known: tuple[bytes, ...]) -> "Trust":
    from app.signing.trust import Trust

    return Trust(**vars(_whom(known)))


def intermediates_folder() -> Path:
    """Where the intermediate authorities that were seen are kept."""
    return Path(_chosen["settings"].data_dir) / "autorites-vues"


def remember(certificates: Iterable[bytes]) -> None:
    """Keep the intermediate authorities among these certificates (DER), for the signatures that carry none."""
    intermediates.remember(intermediates_folder(), certificates, trust(), now())


def epoch() -> str:
    """What our trust is made of, in hexadecimal: in another epoch the same bytes may be judged otherwise."""
    from app.signing.trust_lists import stamp

    made, believed = hashlib.sha256(), whom()
    parts = (*believed.roots, b"/", *believed.tsa_roots, b"/", stamp(believed.lists), *believed.known)
    for part in parts:
        made.update(hashlib.sha256(part).digest())
    return made.hexdigest()


def lists_folder() -> Path:
    """Where the trusted lists of Europe are kept."""
    return Path(_chosen["settings"].data_dir) / "listes-de-confiance"


def refresh_lists() -> int:
    """Fetch the trusted lists anew, as the installation decides; returns how many certificates are believed now."""
    from app.signing.trust_lists import refresh

    chosen = _chosen["settings"]
    signers = chosen.trust_lists_signers
    return refresh(
        lists_folder(),
        url=chosen.trust_lists_url,
        countries=chosen.trust_lists_countries.split(","),
        signers=signers.read_bytes() if signers else None,
        timeout=max(chosen.network_timeout, 30.0),
    )


@lru_cache(maxsize=1)
def timestamper() -> "TimestampClient | None":
    """The timestamp authority, when there is one, with the second one behind it when there are two."""
    from app.signing.timestamp import TimestampClient

    chosen = _chosen["settings"]
    if not chosen.tsa_url:
        return None
    how: dict[str, Any] = {"timeout": chosen.network_timeout, "told": partial(tokens.seen, _tokens_folder())}
    second = TimestampClient(chosen.tsa_second_url, **how) if chosen.tsa_second_url else None
    return TimestampClient(chosen.tsa_url, second=second, **how)


def token_room(most: int) -> int:
    """Bytes to keep in a file for the token of our authorities, as large as `most` until one is known."""
    chosen = _chosen["settings"]
    return tokens.room(_tokens_folder(), (chosen.tsa_url, chosen.tsa_second_url), most)


def _tokens_folder() -> Path:
    return Path(_chosen["settings"].data_dir) / "jetons"


@lru_cache(maxsize=1)
def seal_key() -> "ServerKey | None":
    """The collectivity's seal, in a file or in a security module, when the installation holds one."""
    chosen = _chosen["settings"]
    if chosen.seal_p12 is not None:
        from app.signing.keys.pkcs12 import Pkcs12Key

        return Pkcs12Key.load(chosen.seal_p12, chosen.seal_passphrase.get_secret_value().encode())
    if chosen.seal_pkcs11_module is not None:
        from app.signing.keys.pkcs11 import Pkcs11Key

        return Pkcs11Key.open(
            chosen.seal_pkcs11_module, chosen.seal_pkcs11_token, chosen.seal_pkcs11_label, _pin(chosen)
        )
    return None


def sealed() -> bool:
    """Whether the installation names a seal; that it opens and may serve is another question."""
    chosen = _chosen["settings"]
    return chosen.seal_p12 is not None or chosen.seal_pkcs11_module is not None


def verifier_address() -> str:
    """Where anybody may have a file verified."""
    return f"{str(_chosen['settings'].public_url).rstrip('/')}/verifier"


def stamped_address() -> str:
    """The verifier's address as each stamp says it; empty where stamps do not."""
    if not _chosen["settings"].stamp_verifier:
        return ""
    return verifier_address().removeprefix("https://").removeprefix("http://")


def _pin(chosen: Any) -> SecretStr:
    """The seal's PIN: the setting itself, or the first line of its file; refuses `pin-file-unreadable`."""
    if chosen.seal_pkcs11_pin_file is None:
        return SecretStr(chosen.seal_pkcs11_pin.get_secret_value())
    try:
        return SecretStr(chosen.seal_pkcs11_pin_file.read_text(encoding="utf-8").split("\n")[0].strip("\r"))
    except (OSError, ValueError) as error:
        raise Refusal("pin-file-unreadable") from error


def remote_name() -> str:
    """How persons know the service of remote signing; empty when there is none."""
    chosen = _chosen["settings"]
    return str(chosen.csc_name) if chosen.csc_url else ""


@lru_cache(maxsize=1)
def remote_service() -> "Service":
    """The trust service that keeps persons' keys; refuses `csc-not-configured`."""
    from app.signing.remote.service import Service

    chosen = _chosen["settings"]
    if not chosen.csc_url:
        raise Refusal("csc-not-configured", title="Pas de signature à distance ici")
    return Service(
        chosen.csc_url,
        chosen.csc_token,
        oauth=chosen.csc_oauth_url,
        client=chosen.csc_client,
        client_secret=chosen.csc_client_secret,
        redirect=f"{chosen.public_url}/signature/retour",
        timeout=max(chosen.network_timeout, 20.0),
    )


def remote_minutes() -> int:
    """How long a signature waits for the service and for the person, who looks for a telephone meanwhile."""
    return int(_chosen["settings"].csc_minutes)


def archive_delay() -> float:
    """Seconds between the last signature and the proofs that are added to it."""
    return float(_chosen["settings"].archive_delay_seconds)


def renewal_days() -> int:
    """How many days before its end an archive timestamp is renewed."""
    return int(_chosen["settings"].archive_renewal_days)


def verifier() -> tuple[int, int]:
    """The largest file that may be verified, in bytes, and how many at once in a process."""
    chosen = _chosen["settings"]
    return chosen.verify_limit_mb * 1024 * 1024, chosen.verify_at_once


def refusals_window() -> timedelta:
    """How long a person's refused signatures are counted together."""
    return timedelta(minutes=_chosen["settings"].refusals_minutes)


def refusals_alert() -> int:
    """How many refused signatures of a person in that time are told to the administrators."""
    return int(_chosen["settings"].refusals_alert)


@dataclass(frozen=True)
class PreparedLimits:
    """How many bytes of prepared copies may wait: of one person, from one address, in the whole house."""

    person: int
    address: int
    house: int


def prepared_limits() -> PreparedLimits:
    """What the installation allows."""
    chosen, megabyte = _chosen["settings"], 1024 * 1024
    return PreparedLimits(
        chosen.prepared_mb_person * megabyte,
        chosen.prepared_mb_address * megabyte,
        chosen.prepared_mb * megabyte,
    )


def minutes() -> int:
    """How long a prepared signature waits for its key."""
    return int(_chosen["settings"].signing_minutes)
