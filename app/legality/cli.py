"""`flask --app wsgi convention suspend | resume`: what the prefect decides about a collectivity's convention."""

from datetime import date, datetime

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from app.core.db import reading
from app.legality import on_paper
from app.people.actor import Actor, system
from app.people.models import Collectivity


@click.group("convention")
def convention() -> None:
    """Suspendre ou rétablir la télétransmission d’une collectivité."""


@convention.command("suspend")
@click.argument("siren")
@click.option(
    "--since", required=True, type=click.DateTime(["%Y-%m-%d"]), help="jour où la suspension commence"
)
@click.option("--order", required=True, help="référence de l’arrêté du préfet")
@with_appcontext
def suspend(siren: str, since: datetime, order: str) -> None:
    """Ne plus rien transmettre : les actes attendent, ou partent sur papier."""
    day: date = since.date()
    on_paper.suspend(_administration(siren), day, order)
    click.echo(f"Convention suspendue depuis le {day:%d/%m/%Y} ({order}).")


@convention.command("resume")
@click.argument("siren")
@with_appcontext
def resume(siren: str) -> None:
    """Transmettre de nouveau : ce qui attendait part."""
    on_paper.resume(_administration(siren))
    click.echo("Convention rétablie.")


def _administration(siren: str) -> Actor:
    with reading() as db:
        collectivity_id = db.scalar(sa.select(Collectivity.id).where(Collectivity.siren == siren))
    if collectivity_id is None:
        raise click.ClickException(f"aucune collectivité n’a le SIREN {siren}")
    return system(collectivity_id, "ligne de commande")


COMMANDS = [convention]
