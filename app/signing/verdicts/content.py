"""What a signature beside its document signs."""

import sqlalchemy as sa

from app.core.db import Db
from app.folders.models import DocumentVersion
from app.signing.models import SignatureProof, SignatureSession


def content_of(db: Db, version: DocumentVersion) -> str | None:
    """SHA-256 of what a signature beside its document signs: the very version that was prepared; else None."""
    beside = sa.orm.aliased(DocumentVersion)
    query = (
        sa.select(DocumentVersion.sha256)
        .join(SignatureSession, SignatureSession.version_id == DocumentVersion.id)
        .join(SignatureProof, SignatureProof.session_id == SignatureSession.id)
        .join(beside, beside.id == SignatureProof.version_id)
        .where(beside.id == version.id, beside.document_id != DocumentVersion.document_id)
    )
    return db.scalar(query)
