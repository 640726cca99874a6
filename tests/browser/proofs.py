"""What others say of a signed file: qpdf, Poppler and OpenSSL read it, none of them ours."""

import itertools
import re
import subprocess
from pathlib import Path

from tests.builders.house import House


def _run(*command: object) -> str:
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def accepted_by_others(path: Path, house: House, *, signatures: int) -> None:
    """The file is well built, every signature is valid for Poppler, and each container is a CAdES for OpenSSL."""
    _run("qpdf", "--check", path)
    assert _run("pdfsig", "-nocert", path).count("Signature is Valid.") == signatures
    data = path.read_bytes()
    ranges = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", data)
    assert len(ranges) == signatures
    for n, (start, before, after, rest) in enumerate([int(one) for one in found] for found in ranges):
        content, cms = path.with_suffix(f".{n}.bin"), path.with_suffix(f".{n}.p7s")
        content.write_bytes(data[start : start + before] + data[after : after + rest])
        # The DER length says where the container ends: the zeros after it are only its reserved place.
        cms.write_bytes(bytes.fromhex(data[start + before + 1 : after - 1].decode()))
        _run("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", cms, "-content", content,
             "-CAfile", house.pki.root_pem, "-purpose", "any", "-out", "/dev/null")  # fmt: skip


def each_begins_with_the_one_before(versions: list[bytes]) -> bool:
    """Whether every version is the one before, byte for byte, then more."""
    return all(
        after.startswith(before) and len(after) > len(before)
        for before, after in itertools.pairwise(versions)
    )
