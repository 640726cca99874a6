"""Two clicks, two people, two tabs at the same instant: exactly one decision each time, and the journal says so."""

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.folders import decide
from app.folders.models import StepRun
from app.journal.chain import verify
from app.signing import sign
from app.signing.models import SignatureProof
from tests.builders.house import House

pytestmark = pytest.mark.race
ROUNDS = 50


def done_runs(folder_id: int, step: str) -> int:
    with reading() as db:
        query = sa.select(sa.func.count()).where(
            StepRun.folder_id == folder_id, StepRun.step == step, StepRun.state == "done"
        )
        return db.scalar(query) or 0


def refusals(results: list[object]) -> list[str]:
    return [getattr(one, "key", repr(one)) for one in results if isinstance(one, Exception)]


def intact(house: House) -> None:
    with reading() as db:
        assert verify(db, house.actor("a.kervadec").collectivity_id)[1] is None


def test_a_double_click_on_approve_and_two_holders_at_once_decide_once(house: House, at_once) -> None:
    first, second = house.actor("n.abgrallec"), house.actor("t.lescoat")
    for number in range(ROUNDS):
        folder_id = house.a_quick_invoice()
        version = house.folder(folder_id).version
        who = (first, first) if number % 2 else (first, second)
        results = at_once(
            *(lambda actor=actor: decide.approve(actor, folder_id, version=version) for actor in who)
        )
        assert len(refusals(results)) == 1, results
        assert refusals(results)[0] in {"moved-on", "not-your-turn"}
        assert house.folder(folder_id).version == version + 1
        assert done_runs(folder_id, "finance") == 1
    intact(house)


def test_a_double_click_on_reject_and_approve_against_reject_decide_once(house: House, at_once) -> None:
    first, second = house.actor("n.abgrallec"), house.actor("t.lescoat")
    for number in range(ROUNDS):
        folder_id = house.a_quick_invoice()
        version = house.folder(folder_id).version

        def other(folder_id: int = folder_id, version: int = version, number: int = number) -> object:
            if number % 2:
                return decide.reject(second, folder_id, version=version, reason="Pièce manquante")
            return decide.approve(second, folder_id, version=version)

        results = at_once(
            lambda: decide.reject(first, folder_id, version=version, reason="Pièce manquante"), other
        )
        assert len(refusals(results)) == 1, results
        assert house.folder(folder_id).version == version + 1
        assert house.folder(folder_id).place in {"rejected", "bon_a_payer"}
    intact(house)


def test_a_signature_clicked_twice_is_made_once(house: House, at_once) -> None:
    mayor = house.actor("a.kervadec")
    for _ in range(ROUNDS // 5):
        folder_id = house.a_quick_invoice()
        house.approve(folder_id, "n.abgrallec")
        ready, key = house.prepare(folder_id, "a.kervadec")
        signature = key.sign(ready.prepared.attributes)
        results = at_once(*(lambda: sign.complete(mayor, ready.session, signature) for _ in range(2)))
        assert refusals(results) == ["session-used"], results
        with reading() as db:
            assert db.scalar(sa.select(sa.func.count()).where(SignatureProof.folder_id == folder_id)) == 1
        assert len(house.versions(folder_id)) == 2
    intact(house)


def test_two_tabs_of_the_same_signatory_sign_once(house: House, at_once) -> None:
    mayor = house.actor("a.kervadec")
    folder_id = house.an_invoice(at="bon_a_payer")
    sessions = [house.prepare(folder_id, "a.kervadec") for _ in range(2)]
    calls = [
        lambda ready=ready, key=key: sign.complete(mayor, ready.session, key.sign(ready.prepared.attributes))
        for ready, key in sessions
    ]
    results = at_once(*calls)
    assert len(refusals(results)) == 1, results
    assert len(house.versions(folder_id)) == 2


def test_mayor_and_secretary_at_the_same_instant_both_end_up_signed(house: House, at_once) -> None:
    folder_id = house.a_deliberation(at="signatures")
    sessions = [(login, *house.prepare(folder_id, login)) for login in ("a.kervadec", "b.cadiou")]
    calls = [
        lambda login=login, ready=ready, key=key: sign.complete(
            house.actor(login), ready.session, key.sign(ready.prepared.attributes)
        )
        for login, ready, key in sessions
    ]
    results = at_once(*calls)
    assert len(refusals(results)) == 1, results
    loser = sessions[0 if isinstance(results[0], Exception) else 1][0]
    house.sign(folder_id, loser)
    assert house.folder(folder_id).place == "prefecture"
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).where(SignatureProof.folder_id == folder_id)) == 2


def test_eight_people_writing_at_once_keep_one_chain(house: House, at_once) -> None:
    folders = [house.a_quick_invoice() for _ in range(8)]
    actor = house.actor("n.abgrallec")
    versions = [house.folder(one).version for one in folders]
    results = at_once(
        *(
            lambda one=one, version=version: decide.approve(actor, one, version=version)
            for one, version in zip(folders, versions, strict=True)
        )
    )
    assert refusals(results) == []
    intact(house)
