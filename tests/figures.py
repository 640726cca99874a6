"""Print the figures of the house, here and as they were: `python -m tests.figures [COMMIT]` (docs/measures.md keeps them).

What is counted is the product: `app`, `workflows`, `migrations`, `config.py`, `wsgi.py`. A room is one folder of `app` or of
`workflows`; an arrow is one room that imports another; a circle is files that import one another at their top, so that
none can be read first.
"""

import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("app", "workflows", "migrations", "config.py", "wsgi.py")
OURS = ("app", "workflows", "config")


def sources(root: Path) -> dict[str, str]:
    """Each file of the product by the name of its module; `app.core` is `app/core/__init__.py`."""
    files = [
        one
        for place in PLACES
        for one in ([root / place] if place.endswith(".py") else (root / place).rglob("*.py"))
    ]
    dotted = {".".join(one.relative_to(root).with_suffix("").parts): one for one in files}
    return {
        name.removesuffix(".__init__"): one.read_text(encoding="utf-8")
        for name, one in sorted(dotted.items())
    }


def imported(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """The modules of the product that a piece of code names in its imports (none is relative here)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS:
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                yield inner if inner in known else node.module


def room(module: str) -> str:
    """`app.folders` of `app.folders.move`; a channel or a family is a room of its own."""
    parts = module.split(".")
    inner = 3 if parts[:2] in (["app", "channels"], ["workflows", "families"]) else 2
    return ".".join(parts[:inner])


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The sets of two files or more that reach one another (Tarjan, without recursion as far as the house is deep)."""
    seen: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    rings: list[set[str]] = []

    def visit(module: str) -> None:
        seen[module] = low[module] = len(seen)
        stack.append(module)
        for other in sorted(arrows[module]):
            if other not in seen:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], seen[other])
        if low[module] == seen[module]:
            ring = set(stack[stack.index(module) :])
            del stack[stack.index(module) :]
            if len(ring) > 1:
                rings.append(ring)

    for module in arrows:
        if module not in seen:
            visit(module)
    return rings


def figures(root: Path) -> dict[str, object]:
    """The lines of the table, in their order."""
    texts = sources(root)
    trees = {name: ast.parse(text) for name, text in texts.items()}
    known = set(trees)
    lengths = [len(text.splitlines()) for text in texts.values()]
    functions = [
        (node, (node.end_lineno or 0) - node.lineno + 1)
        for name, tree in trees.items()
        if not name.startswith("migrations")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    inside = [
        node
        for function, _ in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    own = [
        one for one in inside if isinstance(one, ast.ImportFrom) and (one.module or "").split(".")[0] in OURS
    ]
    tops = {
        name: {
            one
            for line in tree.body
            if isinstance(line, ast.Import | ast.ImportFrom)
            for one in imported(line, known)
        }
        - {name}
        for name, tree in trees.items()
    }
    every = {name: set(imported(tree, known)) - {name} for name, tree in trees.items()}
    between = {
        (room(one), room(other))
        for one, others in every.items()
        for other in others
        if room(one) != room(other)
    }
    bare = {
        pair
        for pair in between
        if pair[1] not in {"app.core", "config"}
        and not pair[1].startswith("workflows")
        and "demo" not in pair[0]
    }
    width, widest = max((len(others), name) for name, others in every.items())
    longest, where = max(
        (len(text.splitlines()), name) for name, text in texts.items() if not name.startswith("migrations")
    )
    rings = circles({name: others & known for name, others in tops.items()})
    within = circles({name: others & known for name, others in every.items()})
    comments = sum(
        token.type == tokenize.COMMENT
        for text in texts.values()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
    )
    crowd, crowded = max(
        (sum(room(one) == place for one in known), place)
        for place in {room(one) for one in known if one.startswith("app")}
    )
    return {
        "files": len(texts),
        "lines": f"{sum(lengths):,}",
        "lines of a file: median; of nine in ten at most": f"{median(lengths):.0f}; {quantiles(lengths, n=10)[-1]:.0f}",
        "longest file, migrations apart": f"{longest} {where}",
        "fullest room": f"{crowd} files, {crowded}",
        "lines of a function: median; longest": f"{median(size for _, size in functions):.0f}; {max(size for _, size in functions)}",
        "arrows between rooms; without core, law, settings, demonstration": f"{len(between)}; {len(bare)}",
        "circles of files; with imports inside functions (files in them)": f"{len(rings)}; {len(within)} ({sum(map(len, within))})",
        "widest file (files of ours that it imports)": f"{width} {widest}",
        "imports inside functions (of them, of ours)": f"{len(inside)} ({len(own)})",
        "lines that say `Any`": sum(
            "Any" in line
            for text in texts.values()
            for line in text.splitlines()
            if not line.startswith(("import", "from"))
        ),
        "comments, for 100 lines": f"{100 * comments / sum(lengths):.1f}",
    }


def habits(commit: str) -> dict[str, object]:
    """What the last 150 commits before one were like; of those that change 2 to 25 files of the product, how many stay in a room."""
    log = ["git", "log", "-150", "--no-merges", "--name-only", "--format=%x00%s", commit]
    entries = subprocess.run(log, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")[1:]
    subjects = [one.splitlines()[0] for one in entries]
    changed = [
        {
            name
            for name in one.splitlines()[1:]
            if name.endswith(".py") and name.startswith(("app/", "workflows/"))
        }
        for one in entries
    ]
    counted = [names for names in changed if 2 <= len(names) <= 25]
    alone = [
        names
        for names in counted
        if len({room(name.removesuffix(".py").replace("/", ".")) for name in names}) == 1
    ]
    return {
        "commits in one room, of the last 150 that count": f"{len(alone)} of {len(counted)}",
        "subjects longer than 72 characters, of 150": sum(len(one) > 72 for one in subjects),
    }


def as_it_was(commit: str) -> dict[str, object]:
    """The figures of another commit, read from git and written nowhere that stays."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as opened:
            opened.extractall(folder, filter="data")
        return figures(Path(folder)) | habits(commit)


def main() -> None:
    """A table in Markdown, one column for each commit that is named and one for what is here."""
    columns = {commit: as_it_was(commit) for commit in sys.argv[1:]} | {
        "here": figures(ROOT) | habits("HEAD")
    }
    print("| | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    for line in columns["here"]:
        print(f"| {line} | " + " | ".join(str(column.get(line, "")) for column in columns.values()) + " |")


if __name__ == "__main__":
    main()
