"""Who is awaited at a step, in this commune and for this folder; a folder never starts a way that it could not finish."""

import itertools

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core.db import Db, reading
from app.core.refusals import Refusal, catalogue
from app.folders import asking, decide, sending
from app.folders.models import Folder, StepRun
from app.folders.move import present
from app.folders.seats import People, Person, Slot, _distinct, slots_of
from app.people import desks
from app.people.actor import Actor, Seat
from app.people.covers import ANYBODY_AWAY
from app.people.models import Desk
from tests.builders import circuits
from tests.builders.house import House
from workflows.circuit import Quorum, Step, StepKind, Who, WhoKind
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def step(*who: Who, kind: StepKind = StepKind.VISA, quorum: str | int = "any") -> Step:
    return Step("essai", "Essai", kind, who, Quorum(quorum))


def seats(house: House, folder_id: int, wanted: Step) -> dict[str, set[str]]:
    with reading() as db:
        return {
            slot.key: {person.name for person in slot.people}
            for slot in slots_of(db, db.get_one(Folder, folder_id), wanted)
        }


def seat(db: Db, here: int, key: str) -> Seat:
    one = db.scalars(sa.select(Desk).where(Desk.key == key, Desk.collectivity_id == here)).one()
    return Seat(one.id, one.key, one.name, Rights.of(Right.ACT))


def desk(key: str) -> Who:
    return Who(WhoKind.DESK, key)


def test_a_desk_is_every_holder_with_the_right_that_the_step_asks(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    assert seats(house, folder_id, step(desk("finances"))) == {
        "desk:finances": {"Nolwenn Abgrallec", "Tifenn Lescoat"}
    }
    assert seats(house, folder_id, step(desk("finances"), kind=StepKind.SIGN)) == {"desk:finances": set()}
    assert seats(house, folder_id, step(desk("maire"), kind=StepKind.SIGN)) == {
        "desk:maire": {"Armel Kervadec"}
    }


@pytest.mark.parametrize("asked", [False, True])
def test_who_sits_at_the_next_step_is_the_same_read_with_the_parts_of_this_one(
    house: House, asked: bool
) -> None:
    folder_id = house.an_invoice(at="service_done")
    if asked:  # a second row beside the one part of the step
        version = house.folder(folder_id).version
        what = {"desks": ["direction"], "question": "Que dit le marché ?", "waits": True}
        asking.ask(house.actor("r.pellenec"), folder_id, version=version, **what)
    with reading() as db:
        folder = db.get_one(Folder, folder_id)
        alone, here = present(db, folder), present(db, folder, looks=(ANYBODY_AWAY,), onward=True)
        assert (here.runs, here.asked) == (alone.runs, alone.asked)
        assert (alone.people, here.people is None, len(here.asked)) == (None, False, int(asked))
        after = here.circuit.applicable(folder.facts, folder.place)[0]
        slots = slots_of(db, folder, after, all_there=True, people=here.people)
        assert slots == slots_of(db, folder, after, all_there=True)
        assert [one.name for one in slots[0].people] == ["Nolwenn Abgrallec", "Tifenn Lescoat"]
        other = here.circuit.steps[0]  # of another desk, or where somebody may be away, it is read anew
        assert slots_of(db, folder, other, all_there=True, people=here.people) == slots_of(db, folder, other)
        assert slots_of(db, folder, after, people=here.people) == slots_of(db, folder, after)


def test_a_step_after_whose_desk_is_gone_is_refused_as_ever(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    with reading() as db:
        folder = db.get_one(Folder, folder_id)
        none = People("personne", ())
        with pytest.raises(Refusal, match="desk-missing"):
            slots_of(db, folder, step(desk("personne")), all_there=True, people=none)


def test_a_closed_account_is_awaited_by_nobody(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    desks.close_account(house.actor("t.lescoat").collectivity_id, "t.lescoat")
    assert seats(house, folder_id, step(desk("finances"))) == {"desk:finances": {"Nolwenn Abgrallec"}}


@pytest.mark.parametrize(("level", "key"), [("1", "finances"), ("2", "direction"), ("3", "maire")])
def test_a_superior_is_so_many_desks_above_the_one_that_deposits(house: House, level: str, key: str) -> None:
    folder_id = house.an_invoice(at="draft")
    assert set(seats(house, folder_id, step(Who(WhoKind.SUPERIOR, level)))) == {f"desk:{key}"}


def test_above_the_last_desk_there_is_nobody_to_wait_for(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    with pytest.raises(Refusal, match="desk-missing") as refused:
        seats(house, folder_id, step(Who(WhoKind.SUPERIOR, "4")))
    assert "supérieur" in refused.value.facts["what"]


def test_a_desk_chosen_at_deposit_is_read_in_the_folder(house: House) -> None:
    chosen = Who(WhoKind.CHOSEN, "proof_of_service")
    folder_id = house.an_invoice(at="draft", proof_of_service="direction")
    assert set(seats(house, folder_id, step(chosen))) == {"desk:direction"}
    house.save(folder_id, "g.trehorel", {"proof_of_service": ""})
    for value, what in (("", "à choisir"), ("inconnu", "inconnu")):
        house.save(folder_id, "g.trehorel", {"proof_of_service": value})
        with pytest.raises(Refusal, match="desk-missing") as refused:
            seats(house, folder_id, step(chosen))
        assert what in refused.value.facts["what"]


def test_a_sitting_role_is_the_person_designated_and_nobody_from_elsewhere(house: House) -> None:
    role = Who(WhoKind.ROLE, "sitting_secretary")
    folder_id = house.a_deliberation(at="draft")
    number = house.actor("b.cadiou").user_id
    assert seats(house, folder_id, step(role, kind=StepKind.SIGN)) == {f"person:{number}": {"Bleuenn Cadiou"}}
    without = house.actor("r.pellenec").user_id
    desks.close_account(house.actor("b.cadiou").collectivity_id, "b.cadiou")
    with pytest.raises(Refusal, match="desk-missing"):  # nobody waits for an account that is closed
        seats(house, folder_id, step(role, kind=StepKind.SIGN))
    house.save(folder_id, "k.morizur", {"sitting_secretary": str(without)})
    assert seats(house, folder_id, step(role, kind=StepKind.SIGN)) == {f"person:{without}": set()}
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    stranger = desks.create_user(
        other, "m.leroux", email="m@autre.example", first_name="M", last_name="L", capacity="Agent"
    )
    for value in (str(stranger), "987654", "9" * 12, "²", "Bleuenn", ""):
        house.save(folder_id, "k.morizur", {"sitting_secretary": value})
        with pytest.raises(Refusal, match="desk-missing"):
            seats(house, folder_id, step(role, kind=StepKind.SIGN))


def test_the_same_desk_pointed_at_twice_is_one_part(house: House) -> None:
    folder_id = house.an_invoice(at="draft", proof_of_service="finances")
    who = (desk("finances"), Who(WhoKind.SUPERIOR, "1"), Who(WhoKind.CHOSEN, "proof_of_service"))
    with reading() as db:
        folder = db.get_one(Folder, folder_id)
        assert [slot.key for slot in slots_of(db, folder, step(*who))] == ["desk:finances"]


def people(*several: str) -> tuple[Person, ...]:
    return tuple(Person(ord(one), one, "") for one in several)


def brute(slots: list[tuple[Person, ...]]) -> int:
    """The largest number of slots filled by different people, by trying everything."""
    best = 0
    for chosen in itertools.product(*[[None, *one] for one in slots]):
        named = [one.user_id for one in chosen if one is not None]
        if len(named) == len(set(named)):
            best = max(best, len(named))
    return best


@given(st.lists(st.sets(st.sampled_from("abcde"), max_size=3), max_size=5))
def test_parts_are_matched_with_people_as_well_as_can_be(wanted: list[set[str]]) -> None:
    slots = [people(*sorted(one)) for one in wanted]
    assert _distinct(tuple(Slot(f"s{n}", "", None, None, one) for n, one in enumerate(slots))) == brute(slots)


CIRCUIT = """
key: invoice
label: Essai
steps:
  - {{ key: visas, label: Deux visas, kind: visa, who: [{who}], quorum: {quorum} }}
  - {{ key: bon_a_payer, label: Bon à payer, kind: sign, who: {{ desk: maire }} }}
  - {{ key: handover, label: Remise, kind: transmit, channel: handover }}
"""


@pytest.mark.parametrize(
    ("who", "quorum", "starts"),
    [
        ("{desk: finances}, {desk: technique}", "all", True),
        ("{desk: finances}, {desk: conseil}", "all", False),
        ("{desk: finances}, {desk: conseil}", "any", True),
        ("{desk: secretariat}, {desk: technique}", "2", True),
    ],
)
def test_a_folder_starts_only_if_its_way_can_be_finished(
    house: House, who: str, quorum: str, starts: bool
) -> None:
    circuits.of_before(house.actor("k.morizur"), "invoice", CIRCUIT.format(who=who, quorum=quorum))
    folder_id = house.an_invoice(at="draft")
    version = house.folder(folder_id).version
    if starts:
        assert sending.send(house.actor("g.trehorel"), folder_id, version=version).entered == "visas"
        return
    with pytest.raises(Exception, match=r"nobody-there|quorum-impossible"):
        sending.send(house.actor("g.trehorel"), folder_id, version=version)
    assert (house.folder(folder_id).phase, house.folder(folder_id).version) == ("draft", version)
    assert house.journal(folder_id) == ["folder.created"]


def test_one_person_on_two_desks_cannot_fill_both_parts(house: House) -> None:
    here = house.actor("r.pellenec").collectivity_id
    desks.seat(here, "conseil", "r.pellenec", [Right.ACT])
    circuits.of_before(
        house.actor("k.morizur"),
        "invoice",
        CIRCUIT.format(who="{desk: conseil}, {desk: technique}", quorum="all"),
    )
    folder_id = house.an_invoice(at="draft")
    with pytest.raises(Refusal, match="nobody-there") as refused:
        sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    sentence = catalogue.say("nobody-there", refused.value.facts)[1]
    assert (
        "2 personnes avec le droit «\N{NO-BREAK SPACE}Viser et rejeter\N{NO-BREAK SPACE}», et une seule le peut."
        in sentence
    )
    assert "personne ne peut agir" not in sentence
    desks.seat(here, "conseil", "b.cadiou", [Right.ACT, Right.SIGN])
    sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    desks.seat(here, "conseil", "b.cadiou", [])  # the folder that waits says what it waits for
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}").text
    assert "il y faut 2 personnes différentes, et une seule le peut" in page
    desks.seat(here, "conseil", "b.cadiou", [Right.ACT, Right.SIGN])
    house.approve(folder_id, "r.pellenec")
    assert house.folder(folder_id).place == "visas"
    with pytest.raises(Exception, match=r"already-acted|not-your-turn|moved-on"):
        house.approve(folder_id, "r.pellenec")
    house.approve(folder_id, "b.cadiou")
    assert house.folder(folder_id).place == "bon_a_payer"


def test_who_is_alone_at_two_of_three_desks_is_told_with_each(house: House) -> None:
    desks.seat(house.actor("r.pellenec").collectivity_id, "conseil", "r.pellenec", [Right.ACT])
    who = "{desk: conseil}, {desk: technique}, {desk: secretariat}"
    circuits.publish(house.actor("k.morizur"), "invoice", CIRCUIT.format(who=who, quorum="2"))
    folder_id = house.an_invoice(at="draft")
    sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}").text
    both = "Ronan Pellenec (Services techniques) et Ronan Pellenec (Conseil municipal)"
    assert f"On attend 2 parmi Katell Morizur, {both}" in page


def test_two_applications_fill_two_parts_whatever_their_numbers(house: House) -> None:
    circuits.publish(
        house.actor("k.morizur"),
        "invoice",
        CIRCUIT.format(who="{desk: finances}, {desk: technique}", quorum="all"),
    )
    folder_id = house.an_invoice(at="draft")
    sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    here = house.actor("a.kervadec").collectivity_id
    with reading() as db:
        runs = {
            run.slot: run.id for run in db.scalars(sa.select(StepRun)).all() if run.folder_id == folder_id
        }
        finance = Actor(
            "application", here, "Finances", application_id=1, seats=(seat(db, here, "finances"),)
        )
        # Its number is that of the part that the first one does: each is still somebody else.
        number = runs["desk:finances"]
        technique = Actor(
            "application", here, "Technique", application_id=number, seats=(seat(db, here, "technique"),)
        )
    decide.approve(finance, folder_id, version=house.folder(folder_id).version, comment="")
    # Whoever obeys the version that « moved-on » gives would come back for ever: its part is taken, and it is said
    for late in (finance, house.actor("n.abgrallec")):
        for verb, words in ((decide.approve, {"comment": ""}), (decide.reject, {"reason": "Doublon"})):
            with pytest.raises(Refusal, match="acted-already") as refused:
                verb(late, folder_id, version=house.folder(folder_id).version, **words)
            assert (
                "Votre bureau a déjà visé ce dossier à "
                in catalogue.say("acted-already", refused.value.facts)[1]
            )
    decide.approve(technique, folder_id, version=house.folder(folder_id).version, comment="")
    assert house.folder(folder_id).place == "bon_a_payer"
