"""The two envelopes of @CTES: the collectivity's, which announces messages, and the State's, which answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.channels.actes.message import transliterate

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element

    from app.transmission.ports import Sender

# The pattern of the schema: no « + », and a last label of two to six letters.
EMAIL: Final = re.compile(
    r"[_a-zA-Z0-9\-]+(\.[_a-zA-Z0-9\-]+)*@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*\.[a-zA-Z]{2,6}"
)


@dataclass(frozen=True)
class Contact:
    """The person or office to call about an envelope."""

    name: str
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Account:
    """A collectivity as the Préfecture registered it."""

    siren: str
    department: str
    district: str
    nature: str


@dataclass(frozen=True)
class Envelope:
    """An envelope of a collectivity: who sends, where to answer, which messages it announces."""

    account: Account
    contact: Contact | None
    addresses: tuple[str, ...]
    forms: tuple[str, ...]


def account_of(sender: Sender) -> Account:
    """The account of a collectivity."""
    return Account(sender.siren, sender.department, sender.district, sender.nature)


def envelope_of(sender: Sender, forms: tuple[str, ...]) -> Envelope:
    """The envelope of a collectivity for these messages.

    Read in the collectivity's settings: `actes_contact_name`, `actes_contact_phone`, `actes_contact_email`,
    `actes_return_email`; without them its name and its e-mail.
    """
    own: Mapping[str, Any] = sender.settings
    contact = Contact(
        str(own.get("actes_contact_name") or sender.name),
        str(own["actes_contact_phone"]) if own.get("actes_contact_phone") else None,
        str(own.get("actes_contact_email") or sender.email),
    )
    return Envelope(account_of(sender), contact, (str(own.get("actes_return_email") or sender.email),), forms)


def write_envelope(envelope: Envelope, schema_folder: Path | None = None) -> bytes:
    """The bytes of a collectivity's envelope; refuses with ValueError what the schema refuses."""
    from app.channels.actes.xmltree import INSEE, child, root, tag, write

    top = root("EnveloppeCLMISILL")
    sender = child(top, "Emetteur")
    account = child(sender, "IDCL")
    account.set(f"{{{INSEE}}}SIREN", envelope.account.siren)
    account.set(tag("Departement"), envelope.account.department)
    account.set(tag("Arrondissement"), envelope.account.district)
    account.set(tag("Nature"), envelope.account.nature)
    if envelope.contact:
        _contact(sender, envelope.contact)
    addresses = child(top, "AdressesRetour")
    for address in envelope.addresses:
        child(addresses, "Email", address)
    _forms(top, envelope.forms)
    return write(top, schema_folder)


def read_envelope(element: _Element) -> Envelope:
    """The envelope of a collectivity, from its valid document."""
    from app.channels.actes.xmltree import INSEE, tag

    account = element.find(f".//{tag('IDCL')}")
    read = {} if account is None else {str(name): str(value) for name, value in account.attrib.items()}
    contact = element.find(f".//{tag('Referent')}")
    return Envelope(
        Account(
            read.get(f"{{{INSEE}}}SIREN", ""),
            read.get(tag("Departement"), ""),
            read.get(tag("Arrondissement"), ""),
            read.get(tag("Nature"), ""),
        ),
        None
        if contact is None
        else Contact(
            contact.findtext(tag("Nom")) or "",
            contact.findtext(tag("Telephone")),
            contact.findtext(tag("Email")),
        ),
        tuple(email.text or "" for email in element.iterfind(f"{tag('AdressesRetour')}/{tag('Email')}")),
        tuple(name.text or "" for name in element.iterfind(f".//{tag('Formulaire')}/{tag('NomFichier')}")),
    )


def write_return_envelope(
    account: Account, contact: Contact, forms: tuple[str, ...], schema_folder: Path | None = None
) -> bytes:
    """The bytes of an envelope of the sub-prefecture of `account`, or of its prefecture for the district 0."""
    from app.channels.actes.xmltree import INSEE, child, code, root, tag, write

    top = root("EnveloppeMISILLCL")
    sender = child(top, "Emetteur")
    if account.district == "0":
        code(sender, "IDPref", "Departement", account.department)
    else:
        service = code(sender, "IDSousPref", "Departement", account.department)
        service.set(tag("Arrondissement"), account.district)
    _contact(sender, contact)
    _forms(top, forms)
    child(top, "Destinataire").set(f"{{{INSEE}}}SIREN", account.siren)
    return write(top, schema_folder)


def service_of(account: Account) -> str:
    """The service of the State that answers a collectivity, as names write it: « SPREF0291 »."""
    if account.district == "0":
        return f"PREF{account.department}"
    return f"SPREF{account.department}{account.district}"


def _contact(parent: _Element, contact: Contact) -> None:
    from app.channels.actes.xmltree import child

    element = child(parent, "Referent")
    child(element, "Nom", transliterate(contact.name))
    if contact.phone:
        child(element, "Telephone", contact.phone)
    if contact.email:
        child(element, "Email", contact.email)


def _forms(parent: _Element, forms: tuple[str, ...]) -> None:
    from app.channels.actes.xmltree import child

    listed = child(parent, "FormulairesEnvoyes")
    for name in forms:
        child(child(listed, "Formulaire"), "NomFichier", name)
