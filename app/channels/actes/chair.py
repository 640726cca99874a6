"""Who presided over the vote of an account: not the mayor, who leaves the room for it (CGCT L2121-14, BUD-04)."""

import re
import unicodedata
from collections.abc import Iterator

import sqlalchemy as sa

from app.channels.actes.budget import ACCOUNTS
from app.core.clock import today
from app.core.db import Db
from app.core.french import spaces
from app.core.refusals import Refusal
from app.display.timeline import planned_circuit
from app.folders.models import Folder
from app.folders.points import name
from app.folders.seats import slots_of
from app.folders.sockets import Caution
from app.people.mandates import mandates
from app.people.models import User
from workflows.circuit import Phase, Step, StepKind
from workflows.condition import values
from workflows.mandates import Kind, over

FIELD = "presided_by"
_MAYOR = re.compile(r"(?:l[ea] )?maire", re.IGNORECASE)


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What to look at in an account before deciding: who presided over its vote, and whether the mayor would sign it."""
    if folder.family != "budget" or folder.phase == Phase.DONE:
        return []
    kind = next((str(value) for value in values(folder.facts, "budget_kind") if value in ACCOUNTS), "")
    if not kind:
        return []
    mayors = _mayors(db, folder.collectivity_id)
    chair = str(folder.fields.get(FIELD) or "")
    by = frozenset(folder.sources.get("depositors", ()))
    return [
        Caution(key, spaces(title), spaces(sentence), about=name(key, kind, *made_of), by=by)
        for key, title, sentence, *made_of in (
            _presided(kind, chair, mayors),
            *_signed(db, folder, kind, chair, mayors),
        )
    ]


def _presided(kind: str, chair: str, mayors: dict[int, str]) -> tuple[str, ...]:
    law = "Le maire se retire au moment du vote de ses comptes, et un autre élu préside (CGCT L2121-14)."
    pages = "que la page des signatures porte celles de tous les conseillers, quel que soit leur vote"
    if not chair:
        sentence = (
            f"{law} Faites écrire qui a présidé (un rejet ramène le dossier à qui l’a déposé), ou vérifiez-le sur la "
            f"délibération jointe, et {pages}."
        )
        return "cfu-chair", f"{kind} : qui a présidé le vote ?", sentence, ""
    # Another key than that of a vote that somebody else presided: who ruled on that one has not ruled on this
    if _is_mayor(chair, mayors):
        wrong = (
            f"{law} Or le dossier dit que {_named(chair)} a présidé : le vote peut être annulé. Si c’est une erreur de "
            "saisie, faites corriger ce nom (un rejet ramène le dossier) ; sinon faites voter de nouveau."
        )
        return "cfu-chair-mayor", f"{kind} présidé par le maire", wrong, chair
    if alike := next((mayor for mayor in mayors.values() if _alike(chair, mayor)), ""):
        doubtful = (
            f"{law} Or le dossier dit que « {chair} » a présidé, et le maire est {alike}. Faites écrire le prénom et le nom de "
            "qui a présidé (un rejet ramène le dossier) ; si c’est le maire, le vote peut être annulé."
        )
        return "cfu-chair-mayor", f"{kind} présidé par le maire ?", doubtful, chair, alike
    named = f"{law} Vérifiez que la délibération jointe est signée par {chair}, et {pages}."
    return "cfu-chair", f"{kind} : vote présidé par {chair}", named, chair


def _signed(
    db: Db, folder: Folder, kind: str, chair: str, mayors: dict[int, str]
) -> Iterator[tuple[str, ...]]:
    """The signatures to come that fall on the mayor: the council's own chair signs what the council voted on his accounts."""
    signer = chair if chair and not _is_mayor(chair, mayors) else "qui a présidé"
    for step in _to_come(db, folder):
        try:
            slots = slots_of(db, folder, step, seats_alone=True)
        except Refusal:  # a desk that is missing: told elsewhere
            continue
        people = [person for slot in slots for person in slot.people]
        falls = dict.fromkeys(person.name for person in people if person.user_id in mayors)
        if falls:
            who = " ou ".join(falls)
            at_this_step = any(_plain(person.name) == _plain(chair) for person in people)
            sentence = (
                f"À l’étape « {step.label} », {who}, maire, signerait le {kind.lower()} de sa propre gestion. Faites signer "
                f"{signer}, {'qui le peut à cette étape' if at_this_step else 'par un circuit qui le demande'} ; "
                "ou dites à quel titre le maire signe."
            )
            yield "cfu-signature", f"{kind} : le maire signerait", sentence, step.key, chair, who


def _to_come(db: Db, folder: Folder) -> list[Step]:
    """The steps of signature that are still to come, the present one included."""
    route = planned_circuit(db, folder).applicable(folder.facts)
    keys = [step.key for step in route]
    start = keys.index(folder.place) if folder.phase == Phase.RUNNING and folder.place in keys else 0
    return [step for step in route[start:] if step.kind == StepKind.SIGN]


def _mayors(db: Db, collectivity_id: int) -> dict[int, str]:
    """Who is mayor today, by account: by a mandate where mandates are recorded, else by what an account says of its person."""
    recorded = mandates(db)
    holders = {
        mandate.person
        for mandate in recorded
        if mandate.kind is Kind.MAYOR and not over(mandate, today()) and mandate.starts_on <= today()
    }
    people = db.scalars(
        sa.select(User)
        .where(User.collectivity_id == collectivity_id, User.active.is_(True))
        .order_by(User.id)
    )
    return {
        user.id: f"{user.first_name} {user.last_name}"
        for user in people
        if (user.id in holders if recorded else _MAYOR.fullmatch(user.capacity.strip()))
    }


def _is_mayor(chair: str, mayors: dict[int, str]) -> bool:
    """Whether it is the name of the mayor, or his office alone: « Le maire », « Mme la maire »."""
    parts = _plain(chair)
    return parts in map(_plain, mayors.values()) or (not parts and "maire" in chair.casefold())


def _alike(chair: str, mayor: str) -> bool:
    """Whether it may be the mayor: his surname, an initial, his name among other words."""
    parts, whole = _plain(chair), _plain(mayor)
    shorter = bool(parts) and all(
        part in whole or (len(part) == 1 and any(word.startswith(part) for word in whole)) for part in parts
    )
    return shorter or (bool(whole) and whole <= parts)


def _named(chair: str) -> str:
    """« Armel Kervadec, maire, »; the office alone has no name to tell."""
    return f"{chair}, maire," if _plain(chair) else "le maire"


def _plain(text: str) -> frozenset[str]:
    """The words of a name, in any order, without case, accents or titles of courtesy."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return frozenset(re.findall(r"[a-z]+", bare)) - {"m", "mme", "monsieur", "madame", "le", "la", "maire"}
