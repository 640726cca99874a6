"""Signing at once with a key that lies here, through the same two steps as everybody."""

from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from app.signing.formats import xades_pes
from app.signing.formats.pes_text import Signatory
from app.signing.ports import Prepared, ServerKey
from app.trust.timestamp import TimestampClient


def seal(
    form: ModuleType,
    source: Path,
    target: Path,
    *,
    key: ServerKey,
    timestamper: TimestampClient | None,
    **said: Any,
) -> Prepared:
    """A signature beside its document (`form`: cades or xades); on refusal `target` does not exist."""
    own = {"certificate": key.certificate, "chain": key.chain}
    prepared: Prepared = form.prepare(source, target, **own, **said)
    try:
        signature = key.sign(prepared.attributes)
        form.complete(target, prepared, source=source, **own, signature=signature, timestamper=timestamper)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return prepared


def seal_flow(
    source: Path, target: Path, *, key: ServerKey, signatory: Signatory, now: datetime
) -> list[Prepared]:
    """The signatures of a payment flow; on refusal `target` does not exist."""
    prepared = xades_pes.prepare(source, target, certificate=key.certificate, signatory=signatory, now=now)
    try:
        signatures = [key.sign(one.attributes) for one in prepared]
        xades_pes.complete(target, prepared, certificate=key.certificate, signatures=signatures)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return prepared
