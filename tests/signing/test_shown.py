"""A signature is made in the words, for the part and in the absence that its page showed, or not at all."""

import html
import re
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from app.batches.models import BatchItem
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import move
from app.folders.models import StepRun
from app.operations.desks import closing
from app.people import desks, mandates
from app.people.models import Absence, Desk
from app.signing import sign
from app.signing.authority import Wording
from app.signing.enrol import enrol
from app.signing.keys.browser import BrowserKey
from app.signing.models import SignatureProof
from app.trust import authorities
from app.trust.certificates import facts
from tests.batches.test_meaning import COVER, MAYOR, OTHER_WORDS, an_invoice
from tests.batches.test_signatures import Page, long_ago
from tests.batches.town import Hand, became, items
from tests.builders import circuits
from tests.builders.house import House
from tests.builders.mandates import (
    ADMINISTRATOR,
    BY_DELEGATION,
    DEPUTY,
    a_mayor_and_a_deputy,
    of_deputy,
    of_function,
    of_mayor,
    record,
)
from tests.builders.verify import verify
from tests.display.test_folder_page import heard
from tests.display.test_inbox_statements import away
from workflows.vocabulary import Right, StepKind

pytestmark = pytest.mark.in_turn
OF_FINANCES, OF_DIRECTION = "n.abgrallec", "s.rivoal"


def under_cover(house: House) -> int:
    """An invoice that waits at the mayor's desk, for whom somebody with a mandate of her own stands in."""
    record(house, of_mayor(house))
    record(house, of_function(house, COVER))
    folder_id = an_invoice(house)
    away(house, MAYOR, COVER)
    return folder_id


def absence(**values: Any) -> None:
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Absence).values(**values))


def seated(house: House, login: str, *rights: Right) -> None:
    desks.seat(house.actor(ADMINISTRATOR).collectivity_id, "maire", login, list(rights))


def prepared(house: House, login: str, name: str, folder_id: int, shown: Wording) -> tuple[str, list[bytes]]:
    """A session of a signature, and what the key makes for it."""
    key = house.key(name)
    ready = sign.prepare(
        house.actor(login),
        folder_id,
        version=house.folder(folder_id).version,
        key=BrowserKey(key.certificate, tuple(key.chain)),
        shown=shown,
    )
    return ready.session, [key.sign(one.attributes) for one in ready.prepared]


def unsigned(house: House, folder_id: int) -> bool:
    with reading() as db:
        done = sa.select(StepRun.id).where(
            StepRun.folder_id == folder_id, StepRun.kind == "sign", StepRun.state == "done"
        )
        return db.scalar(done) is None


def verdicts(house: House, folder_id: int, tmp_path: Path) -> list[str]:
    """What is said of each signature of the document as it stands."""
    path = tmp_path / "signed.pdf"
    path.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    return [one.verdict for one in verify(path, authorities.trust(), now())]


@pytest.mark.both_databases
def test_a_cover_that_ends_once_the_file_is_prepared_signs_no_more_for_the_absent(house: House) -> None:
    folder_id = under_cover(house)
    session, signatures = prepared(
        house, COVER, "b_cadiou", folder_id, Wording(BY_DELEGATION, "Armel Kervadec")
    )
    absence(ends_at=now())
    seated(house, COVER, Right.ACT, Right.SIGN)
    with pytest.raises(Refusal, match="mandate-changed"):
        sign.complete(house.actor(COVER), session, signatures)
    assert unsigned(house, folder_id)
    # And again, at her own part
    session, signatures = prepared(house, COVER, "b_cadiou", folder_id, Wording(BY_DELEGATION))
    sign.complete(house.actor(COVER), session, signatures)
    assert not unsigned(house, folder_id)


@pytest.mark.both_databases
def test_a_cover_that_begins_once_the_file_is_prepared_is_not_signed_under(house: House) -> None:
    folder_id = under_cover(house)
    absence(starts_at=now() + timedelta(days=1))
    seated(house, COVER, Right.ACT, Right.SIGN)
    session, signatures = prepared(house, COVER, "b_cadiou", folder_id, Wording(BY_DELEGATION))
    absence(starts_at=now() - timedelta(days=1))
    seated(house, COVER)
    with pytest.raises(Refusal, match="mandate-changed"):
        sign.complete(house.actor(COVER), session, signatures)
    assert unsigned(house, folder_id)


@pytest.mark.both_databases
def test_a_cover_that_ends_before_the_worker_embeds_a_batch_signs_no_more_for_the_absent(
    house: House,
) -> None:
    folder_id = under_cover(house)
    hand = Hand(house, COVER)
    number = hand.propose("sign", [folder_id])
    page = Page(hand, number, "b_cadiou").begin()
    assert page.ask()
    page.send()
    absence(ends_at=now())
    seated(house, COVER, Right.ACT, Right.SIGN)
    house.drain()
    became(number, {folder_id: ("refused", OTHER_WORDS)})
    assert unsigned(house, folder_id)


@pytest.mark.both_databases
def test_a_signature_prepared_for_one_part_is_made_for_no_other_and_the_next_one_signs(house: House) -> None:
    """The part of whom one stood in for was prepared; once he is back one's own would be taken, in the field of his."""
    circuit = yaml.safe_load(Path("workflows/families/invoice/family.yaml").read_text())["circuit"]
    step = next(one for one in circuit["steps"] if one["kind"] == "sign")
    step["who"], step["quorum"] = [{"desk": "maire"}, {"desk": "finances"}], "all"
    here = house.actor(ADMINISTRATOR).collectivity_id
    desks.seat(here, "finances", OF_FINANCES, [Right.ACT, Right.SIGN])
    desks.seat(here, "maire", "s.rivoal", [Right.ACT, Right.SIGN])
    circuits.publish(house.actor(ADMINISTRATOR), "invoice", yaml.safe_dump(circuit, allow_unicode=True))
    record(house, of_mayor(house))
    folder_id = an_invoice(house)
    away(house, OF_FINANCES, MAYOR)
    session, signatures = prepared(
        house, MAYOR, "a_kervadec", folder_id, Wording("Le maire", "Nolwenn Abgrallec")
    )
    absence(ends_at=now())
    with pytest.raises(Refusal, match="mandate-changed"):
        sign.complete(house.actor(MAYOR), session, signatures)
    assert unsigned(house, folder_id)
    house.sign(folder_id, MAYOR, "a_kervadec")
    record(house, of_function(house, OF_FINANCES))
    own = house.actor(OF_FINANCES)
    certificate = house.pki.certificate("rsa3072")
    enrol(own, own.user_id, facts(certificate), certificate)
    house.sign(folder_id, OF_FINANCES, "rsa3072")
    assert house.folder(folder_id).place != "bon_a_payer"


def two_desks_sign(house: House, quorum: str | int) -> None:
    """Who signs an invoice: the mayor's desk, which he alone holds, and that of finances, which somebody else holds too."""
    circuit = yaml.safe_load(Path("workflows/families/invoice/family.yaml").read_text())["circuit"]
    step = next(one for one in circuit["steps"] if one["kind"] == "sign")
    step["who"], step["quorum"] = [{"desk": "maire"}, {"desk": "finances"}], quorum
    for login in (MAYOR, OF_FINANCES):
        finances_hold(house, login, Right.ACT, Right.SIGN)
    circuits.publish(house.actor(ADMINISTRATOR), "invoice", yaml.safe_dump(circuit, allow_unicode=True))


def finances_hold(house: House, login: str, *rights: Right) -> None:
    desks.seat(house.actor(ADMINISTRATOR).collectivity_id, "finances", login, list(rights))


def own(house: House, login: str) -> Wording:
    return Wording(house.actor(login).capacity)


def signed_at(folder_id: int) -> list[str]:
    """The desks at whose parts of the step somebody has signed, as the step and the proof have them."""
    with reading() as db:
        runs = sa.select(StepRun.id, Desk.key).join(Desk, Desk.id == StepRun.desk_id)
        done = runs.where(StepRun.folder_id == folder_id, StepRun.kind == "sign", StepRun.state == "done")
        proven = set(db.scalars(sa.select(SignatureProof.step_run_id)))
        rows = db.execute(done).all()
        assert {row.id for row in rows} == proven
        return [row.key for row in rows]


@pytest.mark.both_databases
@pytest.mark.parametrize("quorum", ["all", 1])
def test_a_colleague_who_comes_or_leaves_makes_a_signature_no_other_that_serves_as_well(
    house: House, quorum: str | int
) -> None:
    two_desks_sign(house, quorum)
    folder_id = an_invoice(house)
    # She can take the part of finances, and nobody but him his own
    session, signatures = prepared(house, MAYOR, "a_kervadec", folder_id, own(house, MAYOR))
    finances_hold(house, OF_FINANCES)
    sign.complete(house.actor(MAYOR), session, signatures)
    assert signed_at(folder_id) == ["maire"]
    assert (house.folder(folder_id).place == "bon_a_payer") is (quorum == "all")


@pytest.mark.both_databases
def test_a_signature_is_not_made_for_a_part_that_a_colleague_who_came_needs(house: House) -> None:
    two_desks_sign(house, "all")
    folder_id = an_invoice(house)
    session, signatures = prepared(house, MAYOR, "a_kervadec", folder_id, own(house, MAYOR))
    finances_hold(house, OF_FINANCES)
    seated(house, "s.rivoal", Right.ACT, Right.SIGN)
    with pytest.raises(Refusal, match="mandate-changed"):
        sign.complete(house.actor(MAYOR), session, signatures)
    assert unsigned(house, folder_id)
    house.sign(folder_id, MAYOR, "a_kervadec")
    assert signed_at(folder_id) == ["finances"]


@pytest.mark.both_databases
def test_where_one_signature_is_enough_a_colleague_who_came_needs_no_part(house: House) -> None:
    two_desks_sign(house, 1)
    folder_id = an_invoice(house)
    session, signatures = prepared(house, MAYOR, "a_kervadec", folder_id, own(house, MAYOR))
    finances_hold(house, OF_FINANCES)
    seated(house, "s.rivoal", Right.ACT, Right.SIGN)
    sign.complete(house.actor(MAYOR), session, signatures)
    assert signed_at(folder_id) == ["maire"]
    assert house.folder(folder_id).place != "bon_a_payer"


@pytest.mark.both_databases
def test_a_mandate_replaced_while_the_page_is_open_is_told_as_what_changed(house: House) -> None:
    _, delegation = a_mayor_and_a_deputy(house)
    folder_id = an_invoice(house)
    browser = house.client(DEPUTY)
    page = browser.get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    mandates.end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Nouvel arrêté.")
    record(house, of_deputy(house, title="la première adjointe", order_number="2026-042"))
    key = house.key("rsa3072")
    asked = {
        "version": house.folder(folder_id).version,
        "box": None,
        "mandate": int(re.findall('data-mandate="([^"]*)"', page)[0]),
        "shown": {"capacity": html.unescape(re.findall('data-words="([^"]*)"', page)[0]), "absent": ""},
        "provider": "browser",
        "certificate": b64encode(key.certificate).decode(),
        "chain": [b64encode(one).decode() for one in key.chain],
    }
    headers = {"X-CSRFToken": house.csrf(browser)}
    where = f"/dossiers/{folder_id}/signature/preparer"
    answer = browser.post(where, json=asked, headers=headers)
    assert (answer.status_code, answer.get_json()["key"]) == (409, "mandate-changed")
    assert BY_DELEGATION in html.unescape(answer.get_json()["detail"]).replace("\u00a0", " ")
    long = {**asked, "shown": {"capacity": "A" * 60_000, "absent": ""}}
    assert browser.post(where, json=long, headers=headers).status_code == 400


@pytest.mark.both_databases
def test_what_was_signed_and_whose_row_died_is_signed_again_in_the_words_of_the_new_page(
    house: House,
) -> None:
    _, delegation = a_mayor_and_a_deputy(house)
    folders = [an_invoice(house), an_invoice(house)]
    deputy = Hand(house, DEPUTY)
    number = deputy.propose("sign", folders)
    page = Page(deputy, number, "rsa3072").begin()
    page.ask()
    page.send(page.made[:1])
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Outbox).where(Outbox.key.like("batch-%")).values(state="parked"))
    mandates.end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Nouvel arrêté.")
    record(house, of_deputy(house, title="la première adjointe", order_number="2026-042"))
    long_ago(number)
    shown = deputy.text(f"/lots/{number}")
    assert "Facture, 2 dossiers." in shown
    assert "la première adjointe" in shown
    assert "Signer 2 dossiers" in shown
    Page(deputy, number, "rsa3072").begin().go()
    house.drain()
    became(number, dict.fromkeys(folders, ("done", "")))


def test_what_no_page_said_is_not_told_as_announced_and_a_strange_mark_is_refused(house: House) -> None:
    _, delegation = a_mayor_and_a_deputy(house)
    deputy = Hand(house, DEPUTY)
    page = Page(deputy, deputy.propose("sign", [an_invoice(house)]), "rsa3072")
    moment, content, _, digests = page.mark.split("-")
    strange = f"{moment}-{content}-{'9' * 4_400}-{digests}"
    assert page.json(f"cle?marque={strange}", page.offer, 409)["key"] == "batch-words-changed"
    # None at the click, and others before the key signs: what is said is what is true
    mandates.end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Nouvel arrêté.")
    page.begin()
    record(house, of_deputy(house, order_number="2026-042"))
    assert page.ask() == []
    (item,) = items(page.number)
    became(page.number, {item.folder_id: ("refused", OTHER_WORDS)})
    assert "annonçait" not in item.reason


def test_the_words_of_a_batch_cost_as_many_statements_however_many_folders(house: House) -> None:
    a_mayor_and_a_deputy(house)
    deputy = Hand(house, DEPUTY)
    counts = []
    for size in (2, 6):
        page = Page(deputy, deputy.propose("sign", [an_invoice(house) for _ in range(size)]), "rsa3072")
        with heard() as asked:
            page.begin()
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_batch_taken_up_before_absences_were_kept_is_compared_with_nothing(house: House) -> None:
    folder_id = under_cover(house)
    hand = Hand(house, COVER)
    number = hand.propose("sign", [folder_id])
    page = Page(hand, number, "b_cadiou").begin()
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(BatchItem).values(absent=None))
    page.ask()
    assert [item.state for item in items(number)] == ["prepared"]


@pytest.mark.both_databases
def test_who_has_signed_and_left_since_keeps_nobody_else_from_signing(house: House, tmp_path: Path) -> None:
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, COVER, "b_cadiou")
    desks.close_account(house.actor(ADMINISTRATOR).collectivity_id, COVER)
    house.sign(folder_id, MAYOR, "a_kervadec")
    assert house.folder(folder_id).place == "prefecture"
    assert verdicts(house, folder_id, tmp_path) == ["valide", "valide"]


@pytest.mark.both_databases
def test_a_desk_that_has_signed_and_is_closed_since_keeps_nobody_else_from_signing(
    house: House, tmp_path: Path
) -> None:
    circuit = yaml.safe_load(Path("workflows/families/invoice/family.yaml").read_text())["circuit"]
    rank = next(rank for rank, one in enumerate(circuit["steps"]) if one["kind"] == "sign")
    before = {**circuit["steps"][rank], "key": "accord", "label": "Accord", "who": {"desk": "direction"}}
    circuit["steps"].insert(rank, before)
    here = house.actor(ADMINISTRATOR).collectivity_id
    desks.seat(here, "direction", OF_DIRECTION, [Right.ACT, Right.SIGN])
    circuits.publish(house.actor(ADMINISTRATOR), "invoice", yaml.safe_dump(circuit, allow_unicode=True))
    folder_id = an_invoice(house)
    own = house.actor(OF_DIRECTION)
    certificate = house.pki.certificate("rsa3072")
    enrol(own, own.user_id, facts(certificate), certificate)
    house.sign(folder_id, OF_DIRECTION, "rsa3072")
    with reading() as db:
        desk = db.scalars(sa.select(Desk.id).where(Desk.key == "direction")).one()
    closing.close(house.actor(ADMINISTRATOR), desk, "Réorganisation des services")
    house.sign(folder_id, MAYOR, "a_kervadec")
    assert house.folder(folder_id).place not in {"accord", "bon_a_payer"}
    assert verdicts(house, folder_id, tmp_path) == ["valide", "valide"]


@pytest.mark.both_databases
def test_a_desk_that_is_moved_since_keeps_who_it_brought_there_from_no_signature(house: House) -> None:
    """The superior of the desk that deposited, when the folder came to him."""
    circuit = yaml.safe_load(Path("workflows/families/invoice/family.yaml").read_text())["circuit"]
    next(one for one in circuit["steps"] if one["kind"] == "sign")["who"] = {"superior": 1}
    desks.seat(house.actor(ADMINISTRATOR).collectivity_id, "finances", OF_FINANCES, [Right.ACT, Right.SIGN])
    circuits.publish(house.actor(ADMINISTRATOR), "invoice", yaml.safe_dump(circuit, allow_unicode=True))
    folder_id = an_invoice(house)
    own = house.actor(OF_FINANCES)
    certificate = house.pki.certificate("rsa3072")
    enrol(own, own.user_id, facts(certificate), certificate)
    emitter = house.folder(folder_id).emitter_desk_id
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Desk).where(Desk.id == emitter).values(parent_id=None))
    house.sign(folder_id, OF_FINANCES, "rsa3072")
    assert not unsigned(house, folder_id)


@pytest.mark.both_databases
def test_a_step_of_which_somebody_is_not_to_be_found_keeps_nobody_from_his_own_part(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sitting's secretary whose account was closed, a desk that is no more: who has two parts is asked which serves others."""
    circuit = yaml.safe_load(Path("workflows/families/invoice/family.yaml").read_text())["circuit"]
    step = next(one for one in circuit["steps"] if one["kind"] == "sign")
    step["who"], step["quorum"] = [{"desk": "maire"}, {"desk": "finances"}], 1
    here = house.actor(ADMINISTRATOR).collectivity_id
    desks.seat(here, "finances", MAYOR, [Right.ACT, Right.SIGN])
    circuits.publish(house.actor(ADMINISTRATOR), "invoice", yaml.safe_dump(circuit, allow_unicode=True))
    folders = [an_invoice(house), an_invoice(house)]
    mayor = Hand(house, MAYOR)
    number = mayor.propose("sign", folders)

    slots_of = move.slots_of

    def missing(db: Any, folder: Any, step: Any, *others: Any, **more: Any) -> Any:
        if step.kind is StepKind.SIGN:
            raise Refusal("desk-missing", step="Bon à payer", folder="facture")
        return slots_of(db, folder, step, *others, **more)

    monkeypatch.setattr(move, "slots_of", missing)
    assert mayor.client.get("/a-traiter").status_code == 200
    page = Page(mayor, number).begin()
    assert mayor.client.get(f"/lots/{number}").status_code == 200
    page.ask()
    page.send()
    house.drain()
    assert not unsigned(house, folders[0])
