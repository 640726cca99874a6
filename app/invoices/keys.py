"""The keys under which the same invoice comes back: its number as each may write it, its seller, its bytes."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from app.invoices.frames import FIELD, WORKS
from workflows.condition import Facts, values

SAME: Final = "same"
"""Same seller, same number, same year of issue, or same bytes: the same invoice (Chorus Pro holds it to be unique)."""
CLOSE: Final = "close"
"""Same seller, and a number that reads the same once zeros, prefixes and signs are left out."""
SELLER: Final = "seller"
"""Same seller, by SIREN or by name."""
ACCOUNT: Final = "account"
"""Same bank account, whoever the seller is."""
ALIKE: Final = "alike"
"""Same seller, same day of issue and same total, whatever the number."""
OF_WORKS: Final = "works"
"""Of a contract of works: it has this kind as its key."""
MANDATED: Final = "mandated"
"""Whose mandate is known: it has this kind as its key."""
RECEIVED: Final = "received"
"""Received on a day: its key is written as it is, so that those of some days stand together."""
CREDIT_NOTE: Final = "381"
SIREN: Final = 9
LEGAL_FORMS = frozenset(
    {"SA", "SAS", "SASU", "SARL", "EURL", "SCI", "SNC", "EI", "SCOP", "SELARL", "ETS", "STE", "SOCIETE"}
)
"""Words of a name that one spelling of a supplier has and another leaves out."""
_PREFIXES = frozenset(
    "FAC FA F FACT FACTURE FACTURES INV INVOICE NUM NUMERO N NO AV AVOIR".split()  # noqa: SIM905 - a list of words
)
_RUNS = re.compile(r"[A-Z]+|\d+")


def keys_of(facts: Facts, fingerprints: Iterable[str] = ()) -> dict[str, str]:
    """The kind of each key of an invoice with these facts, every value of a disputed fact counted.

    `fingerprints`: the SHA-256 of its files. A credit note (381, or below zero) is never the invoice that has its number.
    """
    keys = {_key(SAME, "bytes", fingerprint): SAME for fingerprint in fingerprints}
    notes = {"credit" if gives_back else "invoice" for gives_back in _gives_back(facts)}
    years = {str(day or "")[:4] for day in values(facts, "issue_date")}
    numbers = [str(text) for text in values(facts, "number") if text]
    for seller in sellers_of(facts):
        keys[seller_key(seller)] = SELLER
        for note in notes:
            for number in numbers:
                keys[_key(CLOSE, seller, note, relaxed(number))] = CLOSE
                keys |= {_key(SAME, seller, note, strict(number), year): SAME for year in years}
    for text in values(facts, "iban"):
        if iban := strict(str(text or "")):
            keys[account_key(iban)] = ACCOUNT
    keys |= {received_key(str(day)): RECEIVED for day in values(facts, "received_on") if day}
    if not WORKS.isdisjoint(values(facts, FIELD)):
        keys[OF_WORKS] = OF_WORKS
    return keys


def _gives_back(facts: Facts) -> set[bool]:
    """Whether it is a credit note, by each value: of its type, or a total below zero (INV-23)."""
    below = {str(total or "").strip().startswith(("-", "−")) for total in values(facts, "total_ttc")}
    return {str(code) == CREDIT_NOTE or less for code in values(facts, "type_code") for less in below}


def origin_keys(facts: Facts) -> list[str]:
    """The keys that the invoice has to which a credit note refers (BT-25); none where it names none."""
    number = str(facts.get("preceding") or "")
    if not number or True not in _gives_back(facts):
        return []
    return [_key(CLOSE, seller, "invoice", relaxed(number)) for seller in sellers_of(facts)]


def account_key(iban: str) -> str:
    """The key of a bank account, from its number without spaces, in capitals."""
    return _key(ACCOUNT, iban)


def received_key(day: str) -> str:
    """The key of what was received on a day, YYYY-MM-DD."""
    return f"{RECEIVED} {day}"


def sellers_of(facts: Facts) -> Iterator[str]:
    """How the seller may be known again: by each SIREN, and by each name, for some invoices tell only that one."""
    for key in ("seller_siret", "seller_siren"):
        for text in values(facts, key):
            digits = re.sub(r"\D", "", str(text or ""))
            if len(digits) >= SIREN:
                yield f"siren {digits[:SIREN]}"
    for text in values(facts, "seller"):
        if name := strict(str(text or "")):
            yield f"name {name}"


def seller_key(seller: str) -> str:
    """The key of one way to know a seller."""
    return _key(SELLER, seller)


def siren_of(seller: str) -> str | None:
    """The SIREN in one of the ways to know a seller, None where it is a name."""
    kind, _, digits = seller.partition(" ")
    return digits if kind == "siren" else None


def words_of(name: str) -> frozenset[str]:
    """The words of a supplier's name that tell it from another."""
    return frozenset(word for word in map(strict, name.split()) if len(word) > 1) - LEGAL_FORMS


def plain_name(name: str) -> str:
    """The words of a name that tell it from another, in one order: « Ets Le Goff SARL » is « GOFF LE »."""
    return " ".join(sorted(words_of(name)))


def strict(text: str) -> str:
    """A number or a name as capitals and digits alone: « fac 2026/0147 » is « FAC20260147 »."""
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)).upper())


def relaxed(number: str) -> str:
    """A number without what precedes « _ », first words such as FAC or N°, and the zeros before digits: « 2026-147 »."""
    tail = number.partition("_")[2] or number
    plain = unicodedata.normalize("NFKD", tail).upper()
    runs = _RUNS.findall("".join(c for c in plain if not unicodedata.combining(c)))
    while len(runs) > 1 and runs[0] in _PREFIXES:
        runs = runs[1:]
    return "-".join(run.lstrip("0") or "0" if run.isdigit() else run for run in runs)


def alike_keys(facts: Facts, totals: Iterable[int]) -> dict[str, str]:
    """The keys of an invoice that adds up to one of these totals, in cents, by each seller and day that are told of it."""
    days = {str(day) for day in values(facts, "issue_date") if day}
    every = list(totals)
    return {
        _key(ALIKE, seller, day, str(cents)): ALIKE
        for seller in sellers_of(facts)
        for day in days
        for cents in every
    }


def _key(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]
