"""Make the font of the visible stamp: the Latin glyphs of DejaVu Sans Condensed, on 1000 units per em.

Run it by hand when the source font changes (it needs Debian's fonts-dejavu-extra and fontTools):

    python app/pdf/fonts/make_font.py /usr/share/fonts/truetype/dejavu/DejaVuSansCondensed.ttf
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

NAME = "Paraphe Stamp"
TARGET = Path(__file__).parent / "paraphe-stamp.ttf"
LATIN = [
    range(0x20, 0x7F),  # ASCII
    range(0xA0, 0x250),  # Latin-1, Latin Extended-A and -B
    tuple(
        map(ord, "ɓɖɗəɛɣɩɨɲɔʃʉʊʋʒ")
    ),  # letters of Azerbaijani, Hausa, Ewe, Lingala… kept among the phonetic ones
    range(0x2B9, 0x2BE),  # modifier apostrophes, among them the Breton c’h as some registers type it
    range(0x300, 0x370),  # combining accents, for what has no composed form
    range(0x1E00, 0x1F00),  # Latin Extended Additional: Welsh, Vietnamese, German capital ß
    range(0x2000, 0x2070),  # spaces, dashes, quotation marks, ellipsis
    (0x20AC, 0x2116, 0x2122),  # €, №, ™
]


def make(source: Path, target: Path) -> None:
    """Write the font; PDF widths are read in font units by pyHanko 0.38, right only on 1000 units per em."""
    # DejaVu keeps its dates: the same source gives the same bytes
    font = TTFont(source, recalcTimestamp=False)
    wanted = {code for block in LATIN for code in block} & set(font.getBestCmap())
    options = subset.Options()
    options.hinting = False
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    options.drop_tables += ["MATH", "gasp"]
    options.notdef_outline = True
    options.recalc_timestamp = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    scale_upem(font, 1000)
    # The licence forbids the names « Bitstream » and « Vera » to changed fonts; we also leave « DejaVu » to its authors
    for record in font["name"].names:
        if record.nameID in (1, 4):
            record.string = NAME
        elif record.nameID == 6:
            record.string = NAME.replace(" ", "")
    font.save(target)


if __name__ == "__main__":
    make(Path(sys.argv[1]), TARGET)
