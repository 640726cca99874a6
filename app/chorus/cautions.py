"""What Chorus Pro alone tells of an invoice, before anybody decides: paid already, rejected there, for another body, of works.

What must not be paid as it stands keeps the finances and the signature waiting (`gate`): rejected there, nobody settles it but
by rejecting the folder; paid by card, for another body, or completed without an account to compare, a person rules on it.
"""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from app.chorus import works
from app.chorus.answering import INVOICE, STATUSES, invoice_of, rejected_by_anybody, statuses_of
from app.chorus.answers import day_of
from app.chorus.fetching import AVAILABLE
from app.chorus.models import ChorusInvoice, ChorusStatus
from app.chorus.statuses import SUSPENDED
from app.core.db import Db
from app.core.french import jour, spaces
from app.core.questions import OF, Asked, Rows, answer, answer_each, as_asked, once
from app.folders.models import CircuitChange, Folder
from app.folders.rows import CHANGES, OF_HERE
from app.folders.sockets import Caution, Visa, is_open
from app.invoices import frames
from app.invoices.accounts import COMPLETED, doubts, told
from app.invoices.clock import CHORUS
from app.invoices.interrupting import CARD, interruption_of
from app.invoices.settling import at_service, by_its_circuit
from app.people.models import Collectivity
from workflows.circuit import Phase
from workflows.condition import values
from workflows.family import Problem

REJECTED, PAID, ELSEWHERE, UNREAD = "chorus-rejected", "chorus-paid", "addressee", "chorus-completed"
FIRST_RULED = frozenset({PAID, ELSEWHERE, UNREAD})
"""What a person rules on before the finances and the signature."""
SELLER = "chorus-seller"
RECYCLED = "A_RECYCLER"
_of_a_list = sa.select(ChorusInvoice).where(
    ChorusInvoice.folder_id.in_(sa.bindparam("chorus_folders", expanding=True)),
    ChorusInvoice.collectivity_id == sa.bindparam("here"),
)


_statuses_of_a_list = sa.select(ChorusStatus).where(
    ChorusStatus.invoice_id.in_(
        sa.select(ChorusInvoice.id).where(
            ChorusInvoice.folder_id.in_(sa.bindparam("chorus_folders", expanding=True)),
            ChorusInvoice.collectivity_id == sa.bindparam("here"),
        )
    )
)


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What to look at, the gravest first; nothing of a folder that is over, nor of another way but its frame."""
    invoice = invoice_of(db, folder)
    if folder.phase == Phase.DONE:
        return []
    if invoice is None:
        return _of_itself(db, folder, None)
    by = frozenset(folder.sources.get("depositors", ()))
    statuses_there = statuses_of(db, invoice)
    return [
        *_rejected(folder, rejected=rejected_by_anybody(invoice, statuses_there)),
        *_of_itself(db, folder, invoice),
        *_completed(db, folder, by),
        *_suspension(folder, statuses_there),
    ]


def _of_itself(db: Db, folder: Folder, invoice: ChorusInvoice | None) -> list[Caution]:
    """What an invoice alone tells: paid already, for another body, of works, to be addressed otherwise."""
    by = frozenset(folder.sources.get("depositors", ()))
    if invoice is None:
        return [*_paid(folder, None, by), *works.elsewhere(folder)]
    return [
        *_paid(folder, invoice, by),
        *_elsewhere(db, folder, invoice, by),
        *_seller(folder, by),
        *_recycled(invoice, by),
        *works.of_works(folder, invoice),
    ]


def asked_by_lists(folders: Sequence[Folder]) -> Sequence[Asked]:
    """What is read for all those of a list: what Chorus Pro says of each, and the collectivity."""
    place = {"here": folders[0].collectivity_id}
    return [(_of_a_list, {**place, "chorus_folders": [folder.id for folder in folders]}), (OF_HERE, place)]


def in_lists(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> Mapping[int, Sequence[Caution]]:
    """What each of those of a list tells by itself."""
    invoices = {invoice.folder_id: invoice for (invoice,) in rows[0]}
    return {folder.id: _of_itself(db, folder, invoices.get(folder.id)) for folder in folders}


ANY_THERE = sa.or_(
    sa.exists().where(ChorusInvoice.folder_id == OF), sa.exists().where(CircuitChange.folder_id == OF)
)
"""Whether an invoice came from Chorus Pro, or its coming steps were ever changed."""


def asked_ahead(db: Db, folder: Folder) -> Sequence[Asked]:
    """What `gate` reads before a visa: nothing where the service is attested."""
    if by_its_circuit(db, folder):
        return ()
    return [
        as_asked(INVOICE, folder.id),
        as_asked(STATUSES, folder.id),
        as_asked(CHANGES, folder.id),
        (OF_HERE, {"here": folder.collectivity_id}),
    ]


def keep_ahead(db: Db, folder: Folder, rows: Sequence[Rows]) -> None:
    """Keep what was read for whoever looks at it."""
    for question, read in zip((INVOICE, STATUSES, CHANGES), rows, strict=False):
        answer(db, question, folder.id, read)


def keep_none(db: Db, folder: Folder) -> None:
    """Keep that the base has nothing of it."""
    keep_ahead(db, folder, [(), (), ()])


def asked_together(_db: Db, folders: Sequence[Folder]) -> Sequence[Asked]:
    """What `gate` reads of several folders: what Chorus Pro says of each, and the collectivity."""
    invoices, place = asked_by_lists(folders)
    return [invoices, (_statuses_of_a_list, invoices[1]), place]


def keep_together(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> None:
    """Keep what was read for whoever looks at it."""
    numbers = [folder.id for folder in folders]
    of = {invoice.id: int(invoice.folder_id) for (invoice,) in rows[0]}
    answer_each(db, INVOICE, numbers, rows[0], lambda row: of[row[0].id])
    answer_each(db, STATUSES, numbers, rows[1], lambda row: of[row[0].invoice_id])


def gate(db: Db, folder: Folder, visa: Visa | None) -> list[Problem]:
    """What stands before the finances and the signature; the service may be attested all the same."""
    if visa is not None and at_service(db, folder):
        return []
    # Of a folder that nobody will sign, a visa asks it as at the signature too
    every = once(db, ("chorus cautions", folder.id), lambda: cautions(db, folder))
    drafts = [
        Problem(caution.key, frames.FIELD, spaces(f"« {caution.title} » : {works.SAY_FIRST}"))
        for caution in (every if visa is None else ())
        if caution.key == works.DRAFT and is_open(folder, caution)
    ]
    return drafts + [
        Problem(
            caution.key,
            "number",
            caution.sentence
            if caution.key == REJECTED
            else f"« {caution.title} » : une personne qui décide, et qui n’a pas déposé la facture, doit d’abord trancher ce "
            "point, ou la rejeter.",
        )
        for caution in every
        if caution.key == REJECTED or (caution.key in FIRST_RULED and is_open(folder, caution))
    ]


def _rejected(folder: Folder, *, rejected: bool) -> Iterator[Caution]:
    if rejected and folder.phase == Phase.RUNNING:
        yield Caution(
            REJECTED,
            "Facture rejetée sur Chorus Pro",
            "Elle est rejetée sur Chorus Pro : elle n’est plus à payer. Rejetez ce dossier.",
            grave=True,
        )


def _paid(folder: Folder, invoice: ChorusInvoice | None, by: frozenset[int]) -> Iterator[Caution]:
    """Paid by card already: Chorus Pro says it, or the frame that was read or typed, by which no delay runs any more."""
    there = invoice is not None and invoice.paid_already
    if there or CARD in values(folder.facts, frames.FIELD):
        yield Caution(
            PAID,
            "Facture déjà payée par carte d’achat",
            f"{'Chorus Pro' if there else 'Son cadre de facturation'} la dit déjà payée ({CARD}) : elle justifie une dépense "
            "faite, et ne se mandate pas une seconde fois.",
            about=PAID,
            by=by,
            grave=True,
        )


def _elsewhere(db: Db, folder: Folder, invoice: ChorusInvoice, by: frozenset[int]) -> Iterator[Caution]:
    """For another body than the collectivity, unless the file itself names that one: its reading tells it then."""
    number = invoice.buyer_siret
    own = db.get_one(Collectivity, folder.collectivity_id)
    named = (*values(folder.facts, "buyer_siret"), *values(folder.facts, "buyer_siren"))
    by_file = any(str(digits or "")[:9] == number[:9] for digits in named)
    if not number or by_file or number[:9] == own.siren:
        return
    yield Caution(
        ELSEWHERE,
        "Facture adressée à un autre organisme",
        f"Chorus Pro dit qu’elle s’adresse au SIRET {number}, et non à {own.name} (SIREN {own.siren}). Rejetez-la, pour que le "
        "fournisseur l’adresse à qui la doit.",
        about=f"{ELSEWHERE}:{number}",
        by=by,
        grave=True,
    )


def elsewhere(db: Db, folder: Folder, invoice: ChorusInvoice) -> bool:
    """Whether an invoice is for another body than the collectivity, by Chorus Pro or by its file."""
    own = db.get_one(Collectivity, folder.collectivity_id)
    named = (
        invoice.buyer_siret,
        *values(folder.facts, "buyer_siret"),
        *values(folder.facts, "buyer_siren"),
    )
    return any(str(digits)[:9] != own.siren for digits in named if digits)


def _seller(folder: Folder, by: frozenset[int]) -> Iterator[Caution]:
    """That who gave it on Chorus Pro is of another SIREN than the seller of its file."""
    siret = str(folder.sources.get(CHORUS, {}).get("seller_siret") or "")
    sellers = (
        str(number)
        for key in ("seller_siret", "seller_siren")
        for number in values(folder.facts, key)
        if number
    )
    others = sorted({number[:9] for number in sellers} - {siret[:9]})
    if siret and others:
        yield Caution(
            SELLER,
            "Déposée sur Chorus Pro par un autre que son vendeur",
            f"Chorus Pro dit que le fournisseur est le SIRET {siret} ; la facture est du SIREN {', '.join(others)}. Vérifiez qui "
            "a livré, et qui doit être payé, avant de décider.",
            about=f"{SELLER}:{siret}:{','.join(others)}",
            by=by,
            grave=True,
        )


def _completed(db: Db, folder: Folder, by: frozenset[int]) -> Iterator[Caution]:
    """Completed by its supplier without any account to compare (INV-21): what was added is to be read by somebody."""
    added = folder.sources.get(COMPLETED, ())
    if not added or told(folder) or doubts(db, folder):
        return
    day = jour(day_of(added[-1]["at"]) or folder.created_at.date())
    names = ", ".join(f"« {name} »" for name in added[-1]["files"])
    yield Caution(
        UNREAD,
        "Facture complétée par le fournisseur",
        f"Complétée le {day}{f' ({names})' if names else ''}, sans compte qui s’y lise : un changement de compte arrive ainsi. "
        "Ouvrez ses pièces avant de décider.",
        about=f"{UNREAD}:{len(added)}:{sum(int(completion['count']) for completion in added)}",
        by=by,
        grave=True,
    )


def _suspension(folder: Folder, statuses_there: Sequence[ChorusStatus]) -> Iterator[Caution]:
    """That the delay is interrupted here, and not there."""
    refused = [
        status for status in statuses_there if status.status == SUSPENDED and status.state == "refused"
    ]
    if refused and interruption_of(folder) is not None:
        yield Caution(
            "chorus-suspension",
            "Suspension que Chorus Pro n’a pas prise",
            "Le délai de paiement est interrompu ici, mais la facture n’est pas suspendue sur Chorus Pro : "
            f"{refused[-1].trouble}",
        )


def _recycled(invoice: ChorusInvoice, by: frozenset[int]) -> Iterator[Caution]:
    statuses = [str(row["status"]) for row in invoice.history]
    if AVAILABLE in statuses and RECYCLED in statuses[statuses.index(AVAILABLE) :]:
        where = invoice.service_name or invoice.service or "aucun code de service"
        title, sentence = (
            (
                "Facture à réadresser",
                "Elle est « à recycler » sur Chorus Pro : son fournisseur est à l’adresser autrement.",
            )
            if invoice.standing[0] == RECYCLED
            else (
                "Facture réadressée",
                f"Elle a été « à recycler » sur Chorus Pro, et s’adresse maintenant à : {where}. Voyez si ce dossier est au "
                "bon bureau.",
            )
        )
        yield Caution(
            "chorus-recycled",
            title,
            sentence,
            about=f"chorus-recycled:{statuses.count(RECYCLED)}:{invoice.standing[0] == RECYCLED:d}",
            by=by,
        )
