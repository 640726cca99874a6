"""Where forgeries are made: the test authority, a few signed files made once, and the hand tools of a forger."""

import dataclasses
import hashlib
import io
from functools import cached_property
from pathlib import Path

import pikepdf
from asn1crypto import cms as asn1
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from app.core.clock import now
from app.signing.formats import pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan, Stamp
from app.trust.certificates import Trust
from demo.pki import TestPki
from tests.verification.corpus import DOCUMENT, Corpus

SCAM = "PAYER 999 000 EUR A SARL ESCROC"
STAMP_BOX = (330, 60, 530, 130)


class Workshop:
    """One test authority, a room to write in, and what was made once."""

    def __init__(self, pki: TestPki, room: Path) -> None:
        self.pki, self.room = pki, room
        room.mkdir(parents=True, exist_ok=True)
        root = pki.root_pem.read_bytes()
        self.trust = Trust((root,), (root,), fetch=True, allowed_hosts=(pki.host,), timeout=20)
        self.silent = dataclasses.replace(self.trust, allowed_hosts=())
        self.corpus = Corpus(pki, self.trust, room)
        self._made: dict[str, object] = {}

    def moment(self):
        return now()

    def once(self, name: str, make):
        """What `make` made the first time."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def made(self, entry):
        """The bytes of an entry, and the second file when there is one."""
        made = self.once(f"entry {entry.name}", lambda: entry.make(self))
        return made if isinstance(made, tuple) else (made, None)

    def written(self, entry) -> tuple[Path, Path | None]:
        """The files of an entry on disk."""
        data, content = self.made(entry)
        stem = hashlib.sha256(entry.name.encode()).hexdigest()[:16]
        folder = self.room / stem
        folder.mkdir(exist_ok=True)
        path = folder / "file"
        path.write_bytes(data)
        if content is None:
            return path, None
        beside = folder / "content"
        beside.write_bytes(content)
        return path, beside

    def key(self, label: str = "a_kervadec") -> Pkcs12Key:
        return self.once(f"key {label}", lambda: Pkcs12Key.load(self.pki.p12(label), self.pki.passphrase))

    # Documents before any signature

    @cached_property
    def plain(self) -> bytes:
        """The deliberation with a plain cross-reference table, uncompressed."""
        return resaved(DOCUMENT)

    def prepared(self, change, data: bytes | None = None) -> bytes:
        """The plain deliberation after a change by its author, before the signature (`change` takes a pikepdf.Pdf)."""
        with pikepdf.open(io.BytesIO(data or self.plain)) as pdf:
            change(pdf)
            return saved(pdf)

    # Signed files

    def stamped(self, data: bytes | None = None, field: str = "Signature1", box=STAMP_BOX, **how) -> bytes:
        """Signed by pyHanko's own defaults with a visible stamp, no lock: what others cannot see, we must."""
        data = data or self.plain
        if field not in field_names(data):
            data = with_field(data, field, box)
        return self.corpus.signed(data=data, field=field, **{"level": "B-B", **how})

    @cached_property
    def base(self) -> bytes:
        """A deliberation signed by the mayor, plain cross-reference table, undated."""
        return self.stamped()

    @cached_property
    def compressed(self) -> bytes:
        """The same over the file as its author's program wrote it: object streams and a cross-reference stream."""
        return self.stamped(DOCUMENT)

    @cached_property
    def ours(self) -> bytes:
        """The same as Paraphe makes it: two fields, the first signed, stamped and dated."""
        return self.sealed()

    def sealed(
        self, data: bytes | None = None, label: str = "a_kervadec", field: str = "maire", tsa=True
    ) -> bytes:
        from app.trust.timestamp import TimestampClient

        source, target = self.room / "to-seal.pdf", self.room / "sealed.pdf"
        source.write_bytes(data or DOCUMENT)
        pades.seal(
            source,
            target,
            key=self.key(label),
            field=field,
            fields=[FieldPlan("maire", boxed(60)), FieldPlan("secretaire", boxed(300))],
            stamp=Stamp(("Signé électroniquement par", "Armel KERVADEC", "Maire", "le 25/11/2026")),
            now=now(),
            timestamper=TimestampClient(self.pki.tsa_url, timeout=20) if tsa else None,
        )
        return target.read_bytes()


def boxed(left: int):
    from app.signing.ports import Box

    return Box(0, left, 44, left + 200, 98)


def resaved(data: bytes, **how) -> bytes:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return saved(pdf, **how)


def saved(pdf: pikepdf.Pdf, **how) -> bytes:
    out = io.BytesIO()
    settings = {
        "object_stream_mode": pikepdf.ObjectStreamMode.disable,
        "deterministic_id": True,
        **how,
    }
    pdf.save(out, **settings)
    return out.getvalue()


def field_names(data: bytes) -> set[str]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return {str(one.get("/T", "")) for one in pdf.Root.get("/AcroForm", {}).get("/Fields", [])}


def with_field(data: bytes, name: str, box=None, page: int = 0) -> bytes:
    writer, out = IncrementalPdfFileWriter(io.BytesIO(data)), io.BytesIO()
    append_signature_field(writer, SigFieldSpec(name, on_page=page, box=box))
    writer.write(out)
    return out.getvalue()


# What a forger writes: objects of PDF from Python's own


def thing(value):
    """A PDF object of pyHanko: « /Name » a name, other texts strings, dicts and lists as they are."""
    if isinstance(value, dict):
        parts = {generic.NameObject(f"/{key}"): thing(one) for key, one in value.items()}
        return generic.DictionaryObject(parts)
    if isinstance(value, (list, tuple)):
        return generic.ArrayObject(map(thing, value))
    plain = {
        bool: generic.BooleanObject,
        int: generic.NumberObject,
        float: lambda number: generic.FloatObject(str(number)),
        str: lambda text: generic.NameObject(text) if text.startswith("/") else generic.pdf_string(text),
        bytes: generic.ByteStringObject,
        type(None): lambda _nothing: generic.NullObject(),
    }
    return plain.get(type(value), lambda same: same)(value)


HELVETICA = {"F9": {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica-Bold"}}


def scam_content(text: str = SCAM, size=(595, 842)) -> bytes:
    """A white page and what the forger wants to be read."""
    width, height = size
    return (
        f"q 1 1 1 rg 0 0 {width} {height} re f 0 0 0 rg BT /F9 {min(22, max(6, height // 3))} Tf "
        f"{min(40, width // 10)} {height * 2 // 3} Td ({text}) Tj ET Q"
    ).encode()


def stream(writer, content: bytes, **entries):
    return writer.add_object(generic.StreamObject(thing(entries), stream_data=content))


def appearance(writer, size=(595, 842), text: str = SCAM):
    """A form XObject of that size that shows the forger's page."""
    return stream(
        writer,
        scam_content(text, size),
        Type="/XObject",
        Subtype="/Form",
        BBox=[0, 0, *size],
        Resources={"Font": HELVETICA},
    )


def page_of(writer, number: int = 0):
    """The reference to a page of a flat page tree."""
    return writer.root["/Pages"]["/Kids"].raw_get(number)


def scam_page(writer, number: int = 0) -> None:
    """The page shows the forger's words instead of its own."""
    page = page_of(writer, number).get_object()
    page["/Contents"] = stream(writer, scam_content())
    page["/Resources"] = thing({"Font": HELVETICA})
    writer.update_container(page)


def changed(data: bytes, change, *more) -> bytes:
    """One more revision, well written, with `change(writer, *more)` in it."""
    writer, out = IncrementalPdfFileWriter(io.BytesIO(data), strict=False), io.BytesIO()
    change(writer, *more)
    writer.write(out)
    return out.getvalue()


def signature_of(writer, rank: int = 0):
    """The dictionary of a signature, by the rank of its field."""
    fields = [one.get_object() for one in writer.root["/AcroForm"]["/Fields"]]
    return [one for one in fields if one.get("/FT") == "/Sig" and "/V" in one][rank]["/V"]


# By hand, where a library refuses to write what is needed


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where things are in a file: what a forger reads in it before he appends to it."""

    size: int
    root: int
    page: int
    page_text: bytes
    startxref: int
    info: bytes


def layout(data: bytes) -> Layout:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        page = pdf.pages[0].obj
        at = data.rindex(b"startxref")
        return Layout(
            size=int(pdf.trailer.Size),
            root=pdf.Root.objgen[0],
            page=page.objgen[0],
            page_text=page.unparse(resolved=True),
            startxref=int(data[at + 9 :].split()[0]),
            info=b"",
        )


def raw_stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(content), content)


def scam_objects(data: bytes) -> dict[int, bytes]:
    """The page rewritten, as objects to be appended: number to body."""
    found = layout(data)
    number = found.size + 20
    with pikepdf.open(io.BytesIO(data)) as pdf:
        page = pdf.pages[0].obj
        text = {key: page[key].unparse() for key in page if key not in {"/Contents", "/Resources"}}
    text["/Contents"] = b"%d 0 R" % number
    text["/Resources"] = b"<< /Font << /F9 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >> >> >>"
    body = b"<< %b >>" % b" ".join(key.encode() + b" " + value for key, value in text.items())
    return {found.page: body, number: raw_stream(scam_content())}


def written_objects(objects: dict[int, bytes], start: int) -> tuple[bytes, dict[int, int]]:
    """Objects written one after the other from `start` on, and where each is."""
    out, places = bytearray(), {}
    for number, body in objects.items():
        places[number] = start + len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    return bytes(out), places


def table(places: dict[int, int], kind: bytes = b"n") -> bytes:
    """A cross-reference table over those places."""
    lines = b"".join(
        b"%d 1\n%010d 00000 %b \n" % (number, place, kind) for number, place in sorted(places.items())
    )
    return b"xref\n" + lines


def trailer(data: bytes, size: int, more: bytes = b"", prev: int | None = None) -> bytes:
    found = layout(data)
    before = found.startxref if prev is None else prev
    return b"trailer\n<< /Size %d /Root %d 0 R /Prev %d %b >>\n" % (size, found.root, before, more)


def appended(data: bytes, objects: dict[int, bytes], end: bytes = b"%%EOF\n", more: bytes = b"") -> bytes:
    """A revision written by hand: objects, table, trailer, startxref, then `end`."""
    start = len(data) + 1
    body, places = written_objects(objects, start)
    at = start + len(body)
    size = max(max(objects) + 1, layout(data).size)
    tail = table(places) + trailer(data, size, more) + b"startxref\n%d\n" % at
    return data + b"\n" + body + tail + end


# Signatures made by hand, over whatever ranges


def container(data: bytes, rank: int = 0) -> tuple[int, int, bytes]:
    """Where the hexadecimal of a signature is (without its < and >), and its DER without the zeros after it."""
    at = -1
    for _ in range(rank + 1):
        at = data.index(b"/Contents <3", at + 1)
    start = at + len(b"/Contents <")
    end = data.index(b">", start)
    raw = bytes.fromhex(data[start:end].decode())
    length = asn1.ContentInfo.load(raw).dump()
    return start, end, length


def byte_range(data: bytes, rank: int = 0) -> list[int]:
    at = -1
    for _ in range(rank + 1):
        at = data.index(b"/ByteRange", at + 1)
    text = data[data.index(b"[", at) + 1 : data.index(b"]", at)]
    return list(map(int, text.split()))


def filled(data: bytes, start: int, end: int, der: bytes) -> bytes:
    return data[:start] + der.hex().encode().ljust(end - start, b"0") + data[end:]


def signed_bytes(
    shop: Workshop, covered: bytes, label: str = "a_kervadec", *, attached: bool = False
) -> bytes:
    """A CMS signature (PAdES attributes) over any bytes, by a key of the test authority."""
    import asyncio

    signer = shop.corpus.key(label)
    digest = hashlib.sha256(covered).digest()
    made = asyncio.run(signer.async_sign(digest, "sha256", use_pades=True))
    return made.dump()
