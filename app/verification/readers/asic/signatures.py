"""The signatures of an ASiC container (ETSI EN 319 162-1): files of any kind and their XAdES or CAdES, in one ZIP.

Nothing is taken out to disk: each file is hashed where it stands, within bounds. A file that no signature covers is named,
wherever it is in the container, and the verdict is then never green; the same name twice, or bytes of the ZIP that its
directory does not account for, are refused (`app.verification.readers.asic.layout`).
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from asn1crypto import cms
from lxml.etree import _Element

from app.core.refusals import Refusal
from app.trust.certificates import Trust
from app.verification import bounds
from app.verification.readers.asic.layout import account, unsound
from app.verification.readers.xades.parsing import DIGESTS, NAMES, decoded, parse_any, unsupported
from app.verification.reading import SignatureReading
from app.verification.signers import MOST_SIGNATURES, NOTHING_CHANGED, SIGNED_UNCHANGED, UNREADABLE

ASIC = "http://uri.etsi.org/02918/v1.2.1#"
OPEN_DOCUMENT = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}manifest"
KINDS = {"application/vnd.etsi.asic-s+zip": "ASiC-S", "application/vnd.etsi.asic-e+zip": "ASiC-E"}
META, MIMETYPE = "META-INF/", "mimetype"
MOST_FILES, LARGEST, LARGEST_META = 500, 200 * 1024 * 1024, 5 * 1024 * 1024
MOST_NAMED = 6
BROKEN = (EOFError, OSError, RuntimeError, *UNREADABLE)


@dataclass(frozen=True)
class Entry:
    """One file of the container, read where it stands."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    def open(self) -> IO[bytes]:
        """Its bytes, as they are read."""
        return self.archive.open(self.info)

    def digest(self, algorithm: str) -> bytes:
        """Its hash."""
        with self.open() as stream:
            return hashlib.file_digest(stream, algorithm).digest()  # type: ignore[arg-type]

    @cached_property
    def data(self) -> bytes:
        """Its bytes, of a signature or a manifest; refuses `signature-file-unreadable` for more than 5 MB."""
        if self.info.file_size > LARGEST_META:
            raise _unreadable(f"{self.info.filename} est trop grand")
        with self.open() as stream:
            return stream.read(LARGEST_META + 1)[:LARGEST_META]


def read_asic(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[SignatureReading]:
    """Every signature of a container, in the order of its files.

    Refuses `content-unexpected`, `container-unsound` for a ZIP that tools do not all read alike, `format-unsupported`
    for another ZIP than ASiC or a container that has only a timestamp, and what the readers of XAdES and CAdES refuse.
    """
    if content is not None:
        raise Refusal("content-unexpected")
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            files = _files(archive)
            kind = _kind(files)
            bounds.allow(2.0)
            # After the kind: an office document is told as one, not as an unsound container.
            account(stream, most=LARGEST)
            pairs = list(_signatures(files, trust, moment))
            data = _data(files)
    except (zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise unsound("il est abîmé") from error
    except BROKEN as error:
        raise _unreadable(str(error)) from error
    if not pairs and any(name.endswith(".tst") for name in files):
        raise unsupported(f"{kind} horodaté sans signature")
    if len(pairs) > MOST_SIGNATURES:
        raise Refusal("too-many-signatures", limit=MOST_SIGNATURES)
    return [_judged(signature, covered, data) for signature, covered in pairs]


def _files(archive: zipfile.ZipFile) -> dict[str, Entry]:
    every = [info for info in archive.infolist() if not info.is_dir()]
    names = [info.filename for info in every]
    if len(every) > MOST_FILES or sum(info.file_size for info in every) > LARGEST:
        raise Refusal("file-too-complex")
    if len(set(names)) != len(names) or any(info.flag_bits & 1 for info in every):
        raise unsound("deux fichiers y portent le même nom, ou l’un est chiffré")
    return {info.filename: Entry(archive, info) for info in every}


def _data(files: dict[str, Entry]) -> list[str]:
    """The files that somebody reads: all but the signatures, and what the format itself puts beside them."""
    return [name for name, entry in files.items() if name != MIMETYPE and not _technical(name, entry)]


def _technical(name: str, entry: Entry) -> bool:
    """Whether a file is of the format's own, by its name and by what it holds (EN 319 162-1 §4.3.3, §4.4.3, §A)."""
    if not name.startswith(META):
        return False
    if _is_xades(name) or name.endswith(".p7s"):
        return True  # read as a signature, or refused
    if name.endswith(".tst"):
        try:
            token = cms.ContentInfo.load(entry.data, strict=True)["content"]
            return bool(token["encap_content_info"]["content_type"].native == "tst_info")
        except (*UNREADABLE, KeyError, AttributeError):
            return False
    if not re.fullmatch(rf"{META}(?:ASiC[^/]*Manifest[^/]*|manifest)\.xml", name):
        return False
    tag = parse_any(entry.data, name).tag
    return tag == f"{{{ASIC}}}ASiCManifest" or (name == f"{META}manifest.xml" and tag == OPEN_DOCUMENT)


def _is_xades(name: str) -> bool:
    return name.startswith(META) and name.endswith(".xml") and "signatures" in name.removeprefix(META).lower()


def _kind(files: dict[str, Entry]) -> str:
    named = files.get(MIMETYPE)
    mimetype = named.data.decode("ascii", "replace").strip() if named is not None else ""
    if mimetype in KINDS:
        return KINDS[mimetype]
    if not mimetype and any(
        re.match(rf"{META}(?:.*signatures?.*\.(?:xml|p7s)|ASiCManifest.*)$", name) for name in files
    ):
        return "ASiC"
    office = {
        "[Content_Types].xml": "document Office",
        "META-INF/documentsignatures.xml": "document OpenDocument",
    }
    raise unsupported(
        next((label for name, label in office.items() if name in files), "archive ZIP sans signature ASiC")
    )


def _signatures(
    files: dict[str, Entry], trust: Trust, moment: datetime
) -> Iterator[tuple[SignatureReading, set[str]]]:
    for name, entry in files.items():
        if not name.startswith(META):
            continue
        if _is_xades(name):
            yield from _xades(name, entry, files, trust, moment)
        elif name.endswith(".p7s"):
            yield from _cades(name, entry, files, trust, moment)


def _xades(
    name: str, entry: Entry, files: dict[str, Entry], trust: Trust, moment: datetime
) -> Iterator[tuple[SignatureReading, set[str]]]:
    from app.verification.readers.xades.scope import names_outside, signatures_in
    from app.verification.readers.xades.signatures import read_signatures

    root = parse_any(entry.data, name)

    def outside(uri: str, algorithm: str) -> bytes | None:
        target = files.get(unquote(uri))
        return target.digest(algorithm) if target is not None else None

    signatures = read_signatures(root, outside, trust, moment, name)
    for reading, signature in zip(signatures, signatures_in(root), strict=True):
        yield reading, {unquote(uri) for uri in names_outside(signature)}


def _cades(
    name: str, entry: Entry, files: dict[str, Entry], trust: Trust, moment: datetime
) -> Iterator[tuple[SignatureReading, set[str]]]:
    """A CMS over the only file of the container (ASiC-S), or over the manifest that names it and the files (ASiC-E)."""
    from app.verification.readers.cms.signatures import read_signers

    manifest = next((candidate for candidate in _manifests(files) if _signs(candidate[1], name)), None)
    if manifest is not None:
        signed, good, covered = manifest[0], *_named(manifest[1], files)
    else:
        data = _data(files)
        if len(data) != 1:
            raise _unreadable(f"{name} ne dit pas quel fichier il signe")
        signed, good, covered = data[0], True, {data[0]}
    target = files[signed]
    for signature in read_signers(entry.data, target.open, target.info.file_size, trust, moment):
        broken = {} if good else {"intact": False, "changes": "Un fichier n’est plus celui qui a été signé."}
        yield replace(signature, where=f"{name}, {signature.where}", **broken), covered  # type: ignore[arg-type]


def _manifests(files: dict[str, Entry]) -> Iterator[tuple[str, _Element]]:
    for name, entry in files.items():
        if re.match(rf"{META}ASiCManifest[^/]*\.xml$", name):
            root = parse_any(entry.data, name)
            if root.tag == f"{{{ASIC}}}ASiCManifest":
                yield name, root


def _signs(manifest: _Element, name: str) -> bool:
    references = manifest.findall(f"{{{ASIC}}}SigReference")
    return len(references) == 1 and unquote(str(references[0].get("URI"))) == name


def _named(manifest: _Element, files: dict[str, Entry]) -> tuple[bool, set[str]]:
    """Whether every hash of a manifest is right, and the files that it names."""
    good, covered = True, set[str]()
    for reference in manifest.findall(f"{{{ASIC}}}DataObjectReference"):
        name = unquote(str(reference.get("URI")))
        method, value = reference.find("ds:DigestMethod", NAMES), reference.find("ds:DigestValue", NAMES)
        algorithm = DIGESTS.get(str(method.get("Algorithm"))) if method is not None else None
        if algorithm is None or value is None or name not in files:
            good = False
            continue
        covered.add(name)
        good = good and files[name].digest(algorithm) == decoded(value)
    return good and bool(covered), covered


def _judged(signature: SignatureReading, covered: set[str], data: list[str]) -> SignatureReading:
    """What a signature of a container covers, by the names of its files, and which it leaves out."""
    left = [name for name in data if name not in covered]
    there = [name for name in data if name in covered]
    sentence = (
        f"La signature couvre {_listed(there)}."
        if there
        else "La signature ne couvre aucun fichier du conteneur."
    )
    if not left:
        return replace(signature, covered=sentence)
    doubt = (
        "SIG_CONSTRAINTS_FAILURE",
        f"la signature ne couvre pas tout le conteneur : {_listed(left)} n’est pas signé.",
    )
    changes = SIGNED_UNCHANGED if signature.changes == NOTHING_CHANGED else signature.changes
    return replace(
        signature,
        changes=changes,
        covered=f"{sentence} Non signé : {_listed(left)}.",
        covers_whole=False,
        doubts=(*signature.doubts, doubt),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f"« {name[:80]} »" for name in names[:MOST_NAMED]) + (
        "…" if len(names) > MOST_NAMED else ""
    )


def _unreadable(why: str) -> Refusal:
    return Refusal("signature-file-unreadable", why=why)
