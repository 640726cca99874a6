"""The whole chain of a collectivity as a file, with the one-file program that judges it without us (PRV-01)."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core.db import Db, reading
from app.core.grammar import de
from app.core.refusals import Refusal
from app.journal import checker
from app.journal.anchors import place as of_place
from app.journal.chain import GENESIS, entries, one_moment
from app.journal.models import ChainHead
from app.journal.origins import KEPT_APART

NAMES = ("seq", *checker.FIELDS, "previous", "hash")
CHECKER = "verifier_journal.py"
README = "LISEZMOI.txt"
WORDS = """Journal {whose}, SIREN {siren}, exporté le {at} (UTC) par Paraphe.

{journal} : une écriture par ligne (JSON), dans l’ordre, avec tout ce que son empreinte couvre.
{checker} : le programme qui le vérifie, en un fichier lisible, sans rien installer :

    python3 {checker} {journal}

Il nomme la première écriture modifiée, manquante, ajoutée ou déplacée. Qui pourrait réécrire toute la base pourrait aussi
refaire toute la chaîne : comparez avec les repères notés ailleurs (« journal head »), s’il y en a :

    python3 {checker} {journal} --reperes reperes.txt

L’adresse d’où chacun agissait est à côté de son écriture (« origin »), qui n’en couvre que l’empreinte salée. Elle s’efface
après le délai de l’installation : l’écriture reste, une autre dit quand. Les écritures d’avant cette séparation portent
l’adresse dans leurs faits : elle ne peut plus en être ôtée sans rompre la chaîne.

Ce fichier contient des données personnelles : gardez-le comme le journal lui-même.
"""


def lines(db: Db, collectivity_id: int, moment: datetime) -> Iterator[str]:
    """The export, line by line: what it is, each entry, then the head of the chain; one moment of the journal.

    Give it a session that has read nothing yet.
    """
    one_moment(db)
    siren = db.scalar(sa.select(of_place.c.siren).where(of_place.c.id == collectivity_id))
    yield _line(
        {"format": checker.FORMAT, "collectivity": collectivity_id, "siren": siren, "at": _utc(moment)}
    )
    with closing(entries(db, collectivity_id)) as rows:
        for row in rows:
            yield _line({name: getattr(row, name) for name in NAMES} | _origin(row))
    query = sa.select(ChainHead.seq, ChainHead.hash).where(ChainHead.collectivity_id == collectivity_id)
    seq, hashed = db.execute(query).one_or_none() or (0, GENESIS)
    yield _line({"head": {"seq": seq, "hash": hashed}})


def export(collectivity_id: int, folder: Path, moment: datetime) -> Path:
    """Write the journal, its checker and how to use them in `folder`, for their owner's eyes only; the journal's path.

    Refuses `journal-unknown`, and `export-there` rather than write over a file of before. A file that could not be
    written whole is not there.
    """
    with reading() as db:
        query = sa.select(of_place.c.siren, of_place.c.name).where(of_place.c.id == collectivity_id)
        place = db.execute(query).one_or_none()
    if place is None:
        raise Refusal("journal-unknown", collectivity=collectivity_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"journal-{place.siren}.jsonl"
    readme = WORDS.format(
        whose=de(place.name), siren=place.siren, at=_utc(moment), journal=target.name, checker=CHECKER
    )
    texts = {
        folder / CHECKER: Path(checker.__file__).read_text(encoding="utf-8"),
        folder / README: readme,
    }
    # Under its name only when it is whole: a part of a journal would be judged as one that was cut.
    partial = target.with_suffix(".partial")
    if there := [path.name for path in (target, partial, *texts) if path.exists()]:
        raise Refusal("export-there", folder=str(folder), names=", ".join(there))
    written: list[Path] = []
    try:
        with (
            _private(partial, written) as file,
            reading() as db,
        ):  # one moment: this session has read nothing yet
            for line in lines(db, collectivity_id, moment):
                file.write(line)
        for path, text in texts.items():
            with _private(path, written) as file:
                file.write(text)
        partial.rename(target)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return target


def _origin(row: Any) -> dict[str, Any]:
    """From where the act came, where it is kept beside the line."""
    columns = ("salt", *KEPT_APART)
    return {} if row.salt is None else {"origin": {name: getattr(row, name) for name in columns}}


def _private(path: Path, written: list[Path]) -> Any:
    # O_EXCL: a link put there meanwhile is not written through; 0600: it holds personal data.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    written.append(path)
    return os.fdopen(handle, "w", encoding="utf-8", newline="\n")


def _line(values: dict[str, Any]) -> str:
    # The text of `facts` is exported as it was hashed, inside a JSON string: it is not written anew.
    return json.dumps(values, ensure_ascii=False) + "\n"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
