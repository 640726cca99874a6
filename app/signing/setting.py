"""What the installation decides of signing: its seal, its service of remote signing, how long a preparation lives."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from app.core.refusals import Refusal
from app.verification import setting as verification
from config import Settings

if TYPE_CHECKING:
    from app.signing.ports import ServerKey
    from app.signing.remote.service import Service

_chosen: dict[str, Any] = {"settings": None}


def configure(settings: Settings) -> None:
    """Give signing its settings."""
    _chosen["settings"] = settings
    for cached in (seal_key, remote_service):
        cached.cache_clear()


@lru_cache(maxsize=1)
def seal_key() -> "ServerKey | None":
    """The installation's seal, in a file or in a security module, when it holds one (`app.signing.seals` says whose serves)."""
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


def stamped_address() -> str:
    """The verifier's address as each stamp says it; empty where stamps do not."""
    if not _chosen["settings"].stamp_verifier:
        return ""
    return verification.verifier_address().removeprefix("https://").removeprefix("http://")


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
