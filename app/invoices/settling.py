"""What a ruling makes of an account: known for its supplier, or put aside for a known one, which the invoice then tells."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from app.circuits.library import circuit_of, family_of
from app.core.clock import now
from app.core.db import Db
from app.core.questions import once
from app.core.refusals import Refusal
from app.folders.facts import fill
from app.folders.models import Folder
from app.folders.move import person_of, was_signed
from app.folders.rows import changes_of_round
from app.folders.ruling import note_down
from app.folders.sockets import Caution, Outcome, indexed
from app.folders.words import ask as ask_words
from app.invoices.accounts import ACCEPT, ADDED_PIECE, COMPLETED, FORMER, digest, doubts, stated
from app.invoices.keys import seller_key, siren_of
from app.invoices.known import CONFIRMED, DECIDED, REFUSED, ends, identities
from app.invoices.models import SupplierAccount
from app.people.actor import Actor
from workflows.circuit import Phase, Step, StepKind, WhoKind

SERVICE = "proof_of_service"
"""The field that names the desk which attests the service: its visa says nothing of whom is paid, and waits for nobody."""


def at_service(db: Db, folder: Folder) -> bool:
    """Whether the folder stands where the service attests what was done: nobody decides there on whom to pay.

    As the circuits write the step that it has followed since it was sent: a part that was handed on is still of it. A desk so
    chosen that signs decides.
    """
    if folder.circuit_version_id is None or folder.phase != Phase.RUNNING:
        return False
    # Each of the gates of an invoice asks it
    return once(db, ("at service", folder.id), lambda: _at_service(db, folder))


def _at_service(db: Db, folder: Folder) -> bool:
    if by_its_circuit(db, folder):
        return True
    handed = (
        change.before_id
        for change in changes_of_round(db, folder)
        if change.handed_to and change.place == folder.place
    )
    return any(attests(circuit_of(db, number).step(folder.place)) for number in handed)


def by_its_circuit(db: Db, folder: Folder) -> bool:
    """The same of the circuit that the folder follows now, which asks the base nothing."""
    if folder.circuit_version_id is None or folder.phase != Phase.RUNNING:
        return False
    return attests(circuit_of(db, folder.circuit_version_id).step(folder.place))


def attests(step: Step) -> bool:
    """Whether the service attests at this step what was done."""
    return step.kind is StepKind.VISA and any(
        who.kind is WhoKind.CHOSEN and who.value == SERVICE for who in step.who
    )


def settle(
    db: Db, actor: Actor, folder: Folder, caution: Caution, keep: str, ruling: Mapping[str, str]
) -> Outcome:
    """Make an account known for its seller, or put it aside for a known one, which the invoice then tells.

    Refuses `iban-service` where the service attests, `iban-seller` to accept it while the seller is in dispute, and
    `ruled-too-late` to put aside what is signed already.
    """
    if at_service(db, folder):
        raise Refusal("iban-service")
    doubt = next((doubt for doubt in doubts(db, folder) if doubt.about == caution.about), None)
    if doubt is None:  # settled by the one before it, of several
        raise Refusal("nothing-to-rule")
    if keep == ACCEPT:
        if len(identities(folder.facts)) > 1:
            raise Refusal("iban-seller")
        write(db, actor, folder, doubt.iban, CONFIRMED)
        if not doubt.added:
            return Outcome("a accepté ce compte", f"compte {ends(doubt.iban)} accepté")
        if was_signed(db, folder):
            raise Refusal("ruled-too-late")
        borne = stated(folder)
        _pay_on(db, actor, folder, doubt.iban, over=borne, where="dans la facture", ruling=ruling)
        instead = f", à la place de {', '.join(map(ends, borne))}" if borne else ""
        line = f"compte {ends(doubt.iban)} accepté{instead}"
        return Outcome("a accepté ce compte", line, {"iban": doubt.iban})
    former = next(account.iban for account in doubt.known if keep == f"{FORMER}:{digest(account.iban)}")
    # What was signed is not changed; that it stands, in place of an account that came since, is said after a signature too
    if was_signed(db, folder) and stated(folder) != [former]:
        raise Refusal("ruled-too-late")
    where = ADDED_PIECE if doubt.added else "dans la facture"
    others = [iban for iban in stated(folder) if iban not in {former, doubt.iban}]
    _pay_on(db, actor, folder, former, over=[doubt.iban, *others], where=where, ruling=ruling)
    if doubt.trusted:
        return Outcome("a retenu un autre compte", f"{ends(former)} retenu", {"iban": former})
    write(db, actor, folder, doubt.iban, REFUSED)
    line = f"compte {ends(doubt.iban)} écarté, {ends(former)} retenu"
    return Outcome("a écarté ce compte", line, {"iban": former})


def _pay_on(
    db: Db,
    actor: Actor,
    folder: Folder,
    iban: str,
    *,
    over: Sequence[str],
    where: str,
    ruling: Mapping[str, str],
) -> None:
    """Have the invoice tell this account in place of others, and the ruling with it."""
    standing: dict[str, object] = {
        "about": "iban",
        "keeps": "typed",
        "kept": iban,
        "over": list(over),
        "typed": iban,
        "read": [{"value": other, "where": where} for other in over],
        "reason": "",
        "typist": actor.name,
        "typed_at": ruling["at"],
        "typists": [person_of(actor)],
        COMPLETED: len(folder.sources.get(COMPLETED, ())),  # what was added until now was looked at
        **ruling,
    }
    note_down(folder, standing)
    corrections = {
        key: entry for key, entry in folder.sources.get("corrections", {}).items() if key != "iban"
    }
    read = [key for key in folder.sources.get("read", ()) if key != "iban"]
    folder.sources = {**folder.sources, "corrections": corrections, "read": read}
    searched_by = folder.title_key
    fill(folder, family_of(folder.in_force), {**folder.fields, "iban": iban}, title=None)
    indexed(db, folder)
    ask_words(db, folder, searched_by)


def write(db: Db, actor: Actor, folder: Folder, iban: str, state: str) -> None:
    """Write what was decided of an account of the seller of a folder; the last word stands."""
    way = next(iter(identities(folder.fields)), "")
    if not way:
        return
    account = SupplierAccount
    row = db.scalar(
        sa.select(account).where(
            account.collectivity_id == folder.collectivity_id,
            account.seller == seller_key(way),
            account.iban == iban,
        )
    )
    if row is None:
        row = SupplierAccount(
            collectivity_id=folder.collectivity_id, seller=seller_key(way), iban=iban, siren=siren_of(way)
        )
        db.add(row)
    row.name = str(folder.fields.get("seller") or "")
    row.state, row.source, row.folder_id = state, DECIDED, folder.id
    row.who, row.user_id, row.at = actor.name, actor.user_id, now()
