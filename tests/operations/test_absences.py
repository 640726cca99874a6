"""Somebody is away and somebody stands in: what he may do then and never, by every route, and how it is told."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import PARIS, now, today
from app.core.db import engine, reading
from app.core.french import instant
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.display import queues
from app.display.answers import folder_of
from app.folders import asking, decide, ruling, sending
from app.folders.access import FOLDER, as_text, may_read, wrote
from app.folders.keep import Incoming, keep_masked
from app.folders.models import Folder, StepRun
from app.folders.publicity import Means
from app.journal.models import JournalEntry
from app.notices.waiting import awaiting
from app.operations.absences import blocking, planning
from app.operations.absences.blocking import Outlook, outlook
from app.operations.absences.planning import Wanted, change, end, name_secretary, plan
from app.operations.examined import commune
from app.people import accounts, applications, desks
from app.people.actor import Actor
from app.people.covers import law_of
from app.people.models import Absence, Desk, User
from app.people.own_settings.changing import change_setting
from app.publication import publishing
from app.signing import sign
from app.signing.paper import sheet as paper
from tests.api.software import Software
from tests.batches.town import Hand
from tests.builders import circuits
from tests.builders.house import ACT, House
from tests.builders.mandates import DEPUTY, a_mayor_and_a_deputy, of_mayor, record
from tests.folders.test_corrections import TYPED
from tests.folders.test_corrections import an_invoice as a_disputed_invoice
from tests.folders.test_seats import CIRCUIT
from tests.notices.test_digests import at
from tests.operations.test_folder_types import made
from tests.publication.town import a_masked_pdf, mask
from workflows.mandates import Kind
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
by_day = time_machine.travel(datetime(2027, 1, 6, 10, tzinfo=PARIS), tick=False)

FINANCE, TECHNIQUE, MAYOR, DIRECTION, DEPOSITOR, CLERK = (
    "n.abgrallec",
    "r.pellenec",
    "a.kervadec",
    "s.rivoal",
    "g.trehorel",
    "k.morizur",
)


def typed(moment: datetime) -> str:
    return f"{moment.astimezone(PARIS):%Y-%m-%dT%H:%M}"


def wanted(
    house: House, absent: str, cover: str | None, *, since: int = -1, days: int = 21, **more: Any
) -> Wanted:
    """Away from `since` days ago, for so many days."""
    first = now() + timedelta(days=since)
    by = house.actor(cover).user_id if cover else None
    last = first + timedelta(days=days)
    return Wanted(house.actor(absent).user_id or 0, by, typed(first), typed(last), **more)


def away(house: House, absent: str, cover: str | None, *, by: str | None = None, **more: Any) -> int:
    return plan(house.actor(by or absent), wanted(house, absent, cover, **more))


def put(number: int, **columns: Any) -> None:
    """Let the clock have passed: the absence is moved instead."""
    with engine().begin() as connection:
        connection.execute(sa.update(Absence.__table__).where(Absence.id == number).values(**columns))  # type: ignore[arg-type]


def over(number: int) -> None:
    put(number, starts_at=now() - timedelta(days=2), ends_at=now() - timedelta(minutes=1))


def todo(house: House, login: str) -> dict[int, str]:
    with reading(house.actor(login).collectivity_id) as db:
        actor = house.actor(login)
        lines = queues.todo(db, actor)
        assert queues.counters(db, actor).todo == len(lines)
        return {line.id: line.absent for line in lines}


def reads(house: House, login: str, folder_id: int) -> bool:
    with reading() as db:
        return may_read(db, house.actor(login), db.get_one(Folder, folder_id))


def run_of(folder_id: int, step: str) -> StepRun:
    with reading() as db:
        query = sa.select(StepRun).where(StepRun.folder_id == folder_id, StepRun.step == step)
        return db.scalars(query.order_by(StepRun.id.desc())).first()  # type: ignore[return-value]


def digest(house: House, login: str) -> int:
    """How many folders a letter of what waits counts for somebody."""
    with reading(house.actor(login).collectivity_id) as db:
        return len(awaiting(db, house.actor(login)))


def last_facts(folder_id: int) -> str:
    with reading() as db:
        query = sa.select(JournalEntry.facts).where(JournalEntry.folder_id == folder_id)
        return db.scalar(query.order_by(JournalEntry.id.desc()).limit(1)) or ""


def called(folder_id: int) -> str:
    with reading() as db:
        folder = db.get_one(Folder, folder_id)
        return planning.called_of(folder.title, folder.number)


def plain(folder_id: int) -> str:
    return called(folder_id).replace("\u00a0", " ")


def letters(event: str) -> list[Outbox]:
    with reading() as db:
        return [
            row
            for row in db.scalars(sa.select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id))
            if row.payload["event"] == event
        ]


def looked(house: House, absent: str, cover: str | None, **more: Any) -> Outlook:
    here = house.actor(absent).collectivity_id
    with reading(here) as db:
        law, who, by = planning.checked(db, house.actor(absent), wanted(house, absent, cover, **more))
        others = [law_of(one) for one in planning.coming(db, here, law.starts)]
        return outlook(db, house.actor(absent), law, who, by, others)


def test_three_weeks_away_two_urgent_acts_go_on_and_a_signature_is_made_by_nobody_in_his_place(
    house: House,
) -> None:
    urgent, other, signature = (house.an_invoice(at=one) for one in ("finance", "finance", "bon_a_payer"))
    past = house.an_invoice(at="done")
    away(house, FINANCE, TECHNIQUE)
    away(house, MAYOR, DIRECTION)
    assert todo(house, TECHNIQUE) == {urgent: "Nolwenn Abgrallec", other: "Nolwenn Abgrallec"}
    assert todo(house, DIRECTION) == {}
    page = house.client(TECHNIQUE).get("/a-traiter").get_data(as_text=True)
    assert page.count("En l’absence de Nolwenn Abgrallec") == 2

    house.approve(urgent, TECHNIQUE)
    decide.reject(
        house.actor(TECHNIQUE), other, version=house.folder(other).version, reason="Montant à vérifier"
    )
    run = run_of(urgent, "finance")
    assert (run.who, run.absent, run.by) == (
        "Ronan Pellenec",
        "Nolwenn Abgrallec",
        "Ronan Pellenec, en l’absence de Nolwenn Abgrallec",
    )
    assert '"absent":"Nolwenn Abgrallec"' in last_facts(urgent).replace(": ", ":")

    # Who stands in for the mayor reads what waits for him, and is told which order lacks; the mayor's past is not his
    assert reads(house, DIRECTION, signature)
    assert not reads(house, DIRECTION, past)
    with pytest.raises(Refusal, match="cover-mandate") as refused:
        sign.place_of(house.actor(DIRECTION), signature, version=house.folder(signature).version)
    assert refused.value.facts["absent"] == "Armel Kervadec"
    page = house.client(DIRECTION).get(f"/dossiers/{signature}").get_data(as_text=True)
    assert "il faut un arrêté de délégation à votre nom" in page
    assert "Signer…" not in page
    house.sign(signature, MAYOR)  # who is away may come back whenever he likes


def test_what_was_done_in_somebody_s_absence_is_told_by_the_page_the_slip_and_the_api(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    away(house, FINANCE, TECHNIQUE)
    client = house.client(TECHNIQUE)
    words = "Nolwenn Abgrallec"
    assert f"en l’absence de {words}" in client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    house.approve(folder_id, TECHNIQUE)
    for address in (
        f"/dossiers/{folder_id}",
        f"/dossiers/{folder_id}/bordereau",
        f"/dossiers/{folder_id}?onglet=journal",
    ):
        page = client.get(address).get_data(as_text=True)
        assert f"Visé par Ronan Pellenec, en l’absence de {words}" in page, address
    with house.app.test_request_context(), reading() as db:
        shown = folder_of(db, db.get_one(Folder, folder_id), house.actor(TECHNIQUE))
    parts = [part for step in shown["steps"] for part in step["parts"]]
    assert [part["absent"] for part in parts if part["state"] == "done"] == [None, words]


def test_who_stands_in_signs_by_a_mandate_of_his_own_and_by_no_other(house: House) -> None:
    record(house, of_mayor(house))
    house.enrol(DIRECTION, "rsa3072")
    folder_id, beyond = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer")
    away(house, MAYOR, DIRECTION)
    assert todo(house, DIRECTION) == {}
    order = of_mayor(
        house,
        user_id=house.actor(DIRECTION).user_id,
        kind=Kind.SIGNATURE,
        title="la directrice générale des services",
        order_number="2026-050",
        order_date=of_mayor(house).starts_on,
        families=("invoice",),
        ceiling_cents=10_000_000,
        elected=False,
    )
    record(house, order)
    assert todo(house, DIRECTION) == {folder_id: "Armel Kervadec", beyond: "Armel Kervadec"}
    house.sign(folder_id, DIRECTION, "rsa3072")
    run = run_of(folder_id, "bon_a_payer")
    assert run.absent == "Armel Kervadec"
    assert run.capacity == "Pour le maire et par délégation, la directrice générale des services"


def test_nothing_is_lent_from_the_last_minute_on_whatever_the_route(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    number = away(house, FINANCE, TECHNIQUE)
    client, stale = house.client(TECHNIQUE), house.actor(TECHNIQUE)
    token, version = house.csrf(client), house.folder(folder_id).version
    assert reads(house, TECHNIQUE, folder_id)
    end(house.actor(FINANCE), number, revision=1)
    # He held another desk's part of this very folder before: what he read by it he reads on, and acts no more
    with pytest.raises(Refusal, match="cover-over"):
        decide.approve(stale, folder_id, version=version)
    with pytest.raises(Refusal, match="not-your-turn|acted-already"):
        decide.approve(house.actor(TECHNIQUE), folder_id, version=version)
    answer = client.post(f"/dossiers/{folder_id}/viser", data={"csrf_token": token, "version": version})
    assert answer.status_code in {403, 409}
    assert todo(house, TECHNIQUE) == {}
    assert house.folder(folder_id).version == version
    over(away(house, FINANCE, CLERK))
    assert not reads(house, CLERK, folder_id)
    assert client.get("/absences").status_code == 200


def test_what_moves_nothing_asks_again_too_whether_the_cover_is_over(house: House, tmp_path: Path) -> None:
    invoice, act = house.an_invoice(at="finance"), house.a_deliberation(at="publication")
    numbers = away(house, FINANCE, "b.cadiou"), away(house, CLERK, "b.cadiou")
    stale = house.actor("b.cadiou")
    path = tmp_path / "occulte.pdf"
    path.write_bytes(a_masked_pdf())
    masked = keep_masked(stale.collectivity_id, Incoming(path, path.name), tmp_path)
    versions = {one: house.folder(one).version for one in (invoice, act)}
    lines = {one: house.journal(one) for one in (invoice, act)}
    for login, number in zip((FINANCE, CLERK), numbers, strict=True):
        end(house.actor(login), number, revision=1)
    with pytest.raises(Refusal, match="cover-over"):
        ruling.rule(stale, invoice, version=versions[invoice], about="fact:total_ttc", keep="", word="Vu.")
    with pytest.raises(Refusal, match="cover-over"):
        decide.post_in_urgency(
            stale, act, version=versions[act], posted_on=today(), reason="Risque d’éboulement de la falaise."
        )
    with pytest.raises(Refusal, match="cover-over"):
        publishing.write_masked(stale, act, version=versions[act], document=masked, reason="")
    assert {one: house.folder(one).version for one in versions} == versions
    assert {one: house.journal(one) for one in lines} == lines
    assert house.versions(act, "masked") == []


def test_a_ruling_a_posting_and_a_masked_version_say_in_whose_absence(house: House, tmp_path: Path) -> None:
    invoice = a_disputed_invoice(house, tmp_path)
    house.save(invoice, DEPOSITOR, TYPED)
    sending.send(house.actor(DEPOSITOR), invoice, version=house.folder(invoice).version)
    act = house.a_deliberation(at="publication")
    away(house, TECHNIQUE, "b.cadiou", types=("invoice",))
    away(house, CLERK, "b.cadiou")
    version = house.folder(invoice).version
    cover = house.actor("b.cadiou")
    ruling.rule(cover, invoice, version=version, about="fact:total_ttc", keep="", word="Vu au téléphone.")
    assert '"absent":"Ronan Pellenec"' in last_facts(invoice).replace(": ", ":")
    hand = Hand(house, "b.cadiou")
    who = "Bleuenn Cadiou, en l’absence de Ronan Pellenec"
    assert f"{who}, a retenu 3 042,00 €" in hand.text(f"/dossiers/{invoice}")
    assert f"Tranché par {who}, " in hand.text(f"/dossiers/{invoice}?onglet=journal")

    version, why = house.folder(act).version, "Risque d’éboulement de la falaise."
    decide.post_in_urgency(cover, act, version=version, posted_on=today(), reason=why)
    assert '"absent":"Katell Morizur"' in last_facts(act).replace(": ", ":")
    mask(house, act, login="b.cadiou")
    assert '"absent":"Katell Morizur"' in last_facts(act).replace(": ", ":")
    decide.publish(cover, act, version=house.folder(act).version, means=Means.ONLINE)
    assert '"absent":"Katell Morizur"' in last_facts(act).replace(": ", ":")
    page = hand.text(f"/dossiers/{act}?onglet=journal")
    who = "Bleuenn Cadiou, en l’absence de Katell Morizur"
    for words in (
        "Affichage en urgence enregistré par",
        "Version occultée déposée par",
        "Publié par",
        "Mis en ligne par",
    ):
        assert f"{words} {who}" in page, words
    assert f"par {who}" in Hand(house, CLERK).text(f"/dossiers/{act}/publication")


def test_who_signs_in_somebody_s_absence_is_told_so_before_and_after(house: House) -> None:
    record(house, of_mayor(house))
    mine = of_mayor(
        house,
        user_id=house.actor(DIRECTION).user_id,
        kind=Kind.SUBSTITUTE,
        title="la première adjointe",
        reason="Congés du maire",
        families=("invoice",),
        elected=True,
        rank=1,
        ends_on=today() + timedelta(days=20),
    )
    record(house, mine)
    house.enrol(DIRECTION, "rsa3072")  # in the name of Gaud LE BRAS
    folder_id = house.an_invoice(at="bon_a_payer")
    away(house, MAYOR, DIRECTION)
    hand, words = Hand(house, DIRECTION), "en l’absence d’Armel Kervadec"
    assert words in hand.text(f"/dossiers/{folder_id}/signer")
    assert f"E{words[1:]}." in hand.page(hand.propose("sign", [folder_id]))
    house.sign(folder_id, DIRECTION, "rsa3072")
    for address in (f"/dossiers/{folder_id}", f"/dossiers/{folder_id}/bordereau"):
        page = hand.text(address)
        assert f"Signé par Solenn Rivoal, {words}, certificat au nom" in page, address


def test_a_cover_gives_no_masked_version_of_what_he_deposited(house: House) -> None:
    act, here = house.a_deliberation(at="publication"), house.actor(CLERK).collectivity_id
    desks.seat(here, "secretariat", "m.kerzerho", [Right.PUBLISH, Right.ACT])
    desks.seat(here, "secretariat", CLERK, [Right.CREATE])
    put(
        away(house, "m.kerzerho", CLERK, types=("invoice",)), types=[]
    )  # set before what he deposited arrived
    lines = house.journal(act)
    with pytest.raises(Refusal, match="cover-own-deposit") as refused:
        mask(house, act, login=CLERK)
    assert refused.value.facts["absent"] == house.actor("m.kerzerho").name
    with reading(here) as db:
        assert not publishing.may_publish(db, house.actor(CLERK), house.folder(act))
    assert (house.journal(act), house.versions(act, "masked")) == (lines, [])
    mask(house, act, login="m.kerzerho")


@pytest.mark.parametrize("acts", [True, False], ids=["acts", "reads"])
def test_a_cover_reads_what_waits_there_and_one_to_read_decides_nothing(house: House, acts: bool) -> None:
    folder_id, past = house.an_invoice(at="finance"), house.an_invoice(at="bon_a_payer")
    number = away(house, FINANCE, "b.cadiou", acts=acts)
    assert reads(house, "b.cadiou", folder_id)
    assert not reads(house, "b.cadiou", past)
    assert todo(house, "b.cadiou") == ({folder_id: "Nolwenn Abgrallec"} if acts else {})
    found = house.client("b.cadiou").get("/suivi").get_data(as_text=True)
    assert f"/dossiers/{folder_id}" in found
    assert f"/dossiers/{past}" not in found
    if not acts:
        with pytest.raises(Refusal, match="not-your-turn"):
            house.approve(folder_id, "b.cadiou")
    over(number)
    assert not reads(house, "b.cadiou", folder_id)
    assert f"/dossiers/{folder_id}" not in house.client("b.cadiou").get("/suivi").get_data(as_text=True)


def test_a_restricted_family_is_read_under_cover_by_who_may_act_and_no_longer(house: House) -> None:
    folder_id = house.a_pay_flow()
    number = away(house, MAYOR, DIRECTION)
    assert not reads(house, DIRECTION, folder_id)  # it waits for a signature, and she has no mandate
    record(house, of_mayor(house))
    mine = of_mayor(
        house,
        user_id=house.actor(DIRECTION).user_id,
        kind=Kind.SUBSTITUTE,
        title="la première adjointe",
        reason="Congés du maire",
        families=("pes_payroll",),
        elected=True,
        rank=1,
        ends_on=today() + timedelta(days=20),
    )
    record(house, mine)
    assert reads(house, DIRECTION, folder_id)
    assert list(todo(house, DIRECTION)) == [folder_id]
    over(number)
    assert not reads(house, DIRECTION, folder_id)


def test_a_cover_for_some_types_or_one_desk_is_for_these_alone(house: House) -> None:
    here = house.actor(FINANCE).collectivity_id
    desks.seat(here, "direction", FINANCE, [Right.ACT])
    invoice, act = house.an_invoice(at="finance"), house.a_deliberation(at="direction")
    number = away(house, FINANCE, "b.cadiou", types=("deliberation",))
    assert list(todo(house, "b.cadiou")) == [act]
    assert not reads(house, "b.cadiou", invoice)
    revision = 1
    seat = next(one.desk_id for one in house.actor(FINANCE).seats if one.key == "finances")
    change(house.actor(FINANCE), number, wanted(house, FINANCE, "b.cadiou", desk_id=seat), revision=revision)
    assert list(todo(house, "b.cadiou")) == [invoice]
    with pytest.raises(Refusal, match="not-found"):
        house.approve(act, "b.cadiou")


def test_nobody_decides_of_his_own_deposit_in_somebody_s_absence(house: House) -> None:
    waiting = house.an_invoice(at="finance")
    with pytest.raises(Refusal, match="absence-emitter") as refused:
        away(house, FINANCE, DEPOSITOR)
    assert refused.value.facts["folders"] == f"« {called(waiting)} »"
    away(house, FINANCE, DEPOSITOR, types=("deliberation",))
    house.approve(waiting, FINANCE)
    # Set before it arrives, it is refused again when it does
    with engine().begin() as connection:
        connection.execute(sa.update(Absence.__table__).values(types=[]))
    arrived = house.an_invoice(at="finance")
    assert arrived not in todo(house, DEPOSITOR)
    with pytest.raises(Refusal, match="cover-own-deposit"):
        house.approve(arrived, DEPOSITOR)
    assert not [one for one in letters("your_turn") if one.folder_id == arrived and "absent" in one.payload]


def test_who_rewrote_or_sent_a_draft_does_not_decide_of_it_in_somebody_s_absence(house: House) -> None:
    here = house.actor(FINANCE).collectivity_id
    desks.seat(here, "comptabilite", "b.cadiou", [Right.CREATE])
    folder_id = house.an_invoice(at="draft")
    sending.send(house.actor("b.cadiou"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, TECHNIQUE)
    away(house, FINANCE, "b.cadiou", types=("deliberation",))
    with engine().begin() as connection:
        connection.execute(sa.update(Absence.__table__).values(types=[]))
    with pytest.raises(Refusal, match="cover-own-deposit"):
        house.approve(folder_id, "b.cadiou")
    assert (todo(house, "b.cadiou"), digest(house, "b.cadiou")) == ({}, 0)


def test_an_absence_is_refused_to_who_sent_the_draft_of_another_that_waits_there(house: House) -> None:
    desks.seat(house.actor(FINANCE).collectivity_id, "comptabilite", "b.cadiou", [Right.CREATE])
    folder_id = house.an_invoice(at="draft")
    sending.send(house.actor("b.cadiou"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, TECHNIQUE)
    with pytest.raises(Refusal, match="absence-emitter") as refused:
        away(house, FINANCE, "b.cadiou")
    assert refused.value.facts["folders"] == f"« {called(folder_id)} »"
    assert away(house, FINANCE, DIRECTION)


def test_a_number_inside_another_is_no_writer(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    with engine().begin() as connection:
        table = Folder.__table__
        more: dict[str, Any] = {**house.folder(folder_id).sources, "writers": [9011, 9101]}
        connection.execute(sa.update(table).values(sources=more))  # type: ignore[arg-type]
    with reading() as db:
        people = [901, 11, 101, 9011, 9101, house.folder(folder_id).depositor_user_id]
        named = [
            one
            for one in people
            if db.scalar(sa.select(Folder.id).where(wrote(one, sa.inspect(Folder).local_table)))
        ]
        assert named == [9011, 9101, house.folder(folder_id).depositor_user_id]
        as_words = [
            one
            for one in people
            if db.scalar(sa.text(f"SELECT f.id FROM folder f WHERE {as_text(wrote(one), FOLDER)}"))
        ]
        assert as_words == named


def test_who_writes_the_absence_of_another_lends_himself_nothing_nor_beyond_his_branch(house: House) -> None:
    here = house.actor(FINANCE).collectivity_id
    name_secretary(house.actor(FINANCE), house.actor("t.lescoat").user_id)
    with pytest.raises(Refusal, match="absence-own-cover"):
        away(house, FINANCE, "t.lescoat", by="t.lescoat")
    with reading() as db:
        branch = {
            desk.key: desk.id for desk in db.scalars(sa.select(Desk).where(Desk.collectivity_id == here))
        }
    accounts.delegate(house.actor(CLERK), house.actor("b.cadiou").user_id or 0, branch["technique"])
    with pytest.raises(Refusal, match="absence-own-cover"):
        away(house, TECHNIQUE, "b.cadiou", by="b.cadiou", desk_id=branch["technique"])
    with pytest.raises(Refusal, match="absence-branch"):
        away(house, TECHNIQUE, DIRECTION, by="b.cadiou")
    assert away(house, TECHNIQUE, DIRECTION, by="b.cadiou", desk_id=branch["technique"])


def test_who_administers_lends_himself_nothing_of_somebody_who_is_there(house: House) -> None:
    waiting = house.an_invoice(at="finance")
    for more in ({}, {"acts": False}, {"types": ("invoice",)}):
        with pytest.raises(Refusal, match="absence-own-cover"):
            away(house, FINANCE, CLERK, by=CLERK, **more)
    assert not reads(house, CLERK, waiting)
    # Lent by who is away, it may be made less and no more
    me, first = house.actor(CLERK), wanted(house, FINANCE, CLERK, since=1, types=("invoice",), acts=False)
    number = plan(house.actor(FINANCE), first)
    shown = house.client(CLERK).get(f"/absences/{number}").get_data(as_text=True)
    assert "à soi-même" not in shown
    more = (
        wanted(house, FINANCE, CLERK, since=1, types=("invoice",)),
        wanted(house, FINANCE, CLERK, since=1, acts=False),
        wanted(house, FINANCE, CLERK, since=1, types=("invoice", "deliberation"), acts=False),
        wanted(house, FINANCE, CLERK, since=1, days=22, types=("invoice",), acts=False),
        wanted(house, FINANCE, CLERK, since=0, days=5, types=("invoice",), acts=False),
    )
    for one in more:
        with pytest.raises(Refusal, match="absence-own-cover"):
            change(me, number, one, revision=1)
    less = wanted(house, FINANCE, CLERK, since=1, days=5, types=("invoice",), acts=False)
    change(me, number, less, revision=1)
    # To another it lends what it likes, and takes it back
    change(me, number, wanted(house, FINANCE, TECHNIQUE, since=1), revision=2)
    with pytest.raises(Refusal, match="absence-own-cover"):
        change(me, number, less, revision=3)


def test_who_stands_in_states_no_signature_of_who_is_away(house: House) -> None:
    record(house, of_mayor(house))
    order = of_mayor(
        house,
        user_id=house.actor(DIRECTION).user_id,
        kind=Kind.SIGNATURE,
        title="la directrice générale des services",
        order_number="2026-050",
        order_date=of_mayor(house).starts_on,
        families=("individual_decree",),
        elected=False,
    )
    record(house, order)
    folder_id = house.an_act("individual_decree", ACT)
    away(house, MAYOR, DIRECTION)
    assert folder_id in todo(house, DIRECTION)
    with reading(house.actor(MAYOR).collectivity_id) as db:
        folder = db.get_one(Folder, folder_id)
        assert paper.allowed(db, house.actor(MAYOR), folder)
        assert not paper.allowed(db, house.actor(DIRECTION), folder)
        with pytest.raises(Refusal, match="paper-under-cover"):
            paper.standing(db, house.actor(DIRECTION), folder)


def test_who_writes_another_s_absence_is_told_nothing_of_the_folders_that_he_may_not_read(
    house: House,
) -> None:
    pay = house.a_pay_flow()
    name_secretary(house.actor(MAYOR), house.actor("t.lescoat").user_id)
    with pytest.raises(Refusal, match="absence-emitter") as refused:
        away(house, MAYOR, "m.kerzerho")
    assert refused.value.facts["folders"] == f"« {called(pay)} »"
    assert looked(house, MAYOR, None).blocks[0].folders == ((pay, called(pay)),)
    first, last = now() - timedelta(hours=1), now() + timedelta(days=9)
    for writer in ("t.lescoat", CLERK):
        assert not reads(house, writer, pay)
        client = house.client(writer)
        form = {
            "csrf_token": house.csrf(client),
            "pour": str(house.actor(MAYOR).user_id),
            "du": typed(first),
            "au": typed(last),
            "interim": "",
            "pouvoir": "agir",
        }
        page = client.post("/absences/apercu", data=form).get_data(as_text=True)
        assert "Parmi les dossiers en cours, seuls ceux que vous lisez sont comptés." in page
        assert "1 signature" not in page
        assert called(pay) not in page
        # The same whoever is chosen, whatever he deposited: it tells nothing of these folders
        general = "dépose des dossiers qui viennent là, elle ne pourra pas en décider"
        assert general not in page
        for cover in ("m.kerzerho", TECHNIQUE):
            chosen = {**form, "interim": str(house.actor(cover).user_id)}
            page = client.post("/absences/apercu", data=chosen).get_data(as_text=True)
            assert general in page
            reads_only = client.post("/absences/apercu", data={**chosen, "pouvoir": "lire"})
            assert general not in reads_only.get_data(as_text=True)
        assert "La personne absente verra ce qui bloque parmi tous les siens" in page
    # As if no such folder were there; who stands in decides of it no more for that
    assert (
        client.post("/absences", data={**form, "interim": str(house.actor("m.kerzerho").user_id)}).status_code
        == 302
    )
    assert todo(house, "m.kerzerho") == {}


def test_where_nothing_would_stop_it_is_written_once_which_folders_are_counted(house: House) -> None:
    client = house.client(CLERK)
    form = {
        "csrf_token": house.csrf(client),
        "pour": str(house.actor("m.kerzerho").user_id),
        "du": typed(now() - timedelta(hours=1)),
        "au": typed(now() + timedelta(days=9)),
        "interim": str(house.actor("n.abgrallec").user_id),
        "pouvoir": "agir",
    }
    page = client.post("/absences/apercu", data=form).get_data(as_text=True)
    assert "Aucun dossier en cours, parmi ceux que vous lisez, n’attend cette personne" in page
    assert page.count("ceux que vous lisez") == 1
    assert "La personne absente verra ce qui bloque parmi tous les siens" in page


@by_day
def test_who_is_away_is_led_by_the_letter_to_what_his_absence_stops_that_its_writer_does_not_read(
    house: House,
) -> None:
    house.a_pay_flow()
    number = away(house, MAYOR, None, by=CLERK, since=0, days=21)
    house.drain()
    (letter,) = house.mail.to(f"{MAYOR}@kerlann-sur-mer.example")
    body = body_of(letter)
    assert "Katell Morizur ne voit que les dossiers qui lui sont ouverts : voyez tous les vôtres." in body
    assert f"/absences/{number}#bloquera" in body
    assert "1 signature" in house.client(MAYOR).get(f"/absences/{number}").get_data(as_text=True)


def test_a_short_bar_of_the_planning_has_its_words_beside_it_and_the_page_of_an_account_leads_there(
    house: House,
) -> None:
    with time_machine.travel(datetime(2026, 12, 1, 10, 0, tzinfo=PARIS), tick=False):
        me, cover = house.actor(FINANCE), house.actor(TECHNIQUE).user_id
        for first, last in (("01", "01"), ("03", "08"), ("16", "17")):
            plan(me, Wanted(me.user_id or 0, cover, f"2026-12-{first}T10:30", f"2026-12-{last}T18:00"))
        page = house.client(FINANCE).get("/absences").get_data(as_text=True)
        bars = re.findall(r'<span class="tag d-flex ([^"]*)"><span title="Ronan Pellenec">', page)
        assert bars == ["tag-info plan-short", "tag-info", "tag-info plan-short plan-late"]
    assert (
        'href="/absences"'
        in house.client(FINANCE).get("/compte").get_data(as_text=True).partition("<main")[2]
    )


def test_the_empty_form_proposes_the_first_day_after_absences_that_are_written_already(house: House) -> None:
    def proposed() -> tuple[str, ...]:
        page = house.client(FINANCE).get("/absences").get_data(as_text=True)
        return tuple(re.findall(r'value="(2026-\d\d-\d\dT\d\d:\d\d)"', page))

    with time_machine.travel(datetime(2026, 12, 1, 10, 0, tzinfo=PARIS), tick=False):
        me = house.actor(FINANCE)
        for first, last, after in (
            ("2026-12-10T00:00", "2026-12-10T23:59", "2026-12-02"),
            ("2026-12-02T00:00", "2026-12-02T23:59", "2026-12-03"),
            ("2026-12-03T08:00", "2026-12-09T12:00", "2026-12-11"),
        ):
            plan(me, Wanted(me.user_id or 0, None, first, last))
            assert proposed() == (f"{after}T00:00", f"{after}T23:59")


def test_what_will_come_to_the_person_is_counted_for_him_without_a_number_that_he_may_not_read_yet(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="service_done")
    assert not reads(house, MAYOR, folder_id)
    block = looked(house, MAYOR, None).blocks[0]
    assert (block.title, block.folders, block.rest) == ("1 signature à venir", (), "")
    own = house.an_invoice(at="bon_a_payer")
    later = house.an_invoice(at="service_done")
    block = looked(house, MAYOR, None, days=60).blocks[0]
    assert block.title == "3 signatures, dont 2 à venir"
    assert (block.folders, block.rest) == (
        ((own, called(own)),),
        " et 2 autres, que vous ne lisez pas encore",
    )
    client = house.client(MAYOR)
    form = asked_for(house, client, MAYOR, au=typed(now() + timedelta(days=60)))
    page = client.post("/absences/apercu", data=form).get_data(as_text=True)
    (link,) = re.findall(r'Dossiers.: («.<a href="/dossiers/\d+">.*?</a>[^<]*)<', page)
    named = f'«\u00a0<a href="/dossiers/{own}">{called(own)}</a>\u00a0»'
    assert link == f"{named} et 2 autres, que vous ne lisez pas encore."
    assert called(later) not in page.replace(link, "")


def test_folders_beyond_those_that_a_line_names_are_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "SHOWN", 1)
    house.an_invoice(at="bon_a_payer")
    house.an_invoice(at="bon_a_payer")
    assert looked(house, MAYOR, None).blocks[0].rest == " et 1 autre"
    house.an_invoice(at="service_done")
    block = looked(house, MAYOR, None, days=60).blocks[0]
    assert (len(block.folders), block.rest) == (1, " et 2 autres, dont 1 que vous ne lisez pas encore")


def test_one_person_counts_once_at_a_step_whatever_he_stands_in_for(house: House) -> None:
    here = house.actor(FINANCE).collectivity_id
    desks.seat(here, "conseil", "t.lescoat", [Right.ACT])
    who = "{desk: technique}, {desk: conseil}"
    circuits.publish(house.actor(CLERK), "invoice", CIRCUIT.format(who=who, quorum="all"))
    folder_id = house.an_invoice(at="draft")
    away(house, TECHNIQUE, DIRECTION)
    away(house, "t.lescoat", DIRECTION)
    sending.send(house.actor(DEPOSITOR), folder_id, version=house.folder(folder_id).version)
    assert list(todo(house, DIRECTION)) == [folder_id]
    house.approve(folder_id, DIRECTION)
    assert house.folder(folder_id).place == "visas"
    assert todo(house, DIRECTION) == {}
    with pytest.raises(Refusal, match="already-acted|acted-already"):
        house.approve(folder_id, DIRECTION)
    for login in (TECHNIQUE, "t.lescoat"):
        if folder_id in todo(house, login):
            house.approve(folder_id, login)
            break
    assert house.folder(folder_id).place == "bon_a_payer"


def test_a_loop_is_refused_and_one_that_is_there_all_the_same_lends_nothing_further(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    away(house, FINANCE, TECHNIQUE)
    with pytest.raises(Refusal, match="absence-loop"):
        away(house, TECHNIQUE, FINANCE)
    number = away(house, TECHNIQUE, "b.cadiou")  # what was lent to him is not lent further
    assert todo(house, "b.cadiou") == {}
    with pytest.raises(Refusal, match="absence-away"):
        away(house, MAYOR, TECHNIQUE)
    with pytest.raises(Refusal, match="absence-loop"):
        away(house, "b.cadiou", FINANCE)
    put(number, cover_id=house.actor(FINANCE).user_id)
    assert todo(house, FINANCE) == {folder_id: ""}
    house.approve(folder_id, FINANCE)
    assert run_of(folder_id, "finance").absent is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"cover_id": 999_999}, "absence-cover"),
        ({"user_id": 999_999}, "absence-cover"),
        ({"first": "hier"}, "absence-dates"),
        ({"first": "2027-03-28T02:30", "last": "2027-04-01T00:00"}, "absence-hour"),
        ({"last": "2020-01-01T00:00"}, "absence-order"),
        ({"first": "2020-01-01T00:00", "last": "2020-01-02T00:00"}, "absence-past"),
        ({"last": "2040-01-01T00:00"}, "absence-long"),
        ({"desk_id": 999_999}, "absence-desk"),
        ({"types": ("jamais",)}, "absence-type"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is(
    house: House, changes: Mapping[str, Any], key: str
) -> None:
    asked = Wanted(**{**vars(wanted(house, FINANCE, TECHNIQUE)), **changes})
    with pytest.raises(Refusal, match=key):
        plan(house.actor(CLERK), asked)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Absence.id))) == 0


def test_an_absence_is_written_by_its_person_the_secretariat_that_he_named_or_an_administrator(
    house: House,
) -> None:
    with pytest.raises(Refusal, match="absence-whose"):
        away(house, FINANCE, TECHNIQUE, by="t.lescoat")
    name_secretary(house.actor(FINANCE), house.actor("t.lescoat").user_id)
    number = away(house, FINANCE, TECHNIQUE, by="t.lescoat")
    with pytest.raises(Refusal, match="absence-unknown"):
        end(house.actor(TECHNIQUE), number, revision=1)
    with pytest.raises(Refusal, match="absence-twice"):
        away(house, FINANCE, TECHNIQUE, by=CLERK)
    with pytest.raises(Refusal, match="absence-changed"):
        change(house.actor(CLERK), number, wanted(house, FINANCE, DIRECTION), revision=7)
    change(house.actor(CLERK), number, wanted(house, FINANCE, DIRECTION), revision=1)
    name_secretary(house.actor(FINANCE), None)
    with pytest.raises(Refusal, match="absence-unknown"):
        end(house.actor("t.lescoat"), number, revision=2)
    end(house.actor(FINANCE), number, revision=2)
    with pytest.raises(Refusal, match="absence-past"):
        end(house.actor(FINANCE), number, revision=3)
    with pytest.raises(Refusal, match="absence-self"):
        away(house, FINANCE, FINANCE)
    with reading() as db:
        told = list(
            db.scalars(sa.select(JournalEntry.event).where(JournalEntry.event.startswith("absence.")))
        )
    assert sorted(told) == sorted(
        ["absence.planned", "absence.changed", "absence.ended", "absence.secretary", "absence.secretary"]
    )


@by_day
def test_who_is_named_secretariat_of_somebody_is_told_and_when_it_ends(house: House) -> None:
    me = house.actor(FINANCE)

    def subjects(login: str) -> list[str]:
        house.drain()
        return [plainly(str(one["Subject"])) for one in house.mail.to(f"{login}@kerlann-sur-mer.example")]

    named = "Paraphe : vous pouvez écrire les absences de Nolwenn Abgrallec"
    over = "Paraphe : vous n’écrivez plus les absences de Nolwenn Abgrallec"
    name_secretary(me, house.actor("t.lescoat").user_id)
    assert subjects("t.lescoat") == [named]
    (letter,) = house.mail.to("t.lescoat@kerlann-sur-mer.example")
    assert "Nolwenn Abgrallec vous confie le secrétariat de ses absences" in body_of(letter)
    name_secretary(me, house.actor("t.lescoat").user_id)  # the same again
    assert subjects("t.lescoat") == [named]
    name_secretary(me, house.actor(TECHNIQUE).user_id)
    assert (subjects("t.lescoat"), subjects(TECHNIQUE)) == ([named, over], [named])
    # What changed before any letter left is news for nobody
    name_secretary(me, house.actor(DIRECTION).user_id)
    name_secretary(me, house.actor(TECHNIQUE).user_id)
    assert (subjects(TECHNIQUE), subjects(DIRECTION)) == ([named], [])
    name_secretary(me, None)
    assert subjects(TECHNIQUE) == [named, over]


def plainly(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.mark.parametrize(
    ("second", "minute"), [(41, 14), (0, 13)], ids=["within a minute", "at its first instant"]
)
def test_the_end_of_an_absence_is_the_same_minute_on_the_page_in_the_journal_and_in_the_letter(
    house: House, second: int, minute: int
) -> None:
    with time_machine.travel(datetime(2026, 12, 1, 4, 10, tzinfo=PARIS), tick=False):
        number = plan(house.actor(FINANCE), wanted(house, FINANCE, TECHNIQUE, since=0))
        typed_end = plan(
            house.actor(MAYOR),
            replace(wanted(house, MAYOR, DIRECTION, since=0), last="2026-12-01T04:13"),
        )
    moment = datetime(2026, 12, 1, 4, 14, second, tzinfo=PARIS)
    with time_machine.travel(moment, tick=False):
        end(house.actor(CLERK), number, revision=1)
        client = house.client(FINANCE)
        page = plainly(client.get("/absences").get_data(as_text=True))
        assert f"du mar. 1er déc., 4 h 10 au mar. 1er déc., 4 h {minute}" in page
        with reading() as db:
            query = sa.select(JournalEntry.facts).where(JournalEntry.event == "absence.ended")
            assert f"au mardi 1er décembre 2026 à 4 h {minute}," in plainly(db.scalar(query) or "")
            row = db.get_one(Absence, typed_end)
            assert planning.last_minute(row.ends_at).replace("\u00a0", " ").endswith("4 h 13")
        told = [one.payload["ends"].replace("\u00a0", " ") for one in letters("absence_over")]
        assert {one for one in told if "1er décembre 2026 à 4 h 1" in one} == {
            f"mardi 1er décembre 2026 à 4 h {minute}",
            "mardi 1er décembre 2026 à 4 h 13",
        }


def test_an_absence_that_is_asked_for_in_the_past_begins_now_and_one_that_has_begun_keeps_its_start(
    house: House,
) -> None:
    me = house.actor(FINANCE)
    with time_machine.travel(datetime(2026, 12, 1, 4, 10, 30, tzinfo=PARIS), tick=False):
        number = plan(me, wanted(house, FINANCE, TECHNIQUE, since=2))
    moment = datetime(2026, 12, 1, 4, 13, 20, tzinfo=PARIS)
    earlier = replace(wanted(house, FINANCE, TECHNIQUE), first="2026-12-01T04:00", last="2026-12-05T18:00")
    with time_machine.travel(moment, tick=False):
        change(me, number, earlier, revision=1)
        assert [one.payload["begins"].replace("\u00a0", " ") for one in letters("absence_set")][-1].endswith(
            "4 h 13"
        )
        page = plainly(house.client(FINANCE).get("/absences").get_data(as_text=True))
        assert "du mar. 1er déc., 4 h 13 au sam. 5 déc., 18 h 00" in page
        assert "4 h 00" not in page
        written = plan(house.actor(MAYOR), wanted(house, MAYOR, DIRECTION, since=-1))
    with time_machine.travel(moment + timedelta(hours=2), tick=False):
        for first in ("2026-12-01T04:00", "2026-12-01T05:30", "2026-12-01T04:13"):
            with reading() as db:
                revision = db.get_one(Absence, number).revision
            change(me, number, replace(earlier, first=first), revision=revision)
            with reading() as db:
                assert db.get_one(Absence, number).starts_at == moment
                assert db.get_one(Absence, written).starts_at == moment


def test_letters_of_former_dates_are_ended_with_the_change_and_the_others_say_when_they_will_leave(
    house: House,
) -> None:
    with time_machine.travel(datetime(2026, 12, 1, 4, 13, tzinfo=PARIS), tick=False):
        me = house.actor(FINANCE)
        asked = replace(wanted(house, FINANCE, TECHNIQUE), first="2026-12-03T08:00", last="2026-12-11T18:00")
        number = plan(me, asked)
        house.drain()
        change(me, number, replace(asked, first="2026-12-04T08:00", last="2026-12-12T18:00"), revision=1)
        with reading() as db:
            query = sa.select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id)
            states = [
                (one.payload["event"], one.payload["revision"], one.state, bool(one.done_at), one.last_error)
                for one in db.scalars(query)
            ]
        why = "cette absence a changé depuis : aucun courriel n’est parti"
        assert states == [
            ("absence_set", 1, "done", True, None),
            ("absence_begins", 1, "done", True, why),
            ("absence_over", 1, "done", True, why),
            ("absence_set", 2, "pending", False, None),
            ("absence_begins", 2, "pending", False, None),
            ("absence_over", 2, "pending", False, None),
        ]
        page = plainly(house.client(CLERK).get("/administration").get_data(as_text=True))
        assert "Partira le" in page
        assert [
            page.count(day) for day in ("jeu. 3 déc.", "ven. 4 déc., 8 h 00", "lun. 14 déc., 6 h 00")
        ] == [0, 1, 1]
        house.drain()
        end(me, number, revision=2)
        house.drain()
        page = plainly(house.client(CLERK).get("/administration").get_data(as_text=True))
        assert "Aucun envoi n’attend." in page


def told(house: House, login: str) -> list[tuple[str, int]]:
    """The letters about absences that somebody was sent, each with the revision that it tells."""
    house.drain()
    number = house.actor(login).user_id
    with reading() as db:
        return [
            (one.payload["event"].removeprefix("absence_"), one.payload["revision"])
            for one in db.scalars(sa.select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id))
            if one.payload.get("absence")
            and one.payload["user_id"] == number
            and (one.state, one.last_error) == ("done", None)
        ]


def test_who_stands_in_no_more_is_told_so_though_the_absence_changes_again_before_the_letter_leaves(
    house: House,
) -> None:
    me, number = house.actor(FINANCE), away(house, FINANCE, TECHNIQUE)
    assert told(house, TECHNIQUE) == [("set", 1)]
    change(me, number, wanted(house, FINANCE, DIRECTION), revision=1)
    change(me, number, wanted(house, FINANCE, DIRECTION, days=9), revision=2)
    assert told(house, TECHNIQUE) == [("set", 1), ("over", 2)]
    assert told(house, DIRECTION) == [("set", 3)]
    change(me, number, wanted(house, FINANCE, MAYOR, days=9), revision=3)
    end(house.actor(CLERK), number, revision=4)
    assert told(house, TECHNIQUE) == [("set", 1), ("over", 2)]
    assert told(house, DIRECTION) == [("set", 3), ("over", 4)]
    assert told(house, MAYOR) == [("over", 5)]
    assert told(house, FINANCE) == [("over", 5)]


def test_an_absence_that_is_sent_again_as_it_stands_tells_nobody_anything(house: House) -> None:
    """Nor does one whose person wants his letters otherwise: who stands in has read all that concerns him."""
    me, secretary = house.actor(FINANCE), house.actor(CLERK)
    asked = wanted(house, FINANCE, TECHNIQUE)
    asked = replace(asked, first=f"{now() + timedelta(days=2):%Y-%m-%dT08:00}")
    number = plan(me, asked)
    assert told(house, TECHNIQUE) == [("set", 1)]
    for actor in (me, secretary):
        change(actor, number, asked, revision=1)
    assert (told(house, TECHNIQUE), told(house, FINANCE)) == ([("set", 1)], [])
    with reading() as db:
        changes = sa.select(sa.func.count()).where(JournalEntry.event == "absence.changed")
        assert db.scalar(changes) == 0
    change(me, number, replace(asked, letters=True), revision=1)
    change(secretary, number, asked, revision=2)
    assert told(house, TECHNIQUE) == [("set", 1)]
    # Two that follow one another before the first has left are told by the second
    longer = wanted(house, FINANCE, TECHNIQUE, days=9)
    change(me, number, longer, revision=3)
    change(me, number, replace(longer, letters=True), revision=4)
    assert told(house, TECHNIQUE) == [("set", 1), ("set", 5)]
    assert [one.payload["revision"] for one in letters("absence_over") if one.state == "pending"] == [5]


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "taken by a worker"])
def test_who_stands_in_again_is_not_told_that_it_is_over_and_nobody_is_told_twice(
    house: House, taken: bool
) -> None:
    me, number = house.actor(FINANCE), away(house, FINANCE, TECHNIQUE)
    assert told(house, TECHNIQUE) == [("set", 1)]
    change(me, number, wanted(house, FINANCE, DIRECTION), revision=1)
    (last,) = [one for one in letters("absence_over") if one.payload.get("final")]

    def kept() -> None:
        """As if a worker had taken the letter before the change, and failed to send it."""
        if taken:
            back = sa.update(Outbox.__table__).where(Outbox.__table__.c.id == last.id)  # type: ignore[arg-type]
            with engine().begin() as connection:
                connection.execute(back.values(state="pending", last_error=None, done_at=None))

    change(me, number, wanted(house, FINANCE, TECHNIQUE), revision=2)
    kept()
    assert told(house, TECHNIQUE) == [("set", 1), ("set", 3)]
    change(me, number, wanted(house, FINANCE, DIRECTION), revision=3)
    kept()
    assert told(house, TECHNIQUE) == [("set", 1), ("set", 3), ("over", 4)]


def test_a_name_that_has_vous_in_it_stays_the_name_of_who_stands_in(house: House) -> None:
    with engine().begin() as connection:
        renamed = sa.update(User.__table__).where(User.__table__.c.id == house.actor(TECHNIQUE).user_id)  # type: ignore[arg-type]
        connection.execute(renamed.values(last_name="Vousden"))
    away(house, FINANCE, TECHNIQUE)
    assert "intérim Ronan Vousden" in plainly(house.client(CLERK).get("/absences").get_data(as_text=True))
    assert "intérim par vous" in plainly(house.client(TECHNIQUE).get("/absences").get_data(as_text=True))


def test_the_page_calls_its_reader_vous_and_offers_each_change_once(house: House) -> None:
    with time_machine.travel(datetime(2026, 12, 1, 10, tzinfo=PARIS), tick=False):
        mine = plan(house.actor(FINANCE), wanted(house, FINANCE, TECHNIQUE, since=3, days=1))
        theirs = plan(house.actor(CLERK), wanted(house, TECHNIQUE, FINANCE, since=10, days=2))
        for login, own in ((FINANCE, "Nolwenn Abgrallec"), (CLERK, "Katell Morizur")):
            page = house.client(login).get("/absences").get_data(as_text=True)
            main = page[page.index('id="now-title"') : page.index("</main>")]
            assert own not in re.sub(r"<select.*?</select>", "", main, flags=re.DOTALL)
            for number, may in ((mine, True), (theirs, login == CLERK)):
                assert page.count(f'href="/absences/{number}"') == may
                assert page.count(f"/absences/{number}/terminer") == may
        words = plainly(house.client(FINANCE).get("/absences").get_data(as_text=True))
        assert "Vous , du ven. 4 déc., 10 h 00 au sam. 5 déc., 10 h 00 : intérim Ronan Pellenec" in words
        assert "Modifier… votre absence du ven. 4 déc., 10 h 00" in words
        assert (
            "Ronan Pellenec , du ven. 11 déc., 10 h 00 au dim. 13 déc., 10 h 00 : intérim par vous" in words
        )


def test_each_day_of_the_planning_has_its_column_and_those_that_are_not_worked_are_shaded(
    house: House,
) -> None:
    with time_machine.travel(datetime(2026, 12, 14, 10, tzinfo=PARIS), tick=False):
        plan(house.actor(FINANCE), wanted(house, FINANCE, TECHNIQUE, since=2, days=0))
        plan(house.actor(MAYOR), wanted(house, MAYOR, None, since=3, days=6))
        page = house.client(CLERK).get("/absences").get_data(as_text=True)
        table = page[page.index('class="tbl plan"') :].partition("</table>")[0]
        off = {
            19,
            20,
            25,
            26,
            27,
            32,
            33,
            34,
        }  # two weekends, Christmas, New Year's Day and the weekend after
        head = re.findall(r'<th scope="col"(?: class="quiet (off)")?><span', table)
        assert [day for day, shade in enumerate(head, 14) if shade] == sorted(off)
        rows = table.partition("<tbody>")[2].split("</tr>")[:2]
        for row, first, last in zip(rows, (16, 17), (16, 23), strict=True):
            day = 14
            for cell in re.findall(r"<td(.*?)>", row):
                span = int((re.search(r'colspan="(\d+)"', cell) or ["", "1"])[1])
                assert (span > 1 or day == first) is (day == first), (row, day)
                assert ("off" in cell) is (day in off and not first <= day <= last)
                day += span
            assert day == 35


def test_one_that_is_over_stands_in_the_way_of_nothing(house: House) -> None:
    end(house.actor(FINANCE), away(house, FINANCE, TECHNIQUE), revision=1)
    folder_id = house.an_invoice(at="finance")
    away(house, FINANCE, TECHNIQUE)
    assert list(todo(house, TECHNIQUE)) == [folder_id]


def test_who_comes_back_is_told_how_many_folders_were_decided_meanwhile(house: House) -> None:
    first, second, hers = (house.an_invoice(at=at) for at in ("finance", "finance", "finance"))
    number = away(house, FINANCE, DIRECTION)

    def page(login: str) -> str:
        return plainly(house.client(login).get("/absences").get_data(as_text=True))

    assert "traité" not in page(FINANCE)
    house.approve(first, DIRECTION)
    assert "1 dossier traité par Solenn Rivoal." in page(FINANCE)
    decide.reject(house.actor(DIRECTION), second, version=house.folder(second).version, reason="Montant.")
    assert "2 dossiers traités par Solenn Rivoal." in page(FINANCE)
    house.approve(hers, FINANCE)
    end(house.actor(FINANCE), number, revision=1)
    assert "Terminée, 2 dossiers traités par Solenn Rivoal." in page(FINANCE)
    assert "traité" not in page(DIRECTION)


def test_an_absence_that_has_not_begun_lends_nothing_yet_and_is_cancelled_for_good(house: House) -> None:
    house.an_invoice(at="finance")
    number = away(house, FINANCE, TECHNIQUE, since=3)
    assert todo(house, TECHNIQUE) == {}
    end(house.actor(FINANCE), number, revision=1)
    put(number, set_at=now())
    with reading() as db:
        row = db.get_one(Absence, number)
        assert row.starts_at == row.ends_at


def test_an_absence_that_has_not_begun_is_deleted_once_it_was_asked_and_told_as_deleted(house: House) -> None:
    number = away(house, FINANCE, TECHNIQUE, since=3)
    client = house.client(FINANCE)
    page = client.get("/absences").get_data(as_text=True)
    (asks,) = re.findall(rf'<a class="btn btn-line"[^>]*data-opens="(supprimer-{number})">Supprimer…', page)
    assert "Annuler<" not in page
    dialog = page.split(f'id="{asks}"')[1].split("</dialog>")[0]
    assert f'action="/absences/{number}/terminer"' in dialog
    assert "la personne qui devait assurer l’intérim en sera prévenue" in dialog
    assert f'action="/absences/{number}/terminer"' not in page.replace(dialog, "")
    assert not re.search(rf'id="{asks}"[^>]* open>', page)
    asked = client.get(f"/absences?demander={asks}").get_data(as_text=True)
    assert re.search(rf'<dialog class="dlg"\s+id="{asks}"[^>]* open>', asked), "without script"
    form = {"csrf_token": house.csrf(client), "revision": "1"}
    answer = client.post(f"/absences/{number}/terminer", data=form, follow_redirects=True)
    told = plainly(answer.get_data(as_text=True))
    assert "L’absence est supprimée ; elle n’avait pas commencé." in told
    assert "plus rien n’est confié" not in told
    number = away(house, FINANCE, TECHNIQUE)
    answer = client.post(f"/absences/{number}/terminer", data=form, follow_redirects=True)
    assert "plus rien n’est confié à ce titre" in plainly(answer.get_data(as_text=True))


@pytest.mark.parametrize("given_to", [None, DIRECTION], ids=["cancelled", "given to another"])
def test_who_was_to_stand_in_is_not_told_that_what_never_began_is_over(
    house: House, given_to: str | None
) -> None:
    number = away(house, FINANCE, TECHNIQUE, since=3)
    with reading() as db:
        begins = planning.words_of(db.get_one(Absence, number).starts_at)
    house.drain()
    if given_to:
        change(house.actor(FINANCE), number, wanted(house, FINANCE, given_to, since=5), revision=1)
    else:
        end(house.actor(FINANCE), number, revision=1)
    house.drain()
    _, last = house.mail.to("r.pellenec@kerlann-sur-mer.example")
    subject = str(last["Subject"]).replace("\u00a0", " ")
    assert subject == "Paraphe : l’intérim de Nolwenn Abgrallec ne vous est plus confié"
    body = plainly(last.get_body(("plain",)).get_content())
    assert f"Il devait commencer le {plainly(begins)}. Nolwenn Abgrallec ne vous le confie plus" in body
    assert "pris fin" not in body
    assert "ne les lisez plus" not in body


@by_day
def test_who_stands_in_is_told_once_when_it_is_set_begins_and_ends(house: House) -> None:
    number = away(house, FINANCE, TECHNIQUE, since=3)
    change(house.actor(FINANCE), number, wanted(house, FINANCE, TECHNIQUE, since=5), revision=1)
    house.drain()
    sent = house.mail.to("r.pellenec@kerlann-sur-mer.example")
    assert len(sent) == 1  # the letter of the former dates did not leave
    with engine().begin() as connection:  # weeks have passed
        connection.execute(
            sa.update(Outbox.__table__).values(available_at=now()).where(Outbox.state == "pending")
        )  # type: ignore[arg-type]
    house.drain()
    subjects = [
        str(one["Subject"]).replace("\u00a0", " ")
        for one in house.mail.to("r.pellenec@kerlann-sur-mer.example")
    ]
    assert [re.sub(r", du .*", "", one) for one in subjects] == [
        "Paraphe : intérim de Nolwenn Abgrallec",
        "Paraphe : votre intérim de Nolwenn Abgrallec commence",
        "Paraphe : votre intérim de Nolwenn Abgrallec est terminé",
    ]
    asked, begun = (
        plainly(one.get_body(("plain",)).get_content())
        for one in sent[:1] + house.mail.to("r.pellenec@kerlann-sur-mer.example")[1:2]
    )
    assert "Nolwenn Abgrallec vous confie son intérim, du" in asked
    assert "Il va du" in begun


@pytest.mark.parametrize(
    ("hours", "opens"), [(None, "6 h 00"), ("8:30-18", "8 h 30")], ids=["day", "hours of the collectivity"]
)
def test_letters_of_a_cover_that_begins_and_ends_at_midnight_leave_by_day_and_the_page_says_when(
    house: House, hours: str | None, opens: str
) -> None:
    tuesday, sunday = date(2027, 1, 12), date(2027, 1, 17)
    me, cover = house.actor(FINANCE), house.actor(TECHNIQUE)
    with at(tuesday - timedelta(days=4), 10):
        if hours:
            change_setting(house.actor(CLERK), "mail_hours", {"mail_hours": hours})
        first, last = f"{tuesday}T00:00", f"{sunday}T23:59"
        plan(me, Wanted(me.user_id or 0, cover.user_id, first, last))
        house.drain()
        house.mail.clear()
        page = house.client(CLERK).get("/administration").get_data(as_text=True)
        assert f"mar. 12 janv., {opens}" in plainly(page)
        assert f"lun. 18 janv., {opens}" in plainly(page)
    told = []
    hour, minute = map(int, opens.split(" h "))
    for day, *clock in (
        (tuesday, 0, 1),
        (tuesday, hour, minute),
        (sunday, 23, 59),
        (sunday + timedelta(days=1), 0, 1),
    ):
        with at(day, *clock):
            house.drain()
        told.append(len(house.mail.to("r.pellenec@kerlann-sur-mer.example")))
    assert told == [0, 1, 1, 1]
    with at(sunday + timedelta(days=1), hour, minute):
        house.drain()
    _, over = house.mail.to("r.pellenec@kerlann-sur-mer.example")
    assert over["Date"].datetime.astimezone(PARIS).hour == hour


def test_a_cover_of_one_saturday_is_told_as_over_and_not_as_beginning(house: House) -> None:
    saturday = date(2027, 1, 9)
    me, cover = house.actor(FINANCE), house.actor(TECHNIQUE)
    with at(saturday - timedelta(days=2), 10):
        plan(me, Wanted(me.user_id or 0, cover.user_id, f"{saturday}T08:00", f"{saturday}T18:00"))
        house.drain()
        house.mail.clear()
    with at(saturday + timedelta(days=2), 6):
        house.drain()
    (letter,) = house.mail.to("r.pellenec@kerlann-sur-mer.example")
    assert "est terminé" in str(letter["Subject"])


def test_the_end_of_one_cover_is_told_of_that_one_alone(house: House) -> None:
    """Another, for the same person at another desk, goes on."""
    desks.seat(house.actor(FINANCE).collectivity_id, "direction", FINANCE, [Right.ACT])
    with reading() as db:
        found = sa.select(Desk.id).where(Desk.key.in_(["direction", "finances"])).order_by(Desk.key)
        there, here = db.scalars(found)
    away(house, FINANCE, TECHNIQUE, desk_id=here)
    number = away(house, FINANCE, TECHNIQUE, desk_id=there)
    end(house.actor(FINANCE), number, revision=1)
    house.drain()
    last = house.mail.to("r.pellenec@kerlann-sur-mer.example")[-1]
    body = plainly(last.get_body(("plain",)).get_content())
    assert "À ce titre, les dossiers de Nolwenn Abgrallec ne vous attendent plus" in body


def test_a_cover_of_one_desk_or_some_types_is_not_told_as_one_of_everything(house: House) -> None:
    away(house, FINANCE, TECHNIQUE, types=("deliberation",))
    away(house, FINANCE, DIRECTION)
    house.drain()
    limited, whole = (
        body_of(house.mail.to(f"{login}@kerlann-sur-mer.example")[0]) for login in ("r.pellenec", "s.rivoal")
    )
    assert "ce qui attend cette personne (Délibérations seulement)" in limited
    assert "ce qui attend cette personne ;" in whole


def body_of(letter: Any) -> str:
    return plainly(letter.get_body(("plain",)).get_content().replace("\u00a0", " "))


@by_day
def test_a_cover_to_read_is_not_told_that_it_enters_a_tray_and_all_read_to_what_it_is_limited(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="finance")
    house.drain()
    house.mail.clear()
    number = away(house, FINANCE, DIRECTION, by=CLERK, acts=False, types=("invoice",), since=1)
    house.drain()
    (told_absent,) = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert "; intérim : Solenn Rivoal (lecture seule, Factures seulement)." in body_of(told_absent)
    put(number, starts_at=now() - timedelta(minutes=1))
    with engine().begin() as connection:  # the day has come
        waiting = sa.update(Outbox.__table__).where(  # type: ignore[arg-type]
            Outbox.payload["event"].as_string() == "absence_begins"
        )
        connection.execute(waiting.values(available_at=now()))
    house.drain()
    asked, begun = map(body_of, house.mail.to("s.rivoal@kerlann-sur-mer.example"))
    for body in (asked, begun):
        assert "Vous lisez ce qui attend cette personne (lecture seule, Factures seulement), sans" in body
    assert "En l’absence de" not in begun
    assert "Ouvrir « Suivi » : https://paraphe.example/suivi" in re.sub(
        r"https?://[^/]+", "https://paraphe.example", begun
    )
    client = house.client(DIRECTION)
    assert f"/dossiers/{folder_id}" in client.get("/suivi").get_data(as_text=True)
    assert f"/dossiers/{folder_id}" not in client.get("/a-traiter").get_data(as_text=True)


@by_day
def test_a_cover_that_was_changed_is_told_as_changed_to_who_knew_it(house: House) -> None:
    number = away(house, FINANCE, TECHNIQUE, by=CLERK)
    house.drain()
    change(house.actor(CLERK), number, wanted(house, FINANCE, TECHNIQUE, days=9), revision=1)
    house.drain()
    change(house.actor(CLERK), number, wanted(house, FINANCE, DIRECTION, days=9), revision=2)
    house.drain()

    def subjects(login: str) -> list[str]:
        sent = house.mail.to(f"{login}@kerlann-sur-mer.example")
        return [re.sub(r", du .*", "", plainly(str(one["Subject"]))) for one in sent]

    assert subjects(FINANCE) == [
        "Paraphe : votre absence",
        "Paraphe : votre absence modifiée",
        "Paraphe : votre absence modifiée",
    ]
    assert subjects(TECHNIQUE)[:2] == [
        "Paraphe : intérim de Nolwenn Abgrallec",
        "Paraphe : intérim de Nolwenn Abgrallec modifié",
    ]
    assert subjects(DIRECTION) == ["Paraphe : intérim de Nolwenn Abgrallec"]
    bodies = [body_of(one) for one in house.mail.to("r.pellenec@kerlann-sur-mer.example")]
    assert "Katell Morizur a modifié l’intérim de Nolwenn Abgrallec : il va désormais du" in bodies[1]


@by_day
def test_a_letter_names_no_closed_type_to_which_a_cover_is_limited(house: House) -> None:
    made(house, label="Enquête interne", visibility="desks", seen_at=["comptabilite"])
    away(house, DEPOSITOR, TECHNIQUE, types=("invoice.enquete-interne",))
    house.drain()
    (letter,) = house.mail.to("r.pellenec@kerlann-sur-mer.example")
    assert "(certains types de dossiers seulement)" in body_of(letter)
    assert "nquête" not in body_of(letter)


@pytest.mark.parametrize("since", [-1, 3], ids=["begun", "to come"])
def test_who_is_away_is_told_once_when_another_shortens_or_ends_his_absence(house: House, since: int) -> None:
    number = away(house, FINANCE, TECHNIQUE, since=since)
    house.drain()
    assert house.mail.to("n.abgrallec@kerlann-sur-mer.example") == []
    change(house.actor(CLERK), number, wanted(house, FINANCE, TECHNIQUE, since=since, days=7), revision=1)
    house.drain()
    end(house.actor(CLERK), number, revision=2)
    house.drain()
    house.drain()
    shortened, ended = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert "votre absence modifiée, du" in str(shortened["Subject"]).replace("\u00a0", " ")
    assert str(ended["Subject"]).replace("\u00a0", " ") == "Paraphe : il est mis fin à votre absence"
    body = " ".join(ended.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert f"à votre absence qui {'commençait' if since < 0 else 'devait commencer'} le" in body
    assert "et à l’intérim de Ronan Pellenec." in body
    again = away(house, FINANCE, TECHNIQUE)
    end(house.actor(FINANCE), again, revision=1)
    house.drain()
    assert len(house.mail.to("n.abgrallec@kerlann-sur-mer.example")) == 2  # what one does oneself is no news


@by_day
def test_new_folders_are_told_to_who_stands_in_and_to_who_is_away_once_back_if_they_still_wait(
    house: House,
) -> None:
    number = away(house, FINANCE, "b.cadiou")
    waiting, taken = house.an_invoice(at="finance"), house.an_invoice(at="finance")
    house.drain()
    sent = house.mail.to("b.cadiou@kerlann-sur-mer.example")
    bodies = [one.get_body(("plain",)).get_content() for one in sent]  # type: ignore[union-attr]
    assert sum("En l’absence de Nolwenn Abgrallec" in one for one in bodies) == 2
    told = [one for one in letters("your_turn") if one.payload.get("absent")]
    assert {one.folder_id for one in told} == {waiting, taken}
    assert house.mail.to("n.abgrallec@kerlann-sur-mer.example") == []
    house.approve(taken, "b.cadiou")
    over(number)
    with engine().begin() as connection:  # weeks have passed
        waits = sa.update(Outbox.__table__).where(Outbox.state == "pending")  # type: ignore[arg-type]
        connection.execute(waits.values(available_at=now(), created_at=now() - timedelta(hours=30)))
    house.drain()
    back = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert len(back) == 1
    assert f"/dossiers/{waiting}" in back[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert back[0]["Date"].datetime > now() - timedelta(
        hours=1
    )  # of the return, not of the day when it was written


@by_day
def test_an_absence_that_ends_before_its_time_lets_the_letters_go_at_once(house: House) -> None:
    number = away(house, FINANCE, "b.cadiou")
    waiting = house.an_invoice(at="finance")
    house.drain()
    assert house.mail.to("n.abgrallec@kerlann-sur-mer.example") == []
    end(house.actor(FINANCE), number, revision=1)
    house.drain()
    (letter,) = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert f"/dossiers/{waiting}" in letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_what_waited_for_a_return_leaves_neither_at_night_nor_on_a_sunday(house: House) -> None:
    saturday = date(2027, 1, 9)
    with at(saturday - timedelta(days=3), 10):
        first, last = f"{saturday - timedelta(days=4)}T08:00", f"{saturday}T23:59"
        me = house.actor(FINANCE)
        plan(house.actor("k.morizur"), Wanted(me.user_id or 0, None, first, last))
        house.an_invoice(at="finance")
        house.drain()
        house.mail.clear()
        page = house.client(CLERK).get("/administration").get_data(as_text=True)
        assert "lun. 11 janv., 6 h 00" in plainly(page), "as his own page says"
    told = []
    for day, hour in ((1, 0), (1, 11), (2, 3), (2, 10)):
        with at(saturday + timedelta(days=day), hour, 30):
            house.drain()
        told.append(len(house.mail.to("n.abgrallec@kerlann-sur-mer.example")))
    assert told == [0, 0, 0, 1]
    (letter,) = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert letter["Date"].datetime.astimezone(PARIS).date() == saturday + timedelta(days=2)


def test_a_closed_type_is_named_to_nobody_by_an_absence(house: House) -> None:
    made(house, label="Enquête interne", visibility="desks", seen_at=["comptabilite"])
    kind = "invoice.enquete-interne"
    me = house.actor("g.trehorel")
    plan(me, wanted(house, "g.trehorel", "r.pellenec", types=(kind,)))
    for login, named in (
        ("g.trehorel", True),
        ("k.morizur", True),
        ("r.pellenec", True),
        ("t.lescoat", False),
    ):
        page = house.client(login).get("/absences").get_data(as_text=True)
        assert ("Enquête interne" in page) is named, login
    page = house.client("t.lescoat").get("/absences").get_data(as_text=True)
    assert "certains types de dossiers seulement" in page
    assert "enquete-interne" not in page
    assert "Enquête interne" not in house.client("t.lescoat").get("/compte/courriels").get_data(as_text=True)


def test_who_wants_his_letters_all_the_same_gets_them(house: House) -> None:
    away(house, FINANCE, "b.cadiou", letters=True)
    house.an_invoice(at="finance")
    house.drain()
    assert len(house.mail.to("n.abgrallec@kerlann-sur-mer.example")) == 1


def test_what_an_absence_will_stop_is_told_before_it_is_written(house: House) -> None:
    house.an_invoice(at="bon_a_payer")
    alone = looked(house, MAYOR, None)
    assert alone.blocks[0].title == "1 signature"
    assert "Sans intérim : cela attendra Armel Kervadec." in alone.blocks[0].sentence.replace("\u00a0", " ")
    covered = looked(house, MAYOR, DIRECTION)
    assert covered.blocks[0].tone == "danger"
    assert "L’intérim ne signe pas à la place d’un autre" in covered.blocks[0].sentence
    house.an_invoice(at="service_done")
    visas = looked(house, TECHNIQUE, DIRECTION)
    assert [(one.tone, one.title) for one in visas.blocks] == [("ok", "1 visa")]
    assert "en l’absence de Ronan Pellenec" in visas.blocks[0].sentence
    reading_only = looked(house, TECHNIQUE, DIRECTION, acts=False)
    assert "lira sans agir" in next(one.sentence for one in reading_only.blocks if one.title == "1 visa")
    other_type = looked(house, TECHNIQUE, DIRECTION, types=("deliberation",))
    assert any("n’est pas confié" in one.sentence for one in other_type.blocks)
    deposited = looked(house, TECHNIQUE, DEPOSITOR)
    assert any("son propre dépôt" in one.sentence for one in deposited.blocks)
    away(house, MAYOR, TECHNIQUE)
    chain = looked(house, TECHNIQUE, DIRECTION)
    assert any(one.title == "Intérim d’Armel Kervadec" for one in chain.blocks)


def of_desk(prospect: Outlook) -> list[str]:
    """What is said of the desks that nobody attends."""
    return [one.sentence.replace("\u00a0", " ") for one in prospect.blocks if one.title.startswith("Bureau")]


def test_a_desk_is_attended_by_who_stands_in_for_another_who_is_away(house: House) -> None:
    nobody = "Personne n’y agira : ce qui y viendra attendra Tifenn Lescoat."
    assert of_desk(looked(house, "t.lescoat", None)) == []  # Nolwenn is there
    alone = away(house, FINANCE, None)
    assert of_desk(looked(house, "t.lescoat", None)) == [nobody]
    end(house.actor(FINANCE), alone, revision=1)
    covered = away(house, FINANCE, DIRECTION)
    assert of_desk(looked(house, "t.lescoat", None)) == []
    # Who stands in is away in her turn, or may only read, or her account is closed: she acts for nobody
    hers = away(house, DIRECTION, None)
    assert of_desk(looked(house, "t.lescoat", None)) == [nobody]
    end(house.actor(DIRECTION), hers, revision=1)
    put(covered, acts=False)
    assert of_desk(looked(house, "t.lescoat", None)) == [nobody]
    put(covered, acts=True)
    with engine().begin() as connection:
        connection.execute(sa.update(User.__table__).where(User.login == DIRECTION).values(active=False))  # type: ignore[arg-type]
    assert of_desk(looked(house, "t.lescoat", None)) == [nobody]


def test_a_desk_that_nobody_attends_for_a_while_is_told_when(house: House) -> None:
    number = away(house, FINANCE, DIRECTION, since=2, days=4)
    minute = now().replace(second=0, microsecond=0)
    first, last = minute + timedelta(days=3), minute + timedelta(days=5)
    put(number, cover_id=None, starts_at=first, ends_at=last)
    begins, ends = planning.words_of(first), planning.last_minute(last)
    assert of_desk(looked(house, "t.lescoat", None, since=1)) == [
        plainly(f"Personne n’y agira du {begins} au {ends} : ce qui y viendra alors attendra.")
    ]
    # One's own other absence, whose cover acts too
    put(number, starts_at=now() - timedelta(days=1), ends_at=now() + timedelta(days=40))
    away(house, "t.lescoat", DIRECTION)
    assert of_desk(looked(house, "t.lescoat", None, days=15)) == []


def test_what_somebody_has_no_mandate_to_sign_does_not_wait_for_him(house: House) -> None:
    a_mayor_and_a_deputy(house)
    over_ceiling = {"total_ht": "15162", "total_vat": "0", "total_ttc": "15162"}
    hers, above = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer", **over_ceiling)
    later = house.an_invoice(at="service_done", **over_ceiling)
    prospect = looked(house, DEPUTY, None, days=60)
    (block,) = [one for one in prospect.blocks if "signature" in one.title]
    assert (block.title, dict(block.folders)) == ("1 signature", {hers: called(hers)})
    assert {above, later}.isdisjoint(block.folders)
    # And who stands in for the mayor is told by which mandate he does not sign
    unsigned = next(one for one in looked(house, MAYOR, DEPUTY).blocks if above in dict(one.folders))
    assert "plafond du mandat de Gaud Le Bras" in unsigned.sentence.replace("\u00a0", " ")


def test_what_a_change_will_stop_does_not_count_on_the_absence_that_it_changes(house: House) -> None:
    house.an_invoice(at="service_done")
    number = away(house, TECHNIQUE, DIRECTION)
    with reading(house.actor(TECHNIQUE).collectivity_id) as db:
        asked = wanted(house, TECHNIQUE, None)
        law, who, by = planning.checked(db, house.actor(TECHNIQUE), asked, but=number)
        told = outlook(db, house.actor(TECHNIQUE), law, who, by, but=number).blocks
        still = outlook(db, house.actor(TECHNIQUE), law, who, by).blocks
    assert "Sans intérim" in next(one.sentence for one in told if one.title == "1 visa")
    assert next(one.tone for one in still if one.title == "1 visa") == "ok"


def test_the_page_shows_plans_changes_and_ends(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    client = house.client(FINANCE)
    token, cover = house.csrf(client), str(house.actor("b.cadiou").user_id)
    first, last = now() - timedelta(hours=1), now() + timedelta(days=9)
    form = {"csrf_token": token, "du": typed(first), "au": typed(last), "interim": cover, "pouvoir": "agir"}
    seen = client.post("/absences/apercu", data=form).get_data(as_text=True)
    assert "Ce qui bloquera" in seen
    assert f'href="/dossiers/{folder_id}"' in seen
    assert client.post("/absences", data={**form, "au": ""}).status_code == 422
    assert client.post("/absences", data=form).status_code == 302
    page = client.get("/absences").get_data(as_text=True)
    assert "intérim Bleuenn Cadiou" in page
    number = re.search(r"/absences/(\d+)/terminer", page).group(1)  # type: ignore[union-attr]
    assert client.get(f"/absences/{number}").status_code == 200
    other = house.client(TECHNIQUE)
    assert other.get(f"/absences/{number}").status_code == 404
    theirs = {"csrf_token": house.csrf(other), "revision": "1"}
    assert other.post(f"/absences/{number}/terminer", data=theirs).status_code == 404
    assert (
        other.post(
            "/absences", data={**form, **theirs, "pour": str(house.actor(FINANCE).user_id)}
        ).status_code
        == 403
    )
    changed = {**form, "revision": "1", "pouvoir": "lire"}
    assert client.post(f"/absences/{number}", data=changed).status_code == 302
    assert "lecture seule" in client.get("/absences").get_data(as_text=True)
    assert (
        client.post(f"/absences/{number}/terminer", data={"csrf_token": token, "revision": "2"}).status_code
        == 302
    )
    named = {"csrf_token": token, "secretariat": str(house.actor(CLERK).user_id)}
    assert client.post("/absences/secretariat", data=named).status_code == 302
    assert client.get("/absences?semaine=n-importe").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"bureau": "abc"}, 422, "ce bureau n’est pas un de ceux de la personne absente"),
        ({"bureau": "0"}, 422, "ce bureau n’est pas un de ceux de la personne absente"),
        ({"interim": "abc"}, 422, "cette personne n’a pas de compte ouvert ici"),
        ({"pour": "abc"}, 403, "l’absence d’une personne s’écrit par elle-même"),
        ({"pour": ""}, 403, "l’absence d’une personne s’écrit par elle-même"),
        (
            {"pouvoir": "tout"},
            422,
            "choisissez si la personne qui assure l’intérim pourra agir, ou seulement lire",
        ),
        ({"au": "2027-06-30"}, 422, "donnez le jour et l’heure"),
    ],
)
def test_what_is_none_of_the_choices_of_the_page_is_refused_and_never_read_as_another(
    house: House, changes: Mapping[str, str], status: int, sentence: str
) -> None:
    client = house.client(FINANCE)
    first, last = now() + timedelta(hours=1), now() + timedelta(days=9)
    form = {
        "csrf_token": house.csrf(client),
        "du": typed(first),
        "au": typed(last),
        "interim": str(house.actor(TECHNIQUE).user_id),
        "bureau": "",
        "pouvoir": "agir",
        **changes,
    }
    for address in ("/absences/apercu", "/absences"):
        answer = client.post(address, data=form)
        assert answer.status_code == status, address
        assert sentence[1:] in answer.get_data(as_text=True), address
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Absence.id))) == 0


def test_software_knows_who_is_away_at_its_desk_and_nowhere_else(house: House) -> None:
    here = house.actor(FINANCE).collectivity_id
    away(house, FINANCE, TECHNIQUE)
    away(house, MAYOR, None)
    token = applications.create_application(here, "Finances", "finances", (Right.ACT,))
    answer = house.client().get("/api/v1/absences", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    (one,) = answer.get_json()["absences"]
    assert (one["person"], one["cover"], one["acts"]) == ("Nolwenn Abgrallec", "Ronan Pellenec", True)


def test_software_is_told_no_type_that_the_page_would_not_name_to_it(house: House) -> None:
    here = house.actor(FINANCE).collectivity_id
    made(house, label="Enquête interne", visibility="desks", seen_at=["comptabilite"])
    closed, me = "invoice.enquete-interne", house.actor(DEPOSITOR)
    plan(me, wanted(house, DEPOSITOR, TECHNIQUE, types=("invoice",)))
    plan(me, wanted(house, DEPOSITOR, FINANCE, types=("deliberation", closed)))
    plan(me, wanted(house, DEPOSITOR, DIRECTION))

    def told(right: Right) -> set[tuple[str, bool, tuple[str, ...]]]:
        token = applications.create_application(here, f"Logiciel {right}", "comptabilite", (right,))
        answer = house.client().get("/api/v1/absences", headers={"Authorization": f"Bearer {token}"})
        every = answer.get_json()["absences"]
        return {(one["cover"], one["limited"], tuple(one["types"])) for one in every}

    plain = {("Ronan Pellenec", True, ("invoice",)), ("Solenn Rivoal", False, ())}
    assert told(Right.ARCHIVE) == plain | {("Nolwenn Abgrallec", True, ())}
    assert told(Right.CREATE) == plain | {("Nolwenn Abgrallec", True, ("deliberation", closed))}


def test_an_actor_of_another_collectivity_is_no_stand_in(house: House) -> None:
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_user(
        other,
        "x.ailleurs",
        email="x@ailleurs.example",
        first_name="X",
        last_name="Ailleurs",
        capacity="Agent",
    )
    with reading() as db:
        stranger = db.scalar(sa.select(User.id).where(User.login == "x.ailleurs")) or 0
    with pytest.raises(Refusal, match="absence-cover"):
        plan(house.actor(FINANCE), Wanted(**{**vars(wanted(house, FINANCE, None)), "cover_id": stranger}))
    foreign = Actor(kind="person", collectivity_id=other, name="X", user_id=stranger, administrator=True)
    with pytest.raises(Refusal, match="absence-cover"):
        plan(foreign, wanted(house, FINANCE, None))


def asked_for(
    house: House, client: Any, absent: str, cover: str | None = None, **more: str
) -> dict[str, str]:
    """What the form of the page sends, for nine days from an hour on."""
    first, last = now() + timedelta(hours=1), now() + timedelta(days=9)
    return {
        "csrf_token": house.csrf(client),
        "pour": str(house.actor(absent).user_id),
        "du": typed(first),
        "au": typed(last),
        "interim": str(house.actor(cover).user_id) if cover else "",
        "bureau": "",
        "pouvoir": "agir",
        **more,
    }


def test_who_administers_a_branch_is_offered_what_he_may_lend_and_what_is_offered_is_written(
    house: House,
) -> None:
    with reading() as db:
        technique = db.scalar(sa.select(Desk.id).where(Desk.key == "technique"))
    accounts.delegate(house.actor(CLERK), house.actor("b.cadiou").user_id or 0, technique)
    client = house.client("b.cadiou")
    form = asked_for(house, client, TECHNIQUE, DIRECTION)
    page = client.post("/absences/apercu", data=form).get_data(as_text=True)
    choice = re.search(r'<select[^>]*id="bureau".*?</select>', page, re.DOTALL)
    assert choice is not None
    assert re.findall(r'value="(\d*)"', choice[0]) == [str(technique)]
    assert "ne s’enregistrera pas" not in page
    cover = re.search(r'<select[^>]*id="interim".*?</select>', page, re.DOTALL)
    assert cover is not None
    assert f'value="{house.actor("b.cadiou").user_id}"' not in cover[0]
    assert client.post("/absences", data=form).status_code == 403
    assert client.post("/absences", data={**form, "bureau": str(technique)}).status_code == 302
    assert ">Tous</option>" in client.get("/absences").get_data(as_text=True)  # for himself


def test_what_will_block_says_that_the_absence_would_be_refused_and_why(house: House) -> None:
    waiting = house.an_invoice(at="finance")
    client = house.client(FINANCE)
    form = asked_for(house, client, FINANCE, DEPOSITOR)
    answer = client.post("/absences/apercu", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Cette absence ne s’enregistrera pas" in page
    told = page.replace("\u00a0", " ")
    assert f"a déposé un dossier qui attend là (« {plain(waiting)} »)" in told
    assert "Rien n’a été enregistré" not in page
    assert "L’absence n’est pas enregistrée" not in page  # nobody asked for it
    others = [plain(house.an_invoice(at="finance")) for _ in range(3)]
    page = client.post("/absences/apercu", data=form).get_data(as_text=True).replace("\u00a0", " ")
    assert f"a déposé des dossiers qui attendent là (« {plain(waiting)} », « {others[0]} »" in page
    assert f"« {others[1]} » et d’autres)" in page
    answer = client.post("/absences", data=form)
    assert answer.status_code == 409
    assert "Rien n’a été enregistré" in answer.get_data(as_text=True)
    away(house, TECHNIQUE, None)
    answer = client.post("/absences/apercu", data=asked_for(house, client, FINANCE, TECHNIQUE))
    assert answer.status_code == 409
    assert "Cette absence ne s’enregistrera pas" in answer.get_data(as_text=True)


def test_the_absence_that_a_preview_changes_is_one_that_the_reader_may_write_and_of_its_person(
    house: House,
) -> None:
    number = away(house, FINANCE, TECHNIQUE)
    client = house.client(DIRECTION)
    for absence in (str(number), "999999", "abc", ""):
        form = asked_for(house, client, DIRECTION, "b.cadiou", absence=absence)
        assert client.post("/absences/apercu", data=form).status_code == 404, absence
    own = house.client(FINANCE)
    form = asked_for(house, own, MAYOR, TECHNIQUE, absence=str(number), revision="1")
    answer = own.post("/absences/apercu", data=form)
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert f'name="pour" value="{house.actor(FINANCE).user_id}"' in page
    assert 'name="revision" value="1"' in page


def test_two_absences_of_one_person_at_once_are_told_of_one_another(house: House) -> None:
    first = away(house, FINANCE, TECHNIQUE)
    away(house, FINANCE, DIRECTION, types=("deliberation",))
    client = house.client(FINANCE)
    page = client.get(f"/absences/{first}").get_data(as_text=True)
    assert "Une autre absence de Nolwenn Abgrallec au même moment" in page.replace("\u00a0", " ")
    assert "intérim Solenn Rivoal. Les deux comptent" in page.replace("\u00a0", " ")


def test_who_stands_in_for_a_signatory_is_told_by_what_he_signs_or_that_he_does_not(house: House) -> None:
    alone = looked(house, MAYOR, DIRECTION)
    assert "Solenn Rivoal n’a pas de mandat" in [one.title for one in alone.blocks]
    away(house, MAYOR, DIRECTION)
    away(house, TECHNIQUE, DIRECTION)
    page = house.client(DIRECTION).get("/absences").get_data(as_text=True)
    assert page.count("Vous n’y signez rien : aucun mandat n’est à votre nom".replace(" :", "\u00a0:")) == 1
    record(house, of_mayor(house))
    order = of_mayor(
        house,
        user_id=house.actor(DIRECTION).user_id,
        kind=Kind.SIGNATURE,
        title="la directrice générale des services",
        order_number="2026-050",
        order_date=of_mayor(house).starts_on,
        families=("invoice",),
        elected=False,
    )
    record(house, order)
    page = house.client(DIRECTION).get("/absences").get_data(as_text=True)
    assert "Vous n’y signez que par votre propre mandat et dans ses limites" in page
    assert "n’a pas de mandat" not in str(looked(house, MAYOR, DIRECTION, since=30).blocks)


def test_who_is_noted_absent_reads_it_above_what_awaits_him_and_ends_it_from_there(house: House) -> None:
    def band() -> str:
        page = house.client(TECHNIQUE).get("/a-traiter").get_data(as_text=True)
        found = re.search(r'<div class="note note-info" role="status">.*?</div>\s*</div>', page, re.DOTALL)
        return " ".join(re.sub(r"<[^>]*>", "", found[0]).split()) if found else ""

    assert band() == ""
    away(house, TECHNIQUE, DIRECTION, since=9)  # not begun
    assert band() == ""
    first = away(house, TECHNIQUE, DIRECTION, days=3)
    last = now() + timedelta(days=2)
    until = " ".join(instant(last).split())
    words = band()
    assert words.startswith(f"Votre absence court jusqu’au {until}")
    assert "Solenn Rivoal assure l’intérim. Terminer ou modifier" in words
    assert "absence court" not in house.client(DIRECTION).get("/a-traiter").get_data(as_text=True)
    with reading() as db:
        desk = db.scalar(sa.select(Desk.id).where(Desk.key == "technique"))
    second = away(house, TECHNIQUE, FINANCE, days=5, desk_id=desk, types=("invoice",), acts=False)
    words = band()
    assert words.startswith(
        f"Votre absence court jusqu’au {' '.join(instant(now() + timedelta(days=4)).split())}"
    )
    assert f"Jusqu’au {until} : Solenn Rivoal assure l’intérim." in words
    limited = "Nolwenn Abgrallec assure l’intérim au bureau « Services techniques », pour certains types de dossiers, en lecture seule"
    assert limited in words
    client = house.client(TECHNIQUE)
    page = client.get("/absences").get_data(as_text=True)
    assert 'id="now-title" tabindex="-1"' in page, "what leads there gives it the focus"
    assert "mes courriels de dossiers" in page
    of_another = house.client(CLERK).get("/absences").get_data(as_text=True)
    assert "Qui est absent reçoit quand même ses courriels de dossiers" in of_another
    assert "le retour de qui est absent" in of_another
    assert "mes courriels de dossiers" not in of_another
    for number in (first, second):
        form = {"csrf_token": house.csrf(client), "revision": "1"}
        assert f"/absences/{number}/terminer" in page
        assert client.post(f"/absences/{number}/terminer", data=form).status_code == 302
    assert band() == ""
    away(house, TECHNIQUE, None)
    assert "Personne n’assure l’intérim. Terminer ou modifier" in band()


def test_an_opinion_that_who_asked_it_alone_could_give_waits_for_who_is_away(house: House) -> None:
    """He is no colleague who answers, and stands in for nobody there."""
    folder_id = house.an_invoice(at="finance")
    actor = house.actor(FINANCE)
    asking.ask(
        actor,
        folder_id,
        version=house.folder(folder_id).version,
        desks=["direction"],
        question="Est-ce prévu au budget ?",
        waits=True,
    )

    def of_opinion(cover: str | None) -> list[tuple[str, str]]:
        return [
            (one.tone, one.sentence)
            for one in looked(house, DIRECTION, cover).blocks
            if one.title == "1 avis" and [*dict(one.folders)] == [folder_id]
        ]

    ((tone, sentence),) = of_opinion(FINANCE)
    assert tone != "ok"
    assert "Nolwenn Abgrallec a demandé cet avis, et ne le donne pas" in sentence
    ((tone, _),) = of_opinion(TECHNIQUE)
    assert tone == "ok"
    desks.seat(actor.collectivity_id, "direction", FINANCE, [Right.ACT])
    ((tone, sentence),) = of_opinion(None)
    assert (tone != "ok", "Sans intérim" in sentence) == (True, True)
    desks.seat(actor.collectivity_id, "direction", TECHNIQUE, [Right.ACT])
    ((tone, sentence),) = of_opinion(None)
    assert (tone, "D’autres personnes" in sentence) == ("ok", True)


def test_a_part_that_software_takes_does_not_wait_for_who_is_away(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    here = house.actor(FINANCE).collectivity_id
    desks.seat(here, "finances", "t.lescoat", [Right.CREATE])

    def of_visa() -> list[tuple[str, str]]:
        blocks = looked(house, FINANCE, None).blocks
        return [(one.tone, one.sentence) for one in blocks if [*dict(one.folders)] == [folder_id]]

    assert [tone for tone, _ in of_visa()] == ["danger"]
    Software(house, "finances", [Right.ACT])
    assert of_visa() == [("ok", "Un logiciel en service à cette étape peut y agir.")]
    empty = [one.sentence for one in looked(house, FINANCE, None).blocks if "Bureau «" in one.title]
    assert empty == [
        "Personne n’y agira\u00a0: ce que le logiciel en service ne prend pas attendra Nolwenn Abgrallec."
    ]


@pytest.mark.parametrize("since", [-1, 1])
@pytest.mark.parametrize("cover", [None, TECHNIQUE])
def test_the_same_absence_asked_twice_by_whoever_wrote_it_is_one(
    house: House, cover: str | None, since: int
) -> None:
    """An answer was lost, and the page was sent again: it is written, and nobody is told twice."""
    asked = wanted(house, FINANCE, cover, since=since)
    numbers = {plan(house.actor(FINANCE), asked) for _ in range(3)}
    client = house.client(FINANCE)
    form = {
        "csrf_token": house.csrf(client),
        "du": asked.first,
        "au": asked.last,
        "interim": str(asked.cover_id or ""),
        "pouvoir": "agir",
    }
    answer = client.post("/absences", data=form, follow_redirects=True)
    assert "L’absence est enregistrée" in answer.text
    with reading() as db:
        assert {db.scalar(sa.select(sa.func.count(Absence.id)))} == {len(numbers)} == {1}
        lines = sa.select(sa.func.count()).where(JournalEntry.event == "absence.planned")
        assert db.scalar(lines) == 1
    # Otherwise, it is another one, or is refused for what it is
    if cover is None:
        assert plan(house.actor(FINANCE), replace(asked, letters=True)) not in numbers
    else:
        with pytest.raises(Refusal, match="absence-twice"):
            plan(house.actor(FINANCE), replace(asked, letters=True))


def test_a_desk_is_told_empty_while_who_stands_in_there_is_away_too(house: House) -> None:
    away(house, "a.kervadec", "s.rivoal")
    here = house.actor("a.kervadec").collectivity_id

    def told() -> str:
        with reading(here) as db:
            return {one.name: one.sentence for one in commune.points(db, here)}["absences"]

    # Elsewhere the same line tells the desks where a step hangs on one person
    assert "« Bureau du maire » : personne n’y est" not in told()
    away(house, "s.rivoal", None)
    assert re.search("« Bureau du maire ».* : personne n’y est aujourd’hui", told())


def test_letters_chosen_on_the_sunday_keep_the_letter_that_tells_the_beginning(house: House) -> None:
    saturday = date(2027, 1, 9)
    me, cover = house.actor(FINANCE), house.actor(TECHNIQUE)
    until = f"{saturday + timedelta(days=14)}T23:59"
    asked = Wanted(me.user_id or 0, cover.user_id, f"{saturday}T00:00", until)
    with at(saturday - timedelta(days=2), 10):
        number = plan(me, asked)
        house.drain()
        house.mail.clear()
    with at(saturday + timedelta(days=1), 10):
        change(me, number, replace(asked, letters=True), revision=1)
        house.drain()
    with at(saturday + timedelta(days=2), 6, 1):
        house.drain()
    assert len(house.mail.to("r.pellenec@kerlann-sur-mer.example")) == 1
