"""What the Préfecture would refuse is told on the draft, line by line, and nobody signs it."""

import html
import re
import shutil
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.channels.actes import budget_calendar, preflight
from app.channels.actes.channel import ActesChannel
from app.channels.actes.renewal import renew
from app.channels.actes.xmltree import SHIPPED as SCHEMAS
from app.core.db import engine
from app.core.refusals import Refusal
from app.folders import decide, deposit, sending
from app.folders.keep import Incoming
from app.legality import cancelling, replies
from app.transmission import channels, dispatch, rehearsal
from app.transmission.ports import Answer, AnswerKind
from tests.assets import make_signed
from tests.builders.budgets import sealed
from tests.builders.house import ACT, BUDGET, House
from tests.legality.town import a_letter, fetch, page, typed, write
from tests.transmission.test_dispatch import receipts, state, the_system, transmission
from workflows.family import Problem

pytestmark = pytest.mark.in_turn

CLERK, MAYOR = "k.morizur", "a.kervadec"
TO_COME = "2199-12-31"  # no day that midnight may reach while the tests run
CLASSIFICATION = Path("app/channels/actes/data/classification-2019-04-18.xml")
BY_THE_CONTRACT = {
    *(f"A{rank:02}" for rank in range(1, 14)),
    *(f"X{rank:02}" for rank in range(1, 7)),
    *(f"E{rank:02}" for rank in range(1, 4)),
    *(f"W{rank:02}" for rank in range(1, 5)),
}
"""Every refusal rule of @CTES: A of the act, X of its message, E of its envelope, W of what follows its receipt."""


def publish(house: House, day: str = "2026-11-01", change: tuple[str, str] = ("", "")) -> None:
    """The Préfecture has another classification."""
    folder = house.settings.actes_folder
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    text = CLASSIFICATION.read_bytes().decode("latin-1").replace("2019-04-18", day).replace(*change)
    (folder / "classification.xml").write_bytes(text.encode("latin-1"))


def draft(house: House, folder_id: int) -> str:
    """The words of a draft's page."""
    return words(house.client(CLERK).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True))


def words(page: str) -> str:
    return re.sub(
        r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ").replace("\u202f", " ")
    )


def told_and_refused(house: House, folder_id: int, sentence: str) -> None:
    """The draft's page says it, and the verb that sends refuses with it: nobody is ever asked to sign."""
    assert sentence in draft(house, folder_id)
    with pytest.raises(Refusal, match="to-fix"):
        sending.send(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)
    assert house.folder(folder_id).place == "draft"


def change(sql: str, **values: Any) -> None:
    with engine().begin() as connection:
        connection.execute(sa.text(sql), values)


class Scene:
    """A house, and the ways to break a rule in it; each gives the draft that breaks it."""

    def __init__(self, house: House, patch: pytest.MonkeyPatch, room: Path) -> None:
        self.house, self._patch, self._room = house, patch, room
        # What other tests judged in this process is judged again here, where the channel itself is altered
        patch.setattr(rehearsal, "_known", OrderedDict())
        channel = channels.open_channel("actes")
        assert isinstance(channel, ActesChannel)
        self._channel = channel

    def act(self, **facts: str) -> int:
        return self.house.a_deliberation(at="draft", **facts)

    def number_taken(self) -> int:
        self.house.a_deliberation(number="2026-057")
        return self.act(number="2026-057")

    def classified_before(self) -> int:
        folder_id = self.act()
        publish(self.house)
        renew(self.house.actor(CLERK))
        return folder_id

    def budget(self, before: bytes = b"", after: bytes = b"", *annexes: Path, **facts: str) -> int:
        path = self._room / "budget.xml"
        path.write_bytes(BUDGET.read_bytes().replace(before, after))
        return self.house.an_act("budget", path, *annexes, at="draft", **facts)

    def typed_as(self, code: str) -> int:
        folder_id = self.act()
        (main,) = self.house.versions(folder_id)
        given = {"version": self.house.folder(folder_id).version, "title": None, "facts": {}}
        deposit.save(self.house.actor(CLERK), folder_id, **given, types={main.document_id: code})
        return folder_id

    def tampered_annex(self) -> int:
        annex = self._room / "annexe.pdf"
        annex.write_bytes(make_signed.tampered())
        return self.house.an_act("other_act", ACT, annex, at="draft")

    def installed(self, **settings: object) -> int:
        changed = self._channel._settings.model_copy(update=settings)
        self._patch.setattr(self._channel, "_settings", changed)
        return self.act()

    def newer_schema(self) -> int:
        folder = self._room / "schema"
        shutil.copytree(SCHEMAS / "2018", folder)
        schema = folder / "actesv1_1.xsd"
        schema.write_bytes(schema.read_bytes().replace(b'"DocumentPapier"', b'"DocumentNumerique"'))
        return self.installed(schema_folder=folder)

    def miswritten(self, change: Callable[[list[tuple[str, Any]]], list[tuple[str, Any]]]) -> int:
        made = self._channel._entries
        self._patch.setattr(self._channel, "_entries", lambda *given: change(made(*given)))
        return self.act()

    def message(self, before: bytes, after: bytes) -> int:
        def change(entries: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
            envelope, (name, message), *files = entries
            assert before in message
            return [envelope, (name, message.replace(before, after)), *files]

        return self.miswritten(change)

    def unknown_collectivity(self) -> int:
        change("UPDATE collectivity SET department = '29'")
        return self.act()

    def unaddressed(self) -> int:
        settings = self.house.settings.model_copy(update={"actes_email": ""})
        self.house = House(create_app(settings), settings, self.house.pki, self.house.mail)
        return self.act()

    def reply_with_two_documents(self) -> int:
        _, letter = a_letter(self.house, "2-1")
        actor = self.house.actor(CLERK)
        reply = replies.prepare_reply(actor, letter.id, "2-2", typed(self._room, "99_DE"))
        deposit.add_documents(actor, reply, [Incoming(ACT, ACT.name)])
        return reply


def _without(rank: int) -> Callable[[list[Any]], list[Any]]:
    return lambda entries: [one for n, one in enumerate(entries) if n != rank]


BROKEN: dict[str, tuple[Callable[[Scene], int], str]] = {
    "A01": (lambda on: on.act(number="2026-057-MARCHE-PUBLIC"), "la préfecture en accepte 15. Raccourcissez-le."),
    "A01-empty": (lambda on: on.act(number=""), "Le numéro de l’acte manque."),
    "A02": (Scene.number_taken, "un numéro ne sert qu’une fois, même refusé ou annulé. Prenez « 2026_057_1 »"),
    "A03": (lambda on: on.act(decision_date=TO_COME), "est à venir. Corrigez-la"),
    "A04": (lambda on: on.act(subject="Fête 🎉"), "que la préfecture ne peut pas lire : 🎉. Remplacez-les."),
    "A04-long": (lambda on: on.act(subject="é" * 500), "L’objet a 500 caractères et la préfecture en accepte 499."),
    "A05": (lambda on: on.act(nature="9"), "La nature de l’acte manque ou est inconnue. Choisissez parmi"),
    "A06": (lambda on: on.act(matter="7.99"), "La matière « 7.99 » n’est pas dans la classification"),
    "A06-empty": (lambda on: on.act(matter=""), "La matière doit avoir au moins deux niveaux"),
    "A07": (Scene.classified_before, "remplacée par celle du 01/11/2026. Choisissez-la de nouveau."),
    "A08": (
        lambda on: on.budget(b"", b"", ACT, nature="1"),
        "est un XML, réservé aux budgets (nature 5, matière 7.1). Déposez l’acte en PDF.",
    ),
    "A09": (Scene.budget, "Un budget en XML part avec sa délibération. Ajoutez-la en annexe, en PDF."),
    "A10": (lambda on: on.typed_as("11_AE"), "Le type « 11_AE » n’est pas permis pour"),
    "A11": (lambda on: on.installed(max_archive_bytes=1024), "Réduisez ou retirez des annexes."),
    "A12": (Scene.tampered_annex, "La signature d’Armel Kervadec sur « annexe » n’est plus valable"),
    "A13": (lambda on: on.budget(b"12000.00", b"12500.00", ACT), "le contenu a changé après le scellement"),
    "A13-unsealed": (lambda on: on.budget(b"Scellement", b"Scelle", ACT), "Le fichier n’est pas scellé"),
    "A14": (lambda on: on.budget(b"", b"", ACT, fiscal_year="2019"), "qui dit « 2027 ». Remettez cette valeur"),
    "X01": (lambda on: on.message(b"</actes:Acte>", b""), "n’est pas un XML bien formé et sûr"),
    "X02": (Scene.newer_schema, "Le message ne suit pas le schéma de la préfecture"),
    "X03": (lambda on: on.message(b'Nombre="0"', b'Nombre="1"'), "Le message annonce 1 annexes et en nomme 0."),
    "X04": (
        lambda on: on.miswritten(lambda entries: [*entries, ("note.txt", b"x")]),
        "« note.txt » est dans l’archive et aucun message ne le nomme.",
    ),
    "X05": (lambda on: on.message(b'"2026_057"', b'"2026_058"'), "ne dit pas le même acte que le message."),
    "X06": (
        lambda on: on.miswritten(lambda made: [(made[0][0].replace(".xml", "0.xml"), made[0][1]), *made[1:]]),
        "ne suit pas celui de l’enveloppe.",
    ),
    "E01": (lambda on: on.miswritten(_without(0)), "L’archive contient 0 enveloppes au lieu d’une."),
    "E02": (lambda on: on.miswritten(_without(1)), "absent de l’archive."),
    "E03": (Scene.unknown_collectivity, "Le département « 29 » s’écrit « 029 » ou « 02A ». Demandez à l’administrateur"),
    "E03-empty": (Scene.unaddressed, "L’enveloppe n’a aucune adresse de courriel à donner à la préfecture"),
    "W03": (Scene.reply_with_two_documents, "Cette réponse part avec un seul document : retirez les annexes"),
}  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # no rule asks it anything
@pytest.mark.parametrize("case", BROKEN)
def test_a_rule_that_would_be_broken_is_told_on_the_draft_and_refused_before_any_signature(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    """Each rule is broken where it can be: A by what is typed or deposited, E03 by the card of the collectivity, W03 by the
    documents of a reply, X02 by a newer schema of the installation.

    Nobody can break the others by the pages: Paraphe writes the message, the names, the envelope and the archive itself.
    X01, X03 to X06, E01 and E02 are broken in what it writes, as a faulty version of it would: the archive is opened before
    the signature as the other side opens it after, and whoever reads is told that the fault is not the folder's.
    """
    broken, sentence = BROKEN[case]
    folder_id = broken(Scene(house, monkeypatch, tmp_path))
    told_and_refused(house, folder_id, sentence)
    if case[0] == "X" or case in {"E01", "E02"}:
        assert "Rien n’est à corriger dans ce dossier : prévenez l’administrateur." in draft(house, folder_id)


def w01(house: House) -> None:
    """A cancellation is asked of a receipt, and once: refused from the act's page, before there is anything to approve."""
    actor, why = house.actor(CLERK), "il n’a pas d’accusé électronique, ou son annulation est déjà demandée"
    waiting, act = house.a_deliberation(at="direction"), house.a_deliberation(at="publication")
    request = cancelling.prepare_cancellation(actor, act, "Mauvaise annexe.")
    assert "L’annulation vise un acte dont la préfecture a accusé réception" in draft(house, request)
    for folder_id in (waiting, act):
        assert why in words(page(house, CLERK, f"/dossiers/{folder_id}/annuler-la-transmission"))
        with pytest.raises(Refusal, match="not-cancellable"):
            cancelling.prepare_cancellation(actor, folder_id, "Mauvaise annexe.")


def w02(house: House) -> None:
    """An anomaly that comes after the receipt is shown among the pieces, and the act stays where it is."""
    act = house.a_deliberation(at="publication")
    before = house.folder(act)
    write(house, act, "1-3")
    fetch(house)
    assert (house.folder(act).place, house.folder(act).fields) == ("publication", before.fields)
    assert "Anomalie reçue après l’accusé, sans effet sur lui" in words(
        page(house, CLERK, f"/dossiers/{act}?onglet=pieces")
    )


def w04(house: House) -> None:
    """The same receipt once more changes nothing: it is shown once."""
    act = house.a_deliberation(at="publication")
    before, sent, (kept,) = state(house, act), transmission(act), receipts(act)
    raw = house.bytes_of(house.versions(act, "receipt")[0])
    given = (raw, kept.filename, sent.identifier, sent.received_on, None)
    answer = Answer(AnswerKind.ACKNOWLEDGED, *given, simulated=True)
    assert dispatch.acknowledge(the_system(house), sent.id, answer, kept.sha256) is False
    assert state(house, act) == before


OURS = {"A14"}
AFTERWARDS = {"W01": w01, "W02": w02, "W04": w04}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("rule", AFTERWARDS)
def test_a_rule_on_what_follows_a_receipt_is_kept_and_shown(house: House, rule: str) -> None:
    """These cannot be broken before a signature: they say what may follow the receipt of an act that was signed."""
    AFTERWARDS[rule](house)


def test_every_rule_of_the_contract_has_a_line_and_an_example_that_breaks_it() -> None:
    listed = {
        rule
        for table in (preflight.ACT, preflight.REPLY, preflight.CANCELLATION)
        for rules, *_ in table
        for rule in rules
    }
    assert {case.partition("-")[0] for case in BROKEN} | set(AFTERWARDS) == BY_THE_CONTRACT | OURS
    assert listed == (BY_THE_CONTRACT | OURS) - {
        "W02",
        "W04",
    }  # of what the other side sends: nobody has anything to do


def test_an_act_that_breaks_no_rule_is_told_so_with_its_subject_as_it_will_travel(house: House) -> None:
    folder_id = house.a_deliberation(at="draft", subject="Vœux – « l’été » à 5 €…")
    page = draft(house, folder_id)
    assert "Contrôles avant transmission : tout est en ordre" in page
    assert "Objet tel qu’il partira : « Voeux - « l'été » à 5 EUR..." in page
    assert "?" not in page.split("Objet tel qu’il partira")[1][:60]


def test_a_type_that_the_nature_does_not_allow_is_told_and_chosen_again(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    (main,) = house.versions(folder_id)
    client = house.client(CLERK)

    def save(**more: str) -> str:
        page = client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
        (version,) = re.findall(r'name="version" value="(\d+)"', page)[:1]
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', page)[:1]
        data = {"csrf_token": token, "version": version, "action": "save", **more}
        assert client.post(f"/dossiers/{folder_id}/brouillon", data=data).status_code == 302
        return draft(house, folder_id)

    name = f"type-{main.document_id}"
    assert "tout est en ordre" in save(**{name: "99_DE"})
    # The default of the former nature follows the nature; a type that somebody chose stays, and is told.
    assert "tout est en ordre" in save(nature="2")
    assert "tout est en ordre" in save(nature="1")
    save(**{name: "70_DE"})
    assert "Le type « 70_DE » n’est pas permis" in save(nature="6")
    told_and_refused(house, folder_id, "Choisissez un type permis pour cette nature.")
    assert "tout est en ordre" in save(**{name: "99_AU"})


def test_a_folder_that_has_come_to_be_refused_is_signed_by_nobody(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    change("UPDATE collectivity SET district = '12'")
    with pytest.raises(Refusal, match="would-be-refused") as refused:
        house.sign(folder_id, MAYOR)
    assert "L’arrondissement « 12 » est un chiffre." in str(refused.value.facts["details"])
    page = words(house.client(MAYOR).get(f"/dossiers/{folder_id}").get_data(as_text=True))
    assert "Signé, ce dossier serait refusé à l’envoi. L’arrondissement « 12 »" in page
    assert "Contrôles avant transmission : 1 à régler" in page
    assert house.folder(folder_id).place == "signatures"
    change("UPDATE collectivity SET district = '1'")
    house.sign(folder_id, MAYOR)


def test_an_invoice_is_not_judged_by_the_state(house: House) -> None:
    page = words(
        house.client("g.trehorel")
        .get(f"/dossiers/{house.an_invoice(at='draft')}/brouillon")
        .get_data(as_text=True)
    )
    assert "Contrôles avant transmission" not in page
    assert "Type de pièce" not in page


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # no rule asks it anything
def test_bud_03_the_budget_of_another_body_is_not_taken_in_even_as_a_replacement(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "budget.xml"
    path.write_bytes(sealed(BUDGET.read_bytes(), (b"21290999800017", b"21350001000019")))
    with pytest.raises(Refusal, match="budget-other-body"):
        house.deposit(CLERK, "budget", path)
    folder_id = house.an_act("budget", BUDGET, ACT, at="draft")
    (main,) = house.versions(folder_id)
    with pytest.raises(Refusal, match="budget-other-body"):
        deposit.replace_main(house.actor(CLERK), folder_id, main.document_id, Incoming(path, "budget.xml"))
    assert house.bytes_of(house.versions(folder_id)[0]) == BUDGET.read_bytes()


@pytest.mark.law("BUD-01", "BUD-02")
@pytest.mark.parametrize(
    "database", ["sqlite"], indirect=True
)  # one statement, of rows that other tests write on both
def test_the_calendar_of_a_budget_is_told_before_it_is_here_and_its_days_on_its_draft(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def home(login: str, day: str) -> str:
        monkeypatch.setattr(budget_calendar, "today", lambda: date.fromisoformat(day))
        return words(house.client(login).get("/a-traiter").get_data(as_text=True))

    debate, vote, sent = (
        "Débat d’orientations budgétaires",
        "Vote du budget 2027",
        "Transmission du budget 2027",
    )
    season = home(CLERK, "2027-02-01")
    for told in (debate, vote, sent, "15 avril 2027", "30 avril 2027", "à partir du jeudi 4 février 2027"):
        assert told in season, told
    assert "Calendrier budgétaire" not in home(
        "g.trehorel", "2027-02-01"
    )  # who deposited none, and administers nothing
    assert "Calendrier budgétaire" not in home(CLERK, "2026-11-28")
    assert "date passée" in home(CLERK, "2027-04-16")
    assert "30 avril 2032, année de renouvellement" in home(CLERK, "2032-02-10")
    assert "Vote du compte 2026" in home(CLERK, "2027-05-03")
    folder_id = house.an_act(
        "budget", BUDGET, ACT, at="draft"
    )  # the primary budget of 2027, voted on 12 November
    here = home(CLERK, "2027-04-20")
    assert (debate in here, vote in here, sent in here) == (True, True, True)
    assert "Le budget 2027 qui est ici n’est pas envoyé" in here
    assert "le conseil débat des orientations dans les dix semaines" in draft(house, folder_id)
    decide.withdraw(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)
    assert "qui est ici" not in home(CLERK, "2027-04-20")  # what was given up answers nothing
    # An annex budget answers nothing either; the main one does once it was sent, even to whoever may still reject it
    annex = tmp_path / "annexe.xml"
    annex.write_bytes(sealed(BUDGET.read_bytes(), (b'<CodTypBud V="P"/>', b'<CodTypBud V="A"/>')))
    house.an_act("budget", annex, ACT)
    here = home(CLERK, "2027-04-20")
    assert (vote in here, sent in here, here.count("Au moins un budget 2027 est ici")) == (True, True, 2)
    house.an_act("budget", BUDGET, ACT)
    here = home(CLERK, "2027-04-20")
    assert (debate in here, vote in here, sent in here) == (False, False, True)
    assert "Au moins un" not in here


def test_what_cannot_be_judged_of_a_budget_that_cannot_be_read_is_never_told_right() -> None:
    unread = preflight.lines([Problem("X01", "main", "Malformé.")], about="", budget=True)
    told = {line.label: line.fixes for line in unread}
    later = ("Sera vérifié quand le fichier du budget sera en règle.",)
    assert (told["Le scellement du budget"], told["Le budget"]) == (later, later)
