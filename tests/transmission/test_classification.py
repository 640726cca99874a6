"""The classification in force is fetched, kept with every version before it, and decides of what may be signed."""

import re

import pytest

from app.channels.actes.classification import Classifications
from app.channels.actes.renewal import nightly, renew
from app.core.refusals import Refusal
from tests.builders.house import House
from tests.transmission.test_preflight import CLASSIFICATION, CLERK, MAYOR, draft, publish

pytestmark = pytest.mark.in_turn

SIREN = "212909998"


def test_a_new_classification_is_in_force_once_fetched_and_every_version_is_kept(house: House) -> None:
    assert renew(house.actor(CLERK))[1] is False
    publish(house)
    found, new = renew(house.actor(CLERK))
    assert (found.dated.isoformat(), new) == ("2026-11-01", True)
    assert len(found.matters) == 291
    assert renew(house.actor(CLERK)) == (found, False)
    kept = Classifications(house.settings.actes_classification_folder, None)
    assert kept.current(SIREN).dated.isoformat() == "2026-11-01"
    assert kept.dated(SIREN, found.dated) == found
    assert kept.current("000000000").dated.isoformat() == "2019-04-18"  # another town's is not this one's
    assert len(list((house.settings.actes_classification_folder / SIREN).iterdir())) == 2


def test_each_night_it_is_fetched_for_every_collectivity(house: House) -> None:
    publish(house)
    nightly()
    assert "Classification du 01/11/2026" in draft(house, house.a_deliberation(at="draft"))


def test_an_act_classified_before_it_changed_is_signed_only_once_it_is_classified_again(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    assert house.folder(folder_id).fields["classification_date"] == "2019-04-18"
    waiting = house.a_deliberation(at="draft")
    publish(house)
    renew(house.actor(CLERK))
    with pytest.raises(Refusal, match="would-be-refused") as refused:
        house.sign(folder_id, MAYOR)
    assert "remplacée par celle du 01/11/2026" in str(refused.value.facts["details"])
    assert "remplacée par celle du 01/11/2026" in draft(house, waiting)
    house.save(waiting, CLERK, {})
    assert "tout est en ordre" in draft(house, waiting)
    assert house.folder(waiting).fields["classification_date"] == "2026-11-01"


def test_a_matter_that_is_no_more_is_chosen_again(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    publish(
        house,
        change=(
            'CodeMatiere="5" actes:Libelle="Subventions"',
            'CodeMatiere="88" actes:Libelle="Subventions"',
        ),
    )
    renew(house.actor(CLERK))
    house.save(folder_id, CLERK, {})
    assert "n’est pas dans la classification du 01/11/2026" in draft(house, folder_id)


def test_what_is_no_classification_changes_nothing(house: House) -> None:
    folder = house.settings.actes_folder
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    for answer in (
        b"KO\nerreur",
        b"<html><body>Identifiez-vous</body></html>",
        CLASSIFICATION.read_bytes()[:3000],
    ):
        (folder / "classification.xml").write_bytes(answer)
        with pytest.raises(Refusal, match="classification-unreadable"):
            renew(house.actor(CLERK))
    assert not (house.settings.actes_classification_folder / SIREN).exists()


def test_the_depositor_asks_for_it_from_the_draft(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    publish(house)
    client = house.client(CLERK)
    page = client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert "/prefecture/classification" in page
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', page)[:1]
    answer = client.post("/prefecture/classification", data={"csrf_token": token, "folder": str(folder_id)})
    assert answer.headers["Location"].endswith(f"/dossiers/{folder_id}/brouillon")
    assert "est en vigueur. Vérifiez la matière" in client.get(answer.headers["Location"]).get_data(
        as_text=True
    )
