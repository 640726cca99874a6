"""PDF files of real producers: signed twice, read back, and the signatures that they brought with them still judged."""

import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import geometry, pades
from app.signing.ports import Box, FieldPlan
from app.verification.readers.pdf import read_pdf
from tests.builders.signing import STAMP, sealed
from tests.signing.test_pades import assert_others_accept

FILES = sorted((Path(__file__).parent.parent / "assets" / "pdf").glob("*.pdf"))
SIGNED = {
    "dss-pkcs7": 1,
    "dss-DSS-2025": 1,
    "dss-Signature-P-PK7-2": 1,
    "dss-dss-2554_fieldmdp-exclude-signed": 1,
    "dss-pdf-with-vri-timestamp": 1,
    "dss-timestamped-fields": 2,
}


@pytest.fixture
def copied(tmp_path, request):
    return Path(shutil.copy(request.param, tmp_path / request.param.name))


@pytest.mark.parametrize("copied", FILES, ids=lambda path: path.stem, indirect=True)
def test_two_sign_and_both_signatures_are_read_back(copied, key, trust, pki):
    first, _ = sealed(copied, key("ec"), field="maire")
    second, _ = sealed(first, key("a_kervadec"), field="secretaire")
    facts = pades.check(
        second,
        source=first,
        field="secretaire",
        certificate=key("a_kervadec").certificate,
        trust=trust,
        timestamped=False,
        moment=now(),
    )
    earlier = len(read_pdf(copied, None, trust, now()))
    assert facts.earlier == earlier + 1
    assert_others_accept(second, pki, signatures=_valid(copied) + 2)


def _valid(path):

    told = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True)
    return told.stdout.count("Signature is Valid")


@pytest.mark.parametrize("unit", [72, 3000])
def test_a_page_measured_in_inches_is_stamped_in_the_proportions_of_its_box(tmp_path, key, unit):
    source = tmp_path / "inches.pdf"
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(612, 792))
        page = made.pages[0].obj
        page.MediaBox = pikepdf.Array([0, 0, round(612 / unit, 4), round(792 / unit, 4)])
        page.UserUnit = unit
        made.save(source)
    target, _ = sealed(source, key("a_kervadec"))
    box = geometry.default_box(source, 0, 2)
    with pikepdf.open(target) as read:
        widget = next(one for one in read.Root.AcroForm.Fields if one.T == "maire")
        left, bottom, right, top = (float(one) * unit for one in widget.Rect)
        x1, y1, x2, y2 = (float(one) for one in widget.AP.N.BBox)
        wide, high = abs(x2 - x1), abs(y2 - y1)
    assert [left, bottom, right, top] == pytest.approx([box.x1, box.y1, box.x2, box.y2], abs=unit / 1000)
    assert wide / high == pytest.approx(box.width / box.height, rel=0.05)
    assert high >= 20


@pytest.mark.parametrize(("wide", "high"), [(3, 3), (200, 12), (12, 200), (60, 60)])
def test_on_the_smallest_pages_several_signatures_have_each_their_box_within_the_page(
    tmp_path, key, wide, high
):
    source = tmp_path / "small.pdf"
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(wide, high))
        made.save(source)
    boxes = [geometry.default_box(source, rank, 3) for rank in range(3)]
    for box in boxes:
        assert 0 <= box.x1 < box.x2 <= wide
        assert 0 <= box.y1 < box.y2 <= high
    sealed(source, key("a_kervadec"))


def test_no_stamp_takes_so_much_of_its_page_that_it_would_replace_it(tmp_path, key):
    source = tmp_path / "small.pdf"
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(200, 120))
        made.save(source)
    box = geometry.default_box(source, 0, 1)
    assert box.width * box.height <= 200 * 120 / 8
    large = [FieldPlan("maire", Box(0, 10, 10, 150, 100))]
    with pytest.raises(Refusal, match="stamp-too-large"):
        pades.seal(
            source,
            tmp_path / "signed.pdf",
            key=key("a_kervadec"),
            field="maire",
            fields=large,
            stamp=STAMP,
            now=now(),
            timestamper=None,
        )
    assert not (tmp_path / "signed.pdf").exists()
