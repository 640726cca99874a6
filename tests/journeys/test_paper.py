"""An act signed by hand: its scan follows, the original's place is known, and nothing pretends to an electronic signature."""

import json
from datetime import date, timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide, sending
from app.folders.keep import Incoming
from app.folders.models import Folder, StepRun
from app.signing import sign as electronic
from app.signing.models import PaperSignature, SignatureProof
from app.signing.paper import sheet as paper
from app.transmission.models import Transmission
from tests.builders import circuits
from tests.builders.house import ACT, House
from tests.journeys.test_seal import CIRCUIT

pytestmark = pytest.mark.in_turn

REGISTER = "Registre des délibérations, secrétariat général"
SCAN = ACT.parents[1] / "invoices" / "fx-basic-fr-ok.pdf"  # other bytes than the act's


def statement(name="Armel Kervadec", capacity="Maire", signed_on=None, kept_at=REGISTER):
    return paper.Statement(name, capacity, signed_on or today(), kept_at)


def incoming(tmp_path, source=SCAN, name="scan.pdf"):
    path = tmp_path / name
    path.write_bytes(source.read_bytes())
    return Incoming(path, name)


def state(house, folder_id, login, said, scan=None):
    return paper.sign(
        house.actor(login), folder_id, version=house.folder(folder_id).version, statement=said, scan=scan
    )


def signed_by_both(house, tmp_path) -> int:
    folder_id = house.a_deliberation(at="signatures")
    state(house, folder_id, "a.kervadec", statement(), incoming(tmp_path))
    said = statement("Bleuenn Cadiou", "Secrétaire de séance")
    state(house, folder_id, "b.cadiou", said)
    return folder_id


def sent_files(house: House, folder_id: int) -> dict[str, bytes]:
    """What was left for the Préfecture: the files of the archive, by name."""
    import io
    import tarfile

    from app.files import vault

    with reading() as db:
        row = db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()
    data = vault.store().read(vault.scope(row.collectivity_id), row.package_sha256)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}


@pytest.mark.law("SIG-07")
def test_both_sign_one_original_and_the_scan_is_what_leaves(house, tmp_path):
    folder_id = signed_by_both(house, tmp_path)
    assert house.folder(folder_id).place == "prefecture"
    (main,) = house.versions(folder_id)
    (scan,) = house.versions(folder_id, "paper")
    assert main.origin == "deposited"
    assert house.bytes_of(scan) == SCAN.read_bytes()
    with reading() as db:
        rows = list(db.scalars(sa.select(PaperSignature).order_by(PaperSignature.id)))
        assert db.scalar(sa.select(sa.func.count()).select_from(SignatureProof)) == 0
        runs = list(db.scalars(sa.select(StepRun).where(StepRun.step == "signatures").order_by(StepRun.id)))
    assert [(one.name, one.capacity, one.kept_at) for one in rows] == [
        ("Armel Kervadec", "Maire", REGISTER),
        ("Bleuenn Cadiou", "Secrétaire de séance", REGISTER),
    ]
    assert {one.version_id for one in rows} == {scan.id}
    assert [one.state for one in runs] == ["done", "done"]
    house.drain()
    assert house.folder(folder_id).place == "publication"
    sent = sent_files(house, folder_id)
    assert SCAN.read_bytes() in sent.values()
    assert ACT.read_bytes() not in sent.values()


def test_whoever_states_it_for_another_is_named_beside_who_signed(house, tmp_path):
    folder_id = house.a_deliberation(at="signatures")
    yesterday = max(today() - timedelta(days=1), date(2026, 9, 24))
    said = statement("Nolwenn Abgrallec", "Première adjointe", yesterday)
    state(house, folder_id, "a.kervadec", said, incoming(tmp_path))
    with reading() as db:
        run = db.scalars(
            sa.select(StepRun).where(StepRun.step == "signatures", StepRun.state == "done")
        ).one()
    assert (run.who, run.capacity) == ("Nolwenn Abgrallec", "Première adjointe")
    assert run.user_id == house.actor("a.kervadec").user_id
    client = house.client("a.kervadec")
    circuit = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Signé sur papier par Nolwenn Abgrallec" in circuit
    assert "original conservé" in circuit
    journal = client.get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    assert "Signature sur papier enregistrée par Armel Kervadec" in journal
    pieces = client.get(f"/dossiers/{folder_id}?onglet=pieces").get_data(as_text=True)
    assert REGISTER in pieces
    assert "ne porte pas de signature électronique" in pieces
    assert "Fichier rouvert et vérifié" not in pieces
    (scan,) = house.versions(folder_id, "paper")
    proof = client.get(f"/dossiers/{folder_id}/documents/{scan.document_id}/1/signatures").get_data(
        as_text=True
    )
    assert "Signé sur papier le" in proof
    assert REGISTER in proof
    assert "n’est pas une signature électronique" in proof
    assert "Signature valide" not in proof
    asked = {"data": {"csrf_token": house.csrf(client)}, "headers": {"HX-Request": "true"}}
    lines = client.post(f"/dossiers/{folder_id}/documents/{scan.document_id}/1/signatures", **asked)
    assert REGISTER in lines.get_data(as_text=True)  # judged meanwhile, the line stays


def test_the_journal_and_other_software_are_told_that_it_is_paper(house, tmp_path):
    from app.folders import sockets
    from app.journal.models import JournalEntry

    folder_id = house.a_deliberation(at="signatures")
    state(house, folder_id, "a.kervadec", statement(), incoming(tmp_path))
    with reading() as db:
        line = db.scalars(
            sa.select(JournalEntry).where(
                JournalEntry.folder_id == folder_id, JournalEntry.event == "folder.sign"
            )
        ).one()
        (proof,) = [one for find in sockets.plugged.proofs for one in find(db, folder_id)]
    facts = line.facts if isinstance(line.facts, dict) else json.loads(line.facts)
    (scan,) = house.versions(folder_id, "paper")
    assert facts["paper"] == {
        "name": "Armel Kervadec",
        "capacity": "Maire",
        "signed_on": today().isoformat(),
        "kept_at": REGISTER,
        "scan": scan.sha256,
    }
    assert (proof["level"], proof["original"], proof["serial"]) == ("paper", REGISTER, "")


def test_paper_and_electronic_signatures_are_not_mixed_on_one_document(house, tmp_path):
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    with pytest.raises(Refusal, match="paper-mixed"):
        state(house, folder_id, "b.cadiou", statement("Bleuenn Cadiou"), incoming(tmp_path))
    other = house.a_deliberation(at="signatures", number="2026-058")
    state(house, other, "a.kervadec", statement(), incoming(tmp_path))
    with pytest.raises(Refusal, match="paper-already"):
        house.prepare(other, "b.cadiou")
    client = house.client("b.cadiou")
    assert client.get(f"/dossiers/{other}/signer").location == f"/dossiers/{other}/signer-sur-papier"
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(PaperSignature)) == 1


def test_an_electronic_signature_begun_before_the_paper_one_is_not_completed_after_it(house, tmp_path):
    folder_id = house.a_deliberation(at="signatures")
    ready, key = house.prepare(folder_id, "b.cadiou")
    state(house, folder_id, "a.kervadec", statement(), incoming(tmp_path))
    with pytest.raises(Refusal):
        electronic.complete(
            house.actor("b.cadiou"), ready.session, [key.sign(one.attributes) for one in ready.prepared]
        )
    assert [one.origin for one in house.versions(folder_id)] == ["deposited"]


def test_a_family_that_does_not_allow_it_and_a_circuit_that_seals_refuse(house, tmp_path):
    invoice = house.an_invoice(at="bon_a_payer")
    with pytest.raises(Refusal, match="paper-not-allowed"):
        state(house, invoice, "a.kervadec", statement(), incoming(tmp_path))
    assert "Signé sur papier" not in house.client("a.kervadec").get(f"/dossiers/{invoice}/signer").get_data(
        as_text=True
    )
    circuits.publish(house.actor("k.morizur"), "deliberation", CIRCUIT)
    folder_id = house.a_deliberation(at="signatures")
    with pytest.raises(Refusal, match="paper-before-seal"):
        state(house, folder_id, "a.kervadec", statement(), incoming(tmp_path))


def test_what_is_missing_or_wrong_is_refused_and_nothing_is_kept(house, tmp_path):
    folder_id = house.a_deliberation(at="signatures")
    version, scan = house.folder(folder_id).version, incoming(tmp_path)
    picture = tmp_path / "scan.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    damaged = tmp_path / "damaged.pdf"
    damaged.write_bytes(SCAN.read_bytes()[:-600])
    for said, file, key in (
        (statement(kept_at="  "), scan, "paper-incomplete"),
        (statement(name=""), scan, "paper-incomplete"),
        (statement(capacity="x" * 301), scan, "paper-incomplete"),
        (statement(signed_on=today() + timedelta(days=9)), scan, "paper-date-future"),
        (statement(signed_on=date(2026, 9, 23)), scan, "paper-date-before-act"),
        (paper.Statement("A", "B", None, "C"), scan, "paper-date-missing"),
        (statement(), None, "paper-no-scan"),
        (statement(), Incoming(picture, "scan.png"), "file-"),
        (statement(), Incoming(damaged, "damaged.pdf"), "pdf-|file-|paper-scan-damaged"),
    ):
        with pytest.raises(Refusal, match=key):
            state(house, folder_id, "a.kervadec", said, file)
    for login, key in (("s.rivoal", "acted-already"), ("g.trehorel", "not-found")):
        with pytest.raises(Refusal, match=key):
            state(house, folder_id, login, statement(), scan)
    with pytest.raises(Refusal, match="moved-on"):
        paper.sign(
            house.actor("a.kervadec"), folder_id, version=version - 1, statement=statement(), scan=scan
        )
    assert house.folder(folder_id).version == version
    assert house.versions(folder_id, "paper") == []


def test_an_order_dated_before_its_signature_by_hand_is_asked_about_and_told_to_who_decides_next(
    house, tmp_path
):
    folder_id = house.an_act("individual_decree", decision_date=(today() - timedelta(days=3)).isoformat())
    client, version = house.client("a.kervadec"), house.folder(folder_id).version
    form = {"csrf_token": house.csrf(client), "version": str(version), "name": "Armel Kervadec"}
    form |= {"capacity": "Maire", "signed_on": today().isoformat(), "kept_at": REGISTER}
    url = f"/dossiers/{folder_id}/signer-sur-papier"

    def post(**more):
        answer = client.post(url, data={**form, "scan": (BytesIO(SCAN.read_bytes()), "acte.pdf"), **more})
        return answer.status_code, answer.get_data(as_text=True)

    assert "two_dates" not in client.get(url).get_data(as_text=True)
    status, said = post()
    assert (status, "n’existe que depuis sa signature" in said, "two_dates" in said) == (422, True, True)
    assert (house.folder(folder_id).version, house.versions(folder_id, "paper")) == (version, [])
    assert post(two_dates="1")[0] == 302
    told = house.client("k.morizur").get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Acte daté d’avant sa signature" in told
    rejected = house.an_act("decision", decision_date=(today() - timedelta(days=3)).isoformat())
    said = paper.Statement("Armel Kervadec", "Maire", today(), REGISTER, two_dates=True)
    state(house, rejected, "a.kervadec", said, incoming(tmp_path))
    with reading() as db:
        late = db.get_one(Folder, rejected)
        assert [one.key for one in paper.cautions(db, late)] == ["antedated"]
        late.fields = {**late.fields, "decision_date": "12 novembre"}  # typed in a draft that came back
        assert paper.cautions(db, late) == []


def test_a_rejected_act_is_signed_anew_and_its_old_scan_does_not_leave(house, tmp_path):
    folder_id = house.a_deliberation(at="signatures")
    state(house, folder_id, "a.kervadec", statement(), incoming(tmp_path))
    decide.reject(
        house.actor("b.cadiou"), folder_id, version=house.folder(folder_id).version, reason="Erreur de vote"
    )
    sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "s.rivoal")
    with pytest.raises(Refusal, match="paper-no-scan"):
        state(house, folder_id, "a.kervadec", statement())
    pieces = house.client("a.kervadec").get(f"/dossiers/{folder_id}?onglet=pieces").get_data(as_text=True)
    assert "Numérisation de l’acte" not in pieces
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    house.drain()
    sent = sent_files(house, folder_id)
    assert SCAN.read_bytes() not in sent.values()
    assert house.bytes_of(house.versions(folder_id)[-1]) in sent.values()


def test_the_page_states_it_keeps_what_was_typed_and_says_what_to_do(house, tmp_path):
    folder_id = house.a_deliberation(at="signatures")
    client = house.client("a.kervadec")
    assert f"/dossiers/{folder_id}/signer-sur-papier" in client.get(f"/dossiers/{folder_id}/signer").get_data(
        as_text=True
    )
    typed = {
        "csrf_token": house.csrf(client),
        "version": str(house.folder(folder_id).version),
        "name": "Armel Kervadec",
        "capacity": "Maire",
        "signed_on": today().isoformat(),
        "kept_at": REGISTER,
    }
    url = f"/dossiers/{folder_id}/signer-sur-papier"
    answer = client.post(url, data=typed)
    assert answer.status_code == 422
    assert "Joignez-la en PDF" in answer.get_data(as_text=True)
    assert f'value="{REGISTER}"' in answer.get_data(as_text=True)
    answer = client.post(url, data={**typed, "scan": (BytesIO(SCAN.read_bytes()), "acte signé.pdf")})
    assert answer.status_code == 302
    (scan,) = house.versions(folder_id, "paper")
    page = client.get(f"/dossiers/{folder_id}?onglet=pieces").get_data(as_text=True)
    assert "Numérisation de l’acte signé sur papier" in page
    assert scan.filename in page
