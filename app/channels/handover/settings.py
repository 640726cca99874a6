"""What an installation decides about hand-over: by default a ZIP in a folder, and by webhook when an address is given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from app.transmission.settings import ChannelSettings
from config import as_address, as_existing, as_hosts, as_names

MIN_SECRET = 16


class HandoverSettings(ChannelSettings):
    """Settings of the channel.

    A collectivity may have its own address: `handover_webhook_url` and `handover_webhook_secret`, both, in its
    settings, the secret sealed; or its own folder, `handover_folder`, under `root` and its SIREN.
    """

    copied_as: ClassVar[Mapping[str, str]] = {
        "folder": "remises",
        "root": "remises-choisies",
        "aside": "remises-restaurees",
    }

    folder: Path = Field(Path("sorties/finances"), description="dossier des remises au logiciel de finances")
    root: Path = Field(
        Path("sorties/collectivites"),
        description="dossier sous lequel chaque collectivité choisit le sien pour ses remises, dans un sous-dossier à son "
        "SIREN ; jamais ailleurs (« Réglages d’une collectivité »)",
    )
    aside: Path = Field(
        Path("remises-restaurees"),
        description="dossier où une restauration pose les remises d’une copie, que le logiciel a peut-être déjà prises",
    )
    webhook_url: str = Field(
        "",
        title="le logiciel métier",
        description="adresse de remise par webhook ; non réglée, les remises vont au dossier ; une "
        "collectivité peut en avoir une à elle, avec son secret (« Réglages d’une collectivité »)",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="secret HMAC du webhook, 16 caractères au moins"
    )
    webhook_hosts: tuple[str, ...] = Field(
        (),
        description="serveurs du réseau interne, ou d’un autre port que 443, que les collectivités peuvent donner pour leurs "
        "remises (en `http://` aussi) : noms, adresses ou réseaux séparés par des virgules, avec ou sans port ; l’adresse du "
        "réglage précédent est admise telle quelle",
    )
    webhook_ca_file: Path | None = Field(
        None,
        description="autorité du certificat de ces serveurs, en PEM, si elle n’est pas reconnue du système",
    )
    connect_seconds: float = Field(
        5.0, gt=0, description="temps laissé au serveur du webhook pour accepter la connexion"
    )
    answer_seconds: float = Field(60.0, gt=0, description="temps laissé à chaque lecture et écriture")

    @field_validator("webhook_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return as_address(value, frozenset({"http", "https"}), "il faut une adresse https:// complète")

    @field_validator("webhook_secret")
    @classmethod
    def _signed(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("webhook_url") and len(value.get_secret_value()) < MIN_SECRET:
            raise ValueError(f"{MIN_SECRET} caractères au moins dès qu’une adresse de webhook est donnée")
        return value

    @field_validator("webhook_hosts", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return as_names(value)

    @field_validator("webhook_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return as_hosts(value)

    @field_validator("webhook_ca_file")
    @classmethod
    def _there(cls, value: Path | None) -> Path | None:
        return as_existing(value)
