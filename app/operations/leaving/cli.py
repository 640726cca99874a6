"""`flask --app wsgi people close`: close an account, once what it would stop was told."""

from collections.abc import Iterator, Sequence

import click
import sqlalchemy as sa

from app.core.db import reading
from app.core.french import instant
from app.core.grammar import de, et_autres, plural
from app.operations.leaving.effects import MOST_SHOWN, Leaving, confirmed, effects_of
from app.people.desks import close_account, collectivity_of
from app.people.models import User


@click.command("close")
@click.argument("siren")
@click.argument("login")
@click.option(
    "--malgre",
    metavar="MOTIF",
    default="",
    help="Fermer bien que quelque chose s’arrête, pour ce motif, que le journal garde. "
    "Sans elle, le compte reste ouvert dès que quelque chose s’arrêterait.",
)
def close(siren: str, login: str, *, malgre: str) -> None:
    """Fermer un compte et toutes ses sessions ; ce qui s’arrêterait est dit d’abord, et demande « --malgre »."""
    with reading() as db:
        collectivity_id = collectivity_of(db, siren).id
    with reading(collectivity_id) as db:
        query = sa.select(User).where(User.collectivity_id == collectivity_id, User.login == login)
        user = db.scalar(query.where(User.active.is_(True)))
        told = list(_told(effects_of(db, user))) if user is not None else []
    for sentence in told:
        click.echo(f"! {sentence}")
    close_account(collectivity_id, login, leaving=confirmed(malgre, None))
    click.echo(f"{login} est fermé.")


def _told(effects: Leaving) -> Iterator[str]:
    """What would stop, or be left to nobody, a sentence each."""
    yield from _of_folders("Personne d’autre ne pourrait agir à l’étape d’aujourd’hui", effects.stuck)
    yield from _of_folders("L’étape d’aujourd’hui nomme cette personne", effects.named)
    yield from _of_folders("Personne d’autre ne pourrait agir à une étape à venir", effects.coming)
    yield from _of_folders("Une étape à venir nomme cette personne", effects.coming_named)
    yield from _of_folders("Personne d’autre ne pourrait donner l’avis attendu", effects.opinions)
    for _, name, rights in effects.alone:
        yield f"Au bureau « {name} », plus personne ne pourrait : {rights}."
    for way in effects.ways:
        yield f"« {way.circuit} », étape « {way.step} » : plus personne ne pourrait la finir."
    for way in effects.circuits:
        yield f"« {way.circuit} », étape « {way.step} » : le circuit nomme cette personne."
    for absence in effects.covering:
        yield f"Personne n’assurerait plus l’intérim {de(absence.whose)}, jusqu’au {instant(absence.last)}."
    for _, words in effects.mandates:
        yield f"Mandat à retirer : {words}."
    for _, name in effects.certificates:
        yield f"Certificat à retirer : « {name} »."
    if effects.branch:
        yield f"Plus personne n’administrerait la branche « {effects.branch} » au titre de ce compte."


def _of_folders(what: str, numbers: Sequence[int]) -> Iterator[str]:
    if numbers:
        shown = ", ".join(map(str, numbers[:MOST_SHOWN]))
        more = et_autres(len(numbers) - MOST_SHOWN)
        yield f"{what} : {plural(len(numbers), 'dossier')} en cours, n° {shown}{more}."
