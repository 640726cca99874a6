"""The archive is flat and reproducible, and a hostile one is refused by the rule it breaks."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from app.channels.actes.archive import MAX_GROWTH, write_archive
from app.channels.actes.envelope import Account
from app.channels.actes.inspection import Refused, inspect

SAMPLE = (
    Path(__file__).parents[1] / "assets" / "actes" / "archives" / "PRF-TACT--212909998--20261202-1.tar.gz"
)
ACCOUNT = Account("212909998", "029", "1", "31")
ENVELOPE = "TACT--212909998--20261202-1.xml"
MESSAGE = "029-212909998-20261201-2026_057-DE-1-1_0.xml"
DOCUMENT = "99_DE-029-212909998-20261201-2026_057-DE-1-1_1.pdf"
LIMIT = 1024 * 1024


def content() -> dict[str, bytes]:
    with tarfile.open(SAMPLE) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}


def faults(
    folder: Path, members: dict[str, bytes], name: str = SAMPLE.name, account: Account = ACCOUNT
) -> set[str]:
    path = folder / "received.tar.gz"
    write_archive(path, members.items(), 0)
    return faults_of(path, name, account)


def faults_of(path: Path, name: str = SAMPLE.name, account: Account = ACCOUNT) -> set[str]:
    try:
        problems = list(inspect(path, name, account, LIMIT).problems)
    except Refused as refused:
        problems = refused.problems
    assert all(problem.sentence.endswith(".") for problem in problems)
    return {problem.key for problem in problems}


def test_the_sample_archive_breaks_no_rule():
    assert faults_of(SAMPLE) == set()


def test_the_same_content_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"
    assert write_archive(first, content().items(), 7) == write_archive(second, content().items(), 7)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        infos = tar.getmembers()
    assert {(info.mtime, info.uid, info.gid, info.uname, info.mode) for info in infos} == {
        (7, 0, 0, "", 0o644)
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "b.tar.gz"]


def replaced(name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    members = content()
    assert old in members[name]
    return members | {name: members[name].replace(old, new)}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (lambda: {k: v for k, v in content().items() if k != ENVELOPE}, {"E01"}),
        (lambda: content() | {"TACT--212909998--20261202-2.xml": content()[ENVELOPE]}, {"E01"}),
        (lambda: {k: v for k, v in content().items() if k != MESSAGE}, {"E02"}),
        (lambda: content() | {MESSAGE: b"<!DOCTYPE a><a/>"}, {"X01"}),
        (lambda: content() | {MESSAGE: content()[MESSAGE][:-4]}, {"X01"}),
        (lambda: content() | {MESSAGE: content()[MESSAGE].replace(b"ISO-8859-1", b"UTF-8")}, {"X01"}),
        (lambda: replaced(MESSAGE, b"<actes:DocumentPapier>N</actes:DocumentPapier>", b""), {"X02"}),
        (lambda: content() | {MESSAGE: content()[ENVELOPE]}, {"X02"}),
        (lambda: replaced(MESSAGE, b'actes:Nombre="2"', b'actes:Nombre="3"'), {"X03"}),
        (lambda: content() | {"note.txt": b"x"}, {"X04"}),
        (lambda: {k: v for k, v in content().items() if k != DOCUMENT}, {"X04"}),
        (lambda: replaced(MESSAGE, b'NumeroInterne="2026_057"', b'NumeroInterne="2026_058"'), {"X05"}),
        (lambda: replaced(MESSAGE, b'actes:Date="2026-12-01"', b'actes:Date="2026-12-02"'), {"X05"}),
    ],
)
def test_an_archive_is_refused_by_the_rule_it_breaks(tmp_path, members, expected):
    assert faults(tmp_path, members()) == expected


def test_an_archive_under_another_name_or_from_another_account_is_refused(tmp_path):
    assert faults(tmp_path, content(), name="PRF-TACT--212909998--20261202-9.tar.gz") == {"X06"}
    assert faults(tmp_path, content(), account=Account("212909998", "029", "2", "31")) == {"E03"}


def odd(folder: Path, info: tarfile.TarInfo, data: bytes = b"") -> Path:
    path = folder / "odd.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return path


def test_links_folders_and_paths_are_refused(tmp_path):
    link = tarfile.TarInfo("lien.pdf")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    assert faults_of(odd(tmp_path, link)) == {"E01"}
    hard = tarfile.TarInfo("dur.pdf")
    hard.type, hard.linkname = tarfile.LNKTYPE, "x"
    assert faults_of(odd(tmp_path, hard)) == {"E01"}
    folder = tarfile.TarInfo("dossier")
    folder.type = tarfile.DIRTYPE
    assert faults_of(odd(tmp_path, folder)) == {"E01"}
    assert faults_of(odd(tmp_path, tarfile.TarInfo("../../x.pdf"), b"x")) == {"E01"}
    assert faults_of(odd(tmp_path, tarfile.TarInfo("/x.pdf"), b"x")) == {"E01"}


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "x.tar.gz"
    for raw in (b"", b"not gzip", gzip.compress(b"not tar"), SAMPLE.read_bytes()[:200]):
        path.write_bytes(raw)
        assert faults_of(path) == {"E01"}


def test_one_that_was_cut_or_altered_after_it_was_made_is_refused(tmp_path):
    path = tmp_path / "x.tar.gz"
    write_archive(path, content().items(), 0)
    assert faults_of(path) == set()
    whole = path.read_bytes()
    inside = whole.index(b"%PDF") + 40
    for raw in (whole[:-40], whole[:-1], whole[:inside] + bytes([whole[inside] ^ 1]) + whole[inside + 1 :]):
        path.write_bytes(raw)
        assert faults_of(path) == {"E01"}


def test_a_bomb_and_an_archive_too_large_are_refused(tmp_path):
    bomb = odd(tmp_path, tarfile.TarInfo("zeros.pdf"), b"\0" * (LIMIT * MAX_GROWTH + 1))
    assert bomb.stat().st_size < LIMIT
    assert faults_of(bomb) == {"A11"}
    large = tmp_path / "large.tar.gz"
    large.write_bytes(b"x" * (LIMIT + 1))
    assert faults_of(large) == {"A11"}
