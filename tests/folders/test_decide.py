"""Deciding: in one's turn, on what one saw, once; and an act is published at a date that the law accepts."""

from datetime import date, timedelta

import pytest

from app.core.clock import today
from app.core.db import reading
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.folders import decide
from app.folders.models import Publication
from app.folders.publicity import Means
from app.people import desks
from tests.builders.house import House
from tests.circuits.test_editor import words
from tests.publication.test_means import choose
from workflows.deadlines import appeal_until, online_until
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

G, R, N, T, A, B, K, S = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "t.lescoat",
    "a.kervadec",
    "b.cadiou",
    "k.morizur",
    "s.rivoal",
)


def publish(
    house: House, folder_id: int, day: date | None = None, login: str = K, means: Means = Means.ONLINE
) -> date | None:
    version = house.folder(folder_id).version
    return decide.publish(house.actor(login), folder_id, version=version, means=means, published_on=day)


def ready(house: House) -> int:
    return house.a_deliberation(at="publication")


def test_CAL_04_an_act_is_enforceable_from_the_later_of_its_publication_and_its_reception(
    house: House,
) -> None:
    folder_id = ready(house)
    received = date.fromisoformat(house.folder(folder_id).fields["received_on_by_state"])
    assert publish(house, folder_id) == max(today(), received)
    with reading() as db:
        row = db.get_one(Publication, folder_id)
    assert (row.published_on, row.enforceable_on, row.author) == (
        today(),
        max(today(), received),
        "Katell Morizur",
    )
    assert house.folder(folder_id).phase == "done"
    page = house.client(K).get(f"/dossiers/{folder_id}?onglet=details").get_data(as_text=True)
    assert "Exécutoire le" in page


def test_TRA_01_PUB_01_the_day_of_an_act_put_online_is_the_one_on_which_it_is(house: House) -> None:
    """No field asks it, and a day that is posted all the same counts for nothing."""
    folder_id = ready(house)
    client = house.client(K)
    page = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Le jour de sa publication sera aujourd’hui" in page
    assert 'name="published_on"' not in page.partition('id="act-publish"')[2].partition("</form>")[0]
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version, "means": "online"}
    client.post(f"/dossiers/{folder_id}/publier", data={**form, "published_on": "2026-09-24"})
    with reading() as db:
        row = db.get_one(Publication, folder_id)
    assert (row.published_on, row.enforceable_on) == (today(), today())
    sheet = client.get(f"/dossiers/{folder_id}/prefecture").get_data(as_text=True)
    for day in (online_until(today()), appeal_until(today())):
        assert jour_long(day) in sheet.replace("\xa0", " ").replace("\u202f", " ")


def test_TRA_01_an_act_is_posted_between_its_last_signature_and_today_and_as_the_page_said(
    house: House,
) -> None:
    folder_id = ready(house)
    choose(house, means="posted")
    days = [
        (None, "date-missing"),
        (today() + timedelta(days=1), "date-future"),
        (
            today() - timedelta(days=1),
            "date-before-signature",
        ),  # after the decision of September, but not signed yet
        (date(1999, 1, 1), "date-before-signature"),
    ]
    for day, key in days:
        with pytest.raises(Refusal, match=key):
            publish(house, folder_id, day, means=Means.POSTED)
    for other in (Means.ONLINE, Means.PAPER, Means.NOTIFIED):
        with pytest.raises(Refusal, match="moved-on"):
            publish(house, folder_id, today(), means=other)
    client = house.client(K)
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version}
    for typed in ("", "demain", "2026-13-01", "20260101T", "01/02/2026", "0000-00-00"):
        answer = client.post(
            f"/dossiers/{folder_id}/publier", data={**form, "means": "posted", "published_on": typed}
        )
        assert answer.status_code == 422
        assert "donnez la date" in answer.get_data(as_text=True)
    for said in ({"means": "online"}, {}, {"means": "x"}, {"published_on": today().isoformat()}):
        answer = client.post(f"/dossiers/{folder_id}/publier", data={**form, **said})
        assert answer.status_code == 409
        assert "La façon de publier cet acte a changé" in answer.get_data(as_text=True)
    assert house.folder(folder_id).place == "publication"
    with reading() as db:
        assert db.get(Publication, folder_id) is None
    assert publish(house, folder_id, today(), means=Means.POSTED) == today()


def test_a_stranger_learns_no_date_by_publishing(house: House) -> None:
    folder_id = ready(house)
    for day in (None, today() + timedelta(days=1), date(1999, 1, 1), today()):
        for means in Means:
            with pytest.raises(Refusal, match="not-found"):
                publish(house, folder_id, day, N, means)
    for login in (S, A):
        with pytest.raises(Refusal, match="not-your-turn"):
            publish(house, folder_id, login=login)
    assert house.folder(folder_id).place == "publication"


def test_a_decision_on_an_older_page_is_refused_with_what_to_do(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    client, version = house.client(T), house.folder(folder_id).version
    token = house.csrf(client)
    house.approve(folder_id, N)
    answer = client.post(f"/dossiers/{folder_id}/viser", data={"csrf_token": token, "version": version})
    assert answer.status_code == 409
    assert "Ce dossier a avancé" in answer.get_data(as_text=True)
    assert house.journal(folder_id).count("folder.approve") == 2
    # The one whose visa it was, and who never had the answer, is not told that it was not recorded
    mine = house.client(N)
    form = {"csrf_token": house.csrf(mine), "version": version}
    again = words(mine.post(f"/dossiers/{folder_id}/viser", data=form))
    assert "Vous avez visé" in again
    assert "c’est enregistré" in again
    assert "n’a pas été enregistré" not in again


def test_what_was_typed_is_given_back_to_who_lost_his_right_meanwhile(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    client, version = house.client(N), house.folder(folder_id).version
    form = {"csrf_token": house.csrf(client), "version": version, "reason": "Le bon de pesée manque."}
    desks.seat(house.actor(N).collectivity_id, "finances", N, [Right.CREATE])
    for page in (f"/dossiers/{folder_id}/rejeter", f"/dossiers/{folder_id}/confier"):
        answer = client.post(page, data=form)
        assert answer.status_code in {403, 404}
        assert "Le bon de pesée manque." in words(answer)


@pytest.mark.parametrize("version", ["", "x", "1.5", "-3", "9" * 40, "٣x", None])
def test_a_form_without_a_sound_version_decides_nothing(house: House, version: str | None) -> None:
    folder_id = house.an_invoice(at="finance")
    client = house.client(N)
    form = {"csrf_token": house.csrf(client), **({} if version is None else {"version": version})}
    assert client.post(f"/dossiers/{folder_id}/viser", data=form).status_code in {400, 409}
    assert house.folder(folder_id).place == "finance"


@pytest.mark.law("SIG-11")
def test_a_comment_is_kept_with_the_visa_and_read_by_those_who_follow(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    client = house.client(R)
    form = {
        "csrf_token": house.csrf(client),
        "version": house.folder(folder_id).version,
        "comment": "  Livré le 3, <b>conforme</b>.  ",
    }
    client.post(f"/dossiers/{folder_id}/viser", data=form)
    page = house.client(N).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Livré le 3, &lt;b&gt;conforme&lt;/b&gt;." in page


def test_a_folder_is_taken_back_while_nobody_has_signed(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    decide.recall(house.actor(G), folder_id, version=house.folder(folder_id).version)
    folder = house.folder(folder_id)
    assert folder.phase in {"draft", "rejected"}
    assert f"/dossiers/{folder_id}" not in house.client(N).get("/a-traiter").get_data(as_text=True)
    assert house.client(R).get(f"/dossiers/{folder_id}").status_code == 200  # it had reached him
    house.save(folder_id, G, {"order_ref": "BC-1"})
    signed = house.a_deliberation(at="signatures")
    house.sign(signed, A)
    with pytest.raises(Exception, match="already-signed"):
        decide.recall(house.actor(K), signed, version=house.folder(signed).version)


def test_opening_a_folder_is_noted_once_for_each_person(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    for login in (N, T, N):
        client = house.client(login)
        for _ in range(2):
            assert client.get(f"/dossiers/{folder_id}").status_code == 200
    assert house.journal(folder_id).count("folder.opened") == 2


def test_each_decision_is_told_to_whoever_is_awaited_next_and_to_nobody_else(house: House, mail) -> None:
    folder_id = house.an_invoice(at="service_done")
    house.drain()
    mail.clear()
    house.approve(folder_id, R)
    house.drain()
    told = {str(one["To"]).rpartition("<")[2].rstrip(">") for one in mail.letters}
    assert told == {f"{N}@kerlann-sur-mer.example", f"{T}@kerlann-sur-mer.example"}
