"""The mark of each day, mailed to who keeps it outside: the same bytes as on disk, and the token over them.

One letter a day for the installation, through the ordinary outbox: tried for days, the same Message-ID at each try, silent
while a restoration is held.
"""

from base64 import b64decode, b64encode
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import jour_long, spaces
from app.core.outbox import Hopeless, Needless, News, Row, handles, lasts, post
from app.core.transaction import use_case
from app.notices import mailer
from app.notices.letter import message_id
from app.operations import marks
from app.people.models import Collectivity
from config import Settings

KIND = "mark.mail"
_WORDS = """Voici le repère du journal de Paraphe, pris le {day} sur {place} :
la dernière écriture de chaque collectivité{dated}.

Gardez ce courriel là où ni la mairie ni l’hébergeur ne peuvent l’effacer. Il ne contient ni dossier, ni nom de personne.
Le jour où l’on doute du journal, enregistrez ses pièces jointes dans un dossier vide, puis :

    flask --app wsgi marks verify DOSSIER

ou, sans Paraphe, avec l’export du journal :

    python3 verifier_journal.py journal-SIREN.jsonl --reperes {name}

Ce courriel part tout seul, une fois par jour. Le jour où il n’arrive plus, demandez pourquoi à qui exploite Paraphe.
"""


@use_case
def announce(db: Db, path: Path) -> None:
    """Write the letter of a mark that was just taken; nothing while there is no collectivity, and so no journal."""
    collectivity_id = db.scalar(sa.select(sa.func.min(Collectivity.id)))
    if collectivity_id is None:
        return
    beside = path.with_name(f"{path.name}{marks.BESIDE}")
    files = {file.name: b64encode(file.read_bytes()).decode() for file in (path, beside) if file.is_file()}
    post(db, collectivity_id, [News(KIND, f"mark {path.name}", {"files": files})])


def plug(settings: Settings) -> None:
    """Register the kind of row, once for the process."""
    lasts(KIND, settings.mail_days)

    @handles(KIND)
    def _posted(row: Row) -> None:
        if not settings.marks_mail:
            raise Needless("plus aucune adresse (PARAPHE_MARKS_MAIL) : le repère reste sur le disque")
        if not settings.mail_url:
            raise Hopeless("aucun serveur de courriel n’est configuré (PARAPHE_MAIL_URL)")
        mailer.send(parseaddr(settings.marks_mail)[1], letter(row, settings), settings)


def letter(row: Row, settings: Settings) -> EmailMessage:
    """The letter of a row; its files as they are on disk, in base64 so that no relay touches an end of line."""
    files: dict[str, str] = row.payload["files"]
    name = next(iter(files))
    day = jour_long(row.created_at.date())
    dated = ", datée par l’autorité d’horodatage (.tsr)" if len(files) > 1 else ""
    message = EmailMessage()
    message["Subject"] = spaces(f"Paraphe : repère du journal du {day}")
    shown, address = parseaddr(settings.mail_from)
    message["From"] = Address(shown, addr_spec=address)
    shown, address = parseaddr(settings.marks_mail)
    message["To"] = Address(shown, addr_spec=address)
    message["Date"] = format_datetime(row.created_at)
    message["Message-ID"] = message_id(row.key, settings.public_url)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message.set_content(spaces(_WORDS.format(day=day, place=settings.public_url, dated=dated, name=name)))
    for filename, data in files.items():
        message.add_attachment(
            b64decode(data), maintype="application", subtype="octet-stream", filename=filename
        )
    return message
