"""What a channel lets an installation decide: declared in its folder, read, checked and told with all the settings of Paraphe."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

HOME = Path(__file__).resolve().parents[1] / "channels"
PREFIX = "PARAPHE_"
DATA = "<données>"


class ChannelSettings(BaseModel):
    """The base of the settings of a channel: the field `folder` of the channel `handover` is `PARAPHE_HANDOVER_FOLDER`.

    Every field has a default that reaches nobody, and a French `description` for who installs; a validator refuses in
    French. The default of a folder is relative, and stands inside the data folder: nothing is ever written in whatever
    directory the process stands in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    copied_as: ClassVar[Mapping[str, str]] = {}
    """The names of the folders in a copy of the installation, by field, for those that have another than `<channel>-<field>`."""

    @classmethod
    def channel(cls) -> str:
        """The name of the channel: that of the folder where the class is written."""
        return cls.__module__.split(".")[-2]

    @classmethod
    def folders(cls) -> list[str]:
        """The fields that are folders of the channel's own: those whose default is a path."""
        return [name for name, field in cls.model_fields.items() if isinstance(field.default, Path)]

    @classmethod
    def placed(cls, data: Path | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The values that were given, made absolute where they are paths, and the folders that were not, inside `data`."""
        values = {name: value for name, value in attributes.items() if value is not None}
        for name in cls.folders():
            if values.get(name):
                values[name] = Path(values[name]).absolute()
            elif data is not None:
                values[name] = data / cls.model_fields[name].default
        return values

    @classmethod
    def inside(cls, data: Path, **attributes: Any) -> Self:
        """Settings whose folders stand inside `data`, but for what is given."""
        return cls.model_validate(cls.placed(data, attributes))

    @classmethod
    def read(cls, settings: Any) -> Self:
        """The settings of this channel: the attributes of those of Paraphe that are named `<channel>_…`, else the defaults.

        Refuses (ValidationError) a folder that is neither given nor inside a `data_dir`.
        """
        if isinstance(settings, cls):
            return settings
        attributes = {name: getattr(settings, f"{cls.channel()}_{name}", None) for name in cls.model_fields}
        return cls.model_validate(cls.placed(getattr(settings, "data_dir", None), attributes))

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        lost = [name for name in self.folders() if not getattr(self, name).is_absolute()]
        if lost:
            raise ValueError(f"dossier à donner, ou à placer dans celui des données : {', '.join(lost)}")
        return self

    def copied(self) -> dict[str, Path]:
        """The folders that go with a copy of the installation, by the name that they have in it."""
        return {
            self.copied_as.get(name, f"{self.channel()}-{name}".replace("_", "-")): getattr(self, name)
            for name in self.folders()
        }


def names() -> list[str]:
    """The channels that exist: one folder each."""
    return sorted(home.parent.name for home in HOME.glob("*/channel.py"))


@lru_cache(maxsize=1)
def declared() -> Mapping[str, type[ChannelSettings]]:
    """The settings of each channel, by its name, found by walking the folders.

    Refuses (TypeError) a folder without exactly one `ChannelSettings`, a field without a description, and a default path
    that does not stay inside the data folder: a mistake of who writes the channel.
    """
    return {name: _checked(name) for name in names()}


def _checked(name: str) -> type[ChannelSettings]:
    module = import_module(f"app.channels.{name}.settings")
    own = [
        subclass for subclass in ChannelSettings.__subclasses__() if subclass.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise TypeError(f"{module.__name__}: one class on ChannelSettings is asked")
    (model,) = own
    for field, info in model.model_fields.items():
        if not info.description:
            raise TypeError(f"{module.__name__}: {field} has no description, in French, for who installs")
        if isinstance(info.default, Path) and (info.default.is_absolute() or ".." in info.default.parts):
            raise TypeError(f"{module.__name__}: the default of {field} is not inside the data folder")
    return model


def as_transport(value: str, installation: Mapping[str, Any] | None) -> str:
    """Who carries what a channel sends to the State: `simulated`, or `s2low`, which the settings given must know; ValueError."""
    if value == "s2low" and installation is not None and not installation.get("s2low_url"):
        raise ValueError("demande PARAPHE_S2LOW_URL, l’adresse https de l’opérateur")
    if value not in {"simulated", "s2low"}:
        raise ValueError("il faut simulated ou s2low")
    return value


def table(model: type[ChannelSettings]) -> Iterator[tuple[str, str, str]]:
    """Name, default and sense of each setting of a channel, as `docs/operations.md` writes them."""
    for name, field in model.model_fields.items():
        value = field.default
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(plain, Path):
            plain = f"{DATA}/{plain.as_posix()}"
        text = str(plain).lower() if isinstance(plain, bool) else str(plain)
        yield (
            f"{PREFIX}{model.channel()}_{name}".upper(),
            "" if plain in (None, "", ()) else f"`{text}`",
            field.description or "",
        )
