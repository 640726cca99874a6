"""What each producer of Debian (and of our own libraries) writes: the same few documents, with its options.

A producer is a function of a room, which writes files there; it is left out when its program is not installed.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise, product
from pathlib import Path

import pikepdf
from PIL import Image, ImageDraw

from tests.builders.chromium import NAMES, executable, options

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SECONDS = 240
WORDS = "Délibération du conseil municipal de Kerlann-sur-Mer : œuvres d’été, 12 345,67 €, « été », Noël."


@dataclass(frozen=True)
class Producer:
    """`needs`: the programs that it runs."""

    name: str
    needs: tuple[str, ...]
    write: Callable[[Path], None]

    @property
    def here(self) -> bool:
        return all(shutil.which(one) for one in self.needs)


def run(*command: object, room: Path, fine: tuple[int, ...] = (0,), given: bytes | None = None) -> None:
    """Run a program in a room; what it says is shown only when it fails."""
    done = subprocess.run(
        [str(one) for one in command], cwd=room, capture_output=True, timeout=SECONDS, input=given
    )
    if done.returncode not in fine:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout)[-400:].decode(errors='replace')}")


def drawn(kind: str, mode: str = "RGB", size: tuple[int, int] = (620, 877)) -> bytes:
    """A picture of a page."""
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for row in range(12):
        pen.text((60, 60 + 40 * row), f"{row} Deliberation du conseil", fill="black")
    pen.rectangle((60, 600, 300, 800), outline="blue", fill="lightgrey")
    made = BytesIO()
    picture.convert(mode).save(made, kind)
    return made.getvalue()


def page(paragraphs: int = 3, table: bool = False, picture: bool = False, form: bool = False) -> str:
    """A document in HTML."""
    rows = "".join(f"<tr><td>Ligne {n}</td><td>{n * 1234},50 €</td></tr>" for n in range(12))
    body = "".join(f"<h2>Article {n + 1}</h2><p>{WORDS * 4}</p>" for n in range(paragraphs))
    body += f"<table border='1'>{rows}</table>" if table else ""
    body += f"<img src='data:image/png;base64,{base64.b64encode(drawn('PNG')).decode()}'>" if picture else ""
    body += "<p><a href='https://www.example.org/'>lien</a></p>" if form else ""
    return f"<!doctype html><html lang='fr'><meta charset='utf-8'><title>Délibération</title><body>{body}</body></html>"


CHROMIUM = next(filter(shutil.which, NAMES), NAMES[0])
DOCUMENTS = {
    "texte": page(),
    "long": page(40),
    "tableau": page(2, table=True),
    "image": page(1, picture=True),
    "lien": page(1, form=True),
}


def bases(room: Path) -> list[Path]:
    """Sound documents that other tools take apart and put together."""
    given = [*sorted((ASSETS / "acts").glob("*.pdf")), *sorted((ASSETS / "invoices").glob("fx-*.pdf"))[:2]]
    return [Path(shutil.copy(one, room / f"base-{one.stem[:24]}.pdf.in")) for one in given]


# Office and browsers


def writer(room: Path) -> None:
    for name, text in DOCUMENTS.items():
        (room / f"{name}.html").write_text(text, encoding="utf-8")
    exports = {
        "defaut": {},
        "pdfa1": {"SelectPdfVersion": 1},
        "pdfa2": {"SelectPdfVersion": 2},
        "pdfa3": {"SelectPdfVersion": 3},
        "pdf15": {"SelectPdfVersion": 15},
        "pdf20": {"SelectPdfVersion": 20},
        "balise": {"UseTaggedPDF": True, "ExportBookmarks": True},
        "brut": {"UseLosslessCompression": True, "ReduceImageResolution": False},
    }
    for name, chosen in exports.items():
        _soffice(room, name, "writer_web_pdf_Export", chosen, *sorted(room.glob("*.html")))


def few_of_writer(room: Path) -> None:
    (room / "texte.html").write_text(DOCUMENTS["texte"], encoding="utf-8")
    _soffice(room, "pdfa2", "writer_web_pdf_Export", {"SelectPdfVersion": 2}, room / "texte.html")


def _soffice(room: Path, name: str, export: str, chosen: dict[str, object], *sources: Path) -> None:
    kinds = {bool: "boolean", int: "long"}
    told = {key: {"type": kinds[type(value)], "value": str(value).lower()} for key, value in chosen.items()}
    to = f"pdf:{export}:{json.dumps(told)}" if told else "pdf"
    out = room / f"out-{name}"
    profile = f"-env:UserInstallation={(room / 'profile').as_uri()}"
    run("soffice", "--headless", profile, "--convert-to", to, "--outdir", out, *sources, room=room)
    for one in out.glob("*.pdf"):
        one.rename(room / f"{one.stem}-{name}.pdf")


def calc(room: Path) -> None:
    for name, rows in {"court": 10, "long": 400}.items():
        lines = [f"{n};Ligne {n};{n * 12},5;€" for n in range(rows)]
        (room / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    for name, chosen in {"defaut": {}, "pdfa2": {"SelectPdfVersion": 2}}.items():
        _soffice(room, name, "calc_pdf_Export", chosen, *sorted(room.glob("*.csv")))


def chromium(room: Path) -> None:
    _chromium(room, list(product(DOCUMENTS, (False, True), (False, True), ("A4", "A3"))))


def few_of_chromium(room: Path) -> None:
    _chromium(room, [("texte", False, True, "A4"), ("image", True, False, "A4")])


def _chromium(room: Path, several: list[tuple[str, bool, bool, str]]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def print_all() -> None:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=executable(), args=options())
            sheet = browser.new_page()
            for name, landscape, tagged, size in several:
                sheet.set_content(DOCUMENTS[name])
                path = (
                    room
                    / f"{name}-{'paysage' if landscape else 'portrait'}-{'balise' if tagged else 'simple'}-{size}.pdf"
                )
                sheet.pdf(path=path, format=size, landscape=landscape, tagged=tagged, outline=tagged)
            browser.close()

    with ThreadPoolExecutor(1) as apart:  # its loop is its own: ours are started elsewhere
        apart.submit(print_all).result()


def weasyprint(room: Path) -> None:
    for name, variant in product(DOCUMENTS, ("", "pdf/a-3b", "pdf/ua-1")):
        path = room / f"{name}-{variant.replace('/', '') or 'simple'}.pdf"
        more = ("--pdf-variant", variant) if variant else ()
        run("weasyprint", *more, "-", path, room=room, given=DOCUMENTS[name].encode())


def htmldoc(room: Path) -> None:
    for name, version in product(("texte", "long", "tableau"), ("1.3", "1.4")):
        (room / "page.html").write_text(DOCUMENTS[name], encoding="utf-8")
        how = ("--webpage", "--charset", "utf-8", "-t", f"pdf1{version[-1]}")
        run("htmldoc", *how, "-f", room / f"{name}-{version}.pdf", "page.html", room=room)


# TeX and PostScript

TEX = r"""\documentclass[%s]{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}
\title{D\'elib\'eration}\begin{document}\maketitle %s \end{document}"""
PARAGRAPHS = {
    "court": r"Le conseil municipal d\'elib\`ere. \section{Article} Montant : 12\,345,67.",
    "long": r"\section{Article} \newcount\n \n=0 \loop\advance\n by 1 Alin\'ea \the\n. Le conseil d\'elib\`ere.\par\ifnum\n<200\repeat",
    "table": r"\begin{tabular}{|l|r|}\hline a & 1\\ b & 2\\ \hline\end{tabular}",
}


def tex(room: Path) -> None:
    settings = {
        "13": r"\pdfminorversion=3 \pdfobjcompresslevel=0 ",
        "14": r"\pdfminorversion=4 \pdfcompresslevel=0 \pdfobjcompresslevel=0 ",
        "15": r"\pdfminorversion=5 \pdfobjcompresslevel=2 ",
        "17": r"\pdfminorversion=7 \pdfobjcompresslevel=3 ",
    }
    for (name, text), (version, setting) in product(PARAGRAPHS.items(), settings.items()):
        source = room / f"{name}-{version}.tex"
        source.write_text(setting + TEX % ("a4paper", text), encoding="utf-8")
        run("pdflatex", "-interaction=batchmode", source.name, room=room)
    for name, text in PARAGRAPHS.items():
        source = room / f"{name}-dvi.tex"
        source.write_text(TEX % ("a4paper", text), encoding="utf-8")
        run("latex", "-interaction=batchmode", source.name, room=room)
        for version in ("3", "5", "7"):
            run(
                "dvipdfmx",
                "-q",
                "-V",
                version,
                "-o",
                f"{name}-dvipdfmx-{version}.pdf",
                f"{name}-dvi.dvi",
                room=room,
            )
        if shutil.which("dvips") and shutil.which("ps2pdf"):
            run("dvips", "-q", f"{name}-dvi.dvi", "-o", f"{name}.ps", room=room)
            run("ps2pdf", f"{name}.ps", f"{name}-dvips.pdf", room=room)


def ghostscript(room: Path) -> None:
    source = room / "page.ps"
    lines = "".join(f"72 {780 - 20 * n} moveto (Ligne {n} du conseil municipal) show " for n in range(30))
    one = f"/Helvetica findfont 12 scalefont setfont {lines} showpage\n"
    source.write_text("%!PS\n<< /PageSize [595 842] >> setpagedevice\n" + one * 3, encoding="ascii")
    for version, fast in product(("1.3", "1.4", "1.5", "1.6", "1.7", "2.0"), ("false", "true")):
        how = (f"-dCompatibilityLevel={version}", f"-dFastWebView={fast}", "-sDEVICE=pdfwrite")
        run(
            "gs",
            "-q",
            "-dBATCH",
            "-dNOPAUSE",
            *how,
            f"-sOutputFile=ps-{version}-{fast}.pdf",
            source,
            room=room,
        )
    for base, how in product(bases(room), ("/screen", "/prepress")):
        name = f"{base.stem[:-4]}-{how[1:]}.pdf"
        run(
            "gs",
            "-q",
            "-dBATCH",
            "-dNOPAUSE",
            "-sDEVICE=pdfwrite",
            f"-dPDFSETTINGS={how}",
            f"-sOutputFile={name}",
            base,
            room=room,
        )
    run(
        "gs",
        "-q",
        "-dBATCH",
        "-dNOPAUSE",
        "-sDEVICE=pdfimage24",
        "-r72",
        "-sOutputFile=image.pdf",
        source,
        room=room,
    )
    if shutil.which("enscript"):
        (room / "texte.txt").write_bytes("\n".join([WORDS] * 90).encode("latin-1", "replace"))
        run("enscript", "-q", "-p", "texte.ps", "texte.txt", room=room)
        run("ps2pdf", "texte.ps", "enscript.pdf", room=room)


# Drawings

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}"><rect x="40" y="40" width="{x}" height="90"
 fill="none" stroke="navy"/><text x="50" y="90" font-size="14">Plan du port, échelle 1/{x}</text></svg>"""


def cairo(room: Path) -> None:
    for number, (wide, high) in enumerate(((595, 842), (842, 595), (1684, 2384), (298, 420), (200, 2000))):
        (room / "plan.svg").write_text(SVG.format(w=wide, h=high, x=150 + number), encoding="utf-8")
        for version in ("pdf1.5", "pdf1.7", "pdf"):
            run(
                "rsvg-convert",
                "-f",
                version,
                "-o",
                f"plan-{wide}x{high}-{version}.pdf",
                "plan.svg",
                room=room,
                fine=(0, 1),
            )
    if shutil.which("dot"):
        run(
            "dot",
            "-Tpdf:cairo",
            "-o",
            "circuit.pdf",
            room=room,
            given=b"digraph { depot -> visa -> signature }",
        )


def few_of_cairo(room: Path) -> None:
    run("pdftocairo", "-pdf", bases(room)[0], "cairo.pdf", room=room)


def pdftocairo(room: Path) -> None:
    for base in bases(room):
        run("pdftocairo", "-pdf", base, f"{base.stem[:-4]}.pdf", room=room)
        run(
            "pdftocairo",
            "-pdf",
            "-paper",
            "A3",
            "-f",
            "1",
            "-l",
            "1",
            base,
            f"{base.stem[:-4]}-a3.pdf",
            room=room,
        )
        run(
            "pdftocairo",
            "-pdf",
            "-expand",
            "-paperw",
            "300",
            "-paperh",
            "300",
            base,
            f"{base.stem[:-4]}-petit.pdf",
            room=room,
        )


def gnuplot(room: Path) -> None:
    for terminal in ("pdfcairo", "pdfcairo mono size 21cm,29.7cm"):
        for curve in ("sin(x)", "x**2"):
            out = f"courbe-{len(terminal)}-{len(curve)}.pdf"
            run("gnuplot", "-e", f"set terminal {terminal}; set output '{out}'; plot {curve}", room=room)


def imagemagick(room: Path) -> None:
    for kind in ("PNG", "JPEG", "TIFF"):
        (room / f"page.{kind.lower()}").write_bytes(drawn(kind))
    for kind, how in product(("png", "jpeg", "tiff"), ("zip", "jpeg", "lzw", "none", "group4")):
        run("magick", f"page.{kind}", "-density", "75", "-compress", how, f"{kind}-{how}.pdf", room=room)
    run("magick", "page.png", "page.jpeg", "page.png", "-density", "75", "trois.pdf", room=room)
    run("magick", "page.png", "-rotate", "90", "-density", "75", "-colorspace", "gray", "gris.pdf", room=room)


def img2pdf(room: Path) -> None:
    for kind, mode in (
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "1"),
        ("PNG", "P"),
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("TIFF", "1"),
    ):
        source = room / f"{kind}-{mode}.{kind.lower()}"
        source.write_bytes(drawn(kind, mode))
        run("img2pdf", source, "-o", f"{source.stem}.pdf", room=room)
        run(
            "img2pdf",
            "--pagesize",
            "A4^T",
            "--border",
            "1cm",
            source,
            "-o",
            f"{source.stem}-a4.pdf",
            room=room,
        )


# Tools that take apart and put together


def qpdf(room: Path) -> None:
    _qpdf(room, bases(room), dict(QPDF))


def few_of_qpdf(room: Path) -> None:
    _qpdf(room, bases(room)[:1], {name: QPDF[name] for name in ("linearise", "linearise-flux", "flux")})


QPDF = {
    "linearise": ("--linearize",),
    "linearise-flux": ("--linearize", "--object-streams=generate"),
    "linearise-table": ("--linearize", "--object-streams=disable"),
    "flux": ("--object-streams=generate",),
    "table": ("--object-streams=disable",),
    "qdf": ("--qdf",),
    "tourne": ("--rotate=+90",),
    "version": ("--force-version=1.3", "--object-streams=disable"),
}


def _qpdf(room: Path, several: list[Path], options: dict[str, tuple[str, ...]]) -> None:
    for base, (name, how) in product(several, options.items()):
        run("qpdf", *how, base, f"{base.stem[:-4]}-{name}.pdf", room=room, fine=(0, 3))


def pdftk(room: Path) -> None:
    several = bases(room)
    for base in several:
        name = base.stem[:-4]
        run("pdftk", base, "cat", "1east", "output", f"{name}-est.pdf", room=room)
        run("pdftk", base, "output", f"{name}-comprime.pdf", "compress", room=room)
        run("pdftk", base, "output", f"{name}-ouvert.pdf", "uncompress", room=room)
    run("pdftk", *several, "cat", "output", "tout.pdf", room=room)
    run("pdftk", several[0], "stamp", several[1], "output", "tampon.pdf", room=room)
    run("pdftk", several[0], "background", several[1], "output", "fond.pdf", room=room)
    run("pdftk", several[0], "burst", "output", "page-%02d.pdf", room=room)


def poppler(room: Path) -> None:
    several = bases(room)
    for first, second in pairwise(several):
        run("pdfunite", first, second, f"{first.stem[:-4]}-unis.pdf", room=room)
    run("pdfunite", *several, "tous-unis.pdf", room=room)
    for base in several:
        run("pdfseparate", "-l", "1", base, f"{base.stem[:-4]}-page-%d.pdf", room=room)


def few_of_poppler(room: Path) -> None:
    several = bases(room)
    run("pdfunite", several[0], several[1], "unis.pdf", room=room)
    run("pdfseparate", "-l", "1", several[0], "page-%d.pdf", room=room)


def mupdf(room: Path) -> None:
    for base, how in product(bases(room), ("-gggg", "-ggggz", "-s", "-d", "-Z")):
        run("mutool", "clean", how, base, f"{base.stem[:-4]}{how}.pdf", room=room)


# Our own libraries


def libraries(room: Path) -> None:
    import pypdfium2
    from fpdf import FPDF

    for base in bases(room):
        with pikepdf.open(base) as pdf:
            pdf.save(room / f"{base.stem[:-4]}-pikepdf.pdf", linearize=True)
            pdf.save(
                room / f"{base.stem[:-4]}-pikepdf-flux.pdf",
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
            )
        with pypdfium2.PdfDocument(base) as document:
            document.save(room / f"{base.stem[:-4]}-pdfium.pdf")
    for pages, compressed in product((1, 5), (True, False)):
        made = FPDF()
        made.set_compression(compressed)
        made.set_font("Helvetica", size=11)
        for _ in range(pages):
            made.add_page()
            made.multi_cell(0, 6, WORDS.replace("œ", "oe").replace("’", "'").replace("€", "EUR"))
        made.output(str(room / f"fpdf-{pages}-{compressed}.pdf"))


def few_of_libraries(room: Path) -> None:
    with pikepdf.open(bases(room)[0]) as pdf:
        pdf.save(room / "pikepdf.pdf", linearize=True)


def reportlab(room: Path) -> None:
    script = (
        "import sys\nfrom reportlab.pdfgen import canvas\n"
        "for pages in (1, 4):\n for compress in (0, 1):\n  for invariant in (0, 1):\n"
        "   c = canvas.Canvas(f'reportlab-{pages}-{compress}-{invariant}.pdf', pageCompression=compress, invariant=invariant)\n"
        "   for n in range(pages):\n    c.drawString(72, 700, 'Deliberation %d' % n); c.bookmarkPage(str(n)); c.showPage()\n"
        "   c.save()\n"
    )
    run("/usr/bin/python3", "-c", script, room=room)


PRODUCERS = (
    Producer("LibreOffice Writer", ("soffice",), writer),
    Producer("LibreOffice Calc", ("soffice",), calc),
    Producer("Chromium", (CHROMIUM,), chromium),
    Producer("WeasyPrint", ("weasyprint",), weasyprint),
    Producer("HTMLDOC", ("htmldoc",), htmldoc),
    Producer("TeX", ("pdflatex", "latex", "dvipdfmx"), tex),
    Producer("Ghostscript", ("gs",), ghostscript),
    Producer("cairo (librsvg, graphviz)", ("rsvg-convert",), cairo),
    Producer("cairo (poppler)", ("pdftocairo",), pdftocairo),
    Producer("gnuplot", ("gnuplot",), gnuplot),
    Producer("ImageMagick", ("magick",), imagemagick),
    Producer("img2pdf", ("img2pdf",), img2pdf),
    Producer("qpdf", ("qpdf",), qpdf),
    Producer("pdftk", ("pdftk",), pdftk),
    Producer("poppler", ("pdfunite", "pdfseparate"), poppler),
    Producer("MuPDF", ("mutool",), mupdf),
    Producer("ReportLab", ("img2pdf",), reportlab),
    Producer("pikepdf, pdfium, fpdf2", (), libraries),
)
FEW = (
    Producer("LibreOffice Writer", ("soffice",), few_of_writer),
    Producer("Chromium", (CHROMIUM,), few_of_chromium),
    Producer("cairo", ("pdftocairo",), few_of_cairo),
    Producer("qpdf", ("qpdf",), few_of_qpdf),
    Producer("poppler", ("pdfunite", "pdfseparate"), few_of_poppler),
    Producer("pikepdf", (), few_of_libraries),
)
"""A few files of those that the tests install (tests/system-packages.sh), for the usual suite."""


def made_by(producers: tuple[Producer, ...], home: Path) -> Iterator[tuple[str, Path]]:
    """The files of each producer, with its name."""
    for one in producers:
        room = home / "".join(letter for letter in one.name if letter.isalnum())
        room.mkdir(parents=True, exist_ok=True)
        if not any(room.glob("*.pdf")):  # a room that is given again has them
            one.write(room)
        for path in sorted(room.glob("*.pdf")):
            yield one.name, path
