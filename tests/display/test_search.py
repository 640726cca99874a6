"""The search finds what it must by every word, on both databases, and tells nobody of what he may not read."""

import html
import os
import random
import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pypdfium2 import PdfDocument

from app.core import days, outbox, schema
from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, engine, reading, writing
from app.core.stems import forms_in, joined
from app.display import asking, following, searching
from app.display.asking import understood
from app.files import ocr, vault, words
from app.folders import deposit, keep, notes
from app.folders import words as folder_words
from app.folders.keep import Incoming
from app.folders.models import (
    Document,
    DocumentVersion,
    DocumentWords,
    Folder,
    FolderNote,
    FolderWords,
    StepRun,
)
from app.folders.search import key_of_folder, words_of
from app.folders.words import index, index_all
from app.people.actor import Actor, Seat
from app.people.models import Absence, User
from tests.builders import corpus
from tests.builders.house import ACT, House
from workflows.rights import Rights

MANY = int(os.environ.get("PARAPHE_CORPUS", "200"))
G, R, K, N = "g.trehorel", "r.pellenec", "k.morizur", "n.abgrallec"


@pytest.fixture
def library(house: House) -> list[corpus.Known]:
    """The corpus, deposited as rows and indexed as every deposit is."""
    known, dice = corpus.drawn(MANY), random.Random(3)
    actor, other = house.actor(G), house.actor(K)
    moment, scope = now(), vault.scope(actor.collectivity_id)
    with writing() as db, db.begin():
        for one in known:
            facts = {"seller": one.seller, "issue_date": one.day.isoformat()}
            who = actor if one.ours else other
            folder = Folder(
                collectivity_id=actor.collectivity_id, family="invoice", title=one.title, number=one.number,
                title_key=key_of_folder(one.title, one.number, facts, one.cents), place="done", phase="done", round=1,
                emitter_desk_id=min(who.desk_ids), depositor_user_id=who.user_id, depositor_name=who.name, fields=facts,
                sources={}, amount_cents=one.cents, due_on=NO_DATE, created_at=moment - timedelta(days=one.rank),
                updated_at=moment, submitted_at=moment - timedelta(days=one.rank),
            )  # fmt: skip
            db.add(folder)
            db.flush()
            one.folder_id = folder.id
            text = one.text(dice)
            data = {"pdf": corpus.pdf_of, "xml": corpus.xml_of, "scan": lambda _: corpus.pdf_of("")}[
                one.format
            ](text)
            kept = vault.store().put_bytes(scope, data)
            document = Document(
                collectivity_id=actor.collectivity_id,
                folder_id=folder.id,
                role="main",
                title="Pièce",
                position=0,
            )
            db.add(document)
            db.flush()
            db.add(
                DocumentVersion(
                    collectivity_id=actor.collectivity_id,
                    document_id=document.id,
                    number=1,
                    round=0,
                    sha256=kept.sha256,
                    size=len(data),
                    filename="p",
                    origin="deposited",
                    note={},
                    created_at=moment,
                    media_type="application/xml" if one.format == "xml" else "application/pdf",
                    created_by="x",
                )
            )
            if one.note:
                said = f"À voir : {corpus.NOTIONS[one.note[0]][-1]}."
                mine = one.reach in {"all", "alone"}
                db.add(
                    FolderNote(
                        collectivity_id=actor.collectivity_id,
                        folder_id=folder.id,
                        who="x",
                        words=said,
                        told=[],
                        user_id=actor.user_id if mine else other.user_id,
                        stems=joined(forms_in(said)),
                        reach="alone" if one.reach == "other" else one.reach,
                        written_at=moment,
                    )
                )
    assert not any(failed for _, failed in index_all(actor.collectivity_id, 2**31 - 1, again=False))
    return known


def found(house: House, login: str, typed: str, **facets: tuple[str, ...]) -> searching.Results:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return searching.search(db, actor, understood(typed), searching.Chosen(**facets))


@pytest.mark.both_databases
def test_two_hundred_questions_find_what_they_must_and_nobody_else_anything(
    house: House, library: list[corpus.Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    for way in ("all looked at", "by index", "in order"):
        with monkeypatch.context() as patched:
            if way != "all looked at":
                patched.setattr(following, "FEW", 0)
            patched.setattr(following, "COMMON", 0 if way == "in order" else 10**6)
            assert wrongly(house, library) == {}, way
    _finds_nothing(house, library)
    with monkeypatch.context() as patched:
        if len(library) > following.MOST_COUNTED:  # a larger corpus: what is found is still counted
            for limit in ("MOST_COUNTED", "FEW"):
                patched.setattr(following, limit, 10**6)
        _counts_what_it_keeps(house)
    _finds_the_same_by_an_amount_that_many_have(house, library, monkeypatch)
    _keeps_by_each_facet_beyond_what_is_counted(house, library, monkeypatch)


def _finds_the_same_by_an_amount_that_many_have(
    house: House, library: list[corpus.Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page after page, whether the amount is asked first, the words or what one has read."""
    actor, word = house.actor(G), corpus.NOTIONS[library[0].inside[0]][0]
    for typed in ("> 1", "exemplaires > 1", f"{word} > 1", f"{library[0].seller} > 1", "introuvable > 1"):
        pages: dict[str, list[int]] = {}
        for way, limits in {
            "all looked at": {},
            "few have the amount": {"FEW": 0, "COMMON": 10**6},
            "many have it": {"FEW": 0, "COMMON": 10**6, "MATCHES": 25, "MOST_COUNTED": 20},
            "too many have it": {"FEW": 0, "COMMON": 10**6, "MATCHES": 25, "PRICED": 25, "MOST_COUNTED": 20},
        }.items():
            with monkeypatch.context() as patched:
                for name, limit in limits.items():
                    patched.setattr(following, name, limit)
                pages[way] = _page_after_page(actor, typed)
                for most in (3, 10**6):
                    with reading(actor.collectivity_id) as db:
                        count = searching.count(db, actor, understood(typed), searching.Chosen(), most)
                    assert count == min(most, len(pages[way])), (typed, way, most)
        assert len({tuple(numbers) for numbers in pages.values()}) == 1, typed
        assert bool(pages["all looked at"]) != (typed == "introuvable > 1"), typed


def _page_after_page(actor: Actor, typed: str) -> list[int]:
    numbers, after = list[int](), None
    while True:
        with reading(actor.collectivity_id) as db:
            part, whole = following.match_numbers(db, actor, understood(typed), after=after)
        numbers += part
        if whole:
            return numbers
        after = str(part[-1])


def wrongly(house: House, library: list[corpus.Known]) -> dict[str, tuple[set[int], set[int]]]:
    """The questions that find what they should not, or not what they should."""
    actor, ranks = house.actor(G), {one.folder_id: one.rank for one in library}
    wrong, asked = {}, 0
    with reading(actor.collectivity_id) as db:
        for typed, wanted in corpus.questions(library):
            numbers = searching.numbers(db, actor, understood(typed), searching.Chosen(), 10**6)
            got = {ranks[one] for one in numbers}
            asked += 1
            if got != wanted:
                wrong[typed] = (got - wanted, wanted - got)
    assert asked == 200
    return wrong


def _finds_nothing(house: House, library: list[corpus.Known]) -> None:
    for login in (R, "b.cadiou"):
        for typed in ("enrobé", "> 1", "F26-1003", "Arzel-Huon", "Gaëlle Tréhorel"):
            results = found(house, login, typed)
            assert (list(results.found), results.total, list(results.facets), results.snippets) == (
                [],
                0,
                [],
                {},
            )
    # Of what all documents have, those of the other desk are in no count
    everything = found(house, G, "exemplaires")
    assert everything.total in {len([one for one in library if one.ours and one.format != "scan"]), None}
    other = next(one for one in library if not one.ours)
    assert found(house, G, other.number).total == 0
    # A note for its author alone is found by nobody else, nor shown
    secret = next(
        one for one in library if one.ours and one.reach == "other" and not corpus.has(one, one.note[0])
    )
    hidden = found(house, G, f"{secret.number} {corpus.NOTIONS[secret.note[0]][0]}")
    assert (hidden.total, hidden.snippets) == (0, {})


def _counts_what_it_keeps(house: House) -> None:
    results = found(house, G, "goelands")
    facets = {one.key: {box.value: int(box.count) for box in one.options} for one in results.facets}
    assert results.total is not None
    for place, count in facets["ou"].items():
        assert found(house, G, "goelands", places=(place,)).total == count, place
    assert sum(facets.get("annee", {}).values()) in {0, results.total}
    for snippet in results.snippets.values():
        assert any(one.marked and one.text.lower().startswith("goéland") for one in snippet.pieces)
    client = house.client(G)
    page = client.get("/recherche", query_string={"q": "goelands > 10"}).get_data(as_text=True)
    assert "<mark>" in page
    assert "plus de 10,00" in page
    assert "Aucun dossier" in house.client(R).get("/recherche?q=goelands").get_data(as_text=True)
    assert "&lt;script" in client.get("/recherche?q=<script>").get_data(as_text=True)
    table = client.get("/suivi.csv", query_string={"q": "goelands", "ou": "documents"}).get_data(as_text=True)
    assert len(table.splitlines()) == facets["ou"]["documents"] + 1
    assert client.get("/suivi?q=goelands").status_code == 302
    answers: list[str] = []
    after = None
    while True:
        answer = client.get("/recherche", query_string={"q": "goelands", "apres": after or ""})
        answers += re.findall(r'class="ftitle strong" href="/dossiers/(\d+)', answer.get_data(as_text=True))
        more = re.search(r"apres=(\d+)", answer.get_data(as_text=True))
        if more is None:
            break
        after = more[1]
    assert len(answers) == len(set(answers)) == results.total


FACETS = {"type": "types", "ou": "places", "etat": "states", "annee": "years"}
"""Of each facet of the page, the field of what is chosen."""


def _keeps_by_each_facet_beyond_what_is_counted(
    house: House, library: list[corpus.Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is ticked keeps the same folders whether they are counted in memory or asked of the base."""
    ours = [one.folder_id for one in library if one.ours and one.format != "scan"][:3]
    days = datetime(2014, 6, 1, tzinfo=UTC), datetime(2014, 12, 31, 23, 30, tzinfo=UTC), None  # 2015 in Paris
    with writing() as db, db.begin():
        for number, day in zip(ours, days, strict=True):
            values = {"submitted_at": day} if day is not None else {"phase": "rejected"}
            db.execute(sa.update(Folder).where(Folder.id == number).values(**values))
    assert set(FACETS.values()) == {one.name for one in fields(searching.Chosen)}
    asked, actor = understood("exemplaires"), house.actor(G)

    def those(**facets: tuple[str, ...]) -> list[int]:
        with reading(actor.collectivity_id) as db:
            return searching.numbers(db, actor, asked, searching.Chosen(**facets), 10**6)

    with monkeypatch.context() as patched:
        for limit in ("MOST_COUNTED", "FEW"):
            patched.setattr(following, limit, 10**6)
        whole = found(house, G, "exemplaires")
        assert {one.key for one in whole.facets} == {"etat", "annee"}
        wanted = {
            (one.key, box.value): those(**{FACETS[one.key]: (box.value,)})
            for one in whole.facets
            for box in one.options
        } | {("ou", one): those(places=(one,)) for one in searching.PLACES}
        counted = {(one.key, box.value): int(box.count) for one in whole.facets for box in one.options}
        assert counted == {key: len(wanted[key]) for key in counted}
    monkeypatch.setattr(following, "MOST_COUNTED", 3)
    for way in ("all looked at", "in order"):
        monkeypatch.setattr(following, "FEW", 1_000 if way == "all looked at" else 0)
        monkeypatch.setattr(following, "COMMON", 0)
        many = found(house, G, "exemplaires")
        boxes = {(one.key, box.value): box.count for one in many.facets for box in one.options}
        assert many.total is None
        assert {*wanted, ("etat", "draft"), ("type", "contract"), ("annee", "2014")} <= {*boxes}
        assert set(boxes.values()) == {""}
        for (key, value), numbers in wanted.items():
            assert those(**{FACETS[key]: (value,)}) == numbers, (way, key, value)
        for key, value in (("annee", "2014"), ("annee", "2015"), ("etat", "rejected")):
            (number,) = wanted[key, value]
            few = found(house, G, "exemplaires", **{FACETS[key]: (value,)})
            assert (few.total, [one.id for one in few.found]) == (1, [number])
        for years in ("9" * 5000, "0", "1", "abc"):
            assert those(years=(years,)) == []
        page = house.client(G).get("/recherche?q=exemplaires&annee=2014").get_data(as_text=True)
        assert ("1 dossier<" in page, "Beaucoup de dossiers" in page) == (True, False)
        table = house.client(G).get("/suivi.csv?q=exemplaires&annee=2014").get_data(as_text=True)
        assert len(table.splitlines()) == 2


def test_what_is_taken_out_of_a_folder_or_hidden_in_it_is_found_no_more(house: House, tmp_path: Path) -> None:
    """The annex goes with its words in one transaction; a note for all comes with its own."""
    annex = tmp_path / "annexe.pdf"
    annex.write_bytes(corpus.pdf_of("Un zwinglophone de bois"))
    folder_id = house.deposit(K, "deliberation", ACT, annex)
    assert [one.id for one in found(house, K, "zwinglophones").found] == [folder_id]
    assert "annexe" in found(house, K, "zwinglophones").snippets[folder_id].where
    with reading() as db:
        document = db.scalars(
            sa.select(Document).where(Document.folder_id == folder_id, Document.role == "attachment")
        ).one()
    deposit.remove_document(house.actor(K), folder_id, document.id)
    assert found(house, K, "zwinglophones").total == 0
    with reading() as db:
        assert db.get(DocumentWords, document.id) is None
    for reach, word in (
        (notes.Reach.ALL, "kouignamann"),
        (notes.Reach.DESK, "farfouille"),
        (notes.Reach.ALONE, "galetouse"),
    ):
        notes.write(house.actor(K), folder_id, notes.Draft(f"Voir la {word}", reach))
        assert [one.id for one in found(house, K, f"{word} nautique").found] in ([folder_id], []), word
        assert [one.id for one in found(house, K, word).found] == [folder_id], word
    house.drain()
    draft = house.folder(folder_id)
    deposit.save(house.actor(K), folder_id, version=draft.version, title="Tout autre intitulé", facts={})
    house.drain()
    assert found(house, K, "intitulés").total == 1  # by its stem, from the words written anew


@pytest.mark.both_databases
def test_who_stands_in_finds_by_the_notes_of_the_desk_what_he_may_act_on_and_no_more(house: House) -> None:
    """As they are read (`notes.desks_held`): where the step awaits the desk, and the cover may act at it."""
    nolwenn, ronan = house.actor(N), house.actor(R)
    here, gone, own = (
        house.an_invoice(at=at, number=f"FA-{at}") for at in ("finance", "draft", "service_done")
    )
    desk = next(seat.desk_id for seat in nolwenn.seats if seat.key == "finances")
    with writing() as db, db.begin():
        for number in (here, gone, own):
            said = "Voir la farfouille"
            note = {
                "reach": "desk",
                "desk_id": desk,
                "stems": joined(forms_in(said)),
                "user_id": nolwenn.user_id,
            }
            db.add(
                FolderNote(
                    collectivity_id=nolwenn.collectivity_id,
                    folder_id=number,
                    who=nolwenn.name,
                    words=said,
                    told=[],
                    written_at=now(),
                    **note,
                )
            )
    assert found(house, R, "farfouille").total == 0
    for types, acts, finds in (
        (["deliberation"], True, set()),
        ([], False, set()),
        ([], True, {here}),
        (["invoice"], True, {here}),
    ):
        with writing() as db, db.begin():
            db.execute(sa.delete(Absence))
            cover = {"user_id": nolwenn.user_id, "cover_id": ronan.user_id, "types": types, "acts": acts}
            db.add(
                Absence(
                    collectivity_id=nolwenn.collectivity_id,
                    letters=False,
                    starts_at=now() - timedelta(hours=1),
                    ends_at=now() + timedelta(hours=1),
                    revision=1,
                    set_by="x",
                    set_at=now(),
                    **cover,
                )
            )
        results = found(house, R, "farfouille")
        assert {one.id for one in results.found} == finds, (types, acts)
        assert [one.where for one in results.snippets.values()] == [f"Dans une note de {nolwenn.name}"] * len(
            finds
        )
        assert found(house, R, "farfouille", places=("notes",)).total == len(finds)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_scan_is_found_by_the_words_that_are_recognised_on_it_and_says_so(
    house: House, tmp_path: Path
) -> None:
    """Neither a page that has a text is guessed, nor a blank one; a picture that is no picture says nothing."""
    with PdfDocument(ACT) as act:
        picture = act[0].render(scale=200 / 72, grayscale=True).to_pil()
    scan, photo, blank = tmp_path / "scan.pdf", tmp_path / "photo.png", tmp_path / "vide.pdf"
    picture.save(scan, resolution=200)
    picture.save(photo)
    blank.write_bytes(corpus.pdf_of(""))
    for path, kind in ((scan, "application/pdf"), (photo, "image/png")):
        read = words.read_words(path, kind)
        assert read is not None
        assert ("DÉLIBÉRATION" in read.text.upper(), read.recognised) == (True, True)
    assert words.read_words(ACT, "application/pdf").recognised is False  # type: ignore[union-attr]
    assert words.read_words(blank, "application/pdf") == words.Text()
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\xff" * 4000)
    assert words.read_words(photo, "image/png") == words.Text()

    folder_id = house.an_invoice(at="draft")
    deposit.add_documents(house.actor(G), folder_id, [Incoming(scan, "courrier-du-12.pdf")])
    house.drain()
    assert folder_id in [one.id for one in found(house, G, "délibération").found]
    page = house.client(G).get("/recherche?q=d%C3%A9lib%C3%A9ration").get_data(as_text=True)
    assert "Dans l’annexe « courrier-du-12 », reconnu sur une image" in page.replace("\xa0", " ")


def test_a_page_of_text_asks_no_recogniser_and_places_its_words_only_where_they_are_asked_for() -> None:
    """To ask what recognises costs more than the text of a page; where each sign stands, ten times as much."""
    question = {"words": str(ACT), "media_type": "application/pdf"}
    ocr.languages.cache_clear()
    alone, placed = (words.answer({**question, "placed": wanted}) for wanted in (False, True))
    assert ocr.languages.cache_info().misses == 0
    assert alone["text"] == placed["text"]
    assert (alone["places"], len(placed["places"])) == ([], len(placed["text"].split()))
    page, left, top, right, bottom = placed["places"][0]
    assert (page, left < right, top < bottom) == (1, True, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_places_of_words_are_kept_of_what_a_page_proposes_values_for_alone(
    house: House, tmp_path: Path
) -> None:
    printed = tmp_path / "facture.pdf"
    printed.write_bytes(corpus.pdf_of("Facture F26-77 de Menuiserie Arzel-Huon"))
    act, invoice = house.deposit(K, "deliberation", ACT), house.deposit(G, "invoice", printed)
    house.drain()
    with reading() as db:
        rows = db.execute(sa.select(DocumentWords.folder_id, DocumentWords.places))
        places = {row.folder_id: row.places for row in rows}
    assert (places[act], bool(places[invoice])) == (None, True)


def test_a_file_that_ends_its_reader_leaves_the_folder_found_by_the_rest(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bombe.xml"
    lol = "".join(
        f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "lol"}{"&l" + str(n - 1) + ";" if n else ""}">'
        for n in range(40)
    )
    bomb.write_text(f"<!DOCTYPE a [{lol}]><a>&l39;</a>")
    assert words.read_words(bomb, "application/xml") in {None, words.Text()}
    junk = tmp_path / "casse.pdf"
    junk.write_bytes(b"%PDF-1.7\n" + b"\x00\xff" * 5000)
    assert words.read_words(junk, "application/pdf") is None
    long = tmp_path / "long.xml"
    long.write_bytes(b"<a>" + b"<b>mot</b>" * 400_000 + b"</a>")
    assert len((words.read_words(long, "application/xml") or words.Text()).text) <= words.SIGNS

    with (
        monkeypatch.context() as patched
    ):  # the deposit has no room for it, and its time is over before it began
        patched.setattr(keep, "read_at_once", lambda *_, **__: None)  # left by the deposit
        patched.setattr(words, "LIMITS", replace(words.LIMITS, seconds=0.0))
        folder_id = house.deposit(K, "deliberation", ACT)
        assert index(house.actor(K), folder_id)
        # It is tried again twice, and then never more
        row = asked_of(folder_id)
        with pytest.raises(outbox.Later):
            folder_words.read_row(row)
        folder_words.read_row(replace(row, created_at=now() - timedelta(minutes=20)))
    with reading() as db:
        assert {
            one.state
            for one in db.scalars(sa.select(DocumentWords).where(DocumentWords.folder_id == folder_id))
        } == {"failed"}
    page = house.client(K).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert "Texte non indexé" in page
    title = house.folder(folder_id).title
    assert title
    assert found(house, K, title).total == 1
    assert not index(house.actor(K), folder_id)
    assert "Texte non indexé" not in house.client(K).get(f"/dossiers/{folder_id}/brouillon").get_data(
        as_text=True
    )


@pytest.mark.both_databases
def test_more_words_than_an_index_takes_leave_a_folder_found_and_the_others_indexed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vector of PostgreSQL ends at 1 MB: the title and the notes first, then the documents, the same on both databases."""
    folder_id, beside = house.deposit(K, "deliberation", ACT), house.deposit(K, "deliberation", ACT)
    house.drain()
    many = [f"foulque{rank:07}" for rank in range(90_000)]
    with writing() as db, db.begin():
        db.execute(
            sa.update(DocumentWords).where(DocumentWords.folder_id == folder_id).values(stems=joined(many))
        )
    notes.write(house.actor(K), folder_id, notes.Draft("Voir le kouignamann", notes.Reach.ALL))
    house.drain()
    for word, total in (("kouignamann", 1), (many[0], 1), (many[-1], 0)):
        assert found(house, K, word).total == total, word

    # Of a row that the base refuses, `words` tells the number, and goes on with those before
    runner = house.app.test_cli_runner()
    with writing() as db, db.begin():
        db.execute(sa.delete(FolderWords))
        if db.get_bind().dialect.name == "sqlite":
            db.execute(
                sa.text(
                    f"CREATE TRIGGER refused BEFORE INSERT ON folder_words WHEN new.folder_id = {folder_id} "
                    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            )
    monkeypatch.setattr(folder_words, "WIDEST", 10**9)
    result = runner.invoke(args=["words"])
    assert (result.exit_code, f"1 dossier sans index, à relancer : {folder_id}." in result.output) == (
        1,
        True,
    )
    with reading() as db:
        assert db.get(FolderWords, folder_id) is None
        assert db.get(FolderWords, beside) is not None


def asked_of(folder_id: int) -> outbox.Row:
    """The row of the background work that reads a folder's words, as its handler has it."""
    with reading() as db:
        kept = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.folder_id == folder_id)).first()
    assert kept is not None
    names = [one.name for one in fields(outbox.Row)]
    known = {name: getattr(kept, name) for name in names if hasattr(kept, name)}
    return outbox.Row(**{**known, "attempt": 1})


def test_the_rights_of_a_closed_family_hold_for_its_words(house: House) -> None:
    """Who sits at the desk that deposits, without the right to deposit there, finds nothing of a payroll."""
    from tests.builders.house import PAY

    folder_id = house.deposit("m.kerzerho", "pes_payroll", PAY)
    house.drain()
    actor = house.actor("m.kerzerho")
    with reading() as db:
        row = db.get_one(FolderWords, folder_id)
        word = next(one for one in row.documents.split() if one.isalpha() and len(one) > 5)
    lesser = replace(
        actor, seats=tuple(Seat(one.desk_id, one.key, one.name, Rights.read(["act"])) for one in actor.seats)
    )
    with reading(actor.collectivity_id) as db:
        for who, many in ((actor, 1), (lesser, 0)):
            results = searching.search(db, who, understood(word), searching.Chosen())
            assert (results.total, len(results.found), bool(results.facets)) == (many, many, False)


def numbers_found(house: House, typed: str) -> set[int]:
    return {one.id for one in found(house, G, typed).found}


@pytest.mark.parametrize("few", [following.FEW, -1])
def test_a_month_is_one_of_the_dates_of_a_folder_or_of_its_title_and_may_be_words_again(
    house: House, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    march, april, said, apart = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(4))
    for number, day, title in (
        (march, "2031-03-12", "Enrobé"),
        (april, "2031-04-02", "Enrobé"),
        (said, "2030-01-05", "Bulletin de mars 2031"),
        (apart, "2031-04-02", "Marché de mars, exercice 2031"),
    ):
        house.save(number, G, {"issue_date": day, "due_date": "", "received_on": ""}, title=title)
    house.drain()
    monkeypatch.setattr(following, "FEW", few)  # who reads few folders, and who reads many
    assert numbers_found(house, "mars 2031") == {march, said}
    assert numbers_found(house, "enrobé de MARS 2031") == numbers_found(house, "12 mars 2031") == {march}
    assert numbers_found(house, "2 avril 2031 enrobé") == {april}
    assert numbers_found(house, "31 février 2031") == set()
    assert numbers_found(house, "2031 mars") == {march, said, apart}
    page = " ".join(html.unescape(house.client(G).get("/recherche?q=enrobé mars 2031").text).split())
    assert "Compris : le mot « enrobé », une date de mars 2031." in page.replace("\xa0", " ")
    assert 'href="/recherche?q=enrob%C3%A9+2031+mars"' in page or "/recherche?q=enrobé+2031+mars" in page
    assert house.client(G).get("/suivi.csv?q=mars 2031").text.count("FA-") == 2


def test_an_amount_is_compared_in_euros_alone_and_the_page_says_so(house: House) -> None:
    euros, crowns = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(2))
    for number, currency in ((euros, "EUR"), (crowns, "DKK")):
        house.save(number, G, {"total_ttc": "4675.00", "currency": currency})
    for typed in ("> 4 000", "atelier > 4 000", "entre 4 000 et 5 000 €", "mars > 4000"):
        assert crowns not in numbers_found(house, typed), typed
    assert numbers_found(house, "> 4 000") == {euros}
    assert crowns in numbers_found(house, "FA-1")
    page = " ".join(html.unescape(house.client(G).get("/recherche?q=> 4 000").text).split())
    assert re.search(r"Compris : un montant en euros de plus de 4\s000,00\s€", page)


AS_WRITTEN = (
    "8517",
    "8517,00",
    "8 517,00",
    "8 517,00 €",
    "8\N{NARROW NO-BREAK SPACE}517,00\N{NO-BREAK SPACE}€",
    "8\N{NARROW NO-BREAK SPACE}517\N{NARROW NO-BREAK SPACE}€",
    "8.517,00",
    "8.517,00 €",
    "8.517 euros",
)


@pytest.mark.both_databases
def test_an_amount_is_found_however_its_thousands_are_written(house: House) -> None:
    has_it, other = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(2))
    house.save(has_it, G, {"total_ttc": "8517.00"})
    house.save(other, G, {"total_ttc": "517.00"})
    for typed in AS_WRITTEN:
        assert numbers_found(house, typed) == {has_it}, typed
    # A text that has it by points is found by that, as it was
    said = house.an_invoice(at="draft", number="FA-9")
    notes.write(house.actor(G), said, notes.Draft("Le devis disait 8.517,00 €", notes.Reach.ALONE))
    assert numbers_found(house, "8.517,00") == {has_it, said}
    # By itself it may be a reference, and « 8.5.17 » is none
    assert numbers_found(house, "8.517") == {said}
    assert {one.pattern for one in words_of("v8.517,00 8.517,00.1 24.09.2026", 6)} == {
        "%v8_517_00%",
        "%8_517_00_1%",
        "%24_09_2026%",
    }


@pytest.mark.both_databases
@pytest.mark.parametrize("few", [following.FEW, -1])
def test_a_number_by_its_thousands_is_one_word_without_a_sign_of_money_too(
    house: House, few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is typed without spaces: an amount, in a title, in a document; two words apart are not it, nor is « 2026 057 »."""
    dear, apart, spaced, numbered = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(4))
    house.save(dear, G, {"total_ttc": "15000.00"})
    house.save(apart, G, {"total_ttc": "12.00"}, title="Lot 15, jauge de 3 000 places")
    house.save(spaced, G, {"total_ttc": "13.00"}, title="Jauge de 15 000 places")
    house.save(numbered, G, {"total_ttc": "14.00"}, title="Arrêté 2026_057 du 12, lot 34")
    (tmp_path / "jauge.pdf").write_bytes(corpus.pdf_of("Jauge du stade : 15 000 places ; SIREN 552 100 554"))
    read = house.an_invoice(at="draft", number="FA-4")
    deposit.add_documents(house.actor(G), read, [Incoming(tmp_path / "jauge.pdf", "jauge.pdf")])
    house.drain()
    monkeypatch.setattr(following, "FEW", few)
    monkeypatch.setattr(following, "COMMON", 10**6)  # by the index
    space, narrow = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
    for typed in (
        "15000",
        "15 000",
        f"15{space}000",
        f"15{narrow}000",
        "15 000 €",
        f"15{space}000{space}euros",
    ):
        assert numbers_found(house, typed) == {dear, spaced, read}, typed
        assert numbers_found(house, f"jauge {typed}") == {spaced, read}, typed
    # Part of a word, which a key alone has, beside it
    assert numbers_found(house, "laces 15 000") == {spaced}
    assert numbers_found(house, "2026 057") == {numbered}
    assert numbers_found(house, "12 34") == {numbered}
    assert numbers_found(house, "552 100 554") == numbers_found(house, "552100554") == {read}
    results = found(house, G, "15 000")
    assert [one.text for one in results.snippets[read].pieces if one.marked] == ["15 000"]
    page = house.client(G).get("/recherche?q=jauge 15 000").get_data(as_text=True)
    assert "Compris : le mot « jauge », le nombre « 15 000 »." in page.replace("\xa0", " ")
    assert "<mark>15\N{NO-BREAK SPACE}000</mark>" in page


DAYS = {
    "begins": "12 mars 2031 : conseil municipal",
    "inside": "Conseil du 12\N{NO-BREAK SPACE}mars 2031",
    "brackets": "Conseil (12 mars 2031)",
    "one": "Séance du 1 mars 2031",
    "first": "Séance du 1er mars 2031",
    "second": "Séance du 02 mars 2031",
    "quoted": "Séance «2 mars 2031»",
    "file": "PV_2 mars 2031",
    "slash": "PV/2 mars 2031",
    "figures": "PV du 2/3/2031",
    "several": "Séances des 2 et 3 mars 2031",
    "stay": "Séjour du 12 au 14 mars 2031",
    "short": "PV du 24 sept. 2031",
    "dotted": "PV du 24.9.2031",
    "copied": "PV_24_09_2031_2",
    "april": "Bulletin d’avril 2031",
    "eve": "Vœux de décembre 2030",
    "apart": "Budget 2031-mars",
}


@pytest.mark.both_databases
@pytest.mark.parametrize("few", [following.FEW, -1])
def test_a_day_is_found_however_a_title_writes_it_and_a_period_by_any_of_its_months(
    house: House, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {}
    for rank, (name, title) in enumerate(DAYS.items()):
        number = house.an_invoice(at="draft", number=f"FA-{rank}")
        house.save(number, G, {"issue_date": "2030-06-05", "due_date": "", "received_on": ""}, title=title)
        names[number] = name
    house.drain()
    monkeypatch.setattr(following, "FEW", few)  # who reads few folders, and who reads many
    monkeypatch.setattr(following, "COMMON", 10**6)  # by the index
    second = {"second", "quoted", "file", "slash", "figures", "several"}
    twelfth = {"begins", "inside", "brackets", "stay"}
    march = {"one", "first", *second, *twelfth}
    asked = {
        "12 mars 2031": twelfth,
        "conseil 12 mars 2031": {"begins", "inside", "brackets"},
        "1 mars 2031": {"one", "first"},
        "01 mars 2031": {"one", "first"},
        "1er mars 2031": {"one", "first"},
        "2 mars 2031": second,
        "2/3/2031": second,
        "3 mars 2031": {"several"},
        "14 mars 2031": {"stay"},
        "jeudi 24 septembre 2031": {"short", "dotted", "copied"},
        "24 sept 2031": {"short", "dotted", "copied"},
        "le 24/9/2031": {"short", "dotted", "copied"},
        "24/09/2031": {"short", "dotted", "copied"},
        "24-9-2031": {"short", "dotted", "copied"},
        "PV 24/09/2031": {"short", "dotted", "copied"},
        "02/03/2031": second,
        "2-3-2031": second,
        "02.03.2031": second,
        "01/03/2031": {"one", "first"},
        "12/03/2031": twelfth,
        "sept. 2031": {"short"},
        "mars 2031": march,
        "entre mars 2031 et avril 2031": {*march, "april"},
        "entre avril et mars 2031": {*march, "april", *DAYS},
        "bulletin entre mars et mai 2031": {"april"},
        "entre décembre et mars 2031": {*march, "eve"},
        "entre décembre 2030 et février 2031": {"eve"},
        "entre juin 2030 et juillet 2030": {*DAYS},
        "entre le 1er et le 2 mars 2031": {"one", "first", *second},
        "entre le 3 mars 2031 et le jeudi 13 mars 2031": {"several", *twelfth},
        "entre le 1er mars 2031 et le 31 mars 2031": march,
        "entre mars 2031 et le 11 mars 2031": {"one", "first", *second},
        "du 5 juin 2030 au 6/6/2030": {*DAYS},
        "entre le 6 juin 2030 et le 30 juin 2030": set(),
        # So long that its years are looked for
        "entre le 6 juin 2030 et avril 2031": {*march, "april", "eve"},
        "entre mars 2027 et mai 2030": set(),  # after the day on which all were deposited
        "entre mars 2020 et juin 2030": {*DAYS},
        "entre janvier 1900 et décembre 2099": {*DAYS},
    }
    assert {typed: {names[one] for one in numbers_found(house, typed)} for typed in asked} == asked


@pytest.mark.both_databases
def test_a_day_in_figures_is_found_in_texts_that_have_it_and_never_by_its_figures_apart(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "apart": "Bordereau : TVA 20 %, 12 sacs, exercice 2031. Article 1.20.12.2031, lot 120/12/2031.",
        "inside": "Bordereau : 3 sacs livrés le 20/12/2031, TVA 5 %.",
        "dots": "Bordereau : 3 sacs livrés le 20.12.2031.",
        "dashes": "Bordereau : 3 sacs livrés le 20-12-2031.",
        "another": "Bordereau du 2/12/2031, sacs livrés le 21/12/2031 puis le 20/11/2031",
        "noted": "Bordereau : TVA 20 %, 12 sacs, exercice 2031.",
        "secret": "Bordereau : TVA 20 %, 12 sacs, exercice 2031.",
    }
    numbers = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.pdf").write_bytes(corpus.pdf_of(text))
        numbers[name] = house.deposit(K, "deliberation", ACT, tmp_path / f"{name}.pdf")
    notes.write(
        house.actor(K), numbers["noted"], notes.Draft("À livrer avant le 20/12/2031", notes.Reach.ALL)
    )
    notes.write(house.actor(K), numbers["secret"], notes.Draft("Appeler le 20/12/2031", notes.Reach.ALONE))
    house.drain()
    names = {number: name for name, number in numbers.items()}

    def named(login: str, typed: str) -> set[str]:
        actor = house.actor(login)
        with reading(actor.collectivity_id) as db:
            every = searching.numbers(db, actor, understood(typed), searching.Chosen(), 10**6)
        return {names[one] for one in every}

    having = {"inside", "dots", "dashes", "noted", "secret"}
    for former in (False, True):
        if former:  # what was read and written before is found alike
            schema.downgrade("0139_sorted_suppliers")
            with engine().execution_options(writes=True).begin() as connection:
                for table, columns in (
                    ("document_words", ("stems",)),
                    ("folder_note", ("stems",)),
                    ("folder_words", ("title", "documents", "notes")),
                ):
                    told = ", ".join(f"{one} = REPLACE({one}, ' §20311220', '')" for one in columns)
                    connection.execute(sa.text(f"UPDATE {table} SET {told}"))
            assert named(K, "20/12/2031") == set()
            schema.upgrade()
        for few, common in ((following.FEW, following.COMMON), (-1, 10**6), (-1, 0)):
            with monkeypatch.context() as patched:
                patched.setattr(following, "FEW", few)
                patched.setattr(following, "COMMON", common)
                for typed in ("20/12/2031", "20-12-2031", "20.12.2031"):
                    assert named(K, typed) == having, typed
                assert named(K, "bordereau 20/12/2031") == having
                assert named(K, "TVA 20/12/2031") == {"inside", "noted", "secret"}
                assert named(K, "02/12/2031") == {"another"}
    results = found(house, K, "20/12/2031")
    extracts = {
        names[one]: [piece.text for piece in snippet.pieces if piece.marked]
        for one, snippet in results.snippets.items()
    }
    written = {"dots": "20.12.2031", "dashes": "20-12-2031"}
    assert extracts == {one: [written.get(one, "20/12/2031")] for one in having}
    page = house.client(K).get("/recherche?q=20/12/2031").get_data(as_text=True)
    assert page.count("<mark>") == len(having)


@pytest.mark.both_databases
def test_a_day_by_the_name_of_its_month_finds_what_the_same_day_in_figures_does_and_back(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "named": "Bordereau : 3 sacs, livrés le 2 mars\n2031.",
        "short": "BORDEREAU DU 02 MARS 2031",
        "figures": "Bordereau : 3 sacs, livrés le 2.3.2031.",
        "iso": "Bordereau 2031-03-02",
        "copy": "Bordereau joint : bon_02_03_2031_2.pdf",
        "several": "Bordereau : livraisons des 2 et 3 mars 2031.",
        "title": "Bordereau : 3 sacs.",
        "bare": "Bordereau : 3 sacs.",
        "noted": "Bordereau : 3 sacs.",
        "secret": "Bordereau : 3 sacs.",
        "feast": "Bordereau du 1er févr. 2031, livré le 11-nov.-2031",
        "none": "Bordereau 2.03.2031.2, n° 2031-03-02-2, 2 mars 2030, 12 mars 2031, 2 sacs ; mars 2031",
    }
    titles = {"title": "Voyages des 2 et 3 mars 2031", "bare": "Kermesse du 2 mars"}
    numbers = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.pdf").write_bytes(corpus.pdf_of(text))
        numbers[name] = house.deposit(K, "deliberation", ACT, tmp_path / f"{name}.pdf")
        if name in titles:
            house.save(numbers[name], K, {}, title=titles[name])
    notes.write(
        house.actor(K), numbers["noted"], notes.Draft("À livrer avant le 2 mars 2031", notes.Reach.ALL)
    )
    notes.write(house.actor(K), numbers["secret"], notes.Draft("Appeler le 2 mars 2031", notes.Reach.ALONE))
    house.drain()
    monkeypatch.setattr(asking, "today", lambda: date(2031, 12, 1))
    names = {number: name for name, number in numbers.items()}

    def named(typed: str) -> set[str]:
        actor = house.actor(K)
        with reading(actor.collectivity_id) as db:
            every = searching.numbers(db, actor, understood(typed), searching.Chosen(), 10**6)
        return {names[one] for one in every if one in names}

    dated = {"named", "short", "figures", "iso", "copy", "several", "title", "noted", "secret"}
    asked = {
        "2 mars 2031": dated,
        "le 02 mars 2031": dated,
        "lundi 2 mars 2031": dated,
        "02/03/2031": dated,
        "2-3-2031": dated,
        "2 mars": dated | {"bare"},
        "02/03": dated,
        "bordereau 2 mars 2031": dated,
        "bordereau 02/03/2031": dated,
        "bordereau 2 mars": dated | {"bare"},
        "sacs 2 mars 2031": {"named", "figures", "title", "noted", "secret"},
        "voyages 2 mars 2031": {"title"},
        "kermesse sacs 2 mars": {"bare"},
        "3 mars 2031": {"several", "title"},
        "1er février 2031": {"feast"},
        "01/02/2031": {"feast"},
        "le 11 novembre 2031": {"feast"},
        "12 mars 2031": {"none"},
        # A month stays what titles and facts say
        "mars 2031": {"title"},
    }
    for former in (False, True):
        if former:  # what was read and written before is found alike
            _forget_days()
            assert (named("bordereau 2 mars 2031"), named("bordereau 2 mars")) == (set(), set())
            schema.upgrade()
        for few, common in ((following.FEW, following.COMMON), (-1, 10**6), (-1, 0)):
            with monkeypatch.context() as patched:
                patched.setattr(following, "FEW", few)
                patched.setattr(following, "COMMON", common)
                assert {typed: named(typed) for typed in asked} == asked, (former, few, common)
    for typed in ("2 mars 2031", "02/03/2031"):
        results = found(house, K, typed)
        extracts = {
            names[one]: [piece.text for piece in snippet.pieces if piece.marked]
            for one, snippet in results.snippets.items()
        }
        assert extracts == {
            "named": ["2 mars 2031"],
            "short": ["02 MARS 2031"],
            "figures": ["2.3.2031"],
            "iso": ["2031-03-02"],
            "copy": ["02_03_2031"],
            "several": ["2 et 3 mars 2031"],
            "noted": ["2 mars 2031"],
            "secret": ["2 mars 2031"],
        }, typed
        places = {
            box.value: box.count for facet in results.facets if facet.key == "ou" for box in facet.options
        }
        assert places == {"title": "1", "documents": "6", "notes": "2"}, typed


@pytest.mark.both_databases
def test_an_upgrade_that_is_ended_on_its_way_keeps_the_days_that_it_wrote_and_is_started_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = _sent(house, K, 230, "deliberation")
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE folder SET title_key = title_key || ' du 2 mars 2031'"))
    _forget_days()

    def dated() -> int:
        with engine().connect() as connection:
            having = sa.select(sa.func.count()).where(FolderWords.title.contains(" §20310302 "))
            return int(connection.scalar(having.where(FolderWords.folder_id.in_(many))) or 0)

    read = days.days_without_year
    keys: list[str] = []

    def dying(key: str) -> Any:
        keys.append(key)
        if len(keys) > 150:
            raise KeyboardInterrupt
        return read(key)

    with monkeypatch.context() as patched:
        patched.setattr(days, "days_without_year", dying)
        with pytest.raises(KeyboardInterrupt):
            schema.upgrade()
    assert (schema.revisions()[0], 0 < dated() <= 100) == ("0143_prepared_absent", True)
    schema.upgrade()
    assert (schema.revisions()[0], dated()) == (schema.revisions()[1], 230)
    schema.downgrade("0143_prepared_absent")
    schema.upgrade()  # all is there: nothing is written twice
    with engine().connect() as connection:
        title = connection.scalar(sa.select(FolderWords.title).where(FolderWords.folder_id == many[0])) or ""
    assert title.split().count("§20310302") == 1
    actor = house.actor(K)
    with reading(actor.collectivity_id) as db:
        every = searching.numbers(db, actor, understood("2 mars 2031"), searching.Chosen(), 10**6)
    assert {*many} <= {*every}


def _forget_days() -> None:
    """Have every row say what it did before days were forms of the index by the name of their month."""
    schema.downgrade("0143_prepared_absent")
    with engine().execution_options(writes=True).begin() as connection:
        for table, key, columns in (
            ("document_words", "document_id", ("stems",)),
            ("folder_note", "id", ("stems",)),
            ("folder_words", "folder_id", ("title", "documents", "notes")),
        ):
            for row in connection.execute(
                sa.text(f"SELECT {key} AS number, {', '.join(columns)} FROM {table}")
            ).all():
                plain = {
                    one: joined([form for form in getattr(row, one).split() if not form.startswith("§")])
                    for one in columns
                }
                told = ", ".join(f"{one} = :{one}" for one in columns)
                change = sa.text(f"UPDATE {table} SET {told} WHERE {key} = :number")
                connection.execute(change, {"number": row.number, **plain})


@pytest.mark.both_databases
@pytest.mark.parametrize("way", ["all looked at", "by index", "by the words", "in order"])
def test_a_folder_is_found_by_the_day_of_its_deposit_and_by_that_of_a_decision(
    house: House, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"issue_date": "2030-06-05", "due_date": "", "received_on": ""}
    deposited, decided, automatic, other = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(4))
    for number, title in (
        (deposited, "Enrobé"),
        (decided, "Enrobé sud"),
        (automatic, "Grave"),
        (other, "Grave"),
    ):
        house.save(number, G, facts, title=title)
    house.drain()
    evening = datetime(2031, 3, 31, 23, 30, tzinfo=PARIS)  # the month is that of Paris
    run = {
        "collectivity_id": house.actor(G).collectivity_id,
        "step": "finance",
        "slot": "finance",
        "kind": "visa",
        "family": "invoice",
    }
    with engine().execution_options(writes=True).begin() as connection:
        for number, moment in ((deposited, evening), (other, evening + timedelta(hours=1))):
            day = sa.update(Folder).where(Folder.id == number).values(created_at=moment, submitted_at=moment)
            connection.execute(day)
    with writing() as db, db.begin():
        for number, who in ((decided, house.actor(N).user_id), (automatic, None)):
            db.add(
                StepRun(
                    **run,
                    folder_id=number,
                    pass_number=1,
                    due_on=evening.date(),
                    entered_at=evening,
                    ended_at=evening,
                    state="done",
                    user_id=who,
                    who="Nolwenn Abgrallec",
                )
            )
    monkeypatch.setattr(following, "FEW", following.FEW if way == "all looked at" else -1)
    monkeypatch.setattr(following, "COMMON", 0 if way == "in order" else 10**6)
    if way == "by the words":
        monkeypatch.setattr(following, "MATCHES", 1)
    for typed in ("31/03/2031", "31/3/2031", "31 mars 2031", "mars 2031", "entre février et mars 2031"):
        assert numbers_found(house, typed) >= {deposited, decided}, typed
        assert not numbers_found(house, typed) & {automatic, other}, typed
        assert numbers_found(house, f"enrobé {typed}") == {deposited, decided}, typed
        assert numbers_found(house, f"sud {typed}") == {decided}, typed
        assert numbers_found(house, f"grave {typed}") == set(), typed
    assert numbers_found(house, "1er avril 2031") == numbers_found(house, "01/04/2031") == {other}
    assert numbers_found(house, "30 mars 2031") == set()
    for typed in ("31/03/2031", "31/3/2031", "mars 2031"):
        results = found(house, G, typed)
        told = {one: results.snippets[one] for one in (deposited, decided)}
        assert [one.where for one in told.values()] == [
            "Déposé le lundi 31 mars 2031",
            "Visé par Nolwenn Abgrallec, le lundi 31 mars 2031",
        ]
        # The year of the day stands in many texts, and proves nothing
        assert not any(one.pieces for one in told.values())
        assert "ou" not in {facet.key for facet in results.facets}
    page = house.client(G).get("/recherche?q=31/03/2031").get_data(as_text=True)
    assert "Déposé le lundi 31 mars 2031." in page
    assert "<mark>" not in page


@pytest.mark.both_databases
@pytest.mark.parametrize("way", ["all looked at", "by index", "in order"])
def test_a_day_without_a_year_finds_what_is_of_that_day_or_says_it_without_a_year(
    house: House, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "today", lambda: date(2031, 12, 1))
    far = {"issue_date": "2024-06-05", "due_date": "", "received_on": ""}
    titles = {
        "fact": "Enrobé",
        "former": "Enrobé",
        "year": "Réunion du 12 mars 2031",
        "bare": "Réunion du 12 mars",
        "other year": "Réunion du 12 mars 2030",
        "other day": "Réunion du 2 mars",
        "number": "Lot 12-03",
        "december": "Grave 2031-12-03",
        "today": "Grave",
        "eve": "Grave",
        "inside": "Grave",
    }
    numbers = {name: house.an_invoice(at="draft", number=f"FA-{rank}") for rank, name in enumerate(titles)}
    for name, title in titles.items():
        days = {"fact": {"issue_date": "2031-03-12"}, "former": {"issue_date": "2030-03-12"}}.get(name, {})
        house.save(numbers[name], G, {**far, **days}, title=title)
    (tmp_path / "bon.pdf").write_bytes(corpus.pdf_of("Bon du 12.03.2031"))
    deposit.add_documents(house.actor(G), numbers["inside"], [Incoming(tmp_path / "bon.pdf", "bon.pdf")])
    house.drain()
    moments = {"today": datetime(2031, 12, 1, 0, 30), "eve": datetime(2031, 11, 30, 23, 30)}
    with engine().execution_options(writes=True).begin() as connection:
        for name, number in numbers.items():
            day = moments.get(name, datetime(2024, 6, 5)).replace(tzinfo=PARIS)
            connection.execute(sa.update(Folder).where(Folder.id == number).values(created_at=day))
    monkeypatch.setattr(following, "FEW", following.FEW if way == "all looked at" else -1)
    monkeypatch.setattr(following, "COMMON", 0 if way == "in order" else 10**6)
    names = {number: name for name, number in numbers.items()}
    asked = {
        "12 mars": {"fact", "year", "bare", "inside"},
        "déposé le 12 mars": {"fact", "year", "bare", "inside"},
        "enrobé 12 mars": {"fact"},
        "réunion 12 mars": {"year", "bare"},
        "bon 12 mars": {"inside"},
        "2 mars": {"other day"},
        "12/03": {"fact", "year", "number", "inside"},
        "lot 12/03": {"number"},
        "12/03/2031": {"fact", "year", "inside"},
        "aujourd’hui": {"today"},
        "déposé aujourd'hui": {"today"},
        "grave hier": {"eve"},
        "mars 12": {"fact", "former", "year", "bare", "other year"},
    }
    assert {typed: {names[one] for one in numbers_found(house, typed)} for typed in asked} == asked
    results = found(house, G, "12 mars")
    page = " ".join(html.unescape(house.client(G).get("/recherche?q=12 mars").text).split()).replace(
        "\xa0", " "
    )
    assert results.total == 4
    assert "Compris : une date du 12 mars 2031." in page
    assert "<mark>12 mars</mark>" in page
    assert "/recherche?q=mars+12" in page
    for typed, plain in (("12/03", "12-03"), ("hier", "%22hier%22")):
        assert f'href="/recherche?q={plain}"' in house.client(G).get(f"/recherche?q={typed}").text, typed


def test_a_draft_that_was_never_sent_is_found_by_the_day_when_it_was_begun(house: House) -> None:
    begun = house.an_invoice("draft")
    with engine().begin() as connection:
        day = sa.update(Folder).where(Folder.id == begun)
        connection.execute(day.values(created_at=datetime(2031, 3, 31, 9, tzinfo=UTC)))
    assert found(house, G, "31/03/2031").snippets[begun].where == "Commencé le lundi 31 mars 2031"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0 mars 2031", "les mots « 0 », « mars » et « 2031 »"),
        ("mars 2031 2032", "le mot « 2032 », une date de mars 2031"),
        ("12 mars 2031 avril 2032", "une date du 12 mars 2031, une date d’avril 2032"),
        ("entre mars 2031 et avril 2031", "une date entre mars 2031 et avril 2031"),
        ("entre novembre et février 2031", "une date entre novembre 2030 et février 2031"),
        ("entre mai 2031 et avril 2031", "une date entre avril 2031 et mai 2031"),
        ("entre mars 2020 et mai 2031", "une date entre mars 2020 et mai 2031"),
        (
            "entre le 31 février 2031 et le 3 mars 2031",
            "les mots « entre », « 31 », « février » et « 2031 », une date du 3 mars 2031",
        ),
        ("entre le 15 déc. et le 3 mars 2031", "une date entre le 15 décembre 2030 et le 3 mars 2031"),
        ("d’avril à mai 2031", "une date entre avril 2031 et mai 2031"),
        ("lundi 24 mars 2031", "une date du 24 mars 2031"),
        ("24/9/2031", "la date « 24/09/2031 »"),
        ("20-12-2031", "la date « 20/12/2031 »"),
        (
            "déposé le 20.12.2031",
            "la date « 20/12/2031 », quel que soit l’acte (« déposé » est laissé de côté)",
        ),
        ("2.3.2031", "la date « 02/03/2031 »"),
        ("> 20-12-2031", "le mot « > », la date « 20/12/2031 »"),
        ("20.12-2031", "le mot « 20.12-2031 »"),
        ("20-12-2031-778", "le mot « 20-12-2031-778 »"),
        ("voirie, le 20-12-2031.", "le mot « voirie, », la date « 20/12/2031 »"),
        ("(20/12/2031) ?", "la date « 20/12/2031 »"),
        ("12 mars 2031, voirie", "le mot « voirie », une date du 12 mars 2031"),
        ("v. 1.20.12.2031", "les mots « v. » et « 1.20.12.2031 »"),
        ("20.12.2031.3", "le mot « 20.12.2031.3 »"),
        ("31-2-2031", "le mot « 31-2-2031 »"),
        ("du 1.9.2031 au 30-09-2031", "une date entre le 1er septembre 2031 et le 30 septembre 2031"),
        ("31/2/2031", "le mot « 31/2/2031 »"),
        ("24/09/2031", "la date « 24/09/2031 »"),
        ("entre le 24/09/2031 et le 3/10/2031", "une date entre le 24 septembre 2031 et le 3 octobre 2031"),
        (
            "12 > 500 mars 2031",
            "le mot « 12 », une date de mars 2031, un montant en euros de plus de 500,00 €",
        ),
        ("> 500 2031", "le mot « 2031 », un montant en euros de plus de 500,00 €"),
        (
            "déposés le 24 septembre 2031",
            "une date du 24 septembre 2031, quel que soit l’acte (« déposés » est laissé de côté)",
        ),
        ("visé le 24/09/2031", "la date « 24/09/2031 », quel que soit l’acte (« visé » est laissé de côté)"),
        ("signé en mars 2031", "une date de mars 2031, quel que soit l’acte (« signé » est laissé de côté)"),
        (
            "Décidée le 24/9/2031 bail",
            "le mot « bail », la date « 24/09/2031 », quel que soit l’acte (« Décidée » est laissé de côté)",
        ),
        (
            "envoyé entre mars et mai 2031",
            "une date entre mars 2031 et mai 2031, quel que soit l’acte (« envoyé » est laissé de côté)",
        ),
        ("bail signé 2031", "les mots « bail », « signé » et « 2031 »"),
        ("> 10 000 2031", "le mot « 2031 », un montant en euros de plus de 10 000,00 €"),
        ("plus de 10 000 EUR 2031", "le mot « 2031 », un montant en euros de plus de 10 000,00 €"),
        (
            "entre 500 et 10 000 eur",
            "un montant en euros de 500,00 à 10 000,00 €",
        ),
        ("entre 5 000 et 6 000", "un montant en euros de 5 000,00 à 6 000,00 €"),
        ("entre 6000 et 5000", "un montant en euros de 5 000,00 à 6 000,00 €"),
        (">= 1000 <= 2000", "un montant en euros de 1 000,00 à 2 000,00 €"),
        (
            ">= 2000 <= 1000",
            "un montant en euros d’au moins 2 000,00 €, un montant en euros d’au plus 1 000,00 €",
        ),
        ("bail moins de 1000", "le mot « bail », un montant en euros de moins de 1 000,00 €"),
        ("Plus de 1 000, bail", "le mot « bail », un montant en euros de plus de 1 000,00 €"),
        (
            "plus de 1000 moins de 2000",
            "un montant en euros de plus de 1 000,00 €, un montant en euros de moins de 2 000,00 €",
        ),
        (
            "moins de 1000 signé en mars 2031",
            "une date de mars 2031, quel que soit l’acte (« signé » est laissé de côté), "
            "un montant en euros de moins de 1 000,00 €",
        ),
        (
            "déposé le 2 mars 2031 visé le 3 mars 2031",
            "une date du 2 mars 2031, une date du 3 mars 2031, quel que soit l’acte "
            "(« déposé » et « visé » sont laissés de côté)",
        ),
        # Words, as before: years, an age, a number of something, a quotation
        ("entre 2024 et 2026", "les mots « entre », « 2024 » et « 2026 »"),
        ("moins de 18 ans", "les mots « moins », « 18 » et « ans »"),
        ('"moins de 1000"', 'les mots « "moins » et « 1000" »'),
        (
            "entre 5 000 et 6 000 logements",
            "les mots « entre » et « logements », le nombre « 5 000 », le nombre « 6 000 »",
        ),
        ("plus de 10 mars 2031", "le mot « plus », une date du 10 mars 2031"),
        ("> 1.234,56 bail", "le mot « bail », un montant en euros de plus de 1 234,56 €"),
        ("> 1.234.567", "un montant en euros de plus de 1 234 567,00 €"),
        ("> 1,234", "les mots « > » et « 1,234 »"),
        ("> 10k", "les mots « > » et « 10k »"),
        ("> 12/03/2031", "le mot « > », la date « 12/03/2031 »"),
        ("> 1234567890123", "les mots « > » et « 1234567890123 »"),
        ("> 10 mars 2031", "une date de mars 2031, un montant en euros de plus de 10,00 €"),
        ("> mars 2031", "le mot « > », une date de mars 2031"),
        ("15 000", "le nombre « 15 000 »"),
        ("subvention 15 000 €", "le mot « subvention », le nombre « 15 000 »"),
        ("15 000 > 20", "le nombre « 15 000 », un montant en euros de plus de 20,00 €"),
        ("2026 057", "les mots « 2026 » et « 057 »"),
        ("12 34", "les mots « 12 » et « 34 »"),
        ("012 345", "les mots « 012 » et « 345 »"),
        ("06 12 345 678", "les mots « 06 », « 12 », « 345 » et « 678 »"),
        ("15 000 123 4", "les mots « 15 », « 000 », « 123 » et « 4 »"),
    ],
)
def test_the_words_of_a_date_are_no_date_again_nor_an_amount(typed: str, words: str) -> None:
    query = understood(typed)
    assert searching.understanding(query, None).replace("\xa0", " ").replace("\u202f", " ") == words
    plain = understood(query.plain)
    assert (plain.dates, plain.amounts) == ((), query.amounts)
    assert understood(query.without_amount).asks_as(query)


@pytest.mark.parametrize(
    ("typed", "words", "plain"),
    [
        ("12 mars", "une date du 12 mars 2031", "mars 12"),
        ("1er déc.", "une date du 1er décembre 2031", "déc 1er"),
        ("2 décembre", "une date du 2 décembre 2030", "décembre 2"),
        (
            "déposé le jeudi 12 mars bail",
            "le mot « bail », une date du 12 mars 2031, quel que soit l’acte (« déposé » est laissé de côté)",
            "mars 12 jeudi bail",
        ),
        ("29 février", "une date du 29 février 2028", "février 29"),
        ("31 février", "les mots « 31 » et « février »", ""),
        ("12/03", "la date « 12/03/2031 »", "12-03"),
        (
            "visé le 01/12",
            "la date « 01/12/2031 », quel que soit l’acte (« visé » est laissé de côté)",
            "01-12",
        ),
        ("02/12", "la date « 02/12/2030 »", "02-12"),
        ("aujourd’hui", "une date du 1er décembre 2031", '"aujourd’hui"'),
        (
            "Déposé aujourd'hui bail",
            "le mot « bail », une date du 1er décembre 2031, quel que soit l’acte (« Déposé » est laissé de côté)",
            '"aujourd\'hui" bail',
        ),
        ("d’aujourd’hui", "une date du 1er décembre 2031", '"aujourd’hui"'),
        (
            "signées hier",
            "une date du 30 novembre 2031, quel que soit l’acte (« signées » est laissé de côté)",
            '"hier"',
        ),
        ("avant-hier", "une date du 29 novembre 2031", '"avant-hier"'),
        (
            "12 mars > 500",
            "une date du 12 mars 2031, un montant en euros de plus de 500,00 €",
            "mars 12 > 500",
        ),
        # Words, as before: another number beside, one day of several, a part, a street, a feast
        ("12 mars 26", "les mots « 12 », « mars » et « 26 »", ""),
        ("12 et 13 mars", "les mots « 12 », « 13 » et « mars »", ""),
        ("du 12 au 14 mars", "les mots « 12 », « 14 » et « mars »", ""),
        ("entre le 12 mars et le 15 avril", "les mots « entre », « 12 », « mars », « 15 » et « avril »", ""),
        ("entre le 12/03 et le 15/04", "les mots « entre », « 12/03 » et « 15/04 »", ""),
        ("12 34", "les mots « 12 » et « 34 »", ""),
        ("12/34", "le mot « 12/34 »", ""),
        ("lot 1/2", "les mots « lot » et « 1/2 »", ""),
        ("lot 12/03-4", "les mots « lot » et « 12/03-4 »", ""),
        ("12 marsouins", "les mots « 12 » et « marsouins »", ""),
        ("cahier", "le mot « cahier »", ""),
        ('"hier"', 'le mot « "hier" »', ""),
        ("rue du 4 septembre", "les mots « rue », « 4 » et « septembre »", ""),
        ("14 juillet", "les mots « 14 » et « juillet »", ""),
        ("fête du 14 juillet", "les mots « fête », « 14 » et « juillet »", ""),
        ("le 14 juillet", "une date du 14 juillet 2031", "juillet 14"),
        (
            "déposé le 14 juillet",
            "une date du 14 juillet 2031, quel que soit l’acte (« déposé » est laissé de côté)",
            "juillet 14",
        ),
    ],
)
def test_a_day_without_a_year_is_the_last_that_is_past_and_the_page_says_which(
    typed: str, words: str, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "today", lambda: date(2031, 12, 1))
    query = understood(typed)
    assert searching.understanding(query, None).replace("\xa0", " ").replace("\u202f", " ") == words
    assert query.plain == (plain or typed)
    assert query.may_be_words is bool(plain)
    again = understood(query.plain)
    assert (again.days, again.amounts) == ((), query.amounts)
    assert understood(query.without_amount).asks_as(query)


def test_what_is_typed_in_any_order_is_the_same_without_its_amount_and_its_dates_may_be_words() -> None:
    dice = random.Random(8)
    typed = "entre et du au le 2 12 24 1er mars sept. avril 2031 2032 > < 500 10 000 € 1.234,56 3/9/2031 jeudi bail"
    typed += " 20-12-2031 2.3.2031 12/03 hier déposé aujourd’hui 14 juillet rue plus moins de par gaud"
    parts = typed.split()
    for _ in range(3_000):
        query = understood(" ".join(dice.choices(parts, k=dice.randint(2, 9))))
        plain = understood(query.plain)
        assert (plain.dates, plain.amounts) == ((), query.amounts), query.typed
        without = understood(query.without_amount)
        assert without.asks_as(query), query.typed


@pytest.mark.parametrize("typed", ["mars 2031 2032-avril 2033-mai 2034", "x-mars 2031-mars 2032-mars 2033"])
def test_words_that_are_joined_to_a_year_are_no_date_again(typed: str) -> None:
    query = understood(typed)
    assert query.dates
    assert not understood(query.plain).dates


@pytest.mark.parametrize(
    ("typed", "without"),
    [
        (
            "mars > 5 2026 entre novembre et février 1900 " + "entre janvier 1900 et décembre 2099 " * 3,
            "entre novembre et février 1900 " + "entre janvier 1900 et décembre 2099 " * 3 + "2026 mars",
        ),
        ("bail 24 d’avril mars < 10 2032 sept. et", ""),
    ],
)
def test_what_was_typed_is_read_again_in_few_orders_its_dates_as_they_were_typed(
    typed: str, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, read = understood(typed), []
    monkeypatch.setattr(asking, "understood", lambda one: read.append(one) or understood(one))
    assert query.without_amount == without.strip()
    assert len(read) <= 1 + asking.MOST_ORDERS


def test_what_is_beyond_the_longest_that_is_asked_is_not_read_by_any_door(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert understood("bail " * 200_000) == understood(("bail " * 200)[: asking.LONGEST])
    assert not understood("mars 2031" + " " * asking.LONGEST + "> 5 zwingle").amounts
    read: list[str] = []
    undated = asking._undated
    monkeypatch.setattr(asking, "_undated", lambda one: read.append(one) or undated(one))
    client, long = house.client(G), "mars 2031" + " 2032" * 400
    form = {"csrf_token": house.csrf(client), "page": "search", "q": long, "name": "x"}
    assert client.post("/vues/nouvelle", data=form).status_code == 422
    assert not read
    assert client.get("/suivi.csv", query_string={"q": long}).status_code in {200, 404}
    assert client.get("/recherche", query_string={"q": long}).status_code == 200
    assert [len(one) <= asking.LONGEST for one in read] == [True] * len(read) != []


def test_the_same_without_date_or_amount_keeps_what_is_ticked_and_the_help_says_which_amounts_are_in_euros(
    house: House,
) -> None:
    client = house.client(G)
    page = html.unescape(client.get("/recherche?q=zwingle mars 2031 > 10&etat=running&type=invoice").text)
    ways = dict(re.findall(r'<a class="btn btn-line" href="(/recherche[^"]*)">([^<]*)</a>', page))
    assert set(ways.values()) == {"Sans les filtres", "Sans le montant", "Ces mots, sans date"}
    for url, way in ways.items():
        assert ("etat=running" in url and "type=invoice" in url) is (way != "Sans les filtres"), way
    (plainly,) = re.findall(r'<a href="(/recherche[^"]*)">Chercher plutôt ces mots', page)
    assert "etat=running" in plainly
    assert "type=invoice" in plainly
    told = "Un montant, dans toute monnaie : <b>3042</b> ; par milliers aussi : <b>15 000</b> ; ou comparé, en euros seulement"
    assert told in re.sub(r"\s", " ", page)
    crowns = house.an_invoice(at="draft", number="FA-1")
    house.save(crowns, G, {"total_ttc": "3042.00", "currency": "DKK"})
    assert (numbers_found(house, "3042"), numbers_found(house, "> 3000")) == ({crowns}, set())


def test_a_total_tells_nothing_of_folders_that_one_may_not_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a search is counted hangs on what its reader reads, whatever everybody else has of the same words."""
    mine = _sent(house, G, 60)
    monkeypatch.setattr(following, "FEW", 0)  # who reads many folders
    monkeypatch.setattr(following, "COMMON", 70)
    monkeypatch.setattr(following, "MATCHES", 70)

    def answered() -> tuple[int | None, list[tuple[str, list[tuple[str, str]]]], set[int]]:
        results = found(house, G, "zwinglophone")
        facets = [
            (one.key, [(box.value, box.count) for box in one.options if not box.chosen])
            for one in results.facets
        ]
        return results.total, facets, {one.id for one in results.found}

    before = answered()
    assert (before[0], before[2]) == (60, set(mine[-searching.HITS :]))
    _sent(house, K, 20, "deliberation")
    assert answered() == before
    monkeypatch.setattr(
        following, "COMMON", 10**6
    )  # by the index of words, which gives more than are looked at
    assert answered() == before


def _sent(house: House, login: str, count: int, family: str = "invoice") -> list[int]:
    """Folders of a word, deposited by somebody, that nobody else reads."""
    actor, moment, numbers = house.actor(login), now(), []
    with writing() as db, db.begin():
        for n in range(count):
            title = f"Zwinglophone {n}"
            folder = Folder(
                collectivity_id=actor.collectivity_id, family=family, title=title, number="",
                title_key=key_of_folder(title, "", {}, None), place="done", phase="done", round=1,
                emitter_desk_id=min(actor.desk_ids), depositor_user_id=actor.user_id, depositor_name=actor.name,
                fields={}, sources={}, due_on=NO_DATE, created_at=moment, updated_at=moment, submitted_at=moment,
            )  # fmt: skip
            db.add(folder)
            db.flush()
            numbers.append(folder.id)
            words = joined(forms_in(title))
            db.add(
                FolderWords(
                    folder_id=folder.id,
                    collectivity_id=actor.collectivity_id,
                    title=words,
                    documents=" ",
                    notes=" ",
                )
            )
    return numbers


def test_a_full_name_finds_its_person_whoever_shares_the_first_name(house: House) -> None:
    actor = house.actor(G)
    account: Any = User.__table__
    with writing() as db, db.begin():
        one = dict(db.execute(sa.select(account).where(account.c.login == G)).mappings().one())
        del one["id"]
        for n in range(asking.MOST_PEOPLE + 11):
            last = "Goff" if n == asking.MOST_PEOPLE + 10 else f"Nom{chr(97 + n % 26)}{chr(97 + n // 26)}"
            many = {"login": f"m{n}", "email": f"m{n}@example.org", "person_id": None}
            names = {"first_name": "Marie", "last_name": last, "search_key": f"marie {last.lower()} m{n}"}
            db.execute(sa.insert(account).values(**{**one, **many, **names}))
    with reading(actor.collectivity_id) as db:
        people = asking.people_named(db, actor.collectivity_id, understood("Marie Goff").words)
    assert people is not None
    assert people.names == ("Marie Goff",)


@pytest.mark.both_databases
@pytest.mark.parametrize("way", ["all looked at", "by index", "in order"])
def test_a_verb_before_a_name_finds_what_that_person_did_so_and_nothing_else_of_his(
    house: House, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """« visé par Nolwenn »; the words are still found where they stand, and who is named by none of them leaves words."""
    waits, signed, said = (house.an_invoice(at=at, number=f"FA-{at}") for at in ("finance", "done", "draft"))
    house.save(said, G, {}, title="Bon visé par Nolwenn, déposé par Armel")
    house.drain()
    monkeypatch.setattr(following, "FEW", following.FEW if way == "all looked at" else -1)
    monkeypatch.setattr(following, "COMMON", 0 if way == "in order" else 10**6)
    ours = {waits: "waits", signed: "signed", said: "said"}

    def named(typed: str) -> set[str]:
        return {ours[one] for one in numbers_found(house, typed) if one in ours}

    asked = {
        "visé par Nolwenn": {"signed", "said"},
        "Visés par Nolwenn Abgrallec": {"signed"},
        "vise par ronan": {"waits", "signed"},
        "signé par Nolwenn": set(),
        "signée par Armel Kervadec": {"signed"},
        "décidé par Armel": {"signed"},
        "visé par Armel": {"said"},
        "rejeté par Armel": set(),
        "déposé par Gwenola": {"waits", "signed", "said"},
        "envoyé par Armel": set(),
        "déposé par Armel": {"said"},
        "déposé par Gwenola bon": {"said"},
        "visé par Ronan FA-done": {"signed"},
        f"visé par Ronan {today():%d/%m/%Y}": {"waits", "signed"},
        "signé par Nolwenn > 1": set(),
        "signé par Armel > 1": {"signed"},
        "visé par zwingle": set(),
    }
    assert {typed: named(typed) for typed in asked} == asked
    page = " ".join(html.unescape(house.client(G).get("/recherche?q=visé par Nolwenn").text).split())
    assert "Compris : les mots « visé » et « nolwenn », ou ce qu’a visé Nolwenn Abgrallec." in page
    page = " ".join(html.unescape(house.client(G).get("/recherche?q=déposé par Gwenola bon").text).split())
    assert "ou ce qu’a déposé Gwenola Tréhorel avec l’autre mot." in page


def test_a_rejection_and_an_opinion_beside_a_visa_are_told_apart_by_their_verbs(house: House) -> None:
    folder_id = house.an_invoice(at="finance", number="FA-9")
    actor = house.actor(N)
    run = {"collectivity_id": actor.collectivity_id, "family": "invoice", "folder_id": folder_id}
    run |= {"step": "finance", "kind": "visa", "pass_number": 7, "due_on": NO_DATE, "entered_at": now()}
    with writing() as db, db.begin():
        run |= {"ended_at": now(), "user_id": actor.user_id, "who": "Nolwenn Abgrallec"}
        db.add(StepRun(**run, slot="asked:finance", state="done"))
    assert folder_id not in numbers_found(house, "visé par Nolwenn")
    assert folder_id in numbers_found(house, "décidé par Nolwenn")
    assert folder_id not in numbers_found(house, "rejeté par Nolwenn")
    with writing() as db, db.begin():
        db.add(StepRun(**{**run, "pass_number": 8}, slot="finance", state="rejected"))
    assert folder_id in numbers_found(house, "rejeté par Nolwenn")
    assert folder_id not in numbers_found(house, "visé par Nolwenn")


def test_a_name_is_the_words_behind_the_verb_and_what_is_typed_beside_names_nobody(house: House) -> None:
    actor = house.actor(G)
    with reading(actor.collectivity_id) as db:

        def asked(typed: str) -> tuple[tuple[str, ...], list[str], str]:
            people = asking.people_asked(db, actor.collectivity_id, understood(typed))
            assert people is not None
            return people.names, [one.typed for one in people.rest], people.act

        assert asked("Ronan Pellenec visé par Nolwenn") == (
            ("Nolwenn Abgrallec",),
            ["ronan", "pellenec"],
            "visé",
        )
        assert asked("visé par Nolwenn Ronan") == (("Nolwenn Abgrallec",), ["ronan"], "visé")
        assert asked("Nolwenn visé par zwingle") == (("Nolwenn Abgrallec",), ["visé", "zwingle"], "")


@pytest.mark.both_databases
def test_an_amount_in_words_is_one_without_its_sign_of_money(house: House) -> None:
    cheap, dear = (house.an_invoice(at="draft", number=f"FA-{n}") for n in range(2))
    house.save(cheap, G, {"total_ttc": "512.00"})
    house.save(dear, G, {"total_ttc": "5512.00"})
    for typed in ("entre 5 000 et 6 000", "entre 6 000 et 5 000", "plus de 1000", "FA plus de 1 000"):
        assert numbers_found(house, typed) & {cheap, dear} == {dear}, typed
    assert numbers_found(house, "moins de 1000") & {cheap, dear} == {cheap}
    assert numbers_found(house, "moins de 1000 déposé par Gwenola") & {cheap, dear} == {cheap}


@pytest.mark.parametrize("few", [following.FEW, -1])
def test_the_day_of_a_deposit_is_the_one_that_the_page_of_the_folder_says(
    house: House, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft that was begun days before is deposited when it is sent: the index, the facets and the words say so."""
    folder_id = house.an_invoice(at="service_done", number="FA-9")
    begun = datetime(2025, 3, 14, 10, 0, tzinfo=PARIS)
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Folder).where(Folder.id == folder_id).values(created_at=begun))
    monkeypatch.setattr(following, "FEW", few)
    assert folder_id in numbers_found(house, f"{today():%d/%m/%Y}")
    assert folder_id not in numbers_found(house, f"{begun:%d/%m/%Y}")
    page = house.client(G).get(f"/recherche?q=FA-9&annee={today().year}").text
    assert f"/dossiers/{folder_id}" in page
    assert f"/dossiers/{folder_id}" not in house.client(G).get(f"/recherche?q=FA-9&annee={begun.year}").text
    with reading() as db:
        assert following.first_year(db, house.actor(G)) == today().year
