"""Judge a file of any origin, in a process of its own: a bomb or a crash there never reaches the web."""

import base64
import dataclasses
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.refusals import Refusal
from app.pdf.pictures import NONE, Pair, Pictures
from app.signing.verdict import Verdict, load

if TYPE_CHECKING:
    from app.signing.setting import Whom
    from app.signing.trust import Trust

SECONDS = 60  # all together, the authorities' answers included
LARGEST_ANSWER = 8 * 1024 * 1024
# The child reads app.signing only: a bare « app » package spares it the web's own start.
_CHILD = (
    "import sys, types; app = types.ModuleType('app'); app.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['app'] = app; "
    "from app.signing.examiner import main; main()"
)


@dataclass(frozen=True)
class Limits:
    """What the child may use until the structure of the file has proved to be sane, and at most.

    Seconds of computing of a machine at its usual pace (`bounds.begin`); the memory includes the program's own.
    """

    cpu_seconds: float
    megabytes: int
    most_megabytes: int
    most_seconds: float


# A stranger's file has ten seconds of computing in all, whatever it holds and however often.
# With 24 MB of libraries shared with other processes, less than 100 MB in all
STRANGER = Limits(1.3, 74, 192, 8.0)
# A document of a folder passed intake, and may be as large as a deposit
OURS = Limits(20.0, 512, 1024, 120.0)


@dataclass(frozen=True)
class Examined:
    """What a file is (`kind`, and the French `words` for it), and the verdict on each of its signatures.

    `authorities`: certificates (DER) of intermediate authorities that it carries, believed or not.
    """

    kind: str
    words: str
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
    and `verification-too-long` when the child was stopped: with `STRANGER`, after 1.3 s of computing before its structure
    is known, 10 s in all at the machine's usual pace, or a minute with the answers of the authorities. Nothing is said
    then of any signature.
    """
    question = {
        "path": str(path.resolve()),
        "content": str(content.resolve()) if content is not None else None,
        "moment": moment.isoformat(),
        "limits": dataclasses.asdict(limits),
        "trust": {
            "roots": [base64.b64encode(one).decode() for one in trust.roots],
            "tsa_roots": [base64.b64encode(one).decode() for one in trust.tsa_roots],
            "fetch": trust.fetch,
            "allowed_hosts": list(trust.allowed_hosts),
            "timeout": trust.timeout,
            "lists": str(trust.lists) if trust.lists else None,
            "known": [base64.b64encode(one).decode() for one in trust.known],
        },
    }
    told = _ask(json.dumps(question))
    if "refused" in told:
        raise Refusal(str(told["refused"]), **told["facts"])
    authorities = tuple(map(base64.b64decode, told["authorities"]))
    return Examined(told["kind"], told["words"], load(json.dumps(told["verdicts"])), authorities)


def compare(path: Path, end: int, limits: Limits = STRANGER) -> Pictures:
    """The first pages of a PDF that are drawn otherwise than its first `end` bytes are (`app.pdf.pictures`).

    The same child as `examine`, on a file that it has judged: what stops it leaves no picture and takes no verdict away.
    """
    question = {"path": str(path.resolve()), "end": end, "limits": dataclasses.asdict(limits)}
    try:
        told = _ask(json.dumps(question))
        pairs = tuple(
            Pair(
                one["number"], base64.b64decode(one["before"]), base64.b64decode(one["after"]), one["frames"]
            )
            for one in told["pairs"]
        )
        return Pictures(pairs, told["looked_at"], told["pages"])
    except (Refusal, KeyError):
        return NONE


def _ask(question: str) -> dict[str, Any]:
    home = Path(__file__).resolve().parent.parent
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own program
            [sys.executable, "-I", "-c", _CHILD, str(home)],
            input=question,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={"LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired as error:
        raise Refusal("verification-too-long") from error
    if done.returncode == -signal.SIGPROF:
        raise Refusal("verification-too-long")
    try:
        told: dict[str, Any] = json.loads(done.stdout[:LARGEST_ANSWER])
    except ValueError as error:
        raise Refusal("file-too-complex") from error  # killed by its limits, or by the file
    return told
