"""Ask S2LOW whether it knows a collectivity: a question that changes nothing there."""

from typing import Final

from app.transmission.ports import Rejected, Unreachable
from app.transmission.s2low.settings import Account, S2lowSettings, account_of
from config import Settings

_PATH: Final = "/api/test-connexion.php"


def fault(
    settings: Settings, siren: str, *, files: bool = True, account: Account | None = None
) -> str | None:
    """Why the operator does not serve this collectivity, in French; None when it does.

    `account`: one that does not serve yet, tried in place of its own. `files`: whether what a file of the machine lacks is
    said as the system says it, place included.
    """
    # Its HTTP library is heavy, and this module is read at each start (docs/decisions/0003)
    from app.transmission.s2low.answers import decode
    from app.transmission.s2low.client import Client

    own = S2lowSettings.read(settings)
    try:
        raw = Client(own, account or account_of(own, siren)).get(_PATH)
    except (Unreachable, Rejected) as silence:
        return str(silence)
    except (OSError, ValueError) as trouble:
        why = str(trouble) if files else "un fichier de l’installation manque ou ne se lit pas"
        return f"l’opérateur n’a pas pu être interrogé ({why})"
    return None if raw.lstrip().startswith(b"OK") else f"réponse inattendue : « {decode(raw)[:200]} »"
