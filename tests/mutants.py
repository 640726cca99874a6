"""`make mutants S=workflows N=20 SEED=1`: lines of a slice made wrong one at a time, to see whether its tests notice.

First the six that once lived (KNOWN), then N drawn by SEED among what cosmic-ray can change in the slice. All is done in a
copy of the last commit; nothing here changes. A survivor is printed with its change: a test lacks, or the line does. It
runs in an environment of its own (`requirements-mutants.txt`), the tests in the product's.
"""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import MutationSpec, TestOutcome

ROOT = Path(__file__).resolve().parents[1]
DISPATCH = "tests/transmission/test_dispatch.py::test_"
EDITABLE = """        refuse_stranger(db, actor, folder)
        raise Refusal("not-emitter")
    if folder.phase not in {Phase.DRAFT, Phase.REJECTED}:
        raise Refusal("not-editable")
"""
# What was changed, what it becomes, and the tests that must see it
KNOWN = {
    "create right at the emitting desk": (
        f"actor.desks_with(Right.CREATE):\n{EDITABLE}",
        f"actor.desk_ids:\n{EDITABLE}",
        "tests/folders/test_deposit.py",
    ),
    "closed account of a named person": (
        "User.id == user_id, User.collectivity_id == collectivity_id, User.active.is_(True)",
        "User.id == user_id, User.collectivity_id == collectivity_id",
        "tests/folders/test_seats.py",
    ),
    "lateness that never ends": (
        ' or row.sent_at is None or row.state != "sent":',
        " or row.sent_at is None:",
        f"{DISPATCH}a_receipt_is_kept_byte_for_byte_shown_and_counts_once",
    ),
    "receipt bytes shared by folders": (
        "Receipt.transmission_id == row.id, Receipt.sha256 == sha256",
        "Receipt.sha256 == sha256",
        f"{DISPATCH}an_answer_that_decides_nothing_is_kept_once_and_shown_with_its_reason",
    ),
    "level lost between the phases": (
        "        assurance.check(certificate.assurance, family)\n",
        "        pass\n",
        "tests/signing/test_certificates.py::test_below_the_minimum_of_the_family_nothing_is_even_prepared",
    ),
    "transmission of a folder that left its step": (
        "if folder is None or (folder.round, folder.place) != (round_number, step):",
        "if folder is None:",
        f"{DISPATCH}a_slow_answer_is_waited_for_without_counting_tries_and_changes_nothing_once_the_folder_is_elsewhere",
    ),
}
# Those that change what is decided; arithmetic on types (`X | None`) is noise here
CHANGES = (
    "Comparison",
    "AndWithOr",
    "OrWithAnd",
    "True",
    "False",
    "Not",
    "Number",
    "Break",
    "ZeroIteration",
    "RemoveDecorator",
)
APART = {"models.py", "sentences.py", "cli.py", "schemas.py", "shapes.py"}


def command(tests: str) -> str:
    """The tests, on SQLite and up to the first that fails; `-B` so that no old bytecode stands for a changed line."""
    python = ROOT / ".venv" / "bin" / "python"
    return f"{python} -B -m pytest -q -x -p no:cacheprovider -k 'not postgresql' {tests}"


def candidates(files: list[Path]) -> dict[tuple[Path, int], list[MutationSpec]]:
    """What can be changed, by line: a line is drawn first, or long comparisons would be all of the sample."""
    found: dict[tuple[Path, int], list[MutationSpec]] = defaultdict(list)
    for path in files:
        nodes = list(ast_nodes(get_ast_from_path(path)))
        for name in (one for one in operator_names() if any(word in one for word in CHANGES)):
            if get_operator(name).arguments():
                continue
            operator = get_operator(name)()
            positions = [place for node in nodes for place in operator.mutation_positions(node)]
            for rank, (start, end) in enumerate(positions):
                spec = MutationSpec(
                    module_path=path,
                    operator_name=name,
                    operator_args={},
                    occurrence=rank,
                    start_pos=start,
                    end_pos=end,
                )
                found[path, start[0]].append(spec)
    return found


def known() -> list[str]:
    """Each of the six, changed by its words wherever its file is now; the names of those that live."""
    alive = []
    for label, (before, after, tests) in KNOWN.items():
        holders = [one for one in Path("app").rglob("*.py") if before in one.read_text(encoding="utf-8")]
        if len(holders) != 1:
            sys.exit(
                f"« {label} »: its line is in {len(holders)} files. Write it in tests/mutants.py as it is now."
            )
        (path,) = holders
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(before, after), encoding="utf-8")
        outcome, _ = run_tests(command(tests), 1800)
        path.write_text(text, encoding="utf-8")
        print(f"{outcome.value:10} {label}", flush=True)
        alive += [label] if outcome is not TestOutcome.KILLED else []
    return alive


def sampled(slice_: str, tests: str, count: int, seed: int) -> list[str]:
    """So many changes of the slice; those that its tests did not see, each with its lines."""
    home = Path(slice_ if slice_ == "workflows" else f"app/{slice_}")
    files = sorted(one for one in home.rglob("*.py") if one.name not in APART)
    if not files or not Path(tests.split(maxsplit=1)[0]).exists():
        sys.exit(f"No slice {home}, or no tests {tests}: name them by S=… and T=…")
    begun = time.monotonic()
    outcome, output = run_tests(command(tests), 3600)
    if outcome is not TestOutcome.SURVIVED:
        sys.exit(f"The tests fail before anything is changed:\n{output[-2000:]}")
    patience = 60 + 4 * (time.monotonic() - begun)
    lines = candidates(files)
    chance = random.Random(seed)
    alive = []
    for line in chance.sample(sorted(lines), min(count, len(lines))):
        spec = chance.choice(lines[line])
        result = mutate_and_test([spec], command(tests), patience)
        name = spec.operator_name.removeprefix("core/")
        word = result.test_outcome.value if result.test_outcome else "no change"
        print(f"{word:10} {line[0]}:{line[1]} {name}", flush=True)
        if result.test_outcome is TestOutcome.SURVIVED:
            alive.append(f"{line[0]}:{line[1]} {name}\n{result.diff}")
    return alive


def main() -> None:
    """Read S (slice), T (its tests), N, SEED from the environment; exit 1 when a known one lives again."""
    slice_ = os.environ.get("S") or "workflows"
    tests = os.environ.get("T") or f"tests/{slice_}"
    count, seed = int(os.environ.get("N") or 20), int(os.environ.get("SEED") or 1)
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with TemporaryDirectory(prefix="paraphe-mutants-") as room:
        subprocess.run(["tar", "-x", "-C", room], input=packed, check=True)
        os.chdir(room)
        asked = os.environ.get("KNOWN") != "no"
        again = known() if asked else []
        alive = sampled(slice_, tests, count, seed) if count else []
    print(f"\n{len(alive)} of {count} live in {slice_} (seed {seed})", *alive, sep="\n")
    print(f"Of the six known, {len(again)} live" if asked else "The six known were not asked for")
    sys.exit(1 if again else 0)


if __name__ == "__main__":
    main()
