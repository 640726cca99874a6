"""Forgeries of XAdES signatures beside a file, and what is enveloped or enveloping.

Sources: McIntosh and Austel, « XML Signature Element Wrapping Attacks » (2005); Somorovsky and others, « On Breaking SAML »
(2012): XSW 1 to 8; XML Signature §8.1 (see what is signed), Best Practices (transforms, HMAC); ETSI EN 319 132-1 §5.2.
"""

import hashlib
import re
from base64 import b64decode, b64encode

from lxml import etree

from tests.attacks.catalogue import forgery
from tests.attacks.minting import secret, value

FAMILY = "XAdES"
DS, XADES = "http://www.w3.org/2000/09/xmldsig#", "http://uri.etsi.org/01903/v1.3.2#"
FILE = re.compile(rb'<ds:Reference [^>]*URI="[^#"][^"]*"[^>]*>.*?</ds:Reference>', re.DOTALL)
PROPERTIES = re.compile(rb"<xades:SignedProperties.*?</xades:SignedProperties>", re.DOTALL)
OBJECT = re.compile(rb"<ds:Object.*?</ds:Object>", re.DOTALL)
INFO = re.compile(rb"<ds:SignedInfo.*?</ds:SignedInfo>", re.DOTALL)
KEYS = re.compile(rb"<ds:KeyInfo.*?</ds:KeyInfo>", re.DOTALL)
ROOT = re.compile(rb"<ds:Signature [^>]*>")


def genuine(shop) -> tuple[bytes, bytes]:
    """Undated, so that nothing but the signature itself holds it together."""
    return shop.once("xades", lambda: shop.corpus.beside("xades", dated=False))


def forged(content: bytes) -> bytes:
    return content.replace(b"Cercle nautique", b"SARL ESCROC 999 000")


def one(pattern, data: bytes) -> bytes:
    found = pattern.search(data)
    assert found, pattern
    return found.group(0)


def put(data: bytes, before: bytes, after: bytes) -> bytes:
    assert before in data, before
    return data.replace(before, after, 1)


def edit(before, after):
    """The signature file with one thing changed."""

    def make(shop):
        data, content = genuine(shop)
        if isinstance(before, bytes):
            return put(data, before, after), content
        made = before.sub(after, data, count=1)
        assert made != data, before
        return made, content

    return make


def canonical(element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)


def signed_anew(
    data: bytes, shop, *, label: str = "a_kervadec", content: bytes | None = None, properties=True
) -> bytes:
    """The same file digested and signed again by a key: what a signer who cheats can do."""
    root = etree.fromstring(data)
    names = {"ds": DS, "xades": XADES}
    for reference in root.findall("ds:SignedInfo/ds:Reference", names):
        uri = reference.get("URI", "")
        digest = reference.find("ds:DigestValue", names)
        if uri.startswith("#") and properties:
            target = next((e for e in root.iter() if e.get("Id") == uri[1:]), None)
            if target is not None:
                digest.text = b64encode(hashlib.sha256(canonical(target)).digest()).decode()
        elif content is not None and not uri.startswith("#"):
            digest.text = b64encode(hashlib.sha256(content).digest()).decode()
    info = root.find("ds:SignedInfo", names)
    made = value(secret(shop, label), canonical(info))
    root.find("ds:SignatureValue", names).text = b64encode(made).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def cheated(before, after, **how):
    """A change that the signer's own key signs."""

    def make(shop):
        data, content = genuine(shop)
        made = (
            data.replace(before, after, 1) if isinstance(before, bytes) else before.sub(after, data, count=1)
        )
        assert made != data, before
        return signed_anew(made, shop, **how), content

    return make


forgery(FAMILY, "another content")(lambda shop: (genuine(shop)[0], forged(genuine(shop)[1])))
forgery(FAMILY, "a space more in the content")(lambda shop: (genuine(shop)[0], genuine(shop)[1] + b" "))
forgery(FAMILY, "a comment in the content")(
    lambda shop: (genuine(shop)[0], genuine(shop)[1].replace(b"<ligne>", b"<ligne><!-- 999 000 -->"))
)
forgery(FAMILY, "the same content in canonical form")(
    lambda shop: (genuine(shop)[0], genuine(shop)[1].replace(b"<budget>", b"<budget >"))
)


# Wrapping: what was signed is kept somewhere, something else is in its place


@forgery(FAMILY, "XSW1: a forged signature around the genuine one")
def xsw1(shop):
    data, content = genuine(shop)
    body = data[data.index(b"<ds:Signature") :]
    wrapper = ROOT.search(data).group(0).replace(b'Id="', b'Id="x', 1)
    inner = b"<ds:Object>" + body + b"</ds:Object>"
    rest = body[len(ROOT.search(data).group(0)) :].removesuffix(b"</ds:Signature>")
    return wrapper + rest + inner + b"</ds:Signature>", forged(content)


@forgery(FAMILY, "XSW2: the genuine signature put in an object of a forged one")
def xsw2(shop):
    data, content = genuine(shop)
    body = data[data.index(b"<ds:Signature") :]
    fake = FILE.sub(
        lambda found: re.sub(
            rb"(<ds:DigestValue>)[^<]*",
            rb"\g<1>" + b64encode(hashlib.sha256(forged(content)).digest()),
            found.group(0),
        ),
        body,
        count=1,
    )
    return put(fake, b"</ds:Signature>", b"<ds:Object>" + body + b"</ds:Object></ds:Signature>"), forged(
        content
    )


@forgery(FAMILY, "XSW3: two SignedInfo, the forged one first")
def xsw3(shop):
    data, content = genuine(shop)
    info = one(INFO, data)
    fake = re.sub(
        rb"(<ds:DigestValue>)[^<]*",
        rb"\g<1>" + b64encode(hashlib.sha256(forged(content)).digest()),
        info,
        count=1,
    )
    return put(data, info, fake + info), forged(content)


@forgery(FAMILY, "XSW4: two SignedInfo, the forged one last")
def xsw4(shop):
    data, content = genuine(shop)
    info = one(INFO, data)
    fake = re.sub(
        rb"(<ds:DigestValue>)[^<]*",
        rb"\g<1>" + b64encode(hashlib.sha256(forged(content)).digest()),
        info,
        count=1,
    )
    return put(data, info, info + fake), forged(content)


@forgery(FAMILY, "XSW5: signed properties moved into another object, forged ones in their place")
def xsw5(shop):
    data, content = genuine(shop)
    own = one(PROPERTIES, data)
    fake = re.sub(rb"SigningTime>[^<]*", b"SigningTime>2020-01-01T00:00:00+00:00", own, count=1)
    moved = put(data, own, re.sub(rb'Id="([^"]*)"', rb'Id="\g<1>x"', fake, count=1))
    elsewhere = f'<ds:Object xmlns:xades="{XADES}">'.encode() + own + b"</ds:Object></ds:Signature>"
    return put(moved, b"</ds:Signature>", elsewhere), content


@forgery(FAMILY, "XSW6: forged signed properties of the same name, after")
def xsw6(shop):
    data, content = genuine(shop)
    own = one(PROPERTIES, data)
    fake = re.sub(rb"SigningTime>[^<]*", b"SigningTime>2020-01-01T00:00:00+00:00", own, count=1)
    return put(data, own, own + fake), content


@forgery(FAMILY, "XSW7: forged signed properties of the same name, before")
def xsw7(shop):
    data, content = genuine(shop)
    own = one(PROPERTIES, data)
    fake = re.sub(rb"SigningTime>[^<]*", b"SigningTime>2020-01-01T00:00:00+00:00", own, count=1)
    return put(data, own, fake + own), content


@forgery(FAMILY, "XSW8: the genuine object in a second object of the same name")
def xsw8(shop):
    data, content = genuine(shop)
    own = one(OBJECT, data)
    fake = re.sub(rb"SigningTime>[^<]*", b"SigningTime>2020-01-01T00:00:00+00:00", own, count=1)
    return put(data, own, fake + b"<ds:Object>" + own + b"</ds:Object>"), content


# References

QUOTED = rb'URI="[^#"][^"]*"'
REFERENCES = {
    "reference to nothing": edit(re.compile(QUOTED), b'URI=""'),
    "reference without an address": edit(re.compile(rb" " + QUOTED), b""),
    "reference to a file of the machine": edit(re.compile(QUOTED), b'URI="file:///etc/hostname"'),
    "reference to a site": edit(re.compile(QUOTED), b'URI="http://127.0.0.1:9/x"'),
    "reference to an element": edit(re.compile(QUOTED), b'URI="#ailleurs"'),
    "reference to the file twice": edit(FILE, lambda found: found.group(0) * 2),
    "the file's reference taken away": edit(FILE, b""),
    "a type that lies": edit(re.compile(rb"#SignedProperties\""), b'#Manifest"'),
}
for _variant, _make in REFERENCES.items():
    forgery(FAMILY, _variant)(_make)

CHEATED_REFERENCES = {
    "cheating signer: the file's reference taken away": cheated(FILE, b""),
    "cheating signer: the file named twice": cheated(FILE, lambda found: found.group(0) * 2),
    "cheating signer: the file's reference is to nothing": cheated(re.compile(QUOTED), b'URI=""'),
    "cheating signer: the properties are not covered": cheated(
        re.compile(
            rb'<ds:Reference [^>]*Type="http://uri.etsi.org/01903#SignedProperties"[^>]*>.*?</ds:Reference>',
            re.DOTALL,
        ),
        b"",
    ),
}
for _variant, _make in CHEATED_REFERENCES.items():
    forgery(FAMILY, _variant)(_make)

TRANSFORMS = {
    "XPath that chooses nothing": b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>false()</ds:XPath></ds:Transform>',
    "XPath Filter": b'<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><x:XPath xmlns:x="http://www.w3.org/2002/06/xmldsig-filter2" Filter="subtract">/</x:XPath></ds:Transform>',
    "XSLT": b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><s:stylesheet xmlns:s="http://www.w3.org/1999/XSL/Transform" version="1.0"><s:template match="/">rien</s:template></s:stylesheet></ds:Transform>',
    "base64": b'<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>',
    "enveloped": b'<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>',
    "canonical form": b'<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>',
    "unknown": b'<ds:Transform Algorithm="urn:escroc"/>',
}
for _variant, _transform in TRANSFORMS.items():
    _pattern = re.compile(rb'(<ds:Reference [^>]*URI="[^#"][^"]*"[^>]*>)')
    forgery(FAMILY, f"cheating signer: the file is transformed, {_variant}")(
        cheated(_pattern, rb"\g<1><ds:Transforms>" + _transform + b"</ds:Transforms>")
    )


# Algorithms

METHOD = re.compile(rb'(<ds:SignatureMethod Algorithm=")[^"]*')


def hmac(shop, *, length: bytes = b""):
    """The value is an HMAC whose key is the public key that everybody has."""
    import hmac as keyed

    data, content = genuine(shop)
    certificate = b64decode(re.search(rb"<ds:X509Certificate>([^<]*)", data).group(1))
    data = re.sub(
        rb'<ds:SignatureMethod Algorithm="[^"]*"/?>(</ds:SignatureMethod>)?',
        b'<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256">'
        + length
        + b"</ds:SignatureMethod>",
        data,
        count=1,
    )
    data = FILE.sub(
        lambda found: re.sub(
            rb"(<ds:DigestValue>)[^<]*",
            rb"\g<1>" + b64encode(hashlib.sha256(forged(content)).digest()),
            found.group(0),
        ),
        data,
        count=1,
    )
    root = etree.fromstring(data)
    info = canonical(root.find(f"{{{DS}}}SignedInfo"))
    made = keyed.new(certificate, info, "sha256").digest()
    return re.sub(rb"(<ds:SignatureValue[^>]*>)[^<]*", rb"\g<1>" + b64encode(made), data, count=1), forged(
        content
    )


forgery(FAMILY, "HMAC with the certificate as its key")(hmac)
forgery(FAMILY, "HMAC cut to nothing")(
    lambda shop: hmac(shop, length=b"<ds:HMACOutputLength>0</ds:HMACOutputLength>")
)
ALGORITHMS = {
    "signature by SHA-1": (METHOD, rb"\g<1>http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
    "signature by MD5": (METHOD, rb"\g<1>http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
    "signature of an elliptic key by its name": (
        METHOD,
        rb"\g<1>http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    ),
    "signature by nothing": (METHOD, rb"\g<1>urn:none"),
    "hash of the file by SHA-1": (
        re.compile(rb'(<ds:Reference [^>]*URI="[^#"][^"]*"[^>]*><ds:DigestMethod Algorithm=")[^"]*'),
        rb"\g<1>http://www.w3.org/2000/09/xmldsig#sha1",
    ),
    "canonical form with comments": (
        re.compile(rb'(<ds:CanonicalizationMethod Algorithm="[^"]*)'),
        rb"\g<1>WithComments",
    ),
    "canonical form of another kind": (
        re.compile(rb'(<ds:CanonicalizationMethod Algorithm=")[^"]*'),
        rb"\g<1>http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    ),
    "canonical form of nothing": (
        re.compile(rb'(<ds:CanonicalizationMethod Algorithm=")[^"]*'),
        rb"\g<1>urn:rien",
    ),
}
for _variant, (_pattern, _after) in ALGORITHMS.items():
    forgery(FAMILY, _variant)(edit(_pattern, _after))


# Certificates and properties


@forgery(FAMILY, "certificate exchanged for somebody else's")
def impostor(shop):
    data, content = genuine(shop)
    other = b64encode(shop.pki.certificate("b_cadiou"))
    return re.sub(rb"(<ds:X509Certificate>)[^<]*", rb"\g<1>" + other, data, count=1), content


@forgery(FAMILY, "certificate exchanged for another of the same key")
def same_key(shop):
    data, content = shop.once("xades revoked", lambda: shop.corpus.beside("xades", "revoked", dated=False))
    good = b64encode(shop.pki.certificate("a_kervadec"))
    return re.sub(rb"(<ds:X509Certificate>)[^<]*", rb"\g<1>" + good, data, count=1), content


@forgery(FAMILY, "certificate of the same key put before the signer's")
def put_before(shop):
    data, content = shop.once("xades revoked", lambda: shop.corpus.beside("xades", "revoked", dated=False))
    good = b64encode(shop.pki.certificate("a_kervadec"))
    return put(
        data,
        b"<ds:X509Certificate>",
        b"<ds:X509Certificate>" + good + b"</ds:X509Certificate><ds:X509Certificate>",
    ), content


@forgery(FAMILY, "no certificate in it")
def no_keys(shop):
    data, content = genuine(shop)
    return KEYS.sub(b"", data), content


@forgery(FAMILY, "a bare key instead of a certificate")
def bare_key(shop):
    data, content = genuine(shop)
    return KEYS.sub(b"<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue></ds:KeyInfo>", data), content


@forgery(FAMILY, "key information twice")
def keys_twice(shop):
    data, content = genuine(shop)
    return KEYS.sub(lambda found: found.group(0) * 2, data), content


@forgery(FAMILY, "cheating signer: the certificate is not named")
def unnamed(shop):
    data, content = genuine(shop)
    made = re.sub(rb"<xades:SigningCertificateV2.*?</xades:SigningCertificateV2>", b"", data, flags=re.DOTALL)
    return signed_anew(made, shop), content


@forgery(FAMILY, "cheating signer: the certificate named is another's")
def misnamed(shop):
    data, content = genuine(shop)
    other = b64encode(hashlib.sha256(shop.pki.certificate("b_cadiou")).digest())
    made = re.sub(
        rb"(<xades:CertDigest>.*?<ds:DigestValue>)[^<]*", rb"\g<1>" + other, data, count=1, flags=re.DOTALL
    )
    return signed_anew(made, shop), content


PROPERTY_EDITS = {
    "the hour rewritten": edit(re.compile(rb"SigningTime>20"), b"SigningTime>19"),
    "the name of the file rewritten": edit(
        re.compile(rb"<xades:Description>[^<]*"), b"<xades:Description>budget-vote.xml"
    ),
    "the kind of the file rewritten": edit(b"application/xml", b"text/html"),
    "a role added": edit(
        b"</xades:SignedSignatureProperties>",
        b"<xades:SignerRoleV2><xades:ClaimedRoles><xades:ClaimedRole>Pr\xc3\xa9fet</xades:ClaimedRole>"
        b"</xades:ClaimedRoles></xades:SignerRoleV2></xades:SignedSignatureProperties>",
    ),
    "signed properties taken away": edit(PROPERTIES, b""),
    "signed properties of another signature": edit(
        re.compile(rb'(QualifyingProperties [^>]*Target=")#'), rb"\g<1>#x"
    ),
    "a comment in the hour": edit(re.compile(rb"SigningTime>20"), b"SigningTime><!-- -->20"),
    "a comment in the value of a hash": edit(
        re.compile(rb"<ds:DigestValue>(....)"), rb"<ds:DigestValue>\g<1><!-- -->"
    ),
}
for _variant, _make in PROPERTY_EDITS.items():
    if "comment" not in _variant and "of another signature" not in _variant:
        forgery(FAMILY, _variant)(_make)
forgery(FAMILY, "signed properties of another signature")(
    PROPERTY_EDITS["signed properties of another signature"]
)


@forgery(FAMILY, "a text cut by a comment")
def cut_by_comment(shop):
    """What follows a comment is overlooked by readers that take the first text alone: the hour and the name are signed whole."""
    data, content = genuine(shop)
    return re.sub(rb"(SigningTime>)20", rb"\g<1>2001-01-01T00:00:00+00:00<!-- -->20", data, count=1), content


ENTITIES = {
    "DOCTYPE": b"<!DOCTYPE x>",
    "entity": b'<!DOCTYPE x [<!ENTITY a "b">]>',
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
    "attribute declared as an Id": b"<!DOCTYPE x [<!ATTLIST budget Id ID #IMPLIED>]>",
}
for _variant, _doctype in ENTITIES.items():
    forgery(FAMILY, f"with a {_variant}")(edit(b"<ds:Signature", _doctype + b"<ds:Signature"))

forgery(FAMILY, "value of nothing")(edit(re.compile(rb"(<ds:SignatureValue[^>]*>)[^<]*"), rb"\g<1>"))
forgery(FAMILY, "a letter of the value")(
    lambda shop: __import__("tests.verification.corpus", fromlist=["x"]).other_xml_value(genuine(shop))
)


# In one file with what it signs


def enveloped(
    shop,
    *,
    label: str = "a_kervadec",
    body: bytes = b"<budget Id='b1'><ligne>Cercle nautique</ligne></budget>",
) -> bytes:
    """A budget that carries its signature, by signxml with its own defaults."""
    import signxml
    from cryptography import x509
    from signxml.xades import XAdESSigner

    own = x509.load_der_x509_certificate(shop.pki.certificate(label))
    above = x509.load_der_x509_certificate(shop.pki.certificate("interm"))
    signer = XAdESSigner(method=signxml.SignatureConstructionMethod.enveloped)
    root = etree.fromstring(body)
    made = signer.sign(root, key=secret(shop, "a_kervadec"), cert=[own, above])
    return etree.tostring(made, xml_declaration=True, encoding="UTF-8")


@forgery(FAMILY, "enveloped: a word changed")
def enveloped_changed(shop):
    return put(enveloped(shop), b"Cercle nautique", b"SARL ESCROC")


@forgery(FAMILY, "enveloped: an element added")
def enveloped_added(shop):
    return put(enveloped(shop), b"</ligne>", b"</ligne><ligne>SARL ESCROC</ligne>")


@forgery(FAMILY, "enveloped: the genuine one wrapped in a forged one")
def enveloped_wrapped(shop):
    own = enveloped(shop)
    body = own[own.index(b"<budget") :]
    signature = re.search(rb"<ds:Signature .*</ds:Signature>", body, re.DOTALL).group(0)
    return (
        b"<budget><ligne>SARL ESCROC</ligne>"
        + signature
        + b"<cache>"
        + put(body, signature, b"")
        + b"</cache></budget>"
    )


@forgery(FAMILY, "enveloped: the signature moved into a forged budget")
def enveloped_moved(shop):
    own = enveloped(shop)
    signature = re.search(rb"<ds:Signature .*</ds:Signature>", own, re.DOTALL).group(0)
    return b"<budget><ligne>SARL ESCROC</ligne>" + signature + b"</budget>"
