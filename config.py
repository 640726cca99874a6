"""Every setting of Paraphe, read once, checked at start; a bad configuration is refused with the list of all its faults."""

from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


SECRET = 32
WEBHOOK_SECRET = 16


class Settings(BaseSettings):
    """The frozen settings; each is an environment variable `PARAPHE_<NAME>`, or a line of the file `.env`."""

    model_config = SettingsConfigDict(env_prefix="PARAPHE_", env_file=".env", frozen=True, extra="ignore")

    secret_key: SecretStr
    public_url: str = "http://127.0.0.1:8000"
    data_dir: Path = Path("var/data")
    database_url: str = ""
    queue_url: str = ""
    store_url: str = ""
    rate_limit_url: str = "memory://"
    login_rate: str = "10 per minute"

    mail_url: str = ""
    mail_from: str = "Paraphe <ne-pas-repondre@paraphe.invalid>"
    mail_timeout: float = 20.0

    upload_limit_mb: int = Field(200, ge=1, le=2048)
    office: bool = True

    trust_roots: Path | None = None
    tsa_url: str = ""
    tsa_roots: Path | None = None
    revocation_hosts: tuple[str, ...] = ()
    network_timeout: float = 10.0
    seal_p12: Path | None = None
    seal_passphrase: SecretStr = SecretStr("")
    signing_minutes: int = Field(5, ge=1, le=60)

    session_hours: int = Field(12, ge=1, le=72)
    remember_days: int = Field(30, ge=1, le=90)
    trusted_proxies: int = Field(0, ge=0, le=5)
    secure_cookies: bool = True

    lease_seconds: float = Field(120.0, gt=0)
    attempts_limit: int = Field(8, ge=1)
    backoff_seconds: float = Field(20.0, gt=0)

    actes_transport: str = "simulated"
    actes_application: str = "TACT"
    actes_folder: Path | None = None
    actes_delay_seconds: float = Field(4.0, ge=0)
    actes_classification_file: Path | None = None
    actes_poll_seconds: float = Field(60.0, gt=0)
    actes_email: str = "parapheur@commune.example.org"
    handover_folder: Path | None = None
    handover_webhook_url: str = ""
    handover_webhook_secret: SecretStr = SecretStr("")
    handover_webhook_allow_private: bool = False

    demo: bool = False
    demo_dir: Path = Path("var/demo")
    log_json: bool = False

    @field_validator("secret_key")
    @classmethod
    def _long_secret(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < SECRET:
            raise ValueError("il faut au moins 32 caractères tirés au hasard")
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("il faut une adresse complète, par exemple https://parapheur.commune.fr")
        return value.rstrip("/")

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
        if not values.get("queue_url"):
            url = str(values["database_url"])
            values["queue_url"] = f"sqlite:///{data / 'queue.db'}" if url.startswith("sqlite") else url
        if not values.get("handover_folder"):
            values["handover_folder"] = data / "sorties" / "finances"
        if not values.get("actes_folder"):
            values["actes_folder"] = data / "prefecture-factice"
        return values

    @model_validator(mode="after")
    def _coherent(self) -> "Settings":
        faults = []
        for name in ("trust_roots", "tsa_roots", "seal_p12"):
            path = getattr(self, name)
            if path is not None and not path.exists():
                faults.append(f"{name} : {path} n’existe pas")
        if self.handover_webhook_url and len(self.handover_webhook_secret.get_secret_value()) < WEBHOOK_SECRET:
            faults.append(f"handover_webhook_secret : {WEBHOOK_SECRET} caractères au moins dès qu’une adresse de webhook est donnée")
        if self.public_url.startswith("https://") and not self.secure_cookies:
            faults.append("secure_cookies : doit rester actif derrière https")
        if faults:
            raise ValueError(" ; ".join(faults))
        return self

    @property
    def upload_limit(self) -> int:
        """The upload limit in bytes."""
        return self.upload_limit_mb * 1024 * 1024


class ConfigurationRefused(SystemExit):
    """The process does not start; the message lists every fault found."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read the configuration once for the process, or refuse to start with the list of all faults."""
    try:
        return Settings()
    except ValidationError as error:
        lines = ["Paraphe ne démarre pas : la configuration est à corriger."]
        for fault in error.errors():
            name = "_".join(str(part) for part in fault["loc"]).upper()
            said = fault["msg"].removeprefix("Value error, ")
            lines.append(
                f"- PARAPHE_{name} : {'réglage obligatoire' if fault['type'] == 'missing' else said}"
            )
        raise ConfigurationRefused("\n".join(lines)) from None
