"""What an act is worth after its receipt: one line, that its header, its public page, feed, JSON and the publisher's tray say."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.french import jour
from app.core.refusals import Refusal
from app.files.pdf import read_text
from app.folders import sending
from app.folders.effect import Effect, Suspension, effect, effects_of
from app.folders.models import Folder, Publication
from app.legality import acts, cancelling, replies
from app.legality.suspension import Demand, record_suspension
from app.publication import publishing
from tests.api.software import Software
from tests.builders.house import House
from tests.legality.test_acts import life, text_of
from tests.legality.town import fetch, letters, page, write
from tests.publication.town import act_of, address
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

CLERK, WHY = "k.morizur", "Le conseil délibère de nouveau en décembre."


def test_TRA_12_a_suspension_lasts_a_month_at_most_unless_the_judge_rules() -> None:
    asked, until = date(2026, 10, 5), date(2026, 10, 28)
    first, ruled, last = date(2026, 10, 1), date(2026, 10, 20), date(2026, 12, 1)
    published = Publication(folder_id=1, published_on=first, enforceable_on=first)
    cases = [
        (Suspension(asked, until), date(2026, 10, 4), None),
        (Suspension(asked, until), until, asked),
        (Suspension(asked, until), date(2026, 10, 29), None),
        (Suspension(asked, until, "rejected", ruled), date(2026, 10, 19), asked),
        (Suspension(asked, until, "rejected", ruled), ruled, None),
        (Suspension(asked, until, "ordered", ruled), last, asked),
        (Suspension(asked, until, "ordered", date(2026, 11, 10)), date(2026, 11, 5), None),
        (Suspension(asked, until, "ordered", date(2026, 11, 10)), last, date(2026, 11, 10)),
        (Suspension(asked, None), asked, None),
        (Suspension(asked, None, "ordered", ruled), last, ruled),
    ]
    for kept, day, since in cases:
        assert Suspension.read(kept.written()) == kept
        assert kept.since(day) == since, (kept, day)
        worth = effect({"suspension": kept.written(), "referred_on": "2026-10-05"}, published, day)
        assert worth is not None
        assert worth.enforceable_on == (None if since else first)
        assert "déféré par le préfet" in worth.words
        assert worth.words.startswith(f"Suspendu depuis le {jour(since)}" if since else "Exécutoire le")
    assert effect({}, None, last) is None
    cancelled = effect({"cancelled_on": "2026-10-05", "referred_on": "2026-10-05"}, published, last)
    assert cancelled is not None
    assert (cancelled.key, cancelled.enforceable_on) == ("cancelled", None)


def silent(house: House, folder_id: int, words: str) -> list[str]:
    """The places, of the town hall and of the public, that do not say these words of an act."""
    inside = [f"/dossiers/{folder_id}", "/a-publier", f"/dossiers/{folder_id}/publication"]
    public = [address(folder_id), "/actes/kerlann-sur-mer", "/actes/kerlann-sur-mer/atom.xml"]
    json = f"/api/v1/public/kerlann-sur-mer/acts/{act_of(folder_id).key}"
    stamped = house.client(CLERK).get(f"/dossiers/{folder_id}/copie-tamponnee").data
    with NamedTemporaryFile(suffix=".pdf") as copy:
        Path(copy.name).write_bytes(stamped)
        printed = " ".join(read_text(Path(copy.name)).split())
    lasting = words.replace(jour(today()), f"{jour(today())} {today():%Y}")  # a stamp is read in another year
    told = {json: house.client().get(json).get_json()["effect"]}
    told |= {where: page(house, CLERK, where) for where in (*inside, *public)}
    return [where for where, said in told.items() if words not in said] + (
        ["copie-tamponnee"] if lasting not in printed else []
    )


def test_an_act_whose_transmission_is_cancelled_is_said_so_and_is_to_be_withdrawn_or_kept(
    house: House,
) -> None:
    act = house.a_deliberation(at="done")
    words = f"Exécutoire le {jour(today())}"
    assert silent(house, act, words) == []
    before = act_of(act).changed_at
    request = cancelling.prepare_cancellation(house.actor(CLERK), act, "Erreur de pièce jointe.")
    sending.send(house.actor(CLERK), request, version=house.folder(request).version)
    house.approve(request, "s.rivoal")
    house.sign(request, "a.kervadec")
    house.drain()
    words = f"Transmission annulée le {jour(today())}, acte non exécutoire"
    assert silent(house, act, words) == []
    assert act_of(act).changed_at > before
    assert "1 acte en ligne est à retirer ou à maintenir" in page(house, CLERK, "/a-traiter")
    assert "à retirer ou à maintenir" not in page(house, "s.rivoal", "/a-traiter")
    assert "À retirer ou à maintenir" in page(house, CLERK, "/a-publier")

    def keep(login: str, reason: str) -> None:
        publishing.keep_online(house.actor(login), act, version=house.folder(act).version, reason=reason)

    for login, reason, key in (
        ("s.rivoal", WHY, "not-publisher"),
        (CLERK, "  bref ", "keeping-reason-missing"),
    ):
        with pytest.raises(Refusal, match=key):
            keep(login, reason)
    client = house.client(CLERK)
    form = {"csrf_token": house.csrf(client), "version": house.folder(act).version, "kept_for": WHY}
    client.post(f"/dossiers/{act}/publication/maintenir", data=form)
    assert house.journal(act).count("publication.kept") == 1
    assert "à retirer ou à maintenir" not in page(house, CLERK, "/a-traiter")
    assert words in page(house, "", address(act))
    with pytest.raises(Refusal, match="nothing-to-keep"):
        keep(CLERK, WHY)
    version = house.folder(act).version
    publishing.withdraw_act(house.actor(CLERK), act, version=version, kind="void", reason=WHY)
    assert f"Retiré du site le {today():%d/%m/%Y}" in acts.rows_of(life(act))
    with pytest.raises(Refusal, match="act-cancelled"):
        publishing.put_online(house.actor(CLERK), act, version=house.folder(act).version)


def test_TRA_11_TRA_12_a_referral_is_urgent_everywhere_and_is_not_filed_by_one_click(house: House) -> None:
    act = house.a_deliberation(at="done", matter="2.1")
    write(house, act, "5-1")
    fetch(house)
    letter = letters()[-1]
    words = f"Exécutoire le {jour(today())}, déféré par le préfet, courrier reçu le {jour(today())}"
    assert silent(house, act, words) == []
    assert "Urgent, courrier à traiter : déféré" in page(house, CLERK, f"/dossiers/{act}")
    home = page(house, CLERK, "/a-traiter")
    assert ("Urgent." in home, "e tribunal est saisi" in home) == (True, True)
    assert "Urgent" in page(house, CLERK, "/prefecture")
    assert "Déféré du préfet jusqu’au" not in page(house, CLERK, f"/dossiers/{act}/prefecture")
    client = house.client(CLERK)
    token = house.csrf(client)
    file = {"csrf_token": token, "version": house.folder(act).version}
    answer = client.post(f"/prefecture/{letter.id}/classer", data=file)
    assert answer.status_code == 422
    assert "écrivez la suite donnée" in answer.get_data(as_text=True)
    assert letters()[-1].closed_at is None
    wrong = [
        (Demand(None), "when"),
        (Demand(today() + timedelta(days=1)), "when"),
        (Demand(today() - timedelta(days=1)), "when"),
        (Demand(today(), "ordered"), "ruling"),
        (Demand(today(), "", today()), "ruling"),
        (Demand(today(), "granted", today()), "ruling"),
        (Demand(today(), "ordered", today() + timedelta(days=1)), "ruling"),
    ]
    for asked, key in wrong:
        with pytest.raises(Refusal, match=f"suspension-{key}"):
            record_suspension(house.actor(CLERK), letter.id, asked, version=house.folder(act).version)
    shown = house.folder(act).version
    form = {"csrf_token": token, "asked_on": today().isoformat(), "version": shown}
    assert client.post(f"/prefecture/{letter.id}/suspension", data=form).status_code == 302
    suspended = f"Suspendu depuis le {jour(today())}, au plus tard jusqu’au"
    assert silent(house, act, suspended) == []
    assert client.get(f"/dossiers/{act}/certificat-executoire").status_code == 409
    ordered = Demand(today(), "ordered", today())
    with pytest.raises(Refusal, match="not-emitter"):
        record_suspension(house.actor("s.rivoal"), letter.id, ordered, version=house.folder(act).version)
    record_suspension(house.actor(CLERK), letter.id, ordered, version=house.folder(act).version)
    # A page of before the judge's order does not take it away
    assert client.post(f"/prefecture/{letter.id}/suspension", data=form).status_code == 409
    assert silent(house, act, f"Suspendu depuis le {jour(today())}, par décision du juge") == []
    assert "suspension ordonnée le" in page(house, CLERK, f"/dossiers/{act}?onglet=journal")
    rejected = Demand(today(), "rejected", today())
    record_suspension(house.actor(CLERK), letter.id, rejected, version=house.folder(act).version)
    assert client.get(f"/dossiers/{act}/certificat-executoire").status_code == 200
    # Who may deposit at another desk alone does not file it, nor a page of before the rulings
    file["done"] = "Maître Le Goff suit l’affaire."
    assert client.post(f"/prefecture/{letter.id}/classer", data=file).status_code == 409
    file["version"] = house.folder(act).version
    with pytest.raises(Refusal, match="not-emitter"):
        replies.close(house.actor("s.rivoal"), letter.id, file["done"], version=file["version"])
    assert "Classer le déféré" not in page(house, "s.rivoal", f"/prefecture/{letter.id}")
    assert client.post(f"/prefecture/{letter.id}/classer", data=file).status_code == 302
    assert letters()[-1].closed_by == "Katell Morizur"
    file["done"] = "Personne ne suit l’affaire."
    assert client.post(f"/prefecture/{letter.id}/classer", data=file).status_code == 409
    other = house.a_deliberation(at="done", number="2026-300")
    write(house, other, "2-1")
    fetch(house)
    with pytest.raises(Refusal, match="suspension-elsewhere"):
        record_suspension(
            house.actor(CLERK), letters()[-1].id, Demand(today()), version=house.folder(other).version
        )
    replies.close(house.actor(CLERK), letters()[-1].id)


def test_an_appeal_of_a_third_party_is_in_the_line_of_the_house_and_a_judgment_in_that_of_all(
    house: House, tmp_path: Path
) -> None:
    """Who made it is read on the act's page alone; an act that a judge annulled binds nobody, and everybody is told.

    Through the page, `record_appeal`, `end_appeal` and `correct_outcome` are asked all that they refuse.
    """
    act = house.a_deliberation(at="done", number="2026-057")
    clerk, who = house.client("k.morizur"), "Mme Soizic Le Goff, riveraine"
    made = {"kind": "court", "who": who, "received_on": today().isoformat()}

    def post(path: str, client=clerk, **form: str):
        shown = {"csrf_token": house.csrf(client), "version": house.folder(act).version}
        return client.post(f"/dossiers/{act}/recours{path}", data={**shown, **form})

    late, early = (str(today() + timedelta(days=days)) for days in (1, -1))
    wrong = [
        ({**made, "kind": "x"}, "choisissez le recours"),
        ({**made, "who": "  "}, "choisissez le recours"),
        ({**made, "who": "x" * 201}, "choisissez le recours"),
        ({**made, "received_on": late}, "entre la signature"),
        ({**made, "received_on": early}, "entre la signature"),
        ({**made, "received_on": "hier"}, "entre la signature"),
    ]
    for form, words in wrong:
        answer = post("", **form)
        assert (answer.status_code, words in answer.get_data(as_text=True)) == (422, True), form
    assert post("", house.client("n.abgrallec"), **made).status_code in {403, 404}
    assert post("", house.client("a.kervadec"), **made).status_code == 403  # reads it, and keeps no letters
    assert "act.appeal" not in house.journal(act)
    assert post("", **made).status_code == 302
    assert post("", **made).status_code == 409  # twice
    assert post("", **{**made, "kind": "informal", "who": "Association des plaisanciers"}).status_code == 302

    write(house, act, "4-1")
    fetch(house)
    place, line = "/actes/kerlann-sur-mer", f"recours contentieux d’un tiers, reçu le {jour(today())}"
    shown = page(house, "k.morizur", f"/dossiers/{act}")
    assert (line in shown, "courrier à traiter : lettre d’observations" in shown) == (True, True)
    assert line in page(house, "k.morizur", "/a-publier")
    software = Software(house, "secretariat", [Right.CREATE])
    assert line in software.get(f"/folders/{act}").json["effect"]
    sheet = page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    assert (line in sheet, who in sheet, "Exécutoire le" in sheet) == (True, True, True)
    # Each of the two is asked what it came to, with the outcomes of its own kind
    assert sheet.count("Suite du recours") == 2
    assert sheet.count('value="annulled"') == 1
    assert sheet.count(f'max="{today().isoformat()}"') >= 2
    assert who not in page(house, "k.morizur", f"/dossiers/{act}?onglet=journal")
    public = [
        place,
        f"{place}/atom.xml",
        address(act),
        f"/api/v1/public/kerlann-sur-mer/acts/{act_of(act).key}",
    ]
    for where in public:
        text = house.client().get(where).get_data(as_text=True)
        assert not [
            one for one in ("recours contentieux", "gracieux", "Le Goff", "lettre d’") if one in text
        ], where

    for form in ({"outcome": "granted"}, {"outcome": ""}, {"outcome": "annulled", "ended_on": late}):
        assert post("/0", **{"ended_on": today().isoformat(), **form}).status_code == 422
    kept = post("/0", outcome="annulled", ended_on=early).get_data(as_text=True)  # what was chosen stays
    assert ('value="annulled" selected' in kept, f'value="{early}"' in kept) == (True, True)
    assert kept.count(" selected") == 1  # in this appeal's own form alone
    over = {"outcome": "annulled", "ended_on": today().isoformat()}
    assert post("/1", **over).status_code == 422  # no judge was asked
    assert post("/7", **over).status_code == 409
    assert post("/0", **over).status_code == 302
    assert post("/0", **over).status_code == 409
    assert post("/1", outcome="dropped", ended_on=today().isoformat()).status_code == 302
    annulled = f"Annulé par le juge le {jour(today())}"
    for where in public:
        text = house.client().get(where).get_data(as_text=True).replace("\u00a0", " ")
        assert ("par le juge le" in text, "Recours possible" in text) == (True, False), where
    sheet = page(house, "k.morizur", f"/dossiers/{act}/prefecture")
    assert ("Recours possible" in sheet, "Déféré du préfet" in sheet) == (False, False)
    assert annulled in page(house, "k.morizur", f"/dossiers/{act}")
    assert "tiers, reçu" not in page(house, "k.morizur", f"/dossiers/{act}")  # no appeal is pending any more
    assert clerk.get(f"/dossiers/{act}/certificat-executoire").status_code == 409
    assert house.journal(act).count("act.appeal") == 4

    # Chosen by mistake, then overturned: the act is worth what is written last, and the journal keeps what was before
    right = {"outcome": "", "ended_on": today().isoformat(), "reason": "Jugement d’un autre acte."}
    wrong = [
        ({**right, "reason": " "}, "écrivez pourquoi"),
        ({**right, "reason": "x" * 201}, "écrivez pourquoi"),
        ({**right, "outcome": "annulled"}, "une autre suite"),
        ({**right, "outcome": "granted"}, "choisissez la suite"),
        ({**right, "outcome": "rejected", "ended_on": late}, "choisissez la suite"),
    ]
    for form, words in wrong:
        answer = post("/0/correction", **form)
        assert (answer.status_code, words in answer.get_data(as_text=True)) == (422, True), form
    assert post("/0/correction", house.client("a.kervadec"), **right).status_code == 403
    assert post("/7/correction", **right).status_code == 409
    assert effect_now(house, act).key == "annulled"
    assert "act.appeal.corrected" not in house.journal(act)
    assert post("/0/correction", **right).status_code == 302
    assert post("/0/correction", **right).status_code == 409  # it waits again
    assert line in page(house, "k.morizur", f"/dossiers/{act}")
    assert clerk.get(f"/dossiers/{act}/certificat-executoire").status_code == 200
    for where in public:
        assert "par le juge" not in house.client().get(where).get_data(as_text=True), where
    assert post("/0", **over).status_code == 302
    appealed = {**over, "outcome": "rejected", "reason": "Cour administrative d’appel."}
    assert effect_now(house, act).enforceable_on is None
    assert post("/0/correction", **appealed).status_code == 302
    assert effect_now(house, act).enforceable_on == today()
    # What a judge left of an act binds, and its certificate does not speak for the rest
    partly = {**over, "outcome": "partly", "reason": "Conseil d’État."}
    certificates = []
    for form in (None, partly, appealed):
        assert form is None or post("/0/correction", **form).status_code == 302
        data = clerk.get(f"/dossiers/{act}/certificat-executoire").data
        certificates.append(" ".join(text_of(data, tmp_path).split()).replace("\u00a0", " "))
    whole, left, again = ("annulé en partie par le juge" in one for one in certificates)
    assert (whole, left, again) == (False, True, False)
    assert "sauf en ce que le juge en a annulé, par sa réception" in certificates[1]
    told = page(house, "k.morizur", f"/dossiers/{act}?onglet=journal")
    assert f"« rejeté le {jour(today())} » au lieu de « acte annulé par le juge le {jour(today())} »" in told
    assert "Cour administrative d’appel." in told
    assert who not in told

    with engine().begin() as connection:
        mine = sa.update(Folder.__table__).where(Folder.id == act)
        fifty = [
            {**one, "who": f"Riverain {rank}"}
            for rank, one in enumerate([*house.folder(act).fields["appeals"]] * 25)
        ]
        connection.execute(mine.values(fields={**house.folder(act).fields, "appeals": fifty}))
    full = post("", **{**made, "who": "Un de plus"})
    assert (full.status_code, "porte déjà 50 recours" in full.get_data(as_text=True)) == (409, True)


def effect_now(house: House, folder_id: int) -> Effect:
    """What an act is worth to whoever builds on it: mandates, public page."""
    with reading(house.actor(CLERK).collectivity_id) as db:
        return effects_of(db, [folder_id])[folder_id]
