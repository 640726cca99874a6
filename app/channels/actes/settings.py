"""What an installation decides about @CTES; every field has a default that sends nothing to a real Préfecture."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from app.transmission.settings import ChannelSettings, as_transport
from config import as_existing

MEBIBYTE = 1024 * 1024


class ActesSettings(ChannelSettings):
    """Settings of the channel."""

    copied_as: ClassVar[Mapping[str, str]] = {
        "folder": "prefecture-factice",
        "classification_folder": "classifications",
    }

    transport: str = Field(
        "simulated",
        description="transport @ctes : `simulated` (dans une démonstration ; ailleurs aucun opérateur n’est réglé et les "
        "actes attendent), ou `s2low` qui demande `PARAPHE_S2LOW_URL`",
    )
    application: str = Field("TACT", description="application @ctes : `TACT` pour les essais")
    operator: str = Field(
        "PRF", description="trois lettres de l’opérateur, en tête du nom des archives, telles qu’il les donne"
    )
    folder: Path = Field(Path("prefecture-factice"), description="dossier de la préfecture simulée")
    delay_seconds: float = Field(4.0, ge=0, description="délai de l’accusé simulé, en secondes")
    classification_file: Path | None = Field(
        None, description="message 7-2 plus récent que celui qui est fourni"
    )
    classification_folder: Path = Field(
        Path("classifications"),
        description="les classifications reçues de la préfecture, un dossier par SIREN, toutes les versions gardées ; à "
        "partager entre les serveurs",
    )
    schema_folder: Path | None = Field(
        None, description="dossier d’un schéma `actesv1_1.xsd` plus récent que celui qui est fourni"
    )
    max_archive_bytes: int = Field(
        150 * MEBIBYTE,
        gt=0,
        description="taille maximale d’une archive, en octets : la limite des opérateurs",
    )
    late_hours: float = Field(
        72.0,
        gt=0,
        description="heures sans accusé après lesquelles un acte transmis est signalé en retard ; rien n’est renvoyé",
    )

    @field_validator("transport")
    @classmethod
    def _transport(cls, value: str, info: ValidationInfo) -> str:
        return as_transport(value, info.context)

    @field_validator("application")
    @classmethod
    def _application(cls, value: str) -> str:
        if not re.fullmatch(r"[FQETD][A-Z]{3}", value):
            raise ValueError("il faut quatre majuscules, par exemple TACT pour les essais")
        return value

    @field_validator("operator")
    @classmethod
    def _operator(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise ValueError("il faut trois majuscules")
        return value

    @field_validator("classification_file", "schema_folder")
    @classmethod
    def _there(cls, value: Path | None) -> Path | None:
        return as_existing(value)
