"""`flask --app wsgi handover address | forget`: a collectivity's own address for hand-overs."""

import secrets
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app.channels.handover import own
from app.channels.handover.settings import HandoverSettings


@click.group("handover")
def handover() -> None:
    """L’adresse de remise propre à une collectivité."""


@handover.command("address")
@click.argument("siren")
@click.argument("url")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Fichier qui tient le secret ; sans lui, un secret est tiré au hasard et affiché une seule fois.",
)
@with_appcontext
def address(siren: str, url: str, secret_file: Path | None) -> None:
    """Remettre désormais les dossiers d’une collectivité à cette adresse (https), signés de ce secret."""
    secret = secret_file.read_text(encoding="utf-8").strip() if secret_file else secrets.token_urlsafe(32)
    own.set_address(siren, url, secret, HandoverSettings.read(current_app.config["PARAPHE"]))
    click.echo(f"Les remises de {siren} partent vers {url}.")
    if secret_file is None:
        click.echo(f"Secret, affiché une seule fois : {secret}")


@handover.command("forget")
@click.argument("siren")
@with_appcontext
def forget(siren: str) -> None:
    """Revenir à l’adresse, ou au dossier, de l’installation."""
    own.forget_address(siren)
    click.echo(f"Les remises de {siren} suivent les réglages de l’installation.")


COMMANDS = (handover,)
