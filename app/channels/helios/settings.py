"""What an installation decides about Hélios; every field has a default that sends nothing to a real Treasury."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

MEGABYTE = 1_000_000


class HeliosSettings(BaseModel):
    """Settings of the channel, read from variables that begin with HELIOS_."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: str = Field("simulated", pattern="^(simulated|s2low)$", description="who carries the flows")
    folder: Path = Field(Path("var/tresorerie-factice"), description="where the simulated Treasury lives")
    delay_seconds: float = Field(4.0, ge=0, description="time the simulated Treasury takes to answer")
    max_flow_bytes: int = Field(128 * MEGABYTE, gt=0, description="limit of the relay operators")

    @classmethod
    def read(cls, settings: Any) -> Self:
        """The settings of this channel, from `settings.helios` or from attributes named helios_…; else defaults."""
        own = settings if isinstance(settings, cls) else getattr(settings, "helios", None)
        if isinstance(own, cls):
            return own
        given = {name: getattr(settings, f"helios_{name}", None) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in given.items() if value is not None})
