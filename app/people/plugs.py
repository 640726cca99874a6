"""What the installation decides of people: how long a proof of who one is counts, and for which address keys are made."""

from jinja2 import Environment

from app.people import breached, identity, login, logo, working_days
from app.people.factors import passkeys
from app.people.factors.ways import Passkey, Totp
from app.people.own_settings.population import MOST_PEOPLE, POPULATION
from app.people.own_settings.registry import Kind, Setting, declare
from config import SHORTEST_IDLE, Settings

LONGEST_NAME = 60
_DAY = 1440


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del templates  # it prints nothing
    login.configure(settings.idle_minutes, settings.session_hours)
    identity.configure(settings.reauth_minutes)
    breached.configure(settings.breached_passwords)
    identity.WAYS[:] = [Passkey(), Totp(), identity.Password()]
    passkeys.configure(settings.public_url)
    declare(*_settings(), logo.setting(), *working_days.settings())


def _settings() -> tuple[Setting, ...]:
    return (
        Setting(
            POPULATION,
            "Collectivité",
            "Nombre d’habitants",
            "Celui du dernier recensement. À partir de 3 500, les actes se publient en ligne et de nulle autre façon (CGCT, "
            "article L2131-1), et une note de synthèse accompagne les convocations du conseil (article L2121-12).",
            "publicité des actes, « Mise en service »",
            Kind.NUMBER,
            lambda: 0,
            least=1,
            most=MOST_PEOPLE,
            unit="habitants",
            default="non indiqué",
        ),
        Setting(
            login.SHOWN_NAME,
            "Affichage",
            "Nom affiché",
            "Ce que chacun lit en haut et en bas des pages, et dans les courriels : « Mairie de Kerlann ».",
            "pages et courriels ; les actes, les envois à l’État et le bordereau gardent le nom de la collectivité",
            Kind.TEXT,
            lambda: "",
            most=LONGEST_NAME,
            default="le nom de la collectivité",
        ),
        Setting(
            identity.REAUTH,
            "Connexion",
            "Durée d’une preuve d’identité",
            "Au-delà de ce temps, signer ou administrer demande de dire de nouveau qui l’on est. Le formulaire d’une signature "
            "sur papier laisse une heure, le temps de numériser.",
            "signature, inscription d’un certificat, gestes de l’administrateur",
            Kind.NUMBER,
            identity.minutes,
            least=1,
            most=_DAY,
            unit="min",
            stricter=True,
        ),
        Setting(
            login.IDLE,
            "Connexion",
            "Session sans activité",
            "Une session où personne ne fait rien se ferme au bout de ce temps ; un appareil reconnu attend son propre terme.",
            "toutes les sessions ouvertes",
            Kind.NUMBER,
            login.idle_minutes,
            least=SHORTEST_IDLE,
            most=_DAY,
            unit="min",
            stricter=True,
            default="jamais",
        ),
    )
