"""S1: one signature by a key of the server costs at most a quarter of what stock pyHanko takes for the same file."""

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from app.signing.formats import pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan

ROUNDS, REPEATS, BAR = 5, 6, 0.25
SIZE = 50_000
PASSPHRASE = b"kerlann"


def _certificate(name: str, issuer: str, key: Any, above: Any) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    common = [
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Commune"),
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*common, x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([*common, x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, key_cert_sign=name == issuer, **usage
            ),
            critical=True,
        )
        .sign(above, hashes.SHA256())
    )


def _key_file(path: Path) -> Path:
    """A key and two certificates, made here so that the demonstration is not needed."""
    root, own = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    chain = [_certificate("Racine", "Racine", root, root)]
    leaf = _certificate("Cachet", "Racine", own, root)
    path.write_bytes(
        serialize_key_and_certificates(b"cachet", own, leaf, chain, BestAvailableEncryption(PASSPHRASE))
    )
    return path


def _document(path: Path) -> Path:
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        pdf.attachments["poids.bin"] = bytes(range(256)) * 64
        pdf.save(path, compress_streams=False)
    missing = SIZE - path.stat().st_size
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.Root.Filler = pdf.make_stream(b"%" + b"0" * missing)
        pdf.save(path, compress_streams=False)
    return path


def _stock(signer: signers.SimpleSigner, source: Path, target: Path) -> None:
    """As pyHanko's documentation has it: load the file, sign, write."""
    with source.open("rb") as before, target.open("wb") as after:
        signers.sign_pdf(
            IncrementalPdfFileWriter(before),
            signers.PdfSignatureMetadata(field_name="Signature1", subfilter=fields.SigSeedSubFilter.PADES),
            signer=signer,
            output=after,
        )


def _ours(key: Pkcs12Key, source: Path, target: Path, now: datetime) -> None:
    plan = [FieldPlan("Signature1", None)]
    pades.seal(
        source, target, key=key, field="Signature1", fields=plan, stamp=None, now=now, timestamper=None
    )


def _median(action: Any) -> float:
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _measure(folder: Path) -> list[tuple[float, float]]:
    source = _document(folder / "source.pdf")
    file, now = _key_file(folder / "key.p12"), datetime.now(UTC)
    stock_key = signers.SimpleSigner.load_pkcs12(str(file), passphrase=PASSPHRASE)
    our_key = Pkcs12Key.load(file, PASSPHRASE)
    _stock(stock_key, source, folder / "warm.pdf")
    _ours(our_key, source, folder / "warm.pdf", now)
    rounds = []
    for _ in range(ROUNDS):
        ours = _median(lambda: _ours(our_key, source, folder / "ours.pdf", now))
        stock = _median(lambda: _stock(stock_key, source, folder / "stock.pdf"))
        rounds.append((ours, stock))
    return rounds


def run() -> dict[str, Any]:
    """The goal's line: median over the rounds of our time divided by stock pyHanko's, the two interleaved."""
    with tempfile.TemporaryDirectory() as name:
        rounds = _measure(Path(name))
    ratios = sorted(ours / stock for ours, stock in rounds)
    ratio = statistics.median(ratios)
    ours, stock = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
    return {
        "goal": "S1",
        "ratio": round(ratio, 3),
        "bar": BAR,
        "holds": ratio <= BAR,
        "how": f"PAdES B-B, 50 kB, RSA-2048, file to file, fsync included: {ours:.1f} ms against {stock:.1f} ms",
        "spread": [round(ratios[0], 3), round(ratios[-1], 3)],
    }


if __name__ == "__main__":
    line = run()
    print(
        f"{line['goal']}  {line['ratio']} (bar {line['bar']}, {'holds' if line['holds'] else 'DOES NOT HOLD'}) {line['spread']} {line['how']}"
    )
