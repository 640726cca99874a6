"""PAdES levels above B-T, added after the last signature: the proofs of validity (B-LT), then a time over them (B-LTA).

Each is one more revision, after which every earlier byte is where it was (ETSI EN 319 142-1 §5.4.2, §5.5, §6.3).
"""

import asyncio
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError, extract_certificate_info
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator import errors as path_errors
from pyhanko_certvalidator.path import ValidationPath

from app.core.refusals import Refusal
from app.pdf.revisions import Reader
from app.signing.formats.container import TOKEN
from app.signing.formats.revision import CHUNK
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient

BROKEN = (PdfError, SigningError, ValueError, TypeError, LookupError, NotImplementedError, OverflowError)
HASH = "sha256"
PERSON, AUTHORITY = "person", "authority"


class Answers:
    """What authorities answered since `moment`, kept for all the files of one batch; for one thread alone.

    A file whose last signature is later than `moment` needs newer ones: an answer given before a signature does not say
    that the certificate still stood when it was made (ETSI EN 319 102-1 §5.2.5). The path of a certificate is proven
    once for one role and the same accompanying certificates: it is judged at `moment`, whatever the document. What fails
    is proven again.
    """

    def __init__(self, trust: Trust, moment: datetime) -> None:
        self.trust, self.moment = trust, moment
        self.persons = trust.context(moment, fetch=trust.fetch)
        self.authorities = trust.tsa_context(moment, fetch=trust.fetch)
        self.proofs: dict[_Certified, _Proof] = {}


@dataclass(frozen=True)
class _Proof:
    """Why one certificate was good: its path, and what was said of each certificate of it and of no other."""

    path: ValidationPath
    ocsps: tuple[ocsp.OCSPResponse, ...]
    crls: tuple[crl.CertificateList, ...]


_Certified = tuple[str, bytes, frozenset[bytes]]
"""A role, the certificate that has it, and those that came with it, as bytes."""
_Proven = list[tuple[EmbeddedPdfSignature, list[_Proof]]]
_Asked = tuple[Collection[str] | None] | None


class _Clock(TimeStamper):
    """Our client, as pyHanko asks for a document timestamp."""

    def __init__(self, client: TimestampClient) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._client = client

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        return cms.ContentInfo.load(self._client.token(message_digest, md_algorithm))


def augment(
    source: Path,
    target: Path,
    *,
    answers: Answers,
    timestamper: TimestampClient | None,
    fields: Collection[str] | None = None,
    renews: bool = False,
) -> None:
    """Write at `target` the bytes of `source` and one revision more, with what proves its signatures for later.

    The revision holds the certificates and revocation answers of the signatures in `fields` (None: of all) and of their
    timestamps (B-LT) and, with a `timestamper`, a document timestamp over all of it (B-LTA). What others had signed
    before it came here is theirs to prove. `renews`: only what proves the last document timestamp, and a new one over
    it. Refuses `archive-answer-missing`, `archive-timestamp-silent`, `archive-not-made`; then `target` does not exist.
    """
    try:
        with source.open("rb") as before, target.open("w+b") as after:
            writer = IncrementalPdfFileWriter.from_reader(Reader(before))
            asyncio.run(_augment(writer, after, answers, timestamper, None if renews else (fields,)))
            after.flush()
            # Before a row names the file.
            os.fsync(after.fileno())
    except BaseException as error:
        target.unlink(missing_ok=True)
        raise _refusal(error) from error


def _refusal(error: BaseException) -> BaseException:
    if isinstance(error, Refusal) and error.key == "timestamp-silent":
        return Refusal("archive-timestamp-silent", why=str(error.facts.get("why", "")))
    if isinstance(error, Refusal) and error.key == "timestamp-wrong-clock":
        return Refusal("archive-timestamp-silent", why=f"son heure est fausse, {error.facts.get('gap', '')}")
    if isinstance(error, path_errors.InsufficientRevinfoError):
        return Refusal("archive-answer-missing", why=str(error))
    if isinstance(error, path_errors.PathError | path_errors.ValidationError | AssertionError):
        return Refusal("archive-not-made", why=str(error) or "signature d’un autre genre de clé")
    if isinstance(error, BROKEN):
        return Refusal("archive-not-made", why=str(error))
    return error


async def _augment(
    writer: IncrementalPdfFileWriter,
    after: IO[bytes],
    answers: Answers,
    timestamper: TimestampClient | None,
    scope: _Asked,
) -> None:
    proven = await (
        _last_time(writer.prev, answers) if scope is None else _signatures(writer.prev, answers, *scope)
    )
    for signature, proofs in proven:
        DocumentSecurityStore.supply_dss_in_writer(
            writer,
            signature.pkcs7_content,
            paths=[proof.path for proof in proofs],
            ocsps=_once(answer for proof in proofs for answer in proof.ocsps),
            crls=_once(revocation_list for proof in proofs for revocation_list in proof.crls),
        )
    if timestamper is None:
        writer.write(after)  # type: ignore[no-untyped-call]
        return
    # 12 kB of DER at most, written in hexadecimal: no question is asked of the authority only to know the size
    await PdfTimeStamper(_Clock(timestamper)).async_timestamp_pdf(
        writer, HASH, bytes_reserved=2 * TOKEN, output=after, chunk_size=CHUNK
    )


async def _signatures(reader: PdfFileReader, answers: Answers, fields: Collection[str] | None) -> _Proven:
    proven = []
    for signature in reader.embedded_regular_signatures:
        if fields is not None and signature.field_name not in fields:
            continue
        proofs = [await _proof(signature.signed_data, answers, PERSON)]
        tokens = extract_tst_data_iter(signature.signer_info, signed=False)
        proofs += [await _time_proof(token, answers) for token in tokens]
        proven.append((signature, proofs))
    if not proven:
        raise Refusal("archive-not-made", why="ce document ne porte aucune signature d’ici")
    return proven


async def _last_time(reader: PdfFileReader, answers: Answers) -> _Proven:
    times = reader.embedded_timestamp_signatures
    if not times:
        raise Refusal("archive-not-made", why="ce document n’a pas d’horodatage à renouveler")
    return [(times[-1], [await _time_proof(times[-1].signed_data, answers)])]


async def _time_proof(token: cms.SignedData, answers: Answers) -> _Proof:
    return await _proof(token, answers, AUTHORITY)


async def _proof(signed: cms.SignedData, answers: Answers, role: str) -> _Proof:
    certificates = extract_certificate_info(signed)
    signer, others = certificates.signer_cert, certificates.other_certs
    name = (role, signer.dump(), frozenset(other.dump() for other in others))
    if name not in answers.proofs:
        answers.proofs[name] = await _proven(signer, others, answers, role)
    return answers.proofs[name]


async def _proven(
    signer: x509.Certificate, others: Sequence[x509.Certificate], answers: Answers, role: str
) -> _Proof:
    context = answers.persons if role == PERSON else answers.authorities
    usage, extended = ({"non_repudiation"}, set()) if role == PERSON else (set(), {"time_stamping"})
    validator = CertificateValidator(signer, intermediate_certs=others, validation_context=context)
    path = await validator.async_validate_usage(usage, extended)  # type: ignore[no-untyped-call]
    below = [certificate for certificate in path if isinstance(certificate, x509.Certificate)]
    # The context has answers about the certificates of other files too: each file keeps its own, and no more
    return _Proof(
        path,
        tuple(answer for answer in context.ocsps if any(_speaks_of(answer, each) for each in below)),
        tuple(
            revocation_list
            for revocation_list in context.crls
            if any(revocation_list.issuer == each.issuer for each in below)
        ),
    )


def _speaks_of(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    for answer in response.basic_ocsp_response["tbs_response_data"]["responses"]:
        named = answer["cert_id"]
        issuer = {"sha1": certificate.issuer.sha1, "sha256": certificate.issuer.sha256}
        if (
            named["serial_number"].native == certificate.serial_number
            and issuer.get(named["hash_algorithm"]["algorithm"].native) == named["issuer_name_hash"].native
        ):
            return True
    return False


def _once(items: Iterable[ocsp.OCSPResponse | crl.CertificateList]) -> Iterator[object]:
    return iter({entry.dump(): entry for entry in items}.values())
