"""The copy that the relay operator stamps: shown as it gives it, refused when it is the bare original, never in the act's place."""

import io

import pikepdf
import pytest

from tests.builders import s2low
from tests.builders.house import House
from tests.builders.s2low import Face, a_face
from tests.legality.town import page

pytestmark = pytest.mark.in_turn

DOWNLOAD = "actes_download_file.php"


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture
def face(tls: Face, tmp_path) -> Face:
    tls.world(tmp_path / "world")
    return tls


def test_the_operator_s_copy_is_reached_from_the_act_and_the_bare_original_is_not_taken_for_it(
    house: House, face: Face
):
    town = s2low.town(house, face)
    act = town.a_deliberation(at="publication")
    where, client = f"/dossiers/{act}/copie-de-l-operateur", town.client("k.morizur")
    assert where in client.get(f"/dossiers/{act}/prefecture").text
    before = [one.sha256 for one in town.versions(act)]
    answer = client.get(where)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "copie-operateur-2026_057.pdf" in answer.headers["Content-Disposition"]
    with pikepdf.open(io.BytesIO(answer.data)) as copy:
        assert "/AcroForm" not in copy.Root
    said = face.operator.scenario.scripted
    said[DOWNLOAD] = town.bytes_of(town.versions(act, "main")[-1])
    answer = client.get(where)
    assert answer.status_code == 409
    assert "L’opérateur n’a pas de copie tamponnée de cet acte." in answer.text
    said[DOWNLOAD] = b"<html>Connexion</html>"
    assert client.get(where).status_code == 409
    del said[DOWNLOAD]
    face.operator.scenario.next[DOWNLOAD] = ["outage"]
    answer = client.get(where)
    assert answer.status_code == 409
    assert "L’opérateur n’a pas donné ce document" in answer.text
    slip = f"/dossiers/{act}/bordereau-de-l-operateur"
    assert slip in client.get(f"/dossiers/{act}/prefecture").text
    answer = client.get(slip)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "bordereau-operateur-2026_057.pdf" in answer.headers["Content-Disposition"]
    said["actes_create_pdf.php"] = b"KO"
    assert "n’a pas de bordereau d’acquittement" in client.get(slip).text
    face.operator.scenario.next["actes_create_pdf.php"] = ["home"]
    assert "n’a pas donné ce document" in client.get(slip).text
    assert town.client("g.trehorel").get(slip).status_code == 404
    assert [one.sha256 for one in town.versions(act)] == before
    assert town.client("g.trehorel").get(where).status_code == 404


def test_no_operator_s_copy_is_offered_where_none_is_made(house: House):
    act = house.a_deliberation(at="publication")
    assert "copie-de-l-operateur" not in page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    assert house.client("k.morizur").get(f"/dossiers/{act}/copie-de-l-operateur").status_code == 409
