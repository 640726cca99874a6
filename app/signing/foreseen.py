"""What the signatures to come of a folder will ask, and of whom: told while its way can still be changed, and stops nobody.

A level that no certificate of the signer reaches, or a mandate that is missing, would else be met at his click, after the
whole circuit. No authority is asked here: what a certificate reached when it was enrolled counts, else what it says of
itself, and a revocation is met at the signature.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jinja2 import Environment
from markupsafe import Markup

from app.circuits.library import family_of
from app.core.clock import PARIS, today
from app.core.db import Db
from app.core.french import jour_long
from app.core.questions import once
from app.core.refusals import Refusal
from app.display.timeline import planned_circuit
from app.folders.facts import act_of
from app.folders.models import Folder
from app.folders.seats import Person, Slot, slots_of
from app.folders.sockets import Caution
from app.people.mandates import mandates, recorded
from app.signing.enrol import certificates_by_person
from app.signing.models import Certificate
from app.trust import assurance
from app.trust.purpose import Purpose
from workflows.circuit import Phase, Step, StepKind
from workflows.family import ASSURANCES
from workflows.mandates import fitting

SOON = timedelta(days=30)
# Told to whoever deposits: the sentences of the refusal itself speak to whoever signs
WITHOUT = {
    "mandate-ended": "n’a plus de mandat : « {words} » a pris fin",
    "mandate-fell": "n’a plus de mandat : « {words} » est tombé avec celui du maire",
    "mandate-not-begun": "n’a pas encore de mandat : « {words} » n’a pas commencé",
    "mandate-not-executory": "n’a pas encore de mandat : « {words} » n’est pas exécutoire",
    "mandate-outside-family": "a un mandat (« {words} ») qui ne porte pas sur ce type de dossier",
    "mandate-council-decides": "a un mandat (« {words} ») qui ne le laisse pas signer les décisions du maire",
    "mandate-outside-matter": "a un mandat (« {words} ») qui ne porte pas sur cette matière",
    "mandate-amount-unknown": "a un mandat (« {words} ») limité à {ceiling} €, et le montant n’est pas connu",
    "mandate-above-ceiling": "a un mandat (« {words} ») limité à {ceiling} €",
    "mandate-order-off": "a un mandat (« {words} ») dont l’arrêté n’est pas exécutoire aujourd’hui",
}
DRAFTS = {Phase.DRAFT, Phase.REJECTED}


@dataclass(frozen=True)
class Signer:
    """Somebody planned to sign: what stands in the way, and what to look at, each as the end of a sentence about him."""

    name: str
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One signature to come: of which step, what it asks, and by whom; any one of them is enough."""

    step: str
    level: str
    signers: tuple[Signer, ...]

    @property
    def lacking(self) -> bool:
        """Whether nobody who is planned can sign it as things stand."""
        return bool(self.signers) and all(signer.lacks for signer in self.signers)

    @property
    def sentence(self) -> str:
        """What is missing, as one sentence: who lacks what."""
        who = " ; ".join(f"{signer.name} {', '.join(signer.lacks)}" for signer in self.signers)
        return f"Signature demandée : {self.level} ; {who}."


def parts(db: Db, folder: Folder) -> list[Part]:
    """The signatures to come of a folder, in the order of its way; none where a desk is still to be chosen."""
    return once(db, ("signatures to come", folder.id), lambda: _parts(db, folder))


def _parts(db: Db, folder: Folder) -> list[Part]:
    family = family_of(folder.in_force)
    level = assurance.LABELS[family.minimum_signature]
    planned: list[tuple[Step, Slot]] = []
    for step in _steps(db, folder):
        try:
            planned += [(step, slot) for slot in slots_of(db, folder, step, seats_alone=True)]
        except Refusal:  # a desk that is missing: told elsewhere
            continue
    certificates = certificates_by_person(
        db, {person.user_id for _, slot in planned for person in slot.people}
    )
    return [
        Part(
            step.label,
            level,
            tuple(
                _signer(db, folder, slot, person, certificates.get(person.user_id, []))
                for person in slot.people
            ),
        )
        for step, slot in planned
    ]


def _steps(db: Db, folder: Folder) -> list[Step]:
    """The signing steps that are still to come, the present one included."""
    if folder.phase not in {*DRAFTS, Phase.RUNNING}:
        return []
    route = planned_circuit(db, folder).applicable(folder.facts)
    keys = [step.key for step in route]
    start = keys.index(folder.place) if folder.phase == Phase.RUNNING and folder.place in keys else 0
    return [step for step in route[start:] if step.kind == StepKind.SIGN]


def _signer(db: Db, folder: Folder, slot: Slot, person: Person, certificates: list[Certificate]) -> Signer:
    lacks = [
        lack
        for lack in (certificate_lacks(folder, certificates, today()), _mandate(db, folder, slot, person))
        if lack
    ]
    return Signer(person.name, tuple(lacks), tuple(_notes(certificates, today())) if not lacks else ())


def certificate_lacks(folder: Folder, certificates: list[Certificate], day: date) -> str:
    """What his certificates lack to sign this folder on that day, the nearest to serving first; empty when one will do."""
    family = family_of(folder.in_force)
    if not certificates:
        return "n’a pas de certificat inscrit"
    suited = [
        certificate
        for certificate in certificates
        if Purpose(certificate.purpose).suits(family.certificate_purpose)
    ]
    if not suited:
        return "n’a pas de certificat inscrit pour cet usage"
    alive = [certificate for certificate in suited if certificate.not_after.astimezone(PARIS).date() >= day]
    if not alive:
        return "n’a qu’un certificat expiré"
    rank = ASSURANCES.index(family.minimum_signature)
    high = [certificate for certificate in alive if ASSURANCES.index(reaches(certificate)) >= rank]
    if not high:
        return "n’a pas de certificat de ce niveau"
    if all(certificate.to_confirm for certificate in high):
        return "a un certificat qui attend l’accord d’un administrateur"
    return ""


def reaches(certificate: Certificate) -> str:
    """The level that a certificate reached when it was enrolled, else the best that it says of itself."""
    if certificate.assurance:
        return certificate.assurance
    from app.trust.certificates import certificates_in

    claims = assurance.statements(certificates_in(certificate.der)[0])
    if claims.seal_only:
        return assurance.SIMPLE
    if not claims.qualified or claims.outside_europe:
        return assurance.ADVANCED
    return assurance.QUALIFIED if claims.device else assurance.ADVANCED_QUALIFIED


def _mandate(db: Db, folder: Folder, slot: Slot, person: Person) -> str:
    """Why he may not sign in the commune's name, as far as it is known today (`app.signing.authority`)."""
    if slot.named_user_id is not None or not recorded(db, folder.collectivity_id):
        return ""
    try:
        fitting(mandates(db, person.user_id), act_of(folder), today())
    except Refusal as refusal:
        if refusal.key == "mandate-missing":
            return "n’a pas de mandat de signature"
        return WITHOUT.get(refusal.key, "n’a pas de mandat pour ce dossier").format(**refusal.facts)
    return ""


def _notes(certificates: list[Certificate], day: date) -> Iterator[str]:
    ends = [certificate.not_after.astimezone(PARIS).date() for certificate in certificates]
    if ends and max(ends) - day <= SOON:
        yield f"son certificat prend fin le {jour_long(max(ends))}"


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """For software that deposits: the signatures that nobody can make as things stand. Said of drafts, which can still change."""
    if folder.phase not in DRAFTS:
        return []
    return [
        Caution("signature-foreseen", f"Signature à l’étape « {part.step} »", part.sentence)
        for part in parts(db, folder)
        if part.lacking
    ]


class Shown:
    """What the signatures to come ask: all of it beside a draft, on a folder that was sent what is missing alone."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def band(self, db: Db, folder: Folder) -> Markup | None:
        """The band of a folder, or None where nothing is missing: the card of a draft tells that."""
        if folder.phase == Phase.DRAFT:
            return None
        return self._drawn([part for part in parts(db, folder) if part.lacking], draft=False)

    def card(self, db: Db, folder: Folder) -> Markup | None:
        """The card of a draft, or None where nobody will sign."""
        return self._drawn(parts(db, folder), draft=True) if folder.phase in DRAFTS else None

    def _drawn(self, shown: Sequence[Part], *, draft: bool) -> Markup | None:
        if not shown:
            return None
        page = self._templates.get_template("signing/_foreseen.html")
        return Markup(page.render(parts=shown, draft=draft))  # noqa: S704 - a template of ours, which escapes
