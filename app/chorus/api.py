"""The JSON API of what becomes of an invoice: the finance software says under which mandate it is paid."""

from typing import TYPE_CHECKING, Any

from flask import g

from app.chorus import answering
from app.core.api import describe, door, open_doors
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.texts import line_of

if TYPE_CHECKING:
    from app.chorus.schemas import NewMandate

routes = door("chorus_api", __name__)


def mount(app: Any, csrf: Any) -> None:
    """Serve the API."""
    open_doors(app, csrf, routes)


@routes.post("/folders/<int(max=2147483647):folder_id>/mandate")
@guard(PERSON)
@describe(
    "Dire le mandat d’une facture signée\nPar le logiciel de finances, avec le droit de déposer au bureau qui l’a déposée. Venue "
    "par Chorus Pro, elle y est dite « mandatée » sous ce numéro, une fois. Le même numéro redit ne change rien ; un autre que "
    "celui qui est noté est refusé (409), et la différence est dite dans le dossier.",
    gives="MandateGiven",
    json="NewMandate",
    refuses=(409,),
    example={"number": "2026-0471"},
)
def mandate(folder_id: int, json: "NewMandate") -> dict[str, Any]:
    """The mandate of an invoice."""
    result = answering.mandated(g.actor, folder_id, number=json.number)
    if result.number != line_of(json.number):
        raise Refusal("mandate-other", number=result.number, other=line_of(json.number))
    return {"folder": folder_id, "version": result.version, "number": result.number, "chorus": result.chorus}
