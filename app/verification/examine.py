"""Judge a file of any origin, in a process of its own: a bomb or a crash there never reaches the web."""

import base64
import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.refusals import Refusal
from app.files import confined
from app.files.confined import Ended
from app.pdf.pictures import NONE, Pair, Pictures
from app.verification.verdict import Verdict, load

if TYPE_CHECKING:
    from app.trust.authorities import Whom
    from app.trust.certificates import Trust

SECONDS = 60  # all together, the authorities' answers included
# What the kernel lets the copy have before `bounds` says less; nothing can be written
ROOM = confined.Limits(cpu_seconds=180, seconds=SECONDS, memory=8 << 30, written=0)
_room = confined.Confined("app.verification.child")


@dataclass(frozen=True)
class Limits:
    """What the copy may use until the structure of the file has proved to be sane, and at most.

    Seconds of computing of a machine at its usual pace (`bounds.begin`); memory beside that of the program.
    """

    cpu_seconds: float
    megabytes: int
    most_megabytes: int
    most_seconds: float


# A stranger's file has ten seconds of computing in all, whatever it holds and however often.
# With the 76 MB that it shares with the process that waits, less than 120 MB until its structure is known
STRANGER = Limits(1.3, 30, 148, 8.0)
# A document of a folder passed intake, and may be as large as a deposit
OURS = Limits(20.0, 470, 980, 120.0)


@dataclass(frozen=True)
class Examined:
    """What a file is (`kind`, and its French `label`), and the verdict on each of its signatures.

    `authorities`: certificates (DER) of intermediate authorities that it carries, believed or not.
    """

    kind: str
    label: str
    verdicts: tuple[Verdict, ...]
    authorities: tuple[bytes, ...] = ()


def examine(
    path: Path,
    trust: "Trust | Whom",
    moment: datetime,
    content: Path | None = None,
    limits: Limits = STRANGER,
) -> Examined:
    """Judge every signature of a file, as known at `moment`; `content` is the file that a separate signature signs.

    Refuses `kind-unknown`, what the reader of its kind refuses, `file-too-complex` when it asks for too much memory,
    and `verification-too-long` when the copy was stopped: with `STRANGER`, after 1.3 s of computing before its structure
    is known, 10 s in all at the machine's usual pace, or a minute with the answers of the authorities. Nothing is said
    then of any signature.
    """
    question = {
        "path": str(path.resolve()),
        "content": str(content.resolve()) if content is not None else None,
        "moment": moment.isoformat(),
        "limits": dataclasses.asdict(limits),
        "trust": {
            "roots": [base64.b64encode(root).decode() for root in trust.roots],
            "tsa_roots": [base64.b64encode(root).decode() for root in trust.tsa_roots],
            "fetch": trust.fetch,
            "allowed_hosts": list(trust.allowed_hosts),
            "timeout": trust.timeout,
            "lists": str(trust.lists) if trust.lists else None,
            "known": [base64.b64encode(certificate).decode() for certificate in trust.known],
        },
    }
    answer = _ask(question)
    if "refused" in answer:
        raise Refusal(str(answer["refused"]), **answer["facts"])
    authorities = tuple(map(base64.b64decode, answer["authorities"]))
    return Examined(answer["kind"], answer["label"], load(json.dumps(answer["verdicts"])), authorities)


SIDES = ("before", "after", "over")


def compare(path: Path, end: int, limits: Limits = STRANGER) -> Pictures:
    """The first pages of a PDF that are drawn otherwise than its first `end` bytes are (`app.pdf.pictures`).

    As `examine`, on a file that it has judged: what stops it leaves no picture and takes no verdict away.
    """
    question = {"path": str(path.resolve()), "end": end, "limits": dataclasses.asdict(limits)}
    try:
        answer = _ask(question)
        pairs = tuple(
            Pair(
                pair["number"],
                frames=pair["frames"],
                **{side: base64.b64decode(pair[side]) for side in SIDES},
            )
            for pair in answer["pairs"]
        )
        return Pictures(pairs, answer["looked_at"], answer["pages"])
    except (Refusal, KeyError):
        return NONE


def _ask(question: dict[str, Any]) -> dict[str, Any]:
    try:
        return _room.ask(question, ROOM).content
    except Ended as ended:
        raise Refusal("verification-too-long" if ended.late else "file-too-complex") from ended
