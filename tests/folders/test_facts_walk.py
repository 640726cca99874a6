"""Deposits, replacements, corrections and rulings in any order: what decides never sees less than what was said."""

import contextlib
import shutil
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.core.db import NO_DATE, reading
from app.core.french import spaces
from app.core.refusals import Refusal
from app.display.timeline import planned_circuit
from app.folders import corrections, decide, deposit, sending
from app.folders.corrections import FACT
from app.folders.deposit import keep_reading
from app.folders.facts import act_of, edit, fill, largest_amount
from app.folders.keep import Incoming, Kept, keep_attachment, keep_main
from app.folders.models import Folder, StepRun
from app.folders.readings import open_corrections
from app.folders.ruling import rule as rule_on
from app.folders.ruling import settle
from app.folders.sockets import Caution, ReadFacts, cautions
from app.people.actor import Actor
from tests.builders.budgets import sealed
from tests.builders.flows import renamed
from tests.builders.house import ACT, BUDGET, House
from tests.builders.house import INVOICE as INVOICE_FILE
from workflows.deadlines import authorising_officer_due
from workflows.family import family, normalised
from workflows.vocabulary import Right

INVOICE = family("invoice")
CEILING = 400_000
AMOUNTS = st.sampled_from(["", "3042", "3042.00", "30420,00", "30420.00", "-30420.00", "4000"])
TYPES = st.sampled_from(["", "380", "381"])
SAID = {"who": "Anne", "at": "2026-11-27T10:00:00+00:00", "word": "Vu."}


class Facts(RuleBasedStateMachine):
    """One invoice; `said` keeps, apart, every value that a file gives and nobody has ruled out."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Folder(family="invoice", title="", fields={}, sources={}, due_on=NO_DATE, version=1)
        self.said: dict[str, list[Any]] = {"total_ttc": [], "type_code": []}

    def stands(self, key: str) -> Any:
        return self.folder.fields.get(key)

    @rule(total=AMOUNTS, kind=TYPES)
    def deposit_or_replace(self, total: str, kind: str) -> None:
        told = {key: one for key, one in (("total_ttc", total), ("type_code", kind)) if one}
        read = ReadFacts(told, "lu") if told else None
        keep_reading(self.folder, INVOICE, Actor("person", 1, "Anne", user_id=1), read, [])
        if read:
            fill(self.folder, INVOICE, {**self.folder.fields, **told}, title=None)
        for key in told:
            self.said[key].append(self.stands(key))
        # What was ruled of the former document was not ruled of this one.
        for key, values in self.all_read().items():
            self.said[key] = [*self.said[key], *values]

    def all_read(self) -> dict[str, list[Any]]:
        files = self.folder.sources.get("files", [])
        return {key: [one["values"][key] for one in files if key in one["values"]] for key in self.said}

    @rule(total=AMOUNTS, kind=TYPES)
    def type_over(self, total: str, kind: str) -> None:
        before = {key: self.stands(key) for key in self.said}
        edit(self.folder, None, {"total_ttc": total, "type_code": kind})
        for key, value in before.items():
            if self.stands(key) != value:  # what was ruled was ruled of another value
                self.said[key] = [*self.said[key], *self.all_read()[key]]

    @precondition(lambda self: open_corrections(self.folder.fields, self.folder.sources))
    @rule(data=st.data())
    def rule_on_one(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(open_corrections(self.folder.fields, self.folder.sources)))
        keep = data.draw(st.sampled_from(["", *(str(said.value) for said in one.read)]))
        chosen = settle(self.folder, one.key, keep, SAID)
        self.said[one.key] = [chosen] if keep else []  # a value that was typed is the person's, not a file's

    @invariant()
    def nothing_is_hidden(self) -> None:
        folder = self.folder
        shown = {
            one.key: {said.value for said in one.read}
            for one in open_corrections(folder.fields, folder.sources)
        }
        for key, values in self.said.items():
            assert set(values) <= {self.stands(key), *shown.get(key, ())} | self.ruled(key), (
                key,
                values,
                shown,
            )
        amounts = {self.stands("total_ttc"), *shown.get("total_ttc", ())} - {None}
        steps = {one.key for one in INVOICE.circuit.applicable(folder.facts)}
        assert ("direction" in steps) == any(Decimal(one) >= CEILING / 100 for one in amounts)
        ceiling = largest_amount(folder)
        if self.stands("total_ttc") is not None:
            assert ceiling is not None
            assert abs(ceiling) == max(abs(Decimal(one)) * 100 for one in amounts)
        told = corrections.cautions(None, folder)  # type: ignore[arg-type]
        keys = [key for one in told for key in corrections.about_of(folder, one.about)]
        assert sorted(keys) == sorted(shown), (
            "each is told once, by itself or with the document that was replaced"
        )

    def ruled(self, key: str) -> set[Any]:
        """What a ruling that still holds leaves out: it kept the very value that stands."""
        rulings = self.folder.sources.get("rulings", ())
        return {
            value
            for one in rulings
            if one["about"] == key and one["kept"] == self.stands(key)
            for value in one["over"]
        }


TestFacts = Facts.TestCase
TestFacts.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


# The same, saved, over three families: in a house, by the verbs, with a second person who rules.


@dataclass(frozen=True)
class File:
    """A main document as its deposit keeps it, what is read in it, and what its reading finds, in titles."""

    kept: list[Kept]
    read: ReadFacts
    found: frozenset[str] = frozenset()
    leaves: bool = True


@dataclass(frozen=True)
class Kind:
    """A family in the walk: who deposits it, who decides first, its files, what is typed over them, and the facts they bind."""

    family: str
    clerk: str
    decider: str
    files: list[File]
    typed: list[dict[str, str]]
    facts: dict[str, str]
    bound: tuple[str, ...] = ()


class Walk:
    """One folder of a family, and beside it all that its files said and nobody ruled out."""

    def __init__(self, house: House, kind: Kind, file: File) -> None:
        self.house, self.kind, self.clerk = house, kind, house.actor(kind.clerk)
        desk = min(self.clerk.desks_with(Right.CREATE))
        self.id = deposit.create(self.clerk, kind.family, desk, file.kept, kind.facts, read=file.read)
        if kind.family == "budget":  # a number serves once
            house.save(self.id, kind.clerk, {"number": f"2026-B{self.id}"})
            house.type_annexes(self.id, "70_DE")
        self.files, self.ruled = [file], set[str]()

    @property
    def folder(self) -> Folder:
        return self.house.folder(self.id)

    def replace(self, file: File) -> None:
        (main, *_) = self.house.versions(self.id)
        deposit.write_replacement(self.clerk, self.id, main.document_id, file.kept[:1], file.read)
        self.files, self.ruled = [*self.files, file], set()

    def type(self, facts: dict[str, str]) -> None:
        before = dict(self.folder.fields)
        self.house.save(self.id, self.kind.clerk, facts)
        changed = {key for key in facts if self.folder.fields.get(key) != before.get(key)}
        self.ruled -= {f"{FACT}{key}" for key in changed}  # it was ruled of another value

    def send(self) -> None:
        """Refused with what is wrong, or on its way as its file says."""
        self.house.save(self.id, self.kind.clerk, {})  # the reason of each correction
        with contextlib.suppress(Refusal):
            sending.send(self.clerk, self.id, version=self.folder.version)

    def back(self) -> None:
        decider = self.house.actor(self.kind.decider)
        decide.reject(decider, self.id, version=self.folder.version, reason="À revoir.")

    def rule(self, data: st.DataObject) -> None:
        """Only by who decides and did not deposit; anybody else changes nothing."""
        open_now = [one for one in self.cautions() if one.about]
        if not open_now:
            return
        typed = [one for one in open_now if one.key == "corrected"]
        one = data.draw(st.sampled_from(typed or open_now))
        keep = data.draw(st.sampled_from([value for value, _ in one.choices]))
        login = data.draw(
            st.sampled_from([self.kind.decider, self.kind.decider, self.kind.clerk, "a.kervadec"])
        )
        version = self.folder.version
        keys = corrections.about_of(self.folder, one.about)
        try:
            rule_on(self.house.actor(login), self.id, version=version, about=one.about, keep=keep, word="Vu.")
        except Refusal:
            assert self.folder.version == version
            assert login != self.kind.decider or self.folder.phase != "running"
            return
        assert (login, self.folder.phase) == (self.kind.decider, "running")
        about_facts = one.about.startswith((FACT, corrections.DOCUMENT))
        self.ruled |= {f"{FACT}{key}" for key in keys} if about_facts else {one.title}

    def cautions(self) -> list[Caution]:
        with reading(self.clerk.collectivity_id) as db:
            return cautions(db, db.get_one(Folder, self.id))

    def check(self) -> None:
        """What decides sees all that the files and the person said."""
        folder, now = self.folder, self.files[-1]
        running = folder.phase == "running"
        told = self.cautions()
        assert now.found - self.ruled <= {one.title for one in told}
        with reading(self.clerk.collectivity_id) as db:
            steps = planned_circuit(db, folder).applicable(folder.facts)
            runs = db.scalars(
                sa.select(StepRun).where(StepRun.folder_id == self.id, StepRun.state == "active")
            )
            weights = [run.amount_cents for run in runs]
        act = act_of(folder)
        if running:
            assert weights == [act.weight_cents]  # the mandates of who is asked hold the same
            assert now.leaves
        if self.kind.bound:
            said = normalised(family(folder.family), now.read.fields)
            if running:  # the file is what leaves: nothing else was typed
                assert {key: folder.fields.get(key) for key in self.kind.bound if key in said} == {
                    key: said[key] for key in self.kind.bound if key in said
                }
            return
        shown = {one["field"]: one for one in corrections.told(folder, ruled=False)}
        for key in ("total_ttc", "received_on"):
            values = {
                normalised(INVOICE, {key: one.read.fields[key]})[key]
                for one in self.files
                if key in one.read.fields
            }
            seen = {folder.fields.get(key), *(said["value"] for said in shown.get(key, {}).get("read", ()))}
            if f"{FACT}{key}" not in self.ruled:
                assert values <= seen, (key, values, seen)
            if key == "total_ttc":
                amounts = [Decimal(str(one)) for one in seen if one]
                assert ("direction" in {one.key for one in steps}) == any(one >= 4000 for one in amounts)
                assert act.amount_cents == max((abs(int(one * 100)) for one in amounts), default=None)
            elif folder.phase != "draft":
                days = [date.fromisoformat(str(one)) for one in seen if one]
                assert folder.due_on == min(map(authorising_officer_due, days), default=NO_DATE)

    def end(self) -> None:
        """Given up: its names and numbers are free for the next walk."""
        if self.folder.phase == "running":
            self.back()
        decide.withdraw(self.clerk, self.id, version=self.folder.version)


def invoices(house: House, room: Path) -> Kind:
    actor = house.actor("g.trehorel")
    path = Path(shutil.copy(INVOICE_FILE, room / INVOICE_FILE.name))
    kept, read = keep_main(actor.collectivity_id, INVOICE, Incoming(path, path.name), room)
    assert read is not None
    doubt = Caution("page-disagrees", "La page et les données se contredisent", "La page affiche 1,20 €.")
    files = []
    for said, doubts in (
        ({}, ()),
        ({**_sums("30420.00", "25350.00", "5070.00"), "received_on": "2026-11-02"}, (doubt,)),
        ({**_sums("4200.00", "3500.00", "700.00"), "received_on": "2026-11-20"}, ()),
    ):
        fields = {**read.fields, **said}
        files.append(
            File(kept, replace(read, fields=fields, doubts=doubts), frozenset(one.title for one in doubts))
        )
    typed = [
        _sums("3042.00", "2535.00", "507.00"),
        _sums("5000,00", "4000", "1000"),
        {"received_on": "2026-11-10"},
    ]
    facts = {"received_on": "2026-11-12", "proof_of_service": "technique"}
    return Kind("invoice", "g.trehorel", "r.pellenec", files, typed, facts)


def _sums(total: str, before: str, tax: str) -> dict[str, str]:
    return {"total_ttc": total, "total_ht": before, "total_vat": tax}


def flows(house: House, room: Path) -> Kind:
    actor = house.actor("g.trehorel")
    files = []
    for change in (
        (),
        ((b'V="2282.60"', b'V="2282.61"'),),
        ((b'<MtHT V="412.60"', b'<MtHT V="912.60"'), (b'<NbrPce V="2"/>', b'<NbrPce V="3"/>')),
    ):
        path = renamed(room, 50, *change)
        kept, read = keep_main(actor.collectivity_id, family("pes"), Incoming(path, path.name), room)
        assert read is not None
        files.append(File(kept, read, frozenset(spaces(one.title) for one in read.content.findings)))
    typed = [{"total": "1,00"}, {"slips": "0"}, {"slips": "2"}]
    return Kind("pes", "g.trehorel", "n.abgrallec", files, typed, {}, ("total", "slips", "pieces", "siret"))


def budgets(house: House, room: Path) -> Kind:
    actor = house.actor("k.morizur")
    totem, cfu = BUDGET.read_bytes(), (BUDGET.parent / "cfu-mini-scelle.xml").read_bytes()
    annexes = [
        keep_attachment(actor.collectivity_id, Incoming(Path(shutil.copy(ACT, room / name)), name), room)[0]
        for name in ("deliberation.pdf", "signatures.pdf")
    ]
    files = []
    for raw, found, leaves in (
        (totem, (), True),
        (sealed(totem, (b'<Exer V="2027"', b'<Exer V="2026"')), (), True),
        (cfu, ("Compte financier unique : qui a présidé le vote ?",), True),
        (totem.replace(b"12000.00", b"12500.00"), ("Scellement du budget",), False),
    ):
        path = room / f"budget{len(files)}.xml"
        path.write_bytes(raw)
        kept, read = keep_main(actor.collectivity_id, family("budget"), Incoming(path, path.name), room)
        assert read is not None
        files.append(File([*kept, *annexes], read, frozenset(map(spaces, found)), leaves))
    facts = {"matter": "7.1", "subject": "Budget"}
    typed = [{"fiscal_year": "2019"}, {"fiscal_year": "2027"}, {"decision_date": "2026-11-12"}]
    bound = ("siret", "budget_kind", "fiscal_year", "decision_date")
    return Kind("budget", "k.morizur", "n.abgrallec", files, typed, facts, bound)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_decides_never_sees_less_in_three_families(house: House, tmp_path: Path) -> None:
    """Deposits, replacements, corrections, sendings, rulings by whoever tries, in any order."""
    kinds = [make(house, tmp_path) for make in (invoices, flows, budgets)]

    # Not made smaller when it fails: each example is saved, and takes a second
    @settings(max_examples=4, deadline=None, database=None, phases=[Phase.generate])
    @given(data=st.data())
    def walk(data: st.DataObject) -> None:
        for kind in kinds:
            one = Walk(house, kind, drawn(data, kind))
            try:
                one.check()
                for _ in range(data.draw(st.integers(4, 9))):
                    step(one, kind, data)
                    one.check()
            finally:
                one.end()

    walk()


def drawn(data: st.DataObject, kind: Kind) -> File:
    return kind.files[data.draw(st.integers(0, len(kind.files) - 1))]


def step(one: Walk, kind: Kind, data: st.DataObject) -> None:
    """One gesture of those that the folder's phase leaves."""
    running = one.folder.phase == "running"
    verbs = ["rule", "rule", "rule", "back"] if running else ["send", "type", "replace", "rule"]
    verb = data.draw(st.sampled_from(verbs))
    if verb == "type":
        one.type(data.draw(st.sampled_from(kind.typed)))
        one.send()
    elif verb == "replace":
        one.replace(drawn(data, kind))
    elif verb == "rule":
        one.rule(data)
    elif verb == "send":
        one.send()
    else:
        one.back()
