"""How a collectivity is known on Chorus Pro: its application of PISTE, its technical account, the SIRETs that it fetches.

All of it is among its settings, secrets sealed; an installation may have one application of PISTE for all of them.
"""

import re
from collections.abc import Sequence
from typing import Final

from app.chorus.answers import Structure, day_of
from app.chorus.client import Client, Identity, of_sirets
from app.chorus.faults import Refused, TooBig
from app.chorus.scopes import row_of, unknown
from app.chorus.wire import opened
from app.core.clock import today
from app.core.db import reading
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.core.sirene import good_siret
from app.people.models import Collectivity
from app.people.own_settings.registry import Asker, Kind, Own, Result, Setting, own_value, value_in
from app.transmission.ports import AccountRefused, Unreachable
from config import Settings

GROUP: Final = "Chorus Pro"
APPLICATION, ACCOUNT = "chorus_application", "chorus_account"
APPLICATION_KEY, ACCOUNT_KEY = f"{APPLICATION}_secret", f"{ACCOUNT}_password"
SIRETS, SERVICES, STATUSES = "chorus_sirets", "chorus_services", "chorus_statuses"
SENT, KEPT = "sent", "kept"
MOST_SIRETS: Final = 30
MOST_SERVICES: Final = 30
LONGEST_CODE: Final = 100
_SHUT: Final = "Les secrets de Chorus Pro ne sont plus lisibles, la clé de l’installation ayant changé : donnez-les de nouveau."


class Unset(Exception):  # noqa: N818 - a state
    """What is missing before Chorus Pro can be asked, in a clause."""


def settings_of(settings: Settings) -> tuple[Setting, ...]:
    """The application and its secret, the account and its password, SIRETs and services, and whether statuses are sent."""
    application = Setting(
        APPLICATION,
        GROUP,
        "Application PISTE",
        "Son identifiant (client_id), tel que PISTE le montre ; vide, celle de l’installation sert. Elle a souscrit aux API "
        "Factures, Structures et Transverses.",
        "chaque appel à Chorus Pro",
        Kind.TEXT,
        lambda: settings.chorus_client,
        most=200,
        default="aucune",
    )
    secret = Setting(
        APPLICATION_KEY,
        GROUP,
        "Secret de l’application",
        "Le client_secret que PISTE a donné avec l’identifiant.",
        "chaque appel à Chorus Pro",
        Kind.SEALED,
        lambda: "",
        most=500,
        beside=APPLICATION,
        optional=True,
    )
    account = Setting(
        ACCOUNT,
        GROUP,
        "Compte technique",
        "Son identifiant, créé sur Chorus Pro par le gestionnaire principal, rattaché à la structure et à l’espace « Factures "
        "reçues » ; il sert une demi-heure après sa création.",
        "relevé des factures toutes les quinze minutes, et états renvoyés",
        Kind.TEXT,
        lambda: "",
        most=200,
        default="aucun, rien n’est relevé",
    )
    password = Setting(
        ACCOUNT_KEY,
        GROUP,
        "Mot de passe du compte technique",
        "Il expire après 424 jours, et seul le gestionnaire principal le renouvelle ; Paraphe prévient 60, 30 et 15 jours avant.",
        "relevé des factures, et états renvoyés",
        Kind.SEALED,
        lambda: "",
        most=500,
        beside=ACCOUNT,
        optional=True,
    )
    sirets = Setting(
        SIRETS,
        GROUP,
        "SIRET relevés",
        f"Ceux dont les factures arrivent ici, {MOST_SIRETS} au plus, séparés par des virgules ; vide, tous ceux du compte "
        "technique.",
        "relevé des factures",
        Kind.TEXT,
        lambda: "",
        most=600,
        default="tous ceux du compte technique",
        usual=_usual,
    )
    services = Setting(
        SERVICES,
        GROUP,
        "Services relevés",
        f"Codes de services de Chorus Pro, {MOST_SERVICES} au plus, séparés par des virgules : d’une structure qui en a, seules "
        "leurs factures arrivent ici, et celles d’un autre service ou sans service restent sur le portail. Vide, toutes.",
        "relevé des factures",
        Kind.TEXT,
        lambda: "",
        most=1000,
        default="tous, et les factures sans service",
        usual=_usual_codes,
    )
    statuses = Setting(
        STATUSES,
        GROUP,
        "États renvoyés",
        "Ce que Paraphe dit à Chorus Pro d’une facture : service fait, suspendue, rejetée, mandatée. À garder ici si votre "
        "logiciel de finances le dit déjà.",
        "chaque facture arrivée par Chorus Pro",
        Kind.CHOICE,
        lambda: SENT,
        choices=((SENT, "renvoyés à Chorus Pro"), (KEPT, "gardés ici, rien n’est envoyé")),
    )
    return application, secret, account, password, sirets, services, statuses


def identity_in(own: Own, settings: Settings) -> Identity:
    """As whom Chorus Pro is asked; raises `Unset`, `AccountRefused` for secrets that no key opens any more."""
    application, account = own_value(own, APPLICATION), own_value(own, ACCOUNT)
    client = str(application or settings.chorus_client)
    secret = (
        _opened(own, APPLICATION_KEY) if application else settings.chorus_client_secret.get_secret_value()
    )
    password = _opened(own, ACCOUNT_KEY)
    for value, what in (
        (client, "l’application PISTE n’est pas donnée"),
        (secret, "le secret de l’application PISTE n’est pas donné"),
        (account, "le compte technique n’est pas donné"),
        (password, "le mot de passe du compte technique n’est pas donné"),
    ):
        if not value:
            raise Unset(what)
    return Identity(client, secret, str(account), password)


def asked(own: Own) -> bool:
    """Whether a collectivity has a technical account: its invoices are fetched."""
    return own_value(own, ACCOUNT) is not None


def sends(own: Own) -> bool:
    """Whether statuses are sent to Chorus Pro."""
    return bool(value_in(own, STATUSES).value == SENT)


def sirets_in(own: Own) -> list[str]:
    """The SIRETs that are fetched; none for all those of the account."""
    return [siret for siret in str(own_value(own, SIRETS) or "").split(", ") if siret]


def services_in(own: Own) -> list[str]:
    """The codes of the services that are fetched; none for all."""
    return [code for code in str(own_value(own, SERVICES) or "").split(", ") if code]


def own_of(collectivity_id: int) -> Own:
    """The settings of a collectivity, read apart from any transaction."""
    with reading(collectivity_id) as db:
        return dict(db.get_one(Collectivity, collectivity_id).settings)


def _opened(own: Own, name: str) -> str:
    sealed = own_value(own, name)
    if sealed is None:
        return ""
    try:
        return unseal(str(sealed))
    except Refusal as refusal:
        raise AccountRefused(_SHUT) from refusal


def _usual(text: str) -> str:
    """SIRETs, each once; refuses `chorus-siret` what is none, and `chorus-sirets` too many."""
    sirets = list(dict.fromkeys(re.sub(r"\s", "", part) for part in text.split(",") if part.strip()))
    for siret in sirets:
        if not (len(siret) == 14 and siret.isascii() and siret.isdigit() and good_siret(siret)):
            raise Refusal("chorus-siret", siret=siret[:20])
    if len(sirets) > MOST_SIRETS:
        raise Refusal("chorus-sirets", most=MOST_SIRETS)
    return ", ".join(sirets)


def _usual_codes(text: str) -> str:
    """Codes of services, each once, however its capitals; refuses `chorus-service` what is none, `chorus-services` too many."""
    codes = {" ".join(part.split()).casefold(): " ".join(part.split()) for part in text.split(",")}
    codes.pop("", None)
    for code in codes.values():
        if len(code) > LONGEST_CODE:
            raise Refusal("chorus-service", code=code[:20], most=LONGEST_CODE)
    if len(codes) > MOST_SERVICES:
        raise Refusal("chorus-services", most=MOST_SERVICES)
    return ", ".join(codes.values())


class Attempt:
    """The trial: whether Chorus Pro lets us in, for which structures, and until when the technical password serves."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def missing(self, own: Own) -> str:
        """Why there is nothing to try."""
        try:
            identity_in(own, self._settings)
        except Unset as unset:
            return str(unset)
        except AccountRefused:
            return ""
        return ""

    def __call__(self, asker: Asker) -> Result:
        """Ask for the rates of VAT, the structures, and the end of the password."""
        own = own_of(asker.collectivity_id)
        try:
            client = Client(opened(self._settings), identity_in(own, self._settings))
            client.greet()
            every = client.structures()
            served = of_sirets(every, sirets_in(own))
            ends = client.password_ends(served[0].id) if served else ""
            strangers = unknown_services(client, served, services_in(own))
        except Unset as unset:
            return Result(False, f"{str(unset)[:1].upper()}{str(unset)[1:]}.")
        except (Unreachable, Refused, TooBig) as fault:
            return Result(False, f"{str(fault).rstrip('.')}.")
        lost = [siret for siret in sirets_in(own) if siret not in {structure.siret for structure in every}]
        if lost:
            return Result(
                False,
                f"Ce compte technique ne reçoit rien pour {', '.join(lost)} : rattachez-le à ces structures.",
            )
        if not served:
            return Result(
                False, "Ce compte technique n’est rattaché à aucune structure active : rattachez-le."
            )
        if strangers:
            return Result(False, strangers)
        names = ", ".join(f"{structure.name} ({structure.siret})" for structure in served[:3])
        more = f" et {len(served) - 3} autres" if len(served) > 3 else ""
        return Result(True, f"Chorus Pro reconnaît ce compte : {names}{more}.{_until(ends)}")


def unknown_services(client: Client, served: Sequence[Structure], codes: Sequence[str]) -> str:
    """Which of the services named no structure has, in a sentence; empty where each is known."""
    if not codes:
        return ""
    rows = [row_of(structure, client.services(structure.id), codes) for structure in served]
    return unknown_in_words(unknown(rows, (), codes))


def unknown_in_words(codes: Sequence[str]) -> str:
    """What is said of services that no structure has; empty for none."""
    names = ", ".join(f"« {code} »" for code in codes)
    return (
        f"Aucune structure relevée n’a de service {names} : corrigez « Services relevés »." if names else ""
    )


def _until(ends: str) -> str:
    day = day_of(ends) if ends else None
    if day is None:
        return ""
    left = (day - today()).days
    late = f", dans {left} jours : faites-le renouveler" if left <= 60 else ""
    return f" Mot de passe technique jusqu’au {jour(day)}{late}."
