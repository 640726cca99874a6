"""The Treasury's signature profile for PES v2 flows, as data: names, algorithms, policies.

Source: DGFiP, « Politique de signature Hélios », OID 1.2.250.1.131.1.5.18.21.1.7 of 18 May 2018 (§2.1, §4.1 to §4.3);
W3C XML Signature, Exclusive XML Canonicalization 1.0; ETSI TS 101 903 v1.2.2. A later policy is one more line here.
"""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from app.core.clock import PARIS
from app.verification.readers.xades.parsing import MORE, NAMES
from app.verification.readers.xades.shape import Shape

PES = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller"
ROOT = "PES_Aller"
DOMAINS = MappingProxyType({"PES_DepenseAller": "EnTeteDepense", "PES_RecetteAller": "EnTeteRecette"})
"""Where bordereaux are, and the header of each domain, which holds InfoDematerialisee."""

YES = frozenset({"1", "true"})
"""What InfoDematerialisee says of a flow that is signed (xs:boolean)."""
NO = frozenset({"0", "false"})
"""What it says of a flow whose bordereaux are signed on paper: the flow then bears no signature."""
Mode = Literal["bordereau", "global"]
"""Whether each Bordereau is signed, or the flow once."""

DS = NAMES["ds"]
XAD = "http://uri.etsi.org/01903/v1.2.2#"
XAD_OLD = "http://uri.etsi.org/01903/v1.1.1#"
"""Found on flows that other tools signed before 2020: read, never written."""

ENVELOPED = f"{DS}enveloped-signature"
RSA_SHA256 = f"{MORE}rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
TYPES = frozenset(
    f"http://uri.etsi.org/01903/{version}#SignedProperties" for version in ("v1.2.2", "v1.1.1")
) | {"http://uri.etsi.org/01903#SignedProperties"}
"""What the Type of the second Reference may say."""
LARGEST = 1 << 17
"""Bytes of the largest Signature that is read; ours take 5,000."""


def _ds(name: str, *attributes: str, children: tuple[Shape, ...] | None = ()) -> Shape:
    return Shape(f"{{{DS}}}{name}", attributes, children)


def _base64(name: str, *attributes: str) -> Shape:
    return Shape(f"{{{DS}}}{name}", attributes, base64=True)


_REFERENCE = _ds(
    "Reference",
    "Id",
    "URI",
    "Type",
    children=(
        Shape(f"{{{DS}}}Transforms", each=_ds("Transform", "Algorithm")),
        _ds("DigestMethod", "Algorithm"),
        _base64("DigestValue"),
    ),
)
SIGNATURE = _ds(
    "Signature",
    "Id",
    children=(
        _ds(
            "SignedInfo",
            "Id",
            children=(
                _ds("CanonicalizationMethod", "Algorithm"),
                _ds("SignatureMethod", "Algorithm"),
                _REFERENCE,
                _REFERENCE,
            ),
        ),
        _base64("SignatureValue", "Id"),
        _ds("KeyInfo", "Id", children=None),
        _ds("Object", "Id", children=(Shape(None, ("Target", "Id"), None),)),
    ),
)
"""What a Signature is made of, and nothing else (§4.1 to §4.3); what stands in its properties is `claims`' to read."""


@dataclass(frozen=True)
class Policy:
    """A signature policy: its OID as a URN, the SHA-256 of its text in base64, and where the text is."""

    identifier: str
    sha256: str
    uri: str
    description: str


CURRENT = Policy(
    identifier="urn:oid:1.2.250.1.131.1.5.18.21.1.7",
    sha256="roF9+cfRHNPtVJolhdqfIqGMVuUXX8aR4rpiquf0u5E=",
    uri="https://www.collectivites-locales.gouv.fr/files/files/finances_locales/dematerialisation/ps_helios_dgfip.pdf",
    description="Politique de signature Helios de la DGFiP",
)
ACCEPTED = MappingProxyType({CURRENT.identifier: CURRENT})
"""Policies under which a flow may be signed today."""
OLDER = frozenset(f"urn:oid:1.2.250.1.131.1.5.18.21.1.{number}" for number in range(1, 7))
"""Policies that this one replaced. Their texts, and so their hashes, are not published any more: a signature of their
time can be neither confirmed nor denied."""
REPLACED = datetime(2018, 5, 18, tzinfo=PARIS)
"""Since when the policy of `CURRENT` is there: a signature that says it is later follows it."""
