"""The verdict on a file as a PDF that one keeps: the file's fingerprint, each signature, and our seal where there is one.

Nothing of the file is kept for it. The public page gives its answer back to whoever asked, sealed by our own secret for a
quarter of an hour (`pack`), and this answer alone makes the PDF.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.pdf.paper import paper, rows, text
from app.verification import setting, sockets
from app.verification.verdict import Verdict, dump, load

GOOD_FOR = 15 * 60  # seconds during which an answer may still be made into a PDF
TONES = {"valide": (20, 90, 50), "invalide": (160, 25, 25), "indéterminé": (125, 75, 0)}
UNSEALED = (
    "Ce document ne porte aucun cachet : rien n’y prouve d’où il vient, ni qu’il est resté tel quel. Pour vous en "
    "assurer, faites vérifier de nouveau le fichier."
)


@dataclass(frozen=True)
class Answer:
    """What was said of a file: its `name` as it was given, its SHA-256 (hexadecimal), its kind in French, when, by whom.

    `content_sha256`: that of the file that a separate signature signs; else empty. `house`: who answers.
    """

    name: str
    sha256: str
    kind: str
    at: datetime
    house: str
    verdicts: tuple[Verdict, ...]
    content_sha256: str = ""


def pack(answer: Answer, secret: str) -> str:
    """The answer as text that only we can have made, for the page to give back; reports are left out."""
    bare = [replace(verdict, report=None) for verdict in answer.verdicts]
    fields = {**vars(answer), "at": answer.at.isoformat(), "verdicts": json.loads(dump(bare))}
    return str(_serializer(secret).dumps(fields))


def unpack(text: str, secret: str) -> Answer:
    """What `pack` made, within a quarter of an hour; refuses `attestation-expired` for anything else."""
    try:
        fields: dict[str, Any] = _serializer(secret).loads(text, max_age=GOOD_FOR)
        verdicts = load(json.dumps(fields["verdicts"]))
        return Answer(**{**fields, "at": datetime.fromisoformat(fields["at"]), "verdicts": verdicts})
    except (BadData, ValueError, KeyError, TypeError) as error:
        raise Refusal("attestation-expired") from error


def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret, salt="paraphe.attestation", signer_kwargs={"digest_method": hashlib.sha256}
    )


def render(answer: Answer, whose: sockets.Whose) -> tuple[bytes, bool]:
    """The PDF, and whether it is sealed: it is wherever there is a seal for whoever asks.

    A timestamp is bought: the authority is asked for the seal's hour for the people of a collectivity alone. Refuses
    `attestation-not-sealed` when the seal is there and cannot serve (expired, revoked, its module silent): it is never
    left out in silence.
    """
    with TemporaryDirectory(prefix="paraphe-attestation-") as room:
        drawn, target = Path(room) / "verdict.pdf", Path(room) / "sealed.pdf"
        if not sockets.sealed(whose):
            _draw(answer, drawn, None)
            return drawn.read_bytes(), False
        try:
            seal = sockets.seal(whose)
            _draw(answer, drawn, seal.name)
            seal.put(drawn, target)
        except Refusal as refusal:
            raise Refusal("attestation-not-sealed") from refusal
        return target.read_bytes(), True


def _draw(answer: Answer, target: Path, seal: str | None) -> None:
    page = paper("Verdict sur les signatures d’un fichier")
    text(page, "Verdict sur les signatures d’un fichier", 16)
    rows(page, _about(answer))
    for number, verdict in enumerate(answer.verdicts, 1):
        page.ln(4)
        text(page, f"Signature {number} : {verdict.name}", 12)
        page.set_text_color(*TONES[verdict.verdict])
        text(page, f"Verdict : {verdict.verdict}. {verdict.reason}", 10)
        page.set_text_color(0, 0, 0)
        rows(page, _signature(verdict))
    if not answer.verdicts:
        page.ln(4)
        text(page, "Ce fichier ne porte aucune signature électronique.", 11)
    page.ln(6)
    for sentence in _below(seal):
        text(page, sentence, 9)
        page.ln(1)
    page.output(str(target))


def _about(answer: Answer) -> Sequence[tuple[str, str]]:
    return (
        ("Fichier, nommé par qui l’a remis", answer.name),
        ("Nature", answer.kind),
        ("Empreinte SHA-256", answer.sha256),
        ("Empreinte du contenu signé", answer.content_sha256),
        ("Vérifié le", f"{answer.at.astimezone(PARIS):%d/%m/%Y à %H:%M:%S %z}"),
        ("Par", answer.house),
    )


def _signature(verdict: Verdict) -> Sequence[tuple[str, str]]:
    chain = "\n".join(
        f"{link.name}, émis par « {link.issuer} », numéro {link.serial}, jusqu’au {_day(link.not_after)}"
        for link in verdict.chain
    )
    return (
        ("Où", verdict.where),
        ("Motif indiqué par le signataire", verdict.capacity or ""),
        ("Quand", verdict.when),
        ("Ce qui est signé", verdict.covered),
        ("Depuis", verdict.changes),
        ("Que faire", verdict.advice),
        ("Certificat", verdict.revocation),
        ("Qualification", verdict.qualified or ""),
        ("Ce qu’elle porte", verdict.carries),
        ("Niveau, selon la norme", verdict.level),
        (
            "Verdict, selon la norme",
            f"{verdict.indication}{f', {verdict.sub_indication}' if verdict.sub_indication else ''} (EN 319 102-1)",
        ),
        ("Certificats", chain),
    )


def _day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(PARIS):%d/%m/%Y}"


def _below(seal: str | None) -> Sequence[str]:
    meaning = (
        "Ce verdict vaut pour le seul fichier qui a cette empreinte, à l’heure dite : un certificat peut être révoqué "
        "ensuite. Le fichier n’est pas joint."
    )
    if seal is None:
        return meaning, UNSEALED
    return (
        meaning,
        f"Ce document porte le cachet électronique « {seal} » : il prouve qu’il vient de là et n’a pas changé. Il se "
        f"vérifie comme tout fichier signé, ici même : {setting.verifier_address()}",
    )
