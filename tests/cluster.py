"""A throw-away PostgreSQL cluster on a free port of 127.0.0.1, started and stopped by the tests themselves."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binaries() -> Path:
    """Where initdb is: on the path, or where Debian keeps it, newest first."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    homes = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: float(one.parts[4]), reverse=True
    )
    if not homes:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return homes[0].parent


def _forget_the_dead(place: Path) -> None:
    """Remove what is left of clusters whose tests were killed: their server has ended, more than an hour ago."""
    for home in place.glob("paraphe-pg-*"):
        with suppress(OSError, ValueError):
            server = (home / "data/postmaster.pid").read_text().split()[0]
            if time.time() - home.stat().st_mtime > 3600 and not Path(f"/proc/{int(server)}").exists():
                shutil.rmtree(home, ignore_errors=True)


class Cluster:
    """One cluster, durable (`fsync`) only where that is measured; PostgreSQL refuses to run as root, so root lends it to `postgres`."""

    def __init__(self, *, fsync: bool = False, place: Path | None = None) -> None:
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="paraphe-pg-", dir=place))
        _forget_the_dead(self.home.parent)
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            os.chown(self.home, pwd.getpwnam("postgres").pw_uid, -1)
        self._bin = binaries()
        self._data = self.home / "data"
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "-U",
            "paraphe",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync={'on' if fsync else 'off'} -c max_connections=200"
        if not fsync:
            options += " -c dynamic_shared_memory_type=mmap -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off"
        self._options = options
        self._connection: psycopg.Connection[Any] | None = None
        self._start()

    @contextmanager
    def away(self) -> Iterator[None]:
        """The server is stopped meanwhile, and cuts everybody off."""
        self._leave()
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-o", self._options, "-l", str(self.home / "log"), "start"
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as, str(self._bin / program), *arguments], capture_output=True, text=True, cwd=self.home
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr or done.stdout}")

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://paraphe@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, possibly a copy of another; returns its URL."""
        # A copy of its files, without a line in the journal for each page: half the time of every test
        copied = " STRATEGY file_copy" if self._administrator().info.server_version >= 150_000 else ""
        self.drop(name)
        self._administrator().execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{copied}')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._administrator().execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _administrator(self) -> psycopg.Connection[Any]:
        """The connection by which databases are made and removed: one for all of them, while the server lives."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url("postgres"), autocommit=True)
        return self._connection

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def stop(self) -> None:
        """Stop the cluster and remove its files."""
        self._leave()
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.home, ignore_errors=True)
