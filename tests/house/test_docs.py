"""What the documents name exists: files, settings, commands, targets."""

import re
from pathlib import Path

import pytest

from config import Settings
from tests.builders.house import House

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:app|workflows|tests|docs|migrations|bench)/[\w./-]+)`", text)) | {
        "pyproject.toml"
    }
    linked = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")}
    missing = [one for one in named if not (ROOT / one).exists()] + [
        one for one in linked if not (page.parent / one).exists()
    ]
    assert not missing


def test_every_setting_is_told_and_every_setting_told_exists() -> None:
    told = set(
        re.findall(
            r"\| `PARAPHE_([A-Z0-9_]+)` \|", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        )
    )
    assert told == {name.upper() for name in Settings.model_fields}


def test_every_command_and_target_that_a_page_names_exists(house: House) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    commands = set(re.findall(r"flask --app wsgi ([a-z-]+)", text))
    assert commands <= set(house.app.cli.list_commands(None))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
