"""What the signatures of a PES v2 flow prove: structure, digests, value, certificate, policy, for each signed element.

A valid digest is not a verdict: a genuine bordereau hidden beside a forged one has a valid digest too. So a signature
holds only where it stands at its place, refers to the element that contains it, and is alone to do so.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from lxml import etree

from app.core.refusals import Refusal
from app.trust import algorithms
from app.trust.certificates import (
    TOLERANCE,
    CertificateFacts,
    Trust,
    certificates_in,
    check_certificate,
    facts,
)
from app.verification.readers.pes import canonical, claims
from app.verification.readers.pes.claims import Claims
from app.verification.readers.pes.layout import Layout, Mark, Target, layout
from app.verification.readers.pes.offsets import element, tag_end
from app.verification.readers.pes.profile import (
    ACCEPTED,
    DOMAINS,
    LARGEST,
    OLDER,
    REPLACED,
    ROOT,
    RSA_SHA256,
    YES,
    Mode,
)
from app.verification.readers.xades.parsing import METHODS
from app.verification.readers.xades.shape import MisfitError
from app.verification.readers.xades.signature import of_hash, proves

MOST_SIGNERS = 16  # different certificates of one flow that are asked about
COVERS = {
    "bordereau": "Le bordereau et ses pièces ; ni les pièces jointes de PES_PJ, ni l’enveloppe, ni l’en-tête.",
    "global": "Tout le flux, pièces jointes, enveloppe et en-tête compris.",
}


@dataclass(frozen=True)
class PesSignature:
    """One element that is signed, or should be, and what its signature proves.

    `target`: its Id; `element`: « Bordereau » or « PES_Aller »; `covers`: a French sentence. `intact`: nothing signed
    was changed; `valid`: the value is of the certificate that it names. `holds`: intact, valid, and no `faults`
    (French, each says why not) nor `doubts` (French, what nobody can tell any more). `remarks`: what is tolerated or
    good to know. `trusted`: the certificate may sign at the moment of reading, `problem` is the refusal's key when not.
    `capacity` and `signed_at` are what the signer declared; nobody else vouches for them. `start`, `end`: bytes of the
    Signature in the file, -1 when there is none. `value` in base64 as it stands there, `signed` the bytes that the key
    signed, `der` the signer's certificate.
    """

    target: str
    element: str
    mode: Mode
    covers: str
    start: int = -1
    end: int = -1
    field: str = ""
    name: str = ""
    capacity: str = ""
    declared: tuple[str, str, str, str] = ("", "", "", "")
    serial: str = ""
    fingerprint_sha256: str = ""
    signature_sha256: str = ""
    signed_at: datetime | None = None
    policy: str = ""
    policy_ok: bool = False
    intact: bool = False
    valid: bool = False
    trusted: bool = False
    problem: str | None = None
    problem_facts: tuple[tuple[str, str], ...] = ()
    certificate: CertificateFacts | None = None
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    digest: bytes = b""
    value: bytes = b""
    signed: bytes = b""
    der: bytes = b""

    @property
    def holds(self) -> bool:
        """Whether the signature proves what it should, its certificate's standing left aside (see `trusted`)."""
        return self.intact and self.valid and not (self.faults or self.doubts)


def read_pes(
    path: Path, trust: Trust, moment: datetime, *, chain: Sequence[bytes] = ()
) -> list[PesSignature]:
    """Every element of the flow that is signed or should be, in the order of the file; none when nothing is signed.

    One pass over the file, whatever the number of signatures. `chain`: certificates (DER) that may stand between the
    signer's and a root, which flows do not carry. The certificate is judged at `moment`, once for all its signatures.
    Refuses what `layout` refuses; whatever is wrong with a signature is said of it and refuses nothing.
    """
    flow = layout(path)
    if not flow.signed:
        return []
    general = _everywhere(flow)
    bordereaux = any(bordereau.signatures for bordereau in flow.bordereaux)
    targets = ([flow.root] if flow.root.signatures or not bordereaux else []) + (
        list(flow.bordereaux) if bordereaux else []
    )
    judge = _Judge(trust, moment, chain)
    with path.open("rb") as stream:
        return [judge.judged(_signature(stream, flow, target, general)) for target in targets]


def _everywhere(flow: Layout) -> tuple[list[str], list[str]]:
    """Faults and remarks that are those of the whole flow."""
    strays = dict.fromkeys(flow.strays)
    faults = [f"un élément {name} figure hors de sa place dans le flux" for name in strays]
    remarks = []
    if flow.root.signatures and any(bordereau.signatures for bordereau in flow.bordereaux):
        faults.append("le flux et ses bordereaux sont signés à la fois")
    for domain, values in flow.declared.items():
        if not values or not YES.issuperset(values):
            remarks.append(f"InfoDematerialisee ne vaut pas 1 dans {DOMAINS[domain]}")
    return faults, remarks


def _signature(
    stream: IO[bytes], flow: Layout, target: Target, general: tuple[list[str], list[str]]
) -> tuple[PesSignature, Claims | None]:
    mode: Mode = "global" if target.name == ROOT else "bordereau"
    faults, remarks = list(general[0]), list(general[1])
    blank = PesSignature(target.id or "", target.name, mode, COVERS[mode])
    if not target.signatures:
        faults.append("cet élément n’est pas signé")
        return replace(blank, faults=tuple(faults), remarks=tuple(remarks)), None
    if len(target.signatures) > 1:
        faults.append("cet élément porte plusieurs signatures")
    mark = target.signatures[0]
    if target.last != mark.start:
        faults.append("la signature n’est pas à la fin de l’élément")
    end = tag_end(stream, mark.close)
    blank = replace(blank, start=mark.start, end=end)
    try:
        claim, digest = _contents(stream, flow, target, mark, end)
    except MisfitError as error:
        faults.append(str(error))
    except (Refusal, etree.LxmlError, ValueError, LookupError, TypeError, AttributeError):
        # Whatever breaks on hostile bytes is a signature that proves nothing
        faults.append("la signature est illisible")
    else:
        # An Id that stands twice lets another verifier take the other element for the signed one.
        twice = {target.id or "", claim.id, claim.properties_id} & flow.twice
        faults += [
            f"l’identifiant « {identifier} » figure deux fois dans le flux" for identifier in sorted(twice)
        ]
        intact = digest == claim.digest and claim.properties
        if digest != claim.digest:
            faults.append("l’élément a été modifié après la signature")
        if not claim.properties:
            faults.append("les propriétés signées ont été modifiées")
        done = replace(
            blank,
            field=claim.id,
            capacity=claim.place[0],
            declared=claim.place,
            signature_sha256=hashlib.sha256(claim.signature).hexdigest(),
            signed_at=claim.signed_at,
            policy=claim.policy,
            intact=intact,
            digest=digest,
            value=claim.value,
            signed=claim.info,
            faults=tuple(faults + claim.faults),
            remarks=tuple(remarks + claim.remarks),
        )
        return done, claim
    return replace(blank, faults=tuple(faults), remarks=tuple(remarks)), None


def _contents(stream: IO[bytes], flow: Layout, target: Target, mark: Mark, end: int) -> tuple[Claims, bytes]:
    if end < 0:
        raise MisfitError("la signature est vide")
    # Before it is read and parsed.
    if end - mark.start > LARGEST:
        raise MisfitError("la signature est démesurée")
    stream.seek(mark.start)
    raw = stream.read(end - mark.start)
    encoding = flow.encoding or "UTF-8"
    claim = claims.read(raw, mark.context, encoding, target.id or "")
    return claim, canonical.digest(element(stream, target, [mark]), target.context, encoding)


class _Judge:
    """Proves values and judges policies and certificates, each certificate once."""

    def __init__(self, trust: Trust, moment: datetime, chain: Sequence[bytes]) -> None:
        self.trust, self.moment, self.chain = trust, moment, chain
        self.known: dict[tuple[bytes, frozenset[bytes]], tuple[CertificateFacts, Refusal | None]] = {}

    def judged(self, pair: tuple[PesSignature, Claims | None]) -> PesSignature:
        """The signature with what its certificate and its policy are worth."""
        signature, claim = pair
        if claim is None:
            return signature
        policy_faults, doubts = _policy(claim)
        policy_ok = not (policy_faults or doubts)
        signature = replace(signature, policy_ok=policy_ok, doubts=doubts)
        faults = [*signature.faults, *policy_faults, *_place(claim)]
        signer = of_hash(claim.certificates, "sha256", claim.certificate_digest)
        if signer is None:
            faults.append("le certificat joint n’est pas celui que la signature annonce")
            return replace(signature, faults=tuple(faults))
        try:
            certificate, refusal = self._certificate(signer, claim.certificates)
        except Refusal:
            faults.append("le certificat est illisible")
            return replace(signature, faults=tuple(faults))
        valid = _proven(signer, claim)
        if not valid:
            faults.append("la signature n’est pas celle du certificat annoncé")
        if claim.serial != str(int(certificate.serial, 16)):
            faults.append("le numéro du certificat n’est pas celui que la signature annonce")
        if claim.signed_at and not certificate.not_before <= claim.signed_at <= certificate.not_after:
            faults.append("la date de signature est hors de la période de validité du certificat")
        if claim.signed_at and claim.signed_at > self.moment + TOLERANCE:
            faults.append("la date de signature est dans l’avenir")
        return replace(
            signature,
            name=certificate.common_name,
            serial=certificate.serial,
            fingerprint_sha256=certificate.fingerprint_sha256,
            valid=valid,
            trusted=refusal is None,
            problem=refusal.key if refusal else None,
            problem_facts=tuple((name, str(value)) for name, value in refusal.facts.items())
            if refusal
            else (),
            certificate=certificate,
            der=signer,
            faults=tuple(faults),
        )

    def _certificate(self, signer: bytes, beside: Sequence[bytes]) -> tuple[CertificateFacts, Refusal | None]:
        others = frozenset(der for der in beside if der != signer and _is_certificate(der))
        known = (signer, others)
        if known not in self.known:
            certificate = facts(signer)
            if len(self.known) >= MOST_SIGNERS:
                return certificate, Refusal(
                    "certificate-chain-invalid", why="trop de signataires dans un flux"
                )
            try:
                certificate = check_certificate(
                    signer, [*self.chain, *others], trust=self.trust, moment=self.moment, enrolled=None
                )
                self.known[known] = certificate, None
            except Refusal as refusal:
                self.known[known] = certificate, refusal
        return self.known[known]


def _is_certificate(der: bytes) -> bool:
    """Whether what a signature carries beside its signer's certificate can serve its chain; what cannot be read is left out."""
    try:
        return bool(certificates_in(der))
    except Refusal:
        return False


def _policy(claim: Claims) -> tuple[list[str], tuple[str, ...]]:
    """What is wrong with a signature's policy, the one of its time, and what cannot be told of it."""
    policy = ACCEPTED.get(claim.policy)
    if policy is None:
        if claim.policy not in OLDER:
            return ["la politique de signature est inconnue"], ()
        if claim.signed_at is None or claim.signed_at >= REPLACED:
            return ["la politique de signature était remplacée à cette date"], ()
        return [], ("politique de signature plus ancienne, que Paraphe ne connaît pas",)
    if claim.policy_hash != policy.sha256:
        return ["l’empreinte de la politique de signature n’est pas la bonne"], ()
    return [], ()


def _place(claim: Claims) -> list[str]:
    named = zip(("la qualité", "la commune", "le code postal", "le pays"), claim.place, strict=True)
    return [f"{label} du signataire manque" for label, text in named if not text]


def _proven(signer: bytes, claim: Claims) -> bool:
    try:
        algorithms.of(signer)
    except Refusal:
        return False
    return proves(signer, claim.signature, claim.info, METHODS[RSA_SHA256])
