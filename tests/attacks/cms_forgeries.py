"""Forgeries of CMS signatures beside a file (.p7s): attributes, certificates, contents, encodings.

Sources: RFC 5652 §5.3, §5.4, §11; RFC 5035 (signing-certificate); Strenzke, « ForgedAttributes: An Existential Forgery
Vulnerability of CMS Signatures » (2023): signed attributes that become the content.
"""

import hashlib

from asn1crypto import cms, core, x509
from cryptography.hazmat.primitives import serialization

from tests.attacks import minting
from tests.attacks.catalogue import forgery
from tests.attacks.minting import (
    attribute,
    attributes,
    certificate_attribute,
    container,
    issued,
    secret,
    signer_info,
)

FAMILY = "CMS"
CONTENT = b"<marche>lot 1</marche>\r\n" * 50
OTHER = CONTENT.replace(b"lot 1", b"lot 9")


def der_of(shop, label: str = "a_kervadec") -> bytes:
    return shop.pki.certificate(label)


def genuine(shop, **how) -> bytes:
    """A signature as it should be, made by hand."""
    own, key = der_of(shop), secret(shop, "a_kervadec")
    info = signer_info(own, key, attributes(CONTENT, own), CONTENT)
    return container([info], [own, der_of(shop, "interm")], **how)


def edited(shop, change, content: bytes = CONTENT) -> tuple[bytes, bytes]:
    """The genuine one after a change of its parsed form."""
    made = cms.ContentInfo.load(genuine(shop))
    change(made["content"])
    return made.dump(force=True), content


def by_hand(
    shop,
    signed,
    *,
    content: bytes = CONTENT,
    covered: bytes = CONTENT,
    label="a_kervadec",
    certificates=None,
    **how,
):
    own = der_of(shop, label)
    info = signer_info(own, secret(shop, "a_kervadec"), signed, covered, **how)
    return container([info], certificates or [own, der_of(shop, "interm")]), content


forgery(FAMILY, "another content")(lambda shop: (genuine(shop), OTHER))
forgery(FAMILY, "another content, one byte longer")(lambda shop: (genuine(shop), CONTENT + b"\n"))
forgery(FAMILY, "another content, ends of lines changed")(
    lambda shop: (genuine(shop), CONTENT.replace(b"\r\n", b"\n"))
)
forgery(FAMILY, "an empty content")(lambda shop: (genuine(shop), b""))


@forgery(FAMILY, "signed attributes dropped: they are the content")
def attributes_as_content(shop):
    """Whoever has a signature with attributes has one, without, over the encoding of those attributes."""
    made = cms.ContentInfo.load(genuine(shop))
    info = made["content"]["signer_infos"][0]
    covered = info["signed_attrs"].untag().dump(force=True)
    bare = cms.SignerInfo(
        {
            name: info[name]
            for name in ("version", "sid", "digest_algorithm", "signature_algorithm", "signature")
        }
    )
    return container([bare], [der_of(shop), der_of(shop, "interm")]), covered


@forgery(FAMILY, "no signed attributes at all")
def no_attributes(shop):
    return by_hand(shop, None)


@forgery(FAMILY, "signing certificate not named")
def unnamed(shop):
    return by_hand(shop, attributes(CONTENT, None))


@forgery(FAMILY, "signing certificate not named, a revoked one exchanged for a good one of the same key")
def exchanged(shop):
    good, bad = der_of(shop), der_of(shop, "revoked")
    info = signer_info(bad, secret(shop, "a_kervadec"), attributes(CONTENT, None), CONTENT)
    own = x509.Certificate.load(good)
    info["sid"] = cms.SignerIdentifier(
        "issuer_and_serial_number",
        cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number}),
    )
    return container([info], [good, der_of(shop, "interm")]), CONTENT


@forgery(FAMILY, "named certificate exchanged for another of the same key")
def exchanged_named(shop):
    good, bad = der_of(shop), der_of(shop, "revoked")
    info = signer_info(bad, secret(shop, "a_kervadec"), attributes(CONTENT, bad), CONTENT)
    own = x509.Certificate.load(good)
    info["sid"] = cms.SignerIdentifier(
        "issuer_and_serial_number",
        cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number}),
    )
    return container([info], [good, der_of(shop, "interm")]), CONTENT


@forgery(FAMILY, "named certificate is another than the signer's")
def named_other(shop):
    return by_hand(shop, attributes(CONTENT, der_of(shop, "b_cadiou")))


@forgery(FAMILY, "certificate of somebody else put in the place of the signer's")
def impostor(shop):
    def change(signed):
        signed["certificates"] = [x509.Certificate.load(der_of(shop, one)) for one in ("b_cadiou", "interm")]
        own = x509.Certificate.load(der_of(shop, "b_cadiou"))
        signed["signer_infos"][0]["sid"] = cms.SignerIdentifier(
            "issuer_and_serial_number",
            cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number}),
        )

    return edited(shop, change)


@forgery(FAMILY, "no certificate in it")
def no_certificate(shop):
    return edited(shop, lambda signed: signed.__setitem__("certificates", []))


@forgery(FAMILY, "no signer at all")
def no_signer(shop):
    return edited(shop, lambda signed: signed.__setitem__("signer_infos", []))


@forgery(FAMILY, "message digest missing")
def no_digest(shop):
    own = der_of(shop)
    return by_hand(shop, cms.CMSAttributes([attribute("content_type", "data"), certificate_attribute(own)]))


@forgery(FAMILY, "message digest twice, the first one right")
def two_digests(shop):
    signed = attributes(CONTENT, der_of(shop), attribute("message_digest", hashlib.sha256(OTHER).digest()))
    return by_hand(shop, signed)


@forgery(FAMILY, "message digest of two values")
def two_values(shop):
    own = der_of(shop)
    digests = [hashlib.sha256(one).digest() for one in (CONTENT, OTHER)]
    made = [
        attribute("content_type", "data"),
        attribute("message_digest", *digests),
        certificate_attribute(own),
    ]
    return by_hand(shop, cms.CMSAttributes(made))


@forgery(FAMILY, "content type missing from the attributes")
def no_type(shop):
    own = der_of(shop)
    digest = attribute("message_digest", hashlib.sha256(CONTENT).digest())
    return by_hand(shop, cms.CMSAttributes([digest, certificate_attribute(own)]))


@forgery(FAMILY, "content type of the attributes is another than the content's")
def other_type(shop):
    own, key = der_of(shop), secret(shop, "a_kervadec")
    info = signer_info(own, key, attributes(CONTENT, own), CONTENT)
    return container([info], [own, der_of(shop, "interm")], kind="tst_info"), CONTENT


@forgery(FAMILY, "an attribute changed after it was signed")
def claimed_time(shop):
    from asn1crypto import util

    moved = attribute(
        "signing_time",
        cms.Time({"utc_time": core.UTCTime(util.datetime(2020, 1, 1, tzinfo=util.timezone.utc))}),
    )

    def change(signed):
        info = signed["signer_infos"][0]
        info["signed_attrs"] = cms.CMSAttributes([*info["signed_attrs"], moved])

    return edited(shop, change)


@forgery(FAMILY, "announced hash is weaker than the one signed with")
def announced_sha1(shop):
    own = der_of(shop)
    signed = attributes(CONTENT, own, digest="sha1")
    return by_hand(shop, signed, announced="sha1")


@forgery(FAMILY, "signed with SHA-1")
def sha1(shop):
    own = der_of(shop)
    return by_hand(shop, attributes(CONTENT, own, digest="sha1"), digest="sha1")


@forgery(FAMILY, "signed with MD5")
def md5(shop):
    own = der_of(shop)
    return by_hand(shop, attributes(CONTENT, own, digest="md5"), digest="md5")


@forgery(FAMILY, "signature algorithm announced is another")
def other_algorithm(shop):
    own = der_of(shop)
    return by_hand(shop, attributes(CONTENT, own), mechanism="sha512_rsa")


@forgery(FAMILY, "signature algorithm is that of another kind of key")
def other_key_kind(shop):
    own = der_of(shop)
    return by_hand(shop, attributes(CONTENT, own), mechanism="sha256_ecdsa")


@forgery(FAMILY, "a bit of the value turned")
def bit(shop):
    def change(signed):
        info = signed["signer_infos"][0]
        old = bytearray(info["signature"].native)
        old[40] ^= 1
        info["signature"] = bytes(old)

    return edited(shop, change)


@forgery(FAMILY, "two signers, one of another content", victim="signataire 2")
def second_bad(shop):
    own, key = der_of(shop), secret(shop, "a_kervadec")
    other, other_key = der_of(shop, "b_cadiou"), secret(shop, "b_cadiou")
    infos = [
        signer_info(own, key, attributes(CONTENT, own), CONTENT),
        signer_info(other, other_key, attributes(OTHER, other), OTHER),
    ]
    return container(infos, [own, other, der_of(shop, "interm")]), CONTENT


@forgery(FAMILY, "two signers, the second's value is the first's", victim="signataire 2")
def second_stolen(shop):
    own, key = der_of(shop), secret(shop, "a_kervadec")
    other = der_of(shop, "b_cadiou")
    first = signer_info(own, key, attributes(CONTENT, own), CONTENT)
    second = signer_info(other, key, attributes(CONTENT, other), CONTENT)
    return container([first, second], [own, other, der_of(shop, "interm")]), CONTENT


@forgery(FAMILY, "content inside is another than the file beside")
def inside_and_beside(shop):
    return genuine(shop, inside=CONTENT), OTHER


@forgery(FAMILY, "content inside exchanged")
def inside_exchanged(shop):
    return genuine(shop, inside=OTHER)


@forgery(FAMILY, "rubbish after the container")
def trailing(shop):
    return genuine(shop) + b"\x00" * 8 + b"rubbish", CONTENT


@forgery(FAMILY, "a second container after it")
def trailing_container(shop):
    return genuine(shop) * 2, CONTENT


@forgery(FAMILY, "cut short")
def cut(shop):
    return genuine(shop)[:-20], CONTENT


@forgery(FAMILY, "another kind of container")
def not_signed_data(shop):
    return cms.ContentInfo(
        {"content_type": "data", "content": core.OctetString(genuine(shop))}
    ).dump(), CONTENT


def order(shop):
    """The key signed the sorted attributes; they lie in the file in another order."""

    def change(signed):
        info = signed["signer_infos"][0]
        info["signed_attrs"] = cms.CMSAttributes(list(info["signed_attrs"])[::-1])

    return edited(shop, change)


@forgery(FAMILY, "a counter-signature in the place of a signature")
def counter(shop):
    """The signer countersigned somebody else's value: it is shown as his signature of the file."""
    own, key = der_of(shop), secret(shop, "a_kervadec")
    first = cms.ContentInfo.load(genuine(shop))["content"]["signer_infos"][0]["signature"].native
    signed = cms.CMSAttributes(
        [attribute("message_digest", hashlib.sha256(first).digest()), certificate_attribute(own)]
    )
    info = signer_info(own, key, signed, first)
    return container([info], [own, der_of(shop, "interm")]), CONTENT


@forgery(FAMILY, "a timestamp token in the place of a signature")
def token(shop):
    import asyncio

    from tests.verification.corpus import Tsa

    return asyncio.run(
        Tsa(shop.pki).async_timestamp(hashlib.sha256(CONTENT).digest(), "sha256")
    ).dump(), CONTENT


@forgery(FAMILY, "the container of a PDF's signature beside another file")
def from_pdf(shop):
    from tests.attacks import workshop

    return workshop.container(shop.base)[2], CONTENT


@forgery(FAMILY, "a self-signed certificate of the mayor's name")
def self_signed(shop):
    key = minting.fresh(shop, "self")
    name = minting.named("Armel KERVADEC")
    own = issued(shop, key=key, subject=name, issuer_key=key, revocable=False)
    der = own.public_bytes(serialization.Encoding.DER)
    info = signer_info(der, key, attributes(CONTENT, der), CONTENT)
    return container([info], [der]), CONTENT


@forgery(FAMILY, "signed with an elliptic key's all-noughts value")
def zero_value(shop):
    own = der_of(shop, "ec")
    info = signer_info(own, secret(shop, "curve"), attributes(CONTENT, own), CONTENT)
    info["signature"] = bytes.fromhex("3006020100020100")
    return container([info], [own, der_of(shop, "interm")]), CONTENT
