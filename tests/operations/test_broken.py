"""Installations with one thing broken for real, each told by the doctor in one French sentence that says what to do."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from werkzeug.exceptions import BadGateway, NotFound
from werkzeug.utils import redirect

from app import create_app
from app.arrivals import routing
from app.arrivals.mail import boxes
from app.arrivals.mail.boxes import Box
from app.arrivals.routing import Destination, Routing
from app.core import db, heartbeat, schema
from app.core.clock import now
from app.core.hold import Hold
from app.core.outbox import Outbox
from app.files import ocr
from app.invoices.rules import checking
from app.operations import front, marks, premises
from app.operations.doctor import examine
from app.operations.findings import Level, Unwell
from config import settings as configured
from tests.builders.authority import authority_in_advance
from tests.builders.front import HOST, plain, served
from tests.builders.house import House
from tests.builders.memory import DISK
from tests.builders.process import ROOT
from tests.builders.s2low import Authority, Face, a_face
from tests.channels.parcels import SENDER
from tests.cluster import free_port
from tests.mailserver import MailServer

Changed = dict[str, Any]


@dataclass
class Scene:
    """The sound installation, and a room where what is broken may be made."""

    house: House
    room: Path
    authority: Authority
    face: Face | None = None

    def certificate(self, name: str, days: float, host: str = HOST, by: Authority | None = None) -> Path:
        """A certificate of a server, with its key, that ends in so many days."""
        until = now().astimezone(UTC) + timedelta(days=days)
        return (by or self.authority).issue(self.room / f"{name}.pem", name, until=until, host=host)


Breaker = Callable[[Scene], AbstractContextManager[Changed]]


@dataclass
class Table:
    """Each broken installation: which check tells it, words of its sentence, how it is broken and mended again."""

    rows: list[tuple[str, tuple[str, ...], Breaker]] = field(default_factory=list)

    def row(self, check: str, *words: str) -> Callable[[Callable[[Scene], Iterator[Changed]]], Breaker]:
        def keep(broken: Callable[[Scene], Iterator[Changed]]) -> Breaker:
            made = contextmanager(broken)
            self.rows.append((check, words, made))
            return made

        return keep

    def settings(self, check: str, *words: str, **changed: Any) -> None:
        """One that a setting alone breaks."""
        self.rows.append((check, words, contextmanager(lambda _scene: iter([changed]))))


BASE, SERVER, PLACE, DOOR = Table(), Table(), Table(), Table()


# The database and what it holds: on SQLite and on PostgreSQL


@BASE.row("migrations", "oubliee", "remettez une sauvegarde")
def of_another_schema(scene: Scene) -> Iterator[Changed]:
    _do("ALTER TABLE hold ADD COLUMN oubliee INTEGER")
    yield {}
    _do("ALTER TABLE hold DROP COLUMN oubliee")


@BASE.row("migrations", "0023_renumerotee", "ne connaît pas", "remettez le code de cette version-là")
def renumbered(scene: Scene) -> Iterator[Changed]:
    wanted = schema.revisions()[1]
    _do("UPDATE alembic_version SET version_num = '0023_renumerotee'")
    yield {}
    _do(f"UPDATE alembic_version SET version_num = '{wanted}'")


@BASE.row("envois", "1 en retard", "le travail de fond ne suit pas")
def late(scene: Scene) -> Iterator[Changed]:
    with _rowed(scene, "pending"):
        yield {}


@BASE.row("envois", "1 arrêté", "/administration")
def parked(scene: Scene) -> Iterator[Changed]:
    with _rowed(scene, "parked"):
        yield {}


@BASE.row("envois", "installation restaurée", "flask --app wsgi resume --words")
def still_held(scene: Scene) -> Iterator[Changed]:
    moment = now() - timedelta(hours=1)
    with db.engine().begin() as connection:
        connection.execute(sa.insert(Hold.__table__).values(since=moment, copied_at=moment))
    yield {}
    _do("DELETE FROM hold")


@BASE.row(
    "arrivées",
    "Kerlann-sur-Mer",
    "la boîte factures@kerlann.example ne se relève pas, le mot de passe est refusé",
)
def mailbox_that_opens_no_more(scene: Scene) -> Iterator[Changed]:
    actor = scene.house.actor("k.morizur")
    routing.choose(actor, Routing(otherwise=Destination("comptabilite", "")))
    with _boxed(scene, "le mot de passe est refusé"):
        yield {}
    _do("DELETE FROM arrival_routing")


@BASE.row("arrivées", "aucun bureau de tri", "« Arrivées »")
def nobody_sorts(scene: Scene) -> Iterator[Changed]:
    with _boxed(scene, ""):
        yield {}


@contextmanager
def _boxed(scene: Scene, fault: str) -> Iterator[None]:
    actor = scene.house.actor("k.morizur")
    box = Box(
        0,
        actor.collectivity_id,
        "factures@kerlann.example",
        "invoice",
        "imaps",
        "imap.kerlann.example",
        993,
        "f",
        "",
    )
    number = boxes.save(actor, box, "sésame")
    boxes.note(actor.collectivity_id, number, fault=fault)
    yield
    _do("DELETE FROM arrival_mailbox")


@BASE.row("travail de fond", "flask --app wsgi worker")
def dead_worker(scene: Scene) -> Iterator[Changed]:
    heartbeat.beat("worker", now() - timedelta(minutes=4))
    yield {}


@BASE.row("repères du journal", "aucun repère du journal depuis deux jours", "marks take")
def no_mark(scene: Scene) -> Iterator[Changed]:
    heartbeat.beat(marks.BEAT, now() - timedelta(days=3))
    yield {}
    _do(f"DELETE FROM heartbeat WHERE name = '{marks.BEAT}'")


def _do(statement: str) -> None:
    with db.engine().begin() as connection:
        connection.execute(sa.text(statement))


@contextmanager
def _rowed(scene: Scene, state: str) -> Iterator[None]:
    hour = timedelta(hours=1)
    row = {
        "collectivity_id": scene.house.actor("a.kervadec").collectivity_id,
        "kind": "mail",
        "key": f"a letter {state}",
        "payload": {},
        "state": state,
        "available_at": now() - hour,
        "created_at": now() - hour,
    }
    with db.engine().begin() as connection:
        connection.execute(sa.insert(Outbox.__table__), [row])
    yield
    _do("DELETE FROM outbox")


# The machine, its files, its settings


@PLACE.row("droits des fichiers", "ouvert à tous les comptes", "chmod go=")
def key_that_all_read(scene: Scene) -> Iterator[Changed]:
    open_room = Path(mkdtemp(dir=DISK))
    open_room.chmod(0o755)
    key = Path(shutil.copy(scene.house.pki.p12("seal"), open_room))
    key.chmod(0o644)
    yield {"seal_p12": key}
    shutil.rmtree(open_room)


@PLACE.row("droits des fichiers", "client.pem", "chmod go=")
def account_that_all_read(scene: Scene) -> Iterator[Changed]:
    open_room = Path(mkdtemp(dir=DISK))
    for one in (open_room, open_room / "212909998"):
        one.mkdir(exist_ok=True)
        one.chmod(0o755)
    (open_room / "212909998" / "client.pem").touch(0o644)
    yield {"s2low_folder": open_room}
    shutil.rmtree(open_room)


@PLACE.row("documents", "PARAPHE_STORE_URL")
def store_gone(scene: Scene) -> Iterator[Changed]:
    (scene.room / "fichier").write_text("")
    yield {"store_url": f"file:{scene.room / 'fichier' / 'documents'}"}


@PLACE.row("courriel", "ne répond pas", "PARAPHE_MAIL_URL")
def mail_down(scene: Scene) -> Iterator[Changed]:
    yield {"mail_url": f"smtp://127.0.0.1:{free_port()}"}


@PLACE.row("courriel", "refuse de servir (451", "revenez plus tard")
def mail_unwilling(scene: Scene) -> Iterator[Changed]:
    class Unwilling(MailServer):
        async def handle_NOOP(self, server, session, envelope, arg):
            return "451 revenez plus tard"

    with _mailing(Unwilling()) as port:
        yield {"mail_url": f"smtp://127.0.0.1:{port}"}


@PLACE.row("courriel", "refuse l’expéditeur", "PARAPHE_MAIL_FROM")
def sender_refused(scene: Scene) -> Iterator[Changed]:
    class Choosy(MailServer):
        async def handle_MAIL(self, server, session, envelope, address, options):
            return "550 inconnu ici"

    with _mailing(Choosy()) as port:
        yield {"mail_url": f"smtp://127.0.0.1:{port}"}


@PLACE.row("courriel", "STARTTLS", "PARAPHE_MAIL_URL", "smtps://")
def mail_without_starttls(scene: Scene) -> Iterator[Changed]:
    yield {"mail_url": scene.house.settings.mail_url.replace("smtp://", "smtp+starttls://")}


@contextmanager
def _mailing(server: MailServer) -> Iterator[int]:
    server.start()
    yield server.port
    server.stop()


@PLACE.row("horodatage et horloge", "l’horloge du serveur s’écarte de", "s de l’autorité d’horodatage")
def clock_off(scene: Scene) -> Iterator[Changed]:
    with authority_in_advance(scene.house.pki, timedelta(minutes=3)) as url:
        yield {"tsa_url": url}


@PLACE.row("horodatage et horloge", "PARAPHE_TSA_ROOTS", "n’est pas reconnue")
def timestamps_of_strangers(scene: Scene) -> Iterator[Changed]:
    yield {"tsa_roots": scene.authority.pem}


@PLACE.row("horodatage et horloge", "ont toutes expiré", "PARAPHE_TSA_ROOTS")
def timestamp_root_ended(scene: Scene) -> Iterator[Changed]:
    yield {"tsa_roots": scene.certificate("racine-finie", -1)}


@PLACE.row("horodatage et horloge", "seconde autorité", "PARAPHE_TSA_SECOND_URL")
def second_authority_silent(scene: Scene) -> Iterator[Changed]:
    yield {"tsa_second_url": f"http://127.0.0.1:{free_port()}/tsa"}


@PLACE.row("autorités reconnues", "PARAPHE_TRUST_ROOTS", "ne contient aucune autorité")
def empty_folder_of_roots(scene: Scene) -> Iterator[Changed]:
    (scene.room / "racines").mkdir()
    yield {"trust_roots": scene.room / "racines"}


@PLACE.row("autorités reconnues", "ne se lit pas comme des certificats PEM", "PARAPHE_TRUST_ROOTS")
def root_of_something_else(scene: Scene) -> Iterator[Changed]:
    (scene.room / "racine.pem").write_text("ceci n’est pas une autorité")
    yield {"trust_roots": scene.room / "racine.pem"}


@PLACE.row("autorités reconnues", "ne répond pas", "PARAPHE_REVOCATION_HOSTS")
def revocation_silent(scene: Scene) -> Iterator[Changed]:
    silent = f"127.0.0.1:{free_port()}"
    yield {"revocation_hosts": (*scene.house.settings.revocation_hosts, silent)}


@PLACE.row("signature d’essai", "le mot de passe n’ouvre pas ce certificat")
def seal_shut(scene: Scene) -> Iterator[Changed]:
    yield {"seal_passphrase": SecretStr("mauvais")}


@PLACE.row("signature d’essai", "le certificat du cachet a expiré le", "PARAPHE_SEAL_P12")
def seal_ended(scene: Scene) -> Iterator[Changed]:
    yield {"seal_p12": scene.house.pki.p12("expired")}


@PLACE.row("bureautique", "LibreOffice manque", "libreoffice-writer-nogui", "PARAPHE_OFFICE=false")
def without_office(scene: Scene) -> Iterator[Changed]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", str(scene.room))
        yield {"office": True}


@PLACE.row("bureautique", "ne convertit pas", "PARAPHE_OFFICE=false")
def office_broken(scene: Scene) -> Iterator[Changed]:
    program = scene.room / "soffice"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{scene.room}:{os.environ['PATH']}")
        yield {"office": True}


@PLACE.row("scans", "sans le français", "tesseract-ocr-fra")
def tesseract_without_french(scene: Scene) -> Iterator[Changed]:
    program = scene.room / "tesseract"
    program.write_text('#!/bin/sh\nprintf "List of available languages (1):\\neng\\n"\n')
    program.chmod(0o700)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ocr, "PLACES", str(scene.room))
        yield {}


@PLACE.row("règles des factures", "faute de mémoire", "réinstallez saxonche")
def rules_without_memory(scene: Scene) -> Iterator[Changed]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checking, "MEGABYTES", 4)
        yield {}


@PLACE.row("mots de passe volés", "pas dans l’ordre", "PARAPHE_BREACHED_PASSWORDS")
def stolen_unsorted(scene: Scene) -> Iterator[Changed]:
    file = scene.room / "vols.txt"
    file.write_text("".join(f"{rank:040X}:1\n" for rank in range(300, 0, -1)))
    yield {"breached_passwords": file}


@PLACE.row("mots de passe volés", "il ne se lit pas", "PARAPHE_BREACHED_PASSWORDS")
def stolen_away(scene: Scene) -> Iterator[Changed]:
    yield {"breached_passwords": scene.room / "parti.txt"}


@SERVER.row("réveil", "PARAPHE_LISTEN_URL", "ne se laisse pas écouter")
def nobody_to_listen_to(scene: Scene) -> Iterator[Changed]:
    yield {"listen_url": f"postgresql://paraphe@127.0.0.1:{free_port()}/paraphe"}


@PLACE.row("repères du journal", "dans le dossier des données", "PARAPHE_MARKS_FOLDER")
def marks_inside(scene: Scene) -> Iterator[Changed]:
    yield {"marks_folder": scene.house.settings.data_dir / "dehors"}


@PLACE.row("repères du journal", "n’est pas là", "montez le partage", "PARAPHE_MARKS_FOLDER")
def marks_unmounted(scene: Scene) -> Iterator[Changed]:
    yield {"marks_folder": scene.room / "partage" / "reperes"}
    assert not (scene.room / "partage").exists()


@PLACE.row("repères du journal", "rien ne s’écrit dans", "PARAPHE_MARKS_FOLDER")
def marks_unwritten(scene: Scene) -> Iterator[Changed]:
    (scene.room / "plein").write_text("un fichier")
    yield {"marks_folder": scene.room / "plein"}


PLACE.settings(
    "numériseurs",
    "n’est pas là",
    "montez le partage",
    "PARAPHE_SCANS_ROOT",
    scans_root=Path("/nonexistent"),
)
PLACE.settings(
    "place libre", "presque plein", "faites de la place", "PARAPHE_DISK_FREE_MB", disk_free_mb=2**40
)
PLACE.settings("courriel", "aucun serveur", "PARAPHE_MAIL_URL", mail_url="")
PLACE.settings(
    "courriels revenus",
    "ne se lit pas",
    "PARAPHE_BOUNCES_URL",
    bounces_url=f"imap://retours:secret@127.0.0.1:{free_port()}",
)
PLACE.settings(
    "liaisons",
    "en clair",
    "PARAPHE_HANDOVER_WEBHOOK_URL",
    "https://",
    handover_webhook_url="http://finances.commune.fr/x",
)
PLACE.settings("horodatage et horloge", "aucune autorité", "PARAPHE_TSA_URL", tsa_url="")
PLACE.settings("autorités reconnues", "aucune autorité", "PARAPHE_TRUST_ROOTS", trust_roots=None)
PLACE.settings("autorités reconnues", "aucun hôte", "PARAPHE_REVOCATION_HOSTS", revocation_hosts=())
PLACE.settings("autorités reconnues", "flask --app wsgi trust-lists", "PARAPHE_TRUST_LISTS", trust_lists=True)


# The door and the State: the installation that others reach


@contextmanager
def _served(
    scene: Scene, certificate: Path | None = None, trusted: int = 1, **ways: Any
) -> Iterator[Changed]:
    settings = scene.house.settings.model_copy(update={"trusted_proxies": trusted})
    app = create_app(settings)
    with served(app, certificate or scene.certificate("porte", 90), **ways) as url:
        yield {"public_url": url, "trusted_proxies": trusted, "secure_cookies": True}


def door(check: str, *words: str, **ways: Any) -> None:
    """A row of the door: the certificate of these words, or these ways of the proxy."""
    certificate = ways.pop("certificate", None)

    @DOOR.row(check, *words)
    def at_the_door(scene: Scene) -> Iterator[Changed]:
        with _served(scene, certificate and certificate(scene), **ways) as changed:
            yield changed


door(
    "adresse publique", "a expiré", "certbot renew", certificate=lambda scene: scene.certificate("finie", -2)
)
door(
    "adresse publique",
    "expire le",
    "certbot renew",
    certificate=lambda scene: scene.certificate("presque", 20),
)
door(
    "adresse publique",
    "au nom d’un autre",
    f"demandez-en un pour {HOST}",
    "PARAPHE_PUBLIC_URL",
    certificate=lambda scene: scene.certificate("ailleurs", 90, host="127.0.0.9"),
)
door(
    "adresse publique",
    "aucune autorité connue de tous",
    "fullchain.pem",
    certificate=lambda scene: scene.certificate("inconnue", 90, by=Authority(scene.room, "autre")),
)
door("mandataire", "proxy_request_buffering on", buffers=False)
door("mandataire", "l’adresse qu’il veut", "PARAPHE_TRUSTED_PROXIES", writes="nothing")
door("mandataire", "l’adresse qu’il veut", "PARAPHE_TRUSTED_PROXIES", writes="appends", trusted=2)
door("mandataire", "ne l’écoute pas", "PARAPHE_TRUSTED_PROXIES=1", trusted=0)
door("mandataire", "aucun mandataire ne dit", "PARAPHE_TRUSTED_PROXIES=1", writes="nothing", trusted=0)
door("mandataire", "PARAPHE_TRUSTED_PROXIES=3, et 1 adresse a été écrite ;", "nombre exact", trusted=3)
door(
    "mandataire",
    "PARAPHE_TRUSTED_PROXIES=1, et 2 adresses ont été écrites",
    "nombre exact",
    writes="after another",
)
door("mandataire", "aucun mandataire ne dit", "PARAPHE_TRUSTED_PROXIES=1", writes="strips", trusted=0)
door("mandataire", "X-Forwarded-Proto https", "PARAPHE_TRUSTED_PROXIES", secure=False)


@DOOR.row("mandataire", "un autre programme répond (404)", "PARAPHE_PUBLIC_URL", "redémarrez")
def another_program(scene: Scene) -> Iterator[Changed]:
    with served(NotFound(), scene.certificate("porte", 90)) as url:
        yield {"public_url": url, "trusted_proxies": 1}


@DOOR.row("mandataire", "répond 502 au lieu de Paraphe", "proxy_pass")
def service_stopped(scene: Scene) -> Iterator[Changed]:
    with served(BadGateway(), scene.certificate("porte", 90)) as url:
        yield {"public_url": url, "trusted_proxies": 1}


@DOOR.row("adresse publique", "ne répond pas, vue de ce serveur", "PARAPHE_PUBLIC_URL")
def nobody_at_the_door(scene: Scene) -> Iterator[Changed]:
    yield {"public_url": f"https://{HOST}:{free_port()}"}


DOOR.settings("adresse publique", "en clair", "PARAPHE_PUBLIC_URL", public_url=f"http://{HOST}:8000")
DOOR.settings(
    "adresse publique", "démonstration", "PARAPHE_DEMO", public_url=f"https://{HOST}", demo=True, office=False
)
DOOR.settings(
    "télétransmission",
    "simulée, au moins en partie",
    "PARAPHE_SIMULATORS",
    "PARAPHE_ACTES_TRANSPORT et PARAPHE_HELIOS_TRANSPORT",
    public_url=f"https://{HOST}",
)
DOOR.settings(
    "télétransmission",
    "aucun opérateur n’est réglé pour une partie au moins de ce qui va à l’État",
    "PARAPHE_ACTES_TRANSPORT et PARAPHE_HELIOS_TRANSPORT",
    public_url=f"https://{HOST}",
    simulators="",
)


def _relayed(scene: Scene, **more: Any) -> Changed:
    assert scene.face
    return {
        "public_url": f"https://{HOST}",
        "actes_transport": "s2low",
        "helios_transport": "s2low",
        "s2low_url": scene.face.settings().url,
        "s2low_folder": scene.face.accounts,
        "s2low_ca_file": scene.face.authority.pem,
        **more,
    }


@DOOR.row("télétransmission", "simulateur", "PARAPHE_S2LOW_SIMULATED")
def simulated_operator(scene: Scene) -> Iterator[Changed]:
    yield _relayed(scene, s2low_simulated=True)


@DOOR.row(
    "télétransmission", "aucune adresse n’est donnée à la préfecture", "« Réglages »", "PARAPHE_ACTES_EMAIL"
)
def no_address_for_the_prefecture(scene: Scene) -> Iterator[Changed]:
    yield _relayed(scene, actes_email="")


@DOOR.row("télétransmission", "a expiré", "client.pem", "PARAPHE_S2LOW_FOLDER")
def relay_certificate_ended(scene: Scene) -> Iterator[Changed]:
    accounts = scene.room / "comptes-finis"
    assert scene.face
    until = now().astimezone(UTC) - timedelta(days=1)
    scene.face.authority.issue(accounts / SENDER.siren / "client.pem", "Kerlann", until=until)
    yield _relayed(scene, s2low_folder=accounts)


@DOOR.row("télétransmission", "n’a pas de certificat pour l’opérateur")
def relay_certificate_absent(scene: Scene) -> Iterator[Changed]:
    yield _relayed(scene, s2low_folder=scene.room / "comptes-absents")


@DOOR.row("télétransmission", "certificat ou le compte technique n’est plus accepté")
def relay_account_refused(scene: Scene) -> Iterator[Changed]:
    assert scene.face
    scene.face.operator.scenario.always = "door"
    yield _relayed(scene)
    scene.face.operator.scenario.always = ""


# The tests


def found(scene: Scene, changed: Changed, *only: str) -> dict[str, tuple[bool, str]]:
    settings = scene.house.settings.model_copy(update=changed)
    create_app(settings)
    return {one.name: (one.ok, one.sentence) for one in examine(settings, only)}


def test_nothing_else_is_told_of_each_broken_installation(
    house: House, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Broken, told, mended in turn; what the database has no part in, on one of them."""
    room = tmp_path_factory.mktemp("broken")
    scene = Scene(house, room, Authority(room, "autorite-factice"))
    heartbeat.beat("worker", now())
    assert {name: words for name, (fine, words) in found(scene, {}).items() if not fine} == {}
    for check, words, broken in (
        *BASE.rows,
        *(PLACE.rows if "sqlite" in house.settings.database_url else SERVER.rows),
    ):
        with broken(scene) as changed:
            ill = {name: said for name, (fine, said) in found(scene, changed).items() if not fine}
        _told(check, words, ill)
        heartbeat.beat("worker", now())
    assert {name: words for name, (fine, words) in found(scene, {}).items() if not fine} == {}


def _told(check: str, words: tuple[str, ...], ill: dict[str, str]) -> None:
    """This check alone tells it, on one line, with these words; a timestamp that fails stops the trial too."""
    assert set(ill) - ({"signature d’essai"} if check == "horodatage et horloge" else set()) <= {check}, (
        check,
        ill,
    )
    assert check in ill, (check, words)
    assert all(one in ill[check] for one in words), ill[check]
    assert "\n" not in ill[check]
    assert "mauvais" not in ill[check]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_door_and_the_way_to_the_state_are_told_as_others_find_them(
    house: House, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path_factory.mktemp("door")
    scene = Scene(house, room, Authority(room, "autorite-factice"))
    monkeypatch.setenv("SSL_CERT_FILE", str(scene.authority.pem))
    (room / "s2low").mkdir()
    with a_face(room / "s2low") as scene.face:
        scene.face.world(room / "monde")
        sound = {**_relayed(scene), "office": True}
        with _served(scene) as changed:
            heartbeat.beat("worker", now())
            seen = found(scene, {**sound, **changed})
            # Who tests may have newer libraries than a production installs; it is told, and is all that may be
            assert {name: words for name, (fine, words) in seen.items() if not fine}.keys() <= {
                "bibliothèques"
            }
            assert seen["adresse publique"][1].startswith("https répond, certificat jusqu’au ")
            assert seen["mandataire"][1].startswith("il garde les corps lents")
            # Nobody else is answered, and what is told to the doctor is told once its body is whole
            assert house.client().post(front.PASSAGE, headers={front.TICKET: "faux"}).status_code == 404
            # What http serves beside https is told, and a door that leads from it to https is not
            secure = urlsplit(changed["public_url"]).port
            for beside, served_too in ((house.app, True), (redirect(changed["public_url"], 308), False)):
                with plain(beside) as port:
                    monkeypatch.setitem(front._BESIDE, secure, f":{port}")
                    fine, words = found(scene, changed, "adresse publique")["adresse publique"]
                assert (fine, f"servies aussi en clair, à http://{HOST}:{port} " in words) == (
                    not served_too,
                    served_too,
                )
        for check, words, broken in DOOR.rows:
            with broken(scene) as changed:
                ill = {name: said for name, (fine, said) in found(scene, changed, check).items() if not fine}
            _told(check, words, ill)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "trop court", "il faut au moins 32 caractères"),
        ("TRUST_ROOTS", "/nulle/part.pem", "n’existe pas"),
        ("TSA_URL", "http://127.0.0.1:9/tsa", "obligatoire dès qu’une autorité d’horodatage est donnée"),
        ("ACTES_TRANSPORT", "s2low", "demande PARAPHE_S2LOW_URL"),
        ("DATA_DIR", "/dev/null/paraphe", "impossible d’écrire"),
        ("MAIL_ULR", "smtp://127.0.0.1", "peut-être PARAPHE_MAIL_URL"),
        ("TRUSTED_PROXIES", "6", "il faut 5 au plus"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_examined(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in [one for one in os.environ if one.startswith("PARAPHE_")]:
        monkeypatch.delenv(given)
    monkeypatch.setenv("PARAPHE_SECRET_KEY", "a secret long enough for every installation")
    monkeypatch.setenv(f"PARAPHE_{name}", value)
    with pytest.raises(SystemExit) as refused:
        configured.__wrapped__()
    assert f"PARAPHE_{name}" in str(refused.value) or "PARAPHE_TSA_ROOTS" in str(refused.value)
    assert words in str(refused.value)
    # What was written may be a secret, and is not repeated; a file that is missing is named
    assert (value in str(refused.value)) == (words == "n’existe pas")


def test_a_disk_is_encrypted_when_all_that_it_stands_on_is(tmp_path: Path) -> None:
    """ASVS 14.2.4: as the kernel tells it of a plain disk, of one that dm-crypt seals, and of LVM on either."""
    number = tmp_path.stat().st_dev
    system = tmp_path / "sys"
    node = system / "dev/block" / f"{os.major(number)}:{os.minor(number)}"
    assert not premises.encrypted(tmp_path, system)  # a share, which is no disk of this machine
    node.mkdir(parents=True)
    assert not premises.encrypted(tmp_path, system)
    (node / "dm").mkdir()
    (node / "dm/uuid").write_text("LVM-x7\n")
    assert not premises.encrypted(tmp_path, system)
    for name, uuid in (("dm-0", "CRYPT-LUKS2-0a\n"), ("dm-1", "LVM-y8\n")):
        (node / "slaves" / name / "dm").mkdir(parents=True)
        (node / "slaves" / name / "dm/uuid").write_text(uuid)
        assert premises.encrypted(tmp_path, system) == (name == "dm-0")
    (node / "dm/uuid").write_text("CRYPT-LUKS2-0b\n")
    assert premises.encrypted(tmp_path, system)


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, Level.AMBER),
        ({"disks_encrypted": True}, Level.GREEN),
        ({"public_url": "http://127.0.0.1:8000"}, Level.NONE),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_doctor_asks_for_encrypted_disks_where_others_come(
    house: House, changed: Changed, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(premises, "encrypted", lambda _place: False)
    settings = house.settings.model_copy(update={"public_url": f"https://{HOST}", **changed})
    (finding,) = examine(settings, ["disques"])
    assert (finding.ok, finding.level) == (True, level)


def test_a_production_does_without_what_only_makers_need_and_the_doctor_names_it(tmp_path: Path) -> None:
    """ASVS 15.2.3: no test, simulator or benchmark stands in a production; the program runs without them."""
    home = tmp_path / "paraphe"
    for part in ("app", "migrations", "workflows"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("*.pyc"))
    for part in ("config.py", "wsgi.py"):
        shutil.copy(ROOT / part, home)
    assert premises.beside(home) == []
    environment = {
        "PATH": os.environ["PATH"],
        "PARAPHE_SECRET_KEY": "x" * 40,
        "PARAPHE_DATA_DIR": str(tmp_path / "data"),
    }
    for words in (["upgrade"], ["version"], ["doctor", "--only", "programme"]):
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "les fichiers du programme sont là" in done.stdout
    (home / "tests").mkdir()
    (home / ".git").mkdir()
    assert premises.beside(home) == [".git", "tests"]


def test_a_program_that_lost_files_or_has_other_libraries_is_told(tmp_path: Path) -> None:
    home = tmp_path / "paraphe"
    for part in ("app", "migrations"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("*.pyc"))
    assert premises.files_of(home) == "les fichiers du programme sont là"
    for lost in ("app/people/templates", premises._STAMP, "app/static/vendor/bootstrap.min.css"):
        kept = (home / lost).rename(tmp_path / "kept")
        with pytest.raises(Unwell, match=f"{re.escape(lost)}.*remettez ceux de l’archive"):
            premises.files_of(home)
        kept.rename(home / lost)
    names = ("flask", "requests", "colorama-d-ailleurs")
    lock = "".join(f"{name}=={version(name)} \\\n    --hash=sha256:00\n" for name in names[:2])
    lock += f"{names[2]}==1.0 ; sys_platform == 'win32' \\\n"
    assert premises.libraries_of(lock) == "3 bibliothèques, celles de cette version"
    other = re.sub(r"^flask==\S+", "flask==0.0.1", lock, flags=re.MULTILINE)
    with pytest.raises(Unwell, match=r"flask .* au lieu de 0\.0\.1.*pip install --require-hashes"):
        premises.libraries_of(other)
    with pytest.raises(Unwell, match="inconnue-au-bataillon absente au lieu de 1.0"):
        premises.libraries_of(f"{lock}inconnue-au-bataillon==1.0 \\\n")


def test_every_command_makes_files_that_nobody_else_reads(tmp_path: Path) -> None:
    """The account of Paraphe alone, whatever the umask of who types."""
    env = {
        "PATH": os.environ["PATH"],
        "PARAPHE_SECRET_KEY": "a secret long enough for every installation",
        "PARAPHE_DATA_DIR": str(tmp_path / "données"),
    }
    made = subprocess.run(
        ["sh", "-c", f"umask 022 && exec {sys.executable} -m flask --app wsgi upgrade"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    for one in [tmp_path / "données", *(tmp_path / "données").rglob("*")]:
        assert not one.stat().st_mode & 0o077, one
