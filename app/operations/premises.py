"""The machine under the installation: room on its disks, who may read its files, the program's own files, what it needs."""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from app.core.french import HARD
from app.core.grammar import et_autres
from app.core.refusals import Refusal
from app.core.waking import heard
from app.files import ocr
from app.files.antivirus import PIECE, Scanner, SilentError, TooLargeError
from app.files.office import SECONDS, OfficeConverter, alone
from app.invoices.rules import checking
from app.invoices.rules.telling import WHY
from app.operations.findings import Level, Remark, Unwell, in_service
from app.people import breached
from app.transmission.s2low.settings import S2lowSettings
from config import Settings, secrets_in_clear

ROOT = Path(__file__).resolve().parents[2]
LOCK = "docs/deploy/requirements.lock"
FOR_MAKERS = ("bench", "demo", "deploy", "tests")
"""Folders of the code that a production does without, as the container does."""
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
"""The harmless file by which scanners are tried (eicar.org); in two parts, so that none names this one."""
_STAMP = "app/pdf/fonts/paraphe-stamp.ttf"
_OTHERS_READ, _OTHERS_ENTER = 0o007, 0o001
_RTF = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 Essai de conversion.\par}"
_MANY = 3


def space(settings: Settings) -> str:
    """The disks of the data and of the documents keep the room that the settings ask for."""
    least = settings.disk_free_mb * 1024 * 1024
    places = {str(place): shutil.disk_usage(place).free for place in _places(settings)}
    scarce = {place: free for place, free in places.items() if free < least}
    if scarce:
        listed = " ; ".join(f"{place} : {_room(free)}" for place, free in scarce.items())
        raise Unwell(
            f"le disque est presque plein ({listed}, il en faut {_room(least)}, PARAPHE_DISK_FREE_MB) : faites de la place "
            "avant que les dépôts ne soient refusés"
        )
    return f"{_room(min(places.values()))} libres"


def _room(size: int) -> str:
    return f"{size / 2**30:.1f}{HARD}Go".replace(".", ",")


def _places(settings: Settings) -> Iterator[Path]:
    yield Path(settings.data_dir)
    yield from _folder_of(settings.store_url)
    yield from (path.parent for path in _sqlite(settings.database_url))


def _folder_of(url: str) -> Iterator[Path]:
    parts = urlsplit(url)
    place = Path(unquote(parts.netloc + parts.path))
    if parts.scheme == "file" and place.is_dir():
        yield place


def _sqlite(url: str) -> Iterator[Path]:
    """The file of a database in a file, and what SQLite writes beside it."""
    if url.startswith("sqlite:///"):
        name = url.removeprefix("sqlite:///")
        yield from (path for path in map(Path, (name, f"{name}-wal", f"{name}-shm")) if path.is_file())


def at_rest(settings: Settings) -> str | Remark:
    """The disks of the data, of a base in a file and of documents in a folder are encrypted, as `docs/security.md` asks."""
    if settings.disks_encrypted:
        return "chiffrés hors de cette machine, d’après PARAPHE_DISKS_ENCRYPTED"
    bare = sorted({str(place) for place in _places(settings) if not encrypted(place)})
    if not bare:
        return "chiffrés (dm-crypt)"
    if not in_service(settings):
        return Remark("rien n’est en service ici", Level.NONE)
    return Remark(
        f"{', '.join(bare[:_MANY])}{et_autres(len(bare) - _MANY)} : aucun chiffrement n’est vu ; mettez-les sur un disque "
        "chiffré (LUKS), ou réglez PARAPHE_DISKS_ENCRYPTED=true si l’hyperviseur ou la baie s’en charge",
        Level.AMBER,
    )


def encrypted(place: Path, system: Path = Path("/sys")) -> bool:
    """Whether all that this place stands on is encrypted by the kernel (dm-crypt), whatever lies between, such as LVM."""
    number = place.stat().st_dev
    return _sealed(system / "dev/block" / f"{os.major(number)}:{os.minor(number)}")


def _sealed(node: Path) -> bool:
    try:
        if (node / "dm/uuid").read_text().startswith("CRYPT-"):
            return True
    except OSError:
        return False  # a plain disk, or what the kernel does not say: a share, a container's own layers
    below = list((node / "slaves").glob("*"))
    return bool(below) and all(map(_sealed, below))


def rights(settings: Settings) -> str | Remark:
    """Not every account of this machine reads a secret, the database, the documents or the marks, nor does a copy of `.env`."""
    open_to_all = [str(path) for path in _private(settings) if _exposed(path)]
    if open_to_all:
        several = len(open_to_all) > 1
        more = et_autres(len(open_to_all) - _MANY)
        raise Unwell(
            f"{', '.join(open_to_all[:_MANY])}{more} {'sont ouverts' if several else 'est ouvert'} à tous les comptes de la "
            "machine : « chmod go= » sur chacun"
        )
    if in_service(settings) and (clear := secrets_in_clear()):
        return Remark(
            f"des secrets sont en clair dans .env ({', '.join(clear[:_MANY])}{et_autres(len(clear) - _MANY)}) : mettez-les sous "
            "clé par systemd-creds (« Secrets sous clé », docs/operations.md)",
            Level.AMBER,
        )
    return "ni les données ni les secrets ne sont ouverts à tous les comptes de la machine"


def _private(settings: Settings) -> Iterator[Path]:
    yield from (Path(".env").absolute(), Path(settings.data_dir))
    yield from _folder_of(settings.store_url)
    for url in (settings.database_url, settings.rate_limit_url):
        yield from _sqlite(url)
    yield from (path for path in (settings.seal_p12, settings.seal_pkcs11_pin_file) if path is not None)
    home = S2lowSettings.read(settings).folder
    yield from (*home.glob("*/client.pem"), *home.glob("*/compte"))


def _exposed(path: Path) -> bool:
    """Whether accounts that are neither its owner nor of its group reach it: its own rights, and those of all above it."""
    try:
        return bool(path.stat().st_mode & _OTHERS_READ) and all(
            folder.stat().st_mode & _OTHERS_ENTER for folder in path.resolve().parents
        )
    except OSError:
        return False  # what is not there exposes nothing; what cannot be read is another check's


def antivirus(settings: Settings) -> str:
    """The scanner names the harmless file made to try it, finds nothing in a plain one, and looks at the heaviest deposit."""
    scanner = Scanner(settings.antivirus_url, settings.antivirus_seconds)
    try:
        name, plain = scanner.named([EICAR]), scanner.named([b"Un texte sans rien."])
        heavy = scanner.named(repeat(bytes(PIECE), settings.upload_limit // PIECE))
    except TooLargeError as large:
        raise Unwell(
            f"l’antivirus n’examine pas un dépôt de {settings.upload_limit_mb} Mio (PARAPHE_UPLOAD_LIMIT_MB) : élevez "
            "StreamMaxLength, MaxFileSize et MaxScanSize dans clamd.conf, ou abaissez la taille des dépôts"
        ) from large
    except SilentError as silent:
        rest = "les dépôts sont refusés" if settings.antivirus_required else "les dépôts ne sont pas examinés"
        raise Unwell(
            f"l’antivirus ne répond pas ({silent}) : {rest} ; vérifiez PARAPHE_ANTIVIRUS_URL et que clamd tourne"
        ) from silent
    if name is None:
        raise Unwell(
            "l’antivirus laisse passer le fichier d’essai EICAR : ses signatures manquent ; lancez freshclam, puis clamd"
        )
    if plain is not None or heavy is not None:
        raise Unwell(
            f"l’antivirus reconnaît « {plain or heavy} » dans un fichier sans rien : vérifiez ses signatures"
        )
    return f"reconnaît le fichier d’essai ({name}) et laisse passer un texte, jusqu’à {settings.upload_limit_mb}{HARD}Mio"


def program(settings: Settings) -> str | Remark:
    """The files that pages and stamps are made of are there; those of the browser are the ones that were released."""
    there = files_of(ROOT)
    if in_service(settings) and not settings.simulators and (more := beside(ROOT)):
        return Remark(
            f"{there} ; ne servent qu’à qui écrit ou essaie Paraphe, et sont à ôter de {ROOT} : {', '.join(more)}",
            Level.AMBER,
        )
    return there


def beside(root: Path) -> list[str]:
    """What no installation needs (ASVS 15.2.3) and this one has, with the history of the code."""
    return [name for name in (".git", *FOR_MAKERS) if (root / name).exists()]


def files_of(root: Path) -> str:
    """The same, for a program that is installed in `root`."""
    lost = [name for name in _needed(root) if not _there(root / name)]
    vendor = root / "app/static/vendor"
    if (vendor / "SHA256SUMS").is_file():
        for line in (vendor / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
            digest, name = line.split(maxsplit=1)
            file = vendor / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
                lost.append(f"app/static/vendor/{name}")
    if lost:
        more = et_autres(len(lost) - _MANY)
        raise Unwell(
            f"des fichiers du programme manquent ou ont été changés ({', '.join(lost[:_MANY])}{more}) : remettez ceux de "
            f"l’archive de cette version dans {root}"
        )
    return "les fichiers du programme sont là"


def _needed(root: Path) -> Iterator[str]:
    yield from ("app/templates/base.html", "app/static/vendor/SHA256SUMS", _STAMP, "migrations/env.py")
    for page in sorted((root / "app").rglob("web.py")):
        if 'template_folder="templates"' in page.read_text(encoding="utf-8"):
            yield (page.parent / "templates").relative_to(root).as_posix()


def _there(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def libraries(settings: Settings) -> str | Remark:
    """Each library is in the version that was released, and no other: the one that its bill of materials names.

    Where nobody else comes (a trial, a developer's machine) others are only said: newer ones are tried there first.
    """
    try:
        return libraries_of((ROOT / LOCK).read_text(encoding="utf-8"))
    except Unwell as other:
        if in_service(settings):
            raise
        return Remark(f"admis sur une machine d’essai : {other}", Level.AMBER)


def libraries_of(lock: str) -> str:
    """The same, for a lock: « name==version », one a line, perhaps for some systems only."""
    wanted = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)[ \t]*(?:;[ \t]*([^\\\n]+))?", lock, re.MULTILINE)
    other = [
        f"{name} {there or 'absente'} au lieu de {version}"
        for name, version, marker in wanted
        if (there := _installed(name)) != version and (there is not None or not marker.strip())
    ]
    if other:
        more = et_autres(len(other) - _MANY)
        raise Unwell(
            f"des bibliothèques ne sont pas celles de cette version ({', '.join(other[:_MANY])}{more}) : lancez "
            f"« {Path(sys.executable).parent}/pip install --require-hashes -r {LOCK} », puis redémarrez"
        )
    return f"{len(wanted)} bibliothèques, celles de cette version"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def office(settings: Settings, seconds: int = SECONDS) -> str | Remark:
    """A text is converted for real within so many seconds, where office files are taken in."""
    if not settings.office:
        return Remark("les fichiers bureautiques sont refusés (PARAPHE_OFFICE=false)", Level.NONE)
    converter = OfficeConverter.find()
    if converter is None:
        raise Unwell(
            "LibreOffice manque, les fichiers bureautiques sont refusés : installez libreoffice-writer-nogui, "
            "libreoffice-calc-nogui et libreoffice-impress-nogui, ou réglez PARAPHE_OFFICE=false"
        )
    with TemporaryDirectory(prefix="paraphe-doctor-") as name:
        room = Path(name)
        (room / "essai.rtf").write_bytes(_RTF)
        try:
            converter.convert(room / "essai.rtf", room, seconds=seconds)
        except Refusal as refusal:
            why = refusal.facts.get("reason", "il est occupé")
            raise Unwell(
                f"LibreOffice ne convertit pas un texte d’essai ({why}) : réinstallez-le, ou réglez PARAPHE_OFFICE=false"
            ) from refusal
    if not alone():
        return Remark(
            "un texte d’essai est converti, mais le noyau ne coupe pas le réseau à LibreOffice : permettez « unshare » au "
            "compte de Paraphe (espaces de noms d’utilisateur)",
            Level.AMBER if in_service(settings) else Level.GREEN,
        )
    return "un texte d’essai est converti, sans réseau"


def scans(_settings: Settings) -> str | Remark:
    """Tesseract reads French, where it is installed: scans are then found by their words."""
    path = ocr.program()
    if path is None:
        sentence = (
            "sans Tesseract, un scan se trouve par son titre et ses informations seuls : installez tesseract-ocr et "
            "tesseract-ocr-fra, puis lancez « words --again »"
        )
        return Remark(sentence, Level.NONE)
    if ocr.LANGUAGE not in ocr.languages(path):
        raise Unwell(
            "Tesseract est là sans le français, les scans ne se trouvent pas par leurs mots : installez tesseract-ocr-fra, "
            "puis lancez « words --again »"
        )
    return "ils se trouvent par leurs mots, reconnus par Tesseract"


def invoice_rules(_settings: Settings) -> str:
    """What holds e-invoices against the published rules starts, within its bounds."""
    release, why = checking.serving()
    if not release:
        raise Unwell(
            f"les règles des factures électroniques ne se vérifient pas ({WHY[why]}) : réinstallez saxonche, et laissez au "
            f"compte de Paraphe {checking.MEGABYTES} Mo de mémoire et des adresses sans borne (« ulimit -v »)"
        )
    return f"elles se vérifient, par {release.partition(' from ')[0]}"


def stolen_passwords(settings: Settings) -> str | Remark:
    """The file of passwords of known breaches is read, and is in the order that a search in it needs."""
    path = settings.breached_passwords
    if path is None:
        sentence = (
            "sans PARAPHE_BREACHED_PASSWORDS, seuls les plus courants sont refusés : donnez le fichier de « Have I Been "
            "Pwned », trié par empreinte SHA-1"
        )
        return Remark(sentence, Level.AMBER if in_service(settings) else Level.NONE)
    try:
        count = breached.sample(path)
    except (OSError, breached.StrangeFileError) as fault:
        reason = str(fault) if isinstance(fault, breached.StrangeFileError) else "il ne se lit pas"
        raise Unwell(
            f"le fichier des mots de passe volés ne sert pas ({reason}), seuls les plus courants sont refusés : remettez-le, "
            "trié par empreinte SHA-1, ou retirez PARAPHE_BREACHED_PASSWORDS"
        ) from fault
    return f"environ {count} sont refusés"


def waking(settings: Settings) -> str:
    """The base wakes the worker at each commit: what is said there is heard here."""
    if settings.database_url.startswith("sqlite"):
        return "le travail de fond voit chaque écriture dans le vingtième de seconde"
    connection = heard(settings.listen_url or settings.database_url)
    if connection is None:
        raise Unwell(
            "la base n’éveille pas le travail de fond, qui la regarde chaque seconde : si un répartiteur de connexions "
            "(PgBouncer) est entre les deux, donnez à PARAPHE_LISTEN_URL l’adresse du serveur lui-même"
        )
    connection.close()
    return "la base éveille le travail de fond à chaque écriture"


def unwritable(path: Path) -> str | None:
    """Why nothing can be written in a folder, or None; nothing is left there, nor is the folder made."""
    try:
        trial = path / f".essai-{os.getpid()}"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None
