"""The one way out of the signing room: known hosts, short answers, a deadline, no redirection."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

MOST_BYTES = 20 * 1024 * 1024  # the largest revocation lists of public authorities are a few megabytes
CHUNK = 65536
MOST_WORDS = 16 * 1024  # of an answer that refuses


class UnreachableError(OSError):
    """The other side did not answer, or not with what was asked."""


class AnsweredError(UnreachableError):
    """The other side answered with another status than success; `body` is the beginning of what it says."""

    def __init__(self, words: str, status: int, body: bytes) -> None:
        super().__init__(words)
        self.status, self.body = status, body


@dataclass(frozen=True)
class Outside:
    """Asks the hosts of `hosts` (« name » or « name:port ») and no other; `timeout` in seconds bounds the whole answer."""

    hosts: Sequence[str]
    timeout: float = 8.0
    most_bytes: int = MOST_BYTES

    def get(self, url: str, accept: str) -> bytes:
        """The body of a 200 answer to GET; raises `UnreachableError`."""
        return self._ask("GET", url, {"Accept": accept}, None)

    def post(self, url: str, body: bytes, kind: str, accept: str, *, bearer: str = "") -> bytes:
        """The body of a 200 answer to POST, whose content type must be `accept`, or nothing for 204.

        `bearer`: an OAuth 2.0 token (RFC 6750). Raises `UnreachableError`, `AnsweredError` for another status.
        """
        headers = {"Accept": accept, "Content-Type": kind}
        return self._ask(
            "POST", url, headers | ({"Authorization": f"Bearer {bearer}"} if bearer else {}), body, accept
        )

    def _ask(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, kind: str | None = None
    ) -> bytes:
        self._known(url)
        until = time.monotonic() + self.timeout
        try:
            with requests.request(
                method,
                url,
                headers=headers,
                data=body,
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                if method == "POST" and answer.status_code == requests.codes.no_content:
                    return b""
                if answer.status_code != requests.codes.ok:
                    words = f"{url} answered {answer.status_code}"
                    raise AnsweredError(words, answer.status_code, next(answer.iter_content(MOST_WORDS), b""))
                said = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if kind is not None and said != kind:
                    raise UnreachableError(f"{url} answered « {said} »")
                return self._read(answer, until)
        except requests.RequestException as error:
            raise UnreachableError(f"{url} did not answer: {type(error).__name__}") from error

    def _known(self, url: str) -> None:
        # The addresses come from certificates that anybody may send: without a list this would be a relay (SSRF)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UnreachableError(f"{url} is not a web address")
        if not {parts.hostname, parts.netloc.rpartition("@")[2]} & set(self.hosts):
            raise UnreachableError(f"{parts.hostname} is not among the hosts that may be asked")

    def _read(self, answer: requests.Response, until: float) -> bytes:
        body = bytearray()
        for chunk in answer.iter_content(CHUNK):
            body += chunk
            if len(body) > self.most_bytes:
                raise UnreachableError(f"{answer.url} answered more than {self.most_bytes} bytes")
            if time.monotonic() > until:
                raise UnreachableError(f"{answer.url} did not finish in {self.timeout} s")
        return bytes(body)
