"""The parts of a region on one machine: what stands on each of several, here on loopback ports.

Three etcd, two PostgreSQL under Patroni (the second a synchronous standby), HAProxy before the base and before two web
processes, PgBouncer by transactions between the webs and the base, two workers with a direct address, documents on S3
(moto's server), Redis for the limits. Debian packages: postgresql patroni etcd-server haproxy pgbouncer redis-server.
Nothing is kept: all of it lives in one folder, removed at the end.
"""

import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import boto3
import psycopg
import yaml

from tests.cluster import binaries

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PROGRAMS = ("patroni", "etcd", "haproxy", "pgbouncer", "redis-server")
TTL, LOOP, RETRY = 10, 2, 3
"""Patroni's delays in seconds: a primary that has not renewed its key for TTL is replaced (TTL >= LOOP + 2 × RETRY)."""


def _ports(count: int) -> list[int]:
    """Ports below those that the system lends to callers: theirs would be taken between the choice and the start."""
    ports: list[int] = []
    for port in random.sample(range(20_000, 30_000), 1_000):
        with socket.socket() as probe:
            if not probe.connect_ex((HOST, port)):
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free ports")


class Region:
    """Starts the parts in order and stops them all."""

    def __init__(self) -> None:
        absent = [one for one in PROGRAMS if shutil.which(one) is None]
        if absent:
            raise SystemExit(
                f"Il manque {', '.join(absent)} : apt-get install postgresql patroni etcd-server haproxy pgbouncer redis-server"
            )
        self.home = Path(tempfile.mkdtemp(prefix="paraphe-region-"))
        self.home.chmod(0o755)
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._owner = pwd.getpwnam("postgres") if self._as else None
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        names = [f"{part}{number}" for number in (1, 2, 3) for part in ("etcd", "peer")]
        names += [f"{part}{number}" for number in (1, 2) for part in ("pg", "rest", "web")]
        names += ["base", "bouncer", "front", "s3", "redis"]
        self.ports = dict(zip(names, _ports(len(names)), strict=True))
        self.database_url = f"postgresql://paraphe@{HOST}:{self.ports['bouncer']}/paraphe"
        """Through PgBouncer: for the webs."""
        self.direct_url = f"postgresql://paraphe@{HOST}:{self.ports['base']}/paraphe"
        """Through HAProxy alone, to whichever is the primary: for the workers, which listen, and for upgrades."""
        self.url = f"http://{HOST}:{self.ports['front']}"
        self.store_url = f"s3://paraphe/documents?endpoint=http://{HOST}:{self.ports['s3']}&region=us-east-1"
        self.limits_url = f"redis://{HOST}:{self.ports['redis']}"

    # starting

    def start_base(self) -> None:
        """Everything that a web process needs."""
        self._etcd()
        for number in (1, 2):
            self._patroni(number)
            self._until(lambda: bool(self.primary()), 90, "no primary")
        self._until(self.synchronous, 120, "no synchronous standby")
        self._haproxy()
        # HAProxy believes each server up until it has asked it: the standby must have been told apart first
        server = self.direct_url.rpartition("/")[0] + "/postgres"
        self._until(lambda: all(self._answers(server) for _ in range(6)), 30, "no base")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE paraphe TEMPLATE template0 ENCODING 'UTF8'")
            # What a connection sets for itself does not survive a pooling by transactions: the role has it
            connection.execute("ALTER ROLE paraphe SET jit = off")
        self._bouncer()
        self._until(lambda: self._answers(self.database_url), 30, "no PgBouncer")
        redis = [
            "redis-server",
            "--port",
            str(self.ports["redis"]),
            "--bind",
            HOST,
            "--save",
            "",
            "--dir",
            str(self.home),
        ]
        self._run("redis", redis)
        self._run("s3", [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.ports["s3"])])
        self._until(self._bucket, 60, "no S3")

    def serve(self, environment: dict[str, str]) -> None:
        """Two web processes and two workers of the product."""
        for number in (1, 2):
            web = [
                "-m",
                "gunicorn",
                "--bind",
                f"{HOST}:{self.ports[f'web{number}']}",
                "--worker-class",
                "gthread",
            ]
            web += ["--threads", "8", "--no-control-socket", "wsgi:app"]
            self._run(f"web{number}", [sys.executable, *web], environment)
            direct = {**environment, "PARAPHE_DATABASE_URL": self.direct_url}
            self._run(f"worker{number}", [sys.executable, "-m", "flask", "--app", "wsgi", "worker"], direct)
        self._until(lambda: self._get(f"{self.url}/health/ready") == 200, 90, "no web")

    def _etcd(self) -> None:
        cluster = ",".join(f"etcd{one}=http://{HOST}:{self.ports[f'peer{one}']}" for one in (1, 2, 3))
        for one in (1, 2, 3):
            client, peer = (
                f"http://{HOST}:{self.ports[f'etcd{one}']}",
                f"http://{HOST}:{self.ports[f'peer{one}']}",
            )
            command = ["etcd", "--name", f"etcd{one}", "--data-dir", str(self.home / f"etcd{one}")]
            command += ["--listen-client-urls", client, "--advertise-client-urls", client]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
            command += ["--initial-cluster", cluster, "--initial-cluster-state", "new"]
            # Two cores for everything: a slow disk is not a dead member
            command += ["--heartbeat-interval", "300", "--election-timeout", "3000"]
            self._run(f"etcd{one}", command)
        self._until(lambda: self._get(f"http://{HOST}:{self.ports['etcd1']}/health") == 200, 60, "no etcd")

    def _patroni(self, number: int) -> None:
        home = self.home / f"pg{number}"
        home.mkdir(mode=0o700)
        parameters = {
            "max_connections": 120,
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "wal_keep_size": "256MB",
        }
        trust = [f"host {one} all {HOST}/32 trust" for one in ("all", "replication")]
        said = {
            "scope": "paraphe",
            "name": f"pg{number}",
            "restapi": {
                "listen": f"{HOST}:{self.ports[f'rest{number}']}",
                "connect_address": f"{HOST}:{self.ports[f'rest{number}']}",
            },
            "etcd3": {"hosts": [f"{HOST}:{self.ports[f'etcd{one}']}" for one in (1, 2, 3)]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": LOOP,
                    "retry_timeout": RETRY,
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": parameters, "pg_hba": trust},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"{HOST}:{self.ports[f'pg{number}']}",
                "connect_address": f"{HOST}:{self.ports[f'pg{number}']}",
                "data_dir": str(home / "data"),
                "bin_dir": str(binaries()),
                "pgpass": str(home / "pgpass"),
                "pg_hba": trust,
                "authentication": {
                    "superuser": {"username": "paraphe"},
                    "replication": {"username": "paraphe"},
                    "rewind": {"username": "paraphe"},
                },
            },
        }
        config = home / "patroni.yml"
        config.write_text(yaml.safe_dump(said, sort_keys=False))
        if self._owner:
            for path in (home, config):
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
        self._run(f"patroni{number}", [*self._as, "patroni", str(config)])

    def _haproxy(self) -> None:
        bases = "\n".join(
            f"  server pg{one} {HOST}:{self.ports[f'pg{one}']} check port {self.ports[f'rest{one}']}"
            for one in (1, 2)
        )
        webs = "\n".join(f"  server web{one} {HOST}:{self.ports[f'web{one}']} check" for one in (1, 2))
        config = self.home / "haproxy.cfg"
        config.write_text(f"""global
  maxconn 500
defaults
  timeout connect 3s
  timeout client 60s
  timeout server 60s
listen base
  mode tcp
  timeout client 24h
  timeout server 24h
  bind {HOST}:{self.ports["base"]}
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
{bases}
listen front
  mode http
  bind {HOST}:{self.ports["front"]}
  balance roundrobin
  option httpchk
  http-check send meth GET uri /health/live ver HTTP/1.1 hdr Host {HOST}
  option forwardfor
  default-server inter 2s fall 3 rise 1
{webs}
""")
        self._run("haproxy", ["haproxy", "-db", "-f", str(config)])

    def _bouncer(self) -> None:
        config, users = self.home / "pgbouncer.ini", self.home / "users.txt"
        users.write_text('"paraphe" ""\n')
        config.write_text(f"""[databases]
paraphe = host={HOST} port={self.ports["base"]} dbname=paraphe
[pgbouncer]
listen_addr = {HOST}
listen_port = {self.ports["bouncer"]}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 300
max_prepared_statements = 200
server_login_retry = 1
query_wait_timeout = 10
""")
        for path in (config, users):
            path.chmod(0o644)
        self._run("pgbouncer", [*self._as, "pgbouncer", "-q", str(config)])

    def _bucket(self) -> bool:
        try:
            os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
            os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
            store = boto3.resource(
                "s3", endpoint_url=f"http://{HOST}:{self.ports['s3']}", region_name="us-east-1"
            )
            store.Bucket("paraphe").create()
        except Exception:  # noqa: BLE001 - whatever keeps it from answering yet
            return False
        return True

    def _run(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        log = (self.home / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _until(self, there: Callable[[], bool], seconds: float, words: str) -> None:
        until = time.monotonic() + seconds
        while not there():
            dead = [name for name, one in self.processes.items() if one.poll() is not None]
            if dead or time.monotonic() > until:
                tails = {name: (self.home / f"{name}.log").read_text()[-1500:] for name in dead}
                raise RuntimeError(f"{words} after {seconds} s; ended: {tails}; folder {self.home}")
            time.sleep(0.2)

    # asking

    def _get(self, url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                return int(answer.status)
        except OSError:
            return 0

    def _answers(self, url: str) -> bool:
        """Whether a server that takes writes is there."""
        try:
            with psycopg.connect(url, connect_timeout=3) as connection:
                row = connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
        except psycopg.Error:
            return False
        return bool(row and row[0])

    def members(self) -> list[dict[str, object]]:
        """What Patroni says of each PostgreSQL, by whichever answers."""
        for number in (1, 2):
            if f"patroni{number}" not in self.processes:
                continue
            try:
                url = f"http://{HOST}:{self.ports[f'rest{number}']}/cluster"
                with urllib.request.urlopen(url, timeout=3) as answer:
                    return list(json.load(answer)["members"])
            except (OSError, ValueError, KeyError):
                continue
        return []

    def primary(self) -> str:
        """The name of the primary, empty while there is none."""
        return next(
            (
                str(one["name"])
                for one in self.members()
                if one["role"] == "leader" and one["state"] == "running"
            ),
            "",
        )

    def synchronous(self) -> bool:
        """Whether the other one has all that the primary acknowledges."""
        return any(one["role"] == "sync_standby" for one in self.members())

    # breaking

    def kill_primary(self) -> str:
        """SIGKILL Patroni and every process of the primary, as when a machine loses its power; its name."""
        name = self.primary()
        number = name.removeprefix("pg")
        data = self.home / name / "data"
        postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
        children = subprocess.run(
            ["pgrep", "-P", str(postmaster)], capture_output=True, text=True
        ).stdout.split()
        patroni = self.processes.pop(f"patroni{number}")
        os.killpg(patroni.pid, signal.SIGKILL)
        for pid in (postmaster, *map(int, children)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        patroni.wait(10)
        return name

    def start_again(self, name: str) -> None:
        """Start Patroni again where it was killed: it rewinds its base and becomes the standby."""
        number = name.removeprefix("pg")
        (self.home / name / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._run(f"patroni{number}", [*self._as, "patroni", str(self.home / name / "patroni.yml")])
        self._until(self.synchronous, 180, f"{name} did not come back")

    def stop(self) -> None:
        """Stop everything, leave the logs in var/region, and remove the folder."""
        order = ("web", "worker", "haproxy", "pgbouncer", "patroni", "etcd", "redis", "s3")
        for part in order:
            for name, one in self.processes.items():
                if name.startswith(part) and one.poll() is None:
                    os.killpg(one.pid, signal.SIGTERM)
            for name, one in self.processes.items():
                if name.startswith(part):
                    try:
                        one.wait(20)
                    except subprocess.TimeoutExpired:
                        os.killpg(one.pid, signal.SIGKILL)
        logs = ROOT / "var" / "region"
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        for one in self.home.glob("*.log"):
            shutil.copy(one, logs)
        shutil.rmtree(self.home, ignore_errors=True)
