"""A collectivity as one file: exported, compared, applied elsewhere, all of it or nothing; a hostile file writes nothing."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from app import create_app
from app.arrivals import routing
from app.arrivals.mail import boxes, fetching
from app.arrivals.mail.boxes import Box
from app.arrivals.routing import Destination, Routing, Row
from app.circuits import closing, library, named, own_types, rules
from app.circuits.gestures import Gesture
from app.core import db as database_of
from app.core import schema
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders.rehearsal import Stage, imagined, rehearse
from app.folders.route import route_of
from app.journal.models import JournalEntry
from app.operations.declared.applying import apply_document
from app.operations.declared.document import SCHEMA, read, write
from app.operations.declared.present import changes, present
from app.operations.desks import closing as closing_desks
from app.people import desks, hierarchy
from app.people.applications import by_command
from app.people.models import Collectivity, Desk, User
from app.people.own_settings.changing import change_setting
from demo.cast import SIREN
from tests.builders import circuits
from tests.builders.house import House
from workflows.emitting import BRANCH, EMITTER
from workflows.family import families
from workflows.own_types import Column, Definition, OwnField

ELSEWHERE = "212900018"


def run(house: House, *words: str, file: Path | None = None):
    return house.app.test_cli_runner().invoke(args=["collectivity", *words, *([str(file)] if file else [])])


LARGE = {"field": "total_ttc", "op": ">=", "value": 4000}
SCHOOL = {"field": "own_site", "op": "==", "value": "ecole"}
BELOW = {"all": [{"field": BRANCH, "op": "in", "value": ["finances"]}, {"not": LARGE}]}


def publish(house: House, kind: str, *rows: tuple[Any, str], otherwise: str) -> None:
    """Publish the rules of a family or a type, in place of those that are there."""
    secretary = house.actor("k.morizur")
    with reading(secretary.collectivity_id) as db:
        draft = rules.draft_of(db, secretary.collectivity_id, kind)
    gestures = [Gesture("remove", row["key"]) for row in draft.definition["rows"]]
    gestures += [
        Gesture("write", f"row_{rank}", step={"when": when, "circuit": circuit})
        for rank, (when, circuit) in enumerate(rows, start=1)
    ]
    version = rules.change(secretary, kind, draft.version, gestures, otherwise)
    rules.publish_rules(secretary, kind, version, draft.in_force)


def routes(collectivity_id: int, people: bool = True) -> dict[str, tuple[Any, ...]]:
    """What a rehearsal tells of each of many facts, by each desk: the circuit, the rank of the rule, its words; the way.

    Of each step its days, the desks asked and told, who sits there where `people` are alike, and what would block it.
    """
    chosen = {}
    with reading(collectivity_id) as db:
        secretaries = dict(db.execute(sa.select(User.login, User.id)).all()) if people else {}
        asked = {one.name: one for one in [families()["invoice"], families()["deliberation"]]}
        asked |= {str(one.type_key): one for one in own_types.offered(db, collectivity_id)}
        facts: list[tuple[str, dict[str, Any]]] = [
            (name, {"total_ttc": total, "own_site": site})
            for name in ("invoice", "facture-d-energie")
            for total in ("3999.99", "4000.00")
            for site in ("mairie", "ecole")
        ]
        facts += [("deliberation", {"sitting_secretary": login}) for login in secretaries]
        for desk in db.scalars(sa.select(Desk).where(Desk.collectivity_id == collectivity_id)):
            for name, given in facts:
                told = {key: secretaries.get(value, value) for key, value in given.items()}
                folder = imagined(collectivity_id, asked[name], desk.id, told)
                route = route_of(db, folder)
                rule = route.rule or {}
                way = rehearse(db, folder, route.circuit, date(2026, 12, 1))
                chosen[f"{desk.key} {name} {given}"] = (
                    route.circuit.label,
                    rule.get("rank"),
                    rule.get("words"),
                    (way.ends, way.due, way.refusal and way.refusal.key),
                    [_told(stage, secretaries) for stage in (*way.stages, *way.aside)],
                )
    return chosen


def _told(stage: Stage, logins: dict[str, int]) -> tuple[Any, ...]:
    names = {number: login for login, number in logins.items()}

    def part(key: str) -> str:
        sort, _, number = key.partition(":")
        return names[int(number)] if sort == "person" and names else key

    asked = [
        (part(slot.key), sorted(names[one.user_id] for one in slot.people) if names else len(slot.people))
        for slot in stage.seats
    ]
    why = stage.refusal and stage.refusal.key
    return stage.step.key, stage.entered, stage.due, asked, [slot.key for slot in stage.told], why


def exported(house: House, siren: str = SIREN) -> str:
    answer = run(house, "export", siren)
    assert answer.exit_code == 0, answer.output
    return str(answer.output)


def rows() -> dict[str, int]:
    """How many rows each table has."""
    with engine().connect() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for name, table in database_of.Base.metadata.tables.items()
        }


def a_rich_collectivity(house: House) -> None:
    """What the demonstration has, and a type, a circuit and settings of its own."""
    secretary = house.actor("k.morizur")
    number = own_types.open_type(secretary, "invoice", "Facture d’énergie")
    definition = Definition(
        "Facture d’énergie",
        days=20,
        escalation=2,
        deposited_by=("finances",),
        fields=(
            OwnField(
                "own_site",
                "Site",
                "choice",
                True,
                (("mairie", "Mairie"), ("ecole", "École")),
                "Le site.",
                listed=True,
            ),
            OwnField("own_lots", "Lots", "lines", columns=(Column("prix", "Prix", "amount", required=True),)),
        ),
    )
    own_types.draw_up(secretary, number, definition, shown=1)
    own_types.publish_type(secretary, number, shown=2)
    law = families()["invoice"].circuit.to_data()
    longer = {**law, "label": "Facture, en sept jours"}
    circuits.publish(secretary, "invoice", library.as_yaml(longer))
    for label in ("Voirie courte", "Voirie close"):
        name = named.open_circuit(secretary, "invoice", label, "invoice")
        circuits.publish(secretary, name, library.as_yaml({**law, "label": label}))
    closing.close_circuit(secretary, "invoice.voirie-close", closed=True)
    short = "invoice.voirie-courte"
    publish(
        house,
        "invoice",
        ({"field": EMITTER, "op": "==", "value": "direction"}, short),
        (LARGE, "invoice"),
        otherwise=short,
    )
    publish(house, "facture-d-energie", (SCHOOL, "invoice"), (BELOW, short), otherwise="invoice")
    named.open_circuit(secretary, "deliberation", "Séance courte", "deliberation")
    law = families()["deliberation"].circuit.to_data()
    circuits.publish(
        secretary, "deliberation.seance-courte", library.as_yaml({**law, "label": "Séance courte"})
    )
    chosen = {"any": [{"field": "sitting_secretary", "op": "==", "value": house.actor("g.trehorel").user_id}]}
    publish(house, "deliberation", (chosen, "deliberation.seance-courte"), otherwise="deliberation")
    shut = hierarchy.open_desk(secretary, "Ancien service", None)
    closing_desks.close(secretary, shut)
    change_setting(secretary, "shown_name", {"shown_name": "Mairie de Kerlann"})
    change_setting(secretary, "mail_signature", {"mail_signature": "Secrétariat\n02 98 00 00 00"})
    change_setting(secretary, "reauth_minutes", {"reauth_minutes": "4"})
    address = {
        "handover_webhook_url": "https://f.example.org/",
        "handover_webhook_secret": "un secret de remise",
    }
    change_setting(secretary, "handover_webhook_url", address)


@pytest.fixture
def elsewhere(house: House, tmp_path: Path) -> Iterator[House]:
    """Another installation, with an empty collectivity; the first is there again afterwards."""
    library.forget()
    data = tmp_path / "elsewhere"
    data.mkdir()
    url = f"sqlite:///{data / 'paraphe.db'}"
    settings = house.settings.model_copy(
        update={"database_url": url, "data_dir": data, "store_url": f"file:{data / 'documents'}"}
    )
    yield House(create_app(settings), settings, house.pki, house.mail)
    database_of.dispose()
    library.forget()
    shutil.rmtree(data)


def test_an_export_applied_to_an_empty_collectivity_elsewhere_gives_the_same_export(
    house: House, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    a_rich_collectivity(house)
    voirie = Row(
        {"service_code": "VOIRIE", "seller": "212909998"}, Destination("technique", "", "technique", True)
    )
    routing.choose(house.actor("k.morizur"), Routing((voirie,), Destination("comptabilite", "")))
    here = house.actor("k.morizur").collectivity_id
    box = Box(
        0, here, "f@kerlann.example", "invoice", "imaps", "imap.kerlann.example", 993, "f/1", "INBOX/Factures"
    )
    boxes.save(
        house.actor("k.morizur"), replace(box, senders=("@edf.example",), active=False), "sésame de la boîte"
    )
    text, file = exported(house), tmp_path / "kerlann.yaml"
    file.write_text(text, encoding="utf-8")
    same = run(house, "diff", SIREN, file=file)
    assert (same.exit_code, same.output) == (0, "")
    before = rows()
    again = run(house, "apply", SIREN, file=file)
    assert (again.exit_code, again.output) == (0, "Rien à changer.\n")
    assert rows() == before
    routed = routes(house.actor("k.morizur").collectivity_id)
    assert {label for label, *_ in routed.values()} == {
        "Facture, en sept jours", "Voirie courte", "Séance courte", families()["deliberation"].circuit.label,
    }  # fmt: skip
    # Of people their logins, never the numbers of this installation
    assert yaml.safe_load(text)["rules"]["deliberation"]["rows"][0]["when"]["any"][0]["value"] == "g.trehorel"
    # Neither a secret, nor what identifies one, is in it
    assert "un secret de remise" not in text
    assert "sésame" not in text
    assert "g1." not in text
    assert "password" not in text
    there = request.getfixturevalue("elsewhere")
    schema.upgrade()
    desks.create_collectivity(ELSEWHERE, "Ailleurs", department="029", district="1", nature="31", settings={})
    told = run(there, "diff", ELSEWHERE, file=file)
    assert told.exit_code == 1
    assert "+ desks.finances : " in told.output
    assert "+ arrivals.otherwise : " in told.output
    assert "+ mailboxes.imap.kerlann.example/f%2F1/INBOX/Factures : " in told.output
    assert (
        "+ rules.invoice : La règle 2 est ajoutée : si montant TTC atteint 4 000 €, « Facture, en sept jours »."
        in plain(told.output)
    )
    assert "+ rules.invoice : Les autres cas suivent « Voirie courte »." in plain(told.output)
    there.mail.clear()
    done = run(there, "apply", ELSEWHERE, file=file)
    assert done.exit_code == 0, done.output
    assert "Secret de remise, affiché une seule fois : " in done.output
    assert exported(there, ELSEWHERE) == text
    assert run(there, "diff", ELSEWHERE, file=file).output == ""
    with reading() as db:
        theirs = db.scalars(sa.select(Collectivity.id)).one()
        (brought,) = boxes.boxes(db, theirs)
    assert routes(theirs) == routed
    # No password came with the file: the mailbox says so, and is not read before somebody gives it
    assert (brought.secret, brought.fault, brought.login) == ("", boxes.LOCKED, "f/1")
    with pytest.raises(Refusal, match="mailbox-password"):
        fetching.read(brought, there.settings)
    # Each is invited, and enters by a password that he chooses himself
    there.drain()
    with reading() as db:
        people = list(db.scalars(sa.select(User)))
        own = db.scalars(sa.select(Collectivity.settings)).one()
        events = list(db.scalars(sa.select(JournalEntry.event)))
    assert people
    assert all(one.person_id is None for one in people)
    invited = {one.email for one in people}
    assert invited <= {address.addr_spec for one in there.mail.letters for address in one["To"].addresses}
    assert str(own["handover_webhook_secret"]).startswith("g1.")
    assert events.count("collectivity.declared") == 1


def test_what_differs_is_told_written_and_nothing_is_taken_off(house: House, tmp_path: Path) -> None:
    document = yaml.safe_load(exported(house))
    document["desks"]["finances"]["name"] = "Finances et achats"
    document["desks"]["archives"] = {"name": "Archives", "above": "finances"}
    document["people"]["n.abgrallec"]["capacity"] = "Directrice des achats"
    document["people"]["n.abgrallec"]["desks"]["archives"] = ["archive"]
    del document["people"]["r.pellenec"]
    document["settings"] = {"mail_name": "Mairie"}
    file = tmp_path / "kerlann.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    told = run(house, "diff", SIREN, file=file)
    assert told.exit_code == 1
    lines = [" ".join(one.split()) for one in told.output.splitlines()]
    assert "+ desks.archives : Archives" in lines
    assert any(one.startswith("~ desks.finances.name : Finances et achats (avant : ") for one in lines)
    assert "+ settings.mail_name : Mairie" in lines
    assert lines[-1].startswith("people.r.pellenec : ")
    assert lines[-1].endswith("ici seulement (laissé)")
    done = run(house, "apply", SIREN, "--without-invitation", file=file)
    assert done.exit_code == 0, done.output
    after = yaml.safe_load(exported(house))
    assert after["desks"]["archives"] == {"name": "Archives", "above": "finances"}
    assert after["people"]["n.abgrallec"]["desks"]["archives"] == ["archive"]
    assert "r.pellenec" in after["people"]
    assert run(house, "diff", SIREN, file=file).exit_code == 0


def test_a_desk_closes_and_opens_again_as_the_file_says_unless_a_folder_keeps_it_open(
    house: House, tmp_path: Path
) -> None:
    hierarchy.open_desk(house.actor("k.morizur"), "Ancien service", None)
    house.an_invoice()
    file = tmp_path / "kerlann.yaml"

    def apply(desk: str, *, closed: bool):
        document = yaml.safe_load(exported(house))
        document["desks"][desk]["closed"] = closed
        file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        return run(house, "apply", SIREN, file=file)

    assert apply("ancien-service", closed=True).exit_code == 0
    assert yaml.safe_load(exported(house))["desks"]["ancien-service"]["closed"] is True
    opened = apply("ancien-service", closed=False)
    assert "~ desks.ancien-service.closed : False (avant : True)" in opened.output
    assert "closed" not in yaml.safe_load(exported(house))["desks"]["ancien-service"]
    kept = apply("technique", closed=True)
    assert kept.exit_code == 1
    assert "desks.technique" in kept.output
    assert "closed" not in yaml.safe_load(exported(house))["desks"]["technique"]


def plain(text: str) -> str:
    return text.replace("\xa0", " ").replace("\u202f", " ")


def test_in_another_collectivity_of_the_same_base_the_same_facts_take_the_same_circuit(house: House) -> None:
    a_rich_collectivity(house)
    ours = house.actor("k.morizur").collectivity_id
    other = desks.create_collectivity(
        ELSEWHERE, "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    document = read(exported(house).encode())
    document["people"] = {
        f"{login}.la": entry for login, entry in document["people"].items()
    }  # one login, one place
    before = rows()
    with pytest.raises(Refusal, match="declared-stopped") as refused:
        apply_document(by_command(other), document, invite=False)
    assert refused.value.facts["where"] == "rules.deliberation"
    assert "« g.trehorel » n’a de compte" in plain(str(refused.value.facts["why"]))
    assert rows() == before
    document["rules"].pop("deliberation")
    apply_document(by_command(other), document, invite=False)
    with reading() as db:
        assert present(db, other)["rules"] == document["rules"]
    assert routes(other, people=False) == routes(ours, people=False)


def test_the_skeleton_of_a_collectivity_is_written_elsewhere_before_its_people(house: House) -> None:
    other = desks.create_collectivity(
        ELSEWHERE, "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    document = read(exported(house).encode())
    skeleton = {key: document[key] for key in document if key not in {"people", "rules", "circuits"}}
    apply_document(by_command(other), skeleton, invite=False)
    with reading() as db:
        assert present(db, other)["desks"].keys() == document["desks"].keys()


def test_rules_are_compared_in_words_and_written_with_the_fields_and_circuits_that_they_name(
    house: House, tmp_path: Path
) -> None:
    a_rich_collectivity(house)
    secretary = house.actor("k.morizur")
    document = yaml.safe_load(exported(house))
    own, mine = document["rules"]["facture-d-energie"], document["rules"]["invoice"]
    # In one file: a field goes away with the rule that read it, and a circuit closes that no rule takes any more
    document["types"]["facture-d-energie"].pop("fields")
    own["rows"] = [
        {"key": "row_2", "when": {"field": "total_ttc", "op": "<", "value": 90}, "circuit": "invoice"}
    ]
    mine["rows"], mine["otherwise"] = [{**mine["rows"][1], "when": {**LARGE, "value": 5000}}], "invoice"
    document["circuits"]["invoice.voirie-courte"]["closed"] = True
    document["circuits"]["invoice.voirie-courte"]["steps"][0]["days"] = 9
    document["rules"].pop("deliberation")
    file = tmp_path / "kerlann.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    told = plain(run(house, "diff", SIREN, file=file).output).splitlines()
    assert (
        "~ rules.invoice : La règle 1 prend les dossiers si montant TTC atteint 5 000 €, et non plus si montant TTC atteint 4 000 €."
        in told
    )
    assert (
        "~ rules.invoice : Les autres cas suivent « Facture, en sept jours », et non plus « Voirie courte »."
        in told
    )
    step = document["circuits"]["invoice.voirie-courte"]["steps"][0]["label"]
    (days,) = [one for one in told if one.startswith(f"~ circuits.invoice.voirie-courte : « {step} » :")]
    assert days.endswith("devient un délai de 9 jours ouvrés.")
    assert "~ circuits.invoice.voirie-courte.closed : True (avant : False)" in told
    assert any(one.startswith("~ rules.facture-d-energie : La règle 1 (site vaut ") for one in told)
    assert told[-1] == "  rules.deliberation : 1 règle et les autres cas, ici seulement (laissé)"
    done = run(house, "apply", SIREN, file=file)
    assert done.exit_code == 0, done.output
    assert run(house, "diff", SIREN, file=file).exit_code == 0
    with reading(secretary.collectivity_id) as db:
        every = rules.in_force(db, secretary.collectivity_id)
        after = present(db, secretary.collectivity_id)
    assert {name: one.number for name, one in every.items()} == {
        "invoice": 2,
        "facture-d-energie": 2,
        "deliberation": 1,
    }
    assert after["circuits"]["invoice.voirie-courte"]["closed"]


@pytest.mark.parametrize("lacks", ["field", "circuit"])
def test_rules_that_would_name_what_goes_away_stop_the_file(house: House, lacks: str) -> None:
    a_rich_collectivity(house)
    document, before = read(exported(house).encode()), rows()
    if lacks == "field":
        document["types"]["facture-d-energie"]["fields"] = []
    else:
        document["circuits"]["invoice.voirie-courte"]["closed"] = True
    with pytest.raises(Refusal, match="declared-stopped") as refused:
        apply_document(by_command(house.actor("k.morizur").collectivity_id), document)
    where = "types.facture-d-energie" if lacks == "field" else "circuits.invoice.voirie-courte"
    assert refused.value.facts["where"] == where
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "where", "why"),
    [
        ({"rules": {"rien": {"rows": [], "otherwise": "invoice"}}}, "rules.rien", "ni un type publié"),
        ({"rules": {"invoice": {"rows": [], "otherwise": "invoice.rien"}}}, "rules.invoice", "« invoice.rien »"),
        ({"rules": {"invoice": {"rows": [], "otherwise": "contract"}}}, "rules.invoice", "« contract »"),
        (
            {"rules": {"invoice": {"otherwise": "invoice", "rows": [
                {"key": "a", "circuit": "invoice", "when": {"field": "emitter_desk", "op": "==", "value": "nulle-part"}}]}}},
            "rules.invoice", "Le bureau « nulle-part » n’existe pas",
        ),
        (
            {"rules": {"invoice": {"otherwise": "invoice", "rows": [
                {"key": "a", "circuit": "invoice", "when": {"field": "own_rien", "op": "present"}}]}}},
            "rules.invoice", "Choisissez ce que la condition regarde",
        ),
        ({"desks": {"x": {"name": "X", "above": "nulle-part"}}}, "desks.x", "n’est ni dans le fichier"),
        (
            {"desks": {"x": {"name": "X", "above": "y"}, "y": {"name": "Y", "above": "x"}}},
            "desks.x",
            "ne lui doit rien",
        ),
        ({"people": {"x.y": {"desks": {"nulle-part": ["act"]}}}}, "people.x.y", "n’est ni dans le fichier"),
        ({"people": {"x.y": {"email": "pas une adresse"}}}, "people.x.y", "adresse"),
        ({"settings": {"reauth_minutes": 721}}, "settings.reauth_minutes", "va de 1 à 720"),
        ({"settings": {"handover_webhook_url": "https://10.0.0.1/"}}, "settings.handover_webhook_url", "interne"),
        (
            {"circuits": {"invoice": {"key": "invoice", "label": "X", "steps": [
                {"key": "a", "label": "A", "kind": "visa", "who": [{"desk": "finances"}]}]}}},
            "circuits.invoice", "",
        ),
        ({"types": {"invoice": {"family": "invoice", "label": "Un type"}}}, "types.invoice", "clé d’un type"),
        ({"people": {"K.Morizur": {}}}, "people.K.Morizur", "s’écrit en minuscules : « k.morizur »"),
    ],
)  # fmt: skip
def test_what_stops_a_file_is_said_and_nothing_of_it_is_written(
    house: House, change: dict[str, dict[str, object]], where: str, why: str
) -> None:
    person = {"first_name": "X", "last_name": "Y", "email": "x@y.example", "capacity": "Agent"}
    people = {key: {**person, **one} for key, one in change.get("people", {}).items()}  # type: ignore[dict-item]
    good = {"desks": {"archives": {"name": "Archives"}}, "settings": {"mail_name": "Mairie"}}
    data = {name: {**good.get(name, {}), **one} for name, one in {**good, **change}.items()}
    if people:
        data["people"] = people
    before, text = rows(), yaml.safe_dump({"schema": SCHEMA, **data}, allow_unicode=True).encode()
    actor = by_command(house.actor("k.morizur").collectivity_id)
    with pytest.raises(Refusal) as refused:
        apply_document(actor, read(text))
    assert refused.value.key in {"declared-stopped", "declared-invalid"}
    said = f"{refused.value.facts.get('where', '')} {refused.value.facts.get('why', '')} {refused.value.facts.get('details', '')}"
    assert where in said
    assert why in plain(said)
    assert rows() == before


def test_a_login_of_another_collectivity_is_of_somebody_else_there(house: House) -> None:
    other = desks.create_collectivity(
        ELSEWHERE, "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    here = house.actor("a.kervadec").collectivity_id
    people = sa.select(User.login, User.person_id).where(User.active.is_(True)).order_by(User.login)
    with reading() as db:
        before = db.execute(people).all()
    apply_document(by_command(other), read(exported(house).encode()))
    with reading() as db:
        assert db.execute(people.where(User.collectivity_id == here)).all() == before
        theirs = db.execute(people.where(User.collectivity_id == other)).all()
    assert [one.login for one in theirs] == [one.login for one in before]
    assert all(one.person_id is None for one in theirs)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nschema: paraphe-collectivity/1\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "les alias ne sont pas admis"),
        (f"schema: {SCHEMA}\ndesks: !!python/object/apply:os.system ['true']\n", "illisible à la ligne 2"),
        (f"schema: {SCHEMA}\ndesks: {'[' * 5000}{']' * 5000}\n", "illisible à la ligne 2"),
        (f"schema: {SCHEMA}\ndesks: {{a: {{name: A}}, a: {{name: B}}}}\n", "donnée deux fois"),
        (f"schema: {SCHEMA}\nmandates: {{}}\n", "mandates : clé inconnue"),
        (f"schema: {SCHEMA}\ndesks: [a, b]\n", "desks : il faut une clé pour chacun"),
        (f"schema: {SCHEMA}\ndesks: {{29: {{name: A}}}}\n", "« 29 » n’est pas une clé"),
        (f"schema: {SCHEMA}\ndesks: {{a: {{name: 29}}}}\n", "desks.a.name : il faut un texte"),
        (f'schema: {SCHEMA}\ndesks: {{a: {{name: "a\\0b"}}}}\n', "un caractère illisible"),
        (f"schema: {SCHEMA}\npeople: {{a: {{password: x}}}}\n", "people.a.password : clé inconnue"),
        (f"schema: {SCHEMA}\npeople: {{a: {{desks: {{b: [administer]}}}}}}\n", "il faut une liste parmi"),
        (f"schema: {SCHEMA}\nsettings: {{handover_webhook_secret: x}}\n", "n’est pas un réglage"),
        (f"schema: {SCHEMA}\nsettings: {{mail_name: [x]}}\n", "il faut un texte ou un nombre"),
        (f"schema: {SCHEMA}\ntypes: {{a: {{family: rien, label: A}}}}\n", "ce n’est pas une famille"),
        (f"schema: {SCHEMA}\ntypes: {{a: {{family: invoice, label: A, days: '5'}}}}\n", "un nombre entier"),
        (f"schema: {SCHEMA}\ntypes: {{a: {{family: invoice, label: A, fields: [1]}}}}\n", "types.a.fields.0"),
        (
            f"schema: {SCHEMA}\ntypes: {{a: {{family: invoice, label: A, fields: [{{key: own_a, label: L, kind: lines, columns: [1]}}]}}}}\n",
            "types.a.fields.0.columns.0",
        ),
        (f"schema: {SCHEMA}\ntypes: {{a: {{family: invoice, label: A, days: 900}}}}\n", "types.a.days"),
        (
            f"schema: {SCHEMA}\ntypes: {{a: {{family: invoice, label: A, escalation: 61}}}}\n",
            "types.a.escalation",
        ),
        (f"schema: {SCHEMA}\nsettings: {{mail_escalation_families: 'Devis: 3'}}\n", "le délai d’une famille"),
        (f"schema: {SCHEMA}\nrules: {{invoice: {{otherwise: invoice}}}}\n", "il faut « rows »"),
        (f"schema: {SCHEMA}\nrules: {{invoice: {{rows: [], otherwise: 3}}}}\n", "rules.invoice.otherwise"),
        (
            f"schema: {SCHEMA}\nrules: {{invoice: {{rows: [1], otherwise: invoice}}}}\n",
            "rules.invoice.rows.0",
        ),
        (
            f"schema: {SCHEMA}\nrules: {{invoice: {{rows: [{{key: a, circuit: b, when: {{all: []}}}}], otherwise: c}}}}\n",
            "rows.0.when",
        ),
        (
            f"schema: {SCHEMA}\nrules: {{invoice: {{rows: [{{key: é, circuit: b}}], otherwise: c}}}}\n",
            "rows.0.key",
        ),
        (
            f"schema: {SCHEMA}\nrules: {{invoice: {{rows: [{', '.join(['{}'] * 41)}], otherwise: c}}}}\n",
            "41 en tout, 40 au plus",
        ),
        (f"schema: {SCHEMA}\narrivals: {{rows: [1]}}\n", "arrivals.rows.0"),
        (
            f"schema: {SCHEMA}\narrivals: {{rows: [{{when: {{hasard: x}}, to: {{desk: a}}}}]}}\n",
            "arrivals.rows.0.when.hasard",
        ),
        (f"schema: {SCHEMA}\narrivals: {{otherwise: {{desk: a, send: oui}}}}\n", "arrivals.otherwise.send"),
        (f"schema: {SCHEMA}\narrivals: {{tri: a}}\n", "arrivals.tri"),
        (f"schema: {SCHEMA}\nmailboxes: {{boite: {{address: a}}}}\n", "serveur/identifiant/dossier"),
        (f"schema: {SCHEMA}\nmailboxes: {{IMAP.fr/a/INBOX: {{address: a}}}}\n", "le serveur en minuscules"),
        (f"schema: {SCHEMA}\nmailboxes: {{imap.fr/a/INBOX: [1]}}\n", "il faut « address » et « kind »"),
        (f"schema: {SCHEMA}\nmailboxes: {{imap.fr/a/INBOX: {{password: a}}}}\n", "INBOX.password"),
        (f"schema: {SCHEMA}\nmailboxes: {{imap.fr/a/INBOX: {{port: a, senders: 1}}}}\n", "INBOX.senders"),
        (f"schema: {SCHEMA}\ncircuits: {{rien: {{}}}}\n", "ce n’est pas une famille"),
        (f"schema: {SCHEMA}\ncircuits: {{invoice: {{steps: []}}}}\n", "circuits.invoice"),
        ("schema: autre\n", "il faut « schema: paraphe-collectivity/1 »"),
        ("- 1\n", "il faut « schema: paraphe-collectivity/1 »"),
        ("", "il faut « schema: paraphe-collectivity/1 »"),
        (f"schema: {SCHEMA}\ndesks: {{a: b\n", "illisible à la ligne"),
        (
            f"schema: {SCHEMA}\ndesks:\n" + "".join(f"  d{n}: {{name: D{n}}}\n" for n in range(1001)),
            "1001 en tout, 1000 au plus",
        ),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_hostile_file_is_refused_in_french(house: House, tmp_path: Path, text: str, why: str) -> None:
    file, before = tmp_path / "hostile.yaml", rows()
    file.write_text(text, encoding="utf-8")
    for verb in ("diff", "apply"):
        refused = run(house, verb, SIREN, file=file)
        assert refused.exit_code == 1
        assert why in refused.output.replace("\xa0", " ").replace("\u202f", " ")
        assert "Traceback" not in refused.output
        assert isinstance(refused.exception, SystemExit)
    assert rows() == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_of_a_million_rows_is_not_even_read(house: House, tmp_path: Path) -> None:
    file = tmp_path / "grand.yaml"
    with file.open("w", encoding="utf-8") as out:
        out.write(f"schema: {SCHEMA}\ndesks:\n")
        out.writelines(f"  d{number}: {{name: D}}\n" for number in range(1_000_000))
    refused = run(house, "apply", SIREN, file=file)
    assert refused.exit_code == 1
    assert "dépasse 2 Mo" in refused.output.replace("\xa0", " ")
    (tmp_path / "latin.yaml").write_bytes("schema: é".encode("latin-1"))
    assert "n’est pas un texte UTF-8" in run(house, "apply", SIREN, file=tmp_path / "latin.yaml").output


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_is_read_as_it_was_written_and_what_it_does_not_say_stays(house: House) -> None:
    a_rich_collectivity(house)
    with reading() as db:
        here = present(db, house.actor("k.morizur").collectivity_id)
    assert read(write(here).encode()) == {name: dict(sorted(one.items())) for name, one in here.items()}
    assert changes(here, read(f"schema: {SCHEMA}\n".encode())) == []


def test_a_file_after_which_nobody_would_administer_is_refused(house: House, tmp_path: Path) -> None:
    person = {"first_name": "Katell", "last_name": "Morizur", "email": "k.morizur@kerlann-sur-mer.example"}
    file = tmp_path / "personne.yaml"
    file.write_text(
        yaml.safe_dump({"schema": SCHEMA, "people": {"k.morizur": {**person, "capacity": "Secrétaire"}}})
    )
    before = exported(house)
    answer = run(house, "apply", SIREN, file=file)
    assert answer.exit_code != 0
    assert "plus personne n’administrerait la collectivité" in answer.output
    assert exported(house) == before
