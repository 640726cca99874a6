"""Whom the installation believes, and who timestamps: its authorities, its trusted lists, what was learnt of both."""

import contextlib
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.addresses import Allowed, entry_of
from app.core.clock import now
from app.trust import intermediates
from config import Settings

if TYPE_CHECKING:
    from app.trust.certificates import Trust
    from app.trust.timestamp import TimestampClient

_chosen: dict[str, Any] = {"settings": None}


def configure(settings: Settings) -> None:
    """Give trust its settings."""
    _chosen["settings"] = settings
    for cached in (_whom, _trust, timestamper, own_timestamper):
        cached.cache_clear()


def _bundle(path: Path | None) -> tuple[bytes, ...]:
    """The PEM files of a folder, or one file."""
    if path is None:
        return ()
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    return tuple(file.read_bytes() for file in files)


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
    from app.trust.certificates import Trust

    return Trust(**vars(_whom(known)))


def intermediates_folder() -> Path:
    """Where the intermediate authorities that were seen are kept."""
    return Path(_chosen["settings"].data_dir) / "autorites-vues"


def remember(certificates: Iterable[bytes]) -> None:
    """Keep the intermediate authorities among these certificates (DER), for the signatures that carry none."""
    intermediates.remember(intermediates_folder(), certificates, trust(), now())


def epoch() -> str:
    """What our trust is made of, in hexadecimal: in another epoch the same bytes may be judged otherwise."""
    from app.trust.trust_lists import stamp

    digest, believed = hashlib.sha256(), whom()
    parts = (*believed.roots, b"/", *believed.tsa_roots, b"/", stamp(believed.lists), *believed.known)
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def lists_folder() -> Path:
    """Where the trusted lists of Europe are kept."""
    return Path(_chosen["settings"].data_dir) / "listes-de-confiance"


def refresh_lists() -> int:
    """Fetch the trusted lists anew, as the installation decides; returns how many certificates are believed now."""
    from app.trust.trust_lists import refresh

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
    """The installation's timestamp authority, when there is one, with the second one behind it when there are two."""
    from app.trust.timestamp import TimestampClient

    chosen = _chosen["settings"]
    if not chosen.tsa_url:
        return None
    how = _manner()
    second = TimestampClient(chosen.tsa_second_url, **how) if chosen.tsa_second_url else None
    return TimestampClient(chosen.tsa_url, second=second, **how)


@lru_cache(maxsize=256)
def own_timestamper(urls: tuple[str, ...], account: str) -> "TimestampClient":
    """The client of the authorities, one or two, that a collectivity named; the same while it names the same.

    `account`: « account:password » of the first, or empty. Only servers of `timestamp_servers` are ever asked.
    """
    from app.trust.timestamp import TimestampClient

    how = {**_manner(), "allowed": timestamp_servers()}
    second = TimestampClient(urls[1], **how) if urls[1:] else None
    return TimestampClient(urls[0], second=second, account=account, **how)


def timestamp_servers() -> Allowed:
    """The servers that a collectivity may name for its timestamps: `PARAPHE_TSA_HOSTS`, and those of the installation itself."""
    chosen = _chosen["settings"]
    listed = Allowed.listed(chosen.tsa_hosts)
    ours = [entry_of(url) for url in timestamp_urls()]
    return Allowed(listed.hosts, [*listed.inside, *ours])


def timestamp_urls() -> tuple[str, ...]:
    """The addresses of the installation's own authorities, one, two or none."""
    chosen = _chosen["settings"]
    return tuple(url for url in (chosen.tsa_url, chosen.tsa_second_url) if chosen.tsa_url and url)


def _manner() -> dict[str, Any]:
    return {
        "timeout": _chosen["settings"].network_timeout,
        "report": partial(token_seen, _tokens_folder()),
    }


def token_room(client: "TimestampClient", most: int) -> int:
    """Bytes to keep in a file for the token of these authorities, as large as `most` until one is known."""
    urls = [authority.url for authority in (client, client.second) if authority is not None]
    return room_for_token(_tokens_folder(), urls, most)


def _tokens_folder() -> Path:
    return Path(_chosen["settings"].data_dir) / "jetons"


# How large the tokens of a timestamp authority are: learnt from each, so that the place kept for the next one fits.
#
# What stays empty of a place is kept with the file for ever and read at each verification: of the 12 kB that a token
# may take, a public authority uses 3 to 8, and always nearly as many.

MARGIN = 1024
"""Bytes beyond the largest token seen: longer numbers and names; a longer chain does not fit, and is learnt."""


def room_for_token(folder: Path, urls: Sequence[str], most: int) -> int:
    """Bytes to keep for a token of these authorities; `most` until one of them has given a token here."""
    known = [size for url in urls if (size := _token_size(folder, url))]
    return min(most, max(known) + MARGIN) if known else most


def token_seen(folder: Path, url: str, size: int) -> None:
    """Remember that this authority gave a token of so many bytes; a folder that cannot be written is learnt nothing."""
    if size <= _token_size(folder, url):
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f"{secrets.token_hex(8)}.fresh"
        fresh.write_text(str(size), encoding="ascii")
        fresh.replace(folder / _token_file(url))


def _token_size(folder: Path, url: str) -> int:
    try:
        return int((folder / _token_file(url)).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _token_file(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]
