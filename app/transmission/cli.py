"""`flask --app wsgi channels | parcels`: the carriers that the house has, and the very parcels made for them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask.cli import AppGroup, with_appcontext

from app.core.db import reading
from app.core.french import instant_preuve, taille
from app.transmission import sent
from app.transmission.channels import open_channel
from app.transmission.settings import declared, names, table


@click.command("channels")
@click.option("--settings", is_flag=True, help="donner aussi leurs réglages, en tableau")
def channels_command(*, settings: bool) -> None:
    """Lister les canaux."""
    for name in names():
        channel = open_channel(name)
        click.echo(f"{name:14} {channel.label}{' (simulation)' if channel.simulated else ''}")
    if settings:
        for model in declared().values():
            for setting, default, sense in table(model):
                click.echo(f"| `{setting}` | {default} | {sense} |")


parcels = AppGroup("parcels", help="Les envois d’un dossier, tels qu’ils ont été préparés, à l’octet.")
STATES = {sent.FRAMED: "refait au besoin de ses documents", sent.LIGHT: "refait de ses documents"}


@parcels.command("list")
@click.argument("folder", type=int)
@with_appcontext
def list_parcels(folder: int) -> None:
    """Lister les envois d’un dossier, par son numéro : nom, empreinte, et ce qui en est gardé."""
    with reading() as db:
        listed = sent.parcels_of(db, folder)
    for parcel in listed:
        left = f"parti le {instant_preuve(parcel.sent_at)}" if parcel.sent_at else "n’est pas parti"
        if parcel.simulated:
            left += " (FACTICE)"
        state = STATES.get(parcel.state, "gardé en entier")
        click.echo(
            f"{parcel.id:<8} {parcel.channel:10} {parcel.name}  SHA-256 {parcel.sha256}  {left}, {state}"
        )
    if not listed:
        click.echo("Rien n’est parti de ce dossier.")


@parcels.command("give")
@click.argument("folder", type=int)
@click.argument("number", type=int)
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def give_parcel(folder: int, number: int, file: Path) -> None:
    """Écrire dans un fichier neuf, à l’octet, un envoi d’un dossier ; son empreinte est comparée à celle du journal."""
    if file.exists():
        raise click.ClickException(f"{file} existe déjà : donnez un autre nom.")
    if not file.parent.is_dir():
        raise click.ClickException(f"le dossier {file.parent} n’existe pas : créez-le d’abord.")
    with reading() as db:
        parcel = sent.parcel(db, folder, number)
    # A room of its own until it is nobody else's to read: who else looks into this folder is not to see it being written
    with TemporaryDirectory(prefix=".paraphe-", dir=file.parent) as room:
        copy = Path(room) / "parcel"
        sent.fetch(parcel, copy)
        copy.chmod(0o600)
        copy.replace(file)
    click.echo(
        f"{file} : « {parcel.name} » ({taille(file.stat().st_size)}), tel qu’il a été préparé. Son empreinte est celle du "
        f"journal : SHA-256 {parcel.sha256}"
    )


COMMANDS = (channels_command, parcels)
