"""Who is told of a move: one row for each recipient, written with the move; what is said holds no content."""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from app.core.db import Db
from app.core.outbox import News
from app.folders.models import ASKED, Folder, StepRun
from app.folders.seats import Slot
from app.people.actor import Actor
from app.people.models import Holder, User
from workflows.circuit import Phase
from workflows.engine import Moved
from workflows.rights import allows
from workflows.vocabulary import Action, Outcome, Right

NOBODY = "nobody_may_act"
"""A folder waits at a desk where nobody may act: its depositor and the administrators are told at once."""
PARTIAL = "partly_taken"
SENT_BACK = "sent_back"
"""A folder went back to an earlier step: who deposited it and those who decided are told, but whoever it now awaits."""
INFORMED = "for_information"
"""A desk is told of a folder and has nothing to do."""
WITH_OTHERS = "dit avec d’autres dossiers, dans un seul courriel"
WITH_THE_REST = "dit avec le reste, dans un courriel de cette personne"
WITH_THE_ANSWER = "dit dans le courriel de l’avis rendu"
ELSEWHERE = (WITH_OTHERS, WITH_THE_REST, WITH_THE_ANSWER)
"""Why a letter did not leave that another has told: its reader was written all the same."""
TELLER = "teller"
"""The row of the letter that told it with others (`WITH_OTHERS`), as its own row keeps it."""
MISSED = "l’adresse de cette personne refuse les courriels : rien ne lui est rappelé tant qu’elle n’est ni changée ni confirmée"
"""Why a letter did not leave that its reader would have needed: no other has told it."""
RETURNED = "revenu : "
"""How the fault begins of a letter that a server took, and that came back later."""
YOUR_TURN, REFUSED, SIGNED, RECEIPT, DONE = "your_turn", "refused", "signed", "receipt_arrived", "done"


def news_of(
    db: Db,
    folder: Folder,
    moved: Moved,
    entered: tuple[Slot, ...],
    actor: Actor,
    *,
    informed: tuple[Slot, ...] = (),
    stuck: bool = False,
    ending: bool = False,
    partial: bool = False,
) -> list[News]:
    """The letters of a move: to those who are awaited, and to those who must know what became of the folder.

    `informed`: the desks that are told, whose people have nothing to do; who has another letter has none of it. `stuck`: too
    few people may act at the step that is entered, and whoever can mend it is told. `ending`: what is left of the circuit is
    done at once, so that the end alone is told. `partial`: of a folder that comes back, a part was taken.
    Who stands in for somebody at a part of the step is told in whose absence; who is away gets his letters when he is back,
    as far as they still ask something (`app/notices/letter.py`).
    One letter for a person: a receipt that makes it one's turn, or that leaves the folder where nobody may act, is told in
    the letter that says so (`turn`, `after`).
    """
    letters: dict[tuple[int, str], str | None] = {}
    absent: dict[int, str] = {}
    if moved.action.outcome is Outcome.REJECTED:
        involved = deciders(db, folder, folder.round)
        back = SENT_BACK if moved.action is Action.SEND_BACK else REFUSED
        letters = dict.fromkeys(((user_id, PARTIAL if partial else back) for user_id in involved), None)
    returned = {user_id for user_id, event in letters if event == SENT_BACK}
    for slot in entered:
        for person in slot.people:
            letters.pop((person.user_id, SENT_BACK), None)
            letters.setdefault((person.user_id, YOUR_TURN), person.email)
            if person.absent:
                absent.setdefault(person.user_id, person.absent)
    letters |= _informing(informed, {user_id for user_id, _ in letters})
    event, depositor = _for_depositor(moved), folder.depositor_user_id
    if event == SIGNED and ending:
        event = None
    asked = depositor is not None and (depositor, YOUR_TURN) in letters
    if event and depositor is not None and (event == RECEIPT or not asked):
        # A receipt that is also one's turn goes as a receipt: it stays news when somebody else has acted meanwhile.
        letters.setdefault((depositor, event), letters.pop((depositor, YOUR_TURN), None))
    news: dict[tuple[int, str], News] = {
        (user_id, event): _letter(
            folder,
            event,
            user_id,
            email,
            actor,
            turn=asked and event == RECEIPT,
            absent=absent.get(user_id, "") if event == YOUR_TURN else "",
            back=event == YOUR_TURN and user_id in returned,
        )
        for (user_id, event), email in letters.items()
        if user_id != actor.user_id
    }
    if not stuck:
        return list(news.values())
    after = {
        user_id: event
        for (user_id, event), one in news.items()
        if event in {SIGNED, RECEIPT} and "turn" not in one.payload
    }
    warned = nobody_may_act(db, folder, entered, actor.name, after)
    for one in warned:
        if "after" in one.payload:
            del news[one.payload["user_id"], one.payload["after"]]
    return [*news.values(), *warned]


def _informing(informed: Iterable[Slot], others: Collection[int]) -> dict[tuple[int, str], str | None]:
    """The letters to the desks that are told, but to those who have another one."""
    people = (person for slot in informed for person in slot.people if person.user_id not in others)
    return {(one.user_id, INFORMED): one.email for one in people}


def nobody_may_act(
    db: Db, folder: Folder, awaited: tuple[Slot, ...], by: str, after: Mapping[int, str] | None = None
) -> list[News]:
    """Tell the depositor and the administrators, whoever caused it, that nobody may act where the folder waits.

    An administrator reads no folder for that: his letter names the desk and leads to the mandates. `after`: what else the
    same move has to tell of the folder, by person; it is said in the same letter, whether it leads to the folder or to the
    mandates.
    """
    after, desks = after or {}, lacking_words(awaited)
    chiefs = set(
        db.scalars(
            sa.select(User.id).where(
                User.collectivity_id == folder.collectivity_id,
                User.administrator.is_(True),
                User.active.is_(True),
            )
        )
    )
    told = dict.fromkeys(correctors(db, folder), "")
    told |= dict.fromkeys(chiefs, "/administration/mandats")
    return [
        News(
            "mail",
            f"{NOBODY}-{folder.id}-{folder.version}-{user_id}",
            {
                "event": NOBODY,
                "user_id": user_id,
                "folder_id": folder.id,
                "by": by,
                "what": desks,
                **({"page": page} if page else {}),
                **({"after": after[user_id]} if user_id in after else {}),
            },
            folder.id,
        )
        for user_id, page in sorted(told.items())
    ]


def lacking_words(awaited: tuple[Slot, ...]) -> str:
    """The desks, of those that a step awaits, where nobody may act; all of them where each has somebody, and that is too few."""
    labels = [slot.label for slot in awaited if not slot.people]
    return " et ".join(labels or [slot.label for slot in awaited])


def _for_depositor(moved: Moved) -> str | None:
    if moved.phase is Phase.DONE and moved.action is not Action.WITHDRAW:
        return DONE
    if moved.action is Action.ACKNOWLEDGE:
        return RECEIPT
    return SIGNED if moved.action is Action.SIGN and moved.closed else None


def followers(db: Db, folder: Folder, round_number: int) -> set[int]:
    """Whoever acted in this round of the folder or gave an opinion that was asked, and who corrects it.

    That is the depositor, or the desk that he has left.
    """
    return _acted(db, folder, round_number) | correctors(db, folder)


def deciders(db: Db, folder: Folder, round_number: int) -> set[int]:
    """The same but for who gave an opinion that was asked beside a step: he decided nothing."""
    return _acted(db, folder, round_number, ~StepRun.slot.startswith(ASKED)) | correctors(db, folder)


def _acted(db: Db, folder: Folder, round_number: int, *more: sa.ColumnElement[bool]) -> set[int]:
    query = sa.select(StepRun.user_id).where(
        StepRun.folder_id == folder.id,
        StepRun.pass_number >= round_number * 1000,
        StepRun.pass_number < (round_number + 1) * 1000,
        StepRun.state == "done",
        *more,
    )
    return {user_id for user_id in db.scalars(query) if user_id is not None}


def correctors(db: Db, folder: Folder) -> set[int]:
    """Who would correct the folder if it came back: the depositor, else those of the desk that he has left."""
    query = (
        sa.select(Holder.user_id, Holder.rights)
        .join(User, User.id == Holder.user_id)
        .where(Holder.desk_id == folder.emitter_desk_id, User.active.is_(True))
    )
    able = {user_id for user_id, rights in db.execute(query) if allows(rights, Right.CREATE, *folder.of_type)}
    depositor = folder.depositor_user_id
    return {depositor} if depositor is not None and depositor in able else able


def _letter(
    folder: Folder,
    event: str,
    user_id: int,
    email: str | None,
    actor: Actor,
    *,
    turn: bool = False,
    absent: str = "",
    back: bool = False,
) -> News:
    key = f"{event}-{folder.id}-{folder.version}-{user_id}"
    payload = {"event": event, "user_id": user_id, "folder_id": folder.id, "by": actor.name}
    if turn:
        payload["turn"] = True
    if absent:
        payload["absent"] = absent
    if back:  # news of what he decided, which no rhythm keeps for later
        payload["back"] = True
    return News("mail", key, payload, folder.id, email)
