"""The one way out: whatever Paraphe asks of another server goes through here, at the very addresses that were judged.

Names are resolved once (`app.core.addresses`) and the connection is made to what was judged, while SNI, the certificate
and the Host header keep the name: a name that changes its mind between two questions leads nowhere. No proxy and no
password of the environment, no cookie, no redirect of its own, and an end to everything that lasts.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from app.core.addresses import AddressRefusedError, Allowed, Target, UnknownNameError, read

Response = requests.Response
CHUNK = 65536
MOST_WORDS = 16 * 1024  # of an answer that refuses
LONGEST = 1800.0
"""Seconds after which a call with no bound of its own is over."""


class UnreachableError(OSError):
    """The other side did not answer, or not with what was asked."""


class ForbiddenError(UnreachableError):
    """The address may not be called, and nobody was; `why` as in `AddressRefusedError`."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class LostError(UnreachableError):
    """The connection stood when the answer was lost: what was sent may have arrived."""


class TooLongError(LostError):
    """The answer holds more bytes than are read."""


class UntrustedError(UnreachableError):
    """The server shows a certificate that is not to be believed; `why` is « expired », « early », « name » or « issuer »."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


# Of OpenSSL's verdicts (X509_V_ERR_…), those that whoever answers for the server mends in a way of their own
_VERDICTS = {9: "early", 10: "expired", 62: "name", 64: "name"}


@dataclass(frozen=True)
class Bounds:
    """Seconds: to connect, between two pieces of an answer, for the whole call; and who certifies the server."""

    connect: float
    answer: float
    whole: float = LONGEST
    ca_file: Path | None = None


@dataclass
class _Line:
    """One call on its way: where it may connect, and whether it did."""

    target: Target
    addresses: tuple[str, ...]
    stands: bool = False
    late: bool = False
    wire: socket.socket | None = field(default=None, repr=False)

    def connect(self, connection: HTTPConnection) -> socket.socket:
        """A connection to the first judged address that answers."""
        if (connection.host.strip("[]"), connection.port) != (self.target.host, self.target.port):
            raise NewConnectionError(connection, f"{connection.host}:{connection.port} was not judged")
        try:
            return self.reach(connection.timeout)
        except OSError as fault:
            raise NewConnectionError(connection, f"no connection: {fault}") from fault

    def reach(self, seconds: Any) -> socket.socket:
        """A connection to the first judged address that answers, or the OSError of the last."""
        fault = OSError("no address")
        for address in self.addresses:
            try:
                wire = socket.create_connection((address, self.target.port), seconds)
            except OSError as error:
                fault = error
                continue
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.close()
            self.wire = wire.dup()  # TLS takes the first one over
            return wire
        raise fault

    def cut(self) -> None:
        """End what lasts too long, wherever it is."""
        self.late = True
        if self.wire is not None:
            with suppress(OSError):
                self.wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the second handle back."""
        if self.wire is not None:
            self.wire.close()


class _Session(requests.Session):
    """A session of one question; requests would read the whole body of a redirect, however long, to prepare the next."""

    def get_redirect_target(self, resp: Response) -> str | None:
        """None: who asks judges where an answer leads."""
        del resp
        return None


class _Pinned(HTTPAdapter):
    """Connects where the line says, whatever the address looks like to the libraries."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """The pools of the library, whose connections are ours."""
        super().init_poolmanager(*arguments, **more)
        line = self._line

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return line.connect(self)

            def connect(self) -> None:
                super().connect()
                line.stands = True

        class Secured(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return line.connect(self)

            def connect(self) -> None:
                super().connect()
                line.stands = True

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecuredPool(HTTPSConnectionPool):
            ConnectionCls = Secured

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecuredPool}


class Conversation:
    """Questions to one server, one after the other, through one connection while both sides keep it.

    For what may be asked again without harm: a server that closes a connection which rested may have read the question, so
    another method than GET is refused (ValueError). Nothing that an answer sets, such as a cookie, goes with the next
    question. The address is judged at the first one, and holds for all; one of another server is refused as `ForbiddenError`.
    """

    def __init__(self, allowed: Allowed, bounds: Bounds) -> None:
        self._allowed, self._bounds = allowed, bounds
        self._line: _Line | None = None
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    @contextmanager
    def exchange(self, method: str, url: str, **options: Any) -> Iterator[Response]:
        """As the function `exchange`, to the server of the first question."""
        if method != "GET":
            raise ValueError(f"{method} may not share a connection")
        if self._line is None:
            self._line = _judged(url, self._allowed)
            self._session.mount(f"{self._line.target.scheme}://", _Pinned(self._line))
        with _exchange(self._session, self._line, method, url, self._bounds, options) as answer:
            yield answer

    def close(self) -> None:
        """Close the connection."""
        self._session.close()
        if self._line is not None:
            self._line.close()


@contextmanager
def exchange(method: str, url: str, allowed: Allowed, bounds: Bounds, **options: Any) -> Iterator[Response]:
    """The answer of another server, whatever its status, its body still to be read by `body` or `beginning`.

    `options` are the arguments of `requests` (headers, data, files, params, auth, cert). A redirect comes back as it is.
    Raises `ForbiddenError`, `LostError` once the connection stood, or `UnreachableError` when not a byte was sent.
    """
    line = _judged(url, allowed)
    with _Session() as session:
        session.trust_env = False
        session.mount(f"{line.target.scheme}://", _Pinned(line))
        try:
            with _exchange(session, line, method, url, bounds, options) as answer:
                yield answer
        finally:
            line.close()


@contextmanager
def _exchange(
    session: requests.Session, line: _Line, method: str, url: str, bounds: Bounds, options: dict[str, Any]
) -> Iterator[Response]:
    target = read(url)
    if (target.scheme, target.host, target.port) != (line.target.scheme, line.target.host, line.target.port):
        raise ForbiddenError(f"{target.host} is not the server of this conversation", "host")
    headers = {"User-Agent": "Paraphe", "Accept-Encoding": "identity", **(options.pop("headers", None) or {})}
    watch = threading.Timer(bounds.whole, line.cut)
    watch.daemon = True
    watch.start()
    try:
        with _answer(
            session, method, line, target, bounds, headers | {"Host": target.authority}, options
        ) as answer:
            yield answer
        if line.late:  # an answer without a length ends where it is cut, and looks whole
            raise LostError(f"{target.host} did not finish in {bounds.whole} s")
    finally:
        watch.cancel()


def _judged(url: str, allowed: Allowed) -> _Line:
    try:
        target = read(url)
        return _Line(target, allowed.resolve(target))
    except AddressRefusedError as error:
        raise ForbiddenError(str(error), error.why) from error
    except UnknownNameError as error:
        raise UnreachableError(str(error)) from error


def certificate(url: str, allowed: Allowed, bounds: Bounds) -> bytes:
    """DER of the certificate that an https server shows, once its chain, its name and its dates were verified.

    Raises `UntrustedError` for one that is not to be believed, `ForbiddenError` or `UnreachableError`. Nothing is asked.
    """
    line = _judged(url, allowed)
    context = ssl.create_default_context(cafile=str(bounds.ca_file or certifi.where()))
    try:
        with line.reach(bounds.connect) as wire:
            wire.settimeout(bounds.answer)
            with context.wrap_socket(wire, server_hostname=line.target.host) as secured:
                return secured.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        why = _VERDICTS.get(error.verify_code, "issuer")
        raise UntrustedError(f"{line.target.host}: {error.verify_message}", why) from error
    except OSError as error:
        raise UnreachableError(f"{line.target.host} did not answer in TLS: {type(error).__name__}") from error
    finally:
        line.close()


def _answer(
    session: requests.Session,
    method: str,
    line: _Line,
    target: Target,
    bounds: Bounds,
    headers: dict[str, str],
    options: dict[str, Any],
) -> Response:
    try:
        return session.request(
            method,
            target.url,
            headers=headers,
            verify=str(bounds.ca_file) if bounds.ca_file else True,
            timeout=(bounds.connect, bounds.answer),
            allow_redirects=False,
            stream=True,
            **options,
        )
    except requests.RequestException as error:
        kind = LostError if line.stands else UnreachableError
        raise kind(f"{target.host} did not answer: {type(error).__name__}") from error


def body(answer: Response, most_bytes: int) -> bytes:
    """The body of an answer; raises `TooLongError`, or `LostError` when it stops on the way."""
    read_so_far = bytearray()
    try:
        for chunk in answer.iter_content(CHUNK):
            read_so_far += chunk
            if len(read_so_far) > most_bytes:
                raise TooLongError(f"more than {most_bytes} bytes were answered")
    except requests.RequestException as error:
        raise LostError(f"the answer stopped: {type(error).__name__}") from error
    return bytes(read_so_far)


def beginning(answer: Response) -> bytes:
    """The beginning of what an answer says, 16 KiB at most."""
    try:
        return next(answer.iter_content(MOST_WORDS), b"")
    except requests.RequestException:
        return b""
