"""PES v2 flows as accounting software writes them, clean or not, and signatures as an attacker would write them."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

from lxml import etree

from app.core.clock import now
from app.signing.formats.pes_text import Signatory
from app.verification.readers.pes.profile import DS
from tests.builders.seals import seal_flow

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "pes"
SCHEMAS = Path(__file__).resolve().parents[2] / "app" / "pes" / "xsd" / "v5.17"
MAYOR = Signatory("Maire", "Kerlann-sur-Mer", "29000")
FIRST = re.compile(rb'<Bordereau Id="BD2025-000001">.*?</Bordereau>', re.DOTALL)
SIGNATURE = re.compile(rb"<ds:Signature .*?</ds:Signature>", re.DOTALL)


def sample(name: str) -> bytes:
    return (ASSETS / f"{name}.xml").read_bytes()


def odd() -> bytes:
    """Everything that a program may write and a rewriting would lose, in and around the bordereaux."""
    text = sample("depense_2_bordereaux")
    text = text.replace(
        b'<Obj V="Fournitures d\'\xe9cole -"/>',
        b"<Obj\tV = 'a > b &#8364; &quot; &#x41;&apos;\xe9\ncole -' />",
        1,
    )
    assert b"&#8364;" in text
    text = text.replace(b"</Bordereau>", b"</Bordereau  >", 1)
    inside = (
        b"<!-- </Bordereau> <ds:Signature> --><?app </Bordereau> ?>\r\n"
        b"<![CDATA[  ]]&gt;</Bordereau>]]>&#13;&amp;&#233;]]&gt;"
    )
    text = text.replace(b"</BlocBordereau>", b"</BlocBordereau>" + inside, 1)
    text = text.replace(b' Id="PES1">', b"\n  xmlns:a='urn:a' xmlns:ds=\"urn:not-ds\" Id='PES1' >", 1)
    return text.replace(b"\n", b"\r\n") + b"<!-- fin -->\n"


def signed(folder: Path, key, data: bytes, name: str = "signed.xml") -> tuple[Path, Path]:
    """The flow and the flow signed by `key`."""
    source, target = folder / "source.xml", folder / name
    source.write_bytes(data)
    seal_flow(source, target, key=key, signatory=MAYOR, now=now())
    return source, target


def resigned(path: Path, key, edit) -> Path:
    """The same flow with each signature changed by `edit` (text to text), then digested and signed anew by `key`."""

    def one(found: re.Match[bytes]) -> bytes:
        text = edit(found.group(0).decode())
        root = etree.fromstring(text)
        properties = next(e for e in root.iter() if etree.QName(e).localname == "SignedProperties")
        text = re.sub(
            r"(.*<ds:Reference [^>]*_SP\".*?<ds:DigestValue>)[^<]*",
            lambda m: m.group(1) + b64encode(hashlib.sha256(canonical(properties)).digest()).decode(),
            text,
            count=1,
            flags=re.DOTALL,
        )
        info = etree.fromstring(text).find(f"{{{DS}}}SignedInfo")
        value = b64encode(key.sign(canonical(info))).decode()
        return re.sub(r"(<ds:SignatureValue>)[^<]*", lambda m: m.group(1) + value, text, count=1).encode()

    target = path.with_name("resigned.xml")
    target.write_bytes(SIGNATURE.sub(one, path.read_bytes()))
    return target


def canonical(element) -> bytes:
    """Exclusive canonical form by libxml2, in one piece."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)
