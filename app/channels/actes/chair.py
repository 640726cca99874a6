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
    kind = next((str(one) for one in values(folder.facts, "budget_kind") if one in ACCOUNTS), "")
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
        asked = (
            f"{law} Faites écrire qui a présidé (un rejet ramène le dossier à qui l’a déposé), ou vérifiez-le sur la "
            f"délibération jointe, et {pages}."
        )
        return "cfu-chair", f"{kind} : qui a présidé le vote ?", asked, ""
    # Another key than that of a vote that somebody else presided: who ruled on that one has not ruled on this
    if _is_mayor(chair, mayors):
        wrong = (
            f"{law} Or le dossier dit que {_named(chair)} a présidé : le vote peut être annulé. Si c’est une erreur de "
            "saisie, faites corriger ce nom (un rejet ramène le dossier) ; sinon faites voter de nouveau."
        )
        return "cfu-chair-mayor", f"{kind} présidé par le maire", wrong, chair
    if alike := next((one for one in mayors.values() if _alike(chair, one)), ""):
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
    whom = chair if chair and not _is_mayor(chair, mayors) else "qui a présidé"
    for step in _to_come(db, folder):
        try:
            slots = slots_of(db, folder, step, seats_alone=True)
        except Refusal:  # a desk that is missing: told elsewhere
            continue
        people = [one for slot in slots for one in slot.people]
        falls = dict.fromkeys(one.name for one in people if one.user_id in mayors)
        if falls:
            who = " ou ".join(falls)
            here = any(_plain(one.name) == _plain(chair) for one in people)
            sentence = (
                f"À l’étape « {step.label} », {who}, maire, signerait le {kind.lower()} de sa propre gestion. Faites signer "
                f"{whom}, {'qui le peut à cette étape' if here else 'par un circuit qui le demande'} ; ou dites à quel titre "
                "le maire signe."
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
        one.person
        for one in recorded
        if one.kind is Kind.MAYOR and not over(one, today()) and one.starts_on <= today()
    }
    people = db.scalars(
        sa.select(User)
        .where(User.collectivity_id == collectivity_id, User.active.is_(True))
        .order_by(User.id)
    )
    return {
        one.id: f"{one.first_name} {one.last_name}"
        for one in people
        if (one.id in holders if recorded else _MAYOR.fullmatch(one.capacity.strip()))
    }


def _is_mayor(chair: str, mayors: dict[int, str]) -> bool:
    """Whether it is the name of the mayor, or his office alone: « Le maire », « Mme la maire »."""
    words = _plain(chair)
    return words in map(_plain, mayors.values()) or (not words and "maire" in chair.casefold())


def _alike(chair: str, mayor: str) -> bool:
    """Whether it may be the mayor: his surname, an initial, his name among other words."""
    words, whole = _plain(chair), _plain(mayor)
    shorter = bool(words) and all(
        one in whole or (len(one) == 1 and any(word.startswith(one) for word in whole)) for one in words
    )
    return shorter or (bool(whole) and whole <= words)


def _named(chair: str) -> str:
    """« Armel Kervadec, maire, »; the office alone has no name to tell."""
    return f"{chair}, maire," if _plain(chair) else "le maire"


def _plain(words: str) -> frozenset[str]:
    """The words of a name, in any order, without case, accents or titles of courtesy."""
    bare = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().casefold()
    return frozenset(re.findall(r"[a-z]+", bare)) - {"m", "mme", "monsieur", "madame", "le", "la", "maire"}
