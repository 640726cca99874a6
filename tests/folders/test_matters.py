"""The matters that the collectivity chooses most come first; all of them are offered, in the order of their numbers."""

import re

from app.core.db import reading
from app.folders.models import Folder
from tests.builders.house import House


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


def test_a_short_list_has_no_groups(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    page = house.client("k.morizur").get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    (natures,) = re.findall(r'<select[^>]*id="nature".*?</select>', page, re.DOTALL)
    assert "optgroup" not in natures
    assert "data-searched" not in natures


def test_what_software_reads_of_a_draft_it_may_send_back(house: House) -> None:
    from app.folders.portrait import portrait

    folder_id = house.a_deliberation(at="draft")
    assert house.folder(folder_id).fields["classification_date"] == "2019-04-18"
    with reading() as db:
        facts = portrait(db, db.get_one(Folder, folder_id), house.actor("k.morizur"))["facts"]
    assert "classification_date" not in facts
    assert facts["matter"] == "7.5.2"
