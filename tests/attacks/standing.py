"""Certificates that must not make a signature valid: out of their dates, revoked, of a false authority, made for other uses.

Sources: RFC 5280 §4.2.1.3, §4.2.1.9, §4.2.1.10, §4.2.1.12, §6.1; ETSI EN 319 102-1 §5.2.6; ETSI EN 319 412-2 §4.3.2.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from tests.attacks.catalogue import forgery
from tests.attacks.minting import fresh, issued, named, pdf, secret, signer

FAMILY = "Certificats"
PERSON = ("content_commitment",)
PURPOSES = {
    "TLS server": ("1.3.6.1.5.5.7.3.1",),
    "TLS client": ("1.3.6.1.5.5.7.3.2",),
    "code signing": ("1.3.6.1.5.5.7.3.3",),
    "timestamps": ("1.3.6.1.5.5.7.3.8",),
    "OCSP answers": ("1.3.6.1.5.5.7.3.9",),
    "IPsec": ("1.3.6.1.5.5.7.3.5",),
    "TLS server and client": ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"),
}


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


for _variant, _oids in PURPOSES.items():
    forgery(FAMILY, f"made for {_variant}", note="the key is made for something else than signing documents")(
        lambda shop, oids=_oids: pdf(shop, signer(shop, issued(shop, purposes=oids)))
    )

USAGES = {
    "no key usage at all": None,
    "usage: identification alone": ("digital_signature",),
    "usage: encryption alone": ("key_encipherment",),
    "usage: certificates alone": ("key_cert_sign",),
    "usage: key agreement alone": ("key_agreement",),
}
for _variant, _usage in USAGES.items():
    forgery(FAMILY, _variant)(lambda shop, usage=_usage: pdf(shop, signer(shop, issued(shop, usage=usage))))

LABELS = {
    "expired, undated": "expired",
    "not yet valid": "future",
    "revoked": "revoked",
    "of an authority that nobody knows": "foreign_root",
    "for identification": "auth_only",
    "RSA of 1024 bits": "weak",
}
for _variant, _label in LABELS.items():
    forgery(FAMILY, _variant)(lambda shop, label=_label: shop.stamped(label=label))
for _variant, _label in (("expired, dated afterwards", "expired"), ("revoked, dated afterwards", "revoked")):
    forgery(FAMILY, _variant)(lambda shop, label=_label: shop.stamped(label=label, level="B-T"))


@forgery(FAMILY, "of an authority of the same name and serial number")
def look_alike(shop):
    known = x509.load_der_x509_certificate(shop.pki.certificate("interm"))
    key = fresh(shop, "look-alike")
    authority = issued(
        shop,
        key=key,
        subject=known.subject,
        serial=known.serial_number,
        issuer="root",
        issuer_key=key,
        usage=("key_cert_sign", "crl_sign"),
        authority=True,
    )
    own = issued(shop, issuer_certificate=authority, issuer_key=key)
    return pdf(shop, signer(shop, own, others=(der(authority),)))


@forgery(FAMILY, "of a false root of the same name that comes with the file")
def false_root(shop):
    known = x509.load_der_x509_certificate(shop.pki.certificate("root"))
    key = fresh(shop, "false root")
    root = issued(
        shop,
        key=key,
        subject=known.subject,
        serial=known.serial_number,
        issuer="root",
        issuer_key=key,
        usage=("key_cert_sign", "crl_sign"),
        authority=True,
        revocable=False,
    )
    own = issued(shop, issuer_certificate=root, issuer_key=key, revocable=False)
    return pdf(shop, signer(shop, own, others=(der(root),)))


@forgery(FAMILY, "given by a person's certificate")
def leaf_as_authority(shop):
    person = x509.load_der_x509_certificate(shop.pki.certificate("b_cadiou"))
    own = issued(shop, issuer_certificate=person, issuer_key=secret(shop, "b_cadiou"))
    above = (shop.pki.certificate("b_cadiou"), shop.pki.certificate("interm"))
    return pdf(shop, signer(shop, own, others=above))


@forgery(FAMILY, "self-signed, of the mayor's name")
def self_signed(shop):
    key = fresh(shop, "self")
    name = named("Armel KERVADEC")
    above = issued(shop, key=key, subject=name, issuer_key=key, revocable=False)
    own = issued(shop, key=key, subject=name, issuer_certificate=above, issuer_key=key, revocable=False)
    return pdf(shop, signer(shop, own, key, others=()))


@forgery(FAMILY, "the authority's own certificate signs")
def authority_signs(shop):
    return pdf(
        shop,
        signer(shop, shop.pki.certificate("interm"), secret(shop, "interm"), (shop.pki.certificate("root"),)),
    )


@forgery(FAMILY, "an authority's certificate that may sign too")
def authority_may_sign(shop):
    own = issued(shop, usage=("content_commitment", "key_cert_sign"), authority=True)
    return pdf(shop, signer(shop, own))


@forgery(FAMILY, "critical extension that nobody knows")
def critical(shop):
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return pdf(shop, signer(shop, issued(shop, extensions=((unknown, True),))))


@forgery(FAMILY, "authority that may not name this person")
def name_constraints(shop):
    key = fresh(shop, "constrained")
    limits = x509.NameConstraints(
        permitted_subtrees=[x509.DirectoryName(named("Personne", organization="Ailleurs"))],
        excluded_subtrees=None,
    )
    authority = issued(
        shop,
        "AC bornée",
        key=key,
        usage=("key_cert_sign", "crl_sign"),
        authority=True,
        extensions=((limits, True),),
        issuer="root",
        issuer_key=secret(shop, "root"),
        revocable=False,
    )
    own = issued(shop, issuer_certificate=authority, issuer_key=key, revocable=False)
    return pdf(shop, signer(shop, own, others=(der(authority),)))


@forgery(FAMILY, "authority that may give none to authorities")
def path_length(shop):
    key, second = fresh(shop, "short"), fresh(shop, "second")
    short = issued(
        shop,
        "AC courte",
        key=key,
        usage=("key_cert_sign",),
        authority=True,
        issuer="root",
        issuer_key=secret(shop, "root"),
        revocable=False,
    )
    builder_limits = x509.BasicConstraints(ca=True, path_length=0)
    short = resigned_constraints(shop, short, builder_limits, secret(shop, "root"))
    under = issued(
        shop,
        "AC dessous",
        key=second,
        usage=("key_cert_sign",),
        authority=True,
        issuer_certificate=short,
        issuer_key=key,
        revocable=False,
    )
    own = issued(shop, issuer_certificate=under, issuer_key=second, revocable=False)
    return pdf(shop, signer(shop, own, others=(der(short), der(under))))


def resigned_constraints(shop, certificate, limits, key) -> x509.Certificate:
    made = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(certificate.public_key())
        .serial_number(certificate.serial_number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        .add_extension(limits, critical=True)
    )
    for one in certificate.extensions:
        if not isinstance(one.value, x509.BasicConstraints):
            made = made.add_extension(one.value, one.critical)
    return made.sign(key, hashes.SHA256())


def weakly(shop, name: str) -> bytes:
    """A certificate whose own signature is by a weak hash."""
    from asn1crypto import x509 as asn1

    own = asn1.Certificate.load(der(issued(shop)))
    own["tbs_certificate"]["signature"] = {"algorithm": f"{name}_rsa"}
    own["signature_algorithm"] = {"algorithm": f"{name}_rsa"}
    body = own["tbs_certificate"].dump(force=True)
    how = getattr(hashes, name.upper())()
    own["signature_value"] = secret(shop, "interm").sign(body, padding.PKCS1v15(), how)
    return own.dump(force=True)


@forgery(FAMILY, "given with SHA-1")
def sha1(shop):
    return pdf(shop, signer(shop, weakly(shop, "sha1")))


@forgery(FAMILY, "given with MD5")
def md5(shop):
    return pdf(shop, signer(shop, weakly(shop, "md5")))


@forgery(FAMILY, "a byte of it changed")
def changed_certificate(shop):
    good = der(issued(shop, "Armel KERVADEC"))
    at = good.index(b"Armel KERVADEC")
    return pdf(shop, signer(shop, good[:at] + b"Prefet BRETON " + good[at + 14 :]))


@forgery(FAMILY, "of a revoked authority")
def revoked_authority(shop):
    """An authority under ours whose certificate is on ours' list."""
    key = fresh(shop, "revoked authority")
    gone = x509.load_der_x509_certificate(shop.pki.certificate("revoked")).serial_number
    authority = issued(
        shop, "AC révoquée", key=key, usage=("key_cert_sign", "crl_sign"), authority=True, serial=gone
    )
    own = issued(shop, issuer_certificate=authority, issuer_key=key, revocable=False)
    return pdf(shop, signer(shop, own, others=(der(authority), shop.pki.certificate("interm"))))


@forgery(FAMILY, "says nowhere how to learn that it is revoked")
def unrevocable(shop):
    return pdf(shop, signer(shop, issued(shop, revocable=False)))


@forgery(FAMILY, "its authority is silent", silent=True)
def silent(shop):
    return shop.stamped()


@forgery(FAMILY, "signed with SHA-1 by a good one")
def signed_sha1(shop):
    return pdf(shop, shop.corpus.key("a_kervadec"), md_algorithm="sha1")


@forgery(FAMILY, "signature of another key under a good certificate")
def other_key(shop):
    return pdf(shop, signer(shop, shop.pki.certificate("a_kervadec"), secret(shop, "b_cadiou")))


@forgery(FAMILY, "the mayor's name in a certificate of somebody else's, by an unknown authority")
def homonym(shop):
    key = fresh(shop, "unknown authority")
    name = named("AC des signataires d’essai (FACTICE)", organization="Commune de Kerlann-sur-Mer (FACTICE)")
    authority = issued(
        shop, key=key, subject=name, issuer_key=key, usage=("key_cert_sign",), authority=True, revocable=False
    )
    own = issued(shop, issuer_certificate=authority, issuer_key=key, revocable=False)
    return pdf(shop, signer(shop, own, others=(der(authority),)))
