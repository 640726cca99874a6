"""The channel « handover »: one ZIP of a finished folder, left in a folder or posted to the commune's software."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from app.channels import create_only
from app.channels.handover.address import judged
from app.channels.handover.bundle import write_bundle
from app.channels.handover.own import URL, own_folder, own_secret
from app.channels.handover.settings import MIN_SECRET, HandoverSettings
from app.channels.handover.signature import IDEMPOTENCY, SIGNATURE, TIMESTAMP, pieces, sign
from app.core.addresses import Allowed, Target, entry_of
from app.core.clock import PARIS, now
from app.files.place import entered
from app.people.own_settings.registry import own_value
from app.transmission.ports import Answer, AnswerKind, Channel, Package, Parcel, Rejected, Sender, Unreachable
from config import Settings
from workflows.family import Problem

RECEIPTS: Final = ".receipts"
"""Under the folder of hand-overs: what was delivered, remembered after it was taken away."""


class HandoverChannel(Channel):
    """Delivers each parcel once; what was delivered is remembered in receipts kept beside the deliveries."""

    name = "handover"
    label = "Remise au logiciel métier"
    simulated = False

    def __init__(self, settings: HandoverSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock

    def hold_reason(self, parcel: Parcel) -> str | None:
        """A secret that no key of the installation opens any more: the folder is signed, and waits for another secret."""
        try:
            if own_value(parcel.sender.settings, URL):
                own_secret(parcel.sender.settings)
        except Rejected as rejected:
            return rejected.reason
        return None

    def check(self, parcel: Parcel) -> list[Problem]:
        """List what prevents the hand-over: no document, or an address that cannot be used."""
        problems = []
        if not any(file.role == "main" for file in parcel.files):
            problems.append(Problem("H01", "main", "Le dossier n’a pas de document à remettre. Ajoutez-le."))
        try:
            self._webhook(parcel.sender)
        except Rejected as rejected:
            problems.append(Problem("H02", "", rejected.reason))
        return problems

    def package(self, parcel: Parcel, folder: Path) -> Package:
        """Write the ZIP, byte for byte the same for the same parcel; refuses with `Rejected`."""
        if problems := self.check(parcel):
            raise Rejected(" ".join(problem.sentence for problem in problems))
        target = folder / _filename(parcel)
        return Package(target, target.name, write_bundle(parcel, target))

    def find(self, parcel: Parcel) -> str | None:
        """Return the reference of this parcel if it was already delivered.

        The ZIP itself is looked for too: a process may die, or a copy be made, between delivery and receipt.
        """
        reference = _reference(parcel)
        return reference if self._receipt_path(reference).exists() or self._delivered(parcel) else None

    def send(self, parcel: Parcel, package: Package) -> str:
        """Deliver once and return the reference; refuses with `Rejected`, `Uncertain` or `Unreachable`.

        A collectivity's own folder is made when it is chosen, and no more: gone, its share is away, and the parcel waits.
        A folder already holding this key is left as it is. By webhook, a delivery whose answer was lost is posted
        again with the same `Idempotency-Key`: the receiver knows it.
        """
        reference = _reference(parcel)
        if self.find(parcel):
            return reference
        webhook = self._webhook(parcel.sender)
        if webhook is None:
            self._leave(parcel, package, reference)
            self._keep_receipt(parcel, reference, package.sha256, "folder", None)
            return reference
        status = self._post(parcel, package, *webhook)
        self._keep_receipt(parcel, reference, package.sha256, "webhook", status)
        return reference

    def poll(self, parcel: Parcel, reference: str) -> Answer:
        """Acknowledge at once what was delivered, with its receipt; the same bytes every time."""
        path = self._receipt_path(reference)
        delivered = self._delivered(parcel)
        if reference != _reference(parcel) or not (path.exists() or delivered):
            reason = f"La remise {reference} est inconnue."
            return Answer(AnswerKind.PENDING, None, None, None, None, reason, self.simulated)
        if not path.exists() and delivered:
            with delivered.open("rb") as source:
                sha256 = hashlib.file_digest(source, "sha256").hexdigest()
            self._keep_receipt(parcel, reference, sha256, "folder", None)
        raw = path.read_bytes()
        moment = datetime.fromisoformat(json.loads(raw)["delivered_at"])
        return Answer(
            kind=AnswerKind.ACKNOWLEDGED,
            raw=raw,
            filename=path.name,
            identifier=_idempotency_key(parcel),
            received_on=moment.astimezone(PARIS).date(),
            reason=None,
            simulated=self.simulated,
        )

    def _post(self, parcel: Parcel, package: Package, target: Target, allowed: Allowed, secret: bytes) -> int:
        from app.channels.handover.webhook import post
        from app.core.outside import Bounds

        settings = self._settings
        timestamp = int(self._clock().timestamp())
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{package.filename}"',
            "User-Agent": "Paraphe",
            IDEMPOTENCY: _idempotency_key(parcel),
            TIMESTAMP: str(timestamp),
            SIGNATURE: sign(secret, timestamp, pieces(package.path)),
        }
        bounds = Bounds(settings.connect_seconds, settings.answer_seconds, ca_file=settings.webhook_ca_file)
        return post(target, allowed, bounds, headers, package.path)

    def _webhook(self, sender: Sender) -> tuple[Target, Allowed, bytes] | None:
        """The collectivity's own webhook, else its own folder (None), else the installation's webhook, else None for its folder.

        The installation's own address is listed by being written in the settings; a collectivity's is not.
        """
        settings = self._settings
        url, secret = own_value(sender.settings, URL), ""
        if url:
            secret = own_secret(sender.settings)
        elif own_folder(sender.settings):
            return None
        elif url := settings.webhook_url:
            secret = settings.webhook_secret.get_secret_value()
        else:
            return None
        if len(secret) < MIN_SECRET:
            raise Rejected(f"L’adresse de remise n’a pas de secret de {MIN_SECRET} caractères. Donnez-en un.")
        own = [entry_of(str(url))] if url == settings.webhook_url else []
        allowed = Allowed(inside=[*settings.webhook_hosts, *filter(None, own)], anybody=True)
        return judged(str(url), allowed), allowed, secret.encode()

    def _keep_receipt(
        self, parcel: Parcel, reference: str, sha256: str, mode: str, status: int | None
    ) -> None:
        content = {
            "schema": "paraphe-handover-receipt/1",
            "key": parcel.key,
            "idempotency_key": _idempotency_key(parcel),
            "reference": reference,
            "sha256": sha256,
            "mode": mode,
            "http_status": status,
            "delivered_at": self._clock().isoformat(),
        }
        text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
        create_only(self._receipt_path(reference), text.encode() + b"\n")

    def _leave(self, parcel: Parcel, package: Package, reference: str) -> None:
        """The ZIP in the collectivity's own folder, or in that of the installation under its SIREN."""
        names = own_folder(parcel.sender.settings)
        if names is None:
            create_only(self._settings.folder / reference, package.path)
            return
        try:
            with entered(self._settings.root, _owner(parcel), names) as folder:
                create_only(folder / _filename(parcel), package.path)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unreachable(
                f"dossier de remise « {'/'.join((_owner(parcel), *names))} » : {why}"
            ) from error

    def _delivered(self, parcel: Parcel) -> Path | None:
        """The ZIP where it was left, or where a restoration laid it aside: it was delivered before."""
        reference, settings = _reference(parcel), self._settings
        places = [settings.folder / reference, settings.aside / reference]
        if names := own_folder(parcel.sender.settings):
            chosen = Path(_owner(parcel), *names, _filename(parcel))
            places += [settings.root / chosen, settings.aside / chosen]
        return next((zipped for zipped in places if zipped.exists()), None)

    def _receipt_path(self, reference: str) -> Path:
        return self._settings.folder / RECEIPTS / f"{Path(reference).stem}.json"


def open_channel(settings: Settings) -> HandoverChannel:
    """The channel as the installation configured it."""
    return HandoverChannel(HandoverSettings.read(settings), now)


def _idempotency_key(parcel: Parcel) -> str:
    return hashlib.sha256(f"{parcel.sender.siren}\n{parcel.key}".encode()).hexdigest()


def _filename(parcel: Parcel) -> str:
    return f"dossier-{parcel.folder_id}-{_idempotency_key(parcel)[:16]}.zip"


def _reference(parcel: Parcel) -> str:
    """Where the ZIP stands under the folder of hand-overs: by collectivity, and by key."""
    return f"{_owner(parcel)}/{_filename(parcel)}"


def _owner(parcel: Parcel) -> str:
    return "".join(digit for digit in parcel.sender.siren if digit in "0123456789") or "0"
