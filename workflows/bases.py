"""What several families share is written once, in a base, and laid under each of them."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from workflows.loader import read_yaml

HOME = Path(__file__).parent


@cache
def _written(name: str) -> dict[str, Any]:
    """A base as it is written, read once for all its families: it ships with the program."""
    base: dict[str, Any] = read_yaml((HOME / name / "base.yaml").read_text(encoding="utf-8"))
    return base


def with_base(data: Mapping[str, Any]) -> tuple[dict[str, Any], ModuleType | None]:
    """The declaration of a family over that of its base, and the rules of the base; both as they are without `base`.

    A key that the family writes takes the place of the base's, but for two: `rules` come after those of the base, and
    `fields` are laid over the base's by key, so that a family changes a label without writing the field again. What is
    asked from publication on stays last. Refuses with KeyError or OSError a base that is none.
    """
    own = dict(data)
    name = own.pop("base", None)
    if name is None:
        return own, None
    base: dict[str, Any] = deepcopy(_written(str(name)))
    fields = {field["key"]: field for field in base.pop("fields")}
    for field in own.pop("fields", ()):
        fields[field["key"]] = {**fields.get(field["key"], {}), **field}
    laid = {**base, **own}
    laid["rules"] = [*base.get("rules", ()), *own.get("rules", ())]
    laid["fields"] = sorted(fields.values(), key=lambda field: field.get("required_from") == "publish")
    return laid, import_module(f"workflows.{name}.rules")
