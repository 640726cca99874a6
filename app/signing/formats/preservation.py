"""What a signed PDF proves by itself, with every authority silent: the level that is claimed is the level that was made."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy

from app.core.refusals import Refusal
from app.signing.formats.revision import is_prefix
from app.trust.certificates import DECLARED, HARD, TOLERANCE, Trust, certificates_in
from app.verification.signers import UNREADABLE


@dataclass(frozen=True)
class Preserved:
    """What the file proves: `level` is « B-LT » or « B-LTA », over so many `signatures`.

    `timestamped_at` is the hour of its last document timestamp, `ends_at` when the first certificate of that timestamp's
    path ends, the root apart: before then it must be covered by another (both None for B-LT).
    """

    level: str
    signatures: int
    timestamped_at: datetime | None = None
    ends_at: datetime | None = None


def check(
    target: Path,
    *,
    source: Path,
    level: str,
    trust: Trust,
    moment: datetime,
    fields: Collection[str] | None = None,
    renews: bool = False,
) -> Preserved:
    """Prove that `target` has reached `level` at `moment`, asking nobody, and that `source` is its exact beginning.

    B-LT: every signature in `fields` (None: every one) is intact, and its certificate and timestamp are proven good and
    not revoked by what the file itself holds. B-LTA: a trusted document timestamp covers the whole of it besides
    (ETSI EN 319 142-1 §6.3); when it `renews` another, the file proves that one too. Refuses `archive-not-made`.
    """
    with source.open("rb") as before, target.open("rb") as after:
        if not is_prefix(before, after):
            raise Refusal("archive-not-made", why="la version précédente ne serait pas conservée")
        try:
            preserved = asyncio.run(_read(PdfFileReader(after), trust, moment, fields, renews=renews))
        except NoDSSFoundError as error:
            raise Refusal("archive-not-made", why="le fichier ne contient aucune preuve") from error
        except UNREADABLE as error:
            raise Refusal("archive-not-made", why=str(error)) from error
    if preserved.level != level:
        raise Refusal("archive-not-made", why=f"le niveau atteint est {preserved.level}")
    return preserved


async def _read(
    reader: PdfFileReader, trust: Trust, moment: datetime, fields: Collection[str] | None, *, renews: bool
) -> Preserved:
    rules = _OwnRules(DocumentSecurityStore.read_dss(reader), trust)
    every = reader.embedded_regular_signatures
    signatures = [signature for signature in every if fields is None or signature.field_name in fields]
    for signature in signatures:
        await _demand(signature, rules, moment)
    times = reader.embedded_timestamp_signatures
    if not times or times[-1].evaluate_signature_coverage() is not SignatureCoverageLevel.ENTIRE_FILE:
        return Preserved("B-LT", len(signatures))
    if renews:
        # What proves a timestamp was gathered when the next one was put over it
        former, following = times[-2:]
        await _demand_time(former, rules.authorities(_hour(following)))
    last = times[-1]
    ends = await _demand_time(last, trust.tsa_context(moment, fetch=False))
    return Preserved("B-LTA", len(signatures), _hour(last), ends)


class _OwnRules:
    """Rules that know nothing but what the file holds: revocation must be known, and nobody is asked."""

    def __init__(self, dss: DocumentSecurityStore, trust: Trust) -> None:
        self._dss, self._trust = dss, trust

    def persons(self, moment: datetime) -> ValidationContext:
        return self._context(self._trust.roots, moment, HARD)

    def authorities(self, moment: datetime) -> ValidationContext:
        return self._context(self._trust.tsa_roots, moment, DECLARED)

    def _context(
        self, roots: Sequence[bytes], moment: datetime, policy: RevocationCheckingPolicy
    ) -> ValidationContext:
        return self._dss.as_validation_context(
            {
                "trust_roots": [root for data in roots for root in certificates_in(data)],
                "moment": moment,
                "allow_fetching": False,
                # Answers are later than the signature that they speak for (decision 0012): they must count
                # for its time.
                "revinfo_policy": CertRevTrustPolicy(policy, retroactive_revinfo=True),
                "time_tolerance": TOLERANCE,
            }
        )


async def _demand(signature: EmbeddedPdfSignature, rules: _OwnRules, moment: datetime) -> None:
    token = next(extract_tst_data_iter(signature.signer_info, signed=False), None)
    at = token["encap_content_info"]["content"].parsed["gen_time"].native if token is not None else None
    status = await async_validate_pdf_signature(
        signature,
        signer_validation_context=rules.persons(at or moment),
        ts_validation_context=rules.authorities(at or moment),
    )
    name = signature.field_name
    if not (status.intact and status.valid and status.docmdp_ok):
        raise Refusal("archive-not-made", why=f"la signature « {name} » ne tiendrait plus")
    if not status.trusted:
        raise Refusal("archive-not-made", why=f"le certificat de « {name} » n’est pas prouvé par le fichier")
    if status.timestamp_validity is None or not status.timestamp_validity.trusted:
        raise Refusal("archive-not-made", why=f"l’horodatage de « {name} » n’est pas prouvé par le fichier")


async def _demand_time(stamp: EmbeddedPdfSignature, context: ValidationContext) -> datetime:
    """When a timestamp that is proven here ends."""
    status = await async_validate_pdf_timestamp(stamp, validation_context=context)
    if not (status.intact and status.valid and status.trusted) or status.validation_path is None:
        raise Refusal("archive-not-made", why="l’horodatage du document n’est pas prouvé")
    path = status.validation_path.iter_certs(include_root=False)
    # The first of them to end: from then on the timestamp proves nothing by itself.
    ends: datetime = min(each.not_valid_after for each in path)
    return ends


def _hour(stamp: EmbeddedPdfSignature) -> datetime:
    hour: datetime = stamp.signed_data["encap_content_info"]["content"].parsed["gen_time"].native
    return hour
