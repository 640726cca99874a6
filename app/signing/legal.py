"""The legal sentence that a signer reads before signing, by family of document."""

SENTENCES = {
    "invoice": "Vous donnez le bon à payer : la dépense est due et les pièces la justifient.",
    "pes": "Vous ordonnancez ces dépenses et ces recettes : le comptable public les paiera et les encaissera.",
    "deliberation": "Vous signez l’extrait du registre des délibérations, adopté en séance (CGCT L2121-23).",
}


def legal_sentence(family: str) -> str:
    """What this signature means; empty when the family says nothing more."""
    return SENTENCES.get(family, "")
