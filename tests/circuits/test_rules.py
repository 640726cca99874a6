"""A table of rules says which circuit a folder takes: at sending, in a rehearsal, on its page, and to other software."""

import html
import json
import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phases
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.circuits import drafting, library, named, own_types, rules, tables
from app.circuits.checking import condition_problems, desks_of
from app.circuits.closing import close_circuit
from app.circuits.gestures import Gesture
from app.circuits.library import circuit_of, unjoined
from app.circuits.rules import draft_of
from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.display.timeline import planned_circuit
from app.folders import deposit
from app.folders.models import Folder
from app.folders.rehearsal import again, imagined, rehearse
from app.folders.route import route_of
from app.journal.models import JournalEntry
from app.operations.circuits import forms
from app.operations.circuits.rehearsing import taken, undecided
from app.people import desks
from app.people.models import Desk
from app.transmission.settings import names as channels
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.circuits.test_editor import form_of
from tests.circuits.test_rehearsal import Runs, desk_number
from tests.folders.test_corrections import TYPED, WHY, an_invoice, send
from workflows.circuit import Phase
from workflows.emitting import BRANCH, EMITTER
from workflows.family import family
from workflows.own_types import Definition, OwnField
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, G = "k.morizur", "g.trehorel"
CHANNELS = channels()
PAGE = "/administration/regles"
CASES = int(os.environ.get("REHEARSALS", "30"))
FACTS = {
    "type_code": "380",
    "proof_of_service": "technique",
    "received_on": (today() - timedelta(days=3)).isoformat(),
}
ABOVE = {"field": "total_ttc", "op": ">=", "value": 4000}


def words(answer: TestResponse) -> str:
    """What a person reads of a page, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def a_circuit(house: House, label: str, *without: str, law: str = "invoice") -> str:
    """A published circuit of a family: the steps of the default one, without some of them."""
    name = named.open_circuit(house.actor(K), law, label, law)
    drafting.change(house.actor(K), name, 1, [Gesture("remove", one) for one in without])
    seen = 2 if without else 1
    drafting.publish_draft(house.actor(K), name, seen, 0, CHANNELS)
    return name


def write(house: House, kind: str, *rows: tuple[Any, str], otherwise: str | None = None) -> None:
    """Write the rules of a type anew, as a draft."""
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), kind)
    gone = [Gesture("remove", row["key"]) for row in draft.definition["rows"]]
    made = [
        Gesture("write", f"row_{rank}", step={"when": when, "circuit": circuit})
        for rank, (when, circuit) in enumerate(rows, start=1)
    ]
    rules.change(house.actor(K), kind, draft.version, [*gone, *made], otherwise)


def publish(house: House, kind: str) -> int:
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), kind)
    return rules.publish_rules(house.actor(K), kind, draft.version, draft.in_force)


def followed(house: House, folder_id: int) -> str:
    """The label of the circuit that a folder keeps."""
    with reading(here(house)) as db:
        return circuit_of(db, house.folder(folder_id).circuit_version_id or 0).label


def test_an_invoice_takes_the_circuit_of_the_first_rule_that_holds_and_says_so_everywhere(
    house: House,
) -> None:
    short = a_circuit(house, "Voirie courte", "direction", "finance")
    write(house, "invoice", (ABOVE, "invoice"), otherwise=short)
    assert publish(house, "invoice") == 1
    usual, runs = family("invoice").circuit.label, Runs(house)
    software = Software(house, "comptabilite", [Right.CREATE])
    for total, label, rank in (("3999.99", "Voirie courte", 0), ("4000.00", usual, 1)):
        folder_id = runs.deposit({**FACTS, "total_ttc": total})
        runs.send(folder_id)
        folder = house.folder(folder_id)
        assert followed(house, folder_id) == label
        assert folder.rule is not None
        assert (folder.rule["table"], folder.rule["rank"], folder.rule["against"]) == (1, rank, [])
        with reading(here(house)) as db:
            version = tables.in_force(db, here(house), "invoice")
            line = db.scalars(
                sa.select(JournalEntry.facts).where(
                    JournalEntry.folder_id == folder_id, JournalEntry.event == "folder.submit"
                )
            ).one()
        assert version is not None
        assert folder.rule_version_id == version.id
        assert json.loads(line)["rule"] == folder.rule
        told = (
            "Choisi par : règle 1 de « Facture » (version 1) : montant TTC atteint 4 000 €."
            if rank
            else "Choisi par : autres cas des règles de « Facture » (version 1)."
        )
        client = house.client("r.pellenec")
        assert told in words(client.get(f"/dossiers/{folder_id}"))
        assert told in words(client.get(f"/dossiers/{folder_id}/bordereau"))
        shown = software.get(f"/folders/{folder_id}").json
        assert shown["circuit"]["label"] == label
        assert shown["circuit"]["rule"]["rank"] == (rank or None)
        assert shown["circuit"]["rule"]["version"] == 1
    families = software.get("/families").json["families"]
    (invoice,) = [one for one in families if one["name"] == "invoice"]
    assert [one["key"] for one in invoice["steps"]] == ["service_done", "bon_a_payer", "handover"]


def test_a_folder_on_its_way_keeps_its_circuit_and_a_type_without_rules_says_nothing(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    before = house.an_invoice()
    assert house.folder(before).rule is None
    assert "Choisi par" not in words(house.client("r.pellenec").get(f"/dossiers/{before}"))
    software = Software(house, "comptabilite", [Right.CREATE])
    assert software.get(f"/folders/{before}").json["circuit"]["rule"] is None
    write(house, "invoice", otherwise=short)
    publish(house, "invoice")
    assert followed(house, before) == family("invoice").circuit.label
    after = house.an_invoice()
    write(house, "invoice", otherwise="invoice")
    publish(house, "invoice")
    assert followed(house, after) == "Voirie courte"


def test_the_desk_that_deposits_and_its_branch_choose(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    desk = {"field": EMITTER, "op": "==", "value": "comptabilite"}
    write(house, "invoice", (desk, short))
    publish(house, "invoice")
    folder_id = house.an_invoice()
    assert followed(house, folder_id) == "Voirie courte"
    assert "bureau qui dépose vaut « Comptabilité »" in words(
        house.client("r.pellenec").get(f"/dossiers/{folder_id}")
    )
    with reading(here(house)) as db:
        above = tables.paths(db, here(house))[house.folder(folder_id).emitter_desk_id][-1]
    write(house, "invoice", ({"field": BRANCH, "op": "!=", "value": above}, short))
    publish(house, "invoice")
    assert followed(house, house.an_invoice()) == family("invoice").circuit.label
    write(house, "invoice", ({"field": BRANCH, "op": "==", "value": above}, short))
    publish(house, "invoice")
    assert followed(house, house.an_invoice()) == "Voirie courte"


def test_a_step_is_taken_or_not_as_a_desk_or_a_branch_deposits(house: House) -> None:
    """In words, in the dry run, on the draft and in the folder: the same engine; what was sent keeps its answer."""
    with reading(here(house)) as db:
        (mine, *_, top) = tables.paths(db, here(house))[desk_number(house, "comptabilite")]

    def depends(on: dict[str, Any]) -> None:
        data = family("invoice").circuit.to_data()
        next(step for step in data["steps"] if step["key"] == "finance")["when"] = on
        circuits.publish(house.actor(K), "invoice", library.as_yaml(data))

    def passes(folder_id: int) -> bool:
        with reading(here(house)) as db:
            folder = db.get_one(Folder, folder_id)
            return any(step.key == "finance" for step in planned_circuit(db, folder).applicable(folder.facts))

    assert mine == "comptabilite"
    depends({"field": EMITTER, "op": "in", "value": [mine, "technique"]})
    page = words(house.client(K).get("/circuits/invoice"))
    assert "si bureau qui dépose est parmi « Comptabilité »" in page.replace("“", "« ").replace("”", " »"), (
        page
    )
    card = house.client(K).get("/circuits/invoice?etape=finance").get_data(as_text=True)
    assert re.search(r'<option value="emitter_desk"\s+selected', card), (
        "the row of the condition reads it back"
    )
    assert 'value="emitter_branch"' in card
    draft, sent = house.an_invoice("draft"), house.an_invoice("service_done")
    assert (passes(draft), passes(sent)) == (True, True)
    assert house.folder(draft).sources.get("emitted") is None, "a draft is read for now alone"
    used = words(house.client(K).get(f"/administration/bureaux/{desk_number(house, 'comptabilite')}"))
    assert "étape « Contrôle des finances » : prise ou non selon que ce bureau dépose." in used
    depends({"field": EMITTER, "op": "!=", "value": mine})
    assert (passes(draft), passes(sent)) == (False, True)
    with reading(here(house)) as db:
        asked = family("invoice")
        for desk, goes in (("comptabilite", False), ("technique", True)):
            folder = imagined(here(house), asked, desk_number(house, desk), house.folder(draft).fields)
            shown = rehearse(db, folder, route_of(db, folder).circuit, today())
            assert any(stage.step.key == "finance" for stage in shown.stages) is goes, desk
    other = house.an_invoice("service_done")
    house.approve(other, "r.pellenec")
    assert house.folder(other).place != "finance"
    # Of a branch: the desk itself and all those above it; to be of two of them is no contradiction
    both = [{"field": BRANCH, "op": "==", "value": value} for value in dict.fromkeys((mine, top))]
    depends({"all": both} if len(both) > 1 else both[0])
    assert passes(draft)
    used = words(house.client(K).get(f"/administration/bureaux/{desk_number(house, 'comptabilite')}"))
    assert "prise ou non selon que ce bureau, ou un bureau de sa branche, dépose" in used
    house.approve(sent, "r.pellenec")
    assert house.folder(sent).place == "finance"


def test_a_corrected_amount_never_takes_the_lighter_circuit(house: House, tmp_path: Path) -> None:
    """The file says 30 420 €, the clerk types 3 042 €: whichever way the rules are written."""
    short = a_circuit(house, "Voirie courte", "direction", "finance")
    usual = family("invoice").circuit.label
    below = {"field": "total_ttc", "op": "<", "value": 4000}
    for rows, otherwise in ((((below, short),), "invoice"), (((ABOVE, "invoice"),), short)):
        write(house, "invoice", *rows, otherwise=otherwise)
        publish(house, "invoice")
        folder_id = an_invoice(house, tmp_path)
        version = house.folder(folder_id).version
        deposit.save(house.actor(G), folder_id, version=version, title=None, facts=TYPED, reason=WHY)
        with reading(here(house)) as db:
            draft = again(db.get_one(Folder, folder_id))
            told = taken(db, draft)
        assert "de ces circuits est suivi celui qui contient ce que demandent les autres" in told.dispute
        house.another(folder_id)
        send(house, folder_id)
        assert followed(house, folder_id) == usual
        assert told.name == "invoice"
        assert "de ces circuits est suivi celui qui contient ce que demandent les autres" in words(
            house.client("r.pellenec").get(f"/dossiers/{folder_id}")
        )


def test_of_two_circuits_that_do_not_contain_one_another_a_corrected_amount_follows_both(
    house: House, tmp_path: Path
) -> None:
    """Neither finances without the direction, nor the direction without finances: rehearsal, run, page and journal say it."""
    without_direction = a_circuit(house, "Sans direction", "direction")
    without_finance = a_circuit(house, "Sans finances", "finance")
    write(house, "invoice", (ABOVE, without_direction), otherwise=without_finance)
    publish(house, "invoice")
    folder_id = an_invoice(house, tmp_path)
    version = house.folder(folder_id).version
    deposit.save(house.actor(G), folder_id, version=version, title=None, facts=TYPED, reason=WHY)
    with reading(here(house)) as db:
        told = taken(db, again(db.get_one(Folder, folder_id)))
    assert told.lacking == []
    assert told.title.replace("\xa0", " ").startswith(
        "Circuits « Sans direction et Sans finances », réunis, par : règle 1"
    )
    keys = ["service_done", "direction", "finance", "bon_a_payer", "handover"]
    assert sorted(step.key for step in told.circuit.steps) == sorted(keys)
    house.another(folder_id)
    send(house, folder_id)
    with reading(here(house)) as db:
        followed_one = circuit_of(db, house.folder(folder_id).circuit_version_id or 0)
    assert followed_one == told.circuit
    page = words(house.client("r.pellenec").get(f"/dossiers/{folder_id}"))
    assert "aucun de ces circuits ne contient les autres, leurs étapes sont toutes suivies." in page
    assert "Circuit « Sans direction et Sans finances », version 1" in page
    listed = words(house.client(K).get("/circuits"))
    assert "Sans direction et Sans finances" not in listed
    drafting.change(house.actor(K), without_finance, 0, [Gesture("remove", "direction")])
    kept = words(house.client(K).get(f"/circuits/{without_finance}/publier"))
    assert "1 dossier en cours le suit réuni à un autre, et garde ses étapes." in kept


def test_circuits_that_would_tell_too_many_desks_together_are_not_joined() -> None:
    law, desks_told = family("invoice"), tuple(f"desk_{n}" for n in range(21))
    assert unjoined(law, replace(law.circuit, told=desks_told[:20])) == ""
    for circuit in (
        replace(law.circuit, told=desks_told),
        replace(law.circuit, steps=tuple(replace(one, told=desks_told) for one in law.circuit.steps)),
    ):
        assert unjoined(law, circuit) == "Réunis, ils informeraient 21 bureaux à la fois, 20 au plus."


_tests = st.one_of(
    st.builds(
        lambda op, value: {"field": "total_ttc", "op": op, "value": value},
        st.sampled_from([">=", "<", "==", "!="]),
        st.sampled_from([120, 4000, 4000.01]),
    ),
    st.sampled_from(
        [
            {"field": "type_code", "op": "in", "value": ["381", "386"]},
            {"field": "order_ref", "op": "present"},
            {"field": "proof_of_service", "op": "==", "value": "technique"},
            {"field": EMITTER, "op": "!=", "value": "comptabilite"},
            {"field": BRANCH, "op": "==", "value": "direction"},
        ]
    ),
)
_conditions = st.one_of(
    _tests, st.lists(_tests, min_size=2, max_size=3).map(lambda several: {"any": several})
)
_facts = st.fixed_dictionaries(
    {
        "total_ttc": st.sampled_from(["-12.00", "120.00", "3999.99", "4000.00", "4000.01", "98000.10"]),
        "type_code": st.sampled_from(["380", "381"]),
        "proof_of_service": st.sampled_from(["technique", "finances"]),
        "received_on": st.integers(0, 20).map(lambda days: (today() - timedelta(days=days)).isoformat()),
    },
    optional={"order_ref": st.just("BC-1")},
)


@pytest.mark.both_databases
def test_the_rehearsal_and_the_real_run_choose_the_same_circuit(house: House) -> None:
    """On random tables and facts: same circuit, same row, and what the administrator's rehearsal says of the same facts."""
    ways = [
        "invoice",
        a_circuit(house, "Voirie courte", "direction"),
        a_circuit(house, "Plus courte", "finance"),
    ]
    runs, ranks = Runs(house), set()
    table = st.lists(st.tuples(_conditions, st.sampled_from(ways)), max_size=4)

    @settings(
        max_examples=CASES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phases.generate],
    )
    @given(rows=table, otherwise=st.sampled_from(ways), facts=_facts)
    def same(rows: list[tuple[Any, str]], otherwise: str, facts: dict[str, str]) -> None:
        write(house, "invoice", *rows, otherwise=otherwise)
        with reading(here(house)) as db:
            same_again = draft_of(db, here(house), "invoice").same
        if not same_again:
            publish(house, "invoice")
        folder_id = runs.deposit(facts)
        with reading(here(house)) as db:
            draft = db.get_one(Folder, folder_id)
            rehearsed = taken(db, again(draft))
            trial = imagined(here(house), family("invoice"), draft.emitter_desk_id, draft.fields)
            administrators = taken(db, trial)
            route = route_of(db, draft)
        runs.send(folder_id)
        folder = house.folder(folder_id)
        assert followed(house, folder_id) == rehearsed.circuit.label == administrators.circuit.label
        assert folder.rule == route.rule
        assert rehearsed.title == administrators.title
        assert folder.phase == Phase.RUNNING
        ranks.add(folder.rule["rank"] if folder.rule else None)

    same()
    assert len(ranks) > 1


def test_the_page_rehearses_the_draft_of_the_rules_and_says_which_rule(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    write(house, "invoice", (ABOVE, "invoice"), otherwise=short)
    desk = house.folder(house.an_invoice()).emitter_desk_id
    query = {
        "type": "invoice",
        "bureau": str(desk),
        "jour": "2026-11-27",
        "essayer": "1",
        "f_total_ttc": "120",
        "f_proof_of_service": "technique",
        "f_received_on": "2026-11-26",
    }
    client = house.client(K)
    now = words(client.get("/circuits/essai", query_string=query))
    assert "Voirie courte" not in now.partition("Ce qui se passerait")[2]
    tried = words(client.get("/circuits/essai", query_string={**query, "circuit": "regles"}))
    assert (
        "Circuit « Voirie courte », version 1, par : autres cas des règles de « Facture » (brouillon)"
        in tried
    )
    empty = words(
        client.get("/circuits/essai", query_string={**query, "circuit": "regles", "f_total_ttc": ""})
    )
    assert "La règle 1 dépend de « Montant TTC », qui n’est pas renseigné." in empty
    publish(house, "invoice")
    told = words(client.get("/circuits/essai", query_string={**query, "f_total_ttc": "4000"}))
    assert "par : règle 1 de « Facture » (version 1) : montant TTC atteint 4 000 €." in told
    drafting.change(house.actor(K), short, 0, [Gesture("remove", "finance")])
    of_draft = words(client.get("/circuits/essai", query_string={**query, "circuit": f"brouillon:{short}"}))
    assert "Circuit « Facture, Voirie courte », brouillon." in of_draft


def test_a_rehearsal_doubts_no_rule_that_comes_after_one_that_holds_for_sure_nor_one_of_another_desk(
    house: House,
) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    order = {"field": "order_ref", "op": "==", "value": "X1"}
    elsewhere = {"all": [{"field": EMITTER, "op": "==", "value": "technique"}, order]}
    write(house, "invoice", (ABOVE, short), (elsewhere, short), (order, short))
    publish(house, "invoice")
    doubts = {}
    with reading(here(house)) as db:
        table = tables.in_force(db, here(house), "invoice")
        assert table is not None
        for total in ("500000", "100"):
            typed = {**FACTS, "total_ttc": total}
            folder = imagined(here(house), family("invoice"), desk_number(house, "comptabilite"), typed)
            doubts[total] = undecided(db, folder, table.table)
    assert doubts["500000"] == []
    assert [one.split(" dépend")[0] for one in doubts["100"]] == ["La règle 3"]


def test_who_deposits_reads_the_same_doubt_of_the_rules_as_who_administers(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    write(house, "invoice", ({"field": "order_ref", "op": "==", "value": "X1"}, short))
    publish(house, "invoice")
    draft = house.an_invoice(at="draft")
    for typed, doubted in (("", True), ("X2", False)):
        house.save(draft, G, {"order_ref": typed})
        facts = {f"f_{key}": str(value) for key, value in house.folder(draft).fields.items()}
        place = {"type": "invoice", "bureau": str(desk_number(house, "comptabilite")), "essayer": "1"}
        asked = {**facts, "f_order_ref": typed, **place}
        office = words(house.client(K).get("/circuits/essai", query_string=asked))
        deposit_page = words(house.client(G).get(f"/dossiers/{draft}/essai"))
        for page in (office, deposit_page):
            assert ("La règle 1 dépend de" in page) is doubted
            assert ("1 point à surveiller" in page) is doubted


def test_a_row_that_is_never_reached_says_who_hides_it_and_real_folders_are_counted(house: House) -> None:
    desks.seat(here(house), "comptabilite", K, [Right.CREATE])
    short = a_circuit(house, "Voirie courte", "direction")
    for total in ("100.00", "5000.00", "50000.00"):
        house.an_invoice(total_ttc=total, total_ht=total, total_vat="0.00")
    far = {"field": "total_ttc", "op": ">=", "value": 10000}
    write(house, "invoice", (ABOVE, "invoice"), (far, short), otherwise=short)
    page = words(house.client(K).get(f"{PAGE}/invoice"))
    assert "Jamais atteinte : la règle 1 prend déjà tous ces dossiers." in page
    assert "2 dossiers" in page
    assert "Comptés sur les 3 derniers dossiers envoyés de ce type que vous lisez" in page
    publishing = words(house.client(K).get(f"{PAGE}/invoice/publier"))
    assert "Jamais atteinte : la règle 1" in publishing
    assert "La règle 1 est ajoutée : si montant TTC atteint 4 000 €" in publishing
    assert "Les autres cas suivent « Voirie courte », et non plus" in publishing
    rules.change(house.actor(K), "invoice", 1, [Gesture("move", "row_2", 0)])
    assert "Jamais atteinte" not in words(house.client(K).get(f"{PAGE}/invoice"))


def test_counting_tells_nothing_of_folders_that_the_administrator_does_not_read(house: House) -> None:
    """By a row « total ≥ x », moved again and again, one would learn the amount of a payroll."""
    folder_id = house.a_pay_flow()
    assert house.client(K).get(f"/dossiers/{folder_id}").status_code == 404
    write(house, "pes_payroll", ({"field": "total", "op": ">=", "value": 0.01}, "pes_payroll"))
    page = words(house.client(K).get(f"{PAGE}/pes_payroll"))
    assert "Vous ne lisez aucun dossier de ce type qui soit envoyé." in page
    assert "1 dossier" not in page


def test_a_circuit_that_rules_name_is_not_closed_and_they_are_named(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    write(house, "invoice", (ABOVE, short))
    with pytest.raises(Refusal, match="circuit-used") as refused:
        close_circuit(house.actor(K), short, closed=True)
    assert refused.value.facts["users"] == "brouillon des règles de « Facture »"
    publish(house, "invoice")
    with pytest.raises(Refusal, match="circuit-used") as refused:
        close_circuit(house.actor(K), short, closed=True)
    assert refused.value.facts["users"] == "règle 1 de « Facture »"
    assert "Utilisé par : règle 1 de « Facture »." in words(house.client(K).get(f"/circuits/{short}"))
    write(house, "invoice")
    publish(house, "invoice")
    close_circuit(house.actor(K), short, closed=True)
    with pytest.raises(Refusal, match="rules-unready") as unready:
        rules.restore(house.actor(K), "invoice", 1, 2)
    assert "Le circuit « Voirie courte » est fermé" in unready.value.facts["details"]


def test_what_no_table_may_say_is_told_by_row_and_not_published(house: House) -> None:
    opened = named.open_circuit(house.actor(K), "invoice", "Jamais publié", "invoice")
    wrong = {"field": "total_ttc", "op": ">=", "value": "beaucoup"}
    contrary = {"all": [ABOVE, {"field": "total_ttc", "op": "<", "value": 10}]}
    write(house, "invoice", (None, "invoice"), (wrong, ""), (ABOVE, opened), (contrary, "deliberation"))
    page = words(house.client(K).get(f"{PAGE}/invoice"))
    for told in (
        "Règle 1 : Donnez une condition",
        "Règle 2 : Choisissez le circuit",
        "Règle 2 : « Montant TTC » n’est pas un montant",
        "Règle 3 : Le circuit « Jamais publié » n’est pas publié",
        "Règle 4 : Choisissez le circuit",
        "Règle 4 : Ces conditions se contredisent",
    ):
        assert told in page, told
    with pytest.raises(Refusal, match="rules-unready"):
        publish(house, "invoice")
    assert followed(house, house.an_invoice()) == family("invoice").circuit.label
    assert house.client(K).get(f"{PAGE}/rien").status_code == 404


def test_an_amount_that_is_computed_of_lines_is_compared_as_any_other(house: House) -> None:
    """An order has the total of its lines, which nobody types: rules and steps look at it all the same."""
    assert house.client(K).get(f"{PAGE}/purchase_order").status_code == 200
    order = family("purchase_order")
    total = order.field("total_ttc")
    assert total is not None
    assert total.computed
    typed = MultiDict({"cond_field_0": "total_ttc", "cond_op_0": ">=", "cond_value_0": "4 000,50"})
    assert forms._row(order, typed, 0) == {"field": "total_ttc", "op": ">=", "value": 4000.5}
    with reading(here(house)) as db:
        when = {"field": "total_ttc", "op": ">=", "value": 4000.5}
        assert not list(condition_problems(order, "row", when, desks_of(db, here(house))))


def press(house: House, gesture: str, at: str = f"{PAGE}/invoice", **typed: Any) -> TestResponse:
    """Open the page, type in the row that it shows, press a button; the page that follows."""
    client = house.client(K)
    page = client.get(at).get_data(as_text=True)
    data = {**form_of(page), **typed, "gesture": gesture}
    return client.post(at.partition("?")[0], data=data, follow_redirects=True)


def test_rules_are_written_in_the_page_without_a_script_and_two_never_overwrite_one_another(
    house: House,
) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    press(house, "add:0")
    press(house, "addcond", f"{PAGE}/invoice?regle=row_1", circuit=short)
    press(house, "save", f"{PAGE}/invoice?regle=row_1", cond_field_0="total_ttc")
    page = press(
        house,
        "save",
        f"{PAGE}/invoice?regle=row_1",
        cond_op_0=">=",
        cond_value_0="40 000,00",
        otherwise="invoice",
    )
    assert "Montant TTC atteint 40 000 €" in words(page)
    press(house, "copy:row_1")
    press(house, "down:row_1")
    press(house, "remove:row_2")
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), "invoice")
    assert draft.definition == {
        "rows": [
            {"key": "row_1", "when": {"field": "total_ttc", "op": ">=", "value": 40000}, "circuit": short}
        ],
        "otherwise": "invoice",
    }
    client = house.client(K)
    late = {**form_of(client.get(f"{PAGE}/invoice?regle=row_1").get_data(as_text=True)), "gesture": "save"}
    rules.change(house.actor(K), "invoice", draft.version, [], short)
    answer = client.post(f"{PAGE}/invoice", data={**late, "circuit": "invoice"})
    assert answer.status_code == 409
    assert "Ce n’est pas encore enregistré" in words(answer)
    answer = client.post(f"{PAGE}/invoice/publier", data={**late, "over": "0"})
    assert answer.status_code == 409
    with reading(here(house)) as db:
        seen = draft_of(db, here(house), "invoice").version
    data = {"csrf_token": house.csrf(client), "version": str(seen), "over": "0"}
    assert "La version 1 des règles est publiée" in words(
        client.post(f"{PAGE}/invoice/publier", data=data, follow_redirects=True)
    )
    again_ = client.post(f"{PAGE}/invoice/publier", data=data)
    assert again_.status_code == 409
    press(house, "add:0")
    assert "Le brouillon est abandonné" in words(press(house, "discard"))
    rules.give_up(house.actor(K), "invoice", 0)


def test_a_former_version_is_published_again(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    write(house, "invoice", (ABOVE, short))
    publish(house, "invoice")
    write(house, "invoice")
    publish(house, "invoice")
    client = house.client(K)
    page = words(client.get(f"{PAGE}/invoice/versions"))
    assert "La règle 1 (montant TTC atteint 4 000 €) est retirée." in page
    data = {"csrf_token": house.csrf(client), "number": "1", "over": "2"}
    answer = client.post(f"{PAGE}/invoice/versions", data=data, follow_redirects=True)
    assert "La version 3 est publiée : ce sont les règles de la version 1." in words(answer)
    assert client.post(f"{PAGE}/invoice/versions", data=data).status_code == 409
    with reading(here(house)) as db:
        version = tables.in_force(db, here(house), "invoice")
    assert version is not None
    assert (version.number, len(version.table.rows)) == (3, 1)


def a_type(house: House, *fields: OwnField, deposited_by: tuple[str, ...] = ()) -> str:
    number = own_types.open_type(house.actor(K), "invoice", "Facture d’énergie")
    definition = Definition("Facture d’énergie", fields=fields, deposited_by=deposited_by)
    seen = own_types.draw_up(house.actor(K), number, definition, shown=1)
    own_types.publish_type(house.actor(K), number, shown=seen)
    return "facture-d-energie"


def test_a_type_follows_the_rules_of_its_family_until_it_has_its_own_and_reads_its_own_fields(
    house: House,
) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    long = a_circuit(house, "Deux visas")
    kind = a_type(
        house, OwnField("own_batiment", "Bâtiment", "choice", False, (("ecole", "École"), ("port", "Port")))
    )
    assert "Circuit habituel" in words(house.client(K).get(PAGE))
    write(house, "invoice", otherwise=short)
    publish(house, "invoice")
    assert "Celles de « Facture »" in words(house.client(K).get(PAGE))
    software = Software(house, "comptabilite", [Right.CREATE])
    offered = {one["name"]: one for one in software.get("/families").json["families"]}
    assert offered[kind]["steps"] == offered["invoice"]["steps"]
    with reading(here(house)) as db:
        asked = own_types.offered(db, here(house))[0]
        desk = min(house.actor(G).desk_ids)
        folder = imagined(here(house), asked, desk, {"own_batiment": "ecole"})
        assert route_of(db, folder).name == short
    write(house, kind, ({"field": "own_batiment", "op": "==", "value": "ecole"}, long))
    publish(house, kind)
    with reading(here(house)) as db:
        route = route_of(db, imagined(here(house), asked, desk, {"own_batiment": "ecole"}))
        assert (route.name, route.rule and route.rule["words"]) == (long, "bâtiment vaut «\xa0École\xa0»")
        assert route_of(db, imagined(here(house), asked, desk, {"own_batiment": "port"})).name == short
        assert route_of(db, imagined(here(house), family("invoice"), desk, {})).name == short
        row = own_types.currents(db, here(house))[0].row
    own_types.draw_up(house.actor(K), row.id, Definition("Facture d’énergie"), shown=row.revision)
    with pytest.raises(Refusal, match="type-ruled") as refused:
        own_types.publish_type(house.actor(K), row.id, shown=row.revision + 1)
    assert refused.value.facts["fields"] == "« Bâtiment »"


def test_a_type_is_rehearsed_from_the_desks_that_deposit_it_alone(house: House) -> None:
    kind = a_type(house, deposited_by=("comptabilite",))
    client = house.client(K)
    offered = {
        name: set(
            re.findall(r"<option value=\"(\d+)\"", page.partition('id="bureau"')[2].partition("</select>")[0])
        )
        for name in ("invoice", kind)
        for page in [client.get("/circuits/essai", query_string={"type": name}).get_data(as_text=True)]
    }
    with reading(here(house)) as db:
        desk = db.scalars(
            sa.select(Desk.id).where(Desk.collectivity_id == here(house), Desk.key == "comptabilite")
        ).one()
    assert offered[kind] == {str(desk)}
    assert offered[kind] < offered["invoice"]


def test_another_commune_has_neither_the_rules_nor_the_circuits(house: House) -> None:
    short = a_circuit(house, "Voirie courte", "direction")
    write(house, "invoice", (ABOVE, short))
    publish(house, "invoice")
    write(house, "invoice", otherwise=short)
    a_type(house)
    other = desks.create_collectivity(
        "200023414", "Autre", department="029", district="1", nature="31", settings={}
    )
    with reading(other) as db:
        assert tables.every(db, other) == {}
        assert tables.in_force(db, other, "invoice") is None
        assert rules.drafts(db, other) == {}
        assert rules.takeable(db, other, rules.kind_of(db, other, "invoice")).offered == [
            ("invoice", family("invoice").circuit.label)
        ]
        assert rules.versions(db, other, "invoice") == []
        with pytest.raises(Refusal, match="rules-absent"):
            draft_of(db, other, "facture-d-energie")


def test_a_rehearsal_is_by_the_circuit_that_its_address_names_or_says_that_it_is_not_there(
    house: House,
) -> None:
    short, client = a_circuit(house, "Voirie courte", "direction"), house.client(K)
    desk = house.folder(house.an_invoice()).emitter_desk_id
    facts = {"bureau": str(desk), "jour": "2026-11-27", "essayer": "1", "f_total_ttc": "120"}

    def tried() -> str:
        """What the page of the circuit leads to, with the facts of a folder."""
        page = client.get(f"/circuits/{short}").get_data(as_text=True)
        (link,) = re.findall(r'href="(/circuits/essai\?[^"]*)"', page)
        return words(client.get(f"{html.unescape(link)}&{urlencode(facts)}"))

    assert "Circuit « Voirie courte », version 1, que les règles le donnent à ce dossier ou non." in tried()
    drafting.change(house.actor(K), short, 0, [Gesture("remove", "finance")])
    assert "Circuit « Facture, Voirie courte », brouillon." in tried()
    for gone in ({"circuit": "brouillon"}, {"circuit": "circuit:invoice.rien"}, {"circuit": "regles"}):
        page = words(client.get("/circuits/essai", query_string={"type": "invoice", **facts, **gone}))
        assert "Le circuit ou le brouillon demandé n’est pas de ce type de dossier, ou n’est plus là" in page
        assert "Ce dossier" not in page.partition("Ce qui se passerait")[2]
    page = words(client.get("/circuits/essai", query_string={"type": "rien", **facts}))
    assert "Le type de dossier demandé n’existe pas" in page
    assert "Ce dossier" not in page.partition("Ce qui se passerait")[2]


def test_a_circuit_says_which_rules_give_it_folders(house: House) -> None:
    short, client = a_circuit(house, "Voirie courte", "direction"), house.client(K)
    write(house, "invoice", (ABOVE, short))
    waits = words(client.get(f"/circuits/{short}"))
    assert "Aucune règle ne prend ce circuit" in waits
    assert "Il attend dans : brouillon des règles de « Facture »." in waits
    publish(house, "invoice")
    told = words(client.get(f"/circuits/{short}"))
    assert "Utilisé par : règle 1 de « Facture »" in told
    assert "Aucun nouveau dossier" not in told
    listed = words(client.get("/circuits"))
    assert "Pris par : règle 1 de « Facture »." in listed
    assert "Circuit habituel. Pris par : autres cas de « Facture »." in listed
    drafting.change(house.actor(K), short, 0, [Gesture("remove", "finance")])
    page = words(client.get(f"/circuits/{short}/publier"))
    assert "qui prennent ce circuit suivront la version 2. Pris par : règle 1 de « Facture »." in page
