"""What would stop the commune, looked at when the page is asked: its people, desks, certificates and mandates."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of, circuits_of, in_force, law_of_circuit, parted
from app.circuits.models import CircuitVersion
from app.circuits.set_up import JOINT
from app.core.clock import now, today
from app.core.db import Db
from app.core.french import jour
from app.core.grammar import de, et_autres, milliers, plural
from app.core.questions import Query, ask
from app.folders import blocked
from app.folders.models import Folder
from app.folders.publicity import Means, choice_of
from app.folders.seats import Awaited, Seated, Sitting, able_words, software_at
from app.operations.desks import closing, stranded, views
from app.operations.findings import Level
from app.operations.persons.listing import Which, counting, counts_of
from app.people.covers import Away, by_person
from app.people.mandates import mandates
from app.people.models import Collectivity, PlannedClosing, User
from app.people.own_settings.population import POPULATION, THRESHOLD, population_in
from app.people.places import Places
from app.signing.expiry import CERTIFICATES, Ending, certificates_ending, mandates_ending
from workflows.absences import lent
from workflows.circuit import DRAFT, Circuit, Step
from workflows.engine import filled
from workflows.mandates import Mandate, over, stands
from workflows.vocabulary import Right, WhoKind

NAMED = 3
"""How many desks or people a sentence names before it counts the others."""


@dataclass(frozen=True)
class Point:
    """One thing that the commune needs: how it stands, in words, and the page where it is mended.

    `action` is what its link says, `endpoint` and `values` where it leads; none where there is nothing to do.
    """

    name: str
    level: Level
    sentence: str
    action: str = ""
    endpoint: str = ""
    values: tuple[tuple[str, str | int], ...] = ()

    @property
    def arguments(self) -> dict[str, str | int]:
        """The values of the address."""
        return dict(self.values)


def points(db: Db, collectivity_id: int) -> list[Point]:
    """Each of them, in the order in which a commune sets itself up.

    Of the desks, those that a circuit or a folder asks are read: nothing stops at the others.
    """
    desks, asking, (counts, sent, unclosed, followed, *waiting) = views.asking_beside(
        db,
        collectivity_id,
        counting(collectivity_id),
        _sent(collectivity_id),
        _unclosed(collectivity_id),
        _followed(collectivity_id),
        *blocked.queries(collectivity_id),
    )
    versions = {row[0]: row[1] for row in followed}
    coming = _coming(db, collectivity_id, desks, versions)
    asked, (sitting, software) = views.viewed_beside(
        db, collectivity_id, desks, asking, coming.seats(collectivity_id), software_at(collectivity_id)
    )
    stuck, away = blocked.judged(db, waiting), by_person(waiting[-1])
    listed = list(asked.values())
    opened = [desk for desk in listed if desk.closed_at is None]
    seats = _seats(db, opened, sitting, software, away)
    later, whole = coming.stopped(seats), stuck.whole and coming.whole
    return [
        _desks(db, collectivity_id, desks, listed, versions, _Folders(stuck.numbers, later, whole), seats),
        _people(counts_of(counts[0]), unclosed),
        _addresses(counts_of(counts[0])[Which.UNREACHED]),
        _certificates(db, collectivity_id, opened),
        _mandates(db, opened),
        _covered(opened, away),
        _inhabitants(db, collectivity_id),
        _first_folder(begun=bool(sent)),
    ]


def _desks(
    db: Db,
    collectivity_id: int,
    desks: Places,
    listed: Sequence[views.DeskView],
    followed: Mapping[int, str],
    folders: "_Folders",
    seats: Sitting,
) -> Point:
    name, endpoint = "bureaux", "operations.desks.index"
    if not desks:
        sentence = "Aucun bureau n’est ouvert : un modèle en propose, avec leurs circuits."
        return Point(name, Level.RED, sentence, "Choisir un modèle de départ", "operations.starting.index")
    if absent := views.absent(db, collectivity_id, desks):
        sentence = (
            f"Les circuits nomment {plural(len(absent), 'bureau', 'bureaux')} qui "
            f"n’{'existent' if len(absent) > 1 else 'existe'} pas : les dossiers de ces types ne partiraient pas."
        )
        return Point(name, Level.RED, sentence, "Ouvrir les bureaux", endpoint)
    faulty = [desk for desk in listed if desk.faults]
    if len(faulty) == 1:
        at = (("desk_id", faulty[0].id),)
        fault, others = faulty[0].faults[0], len(faulty[0].faults) - 1
        sentence = f"« {faulty[0].name} » : {fault[:1].lower()}{fault[1:]}"
        if others:
            sentence += f" Sa page dit {plural(others, 'autre point', 'autres points')} à régler."
        return Point(name, Level.RED, sentence, "Compléter ce bureau", "operations.desks.show", at)
    if faulty:
        sentence = (
            f"{_named(desk.name for desk in faulty)} : personne n’y a un droit que les circuits demandent."
        )
        return Point(name, Level.RED, sentence, "Compléter les bureaux", endpoint)
    circuits = in_force(db, collectivity_id)
    behind = circuits_of(db, followed.keys())
    gone = _gone(db, collectivity_id, [*circuits.values(), *behind.values()])
    return (
        _short(db, collectivity_id, desks, listed, followed, gone, seats)
        or _stuck(folders.stuck)
        or _later(folders.later)
        or (None if folders.whole else _too_many())
        or _served(circuits, listed, gone)
    )


@dataclass(frozen=True)
class _Folders:
    """The folders that nobody can move where they stand, or at a step to come; whether all were looked at."""

    stuck: Sequence[int]
    later: Sequence[int]
    whole: bool


def _coming(db: Db, collectivity_id: int, desks: Places, followed: Mapping[int, str]) -> stranded.ToCome:
    """The coming steps that folders name themselves; no folder is read where no circuit that is followed has such a step."""
    versions = [number for number in followed if any(map(stranded.by_folder, circuit_of(db, number).steps))]
    return stranded.to_come(db, collectivity_id, desks, versions) if versions else stranded.ToCome()


def _seats(
    db: Db,
    opened: Sequence[views.DeskView],
    sitting: Sequence[Any],
    software: Sequence[Any],
    away: Mapping[int, Sequence[Away]],
) -> Sitting:
    """Who can do what today, by rights: those of the desks that are asked, and of those that folders name (`sitting`)."""
    there = {
        (desk.id, holder.id): holder.rights.grants
        for desk in opened
        for holder in desk.holders
        if holder.active
    }
    there |= {(row.desk_id, row.user_id): row.rights for row in sitting}
    return Sitting(
        (Seated(*seat, "", rights, None) for seat, rights in there.items()),
        ((row.desk_id, row.rights) for row in software),
        away,
        lambda number: mandates(db, number),
    )


def _later(stopped: Sequence[int]) -> Point | None:
    """The folders that will come to somebody they name, or to a desk they name, who may not act there."""
    if not stopped:
        return None
    sentence = (
        f"{_cannot_end(stopped)}, faute de droits, à une étape à venir, de la personne ou du bureau que le dossier désigne : "
        f"n° {_numbers(stopped)}."
    )
    return Point("bureaux", Level.RED, sentence, "Compléter les bureaux", "operations.desks.index")


def _too_many() -> Point:
    """More parts wait than are looked at."""
    sentence = "Trop d’étapes attendent quelqu’un pour être toutes regardées : les premières le sont, aucune n’est sans issue."
    return Point("bureaux", Level.AMBER, sentence, "Voir le travail de fond", "operations.admin")


def _stuck(numbers: Sequence[int]) -> Point | None:
    """The folders that nobody can move where they stand."""
    if not numbers:
        return None
    several = len(numbers) > 1
    sentence = (
        f"{plural(len(numbers), 'dossier')} en cours {'n’attendent' if several else 'n’attend'} plus personne qui "
        f"puisse agir, ni aucun envoi : n° {_numbers(numbers)}."
    )
    return Point("bureaux", Level.RED, sentence, "Voir pourquoi", "operations.admin")


def _numbers(numbers: Sequence[int]) -> str:
    """« 4, 5, 6 et 2 autres »."""
    return f"{', '.join(map(str, numbers[:NAMED]))}{et_autres(len(numbers) - NAMED)}"


def _followed(collectivity_id: int) -> Query:
    """The versions of circuits that folders on their way follow, each with what its circuit is kept under."""
    numbers = closing.versions_followed(collectivity_id)
    return sa.select(CircuitVersion.id, CircuitVersion.family).where(CircuitVersion.id.in_(numbers))


def _short(
    db: Db,
    collectivity_id: int,
    desks: Places,
    listed: Sequence[views.DeskView],
    followed: Mapping[int, str],
    gone: Collection[str],
    seats: Sitting,
) -> Point | None:
    """A step that wants more people than may act at it, each once, and the folders on their way that would stay there.

    Those that come to somebody whose account is closed (`gone`, by login) are among them.

    No folder is read where every circuit, of those in force and those that are followed, has people enough.
    """
    open_desks = {desk.key: desk for desk in listed if desk.closed_at is None}
    short = [
        (name, *lacking)
        for name, circuit in in_force(db, collectivity_id).items()
        for lacking in _lacking(name, circuit, open_desks, seats)
    ]
    behind = [
        number
        for number, name in followed.items()
        if _names(circuit_of(db, number), gone) or _lacking(name, circuit_of(db, number), open_desks, seats)
    ]
    stopped = stranded.stopped(db, collectivity_id, desks, behind) if behind else ()
    if not short and not stopped:
        return None
    waiting = _cannot_end(stopped)
    if not short:
        sentence = (
            f"{waiting}, faute de la personne nommée ou d’assez de personnes à une étape de la version de leur circuit "
            f"qu’ils suivent : n° {_numbers(stopped)}."
        )
        return Point("bureaux", Level.RED, sentence, "Compléter les bureaux", "operations.desks.index")
    name, label, step, needed, able = short[0]
    sentence = (
        f"« {label} », étape « {step.label} » : il y faut {needed} personnes différentes qui peuvent "
        f"{views.verb(step.kind.right)}, et {able_words(able)}. {waiting if stopped else 'Aucun dossier n’en sortirait'}."
    )
    return Point(
        "bureaux", Level.RED, sentence, "Voir ce circuit", "operations.circuits.edit", (("family", name),)
    )


def _cannot_end(folders: Sequence[int]) -> str:
    return (
        f"{plural(len(folders), 'dossier')} en cours ne {'peuvent' if len(folders) > 1 else 'peut'} pas finir"
    )


def _lacking(
    name: str, circuit: Circuit, open_desks: Mapping[str, views.DeskView], seats: Sitting
) -> list[tuple[str, Step, int, int]]:
    """The steps of a circuit that several end and fewer may: its label, the step, how many are needed and how many there are.

    Whoever a folder, or the law, says, and who is named, is counted as one more person, and so is software that takes a part.
    """
    law = law_of_circuit(name.partition(JOINT)[0]).name
    lacking = []
    for step in circuit.steps:
        needed = step.quorum.needed(len(step.who))
        if needed < 2 or step.kind.automatic:
            continue
        parts: list[Collection[int]] = []
        for rank, who in enumerate(step.who, 1):
            desk = open_desks.get(who.value) if who.kind is WhoKind.DESK else None
            if desk is None:
                parts.append({-rank})
                continue
            able = {
                holder.id
                for holder in desk.holders
                if holder.active and holder.rights.touches(step.kind.right, law)
            }
            part = Awaited(desk.id, None, step.kind, law, "", None, 0, step.reading)
            helped = {absence.law.by for _, absence in seats.standing_in(part, sure=False)}
            served = {-rank} if seats.by_software(part) else set()
            parts.append(able | {number for number in helped if number is not None} | served)
        if (able_here := filled(parts)) < needed:
            lacking.append((circuit.label, step, needed, able_here))
    return lacking


def _served(
    circuits: Mapping[str, Circuit], listed: Sequence[views.DeskView], logins: Collection[str]
) -> Point:
    """The same where each right is given: whether who is named, or holds it, is there to use it."""
    name, endpoint = "bureaux", "operations.persons.index"
    gone = [(circuit.label, step) for circuit in circuits.values() for step in _names(circuit, logins)]
    if gone:
        label, step = gone[0]
        others = f" ; {plural(len(gone) - 1, 'autre étape', 'autres étapes')} aussi" if len(gone) > 1 else ""
        sentence = f"« {label} », étape « {step} » : le circuit y nomme une personne dont le compte est fermé{others}."
        return Point(name, Level.RED, sentence, "Changer cette étape", "operations.circuits.index")
    if awaited := [desk.name for desk in listed if _nobody_entered(desk)]:
        sentence = f"{_named(awaited)} : de ceux que les circuits y demandent, personne n’est encore entré dans Paraphe."
        return Point(name, Level.AMBER, sentence, "Voir les invitations", endpoint)
    sentence = "Quelqu’un, à chaque bureau, a les droits que les circuits y demandent."
    return Point(name, Level.GREEN, sentence)


def _nobody_entered(desk: views.DeskView) -> bool:
    """Whether, of those who may do something that circuits ask at a desk, all were invited and never entered."""
    for use in desk.uses:
        able = [
            one for one in desk.holders if one.active and use.right is not None and use.served(one.rights)
        ]
        if able and not any(one.entered for one in able):
            return True
    return False


def _gone(db: Db, collectivity_id: int, circuits: Iterable[Circuit]) -> set[str]:
    """Of those whom steps of these circuits name, the logins without an open account; one statement where some are named."""
    named = {
        who.value
        for circuit in circuits
        for step in circuit.steps
        for who in step.who
        if who.kind is WhoKind.PERSON
    }
    if not named:
        return set()
    query = sa.select(User.login).where(User.collectivity_id == collectivity_id, User.active.is_(True))
    return named.difference(db.scalars(query.where(User.login.in_(named))))


def _names(circuit: Circuit, logins: Collection[str]) -> list[str]:
    """The steps of a circuit that name one of these people, by their labels."""
    return [
        step.label
        for step in circuit.steps
        for who in step.who
        if who.kind is WhoKind.PERSON and who.value in logins
    ]


def _inhabitants(db: Db, collectivity_id: int) -> Point:
    """Which rules of law follow from how many people live there."""
    name, own = "habitants", db.get_one(Collectivity, collectivity_id).settings
    count, chosen = population_in(own), choice_of(own).means
    if count is None:
        sentence = (
            "Leur nombre n’est pas dit : à partir de 3 500, la loi demande la publication en ligne et une note de "
            "synthèse."
        )
        at = (("name", POPULATION),)
        return Point(name, Level.AMBER, sentence, "Le dire", "operations.settings.show", at)
    if count >= THRESHOLD and chosen is not Means.ONLINE:
        sentence = f"{milliers(count)} habitants : la loi veut les actes en ligne, et le choix gardé est « {chosen.label} »."
        return Point(name, Level.RED, sentence, "Publier en ligne", "publication.office")
    if count >= THRESHOLD:
        sentence = f"{milliers(count)} habitants : publication en ligne obligatoire, note de synthèse avec les convocations."
        return Point(name, Level.GREEN, sentence)
    today_is = chosen.label[:1].lower() + chosen.label[1:]
    sentence = f"{milliers(count)} habitants : le conseil peut choisir l’affichage ou le papier. Aujourd’hui : {today_is}."
    return Point(name, Level.GREEN, sentence)


def _unclosed(collectivity_id: int) -> Query:
    """Whose closing was planned for a moment that is past, and is not done: his number and names, the oldest first."""
    query = sa.select(User.id, User.first_name, User.last_name).join(
        PlannedClosing, PlannedClosing.user_id == User.id
    )
    ours = (PlannedClosing.collectivity_id == collectivity_id, PlannedClosing.refused_at.is_not(None))
    return query.where(*ours, User.active.is_(True)).order_by(PlannedClosing.closes_at, User.id)


def _people(counts: Mapping[Which, int], unclosed: Sequence[Any]) -> Point:
    name = "personnes"
    if unclosed:
        first = unclosed[0]
        others = (
            f" {plural(len(unclosed) - 1, 'autre compte', 'autres comptes')} aussi." if unclosed[1:] else ""
        )
        sentence = (
            f"La fermeture prévue du compte {de(f'{first.first_name} {first.last_name}')} n’a pas été faite : il est "
            f"encore ouvert.{others}"
        )
        at = (("user_id", first.id),)
        return Point(name, Level.RED, sentence, "Revoir cette fermeture", "operations.leaving.show", at)
    incomplete, present = counts[Which.INCOMPLETE], counts[Which.ALL] - counts[Which.CLOSED]
    if incomplete:
        sentence = (
            f"{plural(incomplete, 'compte')} à compléter : sans bureau, ou dont l’invitation ne sert plus."
        )
        at = (("etat", Which.INCOMPLETE.value),)
        return Point(name, Level.AMBER, sentence, "Les compléter", "operations.persons.index", at)
    if present == 1:
        sentence = "Un seul compte est ouvert : le vôtre."
        return Point(name, Level.AMBER, sentence, "Inviter une personne", "operations.persons.invite")
    return Point(name, Level.GREEN, f"{plural(present, 'compte')} ouverts, aucun à compléter.")


def _addresses(refusing: int) -> Point:
    """How many people the letters do not reach: said whatever else is to be mended of accounts."""
    name = "adresses de courriel"
    if not refusing:
        return Point(name, Level.GREEN, "Aucune n’est connue pour refuser les courriels.")
    sentence, them = (
        plural(refusing, "adresse a refusé", "adresses ont refusé"),
        "les" if refusing > 1 else "la",
    )
    sentence += f" des courriels : changez-{them}, ou confirmez-{them}."
    at = (("etat", Which.UNREACHED.value),)
    return Point(name, Level.AMBER, sentence, "Les voir", "operations.persons.index", at)


def _certificates(db: Db, collectivity_id: int, every: Sequence[views.DeskView]) -> Point:
    name, office = "certificats de signature", "signing.office.index"
    moment, there = now(), ask(db, CERTIFICATES, collectivity_id)
    certified = {row.user_id for row, _ in there if not row.to_confirm and row.not_after > moment}
    every_mandate = mandates(db)
    present = {mandate.person for mandate in every_mandate if _stands(mandate)}
    # Once a mandate was recorded here, nobody signs without one: his certificate alone serves nothing
    signing = [
        (desk, [person for person in people if not every_mandate or person.id in present] or people)
        for desk, people in _signing(every)
    ]
    bare = [desk.name for desk, people in signing if not any(person.id in certified for person in people)]
    if bare:
        sentence = (
            f"{_named(bare)} : les circuits y demandent une signature, et personne n’y a de certificat inscrit et confirmé. "
            "Chacun inscrit le sien sous « Mes certificats »."
        )
        return Point(name, Level.RED, sentence, "Voir les certificats", office)
    ends = [ending for ending in certificates_ending(db, today()) if ending.user_id in certified]
    if soon := _soon(db, ends):
        return Point(name, Level.AMBER, soon, "Voir les certificats", office)
    without = [person.name for _, people in signing for person in people if person.id not in certified]
    if without:
        sentence = (
            f"{_named(dict.fromkeys(without))} : droit de signer, et pas de certificat inscrit et confirmé."
        )
        return Point(name, Level.AMBER, sentence, "Voir les certificats", office)
    if not signing:
        return Point(name, Level.NONE, "Aucun bureau ouvert n’est demandé pour signer.")
    return Point(
        name, Level.GREEN, "Chacun de ceux qui peuvent signer en a un, pour soixante jours au moins."
    )


def _is_empty(desk: views.DeskView, away: Mapping[int, Sequence[Away]]) -> bool:
    """Whether all who act at a desk are away now, and nobody who is there stands in for any of them."""
    people = [holder.id for holder in desk.holders if holder.active and lent(holder.rights, ())]
    helped = (
        absence.law.by is not None
        and absence.law.by not in away
        and absence.law.acts
        and absence.law.desk in {None, desk.id}
        for number in people
        for absence in away.get(number, ())
    )
    return bool(people) and all(number in away for number in people) and not any(helped)


Signing = tuple[views.DeskView, list[views.HolderView]]


def _signing(every: Sequence[views.DeskView]) -> list[Signing]:
    """The desks where circuits ask a signature, each with those who have the right there and whose account is open."""
    return [
        (desk, [person for person in desk.holders if person.active and Right.SIGN in person.rights])
        for desk in every
        if any(use.right is Right.SIGN for use in desk.uses)
    ]


def _stands(mandate: Mandate) -> bool:
    """Whether a mandate lets somebody sign something today."""
    day = today()
    return mandate.starts_on <= day and not over(mandate, day) and not mandate.order_off


def _mandates(db: Db, opened: Sequence[views.DeskView]) -> Point:
    """Whether, at each desk where circuits ask a signature, somebody has a mandate for it; a closed account signs nothing."""
    name, office = "mandats de signature", "people.office.index"
    day, signing = today(), _signing(opened)
    every_mandate = mandates(db)
    present = [mandate for mandate in every_mandate if _stands(mandate)]
    if every_mandate and not present:
        sentence = "Des mandats sont enregistrés et aucun n’a cours aujourd’hui : aux étapes de signature, personne ne signe."
        return Point(name, Level.RED, sentence, "Enregistrer un mandat", office)
    if not present:
        sentence = (
            "Aucun mandat n’est enregistré : enregistrez celui du maire et les délégations, pour qu’eux seuls signent "
            "au nom de la commune."
        )
        return Point(name, Level.AMBER, sentence, "Enregistrer un mandat", office)
    lacking = [(desk, uses) for desk, people in signing if (uses := _unmandated(desk, people, present, day))]
    if lacking:
        desk, uses = lacking[0]
        labels = list(dict.fromkeys(use.label for use in uses))
        others = (
            f" {plural(len(lacking) - 1, 'autre bureau', 'autres bureaux')} aussi."
            if len(lacking) > 1
            else ""
        )
        sentence = (
            f"« {desk.name} » : personne dont le compte est ouvert n’y a à la fois le droit de signer et un mandat pour "
            f"{_named(labels)}.{others}"
        )
        return Point(name, Level.RED, sentence, "Enregistrer un mandat", office)
    return _mandated(db, signing, present)


def _mandated(db: Db, signing: Sequence[Signing], present: Sequence[Mandate]) -> Point:
    """The same where each signature has somebody: what ends soon, and where one person alone has a mandate."""
    name, office, day = "mandats de signature", "people.office.index", today()
    able = {person.id for _, people in signing for person in people}
    serving = [mandate for mandate in present if mandate.person in able]
    if soon := _soon(
        db, [ending for ending in mandates_ending(db, day) if ending.user_id in able or not able]
    ):
        return Point(name, Level.AMBER, soon, "Voir les mandats", office)
    if len({mandate.person for mandate in (serving if signing else present)}) == 1:
        sentence = "Une seule personne a un mandat : en son absence, personne ne signerait."
        return Point(name, Level.AMBER, sentence, "Enregistrer une délégation", office)
    mandated = {mandate.person for mandate in serving}
    if alone := [desk.name for desk, people in signing if sum(one.id in mandated for one in people) == 1]:
        sentence = (
            f"{_named(alone)} : une seule personne y a un mandat. En son absence, personne n’y signerait."
        )
        return Point(name, Level.AMBER, sentence, "Enregistrer une délégation", office)
    if not signing:
        return Point(name, Level.NONE, "Aucun bureau ouvert n’est demandé pour signer.")
    return Point(
        name,
        Level.GREEN,
        f"{plural(len(serving), 'mandat')} en cours, aucun ne prend fin sous soixante jours.",
    )


def _unmandated(
    desk: views.DeskView, people: Sequence[views.HolderView], present: Sequence[Mandate], day: date
) -> list[views.Use]:
    """The signatures that circuits ask at a desk and for which nobody there has both the right and a mandate."""
    by_person = defaultdict[int, list[Mandate]](list)
    for mandate in present:
        by_person[mandate.person].append(mandate)
    return [
        use
        for use in desk.uses
        if use.right is Right.SIGN
        and not any(
            use.served(one.rights)
            and any(stands(mandate, parted(use.family)[0], day) for mandate in by_person[one.id])
            for one in people
        )
    ]


def _covered(every: Sequence[views.DeskView], away: Mapping[int, Sequence[Away]]) -> Point:
    """A desk that circuits ask and one person alone could serve waits as long as he is away, unless somebody stands in."""
    name = "absences"
    empty = [desk.name for desk in every if desk.uses and _is_empty(desk, away)]
    if empty:
        sentence = f"{_named(empty)} : personne n’y est aujourd’hui, et personne n’assure l’intérim. Les dossiers attendent."
        return Point(name, Level.RED, sentence, "Voir les absences", "operations.absences.index")
    alone = [desk.name for desk in every if desk.lone and not desk.faults]
    if alone:
        sentence = f"{_named(alone)} : une étape y tient à une seule personne. En son absence, les dossiers attendent."
        return Point(name, Level.AMBER, sentence, "Ajouter un titulaire", "operations.desks.index")
    if lacking := [desk.name for desk in every if desk.uses and desk.faults]:
        sentence = f"{_named(lacking)} : personne n’y a un droit que les circuits demandent ; complétez d’abord ces bureaux."
        return Point(name, Level.AMBER, sentence, "Ouvrir les bureaux", "operations.desks.index")
    if not any(desk.uses for desk in every):
        return Point(name, Level.NONE, "Aucun bureau ouvert n’est demandé par un circuit.")
    return Point(
        name, Level.GREEN, "Chaque bureau que les circuits demandent peut être servi par deux personnes."
    )


def _sent(collectivity_id: int) -> Query:
    """The last folder that was sent, if any."""
    # In an order, for which there is an index: without one the whole table may be read
    return (
        sa.select(Folder.id)
        .where(
            Folder.collectivity_id == collectivity_id, Folder.place != DRAFT, Folder.submitted_at.is_not(None)
        )
        .order_by(Folder.id.desc())
        .limit(1)
    )


def _first_folder(*, begun: bool) -> Point:
    name = "premier dossier"
    if begun:
        return Point(name, Level.GREEN, "Des dossiers sont partis.")
    sentence = (
        "Aucun n’est encore parti. Envoyez-en un sans enjeu jusqu’au bout, puis lisez « Travail de fond »."
    )
    return Point(name, Level.UNKNOWN, sentence)


def _soon(db: Db, ends: Sequence[Ending]) -> str:
    """The first of those that end within sixty days, in words; empty where none does."""
    if not ends:
        return ""
    first = min(ends, key=lambda ending: ending.last_day)
    user = db.get_one(User, first.user_id)
    others = f" ; {plural(len(ends) - 1, 'autre')} d’ici soixante jours" if len(ends) > 1 else ""
    return f"« {first.name} », de {user.name}, prend fin le {jour(first.last_day)}{others}."


def _named(names: Iterable[str]) -> str:
    """« A », « B », « C » et 4 autres."""
    every = list(names)
    shown = ", ".join(f"« {name} »" for name in every[:NAMED])
    more = len(every) - NAMED
    return f"{shown} et {plural(more, 'autre')}" if more > 0 else shown
