"""What is begun out of an act, its cancellation or a reply about it: by whom, from which desk, and who then reads it."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.circuits import own_types
from app.core import schema
from app.core.clock import today
from app.core.db import reading, writing
from app.core.refusals import Refusal
from app.folders import decide, rerouting, sending
from app.folders.models import READ_AS, Folder, StepRun
from app.legality import cancelling, replies
from app.people import desks
from app.people.models import Desk
from tests.builders.house import ACT, ACTS, House
from tests.legality.town import a_letter, fetch, letters, page, typed, write
from workflows.own_types import Definition
from workflows.rights import Rights

pytestmark = pytest.mark.in_turn

K, S, R, T = "k.morizur", "s.rivoal", "r.pellenec", "t.lescoat"
MOTIVE = "Erreur sur la personne."
OFFER = "Annuler la transmission…"


def seat(house: House, key: str, login: str, *given: str) -> None:
    desks.seat(house.actor(K).collectivity_id, key, login, Rights.read(given))


def desk(key: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(Desk.id).where(Desk.key == key)).one()


def count() -> int:
    with reading() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(Folder)) or 0


def test_who_may_deposit_the_act_and_no_cancellation_begins_none(house: House) -> None:
    act = house.a_deliberation(at="publication")
    shown, asked = f"/dossiers/{act}/prefecture", f"/dossiers/{act}/annuler-la-transmission"
    assert OFFER in page(house, K, shown)
    seat(house, "secretariat", K, "create:deliberation", "act", "publish")
    seat(house, "direction", K, "create")  # at another desk, nothing is given for this one
    before, client = count(), house.client(K)
    assert OFFER not in page(house, K, shown)
    tried = client.post(asked, data={"csrf_token": house.csrf(client), "motive": MOTIVE})
    assert (client.get(asked).status_code, tried.status_code) == (403, 403)
    with pytest.raises(Refusal, match="type-not-granted-there"):
        cancelling.prepare_cancellation(house.actor(K), act, MOTIVE)
    assert count() == before
    seat(house, "secretariat", K, "create:act_cancellation")
    assert OFFER in page(house, K, shown)
    made = cancelling.prepare_cancellation(house.actor(K), act, MOTIVE)
    sending.send(house.actor(K), made, version=house.folder(made).version)
    assert house.folder(made).phase == "running"


def test_who_may_deposit_the_act_and_no_reply_begins_none(house: House, tmp_path: Path) -> None:
    _, letter = a_letter(house, "4-1")
    shown, offer = f"/prefecture/{letter.id}", "Préparer la réponse"
    seat(house, "secretariat", K, "create:deliberation", "act", "publish")
    before = count()
    assert offer not in page(house, K, shown)
    with pytest.raises(Refusal, match="type-not-granted-there"):
        replies.prepare_reply(house.actor(K), letter.id, "4-4", typed(tmp_path, "99_DE"))
    assert count() == before
    seat(house, "secretariat", K, "create:prefecture_reply")
    assert offer in page(house, K, shown)
    made = replies.prepare_reply(house.actor(K), letter.id, "4-4", typed(tmp_path, "99_DE"))
    decide.withdraw(house.actor(K), made, version=house.folder(made).version)
    assert house.folder(made).place == "withdrawn"


def test_a_reply_is_deposited_by_the_desk_of_the_act_where_its_author_may(
    house: House, tmp_path: Path
) -> None:
    act, letter = a_letter(house, "4-1")
    others = ("direction", "technique")
    for key in others:
        seat(house, key, K, "create")
    assert min(house.actor(K).desk_ids) != house.folder(act).emitter_desk_id
    made = replies.prepare_reply(house.actor(K), letter.id, "4-4", typed(tmp_path, "99_DE"))
    assert house.folder(made).emitter_desk_id == house.folder(act).emitter_desk_id
    decide.withdraw(house.actor(K), made, version=house.folder(made).version)
    seat(house, "secretariat", K, "create:deliberation")
    made = replies.prepare_reply(house.actor(K), letter.id, "4-4", typed(tmp_path, "99_DE"))
    assert house.folder(made).emitter_desk_id in {desk(key) for key in others}


def an_order(house: House, definition: Definition) -> int:
    """An individual order of an own type, at the Préfecture, about which a letter has come."""
    actor = house.actor(K)
    number = own_types.open_type(actor, "individual_decree", definition.label)
    shown = own_types.draw_up(actor, number, definition, shown=1)
    own_types.publish_type(actor, number, shown=shown)
    act = house.deposit(K, "arrete-nominatif", ACT)
    decided = (today() - timedelta(days=1)).isoformat()
    house.save(
        act,
        K,
        {"number": "2026-777", "decision_date": decided, "subject": "Sanction", **ACTS["individual_decree"]},
    )
    sending.send(house.actor(K), act, version=house.folder(act).version)
    for place, login in (("finance", "n.abgrallec"), ("direction", S)):
        if house.folder(act).place == place:
            house.approve(act, login)
    house.sign(act, "a.kervadec")
    house.drain()
    write(house, act, "4-1")
    fetch(house)
    return act


def reads(house: House, login: str, folder_id: int) -> bool:
    """Whether somebody reads a folder, by its page and by the list of what he follows alike."""
    opened = house.client(login).get(f"/dossiers/{folder_id}").status_code == 200
    assert (f"/dossiers/{folder_id}" in page(house, login, "/suivi?etat=")) is opened
    return opened


@pytest.mark.parametrize(
    ("visibility", "at_secretariat", "at_direction"),
    [(None, True, True), ("restricted", False, False), ("desks", False, True)],
)
@pytest.mark.parametrize("kind", ["cancellation", "reply"])
def test_what_is_born_of_a_closed_act_is_closed_as_the_act_is(
    house: House,
    tmp_path: Path,
    kind: str,
    visibility: str | None,
    at_secretariat: bool,
    at_direction: bool,
) -> None:
    closed = visibility is not None
    seen_at = ("direction",) if visibility == "desks" else ()
    act = an_order(house, Definition("Arrêté nominatif", visibility=visibility, seen_at=seen_at))
    letter = letters()[-1]
    seat(house, "secretariat", T, "follow")
    seat(house, "direction", R, "follow")
    seat(house, "direction", S, "create", "act")
    assert (reads(house, T, act), reads(house, R, act)) == (at_secretariat, at_direction)
    if kind == "cancellation":
        born = cancelling.prepare_cancellation(house.actor(K), act, MOTIVE)
    else:
        assert replies.may_reply(house.actor(S), house.folder(act)) is not closed
        if closed:  # a second desk would read what it deposits
            with pytest.raises(Refusal, match="not-emitter"):
                replies.prepare_reply(house.actor(S), letter.id, "4-4", typed(tmp_path, "99_AI"))
        born = replies.prepare_reply(house.actor(K), letter.id, "4-4", typed(tmp_path, "99_AI"))
    assert (reads(house, T, born), reads(house, R, born)) == (at_secretariat, False)
    house.drain()
    house.mail.letters.clear()
    sending.send(house.actor(K), born, version=house.folder(born).version)
    house.drain()
    assert house.folder(born).place == "direction"
    assert (reads(house, T, born), reads(house, R, born)) == (at_secretariat, at_direction)
    told = [one.get_body(("plain",)).get_content().lower() for one in house.mail.letters]
    assert told
    assert any("annulation" in one or "réponse" in one for one in told) is not closed
    assert ("Restreint" in page(house, K, f"/dossiers/{born}?onglet=details")) is closed
    house.approve(born, S)
    house.sign(born, "a.kervadec")
    house.drain()
    assert house.folder(born).place == "done"
    assert (reads(house, T, born), reads(house, R, born)) == (at_secretariat, at_direction)


def test_no_desk_comes_into_the_circle_of_what_is_born_of_a_closed_act(house: House) -> None:
    act = an_order(house, Definition("Arrêté nominatif", visibility="restricted"))
    born = cancelling.prepare_cancellation(house.actor(K), act, MOTIVE)
    sending.send(house.actor(K), born, version=house.folder(born).version)
    seat(house, "secretariat", K, "create", "reroute")
    change = rerouting.Change(kind="add", after="direction", desk="finances", days=2)
    with pytest.raises(Refusal, match="coming-refused") as refused:
        rerouting.reroute(
            house.actor(K), born, version=house.folder(born).version, changes=[change], reason="Un avis."
        )
    assert "dont l’accès est restreint" in str(refused.value.facts)


def as_before_closing_was_handed_down(folder_id: int, *, half: bool) -> None:
    """The rows of a folder that was born of a closed act as they were made then; `half`: an upgrade was killed over it."""
    with writing() as db, db.begin():
        folder = db.get_one(Folder, folder_id)
        folder.restricted = False
        if not half:
            folder.sources = {key: value for key, value in folder.sources.items() if key != READ_AS}
        db.execute(sa.update(StepRun).where(StepRun.folder_id == folder_id).values(restricted=False))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("visibility", "at_direction"), [("restricted", False), ("desks", True)])
def test_the_upgrade_closes_what_was_born_of_a_closed_act_before(
    house: House, tmp_path: Path, visibility: str, at_direction: bool, half: bool
) -> None:
    seen_at = ("direction",) if visibility == "desks" else ()
    act = an_order(house, Definition("Arrêté nominatif", visibility=visibility, seen_at=seen_at))
    letter, open_act = letters()[-1], house.a_deliberation(at="publication")
    seat(house, "secretariat", T, "follow")
    seat(house, "direction", R, "follow")
    born = [
        cancelling.prepare_cancellation(house.actor(K), act, MOTIVE),
        replies.prepare_reply(house.actor(K), letter.id, "4-4", typed(tmp_path, "99_AI")),
    ]
    beside = cancelling.prepare_cancellation(house.actor(K), open_act, MOTIVE)
    for one in (*born, beside):
        sending.send(house.actor(K), one, version=house.folder(one).version)
    for one in born:
        as_before_closing_was_handed_down(one, half=half)
        if not half:
            assert (reads(house, T, one), reads(house, R, one)) == (True, True)
    schema.downgrade("0081_opinions")  # below the one that closes them, whatever came after
    schema.upgrade()
    for one in born:
        assert (reads(house, T, one), reads(house, R, one)) == (False, at_direction)
        assert house.folder(one).read_as.closed
    assert (reads(house, T, beside), reads(house, R, beside)) == (True, True)
    house.approve(born[0], S)  # the steps to come are closed too
    assert (reads(house, T, born[0]), reads(house, R, born[0])) == (False, at_direction)


def test_a_letter_calls_who_may_answer_it_and_tells_who_may_not_why(house: House) -> None:
    _, letter = a_letter(house, "4-1")
    calls, shown = "1 courrier de la préfecture attend", f"/prefecture/{letter.id}"
    seat(house, "secretariat", K, "create:deliberation", "act")
    assert calls in page(house, K, "/a-traiter")
    assert "Une réponse est demandée" in page(house, K, shown)
    seat(house, "secretariat", K, "create:prefecture_reply")
    assert calls in page(house, K, "/a-traiter")
    assert "Une réponse est demandée" not in page(house, K, shown)
    seat(house, "secretariat", K, "create:invoice", "act")
    assert calls not in page(house, K, "/a-traiter")
    assert "Une réponse est demandée" not in page(house, K, shown)
