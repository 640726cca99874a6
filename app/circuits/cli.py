"""`flask --app wsgi families`: the families of documents that the house knows, found by walking their folders."""

import click

from app.circuits.library import catalogue


@click.command("families")
def families_command() -> None:
    """Lister les types de dossiers."""
    for family in catalogue().values():
        stages = " → ".join(stage.label for stage in family.stages)
        click.echo(
            f"{family.name:14} {family.label:14} {len(family.fields):2} champs, {len(family.circuit.steps)} étapes, "
            f"obligatoires : {stages}"
        )


COMMANDS = (families_command,)
