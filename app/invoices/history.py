"""What earlier invoices tell of one: that it is there already, that its seller's account or establishment has changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import sqlalchemy as sa

from app.core.db import OURS_ALREADY, Db
from app.core.french import jour, spaces
from app.core.questions import OF, Asked, Rows, keep, kept, once
from app.display.views import state_label
from app.folders.access import readable_among
from app.folders.corrections import shown
from app.folders.facts import cents_of
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.move import acts_of, engaged, still_engaged
from app.folders.sockets import Caution, is_open, mark_of
from app.invoices.days import dates_of
from app.invoices.establishments import listed
from app.invoices.keys import (
    ALIKE,
    CLOSE,
    MANDATED,
    SAME,
    alike_keys,
    keys_of,
    plain_name,
    seller_key,
    sellers_of,
    strict,
)
from app.invoices.mandates import mandate_of
from app.invoices.models import InvoiceKey, SupplierSeen
from app.invoices.rows import total_of
from app.people.models import Collectivity
from workflows.circuit import DONE, WITHDRAWN, Phase
from workflows.condition import values
from workflows.family import Problem
from workflows.family import family as family_named

FAMILY = "invoice"
FILES = ("main", "original", "data")
SIRET = 14
MOST = 20
"""Earlier invoices that are compared, the latest of a seller or of a number."""
LATEST = 10 * MOST
"""Those of a seller, of an account, or of the same day and total, that are read to find them."""
AGAIN = 548
"""Days after which a number that reads the same is no sign of the same invoice."""
TWICE, NEAR = "duplicate", "near-duplicate"
PAID_AHEAD = "paid, read ahead"
WORDS = "words"
"""In `Folder.sources`: the print of the words of an invoice's page, once they were read."""
RULE_FIRST = "une personne qui décide, et qui n’a pas déposé la facture, doit d’abord trancher ce point, ou la rejeter."

_key: Any = InvoiceKey.__table__
_naming: Any = SupplierSeen.__table__
# Built once: they are asked of every invoice twice before it is signed, and to build them costs more than their answers.
_mine, _other = _key.alias("mine"), _key.alias("other")
# « + 0 »: SQLite would else begin with all the keys of the collectivity, and not with those of the folder
_elsewhere = sa.and_(
    _mine.c.folder_id == sa.bindparam("folder"),
    _mine.c.collectivity_id + 0 == sa.bindparam("here"),
    _other.c.folder_id != sa.bindparam("folder"),
)
_of_the_same_key = sa.and_(_other.c.collectivity_id == _mine.c.collectivity_id, _other.c.key == _mine.c.key)
SURELY, CLOSELY, PERHAPS = 2, 1, 0
"""How the statement of all that may be the same invoice says how it found one: by its key, a near number, its facts."""
_of_these_keys = (
    sa.select(
        _other.c.folder_id, sa.func.max(sa.case((_mine.c.kind == SAME, SURELY), else_=CLOSELY)).label("how")
    )
    .join(_other, _of_the_same_key)
    .where(_elsewhere, _mine.c.kind.in_([SAME, CLOSE]))
    .group_by(_other.c.folder_id)
    .order_by(sa.desc("how"), _other.c.folder_id.desc())
    .limit(MOST)
)
_folder: Any = Folder.__table__
# A value typed over the file's hides no other, here or there (INV-20): the keys are of every value. In the order of the keys,
# so that what is read is what shares one, and not the past of the seller
_of_these_facts = (
    sa.select(_other.c.folder_id)
    .join(_mine, _of_the_same_key)
    .join(_folder, _folder.c.id == _other.c.folder_id)
    .where(_elsewhere, _mine.c.kind == ALIKE, _folder.c.place != WITHDRAWN)
    .group_by(_other.c.folder_id)
    .order_by(_other.c.folder_id.desc())
    .limit(LATEST)
)
TWINS: Any = (
    sa.select(
        _mine.c.folder_id.label("mine"),
        _other.c.folder_id.label("other"),
        sa.func.max(
            sa.case((_mine.c.kind == SAME, SURELY), (_mine.c.kind == CLOSE, CLOSELY), else_=PERHAPS)
        ).label("how"),
    )
    .join(_other, _of_the_same_key)
    .where(
        _mine.c.folder_id.in_(sa.bindparam("invoices", expanding=True)),
        _mine.c.collectivity_id + 0 == sa.bindparam("here"),  # as in `_elsewhere`
        _mine.c.kind.in_([SAME, CLOSE, ALIKE]),
        _other.c.folder_id != _mine.c.folder_id,
    )
    .group_by(_mine.c.folder_id, _other.c.folder_id)
    .order_by(sa.desc("how"), _other.c.folder_id.desc())
    .limit(sa.bindparam("most_twins"))
    .cte("twins")
)
"""What may be the same as each of several invoices."""
_twins_of_these = sa.select(TWINS.c.mine, TWINS.c.other, TWINS.c.how)
_acts_of_twins = acts_of(sa.select(TWINS.c.other))
_perhaps_this = sa.union_all(
    sa.select(_of_these_keys.subquery()),
    sa.select(_of_these_facts.subquery(), sa.literal_column(str(PERHAPS))),
)
PERHAPS_THIS: Any = _perhaps_this.cte("perhaps")
"""What may be the same as one invoice, named in the statement of what is read beside it."""
_perhaps_these = sa.select(PERHAPS_THIS.c.folder_id, PERHAPS_THIS.c.how)
_acts_perhaps = acts_of(sa.select(PERHAPS_THIS.c.folder_id))
ANY_PERHAPS = (
    sa.exists()
    .select_from(_mine.join(_other, _of_the_same_key))
    .where(
        _mine.c.folder_id == OF,
        _mine.c.collectivity_id + sa.literal_column("0") == sa.bindparam("here"),  # as in `_elsewhere`
        _other.c.folder_id != OF,
        # In the words of the statement: a list that is bound is written into it anew at each execution
        sa.text(f"mine.kind IN ('{SAME}', '{CLOSE}', '{ALIKE}')"),
    )
)
"""Whether anything shares one of the keys by which an invoice may be the same as another."""


@dataclass(frozen=True)
class Twin:
    """An invoice of another folder that may be this one; `named`: whether who reads may be told which folder it is.

    `kind`: « same », « close » for a number that reads the same, « alike » for the same seller, date and total.
    """

    folder: Folder
    kind: str
    named: bool

    @property
    def title(self) -> str:
        """What they share, in few words."""
        return {SAME: "Même facture", CLOSE: "Numéro très proche", ALIKE: "Même date et même montant"}[
            self.kind
        ]


def index(db: Db, folder: Folder) -> None:
    """Keep the keys of an invoice as its facts and files now are, in the caller's transaction."""
    query = (
        sa.select(DocumentVersion.sha256)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Document.folder_id == folder.id,
            Document.role.in_(FILES),
            DocumentVersion.origin.in_(["deposited", "extracted"]),
        )
    )
    # The same words in another file are the same invoice too (`app/invoices/texts.py`)
    page_words = folder.sources.get(WORDS, "")
    wanted = keys_of(folder.facts, [*db.scalars(query), *filter(None, [page_words])])
    wanted |= alike_keys(folder.facts, totals_of(folder))
    wanted |= {MANDATED: MANDATED} if mandate_of(folder) else {}
    rows = db.execute(sa.select(_key.c.key, _key.c.kind).where(_key.c.folder_id == folder.id))
    known = {row.key: row.kind for row in rows}
    if gone := [key for key in known if key not in wanted]:
        db.execute(sa.delete(_key).where(_key.c.folder_id == folder.id, _key.c.key.in_(gone)))
    owner = {"folder_id": folder.id, "collectivity_id": folder.collectivity_id}
    if fresh := [{**owner, "key": key, "kind": kind} for key, kind in wanted.items() if key not in known]:
        db.execute(sa.insert(_key), fresh)


def keep_words(db: Db, folder: Folder, page_words: str) -> None:
    """Add the key of the words of an invoice's page, which were read since its keys were kept; none for no words."""
    for key, kind in keys_of({}, filter(None, [page_words])).items():
        known = sa.select(_key.c.key).where(_key.c.folder_id == folder.id, _key.c.key == key)
        if db.scalar(known) is None:
            owner = {"folder_id": folder.id, "collectivity_id": folder.collectivity_id}
            db.execute(sa.insert(_key), [{**owner, "key": key, "kind": kind}])


def seen_before(db: Db, folder: Folder) -> list[Twin]:
    """The folders that hold the same invoice, one whose number reads the same, or one of the same seller, date and total.

    The surest first, then the latest.

    Those deposited before it, and those that have ended or were signed since; not those that were given up. Each is told on
    the later one, and a later one that was signed first on the other: of the two, one is always held (`to_rule`).
    """
    if folder.phase == Phase.DONE:
        return []
    return once(db, ("invoices seen before", folder.id), lambda: _seen_before(db, folder))


def asked_ahead(folders: Sequence[Folder], others: sa.Select[Any]) -> list[Asked]:
    """What is read to say what may be the same as each of these invoices, for `keep_ahead`.

    `others`: the query of the invoices that these are compared with, `TWINS` among them.
    """
    binds = {
        "here": folders[0].collectivity_id,
        "invoices": [folder.id for folder in folders],
        "most_twins": MOST * len(folders),
    }
    return [(_twins_of_these, binds), (others, binds), (_acts_of_twins, binds)]


def keep_ahead(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> None:
    """Keep for the page that is being made what may be the same as each of these invoices, from what was read."""
    twins, others, acts = rows
    rows_by_invoice: dict[int, list[tuple[int, int]]] = {folder.id: [] for folder in folders}
    for mine, other, how in twins:
        rows_by_invoice[mine].append((other, how))
    every = {candidate.id: candidate for (candidate,) in others}
    wanted = {other for each in rows_by_invoice.values() for other, _ in each}
    later = still_engaged((every[number] for number in wanted), acts)
    named = readable_among(db, list(wanted))
    for folder in folders:
        kinds = _kinds(folder, rows_by_invoice[folder.id], every)
        standing = _standing(folder, kinds, every, later)
        keep(
            db,
            ("invoices seen before", folder.id),
            [Twin(every[key], kinds[key], key in named) for key in standing],
        )


def _seen_before(db: Db, folder: Folder) -> list[Twin]:
    rows = db.execute(_perhaps_this, {"folder": folder.id, "here": folder.collectivity_id}).all()
    if not rows:
        return []
    read = db.scalars(sa.select(Folder).where(Folder.id.in_({row[0] for row in rows})))
    return _twins(db, folder, rows, {candidate.id: candidate for candidate in read})


def asked_of_one(folder: Folder, others: sa.Select[Any]) -> list[Asked]:
    """What is read to say what may be the same as one invoice, as `seen_before` does, for `keep_of_one`; `others`: as above."""
    binds = {"here": folder.collectivity_id, "folder": folder.id}
    return [(_perhaps_these, binds), (others, binds), (_acts_perhaps, binds)]


def keep_of_one(db: Db, folder: Folder, rows: Sequence[Rows]) -> None:
    """Keep what may be the same as an invoice, from what was read."""
    perhaps, others, acts = rows
    every = {candidate.id: candidate for (candidate,) in others}
    keep(db, ("invoices seen before", folder.id), _twins(db, folder, perhaps, every, acts))


def keep_none(db: Db, folder: Folder) -> None:
    """Keep that nothing is like an invoice."""
    keep(db, ("invoices seen before", folder.id), [])


def _twins(
    db: Db, folder: Folder, rows: Rows, every: Mapping[int, Folder], acts: Rows | None = None
) -> list[Twin]:
    """The twins of an invoice among these; `acts`: what was signed or left of them, asked where it is not given."""
    kinds = _kinds(folder, [(key, how) for key, how in rows], every)
    others = [every[key] for key in kinds if key > folder.id]
    later = engaged(db, others) if acts is None else still_engaged(others, acts)
    standing = _standing(folder, kinds, every, later)
    named = readable_among(db, standing)
    return [Twin(every[key], kinds[key], key in named) for key in standing]


def _kinds(folder: Folder, rows: Sequence[tuple[int, int]], every: Mapping[int, Folder]) -> dict[int, str]:
    """How each of those that share a key with an invoice is its twin, the surest first, then the latest."""
    kinds = {
        key: SAME if how == SURELY else CLOSE
        for how, key in sorted(((how, key) for key, how in rows if how != PERHAPS), reverse=True)
        if how == SURELY or _of_the_same_months(folder, every[key])
    }
    days, totals = _days(folder), totals_of(folder)
    perhaps = sorted({key for key, how in rows if how == PERHAPS}, reverse=True)
    alike = (key for key in perhaps if _days(every[key]) & days and totals_of(every[key]) & totals)
    for key in islice(alike, MOST):
        kinds.setdefault(key, ALIKE)
    return kinds


def _standing(
    folder: Folder, kinds: Collection[int], every: Mapping[int, Folder], later: Collection[int]
) -> list[int]:
    """Of the twins of an invoice, those that are told on it: the earlier ones, and what was signed or is over since."""
    return [
        key
        for key in kinds
        if every[key].place != WITHDRAWN and (key < folder.id or every[key].place == DONE or key in later)
    ]


def _of_the_same_months(folder: Folder, other: Folder) -> bool:
    """Whether two invoices may be of the same eighteen months: a seller takes his short numbers up again later."""
    own, its = list(dates_of(folder, "issue_date")), list(dates_of(other, "issue_date"))
    return not (own and its) or any(abs((a - b).days) <= AGAIN for a in own for b in its)


def _days(folder: Folder) -> set[str]:
    return {str(day) for day in values(folder.facts, "issue_date") if day}


def totals_of(folder: Folder) -> set[int]:
    """What an invoice may add up to, in cents, below zero for a credit note; nothing that is unknown or zero."""
    back = family_named(FAMILY).credits(folder.facts)
    read = (cents_of(text) for text in values(folder.facts, "total_ttc"))
    totals = (-abs(cents) if back else cents for cents in read if cents)
    return {cents for cents in (folder.amount_cents, *totals) if cents}


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What to look at in an invoice before deciding, from what else the commune holds."""
    if folder.phase == Phase.DONE:
        return []
    by = frozenset(folder.sources.get("depositors", ()))
    seller_cautions = [*_addressee(db, folder, by), *_seller(folder, paid(db, folder), by)]
    return [*_duplicates(db, folder), *map(_spaced, seller_cautions)]


def _duplicates(db: Db, folder: Folder) -> list[Caution]:
    return [point_of(folder, twin) for twin in seen_before(db, folder)]


def point_of(folder: Folder, twin: Twin) -> Caution:
    """What is to be ruled on of an invoice and another one that is like it."""
    return _spaced(_duplicate(twin, frozenset(folder.sources.get("depositors", ()))))


def _spaced(caution: Caution) -> Caution:
    return replace(caution, title=spaces(caution.title), sentence=spaces(caution.sentence))


def to_rule(db: Db, folder: Folder) -> list[Problem]:
    """What stands before the signature: an invoice that may be there already, until who did not deposit it rules (INV-20)."""
    return [
        Problem("duplicate-unruled", "number", spaces(f"« {caution.title} » : {RULE_FIRST}"))
        for caution in _duplicates(db, folder)
        if is_open(folder, caution)
    ]


def _duplicate(twin: Twin, by: frozenset[int]) -> Caution:
    other = twin.folder
    where, what = "Un autre dossier, que vous ne pouvez pas lire,", ""
    if twin.named:
        amount = total_of(other.fields)
        where = f"Le dossier n° {other.id}"
        number = f", n° {other.number}" if other.number else ""
        what = (
            f"{number}, {amount}, déposée par {other.depositor_name} le {jour(other.created_at.date())} "
            f"({state_label(other.place, None).lower()})"
        )
    if twin.kind == SAME:
        key, title = TWICE, "Facture déjà reçue"
        sentence = (
            f"{where} porte la même facture{what}. Aucune ne se paie deux fois : rejetez celle-ci, ou dites pourquoi ce "
            "n’est pas la même."
        )
    else:
        key, title = NEAR, twin.title
        alike = (
            "dont le numéro se lit de même" if twin.kind == CLOSE else "de la même date et du même montant"
        )
        sentence = f"{where} porte une facture du même fournisseur {alike}{what}. Si c’est la même, rejetez celle-ci."
    return Caution(
        key,
        title,
        sentence,
        about=f"{key}:{mark_of(other)}",
        choices=(("", "Deux factures distinctes"),),
        by=by,
        formerly=f"{key}:{other.id}",
        grave=True,
        or_reject="La même facture : rejeter…",
    )


def _addressee(db: Db, folder: Folder, by: frozenset[int]) -> Iterable[Caution]:
    collectivity = db.get_one(Collectivity, folder.collectivity_id)
    siret, siren = (values(folder.facts, key) for key in ("buyer_siret", "buyer_siren"))
    # What the file says as well as what was typed: the one that stands may hide the other
    numbers = dict.fromkeys(str(identifier) for identifier in (siret if any(siret) else siren) if identifier)
    known = listed(collectivity.settings)
    for number in numbers:
        if number[:9] == collectivity.siren and known and len(number) == SIRET and number not in known:
            yield Caution(
                "addressee-establishment",
                "Facture adressée à un établissement hors de la liste",
                f"La facture nomme le SIRET {number}, de {collectivity.name}, que la liste des établissements n’a pas. Demandez "
                "à qui elle est destinée, ou faites ajouter cet établissement par un administrateur (« Administration », "
                "« Établissements »).",
                about=f"addressee-establishment:{number}",
                by=by,
            )
        if number[:9] != collectivity.siren:
            yield Caution(
                "addressee",
                "Facture adressée à un autre organisme",
                f"La facture nomme {folder.fields.get('buyer') or 'un destinataire'} ({number}), et non {collectivity.name} "
                f"(SIREN {collectivity.siren}). Demandez au fournisseur à qui il la destine.",
                about=f"addressee:{number}",
                by=by,
            )


def paid(db: Db, folder: Folder) -> Sequence[Folder]:
    """The latest invoices of the same seller that went to their end, by each SIREN and each name that are told of him."""
    ahead: Sequence[Folder] | None = kept(db, (PAID_AHEAD, folder.id))
    return ahead if ahead is not None else once(db, ("settled", folder.id), lambda: _settled(db, folder))[0]


def namesakes(db: Db, folder: Folder) -> Sequence[Folder]:
    """The latest invoices and orders that ended here under the name of the seller, but for its legal form."""
    return once(db, ("settled", folder.id), lambda: _settled(db, folder))[1]


def _settled(db: Db, folder: Folder) -> tuple[Sequence[Folder], Sequence[Folder]]:
    """What `paid` and `namesakes` give, by one statement: each has its own bound, and pushes none of the other's out of sight."""
    keys = [seller_key(seller) for seller in sellers_of(folder.facts)]
    name = plain_name(str(folder.fields.get("seller") or ""))
    if not name:
        return with_keys(db, folder, keys), []
    ended = sa.and_(_folder.c.place == DONE, _folder.c.collectivity_id == folder.collectivity_id)
    of_keys = sa.select(_folder.c.id, sa.literal_column("1").label("how")).where(
        _folder.c.id.in_(having(folder, keys)), ended
    )
    of_name = (
        sa.select(_naming.c.folder_id.label("id"), sa.literal_column("2").label("how"))
        .join(_folder, _folder.c.id == _naming.c.folder_id)
        .where(
            _naming.c.collectivity_id == folder.collectivity_id,
            _naming.c.plain == name,
            _naming.c.folder_id != folder.id,
            ended,
        )
    )
    latest = (
        of_keys.order_by(_folder.c.id.desc()).limit(MOST).subquery(),
        of_name.order_by(_naming.c.folder_id.desc()).limit(MOST).subquery(),
    )
    both = sa.union_all(*(sa.select(part) for part in latest)).subquery()
    query = sa.select(Folder, both.c.how).join(both, both.c.id == Folder.id).order_by(Folder.id.desc())
    # Both name the collectivity: said again, SQLite would begin with all the folders that it has
    rows = db.execute(query.execution_options(**{OURS_ALREADY: True})).all()
    return [row for row, how in rows if how == 1], [row for row, how in rows if how != 1]


def with_keys(db: Db, folder: Folder, keys: Sequence[str]) -> Sequence[Folder]:
    """The latest other invoices that went to their end and have one of these keys, the last first."""
    if not keys:
        return []
    query = sa.select(Folder).where(Folder.id.in_(having(folder, keys)), Folder.place == DONE)
    return db.scalars(query.order_by(Folder.id.desc()).limit(MOST)).all()


def having(folder: Folder, keys: Sequence[str]) -> Any:
    """The numbers of the latest other invoices that have one of these keys, so many of each key: its index is read no further."""
    latest = [
        sa.select(_key.c.folder_id)
        .where(
            _key.c.collectivity_id == folder.collectivity_id,
            _key.c.key == key,
            _key.c.folder_id != folder.id,
        )
        .order_by(_key.c.folder_id.desc())
        .limit(LATEST)
        for key in keys
    ]
    return sa.union_all(*(sa.select(each.subquery()) for each in latest))


def _seller(folder: Folder, settled: Sequence[Folder], by: frozenset[int]) -> Iterable[Caution]:
    """That the establishment of the seller is another than that of the invoices that were paid."""
    name = str(folder.fields.get("seller") or "ce fournisseur")
    known = {str(invoice.fields["seller_siret"]) for invoice in settled if invoice.fields.get("seller_siret")}
    for siret in dict.fromkeys(str(text or "") for text in values(folder.facts, "seller_siret")):
        if siret and known and siret not in known:
            yield Caution(
                "establishment",
                f"SIRET changé, {name}",
                f"Cette facture : {siret}. Aux dernières factures terminées ici : {', '.join(sorted(known)[:3])}. Vérifiez "
                "que c’est bien le même fournisseur.",
                about=f"establishment:{siret}",
                by=by,
                whom=spaces(name),
            )


@dataclass(frozen=True)
class Row:
    """One line of a comparison: a fact in this folder and in the other."""

    label: str
    own: str
    other: str

    @property
    def differs(self) -> bool:
        """Whether the two folders say something else."""
        return self.own != self.other

    @property
    def near(self) -> bool:
        """Whether they say nearly the same, as a number with other signs between its figures."""
        return self.differs and bool(self.own and self.other) and strict(self.own) == strict(self.other)


COMPARED = ("number", "issue_date", "seller", "seller_siret", "total_ttc", "order_ref", "iban")


def beside(folder: Folder, other: Folder) -> list[Row]:
    """An invoice and another, fact by fact."""
    family = family_named(FAMILY)
    return [
        Row(
            field.label,
            shown(family, key, folder.fields.get(key)),
            shown(family, key, other.fields.get(key)),
        )
        for key in COMPARED
        if (field := family.field(key)) and (folder.fields.get(key) or other.fields.get(key))
    ]
