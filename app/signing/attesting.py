"""The installation's seal on the attestations that the verifier gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing import setting
from app.trust import authorities

if TYPE_CHECKING:
    from app.signing.ports import ServerKey

FIELD = "Cachet"


@dataclass(frozen=True)
class AttestationSeal:
    """The seal, once its certificate was checked."""

    key: "ServerKey"

    @property
    def name(self) -> str:
        """The name on its certificate."""
        from app.trust.certificates import facts

        return facts(self.key.certificate).common_name

    def put(self, drawn: Path, target: Path, *, timestamped: bool) -> None:
        """Write `drawn` with the seal on it into the empty `target`, and read it back.

        `timestamped`: whether the timestamp authority is asked for its hour. Refuses what `pades` refuses.
        """
        from app.signing.formats import pades
        from app.signing.ports import FieldPlan

        timestamper = authorities.timestamper() if timestamped else None
        moment = now()
        pades.seal(
            drawn,
            target,
            key=self.key,
            field=FIELD,
            fields=[FieldPlan(FIELD, None)],
            stamp=None,
            now=moment,
            timestamper=timestamper,
            reason="Verdict de vérification",
        )
        pades.check(
            target,
            source=drawn,
            field=FIELD,
            certificate=self.key.certificate,
            trust=authorities.trust(),
            timestamped=timestamper is not None,
            moment=now(),
        )


def attestation_seal() -> AttestationSeal:
    """The seal; refuses `attestation-not-sealed` where there is none, and a certificate that may not seal now."""
    from app.trust.certificates import check_certificate

    key = setting.seal_key()
    if key is None:
        raise Refusal("attestation-not-sealed")
    trust = authorities.trust()
    check_certificate(key.certificate, key.chain, trust=trust, moment=now(), enrolled=None, sealing=True)
    return AttestationSeal(key)
