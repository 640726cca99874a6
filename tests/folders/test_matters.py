"""The matters that the collectivity chooses most come first; all of them are offered, in the order of their numbers."""

import re

import pytest

from app.channels.actes.renewal import renew
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders.favourites import star
from app.folders.models import Folder
from tests.builders.house import ACT, House, token_in
from tests.transmission.test_preflight import publish

pytestmark = pytest.mark.in_turn


def matters(house: House, folder_id: int) -> list[tuple[str, list[str]]]:
    """The groups of the list of matters, each with its codes."""
    page = house.client("k.morizur").get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    (listed,) = re.findall(r'<select[^>]*id="matter".*?</select>', page, re.DOTALL)
    groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', listed, re.DOTALL)
    return [(label, re.findall(r'value="([^"]+)"', inside)) for label, inside in groups]


def test_matters_often_chosen_come_first_and_the_others_keep_the_order_of_their_numbers(house: House) -> None:
    for matter in ("7.5", "7.1", "7.5"):
        house.a_deliberation(at="draft", matter=matter)
    (often, first), (everything, others) = matters(house, house.a_deliberation(at="draft", matter="2.2"))
    assert (often, first) == ("Souvent choisies", ["7.5", "7.1"])
    assert everything == "Toutes"
    assert len(others) == 282 - 2
    assert others == sorted(others, key=lambda code: tuple(map(int, code.split("."))))
    assert others.index("7.10") > others.index("7.9")


def starred(house: House, folder_id: int, login: str = "k.morizur", **form: str) -> str:
    """The page where a matter is chosen, once a button of it was pressed."""
    client = house.client(login)
    data = {"csrf_token": house.csrf(client), "folder": str(folder_id), **form}
    answer = client.post("/matieres/favoris", data=data, follow_redirects=True)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def test_a_person_s_favourites_come_first_and_are_nobody_else_s(house: House) -> None:
    folder_id = house.a_deliberation(at="draft", matter="2.2")
    for code in ("7.10", "3.1", "3.1"):
        starred(house, folder_id, star=code)
    (mine, first), (everything, others) = matters(house, folder_id)
    assert (mine, first) == ("Mes favoris", ["3.1", "7.10"])
    assert (everything, len(others)) == ("Toutes", 280)
    page = starred(house, folder_id, star="7.5.5", q="finances")
    favourites, found = page.split('id="others"')
    assert re.findall(r'name="unstar"\s+value="([^"]+)"', favourites) == ["7.5.5", "7.10"]
    assert re.search(r'value="7.5.5"\s+aria-pressed="true"\s+autofocus', favourites)
    assert 'value="7.1"' in found
    assert 'value="2.2"' not in page
    page = starred(house, folder_id, unstar="7.10")
    assert re.findall(r'name="unstar"\s+value="([^"]+)"', page) == ["3.1", "7.5.5"]
    other = house.deposit("s.rivoal", "decision", ACT)
    page = house.client("s.rivoal").get(f"/dossiers/{other}/matiere").get_data(as_text=True)
    assert 'name="star"' in page
    assert 'name="unstar"' not in page


def test_a_favourite_that_is_no_longer_in_the_classification_is_not_offered_and_the_others_stay(
    house: House,
) -> None:
    folder_id = house.a_deliberation(at="draft", matter="2.2")
    for code in ("3.1", "7.5"):
        starred(house, folder_id, star=code)
    publish(
        house,
        change=(
            'CodeMatiere="5" actes:Libelle="Subventions"',
            'CodeMatiere="88" actes:Libelle="Subventions"',
        ),
    )
    renew(house.actor("k.morizur"))
    assert matters(house, folder_id)[0] == ("Mes favoris", ["3.1"])
    with pytest.raises(Refusal, match="favourite-unknown"):
        star(house.actor("k.morizur"), "matter", "7.5", kept=True)


def test_a_matter_is_found_by_words_and_chosen_without_any_script(house: House) -> None:
    folder_id = house.a_deliberation(at="draft", matter="2.2")
    client = house.client("k.morizur")
    draft = client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    typed = {"csrf_token": token_in(draft), "version": str(house.folder(folder_id).version)}
    kept = client.post(
        f"/dossiers/{folder_id}/brouillon",
        data={**typed, "subject": "Port de plaisance", "action": "actes.matters"},
    )
    assert kept.location == f"/dossiers/{folder_id}/matiere"
    assert house.folder(folder_id).fields["subject"] == "Port de plaisance"
    page = client.get(f"{kept.location}?q=subv+asso").get_data(as_text=True)
    assert re.findall(r'name="matter"\s+value="([^"]+)"', page) == ["7.5.5"]
    assert "Aucune matière ne répond" in client.get(f"{kept.location}?q=zzz").get_data(as_text=True)
    typed["version"] = str(house.folder(folder_id).version)
    answer = client.post(kept.location, data={**typed, "matter": "7.5.5"}, follow_redirects=True)
    assert "La matière 7.5.5 est choisie." in answer.get_data(as_text=True).replace("\xa0", " ")
    assert house.folder(folder_id).fields["matter"] == "7.5.5"


def test_a_short_list_has_no_groups(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    page = house.client("k.morizur").get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    (natures,) = re.findall(r'<select[^>]*id="nature".*?</select>', page, re.DOTALL)
    assert "optgroup" not in natures
    assert "data-searched" not in natures


def test_what_software_reads_of_a_draft_it_may_send_back(house: House) -> None:
    from app.display.answers import folder_of

    folder_id = house.a_deliberation(at="draft")
    assert house.folder(folder_id).fields["classification_date"] == "2019-04-18"
    with reading() as db:
        facts = folder_of(db, db.get_one(Folder, folder_id), house.actor("k.morizur"))["facts"]
    assert "classification_date" not in facts
    assert facts["matter"] == "7.5.2"
