"""What the JSON API answers: each name, its type, and in French what it says.

Dates are ISO 8601, moments are in UTC, amounts are texts in euros so that no cent is lost. Imported at the first call.
"""

from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate

PHASES = ("draft", "running", "rejected", "done")
PATHS = {
    "folder_id": "Numéro du dossier.",
    "document_id": "Numéro de la pièce.",
    "number": "Numéro de la version.",
}
STATES = ("todo", "current", "done", "rejected", "passed")


def _said(words: str, example: Any = None, **more: Any) -> dict[str, Any]:
    return {"description": words, **({"examples": [example]} if example is not None else {}), **more}


def _text(words: str, example: str | None = None, *, null: bool = False) -> Any:
    return fields.String(required=True, allow_none=null, metadata=_said(words, example))


def _number(words: str, example: int | None = None, *, null: bool = False) -> Any:
    return fields.Integer(required=True, allow_none=null, metadata=_said(words, example))


def _day(words: str, *, null: bool = True) -> Any:
    return fields.Date(required=True, allow_none=null, metadata=_said(words, "2026-11-24"))


def _moment(words: str, *, null: bool = False) -> Any:
    return fields.AwareDateTime(required=True, allow_none=null, metadata=_said(words))


def _one_of(values: tuple[str, ...], words: str) -> Any:
    return fields.String(required=True, validate=validate.OneOf(values), metadata=_said(words))


def _list(of: Any, words: str) -> Any:
    inner = of if isinstance(of, fields.Field) else fields.Nested(of)
    return fields.List(inner, required=True, metadata=_said(words))


class Point(Schema):
    """One thing to correct."""

    key = _text("La clé stable.", "required")
    field = _text("Le champ concerné ; vide s’il n’y en a pas.", "received_on")
    sentence = _text("Ce qu’il faut faire.")


class Warned(Schema):
    """One thing to look at before deciding."""

    key = _text("La clé stable.", "account")
    title = _text("En quelques mots.", "IBAN changé, Papeterie du Ponant")
    sentence = _text("Ce qui a été vu, et que faire.")
    gravity = _text(
        "« danger » pour ce qui serait refusé, ou payé deux fois : rien n’est signé avant qu’on ait tranché ; « warning » sinon.",
        "warning",
    )


class Settled(Schema):
    """One thing that was to be looked at, on which somebody who decides has ruled with a word."""

    key = _text("La clé stable.", "account")
    title = _text("En quelques mots.", "IBAN changé, Papeterie du Ponant")
    who = _text("Qui a tranché.")
    at = _text("Date et heure, telles que le journal les scelle.")
    word = _text("Ce qu’il a vérifié.", "Confirmé par le fournisseur, au numéro du marché.")


class Problem(Schema):
    """A refusal (RFC 9457); other facts may come with it."""

    type = _text("Identifiant du refus.", "urn:paraphe:moved-on")
    title = _text("Résumé.", "Ce dossier a avancé")
    status = _number("Code HTTP.", 409)
    detail = _text("La phrase à montrer : ce qui n’a pas eu lieu, pourquoi, et que faire.")
    key = _text("La clé stable du refus.", "moved-on")
    problems = fields.List(fields.Nested(Point), metadata=_said("Tout ce qui est à corriger (422)."))

    class Meta:
        """Other facts are left as they are."""

        unknown = INCLUDE


class Desk(Schema):
    """A desk."""

    key = _text("Clé du bureau.", "comptabilite")
    name = _text("Nom du bureau.", "Comptabilité")


class Me(Schema):
    """Who calls."""

    application = _text("Nom de l’application.", "Logiciel de finances")
    collectivity = _text("Collectivité.", "Ville-sur-Mer")
    desk = fields.Nested(Desk, required=True, metadata=_said("Le bureau pour lequel elle agit."))
    rights = _list(fields.String(), "Ses droits à ce bureau : create, act, sign, archive.")
    token_ends_on = fields.Date(
        required=True,
        allow_none=True,
        metadata=_said(
            "Dernier jour du jeton ; null s’il a été donné avant qu’ils en aient un.", "2027-11-28"
        ),
    )


class Choice(Schema):
    """A value that may be given."""

    value = _text("La valeur à envoyer.", "technique")
    label = _text("Ses mots.", "Services techniques")


class FieldShown(Schema):
    """A fact that a family asks for."""

    key = _text("La clé à employer dans `facts`.", "received_on")
    label = _text("Son nom.", "Date de réception")
    type = _text(
        "text, longtext, date, amount, integer, siret, choice, desk, person, matter ou nature.", "date"
    )
    required_from = _text("submit : exigé à l’envoi ; publish : exigé à la publication.", "submit", null=True)
    help = _text("Une aide.")
    choices = fields.List(
        fields.Nested(Choice),
        required=True,
        allow_none=True,
        metadata=_said("Les valeurs admises ; nul si libre."),
    )


class StepPlanned(Schema):
    """A step of a circuit."""

    key = _text("Clé de l’étape.", "finance")
    label = _text("Son nom.", "Contrôle des finances")
    kind = _text("visa, sign, seal, transmit, publish ou archive.", "visa")


class FamilyShown(Schema):
    """A family of documents."""

    name = _text("À employer dans `family`.", "invoice")
    label = _text("Son nom.", "Facture")
    help = _text("Ce que c’est.")
    formats = _list(fields.String(), "Les formats admis pour le document principal.")
    asks = fields.List(
        fields.Nested(FieldShown),
        required=True,
        data_key="fields",
        metadata=_said("Les informations demandées."),
    )
    steps = _list(
        StepPlanned, "Le circuit qu’un dossier envoyé maintenant suivrait, conditions non encore jugées."
    )


class Families(Schema):
    """Every family."""

    families = _list(FamilyShown, "Les types de dossiers.")


class Line(Schema):
    """A folder in a list."""

    id = _number("Numéro du dossier.", 12)
    href = _text("Où le lire.", "/api/v1/folders/12")
    family = _text("Type de dossier.", "invoice")
    title = _text("Titre.")
    number = _text("Numéro de la pièce ou de l’acte.", "FA-2026-0001")
    amount = _text("Montant en euros.", "1440.00", null=True)
    phase = _one_of(PHASES, "Où en est sa vie : brouillon, en circuit, revenu, terminé.")
    place = _text("L’étape où il se trouve, ou draft, rejected, recalled, withdrawn, done.", "finance")
    state = _text("Le même, en mots.", "À viser")
    depositor = _text("Qui l’a déposé.")
    due_on = _day("Échéance du dossier, la même partout.")
    step_due_on = _day("Dernier jour de l’étape où il est attendu ; jamais après l’échéance du dossier.")


class Page(Schema):
    """A page of folders."""

    folders = _list(Line, "Les dossiers, par échéance (todo, late) ou du plus récent au plus ancien.")
    next = _text("À donner dans `after` pour la page suivante ; nul à la dernière.", null=True)


class VersionShown(Schema):
    """One state of a document's bytes."""

    number = _number("Numéro de version.", 1)
    filename = _text("Nom du fichier.", "facture.pdf")
    media_type = _text("Type.", "application/pdf")
    size = _number("Taille en octets.", 84211)
    sha256 = _text("Empreinte SHA-256, en hexadécimal.")
    origin = _text("deposited, converted, repaired, flattened, extracted, signed ou received.", "deposited")
    created_at = _moment("Quand.")
    href = _text("Où la télécharger.", "/api/v1/folders/12/documents/30/versions/1")


class DocumentShown(Schema):
    """A document of a folder."""

    id = _number("Numéro de la pièce.", 30)
    role = _text("main, signature, attachment, original, data, paper, masked ou receipt.", "main")
    title = _text("Son titre.")
    type = _text("Son type dans la classification des actes ; nul s’il n’en a pas.", "99_DE", null=True)
    pages = _number("Nombre de pages.", 1, null=True)
    versions = _list(VersionShown, "Ses versions, la plus récente en premier.")


class Part(Schema):
    """One desk's part in a step."""

    desk = _text(
        "Clé du bureau ; nul pour une personne désignée ou une étape automatique.", "finances", null=True
    )
    state = _text("active, done, passed, rejected ou cancelled.", "done")
    who = _text("Qui s’est prononcé.", null=True)
    capacity = _text("En quelle qualité.", null=True)
    comment = _text("Son commentaire ou son motif.", null=True)
    entered_at = _moment("Depuis quand il est attendu.")
    ended_at = _moment("Quand il s’est prononcé.", null=True)


class StepShown(StepPlanned):
    """A step of the folder's circuit."""

    state = _one_of(STATES, "todo : à venir ; current : en cours ; passed : ne sera pas ou plus faite.")
    due_on = _day("Dernier jour de l’étape en cours.")
    parts = _list(Part, "Ceux qui sont attendus ou se sont prononcés, dans ce tour.")


class LaterAnswer(Schema):
    """Another answer to a sending that was already answered."""

    state = _text("acknowledged, partial, refused ou unread (à lire dans les documents).", "partial")
    label = _text("Le même, en mots.")
    reason = _text("Ce qu’elle dit.", null=True)
    received_on = _day("Date qu’elle porte.")
    sha256 = _text("Empreinte de ses octets, gardés parmi les documents.")


class Transmission(Schema):
    """One sending."""

    channel = _text("Canal.", "actes")
    round = _number("Tour du dossier.", 1)
    step = _text("Étape.", "prefecture")
    state = _text("ready, sending, sent, acknowledged, partial, refused ou uncertain.", "acknowledged")
    label = _text("Le même, en mots.")
    simulated = fields.Boolean(required=True, metadata=_said("Vrai quand le destinataire est factice."))
    reference = _text("Référence de l’envoi.", null=True)
    identifier = _text("Identifiant donné par l’accusé de réception.", null=True)
    reason = _text("Motif du refus.", null=True)
    sent_at = _moment("Envoyé.", null=True)
    received_on = _day("Reçu par le destinataire.")
    ended_at = _moment("Réponse.", null=True)
    later = _list(
        LaterAnswer,
        "Ce que le destinataire a dit ensuite du même envoi, et qui contredit sa réponse ou ne se lit pas ; le dossier n’a "
        "pas changé d’état.",
    )


class Signature(Schema):
    """One signature, verified when it was made, or stated when it was made on paper."""

    name = _text("Signataire.", "Armel Kervadec")
    holder = _text("Nom que porte le certificat, quand ce n’est pas celui du compte ; vide sinon.", "")
    capacity = _text("En quelle qualité, dans les mots que porte l’acte.", "Le maire")
    signed_at = _text("Date et heure.")
    serial = _text("Numéro de série du certificat.")
    issuer = _text("Nom de l’autorité qui a émis le certificat.")
    level = _text(
        "Niveau de la signature, ou « paper » pour une signature sur papier (ni certificat, ni heure).", "B-T"
    )
    original = _text(
        "Où l’original signé sur papier est conservé ; vide pour une signature électronique.", ""
    )
    assurance = _text("simple, advanced, advanced_qualified ou qualified.", "advanced", null=True)


class Payment(Schema):
    """The Treasury's last word on a mandat or titre of a flow."""

    kind = _one_of(("mandat", "titre"), "Mandat ou titre.")
    year = _text("L’exercice.", "2026")
    slip = _text("Le bordereau, sans zéros devant.", "1")
    piece = _text("La pièce, sans zéros devant.", "2")
    due = _text("Ce que valent, TTC, les lignes dont elle parle.", "1870.00")
    paid = _text("Ce qui a été vraiment payé ou encaissé ; zéro quand rien ne l’est.", "1870.00")
    paid_on = _day("Le dernier paiement ou encaissement.")
    words = _text("Le même, en français, avec ce qui est réglé autrement, rejeté ou en instance.")
    file = _text("Le nom du retour qui l’a dit en dernier.")
    said_on = _day("La date que porte ce retour.")
    simulated = fields.Boolean(
        required=True, metadata=_said("Vrai quand il vient d’un simulateur, sans valeur.")
    )


class SaidByFile(Schema):
    """What a file says of a fact."""

    value = _text("La valeur lue.", "30420.00")
    where = _text("Où elle a été lue.", "lu dans la facture (CII), facture.xml")


class RuledOn(Schema):
    """What another person decided between the two."""

    keeps = _one_of(("read", "typed"), "read : la valeur lue ; typed : la valeur écrite.")
    word = _text("Ce qu’elle en a dit.")
    who = _text("Qui.")
    at = _text("Quand, en temps universel.")


class Corrected(Schema):
    """A fact that somebody typed in place of what a file says."""

    field = _text("La clé du champ.", "total_ttc")
    label = _text("Son nom.", "Montant TTC")
    typed = _text("Ce qui a été écrit ; nul si la valeur a été retirée.", "3042.00", null=True)
    read = _list(SaidByFile, "Ce que disent les fichiers.")
    words = _text("Le même, en une ligne.")
    reason = _text("Pourquoi.")
    who = _text("Qui l’a écrit.")
    at = _text("Quand, en temps universel.", null=True)
    ruling = fields.Nested(
        RuledOn,
        required=True,
        allow_none=True,
        metadata=_said("Ce qu’une autre personne a tranché ; nul tant que les deux valeurs comptent."),
    )


class DateShown(Schema):
    """A date of an act, with what gives it."""

    name = _text("Son nom.", "enforceable_on")
    label = _text("Ses mots.", "Exécutoire le")
    day = _day("Le jour ; nul tant qu’il n’est pas connu.")
    rule = _text(
        "La règle qui le donne, dite aussi d’un jour qui n’est pas encore connu ; vide tant que l’acte n’est pas publié, pour ce "
        "jour-là."
    )


class FolderShown(Line):
    """A folder, as whoever may read it sees it."""

    version = _number("À redonner dans toute décision.", 4)
    round = _number("Combien de fois il a été envoyé.", 1)
    desk = fields.Nested(Desk, required=True, metadata=_said("Le bureau déposant."))
    facts = fields.Dict(required=True, metadata=_said("Ses informations, par clé de champ."))
    read = _list(fields.String(), "Les champs lus dans le fichier, à vérifier.")
    corrections = _list(
        Corrected,
        "Ce qui a été écrit à la place de ce que disent les fichiers. Sans décision (`ruling` nul), le circuit et les "
        "plafonds tiennent compte des deux valeurs.",
    )
    created_at = _moment("Créé.")
    updated_at = _moment("Dernier mouvement.")
    submitted_at = _moment("Envoyé dans le circuit.", null=True)
    done_at = _moment("Terminé.", null=True)
    published_on = _day("Publié (actes).")
    publication = _text(
        "Comment il l’a été : online (en ligne), posted (affiché), urgent (affiché en urgence, puis mis en ligne), paper (sur "
        "papier), notified (notifié).",
        null=True,
    )
    enforceable_on = _day("Exécutoire (actes) ; nul tant qu’il ne l’est pas, et s’il ne l’est plus.")
    effect = _text(
        "Ce que vaut l’acte aujourd’hui, en une ligne : exécutoire, déféré, suspendu, annulé, transmission annulée, recours et "
        "courriers qui attendent.",
        null=True,
    )
    actions = _list(
        fields.String(), "Ce que cette application peut faire maintenant : change, start, approve, reject."
    )
    steps = _list(StepShown, "Son circuit.")
    documents = _list(DocumentShown, "Ses pièces.")
    types = fields.List(
        fields.Nested(Choice),
        required=True,
        allow_none=True,
        metadata=_said(
            "Les types qu’une pièce de cet acte peut avoir, selon sa nature ; nul pour un autre dossier."
        ),
    )
    signatures = _list(Signature, "Ses signatures.")
    transmissions = _list(Transmission, "Ses transmissions.")
    payments = _list(
        Payment, "Ce que la trésorerie a dit des mandats et titres d’un flux (PES Retour) ; vide sinon."
    )
    dates = _list(
        DateShown, "Les dates d’un acte reçu par la préfecture, chacune avec sa règle ; vide sinon."
    )
    problems = _list(Point, "Ce qui l’empêche de partir (brouillon ou dossier revenu).")
    warnings = _list(
        Warned,
        "Ce qu’il faut regarder avant de viser ou de signer, le plus grave d’abord. Vide s’il n’y a rien.",
    )
    settled = _list(Settled, "Ce que quelqu’un a déjà tranché, d’un mot.")


class Entry(Schema):
    """One line of the journal."""

    seq = _number("Numéro dans la chaîne de la collectivité.", 41)
    at = _text("Date et heure, telles que l’empreinte les scelle.")
    who = _text("Qui.")
    event = _text("Événement.", "folder.approve")
    facts = fields.Dict(required=True, metadata=_said("Les faits qui le prouvent."))
    previous = _text("Empreinte de la ligne précédente de la chaîne.")
    hash = _text("Empreinte de cette ligne.")


class Journal(Schema):
    """The lines about a folder."""

    entries = _list(Entry, "Les écritures, dans l’ordre.")
    next = _number("À donner dans `after` pour la suite ; nul à la fin.", null=True)
