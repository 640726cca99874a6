"""`flask --app wsgi version | upgrade | downgrade | check-schema | doctor | sweep | worker | serve`, and `keeping`."""

import os
import sys
from functools import partial
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DBAPIError

from app.core import heartbeat, jobs, outbox, schema
from app.core.db import reading
from app.core.french import instant, taille
from app.core.grammar import milliers, plural
from app.core.losses import losses
from app.core.refusals import Refusal
from app.core.version import public_version
from app.core.waking import waker_of
from app.journal.erasing import waits
from app.operations import marks, processes, resealing, shares, sweep
from app.operations.declared.cli import collectivity_group
from app.operations.doctor import examine, names
from app.operations.examined import rounds
from app.operations.helping import crew_of
from app.operations.keeping.cli import COMMANDS as KEEPING
from app.operations.leaving.cli import close as close_account
from app.operations.own_settings.cli import settings_group
from app.operations.persons.cli import person
from app.operations.web import KINDS
from app.people.cli import people
from app.people.desks import collectivity_of
from app.people.first_day import links
from app.transmission import lightening


@click.command("version")
def version() -> None:
    """Dire quelle version de Paraphe est installée."""
    click.echo(f"Paraphe {public_version()}")


@click.command("upgrade")
@with_appcontext
def upgrade() -> None:
    """Amener la base à cette version."""
    schema.upgrade()
    click.echo(f"Base à jour : {schema.revisions()[1]}")
    with reading() as db:
        new, waiting = links.needed(db), len(links.awaiting(db))
    if new and waiting > 1:
        click.echo(
            "Personne n’administre encore cette installation : « setup-link --siren » donne un lien à chaque collectivité."
        )
    elif new:
        click.echo(f"Personne n’administre encore cette installation.\n{_setup_link()}")


@click.command("setup-link")
@click.option(
    "--siren", default="", help="La collectivité à qui donner un administrateur, s’il y en a plusieurs."
)
@with_appcontext
def setup_link(siren: str) -> None:
    """Donner le lien, d’un jour, qui ouvre une installation neuve ou donne un administrateur à qui n’en a pas."""
    click.echo(_setup_link(siren))


def _setup_link(siren: str = "") -> str:
    token, ends, name = links.draw(siren)
    address = str(current_app.config["PARAPHE"].public_url).rstrip("/")
    whose = f"Pour administrer {name}, ouvrez" if name else "Ouvrez-la"
    return f"{whose}{', une fois,' if not name else ' une fois'} avant le {instant(ends)} : {address}/premier-jour#{token}"


@click.command("downgrade")
@click.argument("revision")
@click.option("--losing", is_flag=True, help="Même si des données en sont perdues.")
def downgrade(revision: str, *, losing: bool) -> None:
    """Ramener la base à une version antérieure, nommée ; « base » efface toutes les tables.

    Refusé quand des données en seraient perdues, qui sont alors nommées.
    """
    target = schema.lower(revision)
    if not losing and (what := losses(target)):
        raise Refusal("downgrade-loses", revision=target, what=" ; ".join(what))
    schema.downgrade(target)


@click.command("check-schema")
def check_schema() -> None:
    """Comparer les modèles et la base ; sort en erreur s’ils ne disent pas le même schéma."""
    schema.check()
    click.echo(f"La base et les modèles disent le même schéma ({schema.revisions()[1]}).")


@click.command("doctor")
@click.option(
    "--only", multiple=True, metavar="CONTRÔLE", help="Ce contrôle seul, par son nom ; plusieurs fois."
)
@with_appcontext
def doctor(only: tuple[str, ...]) -> None:
    """Examiner l’installation pour de vrai ; sort par 0 quand tout va, par 1 dès qu’un seul contrôle est KO."""
    chosen, failed = current_app.config["PARAPHE"], False
    if strange := sorted(set(only) - set(names(chosen))):
        raise click.UsageError(f"aucun contrôle ne s’appelle « {strange[0]} » : {', '.join(names(chosen))}.")
    for finding in examine(chosen, only):
        failed |= not finding.ok
        click.echo(f"{'ok ' if finding.ok else 'KO '} {finding.name} : {finding.sentence}")
    sys.exit(1 if failed else 0)


outbox_group = AppGroup("outbox", help="Envois : relancer ce qui s’est arrêté.")


@outbox_group.command("retry")
@click.option(
    "--kind", type=click.Choice(sorted(KINDS)), required=True, help="Le genre d’envoi : mail, step.transmit…"
)
@click.option("--siren", default=None, help="D’une seule collectivité.")
def retry_kind(kind: str, siren: str | None) -> None:
    """Relancer tous les envois arrêtés d’un genre."""
    collectivity_id = None
    if siren is not None:
        with reading() as db:
            collectivity_id = collectivity_of(db, siren).id
    count = outbox.retry_all(kind, collectivity_id)
    click.echo(f"{KINDS[kind]} : {count} relancés." if count > 1 else f"{KINDS[kind]} : {count} relancé.")


marks_group = AppGroup("marks", help="Repères du journal, datés par l’autorité d’horodatage.")


@marks_group.command("take")
def take_mark() -> None:
    """Écrire la tête de chaque journal, datée ; le travail de fond le fait chaque jour."""
    mark = marks.take(current_app.config["PARAPHE"])
    dated = "daté par l’autorité d’horodatage" if mark.dated else "sans date prouvée (PARAPHE_TSA_URL)"
    click.echo(f"Repère {mark.path}, {dated}.")


@marks_group.command("verify")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def verify_marks(folder: Path | None) -> None:
    """Comparer le journal à tous les repères d’un dossier ; sort en erreur dès qu’un seul ne tient pas."""
    failed = False
    for mark in marks.verify(folder or current_app.config["PARAPHE"].data_dir / marks.FOLDER):
        hour = f"daté du {instant(mark.hour)}" if mark.hour else "sans date prouvée"
        click.echo(f"{mark.name}, {hour} : {mark.fault or 'le journal le porte encore'}.")
        failed |= mark.fault is not None
    if failed:
        sys.exit(1)


secrets_group = AppGroup("secrets", help="Ce que la base garde scellé.")


@secrets_group.command("rotate")
def rotate_secrets() -> None:
    """Sceller de nouveau, par la clé d’aujourd’hui, ce qu’une clé d’avant a scellé ; interrompu, se relance."""
    stand = resealing.rotate()
    if stand.shut:
        raise click.ClickException(
            f"{stand.shut} secrets ne s’ouvrent par aucune clé connue ({stand.fresh} le sont par celle d’aujourd’hui) : remettez "
            "la clé d’avant dans PARAPHE_FORMER_SECRET_KEYS, puis recommencez."
        )
    click.echo(
        f"{plural(stand.fresh, 'secret')} {'sont scellés' if stand.fresh > 1 else 'est scellé'} par la clé d’aujourd’hui."
    )


share_group = AppGroup("share", help="Partages où l’on écrit, notés à leur premier usage.")


@share_group.command("forget")
@click.argument("folder", type=click.Path(path_type=Path))
def forget_share(folder: Path) -> None:
    """Oublier sur quel partage était un dossier, quand il n’y en a plus."""
    shares.forget(folder)
    click.echo(f"{folder.absolute()} : son partage est oublié ; il sera noté de nouveau au prochain usage.")


@click.command("sweep")
@with_appcontext
def sweep_command() -> None:
    """Ôter ce qui ne sert plus ; le travail de fond le fait chaque jour."""
    chosen = current_app.config["PARAPHE"]
    days = chosen.sweep_days
    swept = sweep.sweep(days, chosen.journal_address_days)
    click.echo(f"Fichiers à demi écrits : {swept.half_written}")
    click.echo(f"Dossiers temporaires laissés par un arrêt brutal : {swept.rooms}")
    if days:
        click.echo(f"Documents que rien ne nomme : {swept.documents} ({taille(swept.size)})")
    else:
        click.echo("Documents que rien ne nomme : non examinés (PARAPHE_SWEEP_DAYS=0)")
    click.echo(f"Signatures préparées et jamais faites : {swept.signatures}")
    click.echo(f"Sessions closes : {swept.logins}")
    click.echo(f"Liens de mot de passe passés : {swept.links}")
    click.echo(f"Clés de dépôt de plus de {sweep.KEYS.days} jours : {swept.keys}")
    click.echo(f"Travaux faits depuis plus de {sweep.DONE.days} jours, dont rien ne dépend : {swept.done}")
    _tell_parcels(chosen.parcel_days)
    if chosen.journal_address_days:
        click.echo(f"Adresses du journal de plus de {chosen.journal_address_days} jours : {swept.addresses}")
    else:
        click.echo("Adresses du journal : gardées (PARAPHE_JOURNAL_ADDRESS_DAYS=0)")
    for why in waits(chosen.journal_address_days, heartbeat.last(heartbeat.SWEEP)):
        click.echo(f"Attention : {why}.")
    if swept.doubtful:
        raise click.ClickException(
            f"{swept.doubtful} documents laissés : la base n’en nomme pas la moitié. "
            "Vérifiez qu’elle est bien celle de ces documents."
        )


def _tell_parcels(days: int) -> None:
    if not days:
        click.echo("Envois acquittés : gardés en entier (PARAPHE_PARCEL_DAYS=0)")
        return
    tally = lightening.lighten(days)
    click.echo(
        f"Envois acquittés depuis plus de {days} jours, désormais refaits de leurs documents : {milliers(tally.light)} "
        f"({taille(tally.size)})"
    )
    if tally.whole:
        click.echo(f"Envois gardés en entier, qui ne se refont pas : {milliers(tally.whole)}")
    if tally.framed:
        click.echo(
            f"Envois refaits et comparés, dont les octets partent une semaine après : {milliers(tally.framed)}"
        )
    if tally.damaged:
        click.echo(
            f"Envois dont un fichier est altéré ou manque, laissés comme ils sont : {milliers(tally.damaged)}"
        )


@click.command("worker")
@click.option("--threads", default=2, help="Travaux menés de front.")
@with_appcontext
def worker(threads: int) -> None:
    """Faire le travail de fond : courriels, transmissions, cachets."""
    outbox.watch()
    crew_of(current_app.config["PARAPHE"])
    chosen = current_app.config["PARAPHE"]
    beside = (partial(marks.begin, chosen), partial(rounds.begin, chosen))
    watch = sweep.watch(chosen.sweep_days, chosen.journal_address_days, *beside)
    jobs.Worker(threads, watch, waker_of(chosen.database_url, chosen.listen_url)).run()


@click.command("serve")
@click.option("--port", default=lambda: os.environ.get("PORT", "8000"))
@click.option("--bind", default="127.0.0.1")
@click.option("--socket", help="Chemin d’une prise Unix, pour le mandataire de cette machine ; aucun port.")
@click.option("--workers", default=2)
def serve(port: str, bind: str, socket: str | None, workers: int) -> None:
    """Servir les pages et faire le travail de fond, par une seule commande ; l’un qui tombe arrête l’autre."""
    if socket and not current_app.config["PARAPHE"].trusted_proxies:
        raise click.ClickException(
            "une prise n’a pas d’adresse d’où l’on vient : réglez PARAPHE_TRUSTED_PROXIES=1, et faites écrire au mandataire "
            "« X-Forwarded-For $remote_addr »"
        )
    if socket and not Path(socket).parent.is_dir():
        raise click.ClickException(
            f"le dossier {Path(socket).parent} n’existe pas : créez-le, ou RuntimeDirectory= le fait"
        )
    if _base_is_older():
        raise click.ClickException(
            "la base n’est pas à cette version : lancez « flask --app wsgi upgrade », puis recommencez."
        )
    # This process only watches the others from now on: it takes the place of the application that it has loaded.
    listen = f"unix:{socket}" if socket else f"{bind}:{port}"
    command = [sys.executable, "-P", processes.__file__, listen, str(workers)]
    os.execv(sys.executable, command)  # noqa: S606


def _base_is_older() -> bool:
    """Whether the base must be upgraded first; one that does not answer yet is waited for by the processes."""
    try:
        return schema.older()
    except DBAPIError:
        return False


people.add_command(close_account)
COMMANDS = (
    version,
    upgrade,
    setup_link,
    downgrade,
    check_schema,
    doctor,
    outbox_group,
    marks_group,
    share_group,
    secrets_group,
    sweep_command,
    worker,
    serve,
    person,
    settings_group,
    collectivity_group,
    *KEEPING,
)
