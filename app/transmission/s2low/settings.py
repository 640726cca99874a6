"""How an installation reaches S2LOW: one address, and for each collectivity its certificate and technical account.

`<folder>/<SIREN>/client.pem` holds the TLS certificate, its chain and its private key, unencrypted, readable by the service
alone; `<folder>/<SIREN>/compte`, if several accounts share the certificate, the login on the first line and the password
on the second, in ASCII. A collectivity may give its own (`app/transmission/s2low/own.py`), which then serves in their place.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Self

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import BaseModel, ConfigDict, Field

from app.transmission.ports import AccountRefused


@dataclass(frozen=True)
class Account:
    """What a collectivity shows to the operator: certificate, chain and key in PEM, and its login and password if it has some."""

    siren: str
    pem: bytes = field(repr=False)
    login: str = ""
    password: str = field(default="", repr=False)

    @contextmanager
    def shown(self) -> Iterator[str]:
        """The path of a file that holds the PEM for one call, in memory alone where the system has such files."""
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("paraphe-s2low", os.MFD_CLOEXEC)
            with open(handle, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
                file.write(self.pem)
                yield f"/proc/self/fd/{handle}"
            return
        with NamedTemporaryFile(prefix="paraphe-", suffix=".pem") as file:
            file.write(self.pem)
            file.flush()
            yield file.name


_own_account: list[Callable[[str], Account | None]] = [lambda _siren: None]
"""How the account that a collectivity gave itself is known to the application of this process."""


def given_by(own: Callable[[str], Account | None]) -> None:
    """Say how the account that a collectivity gave itself is known; a second application says its own in its place."""
    _own_account[0] = own


class S2lowSettings(BaseModel):
    """Settings of the operator, read from variables that begin with S2LOW_."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field("", description="address of the operator, in https")
    folder: Path = Field(
        Path("var/s2low"), description="certificates and accounts, one folder for each SIREN"
    )
    ca_file: Path | None = Field(None, description="authority of the operator's server certificate, in PEM")
    connect_seconds: float = Field(10.0, gt=0, description="time given to accept the connection")
    answer_seconds: float = Field(120.0, gt=0, description="time given to each read")
    simulated: bool = Field(False, description="the address is a simulator's: nothing leaves for the State")
    own: Callable[[str], Account | None] = Field(
        lambda _siren: None, description="the account that a collectivity gave itself, by its SIREN"
    )

    @classmethod
    def read(cls, settings: Any) -> Self:
        """The settings, from `settings.s2low` or from attributes named s2low_…; else defaults."""
        own = settings if isinstance(settings, cls) else getattr(settings, "s2low", None)
        if isinstance(own, cls):
            return own
        attributes = {name: getattr(settings, f"s2low_{name}", None) for name in cls.model_fields}
        read = cls.model_validate({name: value for name, value in attributes.items() if value is not None})
        return read.model_copy(update={"own": _own_account[0]})


def unfit(pem: bytes) -> bool:
    """True for a certificate that says what it serves, and not that it serves to identify a client (S2LOW 5.1.2, #1360)."""
    usages = x509.load_pem_x509_certificate(pem).extensions
    try:
        listed = usages.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return (
        ExtendedKeyUsageOID.CLIENT_AUTH not in listed
        and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in listed
    )


def account_of(settings: S2lowSettings, siren: str) -> Account:
    """The account of a collectivity, its own before that of the installation.

    Refuses with `AccountRefused` one that is missing, unreadable or unfit.

    The file is looked at each time it is to be used: from the minute it is put there, whoever administers is told that the
    operator would not know us by it, and nothing is asked with it.
    """
    if (own := settings.own(siren)) is not None:
        return own
    home = settings.folder / siren
    certificate = home / "client.pem"
    try:
        there = re.fullmatch(r"[0-9]{9}", siren) is not None and certificate.is_file()
        pem = certificate.read_bytes() if there else b""
        misfit = there and unfit(pem)
    except (OSError, ValueError) as error:
        raise AccountRefused(
            f"Le certificat de la collectivité {siren} est illisible. Remettez client.pem (certificat, chaîne et clé, en PEM), "
            "lisible du compte de Paraphe."
        ) from error
    if not there:
        # Not a refusal: the act or flow may already be over there, and the file be back tomorrow.
        raise AccountRefused(
            f"La collectivité {siren} n’a pas de certificat pour l’opérateur de télétransmission. "
            "Demandez à l’administrateur de l’installer."
        )
    if misfit:
        raise AccountRefused(
            f"Le certificat de la collectivité {siren} ne peut pas servir à s’identifier auprès de l’opérateur de "
            "télétransmission (usage « TLS client » absent). Demandez-en un autre."
        )
    try:
        lines = (home / "compte").read_text("ascii").splitlines() if (home / "compte").is_file() else []
    except (OSError, ValueError) as error:
        raise AccountRefused(
            f"Le compte technique de la collectivité {siren} est illisible : remettez le fichier « compte », deux lignes, sans "
            "accents, lisible du compte de Paraphe."
        ) from error
    login, password = [*lines, "", ""][:2]
    return Account(siren, pem, login.strip(), password.strip())
