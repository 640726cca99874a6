"""The legal sentence that a signer reads before signing."""

from app.core.db import Db
from app.folders.models import Folder
from app.folders.sockets import meaning_of
from workflows.family import family


def legal_sentence(db: Db, folder: Folder) -> str:
    """What the signature of this folder means, by what is in it, else in its family's words; empty when nothing more is said."""
    return meaning_of(db, folder) or family(folder.family).legal_sentence
