"""Which test holds which rule of law: read from the tests themselves, printed as docs/law.md (`python -m tests.house.law`).

A test names a rule in its own name (`test_TRA_01_…`) or by its mark (`@pytest.mark.law("TRA-01")`); `pytest -k TRA_01` runs
both.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "law.md"
RULES = Path(__file__).with_name("law.yaml")
_NAMED = re.compile(r"(?:^|_)([A-Z]{3})_(\d\d)(?=_|$)", re.IGNORECASE)
HEAD = """# The rules of law, and the tests that hold them

Written by `python -m tests.house.law` from `tests/house/law.yaml` and from the tests; `pytest -k TRA_01` runs those of a rule.
A rule is held when a test names it; the others say why they are not. Where the law leaves a doubt, the choice made is written.
Légifrance decides, not this page.
"""


def rules() -> dict[str, dict[str, dict[str, str]]]:
    """The rules by chapter, then by number: what each asks, its source, the choice made where the law leaves a doubt, and why no test
    holds it."""
    read: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return read


def tests_of() -> dict[str, list[str]]:
    """The tests that name a number, rule of this page or not, each by its file and its name."""
    known: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in sorted({*_in_name(node.name), *_marked(node)}):
                    known.setdefault(number, []).append(f"{path.relative_to(ROOT)}::{node.name}")
    return known


def named_in(name: str, chapters: frozenset[str]) -> Iterator[str]:
    """The numbers that a test's name holds, of these chapters (« TRA »): « held_04 » is none."""
    for chapter, number in _NAMED.findall(name):
        if chapter.upper() in chapters:
            yield f"{chapter.upper()}-{number}"


def chapters() -> frozenset[str]:
    """The letters that numbers begin with."""
    return frozenset(number[:3] for chapter in rules().values() for number in chapter)


def page() -> str:
    """The page as it must be."""
    held, written = tests_of(), rules()
    every = [number for chapter in written.values() for number in chapter]
    count = sum(1 for number in every if number in held)
    lines = [HEAD, f"{count} of {len(every)} rules are held by a test that names them."]
    for title, chapter in written.items():
        lines += ["", f"## {title}", "", "| rule | asks | source | held by |", "|---|---|---|---|"]
        lines += [_row(number, rule, held.get(number, [])) for number, rule in chapter.items()]
    return "\n".join(lines) + "\n"


def _row(number: str, rule: dict[str, Any], held: list[str]) -> str:
    by = "<br>".join(f"`{one}`" for one in held) or f"not held: {rule.get('why') or 'no test names it yet'}"
    asks = f"{rule['asks']} *Choice: {rule['choice']}.*" if rule.get("choice") else rule["asks"]
    return f"| {number} | {asks} | {rule['source']} | {by} |"


def _in_name(name: str) -> Iterator[str]:
    return named_in(name, _CHAPTERS)


def _marked(node: ast.FunctionDef) -> Iterator[str]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.law":
            yield from (str(one.value) for one in mark.args if isinstance(one, ast.Constant))


_CHAPTERS = chapters()

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
