"""Pay flows: deposited by the payroll office alone, read by nobody but who deposits and who signs, told of by nothing."""

import re
from pathlib import Path

import pytest

from app.core.db import reading
from app.core.refusals import Refusal
from app.display import following, queues
from app.folders import decide, sending
from app.folders.ruling import rule
from app.folders.sockets import cautions
from app.people import applications, desks
from demo.cast import PASSWORD
from tests.builders.flows import edited
from tests.builders.house import FLOW, PAY, House
from tests.mailserver import MailServer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

PAYER, MAYOR, CHIEF = "m.kerzerho", "a.kervadec", "k.morizur"
STRANGERS = ("g.trehorel", "n.abgrallec", "s.rivoal", CHIEF, "p.collegue", "p.secretaire")
"""The finance office, the superior of the desk, an administrator; a colleague of each desk who may not do its part."""
NEUTRAL = "Paraphe : 1 dossier à consulter"
TOLD = ("paye", "pes", "signé", "signer", "rejeté", "terminé", "accusé", "échéance")
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def office(house: House) -> House:
    """The house, with somebody else at the payroll office and at the mayor's, who may neither deposit nor sign."""
    here = house.actor(MAYOR).collectivity_id
    for login, desk, rights in (
        ("p.collegue", "paye", [Right.ACT, Right.SIGN, Right.ARCHIVE]),
        ("p.secretaire", "maire", [Right.ACT, Right.CREATE, Right.ARCHIVE]),
    ):
        words = {"email": f"{login}@kerlann-sur-mer.example", "first_name": "Paule", "last_name": login}
        desks.create_user(here, login, capacity="Agente", password=PASSWORD, **words)
        desks.seat(here, desk, login, rights)
    return house


def seen(house: House, login: str) -> set[int]:
    """Every folder that trays, counters (as number 0) and the search show to somebody."""
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        lines = [
            queues.todo(db, actor),
            *(queues.others(db, actor, one) for one in ("running", "done", "drafts")),
        ]
        counted = queues.counters(db, actor)
        found = {one.id for several in lines for one in several}
        found |= {one.id for one in following.follow(db, actor, words="paye")}
    return found | ({0} if counted.todo or counted.running or counted.done or counted.drafts else set())


@pytest.mark.law("PES-07")
def test_a_pay_flow_goes_to_its_acquit_and_nobody_else_sees_it(office: House) -> None:
    draft = office.deposit(PAYER, "pes_payroll", PAY)
    assert seen(office, PAYER) == {draft, 0}
    assert [seen(office, one) for one in (*STRANGERS, MAYOR)] == [set()] * 7
    sending.send(office.actor(PAYER), draft, version=office.folder(draft).version)
    assert seen(office, MAYOR) == seen(office, PAYER) == {draft, 0}
    mayor = office.client(MAYOR)
    assert "Paye de novembre 2026" in mayor.get(f"/dossiers/{draft}").get_data(as_text=True)
    assert "Vous ordonnancez cette paye" in mayor.get(f"/dossiers/{draft}/signer").get_data(as_text=True)
    office.sign(draft, MAYOR)
    office.drain()
    assert office.folder(draft).place == "done"
    assert seen(office, MAYOR) == seen(office, PAYER) == {draft, 0}
    title = office.folder(draft).title
    for login in STRANGERS:
        assert seen(office, login) == set(), login
        client = office.client(login)
        for address in ("", "/flux/0", "/flux/0/contenu"):
            assert client.get(f"/dossiers/{draft}{address}").status_code == 404, (login, address)
        for address in ("/recherche?q=paye", "/administration"):
            assert title not in client.get(address).get_data(as_text=True), (login, address)


@on_sqlite
def test_only_the_payroll_office_deposits_a_pay_flow(house: House) -> None:
    with pytest.raises(Refusal) as caught:
        house.deposit(CHIEF, "pes_payroll", PAY)
    assert caught.value.key == "family-restricted"
    offered = [house.client(one).get("/deposer").get_data(as_text=True) for one in (PAYER, CHIEF)]
    assert ["Flux de paye" in page for page in offered] == [True, False]
    followed = [house.client(one).get("/suivi").get_data(as_text=True) for one in (PAYER, CHIEF, MAYOR)]
    assert ["Flux de paye" in page for page in followed] == [True, False, False]
    house.a_pay_flow()
    assert "Flux de paye" in house.client(MAYOR).get("/suivi").get_data(as_text=True)
    here, known = house.actor(CHIEF).collectivity_id, []
    for desk in ("paye", "comptabilite"):
        token = applications.create_application(here, f"Logiciel {desk}", desk, [Right.CREATE])
        bearer = {"Authorization": f"Bearer {token}"}
        known.append(house.client().get("/api/v1/families", headers=bearer).get_json()["families"])
    assert ["pes_payroll" in {one["name"] for one in families} for families in known] == [True, False]


@on_sqlite
def test_the_name_of_a_flow_serves_once_whichever_its_family(house: House, tmp_path: Path) -> None:
    house.a_pay_flow()
    taken, name = (re.findall(rb'<NomFic V="[^"]+"/>', one.read_bytes())[0] for one in (FLOW, PAY))
    with pytest.raises(Refusal) as caught:
        house.deposit("g.trehorel", "pes", edited(tmp_path, (taken, name)))
    assert caught.value.key == "flow-name-used"


def renamed(room: Path, letter: str) -> Path:
    """The same pay flow under another name."""
    path = room / f"{letter}.xml"
    path.write_bytes(PAY.read_bytes().replace(b'NomFic V="', f'NomFic V="{letter}'.encode()))
    return path


@on_sqlite
def test_of_two_copies_of_a_pay_flow_the_second_waits_for_who_rules_and_strangers_are_told_no_number(
    house: House, tmp_path: Path
) -> None:
    first = house.deposit(PAYER, "pes_payroll", PAY)
    second = house.deposit(PAYER, "pes_payroll", renamed(tmp_path, "B"))
    for one in (first, second):
        sending.send(house.actor(PAYER), one, version=house.folder(one).version)
    page = house.client(MAYOR).get(f"/dossiers/{second}").get_data(as_text=True)
    assert "note-danger" in page
    assert f"dossier n° {first}" in page.replace("\xa0", " ")
    with pytest.raises(Refusal, match="would-be-refused"):
        house.sign(second, MAYOR)
    with reading() as db:
        held = [one.about for one in cautions(db, house.folder(second)) if one.about]
    given = {"keep": "", "word": "Rappel de novembre, deux paiements."}
    for about in held:
        version = house.folder(second).version
        with pytest.raises(Refusal):
            rule(house.actor(PAYER), second, version=version, about=about, **given)
        rule(house.actor(MAYOR), second, version=version, about=about, **given)
    house.sign(second, MAYOR)
    # The first one was not held: it is, once the other is signed
    with pytest.raises(Refusal, match="would-be-refused"):
        house.sign(first, MAYOR)
    # Who reads no pay flow is told that there is one, and neither its number nor its way
    plain = house.deposit("g.trehorel", "pes", renamed(tmp_path, "C"))
    shown = house.client("g.trehorel").get(f"/dossiers/{plain}").get_data(as_text=True).replace("\xa0", " ")
    assert "que vous ne pouvez pas lire, porte" in shown
    for one in (first, second):
        assert f"n° {one}" not in shown
        assert f"/dossiers/{one}" not in shown
    house.drain()
    page = house.client(MAYOR).get(f"/dossiers/{second}").get_data(as_text=True)
    assert house.folder(second).place == "done"
    assert "avant de signer" not in page
    shown = house.client("g.trehorel").get(f"/dossiers/{plain}").get_data(as_text=True).replace("\xa0", " ")
    assert "d’un autre dossier, que vous ne pouvez pas lire" in shown
    assert f"n° {second}" not in shown


@on_sqlite
@pytest.mark.law("RGP-04")
def test_every_letter_about_a_pay_flow_is_the_same_and_says_nothing(house: House, mail: MailServer) -> None:
    folder_id = house.a_pay_flow()
    house.drain()
    decide.reject(house.actor(MAYOR), folder_id, version=house.folder(folder_id).version, reason="Somme")
    house.drain()
    sending.send(house.actor(PAYER), folder_id, version=house.folder(folder_id).version)
    house.sign(folder_id, MAYOR)
    house.drain()
    assert len(mail.letters) >= 4
    for letter in mail.letters:
        assert letter["Subject"].replace("\u00a0", " ") == NEUTRAL
        forms = " ".join(str(one.get_content()) for one in letter.iter_parts())
        assert "Il y a du nouveau dans un dossier à accès restreint." in forms
        assert f"/dossiers/{folder_id}" in forms
        assert not [one for one in TOLD if re.search(rf"\b{one}\b", forms, re.IGNORECASE)]
