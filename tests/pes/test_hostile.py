"""A hostile flow is refused, or read rightly, by a process that has no memory and no time to lose."""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders.flows import encoded
from tests.builders.house import FLOW

ROOT = Path(__file__).resolve().parents[2]
LAUGHS = b"<!DOCTYPE a [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
)


def opening(data: bytes, doctype: bytes) -> bytes:
    return data.replace(b"<n:PES_Aller", doctype + b"]><n:PES_Aller", 1)


def first_file(data: bytes, body: bytes) -> bytes:
    before, _, rest = data.partition(b'<Fichier MIMEType="application/pdf">')
    return before + b'<Fichier MIMEType="application/pdf">' + body + rest[rest.index(b"</Fichier>") :]


HOSTILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "DOCTYPE": (lambda data: opening(data, b"<!DOCTYPE a ["), "xml-doctype"),
    "DOCTYPE after a comment": (lambda data: opening(data, b"<!-- -->\n<!DOCTYPE a ["), "xml-doctype"),
    "entity bomb": (lambda data: opening(data, LAUGHS).replace(b"rentr\xe9e", b"&a11;"), "xml-doctype"),
    "XXE": (
        lambda data: opening(data, b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>").replace(
            b"rentr\xe9e", b"&x;"
        ),
        "xml-doctype",
    ),
    "entity without DOCTYPE": (lambda data: data.replace(b"rentr\xe9e", b"&x;"), "xml-malformed"),
    "UTF-16": (
        lambda data: data.decode("latin-1").replace("ISO-8859-1", "UTF-16").encode("utf-16"),
        "pes-unreadable",
    ),
    "gzip bomb": (lambda data: first_file(data, encoded(bytes(300_000_000))), "attachment-unreadable"),
    "text of 12 MB": (
        lambda data: first_file(data, b64encode(bytes(9_000_000))),
        "4 pieces, 4 attachments, 0 faults",
    ),
    "text of 12 MB between elements": (
        lambda data: data.replace(b"<Piece>", b" " * 12_000_000 + b"<Piece>", 1),
        "4 pieces, 4 attachments, 0 faults",
    ),
    "attribute of 12 MB": (lambda data: data.replace(b"rentr\xe9e", b"x" * 12_000_000), "xml-malformed"),
    "comment of 12 MB": (
        lambda data: data.replace(b"<Piece>", b"<!--" + b"x" * 12_000_000 + b"--><Piece>", 1),
        "xml-malformed",
    ),
    "end in a comment": (
        lambda data: data.replace(b"<Piece>", b"<!-- </Bordereau></PES_DepenseAller> --><Piece>", 1),
        "4 pieces, 4 attachments, 0 faults",
    ),
    "end in an instruction": (
        lambda data: data.replace(b"<Piece>", b"<?a </Bordereau> ?><Piece>", 1),
        "4 pieces, 4 attachments, 0 faults",
    ),
    "depth": (lambda data: data.replace(b"<Piece>", b"<a>" * 50_000, 1), "xml-too-deep"),
    "300,000 attributes": (
        lambda data: data.replace(
            b"<Piece>", b"<Piece %s>" % b" ".join(b"a%d=''" % n for n in range(300_000)), 1
        ),
        "xml-too-many-attributes",
    ),
}


@pytest.mark.parametrize(("make", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_flow_costs_neither_memory_nor_time(
    make: Callable[[bytes], bytes], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.xml"
    path.write_bytes(make(FLOW.read_bytes()))
    command = [sys.executable, "-m", "tests.pes.hostile", str(FLOW), str(path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(expected), done.stdout
