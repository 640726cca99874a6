"""The answers of the Préfecture, read tolerantly: whatever their state, no receipt is ever lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from app.channels.actes.naming import IDENTIFIER
from app.channels.actes.tolerant import anywhere, conforms, day, open_message, own, text

ANSWERS: Final = frozenset({"1-2", "1-3", "3-5", "4-5", "6-2", "ANO"})


@dataclass(frozen=True)
class Receipt:
    """An answer as far as it could be read.

    `code` is one of `ANSWERS`, or None; `conforming` says whether a schema accepts it; `raw` is every byte received;
    `said_after` is the sentence that a relay operator glued behind the XML.
    """

    code: str | None
    identifier: str | None
    siren: str | None
    number: str | None
    received_on: date | None
    anomaly: str | None
    detail: str | None
    said_after: str | None
    conforming: bool
    raw: bytes

    @property
    def reason(self) -> str | None:
        """The anomaly in the Préfecture's words, or None."""
        parts = [part for part in (self.anomaly, self.detail) if part]
        return " : ".join(parts) or self.said_after

    def concerns(self, identifier: str | None, siren: str, number: str) -> bool:
        """True when this answer is about that act: by its identifier, else by what is known of SIREN and number."""
        if self.identifier is not None:
            return self.identifier == identifier
        # An anomaly of the envelope names no act: all those it carried are concerned.
        return self.siren in {None, siren} and self.number in {None, number}


def read_receipt(raw: bytes, schema_folder: Path | None = None) -> Receipt:
    """Read an answer of any conformity; what cannot be understood has no code and keeps its bytes.

    What precedes the XML (a status of S2LOW) and what follows it (a sentence) is set apart, mixed encodings are
    repaired, and the schema of 2018 then that of 2004 are tried.
    """
    opened = open_message(raw)
    top = opened.top
    if top is None:
        return Receipt(None, None, None, None, None, None, None, opened.said_after, conforming=False, raw=raw)
    code = opened.code if opened.code in ANSWERS else None
    # Only the answer's own: further down, an IDActe names the act that this one corrects. The receipt of a reply has
    # nothing of its own and names its act below.
    identifier = own(top, "IDActe") or (anywhere(top, "IDActe") if code in {"3-5", "4-5"} else None)
    parts = IDENTIFIER.fullmatch(identifier) if identifier else None
    return Receipt(
        code=code,
        identifier=identifier,
        siren=parts["siren"] if parts else anywhere(top, "SIREN"),
        number=parts["number"] if parts else anywhere(top, "NumeroInterne"),
        received_on=day(anywhere(top, "DateReception") or text(top, "Date")),
        anomaly=text(top, "Nature"),
        detail=text(top, "Detail"),
        said_after=opened.said_after,
        conforming=conforms(opened, schema_folder),
        raw=raw,
    )
