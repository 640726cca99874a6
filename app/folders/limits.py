"""What a collectivity accepts of a deposit, within what the installation does: the size of a file, the number of annexes."""

from pathlib import Path
from typing import Final

from app.core.db import Db, reading
from app.core.french import taille
from app.core.refusals import Refusal
from app.files.naming import clean_filename
from app.people.models import Collectivity
from app.people.own_settings.registry import Kind, Setting, own_value, setting
from config import Settings

FILE_SIZE, ANNEXES = "file_mb", "annexes_most"
GROUP: Final = "Dépôt"
_MIB: Final = 1024 * 1024
_MOST_ANNEXES: Final = 500


def settings(chosen: Settings) -> tuple[Setting, Setting]:
    """The two limits."""
    size = Setting(
        FILE_SIZE,
        GROUP,
        "Taille d’un fichier",
        "Un fichier plus lourd est refusé au dépôt, avec ce qu’il faut faire.",
        "document principal, annexes, numérisations et copies occultées que l’on dépose",
        Kind.NUMBER,
        lambda: chosen.upload_limit_mb,
        least=1,
        most=chosen.upload_limit_mb,
        unit="Mo",
        stricter=True,
    )
    annexes = Setting(
        ANNEXES,
        GROUP,
        "Nombre d’annexes",
        "Un dossier qui en a plus ne part pas ; un type de dossier peut en demander moins.",
        "envoi de chaque dossier",
        Kind.NUMBER,
        lambda: "",
        least=1,
        most=_MOST_ANNEXES,
        default="sans limite",
    )
    return size, annexes


def refuse_large(collectivity_id: int, path: Path, filename: str) -> None:
    """Refuses `file-above` of a file that is heavier than the collectivity accepts."""
    with reading(collectivity_id) as db:
        most = int(setting(db, collectivity_id, FILE_SIZE).value) * _MIB
    size = path.stat().st_size
    if size > most:
        raise Refusal("file-above", filename=clean_filename(filename), size=taille(size), most=taille(most))


def most_annexes(db: Db, collectivity_id: int) -> int | None:
    """How many annexes a folder may have in this collectivity, whatever its type; None without limit."""
    row = db.get(Collectivity, collectivity_id)
    own = own_value(row.settings, ANNEXES) if row is not None else None
    return int(own) if own is not None else None
