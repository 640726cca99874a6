"""What the page of an invoice without data seems to say: proposed for its form, entered by nobody but a person.

It is read in the text of the pages, or in what Tesseract recognised on them, where the page says it plainly and once. What is
said twice in two ways is not proposed: it would be a guess.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import Db
from app.core.french import grouped, jour_long, spaces
from app.core.sirene import good_siret
from app.folders.access import readable_among
from app.folders.models import Document, DocumentWords, Folder
from app.folders.sockets import Caution, Proposal
from app.invoices.checks import compact, good_iban
from app.invoices.keys import SIREN
from app.invoices.known import ends
from app.invoices.mismatch import compare_text, flat, labelled, number_of, totals_of
from app.invoices.models import Supplier, SupplierSeen
from app.invoices.rows import money
from app.people.models import Collectivity

_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0\u202f]?[A-Z0-9]){11,30}")
_SIRET = re.compile(r"(?<!\d)\d{3}[ .\u00a0\u202f]?\d{3}[ .\u00a0\u202f]?\d{3}[ .\u00a0\u202f]?\d{5}(?!\d)")
_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_PLAIN = str.maketrans("éèêûùôàâîç", "eeeuuoaaic")
_DAY = (
    r"(?:(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d{1,2})[./-](?P<m2>\d{1,2})[./-](?P<y2>20\d\d|\d\d)"
    rf"|(?P<d3>\d{{1,2}})(?:er)?\s+(?P<m3>{'|'.join(_MONTHS)}|fevrier|aout|decembre)\s+(?P<y3>20\d\d))(?!\d)"
)
_ISSUED = re.compile(
    rf"(?:date\s+(?:de\s+(?:la\s+)?)?facture|date\s+(?:d[’'])?[ée]mission|(?:facture|avoir)\b.{{0,40}}?\s(?:du|en date du)|"
    rf"[ée]mise?\s+le|^[^\w\n]*date)\s*:?\s*{_DAY}",
    re.IGNORECASE | re.MULTILINE,
)
_DUE = re.compile(
    rf"(?:date\s+d[’'][ée]ch[ée]ance|[ée]ch[ée]ance|date\s+limite(?:\s+de\s+(?:paiement|r[èe]glement))?|"
    rf"[àa]\s+(?:payer|r[ée]gler)\s+avant\s+le)\s*:?\s*{_DAY}",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"(?:bon\s+de\s+commande|n[°ºo]?\.?\s*(?:de\s+)?(?:commande|engagement)|(?:votre\s+)?(?:commande|engagement)(?:\s+juridique)?)"
    r"\s*(?:n\s?[°ºo]\.?)?\s*:?\s*([A-Z0-9][A-Z0-9/_.-]*\d[A-Z0-9/_.-]*)",
    re.IGNORECASE,
)
_CREDIT = re.compile(  # a title, with its number or its day: « Avoir la garantie… » is a verb
    r"^[^\w\n]*(?:facture\s+d[’']\s?avoir\b|(?:note\s+d[’']\s?)?avoir\b"
    r"(?=[^\w\n]*(?:$|n\s?[°º]|no\b|num[ée]ro|r[ée]f|du\s+\d|sur\s+facture|[A-Z]{0,4}[-/]?\d)))",
    re.IGNORECASE | re.MULTILINE,
)
_INVOICE = re.compile(r"^[^\w\n]*facture\b(?!\s+d[’']\s?avoir)", re.IGNORECASE | re.MULTILINE)
_DEPOSIT = re.compile(
    r"\bacomptes?\b|\bavances?\b|d[ée]j[àa]\s+(?:pay|r[ée]gl|vers)|\barrhes\b", re.IGNORECASE
)
_HEAD = re.compile(
    r"^[^\w\n]*n\s?[°º]\s?:?\s?([A-Z0-9][A-Z0-9/_.-]{0,60})[^\S\n]?\n{1,2}[^\w\n]*(?:date\b|du\s+\d)",
    re.IGNORECASE | re.MULTILINE,
)
"""A number alone on its line above the day: the head of an invoice, whose title stands beside."""
_TAX = re.compile(
    r"^[^\w\n]*(?:dont\s)?tva\s?(?:[àa(]\s?)?\d{1,2}(?:[.,]\d{1,2})?\s?%\s?\)?\s?:?(?=\s?-?\d)", re.IGNORECASE
)
LOOKED_AT = 25
"""The latest folders of a supplier among which one that the reader reads gives its name."""
_EURO, _OTHER_MONEY = re.compile(r"€|\bEUR\b"), re.compile(r"[$£¥]|\b(?:USD|GBP|CHF|CAD|XPF|JPY)\b")
LABELS: Mapping[str, str] = {
    "iban": "IBAN",
    "seller_siret": "SIRET du fournisseur",
}
NOT_THERE = "nom connu ici sous ce SIRET, que la page ne porte pas : comparez"
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Page:
    """The text of the pages of an invoice; `recognised`: it was guessed from a picture, at least in part.

    `places`: where its first words stand, where that is known (`app.files.words.Text`).
    """

    text: str
    recognised: bool
    places: Sequence[Sequence[int]] = ()


@dataclass(frozen=True)
class Said:
    """A field that the page says: its key, its value, the same as it is shown; where it stands in the text.

    `remark`: what is said of a value that the page itself does not bear, in place of the words around it.
    """

    field: str
    value: str
    shown: str
    start: int
    end: int
    remark: str = ""


def page_of(db: Db, folder: Folder) -> Page | None:
    """The text of its main document, once it was read; None for an invoice whose file says its facts by itself."""
    return None if folder.sources.get("read") else pages_of(db, [folder.id]).get(folder.id)


def pages_of(db: Db, folder_ids: Sequence[int]) -> dict[int, Page]:
    """The text of the main document of each of these folders that was read, by one statement."""
    query = (
        sa.select(Document.folder_id, DocumentWords.text, DocumentWords.recognised, DocumentWords.places)
        .join(Document, Document.id == DocumentWords.document_id)
        .where(Document.folder_id.in_(folder_ids), Document.role == "main", DocumentWords.state == "read")
    )
    return {
        row.folder_id: Page(flat(row.text), row.recognised, row.places or ()) for row in db.execute(query)
    }


def proposals(db: Db, folder: Folder) -> list[Proposal]:
    """What the page says of the fields of a draft: to be taken up where they are still empty."""
    page = page_of(db, folder)
    if page is None:
        return []
    siren = db.scalar(sa.select(Collectivity.siren).where(Collectivity.id == folder.collectivity_id)) or ""
    return [
        Proposal(
            value.field,
            value.value,
            value.shown,
            "" if value.remark else _around(page.text, value),
            page.recognised,
            folder.fields.get(value.field) in (None, ""),
            () if value.remark else _place(page, value),
            value.remark,
        )
        for value in offered(db, folder.collectivity_id, [page.text], buyer=siren)[0]
    ]


def offered(db: Db, collectivity_id: int, texts: Sequence[str], *, buyer: str) -> list[list[Said]]:
    """What each of these pages says, and of the SIRET that it says the name by which the reader knows that supplier here."""
    every = [list(said(text, buyer=buyer)) for text in texts]
    sirens = {value.value[:SIREN] for values in every for value in values if value.field == "seller_siret"}
    if not sirens:
        return every
    names = _names(db, collectivity_id, sirens)
    return [
        [
            *values,
            *(
                _seller(text, name, value)
                for value in values
                if value.field == "seller_siret" and (name := names.get(value.value[:SIREN]))
            ),
        ]
        for text, values in zip(texts, every, strict=True)
    ]


def _seller(text: str, name: str, siret: Said) -> Said:
    """The name that a SIRET has here: where the page bears it, or told as what it is, which the page does not say."""
    match = re.search(r"\s+".join(map(re.escape, name.split())), text, re.IGNORECASE)
    if match:
        return Said("seller", name, name, *match.span())
    return Said("seller", name, name, siret.start, siret.end, NOT_THERE)


def _names(db: Db, collectivity_id: int, sirens: Collection[str]) -> dict[str, str]:
    """The last name of each of these suppliers among the latest folders that name it and that the reader of the page reads.

    Another one would tell him, of any SIRET that he writes on a page, with whom the town deals.
    """
    ours = sa.select(
        Supplier.id, Supplier.siren, sa.func.coalesce(Supplier.into_id, Supplier.id).label("entry")
    ).where(Supplier.collectivity_id == collectivity_id, Supplier.siren.in_(sirens))
    suppliers = {row.id: row for row in db.execute(ours)}
    if not suppliers:
        return {}
    latest = [
        sa.select(SupplierSeen.folder_id, SupplierSeen.own_id, SupplierSeen.name)
        .where(SupplierSeen.supplier_id == entry)
        .order_by(SupplierSeen.folder_id.desc())
        .limit(LOOKED_AT)
        .subquery()
        for entry in {row.entry for row in suppliers.values()}
    ]
    rows = db.execute(sa.union_all(*map(sa.select, latest))).all()
    read = readable_among(db, {row.folder_id for row in rows})
    return {
        suppliers[row.own_id].siren: row.name
        for row in sorted(rows, key=lambda row: int(row.folder_id))
        if row.own_id in suppliers and row.folder_id in read and row.name
    }


def said(text: str, *, buyer: str = "") -> Iterator[Said]:
    """Each field that the page says plainly.

    `buyer`: the SIREN of who is billed, whose own SIRET is nobody's account of a supplier.
    """
    if named := number_of(text):
        number, rank = named
        yield Said("number", number, number, *_in_line(text, rank, re.escape(number)))
    elif (match := _head(text)) is not None:
        yield Said("number", match[1], match[1], match.start(1), match.end(1))
    if credit := _credit(text):
        yield Said("type_code", "381", "Avoir", credit.start(), credit.end())
    yield from _days_said(text)
    yield from _totals(text)
    if (euro := _EURO.search(text)) and not _OTHER_MONEY.search(text):
        yield Said("currency", "EUR", "EUR", euro.start(), euro.end())
    for field, values in (("seller_siret", _sirets(text, buyer)), ("iban", _ibans(text))):
        if len(values) == 1:
            ((value, (start, end)),) = values.items()
            yield Said(field, value, grouped(value), start, end)
    orders = {match[1].rstrip(".-/"): match.start(1) for match in _ORDER.finditer(text)}
    if len(orders) == 1:
        ((order, start),) = orders.items()
        yield Said("order_ref", order, order, start, start + len(order))


def _days_said(text: str) -> Iterator[Said]:
    """The days that the page labels, each where it labels one alone."""
    for field, pattern in (("issue_date", _ISSUED), ("due_date", _DUE)):
        days = {day: match for match in pattern.finditer(text) if (day := _day(match)) is not None}
        if field == "issue_date":
            days = {day: match for day, match in days.items() if day <= today()}
        if len(days) == 1:
            ((day, match),) = days.items()
            start = min(match.start(part) for part in match.groupdict() if match[part])
            yield Said(field, day.isoformat(), jour_long(day), start, match.end())


def _head(text: str) -> re.Match[str] | None:
    """The one number that stands above a day on a page that calls itself an invoice or a credit note, and is not its order."""
    heads = {match[1]: match for match in _HEAD.finditer(text) if re.search(r"\d", match[1])}
    ordered = {match[1].rstrip(".-/") for match in _ORDER.finditer(text)}
    titled = re.search(r"\b(?:facture|avoir)\b", text, re.IGNORECASE)
    return next(iter(heads.values())) if titled and len(heads) == 1 and not ordered & set(heads) else None


def _credit(text: str) -> re.Match[str] | None:
    """Where the page says that it is a credit note, and nowhere that it is an invoice."""
    return None if _INVOICE.search(text) else _CREDIT.search(text)


def _totals(text: str) -> Iterator[Said]:
    """The totals; without those before tax where they do not make the one with tax."""
    totals = totals_of(text)
    # What is left to pay after a deposit is no total
    whole = totals.get("total_ttc", None if _DEPOSIT.search(text) else totals.get("payable"))
    if whole is None:
        return
    totals["total_ttc"] = whole
    if "total_vat" not in totals and (tax_line := labelled(text, _TAX)):
        totals["total_vat"] = tax_line  # beside its rate: kept only where the sum agrees
    net, tax = totals.get("total_ht"), totals.get("total_vat")
    keys = ["total_ttc"]
    if net is not None and tax is not None and abs(net[0] + tax[0] - whole[0]) <= CENT:
        keys = ["total_ht", "total_vat", "total_ttc"]
    sign = "-" if _credit(text) else ""
    for key in keys:
        amount, rank = totals[key]
        value = f"{sign}{amount}"
        yield Said(key, value, money(value, "EUR"), *_in_line(text, rank, _printed(amount)))


def _printed(amount: Decimal) -> str:
    """The pattern of an amount as a page may write it."""
    whole, _, cents = str(amount).partition(".")
    digits = r"[ .\u00a0\u202f'’]?".join(whole)
    return rf"(?<!\d){digits}(?:[.,]{cents}|(?![.,]?\d))"


def _in_line(text: str, rank: int, pattern: str) -> tuple[int, int]:
    """Where a pattern stands last in a line, counted without blank ones; the whole line where it does not."""
    at = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            if not rank:
                matches = list(re.finditer(pattern, line, re.IGNORECASE))
                start, end = matches[-1].span() if matches else (0, len(line.rstrip()))
                return at + start, at + end
            rank -= 1
        at += len(line)
    return 0, 0


def _sirets(text: str, buyer: str) -> dict[str, tuple[int, int]]:
    sirets = {re.sub(r"\D", "", match[0]): match.span() for match in _SIRET.finditer(text)}
    return {
        siret: place
        for siret, place in sirets.items()
        if good_siret(siret) and not (buyer and siret.startswith(buyer))
    }


def _ibans(text: str) -> dict[str, tuple[int, int]]:
    accounts: dict[str, tuple[int, int]] = {}
    for match in _IBAN.finditer(text):
        signs = match[0]
        while len(compact(signs)) >= 15 and not good_iban(compact(signs)):
            signs = signs[:-1]  # what follows on the line is taken with it
        if len(compact(signs)) >= 15:
            accounts[compact(signs)] = match.start(), match.start() + len(signs.rstrip())
    return accounts


def _place(page: Page, value: Said) -> tuple[int, ...]:
    """Where the words of a value stand together, on one page; nothing where some of them have no place."""
    first = len(page.text[: value.start + 1].split()) - 1
    boxes = page.places[first : len(page.text[: value.end].split())]
    if not boxes or not all(boxes) or len({box[0] for box in boxes}) > 1:
        return ()
    lefts, tops, rights, bottoms = zip(*(box[1:] for box in boxes), strict=True)
    return boxes[0][0], min(lefts), min(tops), max(rights), max(bottoms)


def _day(match: re.Match[str]) -> date | None:
    year = match["y"] or match["y2"] or match["y3"]
    month, day = match["m"] or match["m2"] or match["m3"], match["d"] or match["d2"] or match["d3"]
    if not month.isdigit():
        plain = month.lower().translate(_PLAIN)
        month = str([name.translate(_PLAIN) for name in _MONTHS].index(plain) + 1)
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


def _around(text: str, value: Said) -> str:
    """The line of the page where a value stands, and the one before where it says nothing else."""
    before, at = text[: value.start].splitlines(), text.rfind("\n", 0, value.start) + 1
    plain = " ".join(text[value.start : value.end].split())
    line = " ".join(text[at : max(text.find("\n", value.end), 0) or len(text)].split())
    if len(line) <= len(plain) + 4 and not re.search(r"[^\W\d]{4}", plain):  # a value without its label
        above = next(
            (line for line in reversed(before[: -1 if at < value.start else None]) if line.strip()), ""
        )
        line = " ".join(f"{above} {line}".split())
    return line[:160]


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What is entered and the page seems to contradict: the value is nowhere on it, and another stands in its place."""
    page = page_of(db, folder)
    if page is None:
        return []
    where = "Sur l’image, Paraphe reconnaît" if page.recognised else "La page affiche"
    fields = {key: str(value) for key, value in folder.fields.items() if value is not None}
    contradictions = [
        (mismatch.label, f"{where} {mismatch.page_value}, et {mismatch.xml_value} est entré.")
        for mismatch in compare_text(
            page.text, {**fields, "number": "" if page.recognised else fields.get("number", "")}
        )
    ]
    siren = db.scalar(sa.select(Collectivity.siren).where(Collectivity.id == folder.collectivity_id)) or ""
    accounts = {"iban": _ibans(page.text), "seller_siret": _sirets(page.text, siren)}
    for key, there in accounts.items():
        entered = compact(fields.get(key, ""))
        if entered and there and entered not in there:
            written = ends if key == "iban" else grouped
            others = " et ".join(map(written, list(there)[:3]))
            contradictions.append((LABELS[key], f"{where} {others}, et {written(entered)} est entré."))
    return [
        Caution(
            "page-otherwise",
            f"La page ne semble pas dire la même chose ({label})",
            spaces(sentence),
            about=f"page-otherwise:{sha256(sentence.encode()).hexdigest()[:16]}",
        )
        for label, sentence in contradictions
    ]
