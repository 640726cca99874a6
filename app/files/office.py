"""An office document becomes a PDF through LibreOffice, shut in: no macro, no network, no time to linger."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

from app.core.refusals import Refusal

SECONDS = 90
AT_ONCE = 2
"""Conversions that one process of the server lets run together."""
QUEUE_SECONDS = 20
"""How long one waits for its turn; whoever comes later is told that the server is busy."""
MEMORY = 4 << 30
"""Address space of a conversion in bytes: LibreOffice maps more than two thirds of a gigabyte before it reads anything."""
LARGEST = 512 << 20
"""Bytes of each file that a conversion writes."""
_room = BoundedSemaphore(AT_ONCE)
_NOWHERE = "127.0.0.1"

# One line per setting of LibreOffice's registry: path, property, value.
_SETTINGS = (
    ("org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("org.openoffice.Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("org.openoffice.Office.Common/Save/Document", "LoadPrinter", "false"),
    ("org.openoffice.Office.Writer/Content/Update", "Link", "0"),
    ("org.openoffice.Office.Calc/Content/Update", "Link", "2"),
    # A proxy that answers nothing: whatever still tries the network fails at once.
    ("org.openoffice.Inet/Settings", "ooInetProxyType", "1"),
    ("org.openoffice.Inet/Settings", "ooInetHTTPProxyName", _NOWHERE),
    ("org.openoffice.Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("org.openoffice.Inet/Settings", "ooInetHTTPSProxyName", _NOWHERE),
    ("org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort", "9"),
    ("org.openoffice.Inet/Settings", "ooInetNoProxy", ""),
)


@dataclass(frozen=True)
class OfficeConverter:
    """LibreOffice as it was found on this server."""

    program: Path

    @classmethod
    def find(cls) -> "OfficeConverter | None":
        """The converter, or nothing when LibreOffice is not installed."""
        program = shutil.which("soffice") or shutil.which("libreoffice")
        return cls(Path(program)) if program else None

    def convert(self, path: Path, workdir: Path, *, seconds: int = SECONDS) -> Path:
        """The PDF of an office document, in `workdir`; one private profile per call, removed afterwards.

        Refuses office-failed; whatever LibreOffice started has then been ended. `office-busy` when too many are under way.
        """
        with _turn(), tempfile.TemporaryDirectory(prefix="office-", dir=workdir) as name:
            room = Path(name)
            _write_profile(room / "profile")
            source = room / f"document{path.suffix.lower()}"
            shutil.copyfile(path, source)
            self._run(source, room, path.name, seconds)
            pdf = room / "out" / "document.pdf"
            if not pdf.is_file() or not pdf.stat().st_size:
                raise Refusal("office-failed", filename=path.name, reason="LibreOffice n’a pas su le lire")
            handle, target = tempfile.mkstemp(prefix="converted-", suffix=".pdf", dir=workdir)
            os.close(handle)
            pdf.replace(target)
            return Path(target)

    def _run(self, source: Path, room: Path, filename: str, seconds: int) -> None:
        command = [
            *alone(), *_bounds(seconds), str(self.program),
            "--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck",
            f"-env:UserInstallation={(room / 'profile').as_uri()}",
            "--convert-to", "pdf", "--outdir", str(room / "out"), str(source),
        ]  # fmt: skip
        proxy = f"http://{_NOWHERE}:9"
        environment = {
            "HOME": str(room), "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8",
            "http_proxy": proxy, "https_proxy": proxy,
        }  # fmt: skip
        process = subprocess.Popen(  # noqa: S603 (a fixed program, a file name of ours)
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # LibreOffice makes a cache of the machine's at its first start: closed to others, it would start for nobody else
            umask=0o022,
        )
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise Refusal(
                "office-failed", filename=filename, reason="la conversion est trop longue"
            ) from error
        finally:
            _end(process)


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """One of the few places of this process."""
    if not _room.acquire(timeout=QUEUE_SECONDS):
        raise Refusal("office-busy")
    try:
        yield
    finally:
        _room.release()


def alone() -> list[str]:
    """What starts a program in a network of its own, where there is nobody; empty where the machine refuses it.

    `unshare` of util-linux, which Debian always has, and a user namespace, which some systems keep for themselves: the dead
    proxy of the profile is all that is left there, and the doctor says so.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    way = [unshare, "--user", "--map-current-user", "--net", "--"]
    try:
        subprocess.run([*way, unshare, "--version"], check=True, capture_output=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    return way


def _bounds(seconds: int) -> list[str]:
    """The kernel's limits on LibreOffice and all that it starts (prlimit of util-linux, which Debian always has)."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        return []
    return [prlimit, f"--as={MEMORY}", f"--cpu={seconds}", f"--fsize={LARGEST}", "--core=0", "--"]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Soffice is a shell that starts the true program: the whole session goes, not the shell alone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _write_profile(profile: Path) -> None:
    user = profile / "user"
    user.mkdir(parents=True)
    items = "".join(
        f'<item oor:path="/{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _SETTINGS
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    (user / "registrymodifications.xcu").write_text(f"{head}{items}</oor:items>", encoding="utf-8")
