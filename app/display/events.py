"""The lines of a folder's journal in French: no key of the code is ever shown to who reads it."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.grammar import de
from app.folders.rows import by_onlooker
from app.journal.models import JournalEntry
from app.people.covers import in_absence

EVENTS: Mapping[str, tuple[str, str]] = {
    "folder.created": ("upload", "Commencé par {who}, empreintes calculées"),
    "folder.continued": (
        "file-earmark-plus",
        "Nouveau dossier ouvert à partir de celui-ci par {who}{words}",
    ),
    "folder.emitter": ("arrow-repeat", "Bureau déposant changé par {who}, {words}"),
    "folder.submit": ("send", "Envoyé dans le circuit par {who}"),
    "folder.approve": ("check2", "Visé par {who}"),
    "folder.approve.favourable": ("chat-left-text", "Avis favorable {of_who}"),
    "folder.approve.unfavourable": ("chat-left-text", "Avis défavorable {of_who}"),
    "folder.sign": ("pen", "Signé par {who}"),
    "folder.seal": ("patch-check", "Cachet apposé"),
    "document.augmented": ("archive", "Preuves d’archivage ajoutées à la signature"),
    "folder.acknowledge": ("patch-check", "Réponse du destinataire reçue"),
    "folder.acknowledge.actes": ("patch-check", "Accusé de réception de la préfecture reçu"),
    "folder.acknowledge.helios": ("patch-check", "Acquitté par le comptable public"),
    "folder.acknowledge.handover": ("patch-check", "Remise terminée"),
    "folder.refuse": ("x-lg", "Refusé par le destinataire"),
    "folder.refuse.actes": ("x-lg", "Refusé par la préfecture"),
    "folder.refuse.helios": ("x-lg", "Refusé par le comptable public"),
    "folder.refuse.partial": ("x-lg", "Accepté en partie par le destinataire, le reste est revenu"),
    "folder.refuse.handover": ("x-lg", "Remise refusée"),
    "folder.publish": ("globe", "Publié par {who}"),
    "folder.publish.posted": ("globe", "Affichage enregistré par {who}"),
    "folder.publish.paper": ("globe", "Publication sur papier enregistrée par {who}"),
    "folder.publish.notified": ("globe", "Notification enregistrée par {who}"),
    "folder.archive": ("archive", "Archivé par {who}"),
    "folder.reject": ("x-lg", "Rejeté par {who}"),
    "folder.send_back": ("arrow-return-left", "Renvoyé par {who} {words}"),
    "folder.waive": ("arrow-right", "Étape passée par {who}, {words}"),
    "folder.replaced": ("arrow-repeat", "Remplacement par {who}, {words}"),
    "folder.take_back": ("arrow-counterclockwise", "Annulé par {who} : {words}"),
    "folder.recall": ("arrow-counterclockwise", "Repris par {who}"),
    "folder.withdraw": ("trash3", "Abandonné par {who}"),
    "folder.opened": ("eye", "Ouvert par {who}"),
    "folder.carried": ("box-arrow-in-down", "Emporté pour être lu hors connexion par {who}, sur {words}"),
    "folder.carried_back": ("arrow-return-left", "Copie emportée rendue par {who}, sur {words}"),
    "signature.refused": ("x-lg", "Signature refusée à {who}, qui a lu : « {words} »"),
    "number.reserved": ("journal-text", "Numéro réservé par {who}"),
    "signature.abandoned": ("x-lg", "Signature préparée par {who}, puis abandonnée"),
    "folder.sign.paper": ("pen", "Signature sur papier enregistrée par {who}"),
    "signature.placed": ("bounding-box", "Signatures placées par {who}"),
    "facts.corrected": ("pencil", "Corrigé par {who}, {words}"),
    "facts.filled": ("pencil", "Rempli par {who}, {words}"),
    "facts.replaced": ("pencil", "Remplacé par {who}, {words}"),
    "note.added": ("sticky", "Note écrite par {who}{words}"),
    "note.reopened": ("arrow-counterclockwise", "Note rouverte par {who}"),
    "note.taken_back": ("arrow-counterclockwise", "Note annulée par {who}, {words}"),
    "note.settled": ("check2", "Note réglée par {who}"),
    "folder.rerouted": ("signpost-split", "Étapes à venir modifiées par {who}"),
    "invoice.account_called": (
        "chat-left-text",
        "Fournisseur appelé par {who} au sujet d’un compte, {words}",
    ),
    "invoice.interrupted": ("pause", "Délai de paiement interrompu par {who}, {words}"),
    "invoice.performed": ("calendar3", "Service fait après la réception, dit {who}, {words}"),
    "invoice.resumed": ("arrow-counterclockwise", "Délai de paiement reparti, dit {who}, {words}"),
    "order.delivered": ("check2-circle", "Service fait attesté par {who}, {words}"),
    "order.delivery_corrected": ("pencil", "Livraison corrigée par {who}, {words}"),
    "order.mailed": ("send-check", "Bon envoyé au fournisseur {words}"),
    "order.mail_refused": ("x-lg", "Bon refusé par le serveur de courriel {words}"),
    "order.mail_returned": ("x-lg", "Bon revenu du fournisseur {words}"),
    "order.mail_unsure": (
        "hourglass-split",
        "Connexion coupée pendant l’envoi du bon {words}, peut-être parti : rien n’est renvoyé de soi-même",
    ),
    "order.mail_asked": ("send", "Envoi du bon au fournisseur demandé par {who}, {words}"),
    "folder.ruled": ("check2", "Tranché par {who}, {words}"),
    "folder.handed": ("arrow-right-circle", "Confié par {who} {words}"),
    "opinion.asked": ("chat-left-text", "Avis demandé par {who} {words}"),
    "opinion.given": ("chat-left-text", "Avis rendu par {who}, {words}"),
    "opinion.withdrawn": ("arrow-counterclockwise", "Demande d’avis retirée par {who}, {words}"),
    "documents.added": ("file-earmark-plus", "Pièces ajoutées par {who}"),
    "document.removed": ("trash3", "Pièce retirée par {who}"),
    "document.replaced": ("arrow-repeat", "Document remplacé par {who}"),
    "document.repaired": ("tools", "Copie réparée acceptée par {who}"),
    "document.flattened": ("tools", "Copie aplatie acceptée par {who}"),
    "transmission.sending": ("send", "Envoi commencé"),
    "transmission.sending.actes": ("send", "Envoi à la préfecture commencé"),
    "transmission.sending.helios": ("send", "Envoi au comptable public commencé"),
    "transmission.sending.handover": ("send", "Remise commencée"),
    "transmission.sent": ("send", "Transmis"),
    "transmission.sent.actes": ("send", "Transmis à la préfecture"),
    "transmission.sent.helios": ("send", "Transmis au comptable public"),
    "transmission.sent.relayed": ("send", "Remis à l’opérateur de télétransmission"),
    "transmission.relayed": ("send", "Transmis par l’opérateur"),
    "transmission.relayed.actes": ("send", "Transmis à la préfecture par l’opérateur"),
    "transmission.relayed.helios": ("send", "Transmis au comptable public par l’opérateur"),
    "transmission.sent.handover": ("send", "Fichiers remis"),
    "transmission.uncertain": (
        "hourglass-split",
        "Réponse perdue pendant l’envoi, à vérifier avant tout autre envoi",
    ),
    "transmission.to_confirm": (
        "hourglass-split",
        "Retenu chez l’opérateur : quelqu’un doit l’y confirmer, rien n’est encore transmis",
    ),
    "transmission.late": ("hourglass-split", "Réponse en retard, signalée au déposant"),
    "folder.acknowledge.paper": ("file-earmark-text", "Transmis sur papier, réception enregistrée par {who}"),
    "legality.letter": ("envelope", "Courrier de la préfecture reçu"),
    "folder.arrived": ("inbox", "Arrivé de lui-même : {words}"),
    "chorus.completed": ("exclamation-triangle", "Complétée par le fournisseur sur Chorus Pro : {words}"),
    "invoice.mandated": ("bank", "Mandatée par {who} : {words}"),
    "invoice.mandate_differs": ("exclamation-triangle", "Autre numéro de mandat donné par {who} : {words}"),
    "chorus.mended": ("info-circle", "Complété d’après Chorus Pro : {words}"),
    "chorus.asked": ("send", "Réponse donnée à Chorus Pro par {who}, {words}"),
    "chorus.asked_again": ("arrow-clockwise", "Redit à Chorus Pro, à la demande de {who} : {words}"),
    "chorus.status.sent": ("send-check", "Dit à Chorus Pro : {words}"),
    "chorus.status.refused": ("send-exclamation", "Refusé par Chorus Pro : {words}"),
    "chorus.status.dropped": ("info-circle", "Non dit à Chorus Pro : {words}"),
    "pes.return": ("bank", "Retour de la trésorerie reçu"),
    "legality.acknowledged": ("patch-check", "Courrier de la préfecture accusé"),
    "legality.answered": ("envelope-check", "Réponse reçue par la préfecture"),
    "legality.closed": ("check2", "Courrier de la préfecture classé par {who}"),
    "act.suspension": ("exclamation-circle", "Suspension {words}, enregistrée par {who}"),
    "act.appeal": ("bank", "Recours enregistré par {who}, {words}"),
    "act.appeal.corrected": ("bank", "Suite d’un recours corrigée par {who}, {words}"),
    "act.reported": ("megaphone", "Décision rapportée au conseil, enregistré par {who}"),
    "act.cancelled": ("slash-circle", "Transmission annulée à la préfecture, numéro consommé"),
    "transmission.anomaly_after_receipt": (
        "exclamation-triangle",
        "Anomalie reçue après l’accusé, qui reste valable",
    ),
    "transmission.repeats": ("patch-check", "Réponse reçue de nouveau, qui dit la même chose"),
    "transmission.contradicts": (
        "exclamation-triangle",
        "Autre réponse reçue, qui contredit la première ; le dossier n’a pas changé d’état",
    ),
    "transmission.unread": (
        "exclamation-triangle",
        "Autre réponse reçue après la première, illisible ou pour un autre envoi ; elle est gardée",
    ),
    "publication.posted": ("megaphone", "Affichage en urgence enregistré par {who}, {words}"),
    "publication.masked": ("file-earmark-plus", "Version occultée déposée par {who}"),
    "publication.online": ("globe", "Mis en ligne par {who}"),
    "publication.replaced": ("arrow-repeat", "Version en ligne remplacée par {who}"),
    "publication.withdrawn": ("x-lg", "Retiré de la page publique par {who}"),
    "publication.kept": ("check2", "Maintenu en ligne par {who}, transmission annulée"),
    "publication.altered": ("exclamation-circle", "Fichier public indisponible : ses octets sont altérés"),
    "publication.restored": ("check2", "Fichier public rétabli"),
}
"""An icon and words by event. `event.channel` says more for one channel, `event.means` for a way of publishing,
`event.opinion` for what was thought, `event.paper` for what was done on paper, `event.partial` for what was taken in part,
`event.relayed` for what an operator holds."""
VARIANTS = ("paper", "partial", "relayed")
"""The facts by which an event is told otherwise than by its channel."""
UNTOLD = ("journal-text", "Écriture du journal, {who}")
"""What a line written by a later release is told as: its facts stay in the journal, no key of the code is shown."""


OF_WHO_DEALS_WITH_IT = (
    "act.appeal",
    "act.appeal.corrected",
    "legality.acknowledged",
    "legality.answered",
    "legality.closed",
    "legality.letter",
)
"""What the State and third parties do about an act, and what is answered."""


def told_to_reader(db: Db, folder_id: int) -> sa.ColumnElement[bool]:
    """The condition on the lines of a folder's journal that the reader of this session is told.

    Neither letters of the State nor appeals are told to whoever reads an act for its type alone (decision 0008).
    """
    return JournalEntry.event.not_in(OF_WHO_DEALS_WITH_IT) if by_onlooker(db, folder_id) else sa.true()


def told(event: str, who: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """The icon and the words of one line: who did what, and through which channel.

    >>> told("transmission.sent", "Paraphe", {"channel": "actes"})[1]
    'Transmis à la préfecture'
    """
    usual = facts.get("channel") or facts.get("opinion") or facts.get("means", "")
    variant = next((one for one in VARIANTS if one in facts), usual)
    closer = f"{event}.{variant}"
    icon, words = EVENTS.get(closer) or EVENTS.get(event) or UNTOLD
    named = in_absence(who, facts.get("absent"))
    written = words.format(who=named, of_who=de(named), words=facts.get("words", ""))
    if unanswered := facts.get("unanswered"):
        written += f". Avis demandé sans réponse, demande close : {', '.join(unanswered)}"
    if informed := facts.get("told"):
        written += f". Pour information : {', '.join(informed.values())}"
    return icon, written
