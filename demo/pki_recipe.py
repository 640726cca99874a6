"""The recipe of the test PKI: which fictitious persons and authorities it has, and what is wrong with some."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ARCH, FOREIGN = "kerlann", "ailleurs"
COMMUNE = "Commune de Kerlann-sur-Mer (FACTICE)"
# key label: RSA bits, 0 for P-256, 384 for P-384. Issuers are RSA: their signatures are the same at every start.
KEYS = {
    "root": 2048,
    "interm": 2048,
    "foreign": 2048,
    "a_kervadec": 2048,
    "b_cadiou": 2048,
    "strong": 4096,
    "small": 1024,
    "curve": 0,
    "seal": 2048,
    "tsa": 0,
    "ocsp": 0,
    "medium": 3072,
    "large_curve": 384,
    "cards": 2048,
}


@dataclass(frozen=True)
class Person:
    """One certificate of the test PKI: whose name, which key, and what is wrong with it."""

    label: str
    name: str
    key: str
    signs: bool = True
    years: tuple[float, float] = (-0.5, 2.5)
    revoked: bool = False
    foreign: bool = False
    qualified: str = ""  # its QCStatements in DER, in hexadecimal (ETSI EN 319 412-5)
    card: bool = False  # on a smart card: no chain comes with it, its certificate says where its issuer's is


def _sequence(*parts: str) -> str:
    """A DER sequence of fewer than 128 bytes, in hexadecimal."""
    body = "".join(parts)
    return f"30{len(body) // 2:02x}{body}"


def _use(number: int) -> str:
    """What a qualified certificate is for: 1 signatures, 2 seals (QcType)."""
    return _sequence("060604008e460106", _sequence(f"060704008e460106{number:02x}"))


COMPLIANCE, DEVICE = _sequence("060604008e460101"), _sequence("060604008e460104")
"""QcCompliance and QcSSCD, each an object identifier alone."""

PERSONS = (
    Person("a_kervadec", "Armel KERVADEC", "a_kervadec"),
    Person("b_cadiou", "Bleuenn CADIOU", "b_cadiou"),
    Person("seal", "Cachet de la commune de Kerlann-sur-Mer", "seal"),
    Person("rsa4096", "Solenn RIVOAL", "strong"),
    Person("ec", "Nolwenn ABGRALLEC", "curve"),
    Person("auth_only", "Armel KERVADEC (authentification)", "a_kervadec", signs=False),
    Person("expired", "Armel KERVADEC (expiré)", "a_kervadec", years=(-3, -0.2)),
    Person("future", "Armel KERVADEC (à venir)", "a_kervadec", years=(1, 3)),
    Person("revoked", "Armel KERVADEC (révoqué)", "a_kervadec", revoked=True),
    Person("weak", "Ronan PELLENEC (clé faible)", "small"),
    Person("foreign_root", "Armel KERVADEC (autre autorité)", "a_kervadec", foreign=True),
    Person("rsa3072", "Gaud LE BRAS", "medium"),
    Person("p384", "Yann LE GOFF", "large_curve"),
    Person("card", "Armel KERVADEC (carte)", "large_curve", card=True),
    Person("card_rsa", "Bleuenn CADIOU (carte)", "b_cadiou", card=True),
    Person("qualified", "Armel KERVADEC", "a_kervadec", qualified=_sequence(COMPLIANCE, DEVICE, _use(1))),
    Person("qualified_soft", "Armel KERVADEC", "a_kervadec", qualified=_sequence(COMPLIANCE, _use(1))),
    Person("eseal", "Cachet qualifié (FACTICE)", "seal", qualified=_sequence(COMPLIANCE, DEVICE, _use(2))),
    Person("y_kergoffic", "Yann KERGOFFIC", "b_cadiou"),
)


def config(born: datetime, base_url: str) -> dict[str, Any]:
    """Certomancer's recipe (its documentation, « Configuration »); serials are written down so that they never move."""
    ours = [person for person in PERSONS if not person.foreign]
    theirs = [person for person in PERSONS if person.foreign]
    services = {
        "ocsp": {"interm": {"for-issuer": "interm", "responder-cert": "ocsp", "signing-key": "ocsp"}},
        "crl-repo": {
            "root": {"for-issuer": "root", "signing-key": "root", "simulated-update-schedule": "P30D"},
            "interm": {"for-issuer": "interm", "signing-key": "interm", "simulated-update-schedule": "P1D"},
            "cards": {"for-issuer": "cards", "signing-key": "cards", "simulated-update-schedule": "P1D"},
        },
        "cert-repo": {"cards": {"for-issuer": "cards", "publish-issued-certs": False}},
        "time-stamping": {"tsa": {"signing-cert": "tsa", "certs-to-embed": ["interm"]}},
    }
    entities = {
        "root": {"common-name": "AC racine d’essai (FACTICE)"},
        "interm": {"common-name": "AC des signataires d’essai (FACTICE)"},
        "cards": {"common-name": "AC des cartes d’essai (FACTICE)"},
        "tsa": {"common-name": "Horodatage d’essai (FACTICE)"},
        "ocsp": {"common-name": "Répondeur OCSP d’essai (FACTICE)"},
        **{person.label: {"common-name": person.name} for person in ours},
    }
    certs = {
        "root": _authority("root", "root", born, 1),
        "interm": _authority("interm", "root", born, 2),
        "cards": _authority("cards", "root", born, 5),
        "ocsp": _leaf("ocsp", "interm", born, 3, {"profiles": ["ocsp-responder"]}),
        "tsa": _leaf("tsa", "interm", born, 4, {"extensions": [_usage("digital_signature"), TIME_STAMPING]}),
        **{
            person.label: _person(person, "cards" if person.card else "interm", born, 4096 + rank)
            for rank, person in enumerate(ours)
        },
    }
    foreign_entities = {
        "foreign": {"common-name": "AC d’ailleurs (FACTICE)"},
        **{person.label: {"common-name": person.name} for person in theirs},
    }
    foreign_certs = {
        "foreign": _authority("foreign", "foreign", born, 1, crl=False),
        **{person.label: _person(person, "foreign", born, 4096 + rank) for rank, person in enumerate(theirs)},
    }
    return {
        "external-url-prefix": base_url,
        "keysets": {
            "all": {"path-prefix": "keys", "keys": {label: {"path": f"{label}.pem"} for label in KEYS}}
        },
        "pki-architectures": {
            ARCH: _architecture(entities, certs, services),
            FOREIGN: _architecture(foreign_entities, foreign_certs, {}),
        },
    }


ISSUER_IS_THERE = {
    "id": "authority_information_access",
    "smart-value": {"schema": "aia-urls", "params": {"ca-issuer-links": [{"repo": "cards"}]}},
}
TIME_STAMPING = {"id": "extended_key_usage", "critical": True, "value": ["time_stamping"]}


def _architecture(
    entities: dict[str, Any], certs: dict[str, Any], services: dict[str, Any]
) -> dict[str, Any]:
    defaults = {
        "country-name": "FR",
        "organization-name": COMMUNE,
        "organizational-unit-name": "0002 212909998",
    }
    return {
        "keyset": "all",
        "entity-defaults": defaults,
        "entities": entities,
        "certs": certs,
        "services": services,
    }


def _usage(*names: str) -> dict[str, Any]:
    return {
        "id": "key_usage",
        "critical": True,
        "smart-value": {"schema": "key-usage", "params": list(names)},
    }


def _validity(born: datetime, years: tuple[float, float]) -> dict[str, str]:
    start, end = (born + timedelta(days=round(365 * year)) for year in years)
    return {"valid-from": start.isoformat(), "valid-to": end.isoformat()}


def _authority(label: str, issuer: str, born: datetime, serial: int, *, crl: bool = True) -> dict[str, Any]:
    params: dict[str, Any] = {"crl-repo": label} if crl else {}
    if label == "interm":
        params["ocsp-service"] = "interm"
    return {
        "subject": label,
        "issuer": issuer,
        "subject-key": label,
        "authority-key": issuer,
        "serial": serial,
        "validity": _validity(born, (-5, 15)),
        "profiles": [{"id": "simple-ca", "params": params}],
    }


def _leaf(label: str, issuer: str, born: datetime, serial: int, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "subject": label,
        "issuer": issuer,
        "subject-key": label,
        "authority-key": issuer,
        "serial": serial,
        "validity": _validity(born, (-1, 5)),
        **more,
    }


def _person(person: Person, issuer: str, born: datetime, serial: int) -> dict[str, Any]:
    more: dict[str, Any] = {"subject-key": person.key, "validity": _validity(born, person.years)}
    more["profiles" if person.signs else "extensions"] = (
        ["digsig-commitment"] if person.signs else [_usage("digital_signature")]
    )
    if person.card:
        more["extensions"] = [ISSUER_IS_THERE]
    if person.qualified:
        der = {"schema": "der-bytes", "params": person.qualified}
        more["extensions"] = [{"id": "1.3.6.1.5.5.7.1.3", "smart-value": der}]
    if person.revoked:
        more["revocation"] = {
            "revoked-since": (born - timedelta(days=30)).isoformat(),
            "reason": "key_compromise",
        }
    return _leaf(person.label, issuer, born, serial, more)
