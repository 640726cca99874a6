"""A PKCS#12 file that somebody sends, opened in a process of its own: a hostile one costs four seconds and nothing else."""

from base64 import b64encode
from dataclasses import dataclass

from app.files.confined import Confined, Ended, Limits

LIMITS = Limits(cpu_seconds=4, seconds=8.0, memory=2 << 30, written=1 << 20)
PASSPHRASE, UNREADABLE = "passphrase", "unreadable"
_room = Confined("app.files.pkcs12_reader")


class ShutError(ValueError):
    """The file does not open; its text is `PASSPHRASE` or `UNREADABLE`."""


@dataclass(frozen=True)
class Opened:
    """What was in it, in PEM, the key unencrypted; empty where there is none."""

    key: bytes
    certificate: bytes
    chain: bytes


def opened(data: bytes, passphrase: str) -> Opened:
    """Open it; raises `ShutError`, also of a file that takes longer than any honest one."""
    try:
        answer = _room.ask({"data": b64encode(data).decode(), "passphrase": passphrase}, LIMITS).content
    except Ended as ended:
        raise ShutError(UNREADABLE) from ended
    if answer["why"]:
        raise ShutError(answer["why"])
    return Opened(answer["key"].encode(), answer["certificate"].encode(), answer["chain"].encode())
