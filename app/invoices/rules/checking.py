"""The published rules of an invoice's data, run once for each file, by the worker, and told as warnings.

The reading waits for nothing of this: it is asked once the words of the documents are read (`ask`), run in a process of its own
(`app/invoices/rules/reader.py`), and kept in `Folder.sources` under `RULES`, which goes with the document. What could not be run
is told as such, and never as a rule that is kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import Later, News, Row, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.files.confined import Confined, Ended, Limits
from app.folders.models import Document, DocumentVersion, Folder
from app.invoices.history import FAMILY
from app.people.actor import Actor, system
from app.people.models import Collectivity
from workflows.circuit import Phase

KIND = "invoice.rules"
"""The row of the outbox that has the rules of an invoice run."""
RULES = "rules"
"""In `Folder.sources`: what the published rules say of the data of an invoice."""
LIMITS = Limits(cpu_seconds=60, seconds=90.0, memory=1 << 40, written=0)
"""Addresses are not bounded here, which Saxon reserves by the tens of gigabytes; what it writes to is, by `MEGABYTES`."""
MEGABYTES = 1024
TRIES, AGAIN = 3, 600.0
"""How often data whose rules could not be run are tried at most, and after so many seconds."""
ASKED, CHECKED, FAILED = "asked", "checked", "failed"
LASTING = frozenset({"large", "unread", "value"})
"""Why the rules of data cannot be run, this time or another."""
FORGOTTEN = timedelta(hours=12)
"""After so long without an answer a night asks again."""
PORTION = 500
REMEMBERED = 100
"""Files of which this process remembers what was found."""
_judged: dict[str, dict[str, Any]] = {}
OWN = "invoice-data"
"""The doubts in which the reading tells the rules that it knows itself (`app/invoices/plugs.py`)."""
_QUOTED = re.compile("«.*»", re.DOTALL)
_NAMED = re.compile(r"\bBR-(?:[A-Z]+-)*\d+")
_room = Confined("app.invoices.rules.reader")


@dataclass(frozen=True)
class _Source:
    """The data of an invoice, and what its deposit said of them beside the main document."""

    sha256: str
    remarks: tuple[str, ...]


def ask(db: Db, folder: Folder) -> None:
    """Have the rules of an invoice run soon, once for each of its files; of one that has no data, or is done, none."""
    if folder.sources.get("read") and RULES not in folder.sources and folder.phase != Phase.DONE:
        _post(db, folder)


def _post(db: Db, folder: Folder) -> None:
    folder.sources = {**folder.sources, RULES: {"state": ASKED, "at": now().isoformat()}}
    post(db, folder.collectivity_id, [News(KIND, f"{KIND}-{folder.id}-{token_hex(6)}", {}, folder.id)])


def work(row: Row) -> None:
    """The handler: what could not be run is told, and tried again a little later."""
    if row.folder_id is None:
        return
    actor = system(row.collectivity_id)
    with reading(row.collectivity_id) as db:
        source = _source(db, row.folder_id)
    if source is None:
        return
    outcome = _outcome(row.collectivity_id, source.sha256)
    keep(actor, row.folder_id, source, outcome)
    # By its age: to wait is no try, and data that end their reader would be tried for ever
    passing = outcome["state"] == FAILED and outcome["why"] not in LASTING
    if passing and now() - row.created_at < timedelta(seconds=AGAIN * (TRIES - 1)):
        raise Later(AGAIN, "les règles de la facture n’ont pas pu être vérifiées")


def _outcome(collectivity_id: int, sha256: str) -> dict[str, Any]:
    """What the rules say of these bytes, run once for a file that comes several times."""
    if sha256 in _judged:
        return _judged[sha256]
    try:
        with vault.local(collectivity_id, sha256) as path:
            outcome = judge(path)
    except Refusal:  # its bytes are lost: the doctor tells it
        return {"state": FAILED, "why": "lost"}
    if outcome["state"] == CHECKED:
        if len(_judged) >= REMEMBERED:
            _judged.clear()
        _judged[sha256] = outcome
    return outcome


def judge(path: Path) -> dict[str, Any]:
    """Which published rules the data in a file break, or why nobody can tell."""
    content = _answer({"path": str(path.resolve())})
    if "unable" in content:
        return {"state": FAILED, "why": content["unable"]}
    return {"state": CHECKED, **content}


def serving() -> tuple[str, str]:
    """The version of what runs the rules on this machine, then in one word why it does not; one of them is empty."""
    content = _answer({})
    return str(content.get("version", "")), str(content.get("unable", ""))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    try:
        return _room.ask({**question, "megabytes": MEGABYTES}, LIMITS).content
    except Ended as ended:
        return {"unable": "late" if ended.late else "ended"}
    except Refusal:  # no process starts
        return {"unable": "silent"}


def _source(db: Db, folder_id: int) -> _Source | None:
    """The last version of the data that came inside of the main document, or of the data that are the invoice."""
    query = (
        sa.select(Document.role, DocumentVersion.sha256, DocumentVersion.media_type, DocumentVersion.note)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Document.folder_id == folder_id,
            Document.removed_at.is_(None),
            Document.role.in_(("main", "original", "data")),
            DocumentVersion.origin != "signed",
        )
        .order_by(DocumentVersion.document_id, DocumentVersion.number)
    )
    # What an annex was converted from is an original too, and no data
    last = {
        row.role: row for row in db.execute(query) if row.role == "main" or row.media_type.endswith("xml")
    }
    data = last.get("data") or last.get("original")
    if data is None:
        return None
    return _Source(data.sha256, tuple(last["main"].note.get("remarks", ())) if "main" in last else ())


@use_case
def keep(db: Db, actor: Actor, folder_id: int, source: _Source, outcome: Mapping[str, Any]) -> None:
    """Keep what was found, as long as the file is still that of the folder."""
    query = sa.select(Folder).where(Folder.id == folder_id, Folder.collectivity_id == actor.collectivity_id)
    folder = db.scalar(query.with_for_update())
    current = _source(db, folder_id) if folder is not None else None
    if folder is None or current is None or current.sha256 != source.sha256:
        return
    folder.sources = {
        **folder.sources,
        RULES: {
            **outcome,
            "of": source.sha256,
            "at": now().isoformat(),
            "told": told_already(outcome, current.remarks, folder.sources.get("doubts", ())),
        },
    }


def told_already(
    outcome: Mapping[str, Any], remarks: Iterable[str], doubts: Iterable[Mapping[str, Any]]
) -> list[str]:
    """The broken rules of which the reading of the file told in its own sentences, with the amounts."""
    from app.invoices.rules.wording import core

    # What others wrote tells no rule: an attachment or a number may be called as one
    sentences = [*remarks, *(str(doubt["sentence"]) for doubt in doubts if doubt["key"] == OWN)]
    text = " ".join(_QUOTED.sub("", sentence) for sentence in sentences)
    named, built = set(_NAMED.findall(text)), "schéma de leur profil" in text
    return [
        fault["rule"]
        for fault in outcome.get("broken", ())
        if {fault["rule"], core(fault["rule"])} & named or (built and "must occur" in fault["text"])
    ]


def nightly() -> None:
    """Ask again for the invoices in hand of which nothing is known: deposited before, or whose row came to nothing."""
    with reading() as db:
        everywhere = list(db.scalars(sa.select(Collectivity.id).order_by(Collectivity.id)))
    for collectivity_id in everywhere:
        _ask_again(system(collectivity_id))


@use_case
def _ask_again(db: Db, actor: Actor) -> None:
    query = (
        sa.select(Folder)
        .where(
            Folder.collectivity_id == actor.collectivity_id,
            Folder.phase != Phase.DONE,
            Folder.family == FAMILY,
        )
        .order_by(Folder.id.desc())
        .with_for_update(skip_locked=True)
    )
    posted = 0
    for folder in db.scalars(query):
        if folder.sources.get("read") and _unknown(folder.sources.get(RULES)):
            _post(db, folder)
            posted += 1
        if posted == PORTION:
            return


def _unknown(outcome: Mapping[str, Any] | None) -> bool:
    if outcome is None:
        return True
    return outcome["state"] == ASKED and now() - datetime.fromisoformat(outcome["at"]) > FORGOTTEN
