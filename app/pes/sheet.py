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
from app.folders.sockets import Caution, Leaf, is_open, mark_of
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
from app.pes.payments import Key, Remark, Settlement, number_of, settlements_of
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
    domain: {f"{code:02}": label for code, label in enumerate(every, start=1)}
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
        self, db: Db, folder: Folder, version: DocumentVersion, query: Mapping[str, str]
    ) -> Leaf | None:
        """The page that `query` names (`feuille`, or the `bordereau` of that number), or None when it is no flow."""
        if not is_flow(family_of(folder.in_force)) or version.media_type != XML:
            return None
        source = deposited(db, version)
        index = index_of(db, folder.id)
        if index is not None and index.sha256 == source.sha256:
            return self._draw(db, folder, index, query)
        return self._remade(folder, source, query)

    def band(self, db: Db, folder: Folder) -> Markup | None:
        """What should be looked at before signing, in one line under the header; None when there is nothing."""
        ruled = rulings_on_cautions(folder.sources)
        unruled = [point for point in _points_of(db, folder) if point.about not in ruled]
        if not unruled or _decided(db, folder):
            return None
        page = self._templates.get_template("pes/band.html")
        shown = {"points": unruled[:BAND], "more": max(len(unruled) - BAND, 0), "count": len(unruled)}
        return Markup(page.render(grave=any(point.grave for point in unruled), **shown))  # noqa: S704 - the template escapes what it prints

    def _remade(self, folder: Folder, source: DocumentVersion, query: Mapping[str, str]) -> Leaf | None:
        """A flow deposited before readings were kept is read now, once."""
        from app.pes.coherence import read

        try:
            with vault.local(folder.collectivity_id, source.sha256, ".xml") as path:
                flow = read(path)
        except Refusal:
            return None
        remake(system(folder.collectivity_id), folder.id, source.sha256, flow)
        with reading(folder.collectivity_id) as db:
            return self._draw(db, folder, db.get_one(FlowIndex, folder.id), query)

    def _draw(self, db: Db, folder: Folder, index: FlowIndex, query: Mapping[str, str]) -> Leaf:
        ask_together(db, (FIRST_PAGE, SLIPS, ANSWERED, ACCOUNTS), folder.id)
        number, unknown = _page_of(db, index, query)
        page = db.get_one(FlowPage, (folder.id, number))
        blocks = page_content(page.content)
        links, answers = _links(db, folder.id, blocks), marks(db, folder, index)
        series = _series(db, folder.id, blocks)
        paid = settlements_of(db, folder, {(name, number_of(number)) for (_, number), name in series.items()})
        shown = [_paid(_block(block, links, answers), series, paid) for block in blocks]
        # A series is CodCol, CodBud, then domain, exercise and kind: the page is of one budget
        budget = next(iter(series.values()), "").rsplit(" ", 3)[0]
        ruled = rulings_on_cautions(folder.sources)
        unruled = [point for point in points(db, folder, index) if point.about not in ruled]
        drawn = self._templates.get_template("pes/sheet.html").render(
            folder_id=folder.id,
            document=query.get("document", ""),
            sentence=sentence(index.summary),
            summary=index.summary,
            points=unruled,
            decided=_decided(db, folder),
            sums=any(index.summary["slips"].values()),
            clean=all(
                finding[0] in {"schema", "payslips", "shared-account"}
                for finding in index.summary["findings"]
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
        return Leaf(Markup(drawn), number, index.pages)  # noqa: S704 - the template escapes what it prints


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
                    f"IBAN changé, {account['name'] or 'tiers'}",
                    f"Pièce {account['piece']} : {account['now']}. Au dernier flux signé : {', '.join(account['before'])}. "
                    "Faites confirmer ce changement par le tiers, à un numéro que vous connaissez déjà.",
                    account["page"],
                    f"{index.sha256} {account['mark']}",
                )
                for account in changed_accounts(db, folder)
            ),
            *(_elsewhere(other) for other in elsewhere(db, folder, repeated.pages)),
            *(
                Point(key, "exclamation-triangle", title, text, page, f"{index.sha256} {title} {text}")
                for key, title, text, page in _findings(db, folder, index)
            ),
        ]
    return known[key]


def _taken(db: Db, folder: Folder, repeated: Repeated) -> Iterator[Point]:
    """What an acquit took already; each keeps its name whoever reads."""
    named = readable_among(db, repeated.folders)
    for notice, (title, text, _) in zip(
        repeated.notices(folder, named), repeated.notices(folder), strict=True
    ):
        yield Point("taken", "exclamation-circle", *notice, f"{title} {text}", grave=True)


def _elsewhere(other: Elsewhere) -> Point:
    several = len(other.numbers) > 1
    what = (
        f"Bordereaux {named_first(other.numbers)} déjà déposés"
        if several
        else f"Bordereau {other.numbers[0]} déjà déposé"
    )
    where, state = "Un autre dossier, que vous ne pouvez pas lire,", ""
    if other.named:
        where, state = (
            f"Le dossier n° {other.folder.id}",
            f" ({state_label(other.folder.place, None).lower()})",
        )
    text = (
        f"{where} porte {'les mêmes bordereaux' if several else 'le même bordereau'}{state} : le comptable rejettera le "
        "second. Abandonnez l’un des deux, ou dites pourquoi les deux partent."
    )
    # What was ruled while the other folder came after is asked again once this flow is the second
    mark = f"{mark_of(other.folder)} {','.join(other.numbers)}{'' if other.second else ' first'}"
    return Point("elsewhere", "files", what, text, other.page, mark, grave=other.second)


def _decided(db: Db, folder: Folder) -> bool:
    """Whether it is over, or signed and gone on: nothing is to be looked at before a signature that was made."""
    return folder.phase == Phase.DONE or (folder.phase == Phase.RUNNING and was_signed(db, folder))


def _findings(db: Db, folder: Folder, index: FlowIndex) -> list[Any]:
    """What was found at deposit, but for attachments that are absent because an acquit took them already."""
    findings = index.summary["findings"]
    absent = [ABSENT.match(text) for key, _, text, _ in findings if key == "absent"]
    taken = attachments_taken(db, folder, {match[1] for match in absent if match})
    matches = (ABSENT.match(text) if key == "absent" else None for key, _, text, _ in findings)
    return [
        finding for finding, match in zip(findings, matches, strict=True) if not (match and match[1] in taken)
    ]


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """The same, as whoever decides without opening the sheet is told; none is grave."""
    return [caution for caution in _cautions(db, folder) if not caution.grave]


def repeated(db: Db, folder: Folder) -> list[Caution]:
    """What an acquit took already, or another folder on its way: nobody signs before somebody who did not deposit it ruled."""
    return [caution for caution in _cautions(db, folder) if caution.grave]


def _cautions(db: Db, folder: Folder) -> Iterator[Caution]:
    by = frozenset(folder.sources.get("depositors", ()))
    for point in _points_of(db, folder):
        yield Caution(
            point.key, spaces(point.title), spaces(point.text), about=point.about, by=by, grave=point.grave
        )


def to_rule(db: Db, folder: Folder) -> list[Problem]:
    """What stands before the signature as long as nobody has ruled."""
    return [
        Problem("taken-unruled", "", f"« {caution.title} » : {RULE_FIRST}")
        for caution in repeated(db, folder)
        if is_open(folder, caution)
    ]


def _points_of(db: Db, folder: Folder) -> list[Point]:
    index = index_of(db, folder.id)
    return points(db, folder, index) if index is not None else []


def sentence(summary: Mapping[str, Any]) -> tuple[str, str, str]:
    """The flow in one sentence, in three parts, the second being its total: « 2 bordereaux de mandats, 14 mandats, … ».

    What has no bordereau has no total: its contracts and attachments are the second part.
    """
    slips = [
        _many(count, "bordereau", "bordereaux") + f" de {what}"
        for what, count in summary["slips"].items()
        if count
    ]
    day = f", du {jour(summary['written_on'])}" if summary["written_on"] else ""
    attached = (
        _many(summary["attachments"], "pièce jointe", "pièces jointes")
        if summary["attachments"]
        else "aucune pièce jointe"
    )
    contract_count = summary.get("contracts", 0)  # a flow read before they were counted had none
    contracts = [_many(contract_count, "marché", "marchés")] if contract_count else []
    if not slips:
        what = " et ".join(
            [*contracts, attached] if summary["attachments"] or not contract_count else contracts
        )
        return spaces(f"Sans bordereau ni signature{day}, "), what, f", {summary['budget']}."
    pieces = [_many(count, what, f"{what}s") for what, count in summary["pieces"].items() if count]
    cancelling = (
        f", dont {_many(summary['cancelling'], 'annulation', 'annulations')}" if summary["cancelling"] else ""
    )
    before = f"{' et '.join(slips)}{cancelling}, {', '.join(pieces)}, "
    return (
        before,
        f"{euros(summary['total_with_tax'])} TTC",
        spaces(f", {summary['budget']}{day}, {', '.join([*contracts, attached])}."),
    )


def _many(count: int, singular: str, plural: str) -> str:
    return f"{count} {plural if count > 1 else singular}"


def _page_of(db: Db, index: FlowIndex, query: Mapping[str, str]) -> tuple[int, str]:
    """The number of the page to show, and the bordereau of the query when the flow has it not."""
    wanted = query.get("bordereau", "").strip()[:20]
    if wanted:
        page = next((slip.page for slip in slips_of(db, index.folder_id) if slip.number == wanted), None)
        if page is not None:
            return page, ""
    text = query.get("feuille", "")
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
    sums = [Decimal(amount) for amount in block.get("sums", ())]
    first, later = _answers(block, answers)
    faults = first.faults if first is not None else []
    return {
        **block,
        "taken": None if first is None else first.accepted,
        "later": [_later(answer) for answer in later],
        "faults": [text for piece, _, text in faults if not piece],
        "what": what,
        "title": f"Bordereau {block['number']}",
        "line": f"{block['domain']}, {kind}, exercice {block['year']}",
        "fields": _hidden(block["fields"]),
        "sums": [*sums, sum(sums)] if sums else [],
        "equal": bool(sums) and block["total"] is not None and Decimal(block["total"]) == sums[0],
        "pieces": [_piece(piece, links, faults, MODES[block["domain"]]) for piece in block["pieces"]],
    }


def _series(db: Db, folder_id: int, blocks: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The series of the bordereaux of a page, each by (ending of its series, number), as the reading wrote it."""
    shown = {block["number"] for block in blocks if block["kind"] == "slip"}
    slips = (slip for slip in slips_of(db, folder_id) if slip.number in shown)
    return {(_ending(*slip.series.split(" ")[-3:]), slip.number): slip.series for slip in slips}


def _ending(domain: str, year: str, kind: str) -> str:
    return f"{domain} {year} {kind}"


def _paid(
    block: dict[str, Any], series: Mapping[tuple[str, str], str], paid: Mapping[Key, Settlement]
) -> dict[str, Any]:
    """A block whose pieces bear what the Treasury says of them, compared with what the flow says."""
    if block["kind"] != "slip":
        return block
    place = series.get((_ending(block["domain"], block["year"], block["type"]), block["number"]), "")
    slip = number_of(block["number"])
    pieces = [
        {**piece, "treasury": _treasury(piece, paid.get((place, slip, number_of(piece["n"]))))}
        for piece in block["pieces"]
    ]
    return {**block, "pieces": pieces}


def _treasury(piece: Mapping[str, Any], settlement: Settlement | None) -> list[Remark]:
    return settlement.remarks(int(piece["ttc"] * 100)) if settlement is not None else []


def _answers(
    block: dict[str, Any], answers: Sequence[FlowAnswer]
) -> tuple[FlowAnswer | None, list[FlowAnswer]]:
    """What the acquit said of a bordereau, as a page shows it, and what those that came after it said."""
    ending = f" {block['domain']} {block['year']} {block['type']}"
    about = [
        answer for answer in answers if answer.number == block["number"] and answer.series.endswith(ending)
    ]
    return next((answer for answer in about if not answer.later), None), [
        answer for answer in about if answer.later
    ]


def _later(answer: FlowAnswer) -> tuple[bool, str, list[str]]:
    """What an acquit that came after another says of a bordereau: taken or not, its day, and each fault with its place."""
    what = "titre" if " recettes " in answer.series else "mandat"
    faults = [
        ", ".join([*([f"{what} {piece}"] if piece else []), *([f"ligne {line}"] if line else [])])
        + (f" : {text}" if piece or line else text)
        for piece, line, text in answer.faults
    ]
    return answer.accepted, jour(answer.answered_on), faults


def _piece(
    piece: dict[str, Any],
    links: Mapping[str, int],
    faults: Sequence[tuple[str, str, str]],
    modes: Mapping[str, str],
) -> dict[str, Any]:
    lines = [_line(line, modes) for line in piece["lines"]]
    thirds = list(dict.fromkeys(line["third"] for line in lines if line["third"]))
    before = sum((line["ht"] for line in lines), Decimal(0))
    vat = sum((line["vat"] for line in lines), Decimal(0))
    refs = [
        {
            "name": ref.get("NomPJ") or ref.get("IdUnique", ""),
            "rank": links.get(ref.get("IdUnique", "")),
            "support": SUPPORTS.get(ref.get("Support", ""), ""),
        }
        for ref in piece["refs"]
    ]
    single = lines[0] if len(lines) == 1 else None
    return {
        **piece,
        "faults": [
            f"Ligne {line} : {text}" if line else text
            for number, line, text in faults
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
        "named": [(key, value) for ref in piece["refs"] for key, value in ref.items()],
    }


def _line(line: dict[str, Any], modes: Mapping[str, str]) -> dict[str, Any]:
    before, vat = Decimal(line["ht"]), Decimal(line["vat"])
    paid = ", ".join(
        part
        for part in (modes.get(line["mode"], line["mode"]), masked(line["iban"]) if line["iban"] else "")
        if part
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
