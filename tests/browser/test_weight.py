"""What a page costs on a rural line: bytes at the door, and nothing asked twice."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Route, expect

from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
DOOR = 130_000
"""Bytes of the door in a browser that has never been there, headers included."""


class Line:
    """What passes on the line of one page: the address and the bytes of each answer that the browser did not have."""

    def __init__(self, person: Person) -> None:
        self._cdp: CDPSession = person.context.new_cdp_session(person.page)
        self._asked: dict[str, str] = {}
        self._kept: set[str] = set()
        self._bytes: dict[str, int] = {}
        self._cdp.send("Network.enable")
        self._cdp.on("Network.requestWillBeSent", self._ask)
        self._cdp.on("Network.requestServedFromCache", lambda said: self._kept.add(said["requestId"]))
        self._cdp.on("Network.responseReceived", self._receive)
        self._cdp.on("Network.loadingFinished", self._end)

    def _ask(self, said: dict[str, Any]) -> None:
        self._asked[said["requestId"]] = said["request"]["url"]

    def _receive(self, said: dict[str, Any]) -> None:
        if said["response"].get("fromDiskCache") or said["response"].get("fromPrefetchCache"):
            self._kept.add(said["requestId"])

    def _end(self, said: dict[str, Any]) -> None:
        self._bytes[said["requestId"]] = int(said["encodedDataLength"])

    def slow(self) -> None:
        """From here it is a rural line: 8 Mbit/s, 20 ms there and back."""
        rate = {"offline": False, "latency": 20, "downloadThroughput": 1_000_000, "uploadThroughput": 125_000}
        self._cdp.send("Network.emulateNetworkConditions", rate)

    def take(self) -> dict[str, int]:
        """What has passed since it was last asked."""
        passed = Counter[str]()
        for one, size in self._bytes.items():
            if one not in self._kept and not self._asked[one].startswith("data:"):
                passed[self._asked[one]] += size
        for place in (self._asked, self._bytes):
            place.clear()
        return passed


def test_the_door_is_light_and_nothing_that_it_brought_is_asked_again(
    house: House, person: Callable[..., Person]
) -> None:
    house.an_invoice()
    visitor = person()
    line = Line(visitor)
    visitor.page.goto(f"{visitor.url}/login", wait_until="networkidle")
    door = line.take()
    assert any("/paraphe.css" in one for one in door)
    assert any("/js/app.js" in one for one in door)
    assert sum(door.values()) <= DOOR, door
    visitor.log_in("k.morizur")
    visitor.page.wait_for_load_state("networkidle")
    line.take()
    for path in ("/a-traiter", "/suivi", "/compte", "/a-traiter"):
        visitor.page.goto(visitor.url + path, wait_until="networkidle")
        inside = line.take()
        assert [one for one in inside if "/static/" in one] == []
        assert visitor.url + path in inside


def test_after_the_door_only_pages_pass(house: House, person: Callable[..., Person]) -> None:
    """The first page after the login too: what differs for who is known is no file of the browser."""
    visitor = person()
    line = Line(visitor)
    visitor.page.goto(f"{visitor.url}/login", wait_until="networkidle")
    line.take()
    visitor.page.get_by_label("Identifiant").fill("k.morizur")
    visitor.page.get_by_label("Mot de passe", exact=True).fill("faux")
    visitor.page.get_by_role("button", name="Se connecter").click()
    expect(visitor.page.get_by_role("alert").first).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    assert [one for one in line.take() if "/static/" in one] == []


def test_a_page_of_the_former_version_still_wakes(house: House, person: Callable[..., Person]) -> None:
    """Its scripts are asked under a name that this version does not know, as during an upgrade."""
    visitor = person()
    seen: list[str] = []
    visitor.page.on("response", lambda answer: seen.append(f"{answer.status} {answer.url}"))

    def older(route: Route) -> None:
        answer = route.fetch()
        named = re.sub(r"/static/[0-9a-f]{16}/", "/static/0123456789abcdef/", answer.text())
        route.fulfill(response=answer, body=named)

    visitor.page.route("**/login", older)
    visitor.open("/login")
    expect(visitor.page.locator("html[data-awake]")).to_be_attached()
    assert any("/static/0123456789abcdef/js/forms.js" in one for one in seen)
    assert all(one.startswith(("200", "304")) for one in seen), seen
