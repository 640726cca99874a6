"""« Actes à publier »: signed acts that the public does not have, with how late they are, for those who publish."""

import re
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders.models import Publication, StepRun
from app.publication import publishing, record
from app.publication import waiting as of_publication
from app.publication.models import PublicAct, PublicFile, PublicVersion
from app.publication.waiting import ABSENT, NOW, SOON, online, waiting
from tests.builders.house import House
from tests.publication.town import address, page

pytestmark = pytest.mark.in_turn


def listed(house: House, login: str = "k.morizur") -> list[tuple[int, str]]:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return [(one.folder_id, one.state) for one in waiting(db, actor)[0]]


def test_it_lists_what_is_signed_and_not_online_and_says_where_it_stands(house: House) -> None:
    soon = house.a_deliberation(at="prefecture", number="2026-101")
    ready = house.a_deliberation(at="publication", number="2026-102")
    # Draining brought the first one to its publication as well: what still waits for the State is made after.
    later = house.a_deliberation(at="prefecture", number="2026-103")
    house.a_deliberation(at="signatures", number="2026-104")
    house.an_invoice(at="done")
    house.a_deliberation(at="draft", number="2026-105")
    found = dict(listed(house))
    assert {soon, ready} <= {number for number, state in found.items() if state == NOW}
    assert later in found
    assert found[later] in {NOW, SOON}
    assert len(found) == 3
    assert listed(house, "g.trehorel") == []
    assert listed(house, "a.kervadec") == []


def test_a_late_act_says_how_late(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    with engine().begin() as connection:
        connection.execute(
            sa.update(StepRun)
            .where(StepRun.folder_id == folder_id, StepRun.kind == "publish")
            .values(due_on=today() - timedelta(days=4))
        )
    shown = house.client("k.morizur").get("/a-publier").get_data(as_text=True)
    assert "4 jours de retard" in shown
    assert "aujourd’hui" in shown
    assert "Actes à publier" in house.client("k.morizur").get("/a-traiter").get_data(as_text=True)


def test_every_act_that_waits_is_on_one_page_and_on_one_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [house.a_deliberation(at="publication") for _ in range(5)]
    monkeypatch.setattr(of_publication, "PAGE", 2)
    clerk, address, pages = house.client("k.morizur"), "/a-publier", []
    while address:
        shown = clerk.get(address).get_data(as_text=True)
        pages.append({int(one) for one in re.findall(r'href="/dossiers/([0-9]+)"', shown)})
        link = re.search(r'href="([^"]+)"\s+rel="next"', shown)
        address = unescape(link[1]) if link else ""
    assert [len(one) for one in pages] == [2, 2, 1]
    assert set.union(*pages) == set(every)
    assert "Revenir au début" in clerk.get(f"/a-publier?apres={max(every)}").get_data(as_text=True)


def test_what_is_online_is_turned_page_by_page_what_is_to_be_decided_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [house.a_deliberation(at="done") for _ in range(5)]
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.update(PublicAct).where(PublicAct.folder_id.in_(every[:3])).values(questioned_on=today())
        )
    monkeypatch.setattr(of_publication, "PAGE", 2)
    actor, after, turned = house.actor("k.morizur"), "", []
    with reading(actor.collectivity_id) as db:
        while True:
            acts, following = online(db, actor, after)
            turned.append([one.folder_id for one in acts])
            if following is None:
                break
            after = following
    assert turned == [[every[2], every[1]], [every[0], every[4]], [every[3]]]


def test_an_act_published_before_the_page_existed_is_listed_and_put_online(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    with engine().begin() as connection:
        for table in (PublicFile, PublicVersion, PublicAct):
            connection.execute(sa.delete(table))
        # as the upgrade to the version that has the page marks it
        connection.execute(sa.update(Publication).values(absent=True))
    assert listed(house) == [(folder_id, ABSENT)]
    with pytest.raises(Refusal) as refused:
        publishing.put_online(house.actor("s.rivoal"), folder_id, version=house.folder(folder_id).version)
    assert refused.value.key == "not-publisher"
    publishing.put_online(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert listed(house) == []
    assert "Cercle nautique" in page(house, address(folder_id))
    with pytest.raises(Refusal) as refused:
        publishing.put_online(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert refused.value.key == "already-online"


def test_what_is_not_yet_published_is_not_put_online_by_another_door(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    with pytest.raises(Refusal) as refused:
        publishing.put_online(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert refused.value.key == "not-published"
    with reading() as db:
        assert record.act_of(db, folder_id) is None
