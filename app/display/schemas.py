"""What the JSON API takes: each name, its type, its limits, and in French what it is for; imported at the first call."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema
from werkzeug.datastructures import FileStorage

from app.core.bodies import parsed
from app.core.db import LARGEST_KEY
from app.core.refusals import Refusal
from app.core.shapes import Day, Rank, Taken, attribute, shaped
from workflows.fields import MAX_LINES

LONGEST_FACT = 20_000
BYTES = {"type": "string", "format": "binary"}


def _fact(fact: Any) -> str | int | float | list[Any] | None:
    """One fact of a family: a text or a number, or the lines of a table; null takes it back."""
    if isinstance(fact, list):
        if len(fact) > MAX_LINES:
            raise ValueError(f"{MAX_LINES} lignes au plus sont attendues.")
        if not all(isinstance(line, dict) for line in fact):
            raise ValueError("Une liste de lignes est attendue, chacune par clé de colonne.")
        return [{str(key)[:60]: _cell(cell) for key, cell in line.items()} for line in fact]
    return _cell(fact)


def _cell(fact: Any) -> str | int | float | None:
    if isinstance(fact, bool) or not isinstance(fact, str | int | float | None):
        raise ValueError("Un texte ou un nombre est attendu.")  # noqa: TRY004 - the library takes it for a fault
    if len(str(fact)) > LONGEST_FACT:
        raise ValueError(f"{LONGEST_FACT} signes au plus sont attendus.")
    return fact


def from_text(facts: Any) -> Any:
    """Facts written as JSON inside a form."""
    try:
        return parsed(facts) if isinstance(facts, str) else facts
    except Refusal:
        raise ValueError("Un objet JSON est attendu.") from None


_PLAIN = ["string", "number", "null"]
Fact = Annotated[
    str | int | float | list[Any] | None,
    PlainValidator(_fact),
    WithJsonSchema(
        {
            "type": [*_PLAIN, "array"],
            "items": {"type": "object", "additionalProperties": {"type": _PLAIN}},
            "maxItems": MAX_LINES,
        }
    ),
]
File = Annotated[FileStorage, WithJsonSchema(BYTES)]
Attachment = Annotated[FileStorage, WithJsonSchema({**BYTES, "description": "Une annexe."})]
AttachmentType = Annotated[str, attribute("Un type.", "21_RP", max_length=60)]


def _facts() -> Any:
    words = "Les informations du dossier, par clé de champ (voir `GET /families`)."
    return attribute(
        words, {"received_on": "2026-11-20", "proof_of_service": "technique"}, default_factory=dict
    )


def _to_fill() -> Any:
    words = "Ce que l’étape en cours exige (`to_fill`), par clé de champ."
    return attribute(words, {"own_engagement": "E-2026-0412"}, default_factory=dict)


def _reason() -> Any:
    return attribute(
        "Pourquoi ce qui est donné n’est pas ce que dit le fichier : demandé à l’envoi, lu par tous ceux qui décident.",
        "Le fournisseur a facturé deux fois le port.",
        default="",
        max_length=2000,
    )


def _attachment_types() -> Any:
    words = (
        "Le type de chaque annexe, dans l’ordre des annexes (actes) ; vide, il reste à choisir avant l’envoi."
    )
    return attribute(words, default_factory=list)


def _annexes_said() -> Any:
    words = "Vrai : les annexes en sont, même une autre facture ou un autre flux, refusés sinon (`annex-is-subject`)."
    return attribute(words, default=False, strict=False)  # in a form, it is a text


class Deposit(Taken):
    """A folder and its files."""

    family: str = attribute(
        "Famille ou type de dossier : un `name` de `GET /families`.", "invoice", min_length=1, max_length=60
    )
    title: str | None = attribute(
        "Titre ; composé des informations s’il n’est pas donné.", default=None, max_length=300
    )
    facts: Annotated[dict[str, Fact], BeforeValidator(from_text)] = _facts()
    reason: str = _reason()
    main: File = attribute("Le document principal : celui qui est lu, visé et signé.")
    main_type: str = attribute(
        "Le type du document principal (actes) ; sans lui, le type habituel de la nature.",
        "99_DE",
        default="",
        max_length=60,
    )
    attachments: list[Attachment] = attribute("Les annexes.", default_factory=list)
    attachment_types: list[AttachmentType] = _attachment_types()
    annexes_said: bool = _annexes_said()


class Attachments(Taken):
    """More files for a draft."""

    attachments: list[Attachment] = attribute("Les annexes.", min_length=1)
    attachment_types: list[AttachmentType] = _attachment_types()
    annexes_said: bool = _annexes_said()


class Key(Taken):
    """The header that makes a deposit, documents or a note happen once; other headers are not ours."""

    model_config = ConfigDict(extra="ignore")

    key: Annotated[str, shaped("[!-~]{1,200}", "De 1 à 200 signes ASCII sans espace.")] | None = attribute(
        "La clé de l’envoi, choisie par l’appelant. Le même envoi refait avec la même clé ne se fait pas deux fois.",
        "commande-2026-1187",
        default=None,
        alias="Idempotency-Key",
        json_schema_extra={"maxLength": 200, "pattern": "^[!-~]{1,200}$"},
    )


class Version(Taken):
    """The version of the folder that was read."""

    version: int = attribute("Version du dossier telle qu’elle a été lue.", 1, ge=0, le=LARGEST_KEY)


class Approve(Version):
    """A visa, or an opinion."""

    comment: str = attribute(
        "Commentaire, lu par tous ceux qui lisent le dossier.", "Livré.", default="", max_length=2000
    )
    opinion: Literal["favourable", "unfavourable"] | None = attribute(
        "À une étape d’avis, s’il est favorable ; défavorable, il se motive dans `comment`.", default=None
    )
    facts: dict[str, Fact] = _to_fill()


class Fill(Version):
    """What the step in hand requires."""

    facts: dict[str, Fact] = _to_fill()


class Reject(Version):
    """A refusal."""

    reason: str = attribute(
        "Motif, lu par le déposant.", "Commande incomplète.", min_length=1, max_length=2000
    )
    step: str | None = attribute(
        "L’étape à laquelle le dossier retourne, par sa clé, parmi celles de `behind` ; sans elle, il revient au bureau qui l’a "
        "déposé.",
        "service_done",
        default=None,
        min_length=1,
        max_length=80,
    )


class Hand(Version):
    """The step in hand is another desk's."""

    desk: str = attribute("Le bureau, par sa clé.", "direction", min_length=1, max_length=80)
    reason: str = attribute(
        "Motif, lu par le bureau choisi et par le déposant, porté au journal et sur le bordereau.",
        "Le marché est suivi par la direction.",
        min_length=1,
        max_length=2000,
    )


class AskOpinion(Version):
    """What other desks are asked."""

    desks: list[Annotated[str, attribute("Un bureau, par sa clé.", "direction", max_length=80)]] = attribute(
        "À qui l’avis est demandé, par clé de bureau.", ["direction"], min_length=1, max_length=5
    )
    question: str = attribute(
        "La question, lue avec le dossier, portée au journal et sur le bordereau.",
        "Le tonnage facturé est-il celui du bon de pesée ?",
        min_length=1,
        max_length=2000,
    )
    waits: bool = attribute("Vrai : l’étape ne s’achève pas avant la réponse.", True)
    wanted_on: Day | None = attribute("Le jour pour lequel une réponse est souhaitée.", default=None)


class Answer(Version):
    """The opinion of a desk that was asked."""

    opinion: Literal["favourable", "unfavourable", "none"] = attribute(
        "Favorable, défavorable, ou sans avis.", "favourable"
    )
    comment: str = attribute(
        "En quelques mots ; à écrire s’il est défavorable.",
        "Conforme au bon de pesée.",
        default="",
        max_length=2000,
    )


class WithdrawOpinion(Version):
    """What was asked is asked no more."""

    reason: str = attribute(
        "Motif, exigé de qui n’a pas demandé l’avis.",
        "La réponse est venue de vive voix.",
        default="",
        max_length=2000,
    )


class StepChange(Taken):
    """One change of the coming steps."""

    kind: Literal["add", "replace", "remove"] = attribute(
        "add : un avis ou un visa (`asks`) ajouté après une étape ; replace : un bureau à la place de qui est attendu ; "
        "remove : une étape retirée.",
        "add",
    )
    step: str = attribute("L’étape remplacée ou retirée, par sa clé.", "finance", default="", max_length=40)
    after: str = attribute(
        "L’étape que suit celle qui est ajoutée.", "service_done", default="", max_length=40
    )
    instead: str = attribute(
        "Qui est remplacé : `desk:` puis la clé d’un bureau, `chosen:` ou `role:` puis celle d’un champ, `superior:` et un rang, "
        "`person:` et un identifiant.",
        "desk:finances",
        default="",
        max_length=80,
    )
    desk: str = attribute("Le bureau qui vient, par sa clé.", "direction", default="", max_length=80)
    label: str = attribute(
        "Le nom de l’étape ajoutée ; fait du bureau s’il est vide.", default="", max_length=80
    )
    days: int | None = attribute("Son délai en jours ouvrés.", 2, default=None, ge=1, le=365)
    asks: Literal["opinion", "visa"] = attribute(
        "Ce que l’étape ajoutée demande : un avis, ou un visa, avant la signature seulement.",
        default="opinion",
    )


class Reroute(Version):
    """Other coming steps for one running folder."""

    changes: list[StepChange] = attribute("Les changements, dans l’ordre.", min_length=1, max_length=30)
    reason: str = attribute(
        "Motif, lu par le déposant, porté au journal et sur le bordereau.",
        "Le tonnage facturé dépasse le marché.",
        min_length=1,
        max_length=2000,
    )


class Change(Version):
    """What is typed in a draft; what is not named stays."""

    title: str | None = attribute("Titre du dossier.", default=None, max_length=300)
    facts: dict[str, Fact] = _facts()
    reason: str = _reason()
    types: dict[
        Annotated[str, shaped("[0-9]{1,10}", "Le numéro d’une pièce est attendu.")],
        Annotated[str, attribute("Un type.", "21_RP", min_length=1, max_length=60)],
    ] = attribute(
        "Le type de pièces, par numéro de pièce (actes) ; voir `types` du dossier.",
        {"30": "99_DE"},
        default_factory=dict,
    )


class Continue(Taken):
    """A folder out of another."""

    family: str = attribute(
        "Famille ou type du nouveau dossier : un `name` de `GET /families`.",
        "contract",
        min_length=1,
        max_length=60,
    )
    documents: dict[
        Annotated[str, shaped("[0-9]{1,9}", "Le numéro d’une pièce est attendu.")],
        Annotated[int, attribute("Un numéro de version.", 2, ge=1, le=LARGEST_KEY)],
    ] = attribute("La version reprise de chaque pièce, par numéro de pièce.", {"12": 2}, min_length=1)
    main: int | None = attribute(
        "La pièce qui sera le document principal ; sans elle, celle qui l’est.",
        default=None,
        ge=1,
        le=LARGEST_KEY,
    )


class PinTaken(Taken):
    """Where a note is pinned."""

    document: int = attribute("La pièce, par son numéro : un PDF de ce dossier.", 12, ge=1, le=LARGEST_KEY)
    version: int = attribute("Sa version, par son numéro.", 1, ge=1, le=LARGEST_KEY)
    page: int = attribute("La page, à partir de 1.", 2, ge=1, le=LARGEST_KEY)
    box: list[float] | None = attribute(
        "La partie de la page, en points depuis son coin inférieur gauche : x1, y1, x2, y2. Sans elle, la page entière.",
        default=None,
        min_length=4,
        max_length=4,
    )


class NewNote(Taken):
    """A note beside a folder."""

    words: str = attribute("La note.", "Le bon de pesée dit 84,0 t.", min_length=1, max_length=2000)
    reach: Literal["all", "desk"] = attribute(
        "Qui la lit. all : tous ceux qui lisent le dossier ; desk : le bureau de ce jeton.", default="all"
    )
    answers: int | None = attribute(
        "Le numéro de la note à laquelle elle répond, dont elle a les lecteurs.",
        default=None,
        ge=1,
        le=LARGEST_KEY,
    )
    told: list[Annotated[int, attribute("Un numéro de `people`.", 7, ge=1, le=LARGEST_KEY)]] = attribute(
        "À qui un courriel la dit, parmi les `people` de `GET …/notes` ; chacun doit pouvoir la lire.",
        default_factory=list,
        max_length=20,
    )
    pin: PinTaken | None = attribute(
        "La page sur laquelle elle est épinglée ; une réponse suit la note à laquelle elle répond.",
        default=None,
    )


class TrayQuery(Taken):
    """Which folders."""

    tray: Literal["todo", "late", "held", "returned", "running", "done", "drafts"] = attribute(
        "todo : à traiter par le bureau ; late : en retard ; held : à traiter une fois rendu un avis que l’étape attend ; "
        "returned : revenus ; running : en circuit, déposés par le bureau ou sur lesquels il a décidé ; "
        "done : terminés ; drafts : brouillons.",
        default="todo",
    )
    family: str | None = attribute("Une seule famille de dossiers.", default=None, max_length=60)
    after: str | None = attribute(
        "La page suivante : la valeur `next` de la page lue.", default=None, max_length=120
    )


class SearchQuery(Taken):
    """What is searched."""

    q: str = attribute(
        "Des mots, un numéro, un nom, une date, un montant : « enrobé > 10 000 ».",
        min_length=1,
        max_length=300,
    )
    phase: Literal["draft", "running", "rejected", "done"] | None = attribute("Un seul état.", default=None)
    family: str | None = attribute("Une seule famille de dossiers.", default=None, max_length=60)
    after: str | None = attribute(
        "La page suivante : la valeur `next` de la page lue.", default=None, max_length=120
    )


class JournalQuery(Taken):
    """Where the journal goes on from."""

    after: Rank = attribute("Les écritures après ce numéro.", 0, default=0, ge=0, le=LARGEST_KEY)
