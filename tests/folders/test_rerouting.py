"""The coming steps of one folder are changed with a reason; what is done, what the law asks and the others' circuit are not."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.circuits import drafting, library
from app.circuits.gestures import Gesture
from app.circuits.models import CircuitVersion
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import decide, sending
from app.folders.models import CircuitChange, Folder, StepRun
from app.folders.rerouting import ADD, REMOVE, REPLACE, Change, planned, reroute
from app.operations.circuits.views import followers, versions
from app.people import desks
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.builders.mandates import a_mayor_and_a_deputy
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, R = "k.morizur", "g.trehorel", "r.pellenec"
WHY = "Le tonnage facturé dépasse le marché."
VISA = Change(ADD, after="finance", desk="direction", asks="visa")
ADVICE = Change(ADD, after="finance", desk="direction", label="Avis de la direction", days=2)


def change(house: House, login: str, folder_id: int, *changes: Change, reason: str = WHY) -> tuple[str, ...]:
    version = house.folder(folder_id).version
    return reroute(house.actor(login), folder_id, version=version, changes=changes, reason=reason)


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def allowed(house: House, login: str, desk: str, *more: Right) -> None:
    """Give somebody the right to change the coming steps of what a desk deposits."""
    desks.seat(here(house), desk, login, [Right.ACT, Right.CREATE, *more, Right.REROUTE])


def rows(house: House, folder_id: int) -> tuple[object, ...]:
    """All that a change could write of a folder."""
    with reading(here(house)) as db:
        folder = db.get_one(Folder, folder_id)
        counts = [
            db.scalar(sa.select(sa.func.count()).select_from(one))
            for one in (CircuitVersion, CircuitChange, Outbox)
        ]
    return folder.version, folder.circuit_version_id, *counts, house.journal(folder_id)


def steps_of(house: House, folder_id: int) -> list[str]:
    with reading(here(house)) as db:
        return [
            one.key for one in library.circuit_of(db, house.folder(folder_id).circuit_version_id or 0).steps
        ]


def words(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def page(house: House, login: str, folder_id: int) -> str:
    return words(house.client(login).get(f"/dossiers/{folder_id}"))


def carried(answer: TestResponse) -> list[str]:
    """The changes that a page carries in its form."""
    return [
        html.unescape(one)
        for one in re.findall(r'name="change"\s+value="([^"]*)"', answer.get_data(as_text=True))
    ]


def press(
    house: House, client, folder_id: int, do: str, kept: Sequence[str] = (), **more: str
) -> TestResponse:
    form = {"version": str(house.folder(folder_id).version), **more}
    data = {"csrf_token": house.csrf(client), "do": do, "change": list(kept), **form}
    return client.post(f"/dossiers/{folder_id}/etapes", data=data)


def test_an_opinion_is_asked_between_two_steps_and_the_folder_goes_through_it(house: House) -> None:
    allowed(house, R, "comptabilite")
    folder_id = house.an_invoice(at="finance", total_ttc="120.00", total_ht="120.00", total_vat="0.00")
    told = change(house, R, folder_id, ADVICE)
    assert told == (
        "L’étape « Avis de la direction » est ajoutée (avis), après « Contrôle des finances ».",
        "« Avis de la direction » : un délai de 2 jours ouvrés.",
    )
    assert house.folder(folder_id).place == "finance"
    house.approve(folder_id, "n.abgrallec")
    assert house.folder(folder_id).place.startswith("added_")
    house.approve(folder_id, "s.rivoal", "D’accord pour cette fois.")
    house.sign(folder_id, "a.kervadec")
    house.drain()
    assert house.folder(folder_id).place == "done"
    line = page(house, G, folder_id)
    assert "Circuit « Factures », version 1, étapes modifiées pour ce dossier." in line
    assert f"Motif : « {WHY} »" in line
    slip = words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
    assert "Étapes à venir modifiées Ronan Pellenec" in slip
    assert told[0] in slip
    assert f"Motif : « {WHY} »" in slip
    assert house.journal(folder_id).count("folder.rerouted") == 1
    assert "Étapes à venir modifiées par Ronan Pellenec" in words(
        house.client(G).get(f"/dossiers/{folder_id}?onglet=journal")
    )


def test_a_visa_is_added_before_the_signature_and_nowhere_after_it(house: House) -> None:
    allowed(house, R, "comptabilite")
    folder_id = house.an_invoice(at="finance", total_ttc="120.00", total_ht="120.00", total_vat="0.00")
    before = rows(house, folder_id)
    with pytest.raises(Refusal, match="coming-refused") as refused:
        change(house, R, folder_id, replace(VISA, after="bon_a_payer"))
    assert "Un visa s’ajoute avant" in refused.value.facts["details"]
    assert rows(house, folder_id) == before
    client = house.client(R)
    typed = {"asks": "visa", "desk": "direction", "after": "finance"}
    shown = press(house, client, folder_id, "add", **typed)
    assert re.search("« Visa, Direction[^»]* » ajouté", words(shown))
    answer = press(house, client, folder_id, "apply", carried(shown), reason=WHY)
    assert answer.status_code == 302, words(answer)
    house.approve(folder_id, "n.abgrallec")
    assert "À vous de viser" in page(house, "s.rivoal", folder_id)
    decide.reject(
        house.actor("s.rivoal"), folder_id, version=house.folder(folder_id).version, reason="Trop cher."
    )
    assert house.folder(folder_id).phase == "rejected"


def test_the_depositor_is_told_once_and_whoever_is_newly_awaited_when_his_turn_comes(house: House) -> None:
    allowed(house, R, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    house.drain()
    house.mail.clear()
    change(house, R, folder_id, ADVICE)
    house.drain()
    (letter,) = house.mail.letters
    assert letter["To"].startswith("Gwenola Tréhorel")
    assert " ".join(letter["Subject"].split()) == "Paraphe : 1 dossier suit d’autres étapes"
    assert WHY not in str(letter.get_body(("plain",)).get_content())
    house.mail.clear()
    house.approve(folder_id, "n.abgrallec")
    house.drain()
    assert [one["To"].partition(" <")[0] for one in house.mail.letters] == ["Solenn Rivoal"]


def test_a_desk_takes_the_place_of_another_at_a_coming_step(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="service_done")
    change(house, G, folder_id, Change(REPLACE, step="finance", instead="desk:finances", desk="direction"))
    house.approve(folder_id, R)
    assert house.folder(folder_id).place == "finance"
    with pytest.raises(Refusal, match="not-found"):
        house.approve(folder_id, "n.abgrallec")  # it never reached the desk that was replaced
    house.approve(folder_id, "s.rivoal")
    with reading() as db:
        assert (
            db.scalars(
                sa.select(Outbox).where(Outbox.kind == "mail", Outbox.key.like("steps_changed-%"))
            ).all()
            == []
        )


def test_a_step_that_no_law_imposes_is_removed_and_the_others_are_locks_with_their_article(
    house: House,
) -> None:
    folder_id = house.a_deliberation(at="direction")
    allowed(house, G, "comptabilite")
    shown = words(house.client(K).get(f"/dossiers/{folder_id}/etapes"))
    assert "La loi, CGCT L2121-23" in shown
    assert "La loi, CGCT L2131-1 et L2131-2" in shown
    for key in ("signatures", "prefecture", "publication"):
        before = rows(house, folder_id)
        with pytest.raises(Refusal, match="coming-locked") as refused:
            change(house, K, folder_id, Change(REMOVE, step=key))
        assert "CGCT" in refused.value.facts["by"]
        assert rows(house, folder_id) == before
    invoice = house.an_invoice(at="service_done")
    change(house, G, invoice, Change(REMOVE, step="finance"))
    assert "finance" not in steps_of(house, invoice)


def test_what_the_family_asks_of_its_signatories_is_kept(house: House) -> None:
    folder_id = house.a_deliberation(at="direction")
    before = rows(house, folder_id)
    swap = Change(REPLACE, step="signatures", instead="role:sitting_secretary", desk="direction")
    with pytest.raises(Refusal, match="coming-refused") as refused:
        change(house, K, folder_id, swap)
    assert (
        "Le maire et le secrétaire de séance doivent signer à la même étape" in refused.value.facts["details"]
    )
    assert rows(house, folder_id) == before


@pytest.mark.parametrize("key", ["direction", "finance"])
def test_what_is_passed_and_where_it_stands_never_change(house: House, key: str) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    keys = {"direction": "service_done", "finance": "finance"}
    before = rows(house, folder_id)
    for one in (
        Change(REMOVE, step=keys[key]),
        Change(REPLACE, step=keys[key], instead="desk:finances", desk="direction"),
        Change(ADD, after="service_done", desk="direction"),
        Change(REMOVE, step="nowhere"),
        Change(REPLACE, step="bon_a_payer", instead="desk:finances", desk="direction"),
    ):
        with pytest.raises(Refusal, match="coming-gone"):
            change(house, G, folder_id, one)
    assert rows(house, folder_id) == before


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            Change(ADD, after="finance", desk="vide"),
            "Personne n’a le droit de donner un avis à « Bureau vide »",
        ),
        (Change(ADD, after="finance", desk="nulle_part"), "Le bureau « nulle_part » n’existe pas"),
        (Change(ADD, after="finance", desk="direction", label="x" * 121), "dépasse 120 signes"),
        (
            Change(REPLACE, step="bon_a_payer", instead="desk:maire", desk="direction"),
            "Personne n’a le droit de signer à « Direction générale »",
        ),
    ],
)
def test_a_way_that_nobody_could_end_is_refused_before(house: House, asked: Change, sentence: str) -> None:
    allowed(house, G, "comptabilite")
    desks.create_desk(here(house), "vide", "Bureau vide")
    folder_id = house.an_invoice(at="finance")
    before = rows(house, folder_id)
    with pytest.raises(Refusal, match="coming-refused") as refused:
        change(house, G, folder_id, asked)
    assert sentence in refused.value.facts["details"]
    assert rows(house, folder_id) == before


def test_a_desk_that_signs_has_a_mandate_for_this_very_folder(house: House) -> None:
    allowed(house, G, "comptabilite")
    a_mayor_and_a_deputy(house)
    desks.seat(here(house), "direction", "s.rivoal", [Right.ACT, Right.CREATE, Right.SIGN])
    folder_id = house.an_invoice(at="finance")
    with pytest.raises(Refusal, match="coming-refused") as refused:
        change(
            house, G, folder_id, Change(REPLACE, step="bon_a_payer", instead="desk:maire", desk="direction")
        )
    assert "n’aurait de mandat pour signer ce dossier" in refused.value.facts["details"]


def test_a_step_that_would_wait_for_ever_is_mended_by_another_desk(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="service_done")
    for login in ("n.abgrallec", "t.lescoat"):
        desks.seat(here(house), "finances", login, [])
    with pytest.raises(Refusal, match="coming-refused") as refused:
        change(house, G, folder_id, Change(ADD, after="service_done", desk="direction"))
    assert "à l’étape « Contrôle des finances »" in refused.value.facts["details"]
    change(house, G, folder_id, Change(REPLACE, step="finance", instead="desk:finances", desk="direction"))
    house.approve(folder_id, R)
    house.approve(folder_id, "s.rivoal")


def test_a_desk_that_could_not_read_a_pay_flow_is_not_asked_of_it(house: House) -> None:
    desks.seat(here(house), "paye", "m.kerzerho", [Right.CREATE, Right.ACT, Right.REROUTE])
    folder_id = house.a_pay_flow()
    before = rows(house, folder_id)
    with pytest.raises(Refusal, match="coming-refused") as refused:
        change(house, "m.kerzerho", folder_id, Change(ADD, after="ordonnateur", desk="direction"))
    assert (
        "« Direction générale » ne lit pas ce dossier, dont l’accès est restreint"
        in refused.value.facts["details"]
    )
    assert rows(house, folder_id) == before
    with pytest.raises(
        Refusal, match="not-found"
    ):  # an administrator reads nothing of it, and changes nothing
        change(house, K, folder_id, Change(ADD, after="ordonnateur", desk="maire"))
    change(house, "m.kerzerho", folder_id, Change(ADD, after="ordonnateur", desk="maire"))


def test_the_right_is_of_the_desk_that_deposited_or_of_an_administrator_who_reads(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    for login in (G, R, "n.abgrallec"):  # they read it, and nobody has given them the right
        with pytest.raises(Refusal, match="coming-forbidden"):
            change(house, login, folder_id, ADVICE)
        assert house.client(login).get(f"/dossiers/{folder_id}/etapes").status_code == 403
        assert "Modifier les étapes à venir" not in page(house, login, folder_id)
    for login in (K, "b.cadiou"):
        with pytest.raises(Refusal, match="not-found"):
            change(house, login, folder_id, ADVICE)
        assert house.client(login).get(f"/dossiers/{folder_id}/etapes").status_code == 404
    allowed(house, R, "technique")  # the right at another desk says nothing of this one
    with pytest.raises(Refusal, match="coming-forbidden"):
        change(house, R, folder_id, ADVICE)
    desks.seat(here(house), "finances", K, [Right.ACT])
    assert "Modifier les étapes à venir" in page(house, K, folder_id)
    change(house, K, folder_id, ADVICE)


@pytest.mark.parametrize("at", ["draft", "done"])
def test_a_folder_that_is_not_on_its_way_has_no_coming_step(house: House, at: str) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at=at)
    with pytest.raises(Refusal, match="coming-over"):
        change(house, G, folder_id, ADVICE)
    assert house.client(G).get(f"/dossiers/{folder_id}/etapes").status_code == 409


def test_without_a_reason_or_a_change_nothing_is_written(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    before = rows(house, folder_id)
    for reason, changes, key in (
        (" ", [ADVICE], "coming-reason"),
        ("x" * 2001, [ADVICE], "words-long"),
        (WHY, [], "coming-none"),
    ):
        with pytest.raises(Refusal, match=key):
            change(house, G, folder_id, *changes, reason=reason)
    same = Change(REPLACE, step="bon_a_payer", instead="desk:maire", desk="maire")
    with pytest.raises(Refusal, match="coming-none"):
        change(house, G, folder_id, same)
    assert rows(house, folder_id) == before


def test_a_reason_that_lacks_is_told_beside_its_field_and_what_is_changed_stands_after_the_steps(
    house: House,
) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    client = house.client(G)
    kept = [json.dumps(asdict(ADVICE))]
    refused = press(house, client, folder_id, "apply", kept)
    assert refused.status_code == 422
    shown = refused.get_data(as_text=True)
    (field,) = re.findall(r'<textarea[^>]+id="reason"[^>]*>', shown)
    for mark in ("is-invalid", 'aria-invalid="true"', "reason-erreur", "autofocus"):
        assert mark in field, mark
    assert 'id="reason-erreur"' in shown
    looked = press(house, client, folder_id, "look", kept).get_data(as_text=True)
    assert "is-invalid" not in looked
    assert (
        looked.index("Étapes de ce dossier") < looked.index("Un changement") < looked.index("Ajouter un avis")
    )
    assert looked.count('id="reason"') == 1


def test_the_circuit_of_the_others_is_not_touched_and_a_folder_sent_again_follows_it(house: House) -> None:
    allowed(house, G, "comptabilite")
    first, other = house.an_invoice(at="finance"), house.an_invoice(at="finance")
    followed = house.folder(other).circuit_version_id
    change(house, G, first, ADVICE)
    change(house, G, first, Change(ADD, after="bon_a_payer", desk="direction", label="Second avis"))
    own = house.folder(first).circuit_version_id
    assert house.folder(other).circuit_version_id == followed != own
    with reading(here(house)) as db:
        assert [one.id for one in versions(db, here(house), "invoice")] == [followed]
        assert library.latest(db, here(house))["invoice"].id == followed
        assert followers(db, here(house), "invoice") == {followed: 2}
        changes = db.scalars(sa.select(CircuitChange).order_by(CircuitChange.id)).all()
        assert [(one.base_id, one.after_id) for one in changes] == [
            (followed, changes[1].before_id),
            (followed, own),
        ]
    drafting.change(house.actor(K), "invoice", 0, [Gesture("remove", "direction")])
    assert drafting.publish_draft(house.actor(K), "invoice", 1, 1, {"handover"}) == 2
    assert house.folder(first).circuit_version_id == own
    decide.reject(house.actor("n.abgrallec"), first, version=house.folder(first).version, reason="À revoir")
    sending.send(house.actor(G), first, version=house.folder(first).version)
    assert house.folder(first).circuit_version_id not in {own, followed}
    assert "étapes modifiées" not in page(house, G, first)
    assert not any(one.startswith("added_") for one in steps_of(house, first))


def test_the_page_looks_before_it_applies_and_one_change_is_taken_back_alone(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    client = house.client(G)
    before = rows(house, folder_id)
    first = press(house, client, folder_id, "add", desk="direction", after="finance", label="", days="3")
    assert "Avis, Direction générale" in words(first)
    assert "au lieu du" in words(first)
    second = press(
        house, client, folder_id, "replace", carried(first), part="bon_a_payer|desk:maire", by="conseil"
    )
    assert "2 changements" in words(second)
    assert "<del>" in second.get_data(as_text=True)
    alone = press(house, client, folder_id, "undo:0", carried(second))
    assert "Un changement" in words(alone)
    assert "Avis, Direction générale" not in words(alone)
    assert rows(house, folder_id)[:5] == before[:5]
    no_reason = press(house, client, folder_id, "apply", carried(first))
    assert no_reason.status_code == 422
    assert "écrivez le motif" in words(no_reason)
    assert carried(no_reason) == carried(first)
    done = press(house, client, folder_id, "apply", carried(first), reason=WHY)
    assert done.status_code == 302
    assert "Avis, Direction générale" in page(house, G, folder_id)


def test_of_two_people_the_second_is_refused_with_what_he_typed_still_there(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="service_done")
    client, shown = house.client(G), str(house.folder(folder_id).version)
    typed = carried(
        press(house, client, folder_id, "add", desk="direction", after="finance", label="Avis", days="2")
    )
    house.approve(folder_id, R)
    before = rows(house, folder_id)
    late = press(house, client, folder_id, "apply", typed, reason=WHY, version=shown)
    assert late.status_code == 409
    assert "Ronan Pellenec a visé" in words(late)
    assert "Vos changements sont encore là" in words(late)
    assert carried(late) == typed
    assert WHY in late.get_data(as_text=True)
    assert rows(house, folder_id)[:5] == before[:5]
    assert press(house, client, folder_id, "apply", carried(late), reason=WHY).status_code == 302
    assert any(one.startswith("added_") for one in steps_of(house, folder_id))


def test_of_a_folder_that_came_back_meanwhile_the_reason_that_was_typed_is_shown(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    client, shown = house.client(G), str(house.folder(folder_id).version)
    decide.reject(house.actor("n.abgrallec"), folder_id, version=int(shown), reason="À revoir")
    late = press(house, client, folder_id, "apply", reason=WHY, version=shown)
    assert late.status_code == 409
    assert "Vos changements n’ont pas été appliqués." in words(late)
    assert WHY in late.get_data(as_text=True)


def test_a_change_whose_step_was_passed_meanwhile_is_set_apart_and_told(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="service_done")
    client, shown = house.client(G), str(house.folder(folder_id).version)
    typed = carried(press(house, client, folder_id, "replace", part="finance|desk:finances", by="direction"))
    assert len(typed) == 1
    house.approve(folder_id, R)
    late = press(house, client, folder_id, "apply", typed, reason=WHY, version=shown)
    assert (late.status_code, carried(late)) == (409, [])
    assert "Un changement est laissé de côté" in words(late)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "{",
        "[]",
        "null",
        '{"kind": "sign"}',
        '{"kind": "add", "days": true}',
        '{"kind": "add", "other": ""}',
        '{"kind": "remove", "step": 3}',
        "[" * 900,
    ],
)
def test_a_form_that_no_page_wrote_is_refused(house: House, sent: str) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    assert press(house, house.client(G), folder_id, "look", [sent]).status_code == 400


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"desk": ""}, "Choisissez le bureau de l’étape que vous ajoutez."),
        ({"desk": "direction", "days": "0"}, "n’est pas un nombre de jours ouvrés"),
        ({"desk": "direction", "days": "²"}, "n’est pas un nombre de jours ouvrés"),
        ({"desk": "direction", "days": "9999999"}, "n’est pas un nombre de jours ouvrés"),
        ({"desk": "direction", "label": "x" * 121}, "raccourcissez-le"),
    ],
)
def test_what_is_badly_typed_is_told_on_the_page(house: House, typed: dict[str, str], sentence: str) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    answer = press(house, house.client(G), folder_id, "add", after="finance", reason=WHY, **typed)
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert WHY in answer.get_data(as_text=True)
    for value in typed.values():
        assert not value or f'value="{value}"' in answer.get_data(as_text=True)


def test_thirty_changes_are_kept_and_one_more_is_told(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    many = [
        json.dumps({"kind": ADD, "after": "finance", "desk": "direction", "label": f"Avis {n}"})
        for n in range(30)
    ]
    answer = press(house, house.client(G), folder_id, "add", many, desk="direction", after="finance")
    assert answer.status_code == 422
    assert "30 changements à la fois, au plus" in words(answer)
    assert len(carried(answer)) == 30


def test_the_days_that_are_told_are_those_that_come(house: House) -> None:
    allowed(house, G, "comptabilite")
    folder_id = house.an_invoice(at="finance")
    with reading(here(house)) as db:
        plan = planned(db, db.get_one(Folder, folder_id), [ADVICE])
    assert next(one.state for one in plan.lines) == "added"
    assert plan.then.ends > plan.now.ends
    assert json.dumps(plan.words)
    change(house, G, folder_id, ADVICE)
    house.approve(folder_id, "n.abgrallec")
    with reading(here(house)) as db:
        (run,) = db.scalars(
            sa.select(StepRun).where(StepRun.folder_id == folder_id, StepRun.state == "active")
        )
    first = next(one for one in plan.then.stages if one.step.label == ADVICE.label)
    assert run.due_on <= first.due


def test_an_administrator_of_another_town_is_refused_alike(house: House) -> None:
    folder_id = house.a_deliberation(at="direction")
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_user(
        other,
        "m.leroux",
        email="m@autre.example",
        first_name="Maël",
        last_name="Leroux",
        capacity="Agent",
        password=PASSWORD,
        administrator=True,
    )
    with pytest.raises(Refusal, match="not-found"):
        change(house, "m.leroux", folder_id, Change(ADD, after="direction", desk="finances"))
