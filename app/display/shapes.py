"""What the JSON API answers: each name, its type, and in French what it says.

Dates are ISO 8601, moments are in UTC, amounts are texts in euros so that no cent is lost. Imported at the first call.
"""

from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict

from app.core.shapes import Given, Moment, attribute

DAY = "2026-11-24"
PATHS = {
    "folder_id": "Numéro du dossier.",
    "document_id": "Numéro de la pièce.",
    "number": "Numéro de la version.",
    "note_id": "Numéro de la note.",
}


class Point(Given):
    """One thing to correct."""

    key: str = attribute("La clé stable.", "required")
    field: str = attribute("Le champ concerné ; vide s’il n’y en a pas.", "received_on")
    sentence: str = attribute("Ce qu’il faut faire.")


class Warned(Given):
    """One thing to look at before deciding."""

    key: str = attribute("La clé stable.", "account")
    title: str = attribute("En quelques mots.", "IBAN changé, Papeterie du Ponant")
    sentence: str = attribute("Ce qui a été vu, et que faire.")
    gravity: str = attribute(
        "« danger » pour ce qui serait refusé, ou payé deux fois : rien n’est signé avant qu’on ait tranché ; « warning » sinon.",
        "warning",
    )


class Settled(Given):
    """One thing that was to be looked at, on which somebody who decides has ruled with a word."""

    key: str = attribute("La clé stable.", "account")
    title: str = attribute("En quelques mots.", "IBAN changé, Papeterie du Ponant")
    who: str = attribute("Qui a tranché.")
    at: str = attribute("Date et heure, telles que le journal les scelle.")
    word: str = attribute("Ce qu’il a vérifié.", "Confirmé par le fournisseur, au numéro du marché.")


class Chosen(Given):
    """The rule that chose the circuit of a folder."""

    rules: str = attribute("Famille ou type dont ce sont les règles.", "invoice")
    version: int = attribute("Numéro de la version des règles.", 4)
    rank: int | None = attribute("Rang de la règle, depuis 1 ; null pour « dans tous les autres cas ».", 2)
    words: str = attribute(
        "Ce que dit la règle.", "règle 2 de « Facture » (version 4) : montant TTC atteint 40 000 €"
    )


class Followed(Given):
    """The circuit of a folder."""

    label: str = attribute("Nom du circuit.", "Plus de 40 000 €")
    version: int = attribute("Numéro de la version que le dossier garde.", 3)
    rule: Chosen | None = attribute("La règle qui l’a choisi ; null si ce type n’a pas de règles.")


class Problem(Given):
    """A refusal (RFC 9457); other facts may come with it."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    type: str = attribute("Identifiant du refus.", "urn:paraphe:moved-on")
    title: str = attribute("Résumé.", "Ce dossier a avancé")
    status: int = attribute("Code HTTP.", 409)
    detail: str = attribute("La phrase à montrer : ce qui n’a pas eu lieu, pourquoi, et que faire.")
    key: str = attribute("La clé stable du refus.", "moved-on")
    problems: list[Point] = attribute("Tout ce qui est à corriger (422).", default_factory=list)


class Desk(Given):
    """A desk."""

    key: str = attribute("Clé du bureau.", "comptabilite")
    name: str = attribute("Nom du bureau.", "Comptabilité")


class Me(Given):
    """Who calls."""

    application: str = attribute("Nom de l’application.", "Logiciel de finances")
    collectivity: str = attribute("Collectivité.", "Ville-sur-Mer")
    desk: Desk = attribute("Le bureau pour lequel elle agit.")
    rights: list[str] = attribute(
        "Ses droits à ce bureau : create, act, sign, publish, archive, reroute, follow ; pour un seul type : act:invoice."
    )
    token_ends_on: date | None = attribute(
        "Dernier jour du jeton ; null s’il a été donné avant qu’ils en aient un.", "2027-11-28"
    )


class Choice(Given):
    """A value that may be given."""

    value: str = attribute("La valeur à envoyer.", "technique")
    label: str = attribute("Ses mots.", "Services techniques")


class ColumnShown(Given):
    """A column of a table."""

    key: str = attribute("La clé à employer dans chaque ligne.", "quantite")
    label: str = attribute("Son nom.", "Quantité")
    type: str = attribute("text, integer, decimal, amount, date ou choice.", "integer")
    required_from: str | None = attribute("submit : exigé de chaque ligne.", "submit")
    choices: list[Choice] | None = attribute("Les valeurs admises ; nul si libre.")


class FieldShown(Given):
    """A fact that a family asks for."""

    key: str = attribute("La clé à employer dans `facts`.", "received_on")
    label: str = attribute("Son nom.", "Date de réception")
    type: str = attribute(
        "text, longtext, date, amount, decimal, integer, siret, iban, choice, desk, person (qui peut signer), "
        "member (toute personne), lines (un tableau : une liste de lignes, chacune par clé de colonne), matter ou nature.",
        "date",
    )
    required_from: str | None = attribute(
        "submit : exigé à l’envoi ; publish : exigé à la publication.", "submit"
    )
    help: str = attribute("Une aide.")
    listed: bool = attribute("Vrai si les listes de dossiers le montrent.", False)
    computed: bool = attribute(
        "Vrai s’il se déduit des autres : ce qui est envoyé à sa place est ignoré.", False
    )
    choices: list[Choice] | None = attribute("Les valeurs admises ; nul si libre.")
    columns: list[ColumnShown] | None = attribute("Les colonnes d’un tableau ; nul pour un autre champ.")


class ListedShown(Given):
    """A fact that lists show."""

    key: str = attribute("La clé du champ.", "own_batiment")
    label: str = attribute("Son nom.", "Bâtiment")
    words: str = attribute("Sa valeur, en mots.", "École de la Grève")


class StepPlanned(Given):
    """A step of a circuit."""

    key: str = attribute("Clé de l’étape.", "finance")
    label: str = attribute("Son nom.", "Contrôle des finances")
    kind: str = attribute("visa, opinion, sign, seal, transmit, publish ou archive.", "visa")
    requires: list[str] = attribute("Clés des champs à remplir avant de quitter cette étape.")
    reading: bool = attribute("Si la lecture des documents y est exigée ; un logiciel n’y décide alors pas.")
    told: list[str] = attribute(
        "Clés des bureaux qui lisent le dossier à partir de cette étape, sans y agir."
    )


class FamilyShown(Given):
    """A family of documents."""

    name: str = attribute("À employer dans `family` pour déposer.", "facture-d-energie")
    family: str = attribute("La famille dont le type est fait ; le même nom pour une famille.", "invoice")
    label: str = attribute("Son nom.", "Facture")
    help: str = attribute("Ce que c’est.")
    formats: list[str] = attribute("Les formats admis pour le document principal.")
    attachments_least: int = attribute("Combien d’annexes au moins à l’envoi.", 0)
    attachments_most: int | None = attribute("Combien d’annexes au plus à l’envoi ; nul sans limite.", 3)
    restricted: bool = attribute("Vrai si ses dossiers ne sont lus que par ceux qui peuvent y agir.", False)
    open_to_all: bool = attribute(
        "Vrai si toute personne de la collectivité les lit une fois envoyés ; un logiciel n’en lit pas plus.",
        False,
    )
    seen_at: list[str] = attribute(
        "Les bureaux, par clé, dont tous les titulaires les lisent quand même.", default_factory=list
    )
    fields: list[FieldShown] = attribute("Les informations demandées.")
    steps: list[StepPlanned] = attribute(
        "Le circuit qu’un dossier envoyé maintenant suivrait, conditions non encore jugées."
    )


class Families(Given):
    """Every family."""

    families: list[FamilyShown] = attribute("Les types de dossiers.")


class Line(Given):
    """A folder in a list."""

    id: int = attribute("Numéro du dossier.", 12)
    href: str = attribute("Où le lire.", "/api/v1/folders/12")
    family: str = attribute("Famille du dossier.", "invoice")
    type: str | None = attribute(
        "Type de la collectivité dont il est ; nul sans autre type que sa famille.", "facture-d-energie"
    )
    title: str = attribute("Titre.")
    listed: list[ListedShown] = attribute("Ce que son type montre dans les listes.", default_factory=list)
    number: str = attribute("Numéro de la pièce ou de l’acte.", "FA-2026-0001")
    amount: str | None = attribute(
        "Montant en euros ; nul s’il n’y en a pas, ou s’il est dans une autre monnaie.", "1440.00"
    )
    phase: Literal["draft", "running", "rejected", "done"] = attribute(
        "Où en est sa vie : brouillon, en circuit, revenu, terminé."
    )
    place: str = attribute(
        "L’étape où il se trouve, ou draft, rejected, recalled, withdrawn, done.", "finance"
    )
    state: str = attribute("Le même, en mots.", "À viser")
    depositor: str = attribute("Qui l’a déposé.")
    due_on: date | None = attribute("Échéance du dossier, la même partout.", DAY)
    step_due_on: date | None = attribute(
        "Dernier jour de l’étape où il est attendu ; jamais après l’échéance du dossier.", DAY
    )


class Page(Given):
    """A page of folders."""

    folders: list[Line] = attribute(
        "Les dossiers, par échéance (todo, late) ou du plus récent au plus ancien."
    )
    next: str | None = attribute("À donner dans `after` pour la page suivante ; nul à la dernière.")


class FoundShown(Given):
    """A folder that a search finds."""

    id: int = attribute("Numéro du dossier.", 12)
    href: str = attribute("Où le lire.", "/api/v1/folders/12")
    family: str = attribute("Famille du dossier.", "invoice")
    type: str | None = attribute(
        "Type de la collectivité dont il est ; nul sans autre type que sa famille.", "facture-d-energie"
    )
    title: str = attribute("Titre.")
    number: str = attribute("Numéro de la pièce ou de l’acte.", "FA-2026-0001")
    amount: str | None = attribute(
        "Montant en euros ; nul s’il n’y en a pas, ou s’il est dans une autre monnaie.", "1440.00"
    )
    phase: Literal["draft", "running", "rejected", "done"] = attribute(
        "Où en est sa vie : brouillon, en circuit, revenu, terminé."
    )
    place: str = attribute(
        "L’étape où il se trouve, ou draft, rejected, recalled, withdrawn, done.", "finance"
    )
    state: str = attribute("Le même, en mots.", "À viser")
    depositor: str = attribute("Qui l’a déposé.")
    where: str | None = attribute("Où sont les mots, ailleurs que dans le titre.", "Dans l’annexe « CCTP »")
    extract: str | None = attribute("Le texte autour d’eux.", "… enrobé à chaud, rue des Goélands …")


class FoundPage(Given):
    """A page of what a search finds."""

    folders: list[FoundShown] = attribute("Les dossiers, du plus récent au plus ancien.")
    understood: str = attribute("Ce qui a été compris de la question, en français.", "le mot « enrobé »")
    total: int | None = attribute("Combien en tout, parmi ceux que ce jeton peut lire ; nul au-delà de 100.")
    next: str | None = attribute("À donner dans `after` pour la page suivante ; nul à la dernière.")


class ViewShown(Given):
    """A list with its filters, under a name."""

    id: int = attribute("Numéro de la vue.", 3)
    name: str = attribute("Nom.", "Factures de la semaine")
    page: Literal["inbox", "follow", "search"] = attribute(
        "Liste : « À traiter » (`inbox`), « Suivi » (`follow`) ou recherche (`search`).", "follow"
    )
    asked: dict[str, str | list[str]] = attribute(
        "Filtres, par les mots de l’adresse de la page.", {"famille": "invoice", "etat": "running"}
    )
    count: str = attribute("Combien de dossiers ce jeton y lit ; « 99+ » au-delà.", "12")


class Views(Given):
    """The saved views of a desk."""

    views: list[ViewShown] = attribute("Les vues que le bureau partage, par nom.")


class VersionShown(Given):
    """One state of a document's bytes."""

    number: int = attribute("Numéro de version.", 1)
    filename: str = attribute("Nom du fichier.", "facture.pdf")
    media_type: str = attribute("Type.", "application/pdf")
    size: int = attribute("Taille en octets.", 84211)
    sha256: str = attribute("Empreinte SHA-256, en hexadécimal.")
    origin: str = attribute(
        "deposited, converted, repaired, flattened, extracted, signed ou received.", "deposited"
    )
    created_at: Moment = attribute("Quand.")
    href: str = attribute("Où la télécharger.", "/api/v1/folders/12/documents/30/versions/1")


class SeenBy(Given):
    """A person has seen a version of a document whole."""

    who: str = attribute("Qui.", "Ronan Pellenec")
    seen_at: Moment = attribute("Quand, la première fois.")
    version: int = attribute("Quelle version.", 1)


class DocumentShown(Given):
    """A document of a folder."""

    id: int = attribute("Numéro de la pièce.", 30)
    role: str = attribute("main, signature, attachment, original, data, paper, masked ou receipt.", "main")
    title: str = attribute("Son titre.")
    type: str | None = attribute("Son type dans la classification des actes ; nul s’il n’en a pas.", "99_DE")
    pages: int | None = attribute("Nombre de pages.", 1)
    seen: list[SeenBy] = attribute("Qui l’a vue en entier, et quand.")
    versions: list[VersionShown] = attribute("Ses versions, la plus récente en premier.")


class Part(Given):
    """One desk's part in a step."""

    desk: str | None = attribute(
        "Clé du bureau ; nul pour une personne désignée ou une étape automatique.", "finances"
    )
    state: str = attribute("active, done, passed, rejected ou cancelled.", "done")
    who: str | None = attribute("Qui s’est prononcé.")
    capacity: str | None = attribute("En quelle qualité.")
    comment: str | None = attribute("Son commentaire ou son motif.")
    entered_at: Moment = attribute("Depuis quand il est attendu.")
    ended_at: Moment | None = attribute("Quand il s’est prononcé.")
    opinion: Literal["favourable", "unfavourable"] | None = attribute(
        "À une étape d’avis, s’il est favorable."
    )
    absent: str | None = attribute("En l’absence de qui il s’est prononcé ; nul à un bureau qu’il tient.")
    sent_to: str | None = attribute("L’étape à laquelle il a renvoyé le dossier ; nul s’il ne l’a pas fait.")
    former: bool = attribute(
        "Vrai de ce qui s’est décidé avant un renvoi à cette étape, ou a été annulé, et ne compte plus."
    )
    taken_back_at: Moment | None = attribute("Quand qui s’était prononcé l’a annulé ; nul sinon.")


class StepShown(StepPlanned):
    """A step of the folder's circuit."""

    state: Literal["todo", "current", "done", "rejected", "passed"] = attribute(
        "todo : à venir ; current : en cours ; passed : ne sera pas ou plus faite."
    )
    due_on: date | None = attribute("Dernier jour de l’étape en cours.", DAY)
    parts: list[Part] = attribute("Ceux qui sont attendus ou se sont prononcés, dans ce tour.")


class LaterAnswer(Given):
    """Another answer to a sending that was already answered."""

    state: str = attribute("acknowledged, partial, refused ou unread (à lire dans les documents).", "partial")
    label: str = attribute("Le même, en mots.")
    reason: str | None = attribute("Ce qu’elle dit.")
    received_on: date | None = attribute("Date qu’elle porte.", DAY)
    sha256: str = attribute("Empreinte de ses octets, gardés parmi les documents.")


class Transmission(Given):
    """One sending."""

    channel: str = attribute("Canal.", "actes")
    round: int = attribute("Tour du dossier.", 1)
    step: str = attribute("Étape.", "prefecture")
    state: str = attribute(
        "ready, sending, sent, acknowledged, partial, refused ou uncertain.", "acknowledged"
    )
    label: str = attribute("Le même, en mots.")
    simulated: bool = attribute("Vrai quand le destinataire est factice.")
    reference: str | None = attribute("Référence de l’envoi.")
    identifier: str | None = attribute("Identifiant donné par l’accusé de réception.")
    reason: str | None = attribute("Motif du refus.")
    sent_at: Moment | None = attribute("Envoyé.")
    received_on: date | None = attribute("Reçu par le destinataire.", DAY)
    ended_at: Moment | None = attribute("Réponse.")
    later: list[LaterAnswer] = attribute(
        "Ce que le destinataire a dit ensuite du même envoi, et qui contredit sa réponse ou ne se lit pas ; le "
        "dossier n’a pas changé d’état."
    )


class Signature(Given):
    """One signature, verified when it was made, or stated when it was made on paper."""

    name: str = attribute("Signataire.", "Armel Kervadec")
    holder: str = attribute(
        "Nom que porte le certificat, quand ce n’est pas celui du compte ; vide sinon.", ""
    )
    capacity: str = attribute("En quelle qualité, dans les mots que porte l’acte.", "Le maire")
    signed_at: str = attribute("Date et heure.")
    serial: str = attribute("Numéro de série du certificat.")
    issuer: str = attribute("Nom de l’autorité qui a émis le certificat.")
    level: str = attribute(
        "Niveau de la signature, ou « paper » pour une signature sur papier (ni certificat, ni heure).", "B-T"
    )
    original: str = attribute(
        "Où l’original signé sur papier est conservé ; vide pour une signature électronique.", ""
    )
    assurance: str | None = attribute("simple, advanced, advanced_qualified ou qualified.", "advanced")


class Payment(Given):
    """The Treasury's last word on a mandat or titre of a flow."""

    kind: Literal["mandat", "titre"] = attribute("Mandat ou titre.")
    year: str = attribute("L’exercice.", "2026")
    slip: str = attribute("Le bordereau, sans zéros devant.", "1")
    piece: str = attribute("La pièce, sans zéros devant.", "2")
    due: str = attribute("Ce que valent, TTC, les lignes dont elle parle.", "1870.00")
    paid: str = attribute("Ce qui a été vraiment payé ou encaissé ; zéro quand rien ne l’est.", "1870.00")
    paid_on: date | None = attribute("Le dernier paiement ou encaissement.", DAY)
    words: str = attribute("Le même, en français, avec ce qui est réglé autrement, rejeté ou en instance.")
    file: str = attribute("Le nom du retour qui l’a dit en dernier.")
    said_on: date | None = attribute("La date que porte ce retour.", DAY)
    simulated: bool = attribute("Vrai quand il vient d’un simulateur, sans valeur.")


class RuleBroken(Given):
    """A published rule that the data of an invoice do not keep."""

    rule: str = attribute("Son identifiant.", "BR-CO-25")
    times: int = attribute("Combien de fois elle n’est pas respectée.", 1)
    sentence: str = attribute("Ce qui ne va pas, en français.")
    text: str = attribute(
        "Le texte de la règle, dans la langue de qui la publie (souvent l’anglais), coupé à 300 signes."
    )
    told: bool = attribute(
        "Vrai si la lecture de la facture le dit déjà, avec les montants, dans `warnings` ou près du document."
    )


class RulesChecked(Given):
    """What the published rules say of the data of an invoice."""

    state: Literal["asked", "checked", "failed", "not_concerned"] = attribute(
        "asked : pas encore vérifiées ; checked : vérifiées ; failed : n’ont pas pu l’être ; not_concerned : elles ne "
        "s’appliquent pas à ce profil."
    )
    profile: str | None = attribute("Le profil des données.", "EN 16931")
    sets: list[str] = attribute("Les jeux de règles vérifiés : EN 16931, BR-FR.")
    sentence: str = attribute("Le même, en une phrase.")
    at: Moment = attribute("Depuis quand.")
    broken: list[RuleBroken] = attribute("Les règles qui ne sont pas respectées ; vide s’il n’y en a pas.")


class SaidByFile(Given):
    """What a file says of a fact."""

    value: str = attribute("La valeur lue.", "30420.00")
    where: str = attribute("Où elle a été lue.", "lu dans la facture (CII), facture.xml")


class RuledOn(Given):
    """What another person decided between the two."""

    keeps: Literal["read", "typed"] = attribute("read : la valeur lue ; typed : la valeur écrite.")
    word: str = attribute("Ce qu’elle en a dit.")
    who: str = attribute("Qui.")
    at: str = attribute("Quand, en temps universel.")


class Corrected(Given):
    """A fact that somebody typed in place of what a file says."""

    field: str = attribute("La clé du champ.", "total_ttc")
    label: str = attribute("Son nom.", "Montant TTC")
    typed: str | None = attribute("Ce qui a été écrit ; nul si la valeur a été retirée.", "3042.00")
    read: list[SaidByFile] = attribute("Ce que disent les fichiers.")
    words: str = attribute("Le même, en une ligne.")
    reason: str = attribute("Pourquoi.")
    who: str = attribute("Qui l’a écrit.")
    at: str | None = attribute("Quand, en temps universel.")
    ruling: RuledOn | None = attribute(
        "Ce qu’une autre personne a tranché ; nul tant que les deux valeurs comptent."
    )


class DateShown(Given):
    """A date of an act, with what gives it."""

    name: str = attribute("Son nom.", "enforceable_on")
    label: str = attribute("Ses mots.", "Exécutoire le")
    day: date | None = attribute("Le jour ; nul tant qu’il n’est pas connu.", DAY)
    rule: str = attribute(
        "La règle qui le donne, dite aussi d’un jour qui n’est pas encore connu ; vide tant que l’acte n’est pas "
        "publié, pour ce jour-là."
    )


class StepChanged(Given):
    """The coming steps were changed for this folder alone, or its step was handed to another desk."""

    at: Moment = attribute("Quand.")
    who: str = attribute("Par qui.", "Solenn Rivoal")
    changes: list[str] = attribute("Ce qui change, en clair.")
    reason: str = attribute("Motif.", "Le tonnage facturé dépasse le marché.")


class OpinionAsked(Given):
    """What a desk was asked beside a step, and its answer."""

    id: int = attribute("Numéro de la demande, à employer pour y répondre ou la retirer.", 87)
    step: str = attribute("L’étape où se trouvait le dossier.", "finance")
    desk: str = attribute("Clé du bureau.", "direction")
    question: str = attribute("La question.", "Le tonnage facturé est-il celui du bon de pesée ?")
    waits: bool = attribute("Vrai si l’étape attend la réponse.")
    wanted_on: date | None = attribute("Le jour pour lequel une réponse est souhaitée.", DAY)
    asked_by: str = attribute("Qui l’a demandé.", "Nolwenn Abgrallec")
    asked_at: Moment = attribute("Quand.")
    state: Literal["open", "answered", "withdrawn", "closed"] = attribute(
        "open : attendu ; answered : rendu ; withdrawn : retiré ; closed : sans réponse quand le dossier a quitté l’étape."
    )
    opinion: str | None = attribute("favourable, unfavourable ou none (sans avis).", "favourable")
    who: str | None = attribute("Qui l’a rendu.")
    absent: str | None = attribute("En l’absence de qui.")
    comment: str | None = attribute("En quelques mots.")
    ended_at: Moment | None = attribute("Quand il a été rendu, retiré ou clos.")
    reason: str | None = attribute("Pourquoi il a été retiré.")


class FolderShown(Line):
    """A folder, as whoever may read it sees it."""

    version: int = attribute("À redonner dans toute décision.", 4)
    round: int = attribute("Combien de fois il a été envoyé.", 1)
    desk: Desk = attribute("Le bureau déposant.")
    facts: dict[str, Any] = attribute("Ses informations, par clé de champ.")
    read: list[str] = attribute("Les champs lus dans le fichier, à vérifier.")
    corrections: list[Corrected] = attribute(
        "Ce qui a été écrit à la place de ce que disent les fichiers. Sans décision (`ruling` nul), le circuit "
        "et les plafonds tiennent compte des deux valeurs."
    )
    circuit: Followed | None = attribute(
        "Le circuit qu’il suit depuis son dernier envoi ; null d’un brouillon jamais envoyé."
    )
    created_at: Moment = attribute("Créé.")
    updated_at: Moment = attribute("Dernier mouvement.")
    submitted_at: Moment | None = attribute("Envoyé dans le circuit.")
    done_at: Moment | None = attribute("Terminé.")
    published_on: date | None = attribute("Publié (actes).", DAY)
    publication: str | None = attribute(
        "Comment il l’a été : online (en ligne), posted (affiché), urgent (affiché en urgence, puis mis en "
        "ligne), paper (sur papier), notified (notifié)."
    )
    enforceable_on: date | None = attribute(
        "Exécutoire (actes) ; nul tant qu’il ne l’est pas, et s’il ne l’est plus.", DAY
    )
    effect: str | None = attribute(
        "Ce que vaut l’acte aujourd’hui, en une ligne : exécutoire, déféré, suspendu, annulé, transmission "
        "annulée, recours et courriers qui attendent."
    )
    actions: list[str] = attribute(
        "Ce que cette application peut faire maintenant de la marche du dossier : change, start, approve, reject, send_back, "
        "recall, fill, hand, ask_opinion, answer_opinion, withdraw_opinion, reroute, take_back. Les notes, la suite d’un "
        "dossier et ce qu’un bon de commande reçoit n’y sont pas : la réponse de leur adresse dit si elles sont ouvertes."
    )
    behind: list[Choice] = attribute(
        "Les étapes auxquelles cette application peut renvoyer le dossier, la clé de chacune et son nom ; vide si elle ne peut "
        "pas le rejeter."
    )
    to_fill: list[Choice] = attribute(
        "Ce que l’étape en cours exige et que personne n’a rempli : la clé de chaque champ et son nom. Sans cela, l’étape ne "
        "s’achève pas (`facts-awaited`)."
    )
    steps: list[StepShown] = attribute("Son circuit.")
    step_changes: list[StepChanged] = attribute(
        "Les changements de ses étapes depuis son dernier envoi (à venir, ou confiée à un autre bureau), dans l’ordre."
    )
    opinions: list[OpinionAsked] = attribute(
        "Les avis demandés à d’autres bureaux depuis son dernier envoi, dans l’ordre ; vide s’il n’y en a pas."
    )
    documents: list[DocumentShown] = attribute("Ses pièces.")
    origin: int | None = attribute(
        "Le dossier à partir duquel il a été ouvert, où cette application le lit ; nul sinon."
    )
    continuations: list[int] = attribute("Les dossiers ouverts à partir de lui, que cette application lit.")
    types: list[Choice] | None = attribute(
        "Les types qu’une pièce de cet acte peut avoir, selon sa nature ; nul pour un autre dossier."
    )
    signatures: list[Signature] = attribute("Ses signatures.")
    transmissions: list[Transmission] = attribute("Ses transmissions.")
    payments: list[Payment] = attribute(
        "Ce que la trésorerie a dit des mandats et titres d’un flux (PES Retour) ; vide sinon."
    )
    invoice_rules: list[RulesChecked] = attribute(
        "Ce que disent les règles de la facture électronique (EN 16931, BR-FR) des données d’une facture, au plus une fois ; "
        "vide d’une facture sans données, et de tout autre dossier."
    )
    dates: list[DateShown] = attribute(
        "Les dates d’un acte reçu par la préfecture, chacune avec sa règle ; vide sinon."
    )
    problems: list[Point] = attribute("Ce qui l’empêche de partir (brouillon ou dossier revenu).")
    warnings: list[Warned] = attribute(
        "Ce qu’il faut regarder avant de viser ou de signer, le plus grave d’abord. Vide s’il n’y a rien."
    )
    settled: list[Settled] = attribute("Ce que quelqu’un a déjà tranché, d’un mot.")


class Entry(Given):
    """One line of the journal."""

    seq: int = attribute("Numéro dans la chaîne de la collectivité.", 41)
    at: str = attribute("Date et heure, telles que l’empreinte les scelle.")
    who: str = attribute("Qui.")
    event: str = attribute("Événement.", "folder.approve")
    facts: dict[str, Any] = attribute("Les faits qui le prouvent.")
    previous: str = attribute("Empreinte de la ligne précédente de la chaîne.")
    hash: str = attribute("Empreinte de cette ligne.")


class PinShown(Given):
    """Where a note is pinned."""

    document: int = attribute("La pièce.", 12)
    version: int = attribute("Sa version.", 1)
    sha256: str = attribute("L’empreinte de cette version.")
    page: int = attribute("La page, à partir de 1.", 2)
    box: list[float] | None = attribute(
        "La partie de la page, en points depuis son coin inférieur gauche (x1, y1, x2, y2) ; nul pour la page entière."
    )


class Note(Given):
    """A note beside a folder."""

    id: int = attribute("Numéro de la note.", 12)
    who: str = attribute("Qui l’a écrite.", "Ronan Pellenec")
    reach: Literal["all", "desk", "alone"] = attribute(
        "Qui la lit : tous ceux qui lisent le dossier, un bureau, son auteur.", "all"
    )
    words: str = attribute("Ce qu’elle dit.", "Le bon de pesée dit 84,0 t.")
    answers: int | None = attribute("La note à laquelle elle répond.")
    written_at: Moment = attribute("Quand elle a été écrite.")
    settled_by: str | None = attribute("Qui l’a marquée réglée ; nul tant que personne ne l’a fait.")
    settled_at: Moment | None = attribute("Quand.")
    pin: PinShown | None = attribute(
        "La page sur laquelle elle est épinglée ; nul pour une autre, ou dont la pièce a été retirée."
    )


class Told(Given):
    """A person whom a note may name."""

    id: int = attribute("Son numéro, à donner dans `told`.", 7)
    name: str = attribute("Son nom.", "Nolwenn Abgrallec")


class Notes(Given):
    """The notes of a folder."""

    notes: list[Note] = attribute("Celles que ce jeton peut lire, de la première à la dernière.")
    people: list[Told] = attribute(
        "À qui une note peut être dite par courriel : qui a agi, déposé ou est attendu, et lit le dossier."
    )


class Journal(Given):
    """The lines about a folder."""

    entries: list[Entry] = attribute("Les écritures, dans l’ordre.")
    next: int | None = attribute("À donner dans `after` pour la suite ; nul à la fin.")
