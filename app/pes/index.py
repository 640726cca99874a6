"""Keep the reading of a deposited flow in the transaction that writes its folder, and make it again when it is missing."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.questions import OF, Question, ask, once
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import readable_among
from app.folders.models import DocumentVersion, Folder, StepRun
from app.folders.move import engaged
from app.folders.rows import ENGAGED, RUNS
from app.people.actor import Actor
from app.people.models import Collectivity
from app.pes.flow import Flow, masked
from app.pes.models import FlowAccount, FlowAnswer, FlowAttachment, FlowIndex, FlowName, FlowPage, FlowSlip
from workflows.circuit import WITHDRAWN, Phase
from workflows.flows.keys import series

PARTS: tuple[Any, ...] = (FlowPage, FlowSlip, FlowAttachment, FlowAccount, FlowIndex)


def take(db: Db, folder: Folder, version: DocumentVersion, flow: Flow) -> None:
    """Keep the reading of a folder's flow in the caller's transaction, in place of that of a former file.

    Refuses a flow of another body (`flow-other-body`), and a name that another folder has (`flow-name-used`): Hélios
    knows a flow by NomFic and CodCol, and takes neither twice.
    """
    _of_this_body(db, folder, flow)
    _claim(db, folder, flow)
    write(db, folder, version.sha256, flow)


def deposited(db: Db, version: DocumentVersion) -> DocumentVersion:
    """The version that was signed, for a signed one: signatures are added to a flow, nothing else of it changes."""
    if version.origin != "signed":
        return version
    query = (
        sa.select(DocumentVersion)
        .where(
            DocumentVersion.document_id == version.document_id,
            DocumentVersion.number < version.number,
            DocumentVersion.origin != "signed",
        )
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    )
    return once(db, ("deposited", version.id), lambda: db.scalar(query)) or version


@use_case
def remake(db: Db, actor: Actor, folder_id: int, sha256: str, flow: Flow) -> None:
    """Keep a reading that was missing: of a flow deposited before readings were kept."""
    folder = db.get_one(Folder, folder_id)
    if folder.collectivity_id == actor.collectivity_id:
        write(db, folder, sha256, flow)


def write(db: Db, folder: Folder, sha256: str, flow: Flow) -> None:
    """Write the rows of a reading, in the caller's transaction."""
    for part in PARTS:
        db.execute(
            sa.delete(part).where(part.folder_id == folder.id).execution_options(synchronize_session=False)
        )
    ours = {"collectivity_id": folder.collectivity_id, "folder_id": folder.id}
    index = {"sha256": sha256, "pages": len(flow.pages), "summary": summary(flow), "made_at": now()}
    _insert(db, FlowIndex, [{**ours, **index}])
    _insert(
        db, FlowPage, [{**ours, "number": n, "content": page} for n, page in enumerate(flow.pages, start=1)]
    )
    budget = (flow.header.get("CodCol", ""), flow.header.get("CodBud", ""))
    slips = [
        {
            **ours,
            "rank": rank,
            "number": slip.number,
            "key": f"{series(*budget, slip.domain, slip.year, slip.kind)} {slip.number}",
            "page": slip.page,
            "pieces": slip.numbers,
        }
        for rank, slip in enumerate(flow.slips)
    ]
    _insert(db, FlowSlip, slips)
    files = [
        {
            **ours,
            "rank": rank,
            "unique_id": attachment.unique_id,
            "name": attachment.name,
            "kind": attachment.kind,
            "media": attachment.media,
            "first_byte": attachment.start,
            "last_byte": attachment.end,
        }
        for rank, attachment in enumerate(flow.attachments)
    ]
    _insert(db, FlowAttachment, files)
    accounts = [
        {
            **ours,
            "third": account.third,
            "name": account.name,
            "digest": hashlib.sha256(account.iban.encode()).hexdigest(),
            "masked": masked(account.iban),
            "piece": account.piece,
            "page": account.page,
        }
        for account in flow.accounts
    ]
    _insert(db, FlowAccount, accounts)


def summary(flow: Flow) -> dict[str, Any]:
    """What the head of the page says of a flow, without its pages: counts, amounts in euros as text, findings."""
    return {
        "file_name": flow.file_name,
        "domain": flow.domain,
        "siret": flow.header.get("IdColl", ""),
        "budget": flow.budget,
        "written_on": flow.header.get("DteStr", ""),
        "slips": {
            what: sum(slip.domain == domain for slip in flow.slips)
            for domain, what in (("dépenses", "mandats"), ("recettes", "titres"))
        },
        "to_sign": flow.to_sign,
        "paper": flow.paper and bool(flow.slips),
        "pieces": {
            what: sum(slip.pieces for slip in flow.slips if slip.domain == domain)
            for domain, what in (("dépenses", "mandat"), ("recettes", "titre"))
        },
        "cancelling": sum(slip.kind == "02" for slip in flow.slips),
        "total": str(flow.total),
        "total_with_tax": str(flow.total_with_tax),
        "attachments": len(flow.attachments),
        "contracts": flow.contracts,
        "schema": flow.schema,
        "newer": list(flow.newer),
        "findings": [[finding.key, finding.title, finding.text, finding.page] for finding in flow.findings],
    }


ACCOUNTS = Question((FlowAccount,), FlowAccount.folder_id == OF, order=lambda row: (row[0].page, row[0].id))
FLOW = Question((FlowIndex,), FlowIndex.folder_id == OF, order=lambda row: row[0].folder_id)
SLIPS = Question((FlowSlip,), FlowSlip.folder_id == OF, order=lambda row: row[0].rank)
ANSWERED = Question((FlowAnswer,), FlowAnswer.folder_id == OF)


def index_of(db: Db, folder_id: int) -> FlowIndex | None:
    """The reading of the flow of a folder, or None."""
    return next((row for (row,) in ask(db, FLOW, folder_id)), None)


def slips_of(db: Db, folder_id: int) -> list[FlowSlip]:
    """The bordereaux of the flow of a folder, in its order."""
    return [row for (row,) in ask(db, SLIPS, folder_id)]


def changed_accounts(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """The third parties whose account is not among those of the last flow signed for them, oldest page first.

    A changed account is the first sign of a fraud on suppliers: the signatory is told, and calls back whom he knows.
    """
    mine, other = sa.orm.aliased(FlowAccount), sa.orm.aliased(FlowAccount)
    signed = (
        sa.select(StepRun.folder_id, sa.func.max(StepRun.ended_at).label("at"))
        .where(StepRun.kind.in_(["sign", "seal"]), StepRun.state == "done", StepRun.family == folder.family)
        .group_by(StepRun.folder_id)
        .subquery()
    )
    moments = [
        run.ended_at for (run,) in ask(db, RUNS, folder.id) if run.kind in ENGAGED and run.state == "done"
    ]
    until = max((moment for moment in moments if moment), default=now())
    query = (
        sa.select(other.third, other.digest, other.masked, other.folder_id)
        .join(signed, signed.c.folder_id == other.folder_id)
        .where(
            other.third.in_(sa.select(mine.third).where(mine.folder_id == folder.id)),
            other.collectivity_id == folder.collectivity_id,
            other.folder_id != folder.id,
            signed.c.at < until,
        )
        .order_by(signed.c.at, other.folder_id)
    )
    last: dict[str, tuple[int, dict[str, str]]] = {}
    for third, digest, shown, folder_id in db.execute(query):
        if third not in last or last[third][0] != folder_id:
            last[third] = (folder_id, {})
        last[third][1][digest] = shown
    ours = [row for (row,) in ask(db, ACCOUNTS, folder.id)]
    return [
        {
            "name": account.name,
            "piece": account.piece,
            "page": account.page,
            "now": account.masked,
            "before": list(last[account.third][1].values()),
            "mark": " ".join((account.third, account.piece, account.digest, *sorted(last[account.third][1]))),
        }
        for account in ours
        if account.third in last and account.digest not in last[account.third][1]
    ]


@dataclass(frozen=True)
class Elsewhere:
    """Another folder that has bordereaux of this flow: their numbers, and the page here of the first.

    `named`: whether the reader may know which folder it is. `second`: this flow is the second, and waits for a ruling.
    """

    folder: Folder
    numbers: tuple[str, ...]
    page: int
    named: bool
    second: bool


def elsewhere(db: Db, folder: Folder, but: Collection[int] = ()) -> list[Elsewhere]:
    """The folders, not given up, that have bordereaux of this flow too, those of the pages `but` left out.

    Of two on their way the second is the later deposited, and whichever is not signed once the other was signed or has
    left: never both leave without somebody who looked.
    """
    mine, other = sa.orm.aliased(FlowSlip), sa.orm.aliased(FlowSlip)
    query = (
        sa.select(mine.number, mine.page, Folder)
        .join(other, sa.and_(other.key == mine.key, other.collectivity_id == mine.collectivity_id))
        .join(Folder, Folder.id == other.folder_id)
        .where(mine.folder_id == folder.id, other.folder_id != folder.id, Folder.place != WITHDRAWN)
        .order_by(mine.rank, other.folder_id)
    )
    shared: dict[int, list[tuple[str, int]]] = {}
    folders: dict[int, Folder] = {}
    for number, page, there in db.execute(query):
        if page not in but:
            folders[there.id] = there
            shared.setdefault(there.id, []).append((number, page))
    named, gone = readable_among(db, list(folders)), engaged(db, folders.values())
    return [
        Elsewhere(
            folders[key],
            tuple(dict.fromkeys(number for number, _ in slips)),
            slips[0][1],
            key in named,
            key in gone
            or folders[key].phase == Phase.DONE
            or (folders[key].phase == Phase.RUNNING and key < folder.id),
        )
        for key, slips in shared.items()
    ]


def _insert(db: Db, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        db.execute(sa.insert(table), rows)


def _of_this_body(db: Db, folder: Folder, flow: Flow) -> None:
    siren = db.get_one(Collectivity, folder.collectivity_id).siren
    siret = flow.header.get("IdColl", "")
    if siret[:9] != siren:
        raise Refusal("flow-other-body", siret=siret or "absent", siren=siren)


def _claim(db: Db, folder: Folder, flow: Flow) -> None:
    """Give the name to this folder; that of a folder given up before it ever left is free again."""
    code, name = flow.header.get("CodCol", ""), flow.file_name
    known = db.scalar(sa.select(FlowName).where(FlowName.body_code == code, FlowName.file_name == name))
    if known is None:
        row = {"collectivity_id": folder.collectivity_id, "folder_id": folder.id}
        _insert(db, FlowName, [{**row, "body_code": code, "file_name": name}])
    elif known.folder_id != folder.id:
        holder = db.get_one(Folder, known.folder_id)
        if holder.place != WITHDRAWN or _left(db, holder.id):
            raise Refusal("flow-name-used", name=name, code=code)
        known.folder_id = folder.id


def _left(db: Db, folder_id: int) -> bool:
    """Whether the folder ever reached the step that sends it."""
    query = sa.select(sa.literal(1)).where(StepRun.folder_id == folder_id, StepRun.kind == "transmit")
    return db.scalar(query.limit(1)) is not None
