"""What goes wrong between Paraphe and Chorus Pro, each in French with what to do: the line, the account, the answer itself.

HTTP 200 is no success there: what an answer says of itself (`codeRetour`) is judged by call. Sources: AIFE, Swagger of
« Factures »; PISTE.
"""

from app.transmission.ports import AccountRefused, Unreachable


class Silent(Unreachable):
    """Chorus Pro did not answer, or not as it does: asked again later, after `seconds` where it says so."""

    def __init__(self, sentence: str, seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class Lost(Silent):
    """The same, when what was asked may have been done: it is looked up before it is asked again."""


class Barred(AccountRefused):
    """Chorus Pro does not let us in: waiting mends nothing, an administrator does."""


class Unentitled(Barred):
    """Chorus Pro lets the account in, and not to this: a structure or a service, or all of an API (HTTP 403)."""


class TooBig(Exception):  # noqa: N818 - an answer of the other side
    """The file is larger than Chorus Pro gives at once (HTTP 413)."""


class Refused(Exception):  # noqa: N818 - an answer of the other side
    """A call that Chorus Pro heard and refused: its code, which means something by call alone, and its words."""

    def __init__(self, code: int, label: str) -> None:
        super().__init__(f"Chorus Pro refuse ({code}{f', {label}' if label else ''})")
        self.code, self.label = code, label


ACCOUNT = (
    "Chorus Pro refuse le compte technique. Vérifiez son identifiant et son mot de passe, que le gestionnaire principal "
    "renouvelle sur Chorus Pro (il expire après 424 jours) ; un compte neuf sert après une demi-heure."
)
APPLICATION = (
    "PISTE refuse l’application : vérifiez son identifiant et son secret, ceux de l’environnement de production ou de "
    "qualification selon l’adresse de l’installation."
)
RIGHT = (
    "Chorus Pro n’habilite pas ce compte : dans PISTE, l’application doit avoir souscrit aux API Factures, Structures et "
    "Transverses ; dans Chorus Pro, le compte technique doit être rattaché à la structure et à l’espace « Factures reçues »."
)
ADDRESS = (
    "L’adresse de Chorus Pro n’est pas la bonne : demandez à l’hébergeur de vérifier PARAPHE_CHORUS_URL et "
    "PARAPHE_CHORUS_OAUTH_URL."
)
MAINTENANCE = "Chorus Pro montre une page au lieu de répondre : il est sans doute en maintenance"
SPOKEN = "Chorus Pro a répondu autre chose que ce qui était demandé"
SLOW = "Chorus Pro demande d’attendre : trop d’appels (HTTP 429)"
