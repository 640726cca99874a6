"""The store holds what versions and sendings name: nothing that a signature prepared stays once it is made."""

import os
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.files import vault
from app.folders.models import DocumentVersion
from app.operations.sweep import sweep
from app.signing.models import SignatureSession
from app.transmission import lightening
from app.transmission.models import ParcelFrame, Transmission
from tests.builders.house import ACT, House

A = "a.kervadec"
MOST = 1.05
DAYS = 30


def ratio() -> float:
    """The bytes of the store, whatever they are, over those of versions and of what was sent."""
    kept = list(vault.store().objects())
    with reading() as db:
        named = set(db.scalars(sa.select(DocumentVersion.sha256)))
        named |= set(db.scalars(sa.select(Transmission.package_sha256)))
    documents = sum(size for part, sha256, size in kept if sha256 in named and not vault.waits(part))
    return sum(size for _, _, size in kept) / documents


def aged(house: House, then: datetime) -> None:
    """As if all that is kept had been put then."""
    for path in (house.settings.data_dir / "documents").glob("*/??/*"):
        os.utime(path, (then.timestamp(), then.timestamp()))


def test_once_folders_are_signed_the_store_is_hardly_larger_than_what_is_named(house: House) -> None:
    house.an_invoice(at="done")
    house.sign(house.a_flow(), A)
    house.sign(house.a_document(ACT.read_bytes(), "plan.pdf"), A)
    house.a_deliberation(at="publication")
    assert ratio() > MOST  # what was prepared waits for its minute
    aged(house, now() - timedelta(minutes=10))
    outbox.watch()
    assert ratio() <= MOST


def test_once_sendings_are_settled_the_store_is_hardly_larger_than_what_versions_name(house: House) -> None:
    house.an_invoice(at="done")
    house.a_deliberation(at="publication")
    for ago in (timedelta(0), lightening.LATER):
        aged(house, now() - timedelta(days=DAYS + 1))
        with engine().begin() as connection:
            ended = now() - timedelta(days=DAYS + 1)
            connection.execute(sa.update(Transmission.__table__).values(ended_at=ended))
            connection.execute(
                sa.update(ParcelFrame.__table__).values(made_at=now() - ago - timedelta(hours=1))
            )
        outbox.watch()
        lightening.lighten(DAYS)
    with reading() as db:
        versions = set(db.scalars(sa.select(DocumentVersion.sha256)))
        frames = sum(map(len, db.scalars(sa.select(ParcelFrame.around))))
    kept = list(vault.store().objects())
    named = sum(size for _, sha256, size in kept if sha256 in versions)
    assert (sum(size for _, _, size in kept) + frames) / named <= MOST


def test_what_a_kill_leaves_of_a_signature_goes_with_the_sweep(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.prepare(folder_id, A)  # and nobody ever comes back
    # Killed between the copy and the row that names it; and between the signed file and its version
    vault.store().put_bytes(vault.waiting(house.actor(A).collectivity_id), b"prepared" * 1000)
    vault.store().put_bytes(vault.scope(house.actor(A).collectivity_id), b"signed" * 1000)
    house.sign(folder_id, A)
    with engine().begin() as connection:
        connection.execute(sa.update(SignatureSession.__table__).values(expires_at=now() - timedelta(days=2)))
    aged(house, now() - timedelta(days=DAYS + 1))
    outbox.watch()
    sweep(DAYS, 0)
    assert ratio() <= MOST
