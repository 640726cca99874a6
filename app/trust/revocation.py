"""What authorities say of their certificates, asked only through our one way out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyhanko_certvalidator.fetchers import FetcherBackend, Fetchers
from pyhanko_certvalidator.fetchers.requests_fetchers.cert_fetch_client import RequestsCertificateFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.crl_client import RequestsCRLFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.ocsp_client import RequestsOCSPFetcher

from app.trust.network import Outside, UnreachableError


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
    for one in (ocsp, crl, issuers):
        one.outside = outside
    return Fetchers(ocsp, crl, issuers)


class Backend(FetcherBackend):
    """What pyHanko's ETSI functions ask for fetchers; ours keep no connection open."""

    def __init__(self, outside: Outside) -> None:
        self._fetchers = fetchers(outside)

    def get_fetchers(self) -> Fetchers:
        """The fetchers of this operation: an answer is asked once."""
        return self._fetchers
