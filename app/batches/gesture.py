"""The verbs of whoever holds a batch: propose, start or take up again, leave unread folders out, give up the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import sqlalchemy as sa

from app.batches.models import OPEN, Batch, BatchItem
from app.batches.selection import GONE, STEPS, choose
from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, Outbox, post
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import use_case
from app.display.ticking import LIMIT
from app.folders.access import read_by
from app.folders.documents import main_digests
from app.folders.models import Folder
from app.folders.move import typed
from app.people.actor import Actor, require
from app.people.identity import refuse_stale_in
from app.signing.authority import Wording, wordings_of
from app.signing.models import SignatureSession
from app.signing.remote import waiting as remote
from workflows.vocabulary import Right

IN_A_PAGE = timedelta(seconds=8)
"""How long after it last asked for something the page that signs is believed to be still there."""
DECIDE, SIGN = "batch.decide", "batch.sign"
SIGNS, PARTS = 32, 4
"""Of a digest in a mark: 128 bits, so that whoever writes mandates finds no two of one digest. And the parts of a mark."""
LONGEST_RANK = 4
NOT_SHOWN = Wording("")
UNSIGNED = ("waiting", "prepared")
"""The states of an item that waits for its key."""
RIGHTS = {"approve": Right.ACT, "hand": Right.ACT, "sign": Right.SIGN}
REASONED = frozenset({"reject", "hand"})
"""The kinds that do not start without a reason."""
NOTHING = {"hand": "confié à un autre bureau"}
"""What none of the folders may be, where it is no decision."""
UNREAD = "Retiré du lot : vous ne l’avez pas ouvert."
GIVEN_UP = "Lot abandonné : rien n’a été fait sur ce dossier."


@dataclass(frozen=True)
class Shown:
    """What the page whose button it is had shown: its mark (`mark_of`), and to which desk it hands the folders, by key."""

    mark: str
    desk: str = ""


def mark_of(batch: Batch, items: Sequence[BatchItem], wordings: Mapping[int, Wording]) -> str:
    """What a page has shown of a batch: which proposal, what of which folders, and in which words each is signed (`worded`).

    Four parts. The first is the moment when it was proposed: a proposal gives way to the next one, which may have its number.
    The second is its act, its desk, its folders and their versions. The third says of each folder, in the order of the batch,
    which of the words that the fourth has: apart, because fewer and fewer are left to sign, and one that moved on meanwhile is
    refused alone; and each of the words once, at a length at which nobody finds others of the same digest.
    """
    waiting = sorted(f"{item.folder_id}:{item.folder_version}" for item in items if item.state in OPEN)
    content = _digest(batch.kind, batch.desk, *waiting)
    of_folders = [wordings.get(item.folder_id) for item in _in_order(items)]
    different = list(dict.fromkeys(wording for wording in of_folders if wording is not None))
    ranks = ".".join("" if wording is None else str(different.index(wording)) for wording in of_folders)
    return f"{_moment(batch)}-{content[:SIGNS]}-{ranks}-{'.'.join(_digest(*wording)[:SIGNS] for wording in different)}"


def worded(db: Db, actor: Actor, batch: Batch, items: Sequence[BatchItem]) -> dict[int, Wording]:
    """In which words each folder that is not signed yet would be now, by folder; nothing of a batch that signs nothing.

    Those whose signature is being embedded too: their row may have died, and they are then signed again. Nothing of one that
    may not be signed: it is refused alone, when it is its turn.
    """
    if batch.kind != "sign":
        return {}
    numbers = [item.folder_id for item in items if item.state in OPEN]
    folders = db.scalars(sa.select(Folder).where(Folder.id.in_(numbers))).all() if numbers else []
    return wordings_of(db, actor, folders)


def _unread(items: Sequence[BatchItem], wordings: Mapping[int, Wording], ranks: str, digests: str) -> bool:
    """Whether some folder would be signed in words that the page did not show of it (`mark_of`)."""
    different, of_folders = digests.split("."), ranks.split(".")
    for item, rank in zip(_in_order(items), of_folders, strict=True):
        wording = wordings.get(item.folder_id) if item.state in UNSIGNED else None
        if wording is None:
            continue
        known = rank.isdecimal() and len(rank) < LONGEST_RANK and int(rank) < len(different)
        shown = different[int(rank)] if known else ""
        if shown != _digest(*wording)[:SIGNS]:
            return True
    return False


def _in_order(items: Sequence[BatchItem]) -> list[BatchItem]:
    return sorted(items, key=lambda item: item.position)


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()


def _moment(batch: Batch) -> int:
    return int(batch.created_at.timestamp() * 1_000_000)


@use_case
def propose(db: Db, actor: Actor, kind: str, wanted: Mapping[int, int]) -> int:
    """Keep a selection (versions by folder) to be looked at before anything is done; returns the batch's number.

    A proposal that was never started gives way to the next one. Refuses `batch-empty`, `batch-too-large`, and
    `batch-nothing` when none of these folders awaits this act from this person.
    """
    if kind not in STEPS:
        raise Refusal("bad-request", detail="la décision à prendre n’est pas connue")
    if kind in RIGHTS:
        require(actor, RIGHTS[kind])
    if not wanted:
        raise Refusal("batch-empty")
    if len(wanted) > LIMIT:
        raise Refusal("batch-too-large", count=len(wanted), limit=LIMIT)
    choices = choose(db, actor, kind, wanted)
    if all(choice.why for choice in choices):
        raise nothing(kind, choices[0].why if choices else "")
    _forget_proposals(db, actor)
    moment = now()
    batch = Batch(collectivity_id=actor.collectivity_id, user_id=actor.user_id, kind=kind, created_at=moment)
    db.add(batch)
    db.flush()
    db.add_all(
        BatchItem(
            collectivity_id=actor.collectivity_id,
            batch_id=batch.id,
            position=rank,
            folder_id=choice.folder_id,
            folder_version=choice.version,
            family=choice.family,
            title=choice.title,
            number=choice.number,
            amount_cents=choice.amount_cents,
            opened=choice.opened,
            state="left_out" if choice.why else "waiting",
            reason=choice.why,
            changed_at=moment,
        )
        for rank, choice in enumerate(choices)
    )
    return batch.id


@use_case
def leave_unread_out(db: Db, actor: Actor, batch_id: int, mark: str) -> None:
    """Take out of a proposal what its person has never opened; refuses `batch-nothing` when nothing else is in it.

    `mark`: what the page had shown; refuses `batch-changed` where that was another proposal.
    """
    batch = mine(db, actor, batch_id, lock=True)
    _refuse_other(batch, mark)
    if batch.started_at is not None:
        raise Refusal("batch-started", title="Ce lot a déjà commencé")
    unread = (BatchItem.batch_id == batch_id, BatchItem.state == "waiting", BatchItem.opened.is_(False))
    db.execute(sa.update(BatchItem).where(*unread).values(state="left_out", reason=UNREAD))
    if not _left(db, batch_id):
        raise nothing(batch.kind, "Vous n’en avez ouvert aucun.")


@use_case
def choose_desk(db: Db, actor: Actor, batch_id: int, desk: str, mark: str) -> None:
    """Choose to which desk, by key, the folders of a proposal are handed; those that may not go there are left out, with why.

    Another choice takes them in again. `mark`: what the page had shown; refuses `batch-changed` where that was another
    proposal. Refuses `batch-started`, `batch-desk-needed` for none, and `batch-nothing`.
    """
    batch = mine(db, actor, batch_id, lock=True)
    _refuse_other(batch, mark)
    if batch.started_at is not None:
        raise Refusal("batch-started", title="Ce lot a déjà commencé")
    if batch.kind != "hand" or not desk:
        raise Refusal("batch-desk-needed")
    query = sa.select(BatchItem).where(BatchItem.batch_id == batch_id, BatchItem.reason != UNREAD)
    items = {item.folder_id: item for item in db.scalars(query.order_by(BatchItem.position))}
    wanted = {number: item.folder_version for number, item in items.items()}
    whys = {choice.folder_id: choice.why for choice in choose(db, actor, batch.kind, wanted, desk)}
    for number, item in items.items():
        item.reason = whys.get(number, GONE)
        item.state = "left_out" if item.reason else "waiting"
    if all(item.reason for item in items.values()):
        raise nothing(batch.kind, next((item.reason for item in items.values()), ""))
    batch.desk = desk


def nothing(kind: str, why: str) -> Refusal:
    """That none of the folders goes."""
    return Refusal("batch-nothing", done=NOTHING.get(kind, "décidé ainsi"), why=why)


@use_case
def take_up(db: Db, actor: Actor, batch_id: int, reason: str = "", shown: Shown | None = None) -> str:
    """Start a batch, or go on where it stood, with the present session; returns the word of the page that holds it.

    `shown`: what the page had shown whose button it is. Refuses `batch-desk-changed` and `batch-changed` where another page has
    changed it since, or where that was another batch, and `batch-words-changed` where one would sign in other words: nothing
    is decided, nor signed, that was not shown. None: of no page.

    An earlier page that still held it holds it no more. Refuses a rejection without a reason (`batch-reason-needed`), a handing
    without a reason (`handing-reason`) or a desk (`batch-desk-needed`),
    a batch that has ended (`batch-over`), whoever signs and was not asked who he is for too long (`identity-needed`), and
    whoever has lost the right (`right-missing`).
    """
    batch = mine(db, actor, batch_id, lock=True)
    if batch.ended_at is not None:
        raise Refusal("batch-over", title="Ce lot est terminé")
    if batch.kind in RIGHTS:
        require(actor, RIGHTS[batch.kind])
    if batch.kind == "hand" and not batch.desk:
        raise Refusal("batch-desk-needed")
    if batch.kind == "sign" and batch.started_at is not None:
        _wait_again(db, batch)
    items = db.scalars(sa.select(BatchItem).where(BatchItem.batch_id == batch.id)).all()
    wordings = worded(db, actor, batch, items)
    if shown is not None:
        _refuse_changed(batch, items, wordings, shown, reason)
    if batch.kind in REASONED and batch.started_at is None:
        _keep_reason(batch, reason)
    if batch.kind == "sign":  # once for all its folders
        refuse_stale_in(db, actor, _shown(db, batch_id))
    batch.started_at = batch.started_at or now()
    batch.session_id, batch.address = actor.session_id, actor.address
    batch.turn, batch.holder, batch.seen_at = batch.turn + 1, new_token(), now()
    if batch.kind == "sign":
        _keep_words(items, wordings)
        _ask_no_more(db, batch)
    else:
        payload = {"batch_id": batch.id, "turn": batch.turn}
        post(db, batch.collectivity_id, [News(DECIDE, row_key(batch), payload)])
    return batch.holder


def _keep_reason(batch: Batch, reason: str) -> None:
    batch.reason = typed(reason)
    if not batch.reason:
        raise Refusal("batch-reason-needed" if batch.kind == "reject" else "handing-reason")


def _keep_words(items: Sequence[BatchItem], wordings: Mapping[int, Wording]) -> None:
    """Note with each folder the mention that was shown: it is signed in no other, whatever mandates become meanwhile."""
    for item in items:
        if item.state in UNSIGNED:
            item.wording, item.absent = wordings.get(item.folder_id, NOT_SHOWN)


def _refuse_changed(
    batch: Batch, items: Sequence[BatchItem], wordings: Mapping[int, Wording], shown: Shown, reason: str
) -> None:
    """Refuse what the page of the button did not show: another page may have changed it, or made another of that number.

    Of one that has begun, whose list changes no more: another desk, another reason, and words in which nobody read that he signs.
    """
    _refuse_other(batch, shown.mark)
    parts = shown.mark.split("-")
    content, ranks, digests = parts[1:] if len(parts) == PARTS else ("", "", "")
    other = len(ranks.split(".")) != len(items)
    if batch.started_at is None:
        if batch.kind == "hand" and shown.desk != batch.desk:
            raise Refusal("batch-desk-changed", title="Ce lot a changé")
        other |= content != mark_of(batch, items, {}).split("-")[1]
    else:
        other |= bool(shown.desk) and shown.desk != batch.desk
        other |= bool(typed(reason)) and typed(reason) != batch.reason
    if other:
        raise Refusal("batch-changed", title="Ce lot a changé")
    if _unread(items, wordings, ranks, digests):
        raise Refusal("batch-words-changed", title="Votre qualité a changé")


def _refuse_other(batch: Batch, mark: str) -> None:
    if mark.partition("-")[0] != str(_moment(batch)):
        raise Refusal("batch-changed", title="Ce lot a changé")


def _shown(db: Db, batch_id: int) -> list[str]:
    """The SHA-256 of the main documents that a batch is about to sign: what a second factor is asked for."""
    left = (BatchItem.batch_id == batch_id, BatchItem.state.in_(["waiting", "prepared"]))
    return main_digests(db, sa.select(BatchItem.folder_id).where(*left))


@use_case
def give_up(db: Db, actor: Actor, batch_id: int, mark: str) -> None:
    """End a batch: what is not done yet will not be, what is under way goes to its end.

    `mark`: what the page had shown; refuses `batch-changed` where that was another batch.
    """
    batch = mine(db, actor, batch_id, lock=True)
    _refuse_other(batch, mark)
    if batch.ended_at is not None:
        raise Refusal("batch-over", title="Ce lot est terminé")
    left = (BatchItem.batch_id == batch_id, BatchItem.state.in_(["waiting", "prepared"]))
    db.execute(sa.update(BatchItem).where(*left).values(state="refused", reason=GIVEN_UP, changed_at=now()))
    batch.started_at = batch.started_at or now()
    batch.turn, batch.holder = batch.turn + 1, None
    remote.withdraw(db, batch.id)
    end_if_over(db, batch)


def end_if_over(db: Db, batch: Batch) -> None:
    """Write the end of a batch on which nothing is left to do, in the caller's transaction."""
    if batch.ended_at is None and not _left(db, batch.id):
        batch.ended_at = now()


def mine(db: Db, actor: Actor, batch_id: int, *, lock: bool = False) -> Batch:
    """The batch, if it is this person's; another's does not exist (`batch-unknown`)."""
    query = sa.select(Batch).where(Batch.id == batch_id, Batch.user_id == actor.user_id)
    batch = db.scalar(query.with_for_update() if lock else query)
    if batch is None or actor.user_id is None:
        raise Refusal("batch-unknown")
    read_by(db, actor)
    return batch


def row_key(batch: Batch, part: int | None = None) -> str:
    """The key of the outbox row that works on a batch at its present turn, or on one part of it.

    With the moment when it was proposed: where a batch is removed, its number may be given again, and its rows stay.
    """
    return f"batch-{batch.id}-{_moment(batch)}-{batch.turn}" + ("" if part is None else f"-{part}")


def at_work(db: Db, batch: Batch) -> bool:
    """Whether the worker still has something to do for this batch, or the page that holds it is there."""
    # The second is that of a row posted before keys said when
    keys = {row_key(batch), f"batch-{batch.id}-{batch.turn}"}
    if batch.kind == "sign":
        query = sa.select(BatchItem.carrier).where(
            BatchItem.batch_id == batch.id, BatchItem.state == "signed"
        )
        keys = {carrier for carrier in db.scalars(query.distinct()) if carrier}
        if batch.holder is not None and batch.seen_at is not None and batch.seen_at > now() - IN_A_PAGE:
            return True
    alive = sa.select(Outbox.id).where(
        Outbox.key.in_(keys),
        Outbox.state.in_(["pending", "running"]),
        Outbox.created_at >= batch.created_at,
    )
    return db.scalar(alive.limit(1)) is not None


def _wait_again(db: Db, batch: Batch) -> None:
    """Let what was signed and that no row works on any more wait for the key again; what was made is noted as done."""
    query = (
        sa.select(BatchItem, SignatureSession.state, Outbox.state)
        .outerjoin(SignatureSession, SignatureSession.id == BatchItem.signature_session)
        .outerjoin(Outbox, Outbox.key == BatchItem.carrier)
        .where(BatchItem.batch_id == batch.id, BatchItem.state == "signed")
    )
    for item, session, row in db.execute(query):
        if row not in {"pending", "running"}:
            item.state, item.changed_at = ("done" if session == "done" else "waiting"), now()
            item.signatures, item.signature_session = None, None


def _ask_no_more(db: Db, batch: Batch) -> None:
    """What an earlier page had asked of the trust service is asked no more, unless the service is answering just now."""
    if remote.withdraw(db, batch.id):
        prepared = (BatchItem.batch_id == batch.id, BatchItem.state == "prepared")
        query = sa.update(BatchItem).where(*prepared).values(state="waiting", signature_session=None)
        db.execute(query.execution_options(synchronize_session=False))


def _left(db: Db, batch_id: int) -> bool:
    query = sa.select(BatchItem.id).where(BatchItem.batch_id == batch_id, BatchItem.state.in_(OPEN))
    return db.scalar(query.limit(1)) is not None


def _forget_proposals(db: Db, actor: Actor) -> None:
    old = sa.select(Batch.id).where(
        Batch.user_id == actor.user_id, Batch.started_at.is_(None), Batch.ended_at.is_(None)
    )
    numbers = list(db.scalars(old))
    if numbers:
        db.execute(sa.delete(BatchItem).where(BatchItem.batch_id.in_(numbers)))
        db.execute(sa.delete(Batch).where(Batch.id.in_(numbers)))
