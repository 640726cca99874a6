"""One signed POST to the receiving software: no redirect, no proxy, no retry; only a 2xx is a delivery."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.channels.handover.address import Target
from app.channels.handover.signature import pieces
from app.transmission.ports import Rejected, Uncertain, Unreachable

_MAX_ANSWER: Final = 64 * 1024
# The receiver says itself that it took nothing: 408, 425, 429 and 503 invite to come back.
_LATER: Final = frozenset({408, 425, 429, 503})
_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_BROKEN: Final = range(500, 600)


@dataclass(frozen=True)
class Line:
    """How to call: the checked addresses, the seconds to connect and to answer, the authority to trust."""

    addresses: list[str]
    connect_seconds: float
    answer_seconds: float
    ca_file: Path | None


def post(target: Target, line: Line, headers: Mapping[str, str], body: Path) -> int:
    """Post the file and return the 2xx status.

    Refuses with `Unreachable` when nothing was taken, `Uncertain` when the answer was lost on the way or is a
    failure of the receiver, `Rejected` when the receiver said no or pointed elsewhere.
    """
    connection = _connect(target, line)
    try:
        connection.sock.settimeout(line.answer_seconds)
        connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": target.authority, **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(body.stat().st_size))
        connection.endheaders()
        # A receiver may answer no before it has read everything: its answer counts more than the broken pipe.
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces(body):
                connection.send(piece)
        answer = connection.getresponse()
        answer.read(_MAX_ANSWER)
        status = answer.status
    except (OSError, http.client.HTTPException) as error:
        raise Uncertain(f"{target.host} : {error}") from error
    finally:
        connection.close()
    _judge(target, status)
    return status


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


def _connect(target: Target, line: Line) -> http.client.HTTPConnection:
    """A connection to a checked address: the name is not resolved a second time."""
    fault: OSError | None = None
    for address in line.addresses:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=line.connect_seconds)
        try:
            plain = socket.create_connection((address, target.port), timeout=line.connect_seconds)
        except OSError as error:
            fault = error
            continue
        try:
            connection.sock = _secured(plain, target, line.ca_file) if target.secure else plain
        except OSError as error:
            plain.close()
            fault = error
            continue
        return connection
    raise Unreachable(f"{target.host} : {fault}") from fault


def _secured(plain: socket.socket, target: Target, ca_file: Path | None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    return context.wrap_socket(plain, server_hostname=target.host)
