"""Many who write in one collectivity at the same instant: numbers without holes, one chain, each row done once."""

import itertools
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.channels.handover.channel import HandoverChannel
from app.circuits.models import CircuitVersion
from app.core import outbox
from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import decide, deposit, handing, sending
from app.folders.models import Document
from app.journal.chain import verify
from app.operations.leaving import effects as leaving
from app.people import desks, hierarchy
from app.people.actor import Actor
from app.people.models import User
from app.transmission.models import Transmission
from demo.cast import PASSWORD
from tests.race.town import Town, at_once
from workflows.vocabulary import Right

pytestmark = pytest.mark.race
THREADS = 8
DESKS = {"comptabilite": "create", "technique": "act", "finances": "act", "maire": "sign"}
_communes = itertools.count(100)


def test_versions_and_documents_added_at_once_are_numbered_without_holes(town: Town) -> None:
    actor, folder_id = town.house.actor("g.trehorel"), town.a_draft()
    (first,) = town.house.versions(folder_id)
    kept = town.a_kept_invoice()[0]
    replacing = [lambda: deposit.write_replacement(actor, folder_id, first.document_id, kept[:1], None)] * (
        THREADS // 2
    )
    adding = [lambda: deposit.attach(actor, folder_id, [_as_attachment(kept[0])])] * (THREADS // 2)
    for _ in range(3):
        at_once(*replacing, *adding)
    assert [one.number for one in town.house.versions(folder_id)] == list(range(1, 3 * THREADS // 2 + 2))
    with reading() as db:
        positions = list(
            db.scalars(
                sa.select(Document.position).where(
                    Document.folder_id == folder_id, Document.role == "attachment"
                )
            )
        )
    assert len(set(positions)) == len(positions) == 3 * THREADS // 2
    assert town.house.folder(folder_id).version == 1 + 3 * THREADS
    town.chain_holds()


def _as_attachment(kept: deposit.Kept) -> deposit.Kept:
    return deposit.Kept(
        "attachment",
        kept.title,
        kept.filename,
        kept.sha256,
        kept.size,
        kept.media_type,
        kept.pages,
        "deposited",
        kept.note,
    )


def test_eight_people_writing_at_once_keep_one_chain(town: Town) -> None:
    before = _lines(town)

    def work() -> list[int]:
        made = []
        for _ in range(5):
            folder_id, version = town.an_invoice()
            decide.approve(town.house.actor("t.lescoat"), folder_id, version=version)
            made.append(folder_id)
        return made

    folders = [one for made in at_once(*[work] * THREADS) for one in made]
    assert len(set(folders)) == 5 * THREADS
    assert {town.house.folder(one).place for one in folders} == {"bon_a_payer"}
    assert _lines(town) == before + 4 * len(folders)
    town.chain_holds()


def _lines(town: Town) -> int:
    with reading() as db:
        return verify(db, town.house.actor("a.kervadec").collectivity_id)[0]


def test_eight_workers_on_the_same_rows_do_each_once(town: Town) -> None:
    outbox.drain()
    town.house.mail.clear()
    folders = [town.an_invoice()[0] for _ in range(4)]
    rows = outbox.due()
    assert rows

    def work() -> None:
        for row_id in rows:
            outbox.run(row_id)

    at_once(*[work] * THREADS)
    with reading() as db:
        found = list(db.scalars(sa.select(Outbox).where(Outbox.id.in_(rows))))
    assert {(one.state, one.attempts) for one in found} == {("done", 1)}
    # Whoever acted before his letter could leave is told nothing
    left = [one for one in found if one.kind == "mail" and one.last_error is None]
    assert len(town.house.mail.letters) == len(left) >= len(folders)
    assert {one.folder_id for one in found} == set(folders)


def test_a_worker_that_comes_back_late_changes_nothing_of_what_another_sent(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id, _ = town.an_invoice(at="bon_a_payer")
    town.house.sign(folder_id, "a.kervadec")
    with reading() as db:
        row_id = db.scalars(
            sa.select(Outbox.id).where(Outbox.folder_id == folder_id, Outbox.kind == "step.transmit")
        ).one()
    asleep, awake, real = threading.Event(), threading.Event(), HandoverChannel.package

    def package(channel: HandoverChannel, *given: object) -> object:
        made = real(channel, *given)
        if threading.current_thread() is late and not asleep.is_set():
            asleep.set()
            assert awake.wait(60)
        return made

    late = threading.Thread(target=outbox.run, args=(row_id,))
    monkeypatch.setattr(HandoverChannel, "package", package)
    with monkeypatch.context() as sleeping:
        sleeping.setattr(outbox, "renew", lambda _row: None)  # a machine that sleeps keeps no lease
        late.start()
        assert asleep.wait(60)
        town.house.wait_for_leases()
        outbox.run(row_id)
        assert town.house.folder(folder_id).place == "done"
        awake.set()
        late.join(60)
    with reading() as db:
        row = db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()
    assert row.state == "acknowledged"
    moves = town.house.journal(folder_id)
    assert [moves.count(f"transmission.{one}") for one in ("sending", "sent")] == [1, 1]
    assert moves[-1] == "folder.acknowledge"
    town.chain_holds()


def test_the_first_folders_of_all_sent_at_once_share_one_frozen_circuit(town: Town) -> None:
    actor = _another_commune(town)
    folders = [_a_draft_of(town, actor) for _ in range(THREADS)]
    at_once(*(lambda one=one: sending.submit(actor, one, version=1) for one in folders))
    with reading() as db:
        assert list(
            db.scalars(
                sa.select(CircuitVersion.number).where(
                    CircuitVersion.collectivity_id == actor.collectivity_id
                )
            )
        ) == [1]
    assert {town.house.folder(one).place for one in folders} == {"service_done"}


def test_a_first_circuit_that_was_not_kept_is_nobody_s_circuit(town: Town) -> None:
    actor = _another_commune(town, mayor=False)
    draft = _a_draft_of(town, actor)
    with pytest.raises(Refusal, match="desk-missing"):
        sending.submit(actor, draft, version=1)
    folder_id = town.a_deliberation()
    assert town.house.folder(folder_id).place == "signatures"


def _another_commune(town: Town, *, mayor: bool = True) -> Actor:
    """A commune that never sent anything; without its mayor's desk, no invoice can leave."""
    siren = f"212909{next(_communes)}"
    here = desks.create_collectivity(
        siren, "Porz-Gwenn", department="029", district="1", nature="31", settings={}
    )
    for key, right in DESKS.items():
        if key != "maire" or mayor:
            login = f"{key}.{siren}"
            desks.create_desk(here, key, key.title())
            desks.create_user(
                here,
                login,
                email=f"{login}@porz-gwenn.example",
                first_name="Youenn",
                last_name="Kerdoncuff",
                capacity="",
            )
            desks.seat(here, key, login, [Right(right)])
    return town.house.actor(f"comptabilite.{siren}")


def _a_draft_of(town: Town, actor: Actor) -> int:
    kept, read = town.a_kept_invoice()
    facts = {**read.fields, "received_on": today().isoformat(), "proof_of_service": "technique"}
    return deposit.create(actor, "invoice", min(actor.desk_ids), kept, facts)


def test_a_folder_is_never_handed_to_a_desk_whose_only_person_is_closed(town: Town) -> None:
    clerk, chief = town.house.actor("k.morizur"), town.house.actor("n.abgrallec")
    here, done = clerk.collectivity_id, set()
    for rank in range(4):
        login, key = f"r.relais{rank}", f"relais-{next(_communes)}"
        facts = {"email": f"{login}@x.example", "first_name": "Rozenn", "last_name": f"Relais {rank}"}
        desks.create_user(here, login, **facts, capacity="Agente", password=PASSWORD)
        hierarchy.open_desk(clerk, key.capitalize(), None, key)
        desks.seat(here, key, login, [Right.ACT])
        folder_id, version = town.an_invoice()
        with reading(here) as db:
            user = db.scalars(sa.select(User).where(User.login == login)).one()
            told = leaving.confirmed("Fin de contrat", leaving.effects_of(db, user).mark)
        outcome = at_once(
            lambda: _outcome(
                lambda: handing.hand(
                    chief, folder_id, version=version, desk=key, reason="Elle suit le marché"
                )
            ),
            lambda: _outcome(lambda: desks.close_account(here, login, by=clerk, leaving=told)),
        )
        done.add(tuple(outcome))
    # Whoever came second met what the first wrote
    assert done <= {("done", "leaving-moved"), ("handing-nobody", "done")}


def _outcome(verb: Callable[[], object]) -> str:
    try:
        verb()
    except Refusal as refusal:
        return refusal.key
    return "done"
