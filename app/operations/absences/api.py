"""Absences as JSON: software knows who is away at its desk, and who acts there meanwhile."""

from typing import Any

import sqlalchemy as sa
from flask import g

from app.core.api import describe, door
from app.core.clock import now
from app.core.db import reading
from app.core.http import PERSON, guard
from app.operations.absences import planning
from app.operations.absences.views import types_told
from app.people.models import Holder

routes = door("absences_api", __name__)


@routes.get("/absences")
@guard(PERSON)
@describe(
    "Lire les absences, en cours et à venir, de qui tient le bureau\nEt qui assure l’intérim. Rien n’est dit des autres "
    "bureaux, ni d’un motif : Paraphe n’en garde pas.",
    gives="Absences",
)
def absences() -> dict[str, Any]:
    """Who is away at the caller's desk."""
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        seated = set(db.scalars(sa.select(Holder.user_id).where(Holder.desk_id.in_(g.actor.desk_ids))))
        rows = [
            absence for absence in planning.coming(db, collectivity_id, now()) if absence.user_id in seated
        ]
        rows = [absence for absence in rows if absence.desk_id is None or absence.desk_id in g.actor.desk_ids]
        names = planning.names(
            db, {absence.user_id for absence in rows} | {absence.cover_id or 0 for absence in rows}
        )
        types = types_told(db, g.actor, rows)
        shown = [
            {
                "person": names.get(absence.user_id, ""),
                "cover": names.get(absence.cover_id or 0),
                "acts": absence.acts and absence.cover_id is not None,
                "limited": bool(absence.types),
                "types": types[absence.id],
                "starts_at": absence.starts_at,
                "ends_at": absence.ends_at,
            }
            for absence in rows
        ]
    return {"absences": shown}
