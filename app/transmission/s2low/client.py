"""One HTTPS client for S2LOW: certificate of the collectivity, server verified, time-outs, no redirect, no proxy, no retry.

One redirect is followed, that of `behind`: it leads to a file at the same address.
A question that fails is `Unreachable`: asking again costs nothing. A deposit that fails after its bytes may have arrived is
`Uncertain`: it must be looked up before any resend.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from app.core.addresses import Allowed, entry_of
from app.core.outside import (
    Bounds,
    Conversation,
    LostError,
    Response,
    TooLongError,
    UnreachableError,
    beginning,
    body,
    exchange,
)
from app.transmission.ports import AccountRefused, Rejected, Uncertain, Unreachable
from app.transmission.s2low.settings import Account, S2lowSettings

MAX_ANSWER: Final = 150 * 1024 * 1024
# The server says itself that it took nothing, or that the address is another virtual host's (421, RFC 9110 15.5.20).
_NOT_TAKEN: Final = frozenset({404, 408, 421, 425, 429, 503})
_STRANGERS: Final = frozenset({401, 403})
_LOGIN: Final = (
    "L’opérateur montre sa page de connexion : le certificat ou le compte technique n’est plus accepté."
)
_NAMED: Final = re.compile(r"filename=\"?([^\";]+)")


@dataclass(frozen=True)
class Upload:
    """One file of a deposit: its field, the name that the operator is given, its type and where it is."""

    field: str
    filename: str
    media_type: str
    path: Path


@dataclass
class _Together:
    """A connection that several questions share, and the certificate as its file is called meanwhile."""

    conversation: Conversation
    room: ExitStack
    path: str = ""

    def certificate(self, account: Account) -> str:
        """The path of the certificate and its key, the same for every question: another is another connection."""
        self.path = self.path or self.room.enter_context(account.shown())
        return self.path


class Client:
    """Speaks to S2LOW for one collectivity."""

    def __init__(self, settings: S2lowSettings, account: Account) -> None:
        self._settings = settings
        self._account = account
        self._together: _Together | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is asked meanwhile goes through one connection: a list is many pages, each a handshake with certificates."""
        with ExitStack() as room:
            self._together = _Together(Conversation(self._allowed, self._bounds), room)
            room.callback(self._together.conversation.close)
            try:
                yield
            finally:
                self._together = None

    def get(self, path: str, **parameters: object) -> bytes:
        """The bytes of a 200 answer that is no page; refuses with `Unreachable`, a page with `AccountRefused`."""
        return self._ask("GET", path, Unreachable, params=parameters)

    def maybe(self, path: str, **parameters: object) -> bytes | None:
        """The same, or None where the operator leads back to the module's own pages: it does not have that file yet.

        One that leads anywhere else, or shows a page, does not let us in: `AccountRefused`.
        """
        with self._open("GET", path, Unreachable, params=parameters) as answer:
            if answer.is_redirect and _is_module(answer):
                return None
            return _body(answer, Unreachable)

    def behind(self, path: str, target: str, key: str, **parameters: object) -> bytes:
        """The bytes of a file to which `path` leads: once, to `target` at this very address, by a number under `key`.

        Any other redirect is refused as everywhere else; the certificate and the password go nowhere else.
        """
        with self._open("GET", path, Unreachable, params=parameters) as answer:
            number = self._led_to(answer, target, key)
            if number is None:
                return _body(answer, Unreachable)
        return self.get(target, **{key: number})

    def name_of(self, path: str, **parameters: object) -> str | None:
        """The name under which the operator offers a file, without fetching it; None when it offers none."""
        with self._open("GET", path, Unreachable, params=parameters) as answer:
            match = _NAMED.search(answer.headers.get("Content-Disposition", ""))
            return match[1].strip() if match and answer.status_code == HTTPStatus.OK else None

    def post(self, path: str, fields: Sequence[tuple[str, str]], uploads: Sequence[Upload] = ()) -> bytes:
        """The bytes of the answer to a deposit; refuses with `Unreachable`, `Uncertain` or `Rejected`.

        Fields are sent in ISO-8859-1, as the operator reads them.
        """
        with ExitStack() as room:
            files: list[Any] = [(name, (None, value.encode("latin-1", "replace"))) for name, value in fields]
            for upload in uploads:
                opened = room.enter_context(upload.path.open("rb"))
                files.append((upload.field, (upload.filename, opened, upload.media_type)))
            return self._ask("POST", path, Uncertain, files=files)

    @property
    def _allowed(self) -> Allowed:
        return Allowed(inside=[entry_of(self._settings.url)])

    @property
    def _bounds(self) -> Bounds:
        settings = self._settings
        return Bounds(settings.connect_seconds, settings.answer_seconds, ca_file=settings.ca_file)

    def _ask(
        self,
        method: str,
        path: str,
        lost: type[Exception],
        **options: Any,
    ) -> bytes:
        with self._open(method, path, lost, **options) as answer:
            return _body(answer, lost)

    def _led_to(self, answer: Response, target: str, key: str) -> str | None:
        """The number by which a redirect leads to `target` here; None for any other answer."""
        if not answer.is_redirect:
            return None
        there = urlsplit(urljoin(answer.url, answer.headers["Location"]))
        expected = urlsplit(self._settings.url.rstrip("/") + target)
        if (there.scheme, there.netloc.lower(), there.path) != (
            expected.scheme,
            expected.netloc.lower(),
            expected.path,
        ):
            return None
        query = parse_qsl(there.query, keep_blank_values=True)
        return query[0][1] if len(query) == 1 and query[0][0] == key and query[0][1].isdecimal() else None

    @contextmanager
    def _open(self, method: str, path: str, lost: type[Exception], **options: Any) -> Iterator[Response]:
        account, url = self._account, self._settings.url.rstrip("/") + path
        options["auth"] = (account.login, account.password) if account.login else None
        shared = self._together if method == "GET" else None
        try:
            with ExitStack() as room:
                if shared is None:
                    options["cert"] = room.enter_context(account.shown())
                    question = exchange(method, url, self._allowed, self._bounds, **options)
                else:
                    options["cert"] = shared.certificate(account)
                    question = shared.conversation.exchange(method, url, **options)
                yield room.enter_context(question)
        except UnreachableError as error:
            if lost is Unreachable and _certificate_refused(error.__cause__ or error):
                raise AccountRefused("S2LOW refuse le certificat de la collectivité") from error
            raise (lost if isinstance(error, LostError) else Unreachable)(_silence(error)) from error
        except OSError as error:
            raise AccountRefused(f"Le certificat de la collectivité est illisible ({error})") from error


def _silence(error: UnreachableError) -> str:
    if isinstance(error, TooLongError):
        return f"S2LOW répond plus de {MAX_ANSWER} octets"
    cause = type(error.__cause__ or error).__name__
    return f"S2LOW ne répond pas, ou pas jusqu’au bout ({cause})"


def _is_module(answer: Response) -> bool:
    """True when a redirect leads to a page of the modules, at the operator's own address."""
    target, origin = urlsplit(urljoin(answer.url, answer.headers["Location"])), urlsplit(answer.url)
    return target.netloc == origin.netloc and target.path.startswith(("/modules/actes/", "/modules/helios/"))


def _body(answer: Response, lost: type[Exception]) -> bytes:
    _judge(answer, lost)
    data = body(answer, MAX_ANSWER)
    if _is_page(answer.headers, data):
        raise AccountRefused(_LOGIN)
    return data


def _judge(answer: Response, lost: type[Exception]) -> None:
    status = answer.status_code
    if status == HTTPStatus.OK:
        return
    if 300 <= status < 400:
        raise AccountRefused(_LOGIN)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise Rejected("L’envoi dépasse la taille que l’opérateur accepte. Réduisez ou retirez des pièces.")
    if status in _STRANGERS:
        raise AccountRefused(f"S2LOW refuse le certificat ou le compte technique (HTTP {status})")
    if status in _NOT_TAKEN:
        raise Unreachable(f"S2LOW refuse la demande (HTTP {status})")
    if status == HTTPStatus.BAD_REQUEST:
        message = beginning(answer).decode(answer.encoding or "utf-8", "replace")
        if "archiviste" in message:
            raise AccountRefused("S2LOW refuse le compte technique : il lui faut le rôle d’archiviste")
        raise Unreachable(f"S2LOW refuse la demande (HTTP 400) : {message[:500]}")
    raise lost(f"S2LOW répond par une erreur (HTTP {status})")


def _is_page(headers: Mapping[str, str], data: bytes) -> bool:
    """An HTTP 200 with a page of HTML is the login page."""
    head = data[:512].lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html")) or (
        headers.get("Content-Type", "").lower().startswith("text/html") and b"<body" in data[:4096].lower()
    )


def _certificate_refused(error: BaseException) -> bool:
    """True when the server says, in TLS, that it does not want our certificate."""
    text = repr(error).upper()
    return "ALERT" in text and "CERTIFICATE" in text
