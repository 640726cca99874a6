"""An act that is published is on the public page at once: whole, signed, dated, downloadable, and byte for byte the one signed."""

from hashlib import sha256
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.folders import sending, sockets
from app.people import desks
from app.publication.models import PublicAct, PublicFile, PublicVersion
from tests.builders.house import ACT, House
from tests.publication.town import act_of, address, page, visitor

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
