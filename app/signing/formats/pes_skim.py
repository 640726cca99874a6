"""Gives a flow to expat without the middle of its long texts, and says where in the file each of expat's bytes is.

Nine tenths of a large flow are attachments in base64. A stretch of bytes without any of < > & ] and quotes begins and
ends no markup, whatever is around it, so leaving out its middle changes no element. What it could change is the word
that it is in, and that is made impossible: in a tag, the kilobyte that is kept before the middle is a fault already
(three words without quotes) or a name longer than `LONGEST_NAME`, which the caller refuses; in a reference to a
character, it has a letter that is no hexadecimal digit. Whether the middle has only characters that XML allows is left
to whoever reads the whole file.
"""

from bisect import bisect_right
from xml.parsers.expat import XMLParserType

WINDOW = 1 << 10
LONGEST_NAME = WINDOW - 24  # characters of a name, an Id or a namespace that the caller may accept
LEAST = 3 * WINDOW  # a stretch worth cutting: what is kept at each end, and something between
MARKS = (b"<", b">", b"&", b"]", b'"', b"'")
HEXADECIMAL = b"0123456789abcdefABCDEFx"


class Skim:
    """Feeds a parser, block after block."""

    def __init__(self, parser: XMLParserType) -> None:
        self._parser = parser
        self.fed = 0
        self._at, self._left_out = (
            [0],
            [0],
        )  # from that byte of the parser on, so many bytes of the file before it

    def feed(self, block: bytes) -> None:
        """The next bytes of the file."""
        done = at = 0
        size = len(block)
        while at + LEAST <= size:
            # Only a window without « < » can begin a stretch: in the dense part of a flow there is none
            if block.find(b"<", at, at + LEAST) >= 0:
                at += WINDOW
                continue
            end = _stretch(block, at)
            middle, last = at + WINDOW, end - WINDOW
            if last > middle and _certain(block[at:middle]):
                self.parse(block[done:middle])
                self._at.append(self.fed)
                self._left_out.append(self._left_out[-1] + last - middle)
                done = last
            at = max(end, at + WINDOW)
        self.parse(block[done:])

    def parse(self, part: bytes) -> None:
        """The next bytes of the file, all of them."""
        self._parser.Parse(part, False)
        self.fed += len(part)

    def offset(self) -> int:
        """The byte of the file where the parser's present event begins."""
        return self.real(self._parser.CurrentByteIndex)

    def real(self, index: int) -> int:
        """The byte of the file that is the parser's byte `index`."""
        return index + self._left_out[bisect_right(self._at, index) - 1]


def _stretch(block: bytes, at: int) -> int:
    """Where the stretch without marks that begins at `at` ends."""
    end = len(block)
    for mark in MARKS:
        found = block.find(mark, at, end)
        end = found if found >= 0 else end
    return end


def _certain(kept: bytes) -> bool:
    words = kept.split()
    return (len(words) > 2 or words == [kept]) and bool(kept.strip(HEXADECIMAL))
