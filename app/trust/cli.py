"""`flask --app wsgi trust-lists`: fetch the trusted lists of Europe now instead of next night."""

import click

from app.trust import authorities


@click.command("trust-lists")
def trust_lists() -> None:
    """Relever, vérifier et garder les listes de confiance ; une liste refusée ne change rien et fait échouer."""
    from app.trust.network import UnreachableError
    from app.trust.trust_lists import ListRefusedError

    try:
        count = authorities.refresh_lists()
    except (UnreachableError, ListRefusedError) as error:
        raise click.ClickException(
            f"Les listes de confiance n’ont pas changé : {error}. Vérifiez l’adresse et le réseau, puis recommencez."
        ) from error
    print(f"Listes de confiance à jour : {count} certificats d’autorités reconnus.")


COMMANDS = (trust_lists,)
