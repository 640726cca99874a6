"""Messages about an act that the Préfecture already has: replies, acknowledgements and cancellations, made from a parcel.

A parcel is one of them when its facts hold `followup`: a mapping with `code` (2-2, 3-2, 3-3, 3-4, 4-2, 4-3, 4-4 or 6-1),
`identifier` (the act's), and as the code asks `letter` and `letter_date` (what it answers) or `deposit` (what it cancels).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from app.channels.actes.act import read_piece
from app.channels.actes.archive import digest, write_archive
from app.channels.actes.classification import Classification
from app.channels.actes.envelope import account_of, envelope_of, write_envelope
from app.channels.actes.exchanges import FORMS, RECEIPTS, Exchange, write_exchange
from app.channels.actes.naming import (
    IDENTIFIER,
    TYPE_CODE,
    archive_name,
    document_name,
    envelope_name,
    message_name,
)
from app.channels.actes.receipt import read_receipt
from app.channels.actes.settings import ActesSettings
from app.channels.actes.tolerant import day
from app.channels.actes.transport import ActesTransport, Followup
from app.core.clock import PARIS
from app.transmission.ports import SIMULATED, Answer, AnswerKind, Package, Parcel, Rejected
from workflows.family import Problem

DOUBT: Final = "Une réponse est arrivée, illisible ou pour un autre acte. Elle est gardée : lisez-la."
FOREIGN: Final = (
    "Une réponse FACTICE est arrivée d’un simulateur : elle ne décide rien. Vérifiez l’opérateur réglé."
)
SENT: Final = frozenset({"2-2", "3-2", "3-3", "3-4", "4-2", "4-3", "4-4", "6-1"})
DOCUMENTS: Final = "3-4"
"""The documents that the Préfecture asked for: the delay moves with them, so a letter alone is not that answer."""
_LETTER_AND_ONE: Final = 2
_SERIALS: Final = 10**9
_KINDS: Final = frozenset({"pdf", "jpg", "png", "xml"})


def is_followup(parcel: Parcel) -> bool:
    """True when a parcel is not an act, but a message about one."""
    return isinstance(parcel.facts.get("followup"), Mapping)


class Followups:
    """The part of the channel that carries them, by the same verbs as an act."""

    def __init__(
        self,
        settings: ActesSettings,
        transport: ActesTransport,
        classification: Callable[[str], Classification],
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._classification = classification

    def check(self, parcel: Parcel) -> list[Problem]:
        """What keeps it from leaving: an act that is not named, a document too many, too few, untyped or of a wrong kind."""
        followup, form = self._followup(parcel), FORMS.get(self._facts(parcel).get("code", ""))
        if form is None or followup.code not in SENT or not IDENTIFIER.fullmatch(followup.identifier):
            rule = "W01" if followup.code == "6-1" else "W03"
            sentence = (
                "Ce message ne dit pas à quel acte ou à quel courrier il répond. Abandonnez ce dossier, et préparez-en un "
                "autre depuis l’acte ou le courrier."
            )
            return [Problem(rule, "", sentence)]
        problems = []
        if form.files == "one" and len(followup.pieces) != 1:
            problems.append(
                Problem(
                    "W03",
                    "main",
                    "Cette réponse part avec un seul document : retirez les annexes, ou réunissez-les en un PDF.",
                )
            )
        for piece in followup.pieces:
            if piece.kind not in _KINDS:
                sentence = f"« {piece.title} » n’est ni un PDF, ni une image, ni un XML. Remplacez-le."
                problems.append(Problem("A09", piece.field, sentence))
            if not piece.type_code or not TYPE_CODE.fullmatch(piece.type_code):
                sentence = f"« {piece.title} » n’a pas de type de pièce. Choisissez-le."
                problems.append(Problem("A10", piece.field, sentence))
        return problems

    def rehearse(self, parcel: Parcel) -> list[Problem]:
        """What `check` finds, and a letter that would answer for documents that are not with it (CGCT L2131-6).

        The Préfecture would take it: the rule is ours, and holds before anybody signs.
        """
        problems, followup = self.check(parcel), self._followup(parcel)
        if followup.code == DOCUMENTS and len(followup.pieces) < _LETTER_AND_ONE:
            sentence = (
                "Cette réponse n’a aucune des pièces que la préfecture demande. Ajoutez-les au dossier, en plus de la lettre ; "
                "pour refuser de les envoyer, abandonnez ce dossier et préparez le refus depuis le courrier."
            )
            problems.append(Problem("W03", "", sentence))
        return problems

    def package(self, parcel: Parcel, folder: Path) -> Package:
        """Write its archive, the same bytes for the same parcel; refuses with `Rejected`."""
        if problems := self.check(parcel):
            raise Rejected(" ".join(problem.sentence for problem in problems))
        followup = self._followup(parcel)
        for piece in followup.pieces:
            if piece.path is None or digest(piece.path) != piece.sha256:
                raise Rejected(f"« {piece.title} » n’est plus le fichier du dossier. Rien n’est parti.")
        names = tuple(
            document_name(piece.type_code or "", followup.identifier, index, piece.kind, followup.code)
            for index, piece in enumerate(followup.pieces, 1)
        )
        exchange = Exchange(followup.code, followup.identifier, followup.letter_date, files=names)
        form, schema = message_name(followup.identifier, followup.code), self._settings.schema_folder
        try:
            message = write_exchange(exchange, schema_folder=schema)
            envelope = write_envelope(envelope_of(parcel.sender, (form,)), schema)
        except ValueError as error:
            raise Rejected(f"Le message ne respecte pas le schéma de la préfecture ({error}).") from error
        files = [(name, piece.path) for name, piece in zip(names, followup.pieces, strict=True) if piece.path]
        moment = parcel.prepared_at.replace(hour=0, minute=0, second=0, microsecond=0)
        target = folder / followup.archive_name
        entries: list[tuple[str, bytes | Path]] = [
            (self._envelope_name(parcel), envelope),
            (form, message),
            *files,
        ]
        sha256 = write_archive(target, entries, int(moment.timestamp()))
        if target.stat().st_size > self._settings.max_archive_bytes:
            raise Rejected("La réponse dépasse la taille que la préfecture accepte. Réduisez ses documents.")
        return Package(target, target.name, sha256)

    def find(self, parcel: Parcel) -> str | None:
        """The reference of this very message, if the other side has it."""
        return self._transport.followed(self._followup(parcel))

    def send(self, parcel: Parcel, package: Package) -> str:
        """Send it once; refuses with `Rejected`, `Uncertain` or `Unreachable`."""
        # Once more at the last moment: another worker may have sent it while this one was packing.
        if known := self.find(parcel):
            return known
        try:
            return self._transport.follow(self._followup(parcel), package.path)
        except Rejected:
            # Another process may have sent this very message in between: that is no refusal.
            if known := self.find(parcel):
                return known
            raise

    def poll(self, parcel: Parcel, reference: str) -> Answer:
        """Ask for its receipt (3-5, 4-5, 6-2); a message that has none is over once it is sent."""
        followup = self._followup(parcel)
        awaited = RECEIPTS.get(followup.code)
        if awaited is None:
            return self._answer(AnswerKind.ACKNOWLEDGED)
        try:
            reply = self._transport.poll(reference, parcel.link)
        except LookupError:
            return self._answer(
                AnswerKind.PENDING, reason=f"L’envoi {reference} est inconnu de : {self._transport.label}."
            )
        if reply.message is None:
            kind = AnswerKind.PENDING if reply.refusal is None else AnswerKind.REFUSED
            return self._answer(kind, reason=reply.refusal, stage=reply.stage)
        return self._read(followup, awaited, reply.message, reply.message_name)

    def _read(self, followup: Followup, awaited: str, message: bytes, name: str | None) -> Answer:
        receipt = read_receipt(message, self._settings.schema_folder)
        facts = {
            "raw": receipt.raw,
            "filename": name,
            "identifier": receipt.identifier,
            "received_on": receipt.received_on,
        }
        if SIMULATED in message and not self._transport.simulated:
            return self._answer(AnswerKind.PENDING, reason=FOREIGN, **facts)
        if receipt.code in {"1-3", "ANO"}:
            return self._answer(AnswerKind.REFUSED, reason=receipt.reason, **facts)
        if receipt.code == awaited and receipt.identifier == followup.identifier:
            return self._answer(AnswerKind.ACKNOWLEDGED, **facts)
        return self._answer(AnswerKind.PENDING, reason=DOUBT, **facts)

    def _answer(self, kind: AnswerKind, **facts: Any) -> Answer:
        blank = dict.fromkeys(("raw", "filename", "identifier", "received_on", "reason"))
        return Answer(kind=kind, simulated=self._transport.simulated, **{**blank, **facts})

    def _followup(self, parcel: Parcel) -> Followup:
        facts = self._facts(parcel)
        code, identifier = facts.get("code", ""), facts.get("identifier", "")
        form = FORMS.get(code)
        carried = [] if form is None or form.files == "none" else parcel.files
        return Followup(
            code=code,
            identifier=identifier,
            account=account_of(parcel.sender),
            letter=facts.get("letter"),
            letter_date=day(facts.get("letter_date")),
            deposit=facts.get("deposit"),
            pieces=tuple(
                read_piece(file, None)  # nobody but a person says what a letter is: it is not the act
                for role in ("main", "attachment")
                for file in carried
                if file.role == role
            ),
            archive_name=archive_name(self._settings.operator, self._envelope_name(parcel)),
        )

    def _facts(self, parcel: Parcel) -> Mapping[str, str]:
        facts: Mapping[str, str] = parcel.facts["followup"]
        return facts

    def _envelope_name(self, parcel: Parcel) -> str:
        # Drawn from the key, as an act's is: `find` recognises the message by it.
        serial = int.from_bytes(hashlib.sha256(parcel.key.encode()).digest()[:8]) % _SERIALS + 1
        sent_on = parcel.prepared_at.astimezone(PARIS).date()
        return envelope_name(self._settings.application, parcel.sender.siren, sent_on, serial)
