"""What an installation decides about Hélios; every field has a default that sends nothing to a real Treasury."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from app.transmission.settings import ChannelSettings, as_transport

MEGABYTE = 1_000_000


class HeliosSettings(ChannelSettings):
    """Settings of the channel."""

    copied_as: ClassVar[Mapping[str, str]] = {"folder": "tresorerie-factice"}

    transport: str = Field(
        "simulated",
        description="transport des flux comptables : `simulated` (de même), ou `s2low` qui demande `PARAPHE_S2LOW_URL`",
    )
    folder: Path = Field(Path("tresorerie-factice"), description="dossier de la trésorerie simulée")
    delay_seconds: float = Field(4.0, ge=0, description="délai de l’acquit simulé, en secondes")
    max_flow_bytes: int = Field(
        128 * MEGABYTE, gt=0, description="taille maximale d’un flux, en octets : la limite des opérateurs"
    )
    late_hours: float = Field(
        48.0,
        gt=0,
        description="heures sans acquit après lesquelles un flux transmis est signalé en retard ; rien n’est renvoyé",
    )

    @field_validator("transport")
    @classmethod
    def _transport(cls, value: str, info: ValidationInfo) -> str:
        return as_transport(value, info.context)
