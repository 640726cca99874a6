"""Budgetary documents (TotEM budgets and the CFU): what they say of themselves, and whether their seal still holds.

The seal is written by TotEM or by the finance software: MD5 and SHA-1 of the Canonical XML 1.0 of the document without
its `Scellement`. It proves nothing of who made the file, but that nothing changed it since; the State refuses it broken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lxml.etree import _Element

BUDGET: Final = "http://www.minefi.gouv.fr/cp/demat/docbudgetaire"
CFU: Final = "http://www.minefi.gouv.fr/cp/demat/doccfu"
ROOTS: Final = frozenset({f"{{{BUDGET}}}DocumentBudgetaire", f"{{{CFU}}}CompteFinancierUnique"})
KINDS: Final = {  # NatDec; 04 to 06 since schema 5.24
    "01": "Budget primitif",
    "02": "Décision modificative",
    "03": "Budget supplémentaire",
    "04": "Virement de crédits",
    "05": "Restes à réaliser",
    "06": "Délibérations spéciales",
    "09": "Compte administratif",
    "10": "Compte financier unique",
}
SINGLE_ACCOUNT: Final = "10"
ACCOUNTS: Final = frozenset({KINDS["09"], KINDS[SINGLE_ACCOUNT]})
"""What the mayor gives account of: another presides over its vote (CGCT L2121-14)."""
MAIN: Final = "main_budget"
"""In `Folder.sources`: whether the file says that it is the main budget's, no annex's (CodTypBud); absent from older folders."""
PROJECT: Final = "Le fichier dit qu’il est un projet (ProjetBudget) : le comptable le refuserait. Transmettez le budget voté."
USUAL: Final = frozenset({"iso-8859-1", "iso8859-1", "latin1"})
_INDENTS: Final = ("   ", "  ", " ", "\t", "    ")


class Seal(StrEnum):
    """What the seal of a budgetary document tells: whole, absent, or broken, and then by what if it can be known."""

    GENUINE = "genuine"
    ABSENT = "absent"
    REENCODED = "reencoded"
    REWRITTEN = "rewritten"
    ALTERED = "altered"


@dataclass(frozen=True)
class Budget:
    """A budgetary document as its header tells it; what it does not say is empty. `main`: it says it is no annex's."""

    kind: str
    fiscal_year: str
    decided_on: str
    siret: str
    collectivity: str
    label: str
    nomenclature: str
    lines: int
    seal: Seal
    sealed_at: str
    encoding: str
    project: bool = False
    main: bool = False

    def facts(self) -> tuple[tuple[str, str, str], ...]:
        """What its folder must say as it does: the field, its French label, the value; what it does not say is left out.

        A date that is none, or a kind that no schema knows, binds nobody.
        """
        facts = (
            ("siret", "SIRET du budget", self.siret),
            ("budget_kind", "Document", self.kind),
            ("fiscal_year", "Exercice", self.fiscal_year),
            ("decision_date", "Date de la décision", self.decided_on if _is_day(self.decided_on) else ""),
        )
        return tuple(fact for fact in facts if fact[2])


EXPLAINED: Final = {
    Seal.GENUINE: "Scellement vérifié : le fichier est celui que le logiciel a scellé.",
    Seal.ABSENT: "Le fichier n’est pas scellé et la préfecture le refuserait. Scellez-le dans TotEM ou dans le logiciel de "
    "finances, puis déposez le fichier scellé.",
    Seal.REENCODED: "Le scellement est rompu : le fichier a été réenregistré dans un autre encodage, ses accents sont "
    "abîmés et rien d’autre n’a changé. Déposez le fichier d’origine, sans l’ouvrir dans un éditeur.",
    Seal.REWRITTEN: "Le scellement est rompu : le fichier a été réenregistré et mis en page autrement, ses données n’ont pas "
    "changé. Déposez le fichier d’origine, sans l’ouvrir dans un éditeur.",
    Seal.ALTERED: "Le scellement est rompu : le contenu a changé après le scellement. Corrigez dans le logiciel de finances, "
    "scellez de nouveau, puis déposez le nouveau fichier.",
}


def read_budget(raw: bytes) -> Budget | None:
    """What a file says, or None when it is no budgetary document; refuses with `Malformed` what is not sound XML."""
    from app.channels.actes.xmltree import parse

    tree = parse(raw)
    root = tree.getroot()
    if root.tag not in ROOTS:
        return None
    seal = next(root.iter(f"{{{BUDGET}}}Scellement"), None)
    return Budget(
        kind=KINDS.get(_value(root, "NatDec"), ""),
        fiscal_year=_value(root, "Exer"),
        decided_on=_value(root, "DteDec"),
        siret=_value(root, "IdEtab") or _value(root, "IdColl"),
        collectivity=_value(root, "LibelleColl"),
        label=_value(root, "LibelleEtab"),
        nomenclature=_value(root, "Nomenclature"),
        lines=sum(1 for _ in root.iter(f"{{{BUDGET}}}LigneBudget")),
        seal=seal_of(root),
        sealed_at="" if seal is None else seal.get("date", ""),
        encoding=(tree.docinfo.encoding or "UTF-8").upper(),
        project=_value(root, "ProjetBudget").lower() in {"true", "1"},
        main=_value(root, "CodTypBud") == "P",
    )


def seal_of(root: _Element) -> Seal:
    """Whether the seal holds for the whole document, wherever it stands in it; else the damage that explains it.

    A file whose accents were mangled is told from an altered one by undoing the damage: the seal then holds again.
    """
    if (seal := next(root.iter(f"{{{BUDGET}}}Scellement"), None)) is None:
        return Seal.ABSENT
    wanted = {name: seal.get(name, "").strip().lower() for name in ("md5", "sha1")}
    if not any(wanted.values()):
        return Seal.ABSENT
    if _holds(root, wanted):
        return Seal.GENUINE
    if any(_holds(variant, wanted) for variant in _unmangled(root)):
        return Seal.REENCODED
    if any(_holds(variant, wanted) for variant in _laid_out(root)):
        return Seal.REWRITTEN
    return Seal.ALTERED


def explain(budget: Budget) -> str:
    """The seal in a sentence, with what to do when it does not hold."""
    sentence = EXPLAINED[budget.seal]
    if budget.seal is Seal.GENUINE and budget.encoding.lower() not in USUAL:
        return f"{sentence} Il a été réenregistré en {budget.encoding}, sans perte."
    return sentence


def rows_of(budget: Budget, remark: str = "") -> tuple[tuple[str, str], ...]:
    """What the signatory reads of a budgetary document, the seal first; `remark` is what its schema says of it."""
    rows = (
        ("Scellement", explain(budget)),
        ("Schéma", remark),
        ("État", PROJECT if budget.project else ""),
        ("Document", budget.kind),
        ("Exercice", budget.fiscal_year),
        ("Collectivité", budget.collectivity),
        ("Budget", budget.label),
        ("SIRET", budget.siret),
        ("Nomenclature", budget.nomenclature),
        ("Date de la décision", budget.decided_on),
        ("Lignes budgétaires", str(budget.lines)),
    )
    return tuple((label, value) for label, value in rows if value)


def _holds(root: _Element, wanted: dict[str, str]) -> bool:
    content = _without_seal(root)
    digests = {
        # The two digests are the format's own, and say whether a file changed, not who made it.
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
    }
    return all(digests[name] == value for name, value in wanted.items() if value)


def _without_seal(root: _Element) -> bytes:
    """The Canonical XML 1.0 of the document without its seal and the text that follows it."""
    from lxml import etree

    copy = deepcopy(root)
    seal = next(copy.iter(f"{{{BUDGET}}}Scellement"))
    parent = seal.getparent()
    if parent is not None:
        parent.remove(seal)  # lxml takes the text that follows away with the element
    content: bytes = etree.tostring(copy, method="c14n", exclusive=False, with_comments=False)
    return content


def _unmangled(root: _Element) -> Iterator[_Element]:
    """The document as it was before its UTF-8 was read as a Western encoding, once or twice."""
    from lxml import etree

    from app.channels.actes.xmltree import Malformed, parse

    text = etree.tostring(root, encoding="unicode")
    for encoding in ("latin-1", "cp1252"):
        repaired = text
        for _ in range(2):
            try:
                repaired = repaired.encode(encoding).decode("utf-8")
                yield parse(repaired.encode()).getroot()
            except (UnicodeError, Malformed):
                break


def _laid_out(root: _Element) -> Iterator[_Element]:
    """The document with the usual indents, as its software may have written it before another one did."""
    from lxml import etree

    for space in _INDENTS:
        copy = deepcopy(root)
        etree.indent(copy, space=space)
        yield copy


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-12-01")


def _value(root: _Element, name: str) -> str:
    element = next(root.iter(f"{{{BUDGET}}}{name}"), None)
    return "" if element is None else element.get("V", "").strip()
