"""Which addresses may be called: written in one way only, public unless the installation names them, judged as called.

An address may come from a certificate that anybody sends, from an answer, or from a collectivity: without these rules
Paraphe would be a relay into the network where it stands (CWE-918). `app.core.outside` calls what is judged here.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST: Final = 2048
LONGEST_NAME: Final = 253
PORTS: Final = {"http": 80, "https": 443}
HIGHEST_PORT: Final = 65535
# One grammar, with nothing that two readers could part in two ways: no user, no backslash, no zone, ASCII, no fragment
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:[/?][a-z0-9._~:/?\[\]@!$&'()*+,;=%|-]*)?)",
    re.IGNORECASE | re.ASCII,
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that C libraries read as an IPv4 address
_LOCAL_NAMES: Final = ("localhost", "local", "internal")
_COMPATIBLE: Final = ipaddress.ip_network("::/96")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LOWEST_IPV4: Final = 1 << 16


def _networks(*written: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, written))


# Of the registries of special addresses (RFC 6890), what `ipaddress` takes for the public Internet
_SPECIAL: Final = _networks(
    *(
        "192.0.0.0/24",
        "192.88.99.0/24",
        "fec0::/10",
        "64:ff9b:1::/48",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
    )
)
# Where a town's own servers may stand (RFC 1918, 4193, 6598), this machine included
_INSIDE: Final = _networks(
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128", "fc00::/7")
)
_METADATA: Final = _networks("fd00:ec2::/32")  # what clouds tell a machine of itself, secrets included


class AddressRefusedError(ValueError):
    """An address that may not be called; `why` is « written », « host », « port » or « inside »."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class UnknownNameError(OSError):
    """A name that has no address now."""


@dataclass(frozen=True)
class Target:
    """An address taken apart; `host` in small letters, without brackets; `path` carries the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address again, as it will be called."""
        return f"{self.scheme}://{self.authority}{self.path}"


def read(url: str) -> Target:
    """Take an http or https address apart, or refuse it (`AddressRefusedError`, « written »).

    Refused: user names, backslashes, spaces, controls, fragments, zones, letters outside ASCII (write « xn-- »), IPv4 written
    otherwise than as four decimal numbers, more than 2048 characters.
    """
    parts = _URL.fullmatch(url) if len(url) <= LONGEST else None
    host = _host(parts["host"].lower()) if parts else None
    if parts is None or host is None:
        raise AddressRefusedError(f"{url[:200]!r} is not a plain web address", "written")
    scheme = parts["scheme"].lower()
    port = int(parts["port"]) if parts["port"] else PORTS[scheme]
    if not 0 < port <= HIGHEST_PORT:
        raise AddressRefusedError(f"{url[:200]!r} has no such port", "written")
    path = parts["path"]
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def entry_of(url: str) -> str:
    """The host and port of an address, as the lists of hosts write them; empty for what is no address."""
    try:
        target = read(url)
    except AddressRefusedError:
        return ""
    return f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"


@dataclass(frozen=True)
class Entry:
    """A line of a list of hosts: a name, an address or a network, and a port; without one, 80 and 443."""

    name: str
    network: Network | None
    port: int | None

    def opens(self, port: int) -> bool:
        """Whether this port may be called."""
        return port == self.port if self.port else port in PORTS.values()

    def holds(self, address: Address) -> bool:
        """Whether an address is this one, or of this network."""
        return self.network is not None and address in self.network


def entry(written: str) -> Entry:
    """« name », « name:port », « 10.1.2.3:8080 », « [fd00::1]:8080 » or « 10.1.0.0/16 »; refuses ValueError."""
    text = written.strip().lower()
    if "/" in text or (text.count(":") > 1 and not text.startswith("[")):
        network = ipaddress.ip_network(text)
        return Entry(str(network.network_address) if "/" not in text else "", network, None)
    host, colon, digits = text.rpartition(":") if re.search(r":[0-9]*$", text) else (text, "", "")
    name = _host(host)
    if name is None or (
        colon and not (digits.isdigit() and len(digits) < 6 and 0 < int(digits) <= HIGHEST_PORT)
    ):
        raise ValueError(f"{written!r} is neither a host nor a network")
    address = _literal(name)
    return Entry(name, ipaddress.ip_network(address) if address else None, int(digits) if colon else None)


@dataclass(frozen=True)
class Allowed:
    """What may be called: the `hosts` listed, at public addresses; those of `inside`, at addresses of the network too.

    With `anybody`, every public host, ports 80 and 443. A network in `inside` says where a name may lead, not whom to ask.
    """

    hosts: Sequence[str] = ()
    inside: Sequence[str] = ()
    anybody: bool = False

    @classmethod
    def listed(cls, hosts: Sequence[str]) -> "Allowed":
        """A list of the settings: its names lead to public addresses, or to the addresses and networks that it lists."""
        return cls(hosts, [host for host in hosts if entry(host).network is not None])

    def named(self, target: Target) -> bool:
        """Whether the settings list this very host, with this port."""
        return any(
            line.name == target.host and line.opens(target.port)
            for line in map(entry, (*self.hosts, *self.inside))
        )

    def judge(self, target: Target) -> None:
        """Refuse (`AddressRefusedError`) a host that may not be asked; nobody is asked for this."""
        if self.named(target):
            return
        if not self.anybody or target.host.rpartition(".")[2] in _LOCAL_NAMES:
            raise AddressRefusedError(f"{target.authority} is not among the hosts that may be asked", "host")
        if target.port not in PORTS.values():
            raise AddressRefusedError(f"port {target.port} of {target.host} may not be asked", "port")

    def resolve(self, target: Target) -> tuple[str, ...]:
        """The addresses of a host that may be asked, all judged: one that may not be called refuses the whole name.

        Refuses `AddressRefusedError`, or `UnknownNameError` for a name that leads nowhere.
        """
        self.judge(target)
        entries = [line for line in map(entry, self.inside) if line.opens(target.port)]
        by_name = any(line.name == target.host for line in entries)
        addresses = _addresses(target)
        for address in addresses:
            listed = any(line.holds(address) for line in entries) or (by_name and is_inside(address))
            if not listed and not is_public(address):
                raise AddressRefusedError(
                    f"{target.host} leads to {address}, which may not be called", "inside"
                )
        return tuple(map(str, addresses))


def is_public(address: Address) -> bool:
    """True for an address of the public Internet, once every IPv4 hidden in an IPv6 has been looked at."""
    if isinstance(address, ipaddress.IPv6Address) and (hidden := _hidden(address)):
        return all(map(is_public, hidden))
    special = any(address in network for network in _SPECIAL)
    return address.is_global and not special and not address.is_multicast and not address.is_reserved


def is_inside(address: Address) -> bool:
    """True for an address where a town's own server may stand; never link-local, which is where clouds tell secrets."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    real = mapped or address
    return any(real in network for network in _INSIDE) and not any(real in network for network in _METADATA)


def _host(text: str) -> str | None:
    """A host as it is compared: a name, or an address in its one form; None for what is neither."""
    literal = _literal(text.removeprefix("[").removesuffix("]")) if text.startswith("[") else _literal(text)
    if literal is not None:
        return str(literal) if (literal.version == 6) == text.startswith("[") else None
    labels = text.split(".")
    if len(text) > LONGEST_NAME or _NUMBER.fullmatch(labels[-1]) or not all(map(_LABEL.fullmatch, labels)):
        return None
    return text


def _literal(text: str) -> Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def _addresses(target: Target) -> list[Address]:
    literal = _literal(target.host)
    if literal is not None:
        return [literal]
    try:
        rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownNameError(f"{target.host}: {error}") from error
    texts = dict.fromkeys(str(row[4][0]).partition("%")[0] for row in rows)
    return [ipaddress.ip_address(text) for text in texts]


def _hidden(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 leads to: mapped, 6to4, Teredo (server and client), NAT64, compatible."""
    if address.ipv4_mapped or address.sixtofour:
        return tuple(embedded for embedded in (address.ipv4_mapped, address.sixtofour) if embedded)
    if address.teredo:
        return address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) >= _LOWEST_IPV4):
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()
