"""Signatures at the same instant, on real servers: each is made once, on the bytes that its signatory saw."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.clock import now
from app.signing.formats import geometry
from app.trust import authorities
from tests.builders.house import ACT
from tests.builders.verify import verify
from tests.race.town import Asked, Town, at_once, one_wins, told

pytestmark = pytest.mark.race
ROUNDS = 25  # on each database


def prepared(town: Town, rounds: int, times: int) -> list[tuple[int, int, list[Asked]]]:
    """Folders that wait for the mayor, each with so many signatures made in so many tabs and not yet sent."""
    key, folders = town.house.key("a_kervadec"), [town.an_invoice(at="bon_a_payer") for _ in range(rounds)]
    tabs = [town.tab("a.kervadec") for _ in range(4)]

    def ask(rank: int) -> tuple[int, int, list[Asked]]:
        folder_id, version = folders[rank]
        return folder_id, version, [tabs[rank % 4].prepare(folder_id, version, key) for _ in range(times)]

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(ask, range(rounds)))


def test_a_double_click_on_sign_signs_once(town: Town) -> None:
    tabs = [town.tab("a.kervadec") for _ in range(2)]
    for folder_id, version, (asked,) in prepared(town, ROUNDS, 1):
        late = one_wins(at_once(*(lambda tab=tab: asked.send(tab) for tab in tabs)), won=200)
        assert late.json()["type"] == "urn:paraphe:session-used"
        signed_once(town, folder_id, version)
    town.chain_holds()


def test_two_tabs_of_the_same_signatory_sign_once(town: Town) -> None:
    tabs = [town.tab("a.kervadec") for _ in range(2)]
    for folder_id, version, asked in prepared(town, ROUNDS // 2, 2):
        late = one_wins(
            at_once(*(lambda one=one, tab=tab: one.send(tab) for one, tab in zip(asked, tabs, strict=True))),
            won=200,
        )
        assert late.json()["type"] == "urn:paraphe:moved-on"
        signed_once(town, folder_id, version)
    town.chain_holds()


def signed_once(town: Town, folder_id: int, version: int) -> None:
    town.decided_once(folder_id, version, "handover", "folder.sign")
    assert town.runs(folder_id, "bon_a_payer") == ["done"]
    assert town.proofs(folder_id) == 1
    assert [one.origin for one in town.house.versions(folder_id)] == ["deposited", "signed"]


def test_eight_threads_of_one_process_look_for_the_place_of_a_signature_at_once() -> None:
    def look() -> set[object]:
        return {geometry.tag_boxes(ACT, ["Kerlann"])["Kerlann"] for _ in range(40)}

    assert at_once(*[look] * 8) == [{geometry.tag_boxes(ACT, ["Kerlann"])["Kerlann"]}] * 8


def test_mayor_and_secretary_at_once_one_signs_and_the_other_is_asked_to_sign_again(
    town: Town, tmp_path: Path
) -> None:
    people = (("a.kervadec", town.house.key("a_kervadec")), ("b.cadiou", town.house.key("b_cadiou")))
    for _ in range(8):
        folder_id = town.a_deliberation()
        version = town.house.folder(folder_id).version
        tabs = [town.tab(login) for login, _ in people]
        asked = [tab.prepare(folder_id, version, key) for tab, (_, key) in zip(tabs, people, strict=True)]
        answers = at_once(
            *(lambda one=one, tab=tab: one.send(tab) for one, tab in zip(asked, tabs, strict=True))
        )
        late = one_wins(answers, won=200)
        assert late.json()["type"] == "urn:paraphe:document-changed"
        assert "Recommencez" in told(late)
        assert (town.house.folder(folder_id).place, town.proofs(folder_id)) == ("signatures", 1)
        loser = [one.status_code for one in answers].index(late.status_code)
        again = (
            tabs[loser]
            .prepare(folder_id, town.house.folder(folder_id).version, people[loser][1])
            .send(tabs[loser])
        )
        assert again.status_code == 200, again.text
        both_hold(town, folder_id, tmp_path / "signed.pdf")
    town.chain_holds()


def both_hold(town: Town, folder_id: int, path: Path) -> None:
    assert (town.house.folder(folder_id).place, town.proofs(folder_id)) == ("prefecture", 2)
    kept = [town.house.bytes_of(one) for one in town.house.versions(folder_id)]
    assert kept[1].startswith(kept[0])
    assert kept[2].startswith(kept[1])
    path.write_bytes(kept[2])
    assert [one.verdict for one in verify(path, authorities.trust(), now())] == ["valide", "valide"]
