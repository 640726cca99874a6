"""A bad configuration is refused at start, with all its faults at once and no secret printed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": os.environ["PATH"], **{f"PARAPHE_{name}": value for name, value in environment.items()}}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "families"],
        cwd=ROOT,
        env=known,
        capture_output=True,
        text=True,
    )


def test_every_fault_is_said_at_once_and_no_secret_is_printed(tmp_path: Path) -> None:
    done = start(SECRET_KEY="trop court", PUBLIC_URL="parapheur", UPLOAD_LIMIT_MB="0", DATA_DIR=str(tmp_path))
    assert done.returncode != 0
    for name in ("SECRET_KEY", "PUBLIC_URL", "UPLOAD_LIMIT_MB"):
        assert f"PARAPHE_{name}" in done.stderr
    assert "trop court" not in done.stderr


def test_a_good_configuration_lists_the_families(tmp_path: Path) -> None:
    done = start(SECRET_KEY="x" * 40, DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "deliberation" in done.stdout


def test_an_authority_without_its_roots_is_refused_at_start(tmp_path: Path) -> None:
    done = start(SECRET_KEY="x" * 40, DATA_DIR=str(tmp_path), TSA_URL="https://horodatage.example/")
    assert done.returncode != 0
    assert "PARAPHE_TSA_ROOTS" in done.stderr
