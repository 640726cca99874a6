"""A subject whose accents were spoilt before it came here: told, with what it most likely was."""

import re

from app.core.db import Db
from app.folders.models import Folder
from app.folders.points import name
from app.folders.sockets import Caution

_SPOILT = re.compile("[ÃÂ][\u0080-\u00bf]|â€|\ufffd")


def unspoilt(text: str) -> str | None:
    """None for a sound text; else what it was before UTF-8 was read as something else, empty when that cannot be told.

    >>> unspoilt("Tarifs du CafÃ© de la plage"), unspoilt("Café, Ça et là"), unspoilt("Café et CafÃ©")
    ('Tarifs du Café de la plage', None, '')
    """
    for codec in ("latin-1", "cp1252"):
        try:
            former = text.encode(codec).decode()
        except UnicodeError:
            continue
        if former != text:
            return former
    return "" if _SPOILT.search(text) else None


def warning(text: str) -> str:
    """The sentence on a spoilt subject, for whoever deposits or decides; empty when it is sound."""
    former = unspoilt(text)
    if former is None:
        return ""
    likely = f" Sans doute : « {former} »." if former else ""
    return (
        f"La préfecture et le public liraient « {text} » : des accents sont abîmés.{likely} Corrigez l’objet."
    )


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """The caution on the subject of an act, wherever one decides."""
    del db
    subject = str(folder.fields.get("subject") or "")
    sentence = warning(subject) if "nature" in folder.fields else ""
    if not sentence:
        return []
    by = frozenset(folder.sources.get("depositors", ()))
    about = name("subject-garbled", subject)
    return [Caution("subject-garbled", "Accents abîmés dans l’objet", sentence, about=about, by=by)]
