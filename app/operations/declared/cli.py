"""`flask --app wsgi collectivity export | diff | apply`: a collectivity as one file, without any secret."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from app.core.db import reading
from app.core.refusals import Refusal
from app.operations.declared.applying import apply_document
from app.operations.declared.document import MOST_BYTES, read, write
from app.operations.declared.present import Change, changes, present
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
    click.echo(write(document), nl=False)


@collectivity_group.command("diff")
@click.argument("siren")
@FILE
def diff(siren: str, file: Path) -> None:
    """Dire ce qu’appliquer ce fichier changerait ; sort par 1 dès qu’il changerait quelque chose."""
    document = read(_bytes(file))
    with reading() as db:
        found = changes(present(db, collectivity_of(db, siren).id), document)
    for one in found:
        click.echo(_line(one))
    sys.exit(1 if any(not one.here_alone for one in found) else 0)


@collectivity_group.command("apply")
@click.argument("siren")
@FILE
@click.option(
    "--without-invitation", is_flag=True, help="Ouvrir les comptes sans envoyer de courriel d’invitation."
)
def apply_file(siren: str, file: Path, *, without_invitation: bool) -> None:
    """Écrire tout ce que dit ce fichier, ou rien ; ce qu’il ne nomme pas reste."""
    document = read(_bytes(file))
    with reading() as db:
        here = collectivity_of(db, siren).id
    applied = apply_document(by_command(here), document, invite=not without_invitation)
    for one in applied.changed:
        click.echo(_line(one))
    click.echo("Rien à changer." if not applied.changed else "Appliqué.")
    for label, drawn in applied.drawn.items():
        click.echo(f"{label}, affiché une seule fois : {drawn}")


def _bytes(file: Path) -> bytes:
    if file.stat().st_size > MOST_BYTES:
        raise Refusal("declared-large", most=MOST_BYTES // 1_000_000)
    return file.read_bytes()


def _line(one: Change) -> str:
    if one.here_alone:
        return f"  {one.where} : {one.here}, ici seulement (laissé)"
    return f"{'~' if one.here or one.whole else '+'} {one.where} : {one.file}{f' (avant : {one.here})' if one.here else ''}"
