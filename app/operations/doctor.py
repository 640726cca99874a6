"""Examine the installation for real: each check does the thing, and says in French what to do when it fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.core import heartbeat, hold, schema
from app.core.clock import now
from app.core.db import engine, reading
from app.core.french import depuis, instant
from app.core.outbox import Outbox
from app.core.refusals import Refusal, catalogue
from app.files import vault
from app.notices.mailer import connect
from app.operations import links, marks
from app.people.models import Collectivity
from app.signing import enrol, setting
from app.transmission import silences
from app.transmission.s2low import probe

if TYPE_CHECKING:
    from app.signing.timestamp import TimestampClient

WORKER_SILENT = timedelta(minutes=3)
OUTBOX_LATE = timedelta(minutes=15)
"""How long what is due may wait for the worker."""
REMOTE = "le service de signature à distance ne sert pas : vérifiez les réglages PARAPHE_CSC"
CLOCK_TOLERANCE = timedelta(seconds=30)


@dataclass(frozen=True)
class Finding:
    """One check: whether it passed, and what was seen or what to do."""

    name: str
    ok: bool
    words: str


class Unwell(Exception):  # noqa: N818 - a finding, not a fault of the program
    """The check did its work and found something to correct: the sentence says what."""


def examine(settings: Any) -> Iterator[Finding]:
    """Every check in turn; one that fails does not stop the others."""
    checks: tuple[tuple[str, Callable[[Any], str], str], ...] = (
        (
            "base de données",
            _database,
            "la base ne répond pas : vérifiez PARAPHE_DATABASE_URL et que le serveur tourne",
        ),
        ("migrations", _migrations, "la version de la base n’a pas pu être lue : vérifiez d’abord la base"),
        (
            "documents",
            _store,
            "impossible d’écrire puis de relire un document : vérifiez PARAPHE_STORE_URL et ses droits",
        ),
        ("liaisons", _links, "les liaisons n’ont pas pu être lues : vérifiez les réglages"),
        ("courriel", _mail, "le serveur de courriel ne répond pas : vérifiez PARAPHE_MAIL_URL"),
        (
            "horodatage et horloge",
            _timestamp,
            "l’autorité d’horodatage n’a pas donné de jeton : vérifiez PARAPHE_TSA_URL",
        ),
        (
            "autorités reconnues",
            _authorities,
            "les autorités n’ont pas pu être lues : vérifiez PARAPHE_TRUST_ROOTS",
        ),
        *((("signature à distance", _remote, REMOTE),) if settings.csc_url else ()),
        (
            "signature d’essai",
            _signature,
            "la signature d’essai a échoué : vérifiez le cachet et l’horodatage",
        ),
        ("certificats", _certificates, "les certificats n’ont pas pu être lus : vérifiez d’abord la base"),
        (
            "télétransmission",
            _relay,
            "les silences de l’opérateur n’ont pas pu être lus : vérifiez d’abord la base",
        ),
        ("envois", _outbox, "les envois n’ont pas pu être lus : vérifiez d’abord la base"),
        ("repères du journal", _marks, "les repères n’ont pas pu être lus : vérifiez d’abord la base"),
        ("travail de fond", _worker, "le signe de vie n’a pas pu être lu : vérifiez d’abord la base"),
    )
    for name, check, remedy in checks:
        try:
            yield Finding(name, True, check(settings))
        except Unwell as found:
            yield Finding(name, False, str(found))
        except Exception as fault:  # noqa: BLE001 - whatever went wrong is what the administrator must read
            yield Finding(name, False, f"{remedy} ({_short(fault)})")


def _short(fault: Exception) -> str:
    """The fault on one line: a refusal in its French words, anything else as the library says it."""
    if isinstance(fault, Refusal):
        return catalogue.say(fault.key, fault.facts)[1]
    return (str(fault).splitlines() or [type(fault).__name__])[0][:200]


def _database(settings: Any) -> str:
    del settings
    with engine().connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    return f"{engine().dialect.name} répond"


def _migrations(settings: Any) -> str:
    del settings
    found, wanted = schema.revisions()
    if found != wanted:
        raise Unwell(
            f"la base est à la version {found or 'vide'}, il faut {wanted} : lancez « flask --app wsgi upgrade »"
        )
    try:
        schema.check()
    except Refusal as drifted:
        raise Unwell(
            "la base est à la bonne version, mais son schéma n’est pas celui du programme "
            f"({drifted.facts.get('what', drifted.key)}) : elle a été changée à la main, ou par un autre programme ; remettez "
            "une sauvegarde, ou signalez-le"
        ) from drifted
    return f"à jour ({wanted})"


def _store(settings: Any) -> str:
    vault.store().probe()
    return f"écriture puis relecture réussies ({settings.store_url.split(':')[0]})"


def _mail(settings: Any) -> str:
    if not settings.mail_url:
        raise Unwell("aucun serveur : donnez PARAPHE_MAIL_URL")
    with connect(settings) as server:
        code, said = server.noop()
    if code >= 400:
        raise Unwell(f"le serveur de courriel refuse de servir ({code} {said.decode(errors='replace')})")
    return "le serveur répond"


def _links(settings: Any) -> str:
    if clear := list(links.in_clear(settings)):
        raise Unwell(
            "des services d’une autre machine sont joints en clair, ou sans vérifier que c’est eux : "
            f"{' ; '.join(clear)}. Sur un réseau fermé, nommez leurs hôtes dans PARAPHE_CLEAR_HOSTS"
        )
    return "chiffrées, ou dans la machine et les hôtes que vous avez nommés"


def _timestamp(settings: Any) -> str:
    if not settings.tsa_url:
        raise Unwell(
            "aucune autorité : donnez PARAPHE_TSA_URL ; les signatures seraient sans horodatage (B-B)"
        )
    client = setting.timestamper()
    if client is None or client.second is None:
        return f"jeton obtenu, écart d’horloge {_gap(client, 'l’autorité d’horodatage'):.1f} s"
    first = _gap(client, "l’autorité d’horodatage")
    try:
        second = _gap(client.second, "la seconde autorité d’horodatage")
    except Refusal as refusal:
        raise Unwell(
            f"la seconde autorité d’horodatage n’a pas donné de jeton : vérifiez PARAPHE_TSA_SECOND_URL ({refusal.facts['why']})"
        ) from refusal
    return f"un jeton de chaque autorité, écarts d’horloge {first:.1f} s et {second:.1f} s"


def _gap(client: "TimestampClient | None", named: str) -> float:
    """Seconds between our clock and an authority's; unwell when that is much."""
    from app.signing.timestamp import moment_of

    gap = abs(now() - moment_of(client)) if client else timedelta(0)
    if gap > CLOCK_TOLERANCE:
        raise Unwell(f"l’horloge du serveur s’écarte de {gap.total_seconds():.0f} s de {named}")
    return gap.total_seconds()


def _authorities(settings: Any) -> str:
    """Whom we believe and may ask: without either nobody signs, and no signature is found valid."""
    if not settings.trust_roots and not settings.trust_lists:
        raise Unwell(
            "aucune autorité n’est reconnue : aucun certificat ne peut signer, aucune signature n’est dite valide. "
            "Donnez PARAPHE_TRUST_ROOTS, ou PARAPHE_TRUST_LISTS=true"
        )
    if not settings.revocation_hosts:
        raise Unwell(
            "aucun hôte ne peut être interrogé sur la révocation : rien ne sera signé avec un certificat qui en demande. "
            "Donnez dans PARAPHE_REVOCATION_HOSTS les hôtes que citent les certificats (OCSP, CRL)"
        )
    hosts = len(settings.revocation_hosts)
    believed = " et ".join(
        words
        for words, used in (
            ("vos racines", settings.trust_roots),
            ("les listes de confiance", settings.trust_lists),
        )
        if used
    )
    return f"{believed} ; {hosts} hôte{'s' if hosts > 1 else ''} de révocation"


def _remote(settings: Any) -> str:
    said = setting.remote_service().ask("info", {})
    return f"« {settings.csc_name} » répond (API {str(said.get('specs', '?'))[:20]})"


def _signature(settings: Any) -> str:
    del settings
    from app.operations.trial import trial_signature

    with TemporaryDirectory(prefix="paraphe-doctor-") as room:
        return trial_signature(Path(room), setting.seal_key(), setting.timestamper(), now())


def _certificates(settings: Any) -> str:
    del settings
    with reading() as db:
        several = enrol.doubles(db)
    if several:
        names = " ; ".join(f"« {one.certificate} » pour {', '.join(one.people)}" for one in several)
        raise Unwell(
            f"des certificats sont inscrits à plusieurs noms ({names}) : retirez ceux qui ne devraient pas signer"
        )
    return "chacun n’a qu’un titulaire"


def _relay(settings: Any) -> str:
    """Ask the operator now, with each collectivity's certificate, and tell the silences that last."""
    known, wanted = schema.revisions()
    if known != wanted:
        return "à examiner une fois la base à jour"
    with reading() as db:
        lasting = [
            f"{one.collectivity} : {one.heading} ({one.words})" for one in silences.lasting(db) if one.told
        ]
        sirens = list(db.scalars(sa.select(Collectivity.siren).order_by(Collectivity.id)))
    if "s2low" not in {settings.actes_transport, settings.helios_transport}:
        if lasting:
            raise Unwell(" ; ".join(lasting))
        return "simulée, rien ne part"
    mute = [f"{siren} : {fault}" for siren in sirens if (fault := probe.fault(settings, siren))]
    if mute or lasting:
        raise Unwell(" ; ".join(mute or lasting))
    return f"l’opérateur reconnaît {len(sirens)} collectivité{'s' if len(sirens) > 1 else ''}"


def _outbox(settings: Any) -> str:
    """What does not leave: all of it after a restoration, what stopped, what is due and that nobody takes."""
    del settings
    known, wanted = schema.revisions()
    if known != wanted:
        return "à examiner une fois la base à jour"
    with reading() as db:
        since = hold.since(db)
        rows = sa.select(sa.func.count(Outbox.id), sa.func.min(Outbox.available_at))
        parked, _ = db.execute(rows.where(sa.text("state = 'parked'"))).one()
        late, oldest = db.execute(
            rows.where(sa.text("state IN ('pending','running')"), Outbox.available_at < now() - OUTBOX_LATE)
        ).one()
    if since is not None:
        raise Unwell(
            f"installation restaurée : {depuis(since)}, rien ne part. Une fois l’ancienne arrêtée pour de bon, lancez "
            "« flask --app wsgi resume --words … »"
        )
    if parked:
        raise Unwell(
            f"{parked} arrêté{'s' if parked > 1 else ''} : lisez-en la cause sous /administration, corrigez, puis relancez"
        )
    if late:
        raise Unwell(
            f"{late} en retard, le plus vieux {depuis(oldest)} : le travail de fond ne suit pas, vérifiez qu’il tourne"
        )
    return "rien d’arrêté, rien en retard"


def _marks(settings: Any) -> str:
    last = heartbeat.last(marks.BEAT)
    if last is None and heartbeat.last(marks.TRIED) is None:
        return "le premier sera pris par le travail de fond"
    if last is None or now() - last > marks.LATE:
        raise Unwell(
            "aucun repère du journal depuis deux jours : « flask --app wsgi marks take » dit ce qui l’empêche "
            "(PARAPHE_TSA_URL, PARAPHE_MARKS_FOLDER)"
        )
    place = settings.marks_folder or "aucun dossier hors du serveur (PARAPHE_MARKS_FOLDER)"
    return f"le dernier {instant(last)}, gardé aussi dans : {place}"


def _worker(settings: Any) -> str:
    del settings
    last = heartbeat.last("worker")
    if last is None or now() - last > WORKER_SILENT:
        raise Unwell("le travail de fond ne donne pas signe de vie : lancez « flask --app wsgi worker »")
    return f"signe de vie il y a {(now() - last).total_seconds():.0f} s"
