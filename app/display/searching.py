"""« Recherche »: one field over all that one may read, facets, and where the words were found."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import g, render_template, request, url_for
from markupsafe import Markup, escape

from app.core.clock import PARIS, now
from app.core.db import Db, key_in, reading
from app.core.french import euros, jour_long, montant
from app.core.grammar import de, plural
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.display import columns, following, saved, timeline
from app.display.asking import LONGEST, Amount, People, Query, understood
from app.display.blueprint import pages
from app.display.exports.bundle import MOST_FOLDERS
from app.display.following import Found, Match, Matches, Only
from app.display.listed import marks_of
from app.display.snippets import Piece, around, marked, wanted
from app.display.views import done_by, family_words
from app.folders.models import ASKED, Document, DocumentWords, FolderNote, StepRun
from app.folders.notes import lent
from app.folders.search import Word
from app.people.actor import Actor
from workflows.circuit import Phase
from workflows.family import family, place_of
from workflows.rights import parted_type, type_name
from workflows.vocabulary import StepKind

HITS = 20
"""On a page."""
MOST_YEARS = 20
"""Years that are offered where more is found than is read, the last ones; one before them is asked in the address."""
GUESSED = "reconnu sur une image"
"""Said of a text that was read from a picture: the picture says it better."""
STATES = {"draft": "Brouillon", "running": "En cours", "rejected": "Retourné", "done": "Terminé"}
PLACES = {"title": "Titre et informations", "documents": "Documents", "notes": "Notes"}


@dataclass(frozen=True)
class Chosen:
    """The facets that are ticked."""

    types: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    years: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.types or self.places or self.states or self.years)

    @property
    def only(self) -> Only:
        """The same, as a statement asks it."""
        return Only(self.types, self.states, self.places, self.years)


@dataclass(frozen=True)
class Option:
    """One box of a facet; `count` is empty where there are more than are counted."""

    value: str
    label: str
    count: str
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet with its boxes."""

    key: str
    label: str
    options: Sequence[Option]


@dataclass(frozen=True)
class Snippet:
    """Where the words are, beside the title: « Dans l’annexe « CCTP » », and the text around them.

    Of what was found by a day, what happened in it: « Déposé le mardi 1er décembre 2026 » (« Commencé », of a
    draft that was never sent), and no text.
    """

    where: str
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class Results:
    """A page of what was found: `total` is None beyond what is counted; `after` goes on.

    `first`: the rank of the first of the page, None where nothing is counted.
    """

    query: Query
    people: People | None
    found: Sequence[Found]
    snippets: dict[int, Snippet]
    facets: Sequence[Facet]
    total: int | None
    after: int | None
    first: int | None


def search(db: Db, actor: Actor, query: Query, chosen: Chosen, after: str | None = None) -> Results:
    """What the actor may read and is asked, a page of it, newest first."""
    every = following.matches(db, actor, query, page=HITS)
    # Beyond what is counted, the statement keeps what the facets allow, and what it leaves may be few enough to count
    only = chosen.only
    kept = every if every.whole or not chosen else following.matches(db, actor, query, only=only, page=HITS)
    total: int | None = None
    if kept.whole:
        rows = [row for row in kept.rows if all(test(row) for test in _tests(chosen).values())]
        last = key_in(after)
        page = [row for row in rows if last is None or row.id < last]
        total = len(rows)
    elif after:
        page = list(following.matches(db, actor, query, only=only, after=after, page=HITS).rows)
    else:
        page = list(kept.rows)
    offered = _named(every, chosen) if every.whole else _beyond(db, actor, every, chosen)
    shown = page[:HITS]
    found = following.found(db, [row.id for row in shown])
    snippets = _snippets(db, actor, query, shown)
    rest = len(page) > HITS
    return Results(
        query,
        every.people,
        found,
        snippets,
        _facets(every, chosen, offered),
        total,
        shown[-1].id if rest else None,
        total - len(page) + 1 if total is not None else None,
    )


def numbers(db: Db, actor: Actor, query: Query, chosen: Chosen, most: int) -> list[int]:
    """All that is found, newest first, for what is taken away; refuses `export-many` beyond `most`."""
    found: list[int] = []
    after: str | None = None
    while True:
        part, whole = following.match_numbers(db, actor, query, only=chosen.only, after=after)
        found += part
        if len(found) > most:
            raise Refusal("export-many", most=most)
        if whole:
            return found
        after = str(found[-1])


def count(db: Db, actor: Actor, query: Query, chosen: Chosen, most: int) -> int:
    """How many folders are found, `most` at most."""
    total, after = 0, None
    while total < most:
        part, whole = following.match_numbers(db, actor, query, only=chosen.only, after=after)
        total += len(part)
        if whole or not part:
            break
        after = str(part[-1])
    return min(total, most)


def _tests(chosen: Chosen) -> dict[str, Callable[[Match], bool]]:
    """What each facet asks of a folder, those of which nothing is ticked included."""

    def of_types(row: Match) -> bool:
        return not chosen.types or bool({row.family, _type(row)} & set(chosen.types))

    def of_places(row: Match) -> bool:
        return not chosen.places or bool(_places(row) & set(chosen.places))

    return {
        "type": of_types,
        "ou": of_places,
        "etat": lambda row: not chosen.states or row.phase in chosen.states,
        "annee": lambda row: not chosen.years or _year(row) in chosen.years,
    }


def _type(row: Match) -> str:
    return type_name(row.family, family(row.in_force).type_key if row.type_version is not None else "")


def _places(row: Match) -> set[str]:
    return {one for one in PLACES if getattr(row, f"in_{one}")}


def _year(row: Match) -> str:
    return str(row.deposited_at.astimezone(PARIS).year)


@dataclass(frozen=True)
class _Values:
    """What a facet has of a folder, the names of its boxes by value, and those that are ticked."""

    label: str
    of: Callable[[Match], Collection[str]]
    names: Mapping[str, str]
    ticked: Sequence[str]


def _named(every: Matches, chosen: Chosen) -> dict[str, _Values]:
    """The facets of what was read whole: what is there, and what is ticked."""
    found = {_type(row): (family_words(row.in_force)[0], row.family) for row in every.rows}

    def place(item: tuple[str, tuple[str, str]]) -> tuple[bool, int, str]:
        """That of `following.offered`: the families, then the types by their words."""
        name, (label, family_name) = item
        return (True, 0, label.casefold()) if parted_type(name)[1] else (False, place_of(family_name), "")

    types = {name: label for name, (label, _) in sorted(found.items(), key=place)}
    return _values(types, {_year(row) for row in every.rows}, chosen)


def _beyond(db: Db, actor: Actor, every: Matches, chosen: Chosen) -> dict[str, _Values]:
    """Those of more than is read: what the actor may ask for, and the years since the first deposit, `MOST_YEARS` at most."""
    last = now().astimezone(PARIS).year
    first = max(following.first_year(db, actor), last - MOST_YEARS + 1)
    years = {str(one) for one in range(first, last + 1)} | {_year(row) for row in every.rows}
    return _values({name: label for name, label, _ in following.offered(db, actor)}, years, chosen)


def _values(types: Mapping[str, str], years: Collection[str], chosen: Chosen) -> dict[str, _Values]:
    ticked = {one: family_words(parted_type(one)[0])[0] for one in chosen.types if one not in types}
    those = sorted({*years, *chosen.years}, reverse=True)
    return {
        "type": _Values("Type", lambda row: (_type(row),), {**types, **ticked}, chosen.types),
        "ou": _Values("Où", _places, PLACES, chosen.places),
        "etat": _Values("État", lambda row: (row.phase,), STATES, chosen.states),
        "annee": _Values("Déposé en", lambda row: (_year(row),), {one: one for one in those}, chosen.years),
    }


def _facets(every: Matches, chosen: Chosen, values: Mapping[str, _Values]) -> list[Facet]:
    """The facets, each counted as the others keep; all boxes without counts where not everything that is found was read."""
    tests, facets = _tests(chosen), []
    for key, one in values.items():
        others = [test for name, test in tests.items() if name != key]
        rows = [row for row in every.rows if all(test(row) for test in others)] if every.whole else []
        counts = Counter(value for row in rows for value in one.of(row))
        options = [
            Option(value, name, str(counts[value]) if every.whole else "", value in one.ticked)
            for value, name in one.names.items()
            if counts[value] or value in one.ticked or not every.whole
        ]
        if len(options) > 1 or any(option.chosen for option in options):
            facets.append(Facet(key, one.label, options))
    return facets


def _snippets(db: Db, actor: Actor, query: Query, rows: Sequence[Match]) -> dict[int, Snippet]:
    """Where the words are in the documents of these folders, else in the notes that the actor reads, else what is of the day."""
    snippets: dict[int, Snippet] = {}
    if wanted(query.words):
        snippets = _in_documents(db, [row.id for row in rows if row.in_documents], query.words)
        rest = [row.id for row in rows if row.in_notes and row.id not in snippets]
        snippets |= _in_notes(db, actor, rest, query.words)
    if query.days:
        snippets |= _handled(db, query.days, [row for row in rows if row.id not in snippets])
    return snippets


def _handled(db: Db, words: Sequence[Word], rows: Sequence[Match]) -> dict[int, Snippet]:
    """Of the folders that were deposited, or begun, in one of these days, or decided on by somebody, what was done and when."""
    days = [one.days for one in words if one.days is not None]
    done = {}
    for row in rows:
        day = row.deposited_at.astimezone(PARIS).date()
        if any(first <= day <= last for first, last in days):
            done[row.id] = Snippet(f"{'Commencé' if row.begun else 'Déposé'} le {jour_long(day)}", ())
    others = [row.id for row in rows if row.id not in done]
    if not others:
        return done
    then = (
        sa.and_(StepRun.ended_at >= _midnight(first), StepRun.ended_at < _midnight(last + timedelta(days=1)))
        for first, last in days
    )
    decided = (
        sa.select(
            StepRun.folder_id,
            StepRun.kind,
            StepRun.slot,
            StepRun.state,
            StepRun.who,
            StepRun.ended_at,
            StepRun.sent_to,
        )
        .where(StepRun.folder_id.in_(others), StepRun.user_id.is_not(None))
        .where(StepRun.state.in_(("done", "rejected")), sa.or_(*then))
        .order_by(StepRun.id)
    )
    for part in db.execute(decided):
        if part.ended_at is not None:
            on = jour_long(part.ended_at.astimezone(PARIS).date())
            done.setdefault(part.folder_id, Snippet(f"{_decision(part)} {part.who}, le {on}", ()))
    return done


def _decision(part: Any) -> str:
    if part.state == "rejected":
        return "Renvoyé par" if part.sent_to else "Rejeté par"
    done = done_by(StepKind.OPINION if part.slot.startswith(ASKED) else part.kind)
    return f"{done[:1].upper()}{done[1:]}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PARIS)


def _in_documents(db: Db, folders: Collection[int], words: Sequence[Word]) -> dict[int, Snippet]:
    """Of each folder, the document that has the most of the words."""
    if not folders:
        return {}
    forms = wanted(words)
    having = sa.or_(*(DocumentWords.stems.contains(f" {form} ") for form in sorted(forms)))
    query = (
        sa.select(
            DocumentWords.folder_id,
            DocumentWords.document_id,
            DocumentWords.stems,
            DocumentWords.recognised,
            Document.role,
            Document.title,
        )
        .join(Document, Document.id == DocumentWords.document_id)
        .where(DocumentWords.folder_id.in_(folders), Document.removed_at.is_(None), having)
        .order_by(Document.position, Document.id)
    )
    best: dict[int, Any] = {}
    for row in db.execute(query):
        count = sum(f" {form} " in row.stems for form in forms)
        if row.folder_id not in best or count > best[row.folder_id][0]:
            best[row.folder_id] = (count, row)
    if not best:
        return {}
    chosen = {row.document_id: row for _, row in best.values()}
    texts = sa.select(DocumentWords.document_id, DocumentWords.text).where(
        DocumentWords.document_id.in_(chosen)
    )
    snippets = {}
    for document_id, text in db.execute(texts):
        row = chosen[document_id]
        if pieces := around(text.replace("\n", " "), words):  # kept by lines, shown as a sentence
            where = _where(row.role, row.title)
            snippets[row.folder_id] = Snippet(f"{where}, {GUESSED}" if row.recognised else where, pieces)
    return snippets


def _where(role: str, title: str) -> str:
    if role == "attachment":
        return f"Dans l’annexe « {title} »"
    return {"data": "Dans les données de la facture", "paper": "Dans le papier numérisé"}.get(
        role, "Dans le document"
    )


def _in_notes(db: Db, actor: Actor, folders: Collection[int], words: Sequence[Word]) -> dict[int, Snippet]:
    if not folders:
        return {}
    forms = wanted(words)
    mine = [FolderNote.reach == "all"]
    if actor.user_id is not None:
        mine.append(sa.and_(FolderNote.reach == "alone", FolderNote.user_id == actor.user_id))
    if actor.desk_ids:
        mine.append(sa.and_(FolderNote.reach == "desk", FolderNote.desk_id.in_(actor.desk_ids)))
    for number, desks in lent(db, actor, folders).items():
        here = sa.and_(FolderNote.folder_id == number, FolderNote.desk_id.in_(desks))
        mine.append(sa.and_(FolderNote.reach == "desk", here))
    having = sa.or_(*(FolderNote.stems.contains(f" {form} ") for form in sorted(forms)))
    query = sa.select(FolderNote.folder_id, FolderNote.who, FolderNote.words).where(
        FolderNote.folder_id.in_(folders), sa.or_(*mine), having
    )
    final = sa.or_(
        FolderNote.final_at.is_(None), FolderNote.final_at <= now()
    )  # else nobody is to have read it
    query = query.where(sa.or_(final, FolderNote.user_id == actor.user_id))
    return {
        row.folder_id: Snippet(f"Dans une note de {row.who}", around(row.words, words))
        for row in db.execute(query.order_by(FolderNote.id))
    }


def understanding(query: Query, people: People | None) -> str:
    """What was understood of what was typed: « les mots « enrobé » et « goélands », un montant de plus de 10 000,00 € »."""
    named = [f"« {one.typed} »" for one in query.words if not one.dated and not one.grouped]
    parts = []
    if named:
        together = f"{', '.join(named[:-1])} et {named[-1]}" if len(named) > 1 else named[0]
        parts.append(f"{'les mots' if len(named) > 1 else 'le mot'} {together}")
    if people is not None:
        shown = (
            people.names if len(people.names) < 4 else (*people.names[:2], f"{len(people.names) - 2} autres")
        )
        parts[-1] += f", ou ce qu’a {people.act or 'déposé ou décidé'} {' ou '.join(shown)}"
        if people.rest:
            parts[-1] += f" avec {'les autres mots' if len(people.rest) > 1 else 'l’autre mot'}"
    parts += [f"le nombre « {one.grouped} »" for one in query.words if one.grouped]
    parts += [f"la date « {one.typed} »" for one in query.words if one.dated and not one.by_name]
    parts += [f"une date {_when(one.typed)}" for one in query.dates]
    if query.aside and query.days:
        parts[-1] += f", quel que soit l’acte ({_left_aside(query.aside)})"
    parts += [f"un montant en euros {one}" for one in _bounds(query.amounts)]
    return ", ".join(parts)


def _left_aside(verbs: Sequence[str]) -> str:
    """« « signé » est laissé de côté »."""
    together = " et ".join(f"« {one} »" for one in verbs)
    return f"{together} {'sont laissés' if len(verbs) > 1 else 'est laissé'} de côté"


def _bounds(amounts: Sequence[Amount]) -> list[str]:
    """« de plus de 500,00 € », « d’au moins 500,00 € »; two that are the ends of one: « de 1 000,00 à 2 000,00 € »."""
    bounds: list[str] = []
    left = list(amounts)
    while left:
        one = left.pop(0)
        if left and (one.sign, left[0].sign) == (">=", "<=") and one.cents <= left[0].cents:
            first, last = (Decimal(end.cents) / 100 for end in (one, left.pop(0)))
            bounds.append(f"de {montant(first)} à {euros(last)}")
        else:
            bounds.append(f"{'d’' if one.words.startswith('au') else 'de '}{one.words}")
    return bounds


def _when(typed: str) -> str:
    """« du 12 mars 2026 », « d’avril 2026 », « entre mars 2026 et mai 2026 »."""
    if typed.startswith("entre "):
        return typed
    return f"du {typed}" if typed[0].isdigit() else de(typed)


def chosen_in(values: Any) -> Chosen:
    """The facets that an address has."""
    # Bounded: each value is a condition of the statement, and an address may bear any number of them.
    return Chosen(
        *(tuple(dict.fromkeys(values.getlist(key)))[:20] for key in ("type", "ou", "etat", "annee"))
    )


def _html(pieces: Sequence[Piece]) -> Markup:
    return Markup("").join(
        Markup("<mark>{}</mark>").format(one.text) if one.marked else escape(one.text) for one in pieces
    )


@dataclass(frozen=True)
class Hit:
    """A folder that was found, as the page shows it."""

    row: timeline.FollowRow
    title: Markup
    icon: str
    where: str
    snippet: Markup


@pages.get("/recherche")
@guard(PERSON)
def find() -> str:
    """Search in one field."""
    typed = request.args.get("q", "")[:LONGEST].strip()
    query, chosen = understood(typed), chosen_in(request.args)
    results, hits = None, []
    with reading(g.actor.collectivity_id) as db:
        kept_views = saved.listed(db, g.actor)
        if query:
            results = search(db, g.actor, query, chosen, request.args.get("apres"))
            marks = marks_of(db, [one.id for one in results.found if one.phase != Phase.DONE])
            rows = columns.of_follow(
                timeline.follow_rows(db, results.found, g.actor.collectivity_id, marks), g.actor
            )
            hits = [_hit(one, row, results) for one, row in zip(results.found, rows, strict=True)]
    asked: dict[str, Any] = {
        "q": typed,
        "type": chosen.types,
        "ou": chosen.places,
        "etat": chosen.states,
        "annee": chosen.years,
    }
    return render_template(
        "folders/search.html",
        q=typed,
        results=results,
        hits=hits,
        understood=understanding(query, results.people) if results else "",
        asked=asked,
        views=kept_views,
        save_url=saved.save_url("search", asked),
        total=_total(results) if results else "",
        most_zipped=MOST_FOLDERS,
        ranks=f"{results.first} {results.total}" if results and results.first is not None else "",
        next_url=url_for("folders.find", **asked, apres=results.after) if results and results.after else None,
        first_url=url_for("folders.find", **asked) if request.args.get("apres") else None,
        less=_less(query, chosen, asked),
        plain_url=url_for("folders.find", **{**asked, "q": query.plain}) if query.may_be_words else None,
    )


def _hit(one: Found, row: timeline.FollowRow, results: Results) -> Hit:
    snippet = results.snippets.get(one.id)
    return Hit(
        row,
        _html(marked(row.title, results.query.words)),
        family_words(one.in_force)[1],
        snippet.where if snippet else "",
        _html(snippet.pieces) if snippet else Markup(""),
    )


def _total(results: Results) -> str:
    if results.total is None:
        return "Beaucoup de dossiers, les derniers d’abord"
    return plural(results.total, "dossier") if results.total else "Aucun dossier"


def _less(query: Query, chosen: Chosen, asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Ways out of an empty page: the same without what keeps the most out, each without what it says alone."""
    ways = []
    if chosen:
        ways.append(("Sans les filtres", url_for("folders.find", q=query.typed)))
    if query.amounts and query.words and (without := query.without_amount):
        ways.append(("Sans le montant", url_for("folders.find", **{**asked, "q": without})))
    if query.may_be_words:
        ways.append(("Ces mots, sans date", url_for("folders.find", **{**asked, "q": query.plain})))
    return ways
