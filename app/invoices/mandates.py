"""The mandate by which an invoice is paid: its number, as the finance software or a person says it, once.

A second number never takes the place of the first by itself: it is kept beside it, for a person to look at.
"""

from app.core.clock import now
from app.folders.models import Folder

KEPT = "mandate"
"""In `Folder.sources`: `number`, `who`, `at`, and `others`, the numbers that were said afterwards."""


def mandate_of(folder: Folder) -> str:
    """The number of the mandate; empty while none is known."""
    return str(folder.sources.get(KEPT, {}).get("number", ""))


def others_of(folder: Folder) -> list[str]:
    """The other numbers that were said of it."""
    return [str(number) for number in folder.sources.get(KEPT, {}).get("others", ())]


def keep(folder: Folder, number: str, who: str) -> None:
    """Write the number, in place of any other."""
    folder.sources = {**folder.sources, KEPT: {"number": number, "who": who, "at": now().isoformat()}}


def keep_other(folder: Folder, number: str, other: str) -> bool:
    """Write that another number was said than this one, which stands; False where that is written already."""
    others = others_of(folder)
    if other in others:
        return False
    row = {"number": number, "who": "", "at": now().isoformat(), **folder.sources.get(KEPT, {})}
    folder.sources = {**folder.sources, KEPT: {**row, "others": [*others, other]}}
    return True
