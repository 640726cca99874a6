"""What the JSON API answers: each name, its type, and in French what it says.

Dates are ISO 8601, moments are in UTC, amounts are texts in euros so that no cent is lost. Imported at the first call.
"""

from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict

from app.core.shapes import Given, Moment, told

DAY = "2026-11-24"
PATHS = {
    "folder_id": "Numéro du dossier.",
    "document_id": "Numéro de la pièce.",
    "number": "Numéro de la version.",
}


class Point(Given):
    """One thing to correct."""

    key: str = told("La clé stable.", "required")
    field: str = told("Le champ concerné ; vide s’il n’y en a pas.", "received_on")
    sentence: str = told("Ce qu’il faut faire.")


class Warned(Given):
    """One thing to look at before deciding."""

    key: str = told("La clé stable.", "account")
    title: str = told("En quelques mots.", "IBAN changé, Papeterie du Ponant")
    sentence: str = told("Ce qui a été vu, et que faire.")
    gravity: str = told(
        "« danger » pour ce qui serait refusé, ou payé deux fois : rien n’est signé avant qu’on ait tranché ; « warning » sinon.",
        "warning",
    )


class Settled(Given):
    """One thing that was to be looked at, on which somebody who decides has ruled with a word."""

    key: str = told("La clé stable.", "account")
    title: str = told("En quelques mots.", "IBAN changé, Papeterie du Ponant")
    who: str = told("Qui a tranché.")
    at: str = told("Date et heure, telles que le journal les scelle.")
    word: str = told("Ce qu’il a vérifié.", "Confirmé par le fournisseur, au numéro du marché.")


class Chosen(Given):
    """The rule that chose the circuit of a folder."""

    rules: str = told("Famille ou type dont ce sont les règles.", "invoice")
    version: int = told("Numéro de la version des règles.", 4)
    rank: int | None = told("Rang de la règle, depuis 1 ; null pour « dans tous les autres cas ».", 2)
    words: str = told(
        "Ce que dit la règle.", "règle 2 de « Facture » (version 4) : montant TTC atteint 40 000 €"
    )


class Followed(Given):
    """The circuit of a folder."""

    label: str = told("Nom du circuit.", "Plus de 40 000 €")
    version: int = told("Numéro de la version que le dossier garde.", 3)
    rule: Chosen | None = told("La règle qui l’a choisi ; null si ce type n’a pas de règles.")


class Problem(Given):
    """A refusal (RFC 9457); other facts may come with it."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    type: str = told("Identifiant du refus.", "urn:paraphe:moved-on")
    title: str = told("Résumé.", "Ce dossier a avancé")
    status: int = told("Code HTTP.", 409)
    detail: str = told("La phrase à montrer : ce qui n’a pas eu lieu, pourquoi, et que faire.")
    key: str = told("La clé stable du refus.", "moved-on")
    problems: list[Point] = told("Tout ce qui est à corriger (422).", default_factory=list)


class Desk(Given):
    """A desk."""

    key: str = told("Clé du bureau.", "comptabilite")
    name: str = told("Nom du bureau.", "Comptabilité")


class Me(Given):
    """Who calls."""

    application: str = told("Nom de l’application.", "Logiciel de finances")
    collectivity: str = told("Collectivité.", "Ville-sur-Mer")
    desk: Desk = told("Le bureau pour lequel elle agit.")
    rights: list[str] = told(
        "Ses droits à ce bureau : create, act, sign, publish, archive, reroute, follow ; pour un seul type : act:invoice."
    )
    token_ends_on: date | None = told(
        "Dernier jour du jeton ; null s’il a été donné avant qu’ils en aient un.", "2027-11-28"
    )


class Choice(Given):
    """A value that may be given."""

    value: str = told("La valeur à envoyer.", "technique")
    label: str = told("Ses mots.", "Services techniques")


class ColumnShown(Given):
    """A column of a table."""

    key: str = told("La clé à employer dans chaque ligne.", "quantite")
    label: str = told("Son nom.", "Quantité")
    type: str = told("text, integer, amount, date ou choice.", "integer")
    required_from: str | None = told("submit : exigé de chaque ligne.", "submit")
    choices: list[Choice] | None = told("Les valeurs admises ; nul si libre.")


class FieldShown(Given):
    """A fact that a family asks for."""

    key: str = told("La clé à employer dans `facts`.", "received_on")
    label: str = told("Son nom.", "Date de réception")
    type: str = told(
        "text, longtext, date, amount, integer, siret, iban, choice, desk, person (qui peut signer), member (toute personne), "
        "lines (un tableau : une liste de lignes, chacune par clé de colonne), matter ou nature.",
        "date",
    )
    required_from: str | None = told("submit : exigé à l’envoi ; publish : exigé à la publication.", "submit")
    help: str = told("Une aide.")
    listed: bool = told("Vrai si les listes de dossiers le montrent.", False)
    choices: list[Choice] | None = told("Les valeurs admises ; nul si libre.")
    columns: list[ColumnShown] | None = told("Les colonnes d’un tableau ; nul pour un autre champ.")


class ListedShown(Given):
    """A fact that lists show."""

    key: str = told("La clé du champ.", "own_batiment")
    label: str = told("Son nom.", "Bâtiment")
    words: str = told("Sa valeur, en mots.", "École de la Grève")


class StepPlanned(Given):
    """A step of a circuit."""

    key: str = told("Clé de l’étape.", "finance")
    label: str = told("Son nom.", "Contrôle des finances")
    kind: str = told("visa, opinion, sign, seal, transmit, publish ou archive.", "visa")
    told: list[str] = told("Clés des bureaux qui lisent le dossier à partir de cette étape, sans y agir.")


class FamilyShown(Given):
    """A family of documents."""

    name: str = told("À employer dans `family` pour déposer.", "facture-d-energie")
    family: str = told("La famille dont le type est fait ; le même nom pour une famille.", "invoice")
    label: str = told("Son nom.", "Facture")
    help: str = told("Ce que c’est.")
    formats: list[str] = told("Les formats admis pour le document principal.")
    attachments_least: int = told("Combien d’annexes au moins à l’envoi.", 0)
    attachments_most: int | None = told("Combien d’annexes au plus à l’envoi ; nul sans limite.", 3)
    restricted: bool = told("Vrai si ses dossiers ne sont lus que par ceux qui peuvent y agir.", False)
    seen_at: list[str] = told(
        "Les bureaux, par clé, dont tous les titulaires les lisent quand même.", default_factory=list
    )
    fields: list[FieldShown] = told("Les informations demandées.")
    steps: list[StepPlanned] = told(
        "Le circuit qu’un dossier envoyé maintenant suivrait, conditions non encore jugées."
    )


class Families(Given):
    """Every family."""

    families: list[FamilyShown] = told("Les types de dossiers.")


class Line(Given):
    """A folder in a list."""

    id: int = told("Numéro du dossier.", 12)
    href: str = told("Où le lire.", "/api/v1/folders/12")
    family: str = told("Famille du dossier.", "invoice")
    type: str | None = told(
        "Type de la collectivité dont il est ; nul sans autre type que sa famille.", "facture-d-energie"
    )
    title: str = told("Titre.")
    listed: list[ListedShown] = told("Ce que son type montre dans les listes.", default_factory=list)
    number: str = told("Numéro de la pièce ou de l’acte.", "FA-2026-0001")
    amount: str | None = told("Montant en euros.", "1440.00")
    phase: Literal["draft", "running", "rejected", "done"] = told(
        "Où en est sa vie : brouillon, en circuit, revenu, terminé."
    )
    place: str = told("L’étape où il se trouve, ou draft, rejected, recalled, withdrawn, done.", "finance")
    state: str = told("Le même, en mots.", "À viser")
    depositor: str = told("Qui l’a déposé.")
    due_on: date | None = told("Échéance du dossier, la même partout.", DAY)
    step_due_on: date | None = told(
        "Dernier jour de l’étape où il est attendu ; jamais après l’échéance du dossier.", DAY
    )


class Page(Given):
    """A page of folders."""

    folders: list[Line] = told("Les dossiers, par échéance (todo, late) ou du plus récent au plus ancien.")
    next: str | None = told("À donner dans `after` pour la page suivante ; nul à la dernière.")


class VersionShown(Given):
    """One state of a document's bytes."""

    number: int = told("Numéro de version.", 1)
    filename: str = told("Nom du fichier.", "facture.pdf")
    media_type: str = told("Type.", "application/pdf")
    size: int = told("Taille en octets.", 84211)
    sha256: str = told("Empreinte SHA-256, en hexadécimal.")
    origin: str = told(
        "deposited, converted, repaired, flattened, extracted, signed ou received.", "deposited"
    )
    created_at: Moment = told("Quand.")
    href: str = told("Où la télécharger.", "/api/v1/folders/12/documents/30/versions/1")


class DocumentShown(Given):
    """A document of a folder."""

    id: int = told("Numéro de la pièce.", 30)
    role: str = told("main, signature, attachment, original, data, paper, masked ou receipt.", "main")
    title: str = told("Son titre.")
    type: str | None = told("Son type dans la classification des actes ; nul s’il n’en a pas.", "99_DE")
    pages: int | None = told("Nombre de pages.", 1)
    versions: list[VersionShown] = told("Ses versions, la plus récente en premier.")


class Part(Given):
    """One desk's part in a step."""

    desk: str | None = told(
        "Clé du bureau ; nul pour une personne désignée ou une étape automatique.", "finances"
    )
    state: str = told("active, done, passed, rejected ou cancelled.", "done")
    who: str | None = told("Qui s’est prononcé.")
    capacity: str | None = told("En quelle qualité.")
    comment: str | None = told("Son commentaire ou son motif.")
    entered_at: Moment = told("Depuis quand il est attendu.")
    ended_at: Moment | None = told("Quand il s’est prononcé.")
    opinion: Literal["favourable", "unfavourable"] | None = told("À une étape d’avis, s’il est favorable.")


class StepShown(StepPlanned):
    """A step of the folder's circuit."""

    state: Literal["todo", "current", "done", "rejected", "passed"] = told(
        "todo : à venir ; current : en cours ; passed : ne sera pas ou plus faite."
    )
    due_on: date | None = told("Dernier jour de l’étape en cours.", DAY)
    parts: list[Part] = told("Ceux qui sont attendus ou se sont prononcés, dans ce tour.")


class LaterAnswer(Given):
    """Another answer to a sending that was already answered."""

    state: str = told("acknowledged, partial, refused ou unread (à lire dans les documents).", "partial")
    label: str = told("Le même, en mots.")
    reason: str | None = told("Ce qu’elle dit.")
    received_on: date | None = told("Date qu’elle porte.", DAY)
    sha256: str = told("Empreinte de ses octets, gardés parmi les documents.")


class Transmission(Given):
    """One sending."""

    channel: str = told("Canal.", "actes")
    round: int = told("Tour du dossier.", 1)
    step: str = told("Étape.", "prefecture")
    state: str = told("ready, sending, sent, acknowledged, partial, refused ou uncertain.", "acknowledged")
    label: str = told("Le même, en mots.")
    simulated: bool = told("Vrai quand le destinataire est factice.")
    reference: str | None = told("Référence de l’envoi.")
    identifier: str | None = told("Identifiant donné par l’accusé de réception.")
    reason: str | None = told("Motif du refus.")
    sent_at: Moment | None = told("Envoyé.")
    received_on: date | None = told("Reçu par le destinataire.", DAY)
    ended_at: Moment | None = told("Réponse.")
    later: list[LaterAnswer] = told(
        "Ce que le destinataire a dit ensuite du même envoi, et qui contredit sa réponse ou ne se lit pas ; le "
        "dossier n’a pas changé d’état."
    )


class Signature(Given):
    """One signature, verified when it was made, or stated when it was made on paper."""

    name: str = told("Signataire.", "Armel Kervadec")
    holder: str = told("Nom que porte le certificat, quand ce n’est pas celui du compte ; vide sinon.", "")
    capacity: str = told("En quelle qualité, dans les mots que porte l’acte.", "Le maire")
    signed_at: str = told("Date et heure.")
    serial: str = told("Numéro de série du certificat.")
    issuer: str = told("Nom de l’autorité qui a émis le certificat.")
    level: str = told(
        "Niveau de la signature, ou « paper » pour une signature sur papier (ni certificat, ni heure).", "B-T"
    )
    original: str = told(
        "Où l’original signé sur papier est conservé ; vide pour une signature électronique.", ""
    )
    assurance: str | None = told("simple, advanced, advanced_qualified ou qualified.", "advanced")


class Payment(Given):
    """The Treasury's last word on a mandat or titre of a flow."""

    kind: Literal["mandat", "titre"] = told("Mandat ou titre.")
    year: str = told("L’exercice.", "2026")
    slip: str = told("Le bordereau, sans zéros devant.", "1")
    piece: str = told("La pièce, sans zéros devant.", "2")
    due: str = told("Ce que valent, TTC, les lignes dont elle parle.", "1870.00")
    paid: str = told("Ce qui a été vraiment payé ou encaissé ; zéro quand rien ne l’est.", "1870.00")
    paid_on: date | None = told("Le dernier paiement ou encaissement.", DAY)
    words: str = told("Le même, en français, avec ce qui est réglé autrement, rejeté ou en instance.")
    file: str = told("Le nom du retour qui l’a dit en dernier.")
    said_on: date | None = told("La date que porte ce retour.", DAY)
    simulated: bool = told("Vrai quand il vient d’un simulateur, sans valeur.")


class SaidByFile(Given):
    """What a file says of a fact."""

    value: str = told("La valeur lue.", "30420.00")
    where: str = told("Où elle a été lue.", "lu dans la facture (CII), facture.xml")


class RuledOn(Given):
    """What another person decided between the two."""

    keeps: Literal["read", "typed"] = told("read : la valeur lue ; typed : la valeur écrite.")
    word: str = told("Ce qu’elle en a dit.")
    who: str = told("Qui.")
    at: str = told("Quand, en temps universel.")


class Corrected(Given):
    """A fact that somebody typed in place of what a file says."""

    field: str = told("La clé du champ.", "total_ttc")
    label: str = told("Son nom.", "Montant TTC")
    typed: str | None = told("Ce qui a été écrit ; nul si la valeur a été retirée.", "3042.00")
    read: list[SaidByFile] = told("Ce que disent les fichiers.")
    words: str = told("Le même, en une ligne.")
    reason: str = told("Pourquoi.")
    who: str = told("Qui l’a écrit.")
    at: str | None = told("Quand, en temps universel.")
    ruling: RuledOn | None = told(
        "Ce qu’une autre personne a tranché ; nul tant que les deux valeurs comptent."
    )


class DateShown(Given):
    """A date of an act, with what gives it."""

    name: str = told("Son nom.", "enforceable_on")
    label: str = told("Ses mots.", "Exécutoire le")
    day: date | None = told("Le jour ; nul tant qu’il n’est pas connu.", DAY)
    rule: str = told(
        "La règle qui le donne, dite aussi d’un jour qui n’est pas encore connu ; vide tant que l’acte n’est pas "
        "publié, pour ce jour-là."
    )


class StepChanged(Given):
    """The coming steps were changed for this folder alone."""

    at: Moment = told("Quand.")
    who: str = told("Par qui.", "Solenn Rivoal")
    changes: list[str] = told("Ce qui change, en clair.")
    reason: str = told("Motif.", "Le tonnage facturé dépasse le marché.")


class FolderShown(Line):
    """A folder, as whoever may read it sees it."""

    version: int = told("À redonner dans toute décision.", 4)
    round: int = told("Combien de fois il a été envoyé.", 1)
    desk: Desk = told("Le bureau déposant.")
    facts: dict[str, Any] = told("Ses informations, par clé de champ.")
    read: list[str] = told("Les champs lus dans le fichier, à vérifier.")
    corrections: list[Corrected] = told(
        "Ce qui a été écrit à la place de ce que disent les fichiers. Sans décision (`ruling` nul), le circuit "
        "et les plafonds tiennent compte des deux valeurs."
    )
    circuit: Followed | None = told(
        "Le circuit qu’il suit depuis son dernier envoi ; null d’un brouillon jamais envoyé."
    )
    created_at: Moment = told("Créé.")
    updated_at: Moment = told("Dernier mouvement.")
    submitted_at: Moment | None = told("Envoyé dans le circuit.")
    done_at: Moment | None = told("Terminé.")
    published_on: date | None = told("Publié (actes).", DAY)
    publication: str | None = told(
        "Comment il l’a été : online (en ligne), posted (affiché), urgent (affiché en urgence, puis mis en "
        "ligne), paper (sur papier), notified (notifié)."
    )
    enforceable_on: date | None = told(
        "Exécutoire (actes) ; nul tant qu’il ne l’est pas, et s’il ne l’est plus.", DAY
    )
    effect: str | None = told(
        "Ce que vaut l’acte aujourd’hui, en une ligne : exécutoire, déféré, suspendu, annulé, transmission "
        "annulée, recours et courriers qui attendent."
    )
    actions: list[str] = told(
        "Ce que cette application peut faire maintenant : change, start, approve, reject, reroute."
    )
    steps: list[StepShown] = told("Son circuit.")
    step_changes: list[StepChanged] = told(
        "Les changements de ses étapes à venir depuis son dernier envoi, dans l’ordre ; vide s’il n’y en a pas."
    )
    documents: list[DocumentShown] = told("Ses pièces.")
    types: list[Choice] | None = told(
        "Les types qu’une pièce de cet acte peut avoir, selon sa nature ; nul pour un autre dossier."
    )
    signatures: list[Signature] = told("Ses signatures.")
    transmissions: list[Transmission] = told("Ses transmissions.")
    payments: list[Payment] = told(
        "Ce que la trésorerie a dit des mandats et titres d’un flux (PES Retour) ; vide sinon."
    )
    dates: list[DateShown] = told(
        "Les dates d’un acte reçu par la préfecture, chacune avec sa règle ; vide sinon."
    )
    problems: list[Point] = told("Ce qui l’empêche de partir (brouillon ou dossier revenu).")
    warnings: list[Warned] = told(
        "Ce qu’il faut regarder avant de viser ou de signer, le plus grave d’abord. Vide s’il n’y a rien."
    )
    settled: list[Settled] = told("Ce que quelqu’un a déjà tranché, d’un mot.")


class Entry(Given):
    """One line of the journal."""

    seq: int = told("Numéro dans la chaîne de la collectivité.", 41)
    at: str = told("Date et heure, telles que l’empreinte les scelle.")
    who: str = told("Qui.")
    event: str = told("Événement.", "folder.approve")
    facts: dict[str, Any] = told("Les faits qui le prouvent.")
    previous: str = told("Empreinte de la ligne précédente de la chaîne.")
    hash: str = told("Empreinte de cette ligne.")


class Journal(Given):
    """The lines about a folder."""

    entries: list[Entry] = told("Les écritures, dans l’ordre.")
    next: int | None = told("À donner dans `after` pour la suite ; nul à la fin.")
