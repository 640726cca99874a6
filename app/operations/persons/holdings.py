"""All that the installation keeps about one person, for himself (RGPD 15): what is secret is said to be there, never shown."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Base, Db
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.journal.origins import as_read
from app.operations.trace import address
from app.people.models import Collectivity, User
from app.people.persons import person_of, works_elsewhere

ACCOUNT = (
    "login",
    "email",
    "first_name",
    "last_name",
    "capacity",
    "administrator",
    "branch_id",
    "active",
    "theme",
    "shortcuts",
    "take_back_seconds",
    "compact",
    "columns_off",
    "arrived",
    "signing_guide",
    "rhythm",
    "rhythm_minute",
    "rhythm_since",
    "rhythm_types",
    "mail_refusals",
    "agenda_since",
    "agenda_read_at",
    "created_at",
)
HELD: Mapping[str, tuple[str, ...]] = {
    "holder.user_id": ("desk_id", "rights"),
    "former_name.user_id": ("first_name", "last_name", "until"),
    "posted_form.user_id": ("folder_id", "created_at"),
    "planned_closing.user_id": ("closes_at", "reason", "planned_at", "refused_at", "refused"),
    "planned_closing.planned_by_id": ("closes_at", "planned_at", "refused_at"),
    "mandate.user_id": (
        "kind", "title", "order_number", "order_date", "starts_on", "ends_on", "families", "matters", "ceiling_cents",
        "elected", "accredited_on", "created_at", "created_by", "ended_at", "ended_by",
    ),
    "login_session.user_id": (
        "created_at", "seen_at", "expires_at", "revoked_at", "address", "client", "opened_by", "proven_at", "proven_by",
    ),
    "password_reset.user_id": ("expires_at", "used_at"),
    "factor_reset.user_id": ("reason", "asked_at", "settled_by", "settled_at", "done"),
    "factor_reset.asked_by_id": ("reason", "asked_at", "settled_by", "settled_at", "done"),
    "certificate.user_id": (
        "subject", "issuer", "serial", "fingerprint", "purpose", "not_after", "enrolled_at", "enrolled_by", "proof",
        "confirmed_at", "confirmed_by", "withdrawn_at", "withdrawn_by", "withdrawn_reason", "ended_at", "ended_by",
        "ended_reason",
    ),
    "possession_challenge.user_id": ("purpose", "expires_at", "used_at"),
    "remote_request.user_id": ("credential", "status", "created_at", "expires_at"),
    "signature_session.user_id": ("folder_id", "capacity", "address", "state", "created_at"),
    "refusal_tally.user_id": ("minute_at", "written", "unwritten", "window_at", "count", "alerted_at"),
    "handwritten_image.user_id": ("kept_at", "png"),
    "folder.depositor_user_id": ("id", "family", "created_at"),
    "favourite.user_id": ("kind", "value"),
    "saved_view.user_id": ("name", "page", "asked", "desk_id"),
    "step_run.user_id": ("folder_id", "step", "kind", "state", "entered_at", "ended_at", "capacity"),
    "step_run.named_user_id": ("folder_id", "step", "kind", "state", "entered_at"),
    "asked_opinion.asked_by_id": ("folder_id", "desk", "waits", "wanted_on"),
    "folder_note.user_id": ("folder_id", "reach", "words", "written_at", "settled_by", "settled_at"),
    "reading.user_id": ("folder_id", "first_at"),
    "document_seen.user_id": ("folder_id", "seen_at"),
    "carried_folder.user_id": ("folder_id", "client", "carried_at", "until"),
    "supplier_account.user_id": ("name", "siren", "state", "source", "folder_id", "at"),
    "supplier.user_id": ("name", "siren", "vat", "reason", "at"),
    "order_mail.user_id": ("folder_id", "address", "state", "answer", "asked_at", "ended_at", "returned", "returned_at"),
    "order_delivery.user_id": ("folder_id", "day", "quantities", "note", "reason", "at"),
    "absence.user_id": ("starts_at", "ends_at", "desk_id", "types", "acts", "letters", "set_by", "set_at"),
    "absence.cover_id": ("starts_at", "ends_at", "acts", "set_by", "set_at"),
    "secretary.user_id": ("secretary_id",),
    "secretary.secretary_id": ("user_id",),
    "bounce.user_id": ("folder_id", "at", "returned", "permanent", "reply"),
    "batch.user_id": ("kind", "address", "created_at", "started_at", "ended_at"),
}  # fmt: skip
"""Each column that names an account, and what is given of its rows; hashes, keys and others' words are not."""
ENTERS: Mapping[str, tuple[str, ...]] = {
    "factor.person_id": ("kind", "name", "created_at", "used_at", "synced", "removed_at", "removed_by"),
    "recovery_code.person_id": ("created_at", "used_at"),
    "identity_challenge.person_id": ("purpose", "expires_at", "used_at"),
}
"""The same of each column that names who enters by the account; which accounts he has is in no collectivity's part."""
LEFT_TO_THE_DESKS = frozenset({"family", "step", "words"})
"""What an administrator is not told of a folder that he may not read: which numbers are payroll's, first, and what notes say."""
OF_ITS_OWNER = frozenset({"png"})
"""The image of a handwritten signature, which serves its owner alone: somebody else's file says that it is kept."""
SECRETS = (
    "mot de passe (haché)",
    "jetons et codes de secours (hachés)",
    "adresse secrète de l’agenda (hachée)",
    "secrets et clés publiques des facteurs (scellés)",
)
ELSEWHERE = (
    "Le nom d’une personne écrit dans un document, un titre, un commentaire ou un courriel d’un autre n’est pas cherché ici :"
    " demandez-le au bureau qui tient ces dossiers.",
    "Les journaux techniques du serveur et du mandataire sont chez l’hébergeur.",
)
SHORTENED = (
    "D’un dossier, seuls sont donnés son numéro, le moment et l’acte : un administrateur ne lit pas les dossiers. La commande"
    " « person export » donne les écritures entières."
)
NOT_HERS = (
    "Cette personne travaille aussi pour une autre collectivité : ce par quoi elle se connecte n’est d’aucune des deux, et n’est"
    " donné qu’à elle, sur « Mon compte », ou par la commande « person export »."
)
NO_IMAGE = (
    "L’image de la signature manuscrite, s’il y en a une, n’est donnée qu’à la personne : sur « Mon compte », ou par la commande"
    " « person export »."
)


def account_of(db: Db, collectivity_id: int, login: str) -> User:
    """The account of that login, open or closed; refuses `user-unknown`."""
    row = db.scalar(
        sa.select(User).where(User.collectivity_id == collectivity_id, User.login == login.strip().lower())
    )
    if row is None:
        raise Refusal("user-unknown", login=login)
    return row


def kept_about(db: Db, user: User, *, whole: bool, image: bool) -> dict[str, Any]:
    """What is kept about a person, as JSON values; `whole`: with the facts of his lines in the journal of folders.

    `image`: with that of his handwritten signature, and with what he enters by where it serves another collectivity too: it
    is for himself, or for who runs the installation, and no more of an account that is closed.
    """
    enters = person_of(db, user)
    shared = works_elsewhere(db, user) and not (image and user.active)
    hidden = (frozenset() if whole else LEFT_TO_THE_DESKS) | (frozenset() if image else OF_ITS_OWNER)
    collectivity = db.get_one(Collectivity, user.collectivity_id)
    return {
        "person": {name: _plain(getattr(user, name)) for name in ACCOUNT},
        "enters": {"login": enters.login, "email": enters.email} if enters is not None and not shared else {},
        "collectivity": {"name": collectivity.name, "siren": collectivity.siren},
        "made_at": now().isoformat(),
        "secret": {
            "never_given": list(SECRETS),
            "password": enters is not None and bool(enters.password_hash),
        },
        "not_here": [
            *ELSEWHERE,
            *([] if whole else [SHORTENED]),
            *([] if image else [NO_IMAGE]),
            *([NOT_HERS] if shared else []),
        ],
        "kept": {place: rows for place in HELD if (rows := _rows(db, place, user.id, hidden))}
        | {
            place: rows
            for place in ENTERS
            if enters is not None and not shared and (rows := _rows(db, place, enters.id, hidden))
        },
        "letters": _letters(db, user),
        "journal": _journal(db, user, whole=whole),
    }


def text(holdings: Mapping[str, Any]) -> str:
    """The same, as the file that is given."""
    return json.dumps(holdings, ensure_ascii=False, indent=2) + "\n"


def _rows(db: Db, place: str, number: int, hidden: frozenset[str]) -> list[dict[str, Any]]:
    name, _, column = place.partition(".")
    table = Base.metadata.tables[name]
    names = [name for name in {**HELD, **ENTERS}[place] if name not in hidden]
    query = sa.select(*(table.c[name] for name in names)).where(table.c[column] == number)
    rows = db.execute(query.order_by(*table.primary_key.columns))
    return [{key: _plain(value) for key, value in row.items()} for row in rows.mappings()]


def _letters(db: Db, user: User) -> list[dict[str, Any]]:
    """What was written to him, without its links, and how far it went."""
    query = (
        sa.select(Outbox)
        .where(
            Outbox.collectivity_id == user.collectivity_id,
            Outbox.kind == "mail",
            Outbox.payload["user_id"].as_integer() == user.id,
        )
        .order_by(Outbox.id)
    )
    return [
        {
            "about": row.payload.get("event"),
            "folder_id": row.folder_id,
            "recipient": row.recipient,
            "state": row.state,
            "created_at": _plain(row.created_at),
            "done_at": _plain(row.done_at),
        }
        for row in db.scalars(query)
    ]


def _journal(db: Db, user: User, *, whole: bool) -> list[dict[str, Any]]:
    """His own lines, and those of no folder that are about him, in their order."""
    own = JournalEntry.user_id == user.id
    apart = sa.and_(
        sa.text("folder_id IS NULL"),
        sa.or_(*(JournalEntry.facts.contains(f'"{key}":{user.id}') for key in ("whose", "user"))),
    )
    entries: dict[int, JournalEntry] = {}
    for condition in (own, apart):
        query = sa.select(JournalEntry).where(JournalEntry.collectivity_id == user.collectivity_id, condition)
        entries |= {row.seq: row for row in db.scalars(query)}
    his = [row for _, row in sorted(entries.items()) if row.user_id == user.id or user.id in _about(row)]
    return [_line(row, facts, whole=whole) for row, facts in as_read(db, his)]


def _about(row: JournalEntry) -> set[Any]:
    facts = json.loads(row.facts)
    return {facts.get("whose"), facts.get("user")}


def _line(row: JournalEntry, facts: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """A line with what `as_read` says of it; of an address that went, when."""
    line = {"seq": row.seq, "at": row.at, "who": row.who, "event": row.event, "folder_id": row.folder_id}
    if where := address(facts):
        facts["address"] = where
    facts.pop("erased_at", None)
    if whole or row.folder_id is None:
        return {**line, "facts": facts}
    return {**line, "address": where} if where else line


def _plain(value: object) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else value
