"""Notes beside a folder: each is read by whom it is for and by nobody else, and whoever is named gets one letter, once."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import reading, writing
from app.core.french import jour
from app.core.grammar import de
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import notes
from app.folders.models import FolderNote
from app.folders.notes import Draft, Reach
from app.journal.models import JournalEntry
from app.operations.absences.planning import Wanted, plan
from app.people import desks
from app.people.models import Absence, User
from tests.api.software import Software
from tests.builders.house import ASSETS, House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
G, R, N, T, A = "g.trehorel", "r.pellenec", "n.abgrallec", "t.lescoat", "a.kervadec"
SECRET, DESK, ALL = "Le maire hésite", "Solde à vérifier", "Le bon dit 84,0 t"


def words_of(house: House, folder_id: int, login: str, where: str = "?onglet=notes") -> str:
    page = house.client(login).get(f"/dossiers/{folder_id}{where}").get_data(as_text=True)
    return " ".join(page.replace("\xa0", " ").replace("\u202f", " ").split())


def post(house: House, folder_id: int, login: str, path: str = "", **form: Any) -> Any:
    client = house.client(login)
    return client.post(f"/dossiers/{folder_id}/notes{path}", data={"csrf_token": house.csrf(client), **form})


def number_of(words: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(FolderNote.id).where(FolderNote.words == words)).one()


def letters(house: House) -> list[tuple[str, str]]:
    """To whom a letter about a note went, and what it says."""
    house.drain()
    every = [one for one in house.mail.letters if "1 note à lire" in str(one["Subject"])]
    return [(str(one["To"]), one.get_body(("plain",)).get_content()) for one in every]


def test_a_note_is_read_by_whom_it_is_for_and_by_nobody_else(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    town = house.actor(N).collectivity_id
    desks.seat(town, "finances", T, [Right.ACT])
    assert post(house, folder_id, N, words=SECRET, reach="alone").status_code == 302
    desk = next(seat.desk_id for seat in house.actor(N).seats if seat.key == "finances")
    assert post(house, folder_id, N, words=DESK, reach=f"desk-{desk}").status_code == 302
    assert post(house, folder_id, N, words=ALL, reach="all").status_code == 302
    reads = {N: {SECRET, DESK, ALL}, T: {DESK, ALL}, G: {ALL}, R: {ALL}}
    for login, known in reads.items():
        page = words_of(house, folder_id, login)
        assert {one for one in (SECRET, DESK, ALL) if one in page} == known, login
        for where in ("?onglet=journal", "/bordereau"):
            elsewhere = words_of(house, folder_id, login, where)
            assert SECRET not in elsewhere
            assert DESK not in elsewhere
        assert ALL in words_of(house, folder_id, login, "/bordereau")
    assert house.client(A).get(f"/dossiers/{folder_id}?onglet=notes").status_code == 404
    assert post(house, folder_id, A, words="x", reach="all").status_code == 404
    software = Software(house, "comptabilite", [Right.CREATE, Right.ACT])
    assert [one["words"] for one in software.get(f"/folders/{folder_id}/notes").get_json()["notes"]] == [ALL]
    with reading() as db:
        facts = " ".join(db.scalars(sa.select(JournalEntry.facts)))
    assert ALL in facts
    assert SECRET not in facts
    assert DESK not in facts


def test_who_does_not_read_a_note_can_neither_answer_settle_nor_remove_it(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    notes.write(house.actor(N), folder_id, Draft(SECRET, Reach.ALONE))
    hidden = number_of(SECRET)
    for login in (G, R):
        assert post(house, folder_id, login, words="Vu", answers=str(hidden)).status_code == 404
        assert post(house, folder_id, login, f"/{hidden}/reglee").status_code == 404
        assert post(house, folder_id, login, f"/{hidden}/retirer").status_code == 404
    # Nor by the way of another folder that he reads
    other = house.an_invoice(at="draft", path=ASSETS / "invoices" / "fx-basicwl-fr-facture.pdf")
    assert post(house, other, G, f"/{hidden}/reglee").status_code == 404
    notes.write(house.actor(R), folder_id, Draft(ALL))
    with pytest.raises(Refusal, match="note-stays"):
        notes.remove(house.actor(R), folder_id, number_of(ALL))
    notes.write(house.actor(N), folder_id, Draft("Suite", answers=hidden))
    notes.remove(house.actor(N), folder_id, hidden)
    assert SECRET not in words_of(house, folder_id, N)
    assert "Suite" not in words_of(house, folder_id, N)


def test_who_is_named_gets_one_letter_that_says_nothing_of_the_note(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    depositor, mayor = house.actor(G), house.actor(A)
    assert letters(house) == []
    answer = post(house, folder_id, N, words=ALL, reach="all", told=[str(depositor.user_id)])
    assert answer.status_code == 302
    assert f"Nommés : {depositor.name}" in words_of(house, folder_id, R)
    ((to, said),) = letters(house)
    assert to.startswith(depositor.name)
    assert "84,0" not in said
    assert f"/dossiers/{folder_id}?onglet=notes" in said
    # The mayor was not reached: he is not offered, and is not told by who writes the address by hand
    assert (
        mayor.name
        not in words_of(house, folder_id, N).partition("Prévenir par courriel")[2].partition("</fieldset>")[0]
    )
    refused = post(house, folder_id, N, words="Pour vous", reach="all", told=[str(mayor.user_id)])
    assert refused.status_code == 422
    assert "Pour vous" in refused.get_data(as_text=True)
    for wrong in (
        {"reach": "alone", "told": [str(depositor.user_id)]},
        {"words": "  "},
        {"reach": "desk-999999"},
    ):
        answer = post(house, folder_id, N, **{"words": "Gardez ceci", "reach": "all", **wrong})
        assert answer.status_code == 422, wrong
        assert "Rien n’a été écrit" in answer.get_data(as_text=True)
    assert len(letters(house)) == 1
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(FolderNote)) == 1


def test_who_is_named_after_an_at_sign_is_written_to_and_a_name_of_nobody_is_told(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    depositor = house.actor(G)
    first, _, last = depositor.name.partition(" ")
    client = house.client(N)

    def written(words: str, reach: str = "all") -> str:
        form = {"csrf_token": house.csrf(client), "words": words, "reach": reach}
        answer = client.post(f"/dossiers/{folder_id}/notes", data=form, follow_redirects=True)
        assert answer.status_code == 200
        return " ".join(answer.get_data(as_text=True).replace("\xa0", " ").split())

    assert f"Aucun courriel pour « @{depositor.name} »" in written(f"Voir @{depositor.name}", "alone")
    assert letters(house) == [], "a note for oneself is written to nobody"
    shown = written(f"Vu avec @{first.lower()} à l’instant, et @Marie Nulle ; écrire à x@kerlann.example")
    assert f"Nommés : {depositor.name}" in shown
    assert "Aucun courriel pour « @Marie Nulle » :" in shown
    ((to, _),) = letters(house)
    assert to.startswith(depositor.name)
    # The mayor does not read the folder yet: his name is that of nobody here
    mayor = house.actor(A).name
    assert f"Aucun courriel pour « @{mayor} »" in written(f"Pour @{mayor}")
    assert "Aucun courriel" not in written(f"Pour @{last}")
    assert f"la note {de(house.actor(N).name)}" in words_of(house, folder_id, N)
    assert len(letters(house)) == 2


def test_the_page_says_whose_letter_waits_for_a_return_and_whom_no_address_reaches(house: House) -> None:
    folder_id, away, none = house.an_invoice(at="finance"), house.actor(N), house.actor(G)
    last = today() + timedelta(days=20)
    plan(away, Wanted(away.user_id or 0, None, f"{today()}T00:00", f"{last}T23:59"))
    with writing() as db, db.begin():
        db.execute(sa.update(User).where(User.id == none.user_id).values(email=""))
    waits = " ".join(f"absence jusqu’au {jour(last)} : le courriel attend".split())
    page = words_of(house, folder_id, R)
    boxes = page.partition("Qui prévenir")[2].partition("</fieldset>")[0]
    assert (away.name in boxes, boxes.count(f">{waits}</span>"), none.name in boxes) == (True, 1, False)
    assert f"Sans adresse, donc sans courriel : {none.name}." in page
    assert post(house, folder_id, R, words="À revoir", told=[str(none.user_id)]).status_code == 422
    post(house, folder_id, R, words=f"@{away.name} et @{none.name}")
    assert letters(house) == []
    page = words_of(house, folder_id, R)
    assert f"Nommés : {away.name} ({waits})</div>" in page
    with writing() as db, db.begin():  # who wants letters meanwhile is written to
        db.execute(sa.update(Absence).values(letters=True))
    assert f"Nommés : {away.name}</div>" in words_of(house, folder_id, R)
    assert waits not in words_of(house, folder_id, R)
    # A letter that came to nothing was no news to anybody
    with writing() as db, db.begin():
        db.execute(
            sa.update(Outbox).where(Outbox.key.like("mentioned-%")).values(state="done", last_error="x")
        )
    assert f"Nommés : {away.name} (le courriel n’est pas parti)" in words_of(house, folder_id, R)


def test_who_stands_in_where_the_folder_waits_is_named_as_those_of_the_desk_are(house: House) -> None:
    """He is the one to act: a note for all names him, one of that desk too, which he reads while he may act there."""
    folder_id, away, cover = house.an_invoice(at="finance"), house.actor(N), house.actor("b.cadiou")
    span = f"{today()}T00:00", f"{today() + timedelta(days=5)}T23:59"
    plan(away, Wanted(away.user_id or 0, cover.user_id, *span))
    (desk,) = (seat.desk_id for seat in away.seats if seat.key == "finances")
    for reach in ("all", f"desk-{desk}"):
        writer = N if reach != "all" else R
        answer = post(house, folder_id, writer, words=f"@{cover.name} : vu ?", reach=reach)
        assert answer.status_code == 302, reach
    assert words_of(house, folder_id, N).count(f"Nommés : {cover.name}</div>") == 2
    assert [to.startswith(cover.name) for to, _ in letters(house)] == [True, True]
    # Of other types only, he does not read it: he is not to be named
    with writing() as db, db.begin():
        db.execute(sa.update(Absence).values(types=["deliberation"]))
    assert (
        cover.name
        not in words_of(house, folder_id, R).partition("Qui prévenir")[2].partition("</fieldset>")[0]
    )


def test_a_box_unticked_by_hand_is_not_written_to_once_the_script_has_read_the_words(house: House) -> None:
    folder_id, name = house.an_invoice(at="finance"), house.actor(G).name
    assert post(house, folder_id, N, words=f"Voir @{name}", reach="all", mentions="read").status_code == 302
    assert letters(house) == []
    # The page said so as it was unticked: it is not said again. What nobody bears is, which may be a slip of the pen
    client = house.client(N)
    for words, told in ((f"Pour @{name}", False), (f"Pour @{name} et @Marie Nulle", True)):
        form = {"csrf_token": house.csrf(client), "words": words, "reach": "all", "mentions": "read"}
        page = client.post(f"/dossiers/{folder_id}/notes", data=form, follow_redirects=True).text
        page = page.replace("\u00a0", " ").replace("\u202f", " ")
        assert ("Aucun courriel pour « @Marie Nulle » :" in page) is told
        assert f"Aucun courriel pour « @{name}" not in page
    # What is refused comes back as it was sent
    back = post(house, folder_id, N, words=f"Voir @{name}", reach="desk-999999", mentions="read")
    assert "data-read" in back.get_data(as_text=True)
    assert "data-read" not in words_of(house, folder_id, N)


def test_the_page_says_whose_desks_read_a_note(house: House) -> None:
    folder_id, town = house.an_invoice(at="finance"), house.actor(N).collectivity_id
    desks.seat(town, "finances", T, [Right.ACT])
    desk = next(seat.desk_id for seat in house.actor(N).seats if seat.key == "finances")
    notes.write(house.actor(N), folder_id, Draft(DESK, Reach.DESK, desk_id=desk))
    page = lxml.html.fromstring(house.client(N).get(f"/dossiers/{folder_id}?onglet=notes").get_data())
    reads = {
        box.get("value"): (box.get("data-desks") or "").split()
        for box in page.xpath("//form[@data-mentions=''][.//*[@name='reach']]//input[@name='told']")
    }
    assert reads[str(house.actor(T).user_id)] == [str(desk)]
    assert reads[str(house.actor(G).user_id)] == []
    assert page.xpath("//form[@data-mentions]/@data-mentions") == ["", f"desk-{desk}"]


def test_a_note_changes_nothing_of_the_page_that_somebody_decides_on_and_is_settled_once(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="finance")
    version = house.folder(folder_id).version
    assert post(house, folder_id, G, words=ALL, reach="all").status_code == 302
    number = number_of(ALL)
    assert post(house, folder_id, R, words="Je demande", answers=str(number)).status_code == 302
    assert 'Notes<span class="count">1</span>' in house.client(N).get(f"/dossiers/{folder_id}").get_data(
        as_text=True
    )
    assert post(house, folder_id, R, f"/{number}/reglee").status_code == 302
    assert post(house, folder_id, N, f"/{number}/reglee").status_code == 302
    assert house.journal(folder_id).count("note.settled") == 1
    page = words_of(house, folder_id, N)
    assert f"Réglée par {house.actor(R).name}" in page
    assert "Je demande" in page
    assert house.folder(folder_id).version == version
    house.approve(folder_id, N)


def test_software_writes_for_its_desk_or_for_all_and_never_for_itself_alone(house: House) -> None:
    software = Software(house, "comptabilite", [Right.CREATE])
    folder_id = software.deposit().get_json()["id"]
    answer = software.post(f"/folders/{folder_id}/notes", words="Lu par le logiciel", reach="desk")
    assert [one["reach"] for one in answer.get_json()["notes"]] == ["desk"]
    assert "Lu par le logiciel" in words_of(house, folder_id, G, "?onglet=notes")
    number = answer.get_json()["notes"][0]["id"]
    settled = software.post(f"/folders/{folder_id}/notes/{number}/settle").get_json()["notes"]
    assert settled[0]["settled_by"] == software.name
    assert software.post(f"/folders/{folder_id}/notes", words="x", reach="alone").status_code == 422


def test_who_stands_in_reads_the_notes_of_a_desk_only_where_he_may_act_on_the_folder(house: House) -> None:
    folder_id, town = house.an_invoice(at="finance"), house.actor(N).collectivity_id
    desk = next(seat.desk_id for seat in house.actor(N).seats if seat.key == "finances")
    notes.write(house.actor(N), folder_id, Draft(DESK, Reach.DESK, desk_id=desk))
    ronan, nolwenn = house.actor(R).user_id, house.actor(N).user_id
    for types, acts, reads in ((["deliberation"], True, False), ([], False, False), ([], True, True)):
        with writing() as db, db.begin():
            db.execute(sa.delete(Absence))
            db.add(
                Absence(
                    collectivity_id=town,
                    user_id=nolwenn,
                    cover_id=ronan,
                    types=types,
                    acts=acts,
                    letters=False,
                    starts_at=now() - timedelta(hours=1),
                    ends_at=now() + timedelta(hours=1),
                    revision=1,
                    set_by="x",
                    set_at=now(),
                )
            )
        assert (DESK in words_of(house, folder_id, R)) is reads, (types, acts)


def test_what_was_typed_comes_back_and_never_for_more_readers_than_it_was_for(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    notes.write(house.actor(R), folder_id, Draft(ALL))
    number = number_of(ALL)
    notes.settle(house.actor(G), folder_id, number)
    answer = post(house, folder_id, N, words="Trop tard", answers=str(number))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Trop tard" in page
    assert 'value="alone" selected' in page
    answer = post(house, folder_id, N, words="Pour un autre bureau", reach="desk-999999")
    assert 'value="alone" selected' in answer.get_data(as_text=True)
    assert post(house, folder_id, N, words="\u200b", reach="all").status_code == 422


def test_a_letter_about_a_note_of_a_desk_is_told_to_nobody_else(house: House) -> None:
    folder_id, town = house.an_invoice(at="finance"), house.actor(N).collectivity_id
    desks.seat(town, "finances", T, [Right.ACT])
    desk = next(seat.desk_id for seat in house.actor(N).seats if seat.key == "finances")
    told = (house.actor(T).user_id or 0,)
    notes.write(house.actor(N), folder_id, Draft(DESK, Reach.DESK, desk_id=desk, told=told))
    assert "Note à lire" not in words_of(house, folder_id, R, "?onglet=journal")
    notes.write(house.actor(N), folder_id, Draft(ALL, told=told))
    assert "Note à lire" in words_of(house, folder_id, R, "?onglet=journal")
    assert len(letters(house)) == 2


def marks(house: House, folder_id: int, login: str) -> list[dict[str, Any]]:
    """The marks over the document that the folder's page shows to somebody."""
    page = lxml.html.fromstring(house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True))
    return [one for box in page.xpath("//@data-pins") for one in json.loads(box)]


def test_a_note_is_pinned_on_a_page_of_the_very_version_answered_settled_and_opened_again(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="finance")
    (main,) = house.versions(folder_id)
    place = {"document": main.document_id, "number": main.number, "page": 1}
    for wrong, key in (
        ({"page": (main.pages or 0) + 1}, "n’a pas cette page"),
        ({"page": "zéro"}, "n’a pas cette page"),
        ({"number": 9}, "une note s’épingle"),
        ({"box": "1,2,3"}, "n’est pas dans la page"),
        ({"box": "200,2,100,50"}, "n’est pas dans la page"),
        ({"box": "nan,2,100,50"}, "n’est pas dans la page"),
        ({"box": "14399,14399,14400,14400"}, "n’est pas dans la page"),
        ({"box": "100,600,250,900"}, "n’est pas dans la page"),
        ({"box": "100,600,100.5,660"}, "n’est pas dans la page"),
        ({"box": "0,0,1e-320,1e-320"}, "n’est pas dans la page"),
    ):
        answer = post(house, folder_id, N, words="Le montant ?", reach="all", **{**place, **wrong})
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        assert key in page.replace("\xa0", " ")
        assert "Le montant ?" in page, "what was typed stays"
    assert (
        post(
            house, folder_id, N, words="Le montant ?", reach="all", box="100,600,250,660", **place
        ).status_code
        == 302
    )
    number = number_of("Le montant ?")
    desk = next(seat.desk_id for seat in house.actor(N).seats if seat.key == "finances")
    post(house, folder_id, N, words=DESK, reach=f"desk-{desk}", **place)
    (mark,) = marks(house, folder_id, G)
    assert (mark["page"], mark["box"]) == (1, [100, 600, 250, 660])
    assert mark["words"].replace("\xa0", " ") == "Note 1, ouverte, de Nolwenn Abgrallec : Le montant ?"
    assert [one["n"] for one in marks(house, folder_id, N)] == [1, 2], (
        "a mark is seen by whom its note is for"
    )
    assert "Épinglée, page 1 de" in words_of(house, folder_id, G)
    slip = words_of(house, folder_id, G, "/bordereau")
    assert f"empreinte {main.sha256} : « Le montant ? »" in slip.replace(
        '<span class="prewrap">', ""
    ).replace("</span>", "")
    with reading() as db:
        (line,) = db.scalars(sa.select(JournalEntry.facts).where(JournalEntry.event == "note.added"))
    assert main.sha256 in line
    notes.write(house.actor(G), folder_id, Draft("17 520 €.", answers=number))
    notes.settle(house.actor(G), folder_id, number)
    assert "Note 1, réglée" in marks(house, folder_id, R)[0]["words"]
    with pytest.raises(Refusal, match="not-found"):
        notes.reopen(house.actor(A), folder_id, number)
    assert post(house, folder_id, R, f"/{number}/rouvrir").status_code == 302
    assert house.journal(folder_id)[-1] == "note.reopened"
    notes.reopen(house.actor(R), folder_id, number)
    assert house.journal(folder_id).count("note.reopened") == 1
    software = Software(house, "comptabilite", [Right.CREATE, Right.ACT])
    (told, answer) = software.get(f"/folders/{folder_id}/notes").get_json()["notes"]
    assert told["pin"] == {
        "document": main.document_id,
        "version": 1,
        "sha256": main.sha256,
        "page": 1,
        "box": [100, 600, 250, 660],
    }
    assert (told["settled_by"], answer["pin"]) == (None, None)
    pin = {"document": main.document_id, "version": 1, "page": 1}
    assert software.post(f"/folders/{folder_id}/notes", words="Vu.", pin=pin).status_code < 300
    (unchanged,) = house.versions(folder_id)
    assert house.bytes_of(unchanged) == house.bytes_of(main), "nothing is written into the file"


@pytest.mark.both_databases
def test_a_note_posted_twice_by_one_form_is_one(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    form = house.client(N).get(f"/dossiers/{folder_id}?onglet=notes").get_data(as_text=True)
    (mark,) = set(re.findall(r'name="once" value="([^"]+)"', form))
    person = {"told": str(house.actor(G).user_id)}
    for words in (ALL, ALL, DESK):
        assert post(house, folder_id, N, words=words, reach="all", once=mark, **person).status_code == 302
    assert house.journal(folder_id).count("note.added") == 2, "another text is another note"
    assert len(letters(house)) == 2
    draft = Draft(SECRET, Reach.ALONE, form=mark)
    with ThreadPoolExecutor(4) as together:
        numbers = list(together.map(lambda _: notes.write(house.actor(N), folder_id, draft), range(4)))
    assert set(numbers) == {number_of(SECRET)}
    # Software has no form: what it says twice is said twice
    for _ in range(2):
        notes.write(house.actor(N), folder_id, Draft("Vu."))
    assert house.journal(folder_id).count("note.added") == 4


def test_software_writes_a_note_once_with_its_key(house: House) -> None:
    """A call whose answer was lost is made again (`notes.write_once`): one note, and one letter."""
    folder_id = house.an_invoice(at="finance")
    software = Software(house, "finances", [Right.ACT])
    headers = {**software.headers, "Idempotency-Key": "note-1"}
    (person, *_) = software.get(f"/folders/{folder_id}/notes").get_json()["people"]

    def write(words: str, **more: Any) -> Any:
        body = {"words": words, "reach": "all", "told": [person["id"]], **more}
        return software.client.post(f"/api/v1/folders/{folder_id}/notes", headers=headers, json=body)

    answers = [write("Le bon de pesée dit 84,0 t.") for _ in range(3)]
    assert [one.status_code for one in answers] == [200] * 3, answers[0].text
    assert len(answers[-1].get_json()["notes"]) == 1
    assert house.journal(folder_id).count("note.added") == 1
    other = write("Autre chose.")
    assert (other.status_code, other.get_json()["key"]) == (422, "key-reused")
    assert other.get_json()["detail"].startswith("Rien n’a été enregistré")
    assert len(software.get(f"/folders/{folder_id}/notes").get_json()["notes"]) == 1
    # Without a key, a call is a note
    for number in (2, 3):
        software.post(f"/folders/{folder_id}/notes", words="Vu.", reach="all")
        assert len(software.get(f"/folders/{folder_id}/notes").get_json()["notes"]) == number
