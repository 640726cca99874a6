"""Whose name a certificate bears: compared with a person's whatever the accents, the case, the order and the hyphens."""

import unicodedata
from collections.abc import Sequence

from asn1crypto import x509

from app.people.actor import Actor
from app.trust.certificates import certificates_in, facts

TITLES = {"m", "mr", "mme", "mlle", "monsieur", "madame"}
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss"})


def name_on(certificate: bytes) -> str:
    """The name that a DER certificate bears, as a person reads it."""
    return facts(certificate).common_name


def same_person(certificate: bytes, first_name: str, last_name: str) -> bool:
    """Whether the certificate is in this person's name.

    Its surname and given names are compared when it has both (RFC 5280 §A.1), else its common name, in either order. Further
    given names after the usual one are let go; a compound one is whole (« Jean » is not « Jean-Pierre »), and so is the
    surname. A pseudonym is nobody's name. What is not plainly the same is not: an administrator says it then.
    """
    (parsed,) = certificates_in(certificate)[:1]
    names = _attributes(parsed)
    if "pseudonym" in names:
        return False
    usual, family = _letters(first_name), _letters(last_name)
    if not usual or not family:
        return False
    if "surname" in names and "given_name" in names:
        return _letters(names["surname"]) == family and _begins(_name_parts(names["given_name"]), usual)
    parts = _name_parts(names.get("common_name", ""))
    return any(
        _matches(parts[:cut], parts[cut:], usual, family) or _matches(parts[cut:], parts[:cut], usual, family)
        for cut in range(1, len(parts))
    )


def written_as(certificate: bytes, first_name: str, last_name: str) -> str:
    """The name that the certificate bears when it is not this person's, else nothing: what a stamp and a page add."""
    return "" if same_person(certificate, first_name, last_name) else name_on(certificate)


def holder_of(actor: Actor, certificate: bytes) -> str:
    """The same for whoever signs; a seal is in nobody's name."""
    return written_as(certificate, actor.first_name, actor.last_name) if actor.kind == "person" else ""


def _matches(forenames: Sequence[str], surname: Sequence[str], usual: str, family: str) -> bool:
    return "".join(surname) == family and _begins(forenames, usual)


def _begins(forenames: Sequence[str], usual: str) -> bool:
    """Whether the given names begin with the usual one: « Jean-Pierre » may be written as two."""
    return any("".join(forenames[:count]) == usual for count in range(1, len(forenames) + 1))


def _attributes(certificate: x509.Certificate) -> dict[str, str]:
    """The names of the subject; of one that is said several times, all in one text."""
    attributes: dict[str, str] = {}
    for name, value in certificate.subject.native.items():
        attributes[name] = value if isinstance(value, str) else " ".join(map(str, value))
    return attributes


def _name_parts(text: str) -> list[str]:
    """The names of a text, letters only; a title or a serial number is no name."""
    parts = [_letters(word) for word in text.replace(",", " ").split() if not any(map(str.isdigit, word))]
    return [part for part in parts if part and part not in TITLES]


def _letters(text: str) -> str:
    """Its letters alone, without accents or case; those of another alphabet stay what they are."""
    plain = unicodedata.normalize("NFKD", text.translate(_LIGATURES)).casefold()
    return "".join(sign for sign in plain if sign.isalpha())
