"""One HTTPS client for S2LOW: certificate of the collectivity, server verified, time-outs, no redirect, no proxy, no retry.

One redirect is followed, that of `behind`: it leads to a file at the same address.
A question that fails is `Unreachable`: asking again costs nothing. A deposit that fails after its bytes may have arrived is
`Uncertain`: it must be looked up before any resend.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from app.transmission.ports import AccountRefused, Rejected, Uncertain, Unreachable
from app.transmission.s2low.settings import Account, S2lowSettings

MAX_ANSWER: Final = 150 * 1024 * 1024
_CHUNK: Final = 65536
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


class Client:
    """Speaks to S2LOW for one collectivity."""

    def __init__(self, settings: S2lowSettings, account: Account) -> None:
        self._settings = settings
        self._account = account

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
            found = _NAMED.search(answer.headers.get("Content-Disposition", ""))
            return found[1].strip() if found and answer.status_code == requests.codes.ok else None

    def post(self, path: str, fields: Sequence[tuple[str, str]], uploads: Sequence[Upload] = ()) -> bytes:
        """The bytes of the answer to a deposit; refuses with `Unreachable`, `Uncertain` or `Rejected`.

        Fields are sent in ISO-8859-1, as the operator reads them.
        """
        with ExitStack() as room:
            files: list[Any] = [(name, (None, value.encode("latin-1", "replace"))) for name, value in fields]
            for one in uploads:
                opened = room.enter_context(one.path.open("rb"))
                files.append((one.field, (one.filename, opened, one.media_type)))
            return self._ask("POST", path, Uncertain, files=files)

    def _ask(
        self,
        method: str,
        path: str,
        lost: type[Exception],
        **given: Any,
    ) -> bytes:
        with self._open(method, path, lost, **given) as answer:
            return _body(answer, lost)

    def _led_to(self, answer: requests.Response, target: str, key: str) -> str | None:
        """The number by which a redirect leads to `target` here; None for any other answer."""
        if not answer.is_redirect:
            return None
        there = urlsplit(urljoin(answer.url, answer.headers["Location"]))
        here = urlsplit(self._settings.url.rstrip("/") + target)
        if (there.scheme, there.netloc.lower(), there.path) != (here.scheme, here.netloc.lower(), here.path):
            return None
        asked = parse_qsl(there.query, keep_blank_values=True)
        return asked[0][1] if len(asked) == 1 and asked[0][0] == key and asked[0][1].isdecimal() else None

    def _open(self, method: str, path: str, lost: type[Exception], **given: Any) -> requests.Response:
        settings, account = self._settings, self._account
        session = requests.Session()
        session.trust_env = False
        try:
            return session.request(
                method,
                settings.url.rstrip("/") + path,
                cert=str(account.certificate),
                verify=str(settings.ca_file) if settings.ca_file else True,
                auth=(account.login, account.password) if account.login else None,
                timeout=(settings.connect_seconds, settings.answer_seconds),
                allow_redirects=False,
                stream=True,
                **given,
            )
        except requests.RequestException as error:
            words = f"S2LOW ne répond pas ({type(error).__name__})"
            if lost is Unreachable and _certificate_refused(error):
                raise AccountRefused("S2LOW refuse le certificat de la collectivité") from error
            raise (Unreachable if _before_sending(error) else lost)(words) from error
        except OSError as error:
            raise AccountRefused(f"Le certificat de la collectivité est illisible ({error})") from error


def _is_module(answer: requests.Response) -> bool:
    """True when a redirect leads to a page of the modules, at the operator's own address."""
    there, here = urlsplit(urljoin(answer.url, answer.headers["Location"])), urlsplit(answer.url)
    return there.netloc == here.netloc and there.path.startswith(("/modules/actes/", "/modules/helios/"))


def _body(answer: requests.Response, lost: type[Exception]) -> bytes:
    _judge(answer, lost)
    try:
        body = _read(answer, lost)
    except requests.RequestException as error:
        raise lost(f"S2LOW : réponse interrompue ({type(error).__name__})") from error
    if _is_page(answer.headers, body):
        raise AccountRefused(_LOGIN)
    return body


def _judge(answer: requests.Response, lost: type[Exception]) -> None:
    status = answer.status_code
    if status == requests.codes.ok:
        return
    if 300 <= status < 400:
        raise AccountRefused(_LOGIN)
    if status == requests.codes.request_entity_too_large:
        raise Rejected("L’envoi dépasse la taille que l’opérateur accepte. Réduisez ou retirez des pièces.")
    if status in _STRANGERS:
        raise AccountRefused(f"S2LOW refuse le certificat ou le compte technique (HTTP {status})")
    if status in _NOT_TAKEN:
        raise Unreachable(f"S2LOW refuse la demande (HTTP {status})")
    if status == requests.codes.bad_request and "archiviste" in answer.text:
        raise AccountRefused("S2LOW refuse le compte technique : il lui faut le rôle d’archiviste")
    if status == requests.codes.bad_request:
        raise Unreachable(f"S2LOW refuse la demande (HTTP 400) : {answer.text[:500]}")
    raise lost(f"S2LOW répond par une erreur (HTTP {status})")


def _read(answer: requests.Response, lost: type[Exception]) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_ANSWER:
            raise lost(f"S2LOW répond plus de {MAX_ANSWER} octets")
    return bytes(body)


def _is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """An HTTP 200 with a page of HTML is the login page."""
    head = body[:512].lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html")) or (
        headers.get("Content-Type", "").lower().startswith("text/html") and b"<body" in body[:4096].lower()
    )


def _certificate_refused(error: Exception) -> bool:
    """True when the server says, in TLS, that it does not want our certificate."""
    told = repr(error).upper()
    return "ALERT" in told and "CERTIFICATE" in told


def _before_sending(error: Exception) -> bool:
    """True when certainly not a byte of the request was taken."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    if isinstance(reason, NewConnectionError):
        return True
    # The server's certificate is judged before the request; its opinion of ours may come after it (TLS 1.3).
    return isinstance(reason, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(reason)
