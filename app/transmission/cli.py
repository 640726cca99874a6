"""`flask --app wsgi channels`: the carriers that the house has, found by walking their folders."""

import click

from app.transmission.channels import names, open_channel


@click.command("channels")
def channels_command() -> None:
    """Lister les canaux."""
    for name in names():
        channel = open_channel(name)
        click.echo(f"{name:14} {channel.label}{' (simulation)' if channel.simulated else ''}")


COMMANDS = (channels_command,)
