"""The child process that reads a file of unknown origin: bounded in time and memory by the kernel, and then gone.

Started by `app.signing.examine`: the question comes as JSON on its input, the answer leaves as JSON on its output.
"""

import base64
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from app.signing import bounds

TOO_COMPLEX = {"refused": "file-too-complex", "facts": {}}


def main() -> None:
    """Answer one question."""
    question = json.load(sys.stdin)
    bounds.impose(**question["limits"])
    try:
        answer = _pictures(question) if "end" in question else _answer(question)
    except (MemoryError, RecursionError):
        answer = TOO_COMPLEX
    sys.stdout.write(json.dumps(answer, ensure_ascii=False))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    from app.core.refusals import Refusal
    from app.signing import kinds, verdict
    from app.signing.trust import Trust

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
        kind.load()
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
    from app.pdf.comparison import SECONDS
    from app.pdf.pictures import pictures

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
        }
        for one in found.pairs
    ]
    return {"pairs": pairs, "looked_at": found.looked_at, "pages": found.pages}
