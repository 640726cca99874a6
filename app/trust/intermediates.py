"""Intermediate authorities once seen, kept as help to build paths: they are never believed, only a root is.

One file each in a folder of the installation, by fingerprint. Many signatures (a payment flow, a card) carry their own
certificate alone: who issued it, seen when it signed here, is found again here and nobody is asked over the network.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asn1crypto import x509

    from app.trust.certificates import Trust

MOST, LARGEST = 256, 16 * 1024
"""How many are kept, and of how many bytes at most: a few dozen authorities issue in one country."""


def known(folder: Path | None) -> tuple[bytes, ...]:
    """The certificates kept there (DER), always the same object while none comes or goes."""
    if folder is None:
        return ()
    try:
        status = folder.stat()
    except FileNotFoundError:
        return ()
    # Asked several times for each signature: the folder's own change says that a file came or went
    return _read(folder, status.st_mtime_ns, status.st_ino)


def remember(
    folder: Path, certificates: Iterable[bytes], trust: "Trust", moment: datetime
) -> Sequence[bytes]:
    """Keep those that are authorities under a root that we believe at `moment`, and say which are new.

    Others are left aside in silence, as is whatever comes once `MOST` are there: an end certificate, a root, one that
    no chain of these leads to a root of `trust`, one of more than `LARGEST` bytes. Nobody is asked.
    """
    there = {path.name for path in _files(folder)}
    offered = {_name(certificate): certificate for certificate in certificates if len(certificate) <= LARGEST}
    new = {name: certificate for name, certificate in offered.items() if name not in there}
    if not new or len(there) >= MOST:
        return ()
    remembered = [
        certificate
        for certificate in new.values()
        if _is_below_a_root(certificate, tuple(offered.values()), trust, moment)
    ]
    remembered = remembered[: MOST - len(there)]
    if remembered:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for certificate in remembered:
        fresh = folder / f"{_name(certificate)}.{secrets.token_hex(8)}.fresh"
        fresh.write_bytes(certificate)
        fresh.replace(folder / _name(certificate))
    _read.cache_clear()
    return tuple(remembered)


def forget(folder: Path, fingerprint: str) -> bool:
    """Whether one was kept by this SHA-256 (hexadecimal), which it no longer is."""
    path = next((path for path in _files(folder) if path.stem == fingerprint.lower()), None)
    if path is not None:
        path.unlink(missing_ok=True)
        _read.cache_clear()
    return path is not None


def _name(certificate: bytes) -> str:
    return f"{hashlib.sha256(certificate).hexdigest()}.der"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.der"))[:MOST] if folder.is_dir() else []


@lru_cache(maxsize=4)
def _read(folder: Path, changed: int, inode: int) -> tuple[bytes, ...]:
    del changed, inode
    return tuple(_contents(_files(folder)))


def _contents(files: Sequence[Path]) -> Iterator[bytes]:
    for path in files:
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # forgotten just now
            continue
        if _name(data) == path.name:  # half a file, or another, is none
            yield data


def _is_below_a_root(certificate: bytes, others: Sequence[bytes], trust: "Trust", moment: datetime) -> bool:
    import asyncio
    import dataclasses

    from pyhanko_certvalidator import CertificateValidator, errors

    from app.core.refusals import Refusal
    from app.trust.certificates import certificates_in

    try:
        (parsed,) = certificates_in(certificate)
        beside: list[x509.Certificate] = [
            certificate for other in others for certificate in certificates_in(other)
        ]
    except (Refusal, ValueError):
        return False
    if not parsed.ca or parsed.issuer == parsed.subject:
        return False
    silent = dataclasses.replace(trust, fetch=False)

    async def holds() -> bool:
        for make in (silent.context, silent.tsa_context):
            context = make(moment, fetch=False, others=beside)
            validator = CertificateValidator(parsed, intermediate_certs=beside, validation_context=context)
            try:
                await validator.async_validate_usage({"key_cert_sign"})  # type: ignore[no-untyped-call]
            except (errors.PathError, errors.ValidationError, AssertionError):
                continue
            return True
        return False

    return asyncio.run(holds())
