"""Honest files: nothing of what was signed was changed, by whomever and with whatever program it was signed.

None is ever « invalide »; those of authorities that are unknown here, or completed since, are « indéterminé ».
"""

from datetime import timedelta
from pathlib import Path

import pikepdf
from asn1crypto import x509
from pikepdf import Array, Dictionary, Name
from pyhanko.sign.fields import MDPPerm

from app.core.clock import now
from tests.attacks import (
    cms_forgeries,
    minting,
    pdf_fields,
    pdf_structure,
    pdf_wrapping,
    pes_forgeries,
    standing,
    times,
    workshop,
)
from tests.attacks import xades_forgeries as xades
from tests.attacks.catalogue import honest
from tests.attacks.pdf_structure import stored, timestamped
from tests.attacks.workshop import changed, thing
from tests.verification.corpus import DOCUMENT, YEAR, Tsa, run

PDF, MORE, FORM, OTHERS = "PDF", "PDF complété", "PDF formulaire", "PDF d’ailleurs"
CMS, XADES, PES, TIMES = "CMS", "XAdES", "PES", "Horodatages"
BESIDE = (60, 44, 200, 98)  # where the first page says nothing
ASSETS = Path(__file__).parents[1] / "assets"

# Levels, keys, forms

honest(PDF, "as pyHanko signs")(lambda shop: shop.base)
honest(PDF, "object streams and cross-reference stream")(lambda shop: shop.compressed)
honest(PDF, "as Paraphe signs")(lambda shop: shop.ours)
honest(PDF, "signed by hand, ranges as they should be")(pdf_wrapping.roomy)
for _level in ("B-T", "B-LT", "B-LTA"):
    honest(PDF, f"level {_level}")(lambda shop, level=_level: shop.stamped(level=level))
for _variant, _label in {
    "elliptic curve P-256": "ec",
    "elliptic curve P-384": "p384",
    "RSA 3072": "rsa3072",
    "RSA 4096": "rsa4096",
    "seal of the commune": "seal",
    "qualified certificate": "qualified",
    "qualified seal": "eseal",
    "card whose issuer is named by its certificate": "card_rsa",
    "of an authority that nobody knows here": "foreign_root",
}.items():
    honest(PDF, _variant)(lambda shop, label=_label: shop.stamped(label=label, level="B-T"))
honest(PDF, "older than PAdES")(lambda shop: shop.stamped(pades=False))
honest(PDF, "older than PAdES, dated")(lambda shop: shop.stamped(pades=False, level="B-T"))
honest(PDF, "invisible")(lambda shop: shop.corpus.signed(level="B-B"))
honest(PDF, "invisible, dated")(lambda shop: shop.corpus.signed())
honest(PDF, "encrypted, readable by all")(lambda shop: shop.corpus.encrypted(""))
honest(PDF, "expired since, dated")(lambda shop: shop.stamped(label="expired", level="B-T", at=now() - YEAR))
honest(PDF, "revoked since, dated")(
    lambda shop: shop.stamped(label="revoked", level="B-T", at=now() - timedelta(days=60))
)
honest(PDF, "linearised, then signed")(lambda shop: shop.stamped(workshop.resaved(DOCUMENT, linearize=True)))
honest(PDF, "linearised, then signed by Paraphe")(
    lambda shop: shop.sealed(workshop.resaved(DOCUMENT, linearize=True))
)
honest(PDF, "object streams written by qpdf, then signed")(
    lambda shop: shop.stamped(
        workshop.resaved(DOCUMENT, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    )
)
honest(PDF, "signed on the second page")(
    lambda shop: shop.stamped(workshop.with_field(shop.plain, "Signature1", workshop.STAMP_BOX, page=1))
)


@honest(PDF, "RSA-PSS")
def pss(shop):
    by = shop.corpus.key("a_kervadec")
    by.prefer_pss = True
    return minting.pdf(shop, by)


@honest(PDF, "SHA-512")
def sha512(shop):
    return minting.pdf(shop, shop.corpus.key("a_kervadec"), md_algorithm="sha512")


@honest(PDF, "a reason, a place, a contact")
def reason(shop):
    said = {
        "reason": "Maire",
        "location": "Kerlann-sur-Mer",
        "contact_info": "mairie@kerlann-sur-mer.example",
    }
    return minting.pdf(shop, shop.corpus.key("a_kervadec"), **said)


@honest(PDF, "certificate minted by the test authority")
def minted(shop):
    """The control of every forged certificate: the same, with nothing wrong."""
    return minting.pdf(shop, minting.signer(shop, minting.issued(shop)))


@honest(PDF, "certificate made for signing documents")
def document_signing(shop):
    """RFC 9336: the use « document signing »."""
    own = minting.issued(shop, purposes=("1.3.6.1.5.5.7.3.36",))
    return minting.pdf(shop, minting.signer(shop, own))


@honest(PDF, "certificate made for mail and for the authority's own use")
def mail_use(shop):
    """What French authorities give to persons: e-mail protection, client authentication, Microsoft's document signing."""
    own = minting.issued(shop, purposes=("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.10.3.12"))
    return minting.pdf(shop, minting.signer(shop, own))


@honest(PDF, "authority under ours")
def under(shop):
    key = minting.fresh(shop, "under")
    authority = minting.issued(
        shop, "AC dessous", key=key, usage=("key_cert_sign", "crl_sign"), authority=True
    )
    own = minting.issued(shop, issuer_certificate=authority, issuer_key=key, revocable=False)
    above = (standing.der(authority), shop.pki.certificate("interm"))
    return minting.pdf(shop, minting.signer(shop, own, others=above))


@honest(PDF, "turned page")
def turned(shop):
    return shop.stamped(shop.prepared(lambda pdf: pdf.pages[0].__setattr__("Rotate", 90)))


@honest(PDF, "an annotation and a link of the author's")
def annotated(shop):
    def author(pdf):
        note = Dictionary(
            Type=Name.Annot, Subtype=Name.Text, Rect=Array([20, 800, 40, 820]), Contents="À relire"
        )
        link = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Link,
            Rect=Array([60, 800, 120, 820]),
            A=Dictionary(S=Name.URI, URI="https://kerlann-sur-mer.example"),
        )
        pdf.pages[0].Annots = Array([pdf.make_indirect(note), pdf.make_indirect(link)])

    return shop.stamped(shop.prepared(author))


for _name in sorted(one.stem for one in (ASSETS / "acts").glob("*.pdf")):
    honest(PDF, f"act: {_name}")(
        lambda shop, name=_name: shop.corpus.signed(
            level="B-B", data=(ASSETS / "acts" / f"{name}.pdf").read_bytes()
        )
    )
for _name in ("fx-basic-fr-ok", "fx-en16931-fr-avec-piece-jointe"):
    honest(PDF, f"invoice with its data: {_name}")(
        lambda shop, name=_name: shop.corpus.signed(
            level="B-B", data=(ASSETS / "invoices" / f"{name}.pdf").read_bytes()
        )
    )

# Signed by several, certified, kept for ever


@honest(MORE, "two signers, both fields made before")
def two(shop):
    return shop.corpus.two({"level": "B-B"}, {"level": "B-B"})


@honest(MORE, "two signers with stamps")
def two_stamps(shop):
    data = workshop.with_field(shop.plain, "Signature2", BESIDE)
    return shop.stamped(shop.stamped(data), "Signature2", label="b_cadiou")


@honest(MORE, "second signer in a new field with a stamp beside")
def new_field(shop):
    return shop.stamped(shop.base, "Signature2", BESIDE, label="b_cadiou")


@honest(MORE, "three signers")
def three(shop):
    data = shop.stamped(shop.base, "Signature2", BESIDE, label="b_cadiou")
    return shop.stamped(data, "Signature3", (210, 44, 320, 98), label="ec")


@honest(MORE, "two signers by Paraphe")
def two_ours(shop):
    return shop.sealed(shop.sealed(), "b_cadiou", "secretaire")


@honest(MORE, "signed by Paraphe, then elsewhere in a new field")
def ours_then_others(shop):
    return shop.stamped(
        workshop.with_field(shop.ours, "Prefecture", BESIDE, page=1), "Prefecture", label="b_cadiou"
    )


@honest(MORE, "signed elsewhere, then by Paraphe")
def others_then_ours(shop):
    return shop.sealed(shop.compressed, "b_cadiou")


@honest(MORE, "two signers, then kept for ever")
def two_archived(shop):
    return shop.corpus.two({"level": "B-LT"}, {"level": "B-LTA"})


@honest(MORE, "proofs added later")
def proofs_later(shop):
    return stored(shop.stamped(level="B-T"), certs=[x509.Certificate.load(shop.pki.certificate("interm"))])


@honest(MORE, "answers of the authority added later")
def answers_later(shop):
    return shop.corpus.with_old_answer(shop.stamped(level="B-T"), "a_kervadec", now())


@honest(MORE, "archive renewed")
def renewed(shop):
    return timestamped(shop, shop.stamped(level="B-LTA"))


@honest(MORE, "a document timestamp over a signature of level B-B")
def stamped_later(shop):
    return timestamped(shop, shop.base)


@honest(MORE, "archived, then signed by somebody else")
def archived_then_signed(shop):
    data = workshop.with_field(shop.plain, "Signature2", BESIDE)
    return shop.stamped(shop.stamped(data, level="B-LTA"), "Signature2", label="b_cadiou")


for _level in MDPPerm:
    honest(MORE, f"certified, P={_level.value}")(lambda shop, level=_level: shop.stamped(certify=level))
    honest(MORE, f"certified, P={_level.value}, then proofs added")(
        lambda shop, level=_level: stored(
            shop.stamped(certify=level, level="B-T"),
            certs=[x509.Certificate.load(shop.pki.certificate("interm"))],
        )
    )
for _level in (MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE):
    honest(MORE, f"certified, P={_level.value}, then signed in the field left for it")(
        lambda shop, level=_level: shop.stamped(
            shop.stamped(workshop.with_field(shop.plain, "Signature2", BESIDE), certify=level),
            "Signature2",
            label="b_cadiou",
        )
    )

# A document management system writes what it knows of the file


def info(writer) -> None:
    reference = writer.trailer.raw_get("/Info")
    writer.get_object(reference.reference)["/Keywords"] = thing("GED 2026-0057")
    writer.mark_update(reference)


@honest(MORE, "keywords added by a document management system")
def keywords(shop):
    return changed(shop.base, info)


def xmp(writer) -> None:
    packet = (
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:g="urn:ged" g:cote="2026-0057"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    found = writer.root["/Metadata"]
    found._data, found._encoded_data = packet, None
    if "/Filter" in found:
        del found["/Filter"]
    writer.update_container(found)


@honest(MORE, "metadata written by a document management system")
def metadata(shop):
    return changed(shop.base, xmp)


@honest(MORE, "keywords and metadata, twice")
def metadata_twice(shop):
    return changed(changed(shop.base, info), xmp)


@honest(MORE, "keywords added to what Paraphe signed")
def keywords_ours(shop):
    return changed(shop.ours, info)


@honest(MORE, "blank lines after the end")
def blank_lines(shop):
    return shop.base + b"\r\n\n  \n"


@honest(
    MORE,
    "an answer's header before the file's own",
    note="no viewer reads it, and the file after it is whole",
)
def rubbish_before(shop):
    return pdf_structure.rubbish_before(shop)


@honest(MORE, "an update with nothing in it")
def empty_update(shop):
    return changed(shop.base, lambda writer: writer.add_object(thing({})))


@honest(MORE, "an extension of the format declared", note="what is shown does not depend on it")
def extension(shop):
    def declare(writer):
        writer.root["/Extensions"] = thing({"ESIC": {"BaseVersion": "/1.7", "ExtensionLevel": 1}})
        writer.update_root()

    return changed(shop.base, declare)


@honest(MORE, "a free signature field prepared for somebody, without appearance")
def free_field(shop):
    """As a circuit prepares it: the box is there, nothing is drawn in it."""
    return workshop.with_field(shop.base, "Signature2", BESIDE)


# Forms


def filled_before(pdf: pikepdf.Pdf) -> None:
    pdf_fields.form(pdf)
    text, check = pdf.Root.AcroForm.Fields[:2]
    text.V = pikepdf.String("vu")
    text.AP = Dictionary(N=pdf_fields.form_xobject(pdf, "vu"))
    check.V = check.AS = Name.Oui


@honest(FORM, "with free fields")
def free_fields(shop):
    return pdf_fields.signed_form(shop)


@honest(FORM, "filled, then signed")
def filled_then_signed(shop):
    return shop.stamped(shop.prepared(filled_before))


def look(writer, size, text: str):
    return workshop.stream(
        writer,
        f"BT /F9 10 Tf 4 {size[1] // 3} Td ({text}) Tj ET".encode(),
        Type="/XObject",
        Subtype="/Form",
        BBox=[0, 0, *size],
        Resources={"Font": workshop.HELVETICA},
    )


def fill_text(writer) -> None:
    field = pdf_fields.field_of(writer, "observations")
    field["/V"] = thing("vu")
    field["/AP"] = thing({"N": look(writer, (200, 30), "vu")})
    writer.update_container(field)


@honest(FORM, "signed, then a text filled", note="completed since: never green, never invalid")
def text_filled(shop):
    return changed(pdf_fields.signed_form(shop), fill_text)


@honest(FORM, "signed, then a small box ticked", note="completed since: never green, never invalid")
def box_ticked(shop):
    return changed(pdf_fields.signed_form(shop), pdf_fields.set_entries("accord", V="/Oui", AS="/Oui"))


@honest(FORM, "certified for filling, then a text filled", note="completed since, as its author allows")
def certified_filled(shop):
    return changed(pdf_fields.certified(shop, MDPPerm.FILL_FORMS), fill_text)


@honest(FORM, "certified for filling, filled, then signed")
def certified_filled_signed(shop):
    data = workshop.with_field(shop.prepared(pdf_fields.form), "Signature2", BESIDE)
    data = changed(shop.stamped(data, certify=MDPPerm.FILL_FORMS), fill_text)
    return shop.stamped(data, "Signature2", label="b_cadiou")


@honest(FORM, "signed, then a field made read-only", note="nothing that is shown or said changes")
def read_only(shop):
    return changed(pdf_fields.signed_form(shop), pdf_fields.set_entries("observations", Ff=1))


# Of other programs and other authorities: tests/assets/pdf/README.md says where they come from

FOREIGN = (
    "dss-DSS-2025",
    "dss-Signature-P-PK7-2",
    "dss-dss-2554_fieldmdp-exclude-signed",
    "dss-pdf-with-vri-timestamp",
    "dss-pkcs7",
    "dss-timestamped-fields",  # two document timestamps and no person's signature
)
for _name in FOREIGN:
    honest(OTHERS, _name, otherwise="sans signature" if _name == "dss-timestamped-fields" else "")(
        lambda shop, name=_name: (ASSETS / "pdf" / f"{name}.pdf").read_bytes()
    )


# CMS

honest(CMS, "made by hand")(lambda shop: (cms_forgeries.genuine(shop), cms_forgeries.CONTENT))
honest(CMS, "content inside, made by hand")(
    lambda shop: cms_forgeries.genuine(shop, inside=cms_forgeries.CONTENT)
)
honest(CMS, "openssl, CAdES")(lambda shop: shop.corpus.cms())
honest(CMS, "openssl, without the signing certificate", note="not named: never green, never invalid")(
    lambda shop: shop.corpus.cms(cades=False)
)
honest(CMS, "openssl, armoured")(lambda shop: shop.corpus.cms(form="PEM"))
honest(CMS, "openssl, two signers")(lambda shop: shop.corpus.cms("a_kervadec", "b_cadiou"))
honest(CMS, "openssl, elliptic curve")(lambda shop: shop.corpus.cms("ec"))
honest(CMS, "openssl, of an authority that nobody knows here")(lambda shop: shop.corpus.cms("foreign_root"))
honest(CMS, "openssl, content inside")(lambda shop: shop.corpus.cms(opaque=True)[0])


def by_openssl(shop, *more: str) -> tuple[bytes, bytes]:
    """A .p7s by openssl with more of its options."""
    shop.corpus.cms()
    room = shop.corpus.room
    content, target = room / "content.xml", room / "more.p7s"
    run(
        *("openssl", "cms", "-sign", "-binary", "-cades", "-in", str(content), "-outform", "DER"),
        *("-md", "sha256", "-signer", str(room / "a_kervadec.pem"), "-certfile", str(room / "interm.pem")),
        *("-out", str(target), *more),
    )
    return target.read_bytes(), content.read_bytes()


honest(CMS, "openssl, RSA-PSS")(lambda shop: by_openssl(shop, "-keyopt", "rsa_padding_mode:pss"))
honest(CMS, "openssl, SHA-512")(lambda shop: by_openssl(shop, "-md", "sha512"))
honest(CMS, "openssl, lengths left open (BER)", note="a stream of unknown length, RFC 5652 §5.2")(
    lambda shop: by_openssl(shop, "-nodetach", "-stream", "-indef")[0]
)
for _label in ("a_kervadec", "ec", "p384", "seal"):
    for _dated in (False, True):
        honest(CMS, f"Paraphe, {_label}{', dated' if _dated else ''}")(
            lambda shop, label=_label, dated=_dated: shop.corpus.beside("cades", label, dated=dated)
        )


@honest(CMS, "attributes in another order than DER's", note="the same attributes, signed in the right order")
def order(shop):
    return cms_forgeries.order(shop)


# XAdES

for _label in ("a_kervadec", "rsa4096", "ec", "p384", "seal"):
    for _dated in (False, True):
        honest(XADES, f"Paraphe, {_label}{', dated' if _dated else ''}")(
            lambda shop, label=_label, dated=_dated: shop.corpus.beside("xades", label, dated=dated)
        )


@honest(XADES, "a comment outside the signed parts")
def comment_outside(shop):
    data, content = xades.genuine(shop)
    return data.replace(b"<ds:KeyInfo", b"<!-- relu --><ds:KeyInfo", 1), content


honest(XADES, "signxml, enveloped")(xades.enveloped)


# PES

honest(PES, "bordereau by bordereau")(pes_forgeries.flow)
honest(PES, "the whole flow")(pes_forgeries.whole)
honest(PES, "bordereau by bordereau, key of a file")(lambda shop: shop.corpus.flow().read_bytes())
honest(PES, "RSA 4096")(lambda shop: shop.corpus.flow("rsa4096").read_bytes())
honest(PES, "another program, bordereau by bordereau")(
    lambda _shop: (ASSETS / "pes" / "signe_par_bordereau.xml").read_bytes()
)
honest(PES, "another program, the whole flow")(
    lambda _shop: (ASSETS / "pes" / "signe_global.xml").read_bytes()
)
honest(PES, "a comment in a bordereau", note="the Treasury’s canonical form leaves comments out")(
    lambda shop: pes_forgeries.flow(shop).replace(b"</BlocBordereau>", b"<!-- vu --></BlocBordereau>", 1)
)


# Timestamps


@honest(TIMES, "by an authority minted here, made for it alone")
def own_clock(shop):
    own = minting.issued(
        shop,
        "Horloge",
        key=minting.fresh(shop, "clock"),
        usage=("digital_signature",),
        extensions=(times.TSA_USE,),
    )
    return times.stamped_by(shop, own, minting.fresh(shop, "clock"))


@honest(TIMES, "a true one and one that proves nothing", note="anybody may add the second: the first counts")
def second_false(shop):
    return times.second_false(shop)


@honest(TIMES, "two minutes behind the signer's clock")
def behind(shop):
    return shop.stamped(level="B-T", tsa=Tsa(shop.pki, now() - timedelta(minutes=2)), claimed=now())
