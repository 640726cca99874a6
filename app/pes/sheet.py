"""The sheet of a flow: its sum in one sentence, what to look at before signing, and one page of its mandats and titres."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.circuits.library import family_of
from app.core.db import Db, reading
from app.core.french import euros, jour, spaces
from app.core.questions import OF, Question, ask_together
from app.core.refusals import Refusal
from app.display.views import state_label
from app.files import vault
from app.folders.access import READER, readable_among
from app.folders.models import DocumentVersion, Folder
from app.folders.move import was_signed
from app.folders.points import name
from app.folders.readings import rulings_on_cautions
from app.folders.sockets import Caution, is_open, mark_of
from app.people.actor import system
from app.pes import outstanding
from app.pes.answered import Repeated, attachments_taken, marks, named_first, taken_again
from app.pes.flow import KINDS, WHAT, is_flow, masked, page_content
from app.pes.index import (
    ACCOUNTS,
    ANSWERED,
    SLIPS,
    Elsewhere,
    changed_accounts,
    deposited,
    elsewhere,
    index_of,
    remake,
    slips_of,
)
from app.pes.models import FlowAnswer, FlowAttachment, FlowIndex, FlowPage
from app.pes.payments import Key, Said, Words, number_of, said_of
from app.pes.schema import MOST, VERSIONS
from workflows.circuit import Phase
from workflows.family import Problem
from workflows.flows.keys import same_number

XML = "application/xml"
_LATER = (
    "chèque bancaire DFT",
    "chèque énergie",
    "chèque vacances",
    "crédit d’office",
    "débit d’office",
    "frais PAYFIP",
    "paiement par carte, par téléphone",
    "télépaiement",
    "virement par internet, PAYFIP",
)
_FIRST = (
    "numéraire",
    "chèque",
    "virement",
    "virement, application externe",
    "virement de gros montant",
    "virement à l’étranger",
    "opération de budget rattaché",
)
_PAID = (*_FIRST, "opération d’ordre", "avis de règlement", "prélèvement", "virement interne", *_LATER)
_COLLECTED = (*_FIRST, "prélèvement", "virement interne", *_LATER)
MODES = {
    domain: {f"{code:02}": words for code, words in enumerate(every, start=1)}
    for domain, every in (("dépenses", _PAID), ("recettes", _COLLECTED))
}
"""How a line is paid (5.30, CommunDepense.xsd, TCodePaiement) or collected (CommunRecette.xsd, TModRegl): two lists."""
SUPPORTS = {"02": "papier", "03": "cédérom"}
ABSENT = re.compile(r"La pièce (\S+) est annoncée")
"""How a finding names an attachment that is absent (`coherence._absent`)."""
RULE_FIRST = "une personne qui décide, et qui n’a pas déposé le flux, doit d’abord trancher ce point."
BAND = 3
"""How many titles the band under the header says before « et N autres »."""


@dataclass(frozen=True)
class Point:
    """Something to look at before signing; `page` of the sheet where it is seen, 0 when it is on none.

    `grave`: sent as it is, a part of the flow would be refused, or paid twice.
    """

    key: str
    icon: str
    title: str
    text: str
    page: int
    mark: str
    grave: bool = False

    @property
    def about(self) -> str:
        """The name of this very point in its folder, for who rules on it: another flow, or another acquit, is another.

        `mark` is what it is made of: its words depend on who reads, or another file may say the same.
        """
        return name(self.key, self.mark)


FIRST_PAGE = Question(
    (FlowPage,), sa.and_(FlowPage.folder_id == OF, FlowPage.number == 1), order=lambda row: row[0].number
)
"""The page that is shown as long as no other is asked."""


class Sheet:
    """Draws the sheet and the band of a flow; both read the index that was made at deposit, and one page."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(
        self, db: Db, folder: Folder, version: DocumentVersion, asked: Mapping[str, str]
    ) -> Markup | None:
        """The page that `asked` names (`feuille`, or the `bordereau` of that number), or None when it is no flow."""
        if not is_flow(family_of(folder.in_force)) or version.media_type != XML:
            return None
        source = deposited(db, version)
        index = index_of(db, folder.id)
        if index is not None and index.sha256 == source.sha256:
            return self._draw(db, folder, index, asked)
        return self._remade(folder, source, asked)

    def band(self, db: Db, folder: Folder) -> Markup | None:
        """What should be looked at before signing, in one line under the header; None when there is nothing."""
        ruled = rulings_on_cautions(folder.sources)
        found = [one for one in _points_of(db, folder) if one.about not in ruled]
        if not found or _decided(db, folder):
            return None
        page = self._templates.get_template("pes/band.html")
        told = {"points": found[:BAND], "more": max(len(found) - BAND, 0), "count": len(found)}
        return Markup(page.render(grave=any(one.grave for one in found), **told))  # noqa: S704 - the template escapes what it prints

    def _remade(self, folder: Folder, source: DocumentVersion, asked: Mapping[str, str]) -> Markup | None:
        """A flow deposited before readings were kept is read now, once."""
        from app.pes.coherence import read

        try:
            with vault.local(folder.collectivity_id, source.sha256, ".xml") as path:
                flow = read(path)
        except Refusal:
            return None
        remake(system(folder.collectivity_id), folder.id, source.sha256, flow)
        with reading(folder.collectivity_id) as db:
            return self._draw(db, folder, db.get_one(FlowIndex, folder.id), asked)

    def _draw(self, db: Db, folder: Folder, index: FlowIndex, asked: Mapping[str, str]) -> Markup:
        ask_together(db, (FIRST_PAGE, SLIPS, ANSWERED, ACCOUNTS), folder.id)
        number, unknown = _asked(db, index, asked)
        page = db.get_one(FlowPage, (folder.id, number))
        blocks = page_content(page.content)
        links, answers = _links(db, folder.id, blocks), marks(db, folder, index)
        series = _series(db, folder.id, blocks)
        paid = said_of(db, folder, {(name, number_of(number)) for (_, number), name in series.items()})
        shown = [_paid(_block(one, links, answers), series, paid) for one in blocks]
        # A series is CodCol, CodBud, then domain, exercise and kind: the page is of one budget
        budget = next(iter(series.values()), "").rsplit(" ", 3)[0]
        ruled = rulings_on_cautions(folder.sources)
        found = [one for one in points(db, folder, index) if one.about not in ruled]
        drawn = self._templates.get_template("pes/sheet.html").render(
            folder_id=folder.id,
            document=asked.get("document", ""),
            sentence=sentence(index.summary),
            summary=index.summary,
            points=found,
            decided=_decided(db, folder),
            sums=any(index.summary["slips"].values()),
            clean=all(
                one[0] in {"schema", "payslips", "shared-account"} for one in index.summary["findings"]
            ),
            schema=index.summary.get(
                "schema"
            ),  # of a flow read before this was kept, nobody says it any more
            newer=index.summary.get("newer", ()),
            known=VERSIONS[0],
            most=MOST,
            blocks=outstanding.beside(db, folder, shown, budget),
            returns=bool(paid),
            number=number,
            pages=index.pages,
            unknown=unknown,
        )
        return Markup(drawn)  # noqa: S704 - the template escapes what it prints


def points(db: Db, folder: Folder, index: FlowIndex) -> list[Point]:
    """What to look at before signing: what was found at deposit, and what other folders tell today."""
    known: dict[Any, list[Point]] = db.info.setdefault("pes_points", {})
    key = (folder.id, db.info.get(READER))
    if key not in known:
        repeated = taken_again(db, folder)
        known[key] = [
            *_taken(db, folder, repeated),
            *(
                Point(
                    "account",
                    "bank",
                    f"IBAN changé, {one['name'] or 'tiers'}",
                    f"Pièce {one['piece']} : {one['now']}. Au dernier flux signé : {', '.join(one['before'])}. "
                    "Faites confirmer ce changement par le tiers, à un numéro que vous connaissez déjà.",
                    one["page"],
                    f"{index.sha256} {one['mark']}",
                )
                for one in changed_accounts(db, folder)
            ),
            *(_elsewhere(one) for one in elsewhere(db, folder, repeated.pages)),
            *(
                Point(key, "exclamation-triangle", title, text, page, f"{index.sha256} {title} {text}")
                for key, title, text, page in _found(db, folder, index)
            ),
        ]
    return known[key]


def _taken(db: Db, folder: Folder, repeated: Repeated) -> Iterator[Point]:
    """What an acquit took already; each keeps its name whoever reads."""
    named = readable_among(db, repeated.folders)
    for said, (title, text, _) in zip(repeated.told(folder, named), repeated.told(folder), strict=True):
        yield Point("taken", "exclamation-circle", *said, f"{title} {text}", grave=True)


def _elsewhere(one: Elsewhere) -> Point:
    several = len(one.numbers) > 1
    what = (
        f"Bordereaux {named_first(one.numbers)} déjà déposés"
        if several
        else f"Bordereau {one.numbers[0]} déjà déposé"
    )
    where, state = "Un autre dossier, que vous ne pouvez pas lire,", ""
    if one.named:
        where, state = f"Le dossier n° {one.folder.id}", f" ({state_label(one.folder.place, None).lower()})"
    text = (
        f"{where} porte {'les mêmes bordereaux' if several else 'le même bordereau'}{state} : le comptable rejettera le "
        "second. Abandonnez l’un des deux, ou dites pourquoi les deux partent."
    )
    # What was ruled while the other folder came after is asked again once this flow is the second
    mark = f"{mark_of(one.folder)} {','.join(one.numbers)}{'' if one.held else ' first'}"
    return Point("elsewhere", "files", what, text, one.page, mark, grave=one.held)


def _decided(db: Db, folder: Folder) -> bool:
    """Whether it is over, or signed and gone on: nothing is to be looked at before a signature that was made."""
    return folder.phase == Phase.DONE or (folder.phase == Phase.RUNNING and was_signed(db, folder))


def _found(db: Db, folder: Folder, index: FlowIndex) -> list[Any]:
    """What was found at deposit, but for attachments that are absent because an acquit took them already."""
    findings = index.summary["findings"]
    absent = [ABSENT.match(text) for key, _, text, _ in findings if key == "absent"]
    taken = attachments_taken(db, folder, {one[1] for one in absent if one})
    here = (ABSENT.match(text) if key == "absent" else None for key, _, text, _ in findings)
    return [one for one, match in zip(findings, here, strict=True) if not (match and match[1] in taken)]


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """The same, as whoever decides without opening the sheet is told; none is grave."""
    return [one for one in _cautions(db, folder) if not one.grave]


def repeated(db: Db, folder: Folder) -> list[Caution]:
    """What an acquit took already, or another folder on its way: nobody signs before somebody who did not deposit it ruled."""
    return [one for one in _cautions(db, folder) if one.grave]


def _cautions(db: Db, folder: Folder) -> Iterator[Caution]:
    by = frozenset(folder.sources.get("depositors", ()))
    for one in _points_of(db, folder):
        yield Caution(one.key, spaces(one.title), spaces(one.text), about=one.about, by=by, grave=one.grave)


def to_rule(db: Db, folder: Folder) -> list[Problem]:
    """What stands before the signature as long as nobody has ruled."""
    return [
        Problem("taken-unruled", "", f"« {one.title} » : {RULE_FIRST}")
        for one in repeated(db, folder)
        if is_open(folder, one)
    ]


def _points_of(db: Db, folder: Folder) -> list[Point]:
    index = index_of(db, folder.id)
    return points(db, folder, index) if index is not None else []


def sentence(said: Mapping[str, Any]) -> tuple[str, str, str]:
    """The flow in one sentence, in three parts, the second being its total: « 2 bordereaux de mandats, 14 mandats, … ».

    What has no bordereau has no total: its contracts and attachments are the second part.
    """
    slips = [
        _many(count, "bordereau", "bordereaux") + f" de {what}"
        for what, count in said["slips"].items()
        if count
    ]
    day = f", du {jour(said['written_on'])}" if said["written_on"] else ""
    attached = (
        _many(said["attachments"], "pièce jointe", "pièces jointes")
        if said["attachments"]
        else "aucune pièce jointe"
    )
    told = said.get("contracts", 0)  # a flow read before they were counted had none
    contracts = [_many(told, "marché", "marchés")] if told else []
    if not slips:
        what = " et ".join([*contracts, attached] if said["attachments"] or not told else contracts)
        return spaces(f"Sans bordereau ni signature{day}, "), what, f", {said['budget']}."
    pieces = [_many(count, what, f"{what}s") for what, count in said["pieces"].items() if count]
    cancelling = (
        f", dont {_many(said['cancelling'], 'annulation', 'annulations')}" if said["cancelling"] else ""
    )
    before = f"{' et '.join(slips)}{cancelling}, {', '.join(pieces)}, "
    return (
        before,
        f"{euros(said['total_with_tax'])} TTC",
        spaces(f", {said['budget']}{day}, {', '.join([*contracts, attached])}."),
    )


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {several if count > 1 else one}"


def _asked(db: Db, index: FlowIndex, asked: Mapping[str, str]) -> tuple[int, str]:
    """The number of the page to show, and the bordereau that was asked and is not in the flow."""
    wanted = asked.get("bordereau", "").strip()[:20]
    if wanted:
        page = next((one.page for one in slips_of(db, index.folder_id) if one.number == wanted), None)
        if page is not None:
            return page, ""
    text = asked.get("feuille", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    return min(max(number, 1), index.pages), wanted


def _links(db: Db, folder_id: int, blocks: list[dict[str, Any]]) -> dict[str, int]:
    """The attachments of the flow that this page names, by identifier: the rank that their address bears."""
    wanted = {
        ref.get("IdUnique", "")
        for block in blocks
        for piece in block.get("pieces", ())
        for ref in piece["refs"]
    }
    if not wanted:
        return {}
    query = sa.select(FlowAttachment.unique_id, FlowAttachment.rank).where(
        FlowAttachment.folder_id == folder_id, FlowAttachment.unique_id.in_(wanted)
    )
    # Where an identifier serves twice the first is opened: the page of attachments says that there is another
    return {unique_id: rank for unique_id, rank in db.execute(query.order_by(FlowAttachment.rank.desc()))}  # noqa: C416


def _block(block: dict[str, Any], links: Mapping[str, int], answers: Sequence[FlowAnswer]) -> dict[str, Any]:
    if block["kind"] == "attachments":
        return block
    if block["kind"] != "slip":
        return {**block, "rows": _hidden(block["rows"])}
    what = WHAT[block["domain"]]
    kind = KINDS.get(block["type"], block["type"])
    sums = [Decimal(one) for one in block.get("sums", ())]
    first, later = _answers(block, answers)
    faults = first.faults if first is not None else []
    return {
        **block,
        "taken": None if first is None else first.accepted,
        "later": [_later(one) for one in later],
        "faults": [words for piece, _, words in faults if not piece],
        "what": what,
        "title": f"Bordereau {block['number']}",
        "line": f"{block['domain']}, {kind}, exercice {block['year']}",
        "fields": _hidden(block["fields"]),
        "sums": [*sums, sum(sums)] if sums else [],
        "equal": bool(sums) and block["total"] is not None and Decimal(block["total"]) == sums[0],
        "pieces": [_piece(one, links, faults, MODES[block["domain"]]) for one in block["pieces"]],
    }


def _series(db: Db, folder_id: int, blocks: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The series of the bordereaux of a page, each by (ending of its series, number), as the reading wrote it."""
    shown = {one["number"] for one in blocks if one["kind"] == "slip"}
    slips = (one for one in slips_of(db, folder_id) if one.number in shown)
    return {(_ending(*one.series.split(" ")[-3:]), one.number): one.series for one in slips}


def _ending(domain: str, year: str, kind: str) -> str:
    return f"{domain} {year} {kind}"


def _paid(
    block: dict[str, Any], series: Mapping[tuple[str, str], str], paid: Mapping[Key, Said]
) -> dict[str, Any]:
    """A block whose pieces bear what the Treasury says of them, compared with what the flow says."""
    if block["kind"] != "slip":
        return block
    place = series.get((_ending(block["domain"], block["year"], block["type"]), block["number"]), "")
    slip = number_of(block["number"])
    pieces = [
        {**one, "treasury": _treasury(one, paid.get((place, slip, number_of(one["n"]))))}
        for one in block["pieces"]
    ]
    return {**block, "pieces": pieces}


def _treasury(piece: Mapping[str, Any], said: Said | None) -> list[Words]:
    return said.words(int(piece["ttc"] * 100)) if said is not None else []


def _answers(
    block: dict[str, Any], answers: Sequence[FlowAnswer]
) -> tuple[FlowAnswer | None, list[FlowAnswer]]:
    """What the acquit said of a bordereau, as a page shows it, and what those that came after it said."""
    ending = f" {block['domain']} {block['year']} {block['type']}"
    about = [one for one in answers if one.number == block["number"] and one.series.endswith(ending)]
    return next((one for one in about if not one.later), None), [one for one in about if one.later]


def _later(answer: FlowAnswer) -> tuple[bool, str, list[str]]:
    """What an acquit that came after another says of a bordereau: taken or not, its day, and each fault with its place."""
    what = "titre" if " recettes " in answer.series else "mandat"
    faults = [
        ", ".join([*([f"{what} {piece}"] if piece else []), *([f"ligne {line}"] if line else [])])
        + (f" : {words}" if piece or line else words)
        for piece, line, words in answer.faults
    ]
    return answer.accepted, jour(answer.answered_on), faults


def _piece(
    piece: dict[str, Any],
    links: Mapping[str, int],
    faults: Sequence[tuple[str, str, str]],
    modes: Mapping[str, str],
) -> dict[str, Any]:
    lines = [_line(one, modes) for one in piece["lines"]]
    thirds = list(dict.fromkeys(one["third"] for one in lines if one["third"]))
    before = sum((one["ht"] for one in lines), Decimal(0))
    vat = sum((one["vat"] for one in lines), Decimal(0))
    refs = [
        {
            "name": one.get("NomPJ") or one.get("IdUnique", ""),
            "rank": links.get(one.get("IdUnique", "")),
            "support": SUPPORTS.get(one.get("Support", ""), ""),
        }
        for one in piece["refs"]
    ]
    single = lines[0] if len(lines) == 1 else None
    return {
        **piece,
        "faults": [
            f"Ligne {line} : {words}" if line else words
            for number, line, words in faults
            if number and same_number(number, piece["n"])
        ],
        "third": thirds[0] if len(thirds) == 1 else f"{len(thirds)} tiers" if thirds else "",
        "single": single,
        "lines": lines,
        "ht": before,
        "vat": vat,
        "ttc": before + vat,
        "refs": refs,
        "fields": _hidden(piece["fields"]),
        "named": [(key, value) for one in piece["refs"] for key, value in one.items()],
    }


def _line(line: dict[str, Any], modes: Mapping[str, str]) -> dict[str, Any]:
    before, vat = Decimal(line["ht"]), Decimal(line["vat"])
    paid = ", ".join(
        one
        for one in (modes.get(line["mode"], line["mode"]), masked(line["iban"]) if line["iban"] else "")
        if one
    )
    return {
        **line,
        "ht": before,
        "vat": vat,
        "ttc": before + vat,
        "paid": paid,
        "fields": _hidden(line["fields"]),
    }


def _hidden(values: list[Any]) -> list[tuple[str, str, str]]:
    """Every value of the file, but for accounts: their ends are enough to compare them."""
    return [(where, name, masked(text) if name == "IBAN" else text) for where, name, text in values]
