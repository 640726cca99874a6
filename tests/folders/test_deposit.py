"""What the desk that deposits may do with its folder: fill in, add, replace, repair, remove, send, give up, send again."""

import re
import shutil
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.clock import now, today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide, deposit, sending
from app.folders.documents import last_version
from app.folders.keep import Incoming
from app.folders.models import Document, DocumentVersion, Folder, FolderNote
from app.people import desks
from tests.api.software import Software
from tests.assets import make_hostile
from tests.builders.flows import renamed
from tests.builders.house import ACT, FLOW, INVOICE, House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

G, K = "g.trehorel", "k.morizur"
OTHER = ACT.parent / "decision-2026-031-marche-voirie.pdf"


def incoming(path: Path, room: Path, name: str | None = None) -> Incoming:
    return Incoming(Path(shutil.copy(path, room / (name or path.name))), name or path.name)


def bytes_at(house: House, login: str, folder_id: int, document_id: int, number: int) -> bytes:
    answer = house.client(login).get(f"/dossiers/{folder_id}/documents/{document_id}/{number}")
    assert answer.status_code == 200
    return answer.get_data()


def documents(folder_id: int) -> list[Document]:
    with reading() as db:
        return list(
            db.scalars(sa.select(Document).where(Document.folder_id == folder_id).order_by(Document.id))
        )


def post_files(
    house: House, paths: list[Path], family: str = "invoice", **more: str
) -> tuple[int, str, list[str]]:
    """Deposit these files from the page: the status, what the page then says, and the drafts' main files."""
    client = house.client(G)
    form = {"csrf_token": house.csrf(client), "family": family, **more}
    files = [(BytesIO(one.read_bytes()), one.name) for one in paths]
    sent = {**form, "files": files}
    answer = client.post("/deposer", data=sent, content_type="multipart/form-data", follow_redirects=True)
    query = sa.select(Document.title).where(Document.role == "main").order_by(Document.id)
    with reading() as db:
        return answer.status_code, answer.get_data(as_text=True), list(db.scalars(query))


def test_the_next_draft_opens_once_one_is_sent_and_then_the_deposit_of_another(house: House) -> None:
    """Her own drafts alone, in the order of their tray; each beside its document, and the one that left is named."""
    first, second, third = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(3))
    elsewhere = house.a_deliberation(at="draft")
    client = house.client(G)

    def send(folder_id: int) -> tuple[str, str]:
        form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version}
        answer = client.post(f"/dossiers/{folder_id}/brouillon", data={**form, "action": "submit-next"})
        assert answer.status_code == 302
        page = client.get(answer.location).get_data(as_text=True).replace("\xa0", " ")
        return answer.location, page

    page = client.get(f"/dossiers/{second}/brouillon").get_data(as_text=True)
    assert "Envoyer et relire le brouillon suivant" in page
    assert f'data-viewer="/dossiers/{second}/documents/' in page
    where, page = send(second)
    assert (where, "est envoyé dans le circuit" in page) == (f"/dossiers/{first}/brouillon", True)
    assert house.folder(second).phase == "running"
    where, page = send(first)
    assert where == f"/dossiers/{third}/brouillon"
    assert "Envoyer et en déposer un autre" in page
    where, page = send(third)
    assert where == "/deposer?famille=invoice"
    assert re.search(r'value="invoice"[^>]*checked', page)
    assert house.folder(elsewhere).phase == "draft"
    lacking = house.an_invoice(at="draft", received_on="")
    form = {"csrf_token": house.csrf(client), "version": house.folder(lacking).version}
    answer = client.post(f"/dossiers/{lacking}/brouillon", data={**form, "action": "submit-next"})
    assert (answer.status_code, house.folder(lacking).phase) == (422, "draft")
    assert "Il reste à renseigner" in answer.get_data(as_text=True)


def test_several_invoices_are_several_folders_or_are_asked_about_never_an_annex_in_silence(
    house: House, tmp_path: Path
) -> None:
    broken = tmp_path / "cassée.pdf"
    broken.write_bytes(b"%PDF-1.7 rien")
    second = INVOICE.parent / "fx-en16931-fr-avec-piece-jointe.pdf"
    status, page, kept = post_files(house, [INVOICE, second])
    assert (status, kept) == (422, [])
    assert "Dites si chacun est un dossier" in page
    status, page, kept = post_files(house, [INVOICE, broken, second], several="each")
    assert (status, len(kept)) == (200, 2)
    assert "2 brouillons créés" in page.replace("\xa0", " ")
    # Named once, with why; it keeps none of the others back
    assert page.count("cassée.pdf") == 1
    assert "Il n’a pas été déposé" in page
    status, page, kept = post_files(house, [second, INVOICE], several="one")
    assert (status, len(kept)) == (200, 3)
    assert INVOICE.stem in page
    status, page, kept = post_files(house, [broken, broken], several="each")
    assert (status, len(kept)) == (422, 3)
    assert "Rien n’a été déposé" in page
    flows = [FLOW, renamed(tmp_path, 21)]
    status, page, kept = post_files(house, flows, "pes")
    assert (status, len(kept), "Dites si chacun est un dossier" in page) == (422, 3, True)
    status, page, kept = post_files(house, flows, "pes", several="each")
    assert (status, len(kept)) == (200, 5)
    assert {FLOW.stem, "flux21"} <= set(kept)
    draft, client = house.an_invoice(at="draft"), house.client(G)
    form = {"csrf_token": house.csrf(client)}

    def add(source: Path, **more: str) -> tuple[int, str]:
        sent = {**form, **more, "files": (BytesIO(source.read_bytes()), "autre.pdf")}
        answer = client.post(f"/dossiers/{draft}/documents", data=sent)
        return answer.status_code, answer.get_data(as_text=True)

    status, page = add(second)
    assert (status, "se dépose dans un dossier à part" in page) == (422, True)
    assert house.versions(draft, "attachment") == []
    house.save(draft, G, {"number": "fa 2026 0001"})
    assert add(INVOICE)[0] == 302  # the same one again, however its number is typed, is no other invoice
    assert add(second, annexes="1")[0] == 302
    (annex, _) = house.versions(draft, "attachment")
    with pytest.raises(Refusal, match="annex-is-subject"):
        deposit.replace_main(house.actor(G), draft, annex.document_id, Incoming(second, "autre.pdf"))


def test_saving_keeps_the_family_s_own_fields_and_nothing_else(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    before = dict(house.folder(folder_id).fields)
    intruders = {
        "place": "done",
        "phase": "done",
        "received_on_by_state": "2020-01-01",
        "collectivity_id": "2",
        "sitting_secretary": "1",
        "version": "99",
    }
    house.save(folder_id, G, {**intruders, "order_ref": "BC-2026-014"})
    folder = house.folder(folder_id)
    assert folder.fields == {**before, "order_ref": "BC-2026-014"}
    assert (folder.place, folder.phase) == ("draft", "draft")


def test_what_is_typed_is_kept_even_wrong_and_lists_follow_it(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    house.save(folder_id, G, {"total_ttc": "1 234,5", "number": "Œ-12", "seller": "Élie & Cie"})
    folder = house.folder(folder_id)
    assert (folder.amount_cents, folder.number, folder.fields["total_ttc"]) == (123450, "Œ-12", "1234.50")
    assert "oe-12" in folder.title_key
    house.save(folder_id, G, {"total_ttc": "beaucoup"})
    assert house.folder(folder_id).amount_cents is None
    assert house.folder(folder_id).fields["total_ttc"] == "beaucoup"


def test_a_page_that_is_out_of_date_saves_nothing(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    version = house.folder(folder_id).version
    house.save(folder_id, G, {"order_ref": "premier"})
    with pytest.raises(Refusal, match="moved-on"):
        deposit.save(house.actor(G), folder_id, version=version, title=None, facts={"order_ref": "second"})
    assert house.folder(folder_id).fields["order_ref"] == "premier"


def test_sending_says_everything_that_is_missing_at_once_and_sends_nothing(house: House) -> None:
    folder_id = house.deposit(K, "deliberation", ACT)
    with pytest.raises(Refusal, match="to-fix") as refused:
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    missing = {one["field"] for one in refused.value.facts["problems"]}
    assert missing >= {"number", "decision_date", "subject", "matter", "sitting_secretary"}
    assert all(one["sentence"].strip().endswith(".") for one in refused.value.facts["problems"])
    page = house.client(K)
    form = {"csrf_token": house.csrf(page), "version": house.folder(folder_id).version, "action": "submit"}
    answer = page.post(f"/dossiers/{folder_id}/brouillon", data=form)
    assert answer.status_code == 422
    assert answer.get_data(as_text=True).count("aria-invalid") >= 5
    assert (house.folder(folder_id).phase, house.folder(folder_id).round) == ("draft", 0)
    assert "folder.submit" not in house.journal(folder_id)
    # A number that no page would post, of more digits than Python reads, is none: nothing is lost, and no page breaks
    many = {f"type-{'9' * 5000}": "99_DE", "action": f"line-off:subject:{'9' * 5000}"}
    form["version"] = house.folder(folder_id).version
    assert page.post(f"/dossiers/{folder_id}/brouillon", data={**form, **many}).status_code == 302
    late = page.post(f"/dossiers/{folder_id}/brouillon", data={**form, "version": "9" * 5000})
    assert "la version du dossier manque" in late.get_data(as_text=True)


def test_what_the_carrier_would_refuse_is_said_before_departure(house: House) -> None:
    folder_id = house.a_deliberation(at="draft", number="numéro impossible ! beaucoup trop long")
    with pytest.raises(Refusal, match="to-fix") as refused:
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    assert {one["field"] for one in refused.value.facts["problems"]} == {"number"}


def test_another_desk_neither_fills_nor_sends(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    version = house.folder(folder_id).version
    for login, key in (("n.abgrallec", "not-found"), ("a.kervadec", "not-found")):
        for verb in (
            lambda who: deposit.save(who, folder_id, version=version, title="Volé", facts={}),
            lambda who: sending.send(who, folder_id, version=version),
            lambda who: deposit.remove_document(who, folder_id, 1),
            lambda who: decide.withdraw(who, folder_id, version=version),
        ):
            with pytest.raises(Refusal, match=key):
                verb(house.actor(login))
    assert house.folder(folder_id).version == version


def test_a_holder_of_the_desk_without_the_right_to_create_reads_and_changes_nothing(house: House) -> None:
    desks.seat(house.actor(G).collectivity_id, "comptabilite", "t.lescoat", [Right.ACT])
    folder_id = house.an_invoice(at="draft")
    client = house.client("t.lescoat")
    page = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Compléter et envoyer" not in page
    assert "Abandonner" not in page
    with pytest.raises(Refusal, match="not-emitter"):
        decide.withdraw(house.actor("t.lescoat"), folder_id, version=house.folder(folder_id).version)
    # The right held at another desk opens the pages of the deposit, and not the drafts of this one.
    desks.seat(house.actor(G).collectivity_id, "technique", "t.lescoat", [Right.CREATE])
    actor, main = house.actor("t.lescoat"), house.versions(folder_id)[0].document_id
    version = house.folder(folder_id).version
    for verb in (
        lambda: deposit.save(actor, folder_id, version=version, title="Autre", facts={"total_ttc": "1"}),
        lambda: sending.send(actor, folder_id, version=version),
        lambda: deposit.remove_document(actor, folder_id, main),
        lambda: deposit.accept_repair(actor, folder_id, main),
        lambda: deposit.attach(actor, folder_id, []),
    ):
        with pytest.raises(Refusal, match="not-emitter"):
            verb()
    assert house.folder(folder_id).version == version


def test_a_first_draft_may_be_given_up_by_the_button_that_offers_it(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    client = house.client(G)
    assert f"/dossiers/{folder_id}/abandonner" in client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    answer = client.post(
        f"/dossiers/{folder_id}/abandonner",
        data={"csrf_token": house.csrf(client), "version": house.folder(folder_id).version},
    )
    assert answer.status_code == 302
    folder = house.folder(folder_id)
    assert (folder.phase, folder.place) == ("done", "withdrawn")
    assert client.get(f"/dossiers/{folder_id}").status_code == 200
    assert house.journal(folder_id) == [
        "folder.created",
        "folder.withdraw",
        "folder.opened",
    ] or "folder.withdraw" in house.journal(folder_id)
    with pytest.raises(Refusal, match="not-editable"):
        house.save(folder_id, G, {"order_ref": "trop tard"})


@pytest.mark.law("ARC-01", "PES-06")
def test_a_removed_attachment_leaves_the_folder_and_its_bytes_stay_at_their_address(
    house: House, tmp_path: Path
) -> None:
    folder_id = house.deposit(K, "deliberation", ACT, OTHER)
    attachment = next(one for one in documents(folder_id) if one.role == "attachment")
    (kept,) = house.versions(folder_id, "attachment")  # who deposited it, when, and its very bytes
    assert (kept.created_by, kept.created_at.date()) == (house.actor(K).name, now().date())
    assert kept.sha256 == sha256(OTHER.read_bytes()).hexdigest()
    deposit.remove_document(house.actor(K), folder_id, attachment.id)
    client = house.client(K)
    assert OTHER.stem not in client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    # Its desk may still read what its journal names: the trail would prove nothing without its bytes.
    assert bytes_at(house, K, folder_id, attachment.id, 1) == OTHER.read_bytes()
    assert (
        house.client("n.abgrallec").get(f"/dossiers/{folder_id}/documents/{attachment.id}/1").status_code
        == 404
    )
    assert house.journal(folder_id)[:2] == ["folder.created", "document.removed"]
    with pytest.raises(Refusal, match="document-unknown"):
        deposit.remove_document(house.actor(K), folder_id, attachment.id)


def test_what_left_a_draft_before_it_was_sent_is_read_by_its_desk_alone(house: House, tmp_path: Path) -> None:
    folder_id = house.a_deliberation(at="draft")
    deposit.add_documents(house.actor(K), folder_id, [incoming(OTHER, tmp_path)])
    attachment = next(one for one in documents(folder_id) if one.role == "attachment")
    address = f"/dossiers/{folder_id}/documents/{attachment.id}/1"
    deposit.remove_document(house.actor(K), folder_id, attachment.id)
    sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    assert house.client(K).get(address).status_code == 200
    assert house.client("s.rivoal").get(f"/dossiers/{folder_id}").status_code == 200
    assert house.client("s.rivoal").get(address).status_code == 404


def test_what_was_sent_once_stays_readable_to_whom_it_was_sent(house: House, tmp_path: Path) -> None:
    folder_id = house.a_deliberation(at="draft")
    deposit.add_documents(house.actor(K), folder_id, [incoming(OTHER, tmp_path)])
    house.type_annexes(folder_id, "21_RP")
    sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    attachment = next(one for one in documents(folder_id) if one.role == "attachment")
    decide.reject(
        house.actor("s.rivoal"), folder_id, version=house.folder(folder_id).version, reason="Annexe"
    )
    deposit.remove_document(house.actor(K), folder_id, attachment.id)
    address = f"/dossiers/{folder_id}/documents/{attachment.id}/1"
    assert house.client("s.rivoal").get(address).status_code == 200


def test_the_main_document_is_replaced_and_never_removed(house: House, tmp_path: Path) -> None:
    folder_id = house.a_deliberation(at="draft")
    (main,) = documents(folder_id)
    with pytest.raises(Refusal, match="main-stays"):
        deposit.remove_document(house.actor(K), folder_id, main.id)
    deposit.replace_main(house.actor(K), folder_id, main.id, incoming(OTHER, tmp_path))
    first, second = house.versions(folder_id)
    assert (first.number, second.number) == (1, 2)
    assert bytes_at(house, K, folder_id, main.id, 1) == ACT.read_bytes()
    assert bytes_at(house, K, folder_id, main.id, 2) == OTHER.read_bytes()


def test_a_replaced_invoice_is_read_again_and_its_former_data_set_aside(house: House, tmp_path: Path) -> None:
    folder_id = house.an_invoice(at="draft")
    main = next(one for one in documents(folder_id) if one.role == "main")
    former = house.folder(folder_id).fields["number"]
    other = INVOICE.parent / "fx-en16931-fr-avec-piece-jointe.pdf"
    deposit.replace_main(house.actor(G), folder_id, main.id, incoming(other, tmp_path))
    folder = house.folder(folder_id)
    assert folder.fields["number"] != former
    assert folder.fields["proof_of_service"] == "technique"  # what a person typed is kept
    live = [one.role for one in documents(folder_id) if one.removed_at is None]
    assert sorted(live) == ["data", "main"]


def test_an_attachment_is_replaced_beside_the_main_document(house: House, tmp_path: Path) -> None:
    folder_id = house.deposit(K, "deliberation", ACT, OTHER)
    attachment = next(one for one in documents(folder_id) if one.role == "attachment")
    convention = ACT.parent / "convention-2026-018-cercle-nautique.pdf"
    deposit.replace_main(house.actor(K), folder_id, attachment.id, incoming(convention, tmp_path))
    assert [one.number for one in house.versions(folder_id, "attachment")] == [1, 2]
    assert len(house.versions(folder_id)) == 1


def test_a_badly_built_file_is_sent_only_once_its_repaired_copy_is_accepted(
    house: House, tmp_path: Path
) -> None:
    broken = tmp_path / "acte.pdf"
    broken.write_bytes(make_hostile.broken_xref())
    folder_id = house.a_deliberation(at="draft", path=broken)
    with pytest.raises(Refusal, match="to-fix") as refused:
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    assert [one["key"] for one in refused.value.facts["problems"]] == ["repair-pending"]
    (main,) = documents(folder_id)
    deposit.accept_repair(house.actor(K), folder_id, main.id)
    original, repaired = house.versions(folder_id)
    assert house.bytes_of(original) == broken.read_bytes()
    assert (repaired.origin, repaired.number) == ("repaired", 2)
    with pytest.raises(Refusal, match="nothing-to-repair"):
        deposit.accept_repair(house.actor(K), folder_id, main.id)
    assert (
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version).entered
        == "direction"
    )


@pytest.mark.law("RGP-02")
def test_a_folder_on_its_way_is_not_edited(house: House, tmp_path: Path) -> None:
    folder_id = house.an_invoice(at="service_done")
    version, main = house.folder(folder_id).version, documents(folder_id)[0].id
    for verb in (
        lambda: house.save(folder_id, G, {"order_ref": "x"}),
        lambda: deposit.add_documents(house.actor(G), folder_id, [incoming(OTHER, tmp_path)]),
        lambda: deposit.remove_document(house.actor(G), folder_id, main),
        lambda: deposit.accept_repair(house.actor(G), folder_id, main),
        lambda: deposit.replace_main(house.actor(G), folder_id, main, incoming(OTHER, tmp_path)),
        lambda: sending.send(house.actor(G), folder_id, version=version),
    ):
        with pytest.raises(Refusal, match="not-editable"):
            verb()
    assert house.folder(folder_id).version == version


def test_a_folder_signed_then_rejected_goes_again_from_its_unsigned_bytes(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    decide.reject(
        house.actor("b.cadiou"), folder_id, version=house.folder(folder_id).version, reason="Vote à corriger"
    )
    sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    deposited, signed, again = house.versions(folder_id)
    assert [one.origin for one in (deposited, signed, again)] == ["deposited", "signed", "deposited"]
    assert (again.sha256, again.round) == (deposited.sha256, 1) or again.sha256 == deposited.sha256
    assert b"/ByteRange" not in house.bytes_of(again)
    assert bytes_at(house, K, folder_id, signed.document_id, signed.number) == house.bytes_of(signed)
    house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "b.cadiou")
    house.sign(folder_id, "a.kervadec")
    assert house.folder(folder_id).place == "prefecture"
    final = house.bytes_of(house.versions(folder_id)[-1])
    assert final.startswith(house.bytes_of(deposited))
    assert final.count(b"/ByteRange") == 2


@pytest.mark.parametrize("desk", ["finances", "technique", None])
def test_a_depositor_deposits_only_for_a_desk_that_lets_him(
    house: House, desk: str | None, tmp_path: Path
) -> None:
    with reading() as db:
        number = desks.desk_of(db, house.actor(G).collectivity_id, desk).id if desk else 987654
    with pytest.raises(Refusal, match="no-desk"):
        deposit.deposit(house.actor(G), "invoice", [incoming(INVOICE, tmp_path)], desk_id=number)
    with pytest.raises(Refusal, match="no-desk"):
        deposit.deposit(house.actor("a.kervadec"), "invoice", [incoming(INVOICE, tmp_path)])
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Folder)) == 0


def test_a_refused_file_among_good_ones_leaves_nothing_at_all(house: House, tmp_path: Path) -> None:
    bad = tmp_path / "chiffre.pdf"
    bad.write_bytes(make_hostile.encrypted("secret", "secret"))
    with pytest.raises(Refusal):
        deposit.deposit(house.actor(K), "deliberation", [incoming(ACT, tmp_path), Incoming(bad, bad.name)])
    with reading() as db:
        for model in (Folder, Document, DocumentVersion):
            assert db.scalar(sa.select(sa.func.count()).select_from(model)) == 0
    with pytest.raises(Refusal, match="no-file"):
        deposit.deposit(house.actor(K), "deliberation", [])


def test_the_due_date_of_an_invoice_follows_its_reception(house: House) -> None:
    early = house.an_invoice(at="service_done", received_on=today().isoformat())
    assert (house.folder(early).due_on - today()).days == 20
    note = INVOICE.with_name("fx-basic-fr-avoir-381.pdf")
    credit = house.an_invoice(at="service_done", path=note, received_on=today().isoformat())
    assert house.folder(credit).due_on.year == 9999
    # What is called a credit note by a person alone is still an invoice for its clock.
    called = house.an_invoice(at="service_done", type_code="381", received_on=today().isoformat())
    assert (house.folder(called).due_on - today()).days == 20


def test_drafts_without_a_title_read_with_the_names_of_their_files(house: House, tmp_path: Path) -> None:
    """Pages that nothing could be read from: their lists tell one from another, and a title that is written takes its place."""
    scans = [tmp_path / name for name in ("scan-0012.pdf", "scan-0013.pdf")]
    for path in scans:
        shutil.copy(ACT, path)
    status, page, kept = post_files(house, scans, several="each")
    assert (status, len(kept)) == (200, 2)
    client = house.client(G)
    for address in ("/a-traiter?bannette=drafts", "/suivi?etat=draft"):
        page = client.get(address).text
        for path in scans:
            assert re.search(rf'<a[^>]*href="/dossiers/\d+/brouillon">{path.name}</a>', page), address
    with reading() as db:
        number = db.scalar(sa.select(Document.folder_id).where(Document.title.like("scan-0012%")))
    assert number is not None
    house.save(number, G, {}, title="Chaudière de l’école")
    page = client.get("/a-traiter?bannette=drafts").text
    assert "Chaudière de l’école</a>" in page
    assert "scan-0012" not in page


def _mark(page: str, action: str) -> str:
    """The mark of the form of a page that is posted there."""
    form = next(one for one in page.split("<form") if f'action="{action}"' in one)
    (mark,) = re.findall(r'name="once" value="([^"]+)"', form.partition("</form")[0])
    return mark


def _count(model: type) -> int:
    with reading() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_deposit_whose_answer_was_lost_is_made_once_and_its_page_makes_no_other(house: House) -> None:
    client = house.client(G)
    mark = _mark(client.get("/deposer").text, "/deposer")

    def post(*paths: Path, once: str = mark, **more: str) -> TestResponse:
        form = {"csrf_token": house.csrf(client), "family": "invoice", "once": once, **more}
        files = [(BytesIO(one.read_bytes()), one.name) for one in paths]
        return client.post("/deposer", data={**form, "files": files}, content_type="multipart/form-data")

    first = post(INVOICE)
    assert first.status_code == 302
    assert [post(INVOICE).location for _ in range(2)] == [first.location] * 2
    assert _count(Folder) == 1

    # Other bytes, another type or more files: nothing in silence, the page leads to what was made
    for answer in (post(OTHER), post(INVOICE, OTHER, several="one"), post(INVOICE, family="contract")):
        assert answer.status_code == 409
        assert "Rien de plus n’a été déposé" in answer.text
        assert f'href="{first.location}"' in answer.text
        assert _mark(answer.text, "/deposer") != mark
    several = post(INVOICE, OTHER, several="each")
    assert (several.status_code, _count(Folder)) == (409, 1)

    # What the page says to a script
    said = client.post(
        "/deposer",
        data={
            "csrf_token": house.csrf(client),
            "family": "invoice",
            "once": mark,
            "files": (BytesIO(OTHER.read_bytes()), OTHER.name),
        },
        content_type="multipart/form-data",
        headers={"Accept": "application/json"},
    ).json
    assert (said["key"], said["title"]) == ("form-spent", "Cette page a déjà servi")
    assert f"/dossiers/{said['folder']}/brouillon" == first.location

    # Somebody else's page, and one's own next one, are others
    assert post(INVOICE, once="another").location != first.location
    assert _count(Folder) == 2


def test_each_of_several_folders_of_one_page_is_made_once(house: House, tmp_path: Path) -> None:
    client = house.client(G)
    mark = _mark(client.get("/deposer").text, "/deposer")
    third = incoming(INVOICE, tmp_path, "autre.pdf").path

    def post(*paths: Path, several: str = "each") -> str:
        form = {"csrf_token": house.csrf(client), "family": "invoice", "once": mark, "several": several}
        files = [(BytesIO(one.read_bytes()), one.name) for one in paths]
        sent = {**form, "files": files}
        answer = client.post("/deposer", data=sent, content_type="multipart/form-data", follow_redirects=True)
        return answer.text.replace("\xa0", " ")

    for _ in range(2):
        assert "2 brouillons créés" in post(
            INVOICE, INVOICE
        )  # the same bytes twice are two folders, as they are wanted
        assert _count(Folder) == 2
    # A file more: it alone is made
    assert "3 brouillons créés" in post(INVOICE, INVOICE, third)
    assert _count(Folder) == 3
    # Other files alone: those of before are told
    page = post(incoming(INVOICE, tmp_path, "encore.pdf").path, third)
    assert "2 brouillons créés" in page
    assert "Cette page avait déjà déposé 2 autres dossiers" in page
    assert _count(Folder) == 4
    # As one folder: none of them is made once more
    assert "Rien de plus n’a été déposé" in post(INVOICE, third, several="one")
    assert _count(Folder) == 4


def test_documents_of_a_draft_whose_answer_was_lost_are_there_once(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    client = house.client(G)
    page = client.get(f"/dossiers/{folder_id}/brouillon").text
    (main,) = (one.id for one in documents(folder_id) if one.role == "main")
    add, put = f"/dossiers/{folder_id}/documents", f"/dossiers/{folder_id}/documents/{main}/remplacer"
    marks = {where: _mark(page, where) for where in (add, put)}

    def post(where: str, path: Path) -> int:
        sent = {
            "csrf_token": house.csrf(client),
            "once": marks[where],
            "files": (BytesIO(path.read_bytes()), path.name),
        }
        return client.post(where, data=sent, content_type="multipart/form-data").status_code

    before = _count(Document), _count(DocumentVersion)
    assert [post(add, OTHER) for _ in range(3)] == [302] * 3
    assert (_count(Document), _count(DocumentVersion)) == (before[0] + 1, before[1] + 1)
    assert post(add, ACT) == 409  # the page that does not know of the first is to be opened again
    assert house.journal(folder_id).count("documents.added") == 1
    versions = _count(DocumentVersion)
    assert [post(put, INVOICE) for _ in range(3)] == [302] * 3
    assert house.journal(folder_id).count("document.replaced") == 1
    with reading() as db:
        query = sa.select(sa.func.count()).where(DocumentVersion.document_id == main)
        assert db.scalar(query) == 2
    assert _count(DocumentVersion) > versions
    assert post(put, OTHER) == 409


@pytest.mark.both_databases
def test_a_deposit_abandoned_before_its_page_is_sent_again_is_made_anew(house: House) -> None:
    client = house.client(G)
    mark = _mark(client.get("/deposer").text, "/deposer")

    def post(several: str, *paths: Path) -> str:
        form = {"csrf_token": house.csrf(client), "family": "invoice", "once": mark, "several": several}
        files = [(BytesIO(one.read_bytes()), one.name) for one in paths]
        answer = client.post("/deposer", data={**form, "files": files}, content_type="multipart/form-data")
        return str(answer.location)

    def abandon() -> None:
        with reading() as db:
            last = db.scalars(sa.select(Folder).order_by(Folder.id.desc())).first()
        assert last is not None
        told = {"csrf_token": house.csrf(client), "version": str(last.version), "reason": "Erreur"}
        client.post(f"/dossiers/{last.id}/abandonner", data=told)
        assert house.folder(last.id).place == "withdrawn"

    first = post("one", INVOICE)
    abandon()
    again = post("one", INVOICE)
    assert again != first
    assert post("one", INVOICE) == again
    assert _count(Folder) == 2
    abandon()
    assert post("one", OTHER) not in {first, again}, "other files either: what they would hide is abandoned"
    abandon()
    for _ in range(2):
        post("each", INVOICE, OTHER)
        assert _count(Folder) == 5
    abandon()
    post("each", INVOICE, OTHER)
    assert _count(Folder) == 6


@pytest.mark.both_databases
def test_an_attachment_removed_before_its_page_is_sent_again_is_told(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    client, add = house.client(G), f"/dossiers/{folder_id}/documents"

    def post(mark: str) -> TestResponse:
        sent = {"csrf_token": house.csrf(client), "once": mark}
        files = {"files": (BytesIO(OTHER.read_bytes()), OTHER.name)}
        return client.post(add, data={**sent, **files}, content_type="multipart/form-data")

    def there() -> list[int]:
        return [one.id for one in documents(folder_id) if one.role == "attachment" and not one.removed_at]

    mark = _mark(client.get(f"/dossiers/{folder_id}/brouillon").text, add)
    before = there()
    assert post(mark).status_code == 302
    (added,) = set(there()) - {*before}
    deposit.remove_document(house.actor(G), folder_id, added)
    answer = post(mark)
    assert (answer.status_code, there()) == (409, before)
    assert "une annexe du dossier a été retirée depuis" in answer.text.replace("\xa0", " ")
    assert "Fichiers reçus" not in client.get(f"/dossiers/{folder_id}/brouillon").text
    fresh = _mark(client.get(f"/dossiers/{folder_id}/brouillon").text, add)
    assert post(fresh).status_code == 302
    assert len(there()) == len(before) + 1


def test_a_replacement_posted_again_is_refused_once_another_file_took_its_place(
    house: House, tmp_path: Path
) -> None:
    """Its page would say that the document is replaced, and be believed of a file that is no more the one shown."""
    folder_id = house.an_invoice(at="draft")
    client = house.client(G)
    (main,) = (one.id for one in documents(folder_id) if one.role == "main")
    put = f"/dossiers/{folder_id}/documents/{main}/remplacer"

    def fresh() -> str:
        return _mark(client.get(f"/dossiers/{folder_id}/brouillon").text, put)

    def post(mark: str, path: Path) -> TestResponse:
        sent = {"csrf_token": house.csrf(client), "once": mark}
        files = {"files": (BytesIO(path.read_bytes()), path.name)}
        return client.post(put, data={**sent, **files}, content_type="multipart/form-data")

    first, other = fresh(), fresh()
    assert (post(first, INVOICE).status_code, post(other, OTHER).status_code) == (302, 302)
    client.get(f"/dossiers/{folder_id}/brouillon")  # what was said of both is read
    answer = post(first, INVOICE)
    assert answer.status_code == 409
    assert "le document a été changé ou retiré depuis" in answer.text.replace("\xa0", " ")
    assert "Le document est remplacé" not in client.get(f"/dossiers/{folder_id}/brouillon").text
    with reading() as db:
        assert last_version(db, main).filename == OTHER.name
    assert post(fresh(), INVOICE).status_code == 302
    # An attachment that was taken out is not there to be replaced
    deposit.add_documents(house.actor(G), folder_id, [incoming(OTHER, tmp_path)])
    (beside,) = (one.id for one in documents(folder_id) if one.role == "attachment")
    put = f"/dossiers/{folder_id}/documents/{beside}/remplacer"
    mark = fresh()
    assert post(mark, ACT).status_code == 302
    deposit.remove_document(house.actor(G), folder_id, beside)
    assert post(mark, ACT).status_code == 409


@pytest.mark.both_databases
def test_a_key_whose_folder_was_abandoned_makes_it_anew_and_what_it_added_is_there_once(house: House) -> None:
    software = Software(house, "comptabilite", [Right.CREATE])
    first = software.deposit(key="FA-1").get_json()["id"]
    noted = {**software.headers, "Idempotency-Key": "note-1"}

    def note() -> TestResponse:
        told = {"words": "Lu", "reach": "desk"}
        return software.client.post(f"/api/v1/folders/{first}/notes", headers=noted, json=told)

    assert note().status_code == 200
    client = house.client(G)
    told = {"csrf_token": house.csrf(client), "version": str(house.folder(first).version), "reason": "Erreur"}
    assert client.post(f"/dossiers/{first}/abandonner", data=told).status_code == 302
    assert house.folder(first).place == "withdrawn"
    again = software.deposit(key="FA-1")
    assert again.status_code == 201
    assert again.get_json()["id"] != first
    assert software.deposit(key="FA-1").get_json()["id"] == again.get_json()["id"]
    assert _count(Folder) == 2
    reused = software.deposit(path=OTHER, key="FA-1")
    assert (reused.status_code, reused.get_json()["key"]) == (422, "key-reused")
    assert (note().status_code, _count(FolderNote)) == (200, 1)


def test_software_adds_documents_once_with_its_key(house: House) -> None:
    software = Software(house, "comptabilite", [Right.CREATE])
    folder_id = software.deposit().get_json()["id"]
    headers = {**software.headers, "Idempotency-Key": "annexe-1"}

    def add(path: Path) -> TestResponse:
        return software.client.post(
            f"/api/v1/folders/{folder_id}/documents",
            headers=headers,
            data={"attachments": (BytesIO(path.read_bytes()), path.name)},
            content_type="multipart/form-data",
        )

    before = _count(Document)
    assert [add(OTHER).status_code for _ in range(3)] == [201] * 3
    assert _count(Document) == before + 1
    assert house.journal(folder_id).count("documents.added") == 1
    other = add(ACT)
    assert (other.status_code, other.get_json()["key"]) == (422, "key-reused")
