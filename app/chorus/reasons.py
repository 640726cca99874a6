"""Why an invoice is rejected on Chorus Pro, by the codes that go to the platform of its supplier."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Final

REASONS: Final = Path(__file__).parent / "reasons.json"


@lru_cache(maxsize=1)
def reasons() -> dict[str, str]:
    """The reasons for which an invoice is rejected there (AIFE, external specifications 3.2), each with its words."""
    rows = json.loads(REASONS.read_bytes())["reasons"]
    return {row["code"]: row["label"] for row in rows}
