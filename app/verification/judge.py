"""From what was seen in a file to a verdict: one French sentence, and the ETSI EN 319 102-1 words behind it.

A reader of PDF, CMS, XAdES or PES fills a `Seen` for each signature (`app.verification.seen`), `judge` does the rest.
"""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from app.core.clock import PARIS
from app.trust.certificates import TOLERANCE
from app.verification.seen import Seen
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


def judge(seen: Seen, moment: datetime) -> Verdict:
    """The verdict on a signature, as known at `moment` (EN 319 102-1 §5.1.3)."""
    indication, sub, reason = _profile(
        seen,
        _unknown(seen)
        or _broken(seen, moment)
        or _lacking(seen, moment)
        or (PASSED, None, _proven(seen, moment)),
    )
    false_hours = any(
        is_so and order == "TIMESTAMP_ORDER_FAILURE" for is_so, order, _ in _hours(seen, moment)
    )
    head = {PASSED: "Valable : ", FAILED: "Non valable : ", UNSURE: "Indéterminé : "}[indication]
    return Verdict(
        where=seen.where,
        name=seen.name,
        level=seen.level,
        indication=indication,
        sub_indication=sub,
        reason=head + reason,
        when=FALSE_HOURS if false_hours else _when(seen),
        covered=seen.covered,
        changes=seen.changes,
        revocation=_revocation(seen, moment),
        capacity=seen.capacity,
        claimed_at=seen.claimed_at,
        timestamped_at=None if false_hours else seen.timestamped_at,
        archived_at=None if false_hours else seen.archived_at,
        revoked_at=seen.revoked_at,
        added_at=seen.added_at,
        signed_bytes=seen.signed_bytes if seen.intact and seen.valid and not seen.malformed else 0,
        file_bytes=seen.file_bytes,
        covers_whole=seen.covers_whole,
        serial=seen.serial,
        fingerprint_sha256=seen.fingerprint_sha256,
        qualified=seen.qualified,
        chain=seen.chain,
    )


def in_order(seen: Sequence[Seen]) -> list[Seen]:
    """The signatures of one document, each over the earlier ones, told the latest hour that those before it prove."""
    told, latest = [], None
    for one in seen:
        told.append(dataclasses.replace(one, earlier_at=latest))
        if one.timestamped_at is not None and (latest is None or one.timestamped_at > latest):
            latest = one.timestamped_at
    return told


Said = tuple[Indication, str | None, str]


def _profile(seen: Seen, said: Said) -> Said:
    """The profile's own demands: ETSI has no finer word for a signature that is whole and is not the one asked for."""
    if not seen.faults:
        return said
    sub = said[1] if said[0] == FAILED else "SIG_CONSTRAINTS_FAILURE"
    return FAILED, sub, f"{' ; '.join(seen.faults)}."


def _unknown(seen: Seen) -> Said | None:
    """Whose signature it is cannot be said: its certificate is not there (EN 319 102-1 §5.2.3.4)."""
    sub = "NO_SIGNING_CERTIFICATE_FOUND"
    return (UNSURE, sub, REASONS[sub]) if seen.sub == sub and seen.readable and not seen.removed else None


def _broken(seen: Seen, moment: datetime) -> Said | None:
    """What no further information could repair: TOTAL-FAILED."""
    early = seen.not_before is not None and (seen.timestamped_at or moment) < seen.not_before
    revoked, expired = _too_late(seen, seen.revoked_at), _too_late(seen, seen.not_after)
    faults: tuple[tuple[bool, str, str], ...] = (
        (seen.removed, "HASH_FAILURE", "la signature a été retirée du fichier après coup."),
        (not seen.readable, "FORMAT_FAILURE", "la signature est illisible."),
        (bool(seen.malformed), "FORMAT_FAILURE", seen.malformed),
        (not seen.intact, "HASH_FAILURE", "le document a été modifié après la signature."),
        (not seen.valid, "SIG_CRYPTO_FAILURE", "la signature n’est pas celle du certificat annoncé."),
        # Not a hash of ETSI's own list: what is shown is no longer what was signed (docs/decisions/0014)
        (
            seen.altered,
            "HASH_FAILURE",
            "le document a été modifié après la signature, autrement que par d’autres signatures"
            + (f" : {' ; '.join(seen.alterations)}." if seen.alterations else "."),
        ),
        (
            seen.timestamp == "invalid",
            "HASH_FAILURE",
            "l’horodatage ne correspond pas à cette signature.",
        ),
        (
            revoked,
            "REVOKED",
            f"le certificat était révoqué depuis le {day(seen.revoked_at)}, avant la signature.",
        ),
        (seen.sub == "FORMAT_FAILURE", "FORMAT_FAILURE", "la signature est mal formée."),
        (
            early,
            "NOT_YET_VALID",
            f"le certificat n’est valable que depuis le {day(seen.not_before)}, après la signature.",
        ),
        (expired, "EXPIRED", f"le certificat avait expiré le {day(seen.not_after)}, avant la signature."),
    )
    return next(((FAILED, sub, why) for is_so, sub, why in faults if is_so), None)


def _too_late(seen: Seen, limit: datetime | None) -> bool:
    """Whether the signer's own word and the timestamp both put the signature after `limit`.

    A timestamp alone proves only that the signature is older than itself.
    """
    if limit is None or seen.timestamped_at is None or seen.timestamped_at < limit:
        return False
    return seen.claimed_at is None or seen.claimed_at >= limit


def _unknown_authority(seen: Seen) -> str | None:
    """A certificate that its own holder made bears whatever name he wrote in it."""
    alone = len(seen.chain) == 1 and seen.chain[0].name == seen.chain[0].issuer
    return SELF_SIGNED if alone and seen.sub in CHAINLESS else None


def _lacking(seen: Seen, moment: datetime) -> Said | None:
    """What is missing for a certain answer: INDETERMINATE."""
    at = seen.timestamped_at or moment
    silent = REASONS["TRY_LATER"] if seen.asked else "la révocation du certificat n’a pas été consultée."
    lacks: tuple[tuple[bool, str, str], ...] = (
        (bool(seen.unsure), "SIG_CONSTRAINTS_FAILURE", f"{' ; '.join(seen.unsure)}."),
        (
            seen.revoked_at is not None and seen.revoked_at <= at,
            "REVOKED_NO_POE",
            f"le certificat a été révoqué le {day(seen.revoked_at)}, et {UNPROVEN}",
        ),
        (
            seen.not_after is not None and seen.not_after < at,
            "OUT_OF_BOUNDS_NO_POE",
            f"le certificat a expiré le {day(seen.not_after)}, et {UNPROVEN}",
        ),
        (
            not seen.may_sign,
            "CHAIN_CONSTRAINTS_FAILURE",
            seen.unfit or "le certificat n’est pas fait pour signer.",
        ),
        (seen.sub == "TRY_LATER", "TRY_LATER", silent),
        (
            bool(seen.lost_issuer) and seen.sub == "NO_CERTIFICATE_CHAIN_FOUND",
            "NO_CERTIFICATE_CHAIN_FOUND",
            f"l’autorité « {seen.lost_issuer} » qui a délivré le certificat n’est ni connue ici, ni dans le fichier.",
        ),
        (
            seen.sub is not None,
            seen.sub or "",
            _unknown_authority(seen)
            or REASONS.get(seen.sub or "", "la chaîne du certificat n’a pas pu être vérifiée."),
        ),
        (
            seen.timestamp == "untrusted",
            "NO_CERTIFICATE_CHAIN_FOUND",
            "l’autorité d’horodatage n’est pas reconnue ici.",
        ),
        (
            seen.timestamp == "silent",
            "TRY_LATER",
            "le certificat de l’autorité d’horodatage n’a pas pu être vérifié.",
        ),
    )
    doubts = [(True, *one) for one in seen.doubts]
    return next(
        ((UNSURE, sub, why) for is_so, sub, why in (*lacks, *doubts, *_hours(seen, moment)) if is_so), None
    )


def _hours(seen: Seen, moment: datetime) -> tuple[tuple[bool, str, str], ...]:
    """Hours that contradict one another, more than clocks do (EN 319 102-1 §5.5.4): one of them is false."""
    stamped, claimed, archived = seen.timestamped_at, seen.claimed_at, seen.archived_at
    last = max((one for one in (stamped, archived) if one is not None), default=None)
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
            stamped is not None and seen.earlier_at is not None and stamped < seen.earlier_at - TOLERANCE,
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
            claimed is not None and seen.not_before is not None and claimed < seen.not_before - TOLERANCE,
            "SIG_CONSTRAINTS_FAILURE",
            f"le signataire dit avoir signé le {clock(claimed)}, avant que son certificat soit valable.",
        ),
    )


def _proven(seen: Seen, moment: datetime) -> str:
    unchanged = f"{seen.what} inchangé depuis la signature"
    if not seen.covers_whole:
        unchanged = f"{seen.what} complété depuis la signature sans changement interdit"
    at = seen.timestamped_at or moment
    stamp = f", horodatage du {clock(seen.timestamped_at)}" if seen.timestamped_at else ""
    return f"{unchanged}, certificat valable et non révoqué le {day(at)}{stamp}."


def _when(seen: Seen) -> str:
    if seen.timestamped_at:
        return f"Signé au plus tard le {clock(seen.timestamped_at)}, heure prouvée par un horodatage."
    if seen.claimed_at:
        return (
            f"Signé le {clock(seen.claimed_at)} selon le signataire ; aucun horodatage reconnu ne le prouve."
        )
    return "L’heure de la signature n’est pas connue."


def _revocation(seen: Seen, moment: datetime) -> str:
    at = min(seen.timestamped_at or moment, moment)
    if seen.revoked_at is not None:
        place = "après" if seen.timestamped_at and seen.revoked_at > at else "avant"
        if place == "avant" and not _too_late(seen, seen.revoked_at):
            return f"Certificat révoqué le {day(seen.revoked_at)}."
        return f"Certificat révoqué le {day(seen.revoked_at)}, {place} la signature."
    if seen.sub is not None or not seen.readable:
        return "La révocation du certificat n’est pas connue."
    if seen.kept:
        return f"Non révoqué le {day(at)}, d’après les preuves gardées dans le fichier."
    return f"Non révoqué le {day(at)}, d’après l’autorité de certification."


def day(moment: datetime | None) -> str:
    """A date as the town hall writes it, 25/11/2026; empty for None."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y") if moment else ""


def clock(moment: datetime | None) -> str:
    """A date and its time in Paris, 25/11/2026 à 22:57:12; empty for None."""
    return f"{moment.astimezone(PARIS):%d/%m/%Y à %H:%M:%S}" if moment else ""
