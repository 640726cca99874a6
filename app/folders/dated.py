"""The dates of an act that the law counts, each with the rule that gives it: pages, certificate and JSON all read these."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core.french import jour_long
from app.folders.publicity import Means
from workflows.deadlines import appeal_until, online_until

RULES: Mapping[str, str] = {
    "decided": "jour écrit par qui a déposé l’acte",
    "received": "date lue dans l’accusé (CGCT L2131-2)",
    "on_paper": "jour déclaré, pas avant la signature, avec sa preuve numérisée (CGCT R2131-4)",
    Means.ONLINE: "jour de la mise en ligne, constaté ici (CGCT R2131-1)",
    Means.POSTED: "jour déclaré, pas avant la signature (CGCT L2131-1, IV)",
    Means.URGENT: "jour déclaré, pas avant la signature ; en urgence, avant la mise en ligne (CGCT L2131-1, V)",
    Means.PAPER: "jour déclaré, pas avant la signature (CGCT L2131-1, IV)",
    Means.NOTIFIED: "jour déclaré, pas avant la signature (CGCT L2131-1, II)",
    "cancelled": "date lue dans l’accusé de l’annulation (CGCT L2131-1)",
    "enforceable": "la plus tardive de sa publicité et de sa réception par l’État, s’il doit lui être transmis (CGCT L2131-1, I)",
    "since": "en ligne sans interruption depuis ce jour, constaté ici (CGCT R2131-1)",
    "withdrawn": "jour de la mise en ligne, constaté ici ; retiré depuis (CGCT R2131-1)",
    "online_until": "deux mois à compter de la mise en ligne (CGCT R2131-1)",
    "appeal": "deux mois francs, reportés au jour ouvré suivant (CJA R421-1, R421-5)",
    "appeal_urgent": "deux mois francs de la mise en ligne, et non de l’affichage en urgence : compte de Paraphe, à faire "
    "confirmer (CGCT L2131-1, V ; CJA R421-1)",
    "suspended": "un mois au plus si la demande est faite dans les dix jours, puis le juge (CGCT L2131-6)",
    "referred": "le déféré ne suspend pas l’acte par lui-même (CGCT L2131-6)",
    "annulled": "jour du jugement ; ce qu’il en reste est à lire dans le jugement",
    "partly": "jour du jugement ; ce qu’il en reste est à lire dans le jugement",
    "contested": "un recours ne suspend pas l’acte par lui-même (CJA L4)",
    "referral": "deux mois à compter de la réception (CGCT L2131-6), comptés comme un recours : compte de Paraphe, à faire "
    "confirmer",
}
"""Where each date of an act comes from, said beside it; « compte de Paraphe » where the law leaves a doubt."""
STATES = frozenset({"suspended", "referred", "annulled", "partly"})
"""The states of an act (`effect`) that have a rule of their own."""


def state_rule(key: str, beside: str) -> str:
    """The rule beside the state of an act: that of its state, else of an appeal that is pending."""
    return RULES[key if key in STATES else "contested"] if key in STATES or "recours" in beside else ""


def article(rule: str) -> str:
    """« (CGCT L2131-1, I) », the article of a rule alone, for where its words have no room; empty where it names none."""
    articles = re.findall(r"\((?:CGCT|CJA) [^)]*\)", rule)
    return articles[-1] if articles else ""


@dataclass(frozen=True)
class Dated:
    """A date with its label and its rule; `day` is None, and `missing` says why, as long as it is not known."""

    name: str
    label: str
    day: date | None
    rule: str
    missing: str = ""
    after: str = ""

    @property
    def words(self) -> str:
        """What a page says of it."""
        return f"{jour_long(self.day)}{self.after}" if self.day else self.missing

    @property
    def told(self) -> dict[str, Any]:
        """What JSON says of it."""
        return {name: getattr(self, name) for name in ("name", "label", "day", "rule")}


def decided(day: date) -> Dated:
    """The day of the decision itself."""
    return Dated("decided_on", "Décidé le", day, RULES["decided"])


def made_known(means: Means, day: date | None) -> Dated:
    """The day on which the act was published, posted or notified."""
    missing = "pas encore notifié" if means is Means.NOTIFIED else "pas encore publié"
    return Dated("published_on", means.done, day, RULES[means] if day else "", missing)


def put_online(means: Means, known_on: date, since: date, *, withdrawn: bool = False) -> tuple[Dated, ...]:
    """How the public came to know an act that is online, or was: one day where it was put there and stayed, else two."""
    once = means is Means.ONLINE and known_on == since
    rule = RULES["withdrawn" if withdrawn else means if once else "since"]
    online = Dated("online_on", "Mis en ligne le", since, rule)
    return (online,) if once else (made_known(means, known_on), online)


def stays_online(since: date) -> Dated:
    """The last day on which an act put online on `since` must be there."""
    return Dated(
        "online_until",
        "En ligne au moins jusqu’au",
        online_until(since),
        RULES["online_until"],
        after=" inclus",
    )


def executory(day: date | None, missing: str = "") -> Dated:
    """The day from which the act binds, as `effect` says it."""
    return Dated("enforceable_on", "Exécutoire le", day, RULES["enforceable"], missing)


def appeal(means: Means, known_on: date, first_online: date | None) -> Dated:
    """The last day of an appeal; of an act posted in urgency, counted from the day on which it is put online."""
    start = first_online if means is Means.URGENT else known_on
    return Dated(
        "appeal_until",
        "Recours possible jusqu’au",
        appeal_until(start) if start else None,
        RULES["appeal_urgent" if means is Means.URGENT else "appeal"],
        missing="pas encore : le délai court de la mise en ligne, qui reste à faire",
        after=" inclus, sauf prorogation",
    )
