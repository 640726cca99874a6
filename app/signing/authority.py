"""As what a person may sign a folder, here and now: the one question that prepare, complete and `record` ask alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from app.core.clock import today
from app.core.db import Db
from app.core.grammar import de
from app.core.questions import gathering, keep, once
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders.facts import act_of
from app.folders.models import Folder
from app.folders.move import Present, cover_of, lacking_words, not_your_turn, part_of, present, read_present
from app.people.actor import Actor
from app.people.mandates import held_key, mandates, recorded
from app.signing.models import SignatureSession
from workflows.mandates import Mandate, fitting, words
from workflows.vocabulary import Right


@dataclass(frozen=True)
class Authority:
    """In which capacity a person signs: the exact words of the act, and the mandate behind them.

    No mandate: the person signs in his or her own capacity. `facts`: what the journal keeps beside the words. `absent`: in
    whose absence, empty for a part of one's own.
    """

    wording: str
    mandate_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    absent: str = ""

    @property
    def shown(self) -> "Wording":
        """What a page says of it."""
        return Wording(self.wording, self.absent)


class Part(Protocol):
    """The part of a step that somebody signs."""

    @property
    def named_user_id(self) -> int | None:
        """The person whom the folder names for this part, if it waits for a person rather than a desk."""

    @property
    def desk_id(self) -> int | None:
        """The desk where it waits, if it waits for a desk."""


def offered(db: Db, actor: Actor, folder: Folder, part: Part, *, lock: bool = False) -> tuple[Authority, ...]:
    """As what the actor may sign this part of this folder today, the strongest first; never empty.

    In one's own capacity where the folder names the person (a sitting's secretary, CGCT L2121-23), and as long as the
    collectivity has recorded no mandate (docs/decisions/0015). Else by a mandate: refuses as the law does
    (`workflows.mandates.fitting`), and `cover-mandate` in somebody's absence, whom nobody signs for without a mandate of his
    own, recorded or not. With `lock`, no mandate can be ended before the caller's transaction is.
    """
    cover = actor.cover_at(part.desk_id, Right.SIGN, folder.of_type)
    if cover is None and (part.named_user_id is not None or not recorded(db, folder.collectivity_id)):
        return (Authority(actor.capacity),)
    own_mandates = mandates(db, actor.user_id, lock=lock) if actor.user_id is not None else []
    try:
        absent = cover.absent if cover is not None else ""
        return tuple(
            _authority(mandate, absent) for mandate in fitting(own_mandates, act_of(folder), today())
        )
    except Refusal as refusal:
        if cover is None:
            raise
        raise Refusal("cover-mandate", absent=cover.absent, details=lacking_words(refusal)) from refusal


def capacities(db: Db, actor: Actor, folder: Folder, position: Present) -> tuple[Authority, ...]:
    """As what the actor may sign where the folder stands, for a page; refuses as `offered` does, and `not-your-turn`."""
    slot = part_of(db, folder, position, actor)
    part = next((run for run in position.runs if run.slot == slot), None)
    if part is None:
        raise not_your_turn(db, actor, folder, position)
    return offered(db, actor, folder, part)


def absent_of(db: Db, actor: Actor, folder: Folder, position: Present) -> str:
    """In whose absence the actor would sign where the folder stands; empty for a part of his own."""
    under = cover_of(db, actor, folder, position)
    return under.absent if under is not None else ""


class Wording(NamedTuple):
    """In which words somebody would sign a folder, and in whose absence, empty for a part of his own.

    No words at all: a page had none to say.
    """

    capacity: str
    absent: str = ""

    def announced(self) -> str:
        """How a sentence repeats what a page said; empty of who signed nothing as the page was, or at the click."""
        under = f", en l’absence {de(self.absent)}" if self.absent else ""
        return f", qui annonçait la mention « {self.capacity} »{under}" if self.capacity else ""

    def refuse_other(self, authority: Authority) -> None:
        """Refuse `mandate-changed` where one would sign in other words than these, which were read before the click."""
        if authority.shown != self:
            raise Refusal("mandate-changed", words=self.announced())


def wordings_of(db: Db, actor: Actor, folders: Sequence[Folder]) -> dict[int, Wording]:
    """In which words the actor would sign each folder that awaits him or her, by folder; nothing for one that may not be signed.

    Those of the strongest capacity, at the part that signing takes; as many statements however many folders have one part.
    """
    numbers = frozenset(folder.id for folder in folders)
    return once(db, ("wordings", actor.user_id, numbers), lambda: _wordings(db, actor, folders))


def _wordings(db: Db, actor: Actor, folders: Sequence[Folder]) -> dict[int, Wording]:
    wordings = {}
    with gathering(db):
        read_present(db, folders)
        if actor.user_id is not None and folders and recorded(db, folders[0].collectivity_id):
            keep(db, held_key(actor.user_id), mandates(db, actor.user_id))
        for folder in folders:
            position = present(db, folder)
            try:
                slot = part_of(db, folder, position, actor)
                part = next((run for run in position.runs if run.slot == slot), None)
                if part is not None:
                    wordings[folder.id] = offered(db, actor, folder, part)[0].shown
            except Refusal:  # told of this folder alone, when it is its turn
                continue
    return wordings


def quality(db: Db, actor: Actor, folder: Folder, position: Present) -> tuple[str, str]:
    """The words of the strongest capacity, or the French sentence that says why there is none."""
    try:
        return capacities(db, actor, folder, position)[0].wording, ""
    except Refusal as refusal:
        return "", sentences.say(refusal.key, refusal.facts)[1]


def chosen(db: Db, actor: Actor, folder: Folder, part: Part, mandate_id: int | None) -> Authority:
    """The capacity that the signer chose among those that are offered; the strongest when he chose none.

    Refuses `mandate-not-offered`: another person's mandate, or one that does not fit this folder.
    """
    authorities = offered(db, actor, folder, part)
    if mandate_id is None:
        return authorities[0]
    for authority in authorities:
        if authority.mandate_id == mandate_id:
            return authority
    raise Refusal("mandate-not-offered")


def still(
    db: Db, actor: Actor, folder: Folder, session: SignatureSession, position: Present, *, lock: bool = False
) -> Authority:
    """The capacity in which a signature was prepared, if it may still be made in it where the folder stands (`position`).

    Refuses as `offered` does; `mandate-lost` when the person may sign now, but no more in the words that the prepared file
    already bears; and `mandate-changed` when he would sign another part of the step, or in the absence of somebody else, than
    was prepared: a cover may have begun or ended meanwhile, and a colleague who left may need the part that was prepared.
    """
    shown = Wording(session.capacity, session.absent or "")
    slot = part_of(db, folder, position, actor, prepared_part(position, session))
    part = next((run for run in position.runs if run.slot == slot), None)
    if part is None or part.id != session.step_run_id:
        raise Refusal("mandate-changed", words=shown.announced())
    for authority in offered(db, actor, folder, part, lock=lock):
        if (authority.mandate_id, authority.wording) == (session.mandate_id, session.capacity):
            if session.absent is not None:  # kept since 0143
                shown.refuse_other(authority)
            return authority
    raise Refusal("mandate-lost", words=session.capacity)


def prepared_part(position: Present, session: SignatureSession) -> str | None:
    """The part of the step for which a signature was prepared, as the folder has it where it stands; None of any other step."""
    return next((run.slot for run in position.runs if run.id == session.step_run_id), None)


def _authority(mandate: Mandate, absent: str) -> Authority:
    facts = {"mandate": mandate.id, **({"order": mandate.order_number} if mandate.order_number else {})}
    return Authority(words(mandate), mandate.id, facts, absent)
