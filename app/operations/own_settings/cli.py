"""`flask --app wsgi settings list | set | give | unset | try`: the settings of a collectivity, by who holds the installation."""

import secrets
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from app.core.db import reading
from app.core.refusals import Refusal
from app.operations.own_settings import views
from app.people.applications import by_command
from app.people.desks import collectivity_of, user_of
from app.people.models import Collectivity
from app.people.own_settings import changing
from app.people.own_settings.registry import Kind, Setting, beside, known, leading, own_value, trials

settings_group = AppGroup(
    "settings", help="Réglages d’une collectivité : les lire, les changer, les essayer."
)


def _number_of(siren: str) -> int:
    with reading() as db:
        return collectivity_of(db, siren).id


@settings_group.command("list")
@click.argument("siren")
def list_settings(siren: str) -> None:
    """Dire chaque réglage, sa valeur, et d’où elle vient."""
    with reading() as db:
        own = collectivity_of(db, siren).settings
        lines = [views.line_of(setting, own) for setting in leading()]
    for line in lines:
        value = line.value.replace("\n", " / ")
        beside_it = f" ; {line.secret}" if line.secret else ""
        who = "" if line.opened else " ; par qui tient l’installation"
        click.echo(f"{line.setting.name} : {value} ({line.source.label}{beside_it}{who})")


@settings_group.command("set")
@click.argument("siren")
@click.argument("name")
@click.argument("value")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Fichier qui tient le secret qui va avec ; sans lui, celui de la remise est tiré au hasard et affiché une seule fois.",
)
def set_value(siren: str, name: str, value: str, secret_file: Path | None) -> None:
    """Donner à une collectivité une valeur à elle."""
    collectivity_id = _number_of(siren)
    setting = known(name)
    texts, drawn = {name: value}, ""
    for part in beside(name):
        if part.kind is Kind.SEALED and not (part.optional and secret_file is None):
            drawn = "" if secret_file else _drawn(collectivity_id, part.place)
            texts[part.name] = _written(part, secret_file) if secret_file else drawn
    if secret_file is not None and not beside(name):
        raise click.UsageError(f"aucun secret ne va avec « {setting.label} ».")
    changed = changing.change_setting(by_command(collectivity_id), name, texts)
    click.echo(f"{setting.label} : {'valeur enregistrée' if changed else 'c’était déjà la valeur'}.")
    if drawn:
        click.echo(f"Secret, affiché une seule fois : {drawn}")


@settings_group.command("give")
@click.argument("siren")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Le fichier où se lit la phrase de passe du premier, s’il en a une.",
)
def give_file(siren: str, name: str, file: Path, secret_file: Path | None) -> None:
    """Donner à une collectivité un fichier à elle : son logo, son certificat de l’opérateur, essayé avant de servir."""
    setting = known(name)
    taken = setting.file or setting.picture
    if taken is None:
        raise click.UsageError(f"« {setting.label} » n’est pas un fichier : « settings set » le change.")
    with file.open("rb") as source:
        data = source.read(taken.most + 1)
    texts = {"secret": secret_file.read_text(encoding="utf-8").strip()} if secret_file else {}
    result = changing.give_file(by_command(_number_of(siren)), name, data, texts)
    click.echo(f"{setting.label} : {result.sentence} Fichier enregistré.")


def _written(part: Setting, file: Path) -> str:
    """The secret that a file holds; refuses `setting-empty` one that holds none, which would leave the former in place."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise click.UsageError(f"« {file.name} » n’est pas un texte UTF-8.") from None
    if not secret:
        raise Refusal("setting-empty", label=part.label)
    return secret


def _drawn(collectivity_id: int, place: str) -> str:
    """A new secret where there is none yet."""
    with reading(collectivity_id) as db:
        there = own_value(db.get_one(Collectivity, collectivity_id).settings, place)
    return "" if there else secrets.token_urlsafe(32)


@settings_group.command("unset")
@click.argument("siren")
@click.argument("name")
def unset_value(siren: str, name: str) -> None:
    """Revenir à la valeur de l’installation, secret compris."""
    changed = changing.forget_setting(by_command(_number_of(siren)), name)
    state = "suit de nouveau l’installation" if changed else "suivait déjà l’installation"
    click.echo(f"{known(name).label} : {state}.")


@settings_group.command("try")
@click.argument("siren")
@click.argument("name")
@click.option("--login", default=None, help="Le compte à qui va un courriel d’essai.")
def try_settings(siren: str, name: str, login: str | None) -> None:
    """Essayer pour de vrai : mail, handover, s2low, seal, timestamp ou chorus ; sort en erreur quand l’essai échoue."""
    collectivity_id = _number_of(siren)
    to = None
    if login is not None:
        with reading(collectivity_id) as db:
            to = user_of(db, collectivity_id, login).id
    result = changing.try_out(by_command(collectivity_id), name, to)
    click.echo(f"{trials()[name].label} : {result.sentence}")
    sys.exit(0 if result.fine else 1)
