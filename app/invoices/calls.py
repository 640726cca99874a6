"""The verbs of whoever verifies a bank account: note a call to the supplier, and refuse the invoice for its account."""

import re
from dataclasses import asdict

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.texts import plain
from app.core.transaction import use_case
from app.folders.access import authorize, lock, refuse_onlooker
from app.folders.decide import not_rejected
from app.folders.models import DocumentWords, Folder
from app.folders.move import Said, move, person_of, present, typed
from app.folders.ruling import LONGEST, may_rule
from app.folders.sockets import is_open
from app.invoices.accounts import CALLS, Call, Doubt, cautions, doubts
from app.invoices.known import REFUSED, ends
from app.invoices.settling import at_service, write
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.circuit import Phase, StepKind
from workflows.engine import Moved
from workflows.vocabulary import Action

SIGNIFICANT = 9
"""The last digits by which two ways to write a telephone number are compared: « 02 98 … », « +33 2 98 … »."""
SHORTEST_NUMBER, LONGEST_NUMBER = 9, 15
"""Digits of a telephone number: nine after the zero here, fifteen at most anywhere (ITU-T E.164)."""
SHORT = 200
_NOT_DIGITS = re.compile(r"\D")
_BETWEEN = re.compile(r"(?<=\d)[\s.\-/()]+(?=\d)")


@use_case
def note_call(
    db: Db, actor: Actor, folder_id: int, *, mark: str, number: str, origin: str, word: str
) -> None:
    """Note that somebody called the supplier about an account, at a number that the invoice does not give.

    Whoever reads the folder may call, but for its type alone (`looks-on`); then another person decides. Refuses
    `call-decider` to who signs it, and so decides,
    `iban-settled` where there is nothing to verify any more, `call-number` for what is no telephone number,
    `call-number-of-invoice` for one that the invoice itself gives, `call-origin` without where the number comes from,
    `call-word` without what was said, and `words-long`.
    """
    refuse_onlooker(db, actor, authorize(db, actor, folder_id))
    folder = lock(db, actor, folder_id, None)
    doubt = open_doubt(db, folder, mark)
    current = present(db, folder)
    if current.step is not None and current.step.kind is StepKind.SIGN and may_rule(folder, actor, current):
        raise Refusal("call-decider")
    digits = _NOT_DIGITS.sub("", number)
    if not SHORTEST_NUMBER <= len(digits) <= LONGEST_NUMBER or len(number) > SHORT:
        raise Refusal("call-number")
    text = _text(db, folder)
    written = _BETWEEN.sub("", text)
    parts = (digits[start : start + SIGNIFICANT] for start in range(len(digits) - SIGNIFICANT + 1))
    if any(part in written for part in parts):
        raise Refusal("call-number-of-invoice")
    origin, word = plain(origin), plain(word)
    if not origin:
        raise Refusal("call-origin")
    if not word:
        raise Refusal("call-word")
    for typed_in, most in ((origin, SHORT), (word, LONGEST)):
        if len(typed_in) > most:
            raise Refusal("words-long", most=most, got=len(typed_in))
    shown = " ".join(number.split())
    call = Call(person_of(actor), actor.name, now().isoformat(), shown, origin, word, bool(text.strip()))
    folder.sources = {
        **folder.sources,
        CALLS: [*folder.sources.get(CALLS, ()), {"about": doubt.about, **asdict(call)}],
    }
    facts = {"account": ends(doubt.iban), "number": shown, "known_by": origin, "word": word}
    facts["words"] = f"{facts['account']}, au {shown} ({origin}) : « {word} »"
    append(
        db,
        folder.collectivity_id,
        Event("invoice.account_called", actor.name, actor.user_id, folder.id, facts),
    )


@use_case
def refuse_account(db: Db, actor: Actor, folder_id: int, *, version: int, mark: str, reason: str) -> Moved:
    """Reject an invoice for its account, which is then known to be refused for this supplier.

    Refuses as a rejection does, `not-your-turn` to who does not decide here, `iban-service`, `iban-settled`,
    `iban-call-first`, and `own-caution` to who deposited the invoice or called.
    """
    folder = lock(db, actor, folder_id, version)
    if not may_rule(folder, actor, present(db, folder)):
        authorize(db, actor, folder_id)
        raise Refusal("not-your-turn")
    if at_service(db, folder):
        raise Refusal("iban-service")
    doubt = open_doubt(db, folder, mark)
    caution = next(caution for caution in cautions(db, folder) if caution.about == doubt.about)
    if person_of(actor) in caution.by:
        raise Refusal("own-caution")
    if caution.awaits:
        raise Refusal(caution.awaits)
    if not plain(reason):
        raise Refusal("reason-needed")
    # One that is known for its seller is put aside on its own page, not by a refusal of this invoice
    if not doubt.trusted:
        write(db, actor, folder, doubt.iban, REFUSED)
    try:
        return move(
            db, folder, Action.REJECT, actor, Said(typed(reason), facts={"account": ends(doubt.iban)})
        )
    except Refusal as refusal:
        raise not_rejected(refusal) from refusal


def open_doubt(db: Db, folder: Folder, mark: str) -> Doubt:
    """The account of this mark that nobody has ruled on; refuses `iban-settled`."""
    if folder.phase == Phase.RUNNING:
        for doubt, caution in zip(doubts(db, folder), cautions(db, folder), strict=True):
            if doubt.mark == mark and is_open(folder, caution):
                return doubt
    raise Refusal("iban-settled")


def _text(db: Db, folder: Folder) -> str:
    """The words of the documents of an invoice, as they were read for the search; empty where nothing could be read."""
    query = sa.select(DocumentWords.text).where(DocumentWords.folder_id == folder.id)
    return "\n".join(db.scalars(query))
