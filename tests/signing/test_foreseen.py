"""What is known before the click: the level and the mandate that a folder will ask, and the name that a certificate bears."""

import html
import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.clock import now
from app.core.db import engine, reading
from app.folders import decide
from app.folders.sockets import cautions
from app.journal.models import JournalEntry
from app.people.mandates import open_mandate
from app.signing import enrol
from app.signing.foreseen import parts
from app.signing.plugs import _proofs
from tests.builders.house import House
from tests.builders.mandates import a_mayor_and_a_deputy, of_mayor
from tests.signing.test_enrolment import enrolling, own

pytestmark = pytest.mark.in_turn

A, B, K = "a.kervadec", "b.cadiou", "k.morizur"
LEVEL = "signature avancée sur certificat qualifié"


def words(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def draft(house: House, folder_id: int) -> str:
    return words(house.client(K).get(f"/dossiers/{folder_id}/brouillon"))


def lacking(house: House, folder_id: int) -> list[str]:
    folder = house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        return [one.sentence for one in parts(db, folder) if one.lacking]


def test_a_contract_says_at_deposit_that_its_signer_has_no_certificate_of_its_level(house: House) -> None:
    folder_id = house.an_act("contract", at="draft")
    (sentence,) = lacking(house, folder_id)
    assert sentence == f"Signature demandée : {LEVEL} ; Armel Kervadec n’a pas de certificat de ce niveau."
    page = draft(house, folder_id)
    assert "Signatures demandées" in page
    assert LEVEL in page
    assert "Armel Kervadec n’a pas de certificat de ce niveau" in page
    folder = house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        assert [one.key for one in cautions(db, folder)] == ["signature-foreseen"]
    house.enrol(A, "qualified_soft")
    assert lacking(house, folder_id) == []
    page = draft(house, folder_id)
    assert LEVEL in page  # what it asks is told all the same
    assert "n’a pas de certificat" not in page


def test_it_is_a_caution_the_folder_leaves_and_still_says_it_on_its_way(house: House) -> None:
    folder_id = house.an_act("contract")
    assert house.folder(folder_id).phase == "running"
    assert "n’a pas de certificat de ce niveau" in words(house.client(K).get(f"/dossiers/{folder_id}"))
    folder = house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        assert "signature-foreseen" not in [one.key for one in cautions(db, folder)]
    house.enrol(A, "qualified")
    assert "n’a pas de certificat" not in words(house.client(K).get(f"/dossiers/{folder_id}"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE certificate SET withdrawn_at = enrolled_at", "n’a pas de certificat inscrit."),
        ("UPDATE certificate SET purpose = 'pes'", "n’a pas de certificat inscrit pour cet usage."),
        ("UPDATE certificate SET not_after = '2026-01-02 00:00:00'", "n’a qu’un certificat expiré."),
        ("UPDATE certificate SET to_confirm = true", "attend l’accord d’un administrateur."),
        ("UPDATE certificate SET assurance = 'simple'", "n’a pas de certificat de ce niveau."),
    ],
)
def test_each_reason_is_named(house: House, change: str, said: str) -> None:
    folder_id = house.an_act("decision", at="draft")
    assert lacking(house, folder_id) == []
    with engine().begin() as connection:
        connection.execute(sa.text(change))
    found = lacking(house, folder_id)
    assert [one.endswith(said) for one in found] == [True]


def test_a_certificate_that_ends_soon_is_noted_and_lacks_nothing(house: House) -> None:
    folder_id = house.an_act("decision", at="draft")
    with engine().begin() as connection:
        query = sa.text("UPDATE certificate SET not_after = :end")
        connection.execute(query, {"end": (now() + timedelta(days=12)).strftime("%Y-%m-%d %H:%M:%S")})
    assert lacking(house, folder_id) == []
    assert "Armel Kervadec : son certificat prend fin le" in draft(house, folder_id)


def test_a_missing_mandate_is_told_once_mandates_are_recorded(house: House) -> None:
    folder_id = house.an_act("decision", at="draft")
    deputy = house.actor("s.rivoal").user_id or 0
    open_mandate(house.actor(K), of_mayor(house, user_id=deputy))
    (sentence,) = lacking(house, folder_id)
    assert "Armel Kervadec n’a pas de mandat de signature" in sentence


def test_a_mandate_that_does_not_fit_is_told_in_words_for_who_deposits(house: House) -> None:
    a_mayor_and_a_deputy(house)
    told = draft(house, house.an_act("decision", at="draft"))
    assert "Gaud Le Bras a un mandat (« " in told
    assert "qui ne porte pas sur ce type de dossier" in told
    assert "Rien n’a été signé" not in told


def test_the_certificate_s_name_is_written_where_it_is_not_the_account_s(
    house: House, tmp_path: Path
) -> None:
    """An administrator has said that it is the same person; whoever reads the act reads both names."""
    enrolling(house, A, "rsa4096")
    row = own(house, A)[0]
    enrol.confirm(house.actor(K), row.id)
    folder_id = house.an_invoice(at="bon_a_payer")
    house.sign(folder_id, A, "rsa4096")
    both = "certificat au nom de Solenn RIVOAL"
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    stamp = subprocess.run(["pdftotext", signed, "-"], check=True, capture_output=True, text=True).stdout
    assert both in " ".join(stamp.split())
    page = words(house.client("n.abgrallec").get(f"/dossiers/{folder_id}"))
    assert f"Signé par Armel Kervadec, {both}" in page
    with reading() as db:
        (proof,) = _proofs(db, folder_id)
        assert proof["holder"] == "Solenn RIVOAL"
        assert proof["issuer"] == "AC des signataires d’essai (FACTICE)"
        query = sa.select(JournalEntry.facts).where(
            JournalEntry.folder_id == folder_id, JournalEntry.event == "folder.sign"
        )
        assert json.loads(db.scalars(query).one())["holder"] == "Solenn RIVOAL"


def test_nothing_is_added_where_the_names_are_the_same(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.sign(folder_id, A)
    page = words(house.client("n.abgrallec").get(f"/dossiers/{folder_id}"))
    assert "Signé par Armel Kervadec" in page
    assert "certificat au nom de" not in page


def test_a_folder_that_came_back_has_beside_its_title_what_is_lacking_alone(house: House) -> None:
    folder_id = house.an_invoice("finance")
    decide.reject(
        house.actor("n.abgrallec"), folder_id, version=house.folder(folder_id).version, reason="À revoir"
    )
    reader = house.client("g.trehorel")
    assert "Signatures demandées" not in words(reader.get(f"/dossiers/{folder_id}"))
    assert "Signatures demandées" in words(reader.get(f"/dossiers/{folder_id}/brouillon"))
