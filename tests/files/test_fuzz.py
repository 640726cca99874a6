"""Whatever happens to a PDF on its way, intake answers: accepted, repaired or refused, never a crash or a hang."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.refusals import Refusal
from app.files.dissection import answer
from app.files.pdf import examine_pdf
from app.files.repair import can_be_signed
from app.files.sentences import SENTENCES
from tests.assets import make_hostile

GOOD = make_hostile.pikepdf_classic()
QUIET = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)

cuts = st.integers(0, len(GOOD) - 1).map(lambda at: GOOD[:at])
flips = st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)), min_size=1, max_size=12)
tails = st.lists(
    st.tuples(st.integers(len(GOOD) - 1500, len(GOOD) - 1), st.integers(1, 255)), min_size=1, max_size=4
)
holes = st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 400)).map(
    lambda at: GOOD[: at[0]] + GOOD[sum(at) :]
)


def flipped(changes: list[tuple[int, int]]) -> bytes:
    data = bytearray(GOOD)
    for place, mask in changes:
        data[place] ^= mask
    return bytes(data)


damage = st.one_of(cuts, flips.map(flipped), tails.map(flipped), holes).filter(bool)


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(data=damage)
def test_a_damaged_pdf_is_refused_or_can_be_signed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "damaged.pdf"
    path.write_bytes(data)
    told = answer({"command": ["dissect", str(path), str(tmp_path), "1"]})
    if "refusal" in told:
        assert told["refusal"] in SENTENCES
    else:
        assert told["pages"] >= 1
        assert can_be_signed(Path(told["repaired"] or path))
    assert path.read_bytes() == data


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(data=damage)
def test_the_process_apart_answers_the_same(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "damaged.pdf"
    path.write_bytes(data)
    told = answer({"command": ["dissect", str(path), str(tmp_path), "1"]})
    if "refusal" in told:
        with pytest.raises(Refusal, match=told["refusal"]):
            examine_pdf(path, "damaged.pdf", tmp_path, to_be_signed=True)
    else:
        facts = examine_pdf(path, "damaged.pdf", tmp_path, to_be_signed=True)
        assert (facts.pages, facts.has_text, bool(facts.repaired)) == (
            told["pages"], told["has_text"], bool(told["repaired"]),
        )  # fmt: skip
