"""Print what is answered on every file of the corpus: `python -m tests.attacks.table [FAMILY …] [--all]`.

By family: how many variants, how many of each verdict; with `--all`, each file with its verdict.
"""

import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import pki as test_pki
from tests.attacks import catalogue
from tests.attacks.workshop import Workshop
from tests.cluster import free_port


@contextmanager
def workshop(folder: Path | None = None) -> Iterator[Workshop]:
    """A workshop with a test authority of its own, which answers while it is open."""
    with tempfile.TemporaryDirectory() as room:
        home, port = folder or Path(room), free_port()
        made = test_pki.make(home / "pki", f"http://127.0.0.1:{port}")
        serving = test_pki.serve(made.folder, "127.0.0.1", port)
        try:
            yield Workshop(made, home / "files")
        finally:
            serving.close()


def main(asked: list[str]) -> None:
    """Print the tables of the forgeries and of the honest files."""
    warnings.simplefilter("ignore")
    catalogue.everything()
    wanted, whole = [one for one in asked if not one.startswith("--")], "--all" in asked
    with workshop() as shop:
        for title, known in (("Forgeries", catalogue.FORGERIES), ("Honest files", catalogue.HONEST)):
            print(f"\n## {title}\n", flush=True)
            families: dict[str, Counter[str]] = {}
            for entry in known.values():
                if wanted and not any(one.lower() in entry.name.lower() for one in wanted):
                    continue
                try:
                    answer = catalogue.judge(shop, entry)
                except Exception as error:
                    print("!!", entry.name, "→", repr(error)[:300], flush=True)
                    if "--trace" in asked:
                        traceback.print_exc()
                    continue
                families.setdefault(entry.family, Counter())[worst(answer, entry)] += 1
                bad = wrong(answer, entry, title)
                if whole or bad:
                    print("**" if bad else "  ", entry.name, "→", answer.words(), flush=True)
            print("\n| family | variants | " + " | ".join(COLUMNS) + " |")
            print("|---" * (len(COLUMNS) + 2) + "|")
            for family, counts in families.items():
                cells = " | ".join(str(counts[column] or "·") for column in COLUMNS)
                print(f"| {family} | {counts.total()} | {cells} |")


COLUMNS = ("valide", "indéterminé", "invalide", "sans signature", "refusé")


def worst(answer: catalogue.Answer, entry: catalogue.Entry) -> str:
    """The word of a file: the best that is said of what was attacked (of an honest file: the worst of all)."""
    if answer.refused:
        return "refusé"
    own = [one.verdict for one in answer.verdicts if entry.victim in one.where]
    if not own:
        return "sans signature"
    order = ["valide", "indéterminé", "invalide"]
    if entry.name in catalogue.HONEST:
        order.reverse()
    return min(own, key=order.index)


def wrong(answer: catalogue.Answer, entry: catalogue.Entry, title: str) -> bool:
    """Whether the corpus' promise is broken for this file."""
    if title == "Forgeries":
        return bool(answer.believed(entry.victim))
    if not answer.verdicts:
        return not (entry.otherwise and answer.words().startswith(entry.otherwise))
    return any(one.verdict == "invalide" for one in answer.verdicts)


if __name__ == "__main__":
    main(sys.argv[1:])
