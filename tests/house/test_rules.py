"""The house's own rules, that no linter can say."""

import ast
import re
from pathlib import Path

from app.core import outbox
from app.core.refusals import catalogue
from app.display import events
from app.display.views import family_words, state_label
from app.operations import trace
from app.operations.web import KINDS
from tests.builders.house import House
from workflows.circuit import StepKind
from workflows.family import families
from workflows.vocabulary import Action, Origin, Right, Role

ROOT = Path(__file__).resolve().parents[2]
CODE = [one for folder in ("app", "workflows", "demo") for one in (ROOT / folder).rglob("*.py")]
# The web is known by what answers requests, and by what draws for them.
WEB_ROOMS = {
    "payload",
    "blueprint",
    "drafting",
    "coming",
    "consulting",
    "relief",
    "undone",
    "marking",
    "triage",
    "onward",
    "saved",
    "viewed",
    "columns",
    "continuations",
    "tied",
    "__init__",
    "web",
    "api",
    "openapi",
    "assets",
    "compression",
    "forms",
    "stale",
    "cli",
    "http",
    "security",
    "limits",
    "login",
    "page",
    "timeline",
    "bytes",
    "searching",
    "__main__",
}
HEAVY = {
    "pyhanko",
    "pyhanko_certvalidator",
    "lxml",
    "odfdo",
    "alembic",
    "pikepdf",
    "facturx",
    "pypdfium2",
    "certomancer",
    "pkcs11",
    "rich",
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_one_place_commits() -> None:
    found = [
        relative(one)
        for one in CODE
        if re.search(r"\.(commit|rollback)\(|\bdb\.begin\(", one.read_text(encoding="utf-8"))
    ]
    assert found == ["app/core/transaction.py"]


def test_one_place_moves_a_folder() -> None:
    found = [
        relative(one)
        for one in CODE
        if re.search(r"folder\.(place|phase)\b[^=\n]*(?<![=!<>])=(?!=)", one.read_text(encoding="utf-8"))
    ]
    assert set(found) <= {"app/folders/move.py"}


def test_only_the_rooms_of_the_web_import_flask() -> None:
    for one in CODE:
        if re.search(r"^\s*(from|import) flask\b", one.read_text(encoding="utf-8"), re.MULTILINE):
            assert one.stem in WEB_ROOMS, relative(one)


def test_one_clock() -> None:
    found = [
        relative(one)
        for one in CODE
        if re.search(r"datetime\.now\(|utcnow\(|date\.today\(", one.read_text(encoding="utf-8"))
    ]
    assert found == ["app/core/clock.py"]


def test_no_room_is_called_after_nothing() -> None:
    assert not [
        relative(one) for one in CODE if one.stem in {"utils", "helpers", "common", "manager", "misc"}
    ]


def test_every_module_says_what_it_promises() -> None:
    silent = [
        relative(one) for one in CODE if not ast.get_docstring(ast.parse(one.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_every_refusal_has_its_french_sentence(house: House) -> None:
    raised = {
        key
        for one in CODE
        for key in re.findall(r"""Refusal\(\s*["']([a-z0-9-]+)["']""", one.read_text(encoding="utf-8"))
    }
    assert raised - catalogue.keys() == set()
    assert outbox.kinds() - KINDS.keys() == set()  # nor does an administrator read the key of a task


# What the journal holds of the collectivity, of an account or of a certificate: lines that no folder shows.
APART = (
    "absence.",
    "arrival.",
    "account.",
    "application.",
    "certificate.",
    "circuit.",
    "classification.",
    "collectivity.",
    "convention.",
    "desk.",
    "examination.",
    "factor.",
    "identity.",
    "journal.",
    "login.",
    "mandate.",
    "operator.",
    "password.",
    "person.",
    "recovery.",
    "setting.",
    "view.",
    "supplier.",
)
# Lines of the security log alone.
LOGGED = {"identity.asked", "login.refused", "certificate.changed", "factor.count"}
# Names of the same shape, in rooms that write the journal, that are no line of it: jobs, and lines of the log.
NO_LINES = {
    "doctor.failed",
    "emergency.opened",
    "journal.check",
    "legality.fetch",
    "legality.letter_failed",
    "classification.not_renewed",
    "pes.return_failed",
    "people.login",
    "people.invited",
    "legality.acknowledge",
    "pes.fetch",
    "chorus.again",
    "chorus.invoice",
    "chorus.round",
    "chorus.status",
    "answer.again",
    "signature.refused_counted",
    "signature.refused_often",
}


def test_no_key_of_the_code_is_shown_to_who_reads_a_folder() -> None:
    """Whatever a slice writes in a folder's journal, the roles, the origins and the states have their French words."""
    written = {f"folder.{action.value}" for action in Action}
    roles, origins = set(), set()
    for one in CODE:
        text = one.read_text(encoding="utf-8")
        if re.search(r"journal\.chain import .*\bEvent\b", text):
            named = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
            written |= {
                name
                for name in named
                if isinstance(name, str)
                and re.fullmatch(r"[a-z]+\.[a-z_]+", name)
                and not name.endswith(".pdf")
            }
        roles |= set(re.findall(r"""role[ =]+["']([a-z]+)["']""", text))
        origins |= set(re.findall(r"""origin[ =]+["']([a-z]+)["']""", text))
    assert {one for one in written - NO_LINES if not one.startswith(APART)} - events.EVENTS.keys() == set()
    apart = {one for one in written - NO_LINES if one.startswith(APART)}
    told = trace.ACTS.keys() | LOGGED
    assert {one for one in apart - told if not one.endswith((".id", ".xml", ".login"))} == set()
    assert "folder.created" in written  # the way they are looked for still finds them
    for name in written:
        icon, words = events.told(name, "Katell Morizur", {"channel": "new", "words": "Rien n’a été signé."})
        assert icon, name
        assert words[0].isupper(), name
        assert not re.search(r"[a-z]+[._][a-z]+", words), words
    assert roles - {"img"} - set(Role) == set()
    assert origins - set(Origin) == set()
    labels = [family_words(one)[0] for one in families()]
    labels += [state_label("anywhere", kind.value) for kind in StepKind]
    assert not [one for one in labels if not one[0].isupper() or "_" in one]


def test_every_right_guards_something() -> None:
    text = "\n".join(one.read_text(encoding="utf-8") for one in CODE)
    for right in Right:
        used = rf'@guard\("{right.value}"\)|Right\.{right.name}\b|^[A-Z_]+: ?\w* ?= "{right.value}"$|^[A-Z]+ = "{right.value}"$'
        assert re.search(used, text, re.MULTILINE), right


def test_showing_the_list_loads_no_heavy_library() -> None:
    import subprocess
    import sys
    import tempfile

    script = (
        "import sys\n"
        "from app import create_app\nfrom config import Settings\nfrom app.core import db\n"
        "app = create_app(Settings(_env_file=None, secret_key='x' * 40, data_dir=sys.argv[1], secure_cookies=False))\n"
        "assert app.test_client().get('/login').status_code == 200\n"
        f"print([one for one in {sorted(HEAVY)} if one in sys.modules])\n"
    )
    with tempfile.TemporaryDirectory() as room:
        done = subprocess.run([sys.executable, "-c", script, room], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr[-2000:]


def test_every_address_of_a_template_exists(house: House) -> None:
    known = set(house.app.view_functions) | {
        "demo.home",
        "demo.mails",
        "demo.mail",
        "demo.prefecture",
        "demo.treasury",
        "demo.write",
        "demo.play",
        "demo.say_again",
        "demo.send_return",
        "demo.cut",
        "demo.p12",
        "demo.mail_html",
        "demo.enter",
    }
    for one in (ROOT / "app").rglob("*.html"):
        text = one.read_text(encoding="utf-8")
        assert set(re.findall(r"url_for\(['\"]([\w.]+)['\"]", text)) <= known, relative(one)
        if "email" not in one.parts:
            assert not re.search(r"<style|\sstyle=|<script(?![^>]*\bsrc=)", text), relative(one)


def test_one_thing_has_one_name_on_every_screen() -> None:
    """The names of before, and any other for the same thing: nowhere in what people read."""
    former = re.compile(
        r"flux PES\b|flux de pa[yi]e \(PES\)|flux de paie|bulletins? de paie|objet du dossier", re.IGNORECASE
    )
    shown = [
        one
        for folder in ("app", "workflows")
        for end in ("html", "txt", "yaml", "js", "py")
        for one in (ROOT / folder).rglob(f"*.{end}")
    ]
    assert len(shown) > 500
    found = {
        relative(one): said for one in shown if (said := former.findall(one.read_text(encoding="utf-8")))
    }
    assert found == {}
    labels: dict[str, set[str]] = {}
    for family in families().values():
        subject = family.field("subject")
        labels.setdefault("act" if family.field("nature") else "other", set()).update(
            {subject.label} if subject else ()
        )
    assert labels == {"act": {"Objet de l’acte"}, "other": {"Objet"}}
    form = (ROOT / "app" / "folders" / "sending.py").read_text(encoding="utf-8")
    assert '"Titre du dossier"' in form  # of the folder, never of the act
    assert [families()[one].label for one in ("pes", "pes_payroll")] == ["Flux comptable", "Flux de paye"]


def test_what_waits_bears_no_sign_that_looks_like_a_radio_button() -> None:
    """An empty circle is what one ticks: what waits has three dots, what is in hand an hourglass."""
    drawn = re.compile(r"""["']circle["']|#circle\b""")
    pages = [*(ROOT / "app").rglob("*.html"), *(ROOT / "app" / "static" / "js").glob("*.js")]
    assert [relative(one) for one in pages if drawn.search(one.read_text(encoding="utf-8"))] == []


def test_the_style_sheet_grows_no_further() -> None:
    """The budget of the screens is 50 kB, and it is above."""
    assert (ROOT / "app" / "static" / "paraphe.css").stat().st_size <= 57_000
