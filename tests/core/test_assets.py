"""The files of the browser: compressed, kept for a year under a name that says what they hold, asked without a cookie."""

import gzip
import re
from pathlib import Path

import brotli
import pytest
from flask.testing import FlaskClient

from app.core.assets import HOME, YEAR
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

FOR_EVER = f"public, max-age={YEAR}, immutable"


def address_of(client: FlaskClient, name: str) -> str:
    """The address under which the door names a file of the browser."""
    page = client.get("/login").get_data(as_text=True)
    found = re.search(rf'"(/static/[0-9a-f]{{16}}/{re.escape(name)})"', page)
    assert found is not None, name
    return found.group(1)


@pytest.mark.parametrize("name", ["paraphe.css", "js/app.js", "vendor/bootstrap.min.css"])
def test_a_file_of_the_browser_goes_in_the_shape_that_the_browser_reads_and_is_the_same(
    house: House, name: str
) -> None:
    client = house.app.test_client()
    address, bytes_ = address_of(client, name), (HOME / name).read_bytes()
    for said, way, read in (
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),
        ("br;q=0, gzip;q=0", None, bytes),
        ("", None, bytes),
    ):
        answer = client.get(address, headers={"Accept-Encoding": said})
        assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, way)
        assert read(answer.data) == bytes_
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert way is None or len(answer.data) < len(bytes_) / 2
        # Asked again, it is read where it was kept.
        assert client.get(address, headers={"Accept-Encoding": said}).data == answer.data


def test_a_font_goes_as_it_is(house: House) -> None:
    client = house.app.test_client()
    name = "vendor/fonts/atkinson-hyperlegible-next-latin-wght-normal.woff2"
    answer = client.get(address_of(client, name), headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == (HOME / name).read_bytes()


def test_whoever_is_known_or_not_a_file_is_kept_for_ever_and_says_nothing_of_the_session(
    house: House,
) -> None:
    client = house.client("k.morizur")
    answer = client.get(address_of(house.app.test_client(), "paraphe.css"))
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("before", ["/static/0123456789abcdef", "/static"])
def test_a_page_of_another_version_is_answered_the_present_file_which_it_asks_again_each_time(
    house: House, before: str
) -> None:
    client = house.app.test_client()
    answer = client.get(f"{before}/js/app.js", headers={"Accept-Encoding": "br"})
    assert answer.headers["Cache-Control"] == "no-cache"
    assert brotli.decompress(answer.data) == (HOME / "js/app.js").read_bytes()
    known = {"Accept-Encoding": "br", "If-None-Match": answer.headers["ETag"]}
    again = client.get(f"{before}/js/app.js", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    # The same bytes in another shape have another name (RFC 9110 §8.8.3.3).
    assert client.get(f"{before}/js/app.js", headers={**known, "Accept-Encoding": ""}).status_code == 200


def test_a_file_that_is_replaced_under_a_process_is_not_said_to_last(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.core.assets import Assets

    home = tmp_path / "static"
    for name, words in (("vendor/SHA256SUMS", ""), ("js/a.js", "1"), ("b.css", "2")):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(words)
    began = Assets(home, tmp_path / "kept")
    with house.app.test_request_context("/"):
        assert began.answer("js/a.js", began.version).headers["Cache-Control"] == FOR_EVER
        (home / "js/a.js").write_text("a later version's")
        assert began.answer("js/a.js", began.version).headers["Cache-Control"] == "no-cache"
    assert Assets(home, tmp_path / "kept").version != began.version


def test_a_folder_that_cannot_be_written_in_costs_time_and_no_answer(house: House, tmp_path: Path) -> None:
    from app.core.assets import Assets

    (tmp_path / "kept").write_text("not a folder")
    with house.app.test_request_context("/", headers={"Accept-Encoding": "gzip"}):
        assets = Assets(HOME, tmp_path / "kept")
        answer = assets.answer("paraphe.css", assets.version)
    assert gzip.decompress(answer.data) == (HOME / "paraphe.css").read_bytes()


@pytest.mark.parametrize(
    "name", ["../__init__.py", "..%2f__init__.py", "js", "js/none.js", "0123456789abcdef/"]
)
def test_nothing_beside_these_files_is_served(house: House, name: str) -> None:
    answer = house.app.test_client().get(f"/static/{name}")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
