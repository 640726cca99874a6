"""A circuit is kept for one type: it reads the fields of that type, its rules alone take it, and no version breaks it."""

import re
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.circuits import drafting, library, own_types, rules
from app.circuits.drafting import draft_of
from app.circuits.gestures import Gesture
from app.circuits.models import CircuitVersion
from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import deposit
from app.folders.keep import Incoming, keep_main
from app.folders.rehearsal import imagined, rehearse
from app.folders.route import route_of
from app.operations.declared.applying import apply_document
from app.operations.declared.document import read
from app.operations.declared.document import write as written
from app.operations.declared.present import present
from tests.builders import circuits
from tests.builders.house import INVOICE, House
from tests.circuits.test_editor import press
from tests.circuits.test_rules import (
    ABOVE,
    CHANNELS,
    FACTS,
    PAGE,
    G,
    K,
    a_circuit,
    a_type,
    here,
    publish,
    words,
    write,
)
from tests.folders.test_corrections import FILE, TYPED, WHY, send
from workflows.family import family, imposed
from workflows.loader import load
from workflows.own_types import Definition, OwnField

pytestmark = pytest.mark.in_turn
KIND = "facture-d-energie"
SITE = OwnField("own_site", "Site", "choice", False, (("ecole", "École"), ("port", "Port")))
LEVEL = OwnField("own_level", "Niveau", "text")
SCHOOL = {"field": "own_site", "op": "==", "value": "ecole"}


def kept(house: House, label: str = "Énergie", key: str = "direction", *without: str) -> str:
    """A published circuit of the type, where a step is asked for schools alone."""
    name = a_circuit(house, label, *without)
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), name)
    step = next(one for one in draft.definition["steps"] if one["key"] == key)
    gesture = Gesture("write", key, step={**step, "when": SCHOOL})
    seen = drafting.change(house.actor(K), name, 0, [gesture], None, KIND)
    drafting.publish_draft(house.actor(K), name, seen, 1, CHANNELS)
    return name


def new_version(house: House, *fields: OwnField) -> int:
    """Publish another version of the type, with these fields."""
    with reading(here(house)) as db:
        row = own_types.currents(db, here(house))[0].row
    seen = own_types.draw_up(
        house.actor(K), row.id, Definition("Facture d’énergie", fields=fields), shown=row.revision
    )
    return own_types.publish_type(house.actor(K), row.id, shown=seen)


def unread(house: House, name: str, key: str) -> None:
    """Publish a circuit anew, where the step is asked of every folder."""
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), name)
    step = next(one for one in draft.definition["steps"] if one["key"] == key)
    always = {part: value for part, value in step.items() if part != "when"}
    seen = drafting.change(house.actor(K), name, 0, [Gesture("write", key, step=always)], None, KIND)
    drafting.publish_draft(house.actor(K), name, seen, 2, CHANNELS)


def test_circuits_that_a_dispute_joined_are_no_circuit_that_the_collectivity_has(
    house: House, tmp_path: Path
) -> None:
    """Neither in its file, which is applied again, nor among what reads a field of the type."""
    a_type(house, SITE)
    first = kept(house, "Énergie, direction", "direction", "finance")
    second = kept(house, "Énergie, finances", "finance", "direction")
    a_circuit(house, "De même numéro")
    write(house, KIND, (ABOVE, first), otherwise=second)
    publish(house, KIND)
    actor = house.actor(G)
    asked = own_types.asked(actor.collectivity_id, KIND)
    path = Path(shutil.copy(INVOICE, tmp_path / INVOICE.name))
    main, told = keep_main(actor.collectivity_id, asked, Incoming(path, INVOICE.name), tmp_path)
    assert told is not None
    told = replace(told, fields={**told.fields, **FILE}, doubts=())
    facts = {"received_on": today().isoformat(), "proof_of_service": "technique", "own_site": "ecole"}
    folder_id = deposit.create(actor, asked.in_force, min(actor.desk_ids), main, facts, read=told)
    version = house.folder(folder_id).version
    deposit.save(house.actor(G), folder_id, version=version, title=None, facts=TYPED, reason=WHY)
    house.another(folder_id)
    send(house, folder_id)
    with reading(here(house)) as db:
        joint = db.get_one(CircuitVersion, house.folder(folder_id).circuit_version_id)
        assert (joint.family, joint.number) == (f"{first}+{second}", 1)
        document = read(written(present(db, here(house))).encode())
    assert set(document["circuits"]) >= {first, second}
    assert not [name for name in document["circuits"] if "+" in name]
    desk = next(iter(document["desks"].values()))
    desk["name"] += " bis"
    apply_document(house.actor(K), document, invite=False)
    for name, key in ((first, "direction"), (second, "finance")):
        with pytest.raises(Refusal, match="type-ruled"):
            new_version(house)
        unread(house, name, key)
    assert new_version(house) == 2


def test_a_step_looks_at_the_field_of_a_type_and_only_the_rules_of_that_type_take_the_circuit(
    house: House,
) -> None:
    a_type(house, SITE)
    name = a_circuit(house, "Énergie")
    at = f"/circuits/{name}?etape=direction"
    press(house.client(K), "save", at, only_for=KIND)
    press(house.client(K), "save", at, cond_field_0="own_site")
    page = press(house.client(K), "save", at, cond_op_0="==", cond_value_0="ecole")
    assert "si site vaut « École »" in words(page)
    before = house.client(K).get(f"/circuits/{name}/publier")
    told = words(before)
    assert "Le circuit est réservé au type « Facture d’énergie »." in told
    assert f'href="{PAGE}/{KIND}"' in before.get_data(as_text=True), (
        "the rules that may take it, and no others"
    )
    assert "ou d’un type de cette famille" not in told
    assert "a lieu si site vaut « École », et non plus si" in told
    with reading(here(house)) as db:
        seen = draft_of(db, here(house), name).version
    assert drafting.publish_draft(house.actor(K), name, seen, 1, CHANNELS) == 2
    write(house, "invoice", otherwise=name)
    with pytest.raises(Refusal, match="rules-unready") as refused:
        publish(house, "invoice")
    assert "« Énergie » est réservé au type « Facture d’énergie »" in refused.value.facts["details"]
    assert f'value="{name}"' not in house.client(K).get(f"{PAGE}/invoice").get_data(as_text=True).replace(
        f'value="{name}" selected', ""
    )
    write(house, KIND, otherwise=name)
    publish(house, KIND)
    with reading(here(house)) as db:
        asked, desk = own_types.offered(db, here(house))[0], min(house.actor(G).desk_ids)
        for site, passes in (("ecole", True), ("port", False), (None, False)):
            folder = imagined(here(house), asked, desk, {**FACTS, "own_site": site})
            route = route_of(db, folder)
            assert route.name == name
            stages = rehearse(db, folder, route.circuit, today()).stages
            assert ("direction" in [one.step.key for one in stages]) is passes


def test_a_type_keeps_what_its_circuits_and_its_rules_read(house: House) -> None:
    level = OwnField("own_level", "Niveau", "integer")
    a_type(house, SITE, level)
    name = kept(house)
    write(house, KIND, ({"field": "own_level", "op": ">", "value": 3}, name))
    publish(house, KIND)
    port = (("port", "Port"), ("mairie", "Mairie"))
    with reading(here(house)) as db:
        label = next(
            one.label for one in library.in_force(db, here(house))[name].steps if one.key == "direction"
        )
    step = f"étape « {label} » du circuit « Énergie »"
    for fields, lost, users in (
        ((level,), "« Site »", step),
        ((OwnField("own_site", "Site", "text"), level), "« Site »", step),
        ((OwnField("own_site", "Site", "choice", False, port), level), "« École » de « Site »", step),
        ((SITE,), "« Niveau »", "règle 1 de « Facture d’énergie »"),
        ((SITE, OwnField("own_level", "Niveau", "text")), "« Niveau »", "règle 1 de « Facture d’énergie »"),
    ):
        with pytest.raises(Refusal, match="type-ruled") as refused:
            new_version(house, *fields)
        assert (refused.value.facts["fields"], refused.value.facts["users"]) == (lost, users)
    more = OwnField("own_site", "Lieu", "choice", True, (("ecole", "Écoles"), ("gare", "Gare")))
    assert new_version(house, more, level) == 2  # other words, a choice more, and asked: nothing is broken


def test_a_version_that_cannot_be_published_says_so_before_and_leads_to_who_reads_what_it_takes_away(
    house: House,
) -> None:
    a_type(house, SITE)
    name = kept(house)
    write(house, KIND, (SCHOOL, name))
    publish(house, KIND)
    with reading(here(house)) as db:
        row = own_types.currents(db, here(house))[0].row
        (first,) = rules.in_force(db, here(house))[KIND].table.rows
    revision = own_types.draw_up(house.actor(K), row.id, Definition("Facture d’énergie"), shown=row.revision)
    answer = house.client(K).get(f"/administration/types/{row.id}/publier")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Cette version ne peut pas être publiée" in page
    told = "« Site », que lit : règle 1 de « Facture d’énergie » ; étape « Direction générale » du circuit « Énergie » ."
    assert told in words(answer)
    for address in (
        f"/administration/regles/{KIND}?regle={first.key}",
        f"/circuits/{name}?etape=direction",
    ):
        assert f'href="{address}"' in page
    assert re.search(
        r'<button[^>]+type="submit"\s+disabled aria-describedby="hindered">Publier la version', page
    )
    with pytest.raises(Refusal, match="type-ruled"):
        own_types.publish_type(house.actor(K), row.id, shown=revision)
    # With the field back, nothing keeps it from being published
    revision = own_types.draw_up(
        house.actor(K), row.id, Definition("Facture d’énergie", fields=(SITE, LEVEL)), shown=revision
    )
    page = house.client(K).get(f"/administration/types/{row.id}/publier").get_data(as_text=True)
    assert "ne peut pas être publiée" not in page
    assert "disabled" not in page


def test_no_circuit_is_kept_for_a_type_while_other_rules_take_it(house: House) -> None:
    a_type(house, SITE)
    name = a_circuit(house, "Énergie")
    write(house, "invoice", otherwise=name)
    publish(house, "invoice")
    seen = drafting.change(house.actor(K), name, 0, [], None, KIND)
    with pytest.raises(Refusal, match="circuit-taken") as refused:
        drafting.publish_draft(house.actor(K), name, seen, 1, CHANNELS)
    assert refused.value.facts["kinds"] == "« Facture »"
    source = library.as_yaml({**family("invoice").circuit.to_data(), "label": "Énergie", "type": KIND})
    with pytest.raises(Refusal, match="circuit-typed"):
        circuits.publish(house.actor(K), "invoice", source)
    for circuit, kind in (("invoice", KIND), (name, "rien")):
        with pytest.raises(Refusal, match="circuit-typed"):
            drafting.change(house.actor(K), circuit, seen if circuit == name else 0, [], None, kind)
    drafting.take_in(house.actor(K), name, seen, source.replace(KIND, "rien"))
    assert "« rien » n’est aucun type publié de cette famille" in words(
        house.client(K).get(f"/circuits/{name}")
    )


def test_a_field_of_a_type_is_read_by_no_circuit_of_all_folders_and_keeps_no_stage_of_the_law(
    house: House,
) -> None:
    a_type(house, OwnField("own_large", "Gros", "yesno", True))
    name = a_circuit(house, "Énergie")
    steps: list[dict[str, Any]] = []
    for step in family("invoice").circuit.to_data()["steps"]:
        if step["kind"] != "sign":
            steps.append(step)
            continue
        steps += [
            {
                **deepcopy(step),
                "key": f"{step['key']}_{value}",
                "when": {"field": "own_large", "op": "==", "value": value},
            }
            for value in ("oui", "non")
        ]
    data = {"key": "energie", "label": "Énergie", "steps": steps}
    with pytest.raises(Refusal, match="circuit-unready") as refused:
        circuits.publish(house.actor(K), name, library.as_yaml(data))
    assert "champ « own_large », que ce type de dossier n’a pas" in refused.value.facts["details"]
    with pytest.raises(Refusal, match="circuit-unready") as refused:
        circuits.publish(house.actor(K), name, library.as_yaml({**data, "type": KIND}))
    assert "est obligatoire : retirez sa condition" in refused.value.facts["details"]
    usual = family("invoice").circuit
    assert imposed(family("invoice"), load({**usual.to_data(), "type": KIND})) == imposed(
        family("invoice"), usual
    )


def test_the_file_of_a_collectivity_says_for_which_type_a_circuit_is_and_breaks_none(house: House) -> None:
    a_type(house, SITE)
    name = kept(house)
    write(house, KIND, otherwise=name)
    publish(house, KIND)
    secretary = house.actor(K)
    with reading(here(house)) as db:
        text = written(present(db, here(house)))
    data = yaml.safe_load(text)
    assert data["circuits"][name]["type"] == KIND
    assert apply_document(secretary, read(text.encode())).changed == []
    data["types"][KIND]["fields"] = []
    with pytest.raises(Refusal, match="declared-stopped") as refused:
        apply_document(secretary, read(yaml.safe_dump(data).encode()))
    assert refused.value.facts["where"] == f"types.{KIND}"
    assert "du circuit « Énergie »" in refused.value.facts["why"].replace("\xa0", " ")
    plain = {**family("invoice").circuit.to_data(), "label": "Énergie"}
    data["circuits"][name] = plain
    apply_document(secretary, read(yaml.safe_dump(data).encode()))
    with reading(here(house)) as db:
        assert rules.takeable(db, here(house), rules.kind_of(db, here(house), "invoice")).refused[name] == ""


def test_the_file_names_people_of_conditions_by_login(house: House) -> None:
    """A number is that of an account of one installation: elsewhere, another account has it."""
    secretary, number = house.actor(K), house.actor(G).user_id
    data = family("deliberation").circuit.to_data()
    again = {
        **data["steps"][0],
        "key": "again",
        "label": "Relecture",
        "kind": "visa",
        "who": [{"desk": "direction"}],
        "quorum": "any",
        "when": {"field": "sitting_secretary", "op": "==", "value": number},
    }
    circuits.publish(
        secretary, "deliberation", library.as_yaml({**data, "steps": [again, *deepcopy(data["steps"])]})
    )
    with reading(here(house)) as db:
        text = written(present(db, here(house)))
    data = yaml.safe_load(text)
    when = data["circuits"]["deliberation"]["steps"][0]["when"]
    assert when["value"] == G
    assert apply_document(secretary, read(text.encode())).changed == []
    when["value"] = "personne.ici"
    with pytest.raises(Refusal, match="declared-stopped") as refused:
        apply_document(secretary, read(yaml.safe_dump(data).encode()))
    assert refused.value.facts["where"] == "circuits.deliberation"
