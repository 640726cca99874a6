"""A version is given out from a commit whose changelog says it, with what it is made of."""

import hashlib
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from app.core.version import VERSION, public_version
from tests import release

ROOT = Path(__file__).resolve().parents[2]
NAME = "1.0.0-beta.1"


def run(root: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        cwd=root,
        check=True,
        capture_output=True,
    )


def test_a_version_is_written_for_python_and_for_people() -> None:
    assert public_version("1.0.0b1") == NAME
    assert public_version("1.2.0rc3") == "1.2.0-rc.3"
    assert public_version("1.2.0") == "1.2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", VERSION)


def test_a_release_is_made_of_a_clean_commit_whose_changelog_is_closed(tmp_path: Path) -> None:
    for name in (release.LOCK, release.SERVED, "package-lock.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    book = tmp_path / "CHANGELOG.md"
    book.write_text("# Changelog\n\n## [Unreleased]\n\n## [0.9.0] - 2026-01-01\n\n- Before.\n")
    (tmp_path / ".gitignore").write_text("dist/\n")
    run(tmp_path, "init", "-q", "-b", "main")

    def make() -> str:
        return release.release(tmp_path, NAME, "2026-11-28")

    with pytest.raises(release.ReleaseError, match="pas enregistrés"):
        make()
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "-qm", "one")
    with pytest.raises(release.ReleaseError, match="rien à publier"):
        make()
    book.write_text(book.read_text().replace("[Unreleased]\n", "[Unreleased]\n\n### Added\n\n- A thing.\n"))
    run(tmp_path, "commit", "-qam", "two")
    assert "git commit" in make()
    assert not (tmp_path / "dist").exists(), "nothing is given out of a changelog that nobody has committed"
    assert (
        f"## [Unreleased]\n\n## [{NAME}] - 2026-11-28\n\n### Added\n\n- A thing.\n\n## [0.9.0]"
        in book.read_text()
    )
    run(tmp_path, "commit", "-qam", "three")
    assert f"git tag -a v{NAME}" in make()

    home = tmp_path / "dist"
    archive = home / f"paraphe-{NAME}.tar.gz"
    first = archive.read_bytes()
    make()
    assert archive.read_bytes() == first
    with tarfile.open(archive) as opened:
        assert f"paraphe-{NAME}/{release.SERVED}" in opened.getnames()
    words = (home / f"paraphe-{NAME}.tag.txt").read_text()
    assert "- A thing." in words
    assert "Before" not in words
    for line in (home / "SHA256SUMS").read_text().splitlines():
        digest, file = line.split("  ")
        assert hashlib.sha256((home / file).read_bytes()).hexdigest() == digest
    bill = (home / f"paraphe-{NAME}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    parts = {part["purl"]: part for part in json.loads(bill)["components"]}
    assert parts["pkg:npm/htmx.org@2.0.11"]["scope"] == "required"
    assert parts["pkg:npm/esbuild@0.28.2"]["scope"] == "excluded"
    assert {
        f"pkg:pypi/{name}@{version}" for name, version in release.pinned(read(release.LOCK)).items()
    } < set(parts)

    book.write_text(book.read_text().replace("[Unreleased]\n", "[Unreleased]\n\n- Another.\n", 1))
    run(tmp_path, "commit", "-qam", "four")
    with pytest.raises(release.ReleaseError, match="changez VERSION"):
        make()
    run(tmp_path, "reset", "-q", "--hard", "HEAD~1")
    run(tmp_path, "tag", f"v{NAME}")
    with pytest.raises(release.ReleaseError, match="existe déjà"):
        make()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_what_is_given_out_is_what_was_tried(tmp_path: Path) -> None:
    (tmp_path / release.LOCK).parent.mkdir(parents=True)
    (tmp_path / release.LOCK).write_text("flask==0.0.1 \\\n")
    with pytest.raises(release.ReleaseError, match=r"pas ce qui serait publié : .*au lieu de 0\.0\.1"):
        release.refuse_other_libraries(tmp_path)


def test_the_lock_of_a_production_pins_what_is_required_with_digests_and_from_nowhere() -> None:
    lock = read(release.LOCK)
    pins = release.pinned(lock)
    direct = re.findall(r"^([a-z0-9._-]+)(?:\[.+\])?==(\S+)$", read("requirements.txt"), re.MULTILINE)
    assert len(direct) > 30
    assert {name: pins.get(name) for name, _ in direct} == dict(direct)
    assert not [one for one in re.split(r"\n(?=\S)", lock.strip()) if "--hash=sha256:" not in one]
    assert "://" not in lock
    assert "--index" not in lock
