"""`flask --app wsgi journal verify | head`: recompute every chain, and fail on the first line that does not hold.

Who can rewrite a whole base can make a chain that holds from its first line; what was noted elsewhere tells it apart.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from app.core.clock import now
from app.core.db import reading
from app.core.french import instant
from app.core.outbox import Outbox
from app.journal import anchors
from app.journal.beside import differences
from app.journal.chain import Break, clock_back, one_moment, verify
from app.journal.export import CHECKER, export
from app.journal.models import ChainHead, JournalEntry, Origin
from app.journal.origins import erasures

journal = AppGroup("journal", help="Le journal chaîné.")


@journal.command("verify")
@click.option(
    "--collectivity", default=None, help="SIREN (ou numéro) d’une collectivité ; toutes par défaut."
)
@click.option(
    "--state",
    is_flag=True,
    help="Comparer aussi la base et les fichiers à ce que le journal en dit (chaque document est relu).",
)
@click.option(
    "--against",
    type=click.File("r", encoding="utf-8"),
    default=None,
    help="Des lignes de « journal head », gardées ailleurs ; « - » les lit sur l’entrée.",
)
def verify_command(collectivity: str | None, against: Iterable[str] | None, *, state: bool) -> None:
    """Vérifier la chaîne ; sort en erreur à la première ligne altérée, manquante, ajoutée ou déplacée."""
    with reading() as db:
        known = sa.union(
            sa.select(ChainHead.collectivity_id),
            sa.select(JournalEntry.collectivity_id),
            sa.select(Origin.collectivity_id),
            # A journal emptied with its head leaves these behind: every move writes both.
            sa.select(Outbox.collectivity_id).where(Outbox.folder_id.is_not(None)),
        )
        chains = sorted(db.scalars(known))
        wanted = None if collectivity is None else anchors.number_of(db, collectivity)
    if wanted is not None and wanted not in chains:
        raise click.ClickException(f"aucun journal pour la collectivité {collectivity}")
    failed = False
    for number in chains if wanted is None else [wanted]:
        with reading() as db:
            count, broken = verify(db, number)
        if broken is None and count == 0:
            broken = Break(number, 1, "toutes les lignes ont disparu")
        if broken:
            failed = True
            click.echo(
                f"Collectivité {number} : journal altéré à l’écriture n° {broken.seq} : {broken.sentence}."
            )
        else:
            click.echo(f"Collectivité {number} : journal intact, {count} écriture{'s' if count > 1 else ''}.")
            _tell_erased(number)
        with reading() as db:
            for sentence in clock_back(db, number):
                click.echo(f"Collectivité {number} : {sentence}.")
        if state:
            failed |= _differs(number)
    if against is not None:
        failed |= _disagrees(against)
    if failed:
        sys.exit(1)


def _tell_erased(collectivity_id: int) -> None:
    """Say up to where the addresses went at their term, if any did, for each term that was ever said."""
    with reading() as db:
        known = erasures(db, collectivity_id)
    for days in sorted({erasure.days for erasure in known}):
        last = [erasure for erasure in known if erasure.days == days][-1]
        click.echo(
            f"Collectivité {collectivity_id} : adresses effacées jusqu’à l’écriture n° {last.upto}, "
            f"{instant(last.at)}, après {days} jour{'s' if days > 1 else ''}."
        )


def _differs(collectivity_id: int) -> bool:
    """Say each thing that is not as the journal tells it, or that all of it is."""
    count = 0
    with reading() as db:
        one_moment(db)
        for count, sentence in enumerate(differences(db, collectivity_id), start=1):  # noqa: B007 - told below
            click.echo(f"Collectivité {collectivity_id} : {sentence}.")
    if not count:
        click.echo(f"Collectivité {collectivity_id} : la base et les fichiers sont ce que le journal en dit.")
    return bool(count)


def _disagrees(against: Iterable[str]) -> bool:
    """Say the first line that no longer agrees, or how many do."""
    with reading() as db:
        agreed, fault = anchors.compare(db, against)
    if fault:
        click.echo(f"Repères : {fault}.")
    elif not agreed:
        click.echo("Repères : aucune ligne à comparer.")
    else:
        click.echo(f"Repères : {agreed} ligne{'s' if agreed > 1 else ''}, le journal les porte encore.")
    return bool(fault) or not agreed


@journal.command("head")
def head_command() -> None:
    """Écrire la tête de chaque chaîne, une ligne par collectivité, à garder ailleurs que sur ce serveur."""
    with reading() as db:
        for head in anchors.heads(db, now()):
            click.echo(head)


@journal.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--collectivity", required=True, help="SIREN (ou numéro) de la collectivité.")
def export_command(folder: Path, collectivity: str) -> None:
    """Écrire le journal d’une collectivité dans un dossier, avec le programme qui le vérifie sans Paraphe."""
    with reading() as db:
        number = anchors.number_of(db, collectivity)
    written = export(number, folder, now())
    click.echo(f"Journal écrit : {written}. À vérifier par : python3 {folder / CHECKER} {written}")


COMMANDS = (journal,)
