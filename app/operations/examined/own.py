"""What a collectivity set for itself and its acts depend on, tried for its administrators: its timestamps, its seal."""

from app.core.clock import today
from app.core.french import jour_long
from app.operations.findings import SHORT, Ending, Level, Remark, Unwell
from app.people.own_settings.registry import Asker, Result, own_value
from app.signing import seals, timestamping

TIMESTAMP, SEAL = "horodatage de la collectivité", "cachet de la collectivité"
_MEND = "corrigez cela sous « Réglages », ou revenez à ce qu’a l’installation"


def timestamp(collectivity_id: int) -> str | Remark:
    """A token of each authority that a collectivity named; nothing to examine where the installation's serves."""
    own = timestamping.settings_of(collectivity_id)
    if not timestamping.urls_of(own):
        return Remark("celui de l’installation sert", Level.NONE)
    return _outcome(timestamping.tried(own), "rien ne se signe")


def seal(collectivity_id: int) -> str | Remark:
    """A page sealed by a collectivity's own seal; nothing to examine where the installation's serves, or none."""
    own = timestamping.settings_of(collectivity_id)
    if own_value(own, seals.SEAL) is None:
        sentence = "celui de l’installation sert" if seals.there(own) else "il n’y a pas de cachet"
        return Remark(sentence, Level.NONE)
    sentence = _outcome(seals.trial(Asker(collectivity_id, None)), "rien ne se scelle")
    end = seals.ending(own)
    if end is not None and end[1] - today() < SHORT:
        raise Ending(f"« {end[0]} » expire le {jour_long(end[1])} : donnez-en un autre sous « Réglages »")
    return sentence


def _outcome(result: Result, meanwhile: str) -> str:
    sentence = result.sentence.rstrip(".")
    if not result.fine:
        raise Unwell(f"{sentence} ; {meanwhile} d’ici là : {_MEND}")
    return sentence
