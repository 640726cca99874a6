"""The trusted lists of Europe (ETSI TS 119 612): fetched by night, kept on disk, verified again at each reading.

The folder holds `lotl.xml` (the list of lists), one file for each country (`fr.xml`), and `signers.pem` when the list of
lists is not signed by the Commission's own certificates, which come with pyHanko.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.core.addresses import Allowed, entry_of
from app.core.clock import now

EUROPE = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
LOTL, SIGNERS = "lotl.xml", "signers.pem"
LARGEST_LIST = 20 * 1024 * 1024
ACCEPTED = "application/vnd.etsi.tsl+xml, application/xml, text/xml"
TSL = "{http://uri.etsi.org/02231/v2#}"
Files = tuple[tuple[Path, int, int], ...]
log = logging.getLogger(__name__)


class ListRefusedError(ValueError):
    """A list that may not be believed: not signed by whom it should be, out of date, or unreadable."""


def refresh(
    folder: Path,
    *,
    url: str = EUROPE,
    countries: Sequence[str] = ("FR",),
    signers: bytes | None = None,
    timeout: float = 30.0,
) -> int:
    """Fetch the list of lists and those of `countries`, verify them all, and only then replace what is kept.

    `signers`: PEM certificates that may sign the list of lists; None for those of the Commission. `timeout` in seconds
    for each list, 20 MB at most. Only the host of `url` is asked, and those that the signed list of lists names where
    they are public.
    Returns how many certificates are believed now; raises `ListRefusedError` or `UnreachableError` and changes nothing.
    """
    from app.trust.network import Outside

    own = (entry_of(url),)

    def fetch(address: str, allowed: Allowed) -> bytes:
        return Outside(allowed, timeout, LARGEST_LIST).get(address, ACCEPTED)

    lotl = fetch(url, Allowed(inside=own))
    lists = {LOTL: lotl}
    for country, address in _pointers(lotl, signers, countries):
        lists[f"{country.lower()}.xml"] = fetch(address, Allowed(inside=own, anybody=True))
    if signers is not None:
        lists[SIGNERS] = signers
    count = len(_believed(_load(lists)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, data in lists.items():
        _replace(folder / name, data)
    for old in set(folder.glob("*")) - {folder / name for name in lists}:
        old.unlink()
    return count


def stamp(folder: Path | None) -> bytes:
    """What the kept lists are, in a few bytes; empty without lists."""
    files = _files(folder)
    return _stamp(files) if files else b""


def registry(folder: Path | None) -> Any | None:
    """PyHanko's `TSPRegistry` of the kept lists, verified; None without lists, or when they may not be believed now."""
    files = _files(folder)
    return _registry(files, now().date().isoformat()) if files else None


@lru_cache(maxsize=2)
def _stamp(files: Files) -> bytes:
    digest = hashlib.sha256()
    for path, _, _ in files:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


@lru_cache(maxsize=2)
def _registry(files: Files, day: str) -> Any | None:
    try:
        return _load({path.name: path.read_bytes() for path, _, _ in files})
    except ListRefusedError as error:
        log.warning("trust lists refused on %s: %s", day, error)
        return None


def _files(folder: Path | None) -> Files:
    """The kept files with their size and the moment of their last change: read again only when these move."""
    if folder is None or not (folder / LOTL).is_file():
        return ()
    files = sorted(file for file in folder.iterdir() if file.suffix in {".xml", ".pem"})
    return tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files)


def _load(lists: dict[str, bytes]) -> Any:
    """The services of the lists, each verified by the certificates that the one above it names."""
    from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry
    from pyhanko.sign.validation.qualified.tsp import TSPRegistry

    registry = TSPRegistry()
    for reference in _parsed(lists[LOTL], lists.get(SIGNERS)).references:
        data = lists.get(f"{reference.territory.lower()}.xml")
        if data is None:
            continue
        _in_date(data, reference.territory)
        try:
            trust_list_to_registry(data.decode(), reference.tlso_certs, registry)
        except Exception as error:
            raise ListRefusedError(f"{reference.territory}: {error}") from error
    return registry


def _parsed(lotl: bytes, signers: bytes | None) -> Any:
    from pyhanko.keys import load_certs_from_pemder_data
    from pyhanko.sign.validation.qualified.eutl_parse import validate_and_parse_lotl

    try:
        certificates = list(load_certs_from_pemder_data(signers)) if signers is not None else None
        parsed = validate_and_parse_lotl(lotl.decode(), certificates)
    except Exception as error:
        raise ListRefusedError(f"list of lists: {error}") from error
    _in_date(lotl, "list of lists")
    return parsed


def _pointers(lotl: bytes, signers: bytes | None, countries: Sequence[str]) -> list[tuple[str, str]]:
    from pyhanko.sign.validation.qualified.eutl_parse import LOTL_RULE

    wanted = {country.upper() for country in countries}
    references = [
        (reference.territory, reference.location_uri)
        for reference in _parsed(lotl, signers).references
        if reference.territory.upper() in wanted and LOTL_RULE not in reference.scheme_rules
    ]
    missing = wanted - {country.upper() for country, _ in references}
    if missing:
        raise ListRefusedError(f"the list of lists does not name {', '.join(sorted(missing))}")
    return references


def _in_date(data: bytes, whose: str) -> None:
    """A list is void after its `NextUpdate` (ETSI TS 119 612 §5.3.15)."""
    from lxml import etree

    tree = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    next_update = tree.findtext(f"{TSL}SchemeInformation/{TSL}NextUpdate/{TSL}dateTime")
    if next_update is None or datetime.fromisoformat(next_update.strip()) < now():
        raise ListRefusedError(f"{whose}: out of date since {next_update}")


def _believed(registry: Any) -> set[Any]:
    return {*registry.known_certificate_authorities, *registry.known_timestamp_authorities}


def _replace(path: Path, data: bytes) -> None:
    """Write a file that is either the old one or the new one, even after a power cut."""
    fresh = path.with_suffix(".fresh")
    with fresh.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
