"""`flask --app wsgi backup | restore | resume | move-to`: copy the installation, put it back, let it speak, change its base.

Exit codes: 0 done and sound, 1 refused and nothing changed, 3 done, but something in it was lost or altered before.
"""

import shlex
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app.core.french import instant_preuve, taille
from app.core.grammar import et_autres, milliers
from app.operations.keeping.backup import backup
from app.operations.keeping.move import move
from app.operations.keeping.restore import Chain, Outline, Restored, restore, resume, survey

UNSOUND = 3
SHOWN = 10
"""Documents named on the screen; the manifest names them all."""


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encrypt", default="", help="Commande par laquelle passe la sauvegarde : « age -R cle.pub ».")
@with_appcontext
def backup_command(file: Path, encrypt: str) -> None:
    """Sauvegarder toute l’installation dans un fichier neuf, sans rien arrêter."""
    copied = backup(current_app.config["PARAPHE"], file, shlex.split(encrypt))
    click.echo(
        f"Sauvegarde faite : {file}. {_counts(copied.rows, copied.documents, copied.size, copied.files)}."
    )
    _tell_lost(copied.lost)


def _counts(rows: int, documents: int, size: int, files: int) -> str:
    """« 1 ligne, 12 documents (3 Mo), 4 fichiers à côté de la base »."""
    base = f"{_count(rows, 'ligne')}, {_count(documents, 'document')} ({taille(size)})"
    return f"{base}, {_count(files, 'fichier')} à côté de la base"


def _count(number: int, noun: str) -> str:
    return f"{milliers(number)} {noun if number < 2 else noun + 's'}"


def _tell_lost(lost: list[str]) -> None:
    """The documents that the store did not have any more when the copy was made; the command then fails."""
    if not lost:
        return
    plural = "s" if len(lost) > 1 else ""
    click.echo(
        f"{len(lost)} document{plural} de la base manqu{'ent' if plural else 'e'} au dépôt, ou "
        f"{'y sont altérés' if plural else 'y est altéré'} ; le reste est là. À retrouver dans une sauvegarde "
        "plus ancienne :"
    )
    for name in lost[:SHOWN]:
        click.echo(f"  {name}")
    if len(lost) > SHOWN:
        click.echo(f" {et_autres(len(lost) - SHOWN)}")
    sys.exit(UNSOUND)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--decrypt", default="", help="Commande qui la déchiffre : « age -d -i cle.txt ».")
@click.option("--check", is_flag=True, help="Lire et vérifier la sauvegarde, sans rien écrire.")
@with_appcontext
def restore_command(file: Path, decrypt: str, check: bool) -> None:
    """Remettre une sauvegarde à une place vide ; rien n’en part avant « resume »."""
    if check:
        outline = survey(file, shlex.split(decrypt))
        _tell_outline("Sauvegarde lue en entier : ses empreintes sont celles qui ont été écrites", outline)
        _tell_lost(outline.lost)
        return
    restored = restore(current_app.config["PARAPHE"], file, shlex.split(decrypt))
    _tell_outline("Sauvegarde remise, empreintes vérifiées", restored.outline)
    _tell_chains(restored.chains, restored.heads_fault)
    click.echo(
        "Rien ne part de cette installation, ni courriel ni transmission. Quand l’ancienne est arrêtée pour de bon : "
        'flask --app wsgi resume --words "…"'
    )
    _tell_doors(restored)
    _tell_lost(restored.outline.lost)
    if not restored.sound:
        sys.exit(UNSOUND)


def _tell_doors(restored: Restored) -> None:
    """What a copy brings back that may have been closed, or taken, since it was made."""
    click.echo(
        "Sessions et liens de mot de passe sont fermés : chacun se connecte de nouveau. Comptes, droits, mots de passe, "
        "doubles authentifications, certificats et jetons de logiciels sont ceux de la sauvegarde : refermez ce qui a été "
        "fermé depuis, avant d’ouvrir le service."
    )
    if restored.aside:
        click.echo(
            f"Remises au logiciel métier, mises à part sous {restored.aside_folder} : {milliers(restored.aside)}. Il ne les "
            "y prend pas : s’il lui en manque une, portez-la vous-même dans son dossier."
        )


def _tell_chains(chains: list[Chain], heads_fault: str | None) -> None:
    for chain in chains:
        state = f"altéré, {chain.fault}" if chain.fault else f"intact, {_count(chain.count, 'écriture')}"
        click.echo(f"Journal de {chain.siren} : {state}.")
    if heads_fault:
        click.echo(f"Le journal n’est pas celui d’où il vient : {heads_fault}.")


def _tell_outline(what: str, outline: Outline) -> None:
    click.echo(
        f"{what}. Faite le {instant_preuve(outline.at)} par la version {outline.version} ({outline.revision}) : "
        f"{_counts(outline.rows, outline.documents['count'], outline.documents['size'], outline.files)}."
    )


@click.command("resume")
@click.option("--words", "reason", required=True, help="Pourquoi cela peut repartir ; écrit au journal.")
@click.option(
    "--set-aside", is_flag=True, help="Arrêter d’abord ce qui attendait, à relancer un par un après examen."
)
@with_appcontext
def resume_command(reason: str, set_aside: bool) -> None:
    """Laisser repartir courriels et transmissions d’une installation restaurée."""
    count = resume(reason, aside=set_aside)
    click.echo(f"Les envois reprennent. Raison écrite au journal : {' '.join(reason.split())}")
    if set_aside:
        click.echo(f"Mis de côté, à examiner sous /administration : {milliers(count)}")


@click.command("move-to")
@click.argument("url")
@with_appcontext
def move_command(url: str) -> None:
    """Passer de SQLite à PostgreSQL, service arrêté ; l’ancienne base reste comme elle est."""
    moved = move(current_app.config["PARAPHE"].database_url, url)
    click.echo(
        f"{milliers(moved.rows)} lignes de {moved.tables} tables écrites, relues et comparées : "
        "comptes et empreintes sont les mêmes."
    )
    _tell_chains(moved.chains, moved.heads_fault)
    click.echo(
        "Mettez maintenant cette adresse dans PARAPHE_DATABASE_URL, et démarrez. "
        "L’ancienne base n’a pas changé : gardez-la, et ne la servez plus."
    )
    if not moved.sound:
        sys.exit(UNSOUND)


COMMANDS = (backup_command, restore_command, resume_command, move_command)
