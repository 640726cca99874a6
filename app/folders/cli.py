"""`flask --app wsgi words`: the words of what was deposited before, for the search."""

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from app.core.db import LARGEST_KEY, reading
from app.core.grammar import et_autres, plural
from app.folders.words import index_all
from app.people.models import Collectivity

TOLD, TOLD_LEFT = 500, 20


@click.command("words")
@click.option("--again", is_flag=True, help="Même les dossiers qui sont déjà indexés.")
@click.option(
    "--below", type=int, default=LARGEST_KEY, help="Reprendre sous ce numéro de dossier (avec --again)."
)
@with_appcontext
def words(*, again: bool, below: int) -> None:
    """Indexer les mots des documents pour la recherche, du dernier dossier au premier.

    On peut l’arrêter et la relancer : sans « --again », elle reprend où elle en était. Avec, elle relit aussi les scans : une
    fois Tesseract installé, ils se trouvent par leurs mots.
    """
    with reading() as db:
        here = list(db.scalars(sa.select(Collectivity.id).order_by(Collectivity.id)))
    done = unread = 0
    left: list[int] = []
    for collectivity_id in here:
        for number, failed in index_all(collectivity_id, below, again=again):
            done, unread = done + 1, unread + bool(failed)
            if failed is None:
                left.append(number)
            if done % TOLD == 0:
                click.echo(f"{plural(done, 'dossier')}, le dernier a le numéro {number}")
    click.echo(f"Fini : {plural(done, 'dossier')}, dont {unread} avec un fichier illisible.")
    if left:
        some = ", ".join(map(str, left[:TOLD_LEFT])) + et_autres(len(left) - TOLD_LEFT)
        click.echo(f"{plural(len(left), 'dossier')} sans index, à relancer : {some}.")
        raise SystemExit(1)


COMMANDS = (words,)
