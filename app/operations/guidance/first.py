"""What to do first: who arrives is told once, and the first signature is explained step by step, never in the way."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.core.clock import now, today
from app.core.db import Db
from app.folders.access import authorize
from app.folders.models import DocumentVersion
from app.people.actor import Actor
from app.signing.enrol import common_name
from app.signing.models import Certificate, SignatureProof, SignatureSession
from app.signing.views import address, in_both_names
from workflows.mandates import over

COMMUNE, CERTIFICATE = "commune", "certificate"


@dataclass(frozen=True)
class Step:
    """One step of the first signature: what it is about, and what is to be known of it."""

    title: str
    sentence: str


STEPS = (
    Step(
        "Ce que vous signez",
        "Le document affiché, tel quel, et lui seul. Ses pièces, son circuit et les points à regarder sont sur la même page : "
        "lisez-les avant.",
    ),
    Step(
        "Où votre signature se voit",
        "Sur un PDF, un cadre avec votre nom, votre qualité et la date ; la fenêtre de signature dit où. Dans un flux comptable "
        "ou un fichier, elle est dans les données, et ne se voit pas.",
    ),
    Step(
        "Votre certificat",
        "« Signer… » demande le certificat inscrit à votre nom, et de dire qui vous êtes. Sans certificat inscrit, commencez "
        "par « Mes certificats ». Sa clé ne quitte pas votre appareil, ou le service où elle est gardée.",
    ),
    Step(
        "Ce que vaut le geste",
        "Signer dit que l’acte vient de vous et que vous y consentez (code civil, article 1367). Rien n’est signé avant la "
        "dernière confirmation ; ensuite, une signature ne se retire pas.",
    ),
    Step(
        "Ce qui suit",
        "Le dossier passe à l’étape suivante de son circuit. Vous le retrouvez dans « Suivi », avec la preuve de votre "
        "signature. Un doute ? « Rejeter… », avec un motif, le rend à qui l’a déposé.",
    ),
)


@dataclass(frozen=True)
class Act:
    """What one does of a first signature on the page of the folder, which `static/js/guide.js` follows by its key."""

    key: str
    title: str
    sentence: str


ACTS = (
    Act("folder", "Ouvrez le dossier", "Vous y êtes."),
    Act(
        "read",
        "Lisez le document",
        "Vous signez le document affiché, tel quel : parcourez-le jusqu’au bout, avec les points à regarder.",
    ),
    Act(
        "open",
        "Pressez « Signer… »",
        "La fenêtre dit ce qui est signé, en quelle qualité et où cela se voit. Elle ne signe rien par elle-même.",
    ),
    Act(
        "certificate",
        "Choisissez votre certificat",
        "Un fichier et son mot de passe, une carte, ou un service. Sans certificat inscrit, commencez par « Mes certificats ».",
    ),
    Act(
        "sign",
        "Signez",
        "Rien n’est signé avant la dernière confirmation, où l’on peut vous demander qui vous êtes ; ensuite, une signature "
        "ne se retire pas.",
    ),
)
"""The acts in their order, on the page of the folder itself."""


@dataclass(frozen=True)
class OwnSignature:
    """A signature of the reader as the record of its making says it, and the page of its verdict.

    `first`: whether it is the only one that he has made here. `stamped_at`: None without a timestamp.
    """

    title: str
    filename: str
    name: str
    capacity: str
    certificate: str
    issuer: str
    signed_at: datetime
    stamped_at: datetime | None
    proof_url: str
    first: bool


def last_signature(db: Db, actor: Actor, folder_id: int) -> OwnSignature | None:
    """The last signature that the reader made in a folder; None where he made none. Refuses `not-found` as the folder does."""
    folder = authorize(db, actor, folder_id)
    mine = (
        sa.select(SignatureProof, DocumentVersion)
        .join(SignatureSession, SignatureSession.id == SignatureProof.session_id)
        .join(DocumentVersion, DocumentVersion.id == SignatureProof.version_id)
        .where(SignatureProof.folder_id == folder_id, SignatureSession.user_id == actor.user_id)
        .order_by(SignatureProof.id.desc())
        .limit(1)
    )
    row = db.execute(mine).first()
    if row is None:
        return None
    proof, version = row
    others = (
        sa.select(SignatureProof.id)
        .join(SignatureSession, SignatureSession.id == SignatureProof.session_id)
        .where(SignatureSession.user_id == actor.user_id, SignatureProof.id != proof.id)
        .limit(1)
    )
    return OwnSignature(
        folder.title,
        version.filename,
        in_both_names(proof.name, proof.holder),
        proof.capacity,
        common_name(proof.subject),
        common_name(proof.issuer),
        proof.signed_at,
        proof.timestamped_at,
        address(folder_id, version.document_id, version.number),
        first=db.scalar(others) is None,
    )


class Welcome:
    """Above what awaits somebody who has just come: the one thing to do first, until he has read it."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, _db: Db, actor: Actor) -> Markup | None:
        """The one thing to do first; asked where `arrives` holds, in the statement of every band."""
        what = COMMUNE if actor.administrator else CERTIFICATE
        page = self._templates.get_template("operations/_welcome.html").render(what=what)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def arrives(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether there is one thing to do first: the condition under which `Welcome` is asked.

    An administrator puts the collectivity in service; who may sign enrols a certificate; nobody else has anything to do.
    From the first mandate recorded on, who has none signs nothing in the commune's name: he is not sent to a certificate.
    """
    if actor.arrived or actor.user_id is None:
        return sa.false()
    if actor.administrator:
        return sa.true() if actor.seats else sa.false()  # who holds no desk is told so by the page itself
    mandated = not actor.by_mandate or any(not over(mandate, today()) for mandate in actor.mandates)
    return ~_serving(actor) if actor.may_sign and mandated else sa.false()


def enrolled(db: Db, actor: Actor) -> bool:
    """Whether the person has a certificate that serves today."""
    return bool(db.scalar(sa.select(_serving(actor))))


def _serving(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Certificate.user_id == actor.user_id,
        Certificate.withdrawn_at.is_(None),
        Certificate.to_confirm.is_(False),
        Certificate.not_after > now(),
    )
