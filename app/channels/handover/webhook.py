"""One signed POST to the receiving software: no redirect, no proxy, no retry; only a 2xx is a delivery."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from app.channels.handover.address import refused
from app.core.addresses import Allowed, Target
from app.core.outside import Bounds, ForbiddenError, LostError, UnreachableError, exchange
from app.transmission.ports import Rejected, Uncertain, Unreachable

# The receiver says itself that it took nothing: 408, 425, 429 and 503 invite to come back.
_LATER: Final = frozenset({408, 425, 429, 503})
_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_BROKEN: Final = range(500, 600)


def post(target: Target, allowed: Allowed, bounds: Bounds, headers: Mapping[str, str], path: Path) -> int:
    """Post the file and return the 2xx status; nothing of the answer but its status is read.

    Refuses with `Unreachable` when nothing was taken, `Uncertain` when the answer was lost on the way or is a
    failure of the receiver, `Rejected` when the address may not be called, the receiver said no or pointed elsewhere.
    """
    with path.open("rb") as stream:
        status = answered(target, allowed, bounds, headers, stream)
    _judge(target, status)
    return status


def answered(
    target: Target, allowed: Allowed, bounds: Bounds, headers: Mapping[str, str], data: IO[bytes] | bytes
) -> int:
    """Post this and return the status, whatever it is.

    Refuses with `Unreachable`, `Uncertain`, or `Rejected` an address that may not be called.
    """
    try:
        with exchange("POST", target.url, allowed, bounds, headers=dict(headers), data=data) as answer:
            return answer.status_code
    except ForbiddenError as error:
        raise refused(error.why) from error
    except LostError as error:
        raise Uncertain(str(error)) from error
    except UnreachableError as error:
        raise Unreachable(str(error)) from error


def _judge(target: Target, status: int) -> None:
    if status in _OK:
        return
    if status in _LATER:
        raise Unreachable(f"{target.host} : HTTP {status}")
    if status in _BROKEN:
        raise Uncertain(f"{target.host} : HTTP {status}")
    if status in _REDIRECT:
        raise Rejected(
            f"Le logiciel destinataire renvoie vers une autre adresse (HTTP {status}). Rien n’est parti là-bas : "
            "donnez l’adresse définitive."
        )
    raise Rejected(
        f"Le logiciel destinataire refuse le dossier (HTTP {status}). Demandez à son éditeur pourquoi."
    )
