"""Somebody who has neither Paraphe nor its base judges an exported journal, and names the first line that was touched."""

import json
import random
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.clock import now
from app.core.db import reading
from app.journal import anchors
from app.journal.chain import digest
from app.journal.export import CHECKER, README
from tests.builders.house import House

Lines = list[dict]


def run(house: House, *arguments: str) -> tuple[int, str]:
    done = house.app.test_cli_runner().invoke(args=["journal", *arguments])
    return done.exit_code, done.output.replace("\u00a0", " ")


def judged(export: Path, *arguments: str) -> tuple[int, str]:
    """By a bare Python: no site, no environment, in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(export.parent / CHECKER), str(export), *arguments],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C.UTF-8"},
        cwd=export.parent,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def export(house: House, tmp_path: Path) -> Path:
    """The journal of a commune where a deliberation was signed by two."""
    house.a_deliberation(at="prefecture")
    code, said = run(house, "export", "--collectivity", "212 909 998", str(tmp_path / "sortie"))
    assert code == 0, said
    (path,) = (tmp_path / "sortie").glob("*.jsonl")
    return path


def rewritten(lines: Lines, rank: int) -> None:
    """Each hash from here on made anew, as one who knows the rule would."""
    collectivity = lines[0]["collectivity"]
    for one, before in zip(lines[rank:-1], lines[rank - 1 : -2], strict=True):
        one["previous"] = before["hash"]
        one["hash"] = digest(one["previous"], collectivity, one["seq"], one)
    lines[-1]["head"] = {"seq": lines[-2]["seq"], "hash": lines[-2]["hash"]}


def swapped(lines: Lines, one: int, other: int, *, numbered: bool = False) -> None:
    lines[one], lines[other] = lines[other], lines[one]
    if numbered:
        lines[one]["seq"], lines[other]["seq"] = one, other


def doubled(lines: Lines, rank: int) -> None:
    lines.insert(rank, dict(lines[rank]))


def added(lines: Lines, rank: int) -> None:
    new = {**lines[rank], "event": "folder.signed"}
    new["hash"] = digest(new["previous"], lines[0]["collectivity"], new["seq"], new)
    lines.insert(rank, new)


# What is done to the lines, and the number of the line that must be named
TAMPERED: dict[str, tuple[Callable[[Lines], object], int]] = {
    "who acted": (lambda all_: all_[4].update(who="Armel KERVADEC"), 4),
    "which account acted": (lambda all_: all_[4].update(user_id=99), 4),
    "when": (lambda all_: all_[5].update(at="2020-01-01T00:00:00.000+00:00"), 5),
    "what happened": (lambda all_: all_[5].update(event="folder.rejected"), 5),
    "on which folder": (lambda all_: all_[6].update(folder_id=7), 6),
    "a fact": (lambda all_: all_[6].update(facts=all_[6]["facts"].replace("1", "2") + " "), 6),
    "its own hash with it": (
        lambda all_: all_[4].update(
            who="X", hash=digest(all_[4]["previous"], all_[0]["collectivity"], 4, {**all_[4], "who": "X"})
        ),
        5,
    ),
    "one removed": (lambda all_: all_.pop(5), 5),
    "the first removed": (lambda all_: all_.pop(1), 1),
    "two exchanged": (lambda all_: swapped(all_, 4, 5), 4),
    "two exchanged and numbered again": (lambda all_: swapped(all_, 4, 5, numbered=True), 4),
    "one twice": (lambda all_: doubled(all_, 5), 5),
    "one added between": (lambda all_: added(all_, 6), 7),
    "the last removed": (lambda all_: all_.pop(-2), -1),
    "the last removed, its head with it": (lambda all_: (all_.pop(-2), all_.pop(-1)), -1),
    "a field removed": (lambda all_: all_[4].pop("user_id"), 4),
    "another collectivity": (lambda all_: all_[0].update(collectivity=99), 1),
    "something after the end": (lambda all_: all_.append(dict(all_[3])), 0),
}


@pytest.mark.law("PRV-01")
def test_a_bare_python_names_the_first_line_that_was_touched(house: House, export: Path) -> None:
    assert judged(export) == (0, f"Journal intact : {count(export)} écritures, tête {head(export)}.\n")
    whole = [json.loads(one) for one in export.read_text().splitlines()]
    assert len(whole) > 10
    for name, (touch, number) in TAMPERED.items():
        lines = json.loads(json.dumps(whole))
        touch(lines)
        other = export.with_name("autre.jsonl")
        other.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines))
        code, said = judged(other)
        assert (code, said.partition(" :")[0]) == (1, "JOURNAL ALTÉRÉ"), name
        named = len(whole) - 2 + number if number < 0 else number
        assert not number or f"n° {named}" in said, (name, said)


def test_any_byte_that_is_changed_is_seen(export: Path) -> None:
    dice, data, other = random.Random(20261127), export.read_bytes(), export.with_name("autre.jsonl")
    for _ in range(12):
        rank = dice.randrange(len(data))
        other.write_bytes(data[:rank] + bytes([data[rank] ^ 1]) + data[rank + 1 :])
        code, said = judged(other)
        # The date of the export is the only thing that no hash covers; a space changes no value
        assert code in {1, 2} or rank < data.index(b"\n") or chr(data[rank]) in ' "', (rank, said)


def test_who_rewrites_everything_is_told_by_what_was_noted_elsewhere(house: House, export: Path) -> None:
    with reading() as db:
        noted = "# repères\n" + "".join(f"{one}\n" for one in anchors.heads(db, now()))
    marks = export.with_name("reperes.txt")
    marks.write_text(noted)
    assert judged(export, "--reperes", str(marks))[0] == 0
    lines = [json.loads(one) for one in export.read_text().splitlines()]
    lines[4]["who"] = "Armel KERVADEC"
    rewritten(lines, 4)
    export.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines))
    assert judged(export)[0] == 0, "alone, a chain made anew holds"
    code, said = judged(export, "--reperes", str(marks))
    assert (code, "réécrit" in said) == (1, True)
    marks.write_text("999999999 4 " + "0" * 64)
    assert judged(export, "--reperes", str(marks))[0] == 2
    siren, *rest = noted.splitlines()[1].split()
    for number in ("²", "9" * 5_000, "quatre"):  # a slip of the pen is none of the journal
        marks.write_text(f"{siren} {number} {rest[1]}")
        code, said = judged(export, "--reperes", str(marks))
        assert (code, "la ligne 1 des repères" in said) == (2, True), (number[:9], code, said[:300])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_its_owner_s_and_replaces_nothing(house: House, export: Path) -> None:
    folder = export.parent
    assert {one.name for one in folder.iterdir()} == {export.name, CHECKER, README}
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert f"python3 {CHECKER} {export.name}" in (folder / README).read_text()
    before = export.read_bytes()
    here = house.actor("k.morizur").collectivity_id
    code, said = run(house, "export", "--collectivity", str(here), str(folder))
    assert (code != 0, "contient déjà" in said, export.read_bytes()) == (True, True, before)
    code, said = run(house, "export", "--collectivity", "999", str(folder / "rien"))
    assert (code != 0, "pas de collectivité 999" in said, (folder / "rien").exists()) == (
        True,
        True,
        False,
    )
    for text in ("", "{}\n", "[1]\n", "pas du json\n", "[" * 200_000 + "\n", "9" * 9_000 + "\n"):
        export.write_text(text)
        code, said = judged(export)
        assert (code, said.startswith("Rien n’a été vérifié")) == (2, True), text


def count(export: Path) -> int:
    return len(export.read_text().splitlines()) - 2


def head(export: Path) -> str:
    return str(json.loads(export.read_text().splitlines()[-1])["head"]["hash"])
