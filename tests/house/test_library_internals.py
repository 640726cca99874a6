"""What `app/pdf` asks of the inside of pyHanko: read in one release, and to be read again before another is pinned."""

from importlib.metadata import version
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import policies

from app.pdf import gate

READ_IN = "0.38.0"
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
