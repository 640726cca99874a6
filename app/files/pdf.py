"""A PDF is dissected in a process of its own (`confined`): a bomb or a crash there never reaches the web."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.refusals import Refusal
from app.files.confined import Confined, Ended, Limits

LIMITS = Limits(cpu_seconds=25, seconds=40.0, memory=2 << 30, written=2 << 30)
_room = Confined("app.files.dissection")


@dataclass(frozen=True)
class EarlierSignature:
    """A signature that the file brought with it.

    `when` is the ISO time it claims, proved only when `timestamped`; `valid_structure` says that its bytes
    are unchanged and its cryptography holds, not that its certificate is trusted; `docmdp` is 1, 2 or 3 when
    it certifies the document (ISO 32000-1 §12.8.2.2). `altered`: why what is shown may not be what was signed, and
    `valid_structure` is false then; `doubts`: why that is not sure; `since`: the sentence on what was added after it
    (`app.pdf.gate`). `issuer`: the authority that the certificate names, which nobody has recognised here; empty when
    the certificate cannot be read. `self_issued`: the signer made the certificate himself.
    """

    name: str
    valid_structure: bool
    docmdp: int | None
    when: str | None = None
    timestamped: bool = False
    altered: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    since: str = ""
    issuer: str = ""
    self_issued: bool = False


@dataclass(frozen=True)
class Enclosed:
    """A file inside a PDF: its name, its size in bytes, what its content is in French.

    `expected`: the data of an invoice, under the name that the standard gives them; `program`: something that could be run.
    """

    name: str
    size: int
    kind: str
    expected: bool
    program: bool


@dataclass(frozen=True)
class PdfFacts:
    """What the dissection learnt: pages, whether one has text, earlier signatures, a repaired copy.

    `faces`: what shows differently elsewhere, in French phrases: then `repaired` is a plain copy, of a file that nobody has
    signed; of a signed one, it is what may still change. `unread_signature`: one is written somewhere, and none could be read
    as such. `damaged`: the file is badly built. `enclosed`: files inside, the
    first of `enclosed_count`.

    `free_fields`: how many signature fields the author of a certified document left free; None when it is not certified.
    `resolution`: of a scan without text, in points per inch, that of its coarsest page; None when it is not known.
    """

    pages: int
    has_text: bool
    signatures: tuple[EarlierSignature, ...]
    repaired: Path | None
    free_fields: int | None = None
    unread_signature: bool = False
    faces: tuple[str, ...] = ()
    damaged: bool = False
    enclosed: tuple[Enclosed, ...] = ()
    enclosed_count: int = 0
    resolution: int | None = None


def examine_pdf(path: Path, filename: str, workdir: Path, *, to_be_signed: bool) -> PdfFacts:
    """The facts of a PDF that can be kept and, when it must be, signed.

    Refuses file-truncated, file-damaged, file-encrypted, file-page-loop, file-xfa, file-javascript,
    file-launch, file-certified, file-certified-closed, file-signed-damaged, file-inflates, file-too-heavy,
    file-two-faced, file-elsewhere.
    A file that is only broken comes back with `repaired`, a rewritten copy in `workdir`; the original stays.
    """
    before = set(workdir.iterdir())
    try:
        answer = _dissect(path, filename, workdir, to_be_signed=to_be_signed)
    except Refusal:
        for left in set(workdir.iterdir()) - before:
            if left.name.startswith("repaired-"):
                left.unlink()
        raise
    return PdfFacts(
        answer["pages"],
        answer["has_text"],
        tuple(
            EarlierSignature(
                **{**signature, "altered": tuple(signature["altered"]), "doubts": tuple(signature["doubts"])}
            )
            for signature in answer["signatures"]
        ),
        Path(answer["repaired"]) if answer["repaired"] else None,
        answer["free_fields"],
        answer["unread_signature"],
        tuple(answer["faces"]),
        answer["damaged"],
        tuple(Enclosed(**file) for file in answer["enclosed"]),
        answer["enclosed_count"],
        answer["resolution"],
    )


def rewritten(path: Path, filename: str, workdir: Path, *, rebuilt: bool) -> Path | None:
    """A copy in `workdir` of a PDF that cannot be signed as it is, or nothing when no copy would be sound.

    `rebuilt`: its page tree and its form are laid out anew, where to write the same again was not enough.
    """
    answer = _child("rewrite", path, filename, str(workdir), "1" if rebuilt else "0")
    return Path(answer["copy"]) if answer["copy"] else None


def read_text(path: Path) -> str:
    """The text of the first pages (30 at most), empty when there is none or when it cannot be drawn.

    It too is read in a process of its own: pdfium bears neither threads nor every file.
    """
    try:
        answer = _child("text", path, path.name)
    except Refusal:
        return ""
    return str(answer["text"])


def _dissect(path: Path, filename: str, workdir: Path, *, to_be_signed: bool) -> dict[str, Any]:
    return _child("dissect", path, filename, str(workdir), "1" if to_be_signed else "0")


def _child(verb: str, path: Path, filename: str, *more: str) -> dict[str, Any]:
    try:
        answer = _room.ask({"command": [verb, str(path.resolve()), *more]}, LIMITS).content
    except Ended as ended:  # by its limits, or by the file
        raise Refusal("file-too-heavy", filename=filename) from ended
    if "refusal" in answer:
        raise Refusal(answer["refusal"], filename=filename, **answer["facts"])
    return answer
