"""Where a budgetary document leaves the schemas of TotEM: remarks, since no file says the version that it follows.

The newest set that is known is tried first, then the older ones; a document that follows one of them has no remark. Of a CFU,
the budgetary part alone has a public schema.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from app.channels.actes.budget import BUDGET
from app.channels.actes.xmltree import SHIPPED, parse

if TYPE_CHECKING:
    from lxml.etree import _Element

VERSIONS: Final = ("5.30", "5.17")
_ELEMENT: Final = re.compile(r"Element '(?:\{[^}]*\})?([^']*)'")


def remark(raw: bytes) -> str:
    """One French sentence on the schema that a budgetary document follows; empty for what is none."""
    root = parse(raw).getroot()
    part = next(root.iter(f"{{{BUDGET}}}DocumentBudgetaire"), None)
    if part is None:
        return ""
    first: tuple[int, str] | None = None
    for version in VERSIONS:
        fault = _fault(part, version)
        if fault is None:
            return f"Suit le schéma {version} des budgets."
        first = first or fault
    line, name = first or (0, "")
    return (
        f"Ne suit pas les schémas des budgets {' et '.join(VERSIONS)} (ligne {line}, « {name} »). Le fichier suit peut-être un "
        "schéma plus récent : c’est une remarque, la préfecture décide."
    )


def _fault(part: _Element, version: str) -> tuple[int, str] | None:
    """The line and the element where it first leaves a schema."""
    schema = _schema(version)
    if schema.validate(part):
        return None
    entry = schema.error_log[0]
    named = _ELEMENT.search(entry.message)
    return entry.line, named[1] if named else ""


@lru_cache(maxsize=len(VERSIONS))
def _schema(version: str) -> Any:
    from lxml import etree

    return etree.XMLSchema(etree.parse(str(SHIPPED / f"docbudg-{version}" / "DocumentBudgetaire.xsd")))
