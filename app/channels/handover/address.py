"""Where a webhook may go: public addresses only, and the one that was checked is the one that is called."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.transmission.ports import Rejected, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_LOWEST_IPV4: Final = 1 << 16
_PLAIN_PATH: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Target:
    """A webhook address taken apart; `path` carries the query."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def read_target(url: str, *, allow_private: bool) -> Target:
    """Take an address apart; refuses with `Rejected` what is not a plain https address.

    http is accepted with private addresses only: a ZIP of signed documents does not cross the Internet in clear.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Rejected(f"L’adresse « {url} » de remise est mal écrite. Corrigez-la.") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise Rejected("L’adresse de remise doit commencer par https://. Corrigez-la.")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise Rejected("L’adresse de remise doit nommer un serveur, sans identifiant ni mot de passe.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PLAIN_PATH.fullmatch(path):
        raise Rejected("L’adresse de remise contient une espace ou une lettre accentuée. Écrivez-la en %XX.")
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError as error:
        raise Rejected(f"Le serveur « {parts.hostname} » de remise est mal écrit. Corrigez-le.") from error
    secure = parts.scheme == "https"
    return Target(secure, host, port or (443 if secure else 80), path)


def resolve(target: Target, *, allow_private: bool) -> list[str]:
    """The addresses of a target, all checked; refuses with `Rejected` if any is private, `Unreachable` if none."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{target.host} : {error}") from error
    addresses = list(dict.fromkeys(str(entry[4][0]).split("%", 1)[0] for entry in found))
    for address in addresses:
        if not allow_private and not is_public(ipaddress.ip_address(address)):
            raise Rejected(
                f"« {target.host} » mène à une adresse interne ({address}). Rien n’est parti. Donnez une adresse "
                "publique, ou autorisez les adresses internes (HANDOVER_WEBHOOK_ALLOW_PRIVATE)."
            )
    return addresses


def is_public(address: Address) -> bool:
    """True for an address of the public Internet, once every IPv4 hidden in an IPv6 has been looked at."""
    hidden = _hidden(address)
    if hidden is not None:
        return is_public(hidden)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _hidden(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) >= _LOWEST_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
