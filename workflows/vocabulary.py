"""The closed vocabularies of the law, each word with the French that a person reads.

The words of one room alone stay in that room, made by `Worded` too: docs/decisions/0027-closed-vocabularies.md.
"""

from enum import StrEnum
from typing import Self


class Worded(StrEnum):
    """A closed vocabulary: each member is its value, as kept and exchanged, then its French label.

    `ADMINISTER = "administer", "Administrer"`. Nobody keeps a second list of the labels.
    """

    label: str
    """The French name, as a page shows it."""

    def __new__(cls, value: str, label: str = "") -> Self:
        """A member from its value and its label; a value that is no member raises ValueError."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def words(cls, value: str, otherwise: str) -> str:
        """The label of a value that was kept; `otherwise` for one that this version does not know."""
        try:
            return cls(value).label
        except ValueError:
            return otherwise


class Action(StrEnum):
    """What can be done to a folder; the order is the order in which choices are offered."""

    SUBMIT = "submit"
    APPROVE = "approve"
    SIGN = "sign"
    SEAL = "seal"
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    PUBLISH = "publish"
    ARCHIVE = "archive"
    REJECT = "reject"
    SEND_BACK = "send_back"
    WAIVE = "waive"
    TAKE_BACK = "take_back"
    RECALL = "recall"
    WITHDRAW = "withdraw"

    @property
    def outcome(self) -> "Outcome | None":
        """How it ends the part of whoever acts; None for what the emitter does, who holds no part of a step."""
        return _OUTCOMES[self]


class Outcome(StrEnum):
    """How a part of a step ended by the act of who held it, as its row keeps it."""

    DONE = "done"
    """It did what the step asks: it counts for the quorum, and asks for the fields that the step requires."""
    REJECTED = "rejected"
    PASSED = "passed"
    """Nobody did what it asks: who administers passed it, with a reason."""


_OUTCOMES: dict[Action, Outcome | None] = {
    Action.SUBMIT: None,
    Action.APPROVE: Outcome.DONE,
    Action.SIGN: Outcome.DONE,
    Action.SEAL: Outcome.DONE,
    Action.ACKNOWLEDGE: Outcome.DONE,
    Action.REFUSE: Outcome.REJECTED,
    Action.PUBLISH: Outcome.DONE,
    Action.ARCHIVE: Outcome.DONE,
    Action.REJECT: Outcome.REJECTED,
    Action.SEND_BACK: Outcome.REJECTED,
    Action.WAIVE: Outcome.PASSED,
    Action.TAKE_BACK: None,
    Action.RECALL: None,
    Action.WITHDRAW: None,
}


class Phase(StrEnum):
    """Where a folder stands, whatever its circuit: the four values that lists and indexes rely on."""

    DRAFT = "draft"
    RUNNING = "running"
    REJECTED = "rejected"
    DONE = "done"


class StepKind(StrEnum):
    """What a step asks for: its noun, what is asked of somebody, what was done."""

    label: str
    """« Visa »."""
    infinitive: str
    """« À vous de viser »."""
    participle: str
    """« Visé par X »."""

    def __new__(cls, value: str, label: str = "", infinitive: str = "", participle: str = "") -> Self:
        """A member from its value and its three French words; a value that is no member raises ValueError."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label, member.infinitive, member.participle = label, infinitive, participle
        return member

    VISA = "visa", "Visa", "viser", "visé"
    OPINION = "opinion", "Avis", "donner un avis", "avis donné"
    SIGN = "sign", "Signature", "signer", "signé"
    SEAL = "seal", "Cachet", "sceller", "scellé"
    TRANSMIT = "transmit", "Transmission", "transmettre", "transmis"
    PUBLISH = "publish", "Publication", "publier", "publié"
    ARCHIVE = "archive", "Archivage", "archiver", "archivé"

    @property
    def automatic(self) -> bool:
        """True when the step starts by itself on entering, without anybody acting."""
        return self in {StepKind.SEAL, StepKind.TRANSMIT}

    @property
    def action(self) -> Action:
        """The action that completes a step of this kind."""
        return _ACTIONS[self]

    @property
    def right(self) -> "Right":
        """The right that it asks of those who act on it, or restart it when it is automatic."""
        return _RIGHTS[self]


_ACTIONS = {
    StepKind.VISA: Action.APPROVE,
    StepKind.OPINION: Action.APPROVE,
    StepKind.SIGN: Action.SIGN,
    StepKind.SEAL: Action.SEAL,
    StepKind.TRANSMIT: Action.ACKNOWLEDGE,
    StepKind.PUBLISH: Action.PUBLISH,
    StepKind.ARCHIVE: Action.ARCHIVE,
}


class Opinion(Worded):
    """What somebody thinks of a folder, which binds nobody: it goes on either way."""

    FAVOURABLE = "favourable", "Avis favorable"
    UNFAVOURABLE = "unfavourable", "Avis défavorable"


class Answer(Worded):
    """What a desk answers that was asked its opinion: the two of `Opinion`, or that it has none."""

    FAVOURABLE = "favourable", "Avis favorable"
    UNFAVOURABLE = "unfavourable", "Avis défavorable"
    NONE = "none", "Sans avis"


class WhoKind(StrEnum):
    """How a circuit points at those who act: by desk, by the folder, by name at last."""

    DESK = "desk"
    CHOSEN = "chosen"
    SUPERIOR = "superior"
    ROLE = "role"
    PERSON = "person"


class Right(Worded):
    """What a person may be granted at a desk, as an administrator reads it."""

    CREATE = "create", "Déposer des dossiers"
    ACT = "act", "Viser et rejeter"
    SIGN = "sign", "Signer"
    PUBLISH = "publish", "Publier"
    ARCHIVE = "archive", "Archiver"
    REROUTE = "reroute", "Modifier les étapes à venir"
    FOLLOW = "follow", "Suivre seulement"
    ADMINISTER = "administer", "Administrer"


_RIGHTS = {
    StepKind.VISA: Right.ACT,
    StepKind.OPINION: Right.ACT,
    StepKind.SIGN: Right.SIGN,
    StepKind.SEAL: Right.SIGN,  # a seal engages the collectivity as a signature does
    StepKind.TRANSMIT: Right.ACT,
    StepKind.PUBLISH: Right.PUBLISH,
    StepKind.ARCHIVE: Right.ARCHIVE,
}


class Kind(Worded):
    """By what right a person signs (a mandate's kind), in the order in which it is offered."""

    MAYOR = "mayor", "Maire"
    SUBSTITUTE = "substitute", "Suppléance"
    FUNCTION = "function", "Délégation de fonction"
    SIGNATURE = "signature", "Délégation de signature"

    @property
    def delegated(self) -> bool:
        """True when the right comes from the mayor by an order, and falls with him (CGCT L2122-18 to L2122-20)."""
        return self in {Kind.FUNCTION, Kind.SIGNATURE}


class Role(Worded):
    """What a document is in its folder."""

    MAIN = "main", "Document principal"
    SIGNATURE = "signature", "Signature séparée"
    ATTACHMENT = "attachment", "Annexe"
    ORIGINAL = "original", "Original déposé"
    DATA = "data", "Données lues dans le fichier"
    RECEIPT = "receipt", "Accusé reçu"
    DELIVERY = "delivery", "Bon de livraison"
    PAPER = "paper", "Numérisation de l’acte signé sur papier"
    MASKED = "masked", "Version occultée, distincte de l’original signé"


class Origin(Worded):
    """How a version of a document came to be."""

    DEPOSITED = "deposited", "déposé"
    CONVERTED = "converted", "converti en PDF"
    REPAIRED = "repaired", "copie réparée"
    FLATTENED = "flattened", "copie aplatie"
    EXTRACTED = "extracted", "extrait du fichier"
    SIGNED = "signed", "signé"
    RECEIVED = "received", "reçu"
    SCANNED = "scanned", "numérisé"
    MASKED = "masked", "occulté"
