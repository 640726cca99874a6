"""What is answered when an image cannot decorate a signature: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "picture-too-large": (
        422,
        "Cette image est trop lourde (2 Mo et 25 millions de points au plus). Réduisez-la, puis recommencez.",
    ),
    "picture-unreadable": (
        422,
        "Cette image n’est pas lisible. Donnez une image PNG ou JPEG, enregistrée de nouveau si besoin.",
    ),
    "picture-blank": (
        422,
        "Cette image est vide. Signez à l’encre foncée sur un fond clair, puis recommencez.",
    ),
}
