"""Who administers puts a desk in the place of somebody absent, or passes a visa that nobody gives: with a reason, never a signature."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import library
from app.circuits.library import family
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders import decide, handing, relieving, returning, undoing
from app.folders.models import StepRun
from app.people import accounts, desks
from app.people.models import Desk, User
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.circuits.test_editor import here, words
from tests.folders.test_asking import A, G, K, N, R, S, T, ask, page, post, todo
from tests.folders.test_handing import parts, parts_of_two
from tests.operations.test_absences import away, letters
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
WHY = "Absence imprévue, la facture échoit vendredi."
FINANCES = "desk:finances"


def reader(house: House) -> None:
    """Who administers reads the invoices that the technical services had, and decides nothing there."""
    desks.seat(here(house), "technique", K, [Right.FOLLOW])


def replace(house: House, login: str, folder_id: int, desk: str, **typed: Any) -> tuple[str, str]:
    whole = {
        "version": house.folder(folder_id).version,
        "part": FINANCES,
        "desk": desk,
        "reason": WHY,
        **typed,
    }
    return relieving.replace_actor(house.actor(login), folder_id, **whole)


def waive(house: House, login: str, folder_id: int, **typed: Any) -> str:
    whole = {"version": house.folder(folder_id).version, "reason": WHY, **typed}
    return relieving.pass_step(house.actor(login), folder_id, **whole)


def told(event: str) -> list[str]:
    with reading() as db:
        people = {one.id: one.login for one in db.scalars(sa.select(User))}
    return sorted(people[row.payload["user_id"]] for row in letters(event))


def test_an_absent_actor_is_replaced_from_the_page_and_every_trail_says_so(house: House) -> None:
    reader(house)
    folder_id = house.an_invoice("finance")
    away(house, N, None)
    client = house.client(K)
    link = f"/dossiers/{folder_id}/remplacer"
    assert link in client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert link not in house.client(R).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    shown = words(client.get(link))
    assert "Direction des finances Nolwenn Abgrallec (absence jusqu’au" in shown
    assert "Direction générale : Solenn Rivoal" in shown
    assert "Le dossier continue ainsi" in shown
    assert "Bon à payer" in shown
    lacking = post(house, K, folder_id, "remplacer", part=FINANCES, desk="direction", reason=" ")
    assert lacking.status_code == 422
    assert "écrivez le motif" in words(lacking)
    typed = post(house, K, folder_id, "remplacer", part=FINANCES, desk="ailleurs", reason=WHY)
    assert WHY in words(typed), "what was typed stays"
    assert (
        post(house, K, folder_id, "remplacer", part=FINANCES, desk="direction", reason=WHY).status_code == 302
    )
    assert folder_id in todo(house, S)
    assert folder_id not in todo(house, N)
    assert parts(folder_id) == [("handed:desk:finances", "passed"), ("desk:direction", "active")]
    line = "La Direction générale à la place de la Direction des finances, par Katell Morizur"
    for trail in (page(house, G, folder_id), words(house.client(S).get(f"/dossiers/{folder_id}/bordereau"))):
        assert line in trail
        assert f"« {WHY} »" in trail
    journal = page(house, G, folder_id, "journal")
    assert (
        f"Remplacement par Katell Morizur, la Direction générale à la place de la Direction des finances : « {WHY} »"
        in journal
    )
    slip = words(house.client(S).get(f"/dossiers/{folder_id}/bordereau"))
    assert f"« {WHY} » {house.actor(K).capacity}" in slip, "who administers, in her own capacity"
    assert told("handed_over") == [G]
    assert set(told("no_longer_awaited")) == {N, T}, "those whose part it was"
    assert S in told("your_turn")
    house.drain()
    assert all(WHY not in one.as_string() for one in house.mail.letters)
    with pytest.raises(Refusal, match="not-your-turn|acted-already"):
        decide.approve(house.actor(T), folder_id, version=house.folder(folder_id).version)
    with pytest.raises(Refusal, match="take-back"):
        undoing.undo(house.actor(K), folder_id, version=house.folder(folder_id).version)
    with reading() as db:
        rows = db.scalars(sa.select(StepRun).where(StepRun.folder_id == folder_id)).all()
    assert house.actor(K).user_id not in {row.user_id for row in rows}, "who administers reads nothing by it"
    house.approve(folder_id, S)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_an_opinion_that_the_step_waits_for_is_written_before_and_after_a_replacement(house: House) -> None:
    """Another desk at the step waits for it too: the page leads to where the question is taken back."""
    reader(house)
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "technique", waits=False)
    link = f"/dossiers/{folder_id}/remplacer"
    assert "L’étape attend aussi" not in words(house.client(K).get(link)), "it waits for no answer"
    number = ask(house, N, folder_id, "direction")
    client = house.client(K)
    shown = client.get(link)
    assert "L’étape attend aussi l’avis de la Direction générale : remplacer n’y change rien" in words(shown)
    assert "passer l’étape clôt la demande sans réponse" in words(shown)
    anchor = f"opinion-{number}"
    assert f'href="/dossiers/{folder_id}#{anchor}"' in shown.get_data(as_text=True)
    there = client.get(f"/dossiers/{folder_id}")
    assert f'id="{anchor}"' in there.get_data(as_text=True)
    assert "Retirer la demande…" in words(there)
    desk = re.search(r'id="desk".*?<option value="(\w+)"', shown.get_data(as_text=True), re.DOTALL)
    assert desk
    form = {"version": str(house.folder(folder_id).version), "part": FINANCES, "desk": desk[1]}
    form |= {"reason": WHY, "csrf_token": house.csrf(client)}
    assert client.post(link, data=form).status_code == 302
    band = words(client.get(f"/dossiers/{folder_id}"))
    assert "dont le délai part d’aujourd’hui. Elle attend toujours l’avis de la Direction générale." in band


def test_a_stale_page_says_who_was_put_in_whose_place_and_no_hand_over(house: House) -> None:
    reader(house)
    folder_id = house.an_invoice("finance")
    stale = house.folder(folder_id).version
    replace(house, K, folder_id, "direction")
    late = words(post(house, T, folder_id, "viser", version=stale))
    assert "Ce dossier a changé" in late, "it stands at the step where it stood"
    assert "a avancé" not in late
    assert "confié" not in late, "nobody handed anything over"
    assert (
        "Katell Morizur a mis la Direction générale à la place de la Direction des finances pour « " in late
    )
    assert f"pendant que vous le lisiez, « {WHY} ». Votre visa n’a pas été enregistré." in late
    again = words(
        post(house, K, folder_id, "remplacer", part=FINANCES, desk="direction", reason=WHY, version=stale)
    )
    assert "Vous avez mis la Direction générale à la place de la Direction des finances pour « " in again
    assert "c’est enregistré" in again


def test_a_visa_is_passed_and_is_never_told_as_given(house: House) -> None:
    reader(house)
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    assert "Passer sans décision" in words(house.client(K).get(f"/dossiers/{folder_id}/remplacer"))
    lacking = post(house, K, folder_id, "passer", reason="")
    assert lacking.status_code == 422
    stale = house.folder(folder_id).version - 1
    with pytest.raises(Refusal, match="moved-on"):
        waive(house, K, folder_id, version=stale)
    assert post(house, K, folder_id, "passer", reason=WHY).status_code == 302
    assert house.folder(folder_id).place == "bon_a_payer"
    line = "Visa passé par Katell Morizur, que personne n’a donné"
    shown = page(house, G, folder_id)
    assert line in shown
    assert WHY in shown
    slip = words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
    assert "Étape passée par Katell Morizur, visa que Direction des finances n’a pas donné" in slip
    for trail in (shown, slip, page(house, G, folder_id, "journal")):
        assert "Visé par Katell" not in trail
        assert WHY in trail
    assert "Avis demandé sans réponse, demande close : Direction générale" in slip
    assert told("step_passed") == [G]
    assert set(told("no_longer_awaited")) == {N, T}
    assert A in told("your_turn")
    assert house.journal(folder_id).count("folder.waive") == 1
    with pytest.raises(Refusal):
        waive(house, K, folder_id)  # a signature
    software = Software(house, "comptabilite", [Right.CREATE])
    shown_steps = software.get(f"/folders/{folder_id}").json["steps"]
    part = next(one for one in shown_steps if one["key"] == "finance")["parts"][0]
    assert (part["state"], part["who"], part["comment"]) == ("passed", "Katell Morizur", WHY)
    # Sent back to the step that was passed, it is asked of its desk again
    returning.send_back(
        house.actor(A),
        folder_id,
        version=house.folder(folder_id).version,
        step="finance",
        reason="À contrôler",
    )
    assert folder_id in todo(house, N)
    assert f"{line}" in page(house, G, folder_id)
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"


@pytest.mark.both_databases
def test_of_two_administrators_at_once_one_is_told_what_the_other_did(house: House) -> None:
    reader(house)
    for _ in range(2):
        folder_id = house.an_invoice("finance")
        at = house.folder(folder_id).version
        verbs: list[Callable[[], object]] = [
            lambda number=folder_id, at=at: waive(house, K, number, version=at),  # type: ignore[misc]
            lambda number=folder_id, at=at: replace(house, K, number, "direction", version=at),  # type: ignore[misc]
        ]
        with ThreadPoolExecutor(2) as together:
            became = [together.submit(verb) for verb in verbs]
        keys = sorted(getattr(one.exception(), "key", "") for one in became)
        assert keys == ["", "moved-on"]
        lines = [one for one in house.journal(folder_id) if one in {"folder.waive", "folder.replaced"}]
        assert len(lines) == 1


@pytest.mark.parametrize(
    ("login", "typed", "key"),
    [
        (K, {"desk": "ailleurs"}, "handing-desk"),
        (K, {"desk": "finances"}, "handing-taking-part"),
        (K, {"desk": "comptabilite"}, "handing-own-deposit"),
        (K, {"desk": "paye"}, "handing-nobody"),
        (K, {"reason": " "}, "handing-reason"),
        (K, {"reason": "a" * 2001}, "words-long"),
        (K, {"part": "desk:direction"}, "replacing-part"),
        (K, {"version": 1}, "moved-on"),
        (G, {}, "relief-forbidden"),
        (N, {}, "relief-forbidden"),
        (S, {}, "not-found"),
    ],
)
def test_what_is_not_to_be_replaced_is_refused_and_changes_nothing(
    house: House, login: str, typed: dict[str, Any], key: str
) -> None:
    reader(house)
    folder_id = house.an_invoice("finance")
    before = house.folder(folder_id).version, house.journal(folder_id), parts(folder_id)
    with pytest.raises(Refusal, match=key):
        replace(house, login, folder_id, **{"desk": "direction", **typed})
    assert (house.folder(folder_id).version, house.journal(folder_id), parts(folder_id)) == before


def test_neither_a_signature_nor_what_nobody_would_decide_nor_ones_own_deposit_is_passed(
    house: House,
) -> None:
    reader(house)
    signed, own = house.an_invoice("bon_a_payer"), house.a_deliberation("direction")
    for folder_id, attempt, key in (
        (signed, waive, "passing-fixed"),
        (own, waive, "passing-own"),
    ):
        before = house.folder(folder_id).version, house.journal(folder_id)
        with pytest.raises(Refusal, match=key):
            attempt(house, K, folder_id)
        assert (house.folder(folder_id).version, house.journal(folder_id)) == before
    with pytest.raises(Refusal, match="replacing-fixed"):
        replace(house, K, signed, "direction", part="desk:maire")
    assert "Vous avez déposé ou écrit ce dossier" in words(house.client(K).get(f"/dossiers/{own}/remplacer"))
    refused = house.client(K).get(f"/dossiers/{signed}/remplacer")
    assert refused.status_code == 409
    assert "Personne ne se remplace à cette étape" in words(refused)
    assert "n’est ni un visa ni un avis" in words(refused)
    assert "a avancé" not in words(refused), "nothing moved"
    handed = house.client(A).get(f"/dossiers/{signed}/confier")
    assert (handed.status_code, "Cette étape ne se confie pas" in words(handed)) == (409, True)
    unread = house.an_invoice("service_done")
    desks.seat(here(house), "technique", K, [])
    with pytest.raises(Refusal, match="not-found"):
        waive(house, K, unread)


def test_of_two_parts_one_is_replaced_and_nobody_decides_twice(house: House) -> None:
    reader(house)
    parts_of_two(house)
    desks.seat(here(house), "direction", R, [Right.ACT])
    folder_id = house.an_invoice("finance")
    house.approve(folder_id, R)
    with pytest.raises(Refusal, match="relief|handing-taking-part"):
        replace(house, K, folder_id, "technique")
    replace(house, K, folder_id, "direction")
    with pytest.raises(Refusal, match="already-acted"):
        decide.approve(house.actor(R), folder_id, version=house.folder(folder_id).version)
    assert house.folder(folder_id).place == "finance"
    waive(house, K, folder_id)
    assert house.folder(folder_id).place == "bon_a_payer"
    with pytest.raises(Refusal, match="handing-fixed|not-your-turn|not-found"):
        handing.hand(
            house.actor(S), folder_id, version=house.folder(folder_id).version, desk="technique", reason=WHY
        )


def test_a_person_whose_account_is_closed_is_replaced_and_a_branch_is_its_administrators(
    house: House,
) -> None:
    data = family("invoice").circuit.to_data()
    step = next(one for one in data["steps"] if one["key"] == "finance")
    step["who"], step["quorum"] = [{"person": T}], "any"
    circuits.publish(house.actor(K), "invoice", library.as_yaml(data))
    folder_id = house.an_invoice("finance")
    with reading() as db:
        users = {one.login: one.id for one in db.scalars(sa.select(User))}
        rooms = {one.key: one.id for one in db.scalars(sa.select(Desk))}
    slot = f"person:{users[T]}"
    accounts.delegate(house.actor(K), users[R], rooms["technique"])
    with pytest.raises(Refusal, match="relief-forbidden"):
        replace(house, R, folder_id, "direction", part=slot)
    reader(house)
    with engine().begin() as connection:
        connection.execute(sa.update(User.__table__).where(User.id == users[T]).values(active=False))  # type: ignore[arg-type]
    shown = words(house.client(K).get(f"/dossiers/{folder_id}/remplacer"))
    assert "personne ne peut s’y prononcer" in shown
    assert replace(house, K, folder_id, "direction", part=slot) == ("Tifenn Lescoat", "Direction générale")
    assert parts(folder_id) == [(f"handed:{slot}", "passed"), ("desk:direction", "active")]
    accounts.delegate(house.actor(K), users[R], None)
    accounts.delegate(house.actor(K), users[R], rooms["direction"])
    waive(house, R, folder_id) if not house.folder(folder_id).writers & {users[R]} else None
    assert house.folder(folder_id).place == "bon_a_payer"


@pytest.mark.parametrize("path", ["remplacer", "passer"])
def test_who_administers_and_reads_by_a_cover_alone_is_led_where_he_may_read(house: House, path: str) -> None:
    folder_id = house.an_invoice("finance")
    away(house, N, K, acts=False)
    client = house.client(K)
    form = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version), "reason": WHY}
    form |= {"part": "desk:finances", "desk": "direction"}
    done = client.post(f"/dossiers/{folder_id}/{path}", data=form, follow_redirects=True)
    assert done.status_code == 200
    assert re.search("À la place de la Direction des finances|est passée", words(done))
    again = client.post(f"/dossiers/{folder_id}/{path}", data=form)
    assert again.status_code == 404
    assert "Cette fois-ci, rien n’a été fait" in words(again)
