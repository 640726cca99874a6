"""Who has handed a folder on, put it off, or waits for an opinion on it goes to his next one, told what was done."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import today
from app.folders import pause
from tests.builders.house import House
from tests.folders.test_asking import ask

pytestmark = pytest.mark.in_turn
N = "n.abgrallec"


def post(
    house: House, client: FlaskClient, folder_id: int, verb: str, **typed: str | list[str]
) -> TestResponse:
    version = str(house.folder(folder_id).version)
    form = {"csrf_token": house.csrf(client), "version": version, **typed}
    return client.post(f"/dossiers/{folder_id}/{verb}", data=form)


def landed(client: FlaskClient, answer: TestResponse) -> tuple[str, str]:
    """Where an answer leads, and the words of the page that is there."""
    assert answer.status_code == 302, answer.text
    page = html.unescape(client.get(answer.headers["Location"]).text)
    return answer.headers["Location"], re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture(autouse=True)
def _time_enough(house: House) -> Iterator[None]:
    pause.configure(100)
    yield
    pause.configure(0)


@pytest.fixture
def three(house: House) -> list[int]:
    """The folders that await one person, in the order of her list."""
    made = {house.a_quick_invoice() for _ in range(3)}
    page = house.client(N).get("/a-traiter").text
    order = [int(one) for one in re.findall(r'class="ftitle" href="/dossiers/(\d+)"', page)]
    assert set(order) == made
    return order


def test_who_hands_a_folder_on_goes_to_the_next_and_takes_it_back_from_there(
    house: House, three: list[int]
) -> None:
    client = house.client(N)
    form = {"desk": "direction", "reason": "Le marché est suivi par la direction."}
    place, words = landed(client, post(house, client, three[0], "confier", **form))
    assert place == f"/dossiers/{three[1]}"
    assert "est confié à la Direction générale, à qui revient cette étape. 2 dossiers restent." in words
    assert "Ne plus le confier" in words
    assert "Revoir" in words


def test_who_waits_for_an_opinion_goes_to_another_folder_and_who_decides_meanwhile_stays(
    house: House, three: list[int]
) -> None:
    client = house.client(N)
    asked: dict[str, str | list[str]] = {"desks": ["direction"], "question": "Le marché court-il encore ?"}
    place, words = landed(client, post(house, client, three[0], "avis", waits="no", **asked))
    assert place == f"/dossiers/{three[0]}"
    assert "L’avis est demandé à la Direction générale." in words
    for here, left, then in (
        (1, 2, 2),
        (2, 1, 0),
    ):  # what waits is in the list no more; after the last comes the first
        place, words = landed(client, post(house, client, three[here], "avis", waits="yes", **asked))
        assert place == f"/dossiers/{three[then]}"
        assert f"{left} dossier{'s restent' if left > 1 else ' reste'}." in words
        assert "attend l’avis demandé à la Direction générale." in words


def test_who_passed_over_a_folder_is_not_led_back_to_it_by_each_visa(house: House, three: list[int]) -> None:
    client = house.client(N)
    first, second, third = three
    for here, then, left in ((second, third, 2), (third, first, 1)):
        place, words = landed(client, post(house, client, here, "viser"))
        assert place == f"/dossiers/{then}"
        assert f"est visé. {left} dossier{'s restent' if left > 1 else ' reste'}." in words
    assert landed(client, post(house, client, first, "viser"))[0] == "/a-traiter"


def test_who_puts_a_folder_off_goes_to_the_next_and_puts_it_back_from_there(
    house: House, three: list[int]
) -> None:
    client = house.client(N)
    for left, folder_id in enumerate(three):
        client.get(f"/dossiers/{folder_id}")
        tomorrow = (today() + timedelta(days=1)).isoformat()
        place, words = landed(client, post(house, client, folder_id, "masquer", day=tomorrow, hour="09:00"))
        assert place == (f"/dossiers/{three[left + 1]}" if left < 2 else "/a-traiter")
        assert "est masqué de votre liste jusqu’au" in words
        assert ("1 dossier reste." if left == 1 else "dossier") in words
        assert "Remettre dans ma liste" in words
    assert "Plus aucun dossier ne vous attend." in words
    place, words = landed(client, post(house, client, three[2], "remettre"))
    assert (place, "est de nouveau dans votre liste" in words) == (f"/dossiers/{three[2]}", True)


def test_who_is_asked_for_an_opinion_is_told_so_and_goes_to_the_next_once_it_is_given(
    house: House, three: list[int]
) -> None:
    for folder_id in three[:2]:
        ask(house, N, folder_id, "direction")
    client = house.client("s.rivoal")
    tray = client.get("/a-traiter").text
    assert tray.count('<b class="strong">Avis demandé par Nolwenn Abgrallec</b>') == 2
    first, second = (int(one) for one in re.findall(r'class="ftitle" href="/dossiers/(\d+)"', tray))
    page = client.get(f"/dossiers/{first}").text
    assert "<b>À vous de donner votre avis</b>" in page
    assert "Avis à donner avant" in page
    assert '<span class="tag">Avis à donner</span>' not in page  # its deadline says it
    assert "On attend" not in page.split('class="tabs"')[0]
    (number,) = re.findall(r'form="answer-(\d+)"\s+data-key="a"', page)
    assert page.count("btn-primary btn-big") == 1
    place, words = landed(client, post(house, client, first, f"avis/{number}/rendre", opinion="favourable"))
    assert place == f"/dossiers/{second}"
    assert "» a votre avis favorable. 1 dossier reste. Revoir" in words
    assert "Donner mon avis" in words
    assert "À vous de donner votre avis" not in client.get(f"/dossiers/{first}").text
    (number,) = re.findall(r'form="answer-(\d+)"', client.get(place).text)
    place, words = landed(client, post(house, client, second, f"avis/{number}/rendre", opinion="none"))
    assert place == "/a-traiter"
    assert "a votre réponse, sans avis. Plus aucun dossier ne vous attend." in words
