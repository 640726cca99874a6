"""Signed files as other people's tools make them: XAdES by signxml, ASiC by hand around it and around openssl's CMS."""

import hashlib
import io
import re
import zipfile
from base64 import b64encode
from pathlib import Path
from xml.sax.saxutils import quoteattr

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree
from signxml import CanonicalizationMethod, SignatureConstructionMethod
from signxml.xades import XAdESSigner

from app.verification.readers.xades.parsing import NAMES
from tests.verification.corpus import Corpus, pem

DOCUMENT = b'<marche xmlns="urn:kerlann:marche"><lot n="1">Quai du port</lot><prix>12000</prix></marche>'
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
INCLUSIVE = CanonicalizationMethod.CANONICAL_XML_1_0
ASIC = "http://uri.etsi.org/02918/v1.2.1#"
SIGNATURE = re.compile(rb"<ds:Signature[ >].*</ds:Signature>", re.DOTALL)


def xades(made: Corpus, way: str = "enveloped", c14n=INCLUSIVE, data: bytes = DOCUMENT) -> bytes:
    """An XAdES file by signxml: « enveloped » or « enveloping »."""
    signer = XAdESSigner(
        method=getattr(SignatureConstructionMethod, way),
        signature_algorithm="rsa-sha256",
        digest_algorithm="sha256",
        c14n_algorithm=c14n,
    )
    key = load_pem_private_key(
        (made.pki.folder / "keys" / "a_kervadec.pem").read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    chain = pem(made.pki.certificate("a_kervadec")) + pem(made.pki.certificate("interm"))
    return etree.tostring(signer.sign(etree.fromstring(data), key=key, cert=chain.decode()))


def in_container(made: Corpus, kind: str, form: str) -> dict[str, bytes]:
    """The files of an ASiC: `kind` « s » or « e », `form` « xades » or « cades »."""
    signature, content = made.beside("xades" if form == "xades" else "cades")
    files = {"mimetype": f"application/vnd.etsi.asic-{kind}+zip".encode(), "budget.xml": content}
    if form == "xades":
        inner = signature[signature.index(b"<ds:Signature") :]
        named = b'<asic:XAdESSignatures xmlns:asic="%b">%b</asic:XAdESSignatures>' % (ASIC.encode(), inner)
        return {**files, "META-INF/signatures.xml": named}
    if kind == "s":
        return {**files, "META-INF/signature.p7s": signature}
    files["annexe.txt"] = b"Plan du port"
    manifest = manifest_of(
        "META-INF/signature001.p7s", {one: files[one] for one in ("budget.xml", "annexe.txt")}
    )
    data, _ = signed_bytes(made, manifest)
    return {**files, "META-INF/ASiCManifest001.xml": manifest, "META-INF/signature001.p7s": data}


def signed_bytes(made: Corpus, content: bytes) -> tuple[bytes, bytes]:
    """A CMS over these bytes by a tool that is not ours."""
    from tests.verification.corpus import with_attributes

    return with_attributes(made.key("a_kervadec"), lambda every: every, content)


def manifest_of(signature: str, files: dict[str, bytes]) -> bytes:
    rows = "".join(
        f"<asic:DataObjectReference URI={quoteattr(name)}>"
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{b64encode(hashlib.sha256(data).digest()).decode()}</ds:DigestValue>"
        "</asic:DataObjectReference>"
        for name, data in files.items()
    )
    return (
        f'<asic:ASiCManifest xmlns:asic="{ASIC}" xmlns:ds="{NAMES["ds"]}">'
        f"<asic:SigReference URI={quoteattr(signature)}/>{rows}</asic:ASiCManifest>"
    ).encode()


def zipped(files: dict[str, bytes] | list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, data)
    return out.getvalue()


def kept(room: Path, data: bytes, name: str = "recu") -> Path:
    path = room / name
    path.write_bytes(data)
    return path


def wrapped(data: bytes) -> bytes:
    """The genuine document hidden inside its own signature, and a forged one shown around it."""
    root = etree.fromstring(data)
    signature = root.find(f"{{{NAMES['ds']}}}Signature")
    root.remove(signature)
    hidden = etree.SubElement(signature, f"{{{NAMES['ds']}}}Object")
    forged = etree.fromstring(DOCUMENT.replace(b"12000", b"99000"))
    hidden.append(root)
    forged.append(signature)
    return etree.tostring(forged)
