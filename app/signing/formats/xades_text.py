"""The text of an XML signature, written in canonical form from the start (W3C XML Signature 1.1, exclusive C14N 1.0).

Each part that is signed is made twice from one template: as it is signed (every namespace where it is first used) and as
it is embedded (the same elements inside ds:Signature, which declares them once). Attributes stand in canonical order.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from app.verification.readers.xades.parsing import DIGESTS, EXCLUSIVE, NAMES

DS_NAME = f' xmlns:ds="{NAMES["ds"]}"'
ADDRESSES = {name: address for address, name in DIGESTS.items()}


@dataclass(frozen=True)
class Text:
    """One signature: `info`, the bytes that the key signs; `before` and `after`, what surrounds its value in the file."""

    id: str
    info: bytes
    before: bytes
    after: bytes


def digest_of(algorithm: str, value: bytes, *, ds: str = "") -> str:
    """A hash and how it was made."""
    method = f'<ds:DigestMethod{ds} Algorithm="{ADDRESSES[algorithm]}"></ds:DigestMethod>'
    return f"{method}<ds:DigestValue{ds}>{b64encode(value).decode()}</ds:DigestValue>"


def reference(attributes: str, algorithm: str, value: bytes, *transforms: str) -> str:
    """What is signed, and its hash; without transforms, the very bytes of another file."""
    listed = "".join(f'<ds:Transform Algorithm="{transform}"></ds:Transform>' for transform in transforms)
    steps = f"<ds:Transforms>{listed}</ds:Transforms>" if transforms else ""
    return f"<ds:Reference {attributes}>{steps}{digest_of(algorithm, value)}</ds:Reference>"


def certificates_in(chain: Iterable[bytes]) -> str:
    """The certificates (DER) that come along, the signer's first."""
    certificates = "".join(
        f"<ds:X509Certificate>{b64encode(der).decode()}</ds:X509Certificate>" for der in chain
    )
    return f"<ds:X509Data>{certificates}</ds:X509Data>"


def assemble(own: str, method: str, references: Iterable[str], key: str, space: str, properties: str) -> Text:
    """The whole signature `own` (its Id) by the algorithm `method` over `references`.

    `key`: its KeyInfo. `space`: the declaration of the namespace of XAdES, and so the prefix that `properties`, the signed
    ones as they are embedded, are written with.
    """
    prefix = space.partition("=")[0].rpartition(":")[2]
    info = (
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>{"".join(references)}</ds:SignedInfo>'
    )
    before = f'<ds:Signature{DS_NAME} Id="{own}"><ds:SignedInfo>{info}<ds:SignatureValue>'
    after = (
        f"</ds:SignatureValue>{key}<ds:Object>"
        f'<{prefix}:QualifyingProperties{space} Target="#{own}">{properties}</{prefix}:QualifyingProperties>'
        "</ds:Object></ds:Signature>"
    )
    signed = f"<ds:SignedInfo{DS_NAME}>{info}".encode()
    # References to characters outside ASCII are the same text in every encoding of the file
    return Text(own, signed, *(part.encode("ascii", "xmlcharrefreplace") for part in (before, after)))


def embedded(info: bytes) -> bytes:
    """SignedInfo as it stands in the file, from the bytes that are signed."""
    return info.replace(DS_NAME.encode(), b"", 1)


def escape(text: str) -> str:
    """Characters of a text node in canonical form (Canonical XML 1.0 §2.3)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
