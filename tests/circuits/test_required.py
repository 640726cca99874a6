"""A field of a type is required at a step: who acts there fills it in, nothing moves before, and everybody reads who wrote it."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from app.circuits import drafting, library, named, own_types, rules
from app.circuits.drafting import draft_of
from app.circuits.gestures import Gesture
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders import decide, filling, rerouting, sending
from app.folders.models import Folder
from app.folders.rehearsal import again, rehearse
from app.folders.rerouting import REMOVE, Change
from app.folders.route import route_of
from app.journal.models import JournalEntry
from app.operations.declared.applying import apply_document
from app.operations.declared.document import read
from app.operations.declared.document import write as written
from app.operations.declared.present import changes, present
from app.people import desks
from app.people.models import Absence
from tests.api.software import Software
from tests.batches.town import Hand, became
from tests.builders.house import INVOICE, House
from tests.circuits.test_editor import press
from tests.circuits.test_reserved import KIND, new_version
from tests.circuits.test_rules import CHANNELS, FACTS, G, K, a_circuit, a_type, here, publish, words, write
from workflows.own_types import Column, Definition, OwnField
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
N = "n.abgrallec"
SUM, CODE, LOTS = "own_sum", "own_code", "own_lots"
FIELDS = (
    OwnField(CODE, "Numéro d’engagement", "text"),
    OwnField(SUM, "Montant engagé", "amount"),
    OwnField(LOTS, "Lots", "lines", columns=(Column("lieu", "Lieu", "text", True),)),
    OwnField("own_site", "Site", "text", True),
)
ABOVE = {"field": SUM, "op": ">=", "value": 4000}
FILLED = {CODE: "E-2026-0412", SUM: "4 200,50"}


def requiring(house: House, asked: dict[str, list[str]], **conditions: Any) -> str:
    """A circuit of the type, in force and taken by its rules, whose steps require these fields, under these conditions."""
    a_type(house, *FIELDS)
    name = a_circuit(house, "Énergie")
    with reading(here(house)) as db:
        steps = {one["key"]: one for one in draft_of(db, here(house), name).definition["steps"]}
    made = [
        Gesture(
            "write",
            key,
            step={
                **{part: value for part, value in steps[key].items() if part != "when"},
                **({"requires": asked[key]} if key in asked else {}),
                **({"when": conditions[key]} if conditions.get(key) else {}),
            },
        )
        for key in {**asked, **conditions}
    ]
    seen = drafting.change(house.actor(K), name, 0, made, None, KIND)
    drafting.publish_draft(house.actor(K), name, seen, 1, CHANNELS)
    write(house, KIND, otherwise=name)
    publish(house, KIND)
    return name


def at_finance(house: House) -> int:
    """An invoice of the type that waits for its control, the first one sent as a draft of its own."""
    folder_id = house.deposit(G, KIND, INVOICE)
    house.another(folder_id)
    house.save(folder_id, G, {**{key: str(one) for key, one in FACTS.items()}, "own_site": "École"})
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "r.pellenec")
    return folder_id


def lines(folder_id: int, event: str) -> list[dict[str, Any]]:
    with reading() as db:
        query = sa.select(JournalEntry.facts).where(
            JournalEntry.folder_id == folder_id, JournalEntry.event == event
        )
        return [json.loads(facts) for facts in db.scalars(query.order_by(JournalEntry.id))]


def plain(text: str) -> str:
    """The words of the journal, their spaces all alike."""
    return text.replace("\xa0", " ").replace("\u202f", " ")


def post(house: House, folder_id: int, login: str = N, **form: Any) -> Any:
    client = house.client(login)
    data = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version), **form}
    return client.post(f"/dossiers/{folder_id}/remplir", data=data)


def test_the_step_waits_for_its_fields_and_who_acts_there_fills_them_in(house: House) -> None:
    requiring(house, {"finance": [CODE, SUM]}, direction=ABOVE)
    folder_id = at_finance(house)
    client = house.client(N)
    page = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    shown = words(client.get(f"/dossiers/{folder_id}"))
    assert "À remplir avant de viser : « Numéro d’engagement », « Montant engagé »" in shown
    assert re.search(
        r'<button class="btn btn-primary btn-big bar-off"\s+type="button"\s+data-key="a"\s+disabled', page
    )
    assert 'id="act-approve"' not in page
    assert "Ajouter une note au visa" not in shown
    assert "Ensuite : direction générale, selon ce qui reste à remplir." in shown
    assert "Selon ce qui sera rempli : « Montant engagé »" in shown
    # Who may not act there reads what is awaited, and has no field
    other = house.client(G)
    assert "À remplir : « Numéro d’engagement », « Montant engagé »" in words(
        other.get(f"/dossiers/{folder_id}")
    )
    assert "own_code" not in other.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    before = house.folder(folder_id)
    with pytest.raises(Refusal, match="facts-awaited") as refused:
        house.approve(folder_id, N)
    assert refused.value.facts["fields"] == "« Numéro d’engagement », « Montant engagé »"
    assert post(house, folder_id, "g.trehorel", **FILLED).status_code == 403
    # What is wrong stands beside its field, what is right is still there, nothing is kept
    answer = post(house, folder_id, **{CODE: "E-2026-0412", SUM: "beaucoup", "then": "approve"})
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert 'value="E-2026-0412"' in text
    assert 'value="beaucoup"' in text
    assert re.search(r'id="own_sum"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*id="own_sum"', text)
    assert "n’est pas un montant en euros" in words(answer)
    answer = post(house, folder_id, **{CODE: "E-2026-0412", SUM: "", "then": "approve"})
    assert "« Montant engagé » reste à renseigner." in words(answer)
    after = house.folder(folder_id)
    assert (after.version, after.fields, after.sources) == (before.version, before.fields, before.sources)
    # One part now, the other with the visa
    assert post(house, folder_id, **{CODE: "E-1"}).status_code == 302
    assert "À remplir avant de viser : « Montant engagé »" in words(client.get(f"/dossiers/{folder_id}"))
    assert post(house, folder_id, **FILLED, then="approve").status_code == 302
    folder = house.folder(folder_id)
    assert folder.place == "direction"
    assert (folder.fields[CODE], folder.fields[SUM]) == ("E-2026-0412", "4200.50")
    first, second = lines(folder_id, "facts.filled")
    assert first["facts"] == {CODE: "E-1"}
    assert second["facts"] == {CODE: "E-2026-0412", SUM: "4200.50"}
    assert second["before"] == {CODE: "E-1"}
    assert house.journal(folder_id)[-2:] == ["facts.filled", "folder.approve"]
    told = "« Numéro d’engagement » rempli par Nolwenn Abgrallec : E-2026-0412"
    for path in (f"/dossiers/{folder_id}", f"/dossiers/{folder_id}/bordereau"):
        assert told in words(other.get(path))
    assert "E-2026-0412 (rempli par Nolwenn Abgrallec à l’étape" in words(
        other.get(f"/dossiers/{folder_id}?onglet=details")
    )
    journal = words(other.get(f"/dossiers/{folder_id}?onglet=journal"))
    assert "Rempli par Nolwenn Abgrallec, « Numéro d’engagement » : E-2026-0412, au lieu de E-1" in journal
    assert post(house, folder_id, **{CODE: "E-9"}).status_code == 409  # the step is passed


def test_a_value_that_decided_the_way_or_served_a_colleague_stands_and_a_stale_page_keeps_what_was_typed(
    house: House,
) -> None:
    name = requiring(house, {"finance": [CODE, "own_site"]})
    site = {"field": "own_site", "op": "==", "value": "École"}
    write(house, KIND, (site, name), otherwise=name)
    publish(house, KIND)
    folder_id = at_finance(house)
    answer = post(house, folder_id, **{CODE: "E-1", "own_site": "Halle"})
    assert answer.status_code == 422
    assert "« Site » a décidé du circuit de ce dossier, et n’y change plus." in words(answer)
    assert CODE not in house.folder(folder_id).fields
    version = house.folder(folder_id).version
    assert post(house, folder_id, **{CODE: "E-1", "own_site": "École"}).status_code == 302
    stale = post(house, folder_id, version=str(version), **{CODE: "E-perdu"})
    assert stale.status_code == 409
    assert "E-perdu" in words(stale)
    assert "Ce que vous avez rempli n’a pas été enregistré." in words(stale)
    # Back to who deposited and sent again: the value stands, the gate is open, and it may be put right
    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="à revoir")
    assert 'value="E-1"' in house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "r.pellenec")
    assert "Ce que cette étape demande est rempli" in words(house.client(N).get(f"/dossiers/{folder_id}"))
    assert post(house, folder_id, **{CODE: "E-2", "own_site": "École"}).status_code == 302
    house.approve(folder_id, N)
    assert house.folder(folder_id).fields[CODE] == "E-2"


def test_a_form_that_is_filled_in_and_posted_again_says_what_it_did(house: House) -> None:
    requiring(house, {"finance": [CODE]})
    folder_id = at_finance(house)
    version = str(house.folder(folder_id).version)
    assert post(house, folder_id, version=version, **{CODE: "E-1"}).status_code == 302
    again = post(house, folder_id, version=version, **{CODE: "E-1"})
    told = words(again)
    assert again.status_code == 409
    assert "Vous avez déjà agi sur ce dossier" in told
    assert re.search(
        r"Ce que vous avez rempli à \d+ h \d\d est enregistré\. Cette fois-ci, rien de plus", told
    )
    told = words(post(house, folder_id, "t.lescoat", version=version, **{CODE: "E-2"}))
    assert "Ce que vous avez rempli n’a pas été enregistré." in told, "somebody else did"
    post(house, folder_id, "t.lescoat", **{CODE: "E-2"})
    told = words(post(house, folder_id, version=version, **{CODE: "E-1"}))
    assert re.search(r"Ce que vous aviez rempli à \d+ h \d\d a été remplacé depuis ; cette fois-ci", told)
    assert "est enregistré" not in told, "a colleague's value stands"
    assert len(lines(folder_id, "facts.filled")) == 2


def test_a_visa_of_the_form_that_fills_in_says_so_when_it_is_posted_again(house: House) -> None:
    requiring(house, {"finance": [CODE]})
    other = at_finance(house)
    version = str(house.folder(other).version)
    form = {CODE: "E-3", "then": "approve", "version": version}
    assert "Ni ce que vous avez rempli ni votre visa" in words(post(house, other, **{**form, "version": "1"}))
    answer = post(house, other, **form)
    assert answer.status_code == 302, words(answer)
    assert "Vous avez visé" in words(post(house, other, **form))
    house.sign(other, "a.kervadec")
    told = words(post(house, other, **form))
    assert re.search(r"Ce que vous avez décidé à \d+ h \d\d est enregistré ; cette fois-ci", told)


def test_a_batch_tells_apart_the_folders_that_lack_a_field_and_moves_the_others(house: House) -> None:
    requiring(house, {"finance": [CODE]})
    filled, empty, late = (at_finance(house) for _ in range(3))
    for one in (filled, late):
        filling.fill_in(house.actor(N), one, version=house.folder(one).version, facts={CODE: f"E-{one}"})
        house.another(one)  # what was filled in has its keys written again
    hand = Hand(house, N)
    number = hand.propose("approve", [filled, empty, late])
    page = hand.page(number)
    assert "Viser 2 dossiers" in page
    assert "À remplir avant de viser : « Numéro d’engagement », depuis la page du dossier." in page
    assert words(hand.client.get("/a-traiter")).count("À remplir avant de viser") == 1, "as the bar tells it"
    rejecting = hand.propose("reject", [empty])
    assert "Rejeter 1 dossier" in hand.page(rejecting)
    number = hand.propose("approve", [filled, late])
    filling.fill_in(house.actor(N), late, version=house.folder(late).version, facts={CODE: ""})
    hand.post(f"/lots/{number}/commencer")
    house.drain()
    became(number, {filled: ("done", ""), late: ("refused", "« ")})
    assert house.folder(late).place == "finance"


def stand_in(house: House, absent: str, cover: str) -> int:
    """Somebody stands in for somebody, an hour ago to an hour from now; the number of the absence."""
    row = {
        "collectivity_id": here(house),
        "user_id": house.actor(absent).user_id,
        "cover_id": house.actor(cover).user_id,
        "types": [],
        "acts": True,
        "letters": False,
        "starts_at": now() - timedelta(hours=1),
        "ends_at": now() + timedelta(hours=1),
        "revision": 1,
        "set_by": "Essai",
        "set_at": now(),
    }
    with engine().begin() as connection:
        connection.execute(sa.insert(Absence.__table__), [row])
        return connection.scalar(sa.select(sa.func.max(Absence.id))) or 0


def test_who_stands_in_meets_the_same_gate_and_is_named_with_who_is_away(house: House) -> None:
    requiring(house, {"finance": [CODE]})
    folder_id = at_finance(house)
    stand_in(house, N, "s.rivoal")
    with pytest.raises(Refusal, match="facts-awaited"):
        house.approve(folder_id, "s.rivoal")
    assert post(house, folder_id, "s.rivoal", **{CODE: "E-5"}, then="approve").status_code == 302
    assert house.folder(folder_id).place != "finance"
    (line,) = lines(folder_id, "facts.filled")
    assert line["absent"] == "Nolwenn Abgrallec"
    told = "rempli par Solenn Rivoal, en l’absence de Nolwenn Abgrallec : E-5"
    assert told in words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))


def test_nothing_is_filled_in_under_a_cover_that_ended_since_the_page_was_shown(house: House) -> None:
    requiring(house, {"finance": [CODE]})
    folder_id = at_finance(house)
    absence = stand_in(house, N, "s.rivoal")
    stale, version = house.actor("s.rivoal"), house.folder(folder_id).version
    with engine().begin() as connection:
        connection.execute(sa.update(Absence.__table__).where(Absence.id == absence).values(ends_at=now()))
    with pytest.raises(Refusal, match="cover-over"):
        filling.fill_in(stale, folder_id, version=version, facts={CODE: "E-5"})
    assert (house.folder(folder_id).version, lines(folder_id, "facts.filled")) == (version, [])


def test_a_signature_is_not_prepared_before_its_fields_are_filled_in(house: House) -> None:
    requiring(house, {"bon_a_payer": [CODE]}, direction=ABOVE)
    folder_id = at_finance(house)
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"
    with pytest.raises(Refusal, match="facts-awaited"):
        house.prepare(folder_id, "a.kervadec")
    page = words(house.client("a.kervadec").get(f"/dossiers/{folder_id}"))
    assert "À remplir avant de signer : « Numéro d’engagement »" in page
    assert "Enregistrer et viser" not in page
    assert post(house, folder_id, "a.kervadec", **{CODE: "E-7"}).status_code == 302
    house.sign(folder_id, "a.kervadec")
    house.drain()
    assert house.folder(folder_id).phase == "done"
    assert "facts.filled" in house.journal(folder_id)


def test_a_table_is_filled_in_line_by_line_and_nothing_is_kept_before(house: House) -> None:
    requiring(house, {"finance": [LOTS]})
    folder_id = at_finance(house)
    older = str(house.folder(folder_id).version)
    answer = post(house, folder_id, **{f"{LOTS}.0.lieu": "École", "action": f"line-on:{LOTS}"})
    assert answer.status_code == 200
    assert 'value="École"' in answer.get_data(as_text=True)
    assert LOTS not in house.folder(folder_id).fields
    assert post(house, folder_id, **{f"{LOTS}.0.lieu": "École"}).status_code == 302
    assert house.folder(folder_id).fields[LOTS] == [{"lieu": "École"}]
    # A page that was opened before keeps its age when a line is added to it, and undoes nothing
    typed = {"version": older, f"{LOTS}.0.lieu": "Gymnase"}
    form = post(house, folder_id, **typed, action=f"line-on:{LOTS}").text.partition('id="fill-form"')[2]
    assert re.findall(r'name="version" value="(\d+)"', form)[0] == older
    assert post(house, folder_id, **typed).status_code == 409
    assert house.folder(folder_id).fields[LOTS] == [{"lieu": "École"}]
    house.approve(folder_id, N)
    assert "« Lots » rempli par Nolwenn Abgrallec : 1 ligne" in words(
        house.client(G).get(f"/dossiers/{folder_id}")
    )


def test_software_is_told_what_to_fill_in_and_does_it_with_its_visa_or_before(house: House) -> None:
    requiring(house, {"finance": [CODE, SUM]}, direction=ABOVE)
    folder_id = at_finance(house)
    software = Software(house, "finances", [Right.ACT])
    shown = software.get(f"/folders/{folder_id}").json
    assert [one["value"] for one in shown["to_fill"]] == [CODE, SUM]
    assert "fill" in shown["actions"]
    assert {one["key"]: one["requires"] for one in shown["steps"]}["finance"] == [CODE, SUM]
    at = f"/folders/{folder_id}"
    refused = software.post(f"{at}/approve", version=shown["version"])
    assert (refused.status_code, refused.json["key"]) == (422, "facts-awaited")
    wrong = software.post(f"{at}/fill", version=shown["version"], facts={SUM: "x", "total_ttc": "1"})
    assert (wrong.status_code, wrong.json["key"]) == (422, "facts-to-fix")
    assert {(one["key"], one["field"]) for one in wrong.json["problems"]} == {
        ("amount-invalid", SUM),
        ("field-not-asked", "total_ttc"),
    }
    part = software.post(f"{at}/fill", version=shown["version"], facts={CODE: "E-3"}).json
    assert [one["value"] for one in part["to_fill"]] == [SUM]
    done = software.post(f"{at}/approve", version=part["version"], facts={SUM: "12"})
    assert done.status_code == 200, done.json
    assert (done.json["place"], done.json["facts"][SUM]) == ("bon_a_payer", "12.00")
    nothing = software.post(f"{at}/fill", version=done.json["version"], facts={CODE: "E-4"})
    assert nothing.status_code == 403


def test_the_editor_requires_a_field_and_says_where_and_the_type_says_it_too(house: House) -> None:
    a_type(house, *FIELDS)
    name = a_circuit(house, "Énergie")
    client, at = house.client(K), f"/circuits/{name}?etape=finance"
    assert "réservez d’abord ce circuit à ce type" in words(client.get(at))
    press(client, "save", at, only_for=KIND)
    page = client.get(at).get_data(as_text=True)
    assert "À remplir avant de viser" in page
    assert 'value="own_site"' not in page.partition("requires_add")[2].partition("</select>")[0]
    shown = words(press(client, "addrequires", at, requires_add=CODE))
    assert "à remplir : Numéro d’engagement" in shown
    press(client, "addrequires", at, requires_add=LOTS)
    told = words(client.get(f"/circuits/{name}/publier"))
    assert "« Numéro d’engagement », « Lots » y sont à remplir." in told
    shown = words(press(client, "unrequires:1", at))
    assert "à remplir : Numéro d’engagement" in shown
    assert "à remplir : Numéro d’engagement, Lots" not in shown
    early = f"/circuits/{name}?etape=service_done"
    press(client, "addcond", early)
    shown = words(press(client, "save", early, cond_field_0=CODE, cond_op_0="==", cond_value_0="E-1"))
    assert "qui n’est demandé qu’à l’étape « Contrôle des finances » : elle serait décidée sur rien" in shown
    press(client, "uncond:0", early)
    with reading(here(house)) as db:
        seen = draft_of(db, here(house), name)
    drafting.publish_draft(house.actor(K), name, seen.version, 1, CHANNELS)
    with reading(here(house)) as db:
        row = own_types.currents(db, here(house))[0].row
    assert "Exigé à l’étape « Contrôle des finances » du circuit « Énergie »." in words(
        client.get(f"/administration/types/{row.id}")
    )


def test_neither_rules_nor_a_type_nor_the_file_of_a_collectivity_have_it_read_before_it_is_asked(
    house: House,
) -> None:
    name = requiring(house, {"finance": [CODE]})
    read_early = {"field": CODE, "op": "==", "value": "E-1"}
    write(house, KIND, (read_early, name), otherwise=name)
    with pytest.raises(Refusal, match="rules-unready") as refused:
        publish(house, KIND)
    assert "La règle 1 dépend de « Numéro d’engagement »" in refused.value.facts["details"]
    asked = replace(FIELDS[0], required=True)
    new_version(house, asked, *FIELDS[1:])
    publish(house, KIND)  # no folder leaves without it any more
    with pytest.raises(Refusal, match="type-late") as refused:
        new_version(house, *FIELDS)
    assert "La règle 1 dépend de « Numéro d’engagement »" in refused.value.facts["details"]
    with pytest.raises(Refusal, match="type-ruled"):
        new_version(house, *FIELDS[1:])
    secretary = house.actor(K)
    with reading(here(house)) as db:
        text = written(present(db, here(house)))
    data = yaml.safe_load(text)
    (finance,) = [one for one in data["circuits"][name]["steps"] if one["key"] == "finance"]
    assert finance["requires"] == [CODE]
    assert apply_document(secretary, read(text.encode())).changed == []
    finance["requires"] = [CODE, SUM]
    with reading(here(house)) as db:
        document = read(yaml.safe_dump(data).encode())
        told = [one.file for one in changes(present(db, here(house)), document) if name in one.where]
    assert any("« Montant engagé » y est à remplir." in one.replace("\xa0", " ") for one in told)
    late = {"key": "row_2", "when": {"field": SUM, "op": ">", "value": 10}, "circuit": name}
    data["rules"][KIND]["rows"].append(late)
    with pytest.raises(Refusal, match="declared-stopped") as refused:
        apply_document(secretary, read(yaml.safe_dump(data).encode()))
    assert "« Montant engagé »" in refused.value.facts["why"].replace("\xa0", " ")
    with reading(here(house)) as db:
        assert rules.draft_of(db, here(house), KIND).in_force == 2
        assert library.in_force(db, here(house))[name].step("finance").requires == (CODE,)


def test_a_value_replaced_once_the_folder_came_back_says_who_replaced_it_and_whose_it_was(
    house: House,
) -> None:
    requiring(house, {"finance": [CODE, SUM]})
    folder_id = at_finance(house)
    assert post(house, folder_id, **FILLED).status_code == 302
    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="à revoir")
    draft = words(house.client(G).get(f"/dossiers/{folder_id}/brouillon"))
    assert f"Rempli par {house.actor(N).name} à l’étape « Contrôle des finances »." in draft
    house.save(folder_id, G, {CODE: "E-9"})
    house.save(folder_id, G, {CODE: "E-9", SUM: ""})
    who, depositor = house.actor(N).name, house.actor(G).name
    told = [plain(one["words"]) for one in lines(folder_id, "facts.replaced")]
    origin = f"rempli par {who} à l’étape « Contrôle des finances »"
    assert told == [
        f"« Numéro d’engagement » : E-9, au lieu de E-2026-0412, {origin}",
        f"« Montant engagé » : rien, au lieu de 4 200,50 €, {origin}",
    ]
    page = words(house.client(N).get(f"/dossiers/{folder_id}?onglet=details"))
    assert re.search(
        rf"E-9 \(écrit par {depositor} le [^)]* au lieu de E-2026-0412, {re.escape(origin)}\)", page
    )
    assert re.search(rf"rien \(écrit par {depositor} le [^)]* au lieu de 4 200,50 €, ", page)
    # Once it is sent again, whoever answers for the value reads that it is another one, and what was taken off is asked again
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "r.pellenec")
    page = words(house.client(N).get(f"/dossiers/{folder_id}"))
    assert f"rempli par {who} : E-2026-0412 ; {depositor} a écrit depuis : E-9" in page
    assert "À remplir avant de viser : « Montant engagé »" in page
    assert post(house, folder_id, **FILLED, then="approve").status_code == 302
    page = words(house.client(G).get(f"/dossiers/{folder_id}?onglet=details"))
    assert f"E-2026-0412 ({origin})" in page
    assert "E-9" not in page
    assert "au lieu de E-9" in plain(lines(folder_id, "facts.filled")[-1]["words"])


def test_a_value_written_again_as_it_was_filled_in_is_his_who_filled_it_in(house: House) -> None:
    requiring(house, {"finance": [CODE, LOTS]})
    folder_id = at_finance(house)
    lots = {f"{LOTS}.0.lieu": "Quai"}
    assert post(house, folder_id, **{CODE: "E-1"}, **lots).status_code == 302
    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="à revoir")
    house.save(folder_id, G, {CODE: "E-2"})
    house.save(folder_id, G, {CODE: "E-1", LOTS: [{"lieu": "Quai"}, {"lieu": "Mole"}]})
    told = [plain(one["words"]) for one in lines(folder_id, "facts.replaced")]
    assert told[1].startswith(
        "« Numéro d’engagement » : E-1, au lieu de E-2, écrit depuis le retour du dossier ; "
    )
    assert "« Lots » : 2 lignes, au lieu de 1 ligne, rempli par" in told[1]
    page = words(house.client(N).get(f"/dossiers/{folder_id}?onglet=details"))
    assert f"E-1 (rempli par {house.actor(N).name} à l’étape « Contrôle des finances »)" in page
    assert f"Origine de « Lots » écrit par {house.actor(G).name} le " in page


def test_a_rehearsal_fills_in_on_the_way_as_a_real_run_does(house: House) -> None:
    requiring(house, {"finance": [SUM]}, direction=ABOVE)
    folder_id = at_finance(house)
    with reading(here(house)) as db:
        for later, passes in ({SUM: "5000.00"}, True), ({SUM: "12.00"}, False), ({}, False):
            folder = again(db.get_one(Folder, folder_id))
            circuit = route_of(db, folder).circuit
            way = rehearse(db, folder, circuit, today(), later)
            assert ("direction" in [one.step.key for one in way.stages]) is passes
            assert [one.step.key for one in way.aside] == ([] if passes else ["direction"])
            assert {one.step.key: one.asks for one in way.stages}["finance"] == ("Montant engagé",)
    trial = {
        "type": KIND,
        "bureau": str(min(house.actor(G).desk_ids)),
        "essayer": "1",
        "f_total_ttc": "120",
        "f_received_on": FACTS["received_on"],
        "f_proof_of_service": "technique",
        f"f_{SUM}": "5000",
    }
    page = words(house.client(K).get("/circuits/essai", query_string=trial))
    assert "À remplir : Montant engagé" in page
    assert "Direction générale (Possible)" in page


def test_changed_coming_steps_take_their_requirement_with_them_unless_another_depends_on_it(
    house: House,
) -> None:
    requiring(house, {"finance": [SUM], "bon_a_payer": [CODE]}, direction=ABOVE)
    desks.seat(here(house), "comptabilite", G, [Right.ACT, Right.CREATE, Right.REROUTE])
    folder_id = house.deposit(G, KIND, INVOICE)
    house.save(folder_id, G, {**{key: str(one) for key, one in FACTS.items()}, "own_site": "École"})
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    version = house.folder(folder_id).version

    def change(*keys: str) -> tuple[str, ...]:
        made = [Change(REMOVE, step=key) for key in keys]
        return rerouting.reroute(
            house.actor(G), folder_id, version=version, changes=made, reason="Déjà contrôlé."
        )

    with pytest.raises(Refusal, match="coming-refused") as refused:
        change("finance")
    assert (
        "dépend de « Montant engagé », que plus aucune étape ne demanderait" in refused.value.facts["details"]
    )
    told = change("finance", "direction")
    assert any("est retirée : « Montant engagé » n’est plus à remplir." in one for one in told)
    house.approve(folder_id, "r.pellenec")
    assert house.folder(folder_id).place == "bon_a_payer"
    with pytest.raises(Refusal, match="facts-awaited"):
        house.prepare(folder_id, "a.kervadec")


def test_an_act_is_not_posted_in_urgency_over_a_field_that_publication_requires(house: House) -> None:
    number = own_types.open_type(house.actor(K), "deliberation", "Délibération de voirie")
    place = OwnField("own_place", "Lieu d’affichage", "text")
    seen = own_types.draw_up(
        house.actor(K), number, Definition("Délibération de voirie", fields=(place,)), shown=1
    )
    own_types.publish_type(house.actor(K), number, shown=seen)
    kind = "deliberation-de-voirie"
    name = named.open_circuit(house.actor(K), "deliberation", "Voirie", "deliberation")
    with reading(here(house)) as db:
        step = next(
            one for one in draft_of(db, here(house), name).definition["steps"] if one["key"] == "publication"
        )
    made = [Gesture("write", "publication", step={**step, "requires": ["own_place"]})]
    seen = drafting.change(house.actor(K), name, 1, made, None, kind)
    drafting.publish_draft(house.actor(K), name, seen, 0, CHANNELS)
    write(house, kind, otherwise=name)
    publish(house, kind)
    act = house.a_deliberation(at="publication", family=kind)
    client, why = house.client(K), "Risque d’éboulement de la falaise ce week-end."
    awaited = "À remplir avant de publier : « Lieu d’affichage »"
    shown = words(client.get(f"/dossiers/{act}"))
    assert awaited in shown
    assert "Enregistrer l’affichage" not in shown
    version = house.folder(act).version
    form = {"csrf_token": house.csrf(client), "reason": why, "published_on": today().isoformat()}
    answer = client.post(f"/dossiers/{act}/afficher", data={**form, "version": version})
    assert answer.status_code == 422
    assert "il faut remplir « Lieu d’affichage » avant de publier" in words(answer)
    assert "publication.posted" not in house.journal(act)
    assert house.folder(act).version == version
    post(house, act, K, own_place="Porte de la mairie")
    form["version"] = house.folder(act).version
    assert client.post(f"/dossiers/{act}/afficher", data=form).status_code == 302
    assert "publication.posted" in house.journal(act)


@pytest.mark.both_databases
def test_of_two_who_fill_in_a_field_each_is_told_what_became_of_his_own(house: House) -> None:
    requiring(house, {"finance": [CODE]})
    folder_id = at_finance(house)
    first = str(house.folder(folder_id).version)
    assert post(house, folder_id, version=first, **{CODE: "E-1"}).status_code == 302
    mine = str(house.folder(folder_id).version)
    # What a colleague has written since is hers, though an older page has it too
    assert post(house, folder_id, "t.lescoat", **{CODE: "E-2"}).status_code == 302
    told = words(post(house, folder_id, version=mine, **{CODE: "E-2"}))
    assert "Ce que vous avez rempli à" not in told
    assert "n’a pas été enregistré" in told
    # What one has replaced oneself was recorded, and is told so
    assert post(house, folder_id, **{CODE: "E-3"}).status_code == 302
    told = words(post(house, folder_id, version=first, **{CODE: "E-1"}))
    assert "n’a pas été enregistré" not in told
    assert "a été remplacé depuis" in told
    # Her value is hers, though he wrote the same before
    mine = str(house.folder(folder_id).version)
    assert post(house, folder_id, "t.lescoat", **{CODE: "E-1"}).status_code == 302
    assert "Ce que vous avez rempli à" not in words(post(house, folder_id, version=mine, **{CODE: "E-1"}))
