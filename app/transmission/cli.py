"""`flask --app wsgi channels`: the carriers that the house has, found by walking their folders."""

import click

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


COMMANDS = (channels_command,)
