"""The words of a file come with its deposit, from the copy that has just examined it, as the worker would have read them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

import pikepdf
import pytest
import sqlalchemy as sa

from app.arrivals import receiving, routing
from app.arrivals.models import Arrival, Way
from app.arrivals.routing import Destination, Routing
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.stems import LONGEST, forms_in
from app.files import vault
from app.files import words as file_words
from app.files.confined import Answer, Confined, Ended, Limits
from app.folders import deposit, words
from app.folders.keep import Incoming, keep_main
from app.folders.models import Document, DocumentWords, Folder, FolderWords
from app.people import desks
from app.people.actor import Actor, system
from tests.api.software import Software
from tests.builders import corpus
from tests.builders.confined import asked
from tests.builders.house import ACT, CONTRACT, FLOW, INVOICE, House
from tests.builders.scans import bound, drawn, printed
from tests.files.test_office import odt
from workflows.family import family
from workflows.vocabulary import Right

G, K = "g.trehorel", "k.morizur"
Rows = dict[str, dict[str, Any]]


def indexed(folder_id: int) -> tuple[Rows, dict[str, str]]:
    """What is written of each document of a folder, by its role, and of the folder itself."""
    with reading() as db:
        query = (
            sa.select(Document.role, *DocumentWords.__table__.columns)
            .join(DocumentWords, DocumentWords.document_id == Document.id)
            .where(Document.folder_id == folder_id, Document.removed_at.is_(None))
        )
        rows = {row.role: dict(row._mapping) for row in db.execute(query)}
        whole = db.get(FolderWords, folder_id)
        parts = (
            {} if whole is None else {part: getattr(whole, part) for part in ("title", "notes", "documents")}
        )
    for row in rows.values():
        del row["read_at"]
    return rows, parts


def asks(folder_id: int) -> int:
    """How many rows ask the worker to read the words of a folder."""
    with reading() as db:
        query = sa.select(sa.func.count(Outbox.id))
        return db.scalar(query.where(Outbox.folder_id == folder_id, Outbox.kind == words.READ)) or 0


def anew(house: House, folder_id: int, login: str) -> tuple[Rows, dict[str, str]]:
    """The same once the worker has read all of it by itself."""
    with engine().begin() as connection:
        for table in (DocumentWords, FolderWords):
            connection.execute(sa.delete(table.__table__).where(sa.column("folder_id") == folder_id))
    assert not words.index(house.actor(login), folder_id)
    return indexed(folder_id)


def letter(path: Path) -> Path:
    path.write_bytes(corpus.pdf_of("Un zwinglophone de bois, 17 520 €"))
    return path


def scan(path: Path) -> Path:
    return bound([drawn(printed(path.with_name("page.pdf"), "Kerlann\nUn zwinglophone de bois"))], path)


def office(path: Path) -> Path:
    return odt(path.with_suffix(".odt"), "<text:p>Un zwinglophone de bois</text:p>")


def unread_invoice(path: Path) -> Path:
    return printed(path, "Facture F26-77\nMenuiserie Arzel-Huon\nTotal TTC 1 204,50 €\nDate 12/11/2026")


SAMPLES: dict[str, tuple[str, str, Callable[[Path], Path], dict[str, bool]]] = {
    # who, which family, the file; of each document that has words, whether they have their places
    "an act": (K, "deliberation", lambda _: ACT, {"main": False}),
    "a Factur-X": (G, "invoice", lambda _: INVOICE, {"main": False, "data": False}),
    "an invoice without data": (G, "invoice", unread_invoice, {"main": True}),
    "an invoice in data": (G, "invoice", lambda _: INVOICE.parent / "ubl-en16931-fr.xml", {"main": False}),
    "a payment flow": (G, "pes", lambda _: FLOW, {"main": False}),
    "a flow of a contract": (G, "pes", lambda _: CONTRACT, {"main": False}),
    "an act and an office file": (K, "deliberation", office, {"main": False, "attachment": False}),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("name", SAMPLES)
def test_a_deposit_writes_what_the_worker_would_read(house: House, tmp_path: Path, name: str) -> None:
    login, kind, make, places = SAMPLES[name]
    vault.configure(house.settings.store_url, office=True)
    sample = make(tmp_path / "fichier.pdf")
    files = [ACT, sample] if sample.suffix == ".odt" else [sample]
    folder_id = house.deposit(login, kind, *files)
    rows, parts = indexed(folder_id)
    assert asks(folder_id) == 0, "nothing is left to the worker"
    assert {role: bool(row["places"]) for role, row in rows.items()} == places
    assert all(row["state"] == "read" and row["stems"].strip() for row in rows.values())
    assert (rows, parts) == anew(house, folder_id, login)


def test_it_is_read_by_the_copy_that_has_examined_it_and_not_once_more(house: House) -> None:
    """One copy for the whole deposit of a PDF: what it costs to be born is paid once."""
    with asked() as answers:
        folder_id = deposit.deposit(house.actor(K), "other", [Incoming(ACT, ACT.name)]).folder_id
        assert len(answers) == 3, "taken apart, signed for nothing, its text"
        house.drain()
        assert len(answers) == 3
    assert indexed(folder_id)[0]["main"]["state"] == "read"


def blank_verso(path: Path) -> Path:
    with (
        pikepdf.open(BytesIO(corpus.pdf_of("Le recto seul est imprimé"))) as both,
        pikepdf.open(BytesIO(corpus.pdf_of(""))) as blank,
    ):
        both.pages.extend(blank.pages)
        both.save(path)
    return path


@pytest.mark.parametrize("make", [scan, blank_verso])
def test_what_is_to_be_recognised_is_left_to_the_worker(
    house: House, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path / "numerise.pdf")
    assert file_words.read_at_once(path, "application/pdf") is None
    folder_id = house.deposit(K, "other", path)
    assert (indexed(folder_id), asks(folder_id)) == (({}, {}), 1)
    house.drain()
    rows, _ = indexed(folder_id)
    assert (rows["main"]["state"], rows["main"]["recognised"]) == ("read", make is scan)


def test_a_text_that_says_much_is_left_to_the_worker(tmp_path: Path) -> None:
    """Its forms are made where somebody waits: each word that is another costs."""
    path = tmp_path / "liste.txt"
    path.write_text(" ".join(f"m{number}x" for number in range(30_000)))
    assert file_words.read_at_once(path, "text/plain") is None
    text = file_words.read_words(path, "text/plain")
    assert text is not None
    assert len(text.text) > file_words.SIGNS_AT_ONCE
    path.write_text("quelques mots")
    assert file_words.read_at_once(path, "text/plain") == file_words.Text("quelques mots")


def test_a_file_that_takes_long_or_ends_its_reader_is_deposited_and_left_to_the_worker(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"words": str(ACT), "media_type": "application/pdf", "at_once": True}
    assert file_words.answer(question)["text"]
    with monkeypatch.context() as patched:
        patched.setattr(file_words, "SECONDS_AT_ONCE", 0.0)
        assert file_words.answer(question) == {"unread": True}
        assert file_words.answer({**question, "at_once": False})["text"]
    torn = tmp_path / "torn.xml"
    torn.write_text("<a><b>des mots</b><b>d’une suite</b>")
    half = {"words": str(torn), "media_type": "application/xml"}
    assert file_words.answer(half)["text"] == "des mots\nd’une suite"
    assert file_words.answer({**half, "at_once": True}) == {"unread": True}, "whole, or not at all"

    limits = file_words.AT_ONCE
    assert (limits.cpu_seconds, limits.memory, limits.written) <= (2, file_words.LIMITS.memory, 0)
    ask = Confined.ask

    def ended(self: Confined, question: dict[str, Any], limits: Limits) -> Answer:
        if question.get("at_once"):
            raise Ended(late=True, cpu_seconds=2.0, megabytes=100.0)
        return ask(self, question, limits)

    with monkeypatch.context() as patched:
        patched.setattr(Confined, "ask", ended)
        folder_id = house.deposit(K, "other", letter(tmp_path / "lettre.pdf"))
    assert (indexed(folder_id), asks(folder_id)) == (({}, {}), 1)
    house.drain()
    assert "zwinglophon" in indexed(folder_id)[1]["documents"]


@pytest.mark.both_databases
def test_a_file_that_is_replaced_leaves_no_word(house: House, tmp_path: Path) -> None:
    """Neither beside the words of the new one, nor while the worker has these still to read, nor by a worker that is late."""
    actor = house.actor(K)
    folder_id = house.deposit(K, "other", letter(tmp_path / "lettre.pdf"))
    (main,) = house.versions(folder_id)
    late = dict(_read(actor, folder_id))

    def replaced(path: Path) -> None:
        deposit.replace_main(actor, folder_id, main.document_id, Incoming(path, path.name))

    replaced(scan(tmp_path / "numerise.pdf"))
    assert "zwinglophon" not in indexed(folder_id)[1]["documents"]
    assert (indexed(folder_id)[0], asks(folder_id)) == ({}, 1)
    words.write(actor, folder_id, late)  # which it had begun to read before
    assert indexed(folder_id)[0] == {}
    late = dict(_read(actor, folder_id))

    replaced(ACT)
    rows, parts = indexed(folder_id)
    assert (rows["main"]["version_id"], rows["main"]["recognised"]) == (
        house.versions(folder_id)[-1].id,
        False,
    )
    assert "zwinglophon" not in parts["documents"]
    words.write(actor, folder_id, late)
    house.drain()
    assert indexed(folder_id) == (rows, parts)


def _read(actor: Actor, folder_id: int) -> list[tuple[Any, words.Worded]]:
    """What a worker has read of a folder when it is about to write."""
    with reading(actor.collectivity_id) as db:
        sources = words._sources(db, folder_id)
    return [(one, words.worded(words._text(actor.collectivity_id, one, placed=False))) for one in sources]


def test_the_same_bytes_keep_their_words_until_they_are_read_again(house: House, tmp_path: Path) -> None:
    """As when a folder that came back begins again from the file that was deposited."""
    kept = letter(tmp_path / "lettre.pdf")
    folder_id = house.deposit(K, "other", kept)
    before, _ = indexed(folder_id)
    (main,) = house.versions(folder_id)
    again = deposit.Kept(
        "main", main.filename, main.filename, main.sha256, main.size, main.media_type, 1, "deposited"
    )
    deposit.write_replacement(house.actor(K), folder_id, main.document_id, [again], None)
    assert (indexed(folder_id)[0], asks(folder_id)) == (before, 1)
    house.drain()
    assert indexed(folder_id)[0]["main"] == {**before["main"], "version_id": house.versions(folder_id)[-1].id}


def test_a_copy_that_is_accepted_in_place_of_the_file_takes_its_words_too(
    house: House, tmp_path: Path
) -> None:
    from tests.signing.planted import direct

    path = tmp_path / "plan.pdf"
    path.write_bytes(direct())
    folder_id = house.deposit(K, "other", path)
    (original,) = house.versions(folder_id)
    assert original.note["repair"]
    deposit.accept_repair(house.actor(K), folder_id, original.document_id)
    house.drain()
    rows, _ = indexed(folder_id)
    assert {row["version_id"] for row in rows.values()} == {house.versions(folder_id)[-1].id}


def test_a_page_that_proposes_values_after_all_has_its_places_read_by_the_worker(
    house: House, tmp_path: Path
) -> None:
    """As when all that its data say was typed over: the deposit had no reason to ask where its words stand."""
    path = tmp_path / INVOICE.name
    path.write_bytes(INVOICE.read_bytes())
    actor = house.actor(G)
    kept, read = keep_main(actor.collectivity_id, family("invoice"), Incoming(path, path.name), tmp_path)
    assert read is not None
    folder_id = deposit.create(actor, "invoice", min(actor.desk_ids), kept, {})
    assert (set(indexed(folder_id)[0]), asks(folder_id)) == ({"data"}, 1)
    house.drain()
    assert indexed(folder_id)[0]["main"]["places"]


def test_a_deposit_by_the_api_and_one_by_mail_come_with_their_words(house: House, tmp_path: Path) -> None:
    answer = Software(house, "secretariat", [Right.CREATE]).deposit(
        "other", letter(tmp_path / "lettre.pdf"), {"subject": "Plan"}
    )
    assert answer.status_code == 201, answer.json
    folder_id = answer.json["id"]
    assert ("zwinglophon" in indexed(folder_id)[1]["documents"], asks(folder_id)) == (True, 0)

    here = house.actor(K).collectivity_id
    routing.choose(house.actor(K), Routing((), Destination("technique", "", service="technique")))
    invoice = unread_invoice(tmp_path / "facture.pdf")
    files = [Incoming(invoice, invoice.name)]
    receiving.receive(here, Way.MAIL, "1", files, origin="a@b.example")
    house.drain()
    with reading() as db:
        opened = db.scalars(sa.select(Arrival)).one().folder_id
    assert opened is not None
    rows, _ = indexed(opened)
    assert (bool(rows["main"]["places"]), asks(opened)) == (True, 0)


@pytest.mark.both_databases
def test_the_same_file_in_two_communes_has_its_words_in_each_alone(house: House, tmp_path: Path) -> None:
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desk = desks.create_desk(other, "secretariat", "Secrétariat")
    path = letter(tmp_path / "lettre.pdf")
    mine = house.deposit(K, "other", path)
    kept, read = keep_main(other, family("other"), Incoming(path, path.name), tmp_path)
    theirs = deposit.create(system(other), "other", desk, kept, {}, read=read)
    for collectivity_id, folder_id in ((house.actor(K).collectivity_id, mine), (other, theirs)):
        with reading(collectivity_id) as db:
            assert list(db.scalars(sa.select(DocumentWords.folder_id))) == [folder_id]
            assert list(db.scalars(sa.select(FolderWords.folder_id))) == [folder_id]


@pytest.mark.both_databases
def test_words_that_cannot_be_written_undo_the_deposit_and_nothing_of_it_stays(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verb is one transaction: killed or refused at its last statement, it has done nothing."""
    path = letter(tmp_path / "lettre.pdf")

    def rewrite(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(words, "_add", rewrite)
        with pytest.raises(RuntimeError, match="killed"):
            deposit.deposit(house.actor(K), "other", [Incoming(path, path.name)])
    with reading() as db:
        for table in (Folder, Document, DocumentWords, FolderWords, Outbox):
            assert db.scalar(sa.select(sa.func.count()).select_from(table)) == 0, table.__name__
    assert "zwinglophon" in indexed(house.deposit(K, "other", path))[1]["documents"]


@pytest.mark.parametrize(
    "text", ["é" * file_words.SIGNS, "ab-" + "\n" * file_words.SIGNS], ids=["word", "blank"]
)
def test_a_word_or_a_blank_as_long_as_its_file_holds_up_no_deposit(text: str) -> None:
    """Its forms are made by the process that serves the pages, while nothing else is done there: they took 150 seconds."""
    began = process_time()
    assert all(len(form) <= LONGEST for form in forms_in(text))
    assert process_time() - began < 5


def test_a_word_that_a_line_cuts_is_found_whole() -> None:
    cut = "la régle-\n  mentation, un porte-\u00a0\n\n plume, un porte- clé, 7abc-\ndef-\nghi, a-\nbc"
    assert {"reglement", "port", "plum", "porteplum", "abcdef", "7abc", "ghi"} <= set(forms_in(cut))
    assert not {"portecl", "abc", "defgh", "defghi"} & set(forms_in(cut))
