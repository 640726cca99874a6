"""Print the longest rooms and functions: a question to answer, never a build to break."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    files = [
        one for folder in ("app", "workflows", "demo", "migrations") for one in (ROOT / folder).rglob("*.py")
    ]
    rooms = sorted(
        ((len(one.read_text().splitlines()), one.relative_to(ROOT)) for one in files), reverse=True
    )
    functions = [
        ((node.end_lineno or 0) - node.lineno + 1, f"{one.relative_to(ROOT)}:{node.name}")
        for one in files
        for node in ast.walk(ast.parse(one.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for title, found in (("Longest files", rooms), ("Longest functions", sorted(functions, reverse=True))):
        print(title)
        for lines, name in found[:10]:
            print(f"  {lines:5} {name}")


if __name__ == "__main__":
    main()
