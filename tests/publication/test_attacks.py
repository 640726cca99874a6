"""What nobody may get from the public page: another folder, another commune, other bytes than those published, a script."""

import re
from xml.etree import ElementTree as ET

import pytest

from app.core.db import reading
from app.files import vault
from app.people import desks
from app.people.actor import system
from app.publication.alarm import report_altered, report_restored
from app.publication.models import PublicFile
from tests.builders.house import House
from tests.publication.town import act_of, address, page, visitor

pytestmark = pytest.mark.in_turn

HERE = "/actes/kerlann-sur-mer"


def test_a_folder_that_is_not_published_is_nowhere(house: House) -> None:
    shown = house.a_deliberation(at="done")
    hidden = [
        house.a_deliberation(at="draft", number="2026-101", subject="Secret un"),
        house.a_deliberation(at="publication", number="2026-102", subject="Secret deux"),
        house.an_invoice(at="finance"),
    ]
    for number in (*hidden, shown):
        for path in (
            f"{HERE}/{number}",
            f"{HERE}/{number}/1",
            f"/api/v1/public/kerlann-sur-mer/acts/{number}",
        ):
            assert visitor(house).get(path).status_code == 404, path
    everything = "".join(
        visitor(house).get(path).get_data(as_text=True)
        for path in (HERE, f"{HERE}/atom.xml", address(shown), "/api/v1/public/kerlann-sur-mer/acts")
    )
    assert "Secret" not in everything
    assert "/dossiers/" not in everything
    assert "k.morizur" not in everything
    assert "Morizur" not in everything  # whoever clicked is no author of the act
    assert re.fullmatch(r"[0-9a-f]{16}", act_of(shown).key)


def test_nothing_of_another_collectivity_is_at_this_address(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    desks.create_collectivity(
        "219909997", "Kerlann-sur-Mer", department="029", district="1", nature="31", settings={}
    )
    key = act_of(folder_id).key
    for slug in ("autre-ville", "kerlann-sur-mer-219909997", "219909997"):
        for path in (
            f"/actes/{slug}",
            f"/actes/{slug}/atom.xml",
            f"/actes/{slug}/{key}",
            f"/actes/{slug}/{key}/1",
        ):
            assert visitor(house).get(path).status_code == 404, path


def test_two_collectivities_of_the_same_name_have_two_pages_sealed_from_one_another(house: House) -> None:
    import sqlalchemy as sa

    from app.core.clock import now
    from app.core.db import engine
    from app.core.transaction import use_case
    from app.publication import record
    from app.publication.models import PublicSite

    folder_id = house.a_deliberation(at="done")
    other = desks.create_collectivity(
        "219909997", "Kerlann sur Mer", department="029", district="1", nature="31", settings={}
    )

    @use_case
    def open_other(db) -> None:
        record._open_site(db, other, now())

    open_other()
    with engine().connect() as connection:
        slugs = set(connection.execute(sa.select(PublicSite.slug)).scalars())
    assert slugs == {"kerlann-sur-mer", "kerlann-sur-mer-219909997"}
    assert "Aucun acte ne correspond" in page(house, "/actes/kerlann-sur-mer-219909997")
    key = act_of(folder_id).key
    assert visitor(house).get(f"/actes/kerlann-sur-mer-219909997/{key}").status_code == 404


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e", "1%00", "-1", "1;x", "０"]
)
def test_an_address_that_climbs_or_lies_leads_nowhere(house: House, name: str) -> None:
    folder_id = house.a_deliberation(at="done")
    for path in (f"/actes/{name}", f"{HERE}/{name}", f"{address(folder_id)}/{name}"):
        assert visitor(house).get(path).status_code in {400, 404}, path


def test_a_title_is_words_and_never_marks(house: House) -> None:
    title = """<script>alert(1)</script> ]]> & "quotes" <b>'x'</b> <!-- {{ 7*7 }}"""
    folder_id = house.a_deliberation(at="done", subject=title)
    for path in (HERE, address(folder_id)):
        shown = page(house, path)
        assert "<script>alert" not in shown
        assert "<b>" not in shown
        assert "49" not in re.sub(r"[0-9a-f]{16,}", "", shown)
    feed = ET.fromstring(page(house, f"{HERE}/atom.xml"))
    assert title in [one.text for one in feed.iter("{http://www.w3.org/2005/Atom}title")]


def test_a_deposited_name_never_reaches_a_header_or_a_page(house: House, tmp_path) -> None:
    import shutil

    from tests.builders.house import ACT

    path = tmp_path / 'x"; attachment=evil.exe; Jeanne Martin.pdf'
    shutil.copy(ACT, path)
    folder_id = house.a_deliberation(at="done", path=path)
    answer = visitor(house).get(f"{address(folder_id)}/1?telecharger=1")
    assert answer.get_data().startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"deliberation-2026-057.pdf\"; filename*=UTF-8''deliberation-2026-057.pdf"
    )
    assert "Jeanne" not in page(house, address(folder_id))


@pytest.mark.parametrize("damage", ["altered", "longer", "gone"])
def test_altered_bytes_are_never_served_and_the_administrator_is_told_once(house: House, damage: str) -> None:
    folder_id = house.a_deliberation(at="done")
    signed = house.versions(folder_id)[-1]
    kept = (
        house.settings.data_dir
        / "documents"
        / vault.scope(signed.collectivity_id)
        / signed.sha256[:2]
        / signed.sha256
    )
    sound = kept.read_bytes()
    kept.chmod(0o600)
    house.drain()
    house.mail.clear()
    if damage == "gone":
        kept.unlink()
    else:
        kept.write_bytes(b"X" + sound[1:] if damage == "altered" else sound + b"X")
    for _ in range(2):
        answer = visitor(house).get(f"{address(folder_id)}/1")
        assert answer.status_code == 503
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ses octets ne sont plus ceux qui ont été publiés" in answer.get_data(as_text=True)
        assert sound[:200] not in answer.get_data()
    report_altered(system(signed.collectivity_id), 1)  # a second reader met it at the same moment
    house.drain()
    (letter,) = house.mail.letters
    assert "n’est plus servi" in str(letter["Subject"])
    assert "Fichier momentanément indisponible" in page(house, address(folder_id))
    assert "telecharger" not in page(house, address(folder_id))
    listed = house.client("k.morizur").get("/a-publier").get_data(as_text=True)
    assert "Fichier indisponible" in listed
    assert house.journal(folder_id)[-1] == "publication.altered"
    kept.write_bytes(sound)  # restored from a copy
    assert visitor(house).get(f"{address(folder_id)}/1").get_data() == sound
    with reading() as db:
        assert db.get_one(PublicFile, 1).altered_at is None
    assert house.journal(folder_id)[-1] == "publication.restored"
    assert "indisponible" not in page(house, address(folder_id))
    report_restored(system(signed.collectivity_id), 1)
    assert house.journal(folder_id).count("publication.restored") == 1
