"""Makes every hostile or odd file of the tests when they run: none of them is kept in the repository.

By hand: `python -m tests.assets.make_hostile FOLDER` writes them all, to look at them.
"""

import hashlib
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name

from tests.assets.make_signed import GOOD, signed


def good_pdf() -> bytes:
    """A sound deliberation of two pages."""
    return GOOD.read_bytes()


def changed(change: Callable[[pikepdf.Pdf], object], **saving: object) -> bytes:
    """The good PDF after one change."""
    with pikepdf.open(GOOD) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, **saving)
        return out.getvalue()


def _script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS="app.alert('bonjour')")


def _launch() -> Dictionary:
    return Dictionary(S=Name.Launch, F="cmd.exe")


def _on_open(action: Callable[[], Dictionary]) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = action()

    return change


def _on_page(pdf: pikepdf.Pdf) -> None:
    pdf.pages[1].AA = Dictionary(O=_script())


def _in_names(pdf: pikepdf.Pdf) -> None:
    tree = Dictionary(Names=Array([pikepdf.String("start"), pdf.make_indirect(_script())]))
    pdf.Root.Names = Dictionary(JavaScript=tree)


def _in_link(action: Callable[[], Dictionary]) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=action())
        pdf.pages[0].Annots = Array([pdf.make_indirect(link)])

    return change


def _chained(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(
        S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]), Next=Array([_script()])
    )


def _xfa(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp:xdp/>"))


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF written by hand, object 1 being its catalogue: libraries refuse to write what these tests need."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


_CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"


def _looping_pages() -> bytes:
    """A list of pages that lists itself."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    return raw_pdf(_CATALOGUE, b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>", page)


def _exploding_pages() -> bytes:
    """Ten levels, each listing the next one ten times: ten thousand million pages in one kilobyte."""
    levels = [b"<< /Type /Pages /Count 1 /Kids [" + b"%d 0 R " % (n + 1) * 10 + b"] >>" for n in range(2, 12)]
    return raw_pdf(_CATALOGUE, *levels, b"<< /Type /Page /MediaBox [0 0 9 9] >>")


def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def page_of_zeros(size: int, times: int = 1) -> bytes:
    """A page whose content inflates to this size, through one or more layers of deflate."""
    with pikepdf.open(GOOD) as pdf:
        data = _zeros(size)
        for _ in range(times - 1):
            data = zlib.compress(data, 9)
        stream = pikepdf.Stream(pdf, data)
        stream.stream_dict = Dictionary(Filter=Array([Name.FlateDecode] * times))
        pdf.pages[0].Contents = pdf.make_indirect(stream)
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        return out.getvalue()


def encrypted(user: str, owner: str) -> bytes:
    """The good PDF under passwords; an empty user password opens without asking, but forbids changes."""
    return changed(lambda _pdf: None, encryption=pikepdf.Encryption(user=user, owner=owner, R=6))


def broken_xref() -> bytes:
    """A table of objects that points beside every object."""
    data = pikepdf_classic()
    start = data.rindex(b"\nxref")
    return data[:start] + data[start:].replace(b"0000000", b"0000001")


def pikepdf_classic() -> bytes:
    """The good PDF with a plain cross-reference table."""
    return changed(lambda _pdf: None, object_stream_mode=pikepdf.ObjectStreamMode.disable)


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that announces any size and holds these rows (each begins with a filter byte)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def noisy_png(side: int) -> bytes:
    """A square PNG that does not compress, so that its data can be cut."""
    noise = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(side * side * 3 // 32 + side))
    return png(side, side, b"".join(b"\0" + noise[n * side * 3 : (n + 1) * side * 3] for n in range(side)))


def archive(**members: bytes) -> bytes:
    """A ZIP archive; two underscores in a name stand for its slash."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, body in members.items():
            zipped.writestr(name.replace("__", "/"), body)
    return out.getvalue()


def _laughs() -> bytes:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">{levels}]><a>&a9;</a>'.encode()


_XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'

# file name -> (bytes, the key of its refusal). Each is refused as a main document to be signed.
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "vide.pdf": (bytes, "file-empty"),
    "coupe.pdf": (lambda: good_pdf()[:20_000], "file-truncated"),
    "sans-fin.pdf": (lambda: good_pdf()[:-9], "file-truncated"),
    "revision-coupee.pdf": (lambda: signed()[:-200], "file-truncated"),
    "bouillie.pdf": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF", "file-damaged"),
    "page-web.pdf": (lambda: b"<!DOCTYPE html><html><body>Facture</body></html>", "file-disguised"),
    "archive.pdf": (lambda: archive(facture=b"x"), "file-disguised"),
    "programme.pdf": (lambda: b"MZ" + bytes(200), "file-disguised"),
    "texte.pdf": ("Délibération".encode, "file-disguised"),
    "pdf.png": (good_pdf, "file-disguised"),
    "pdf.xml": (good_pdf, "file-disguised"),
    "image.pdf": (lambda: png(8, 8), "file-disguised"),
    "archive.docx": (lambda: archive(virus=b"x"), "file-disguised"),
    "classeur.docx": (lambda: archive(**{"[Content_Types].xml": b"x", "xl__a.xml": b"x"}), "file-disguised"),
    "macro.docm": (lambda: archive(a=b"x"), "file-type-unsupported"),
    "programme.exe": (lambda: b"MZ" + bytes(200), "file-type-unsupported"),
    "sans-extension": (good_pdf, "file-type-unsupported"),
    "mot-de-passe.pdf": (lambda: encrypted("secret", "secret"), "file-encrypted"),
    "modification-interdite.pdf": (lambda: encrypted("", "proprietaire"), "file-encrypted"),
    "formulaire-xfa.pdf": (lambda: changed(_xfa), "file-xfa"),
    "script-ouverture.pdf": (lambda: changed(_on_open(_script)), "file-javascript"),
    "script-page.pdf": (lambda: changed(_on_page), "file-javascript"),
    "script-noms.pdf": (lambda: changed(_in_names), "file-javascript"),
    "script-lien.pdf": (lambda: changed(_in_link(_script)), "file-javascript"),
    "script-enchaine.pdf": (lambda: changed(_chained), "file-javascript"),
    "script-masque.pdf": (
        lambda: (
            changed(
                _on_open(_script), object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False
            ).replace(b"/S /JavaScript", b"/S /J#61vaScrip#74")[:-1]
            + b"\n"
        ),
        "file-javascript",
    ),
    "lancement-ouverture.pdf": (lambda: changed(_on_open(_launch)), "file-launch"),
    "lancement-lien.pdf": (lambda: changed(_in_link(_launch)), "file-launch"),
    "certifie-1.pdf": (lambda: signed(certify=1, free_field=True), "file-certified"),
    "certifie-2-sans-champ.pdf": (lambda: signed(certify=2), "file-certified-closed"),
    "signe-precede.pdf": (lambda: b"bonjour\n" + signed(), "file-signed-preceded"),
    "signe-suivi-de-restes.pdf": (lambda: signed() + b"restes", "file-signed-damaged"),
    "pages-en-boucle.pdf": (_looping_pages, "file-page-loop"),
    "pages-explosives.pdf": (_exploding_pages, "file-page-loop"),
    "bombe.pdf": (lambda: page_of_zeros(300 << 20), "file-inflates"),
    "bombe-double.pdf": (lambda: page_of_zeros(300 << 20, 2), "file-inflates"),
    "doctype.xml": (f'<?xml version="1.0"?>\n<!-- a -->{_XXE}'.encode, "xml-doctype"),
    "doctype-utf16.xml": (
        lambda: f'<?xml version="1.0" encoding="UTF-16"?>{_XXE}'.encode("utf-16"),
        "xml-doctype",
    ),
    "doctype-marque.xml": (lambda: b"\xef\xbb\xbf" + _XXE.encode(), "xml-doctype"),
    "mille-rires.xml": (_laughs, "xml-doctype"),
    "utf7.xml": (lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>', "xml-encoding"),
    "faux-utf8.xml": (
        lambda: '<?xml version="1.0" encoding="UTF-8"?><a>délibéré</a>'.encode("latin-1"),
        "xml-encoding",
    ),
    "faux-utf16.xml": (lambda: b'<?xml version="1.0" encoding="UTF-16"?><a/>', "xml-encoding"),
    "mal-forme.xml": (lambda: b"<a>\n<b></a>", "xml-malformed"),
    "deux-racines.xml": (lambda: b"<a/><b/>", "xml-malformed"),
    "commentaire-sans-fin.xml": (lambda: b"<!-- a", "xml-malformed"),
    "profond.xml": (lambda: b"<a>" * 5000 + b"</a>" * 5000, "xml-too-deep"),
    "image-coupee.png": (lambda: noisy_png(200)[:60_000], "image-damaged"),
    "image-geante.png": (lambda: png(60_000, 60_000), "image-too-large"),
}

# file name -> bytes: only badly built, a repaired copy is offered.
REPAIRABLE: dict[str, Callable[[], bytes]] = {
    "table-fausse.pdf": broken_xref,
    "restes-avant.pdf": lambda: b"HTTP/1.1 200 OK\r\n\r\n" + good_pdf(),
    "restes-apres.pdf": lambda: good_pdf() + b"<!-- imprime par le copieur -->",
}


def main(folder: Path) -> None:
    """Write them all into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {**{name: make for name, (make, _) in REFUSED.items()}, **REPAIRABLE}
    for name, make in makers.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
