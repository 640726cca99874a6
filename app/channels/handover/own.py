"""A collectivity's own address for hand-overs with the secret that signs what is posted there, or its own folder; their trial."""

import ipaddress
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.channels.handover.address import judged, refused
from app.channels.handover.settings import MIN_SECRET, HandoverSettings
from app.channels.handover.signature import SIGNATURE, TIMESTAMP, sign
from app.core.addresses import AddressRefusedError, Allowed, Target
from app.core.clock import now
from app.core.db import reading
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.files import place
from app.files.place import MOST_NAMES, names_of
from app.people.models import Collectivity
from app.people.own_settings.registry import Asker, Kind, Own, Result, Setting, own_value
from app.transmission.ports import Rejected, Uncertain, Unreachable
from config import Settings

SECRET, URL, FOLDER = "handover_webhook_secret", "handover_webhook_url", "handover_folder"
GROUP: Final = "Remise au logiciel métier"
SCHEMA: Final = "paraphe-handover-ping/1"
_SECONDS: Final = 10.0
_OK: Final = range(200, 300)


def settings_of(settings: Settings) -> tuple[Setting, ...]:
    """The address, the secret that goes with it, and the folder."""
    address = Setting(
        URL,
        GROUP,
        "Adresse de remise",
        "Où les dossiers signés sont remis, en https ; vide, ils vont à l’adresse ou au dossier de l’installation.",
        "remise de chaque dossier terminé, et de ceux qui attendent de l’être",
        Kind.URL,
        lambda: HandoverSettings.read(settings).webhook_url,
        most=500,
        default="le dossier de l’installation",
        check=lambda own: _check(own, HandoverSettings.read(settings)),
    )
    secret = Setting(
        SECRET,
        GROUP,
        "Secret de remise",
        f"Signe chaque remise (HMAC-SHA-256), {MIN_SECRET} caractères au moins ; le logiciel qui reçoit a le même.",
        "signature de chaque remise",
        Kind.SEALED,
        lambda: "",
        least=MIN_SECRET,
        most=200,
        beside=URL,
    )
    folder = Setting(
        FOLDER,
        GROUP,
        "Dossier de remise",
        "Sous le dossier que l’hébergeur a prévu, au SIREN de la collectivité : un nom, ou plusieurs séparés par « / », comme "
        "finances/factures.",
        "remise de chaque dossier terminé, et de ceux qui attendent de l’être",
        Kind.TEXT,
        lambda: "",
        most=200,
        default="celui de l’installation, au SIREN de la collectivité",
        usual=_folder,
        check=_one_way,
        tried=lambda collectivity_id, own: tried(HandoverSettings.read(settings), collectivity_id, own),
    )
    return address, secret, folder


def _folder(text: str) -> str:
    """Refuses `handover-folder`, what is no plain path under the collectivity's own."""
    if names_of(text) is None:
        raise Refusal("handover-folder", folder=text[:80], most=MOST_NAMES)
    return text


def _one_way(own: Own) -> None:
    """Refuses `handover-both`: a hand-over goes one way."""
    if own_value(own, URL) and own_value(own, FOLDER):
        raise Refusal("handover-both")


def own_folder(own: Own) -> tuple[str, ...] | None:
    """The names of a collectivity's own folder; None where it has none, or has an address."""
    chosen = own_value(own, FOLDER)
    return names_of(str(chosen)) if chosen and not own_value(own, URL) else None


def tried(settings: HandoverSettings, collectivity_id: int, own: Own) -> Result:
    """Write a file in the folder that these settings name, read it and take it away."""
    with reading(collectivity_id) as db:
        siren = db.get_one(Collectivity, collectivity_id).siren
    names = own_folder(own) or ()
    shown = "/".join((siren, *names))
    if why := place.tried(settings.root, siren, names):
        return Result(
            False, f"Rien ne s’écrit dans « {shown} » ({why}). Demandez à l’hébergeur ce qui s’y trouve."
        )
    return Result(True, f"Un fichier d’essai a été écrit dans « {shown} », relu, puis ôté.")


def _check(own: Own, settings: HandoverSettings) -> None:
    """Refuses an address beside a folder (`handover-both`), without its secret (`handover-secret`), and `handover-address`."""
    _one_way(own)
    if own_value(own, SECRET) is None:
        raise Refusal("handover-secret", least=MIN_SECRET)
    try:
        _target(str(own_value(own, URL)), _allowed(settings))
    except Rejected as rejected:
        raise Refusal("handover-address", why=rejected.reason) from rejected


def _allowed(settings: HandoverSettings) -> Allowed:
    return Allowed(inside=settings.webhook_hosts, anybody=True)


def _target(url: str, allowed: Allowed) -> Target:
    """The address taken apart, if it may be tried; where a name leads is only known when it is called."""
    target = judged(url, allowed)
    try:
        ipaddress.ip_address(target.host)
    except ValueError:
        return target
    try:
        allowed.resolve(target)
    except AddressRefusedError as error:
        raise refused(error.why) from error
    return target


def own_secret(own: Own) -> str:
    """A collectivity's own secret, unsealed; empty when it has none. Refuses with `Rejected` what no key of ours has sealed."""
    sealed = own_value(own, SECRET)
    if sealed is None:
        return ""
    try:
        return unseal(str(sealed))
    except Refusal as refusal:
        raise Rejected(
            "Le secret de l’adresse de remise n’est plus lisible : la clé de l’installation a changé. "
            "Donnez-lui un autre secret (Administration, Réglages)."
        ) from refusal


def missing(own: Own) -> str:
    """Why there is nothing to try here; that of the installation is its host's to try."""
    return (
        ""
        if own_value(own, URL) or own_folder(own)
        else "la collectivité n’a pas d’adresse de remise à elle, ni de dossier"
    )


class Ping:
    """A small signed JSON posted to a collectivity's own address, or a file in its own folder: nothing of any folder is in it."""

    def __init__(self, settings: Settings) -> None:
        self._chosen = settings

    def __call__(self, asker: Asker) -> Result:
        """Post it once, or write it, and say what came back."""
        with reading(asker.collectivity_id) as db:
            row = db.get_one(Collectivity, asker.collectivity_id)
            own, sender = dict(row.settings), {"siren": row.siren, "name": row.name}
        if own_folder(own):
            return tried(HandoverSettings.read(self._chosen), asker.collectivity_id, own)
        try:
            return self._posted(own, sender, now())
        except Rejected as rejected:
            return Result(False, rejected.reason)
        except (Unreachable, Uncertain):
            return Result(False, "Le logiciel n’a pas répondu. Vérifiez l’adresse, et qu’il est en marche.")

    def _posted(self, own: Mapping[str, Any], sender: Mapping[str, str], moment: datetime) -> Result:
        from app.channels.handover.webhook import answered
        from app.core.outside import Bounds

        settings = HandoverSettings.read(self._chosen)
        allowed, secret = _allowed(settings), own_secret(own).encode()
        target = judged(str(own_value(own, URL)), allowed)
        content = {"schema": SCHEMA, "sender": dict(sender), "sent_at": moment.isoformat()}
        body = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
        timestamp = int(moment.timestamp())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: str(timestamp),
            SIGNATURE: sign(secret, timestamp, [body]),
        }
        seconds = min(_SECONDS, settings.answer_seconds)
        bounds = Bounds(settings.connect_seconds, seconds, 2 * seconds, ca_file=settings.webhook_ca_file)
        status = answered(target, allowed, bounds, headers, body)
        if status in _OK:
            return Result(True, f"« {target.host} » a répondu oui (HTTP {status}).")
        return Result(
            False, f"« {target.host} » a répondu non (HTTP {status}). Demandez à son éditeur pourquoi."
        )
