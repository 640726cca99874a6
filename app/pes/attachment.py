"""Take one attachment out of a flow: base64 of a gzip, inflated no further than a limit, whatever the flow weighs."""

import binascii
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from app.core.french import taille
from app.core.refusals import Refusal
from app.pes.flow import Attachment

LIMIT = 40 * 1024 * 1024
"""Bytes of an attachment once inflated: 290 kB of gzip can hold 300 MB of zeros."""
LOOKED_AT = 512 * 1024 * 1024
"""Bytes inflated at intake for a whole flow; what comes after is only looked at when somebody opens it."""
START = re.compile(rb"""<Fichier(?:[^>"']|"[^"]*"|'[^']*')*>""")
LONGEST_START = 1 << 16
STEP = 1 << 16  # bytes inflated at once
GZIP = b"\x1f\x8b"
_PDF = b"%PDF-"
TYPES = (
    (_PDF, "pdf", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image", "image/png"),
    (b"\xff\xd8\xff", "image", "image/jpeg"),
)


def content(pieces: Iterable[bytes], first: int, last: int) -> bytes:
    """The file between two bytes of a flow, which is read to its end so that its fingerprint is verified.

    Refuses `attachment-unreadable` for what is not base64 of a gzip, is cut, or is more than `LIMIT` bytes. A content that
    is base64 alone is taken as it is: some software does not compress (Class_PJ.xsd asks for it).
    """
    inflating, at = _Inflating(), 0
    for piece in pieces:
        part = piece[max(first - at, 0) : max(last - at, 0)]
        if part:
            inflating.feed(part)
        at += len(piece)
    return inflating.done()


def look(stream: IO[bytes], attachments: Sequence[Attachment]) -> Iterator[tuple[Attachment, str]]:
    """Inflate each attachment of a flow once, keeping nothing of it: those that would not open, or as something else.

    The end of a French sentence goes with each. At most `LOOKED_AT` bytes are inflated in all, and `LIMIT` for one; the
    first that was not looked at for that is told, and the others are not.
    """
    left = LOOKED_AT
    for attachment in attachments:
        if left <= 0:
            yield (
                attachment,
                "et celles qui la suivent n’ont pas été ouvertes au dépôt : elles pèsent trop lourd ensemble",
            )
            return
        inflating = _Inflating(keep=len(_PDF))
        stream.seek(attachment.start)
        to_read = attachment.end - attachment.start
        try:
            while to_read > 0 and (piece := stream.read(min(STEP, to_read))):
                to_read -= len(piece)
                inflating.feed(piece)
            inflating.done()
        except Refusal as refusal:
            yield attachment, str(refusal.facts["why"])
        else:
            if not inflating.compressed:
                yield attachment, "son contenu n’est pas compressé (gzip), ce que le format PES demande"
            elif attachment.media == "application/pdf" and not inflating.head.startswith(_PDF):
                yield attachment, "elle est annoncée comme un PDF et n’en est pas un"
        left -= inflating.count


def kind_of(data: bytes) -> tuple[str, str]:
    """How a file is shown (pdf, image, xml or other) and its media type, by its first bytes, whatever its name says."""
    for magic, kind, media in TYPES:
        if data.startswith(magic):
            return kind, media
    if data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "xml", "application/octet-stream"
    return "other", "application/octet-stream"


class _Inflating:
    """An attachment as its bytes come; `keep` bounds how much of its beginning stays in memory, None for all of it."""

    def __init__(self, keep: int | None = None) -> None:
        self.count = 0
        self._keep = keep
        self._head: bytes | None = b""
        self._rest = b""
        self._gzip: bool | None = None
        self._stream = zlib.decompressobj(wbits=31)
        self._inflated = bytearray()

    def feed(self, part: bytes) -> None:
        """Some more bytes of the element, its start tag first."""
        if self._head is not None:
            self._head += part
            tag = START.match(self._head)
            if tag is None:
                if len(self._head) > LONGEST_START:
                    raise _unreadable("son élément est démesuré")
                return
            part, self._head = self._head[tag.end() :], None
        self._rest += part.translate(None, b" \t\r\n")
        whole = len(self._rest) - len(self._rest) % 4
        ready, self._rest = self._rest[:whole], self._rest[whole:]
        try:
            self._take(binascii.a2b_base64(ready, strict_mode=True) if ready else b"")
        except (binascii.Error, zlib.error) as error:
            raise _unreadable("son contenu est abîmé") from error

    @property
    def compressed(self) -> bool:
        """Whether it is a gzip, as the format asks."""
        return bool(self._gzip)

    @property
    def head(self) -> bytes:
        """What is kept of its beginning."""
        return bytes(self._inflated)

    def done(self) -> bytes:
        """The whole file, as far as it is kept."""
        if self._head is not None or not (self.count or self._rest or self._gzip):
            raise _unreadable("son contenu est vide")
        if self._rest or (self._gzip and not self._stream.eof):
            raise _unreadable("son contenu est coupé")
        if not self.count:
            raise _unreadable("son contenu est vide")
        return bytes(self._inflated)

    def _take(self, data: bytes) -> None:
        if self._gzip is None and data:
            self._gzip = data.startswith(GZIP)
        while data:
            part = self._stream.decompress(data, STEP) if self._gzip else data
            data = self._stream.unconsumed_tail if self._gzip else b""
            self.count += len(part)
            room = len(part) if self._keep is None else max(self._keep - len(self._inflated), 0)
            self._inflated += part[:room]
            if self.count > LIMIT:
                raise _unreadable(f"décompressée, elle dépasse {taille(LIMIT)}")


def _unreadable(why: str) -> Refusal:
    return Refusal("attachment-unreadable", why=why)
