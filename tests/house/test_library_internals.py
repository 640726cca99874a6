"""What we ask of the inside of libraries: read in one release, and to be read again before another is pinned."""

import ast
import imaplib
import inspect
import io
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.generic import Reference
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import policies
from werkzeug.routing import BuildError, Map, Rule

from app.core.routes import Route
from app.pdf import gate, updates
from app.pdf.revisions import Reader

ROOT = Path(__file__).resolve().parents[2]
READ_IN = "0.38.0"

# Each name of a library that begins with an underscore and that we call, import or override, with the release in which it
# was read. Another release may mean something else by it without a word: read it there, then write that release here.
INTERNALS = {
    ("pyhanko", READ_IN): {
        "_ensure_writer",
        "_extract_subset",
        "_font_descriptor",
        "_glyphs",
        "_indirect_object_access_cache",
        "_init_cert_info",
        "_is_id",
        "_load_reverse_xref_cache",
        "_read_object",
        "_trailer_revisions",
    },
    ("pyhanko-certvalidator", "0.33.0"): {"_register_root"},
    ("flask-wtf", "1.3.0"): {"_get_csrf_token"},
    ("urllib3", "2.8.0"): {"_new_conn"},
    ("werkzeug", "3.1.9"): {"_compile_builder"},
    ("psycopg", "3.3.9"): {"_queries"},
    ("sqlalchemy", "2.1.9"): {"_handle_dbapi_exception"},
    ("python-pkcs11", "0.9.5"): {"_loaded"},
}
STANDARD = {"imaplib": {"_create_socket"}}
"""The same of the library of Python itself: a mailbox is reached at the address that was judged."""
TYPES = {"_Element", "_ElementTree", "_Comment"}
"""How lxml's own types are named, by its stubs: for annotations alone."""
OURS = {"app", "workflows", "config"}


def ours(path: Path) -> set[str]:
    """The names of a file's functions, of what it gives to its objects, and of what it declares in its classes."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.attr if isinstance(node, ast.Attribute) else node.id)
    return names


def named_inside(path: Path, own: set[str]) -> Iterator[str]:
    """The names with an underscore that a file takes from a library, or puts over one of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] not in OURS:
            known |= {one.asname or one.name: (node.module, one.name) for one in node.names}
            yield from (one.name for one in node.names if re.match("_[a-z]", one.name, re.IGNORECASE))
        elif isinstance(node, ast.Import):
            known |= {one.asname or one.name.split(".")[0]: (one.name, "") for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr):
            of_a_module = isinstance(node.value, ast.Name) and node.value.id in known
            if of_a_module or node.attr not in own:
                yield node.attr
        if isinstance(node, ast.ClassDef):
            bases = [base for one in node.bases if (base := of_a_library(one, known)) is not None]
            methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
            yield from (
                name
                for name in methods
                if re.match("_[a-z]", name) and any(hasattr(base, name) for base in bases)
            )


def of_a_library(base: ast.expr, known: dict[str, tuple[str, str]]) -> Any:
    """The class of a library that a class of ours is made of; None for one of ours."""
    first, *more = ast.unparse(base).partition("[")[0].split(".")
    if first not in known or known[first][0].split(".")[0] in OURS:
        return None
    place, name = known[first]
    found: Any = import_module(place)
    for step in [name, *more] if name else more:
        found = getattr(found, step)
    return found


def test_what_is_taken_from_inside_a_library_says_the_release_in_which_it_was_read():
    files = [one for home in ("app", "workflows") for one in sorted((ROOT / home).rglob("*.py"))]
    files = [one for one in files if "demo" not in one.parts]  # what simulates is no part of an installation
    own = set().union(*map(ours, files))
    taken = {name for path in files for name in named_inside(path, own)} - TYPES - {"_exit"}  # `os._exit`
    assert taken == set().union(*INTERNALS.values(), *STANDARD.values())
    lock = (ROOT / "docs" / "deploy" / "requirements.lock").read_text(encoding="utf-8")
    for name, release in INTERNALS:
        assert (version(name), f"\n{name}=={release}" in lock) == (release, True), name


def test_a_mailbox_is_still_opened_by_the_method_that_judges_its_address():
    assert list(inspect.signature(imaplib.IMAP4._create_socket).parameters) == ["self", "timeout"]
    assert "_create_socket" in inspect.getsource(imaplib.IMAP4.open)


SIGNED = Path(__file__).parents[1] / "assets/pdf/dss-pkcs7.pdf"


def test_the_release_that_was_read_is_pinned_and_installed():
    pins = (Path(__file__).parents[2] / "requirements.txt").read_text()
    assert f"pyhanko[opentype,etsi]=={READ_IN}" in pins.splitlines()
    assert version("pyhanko") == READ_IN


def test_its_notion_of_one_object_is_the_one_that_its_own_analysis_has():
    assert gate._is_id is policies._is_id


def test_what_it_computes_for_its_analysis_is_where_we_look():
    with SIGNED.open("rb") as stream:
        reader = PdfFileReader(stream)
        assert len(reader.trailer._trailer_revisions) == reader.xrefs.total_revisions
        revision = reader.get_historical_resolver(reader.xrefs.total_revisions - 1)
        revision._load_reverse_xref_cache()
        assert revision.root_ref in revision._indirect_object_access_cache


LONG = b"30820102" + b"0" * 1024
SAID = bytes.fromhex(LONG.decode())
WRITTEN = {
    "ours": (b"<< /Type /Sig /Contents <%s> /ByteRange [0 1 2 3] >>" % LONG, SAID),
    "said before": (b"<</ByteRange[0 1 2 3]/Contents<%s>/Reason (a \\) > b)>>" % LONG, SAID),
    "within another": (b"<< /Other << /Contents <%s> >> /Contents <%s> >>" % (LONG[8:], LONG), SAID),
    "another's alone": (b"<< /Other << /Contents <%s> >> >>" % LONG, None),
    "in a text": (b"<< /Reason (/Contents <%s>) /Contents <00> >>" % LONG, b"\0"),
    "twice": (b"<< /Contents <%s> /Contents <00> >>" % LONG, None),
    "twice, hidden": (b"<< /Contents <%s> /Conten#74s <00> >>" % LONG, None),
    "after a comment": (b"<< %% > >>\n /Contents <%s> >>" % LONG, None),
    "in lines": (b"<< /Contents <%s\n%s> >>" % (LONG, LONG), None),
    "of odd length": (b"<< /Contents <%s0> >>" % LONG, None),
    "of something else": (b"<< /Contents <%sxy> >>" % LONG, None),
    "short": (b"<< /Contents <3000> >>", None),
    "of a stream": (b"<< /Contents <%s> /Length 3 >>\nstream\nabc\nendstream" % LONG, None),
    "never closed": (b"<< /Contents <%s" % LONG, None),
    "a list": (b"[ /Contents <%s> ]" % LONG, None),
}


def of_three(third: bytes) -> bytes:
    """A document whose third object is the one given."""
    objects = (b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>", third)
    data, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    rows = b"".join(b"%010d 00000 n \n" % one for one in places)
    tail = b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(data)
    return data + b"xref\n0 4\n0000000000 65535 f \n" + rows + tail


def told(reader: PdfFileReader, number: int, generation: int = 0) -> object:
    """An object as it would be written again; what it raised, when it cannot be read."""
    written = io.BytesIO()
    try:
        read = reader.get_object(Reference(number, generation, reader))
        read.write_to_stream(written, None)
    except Exception as error:
        return type(error)
    return type(read), read.container_ref, written.getvalue()


@pytest.mark.parametrize("name", WRITTEN)
def test_a_signature_s_string_that_is_taken_at_once_is_the_one_that_pyhanko_reads(name):
    third, at_once = WRITTEN[name]
    stream = io.BytesIO(of_three(third))
    ours, theirs = (one(stream, strict=False) for one in (Reader, PdfFileReader))
    taken = ours._signature(ours.xrefs[Reference(3, 0, ours)])
    assert (taken[1] if taken else None) == at_once
    assert str(told(ours, 3)) == str(told(theirs, 3))
    if at_once:
        assert ours.get_object(Reference(3, 0, ours))["/Contents"].original_bytes == at_once


def test_a_signed_file_is_read_as_pyhanko_reads_it_whole():
    with SIGNED.open("rb") as stream:
        ours, theirs = (one(stream, strict=False) for one in (Reader, PdfFileReader))
        references = ours.xrefs.explicit_refs_in_revision(ours.xrefs.total_revisions - 1)
        for one in references:
            assert str(told(ours, one.idnum, one.generation)) == str(told(theirs, one.idnum, one.generation))


WANTED = {1, 12, 120}
REFERENCES = {
    b"12 0 R": True,
    b"[0012%a\n 0\n%b\r R]": True,
    b"/K 7 0 R 120 5 R": True,
    b"112 0 R": False,
    b"1012 0 R": False,
    b"12 0 RG": False,
    b"12 0.5 R": False,
    b"0000000012 0 R": True,
    b"00000000012 0 R": False,
}


@pytest.mark.parametrize("written", REFERENCES)
def test_a_reference_is_found_by_its_digits_as_among_all_that_looks_like_one(written):
    asked = updates._reference(WANTED), updates._ANY
    assert [updates._refers(written, pattern, WANTED) for pattern in asked] == [REFERENCES[written]] * 2


RULES = (
    ("/", {}),
    ("/dossiers/<int:folder>", {}),
    ("/dossiers/<int:folder>/règle <rule>/", {}),
    ("/fichiers/<path:self>", {}),
    ("/pages", {"defaults": {"page": 1}}),
    ("/pages/<int:page>", {}),
)
VALUES = (
    {},
    {"folder": 7},
    {"folder": 7, "rule": "é/?"},
    {"folder": 7, "rule": "x", "mot": ["a b", "c&d"], "nul": None},
    {"self": "a/b c"},
    {"page": 1},
    {"page": 2},
    {"folder": "sept"},
    {"map": "x"},
)


def addresses(kind: type[Rule]) -> list[object]:
    """What each rule writes for each set of values, twice; the kind of error for one that it cannot write."""
    rules = [kind(text, endpoint=str(rank), **more) for rank, (text, more) in enumerate(RULES)]
    adapter = Map(rules).bind("mairie.example")
    written: list[object] = []
    for rank in range(len(RULES)):
        for values in VALUES * 2:
            for unknown in (True, False):
                try:
                    written.append(adapter.build(str(rank), dict(values), append_unknown=unknown))
                except (BuildError, ValueError, TypeError) as error:
                    written.append(type(error))
    return written


def test_an_address_compiled_late_is_the_one_that_werkzeug_writes():
    written = addresses(Route)
    assert written == addresses(Rule)
    assert {"/", "/dossiers/7", "/fichiers/a/b%20c", "/pages", "/pages/2"} <= set(written)
