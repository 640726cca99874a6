"""Which reader reads which kind of file: the joint where each signature format plugs in.

A format registers once, at import, how its files are recognised and who reads them:

    register(Kind("pes", "flux comptable signé", looks_like_pes, read_flow, "flux comptable"))

`read` gets the file, the content that it signs when that is another file, whom we believe, and the moment; it returns
one `SignatureReading` for each signature and refuses what it cannot read. Verdict and report are the same for all.
"""

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.refusals import Refusal

if TYPE_CHECKING:
    from app.trust.certificates import Trust
    from app.verification.reading import SignatureReading
    from app.verification.verdict import Verdict

Reader = Callable[[Path, Path | None, "Trust", datetime], "Sequence[SignatureReading]"]
HEAD = 2048
MOST_CARRIED = 16  # authorities of one file that are told


@dataclass(frozen=True)
class Kind:
    """A kind of file; `recognises` reads its first bytes (2048 at most), the first kind that does wins.

    `label`: what it is when it bears a signature; `plain`: what it is when it bears none. `room`: the module that reads it.
    """

    name: str
    label: str
    recognises: Callable[[bytes], bool]
    read: Reader
    plain: str
    room: str = ""

    def judge(
        self, path: Path, content: Path | None, trust: "Trust", moment: datetime
    ) -> "Sequence[Verdict]":
        """The verdict on each signature of a file, its report attached; refuses what the reader refuses."""
        return self.judged(path, content, trust, moment)[0]

    def judged(
        self, path: Path, content: Path | None, trust: "Trust", moment: datetime
    ) -> "tuple[Sequence[Verdict], Sequence[bytes]]":
        """The same, and the certificates of authorities that the file carries (DER), whoever they are."""
        from app.verification import judge, report
        from app.verification.reading import authorities

        verdicts, carried = [], dict[bytes, None]()
        for signature in self.read(path, content, trust, moment):
            verdict = judge.judge(signature, moment)
            verdicts.append(replace(verdict, report=report.write(signature, verdict, moment)))
            carried |= dict.fromkeys(authorities(signature))
        return verdicts, tuple(carried)[:MOST_CARRIED]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind of file, or replace the one of the same name."""
    _kinds[kind.name] = kind


def load() -> None:
    """Load the program that reads and judges every kind of file, and that writes the reports."""
    from app.verification import judge, report

    del judge
    report.load()
    for room in {kind.room for kind in _kinds.values() if kind.room}:
        importlib.import_module(room)


def of(path: Path) -> Kind:
    """The kind of a file, by its bytes and never by its name; refuses `kind-unknown`."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    kind = next((candidate for candidate in _kinds.values() if candidate.recognises(head)), None)
    if kind is None:
        raise Refusal("kind-unknown")
    return kind


def _pdf(path: Path, content: Path | None, trust: "Trust", moment: datetime) -> "Sequence[SignatureReading]":
    from app.verification.judge import in_order
    from app.verification.readers.pdf import read_pdf

    return in_order(read_pdf(path, content, trust, moment))


def _p7s(path: Path, content: Path | None, trust: "Trust", moment: datetime) -> "Sequence[SignatureReading]":
    from app.verification.readers.cms.signatures import read_p7s

    return read_p7s(path, content, trust, moment)


def _xades(
    path: Path, content: Path | None, trust: "Trust", moment: datetime
) -> "Sequence[SignatureReading]":
    from app.verification.readers.xades.signatures import read_xades

    return read_xades(path, content, trust, moment)


def _asic(path: Path, content: Path | None, trust: "Trust", moment: datetime) -> "Sequence[SignatureReading]":
    from app.verification.readers.asic.signatures import read_asic

    return read_asic(path, content, trust, moment)


def _jades(
    path: Path, content: Path | None, trust: "Trust", moment: datetime
) -> "Sequence[SignatureReading]":
    del path, content, trust, moment
    raise Refusal("format-unsupported", what="JAdES, signature JSON")


def _pes(path: Path, content: Path | None, trust: "Trust", moment: datetime) -> "Sequence[SignatureReading]":
    from app.verification.readers.pes.signatures import read_flow

    return read_flow(path, content, trust, moment)


def _is_cms(head: bytes) -> bool:
    # DER of ContentInfo: SEQUENCE, then the OID of signedData 1.2.840.113549.1.7.2 (RFC 5652 §3)
    der = head[:1] == b"\x30" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in head[:32]
    return der or head.lstrip()[:64].startswith((b"-----BEGIN PKCS7", b"-----BEGIN CMS"))


def _is_xades(head: bytes) -> bool:
    # The first element, after a byte order mark, a declaration, comments; a signature's own root (XML Signature §4.1)
    first = re.search(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)", head)
    return first is not None and first[1] == b"Signature" and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _is_json_signature(head: bytes) -> bool:
    # RFC 7515 §7: compact form, three parts in base64url whose first is that of an object, or one of the two JSON forms
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    compact = re.match(rb"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.?", text) is not None
    return compact or (text[:1] == b"{" and (b'"signatures"' in text or b'"protected"' in text))


def _is_xml(head: bytes) -> bool:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    page = text.startswith((b"<!doctype html", b"<html"))
    return not page and re.match(rb"<(?:\?xml|!--|[a-z_])", text) is not None


register(
    Kind(
        "pdf",
        "PDF signé",
        lambda head: b"%PDF-" in head[:1024],
        _pdf,
        "PDF",
        "app.verification.readers.pdf",
    )
)
register(
    Kind(
        "p7s",
        "signature séparée (.p7s)",
        _is_cms,
        _p7s,
        "enveloppe CMS",
        "app.verification.readers.cms.signatures",
    )
)
register(
    Kind(
        "xades",
        "signature séparée (XAdES)",
        _is_xades,
        _xades,
        "fichier XML",
        "app.verification.readers.xades.signatures",
    )
)
# The root is in the first 2048 bytes: an XML declaration and a few namespaces come before it.
register(
    Kind(
        "pes",
        "flux comptable signé",
        lambda head: b"PES_Aller" in head,
        _pes,
        "flux comptable",
        "app.verification.readers.pes.signatures",
    )
)
register(
    Kind(
        "asic",
        "conteneur signé (ASiC)",
        lambda head: head[:4] == b"PK\x03\x04",
        _asic,
        "conteneur ASiC",
        "app.verification.readers.asic.signatures",
    )
)
register(Kind("jades", "signature JSON (JAdES)", _is_json_signature, _jades, "fichier JSON"))
# Any other XML: its signatures, if it has some, are inside it
register(
    Kind(
        "xml",
        "fichier XML signé",
        _is_xml,
        _xades,
        "fichier XML",
        "app.verification.readers.xades.signatures",
    )
)
