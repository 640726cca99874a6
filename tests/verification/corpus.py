"""Signed files of every kind and fault, made on the spot: by pyHanko, by openssl, by hand with a hex editor's manners."""

import asyncio
import copy
import hashlib
import io
import subprocess
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import time_machine
from asn1crypto import cms, ocsp, tsp, x509
from asn1crypto import keys as keys_asn1
from certomancer.registry import ServiceLabel
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import (
    BasicConstraints,
    CertificateBuilder,
    ExtendedKeyUsage,
    KeyUsage,
    Name,
    NameAttribute,
    ObjectIdentifier,
    load_pem_x509_certificate,
    random_serial_number,
)
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper, SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.core.clock import now
from app.signing.formats import cades, xades
from app.signing.keys.pkcs12 import Pkcs12Key
from tests.builders import pes
from tests.builders.seals import seal

DOCUMENT = (Path(__file__).parent.parent / "assets" / "signing" / "deliberation.pdf").read_bytes()


class Tsa(TimeStamper):
    """The test TSA at another hour, answering for another imprint, or with a broken seal."""

    def __init__(self, pki, at: datetime | None = None, *, other: bool = False, broken: bool = False):
        super().__init__()
        service = pki.architectures["kerlann"].service_registry
        self._tsa = service.summon_timestamper(ServiceLabel("tsa"), at_time=at)
        self._other, self._broken = other, broken

    async def async_request_tsa_response(self, req):
        if self._other:
            req = tsp.TimeStampReq.load(req.dump())
            req["message_imprint"]["hashed_message"] = b"\x01" * 32
        answer = self._tsa.request_tsa_response(req)
        if self._broken:
            data = bytearray(answer.dump())
            data[-1] ^= 1  # the last byte of the token is the last of its signature
            answer = tsp.TimeStampResp.load(bytes(data))
        return answer


class Clock:
    """The same TSA as our own formats ask it: the DER of a token on a hash."""

    def __init__(self, tsa: Tsa):
        self._tsa = tsa

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        return asyncio.run(self._tsa.async_timestamp(imprint, algorithm)).dump()


@lru_cache(maxsize=32)
def _opened(path: str, passphrase: bytes) -> SimpleSigner:
    return SimpleSigner.load_pkcs12(path, passphrase=passphrase)


def _own(path: Path):
    """A key of the test authority, whose primes need no proof each time."""
    return load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)


class Corpus:
    """Makes signed files with the certificates of the test PKI."""

    def __init__(self, pki, trust, room: Path):
        self.pki, self.trust, self.room = pki, trust, room

    def signed(
        self,
        label: str = "a_kervadec",
        level: str = "B-T",
        at: datetime | None = None,
        data: bytes = DOCUMENT,
        field: str = "Signature1",
        tsa: TimeStamper | None = None,
        pades: bool = True,
        certify: MDPPerm | None = None,
        password: str | None = None,
        claimed: datetime | None = None,
        *,
        key: SimpleSigner | None = None,
    ) -> bytes:
        stamper = None if level == "B-B" else tsa or Tsa(self.pki, at)
        more = {}
        if level in {"B-LT", "B-LTA"}:
            above = [x509.Certificate.load(one) for one in self.pki.chain(label)]
            context = self.trust.context(now(), fetch=True, others=above)
            more = {
                "embed_validation_info": True,
                "validation_context": context,
                "use_pades_lta": level == "B-LTA",
            }
        if certify is not None:
            more |= {"certify": True, "docmdp_permissions": certify}
        meta = PdfSignatureMetadata(
            field_name=field,
            subfilter=SigSeedSubFilter.PADES if pades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
            md_algorithm="sha256",
            **more,
        )
        writer, out = IncrementalPdfFileWriter(io.BytesIO(data)), io.BytesIO()
        if password is not None:
            writer.encrypt(password)
        signer = PdfSigner(meta, key or self.key(label), timestamper=stamper)
        with time_machine.travel(claimed or at or now(), tick=True):
            asyncio.run(signer.async_sign_pdf(writer, output=out))
        return out.getvalue()

    def key(self, label: str) -> SimpleSigner:
        return copy.copy(_opened(str(self.pki.p12(label)), self.pki.passphrase))

    def minted(self, *extended: str, ca: bool = False) -> SimpleSigner:
        """A certificate of our own authority for the mayor's key, with these extended usages (dotted)."""
        issuer = load_pem_x509_certificate(pem(self.pki.certificate("interm")))
        keys = self.pki.folder / "keys"
        own = _own(keys / "a_kervadec.pem")
        usage = dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
            False,
        )
        made = (
            CertificateBuilder()
            .subject_name(Name([NameAttribute(NameOID.COMMON_NAME, "Armel KERVADEC")]))
            .issuer_name(issuer.subject)
            .public_key(own.public_key())
            .serial_number(random_serial_number())
            .not_valid_before(now() - timedelta(days=1))
            .not_valid_after(now() + YEAR)
            .add_extension(BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                KeyUsage(
                    digital_signature=True,
                    content_commitment=True,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    **usage,
                ),
                critical=True,
            )
        )
        if extended:
            made = made.add_extension(
                ExtendedKeyUsage([ObjectIdentifier(one) for one in extended]), critical=False
            )
        certificate = made.sign(_own(keys / "interm.pem"), hashes.SHA256())
        secret = PrivateFormat.PKCS8, NoEncryption()
        der = own.private_bytes(Encoding.DER, *secret)
        store = SimpleCertificateStore()
        store.register(x509.Certificate.load(self.pki.certificate("interm")))
        return SimpleSigner(
            signing_cert=x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
            signing_key=keys_asn1.PrivateKeyInfo.load(der),
            cert_registry=store,
        )

    def two(self, first: dict | None = None, second: dict | None = None) -> bytes:
        data = with_fields("Signature1", "Signature2")
        data = self.signed(data=data, **(first or {}))
        return self.signed(**{"label": "b_cadiou", "data": data, "field": "Signature2", **(second or {})})

    def with_old_answer(self, data: bytes, label: str, at: datetime, archived: bool = False) -> bytes:
        """The same file carrying what the authority said of a certificate at `at`, good for another year."""
        registry = self.pki.architectures["kerlann"].service_registry
        responder = registry.summon_responder(ServiceLabel("interm"), at_time=at)
        responder.validity = YEAR
        issuer = load_pem_x509_certificate(pem(self.pki.certificate("interm")))
        own = load_pem_x509_certificate(pem(self.pki.certificate(label)))
        asked = OCSPRequestBuilder().add_certificate(own, issuer, hashes.SHA1()).build()
        answer = responder.build_ocsp_response(ocsp.OCSPRequest.load(asked.public_bytes(Encoding.DER)))
        certificates = [
            x509.Certificate.load(self.pki.certificate(one)) for one in (label, "interm", "ocsp", "tsa")
        ]
        stream = io.BytesIO(data)
        start, end, _ = container(data)
        DocumentSecurityStore.add_dss(
            stream, data[start:end], certs=certificates, ocsps=[answer], force_write=True
        )
        if not archived:
            return stream.getvalue()
        out = io.BytesIO()
        asyncio.run(
            PdfTimeStamper(Tsa(self.pki)).async_timestamp_pdf(
                IncrementalPdfFileWriter(stream), "sha256", output=out
            )
        )
        return out.getvalue()

    def with_archive(self, data: bytes, at: datetime) -> bytes:
        """The same file under a document timestamp that says `at`."""
        out = io.BytesIO()
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        asyncio.run(PdfTimeStamper(Tsa(self.pki, at)).async_timestamp_pdf(writer, "sha256", output=out))
        return out.getvalue()

    def encrypted(self, password: str) -> bytes:
        source, target = self.room / "clear.pdf", self.room / "locked.pdf"
        source.write_bytes(DOCUMENT)
        run("qpdf", "--encrypt", password, "owner", "256", "--", str(source), str(target))
        return self.signed(data=target.read_bytes(), password=password)

    def cms(
        self, *labels: str, cades: bool = True, opaque: bool = False, form: str = "DER"
    ) -> tuple[bytes, bytes]:
        """A .p7s by openssl, and the content it signs."""
        content = self.room / "content.xml"
        content.write_bytes(b"<marche>lot 1</marche>\r\n" * 50)
        interm = self.room / "interm.pem"
        interm.write_bytes(pem(self.pki.certificate("interm")))
        command = [
            "openssl",
            "cms",
            "-sign",
            "-binary",
            "-in",
            str(content),
            "-outform",
            form,
            "-md",
            "sha256",
        ]
        for label in labels or ("a_kervadec",):
            whole = self.room / f"{label}.pem"
            run(
                *("openssl", "pkcs12", "-in", str(self.pki.p12(label)), "-nodes", "-clcerts"),
                *("-passin", f"pass:{self.pki.passphrase.decode()}", "-out", str(whole)),
            )
            command += ["-signer", str(whole)]
        command += ["-certfile", str(interm), "-out", str(self.room / "out.p7s")]
        run(*command, *(["-cades"] if cades else []), *(["-nodetach"] if opaque else []))
        return (self.room / "out.p7s").read_bytes(), content.read_bytes()

    def beside(
        self,
        form: str,
        label: str = "a_kervadec",
        at: datetime | None = None,
        tsa: Tsa | None = None,
        dated: bool = True,
    ) -> tuple[bytes, bytes]:
        """A signature beside its file in our own format (`cades` or `xades`), and the file."""
        content, target = self.room / "budget.xml", self.room / f"budget.{form}"
        content.write_bytes(b"<budget><ligne>Cercle nautique</ligne></budget>")
        moment = at or now()
        seal(
            {"cades": cades, "xades": xades}[form],
            content,
            target,
            key=Pkcs12Key.load(self.pki.p12(label), self.pki.passphrase),
            field="maire",
            now=moment,
            timestamper=Clock(tsa or Tsa(self.pki, moment)) if dated else None,
        )
        return target.read_bytes(), content.read_bytes()

    def flow(self, label: str = "a_kervadec", name: str = "depense_2_bordereaux") -> Path:
        """A signed PES flow."""
        key = Pkcs12Key.load(self.pki.p12(label), self.pki.passphrase)
        return pes.signed(self.room, key, pes.sample(name))[1]

    def resigned(self, edit) -> bytes:
        """A flow whose signatures were changed and then signed anew by the very key of the signer."""
        key = Pkcs12Key.load(self.pki.p12("a_kervadec"), self.pki.passphrase)
        return pes.resigned(self.flow(), key, edit).read_bytes()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pem(der: bytes) -> bytes:
    from asn1crypto import pem as armor

    return armor.armor("CERTIFICATE", der)


def with_fields(*names: str) -> bytes:
    writer, out = IncrementalPdfFileWriter(io.BytesIO(DOCUMENT)), io.BytesIO()
    for name in names:
        append_signature_field(writer, SigFieldSpec(name))
    writer.write(out)
    return out.getvalue()


def with_text_field(name: str = "observations") -> bytes:
    writer, out = IncrementalPdfFileWriter(io.BytesIO(DOCUMENT)), io.BytesIO()
    append_signature_field(writer, SigFieldSpec("Signature1"))
    box = generic.ArrayObject(map(generic.NumberObject, (50, 50, 200, 70)))
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    text = generic.DictionaryObject(
        {
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/T"): pdf_string(name),
            pdf_name("/V"): pdf_string(""),
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/Rect"): box,
            pdf_name("/P"): page,
        }
    )
    reference = writer.add_object(text)
    writer.root["/AcroForm"]["/Fields"].append(reference)
    writer.update_container(writer.root["/AcroForm"]["/Fields"])
    writer.register_annotation(page, reference)
    writer.write(out)
    return out.getvalue()


def changed(data: bytes, change) -> bytes:
    """One more revision, with `change(writer)` in it."""
    writer, out = IncrementalPdfFileWriter(io.BytesIO(data)), io.BytesIO()
    change(writer)
    writer.write(out)
    return out.getvalue()


def overlay(writer) -> None:
    RawContent(b"0 0 100 100 re f", box=BoxConstraints(100, 100)).add_to_page(writer, 0)


def other_text(writer) -> None:
    """The page's text replaced by another: the « shadow » of what was signed."""
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(
        generic.StreamObject(stream_data=b"BT /F1 20 Tf 50 500 Td (100 000) Tj ET")
    )
    writer.update_container(page)


def no_form(writer) -> None:
    """The form taken away, and the signature with it."""
    del writer.root["/AcroForm"]
    writer.update_root()


def other_language(writer) -> None:
    writer.root["/Lang"] = generic.TextStringObject("br")
    writer.update_root()


def a_note(writer) -> None:
    box = generic.ArrayObject(map(generic.NumberObject, (50, 300, 250, 400)))
    note = {"/Type": "/Annot", "/Subtype": "/FreeText"}
    made = generic.DictionaryObject({pdf_name(key): pdf_name(value) for key, value in note.items()})
    made[pdf_name("/Rect")] = box
    made[pdf_name("/Contents")] = pdf_string("Montant : 100 000 euros")
    writer.register_annotation(writer.root["/Pages"]["/Kids"].raw_get(0), writer.add_object(made))


def fill(writer) -> None:
    field = next(
        one for one in writer.root["/AcroForm"]["/Fields"] if one.get_object()["/T"] == "observations"
    ).get_object()
    field["/V"] = pdf_string("payé")
    writer.update_container(field)


def one_byte(data: bytes) -> bytes:
    at = data.index(b"/Title") + 1
    return data[:at] + b"Tithe" + data[at + 5 :]


def container(data: bytes) -> tuple[int, int, bytes]:
    """Where the first signature's hexadecimal is, and its DER."""
    start = data.index(b"/Contents <3") + len(b"/Contents <")
    end = data.index(b">", start)
    return start, end, cms.ContentInfo.load(bytes.fromhex(data[start:end].decode())).dump()


def other_value(data: bytes) -> bytes:
    """The signature value with one bit of another."""
    start, end, der = container(data)
    value = cms.ContentInfo.load(der)["content"]["signer_infos"][0]["signature"].native
    at = der.index(value) + len(value) // 2
    der = der[:at] + bytes((der[at] ^ 1,)) + der[at + 1 :]
    return data[:start] + der.hex().encode().ljust(end - start, b"0") + data[end:]


def rubbish_container(data: bytes) -> bytes:
    start, _, _ = container(data)
    return data[: start + 8] + b"FFFFFFFF" + data[start + 16 :]


def moved_container(data: bytes, other: bytes) -> bytes:
    """The signature of another document put in the place of this one's."""
    start, end, _ = container(data)
    _, _, der = container(other)
    return data[:start] + der.hex().encode().ljust(end - start, b"0") + data[end:]


def short_range(data: bytes) -> bytes:
    """A signature that claims to cover less than it did."""
    at = data.index(b"/ByteRange [")
    end = data.index(b"]", at)
    numbers = data[at + 12 : end].split()
    numbers[3] = str(int(numbers[3]) - 7).encode()
    return data[: at + 12] + b" ".join(numbers).ljust(end - at - 12) + data[end:]


YEAR = timedelta(days=365)


def put(data: bytes, before: bytes, after: bytes) -> bytes:
    """The same bytes with one thing in the place of another."""
    assert before in data, before
    return data.replace(before, after, 1)


def other_p7s_value(made: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A .p7s with one bit of its signature value turned, and its content."""
    data, content = made
    value = cms.ContentInfo.load(data)["content"]["signer_infos"][0]["signature"].native
    at = data.index(value) + len(value) // 2
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :], content


def other_xml_value(made: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """An XAdES file with one letter of its signature value changed, and its content."""
    data, content = made
    at = data.index(b"SignatureValue") + 40
    return data[:at] + (b"B" if data[at : at + 1] != b"B" else b"C") + data[at + 1 :], content


def wrapped(flow: Path) -> bytes:
    """A forged bordereau shown, the genuine one hidden in its signature with its own, right, digest."""
    data = flow.read_bytes()
    first = pes.FIRST.search(data).group(0)
    signature = pes.SIGNATURE.search(first).group(0)
    genuine = pes.SIGNATURE.sub(b"", first)
    forged = put(genuine, b"FR7630001007941234567890185", b"FR7612345678901234567890123")
    hidden = put(signature, b"</ds:Signature>", b"<ds:Object>" + genuine + b"</ds:Object></ds:Signature>")
    return put(data, first, put(forged, b"</Bordereau>", hidden + b"</Bordereau>"))


def moved(flow: Path) -> bytes:
    """The signature taken from the end of its bordereau to its beginning."""
    data = flow.read_bytes()
    one = pes.SIGNATURE.search(data).group(0)
    return put(put(data, one, b""), b"<BlocBordereau>", one + b"<BlocBordereau>")


def other_certificate(made: tuple[bytes, bytes], der: bytes) -> tuple[bytes, bytes]:
    """The same .p7s with another certificate in the place of the signer's, and named as his."""
    data, content = made
    container = cms.ContentInfo.load(data)
    signed, certificate = container["content"], x509.Certificate.load(der)
    others = [
        one for one in signed["certificates"] if one.chosen.subject.native != certificate.subject.native
    ]
    info = signed["signer_infos"][0]
    kept = [one for one in others if one.chosen.serial_number != info["sid"].chosen["serial_number"].native]
    signed["certificates"] = cms.CertificateSet([*kept, cms.CertificateChoices("certificate", certificate)])
    info["sid"] = cms.SignerIdentifier(
        "issuer_and_serial_number",
        cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number}),
    )
    return container.dump(force=True), content


def attributes_as_content(made: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """The signed attributes taken away and given as what is signed: the value holds over them."""
    data, _ = made
    container = cms.ContentInfo.load(data)
    info = container["content"]["signer_infos"][0]
    content = info["signed_attrs"].untag().dump()
    fields = ("version", "sid", "digest_algorithm", "signature_algorithm", "signature")
    bare = cms.SignerInfo({name: info[name] for name in fields})
    container["content"]["signer_infos"] = cms.SignerInfos([bare])
    return container.dump(force=True), content


def with_attributes(signer: SimpleSigner, edit, content: bytes = b"<marche/>") -> tuple[bytes, bytes]:
    """A .p7s whose signed attributes are what `edit` makes of honest ones, signed by the signer's own key."""

    async def made() -> bytes:
        digest = hashlib.sha256(content).digest()
        attributes = await signer.signed_attrs(digest, "sha256", use_pades=True)
        changed = cms.CMSAttributes(list(edit(list(attributes))))
        info = await signer.async_sign_prescribed_attributes("sha256", signed_attrs=changed)
        return info.dump()

    return asyncio.run(made()), content
