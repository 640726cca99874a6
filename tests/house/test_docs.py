"""What the documents name exists: files, settings and their defaults, commands with their options, targets, words."""

import ast
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import click
import pytest
import yaml
from pydantic import SecretStr

from app.core.refusals import catalogue
from app.operations import doctor
from app.operations.source import archive as source
from app.operations.trace import ACTS
from app.people.own_settings.registry import leading
from app.transmission.settings import declared, table
from config import Settings
from tests.builders.house import House

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
RECIPES = [ROOT / "docs" / "deploy" / name for name in ("Containerfile", "compose.yaml")]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").iterdir())
TOP = "app|workflows|demo|tests|docs|migrations|bench"
AT_THE_ROOT = r"[\w.-]+\.(?:py|md|toml|json|txt)|Makefile"
OURS = {name.upper() for name in Settings.model_fields}
MADE = {"bench/results.json"}  # by a command that the page gives
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def every_text() -> str:
    return "\n".join(map(read, [*PAGES, *RECIPES]))


def code() -> str:
    folders = (ROOT / "app", ROOT / "workflows", ROOT / "demo")
    files = [one for home in folders for kind in ("*.py", "*.yaml") for one in home.rglob(kind)]
    return "\n".join(map(read, files))


def between_quotes(text: str) -> list[str]:
    """What a page writes as code inside a sentence."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


@EVERY_PAGE
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    quoted = between_quotes(read(page))
    named = {one for one in quoted if re.fullmatch(rf"(?:{TOP})/[\w./-]*", one)} - MADE
    beside = {one for one in quoted if re.fullmatch(AT_THE_ROOT, one)}
    linked = {one for one in re.findall(r"\]\(([^)#]+)\)", read(page)) if not one.startswith("http")}
    # « rules.py » alone is a kind of file, somewhere in the house; « Makefile » is at its root.
    lost = {one for one in beside if not (ROOT / one).exists() and not any((ROOT / "app").rglob(one))}
    lost = {one for one in lost if not any((ROOT / home).rglob(one) for home in ("workflows", "demo"))}
    lost |= {one for one in named if not (ROOT / one).exists()}
    lost |= {one for one in linked if not (page.parent / one).exists()}
    assert not lost


def anchors(page: Path) -> set[str]:
    """Where a link may lead inside a page, as forges and our site name it."""
    titles = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", read(page), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    plain = [re.sub(r"\[([^]]+)\]\([^)]*\)|`", r"\1", one).strip().lower() for one in titles]
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in plain}


def test_every_link_of_the_repository_leads_to_a_file_and_to_a_title_that_are_there() -> None:
    """The site says the same of its own pages (`make docs`); forges show the others too, and neither is asked here."""
    places = ("app", "docs", "tests", ".github", "LICENSES", ".")
    pages = [one for home in places for one in (ROOT / home).glob("*.md" if home == "." else "**/*.md")]
    assert len(pages) > 50
    lost = []
    for page in pages:
        for target, _, anchor in re.findall(r"\]\(([^)#\s]*)(#([^)\s]+))?\)", read(page)):
            there = page if not target else page.parent / target
            if target.startswith(("http:", "https:", "mailto:")):
                continue
            if not there.exists() or (anchor and anchor not in anchors(there)):
                lost.append((page.relative_to(ROOT).as_posix(), target, anchor))
    assert not lost


def test_the_menu_of_the_site_has_every_page_once() -> None:
    menu = (ROOT / "mkdocs.yaml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r": ([\w/-]+\.md)$", menu, re.MULTILINE)
    assert sorted(named) == sorted(
        one.relative_to(ROOT / "docs").as_posix() for one in (ROOT / "docs").rglob("*.md")
    )


def test_every_test_that_a_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)", every_text()))
    sources = {path: read(ROOT / path) for path in {path for path, _ in named} if (ROOT / path).exists()}
    here = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
    known = {(path, name) for path, text in sources.items() for name in here.findall(text)}
    assert named
    assert sorted(named - known) == []


def test_the_page_of_what_was_untrue_counts_its_own_lines() -> None:
    page = read(ROOT / "docs" / "held.md")
    rows = re.findall(r"^\| (\d)\.\d+ \| .+ \|$", page, re.MULTILINE)
    marks = re.findall(r"^\| (\d)\.\d+ \|(?:[^|]+\|){2} \*\*(partly|not)\*\*", page, re.MULTILINE)
    told = re.findall(r"^\| (\d)\. .+ \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    for number, *counts in [*told, ("", *re.findall(r"^\| all \|(.+)\|$", page, re.MULTILINE)[0].split("|"))]:
        every = len([one for one in rows if number in {one, ""}])
        partly, undone = (
            len([1 for one, mark in marks if number in {one, ""} and mark == wanted])
            for wanted in ("partly", "not")
        )
        assert [int(one) for one in counts] == [every, every - partly - undone, partly, undone], number
    assert len(told) == 5


def test_the_page_of_the_security_standard_counts_its_own_lines() -> None:
    page = read(ROOT / "docs" / "asvs.md")
    rows = re.findall(
        r"^\| V[\d.]+ \| ([12]) \| [^|]+ \| (met|open|not applicable) \| (.+) \|$", page, re.MULTILINE
    )
    for state, *told in re.findall(r"^\| ([a-z ]+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE):
        those = [level for level, found, _ in rows if state in {found, "all"}]
        assert [int(one) for one in told] == [those.count("1"), those.count("2"), len(those)], state
    met = [where for _, state, where in rows if state == "met"]
    untested = [where for where in met if "`tests/" not in where]
    assert f"Of the {len(met)} that are met, {len(untested)} name no test." in page


def test_the_decisions_are_numbered_one_after_the_other_and_linked_pages_are_all_in_the_readme() -> None:
    assert [int(one.name[:4]) for one in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert all(read(one).startswith(f"# {one.name[:4]}. ") for one in DECISIONS)
    front = read(ROOT / "README.md")
    assert not [one.name for one in (ROOT / "docs").glob("*.md") if f"docs/{one.name}" not in front]


def test_the_decision_on_sockets_names_every_socket() -> None:
    (page,) = (read(one) for one in DECISIONS if one.name.startswith("0010"))
    named = set(re.findall(r"`([a-z_]+)`", page))
    board = ast.parse(read(ROOT / "app" / "folders" / "sockets.py"))
    made = {
        one.name
        for one in board.body
        if isinstance(one, ast.FunctionDef) and ast.unparse(one.returns or one).strip() == "None"
    }
    assert made - {"clear", "indexed"} - named == set()


def defaults(data: Path) -> Iterator[tuple[str, str]]:
    """Every setting as config.py leaves it, in the words of the table; `<données>` stands for the data folder."""
    made = Settings(_env_file=None, secret_key="x" * 40, data_dir=data)
    for name in Settings.model_fields:
        value = getattr(made, name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        if name == "secret_key":
            yield name.upper(), "obligatoire"
        elif name == "data_dir":
            yield name.upper(), f"`{Settings.model_fields[name].default}`"
        elif plain in (None, "", ()):
            yield name.upper(), ""
        else:
            words = str(plain).lower() if isinstance(plain, bool) else str(plain)
            yield name.upper(), f"`{words.replace(str(data), '<données>')}`"


def test_the_table_of_settings_says_each_setting_and_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PARAPHE_{name.upper()}", raising=False)
    rows = re.findall(
        r"^\| `PARAPHE_([A-Z0-9_]+)` \| *(.*?) *\| (.+) \|$", read(OPERATIONS), flags=re.MULTILINE
    )
    assert {name: default for name, default, _ in rows if name in OURS} == dict(defaults(tmp_path))
    assert len({name for name, _, _ in rows}) == len(rows)
    assert all(sense for _, _, sense in rows)
    # Those of a channel are written in its folder; a page that tells of them tells them all, in its words.
    others = [(f"PARAPHE_{name}", default, sense) for name, default, sense in rows if name not in OURS]
    told = [
        model
        for model in declared().values()
        if {one for one, *_ in table(model)} & {one for one, *_ in others}
    ]
    assert {model.channel() for model in told} >= {"actes", "helios", "handover"}
    assert sorted(others) == sorted(row for model in told for row in table(model))


def test_the_table_of_a_collectivity_s_settings_names_each_of_them(house: House) -> None:
    told = re.findall(
        r"^\| [^|]+ \| `([a-z0-9_]+)` \|",
        read(OPERATIONS).partition("## Réglages d’une collectivité")[2].partition("\n## ")[0],
        re.MULTILINE,
    )
    assert told == [one.name for one in leading()]


def test_the_table_of_the_doctor_names_each_check_in_its_order(house: House) -> None:
    told = re.findall(
        r"^\| ([^|`]+) \|",
        read(OPERATIONS).partition("| contrôle | ce qui est fait |\n|---|---|\n")[2].partition("\n\n")[0],
        re.MULTILINE,
    )
    every = {
        "csc_url": "https://csc.example",
        "antivirus_url": "unix:/run/clamav/clamd.ctl",
        "scans_root": Path("/srv/scans"),
    }
    assert told == doctor.names(house.settings.model_copy(update=every))


def test_the_table_of_administration_names_each_page_of_its_menu() -> None:
    menu = read(ROOT / "app" / "templates" / "macros" / "admin.html").partition("{% set groups")[0]
    told = set(re.findall(r"^\| ([^|]+) \|", read(ROOT / "docs" / "administering.md"), re.MULTILINE))
    pages = set(re.findall(r"\('[a-z_.]+', '([^']+)'\)", menu))
    assert {"Personnes", "Arrivées", "Pages publiques"} < pages
    assert pages - told == set()


def test_every_setting_that_a_page_names_exists() -> None:
    named = set(re.findall(r"PARAPHE_[A-Z0-9_]+", every_text()))
    known = {f"PARAPHE_{name}" for name in OURS} | {
        row[0] for one in declared().values() for row in table(one)
    }
    assert named <= known


def test_every_command_and_every_option_that_a_page_names_exists(house: House) -> None:
    written = re.findall(r"flask --app wsgi ([^`\n&#|…]+)", every_text())
    assert written
    for line in written:
        words = shlex.split(line)
        command: click.Command | None = house.app.cli
        while words and isinstance(command, click.Group):
            with click.Context(command) as context:
                command = command.get_command(context, words.pop(0))
        assert command is not None, line
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= {*known, "--help"}, line


def test_the_recipes_of_a_container_copy_what_exists_and_start_what_exists() -> None:
    recipe, compose = map(read, RECIPES)
    copied = [word for line in re.findall(r"^COPY (.+) \S+$", recipe, re.MULTILINE) for word in line.split()]
    assert {*source.PLACES, *source.ALONE} < set(copied)
    assert not [word for word in copied if not (ROOT / word).exists()]
    services = yaml.safe_load(compose)["services"]
    assert services["paraphe"]["depends_on"] == {"upgrade": {"condition": "service_completed_successfully"}}
    built = services["paraphe"]["build"]
    assert (RECIPES[1].parent / built["context"] / built["dockerfile"]).resolve() == RECIPES[0]
    # Another machine reaches it by the proxy of this one alone
    assert [port for one in services.values() for port in one.get("ports", ())] == ["127.0.0.1:8000:8000"]


def test_every_target_of_make_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|PORT=8080 )make ([a-z]+)", every_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_word_of_the_glossary_is_in_the_code_at_the_place_it_says() -> None:
    rows = re.findall(r"^\| .+ \| (`.+) \| `(.+)` \|$", read(ROOT / "docs" / "glossary.md"), re.MULTILINE)
    assert len(rows) > 40
    whole = code() + "\n".join(catalogue.keys())
    for words, place in rows:
        text = read(ROOT / place)
        found = re.findall(r"`([^`]+)`", words)
        assert any(re.search(rf"\b{re.escape(one)}\b", text) for one in found), (found, place)
        assert not [one for one in found if not re.search(rf"\b{re.escape(one)}\b", whole)], found


def test_every_log_event_that_the_operator_is_told_of_is_written_somewhere() -> None:
    told = re.findall(r"^\| `([a-z._]+)` \|", read(OPERATIONS), re.MULTILINE)
    logged = set(re.findall(r"log\.\w+\(\s*\"([a-z._]+)\"", code()))
    assert set(told) == logged


def test_every_line_that_is_of_no_folder_is_named_to_the_operator() -> None:
    """By its name, or by what it begins with: « `arrival.…` »."""
    (listed,) = re.findall(
        r"^\*\*Journal de sécurité\.\*\*.*hors de tout dossier, .*$", read(OPERATIONS), re.MULTILINE
    )
    begun = tuple(re.findall(r"`([a-z]+\.)…`", listed))
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", listed)) - {"sentences.py", "certificate.changed"}
    assert named <= ACTS.keys()
    assert {one for one in ACTS if not one.startswith(begun)} <= named
    assert all(any(one.startswith(start) for one in ACTS) for start in begun)


def test_what_the_operator_reads_of_the_security_journal_is_what_is_written_there() -> None:
    """Every other event is a technical line, and stands in the table before it."""
    part = read(OPERATIONS).partition("**Journal de sécurité.**")[2]
    told = set(re.findall(r"^\| `([a-z._]+)` \|", part, re.MULTILINE))
    assert told == set(re.findall(r"security_log\.log\.\w+\(\s*\"([a-z._]+)\"", code()))


def test_the_systemd_units_of_the_documentation_are_units(tmp_path: Path) -> None:
    """Judged by systemd itself, with what they start put where the tests have it."""
    text = read(OPERATIONS)
    blocks = [
        dedent(one)
        for one in re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
        if "ExecStart" in one or "[Timer]" in one
    ]
    names = re.findall(r"/etc/systemd/system/([\w.-]+\.(?:service|timer))(?![\w./])", text)
    assert names == ["paraphe.service", "paraphe-journal.service", "paraphe-journal.timer"]
    beside = re.findall(
        r"^ *# /etc/systemd/system/([\w.-]+/[\w.-]+)\n(.*?)```", text, re.MULTILINE | re.DOTALL
    )
    assert [name for name, _ in beside] == ["paraphe.service.d/reseau.conf", "paraphe.service.d/secrets.conf"]
    for name, block in beside:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(block))
    assert len(blocks) == len(names)
    command = tmp_path / "flask"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for name, block in zip(names, blocks, strict=True):
        (tmp_path / name).write_text(
            block.replace("/opt/paraphe/.venv/bin/flask", str(command)).replace("/opt/paraphe", "/")
        )
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            "--recursive-errors=no",
            *(tmp_path / name for name in names),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
    (tmp_path / names[0]).write_text(
        (tmp_path / names[0]).read_text().replace("KillMode=mixed", "KillMode=gently")
    )
    broken = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / names[0]], capture_output=True, text=True
    )
    assert "kill mode" in broken.stderr


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_command_is_in_a_page(house: House) -> None:
    """Who runs an installation finds there what each does: one that no page gives is used by nobody."""

    def named(command: click.Command, name: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for child, one in command.commands.items():
                yield from named(one, f"{name} {child}".strip())
        else:
            yield name

    told = re.sub(r"\s+", " ", every_text())
    every = [one for one in named(house.app.cli, "") if one.split()[0] not in {"run", "routes", "shell"}]
    assert [one for one in every if not re.search(rf"\b{one}\b", told)] == []
