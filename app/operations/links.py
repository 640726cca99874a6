"""Which services of the installation would be spoken to in the clear, or without knowing that it is they (ASVS 12.3)."""

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from app.transmission.settings import declared
from config import LOOPBACK, Settings

LINKS = (
    ("mail_url", "le courriel"),
    ("bounces_url", "la boîte des retours"),
    ("database_url", "la base"),
    ("listen_url", "l’écoute de la base"),
    ("rate_limit_url", "le compte des essais"),
    ("store_url", "le dépôt S3"),
    ("antivirus_url", "l’antivirus"),
)
CLEAR = {
    "smtp": "prenez smtp+starttls:// ou smtps://",
    "imap": "prenez imaps:// ou imap+starttls://",
    "redis": "prenez rediss://",
    "http": "prenez https://",
    "tcp": "mettez clamd sur cette machine, par unix:/chemin, ou au bout d’un tunnel",
    "postgresql": "ajoutez ?sslmode=verify-full&sslrootcert=…",
}
VERIFIED = "verify-full"  # « verify-ca » takes any server that the authority certified, whatever its name


def in_clear(settings: Settings) -> Iterator[str]:
    """Each service on another machine that is reached so, with the setting and what to write instead.

    Neither this very machine nor a name of `PARAPHE_CLEAR_HOSTS` (a closed network) is told. Addresses are never repeated:
    they hold passwords.
    """
    addresses = set()
    for name, label in (*LINKS, *_of_channels()):
        address = _service(str(getattr(settings, name) or ""))
        parts = urlsplit(address)
        scheme = parts.scheme.partition("+")[0] if "starttls" not in parts.scheme else ""
        if (
            scheme not in CLEAR
            or address in addresses
            or _hosts(scheme, parts) <= LOOPBACK | {*settings.clear_hosts}
        ):
            continue
        if scheme == "postgresql" and parse_qs(parts.query).get("sslmode", [""])[-1] == VERIFIED:
            continue
        addresses.add(address)
        yield f"{label} (PARAPHE_{name.upper()}) : {CLEAR[scheme]}"


def _of_channels() -> Iterator[tuple[str, str]]:
    """The addresses that the channels are given, with the title that their settings give to who is there."""
    for channel, model in declared().items():
        for name, field in model.model_fields.items():
            if name.endswith("url"):
                yield f"{channel}_{name}", field.title or f"le canal « {channel} »"


def _hosts(scheme: str, parts: SplitResult) -> set[str]:
    """The hosts that an address leads to; of PostgreSQL, those of its parameters, which win, and none for a socket."""
    query = parse_qs(parts.query) if scheme == "postgresql" else {}
    names = ",".join([*query.get("host", []), *query.get("hostaddr", [])]) or parts.hostname or ""
    return {
        name.partition(":")[0] if name.count(":") == 1 else name
        for name in names.split(",")
        if name and not name.startswith(("/", "@"))
    }


def _service(address: str) -> str:
    """The address that is called: of an S3 bucket, its endpoint."""
    parts = urlsplit(address)
    return parse_qs(parts.query).get("endpoint", [""])[-1] if parts.scheme == "s3" else address
