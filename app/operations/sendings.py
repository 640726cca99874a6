"""What should leave and does not: towards the State, and of the outbox; for the installation, or for one collectivity alone.

What is said to one collectivity names no other, no place of the machine and no setting: its administrator can do nothing there.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import hold, schema
from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import depuis
from app.core.grammar import milliers
from app.core.outbox import Outbox
from app.operations.findings import Ending, Level, Remark, Unwell, in_service, lasting
from app.people.models import Collectivity
from app.people.own_settings.registry import Own, known, opened
from app.transmission import lightening, silences
from app.transmission.parcel import email_of
from app.transmission.ports import Unreachable
from app.transmission.s2low import probe
from app.transmission.s2low.own import ACCOUNT
from app.transmission.s2low.settings import S2lowSettings, account_of
from config import Settings

LATE = timedelta(minutes=15)
"""How long what is due may wait for the worker."""
TELL = "dites-le à qui tient l’installation"
_NOWHERE = "aucune adresse n’est donnée à la préfecture, aucun acte ne part"
_LATER = Remark("à examiner une fois la base à jour", Level.UNKNOWN)
_PUT_HERE = (
    "demandez-en un autre, et remettez client.pem (PARAPHE_S2LOW_FOLDER), ou donnez-le sous « Réglages »"
)
_GIVE = "demandez-en un autre, et donnez-le sous « Réglages »"
_ASK = "demandez-en un autre, et donnez-le à qui tient l’installation"


def relay(settings: Settings) -> str | Remark:
    """Ask the operator now, with each collectivity's certificate, and tell the silences that last."""
    if schema.behind():
        return _LATER
    with reading() as db:
        last = [
            f"{silence.collectivity} : {silence.heading} ({silence.sentence})"
            for silence in silences.lasting(db)
            if silence.notified
        ]
        places = list(
            db.execute(sa.select(Collectivity.siren, Collectivity.settings).order_by(Collectivity.id))
        )
    sirens = [siren for siren, _ in places]
    faults = [(siren, fault) for siren in sirens if (fault := _unknown(settings, siren, machine=True))]
    faults += [
        (siren, Unwell(f"{_NOWHERE} : donnez-la sous « Réglages », ou par PARAPHE_ACTES_EMAIL"))
        for siren, own in places
        if _unaddressed(settings, own)
    ]
    if faults or last:
        kind = Ending if all(isinstance(fault, Ending) for _, fault in faults) and not last else Unwell
        raise kind(" ; ".join([f"{siren} : {fault}" for siren, fault in faults] or last))
    if simulated := _simulated(settings):
        raise Unwell(simulated)
    return (
        _idle(settings) or f"l’opérateur reconnaît {len(sirens)} collectivité{'s' if len(sirens) > 1 else ''}"
    )


def relay_of(settings: Settings, collectivity_id: int, siren: str) -> str | Remark:
    """Whether the operator serves this collectivity, in words for its administrators."""
    with reading() as db:
        last = [
            f"{silence.heading} ({silence.sentence})"
            for silence in silences.lasting(db, collectivity_id)
            if silence.notified
        ]
        own = db.get_one(Collectivity, collectivity_id).settings
    if _unaddressed(settings, own):
        remedy = "donnez-la sous « Réglages »" if opened(known("actes_email")) else TELL
        raise Unwell(f"{_NOWHERE} : {remedy}")
    if (fault := _unknown(settings, siren, machine=False)) is not None:
        raise fault
    if last:
        raise Unwell(" ; ".join(last))
    if _simulated(settings):
        raise Unwell(f"la télétransmission est simulée ou sans opérateur, au moins en partie : {TELL}")
    return _idle(settings) or "l’opérateur reconnaît la collectivité"


def _unaddressed(settings: Settings, own: Own) -> bool:
    """Whether acts leave by an operator and their envelopes would have no address: none leaves then."""
    return bool(settings.s2low_url) and not email_of(own, settings)


def _idle(settings: Settings) -> Remark | None:
    """Where no transport has an operator."""
    if settings.transport("actes") == settings.transport("helios") == "simulated":
        way = "simulée" if settings.simulators else "aucun opérateur réglé"
        return Remark(f"{way}, rien ne part", Level.NONE)
    return None


def _unknown(settings: Settings, siren: str, *, machine: bool) -> Unwell | None:
    """Why the operator does not serve a collectivity, or soon will not; nobody is asked where everything is simulated.

    `machine`: whether the words are for who holds the installation, places and settings included.
    """
    if "s2low" not in {settings.transport("actes"), settings.transport("helios")}:
        return None
    from cryptography import x509

    try:
        account = account_of(S2lowSettings.read(settings), siren)
        remedy = _PUT_HERE if machine else _GIVE if opened(known(ACCOUNT)) else _ASK
        lasting(x509.load_pem_x509_certificate(account.pem), "le certificat de télétransmission", remedy)
    except Unwell as ending:
        return ending
    except Unreachable as refused:
        return Unwell(str(refused))
    fault = probe.fault(settings, siren, files=machine)
    return Unwell(fault) if fault else None


def _simulated(settings: Settings) -> str:
    """What does not leave for the State, where others reach this installation; empty when all of it does."""
    if not in_service(settings) or settings.demo:
        return ""
    if settings.s2low_simulated:
        return "l’opérateur est un simulateur, rien ne part : ôtez PARAPHE_S2LOW_SIMULATED et donnez PARAPHE_S2LOW_URL"
    names = ("PARAPHE_ACTES_TRANSPORT", "PARAPHE_HELIOS_TRANSPORT")
    ways = zip(names, (settings.transport("actes"), settings.transport("helios")), strict=True)
    still = [name for name, way in ways if way == "simulated"]
    if still and settings.simulators:
        return (
            "la télétransmission est simulée, au moins en partie : ôtez PARAPHE_SIMULATORS et réglez "
            f"{' et '.join(still)} à « s2low »"
        )
    if still:
        return (
            "aucun opérateur n’est réglé pour une partie au moins de ce qui va à l’État : réglez "
            f"{' et '.join(still)} à « s2low »"
        )
    return ""


def outbox(settings: Settings) -> str | Remark:
    """What does not leave: all of it after a restoration, what stopped, what is due and that nobody takes."""
    del settings
    if schema.behind():
        return _LATER
    with reading() as db:
        since = hold.since(db)
        parked, late, oldest = _counted(db)
    if since is not None:
        raise Unwell(
            f"installation restaurée : {depuis(since)}, rien ne part. Une fois l’ancienne arrêtée pour de bon, lancez "
            "« flask --app wsgi resume --words … »"
        )
    _refuse_parked(parked)
    if late:
        raise Unwell(
            f"{late} en retard, le plus vieux {depuis(oldest)} : le travail de fond ne suit pas, vérifiez qu’il tourne"
        )
    return "rien d’arrêté, rien en retard"


def parcels(settings: Settings) -> str | Remark:
    """What the daily look saw of the parcels of settled sendings: none is read again here."""
    if schema.behind():
        return _LATER
    with reading() as db:
        count, since = lightening.count_damaged(db)
    if since is not None:
        told = (
            "un envoi a un fichier altéré ou manquant"
            if count == 1
            else f"{milliers(count)} envois ont un fichier altéré ou manquant"
        )
        raise Unwell(
            f"{told}, {depuis(since)} : « flask --app wsgi journal verify --state » nomme chacun ; remettez ces fichiers d’une "
            "sauvegarde"
        )
    if not settings.parcel_days:
        return Remark("gardés en entier, et pas relus (PARAPHE_PARCEL_DAYS=0)", Level.NONE)
    return "aucun fichier altéré ni manquant au dernier regard"


def outbox_of(collectivity_id: int) -> str | Remark:
    """What of this collectivity does not leave, in words for its administrators."""
    with reading(collectivity_id) as db:
        since = hold.since(db)
        parked, late, oldest = _counted(db)
    if since is not None:
        raise Unwell(f"l’installation vient d’être restaurée : {depuis(since)}, rien ne part ; {TELL}")
    _refuse_parked(parked)
    if late:
        raise Unwell(
            f"{late} en retard, le plus vieux {depuis(oldest)} : le travail de fond ne suit pas, {TELL}"
        )
    return "rien d’arrêté, rien en retard"


def _counted(db: Db) -> Any:
    """How many stopped, how many wait though due, and since when the oldest of these is due."""
    rows = sa.select(sa.func.count(Outbox.id), sa.func.min(Outbox.available_at))
    parked, _ = db.execute(rows.where(sa.text("state = 'parked'"))).one()
    due = rows.where(sa.text("state IN ('pending','running')"), Outbox.available_at < now() - LATE)
    return (parked, *db.execute(due).one())


def _refuse_parked(count: int) -> None:
    if count:
        raise Unwell(
            f"{count} arrêté{'s' if count > 1 else ''} : lisez-en la cause sous /administration, corrigez, puis relancez"
        )
