"""A refusal is an answer, not a crash: a key, its facts, and the French sentence that says what to do."""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from app.core.french import spaces
from app.core.grammar import de, milliers, plural
from workflows.errors import Refusal

__all__ = ["OutcomeUnknown", "Refusal", "catalogue", "to_correct"]

Sentences = Mapping[str, tuple[int, str]]


class OutcomeUnknown(Exception):  # noqa: N818 - an answer, as a refusal is
    """The database was lost while it wrote, and does not say whether it did.

    It is no refusal: who answers refusals on his own page says that nothing was done.
    """

    key = "outcome-unknown"
    facts: Mapping[str, Any] = {}


MOST_FAULTS = 50
LONGEST_FIELD = 200


def to_correct(faults: Sequence[Mapping[str, str]]) -> Refusal:
    """The refusal `fields-invalid` of what was sent, its faults at once: each has `key`, `field` and `sentence`.

    At most `MOST_FAULTS` of them, each field by its first `LONGEST_FIELD` signs: an answer is no larger than what asks for it.
    """
    shown = [{**fault, "field": fault["field"][:LONGEST_FIELD]} for fault in faults[:MOST_FAULTS]]
    details = " ".join(f"« {fault['field']} » : {fault['sentence']}" for fault in shown)
    if len(faults) > len(shown):
        details += f" Et {len(faults) - len(shown)} autres."
    return Refusal("fields-invalid", count=len(faults), details=details, problems=shown)


SENTENCES: dict[str, tuple[int, str]] = {
    "moved-on": (
        409,
        "Ce dossier a avancé pendant que vous le lisiez. Votre décision n’a pas été enregistrée : rechargez la page pour voir où il en est.",
    ),
    "not-found": (
        404,
        "Ce dossier ou cette page n’existe pas, ou n’est pas ouvert à vos bureaux. Rien n’a été fait : cherchez le dossier par son numéro dans « Suivi », ou revenez à qui vous l’a indiqué.",
    ),
    "right-missing": (
        403,
        "Rien n’a été fait : ce droit n’est pas donné à votre compte. Demandez-le à l’administrateur de la commune.",
    ),
    "table-long": (
        422,
        "Cette liste a plus de {most:n} lignes, ce qu’un fichier ODS ne porte pas ici. Rien n’a été téléchargé : prenez le CSV, ou demandez-en moins.",
    ),
    "busy": (503, "Le serveur est occupé. Rien n’a été enregistré : recommencez dans quelques secondes."),
    "outcome-unknown": (
        503,
        "La base de données s’est interrompue au moment d’enregistrer, et ne dit pas si c’est fait. Rechargez la page et regardez avant de recommencer.",
    ),
    "unreachable": (
        503,
        "La base de données ne répond pas. Rien n’a été enregistré : recommencez dans quelques instants, et si cela dure prévenez qui exploite Paraphe.",
    ),
    "too-large": (
        413,
        "Ce fichier dépasse la limite de {limit}. Rien n’a été déposé : réduisez-le ou séparez les annexes.",
    ),
    "request-too-large": (
        413,
        "Cette demande dépasse la limite de {limit}. Rien n’a été enregistré : raccourcissez-la, puis renvoyez.",
    ),
    "revision-unknown": (
        422,
        "La version « {revision} » n’est pas connue ici parmi celles d’avant, ou plusieurs commencent ainsi. Rien n’a changé : donnez un nom de fichier de migrations/versions, sans « .py », un nombre de pas (« -- -2 ») ou « base ».",
    ),
    "downgrade-loses": (
        409,
        "Redescendre à « {revision} » perdrait {what}. Rien n’a changé : faites une sauvegarde (« flask --app wsgi backup »), puis recommencez avec --losing si c’est ce que vous voulez.",
    ),
    "base-unknown": (
        409,
        "La base est à une version que ce programme ne connaît pas. Rien n’a été changé : remettez le code de cette version-là, ou une sauvegarde.",
    ),
    "base-in-use": (
        409,
        "Un programme a cette base ouverte. Rien n’a été fait : arrêtez le service (et toute commande en cours), puis recommencez.",
    ),
    "schema-drifted": (
        409,
        "La base et les modèles ne disent pas le même schéma : {what}. Rien n’a été changé : écrivez la migration qui manque, ou remettez la base.",
    ),
    "extension-missing": (
        500,
        "La recherche demande l’extension « {name} » de PostgreSQL, qui n’est pas installée sur son serveur. La base est restée comme elle était. Installez les extensions fournies avec PostgreSQL (paquet « postgresql » de Debian, « postgresql-contrib » ailleurs), puis recommencez.",
    ),
    "extension-refused": (
        500,
        "PostgreSQL n’a pas laissé ajouter l’extension « {name} », que la recherche demande. La base est restée comme elle était. Donnez à son compte le droit d’en créer (GRANT CREATE ON DATABASE), ou tapez dans cette base, sous le compte « postgres » : CREATE EXTENSION {name}; puis recommencez.",
    ),
    "schema-behind": (
        409,
        "La base est à la version {found}, il faut {wanted}. Rien n’a été changé : lancez « flask --app wsgi upgrade ».",
    ),
    "from-elsewhere": (
        403,
        "Cette demande vient d’un autre site que Paraphe. Rien n’a été fait : ouvrez la page ici même, puis recommencez.",
    ),
    "body-broken": (
        400,
        "La demande est arrivée coupée ou abîmée, et n’a pas pu être lue. Rien n’a été fait : recommencez.",
    ),
    "too-many-pages": (
        429,
        "Votre compte demande trop de pages en peu de temps, dans tous vos onglets et appareils ensemble. Rien n’a été fait de "
        "cette demande : attendez {wait}, puis recommencez. Si ce n’est pas vous, fermez toutes les autres sessions sur « Mon compte ».",
    ),
    "too-many-tries": (429, "Trop d’essais en peu de temps. Attendez {wait}, puis recommencez."),
    "form-elsewhere": (
        409,
        "Rien n’a été fait : cette page est celle d’une autre collectivité, et vous travaillez maintenant pour {name}. Revenez à la page pour y retrouver votre saisie ; pour l’envoyer, changez d’abord de collectivité dans le menu de votre compte.",
    ),
    "form-expired": (
        400,
        "Cette page était ouverte depuis trop longtemps. Rien n’a été enregistré : rechargez-la, puis recommencez.",
    ),
    "bad-request": (
        400,
        "La demande est incomplète : {detail}. Rien n’a été enregistré : rechargez la page, puis recommencez.",
    ),
    "text-unreadable": (
        400,
        "Un texte contient un caractère que Paraphe ne peut pas garder ({sign}). Rien n’a été enregistré : retirez-le, puis recommencez.",
    ),
    "text-hidden": (
        422,
        "Rien n’a changé : un texte contient un signe qui ne se voit pas, ou qui retourne ce qui le suit ({sign}). Effacez-le, puis recommencez.",
    ),
    "text-alphabet": (
        422,
        "Rien n’a changé : dans « {text} », le signe {sign} n’est pas une lettre de l’alphabet latin, et se lirait comme une autre. Effacez-le, puis tapez la lettre au clavier.",
    ),
    "json-bounds": (
        422,
        "Le JSON contient un nombre trop grand ou trop petit (au-delà de 2^53 − 1, infini, NaN, ou si petit qu’il serait lu zéro), plus de 32 niveaux ou trop de valeurs. Rien n’a été enregistré : réduisez-le, puis renvoyez.",
    ),
    "json-repeated": (
        422,
        "Le JSON donne deux fois le même nom dans un même objet. Rien n’a été enregistré : gardez-en un seul, puis renvoyez.",
    ),
    "json-invalid": (
        400,
        "Le corps de la demande n’est pas un JSON lisible. Rien n’a été enregistré : corrigez-le, puis renvoyez.",
    ),
    "fields-invalid": (
        422,
        "Rien n’a été enregistré : {details} Corrigez, puis renvoyez.",
    ),
    "row-unknown": (404, "Cette ligne n’existe pas ou n’est plus à relancer. Rechargez la page."),
}


class _Forgiving(Formatter):
    """A missing fact leaves a gap in the sentence instead of hiding the refusal behind a crash."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key, "…") if isinstance(key, str) else super().get_value(key, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> Any:
        """`{name:de}` is « d’Armel », `{count:n annexe}` « 1 annexe », « 2 annexes », and `{most:n}` « 5 000 »."""
        if format_spec == "n" or format_spec.startswith("n "):
            if not isinstance(value, int):
                return str(value)
            return plural(value, format_spec[2:]) if format_spec[2:] else milliers(value)
        return de(str(value)) if format_spec == "de" else super().format_field(value, format_spec)


class Catalogue:
    """Every sentence of the house, gathered from the slices at start."""

    def __init__(self) -> None:
        self._sentences: dict[str, tuple[int, str]] = dict(SENTENCES)

    def add(self, sentences: Sentences) -> None:
        """Add a slice's sentences; refuses a key said twice with different words."""
        for key, value in sentences.items():
            if self._sentences.setdefault(key, value) != value:
                raise ValueError(f"two sentences for the refusal {key}")

    def say(self, key: str, facts: Mapping[str, Any]) -> tuple[int, str]:
        """The HTTP status and the French sentence of a refusal."""
        status, sentence = self._sentences.get(
            key, (400, "La demande est refusée ({key}). Rien n’a été enregistré.")
        )
        return status, spaces(_Forgiving().vformat(sentence, (), {"key": key, **facts}))

    def keys(self) -> frozenset[str]:
        """The keys that have a sentence."""
        return frozenset(self._sentences)


catalogue = Catalogue()
