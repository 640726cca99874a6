"""The font that our documents and the visible stamp of a signature are drawn with."""

from functools import lru_cache
from pathlib import Path

FONT = Path(__file__).parent / "paraphe-stamp.ttf"


@lru_cache(maxsize=1)
def characters() -> frozenset[str]:
    """Every sign that the font of our documents draws."""
    from fontTools.ttLib import TTFont

    with TTFont(FONT, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))
