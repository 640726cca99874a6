"""S3: a PES flow of 100 MB and 1,000 bordereaux is signed for six times its SHA-256, and read back in one pass.

Two mandats and two attachments of 48 kB for each bordereau; one signature for each, RSA-2048. Prepare and embed are
timed without the key's own work, on a folder in memory where there is one: forcing 100 MB to a disk measures the disk.
"""

import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from app.signing.formats import xades_pes
from app.signing.formats.pes_text import Signatory
from app.signing.keys.pkcs12 import Pkcs12Key
from bench.ground import ROOT
from bench.measure import Figure, goal, steady
from bench.s1_signature import PASSPHRASE, _key_file

ROUNDS, BAR, MEGABYTES, PASSES = 5, 6.0, 60.0, 1.25
SIZE, BORDEREAUX, EACH = 100_000_000, 1_000, 2
MAYOR = Signatory("Maire", "Kerlann-sur-Mer", "29000")
HEAD = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
    '<n:PES_Aller xmlns:n="http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller" Id="F1"><Enveloppe><Parametres>'
    '<Version V="2"/><TypFic V="PESALR2"/><NomFic V="BANC"/></Parametres><Emetteur><Sigle V="BANC"/></Emetteur>'
    '</Enveloppe><EnTetePES><DteStr V="2026-11-25"/><IdPost V="029099"/><IdColl V="21290999800017"/><CodCol V="123"/></EnTetePES>'
    '<PES_DepenseAller><EnTeteDepense><IdVer V="2"/><InfoDematerialisee V="1"/></EnTeteDepense>\n'
)
PIECE = (
    '<Piece><BlocPiece><InfoPce><IdPce V="{0}"/><TypPce V="01"/><NatPce V="01"/><Obj V="Fournitures d\'\xe9cole"/>'
    '<PJRef><Support V="01"/><IdUnique V="PJ{0}"/><NomPJ V="facture{0}.pdf"/></PJRef></InfoPce></BlocPiece>'
    '<LigneDePiece><BlocLignePiece><InfoLignePce><IdLigne V="1"/><Nature V="60632"/><LibVir1 V="FACT 2026"/>'
    '<ModRegl V="03"/><TVAIntraCom V="0"/><MtHT V="100.00"/></InfoLignePce></BlocLignePiece><Tiers><InfoTiers>'
    '<IdTiers V="12345678200010"/><NatIdTiers V="01"/><CatTiers V="60"/><NatJur V="03"/><Nom V="SOCI\xc9T\xc9 &amp; FILS"/>'
    '</InfoTiers><Adresse><TypAdr V="1"/><Adr2 V="2 PLACE IMAGINAIRE"/><CP V="29000"/><Ville V="TEST"/>'
    '<CodRes V="0"/></Adresse><CpteBancaire><IBAN V="FR7630001007941234567890185"/><TitCpte V="FICTIVE"/>'
    "</CpteBancaire></Tiers></LigneDePiece></Piece>\n"
)
MEASURE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tests.builders.seals import seal_flow
from app.verification.readers.pes import proof
from app.signing.keys.pkcs12 import Pkcs12Key
from app.trust.certificates import Trust
from bench.s3_pes import MAYOR, small

def status(name):
    return int(next(line for line in Path("/proc/self/status").open() if line.startswith(name)).split()[1]) / 1024

def peak(action):
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    action()
    return status("VmHWM") - before

def read():
    return int(next(line for line in Path("/proc/self/io").open() if line.startswith("rchar")).split()[1])

room, key = Path(sys.argv[1]), Pkcs12Key.load(Path(sys.argv[2]), sys.argv[3].encode())
trust = Trust((key.chain[0],), (), fetch=False)
sign = lambda source, target: seal_flow(source, target, key=key, signatory=MAYOR, now=datetime.now(UTC))
sign(small(room / "small.xml"), room / "small-signed.xml")
proof.read_pes(room / "small-signed.xml", trust, datetime.now(UTC))  # idle, as a process that has worked before
signing = peak(lambda: sign(room / "flow.xml", room / "memory.xml"))
found, began = [], read()
reading = peak(lambda: found.extend(proof.read_pes(room / "memory.xml", trust, datetime.now(UTC))))
assert len(found) == 1000 and all(one.holds and one.trusted for one in found), found[0]
print(signing, reading, (read() - began) / (room / "memory.xml").stat().st_size)
"""


def flow(path: Path, size: int, bordereaux: int) -> Path:
    """Write a flow of about that size; its attachments are noise in base64, as compressed files are."""
    dice, number = Random(7), 0
    with path.open("wb") as stream:
        stream.write(HEAD.encode("latin-1"))
        for rank in range(1, bordereaux + 1):
            stream.write(
                f'<Bordereau Id="B{rank}"><BlocBordereau><IdBord V="{rank}"/></BlocBordereau>'.encode()
            )
            for _ in range(EACH):
                number += 1
                stream.write(PIECE.format(number).encode("latin-1"))
            stream.write(b"</Bordereau>")
        stream.write(b"</PES_DepenseAller><PES_PJ>")
        room = max(3, (size - stream.tell()) // number - 120)
        for rank in range(1, number + 1):
            content = b64encode(dice.randbytes(room * 3 // 4)).decode()
            stream.write(f'<PJ><Contenu><Fichier MIMEType="application/pdf">{content}</Fichier>'.encode())
            stream.write(f'</Contenu><IdUnique V="PJ{rank}"/><NomPJ V="facture{rank}.pdf"/></PJ>\n'.encode())
        stream.write(b"</PES_PJ></n:PES_Aller>")
    return path


def small(path: Path) -> Path:
    """A flow of two bordereaux, to warm a process."""
    return flow(path, 10_000, 2)


def _rounds(room: Path, key: Pkcs12Key) -> Iterator[tuple[float, float]]:
    """For each round, the seconds of prepare and embed and those of one SHA-256 of the file."""
    source, target = room / "flow.xml", room / "signed.xml"
    for _ in range(ROUNDS + 1):
        target.unlink(missing_ok=True)
        start = time.perf_counter()
        with source.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
        hashed = time.perf_counter()
        prepared = xades_pes.prepare(
            source, target, certificate=key.certificate, signatory=MAYOR, now=datetime.now(UTC)
        )
        ready = time.perf_counter()
        signatures = [key.sign(entry.attributes) for entry in prepared]
        signed = time.perf_counter()
        xades_pes.complete(target, prepared, certificate=key.certificate, signatures=signatures)
        yield ready - hashed + time.perf_counter() - signed, hashed - start


def _measure(room: Path, key: Pkcs12Key) -> list[Figure]:
    rounds = list(_rounds(room, key))[1:]  # the first is warming
    ours, hashing = (statistics.median(column) for column in zip(*rounds, strict=True))
    note = f"{ours:.2f} s against {hashing:.3f} s"
    return [Figure("prepare and embed", tuple(own / other for own, other in rounds), BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line: time against SHA-256, megabytes above the idle process, bytes read over bytes of the file."""
    memory = Path("/dev/shm")  # the point is to leave the disk out
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        room = Path(name)
        key = Pkcs12Key.load(_key_file(room / "key.p12"), PASSPHRASE)
        flow(room / "flow.xml", SIZE, BORDEREAUX)
        figures = steady(lambda: _measure(room, key))
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, name, str(room / "key.p12"), PASSPHRASE.decode()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        signing, reading, passes = map(float, done.stdout.split())
        figures += [
            Figure("MB above the idle process, signing", (signing,), MEGABYTES),
            Figure("MB above the idle process, reading", (reading,), MEGABYTES),
            Figure("bytes read over the file's, 1,000 signatures verified", (passes,), PASSES),
        ]
    return goal("S3", figures, f"PES of {SIZE // 10**6} MB, {BORDEREAUX:,} bordereaux, in memory")


if __name__ == "__main__":
    print(run())
