"""The channel « actes »: a parcel becomes an archive of @CTES, and the Préfecture's answer becomes a receipt."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.channels.actes.act import Piece, annex_files, identifier_of, main_files, read_act, read_piece
from app.channels.actes.archive import HEAD, digest, write_archive
from app.channels.actes.classification import Classification, Classifications
from app.channels.actes.envelope import EMAIL, account_of, envelope_of, write_envelope
from app.channels.actes.followups import DOUBT, FOREIGN, Followups, is_followup
from app.channels.actes.inspection import Refused, inspect
from app.channels.actes.message import write_message
from app.channels.actes.naming import DEPARTMENT, archive_name, document_name, envelope_name, message_name
from app.channels.actes.nobody import UNSET, NobodyCarries
from app.channels.actes.receipt import Receipt, read_receipt
from app.channels.actes.rules import Bench, judge, number_taken
from app.channels.actes.settings import ActesSettings
from app.channels.actes.transport import ActesTransport, Deposit, Letter
from app.channels.actes.xmltree import Malformed
from app.core.clock import PARIS, now
from app.transmission.channels import simulator
from app.transmission.ports import (
    SIMULATED,
    Answer,
    AnswerKind,
    Channel,
    Package,
    Parcel,
    Rejected,
    Sender,
    Uncertain,
    Unreachable,
)
from app.transmission.s2low.settings import S2lowSettings
from config import Settings
from workflows.family import Problem

_SERIALS: Final = 10**9
_CARD: Final = "Demandez à l’administrateur de corriger la fiche de la collectivité."
_OURS: Final = "Rien n’est à corriger dans ce dossier : prévenez l’administrateur."


class ActesChannel(Channel):
    """Sends acts to the Préfecture through one transport."""

    name = "actes"

    def __init__(
        self, settings: ActesSettings, transport: ActesTransport, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._followups = Followups(settings, transport, self.classification_of)
        self._classifications = Classifications(settings.classification_folder, settings.classification_file)

    @property
    def label(self) -> str:
        """The French name that people read."""
        return self._transport.label

    @property
    def simulated(self) -> bool:
        """True when no real Préfecture is behind."""
        return self._transport.simulated

    @property
    def relayed(self) -> bool:
        """True when an operator takes what is sent and passes it on later."""
        return self._transport.relayed

    @property
    def unset(self) -> str | None:
        """Why nobody is asked anything: no operator is set; None where one is."""
        return UNSET if isinstance(self._transport, NobodyCarries) else None

    def classification_of(self, siren: str) -> Classification:
        """The classification in force for this collectivity: natures, types and matters, for its forms."""
        return self._classifications.current(siren)

    def hold_reason(self, parcel: Parcel) -> str | None:
        """The prefect may suspend the convention: acts then wait here, or leave on paper (CGCT R2131-4).

        They wait too as long as no operator is set.
        """
        suspended = parcel.sender.settings.get("actes_suspended")
        if not suspended:
            return self.unset
        return (
            f"Convention suspendue par {suspended.get('order', 'le préfet')} : l’acte se transmet sur papier."
        )

    def renew_classification(self, siren: str) -> tuple[Classification, bool]:
        """Ask the other side for it and keep what came; True when it is another than before.

        Refuses with ValueError what is no classification, and as the transport does when nobody answers.
        """
        raw = self._transport.classification(siren)
        try:
            return self._classifications.keep(siren, raw)
        except Malformed as bad:
            raise ValueError(str(bad)) from bad

    def edition(self, siren: str) -> str:
        """The content of the classification, the day and the size limit: all three decide of what is refused."""
        classification = self.classification_of(siren)
        return f"{classification.dated} {hash(classification):x} {self._today()} {self._settings.max_archive_bytes}"

    def rehearse(self, parcel: Parcel) -> list[Problem]:
        """List every rule among A01 to A14, X01 to X06 and E01 to E03 that the parcel breaks, but for A02.

        When the act itself breaks none, its message, envelope and archive are made and opened as a relay operator would,
        each file in short: only its beginning is judged there.
        """
        if is_followup(parcel):
            return [*_account(parcel.sender), *self._followups.rehearse(parcel)]
        if problems := self._judged(parcel):
            return problems
        deposit = self._deposit(parcel)
        with TemporaryDirectory(prefix="paraphe-rehearsal-") as room:
            target = Path(room) / deposit.archive_name
            try:
                entries = [(name, _short(content)) for name, content in self._entries(parcel, deposit)]
                write_archive(target, entries, 0)
                inspected = inspect(
                    target,
                    target.name,
                    deposit.account,
                    self._settings.max_archive_bytes,
                    self._settings.schema_folder,
                )
            except ValueError as error:
                return [Problem("X02", "", _off_schema(error))]
            except Refused as refused:
                return [_ours(problem) for problem in refused.problems]
        return [_ours(problem) for problem in inspected.problems]

    def check(self, parcel: Parcel) -> list[Problem]:
        """List what `rehearse` finds, and A02, for which the other side is asked."""
        problems = self.rehearse(parcel)
        if is_followup(parcel):
            return problems
        act = read_act(parcel)
        if act.number and main_files(parcel):
            # Out of reach today does not forbid to deposit: the question comes again before the act leaves.
            with suppress(Unreachable, Uncertain):
                match = self._transport.find(self._deposit(parcel))
                if match is not None and not match.ours:
                    problems.append(number_taken(act.number))
        return problems

    def package(self, parcel: Parcel, folder: Path) -> Package:
        """Write the archive, byte for byte the same for the same parcel; refuses with `Rejected`."""
        if is_followup(parcel):
            if problems := list(_account(parcel.sender)):
                raise Rejected(" ".join(problem.sentence for problem in problems))
            return self._followups.package(parcel, folder)
        if problems := self.check(parcel):
            raise Rejected(" ".join(problem.sentence for problem in problems))
        deposit = self._deposit(parcel)
        for piece in (deposit.main, *deposit.annexes):
            _unchanged(piece)
        entries = self._entries(parcel, deposit)
        target = folder / deposit.archive_name
        moment = parcel.prepared_at.replace(hour=0, minute=0, second=0, microsecond=0)
        sha256 = write_archive(target, entries, int(moment.timestamp()))
        if target.stat().st_size > self._settings.max_archive_bytes:
            raise Rejected(
                "L’archive dépasse la taille que la préfecture accepte. Réduisez ou retirez des annexes."
            )
        return Package(target, target.name, sha256)

    def find(self, parcel: Parcel) -> str | None:
        """Return the reference of this very parcel if the Préfecture has its number from it."""
        if is_followup(parcel):
            return self._followups.find(parcel)
        match = self._transport.find(self._deposit(parcel))
        return match.reference if match is not None and match.ours else None

    def send(self, parcel: Parcel, package: Package) -> str:
        """Deposit the archive once; refuses with `Rejected`, `Uncertain` or `Unreachable`."""
        if is_followup(parcel):
            return self._followups.send(parcel, package)
        # Once more at the last moment: another worker may have sent it while this one was packing.
        if known := self.find(parcel):
            return known
        try:
            return self._transport.send(self._deposit(parcel), package.path)
        except Rejected:
            # Another process may have sent this very parcel in between: that is no refusal.
            if known := self.find(parcel):
                return known
            raise

    def poll(self, parcel: Parcel, reference: str) -> Answer:
        """Ask for the Préfecture's message; what concerns another act is kept and shown, and decides nothing."""
        if is_followup(parcel):
            return self._followups.poll(parcel, reference)
        try:
            reply = self._transport.poll(reference, parcel.link)
        except LookupError:
            return self._answer(
                AnswerKind.PENDING, reason=f"Le dépôt {reference} est inconnu de : {self.label}."
            )
        if reply.refusal is not None:
            return self._answer(AnswerKind.REFUSED, reason=reply.refusal)
        if reply.message is None:
            return replace(self._answer(AnswerKind.PENDING), stage=reply.stage)
        return self._read(parcel, reply.message, reply.message_name)

    @property
    def transport(self) -> ActesTransport:
        """Who carries the acts: a demonstration asks whether it is its own simulator."""
        return self._transport

    @property
    def stamps(self) -> bool:
        """Whether the other side makes stamped copies of its own."""
        return self._transport.stamps

    def stamped(self, reference: str, original_sha256: str) -> bytes | None:
        """The other side's stamped copy, None without one; refuses with `Unreachable`, `Uncertain` or `Rejected`."""
        try:
            return self._transport.stamped(reference, original_sha256)
        except LookupError:
            return None

    def slip(self, reference: str) -> bytes | None:
        """The other side's own acknowledgement slip, None without one; refuses as `stamped` does."""
        try:
            return self._transport.slip(reference)
        except LookupError:
            return None

    def letters(self, sender: Sender) -> Sequence[Letter]:
        """What the Préfecture wrote to this collectivity and that is not stored here yet; refuses with `Unreachable`."""
        return self._transport.letters(account_of(sender))

    def taken(self, sender: Sender, reference: str) -> None:
        """Say that a letter is stored here."""
        self._transport.taken(account_of(sender), reference)

    def _read(self, parcel: Parcel, message: bytes, name: str | None) -> Answer:
        receipt = read_receipt(message, self._settings.schema_folder)
        act, sender = read_act(parcel), parcel.sender
        ours = receipt.concerns(identifier_of(act, sender.department, sender.siren), sender.siren, act.number)
        # What a simulator wrote decides nothing before a real operator.
        foreign = SIMULATED in message and not self.simulated
        if foreign or receipt.code is None or not ours:
            return self._answer(AnswerKind.PENDING, receipt, name, FOREIGN if foreign else DOUBT)
        if receipt.code == "1-2":
            return self._answer(AnswerKind.ACKNOWLEDGED, receipt, name)
        return self._answer(AnswerKind.REFUSED, receipt, name, receipt.reason)

    def _answer(
        self,
        kind: AnswerKind,
        receipt: Receipt | None = None,
        filename: str | None = None,
        reason: str | None = None,
    ) -> Answer:
        return Answer(
            kind=kind,
            raw=receipt.raw if receipt else None,
            filename=filename,
            identifier=receipt.identifier if receipt else None,
            received_on=receipt.received_on if receipt else None,
            reason=reason,
            simulated=self.simulated,
        )

    def _today(self) -> date:
        return self._clock().astimezone(PARIS).date()

    def _judged(self, parcel: Parcel) -> list[Problem]:
        main, annexes = self._pieces(parcel)
        bench = Bench(
            self.classification_of(parcel.sender.siren),
            self._today(),
            self._settings.max_archive_bytes,
            parcel.sender.siren,
            parcel.facts,
        )
        return [*_account(parcel.sender), *judge(read_act(parcel), main, annexes, bench)]

    def _pieces(self, parcel: Parcel) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
        nature = self.classification_of(parcel.sender.siren).nature(read_act(parcel).nature)
        default = nature.default_type if nature else None
        return (
            tuple(read_piece(file, default) for file in main_files(parcel)),
            tuple(read_piece(file, None) for file in annex_files(parcel)),
        )

    def _deposit(self, parcel: Parcel) -> Deposit:
        main, annexes = self._pieces(parcel)
        if not main:
            raise Rejected("Le dossier n’a pas d’acte. Déposez-le en PDF.")
        return Deposit(
            act=read_act(parcel),
            account=account_of(parcel.sender),
            main=main[0],
            annexes=annexes,
            archive_name=archive_name(self._settings.operator, self._envelope_name(parcel)),
        )

    def _envelope_name(self, parcel: Parcel) -> str:
        # The serial is a daily counter for the State. A counter would need a memory, and a parcel packed twice two
        # names: it is drawn from the key, which also lets `find` recognise this very parcel.
        serial = int.from_bytes(hashlib.sha256(parcel.key.encode()).digest()[:8]) % _SERIALS + 1
        day = parcel.prepared_at.astimezone(PARIS).date()
        return envelope_name(self._settings.application, parcel.sender.siren, day, serial)

    def _entries(self, parcel: Parcel, deposit: Deposit) -> list[tuple[str, bytes | Path]]:
        act, account, schema = deposit.act, deposit.account, self._settings.schema_folder
        identifier = identifier_of(act, account.department, account.siren) or ""
        pieces = (deposit.main, *deposit.annexes)
        names = tuple(
            document_name(piece.type_code or "", identifier, index, piece.kind)
            for index, piece in enumerate(pieces, 1)
        )
        classified_on = act.classified_on or self.classification_of(account.siren).dated
        form = message_name(identifier, "1-1")
        files: list[tuple[str, bytes | Path]] = [
            (name, piece.path) for name, piece in zip(names, pieces, strict=True) if piece.path
        ]
        return [
            (self._envelope_name(parcel), write_envelope(envelope_of(parcel.sender, (form,)), schema)),
            (form, write_message(act, names[0], names[1:], classified_on, schema)),
            *files,
        ]


def open_channel(settings: Settings) -> ActesChannel:
    """The channel as the installation configured it."""
    own = ActesSettings.read(settings)
    transport: ActesTransport
    if own.transport == "s2low":
        # Its HTTP library is heavy, and this module is read at each start (docs/decisions/0003)
        from app.channels.actes.s2low import S2lowActes

        transport = S2lowActes(S2lowSettings.read(settings))
    else:
        simulated = simulator(ActesChannel.name)
        transport = simulated(own) if simulated is not None else NobodyCarries()
    return ActesChannel(own, transport, now)


def _account(sender: Sender) -> Iterator[Problem]:
    if not re.fullmatch(r"[0-9]{9}", sender.siren):
        yield Problem("E03", "siren", f"Le SIREN « {sender.siren} » n’a pas neuf chiffres. {_CARD}")
    if not DEPARTMENT.fullmatch(sender.department):
        yield Problem(
            "E03", "department", f"Le département « {sender.department} » s’écrit « 029 » ou « 02A ». {_CARD}"
        )
    if not re.fullmatch(r"[0-9]", sender.district):
        yield Problem("E03", "district", f"L’arrondissement « {sender.district} » est un chiffre. {_CARD}")
    if not re.fullmatch(r"[0-9]{2}", sender.nature):
        yield Problem(
            "E03", "nature", f"La nature « {sender.nature} » a deux chiffres : 31 pour une commune. {_CARD}"
        )
    envelope = envelope_of(sender, ())
    for address in dict.fromkeys([envelope.contact.email if envelope.contact else None, *envelope.addresses]):
        if not address:
            yield Problem(
                "E03",
                "email",
                "L’enveloppe n’a aucune adresse de courriel à donner à la préfecture, et rien ne part sans elle. Demandez à "
                "l’administrateur de la donner, sous « Administration › Réglages ».",
            )
        elif not EMAIL.fullmatch(address):
            yield Problem(
                "E03",
                "email",
                f"La préfecture refuse l’adresse « {address} » : ni « + », ni fin longue. {_CARD}",
            )


def _unchanged(piece: Piece) -> None:
    if piece.path is None or digest(piece.path) != piece.sha256:
        raise Rejected(
            f"« {piece.title} » n’est plus le fichier du dossier : son empreinte a changé. Rien n’est parti."
        )


def _short(content: bytes | Path) -> bytes:
    """Messages whole; of a file its first bytes, by which its kind is known."""
    if isinstance(content, bytes):
        return content
    with content.open("rb") as source:
        return source.read(HEAD)


def _ours(problem: Problem) -> Problem:
    """A fault of what is made from a sound act is not its depositor's to correct."""
    return replace(problem, sentence=f"{problem.sentence} {_OURS}")


def _off_schema(error: ValueError) -> str:
    return f"Le message ne suit pas le schéma de la préfecture ({error}). {_OURS}"
