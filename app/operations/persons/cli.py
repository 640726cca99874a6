"""`flask --app wsgi person export | reduce`: what is kept about somebody, and what is left of him once he is gone."""

import os
from pathlib import Path

import click
from flask.cli import AppGroup

from app.core.db import reading
from app.core.refusals import Refusal
from app.operations.persons import reducing
from app.operations.persons.giving import give
from app.people.desks import collectivity_of

person = AppGroup("person", help="Ce qui est gardé d’une personne : l’exporter, le réduire après son départ.")


def _number_of(siren: str) -> int:
    with reading() as db:
        return collectivity_of(db, siren).id


@person.command("export")
@click.argument("siren")
@click.argument("login")
@click.argument("file", type=click.Path(path_type=Path))
def export(siren: str, login: str, file: Path) -> None:
    """Écrire tout ce qui est gardé d’une personne dans un fichier neuf (JSON), que vous seul lisez."""
    collectivity_id = _number_of(siren)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refusal("person-file-there", name=str(file)) from None
    except OSError as error:
        raise Refusal("person-file", name=str(file), why=error.strerror or "") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as target:
            target.write(give(collectivity_id, login, whole=True))
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    click.echo(
        f"Écrit : {file}. Il contient des données personnelles : remettez-le à cette personne, puis effacez-le."
    )


@person.command("reduce")
@click.argument("siren")
@click.argument("login")
def reduce(siren: str, login: str) -> None:
    """Ôter d’un compte fermé ce dont aucune preuve n’a besoin."""
    left = reducing.reduce_account(_number_of(siren), login)
    click.echo(f"Compte réduit : {reducing.in_words(left)}")
