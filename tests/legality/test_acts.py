"""An act after its receipt: cancelled with two approvals, stamped beside its original, certified on the right day."""

import io
import re
import subprocess
from datetime import UTC, date, datetime, timedelta

import pikepdf
import pytest
import sqlalchemy as sa
import time_machine

from app.circuits.library import OURS
from app.circuits.models import CircuitVersion
from app.core.clock import now, today
from app.core.db import engine, reading, writing
from app.core.french import jour, jour_long
from app.core.refusals import Refusal
from app.folders import decide, sending
from app.folders.models import Folder, Publication
from app.legality import acts, cancelling
from app.legality.models import ActCancellation
from app.pdf.printed import stamp
from app.people.models import Collectivity
from app.publication.models import PublicAct
from app.transmission.models import Transmission
from tests.api.software import Software
from tests.builders.house import ACT, House
from tests.builders.mandates import DEPUTY, a_mayor_and_a_deputy
from tests.legality.town import a_letter, office, page, replies, typed, walk
from tests.publication.test_waiting import listed
from tests.publication.town import address
from workflows.deadlines import appeal_until, online_until, referral_until
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

CANCELLATIONS = family(cancelling.FAMILY).circuit
MOTIVE = "Mauvaise version de l’annexe transmise."


def text_of(data: bytes, tmp_path) -> str:
    path = tmp_path / "read.pdf"
    path.write_bytes(data)
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
    return done.stdout


def life(folder_id: int) -> acts.Life:
    with reading() as db:
        return acts.life_of(db, db.get_one(Folder, folder_id))


def set_dates(folder_id: int, received: date, published: date | None = None) -> None:
    """What an act would say had it been received and published on other days."""
    with engine().begin() as connection:
        connection.execute(
            sa.update(Transmission).where(Transmission.folder_id == folder_id).values(received_on=received)
        )
        if published is not None:
            day = max(received, published)
            connection.execute(
                sa.update(Publication)
                .where(Publication.folder_id == folder_id)
                .values(published_on=published, enforceable_on=day)
            )
            since = datetime(published.year, published.month, published.day, 12, tzinfo=UTC)
            connection.execute(
                sa.update(PublicAct).where(PublicAct.folder_id == folder_id).values(online_since=since)
            )


def test_a_cancellation_has_a_reason_two_approvals_and_one_message(house: House):
    a_mayor_and_a_deputy(house)
    act = house.a_deliberation(at="publication")
    with pytest.raises(Refusal, match="motive-needed"):
        cancelling.prepare_cancellation(house.actor("k.morizur"), act, "   ")
    with pytest.raises(Refusal, match="not-emitter"):
        cancelling.prepare_cancellation(house.actor("s.rivoal"), act, MOTIVE)
    request = cancelling.prepare_cancellation(house.actor("k.morizur"), act, MOTIVE)
    with pytest.raises(Refusal, match="not-cancellable"):
        cancelling.prepare_cancellation(house.actor("k.morizur"), act, MOTIVE)
    sending.send(house.actor("k.morizur"), request, version=house.folder(request).version)
    house.drain()
    assert office().followups("212909998") == []
    house.approve(request, "s.rivoal")
    house.drain()
    assert office().followups("212909998") == []  # the mayor has not agreed yet
    # Who sits at his desk without a mandate for it is not asked, and has no button; nor does a visa stand for his accord
    address = f"/dossiers/{request}"
    assert address in page(house, "a.kervadec", "/a-traiter")
    assert address not in page(house, DEPUTY, "/a-traiter")
    assert "Ce dossier ne vous attend pas" in page(house, DEPUTY, address)
    with pytest.raises(Refusal, match="mandate-outside-family"):
        house.prepare(request, DEPUTY)
    for login in (DEPUTY, "a.kervadec"):
        with pytest.raises(Refusal, match="mandate-outside-family|action-impossible-here"):
            house.approve(request, login)
    house.sign(request, "a.kervadec")
    house.drain()
    assert house.folder(request).place == "done"
    (sent,) = office().followups("212909998")
    assert sent["code"] == "6-1"
    with reading() as db:
        row = db.get_one(ActCancellation, act)
    assert (row.number, row.motive, row.cancelled_on) == ("2026_057", MOTIVE, today())
    receipts = [house.bytes_of(one) for one in house.versions(act, "receipt")]
    assert len(receipts) == 2
    assert any(b"ARActe" in one for one in receipts)
    assert any(b"ARAnnulation" in one for one in receipts)
    assert house.journal(act).count("act.cancelled") == 1
    with pytest.raises(Refusal, match="act-cancelled"):
        house.publish(act)
    shown = page(house, "k.morizur", f"/dossiers/{act}")
    assert f"Transmission annulée le {jour(today())}" in shown
    assert "Exécutoire le" not in shown
    shown = page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    assert "2026_057 reste consommé" in shown
    assert MOTIVE in shown
    again = house.a_deliberation(at="draft", number="2026-057")
    with pytest.raises(Refusal, match="to-fix") as refused:
        sending.send(house.actor("k.morizur"), again, version=house.folder(again).version)
    assert "un numéro ne sert qu’une fois, même refusé ou annulé" in str(refused.value.facts["details"])


def publish_circuit(number: int, who: str) -> CircuitVersion:
    """A circuit of cancellations of before the mayor's signature was asked: he put a visa on them."""
    steps = [{**one.to_data(), "kind": one.kind.replace("sign", "visa")} for one in CANCELLATIONS.steps]
    definition = {**CANCELLATIONS.to_data(), "steps": steps}
    with writing() as db:
        here = db.scalar(sa.select(Collectivity.id))
        facts = {"label": CANCELLATIONS.label, "published_at": now(), "published_by": who}
        row = CircuitVersion(
            collectivity_id=here, family=cancelling.FAMILY, number=number, definition=definition, **facts
        )
        db.add(row)
        db.commit()
        return row


def test_a_cancellation_that_only_visas_would_let_go_does_not_go(house: House):
    former, clerk = publish_circuit(1, OURS), house.actor("k.morizur")
    request = cancelling.prepare_cancellation(clerk, house.a_deliberation(at="publication"), MOTIVE)
    sending.send(clerk, request, version=house.folder(request).version)
    sent_by = house.folder(request).circuit_version_id
    assert sent_by != former.id
    with writing() as db:  # one that was on its way already
        db.get_one(Folder, request).circuit_version_id = former.id
        db.commit()
    with pytest.raises(Refusal, match="visa-held") as held:
        house.approve(request, "s.rivoal")
    assert "la renvoie" in held.value.facts["details"]
    decide.recall(clerk, request, version=house.folder(request).version)
    sending.send(clerk, request, version=house.folder(request).version)
    assert house.folder(request).circuit_version_id == sent_by
    decide.recall(clerk, request, version=house.folder(request).version)
    publish_circuit(3, "Katell Morizur")
    with pytest.raises(Refusal, match="circuit-outdated") as refused:
        sending.send(clerk, request, version=house.folder(request).version)
    assert "« Signature »" in refused.value.facts["details"]
    assert house.folder(request).place == "recalled"


@pytest.mark.both_databases
def test_of_two_cancellations_asked_at_once_one_is_made(house: House, monkeypatch: pytest.MonkeyPatch):
    act, clerk, sheet = house.a_deliberation(at="publication"), house.actor("k.morizur"), cancelling.sheet
    made: list[int] = []

    def meanwhile(*given):
        monkeypatch.setattr(cancelling, "sheet", sheet)
        made.append(cancelling.prepare_cancellation(clerk, act, MOTIVE))
        return sheet(*given)

    monkeypatch.setattr(cancelling, "sheet", meanwhile)
    with pytest.raises(Refusal, match="not-cancellable"):
        cancelling.prepare_cancellation(clerk, act, MOTIVE)
    with reading() as db:
        assert list(db.scalars(sa.select(Folder.id).where(Folder.family == cancelling.FAMILY))) == made


def test_a_cancelled_act_that_was_published_is_no_longer_said_enforceable(house: House):
    act = house.a_deliberation(at="done")
    assert "Exécutoire le" in page(house, "k.morizur", f"/dossiers/{act}")
    request = cancelling.prepare_cancellation(house.actor("k.morizur"), act, MOTIVE)
    sending.send(house.actor("k.morizur"), request, version=house.folder(request).version)
    house.approve(request, "s.rivoal")
    house.sign(request, "a.kervadec")
    house.drain()
    assert life(act).enforceable_on is None
    assert "Exécutoire le" not in page(house, "k.morizur", f"/dossiers/{act}")
    assert house.client("k.morizur").get(f"/dossiers/{act}/certificat-executoire").status_code == 409
    copy = house.client("k.morizur").get(f"/dossiers/{act}/copie-tamponnee").data
    with pikepdf.open(io.BytesIO(copy)) as read:
        assert len(read.pages)


def test_the_stamped_copy_is_a_view_and_the_signed_original_is_untouched(house: House, tmp_path):
    act = house.a_deliberation(at="publication")
    client = house.client("k.morizur")
    before = [(one.sha256, house.bytes_of(one)) for one in house.versions(act)]
    answer = client.get(f"/dossiers/{act}/copie-tamponnee")
    assert answer.mimetype == "application/pdf"
    assert "copie-tamponnee" in answer.headers["Content-Disposition"]
    said = text_of(answer.data, tmp_path)
    for words in (
        "FACTICE",
        f"Reçu en préfecture le {today():%d/%m/%Y} (CGCT L2131-2)",
        "Publication : en attente",
        "ID : 029-212909998-20260924-2026_057-DE",
        "Copie tamponnée : seul l’original signé fait foi",
        "Délibération n° 2026-057",
    ):
        assert words in said, words
    with pikepdf.open(io.BytesIO(answer.data)) as copy:
        assert "/AcroForm" not in copy.Root
        assert len(copy.pages) == 2
    assert said.count("Reçu en préfecture le") == 2  # each page
    assert [(one.sha256, house.bytes_of(one)) for one in house.versions(act)] == before
    assert before[-1][1] != answer.data
    house.publish(act)
    said = text_of(client.get(f"/dossiers/{act}/copie-tamponnee").data, tmp_path)
    assert f"Publié le {today():%d/%m/%Y} (CGCT R2131-1)" in said  # the rule has room on its own line
    assert house.client("g.trehorel").get(f"/dossiers/{act}/copie-tamponnee").status_code == 404


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_the_stamp_stands_upright_at_the_foot_that_people_see(tmp_path, turned):
    source = tmp_path / "source.pdf"
    with pikepdf.open(ACT) as act:
        for one in act.pages:
            one.Rotate = turned
        act.save(source)
    stamp(source, tmp_path / "copy.pdf", ["Reçu en préfecture le 28/09/2026"], simulated=True)
    page_box = subprocess.run(
        ["pdftotext", "-bbox", "-l", "1", tmp_path / "copy.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    size = re.search(r'<page width="([\d.]+)" height="([\d.]+)"', page_box)
    seen_height = float(size[1] if turned % 180 else size[2])
    words = re.findall(
        r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">28/09/2026<', page_box
    )
    assert words
    left, top, right, bottom = (float(one) for one in words[0])
    assert right - left > bottom - top  # it reads from left to right
    assert left < 230
    assert 0 < seen_height - bottom < 90


@pytest.mark.law("TRA-02")
def test_the_certificate_comes_with_both_dates_and_not_before(house: House, tmp_path):
    act = house.a_deliberation(at="publication")
    client = house.client("k.morizur")
    assert client.get(f"/dossiers/{act}/certificat-executoire").status_code == 409
    assert "Certificat du caractère" not in page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    house.publish(act)
    set_dates(act, date(2026, 9, 28), date(2026, 10, 2))
    said = " ".join(text_of(client.get(f"/dossiers/{act}/certificat-executoire").data, tmp_path).split())
    for words in (
        "28 septembre 2026",
        "exécutoire à compter du vendredi 2 octobre 2026",
        "L2131-1",
        "FACTICE",
    ):
        assert words in said.replace("\u00a0", " "), words
    shown = page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    for words in ("2 décembre 2026", "3 décembre 2026 inclus, sauf prorogation", "30 novembre 2026"):
        assert words in shown, words


@pytest.mark.law("TRA-11")
def test_documents_that_the_prefect_asks_for_move_his_delay(house: House, tmp_path):
    act, letter = a_letter(house, "3-1")
    assert life(act).referral_until is None
    assert "délai arrêté par la demande de pièces" in page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    reply = replies.prepare_reply(
        house.actor("k.morizur"), letter.id, "3-4", typed(tmp_path, "99_DE", "21_RP")
    )
    walk(house, reply)
    set_dates(reply, today() + timedelta(days=10))
    assert life(act).referral_until == referral_until(today() + timedelta(days=10))


def test_an_act_without_receipt_has_no_page_at_the_prefecture(house: House):
    act = house.a_deliberation(at="direction")
    for url in ("prefecture", "copie-tamponnee", "certificat-executoire"):
        assert house.client("k.morizur").get(f"/dossiers/{act}/{url}").status_code == 409


def test_the_page_asks_why_before_it_prepares_a_cancellation(house: House):
    act = house.a_deliberation(at="publication")
    client = house.client("k.morizur")
    url = f"/dossiers/{act}/annuler-la-transmission"
    form = {"csrf_token": house.csrf(client)}
    assert client.post(url, data={**form, "motive": " "}).status_code == 422
    answer = client.post(url, data={**form, "motive": MOTIVE})
    assert answer.status_code == 302
    shown = client.get(answer.location).get_data(as_text=True)
    assert "Annulation de l’acte 2026_057" in shown.replace("\u00a0", " ")


@pytest.mark.law("PUB-05", "TRA-01", "CAL-06")
def test_an_act_posted_in_urgency_then_put_online_says_each_date_with_its_rule_everywhere(
    house: House, tmp_path
) -> None:
    """Executory from the posting, appeal counted from the site: page, stamp, certificate, public page and JSON agree."""
    act, clerk = house.a_deliberation(at="publication", number="2026-057"), house.client("k.morizur")
    why = "Risque d’éboulement de la falaise ce week-end."
    form = {"csrf_token": house.csrf(clerk), "version": house.folder(act).version}
    wrong = [
        ({"reason": why}, 422, "donnez la date"),
        ({"reason": why, "published_on": (today() + timedelta(1)).isoformat()}, 422, "dans le futur"),
        (
            {"reason": why, "published_on": (today() - timedelta(1)).isoformat()},
            422,
            "n’a pas pu être affiché",
        ),
        ({"reason": " urgent ", "published_on": today().isoformat()}, 422, "en quoi il y a urgence"),
        ({"reason": "x" * 501, "published_on": today().isoformat()}, 422, "en quoi il y a urgence"),
    ]
    for more, status, words in wrong:
        answer = clerk.post(f"/dossiers/{act}/afficher", data={**form, **more})
        assert (answer.status_code, words in answer.get_data(as_text=True)) == (status, True), more
    for login, key in (("n.abgrallec", "not-found"), ("a.kervadec", "not-your-turn")):
        with pytest.raises(Refusal, match=key):
            decide.post_in_urgency(
                house.actor(login), act, version=house.folder(act).version, posted_on=today(), reason=why
            )
    assert "publication.posted" not in house.journal(act)
    right = {**form, "reason": f"  {why} ", "published_on": today().isoformat()}
    assert clerk.post(f"/dossiers/{act}/afficher", data=right).status_code == 302
    assert clerk.post(f"/dossiers/{act}/afficher", data=right).status_code == 409  # twice
    again = {**right, "version": house.folder(act).version}
    assert "qui n’est pas encore affiché" in clerk.post(f"/dossiers/{act}/afficher", data=again).get_data(
        True
    )
    posted, folder = today(), house.folder(act)
    assert (folder.place, folder.fields["urgency"]) == ("publication", why)
    shown = page(house, "k.morizur", f"/dossiers/{act}")
    for words in (
        f"Affiché en urgence le {jour_long(posted)}",
        f"« {why[:-1]} »",
        "le juge peut en décider autrement",
    ):
        assert words in shown
    assert "Afficher en urgence…" not in shown
    assert f"« {why} »" in page(house, "k.morizur", f"/dossiers/{act}?onglet=journal")
    assert (act, "À publier") in listed(house)
    sheet = page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    assert "pas encore : le délai court de la mise en ligne" in sheet
    assert life(act).enforceable_on == posted
    made = text_of(clerk.get(f"/dossiers/{act}/certificat-executoire").data, tmp_path)
    assert "son affichage en urgence" in made
    with time_machine.travel(now() + timedelta(days=3), tick=False):
        assert house.publish(act) == posted
        found = life(act)
        assert [one for one in acts.dates_of(found) if not (one.day and one.rule)] == []
        dates = {one.name: one for one in acts.dates_of(found)}
        assert len({one.rule for one in dates.values()}) == len(dates)  # no rule stands for another
        assert dates["published_on"].day == dates["enforceable_on"].day == posted
        assert dates["appeal_until"].day == appeal_until(today())
        assert dates["online_until"].day == online_until(today())
        assert f"Affiché en urgence le {posted:%d/%m/%Y} (CGCT L2131-1, V)" in acts.rows_of(found)
        assert f"Mis en ligne le {today():%d/%m/%Y} (CGCT R2131-1)" in acts.rows_of(found)
        assert any(one.endswith("(CGCT L2131-1, I)") and "xécutoire" in one for one in acts.rows_of(found))
        software = Software(house, "secretariat", [Right.CREATE, Right.ACT])
        inside = {one["name"]: one for one in software.get(f"/folders/{act}").json["dates"]}
        outside = house.client().get("/api/v1/public/kerlann-sur-mer/acts/" + address(act).rpartition("/")[2])
        open_to_all = {one["name"]: one for one in outside.json["dates"]}
        pages = {
            "inside": page(house, "k.morizur", f"/dossiers/{act}/prefecture"),
            "public": house.client().get(address(act)).get_data(as_text=True),
        }
        certified = " ".join(
            text_of(
                house.client("k.morizur").get(f"/dossiers/{act}/certificat-executoire").data, tmp_path
            ).split()
        )
    assert set(inside) == set(dates)
    assert set(open_to_all) >= {"published_on", "online_on", "enforceable_on", "online_until", "appeal_until"}
    for name, one in dates.items():
        for told in (inside, open_to_all):
            if name in told:
                assert (told[name]["day"], told[name]["rule"]) == (str(one.day), one.rule)
        for where, told in (("inside", dates), ("public", open_to_all)):
            if name in told:
                text = " ".join(pages[where].replace("\u00a0", " ").replace("\u202f", " ").split())
                assert (where, name, jour_long(one.day) in text, one.rule in text) == (
                    where,
                    name,
                    True,
                    True,
                )
    for name in ("received_on", "published_on", "enforceable_on"):
        assert jour_long(dates[name].day) in certified.replace("\u00a0", " ")
        assert dates[name].rule.partition(" (")[0][:25] in certified.replace("\u00a0", " ")
