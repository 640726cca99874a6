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
from app.verification.readers.pes import canonical, xades
from app.verification.readers.pes.layout import Layout, Mark, Target, layout
from app.verification.readers.pes.offsets import element, tag_end
from app.verification.readers.pes.profile import ACCEPTED, DOMAINS, OLDER, REPLACED, ROOT, YES, Mode
from app.verification.readers.pes.xades import LARGEST, MisfitError, Said

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
    found = layout(path)
    if not found.signed:
        return []
    general = _everywhere(found)
    bordereaux = any(one.signatures for one in found.bordereaux)
    targets = ([found.root] if found.root.signatures or not bordereaux else []) + (
        list(found.bordereaux) if bordereaux else []
    )
    judge = _Judge(trust, moment, chain)
    with path.open("rb") as stream:
        return [judge.said(_one(stream, found, target, general)) for target in targets]


def _everywhere(found: Layout) -> tuple[list[str], list[str]]:
    """Faults and remarks that are those of the whole flow."""
    strays = dict.fromkeys(found.strays)
    faults = [f"un élément {name} figure hors de sa place dans le flux" for name in strays]
    remarks = []
    if found.root.signatures and any(one.signatures for one in found.bordereaux):
        faults.append("le flux et ses bordereaux sont signés à la fois")
    for domain, values in found.declared.items():
        if not values or not YES.issuperset(values):
            remarks.append(f"InfoDematerialisee ne vaut pas 1 dans {DOMAINS[domain]}")
    return faults, remarks


def _one(
    stream: IO[bytes], found: Layout, target: Target, general: tuple[list[str], list[str]]
) -> tuple[PesSignature, Said | None]:
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
        said, digest = _contents(stream, found, target, mark, end)
    except MisfitError as error:
        faults.append(str(error))
    except (Refusal, etree.LxmlError, ValueError, LookupError, TypeError, AttributeError):
        # Whatever breaks on hostile bytes is a signature that proves nothing
        faults.append("la signature est illisible")
    else:
        twice = {target.id or "", said.id, said.properties_id} & found.twice
        faults += [f"l’identifiant « {one} » figure deux fois dans le flux" for one in sorted(twice)]
        intact = digest == said.digest and said.properties
        if digest != said.digest:
            faults.append("l’élément a été modifié après la signature")
        if not said.properties:
            faults.append("les propriétés signées ont été modifiées")
        done = replace(
            blank,
            field=said.id,
            capacity=said.place[0],
            declared=said.place,
            signature_sha256=hashlib.sha256(said.signature).hexdigest(),
            signed_at=said.signed_at,
            policy=said.policy,
            intact=intact,
            digest=digest,
            value=said.value,
            signed=said.info,
            faults=tuple(faults + said.faults),
            remarks=tuple(remarks + said.remarks),
        )
        return done, said
    return replace(blank, faults=tuple(faults), remarks=tuple(remarks)), None


def _contents(stream: IO[bytes], found: Layout, target: Target, mark: Mark, end: int) -> tuple[Said, bytes]:
    if end < 0:
        raise MisfitError("la signature est vide")
    if end - mark.start > LARGEST:
        raise MisfitError("la signature est démesurée")
    stream.seek(mark.start)
    raw = stream.read(end - mark.start)
    encoding = found.encoding or "UTF-8"
    said = xades.read(raw, mark.context, encoding, target.id or "")
    return said, canonical.digest(element(stream, target, [mark]), target.context, encoding)


class _Judge:
    """Proves values and judges policies and certificates, each certificate once."""

    def __init__(self, trust: Trust, moment: datetime, chain: Sequence[bytes]) -> None:
        self.trust, self.moment, self.chain = trust, moment, chain
        self.known: dict[bytes, tuple[CertificateFacts, Refusal | None]] = {}

    def said(self, pair: tuple[PesSignature, Said | None]) -> PesSignature:
        """The signature with what its certificate and its policy are worth."""
        one, said = pair
        if said is None:
            return one
        policy_faults, doubts = _policy(said)
        policy_ok = not (policy_faults or doubts)
        one = replace(one, policy_ok=policy_ok, doubts=doubts)
        faults = [*one.faults, *policy_faults, *_place(said)]
        signer = next((der for der in said.certificates if _sha256(der) == said.certificate_digest), None)
        if signer is None:
            faults.append("le certificat joint n’est pas celui que la signature annonce")
            return replace(one, faults=tuple(faults))
        try:
            certificate, refusal = self._certificate(signer, said.certificates)
        except Refusal:
            faults.append("le certificat est illisible")
            return replace(one, faults=tuple(faults))
        valid = _proven(signer, said)
        if not valid:
            faults.append("la signature n’est pas celle du certificat annoncé")
        if said.serial != str(int(certificate.serial, 16)):
            faults.append("le numéro du certificat n’est pas celui que la signature annonce")
        if said.signed_at and not certificate.not_before <= said.signed_at <= certificate.not_after:
            faults.append("la date de signature est hors de la période de validité du certificat")
        if said.signed_at and said.signed_at > self.moment + TOLERANCE:
            faults.append("la date de signature est dans l’avenir")
        return replace(
            one,
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
        if signer not in self.known:
            said = facts(signer)
            if len(self.known) >= MOST_SIGNERS:
                return said, Refusal("certificate-chain-invalid", why="trop de signataires dans un flux")
            try:
                others = [*self.chain, *(one for one in beside if one != signer and certificates_in(one))]
                said = check_certificate(signer, others, trust=self.trust, moment=self.moment, enrolled=None)
                self.known[signer] = said, None
            except Refusal as refusal:
                self.known[signer] = said, refusal
        return self.known[signer]


def _policy(said: Said) -> tuple[list[str], tuple[str, ...]]:
    """What is wrong with a signature's policy, the one of its time, and what cannot be told of it."""
    policy = ACCEPTED.get(said.policy)
    if policy is None:
        if said.policy not in OLDER:
            return ["la politique de signature est inconnue"], ()
        if said.signed_at is None or said.signed_at >= REPLACED:
            return ["la politique de signature était remplacée à cette date"], ()
        return [], ("politique de signature plus ancienne, que Paraphe ne connaît pas",)
    if said.policy_hash != policy.sha256:
        return ["l’empreinte de la politique de signature n’est pas la bonne"], ()
    return [], ()


def _place(said: Said) -> list[str]:
    named = zip(("la qualité", "la commune", "le code postal", "le pays"), said.place, strict=True)
    return [f"{what} du signataire manque" for what, text in named if not text]


def _proven(signer: bytes, said: Said) -> bool:
    try:
        if algorithms.of(signer).kind != "RSA":
            return False
        algorithms.check_signature(signer, said.signature, said.info, "sha256")
    except Refusal:
        return False
    return True


def _sha256(der: bytes) -> bytes:
    return hashlib.sha256(der).digest()
