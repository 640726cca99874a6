"""The verb of a signature made on paper, and what is told of it; it is never called an electronic signature.

The State asks no electronic signature of an act that is transmitted; the original signed by hand is then kept, and its
scan is what leaves (circulaire on @CTES; CGCT L2131-1). A family allows it or not (`paper_signature`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.french import jour_long
from app.core.questions import OF, Question, answer_each, ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import authorize, lock, refuse_stranger
from app.folders.documents import add_beside, last_version
from app.folders.keep import Incoming, Kept, keep_paper
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.move import Present, Said, move, not_your_turn, part_of, present
from app.folders.required import refuse_unfilled
from app.folders.sockets import Caution, gated, obstacles
from app.people import identity
from app.people.actor import Actor
from app.signing.models import PaperSignature
from workflows.acts.rules import dated_by_signature
from workflows.circuit import Phase, StepKind
from workflows.engine import Moved, choices
from workflows.vocabulary import Action

LONGEST = 300
PATIENCE = 60
"""Minutes that the form may take after its proof: the paper is scanned meanwhile."""
NO_ELECTRONIC = (
    "Signature manuscrite : ce fichier en est la numérisation et ne porte pas de signature électronique."
)


@dataclass(frozen=True)
class Statement:
    """What is stated of a signature by hand: whose, in which capacity, on which day, and where the original is kept.

    `two_dates`: the act does bear another date than that of its signature, as its folder says.
    """

    name: str
    capacity: str
    signed_on: date | None
    kept_at: str
    two_dates: bool = False


def sign(
    actor: Actor, folder_id: int, *, version: int, statement: Statement, scan: Incoming | None = None
) -> Moved:
    """State a signature made on paper, keep its scan, and pass the folder on: together or not at all.

    `scan`: a PDF, examined as any deposit; None when another signatory of this round has given the scan that shows this
    signature too. Refuses `paper-not-allowed`, `paper-mixed`, `paper-before-seal`, `paper-no-scan`,
    `paper-scan-damaged`, `paper-incomplete`, `paper-date-missing`, `paper-date-future`,
    `paper-date-before-act`, `paper-under-cover`, `paper-antedated` (an order, a decision or a contract that would be
    dated before its signature, unless `two_dates` says that it is), `not-your-turn`, an older page (`moved-on`), what intake
    refuses, and who was not asked who he is since the form was opened (`identity-needed`, `identity-factor`).
    """
    statement = _checked(statement)
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        identity.refuse_stale_in(db, actor, [shown(db, folder)], patience=PATIENCE)
        if folder.version != version:
            raise Refusal("moved-on", folder_id=folder.id, title="Ce dossier a avancé")
        standing(db, actor, folder)
        _dated(statement, folder)
        if scan is None and scan_of(db, folder) is None:
            raise Refusal("paper-no-scan")
    file = None
    if scan is not None:
        with TemporaryDirectory(prefix="paraphe-paper-") as room:
            file = keep_paper(actor.collectivity_id, scan, Path(room))
    return write(actor, folder_id, version=version, statement=statement, file=file)


@use_case
def write(
    db: Db, actor: Actor, folder_id: int, *, version: int, statement: Statement, file: Kept | None
) -> Moved:
    """Write the scan, the statement and the move, once everything holds under the lock."""
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    position = standing(db, actor, folder)
    scan = add_beside(db, folder, actor, file) if file is not None else scan_of(db, folder)
    if scan is None:
        raise Refusal("paper-no-scan")
    part = part_of(db, folder, position, actor)
    run = next(run for run in position.runs if run.slot == part)
    main = last_version(db, _main(db, folder))
    row = PaperSignature(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        step_run_id=run.id,
        round=folder.round,
        version_id=scan.id,
        name=statement.name,
        capacity=statement.capacity,
        signed_on=statement.signed_on or today(),
        kept_at=statement.kept_at,
        stated_by=actor.name,
        stated_at=now(),
    )
    db.add(row)
    facts = {
        "paper": {
            "name": row.name,
            "capacity": row.capacity,
            "signed_on": row.signed_on.isoformat(),
            "kept_at": row.kept_at,
            "scan": scan.sha256,
            **(
                {"act_dated": str(folder.fields["decision_date"])} if antedated(folder, row.signed_on) else {}
            ),
        },
        "document": main.document_id,
        "sha256": main.sha256,
    }
    decision = Said(
        described(row), capacity=statement.capacity, facts=facts, who=statement.name, signed_on=row.signed_on
    )
    return move(db, folder, Action.SIGN, actor, decision)


def shown(db: Db, folder: Folder) -> str:
    """The SHA-256 of the document that is signed by hand: what a second factor is asked for."""
    return last_version(db, _main(db, folder)).sha256


def allowed(db: Db, actor: Actor, folder: Folder) -> bool:
    """Whether this person may state a signature on paper on this folder now."""
    try:
        standing(db, actor, folder)
    except Refusal:
        return False
    return True


def refuse_obstacles(db: Db, folder: Folder) -> None:
    """Refuse `would-be-refused`: what is signed and cannot leave would have to be signed again; `sign-gated` before a ruling."""
    if why := gated(db, folder):
        raise Refusal("sign-gated", details=why)
    if why := obstacles(db, folder):
        raise Refusal("would-be-refused", details=why)


def refuse_mixed(db: Db, folder: Folder) -> None:
    """Refuse an electronic signature where another was made on paper in this round (`paper-already`)."""
    if of_round(db, folder):
        raise Refusal("paper-already")


ON_PAPER = Question((PaperSignature,), PaperSignature.folder_id == OF)


_papers = sa.select(PaperSignature).where(
    PaperSignature.folder_id.in_(sa.bindparam("folders", expanding=True))
)


def read_papers(db: Db, folders: Sequence[int]) -> None:
    """Read at one go the signatures on paper of several folders, in a session that keeps them (`gather`)."""
    rows = [(row,) for row in db.scalars(_papers, {"folders": list(folders)})]
    answer_each(db, ON_PAPER, folders, rows, lambda row: int(row[0].folder_id))


def of_round(db: Db, folder: Folder) -> list[PaperSignature]:
    """The signatures on paper of the folder's present round, in order."""
    return [row for row in of_folder(db, folder.id) if row.round == folder.round]


def of_folder(db: Db, folder_id: int) -> list[PaperSignature]:
    """Every signature on paper of a folder, in order."""
    return [row for (row,) in ask(db, ON_PAPER, folder_id)]


def of_version(db: Db, folder_id: int, version_id: int) -> list[PaperSignature]:
    """The signatures that this scan shows."""
    return [row for row in of_folder(db, folder_id) if row.version_id == version_id]


def scan_of(db: Db, folder: Folder) -> DocumentVersion | None:
    """The scan that the present round has already, or None."""
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Document.folder_id == folder.id,
            Document.role == "paper",
            Document.removed_at.is_(None),
            DocumentVersion.round == folder.round,
        )
    )
    return db.scalars(query.order_by(DocumentVersion.number.desc()).limit(1)).first()


def described(row: PaperSignature) -> str:
    """« Signé sur papier le mardi 24 novembre 2026, original conservé : registre des délibérations »."""
    return f"Signé sur papier le {jour_long(row.signed_on)}, original conservé : {row.kept_at}"


def proof(row: PaperSignature) -> dict[str, Any]:
    """A signature on paper as other software is told of it: no certificate, no level of an electronic signature."""
    return {
        "name": row.name,
        "capacity": row.capacity,
        "signed_at": row.signed_on.isoformat(),
        "serial": "",
        "issuer": "",
        "holder": "",
        "level": "paper",
        "assurance": None,
        "original": row.kept_at,
    }


def acts(db: Db, folder_id: int) -> Mapping[int, str]:
    """How the circuit tells these parts of its steps, by step run."""
    return {row.step_run_id: f"Signé sur papier par {row.name}" for row in of_folder(db, folder_id)}


def signed_days(db: Db, folder_id: int) -> Mapping[int, date]:
    """The day on which each of them was made, as it was stated, by step run."""
    return {row.step_run_id: row.signed_on for row in of_folder(db, folder_id)}


def standing(db: Db, actor: Actor, folder: Folder) -> Present:
    """Where the folder stands, if this person may sign it on paper there."""
    position = present(db, folder) if folder.circuit_version_id else None
    if position is None or Action.SIGN not in choices(
        position.circuit, position.standing, position.asker(actor, folder)
    ):
        refuse_stranger(db, actor, folder)
        raise not_your_turn(db, actor, folder, position)
    if not family_of(folder.in_force).paper_signature:
        raise Refusal("paper-not-allowed")
    if actor.covers and not position.seated(actor, folder):
        # What is stated names who signed: whoever stands in states no signature of who is away (decision 0031)
        raise Refusal("paper-under-cover")
    if position.step is not None:
        refuse_unfilled(folder, position.step)
    if any(step.kind is StepKind.SEAL for step in position.circuit.applicable(folder.facts)):
        raise Refusal("paper-before-seal")  # the seal would be put on a document that nobody signed
    if last_version(db, _main(db, folder)).origin == "signed":
        raise Refusal("paper-mixed")
    refuse_obstacles(db, folder)
    return position


def _checked(statement: Statement) -> Statement:
    texts = [text.strip() for text in (statement.name, statement.capacity, statement.kept_at)]
    if not all(texts) or any(len(text) > LONGEST for text in texts):
        raise Refusal("paper-incomplete", longest=LONGEST)
    if statement.signed_on is None:
        raise Refusal("paper-date-missing")
    if statement.signed_on > today():
        raise Refusal("paper-date-future")
    return Statement(texts[0], texts[1], statement.signed_on, texts[2], statement.two_dates)


def _dated(statement: Statement, folder: Folder) -> None:
    decided = _decided_on(folder)
    if decided is None or statement.signed_on is None:
        return
    if statement.signed_on < decided:
        raise Refusal("paper-date-before-act")
    if antedated(folder, statement.signed_on) and not statement.two_dates:
        days = {"decided_on": jour_long(decided), "signed_on": jour_long(statement.signed_on)}
        raise Refusal("paper-antedated", **days)


def antedated(folder: Folder, signed_on: date | None) -> bool:
    """Whether an act that exists by its signature would be dated before it: it would be said to exist before it does."""
    decided = _decided_on(folder)
    if decided is None or signed_on is None or not dated_by_signature(folder.family, folder.fields):
        return False
    return decided < signed_on


def _decided_on(folder: Folder) -> date | None:
    """The date that the act bears; None for none, and for what a draft that came back may hold meanwhile."""
    try:
        return date.fromisoformat(str(folder.fields.get("decision_date") or ""))
    except ValueError:
        return None


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """An act signed by hand after the date that it bears, told to all who decide next: the State reads that date."""
    decided = _decided_on(folder)
    if decided is None or folder.phase == Phase.DONE:
        return []
    days = [row.signed_on for row in of_round(db, folder) if antedated(folder, row.signed_on)]
    if not days:
        return []
    last = max(days)
    sentence = (
        f"L’acte porte la date du {jour_long(decided)} et a été signé à la main le {jour_long(last)}. Il n’existe que depuis sa "
        "signature : vérifiez que rien n’a été fait avant en son nom."
    )
    by, about = frozenset(folder.sources.get("depositors", ())), f"antedated:{decided}:{last}"
    return [Caution("antedated", "Acte daté d’avant sa signature", sentence, about=about, by=by)]


def _main(db: Db, folder: Folder) -> int:
    query = sa.select(Document.id).where(
        Document.folder_id == folder.id, Document.role == "main", Document.removed_at.is_(None)
    )
    return db.scalars(query).one()
