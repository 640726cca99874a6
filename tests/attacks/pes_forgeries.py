"""Forgeries of signed accounting flows: amounts, bordereaux moved, doubled or added, encodings, the Treasury's profile.

Sources: PES v2 signature policy of the DGFiP (urn:oid:1.2.250.1.131.1.5.18.21.1.7); McIntosh and Austel (2005).
"""

import re
from base64 import b64encode

from app.verification.readers.pes import profile
from tests.attacks.catalogue import forgery
from tests.builders import pes
from tests.verification import corpus
from tests.verification.corpus import put

FAMILY = "PES"
FIRST, SECOND = "BD2025-000001", "BD2025-000002"


def flow(shop) -> bytes:
    return shop.once("flow", lambda: shop.corpus.flow("card_rsa").read_bytes())


def whole(shop) -> bytes:
    """A flow signed in one piece."""
    return shop.once(
        "whole flow", lambda: shop.corpus.flow("card_rsa", "depense_signature_globale").read_bytes()
    )


def parts(data: bytes):
    first = pes.FIRST.search(data).group(0)
    signature = pes.SIGNATURE.search(first).group(0)
    bare = pes.SIGNATURE.sub(b"", first)
    scam = put(bare, b"FR7630001007941234567890185", b"FR7612345678901234567890123")
    return first, signature, bare, scam


def resigned(shop, edit, label: str = "card_rsa") -> bytes:
    """Each signature changed, then signed anew by the very key of the signer."""
    from app.signing.keys.pkcs12 import Pkcs12Key

    path = shop.room / "flow-to-resign.xml"
    path.write_bytes(flow(shop))
    key = Pkcs12Key.load(shop.pki.p12(label), shop.pki.passphrase)
    return pes.resigned(path, key, edit).read_bytes()


CHANGES = {
    "an amount": (b'<MtBordHT V="', b'<MtBordHT V="9'),
    "an account number": (b"FR7630001007941234567890185", b"FR7612345678901234567890123"),
    "a space": (b"<BlocBordereau>", b"<BlocBordereau> "),
    "an element added": (b"</BlocBordereau>", b"<Escroc/></BlocBordereau>"),
    "an instruction": (b"</BlocBordereau>", b"<?paye deux fois?></BlocBordereau>"),
    "an attribute of the bordereau": (
        b'<Bordereau Id="BD2025-000001">',
        b'<Bordereau Id="BD2025-000001" x="1">',
    ),
    "a character reference in an amount": (b'<MtBordHT V="', b'<MtBordHT V="&#57;'),
}
for _variant, (_before, _after) in CHANGES.items():
    forgery(FAMILY, f"changed: {_variant}", victim=FIRST)(
        lambda shop, before=_before, after=_after: put(flow(shop), before, after)
    )
for _variant, (_before, _after) in {
    "an amount": (b'<MtBordHT V="', b'<MtBordHT V="9'),
    "a budget": (b'<CodCol V="', b'<CodCol V="9'),
    "an attachment": (b"<TypePJ", b" <TypePJ"),
}.items():
    forgery(FAMILY, f"signed whole, changed: {_variant}")(
        lambda shop, before=_before, after=_after: put(whole(shop), before, after)
    )


@forgery(FAMILY, "wrapped: the genuine bordereau hidden in the signature", victim=FIRST)
def wrapped(shop):
    path = shop.room / "flow.xml"
    path.write_bytes(flow(shop))
    return corpus.wrapped(path)


@forgery(FAMILY, "wrapped: the genuine bordereau hidden, the forged one of another Id", victim="BD2025-00000")
def wrapped_other(shop):
    data = flow(shop)
    first, signature, bare, scam = parts(data)
    hidden = put(signature, b"</ds:Signature>", b"<ds:Object>" + bare + b"</ds:Object></ds:Signature>")
    shown = put(scam, b"</Bordereau>", hidden + b"</Bordereau>").replace(
        b"BD2025-000001", b"BD2025-000009", 1
    )
    return put(data, first, shown)


for _variant, _place in {
    "among the attachments": b"<PES_PJ>",
    "at the end of the flow": b"</n:PES_Aller>",
    "in the header": b"<EnTeteDepense>",
}.items():

    @forgery(FAMILY, f"moved: the genuine bordereau {_variant}", victim="BD2025-000009")
    def moved_aside(shop, place=_place):
        data = flow(shop)
        first, _, _, scam = parts(data)
        made = put(data, first, scam.replace(b"-000001", b"-000009", 1))
        return put(made, place, first + place if place.startswith(b"</") else place + first)


@forgery(FAMILY, "doubled: a forged bordereau of the same Id before", victim=FIRST)
def doubled(shop):
    data = flow(shop)
    first, signature, _, scam = parts(data)
    return put(data, first, put(scam, b"</Bordereau>", signature + b"</Bordereau>") + first)


@forgery(FAMILY, "doubled: the genuine bordereau, to be paid twice", victim=FIRST)
def paid_twice(shop):
    data = flow(shop)
    first = parts(data)[0]
    return put(data, first, first + first)


@forgery(FAMILY, "added: a bordereau that nobody signed", victim="BD2025-000003")
def unsigned_added(shop):
    data = flow(shop)
    first, _, _, scam = parts(data)
    return put(data, first, first + scam.replace(b"-000001", b"-000003"))


@forgery(FAMILY, "taken away: the signature of the first", victim=FIRST)
def signature_taken(shop):
    return pes.SIGNATURE.sub(b"", flow(shop), count=1)


@forgery(FAMILY, "exchanged: the signatures of both bordereaux")
def exchanged(shop):
    data = flow(shop)
    one, two = pes.SIGNATURE.findall(data)
    return data.replace(one, b"@").replace(two, one).replace(b"@", two)


@forgery(FAMILY, "exchanged: the bordereaux' Ids")
def exchanged_ids(shop):
    data = flow(shop)
    return (
        data.replace(b'Bordereau Id="BD2025-000001"', b"@", 1)
        .replace(b'Bordereau Id="BD2025-000002"', b'Bordereau Id="BD2025-000001"', 1)
        .replace(b"@", b'Bordereau Id="BD2025-000002"', 1)
    )


@forgery(FAMILY, "moved: the signature to the beginning of its bordereau", victim=FIRST)
def signature_moved(shop):
    path = shop.room / "flow.xml"
    path.write_bytes(flow(shop))
    return corpus.moved(path)


@forgery(FAMILY, "doubled: the signature twice in its bordereau", victim=FIRST)
def signature_twice(shop):
    data = flow(shop)
    one = pes.SIGNATURE.search(data).group(0)
    return put(data, one, one + one.replace(b"_SIG", b"_SIG2"))


@forgery(FAMILY, "both: the flow and its bordereaux")
def both(shop):
    data = flow(shop)
    one = pes.SIGNATURE.search(data).group(0)
    return put(data, b"</n:PES_Aller>", one + b"</n:PES_Aller>")


@forgery(FAMILY, "an Id twice", victim=FIRST)
def id_twice(shop):
    return put(flow(shop), b"<PES_PJ>", b'<PES_PJ Id="BD2025-000001">')


@forgery(FAMILY, "encoding announced is another")
def encoding(shop):
    return re.sub(rb'encoding="[^"]*"', b'encoding="UTF-8"', flow(shop), count=1)


@forgery(FAMILY, "encoding announced is another, bytes below 128 alone differ in meaning")
def utf7(shop):
    return re.sub(rb'encoding="[^"]*"', b'encoding="UTF-7"', flow(shop), count=1)


@forgery(FAMILY, "with a DOCTYPE")
def doctype(shop):
    data = flow(shop)
    at = data.index(b"?>") + 2
    return data[:at] + b'<!DOCTYPE x [<!ENTITY a "9">]>' + data[at:]


@forgery(FAMILY, "the elements of another name space")
def name_space(shop):
    return put(
        flow(shop), b'<Bordereau Id="BD2025-000001">', b'<Bordereau xmlns="urn:autre" Id="BD2025-000001">'
    )


INSIDE = {
    "a comment in the signature": (b"<ds:KeyInfo>", b"<!-- --><ds:KeyInfo>"),
    "a text in the signature": (b"<ds:Object>", b"<ds:Object>texte"),
    "the hour rewritten": (b"<xad:SigningTime>20", b"<xad:SigningTime>19"),
    "the role rewritten": (b"<xad:ClaimedRole>Maire", b"<xad:ClaimedRole>Comptable"),
    "the place rewritten": (b"Kerlann-sur-Mer</xad:City>", b"Paris</xad:City>"),
    "the policy rewritten": (b".21.1.7<", b".21.1.4<"),
    "the value changed": (b"<ds:SignatureValue", b"<ds:SignatureValue x='1'"),
}
for _variant, (_before, _after) in INSIDE.items():
    forgery(FAMILY, f"inside: {_variant}", victim=FIRST)(
        lambda shop, before=_before, after=_after: put(flow(shop), before, after)
    )

PROFILES = {
    "policy that nobody knows": (".21.1.7<", ".21.1.99<"),
    "policy that was replaced": (".21.1.7<", ".21.1.4<"),
    "hash of the policy is another": (profile.CURRENT.sha256, "A" * 43 + "="),
    "SHA-1": ("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1"),
    "no role": ("<xad:ClaimedRole>Maire<", "<xad:ClaimedRole><"),
    "an hour of the past century": ("<xad:SigningTime>20", "<xad:SigningTime>19"),
    "an hour of next year": ("<xad:SigningTime>2026-", "<xad:SigningTime>2027-"),
    "properties of another signature": ('Target="#', 'Target="#x'),
}
for _variant, (_before, _after) in PROFILES.items():
    forgery(FAMILY, f"cheating signer: {_variant}")(
        lambda shop, before=_before, after=_after: resigned(shop, lambda text: text.replace(before, after))
    )


@forgery(FAMILY, "signed anew by another key")
def other_key(shop):
    return resigned(shop, lambda text: text, "a_kervadec")


@forgery(FAMILY, "signed anew by another key, its certificate in the place of the other")
def other_certificate(shop):
    own, other = (b64encode(shop.pki.certificate(one)).decode() for one in ("card_rsa", "a_kervadec"))
    return resigned(shop, lambda text: text.replace(own, other), "a_kervadec")


for _variant, _label in {
    "expired": "expired",
    "revoked": "revoked",
    "for identification": "auth_only",
    "of an authority that nobody knows": "foreign_root",
    "not yet valid": "future",
}.items():
    forgery(FAMILY, f"certificate {_variant}")(
        lambda shop, label=_label: shop.corpus.flow(label).read_bytes()
    )
