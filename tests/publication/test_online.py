"""An act that is published is on the public page at once: whole, signed, dated, downloadable, and byte for byte the one signed."""

import re
from datetime import timedelta
from hashlib import sha256
from html import unescape
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.folders import sending, sockets
from app.folders.models import Folder
from app.people import desks
from app.publication.models import PublicAct, PublicFile, PublicVersion
from app.publication.site import acts
from tests.builders.house import ACT, House
from tests.publication.town import act_of, address, page, visitor

pytestmark = pytest.mark.in_turn

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.mark.law("PUB-01", "RGP-02")
def test_publishing_puts_the_signed_act_online_in_the_same_gesture(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    assert visitor(house).get("/actes/kerlann-sur-mer").status_code == 404  # nothing was ever published here
    house.publish(folder_id)
    signed = house.versions(folder_id)[-1]
    shown = page(house, address(folder_id))
    for words in (
        "Subvention exceptionnelle au Cercle nautique",
        "n°\u00a02026_057",
        "Délibérations",
        "Armel Kervadec",
        "maire",
        jour_long(today()),
        signed.sha256,
    ):
        assert words in shown, words
    served = visitor(house).get(f"{address(folder_id)}/1?telecharger=1")
    assert served.get_data() == house.bytes_of(signed)
    assert sha256(served.get_data()).hexdigest() == signed.sha256
    assert 'attachment; filename="deliberation-2026-057.pdf"' in served.headers["Content-Disposition"]
    assert served.headers["ETag"] == f'"{signed.sha256}"'
    assert "Subvention exceptionnelle" in page(house, "/actes/kerlann-sur-mer")
    assert house.journal(folder_id)[-2:] == ["folder.publish", "publication.online"]
    # Whoever signed leaves: the act goes on bearing the name.
    desks.close_account(house.actor("a.kervadec").collectivity_id, "a.kervadec")
    assert "Armel Kervadec" in page(house, address(folder_id))
    assert "Armel Kervadec" in house.client("k.morizur").get(f"/dossiers/{folder_id}").get_data(as_text=True)


def test_a_mayor_s_decision_is_called_so_though_the_state_is_sent_it_as_a_deliberation(house: House) -> None:
    folder_id = house.an_act("decision", matter="7.5.2")
    house.sign(folder_id, "a.kervadec")
    house.drain()
    house.publish(folder_id)
    assert house.folder(folder_id).fields["nature"] == 1
    here = "/actes/kerlann-sur-mer"
    for path in (here, address(folder_id), f"{here}/atom.xml"):
        shown = page(house, path)
        assert ("Décisions du maire" in shown, ">Délibérations" in shown) == (True, False), path
    json = visitor(house).get(f"/api/v1/public/kerlann-sur-mer/acts/{act_of(folder_id).key}").get_json()
    assert (json["nature"], json["matter"]) == ("Décisions du maire", "7.5.2")
    assert json["matter_label"].startswith("7.5.2 ")
    assert json["matter_label"] in page(house, address(folder_id)).replace("&#39;", "'")
    assert json["matter_label"] in house.client("k.morizur").get(f"/dossiers/{folder_id}?onglet=details").text
    for kind, known in (("Décisions+du+maire", True), ("Délibérations", False)):
        assert ("Aucun acte ne correspond" not in page(house, f"{here}?nature={kind}")) is known


def test_the_annexes_of_an_act_are_published_with_it_and_nothing_else_is(house: House) -> None:
    folder_id = house.deposit(
        "k.morizur", "deliberation", ACT, ACT.with_name("decision-2026-031-marche-voirie.pdf")
    )
    typed = {
        "number": "2026-058",
        "decision_date": "2026-09-24",
        "subject": "Plan du port",
        "nature": "1",
        "matter": "7.5.2",
        "sitting_secretary": str(house.actor("b.cadiou").user_id),
    }
    house.save(folder_id, "k.morizur", typed)
    house.type_annexes(folder_id, "21_RP")
    sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    house.drain()
    house.publish(folder_id)
    annex = house.versions(folder_id, "attachment")[-1]
    assert visitor(house).get(f"{address(folder_id)}/2").get_data() == house.bytes_of(annex)
    assert visitor(house).get(f"{address(folder_id)}/3").status_code == 404  # the State's receipt stays here


def test_a_publication_that_fails_leaves_neither_a_date_nor_a_public_act(house: House) -> None:
    """The move and the record are one transaction: what stops the one undoes the other."""
    folder_id = house.a_deliberation(at="publication")

    def stop(*_: object) -> None:
        raise Refusal("busy")

    sockets.publishing(stop)
    with pytest.raises(Refusal):
        house.publish(folder_id)
    assert house.folder(folder_id).place == "publication"
    with reading() as db:
        for table in (PublicAct, PublicVersion, PublicFile):
            assert db.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_the_feed_is_atom_and_tells_what_is_online(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    answer = visitor(house).get("/actes/kerlann-sur-mer/atom.xml")
    assert answer.mimetype == "application/atom+xml"
    feed = ET.fromstring(answer.get_data())
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "Subvention exceptionnelle au Cercle nautique"
    assert entry.findtext(f"{ATOM}id") == f"http://127.0.0.1:5000{address(folder_id)}"
    for one in (feed, entry):
        for name in ("id", "title", "updated"):  # RFC 4287 §4.1.1, §4.1.2
            assert one.findtext(f"{ATOM}{name}")
        assert one.findall(f"{ATOM}author")


def test_the_json_tells_the_same_and_leads_to_the_bytes(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    answer = visitor(house).get("/api/v1/public/kerlann-sur-mer/acts?q=subvention&year=2026")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    (one,) = answer.json["acts"]
    assert (answer.json["count"], one["number"], one["online_on"]) == (1, "2026_057", today().isoformat())
    act = visitor(house).get(one["href"]).json
    assert act["authors"][0] == {"name": "Armel Kervadec", "capacity": "Maire"}
    (file,) = act["files"]
    assert sha256(visitor(house).get(file["href"]).get_data()).hexdigest() == file["sha256"]
    assert str(folder_id) not in {str(value) for value in act.values()}
    assert visitor(house).get("/api/v1/public/kerlann-sur-mer/acts?q=rien").json["acts"] == []
    assert visitor(house).get("/api/v1/public/kerlann-sur-mer/acts?page=0").status_code == 422
    assert visitor(house).get("/api/v1/public/ailleurs/acts").status_code == 404


@pytest.mark.law("BUD-05")
def test_the_list_is_searched_by_words_year_and_nature_and_turned_page_by_page(house: House) -> None:
    house.a_deliberation(at="done")
    first = act_of(
        house.a_deliberation(
            at="done", number="2025-003", decision_date="2025-03-02", subject="Œuvres d’été 100 %"
        )
    )
    here = "/actes/kerlann-sur-mer"
    assert first.title in page(house, f"{here}?q=oeuvres+ete").replace("&#39;", "'")
    assert "Subvention" not in page(house, f"{here}?annee=2025")
    for number in ("n%C2%B0+2026-057", "2026_057", "2026-057"):  # as it is printed, and as it is sent
        asked = page(house, f"{here}?q={number}")
        assert ("Subvention" in asked, first.title in asked.replace("&#39;", "'")) == (True, False), number
    assert "Aucun acte ne correspond" in page(house, f"{here}?q=%25%25")  # a % is a word, not « anything »
    assert "Aucun acte ne correspond" in page(house, f"{here}?annee=²025&nature=Arr%C3%AAt%C3%A9s")
    assert "2 actes" in page(house, f"{here}?page=-4")
    assert "Aucun acte ne correspond" in page(house, f"{here}?page=99999999999999999999999")


def written(house: House, count: int) -> list[str]:
    """So many acts more on the public page, copied from one that is there, the last of them first; their keys."""
    act = act_of(house.a_deliberation(at="done"))
    table: Any = PublicAct.__table__
    with reading() as db:
        first = dict(db.execute(sa.select(table).where(table.c.id == act.id)).one()._mapping)
        folders = db.scalar(sa.select(sa.func.max(Folder.id))) or 0
        folder = dict(
            db.execute(sa.select(Folder.__table__).where(Folder.id == act.folder_id)).one()._mapping
        )
    numbers = range(folders + 1, folders + 1 + count)
    kinds = [("deliberation", "Délibérations"), ("contract", "Contrats et conventions")]
    rows = [
        {
            **first,
            "id": act.id + rank,
            "folder_id": number,
            "key": f"{number:016}",
            "title": f"Acte {number} {'rare' if rank == 3 else 'courant'}",
            "title_key": f"acte {number} {'rare' if rank == 3 else 'courant'}",
            "year": 2000 + rank % 7,
            "family": kinds[rank % 2][0],
            "nature": kinds[rank % 2][1],
            "online_since": act.online_since + timedelta(seconds=rank // 2),  # two by two at the same instant
        }
        for rank, number in enumerate(numbers, start=1)
    ]
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.insert(Folder.__table__), [{**folder, "id": number} for number in numbers])
        connection.execute(sa.insert(table), rows)
    return [row["key"] for row in reversed(rows)] + [act.key]


def turned(house: House, address: str, rel: str) -> list[list[str]]:
    """The keys of the acts on each page, from one to the next by its link."""
    pages = []
    while address:
        shown = page(house, address)
        pages.append(re.findall(r'<h3><a href="/actes/kerlann-sur-mer/(\w+)"', shown))
        link = re.search(rf'href="([^"]+)"\s+rel="{rel}"', shown)
        address = unescape(link[1]) if link else ""
    return pages


def test_pages_follow_one_another_and_lose_no_act(house: House) -> None:
    here, keys = "/actes/kerlann-sur-mer", written(house, 70)
    forth = turned(house, here, "next")
    assert [key for one in forth for key in one] == keys
    last = f"{here}?apres={forth[-2][-1]}"
    assert [one[0] for one in turned(house, last, "prev")[:-1]] == [one[0] for one in forth[:0:-1]]
    assert turned(house, last, "prev")[-1] == forth[0]
    # An act that comes meanwhile moves no page: the next one begins where the one before ended
    assert turned(house, f"{here}?apres={forth[0][-1]}", "next") == forth[1:]
    assert turned(house, f"{here}?apres=inconnu", "next") == forth


def test_the_address_of_a_page_by_its_number_leads_to_that_page(house: House) -> None:
    here, keys = "/actes/kerlann-sur-mer", written(house, 70)
    answer = visitor(house).get(f"{here}?page=3")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{here}?apres={keys[49]}")
    assert "Aucun acte ne correspond" in page(house, f"{here}?page=4")
    api = "/api/v1/public/kerlann-sur-mer/acts"
    second = visitor(house).get(f"{api}?page=2").json
    assert [one["key"] for one in second["acts"]] == keys[25:50]
    assert [one["key"] for one in visitor(house).get(second["next"]).json["acts"]] == keys[50:]
    assert visitor(house).get(f"{api}?page=4").json["acts"] == []
    assert visitor(house).get(f"{api}?page=41").status_code == 422


def test_words_years_and_natures_are_found_among_many_and_counted_as_far_as_they_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, keys = "/actes/kerlann-sur-mer", written(house, 70)
    assert turned(house, f"{here}?q=rare", "next") == [[keys[67]]]
    assert len([key for one in turned(house, f"{here}?q=courant", "next") for key in one]) == 69
    assert (
        len(
            [
                key
                for one in turned(house, f"{here}?nature=Contrats+et+conventions&annee=2003", "next")
                for key in one
            ]
        )
        == 5
    )
    offered = re.findall(r'<option value="([^"]*)"', page(house, here))
    assert offered == [
        "",
        "2026",
        *map(str, range(2006, 1999, -1)),
        "",
        "Contrats et conventions",
        "Délibérations",
    ]
    assert "71 actes" in page(house, here)
    monkeypatch.setattr(acts, "MANY", 50)
    assert "50 actes et plus" in page(house, here)


def test_an_address_that_does_not_change_may_be_kept_a_minute_and_asks_for_no_cookie(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    for path in ("/actes/kerlann-sur-mer", address(folder_id), f"{address(folder_id)}/1"):
        answer = visitor(house).get(path)
        assert answer.headers["Cache-Control"] == "public, max-age=60", path
        assert "Set-Cookie" not in answer.headers, path
        assert answer.get_data()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
    again = visitor(house).get(f"{address(folder_id)}/1", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert visitor(house).get("/actes/kerlann-sur-mer/rien").headers["Cache-Control"] == "no-store"


def test_who_asks_too_much_is_asked_to_wait(house: House) -> None:
    house.a_deliberation(at="done")
    house.app.config["PARAPHE"] = house.settings.model_copy(update={"public_rate": "2 per minute"})
    asked = [visitor(house).get("/actes/kerlann-sur-mer").status_code for _ in range(3)]
    assert asked == [200, 200, 429]
