"""Beside our verdict on each file of the corpus, what others say: `python -m tests.attacks.second_opinions [WORD …]`.

pdfsig (poppler), `openssl cms` on the container, xmlsec1, and bare pyHanko, on which our own reading is built; and whether
poppler and pdfium draw the forgery or what was signed. With `--all`, every file; else those where somebody says otherwise.
"""

import contextlib
import io
import re
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pypdfium2
from PIL import Image, ImageChops
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from app.trust.certificates import certificates_in
from tests.attacks import catalogue
from tests.attacks.table import workshop, worst
from tests.attacks.workshop import Workshop

SECONDS = 30
GOOD, BAD, NONE = "bon", "mauvais", "—"


def run(*command: str, cwd: Path | None = None) -> tuple[int, str]:
    """The return code of a command and all that it said."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, cwd=cwd, check=False)
    except subprocess.TimeoutExpired:
        return 124, ""
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def pdfsig(path: Path) -> str:
    """What poppler says of the signatures: good when one at least is and none is bad."""
    told = run("pdfsig", "-nocert", str(path))[1]
    good, bad = told.count("Signature is Valid"), told.count("Signature is Invalid") + told.count("mismatch")
    if bad:
        return BAD
    return GOOD if good else NONE


def openssl(shop: Workshop, path: Path, content: Path | None, *, signed: bytes | None = None) -> str:
    """What `openssl cms` says of a container over its content, our root being trusted and revocation not asked."""
    room = path.parent
    if signed is not None:
        container, beside = room / "container.p7s", room / "signed.bin"
        start, ranges = ranges_of(signed)
        if start is None:
            return NONE
        container.write_bytes(start)
        beside.write_bytes(b"".join(signed[one : one + length] for one, length in ranges))
    else:
        container, beside = path, content
    command = [
        "openssl",
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        str(container),
        "-out",
        "/dev/null",
    ]
    command += ["-CAfile", str(shop.pki.root_pem), "-purpose", "any"]
    if beside is not None:
        command += ["-content", str(beside)]
    if container.read_bytes()[:5] == b"-----":
        command[command.index("DER")] = "PEM"
    return GOOD if run(*command)[0] == 0 else BAD


def ranges_of(data: bytes) -> tuple[bytes | None, list[tuple[int, int]]]:
    """The container of the first signature of a PDF and the ranges that its dictionary says, as anybody finds them."""
    numbers = re.search(rb"/ByteRange\s*\[([\d\s]*)\]", data)
    if numbers is None:
        return None, []
    said = list(map(int, numbers.group(1).split()))
    if len(said) != 4:
        return None, []
    hole = re.fullmatch(rb"<([0-9A-Fa-f]*)>.*", data[said[1] : said[2]], re.DOTALL)
    if hole is None or not hole.group(1):
        return None, []
    raw = bytes.fromhex((hole.group(1) + b"0" * (len(hole.group(1)) % 2)).decode())
    return raw, [(said[0], said[1]), (said[2], said[3])]


def pyhanko(shop: Workshop, path: Path) -> str:
    """What pyHanko says by itself, its defaults and our root: its « bottom line » for every signature."""
    roots = [one for data in shop.trust.roots for one in certificates_in(data)]
    try:
        reader = PdfFileReader(io.BytesIO(path.read_bytes()), strict=False)
        found = []
        for one in reader.embedded_regular_signatures:
            context = ValidationContext(trust_roots=roots, allow_fetching=False)
            found.append(validate_pdf_signature(one, context).bottom_line)
    except Exception:
        return BAD
    if not found:
        return NONE
    return GOOD if found[0] else BAD


def xmlsec1(shop: Workshop, path: Path, content: Path | None) -> str:
    """What xmlsec1 says of an XML signature, its file beside it under the name that it gives."""
    if content is not None:
        (path.parent / "budget.xml").write_bytes(content.read_bytes())
    kinds = ("KeyInfo", "SignedProperties", "Bordereau", "PES_Aller", "budget")
    spaces = {
        "KeyInfo": ("http://www.w3.org/2000/09/xmldsig#",),
        "SignedProperties": (
            "http://uri.etsi.org/01903/v1.3.2#",
            "http://uri.etsi.org/01903/v1.2.2#",
            "http://uri.etsi.org/01903/v1.1.1#",
        ),
    }
    named = []
    for kind in kinds:
        for space in spaces.get(kind, ("",)):
            named += ["--id-attr:Id", f"{space}:{kind}" if space else kind]
    named += ["--id-attr:Id", "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller:PES_Aller"]
    command = ("xmlsec1", "--verify", *named, "--enabled-reference-uris", "empty,same-doc,local,remote")
    trusted = ("--trusted-pem", str(shop.pki.root_pem), "--untrusted-pem", str(intermediates(shop)))
    code, _ = run(*command, *trusted, path.name, cwd=path.parent)
    return GOOD if code == 0 else BAD


def intermediates(shop: Workshop) -> Path:
    """The authorities between our root and people, as a PEM file."""
    from asn1crypto import pem

    target = shop.room / "intermediates.pem"
    if not target.exists():
        armoured = [pem.armor("CERTIFICATE", shop.pki.certificate(one)) for one in ("cards", "interm")]
        target.write_bytes(b"".join(armoured))
    return target


def drawn_by_poppler(path: Path) -> Image.Image | None:
    target = path.parent / "poppler"
    run("pdftoppm", "-r", "40", "-f", "1", "-l", "1", "-singlefile", "-png", str(path), str(target))
    made = target.with_suffix(".png")
    if not made.exists():
        return None
    with Image.open(made) as image:
        drawing = image.convert("RGB")
    made.unlink()
    return drawing


def drawn_by_pdfium(path: Path) -> Image.Image | None:
    with contextlib.suppress(pypdfium2.PdfiumError, ValueError):
        document = pypdfium2.PdfDocument(path)
        try:
            if document.get_formtype():
                document.init_forms()
            return document[0].render(scale=0.55).to_pil().convert("RGB")
        finally:
            document.close()
    return None


def signed_part(data: bytes) -> bytes:
    """The file as it was signed first: up to the end of the first signature's own revision."""
    _, ranges = ranges_of(data)
    end = sum(ranges[1]) if ranges else len(data)
    return data[:end] if 0 < end <= len(data) else data


def shows(path: Path, data: bytes) -> tuple[str, str]:
    """Whether poppler and pdfium draw the first page otherwise than it was signed: « faux », « signé », « rien »."""
    before = path.parent / "signed.pdf"
    before.write_bytes(signed_part(data))
    found = []
    for draw in (drawn_by_poppler, drawn_by_pdfium):
        old, new = draw(before), draw(path)
        if new is None:
            found.append("rien")
        elif old is None or old.size != new.size or ImageChops.difference(old, new).getbbox():
            found.append("faux")
        else:
            found.append("signé")
    return found[0], found[1]


def opinions(shop: Workshop, entry: catalogue.Entry) -> dict[str, str]:
    """Everybody's word on a file, by name."""
    path, content = shop.written(entry)
    data = path.read_bytes()
    ours = worst(catalogue.judge(shop, entry), entry)
    if b"%PDF-" in data[:1024]:
        poppler, pdfium = shows(path, data)
        return {
            "Paraphe": ours,
            "pdfsig": pdfsig(path),
            "openssl": openssl(shop, path, None, signed=data),
            "pyHanko": pyhanko(shop, path),
            "poppler montre": poppler,
            "pdfium montre": pdfium,
        }
    if data.lstrip()[:1] == b"<":
        return {"Paraphe": ours, "xmlsec1": xmlsec1(shop, path, content)}
    return {"Paraphe": ours, "openssl": openssl(shop, path, content)}


def differs(told: dict[str, str], *, forged: bool) -> bool:
    """Whether somebody believes a forgery, or disbelieves an honest file."""
    wrong = GOOD if forged else BAD
    return any(told.get(one) == wrong for one in ("pdfsig", "openssl", "pyHanko", "xmlsec1"))


def main(asked: list[str]) -> None:
    """Print the files, then the counts."""
    warnings.simplefilter("ignore")
    catalogue.everything()
    wanted, whole = [one for one in asked if not one.startswith("--")], "--all" in asked
    with workshop() as shop:
        for title, known in (("Forgeries", catalogue.FORGERIES), ("Honest files", catalogue.HONEST)):
            print(f"\n## {title}\n", flush=True)
            counts: dict[str, Counter[str]] = {}
            for entry in known.values():
                if wanted and not any(one.lower() in entry.name.lower() for one in wanted):
                    continue
                told = opinions(shop, entry)
                for who, word in told.items():
                    counts.setdefault(who, Counter())[word] += 1
                if whole or differs(told, forged=title == "Forgeries"):
                    print(
                        entry.name, "→", ", ".join(f"{who} {word}" for who, word in told.items()), flush=True
                    )
            print()
            for who, words in counts.items():
                print(
                    f"| {who} | "
                    + ", ".join(f"{word} {count}" for word, count in sorted(words.items()))
                    + " |"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
