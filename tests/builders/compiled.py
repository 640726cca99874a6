"""What a run compiles, once for all its workers: a fresh copy of the code has nothing compiled, and each worker would.

They read the same files in the same order, so that each rewrote the assertions of all of them at the same time as the
others. What pytest does of its inside is asked by the names of 9.2; where they are gone, each worker does it again.
"""

import compileall
import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite

ROOT = Path(__file__).resolve().parents[2]
CODE = ("app", "bench", "demo", "tests", "workflows")


def compile_for_workers(config: pytest.Config) -> None:
    """In the process that starts the workers, on every processor: compile what they would each."""
    if (
        sys.dont_write_bytecode
        or hasattr(config, "workerinput")
        or not config.getoption("numprocesses", None)
    ):
        return
    rooms = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    tests = sorted({path for room in rooms for path in room.rglob("test_*.py")})
    others = sorted(
        path
        for folder in CODE
        for path in (ROOT / folder).rglob("*.py")
        if not path.name.startswith("test_") and path.name != "conftest.py"
    )
    processors = os.cpu_count() or 1
    children = []
    for rank in range(processors):
        child = os.fork()
        if not child:
            try:
                for path in others[rank::processors]:
                    compileall.compile_file(path, quiet=2)
                with suppress(AttributeError, KeyError, TypeError):
                    for path in tests[rank::processors]:
                        _rewrite(path, config)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _rewrite(path: Path, config: Any) -> None:
    """The assertions of a file, as pytest keeps them rewritten; a file that is no Python is told by who imports it."""
    kept = rewrite.get_cache_dir(path) / (path.name[:-3] + rewrite.PYC_TAIL)
    if kept.exists() and kept.read_bytes()[8:16] == importlib.util.source_hash(path.read_bytes()):
        return
    with suppress(SyntaxError):
        digest, code = rewrite._rewrite_test(path, config)
        if rewrite.try_makedirs(kept.parent):
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, digest, kept)
