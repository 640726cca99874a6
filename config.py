"""Every setting of Paraphe, read once, checked at start; a bad configuration is refused with the list of all its faults.

Those of a channel are declared in its folder (`app/transmission/settings.py`), and read, checked and refused as these are.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from email.utils import parseaddr
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

if TYPE_CHECKING:
    from app.transmission.settings import ChannelSettings

PREFIX = "PARAPHE_"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd, or a container, lays secrets for one process: a file by setting, named as its variable (systemd.exec(5))."""
REMOVED = {f"{PREFIX}QUEUE_URL": "réglage retiré, à supprimer : les lignes de la base sont la file d’attente"}
"""What a former version knew, and what a person who still sets it is to do."""
SECRET = 32
SHORTEST_IDLE = 10
SCHEMES: dict[str, tuple[frozenset[str], str]] = {
    "database_url": (
        frozenset({"sqlite", "postgresql", "postgresql+psycopg"}),
        "il faut sqlite:///fichier ou postgresql://compte@serveur/base",
    ),
    "listen_url": (
        frozenset({"postgresql", "postgresql+psycopg"}),
        "il faut postgresql://compte@serveur/base, l’adresse du serveur lui-même",
    ),
    "store_url": (frozenset({"file", "s3"}), "il faut file:/dossier ou s3://bucket/prefixe"),
    "rate_limit_url": (
        frozenset({"sqlite", "memory", "redis", "rediss"}),
        "il faut sqlite:///fichier, memory:// ou redis://serveur",
    ),
    "antivirus_url": (
        frozenset({"unix", "tcp"}),
        "il faut unix:/chemin/de/clamd.ctl ou tcp://serveur:3310",
    ),
    "mail_url": (
        frozenset({"smtp", "smtps", "smtp+starttls"}),
        "il faut smtp://serveur:port, smtp+starttls://serveur ou smtps://serveur",
    ),
    "bounces_url": (
        frozenset({"imap", "imaps", "imap+starttls"}),
        "il faut imaps://compte:motdepasse@serveur/INBOX, ou imap+starttls://",
    ),
    "tsa_url": (frozenset({"http", "https"}), "il faut une adresse https:// complète"),
    "tsa_second_url": (frozenset({"http", "https"}), "il faut une adresse https:// complète"),
    "s2low_url": (frozenset({"https"}), "il faut l’adresse https de l’opérateur"),
    "csc_url": (frozenset({"http", "https"}), "il faut l’adresse https:// du service, jusqu’à /csc/v1"),
    "csc_oauth_url": (frozenset({"http", "https"}), "il faut une adresse https:// complète"),
    "chorus_url": (frozenset({"http", "https"}), "il faut l’adresse https:// de l’API, jusqu’à /cpro"),
    "chorus_oauth_url": (frozenset({"http", "https"}), "il faut une adresse https:// complète"),
}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_EMPTY = (None, "", SecretStr(""))
WORDS = {
    "missing": "réglage obligatoire",
    "int_parsing": "il faut un nombre entier",
    "int_type": "il faut un nombre entier",
    "int_from_float": "il faut un nombre entier",
    "float_parsing": "il faut un nombre",
    "float_type": "il faut un nombre",
    "finite_number": "il faut un nombre",
    "bool_parsing": "il faut true ou false",
    "bool_type": "il faut true ou false",
    "greater_than": "il faut plus de {gt}",
    "greater_than_equal": "il faut {ge} au moins",
    "less_than_equal": "il faut {le} au plus",
}


class Settings(BaseSettings):
    """The frozen settings; each is a variable `PARAPHE_<NAME>`, a line of the file `.env`, or a file of `CREDENTIALS`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        frozen=True,
        extra="allow",  # what the channels declare, and nothing else: `_with_the_channels` lets nothing else in
        validate_default=True,
    )

    secret_key: SecretStr
    former_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    public_url: str = "http://127.0.0.1:8000"
    source_url: str = ""
    data_dir: Path = Path("var/data")
    database_url: str = ""
    listen_url: str = ""
    store_url: str = ""
    rate_limit_url: str = ""
    login_rate: str = "10 per minute"
    login_address_rate: str = "120 per minute"
    login_account_rate: str = "30 per minute; 100 per hour; 300 per day"
    login_factor_rate: str = "10 per minute; 30 per hour; 60 per day"
    api_rate: str = "600 per minute"
    public_rate: str = "240 per minute"
    person_rate: str = "600 per minute"

    mail_url: str = ""
    mail_from: str = "Paraphe <ne-pas-repondre@paraphe.invalid>"
    mail_timeout: float = 20.0
    bounces_url: str = ""
    bounces_address: str = ""
    mailbox_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    scans_root: Path | None = None

    take_back_seconds: int = Field(20, ge=0, le=30)
    upload_limit_mb: int = Field(200, ge=1, le=2048)
    office: bool = True
    antivirus_url: str = ""
    antivirus_required: bool = True
    antivirus_seconds: float = Field(60.0, gt=0, le=600)

    trust_roots: Path | None = None
    tsa_url: str = ""
    tsa_second_url: str = ""
    tsa_roots: Path | None = None
    tsa_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    revocation_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    network_timeout: float = 10.0
    trust_lists: bool = False
    trust_lists_url: str = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
    trust_lists_countries: str = "FR"
    trust_lists_signers: Path | None = None
    verify_limit_mb: int = Field(25, ge=1, le=200)
    verify_rate: str = "10 per minute"
    verify_at_once: int = Field(2, ge=1, le=32)
    seal_p12: Path | None = None
    seal_passphrase: SecretStr = SecretStr("")
    seal_pkcs11_token: str = ""
    seal_pkcs11_label: str = ""
    seal_pkcs11_pin: SecretStr = SecretStr("")
    seal_pkcs11_pin_file: Path | None = None
    seal_pkcs11_module: Path | None = None  # after what it needs: a check only sees the settings above it
    stamp_verifier: bool = False
    signing_minutes: int = Field(5, ge=1, le=60)
    reauth_minutes: int = Field(5, ge=1, le=720)
    refusals_alert: int = Field(5, ge=2, le=1000)
    refusals_minutes: int = Field(10, ge=1, le=1440)
    batch_processes: int | None = Field(None, ge=0, le=16)
    prepared_mb_person: int = Field(2048, ge=1)
    prepared_mb_address: int = Field(4096, ge=1)
    prepared_mb: int = Field(20480, ge=1)
    csc_name: str = "Service de signature à distance"
    csc_token: SecretStr = SecretStr("")
    csc_client: str = ""
    csc_client_secret: SecretStr = SecretStr("")
    csc_oauth_url: str = ""
    csc_minutes: int = Field(15, ge=1, le=60)
    csc_rate: str = "10 per minute"
    csc_url: str = ""  # after what it needs, as above
    archive_delay_seconds: float = Field(60.0, ge=0)
    archive_renewal_days: int = Field(90, ge=1)

    clear_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    session_hours: int = Field(12, ge=1, le=72)
    marks_folder: Path | None = None
    marks_mail: str = ""
    idle_minutes: int = Field(120, ge=0, le=1440)
    remember_days: int = Field(30, ge=1, le=90)
    breached_passwords: Path | None = None
    trusted_proxies: int = Field(0, ge=0, le=5)
    secure_cookies: bool = True

    lease_seconds: float = Field(120.0, gt=0)
    attempts_limit: int = Field(8, ge=1)
    backoff_seconds: float = Field(20.0, gt=0)
    mail_days: float = Field(5.0, ge=0, le=30)
    metrics_token: SecretStr = SecretStr("")
    sweep_days: int = Field(30, ge=0)
    parcel_days: int = Field(30, ge=0)
    journal_address_days: int = Field(365, ge=0, le=3650)
    disks_encrypted: bool = False
    disk_free_mb: int = Field(1024, ge=0)
    doctor_hours: int = Field(24, ge=0, le=168)
    operators: Annotated[tuple[str, ...], NoDecode] = ()
    collectivity_settings: Annotated[tuple[str, ...], NoDecode] = ()

    s2low_folder: Path | None = None
    s2low_ca_file: Path | None = None
    s2low_connect_seconds: float = Field(10.0, gt=0)
    s2low_answer_seconds: float = Field(120.0, gt=0)
    s2low_simulated: bool = False
    s2low_url: str = ""
    pes_schema: str = "warn"
    chorus_url: str = "https://api.piste.gouv.fr/cpro"
    chorus_oauth_url: str = "https://oauth.piste.gouv.fr/api/oauth/token"
    chorus_seconds: float = Field(30.0, gt=0, le=600)
    chorus_ca_file: Path | None = None
    chorus_client: str = ""
    chorus_client_secret: SecretStr = SecretStr("")
    chorus_calls: float = Field(1.0, gt=0, le=100)

    actes_poll_seconds: float = Field(60.0, gt=0)
    actes_letters_seconds: float = Field(1800.0, gt=0)
    actes_email: str = ""
    operator_silence_hours: float = Field(4.0, gt=0)

    simulators: str = ""
    demo: bool = False
    demo_dir: Path = Path("var/demo")
    log_json: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As for any settings; what the channels declare is looked for in the same three places."""
        written = (getattr(one, "env_vars", {}) for one in (env_settings, dotenv_settings))
        first, second, third = (_OfChannels(settings_cls, one) for one in (*written, _laid()))
        return init_settings, env_settings, first, dotenv_settings, second, file_secret_settings, third

    @model_validator(mode="wrap")
    @classmethod
    def _with_the_channels(cls, values: dict[str, Any], handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Check the settings of each channel by its own model, beside ours, so that all faults are told at once."""
        own = {name: values[name] for name in cls.model_fields if name in values}
        data = Path(own.get("data_dir") or "var/data").absolute()
        declared: dict[str, Any] = {}
        faults: list[ErrorDetails] = []
        for channel, model in _channels().items():
            given = {
                name: values[f"{channel}_{name}"]
                for name in model.model_fields
                if f"{channel}_{name}" in values
            }
            try:
                made = model.model_validate(model.placed(data, given), context=own)
            except ValidationError as refused:
                faults += [
                    {**one, "loc": ("_".join((channel, *map(str, one["loc"]))),)} for one in refused.errors()
                ]
            else:
                declared |= {f"{channel}_{name}": value for name, value in made}
        try:
            settings = handler(own)
        except ValidationError as refused:
            raise _refused([*refused.errors(), *faults]) from None
        if faults:
            raise _refused(faults)
        if settings.__pydantic_extra__ is not None:
            settings.__pydantic_extra__.update(declared)
        return settings

    @model_validator(mode="before")
    @classmethod
    def _follow_the_data_folder(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Whatever is not set follows the data folder: one folder and one database to start."""
        data = Path(values.get("data_dir") or "var/data").absolute()
        values["data_dir"] = data
        if not values.get("database_url"):
            values["database_url"] = f"sqlite:///{data / 'paraphe.db'}"
        if not values.get("store_url"):
            values["store_url"] = f"file:{data / 'documents'}"
        if not values.get("rate_limit_url"):
            values["rate_limit_url"] = f"sqlite:///{data / 'limites.db'}"
        if not values.get("s2low_folder"):
            values["s2low_folder"] = data / "s2low"
        return values

    @field_validator(
        "tsa_hosts",
        "revocation_hosts",
        "mailbox_hosts",
        "former_secret_keys",
        "clear_hosts",
        "operators",
        "collectivity_settings",
        mode="before",
    )
    @classmethod
    def _list(cls, value: Any) -> Any:
        return as_names(value)

    @field_validator("tsa_hosts", "revocation_hosts", "mailbox_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return as_hosts(value)

    @field_validator("operators")
    @classmethod
    def _logins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """As logins are kept."""
        return tuple(one.strip().lower() for one in value)

    @field_validator("secret_key")
    @classmethod
    def _long_secret(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < SECRET:
            raise ValueError(f"il faut au moins {SECRET} caractères tirés au hasard")
        return value

    @field_validator("former_secret_keys")
    @classmethod
    def _long_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(cls._long_secret(one) for one in value)

    @field_validator("public_url", "source_url")
    @classmethod
    def _absolute(cls, value: str, about: ValidationInfo) -> str:
        if about.field_name == "source_url" and not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("il faut une adresse complète, par exemple https://parapheur.commune.fr")
        return value.rstrip("/")

    @field_validator(*SCHEMES)
    @classmethod
    def _known_scheme(cls, value: str, info: ValidationInfo) -> str:
        return as_address(value, *SCHEMES[str(info.field_name)])

    @field_validator("listen_url")
    @classmethod
    def _of_a_server(cls, value: str, info: ValidationInfo) -> str:
        if value and str(info.data.get("database_url", "")).startswith("sqlite"):
            raise ValueError(
                "sans objet avec SQLite, dont le travail de fond suit le fichier : retirez ce réglage, "
                f"ou donnez une base PostgreSQL à {PREFIX}DATABASE_URL"
            )
        return value

    @field_validator("data_dir")
    @classmethod
    def _writable(cls, value: Path) -> Path:
        found = next(one for one in (value, *value.parents) if one.exists())
        if not found.is_dir() or not os.access(found, os.W_OK):
            raise ValueError(f"impossible d’écrire dans {found}")
        return value

    @field_validator(
        "trust_roots",
        "tsa_roots",
        "trust_lists_signers",
        "seal_p12",
        "seal_pkcs11_pin_file",
        "seal_pkcs11_module",
        "s2low_ca_file",
        "chorus_ca_file",
        "breached_passwords",
    )
    @classmethod
    def _there(cls, value: Path | None) -> Path | None:
        return as_existing(value)

    @field_validator("seal_pkcs11_module")
    @classmethod
    def _one_seal(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        pins = [
            name
            for name in ("seal_pkcs11_pin", "seal_pkcs11_pin_file")
            if info.data.get(name) not in (None, SecretStr(""))
        ]
        given = [one for one in ("seal_pkcs11_token", "seal_pkcs11_label") if info.data.get(one)] + pins
        if value is None:
            if given:
                raise ValueError(f"obligatoire avec {PREFIX}{given[0].upper()}")
            return value
        if info.data.get("seal_p12") is not None:
            raise ValueError(
                f"un seul cachet : retirez {PREFIX}SEAL_P12, ou tous les réglages {PREFIX}SEAL_PKCS11"
            )
        for name in ("seal_pkcs11_token", "seal_pkcs11_label"):
            if name not in given:
                raise ValueError(f"il faut aussi {PREFIX}{name.upper()}")
        if len(pins) != 1:
            raise ValueError(
                f"il faut {PREFIX}SEAL_PKCS11_PIN ou {PREFIX}SEAL_PKCS11_PIN_FILE, et un seul des deux"
            )
        return value

    @field_validator("csc_url", "csc_oauth_url")
    @classmethod
    def _secret_way(cls, value: str) -> str:
        """Codes and tokens go there: in https, except to this very machine."""
        if value and not _private(value):
            raise ValueError("il faut https : des codes et des jetons y passent")
        return value

    @field_validator("csc_oauth_url")
    @classmethod
    def _return_way(cls, value: str, info: ValidationInfo) -> str:
        if value and not _private(str(info.data.get("public_url", ""))):
            raise ValueError(f"demande {PREFIX}PUBLIC_URL en https : le service y renvoie les signataires")
        return value

    @field_validator("csc_url")
    @classmethod
    def _remote_signing(cls, value: str, info: ValidationInfo) -> str:
        pair = [one for one in ("csc_client", "csc_client_secret") if info.data.get(one) not in _EMPTY]
        given = [one for one in ("csc_token", "csc_oauth_url") if info.data.get(one) not in _EMPTY] + pair
        if not value:
            if given:
                raise ValueError(f"obligatoire avec {PREFIX}{given[0].upper()}")
            return value
        if not urlsplit(value).path.rstrip("/").endswith("/csc/v1"):
            raise ValueError("doit finir par /csc/v1 : c’est la version 1 de l’API qui est parlée")
        if "csc_oauth_url" in given and len(pair) != 2:
            raise ValueError(f"{PREFIX}CSC_OAUTH_URL demande {PREFIX}CSC_CLIENT et {PREFIX}CSC_CLIENT_SECRET")
        if "csc_token" not in given and "csc_oauth_url" not in given:
            raise ValueError(
                f"il faut {PREFIX}CSC_TOKEN, ou {PREFIX}CSC_OAUTH_URL avec {PREFIX}CSC_CLIENT et {PREFIX}CSC_CLIENT_SECRET"
            )
        if pair and "csc_oauth_url" not in given:
            raise ValueError(f"{PREFIX}{pair[0].upper()} demande {PREFIX}CSC_OAUTH_URL")
        return value

    @field_validator("mail_from", "actes_email", "marks_mail", "bounces_address")
    @classmethod
    def _address(cls, value: str, about: ValidationInfo) -> str:
        if about.field_name != "mail_from" and not value:
            return value
        name, at, domain = parseaddr(value)[1].partition("@")
        if not (name and at and domain) or any(ord(sign) < ord(" ") for sign in value):
            raise ValueError("il faut une adresse de courriel, par exemple Paraphe <parapheur@commune.fr>")
        if (
            not name.isascii()
        ):  # no letter would be written: the mail servers of others need not take it (RFC 6531)
            raise ValueError("écrivez l’adresse sans accent avant le @, par exemple parapheur@commune.fr")
        return value

    @field_validator(
        "login_rate",
        "login_address_rate",
        "api_rate",
        "public_rate",
        "person_rate",
        "verify_rate",
        "csc_rate",
    )
    @classmethod
    def _rate(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9][0-9]* per (second|minute|hour|day)", value):
            raise ValueError("il faut un rythme, par exemple 10 per minute")
        return value

    @field_validator("idle_minutes")
    @classmethod
    def _idle(cls, value: int) -> int:
        if 0 < value < SHORTEST_IDLE:
            raise ValueError(
                f"{SHORTEST_IDLE} minutes au moins, ou 0 pour jamais : la présence n’est notée que toutes les 5 minutes"
            )
        return value

    @field_validator("login_account_rate", "login_factor_rate")
    @classmethod
    def _rates(cls, value: str) -> str:
        for one in value.split(";"):
            cls._rate(one.strip())
        return value

    @field_validator("pes_schema")
    @classmethod
    def _schema(cls, value: str) -> str:
        if value not in {"warn", "refuse"}:
            raise ValueError("il faut warn (signaler) ou refuse (refuser)")
        return value

    @field_validator("simulators")
    @classmethod
    def _simulators(cls, value: str) -> str:
        if value and (not value.isidentifier() or find_spec(value) is None):
            raise ValueError("il faut un module Python qui se trouve à côté de l’application : demo, ou rien")
        return value

    @field_validator("demo")
    @classmethod
    def _demo(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("simulators"):
            raise ValueError(f"demande {PREFIX}SIMULATORS=demo ; « make demo » règle les deux")
        return value

    @field_validator("tsa_second_url")
    @classmethod
    def _second_tsa(cls, value: str, info: ValidationInfo) -> str:
        if value and value == info.data.get("tsa_url"):
            raise ValueError("c’est l’adresse de la première : donnez celle d’une autre autorité")
        if value and not info.data.get("tsa_url"):
            raise ValueError("donnez d’abord PARAPHE_TSA_URL, la première autorité")
        return value

    @field_validator("tsa_roots")
    @classmethod
    def _tsa_roots(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("tsa_url") and value is None:
            raise ValueError(
                "obligatoire dès qu’une autorité d’horodatage est donnée, sinon rien ne peut être signé"
            )
        return value

    @field_validator("secure_cookies")
    @classmethod
    def _cookies(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and str(info.data.get("public_url", "")).startswith("https://"):
            raise ValueError("doit rester actif derrière https")
        return value

    @field_validator("trust_lists_countries")
    @classmethod
    def _countries(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z]{2}(,[A-Za-z]{2})*", value.replace(" ", "")):
            raise ValueError("il faut des codes de pays à deux lettres, par exemple FR,BE")
        return value.replace(" ", "").upper()

    @field_validator("trust_lists_url")
    @classmethod
    def _list_of_lists(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc:
            raise ValueError("il faut l’adresse https d’une liste de listes")
        return value

    @property
    def upload_limit(self) -> int:
        """The upload limit in bytes."""
        return self.upload_limit_mb * 1024 * 1024

    def transport(self, channel: str) -> str:
        """Who carries what leaves by this channel (`PARAPHE_<CHANNEL>_TRANSPORT`); empty for one that has no choice."""
        return str((self.model_extra or {}).get(f"{channel}_transport", ""))


class _OfChannels(PydanticBaseSettingsSource):
    """What one place (environment, `.env`, files of `CREDENTIALS`) says of the settings that the channels declare."""

    def __init__(self, settings_cls: type[BaseSettings], written: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._written = written

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing of ours: those are read by the place itself."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values as they are written, by the name of the setting."""
        found = {name: self._written.get(f"{PREFIX}{name}".lower()) for name in _of_channels()}
        return {name: value for name, value in found.items() if value is not None}


def as_names(value: Any) -> Any:
    """A JSON list, or names with commas between them."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return tuple(json.loads(value))
        except ValueError:
            raise ValueError("il faut des noms séparés par des virgules") from None
    return tuple(one.strip() for one in value.split(",") if one.strip())


def as_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    """Names, addresses or networks, with or without a port; ValueError in French for anything else."""
    from app.core.addresses import entry  # the application imports its settings

    for one in value:
        try:
            entry(one)
        except ValueError:
            raise ValueError(
                f"« {one} » : il faut un nom, une adresse ou un réseau, avec ou sans port (sans http://)"
            ) from None
    return value


def as_address(value: str, schemes: frozenset[str], words: str) -> str:
    """An address of one of these schemes, or none; the message never repeats the value, which may hold a password."""
    scheme = value.partition(":")[0].lower()
    if value and (scheme not in schemes or not _reaches(value)):
        raise ValueError(words)
    return value


def as_existing(value: Path | None) -> Path | None:
    """A file or folder that is there, or none; ValueError in French otherwise."""
    if value is not None and not value.exists():
        raise ValueError(f"{value} n’existe pas")
    return value


class ConfigurationRefused(SystemExit):
    """The process does not start; the message lists every fault found."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read the configuration once for the process, or refuse to start with the list of all faults."""
    faults = _unknown()
    try:
        place = os.environ.get(CREDENTIALS, "")
        made = Settings(_secrets_dir=place if Path(place).is_dir() else None)
    except ValidationError as error:
        faults += [
            (f"{PREFIX}{'_'.join(str(part) for part in fault['loc'])}".upper(), _french(fault))
            for fault in error.errors()
        ]
    if faults:
        lines = [f"- {name} : {words}" for name, words in faults]
        raise ConfigurationRefused(
            "\n".join(["Paraphe ne démarre pas : la configuration est à corriger.", *lines])
        )
    return made


def _unknown() -> list[tuple[str, str]]:
    """Names that look like ours and are none of ours: a misspelled setting would be silently without effect."""
    known = {f"{PREFIX}{name}".upper() for name in (*Settings.model_fields, *_of_channels())}
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env"), *_laid())}
    strange = sorted(name for name in given if name.startswith(PREFIX) and name not in known)
    near = {name: get_close_matches(name, known, 1) for name in strange}
    return [
        (
            name,
            REMOVED.get(name) or "réglage inconnu" + (f", peut-être {near[name][0]}" if near[name] else ""),
        )
        for name in strange
    ]


def _channels() -> Mapping[str, type["ChannelSettings"]]:
    from app.transmission.settings import declared  # the application imports its settings

    return declared()


def _of_channels() -> Iterator[str]:
    """The names of the settings that the channels declare."""
    return (f"{channel}_{name}" for channel, model in _channels().items() for name in model.model_fields)


def _refused(faults: list[ErrorDetails]) -> ValidationError:
    """One refusal for the faults of several models."""
    lines = [
        InitErrorDetails(type=one["type"], loc=one["loc"], input=one["input"], ctx=one.get("ctx", {}))
        for one in faults
    ]
    return ValidationError.from_exception_data(Settings.__name__, lines)


def _laid() -> dict[str, str]:
    """The settings that stand in the files of `CREDENTIALS`, by the name of their variable, small."""
    place = os.environ.get(CREDENTIALS)
    files = Path(place).glob("*") if place else ()
    mine = (one for one in files if one.name.upper().startswith(PREFIX) and one.is_file())
    laid = {}
    for one in mine:
        try:
            laid[one.name.lower()] = one.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            words = f"Paraphe ne démarre pas : {CREDENTIALS}/{one.name} ne se lit pas comme un texte UTF-8."
            raise ConfigurationRefused(words) from None
    return laid


def secrets_in_clear() -> list[str]:
    """The names of the settings of the file `.env` that hold a secret, or a password in an address: a copy of the disk has it."""
    models: dict[str, type[BaseModel]] = {
        "": Settings,
        **{f"{name}_": one for name, one in _channels().items()},
    }
    secret = {
        f"{PREFIX}{before}{name}".upper()
        for before, model in models.items()
        for name, one in model.model_fields.items()
        if SecretStr.__name__ in str(one.annotation)
    }
    return sorted(
        name
        for name, value in dotenv_values(".env").items()
        if value and (name.upper() in secret or re.search(r"://[^/@]*:[^/@]+@|[?&]password=[^&]", value))
    )


def _french(fault: ErrorDetails) -> str:
    """What is wrong with a value, without the value: it may be a secret."""
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    limits = fault.get("ctx", {})
    return WORDS.get(fault["type"], "valeur incompréhensible").format_map(
        {"gt": "", "ge": "", "le": "", **limits}
    )


def _private(value: str) -> bool:
    """Whether nobody reads on the way: https, or this very machine."""
    parts = urlsplit(value)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def _reaches(value: str) -> bool:
    """Whether an address names what it must: a file, or a host."""
    parts = urlsplit(value)
    if parts.scheme in {"sqlite", "file", "unix"}:
        return bool(parts.path.strip("/"))
    return parts.scheme in {"none", "memory"} or bool(parts.netloc)
