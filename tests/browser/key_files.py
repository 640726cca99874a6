"""Key files as people have them: made by OpenSSL and by cryptography, of every age, and the wrong ones."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from asn1crypto import pkcs12
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates

from demo.pki import TestPki

KEYS = {
    "a_kervadec": "a_kervadec",
    "rsa3072": "medium",
    "rsa4096": "strong",
    "ec": "curve",
    "p384": "large_curve",
}
# What wizards and portals wrote over the years, in OpenSSL's words
OPENSSL = {
    "today": (),
    "legacy": ("-legacy",),  # RC2-40 for the certificates, 3DES for the key, SHA-1
    "3des": ("-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
    "pbmac1": ("-pbmac1_pbkdf2",),  # RFC 9579
    "aes-128": ("-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC", "-macalg", "sha512"),
    "plain-certificates": ("-certpbe", "NONE"),
    "no-mac": ("-nomac",),
}
PASSWORDS = ("kerlann", "été€ à 2 rames", "")


def openssl(*arguments: object) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


class Files:
    """Makes them in a folder, of the keys of the test PKI."""

    def __init__(self, pki: TestPki, room: Path) -> None:
        self.pki, self.room = pki, room

    def key(self, label: str) -> Path:
        return self.pki.folder / "keys" / f"{KEYS[label]}.pem"

    def certificate(self, label: str) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.pki.certificate(label))

    def pem(self, label: str) -> Path:
        path = self.room / f"{label}.pem"
        path.write_bytes(self.pem_of(self.certificate(label)))
        return path

    @staticmethod
    def pem_of(certificate: x509.Certificate) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        return certificate.public_bytes(Encoding.PEM)

    def by_openssl(self, label: str, way: str, password: str) -> bytes:
        """`openssl pkcs12 -export`, with the chain."""
        chain = self.room / f"{label}-chain.pem"
        above = map(x509.load_der_x509_certificate, self.pki.chain(label))
        chain.write_bytes(b"".join(map(self.pem_of, above)))
        return openssl("pkcs12", "-export", "-inkey", self.key(label), "-in", self.pem(label),
                       "-certfile", chain, "-passout", f"pass:{password}", *OPENSSL[way])  # fmt: skip

    def by_cryptography(self, label: str, way: str, password: str) -> bytes:
        """`serialize_key_and_certificates`, as Python programs and portals do."""
        builder = PrivateFormat.PKCS12.encryption_builder()
        encryption = {
            "best": BestAvailableEncryption(password.encode()),
            "pbes1": builder.key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())
            .build(password.encode()),
            "pbes2": builder.key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC)
            .kdf_rounds(3000)
            .hmac_hash(hashes.SHA256())
            .build(password.encode()),
        }[way]
        key = load_pem_private_key(self.key(label).read_bytes(), None)
        above = [x509.load_der_x509_certificate(one) for one in self.pki.chain(label)]
        return serialize_key_and_certificates(b"key", key, self.certificate(label), above, encryption)

    def good(self) -> Iterator[tuple[str, str, str, bytes]]:
        """(what it is, whose, password, bytes) of every file that must open."""
        for label in KEYS:
            for way in OPENSSL:
                yield f"openssl {way} {label}", label, "kerlann", self.by_openssl(label, way, "kerlann")
            for way in ("best", "pbes1", "pbes2"):
                yield (
                    f"cryptography {way} {label}",
                    label,
                    "kerlann",
                    self.by_cryptography(label, way, "kerlann"),
                )
        for password in PASSWORDS[1:]:
            for way in ("today", "legacy", "no-mac"):
                yield f"openssl {way} « {password} »", "ec", password, self.by_openssl("ec", way, password)
        for way in ("best", "pbes1"):
            yield (
                f"cryptography {way} accents",
                "ec",
                PASSWORDS[1],
                self.by_cryptography("ec", way, PASSWORDS[1]),
            )

    def two_keys(self) -> bytes:
        """One file, two persons: the contents of two files put together, without a MAC."""
        first, second = (
            pkcs12.Pfx.load(self.by_openssl(one, "no-mac", "kerlann")) for one in ("a_kervadec", "p384")
        )
        safes = [one for pfx in (first, second) for one in pfx.authenticated_safe]
        inner = pkcs12.AuthenticatedSafe(safes).dump()
        return pkcs12.Pfx({"version": "v3", "auth_safe": {"content_type": "data", "content": inner}}).dump()

    def odd(self) -> Iterator[tuple[str, bytes, str]]:
        """(name, bytes, words of the refusal) of every file that must not."""
        good = self.by_openssl("ec", "today", "kerlann")
        pem, cert = self.pem("ec"), self.pki.certificate("ec")
        yield "vide.p12", b"", "ce fichier est vide"
        yield "pem.p12", pem.read_bytes(), "ce fichier est au format PEM"
        yield "cle.p12", self.key("ec").read_bytes(), "ce fichier est au format PEM"
        yield "certificat.p12", cert, "ce fichier est un certificat public, sans sa clé"
        yield "photo.p12", b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "n’est pas un certificat .p12 ou .pfx lisible"
        yield (
            "page.p12",
            b"<!doctype html><title>Erreur</title>",
            "n’est pas un certificat .p12 ou .pfx lisible",
        )
        yield "coupe.p12", good[: len(good) // 2], "n’est pas un certificat .p12 ou .pfx lisible"
        alone = openssl("pkcs12", "-export", "-nokeys", "-in", pem, "-passout", "pass:kerlann")
        yield "sans-cle.p12", alone, "contient un certificat, mais pas sa clé privée"
        bare = openssl("pkcs12", "-export", "-nocerts", "-inkey", self.key("ec"), "-passout", "pass:kerlann")
        yield "sans-certificat.p12", bare, "contient une clé, mais pas son certificat"
        for way in ("CAMELLIA-256-CBC", "PBE-SHA1-RC2-128"):
            strange = openssl("pkcs12", "-export", "-legacy", "-inkey", self.key("ec"), "-in", pem,
                              "-keypbe", way, "-certpbe", way, "-passout", "pass:kerlann")  # fmt: skip
            yield f"{way}.p12", strange, "protégé par une méthode que cette page ne sait pas lire"
        yield (
            "ed25519.p12",
            self.of_another_kind("ed25519"),
            "n’est pas d’un type que cette page sait utiliser",
        )
        yield (
            "secp256k1.p12",
            self.of_another_kind("secp256k1"),
            "n’est pas d’un type que cette page sait utiliser",
        )

    def of_another_kind(self, kind: str) -> bytes:
        key = self.room / f"{kind}.pem"
        made = (
            ("-algorithm", "ED25519")
            if kind == "ed25519"
            else ("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}")
        )
        key.write_bytes(openssl("genpkey", *made))
        certificate = self.room / f"{kind}-cert.pem"
        certificate.write_bytes(
            openssl("req", "-new", "-x509", "-key", key, "-subj", "/CN=Autre", "-days", "9")
        )
        return openssl("pkcs12", "-export", "-inkey", key, "-in", certificate, "-passout", "pass:kerlann")
