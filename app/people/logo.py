"""The logo of a collectivity: shown with its name on pages, letters and slips; an image made again here, and nothing else."""

from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa

from app.core.db import Db
from app.people.models import Collectivity
from app.people.own_settings.registry import Kind, Own, Picture, Setting, own_value

LOGO = "logo"
HEIGHT = 32
"""How high it is shown, in points of a page."""
WIDEST = 320
"""How wide it is shown at most, in points of a page, whatever the size that is kept of it."""


class Shown(NamedTuple):
    """A logo as a page shows it: what tells it from any other, and how wide it is at `HEIGHT`."""

    mark: str
    width: int


def setting() -> Setting:
    """The setting; its value among the others says which image it is, and its size."""
    return Setting(
        LOGO,
        "Affichage",
        "Logo",
        "Une image PNG ou JPEG, de 2 Mo au plus, dont un côté ne dépasse pas dix fois l’autre ; elle est "
        "réduite, posée sur du blanc, et ne garde rien d’autre d’elle-même. "
        "Un SVG n’est pas pris.",
        "haut des pages sur un grand écran, bordereaux et courriels, à côté du nom",
        Kind.IMAGE,
        lambda: "",
        picture=Picture(_clean, _keep, summary, accept=".png,.jpg,.jpeg"),
    )


def shown_in(own: Own) -> Shown | None:
    """The logo of whoever has these settings; None without."""
    value = own_value(own, LOGO)
    if value is None:
        return None
    mark, _, size = str(value).partition(" ")
    width, height = map(int, size.split("x"))
    return Shown(mark, min(WIDEST, max(1, round(width * HEIGHT / height))))


def png_of(db: Db, collectivity_id: int) -> bytes | None:
    """The image; None without."""
    png = db.scalar(sa.select(Collectivity.logo).where(Collectivity.id == collectivity_id))
    return bytes(png) if png else None


def summary(value: str) -> str:
    """« une image de 320 × 80 points »."""
    width, _, height = value.partition(" ")[2].partition("x")
    return f"une image de {width} × {height} points"


def _clean(data: bytes) -> tuple[bytes, str]:
    from app.files.images import logo_of

    png, width, height = logo_of(data)
    return png, f"{sha256(png).hexdigest()[:16]} {width}x{height}"


def _keep(row: Collectivity, png: bytes | None) -> None:
    row.logo = png
