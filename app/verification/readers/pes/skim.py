"""Long texts of a flow, which nobody has to parse: nine tenths of a large flow are attachments in base64.

Once a parser has read everything that it was given and stands inside an element, what comes is text until the next
mark, whatever it says. So a stretch without marks may be left out, and the parser sees the same elements.
"""

from collections.abc import Callable, Iterator
from xml.parsers.expat import XMLParserType

WINDOW = 1 << 9
LEAST = 8 * WINDOW  # a stretch worth leaving out
MARKS = (b"<", b"&", b"]")  # what ends a text, or is more than a character of it


def stretches(block: bytes) -> Iterator[tuple[int, int]]:
    """The long stretches without marks of a block, each from its first byte to the one after its last, in order."""
    at, size = 0, len(block)
    while at + LEAST <= size:
        # In the dense part of a flow no window is free of tags, and nothing else is looked for
        mark = block.rfind(b"<", at, at + LEAST)
        if mark >= 0:
            at = mark + 1
            continue
        end = size
        for opening in MARKS:
            position = block.find(opening, at, end)
            end = position if position >= 0 else end
        if end - at >= LEAST:
            yield at, end
        at = end + 1


class Skim:
    """Feeds a parser all but the long texts, and says where in the file its events are."""

    def __init__(self, parser: XMLParserType, inside: Callable[[], bool]) -> None:
        """`inside` says whether an element is open."""
        self._parser, self._inside = parser, inside
        self.fed = 0
        self._left_out = 0

    def feed(self, block: bytes) -> None:
        """The next bytes of the file, of which a long text may be left out."""
        done = 0
        for start, end in stretches(block):
            self.parse(block[done : start + WINDOW])
            done = start + WINDOW
            # ASCII, so that no character of several bytes is cut in two
            if self.between() and self._inside() and block[done:end].isascii():
                self._left_out += end - done
                done = end
        self.parse(block[done:])

    def parse(self, part: bytes) -> None:
        """The next bytes of the file, all of them."""
        self._parser.Parse(part, False)
        self.fed += len(part)

    def between(self) -> bool:
        """Whether the parser has read all that it was given: it is in no tag, comment, instruction or reference."""
        return self._parser.CurrentByteIndex == self.fed

    def offset(self, index: int) -> int:
        """The byte of the file that is the parser's byte `index`, of an event that follows all that was left out."""
        return index + self._left_out
