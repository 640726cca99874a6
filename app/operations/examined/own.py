"""What a collectivity set for itself, tried for its administrators: timestamps, seal, where its folders are handed over."""

from datetime import datetime

from app.chorus import own as chorus_own
from app.chorus.expiry import DISTANCES
from app.chorus.own import asked as fetched
from app.chorus.rounds import account_of, last_round
from app.core import hold
from app.core.clock import today
from app.core.db import reading
from app.core.french import jour_long
from app.operations.findings import SHORT, Ending, Level, Remark, Unwell
from app.people.own_settings.changing import moved_at
from app.people.own_settings.registry import Asker, Own, Result, group_mark, own_value, trial_named
from app.signing import seals, timestamping
from app.transmission.s2low import own as s2low

CHORUS, ARRIVALS = "Chorus Pro", "arrivées"
TIMESTAMP, SEAL, HANDOVER = (
    "horodatage de la collectivité",
    "cachet de la collectivité",
    "remise de la collectivité",
)
RELAY = "télétransmission"
_HANDOVER = "handover"
"""The trial of « Réglages » that does it (`app/channels/handover/plugs.py`)."""
_RENEW = "le gestionnaire principal le renouvelle sur Chorus Pro, puis vous le donnez sous « Réglages »"
_MEND = "corrigez cela sous « Réglages », ou revenez à ce qu’a l’installation"


def _groups(name: str) -> tuple[str, ...]:
    """The groups of settings of the collectivity (« Réglages ») on which what is tried depends."""
    if name == HANDOVER:
        return (trial_named(_HANDOVER).group,)
    return {
        RELAY: (s2low.GROUP,),
        SEAL: (seals.GROUP, timestamping.GROUP),
        TIMESTAMP: (timestamping.GROUP,),
        CHORUS: (chorus_own.GROUP,),
    }.get(name, ())


def own_mark(own: Own, name: str) -> str:
    """What tells the settings of a collectivity on which a point depends from any others; empty where it depends on none."""
    return "-".join(group_mark(own, group) for group in _groups(name))


def own_moved(own: Own, name: str) -> datetime | None:
    """When one of them was changed last; None where none was."""
    return max(filter(None, (moved_at(own, group) for group in _groups(name))), default=None)


def timestamp(collectivity_id: int) -> str | Remark:
    """A token of each authority that a collectivity named; nothing to examine where the installation's serves."""
    own = timestamping.settings_of(collectivity_id)
    if not timestamping.urls_of(own):
        return Remark("celui de l’installation sert", Level.NONE)
    return _outcome(timestamping.tried(own), "rien ne se signe d’ici là")


def seal(collectivity_id: int) -> str | Remark:
    """A page sealed by a collectivity's own seal; nothing to examine where the installation's serves, or none."""
    own = timestamping.settings_of(collectivity_id)
    if own_value(own, seals.SEAL) is None:
        sentence = "celui de l’installation sert" if seals.there(own) else "il n’y a pas de cachet"
        return Remark(sentence, Level.NONE)
    sentence = _outcome(seals.trial(Asker(collectivity_id, None)), "rien ne se scelle d’ici là")
    end = seals.ending(own)
    if end is not None and end[1] - today() < SHORT:
        raise Ending(f"« {end[0]} » expire le {jour_long(end[1])} : donnez-en un autre sous « Réglages »")
    return sentence


def handover(collectivity_id: int) -> str | Remark:
    """A file written in a collectivity's own folder, or a signed message posted to its own address: nothing of any folder.

    Nothing to examine where the installation's serves; nothing is tried while a restoration is held.
    """
    trial = trial_named(_HANDOVER)
    if trial.missing(timestamping.settings_of(collectivity_id)):
        return Remark("celle de l’installation sert", Level.NONE)
    if hold.held():
        return Remark("l’installation vient d’être restaurée : rien ne part, l’essai non plus", Level.UNKNOWN)
    return _outcome(trial.run(Asker(collectivity_id, None)), "un dossier à remettre attendrait")


def chorus(collectivity_id: int) -> str | Remark:
    """Whether the invoices of a collectivity are fetched, and how long its technical password still serves; nobody is asked."""
    if not fetched(timestamping.settings_of(collectivity_id)):
        return Remark("aucun compte technique n’est donné, rien n’est relevé", Level.NONE)
    with reading(collectivity_id) as db:
        account, last = account_of(db, collectivity_id), last_round(db, collectivity_id)
    end = account.password_ends if account is not None else None
    if end is not None and end < today():
        raise Unwell(f"le mot de passe technique a expiré le {jour_long(end)} : {_RENEW}")
    if last is not None and last.fault:
        raise Unwell(f"{last.fault.rstrip('.')} : voyez « Administration », « Chorus Pro »")
    if end is not None and (end - today()).days <= DISTANCES[-1]:
        raise Ending(f"le mot de passe technique expire le {jour_long(end)} : {_RENEW}")
    return (
        "relevé toutes les quinze minutes" if last is not None else "le premier relevé n’a pas encore eu lieu"
    )


def is_posted(collectivity_id: int) -> bool:
    """Whether to try the hand-over of a collectivity calls the software of others: somebody asks for it, the clock does not."""
    return own_value(timestamping.settings_of(collectivity_id), "handover_webhook_url") is not None


def _outcome(result: Result, meanwhile: str) -> str:
    sentence = result.sentence.rstrip(".")
    if not result.fine:
        raise Unwell(f"{sentence} ; {meanwhile} : {_MEND}")
    return sentence
