"""What a change of a desk would stop, told before it is written: rights taken back or limited, another superior."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.circuits.library import parted
from app.core.clock import now
from app.core.db import Db
from app.core.french import instant, spaces
from app.core.grammar import plural
from app.folders.models import Folder
from app.folders.seats import Seated
from app.operations.desks import closing, stranded, views
from app.operations.desks.stranded import Touched
from app.operations.desks.views import DeskView, Use
from app.people.covers import away_at, until
from app.people.mandates import mandates
from app.people.places import Place, Places
from workflows.circuit import Circuit
from workflows.rights import NONE as NO_RIGHTS
from workflows.rights import Rights
from workflows.vocabulary import Right, WhoKind

Parents = Mapping[int, int | None]


@dataclass(frozen=True)
class Change:
    """What a page would write of a desk: these rights of these people, and its superior (None: at the top)."""

    wanted: Mapping[int, Rights]
    parent_id: int | None


def stops(
    db: Db,
    collectivity_id: int,
    every: Places,
    desk: DeskView,
    change: Change,
    known: Collection[int],
) -> list[str]:
    """What would be wrong once this is written, that is not wrong today; in words, empty when nothing.

    `every`: where the desks of the collectivity stand. `known`: the desks that whoever asks may know by name.
    """
    told = [
        *views.after(desk, change.wanted),
        *_stopped(db, collectivity_id, every, desk, change.wanted),
        *_undeposited(db, collectivity_id, desk, change.wanted),
        *_moved(db, collectivity_id, every, desk, change.parent_id, known),
    ]
    return [spaces(one) for one in told]


def _stopped(
    db: Db, collectivity_id: int, every: Places, desk: DeskView, wanted: Mapping[int, Rights]
) -> Iterator[str]:
    """The folders on their way that these rights would stop, and the circuits, by mandates and quorums too."""
    present = {one.id: one.rights for one in desk.holders}
    changed = {
        number: rights for number, rights in wanted.items() if rights != present.get(number, NO_RIGHTS)
    }
    if not changed or desk.closed_at is not None:
        return
    closed = {one.id for one in desk.holders if not one.active}
    after = reseated(db, {(desk.id, number): rights for number, rights in changed.items()}, closed)
    followed = list(db.scalars(closing.versions_followed(collectivity_id)))
    lost = stranded.lost(db, collectivity_id, every, Touched({desk.id}, {}), followed, after)
    if told := stranded.sentence(lost.folders):
        yield told
    if lost.steps and not views.after(desk, wanted):
        ways = ", ".join(f"« {way.circuit} » ({way.step})" for way in lost.steps)
        yield f"Une étape n’aurait plus assez de personnes différentes, ou mandatées, pour s’achever : {ways}."


def reseated(
    db: Db, wanted: Mapping[tuple[int, int], Rights], closed: Collection[int] = ()
) -> stranded.Change:
    """The change of who sits where that gives these rights, by desk and person; nothing to an account that is `closed`."""

    def after(seats: Sequence[Seated]) -> Sequence[Seated]:
        others = [seat for seat in seats if (seat.desk_id, seat.user_id) not in wanted]
        there = {(seat.desk_id, seat.user_id): seat for seat in seats}
        recorded = any(seat.mandates is not None for seat in seats)
        for (desk_id, number), rights in wanted.items():
            if rights and (desk_id, number) in there:
                others.append(replace(there[desk_id, number], rights=rights.grants))
            elif rights and number not in closed:
                own = [one for one in mandates(db) if one.person == number] if recorded else None
                others.append(Seated(desk_id, number, "", rights.grants, own))
        return others

    return after


def _undeposited(db: Db, collectivity_id: int, desk: DeskView, wanted: Mapping[int, Rights]) -> Iterator[str]:
    """The folders that left the desk, or are being written there, once nobody could deposit from it any more."""
    able = {one.id for one in desk.holders if one.active and Right.CREATE in one.rights}
    left = {number for number in able if Right.CREATE in wanted.get(number, (Right.CREATE,))}
    added = any(Right.CREATE in rights for number, rights in wanted.items() if number not in able)
    if not able or left or added:
        return
    if count := len(closing.deposited_from(db, collectivity_id, desk.id)):
        verbs = "en partent et ne sont pas terminés" if count > 1 else "en part et n’est pas terminé"
        yield (
            f"Personne n’y aurait plus le droit de déposer, et {plural(count, 'dossier')} {verbs} : ni leur brouillon, ni un "
            "rejet n’y serait repris par personne."
        )


def alone(db: Db, collectivity_id: int, desk: DeskView, wanted: Mapping[int, Rights]) -> list[str]:
    """What one person alone could do at the desk once this is written, and whether that person is away; it stops nothing yet.

    Of a right that nobody, or one person, has there today nothing is said.
    """
    lone = {
        right: one
        for right, one in views.left_alone(desk, wanted).items()
        if any(
            use.right is right and any(use.served(each.rights) for each in desk.holders if each.active)
            for use in desk.asks
        )
    }
    away = away_at(db, collectivity_id, now()) if lone else {}
    told = []
    for right, one in lone.items():
        name = f"{one.name} serait la seule personne" if one.name else "La personne ajoutée serait la seule"
        words = f"{name} à pouvoir {views.verb(right)} ici."
        if ends := until(away.get(one.id, ())):
            words += f" Absence jusqu’au {instant(ends)} : les dossiers attendraient."
        told.append(spaces(words))
    return told


def leaving(desk: DeskView, wanted: Mapping[int, Rights]) -> list[str]:
    """Who holds the desk today and would not once this is written, each in words."""
    gone = [one.name for one in desk.holders if one.rights and not wanted.get(one.id, one.rights)]
    return [spaces(f"{name} n’aurait plus aucun droit ici, et quitterait le bureau.") for name in gone]


def _moved(
    db: Db,
    collectivity_id: int,
    every: Places,
    desk: DeskView,
    parent_id: int | None,
    known: Collection[int],
) -> Iterator[str]:
    """What another superior would stop: who deposits at the desk, or below it, is asked to other superiors from then on."""
    under = every.under(desk.id)
    absent = parent_id is not None and parent_id not in every
    if parent_id == desk.parent_id or parent_id in under or absent or desk.closed_at is not None:
        return  # nothing moves, or the verb refuses it
    before = {one.id: one.parent_id for one in every.values()}
    after = {**before, desk.id: parent_id}
    lost, gained = _asked(db, collectivity_id, [every[one] for one in under], before, after)
    for number, uses in lost.items():
        yield (
            f"« {every[number].name} » n’aurait plus le supérieur que demande le circuit de {views.labels(uses)} : ces "
            "dossiers ne partiraient pas."
        )
    people = views.holders_of(db, collectivity_id, gained) if gained else {}
    for number, uses in gained.items():
        name = f"« {every[number].name} »" if number in known else "Un bureau hors de votre branche"
        able = [one.rights for one in people.get(number, ()) if one.active]
        yield from _newly_asked(name, every[number], uses, able)
    if count := len(set(_stranded(db, collectivity_id, under, before, after, every))):
        yield (
            f"Une étape à venir de {plural(count, 'dossier')} en cours demanderait un supérieur qui ne serait plus là, ou chez "
            "qui personne ne peut agir."
        )


def _asked(
    db: Db, collectivity_id: int, under: Collection[Place], before: Parents, after: Parents
) -> tuple[Mapping[int, list[Use]], Mapping[int, list[Use]]]:
    """The steps that lose the superior they ask, by the desk that deposits; and those that ask another, by that one."""
    lost, gained = defaultdict[int, list[Use]](list), defaultdict[int, list[Use]](list)
    asked, open_ones = (
        views.superiors(db, collectivity_id),
        {one.id for one in under if one.closed_at is None},
    )
    depositing = views.depositors(db, collectivity_id) if asked else {}
    for number, rights in depositing.items():
        for height, uses in asked.items() if number in open_ones else ():
            was, would = (closing.superior(number, height, parents) for parents in (before, after))
            mine = [
                one
                for one in uses
                if any(each.touches(Right.CREATE, parted(one.family)[0]) for each in rights)
            ]
            if mine and would is None and was is not None:
                lost[number] += mine
            elif mine and would is not None and would != was:
                gained[would] += mine
    return lost, gained


def _newly_asked(name: str, desk: Place, uses: Sequence[Use], people: Sequence[Rights]) -> Iterator[str]:
    """What nobody could do at a desk that becomes the superior of others."""
    if desk.closed_at is not None and uses:
        yield f"{name} deviendrait le supérieur que demande le circuit de {views.labels(uses)}, et il est fermé."
        return
    idle: dict[Right, list[Use]] = defaultdict(list)
    for one in uses:
        if one.right is not None and not any(one.served(rights) for rights in people):
            idle[one.right].append(one)
    for right, these in idle.items():
        yield (
            f"{name} deviendrait le supérieur que demande le circuit de {views.labels(these)}, et personne n’y a le droit de "
            f"{views.verb(right)}."
        )


def _stranded(
    db: Db,
    collectivity_id: int,
    under: Collection[int],
    before: Parents,
    after: Parents,
    desks: Places,
) -> Iterator[int]:
    """The folders on their way from these desks whose coming steps would ask a superior that is none, or where nobody can act."""
    ours = Folder.emitter_desk_id.in_(under)
    asked: list[tuple[int, int, Right | None, tuple[str, str]]] = []
    followed = list(db.scalars(closing.versions_followed(collectivity_id, ours)))
    for circuit, folder in closing.running(
        db,
        collectivity_id,
        followed,
        lambda step: any(who.kind is WhoKind.SUPERIOR for who in step.who),
        ours,
    ):
        for height, right in _superiors_left(circuit, folder):
            was, would = (closing.superior(folder.emitter_desk_id, height, one) for one in (before, after))
            if would is None and was is not None:
                yield folder.id
            elif would is not None and would != was:
                asked.append((folder.id, would, right, folder.of_type))
    people = views.holders_of(db, collectivity_id, {desk_id for _, desk_id, *_ in asked}) if asked else {}
    for folder_id, desk_id, right, of_type in asked:
        able = [one.rights for one in people.get(desk_id, ()) if one.active]
        if desks[desk_id].closed_at is not None or (
            right is not None and not any(one.covers(right, *of_type) for one in able)
        ):
            yield folder_id


def _superiors_left(circuit: Circuit, folder: Folder) -> Iterator[tuple[int, Right | None]]:
    for step in closing.left(circuit, folder):
        for who in step.who:
            if who.kind is WhoKind.SUPERIOR:
                yield int(who.value), step.kind.right
