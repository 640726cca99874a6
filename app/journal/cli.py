"""`flask --app wsgi journal verify`: recompute every chain, and fail on the first line that does not hold."""

import sys

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from app.core.db import reading
from app.journal.chain import verify
from app.journal.models import ChainHead, JournalEntry

journal = AppGroup("journal", help="Le journal chaîné.")


@journal.command("verify")
@click.option("--collectivity", type=int, default=None, help="Numéro d’une collectivité ; toutes par défaut.")
def verify_command(collectivity: int | None) -> None:
    """Vérifier la chaîne ; sort en erreur à la première ligne altérée, manquante, ajoutée ou déplacée."""
    with reading() as db:
        known = sa.union(sa.select(ChainHead.collectivity_id), sa.select(JournalEntry.collectivity_id))
        chains = [collectivity] if collectivity is not None else list(db.scalars(known))
        failed = False
        for one in sorted(chains):
            count, broken = verify(db, one)
            if broken:
                failed = True
                click.echo(
                    f"Collectivité {one} : journal altéré à l’écriture n° {broken.seq} : {broken.sentence}."
                )
            else:
                click.echo(f"Collectivité {one} : journal intact, {count} écritures.")
    if failed:
        sys.exit(1)


COMMANDS = (journal,)
