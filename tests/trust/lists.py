"""A list of lists and a country's list, built and signed here (ETSI TS 119 612, XAdES), and the server that shows them."""

import base64
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.xades import XAdESSigner

from app.core.clock import now

BASE = "http://uri.etsi.org/TrstSvc"
MIME = "application/vnd.etsi.tsl+xml"
SPACES = 'xmlns="http://uri.etsi.org/02231/v2#" xmlns:x="http://uri.etsi.org/02231/v2/additionaltypes#"'


class Operator:
    """Whoever signs a list."""

    def __init__(self, name: str) -> None:
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 7)
            .not_valid_before(now() - timedelta(days=30))
            .not_valid_after(now() + timedelta(days=700))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def encoded(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()

    def sign(self, text: str) -> bytes:
        signed = XAdESSigner().sign(etree.fromstring(text.encode()), key=self._key, cert=self.pem.decode())
        return etree.tostring(signed)


def list_of_lists(operator: Operator, country: Operator, url: str, until: datetime | None = None) -> bytes:
    pointer = f"""<PointersToOtherTSL><OtherTSLPointer>
      <ServiceDigitalIdentities><ServiceDigitalIdentity><DigitalId><X509Certificate>{country.encoded}</X509Certificate>
      </DigitalId></ServiceDigitalIdentity></ServiceDigitalIdentities>
      <TSLLocation>{url}</TSLLocation>
      <AdditionalInformation>
        <OtherInformation><TSLType>{BASE}/TrustedList/TSLType/EUgeneric</TSLType></OtherInformation>
        <OtherInformation><SchemeTerritory>FR</SchemeTerritory></OtherInformation>
        <OtherInformation><x:MimeType>{MIME}</x:MimeType></OtherInformation>
      </AdditionalInformation></OtherTSLPointer></PointersToOtherTSL>"""
    return operator.sign(whole("EU", pointer, until, ""))


def country_list(operator: Operator, services: str, until: datetime | None = None) -> bytes:
    providers = f"""<TrustServiceProviderList><TrustServiceProvider>
      <TSPInformation><TSPName><Name xml:lang="fr">Prestataire d’essai</Name></TSPName></TSPInformation>
      <TSPServices>{services}</TSPServices></TrustServiceProvider></TrustServiceProviderList>"""
    return operator.sign(whole("FR", "", until, providers))


def service(kind: str, certificate: bytes, status: str = "granted") -> str:
    """`kind`: « CA/QC » or « TSA/QTST »."""
    extension = (
        f"""<ServiceInformationExtensions><Extension Critical="true"><AdditionalServiceInformation>
        <URI xml:lang="en">{BASE}/TrustedList/SvcInfoExt/ForeSignatures</URI></AdditionalServiceInformation></Extension>
        </ServiceInformationExtensions>"""
        if kind == "CA/QC"
        else ""
    )
    return f"""<TSPService><ServiceInformation>
      <ServiceTypeIdentifier>{BASE}/Svctype/{kind}</ServiceTypeIdentifier>
      <ServiceName><Name xml:lang="fr">Service d’essai</Name></ServiceName>
      <ServiceDigitalIdentity><DigitalId><X509Certificate>{base64.b64encode(certificate).decode()}</X509Certificate>
      </DigitalId></ServiceDigitalIdentity>
      <ServiceStatus>{BASE}/TrustedList/Svcstatus/{status}</ServiceStatus>
      <StatusStartingTime>2020-01-01T00:00:00Z</StatusStartingTime>{extension}
    </ServiceInformation></TSPService>"""


def whole(territory: str, pointers: str, until: datetime | None, providers: str) -> str:
    next_update = (until or now() + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<TrustServiceStatusList {SPACES} TSLTag="http://uri.etsi.org/19612/TSLTag" Id="list">
      <SchemeInformation><TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>1</TSLSequenceNumber>
      <TSLType>{BASE}/TrustedList/TSLType/EUgeneric</TSLType>
      <SchemeOperatorName><Name xml:lang="fr">Exploitant d’essai</Name></SchemeOperatorName>
      <SchemeInformationURI><URI xml:lang="fr">http://example.org/regles</URI></SchemeInformationURI>
      <SchemeTerritory>{territory}</SchemeTerritory>{pointers}
      <ListIssueDateTime>2026-01-01T00:00:00Z</ListIssueDateTime>
      <NextUpdate><dateTime>{next_update}</dateTime></NextUpdate></SchemeInformation>{providers}
    </TrustServiceStatusList>"""


class Shown:
    """A web server that shows lists; `pages` by path, `asked` in order."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        shown = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shown.asked.append(self.path)
                page = shown.pages.get(self.path)
                self.send_response(404 if page is None else 200)
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *_args) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
