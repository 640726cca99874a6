"""What a person says of an invoice on Chorus Pro: that it is rejected there for good, or mandated under a number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.chorus import own
from app.chorus.client import MOTIVE
from app.chorus.models import ChorusInvoice, ChorusStatus
from app.chorus.reasons import reasons
from app.chorus.statuses import ASKED, KIND, MANDATED, REJECTED, Wanted, add, in_words, write_asked
from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, post
from app.core.questions import OF, Question, answered, ask
from app.core.refusals import Refusal
from app.core.texts import line_of, plain
from app.core.transaction import use_case
from app.folders.access import authorize, lock, reader_of
from app.folders.facts import touch
from app.folders.models import Folder
from app.folders.move import move, was_signed
from app.invoices import mandates
from app.invoices.history import FAMILY
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import Collectivity
from workflows.circuit import WITHDRAWN, Phase
from workflows.family import Problem
from workflows.vocabulary import Action, Right

LONGEST: Final = 200
"""Signs of what goes to the supplier with a rejection."""
LONGEST_MANDATE: Final = 40
OURS: Final = ("waiting", "sent")
OVER: Final = "La facture est rejetée : plus rien d’autre n’est à dire."


INVOICE = Question((ChorusInvoice,), ChorusInvoice.folder_id == OF)
"""The invoice of Chorus Pro that became a folder."""
STATUSES = Question(
    (ChorusStatus,),
    ChorusStatus.invoice_id.in_(sa.select(ChorusInvoice.id).where(ChorusInvoice.folder_id == OF)),
)
"""What is, or was, to be said of it there."""


def invoice_of(db: Db, folder: Folder) -> ChorusInvoice | None:
    """The invoice of Chorus Pro that became this folder; None for a folder that came by another way."""
    return next((row for (row,) in ask(db, INVOICE, folder.id)), None)


def statuses_of(db: Db, invoice: ChorusInvoice) -> list[ChorusStatus]:
    """What is, or was, to be said of an invoice, the first to the last."""
    if invoice.folder_id is not None and answered(db, STATUSES, invoice.folder_id):
        return [row for (row,) in ask(db, STATUSES, invoice.folder_id) if row.invoice_id == invoice.id]
    query = sa.select(ChorusStatus).where(ChorusStatus.invoice_id == invoice.id)
    return list(db.scalars(query.order_by(ChorusStatus.id)))


def deposits(actor: Actor, folder: Folder) -> bool:
    """Whether the actor deposits folders of this type at the desk that deposits this one."""
    return folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)


def may_reject(
    db: Db, actor: Actor, folder: Folder, invoice: ChorusInvoice, statuses_there: list[ChorusStatus]
) -> bool:
    """Whether the actor may reject it there: the desk that deposits, while the folder is in its hands and statuses are said."""
    rejected = any(status.status == REJECTED and status.state in OURS for status in statuses_there)
    in_hands = _in_hands(folder) or _untaken(folder, statuses_there)
    return in_hands and not (invoice.works or rejected) and deposits(actor, folder) and _sends(db, folder)


def offers_rejection(db: Db, folder: Folder, invoice: ChorusInvoice) -> bool:
    """The same of who reads the folder's page."""
    reader = reader_of(db)
    if reader is None or not (_in_hands(folder) or folder.place == WITHDRAWN):
        return False
    return may_reject(db, reader, folder, invoice, statuses_of(db, invoice))


def may_mandate(
    db: Db, actor: Actor, folder: Folder, invoice: ChorusInvoice, statuses_there: list[ChorusStatus]
) -> bool:
    """Whether the actor may say there that it is mandated: the desk that deposits, once it is signed."""
    mandated = any(status.status == MANDATED and status.state in OURS for status in statuses_there)
    return (
        not (invoice.works or invoice.paid_already or mandated)
        and _signed(db, folder)
        and deposits(actor, folder)
    )


def _signed(db: Db, folder: Folder) -> bool:
    """Whether an invoice is signed, here or by its end; one that was given up is not."""
    done = folder.phase == Phase.DONE and folder.place != WITHDRAWN
    return done or (folder.phase == Phase.RUNNING and was_signed(db, folder))


def _sends(db: Db, folder: Folder) -> bool:
    """Whether the collectivity has its statuses said on Chorus Pro."""
    return own.sends(db.get_one(Collectivity, folder.collectivity_id).settings)


def _untaken(folder: Folder, statuses_there: Sequence[ChorusStatus]) -> bool:
    """Whether a folder was given up with a rejection that Chorus Pro then refused: it may be given again, for another reason."""
    last = statuses_there[-1] if statuses_there else None
    refused = last is not None and last.status == REJECTED and last.state == "refused"
    return refused and folder.place == WITHDRAWN


def _in_hands(folder: Folder) -> bool:
    return folder.phase in {Phase.DRAFT, Phase.REJECTED}


@use_case
def reject(db: Db, actor: Actor, folder_id: int, *, version: int, code: str, sentence: str) -> None:
    """Have an invoice rejected on Chorus Pro, for good, and give its folder up.

    Refuses `chorus-none`, `not-emitter`, `chorus-in-hand` for a folder that is on its way, `chorus-kept-here` where nothing is
    said there, `chorus-works`, `chorus-rejected` a second time, `chorus-reason`, `chorus-sentence` and `words-long`.
    """
    folder, invoice = _mine(db, actor, folder_id, version)
    statuses_there = statuses_of(db, invoice)
    if any(status.status == REJECTED and status.state in OURS for status in statuses_there):
        raise Refusal("chorus-rejected")
    given_up = _untaken(folder, statuses_there)
    if not (_in_hands(folder) or given_up):
        raise Refusal("chorus-in-hand")
    if not _sends(db, folder):
        raise Refusal("chorus-kept-here")
    if code not in reasons():
        raise Refusal("chorus-reason")
    sentence = line_of(plain(sentence))
    if not sentence:
        raise Refusal("chorus-sentence")
    if len(sentence) > LONGEST:
        raise Refusal("words-long", most=LONGEST, got=len(sentence))
    for status in statuses_there:
        # Else the rejection would wait behind it; what was given already, whose answer is awaited, is settled by its own work
        if status.state == "waiting" and status.trouble != ASKED:
            status.state, status.trouble, status.settled_at = "dropped", OVER, now()
    # Numbered: after a rejection that was refused there, another is another cause.
    wanted = Wanted(REJECTED, f"rejected {len(statuses_there)}", actor.name, motive=f"{code} : {sentence}")
    _ask(db, actor, folder, invoice, wanted, f"« {reasons()[code]} », {sentence}")
    # In the same transaction: nothing that is rejected there can leave here (decision 0043).
    if not given_up:
        move(db, folder, Action.WITHDRAW, actor)


@use_case
def mandate(db: Db, actor: Actor, folder_id: int, *, version: int, number: str) -> None:
    """Have it said on Chorus Pro that an invoice is mandated, under the number of its mandate.

    Refuses `chorus-none`, `not-emitter`, `chorus-unsigned` before it is signed, `chorus-works`, `chorus-mandated` a second
    time, `chorus-card` for what was paid by card, and `chorus-mandate` for what is no number.
    """
    folder, invoice = _mine(db, actor, folder_id, version)
    if not _signed(db, folder):
        raise Refusal("chorus-unsigned")
    if invoice.paid_already:
        raise Refusal("chorus-card")
    number = _number(number)
    statuses_there = statuses_of(db, invoice)
    if any(status.status == MANDATED and status.state in OURS for status in statuses_there):
        raise Refusal("chorus-mandated")
    _mandate(db, actor, folder, invoice, statuses_there, number)


@dataclass(frozen=True)
class Mandated:
    """The number of the mandate that stands, and where « mandatée » stands on Chorus Pro; None where it is not said there."""

    number: str
    chorus: str | None
    version: int


@use_case
def mandated(db: Db, actor: Actor, folder_id: int, *, number: str) -> Mandated:
    """Take the number of the mandate from the finance software, whatever way the invoice came; said on Chorus Pro once.

    The same number again changes nothing. Another one than what stands is written beside it, and told: the answer is what
    stands. One that Chorus Pro refused gives way. Refuses `mandate-none` for what is no invoice, `not-emitter`,
    `chorus-unsigned`, `chorus-card` and `chorus-mandate`.
    """
    folder = lock(db, actor, folder_id, None)
    authorize(db, actor, folder_id)
    if folder.family != FAMILY:
        raise Refusal("mandate-none")
    if not deposits(actor, folder):
        raise Refusal("not-emitter")
    if not _signed(db, folder):
        raise Refusal("chorus-unsigned")
    invoice = invoice_of(db, folder)
    if invoice is not None and invoice.paid_already:
        raise Refusal("chorus-card")
    number = _number(number)
    statuses_there = statuses_of(db, invoice) if invoice is not None else []
    last = next((status for status in reversed(statuses_there) if status.status == MANDATED), None)
    standing = last.mandate if last is not None else mandates.mandate_of(folder)
    state = last.state if last is not None else None
    if standing and standing != number and state != "refused":
        if mandates.keep_other(folder, standing, number):
            line = f"« {number} », alors que « {standing} » est noté"
            _noted(db, actor, folder, "invoice.mandate_differs", line)
    elif standing != number:
        standing, state = number, None
        if invoice is not None and not invoice.works:
            _mandate(db, actor, folder, invoice, statuses_there, number)
            state = "waiting"
        else:
            mandates.keep(db, folder, number, actor)
            _noted(db, actor, folder, "invoice.mandated", number)
    return Mandated(standing, state, folder.version)


def _number(text: str) -> str:
    """The number of a mandate, on one line; refuses `chorus-mandate` what is none."""
    number = line_of(text)
    if not 0 < len(number) <= LONGEST_MANDATE or not any(sign.isdigit() for sign in number):
        raise Refusal("chorus-mandate", most=LONGEST_MANDATE)
    return number


def _mandate(
    db: Db,
    actor: Actor,
    folder: Folder,
    invoice: ChorusInvoice,
    statuses_there: Sequence[ChorusStatus],
    number: str,
) -> None:
    mandates.keep(db, folder, number, actor)
    # That the service was attested goes first, though nobody drew it yet
    write_asked(db, actor, invoice, folder)
    wanted = Wanted(MANDATED, f"mandated {len(statuses_there)}", actor.name, mandate=number)
    _ask(db, actor, folder, invoice, wanted, number)


def _noted(db: Db, actor: Actor, folder: Folder, event: str, line: str) -> None:
    touch(folder)
    facts = {"words": line, "address": actor.address}
    append(db, folder.collectivity_id, Event(event, actor.name, actor.user_id, folder.id, facts))


def _mine(db: Db, actor: Actor, folder_id: int, version: int) -> tuple[Folder, ChorusInvoice]:
    """The folder, locked, and its invoice; refuses who does not deposit it."""
    folder = lock(db, actor, folder_id, version)
    authorize(db, actor, folder_id)
    invoice = invoice_of(db, folder)
    if invoice is None:
        raise Refusal("chorus-none")
    if not deposits(actor, folder):
        raise Refusal("not-emitter")
    if invoice.works:
        raise Refusal("chorus-works")
    return folder, invoice


def _ask(db: Db, actor: Actor, folder: Folder, invoice: ChorusInvoice, wanted: Wanted, line: str) -> None:
    add(db, actor, invoice, wanted)
    touch(folder)
    facts = {
        "invoice": invoice.cpro_id,
        "status": wanted.status,
        "words": f"{in_words(wanted.status)} : {line}",
        "address": actor.address,
    }
    append(db, folder.collectivity_id, Event("chorus.asked", actor.name, actor.user_id, folder.id, facts))


@use_case
def again(db: Db, actor: Actor, status_id: int) -> str:
    """Have a status said once more that Chorus Pro refused; what it is called. Refuses `not-found`, `chorus-settled`."""
    query = sa.select(ChorusStatus).where(
        ChorusStatus.id == status_id, ChorusStatus.collectivity_id == actor.collectivity_id
    )
    status = db.scalar(query.with_for_update())
    if status is None:
        raise Refusal("not-found")
    if status.state != "refused" or _asked_since(db, status):
        raise Refusal("chorus-settled")
    status.state, status.trouble, status.settled_at = "waiting", "", None
    invoice = db.get_one(ChorusInvoice, status.invoice_id)
    key = f"{KIND}-{status.id}-{int(now().timestamp() * 1000)}"
    post(db, actor.collectivity_id, [News(KIND, key, {"status": status.id}, invoice.folder_id)])
    facts = {"invoice": invoice.cpro_id, "words": in_words(status.status), "address": actor.address}
    append(
        db,
        actor.collectivity_id,
        Event("chorus.asked_again", actor.name, actor.user_id, invoice.folder_id, facts),
    )
    return in_words(status.status)


def _asked_since(db: Db, status: ChorusStatus) -> bool:
    """Whether the same status was asked for again since, as the mandate under its right number: the former is over."""
    later = sa.select(ChorusStatus.id).where(
        ChorusStatus.invoice_id == status.invoice_id,
        ChorusStatus.status == status.status,
        ChorusStatus.id > status.id,
    )
    return db.scalar(later.limit(1)) is not None


def told_there(db: Db, folder: Folder) -> str:
    """That the reason of an interruption goes to Chorus Pro, where its supplier reads it; empty where it does not."""
    invoice = invoice_of(db, folder)
    if invoice is None or invoice.works or not _sends(db, folder):
        return ""
    return (
        f"Ce texte part tel quel sur Chorus Pro (ses {MOTIVE} premiers signes), où la facture devient « suspendue » : le "
        "fournisseur le lit. N’écrivez ici que ce que vous lui demandez."
    )


def rejected_by_anybody(invoice: ChorusInvoice, statuses_there: Iterable[ChorusStatus]) -> bool:
    """Whether an invoice is rejected on Chorus Pro, or is about to be, by us or by others."""
    ours = any(status.status == REJECTED and status.state in OURS for status in statuses_there)
    return ours or invoice.standing[0] == REJECTED


def rejected_there(db: Db, folder: Folder) -> list[Problem]:
    """That an invoice which is rejected on Chorus Pro is not sent on its way: the supplier sends another."""
    invoice = invoice_of(db, folder)
    if invoice is None or not rejected_by_anybody(invoice, statuses_of(db, invoice)):
        return []
    return [
        Problem(
            "chorus-rejected-there",
            "number",
            "Cette facture est rejetée sur Chorus Pro : elle n’est plus à payer, une autre viendra sous un autre numéro s’il y a "
            "lieu. Abandonnez ce dossier.",
        )
    ]
