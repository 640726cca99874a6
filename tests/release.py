"""`make release`: what a version is given out as, under dist/, from a commit; it neither tags nor pushes (docs/releasing.md)."""

import gzip
import hashlib
import json
import re
import subprocess
import sys
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from app.core.version import public_version
from app.operations.findings import Unwell
from app.operations.premises import libraries_of

ROOT = Path(__file__).resolve().parents[1]
LOCK = "docs/deploy/requirements.lock"
SERVED = "app/static/vendor/LICENCES.md"
OPEN = "## [Unreleased]"


class ReleaseError(Exception):
    """Said as it is to who typed the command; nothing was made."""


def section(changelog: str, title: str) -> str:
    """What the changelog says under a title of second level, without the title; empty where there is none."""
    found = re.search(
        rf"^## \[{re.escape(title)}\].*?$(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return found[1].strip() if found else ""


def closed(changelog: str, name: str, day: str) -> str:
    """The changelog once what was unreleased is the section of this version; refuses ReleaseError."""
    if "\n- " not in "\n" + section(changelog, "Unreleased"):
        raise ReleaseError("CHANGELOG.md ne dit rien sous « Unreleased » : il n’y a rien à publier.")
    if section(changelog, name):
        raise ReleaseError(
            f"CHANGELOG.md a déjà sa section {name}, et d’autres lignes sont venues depuis sous « Unreleased » :"
            " changez VERSION dans app/core/version.py."
        )
    return changelog.replace(OPEN, f"{OPEN}\n\n## [{name}] - {day}", 1)


def pinned(lock: str) -> dict[str, str]:
    """Name and version of each Python library that a production installs, what they bring with them too."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock, re.MULTILINE))


def bill(lock: str, packages: dict, served: str, name: str) -> Bom:
    """The bill of materials: Python libraries, and the packages that the browser's files are built of.

    `packages` is package-lock.json; those that `served` does not list only build or check, and are « excluded ».
    """
    bom = Bom()
    bom.metadata.component = Component(
        name="paraphe", version=name, type=ComponentType.APPLICATION, bom_ref="paraphe"
    )
    for library, version in pinned(lock).items():
        purl = PackageURL("pypi", None, library.lower().replace("_", "-"), version)
        bom.components.add(Component(name=library, version=version, purl=purl, bom_ref=str(purl)))
    sent = set(re.findall(r"^\| (\S+) \| [\d.]+ \|", served, re.MULTILINE))
    for path, facts in packages["packages"].items():
        if not path:
            continue
        whole = path.rpartition("node_modules/")[2]
        group, _, short = whole.rpartition("/")
        purl = PackageURL("npm", group or None, short, facts["version"])
        digest = b64decode(facts["integrity"].removeprefix("sha512-"), validate=True).hex()
        bom.components.add(
            Component(
                name=short,
                group=group or None,
                version=facts["version"],
                purl=purl,
                bom_ref=path,
                hashes=[HashType(alg=HashAlgorithm.SHA_512, content=digest)],
                scope=ComponentScope.REQUIRED if whole in sent else ComponentScope.EXCLUDED,
            )
        )
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True).stdout


def refuse_other_libraries(root: Path) -> None:
    """Refuse (ReleaseError) when the libraries here, with which the tests ran, are not those that the lock gives out."""
    try:
        libraries_of((root / LOCK).read_text(encoding="utf-8"))
    except Unwell as other:
        raise ReleaseError(f"Ce qui a été essayé n’est pas ce qui serait publié : {other}.") from other


def release(root: Path, name: str, day: str) -> str:
    """The next thing to do, once the changelog is closed (first time) or dist/ is filled (second); ReleaseError."""
    if git(root, "status", "--porcelain").strip():
        raise ReleaseError(
            "Des fichiers ne sont pas enregistrés (git status) : une version se fait d’un commit."
        )
    if git(root, "tag", "--list", f"v{name}").strip():
        raise ReleaseError(f"v{name} existe déjà : changez VERSION dans app/core/version.py.")
    book = root / "CHANGELOG.md"
    text = book.read_text(encoding="utf-8")
    if not section(text, name) or section(text, "Unreleased"):
        book.write_text(closed(text, name, day), encoding="utf-8")
        return (
            f"CHANGELOG.md a sa section {name}. Relisez-la, puis :\n"
            f'  git commit -am "release: Say what Paraphe {name} brings." && make release'
        )
    made = fill(root, name, section(text, name))
    lines = "\n".join(f"  dist/{path.name}" for path in made)
    return f"{lines}\nPuis :\n  git tag -a v{name} --cleanup=verbatim -F dist/{made[1].name} && git push origin v{name}"


def fill(root: Path, name: str, notes: str) -> list[Path]:
    """Write dist/ anew: the source with its built assets, the words of the tag, the bill, and the digests of all three."""
    home = root / "dist"
    home.mkdir(exist_ok=True)
    stem = f"paraphe-{name}"
    tar = git(root, "archive", "--format=tar", f"--prefix={stem}/", "HEAD")
    commit = git(root, "rev-parse", "HEAD").decode().strip()
    bom = bill(
        (root / LOCK).read_text(encoding="utf-8"),
        json.loads((root / "package-lock.json").read_text(encoding="utf-8")),
        (root / SERVED).read_text(encoding="utf-8"),
        name,
    )
    contents = {
        # Without the moment of its making, the same commit gives the same bytes
        f"{stem}.tar.gz": gzip.compress(tar, mtime=0),
        f"{stem}.tag.txt": f"Paraphe {name}\n\nCommit {commit}\n\n{notes}\n".encode(),
        f"{stem}.cdx.json": JsonV1Dot6(bom).output_as_string(indent=2).encode(),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in contents.items())
    contents["SHA256SUMS"] = sums.encode()
    for file, data in contents.items():
        (home / file).write_bytes(data)
    return [home / file for file in contents]


def main() -> None:
    try:
        refuse_other_libraries(ROOT)
        print(release(ROOT, public_version(), datetime.now(UTC).date().isoformat()))
    except ReleaseError as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
