"""The words of the code: a name is the noun of what it holds, wherever a room has been put right."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Participles and pronouns that a reader has to look up, line after line: what was found, and which one?
EMPTY = {
    "asked",
    "found",
    "given",
    "ground",
    "held",
    "here",
    "kept",
    "made",
    "one",
    "said",
    "seen",
    "told",
    "whom",
    "words",
}
# Folders, with all below them, and files whose names were put right; the others are owed, and a room is only ever added
RIGHT = (
    "app/batches",
    "app/channels",
    "app/chorus",
    "app/circuits",
    "app/core",
    "app/files",
    "app/invoices",
    "app/journal",
    "app/legality",
    "app/notices",
    "app/operations/declared",
    "app/operations/guidance",
    "app/operations/keeping",
    "app/operations/own_settings",
    "app/operations/rules",
    "app/operations/source",
    "app/operations/starting",
    "app/operations/statements",
    "app/pdf",
    "app/people/first_day",
    "app/people/office",
    "app/people/own_settings",
    "app/pes",
    "app/publication",
    "app/signing",
    "app/transmission",
    "app/trust",
    "app/verification",
    "bench",
    "demo",
    "workflows",
)
# A key of a stored format, or a column, keeps its word in the class that reads it
FORMATS = {("app/operations/models.py", "words"), ("workflows/circuit.py", "told")}


def bindings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each variable, parameter and comprehension that is bound in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def test_a_name_is_a_noun_in_the_rooms_that_were_put_right() -> None:
    files = [path for room in RIGHT for path in sorted((ROOT / room).rglob("*.py"))]
    files += [ROOT / room for room in RIGHT if room.endswith(".py")]
    assert files
    empty = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in files
        for line, name in bindings(ast.parse(path.read_text(encoding="utf-8")))
        if name.lstrip("_") in EMPTY and (str(path.relative_to(ROOT)), name) not in FORMATS
    ]
    assert not empty


def test_an_empty_name_is_seen_wherever_it_is_bound() -> None:
    bound = {name for _, name in bindings(ast.parse("def f(said, *, told=1):\n    [one for one in said]"))}
    assert bound == {"said", "told", "one"}
