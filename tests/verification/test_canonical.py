"""One element canonicalised by pieces is what the whole document gives, for every document that can be written."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from app.core.refusals import Refusal
from app.verification.readers.pes import canonical, skim
from app.verification.readers.pes.layout import layout
from app.verification.readers.pes.offsets import element
from tests.builders import pes

HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>'
PREFIXES = ("", "a", "b", "p", "pp")
NAMES = st.sampled_from(["x", "Piece", "Nom", "é", "b-1"])
LETTERS = st.sampled_from([*"aé \t>'", "&amp;", "&lt;", "&#13;", "&#8364;", "&#xE9;", "&gt;"])


def declared(draw, scope):
    """Declarations of a new element, sometimes of the same names again, and the scope that they make."""
    fresh = draw(
        st.dictionaries(
            st.sampled_from(PREFIXES), st.sampled_from(["urn:1", "urn:2", "urn:p&amp;"]), max_size=2
        )
    )
    if "" in scope and "" not in fresh and draw(st.booleans()):
        fresh = {**fresh, "": ""}  # xmlns="" takes the default namespace away
    names = [f' xmlns{":" if one else ""}{one}="{uri}"' for one, uri in fresh.items()]
    return "".join(names), {one: uri for one, uri in {**scope, **fresh}.items() if uri}


@st.composite
def elements(draw, scope, depth):
    names, scope = declared(draw, scope)
    prefix = draw(st.sampled_from(["", *(one for one in scope if one)]))
    name = f"{prefix}:{draw(NAMES)}" if prefix else draw(NAMES)
    quote = draw(st.sampled_from("\"'"))
    attributes = {}
    for own in draw(st.lists(NAMES, max_size=2, unique=True)):
        # Two prefixes of one namespace could make one attribute twice
        spaced = [f"{one}:" for one, uri in scope.items() if one and list(scope.values()).count(uri) == 1]
        before = draw(st.sampled_from(["", *spaced]))
        value = "".join(draw(st.lists(LETTERS, max_size=4))).replace(quote, "")
        attributes[before + own] = (
            f"{draw(st.sampled_from([' ', chr(10)]))}{before}{own} = {quote}{value}{quote}"
        )
    tag = f"{name}{names}{''.join(attributes.values())}"
    if depth == 0 and draw(st.booleans()):
        return f"<{tag}/>"
    children = draw(st.lists(contents(scope, depth), max_size=4)) if depth else []
    return f"<{tag} >{''.join(children)}</{name} >"


TEXTS = st.lists(LETTERS | st.sampled_from(["\n", "\r\n", "\r", "]]&gt;", "x" * 60]), max_size=6).map("".join)
OTHERS = st.sampled_from(
    ["<!-- </x> -->", "<?pi </x> ?>", "<?pi?>", "<![CDATA[<x>&amp;\r\n]] >]]>", f"<![CDATA[{'y' * 80}]]>"]
)


def contents(scope, depth):
    return st.one_of(TEXTS, OTHERS, elements(scope, depth - 1))


@st.composite
def documents(draw):
    """What comes before an element, the element, what comes after, and the namespaces in scope above it."""
    above, scope = declared(draw, {})
    nearer, scope = declared(draw, scope)
    inner = draw(elements(scope, 4))
    before, after = (draw(TEXTS | st.just("<!-- -->")) for _ in range(2))
    return f"{HEAD}<root{above}><above{nearer}>{before}", inner, f"{after}</above></root>", scope


def by_pieces(inner, scope, piece, size, window=512):
    data = inner.encode("latin-1")
    context = {one: uri.replace("&amp;", "&") for one, uri in scope.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "PIECE", piece)
        for module, name, value in (
            (canonical, "WINDOW", window),
            (skim, "WINDOW", window),
            (skim, "LEAST", 4 * window),
        ):
            patch.setattr(module, name, value)
        blocks = [data[at : at + size] for at in range(0, len(data), size)]
        return canonical.digest(blocks, context, "ISO-8859-1")


@settings(max_examples=200, deadline=None)
@given(
    document=documents(),
    piece=st.integers(1, 90),
    size=st.integers(1, 200),
    window=st.sampled_from([2, 5, 512]),
)
def test_pieces_of_any_size_give_the_canonical_form_of_the_whole_document(document, piece, size, window):
    before, inner, after, scope = document
    whole = etree.fromstring((before + inner + after).encode("latin-1"))
    (target,) = (one for one in whole[0] if isinstance(one.tag, str))
    expected = hashlib.sha256(pes.canonical(target)).digest()
    assert by_pieces(inner, scope, piece, size, window) == expected


FLOWS = ("depense_2_bordereaux", "depense_signature_globale", "recette_1_bordereau", "pj_seule_paye", "odd")


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("piece", [37, 1 << 18])
def test_flows_are_cut_without_a_trace(name, piece, tmp_path, monkeypatch):
    path = tmp_path / "flow.xml"
    path.write_bytes(pes.odd() if name == "odd" else pes.sample(name))
    monkeypatch.setattr(canonical, "PIECE", piece)
    found, tree = layout(path), etree.parse(str(path))
    elements_ = [tree.getroot(), *tree.getroot().iter("Bordereau")]
    with path.open("rb") as stream:
        for target, one in zip([found.root, *found.bordereaux], elements_, strict=True):
            digest = canonical.digest(element(stream, target), target.context, "ISO-8859-1")
            assert digest == hashlib.sha256(pes.canonical(one)).digest()


@pytest.mark.parametrize(
    "broken",
    [b"<a><b></a>", b"<a></a><b></b", b"<a>&e;</a>", b"<a>\x01</a>", b"<a>" + b"x" * 400 + b"<b></a>"],
)
def test_what_is_no_element_has_no_digest(broken, monkeypatch):
    monkeypatch.setattr(canonical, "PIECE", 64)
    with pytest.raises(Refusal, match="pes-unreadable"):
        canonical.digest([broken], {}, "ISO-8859-1")


def test_tags_so_large_that_each_piece_would_read_them_again_are_refused():
    tag = b'<a V="' + b"x" * (1 << 17) + b'">'
    with pytest.raises(Refusal, match="pes-too-complex"):
        canonical.digest([tag + b"<b></b>" * 100_000 + b"</a>"], {}, "ISO-8859-1")
