"""Examine the installation for real: each check does the thing, and says in French what to do when it fails."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.core import heartbeat, schema
from app.core.addresses import Allowed, entry
from app.core.clock import now, today
from app.core.db import Db, engine, reading
from app.core.faults import words_of
from app.core.french import HARD, instant, jour_long
from app.core.grammar import plural
from app.core.refusals import Refusal, catalogue
from app.core.sealed import unseal
from app.files import vault
from app.journal.erasing import waits
from app.notices import mailer
from app.notices.returns import mailbox
from app.operations import arriving, front, links, marks, premises, resealing, scanners, sendings, shares
from app.operations.findings import Finding, Level, Remark, Unwell, certificates_of, lasting
from app.people import applications
from app.people.models import Application, Collectivity
from app.people.own_settings.registry import Kind, declared, own_value
from app.signing import enrol, setting
from app.signing.models import Certificate
from app.trust import authorities, trust_lists
from config import Settings

if TYPE_CHECKING:
    from app.trust.timestamp import TimestampClient

WORKER_SILENT = timedelta(minutes=3)
REMOTE, ANTIVIRUS = "signature à distance", "antivirus"
SOFTWARE_SOON = timedelta(days=7)
CLOCK_TOLERANCE = timedelta(seconds=30)
_ACCOUNT = re.compile(r"//\S*@")
"""An account and its password in an address that a library repeats: they are nobody's to read."""
HOST_SECONDS = 5.0
"""Seconds that a host of revocation has to answer the doctor."""


@dataclass(frozen=True)
class Check:
    """One thing that is tried: its name, how, what to look at when it breaks in a way that it does not know.

    `broken`: what such a break means. A service that was called and did not serve is ill; what could not be read is unknown.
    """

    name: str
    look: Callable[[Any], str | Remark]
    remedy: str
    broken: Level = Level.RED


def examine(settings: Settings, only: Collection[str] = ()) -> Iterator[Finding]:
    """Every check in turn, or those of these names; one that fails does not stop the others."""
    for check in checks(settings):
        if not only or check.name in only:
            yield finding_of(check, settings)


def finding_of(check: Check, settings: Settings, *, details: bool = True) -> Finding:
    """What one check finds; without `details` a break says its remedy alone, to who may not read of the machine."""
    try:
        answer = check.look(settings)
    except Unwell as trouble:
        return Finding(check.name, False, str(trouble), trouble.level)
    except Exception as fault:  # noqa: BLE001 - whatever went wrong is what the administrator must read
        sentence = f"{check.remedy} ({_short(fault)})" if details else check.remedy
        return Finding(check.name, False, sentence, check.broken)
    if isinstance(answer, Remark):
        return Finding(check.name, True, answer.sentence, answer.level)
    return Finding(check.name, True, answer, Level.GREEN)


def names(settings: Settings) -> list[str]:
    """The names of the checks of this installation, in their order."""
    return [check.name for check in checks(settings)]


def checks(settings: Settings) -> tuple[Check, ...]:
    """The checks of this installation, in their order."""
    absent = {
        REMOTE: not settings.csc_url,
        ANTIVIRUS: not settings.antivirus_url,
        scanners.NAME: settings.scans_root is None,
    }
    return tuple(check for check in _EVERY if not absent.get(check.name))


def _short(fault: Exception) -> str:
    """The fault on one line: a refusal in its French words, anything else as the library says it."""
    if isinstance(fault, Refusal):
        return catalogue.say(fault.key, fault.facts)[1]
    if sentence := words_of(fault):
        return sentence
    return _ACCOUNT.sub("//…@", (str(fault).splitlines() or [type(fault).__name__])[0])[:200]


def _database(settings: Settings) -> str:
    del settings
    with engine().connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    return f"{engine().dialect.name} répond"


def _migrations(settings: Settings) -> str:
    del settings
    current, wanted = schema.revisions()
    if current is not None and not schema.knows(current):
        raise Unwell(
            f"la base est à la version {current}, que ce programme ne connaît pas : elle vient d’une version plus récente ou "
            "modifiée ; remettez le code de cette version-là, ou une sauvegarde"
        )
    if current != wanted:
        raise Unwell(
            f"la base est à la version {current or 'vide'}, il faut {wanted} : lancez « flask --app wsgi upgrade »"
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


def _store(settings: Settings) -> str:
    vault.store().probe()
    return f"écriture puis relecture réussies ({settings.store_url.split(':')[0]})"


def _mail(settings: Settings) -> str:
    if not settings.mail_url:
        raise Unwell("aucun serveur : donnez PARAPHE_MAIL_URL")
    if (trouble := mailer.trouble(settings)) is not None:
        raise Unwell(trouble)
    return "le serveur répond"


def _returns(settings: Settings) -> str | Remark:
    if not settings.bounces_url:
        sentence = "aucune boîte n’est donnée : seuls les refus immédiats du serveur sont connus (PARAPHE_BOUNCES_URL)"
        return Remark(sentence, Level.NONE)
    if (trouble := mailbox.trouble(settings)) is not None:
        raise Unwell(f"la boîte des retours ne se lit pas : vérifiez PARAPHE_BOUNCES_URL ({trouble})")
    if schema.behind():
        return Remark("à examiner une fois la base à jour", Level.UNKNOWN)
    known = mailbox.state(settings)
    if known is None:
        return Remark("la boîte répond, le travail de fond la lira dans les cinq minutes", Level.NONE)
    if known.fault:
        raise Unwell(
            f"la boîte des retours répond, et n’a pas pu être lue la dernière fois : {known.fault} ; si cela dure, vérifiez "
            "PARAPHE_BOUNCES_URL"
        )
    if known.unclaimed:
        messages = plural(known.unclaimed, "message y reste", "messages y restent")
        return Remark(
            f"la boîte est lue ; {messages}, qui n’annoncent la perte d’aucun courriel de Paraphe : regardez-les, puis "
            "ôtez-les",
            Level.AMBER,
        )
    return "la boîte est lue, rien n’y reste"


def _links(settings: Settings) -> str:
    if clear := list(links.in_clear(settings)):
        raise Unwell(
            "des services d’une autre machine sont joints en clair, ou sans vérifier que ce sont bien eux : "
            f"{' ; '.join(clear)}. Sur un réseau fermé, nommez leurs hôtes dans PARAPHE_CLEAR_HOSTS"
        )
    return "chiffrées, ou dans la machine et les hôtes que vous avez nommés"


def _timestamp(settings: Settings) -> str:
    if not settings.tsa_url:
        raise Unwell(
            "aucune autorité : donnez PARAPHE_TSA_URL ; les signatures seraient sans horodatage (B-B)"
        )
    _usable_roots(settings.tsa_roots, "PARAPHE_TSA_ROOTS")
    client = authorities.timestamper()
    if client is None or client.second is None:
        return f"jeton obtenu, écart d’horloge {_seconds(_first_gap(client))}"
    first = _first_gap(client)
    try:
        second = _gap(
            client.second, "la seconde autorité d’horodatage", "elle ne pourra pas remplacer la première"
        )
    except Refusal as refusal:
        raise Unwell(
            f"la seconde autorité d’horodatage n’a pas donné de jeton : vérifiez PARAPHE_TSA_SECOND_URL ({refusal.facts['why']})"
        ) from refusal
    return f"un jeton de chaque autorité, écarts d’horloge {_seconds(first)} et {_seconds(second)}"


def _seconds(gap: float) -> str:
    return f"{gap:.1f}{HARD}s".replace(".", ",")


def _first_gap(client: "TimestampClient | None") -> float:
    """`_gap` of the authority that every signature asks: what is refused to a signature is said of the authority here."""
    try:
        return _gap(client, "l’autorité d’horodatage")
    except Refusal as refusal:
        if refusal.key != "timestamp-silent":
            raise
        why = refusal.facts["why"]
        raise Unwell(
            f"l’autorité d’horodatage n’a pas donné de jeton, et rien ne pourra être signé : vérifiez PARAPHE_TSA_URL ({why})"
        ) from refusal


def _gap(client: "TimestampClient | None", named: str, otherwise: str = "rien ne pourra être signé") -> float:
    """Seconds between our clock and an authority's; unwell when that is much, or, with what follows, when its token fails."""
    from app.trust.timestamp import hour_of, proven_hour, trial_token

    if client is None:
        return 0.0
    token, data = trial_token(client)
    gap = abs(now() - hour_of(token))
    if gap > CLOCK_TOLERANCE:
        raise Unwell(f"l’horloge du serveur s’écarte de {gap.total_seconds():.0f} s de {named}")
    try:
        proven_hour(token, data, authorities.trust())
    except ValueError as error:
        raise Unwell(
            f"le jeton de {named} ne tient pas ({error}), {otherwise} : mettez dans PARAPHE_TSA_ROOTS la racine que "
            "cette autorité publie aujourd’hui"
        ) from error
    return gap.total_seconds()


def _authorities(settings: Settings) -> str:
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
    _usable_roots(settings.trust_roots, "PARAPHE_TRUST_ROOTS")
    if settings.trust_lists and trust_lists.registry(authorities.lists_folder()) is None:
        raise Unwell(
            "les listes de confiance ne sont pas là, ou ne valent plus : lancez « flask --app wsgi trust-lists », qui dit ce "
            "qui les arrête (PARAPHE_TRUST_LISTS_URL)"
        )
    if mute := _mute(settings.revocation_hosts):
        raise Unwell(
            f"{', '.join(mute)} ne répon{'dent' if len(mute) > 1 else 'd'} pas, et qui en dépend ne pourra pas signer : ouvrez "
            "le pare-feu vers ces hôtes, ou corrigez PARAPHE_REVOCATION_HOSTS"
        )
    hosts = len(settings.revocation_hosts)
    believed = " et ".join(
        label
        for label, used in (
            ("vos racines", settings.trust_roots),
            ("les listes de confiance", settings.trust_lists),
        )
        if used
    )
    return f"{believed} ; {hosts} hôte{'s' if hosts > 1 else ''} de révocation"


def _usable_roots(path: Path | None, name: str) -> None:
    """`Unwell` when the authorities of a setting are unreadable, or have all ended: one of before may be kept beside."""
    if path is None:
        return
    try:
        roots = certificates_of(path)
    except (OSError, ValueError) as error:
        raise Unwell(f"{path} ne se lit pas comme des certificats PEM : remettez-les ({name})") from error
    if not roots:
        raise Unwell(f"{path} ne contient aucune autorité (.pem) : mettez-y ses racines ({name})")
    if all(root.not_valid_after_utc < now() for root in roots):
        raise Unwell(
            f"les autorités de {path} ont toutes expiré : mettez à côté celles d’aujourd’hui ({name}), sans ôter celles sous "
            "lesquelles des actes ont été signés"
        )


def _mute(hosts: Sequence[str]) -> list[str]:
    """The hosts of the list that do not answer, asked all at once; networks say where a name may lead, and are not asked."""
    named = [host for host in hosts if entry(host).name]
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda host: _answers(host, hosts), named))
    return [host for host, answer in zip(named, answers, strict=True) if not answer]


def _answers(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host says anything at all, in http or in https: what it says of nothing in particular is not ours to judge."""
    # Its HTTP library is heavy, and this module is read at each start (docs/decisions/0003)
    from app.core.outside import Bounds, UnreachableError, exchange

    bounds = Bounds(HOST_SECONDS, HOST_SECONDS, 2 * HOST_SECONDS)
    for scheme in ("http", "https"):
        try:
            with exchange("GET", f"{scheme}://{host}/", Allowed.listed(hosts), bounds):
                return True
        except UnreachableError:
            continue
    return False


def _remote(settings: Settings) -> str:
    answer = setting.remote_service().ask("info", {})
    return f"« {settings.csc_name} » répond (API {str(answer.get('specs', '?'))[:20]})"


def _signature(settings: Settings) -> str:
    del settings
    from cryptography import x509

    from app.signing.trial import trial_signature

    key = setting.seal_key()
    if key is not None:
        lasting(
            x509.load_der_x509_certificate(key.certificate),
            "le certificat du cachet",
            "demandez-en un autre à son autorité, puis réglez PARAPHE_SEAL_P12 ou le module",
        )
    with TemporaryDirectory(prefix="paraphe-doctor-") as room:
        return trial_signature(Path(room), key, authorities.timestamper(), now())


def certificates(collectivity_id: int | None = None) -> str | Remark:
    """No certificate signs for several people, in the whole installation or in one collectivity; nothing to look at of none."""
    with reading() as db:
        several = enrol.doubles(db, collectivity_id)
        there = sa.select(Certificate.id).where(Certificate.withdrawn_at.is_(None))
        if collectivity_id is not None:
            there = there.where(Certificate.collectivity_id == collectivity_id)
        if db.scalar(there.limit(1)) is None:
            return Remark("aucun certificat n’est inscrit", Level.NONE)
    if several:
        names = " ; ".join(f"« {double.certificate} » pour {', '.join(double.people)}" for double in several)
        raise Unwell(
            f"des certificats sont inscrits à plusieurs noms ({names}) : sous « Certificats », retirez ceux qui ne devraient "
            "pas signer"
        )
    return "chacun n’a qu’un titulaire"


def _software(settings: Settings) -> str | Remark:
    """No token of a software in service has ended, or ends before anybody would see it; each webhook secret is readable."""
    del settings
    if schema.behind():
        return Remark("à examiner une fois la base à jour", Level.UNKNOWN)
    with reading() as db:
        query = sa.select(Application.ends_on).where(Application.active.is_(True))
        ends, soon = list(db.scalars(query)), applications.ending(db, today(), SOFTWARE_SOON)
        shut = _shut(db)
    if shut:
        raise Unwell(
            f"le secret de l’adresse de remise ne se lit plus ({', '.join(shut)}), et ce qui y est remis attend : remettez la "
            "clé d’avant dans PARAPHE_FORMER_SECRET_KEYS, ou donnez un autre secret (« flask --app wsgi settings set »)"
        )
    if soon:
        listed = " ; ".join(
            f"« {name} » {'fini le' if last < today() else 'jusqu’au'} {jour_long(last)}"
            for _, name, last in soon
        )
        raise Unwell(
            f"le jeton d’un logiciel prend fin ({listed}) : donnez-lui-en un autre (Administration, Applications) ou fermez-le"
        )
    endless = sum(end is None for end in ends)
    return (
        f"{len(ends)} en service, dont {endless} dont le jeton n’a pas de fin"
        if endless
        else f"{len(ends)} en service"
    )


def _shut(db: Db) -> list[str]:
    """The collectivities of which a secret is opened by no key of the installation."""
    names = []
    secrets = [setting for setting in declared().values() if setting.kind is Kind.SEALED]
    for name, own in db.execute(
        sa.select(Collectivity.name, Collectivity.settings).order_by(Collectivity.name)
    ):
        try:
            for setting in secrets:
                if secret := own_value(own, setting.place):
                    unseal(str(secret))
        except Refusal:
            names.append(name)
    return names


def _sealed(settings: Settings) -> str | Remark:
    """What the database keeps sealed opens by the key of now; a former one may still be needed."""
    if schema.behind():
        return Remark("à examiner une fois la base à jour", Level.UNKNOWN)
    with reading() as db:
        stand = resealing.stand(db)
    if stand.shut:
        raise Unwell(
            f"{stand.shut} ne s’ouvrent par aucune clé, application de codes ou secret de remise : remettez la clé d’avant dans "
            "PARAPHE_FORMER_SECRET_KEYS, puis lancez « flask --app wsgi secrets rotate »"
        )
    if stand.former:
        return Remark(
            f"{len(stand.former)} dépendent encore d’une clé d’avant : lancez « flask --app wsgi secrets rotate »",
            Level.AMBER,
        )
    if settings.former_secret_keys:
        return (
            f"{stand.fresh} scellés par la clé d’aujourd’hui ; celles d’avant ne servent plus qu’aux sessions et aux codes de "
            "secours"
        )
    return f"{stand.fresh} scellés par la clé d’aujourd’hui"


def _marks(settings: Settings) -> str | Remark:
    outside = settings.marks_folder
    if outside is not None:
        if outside.resolve().is_relative_to(Path(settings.data_dir).resolve()):
            raise Unwell(
                f"{outside} est dans le dossier des données : qui réécrit l’un réécrit l’autre. Donnez dans PARAPHE_MARKS_FOLDER "
                "un dossier hors du serveur"
            )
        if not os.path.exists(outside):  # noqa: PTH110 (a share that hangs or is shut is not there; Path.exists raises)
            raise Unwell(
                f"{outside} n’est pas là, et n’est pas créé ici : montez le partage, ou créez ce dossier hors du serveur "
                "(PARAPHE_MARKS_FOLDER)"
            )
        if why := premises.unwritable(outside):
            raise Unwell(
                f"rien ne s’écrit dans {outside} ({why}) : vérifiez PARAPHE_MARKS_FOLDER et ses droits"
            )
    last = heartbeat.last(marks.BEAT)
    if last is None and heartbeat.last(marks.TRIED) is None:
        return Remark("le premier sera pris par le travail de fond", Level.NONE)
    if last is None or now() - last > marks.LATE:
        raise Unwell(
            "aucun repère du journal depuis deux jours : « flask --app wsgi marks take » dit ce qui l’empêche "
            "(PARAPHE_TSA_URL, PARAPHE_MARKS_FOLDER)"
        )
    ways = (("copié dans", settings.marks_folder), ("envoyé à", settings.marks_mail))
    places = [f"{way} {place}" for way, place in ways if place]
    if not places:
        return Remark(
            f"le dernier {instant(last)}, nulle part hors du serveur (PARAPHE_MARKS_FOLDER, PARAPHE_MARKS_MAIL)",
            Level.AMBER,
        )
    return f"le dernier {instant(last)} ; chacun est {' et '.join(places)}"


def _worker(settings: Settings) -> str | Remark:
    signs = {name: heartbeat.last(name) for name in (heartbeat.WORKER, heartbeat.SWEEP)}
    return living(settings, signs)


def living(settings: Settings, signs: Mapping[str, datetime | None]) -> str | Remark:
    """Whether the worker lives, by its last signs of life, and what addresses of the journal wait for all the same."""
    last = signs.get(heartbeat.WORKER)
    if last is None or now() - last > WORKER_SILENT:
        raise Unwell("le travail de fond ne donne pas signe de vie : lancez « flask --app wsgi worker »")
    alive = f"signe de vie il y a {(now() - last).total_seconds():.0f} s"
    if delays := waits(settings.journal_address_days, signs.get(heartbeat.SWEEP)):
        return Remark(" ; ".join((alive, *delays)), Level.AMBER)
    return alive


_EVERY = (
    Check(
        "base de données",
        _database,
        "la base ne répond pas : vérifiez PARAPHE_DATABASE_URL et que le serveur tourne",
    ),
    Check(
        "migrations",
        _migrations,
        "la version de la base n’a pas pu être lue : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "documents",
        _store,
        "impossible d’écrire puis de relire un document : vérifiez PARAPHE_STORE_URL et ses droits",
    ),
    Check(
        "partages",
        shares.look,
        "les dossiers n’ont pas pu être regardés : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check("liaisons", _links, "les liaisons n’ont pas pu être lues : vérifiez les réglages", Level.UNKNOWN),
    Check(
        "secrets scellés",
        _sealed,
        "ce que la base garde scellé n’a pas pu être lu : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "place libre",
        premises.space,
        "la place libre n’a pas pu être lue : vérifiez PARAPHE_DATA_DIR et PARAPHE_STORE_URL",
        Level.UNKNOWN,
    ),
    Check(
        "droits des fichiers",
        premises.rights,
        "les droits des fichiers n’ont pas pu être lus : vérifiez PARAPHE_DATA_DIR",
        Level.UNKNOWN,
    ),
    Check(
        "disques",
        premises.at_rest,
        "ce qui porte les données n’a pas pu être lu : vérifiez PARAPHE_DATA_DIR et PARAPHE_STORE_URL",
        Level.UNKNOWN,
    ),
    Check(
        "programme",
        premises.program,
        "les fichiers du programme n’ont pas pu être lus : remettez l’archive de cette version",
        Level.UNKNOWN,
    ),
    Check(
        "bibliothèques",
        premises.libraries,
        "la liste des bibliothèques n’a pas pu être lue : remettez l’archive de cette version",
        Level.UNKNOWN,
    ),
    Check(
        "bureautique",
        premises.office,
        "un texte d’essai n’a pas pu être converti : réinstallez LibreOffice, ou réglez PARAPHE_OFFICE=false",
    ),
    Check(
        "scans",
        premises.scans,
        "Tesseract n’a pas pu être éprouvé : réinstallez tesseract-ocr et tesseract-ocr-fra",
        Level.UNKNOWN,
    ),
    Check(
        "règles des factures",
        premises.invoice_rules,
        "la vérification des factures électroniques n’a pas pu être éprouvée : réinstallez saxonche",
    ),
    Check(
        ANTIVIRUS,
        premises.antivirus,
        "l’antivirus n’a pas pu être éprouvé : vérifiez PARAPHE_ANTIVIRUS_URL et que clamd tourne",
    ),
    Check(
        "mots de passe volés",
        premises.stolen_passwords,
        "le fichier des mots de passe volés n’a pas pu être lu : vérifiez PARAPHE_BREACHED_PASSWORDS",
        Level.UNKNOWN,
    ),
    Check("courriel", _mail, "le serveur de courriel ne répond pas : vérifiez PARAPHE_MAIL_URL"),
    Check(
        "courriels revenus",
        _returns,
        "la boîte des retours n’a pas pu être lue : vérifiez PARAPHE_BOUNCES_URL",
    ),
    Check(
        scanners.NAME,
        scanners.look,
        "les dossiers des numériseurs n’ont pas pu être regardés : vérifiez PARAPHE_SCANS_ROOT",
        Level.UNKNOWN,
    ),
    Check(
        "horodatage et horloge",
        _timestamp,
        "l’autorité d’horodatage n’a pas donné de jeton : vérifiez PARAPHE_TSA_URL",
    ),
    Check(
        "autorités reconnues",
        _authorities,
        "les autorités n’ont pas pu être lues : vérifiez PARAPHE_TRUST_ROOTS",
        Level.UNKNOWN,
    ),
    Check(
        REMOTE, _remote, "le service de signature à distance ne sert pas : vérifiez les réglages PARAPHE_CSC"
    ),
    Check(
        "signature d’essai",
        _signature,
        "la signature d’essai a échoué : vérifiez le cachet et l’horodatage",
    ),
    Check(
        "certificats",
        lambda _settings: certificates(),
        "les certificats n’ont pas pu être lus : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "logiciels",
        _software,
        "les jetons n’ont pas pu être lus : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "télétransmission",
        sendings.relay,
        "les silences de l’opérateur n’ont pas pu être lus : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "arrivées",
        arriving.everywhere,
        "les arrivées n’ont pas pu être lues : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "réveil",
        premises.waking,
        "la base ne se laisse pas écouter : vérifiez PARAPHE_LISTEN_URL et que ce serveur tourne",
    ),
    Check(
        "envois",
        sendings.outbox,
        "les envois n’ont pas pu être lus : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "envois acquittés",
        sendings.parcels,
        "les envois acquittés n’ont pas pu être lus : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "repères du journal",
        _marks,
        "les repères n’ont pas pu être lus : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "travail de fond",
        _worker,
        "le signe de vie n’a pas pu être lu : vérifiez d’abord la base",
        Level.UNKNOWN,
    ),
    Check(
        "adresse publique",
        front.address,
        "l’adresse publique n’a pas pu être lue : vérifiez PARAPHE_PUBLIC_URL",
        Level.UNKNOWN,
    ),
    Check(
        "mandataire",
        front.proxy,
        "le mandataire n’a pas pu être éprouvé : vérifiez PARAPHE_PUBLIC_URL",
        Level.UNKNOWN,
    ),
)
