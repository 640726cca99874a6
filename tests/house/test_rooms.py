"""The house's own rules about its rooms: who may import what, what a folder must hold, what a verb, a page and a refusal must have."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from app.core.refusals import catalogue
from tests.builders.house import House
from workflows.family import families
from workflows.vocabulary import Right

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(one for folder in ("app", "workflows", "demo") for one in (ROOT / folder).rglob("*.py"))
TEMPLATES = sorted(one for folder in ("app", "demo") for one in (ROOT / folder).rglob("*.html"))

# Who may import Flask or Werkzeug, and why: everybody else is tested, and called by the worker, without a web.
WEB = {
    "app/__init__.py": "makes the application",
    "app/core/http.py": "guard, refusal, page or problem",
    "app/core/routes.py": "when the writer of an address is compiled",
    "app/core/security.py": "headers of every answer",
    "app/core/assets.py": "the files of the browser",
    "app/core/compression.py": "answers compressed",
    "app/core/forms.py": "the token of forms",
    "app/core/stale.py": "what a form posts back of the row that it edits",
    "app/core/limits.py": "rate of tries",
    "app/core/api.py": "what an API route takes and gives",
    "app/core/openapi.py": "the description of the API",
    "app/people/login.py": "the session, and the guard before every view",
    "app/display/blueprint.py": "what the pages of folders share",
    "app/display/drafting.py": "pages of the desk that deposits",
    "app/display/searching.py": "the page of the search",
    "app/display/coming.py": "the page where the coming steps are changed",
    "app/display/relief.py": "the page of who administers, where nobody does what a step awaits",
    "app/display/consulting.py": "the dialogs in which others are asked before one decides",
    "app/display/undone.py": "the band by which what was just done is taken back",
    "app/display/continuations.py": "the page that opens a folder out of another",
    "app/display/saved.py": "addresses of the saved views",
    "app/display/viewed.py": "the pages of saved views",
    "app/display/columns.py": "the page where one chooses what lists show",
    "app/display/marking.py": "what a reader marks for himself",
    "app/display/triage.py": "what a reader marks for himself on several folders",
    "app/display/onward.py": "the answer by which the next folder opens",
    "app/display/tied.py": "addresses of the folders that one is tied to",
    "app/signing/payload.py": "what the signing pages send",
    "app/display/page.py": "addresses in the folder's page",
    "app/display/timeline.py": "addresses in the folder's history",
    "app/display/bytes.py": "streams a document",
    "app/display/forms.py": "the deposit form",
    "app/display/schemas.py": "a file of a form",
    "demo/pki.py": "serves the test authority's lists",
    "demo/s2low.py": "serves S2LOW's own addresses for the simulators",
    "demo/s2low_bytes.py": "makes the answers of S2LOW's own addresses",
    "demo/s2low_letters.py": "serves S2LOW's own addresses about letters for the simulators",
}
WEB_KINDS = {"web", "api", "cli"}

# Libraries that cost a start: at the top only of rooms that their callers open when the work is there.
HEAVY = {
    "pyhanko": ("app/trust/", "app/verification/", "app/signing/", "app/files/", "app/pdf/"),
    "pyhanko_certvalidator": ("app/trust/", "app/verification/", "app/signing/"),
    "certomancer": ("demo/",),
    "lxml": (
        "app/channels/actes/",
        "app/channels/helios/",
        "app/files/",
        "app/invoices/dress.py",
        "app/invoices/rules/reader.py",
        "app/pes/",
        "app/signing/",
        "app/trust/",
        "app/verification/",
        "app/transmission/s2low/",
        "demo/",
    ),
    "pikepdf": ("app/files/", "app/pdf/"),
    "pypdfium2": ("app/files/", "app/signing/formats/", "app/pdf/"),
    "facturx": ("app/invoices/reading.py", "demo/"),
    "alembic": ("app/core/schema.py",),
    "requests": ("app/core/outside.py",),
    "urllib3": ("app/core/outside.py",),
    "fontTools": ("app/signing/formats/", "app/pdf/fonts/"),
    "PIL": (
        "app/files/images.py",
        "app/files/piles.py",
        "app/pdf/",
        "app/signing/handwriting/",
        "app/signing/formats/stamp.py",
    ),
    "obstore": ("app/files/store.py",),
    "transitions": ("workflows/machine.py",),
    "pkcs11": ("app/signing/keys/",),
    "smtplib": ("app/notices/mailer.py", "app/operations/"),
}


# Who may speak to another machine, and why: an address that a document, a certificate or a collectivity may choose is
# called by `app/core/outside.py` and by nobody else.
WIRES = {
    "app/core/outside.py": "the one way out",
    "app/core/addresses.py": "asks where a name leads, and calls nobody",
    "app/notices/mailer.py": "the mail server of the settings",
    "app/notices/imap.py": "the mailbox of the settings, and those of a collectivity once they are judged",
    "app/operations/processes.py": "waits for the ports of its own processes",
    "app/files/antivirus.py": "the scanner of the settings, by its own protocol",
    "app/files/store.py": "the store of the settings, by its own library",
}
WIRED = re.compile(
    r"(?:socket|_socket|ssl|selectors|socketserver|http\.client|urllib\.request|ftplib|poplib|imaplib|smtplib|telnetlib"
    r"|nntplib|xmlrpc|requests|urllib3|httpx|aiohttp|httpcore|pycurl|boto3|obstore|websockets?|paramiko"
    r"|pyhanko\.sign\.timestamps\.(?:requests_client|aiohttp_client)|pyhanko_certvalidator\.fetchers\.aiohttp_fetchers"
    r"|pyhanko\.sign\.validation\.qualified\.eutl_fetch)(?:\.|$)"
)


@cache
def written_in_tests() -> tuple[frozenset[str], frozenset[str]]:
    """The words of all tests, and what stands there between quotes without any inside.

    Looked up, not looked for: five megabytes were searched again for each verb.
    """
    names: set[str] = set()
    quoted: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names.update(re.findall(r"\w+", text))
        quoted.update(re.findall(r"[\"'](?=([\w-]+)[\"'])", text))
    return frozenset(names), frozenset(quoted)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imports(path: Path) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return tuple(names)


def named(path: Path) -> Iterator[str]:
    """What a module imports, and what it imports from it: « from urllib import request » too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{one.name}" for one in node.names)
    yield from imports(path)


def verbs() -> Iterator[tuple[Path, ast.FunctionDef]]:
    """Every function that opens a transaction."""
    for path in CODE:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "use_case" in text else ():
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(one, ast.Name) and one.id == "use_case" for one in node.decorator_list
            ):
                yield path, node


def test_the_web_is_known_only_where_a_reason_is_given() -> None:
    found = {
        relative(path)
        for path in CODE
        if any(one.split(".")[0] in {"flask", "werkzeug"} for one in imports(path))
    }
    assert {one for one in found if Path(one).stem not in WEB_KINDS} <= set(WEB)


def test_a_heavy_library_has_its_room() -> None:
    for path in CODE:
        for name in {one.split(".")[0] for one in imports(path)} & set(HEAVY):
            assert relative(path).startswith(HEAVY[name]), (relative(path), name)


def test_one_room_calls_the_addresses_that_others_choose() -> None:
    found = {
        relative(path)
        for path in CODE
        if any(WIRED.match(one) for one in named(path)) and not relative(path).startswith("demo/")
    }
    assert found == set(WIRES)
    text = {relative(path): path.read_text(encoding="utf-8") for path in CODE}
    assert (
        [
            name
            for name, code in text.items()
            if re.search(r"\b(?:create_connection|open_connection|urlopen)\(", code)
        ]
        == [
            "app/core/outside.py",
            "app/files/antivirus.py",
            "app/notices/imap.py",
        ]
    )  # the second one at the address of the settings alone; the third one at theirs, or at addresses that were judged


def test_only_simulators_and_the_demonstration_can_be_scripted() -> None:
    found = {relative(path) for path in CODE if "demo.scenarios" in set(imports(path))}
    assert found == {
        "demo/prefecture/simulator.py",
        "demo/treasury/simulator.py",
        "demo/offices.py",
        "demo/web.py",
    }


def test_the_transaction_has_one_owner() -> None:
    named = re.compile(r"(?<!bounds)\.(?:commit|rollback|begin|begin_nested)\(")  # bounds: of a process
    found = [relative(path) for path in CODE if named.search(path.read_text(encoding="utf-8"))]
    assert found == ["app/core/transaction.py"]
    opened = [
        relative(path) for path in CODE if re.search(r"\bwriting\(\)", path.read_text(encoding="utf-8"))
    ]
    assert set(opened) == {"app/core/db.py", "app/core/transaction.py"}


def test_nothing_that_was_pickled_is_read() -> None:
    """ASVS 5.0, 1.5.2: whoever writes into a file or a base of ours runs nothing here."""
    reads = re.compile(r"^\s*(?:import|from) (?:pickle|marshal|shelve|dill|joblib)\b", re.MULTILINE)
    assert [relative(path) for path in CODE if reads.search(path.read_text(encoding="utf-8"))] == []


def test_every_verb_is_named_in_some_test_and_takes_no_row() -> None:
    names, _ = written_in_tests()
    found = list(verbs())
    unnamed = [
        f"{relative(path)}:{node.name}"
        for path, node in found
        if node.name not in names and not node.name.startswith("_")
    ]
    assert not unnamed
    for path, node in found:
        assert node.args.args[0].arg == "db", (relative(path), node.name)
        assert ast.get_docstring(node) or node.name.startswith("_"), (relative(path), node.name)


def test_every_route_has_one_guard_that_is_public_a_person_or_a_right(house: House) -> None:
    known = {"public", "person", "branch", *(one.value for one in Right)}
    for endpoint, view in house.app.view_functions.items():
        if endpoint != "static":
            assert getattr(view, "__guard__", None) in known, endpoint


def test_a_page_that_writes_is_never_asked_by_reading(house: House) -> None:
    for rule in house.app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"OPTIONS", "HEAD"}
        assert methods <= {"GET", "POST", "PATCH", "DELETE", "PUT"}, rule
        assert methods & {"PATCH", "DELETE", "PUT"} == set() or rule.rule.startswith("/api/"), rule


def test_every_address_written_in_the_code_exists(house: House) -> None:
    known = set(house.app.view_functions)
    for path in CODE:
        text = path.read_text(encoding="utf-8")
        if relative(path).startswith("demo/"):
            continue
        written = set(re.findall(r"url_for\(\s*[\"']([\w.]+)[\"']", text))
        written |= set(re.findall(r"sockets\.action\([\w.]+, [\"']([\w.]+)[\"']", text))
        assert written <= known, relative(path)


def test_no_template_brings_a_script_a_style_or_a_mark_that_is_not_escaped() -> None:
    for path in TEMPLATES:
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if "/email/" in name:
            assert "<script" not in text, name
            continue
        assert not re.search(
            r"<style\b|\sstyle=|\son[a-z]+=[\"']|javascript:|<script(?![^>]*\bsrc=)", text
        ), name
        assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text), name
        assert "| safe" not in text, name
        assert "|safe" not in text, name


def is_tested(rule: Callable[..., object]) -> bool:
    """Whether a test calls a rule by its name, or expects every refusal that it writes by its exact key."""
    keys = re.findall(r"Problem\(\s*\"([\w-]+)\"", inspect.getsource(rule))
    names, quoted = written_in_tests()
    return rule.__name__ in names or (bool(keys) and quoted.issuperset(keys))


@pytest.mark.parametrize(
    "name",
    sorted(
        one.name
        for one in (ROOT / "workflows" / "families").iterdir()
        if (one / "family.yaml").exists() or one.suffix == ""
    ),
)
def test_a_family_is_one_complete_folder(name: str) -> None:
    home = ROOT / "workflows" / "families" / name
    if name.startswith("__"):
        return
    assert {"__init__.py", "family.yaml", "rules.py"} <= {one.name for one in home.iterdir()}
    family = families()[name]
    assert family.label
    assert family.plural
    assert family.help
    assert family.circuit.steps
    own = import_module(f"workflows.families.{name}.rules").__name__
    for rule in (*family.rules, *family.circuit_rules):
        assert rule.__doc__, rule
        assert rule.__module__ != own or is_tested(rule), (
            f"no test names {rule.__name__}, nor what it refuses"
        )
    for field in family.fields:
        assert field.label, field.key


def test_every_migration_says_what_it_does_and_can_be_undone() -> None:
    found = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    previous = None
    for path in found:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path.name
        named = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        undone = named["downgrade"]
        # What has nothing to undo says why
        assert any(isinstance(one, ast.Call) for one in ast.walk(undone)) or ast.get_docstring(undone), (
            path.name
        )
        module = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        } | {
            target.id: value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
            for targets in node.targets
            if isinstance(targets, ast.Tuple)
            for target, value in zip(targets.elts, node.value.elts, strict=True)
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
        }
        assert (module["revision"], module["down_revision"]) == (path.stem, previous), path.name
        previous = path.stem
    assert (ROOT / "migrations" / "HEAD").read_text(encoding="utf-8").strip() == previous


def sentences() -> Iterator[tuple[str, tuple[int, str]]]:
    for path in [
        *ROOT.glob("app/*/sentences.py"),
        *ROOT.glob("app/channels/*/sentences.py"),
        ROOT / "demo/sentences.py",
        ROOT / "app/core/refusals.py",
        ROOT / "workflows/errors.py",
    ]:
        yield from import_module(relative(path).removesuffix(".py").replace("/", ".")).SENTENCES.items()


@pytest.mark.parametrize(
    ("key", "said"), sorted(sentences()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_refusal_is_one_french_paragraph_that_says_what_to_do(key: str, said: tuple[int, str]) -> None:
    status, sentence = said
    assert 400 <= status < 600
    assert sentence[0].isupper() or sentence[0] in "«{"
    assert sentence.endswith((".", "}"))
    assert "!" not in sentence
    assert "'" not in sentence
    assert re.search(r"\b\w+ez\b|\b[Ii]l faut\b|\bdoit\b|\bsigne dans Paraphe\b|\{details\}", sentence), (
        sentence
    )


def test_every_sentence_is_said_somewhere_and_every_refusal_is_in_the_catalogue(house: House) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in CODE)
    raised = set(re.findall(r"Refusal\(\s*[\"']([a-z0-9-]+)[\"']", text))
    assert raised <= catalogue.keys()
    assert not [key for key, _ in sentences() if text.count(f'"{key}"') < 2]


def test_no_password_lives_outside_the_demonstration() -> None:
    for path in CODE:
        if not relative(path).startswith("demo/"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(
                r"(?:password|passphrase|secret)\w*\s*=\s*b?[\"'][^\"'{]{4,}[\"']", text, re.IGNORECASE
            ), relative(path)
            assert (
                not any(one.startswith("demo") for one in imports(path))
                or relative(path) == "app/__init__.py"
            ), relative(path)


def test_every_page_stands_on_a_base() -> None:
    drawn = set()
    for path in CODE:
        drawn |= set(
            re.findall(r"render_template\(\s*[\"']([\w./]+\.html)[\"']", path.read_text(encoding="utf-8"))
        )
    assert len(drawn) > 15
    for path in TEMPLATES:
        name = path.relative_to(ROOT).as_posix().partition("/templates/")[2]
        if name in drawn and not path.name.startswith("_") and "band" not in name:
            text = path.read_text(encoding="utf-8")
            assert "{% extends" in text or "{%- extends" in text, name


# What may be removed from the database: what is of a moment (sessions, links, keys), a list's own ticks, an index made anew.
PASSING = {
    "Batch": "a batch given up; its folders are untouched",
    "BatchItem": "its lines",
    "ChorusRound": "that Chorus Pro was looked at, a month ago: what it gave is kept",
    "CarriedFolder": "a copy that a browser may show no more; the journal says who took it along",
    "Challenge": "a question to a browser that is over",
    "CircuitDraft": "what was being written of a circuit, published or given up",
    "DepositKey": "a key that made a deposit once",
    "DocumentWords": "what a search read of a document that is taken out of its folder, or read anew",
    "DoctorFinding": "what a check that is no more once found of the machine",
    "DoctorPlace": "on which share a folder was, once there is none",
    "Favourite": "what somebody who is gone kept at hand",
    "HandwrittenImage": "the image of the handwriting of somebody who is gone; what it decorated stays",
    "LoginSession": "a session that is over",
    "Outbox": "what was done of work that leaves nothing, a month ago: no letter, no sending",
    "Origin": "from where an act came, at its term; its line stays, and another says so",
    "PasswordReset": "a link that is over",
    "PlannedClosing": "what was planned of an account, done or given up; the journal says both",
    "PossessionChallenge": "a question that was answered",
    "PostedForm": "the mark of a form that was posted, a month ago; what it made stays",
    "Reading": "what was no longer new to somebody who is gone; the journal keeps who opened what",
    "RecoveryCode": "a code that serves no more; its drawing stays in the journal",
    "RefusalTally": "a count of somebody who is gone",
    "RemoteKey": "a link to a trust service, undone by its owner",
    "RemoteRequest": "a question to it that is over",
    "ReturnedClient": "what a former file of the Treasury said that people owe; the file stays in its bytes",
    "RuleTableDraft": "what was being written of the rules of a type, published or given up",
    "Bounce": "a letter that did not reach somebody who is gone",
    "FormerName": "a name of before, of somebody whom nothing names any more",
    "FolderNote": "what one wrote for oneself alone",
    "SignaturePlace": "where a signature will be drawn, placed again",
    "SavedView": "the filters that somebody who is gone had named for himself",
    "SignatureSession": "a signature that was prepared and is over",
    "_key": "index of invoices, made anew",
    "_naming": "which supplier a folder names, named anew",
    "part": "index of flows, made anew",
}
ROWS = {
    "app/folders/favourites.py": "a star",
    "app/folders/saved_views.py": "filters that one had named; the folders are untouched",
    "app/operations/leaving/planned.py": "what was planned of an account, given up or passed by",
    "app/people/desks.py": "a person's seat at a desk",
    "app/people/hierarchy.py": "a desk that a person leaves",
    "app/signing/handwriting/own.py": "the image of one's own handwriting",
    "app/transmission/lightening.py": "that a parcel was seen damaged, once it is found whole",
}


@pytest.mark.law("ARC-01")
def test_nobody_deletes_what_is_a_paper_of_the_commune() -> None:
    """Folders, documents, proofs, letters and journal have no way out of the database, and no address to ask it."""
    tables, rows, owners = set(), set(), set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "delete"
            ):
                owner = ast.unparse(node.func.value)
                owners.add(owner)
                if owner == "sa":
                    tables.add(ast.unparse(node.args[0]))
                elif owner == "db":
                    rows.add(str(path.relative_to(ROOT)))
    assert owners == {
        "sa",
        "db",
        "obstore",
    }  # nobody's `@pages.delete`; bytes that no document names: the daily sweep
    assert tables == set(PASSING)
    assert rows == set(ROWS)


SHOWS_A_FOLDER = {"page.context", "page.head", "page.documents", "moved.context", "noting.notes_view"}
DRAFTS = {"app/display/drafting.py", "app/signing/placing/web.py"}
"""What is being written, of which nothing is taken back within seconds."""


def test_every_page_of_a_folder_is_shown_through_one_function() -> None:
    """By `opening.shown_to`, never in a reading of the page's own: what he reads is not taken back behind him (0037)."""

    def called(nodes: list[ast.stmt]) -> set[str]:
        calls = (node for one in nodes for node in ast.walk(one) if isinstance(node, ast.Call))
        return {ast.unparse(call.func) for call in calls}

    def shows(names: set[str], functions: dict[str, set[str]], looked: frozenset[str]) -> bool:
        within = (
            shows(functions[name], functions, looked | {name}) for name in names & functions.keys() - looked
        )
        return bool(names & SHOWS_A_FOLDER) or any(within)

    found, looked_at = list[str](), 0
    for folder in ("app/display", "app/signing"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree, name = ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT))
            functions = {one.name: called(one.body) for one in tree.body if isinstance(one, ast.FunctionDef)}
            for node in ast.walk(tree):
                if isinstance(node, ast.With) and ast.unparse(node.items[0]).startswith("reading("):
                    looked_at += 1
                    if shows(called(node.body), functions, frozenset()) and name not in DRAFTS:
                        found.append(f"{name}:{node.lineno}")
    assert looked_at > 20
    assert found == []
