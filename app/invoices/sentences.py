"""What the house says when the data of an invoice cannot be taken."""

SENTENCES: dict[str, tuple[int, str]] = {
    "invoice-rejected": (
        422,
        "Les données de cette facture électronique ne sont pas recevables : {reasons} "
        "Rien n’a été déposé. Demandez au fournisseur une facture corrigée, puis déposez-la.",
    ),
}
