"""An invoice that came before, another addressee, a changed account: told to who decides, and never paid twice unseen."""

import json
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import schema
from app.core.clock import today
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.display.listed import marks_of
from app.folders import decide, deposit, ruling, sending
from app.folders.keep import Incoming, keep_main
from app.folders.sockets import cautions, listed_cautions
from app.invoices import history
from app.people.actor import Actor
from tests.batches.town import Hand, plain
from tests.builders.house import INVOICE, House
from tests.display.test_folder_page import heard
from workflows.family import family

pytestmark = pytest.mark.in_turn

FIRST = {"total_ht": "2535.00", "total_ttc": "3042.00"}
CLERK, SERVICE, FINANCE, MAYOR = "g.trehorel", "r.pellenec", "n.abgrallec", "a.kervadec"
BEFORE, AFTER = "FR7630001007941234567890185", "LT121000011101001000"
SIRET = "39280913700027"
LISTED = {"duplicate", "near-duplicate", "account", "addressee", "establishment"}


class Office:
    """Who deposits many invoices made of one file, each with what its data say."""

    def __init__(self, house: House, room: Path) -> None:
        self.house, self.actor = house, house.actor(CLERK)
        path = Path(shutil.copy(INVOICE, room / INVOICE.name))
        kept, read = keep_main(
            self.actor.collectivity_id, family("invoice"), Incoming(path, INVOICE.name), room
        )
        assert read is not None
        self.kept, self.read, self.made = kept, read, 0

    def draft(self, *, signed: bool = False, **said: str) -> int:
        """A draft, of a file whose bytes are its own; those that will be `signed` are really there."""
        self.made += 1
        kept = (
            self.kept
            if signed
            else [replace(one, sha256=f"{self.made:064x}", words=None) for one in self.kept[:1]]
        )
        ours = {"buyer_siret": "21290999800016", "seller_siret": SIRET, "iban": BEFORE}
        # No other of the same total within a few days: each a month before, then again for another total
        cycle, month = divmod(self.made - 1, 7)
        ours |= {"issue_date": f"2026-{8 - month:02}-01"}
        ours |= {"total_ht": f"{2535 + 40 * cycle}.00", "total_ttc": f"{3042 + 40 * cycle}.00"}
        facts = {**self.read.fields, **ours, **said}
        typed = {"received_on": "2026-11-20", "proof_of_service": "technique"}
        read = replace(self.read, fields=facts, doubts=())
        return deposit.create(self.actor, "invoice", min(self.actor.desk_ids), kept, typed, read=read)

    def send(self, folder_id: int) -> int:
        sending.send(self.actor, folder_id, version=self.house.folder(folder_id).version)
        return folder_id

    def told(self, folder_id: int) -> dict[str, str]:
        with reading(self.actor.collectivity_id) as db:
            found = cautions(db, self.house.folder(folder_id))
        told = {one.key: one.about for one in found if one.about}
        # A list says nothing of a folder that its page does not, and leaves out nothing of what is paid twice or wrongly
        with reading(self.actor.collectivity_id) as db:
            listed = listed_cautions(db, [self.house.folder(folder_id)]).get(folder_id, [])
        assert {one.about for one in listed if one.about} <= {one.about for one in found}
        assert {told[key] for key in LISTED & set(told)} <= {one.about for one in listed}
        return told

    def asked_for(self, *folder_ids: int) -> int:
        """How many statements a list asks that shows these folders."""
        with reading(self.actor.collectivity_id) as db, heard() as statements:
            assert {number for number, told in marks_of(db, folder_ids).items() if told} == set(folder_ids)
        return len(statements)

    def rule(self, folder_id: int, login: str, about: str) -> str:
        version = self.house.folder(folder_id).version
        who: Actor = self.house.actor(login)
        return ruling.rule(who, folder_id, version=version, about=about, keep="", word="Deux chantiers.")


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


@pytest.mark.law("INV-20")
def test_the_same_invoice_is_seen_at_deposit_and_by_all_who_decide_until_one_of_them_rules(
    house: House, office: Office
) -> None:
    first = house.an_invoice(at="bon_a_payer")  # by its real file
    again = house.deposit(CLERK, "invoice", INVOICE)
    unread = house.deposit("k.morizur", "invoice", INVOICE)
    last = house.deposit(CLERK, "invoice", INVOICE)
    draft = Hand(house, CLERK).text(f"/dossiers/{last}/brouillon")
    assert "Un autre dossier, que vous ne pouvez pas lire, porte la même facture" in draft
    assert f"n° {again}" in draft
    assert Hand(house, CLERK).client.get(f"/dossiers/{last}/doublon/{unread}").status_code == 409
    for named in (f"n° {unread}", f"dossiers/{unread}", f"duplicate:{unread}", "Katell Morizur"):
        assert named not in draft, named
    for depositor, one in (("k.morizur", unread), (CLERK, last)):
        decide.withdraw(house.actor(depositor), one, version=house.folder(one).version)
    assert "duplicate" in office.told(again)
    assert "duplicate" not in office.told(first)
    draft = Hand(house, CLERK).text(f"/dossiers/{again}/brouillon")
    assert "Facture déjà reçue" in draft
    assert f"Même facture : dossier n° {first}" in draft
    house.save(again, CLERK, {"received_on": "2026-11-20", "proof_of_service": "technique"})
    office.send(again)
    house.approve(again, SERVICE)
    with pytest.raises(Refusal, match="visa-gated") as held:  # it does not pass the finances as it is
        house.approve(again, FINANCE)
    assert "Facture déjà reçue" in held.value.facts["details"]
    assert "Facture déjà reçue" in Hand(house, FINANCE).text("/a-traiter")
    assert Hand(house, CLERK).text("/suivi").count("Facture déjà reçue") == 1
    about = office.told(again)["duplicate"]
    for login in (CLERK, MAYOR):
        with pytest.raises(Refusal):
            office.rule(again, login, about)
    finance, mayor = Hand(house, FINANCE), Hand(house, MAYOR)
    page = finance.text(f"/dossiers/{again}")
    assert f"Le dossier n° {first} porte la même facture" in page
    assert "doit d’abord trancher ce point" in page
    # Side by side, the first one first from wherever one comes; whoever deposited it reads it, and does not decide
    beside = f"/dossiers/{again}/doublon/{first}"
    assert f'href="{beside}"' in finance.client.get(f"/dossiers/{again}").get_data(as_text=True)
    both, own = finance.text(beside), Hand(house, CLERK).text(beside)
    assert both.index(f"Première, dossier n° {first}") < both.index(f"Seconde, dossier n° {again}")
    assert "Votre décision" in both
    assert "Qui a déposé cette facture ne décide pas" in own
    assert "<b>Deux factures distinctes" in both
    assert "<b>Deux factures distinctes" not in own
    assert finance.client.get(f"/dossiers/{again}/doublon/{again}").status_code == 409
    # Neither answer is chosen for him; what he typed stays
    assert not re.search(r"value=\"(same|distinct)\"\s+checked", both)
    said = {"version": house.folder(again).version, "word": "Deux chantiers."}
    for more, told in (({}, "choisissez « La même facture »"), ({"answer": "distinct", "word": " "}, "")):
        refused = finance.post(beside, {**said, **more}, status=422)
        assert told in refused
        assert more.get("word", "Deux chantiers.") in refused
    assert re.search(r"value=\"distinct\"\s+checked", refused)
    finance.post(beside, {**said, "answer": "distinct"})
    assert "Rien n’attend plus de décision" in finance.text(beside)
    assert "duplicate" not in office.told(again)
    assert "Facture déjà reçue" not in Hand(house, CLERK).text("/suivi")
    house.approve(again, FINANCE)
    assert "« Deux chantiers. »" in mayor.text(f"/dossiers/{again}")
    assert "folder.ruled" in house.journal(again)
    house.sign(again, MAYOR)  # the second is signed first: the first one is held in its turn
    for shown in (f"/dossiers/{first}", f"/dossiers/{first}/signer"):
        assert f"Le dossier n° {again} porte la même facture" in mayor.text(shown), shown
    alone = {"kind": "sign", "d": f"{first}-{house.folder(first).version}"}
    assert "« Facture déjà reçue » : une personne qui décide" in mayor.post("/lots", alone, status=409)
    with pytest.raises(Refusal, match="sign-gated"):
        house.sign(first, MAYOR)
    assert ", signée" in mayor.text(f"/dossiers/{first}/doublon/{again}")
    house.drain()
    # The same: rejected by one gesture, with the reason that names the other
    mayor.post(
        f"/dossiers/{first}/doublon/{again}",
        {"version": house.folder(first).version, "answer": "same", "word": "Reçue deux fois."},
    )
    assert house.folder(first).phase == "rejected"
    reason = f"Même facture que le dossier n° {again}. Reçue deux fois."
    assert reason in Hand(house, CLERK).text(f"/dossiers/{first}")
    at_desk = Hand(house, CLERK).text(f"/dossiers/{first}/doublon/{again}")
    assert "La même facture : abandonner ce dossier…" in at_desk
    assert "Votre décision" not in at_desk
    with zipfile.ZipFile(next(house.settings.handover_folder.rglob(f"dossier-{again}-*.zip"))) as left:
        cautions_left = json.loads(left.read("manifest.json"))["folder"]["cautions"]
    told = {one["key"]: one["ruling"] and one["ruling"]["word"] for one in cautions_left}
    assert told["duplicate"] == "Deux chantiers."
    assert set(told.values()) == {None, "Deux chantiers."}


@pytest.mark.law("INV-21")
def test_what_the_seller_s_other_invoices_tell(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = office.send(office.draft(signed=True, number="F-1"))
    house.approve(paid, SERVICE)
    house.approve(paid, FINANCE)
    house.sign(paid, MAYOR)
    house.drain()
    assert house.folder(paid).place == "done"
    for said, keys in (
        ({"number": "F-2"}, set()),
        ({"number": "f 1", "order_ref": "x"}, {"duplicate"}),
        ({"number": "FAC-0001"}, {"near-duplicate"}),
        (
            {**FIRST, "number": "Z-9", "issue_date": "2026-08-01"},
            {"near-duplicate"},
        ),  # the same seller, day and total
        ({**FIRST, "number": "Z-9", "issue_date": "2026-07-31"}, {"nearby"}),
        ({**FIRST, "number": "Z-9", "issue_date": "2026-09-01"}, set()),  # a month later: a rent
        ({"number": "F-3", "iban": AFTER}, {"account"}),
        ({"number": "F-4", "seller_siret": "39280913700035"}, {"establishment"}),
        ({"number": "F-5", "buyer_siret": "24450001100015"}, {"addressee"}),
        ({"number": "F-1", "type_code": "381"}, set()),  # a credit note is not the invoice
        (
            {
                "number": "F-6",
                "seller": "Autre",
                "seller_siret": "",
                "seller_siren": "212909998",
                "iban": AFTER,
            },
            {"account"},
        ),
    ):
        folder_id = office.draft(**said)
        assert set(office.told(folder_id)) == keys, said
        decide.withdraw(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)
    # An account typed over the one of the file is looked at, and the file's is too.
    folder_id = office.draft(number="F-7", iban=AFTER)
    house.save(folder_id, CLERK, {"iban": BEFORE})
    assert {"account", "corrected"} <= set(office.told(folder_id))
    many = [office.draft(number="F-1"), office.draft(number="F-8", iban=AFTER), folder_id]
    assert office.asked_for(*many) <= office.asked_for(many[0]) + 1  # whoever has a second account
    for one in many[:2]:
        decide.withdraw(house.actor(CLERK), one, version=house.folder(one).version)
    house.save(folder_id, CLERK, {"iban": AFTER, "number": "F-1"})
    assert {"account", "duplicate"} <= set(office.told(folder_id))
    # Nor does a total typed over the file's hide the other of the same day and total.
    folder_id = office.draft(**FIRST, number="Z-10", issue_date="2026-08-01")
    house.save(folder_id, CLERK, {"total_ttc": "30.42"})
    assert {"near-duplicate", "corrected"} <= set(office.told(folder_id))
    # nor one typed over the other's; and money that comes back the same day is no second invoice
    house.save(office.draft(**FIRST, number="Z-20", issue_date="2026-07-15"), CLERK, {"total_ttc": "30.42"})
    assert "near-duplicate" in office.told(office.draft(**FIRST, number="Z-21", issue_date="2026-07-15"))
    note = office.draft(**FIRST, number="Z-22", issue_date="2026-07-15", type_code="381")
    assert "near-duplicate" not in office.told(note)
    # However many others of this seller came since, corrected or not
    monkeypatch.setattr(history, "LATEST", 1)
    assert "near-duplicate" in office.told(office.draft(**FIRST, number="Z-30", issue_date="2026-08-01"))


def test_an_invoice_to_an_establishment_that_is_not_listed_is_told_and_never_refused(
    house: House, office: Office
) -> None:
    page, school, hall = "/administration/etablissements", "21290999800024", "21290999800016"
    administrator, clerk = Hand(house, "k.morizur"), Hand(house, CLERK)
    invoice = office.send(office.draft(signed=True, buyer_siret=school))
    assert "addressee-establishment" not in office.told(
        invoice
    )  # nothing is listed: the SIREN alone is compared

    def choose(lines: str, shown: str = "") -> tuple[int, str]:
        answer = administrator.ask(page, "POST", {"lines": lines, "shown": shown})
        return answer.status_code, plain(answer.get_data(as_text=True))

    for lines, words in (
        ("2129099980001", "ne commence pas par un SIRET"),
        ("21290999800017 Mairie", "ne commence pas par un SIRET"),
        ("212909998000165 Mairie", "ne commence pas par un SIRET"),
        ("٢١٢٩٠٩٩٩٨٠٠٠١٦", "ne commence pas par un SIRET"),
        (f"{hall}\n24450001100014 Syndicat", "n’est pas un établissement de cette collectivité"),
        (f"{hall} Mairie\n\n212 909 998 00016", "est deux fois dans la liste"),
    ):
        status, said = choose(lines)
        assert (status, words in said) == (422, True), lines
        assert lines.splitlines()[0] in said  # what was typed is still there
    assert clerk.client.get(page).status_code == 403
    assert "addressee-establishment" not in office.told(invoice)
    assert choose("212 909 998 00016 2 place de la Mairie")[0] == 302
    kept = f"{hall} 2 place de la Mairie"
    assert kept in administrator.text(page)
    assert choose(f"{hall}\n{school}")[0] == 409  # from a page that was shown before
    about = office.told(invoice)["addressee-establishment"]
    assert f"La facture nomme le SIRET {school}" in Hand(house, SERVICE).text(f"/dossiers/{invoice}")
    assert {"addressee"} == set(office.told(office.draft(number="F-2", buyer_siret="24450001100015")))
    assert not office.told(office.draft(number="F-3", buyer_siret=hall))
    house.approve(invoice, SERVICE)
    with pytest.raises(Refusal):
        office.rule(invoice, CLERK, about)
    office.rule(invoice, FINANCE, about)
    assert "« Deux chantiers. »" in Hand(house, FINANCE).text(f"/dossiers/{invoice}")
    other = office.draft(number="F-4", buyer_siret=school)
    assert "addressee-establishment" in office.told(other)
    assert choose(f"{kept}\n{school} École", kept)[0] == 302
    assert not office.told(other)
    trace = administrator.text("/administration/journal")
    assert "Établissements changés" in trace
    assert f"ajout : {school}, 2 dans la liste" in trace
    assert choose("", f"{kept}\n{school} École")[0] == 302
    assert "le SIREN seul (212909998) est comparé" in administrator.text(page)


def test_a_credit_note_is_named_so_counts_below_zero_and_has_no_clock(house: House, office: Office) -> None:
    note = office.draft(type_code="381")
    folder = house.folder(note)
    assert (folder.title, folder.amount_cents) == (
        "Atelier Berthier SARL, avoir, Maintenance preventive CVC - aout 2026",
        -304_200,
    )
    assert "pour mandater" not in Hand(house, CLERK).text(f"/dossiers/{note}/brouillon")
    # Called one by a person alone, it is both.
    called = office.draft(number="F-9")
    house.save(called, CLERK, {"type_code": "381"})
    assert house.folder(called).amount_cents == 304_200
    assert "pour mandater" in Hand(house, CLERK).text(f"/dossiers/{called}/brouillon")


def test_an_invoice_dated_to_come_or_received_before_its_date_is_told_to_who_decides(
    house: House, office: Office
) -> None:
    to_come = (today() + timedelta(days=20)).isoformat()
    invoice = office.draft(signed=True, issue_date=to_come)
    assert office.told(invoice) == {
        "dated-to-come": f"dated-to-come:{to_come}",
        "received-before": f"received-before:2026-11-20:{to_come}",
    }
    office.send(invoice)
    shown = Hand(house, SERVICE).text(f"/dossiers/{invoice}")
    assert "Facture datée d’après son dépôt" in shown
    assert "et le délai de paiement part de la réception" in shown
    assert "La clé du numéro de TVA" in Hand(house, SERVICE).text(
        f"/dossiers/{invoice}?onglet=pieces"
    )  # a remark
    assert office.told(office.draft(number="F-77")) == {}


def test_invoices_deposited_before_have_their_keys(house: House, office: Office) -> None:
    first, note = office.draft(), office.draft(type_code="381", number="AV-1")
    query = "SELECT folder_id, key, kind, collectivity_id FROM invoice_key ORDER BY folder_id, key"
    with engine().connect() as connection:
        before = connection.execute(sa.text(query)).all()
    schema.downgrade("0037_relay_stage")
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE folder SET amount_cents = 304200"))
    schema.upgrade()
    with engine().connect() as connection:
        assert connection.execute(sa.text(query)).all() == before
    assert (house.folder(first).amount_cents, house.folder(note).amount_cents) == (304_200, -304_200)
