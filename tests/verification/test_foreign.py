"""Signed files that others made: judged with the same strictness, or said in so many words not to be judged here."""

import io
import struct
import subprocess
import warnings
import zipfile
import zlib

import pytest

from app.core.clock import now
from app.verification import kinds
from app.verification.readers.xades.parsing import NAMES
from app.verification.sentences import SENTENCES
from tests.builders.signing import refusal
from tests.builders.verify import verify
from tests.verification import foreign
from tests.verification.corpus import Corpus, put
from tests.verification.foreign import DOCUMENT, EXCLUSIVE, in_container, kept, xades, zipped


@pytest.fixture
def made(pki, trust, tmp_path) -> Corpus:
    return Corpus(pki, trust, tmp_path)


def only_verdict(made, trust, data):
    (one,) = verify(kept(made.room, data), trust, now())
    return one


@pytest.mark.parametrize(
    ("way", "covered"),
    [
        ("enveloped", "La signature couvre tout le document."),
        ("enveloping", "La signature couvre tout le contenu qu’elle enveloppe."),
    ],
)
def test_an_xades_of_others_is_valid(made, trust, way, covered):
    one = only_verdict(made, trust, xades(made, way))
    assert (one.verdict, one.name, one.level) == ("valide", "Armel KERVADEC", "B-B"), one.reason
    assert one.covered == covered
    assert one.report is not None


# signxml's exclusive form leaves the transformation of its properties unsaid: nobody but itself finds their hash right
AGREED = {
    "enveloped": (xades, True),
    "enveloping": (lambda c: xades(c, "enveloping"), True),
    "changed": (lambda c: put(xades(c), b"12000", b"99000"), False),
    "exclusive form of signxml": (lambda c: xades(c, c14n=EXCLUSIVE), False),
}


@pytest.mark.parametrize("name", AGREED)
def test_xmlsec1_agrees_on_what_is_intact(made, trust, name):
    make, intact = AGREED[name]
    path = kept(made.room, make(made), "foreign.xml")
    names = ((NAMES["ds"], "KeyInfo"), (NAMES["ds"], "Object"), (NAMES["xades"], "SignedProperties"))
    named = [word for space, one in names for word in ("--id-attr:Id", f"{space}:{one}")]
    told = subprocess.run(
        ["xmlsec1", "--verify", *named, "--trusted-pem", str(made.pki.root_pem), str(path)],
        capture_output=True,
        text=True,
    )
    (one,) = verify(path, trust, now())
    assert (told.returncode == 0, one.verdict) == (intact, "valide" if intact else "invalide"), told.stderr


LONE = b"<x>rien</x>"
FORGED = {
    "price changed": lambda c: put(xades(c), b"12000", b"99000"),
    "element added": lambda c: put(xades(c), b"<prix>", b"<prime>1</prime><prix>"),
    "price changed inside what is enveloped": lambda c: put(xades(c, "enveloping"), b"12000", b"99000"),
    "wrapped": lambda c: foreign.wrapped(xades(c)),
    "enveloping signature put in another document": lambda c: put(
        LONE, b"rien", foreign.SIGNATURE.search(xades(c, "enveloping")).group(0)
    ),
    "identifier said twice": lambda c: put(
        xades(c, "enveloping"), b"<ds:KeyInfo ", b'<ds:Object Id="object"/><ds:KeyInfo '
    ),
    "object added beside what is enveloped": lambda c: put(
        xades(c, "enveloping"), b"</ds:Signature>", b"<ds:Object>99000</ds:Object></ds:Signature>"
    ),
    "hour moved": lambda c: put(xades(c), b"SigningTime>20", b"SigningTime>19"),
    "price cut by a comment": lambda c: put(xades(c), b"12000", b"120<!-- -->00"),
    "price cut by two comments": lambda c: put(xades(c), b"12000", b"120<!-- --><!-- -->00"),
    "price cut inside what is enveloped": lambda c: put(xades(c, "enveloping"), b"12000", b"120<!-- -->00"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forgery_of_an_xml_is_never_valid(made, trust, name):
    data = FORGED[name](made)
    one = only_verdict(made, trust, data)
    assert one.verdict != "valide", (one.covered, one.reason)


def test_a_comment_that_cuts_no_text_changes_nothing(made, trust):
    one = only_verdict(made, trust, put(xades(made), b"<prix>", b"<!-- le prix --><prix>"))
    assert one.verdict == "valide", one.reason


def test_what_a_signature_leaves_out_is_listed(made, trust):
    one = only_verdict(made, trust, FORGED["enveloping signature put in another document"](made))
    assert (one.indication, one.sub_indication) == ("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE"), one.reason
    files = {**in_container(made, "e", "xades"), "avenant.pdf": b"99 000"}
    one = only_verdict(made, trust, zipped(files))
    assert one.verdict == "indéterminé"
    assert "Non signé : « avenant.pdf »" in one.covered
    assert "« avenant.pdf » n’est pas signé" in one.reason
    assert one.changes == "Ce qui est signé n’a pas changé ; du reste, la signature ne dit rien."


def test_plain_xml_signature_that_names_no_certificate_is_undecided(made, trust):
    data = xades(made)
    at, end = data.index(b"<ds:Object"), data.index(b"</ds:Object>") + len(b"</ds:Object>")
    one = only_verdict(made, trust, data[:at] + data[end:])
    assert one.verdict != "valide"


def test_an_xml_without_signature_has_none(made, trust):
    assert verify(kept(made.room, DOCUMENT), trust, now()) == []


@pytest.mark.parametrize(("kind", "form"), [("s", "xades"), ("s", "cades"), ("e", "xades"), ("e", "cades")])
def test_a_container_is_valid_and_names_the_files_that_it_signs(made, trust, kind, form):
    path = kept(made.room, zipped(in_container(made, kind, form)))
    assert kinds.of(path).name == "asic"
    (one,) = verify(path, trust, now())
    assert (one.verdict, one.name) == ("valide", "Armel KERVADEC"), one.reason
    assert "« budget.xml »" in one.covered
    assert ("« annexe.txt »" in one.covered) == ((kind, form) == ("e", "cades"))


@pytest.mark.parametrize(("kind", "form"), [("s", "xades"), ("s", "cades"), ("e", "xades"), ("e", "cades")])
def test_a_file_of_a_container_that_was_changed_or_taken_away_is_seen(made, trust, kind, form):
    files = in_container(made, kind, form)
    changed = {**files, "budget.xml": files["budget.xml"].replace(b"nautique", b"de nuit")}
    assert only_verdict(made, trust, zipped(changed)).verdict == "invalide"
    added = {**files, "autre.xml": b"<budget/>"}
    if (kind, form) == ("s", "cades"):
        assert refusal(verify, kept(made.room, zipped(added)), trust, now()) == "signature-file-unreadable"
    else:
        assert only_verdict(made, trust, zipped(added)).verdict == "indéterminé"
    if form == "cades" and kind == "e":
        other = {**files, "annexe.txt": b"Plan de la mairie"}
        assert only_verdict(made, trust, zipped(other)).verdict == "invalide"


def forged(files):
    """The same container with another budget in it."""
    return zipped({**files, "budget.xml": b"<budget>99000</budget>"})


def first_files(data):
    """A container without its directory: what a tool that reads as the bytes come takes out."""
    return data[: data.index(b"PK\x01\x02")]


def put_last(data, old, new):
    at = data.rindex(old)
    return data[:at] + new + data[at + len(old) :]


def commented(data, comment):
    return data[:-2] + struct.pack("<H", len(comment)) + comment


def packed(files, method=zipfile.ZIP_DEFLATED, after=b""):
    """A container whose budget is compressed, with bytes after its compressed end that count as its own."""
    genuine = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = genuine.compress(files["budget.xml"]) + genuine.flush() + after
    plain = zipped({"budget.xml": body, **{name: one for name, one in files.items() if name != "budget.xml"}})
    wrong = struct.pack("<3L", zlib.crc32(body), len(body), len(body))
    right = struct.pack("<3L", zlib.crc32(files["budget.xml"]), len(body), len(files["budget.xml"]))
    data = bytearray(plain.replace(wrong, right))
    for at, mark in ((8, data.index(b"PK\x03\x04")), (10, data.index(b"PK\x01\x02"))):
        data[mark + at : mark + at + 2] = struct.pack("<H", method)
    return bytes(data)


def as_streamed(files, method=zipfile.ZIP_DEFLATED):
    """A container written by a tool that cannot go back: sizes stand after each file (data descriptors)."""
    out = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return out.write(data)

    with zipfile.ZipFile(Pipe(), "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_link(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (0o120777 if name == "budget.xml" else 0o100644) << 16
            archive.writestr(info, data)
    return out.getvalue()


def second_name(files):
    """A name in Unicode beside the name, which some tools show instead."""
    other = b"\x01" + struct.pack("<L", zlib.crc32(b"budget.xml")) + b"avenant.xml"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HH", 0x7075, len(other)) + other if name == "budget.xml" else b""
            archive.writestr(info, data)
    return out.getvalue()


HIDDEN = {
    "a forged container before it": lambda files: forged(files) + zipped(files),
    "files of no directory before it": lambda files: first_files(forged(files)) + zipped(files),
    "bytes before it": lambda files: b"PK\x03\x04rien" + zipped(files),
    "a container after it": lambda files: zipped(files) + forged(files),
    "files of no directory after it": lambda files: zipped(files) + first_files(forged(files)),
    "bytes after it": lambda files: zipped(files) + b"\0",
    "files of no directory before the directory": lambda files: put_last(
        zipped(files),
        struct.pack("<L", len(first_files(zipped(files)))) + b"\0\0",
        struct.pack("<L", len(first_files(zipped(files)) + first_files(forged(files)))) + b"\0\0",
    ).replace(b"PK\x01\x02", first_files(forged(files)) + b"PK\x01\x02", 1),
    "a container in the comment": lambda files: commented(zipped(files), forged(files)),
    "an end record in the comment": lambda files: commented(zipped(files), forged(files)[-22:]),
    "the same name twice": lambda files: zipped([*files.items(), ("budget.xml", b"<budget/>")]),
    "a name in capitals": lambda files: zipped({**files, "Budget.XML": b"<budget/>"}),
    "a name by another way": lambda files: zipped({**files, "./budget.xml": b"<budget/>"}),
    "a name from the root": lambda files: zipped({**files, "/budget.xml": b"<budget/>"}),
    "a name by the room above": lambda files: zipped({**files, "META-INF/../budget.xml": b"<budget/>"}),
    "a name with a backslash": lambda files: zipped({**files, ".\\budget.xml": b"<budget/>"}),
    "a name in other accents": lambda files: zipped({**files, "é.txt": b"1", "e\u0301.txt": b"2"}),
    "a folder that holds bytes": lambda files: zipped({**files, "budget.xml/": b"<budget/>"}),
    "a folder of the file's name": lambda files: zipped({**files, "budget.xml/": b""}),
    "a file within the file": lambda files: zipped({**files, "budget.xml/1.xml": b"<budget/>"}),
    "an encrypted file": lambda files: put(
        zipped(files), b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\1"
    ),
    "a header of another name": lambda files: put(zipped(files), b"budget.xml", b"Budget.xml"),
    "a header of another length": lambda files: put(
        zipped(files),
        struct.pack("<2L", len(files["budget.xml"]), len(files["budget.xml"])),
        struct.pack("<2L", 9, 9),
    ),
    "sizes after the file that are others": lambda files: as_streamed(files).replace(
        b"PK\x07\x08" + struct.pack("<L", zlib.crc32(files["budget.xml"])), b"PK\x07\x08\0\0\0\0"
    ),
    "a file that ends twice": lambda files: as_streamed(
        {"fin.bin": b"PK\x07\x08" + bytes(12), **files}, zipfile.ZIP_STORED
    ),
    "bytes after the compressed file": lambda files: packed(files, after=b"<budget>99000</budget>"),
    "a link": with_link,
    "two names for one file": second_name,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_container_that_tools_read_differently_is_refused(made, trust, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = HIDDEN[name](in_container(made, "s", "xades"))
    assert refusal(verify, kept(made.room, data), trust, now()) == "container-unsound"


HONEST = {
    "compressed": packed,
    "compressed as it comes": as_streamed,
    "stored as it comes": lambda files: as_streamed(files, zipfile.ZIP_STORED),
    "with a comment": lambda files: commented(zipped(files), b"Fait a Kerlann"),
    "with its folder": lambda files: zipped({**files, "META-INF/": b""}),
}


@pytest.mark.parametrize("name", HONEST)
def test_a_container_is_valid_however_it_was_packed(made, trust, name):
    one = only_verdict(made, trust, HONEST[name](in_container(made, "e", "xades")))
    assert one.verdict == "valide", one.reason


PACKERS = {
    "zip": ["zip", "-q", "-r", "../out.zip", "mimetype", "META-INF", "budget.xml"],
    "zip as it comes": ["sh", "-c", "zip -q -r - mimetype META-INF budget.xml | cat > ../out.zip"],
    "7z": ["7z", "a", "-bd", "../out.zip", "mimetype", "META-INF", "budget.xml"],
    "bsdtar": ["bsdtar", "-c", "--format=zip", "-f", "../out.zip", "mimetype", "META-INF", "budget.xml"],
}


@pytest.mark.parametrize("name", PACKERS)
def test_a_container_that_common_tools_pack_is_valid(made, trust, name):
    room = made.room / "files"
    for path, data in in_container(made, "s", "xades").items():
        (room / path).parent.mkdir(parents=True, exist_ok=True)
        (room / path).write_bytes(data)
    subprocess.run(PACKERS[name], cwd=room, check=True, capture_output=True)
    (one,) = verify(made.room / "out.zip", trust, now())
    assert (one.verdict, one.covers_whole) == ("valide", True), one.reason


@pytest.mark.parametrize(
    "name",
    ["META-INF/Budget corrige.xml", "META-INF/manifest.xml", "META-INF/ASiCManifest2.xml", "META-INF/t.tst"],
)
def test_an_unsigned_file_beside_the_signatures_is_named(made, trust, name):
    files = {**in_container(made, "e", "xades"), name: b"<budget>99000</budget>"}
    one = only_verdict(made, trust, zipped(files))
    assert one.verdict == "indéterminé"
    assert f"Non signé : « {name} »" in one.covered


def test_the_list_of_files_that_the_format_puts_beside_them_is_its_own(made, trust):
    listed = b'<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    files = {**in_container(made, "e", "xades"), "META-INF/manifest.xml": listed}
    assert only_verdict(made, trust, zipped(files)).verdict == "valide"


UNSUPPORTED = {
    "JAdES": lambda c: (
        b'{"payload":"e30","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}]}'
    ),
    "JAdES, compact": lambda c: b"eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
    "Office": lambda c: zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}),
    "ZIP": lambda c: zipped({"a.txt": b"a"}),
    "timestamp alone": lambda c: zipped(
        {"mimetype": b"application/vnd.etsi.asic-s+zip", "a.txt": b"a", "META-INF/timestamp.tst": b"0"}
    ),
    "XSLT": lambda c: put(
        xades(c),
        b"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        b"http://www.w3.org/TR/1999/REC-xslt-19991116",
    ),
    "XPointer": lambda c: put(xades(c), b'URI=""', b'URI="#xpointer(/)"'),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_judged_here_is_said_in_so_many_words(made, trust, name):
    path = kept(made.room, UNSUPPORTED[name](made))
    assert refusal(verify, path, trust, now()) == "format-unsupported"
    assert "format non pris en charge ({what})" in SENTENCES["format-unsupported"][1]
