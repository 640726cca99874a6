"""Who is named after « @ »: the cases that the page reads too (`tests/browser/test_gestures.py`)."""

import json
from typing import Any

import pytest

from app.folders.mentions import mentioned
from tests.builders.house import ASSETS

CASES = json.loads((ASSETS / "mentions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["words"] for case in CASES])
def test_the_words_of_a_note_name_whom_they_say_and_nobody_else(case: dict[str, Any]) -> None:
    numbers, unknown = mentioned(case["words"], list(enumerate(case["people"])))
    assert [case["people"][one] for one in sorted(numbers)] == case["named"]
    assert list(unknown) == case["unknown"]
