"""A step handed to another desk with a reason: it decides there, the one that had it no more, and every trail says so."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import library
from app.circuits.library import family
from app.core.clock import now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders import asking, decide, handing, sending
from app.folders.models import CircuitChange, StepRun
from app.people import desks
from app.people.models import Absence, Person, User
from tests.api.software import Software
from tests.batches.town import Hand, became
from tests.builders import circuits
from tests.builders.house import INVOICE, House
from tests.circuits.test_editor import here, words
from tests.folders.test_asking import A, B, G, K, N, R, S, T, ask, page, post, take_back, todo
from tests.operations.test_absences import away
from tests.operations.test_folder_types import RECEIVED, made
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
WHY = "Le marché est suivi par la direction."


def hand(house: House, login: str, folder_id: int, desk: str, reason: str = WHY) -> str:
    version = house.folder(folder_id).version
    return handing.hand(house.actor(login), folder_id, version=version, desk=desk, reason=reason)


def parts(folder_id: int, step: str = "finance") -> list[tuple[str, str]]:
    with reading() as db:
        query = sa.select(StepRun).where(StepRun.folder_id == folder_id, StepRun.step == step)
        return [(run.slot, run.state) for run in db.scalars(query.order_by(StepRun.id))]


def test_from_the_dialog_to_the_visa_of_the_other_desk_and_on_every_trail(house: House) -> None:
    folder_id = house.an_invoice("finance")
    dialog = words(house.client(N).get(f"/dossiers/{folder_id}/confier"))
    assert "Services techniques Ronan Pellenec" in dialog
    for desk in ("Direction des finances Nolwenn", "Comptabilité Gwenola", "Service de la paye"):
        assert desk not in dialog, "who has it, who deposited it and who may not put a visa are not offered"
    lacking = post(house, N, folder_id, "confier", desk="direction", reason=" ")
    assert lacking.status_code == 422
    assert "écrivez le motif" in words(lacking)
    turned = (
        f"\u202e{WHY[:9]}\u00ad{WHY[9:]}\u2069"  # what turns the words, or shows nothing, is not kept of them
    )
    assert post(house, N, folder_id, "confier", desk="direction", reason=turned).status_code == 302
    assert folder_id in todo(house, S)
    assert "confié par Nolwenn Abgrallec, " in words(house.client(S).get("/a-traiter"))
    assert folder_id not in todo(house, N)
    assert "On attend Solenn Rivoal" in page(house, N, folder_id)
    line = "Confié par Nolwenn Abgrallec, de la Direction des finances à la Direction générale"
    for told in (page(house, G, folder_id), words(house.client(S).get(f"/dossiers/{folder_id}/bordereau"))):
        assert line in told
        assert f"« {WHY} »" in told
    journal = page(house, G, folder_id, "journal")
    assert (
        f"Confié par Nolwenn Abgrallec de la Direction des finances à la Direction générale : « {WHY} »"
        in journal
    )
    with pytest.raises(Refusal, match="not-your-turn"):
        decide.approve(house.actor(T), folder_id, version=house.folder(folder_id).version)
    assert parts(folder_id) == [("handed:desk:finances", "passed"), ("desk:direction", "active")]
    house.drain()
    told = sorted(str(one["To"]).split("<")[-1].split("@")[0] for one in house.mail.letters[-2:])
    assert told == ["g.trehorel", "s.rivoal"], "each has one letter"
    assert all(WHY not in one.as_string() for one in house.mail.letters[-2:])
    slip = words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
    assert slip.count(WHY) == 2, "in the decisions and beside its step, once each"
    house.approve(folder_id, S)
    assert house.folder(folder_id).place == "bon_a_payer"
    assert "Visé par Solenn Rivoal" in page(house, A, folder_id)
    assert "Confié par Nolwenn Abgrallec" in page(house, N, folder_id), "who handed it reads it on"


def test_it_is_handed_again_and_never_back_and_a_folder_sent_again_follows_its_circuit(house: House) -> None:
    folder_id = house.an_invoice("finance")
    hand(house, N, folder_id, "direction")
    with pytest.raises(Refusal, match="handing-back"):
        hand(house, S, folder_id, "finances")
    hand(house, S, folder_id, "technique")
    with pytest.raises(Refusal, match="handing-back"):
        hand(house, R, folder_id, "direction")
    decide.reject(house.actor(R), folder_id, version=house.folder(folder_id).version, reason="À compléter")
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, R)
    assert folder_id in todo(house, N)
    hand(house, N, folder_id, "direction")
    house.approve(folder_id, S)


@pytest.mark.parametrize(
    ("login", "typed", "key"),
    [
        (N, {"desk": "ailleurs"}, "handing-desk"),
        (N, {"desk": "finances"}, "handing-taking-part"),
        (N, {"desk": "comptabilite"}, "handing-own-deposit"),
        (N, {"desk": "paye"}, "handing-nobody"),
        (N, {"reason": " "}, "handing-reason"),
        (N, {"reason": " \u202e\u200b\u2028"}, "handing-reason"),
        (N, {"reason": "a" * 2001}, "words-long"),
        (N, {"version": 1}, "moved-on"),
        (G, {}, "not-your-turn"),
        (S, {}, "not-found"),
    ],
)
def test_what_is_not_to_be_handed_is_refused_and_changes_nothing(
    house: House, login: str, typed: dict[str, Any], key: str
) -> None:
    folder_id = house.an_invoice("finance")
    before = house.folder(folder_id).version, house.journal(folder_id), parts(folder_id)
    whole = {"version": before[0], "desk": "direction", "reason": WHY, **typed}
    with pytest.raises(Refusal, match=key):
        handing.hand(house.actor(login), folder_id, **whole)
    assert (house.folder(folder_id).version, house.journal(folder_id), parts(folder_id)) == before


def test_neither_a_signature_nor_a_publication_is_handed(house: House) -> None:
    signed, published = house.an_invoice("bon_a_payer"), house.a_deliberation("publication")
    tries: list[Callable[[], object]] = [
        lambda: hand(house, A, signed, "direction"),
        lambda: hand(house, K, published, "direction"),
    ]
    for attempt in tries:
        with pytest.raises(Refusal, match="handing-fixed"):
            attempt()
    assert "Confier…" not in page(house, A, signed)


def test_what_was_asked_from_a_part_goes_with_it(house: House) -> None:
    folder_id = house.an_invoice("finance")
    number = ask(house, N, folder_id, "technique")
    with pytest.raises(Refusal, match="handing-asked"):
        hand(house, N, folder_id, "technique")
    hand(house, N, folder_id, "direction")
    with pytest.raises(Refusal, match="opinion-awaited"):
        house.approve(folder_id, S)
    take_back(house, S, folder_id, number, "Nous savons.")
    house.approve(folder_id, S)


def test_who_is_away_and_covered_is_offered_once_beside_the_cover(house: House) -> None:
    folder_id = house.an_invoice("finance")
    away(house, R, S)
    for dialog in ("confier", "avis"):
        offered = words(house.client(N).get(f"/dossiers/{folder_id}/{dialog}"))
        assert "Solenn Rivoal (en l’absence de Ronan Pellenec)" in offered
        assert "Ronan Pellenec (absence" not in offered


def again(house: House, login: str, folder_id: int, path: str, version: int, **typed: Any) -> str:
    """What a form says that is posted with the version it was shown: its answer was lost, and it is sent again."""
    client = house.client(login)
    form = {"csrf_token": house.csrf(client), "version": str(version), **typed}
    answer = client.post(f"/dossiers/{folder_id}/{path}", data=form)
    assert answer.status_code == 409
    return words(answer)


def test_a_form_that_is_posted_again_says_what_it_did_and_does_it_once(house: House) -> None:
    folder_id = house.an_invoice("finance")
    version = house.folder(folder_id).version
    question = {"desks": "technique", "question": WHY, "waits": "no"}
    number = ask(house, N, folder_id, "technique", waits=False)
    asked = again(house, N, folder_id, "avis", version, **question)
    assert "Vous avez déjà agi sur ce dossier" in asked
    assert re.search(
        r"Ce que vous avez demandé à \d+ h \d\d est enregistré. Cette fois-ci, rien de plus", asked
    )
    assert "Rien n’a été demandé" not in asked
    assert "Rien n’a été demandé." in again(house, T, folder_id, "avis", version, **question), "another did"

    version = house.folder(folder_id).version
    opinion = {"opinion": "favourable", "comment": ""}
    asking.answer(house.actor(R), folder_id, number, version=version, answer="favourable", comment="")
    told = again(house, R, folder_id, f"avis/{number}/rendre", version, **opinion)
    assert "Vous avez déjà agi sur ce dossier" in told

    handed_at = house.folder(folder_id).version
    hand(house, N, folder_id, "direction")
    told = again(house, R, folder_id, f"avis/{number}/rendre", version, **opinion)
    assert re.search(r"Ce que vous avez répondu à \d+ h \d\d est enregistré ; cette fois-ci", told)
    assert "n’a pas été enregistré" not in told
    form = {"desk": "direction", "reason": WHY}
    assert "Vous avez confié" in again(house, N, folder_id, "confier", handed_at, **form)
    house.approve(folder_id, S)
    told = again(house, N, folder_id, "confier", handed_at, **form)
    assert "Solenn Rivoal a visé" in told
    assert re.search(r"Ce que vous avez confié à \d+ h \d\d est enregistré ; cette fois-ci", told)
    assert "Rien n’a été confié" not in told
    with reading() as db:
        every = (
            sa.select(sa.func.count()).select_from(CircuitChange).where(CircuitChange.folder_id == folder_id)
        )
        assert db.scalar(every) == 1


def test_an_account_that_nobody_has_opened_is_told_wherever_somebody_is_chosen(house: House) -> None:
    """What is given to him alone waits until he first logs in: the one who gives it reads so before the button."""
    folder_id = house.an_invoice("finance")
    desks.seat(here(house), "technique", K, [Right.FOLLOW])
    with engine().begin() as connection:
        entered = sa.select(User.person_id).where(User.login.in_([R, S]))
        connection.execute(sa.update(Person).where(Person.id.in_(entered)).values(password_hash=None))
    for login, where in ((N, "confier"), (N, "avis"), (K, "remplacer")):
        offered = words(house.client(login).get(f"/dossiers/{folder_id}/{where}"))
        assert "Ronan Pellenec (compte jamais ouvert)" in offered, where
        assert "Nolwenn Abgrallec (compte" not in offered, where
    absences = words(house.client(N).get("/absences"))
    assert re.search(r"Ronan Pellenec[^()]*\(compte jamais ouvert\)", absences)
    away(house, R, S)
    offered = words(house.client(N).get(f"/dossiers/{folder_id}/confier"))
    assert "Solenn Rivoal (en l’absence de Ronan Pellenec, compte jamais ouvert)" in offered


def test_who_is_stood_in_for_by_somebody_of_the_same_desk_is_not_told_as_without_a_cover(
    house: House,
) -> None:
    """The cover is in the list already, by his own seat: he is named once, and the absent one has him."""
    folder_id = house.an_invoice()
    desks.seat(here(house), "technique", K, [Right.FOLLOW])
    away(house, N, T)
    for login, where in ((R, "confier"), (R, "avis"), (K, "remplacer")):
        offered = words(house.client(login).get(f"/dossiers/{folder_id}/{where}"))
        beside = re.search(r"Nolwenn Abgrallec \(absence jusqu’au ([^()]+)\), Tifenn Lescoat(?! \()", offered)
        assert beside, where
        assert "sans intérim" not in beside[1], where
        assert offered.count("Tifenn Lescoat") == 1, where


def test_nobody_is_handed_his_own_deposit_at_another_desk_where_he_sits(house: House) -> None:
    desks.seat(here(house), "direction", G, [Right.ACT])
    folder_id = house.an_invoice("finance")
    with pytest.raises(Refusal, match="handing-own-deposit"):
        hand(house, N, folder_id, "direction")
    assert "Direction générale" not in words(house.client(N).get(f"/dossiers/{folder_id}/confier"))
    away(house, R, None)
    software = Software(house, "finances", [Right.ACT])
    assert "hand" in software.get(f"/folders/{folder_id}").json["actions"]
    client, dialog = house.client(N), f"/dossiers/{folder_id}/confier"
    offered = client.get(dialog).get_data(as_text=True)
    alone = r"Ronan Pellenec \(absence jusqu’au .{10,30}, sans intérim\)"
    for told in (offered, client.get(f"/dossiers/{folder_id}/avis").get_data(as_text=True)):
        assert re.search(alone, told)
    assert "Confier le dossier" in offered
    for key in re.findall(r'name="desk"\s+value="([^"]+)"', offered):
        desks.seat(here(house), key, G, [Right.ACT])
    # There is nobody left: nothing is to be written, nor sent, and no software is told that it may
    none = client.get(dialog).get_data(as_text=True)
    assert "Aucun autre bureau ne peut décider à cette étape." in none
    assert "Confier le dossier" not in none
    assert "hand-reason" not in none
    assert "hand" not in software.get(f"/folders/{folder_id}").json["actions"]
    for key in ("technique", "direction"):
        with pytest.raises(Refusal, match="handing-own-deposit"):
            hand(house, N, folder_id, key)


def test_one_of_two_parts_is_handed_and_two_people_still_decide(house: House) -> None:
    parts_of_two(house)
    folder_id = house.an_invoice("finance")
    with pytest.raises(Refusal, match="handing-taking-part"):
        hand(house, N, folder_id, "technique")
    house.approve(folder_id, R)
    with pytest.raises(Refusal, match="handing-taking-part"):  # it has decided: nobody acts twice
        hand(house, N, folder_id, "technique")
    hand(house, N, folder_id, "direction")
    with pytest.raises(Refusal, match="not-your-turn|acted-already"):
        decide.approve(house.actor(T), folder_id, version=house.folder(folder_id).version)
    with pytest.raises(Refusal, match="moved-on|acted-already"):
        decide.approve(house.actor(R), folder_id, version=house.folder(folder_id).version)
    assert house.folder(folder_id).place == "finance"
    house.approve(folder_id, S)
    assert house.folder(folder_id).place != "finance"


def parts_of_two(house: House) -> None:
    """The control of finances is given by that desk and by the technical services, both."""
    data = family("invoice").circuit.to_data()
    step = next(one for one in data["steps"] if one["key"] == "finance")
    step["who"], step["quorum"] = [{"desk": "finances"}, {"desk": "technique"}], "all"
    circuits.publish(house.actor(K), "invoice", library.as_yaml(data))


def test_who_stands_in_hands_it_while_the_cover_lasts_and_reads_it_on(house: House) -> None:
    folder_id, late = house.an_invoice("finance"), house.an_invoice("finance")
    away(house, N, B)
    hand(house, B, folder_id, "direction")
    assert "Confié par Bleuenn Cadiou, en l’absence de Nolwenn Abgrallec" in page(house, B, folder_id)
    assert parts(folder_id)[0] == ("handed:desk:finances", "passed")
    actor, version = house.actor(B), house.folder(late).version
    with engine().begin() as connection:
        connection.execute(sa.update(Absence.__table__).values(ends_at=now()))  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="cover-over"):
        handing.hand(actor, late, version=version, desk="direction", reason=WHY)


def test_whoever_stands_in_and_decides_once_it_was_handed_reads_why_nothing_was_done(house: House) -> None:
    folder_id = house.an_invoice("finance")
    away(house, N, B)
    client = house.client(B)
    form = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version), "reason": WHY}
    assert client.get(f"/dossiers/{folder_id}").status_code == 200
    hand(house, T, folder_id, "direction")
    told = "Ce dossier ne vous est pas ouvert"
    for path in ("viser", "rejeter"):
        answer = client.post(f"/dossiers/{folder_id}/{path}", data=form)
        assert answer.status_code == 404
        assert told in words(answer)
        assert "a changé de bureau depuis, ou votre intérim a pris fin" in words(answer)
        assert WHY in words(answer), "what was typed is given back"
    # Whoever never read it is told no more of it than of a number that was never given
    pages = {words(client.post(f"/dossiers/{number}/viser", data=form)) for number in (folder_id, 99_999)}
    assert len(pages) == 1


def test_of_a_closed_type_no_desk_outside_its_circuit_is_handed_it(house: House) -> None:
    made(house, visibility="restricted")
    desks.seat(here(house), "paye", B, [Right.ACT])
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    with pytest.raises(Refusal, match="handing-outside"):
        hand(house, R, folder_id, "paye")
    hand(house, R, folder_id, "finances")
    house.approve(folder_id, N)


def test_a_batch_leaves_out_what_was_handed_and_offers_it_to_the_other_desk(house: House) -> None:
    folder_id, other = house.an_invoice("finance"), house.an_invoice("finance")
    mine, theirs = Hand(house, N), Hand(house, S)
    hand(house, N, folder_id, "direction")
    became(
        mine.propose("approve", [folder_id, other]),
        {folder_id: ("left_out", "Vous avez confié « "), other: ("waiting", "")},
    )
    became(theirs.propose("approve", [folder_id]), {folder_id: ("waiting", "")})


def test_software_hands_the_step_of_its_desk(house: House) -> None:
    folder_id = house.an_invoice("finance")
    finances = Software(house, "finances", [Right.ACT])
    assert "hand" in finances.get(f"/folders/{folder_id}").json["actions"]
    shown = finances.post(
        f"/folders/{folder_id}/hand", version=house.folder(folder_id).version, desk="direction", reason=WHY
    ).json
    step = next(one for one in shown["steps"] if one["key"] == "finance")
    assert [(one["desk"], one["state"]) for one in step["parts"]] == [
        ("finances", "passed"),
        ("direction", "active"),
    ]
    assert shown["step_changes"][0]["reason"] == WHY
    assert "approve" not in shown["actions"]
