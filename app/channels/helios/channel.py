"""The channel « helios »: a signed flow leaves as it is, and the Treasury's acquit decides of it.

The file is never rewritten, and its SHA-256 is checked again before it leaves: what was signed is what the accountant reads
(CGCT D1617-23).
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from app.channels import replacing
from app.channels.helios.acquit import Verdict, parts_of, read_acquit
from app.channels.helios.flow import Flow, Unreadable, read_flow
from app.channels.helios.nobody import UNSET, NobodyCarries
from app.channels.helios.s2low import S2lowHelios
from app.channels.helios.settings import MEGABYTE, HeliosSettings
from app.channels.helios.transport import Deposit, HeliosTransport, name_taken
from app.core.clock import now
from app.transmission.channels import simulator
from app.transmission.ports import (
    SIMULATED,
    Answer,
    AnswerKind,
    Channel,
    Listed,
    Package,
    Parcel,
    ParcelFile,
    Rejected,
    Sender,
    Uncertain,
    Unreachable,
)
from app.transmission.s2low.settings import S2lowSettings
from config import Settings
from workflows.family import Problem

MAX_NAME: Final = 100
KINDS: Final = {
    Verdict.ACCEPTED: AnswerKind.ACKNOWLEDGED,
    Verdict.PARTIAL: AnswerKind.PARTIAL,
    Verdict.REFUSED: AnswerKind.REFUSED,
}
_AGAIN: Final = "Exportez-le de nouveau depuis le logiciel de finances."
_CHANGED: Final = "« {} » n’est plus le fichier du dossier : son empreinte a changé. Rien n’est parti."
_DOUBT: Final = "Un acquit est arrivé, illisible ou pour un autre flux. Il est gardé : lisez-le."


class HeliosChannel(Channel):
    """Sends flows to the public accountant through one transport."""

    name = "helios"

    def __init__(
        self, settings: HeliosSettings, transport: HeliosTransport, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock

    @property
    def label(self) -> str:
        """The French name that people read."""
        return self._transport.label

    @property
    def simulated(self) -> bool:
        """True when no real Treasury is behind."""
        return self._transport.simulated

    @property
    def relayed(self) -> bool:
        """True when an operator takes what is sent and passes it on later."""
        return self._transport.relayed

    @property
    def unset(self) -> str | None:
        """Why nobody is asked anything: no operator is set; None where one is."""
        return UNSET if isinstance(self._transport, NobodyCarries) else None

    def check(self, parcel: Parcel) -> list[Problem]:
        """List every rule that the flow breaks; asks the other side whether its name already served."""
        problems = self._problems(parcel)
        if not problems:
            # Out of reach today does not forbid to deposit: the question comes again before the flow leaves.
            with suppress(Unreachable, Uncertain):
                main = _the_main(parcel)
                flow = _read(main)
                match = self._transport.find(_deposit(parcel, flow, main))
                if match is not None and not match.ours:
                    problems.append(Problem("P02", "main", name_taken(flow.name)))
        return problems

    def package(self, parcel: Parcel, folder: Path) -> Package:
        """Copy the flow under its name for the other side, the same bytes as were signed; refuses with `Rejected`."""
        main = _main(parcel)
        if main is not None and _digest(main.path) != main.sha256:
            raise Rejected(_CHANGED.format(main.title))
        # Whether its name served is asked by `find` before, and by `send` after: not a third time here.
        if problems := self._problems(parcel):
            raise Rejected(" ".join(problem.sentence for problem in problems))
        main = _the_main(parcel)
        target = folder / _filename(parcel)
        with replacing(target) as part:
            shutil.copyfile(main.path, part)
            # Of the copy, which is what leaves.
            if _digest(part) != main.sha256:
                raise Rejected(_CHANGED.format(main.title))
        return Package(target, target.name, main.sha256)

    def find(self, parcel: Parcel) -> str | None:
        """Return the reference of this very parcel if the other side has it."""
        main = _the_main(parcel)
        match = self._transport.find(_deposit(parcel, _read(main), main))
        return match.reference if match is not None and match.ours else None

    def send(self, parcel: Parcel, package: Package) -> str:
        """Deposit the flow once; refuses with `Rejected`, `Uncertain` or `Unreachable`."""
        # Once more at the last moment: another worker may have sent it while this one was packing.
        if known := self.find(parcel):
            return known
        main = _the_main(parcel)
        try:
            return self._transport.send(_deposit(parcel, _read(main), main), package.path)
        except Rejected:
            # Another process may have sent this very parcel in between: that is no refusal.
            if known := self.find(parcel):
                return known
            raise

    def poll(self, parcel: Parcel, reference: str) -> Answer:
        """Ask for the acquit; one that answers another flow is kept and shown, and decides nothing."""
        try:
            reply = self._transport.poll(parcel.sender, reference)
        except LookupError:
            return self._answer(
                AnswerKind.PENDING, reason=f"Le dépôt {reference} est inconnu de : {self.label}."
            )
        if reply.refusal is not None:
            return self._answer(AnswerKind.REFUSED, reply.acquit, reply.filename, reply.refusal)
        if reply.acquit is None:
            return replace(self._answer(AnswerKind.PENDING), stage=reply.stage)
        # What a simulator wrote decides nothing before a real operator.
        if SIMULATED in reply.acquit and not self.simulated:
            doubt = "Un acquit FACTICE est arrivé d’un simulateur : il ne décide rien. Vérifiez l’opérateur réglé."
            return self._answer(AnswerKind.PENDING, reply.acquit, reply.filename, doubt)
        flow, acquit = _read(_the_main(parcel)), read_acquit(reply.acquit)
        if acquit is None or acquit.verdict is None or not acquit.concerns(flow):
            return self._answer(AnswerKind.PENDING, reply.acquit, reply.filename, _DOUBT)
        accepted = acquit.verdict is Verdict.ACCEPTED
        return Answer(
            kind=KINDS[acquit.verdict],
            raw=reply.acquit,
            filename=reply.filename,
            identifier=acquit.name,
            received_on=acquit.day,
            reason=None if accepted else acquit.reason(flow.name),
            simulated=self.simulated,
            parts=parts_of(flow, acquit),
        )

    def returns(self, sender: Sender) -> Sequence[Listed]:
        """The files that the Treasury sent of itself (PES_Retour) and that nobody took yet; refuses with `Unreachable`."""
        return self._transport.returns(sender)

    def returned(self, sender: Sender, reference: str) -> bytes:
        """One of them, in its very bytes; refuses with `Unreachable`."""
        return self._transport.returned(sender, reference)

    def return_taken(self, sender: Sender, reference: str) -> None:
        """Say that it was taken, so that it is listed no more; refuses with `Unreachable`."""
        self._transport.return_taken(sender, reference)

    @property
    def transport(self) -> HeliosTransport:
        """Who carries the flows: a demonstration asks whether it is its own simulator."""
        return self._transport

    def _problems(self, parcel: Parcel) -> list[Problem]:
        """Every rule that the flow breaks by itself."""
        main = _main(parcel)
        if main is None:
            return [
                Problem("P01", "main", "Le dossier n’a pas de flux comptable. Déposez-en un seul, en XML.")
            ]
        try:
            flow = read_flow(main.path)
        except Unreadable:
            return [Problem("P01", "main", f"« {main.title} » n’est pas un flux comptable lisible. {_AGAIN}")]
        problems = []
        if not flow.name or len(flow.name) > MAX_NAME:
            problems.append(
                Problem(
                    "P03", "main", f"Le flux n’a pas de nom (NomFic) de {MAX_NAME} signes au plus. {_AGAIN}"
                )
            )
        if not flow.code:
            problems.append(
                Problem("P03", "main", f"Le flux n’a pas de code collectivité (CodCol). {_AGAIN}")
            )
        if flow.empty:
            problems.append(
                Problem("P04", "main", f"Le flux ne contient ni bordereau, ni pièce, ni marché. {_AGAIN}")
            )
        if main.path.stat().st_size > self._settings.max_flow_bytes:
            limit = self._settings.max_flow_bytes // MEGABYTE
            problems.append(
                Problem("P05", "main", f"Le flux dépasse {limit} Mo. Exportez-le en plusieurs flux.")
            )
        return problems

    def _answer(
        self,
        kind: AnswerKind,
        raw: bytes | None = None,
        filename: str | None = None,
        reason: str | None = None,
    ) -> Answer:
        return Answer(kind, raw, filename, None, None, reason, self.simulated)


def open_channel(settings: Settings) -> HeliosChannel:
    """The channel as the installation configured it."""
    own = HeliosSettings.read(settings)
    transport: HeliosTransport
    if own.transport == "s2low":
        transport = S2lowHelios(S2lowSettings.read(settings))
    else:
        simulated = simulator(HeliosChannel.name)
        transport = simulated(own) if simulated is not None else NobodyCarries()
    return HeliosChannel(own, transport, now)


def _main(parcel: Parcel) -> ParcelFile | None:
    mains = [file for file in parcel.files if file.role == "main"]
    return mains[0] if len(mains) == 1 else None


def _the_main(parcel: Parcel) -> ParcelFile:
    main = _main(parcel)
    if main is None:
        raise Rejected("Le dossier n’a pas de flux comptable. Déposez-en un seul, en XML.")
    return main


def _read(main: ParcelFile) -> Flow:
    try:
        return read_flow(main.path)
    except Unreadable as error:
        raise Rejected(f"« {main.title} » n’est pas un flux comptable lisible. {_AGAIN}") from error


def _deposit(parcel: Parcel, flow: Flow, main: ParcelFile) -> Deposit:
    return Deposit(flow, parcel.sender, _filename(parcel), main.sha256, parcel.prepared_at)


def _filename(parcel: Parcel) -> str:
    """Drawn from the key: `find` recognises this very parcel by it, and a parcel packed twice has one name."""
    key = hashlib.sha256(f"{parcel.sender.siren}\n{parcel.key}".encode()).hexdigest()
    return f"PES-{key[:24]}.xml"


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
