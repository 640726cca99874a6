"""A real security module for the tests: SoftHSM 2 with its tokens in a folder of the test."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pkcs11
from asn1crypto import keys, pem
from pkcs11 import Attribute, ObjectClass
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key

from demo.pki import TestPki

MODULE = next(
    one
    for one in map(
        Path,
        (
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib64/softhsm/libsofthsm2.so",
        ),
    )
    if one.exists()
)
PIN, OFFICER = "248163264", "999888777"


class Token:
    """One token, reached by whoever has `SOFTHSM2_CONF` of this process."""

    def __init__(self, folder: Path, label: str = "kerlann") -> None:
        self.folder, self.label = folder, label
        self.conf = folder / "softhsm2.conf"
        (folder / "tokens").mkdir(parents=True, exist_ok=True)
        self.conf.write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(self.conf)
        self.initialize()

    def initialize(self) -> None:
        """Make the token itself, as its owner does."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", self.label]
        done = subprocess.run(
            [*command, "--so-pin", OFFICER, "--pin", PIN],
            env={**os.environ, "SOFTHSM2_CONF": str(self.conf)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.restart()

    def restart(self) -> None:
        """Stop the module and start it again under its user: every session is lost, as when an HSM reboots."""
        module = pkcs11.lib(str(MODULE))
        with suppress(pkcs11.PKCS11Error):
            module.finalize()
        module.initialize()

    def put(self, pki: TestPki, label: str, key: str, *, name: str | None = None, paired: bool = True) -> str:
        """Import a person's key and certificates; returns the label of the key in the token."""
        name = name or label
        session = self.open()
        identity = {Attribute.ID: name.encode()} if paired else {}
        armored = (pki.folder / "keys" / f"{key}.pem").read_bytes()
        secret = keys.PrivateKeyInfo.load(pem.unarmor(armored)[2])
        body = secret["private_key"].parsed.dump()
        common = {Attribute.TOKEN: True, Attribute.LABEL: name, Attribute.SIGN: True, **identity}
        if secret.algorithm == "rsa":
            attributes = decode_rsa_private_key(body)
        else:
            # PKCS#8 names the curve outside the key, PKCS#11 wants it inside
            inside = secret["private_key"].parsed
            inside["parameters"] = secret["private_key_algorithm"]["parameters"]
            attributes = decode_ec_private_key(inside.dump())
        session.create_object({**attributes, **common, Attribute.PRIVATE: True, Attribute.SENSITIVE: True})
        self.certificate(session, name, pki.certificate(label), identity)
        for rank, above in enumerate(pki.chain(label)):
            self.certificate(session, f"{name}-autorite-{rank}", above, {})
        session.close()
        return name

    @staticmethod
    def certificate(session, name: str, der: bytes, more: dict) -> None:
        """Import one certificate."""
        wanted = {Attribute.TOKEN: True, Attribute.LABEL: name, **more}
        session.create_object({**pkcs11.util.x509.decode_x509_certificate(der), **wanted})

    def open(self):
        """A session that writes, of the owner; nobody else of this process is logged in."""
        self.restart()
        return pkcs11.lib(str(MODULE)).get_token(token_label=self.label).open(rw=True, user_pin=PIN)

    def remove(self, name: str) -> None:
        """Destroy a key."""
        session = self.open()
        for one in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: name}):
            one.destroy()
        session.close()
