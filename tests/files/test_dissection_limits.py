"""The process that dissects a PDF has limits, and the web outlives whatever happens in it."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.refusals import Refusal
from app.files import confined, dissection, pdf
from app.files.pdf import examine_pdf, read_text
from tests.assets import make_hostile

# As a file that crashes its reader
FATAL = (
    "import os, signal, app.files.dissection as reader; "
    "reader.answer = lambda _asked: os.kill(os.getpid(), signal.SIGSEGV)"
)
# As where the answer is there before anybody looks for it
READY = "import select; own = select.select; select.select = lambda *asked: own(*asked[:3])"


def test_a_bomb_is_refused_within_seconds(tmp_path: Path) -> None:
    path = tmp_path / "bombe.pdf"
    path.write_bytes(make_hostile.REFUSED["bombe.pdf"][0]())
    start = time.monotonic()
    with pytest.raises(Refusal):
        examine_pdf(path, "bombe.pdf", tmp_path, to_be_signed=True)
    assert time.monotonic() - start < 20


def test_a_file_that_needs_more_time_than_allowed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "LIMITS", replace(pdf.LIMITS, seconds=0.0))
    with pytest.raises(Refusal) as caught:
        examine_pdf(make_hostile.GOOD, "a.pdf", tmp_path, to_be_signed=True)
    assert caught.value.key == "file-too-heavy"


def test_no_time_at_all_is_too_long_for_the_quickest_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = confined.Pool(confined._CHILD.replace("wait(sys", f"{READY}; wait(sys"))
    monkeypatch.setattr(pdf, "_room", confined.Confined("app.files.dissection", quick))
    assert read_text(make_hostile.GOOD)
    monkeypatch.setattr(pdf, "LIMITS", replace(pdf.LIMITS, seconds=0.0))
    assert read_text(make_hostile.GOOD) == ""
    quick.close()


def test_a_process_killed_by_the_file_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fatal = confined.Pool(confined._CHILD.replace("wait(sys", f"{FATAL}; wait(sys"))
    monkeypatch.setattr(pdf, "_room", confined.Confined("app.files.dissection", fatal))
    with pytest.raises(Refusal) as caught:
        examine_pdf(make_hostile.GOOD, "a.pdf", tmp_path, to_be_signed=True)
    assert caught.value.key == "file-too-heavy"
    assert read_text(make_hostile.GOOD) == ""
    fatal.close()


def test_a_stream_just_below_the_limit_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissection, "INFLATED", 8 << 20)

    def heavy(size: int) -> str:
        path = tmp_path / "a.pdf"
        path.write_bytes(make_hostile.page_of_zeros(size))
        told = dissection.answer({"command": ["dissect", str(path), str(tmp_path), "0"]})
        return str(told.get("refusal", "kept"))

    assert heavy(7 << 20) == "kept"
    assert heavy(9 << 20) == "file-inflates"


def test_five_thousand_pages_are_counted_quickly(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 5003))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    tree = b"<< /Type /Pages /Count 5000 /Kids [" + kids + b"] >>"
    path.write_bytes(make_hostile.raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", tree, *[page] * 5000))
    start = time.monotonic()
    assert examine_pdf(path, "a.pdf", tmp_path, to_be_signed=True).pages == 5000
    assert time.monotonic() - start < 10
