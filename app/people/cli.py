"""`flask --app wsgi people …`: set up a collectivity from the command line."""

from datetime import datetime

import click
from flask import current_app
from flask.cli import AppGroup

from app.core.db import reading
from app.core.french import instant, jour_long
from app.core.grammar import de
from app.core.refusals import Refusal
from app.people import applications, desks, identity, persons, rules
from app.people import login as door
from app.people.factors import resets
from workflows.rights import ONLY, Rights
from workflows.vocabulary import Right

people = AppGroup("people", help="Collectivités, comptes, bureaux et applications.")


def _collectivity(siren: str) -> int:
    with reading() as db:
        return desks.collectivity_of(db, siren).id


def _rights(text: str) -> Rights:
    # Administering is said of an account, not of a desk
    known = [right.value for right in Right if right is not Right.ADMINISTER]
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [word for word in wanted if word.partition(ONLY)[0] not in known]:
        raise click.BadParameter(f"pas de droit « {', '.join(unknown)} » ; il y a : {', '.join(known)}")
    try:
        return Rights.read(wanted)
    except ValueError:
        raise click.BadParameter("un droit limité à un type s’écrit sign:invoice") from None


@people.command("collectivity")
@click.argument("siren")
@click.argument("name")
@click.option("--department", required=True, help="Trois caractères : 029, 02A.")
@click.option("--district", default="1", help="Arrondissement, un chiffre.")
@click.option("--nature", default="31", help="Code de nature @ctes ; 31 = commune.")
def collectivity(siren: str, name: str, department: str, district: str, nature: str) -> None:
    """Ouvrir une collectivité."""
    desks.create_collectivity(
        siren, name, department=department, district=district, nature=nature, settings={}
    )
    click.echo(f"{name} ({siren}) est ouverte.")


@people.command("place")
@click.argument("siren")
@click.argument("city")
@click.argument("postal_code")
def place(siren: str, city: str, postal_code: str) -> None:
    """Dire où signe une collectivité : les flux comptables portent la commune et le code postal."""
    desks.place(siren, city, postal_code)
    click.echo(f"Signatures faites à {city} ({postal_code}).")


@people.command("user")
@click.argument("siren")
@click.argument("login")
@click.option("--email", required=True)
@click.option("--first-name", required=True)
@click.option("--last-name", required=True)
@click.option(
    "--capacity", required=True, help="Qualité imprimée sur les signatures : Maire, Directrice générale…"
)
@click.option("--administrator", is_flag=True)
def user(
    siren: str, login: str, email: str, first_name: str, last_name: str, capacity: str, administrator: bool
) -> None:
    """Ouvrir un compte ; le lien par lequel la personne choisit son mot de passe est affiché une seule fois."""
    collectivity_id = _collectivity(siren)
    desks.create_user(
        collectivity_id,
        login,
        email=email,
        first_name=first_name,
        last_name=last_name,
        capacity=capacity,
        administrator=administrator,
    )
    click.echo(f"Compte {login} ouvert.")
    _show_link(collectivity_id, login)


@people.command("link")
@click.argument("siren")
@click.argument("login")
def link(siren: str, login: str) -> None:
    """Donner à une personne, sans courriel, un lien pour choisir son mot de passe ; il est affiché une seule fois."""
    _show_link(_collectivity(siren), login)


def _show_link(collectivity_id: int, login: str) -> None:
    _show(*desks.first_link(collectivity_id, login))


def _show(token: str, ends: datetime) -> None:
    address = str(current_app.config["PARAPHE"].public_url).rstrip("/")
    click.echo(f"Mot de passe à choisir, une fois, avant le {instant(ends)} : {address}/mot-de-passe#{token}")


@people.command("memberships")
@click.argument("login")
def memberships(login: str) -> None:
    """Lister les comptes ouverts de qui se connecte avec cet identifiant, dans chaque collectivité."""
    with reading() as db:
        user = door.account_at_door(db, login)
        mine = persons.memberships(db, user.person_id) if user is not None else []
    if not mine:
        raise Refusal("user-unknown", login=login)
    for membership in mine:
        click.echo(f"{membership.collectivity} : {membership.name}, {membership.capacity}")


@people.command("close-sessions")
@click.argument("siren")
@click.argument("login")
def close_sessions(siren: str, login: str) -> None:
    """Fermer toutes les sessions d’une personne, sans fermer son compte."""
    actor = applications.by_command(_collectivity(siren))
    with reading(actor.collectivity_id) as db:
        user = desks.user_of(db, actor.collectivity_id, login)
    click.echo(f"Sessions fermées : {desks.close_sessions(actor, user.id)}.")


@people.command("desk")
@click.argument("siren")
@click.argument("key")
@click.argument("name")
@click.option("--parent", default=None, help="Clé du bureau supérieur.")
def desk(siren: str, key: str, name: str, parent: str | None) -> None:
    """Ouvrir un bureau."""
    desks.create_desk(_collectivity(siren), key, name, parent=parent)
    click.echo(f"Bureau {key} ouvert.")


@people.command("seat")
@click.argument("siren")
@click.argument("desk_key")
@click.argument("login")
@click.option(
    "--rights",
    default="act",
    help="create, act, sign, publish, archive, reroute, follow ; séparés par des virgules, chacun pour tous les types de "
    "dossiers, ou pour un seul : sign:invoice ; vide = retirer.",
)
def seat(siren: str, desk_key: str, login: str, rights: str) -> None:
    """Donner un bureau à une personne."""
    desks.seat(_collectivity(siren), desk_key, login, _rights(rights))
    click.echo(f"{login} : {rights or 'aucun droit'} au bureau {desk_key}.")


_until = click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="Dernier jour du jeton (AAAA-MM-JJ), deux ans au plus ; un an si rien n’est dit.",
)


@people.command("application")
@click.argument("siren")
@click.argument("name")
@click.argument("desk_key")
@click.option("--rights", default="create,act,publish")
@_until
def application(siren: str, name: str, desk_key: str, rights: str, until: datetime | None) -> None:
    """Laisser entrer un logiciel par l’API ; son jeton est affiché une seule fois."""
    token = applications.create_application(
        _collectivity(siren), name, desk_key, _rights(rights), until=until.date() if until else None
    )
    click.echo(f"Jeton {de(name)} : {token}")


@people.command("applications")
@click.argument("siren")
def listed(siren: str) -> None:
    """Lister les applications, leur bureau, leurs droits et leur dernier usage."""
    collectivity_id = _collectivity(siren)
    with reading(collectivity_id) as db:
        known = applications.applications(db, collectivity_id)
    for application in known:
        rights = ",".join(application.rights.grants) or "aucun droit"
        state = (
            f"dernier usage : {instant(application.used_at) or 'aucun'}, {application.day}, {_end(application)}"
            if application.active
            else "fermée"
        )
        click.echo(f"{application.name} ({application.desk}, {rights}), {state}")


def _end(application: applications.Listed) -> str:
    if application.ends_on is None:
        return "jeton sans fin"
    return f"jeton {'fini le' if application.ended else 'jusqu’au'} {jour_long(application.ends_on)}"


@people.command("close-application")
@click.argument("siren")
@click.argument("name")
def close_application(siren: str, name: str) -> None:
    """Fermer une application : son jeton est refusé aussitôt."""
    collectivity_id = _collectivity(siren)
    for number in _applications(collectivity_id, name):
        applications.close_application(collectivity_id, number)
    click.echo(f"{name} est fermée : son jeton est refusé.")


@people.command("rotate-application")
@click.argument("siren")
@click.argument("name")
@_until
@click.option(
    "--overlap",
    type=click.Choice([str(days) for days in applications.OVERLAPS]),
    default="0",
    help="Jours pendant lesquels l’ancien jeton reste valable ; aucun sans cela.",
)
def rotate_application(siren: str, name: str, until: datetime | None, overlap: str) -> None:
    """Donner un autre jeton à une application, affiché une seule fois ; l’ancien est refusé aussitôt, sauf `--overlap`."""
    collectivity_id = _collectivity(siren)
    numbers = _applications(collectivity_id, name)
    if len(numbers) > 1:
        raise Refusal("application-several", name=name)
    token = applications.rotate_application(
        collectivity_id, numbers[0], until=until.date() if until else None, overlap=int(overlap)
    )
    click.echo(f"Jeton {de(name)} : {token}")


def _applications(collectivity_id: int, name: str) -> list[int]:
    with reading(collectivity_id) as db:
        return applications.numbers_of(db, collectivity_id, name)


@people.command("reopen")
@click.argument("siren")
@click.argument("login")
def reopen(siren: str, login: str) -> None:
    """Rouvrir un compte fermé ; le lien par lequel la personne choisit un mot de passe est affiché une seule fois."""
    link = desks.reopen_account(_collectivity(siren), login)
    click.echo(f"{login} est rouvert, avec les bureaux, les droits et les mandats que ce compte a gardés.")
    _show(*link)


@people.command("emergency")
@click.argument("siren")
@click.argument("login")
@click.option("--off", is_flag=True, help="N’être plus le compte de secours.")
def emergency(siren: str, login: str, off: bool) -> None:
    """Faire d’un compte le compte de secours, gardé au coffre : chacune de ses connexions est dite aux administrateurs."""
    name = desks.keep_for_emergency(_collectivity(siren), login, reserved=not off)
    if off:
        click.echo(f"Le compte {de(name)} n’est plus un compte de secours.")
    else:
        click.echo(
            f"Le compte {de(name)} est un compte de secours : chaque connexion sera dite aux administrateurs."
        )


@people.command("reset-factors")
@click.argument("siren")
@click.argument("login")
@click.option("--reason", required=True, help="Pourquoi, et comment la personne a été reconnue.")
def reset_factors(siren: str, login: str, reason: str) -> None:
    """Retirer les clés et les codes d’une personne qui a tout perdu, quand un seul administrateur existe."""
    name = resets.by_operator(_collectivity(siren), login, reason)
    click.echo(f"Les clés, les codes et les sessions de {name} sont retirés ; son mot de passe reste.")


@people.command("second-factor")
@click.argument("siren")
@click.argument("who", type=click.Choice([who.value for who in rules.Who]))
@click.option("--before-signing", is_flag=True, help="La demander aussi avant chaque signature.")
def second_factor(siren: str, who: str, before_signing: bool) -> None:
    """Dire qui doit avoir une double authentification : nobody, administrators, engaged (et qui signe), everybody."""
    rule = rules.Rule(rules.Who(who), before_signing)
    rules.choose(applications.by_command(_collectivity(siren)), rule, identity.refuse_stale_in)
    signing = ", et avant chaque signature" if before_signing else ""
    click.echo(f"Double authentification : {rule.who.label.lower()}{signing}.")


COMMANDS = (people,)
