"""What an installation decides about @CTES; every field has a default that sends nothing to a real Préfecture."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

MEBIBYTE = 1024 * 1024


class ActesSettings(BaseModel):
    """Settings of the channel, read from variables that begin with ACTES_."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: str = Field("simulated", pattern="^(simulated|s2low)$", description="who carries the archives")
    folder: Path = Field(Path("var/prefecture-factice"), description="where the simulated Préfecture lives")
    delay_seconds: float = Field(4.0, ge=0, description="time the simulated Préfecture takes to answer")
    application: str = Field("TACT", pattern="^[FQETD][A-Z]{3}$", description="TACT test, EACT production")
    operator: str = Field(
        "PRF", pattern="^[A-Z]{3}$", description="three letters at the head of archive names"
    )
    classification_folder: Path = Field(
        Path("var/classifications"), description="the messages 7-2 that came, a folder for each SIREN"
    )
    classification_file: Path | None = Field(None, description="a message 7-2 newer than the shipped one")
    schema_folder: Path | None = Field(
        None, description="a folder with actesv1_1.xsd newer than the shipped one"
    )
    max_archive_bytes: int = Field(150 * MEBIBYTE, gt=0, description="limit of the relay operators")

    @classmethod
    def read(cls, settings: Any) -> Self:
        """The settings of this channel, from `settings.actes` or from attributes named actes_…; else defaults."""
        own = settings if isinstance(settings, cls) else getattr(settings, "actes", None)
        if isinstance(own, cls):
            return own
        given = {name: getattr(settings, f"actes_{name}", None) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in given.items() if value is not None})
