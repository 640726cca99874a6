"""A real Dovecot for the tests: its own configuration, a free port of this machine, no right of the system."""

import grp
import imaplib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.cluster import free_port

PASSWORD = "boite-d-essai"
COMMON = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
ssl = no
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 0
service anvil {{
  chroot =
}}
"""
SINCE_2_4 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {home}/mail/%{{user}}
mail_home = {home}/homes/%{{user}}
service imap-login {{
  chroot =
  inet_listener imap {{
    listen = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb static {{
  password = {password}
}}
userdb static {{
}}
"""
BEFORE_2_4 = """
disable_plaintext_auth = no
mail_location = maildir:{home}/mail/%u
mail_home = {home}/homes/%u
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group}
}}
"""
"""The language of its file changed with release 2.4, which names the release that it is written for, first of all."""


class Dovecot:
    """Every account is there, all with one password."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))  # the names of sockets are short
        self.port = free_port()
        root = os.geteuid() == 0
        user = "nobody" if root else pwd.getpwuid(os.geteuid()).pw_name
        number = pwd.getpwnam(user)
        group = grp.getgrgid(number.pw_gid).gr_name
        words = {"home": self.home, "user": user, "group": group, "port": self.port, "password": PASSWORD}
        program = shutil.which("dovecot") or "/usr/sbin/dovecot"
        release = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        older = tuple(int(part) for part in release.split(" ")[0].split("-")[0].split(".")[:2]) < (2, 4)
        written = COMMON + BEFORE_2_4 if older else SINCE_2_4 + COMMON
        (self.home / "dovecot.conf").write_text(written.strip().format(**words) + "\n")
        for name in ("run", "state", "mail", "homes"):
            (self.home / name).mkdir()
        if root:
            for path in (self.home, *self.home.iterdir()):
                os.chown(path, number.pw_uid, number.pw_gid)
        less = {"user": number.pw_uid, "group": number.pw_gid, "extra_groups": []} if root else {}
        with (self.home / "out").open("wb") as out:
            self._process = subprocess.Popen(
                [program, "-F", "-c", str(self.home / "dovecot.conf")],
                stdout=out,
                stderr=out,
                cwd=self.home,
                **less,
            )
        until = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError((self.home / "out").read_text())
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.box("essai").logout()
        except (OSError, imaplib.IMAP4.error):
            return False
        return True

    def box(self, account: str) -> imaplib.IMAP4:
        """A mailbox, as its keeper opens it."""
        line = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        line.login(account, PASSWORD)
        line.select("INBOX")
        return line

    def deliver(self, account: str, *mails: bytes) -> None:
        """Mails that come."""
        line = self.box(account)
        for mail in mails:
            crlf = mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            assert line.append("INBOX", "", None, crlf)[0] == "OK"
        line.logout()

    def flags(self, account: str) -> list[str]:
        """What marks each mail that is still there bears."""
        line = self.box(account)
        answer = line.uid("FETCH", "1:*", "(FLAGS)")[1]
        line.logout()
        return [one.decode() for one in answer if one]

    def stop(self) -> None:
        """End it, and take its files away."""
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)
