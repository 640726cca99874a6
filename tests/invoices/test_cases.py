"""What is said of an invoice beside another, case by case: one table has the cases, and every word that the screen says."""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.core.sirene import good_siret
from app.files.words import Text
from app.folders import deposit, words
from app.folders.access import authorize
from app.folders.models import Document, Folder
from app.folders.sockets import cautions
from app.invoices.checks import compact, good_iban, good_rib
from app.invoices.keys import relaxed, strict
from app.invoices.models import InvoiceKey
from app.people import desks
from tests.batches.town import plain
from tests.builders.house import House
from tests.invoices.test_history import Office

TABLE = Path(__file__).parent / "cases.csv"
SENTENCES = Path(__file__).parent / "cases.txt"
VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
"""Computed apart from this program, with the rules that they follow."""
FATES: dict[str, dict[str, Any]] = {
    "draft": {},
    "sent": {"phase": "running", "place": "finance", "round": 1},
    "rejected": {"phase": "rejected", "place": "rejected", "round": 1},
    "rejected long ago": {
        "phase": "rejected",
        "place": "rejected",
        "round": 1,
        "updated_at": timedelta(days=90),
    },
    "withdrawn": {"phase": "done", "place": "withdrawn", "round": 1},
    "never sent": {"phase": "done", "place": "withdrawn"},
    "ended": {"phase": "done", "place": "done", "round": 1},
    "elsewhere": {"phase": "running", "place": "finance", "round": 1},
}


@dataclass(frozen=True)
class Case:
    """Two invoices of one seller that nobody else has, and the keys of the cautions of the second."""

    number: int
    name: str
    first: Mapping[str, str] | None
    fate: str
    second: Mapping[str, str]
    keys: frozenset[str]


def cases() -> Iterator[Case]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter=";"), 1):
            first = None if row["first"] == "none" else said(row["first"])
            yield Case(
                number, row["case"], first, row["fate"], said(row["second"]), frozenset(row["told"].split())
            )


def said(cell: str) -> dict[str, str]:
    """« number=F-1 | siret= » as a mapping."""
    return {
        key.strip(): value.strip()
        for key, _, value in (part.partition("=") for part in cell.split("|"))
        if key.strip()
    }


def siren_of(rank: int) -> str:
    """A SIREN of its own for each rank, with its key of Luhn."""
    stem = f"{81_000_000 + rank}"
    total = sum(
        sum(divmod(int(sign) * (2 if place % 2 == 0 else 1), 10)) for place, sign in enumerate(stem, 1)
    )
    return f"{stem}{-total % 10}"


def siret_of(siren: str, establishment: int) -> str:
    """One of its establishments."""
    stem = f"{siren}{establishment:04}"
    total = sum(sum(divmod(int(sign) * (2 if place % 2 else 1), 10)) for place, sign in enumerate(stem, 1))
    return f"{stem}{-total % 10}"


def iban_of(country: str, account: int) -> str:
    """An account of a bank that does not exist, with its two keys where it is French or Monegasque."""
    bban = f"9999800001{account:011}{97 - (89 * 99998 + 15 * 1 + 3 * account) % 97:02}"
    bban = f"{account:018}" if country == "DE" else bban
    figures = "".join(str(int(sign, 36)) for sign in f"{bban}{country}00")
    return f"{country}{98 - int(figures) % 97:02}{bban}"


class Bench(Office):
    """Deposits the two invoices of a case, and gives the first its fate without walking its circuit."""

    def facts(self, case: Case, changes: Mapping[str, str]) -> dict[str, str]:
        own, other = siren_of(2 * case.number), siren_of(2 * case.number + 1)
        sirets = {"A": siret_of(own, 1), "A2": siret_of(own, 2), "B": siret_of(other, 1)}
        accounts = {
            "A": iban_of("FR", 2 * case.number),
            "B": iban_of("FR", 2 * case.number + 1),
            "MC": iban_of("MC", 2 * case.number),
            "DE": iban_of("DE", 2 * case.number),
        }
        accounts["a a"] = " ".join(accounts["A"][i : i + 4] for i in range(0, 27, 4)).lower()
        known = {"siret": "A", "iban": "A", "total": "1000.00", **changes}
        total = known.pop("total")
        for name in ("file", "text", "paper", "page"):
            known.pop(name, None)
        iban, siret = known.pop("iban"), known.pop("siret")
        name = known.pop("seller", "Atelier Berthier")
        return {
            "type_code": "380",
            **known,
            "seller": f"{name} {case.number}",  # no case knows the seller of another
            "seller_siret": sirets.get(siret, siret),
            "seller_siren": sirets.get(siret, siret)[:9],
            "iban": accounts.get(iban, iban),
            "total_ttc": total,
            "total_ht": total,
            "total_vat": "0.00",
        }

    def deposited(self, case: Case, changes: Mapping[str, str], rank: int) -> int:
        facts = {
            **self.read.fields,
            "buyer_siret": "21290999800016",
            "order_ref": "",
            "proof_of_service": "technique",
            **self.facts(case, changes),
        }
        file = f"{case.number:02}{changes.get('file') or rank}".encode().hex()
        kept = [replace(self.kept[0], sha256=f"{file:0>64}", words=None)]
        if "paper" in changes:
            kept.append(replace(kept[0], role="attachment", filename="rib.pdf"))
        read = replace(self.read, fields=facts, doubts=())
        typed = {"received_on": facts.pop("received_on", "2026-10-10"), "proof_of_service": "technique"}
        folder_id = deposit.create(self.actor, "invoice", min(self.actor.desk_ids), kept, typed, read=read)
        own = {"main": f"{changes['text']} facture " * 40 if "text" in changes else changes.get("page", "")}
        self.worded(case, folder_id, {**own, "attachment": changes.get("paper", "")})
        return folder_id

    def worded(self, case: Case, folder_id: int, texts: Mapping[str, str]) -> None:
        """Write what was read of the documents, as the background does; A and B are the accounts of the case."""
        known = {"A": iban_of("FR", 2 * case.number), "B": iban_of("FR", 2 * case.number + 1)}
        if not any(texts.values()):
            return
        with reading() as db:
            sources = words._sources(db, folder_id)
            roles = dict(
                db.execute(sa.select(Document.id, Document.role).where(Document.folder_id == folder_id)).all()
            )
        read = {
            source: words.worded(
                Text(
                    " ".join(
                        known.get(word, word) for word in texts.get(roles[source.document_id], "").split()
                    )
                )
            )
            for source in sources
        }
        words.write(self.actor, folder_id, read)


def ends(folder_id: int, fate: str, elsewhere: int) -> None:
    folder: Any = Folder.__table__
    key: Any = InvoiceKey.__table__
    values = dict(FATES[fate])
    if age := values.pop("updated_at", None):
        values["updated_at"] = now() - age
    with engine().begin() as connection:
        if values:
            connection.execute(sa.update(folder).where(folder.c.id == folder_id).values(**values))
        if fate == "elsewhere":
            connection.execute(
                sa.update(key).where(key.c.folder_id == folder_id).values(collectivity_id=elsewhere)
            )


@pytest.mark.in_turn
@time_machine.travel(datetime(2026, 11, 30, 9, tzinfo=UTC), tick=True)
@pytest.mark.law("INV-20", "INV-21")
def test_what_is_said_of_an_invoice_beside_another(house: House, tmp_path: Path) -> None:
    bench = Bench(house, tmp_path)
    elsewhere = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    every = list(cases())
    assert len(every) >= 60
    script, wrong = [], []
    for case in every:
        first = 0
        if case.first is not None:
            earlier = {"number": "F-1", "issue_date": "2026-03-01", "total": "700.00", **case.first}
            first = bench.deposited(case, earlier, 1)
            ends(first, case.fate, elsewhere)
        second = bench.deposited(case, {"number": "F-2", "issue_date": "2026-10-01", **case.second}, 2)
        with reading(bench.actor.collectivity_id) as db:
            shown = [point for point in cautions(db, authorize(db, bench.actor, second)) if point.about]
        if {point.key for point in shown} != case.keys:
            wrong.append((case.name, sorted(case.keys), sorted(point.key for point in shown)))
        lines = (plain(f"{point.title}. {point.sentence}") for point in shown)
        script += [case.name, *(f"    {line.replace(f'n° {first}', 'n° {first}')}" for line in lines)]
    assert not wrong
    text = "\n".join(script) + "\n"
    if os.environ.get("WRITE_CASES"):  # then read every line of it
        SENTENCES.write_text(text, encoding="utf-8")
    assert text == SENTENCES.read_text(encoding="utf-8")


@pytest.mark.parametrize("vectors", ["number_normalisation", "number_relaxed"])
def test_numbers_are_read_as_the_contract_reads_them(vectors: str) -> None:
    form = {"number_normalisation": strict, "number_relaxed": lambda text: relaxed(text).replace("-", "")}[
        vectors
    ]
    pairs = VECTORS[vectors]
    assert len(pairs) == 13
    assert [(written, form(written)) for written, _ in pairs] == [tuple(pair) for pair in pairs]


def test_identifiers_are_judged_as_the_contract_judges_them() -> None:
    known = VECTORS["identifiers"]
    sirets = [(siret, True) for siret in known["siret_valid"]] + [
        (siret, False) for siret in known["siret_invalid"]
    ]
    for siret, good in [*sirets, *map(tuple, known["siret_la_poste"])]:
        assert good_siret(siret) is good, siret
    for iban, good in known["iban"]:
        assert (good_iban(compact(iban)), good_rib(compact(iban))) == (good, good), iban
    for bank, branch, account, key in known["rib_key"]:
        assert good_rib(f"FR00{bank}{branch}{account}{key}")
        assert not good_rib(f"FR00{bank}{branch}{account}{(int(key) + 1) % 97:02}")


def test_of_two_deposits_of_one_invoice_at_the_same_moment_the_later_is_held(
    house: House, tmp_path: Path
) -> None:
    office = Office(house, tmp_path)
    read = replace(office.read, fields={**office.read.fields, "buyer_siret": "21290999800016"}, doubts=())
    typed = {"received_on": "2026-11-20", "proof_of_service": "technique"}
    here, rivals = Barrier(2), []

    def deposits() -> None:
        here.wait()
        rivals.append(
            deposit.create(office.actor, "invoice", min(office.actor.desk_ids), office.kept, typed, read=read)
        )

    threads = [Thread(target=copy_context().run, args=(deposits,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = sorted(rivals)
    assert ("duplicate" in office.told(first), "duplicate" in office.told(second)) == (False, True)
    for folder_id in (first, second):
        office.send(folder_id)
        house.approve(folder_id, "r.pellenec")
    house.approve(first, "n.abgrallec")
    with pytest.raises(Refusal, match="visa-gated") as held:
        house.approve(second, "n.abgrallec")
    assert "Facture déjà reçue" in held.value.facts["details"]
