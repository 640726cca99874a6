"""What is said of an invoice on Chorus Pro: drawn from where its folder stands, or decided by a person, and said once.

A status is written here first, then looked up in the history over there before it is given: after an answer that was lost, or a
kill, nobody knows, and it is read again. What Hélios says itself is never said, nor anything of a contract of works.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from app.chorus import own
from app.chorus.answers import History
from app.chorus.client import Client
from app.chorus.faults import Barred, Lost, Refused, Silent
from app.chorus.fetching import keep_history
from app.chorus.models import ChorusInvoice, ChorusStatus
from app.chorus.rounds import AGAIN, WHO
from app.chorus.wire import opened
from app.circuits.library import circuit_of
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import Later, News, Row, post
from app.core.texts import line_of
from app.core.transaction import use_case
from app.folders import pause
from app.folders.models import Folder, StepRun
from app.invoices.interrupting import interruption_of
from app.invoices.settling import SERVICE
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.transmission.ports import Unreachable
from config import Settings
from workflows.circuit import WhoKind

KIND: Final = "chorus.status"
SERVICE_DONE, SUSPENDED, REJECTED, MANDATED = "SERVICE_FAIT", "SUSPENDUE", "REJETEE", "MANDATEE"
COMPLETED: Final = "COMPLETEE"
WORDS: Final = {
    "DEPOSEE": "déposée",
    "EN_COURS_ACHEMINEMENT": "en cours d’acheminement",
    "MISE_A_DISPOSITION": "mise à disposition",
    "A_RECYCLER": "à recycler",
    REJECTED: "rejetée",
    SUSPENDED: "suspendue",
    SERVICE_DONE: "service fait",
    MANDATED: "mandatée",
    "MISE_A_DISPOSITION_COMPTABLE": "mise à disposition du comptable",
    "COMPTABILISEE": "comptabilisée",
    "MISE_EN_PAIEMENT": "mise en paiement",
    COMPLETED: "complétée",
    "PRISE_EN_COMPTE_DESTINATAIRE": "prise en compte",
}
TAKEN: Final = frozenset({"MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE", "MISE_EN_PAIEMENT"})
"""What says that the accountant has it: what comes before is no more to be said."""
AFTER_COMPLETION: Final = frozenset({SERVICE_DONE, MANDATED})
"""What Chorus Pro takes of a suspended invoice only once its supplier has completed it."""
HOUR: Final = 3600.0
AFTER: Final = 20.0
"""Seconds before a status is tried again that waits for another one of the same invoice."""
ASKED: Final = "Donné à Chorus Pro, sa réponse est attendue."
"""What a status bears from before it is given until its answer is known: found over there afterwards, it is ours."""
RESUMED: Final = (
    "Tout ce qui manquait était déjà reçu : suspendue maintenant, la facture y attendrait que son fournisseur la complète une "
    "seconde fois. L’interruption du délai est celle qui est notée ici."
)
"""Why an interruption that is over is not said: nothing else may be said there of a suspended invoice."""
MOST: Final = 200
"""Folders whose statuses are drawn at once."""


def in_words(status: str) -> str:
    """A status in French; one that is not known, as it is written there."""
    return WORDS.get(status, status.replace("_", " ").lower())


@dataclass(frozen=True)
class Wanted:
    """A status that an invoice is to have: what asks for it, what goes with it, and who did it."""

    status: str
    cause: str
    who: str
    motive: str = ""
    mandate: str = ""


def to_draw() -> list[tuple[int, int]]:
    """The invoices whose folder moved since their statuses were drawn, and may not be taken back any more."""
    final = sa.or_(Folder.final_at.is_(None), Folder.final_at <= now() - timedelta(seconds=pause.UNDER_WAY))
    query = (
        sa.select(ChorusInvoice.collectivity_id, ChorusInvoice.id)
        .join(Folder, Folder.id == ChorusInvoice.folder_id)
        .where(Folder.version > ChorusInvoice.folder_version, final)
        .order_by(Folder.updated_at)
        .limit(MOST)
    )
    with reading() as db:
        return [(place, number) for place, number in db.execute(query)]


@use_case
def draw(db: Db, actor: Actor, invoice_id: int) -> None:
    """Write the statuses that the folder of an invoice asks for now, each once."""
    invoice = db.get_one(ChorusInvoice, invoice_id, with_for_update=True)
    if invoice.folder_id is None:
        return
    folder = db.get_one(Folder, invoice.folder_id)
    if pause.undecided(folder.final_at):
        return
    invoice.folder_version = folder.version
    if invoice.works:
        return
    if invoice.standing[0] == COMPLETED:
        _wake(db, invoice, folder)
    write_asked(db, actor, invoice, folder)


def write_asked(db: Db, actor: Actor, invoice: ChorusInvoice, folder: Folder) -> None:
    """The same in the caller's transaction: before what a person says of it, which is said after (`_first`)."""
    for wanted in _asked_by(db, folder):
        add(db, actor, invoice, wanted)


def _wake(db: Db, invoice: ChorusInvoice, folder: Folder) -> None:
    """Have what waited for the supplier said now."""
    waiting = sa.select(ChorusStatus.id).where(
        ChorusStatus.invoice_id == invoice.id, ChorusStatus.state == "waiting"
    )
    news = [
        News(KIND, f"{KIND}-{number}-{folder.version}", {"status": number}, folder.id)
        for number in db.scalars(waiting)
    ]
    post(db, invoice.collectivity_id, news)


def _asked_by(db: Db, folder: Folder) -> Iterator[Wanted]:
    """What the folder says: that the service was attested, that the delay was interrupted."""
    if (by := _attested(db, folder)) is not None:
        yield Wanted(SERVICE_DONE, "service", by)
    interruption = interruption_of(folder)
    if interruption is not None:  # one that is over already is written too, and not said (`_over`)
        cause = f"interrupted {interruption.notified}"
        yield Wanted(SUSPENDED, cause, interruption.who, motive=interruption.reason)


def _attested(db: Db, folder: Folder) -> str | None:
    """Who attested the service of an invoice, None while nobody has."""
    if folder.circuit_version_id is None:
        return None
    circuit = circuit_of(db, folder.circuit_version_id)
    keys = [
        step.key
        for step in circuit.steps
        if any(who.kind is WhoKind.CHOSEN and who.value == SERVICE for who in step.who)
    ]
    query = sa.select(StepRun).where(
        StepRun.folder_id == folder.id, StepRun.step.in_(keys), StepRun.state == "done"
    )
    runs = [run for run in db.scalars(query.order_by(StepRun.id)) if not run.former and not run.asked]
    passed = folder.place not in keys and folder.phase in {"running", "done"}
    return runs[-1].by if runs and passed else None


def add(db: Db, actor: Actor, invoice: ChorusInvoice, wanted: Wanted) -> bool:
    """Write a status of an invoice and the work of saying it, once for its cause; False where it is there already."""
    known = sa.select(ChorusStatus.id).where(
        ChorusStatus.invoice_id == invoice.id, ChorusStatus.cause == wanted.cause
    )
    if db.scalar(known) is not None:
        return False
    row = ChorusStatus(
        collectivity_id=invoice.collectivity_id,
        invoice_id=invoice.id,
        status=wanted.status,
        cause=wanted.cause,
        motive=wanted.motive,
        mandate=wanted.mandate,
        who=wanted.who,
        asked_at=now(),
        state="waiting",
        trouble="",
        settled_at=None,
    )
    db.add(row)
    db.flush()  # its number names its work; a rival of the same cause is met here
    post(db, invoice.collectivity_id, [News(KIND, f"{KIND}-{row.id}", {"status": row.id}, invoice.folder_id)])
    del actor
    return True


class Say:
    """The handler that says a status on Chorus Pro, given the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, row: Row) -> None:
        """Say the status that a row of the outbox names, unless it is said there already."""
        actor, number = system(row.collectivity_id, WHO), int(row.payload["status"])
        with reading(row.collectivity_id) as db:
            status = db.get(ChorusStatus, number)
            invoice = db.get(ChorusInvoice, status.invoice_id) if status is not None else None
            first = status is not None and _first(db, status)
        if status is None or invoice is None or status.state != "waiting":
            return
        if not first:
            raise Later(AFTER, "un autre état de la même facture est à dire avant celui-ci")
        values = own.own_of(row.collectivity_id)
        if not own.sends(values):
            settle(actor, number, "dropped", "Les états sont gardés ici (« Réglages »).")
            return
        try:
            client = Client(opened(self._settings), own.identity_in(values, self._settings))
            self._say(actor, client, status, invoice.cpro_id)
        except own.Unset as unset:
            raise Later(AGAIN, str(unset)) from unset
        except Lost as lost:
            raise Later(lost.seconds or AFTER, f"{lost} : l’état sera cherché avant d’être redit") from lost
        except Unreachable as fault:
            seconds = fault.seconds if isinstance(fault, Silent) and fault.seconds else AGAIN
            raise Later(seconds if not isinstance(fault, Barred) else AGAIN, str(fault)) from fault
        except Refused as refused:
            settle(actor, number, "refused", f"{refused}. Voyez cette facture sur le portail de Chorus Pro.")

    def _say(self, actor: Actor, client: Client, status: ChorusStatus, number: int) -> None:
        """Look the status up, then give it; what was refused is looked up again."""
        history = _read(actor, client, number)
        if _said(history, status.status):
            ours = status.trouble == ASKED
            settle(actor, status.id, "sent" if ours else "dropped", "" if ours else _already(actor, status))
            return
        if status.status == SUSPENDED and _over(actor, status):
            settle(actor, status.id, "dropped", RESUMED)
            return
        if history.status == SUSPENDED and status.status in AFTER_COMPLETION:
            raise Later(HOUR, "la facture est suspendue là-bas : dit dès que le fournisseur l’a complétée")
        if (why := _too_late(history, status.status)) or (why := _impossible(client, history, status.status)):
            settle(actor, status.id, "dropped" if _too_late(history, status.status) else "refused", why)
            return
        given(actor, status.id)
        try:
            client.treat(number, status.status, line_of(status.motive), status.mandate)
        except Refused as refused:
            history = _read(actor, client, number)
            if not _said(history, status.status):
                raise refused from None
        settle(actor, status.id, "sent", "")
        _read(actor, client, number)


def _over(actor: Actor, status: ChorusStatus) -> bool:
    """Whether all that an interruption asked has come before it could be said there."""
    with reading(actor.collectivity_id) as db:
        query = sa.select(Folder).join(ChorusInvoice, ChorusInvoice.folder_id == Folder.id)
        folder = db.scalar(query.where(ChorusInvoice.id == status.invoice_id))
        interruption = interruption_of(folder) if folder is not None else None
    return interruption is not None and interruption.complete is not None


def _already(actor: Actor, status: ChorusStatus) -> str:
    """That an invoice has the status already: we gave it before, or another tool, or somebody on the portal, did."""
    before = sa.select(ChorusStatus.id).where(
        ChorusStatus.invoice_id == status.invoice_id,
        ChorusStatus.status == status.status,
        ChorusStatus.state == "sent",
    )
    with reading(actor.collectivity_id) as db:
        if db.scalar(before.limit(1)) is not None:
            return f"Chorus Pro la dit déjà « {in_words(status.status)} », que Paraphe lui a dit auparavant."
    unsure = ", peut-être sous un autre numéro de mandat : vérifiez sur son portail" if status.mandate else ""
    return f"Chorus Pro la dit déjà « {in_words(status.status)} », par un autre que Paraphe{unsure}."


@use_case
def given(db: Db, actor: Actor, number: int) -> None:
    """Write that a status is about to be given: whoever looks it up after a kill knows whose it is."""
    del actor
    status = db.get_one(ChorusStatus, number, with_for_update=True, populate_existing=True)
    if status.state == "waiting":
        status.trouble = ASKED


def _read(actor: Actor, client: Client, number: int) -> History:
    history = client.history(number)
    keep_history(actor, number, history)
    return history


def _said(history: History, status: str) -> bool:
    """Whether an invoice has, or had, this status."""
    return any(passed.status == status for passed in history.passed)


def _too_late(history: History, status: str) -> str:
    """That the accountant has the invoice, or its mandate was said before: only what comes after is still to be said."""
    past = TAKEN | {MANDATED} if status == SERVICE_DONE else TAKEN
    if history.status not in past or status == REJECTED:
        return ""
    return f"La facture est déjà « {in_words(history.status)} » : « {in_words(status)} » n’est plus à dire."


def _impossible(client: Client, history: History, status: str) -> str:
    """That Chorus Pro does not let an invoice pass from where it stands to this status."""
    if status in client.targets(history.status):
        return ""
    return (
        f"Chorus Pro n’admet pas « {in_words(status)} » après « {in_words(history.status)} » : voyez cette facture sur son "
        "portail."
    )


def _first(db: Db, status: ChorusStatus) -> bool:
    """Whether no status of the same invoice waits since before."""
    earlier = sa.select(ChorusStatus.id).where(
        ChorusStatus.invoice_id == status.invoice_id,
        ChorusStatus.state == "waiting",
        ChorusStatus.id < status.id,
    )
    return db.scalar(earlier.limit(1)) is None


@use_case
def settle(db: Db, actor: Actor, number: int, state: str, trouble: str) -> None:
    """Write what became of a status, and the line of its folder's journal; one that is settled stays so."""
    status = db.get_one(ChorusStatus, number, with_for_update=True, populate_existing=True)
    if status.state != "waiting":
        return
    status.state, status.trouble, status.settled_at = state, trouble, now()
    invoice = db.get_one(ChorusInvoice, status.invoice_id)
    line = in_words(status.status)
    line += f", mandat {status.mandate}" if status.mandate else ""
    line += f" : {trouble}" if trouble else ""
    facts = {
        "invoice": invoice.cpro_id,
        "status": status.status,
        "simulated": invoice.simulated,
        "words": line,
    }
    event = Event(f"chorus.status.{state}", actor.name, None, invoice.folder_id, facts)
    append(db, actor.collectivity_id, event)
