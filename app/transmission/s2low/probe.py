"""Ask S2LOW whether it knows a collectivity: a question that changes nothing there."""

from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.transmission.ports import Rejected, Unreachable
from app.transmission.s2low.settings import S2lowSettings, account_of

_PATH: Final = "/api/test-connexion.php"


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


def fault(settings: Any, siren: str) -> str | None:
    """Why the operator does not serve this collectivity, in French; None when it does."""
    # Its HTTP library is heavy, and this module is read at each start (docs/decisions/0003)
    from app.transmission.s2low.answers import decode
    from app.transmission.s2low.client import Client

    own = S2lowSettings.read(settings)
    try:
        account = account_of(own, siren)
        if unfit(account.certificate.read_bytes()):
            return "son certificat ne peut pas servir à s’identifier (usage « TLS client » absent) : demandez-en un autre"
        raw = Client(own, account).get(_PATH)
    except (Unreachable, Rejected) as silence:
        return str(silence)
    except (OSError, ValueError) as unreadable:
        return f"son certificat est illisible ({unreadable})"
    return None if raw.lstrip().startswith(b"OK") else f"réponse inattendue : « {decode(raw)[:200]} »"
