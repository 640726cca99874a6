"""The copy of a process that signs a deposited PDF for nothing: our fields, our stamp, two signatures, and our own reading.

Asked by `app.signing.dry_run`, in the room of `app.files.confined`. The key is made for this and belongs to nobody.
"""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import geometry, own_fields, pades
from app.signing.ports import FieldPlan, Stamp
from app.trust.certificates import Trust

STAMP = Stamp(
    ("Signé électroniquement par", "Prénom NOM", "Pour essai, au dépôt", "le 01/01/2026 à 00:00:00 +01:00")
)
NAMES = ("Signature_signature_1", "Signature_signature_2")


class _Key(NamedTuple):
    """A key of nobody, as `pades.seal` uses those of a server."""

    private: ec.EllipticCurvePrivateKey
    certificate: bytes
    chain: tuple[bytes, ...]
    name: str = "essai"
    external: bool = False

    def sign(self, tbs: bytes) -> bytes:
        return self.private.sign(tbs, ec.ECDSA(hashes.SHA256()))


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Sign `path` for nothing, leaving what was written in `room`: what stands against it (empty when nothing does).

    `why`: « certified » when its author left no field for us, « earlier » when an earlier signature would no longer hold,
    « not-signable » for everything else. `free_fields`: how many fields the author of a certified document left, else None.
    """
    path, room = Path(question["path"]), Path(question["room"])
    free = own_fields.left_free(path)
    outcome = {"why": "", "free_fields": None if free is None else len(free)}
    try:
        _sign(path, room, free)
    except Refusal as refusal:
        outcome["why"] = _why(refusal)
    except (MemoryError, RecursionError):
        outcome["why"] = "too-heavy"
    except Exception:  # noqa: BLE001 - whatever an odd file breaks in a library, it cannot be signed
        outcome["why"] = "not-signable"
    return outcome


def _why(refusal: Refusal) -> str:
    if refusal.key == "document-certified":
        return "certified"
    return "earlier" if refusal.facts.get("earlier") else "not-signable"


def _sign(path: Path, room: Path, free: list[FieldPlan] | None) -> None:
    """Two signatures as two people would make them; one where the author of a certified document left but one field."""
    if free is not None and not free:
        raise Refusal("document-certified")
    plans = _plans(path) if free is None else free[:2]
    source, fields = path, list[str]()
    for rank in range(len(plans)):
        target = room / f"signed-{rank}.pdf"
        prepared = pades.seal(
            source,
            target,
            key=key(),
            field=plans[rank].name,
            fields=plans,
            stamp=STAMP if plans[rank].box else None,
            now=now(),
            timestamper=None,
            fresh=free is None and not rank,
        )
        # The names were changed together when the document had one of them
        mark = prepared.field.removeprefix(plans[rank].name)
        plans = [FieldPlan(plan.name + mark, plan.box) for plan in plans]
        fields.append(prepared.field)
        source = target
    pades.check(
        source,
        source=path,
        field=fields[-1],
        certificate=key().certificate,
        trust=Trust((key().chain[0],), (key().chain[0],), fetch=False),
        timestamped=False,
        moment=now(),
        since=fields[:-1],
    )


def _plans(path: Path) -> list[FieldPlan]:
    """One on the first page and one on the last, side by side when that is the same."""
    with geometry.looking(path) as look:
        alone = len(look.pages) == 1
        first = (
            geometry.default_box(look, 0, 2)
            if alone
            else geometry.corner_box(look, "first", "top-left", 0, 1)
        )
        boxes = (first, geometry.default_box(look, 1, 2))
    return [FieldPlan(name, box) for name, box in zip(NAMES, boxes, strict=True)]


@lru_cache(maxsize=1)
def key() -> _Key:
    """The key and its authority, made once for a process and for nobody."""
    authority, holder = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Essai au dépôt", "Essai au dépôt", authority, authority, ca=True)
    leaf = _certificate("Personne", "Essai au dépôt", holder, authority, ca=False)
    return _Key(holder, leaf, (root,))


def _certificate(
    subject: str,
    issuer: str,
    holder: ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> bytes:
    moment = now()
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(holder.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(holder.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
        .sign(authority, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.DER)


def _warm() -> None:
    """Load and make, before any file is read, all that a signature needs: copies have it without having made it."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="paraphe-warm-") as room:
        path = Path(room) / "blank.pdf"
        path.write_bytes(_blank())
        _sign(path, Path(room), None)


def _blank() -> bytes:
    """The shortest PDF of one page."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    )
    pdf, table = b"%PDF-1.7\n", b"xref\n0 4\n0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(pdf)
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    return pdf + table + b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(pdf)


_warm()
