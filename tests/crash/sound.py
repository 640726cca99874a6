"""What must hold after any death, read in the database, the store, the Préfecture, the deliveries and the mailbox."""

import re
import subprocess
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import reading
from app.core.outbox import Outbox
from app.files import vault
from app.folders.models import Document, DocumentVersion, StepRun
from app.journal.chain import verify
from app.journal.models import JournalEntry
from app.notices.letter import message_id
from app.signing.models import SignatureProof, SignatureSession
from app.transmission.models import Receipt, Transmission
from app.trust import authorities
from tests.builders.house import ACT_WAY, INVOICE_WAY, House
from tests.builders.verify import verify as signatures_of

SIGN = {"invoice": "bon_a_payer", "deliberation": "signatures"}
SIGNATORIES = {"invoice": 1, "deliberation": 2}
WAYS = {"invoice": ("draft", *INVOICE_WAY), "deliberation": ("draft", *ACT_WAY)}


def sound(house: House, folder_id: int) -> None:
    """Nothing half done: chain, bytes, signatures and place agree, whatever was killed."""
    chain_holds(house)
    bytes_are_there(house)
    if folder_id:
        never_past_a_signature(house, folder_id)
        never_sent_twice(house, folder_id)


def chain_holds(house: House) -> None:
    with reading() as db:
        count, broken = verify(db, house.actor("a.kervadec").collectivity_id)
    assert broken is None, broken
    assert count


def bytes_are_there(house: House) -> None:
    """Every digest that a row names is in the store, and the store gives bytes that match it."""
    with reading() as db:
        named = {
            *map(tuple, db.execute(sa.select(DocumentVersion.collectivity_id, DocumentVersion.sha256))),
            *map(tuple, db.execute(sa.select(Receipt.collectivity_id, Receipt.sha256))),
            *map(
                tuple,
                db.execute(
                    sa.select(Transmission.collectivity_id, Transmission.package_sha256).where(
                        Transmission.package_sha256.is_not(None)
                    )
                ),
            ),
        }
        # What waits for a key lies apart, and only as long as it may still be signed
        alive = SignatureSession.state.in_(["prepared", "claimed"]), SignatureSession.expires_at > now()
        waiting = set(
            map(
                tuple,
                db.execute(
                    sa.select(SignatureSession.collectivity_id, SignatureSession.prepared_sha256).where(
                        *alive, SignatureSession.prepared_sha256 != ""
                    )
                ),
            )
        )
    for collectivity_id, sha256 in waiting:
        assert vault.store().exists(vault.waiting(collectivity_id), str(sha256)), sha256
    for collectivity_id, sha256 in named:
        assert vault.store().exists(vault.scope(collectivity_id), str(sha256)), sha256


def never_past_a_signature(house: House, folder_id: int) -> None:
    """A part of the step is done if and only if its proof and its signed version are there; past the step, all are."""
    folder = house.folder(folder_id)
    with reading() as db:
        runs = list(
            db.scalars(sa.select(StepRun).where(StepRun.folder_id == folder_id, StepRun.kind == "sign"))
        )
        proofs = list(db.scalars(sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)))
    assert sorted(one.step_run_id for one in proofs) == sorted(run.id for run in runs if run.state == "done")
    signed = [one.id for one in house.versions(folder_id) if one.origin == "signed"]
    assert [one.version_id for one in sorted(proofs, key=lambda one: one.id)] == signed
    assert len({one.field for one in proofs}) == len(proofs)
    way = WAYS[folder.family]
    if way.index(folder.place) > way.index(SIGN[folder.family]):
        assert len(proofs) == SIGNATORIES[folder.family]
    kept = [house.bytes_of(one) for one in house.versions(folder_id)]
    assert all(after.startswith(before) and len(after) > len(before) for before, after in pairwise(kept))


def never_sent_twice(house: House, folder_id: int) -> None:
    """One record over there at the most, and one row here that knows it."""
    folder = house.folder(folder_id)
    assert len(records(house, folder_id)) <= 1
    assert house.journal(folder_id).count("transmission.sent") <= 1
    with reading() as db:
        rows = list(db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)))
    assert len(rows) <= 1
    known = [one for one in rows if one.reference is not None]
    assert len(known) <= len(records(house, folder_id)), "sent, say we, and nobody has it"
    if folder.place in {"publication", "done"}:
        assert [one.state for one in rows] == ["acknowledged"]


def records(house: House, folder_id: int) -> list[Path]:
    """What the other side holds of this folder: a number consumed by the Préfecture, or a ZIP handed over."""
    folder = house.folder(folder_id)
    if folder.family == "invoice":
        return list(Path(house.settings.handover_folder or "").rglob(f"dossier-{folder_id}-*.zip"))
    return list(
        Path(house.settings.actes_folder or "").glob(f"numbers/*/{folder.number.replace('-', '_')}.json")
    )


def finished(house: House, folder_id: int) -> None:
    """The folder is at its end, once: each decision, each signature, each delivery, and every letter."""
    sound(house, folder_id)
    folder = house.folder(folder_id)
    assert (folder.place, folder.phase) == ("done", "done")
    events = Counter(house.journal(folder_id))
    assert events["folder.sign"] == SIGNATORIES[folder.family]
    assert all(
        events[one] == 1
        for one in ("folder.created", "folder.submit", "transmission.sent", "folder.acknowledge")
    ), events
    assert events["folder.approve"] == (2 if folder.family == "invoice" else 1)
    assert len(records(house, folder_id)) == 1
    assert len(house.versions(folder_id, "receipt")) == 1
    with reading() as db:
        states = Counter(
            db.execute(sa.select(StepRun.step, StepRun.state).where(StepRun.folder_id == folder_id))
        )
        positions = Counter(
            db.execute(sa.select(Document.role, Document.title).where(Document.folder_id == folder_id))
        )
        assert (
            db.scalar(sa.select(sa.func.count()).where(JournalEntry.folder_id == folder_id)) == events.total()
        )
    assert {state for _, state in states} == {"done"}, states
    assert set(positions.values()) == {1}, positions
    every_letter_arrived(house, folder_id)
    others_agree(house, folder_id)


def every_letter_arrived(house: House, folder_id: int) -> None:
    """Each row gave a letter, perhaps several times, always the same; no letter came from nowhere.

    A row whose reader had acted before it was taken up says so; interrupted once before, it gave one or none.
    """
    with reading() as db:
        rows = list(db.scalars(sa.select(Outbox).where(Outbox.folder_id == folder_id)))
    assert {one.state for one in rows} == {"done"}, [(one.key, one.state, one.last_error) for one in rows]
    expected = {message_id(one.key, house.settings.public_url): one for one in rows if one.kind == "mail"}
    answered = {name for name, one in expected.items() if one.last_error}
    assert expected.keys() - answered
    arrived: dict[str, set[bytes]] = {}
    counted: Counter[str] = Counter()
    for letter in house.mail.letters:
        if re.search(rf"/dossiers/{folder_id}\b", letter.get_body(("plain",)).get_content()):
            arrived.setdefault(str(letter["Message-ID"]), set()).add(
                f"{letter['To']} {letter['Subject']} {letter['Date']}".encode()
            )
            counted[str(letter["Message-ID"])] += 1
    assert expected.keys() - answered <= arrived.keys() <= expected.keys()
    assert all(len(kinds) == 1 for kinds in arrived.values()), arrived
    assert all(count <= expected[name].attempts for name, count in counted.items()), counted


def others_agree(house: House, folder_id: int) -> None:
    """The signatures hold for our verifier and for poppler's, who never met ours."""
    folder, last = house.folder(folder_id), house.versions(folder_id)[-1]
    wanted = SIGNATORIES[folder.family]
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "signed.pdf"
        path.write_bytes(house.bytes_of(last))
        verdicts = signatures_of(path, authorities.trust(), now())
        assert [one.verdict for one in verdicts] == ["valide"] * wanted, verdicts
        told = subprocess.run(
            ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, timeout=60
        ).stdout
    assert told.count("Signature Validation: Signature is Valid.") == wanted, told
