"""From what was seen in a file to a verdict: one French sentence, and the ETSI EN 319 102-1 words behind it.

A reader of PDF, CMS, XAdES or PES fills a `SignatureReading` for each signature (`app.verification.reading`), `judge`
does the rest.
"""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from app.core.clock import PARIS
from app.trust.certificates import TOLERANCE
from app.verification.reading import SignatureReading
from app.verification.verdict import Indication, Verdict

PASSED: Indication = "TOTAL-PASSED"
FAILED: Indication = "TOTAL-FAILED"
UNSURE: Indication = "INDETERMINATE"
FALSE_HOURS = "L’heure de la signature n’est pas prouvée : les heures qu’elle porte se contredisent."
UNPROVEN = "aucun horodatage ne prouve que la signature est antérieure."
REASONS = {
    "NO_CERTIFICATE_CHAIN_FOUND": "l’autorité qui a délivré le certificat n’est pas reconnue ici.",
    "NO_SIGNING_CERTIFICATE_FOUND": (
        "le certificat que la signature nomme n’est pas dans le fichier ; celui qui y est a pu être échangé."
    ),
    "TRY_LATER": "l’autorité de certification n’a pas dit si le certificat est révoqué.",
    "REVOKED_CA_NO_POE": "l’autorité qui a délivré le certificat a été révoquée.",
    "CRYPTO_CONSTRAINTS_FAILURE": "la clé ou l’algorithme de la signature est trop faible.",
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": "la clé ou l’algorithme de la signature est trop faible.",
    "CHAIN_CONSTRAINTS_FAILURE": "la chaîne du certificat n’est pas valable.",
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": "la chaîne du certificat n’est pas valable.",
    "NO_POE": "les preuves gardées dans le fichier ne couvrent pas l’heure de la signature.",
    "REVOCATION_OUT_OF_BOUNDS_NO_POE": "les preuves de non-révocation ne couvrent pas l’heure de la signature.",
    "OUT_OF_BOUNDS_NOT_REVOKED": "le certificat a expiré, et " + UNPROVEN,
}

CHAINLESS = frozenset(
    {"NO_CERTIFICATE_CHAIN_FOUND", "CHAIN_CONSTRAINTS_FAILURE", "CERTIFICATE_CHAIN_GENERAL_FAILURE"}
)
SELF_SIGNED = "le certificat s’est signé lui-même : aucune autorité ne garantit le nom qu’il porte."


def judge(signature: SignatureReading, moment: datetime) -> Verdict:
    """The verdict on a signature, as known at `moment` (EN 319 102-1 §5.1.3)."""
    indication, sub, reason = _profile(
        signature,
        _unknown(signature)
        or _broken(signature, moment)
        or _lacking(signature, moment)
        or (PASSED, None, _proven(signature, moment)),
    )
    false_hours = any(
        is_so and order == "TIMESTAMP_ORDER_FAILURE" for is_so, order, _ in _hours(signature, moment)
    )
    head = {PASSED: "Valable : ", FAILED: "Non valable : ", UNSURE: "Indéterminé : "}[indication]
    return Verdict(
        where=signature.where,
        name=signature.name,
        level=signature.level,
        indication=indication,
        sub_indication=sub,
        reason=head + reason,
        when=FALSE_HOURS if false_hours else _when(signature),
        covered=signature.covered,
        changes=signature.changes,
        revocation=_revocation(signature, moment),
        capacity=signature.capacity,
        claimed_at=signature.claimed_at,
        timestamped_at=None if false_hours else signature.timestamped_at,
        archived_at=None if false_hours else signature.archived_at,
        revoked_at=signature.revoked_at,
        added_at=signature.added_at,
        signed_bytes=signature.signed_bytes
        if signature.intact and signature.valid and not signature.malformed
        else 0,
        file_bytes=signature.file_bytes,
        covers_whole=signature.covers_whole,
        serial=signature.serial,
        fingerprint_sha256=signature.fingerprint_sha256,
        qualified=signature.qualified,
        chain=signature.chain,
    )


def in_order(signatures: Sequence[SignatureReading]) -> list[SignatureReading]:
    """The signatures of one document, each over the earlier ones, told the latest hour that those before it prove."""
    ordered, latest = [], None
    for signature in signatures:
        ordered.append(dataclasses.replace(signature, earlier_at=latest))
        if signature.timestamped_at is not None and (latest is None or signature.timestamped_at > latest):
            latest = signature.timestamped_at
    return ordered


Conclusion = tuple[Indication, str | None, str]


def _profile(signature: SignatureReading, conclusion: Conclusion) -> Conclusion:
    """The profile's own demands: ETSI has no finer word for a signature that is whole and is not the one asked for."""
    if not signature.faults:
        return conclusion
    sub = conclusion[1] if conclusion[0] == FAILED else "SIG_CONSTRAINTS_FAILURE"
    return FAILED, sub, f"{' ; '.join(signature.faults)}."


def _unknown(signature: SignatureReading) -> Conclusion | None:
    """Whose signature it is cannot be said: its certificate is not there (EN 319 102-1 §5.2.3.4)."""
    sub = "NO_SIGNING_CERTIFICATE_FOUND"
    return (
        (UNSURE, sub, REASONS[sub])
        if signature.sub == sub and signature.readable and not signature.removed
        else None
    )


def _broken(signature: SignatureReading, moment: datetime) -> Conclusion | None:
    """What no further information could repair: TOTAL-FAILED."""
    early = signature.not_before is not None and (signature.timestamped_at or moment) < signature.not_before
    revoked, expired = _too_late(signature, signature.revoked_at), _too_late(signature, signature.not_after)
    faults: tuple[tuple[bool, str, str], ...] = (
        (signature.removed, "HASH_FAILURE", "la signature a été retirée du fichier après coup."),
        (not signature.readable, "FORMAT_FAILURE", "la signature est illisible."),
        (bool(signature.malformed), "FORMAT_FAILURE", signature.malformed),
        (not signature.intact, "HASH_FAILURE", "le document a été modifié après la signature."),
        (not signature.valid, "SIG_CRYPTO_FAILURE", "la signature n’est pas celle du certificat annoncé."),
        # Not a hash of ETSI's own list: what is shown is no longer what was signed (docs/decisions/0014)
        (
            signature.altered,
            "HASH_FAILURE",
            "le document a été modifié après la signature, autrement que par d’autres signatures"
            + (f" : {' ; '.join(signature.alterations)}." if signature.alterations else "."),
        ),
        (
            signature.timestamp == "invalid",
            "HASH_FAILURE",
            "l’horodatage ne correspond pas à cette signature.",
        ),
        (
            revoked,
            "REVOKED",
            f"le certificat était révoqué depuis le {day(signature.revoked_at)}, avant la signature.",
        ),
        (signature.sub == "FORMAT_FAILURE", "FORMAT_FAILURE", "la signature est mal formée."),
        (
            early,
            "NOT_YET_VALID",
            f"le certificat n’est valable que depuis le {day(signature.not_before)}, après la signature.",
        ),
        (
            expired,
            "EXPIRED",
            f"le certificat avait expiré le {day(signature.not_after)}, avant la signature.",
        ),
    )
    return next(((FAILED, sub, why) for is_so, sub, why in faults if is_so), None)


def _too_late(signature: SignatureReading, limit: datetime | None) -> bool:
    """Whether the signer's own word and the timestamp both put the signature after `limit`.

    A timestamp alone proves only that the signature is older than itself.
    """
    if limit is None or signature.timestamped_at is None or signature.timestamped_at < limit:
        return False
    return signature.claimed_at is None or signature.claimed_at >= limit


def _unknown_authority(signature: SignatureReading) -> str | None:
    """A certificate that its own holder made bears whatever name he wrote in it."""
    alone = len(signature.chain) == 1 and signature.chain[0].name == signature.chain[0].issuer
    return SELF_SIGNED if alone and signature.sub in CHAINLESS else None


def _lacking(signature: SignatureReading, moment: datetime) -> Conclusion | None:
    """What is missing for a certain answer: INDETERMINATE."""
    at = signature.timestamped_at or moment
    silent = (
        REASONS["TRY_LATER"] if signature.online else "la révocation du certificat n’a pas été consultée."
    )
    lacks: tuple[tuple[bool, str, str], ...] = (
        (bool(signature.unsure), "SIG_CONSTRAINTS_FAILURE", f"{' ; '.join(signature.unsure)}."),
        (
            signature.revoked_at is not None and signature.revoked_at <= at,
            "REVOKED_NO_POE",
            f"le certificat a été révoqué le {day(signature.revoked_at)}, et {UNPROVEN}",
        ),
        (
            signature.not_after is not None and signature.not_after < at,
            "OUT_OF_BOUNDS_NO_POE",
            f"le certificat a expiré le {day(signature.not_after)}, et {UNPROVEN}",
        ),
        (
            not signature.may_sign,
            "CHAIN_CONSTRAINTS_FAILURE",
            signature.unfit or "le certificat n’est pas fait pour signer.",
        ),
        (signature.sub == "TRY_LATER", "TRY_LATER", silent),
        (
            bool(signature.lost_issuer) and signature.sub == "NO_CERTIFICATE_CHAIN_FOUND",
            "NO_CERTIFICATE_CHAIN_FOUND",
            f"l’autorité « {signature.lost_issuer} » qui a délivré le certificat n’est ni connue ici, ni dans le fichier.",
        ),
        (
            signature.sub is not None,
            signature.sub or "",
            _unknown_authority(signature)
            or REASONS.get(signature.sub or "", "la chaîne du certificat n’a pas pu être vérifiée."),
        ),
        (
            signature.timestamp == "untrusted",
            "NO_CERTIFICATE_CHAIN_FOUND",
            "l’autorité d’horodatage n’est pas reconnue ici.",
        ),
        (
            signature.timestamp == "silent",
            "TRY_LATER",
            "le certificat de l’autorité d’horodatage n’a pas pu être vérifié.",
        ),
    )
    doubts = [(True, *doubt) for doubt in signature.doubts]
    return next(
        ((UNSURE, sub, why) for is_so, sub, why in (*lacks, *doubts, *_hours(signature, moment)) if is_so),
        None,
    )


def _hours(signature: SignatureReading, moment: datetime) -> tuple[tuple[bool, str, str], ...]:
    """Hours that contradict one another, more than clocks do (EN 319 102-1 §5.5.4): one of them is false."""
    stamped, claimed, archived = signature.timestamped_at, signature.claimed_at, signature.archived_at
    last = max((hour for hour in (stamped, archived) if hour is not None), default=None)
    return (
        (
            last is not None and last > moment + TOLERANCE,
            "TIMESTAMP_ORDER_FAILURE",
            f"l’horodatage est daté du {clock(last)}, dans l’avenir.",
        ),
        (
            stamped is not None and archived is not None and archived < stamped - TOLERANCE,
            "TIMESTAMP_ORDER_FAILURE",
            "l’horodatage d’archive est plus ancien que la signature qu’il protège.",
        ),
        (
            stamped is not None
            and signature.earlier_at is not None
            and stamped < signature.earlier_at - TOLERANCE,
            "TIMESTAMP_ORDER_FAILURE",
            f"l’horodatage du {clock(stamped)} est plus ancien que la signature précédente, que celle-ci contient.",
        ),
        (
            stamped is not None and claimed is not None and claimed > stamped + TOLERANCE,
            "TIMESTAMP_ORDER_FAILURE",
            f"le signataire dit avoir signé le {clock(claimed)}, après l’horodatage du {clock(stamped)}.",
        ),
        (
            claimed is not None and claimed > moment + TOLERANCE,
            "SIG_CONSTRAINTS_FAILURE",
            f"le signataire dit avoir signé le {clock(claimed)}, dans l’avenir.",
        ),
        (
            claimed is not None
            and signature.not_before is not None
            and claimed < signature.not_before - TOLERANCE,
            "SIG_CONSTRAINTS_FAILURE",
            f"le signataire dit avoir signé le {clock(claimed)}, avant que son certificat soit valable.",
        ),
    )


def _proven(signature: SignatureReading, moment: datetime) -> str:
    unchanged = f"{signature.what} inchangé depuis la signature"
    if not signature.covers_whole:
        unchanged = f"{signature.what} complété depuis la signature sans changement interdit"
    at = signature.timestamped_at or moment
    stamp = f", horodatage du {clock(signature.timestamped_at)}" if signature.timestamped_at else ""
    return f"{unchanged}, certificat valable et non révoqué le {day(at)}{stamp}."


def _when(signature: SignatureReading) -> str:
    if signature.timestamped_at:
        return f"Signé au plus tard le {clock(signature.timestamped_at)}, heure prouvée par un horodatage."
    if signature.claimed_at:
        return f"Signé le {clock(signature.claimed_at)} selon le signataire ; aucun horodatage reconnu ne le prouve."
    return "L’heure de la signature n’est pas connue."


def _revocation(signature: SignatureReading, moment: datetime) -> str:
    at = min(signature.timestamped_at or moment, moment)
    if signature.revoked_at is not None:
        place = "après" if signature.timestamped_at and signature.revoked_at > at else "avant"
        if place == "avant" and not _too_late(signature, signature.revoked_at):
            return f"Certificat révoqué le {day(signature.revoked_at)}."
        return f"Certificat révoqué le {day(signature.revoked_at)}, {place} la signature."
    if signature.sub is not None or not signature.readable:
        return "La révocation du certificat n’est pas connue."
    if signature.self_proven:
        return f"Non révoqué le {day(at)}, d’après les preuves gardées dans le fichier."
    return f"Non révoqué le {day(at)}, d’après l’autorité de certification."


def day(moment: datetime | None) -> str:
    """A date as the town hall writes it, 25/11/2026; empty for None."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y") if moment else ""


def clock(moment: datetime | None) -> str:
    """A date and its time in Paris, 25/11/2026 à 22:57:12; empty for None."""
    return f"{moment.astimezone(PARIS):%d/%m/%Y à %H:%M:%S}" if moment else ""
