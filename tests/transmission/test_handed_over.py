"""What the relay operator holds is « remis à l’opérateur »; « transmis » is said once, when he says that he sent it on."""

import pytest

from app.core.outbox import run
from tests.builders import s2low
from tests.builders.house import House
from tests.builders.s2low import Face, a_face
from tests.legality.town import page
from tests.transmission.test_helios import again, row

HANDED, SENT_ON = "Remis à l’opérateur de télétransmission", "Transmis à la préfecture par l’opérateur"


@pytest.fixture
def face(tmp_path):
    with a_face(tmp_path) as made:
        made.world(tmp_path / "world")
        yield made


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_transmitted_is_written_only_when_the_operator_says_so(house: House, face: Face) -> None:
    town = s2low.town(house, face)
    folder_id = town.a_deliberation(at="prefecture")

    def journal() -> str:
        return page(town, "k.morizur", f"/dossiers/{folder_id}?onglet=journal").replace("\u00a0", " ")

    face.operator.scenario.next["actes_transac_get_status.php"] = ["outage"]  # nothing is known of it yet
    run(row(folder_id).id)
    assert HANDED in journal()
    assert "Transmis à la préfecture" not in journal()
    shown = page(town, "k.morizur", f"/dossiers/{folder_id}")
    assert "Remis à l’opérateur, pas encore transmis" in shown.replace("\u00a0", " ")
    for stage in (1, 17, 9):
        face.operator.stage = stage
        again(folder_id)
        assert "Transmis à la préfecture" not in journal()
    for stage in (3, 1, 3, 24):
        face.operator.stage = stage
        again(folder_id)
        assert journal().count(SENT_ON) == 1
    face.operator.stage = None
    again(folder_id)
    assert town.folder(folder_id).place == "publication"
    assert town.journal(folder_id).count("transmission.relayed") == 1
