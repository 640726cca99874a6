"""One XML signature taken apart: the reader of every profile, which says what stands where and proves no more than its value.

Each part must stand once, or is refused (`xades-unreadable`). What a profile asks on top is data of that profile
(`shape`); what each reference is worth is the business of `scope` for any file, of `pes.proof` for a flow.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from lxml.etree import _Element

from app.core.refusals import Refusal
from app.trust import algorithms
from app.verification.readers.xades.parsing import (
    DIGESTS,
    METHODS,
    NAMES,
    canonical,
    decoded,
    digest_of,
    only,
    tag,
    unknown,
)


@dataclass(frozen=True)
class Reference:
    """What a signature says of one thing that it signs (XML Signature §4.4.3)."""

    element: _Element

    @property
    def uri(self) -> str | None:
        """What is signed: an element by its identifier, another file, this one whole; None when nothing is named."""
        uri = self.element.get("URI")
        return None if uri is None else str(uri)

    @property
    def kind(self) -> str | None:
        """What the Type says that it is."""
        kind = self.element.get("Type")
        return None if kind is None else str(kind)

    @property
    def transforms(self) -> list[_Element]:
        """The steps from what is signed to the bytes that are hashed."""
        return self.element.findall("ds:Transforms/ds:Transform", NAMES)

    @property
    def steps(self) -> list[str]:
        """The names of these steps."""
        return [str(step.get("Algorithm", "")) for step in self.transforms]

    @property
    def method(self) -> str:
        """The address of the hash."""
        return str(only(self.element, "ds:DigestMethod").get("Algorithm", ""))

    @property
    def algorithm(self) -> str:
        """The name of the hash; refuses another than SHA-256, SHA-384 and SHA-512."""
        return digest_of(self.element)

    @property
    def digest(self) -> bytes:
        """The hash that is announced."""
        return decoded(only(self.element, "ds:DigestValue"))


@dataclass(frozen=True)
class Signature:
    """A ds:Signature; `space`: the namespace of its XAdES properties. Each part is looked for once: nobody changes them."""

    element: _Element
    space: str = NAMES["xades"]

    @cached_property
    def id(self) -> str:
        """Its identifier, empty when it has none."""
        return str(self.element.get("Id", ""))

    @cached_property
    def info(self) -> _Element:
        """Its SignedInfo."""
        return only(self.element, "ds:SignedInfo")

    @cached_property
    def references(self) -> list[Reference]:
        """What it signs, in its order."""
        return [Reference(element) for element in self.info.findall("ds:Reference", NAMES)]

    @cached_property
    def form(self) -> _Element:
        """How its SignedInfo is made canonical."""
        return only(self.info, "ds:CanonicalizationMethod")

    @cached_property
    def method(self) -> str:
        """The address of its algorithm."""
        return str(only(self.info, "ds:SignatureMethod").get("Algorithm"))

    @cached_property
    def algorithm(self) -> tuple[str, str]:
        """The kind of its key (« rsa », « ecdsa ») and its hash; refuses what is not known here."""
        method = self.method
        if method not in METHODS:
            raise unknown("XAdES", "son algorithme n’est pas connu ici")
        return METHODS[method]

    @cached_property
    def signed(self) -> bytes:
        """The very bytes that the key signed."""
        return canonical(self.info, str(self.form.get("Algorithm")), self.form)

    @cached_property
    def value(self) -> _Element:
        """Its SignatureValue."""
        return only(self.element, "ds:SignatureValue")

    @cached_property
    def certificates(self) -> list[bytes]:
        """The certificates of its KeyInfo, as they stand there."""
        sent = self.element.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
        return [decoded(certificate) for certificate in sent]

    @cached_property
    def qualifying(self) -> _Element | None:
        """Its own properties, signed or not (EN 319 132-1 §4.3); refuses two sets of them."""
        sets = self.element.findall(f"{tag('ds:Object')}/{{{self.space}}}QualifyingProperties")
        if len(sets) > 1:
            raise unknown("XAdES", "elle porte deux jeux de propriétés")
        return sets[0] if sets else None

    @cached_property
    def properties(self) -> _Element | None:
        """Those that it may sign; None when there is not exactly one element of them."""
        qualifying = self.qualifying
        elements = [] if qualifying is None else qualifying.findall(f"{{{self.space}}}SignedProperties")
        return elements[0] if len(elements) == 1 else None

    @cached_property
    def unsigned(self) -> _Element | None:
        """What was added to it afterwards (EN 319 132-1 §5.3 and following)."""
        qualifying = self.qualifying
        path = f"{{{self.space}}}UnsignedProperties/{{{self.space}}}UnsignedSignatureProperties"
        return None if qualifying is None else qualifying.find(path)


def named_by(mark: _Element) -> tuple[str, bytes] | None:
    """The hash by which a Cert element names the signer's certificate (EN 319 132-1 §5.2.2); None when it proves nothing."""
    holder = only(mark, "xades:CertDigest")
    algorithm = DIGESTS.get(str(only(holder, "ds:DigestMethod").get("Algorithm")))
    return None if algorithm is None else (algorithm, decoded(only(holder, "ds:DigestValue")))


def of_hash(certificates: Sequence[bytes], algorithm: str, digest: bytes) -> bytes | None:
    """The certificate (DER) of this hash among those that came along."""
    return next((der for der in certificates if hashlib.new(algorithm, der).digest() == digest), None)


def instant(text: str, zone: tzinfo) -> datetime:
    """The hour that a signature says, aware: one without a zone is of `zone`; raises ValueError."""
    hour = datetime.fromisoformat(text)
    return hour if hour.tzinfo else hour.replace(tzinfo=zone)


def proves(certificate: bytes, value: bytes, signed: bytes, algorithm: tuple[str, str]) -> bool:
    """Whether a value is that of these bytes by the key of a certificate (DER), which is of the kind announced."""
    kind, digest = algorithm
    try:
        own = "rsa" if isinstance(algorithms.public_key(certificate), RSAPublicKey) else "ecdsa"
        algorithms.check_signature(certificate, value, signed, digest)
    except Refusal:
        return False
    return own == kind
