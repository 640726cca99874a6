"""Timestamps that prove nothing: of something else, by somebody who is no authority, at an hour that cannot be.

Sources: RFC 3161 §2.4.2; RFC 5816; ETSI EN 319 102-1 §5.4, §5.5.4; ETSI EN 319 422.
"""

import hashlib
from datetime import timedelta

from asn1crypto import cms
from cryptography import x509
from pyhanko.sign.timestamps import DummyTimeStamper, TimeStamper

from app.core.clock import now
from tests.attacks import minting, workshop
from tests.attacks.catalogue import forgery
from tests.attacks.minting import fresh, issued, secret
from tests.verification.corpus import YEAR, Tsa

FAMILY = "Horodatages"
TSA_USE = (x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")]), True)


class Clerk(DummyTimeStamper):
    """Anybody who stamps: his certificate, his key, his hour."""


def clerk(shop, certificate, key, moment=None, others=None) -> TimeStamper:
    by = minting.signer(shop, certificate, key, others)
    return Clerk(by.signing_cert, by.signing_key, certs_to_embed=by.cert_registry, fixed_dt=moment or now())


def stamped_by(shop, certificate, key, moment=None, others=None, **how) -> bytes:
    return minting.pdf(
        shop, shop.corpus.key("a_kervadec"), tsa=clerk(shop, certificate, key, moment, others), **how
    )


forgery(FAMILY, "of other bytes")(lambda shop: shop.stamped(level="B-T", tsa=Tsa(shop.pki, other=True)))
forgery(FAMILY, "its seal broken")(lambda shop: shop.stamped(level="B-T", tsa=Tsa(shop.pki, broken=True)))


@forgery(FAMILY, "a year ahead")
def future(shop):
    return shop.stamped(level="B-T", tsa=Tsa(shop.pki, now() + YEAR), claimed=now())


@forgery(FAMILY, "an hour ahead")
def soon(shop):
    return shop.stamped(level="B-T", tsa=Tsa(shop.pki, now() + timedelta(hours=1)), claimed=now())


@forgery(FAMILY, "a hundred days before the hour that the signer says")
def before_claim(shop):
    return shop.stamped(level="B-T", tsa=Tsa(shop.pki, now() - timedelta(days=100)), claimed=now())


@forgery(FAMILY, "an hour before the hour that the signer says")
def hour_before_claim(shop):
    return shop.stamped(level="B-T", tsa=Tsa(shop.pki, now() - timedelta(hours=1)), claimed=now())


@forgery(FAMILY, "before the certificate was born")
def before_birth(shop):
    return shop.stamped(level="B-T", tsa=Tsa(shop.pki, now() - YEAR * 0.8), claimed=now() - YEAR * 0.8)


@forgery(FAMILY, "by a person's certificate")
def by_person(shop):
    return stamped_by(shop, shop.pki.certificate("b_cadiou"), secret(shop, "b_cadiou"))


@forgery(FAMILY, "by the signer himself, before he was revoked")
def by_revoked_signer(shop):
    moment = now() - timedelta(days=60)
    by = clerk(shop, shop.pki.certificate("revoked"), secret(shop, "a_kervadec"), moment)
    return minting.pdf(shop, shop.corpus.key("revoked"), tsa=by, moment=moment)


@forgery(FAMILY, "by a certificate of our authority that is not made for it")
def without_use(shop):
    own = issued(shop, "Horloge", key=fresh(shop, "clock"), usage=("digital_signature",))
    return stamped_by(shop, own, fresh(shop, "clock"))


@forgery(FAMILY, "by a certificate made for it and for something else")
def two_uses(shop):
    both = x509.ExtendedKeyUsage([x509.ObjectIdentifier(f"1.3.6.1.5.5.7.3.{one}") for one in (8, 1)])
    own = issued(
        shop, "Horloge", key=fresh(shop, "clock"), usage=("digital_signature",), extensions=((both, True),)
    )
    return stamped_by(shop, own, fresh(shop, "clock"))


@forgery(FAMILY, "by a self-signed authority")
def self_signed(shop):
    key = fresh(shop, "clock")
    name = minting.named("Horodatage d’essai (FACTICE)")
    above = issued(shop, key=key, subject=name, issuer_key=key, revocable=False)
    own = issued(
        shop,
        key=key,
        subject=name,
        issuer_certificate=above,
        issuer_key=key,
        usage=("digital_signature",),
        extensions=(TSA_USE,),
        revocable=False,
    )
    return stamped_by(shop, own, key, others=())


@forgery(FAMILY, "by an authority that nobody knows")
def unknown(shop):
    foreign = x509.load_der_x509_certificate(shop.pki.certificate("foreign"))
    own = issued(
        shop,
        "Horodatage d’ailleurs",
        key=fresh(shop, "clock"),
        issuer_certificate=foreign,
        issuer_key=secret(shop, "foreign"),
        usage=("digital_signature",),
        extensions=(TSA_USE,),
        revocable=False,
    )
    return stamped_by(shop, own, fresh(shop, "clock"), others=(shop.pki.certificate("foreign"),))


@forgery(FAMILY, "by a revoked authority")
def revoked(shop):
    """Its number is on the list of revoked ones."""
    gone = x509.load_der_x509_certificate(shop.pki.certificate("revoked")).serial_number
    own = issued(
        shop,
        "Horodatage révoqué",
        key=fresh(shop, "clock"),
        usage=("digital_signature",),
        extensions=(TSA_USE,),
        serial=gone,
    )
    return stamped_by(shop, own, fresh(shop, "clock"))


@forgery(FAMILY, "by an authority whose certificate had expired")
def expired(shop):
    own = issued(
        shop,
        "Horodatage expiré",
        key=fresh(shop, "clock"),
        usage=("digital_signature",),
        extensions=(TSA_USE,),
        years=(-3, -1),
    )
    return stamped_by(shop, own, fresh(shop, "clock"))


def edited_token(data: bytes, change) -> bytes:
    """The token of a dated signature changed, in its container."""
    start, end, der = workshop.container(data)
    made = cms.ContentInfo.load(der)
    info = made["content"]["signer_infos"][0]
    for one in info["unsigned_attrs"]:
        if one["type"].native == "signature_time_stamp_token":
            one["values"] = [change(cms.ContentInfo.load(one["values"][0].dump()))]
    # Not by force: what changed is written anew all the same, and a container within a container took half a minute
    return workshop.filled(data, start, end, made.dump())


def dated(shop) -> bytes:
    return shop.once("dated", lambda: shop.stamped(level="B-T"))


@forgery(FAMILY, "its hour rewritten")
def hour_rewritten(shop):
    def change(token):
        raw = token.dump()
        info = token["content"]["encap_content_info"]["content"].parsed
        hour = info["gen_time"].contents
        earlier = b"2020" + hour[4:]
        return cms.ContentInfo.load(raw.replace(hour, earlier, 1))

    return edited_token(dated(shop), change)


@forgery(FAMILY, "of another signature of the same person")
def of_another(shop):
    other = shop.once(
        "dated other",
        lambda: shop.stamped(
            level="B-T", data=shop.compressed and shop.prepared(lambda pdf: pdf.pages.__delitem__(1))
        ),
    )
    _, _, der = workshop.container(other)
    theirs = cms.ContentInfo.load(der)["content"]["signer_infos"][0]["unsigned_attrs"][0]["values"][0]
    return edited_token(dated(shop), lambda _token: cms.ContentInfo.load(theirs.dump()))


@forgery(FAMILY, "rubbish in its place")
def rubbish(shop):
    return edited_token(
        dated(shop), lambda _token: cms.ContentInfo({"content_type": "data", "content": b"rien"})
    )


@forgery(FAMILY, "a signature in its place")
def signature_as_token(shop):
    return edited_token(dated(shop), lambda _token: cms.ContentInfo.load(workshop.container(shop.base)[2]))


@forgery(FAMILY, "over the document's hash instead of the value's")
def over_document(shop):
    import asyncio

    def change(_token):
        wrong = hashlib.sha256(dated(shop)).digest()
        return asyncio.run(Tsa(shop.pki).async_timestamp(wrong, "sha256"))

    return edited_token(dated(shop), change)


def second_false(shop):
    """A token of something else after the true one: anybody may add it, and it proves nothing."""
    import asyncio

    data = dated(shop)
    start, end, der = workshop.container(data)
    made = cms.ContentInfo.load(der)
    info = made["content"]["signer_infos"][0]
    wrong = asyncio.run(Tsa(shop.pki).async_timestamp(hashlib.sha256(b"autre").digest(), "sha256"))
    own = info["unsigned_attrs"][0]
    info["unsigned_attrs"] = [
        own,
        cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [wrong]}),
    ]
    return workshop.filled(data, start, end, made.dump(force=True))


@forgery(FAMILY, "expired certificate, hour before its end by a person's certificate")
def backdated(shop):
    moment = now() - YEAR
    by = clerk(shop, shop.pki.certificate("b_cadiou"), secret(shop, "b_cadiou"), moment)
    return minting.pdf(shop, shop.corpus.key("expired"), tsa=by, moment=moment)


for _form in ("cades", "xades"):
    forgery(FAMILY, f"{_form}: of other bytes")(
        lambda shop, form=_form: shop.corpus.beside(form, tsa=Tsa(shop.pki, other=True))
    )
    forgery(FAMILY, f"{_form}: its seal broken")(
        lambda shop, form=_form: shop.corpus.beside(form, tsa=Tsa(shop.pki, broken=True))
    )
    forgery(FAMILY, f"{_form}: a year ahead")(
        lambda shop, form=_form: shop.corpus.beside(form, tsa=Tsa(shop.pki, now() + YEAR))
    )


@forgery(FAMILY, "xades: a hundred days before the hour that the signer says")
def xades_before_claim(shop):
    return shop.corpus.beside("xades", tsa=Tsa(shop.pki, now() - timedelta(days=100)))
