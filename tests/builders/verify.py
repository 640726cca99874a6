"""Judge every signature of a signed file of any kind and origin."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from app.trust.certificates import Trust
from app.verification import kinds
from app.verification.verdict import Verdict


def verify(path: Path, trust: Trust, moment: datetime, content: Path | None = None) -> Sequence[Verdict]:
    """The verdict on every person's signature, in the file's order, as known at `moment` (ETSI EN 319 102-1 §5).

    `content`: the signed file, when the signature lies beside it. A trusted timestamp moves the judgement of the
    certificate back to its time. With `trust.fetch` false only what the file proves by itself is better than
    « indéterminé ». Refuses `kind-unknown`, and what the reader of its kind refuses (`app.verification.kinds`).
    """
    return kinds.of(path).judge(path, content, trust, moment)
