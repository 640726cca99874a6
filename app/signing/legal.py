"""The legal sentence that a signer reads before signing, by family of document."""

SENTENCES = {
    "invoice": "Vous donnez le bon à payer : la dépense est due et les pièces la justifient.",
    "deliberation": "Vous signez l’extrait du registre des délibérations, adopté en séance (CGCT L2121-23).",
}


def legal_sentence(family: str) -> str:
    """What this signature means; empty when the family says nothing more."""
    return SENTENCES.get(family, "")
