"""The signatures that a deposited file brought with it, told to whoever decides: never more than what was verified here."""

from collections.abc import Iterable
from dataclasses import replace

from app.core.db import Db
from app.core.french import spaces
from app.folders import points
from app.folders.models import DocumentVersion, Folder
from app.folders.sockets import Caution
from app.signing.views import address
from app.verification.records import remembered
from app.verification.verdict import Verdict

KEY = "earlier-signature"


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What does not stand of the signatures that the files of a folder were deposited with; nothing for those that are valid.

    Nobody is asked anything here: a file that no page has had verified yet is told so (`app.verification.records`).
    """
    carriers = [version for version in points.deposited_in(db, folder.id) if points.carried(version.note)]
    known = remembered(db, {version.sha256 for version in carriers})
    news: list[Caution] = []
    for version in carriers:
        record = known.get(version.sha256)
        news += (
            _not_valid(version, record.verdicts) if record is not None else [_unverified(folder.id, version)]
        )
    # Who deposited a file does not rule on what is doubtful in it.
    by = frozenset(folder.sources.get("depositors", ()))
    return [replace(caution, by=by) for caution in news]


def _not_valid(version: DocumentVersion, verdicts: Iterable[Verdict]) -> list[Caution]:
    return [
        Caution(
            KEY,
            "Signature antérieure " + ("non valable" if verdict.verdict == "invalide" else "non reconnue"),
            spaces(f"« {version.filename} », signature au nom de « {verdict.name} ». {verdict.reason}"),
            # Named by the bytes and the reason: whoever answers one doubt has not answered another.
            about=points.name(KEY, version.sha256, verdict.verdict, verdict.name, verdict.reason),
        )
        for verdict in verdicts
        if verdict.verdict != "valide"
    ]


def _unverified(folder_id: int, version: DocumentVersion) -> Caution:
    names = ", ".join(f"« {name} »" for name in version.note["signatures"])
    carries = f"« {version.filename} » porte déjà une signature " + (
        f"au nom de {names}" if names else "illisible au dépôt"
    )
    sentence = f"{carries} : elle est vérifiée dans les minutes qui suivent le dépôt, ou dès que le dossier est ouvert."
    url = address(folder_id, version.document_id, version.number)
    return Caution(KEY, "Signature antérieure pas encore vérifiée", spaces(sentence), url)
