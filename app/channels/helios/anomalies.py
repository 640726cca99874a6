"""The anomalies of Hélios (TNumAnoAck of CommunAck.xsd 5.17) in words that a finance desk acts on."""

from typing import Final

WORDS: Final = {
    "ERREUR_CONNECTION_IMPOSSIBLE_A_LA_BASE": "Hélios n’était pas joignable",
    "ERREUR_TIMEOUT": "Hélios n’a pas traité le flux à temps",
    "ERREUR_ENCODING": "le flux n’est pas en ISO-8859-1",
    "ERREUR_FLUX_VIDE": "le flux ne contient ni bordereau ni pièce",
    "ERREUR_SCHEMA_INCOMPLET": "le flux ne respecte pas le schéma PES",
    "ERREUR_CODIFICATION": "un code du flux n’existe pas chez Hélios",
    "ERREUR_CODIQUE": "le code du poste comptable (IdPost) est inconnu",
    "ERREUR_SIRET": "le SIRET du budget est inconnu du comptable",
    "ERREUR_CODE_COLLECTIVITE_BUDGET": "le code collectivité ou le code budget est inconnu du comptable",
    "ERREUR_VERSION_PES": "la version du PES n’est pas acceptée",
    "ERREUR_VERSION_PJ": "la version des pièces jointes n’est pas acceptée",
    "ERREUR_SIGNATURE_INVALIDE": "la signature du flux n’est pas valide",
    "ERREUR_SIGNATURE_ILLISIBLE": "la signature du flux est illisible",
    "ERREUR_SIGNATURE_INCOMPLETE": "la signature du flux est incomplète",
    "ERREUR_SIGNATURE_EXTERNE": "la signature n’est pas dans le flux",
    "ERREUR_SIGNATURE_BORDEREAU_INVALIDE": "la signature du bordereau n’est pas valide",
    "ERREUR_SIGNATURE_BORDEREAU_ILLISIBLE": "la signature du bordereau est illisible",
    "ERREUR_SIGNATURE_BORDEREAU_INCOMPLETE": "la signature du bordereau est incomplète",
    "ERREUR_CERTIFICAT": "le certificat du signataire n’est pas accepté",
    "ERREUR_PES_PARAM": "le flux ne correspond pas aux réglages du comptable",
    "ERREUR_PES_SIGNATURE": "le flux est annoncé signé sans l’être, ou l’inverse",
    "ERREUR_PES_PARAM_SIGNATURE": "la signature ne correspond pas aux réglages du comptable",
    "ERREUR_DOUBLON_BORDEREAU": "ce bordereau a déjà été reçu",
    "ERREUR_DOUBLON_PIECE": "cette pièce a déjà été reçue",
    "ERREUR_DOUBLON_LIGNE": "cette ligne a déjà été reçue",
    "ERREUR_DOUBLON_PJ": "cette pièce jointe a déjà été reçue sous le même identifiant",
    "ERREUR_TAILLE_BORDEREAUX": "il y a trop de bordereaux",
    "ERREUR_TAILLE_PIECE": "il y a trop de pièces",
    "ERREUR_TAILLE_LIGNE": "il y a trop de lignes",
    "ERREUR_PJ": "une pièce jointe manque ou est illisible",
    "ERREUR_PJ_SIGNEE": "une pièce jointe est signée alors qu’elle ne doit pas l’être",
    "ERREUR_MONTANT_TVA_ZERO_NEGATIF": "le montant de la TVA est nul ou négatif",
    "ERREUR_CUMUL_MONTANTS": "la somme des lignes n’est pas le montant du bordereau",
}


def explain(code: str, label: str) -> str:
    """An anomaly in French: our words, then the Treasury's own between brackets; its words alone when it has no code."""
    sentence = WORDS.get(code)
    own_label = label.strip().rstrip(".")
    if sentence is None:
        return own_label or code or "refusé sans motif"
    return f"{sentence} ({own_label})" if own_label else sentence
