"""What the installation decides of signing: whom it believes, who timestamps, how long a preparation lives, its seal."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from app.core.refusals import Refusal

if TYPE_CHECKING:
    from app.signing.ports import ServerKey
    from app.signing.timestamp import TimestampClient
    from app.signing.trust import Trust

_chosen: dict[str, Any] = {"settings": None}


def configure(settings: Any) -> None:
    """Give signing its settings."""
    _chosen["settings"] = settings
    for one in (trust, timestamper, seal_key):
        one.cache_clear()


def _bundle(path: Path | None) -> tuple[bytes, ...]:
    """The PEM files of a folder, or one file."""
    if path is None:
        return ()
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    return tuple(one.read_bytes() for one in files)


@lru_cache(maxsize=1)
def trust() -> "Trust":
    """Whom we believe."""
    from app.signing.trust import Trust

    chosen = _chosen["settings"]
    return Trust(
        roots=_bundle(chosen.trust_roots),
        tsa_roots=_bundle(chosen.tsa_roots),
        fetch=True,
        allowed_hosts=chosen.revocation_hosts,
        timeout=chosen.network_timeout,
    )


@lru_cache(maxsize=1)
def timestamper() -> "TimestampClient | None":
    """The timestamp authority, when there is one."""
    from app.signing.timestamp import TimestampClient

    chosen = _chosen["settings"]
    return TimestampClient(chosen.tsa_url, timeout=chosen.network_timeout) if chosen.tsa_url else None


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


def _pin(chosen: Any) -> SecretStr:
    """The seal's PIN: the setting itself, or the first line of its file; refuses `pin-file-unreadable`."""
    if chosen.seal_pkcs11_pin_file is None:
        return SecretStr(chosen.seal_pkcs11_pin.get_secret_value())
    try:
        return SecretStr(chosen.seal_pkcs11_pin_file.read_text(encoding="utf-8").split("\n")[0].strip("\r"))
    except (OSError, ValueError) as error:
        raise Refusal("pin-file-unreadable") from error


def archive_delay() -> float:
    """Seconds between the last signature and the proofs that are added to it."""
    return float(_chosen["settings"].archive_delay_seconds)


def renewal_days() -> int:
    """How many days before its end an archive timestamp is renewed."""
    return int(_chosen["settings"].archive_renewal_days)


def minutes() -> int:
    """How long a prepared signature waits for its key."""
    return int(_chosen["settings"].signing_minutes)
