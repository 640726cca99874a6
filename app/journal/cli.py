"""`flask --app wsgi journal verify`: recompute every chain, and fail on the first line that does not hold."""

import sys

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from app.core.db import reading
from app.core.outbox import Outbox
from app.journal.chain import Break, verify
from app.journal.models import ChainHead, JournalEntry

journal = AppGroup("journal", help="Le journal chaîné.")


@journal.command("verify")
@click.option("--collectivity", type=int, default=None, help="Numéro d’une collectivité ; toutes par défaut.")
def verify_command(collectivity: int | None) -> None:
    """Vérifier la chaîne ; sort en erreur à la première ligne altérée, manquante, ajoutée ou déplacée."""
    with reading() as db:
        known = sa.union(
            sa.select(ChainHead.collectivity_id),
            sa.select(JournalEntry.collectivity_id),
            # A journal emptied with its head leaves these behind: every move writes both.
            sa.select(Outbox.collectivity_id).where(Outbox.folder_id.is_not(None)),
        )
        chains = sorted(db.scalars(known))
    if collectivity is not None and collectivity not in chains:
        raise click.ClickException(f"aucun journal pour la collectivité {collectivity}")
    failed = False
    for one in chains if collectivity is None else [collectivity]:
        with reading() as db:
            count, broken = verify(db, one)
        if broken is None and count == 0:
            broken = Break(one, 1, "toutes les lignes ont disparu")
        if broken:
            failed = True
            click.echo(
                f"Collectivité {one} : journal altéré à l’écriture n° {broken.seq} : {broken.sentence}."
            )
        else:
            click.echo(f"Collectivité {one} : journal intact, {count} écriture{'s' if count > 1 else ''}.")
    if failed:
        sys.exit(1)


COMMANDS = (journal,)
