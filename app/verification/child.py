"""The copy of a process that judges a file of unknown origin: bounded in time and memory by the kernel, and then gone.

Asked by `app.verification.examine`, in the room of `app.files.confined`.
"""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.refusals import Refusal
from app.pdf import comparison
from app.pdf.comparison import SECONDS
from app.pdf.pictures import pictures
from app.trust.certificates import Trust
from app.verification import bounds, kinds, verdict

kinds.load()  # before a file is opened, and once for all copies
comparison.load()

TOO_COMPLEX = {"refused": "file-too-complex", "facts": {}}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a file is and the verdict on each of its signatures, or (`end`) the pictures of what was drawn over it."""
    bounds.impose(**question["limits"])
    try:
        return _pictures(question) if "end" in question else _answer(question)
    except (MemoryError, RecursionError):
        return TOO_COMPLEX


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    said = question["trust"]
    trust = Trust(
        roots=tuple(map(base64.b64decode, said["roots"])),
        tsa_roots=tuple(map(base64.b64decode, said["tsa_roots"])),
        fetch=said["fetch"],
        allowed_hosts=tuple(said["allowed_hosts"]),
        timeout=said["timeout"],
        lists=Path(said["lists"]) if said["lists"] else None,
        known=tuple(map(base64.b64decode, said["known"])),
    )
    content = Path(question["content"]) if question["content"] else None
    try:
        kind = kinds.of(Path(question["path"]))
        bounds.begin()
        found, seen = kind.judged(
            Path(question["path"]), content, trust, datetime.fromisoformat(question["moment"])
        )
    except Refusal as refusal:
        return {"refused": refusal.key, "facts": {name: str(value) for name, value in refusal.facts.items()}}
    return {
        "kind": kind.name,
        "words": kind.words if any(one.fingerprint_sha256 for one in found) else kind.plain,
        "verdicts": json.loads(verdict.dump(found)),
        "authorities": [base64.b64encode(one).decode() for one in seen],
    }


def _pictures(question: dict[str, Any]) -> dict[str, Any]:
    bounds.begin()
    # Its structure was sane a moment ago, when it was judged: what may still be slow is to draw it
    bounds.allow(SECONDS + 1.0)
    found = pictures(Path(question["path"]), question["end"])
    pairs = [
        {
            "number": one.number,
            "before": base64.b64encode(one.before).decode(),
            "after": base64.b64encode(one.after).decode(),
            "frames": one.frames,
            "over": base64.b64encode(one.over).decode(),
        }
        for one in found.pairs
    ]
    return {"pairs": pairs, "looked_at": found.looked_at, "pages": found.pages}
