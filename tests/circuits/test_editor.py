"""A circuit is written in the browser, gesture by gesture: kept, told in words, published; what the law imposes stays."""

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.circuits import checking, drafting, library
from app.circuits.checking import desks_of, problems
from app.circuits.difference import difference
from app.circuits.drafting import Draft, draft_of
from app.circuits.gestures import Gesture, played
from app.circuits.models import CircuitDraft
from app.core.db import reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.models import JournalEntry
from app.operations.declared.applying import apply_document
from app.operations.declared.document import read
from app.people import desks, hierarchy
from app.people.actor import Actor
from app.people.applications import by_command
from app.transmission.settings import names as channels
from tests.builders import circuits
from tests.builders.house import House
from workflows import own_types
from workflows.circuit import Circuit
from workflows.family import families, family, imposed
from workflows.loader import load
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, G = "k.morizur", "g.trehorel"
CHANNELS = channels()
INVOICE = "/circuits/invoice"


def words(answer: TestResponse) -> str:
    """What a person reads of a page, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def draft(house: House, name: str = "invoice") -> Draft:
    with reading(here(house)) as db:
        return draft_of(db, here(house), name)


def labels(house: House, name: str = "invoice") -> list[str]:
    return [step["label"] for step in draft(house, name).definition["steps"]]


def step(house: House, key: str) -> dict[str, Any]:
    return next(one for one in draft(house).definition["steps"] if one["key"] == key)


def another_administrator(house: House) -> Actor:
    desks.create_user(
        here(house),
        "adm.deux",
        email="adm.deux@kerlann-sur-mer.example",
        first_name="Adm",
        last_name="Deux",
        capacity="",
        password="une barque rouge au port",
        administrator=True,
    )
    return house.actor("adm.deux")


def form_of(page: str) -> dict[str, Any]:
    """What the form of the page holds, as a browser would post it."""
    body = page[page.index("data-circuit") :]
    data: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", body):
        named = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" not in named or (
            named.get("type") in {"radio", "checkbox"} and not re.search(r"\schecked\b", tag)
        ):
            continue
        data.setdefault(named["name"], []).append(html.unescape(named.get("value", "")))
    for name, options in re.findall(r'<select[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        data.setdefault(name, []).append(html.unescape(chosen.group(1)) if chosen else "")
    return data


def press(client: FlaskClient, gesture: str, at: str = INVOICE, **typed: Any) -> TestResponse:
    """Open the page, type in the step that it shows, press a button; the page that follows."""
    page = client.get(at).get_data(as_text=True)
    data = {**form_of(page), **typed, "gesture": gesture}
    return client.post(at.partition("?")[0], data=data, follow_redirects=True)


def test_steps_are_added_moved_copied_written_and_removed_and_the_draft_outlives_the_browser(
    house: House,
) -> None:
    client = house.client(K)
    page = press(client, "add:2")
    assert "Nouvelle étape, étape 3 sur 6" in page.get_data(as_text=True)
    assert "Dites qui doit viser" in words(page)
    page = press(
        client,
        "save",
        f"{INVOICE}?etape=step_1",
        label="Visa des responsables",
        who=["desk:finances", "desk:direction"],
        who_add="desk:technique",
        quorum="n",
        quorum_n="2",
        days="3",
    )
    assert (
        "Visa, Direction des finances, Direction générale, Services techniques, 2 sur 3, 3 jours ouvrés"
        in words(page)
    )
    assert "problème" not in words(page).partition("Étapes")[0]
    press(client, "up:step_1", f"{INVOICE}?etape=step_1")
    assert labels(house)[1] == "Visa des responsables"
    press(client, "copy:step_1", f"{INVOICE}?etape=step_1")
    assert labels(house)[2] == "Visa des responsables (copie)"
    press(client, "remove:step_2", f"{INVOICE}?etape=step_2")
    press(client, "move:step_1:3")
    expected = ["Service fait", "Contrôle des finances", "Direction générale", "Visa des responsables"]
    assert labels(house)[:4] == expected
    again = house.client(K).get(INVOICE)
    assert "Brouillon enregistré" in words(again)
    assert labels(house)[:4] == expected
    assert library.family_of("invoice").circuit.to_data()["steps"][3]["label"] == "Bon à payer"  # in force


def test_a_desk_that_was_opened_in_the_browser_acts_in_a_circuit(house: House) -> None:
    """Its key is made of its name, of several words: « affaires-culturelles »."""
    number = hierarchy.open_desk(house.actor(K), "2e bureau, affaires culturelles", None)
    who = house.actor("s.rivoal").user_id or 0
    hierarchy.seat_all(house.actor(K), number, {who: Rights.of(Right.ACT)}, {})
    client = house.client(K)
    page = press(
        client,
        "save",
        f"{INVOICE}?etape=finance",
        who=["desk:finances"],
        who_add="desk:2e-bureau-affaires-culturelles",
        quorum="all",
    )
    assert "problème" not in words(page).partition("Étapes")[0]
    data = form_of("data-circuit" + client.get(f"{INVOICE}/publier").get_data(as_text=True))
    done = client.post(f"{INVOICE}/publier", data=data, follow_redirects=True)
    assert "est publiée." in words(done)
    folder_id = house.an_invoice(at="finance")
    house.approve(folder_id, "n.abgrallec")
    assert house.folder(folder_id).place == "finance"
    house.approve(folder_id, "s.rivoal")
    assert house.folder(folder_id).place != "finance"


def test_a_condition_is_rows_and_its_value_is_typed_as_one_writes_it(house: House) -> None:
    client = house.client(K)
    at = f"{INVOICE}?etape=finance"
    press(client, "addcond", at)
    page = press(client, "save", at, cond_field_0="total_ttc", cond_op_0=">=", cond_value_0="beaucoup")
    assert "n’est pas un montant en euros et centimes" in words(page)
    assert step(house, "finance")["when"]["value"] == "beaucoup"  # kept, and told
    press(client, "addcond", at, cond_value_0="4 000,50")
    press(
        client,
        "save",
        at,
        cond_word="any",
        cond_field_1="type_code",
        cond_op_1="in",
        cond_value_1=["381", "384"],
    )
    assert step(house, "finance")["when"] == {
        "any": [
            {"field": "total_ttc", "op": ">=", "value": 4000.5},
            {"field": "type_code", "op": "in", "value": ["381", "384"]},
        ]
    }
    shown = words(house.client(K).get(at))
    assert "si montant TTC atteint 4 000,50 € ou nature de la pièce est parmi" in shown
    assert "Sinon, le dossier passe à « Direction générale »." in shown
    press(client, "uncond:0", at)
    press(client, "uncond:0", at)
    assert "when" not in step(house, "finance")


def test_a_condition_of_several_levels_is_shown_in_words_and_is_kept_by_the_form(house: House) -> None:
    nested = {"not": {"any": [{"field": "total_ttc", "op": "<", "value": 10}]}}
    data = draft(house).definition
    data["steps"][1]["when"] = nested
    drafting.take_in(house.actor(K), "invoice", 0, library.as_yaml(data))
    client, at = house.client(K), f"{INVOICE}?etape=finance"
    assert "il est faux que" in words(client.get(at))
    press(client, "save", at, label="Finances")
    assert (step(house, "finance")["label"], step(house, "finance")["when"]) == ("Finances", nested)
    page = client.get(at).get_data(as_text=True)
    data = {**form_of(page), "gesture": "save"}
    del data["when"]
    client.post(INVOICE, data=data)
    assert "when" not in step(house, "finance")


def test_what_the_law_imposes_is_a_lock_that_no_gesture_opens(house: House) -> None:
    client = house.client(K)
    page = words(client.get("/circuits/deliberation?etape=signatures"))
    assert "Imposée par la loi : CGCT L2121-23. Elle ne se retire pas." in page
    assert "aucune condition ne peut l’en dispenser" in page
    assert "Retirer l’étape" not in page
    assert "Imposée par le type « Facture »" in words(client.get(INVOICE))
    for gesture in ("remove:signatures", "move:publication:0"):
        refused = press(client, gesture, "/circuits/deliberation")
        assert refused.status_code == 422
        assert "Rien n’a changé : la loi ou le type de dossier l’impose" in words(refused)
    refused = press(
        client, "save", "/circuits/deliberation?etape=signatures", quorum="any", label="À nous deux"
    )
    assert refused.status_code == 422
    assert "doivent signer à la même étape, tous les deux" in words(refused)
    assert 'value="À nous deux"' in refused.get_data(as_text=True)  # what was typed is still there
    assert not draft(house, "deliberation").begun


@pytest.mark.law("TRA-03")
def test_what_the_law_transmits_is_not_given_to_a_software_of_the_commune(house: House) -> None:
    client, at = house.client(K), "/circuits/deliberation?etape=prefecture"
    shown = client.get(at).get_data(as_text=True)
    assert 'id="champ-channel"' not in shown  # a lock, not a list
    assert form_of(shown)["channel"] == ["actes"]
    refused = press(client, "save", at, channel="handover")
    assert refused.status_code == 422
    assert "part vers un autre destinataire que celui de ce type de dossier" in words(refused)
    assert not draft(house, "deliberation").begun
    data = family("deliberation").circuit.to_data()
    next(one for one in data["steps"] if one["key"] == "prefecture")["channel"] = "handover"
    # Nor is anything called by letters that are read as others
    for told in (
        [
            one.sentence
            for one in own_types.faults(
                family("invoice"), own_types.Definition("F\N{CYRILLIC SMALL LETTER A}ctures")
            )
        ],
        [checking.wrong_label("F\N{CYRILLIC SMALL LETTER A}ctures", "au circuit", "du circuit")],
    ):
        assert "contient а (U+0430), qui n’est pas une lettre de l’alphabet latin" in told[0]
    form = {"csrf_token": house.csrf(client), "version": "0", "source": library.as_yaml(data)}
    page = client.post("/circuits/deliberation/texte", data=form, follow_redirects=True)
    assert "Transmission à la préfecture : L’étape « Transmission à la préfecture » est obligatoire" in words(
        page
    )
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.publish_draft(house.actor(K), "deliberation", 1, 0, CHANNELS)
    told = words(client.get("/circuits/deliberation/publier"))
    assert "part vers le logiciel métier" in told
    assert "et non plus vers la préfecture." in told
    mended = press(client, "save", at, channel="actes")  # a draft that broke it is mended on the page
    assert "problème" not in words(mended).partition("Étapes")[0]


@pytest.mark.law("TRA-03")
def test_a_circuit_published_before_that_sends_an_act_elsewhere_is_to_be_published_again(
    house: House,
) -> None:
    data = family("deliberation").circuit.to_data()
    next(one for one in data["steps"] if one["key"] == "prefecture")["channel"] = "handover"
    use_case(library.write_version)(house.actor(K), "deliberation", load(data))
    with pytest.raises(Refusal, match="circuit-outdated"):
        use_case(library.freeze)(here(house), "deliberation")


@pytest.mark.law("TRA-03")
@pytest.mark.parametrize("name", ["individual_decree", "regulatory_decree"])
def test_a_circuit_published_before_that_never_transmits_an_order_is_to_be_published_again(
    house: House, name: str
) -> None:
    data = family(name).circuit.to_data()
    data["steps"] = [one for one in data["steps"] if one["key"] != "prefecture"]
    use_case(library.write_version)(house.actor(K), name, load(data))
    with pytest.raises(Refusal, match="circuit-outdated") as refused:
        use_case(library.freeze)(here(house), name)
    assert "la transmission à la préfecture de tous les actes à transmettre" in refused.value.facts["details"]


@pytest.mark.law("TRA-06")
def test_a_contract_is_transmitted_even_where_no_step_notifies_it(house: House) -> None:
    client, at = house.client(K), "/circuits/contract"
    press(client, "remove:notification", at)
    assert "Notification au cocontractant" not in labels(house, "contract")
    refused = press(client, "remove:prefecture", at)
    assert refused.status_code == 422
    assert "la transmission à la préfecture de tous les actes à transmettre" in words(refused)
    refused = press(client, "save", f"{at}?etape=prefecture", channel="handover")
    assert refused.status_code == 422
    assert "Transmission à la préfecture" in labels(house, "contract")


def test_a_destination_that_does_not_exist_is_told_under_its_step_and_never_published(house: House) -> None:
    client = house.client(K)
    press(client, "copy:handover", INVOICE)
    page = press(client, "save", f"{INVOICE}?etape=step_1", channel="prefecture")
    assert "« prefecture » n’est aucun des destinataires d’ici" in words(page)
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.publish_draft(house.actor(K), "invoice", draft(house).version, 0, CHANNELS)


def test_what_a_condition_compares_is_told_in_the_words_of_the_form(house: House) -> None:
    page = words(house.client(K).get("/circuits/contract"))
    assert "si transmission à la préfecture vaut « À transmettre »" in page
    assert "« yes »" not in page
    assert "Transmission : automatique, vers la préfecture" in page


@pytest.mark.parametrize("name", sorted(families()))
def test_no_gesture_takes_from_any_family_a_step_that_it_imposes(house: House, name: str) -> None:
    known = family(name)
    locks = imposed(known, known.circuit)
    assert locks
    actor = house.actor(K)
    for key in locks:
        for gesture in (
            Gesture("remove", key),
            Gesture(
                "write",
                key,
                step={"label": "Visa", "kind": "visa", "who": [{"desk": "direction"}], "quorum": "any"},
            ),
        ):
            if gesture.kind == "write" and known.circuit.step(key).kind == "visa":
                continue
            with pytest.raises(Refusal, match="circuit-locked"):
                drafting.change(actor, name, 0, [gesture])


def test_two_signatories_by_amount_are_reached_without_ever_breaking_the_law(house: House) -> None:
    """Each draft on the way keeps the stage: the second step first, then the two conditions."""
    actor, seen = house.actor(K), 0
    signing = {"label": "Bon à payer", "kind": "sign", "who": [{"desk": "maire"}], "quorum": "any"}
    test = {"field": "total_ttc", "value": 4000}
    gestures = [
        Gesture("copy", "bon_a_payer"),
        Gesture("write", "bon_a_payer", step={**signing, "when": {**test, "op": "<"}}),
        Gesture("write", "step_1", step={**signing, "label": "Gros montants", "when": {**test, "op": ">="}}),
    ]
    for gesture in gestures:
        seen = drafting.change(actor, "invoice", seen, [gesture])
    with pytest.raises(Refusal, match="circuit-locked"):
        drafting.change(actor, "invoice", seen, [Gesture("remove", "step_1")])
    assert drafting.publish_draft(actor, "invoice", seen, 0, CHANNELS) == 1


def test_of_two_administrators_the_second_is_told_and_keeps_what_he_typed(house: House) -> None:
    other = another_administrator(house)
    client, at = house.client(K), f"{INVOICE}?etape=finance"
    data = {
        **form_of(client.get(at).get_data(as_text=True)),
        "label": "Contrôle budgétaire",
        "gesture": "save",
    }
    drafting.change(other, "invoice", 0, [Gesture("move", "direction", 0)])
    refused = client.post(INVOICE, data=data)
    assert refused.status_code == 409
    shown = refused.get_data(as_text=True)
    assert "Adm Deux a modifié ce brouillon à" in words(refused)
    assert 'value="Contrôle budgétaire"' in shown
    assert labels(house)[:2] == ["Direction générale", "Service fait"]  # the first one's stands
    client.post(INVOICE, data={**form_of(shown), "gesture": "save"})
    assert labels(house)[:3] == ["Direction générale", "Service fait", "Contrôle budgétaire"]


def test_a_step_that_another_removed_comes_back_with_what_was_typed_in_it(house: House) -> None:
    client, at = house.client(K), f"{INVOICE}?etape=finance"
    data = {
        **form_of(client.get(at).get_data(as_text=True)),
        "label": "Contrôle budgétaire",
        "gesture": "save",
    }
    drafting.change(another_administrator(house), "invoice", 0, [Gesture("remove", "finance")])
    refused = client.post(INVOICE, data=data)
    assert (refused.status_code, "Contrôle budgétaire" in words(refused)) == (409, True)
    client.post(INVOICE, data={**form_of(refused.get_data(as_text=True)), "gesture": "save"})
    assert labels(house)[-1] == "Contrôle budgétaire"


def test_a_version_is_published_with_its_difference_and_folders_keep_theirs(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    client = house.client(K)
    press(client, "save", f"{INVOICE}?etape=finance", days="5")
    shown = words(client.get(f"{INVOICE}/publier"))
    assert (
        "« Contrôle des finances » : un délai de 3 jours ouvrés devient un délai de 5 jours ouvrés." in shown
    )
    assert "1 dossier en cours garde la version 1." in shown
    data = form_of("data-circuit" + client.get(f"{INVOICE}/publier").get_data(as_text=True))
    done = client.post(f"{INVOICE}/publier", data=data, follow_redirects=True)
    assert "La version 2 est publiée." in words(done)
    with reading(here(house)) as db:
        version = library.current(db, here(house), "invoice")
        assert version is not None
        assert (version.number, version.published_by) == (2, "Katell Morizur")
        assert db.scalar(sa.select(sa.func.count()).select_from(CircuitDraft)) == 0
        (line,) = db.scalars(sa.select(JournalEntry).where(JournalEntry.event == "circuit.published"))
        assert line.user_id == house.actor(K).user_id
        kept = library.circuit_of(db, house.folder(folder_id).circuit_version_id or 0)
    assert kept.step("finance").days == 3
    assert draft(house).followed.step("finance").days == 5


def test_what_was_compared_with_another_version_is_not_published(house: House) -> None:
    actor = house.actor(K)
    seen = drafting.change(actor, "other", 0, [Gesture("copy", "direction")])
    circuits.of_before(actor, "other", library.as_yaml(family("other").circuit.to_data()))
    with pytest.raises(Refusal, match="circuit-moved"):
        drafting.publish_draft(actor, "other", seen, 0, CHANNELS)
    page = words(house.client(K).get("/circuits/other"))
    assert "Une autre version a été publiée depuis que ce brouillon est commencé" in page
    assert drafting.publish_draft(actor, "other", seen, 1, CHANNELS) == 2


def test_nothing_is_published_that_nobody_could_end_or_that_changes_nothing(house: House) -> None:
    actor = house.actor(K)
    with pytest.raises(Refusal, match="circuit-same"):
        drafting.publish_draft(actor, "invoice", 0, 0, CHANNELS)
    step = {
        "label": "Contrôle",
        "kind": "sign",
        "who": [{"desk": "maire"}, {"desk": "finances"}, {"desk": "absent"}],
        "quorum": 2,
    }
    seen = drafting.change(actor, "invoice", 0, [Gesture("write", "finance", step=step)])
    page = words(house.client(K).get(INVOICE))
    assert "Le bureau « absent » n’existe pas" in page
    step["who"] = step["who"][:2]  # type: ignore[index]
    seen = drafting.change(actor, "invoice", seen, [Gesture("write", "finance", step=step)])
    page = words(house.client(K).get(INVOICE))
    assert "2 doivent signer et 1 le peut : personne n’a ce droit à « Direction des finances »" in page
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.publish_draft(actor, "invoice", seen, 0, CHANNELS)
    with reading(here(house)) as db:
        assert library.current(db, here(house), "invoice") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": ""}, "Donnez à l’étape un nom"),
        ({"days": "demain"}, "« demain » n’est pas un nombre de jours ouvrés"),
        ({"days": 366}, "« 366 » n’est pas un nombre de jours ouvrés"),
        ({"who": []}, "Dites qui doit viser"),
        ({"quorum": "x"}, "Dites combien doivent se prononcer"),
        ({"quorum": 2}, "2 sont demandés et l’étape ne compte que 1 acteur"),
        ({"kind": "transmit", "who": []}, "Dites par où le dossier part"),
        ({"kind": "transmit", "who": [], "channel": "zzz"}, "« zzz » n’est aucun des destinataires d’ici"),
        ({"when": {"field": "object", "op": "present"}}, "dépend du champ « object »"),
        ({"when": {"field": "total_ttc", "op": "in", "value": [3]}}, "ne se compare pas ainsi"),
        ({"when": {"field": "total_ttc", "op": "<", "value": ""}}, "Donnez la valeur"),
        ({"when": {"field": "type_code", "op": "==", "value": "999"}}, "n’est pas l’un des choix"),
        ({"when": {"field": "seller_siret", "op": "==", "value": "toto"}}, "n’est pas un SIRET"),
        (
            {"when": {"field": "seller_siret", "op": "in", "value": ["212 909 998 00017"]}},
            "s’écrit « 21290999800017 » dans les dossiers",
        ),
        ({"label": "x" * 500}, "Le nom de l’étape dépasse 120 signes"),
        ({"label": "Visa \u202eeriam"}, "Le nom de l’étape contient un signe invisible"),
        ({"days": 0}, "« 0 » n’est pas un nombre de jours ouvrés"),
        (
            {
                "when": {
                    "all": [
                        {"field": "total_ttc", "op": "<", "value": 1},
                        {"field": "total_ttc", "op": ">", "value": 2},
                    ]
                }
            },
            "se contredisent",
        ),
        (  # beside a branch too, of which a desk has several: those contradict each other by their contrary alone
            {
                "when": {
                    "all": [
                        {"field": "emitter_branch", "op": "==", "value": "technique"},
                        {"field": "total_ttc", "op": "<", "value": 1},
                        {"field": "total_ttc", "op": ">", "value": 2},
                    ]
                }
            },
            "se contredisent",
        ),
        (
            {
                "when": {
                    "all": [
                        {"field": "emitter_branch", "op": "==", "value": "technique"},
                        {"field": "emitter_branch", "op": "!=", "value": "technique"},
                    ]
                }
            },
            "se contredisent",
        ),
    ],
)
def test_each_fault_is_told_under_its_step_and_keeps_the_circuit_here(
    house: House, change: dict[str, Any], said: str
) -> None:
    data = draft(house).definition
    data["steps"][1] = {**data["steps"][1], **change}
    with reading(here(house)) as db:
        told = problems(family("invoice"), data, desks_of(db, here(house)), CHANNELS)
    assert [one.step for one in told if said in one.sentence] == ["finance"], told
    assert not any(re.search(r"\b(quorum|days|who|kind|label)\b", one.sentence) for one in told)
    # The text and the file of the collectivity are refused alike, in the words of the page once they can be read
    with pytest.raises(Refusal) as text:
        circuits.publish(house.actor(K), "invoice", library.as_yaml(data))
    whole = {"schema": "paraphe-collectivity/1", "circuits": {"invoice": data}}
    with pytest.raises(Refusal) as file:
        apply_document(by_command(here(house)), read(library.as_yaml(whole).encode()))
    told_there = "".join(map(str, file.value.facts.values())).replace("\xa0", " ")
    assert text.value.facts["details"] in told_there
    assert text.value.key == "circuit-invalid" or said in text.value.facts["details"]
    with reading(here(house)) as db:
        assert library.current(db, here(house), "invoice") is None


def test_what_the_reader_refuses_is_never_ready(house: House) -> None:
    """A word that no sentence of the page knows is told all the same, in the words of the text."""
    data = draft(house).definition
    data["steps"][1]["colour"] = "red"
    with reading(here(house)) as db:
        told = problems(family("invoice"), data, desks_of(db, here(house)), CHANNELS)
    assert ["colour" in one.sentence for one in told] == [True]


def test_a_former_version_is_published_again_by_today_s_law_and_desks(house: House) -> None:
    actor = house.actor(K)
    first = {**family("other").circuit.to_data(), "label": "Autres, première"}
    second = played(first, Gesture("remove", "direction"))
    for data in (first, second):
        circuits.publish(actor, "other", library.as_yaml(data))
    client = house.client(K)
    shown = words(client.get("/circuits/other/versions"))
    assert "L’étape « Direction générale » est retirée." in shown
    form = {"csrf_token": house.csrf(client), "number": "1", "over": "2"}
    done = client.post("/circuits/other/versions", data=form, follow_redirects=True)
    assert "La version 3 est publiée : ce sont les étapes de la version 1." in words(done)
    assert draft(house, "other").followed == load(first)
    again = client.post("/circuits/other/versions", data={**form, "number": "2"})
    assert (again.status_code, "la version 3 est en vigueur" in words(again)) == (409, True)
    same = client.post("/circuits/other/versions", data={**form, "over": "3"})
    assert (same.status_code, "ce sont les étapes déjà en vigueur" in words(same)) == (409, True)
    desks.seat(here(house), "direction", "s.rivoal", [])
    circuits.publish(actor, "other", library.as_yaml(second))
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.restore(actor, "other", 1, 4, CHANNELS)
    with pytest.raises(Refusal, match="circuit-unknown"):
        drafting.restore(actor, "other", 99, 4, CHANNELS)


def test_the_text_is_the_same_circuit_exported_and_imported(house: House) -> None:
    client = house.client(K)
    exported = client.get(f"{INVOICE}/texte.yaml")
    assert "attachment" in exported.headers["Content-Disposition"]
    data = yaml.safe_load(exported.get_data(as_text=True))
    assert load(data) == family("invoice").circuit
    data["steps"][1]["label"] = "Contrôle importé"
    form = {"csrf_token": house.csrf(client), "version": "0", "source": library.as_yaml(data)}
    page = client.post(f"{INVOICE}/texte", data=form, follow_redirects=True)
    assert "Le texte est devenu le brouillon" in words(page)
    assert labels(house)[1] == "Contrôle importé"
    refused = client.post(f"{INVOICE}/texte", data={**form, "version": "1", "source": "steps: []"})
    assert (refused.status_code, "Le brouillon n’a pas changé" in words(refused)) == (422, True)
    unlawful = {**data, "steps": [one for one in data["steps"] if one["kind"] != "sign"]}
    page = client.post(
        f"{INVOICE}/texte",
        data={**form, "version": "1", "source": library.as_yaml(unlawful)},
        follow_redirects=True,
    )
    assert "Il manque l’étape obligatoire « Signature »" in words(page)
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.publish_draft(house.actor(K), "invoice", 2, 0, CHANNELS)


def test_the_list_says_which_version_is_in_force_and_which_draft_waits(house: House) -> None:
    circuits.of_before(house.actor(K), "other", library.as_yaml(family("other").circuit.to_data()))
    drafting.change(house.actor(K), "invoice", 0, [Gesture("add")])
    page = words(house.client(K).get("/circuits"))
    assert re.search(r"Facture Factures Brouillon enregistré à \d+ h \d+ par Katell Morizur D’origine", page)
    assert re.search(r"Autre document Autres documents 1 \w+\. \d+", page)


def test_a_draft_is_given_up_and_what_is_in_force_stays(house: House) -> None:
    client = house.client(K)
    press(client, "add:0")
    assert draft(house).begun
    page = press(client, "discard")
    assert "Le brouillon est abandonné" in words(page)
    assert labels(house)[0] == "Service fait"
    with pytest.raises(Refusal, match="draft-gone"):
        drafting.give_up(house.actor(K), "invoice", 1)


def test_who_does_not_administer_changes_no_circuit(house: House) -> None:
    client = house.client(G)
    for path in (
        INVOICE,
        f"{INVOICE}/publier",
        f"{INVOICE}/versions",
        f"{INVOICE}/texte",
        f"{INVOICE}/texte.yaml",
    ):
        assert client.get(path).status_code == 403
    with pytest.raises(Refusal, match="right-missing"):
        drafting.change(house.actor(G), "invoice", 0, [Gesture("add")])
    assert not draft(house).begun


def test_a_value_is_kept_as_folders_keep_the_field_or_told_under_its_row(house: House) -> None:
    """What a folder never holds would make a step that no folder meets."""
    client, at = house.client(K), "/circuits/deliberation?etape=direction"
    press(client, "addcond", at)
    key = draft(house, "deliberation").definition["steps"]
    rank = next(n for n, one in enumerate(key) if one["key"] == "direction")

    def value() -> Any:
        return draft(house, "deliberation").definition["steps"][rank]["when"]["value"]

    for typed, told in (("7,5", "n’est pas une matière"), ("banane", "n’est pas une matière")):
        page = press(client, "save", at, cond_field_0="matter", cond_op_0="==", cond_value_0=typed)
        assert told in words(page)
        assert 'id="champ-cond_value_0-erreur"' in page.get_data(as_text=True)
    page = press(client, "save", at, cond_field_0="matter", cond_op_0="in", cond_value_0=" 7.5 ;7.1")
    assert value() == ["7.5", "7.1"]
    press(client, "save", at, cond_field_0="number", cond_op_0="==", cond_value_0="2026-057")
    assert value() == "2026_057"
    page = press(client, "save", at, cond_field_0="matter", cond_op_0="starts_with", cond_value_0="7")
    assert "problème" not in words(page).partition("Étapes")[0]
    client, at = house.client(K), f"{INVOICE}?etape=finance"
    press(client, "addcond", at)
    typed = "212 909 998 00017"
    press(client, "save", at, cond_field_0="seller_siret", cond_op_0="==", cond_value_0=typed)
    assert step(house, "finance")["when"]["value"] == "21290999800017"


def test_a_desk_that_does_not_exist_is_no_value_of_a_condition(house: House) -> None:
    name, key = next(
        (one.name, field.key) for one in families().values() for field in one.fields if field.type == "desk"
    )
    data = draft(house, name).definition
    rank = next(n for n, one in enumerate(data["steps"]) if one["kind"] == "visa")
    for desk, told in (("finances", False), ("absent", True)):
        data["steps"][rank]["when"] = {"field": key, "op": "==", "value": desk}
        with reading(here(house)) as db:
            found = problems(family(name), data, desks_of(db, here(house)), CHANNELS)
        assert any("Le bureau « absent » n’existe pas" in one.sentence for one in found) is told


def test_what_is_wrong_with_a_name_or_a_delay_is_still_in_its_field(house: House) -> None:
    client, at = house.client(K), f"{INVOICE}?etape=finance"
    page = press(client, "save", at, label="x" * 500, days="0").get_data(as_text=True)
    assert f'value="{"x" * 500}"' in page
    assert form_of(page)["days"] == ["0"]
    assert "Étape au nom à corriger" in page
    assert "Étape sans nom" not in page


def test_the_page_that_publishes_says_at_which_step_and_nothing_of_what_was_typed(house: House) -> None:
    actor, client, at = house.actor(K), house.client(K), f"{INVOICE}/publier"
    seen = drafting.change(actor, "invoice", 0, [Gesture("add", place=1)])
    page = client.get(at)
    assert "Étape 2, Nouvelle étape : Dites qui doit viser." in words(page)
    assert "etape=step_1#champ-who_add" in page.get_data(as_text=True)
    form = {"csrf_token": house.csrf(client), "version": str(seen), "over": "0"}
    unready = client.post(at, data=form)
    assert (unready.status_code, words(unready).count("Dites qui doit viser.")) == (422, 1)
    drafting.change(another_administrator(house), "invoice", seen, [Gesture("remove", "step_1")])
    for told in ("Adm Deux a modifié ce brouillon à", "ce brouillon a été publié ou abandonné"):
        moved = client.post(at, data=form)
        assert moved.status_code == 409
        assert told in words(moved)
        assert "saisi" not in words(moved)
        drafting.give_up(actor, "invoice", seen + 1) if "Adm" in told else None


@pytest.mark.parametrize("key", ["BAD <i>", "draft", "done", "étape", "1"])
def test_a_step_that_no_circuit_could_have_is_not_written(house: House, key: str) -> None:
    assert press(house.client(K), "save", f"{INVOICE}?etape=finance", open=key).status_code == 400
    assert not draft(house).begun


def test_a_number_that_no_version_has_is_refused_and_breaks_nothing(house: House) -> None:
    client = house.client(K)
    form = {"csrf_token": house.csrf(client), "number": "9" * 20, "over": "0"}
    assert client.post(f"{INVOICE}/versions", data=form).status_code == 400
    assert client.post(f"{INVOICE}/versions", data={**form, "number": "²"}).status_code == 400


@pytest.mark.parametrize(
    "gesture",
    ["", "paint:finance", "up:absent", "remove:absent", "copy:absent", "add:²", "add:", "move:finance:x"],
)
def test_a_button_that_the_page_has_not_changes_nothing(house: House, gesture: str) -> None:
    answer = press(house.client(K), gesture)
    assert answer.status_code in ({200} if gesture == "" else {400, 409})
    assert not draft(house).begun


def test_a_circuit_holds_forty_steps_at_most(house: House) -> None:
    actor, seen = house.actor(K), 0
    seen = drafting.change(actor, "other", seen, [Gesture("add")] * (40 - len(labels(house, "other"))))
    with pytest.raises(Refusal, match="circuit-long"):
        drafting.change(actor, "other", seen, [Gesture("add")])


def circuit(*steps: dict[str, Any]) -> Circuit:
    base = {"kind": "visa", "who": [{"desk": "finances"}], "quorum": "any"}
    return load(
        {"key": "x", "label": "X", "steps": [{**base, "label": one["key"].upper(), **one} for one in steps]}
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([{"key": "a"}], [{"key": "a"}], []),
        ([{"key": "a"}], [{"key": "a"}, {"key": "b"}], ["L’étape « B » est ajoutée (visa), après « A »."]),
        (
            [{"key": "a"}],
            [
                {"key": "a"},
                {
                    "key": "b",
                    "who": [{"desk": "direction"}, {"desk": "finances"}, {"superior": 1}],
                    "quorum": 2,
                    "days": 3,
                    "told": ["direction"],
                    "when": {"field": "total", "op": ">", "value": 4000},
                },
            ],
            [
                "L’étape « B » est ajoutée (visa), après « A ».",
                "« B » : Direction générale, finances, supérieur de l’émetteur (2 sur 3).",
                "« B » : n’a lieu que si le total dépasse 4\u202f000\xa0€.",
                "« B » : un délai de 3 jours ouvrés.",
                "« B » : Direction générale est informé sans agir.",
            ],
        ),
        ([{"key": "a"}, {"key": "b"}], [{"key": "b"}], ["L’étape « A » est retirée."]),
        (
            [{"key": "a"}, {"key": "b"}, {"key": "c"}],
            [{"key": "c"}, {"key": "a"}, {"key": "b"}],
            ["L’étape « C » se place maintenant au début."],
        ),
        ([{"key": "a"}], [{"key": "a", "kind": "sign"}], ["« A » : Visa devient Signature."]),
        ([{"key": "a"}], [{"key": "a", "label": "B"}], ["« A » s’appelle « B »."]),
        (
            [{"key": "a", "days": 1}],
            [{"key": "a"}],
            ["« A » : un délai de 1 jour ouvré devient aucun délai."],
        ),
        (
            [{"key": "a"}],
            [{"key": "a", "who": [{"desk": "direction"}, {"superior": 1}], "quorum": "all"}],
            [
                "« A » : Direction générale, supérieur de l’émetteur s’ajoutent.",
                "« A » : finances n’y est plus.",
                "« A » : un seul acteur devient les 2, dans n’importe quel ordre.",
            ],
        ),
        (
            [{"key": "a"}],
            [{"key": "a", "when": {"field": "total", "op": ">", "value": 4000}}],
            ["« A » : n’a plus lieu que si le total dépasse 4\u202f000\xa0€."],
        ),
    ],
)
def test_a_difference_is_told_in_plain_words(
    before: list[dict[str, Any]], after: list[dict[str, Any]], told: list[str]
) -> None:
    names = {"direction": "Direction générale", "total": "le total"}
    assert difference(circuit(*before), circuit(*after), names, {"total"}) == told


def test_a_desk_that_lost_its_holder_is_said_with_the_way_to_mend_it(house: House) -> None:
    desks.seat(here(house), "finances", "n.abgrallec", [])
    desks.seat(here(house), "finances", "t.lescoat", [])
    page = house.client(K).get(f"{INVOICE}?etape=finance")
    assert "Personne n’a le droit de viser à « Direction des finances »" in words(page)
    assert "/administration/bureaux/" in page.get_data(as_text=True)
