"""After embedding: what the reader of a format says of our signature must be what was asked for, whatever the format."""

from collections.abc import Mapping

from app.core.refusals import Refusal
from app.signing.ports import SignatureFacts
from app.trust.certificates import facts
from app.verification.seen import Seen


def demand(
    seen: Seen,
    field: str,
    certificate: bytes,
    own: Mapping[str, bool],
    *,
    timestamped: bool,
    earlier: int = 0,
) -> SignatureFacts:
    """The facts of the signature that was read back, once it is trusted, by `certificate`, at B-T when `timestamped`.

    `own`: what the format asks beside, in French why not, and whether it is met. `earlier`: signatures that were there
    before. Refuses `signature-not-valid-after-embedding`.
    """
    demands = {
        **own,
        "elle est d’un autre certificat": seen.fingerprint_sha256 == facts(certificate).fingerprint_sha256,
        "son certificat n’est pas reconnu": seen.vouched,
        "son horodatage n’est pas celui attendu": seen.timestamp == ("trusted" if timestamped else "none"),
    }
    for why, met in demands.items():
        if not met:
            raise failed(why)
    return SignatureFacts(
        field=field,
        level="B-T" if timestamped else "B-B",
        signed_at=seen.claimed_at,
        timestamped_at=seen.timestamped_at,
        fingerprint_sha256=seen.fingerprint_sha256,
        signature_sha256=seen.signature_sha256,
        earlier=earlier,
    )


def failed(why: str, *, earlier: bool = False) -> Refusal:
    """The refusal of what was embedded; `earlier`: ours would hold, and one that was there before would not."""
    return Refusal("signature-not-valid-after-embedding", why=why, earlier=earlier)
