"""What is told of the published rules: a caution to who decides, a line for each rule beside the file, the same to software."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.clock import today
from app.core.db import Db
from app.core.french import spaces
from app.folders import points, sockets
from app.folders.models import Folder
from app.folders.sockets import Caution
from app.invoices.rules.checking import CHECKED, FAILED, RULES
from app.invoices.rules.sheets import ALL_SINCE, FRENCH, FRENCH_SINCE, NORM
from app.invoices.rules.wording import core, known, sentence
from workflows.circuit import Phase

BROKEN, UNABLE = "invoice-rules", "invoice-rules-unable"
TITLE = "Règles de la facture électronique"
WAITING = "Règles EN 16931 et règles françaises : pas encore vérifiées."
FIRST = 3
"""Rules that the caution tells one by one; the others are beside the file."""
WHY = {
    "late": "la vérification prenait trop de temps, elle a été arrêtée",
    "ended": "la vérification s’est arrêtée, faute de mémoire ou à cause du fichier",
    "large": "les données sont trop longues pour être vérifiées",
    "value": "une valeur, un montant ou une date, n’y est pas écrite comme ces règles l’attendent",
    "unread": "les données ne se lisent pas comme une facture",
    "absent": "le vérificateur (saxonche) n’est pas installé sur ce serveur",
    "silent": "le vérificateur ne démarre pas sur ce serveur",
    "lost": "les données gardées ne se lisent pas",
}
_NOT_CONCERNED = {
    "lines": "Profil {profile} : sans le détail des lignes, ce n’est pas une facture EN 16931. Les règles de cette norme et les "
    "règles françaises ne s’y appliquent pas ; elles n’ont pas été vérifiées.",
    "extension": "Profil « {profile} » : il étend la norme EN 16931 par des règles que Paraphe n’a pas. Aucune n’a été vérifiée.",
    "unknown": "Profil « {profile} » inconnu : les règles EN 16931 et les règles françaises n’ont pas été vérifiées.",
    "dress": "Données d’avant la norme EN 16931 : ses règles et les règles françaises n’ont pas été vérifiées.",
}
_NOT_FRENCH = {
    "foreign": "le vendeur n’est pas établi en France, les règles françaises ne s’appliquent pas",
    "unsure": "les données ne disent pas de quel pays est le vendeur, les règles françaises n’ont pas été vérifiées",
    "before": "les règles françaises sont demandées aux factures émises depuis le "
    f"{FRENCH_SINCE.day}er septembre {FRENCH_SINCE.year}",
}
_NOT_ALL = (
    f"les règles françaises (BR-FR) n’obligent les petites et moyennes entreprises qu’au {ALL_SINCE.day}er septembre "
    f"{ALL_SINCE.year}"
)
"""What is said beside a French rule that is broken, of an invoice issued before it binds every seller."""


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What to look at before deciding: rules that are broken and that nothing else tells, or that could not be run."""
    del db
    outcome = folder.sources.get(RULES)
    if not outcome or folder.phase == Phase.DONE:
        return []
    if outcome["state"] == FAILED:
        return [Caution(UNABLE, TITLE, _unable(outcome))]
    left = _left(outcome)
    if not left:
        return []
    first = " ".join(sentence(fault["rule"], fault["text"], fault["times"]) for fault in left[:FIRST])
    more = len(left) - FIRST + outcome.get("more", 0) if len(left) > FIRST else outcome.get("more", 0)
    others = (
        f" Et {'une autre règle' if more == 1 else f'{more} autres règles'}, sous « Pièces »." if more else ""
    )
    return [
        Caution(
            BROKEN,
            TITLE,
            spaces(f"{first}{others}"),
            about=points.name(BROKEN, str(outcome["of"]), *(fault["rule"] for fault in left)),
            by=frozenset(folder.sources.get("depositors", ())),
        )
    ]


def remarks(db: Db, folder: Folder) -> Sequence[str]:
    """What stands beside the main document of an invoice that has data: what was verified, and what is broken.

    The rules that the caution tells are not told a second time, as long as nobody has ruled on it.
    """
    if not folder.sources.get("read"):
        return ()
    outcome = folder.sources.get(RULES)
    if not outcome or outcome["state"] not in {CHECKED, FAILED}:
        return (WAITING,)
    if outcome["state"] == FAILED:
        return (
            (_unable(outcome),)
            if folder.phase != Phase.RUNNING
            else ("Règles EN 16931 et règles françaises : pas vérifiées.",)
        )
    before = any(sockets.is_open(folder, caution) for caution in cautions(db, folder))
    lines = [_line(fault) for fault in _left(outcome)[FIRST if before else 0 :]]
    if outcome.get("more"):
        lines.append(f"Et {outcome['more']} autres règles ne sont pas respectées.")
    return tuple(map(spaces, [*lines, _verified(outcome)]))


def as_data(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """The same for software: none for an invoice without data, or deposited before this was verified."""
    del db
    outcome = folder.sources.get(RULES)
    if not outcome:
        return []
    concerned = outcome["state"] != CHECKED or not outcome["why"]
    elsewhere = set(outcome.get("told", ()))
    return [
        {
            "state": outcome["state"] if concerned else "not_concerned",
            "profile": outcome.get("profile") or None,
            "sets": _sets(outcome),
            "sentence": _unable(outcome)
            if outcome["state"] == FAILED
            else spaces(_verified(outcome))
            if outcome["state"] == CHECKED
            else WAITING,
            "at": outcome["at"],
            "broken": [
                {
                    "rule": fault["rule"],
                    "times": fault["times"],
                    "sentence": sentence(fault["rule"], fault["text"], fault["times"]),
                    "text": fault["text"],
                    "told": fault["rule"] in elsewhere,
                }
                for fault in outcome.get("broken", ())
            ],
        }
    ]


def _left(outcome: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The broken rules that nothing else tells, each once by the rule of the norm."""
    elsewhere = set(outcome.get("told", ()))
    left: dict[str, Mapping[str, Any]] = {}
    for fault in outcome.get("broken", ()):
        if fault["rule"] not in elsewhere:
            left.setdefault(core(fault["rule"]), fault)
    return list(left.values())


def _line(fault: Mapping[str, Any]) -> str:
    """A rule in one line, with its own text where we have no sentence for it."""
    line = sentence(fault["rule"], fault["text"], fault["times"])
    return line if known(fault["rule"], fault["text"]) else f"{line} Texte de la règle : « {fault['text']} »."


def _sets(outcome: Mapping[str, Any]) -> list[str]:
    """The sets of rules that were run: those of the norm, then those of France."""
    return [FRENCH if name == FRENCH else NORM for name in outcome.get("sheets", ())]


def _unable(outcome: Mapping[str, Any]) -> str:
    why = WHY.get(outcome["why"], WHY["ended"])
    return spaces(
        f"Les règles EN 16931 et françaises n’ont pas pu être vérifiées : {why}. Ce qui est lu de la facture n’en dépend pas."
    )


def _verified(outcome: Mapping[str, Any]) -> str:
    """Which rules were run and what came of it; which were not, and why."""
    if outcome["why"]:
        return _NOT_CONCERNED[outcome["why"]].format(profile=outcome["profile"])
    sets = "EN 16931 et règles françaises" if FRENCH in outcome["sheets"] else "EN 16931"
    profile = "" if outcome["profile"] == NORM else f" (profil {outcome['profile']})"
    verdict = (
        "toutes respectées"
        if not outcome["broken"]
        else "les autres sont respectées"
        if _left(outcome)
        else "rien à ajouter"
    )
    france = f" ; {_NOT_FRENCH[outcome['france']]}" if outcome["france"] else ""
    if today() < ALL_SINCE and any(fault["rule"].startswith(FRENCH) for fault in outcome["broken"]):
        france = f" ; {_NOT_ALL}"
    return f"Règles {sets}{profile} vérifiées : {verdict}{france}."
