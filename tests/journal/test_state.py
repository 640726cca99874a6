"""Twenty ways to touch rows, files or the whole chain, and which of the five verifications sees each of them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.db import Base, engine
from app.folders.models import Folder
from app.journal import chain
from app.journal.chain import GENESIS, digest
from app.journal.export import CHECKER, export
from app.journal.models import ChainHead, JournalEntry
from app.operations.state import Account, Stands
from tests.builders.house import House

ENTRY, HEAD = JournalEntry.__table__, ChainHead.__table__
ROWS = ("journal_entry", "chain_head")


def sql(*statements: str) -> None:
    with engine().begin() as connection:
        for one in statements:
            connection.execute(sa.text(one))


def forged(**changed: str) -> None:
    """One who knows the rule changes what was sent, and makes every hash after it anew, head included."""
    with engine().begin() as connection:
        previous = GENESIS
        for row in connection.execute(sa.select(ENTRY).order_by(ENTRY.c.seq)).mappings():
            line = dict(row)
            for old, new in changed.items():
                line["facts"] = line["facts"].replace(old, new)
            hashed = digest(previous, row["collectivity_id"], row["seq"], line)
            values = {"facts": line["facts"], "previous": previous, "hash": hashed}
            connection.execute(sa.update(ENTRY).where(ENTRY.c.id == row["id"]).values(**values))
            previous = hashed
        connection.execute(sa.update(HEAD).values(hash=previous))


def cut(after: int) -> None:
    """The end is taken away, and the head says so."""
    sql(f"DELETE FROM journal_entry WHERE seq > {after}")
    sql(f"UPDATE chain_head SET seq = {after}, hash = (SELECT hash FROM journal_entry WHERE seq = {after})")


def renamed(seller: str) -> None:
    """Another seller in the facts that people read."""
    table = Folder.__table__
    with engine().begin() as connection:
        fields = connection.execute(sa.select(table.c.fields)).scalar_one()
        connection.execute(sa.update(table).values(fields={**fields, "seller": seller}))


@contextmanager
def put_back(*tables: str) -> Iterator[None]:
    """Rows that were changed or removed inside are as they were afterwards."""
    kept = []
    with engine().connect() as connection:
        for name in tables:
            table = Base.metadata.tables[name]
            kept.append((table, [dict(row) for row in connection.execute(sa.select(table)).mappings()]))
    yield
    with engine().begin() as connection:
        for table, rows in kept:
            key = list(table.primary_key)
            here = {tuple(row) for row in connection.execute(sa.select(*key))}
            for row in rows:
                match = sa.and_(*(one == row[one.name] for one in key))
                there = tuple(row[one.name] for one in key) in here
                connection.execute(
                    sa.update(table).where(match).values(row) if there else sa.insert(table).values(row)
                )
                here.discard(tuple(row[one.name] for one in key))
            for left in here:
                connection.execute(
                    sa.delete(table).where(
                        sa.and_(*(one == value for one, value in zip(key, left, strict=True)))
                    )
                )


class Scene:
    """An invoice that was signed and handed over, and what judges its journal."""

    def __init__(self, house: House, room: Path) -> None:
        self.house, self.room, self.rank = house, room, 0
        self.folder = house.an_invoice(at="done")
        self.documents = house.settings.data_dir / "documents"
        self.siren = "212909998"
        self.marks = room / "marks"
        self.marks.write_text(self.run("head")[1])

    def run(self, *arguments: str) -> tuple[int, str]:
        done = self.house.app.test_cli_runner().invoke(args=["journal", *arguments])
        return done.exit_code, done.output.replace("\u00a0", " ")

    def judged(self) -> tuple[dict[str, bool], str]:
        """What each verification sees: True where it says that something is wrong; and what they say."""
        self.rank += 1
        code, said = self.run("verify", "--state", "--against", str(self.marks))
        broken, noted = "journal altéré" in said, "le journal les porte encore" not in said
        changed = "la base et les fichiers sont ce que le journal en dit" not in said
        assert (code != 0) == (broken or noted or changed), said
        place = self.room / str(self.rank)
        assert self.run("export", "--collectivity", self.siren, str(place))[0] == 0
        judge = [
            str(place / CHECKER),
            str(place / f"journal-{self.siren}.jsonl"),
            "--reperes",
            str(self.marks),
        ]
        done = subprocess.run(
            [sys.executable, "-I", "-S", *judge], capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"}
        )
        seen = {
            "verify": broken,
            "against": broken or noted,
            "state": broken or changed,
            "bare": "Journal intact" not in done.stdout,
            "marked": done.returncode != 0,
        }
        return seen, said

    def version(self) -> Path:
        """The file of the signed version."""
        return next(self.documents.glob(f"c*/??/{self.house.versions(self.folder)[-1].sha256}"))


# « chain » is seen by all; « marks » only by what was noted elsewhere; « state » only by the comparison of the rows
CHAIN = {"verify", "against", "state", "bare", "marked"}
MARKS, STATE = {"against", "marked"}, {"state"}
LAST = "(SELECT max(seq) FROM journal_entry)"
WAYS: dict[str, tuple[Callable[[], object], set[str], str]] = {
    "who decided": (
        lambda: sql("UPDATE journal_entry SET who = 'X' WHERE event = 'folder.approve'"),
        CHAIN,
        "a été modifiée",
    ),
    "what was sent": (
        lambda: sql("UPDATE journal_entry SET facts = replace(facts, '3042', '9042')"),
        CHAIN,
        "a été modifiée",
    ),
    "when it was signed": (
        lambda: sql(
            "UPDATE journal_entry SET at = '2020-01-01T00:00:00.000+00:00' WHERE event = 'folder.sign'"
        ),
        CHAIN,
        "a été modifiée",
    ),
    "a line removed": (
        lambda: sql("DELETE FROM journal_entry WHERE event = 'folder.submit'"),
        CHAIN,
        "manque",
    ),
    "the last line removed": (
        lambda: sql(f"DELETE FROM journal_entry WHERE seq = {LAST}"),
        CHAIN,
        "à la fin du journal",
    ),
    "the head alone": (lambda: sql("UPDATE chain_head SET hash = 'x'"), CHAIN, "la tête de chaîne"),
    "a line of another folder": (
        lambda: sql("UPDATE journal_entry SET folder_id = 99 WHERE event = 'folder.sign'"),
        CHAIN,
        "a été modifiée",
    ),
    "the whole chain, an amount in it": (
        lambda: forged(**{"3042.00": "9042.00"}),
        MARKS | STATE,
        "« total_ttc » n’est pas ce qui a été envoyé",
    ),
    "the whole chain, a place in it": (
        lambda: forged(**{'"entered":"done"': '"entered":"handover"'}),
        MARKS | STATE,
        "le journal à « handover »",
    ),
    "the whole chain, a document in it": (
        lambda: forged(**{"41dd5b4aae845c6af0d451d3b9ecf591ba672b65b82fb9ae7644d490f378e7f4": "0" * 64}),
        MARKS | STATE,
        "n’est nommée par aucune écriture",
    ),
    "the whole chain, only who": (
        lambda: forged(**{'"capacity":"Maire"': '"capacity":"Adjoint"'}),
        MARKS,
        "",
    ),
    "the end, head included": (lambda: cut(34), MARKS | STATE, "le journal à"),
    "the place of a folder": (
        lambda: sql("UPDATE folder SET place = 'bon_a_payer', phase = 'running'"),
        STATE,
        "la base le dit à « bon_a_payer », le journal à « done »",
    ),
    "its phase alone": (lambda: sql("UPDATE folder SET phase = 'running'"), STATE, "sa phase « running »"),
    "its amount": (lambda: sql("UPDATE folder SET amount_cents = 1"), STATE, "le montant des listes"),
    "its facts": (lambda: renamed("Atelier Bertier"), STATE, "« seller » n’est pas ce qui a été envoyé"),
    "its version": (lambda: sql("UPDATE folder SET version = 2"), STATE, "la base a moins avancé"),
    "the bytes that a version names": (
        lambda: sql("UPDATE document_version SET sha256 = '" + "0" * 64 + "' WHERE origin = 'signed'"),
        STATE,
        "n’est nommée par aucune écriture",
    ),
    "the rights at a desk": (
        lambda: sql(
            "UPDATE holder SET rights = '[]' WHERE desk_id = (SELECT id FROM desk WHERE key = 'maire')"
        ),
        STATE,
        "ses droits au bureau « maire »",
    ),
}


def test_a_ruling_whose_line_does_not_write_the_value_kept_accuses_nobody() -> None:
    account = Account()
    lines: list[tuple[str, dict[str, object]]] = [
        ("folder.submit", {"fields": {"number": "1", "seller": "A"}}),
        ("folder.ruled", {"about": "fact:number", "keep": "2"}),  # before the value was written
        ("folder.ruled", {"about": "fact:seller", "keep": "B", "kept": {"seller": "B"}}),
    ]
    for seq, (event, facts) in enumerate(lines, 1):
        account.read(JournalEntry(seq=seq, event=event, facts=json.dumps(facts)))
    assert account.stands == {"seller": Stands("B", "retenu", 3)}


@pytest.mark.law("PRV-01")
def test_each_way_of_tampering_is_seen_by_what_can_see_it(house: House, tmp_path: Path) -> None:
    scene = Scene(house, tmp_path)
    nothing = dict.fromkeys(sorted(CHAIN), False)
    seen, said = scene.judged()
    assert (dict(sorted(seen.items())), "la base et les fichiers sont ce que le journal en dit" in said) == (
        nothing,
        True,
    ), said
    wrong = []
    for name, (touch, expected, words) in WAYS.items():
        with put_back(*ROWS, "folder", "document_version", "holder"):
            touch()
            seen, said = scene.judged()
        if {one for one, bad in seen.items() if bad} != expected or words not in said:
            wrong.append((name, {one for one, bad in seen.items() if bad}, said))
    for name, act, words in (
        ("a file altered", lambda path: (path.chmod(0o600), path.write_bytes(b"%PDF other")), "est altéré"),
        ("a file removed", lambda path: path.unlink(), "manque au dépôt"),
    ):
        path = scene.version()
        whole = path.read_bytes()
        act(path)
        seen, said = scene.judged()
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
        if {one for one, bad in seen.items() if bad} != STATE or words not in said:
            wrong.append((name, seen, said))
    assert wrong == []
    seen, said = scene.judged()
    assert seen == nothing, said


def test_a_clock_that_goes_backwards_is_told_and_is_no_alteration(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder_id = house.an_invoice(at="service_done")
    real = chain.now
    monkeypatch.setattr(chain, "now", lambda: real() - timedelta(hours=3))
    house.approve(folder_id, "r.pellenec")
    done = house.app.test_cli_runner().invoke(args=["journal", "verify", "--state"])
    assert done.exit_code == 0, done.output
    assert "l’horloge a reculé de 10" in done.output.replace("\u202f", "")
    assert done.output.count("l’horloge a reculé") == 1
    export(house.actor("r.pellenec").collectivity_id, tmp_path / "sortie", real())
    bare = [str(tmp_path / "sortie" / CHECKER), str(tmp_path / "sortie" / "journal-212909998.jsonl")]
    alone = subprocess.run(
        [sys.executable, "-I", "-S", *bare], capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.count("Remarque : l’horloge a reculé") == 1
