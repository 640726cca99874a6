"""How the signing room asks authorities: known hosts, short answers, a deadline, few redirections and only among those hosts."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urljoin

from pyhanko_certvalidator.fetchers import FetcherBackend, Fetchers
from pyhanko_certvalidator.fetchers.requests_fetchers.cert_fetch_client import RequestsCertificateFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.crl_client import RequestsCRLFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.ocsp_client import RequestsOCSPFetcher

from app.core.addresses import Allowed
from app.core.outside import Bounds, Response, UnreachableError, beginning, body, exchange

__all__ = ["AnsweredError", "Outside", "UnreachableError"]
MOST_BYTES = 20 * 1024 * 1024  # the largest revocation lists of public authorities are a few megabytes
MOST_REDIRECTS = 3


class AnsweredError(UnreachableError):
    """The other side answered with another status than success; `body` is the beginning of what it says."""

    def __init__(self, sentence: str, status: int, head: bytes) -> None:
        super().__init__(sentence)
        self.status, self.body = status, head


@dataclass(frozen=True)
class Outside:
    """Asks whom `allowed` names and no other; `timeout` in seconds bounds the whole of each answer, `most_bytes` its size."""

    allowed: Allowed
    timeout: float = 8.0
    most_bytes: int = MOST_BYTES

    @classmethod
    def listed(cls, hosts: Sequence[str], timeout: float) -> "Outside":
        """Asks the hosts of a list of the settings (`Allowed.listed`)."""
        return cls(Allowed.listed(hosts), timeout)

    def get(self, url: str, accept: str) -> bytes:
        """The body of a 200 answer to GET; raises `UnreachableError`.

        Three redirections are followed, each judged as the first address was, and never from https to http.
        """
        for _ in range(MOST_REDIRECTS + 1):
            with exchange("GET", url, self.allowed, self._bounds(), headers={"Accept": accept}) as answer:
                if not answer.is_redirect:
                    return self._read(answer)
                there = urljoin(url, answer.headers["Location"])
                if url.lower().startswith("https:") and not there.lower().startswith("https:"):
                    raise UnreachableError(f"{url} leads out of https")
                url = there
        raise UnreachableError(f"{url} leads from one address to another")

    def post(
        self, url: str, data: bytes, kind: str, accept: str, *, bearer: str = "", basic: str = ""
    ) -> bytes:
        """The body of a 200 answer to POST, whose content type must be `accept`, or nothing for 204; never redirected.

        `bearer`: an OAuth 2.0 token (RFC 6750). `basic`: « account:password » (RFC 7617). Raises
        `UnreachableError`, `AnsweredError` for another status.
        """
        headers = {"Accept": accept, "Content-Type": kind}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        headers |= {"Authorization": f"Basic {b64encode(basic.encode()).decode()}"} if basic else {}
        with exchange("POST", url, self.allowed, self._bounds(), headers=headers, data=data) as answer:
            return b"" if answer.status_code == HTTPStatus.NO_CONTENT else self._read(answer, accept)

    def _bounds(self) -> Bounds:
        return Bounds(self.timeout, self.timeout, self.timeout)

    def _read(self, answer: Response, kind: str | None = None) -> bytes:
        if answer.status_code != HTTPStatus.OK:
            sentence = f"{answer.url} answered {answer.status_code}"
            raise AnsweredError(sentence, answer.status_code, beginning(answer))
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind is not None and media_type != kind:
            raise UnreachableError(f"{answer.url} answered « {media_type} »")
        return body(answer, self.most_bytes)


@dataclass(frozen=True)
class _Answer:
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Through:
    """Sends the questions of pyHanko's fetchers through `outside`."""

    outside: Outside

    async def _get(self, url: str, *, acceptable_content_types: Sequence[str]) -> _Answer:
        return _answer(lambda: self.outside.get(url, ",".join(acceptable_content_types)))

    async def _post(
        self, url: str, data: bytes, *, content_type: str, acceptable_content_types: Sequence[str]
    ) -> _Answer:
        return _answer(lambda: self.outside.post(url, data, content_type, acceptable_content_types[0]))


def _answer(ask: Callable[[], bytes]) -> _Answer:
    try:
        return _Answer(ask())
    except UnreachableError as error:
        # The one kind of error that every fetcher of pyHanko takes as « no answer »
        raise ValueError(str(error)) from error


class _OCSP(_Through, RequestsOCSPFetcher):  # type: ignore[misc]  # ours is simpler than what it replaces
    pass


class _CRL(_Through, RequestsCRLFetcher):  # type: ignore[misc]  # ours is simpler than what it replaces
    pass


class _Issuers(_Through, RequestsCertificateFetcher):  # type: ignore[misc]  # ours is simpler than what it replaces
    pass


def fetchers(outside: Outside) -> Fetchers:
    """Fetchers of revocation answers and issuers' certificates that know no other way out than `outside`."""
    ocsp, crl, issuers = _OCSP(), _CRL(), _Issuers()  # type: ignore[no-untyped-call]
    for fetcher in (ocsp, crl, issuers):
        fetcher.outside = outside
    return Fetchers(ocsp, crl, issuers)


class Backend(FetcherBackend):
    """What pyHanko's ETSI functions ask for fetchers; ours keep no connection open."""

    def __init__(self, outside: Outside) -> None:
        self._fetchers = fetchers(outside)

    def get_fetchers(self) -> Fetchers:
        """The fetchers of this operation: an answer is asked once."""
        return self._fetchers
