"""An operator that is down, logged out or lying for a week, by a moved clock: who is told and when, and nothing is lost."""

import html
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa
import time_machine

from app.core import outbox
from app.core.clock import now, today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.legality import intake, replies
from app.operations.doctor import examine
from app.transmission.models import Transmission
from demo.s2low import DUMP, REFUSED
from tests.builders import s2low
from tests.builders.house import House
from tests.builders.s2low import Face, a_face
from tests.legality.town import fetch, letters, page
from workflows.deadlines import two_months_after

pytestmark = pytest.mark.in_turn

STEP, WEEK = timedelta(hours=12), 14


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture
def face(tls: Face, tmp_path) -> Face:
    tls.world(tmp_path / "world")
    return tls


def told(house: House) -> list[tuple[str, str]]:
    """The letters about the operator: their subject after « Paraphe : », and to whom."""
    seen = []
    for one in house.mail.letters:
        subject = one["Subject"].replace("\u00a0", " ").removeprefix("Paraphe : ")
        if "opérateur" in subject:
            seen.append((subject, one["To"].addresses[0].username))
    return seen


def watch_keeper(house: House) -> tuple[bool, str, bool]:
    """What the doctor and the health page say of the relay: well or not, in which words; the page's word."""
    (found,) = [one for one in examine(house.settings) if one.name == "télétransmission"]
    health = house.client().get("/health/ready").get_json()
    return found.ok, found.sentence, health["operator"]


def rows(kind: str) -> list[str]:
    with reading() as db:
        return list(db.scalars(sa.select(Outbox.state).where(Outbox.kind == kind).order_by(Outbox.id)))


def test_a_letter_that_cannot_be_opened_is_kept_in_its_bytes_dated_and_told(
    house: House, face: Face, monkeypatch
):
    town = s2low.town(house, face)
    act = town.a_deliberation(at="publication", number="2026-057")
    face.operator._prefecture.office.ask(face.operator.authority.siren, "2026_057", "4-1")
    archive = b"7z\xbc\xaf\x27\x1c\0\4" + bytes(range(256))
    monkeypatch.setattr(face.operator, "_letter", lambda _: archive)
    for _ in range(2):
        fetch(town)
    (letter,) = letters()
    assert (letter.code, letter.folder_id, letter.dated_on) == ("4-1", act, None)
    assert letter.due_on == two_months_after(today())
    assert letter.acknowledged_at  # by the operator itself
    client = town.client("k.morizur")
    assert client.get(f"/prefecture/{letter.id}/fichiers/0").data == archive
    shown = page(town, "k.morizur", f"/prefecture/{letter.id}")
    for words in (
        "n’a pas pu être lu en entier",
        "son format n’est pas connu",
        "Reste",
        "Classer : répondu sur le site",
    ):
        assert words in shown
    subjects = [one["Subject"].replace("\u00a0", " ") for one in town.mail.letters]
    assert subjects.count("Paraphe : un courrier de la préfecture demande vos yeux") == 1
    with pytest.raises(Refusal, match="letter-undated"):
        replies.prepare_reply(town.actor("k.morizur"), letter.id, "4-4", [])
    replies.close(town.actor("k.morizur"), letter.id)
    assert letters()[0].closed_at


def test_a_letter_that_is_listed_and_not_given_is_told_though_the_way_is_open(house: House, face: Face):
    town = s2low.town(house, face, operator_silence_hours=4, actes_letters_seconds=1800)
    town.a_deliberation(at="publication", number="2026-057")
    office, siren = face.operator._prefecture.office, face.operator.authority.siren
    said = face.operator.scenario.scripted
    with time_machine.travel(now().replace(microsecond=0), tick=False) as clock:
        office.ask(siren, "2026_057", "2-1")
        said["actes_download_file.php"] = b"KO\nErreur"
        for _ in range(3):
            intake.look(town.settings)
            outbox.drain()
            clock.shift(timedelta(hours=2))
        assert letters() == []
        assert told(town) == []  # the way answers: nothing false is said of it
        withheld = [
            one["To"].addresses[0].username
            for one in town.mail.letters
            if "ne peut pas être relevé" in one["Subject"]
        ]
        assert withheld == ["k.morizur"]
        assert "annonce un courrier de la préfecture et ne le donne pas" in page(
            town, "k.morizur", "/prefecture"
        )
        assert watch_keeper(town)[::2] == (False, False)
        del said["actes_download_file.php"]
        outbox.drain()
        assert [one.code for one in letters()] == ["2-1"]
        assert watch_keeper(town)[::2] == (True, True)


def test_what_the_operator_holds_is_said_as_it_is_and_seventeen_leads_to_its_confirmation(
    house: House, face: Face
):
    town = s2low.town(house, face, actes_poll_seconds=60)
    act = town.a_deliberation(at="prefecture", number="2026-057")
    held = {
        1: "Déposé chez l’opérateur, pas encore transmis",
        2: "En attente d’envoi chez l’opérateur, pas encore transmis",
        3: "Transmis, accusé attendu",
        9: "Retenu par un créneau ou un quota de l’opérateur, pas encore transmis",
        18: "À signer chez l’opérateur, pas encore transmis",
        24: "Transmis, sans réponse encore",
        99: "État 99 chez l’opérateur, que Paraphe ne connaît pas",
        17: "À confirmer chez l’opérateur, pas encore transmis",
    }
    with time_machine.travel(now().replace(microsecond=0), tick=False) as clock:
        for face.operator.stage, words in held.items():
            outbox.drain()
            clock.shift(timedelta(seconds=61))
            outbox.drain()
            shown = page(town, "k.morizur", f"/dossiers/{act}")
            assert shown.count(words) >= 2, words  # in the head and in the circuit
            assert ("en cours, sans intervention" in shown) is (face.operator.stage != 17)
            assert ("Confirmer chez l’opérateur" in shown) is (face.operator.stage == 17)
        link = html.unescape(shown.split("actes_transac_post_confirm_api.php?")[1].split('"')[0])
        asked = dict(parse_qsl(link))
        assert (
            asked["url_return"]
            == f"{town.settings.public_url}/dossiers/{act}?erreur=%%ERROR%%&message=%%MESSAGE%%"
        )
        clock.shift(timedelta(hours=73))
        outbox.drain()
        assert "rien n’est transmis tant qu’elle manque" in page(town, "k.morizur", f"/dossiers/{act}")
        told = [
            one["To"].addresses[0].username for one in town.mail.letters if "confirmation" in one["Subject"]
        ]
        assert told == ["k.morizur"]
        face.operator.stage = None  # the agent confirms
        clock.shift(timedelta(seconds=61))
        outbox.drain()
    assert town.folder(act).place == "publication"
    assert "Confirmer chez" not in page(town, "k.morizur", f"/dossiers/{act}")
    assert house.journal(act).count("transmission.to_confirm") == 1


def test_a_week_of_an_operator_that_does_not_serve_loses_nothing_and_is_told(house: House, face: Face):
    town = s2low.town(
        house, face, operator_silence_hours=4, actes_letters_seconds=1800, actes_poll_seconds=60
    )
    first = town.a_deliberation(at="publication", number="2026-057")
    leaving = town.a_deliberation(at="prefecture", number="2026-058")
    scenario, office = face.operator.scenario, face.operator._prefecture.office
    start = now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        # A whole week of each sort of silence; its other form is told alike for two days and a half
        for fate, refused, hours, steps in (
            ("outage", False, [12, 84, 156], WEEK),
            ("login", True, [0], 5),
            (REFUSED, True, [0, 72, 144], WEEK),
            (DUMP, False, [12], 5),
        ):
            scenario.always = fate
            office.ask(
                face.operator.authority.siren, "2026_057", {"outage": "5-1", "login": "3-1"}.get(fate, "2-1")
            )
            kept, when = len(letters()), []
            for step in range(steps + 1):
                before = len(told(town))
                intake.look(town.settings)
                outbox.drain()
                fresh = told(town)[before:]
                words = "l’opérateur de télétransmission " + (
                    "refuse votre compte" if refused else "ne répond plus"
                )
                assert set(fresh) <= {(words, "k.morizur")}, (fate, fresh)
                when += [step * 12] * len(fresh)
                if step == 4:
                    well, said, healthy = watch_keeper(town)
                    assert (well, healthy) == (False, False), (fate, said)
                    shown = page(town, "k.morizur", "/administration")
                    assert ("est refusé depuis le" if refused else "ne répond pas depuis le") in shown, fate
                    assert "Tous les courriers n’arrivent pas" in page(town, "k.morizur", "/prefecture")
                clock.shift(STEP)
            assert when == hours, fate
            assert len(letters()) == kept
            assert "done" not in rows(intake.FETCH)[-1:]
            assert rows("step.transmit")[-1] in {"pending", "done"}
            scenario.always = ""
            before = len(told(town))
            for _ in range(4):
                intake.look(town.settings)
                outbox.drain()
                clock.shift(timedelta(hours=1))
            assert told(town)[before:] == [("l’opérateur de télétransmission répond de nouveau", "k.morizur")]
            assert rows(intake.FETCH)[-1] == "done"
            assert watch_keeper(town)[::2] == (True, True), watch_keeper(town)
        assert town.folder(leaving).place == "publication"
    with reading() as db:
        query = sa.select(Transmission.state).where(Transmission.folder_id == leaving)
        assert list(db.scalars(query)) == ["acknowledged"]
    assert [one.code for one in letters()] == ["5-1", "3-1", "2-1"]
    assert [scenario.paths.count("/modules/actes/actes_transac_create.php")] == [2]
    assert house.folder(first).place == "publication"
