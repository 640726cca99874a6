"""The Préfecture's letters: kept as received, told, counted, acknowledged once, answered through a circuit."""

import re
from io import BytesIO

import pytest
import sqlalchemy as sa

from app import create_app
from app.channels.actes.archive import read_archive
from app.channels.actes.renewal import renew
from app.core import outbox
from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.files import vault
from app.folders import decide, deposit, sending
from app.legality import intake, replies
from app.people.actor import system
from app.pes import intake as pes
from app.transmission import silences
from app.transmission.models import RelaySilence
from app.transmission.ports import Unreachable
from tests.builders.house import House
from tests.legality.town import LETTER, a_letter, fetch, letters, office, page, sender, typed, walk, write
from workflows.deadlines import two_months_after

pytestmark = pytest.mark.in_turn


@pytest.mark.parametrize(
    ("code", "timed", "receipt", "label"),
    [
        ("2-1", False, None, "Courrier simple"),
        ("3-1", True, "3-2", "Demande de pièces complémentaires"),
        ("4-1", True, "4-2", "Lettre d’observations"),
        ("5-1", False, None, "Déféré au tribunal administratif"),
    ],
)
@pytest.mark.law("TRA-11")
def test_each_letter_is_kept_told_counted_and_acknowledged_once(house: House, code, timed, receipt, label):
    folder_id, letter = a_letter(house, code)
    before = house.folder(folder_id)
    assert (letter.code, letter.folder_id, letter.conforming, letter.simulated) == (
        code,
        folder_id,
        True,
        True,
    )
    assert letter.due_on == (two_months_after(today()) if timed else None)
    kept = vault.store().read(vault.scope(letter.collectivity_id), letter.sha256)
    (given,) = (house.settings.actes_folder / "letters").rglob(letter.filename)
    assert kept == given.read_bytes()
    assert letter.files[0]["media_type"] == "application/pdf"
    fetch(house)
    assert len(letters()) == 1
    assert [one["code"] for one in office().followups("212909998")] == ([receipt] if receipt else [])
    assert (letters()[0].acknowledged_at is not None) is bool(receipt)
    events = house.journal(folder_id)
    assert events.count("legality.letter") == 1
    assert events.count("legality.acknowledged") == (1 if receipt else 0)
    assert house.folder(folder_id).place == before.place == "publication"
    told = [
        one
        for one in house.mail.letters
        if "la préfecture vous a écrit" in one["Subject"].replace("\u00a0", " ")
    ]
    assert {str(one["To"]).split("<")[-1].split("@")[0] for one in told} == {
        "k.morizur",
        "a.kervadec",
        "b.cadiou",
    }
    assert all("FACTICE" not in one.as_string() for one in told)
    assert all(("Déféré, urgent" in one["Subject"]) is (code == "5-1") for one in told)
    shown = page(house, "k.morizur", "/prefecture")
    assert label in shown
    assert ("Reste" in shown) is timed
    assert label in page(house, "k.morizur", f"/prefecture/{letter.id}")
    assert "1 courrier de la préfecture attend" in page(house, "k.morizur", "/a-traiter")
    bodies = {str(one["To"]): " ".join(one.get_body(("plain",)).get_content().split()) for one in told}
    assert all(("Déféré, urgent" in body) is (code == "5-1") for body in bodies.values())
    informed = [to for to, body in bodies.items() if "le bureau « Secrétariat général » s’en occupe" in body]
    assert len(informed) == 2
    assert not any("k.morizur" in to for to in informed)


def test_the_home_names_each_letter_with_its_own_deadline_to_those_alone_who_may_answer(house: House):
    folder_id, _ = a_letter(house, "3-1")
    write(house, folder_id, "5-1")
    fetch(house)
    shown = page(house, "k.morizur", "/a-traiter")
    assert "2 courriers de la préfecture attendent" in shown
    urgent, timed = (one.split("</li>")[0] for one in shown.split('<li class="small mt-1">')[1:])
    assert "Déféré au tribunal administratif" in urgent
    assert "Le tribunal est saisi" in urgent
    assert "jusqu’au" not in urgent
    assert "Demande de pièces complémentaires" in timed
    assert "Reste" in timed
    assert all("Suivi par : Secrétariat général" in one for one in (urgent, timed))
    assert "Rien n’attend" not in shown
    for login in ("a.kervadec", "b.cadiou", "s.rivoal"):
        assert "préfecture atten" not in page(house, login, "/a-traiter")
        assert "Déféré au tribunal administratif" in page(house, login, "/prefecture")


@pytest.mark.parametrize(
    ("asked", "code", "types", "receipt"),
    [
        ("2-1", "2-2", ("99_DE",), None),
        ("3-1", "3-4", ("99_DE", "21_RP"), "3-5"),
        ("3-1", "3-3", ("99_DE",), "3-5"),
        ("4-1", "4-4", ("99_DE",), "4-5"),
        ("4-1", "4-3", ("99_DE",), "4-5"),
    ],
)
def test_a_reply_goes_through_its_circuit_arrives_once_and_closes_its_letter(
    house: House, tmp_path, asked, code, types, receipt
):
    _, letter = a_letter(house, asked)
    reply = replies.prepare_reply(house.actor("k.morizur"), letter.id, code, typed(tmp_path, *types))
    assert house.folder(reply).phase == "draft"
    walk(house, reply)
    assert house.folder(reply).place == "done"
    sent = [one for one in office().followups("212909998") if one["code"] == code]
    assert len(sent) == 1
    (closed,) = letters()
    assert closed.closed_at is not None
    kept = house.versions(reply, "receipt")
    assert len(kept) == (1 if receipt else 0)
    assert house.journal(letter.folder_id).count("legality.answered") == 1
    assert "Traité" in page(house, "k.morizur", "/prefecture?tous=1")
    path = house.settings.actes_folder / "archives" / f"{sent[0]['sha256']}.tar.gz"
    names = [one.name for one in read_archive(path, 1 << 24)][2:]
    assert [name[:5] for name in names] == list(types)
    (main,) = [one for one in house.versions(reply) if one.origin == "signed"]
    assert main.sha256 in {one.sha256 for one in read_archive(path, 1 << 24)}


def test_one_reply_at_a_time_and_only_one_that_the_letter_awaits(house: House, tmp_path):
    _, letter = a_letter(house, "4-1")
    actor = house.actor("k.morizur")
    for code, types, key in (
        ("2-2", ("99_DE",), "reply-wrong"),
        ("4-4", ("99_DE", "99_DE"), "reply-one-document"),
        ("4-4", ("99_XX",), "reply-untyped"),
        ("4-4", (), "no-file"),
    ):
        with pytest.raises(Refusal, match=key):
            replies.prepare_reply(actor, letter.id, code, typed(tmp_path, *types))
    first = replies.prepare_reply(actor, letter.id, "4-4", typed(tmp_path, "99_DE"))
    with pytest.raises(Refusal, match="reply-open"):
        replies.prepare_reply(actor, letter.id, "4-3", typed(tmp_path, "99_DE"))
    decide.withdraw(actor, first, version=house.folder(first).version)
    assert replies.prepare_reply(actor, letter.id, "4-3", typed(tmp_path, "99_DE"))


def test_a_letter_is_read_by_those_who_read_its_act_and_by_nobody_else(house: House):
    folder_id, letter = a_letter(house, "3-1")
    assert "Demande de pièces" not in page(house, "g.trehorel", "/prefecture")
    for url in (
        f"/prefecture/{letter.id}",
        f"/prefecture/{letter.id}/fichiers/0",
        f"/dossiers/{folder_id}/prefecture",
    ):
        assert house.client("g.trehorel").get(url).status_code == 404
        assert house.client("b.cadiou").get(url).status_code == 200
    assert house.client("b.cadiou").get(f"/prefecture/{letter.id}/fichiers/9").status_code == 404
    sent = house.client("b.cadiou").get(f"/prefecture/{letter.id}/fichiers/1")
    assert sent.mimetype == "application/pdf"
    assert sent.data.startswith(b"%PDF-")


def test_a_letter_whose_silence_counts_is_not_put_aside(house: House):
    _, letter = a_letter(house, "3-1")
    with pytest.raises(Refusal, match="letter-needs-reply"):
        replies.close(house.actor("k.morizur"), letter.id)
    _, simple = a_letter(house, "2-1", number="2026-058")
    replies.close(house.actor("k.morizur"), simple.id)
    assert [one.closed_at is not None for one in letters()] == [False, True]


def test_an_anomaly_after_the_receipt_is_in_the_inbox_and_moves_nothing(house: House):
    folder_id, letter = a_letter(house, "1-3")
    assert (letter.code, letter.folder_id) == ("1-3", folder_id)
    assert house.folder(folder_id).place == "publication"
    assert house.journal(folder_id).count("transmission.anomaly_after_receipt") == 1
    assert "Anomalie reçue après l’accusé" in page(house, "k.morizur", "/prefecture")


def test_a_receipt_given_once_more_changes_nothing(house: House):
    house.play("actes", "twice")
    folder_id = house.a_deliberation(at="publication")
    before = (house.journal(folder_id), house.folder(folder_id).version)
    (again,) = intake.the_channel().letters(sender(house))
    assert again.message == house.bytes_of(house.versions(folder_id, "receipt")[0])
    fetch(house)
    assert (letters(), list(intake.the_channel().letters(sender(house)))) == ([], [])
    assert (house.journal(folder_id), house.folder(folder_id).version) == before
    assert len(house.versions(folder_id, "receipt")) == 1


def test_a_letter_that_cannot_be_read_or_whose_act_is_unknown_is_an_administrator_s(house: House):
    actor = house.actor("k.morizur")
    odd = intake.Received("77", None, None, None, None, None, "0" * 64, 3, "a.xml", (), False, True, b"???")
    intake.keep_letter(actor, odd)
    (kept,) = letters()
    assert (kept.folder_id, kept.code) == (None, None)
    assert "Message illisible" in page(house, "k.morizur", "/prefecture")
    assert "Message illisible" not in page(house, "s.rivoal", "/prefecture")
    assert house.client("s.rivoal").get(f"/prefecture/{kept.id}").status_code == 404


def test_a_worker_killed_before_saying_so_keeps_and_acknowledges_a_letter_once(house: House, tmp_path):
    write(house, house.a_deliberation(at="publication"), "3-1")
    channel = intake.the_channel()
    given = channel.letters(sender(house))
    assert len(given) == 1
    for _ in range(2):  # what a killed worker left untaken comes again
        intake.keep_letter(house.actor("k.morizur"), intake._stored(1, given[0], simulated=True))
    (letter,) = letters()
    parcel = intake._acknowledgement(letter, sender(house))
    channel.send(parcel, channel.package(parcel, tmp_path))  # accepted, and the worker died before writing it
    fetch(house)
    assert letters()[0].acknowledged_at is not None
    assert [one["code"] for one in office().followups("212909998")] == ["3-2"]
    intake.mark_acknowledged(house.actor("k.morizur"), letter.id, "other")
    assert letters()[0].acknowledgement != "other"


def test_the_round_asks_once_for_each_period(house: House):
    house.a_deliberation(at="publication")
    for _ in range(2):
        intake.look(house.settings)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).where(Outbox.kind == intake.FETCH)) == 1
    # Where no operator is set nobody answered: the silence that a poll noted stays, and the round waits
    here = system(house.actor("k.morizur").collectivity_id)
    create_app(house.settings.model_copy(update={"simulators": ""}))
    for way in ("actes", "helios"):
        silences.note(here, way, Unreachable("Aucun opérateur"), house.settings)
    pes.ask(here, "returns-nobody")
    outbox.drain()
    with reading() as db:
        rounds = {
            one.kind: one
            for one in db.scalars(sa.select(Outbox).where(Outbox.kind.in_([intake.FETCH, pes.FETCH])))
        }
        open_ones = sa.select(RelaySilence.channel, RelaySilence.why).where(RelaySilence.ended_at.is_(None))
        still = {tuple(one) for one in db.execute(open_ones)}
    assert still == {("actes", "Aucun opérateur"), ("helios", "Aucun opérateur")}
    assert {one.state for one in rounds.values()} == {"pending"}
    assert "PARAPHE_HELIOS_TRANSPORT" in (rounds[pes.FETCH].last_error or "")
    with pytest.raises(Refusal, match="classification-unset"):
        renew(here)
    create_app(house.settings)
    intake.ask(here, "letters-again")
    pes.ask(here, "returns-again")
    house.drain()
    with reading() as db:
        assert list(db.execute(open_ones)) == []


def test_the_page_prepares_a_reply_from_its_form(house: House):
    _, letter = a_letter(house, "3-1")
    client = house.client("k.morizur")
    form = {"csrf_token": house.csrf(client), "code": "3-4", "type_main": "99_DE", "type_annex2": "21_RP"}
    shown = client.get(f"/prefecture/{letter.id}").get_data(as_text=True)
    assert "selected>99_DE" not in shown  # what the letter is, a person says
    assert shown.index("Pièces demandées") < shown.index(
        "Lettre à signer"
    )  # what the State asks for comes first
    main = (LETTER.read_bytes(), "lettre.pdf")
    for change, words in (
        ({"annex1": main}, "Aucun fichier n’a été reçu"),
        ({"main": main}, "n’en porte aucune"),
        ({"main": main, "annex2": main, "type_main": ""}, "Choisissez le type de la lettre"),
    ):
        files = {
            key: (BytesIO(one[0]), one[1]) if isinstance(one, tuple) else one for key, one in change.items()
        }
        refused = client.post(f"/prefecture/{letter.id}/repondre", data={**form, **files})
        assert (refused.status_code, words in refused.get_data(as_text=True)) == (422, True), words
    (once,) = re.findall(r'name="once" value="([^"]+)"', client.get(f"/prefecture/{letter.id}").text)
    (
        answer,
        again,
    ) = (  # the answer was lost, and the page is sent again: it is that reply, and no other is refused
        client.post(
            f"/prefecture/{letter.id}/repondre",
            data={
                **form,
                "once": once,
                "main": (BytesIO(LETTER.read_bytes()), "lettre.pdf"),
                "annex2": (BytesIO(LETTER.read_bytes()), "statuts.pdf"),
            },
        )
        for _ in range(2)
    )
    assert (answer.status_code, again.location) == (302, answer.location)
    folder_id = int(answer.location.split("/")[2])
    draft = client.get(answer.location).get_data(as_text=True)
    assert "Pièces complémentaires" in draft
    assert re.findall(r'<option value="(\w+)" selected', draft) == [
        "99_DE",
        "21_RP",
    ]  # chosen again there if need be
    (annex,) = house.versions(folder_id, "attachment")
    assert annex.filename == "statuts.pdf"
    deposit.remove_document(house.actor("k.morizur"), folder_id, annex.document_id)
    told = page(house, "k.morizur", f"/dossiers/{folder_id}/brouillon")
    assert ("tout est en ordre" in told, "aucune des pièces" in told) == (False, True)
    with pytest.raises(Refusal, match="to-fix"):
        sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert "Réponse à la préfecture" not in client.get("/deposer").get_data(as_text=True)
