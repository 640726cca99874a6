"""What a person typed in place of what a file says: kept with its reason, told to whoever decides, ruled by another person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db
from app.core.french import euros, grouped, instant, jour, quoted, spaces
from app.core.texts import plain
from app.folders.facts import count_amount, due_of, sent_on
from app.folders.models import Folder
from app.folders.move import person_of
from app.folders.readings import (
    TOLD_BY,
    Correction,
    Values,
    open_corrections,
    others,
    ruled_corrections,
)
from app.folders.sockets import Caution, Tag, indexed
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.circuit import Phase
from workflows.family import Family, Problem

FACT = "fact:"
"""What the name of a correction begins with among the cautions (`Caution.about`); the field's key follows."""
DOCUMENT = "document:"
"""What the name of a replaced document begins with: all that it says otherwise is ruled on at once."""
TYPED = ""
"""What is sent to keep the value that a person typed; a value that was read is sent as it is kept."""


def keep(
    db: Db, folder: Folder, actor: Actor, reason: str | None = None, reasons: Mapping[str, str] | None = None
) -> None:
    """Write down who typed something else than the files say, in the caller's transaction, and tell the journal.

    `reason` is that of the corrections that have none yet; `reasons`, by field, what stands beside each. A correction keeps
    its reason, author and day until somebody writes another reason for it; a value that changes again loses the former one,
    even sent again beside it. What indexes the facts is told of them, changed or not.
    """
    _record(db, folder, actor, (reason or "").strip(), reasons or {})
    family = family_of(folder.in_force)
    count_amount(folder, family)
    if folder.phase == Phase.REJECTED:  # lists go on telling its deadline while it is corrected
        folder.due_on = due_of(folder, sent_on(folder))
    indexed(db, folder)


def _record(db: Db, folder: Folder, actor: Actor, reason: str, reasons: Mapping[str, str]) -> None:
    known: dict[str, Any] = dict(folder.sources.get("corrections", {}))
    open_now = others(folder.fields, folder.sources)
    given = {key: plain(words) for key, words in reasons.items()}
    kept = {
        key: _entry(known.get(key), folder.fields.get(key), actor, given.get(key, ""), reason)
        for key in open_now
    }
    if kept == known:
        return
    folder.sources = {**folder.sources, "corrections": kept}
    changed = [
        one for one in open_corrections(folder.fields, folder.sources) if kept[one.key] != known.get(one.key)
    ]
    if changed:
        family = family_of(folder.in_force)
        facts = {"round": folder.round, "corrections": [_told(family, one) for one in changed]}
        words = " ; ".join(_in_short(family, one) for one in changed)
        append(
            db,
            folder.collectivity_id,
            Event("facts.corrected", actor.name, actor.user_id, folder.id, {**facts, "words": spaces(words)}),
        )


def _entry(before: dict[str, Any] | None, value: Any, actor: Actor, own: str, general: str) -> dict[str, Any]:
    """What is kept of one correction; the persons who typed an earlier value have typed all the same.

    `own` was written beside it, `general` for those without a reason.
    """
    former = before["reason"] if before is not None else ""
    told = own if own != former else ""
    if before is not None and before["value"] == value:
        told = told or ("" if former else general)
        if not told:
            return before
    else:
        told = told or general
    person = person_of(actor)
    typists = {*(before or {}).get("typists", ()), *(() if person is None else (person,))}
    return {
        "value": value,
        "reason": told,
        "who": actor.name,
        "at": now().isoformat(),
        "typists": sorted(typists),
    }


def problems(folder: Folder) -> list[Problem]:
    """The corrections that nobody explained: the folder does not leave without a reason for each."""
    family = family_of(folder.in_force)
    unexplained = [one for one in open_corrections(folder.fields, folder.sources) if not one.reason]
    found = [
        Problem(
            "correction-unexplained",
            one.key,
            # A month cut short ends with its own full stop
            f"{_in_short(family, one).removesuffix('.')}. Remettez la valeur lue, ou donnez le motif de la correction.",
        )
        for one in unexplained
        if not one.replaced
    ]
    replaced = [one for one in unexplained if one.replaced]
    if replaced:
        words = f"Le document remplacé ne disait pas la même chose : {_changes(family, replaced)}. Donnez-en le motif."
        found.append(Problem("correction-unexplained", replaced[0].key, spaces(words)))
    return found


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """Each value that a person typed, and each replaced document, for whoever decides."""
    del db
    family = family_of(folder.in_force)
    every = open_corrections(folder.fields, folder.sources)
    replaced = [one for one in every if one.replaced]
    typed = [_caution(folder, family, one) for one in every if not one.replaced]
    return [*([_replacement(family, folder, replaced)] if replaced else ()), *typed]


def about_of(folder: Folder, about: str) -> list[str]:
    """The fields that a caution is about: one, or all those that a replaced document says otherwise."""
    if about.startswith(DOCUMENT):
        return [one.key for one in open_corrections(folder.fields, folder.sources) if one.replaced]
    return [about.removeprefix(FACT)]


def _answerable(folder: Folder, typists: frozenset[int]) -> frozenset[int]:
    """Who made a correction and does not rule on it: where software alone typed it, those who sent it on as well."""
    return typists if any(one > 0 for one in typists) else typists | set(folder.sources.get("depositors", ()))


def _caution(folder: Folder, family: Family, one: Correction) -> Caution:
    why = f" : {quoted(one.reason)}" if one.reason else ", sans motif."
    by = f"{one.who or 'Le déposant'} a écrit {shown(family, one.key, one.value)}{why}"
    offered = [(str(said.value), f"Retenir {shown(family, one.key, said.value)}, lu") for said in one.read]
    return Caution(
        "corrected",
        spaces(f"« {label(family, one.key)} » corrigé"),
        spaces(f"{_sources(family, one)}. {by}"),
        about=f"{FACT}{one.key}",
        choices=(*offered, (TYPED, f"Retenir {shown(family, one.key, one.value)}, écrit")),
        by=_answerable(folder, one.typists),
    )


def _sources(family: Family, one: Correction) -> str:
    """« Le fichier dit 30 420,00 € (lu dans la facture) ; Chorus Pro dit 30 420,00 € »."""
    values = [(shown(family, one.key, said.value), said.where) for said in one.read]
    files = [f"{value} ({where})" for value, where in values if not where.startswith(TOLD_BY)]
    told = [
        f"{where.removeprefix(TOLD_BY)} dit {value}" for value, where in values if where.startswith(TOLD_BY)
    ]
    return " ; ".join([*([f"Le fichier dit {' ; '.join(files)}"] if files else []), *told])


def _replacement(family: Family, folder: Folder, every: list[Correction]) -> Caution:
    # A value may stand since before the document did: each reason is its own author's
    reasons = dict.fromkeys((one.who or "Le déposant", one.reason) for one in every)
    said = " ; ".join(f"{who} : « {reason} »" if reason else f"{who}, sans motif" for who, reason in reasons)
    return Caution(
        "corrected",
        "Document remplacé",
        spaces(
            f"Un autre document a pris la place du premier ({said}). "
            f"Il ne dit pas la même chose : {_changes(family, every)}."
        ),
        about=f"{DOCUMENT}{len(folder.sources['files'])}:{','.join(one.key for one in every)}",
        choices=((TYPED, "Retenir ce document"),),
        by=_answerable(folder, frozenset().union(*(one.typists for one in every))),
    )


def _changes(family: Family, every: Iterable[Correction]) -> str:
    """« Numéro de facture » FA-12 devient F-13 ; « Montant » 30,00 € devient 20,00 €."""
    return " ; ".join(
        f"« {label(family, one.key)} » {', '.join(shown(family, one.key, said.value) for said in one.read)} "
        f"devient {shown(family, one.key, one.value)}"
        for one in every
    ).removesuffix(".")


def told(folder: Folder, *, ruled: bool = True) -> list[dict[str, Any]]:
    """Every correction, open or `ruled`, in plain values and in words: for the API, and for what leaves with the folder."""
    family = family_of(folder.in_force)
    every = open_corrections(folder.fields, folder.sources)
    return [_told(family, one) for one in (*every, *(ruled_corrections(folder.sources) if ruled else ()))]


@dataclass(frozen=True)
class Explained:
    """The open corrections of one author and one reason, or those without any: what one says of them is said once."""

    keys: tuple[str, ...]
    words: tuple[str, ...]
    reason: str
    who: str
    replaced: bool


def explained(folder: Folder) -> list[Explained]:
    """The open corrections by who explained them and how, those without a reason together, in the order of the files."""
    family = family_of(folder.in_force)
    groups: dict[tuple[str, str], list[Correction]] = {}
    for one in open_corrections(folder.fields, folder.sources):
        groups.setdefault((one.who, one.reason) if one.reason else ("", ""), []).append(one)
    return [
        Explained(
            tuple(one.key for one in several),
            tuple(spaces(_in_short(family, one)) for one in several),
            reason,
            who,
            all(one.replaced for one in several),
        )
        for (who, reason), several in groups.items()
    ]


def _told(family: Family, one: Correction) -> dict[str, Any]:
    ruling = one.ruling
    return {
        "field": one.key,
        "label": label(family, one.key),
        "replaced": one.replaced,
        "typed": None if one.value is None else str(one.value),
        "read": [{"value": str(said.value), "where": said.where} for said in one.read],
        "words": spaces(_in_short(family, one)),
        "reason": one.reason,
        "who": one.who,
        "at": one.at or None,
        "ruling": None
        if ruling is None
        else {"keeps": ruling.keeps, "word": ruling.word, "who": ruling.who, "at": ruling.at},
    }


def beside(folder: Folder) -> dict[str, str]:
    """By field that is disputed, what stands beside its value: « lu : 30 420,00 € », « avant : … » of a replaced document."""
    return _beside(family_of(folder.in_force), folder.fields, folder.sources)


def _beside(family: Family, fields: Values, sources: Values) -> dict[str, str]:
    return {
        one.key: spaces(
            ("avant : " if one.replaced else "lu : ")
            + ", ".join(shown(family, one.key, said.value) for said in one.read)
        )
        for one in open_corrections(fields, sources)
    }


def in_a_list(family: Family, fields: Values, sources: Values) -> str:
    """What a row of a list says of the corrections of its folder: the amount read, else how many; empty for none."""
    found = _beside(family, fields, sources)
    if family.amount_field in found:
        return f"corrigé, {found[family.amount_field]}"
    return f"{len(found)} correction{'s' if len(found) > 1 else ''}" if found else ""


def tag(db: Db, folder: Folder) -> Tag | None:
    """Beside the amount at the head of the page, the one that the file says."""
    del db
    key = family_of(folder.in_force).amount_field
    words = beside(folder).get(key or "")
    return Tag("warn", "exclamation-triangle", words) if words else None


def label(family: Family, key: str) -> str:
    """The name of a field."""
    field = family.field(key)
    return field.label if field else key


def shown(family: Family, key: str, value: Any) -> str:
    """A value of a field in words: an amount in euros, a day, the words of a choice; « rien » for none."""
    field = family.field(key)
    if value in (None, ""):
        return "rien"
    if field is not None and field.type == "amount":
        return euros(value)
    if field is not None and field.type == "date":
        return jour(str(value))
    if key == "iban" or (field is not None and field.type == "siret"):
        return grouped(str(value))
    return str((field.choices if field is not None else {}).get(str(value), value))


def _in_short(family: Family, one: Correction) -> str:
    read = ", ".join(shown(family, one.key, said.value) for said in one.read)
    name, stands = label(family, one.key), shown(family, one.key, one.value)
    if one.replaced:
        return f"« {name} » : {read} dans le document remplacé, {stands} dans celui-ci"
    return f"« {name} » : lu {read}, écrit {stands}"


def ruled_in_words(folder: Folder) -> list[tuple[str, str]]:
    """What somebody ruled on, corrections and cautions, in words (title, sentence), the first to the last."""
    family = family_of(folder.in_force)
    found = []
    for one in folder.sources.get("rulings", ()):
        when = instant(datetime.fromisoformat(one["at"]))
        title = label(family, one["about"]) if one["keeps"] else one["title"]
        done = (
            f"a retenu {shown(family, one['about'], one['kept'])}"
            if one["keeps"]
            else one.get("done", "a levé ce point")
        )
        who = f"{one['who']}," if one.get("absent") else one["who"]
        found.append((title, spaces(f"{who} {done}, {when} : « {one['word']} »")))
    return found
