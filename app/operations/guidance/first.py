"""What to do first: who arrives is told once, and the first signature is explained step by step, never in the way."""

from dataclasses import dataclass

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.core.clock import now, today
from app.core.db import Db
from app.people.actor import Actor
from app.signing.models import Certificate
from workflows.mandates import over

COMMUNE, CERTIFICATE = "commune", "certificate"


@dataclass(frozen=True)
class Step:
    """One step of the first signature: what it is about, and what is to be known of it."""

    title: str
    words: str


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

POINTS = (
    "Vous signez le document affiché, tel quel : lisez-le, et les points à regarder, avant.",
    "« Signer… » demande votre certificat et qui vous êtes. Sans certificat, commencez par « Mes certificats ».",
    "Rien n’est signé avant la dernière confirmation ; ensuite, une signature ne se retire pas.",
)
"""What of the steps is told on the page of the folder itself."""


class Welcome:
    """Above what awaits somebody who has just come: the one thing to do first, until he has read it."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        """Nothing for who has nothing to do first."""
        what = first_thing(db, actor)
        if what is None:
            return None
        page = self._templates.get_template("operations/_welcome.html").render(what=what)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def arrives(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition under which `Welcome` is asked."""
    return sa.false() if actor.arrived or actor.user_id is None else sa.true()


def first_thing(db: Db, actor: Actor) -> str | None:
    """An administrator puts the collectivity in service; who may sign enrols a certificate; nobody else has anything to do.

    From the first mandate recorded on, who has none signs nothing in the commune's name: he is not sent to a certificate.
    """
    if actor.administrator:
        return COMMUNE if actor.seats else None  # who holds no desk is told so by the page itself
    mandated = not actor.by_mandate or any(not over(one, today()) for one in actor.mandates)
    if actor.may_sign and mandated and not enrolled(db, actor):
        return CERTIFICATE
    return None


def enrolled(db: Db, actor: Actor) -> bool:
    """Whether the person has a certificate that serves today."""
    mine = sa.exists().where(
        Certificate.user_id == actor.user_id,
        Certificate.withdrawn_at.is_(None),
        Certificate.to_confirm.is_(False),
        Certificate.not_after > now(),
    )
    return bool(db.scalar(sa.select(mine)))
