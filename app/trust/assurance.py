"""How far a signature can be relied on: simple, advanced, advanced on a qualified certificate, qualified.

It is computed from what the certificate, its device statement and the trusted lists say, never from a label
(eIDAS 910/2014 art. 3, 25 and 26; annexes I and III; ETSI EN 319 412-5). Not to be confused with the levels B-B to
B-LTA of `app.signing.levels`, which say how long the proof lasts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import x509

from app.core.refusals import Refusal

SIMPLE, ADVANCED, ADVANCED_QUALIFIED, QUALIFIED = "simple", "advanced", "advanced_qualified", "qualified"
LABELS = {
    SIMPLE: "signature simple",
    ADVANCED: "signature avancée",
    ADVANCED_QUALIFIED: "signature avancée sur certificat qualifié",
    QUALIFIED: "signature qualifiée",
}
ESIGN, ESEAL = "qct_esign", "qct_eseal"


@dataclass(frozen=True)
class Statements:
    """What a certificate states of itself: qualified, its key in a qualified device, and for which uses."""

    qualified: bool = False
    device: bool = False
    types: tuple[str, ...] = ()
    outside_europe: bool = False

    @property
    def seal_only(self) -> bool:
        """Whether it is made for the seals of an organisation, and not for a person's signature."""
        return bool(self.types) and ESIGN not in self.types

    @property
    def person_only(self) -> bool:
        """Whether it is made for a person's signature, and not for the seals of an organisation."""
        return bool(self.types) and ESEAL not in self.types


def statements(certificate: x509.Certificate) -> Statements:
    """The QCStatements of a certificate (ETSI EN 319 412-5 §4); none where they are absent or cannot be read."""
    from pyhanko.sign.ades.qualified_asn1 import get_qc_statements

    try:
        by_kind = {
            statement["statement_id"].native: statement for statement in get_qc_statements(certificate)
        }
        types: Sequence[str] = by_kind["qc_type"]["statement_info"].native if "qc_type" in by_kind else ()
        return Statements(
            "qc_compliance" in by_kind, "qc_sscd" in by_kind, tuple(types), "qc_cc_legislation" in by_kind
        )
    except (ValueError, TypeError, LookupError):
        return Statements()


def reached(
    certificate: x509.Certificate,
    path: Any,
    registry: Any,
    moment: datetime,
    *,
    checked: bool,
    sealing: bool = False,
) -> str:
    """The level that a signature (or a seal, `sealing`) with this certificate reaches at `moment`, one of `ASSURANCES`.

    `path`: from the root to the certificate, already validated; `checked`: an authority answered that it is not
    revoked. Where the trusted lists are kept, they alone say whether a certificate and its device are qualified: an
    authority of ours that calls itself qualified is not. Without lists, the certificate's own statements count.
    """
    claims = statements(certificate)
    if (claims.person_only if sealing else claims.seal_only) or not checked:
        return SIMPLE
    qualified, device = (
        (claims.qualified and not claims.outside_europe, claims.device)
        if registry is None
        else _listed(registry, path, moment)
    )
    if not qualified:
        return ADVANCED
    return QUALIFIED if device else ADVANCED_QUALIFIED


def _listed(registry: Any, path: Any, moment: datetime) -> tuple[bool, bool]:
    """What the trusted lists say at that moment: qualified, and its key in a qualified device."""
    from pyhanko.sign.validation.qualified.assess import QualificationAssessor

    try:
        status = QualificationAssessor(registry).check_entity_cert_qualified(path, moment).status
    except (NotImplementedError, ValueError, TypeError, LookupError):
        return (
            False,
            False,
        )  # statements that contradict one another, or of several uses: nothing is proven by them
    return status.qualified, status.qc_key_security.is_qscd


def check(level: str, family: str, *, sealing: bool = False) -> None:
    """Refuse a signature below what the family asks for (`assurance-too-low`; CRPA L212-3, CCP R2182-3).

    A seal that stands below it is refused as well (`seal-too-low`): it would lower what the family promises.
    """
    from workflows.family import ASSURANCES  # not above: the child that judges unknown files knows no family
    from workflows.family import family as family_of

    required = family_of(family).minimum_signature
    if ASSURANCES.index(level) < ASSURANCES.index(required):
        key = "seal-too-low" if sealing else "assurance-too-low"
        raise Refusal(key, asked=LABELS[required], reached=LABELS[level])
