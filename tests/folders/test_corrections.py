"""A value typed over the one that the file gives: told to everyone who decides, tried on both, until another person rules."""

import json
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.french import jour
from app.core.refusals import Refusal
from app.display import views
from app.folders import decide, deposit, ruling, sending
from app.folders.facts import act_of
from app.folders.keep import Incoming, keep_main
from app.folders.models import Folder
from app.folders.sockets import Caution, cautions
from app.people import desks
from app.people.mandates import open_mandate
from demo.cast import PASSWORD
from tests.api.software import Software
from tests.batches.town import Hand, plain
from tests.builders.house import ACT, INVOICE, House
from tests.builders.mandates import DEPUTY, a_deputy, of_deputy, of_mayor
from workflows.deadlines import authorising_officer_due
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

CLERK, SERVICE, FINANCE, DIRECTOR, MAYOR = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "s.rivoal",
    "a.kervadec",
)
FILE = {"total_ht": "25350.00", "total_vat": "5070.00", "total_ttc": "30420.00"}
TYPED = {"total_ht": "2535.00", "total_vat": "507.00", "total_ttc": "3042.00"}
WHY = "Le fournisseur a mis un zéro de trop."
DOUBT = Caution("page-disagrees", "La page et les données se contredisent", "La page affiche 1,20 €.")


def an_invoice(
    house: House, room: Path, *doubts: Caution, said: dict[str, str] | None = None, **facts: str
) -> int:
    """A draft whose file says 30 420 €, and what is `said`."""
    path = Path(shutil.copy(INVOICE, room / INVOICE.name))
    actor = house.actor(CLERK)
    kept, read = keep_main(actor.collectivity_id, family("invoice"), Incoming(path, INVOICE.name), room)
    assert read is not None
    facts = {"received_on": today().isoformat(), "proof_of_service": "technique", **facts}
    read = replace(read, fields={**read.fields, **FILE, **(said or {})}, doubts=doubts)
    return deposit.create(actor, "invoice", min(actor.desk_ids), kept, facts, read=read)


def send(house: House, folder_id: int) -> None:
    sending.send(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)


def rule(
    house: House, folder_id: int, login: str, about: str, keep: str, word: str = "Vu au téléphone."
) -> str:
    version = house.folder(folder_id).version
    return ruling.rule(house.actor(login), folder_id, version=version, about=about, keep=keep, word=word)


def test_a_total_typed_over_the_file_s_escapes_nobody(house: House, tmp_path: Path) -> None:
    folder_id = an_invoice(house, tmp_path)
    version = house.folder(folder_id).version
    deposit.save(house.actor(CLERK), folder_id, version=version, title=None, facts=TYPED)
    with pytest.raises(Refusal) as refused:
        send(house, folder_id)
    assert {one["key"] for one in refused.value.facts["problems"]} == {"correction-unexplained"}
    clerk = Hand(house, CLERK)
    draft = clerk.text(f"/dossiers/{folder_id}/brouillon")
    assert "« Montant TTC » : lu 30 420,00 €, écrit 3 042,00 €" in draft
    form = {"version": house.folder(folder_id).version, "action": "submit", **TYPED, "correction-reason": WHY}
    clerk.post(f"/dossiers/{folder_id}/brouillon", form)
    assert house.folder(folder_id).place == "service_done"
    assert house.journal(folder_id).count("facts.corrected") == 2  # typed, then explained

    told = f"{house.actor(CLERK).name} a écrit 3 042,00 € : « {WHY} »"
    for login, place in ((SERVICE, "service_done"), (FINANCE, "finance"), (DIRECTOR, "direction")):
        assert house.folder(folder_id).place == place
        hand = Hand(house, login)
        assert told in hand.text(f"/dossiers/{folder_id}")
        assert "corrigé, lu : 30 420,00 €" in hand.text("/a-traiter")
        assert told in hand.text(f"/lots/{hand.propose('approve', [folder_id])}")
        house.approve(folder_id, login)
    mayor = Hand(house, MAYOR)
    assert told in mayor.text(f"/dossiers/{folder_id}/signer")
    assert "30 420,00 €" in mayor.text(f"/lots/{mayor.propose('sign', [folder_id])}")
    slip = mayor.text(f"/dossiers/{folder_id}/bordereau")
    assert (
        f"« Montant TTC » : lu 30 420,00 €, écrit 3 042,00 €. {house.actor(CLERK).name} : « {WHY} »" in slip
    )
    assert "3 042,00 € (lu : 30 420,00 €)" in slip
    assert f"Visé par {house.actor(SERVICE).name}</b> (fait)" in slip
    assert house.versions(folder_id)[0].sha256 in slip
    days = re.findall(r"\d (?:janv|févr|avr|juil|sept|oct|nov|déc)\.(.{5})", slip)
    assert days
    assert all(re.fullmatch(r" \d{4}", one) for one in days), days  # paper is read in another year
    software = Software(house, "comptabilite", [Right.CREATE])
    shown = software.get(f"/folders/{folder_id}").json
    (total,) = [one for one in shown["corrections"] if one["field"] == "total_ttc"]
    assert (total["typed"], total["read"][0]["value"], total["reason"]) == ("3042.00", "30420.00", WHY)
    assert total["ruling"] is None
    assert sum(one["key"] == "corrected" for one in shown["warnings"]) == 3

    house.sign(folder_id, MAYOR)
    with pytest.raises(Refusal, match="action-impossible|not-your-turn"):
        rule(house, folder_id, MAYOR, "fact:total_ttc", "")
    house.drain()
    (bundle,) = (house.settings.handover_folder or house.settings.data_dir).rglob("*.zip")
    with zipfile.ZipFile(bundle) as found:
        manifest = json.loads(found.read("manifest.json"))
    assert {one["field"] for one in manifest["folder"]["corrections"]} == set(FILE)


def test_a_mandate_s_ceiling_holds_both_values_until_another_person_rules(
    house: House, tmp_path: Path
) -> None:
    a_deputy(house)
    for wanted in (of_mayor(house), of_deputy(house)):
        open_mandate(house.actor("k.morizur"), wanted)
    folder_id = an_invoice(house, tmp_path)
    house.save(folder_id, CLERK, TYPED)
    send(house, folder_id)
    with reading(house.actor(CLERK).collectivity_id):
        assert act_of(house.folder(folder_id)).amount_cents == 3_042_000
    version = house.folder(folder_id).version
    for login, about, keep, word, key in (
        (CLERK, "fact:total_ttc", "", "Oui.", "not-your-turn"),  # nor the one who typed
        (MAYOR, "fact:total_ttc", "", "Oui.", "not-found"),  # nor who is not reached yet
        (SERVICE, "fact:total_ttc", "", "  ", "word-needed"),
        (SERVICE, "fact:total_ttc", "1.00", "Oui.", "nothing-to-rule"),
        (SERVICE, "fact:seller", "", "Oui.", "nothing-to-rule"),
    ):
        with pytest.raises(Refusal) as refused:
            rule(house, folder_id, login, about, keep, word)
        assert (refused.value.key, house.folder(folder_id).version) == (key, version)
    done = rule(house, folder_id, SERVICE, "fact:total_ttc", "")
    assert plain(done) == "« Montant TTC » : 3 042,00 € retenu"
    with reading(house.actor(CLERK).collectivity_id) as db:
        assert act_of(house.folder(folder_id)).amount_cents == 304_200
        assert "fact:total_ttc" not in {one.about for one in cautions(db, house.folder(folder_id))}
    page = Hand(house, SERVICE).text(f"/dossiers/{folder_id}")
    assert "a retenu 3 042,00 €" in page
    assert "« Vu au téléphone. »" in page
    house.approve(folder_id, SERVICE)
    house.approve(folder_id, FINANCE)
    assert house.folder(folder_id).place == "bon_a_payer"  # nobody asks for the director any more
    # What was ruled is told to whoever decides next, and to other software.
    assert "Déjà tranché" in Hand(house, DEPUTY).text(f"/dossiers/{folder_id}")


def test_the_value_read_is_put_back_and_another_file_does_not_wash_it(house: House, tmp_path: Path) -> None:
    folder_id = an_invoice(house, tmp_path, DOUBT)
    house.save(folder_id, CLERK, TYPED)
    send(house, folder_id)
    with reading(house.actor(CLERK).collectivity_id) as db:
        (doubt,) = [one for one in cautions(db, house.folder(folder_id)) if one.key == "page-disagrees"]
    for field, value in FILE.items():
        rule(house, folder_id, SERVICE, f"fact:{field}", value)
    folder = house.folder(folder_id)
    assert (folder.fields["total_ttc"], folder.amount_cents) == ("30420.00", 3_042_000)
    rule(house, folder_id, SERVICE, doubt.about, "")
    # The rows are what the journal tells, ruling included; what is changed beside it is seen
    for total, code in (("30420.00", 0), ("3042.00", 1), ("30420.00", 0)):
        with engine().begin() as connection:
            table = Folder.__table__
            changed = {**folder.fields, "total_ttc": total}
            connection.execute(sa.update(table).where(table.c.id == folder_id).values(fields=changed))
        done = house.app.test_cli_runner().invoke(args=["journal", "verify", "--state"])
        assert done.exit_code == code, done.output
        assert ("« total_ttc » n’est pas ce qui a été retenu" in plain(done.output)) == bool(code)
    assert "La page affiche 1,20 €." not in Hand(house, SERVICE).text(f"/dossiers/{folder_id}")

    decide.reject(house.actor(SERVICE), folder_id, version=house.folder(folder_id).version, reason="Non.")
    (main, *_) = house.versions(folder_id)
    path = Path(shutil.copy(INVOICE, tmp_path / "corrigee.pdf"))  # it says 3 042 €
    deposit.replace_main(house.actor(CLERK), folder_id, main.document_id, Incoming(path, path.name))
    with pytest.raises(Refusal) as refused:
        send(house, folder_id)
    assert "« Montant TTC » 30 420,00 € devient 3 042,00 €" in plain(refused.value.facts["details"])
    house.save(folder_id, CLERK, {})
    send(house, folder_id)
    assert "(avant : 30 420,00 €)" in Hand(house, SERVICE).text(f"/dossiers/{folder_id}?onglet=details")
    assert {"direction"} <= {one["key"] for one in _steps(house, folder_id)}
    with reading(house.actor(CLERK).collectivity_id) as db:
        (document,) = [one for one in cautions(db, house.folder(folder_id)) if one.key == "corrected"]
    assert document.title == "Document remplacé"
    rule(house, folder_id, SERVICE, document.about, "")
    with reading(house.actor(CLERK).collectivity_id) as db:
        assert not [one for one in cautions(db, house.folder(folder_id)) if one.key == "corrected"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_payment_clock_begins_at_the_first_of_two_days_until_another_person_rules(
    house: House, tmp_path: Path
) -> None:
    """The same day on the page, in the list and by the API."""
    first, typed = today() - timedelta(days=15), today() - timedelta(days=1)
    folder_id = an_invoice(house, tmp_path, said={"received_on": first.isoformat()})
    house.save(folder_id, CLERK, {"received_on": typed.isoformat()})
    send(house, folder_id)
    software = Software(house, "comptabilite", [Right.CREATE])

    def due_everywhere(start: date, more: str) -> None:
        due = authorising_officer_due(start)
        clerk = Hand(house, CLERK)
        page = clerk.text(f"/dossiers/{folder_id}")
        assert f"départ : reçue le {plain(jour(start))}{more}" in page
        assert f"Mandat à émettre avant le {plain(jour(due))}" in page
        assert house.folder(folder_id).due_on == due
        assert software.get(f"/folders/{folder_id}").json["due_on"] == due.isoformat()
        row = clerk.text("/suivi").partition("</main>")[0]
        assert views.due(due).words in row

    due_everywhere(first, ", la première des dates en désaccord")
    rule(house, folder_id, SERVICE, "fact:received_on", "")
    due_everywhere(typed, "<")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_e_invoice_that_breaks_its_schema_is_signed_with_its_doubts_before_each_who_decides(
    house: House, tmp_path: Path
) -> None:
    path, sound = tmp_path / "facture.xml", (INVOICE.parent / "ubl-en16931-fr.xml").read_text()
    path.write_text(
        sound.replace("<cbc:InvoiceTypeCode", "<cbc:Inconnu>1</cbc:Inconnu><cbc:InvoiceTypeCode", 1)
    )
    path.write_text(path.read_text().replace("FR2012421242124212421242124", "FR3299999000010123456789A09"))
    folder_id = house.an_invoice(path=path)
    with reading(house.actor(CLERK).collectivity_id) as db:
        told = [one.title for one in cautions(db, house.folder(folder_id)) if one.key == "invoice-data"]
    assert set(told) == {"Données de la facture à vérifier"}
    told = ["ne respectent pas le schéma de leur profil : élément « Inconnu »"]
    for login in (SERVICE, FINANCE, DIRECTOR):
        if house.folder(folder_id).place != "bon_a_payer":
            assert told[0] in Hand(house, login).text(f"/dossiers/{folder_id}")
            house.approve(folder_id, login)
    mayor = Hand(house, MAYOR)
    assert told[0] in mayor.text(f"/dossiers/{folder_id}/signer")
    assert told[0] in mayor.text(f"/lots/{mayor.propose('sign', [folder_id])}")
    house.sign(folder_id, MAYOR)
    house.drain()
    assert house.folder(folder_id).place == "done"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_of_a_former_document_stands_under_another_one(house: House, tmp_path: Path) -> None:
    """A scan, or an invoice that says less, put in place of another: its account and its due date were those of the first."""
    folder_id = house.an_invoice(at="draft")
    before = dict(house.folder(folder_id).fields)
    (said,) = house.folder(folder_id).sources["files"]
    assert {"number", "seller", "total_ttc"} <= said["values"].keys()
    (main, *_) = house.versions(folder_id)
    scan = Path(shutil.copy(ACT, tmp_path / "scan.pdf"))
    deposit.replace_main(house.actor(CLERK), folder_id, main.document_id, Incoming(scan, scan.name))
    fields = house.folder(folder_id).fields
    assert [key for key in said["values"] if fields.get(key)] == ["type_code"], "its usual value"
    assert fields["proof_of_service"] == before["proof_of_service"], "what a person chose of his own is kept"
    with pytest.raises(Refusal) as refused:
        send(house, folder_id)
    assert f"{before['number']} devient rien" in plain(refused.value.facts["details"])
    typed = {key: before[key] for key in ("seller", "issue_date", "currency", "type_code")}
    totals = {"total_ht": "943.80", "total_vat": "188.76", "total_ttc": "1132.56"}
    house.save(folder_id, CLERK, {**typed, **totals, "number": "SCAN-1"})
    send(house, folder_id)
    with reading(house.actor(CLERK).collectivity_id) as db:
        (document,) = [
            one for one in cautions(db, house.folder(folder_id)) if one.title == "Document remplacé"
        ]
    assert "3 042,00 € devient 1 132,56 €" in plain(document.sentence)
    with pytest.raises(Refusal, match="own-caution|not-your-turn"):
        rule(house, folder_id, CLERK, document.about, "")
    rule(house, folder_id, SERVICE, document.about, "")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_correction_keeps_its_own_reason_author_and_day(house: House, tmp_path: Path) -> None:
    other = {"email": "m@kerlann-sur-mer.example", "first_name": "Malo", "last_name": "Le Roux"}
    desks.create_user(
        house.actor(CLERK).collectivity_id, "m.leroux", capacity="Agent", password=PASSWORD, **other
    )
    desks.seat(house.actor(CLERK).collectivity_id, "comptabilite", "m.leroux", [Right.CREATE])
    folder_id = an_invoice(house, tmp_path)
    address = f"/dossiers/{folder_id}/brouillon"

    def post(login: str, typed: dict[str, str], **boxes: str) -> dict[str, tuple[str, str, str]]:
        form = {"version": str(house.folder(folder_id).version), "action": "save", **typed}
        named = {f"correction-reason:{fields.replace('__', ',')}": why for fields, why in boxes.items()}
        Hand(house, login).post(address, {**form, **named})
        kept = house.folder(folder_id).sources["corrections"]
        return {key: (one["who"], one["reason"], one["at"]) for key, one in kept.items()}

    first = post(CLERK, TYPED)
    assert {why for _, why, _ in first.values()} == {""}
    first = post(CLERK, {}, total_ht__total_vat__total_ttc=WHY)
    shown = Hand(house, "m.leroux").text(address)
    assert f"donné par {house.actor(CLERK).name}" in shown
    # Another one by a colleague, whose form sends the first box as it stands
    typed = {"seller": "Atelier Berthier et fils"}
    second = post("m.leroux", typed, total_ht__total_vat__total_ttc=WHY)
    assert {key: second[key] for key in first} == first
    assert second["seller"][:2] == ("Malo Le Roux", "")
    second = post("m.leroux", {}, total_ht__total_vat__total_ttc=WHY, seller="Il a changé de nom.")
    assert {key: second[key] for key in first} == first
    assert second["seller"][:2] == ("Malo Le Roux", "Il a changé de nom.")
    # The reason of one value is not that of the next, sent again beside it by somebody else
    third = post("m.leroux", {"total_ttc": "3043.00"}, total_ht__total_vat__total_ttc=WHY)
    assert third["total_ttc"][:2] == ("Malo Le Roux", "")
    assert {key: third[key] for key in ("total_ht", "seller")} == {
        "total_ht": first["total_ht"],
        "seller": second["seller"],
    }
    # By software, one reason for those that have none
    version = house.folder(folder_id).version
    deposit.save(house.actor(CLERK), folder_id, version=version, title=None, facts={}, reason="Un avoir.")
    kept = house.folder(folder_id).sources["corrections"]
    assert [kept[key]["reason"] for key in ("total_ht", "total_ttc", "seller")] == [
        WHY,
        "Un avoir.",
        "Il a changé de nom.",
    ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_sends_what_software_deposited_does_not_rule_on_it(house: House) -> None:
    software = Software(house, "comptabilite", [Right.CREATE])
    facts = {"received_on": today().isoformat(), "proof_of_service": "comptabilite"}
    facts |= {"total_ht": "253.50", "total_vat": "50.70", "total_ttc": "304.20"}
    folder_id = software.deposit(facts=facts).json["id"]
    house.save(folder_id, CLERK, {})
    send(house, folder_id)
    assert house.folder(folder_id).place == "service_done"  # at her own desk
    with pytest.raises(Refusal, match="own-caution"):
        rule(house, folder_id, CLERK, "fact:total_ttc", "")


def _steps(house: House, folder_id: int) -> list[dict[str, str]]:
    software = Software(house, "comptabilite", [Right.CREATE])
    return list(software.get(f"/folders/{folder_id}").json["steps"])
