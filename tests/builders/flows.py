"""Flows of every size and shape for the viewer: real attachments, several accounts, payslips, faults."""

import gzip
import re
from base64 import b64encode
from pathlib import Path

from tests.builders.house import ACT, FLOW

NAME = b"PESALR2_21290999800017_261120_014"
PAYSLIPS = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n<DocumentPaye><IdVer V="1"/><Annee V="2026"/><Mois V="11"/><DonneesIndiv>'
    + "".join(
        f'<PayeIndivMensuel><Agent><Nom V="{name}"/><Prenom V="{first}"/><Matricule V="{n}"/><NIR V="1850129000{n:03}"/>'
        f'<EmploiMetier V="Agent d’accueil"/></Agent><Service V="Accueil"/><Remuneration><TraitBrut><Libelle V="Traitement"/>'
        f'<Mt V="1801.73"/></TraitBrut><Autre><MtBrut V="9.99"/></Autre></Remuneration><NbHeureTotal V="151.67"/><MtBrut V="1801.73"/><MtNet V="1430.{n:02}"/>'
        f'<MtNetAPayer V="1430.{n:02}"/></PayeIndivMensuel>'.replace("’", "'")
        for n, (name, first) in enumerate(
            (("LE GALL", "Yann"), ("QUÉMÉNEUR", "Nolwenn"), ("PRIGENT", "Maël")), start=1
        )
    )
    + "</DonneesIndiv></DocumentPaye>"
).encode("latin-1")


def encoded(data: bytes) -> bytes:
    """A file as a flow carries it."""
    return b64encode(gzip.compress(data, mtime=0))


def edited(tmp_path: Path, *pairs: tuple[bytes, bytes], name: str = "flux.xml") -> Path:
    """The flow of the demonstration with these changes, each of which must bite."""
    data = FLOW.read_bytes()
    for old, new in pairs:
        assert old in data, old
        data = data.replace(old, new)
    path = tmp_path / name
    path.write_bytes(data)
    return path


def renamed(tmp_path: Path, number: int, *pairs: tuple[bytes, bytes]) -> Path:
    """Another flow: another name, other bordereaux, mandats and attachments."""
    others = [(one, b"%s%d" % (one, number)) for one in (b'<IdBord V="', b'<IdPce V="')]
    others.append((b'V="21290999800017D2026', b'V="21290999800017D%04d' % number))
    return edited(tmp_path, (NAME, NAME[:-3] + b"%03d" % number), *others, *pairs, name=f"flux{number}.xml")


def long_flow(tmp_path: Path, pieces: int) -> Path:
    """A first bordereau of so many mandats more, numbered from 1000."""
    data = FLOW.read_bytes().decode("latin-1")
    piece = data[data.index("<Piece>") : data.index("</Piece>") + 8]
    more = "".join(piece.replace('<IdPce V="1"/>', f'<IdPce V="{n}"/>') for n in range(1000, 1000 + pieces))
    path = tmp_path / "long.xml"
    path.write_bytes(data.replace("</Bordereau>", more + "</Bordereau>", 1).encode("latin-1"))
    return path


def with_files(path: Path, *files: tuple[bytes, str]) -> Path:
    """The flow at `path`, its first attachments being these files (bytes, name)."""
    data = path.read_bytes()
    parts = re.split(rb"(<Fichier [^>]*>[^<]*</Fichier>.*?<NomPJ V=\"[^\"]*\"/>)", data, flags=re.DOTALL)
    for rank, (content, name) in enumerate(files):
        old, body = parts[2 * rank + 1], encoded(content)  # base64 holds no backslash
        old = re.sub(rb"(<Fichier [^>]*>)[^<]*", rb"\g<1>" + body, old)
        parts[2 * rank + 1] = re.sub(rb'NomPJ V="[^"]*"', f'NomPJ V="{name}"'.encode(), old)
    path.write_bytes(b"".join(parts))
    return path


def rich(tmp_path: Path) -> Path:
    """A flow with a PDF, payslips and a note that say they are PDF, and four things to look at before signing."""
    path = edited(
        tmp_path,
        (b'<MtHT V="412.60"/>', b'<MtHT V="412.60"/><MtTVA V="82.52"/>'),
        (b'</Contenu><IdUnique V="21290999800017D202600000004"/>', b'</Contenu><IdUnique V="AILLEURS"/>'),
        (b'<MtBordHT V="4222.45"/>', b'<MtBordHT V="4222.54"/>'),
        name="riche.xml",
    )
    return with_files(
        path, (ACT.read_bytes(), "facture1.pdf"), (PAYSLIPS, "paye_202611.xhl"), (b"Bonjour", "note.txt")
    )
