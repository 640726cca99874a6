"""What an installation decides about hand-over: by default a ZIP in a folder, and by webhook when an address is given."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

MIN_SECRET = 16


class HandoverSettings(BaseModel):
    """Settings of the channel, read from variables that begin with HANDOVER_.

    A collectivity may have its own address: `handover_webhook_url` and `handover_webhook_secret`, both, in its
    settings, the secret sealed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(
        Path("var/handover"), description="where ZIP files and delivery receipts are written"
    )
    aside: Path | None = Field(None, description="where a restoration lays what had been delivered")
    webhook_url: str | None = Field(None, description="address to post to; none means the folder")
    webhook_secret: SecretStr | None = Field(
        None, description="key of the HMAC signature, 16 characters or more"
    )
    webhook_hosts: tuple[str, ...] = Field(
        (), description="hosts of the town's own network, or with another port than 443; http:// to them only"
    )
    webhook_ca_file: Path | None = Field(None, description="certificate authority of the receiver, in PEM")
    connect_seconds: float = Field(
        5.0, gt=0, description="time given to the receiver to accept the connection"
    )
    answer_seconds: float = Field(60.0, gt=0, description="time given to each read and write")

    @classmethod
    def read(cls, settings: Any) -> Self:
        """The settings of this channel: `settings.handover`, else attributes named handover_…, else defaults."""
        own = settings if isinstance(settings, cls) else getattr(settings, "handover", None)
        if isinstance(own, cls):
            return own
        given = {name: getattr(settings, f"handover_{name}", None) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in given.items() if value is not None})

    @model_validator(mode="after")
    def _signed(self) -> Self:
        secret = self.webhook_secret.get_secret_value() if self.webhook_secret else ""
        if self.webhook_url and len(secret) < MIN_SECRET:
            raise ValueError(f"a webhook needs a secret of {MIN_SECRET} characters or more")
        return self
