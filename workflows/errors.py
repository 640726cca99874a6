"""A refusal is an answer, not a crash: a key, its facts, and the French sentence that says what did not happen and what to do.

There is one for the law and for the application, which brings sentences of its own (`app/core/refusals.py`).
"""

from typing import Any


class Refusal(Exception):  # noqa: N818 - it is an answer given to a person, not an error of the program
    """What was asked is not done, nothing has changed: `key` says why, `facts` hold what the sentence quotes."""

    def __init__(self, key: str, **facts: Any) -> None:
        super().__init__(key)
        self.key = key
        self.facts: dict[str, Any] = facts

    def __str__(self) -> str:
        return f"{self.key} {self.facts}" if self.facts else self.key


SENTENCES: dict[str, tuple[int, str]] = {
    "passing-fixed": (
        409,
        (
            "Rien n’a été passé : l’étape « {step} » n’est ni un visa ni un avis. Signature, publication et envoi ne se passent "
            "pas : il faut que quelqu’un y agisse."
        ),
    ),
    "passing-locked": (
        409,
        "Rien n’a été passé : l’étape « {step} » est imposée par {by}. Remplacez plutôt qui y est attendu.",
    ),
    "passing-alone": (
        409,
        (
            "Rien n’a été passé : sans le visa « {step} », plus personne ne déciderait de ce dossier. Remplacez plutôt qui y est "
            "attendu."
        ),
    ),
    "passing-own": (
        403,
        (
            "Rien n’a été passé : vous avez déposé ou écrit ce dossier, et nul ne passe un visa de son propre dépôt. Demandez-le "
            "à un autre administrateur, ou remplacez qui est attendu."
        ),
    ),
    "passing-acted": (
        403,
        (
            "Rien n’a été passé : vous vous êtes déjà prononcé à cette étape, qui attend quelqu’un d’autre. Remplacez plutôt qui "
            "y est attendu."
        ),
    ),
    "passing-yours": (
        409,
        "Rien n’a été passé : cette étape vous attend. Visez le dossier, ou rejetez-le.",
    ),
    "action-unknown": (
        400,
        (
            "Rien n’a été enregistré : la décision « {action} » n’existe pas. "
            "Rechargez la page pour retrouver les décisions possibles."
        ),
    ),
    "action-impossible-here": (
        409,
        (
            "Rien n’a été enregistré : cette décision n’est pas possible là où se trouve le dossier. "
            "Rechargez la page pour voir les décisions possibles."
        ),
    ),
    "no-step-applies": (
        409,
        (
            "Le dossier n’est pas parti : aucune étape du circuit ne s’applique aux informations saisies. "
            "Complétez le formulaire ou choisissez un autre circuit."
        ),
    ),
    "already-acted": (
        409,
        (
            "Rien n’a été enregistré : vous vous êtes déjà prononcé à cette étape. "
            "Une autre personne doit se prononcer pour que le dossier avance."
        ),
    ),
    "already-signed": (
        409,
        (
            "Le dossier n’a pas été repris : une signature y est déjà apposée. "
            "Demandez à la personne qui doit encore se prononcer de le rejeter."
        ),
    ),
    "slot-unknown": (
        403,
        (
            "Rien n’a été enregistré : cette étape n’attend pas de décision de ce bureau. "
            "Vérifiez dans le circuit à qui revient l’étape en cours."
        ),
    ),
    "slot-taken": (
        409,
        (
            "Rien n’a été enregistré : une autre personne s’est déjà prononcée pour ce bureau. "
            "Rechargez la page pour voir l’avancement du dossier."
        ),
    ),
    "person-required": (
        403,
        (
            "Rien n’a été enregistré : cette décision doit être prise par une personne identifiée. "
            "Connectez-vous avec votre propre compte."
        ),
    ),
    "quorum-impossible": (
        409,
        (
            "Le dossier n’a pas avancé : l’étape « {step} » demande {needed:n personne}, "
            "et il y en a {slots} pour se prononcer. "
            "Demandez à l’administrateur de compléter les bureaux ou de corriger le circuit."
        ),
    ),
    "visa-too-late": (
        422,
        (
            "Un visa s’ajoute avant « {step} » : ensuite, l’acte est fait et il n’y a plus rien à décider. "
            "Placez-le plus tôt, ou demandez un avis."
        ),
    ),
    "opinion-awaited": (
        409,
        (
            "Rien n’a été enregistré : l’étape « {step} » attend l’avis demandé à {awaited}. "
            "Attendez la réponse, ou retirez la demande depuis la page du dossier."
        ),
    ),
    "opinion-answered": (
        409,
        (
            "Rien n’a été enregistré : « {desk} » n’a plus d’avis à donner sur cette demande, qui est rendue, retirée ou close. "
            "Rechargez la page du dossier."
        ),
    ),
    "opinion-own-question": (
        403,
        (
            "Rien n’a été enregistré : vous avez demandé cet avis à « {desk} », et nul ne répond à sa propre question. "
            "Attendez la réponse d’un autre, ou retirez la demande."
        ),
    ),
    "opinion-asked-already": (
        409,
        "Rien n’a été demandé : l’avis de « {desk} » est déjà demandé à cette étape. Attendez sa réponse, ou retirez la demande.",
    ),
    "opinion-taking-part": (
        422,
        "Rien n’a été demandé : « {desk} » prend déjà part à cette étape et y décide. Choisissez un autre bureau.",
    ),
    "opinion-nobody": (
        422,
        (
            "Rien n’a été demandé : personne d’autre que vous n’est là pour donner un avis sur ce dossier à « {desk} ». "
            "Choisissez un autre bureau."
        ),
    ),
    "opinion-outside": (
        422,
        (
            "Rien n’a été demandé : « {desk} » ne lit pas ce dossier, dont l’accès est restreint. "
            "Choisissez un bureau de son circuit."
        ),
    ),
    "opinion-not-yours": (
        403,
        (
            "Rien n’a été retiré : cet avis a été demandé par {asker}. "
            "Demandez-lui de retirer sa demande, à qui peut agir à cette étape, ou à un administrateur qui lit le dossier."
        ),
    ),
    "opinion-reason": (
        422,
        "Rien n’a été retiré : vous n’avez pas demandé cet avis. Écrivez le motif, porté au journal.",
    ),
    "take-back-none": (
        409,
        (
            "Rien n’a été annulé : ce que vous avez fait en dernier sur ce dossier ne s’annule pas. Un visa, un avis et une "
            "remise à un autre bureau s’annulent quelques secondes ; une signature, jamais."
        ),
    ),
    "take-back-late": (
        409,
        (
            "Rien n’a été annulé : les {seconds} secondes pour le faire sont passées. Demandez à la personne qui a "
            "maintenant le dossier de le rejeter, ou de le renvoyer à votre étape."
        ),
    ),
    "take-back-opened": (
        409,
        (
            "Rien n’a été annulé : quelqu’un a ouvert le dossier depuis. Demandez à la personne qui l’a maintenant de le "
            "rejeter, ou de le renvoyer à votre étape."
        ),
    ),
    "take-back-left": (
        409,
        (
            "Rien n’a été annulé : un courriel ou un envoi en est déjà parti, ou un autre dossier en a été ouvert. Demandez à "
            "la personne qui a maintenant le dossier de le rejeter, ou de le renvoyer à votre étape."
        ),
    ),
    "take-back-nobody": (
        409,
        (
            "Rien n’a été annulé : plus personne ne peut agir à l’étape « {step} », où reviendrait le dossier. Demandez à "
            "la personne qui l’a maintenant de le rejeter."
        ),
    ),
    "take-back-right": (
        409,
        (
            "Rien n’a été annulé : vous ne pouvez plus agir à l’étape « {step} ». Demandez à la personne qui l’a maintenant "
            "de le rejeter, ou de le renvoyer à cette étape."
        ),
    ),
    "not-behind": (
        409,
        (
            "Rien n’a été renvoyé : le dossier n’est pas passé par cette étape depuis son envoi, ou une signature, un envoi ou "
            "une publication l’en sépare. Choisissez une autre étape, ou rejetez-le à la personne qui l’a déposé."
        ),
    ),
    "handing-fixed": (
        409,
        (
            "Rien n’a été confié : à l’étape « {step} », la loi ou le circuit dit qui agit. "
            "Décidez, rejetez le dossier, ou faites modifier les étapes à venir."
        ),
    ),
    "handing-outside": (
        422,
        (
            "Rien n’a été confié : « {desk} » ne lit pas ce dossier, dont l’accès est restreint. "
            "Choisissez un bureau de son circuit."
        ),
    ),
    "handing-taking-part": (
        422,
        "Rien n’a été confié : « {desk} » prend déjà part à cette étape. Choisissez un autre bureau.",
    ),
    "handing-back": (
        422,
        "Rien n’a été confié : « {desk} » a déjà eu ce dossier à cette étape. Choisissez un autre bureau, ou rejetez-le.",
    ),
    "handing-own-deposit": (
        422,
        (
            "Rien n’a été confié : « {desk} », ou quelqu’un qui y agit, a déposé ce dossier, et nul ne se fait confier son "
            "propre dépôt. Choisissez un autre bureau."
        ),
    ),
    "handing-asked": (
        422,
        (
            "Rien n’a été confié : l’avis de « {desk} » est demandé à cette étape. Attendez sa réponse, retirez la demande, ou "
            "choisissez un autre bureau."
        ),
    ),
    "handing-nobody": (
        422,
        (
            "Rien n’a été confié : à « {desk} », personne ne peut agir sur ce dossier à cette étape. "
            "Choisissez un autre bureau."
        ),
    ),
    "step-unknown": (
        404,
        "L’étape « {step} » n’a pas été trouvée dans le circuit. Rechargez la page du dossier.",
    ),
    "circuit-invalid": (
        422,
        "Le circuit n’a pas été enregistré : {details} Corrigez ces points puis enregistrez de nouveau.",
    ),
    "circuit-unlawful": (
        422,
        (
            "Le circuit n’a pas été enregistré : il ne respecte pas ce que la loi impose à ces dossiers. "
            "{details} Corrigez ces points puis enregistrez de nouveau."
        ),
    ),
    "family-unknown": (
        404,
        "Le type de dossier « {name} » n’existe pas. Choisissez un type dans la liste.",
    ),
    "mandate-missing": (
        403,
        (
            "Rien n’a été signé : aucun mandat de signature n’est enregistré à votre nom. "
            "Demandez à l’administrateur de l’enregistrer, ou laissez signer une personne qui en a un."
        ),
    ),
    "mandate-ended": (
        403,
        (
            "Rien n’a été signé : votre mandat « {words} » a pris fin. "
            "Laissez signer une personne dont le mandat est en cours, ou faites prendre un nouvel arrêté."
        ),
    ),
    "mandate-fell": (
        403,
        (
            "Rien n’a été signé : votre délégation « {words} » a pris fin avec les fonctions de qui l’avait donnée. "
            "Demandez un nouvel arrêté au maire en fonction, ou laissez-le signer."
        ),
    ),
    "mandate-not-executory": (
        403,
        (
            "Rien n’a été signé : l’arrêté {order} qui vous délègue la signature n’est exécutoire que le {date}. "
            "Un acte signé avant serait nul : attendez cette date, ou laissez signer le maire."
        ),
    ),
    "mandate-order-off": (
        403,
        (
            "Rien n’a été signé : l’arrêté {order} qui vous délègue la signature n’est pas exécutoire aujourd’hui (transmission "
            "annulée, suspension). Un acte signé ainsi serait nul : laissez signer le maire."
        ),
    ),
    "mandate-not-begun": (
        403,
        (
            "Rien n’a été signé : votre mandat « {words} » ne commence que le {date}. "
            "Attendez cette date, ou laissez signer une personne dont le mandat est en cours."
        ),
    ),
    "mandate-outside-family": (
        403,
        (
            "Rien n’a été signé : votre mandat « {words} » ne porte pas sur ce type de dossier. "
            "Laissez signer le maire ou la personne qui en a la délégation."
        ),
    ),
    "mandate-council-decides": (
        403,
        (
            "Rien n’a été signé : le maire empêché, c’est le conseil qui décide, sauf si sa délibération de délégation prévoit "
            "la suppléance (CGCT, article L2122-23). Soumettez l’affaire au conseil, ou faites enregistrer une suppléance qui "
            "nomme ce type de dossier."
        ),
    ),
    "mandate-outside-matter": (
        403,
        (
            "Rien n’a été signé : votre mandat « {words} » ne porte pas sur la matière {matter}. "
            "Laissez signer le maire ou la personne qui en a la délégation."
        ),
    ),
    "mandate-above-ceiling": (
        403,
        (
            "Rien n’a été signé : le montant dépasse {ceiling} €, plafond de votre mandat « {words} ». "
            "Laissez signer le maire ou une personne dont le plafond est plus haut."
        ),
    ),
    "mandate-amount-unknown": (
        403,
        (
            "Rien n’a été signé : votre mandat « {words} » est limité à {ceiling} € et le dossier n’a pas de montant. "
            "Faites compléter le montant, ou laissez signer le maire."
        ),
    ),
}
