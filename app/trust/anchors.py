"""Whom we believe, in one: the administrator's own authorities and, where they are used, the trusted lists of Europe."""

from collections.abc import Iterator, Sequence
from typing import Any

from asn1crypto import x509
from pyhanko_certvalidator.authority import Authority, AuthorityWithCert, TrustAnchor
from pyhanko_certvalidator.registry import SimpleTrustManager


class Anchors(SimpleTrustManager):
    """The roots that the administrator gave, and the services of a `TSPRegistry` when there is one.

    A root given here is believed without further question; a listed service only for its kind and while it is listed.
    """

    def __init__(
        self, roots: Sequence[x509.Certificate], registry: Any | None = None, *, timestamps: bool = False
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Its public way in, `build`, gives one of its own class: a root is registered as `build` does (0.33)
        for root in roots:
            self._register_root(root)
        self._timestamps = timestamps
        self._registry = registry
        self._listed: Any | None = None
        if registry is not None:
            from pyhanko.sign.validation.qualified.tsp import TSPTrustManager

            self._listed = TSPTrustManager(registry)

    def as_trust_anchor(self, authority: Authority) -> TrustAnchor | None:
        """The anchor that an authority is, or None."""
        own: TrustAnchor | None = super().as_trust_anchor(authority)
        if own is not None or self._listed is None or authority not in self._authorities():
            return own
        listed: TrustAnchor | None = self._listed.as_trust_anchor(authority)
        return listed

    def find_potential_issuers(self, cert: x509.Certificate) -> Iterator[TrustAnchor]:
        """Every anchor that may have issued a certificate; ours first."""
        yield from super().find_potential_issuers(cert)
        if self._listed is None:
            return
        for authority in self._authorities():
            if authority.is_potential_issuer_of(cert):
                anchor = self._listed.as_trust_anchor(authority)
                if anchor is not None:
                    yield anchor

    def iter_certs(self) -> Iterator[x509.Certificate]:
        """The anchors' certificates: pyHanko finds who signed a revocation list among them."""
        yield from super().iter_certs()
        yield from (
            authority.certificate
            for authority in self._authorities()
            if isinstance(authority, AuthorityWithCert)
        )

    def _authorities(self) -> set[Authority]:
        # A CA listed for certificates says nothing of clocks, and the other way round (ETSI TS 119 612 §5.5.1)
        if self._registry is None:
            return set()
        if self._timestamps:
            return set(self._registry.known_timestamp_authorities)
        return set(self._registry.known_certificate_authorities)
