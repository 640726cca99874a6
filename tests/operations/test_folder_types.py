"""A town hall makes its own types of folders: stricter than the families, versioned, and never the end of a folder."""

import html
import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pyhanko.sign.fields import MDPPerm
from werkzeug.test import TestResponse

from app.circuits import own_types, reserved, rules
from app.circuits.library import circuit_of
from app.circuits.models import FolderType, FolderTypeVersion
from app.core import schema
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.losses import losses
from app.core.refusals import Refusal
from app.display import queues
from app.folders import decide, deposit, rerouting, sending
from app.journal.chain import verify
from app.journal.models import JournalEntry
from app.operations.declared.applying import apply_document
from app.operations.declared.present import present as declared_present
from app.people import desks
from app.people.actor import Actor
from app.people.applications import by_command
from app.people.models import LoginSession
from app.signing.formats import geometry
from app.signing.models import SignatureProof
from app.signing.placing import plan
from app.transmission import parcel
from demo.cast import ACCOUNTS, PASSWORD
from demo.pki import TestPki
from tests.api.software import Software
from tests.builders.house import ACT, INVOICE, PAY, House
from tests.builders.signing import refusal
from tests.signing.test_several import certified
from workflows.family import families, faults_of
from workflows.loader import load
from workflows.own_types import Definition, OwnField, faults, joined
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, A, N = "k.morizur", "g.trehorel", "a.kervadec", "n.abgrallec"
PAGE = "/administration/types"
RECEIVED = {"received_on": (today() - timedelta(days=3)).isoformat(), "proof_of_service": "technique"}
ENERGY = {
    "label": "Facture d’énergie",
    "row": ["f0", "f1", "f2"],
    "f0-label": "Point de livraison",
    "f0-kind": "text",
    "f0-required": "submit",
    "f1-label": "Bâtiment",
    "f1-kind": "choice",
    "f1-choices": "Mairie\nÉcole de la Grève\n",
    "f2-label": "Relevé réel",
    "f2-kind": "yesno",
}
POINT, BUILDING, METER = "own_point_de_livraison", "own_batiment", "own_releve_reel"


def words(answer: TestResponse) -> str:
    """What a person reads of a page, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def begin(house: House, family: str = "invoice", label: str = "Facture d’énergie") -> int:
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "family": family, "label": label}
    answer = client.post(f"{PAGE}/nouveau", data=data)
    assert answer.status_code == 302, words(answer)
    return int(answer.location.rsplit("/", 1)[1])


def draw(house: House, number: int, **typed: Any) -> TestResponse:
    """Save the page of a type, as its administrator."""
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "revision": str(revision(number)), "action": "save", **typed}
    return client.post(f"{PAGE}/{number}", data=data)


def revision(number: int) -> int:
    with reading() as db:
        return db.get_one(FolderType, number).revision


def publish(house: House, number: int) -> TestResponse:
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "revision": str(revision(number))}
    return client.post(f"{PAGE}/{number}/publier", data=data)


def made(house: House, family: str = "invoice", **typed: Any) -> int:
    """A type in force, as its administrator makes it in the browser."""
    label = typed.setdefault("label", "Facture d’énergie")
    number = begin(house, family, label)
    assert draw(house, number, **typed).status_code == 302
    assert publish(house, number).status_code == 302
    return number


def close(house: House, number: int, closed: str = "1") -> TestResponse:
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "revision": str(revision(number)), "closed": closed}
    return client.post(f"{PAGE}/{number}/fermer", data=data)


def send(house: House, folder_id: int, login: str = G) -> None:
    sending.send(house.actor(login), folder_id, version=house.folder(folder_id).version)


def events(name: str) -> list[dict[str, Any]]:
    with reading() as db:
        query = sa.select(JournalEntry).where(JournalEntry.event == name).order_by(JournalEntry.id)
        return [json.loads(one.facts) for one in db.scalars(query)]


def test_a_type_made_in_the_browser_is_deposited_filled_read_found_and_handed_over(house: House) -> None:
    number = begin(house)
    offered = words(house.client(G).get("/deposer"))
    assert "Facture d’énergie" not in offered  # nobody deposits what is only drawn up
    blank = house.client(K).get(f"{PAGE}/{number}").get_data(as_text=True)
    assert len(re.findall(r'name="row" value="new\d?"', blank)) == 8  # several at once, without a script
    rows = {"row": ["new", "new2", "new8"], "new-label": "Compteur", "new8-help": "Au dos du compteur."}
    refused = draw(house, number, label="", **rows)
    assert refused.status_code == 422
    assert "Champ « Compteur »" in words(refused)
    assert 'value="Au dos du compteur."' in refused.get_data(as_text=True)
    assert draw(house, number, **ENERGY, help="Électricité, gaz et bois.").status_code == 302
    page = words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert "Champ ajouté : « Point de livraison », texte, obligatoire à l’envoi" in page
    assert "« Bâtiment », choix dans une liste, facultatif (Mairie, École de la Grève)" in page
    assert publish(house, number).status_code == 302
    assert "Facture d’énergie Électricité, gaz et bois." in words(house.client(G).get("/deposer"))

    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, {**RECEIVED, BUILDING: "ecole-de-la-greve", METER: "oui"})
    draft = words(house.client(G).get(f"/dossiers/{folder_id}/brouillon"))
    assert all(
        label in draft for label in ("Point de livraison", "Bâtiment", "Relevé réel", "École de la Grève")
    )
    with pytest.raises(Refusal, match="to-fix") as refused:
        send(house, folder_id)
    assert "« Point de livraison » reste à renseigner." in refused.value.facts["details"]
    house.save(folder_id, G, {POINT: "09876543210987"})
    send(house, folder_id)

    client = house.client("r.pellenec")
    assert "Facture d’énergie" in words(client.get("/a-traiter"))
    page = words(client.get(f"/dossiers/{folder_id}?onglet=details"))
    assert "Point de livraison 09876543210987" in page
    assert "Bâtiment École de la Grève" in page
    assert "Relevé réel Oui" in page
    assert "09876543210987" in words(client.get(f"/dossiers/{folder_id}/bordereau"))
    assert f"/dossiers/{folder_id}" in client.get("/recherche?q=09876543210987").get_data(as_text=True)
    assert "Facture d’énergie" in words(client.get("/suivi"))
    with reading() as db:
        folder = house.folder(folder_id)
        with parcel.parcel_of(
            db,
            folder,
            round_number=1,
            step="handover",
            prepared_at=folder.created_at,
            settings=house.settings,
        ) as sent:
            assert (sent.family, sent.kind["type"], sent.facts[POINT]) == (
                "invoice",
                "facture-d-energie",
                "09876543210987",
            )
    assert events("folder.created")[-1]["type"] == "facture-d-energie"
    with reading() as db:
        assert verify(db, house.actor(K).collectivity_id)[1] is None


def test_most_used_types_come_first_at_the_deposit(house: House) -> None:
    made(house)
    house.deposit(G, "other", ACT)
    for _ in range(2):
        house.deposit(G, "facture-d-energie", INVOICE)
    page = house.client(G).get("/deposer").get_data(as_text=True)
    order = re.findall(r'name="family"\s+value="([^"]+)"', page)
    assert order[:2] == ["facture-d-energie", "other"]


def test_twelve_types_are_offered_by_groups_those_of_the_commune_with_their_icons(house: House) -> None:
    made(house, icon="sun")
    for number in range(2):
        made(house, "other", label=f"Courrier {number}", icon="envelope")
    house.deposit(G, "other", ACT)
    page = house.client(G).get("/deposer").get_data(as_text=True)
    groups = re.findall(
        r'role="group" aria-label="([^"]+)"(.*?)(?=role="group"|</fieldset>)', page, re.DOTALL
    )
    named = {label: re.findall(r'name="family"\s+value="([^"]+)"', inside) for label, inside in groups}
    assert named["Souvent déposés"] == ["other"]
    assert named["Types de la commune"] == ["courrier-0", "courrier-1", "facture-d-energie"]
    assert {"invoice", "deliberation"} <= set(named["Autres types"])
    assert sum(map(len, named.values())) == len({one for several in named.values() for one in several})
    assert "#sun" in dict(groups)["Types de la commune"]


def test_a_desk_that_is_not_named_neither_sees_nor_deposits_it_and_a_name_gives_no_right(
    house: House,
) -> None:
    made(house, deposited_by=["finances", "maire"])
    assert "Facture d’énergie" not in words(house.client(G).get("/deposer"))
    with pytest.raises(Refusal, match="type-not-here"):
        house.deposit(G, "facture-d-energie", INVOICE)
    assert "Facture d’énergie" in words(house.client(N).get("/deposer"))
    assert house.deposit(N, "facture-d-energie", INVOICE)
    with pytest.raises(
        Refusal, match="no-desk"
    ):  # the mayor's desk is named, and the mayor has no right to deposit
        house.deposit(A, "facture-d-energie", INVOICE)
    with pytest.raises(
        Refusal, match="type-not-here"
    ):  # another desk of hers is not named, though she may deposit there
        deposit.emitter(
            house.actor(G), None, own_types.asked(house.actor(G).collectivity_id, "facture-d-energie")
        )


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"days": "30"}, "La loi laisse 20 jours au plus (décret 2013-269, art. 12)."),
        ({"days": "vingt"}, "« vingt » n’est pas un nombre entier."),
        ({"escalation": "61"}, "Écrivez un nombre de jours ouvrés, de 1 à 60, ou « jamais »."),
        ({"formats": ["office"]}, "« Facture » n’accepte pas ce format."),
        ({"minimum_signature": "none"}, "demande une signature plus exigeante"),
        ({"signature_level": "B-B"}, "choisissez un niveau plus haut"),
        ({"deposited_by": ["ailleurs"]}, "Un bureau coché n’existe plus, ou est fermé."),
        ({"label": "Délibération"}, "« Délibération » est déjà le nom d’un type de dossiers."),
        ({"label": ""}, "Donnez un nom"),
        ({"row": "f0", "f0-label": "Montant TTC", "f0-kind": "amount"}, "est déjà un champ de la famille"),
        ({"row": "f0", "f0-label": "Lot", "f0-kind": "choice", "f0-choices": "Un"}, "de 2 à 50 choix"),
    ],
)
def test_what_is_weaker_or_wrong_is_refused_beside_its_field_and_changes_nothing(
    house: House, typed: dict[str, Any], sentence: str
) -> None:
    number = begin(house)
    before = revision(number)
    answer = draw(house, number, **{"label": "Facture d’énergie", **typed})
    assert answer.status_code == 422
    assert words(answer).count(sentence) == 2  # on top, with a link, and beside the field
    assert revision(number) == before


def test_a_value_goes_back_to_the_family_s(house: House) -> None:
    number = made(house, days="15", help="Électricité.")
    page = words(house.client(K).get(f"{PAGE}/{number}"))
    assert "Revenir à la famille pour Délai, en jours" in page
    assert (
        "Délai le plus long 20 jours à partir de « Date de réception ». La loi, décret 2013-269, art. 12."
        in page
    )
    assert (
        draw(
            house, number, label="Facture d’énergie", days="15", help="Électricité.", action="back:days"
        ).status_code
        == 302
    )
    page = words(house.client(K).get(f"{PAGE}/{number}"))
    assert "Revenir à la famille pour Délai" not in page
    assert "Revenir à la famille pour l’aide" in page
    assert "Délai : comme la famille (avant : 15 jours)" in words(
        house.client(K).get(f"{PAGE}/{number}/publier")
    )


def test_a_folder_keeps_the_version_it_was_made_with(house: House) -> None:
    number = made(house, **ENERGY)
    old = house.deposit(G, "facture-d-energie", INVOICE)
    kept = {
        "row": ["f0", "f1"],
        "f0-key": POINT,
        "f0-label": "Compteur",
        "f0-kind": "integer",
        "f0-required": "submit",
    }
    more = {"f1-label": "Contrat", "f1-kind": "text", "f1-required": "submit"}
    assert draw(house, number, label="Facture de fluides", **kept, **more).status_code == 302
    page = words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert "1 dossier en cours garde la version 1." in page
    assert "Champ retiré des nouveaux dossiers : « Bâtiment »" in page
    assert publish(house, number).status_code == 302
    house.save(old, G, {**RECEIVED, POINT: "sans chiffre"})
    send(house, old)  # neither the new field, nor the new nature of the former one
    assert "Facture d’énergie" in words(house.client("r.pellenec").get("/a-traiter"))
    new = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(new, G, {**RECEIVED, POINT: "sans chiffre"})
    with pytest.raises(Refusal, match="to-fix") as refused:
        send(house, new)
    assert {one["field"] for one in refused.value.facts["problems"]} >= {POINT, "own_contrat"}
    assert [one["number"] for one in events("type.published")] == [1, 2]


def test_a_closed_type_is_deposited_no_more_and_its_folders_go_to_their_end(house: House) -> None:
    number = made(house, attachments_most="0")
    running, draft = (house.deposit(G, "facture-d-energie", INVOICE) for _ in range(2))
    house.save(running, G, RECEIVED)
    send(house, running)
    house.another(running)
    assert close(house, number).status_code == 302
    assert "Facture d’énergie" not in words(house.client(G).get("/deposer"))
    with pytest.raises(Refusal, match="type-closed"):
        house.deposit(G, "facture-d-energie", INVOICE)
    house.save(draft, G, RECEIVED)
    house.another(draft)
    send(house, draft)
    for folder_id in (running, draft):
        house.another(folder_id)
        house.approve(folder_id, "r.pellenec")
        house.approve(folder_id, N)
        house.sign(folder_id, A)
    house.drain()
    assert [house.folder(one).place for one in (running, draft)] == ["done", "done"]
    assert close(house, number, "0").status_code == 302
    assert house.deposit(G, "facture-d-energie", INVOICE)
    assert "Type de dossiers fermé" in words(house.client(K).get("/administration/journal"))


def test_a_type_that_asks_a_better_signature_is_obeyed_and_its_family_is_not_changed(house: House) -> None:
    made(house, minimum_signature="qualified")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    send(house, folder_id)
    house.approve(folder_id, "r.pellenec")
    house.approve(folder_id, N)
    with pytest.raises(Refusal, match="assurance-too-low"):
        house.sign(folder_id, A)
    plain = house.an_invoice(at="bon_a_payer")
    house.sign(plain, A)
    assert house.folder(plain).place == "handover"


def test_days_and_annexes_of_a_type_are_asked_at_the_sending(house: House) -> None:
    made(
        house, family="other", label="Courrier sortant", days="10", attachments_least="1", retention_years="5"
    )
    alone, complete = (
        house.deposit(K, "courrier-sortant", ACT),
        house.deposit(K, "courrier-sortant", ACT, ACT),
    )
    for one in (alone, complete):
        house.save(one, K, {"subject": "Réponse à un riverain"})
    with pytest.raises(Refusal, match="to-fix") as refused:
        send(house, alone, K)
    assert "demande 1 annexe au moins : il n’y en a pas" in refused.value.facts["details"]
    send(house, complete, K)
    assert house.folder(complete).due_on == today() + timedelta(days=10)
    page = words(house.client("s.rivoal").get(f"/dossiers/{complete}?onglet=details"))
    assert "À conserver 5 ans au moins après la fin du dossier" in page


def test_the_days_of_a_type_shorten_the_law_s(house: House) -> None:
    made(house, days="15")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    send(house, folder_id)
    assert house.folder(folder_id).due_on == date.fromisoformat(RECEIVED["received_on"]) + timedelta(days=15)


def test_the_delay_before_the_desk_above_is_told_is_shown_with_where_it_comes_from(house: House) -> None:
    number = begin(house)
    label = {"label": "Facture d’énergie"}
    assert "« Réglages » : jamais, de la collectivité" in words(house.client(K).get(f"{PAGE}/{number}"))
    told = "Retard dit au bureau supérieur, dossiers en cours compris :"
    for typed, sentence in (
        ("1", "après 1 jour ouvré de retard"),
        ("3", "après 3 jours ouvrés de retard"),
        ("0", "jamais"),
    ):
        assert draw(house, number, **label, escalation=typed).status_code == 302
        assert f"{told} {sentence}" in words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert publish(house, number).status_code == 302
    assert "Revenir aux réglages" in words(house.client(K).get(f"{PAGE}/{number}"))
    assert draw(house, number, **label, escalation="0", action="back:escalation").status_code == 302
    assert f"{told} comme la famille ou la collectivité (avant : jamais)" in words(
        house.client(K).get(f"{PAGE}/{number}/publier")
    )


def test_two_administrators_do_not_write_over_one_another(house: House) -> None:
    number = made(house)
    client = house.client(K)
    stale = {"csrf_token": house.csrf(client), "revision": str(revision(number))}
    assert draw(house, number, label="Facture de fluides").status_code == 302
    answer = client.post(f"{PAGE}/{number}", data={**stale, "label": "Facture de gaz"})
    assert (answer.status_code, "quelqu’un a changé ce type" in words(answer)) == (409, True)
    assert client.post(f"{PAGE}/{number}/publier", data=stale).status_code == 409
    assert client.post(f"{PAGE}/{number}/fermer", data={**stale, "closed": "1"}).status_code == 409
    assert draw(house, number, label="Facture d’énergie").status_code == 302
    assert publish(house, number).status_code == 409  # it is what the version in force says


def test_a_type_of_another_commune_is_no_type_here(house: House) -> None:
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_desk(other, "finances", "Finances d’ailleurs")
    number = made(house)
    software = Software(house, "finances", [Right.CREATE], other)
    assert software.deposit("facture-d-energie").status_code == 404
    assert "facture-d-energie" not in software.get("/families").get_data(as_text=True)
    with pytest.raises(Refusal, match="family-unknown"):
        own_types.asked(other, "facture-d-energie")
    assert house.client(G).get(f"{PAGE}/{number}").status_code == 403
    assert house.client(K).get(f"{PAGE}/{number + 999}").status_code == 404


def test_software_reads_the_types_and_deposits_by_their_name(house: House) -> None:
    number = made(house, **ENERGY)
    software = Software(house, "comptabilite", [Right.CREATE])
    listed = {one["name"]: one for one in software.get("/families").get_json()["families"]}
    assert listed["facture-d-energie"]["family"] == listed["invoice"]["name"] == "invoice"
    own = {one["key"]: one for one in listed["facture-d-energie"]["fields"]}[BUILDING]
    assert own["choices"] == [
        {"value": "mairie", "label": "Mairie"},
        {"value": "ecole-de-la-greve", "label": "École de la Grève"},
    ]
    facts = {**RECEIVED, POINT: "09876543210987"}
    assert software.deposit("invoice", facts=facts).status_code == 422  # no field of the family alone
    answer = software.deposit("facture-d-energie", facts=facts)
    assert answer.status_code == 201, answer.get_json()
    folder = answer.get_json()
    assert (folder["family"], folder["type"]) == ("invoice", "facture-d-energie")
    assert folder["facts"][POINT] == "09876543210987"
    changed = software.patch(f"/folders/{folder['id']}", version=folder["version"], facts={METER: "non"})
    assert changed.get_json()["facts"][METER] == "non"
    assert (
        software.post(f"/folders/{folder['id']}/start", version=changed.get_json()["version"]).status_code
        == 200
    )
    close(house, number)
    answer = software.deposit("facture-d-energie", facts=facts)
    assert (answer.status_code, answer.get_json()["key"]) == (409, "type-closed")
    assert software.deposit("jamais-vu").status_code == 404


def test_a_restricted_family_stays_so_whatever_its_type(house: House) -> None:
    number = begin(house, "pes_payroll", "Paye des élus")
    assert draw(house, number, label="Paye des élus", deposited_by=["finances"]).status_code == 422
    assert draw(house, number, label="Paye des élus").status_code == 302
    assert publish(house, number).status_code == 302
    with pytest.raises(Refusal, match="family-restricted"):
        house.deposit(G, "paye-des-elus", PAY)
    folder_id = house.deposit("m.kerzerho", "paye-des-elus", PAY)
    send(house, folder_id, "m.kerzerho")
    assert house.client(G).get(f"/dossiers/{folder_id}").status_code == 404
    assert house.client(A).get(f"/dossiers/{folder_id}").status_code == 200
    with reading() as db:
        assert not queues.todo(db, house.actor("s.rivoal"))


def test_a_family_that_is_not_deposited_makes_no_type(house: House) -> None:
    client = house.client(K)
    assert "Réponse" not in client.get(f"{PAGE}/nouveau").get_data(as_text=True).split("<select", 1)[1]
    data = {"csrf_token": house.csrf(client), "family": "prefecture_reply", "label": "Courrier"}
    assert client.post(f"{PAGE}/nouveau", data=data).status_code == 422
    assert client.post(f"{PAGE}/nouveau", data={**data, "family": "rien"}).status_code == 404
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(FolderType.id))) == 0


def test_what_a_version_says_is_in_the_journal_word_for_word(house: House) -> None:
    made(house, **ENERGY)
    (published,) = events("type.published")
    definition = Definition.from_data(published["definition"])
    assert [one.label for one in definition.fields] == ["Point de livraison", "Bâtiment", "Relevé réel"]
    page = words(house.client(K).get("/administration/journal"))
    assert "Type de dossiers publié" in page
    assert "Facture d’énergie, version 1" in page


def test_nobody_but_an_administrator_begins_changes_publishes_or_closes_a_type(house: House) -> None:
    number = made(house)
    before = revision(number)
    definition = Definition("Facture de gaz", deposited_by=("technique",))
    acts: tuple[Callable[[Actor], object], ...] = (
        lambda who: own_types.open_type(who, "invoice", "Facture de gaz"),
        lambda who: own_types.draw_up(who, number, definition, shown=before),
        lambda who: own_types.publish_type(who, number, shown=before),
        lambda who: own_types.close_type(who, number, closed=True, shown=before),
    )
    for act in acts:
        for login in (G, A, N):
            with pytest.raises(Refusal, match="right-missing"):
                act(house.actor(login))
    assert revision(number) == before


def test_whatever_types_are_made_nobody_deposits_for_a_desk_where_he_could_not_before(house: House) -> None:
    people = [house.actor(one.login) for one in ACCOUNTS]
    keys = [one.key for one in house.actor(K).seats] + ["maire", "finances", "technique", "paye"]
    before = {
        who.user_id: {law.name: deposit.depositing(who, law) for law in families().values()} for who in people
    }
    for law in families().values():
        if law.begun_elsewhere:
            continue
        for named in ((), *((one,) for one in keys), tuple(keys)):
            definition = Definition("A", deposited_by=named)
            if not faults(law, definition):
                for who in people:
                    desks_of = deposit.depositing(who, joined(law, "a", 1, definition))
                    assert desks_of <= before[who.user_id][law.name], (who.name, law.name, named)


def test_no_address_of_a_circuit_reads_or_writes_a_type(house: House) -> None:
    """A type has an owner, and the number of its version can be guessed: circuits are the families' alone."""
    made(house)
    with reading() as db:
        version = db.scalars(sa.select(FolderTypeVersion.id)).one()
    client = house.client(K)
    for page in ("", "/publier", "/versions", "/texte", "/texte.yaml"):
        answer = client.get(f"/circuits/invoice~{version}{page}")
        assert (answer.status_code, "Facture d’énergie" in words(answer)) == (404, False), page
    data = {"csrf_token": house.csrf(client), "source": "key: a", "version": "0"}
    assert client.post(f"/circuits/invoice~{version}/texte", data=data).status_code == 404


def test_a_page_of_too_many_fields_is_refused_without_being_read_to_its_end(house: House) -> None:
    number = begin(house)
    typed = {f"f{rank}-label": f"Champ {rank}" for rank in range(100)}
    answer = draw(house, number, label="Énergie", row=[f"f{rank}" for rank in range(100)], **typed)
    assert (answer.status_code, "30 champs au plus" in words(answer)) == (422, True)
    assert words(answer).count("Nature") < 50  # what is shown again is bounded as well


@pytest.mark.parametrize("name", ["De\u0301libe\u0301ration", "Délibérations", "Facture"])
def test_no_type_is_called_as_a_family_however_its_accents_are_written(house: House, name: str) -> None:
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "family": "other", "label": name}
    answer = client.post(f"{PAGE}/nouveau", data=data)
    assert answer.status_code in {409, 422}
    with reading() as db:
        assert db.scalars(sa.select(FolderType.id)).all() == []


@pytest.mark.parametrize("field", ["Nume\u0301ro de facture", "À conserver", "Titre du dossier"])
def test_no_field_of_one_s_own_is_called_as_what_every_page_says(house: House, field: str) -> None:
    number = begin(house)
    answer = draw(house, number, label="Énergie", row=["f0"], **{"f0-label": field, "f0-kind": "text"})
    assert (answer.status_code, "est déjà un champ de" in words(answer)) == (422, True)


def test_a_type_that_nobody_may_deposit_says_so_and_its_desk_is_told_of_it(house: House) -> None:
    made(house, deposited_by=["conseil"])
    assert "Personne ne le dépose" in words(house.client(K).get(PAGE))
    with reading() as db:
        desk = db.scalars(sa.select(desks.Desk).where(desks.Desk.key == "conseil")).one()
    assert "Facture d’énergie" in words(house.client(K).get(f"/administration/bureaux/{desk.id}"))


LISTED = {
    "label": "Facture de travaux",
    "row": ["f0", "f1", "f2", "new", "new2"],
    "f0-label": "Référent",
    "f0-kind": "person",
    "f0-help": "Qui suit le chantier.",
    "f0-listed": "1",
    "f1-label": "Service suivi",
    "f1-kind": "desk",
    "f1-listed": "1",
    "f2-label": "Chantier",
    "f2-kind": "text",
    "f2-listed": "1",
    "new-label": "Lots",
    "new-kind": "lines",
    "new-choices": "Lieu\nQuantité\nMontant",
}
REFERENT, SERVICE, SITE, LOTS = "own_referent", "own_service_suivi", "own_chantier", "own_lots"
COLUMNS = {
    "label": "Facture de travaux",
    "row": ["f0", "f1", "f2", "f3"],
    **{name: value for name, value in LISTED.items() if name.startswith("f")},
    **{f"f{n}-key": key for n, key in enumerate((REFERENT, SERVICE, SITE, LOTS))},
    "f3-label": "Lots",
    "f3-kind": "lines",
    "f3-column": ["c0", "c1", "c2", "cnew"],
    **{f"f3-c{n}-key": key for n, key in enumerate(("lieu", "quantite", "montant"))},
    **{f"f3-c{n}-label": key for n, key in enumerate(("Lieu", "Quantité", "Montant"))},
    "f3-c0-kind": "choice",
    "f3-c0-choices": "Mairie ; École",
    "f3-c0-required": "submit",
    "f3-c1-kind": "integer",
    "f3-c2-kind": "amount",
}


def works(house: House) -> int:
    """A type with a person, a desk, a text that lists show, and a table."""
    number = begin(house, label="Facture de travaux")
    assert draw(house, number, **LISTED).status_code == 302
    assert draw(house, number, **COLUMNS).status_code == 302
    assert publish(house, number).status_code == 302
    return number


def typed(house: House, folder_id: int, login: str = G, **fields: str) -> TestResponse:
    """The page of a draft as its form sends it."""
    client = house.client(login)
    data = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version), **fields}
    return client.post(f"/dossiers/{folder_id}/brouillon", data=data)


def test_the_columns_of_a_table_are_seen_as_at_the_deposit_and_what_is_wrong_stands_beside_its_column(
    house: House,
) -> None:
    number = begin(house, label="Facture de travaux")
    draw(house, number, **LISTED)
    client = house.client(K)
    page = client.get(f"/administration/types/{number}").get_data(as_text=True)
    shown = re.search(r'data-columns="f3".*?</table>', page, re.DOTALL)
    assert shown
    assert re.findall(r'<th scope="col">([^<]+)</th>', shown[0]) == ["Lieu", "Quantité", "Montant"]
    wrong = draw(house, number, **{**COLUMNS, "f3-c1-label": "", "f3-c0-choices": "Mairie"})
    assert wrong.status_code == 422
    refused = wrong.get_data(as_text=True)
    for rank, sentence in ((0, "de 2 à 50 choix"), (1, "Nommez chaque colonne")):
        beside = re.search(rf'id="f3-c{rank}-label".*?id="f3-c{rank}-kind"', refused, re.DOTALL)
        assert beside
        assert sentence in beside[0]
        assert f'aria-describedby="fields.3.columns.{rank}-erreur"' in beside[0]
    assert 'id="fields.3.columns.2-erreur"' not in refused
    assert draw(house, number, **COLUMNS).status_code == 302
    page = client.get(f"/administration/types/{number}").get_data(as_text=True)
    cells = re.search(r'data-columns="f3".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert cells
    assert "obligatoire" in cells[1]


def test_a_person_a_desk_and_a_table_are_asked_read_listed_and_found(house: House) -> None:
    number = begin(house, label="Facture de travaux")
    assert draw(house, number, **LISTED).status_code == 302
    assert "Colonne « Quantité »" in words(house.client(K).get(f"{PAGE}/{number}"))
    assert draw(house, number, **COLUMNS).status_code == 302
    page = words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert (
        "« Référent », personne de la collectivité, facultatif, montré dans les listes, aide « Qui suit le chantier. »"
        in page
    )
    assert (
        "« Lots », tableau de lignes, facultatif : « Lieu », choix dans une liste, obligatoire (Mairie, École) ; « Quantité »"
        in page
    )
    assert publish(house, number).status_code == 302

    folder_id = house.deposit(G, "facture-de-travaux", INVOICE)
    draft = house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert "Qui suit le chantier." in draft
    assert "Bureaux du circuit" not in draft.partition("Service suivi")[0]
    mayor = str(house.actor(A).user_id)
    answer = typed(
        house,
        folder_id,
        **RECEIVED,
        **{REFERENT: mayor, SERVICE: "direction", SITE: "Halle du Couëdic"},
        **{
            f"{LOTS}.0.lieu": "mairie",
            f"{LOTS}.0.montant": "1 200,5",
            f"{LOTS}.2.lieu": "ecole",
            f"{LOTS}.2.quantite": "trois",
        },
        action=f"line-on:{LOTS}",
    )
    assert answer.status_code == 302
    assert answer.location.endswith(f"brouillon#{LOTS}.2.lieu")
    assert "Retirer la ligne 2 de « Lots »" in words(house.client(G).get(answer.location))
    with pytest.raises(Refusal, match="to-fix") as refused:
        send(house, folder_id)
    assert refused.value.facts["details"] == "« Lots », ligne 2 : « Quantité » n’est pas un nombre entier."
    kept = {
        f"{LOTS}.0.lieu": "mairie",
        f"{LOTS}.0.montant": "1200,50",
        f"{LOTS}.1.lieu": "ecole",
        f"{LOTS}.1.quantite": "trois",
    }
    refused_page = words(typed(house, folder_id, action="submit", **kept))
    assert "ligne 2 : « Quantité » n’est pas un nombre entier." in refused_page
    assert typed(house, folder_id, action=f"line-off:{LOTS}:1", **kept).status_code == 302
    assert house.folder(folder_id).fields[LOTS] == [{"lieu": "mairie", "montant": "1200.50"}]
    send(house, folder_id)

    client = house.client("r.pellenec")
    shown = (
        "Référent : Armel Kervadec",
        "Service suivi : Direction générale",
        "Chantier : Halle du Couëdic",
    )
    assert all(one in words(client.get("/a-traiter")) for one in shown)
    assert all(one in words(client.get("/recherche?q=couedic")) for one in shown)
    for place in (f"/dossiers/{folder_id}?onglet=details", f"/dossiers/{folder_id}/bordereau"):
        page = words(client.get(place))
        assert "Référent Armel Kervadec" in page
        assert "Lieu Quantité Montant Mairie 1 200,50 €" in page


def test_who_left_and_a_desk_that_closed_are_named_before_the_folder_leaves(house: House) -> None:
    works(house)
    folder_id = house.deposit(G, "facture-de-travaux", INVOICE)
    house.save(folder_id, G, {**RECEIVED, REFERENT: "999999", SERVICE: "ailleurs"})
    assert words(house.client(G).get(f"/dossiers/{folder_id}/brouillon")).count("(n’est plus proposé)") == 2
    with pytest.raises(Refusal, match="to-fix") as refused:
        send(house, folder_id)
    assert {one["key"] for one in refused.value.facts["problems"]} == {"person-gone", "desk-gone"}


def test_no_rule_and_no_circuit_reads_a_person_or_a_table(house: House) -> None:
    works(house)
    with reading() as db:
        here, law = house.actor(K).collectivity_id, families()["invoice"]
        asked = rules.kind_of(db, here, "facture-de-travaux").family
        kept = reserved.only_as(db, here, law, "facture-de-travaux")
    assert (asked.field(REFERENT), asked.field(LOTS)) == (None, None)
    for one in (asked, kept):
        assert one.field(SERVICE) is not None
    written = law.circuit.to_data()
    for key, told in ((REFERENT, 1), (LOTS, 1), (SERVICE, 0)):
        step = {**written["steps"][0], "when": {"field": key, "op": "present"}}
        circuit = load({**written, "type": "facture-de-travaux", "steps": [step, *written["steps"][1:]]})
        faults = [fault.sentence for fault in faults_of(kept, circuit)]
        assert sum(f"dépend du champ « {key} »" in fault for fault in faults) == told


def test_software_sends_and_reads_the_lines_of_a_table(house: House) -> None:
    works(house)
    software = Software(house, "comptabilite", [Right.CREATE])
    listed = {one["name"]: one for one in software.get("/families").get_json()["families"]}
    asked = {one["key"]: one for one in listed["facture-de-travaux"]["fields"]}
    assert [one["type"] for one in asked[LOTS]["columns"]] == ["choice", "integer", "amount"]
    assert (asked[REFERENT]["type"], asked[REFERENT]["listed"], asked[SITE]["columns"]) == (
        "member",
        True,
        None,
    )
    lines = [{"lieu": "mairie", "quantite": 2, "montant": "10"}, {"lieu": None, "montant": ""}]
    facts = {**RECEIVED, LOTS: lines, SITE: "Halle"}
    answer = software.deposit("facture-de-travaux", facts=facts)
    assert answer.status_code == 201, answer.get_json()
    folder = answer.get_json()
    assert folder["facts"][LOTS] == [{"lieu": "mairie", "quantite": 2, "montant": "10.00"}]
    assert folder["listed"] == [{"key": SITE, "label": "Chantier", "words": "Halle"}]
    (line,) = software.get("/folders?tray=drafts").get_json()["folders"]
    assert line["listed"] == folder["listed"]
    for wrong in ([1], [{"lieu": ["mairie"]}], [{"lieu": "mairie"}] * 51):
        answer = software.patch(f"/folders/{folder['id']}", version=folder["version"], facts={LOTS: wrong})
        assert answer.status_code == 422, answer.get_json()
    answer = software.patch(
        f"/folders/{folder['id']}", version=folder["version"], facts={LOTS: [{"lieu": "stade"}]}
    )
    assert "n’est pas l’un des choix" in json.dumps(answer.get_json()["problems"], ensure_ascii=False)


def with_a_bystander(house: House, desk: str = "technique", login: str = "b.cadiou") -> str:
    """Somebody who sits at a desk of the circuit, and may do nothing of what an invoice asks there."""
    desks.seat(house.actor(K).collectivity_id, desk, login, [Right.ARCHIVE])
    return login


def reads(house: House, login: str, folder_id: int) -> bool:
    """Whether one meets a folder: its page and « Suivi » say the same."""
    client = house.client(login)
    page = client.get(f"/dossiers/{folder_id}").status_code
    assert (page == 200) is (f"/dossiers/{folder_id}" in client.get("/suivi?etat=").get_data(as_text=True)), (
        page
    )
    assert page in {200, 404}
    return page == 200


@pytest.mark.parametrize(
    ("typed", "at_reached", "at_emitter"),
    [
        ({}, True, True),
        ({"visibility": "restricted"}, False, False),
        ({"visibility": "desks", "seen_at": ["technique"]}, True, False),
        ({"visibility": "desks", "seen_at": ["comptabilite"]}, False, True),
    ],
)
def test_who_sits_where_a_folder_came_and_may_not_act_reads_it_as_its_type_says(
    house: House, typed: dict[str, Any], *, at_reached: bool, at_emitter: bool
) -> None:
    made(house, **typed)
    bystander = with_a_bystander(house)
    colleague = with_a_bystander(house, "comptabilite", "s.rivoal")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    assert reads(house, colleague, folder_id) is at_emitter
    send(house, folder_id)
    assert reads(house, bystander, folder_id) is at_reached
    software = Software(house, "technique", [Right.CREATE])
    assert software.get(f"/folders/{folder_id}").status_code == (200 if at_reached else 404)
    house.approve(folder_id, "r.pellenec")
    assert reads(house, "r.pellenec", folder_id)  # whoever acted keeps reading
    assert reads(house, G, folder_id)
    assert reads(house, bystander, folder_id) is at_reached
    assert reads(house, colleague, folder_id) is at_emitter
    with reading(house.actor(colleague).collectivity_id) as db:
        assert queues.counters(db, house.actor(colleague)).running == int(at_emitter)
    house.drain()
    letters = [one.get_body(("plain",)).get_content().lower() for one in house.mail.letters]
    assert letters
    assert any("facture d’énergie" in one for one in letters) is not bool(typed)
    details = words(house.client(N).get(f"/dossiers/{folder_id}?onglet=details"))
    assert ("Accès Restreint" in details) is bool(typed)


@pytest.mark.parametrize(
    ("typed", "at_reached"),
    [({"visibility": "restricted"}, False), ({"visibility": "desks", "seen_at": ["technique"]}, True)],
)
def test_what_a_type_closed_stays_so_once_its_base_came_down_and_went_up_again(
    house: House, typed: dict[str, Any], *, at_reached: bool
) -> None:
    made(house, **typed)
    bystander = with_a_bystander(house)
    colleague = with_a_bystander(house, "comptabilite", "s.rivoal")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    send(house, folder_id)
    assert "dossiers à lecture restreinte, que tout titulaire lirait (1)" in losses("0079_logo")
    schema.downgrade("0079_logo")
    schema.upgrade()
    assert reads(house, bystander, folder_id) is at_reached
    assert not reads(house, colleague, folder_id)


def test_no_desk_comes_into_the_circle_of_a_closed_type(house: House) -> None:
    made(house, visibility="restricted")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    send(house, folder_id)
    desks.seat(house.actor(K).collectivity_id, "comptabilite", G, [Right.CREATE, Right.REROUTE])
    change = rerouting.Change(kind="add", after="finance", desk="paye", days=2)
    with pytest.raises(Refusal, match="coming-refused") as refused:
        rerouting.reroute(
            house.actor(G),
            folder_id,
            version=house.folder(folder_id).version,
            changes=[change],
            reason="Un avis.",
        )
    assert "dont l’accès est restreint" in str(refused.value.facts)


@pytest.mark.parametrize(
    ("family", "typed", "sentence"),
    [
        ("invoice", {"visibility": "tous"}, "Choisissez dans la liste qui lit"),
        ("invoice", {"visibility": "desks"}, "Cochez un bureau au moins"),
        ("invoice", {"visibility": "desks", "seen_at": ["ailleurs"]}, "n’existe plus"),
        (
            "pes_payroll",
            {"visibility": "desks", "seen_at": ["paye"]},
            "est déjà lu par ceux qui peuvent y agir",
        ),
    ],
)
def test_a_visibility_that_says_nothing_or_opens_is_refused(
    house: House, family: str, typed: dict[str, Any], sentence: str
) -> None:
    number = begin(house, family, "Un type")
    assert sentence in words(draw(house, number, label="Un type", **typed))


def test_who_reads_is_told_by_the_version_and_to_software(house: House) -> None:
    number = begin(house)
    typed = {"label": "Facture d’énergie", "visibility": "desks", "seen_at": ["finances"]}
    assert draw(house, number, **typed).status_code == 302
    page = words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert (
        "Qui lit ses dossiers : Aux bureaux cochés, leurs titulaires ; ailleurs, ceux qui peuvent y agir"
        in page
    )
    assert "Bureaux dont les titulaires lisent : Direction des finances" in page
    assert publish(house, number).status_code == 302
    software = Software(house, "comptabilite", [Right.CREATE])
    listed = {one["name"]: one for one in software.get("/families").get_json()["families"]}
    assert [listed["facture-d-energie"][name] for name in ("restricted", "seen_at")] == [True, ["finances"]]
    assert draw(house, number, **typed, action="back:visibility").status_code == 302
    assert "Qui lit ses dossiers : comme la famille" in words(house.client(K).get(f"{PAGE}/{number}/publier"))


def sent(house: House, kind: str = "courrier-sortant") -> int:
    folder_id = house.deposit(K, kind, ACT)
    house.save(folder_id, K, {"subject": "Réponse à un riverain"})
    send(house, folder_id, K)
    return folder_id


def test_nothing_is_published_while_nothing_is_changed_and_a_name_too_long_is_refused_whole(
    house: House,
) -> None:
    """The published type says why « Publier » does nothing; a name is refused beyond its bound, and never cut."""
    number = begin(house, "other", "Courrier sortant")
    client = house.client(K)
    page = client.get(f"{PAGE}/{number}").get_data(as_text=True)
    assert "disabled" not in page
    assert publish(house, number).status_code == 302
    page = client.get(f"{PAGE}/{number}")
    assert re.search(
        r'value="publish"\s+disabled[^>]+aria-describedby="pourquoi"', page.get_data(as_text=True)
    )
    assert "Rien n’est changé depuis la version 1 : il n’y a rien à publier." in words(page)
    refused = draw(house, number, label="L" * 61)
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "Donnez un nom, en 60 signes au plus" in words(refused)
    assert f'value="{"L" * 61}"' in page
    assert 'maxlength="60"' not in page
    assert "disabled" not in page
    assert draw(house, number, label="Courrier envoyé").status_code == 302
    assert "disabled" not in client.get(f"{PAGE}/{number}").get_data(as_text=True)


def test_all_that_a_draft_lacks_is_told_at_once_and_marked_in_its_form(house: House) -> None:
    folder_id = house.deposit(K, "other", ACT)
    client = house.client(K)
    path = f"/dossiers/{folder_id}/brouillon"
    before = client.get(path)
    assert "Titre du dossier Laissez vide : il se compose des champs qui suivent." in words(before)
    assert "Objet obligatoire" in words(before)
    data = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version)}
    refused = client.post(path, data={**data, "title": "", "subject": "", "action": "submit"})
    assert refused.status_code == 422
    assert "Il reste à renseigner : « Objet »." in words(refused)
    page = refused.get_data(as_text=True)

    def field(name: str) -> str:
        tag = re.search(rf'<(?:input|textarea)[^>]+id="{name}"[^>]*>', page)
        assert tag
        return tag[0]

    assert 'aria-invalid="true"' in field("subject")
    assert "is-invalid" in field("subject")
    assert 'id="subject-erreur"' in page
    assert 'aria-describedby="subject-erreur"' in field("subject")
    # The title is made of it, as its help says: nothing is asked of that field
    assert "aria-invalid" not in field("title")
    data["version"] = str(house.folder(folder_id).version)
    sent = client.post(path, data={**data, "title": "", "subject": "Des bancs", "action": "submit"})
    assert sent.status_code == 302
    assert house.folder(folder_id).title == "Des bancs"


def test_a_register_of_a_type_numbers_what_is_sent_without_a_gap(house: House) -> None:
    typed = {"label": "Courrier sortant", "register": "cour", "register_every": "year"}
    number = begin(house, "other", "Courrier sortant")
    assert draw(house, number, **typed).status_code == 302
    year = today().year
    assert f"Registre : à partir de COUR-{year}-001" in words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert publish(house, number).status_code == 302
    first = sent(house)
    abandoned = house.deposit(K, "courrier-sortant", ACT)
    house.save(abandoned, K, {"subject": "Brouillon"})
    refused = house.deposit(K, "courrier-sortant", ACT)
    with pytest.raises(Refusal, match="to-fix"):
        send(house, refused, K)
    second = sent(house)
    assert [house.folder(one).number for one in (first, abandoned, refused, second)] == [
        f"COUR-{year}-001",
        "",
        "",
        f"COUR-{year}-002",
    ]
    decide.recall(house.actor(K), first, version=house.folder(first).version)
    house.save(first, K, {"subject": "Réponse corrigée"})
    send(house, first, K)
    assert house.folder(first).number == f"COUR-{year}-001"
    reader = house.client("s.rivoal")
    assert f"Numéro d’enregistrement COUR-{year}-001" in words(
        reader.get(f"/dossiers/{first}?onglet=details")
    )
    assert f"/dossiers/{second}" in reader.get(f"/recherche?q=COUR-{year}-002").get_data(as_text=True)
    reserved = [one["number"] for one in events("number.reserved")]
    assert reserved == [f"COUR-{year}-001", f"COUR-{year}-002"]

    other = begin(house, "other", "Note interne")
    answer = draw(house, other, label="Note interne", register="COUR", register_every="")
    assert (answer.status_code, "est le registre de « Courrier sortant »" in words(answer)) == (422, True)
    assert draw(house, other, label="Note interne", register="NOTE", register_every="").status_code == 302
    assert publish(house, other).status_code == 302
    assert house.folder(sent(house, "note-interne")).number == "NOTE-001"
    law = begin(house, "deliberation", "Délibération de gestion")
    page = words(house.client(K).get(f"{PAGE}/{law}"))
    assert ("Registre : premières lettres" in page, f"Le suivant du registre, {year}_001" in page) == (
        False,
        True,
    )


def test_a_type_that_changes_its_letters_counts_each_register_by_itself(house: House) -> None:
    number, year, given = begin(house, "other", "Courrier sortant"), today().year, []
    for letters, every in (("COUR", "year"), ("DEP", "year"), ("COUR", "year"), ("COUR", "")):
        typed = {"label": "Courrier sortant", "register": letters, "register_every": every}
        assert draw(house, number, **typed).status_code == 302
        assert publish(house, number).status_code == 302
        given += [house.folder(sent(house)).number for _ in range(2)]
    assert given == [
        f"COUR-{year}-001",
        f"COUR-{year}-002",
        f"DEP-{year}-001",
        f"DEP-{year}-002",
        f"COUR-{year}-003",
        f"COUR-{year}-004",
        "COUR-001",
        "COUR-002",
    ]
    answer = draw(house, number, label="Courrier sortant", register=str(year), register_every="")
    assert (answer.status_code, "Un registre commence par une lettre" in words(answer)) == (422, True)


def test_the_icon_and_the_place_of_signatures_are_the_type_s(house: House) -> None:
    made(house, icon="sun", signature_place="first:top-left")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    send(house, folder_id)
    assert "#sun" in house.client(G).get("/deposer").get_data(as_text=True)
    with reading() as db:
        folder = house.folder(folder_id)
        parts = plan.parts_of(db, folder, circuit_of(db, folder.circuit_version_id or 0))
        (place,) = [one.box for one in plan.fields(INVOICE, parts, folder.in_force, {}, {}) if one.box]
    assert geometry.corner_box(INVOICE, "first", "top-left", 0, 1) == place


def test_the_format_of_signature_is_the_type_s_where_its_family_leaves_several(
    house: House, pki: TestPki, tmp_path: Path
) -> None:
    number = made(house, "other", label="Convention")

    def deposited(source: Path = ACT) -> int:
        folder_id = house.deposit(K, "convention", source)
        house.save(folder_id, K, {"subject": "Convention avec le port"})
        return folder_id

    page = words(house.client(K).get(f"{PAGE}/{number}"))
    assert (
        "Selon le fichier : PAdES dans un PDF, XAdES à côté d’un XML, CAdES (.p7s) à côté d’un autre" in page
    )
    before = deposited()
    closed = certified(Path(shutil.copy(ACT, tmp_path)), pki, MDPPerm.FILL_FORMS)
    assert refusal(deposited, closed) == "file-certified-closed"
    assert house.client(K).get(f"/dossiers/{before}/emplacements").status_code == 200
    assert draw(house, number, label="Convention", signature_format="xades").status_code == 422
    assert draw(house, number, label="Convention", signature_format="cades").status_code == 302
    told = words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert "Format de signature : CAdES, à côté de chaque fichier (.p7s) (avant" in told
    assert publish(house, number).status_code == 302
    assert "Revenir à la famille pour le format" in words(house.client(K).get(f"{PAGE}/{number}"))
    assert present(house)["convention"]["signature_format"] == "cades"
    # What its author certified is signed by nobody within; beside it, nothing of it changes
    after = deposited(closed)
    assert house.client(K).get(f"/dossiers/{after}/emplacements").status_code != 200, "it stands on no page"
    for folder_id, form, names in ((before, "PAdES", []), (after, "CAdES", [".p7s"])):
        (main,) = house.versions(folder_id)
        trial = words(house.client(K).get(f"/dossiers/{folder_id}/essai"))
        assert f"Signature : {'CAdES, à côté de chaque fichier' if names else 'PAdES dans un PDF'}" in trial
        send(house, folder_id, K)
        house.approve(folder_id, "s.rivoal")
        dialog = words(house.client(A).get(f"/dossiers/{folder_id}/signer"))
        assert "Signer 1 document" in dialog
        # No visible signature is promised where none will stand on the page
        assert [told in dialog for told in ("signature sera visible", "Choisir l’emplacement…")] == [
            not names
        ] * 2
        house.sign(folder_id, A)
        house.drain()
        assert house.folder(folder_id).phase == "done"
        with reading() as db:
            proof = db.scalars(sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)).one()
        assert (proof.format, proof.level) == (form, "B-T")
        beside = house.versions(folder_id, "signature")
        assert [Path(one.filename).suffix for one in beside] == names
        # Beside the file, which keeps every byte; else within it
        assert (house.versions(folder_id)[-1].sha256 == main.sha256) is bool(names)
        shown = words(house.client(K).get(f"/dossiers/{folder_id}?onglet=pieces"))
        assert f"{form} B-T" in shown
    back = draw(house, number, label="Convention", signature_format="cades", action="back:signature_format")
    assert "Format de signature : comme la famille (avant : CAdES" in words(
        house.client(K).get(f"{PAGE}/{number}/publier")
    ), words(back)
    # The law, or what the family is, leaves one alone: it is shown locked, and refused from whoever posts it
    for law, label, told in (
        ("invoice", "Facture d’eau", "Format de signature PAdES, dans le PDF : c’est la page montrée"),
        ("pes", "Flux de paie", "Format de signature XAdES, dans le flux. La loi, CGCT D1617-23"),
    ):
        locked = begin(house, law, label)
        shown = words(house.client(K).get(f"{PAGE}/{locked}"))
        assert (told in shown, "Selon le fichier" in shown) == (True, False), shown
        refused = draw(house, locked, label=label, signature_format="cades")
        assert (refused.status_code, "Le format de signature de" in words(refused)) == (422, True)


def test_a_draft_that_a_published_version_left_behind_says_so_and_loses_no_field(house: House) -> None:
    number = made(house, **ENERGY)
    typed = {"label": "Facture d’énergie", "days": "15", "row": ["f0", "f1", "f2"]}
    known = {name: value for name, value in ENERGY.items() if name.startswith("f")}
    keys = {"f0-key": POINT, "f1-key": BUILDING, "f2-key": METER}
    assert draw(house, number, **{**typed, **known, **keys}).status_code == 302
    document = {"facture-d-energie": present(house)["facture-d-energie"]}
    document["facture-d-energie"]["fields"].append(OwnField("own_contrat", "Contrat", "text").to_data())
    apply_document(by_command(house.actor(K).collectivity_id), {"types": document})

    page = words(house.client(K).get(f"{PAGE}/{number}"))
    assert "La version 2 a été publiée depuis que ce brouillon a été commencé" in page
    assert "Champ ajouté : « Contrat », texte, facultatif" in page
    answer = publish(house, number)
    assert (answer.status_code, "Revenez au type" in words(answer)) == (409, True)
    assert draw(house, number, action="merge", **{**typed, **known, **keys}).status_code == 302
    page = words(house.client(K).get(f"{PAGE}/{number}/publier"))
    assert "Délai : 15 jours (avant : comme la famille)" in page
    assert "Champ retiré" not in page
    assert own_types.bring_up(house.actor(K), number, shown=revision(number)) == ()  # it knows that version
    assert publish(house, number).status_code == 302
    with reading() as db:
        last = own_types.current(db, db.get_one(FolderType, number))
    assert last is not None
    assert (last.number, last.definition.days) == (3, 15)
    assert [one.key for one in last.definition.fields] == [POINT, BUILDING, METER, "own_contrat"]


def present(house: House) -> dict[str, Any]:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        types: dict[str, Any] = declared_present(db, here)["types"]
    return types


def test_who_publishes_a_type_long_after_his_last_proof_is_asked_who_he_is_and_loses_nothing(
    house: House,
) -> None:
    number = begin(house)
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "revision": str(revision(number)), "label": "Facture de gaz"}
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.update(LoginSession).values(created_at=now() - timedelta(days=1), proven_at=None)
        )
    asked = client.post(f"{PAGE}/{number}", data={**data, "days": "15", "action": "publish"})
    page = asked.get_data(as_text=True)
    assert "Facture de gaz" in page
    assert events("type.published") == []
    answer = client.post(
        f"{PAGE}/{number}", data={**data, "days": "15", "action": "publish", "answer": PASSWORD}
    )
    assert answer.status_code == 302
    assert publish(house, number).status_code == 302
    assert [one["words"] for one in events("type.published")] == ["Facture de gaz, version 1"]
