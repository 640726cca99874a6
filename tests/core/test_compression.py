"""Pages are compressed, and their size tells a stranger nothing of the secrets in them."""

import gzip
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import security
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

HERE = {"Accept-Encoding": "gzip, br", "Sec-Fetch-Site": "same-origin"}


def page(client: FlaskClient, address: str = "/a-traiter", **headers: str) -> TestResponse:
    answer = client.get(
        address, headers={**HERE, **{name.replace("_", "-"): one for name, one in headers.items()}}
    )
    assert answer.status_code == 200
    return answer


def secrets_in(text: str) -> tuple[str, str]:
    token = re.search(r'name="csrf-token" content="([^"]+)"', text)
    seal = re.search(r'data-seal="([^"]+)"', text)
    assert token
    assert seal
    return token[1], seal[1]


def test_a_page_that_was_asked_here_is_compressed_and_reads_the_same(house: House) -> None:
    client = house.client("k.morizur")
    answer = page(client)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    text = gzip.decompress(answer.data).decode()
    assert "À traiter" in text
    assert len(answer.data) < len(text.encode()) / 2


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_what_another_site_asks_in_somebody_s_name_goes_as_it_is(house: House, site: str) -> None:
    """It would choose what the page repeats (`?q=`), and read in its size what else is there."""
    client = house.client("k.morizur")
    answer = page(client, "/recherche?q=secret", Sec_Fetch_Site=site)
    assert "Content-Encoding" not in answer.headers
    assert "Content-Encoding" in page(house.app.test_client(), "/login", Sec_Fetch_Site=site).headers


def test_a_browser_that_reads_no_gzip_gets_the_page_as_it_is(house: House) -> None:
    answer = page(house.client("k.morizur"), Accept_Encoding="identity")
    assert "Content-Encoding" not in answer.headers


def test_the_secrets_of_a_page_are_never_written_twice_alike_and_stay_good(house: House) -> None:
    client = house.client("k.morizur")
    pages = [gzip.decompress(page(client).data).decode() for _ in range(3)]
    tokens, seals = zip(*map(secrets_in, pages), strict=True)
    assert len(set(tokens)) == len(set(seals)) == 3
    assert len({security.unmasked(one) for one in seals}) == 1
    # All tokens of a page are one, so that it still compresses; each of the three is still taken.
    assert set(re.findall(r'name="csrf_token" value="([^"]+)"', pages[0])) == {tokens[0]}
    for token in tokens:
        assert (
            client.post("/compte/affichage", data={"csrf_token": token, "theme": "dark"}).status_code == 302
        )


def test_a_token_as_a_former_version_wrote_it_is_still_taken_and_a_false_one_is_not(house: House) -> None:
    client = house.client("k.morizur")
    token, _ = secrets_in(client.get("/a-traiter").get_data(as_text=True))
    bare = security.unmasked(token).decode()
    form = {"theme": "light"}
    assert client.post("/compte/affichage", data={**form, "csrf_token": bare}).status_code == 302
    other = "A" if token[100] != "A" else "B"
    altered = token[:100] + other + token[101:]
    for false in (altered, bare[:-1], token[:-4], "", "é", "AAA", security.masked(b"\xff\xfe")):
        assert client.post("/compte/affichage", data={**form, "csrf_token": false}).status_code == 400


def test_a_secret_that_is_shown_once_goes_in_a_page_that_is_not_compressed(house: House) -> None:
    client = house.client("k.morizur")
    begun = client.post("/compte/protection/application", data={"csrf_token": house.csrf(client)})
    answer = page(client, begun.headers["Location"])
    assert "tapez ce secret" in answer.get_data(as_text=True)
    assert "Content-Encoding" not in answer.headers
