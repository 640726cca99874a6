"""What the words of an invoice's documents tell, once they were read: the same page in another file, accounts on papers.

Since the reform a change of account may reach the town as a paper added to the invoice, and nothing else (rule INV-21).
"""

import re
from collections.abc import Iterator
from hashlib import sha256

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import spaces
from app.folders.models import Document, DocumentVersion, DocumentWords, Folder
from app.folders.sockets import Caution, is_open
from app.invoices.accounts import MENTIONED, deciding_apart
from app.invoices.checks import compact, good_iban
from app.invoices.history import RULE_FIRST, WORDS, keep_words, paid
from app.invoices.known import account_of, ends, identities, known_for, rows_about
from workflows.circuit import Phase
from workflows.condition import values
from workflows.family import Problem

SHORTEST = 200
"""Fewer signs are a heading that many invoices may share."""
MOST = 10
ON_PAPER = "account-on-paper"
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ .-]?[A-Z0-9]){11,30}")
_FRENCH = 27


def take(db: Db, folder: Folder) -> None:
    """Keep what the documents of an invoice tell, in the transaction that writes their words."""
    query = (
        sa.select(Document.role, DocumentWords.text, DocumentWords.recognised, DocumentVersion.sha256)
        .join(Document, Document.id == DocumentWords.document_id)
        .join(DocumentVersion, DocumentVersion.id == DocumentWords.version_id)
        .where(
            DocumentWords.folder_id == folder.id, DocumentWords.state == "read", Document.removed_at.is_(None)
        )
        .order_by(DocumentWords.document_id)
    )
    page_words = ""
    mentioned: dict[str, list[str]] = {"page": [], "papers": []}
    for role, text, recognised, fingerprint in db.execute(query):
        if (
            role == "main"
            and not recognised
            and len(text) >= SHORTEST
            and not _deposited_before(db, folder, fingerprint)
        ):
            page_words = sha256(" ".join(text.split()).encode()).hexdigest()
        if role in {"main", "attachment"}:
            place = mentioned["page" if role == "main" else "papers"]
            place += [iban for iban in dict.fromkeys(accounts_in(text)) if iban not in place][
                : MOST - len(place)
            ]
    wanted = {WORDS: page_words, MENTIONED: mentioned}
    if any(folder.sources.get(key) != value for key, value in wanted.items()):
        folder.sources = {**folder.sources, **wanted}
        keep_words(db, folder, page_words)


def _deposited_before(db: Db, folder: Folder, fingerprint: str) -> bool:
    """Whether an earlier folder has these very bytes: it is known by them, and its words tell nothing more."""
    query = (
        sa.select(Document.id)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .where(DocumentVersion.sha256 == fingerprint, Document.folder_id < folder.id)
    )
    return db.scalar(query.limit(1)) is not None


def accounts_in(text: str) -> Iterator[str]:
    """The bank accounts that a text names, with their right keys."""
    for match in _ACCOUNT.finditer(text.upper()):
        written = re.sub("[.-]", "", compact(match[0]))
        # What follows an account on its line may look like more of it: of a French one the length is known
        for candidate in (written, written[:_FRENCH]):
            if good_iban(candidate):
                yield candidate
                break


def mentioned(folder: Folder) -> list[str]:
    """All the accounts that the page of an invoice and its papers name."""
    places = folder.sources.get(MENTIONED) or {}
    return [*places.get("page", ()), *places.get("papers", ())]


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """The accounts that a page or a paper names, and that are neither the invoice's nor known for its supplier."""
    mentioned = folder.sources.get(MENTIONED) or {}
    page, papers = mentioned.get("page", ()), mentioned.get("papers", ())
    if folder.phase == Phase.DONE or not (page or papers):
        return []
    stated = {compact(str(text or "")) for text in values(folder.facts, "iban")} - {""}
    # Of an invoice without data the page is compared by `app/invoices/proposals.py`, and what was recognised on it
    unlike = (
        [iban for iban in page if stated and not stated & set(page)] if folder.sources.get("read") else []
    )
    added = [iban for iban in papers if iban not in stated and iban not in page]
    if not (unlike or added):
        return []
    known = _known(db, folder, [*unlike, *added])
    by = deciding_apart(folder)
    return [
        *(
            Caution(
                "account-on-page",
                "Le compte de la page diffère",
                spaces(
                    f"La page porte le compte {ends(iban)}, et la facture {', '.join(map(ends, sorted(stated)))}. Comparez les "
                    "deux, et demandez au fournisseur, à un numéro connu, lequel est le sien."
                ),
                about=f"account-on-page:{sha256(iban.encode()).hexdigest()[:12]}",
                by=by,
            )
            for iban in unlike
        ),
        *(
            Caution(
                ON_PAPER,
                "Un compte dans une pièce jointe",
                spaces(
                    f"Une pièce porte le compte {ends(iban)}, que la facture n’a pas et qui n’est pas connu pour ce fournisseur "
                    ": c’est peut-être un changement de compte. Ouvrez la pièce, et demandez au fournisseur à un numéro connu."
                ),
                about=f"account-on-paper:{sha256(iban.encode()).hexdigest()[:12]}",
                by=by,
                grave=True,
            )
            for iban in added
            if iban not in known
        ),
    ]


def to_rule(db: Db, folder: Folder) -> list[Problem]:
    """What stands before the signature: an account that came on a paper alone, until who did not deposit it rules."""
    return [
        Problem("account-on-paper", "iban", spaces(f"« {caution.title} » : {RULE_FIRST}"))
        for caution in cautions(db, folder)
        if caution.key == ON_PAPER and is_open(folder, caution)
    ]


def _known(db: Db, folder: Folder, ibans: list[str]) -> set[str]:
    ways, settled, rows = identities(folder.facts), paid(db, folder), rows_about(db, folder, ibans)
    accounts = {iban for way in ways for iban in known_for(way, rows, settled)}
    return accounts | {account_of(invoice) for invoice in settled}
