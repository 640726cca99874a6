"""What an export of the journal says when it is refused."""

SENTENCES = {
    "journal-unknown": (
        404,
        "Il n’y a pas de collectivité {collectivity} ici. Rien n’a été écrit : tapez « journal verify », qui nomme celles qui ont un journal.",
    ),
    "export-there": (
        409,
        "Le dossier {folder} contient déjà {names}. Rien n’a été écrit : donnez un dossier vide, un export n’en remplace pas un autre.",
    ),
}
