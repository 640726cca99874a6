"""`flask --app wsgi collectivity export | diff | apply`: a collectivity as one file, without any secret."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from flask.cli import AppGroup

from app.core.db import reading
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.declared.applying import apply_document, foreseen
from app.operations.declared.document import MOST_BYTES, Document, read, write
from app.operations.declared.present import Change, changes, hidden, present, restored
from app.people.applications import by_command
from app.people.desks import collectivity_of

collectivity_group = AppGroup(
    "collectivity", help="Une collectivité en un fichier : exporter, comparer, appliquer."
)
FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@collectivity_group.command("export")
@click.argument("siren")
def export(siren: str) -> None:
    """Écrire sur la sortie personnes, bureaux, types, circuits, règles et réglages ; aucun secret n’y est."""
    with reading() as db:
        document = present(db, collectivity_of(db, siren).id)
    click.echo(write(hidden(document)), nl=False)


@collectivity_group.command("diff")
@click.argument("siren")
@FILE
def diff(siren: str, file: Path) -> None:
    """Dire ce qu’appliquer ce fichier changerait, et arrêterait ; sort par 1 dès qu’il changerait quelque chose."""
    document = read(_bytes(file))
    with reading() as db:
        collectivity_id = collectivity_of(db, siren).id
        current = present(db, collectivity_id)
    differences = changes(current, restored(current, document))
    for change in differences:
        click.echo(_line(change))
    changed = any(not change.here_alone for change in differences)
    for sentence in _stops(collectivity_id, document) if changed else ():
        click.echo(f"! {sentence}")
    sys.exit(1 if changed else 0)


def _stops(collectivity_id: int, document: Document) -> Sequence[str]:
    """What applying the file would stop, or why it would be refused."""
    try:
        return foreseen(by_command(collectivity_id), document)
    except Refusal as refusal:
        return (sentences.say(refusal.key, refusal.facts)[1],)


@collectivity_group.command("apply")
@click.argument("siren")
@FILE
@click.option(
    "--without-invitation", is_flag=True, help="Ouvrir les comptes sans envoyer de courriel d’invitation."
)
@click.option(
    "--malgre",
    metavar="MOTIF",
    default="",
    help="Écrire bien que quelque chose s’arrête, pour ce motif, que le journal garde. "
    "Sans elle, rien n’est écrit dès que quelque chose s’arrêterait.",
)
def apply_file(siren: str, file: Path, *, without_invitation: bool, malgre: str) -> None:
    """Écrire tout ce que dit ce fichier, ou rien ; ce qu’il ne nomme pas reste."""
    document = read(_bytes(file))
    with reading() as db:
        collectivity_id = collectivity_of(db, siren).id
    applied = apply_document(
        by_command(collectivity_id), document, invite=not without_invitation, reason=malgre
    )
    for change in applied.changed:
        click.echo(_line(change))
    click.echo("Rien à changer." if not applied.changed else "Appliqué.")
    for label, drawn in applied.drawn.items():
        click.echo(f"{label}, affiché une seule fois : {drawn}")


def _bytes(file: Path) -> bytes:
    if file.stat().st_size > MOST_BYTES:
        raise Refusal("declared-large", most=MOST_BYTES // 1_000_000)
    return file.read_bytes()


def _line(change: Change) -> str:
    if change.here_alone:
        return f"  {change.where} : {change.current}, ici seulement (laissé)"
    before = f" (avant : {change.current})" if change.current else ""
    return f"{'~' if change.current or change.whole else '+'} {change.where} : {change.file}{before}"
