"""Where a webhook may go: any public server in https, and those of the town that the installation lists."""

from collections.abc import Mapping
from typing import Final

from app.core.addresses import AddressRefusedError, Allowed, Target, read
from app.transmission.ports import Rejected

HOSTS: Final = "PARAPHE_HANDOVER_WEBHOOK_HOSTS"
_WORDS: Final[Mapping[str, str]] = {
    "written": "L’adresse de remise est mal écrite. Donnez-la ainsi : https://serveur/chemin, sans identifiant ni mot de "
    "passe, sans espace ni lettre accentuée (%XX dans le chemin, « xn-- » dans le nom), sans « \\ » ni « # ».",
    "host": f"Le serveur de remise est sur le réseau interne. Rien n’est parti. Donnez-en un autre, ou ajoutez-le à {HOSTS}.",
    "port": "Une adresse de remise demande le port 443. Rien n’est parti. Donnez une adresse sans port, ou ajoutez "
    f"« serveur:port » à {HOSTS}.",
    "inside": "L’adresse de remise mène à une adresse interne. Rien n’est parti. Donnez une adresse publique, ou ajoutez ce "
    f"serveur à {HOSTS}.",
}


def refused(why: str) -> Rejected:
    """The refusal of an address that may not be called, by the reason of `AddressRefusedError`."""
    return Rejected(_WORDS[why])


def judged(url: str, allowed: Allowed) -> Target:
    """An address that may be tried, before anybody is asked where its name leads; refuses with `Rejected`.

    http only to a server that the installation lists: a ZIP of signed documents does not cross the Internet in clear.
    """
    try:
        target = read(url)
        allowed.judge(target)
    except AddressRefusedError as error:
        raise refused(error.why) from error
    if target.scheme != "https" and not allowed.named(target):
        raise Rejected(
            f"L’adresse de remise doit commencer par https://. Corrigez-la, ou ajoutez son serveur à {HOSTS}."
        )
    return target
