"""What a signature beside its document signs."""

from collections.abc import Mapping

from app.core.db import Db
from app.core.questions import OF, Question, ask
from app.folders.models import Document, DocumentVersion
from app.folders.rows import DOCUMENTS
from app.signing.models import SignatureProof, SignatureSession

PROOFS = Question(
    (SignatureProof, SignatureSession.version_id),
    SignatureProof.folder_id == OF,
    ((SignatureSession, SignatureSession.id == SignatureProof.session_id),),
)
"""The signatures of a folder that were made and verified, each beside the version that was prepared for it."""


def contents_of(db: Db, folder_id: int) -> Mapping[int, str]:
    """SHA-256 of what each signature beside its document signs, the very version that was prepared, by number of version."""
    versions = {version.id: version for _, version in ask(db, DOCUMENTS, folder_id) if version is not None}
    contents: dict[int, str] = {}
    for proof, prepared_id in ask(db, PROOFS, folder_id):
        beside, prepared = versions.get(proof.version_id), versions.get(prepared_id or 0)
        if beside is not None and prepared is not None and beside.document_id != prepared.document_id:
            contents.setdefault(beside.id, prepared.sha256)
    return contents


def content_of(db: Db, version: DocumentVersion) -> str | None:
    """The same of one version; None for what is no signature beside a document."""
    return contents_of(db, db.get_one(Document, version.document_id).folder_id).get(version.id)
