"""Where things are in a flow: the same with or without its long texts, and never where they are not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.refusals import Refusal
from app.verification.readers.pes import layout
from tests.builders.pes import odd, sample

LONG = 4096
FILL = st.sampled_from([b"QUJDRGVm", b"QUJDRGVm\n", b"QUJD RGVm ", b"AAAA", b"0", b"\n", b"x=y ", b"/", b"-"])
PLACES = st.sampled_from(
    [
        b"%s",
        b"<!--%s-->",
        b"<?x %s?>",
        b"<![CDATA[%s]]>",
        b'<x V="%s"/>',
        b"<x Id='%s'/>",
        b"<x>%s</x>",
        b"<x Z='a' %s/>",
        b"<%s/>",
        b"</%s>",
        b"<x %s='1'/>",
        b"&#%s65;",
        b"&#x%s41;",
        b"&%s;",
        b"<x xmlns:a='%s'/>",
        b"<x%s></x>",
    ]
)


def read(path, data, *, skim):
    path.write_bytes(data)
    try:
        return layout.layout(path, skim=skim)
    except Refusal as refusal:
        return refusal.key


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(
        st.tuples(PLACES, FILL, st.integers(0, 9000), FILL, st.integers(0, 3000)), min_size=1, max_size=6
    ),
    block=st.sampled_from([5000, 1 << 18]),
    where=st.sampled_from([b"<BlocBordereau>", b"<PES_PJ>", b"</n:PES_Aller>"]),
)
def test_leaving_long_texts_out_changes_nothing_that_is_found(parts, block, where, tmp_path_factory):
    path = tmp_path_factory.mktemp("skim") / "flow.xml"
    added = b"".join(
        place % (one * (n // len(one)) + other * (m // len(other)) + one * (LONG // len(one)))
        for place, one, n, other, m in parts
    )
    data = sample("signe_par_bordereau").replace(where, added + where, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "BLOCK", block)
        whole, skimmed = (read(path, data, skim=one) for one in (False, True))
    assert skimmed == whole


@pytest.mark.parametrize("skim", [False, True])
@pytest.mark.parametrize("block", [64, 1 << 18])
def test_offsets_are_those_of_the_bytes_in_the_file(skim, block, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "BLOCK", block)
    data = odd().replace(b"<Piece>", b"<!--" + b"QUJD" * 3000 + b"--><Piece>")
    found = read(tmp_path / "flow.xml", data, skim=skim)
    starts = [one.start() for one in re.finditer(rb"<Bordereau Id=", data)]
    closes = [one.start() for one in re.finditer(rb"</Bordereau  >|</Bordereau>(?=</PES_Dep)", data)]
    assert [one.start for one in found.bordereaux] == starts
    assert [one.close for one in found.bordereaux] == closes
    assert data[found.root.close :].startswith(b"</n:PES_Aller>")
    assert found.ids == {"PES1", "BD2025-000001", "BD2025-000002"}


def test_a_forbidden_character_in_an_attachment_is_seen_by_whoever_reads_the_whole(tmp_path):
    data = sample("depense_2_bordereaux").replace(
        b'pdf">', b'pdf">' + b"QUJDRGVmZ2hp" * 300 + b"\x01" + b"QUJDRGVm" * 300, 1
    )
    path = tmp_path / "flow.xml"
    assert read(path, data, skim=False) == "pes-unreadable"
    assert len(read(path, data, skim=True).bordereaux) == 2
