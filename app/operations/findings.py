"""What the checks of the doctor share: a finding, how a check says that it found something, whom a certificate still serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.core.clock import now
from app.core.french import jour_long
from config import LOOPBACK, Settings

SHORT = timedelta(days=21)
"""A certificate that has less than this to live is told: an authority and a holiday both take their time."""


class Level(StrEnum):
    """What a check says of what it looked at; `UNKNOWN`: it could not be made, `NONE`: there is nothing to look at here."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    UNKNOWN = "unknown"
    NONE = "none"


_IN_WORDS = {
    Level.GREEN: "prêt",
    Level.AMBER: "à surveiller",
    Level.RED: "à régler",
    Level.UNKNOWN: "sans résultat",
    Level.NONE: "rien à essayer",
}


def in_words(levels: Mapping[str, str]) -> str:
    """What was found of each point tried: « courriel : prêt, documents : à régler »."""
    return ", ".join(f"{name} : {_IN_WORDS[Level(level)]}" for name, level in levels.items())


@dataclass(frozen=True)
class Finding:
    """One check: whether it passed, what was seen or what to do, and how serious that is."""

    name: str
    ok: bool
    sentence: str
    level: Level


@dataclass(frozen=True)
class Remark:
    """What a check that passes says when it is not simply « well »: to keep an eye on, not examined, nothing to examine."""

    sentence: str
    level: Level


class Unwell(Exception):  # noqa: N818 - a finding, not a fault of the program
    """The check did its work and found something to correct: the sentence says what."""

    level = Level.RED


class Ending(Unwell):
    """What still serves, and soon will not."""

    level = Level.AMBER


def in_service(settings: Settings) -> bool:
    """Whether others reach this installation: its public address is not this very machine's."""
    return urlsplit(settings.public_url).hostname not in LOOPBACK


def lasting(certificate: Any, what: str, remedy: str) -> datetime:
    """The end of a certificate (`cryptography`); `Unwell` when it has not begun, has ended, or ends within `SHORT` (`Ending`)."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    moment = now()
    if moment > end:
        raise Unwell(f"{what} a expiré le {jour_long(end.date())} : {remedy}")
    if moment < begin:
        raise Unwell(
            f"{what} ne vaut qu’à partir du {jour_long(begin.date())} : vérifiez l’horloge, ou {remedy}"
        )
    if end - moment < SHORT:
        raise Ending(f"{what} expire le {jour_long(end.date())} : {remedy}")
    return datetime.fromtimestamp(end.timestamp(), end.tzinfo)


def certificates_of(path: Path) -> list[Any]:
    """The certificates of a PEM file, or of the `.pem` files of a folder; ValueError for what is none."""
    from cryptography import x509

    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    return [
        certificate for file in files for certificate in x509.load_pem_x509_certificates(file.read_bytes())
    ]
