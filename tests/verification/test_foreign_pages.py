"""Files signed by other people's tools, on the public page: judged in the child process, within its bounds."""

import pytest

from tests.verification import foreign
from tests.verification.test_pages import PUBLIC, ask, text

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_an_xml_and_a_container_of_others_are_judged(house, made):
    page = text(ask(house.client(), PUBLIC, foreign.xades(made), name="marche.xml"))
    assert "Signature valide" in page
    assert "La signature couvre tout le document." in page
    data = foreign.zipped({**foreign.in_container(made, "e", "cades"), "avenant.pdf": b"99 000"})
    page = text(ask(house.client(), PUBLIC, data, name="marche.asice"))
    assert "Verdict indéterminé" in page
    assert "Non signé : « avenant.pdf »." in page


def test_what_is_not_judged_is_said_in_so_many_words(house):
    answer = ask(
        house.client(), PUBLIC, b'{"payload":"e30","protected":"e30","signature":"AA"}', name="a.json"
    )
    assert answer.status_code == 415
    assert "format non pris en charge (JAdES, signature JSON)" in text(answer)


def test_a_bomb_in_a_container_is_refused(house):
    import zipfile
    from io import BytesIO

    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.etsi.asic-e+zip")
        archive.writestr("a.txt", bytes(201 * 1024 * 1024))
        archive.writestr("META-INF/signatures.xml", "<x/>")
    assert ask(house.client(), PUBLIC, out.getvalue(), name="a.asice").status_code == 422
