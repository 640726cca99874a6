"""What the doctor found is kept for the administrators' page and for the figures: as found, with its hour, and to whom it may be told."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.core import db, heartbeat
from app.core.clock import now
from app.core.hold import Hold
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.operations import helping
from app.operations.examined import rounds
from app.operations.models import DoctorFinding, DoctorRound
from tests.builders.house import House
from tests.cluster import free_port
from tests.operations.test_metrics import figures

pytestmark = pytest.mark.in_turn

PAGE = "/administration/mise-en-service"
ADMIN = "k.morizur"


def page(house: House, path: str = PAGE) -> str:
    return house.client(ADMIN).get(path).get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ")


def moved(**moments: Any) -> None:
    with db.engine().begin() as connection:
        connection.execute(sa.update(DoctorRound.__table__).values(**moments))


def test_each_finding_is_shown_as_it_was_made_to_who_runs_the_installation(house: House) -> None:
    heartbeat.beat("worker", now())
    never = page(house)
    assert "Aucun examen complet n’a encore été fait" in never
    assert "pas encore examiné" in never
    assert "Tout examiner maintenant" not in never  # he is not named by the installation
    settings = house.settings.model_copy(
        update={"operators": (ADMIN,), "mail_url": f"smtp://compte:sesame@127.0.0.1:{free_port()}"}
    )
    house.app = create_app(settings)
    assert "Tout examiner maintenant" in page(house)
    rounds.look(settings)
    seen = page(house)
    assert "1 à régler" in seen
    assert "le serveur de courriel ne répond pas : vérifiez PARAPHE_MAIL_URL" in seen
    assert "sesame" not in seen.partition("<main")[2]
    assert "rien à examiner : PARAPHE_PUBLIC_URL est une adresse de cette machine" in seen
    assert "pas encore examiné" not in seen
    sending = seen.partition(">Les envois<")[2].lower()
    assert all(name in sending for name in ("courriels revenus", "réveil", "travail de fond"))
    assert "Un point est à régler" in page(house, "/administration")
    told = figures(house)
    assert told["paraphe_finding{'level': 'red', 'name': 'courriel'}"] == 1
    assert told["paraphe_finding{'level': 'green', 'name': 'documents'}"] == 1
    assert told["paraphe_finding{'level': 'none', 'name': 'mandataire'}"] == 1
    assert 0 <= told["paraphe_findings_age_seconds"] < 600
    # A worker that dies leaves no word that it lives
    heartbeat.beat("worker", now() - timedelta(hours=1))
    assert "le travail de fond ne donne pas signe de vie" in page(house)
    assert figures(house)["paraphe_finding{'level': 'red', 'name': 'travail de fond'}"] == 1
    # What is older than its period says nothing of now, green or red
    with db.engine().begin() as connection:
        connection.execute(sa.update(DoctorFinding.__table__).values(seen_at=now() - timedelta(hours=26)))
    old = page(house)
    assert "depuis, personne n’a regardé" in old
    assert not rounds.is_old(now() + timedelta(minutes=1), 24)  # another server's clock
    assert rounds.is_old(
        now() + timedelta(hours=1), 24
    )  # the clock was put back: nobody knows when it was made
    assert "1 à régler" in old  # the worker, looked at now
    assert "2 à régler" not in old
    assert figures(house)["paraphe_finding{'level': 'unknown', 'name': 'documents'}"] == 1


def test_a_collectivity_reads_its_own_and_nothing_of_the_machine_nor_of_others(house: House) -> None:
    heartbeat.beat("worker", now())
    here = house.actor(ADMIN).collectivity_id
    with db.engine().begin() as connection:
        moment = now() - timedelta(hours=1)
        row = {"collectivity_id": here, "kind": "mail", "payload": {}, "attempts": 0, "created_at": moment}
        for key in ("a", "b"):
            connection.execute(
                sa.insert(Outbox.__table__).values(key=key, state="parked", available_at=moment, **row)
            )
    rounds.look(house.settings)
    with db.engine().begin() as connection:
        connection.execute(
            sa.update(DoctorFinding.__table__)
            .where(DoctorFinding.name == "documents", DoctorFinding.scope == 0)
            .values(level="red", words="impossible d’écrire dans /srv/paraphe/documents")
        )
        other = {"scope": here + 1, "name": "envois", "level": "red", "words": "7 arrêtés", "seen_at": now()}
        connection.execute(sa.insert(DoctorFinding.__table__).values(other))
    seen = page(house)
    assert "2 arrêtés : lisez-en la cause sous /administration" in seen
    assert "à régler par qui tient l’installation" in seen
    with db.engine().begin() as connection:
        connection.execute(
            sa.update(DoctorFinding.__table__)
            .where(DoctorFinding.name == "droits des fichiers", DoctorFinding.scope == 0)
            .values(level="red", words="/srv/paraphe est ouvert à tous")
        )
    seen = page(house)
    count = re.search(r"(\d+) points prêts sur (\d+)", seen)
    assert count
    assert int(count[1]) < int(count[2])
    assert int(count[2]) == seen.count('<span class="small strong') - seen.count("Rien à examiner</span>")
    assert "1 autre point, que lui seul lit, est à régler : dites-le-lui" in seen
    for closed in (
        "/srv/paraphe",
        "7 arrêtés",
        "PARAPHE_",
        "Droits des fichiers",
        str(house.settings.data_dir),
    ):
        assert closed not in seen.partition("<main")[2]
    client = house.client(ADMIN)
    answer = client.post(f"{PAGE}/examiner", data={"csrf_token": house.csrf(client)})
    assert (
        answer.status_code,
        "seuls les administrateurs qui la tiennent" in answer.get_data(as_text=True),
    ) == (
        403,
        True,
    )
    assert house.client("a.kervadec").get(PAGE).status_code == 403
    assert house.client().get(PAGE).status_code == 302


def test_a_round_is_made_when_due_or_asked_for_once_and_at_a_pace(house: House) -> None:
    settings = house.settings.model_copy(update={"operators": (ADMIN,)})
    house.app = create_app(settings)
    assert not rounds._claimed(0)
    client = house.client(ADMIN)
    form = {"csrf_token": house.csrf(client)}
    assert client.post(f"{PAGE}/examiner", data=form).status_code == 302
    hurried = client.post(f"{PAGE}/examiner", data=form)
    assert hurried.status_code == 429
    assert 290 < int(hurried.headers["Retry-After"]) <= 300
    told = page(house, "/administration/journal?acte=examination.asked")
    assert told.count("adresse 127.0.0.1") == 1  # what was refused is no round
    assert "Un examen est demandé" in page(house)
    assert "Tout examiner maintenant" not in page(house)
    assert [rounds._claimed(0), rounds._claimed(0), rounds._claimed(24)] == [True, False, False]
    with pytest.raises(Refusal, match="examination-hurry"):
        rounds.ask(house.actor(ADMIN))
    assert "Un examen est en cours" in page(house)
    moved(begun_at=now() - timedelta(minutes=40))
    assert "Un examen n’a pas fini" in page(house)
    assert [rounds._claimed(0), rounds._claimed(0)] == [True, False]  # cut short, it is made again
    for begun in (now() - timedelta(hours=25), now() + timedelta(hours=3)):
        moved(begun_at=begun, ended_at=begun)
        assert [rounds._claimed(0), rounds._claimed(24), rounds._claimed(24)] == [False, True, False]
    # Restored, the installation asks nobody by itself; a person may
    moved(begun_at=now() - timedelta(hours=25), ended_at=now() - timedelta(hours=25))
    with db.engine().begin() as connection:
        connection.execute(sa.insert(Hold.__table__).values(since=now(), copied_at=now()))
    assert not rounds._claimed(24)
    rounds.ask(house.actor(ADMIN))
    assert rounds._claimed(24)
    # What fails stops nothing else of the worker
    db.configure(f"postgresql://paraphe@127.0.0.1:{free_port()}/paraphe")
    rounds.begin(settings)


def test_a_round_is_made_apart_so_that_the_worker_keeps_nothing_of_what_it_loads(house: House) -> None:
    settings = house.settings.model_copy(update={"doctor_hours": 24})
    house.app = create_app(settings)
    rounds.begin(settings)
    (process,) = helping._at_work
    assert helping.busy()
    rounds.begin(settings)
    assert helping._at_work == [process]  # one at a time
    process.join(120)
    assert not helping.busy()
    assert process.exitcode == 0
    with db.reading() as here:
        stand = rounds.stand(here)
        assert not stand.running
        assert stand.ended_at is not None
        assert here.scalar(sa.select(sa.func.count()).select_from(DoctorFinding)) > 10
    assert "pas encore examiné" not in page(house)
