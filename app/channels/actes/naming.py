"""The names that @CTES accepts: acts, messages, documents, envelopes and archives, written and read back."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

NATURES: Final = {1: "DE", 2: "AR", 3: "AI", 4: "CC", 5: "BF", 6: "AU"}

_DAY = r"[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
# The pattern of the schema, [0|9]{1}…, lets « | » through: this one is the cahier des charges'.
_DEPARTMENT = r"0[0-9][0-9]|02[AB]|9[0-9]{2}"
_NUMBER = r"(?:[A-Z0-9][A-Z0-9_]{0,13})?[A-Z0-9]"
_CODE = r"1-[123]|2-[12]|3-[1-5]|4-[1-5]|5-1|6-[12]|7-[123]"
_BODY = (
    rf"(?P<department>{_DEPARTMENT})-(?P<siren>[0-9]{{9}})-(?P<day>{_DAY})?-(?P<number>{_NUMBER})?"
    rf"-(?P<nature>[A-Z]{{2}})?"
)
_INDEXED = rf"{_BODY}-(?P<code>{_CODE})_(?P<index>[0-9]+)"

DEPARTMENT = re.compile(_DEPARTMENT)
NUMBER = re.compile(_NUMBER)
TYPE_CODE = re.compile(r"[A-Z0-9]{2}_[A-Z0-9]{2}")
IDENTIFIER = re.compile(_BODY)
MESSAGE = re.compile(rf"{_INDEXED}\.xml")
DOCUMENT = re.compile(
    rf"(?:(?P<type>[A-Z0-9]{{2}}_[A-Z0-9]{{2}})-)?{_INDEXED}\.(?P<extension>pdf|xml|jpg|png)"
)
ENVELOPE = re.compile(
    rf"(?P<application>[FQETD][A-Z]{{3}})--(?P<siren>[0-9]{{9}})--(?P<day>{_DAY})-(?P<serial>[0-9]+)\.xml"
)
ARCHIVE = re.compile(r"(?P<operator>[A-Z]{3})-(?P<envelope>.+)\.tar\.gz")


@dataclass(frozen=True)
class Name:
    """The parts of a message's or document's name; the empty ones are None."""

    siren: str
    department: str
    day: str | None
    number: str | None
    nature: str | None
    code: str
    index: int
    type_code: str | None
    extension: str


def normalise_number(text: str) -> str:
    """The act's number as @CTES wants it: « 2026-057 » becomes « 2026_057 ».

    Capital letters, and one underscore for each run of anything else; what is then still too long is left so,
    for the agent to shorten: cutting it would change which act it names.
    """
    return re.sub(r"[^A-Z0-9]+", "_", text.strip().upper()).strip("_")


def nature_of(identifier: str | None) -> int | None:
    """The code of the nature that the identifier of an act ends with, or None when it is not one."""
    read = IDENTIFIER.fullmatch(identifier or "")
    return next((code for code, short in NATURES.items() if read and short == read["nature"]), None)


def act_identifier(department: str, siren: str, decided_on: date, number: str, nature: int) -> str:
    """The identifier of an act, at most 41 characters; the day is the decision's, not the sending's."""
    return f"{department}-{siren}-{decided_on:%Y%m%d}-{number}-{NATURES[nature]}"


def message_name(identifier: str, code: str, index: int = 0) -> str:
    """The name of a message about an act; index 0 is the message itself."""
    return f"{identifier}-{code}_{index}.xml"


def document_name(
    type_code: str | None, identifier: str, index: int, extension: str, code: str = "1-1"
) -> str:
    """The name of a document of a message: index 1 is the act or the reply, 2 and more its annexes in order.

    The Préfecture's own documents have no type.
    """
    prefix = f"{type_code}-" if type_code else ""
    return f"{prefix}{identifier}-{code}_{index}.{extension}"


def envelope_name(application: str, siren: str, sent_on: date, serial: int) -> str:
    """The name of an envelope from a collectivity; the day is the sending's."""
    return f"{application}--{siren}--{sent_on:%Y%m%d}-{serial}.xml"


def return_envelope_name(application: str, service: str, siren: str, sent_on: date, serial: int) -> str:
    """The name of an envelope from a service of the State, such as PREF029 or SPREF0291."""
    return f"{application}--{service}-{siren}-{sent_on:%Y%m%d}-{serial}.xml"


def archive_name(operator: str, envelope: str) -> str:
    """The name of the archive that holds `envelope`."""
    return f"{operator}-{envelope.removesuffix('.xml')}.tar.gz"


def serial_of(archive: str) -> str | None:
    """The serial of an archive's envelope, which does not change with the day it is packed; None if no archive."""
    outer = ARCHIVE.fullmatch(archive)
    inner = ENVELOPE.fullmatch(f"{outer['envelope']}.xml") if outer else None
    return inner["serial"] if inner else None


def read_name(text: str) -> Name | None:
    """The parts of a message's or document's name, or None when it is not one."""
    match = MESSAGE.fullmatch(text) or DOCUMENT.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    return Name(
        siren=parts["siren"],
        department=parts["department"],
        day=parts["day"],
        number=parts["number"],
        nature=parts["nature"],
        code=parts["code"],
        index=int(parts["index"]),
        type_code=parts.get("type"),
        extension=parts.get("extension") or "xml",
    )
