"""Two clicks at the same instant, on real servers: one decision each time, and a sentence for who came too late."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import asking, decide
from app.folders.models import AskedOpinion, Document, Folder, StepRun
from app.operations.absences.planning import Wanted, plan
from app.people import desks
from tests.builders.house import INVOICE
from tests.race.town import Browser, Town, at_once, one_wins, told
from workflows.vocabulary import Right

pytestmark = pytest.mark.race
ROUNDS = 50
REASON = "Pièce manquante"


def approve(tab: Browser, folder_id: int, version: int) -> Callable[[], requests.Response]:
    return lambda: tab.post(f"/dossiers/{folder_id}/viser", version=version, comment="")


def reject(tab: Browser, folder_id: int, version: int) -> Callable[[], requests.Response]:
    return lambda: tab.post(f"/dossiers/{folder_id}/rejeter", version=version, reason=REASON)


def test_a_double_click_on_approve_approves_once(town: Town) -> None:
    tabs = [town.tab("n.abgrallec") for _ in range(2)]
    for _ in range(ROUNDS):
        folder_id, version = town.an_invoice()
        late = one_wins(at_once(*(approve(tab, folder_id, version) for tab in tabs)))
        assert late.status_code == 409
        assert "Vous avez déjà agi sur ce dossier" in told(late)
        town.decided_once(folder_id, version, "bon_a_payer", "folder.approve")
        assert town.runs(folder_id, "finance") == ["done"]
    town.chain_holds()


def test_a_double_click_on_reject_rejects_once(town: Town) -> None:
    tabs = [town.tab("n.abgrallec") for _ in range(2)]
    for _ in range(ROUNDS):
        folder_id, version = town.an_invoice()
        late = one_wins(at_once(*(reject(tab, folder_id, version) for tab in tabs)))
        assert late.status_code == 409
        town.decided_once(folder_id, version, "rejected", "folder.reject")
        assert town.runs(folder_id, "finance") == ["rejected"]
    town.chain_holds()


def test_two_holders_of_a_desk_at_once_decide_once(town: Town) -> None:
    tabs = [town.tab("n.abgrallec"), town.tab("t.lescoat")]
    winners = set()
    for _ in range(ROUNDS):
        folder_id, version = town.an_invoice()
        answers = at_once(*(approve(tab, folder_id, version) for tab in tabs))
        one_wins(answers)
        winners.add(answers[0].status_code)
        town.decided_once(folder_id, version, "bon_a_payer", "folder.approve")
        assert town.runs(folder_id, "finance") == ["done"]
    town.chain_holds()
    assert winners <= {302, 403, 409}


def test_a_cover_that_ends_against_a_click_under_it_leaves_the_one_that_came_first(town: Town) -> None:
    absent, cover = town.house.actor("n.abgrallec"), town.house.actor("b.cadiou").user_id
    mine, theirs = town.tab("n.abgrallec"), town.tab("b.cadiou")
    day = (today() + timedelta(days=9)).isoformat()
    for _ in range(ROUNDS // 4):
        folder_id, version = town.an_invoice()
        wanted = Wanted(absent.user_id or 0, cover, f"{today().isoformat()}T00:00", f"{day}T00:00")
        number = plan(absent, wanted)
        ended, answer = at_once(
            lambda number=number: mine.post(f"/absences/{number}/terminer", revision="1"),  # type: ignore[misc]
            approve(theirs, folder_id, version),
        )
        assert ended.status_code == 302
        # Approved, it was before the end; else he had nothing left there, and was told so
        assert answer.status_code in {302, 403, 404, 409}
        assert (town.house.folder(folder_id).place == "bon_a_payer") is (answer.status_code == 302)
        assert town.runs(folder_id, "finance") == (["done"] if answer.status_code == 302 else ["active"])
    town.chain_holds()


def test_a_question_an_answer_and_its_withdrawal_against_a_visa_leave_what_came_first(town: Town) -> None:
    asker, colleague, desk = (town.house.actor(one) for one in ("n.abgrallec", "t.lescoat", "s.rivoal"))

    def tried(verb: Callable[[], object]) -> Callable[[], str]:
        def run() -> str:
            try:
                verb()
            except Refusal as refusal:
                return refusal.key
            return ""

        return run

    def ask(folder_id: int, version: int) -> Callable[[], object]:
        words: dict[str, Any] = {"desks": ["direction"], "question": "Qu’en dites-vous ?", "waits": True}
        return lambda: asking.ask(asker, folder_id, version=version, **words)

    for _ in range(ROUNDS // 10):
        folder_id, version = town.an_invoice()
        visa = tried(lambda folder_id=folder_id: decide.approve(colleague, folder_id, version=version))  # type: ignore[misc]
        outcomes = at_once(tried(ask(folder_id, version)), visa)
        assert sorted(outcomes) == ["", "moved-on"]
        passed = town.house.folder(folder_id).place == "bon_a_payer"
        assert passed is (outcomes[1] == "")
        if passed:
            folder_id, version = town.an_invoice()
            ask(folder_id, version)()
        with reading() as db:
            query = sa.select(AskedOpinion.run_id).where(AskedOpinion.folder_id == folder_id)
            number = db.scalar(query) or 0
        now = version + 1
        verbs = (
            lambda: asking.answer(desk, folder_id, number, version=now, answer="favourable"),
            lambda: asking.withdraw(asker, folder_id, number, version=now),
            lambda: decide.approve(colleague, folder_id, version=now),
        )
        answered, withdrawn, decided = at_once(*map(tried, verbs))
        # A desk whose question is taken back reads the folder no longer
        assert (answered, withdrawn) in {("", "moved-on"), ("not-found", "")}
        assert decided in {"moved-on", "opinion-awaited"}
        assert town.house.folder(folder_id).version == now + 1
        with reading() as db:
            assert db.get_one(StepRun, number).state == ("done" if answered == "" else "cancelled")
    town.chain_holds()


def test_a_part_handed_twice_and_against_a_visa_leaves_what_came_first(town: Town) -> None:
    holder, colleague = town.tab("n.abgrallec"), town.tab("t.lescoat")
    for _ in range(ROUNDS // 10):
        folder_id, version = town.an_invoice()
        hands = [
            lambda tab=tab, desk=desk: tab.post(  # type: ignore[misc]
                f"/dossiers/{folder_id}/confier", version=version, desk=desk, reason=REASON
            )
            for tab, desk in ((holder, "direction"), (colleague, "technique"))
        ]
        answers = at_once(*hands, approve(colleague, folder_id, version))
        assert [one.status_code for one in answers].count(302) == 1
        visa = answers[2].status_code == 302
        assert sorted(town.runs(folder_id, "finance")) == (["done"] if visa else ["active", "passed"])
        assert (town.house.folder(folder_id).place == "finance") is not visa
    town.chain_holds()


def test_approve_against_reject_leaves_one_decision(town: Town) -> None:
    first, second = town.tab("n.abgrallec"), town.tab("t.lescoat")
    for _ in range(ROUNDS // 2):
        folder_id, version = town.an_invoice()
        answers = at_once(approve(first, folder_id, version), reject(second, folder_id, version))
        one_wins(answers)
        approved = answers[0].status_code == 302
        town.decided_once(
            folder_id,
            version,
            *(("bon_a_payer", "folder.approve") if approved else ("rejected", "folder.reject")),
        )
        assert town.runs(folder_id, "finance") == ["done" if approved else "rejected"]
    town.chain_holds()


def test_taking_back_against_approve_leaves_one_decision(town: Town) -> None:
    holder, depositor = town.tab("n.abgrallec"), town.tab("g.trehorel")
    for _ in range(ROUNDS // 2):
        folder_id, version = town.an_invoice()
        answers = at_once(
            approve(holder, folder_id, version),
            lambda: depositor.post(f"/dossiers/{folder_id}/reprendre", version=version),
        )
        one_wins(answers)
        approved = answers[0].status_code == 302
        town.decided_once(
            folder_id,
            version,
            *(("bon_a_payer", "folder.approve") if approved else ("recalled", "folder.recall")),
        )
        assert town.runs(folder_id, "finance") == ["done" if approved else "cancelled"]
        assert town.runs(folder_id, "bon_a_payer") == (["active"] if approved else [])
    town.chain_holds()


def test_a_double_click_on_send_sends_once(town: Town) -> None:
    tabs = [town.tab("g.trehorel") for _ in range(2)]
    for _ in range(5):
        folder_id = town.a_draft()
        answers = at_once(
            *(
                lambda tab=tab: tab.post(f"/dossiers/{folder_id}/brouillon", version=1, action="submit")
                for tab in tabs
            )
        )
        one_wins(answers)
        assert town.house.journal(folder_id).count("folder.submit") == 1
        assert town.runs(folder_id, "service_done") == ["active"]
    town.chain_holds()


def test_a_folder_opened_in_four_tabs_at_once_is_opened_once_in_the_journal(town: Town) -> None:
    tabs = [town.tab("n.abgrallec") for _ in range(4)]
    for _ in range(10):
        folder_id, _ = town.an_invoice()
        answers = at_once(*(lambda tab=tab: tab.get(f"/dossiers/{folder_id}") for tab in tabs))
        assert [one.status_code for one in answers] == [200] * 4
        assert town.house.journal(folder_id).count("folder.opened") == 1
    town.chain_holds()


def test_a_visa_against_a_change_of_the_coming_steps_leaves_one_of_them(town: Town) -> None:
    """Whoever comes first is heard; the other is told, and the folder goes on by the way that is written."""
    here = town.house.actor("g.trehorel").collectivity_id
    desks.seat(here, "comptabilite", "g.trehorel", [Right.CREATE, Right.ACT, Right.REROUTE])
    change = '{"kind": "add", "after": "finance", "desk": "direction", "label": "Avis"}'
    tabs, firsts = (town.tab("n.abgrallec"), town.tab("g.trehorel")), set()
    for _ in range(ROUNDS // 2):
        folder_id, version = town.an_invoice()
        typed = {"do": "apply", "change": change, "reason": "Tonnage à vérifier.", "version": version}
        visa, changed = at_once(
            approve(tabs[0], folder_id, version),
            lambda number=folder_id, form=typed: tabs[1].post(f"/dossiers/{number}/etapes", **form),
        )
        assert {visa.status_code, changed.status_code} == {302, 409}
        folder = town.house.folder(folder_id)
        assert folder.version == version + 1
        rerouted = "folder.rerouted" in town.house.journal(folder_id)
        assert rerouted is (changed.status_code == 302)
        assert folder.place == ("finance" if rerouted else "bon_a_payer")
        if rerouted:
            town.house.approve(folder_id, "n.abgrallec")
            assert town.house.folder(folder_id).place.startswith("added_")
        else:
            assert "Vos changements sont encore là" in told(changed) or "n’est plus à venir" in told(changed)
        firsts.add(rerouted)
    town.chain_holds()
    assert firsts


def test_two_changes_of_the_coming_steps_at_once_make_one_version(town: Town) -> None:
    here = town.house.actor("g.trehorel").collectivity_id
    desks.seat(here, "comptabilite", "g.trehorel", [Right.CREATE, Right.ACT, Right.REROUTE])
    change = '{"kind": "add", "after": "finance", "desk": "direction", "label": "Avis"}'
    tabs = [town.tab("g.trehorel") for _ in range(2)]
    for _ in range(ROUNDS // 5):
        folder_id, version = town.an_invoice()
        typed = {"do": "apply", "change": change, "reason": "Tonnage à vérifier.", "version": version}
        clicks = [
            lambda tab=tab, number=folder_id, form=typed: tab.post(f"/dossiers/{number}/etapes", **form)
            for tab in tabs
        ]
        assert sorted(one.status_code for one in at_once(*clicks)) == [302, 409]
        assert town.house.folder(folder_id).version == version + 1
        assert town.house.journal(folder_id).count("folder.rerouted") == 1
    town.chain_holds()


def test_one_page_that_deposits_twice_at_once_makes_one_draft_and_one_document(town: Town) -> None:
    """The answer was late, and the browser or the person sent again: both lead to the same folder."""
    tabs = [town.tab("g.trehorel") for _ in range(2)]

    def count(model: type) -> int:
        with reading() as db:
            return db.scalar(sa.select(sa.func.count()).select_from(model)) or 0

    def posted(tab: Browser, path: str, once: str, **typed: str) -> Callable[[], requests.Response]:
        return lambda: tab.web.post(
            f"{tab.base}{path}",
            data={"csrf_token": tab.token, "once": once, **typed},
            files={"files": (INVOICE.name, INVOICE.read_bytes())},
            allow_redirects=False,
            timeout=120,
        )

    for turn in range(ROUNDS // 10):
        before = count(Folder)
        answers = at_once(*(posted(tab, "/deposer", f"page-{turn}", family="invoice") for tab in tabs))
        assert [one.status_code for one in answers] == [302, 302], [told(one) for one in answers]
        (place,) = {one.headers["Location"] for one in answers}
        assert count(Folder) == before + 1
        folder_id = int(place.split("/")[2])
        documents = count(Document)
        path = f"/dossiers/{folder_id}/documents"
        answers = at_once(*(posted(tab, path, f"page-{turn}", annexes="1") for tab in tabs))
        assert [one.status_code for one in answers] == [302, 302], [told(one) for one in answers]
        assert count(Document) == documents + 1
        assert town.house.journal(folder_id).count("documents.added") == 1
    town.chain_holds()


def test_one_absence_asked_twice_at_once_is_written_once(town: Town) -> None:
    absent = town.house.actor("n.abgrallec")
    for turn, cover in enumerate([None, town.house.actor("b.cadiou").user_id] * (ROUNDS // 10)):
        day = today() + timedelta(days=10 + turn)
        wanted = Wanted(absent.user_id or 0, cover, f"{day.isoformat()}T08:00", f"{day.isoformat()}T18:00")
        first, second = at_once(*(lambda asked=wanted: plan(absent, asked) for _ in range(2)))  # type: ignore[misc]
        assert first == second
    town.chain_holds()
