"""The folders of scanners, as the doctor looks at them: the share of the host is there, and the last look took all."""

import os

import sqlalchemy as sa

from app.arrivals.models import Scanner
from app.core import schema
from app.core.db import reading
from app.core.grammar import et_autres, plural
from app.operations.findings import Level, Remark, Unwell
from app.people.models import Collectivity
from config import Settings

NAME = "numériseurs"
NAMED = 3


def look(settings: Settings) -> str | Remark:
    """The share of the host may be entered and written in; what the looks of the worker could not take."""
    root = settings.scans_root
    if root is None or not root.is_dir() or not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise Unwell(
            f"{root} n’est pas là, ou Paraphe n’y a pas les droits de lire et d’écrire : montez le partage, ou corrigez "
            "PARAPHE_SCANS_ROOT"
        )
    if schema.behind():
        return Remark("à examiner une fois la base à jour", Level.UNKNOWN)
    query = sa.select(Collectivity.name, Scanner.name, Scanner.fault).join(
        Collectivity, Collectivity.id == Scanner.collectivity_id
    )
    with reading() as db:
        rows = db.execute(query.where(Scanner.active).order_by(Collectivity.name, Scanner.id)).all()
    faults = [f"{town}, {name} : {fault}" for town, name, fault in rows if fault]
    if faults:
        raise Unwell(
            f"ce qui est posé n’est pas pris en entier ({' ; '.join(faults[:NAMED])}{et_autres(len(faults) - NAMED)}) : "
            "remettez le dossier et ses droits, rien n’y est perdu"
        )
    if not rows:
        return Remark("le partage est là, aucun numériseur n’est réglé", Level.NONE)
    return plural(len(rows), "dossier est regardé", "dossiers sont regardés")
