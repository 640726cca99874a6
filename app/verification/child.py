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
    fields = question["trust"]
    trust = Trust(
        roots=tuple(map(base64.b64decode, fields["roots"])),
        tsa_roots=tuple(map(base64.b64decode, fields["tsa_roots"])),
        fetch=fields["fetch"],
        allowed_hosts=tuple(fields["allowed_hosts"]),
        timeout=fields["timeout"],
        lists=Path(fields["lists"]) if fields["lists"] else None,
        known=tuple(map(base64.b64decode, fields["known"])),
    )
    content = Path(question["content"]) if question["content"] else None
    try:
        kind = kinds.of(Path(question["path"]))
        bounds.begin()
        verdicts, authorities = kind.judged(
            Path(question["path"]), content, trust, datetime.fromisoformat(question["moment"])
        )
    except Refusal as refusal:
        return {"refused": refusal.key, "facts": {name: str(value) for name, value in refusal.facts.items()}}
    return {
        "kind": kind.name,
        "label": kind.label if any(signature.fingerprint_sha256 for signature in verdicts) else kind.plain,
        "verdicts": json.loads(verdict.dump(verdicts)),
        "authorities": [base64.b64encode(der).decode() for der in authorities],
    }


def _pictures(question: dict[str, Any]) -> dict[str, Any]:
    bounds.begin()
    # Its structure was sane a moment ago, when it was judged: what may still be slow is to draw it
    bounds.allow(SECONDS + 1.0)
    differences = pictures(Path(question["path"]), question["end"])
    pairs = [
        {
            "number": pair.number,
            "before": base64.b64encode(pair.before).decode(),
            "after": base64.b64encode(pair.after).decode(),
            "frames": pair.frames,
            "over": base64.b64encode(pair.over).decode(),
        }
        for pair in differences.pairs
    ]
    return {"pairs": pairs, "looked_at": differences.looked_at, "pages": differences.pages}
