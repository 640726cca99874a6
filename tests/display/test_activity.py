"""« Chiffres »: what waits, what is late, how long each step takes, at one's desks and below; nothing of reserved folders."""

import re
from datetime import date, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from app.circuits.models import FolderTypeVersion
from app.core.clock import PARIS, today
from app.core.db import engine, reading
from app.core.french import jour_long
from app.display import activity, queues
from app.display.activity import Activity
from app.folders.models import Folder, StepRun
from app.people import desks
from tests.builders.house import INVOICE, PAY, House
from tests.circuits.test_editor import words
from tests.display.test_folder_page import heard
from tests.folders.test_asking import ask, give
from tests.notices.test_digests import due
from tests.operations.test_folder_types import draw, made, publish
from workflows.rights import Rights
from workflows.vocabulary import Right

G, R, N, S, A, M = "g.trehorel", "r.pellenec", "n.abgrallec", "s.rivoal", "a.kervadec", "m.kerzerho"


def seen_by(house: House, login: str) -> Activity:
    with reading() as db:
        return activity.activity(db, house.actor(login))


def change(folder_id: int, step: str, **values: object) -> None:
    with engine().begin() as connection:
        rows = sa.update(StepRun).where(StepRun.folder_id == folder_id, StepRun.step == step)
        connection.execute(rows.values(**values))


def test_each_reads_the_figures_of_his_desks_and_of_those_below(house: House) -> None:
    late, quick = house.a_quick_invoice(), house.a_quick_invoice()
    pay = house.deposit(M, "pes_payroll", PAY)
    change(late, "finance", due_on=today() - timedelta(days=2))
    for folder_id, days in ((late, 6), (quick, 2)):
        with reading() as db:
            run = db.scalars(
                sa.select(StepRun).where(StepRun.folder_id == folder_id, StepRun.step == "service_done")
            ).one()
        assert run.ended_at is not None
        change(folder_id, "service_done", entered_at=run.ended_at - timedelta(days=days))
    assert house.folder(pay).family == "pes_payroll"

    director = seen_by(house, S)
    assert {"Direction générale", "Direction des finances", "Comptabilité", "Services techniques"} <= {
        *director.desks
    }
    assert "Bureau du maire" not in director.desks, "the desk above is not hers"
    assert (director.in_hand, director.late) == (2, 1)
    assert director.late_by_desk[0].label == "Direction des finances"
    assert [(one.label, one.words) for one in director.steps] == [("Service fait", "4,0 j")]
    assert [one.words for one in director.months][-1] == "2", "the payslips are counted nowhere"
    assert [(one.label, one.words) for one in director.types] == [("Facture", "2")]

    # Who deposits directs nobody: her own desk, of which nothing waits
    clerk = seen_by(house, G)
    assert clerk.desks == ("Comptabilité",)
    assert (clerk.in_hand, [one.words for one in clerk.types]) == (0, ["2"])

    # Neither drafts, nor a type that only a few read, nor what one decides on at no desk
    house.deposit(G, "invoice", INVOICE)
    number = made(house, label="Enquête interne", visibility="desks", seen_at=["comptabilite"])
    assert number
    house.deposit(G, "enquete-interne", INVOICE)
    with engine().begin() as connection:
        connection.execute(sa.update(Folder).where(Folder.type_version_id.is_not(None)).values(round=1))
    assert [(one.label, one.words) for one in seen_by(house, S).types] == [("Facture", "2")]
    desks.seat(house.actor(S).collectivity_id, "direction", S, Rights(("act:deliberation",)))
    assert (seen_by(house, S).types, seen_by(house, S).steps, seen_by(house, S).in_hand) == ((), (), 0)
    desks.seat(house.actor(S).collectivity_id, "direction", S, [Right.ACT])

    page = words(house.client(S).get("/suivi/chiffres"))
    assert re.search(r'href="/suivi" aria-current="page"', house.client(S).get("/suivi/chiffres").text)
    assert "Enquête interne" not in page
    assert "En retard 1" in page
    assert "Service fait" in page
    assert "Flux de paye" not in page
    listed = house.client(S).get("/suivi/chiffres.csv").get_data(as_text=True)
    figures = seen_by(house, S)
    assert f"En attente dans ces bureaux {figures.in_hand}" in page
    assert f"Ensemble;En attente dans ces bureaux;{figures.in_hand}" in listed
    assert "Ensemble;En retard;1" in listed
    assert (figures.slowest is None) == ("Ensemble;Étape la plus lente" not in listed)
    assert (figures.days is None) == ("Ensemble;De l’envoi à la fin, en moyenne (jours);" not in listed)
    assert "Temps moyen par étape (jours);Service fait;4,000;4,0 j" in listed
    assert "Dossiers en retard, par bureau où ils attendent;Direction des finances;1" in listed
    # What is counted below is not read for that, and the page says so to whom it is true of
    counted = "Diriger un bureau n’ouvre pas ses dossiers"
    assert counted in page
    assert counted not in words(house.client(G).get("/suivi/chiffres"))
    assert "Les dossiers que vous lisez." in words(house.client(S).get("/suivi"))


def test_deposits_are_counted_by_type_and_month_and_each_chart_is_taken_away_alone(house: House) -> None:
    label = "Facture d’énergie"
    assert made(house)
    invoices = [house.a_quick_invoice() for _ in range(3)]
    energy = [house.deposit(G, "facture-d-energie", INVOICE) for _ in range(2)]
    months = [datetime.combine(first_of(back), time(9), PARIS) for back in (1, 2)]
    with engine().begin() as connection:
        table = Folder.__table__
        sent = sa.update(table).where(table.c.id.in_(energy))  # type: ignore[attr-defined]
        connection.execute(sent.values(round=1))
        for folder_id, moment in ((invoices[1], months[0]), (invoices[2], months[1]), (energy[1], months[1])):
            one = sa.update(table).where(table.c.id == folder_id)  # type: ignore[attr-defined]
            connection.execute(one.values(created_at=moment, submitted_at=moment))

    figures = seen_by(house, S)
    counts = {volume.label: [bar.words for bar in volume.bars] for volume in figures.volumes}
    assert counts == {"Facture": ["0", "0", "0", "1", "1", "1"], label: ["0", "0", "0", "1", "0", "1"]}
    assert [(volume.label, volume.total) for volume in figures.volumes] == [("Facture", 3), (label, 2)]
    assert [bar.words for bar in figures.months] == ["0", "0", "0", "2", "1", "2"]
    assert [(bar.label, bar.words) for bar in figures.types] == [("Facture", "3"), (label, "2")]

    client = house.client(S)
    page = client.get("/suivi/chiffres").text
    names = [bar.label for bar in figures.months]
    for name in activity.TABLES:
        for form in ("csv", "ods"):
            at = f"/suivi/chiffres/{name}.{form}"
            assert (f'href="{at}"' in page) == (name != "etapes" or bool(figures.steps))
            assert client.get(at).status_code == 200
    assert client.get("/suivi/chiffres/autre.csv").status_code == 404

    def lines(name: str) -> list[str]:
        return client.get(f"/suivi/chiffres/{name}.csv").text.removeprefix("\ufeff").splitlines()

    assert lines("types-par-mois") == [
        ";".join(["Type", *names, "Total"]),
        "Facture;0;0;0;1;1;1;3",
        f"{label};0;0;0;1;0;1;2",
        "Ensemble;0;0;0;2;1;2;5",
    ]
    assert lines("types") == ["Type;Dossiers", "Facture;3", f"{label};2"]
    assert lines("mois") == ["Mois;Dossiers", *(f"{bar.label};{bar.words}" for bar in figures.months)]
    assert lines("etapes")[0] == "Étape;Temps (jours);En clair"
    assert lines("retards")[0] == "Bureau;Dossiers"
    row = re.search(rf'<th scope="row" class="wide">{label}</th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    assert re.findall(r'data-th="([^"]+)">\s*(\d+)', row[1]) == [
        *zip(names, counts[label], strict=True),
        ("Total", "2"),
    ]
    whole = client.get("/suivi/chiffres.csv").text
    assert f"Dossiers déposés par type et par mois;{label}, {names[-1]};1" in whole


def first_of(back: int) -> date:
    """The first day of the month so many months before this one."""
    count = today().year * 12 + today().month - 1 - back
    return date(count // 12, count % 12 + 1, 1)


def test_what_waits_for_an_opinion_is_late_at_the_desk_that_is_to_give_it(house: House) -> None:
    folder_id = house.a_quick_invoice()
    number = ask(house, N, folder_id, "direction", waits=True)
    due(folder_id, today() - timedelta(days=3))

    def late_by_desk(login: str) -> dict[str, float]:
        return {bar.label: bar.value for bar in seen_by(house, login).late_by_desk if bar.value}

    for login, figure in ((N, 0), (S, 1)):
        figures, actor = seen_by(house, login), house.actor(login)
        with reading(actor.collectivity_id) as db:
            assert queues.counters(db, actor).late == figures.late == figures.in_hand == figure
    assert late_by_desk(S) == {"Direction générale": 1}
    # Given, the step is late where it stands again; of one for which nothing waits, both are to do theirs
    give(house, S, folder_id, number, "favourable")
    assert late_by_desk(S) == {"Direction des finances": 1}
    assert (seen_by(house, N).late, seen_by(house, N).in_hand) == (1, 1)
    ask(house, N, folder_id, "technique", waits=False)
    due(folder_id, today() - timedelta(days=3))
    assert late_by_desk(S) == {"Direction des finances": 1, "Services techniques": 1}
    assert (seen_by(house, S).late, seen_by(house, S).in_hand) == (1, 1)


def test_who_holds_no_desk_is_told_so_and_the_page_asks_little(house: House) -> None:
    client = house.client(S)
    for _ in range(2):
        house.a_quick_invoice()
    client.get("/suivi/chiffres")
    with heard() as statements:
        assert client.get("/suivi/chiffres").status_code == 200
    assert len(statements) <= 10
    with engine().begin() as connection:
        connection.execute(sa.text("DELETE FROM holder"))
    assert "Aucun bureau à suivre" in words(house.client("k.morizur").get("/suivi/chiffres"))


@pytest.mark.parametrize(
    ("days", "said"),
    [(6.44, "6,4 j"), (1, "1,0 j"), (0.5, "12 h"), (0.01, "14 min"), (0.0001, "moins d’une minute")],
)
def test_a_duration_is_said_in_its_unit(days: float, said: str) -> None:
    assert activity.days_of(days) == said


def test_a_type_that_was_given_another_name_is_counted_as_one(house: House) -> None:
    number = made(house, label="Énergie")
    assert draw(house, number, label="Énergie et fluides").status_code == 302
    assert publish(house, number).status_code == 302
    with reading() as db:
        of_type = FolderTypeVersion.type_id == number
        first, last = db.scalars(
            sa.select(FolderTypeVersion.id).where(of_type).order_by(FolderTypeVersion.id)
        ).all()
    for version in (first, last):
        folder_id = house.a_quick_invoice()
        with engine().execution_options(writes=True).begin() as connection:
            connection.execute(
                sa.update(Folder).where(Folder.id == folder_id).values(type_version_id=version)
            )
    seen = seen_by(house, G)
    assert [(one.label, one.total) for one in seen.volumes] == [("Énergie et fluides", 2)]
    assert [(one.label, one.words) for one in seen.types] == [("Énergie et fluides", "2")]


def test_a_folder_counts_in_the_month_of_its_deposit_as_its_page_says_it(house: House) -> None:
    folder_id = house.a_quick_invoice()
    (month,) = (one for one in seen_by(house, G).months if one.words == "1")
    before = datetime.combine(today().replace(day=1), time(), PARIS) - timedelta(days=3)
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Folder).where(Folder.id == folder_id).values(created_at=before))
    assert [one.label for one in seen_by(house, G).months if one.words == "1"] == [month.label]


def test_a_table_says_in_minutes_what_takes_too_few_to_be_days(house: House) -> None:
    folder_id = house.a_quick_invoice()
    with reading() as db:
        done = StepRun.folder_id == folder_id, StepRun.step == "service_done"
        ended = db.scalars(sa.select(StepRun.ended_at).where(*done)).one()
    assert ended is not None
    change(folder_id, "service_done", entered_at=ended - timedelta(minutes=4))
    table = house.client(R).get("/suivi/chiffres/etapes.csv").text
    assert "Service fait;0,003;4 min" in table
    assert "Service fait;0,003;4 min" in house.client(R).get("/suivi/chiffres.csv").text


def test_the_page_says_from_which_day_begun_folders_are_all_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.a_quick_invoice()
    client = house.client(G)
    sentence = f"Un dossier commencé avant le {jour_long(today())} peut y manquer"

    def page() -> str:
        return client.get("/suivi/chiffres").get_data(as_text=True).replace("\u00a0", " ")

    assert sentence not in page()
    for name in ("DEPOSITED", "ENDED"):
        monkeypatch.setattr(activity, name, 1)
    assert sentence in page()
