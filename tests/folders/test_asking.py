"""An opinion asked of another desk: awaited or not, given, taken back; whoever decides reads it, and nothing else comes of it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading, writing
from app.core.french import jour
from app.core.refusals import Refusal
from app.display import moved, queues
from app.display.exports.slip import slip as slip_of
from app.folders import asking, decide, move, sending
from app.folders.access import may_read
from app.folders.models import AskedOpinion, Folder, StepRun
from app.notices import digests
from app.operations.leaving import effects as leaving
from app.people import desks
from app.people.models import User
from app.signing import sign
from app.signing.authority import Wording, wordings_of
from app.signing.paper import sheet
from tests.api.software import Software
from tests.batches.town import Hand, became
from tests.builders.house import House
from tests.builders.mandates import a_mayor_and_a_deputy
from tests.circuits.test_editor import words
from tests.display.test_exports import text_of
from tests.operations.test_absences import away, looked, over
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
A, B, G, K, N, R, S, T = (
    "a.kervadec",
    "b.cadiou",
    "g.trehorel",
    "k.morizur",
    "n.abgrallec",
    "r.pellenec",
    "s.rivoal",
    "t.lescoat",
)
WHY = "Le tonnage facturé est-il celui du bon de pesée ?"
ANSWER = "Le bon de pesée dit 84 tonnes."


def ask(house: House, login: str, folder_id: int, *desks: str, waits: bool = True, **more: Any) -> int:
    """Ask the opinion of desks; the number of the last that was asked."""
    version = house.folder(folder_id).version
    typed = {"question": WHY, **more}
    asking.ask(house.actor(login), folder_id, version=version, desks=desks, waits=waits, **typed)
    with reading() as db:
        return db.scalar(
            sa.select(sa.func.max(AskedOpinion.run_id)).where(AskedOpinion.folder_id == folder_id)
        )  # type: ignore[return-value]


def give(house: House, login: str, folder_id: int, number: int, opinion: str, comment: str = "") -> str:
    version = house.folder(folder_id).version
    return asking.answer(
        house.actor(login), folder_id, number, version=version, answer=opinion, comment=comment
    )


def take_back(house: House, login: str, folder_id: int, number: int, reason: str = "") -> str:
    version = house.folder(folder_id).version
    return asking.withdraw(house.actor(login), folder_id, number, version=version, reason=reason)


def page(house: House, login: str, folder_id: int, tab: str = "circuit") -> str:
    return words(house.client(login).get(f"/dossiers/{folder_id}?onglet={tab}"))


def todo(house: House, login: str) -> list[int]:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return [line.id for line in queues.todo(db, actor)]


def state_of(number: int) -> str:
    with reading() as db:
        return db.get_one(StepRun, number).state


def post(house: House, login: str, folder_id: int, path: str, **typed: Any) -> Any:
    client = house.client(login)
    form = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version), **typed}
    return client.post(f"/dossiers/{folder_id}/{path}", data=form)


def test_from_the_question_to_the_decision_by_the_pages_and_on_every_trail(house: House) -> None:
    folder_id = house.an_invoice("finance")
    dialog = words(house.client(N).get(f"/dossiers/{folder_id}/avis"))
    assert "Direction générale, Solenn Rivoal" in dialog
    for desk in ("Direction des finances,", "Service de la paye,", "Conseil municipal,"):
        assert desk not in dialog, "neither who decides here nor who may give none is offered"
    typed = {"desks": ["direction", "technique"], "question": WHY, "waits": "yes"}
    assert post(house, N, folder_id, "avis", **typed).status_code == 302
    asker = page(house, N, folder_id)
    assert "Avis demandé à Solenn Rivoal (Direction générale) depuis" in asker
    assert "L’étape attend ces avis : vous pourrez viser ensuite." in asker
    assert post(house, T, folder_id, "viser").status_code == 409
    assert "Avis à donner" in words(house.client(S).get("/a-traiter"))
    asked = page(house, S, folder_id)
    assert "Votre avis est demandé" in asked
    assert "À vous de donner votre avis" in asked
    assert WHY in asked
    assert "À vous de viser" not in asked
    with reading() as db:
        numbers = list(db.scalars(sa.select(AskedOpinion.run_id).where(AskedOpinion.folder_id == folder_id)))
    first, second = sorted(numbers)
    refused = post(house, S, folder_id, f"avis/{first}/rendre", opinion="unfavourable", comment=" ")
    assert refused.status_code == 422
    again = refused.get_data(as_text=True)
    assert re.search(r'value="unfavourable"\s+required\s+checked', again), "the choice is kept"
    field = again[again.index(f'id="opinion-words-{first}"') :]
    assert 'aria-invalid="true"' in field[: field.index(">")]
    assert "autofocus" in field[: field.index(">")]
    assert "un avis défavorable se motive" in again
    long = post(house, S, folder_id, f"avis/{first}/rendre", opinion="unfavourable", comment="a" * 2001)
    assert long.status_code == 422
    assert "a" * 2001 in long.get_data(as_text=True)
    given = post(house, S, folder_id, f"avis/{first}/rendre", opinion="unfavourable", comment=ANSWER)
    assert given.status_code == 302
    assert post(house, R, folder_id, f"avis/{second}/rendre", opinion="none").status_code == 302
    assert folder_id not in todo(house, S)
    decider = page(house, N, folder_id)
    assert decider.index("Avis défavorable de Solenn Rivoal") < decider.index("À vous de viser")
    assert "Sans avis de Ronan Pellenec" in decider
    told = rf"« {ANSWER} » Direction générale, [^«]+\. Demandé par Nolwenn Abgrallec : « {re.escape(WHY)} »"
    assert re.search(told, decider), "with its desk, its hour and its question"
    assert post(house, N, folder_id, "viser").status_code == 302
    line = "Avis demandé à la Direction générale par Nolwenn Abgrallec, "
    for told in (page(house, A, folder_id), words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))):
        assert line in told
        assert f"« {WHY} » Avis défavorable de Solenn Rivoal" in told
    printed = text_of(house.client(G).get(f"/dossiers/{folder_id}/bordereau.pdf").data)
    assert "Avis attendus" not in printed
    assert printed.count(ANSWER) == 2, "as what is to be looked at, and as what was done"
    slip = words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
    assert ".." not in slip
    assert slip.split("Circuit")[0].count(ANSWER) == 2, "the same"
    with house.app.test_request_context(), reading() as db:
        told = [one for one in slip_of(db, db.get_one(Folder, folder_id)).decisions if "vis " in one.what[:5]]
    capacity = house.actor(S).capacity
    # Each beside its step, by the desk that asked, then by the one that answers and in what capacity
    assert [(one.step, one.place) for one in told[:2]] == [
        ("Contrôle des finances", "Direction des finances"),
        ("Contrôle des finances", ", ".join(filter(None, ("Direction générale", capacity)))),
    ]
    journal = page(house, G, folder_id, "journal")
    assert (
        f"Avis demandé par Nolwenn Abgrallec à la Direction générale, aux Services techniques : « {WHY} »"
        in journal
    )
    assert f"Avis rendu par Solenn Rivoal, avis défavorable : « {ANSWER} » (Direction générale)" in journal


def test_no_door_ends_a_step_that_waits_and_each_says_who_is_awaited(house: House) -> None:
    invoice, deliberation = house.an_invoice("finance"), house.a_deliberation("signatures")
    free, act = house.an_invoice("finance"), house.a_deliberation("publication")
    ask(house, K, act, "direction")
    software = Software(house, "finances", [Right.ACT])
    number = ask(house, N, invoice, "direction")
    ask(house, A, deliberation, "finances")
    doors: list[Callable[[], object]] = [
        lambda: decide.approve(house.actor(N), invoice, version=house.folder(invoice).version),
        lambda: house.prepare(deliberation, A),
        lambda: house.prepare(deliberation, B),
        lambda: paper(house, A, deliberation),
        lambda: decide.post_in_urgency(
            house.actor(K),
            act,
            version=house.folder(act).version,
            posted_on=today(),
            reason="Risque d’éboulement.",
        ),
    ]
    for door in doors:
        with pytest.raises(Refusal, match="opinion-awaited"):
            door()
    assert "urgence" not in page(house, K, act)
    answer = software.post(f"/folders/{invoice}/approve", version=house.folder(invoice).version)
    assert (answer.status_code, answer.json["key"]) == (409, "opinion-awaited")
    assert "Direction générale" in answer.json["detail"]
    shown = software.get(f"/folders/{invoice}").json
    assert "approve" not in shown["actions"]
    assert {"reject", "ask_opinion", "withdraw_opinion"} <= set(shown["actions"])
    assert "answer_opinion" not in shown["actions"]
    asked = Software(house, "direction", [Right.ACT])
    assert asked.get(f"/folders/{invoice}").json["actions"] == ["answer_opinion"]
    hand = Hand(house, N)
    batch = hand.propose("approve", [invoice, free])
    became(
        batch,
        {
            invoice: ("left_out", "Ce dossier attend l’avis demandé à la Direction générale."),
            free: ("waiting", ""),
        },
    )
    hand.propose("reject", [invoice])
    give(house, S, invoice, number, "favourable")
    house.approve(invoice, N)
    assert house.folder(invoice).place != "finance"


def paper(house: House, login: str, folder_id: int) -> object:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return sheet.standing(db, actor, db.get_one(Folder, folder_id))


def test_an_opinion_that_is_not_awaited_holds_nothing_and_is_closed_where_the_folder_leaves(
    house: House,
) -> None:
    passed, rejected, recalled = (house.an_invoice("finance") for _ in range(3))
    numbers = {
        one: ask(house, N, one, "direction", waits=one != passed) for one in (passed, rejected, recalled)
    }
    house.approve(passed, N)
    decide.reject(house.actor(N), rejected, version=house.folder(rejected).version, reason="Pièce manquante")
    decide.recall(house.actor(G), recalled, version=house.folder(recalled).version)
    assert {one: state_of(number) for one, number in numbers.items()} == {
        passed: "passed",
        rejected: "cancelled",
        recalled: "cancelled",
    }
    assert not set(numbers) & set(todo(house, S)) or house.folder(passed).place == "direction"
    with pytest.raises(Refusal, match="not-found"):  # it came back unanswered: the desk reads it no longer
        give(house, S, rejected, numbers[rejected], "favourable")
    assert "Close sans réponse" in page(house, N, passed)
    assert "Avis demandé sans réponse, demande close : Direction générale" in page(
        house, G, rejected, "journal"
    )
    # Sent again, it waits for nobody
    sending.send(house.actor(G), rejected, version=house.folder(rejected).version)
    house.another(rejected)
    house.approve(rejected, R)
    house.approve(rejected, N)


def test_who_asked_takes_it_back_others_give_a_reason_and_the_administrator_too(house: House) -> None:
    folder_id, act = house.an_invoice("finance"), house.a_deliberation("direction")
    number = ask(house, N, folder_id, "direction")
    with pytest.raises(Refusal, match="opinion-not-yours"):
        take_back(house, S, folder_id, number, "Trop long.")
    with pytest.raises(Refusal, match="not-found"):  # an administrator reads no folder for that
        take_back(house, K, folder_id, number, "Sans réponse.")
    with pytest.raises(Refusal, match="opinion-reason"):
        take_back(house, T, folder_id, number, " ")
    take_back(house, T, folder_id, number, "Réponse donnée de vive voix.")
    assert state_of(number) == "cancelled"
    with reading() as db:
        assert not may_read(db, house.actor(S), db.get_one(Folder, folder_id))
    with pytest.raises(Refusal, match="opinion-answered"):
        take_back(house, N, folder_id, number)
    told = page(house, N, folder_id)
    assert "Demande retirée par Tifenn Lescoat" in told
    assert "« Réponse donnée de vive voix. »" in told
    take_back(house, N, folder_id, ask(house, N, folder_id, "direction"))
    house.approve(folder_id, N)
    number = ask(house, S, act, "finances")
    with pytest.raises(Refusal, match="opinion-reason"):
        take_back(house, K, act, number)
    take_back(house, K, act, number, "Le bureau ne répond plus.")
    assert folder_not_held(house, act)


def folder_not_held(house: House, folder_id: int) -> bool:
    house.approve(folder_id, S)
    return house.folder(folder_id).place == "signatures"


@pytest.mark.parametrize(
    ("login", "typed", "key"),
    [
        (N, {"desks": []}, "opinion-desks"),
        (N, {"desks": ["direction"] * 2 + ["a", "b", "c", "d", "e"]}, "opinion-desks"),
        (N, {"desks": ["ailleurs"]}, "bad-request"),
        (N, {"desks": ["finances"]}, "opinion-taking-part"),
        (N, {"desks": ["direction", "conseil"]}, "opinion-nobody"),
        (N, {"question": " "}, "opinion-question"),
        (N, {"question": "a" * 2001}, "words-long"),
        (N, {"wanted_on": today() - timedelta(days=1)}, "opinion-date"),
        (N, {"wanted_on": today() + timedelta(days=400)}, "opinion-date"),
        (N, {"version": 1}, "moved-on"),
        (R, {}, "acted-already"),
        (G, {}, "not-your-turn"),
        (S, {}, "not-found"),
    ],
)
def test_what_is_not_to_be_asked_is_refused_and_changes_nothing(
    house: House, login: str, typed: dict[str, Any], key: str
) -> None:
    folder_id = house.an_invoice("finance")
    before = house.folder(folder_id).version, house.journal(folder_id)
    whole = {"version": before[0], "desks": ["direction"], "question": WHY, "waits": True, **typed}
    with pytest.raises(Refusal, match=key):
        asking.ask(house.actor(login), folder_id, **whole)
    assert (house.folder(folder_id).version, house.journal(folder_id)) == before
    assert folder_id not in todo(house, S)


def test_the_dialog_keeps_what_was_typed_and_says_what_lacks(house: House) -> None:
    folder_id = house.an_invoice("finance")
    for lacking, sentence in (
        ({"waits": ""}, "choisissez si l’étape attend l’avis"),
        ({"desks": []}, "choisissez à qui"),
        ({"wanted_on": "demain"}, "Corrigez la date"),
    ):
        typed = {"desks": ["direction"], "question": WHY, "waits": "no", "wanted_on": "", **lacking}
        answer = post(house, N, folder_id, "avis", **typed)
        assert answer.status_code == 422
        assert sentence in words(answer)
        assert WHY in words(answer)
    assert post(house, G, folder_id, "avis", question=WHY).status_code == 403
    assert house.client(G).get(f"/dossiers/{folder_id}/avis").status_code == 403


def test_who_answers_decides_nothing_answers_once_and_reads_on(house: House) -> None:
    folder_id = house.an_invoice("finance")
    number = ask(house, N, folder_id, "direction", "technique")
    with pytest.raises(Refusal, match="not-your-turn"):
        decide.approve(house.actor(S), folder_id, version=house.folder(folder_id).version)
    with pytest.raises(Refusal, match="opinion-asked-already"):
        ask(house, T, folder_id, "direction")
    with pytest.raises(Refusal, match="opinion-elsewhere"):  # it was asked of the technical services
        give(house, S, folder_id, number, "favourable")
    with pytest.raises(Refusal, match="opinion-unknown"):
        give(house, R, folder_id, number + 1000, "favourable")
    with pytest.raises(Refusal, match="moved-on"):
        asking.answer(house.actor(R), folder_id, number, version=1, answer="favourable")
    assert give(house, R, folder_id, number, "favourable", ANSWER) == "Avis favorable"
    with pytest.raises(Refusal, match="opinion-answered"):
        give(house, R, folder_id, number, "unfavourable", "non")
    give(house, S, folder_id, number - 1, "favourable")
    with reading() as db:
        told = moved.told(db, db.get_one(Folder, folder_id))
    assert told.startswith("Solenn Rivoal a donné un avis sur")
    with pytest.raises(Refusal, match="not-your-turn"):  # he has decided nothing
        decide.approve(house.actor(S), folder_id, version=house.folder(folder_id).version)
    # Who gave an opinion at a step and then is awaited at it decides as anybody does
    house.approve(folder_id, N)
    if house.folder(folder_id).place == "direction":
        house.approve(folder_id, S)
    assert house.folder(folder_id).place == "bon_a_payer"
    with reading(house.actor(A).collectivity_id) as db:
        lines = queues.todo(db, house.actor(A))
        assert queues.told(db, lines)[1][folder_id].kind == "visa"
        assert may_read(db, house.actor(S), db.get_one(Folder, folder_id))


def test_of_a_restricted_family_no_desk_outside_its_circuit_is_asked(house: House) -> None:
    folder_id = house.a_pay_flow()
    with pytest.raises(Refusal, match="opinion-outside"):
        ask(house, A, folder_id, "direction")
    assert "Direction générale" not in words(house.client(A).get(f"/dossiers/{folder_id}/avis"))
    with reading() as db:
        assert not may_read(db, house.actor(S), db.get_one(Folder, folder_id))


def test_a_cover_answers_for_the_desk_and_never_about_his_own_deposit(house: House) -> None:
    folder_id, own = house.an_invoice("finance"), house.an_invoice("finance")
    absence = away(house, S, G, by=K)
    number = ask(house, N, own, "direction")
    assert own not in todo(house, G)
    assert "Votre avis est demandé" not in page(house, G, own)
    with pytest.raises(Refusal, match="cover-own-deposit"):
        give(house, G, own, number, "favourable")
    over(absence)
    number = ask(house, N, folder_id, "direction")
    away(house, S, B, by=K)
    assert "En l’absence de Solenn Rivoal" in words(house.client(B).get("/a-traiter"))
    assert "Votre avis est demandé, en l’absence de Solenn Rivoal" in page(house, B, folder_id)
    give(house, B, folder_id, number, "favourable")
    assert "Bleuenn Cadiou, en l’absence de Solenn Rivoal" in page(house, N, folder_id)
    with reading() as db:
        assert db.get_one(StepRun, number).absent == "Solenn Rivoal"
    house.approve(folder_id, N)


def test_whoever_stands_in_for_all_of_a_desk_does_not_ask_it(house: House) -> None:
    """He answers nothing that he asked: the step would wait for whoever is away."""
    folder_id = house.an_invoice("finance")
    absence = away(house, S, N, by=K)
    assert "Direction générale" not in words(house.client(N).get(f"/dossiers/{folder_id}/avis"))
    with pytest.raises(Refusal, match="opinion-nobody"):
        ask(house, N, folder_id, "direction")
    assert "opinion.asked" not in str(house.journal(folder_id))
    over(absence)
    away(house, S, B, by=K)
    assert ask(house, N, folder_id, "direction")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The letter of an answer is waited for by the others for hundredths of a second, and not for two minutes."""
    monkeypatch.setattr(digests, "AFTER", timedelta(seconds=0.05))


@pytest.mark.usefixtures("soon")
def test_the_answer_to_what_a_cover_asked_is_told_to_who_is_back(house: House) -> None:
    absence = away(house, N, B, by=K)
    folder_id = house.an_invoice("finance")
    number = ask(house, B, folder_id, "direction")
    over(absence)
    house.drain()
    house.mail.clear()
    give(house, S, folder_id, number, "favourable")
    house.drain()
    assert len(house.mail.to("n.abgrallec@kerlann-sur-mer.example")) == 1
    assert house.mail.to("b.cadiou@kerlann-sur-mer.example") == []


@pytest.mark.usefixtures("soon")
def test_letters_go_to_who_is_asked_then_to_who_asked_and_none_for_what_is_closed(house: House) -> None:
    folder_id, closed = house.an_invoice("finance"), house.an_invoice("finance")
    number = ask(house, N, folder_id, "direction", wanted_on=today() + timedelta(days=2))
    blocking = ask(house, N, closed, "direction")
    take_back(house, N, closed, blocking)
    house.drain()
    (letter,) = [one for one in house.mail.letters if "avis" in str(one["Subject"])]
    assert "s.rivoal@" in str(letter["To"])
    assert WHY not in letter.as_string()
    give(house, S, folder_id, number, "favourable")
    house.drain()
    (letter,) = [
        one for one in house.mail.letters if "avis rendu" in str(one["Subject"]).replace("\xa0", " ")
    ]
    assert "n.abgrallec@" in str(letter["To"])
    decide.reject(
        house.actor(N), folder_id, version=house.folder(folder_id).version, reason="Pièce manquante"
    )
    house.drain()
    told = {str(one["To"]) for one in house.mail.letters if "rejeté" in str(one["Subject"])}
    assert told
    assert not any("s.rivoal@" in one for one in told), (
        "who gave an opinion has deposited and decided nothing"
    )


@pytest.mark.parametrize("wish", [None, timedelta(days=1), timedelta(days=40)])
def test_what_the_step_waits_for_is_due_with_the_step_whatever_day_is_wished(
    house: House, wish: timedelta | None
) -> None:
    """A wish by itself makes nothing late, and gives nobody more days than the step has."""
    wished = today() + wish if wish else None
    waited, beside = house.an_invoice("finance"), house.an_invoice("finance")
    blocking = ask(house, N, waited, "direction", wanted_on=wished)
    other = ask(house, N, beside, "direction", waits=False, wanted_on=wished)
    with reading() as db:
        awaited = sa.select(StepRun.due_on).where(
            StepRun.folder_id == waited, StepRun.slot == "desk:finances", StepRun.state == "active"
        )
        last = db.scalar(awaited)
        assert last is not None
        assert db.get_one(StepRun, blocking).due_on == last < house.folder(waited).due_on
        assert db.get_one(StepRun, other).due_on == house.folder(beside).due_on
    shown = page(house, S, waited)
    assert f"Avis à donner avant {jour(last)}" in shown
    if wished is not None:
        assert f"L’étape attend la réponse, souhaitée pour le {jour(wished)}." in shown


def test_an_opinion_follows_the_days_of_what_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts that are ruled on move the step's last day: what is asked beside it is due with it still."""
    waited, beside = house.an_invoice("finance"), house.an_invoice("finance")
    numbers = [ask(house, N, waited, "direction"), ask(house, N, beside, "direction", waits=False)]
    last = today() - timedelta(days=1)
    monkeypatch.setattr(move, "due_of", lambda *_: last)
    for folder_id in (waited, beside):
        with writing() as db:
            move.count_days_again(db, db.get_one(Folder, folder_id))
            db.commit()
    with reading() as db:
        awaited = sa.select(StepRun.due_on).where(
            StepRun.folder_id == waited, StepRun.slot == "desk:finances", StepRun.state == "active"
        )
        assert [db.get_one(StepRun, number).due_on for number in numbers] == [last, last]
        assert db.scalar(awaited) == last


def test_software_asks_for_a_day_and_for_nothing_else_that_looks_like_it(house: House) -> None:
    folder_id = house.an_invoice("finance")
    finances = Software(house, "finances", [Right.ACT])
    asked = {"desks": ["direction"], "question": WHY, "waits": False}

    def post(day: Any) -> Any:
        version = house.folder(folder_id).version
        return finances.post(f"/folders/{folder_id}/opinions", version=version, **asked, wanted_on=day)

    for wrong in ("5/12/2026", "2026-02-30", "20261205", 1796428800, "2026-12-05T00:00:00"):
        answer = post(wrong)
        assert answer.status_code == 422, wrong
        assert any(word in answer.get_data(as_text=True) for word in ("jour", "type attendu")), wrong
    wanted = (today() + timedelta(days=3)).isoformat()
    answer = post(wanted)
    assert answer.status_code == 200, answer.json
    assert [one["wanted_on"] for one in answer.json["opinions"]] == [wanted]


def test_software_asks_answers_and_takes_back_for_its_desk(house: House) -> None:
    folder_id = house.an_invoice("finance")
    finances, direction = Software(house, "finances", [Right.ACT]), Software(house, "direction", [Right.ACT])
    asked = finances.post(
        f"/folders/{folder_id}/opinions",
        version=house.folder(folder_id).version,
        desks=["direction"],
        question=WHY,
        waits=True,
    ).json
    (opinion,) = asked["opinions"]
    assert (opinion["desk"], opinion["state"], opinion["waits"]) == ("direction", "open", True)
    path = f"/folders/{folder_id}/opinions/{opinion['id']}"
    refused = finances.post(f"{path}/answer", version=asked["version"], opinion="favourable")
    assert (refused.status_code, refused.json["key"]) == (403, "opinion-elsewhere")
    back = finances.post(f"{path}/withdraw", version=asked["version"])
    assert back.json["opinions"][0]["state"] == "withdrawn"
    number = ask(house, N, folder_id, "direction")
    shown = direction.post(
        f"/folders/{folder_id}/opinions/{number}/answer",
        version=house.folder(folder_id).version,
        opinion="unfavourable",
        comment=ANSWER,
    ).json
    assert [one["opinion"] for one in shown["opinions"]] == [None, "unfavourable"]
    assert "opinion" in [one["key"] for one in shown["warnings"]]
    assert direction.get("/folders?tray=todo").json["folders"] == []


def test_a_desk_that_is_asked_is_told_apart_from_who_is_awaited(house: House) -> None:
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction", waits=False)
    follow = words(house.client(G).get("/suivi"))
    assert "Nolwenn Abgrallec" in follow
    assert "Solenn Rivoal" not in follow


def test_a_signature_under_way_meets_what_was_asked_and_says_so_truly(house: House) -> None:
    folder_id = house.a_deliberation("signatures")
    ready = [house.prepare(folder_id, login) for login in (A, B)]
    number = ask(house, B, folder_id, "direction")
    for login, (prepared, key), refusal in zip(
        (A, B), ready, ("opinion-awaited", "opinion-since"), strict=True
    ):
        with pytest.raises(Refusal, match=refusal):
            sign.complete(
                house.actor(login), prepared.session, [key.sign(one.attributes) for one in prepared.prepared]
            )
        if refusal == "opinion-awaited":
            give(house, S, folder_id, number, "favourable")
    journal = page(house, K, folder_id, "journal")
    assert "un avis a été demandé, rendu ou retiré depuis" in journal
    assert "le document a changé" not in journal
    house.sign(folder_id, A)
    house.sign(folder_id, B)
    assert house.folder(folder_id).place != "signatures"


def test_an_opinion_asked_of_a_desk_of_the_signer_changes_no_word_of_his_signature(house: House) -> None:
    a_mayor_and_a_deputy(house)
    folder_id = house.a_deliberation("signatures")
    desks.seat(house.actor(K).collectivity_id, "finances", B, [Right.ACT])
    ask(house, A, folder_id, "finances", waits=False)
    with reading() as db:
        secretary = house.actor(B)
        wordings = wordings_of(db, secretary, [db.get_one(Folder, folder_id)])
    assert wordings == {folder_id: Wording(secretary.capacity)}


def test_nobody_answers_what_he_asked_from_another_desk_of_his(house: House) -> None:
    folder_id = house.an_invoice("finance")
    desks.seat(house.actor(K).collectivity_id, "direction", N, [Right.ACT])
    number = ask(house, N, folder_id, "direction")
    assert "Votre avis est demandé" not in page(house, N, folder_id)
    with pytest.raises(Refusal, match="opinion-own-question"):
        give(house, N, folder_id, number, "favourable")
    assert "Votre avis est demandé" in page(house, S, folder_id)


def test_who_leaves_or_goes_away_is_told_which_steps_wait_for_his_opinion(house: House) -> None:
    folder_id, other = house.an_invoice("finance"), house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    ask(house, N, other, "direction", waits=False)
    with reading(house.actor(S).collectivity_id) as db:
        left = leaving.effects_of(db, db.get_one(User, house.actor(S).user_id))
    assert left.opinions == (folder_id,)
    blocks = [one for one in looked(house, S, None).blocks if [*dict(one.folders)] == [folder_id]]
    assert [(one.title, "cela attendra Solenn Rivoal" in one.sentence) for one in blocks] == [
        ("1 avis", True)
    ]
    client = house.client(K)
    closing = words(client.get(f"/administration/personnes/{house.actor(S).user_id}/fermer"))
    assert "1 dossier attend l’avis de cette personne seule" in closing
