"""Whether a certificate may sign here and now: whose it is, what it is for, who vouches for it, whether it still stands."""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from asn1crypto import pem, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator import errors as path_errors
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.core.texts import cleaned
from app.trust import algorithms, assurance, trust_lists
from app.trust.anchors import Anchors
from app.trust.network import Backend, Outside, fetchers
from app.trust.purpose import Purpose

TOLERANCE = timedelta(minutes=5)  # between our clock and those of the authorities
# The holder's certificate must be checkable; those above it only where they say how (ETSI EN 319 102-1 §5.2.6.4)
HARD = RevocationCheckingPolicy(
    RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.CHECK_IF_DECLARED
)
DECLARED = RevocationCheckingPolicy(
    RevocationCheckingRule.CHECK_IF_DECLARED, RevocationCheckingRule.CHECK_IF_DECLARED
)
OTHER_TRADES = frozenset(
    {
        "server_auth",
        "client_auth",
        "microsoft_smart_card_logon",
        "code_signing",
        "microsoft_time_stamp_signing",
        "time_stamping",
        "ocsp_signing",
        "ipsec_end_system",
        "ipsec_tunnel",
        "ipsec_user",
        "ipsec_ike",
    }
)
NONE = RevocationCheckingPolicy(RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.NO_CHECK)


@dataclass(frozen=True)
class Trust:
    """Whom we believe: roots for persons, roots for timestamps (DER or PEM), and which hosts may be asked.

    With `fetch` false no host is asked and revocation stays unknown; `timeout` in seconds for each question. `lists`:
    folder of the trusted lists of Europe (`app.trust.trust_lists`), believed beside the roots. `known`: certificates
    of intermediate authorities (DER) that help to reach a root, and are not believed for it (`app.trust.intermediates`).
    """

    roots: Sequence[bytes]
    tsa_roots: Sequence[bytes]
    fetch: bool = True
    allowed_hosts: Sequence[str] = ()
    timeout: float = 8.0
    lists: Path | None = None
    known: Sequence[bytes] = ()

    def help(self) -> list[x509.Certificate]:
        """The intermediate authorities that are known here, as help to build a path."""
        return [certificate for data in self.known for certificate in certificates_in(data)]

    def anchors(self, *, timestamps: bool) -> Anchors:
        """Whom we believe for persons, or for timestamps."""
        sources = self.tsa_roots if timestamps else self.roots
        roots = [root for data in sources for root in certificates_in(data)]
        return Anchors(roots, trust_lists.registry(self.lists), timestamps=timestamps)

    def policy(self, *, timestamps: bool, fetch: bool) -> CertValidationPolicySpec:
        """The rules for certificates as the ETSI functions of pyHanko want them; with `fetch`, revocation must be known."""
        requirement = DECLARED if timestamps else HARD
        return CertValidationPolicySpec(
            trust_manager=self.anchors(timestamps=timestamps),
            revinfo_policy=CertRevTrustPolicy(requirement if fetch else NONE, retroactive_revinfo=True),
            time_tolerance=TOLERANCE,
        )

    def backend(self) -> Backend:
        """The one way out, for one operation."""
        return Backend(Outside.listed(self.allowed_hosts, self.timeout))

    def context(
        self, moment: datetime, *, fetch: bool, others: Sequence[x509.Certificate] = ()
    ) -> ValidationContext:
        """The rules for a person's certificate at `moment`; with `fetch`, revocation must be known."""
        return self._context(self.anchors(timestamps=False), moment, HARD if fetch else NONE, others)

    def tsa_context(
        self, moment: datetime, *, fetch: bool, others: Sequence[x509.Certificate] = ()
    ) -> ValidationContext:
        """The rules for a timestamp authority's certificate at `moment`."""
        return self._context(self.anchors(timestamps=True), moment, DECLARED if fetch else NONE, others)

    def _context(
        self,
        anchors: Anchors,
        moment: datetime,
        policy: RevocationCheckingPolicy,
        others: Sequence[x509.Certificate],
    ) -> ValidationContext:
        fetch = policy is not NONE
        return ValidationContext(
            trust_manager=anchors,
            other_certs=[*others, *self.help()],
            moment=moment,
            allow_fetching=fetch,
            fetchers=fetchers(Outside.listed(self.allowed_hosts, self.timeout)) if fetch else None,
            # An answer given today speaks for a signature of last month: it says since when it is revoked
            revinfo_policy=CertRevTrustPolicy(policy, retroactive_revinfo=True),
            time_tolerance=TOLERANCE,
        )


@dataclass(frozen=True)
class Enrolled:
    """A certificate enrolled to a person for a purpose, known by its fingerprint or by issuer and serial number.

    `to_confirm`: it signs nothing before an administrator's word; `proven`: its key was shown to be the person's.
    """

    fingerprint: str | None = None
    issuer_serial: str | None = None
    purpose: Purpose = Purpose.ACTS
    to_confirm: bool = False
    proven: bool = True


@dataclass(frozen=True)
class CertificateFacts:
    """What a certificate says of itself: names in French order of reading, serial and hashes in lower-case hexadecimal.

    `issuer_serial`: SHA-256 of the issuer's name, a colon, the serial. `revocation_checked`: an authority answered.
    `assurance`: the level that a signature with it reaches (`app.trust.assurance`), once it was checked.
    """

    subject: str
    issuer: str
    serial: str
    fingerprint_sha256: str
    not_before: datetime
    not_after: datetime
    common_name: str
    issuer_serial: str
    issuer_name: str = ""
    revocation_checked: bool = field(default=False, compare=False)
    assurance: str = field(default=assurance.SIMPLE, compare=False)


FRESH = 10.0
"""Seconds for which the parts of one batch share what was answered to the first of them."""


class _Shared:
    """One answer for each certificate, given to all who ask, from whatever thread, while the first is still asking."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.refused = False
        """Whether an answer was a refusal: whoever comes next asks again."""
        self._answers: dict[bytes, Future[Any]] = {}
        self._lock = Lock()
        self.proven: dict[bytes, Any] = {}
        """Signatures that were proven, by what they share with their like (`app.verification.likeness`)."""
        self.proving = Lock()
        self.bearers: dict[bytes, Any] = {}
        """The certificates that came with them, read once."""

    def once(self, certificate: bytes, ask: Callable[[], Any]) -> Any:
        with self._lock:
            known = self._answers.get(certificate)
            answer = self._answers.setdefault(certificate, Future())
        if known is None:
            try:
                value = ask()
            except Exception as refused:  # noqa: BLE001 - told to everybody who waits for it, the one who asked included
                self.refused = True
                answer.set_exception(refused)
            else:
                answer.set_result(value)
        return answer.result()


_shared: ContextVar[_Shared | None] = ContextVar("shared_answers", default=None)


def shared() -> _Shared | None:
    """What the part of a batch at work here shares; None for whoever works alone."""
    return _shared.get()


_batches: dict[Hashable, tuple[Trust, _Shared]] = {}
_choosing = Lock()


def _of_batch(batch: Hashable, trust: Trust) -> _Shared:
    with _choosing:
        for name, (_, answers) in list(_batches.items()):
            if answers.refused or time.monotonic() - answers.begun > FRESH:
                del _batches[name]
        known = _batches.get(batch)
        if known is None or known[0] is not trust:
            known = _batches[batch] = (trust, _Shared())
        return known[1]


@contextmanager
def asking_once(batch: Hashable = None, trust: Trust | None = None) -> Iterator[None]:
    """Within it the authorities are asked once about a certificate: by what a part of a batch does in the same seconds.

    `batch`: the parts of one batch that begin within `FRESH` seconds share what the first of them asked, as long as they
    are judged by the same `trust` and nothing was refused. Threads take part when they run in a copy of the caller's
    context.
    """
    token = _shared.set(_Shared() if batch is None or trust is None else _of_batch(batch, trust))
    try:
        yield
    finally:
        _shared.reset(token)


@lru_cache(maxsize=512)
def certificates_in(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a DER certificate or of a PEM bundle; refuses `certificate-unreadable`."""
    try:
        armored = pem.unarmor(data, multiple=True) if pem.detect(data) else [("CERTIFICATE", {}, data)]
        return tuple(_parsed(der) for kind, _, der in armored if kind == "CERTIFICATE")
    except (ValueError, TypeError) as error:
        raise Refusal("certificate-unreadable") from error


def _parsed(der: bytes) -> x509.Certificate:
    certificate = x509.Certificate.load(der, strict=True)
    _ = certificate.native  # asn1crypto parses as late as it can: a broken certificate has to fail here
    return certificate


def name_of(name: x509.Name) -> str:
    """How a person or an authority is called: its common name, else its unit, else its organisation, else all of it."""
    parts = name.native
    for part in ("common_name", "pseudonym", "organizational_unit_name", "organization_name"):
        value = parts.get(part)
        if value:
            return cleaned(value if isinstance(value, str) else value[0])
    return cleaned(name.human_friendly)


@lru_cache(maxsize=512)
def facts(certificate: bytes) -> CertificateFacts:
    """The facts of a DER certificate, believed or not; refuses `certificate-unreadable`."""
    (parsed,) = certificates_in(certificate)[:1]
    return CertificateFacts(
        subject=cleaned(parsed.subject.human_friendly),
        issuer=cleaned(parsed.issuer.human_friendly),
        serial=f"{parsed.serial_number:x}",
        fingerprint_sha256=parsed.sha256.hex(),
        not_before=parsed.not_valid_before,
        not_after=parsed.not_valid_after,
        common_name=name_of(parsed.subject),
        issuer_name=name_of(parsed.issuer),
        issuer_serial=f"{parsed.issuer.sha256.hex()}:{parsed.serial_number:x}",
    )


def check_certificate(
    certificate: bytes,
    chain: Sequence[bytes],
    *,
    trust: Trust,
    moment: datetime,
    enrolled: Sequence[Enrolled] | None,
    purpose: str | None = None,
    sealing: bool = False,
) -> CertificateFacts:
    """The facts of a certificate that may sign at `moment`, or the reason why not.

    `enrolled`: the certificates of the person who signs; None for a seal, whose certificate is a setting. `purpose`:
    what the family asks of them. `sealing`: whether it seals, which a certificate made for a person's signature does not
    (`certificate-not-seal`, eIDAS 910/2014 art. 3 (29)). Refuses, in this order, what is not the person's, not for this
    use, not for signing, too weak, out of its dates, of an unknown issuer, revoked, or of unknown revocation (RFC 5280
    §6; ETSI EN 319 102-1 §5.2.6). One that has ended, or was revoked, is told so before all: to enrol it would not help.
    """
    holder = facts(certificate)
    if enrolled is not None:
        try:
            _check_enrolled(holder, enrolled, purpose)
        except Refusal:
            _refuse_dead(certificate, chain, trust, moment)
            raise
    parsed = certificates_in(certificate)[0]
    if (misfit := unfit(parsed)) is not None:
        raise Refusal(misfit)
    if sealing and assurance.statements(parsed).person_only:
        raise Refusal("certificate-not-seal", name=holder.common_name)
    algorithms.of(certificate)
    check_dates(holder, moment)
    others = [other for data in chain for other in certificates_in(data)]
    shared = _shared.get()
    if shared is None:
        path = asyncio.run(_validate(parsed, others, trust, moment))
    else:
        path = shared.once(certificate, lambda: asyncio.run(_validate(parsed, others, trust, moment)))
    registry = trust_lists.registry(trust.lists)
    level = assurance.reached(parsed, path, registry, moment, checked=trust.fetch, sealing=sealing)
    return CertificateFacts(**{**vars(holder), "revocation_checked": trust.fetch, "assurance": level})


def check_dates(certificate: CertificateFacts, moment: datetime) -> None:
    """Refuse a certificate before its dates (`certificate-not-yet-valid`) or after them (`certificate-expired`)."""
    if moment < certificate.not_before:
        raise Refusal("certificate-not-yet-valid", date=day(certificate.not_before))
    if moment > certificate.not_after:
        raise Refusal("certificate-expired", date=day(certificate.not_after))


def unfit(certificate: x509.Certificate) -> str | None:
    """Why a certificate is not made to sign documents, as the key of a refusal; None when it is.

    A list of extended usages binds, critical or not (RFC 5280 §4.2.1.12): one that names only other trades excludes
    signing. Certificates « à double usage » of the RGS name messages (emailProtection) beside identification, and sign.
    """
    if certificate.ca:
        return "certificate-is-authority"
    usage = certificate.key_usage_value
    if usage is None or "non_repudiation" not in usage.native:
        return "certificate-authentication-only"
    extended = certificate.extended_key_usage_value
    if extended is not None and set(extended.native) <= OTHER_TRADES:
        return "certificate-other-use"
    return None


def _check_enrolled(certificate: CertificateFacts, enrolled: Sequence[Enrolled], purpose: str | None) -> None:
    own = next((candidate for candidate in enrolled if _same(candidate, certificate)), None)
    if own is None:
        raise Refusal("certificate-not-enrolled", name=certificate.common_name)
    if own.to_confirm:
        raise Refusal("certificate-to-confirm", name=certificate.common_name)
    if purpose is not None and not own.purpose.suits(purpose):
        raise Refusal(
            "certificate-wrong-purpose", name=certificate.common_name, purpose=own.purpose.label.lower()
        )


def _refuse_dead(certificate: bytes, chain: Sequence[bytes], trust: Trust, moment: datetime) -> None:
    """Refuse a certificate that nobody can sign with any more; whatever else is wrong with it is let go."""
    try:
        check_certificate(certificate, chain, trust=trust, moment=moment, enrolled=None)
    except Refusal as refusal:
        if refusal.key in {"certificate-expired", "certificate-revoked"}:
            raise


def _same(enrolled: Enrolled, certificate: CertificateFacts) -> bool:
    return (
        enrolled.fingerprint is not None and enrolled.fingerprint.lower() == certificate.fingerprint_sha256
    ) or (enrolled.issuer_serial is not None and enrolled.issuer_serial.lower() == certificate.issuer_serial)


async def _validate(
    certificate: x509.Certificate, others: Sequence[x509.Certificate], trust: Trust, moment: datetime
) -> ValidationPath:
    validator = CertificateValidator(
        certificate,
        intermediate_certs=list(others),
        validation_context=trust.context(moment, fetch=trust.fetch, others=others),
    )
    try:
        path: ValidationPath = await validator.async_validate_usage({"non_repudiation"})  # type: ignore[no-untyped-call]
    except (path_errors.PathError, path_errors.ValidationError, AssertionError) as error:
        # pyHanko 0.38 asserts that a certificate's signature is of its issuer's kind of key: a forgery may not be
        raise _refusal(error, certificate, knows_issuer(certificate, others, trust)) from error
    return path


def knows_issuer(certificate: x509.Certificate, others: Sequence[x509.Certificate], trust: Trust) -> bool:
    """Whether the certificate of whoever issued it is at hand, believed or not: without it nothing leads anywhere."""
    if certificate.issuer == certificate.subject:
        return True
    there = (*others, *trust.help(), *trust.anchors(timestamps=False).iter_certs())
    return any(ancestor.subject == certificate.issuer for ancestor in there)


def _refusal(error: Exception, certificate: x509.Certificate, knows: bool) -> Refusal:
    if isinstance(error, path_errors.RevokedError):
        key = "certificate-revoked" if error.is_ee_cert else "certificate-issuer-revoked"
        return Refusal(key, date=day(error.revocation_dt))
    if isinstance(error, path_errors.InsufficientRevinfoError):
        return Refusal("revocation-unknown", why=str(error))
    if isinstance(error, path_errors.PathBuildingError):
        key = "certificate-issuer-unknown" if knows else "certificate-issuer-missing"
        return Refusal(key, issuer=name_of(certificate.issuer))
    return Refusal("certificate-chain-invalid", why=str(error) or "signature d’un autre genre de clé")


def day(moment: datetime) -> str:
    """A date as the town hall writes it: 25/11/2026."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y")


def issuers_of(certificate: bytes, *, trust: Trust, moment: datetime) -> tuple[bytes, ...]:
    """The certificates above a certificate that came alone (a card's), nearest first, the trusted root last.

    They are those we know, or those that it names itself (RFC 5280 §4.2.2.1, caIssuers), asked of allowed hosts only;
    empty when no way leads to a root: `check_certificate` says so.
    """
    parsed = certificates_in(certificate)[0]
    try:
        paths = asyncio.run(_paths(parsed, trust, moment))
    except path_errors.PathError:
        return ()
    above = [
        issuer.dump() for issuer in paths[0].iter_certs(include_root=True) if issuer.dump() != certificate
    ]
    return tuple(reversed(above))


async def _paths(certificate: x509.Certificate, trust: Trust, moment: datetime) -> list[ValidationPath]:
    context = trust.context(moment, fetch=trust.fetch)
    return list(await context.path_builder.async_build_paths(certificate))
