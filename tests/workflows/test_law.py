"""Over random circuits and random sequences of acts, the law never strands a folder nor lets one through."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.workflows import strategies
from workflows.asking import Question, awaited, refuse_withdrawal
from workflows.circuit import (
    DONE,
    DRAFT,
    RECALLED,
    REJECTED,
    WITHDRAWN,
    Circuit,
    Phase,
    Step,
    StepKind,
    phase_of,
)
from workflows.engine import Action, Asker, Moved, Standing, advance, choices, in_turn
from workflows.errors import Refusal
from workflows.family import family
from workflows.handing import may_be_handed, may_be_replaced
from workflows.loader import load
from workflows.passing import PASSED, Passer, pass_over, refuse_passed
from workflows.returning import behind, send_back
from workflows.undoing import THOUGHT, Deed, leaves_time, take_back

PEOPLE = range(1, 5)
FREE = family("other")
ANYBODY = st.sampled_from([None, *PEOPLE])
NOWHERE = "desk:ailleurs"
MOMENT, SECONDS = datetime(2026, 11, 27, 9, tzinfo=UTC), 20.0
SLOT = st.sampled_from([None, NOWHERE, *(f"desk:{desk}" for desk in strategies.DESKS)])


def slots_of(step: Step) -> tuple[str, ...]:
    return tuple(f"desk:{who.value}" for who in step.who)


def quorum_of(step: Step) -> int:
    """The quorum read again from the written circuit, apart from the code under test."""
    written = step.to_data()
    rule, total = written.get("quorum"), len(step.who)
    return {"any": 1, "all": total, None: 0}.get(rule, rule)


class AFolder(RuleBasedStateMachine):
    """One folder, four people who each may stand in for any desk, a depositor and the system."""

    @initialize(circuit=strategies.circuits(), facts=strategies.facts)
    def deposit(self, circuit: Circuit, facts: dict[str, object]) -> None:
        self.circuit, self.standing = circuit, Standing(DRAFT, facts)
        self.questions: list[Question] = []
        self.way: list[str] = []
        self.decided, self.waived = set[str](), set[str]()
        self.done: tuple[Moved, int | None, Standing, list[Question], list[str], Standing] | None = None

    def play(self, action: Action, person: int | None, slot: str | None) -> Moved | None:
        """Play, check what the law promises of this one move, and keep the books as the application does."""
        before, questions, way = self.standing, self.questions, self.way
        try:
            moved = advance(self.circuit, before, action, person=person, slot=slot)
        except Refusal:
            return None
        self.check(before, moved, person, slot)
        books = set(self.decided), set(self.waived)
        if action is Action.SUBMIT:
            self.decided, self.waived = set(), set()
        elif action is Action.SIGN or (
            action is Action.APPROVE and self.circuit.step(moved.left).kind is StepKind.VISA
        ):
            self.decided.add(moved.left)
        if moved.entered == moved.left:
            assert person is not None
            assert slot is not None
            signed = before.signed or action is Action.SIGN
            self.standing = replace(before, acted={**before.acted, slot: person}, signed=signed)
        elif moved.phase is Phase.RUNNING:
            slots = slots_of(self.circuit.step(moved.entered))
            signed = action is not Action.SUBMIT and (before.signed or action in {Action.SIGN, Action.SEAL})
            self.standing = Standing(moved.entered, before.facts, slots, {}, signed)
        else:
            self.standing = Standing(moved.entered, before.facts)
        if moved.entered != moved.left:
            self.questions = []
            self.way = [] if action is Action.SUBMIT else self.way
            self.way = [*self.way, moved.entered] if moved.phase is Phase.RUNNING else []
        self.done, self.books = (moved, person, before, questions, way, self.standing), books
        return moved

    def check(self, before: Standing, moved: Moved, person: int | None, slot: str | None) -> None:
        assert moved.left == before.place
        assert moved.phase is phase_of(moved.entered)
        step = self.circuit.step(before.place) if phase_of(before.place) is Phase.RUNNING else None
        if moved.phase is Phase.RUNNING and moved.entered != moved.left:
            entered = self.circuit.step(moved.entered)
            assert entered.applies(before.facts), "a conditional step is never entered against its condition"
            passed = self.circuit.steps[self.circuit.steps.index(step) + 1 if step else 0 :]
            skipped = passed[: passed.index(entered)]
            assert not any(one.applies(before.facts) for one in skipped), "no step that applies is skipped"
        if moved.entered == DONE:
            assert step is not None
            assert not any(
                one.applies(before.facts) for one in self.circuit.steps[self.circuit.steps.index(step) + 1 :]
            )
        if step is None or moved.action is Action.RECALL or step.kind.automatic:
            return
        assert moved.action is Action.REJECT or not before.awaited, (
            "nobody decides before the opinion awaited"
        )
        assert person not in before.acted.values(), "nobody acts twice on a step"
        assert slot in before.slots, "only those awaited act"
        assert slot not in before.acted, "nobody acts for a desk that has spoken"
        if moved.action is Action.REJECT:
            return
        persons = {*before.acted.values(), person}
        assert moved.counted == len(persons)
        assert moved.closed == (len(persons) >= quorum_of(step)), "a step closes at its quorum, not below"
        assert moved.closed == (moved.entered != moved.left)

    @rule(action=st.sampled_from(Action), person=ANYBODY, slot=SLOT)
    def anybody_tries_anything(self, action: Action, person: int | None, slot: str | None) -> None:
        self.play(action, person, slot)

    @rule(person=st.sampled_from(PEOPLE), data=st.data())
    def the_folder_is_pushed_on(self, person: int, data: st.DataObject) -> None:
        """Without this rule, chance alone would seldom bring a folder to a step where two must act."""
        if phase_of(self.standing.place) is not Phase.RUNNING:
            self.play(Action.SUBMIT, person, None)
            return
        action = self.circuit.step(self.standing.place).kind.action
        self.play(
            action, person, data.draw(st.sampled_from(self.standing.slots)) if self.standing.slots else None
        )

    @rule(person=st.sampled_from(PEOPLE), data=st.data())
    def somebody_does_what_they_are_offered(self, person: int, data: st.DataObject) -> None:
        held = frozenset(data.draw(st.sets(st.sampled_from([*self.standing.slots, NOWHERE]))))
        asker = Asker(person, held, is_emitter=data.draw(st.booleans()))
        offered = choices(self.circuit, self.standing, asker)
        if offered:
            slot = next(
                (
                    slot
                    for slot in sorted(held)
                    if slot in self.standing.slots and slot not in self.standing.acted
                ),
                None,
            )
            assert self.play(data.draw(st.sampled_from(offered)), person, slot), "what is offered is accepted"

    @rule(data=st.data())
    def the_system_answers(self, data: st.DataObject) -> None:
        offered = choices(self.circuit, self.standing, Asker(None, kind="system"))
        if offered:
            assert self.play(data.draw(st.sampled_from(offered)), None, None), "what is offered is accepted"

    def wait(self, questions: list[Question]) -> None:
        self.questions = questions
        self.standing = replace(self.standing, awaited=awaited(questions))

    @rule(person=st.sampled_from(PEOPLE), desk=st.sampled_from(["urbanisme", "juridique"]), data=st.data())
    def whoever_may_act_asks_an_opinion(self, person: int, desk: str, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.standing.slots)) if self.standing.slots else NOWHERE
        asker = Asker(person, frozenset({slot}))
        if in_turn(self.circuit, self.standing, asker) and desk not in {one.desk for one in self.questions}:
            asked = Question(desk, person, f"Personne {person}", slot, waits=data.draw(st.booleans()))
            self.wait([*self.questions, asked])

    @rule(data=st.data(), law=st.sampled_from([may_be_handed, may_be_replaced]))
    def a_part_is_handed_to_another_desk_or_its_actor_replaced(
        self, data: st.DataObject, law: Callable[[Step, str, tuple[()]], bool]
    ) -> None:
        free = [slot for slot in self.standing.slots if slot not in self.standing.acted]
        slot = data.draw(st.sampled_from(free)) if free else NOWHERE
        if free and law(self.circuit.step(self.standing.place), slot, ()):
            other = f"{slot}_bis"
            slots = tuple(other if one == slot else one for one in self.standing.slots)
            self.standing = replace(self.standing, slots=slots)
            self.questions = [replace(one, slot=other) if one.slot == slot else one for one in self.questions]

    @rule(person=st.sampled_from(PEOPLE), depositor=st.booleans(), in_turn=st.booleans())
    def who_administers_passes_what_nobody_gives(self, person: int, depositor: bool, in_turn: bool) -> None:
        before = self.standing
        books = {"decided": self.decided, "passed": self.waived}
        try:
            refuse_passed(FREE, self.circuit, before, Passer(person, depositor, in_turn), **books)
        except Refusal:
            return
        step = self.circuit.step(before.place)
        assert step.kind in PASSED, "neither a signature nor what binds beyond the folder"
        assert not depositor
        assert not in_turn
        assert person not in before.acted.values(), "nobody decides for two"
        moved = pass_over(self.circuit, before)
        self.waived.add(step.key)
        running = moved.phase is Phase.RUNNING
        slots = slots_of(self.circuit.step(moved.entered)) if running else ()
        self.standing = Standing(moved.entered, before.facts, slots, {}, before.signed)
        self.way = [*self.way, moved.entered] if running else []
        self.questions, self.done = [], None

    @invariant()
    def nothing_leaves_that_nobody_decided(self) -> None:
        if not hasattr(self, "circuit") or not self.waived:
            return
        place = self.standing.place
        over = place == DONE or (
            phase_of(place) is Phase.RUNNING
            and (self.circuit.step(place).kind.automatic or self.circuit.step(place).kind is StepKind.PUBLISH)
        )
        visas = {key for key in self.waived if self.circuit.step(key).kind is StepKind.VISA}
        assert not over or not visas or self.decided, "somebody decides before it leaves, or ends"

    @rule(person=st.sampled_from(PEOPLE), key=st.sampled_from(["", NOWHERE]), data=st.data())
    def it_is_sent_back_to_an_earlier_step(self, person: int, key: str, data: st.DataObject) -> None:
        before = self.standing
        steps = behind(self.circuit, before, self.way)
        free = [one for one in before.slots if one not in before.acted]
        slot = data.draw(st.sampled_from(free)) if free else None
        to = data.draw(st.sampled_from([*(step.key for step in steps), key, *self.way]))
        taken = {"person": person, "slot": slot}
        try:
            moved = send_back(self.circuit, before, to, self.way, **taken)
        except Refusal:
            return
        assert Action.REJECT in choices(
            self.circuit, replace(before, awaited=()), Asker(person, frozenset({slot or ""}))
        ), "who may not reject sends nothing back"
        assert to in self.way[:-1], "it comes back to a step that it went through"
        again = self.way[self.way.index(to) :]
        kinds = [self.circuit.step(one).kind for one in again[:-1]]
        assert set(kinds) <= {StepKind.VISA, StepKind.OPINION}, "nothing that was signed or left is behind it"
        assert not (self.circuit.step(again[-1]).kind is StepKind.SIGN and before.acted)
        assert (moved.entered, moved.phase, moved.closed) == (to, Phase.RUNNING, False)
        slots = slots_of(self.circuit.step(to))
        self.standing = Standing(to, before.facts, slots, {}, before.signed)
        self.decided -= set(again)
        self.waived -= set(again)
        self.way, self.questions, self.done = [*self.way[: self.way.index(to)], to], [], None

    @precondition(lambda self: self.done)
    @rule(
        person=ANYBODY,
        seconds=st.sampled_from([-1, 0, 19, 20, 21]),
        opened=st.booleans(),
        left=st.booleans(),
    )
    def whoever_did_it_takes_it_back(
        self, person: int | None, seconds: int, opened: bool, left: bool
    ) -> None:
        """As the application asks it: of what was done last, as long as nothing has changed the folder since."""
        assert self.done is not None
        moved, actor, before, questions, way, after = self.done
        deed = Deed(moved.left, actor, MOMENT, MOMENT + timedelta(seconds=SECONDS), opened, left)
        taken = {"person": person, "now": MOMENT + timedelta(seconds=seconds)}
        if self.standing is not after:  # somebody asked, answered, handed on: another version of the folder
            return
        timely = person == actor and person is not None and 0 <= seconds < SECONDS and not opened and not left
        try:
            back = take_back(self.circuit, after, deed, **taken)
        except Refusal as refusal:
            why = refusal.key
        else:
            why = ""
        assert bool(why) == (not timely or not leaves_time(self.circuit, moved)), why
        if why:
            return
        assert timely
        assert moved.action is Action.APPROVE
        assert self.circuit.step(moved.left).kind in THOUGHT, (
            "neither a signature nor what binds beyond the folder"
        )
        assert leaves_time(self.circuit, moved), "what is taken back has had its letters wait"
        assert (back.entered, back.phase, back.closed) == (before.place, Phase.RUNNING, False)
        self.standing, self.questions, self.way, self.done = before, questions, way, None
        self.decided, self.waived = self.books

    @precondition(lambda self: self.questions)
    @rule(data=st.data())
    def the_desk_answers(self, data: st.DataObject) -> None:
        question = data.draw(st.sampled_from(self.questions))
        self.wait([one for one in self.questions if one is not question])

    @precondition(lambda self: self.questions)
    @rule(data=st.data())
    def who_asked_takes_it_back(self, data: st.DataObject) -> None:
        question = data.draw(st.sampled_from(self.questions))
        refuse_withdrawal(question, question.asker, (), in_turn=False, administrator=False, reason="")
        self.wait([one for one in self.questions if one is not question])

    @precondition(lambda self: self.standing.place in {DRAFT, REJECTED, RECALLED})
    @rule(facts=strategies.facts)
    def the_depositor_corrects(self, facts: dict[str, object]) -> None:
        self.standing = replace(self.standing, facts=facts)

    @invariant()
    def the_folder_can_go_on_or_has_ended(self) -> None:
        if not hasattr(self, "circuit") or self.standing.place in {DONE, WITHDRAWN}:
            return
        for question in self.questions:  # whoever is in turn, though who asked has left
            refuse_withdrawal(question, 0, (), in_turn=True, administrator=False, reason="Sans réponse")
        free = replace(self.standing, awaited=())
        assert any(choices(self.circuit, free, asker) for asker in everybody(free))

    @invariant()
    def the_folder_can_reach_an_end(self) -> None:
        if hasattr(self, "circuit"):
            assert_reaches_an_end(self.circuit, replace(self.standing, awaited=()))

    @invariant()
    def the_depositor_can_send_again_or_withdraw_what_came_back(self) -> None:
        if hasattr(self, "circuit") and self.standing.place in {REJECTED, RECALLED}:
            offered = choices(self.circuit, self.standing, Asker(1, is_emitter=True))
            assert Action.WITHDRAW in offered
            assert (Action.SUBMIT in offered) == bool(self.circuit.applicable(self.standing.facts))


def everybody(standing: Standing) -> list[Asker]:
    """All who may be asked: the depositor, the system, and people who have not acted yet."""
    fresh = max([0, *standing.acted.values()]) + 1
    return [Asker(fresh, frozenset(standing.slots), is_emitter=True), Asker(None, kind="system")]


def assert_reaches_an_end(circuit: Circuit, standing: Standing) -> None:
    """From here, acts of willing people lead to the end in no more acts than the circuit expects of people."""
    if standing.place in {DONE, WITHDRAWN}:
        return
    if not circuit.applicable(standing.facts) and phase_of(standing.place) is not Phase.RUNNING:
        assert advance(circuit, standing, Action.WITHDRAW).entered == WITHDRAWN
        return
    for _ in range(1 + sum(max(1, len(step.who)) for step in circuit.steps)):
        if standing.place == DONE:
            return
        if phase_of(standing.place) is not Phase.RUNNING:
            moved = advance(circuit, standing, Action.SUBMIT)
        else:
            free = [slot for slot in standing.slots if slot not in standing.acted]
            fresh, slot = max([0, *standing.acted.values()]) + 1, free[0] if free else None
            action = circuit.step(standing.place).kind.action
            moved = advance(circuit, standing, action, person=fresh, slot=slot)
            if moved.entered == moved.left:
                assert slot is not None
                standing = replace(standing, acted={**standing.acted, slot: fresh})
                continue
        slots = slots_of(circuit.step(moved.entered)) if moved.phase is Phase.RUNNING else ()
        standing = Standing(moved.entered, standing.facts, slots)
    assert standing.place == DONE


AFolder.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAFolder = AFolder.TestCase


@given(strategies.circuits())
@settings(max_examples=60, deadline=None)
def test_a_circuit_written_down_is_read_back_the_same(circuit):
    again = load(circuit.to_data())
    assert again == circuit
    assert again.digest == circuit.digest
    assert hash(again) == hash(circuit)


@given(strategies.circuits(), strategies.facts)
@settings(max_examples=100, deadline=None)
def test_from_anywhere_it_goes_back_to_what_was_thought_of_it_and_still_ends(circuit, facts):
    standing, way = Standing(DRAFT, facts), []
    while circuit.applicable(facts) and phase_of(standing.place) in {Phase.DRAFT, Phase.RUNNING}:
        action = circuit.step(standing.place).kind.action if way else Action.SUBMIT
        for person, slot in enumerate(standing.slots or (None,), start=1):
            moved = advance(circuit, standing, action, person=person, slot=slot)
            if moved.entered != moved.left:
                break
            standing = replace(standing, acted={**standing.acted, slot: person})
        if moved.phase is not Phase.RUNNING:
            return
        way.append(moved.entered)
        standing = Standing(moved.entered, facts, slots_of(circuit.step(moved.entered)))
        thought = {key for key in way if circuit.step(key).kind in {StepKind.VISA, StepKind.OPINION}}
        lawful = [key for n, key in enumerate(way[:-1]) if thought.issuperset(way[n:-1])]
        if circuit.step(moved.entered).kind.automatic:
            lawful = []  # nobody decides there
        assert [step.key for step in behind(circuit, standing, way)] == lawful
        for key in lawful:
            assert_reaches_an_end(circuit, Standing(key, facts, slots_of(circuit.step(key))))


@given(strategies.circuits(), strategies.facts)
@settings(max_examples=60, deadline=None)
def test_a_willing_commune_brings_every_folder_to_its_end(circuit, facts):
    assert_reaches_an_end(circuit, Standing(DRAFT, facts))
