"""Rejecting: whoever must know is told who and why, nobody else is, and the corrected folder goes again."""

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide, sending
from app.folders.models import StepRun
from app.people import desks
from tests.builders.house import House
from tests.mailserver import MailServer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

G, R, N, T, A, K, S, B = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "t.lescoat",
    "a.kervadec",
    "k.morizur",
    "s.rivoal",
    "b.cadiou",
)
REASON = "Le bon de commande manque : joignez-le"


def address(login: str) -> str:
    return f"{login}@kerlann-sur-mer.example"


def reject(house: House, folder_id: int, login: str, reason: str = REASON) -> None:
    client = house.client(login)
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version, "reason": reason}
    assert client.post(f"/dossiers/{folder_id}/rejeter", data=form).status_code == 302


def text(letter) -> str:
    return letter.get_body(("plain",)).get_content()


def test_the_depositor_and_those_who_approved_are_told_who_refused(house: House, mail: MailServer) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.drain()
    mail.clear()
    reject(house, folder_id, A)
    house.drain()
    assert sorted(str(one["To"]).rpartition("<")[2].rstrip(">") for one in mail.letters) == sorted(
        map(address, (G, R, N))
    )
    for letter in mail.letters:
        assert "Armel Kervadec" in text(letter)
        assert f"/dossiers/{folder_id}" in text(letter)
        for secret in (REASON, house.folder(folder_id).title, str(house.folder(folder_id).fields["seller"])):
            assert secret not in letter.as_string()  # a letter holds no content of the folder
    assert not mail.to(address(T))  # held the desk, did not act
    assert not mail.to(address(A))  # did it himself


def test_when_the_depositor_has_left_his_desk_whoever_may_correct_there_is_told(
    house: House, mail: MailServer
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    here = house.actor(A).collectivity_id
    desks.seat(here, "comptabilite", G, [])
    desks.seat(here, "comptabilite", T, [Right.CREATE])
    desks.seat(here, "comptabilite", B, [Right.ACT])
    house.drain()
    mail.clear()
    reject(house, folder_id, A)
    house.drain()
    assert mail.to(address(T))
    assert not mail.to(address(G))
    assert not mail.to(address(B))


def test_the_page_says_who_refused_when_and_why_to_each_of_them(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    reject(house, folder_id, A)
    for login in (G, R, N, A):
        page = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
        assert "Rejeté par Armel Kervadec" in page
        assert REASON in page
    draft = house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert "Rejeté par Armel Kervadec" in draft
    assert REASON in draft


def test_a_rejection_closes_the_step_and_returns_the_folder_to_its_desk(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    reject(house, folder_id, B)
    folder = house.folder(folder_id)
    assert (folder.phase, folder.place) == ("rejected", "rejected")
    with reading() as db:
        states = dict(
            db.execute(
                sa.select(StepRun.slot, StepRun.state).where(
                    StepRun.folder_id == folder_id, StepRun.step == "signatures"
                )
            ).all()
        )
    assert sorted(states.values()) == ["cancelled", "rejected"]
    assert f"/dossiers/{folder_id}" in house.client(K).get("/a-traiter?bannette=returned").get_data(
        as_text=True
    )
    for login in (A, B):
        assert f"/dossiers/{folder_id}" not in house.client(login).get("/a-traiter").get_data(as_text=True)


@pytest.mark.parametrize("reason", ["", "   ", "\n\t "])
def test_without_a_reason_nothing_is_rejected_and_what_was_typed_is_asked_again(
    house: House, reason: str
) -> None:
    folder_id = house.an_invoice(at="finance")
    client = house.client(N)
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version, "reason": reason}
    answer = client.post(f"/dossiers/{folder_id}/rejeter", data=form)
    assert answer.status_code == 422
    assert "écrivez le motif" in answer.get_data(as_text=True)
    assert house.folder(folder_id).place == "finance"


def test_who_is_not_awaited_is_not_even_shown_the_form(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    for login, status in ((N, 200), (T, 200), (G, 403), (R, 409), (A, 404), (K, 404)):
        assert house.client(login).get(f"/dossiers/{folder_id}/rejeter").status_code == status, login


def test_a_stranger_learns_nothing_from_a_missing_reason(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    with pytest.raises(Refusal, match="not-found"):
        decide.reject(house.actor(A), folder_id, version=house.folder(folder_id).version, reason="")


def test_the_corrected_folder_goes_again_and_its_history_stays_readable(
    house: House, mail: MailServer
) -> None:
    folder_id = house.an_invoice(at="finance")
    reject(house, folder_id, N)
    house.save(folder_id, G, {"order_ref": "BC-2026-118"})
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    folder = house.folder(folder_id)
    assert (folder.round, folder.place, folder.phase) == (2, "service_done", "running")
    house.drain()
    assert any("/dossiers/" in text(one) for one in mail.to(address(R)))
    house.approve(folder_id, R)
    house.approve(folder_id, T)
    assert house.folder(folder_id).place == "bon_a_payer"
    assert house.journal(folder_id).count("folder.submit") == 2
    page = house.client(N).get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    assert "Rejeté par Nolwenn Abgrallec" in page  # who acted in the first round still reads the folder


def test_a_second_rejection_tells_only_those_of_the_second_round(house: House, mail: MailServer) -> None:
    folder_id = house.an_invoice(at="finance")
    reject(house, folder_id, N)
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.drain()
    mail.clear()
    reject(house, folder_id, R, "Livraison incomplète")
    house.drain()
    assert [str(one["To"]) for one in mail.letters if "Pellenec" in text(one)]
    assert mail.to(address(G))
    assert not mail.to(address(N))
    page = house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert "Livraison incomplète" in page
    assert "Rejeté par Ronan Pellenec" in page


def test_a_rejected_folder_may_be_given_up_and_ends(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    reject(house, folder_id, N)
    decide.withdraw(house.actor(G), folder_id, version=house.folder(folder_id).version)
    assert (house.folder(folder_id).phase, house.folder(folder_id).place) == ("done", "withdrawn")
    with pytest.raises(Exception, match=r"not-editable|action-impossible"):
        sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
