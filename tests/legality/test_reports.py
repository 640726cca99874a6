"""What follows an act: decisions are reported to the council, an order withdraws another, a copy is given on paper."""

from datetime import date, timedelta
from io import BytesIO

import pikepdf
import pypdfium2
import pytest

from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import sockets
from app.folders.models import Folder
from app.legality import former, reports
from tests.builders.house import ACT, House
from workflows.deadlines import months_after
from workflows.family import family, problems

pytestmark = pytest.mark.in_turn

MAYOR, CLERK, PAGE = "a.kervadec", "k.morizur", "/decisions-a-rapporter"
DAY = timedelta(days=1)


def seen(house: House, where: str, login: str = CLERK) -> str:
    page = house.client(login).get(where).get_data(as_text=True)
    return " ".join(page.replace("\u202f", " ").replace("\xa0", " ").split())


@pytest.mark.law("ACT-04")
def test_decisions_wait_to_be_reported_until_the_day_of_a_meeting_is_written(house: House) -> None:
    first, second = house.an_act("decision"), house.an_act("decision")
    assert "Aucune décision n’est à rapporter" in seen(house, PAGE)
    for one in (first, second):
        house.sign(one, MAYOR)
    shown = seen(house, PAGE)
    assert f"/dossiers/{first}" in shown
    assert f"/dossiers/{second}" in shown
    assert "À rapporter à la prochaine réunion du conseil" in seen(house, f"/dossiers/{first}")
    client = house.client(CLERK)
    token = house.csrf(client)

    def posted(who=client, **typed):
        return who.post(PAGE, data={"csrf_token": token, **typed})

    for wrong, words in (
        ({"sitting_on": today().isoformat()}, "cochez au moins une décision"),
        ({"d": str(first)}, "donnez la date de la séance"),
        ({"d": str(first), "sitting_on": (today() + DAY).isoformat()}, "dans le futur"),
        ({"d": [str(first), str(second)], "sitting_on": (today() - DAY).isoformat()}, "avant la signature"),
        ({"d": [str(first), "999999"], "sitting_on": today().isoformat()}, "n’est plus à rapporter"),
    ):
        answer = posted(**wrong)
        assert answer.status_code in {409, 422}
        assert words in answer.get_data(as_text=True)
    other = house.actor("g.trehorel")  # who deposits, for another desk
    with pytest.raises(Refusal, match="report-moved"):
        reports.report_decisions(other, [first], today())
    assert posted(d=str(first), sitting_on=today().isoformat()).status_code == 302
    assert posted(d=str(first), sitting_on=today().isoformat()).status_code == 409
    shown = seen(house, PAGE)
    assert (f"/dossiers/{first}" in shown, f"/dossiers/{second}" in shown) == (False, True)
    assert "Rapportée au conseil municipal le" in seen(house, f"/dossiers/{first}")
    assert house.journal(first).count("act.reported") == 1
    assert "act.reported" not in house.journal(second)


@pytest.mark.law("ACT-07")
def test_an_order_that_withdraws_another_is_linked_to_it_and_late_after_four_months(house: House) -> None:
    old = house.an_act("individual_decree", number="2026-101")
    house.sign(old, MAYOR)
    told = {"former_how": "withdraws", "former_number": "2026-101"}
    new = house.an_act("individual_decree", number="2026-202", **told)
    strange = house.an_act("individual_decree", former_how="repeals", former_number="1999-1")
    assert "Retire l’arrêté 2026_101" in seen(house, f"/dossiers/{new}")
    elsewhere = house.deposit("g.trehorel", "individual_decree", ACT)
    house.save(elsewhere, "g.trehorel", told)
    shown = seen(house, f"/dossiers/{elsewhere}", "g.trehorel")
    assert "Retire l’arrêté 2026" in shown
    assert f"/dossiers/{old}" not in shown  # no way to what she may not read
    assert "Retiré par" not in seen(house, f"/dossiers/{old}")  # until it is signed
    house.sign(new, MAYOR)
    for page, target in ((old, new), (new, old)):
        assert f'href="/dossiers/{target}"' in seen(house, f"/dossiers/{page}")
    assert "Retiré par l’arrêté 2026_202, signé le" in seen(house, f"/dossiers/{old}")
    with reading() as db:
        late = db.get_one(Folder, new)
        keys = {one.key for one in sockets.cautions(db, db.get_one(Folder, strange))}
        (stamped,) = former.since(db, db.get_one(Folder, old))
        assert stamped.startswith("Retiré par l’arrêté 2026_202, signé le")
        assert ("former-unknown" in keys, former.cautions(db, late)) == (True, ())
    assert months_after(date(2026, 10, 31), 4) == date(2027, 2, 28)


@pytest.mark.law("ACT-07")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_four_months_run_from_the_signature_of_the_former_order(house: House) -> None:
    import time_machine

    old = house.an_act("individual_decree", number="2026-101")
    house.sign(old, MAYOR)
    last = months_after(today(), former.MONTHS)
    told = {"former_how": "repeals", "former_number": "2026_101"}
    new = house.an_act("individual_decree", at="draft", **told)
    for day, keys in ((last, []), (last + DAY, ["former-late"])):
        with time_machine.travel(f"{day.isoformat()}T12:00:00+00:00", tick=False), reading() as db:
            assert [one.key for one in former.cautions(db, db.get_one(Folder, new))] == keys


def test_an_order_says_both_what_it_does_to_another_and_to_which() -> None:
    order, whole = family("individual_decree"), {"number": "2026-1", "subject": "Congé", "addressee": "Mona"}
    for told, fine in (
        ({"former_how": "repeals", "former_number": "2025-9"}, True),
        ({"former_how": "repeals"}, False),
        ({"former_number": "2025-9"}, False),
        ({"former_how": "repeals", "former_number": "2026-1"}, False),
    ):
        found = {one.key for one in problems(order, {**whole, **told}, today=date(2026, 11, 25))}
        assert ("former-incomplete" not in found) is fine, told


@pytest.mark.law("PUB-03")
def test_a_paper_copy_bears_its_days_and_only_what_the_public_has(house: House, tmp_path) -> None:
    folder_id = house.a_deliberation(at="publication")
    address = f"/dossiers/{folder_id}/publication/copie-papier/1"
    assert house.client(CLERK).get(address).status_code == 404
    house.publish(folder_id)
    assert address in seen(house, f"/dossiers/{folder_id}")
    answer = house.client(CLERK).get(address)
    with pypdfium2.PdfDocument(answer.data) as printed:
        words = "".join(page.get_textpage().get_text_range() for page in printed)
    for said in (f"en ligne depuis le {today():%d/%m/%Y}", "Exécutoire le", "Armel Kervadec, Maire"):
        assert said in words
    with pikepdf.open(BytesIO(answer.data)) as copy:
        assert "/AcroForm" not in copy.Root  # a view: nobody takes it for the signed act
    assert house.client().get(address).status_code in {302, 401}
    assert house.client(CLERK).get(address.replace("papier/1", "papier/9")).status_code == 404
