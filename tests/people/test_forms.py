"""No form is taken without its own token, no page goes out without its armour."""

import re

import pytest

from app import create_app
from app.core.security import HEADERS
from app.operations.front import PASSAGE
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

NUMBER = re.compile(r"<[^>]*int[^>]*>")
TEXT = re.compile(r"<[^>]+>")


def concrete(rule: str, folder_id: int = 1) -> str:
    return TEXT.sub("x", NUMBER.sub(str(folder_id), rule))


def test_every_form_of_every_page_needs_a_token_of_that_very_session(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    client, other = house.client("k.morizur"), house.client("n.abgrallec")
    foreign = house.csrf(other)
    asked = 0
    for rule in house.app.url_map.iter_rules():
        unsafe = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if not unsafe or rule.rule.startswith("/api/"):
            continue
        (method,) = unsafe
        if (
            rule.rule == PASSAGE
        ):  # no page's: it answers the doctor's signed question alone, and changes nothing
            assert client.open(PASSAGE, method=method).status_code == 404
            continue
        if rule.rule == "/courriels/arret":  # a mailbox posts it by itself (RFC 8058): the link is the proof
            assert client.open(rule.rule, method=method).status_code == 422
            continue
        for form in ({}, {"csrf_token": ""}, {"csrf_token": "faux"}, {"csrf_token": foreign}):
            for browser in (client, house.app.test_client()):
                answer = browser.open(concrete(rule.rule, folder_id), method=method, data=form)
                asked += 1
                assert answer.status_code == 400, (rule.rule, form)
                assert "rechargez-la, puis recommencez" in answer.get_data(as_text=True), rule.rule
    assert asked > 100
    assert house.folder(folder_id).place == "finance"


def test_every_answer_wears_every_header_and_no_page_needs_them_weaker(house: House) -> None:
    app = create_app(house.settings)
    app.add_url_rule("/casse", "casse", _crash)
    client = app.test_client()
    answers = {"/casse": client.get("/casse")}
    house.app, before = app, house.app
    folder_id = house.an_invoice(at="finance")
    browser = house.client("k.morizur")
    house.app = before
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and rule.endpoint != "casse":
            address = concrete(rule.rule, folder_id)
            for who, one in (("k", browser), ("", client)):
                answers[f"{who}{address}"] = one.get(address)
    answers["405"] = browser.delete("/a-traiter")
    answers["400"] = browser.post("/logout")
    answers["static"] = client.get("/static/paraphe.css")
    assert {one.status_code for one in answers.values()} >= {200, 302, 400, 401, 403, 404, 405}
    for address, answer in answers.items():
        # What is published is for everybody's own pages too (CRPA L300-2), by its address alone.
        opened = {"Cross-Origin-Resource-Policy": "cross-origin"} if "/api/v1/public/" in address else {}
        for name, value in {**HEADERS, **opened}.items():
            assert answer.headers.get(name) == value, (address, name)
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert "Server" not in answer.headers
        if answer.mimetype == "text/html":
            assert "no-store" in answer.headers["Cache-Control"], address
            assert_quiet(answer.get_data(as_text=True), address)
        answer.close()


def _crash() -> str:
    raise RuntimeError("une panne")


_crash.__guard__ = "public"  # type: ignore[attr-defined]


def assert_quiet(page: str, address: str) -> None:
    """Nothing in a page that the policy would have to stop."""
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son[a-z]+=|javascript:", page), (
        address
    )
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page), address
