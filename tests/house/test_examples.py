"""Each example written in a docstring says what the code does today."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(one for folder in ("app", "workflows", "demo") for one in (ROOT / folder).rglob("*.py"))
WITH_EXAMPLES = sorted(
    ".".join(one.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for one in CODE
    if re.search(r"^\s*>>> ", one.read_text(encoding="utf-8"), flags=re.MULTILINE)
)


def test_some_module_has_examples() -> None:
    assert len(WITH_EXAMPLES) > 10


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_what_a_docstring_shows_is_what_happens(module: str) -> None:
    faults: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder(exclude_empty=True).find(import_module(module)):
        runner.run(example, out=faults.append)
    assert not faults, "".join(faults)
