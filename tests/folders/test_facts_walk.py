"""Deposits, replacements, corrections and rulings in any order: what decides never sees less than what was said."""

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.core.db import NO_DATE
from app.folders import corrections
from app.folders.deposit import keep_reading
from app.folders.facts import edit, fill, largest_amount
from app.folders.models import Folder
from app.folders.readings import open_corrections
from app.folders.ruling import settle
from app.folders.sockets import ReadFacts
from app.people.actor import Actor
from workflows.family import family

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
TestFacts.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
