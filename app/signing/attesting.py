"""The seal on the attestations that the verifier gives: the collectivity's for its people, the installation's for strangers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing import seals, timestamping
from app.trust import authorities

if TYPE_CHECKING:
    from app.signing.ports import ServerKey

FIELD = "Cachet"


@dataclass(frozen=True)
class AttestationSeal:
    """The seal, once its certificate was checked."""

    key: "ServerKey"
    whose: int | None

    @property
    def name(self) -> str:
        """The name on its certificate."""
        from app.trust.certificates import facts

        return facts(self.key.certificate).common_name

    def put(self, drawn: Path, target: Path) -> None:
        """Write `drawn` with the seal on it into the empty `target`, and read it back.

        The collectivity's timestamp authority gives its hour; none is asked for a stranger. Refuses what `pades` refuses.
        """
        from app.signing.formats import pades
        from app.signing.ports import FieldPlan

        timestamper = timestamping.of_collectivity(self.whose) if self.whose is not None else None
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


def attestation_seal(whose: int | None) -> AttestationSeal:
    """The seal of a collectivity, or the installation's for a stranger.

    Refuses `attestation-not-sealed` where there is none, and a certificate that may not seal now.
    """
    from app.trust.certificates import check_certificate

    key = seals.of_collectivity(whose)
    if key is None:
        raise Refusal("attestation-not-sealed")
    trust = authorities.trust()
    check_certificate(key.certificate, key.chain, trust=trust, moment=now(), enrolled=None, sealing=True)
    return AttestationSeal(key, whose)
