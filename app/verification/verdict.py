"""What is said of one signature: three verdicts in French, and the words of ETSI EN 319 102-1 behind them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Words = Literal["valide", "invalide", "indéterminé"]
Indication = Literal["TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"]
WORDS: Mapping[Indication, Words] = {
    "TOTAL-PASSED": "valide",
    "TOTAL-FAILED": "invalide",
    "INDETERMINATE": "indéterminé",
}
AGAIN = "Ne vous y fiez pas telle quelle : demandez à son auteur un fichier signé de nouveau."
ADVICE: Mapping[str, str] = {
    "HASH_FAILURE": "Ne vous servez pas de ce fichier : demandez-en un exemplaire intact à qui l’a signé.",
    "NO_CERTIFICATE_CHAIN_FOUND": (
        "Assurez-vous autrement de qui a signé. Si la commune fait confiance à cette autorité, l’administrateur peut "
        "l’ajouter."
    ),
    "TRY_LATER": "Recommencez plus tard : l’autorité n’a pas répondu.",
    **dict.fromkeys(
        ("OUT_OF_BOUNDS_NO_POE", "REVOKED_NO_POE", "NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED"),
        "Demandez à son auteur une preuve de la date, ou une nouvelle signature.",
    ),
    **dict.fromkeys(
        ("REVOKED", "EXPIRED", "NOT_YET_VALID"),
        "Cette signature ne prouve rien : demandez à son auteur d’en faire une nouvelle.",
    ),
}
"""What to do about a verdict that is not « valide », by its ETSI sub-indication; `AGAIN` for every other."""
CARRIES: Mapping[str, str] = {
    "B-B": "La signature seule, sans horodatage.",
    "B-T": "La signature et un horodatage.",
    "B-LT": "La signature, un horodatage, et de quoi vérifier son certificat plus tard.",
    "B-LTA": "La signature, un horodatage, de quoi vérifier son certificat plus tard, et un horodatage d’archive.",
}
"""What a signature carries, by its baseline level, in plain French."""
TIMES = ("claimed_at", "timestamped_at", "revoked_at", "archived_at", "added_at")


@dataclass(frozen=True)
class Link:
    """One certificate of the chain, the signer's first; `not_after` is an ISO time, hashes are hexadecimal."""

    name: str
    issuer: str
    serial: str
    not_after: str
    fingerprint_sha256: str


@dataclass(frozen=True)
class Verdict:
    """One signature, judged.

    `where`: PDF field, or Id of an XML signature, or the file's name. `level`: « B-B », « B-T », « B-LT », « B-LTA »
    (EN 319 142-1 §6), « hors PAdES » before them for an older form. `verdict` is the French of `indication`, `reason`
    the one sentence that gives it, `sub_indication` its ETSI name, None when passed. `claimed_at` is only said by the
    signer; `timestamped_at` is proven by a trusted authority. `when`, `covered`, `changes`, `revocation` are French
    sentences. `signed_bytes`: how many of the file's first bytes are the very version that was signed, 0 when its bytes are
    not those any more or when that cannot be said; `file_bytes`: how many it has. `added_at`: when the file says of itself
    that it was changed afterwards, which nothing proves. `report` is the ETSI TS 119 102-2 XML, when there is one.
    """

    where: str
    name: str
    level: str
    indication: Indication
    sub_indication: str | None
    reason: str
    when: str
    covered: str
    changes: str
    revocation: str
    capacity: str | None = None
    claimed_at: datetime | None = None
    timestamped_at: datetime | None = None
    archived_at: datetime | None = None
    revoked_at: datetime | None = None
    added_at: datetime | None = None
    signed_bytes: int = 0
    file_bytes: int = 0
    covers_whole: bool = False
    serial: str = ""
    fingerprint_sha256: str = ""
    qualified: str | None = None
    chain: tuple[Link, ...] = ()
    report: str | None = None

    @property
    def verdict(self) -> Words:
        """The verdict in French."""
        return WORDS[self.indication]

    @property
    def advice(self) -> str:
        """What whoever reads it should do, in one French sentence; empty when it is valid."""
        return "" if self.verdict == "valide" else ADVICE.get(self.sub_indication or "", AGAIN)

    @property
    def carries(self) -> str:
        """What the file carries of this signature's proofs, in one French sentence; empty where no level says it."""
        return CARRIES.get(self.level.rpartition(" ")[2], "")

    @property
    def signed_at(self) -> datetime | None:
        """The time that the signer gives; nothing proves it."""
        return self.claimed_at

    @property
    def continued(self) -> bool:
        """Whether the file goes on after the version that was signed, and that version can be given apart."""
        return 0 < self.signed_bytes < self.file_bytes

    @property
    def temporary(self) -> bool:
        """Whether asking again later may change the answer: an authority was silent."""
        return self.sub_indication == "TRY_LATER"


def dump(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as JSON text, times in ISO 8601."""

    def plain(value: Any) -> Any:
        return value.isoformat()

    return json.dumps(
        [dataclasses.asdict(verdict) for verdict in verdicts], default=plain, ensure_ascii=False
    )


def load(text: str) -> tuple[Verdict, ...]:
    """The verdicts that `dump` wrote; raises ValueError, KeyError or TypeError on anything else."""
    return tuple(_verdict(fields) for fields in json.loads(text))


def _verdict(fields: Mapping[str, Any]) -> Verdict:
    # What was remembered before a time was known has none
    times = {name: datetime.fromisoformat(fields[name]) if fields.get(name) else None for name in TIMES}
    chain = tuple(Link(**link) for link in fields["chain"])
    verdict = Verdict(**{**fields, **times, "chain": chain})
    if verdict.indication not in WORDS:
        raise ValueError(f"no such indication: {verdict.indication}")
    return verdict
