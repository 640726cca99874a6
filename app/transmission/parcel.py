"""Make the parcel of a folder: its facts, its files on disk, its sender and its signatures, as a carrier sees them."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.db import Db
from app.files import vault
from app.folders import corrections
from app.folders.documents import current_versions, named_versions
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.sockets import plugged, told_cautions
from app.people.models import Collectivity
from app.people.own_settings.registry import Own, own_value
from app.transmission.ports import Parcel, ParcelFile, Sender
from config import Settings

EMAIL = "email"
"""Among the settings of a collectivity: where the State and its operator write."""
PAPER = "paper"
SENT_ROLES = ("main", "signature", "attachment", "original", "data")


@contextmanager
def parcel_of(
    db: Db,
    folder: Folder,
    *,
    round_number: int,
    step: str,
    prepared_at: datetime,
    settings: Settings,
    versions: Collection[int] | None = None,
) -> Iterator[Parcel]:
    """The parcel, whose files live until the block ends; the same folder and moment give the same parcel.

    `versions`: the document versions that leave; None for the current ones.
    """
    with TemporaryDirectory(prefix="paraphe-parcel-") as room:
        yield Parcel(
            # The same at each try: the name of what leaves is drawn from it, and tells this parcel from any
            # other.
            key=f"{folder.id}-{round_number}-{step}",
            folder_id=folder.id,
            family=folder.family,
            kind=_kind(folder),
            title=folder.title,
            facts=dict(folder.fields),
            files=tuple(_files(db, folder, Path(room), versions, round_number)),
            sender=sender_of(db, folder.collectivity_id, settings),
            signatures=tuple(_signatures(db, folder)),
            link=f"{settings.public_url}/dossiers/{folder.id}",
            prepared_at=prepared_at,
            corrections=tuple(corrections.told(folder)),
            cautions=tuple(told_cautions(db, folder)),
        )


def _kind(folder: Folder) -> Mapping[str, Any]:
    """The collectivity's own type of the folder, with how long it is to be kept; nothing for one of a family alone."""
    family = family_of(folder.in_force)
    if family.type_version is None:
        return {}
    return {"type": family.type_key, "type_label": family.label, "retention_years": family.retention_years}


def _files(
    db: Db, folder: Folder, room: Path, versions: Collection[int] | None, round_number: int
) -> Iterator[ParcelFile]:
    roles = {row.id: row for row in db.scalars(sa.select(Document).where(Document.folder_id == folder.id))}
    leaving = current_versions(db, folder.id) if versions is None else named_versions(db, folder.id, versions)
    scan = next(
        (
            version
            for version in leaving.values()
            if roles[version.document_id].role == PAPER and version.round == round_number
        ),
        None,
    )
    for document_id, version in leaving.items():
        document = roles[document_id]
        if document.role == "main" and scan is not None:
            # Signed by hand: the act is what the scan shows; the file that nobody signed is not the act
            yield _file(folder, document, scan, room, "main")
            continue
        if document.role not in SENT_ROLES:
            continue
        yield _file(folder, document, version, room, document.role)
        kept_apart = any(document.role == "original" for document in roles.values())
        if document.role == "main" and version.origin == "signed" and not kept_apart:
            # What was deposited is within what was signed; whoever books the invoice is given it as it came all the same.
            yield _file(folder, document, _before_signatures(db, version), room, "original")


def _before_signatures(db: Db, signed: DocumentVersion) -> DocumentVersion:
    query = sa.select(DocumentVersion).where(
        DocumentVersion.document_id == signed.document_id,
        DocumentVersion.number < signed.number,
        DocumentVersion.origin != "signed",
    )
    return db.scalars(query.order_by(DocumentVersion.number.desc()).limit(1)).one()


def _file(folder: Folder, document: Document, version: DocumentVersion, room: Path, role: str) -> ParcelFile:
    path = room / f"{document.id}-{version.number}{Path(version.filename).suffix}"
    vault.store().fetch(vault.scope(folder.collectivity_id), version.sha256, path)
    return ParcelFile(
        role=role,  # type: ignore[arg-type]
        title=document.title,
        filename=version.filename,
        media_type=version.media_type,
        sha256=version.sha256,
        path=path,
        document_id=document.id,
        type_code=document.type_code,
    )


def sender_of(db: Db, collectivity_id: int, settings: Settings) -> Sender:
    """The collectivity as the State knows it."""
    row = db.get_one(Collectivity, collectivity_id)
    email = email_of(row.settings, settings)
    return Sender(row.id, row.siren, row.name, row.department, row.district, row.nature, email, row.settings)


def email_of(own: Own, settings: Settings) -> str:
    """Where the State and its operator write to whoever has these settings; empty where nobody said it: no act leaves then."""
    return str(own_value(own, EMAIL) or settings.actes_email)


def _signatures(db: Db, folder: Folder) -> Iterator[dict[str, Any]]:
    for find in plugged.proofs:
        yield from find(db, folder.id)
