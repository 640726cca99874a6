"""Signed files that others made: judged with the same strictness, or said in so many words not to be judged here."""

import subprocess
import warnings

import pytest

from app.core.clock import now
from app.signing import kinds
from app.signing.formats.xades_reading import NAMES
from app.signing.verifier.sentences import SENTENCES
from app.signing.verify import verify

from . import foreign
from .conftest import refusal
from .corpus import Corpus, put
from .foreign import DOCUMENT, EXCLUSIVE, in_container, kept, xades, zipped


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
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forgery_of_an_xml_is_never_valid(made, trust, name):
    data = FORGED[name](made)
    one = only_verdict(made, trust, data)
    assert one.verdict != "valide", (one.covered, one.reason)


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


def test_a_container_with_the_same_name_twice_is_refused(made, trust):
    files = [*in_container(made, "e", "xades").items(), ("budget.xml", b"<budget>99000</budget>")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = zipped(files)
    assert refusal(verify, kept(made.room, data), trust, now()) == "signature-file-unreadable"


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
