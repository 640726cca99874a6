"""Letters leave by the outbox: one row, one recipient, one letter; a collectivity says who they come from."""

from dataclasses import replace
from email.utils import parseaddr

import structlog
from jinja2 import Environment

from app.core.db import reading
from app.core.outbox import Hopeless, Later, Needless, Row, at_rest, each_round, handles, lasts
from app.folders import sockets
from app.notices import (
    absent,
    bounces,
    choices,
    digests,
    escalation,
    hours,
    letter,
    mailer,
    outdone,
    together,
    unreached,
)
from app.notices.returns import mailbox, marks
from app.people.models import User
from app.people.own_settings.registry import Asker, Kind, Result, Setting, Trial, declare, offer
from config import Settings

log = structlog.get_logger()
GROUP = "Courriels"


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    lasts("mail", settings.mail_days)  # RFC 5321 §4.5.4.1: a sender gives up after four or five days

    at_rest("mail", mailer.hang_up)
    each_round("notices.digests", digests.look)

    @handles("mail", quick=True)
    def _mail(row: Row) -> None:
        if not settings.mail_url:
            raise Hopeless("aucun serveur de courriel n’est configuré (PARAPHE_MAIL_URL)")
        try:
            envelope = _written(row, settings, templates)
        except absent.Gather as gathering:
            absent.gather(row, gathering)
            raise Later(digests.AFTER.total_seconds(), absent.TOGETHER) from None
        # Before it is given: a kill after the server took it must not have these folders told once more.
        if envelope.folders is not None:
            outdone.keep(row, envelope.folders)
        try:
            mailer.send(envelope.to, envelope.message, settings)
        except mailer.AddressRefused as refused:
            answer = bounces.Answer(str(refused.code), refused.reply)
            bounces.record(row.id, answer, mark=marks.of_address(envelope.address))
            if envelope.tells:
                together.let_go(row)
            raise
        except Exception as fault:
            # These words, and not the address: tried for days, they must not keep those of the others for as long
            if envelope.tells and mailer.are_words_refused(fault):
                together.let_go(row)
            raise
        together.close(row, envelope.tells)
        if envelope.doubtful:
            _accept(row, envelope)

    sockets.tray(unreached.Band(templates), unreached.any_of)
    handles(mailbox.KIND, passing=True)(mailbox.Round(settings))
    each_round("notices.returns", lambda: mailbox.look(settings))
    declare(*_settings(settings), choices.setting(GROUP), *escalation.settings(GROUP), *hours.settings(GROUP))
    declare(bounces.setting(GROUP))
    missing = "" if settings.mail_url else "l’installation n’a pas de serveur de courriel"
    offer(Trial("mail", GROUP, "Courriel d’essai", lambda _own: missing, _Trial(settings, templates)))


def _written(row: Row, settings: Settings, templates: Environment) -> letter.Envelope:
    """The letter of a row, which says what others would where it may; its row keeps which ones before it is given."""
    try:
        envelope = letter.write(row, settings, templates)
    except together.Unclaimed:
        tells = together.claim(row)
    else:
        if together.may_join(row.payload) and row.payload.get(together.TELLS) != [row.id]:
            # Apart by now: what it told when it was given before is told by others, and this one never tells them after that
            together.keep(row, (row.id,))
        return envelope
    try:
        envelope = letter.write(row, settings, templates, tells)
    except (Later, Needless):
        raise
    except Exception:
        # It was never given: what hinders it is not to hinder the others
        if together.TELLS not in row.payload:
            together.let_go(row)
        raise
    rows = envelope.tells or (row.id,)
    if set(rows) != set(tells):
        # What its words leave out is told by its own letter, whatever happens to this one
        together.keep(row, rows)
    return replace(envelope, tells=rows)


def _accept(row: Row, envelope: letter.Envelope) -> None:
    """Note that a letter was taken where others were refused; a fault is logged: the letter must not leave again for that."""
    try:
        bounces.accept(row.id, mark=marks.of_address(envelope.address))
    except Exception as fault:  # noqa: BLE001 - the next letter that is taken says the same
        log.warning("notices.accept", row=row.id, error=repr(fault))


class _Trial:
    """A letter to whoever asks, and to nobody else: given to the server at once, and what the server says told."""

    def __init__(self, settings: Settings, templates: Environment) -> None:
        self._settings, self._templates = settings, templates

    def __call__(self, asker: Asker) -> Result:
        with reading(asker.collectivity_id) as db:
            user = db.get(User, asker.user_id) if asker.user_id is not None else None
            if user is None or not user.email:
                return Result(False, "Personne à qui l’envoyer : cet essai écrit à qui le demande.")
            envelope = letter.trial(db, user, self._settings, self._templates)
        try:
            mailer.hand(envelope.to, envelope.message, self._settings)
        except mailer.NotTakenError as fault:
            why = fault.reply or "il ne répond pas"
            return Result(False, f"Le serveur de courriel n’a pas pris la lettre : {why}.")
        return Result(
            True, f"Le serveur de courriel a pris une lettre pour {envelope.to}. Regardez si elle arrive."
        )


def _settings(settings: Settings) -> tuple[Setting, ...]:
    return (
        Setting(
            letter.FROM_NAME,
            GROUP,
            "Nom de l’expéditeur",
            "Le nom que montre la boîte de qui reçoit ; l’adresse d’envoi reste celle de l’installation, que son serveur signe.",
            "tous les courriels de la collectivité",
            Kind.TEXT,
            lambda: parseaddr(settings.mail_from)[0],
            most=60,
        ),
        Setting(
            letter.REPLY_TO,
            GROUP,
            "Adresse de réponse",
            "Où arrive ce que l’on répond à un courriel de Paraphe, par exemple le secrétariat.",
            "tous les courriels de la collectivité",
            Kind.ADDRESS,
            lambda: "",
            most=254,
            default="aucune, l’adresse d’envoi",
        ),
        Setting(
            letter.SIGNATURE,
            GROUP,
            "Signature des courriels",
            "Quatre lignes au plus au bas de chaque courriel : service, téléphone, horaires.",
            "tous les courriels de la collectivité",
            Kind.LINES,
            lambda: "",
            most=300,
            default="« Paraphe » et le nom affiché",
        ),
    )
